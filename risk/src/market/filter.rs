//! Quote filters: level shifts with confirmation, spread control, suppression of repeated quotes.
//! Rules as published for MetaTrader 5's history server; limits are reached only when exceeded.

use crate::event::DropReason;
use crate::record;
use crate::terms::{FilterTerms, LevelPoints};
use crate::units::*;

record! {
    /// Level filter of one side of one source.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Level {
        /// Last accepted price.
        pub price: Price,
        /// Largest amount of a price accepted since the last break.
        reach: i64,
        soft_drops: u8,
        hard_drops: u8,
    }

    /// Level filter of a source's quotes: bid and ask separately.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Levels {
        pub bid: Level,
        pub ask: Level,
        /// The next quote is accepted whatever its level: the first one, or the first after a break.
        known: bool,
    }
}

impl Levels {
    /// Decides bid and ask, each `None` when accepted. An accepted side becomes its new level. Where prices may be
    /// `negative`, shares are taken of the largest price since the break: a share of a price near zero is nothing.
    #[inline]
    pub fn on_quote(
        &mut self,
        bid: Price,
        ask: Price,
        terms: &FilterTerms,
        negative: bool,
    ) -> (Option<DropReason>, Option<DropReason>) {
        if !self.known {
            self.set(bid, ask);
            return (None, None);
        }
        (
            self.bid.on_price(bid, terms, negative),
            self.ask.on_price(ask, terms, negative),
        )
    }

    /// A quote with only one side that can be a price: that side keeps its level up to date.
    pub fn on_side(&mut self, bid: Option<Price>, ask: Option<Price>, terms: &FilterTerms) {
        if !self.known {
            return;
        }
        if let Some(bid) = bid {
            self.bid.on_price(bid, terms, false);
        }
        if let Some(ask) = ask {
            self.ask.on_price(ask, terms, false);
        }
    }

    /// Takes a quote as the level without asking.
    pub fn set(&mut self, bid: Price, ask: Price) {
        (self.bid.reach, self.ask.reach) = (0, 0);
        self.bid.accept(bid);
        self.ask.accept(ask);
        self.known = true;
    }

    /// A restart, a break or a holiday: the next quote is exempt.
    pub fn after_break(&mut self) {
        self.known = false;
    }
}

impl Level {
    #[inline]
    fn on_price(
        &mut self,
        price: Price,
        terms: &FilterTerms,
        negative: bool,
    ) -> Option<DropReason> {
        let [soft, hard, discard] = terms.limits();
        let (deviation, of) = (price.0.abs_diff(self.price.0), self.of(negative));
        let beyond = |limit: Limit| limit.exceeded(deviation, of);
        // Limits rise, so a price inside the first is inside all; nearly every price is.
        if !beyond(terms.narrowest()) {
            self.accept(price);
            return None;
        }
        if beyond(discard) {
            return Some(DropReason::Discard);
        }
        if beyond(soft) && self.soft_drops < terms.confirmations {
            self.soft_drops += 1;
            return Some(DropReason::Soft);
        }
        if beyond(hard) && self.hard_drops < terms.confirmations {
            self.hard_drops += 1;
            return Some(DropReason::Hard);
        }
        self.accept(price);
        None
    }

    #[inline]
    fn accept(&mut self, price: Price) {
        *self = Level {
            price,
            reach: self.reach.max(price.0.saturating_abs()),
            ..Level::default()
        };
    }

    /// What shares are taken of.
    #[inline]
    fn of(&self, negative: bool) -> u64 {
        if negative {
            self.reach.unsigned_abs()
        } else {
            self.price.0.unsigned_abs()
        }
    }

    /// True when `price` is inside the soft band (a merged extreme outside of it would have been dropped alone).
    pub fn holds(&self, price: Price, terms: &FilterTerms, negative: bool) -> bool {
        let deviation = price.0.abs_diff(self.price.0);
        !terms.narrowest().exceeded(deviation, self.of(negative))
    }
}

/// One limit of the level filter: a share of the level, or price steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    share: Ratio,
    points: Price,
}

impl Limit {
    fn is_on(self) -> bool {
        self.share.0 > 0 || self.points.0 > 0
    }

    /// Only more than the limit exceeds it; a limit that is off is never exceeded.
    #[inline]
    fn exceeded(self, deviation: u64, of: u64) -> bool {
        let by_share = self.share.0 > 0
            && u128::from(deviation) * u128::from(Ratio::ONE.0.unsigned_abs())
                > u128::from(self.share.0.unsigned_abs()) * u128::from(of);
        by_share || (self.points.0 > 0 && deviation > self.points.0.unsigned_abs())
    }
}

impl FilterTerms {
    /// Soft, hard, discard.
    #[inline]
    fn limits(&self) -> [Limit; 3] {
        let limit = |share, points| Limit { share, points };
        [
            limit(self.soft, self.points.soft),
            limit(self.hard, self.points.hard),
            limit(self.discard, self.points.discard),
        ]
    }

    /// The first limit that is on; one that is off when all are.
    #[inline]
    fn narrowest(&self) -> Limit {
        let [soft, hard, discard] = self.limits();
        if soft.is_on() {
            soft
        } else if hard.is_on() {
            hard
        } else {
            discard
        }
    }
}

/// Soft, hard and discard level, in points, of one MetaTrader 4 filtration level (factors of its migration notes).
pub fn imported_levels(points: i64) -> [i64; 3] {
    [1, 5, 100].map(|factor| points.saturating_mul(factor))
}

impl LevelPoints {
    /// The levels of one MetaTrader 4 filtration level.
    pub fn imported(points: i64) -> LevelPoints {
        let [soft, hard, discard] = imported_levels(points).map(Price);
        LevelPoints {
            soft,
            hard,
            discard,
        }
    }
}

/// Spread control: both limits are allowed values, 0 switches one off.
#[inline]
pub fn spread(bid: Price, ask: Price, terms: &FilterTerms) -> Option<DropReason> {
    let spread = ask.0 - bid.0;
    if terms.spread_min.0 > 0 && spread < terms.spread_min.0 {
        Some(DropReason::SpreadLow)
    } else if terms.spread_max.0 > 0 && spread > terms.spread_max.0 {
        Some(DropReason::SpreadHigh)
    } else {
        None
    }
}

/// A quote equal to the last accepted one is skipped within the same clock minute.
#[inline]
pub fn same_quote(last: (Price, Price, Ts), bid: Price, ask: Price, now: Ts) -> bool {
    last.0 == bid && last.1 == ask && last.2.0 / MINUTE_NS == now.0 / MINUTE_NS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> FilterTerms {
        FilterTerms {
            spread_min: Price(2),
            spread_max: Price(30),
            soft: Ratio::percent(1),
            hard: Ratio::percent(5),
            discard: Ratio::percent(50),
            points: LevelPoints::OFF,
            confirmations: 3,
            same_quote: true,
        }
    }

    /// Prices of one side after 1000: `.` accepted, `s` soft, `h` hard, `d` discarded.
    fn check(prices: &[i64], expected: &str) {
        check_with(&terms(), false, prices, expected);
    }

    fn check_with(terms: &FilterTerms, negative: bool, prices: &[i64], expected: &str) {
        let mut level = Level::default();
        level.accept(Price(1_000));
        let seen: String = prices
            .iter()
            .map(
                |price| match level.on_price(Price(*price), terms, negative) {
                    None => '.',
                    Some(DropReason::Soft) => 's',
                    Some(DropReason::Hard) => 'h',
                    Some(_) => 'd',
                },
            )
            .collect();
        assert_eq!(seen, expected, "{prices:?}");
    }

    #[test]
    fn only_more_than_the_limit_is_dropped() {
        check(&[1_010], ".");
        check(&[1_011], "s");
        check(&[990], ".");
        check(&[989], "s");
    }

    #[test]
    fn a_confirmed_level_is_accepted_and_a_normal_price_clears_the_count() {
        check(&[1_020, 1_020, 1_020, 1_020, 1_020], "sss..");
        check(
            &[1_020, 1_020, 1_001, 1_020, 1_020, 1_020, 1_020],
            "ss.sss.",
        );
    }

    #[test]
    fn hard_takes_both_confirmations_and_discard_is_never_accepted() {
        check(&[1_060; 7], "ssshhh.");
        check(&[1_501; 20], "dddddddddddddddddddd");
    }

    #[test]
    fn limits_in_points_stay_when_the_level_shifts() {
        let points = FilterTerms {
            points: LevelPoints::imported(10),
            ..FilterTerms::OFF
        };
        check_with(
            &points,
            false,
            &[1_010, 1_021, 1_021, 1_021, 1_021],
            ".sss.",
        );
        check_with(&points, false, &[1_061; 7], "ssshhh.");
        check_with(&points, false, &[2_000, 2_001, 2_001], "sdd");
    }

    #[test]
    fn a_level_at_zero_does_not_shut_a_market_that_may_go_below_it() {
        let down = [990, 980, 5, 5, 5, 5, 5, 5, 5, 0, -8, -20, -20, -20, -20];
        let live = FilterTerms {
            discard: Ratio(0),
            ..terms()
        };
        check_with(&live, true, &down, "..ssshhh...sss.");
    }

    #[test]
    fn spreads_at_the_limits_pass() {
        for (ask, want) in [
            (101, Some(DropReason::SpreadLow)),
            (102, None),
            (130, None),
            (131, Some(DropReason::SpreadHigh)),
        ] {
            assert_eq!(spread(Price(100), Price(ask), &terms()), want, "{ask}");
        }
    }

    #[test]
    fn the_first_quote_after_a_break_is_exempt() {
        let mut levels = Levels::default();
        levels.set(Price(1_000), Price(1_001));
        levels.after_break();
        assert_eq!(
            levels.on_quote(Price(2_000), Price(2_001), &terms(), false),
            (None, None)
        );
        assert_eq!(
            levels.on_quote(Price(1_000), Price(2_001), &terms(), false),
            (Some(DropReason::Soft), None)
        );
    }
}
