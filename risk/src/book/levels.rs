//! Levels of margin as lines of equity: where an account is warned, restricted and stopped out. Nothing is divided
//! to compare.

use super::accounts::MONEY_MAX;
use super::instruments::ten;
use super::margin::{Valuation, Which, line};
use super::positions::Position;
use super::{Account, Book};
use crate::convert::{FINE_DIGITS, Sided};
use crate::event::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::{Fractions, mul_div_floor};
use std::cmp::Ordering;

/// A line of equity, fine units, and whether equality reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub at: i128,
    pub inclusive: bool,
}

impl Line {
    /// Whether equity that compares like this is at or behind it.
    pub fn reached(self, equity: Ordering) -> bool {
        match equity {
            Ordering::Less => true,
            Ordering::Equal => self.inclusive,
            Ordering::Greater => false,
        }
    }

    /// The highest whole number that reaches it.
    pub fn last(self) -> i128 {
        self.at - i128::from(!self.inclusive)
    }
}

/// Checks what a group says of levels.
///
/// # Errors
/// `TermsInvalid`.
pub fn check(group: &GroupTerms) -> Result<(), Reject> {
    let ratios = [
        group.warning,
        group.restricted,
        group.stop_out,
        group.loss_account,
        group.loss_position,
    ];
    let bounded = ratios
        .iter()
        .all(|ratio| (Ratio(0)..=LEVEL_MAX).contains(ratio));
    // The share that is left must be one; beyond a half the line would run away from what it warns of.
    let buffer = group.stop_out_test != LevelTest::Buffer || group.warning <= Ratio::percent(50);
    let money = group.closing.money.is_none_or(|money| {
        money.0.unsigned_abs() <= MONEY_MAX as u64
            && group.margin_price != MarginPrice::Mark
            && matches!(group.stop_out_test, LevelTest::AtOrBelow | LevelTest::Below)
    });
    let clear = group.loss.clear > Ratio(0) && group.loss.clear <= Ratio::ONE;
    if bounded && buffer && money && clear && group.closing.is_valid() {
        Ok(())
    } else {
        Err(Reject::TermsInvalid)
    }
}

/// Whether levels that are on (0 is off) do not fall from the warning over the restriction to the stop-out.
pub fn contradict(group: &GroupTerms) -> bool {
    let is_below = |upper: Ratio, lower: Ratio| upper > Ratio(0) && upper < lower;
    match group.stop_out_test {
        // Shares of other things than of one another.
        LevelTest::Buffer => false,
        _ if group.closing.money.is_some() => is_below(group.warning, group.restricted),
        _ => {
            is_below(group.warning, group.restricted)
                || is_below(group.restricted, stop_share(group).0)
        }
    }
}

/// Checks what an account has otherwise than its group, and says what holds for it then. Levels fall where it has any of
/// its own; a group that was imported with levels that do not may keep them, also for an account that has only something
/// else otherwise.
///
/// # Errors
/// `LevelsContradict`, `HedgeOnNetting`, or what [`check`] says of the whole.
pub fn check_own(
    rules: &AccountRules,
    group: &GroupTerms,
    accounting: Accounting,
) -> Result<GroupTerms, Reject> {
    let own = rules.over(group);
    check(&own)?;
    if rules.hedge.is_some() && accounting == Accounting::Netting {
        return Err(Reject::HedgeOnNetting);
    }
    let is_other = own.closing.money.is_some() || own.stop_out_test == LevelTest::OandaCloseout;
    let deaf = is_other && rules.stop_out.is_some();
    let rises = match own.stop_out_test {
        // Shares of other things than of one another.
        LevelTest::Buffer => false,
        _ if own.closing.money.is_some() => own.warning < own.restricted,
        _ => own.warning < own.restricted || own.restricted < stop_share(&own).0,
    };
    if deaf || (rises && rules.has_level()) {
        Err(Reject::LevelsContradict)
    } else {
        Ok(own)
    }
}

/// Below this line an account is warned.
pub fn warning_line(group: &GroupTerms, used: Money, digits: u8) -> Line {
    match group.stop_out_test {
        LevelTest::Buffer => divided(used, digits, Ratio(Ratio::ONE.0 - group.warning.0), true),
        _ => Line {
            at: line(group.warning, used, digits),
            inclusive: group.closing.inclusive,
        },
    }
}

/// Below this line it is restricted.
pub fn restricted_line(group: &GroupTerms, used: Money, digits: u8) -> Line {
    Line {
        at: line(group.restricted, used, digits),
        inclusive: group.closing.inclusive,
    }
}

/// Whether equality reaches the stop-out line of a test.
fn is_inclusive(test: LevelTest) -> bool {
    match test {
        LevelTest::AtOrBelow | LevelTest::OandaCloseout => !crate::mutated!(StopOutExclusive),
        LevelTest::Below => crate::mutated!(LiquidationInclusive),
        LevelTest::Buffer => false,
    }
}

/// Below this line it is stopped out.
pub fn stop_line(group: &GroupTerms, used: Money, digits: u8) -> Line {
    let inclusive = is_inclusive(group.stop_out_test);
    if let Some(money) = group.closing.money {
        let at = super::settle::fine(money, digits);
        return Line { at, inclusive };
    }
    match group.stop_out_test {
        LevelTest::AtOrBelow | LevelTest::Below => Line {
            at: line(group.stop_out, used, digits),
            inclusive,
        },
        LevelTest::OandaCloseout => Line {
            at: line(Ratio::percent(50), used, digits),
            inclusive,
        },
        LevelTest::Buffer => divided(used, digits, Ratio(Ratio::ONE.0 + group.stop_out.0), false),
    }
}

/// The stop-out line as a share of used margin, and whether equality reaches it; a level in money is none, and no group
/// that is charged at the mark has one.
pub fn stop_share(group: &GroupTerms) -> (Ratio, bool) {
    let share = match group.stop_out_test {
        LevelTest::AtOrBelow | LevelTest::Below => group.stop_out,
        LevelTest::OandaCloseout => Ratio::percent(50),
        LevelTest::Buffer => inverse(Ratio::ONE.0 + group.stop_out.0),
    };
    (share, is_inclusive(group.stop_out_test))
}

/// One over a share.
fn inverse(share: i64) -> Ratio {
    let one = i128::from(Ratio::ONE.0);
    Ratio(super::margin::clamp(one * one / i128::from(share.max(1))))
}

/// A stop-out that has begun closes until equity is beyond this line.
pub fn until_line(group: &GroupTerms, used: Money, digits: u8) -> Line {
    match group.stop_out_test {
        LevelTest::Buffer => Line {
            at: line(Ratio::ONE, used, digits),
            inclusive: false,
        },
        _ => Line {
            inclusive: true,
            ..stop_line(group, used, digits)
        },
    }
}

/// `used / share` held in whole fine units: a fraction of one lies between two of them, so the lower one reaches it.
fn divided(used: Money, digits: u8, share: Ratio, inclusive: bool) -> Line {
    let used = line(Ratio::ONE, used, digits);
    let (at, exact) =
        mul_div_floor(used, i128::from(Ratio::ONE.0), i128::from(share.0)).unwrap_or((used, true));
    Line {
        at,
        inclusive: inclusive || !exact,
    }
}

/// The levels as people read them: equity over used margin.
pub fn shown_levels(group: &GroupTerms, used: Money, digits: u8) -> (Ratio, Ratio) {
    match (group.closing.money, group.stop_out_test) {
        (Some(money), _) => {
            let fine = super::settle::fine(money, digits);
            let level = super::margin::level(fine, used, digits);
            (group.warning, level.unwrap_or(Ratio(0)))
        }
        (None, LevelTest::Buffer) => (inverse(Ratio::ONE.0 - group.warning.0), stop_share(group).0),
        (None, _) => (group.warning, stop_share(group).0),
    }
}

impl Book {
    /// The worst margin state whose condition holds.
    pub(super) fn state_of(
        &self,
        account: &Account,
        value: &Valuation,
        which: Which,
    ) -> MarginState {
        let group = self.group_of(account);
        let digits = self.digits_of(account);
        let used = if which == Which::Plain {
            value.used.plain
        } else {
            value.used.soft
        };
        if used.0 <= 0 {
            // Nothing is left to close against a requirement, so a negative equity restricts and stops out only
            // where the group says so.
            return match self.against(account, value, which, 0) {
                Ordering::Less if self.is_hedged_out(account, group) => MarginState::StopOut,
                Ordering::Less => MarginState::Restricted,
                _ => MarginState::Healthy,
            };
        }
        let at = |line: Line| line.reached(self.against(account, value, which, line.at));
        if self.stops(account, value, which, stop_line(group, used, digits)) {
            MarginState::StopOut
        } else if at(restricted_line(group, used, digits)) {
            MarginState::Restricted
        } else if at(warning_line(group, used, digits)) {
            MarginState::Warning
        } else {
            MarginState::Healthy
        }
    }

    /// Fully hedged positions that the group does not leave alone.
    pub(super) fn is_hedged_out(&self, account: &Account, group: &GroupTerms) -> bool {
        group.closing.fully_hedged && !account.positions.is_empty()
    }

    /// Whether the equity that a stop-out looks at reaches a line.
    fn stops(&self, account: &Account, value: &Valuation, which: Which, line: Line) -> bool {
        if which == Which::Plain && self.group_of(account).closing.at_mid {
            line.reached(self.against_mid(account, value, line.at, &[]))
        } else {
            line.reached(self.against(account, value, which, line.at))
        }
    }

    /// Half the spread of a quantity of a position as `amount × num / den` fine units: what closing at the mid would
    /// save, a gain, so converted at the bid.
    fn half_spread(&self, position: &Position, qty: i64) -> Option<(i128, i128, i128)> {
        let instrument = self.instrument(position.instrument)?;
        let to = self.account(position.account)?.state.terms.currency;
        let prices = self.prices(position.instrument)?;
        let (bid, ask) = (i128::from(prices.bid), i128::from(prices.ask));
        let close = if position.is_long() { bid } else { ask };
        // An inverse contract is worth 1 / price: 1 / close less 1 / mid is spread / (close × (bid + ask)), for a
        // short position the other way round.
        let (per_step, den) = if instrument.inverse > 0 {
            (instrument.inverse, close.checked_mul(bid + ask)?)
        } else {
            (instrument.profit.num, instrument.profit.den.checked_mul(2)?)
        };
        if den <= 0 {
            return None;
        }
        let amount = i128::from(qty)
            .checked_mul(ask - bid)?
            .checked_mul(per_step)?;
        let rate = self.rate(instrument.result_currency(), to, Sided::Bid)?;
        Some((amount, rate.num, rate.den.checked_mul(den)?))
    }

    /// Floating result at the mid, fine units, floored, when some quantities are gone.
    pub(super) fn mid_floating(
        &self,
        account: &Account,
        value: &Valuation,
        gone: &[(u32, i64)],
    ) -> (i128, i128) {
        let (mut floor, mut slack) = (value.plain, value.slack);
        for (amount, num, den) in self.half_spreads(account, gone) {
            if let Some((half, exact)) = mul_div_floor(amount, num, den) {
                floor += half;
                slack += i128::from(!exact);
            }
        }
        (floor, slack)
    }

    fn half_spreads<'a>(
        &'a self,
        account: &'a Account,
        gone: &'a [(u32, i64)],
    ) -> impl Iterator<Item = (i128, i128, i128)> + 'a {
        account.positions.iter().filter_map(move |slot| {
            let position = self.positions.get(*slot)?;
            let closed: i64 = gone
                .iter()
                .filter(|one| one.0 == *slot)
                .map(|one| one.1)
                .sum();
            self.half_spread(&position, position.qty.saturating_sub(closed).max(0))
        })
    }

    /// Compares the exact equity at the mid with a line.
    pub(super) fn against_mid(
        &self,
        account: &Account,
        value: &Valuation,
        line: i128,
        gone: &[(u32, i64)],
    ) -> Ordering {
        let (floating, slack) = self.mid_floating(account, value, gone);
        let floor = value.fixed + floating;
        if slack == 0 {
            floor.cmp(&line)
        } else if floor >= line {
            Ordering::Greater
        } else if floor + slack <= line {
            Ordering::Less
        } else {
            let mut sum = Fractions::whole(value.fixed);
            for slot in &account.positions {
                let position = self.positions.get(*slot);
                let term = position.and_then(|position| self.exact_term(&position, Which::Plain));
                if let Some((amount, num, den)) = term {
                    sum.add(amount, num, den);
                }
            }
            for (amount, num, den) in self.half_spreads(account, gone) {
                sum.add(amount, num, den);
            }
            sum.compare(line)
        }
    }

    /// Equity that may be lost before a line is reached, minor units; negative when it is behind.
    pub(super) fn distance(
        &self,
        account: &Account,
        value: &Valuation,
        which: Which,
        line: Line,
    ) -> Money {
        let floating = match which {
            Which::Plain if self.group_of(account).closing.at_mid => {
                self.mid_floating(account, value, &[]).0
            }
            Which::Plain => value.plain,
            Which::Soft => value.soft,
        };
        let room = value.fixed + floating - line.at;
        let unit = ten(FINE_DIGITS - self.digits_of(account));
        Money(super::margin::clamp(div_round(room, unit)))
    }
}

/// Whether a margin call is announced, as LEAN has it: while some margin is free but little, and when it has orders;
/// an account that only used up its buffer is not called.
pub fn margin_call_notice(state: MarginState, free: Money, orders: usize) -> bool {
    orders > 0 || (state >= MarginState::Warning && free > Money(0))
}
