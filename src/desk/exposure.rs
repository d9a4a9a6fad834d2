//! What the house holds in each instrument, followed from the output log.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use siaga_risk::event::{PositionChange, Side};
use siaga_risk::ids::{AccountId, CurrencyId, InstrumentId, PositionId};
use siaga_risk::units::{Money, Qty, pow10};

use crate::gateway::core::ExposureRow;
use crate::gateway::directory::Directory;
use crate::gateway::live::Live;

/// What the house holds. Filled from the machine at the start, then by every change.
#[derive(Debug, Default)]
pub struct ExposureTable(RwLock<Held>);

/// The open positions, and what each instrument comes to: whoever asks reads a line per instrument, while the follower of
/// the log waits for it, and not a line per position.
#[derive(Debug, Default)]
struct Held {
    open: BTreeMap<PositionId, Position>,
    sums: BTreeMap<InstrumentId, Sum>,
}

/// As much of a position as is summed.
#[derive(Clone, Copy, Debug)]
struct Position {
    instrument: InstrumentId,
    account: AccountId,
    side: Side,
    qty: Qty,
}

/// Lot steps wider than one position's, so that every change can be taken back exactly.
#[derive(Debug, Default)]
struct Sum {
    long: i128,
    short: i128,
    /// How many positions each account has here.
    accounts: BTreeMap<AccountId, u32>,
}

impl ExposureTable {
    /// Takes a position as it is now; closed ones leave the table.
    pub fn put(&self, change: &PositionChange) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = held.open.remove(&change.id) {
            held.take_out(&before);
        }
        if change.qty.0 == 0 {
            return;
        }
        let position = Position {
            instrument: change.instrument,
            account: change.account,
            side: change.side,
            qty: change.qty,
        };
        held.open.insert(change.id, position);
        held.add(&position);
    }

    /// A row per instrument that somebody holds.
    pub fn rows(&self, live: &Live, directory: &Directory) -> Vec<ExposureRow> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let sums = held.sums.iter();
        let sums: Vec<_> = sums
            .map(|(instrument, sum)| {
                let accounts = u32::try_from(sum.accounts.len()).unwrap_or(u32::MAX);
                (*instrument, steps(sum.long), steps(sum.short), accounts)
            })
            .collect();
        drop(held);
        sums.into_iter()
            .map(|(instrument, long, short, accounts)| ExposureRow {
                instrument,
                long: Qty(long),
                short: Qty(short),
                net_house: net_house(live, directory, instrument, long - short),
                accounts,
            })
            .collect()
    }
}

impl Held {
    fn add(&mut self, position: &Position) {
        let sum = self.sums.entry(position.instrument).or_default();
        *sum.of(position.side) += i128::from(position.qty.0);
        *sum.accounts.entry(position.account).or_default() += 1;
    }

    fn take_out(&mut self, position: &Position) {
        let Some(sum) = self.sums.get_mut(&position.instrument) else {
            return;
        };
        *sum.of(position.side) -= i128::from(position.qty.0);
        if let Some(positions) = sum.accounts.get_mut(&position.account) {
            *positions -= 1;
            if *positions == 0 {
                sum.accounts.remove(&position.account);
            }
        }
        if sum.accounts.is_empty() {
            self.sums.remove(&position.instrument);
        }
    }
}

impl Sum {
    fn of(&mut self, side: Side) -> &mut i128 {
        match side {
            Side::Buy => &mut self.long,
            Side::Sell => &mut self.short,
        }
    }
}

/// Lot steps as they are shown; what does not fit is held at the end.
fn steps(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(i64::MAX)
}

/// Net value in the house currency at current mids: direct, or through the pair that quotes it.
/// For display: no decision looks at it.
fn net_house(
    live: &Live,
    directory: &Directory,
    instrument: InstrumentId,
    net: i64,
) -> Option<Money> {
    let entry = directory.instrument(instrument)?;
    let terms = &entry.terms;
    let mark = live.mark(instrument)?;
    let mid2 = i128::from(mark.bid.0) + i128::from(mark.ask.0);
    let house = directory.house_currency;
    let digits = directory.money_digits(house);
    // Value in the quote currency × 2, scaled by price, lot and contract digits.
    let value2 = mid2
        .checked_mul(i128::from(net))?
        .checked_mul(i128::from(terms.contract_size))?;
    let scale = i128::from(pow10(terms.price_digits))
        .checked_mul(i128::from(pow10(terms.qty_digits)))?
        .checked_mul(i128::from(pow10(terms.contract_digits)))?
        .checked_mul(2)?;
    let (rate_numerator, rate_denominator) = rate(live, directory, terms.quote, house)?;
    let amount = value2
        .checked_mul(i128::from(pow10(digits)))?
        .checked_div(scale)?
        .checked_mul(rate_numerator)?
        .checked_div(rate_denominator)?;
    i64::try_from(amount).ok().map(Money)
}

/// One unit of `from` in `to`, as a fraction of mids.
fn rate(
    live: &Live,
    directory: &Directory,
    from: CurrencyId,
    to: CurrencyId,
) -> Option<(i128, i128)> {
    if from == to {
        return Some((1, 1));
    }
    directory.instruments().find_map(|entry| {
        let terms = &entry.terms;
        let mark = live.mark(terms.id)?;
        let mid2 = i128::from(mark.bid.0) + i128::from(mark.ask.0);
        let scale = i128::from(pow10(terms.price_digits)) * 2;
        match (terms.base, terms.quote) {
            (base, quote) if base == from && quote == to => Some((mid2, scale)),
            (base, quote) if base == to && quote == from && mid2 > 0 => Some((scale, mid2)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::Protection;
    use siaga_risk::units::{Price, Ts};

    use super::*;

    fn change(id: u64, account: u32, instrument: u32, qty: i64) -> PositionChange {
        let side = match qty < 0 {
            true => Side::Sell,
            false => Side::Buy,
        };
        PositionChange {
            id: PositionId(id),
            account: AccountId(account),
            instrument: InstrumentId(instrument),
            side,
            qty: Qty(qty.abs()),
            open_price: Price(1),
            opened: Ts(1),
            margin: Money(0),
            swap: Money(0),
            commission: Money(0),
            realised: Money(0),
            protection: Protection {
                stop_loss: None,
                take_profit: None,
                trailing: Price(0),
            },
        }
    }

    /// Instrument, long, short, accounts.
    type Line = (u32, i64, i64, u32);

    fn lines(table: &ExposureTable) -> Vec<Line> {
        let rows = table.rows(&Live::new(), &Directory::default());
        let line = |row: &ExposureRow| (row.instrument.0, row.long.0, row.short.0, row.accounts);
        rows.iter().map(line).collect()
    }

    /// The same from every position, one by one.
    fn walked(open: &BTreeMap<u64, PositionChange>) -> Vec<Line> {
        let mut sums: BTreeMap<u32, (i64, i64, Vec<u32>)> = BTreeMap::new();
        for position in open.values() {
            let (long, short, accounts) = sums.entry(position.instrument.0).or_default();
            match position.side {
                Side::Buy => *long += position.qty.0,
                Side::Sell => *short += position.qty.0,
            }
            accounts.push(position.account.0);
        }
        let line = |(instrument, (long, short, mut accounts)): (u32, (i64, i64, Vec<u32>))| {
            accounts.sort_unstable();
            accounts.dedup();
            (instrument, long, short, accounts.len() as u32)
        };
        sums.into_iter().map(line).collect()
    }

    #[test]
    fn sums_that_are_kept_are_those_of_all_positions() {
        let table = ExposureTable::default();
        let mut open = BTreeMap::new();
        for step in 0..2_000u64 {
            // Opened, added to, turned round, partly closed and closed, by four accounts in three instruments.
            let id = step * 7 % 40;
            let qty = (step * step % 11) as i64 - 5;
            let change = change(id, (id % 4) as u32, (id % 3) as u32, qty);
            table.put(&change);
            match qty {
                0 => open.remove(&id),
                _ => open.insert(id, change),
            };
            assert_eq!(lines(&table), walked(&open), "step {step}");
        }
        assert!(!open.is_empty());
        for id in open.keys() {
            table.put(&change(*id, (id % 4) as u32, (id % 3) as u32, 0));
        }
        assert!(lines(&table).is_empty());
    }

    #[test]
    fn a_sum_too_large_to_be_shown_is_exact_again_when_it_shrinks() {
        let table = ExposureTable::default();
        for id in 1..=3 {
            table.put(&change(id, 1, 1, i64::MAX));
        }
        assert_eq!(lines(&table), [(1, i64::MAX, 0, 1)]);
        table.put(&change(1, 1, 1, 5));
        table.put(&change(2, 1, 1, 0));
        table.put(&change(3, 1, 1, -7));
        assert_eq!(lines(&table), [(1, 5, 7, 1)]);
    }
}
