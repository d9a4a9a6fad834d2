//! Limit up, limit down: price bands around a reference, the limit state at a band, and the pause that follows.
//! After the National Market System Plan to Address Extraordinary Market Volatility; the house's own bands
//! ([`super::band`]) use the same reference and limit rules with the instrument's terms.

use crate::event::Direction;
use crate::record;
use crate::units::*;

/// Trades of this long make the reference's mean.
pub const REFERENCE_WINDOW_NS: u64 = 5 * MINUTE_NS;
/// A reference stands at least this long.
pub const REFERENCE_STANDS_NS: u64 = 30 * SECOND_NS;
/// The mean replaces the reference when it differs by at least this share.
pub const REFERENCE_MOVES: Ratio = Ratio::percent(1);
/// A limit state that lasts this long becomes a pause.
pub const LIMIT_STATE_NS: u64 = 15 * SECOND_NS;
/// A trading pause lasts this long.
pub const PAUSE_NS: u64 = 5 * MINUTE_NS;

/// Tier of a stock in the Plan: 1 the large indices and funds, 2 all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    One,
    Two,
}

/// When bands are doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubling {
    /// 09:30-09:45 and 15:35-16:00, every stock.
    OpenAndClose,
    /// 15:35-16:00 only, tier 1 and previous closes up to 3.00 (the Plan as amended).
    CloseOnly,
}

/// Bands of one stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Distance of the bands from the reference before rounding, in price steps × 10^12.
    pub amount: i128,
    pub doubled: bool,
    pub lower: Price,
    pub upper: Price,
}

/// Bands around `reference`: above 3.00 (previous close) 5 % in tier 1 and 10 % in tier 2, from 0.75 to 3.00 20 %, below
/// the lesser of 0.15 and 75 %. Rounded to the cent, half away from zero, the lower one never below zero. `second` is
/// the second of the day in New York, `unit` the price steps of one dollar (a multiple of 100).
pub fn bands(
    tier: Tier,
    previous_close: Price,
    reference: Price,
    second: u32,
    doubling: Doubling,
    unit: i64,
) -> Bands {
    let (close, unit) = (i128::from(previous_close.0), i128::from(unit.max(100)));
    let of = |percent: i64| i128::from(reference.0) * i128::from(Ratio::percent(percent).0);
    let cheap = close <= 3 * unit;
    let single = match tier {
        _ if close * 100 < 75 * unit => of(75).min(unit * i128::from(Ratio::percent(15).0)),
        _ if cheap => of(20),
        Tier::One => of(5),
        Tier::Two => of(10),
    };
    let opening = (34_200..35_100).contains(&second);
    let closing = (56_100..57_600).contains(&second);
    let doubled = match doubling {
        Doubling::OpenAndClose => opening || closing,
        Doubling::CloseOnly => closing && (tier == Tier::One || cheap),
    };
    let amount = if doubled { 2 * single } else { single };
    let exact = i128::from(reference.0) * i128::from(Ratio::ONE.0);
    let cent = unit / 100;
    let rounded = |exact: i128| {
        let cents = div_round(exact, cent * i128::from(Ratio::ONE.0));
        Price(i64::try_from(cents.max(0) * cent).unwrap_or(i64::MAX))
    };
    Bands {
        amount,
        doubled,
        lower: rounded(exact - amount),
        upper: rounded(exact + amount),
    }
}

record! {
    /// Mean of the prices of a sliding window, exact, in seconds.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Mean {
        /// Sum and number of each second, at the second's number modulo the length.
        ring: Vec<(i128, u64)>,
        newest: u64,
        sum: i128,
        count: u64,
    }
}

impl Mean {
    /// A mean over `window_ns`, its both ends included.
    pub fn over(window_ns: u64) -> Mean {
        let seconds = window_ns.div_ceil(SECOND_NS) as usize + 1;
        Mean {
            ring: vec![(0, 0); seconds],
            newest: 0,
            sum: 0,
            count: 0,
        }
    }

    /// Forgets what is older than the window at `now`.
    pub fn expire(&mut self, now: Ts) {
        let second = now.0 / SECOND_NS;
        if second <= self.newest {
            return;
        }
        let seconds = self.ring.len() as u64;
        let passed = (second - self.newest).min(seconds);
        for gone in second + 1 - passed..=second {
            let place = &mut self.ring[(gone % seconds) as usize];
            let (sum, count) = std::mem::take(place);
            self.sum -= sum;
            self.count -= count;
        }
        self.newest = second;
    }

    /// Takes a price; one older than the newest second counts as of that second.
    #[inline]
    pub fn push(&mut self, value: i64, now: Ts) {
        self.expire(now);
        let seconds = self.ring.len() as u64;
        let place = &mut self.ring[(self.newest % seconds) as usize];
        place.0 += i128::from(value);
        place.1 += 1;
        self.sum += i128::from(value);
        self.count += 1;
    }

    /// Sum and number of the prices in the window; none without prices.
    pub fn parts(&self) -> Option<(i128, u64)> {
        (self.count > 0).then_some((self.sum, self.count))
    }

    /// Starts anew.
    pub fn clear(&mut self) {
        self.ring.fill((0, 0));
        self.sum = 0;
        self.count = 0;
    }
}

/// Whether a mean (`sum` over `count` prices) replaces a reference that has stood for `age_ns`: it must differ by at
/// least `moves` of the reference, and the reference must have stood for `stands_ns`.
pub fn replaces(
    reference: i64,
    age_ns: u64,
    (sum, count): (i128, u64),
    moves: Ratio,
    stands_ns: u64,
) -> bool {
    let old = i128::from(reference) * i128::from(count);
    let distance = (sum - old).abs().saturating_mul(i128::from(Ratio::ONE.0));
    age_ns >= stands_ns && distance >= old.abs().saturating_mul(i128::from(moves.0))
}

/// A quote against its bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Inside,
    /// The best offer stands at the lower band, or the best bid at the upper one, without crossing.
    AtLimit(Direction),
    /// Outside a band without a limit state.
    Straddle,
}

/// Where a quote stands.
#[inline]
pub fn place(bid: i64, ask: i64, lower: i64, upper: i64) -> Place {
    let crossed = bid > ask;
    if ask == lower && !crossed {
        Place::AtLimit(Direction::Down)
    } else if bid == upper && !crossed {
        Place::AtLimit(Direction::Up)
    } else if bid < lower || ask > upper {
        Place::Straddle
    } else {
        Place::Inside
    }
}

/// State of a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitState {
    Normal,
    Limit,
    Straddle,
    Pause,
    /// The pause is over and no new bands have been set.
    Reopening,
}

/// Watches the quotes of one stock against its bands.
#[derive(Clone, Copy, Debug)]
pub struct LimitWatch {
    lower: i64,
    upper: i64,
    since: Option<Ts>,
    pause: Option<Ts>,
}

impl LimitWatch {
    /// A stock inside its bands.
    pub fn new(lower: Price, upper: Price) -> LimitWatch {
        LimitWatch {
            lower: lower.0,
            upper: upper.0,
            since: None,
            pause: None,
        }
    }

    /// Takes the best bid and offer. A limit state that has lasted by `now` became a pause at its fifteenth second.
    pub fn on_quote(&mut self, bid: Price, ask: Price, now: Ts) -> LimitState {
        if let Some(since) = self.since
            && now.since(since) >= LIMIT_STATE_NS
        {
            self.pause = Some(since.plus(LIMIT_STATE_NS));
            self.since = None;
        }
        if let Some(start) = self.pause {
            return if now.since(start) < PAUSE_NS {
                LimitState::Pause
            } else {
                LimitState::Reopening
            };
        }
        let place = place(bid.0, ask.0, self.lower, self.upper);
        if matches!(place, Place::AtLimit(_)) {
            self.since.get_or_insert(now);
            return LimitState::Limit;
        }
        self.since = None;
        match place {
            Place::Straddle => LimitState::Straddle,
            _ => LimitState::Normal,
        }
    }

    /// Begin and end of the pause.
    pub fn pause(&self) -> Option<(Ts, Ts)> {
        self.pause.map(|start| (start, start.plus(PAUSE_NS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENTS: i64 = 100;

    fn of(tier: Tier, close: i64, reference: i64, second: u32) -> (i64, i64) {
        let bands = bands(
            tier,
            Price(close),
            Price(reference),
            second,
            Doubling::OpenAndClose,
            CENTS,
        );
        (bands.lower.0, bands.upper.0)
    }

    #[test]
    fn the_class_follows_the_previous_close() {
        assert_eq!(of(Tier::One, 301, 300, 40_000), (285, 315));
        assert_eq!(of(Tier::One, 300, 300, 40_000), (240, 360));
        assert_eq!(of(Tier::Two, 301, 300, 40_000), (270, 330));
        assert_eq!(of(Tier::Two, 75, 80, 40_000), (64, 96));
        assert_eq!(
            of(Tier::Two, 74, 10, 40_000),
            (3, 18),
            "75 % of 0.10, halves away"
        );
        assert_eq!(
            of(Tier::Two, 74, 10, 57_599),
            (0, 25),
            "doubled, never below zero"
        );
    }

    #[test]
    fn doubling_begins_and_ends_to_the_second() {
        let wide = |second| of(Tier::One, 5_000, 10_000, second) == (9_000, 11_000);
        for (second, doubled) in [
            (34_199, false),
            (34_200, true),
            (35_099, true),
            (35_100, false),
            (56_099, false),
            (56_100, true),
        ] {
            assert_eq!(wide(second), doubled, "{second}");
        }
    }

    #[test]
    fn a_mean_forgets_what_is_older_than_its_window() {
        let mut mean = Mean::over(REFERENCE_WINDOW_NS);
        mean.push(100, Ts(10 * SECOND_NS));
        mean.push(104, Ts(20 * SECOND_NS));
        assert_eq!(mean.parts(), Some((204, 2)));
        mean.expire(Ts(310 * SECOND_NS));
        assert_eq!(mean.parts(), Some((204, 2)));
        mean.expire(Ts(311 * SECOND_NS));
        assert_eq!(mean.parts(), Some((104, 1)));
        mean.expire(Ts(9_000 * SECOND_NS));
        assert_eq!(mean.parts(), None);
    }

    #[test]
    fn a_reference_moves_at_one_percent_and_thirty_seconds() {
        let moves = |sum, age_s| {
            replaces(
                10_000,
                age_s * SECOND_NS,
                (sum, 2),
                REFERENCE_MOVES,
                REFERENCE_STANDS_NS,
            )
        };
        assert!(moves(20_200, 30) && moves(19_800, 30));
        assert!(!moves(20_199, 30) && !moves(20_200, 29));
    }

    #[test]
    fn a_limit_state_pauses_at_its_fifteenth_second_though_nobody_quotes() {
        let mut watch = LimitWatch::new(Price(95), Price(105));
        let at = |ms: u64| Ts(ms * 1_000_000);
        assert_eq!(
            watch.on_quote(Price(105), Price(106), at(1)),
            LimitState::Limit
        );
        assert_eq!(
            watch.on_quote(Price(99), Price(100), at(20_000)),
            LimitState::Pause
        );
        assert_eq!(watch.pause(), Some((at(15_001), at(315_001))));
        assert_eq!(
            watch.on_quote(Price(99), Price(100), at(315_001)),
            LimitState::Reopening
        );
    }
}
