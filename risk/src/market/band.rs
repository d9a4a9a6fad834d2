//! The house's price band: bands around a moving reference, a limit state at a band, and the halt that follows when it
//! lasts. The rules are those of [`super::luld`], the numbers the instrument's terms, the prices accepted quotes.

use super::luld::{self, Mean, Place};
use super::window::Move;
use crate::event::Direction;
use crate::record;
use crate::terms::BandTerms;
use crate::units::*;

record! {
    /// Band of one instrument. Prices are × 2, as mids are.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Band {
        mean: Mean,
        reference2: Option<i64>,
        since: Ts,
        lower2: i64,
        upper2: i64,
        /// The limit state began, and this many quotes have confirmed it.
        limit: Option<Ts>,
        beyond: u8,
        moved: i64,
        second: u64,
    }
}

/// What a quote did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BandStep {
    /// The quote stands at or beyond a band.
    pub beyond: Option<Move>,
    /// It is the first of a limit state.
    pub entered: bool,
    /// The limit state has lasted and is confirmed.
    pub latched: bool,
}

impl Band {
    /// A band without a reference: the first accepted mid becomes it.
    pub fn new(terms: &BandTerms) -> Band {
        Band {
            mean: Mean::over(terms.window_ns),
            reference2: None,
            since: Ts(0),
            lower2: 0,
            upper2: 0,
            limit: None,
            beyond: 0,
            moved: 0,
            second: 0,
        }
    }

    /// Takes an accepted quote.
    #[inline]
    pub fn on_quote(
        &mut self,
        (bid, ask): (Price, Price),
        now: Ts,
        terms: &BandTerms,
        confirmations: u8,
        halted: bool,
    ) -> BandStep {
        let mid2 = bid.0 + ask.0;
        self.refer(mid2, now, terms);
        let beyond = self.beyond_at(bid, ask);
        let mut step = BandStep {
            beyond,
            ..BandStep::default()
        };
        let Some(moved) = beyond.filter(|_| !halted) else {
            (self.limit, self.beyond) = (None, 0);
            self.mean.push(mid2, now);
            return step;
        };
        step.entered = self.limit.is_none();
        self.limit.get_or_insert(now);
        self.beyond = self.beyond.saturating_add(1);
        self.moved = moved.difference;
        step.latched = self.lasted(now, terms, confirmations);
        step
    }

    /// Time goes on without a quote: a confirmed limit state may have lasted.
    pub fn on_clock(&self, now: Ts, terms: &BandTerms, confirmations: u8) -> Option<Move> {
        let moved = Move {
            direction: Direction::Down,
            difference: self.moved,
            reference: self.reference2?,
        };
        self.lasted(now, terms, confirmations).then_some(moved)
    }

    /// When `on_clock` has something to say.
    #[inline]
    pub fn deadline(&self, terms: &BandTerms, confirmations: u8) -> Ts {
        match self.limit {
            Some(since) if self.beyond >= confirmations.max(1) => since.plus(terms.limit_ns),
            _ => Ts(u64::MAX),
        }
    }

    /// The quote at or beyond a band, and how far it is from the reference.
    pub fn beyond_at(&self, bid: Price, ask: Price) -> Option<Move> {
        let reference = self.reference2?;
        // Nobody deals outside the bands: a quote beyond one stands at it.
        let bid2 = bid.0.saturating_mul(2).min(self.upper2);
        let ask2 = ask.0.saturating_mul(2).max(self.lower2);
        let Place::AtLimit(direction) = luld::place(bid2, ask2, self.lower2, self.upper2) else {
            return None;
        };
        Some(Move {
            direction,
            difference: (bid.0 + ask.0 - reference).abs(),
            reference,
        })
    }

    /// A limit state is on.
    pub fn is_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// Quotes that a limit state still needs.
    pub fn needed(&self, confirmations: u8) -> u8 {
        confirmations.max(1).saturating_sub(self.beyond)
    }

    /// A halt has begun: the limit state is over.
    pub fn halted(&mut self) {
        (self.limit, self.beyond) = (None, 0);
    }

    /// Trading resumes: the next accepted mid is the reference.
    pub fn reopen(&mut self) {
        self.halted();
        self.mean.clear();
        self.reference2 = None;
    }

    fn lasted(&self, now: Ts, terms: &BandTerms, confirmations: u8) -> bool {
        now >= self.deadline(terms, confirmations)
    }

    /// The first mid is the reference; later it follows the mean, looked at once a second.
    #[inline]
    fn refer(&mut self, mid2: i64, now: Ts, terms: &BandTerms) {
        let Some(reference) = self.reference2 else {
            return self.set_reference(mid2, now, terms);
        };
        let second = now.0 / SECOND_NS;
        if second == self.second {
            return;
        }
        self.second = second;
        self.mean.expire(now);
        let age_ns = now.since(self.since);
        if let Some(parts) = self.mean.parts()
            && luld::replaces(reference, age_ns, parts, terms.moves, terms.stands_ns)
        {
            let mean = div_round(parts.0, i128::from(parts.1));
            // A mean lies between its prices.
            self.set_reference(i64::try_from(mean).unwrap_or(reference), now, terms);
        }
    }

    fn set_reference(&mut self, reference: i64, now: Ts, terms: &BandTerms) {
        let exact = i128::from(reference).abs() * i128::from(terms.share.0);
        let one = i128::from(Ratio::ONE.0);
        // At the share counts, so a distance between two steps is the farther one.
        let amount = (exact + one - 1) / one;
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        let amount = amount.max(terms.least.0.saturating_mul(2));
        self.reference2 = Some(reference);
        self.since = now;
        self.lower2 = reference.saturating_sub(amount);
        self.upper2 = reference.saturating_add(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: BandTerms = BandTerms {
        share: Ratio::percent(5),
        ..BandTerms::OFF
    };

    /// Quotes (second, bid, ask) against a band of 5 %: `.` inside, `L` limit state, `H` latched.
    fn play(band: &mut Band, quotes: &[(u64, i64, i64)]) -> String {
        quotes
            .iter()
            .map(|(second, bid, ask)| {
                let now = Ts(second * SECOND_NS);
                let step = band.on_quote((Price(*bid), Price(*ask)), now, &TERMS, 3, false);
                match (step.latched, step.beyond) {
                    (true, _) => 'H',
                    (_, Some(_)) => 'L',
                    _ => '.',
                }
            })
            .collect()
    }

    #[test]
    fn a_limit_state_halts_when_it_lasts_and_is_confirmed() {
        let mut band = Band::new(&TERMS);
        let quotes = [
            (1, 999, 1_001),
            (2, 948, 950),
            (3, 960, 962),
            (4, 940, 945),
            (5, 940, 945),
            (6, 940, 945),
        ];
        assert_eq!(play(&mut band, &quotes), ".L.LLL");
        assert_eq!(band.deadline(&TERMS, 3), Ts(19 * SECOND_NS));
        assert_eq!(band.on_clock(Ts(19 * SECOND_NS - 1), &TERMS, 3), None);
        let halts = band.on_clock(Ts(19 * SECOND_NS), &TERMS, 3).unwrap();
        assert_eq!((halts.difference, halts.reference), (115, 2_000));
        assert_eq!(play(&mut band, &[(19, 940, 945)]), "H");
    }

    #[test]
    fn one_quote_that_stands_alone_never_halts() {
        let mut band = Band::new(&TERMS);
        assert_eq!(
            play(&mut band, &[(1, 999, 1_001), (2, 300, 301), (40, 300, 301)]),
            ".LL"
        );
        assert_eq!(band.on_clock(Ts(90 * SECOND_NS), &TERMS, 3), None);
        assert_eq!(band.needed(3), 1);
    }

    #[test]
    fn the_reference_follows_the_mean_by_one_percent_after_thirty_seconds() {
        let mut band = Band::new(&TERMS);
        let rising: Vec<(u64, i64, i64)> = (0..40).map(|s| (s, 1_029, 1_031)).collect();
        play(&mut band, &[(0, 999, 1_001)]);
        play(&mut band, &rising[..30]);
        assert_eq!(band.reference2, Some(2_000));
        play(&mut band, &rising[30..]);
        assert!(band.reference2.unwrap() > 2_050, "{:?}", band.reference2);
        band.reopen();
        play(&mut band, &[(50, 499, 501)]);
        assert_eq!((band.lower2, band.upper2), (950, 1_050));
    }

    #[test]
    fn a_band_at_zero_keeps_its_least_width() {
        let terms = BandTerms {
            least: Price(10),
            ..TERMS
        };
        let mut band = Band::new(&terms);
        let at = |second: u64| Ts(second * SECOND_NS);
        band.on_quote((Price(-1), Price(1)), at(1), &terms, 3, false);
        let near = band.on_quote((Price(-10), Price(-9)), at(2), &terms, 3, false);
        assert_eq!(near.beyond, None);
        let far = band.on_quote((Price(-11), Price(-10)), at(3), &terms, 3, false);
        assert_eq!(
            far.beyond.map(|moved| moved.direction),
            Some(Direction::Down)
        );
    }
}
