//! Quote filters: level shifts with confirmation, spread control, suppression of repeated quotes.
//! Rules as published for MetaTrader 5's history server; limits are reached only when exceeded.

use crate::event::DropReason;
use crate::record;
use crate::terms::FilterTerms;
use crate::units::*;

record! {
    /// Level filter of one side of one source.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Level {
        /// Last accepted price.
        pub price: Price,
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
    /// Decides bid and ask, each `None` when accepted. An accepted side becomes its new level.
    #[inline]
    pub fn on_quote(
        &mut self,
        bid: Price,
        ask: Price,
        terms: &FilterTerms,
    ) -> (Option<DropReason>, Option<DropReason>) {
        if !self.known {
            self.set(bid, ask);
            return (None, None);
        }
        (self.bid.on_price(bid, terms), self.ask.on_price(ask, terms))
    }

    /// Takes a quote as the level without asking.
    pub fn set(&mut self, bid: Price, ask: Price) {
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
    fn on_price(&mut self, price: Price, terms: &FilterTerms) -> Option<DropReason> {
        let deviation = price.0.abs_diff(self.price.0);
        let beyond = |limit: Ratio| {
            limit.0 > 0
                && i128::from(deviation) * i128::from(Ratio::ONE.0)
                    > i128::from(limit.0) * i128::from(self.price.0).abs()
        };
        // Limits rise, so a price inside the first is inside all; nearly every price is.
        if !beyond(terms.narrowest()) {
            self.accept(price);
            return None;
        }
        if beyond(terms.discard) {
            return Some(DropReason::Discard);
        }
        if beyond(terms.soft) && self.soft_drops < terms.confirmations {
            self.soft_drops += 1;
            return Some(DropReason::Soft);
        }
        if beyond(terms.hard) && self.hard_drops < terms.confirmations {
            self.hard_drops += 1;
            return Some(DropReason::Hard);
        }
        self.accept(price);
        None
    }

    fn accept(&mut self, price: Price) {
        *self = Level {
            price,
            ..Level::default()
        };
    }

    /// True when `price` is inside the soft band (a merged extreme outside of it would have been dropped alone).
    pub fn holds(&self, price: Price, terms: &FilterTerms) -> bool {
        let limit = terms.narrowest();
        limit.0 == 0
            || i128::from(price.0.abs_diff(self.price.0)) * i128::from(Ratio::ONE.0)
                <= i128::from(limit.0) * i128::from(self.price.0).abs()
    }
}

impl FilterTerms {
    /// The first limit that is on; zero when all are off.
    #[inline]
    fn narrowest(&self) -> Ratio {
        match (self.soft.0, self.hard.0) {
            (0, 0) => self.discard,
            (0, _) => self.hard,
            _ => self.soft,
        }
    }
}

/// Soft, hard and discard level, in points, of one MetaTrader 4 filtration level (factors of its migration notes).
pub fn imported_levels(points: i64) -> [i64; 3] {
    [1, 5, 100].map(|factor| points.saturating_mul(factor))
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
            confirmations: 3,
            same_quote: true,
        }
    }

    /// Prices of one side after 1000: `.` accepted, `s` soft, `h` hard, `d` discarded.
    fn check(prices: &[i64], expected: &str) {
        let mut level = Level::default();
        level.accept(Price(1_000));
        let seen: String = prices
            .iter()
            .map(|price| match level.on_price(Price(*price), &terms()) {
                None => '.',
                Some(DropReason::Soft) => 's',
                Some(DropReason::Hard) => 'h',
                Some(_) => 'd',
            })
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
            levels.on_quote(Price(2_000), Price(2_001), &terms()),
            (None, None)
        );
        assert_eq!(
            levels.on_quote(Price(1_000), Price(2_001), &terms()),
            (Some(DropReason::Soft), None)
        );
    }
}
