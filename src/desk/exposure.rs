//! What the house holds in each instrument, followed from the output log.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use siaga_risk::event::{PositionChange, Side};
use siaga_risk::ids::{CurrencyId, InstrumentId, PositionId};
use siaga_risk::units::{Money, Qty, pow10};

use crate::gateway::core::ExposureRow;
use crate::gateway::directory::Directory;
use crate::gateway::live::Live;

/// Open positions by id. Filled from the machine at the start, then by every change.
#[derive(Debug, Default)]
pub struct ExposureTable {
    open: RwLock<BTreeMap<PositionId, PositionChange>>,
}

impl ExposureTable {
    /// Takes a position as it is now; closed ones leave the table.
    pub fn put(&self, change: &PositionChange) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if change.qty.0 == 0 {
            open.remove(&change.id);
        } else {
            open.insert(change.id, *change);
        }
    }

    /// A row per instrument that somebody holds.
    pub fn rows(&self, live: &Live, directory: &Directory) -> Vec<ExposureRow> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let mut sums: BTreeMap<InstrumentId, (i64, i64, Vec<u32>)> = BTreeMap::new();
        for position in open.values() {
            let (long, short, accounts) = sums.entry(position.instrument).or_default();
            match position.side {
                Side::Buy => *long = long.saturating_add(position.qty.0),
                Side::Sell => *short = short.saturating_add(position.qty.0),
            }
            accounts.push(position.account.0);
        }
        drop(open);
        sums.into_iter()
            .map(|(instrument, (long, short, mut accounts))| {
                accounts.sort_unstable();
                accounts.dedup();
                ExposureRow {
                    instrument,
                    long: Qty(long),
                    short: Qty(short),
                    net_house: net_house(live, directory, instrument, long - short),
                    accounts: accounts.len() as u32,
                }
            })
            .collect()
    }
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
