//! What holding a position overnight costs or brings.

use crate::units::*;
use crate::{record, unit_enum};

unit_enum! {
    /// How swaps are charged.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum SwapMode: u8 { None = 0, Points = 1, Percent = 2, Money = 3 }
}

record! {
    /// Swap terms. `long` and `short` are per day: points (100 % = one point), a year's share of the lots' cost, or
    /// units of the quote currency per lot (100 % = one unit); negative is a charge.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SwapTerms {
        pub mode: SwapMode,
        pub long: Ratio,
        pub short: Ratio,
        /// Multiplier per weekday, Monday first.
        pub week: [u8; 7],
        /// A point, in price steps.
        pub point: Price,
        /// Days of the year that `Percent` divides by.
        pub year_days: u16,
    }
}

/// The banker's year of percent swaps (MetaTrader 5's default).
pub const YEAR_DAYS: u16 = 360;

/// Largest swap of a day: points, or units of the currency per lot.
pub const SWAP_MAX: Ratio = Ratio(1_000_000 * Ratio::ONE.0);
/// Largest swap of a year as a share of what the lots cost.
pub const SWAP_SHARE_MAX: Ratio = Ratio(1_000 * Ratio::ONE.0);

impl SwapTerms {
    /// Nothing is charged.
    pub const NONE: SwapTerms = SwapTerms {
        mode: SwapMode::None,
        long: Ratio(0),
        short: Ratio(0),
        week: [1; 7],
        point: Price(1),
        year_days: YEAR_DAYS,
    };

    /// Whether the terms can be charged by. A point of an inverse contract is worth something else at every price.
    pub fn is_valid(&self, inverse: bool) -> bool {
        let in_points =
            self.mode == SwapMode::Points && (self.long, self.short) != (Ratio(0), Ratio(0));
        self.point > Price(0) && self.year_days > 0 && !(inverse && in_points)
    }

    /// Whether an amount leaves room for quantities and rates: one that does not could never be charged.
    pub fn is_bounded(&self) -> bool {
        let most = match self.mode {
            SwapMode::Percent => SWAP_SHARE_MAX,
            SwapMode::None | SwapMode::Points | SwapMode::Money => SWAP_MAX,
        };
        [self.long, self.short]
            .iter()
            .all(|value| value.0.unsigned_abs() <= most.0.unsigned_abs())
    }
}

/// The days charged at the end of one day: nothing on a holiday, and before a run of holidays their multipliers too
/// (MetaTrader 5, Swaps, automatic consideration of holidays). `holiday(n)` is asked of the day `n` days later.
pub fn charged_days(week: &[u8; 7], weekday: usize, holiday: impl Fn(usize) -> bool) -> u8 {
    if holiday(0) {
        return 0;
    }
    let run = (1..=HOLIDAYS_MAX).take_while(|ahead| holiday(*ahead));
    let days = run.map(|ahead| week[(weekday + ahead) % 7]);
    days.fold(week[weekday % 7], u8::saturating_add)
}

/// Longest run of holidays that is looked through: longer than any market has closed for since 1914.
const HOLIDAYS_MAX: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;

    const FOREX: [u8; 7] = [1, 1, 3, 1, 1, 0, 0];

    #[test]
    fn what_could_never_be_charged_is_told() {
        let of = |mode, long| SwapTerms {
            mode,
            long,
            ..SwapTerms::NONE
        };
        let points = of(SwapMode::Points, Ratio::percent(-700));
        assert_eq!(
            (points.is_valid(false), points.is_valid(true)),
            (true, false)
        );
        assert!(of(SwapMode::Percent, Ratio::percent(-12)).is_valid(true));
        assert!(SwapTerms::NONE.is_valid(true));
        let beyond = |most: Ratio| Ratio(-most.0 - 1);
        assert!(of(SwapMode::Points, SWAP_MAX).is_bounded());
        assert!(!of(SwapMode::Points, beyond(SWAP_MAX)).is_bounded());
        assert!(!of(SwapMode::Money, Ratio(i64::MIN)).is_bounded());
        assert!(of(SwapMode::Percent, SWAP_SHARE_MAX).is_bounded());
        assert!(!of(SwapMode::Percent, beyond(SWAP_SHARE_MAX)).is_bounded());
    }

    #[test]
    fn a_run_of_holidays_is_charged_on_the_day_before_it() {
        // Tuesday, with Wednesday and Thursday off.
        let off = |ahead| ahead == 1 || ahead == 2;
        assert_eq!(charged_days(&FOREX, 1, off), 1 + 3 + 1);
        // Wednesday itself, and the Friday behind the run.
        assert_eq!(charged_days(&FOREX, 2, |ahead| ahead <= 1), 0);
        assert_eq!(charged_days(&FOREX, 4, |_| false), 1);
        // Holidays without end.
        assert_eq!(charged_days(&FOREX, 0, |ahead| ahead > 0), 1 + 33);
    }
}
