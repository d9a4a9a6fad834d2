//! Circuit breakers as CME Group publishes them: dynamic circuit breakers and velocity logic, each for one market that
//! trades. The machine's halts use the same limits on filtered prices and wait for confirmations.

use super::halt::Limit;
use super::window::Window;
use crate::event::Direction;
use crate::units::*;

/// A dynamic circuit breaker halts for this long.
pub const DCB_HALT_NS: u64 = 120 * SECOND_NS;
/// It halts for this long in the last minutes of the session.
pub const DCB_HALT_NEAR_CLOSE_NS: u64 = 5 * SECOND_NS;
/// What "near the close" is.
pub const DCB_NEAR_CLOSE_NS: u64 = 5 * MINUTE_NS;

/// The day's variant: previous settlement × share, rounded down to a tick.
pub fn dcb_variant(settlement: Price, share: Ratio, tick: Price) -> Price {
    let exact = i128::from(settlement.0) * i128::from(share.0);
    let ticks = exact.div_euclid(i128::from(tick.0.max(1)) * i128::from(Ratio::ONE.0));
    Price(i64::try_from(ticks * i128::from(tick.0.max(1))).unwrap_or(i64::MAX))
}

/// How long a dynamic circuit breaker halts at `now`: `halt_ns`, shorter in the last minutes before the market closes.
pub fn dcb_halt_ns(halt_ns: u64, closes: Ts, now: Ts) -> u64 {
    if closes.since(now) <= DCB_NEAR_CLOSE_NS {
        halt_ns.min(DCB_HALT_NEAR_CLOSE_NS)
    } else {
        halt_ns
    }
}

/// Dynamic circuit breaker of one market: a price strictly beyond the window's lowest price + variant, or the highest
/// − variant, halts it; the look-back starts anew when trading resumes.
#[derive(Clone, Debug)]
pub struct DynamicBreaker {
    window: Window,
    window_ns: u64,
    variant: Price,
    closes: Ts,
    halted_until: Option<Ts>,
}

/// What a trade did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerStep {
    Trades,
    Triggers {
        direction: Direction,
        halt_ns: u64,
        resumes: Ts,
    },
    Halted,
}

impl DynamicBreaker {
    /// A breaker for the day; the market closes at `closes`.
    pub fn new(variant: Price, window_ns: u64, closes: Ts) -> Self {
        Self {
            window: Window::default(),
            window_ns,
            variant,
            closes,
            halted_until: None,
        }
    }

    /// Lower and upper limit at `now`; none before the window's first trade.
    pub fn limits(&mut self, now: Ts) -> Option<(Price, Price)> {
        self.window.expire(now, self.window_ns);
        let lower = self.window.high()?.saturating_sub(self.variant.0);
        let upper = self.window.low()?.saturating_add(self.variant.0);
        Some((Price(lower), Price(upper)))
    }

    /// Takes a trade into the look-back without judging it: what the limits of a market are that was never halted.
    pub fn note(&mut self, price: Price, now: Ts) {
        self.window.expire(now, self.window_ns);
        self.window.push(now, price.0);
    }

    /// Takes a trade.
    pub fn on_trade(&mut self, price: Price, now: Ts) -> BreakerStep {
        if self.halted_until.is_some_and(|until| now < until) {
            return BreakerStep::Halted;
        }
        self.halted_until = None;
        self.window.expire(now, self.window_ns);
        let limit = Limit::MoreThan(self.variant.0);
        let moved = self.window.distance_to(price.0);
        let Some(moved) = moved.filter(|moved| limit.reached(moved)) else {
            self.window.push(now, price.0);
            return BreakerStep::Trades;
        };
        let halt_ns = dcb_halt_ns(DCB_HALT_NS, self.closes, now);
        let resumes = now.plus(halt_ns);
        self.halted_until = Some(resumes);
        self.window.clear();
        BreakerStep::Triggers {
            direction: moved.direction,
            halt_ns,
            resumes,
        }
    }
}

/// Velocity logic: interrupts when the price moves at least so many ticks within the window (its ends included).
#[derive(Clone, Debug)]
pub struct Velocity {
    window: Window,
    window_ns: u64,
    /// `threshold ticks × tick size`.
    distance: i64,
}

impl Velocity {
    /// Velocity logic of one market.
    pub fn new(threshold_ticks: u32, tick: Price, window_ns: u64) -> Self {
        Self {
            window: Window::default(),
            window_ns,
            distance: i64::from(threshold_ticks).saturating_mul(tick.0),
        }
    }

    /// Takes a trade; the direction of the move when it interrupts.
    pub fn on_trade(&mut self, price: Price, now: Ts) -> Option<Direction> {
        self.window.expire(now, self.window_ns.saturating_add(1));
        self.window.push(now, price.0);
        let moved = self.window.distance_to(price.0)?;
        Limit::AtLeast(self.distance)
            .reached(&moved)
            .then_some(moved.direction)
    }
}

/// Class of a product, as far as velocity logic tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductClass {
    Equity,
    Metals,
    Energy,
    Treasury,
    Fx,
    Other,
}

/// What an interruption does to the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VelocityEffect {
    /// The market moves to Pre-Open; otherwise it is Reserved.
    pub pre_open: bool,
    /// The whole group is concerned; otherwise the instrument alone.
    pub group: bool,
    /// Resting option mass quotes are cancelled.
    pub mass_quotes_cancelled: bool,
}

/// A lead month of the five named classes moves its whole group to Pre-Open, everything else is reserved alone.
pub fn velocity_effect(class: ProductClass, lead_month: bool) -> VelocityEffect {
    let lead = lead_month && class != ProductClass::Other;
    VelocityEffect {
        pre_open: lead,
        group: lead,
        mass_quotes_cancelled: true,
    }
}

/// The order whose fill would have gone too far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggeringOrder {
    FillAndKill,
    Market,
}

impl TriggeringOrder {
    /// How its elimination is reported: order status (FIX tag 39) and execution restatement reason (tag 378).
    pub fn elimination(self) -> (char, u16) {
        match self {
            TriggeringOrder::FillAndKill => ('C', 8),
            TriggeringOrder::Market => ('C', 111),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variant_is_rounded_down_to_a_tick() {
        let share = Ratio::basis_points(350);
        assert_eq!(dcb_variant(Price(450_375), share, Price(25)), Price(15_750));
        assert_eq!(
            dcb_variant(Price(8_000), Ratio::percent(10), Price(1)),
            Price(800)
        );
    }

    #[test]
    fn only_beyond_the_limit_triggers_and_the_window_starts_anew() {
        let mut breaker = DynamicBreaker::new(Price(70), HOUR_NS, Ts(DAY_NS));
        let at = |second: u64| Ts(second * SECOND_NS);
        assert_eq!(breaker.on_trade(Price(1_000), at(0)), BreakerStep::Trades);
        assert_eq!(breaker.on_trade(Price(1_070), at(1)), BreakerStep::Trades);
        let triggers = BreakerStep::Triggers {
            direction: Direction::Up,
            halt_ns: DCB_HALT_NS,
            resumes: at(122),
        };
        assert_eq!(breaker.on_trade(Price(1_071), at(2)), triggers);
        assert_eq!(breaker.on_trade(Price(1_000), at(121)), BreakerStep::Halted);
        assert_eq!(breaker.on_trade(Price(1_300), at(122)), BreakerStep::Trades);
    }

    #[test]
    fn velocity_counts_the_threshold_and_the_ends_of_the_window() {
        let at = |ms: u64| Ts(ms * 1_000_000);
        let run = |second_ms: u64, second: i64| {
            let mut velocity = Velocity::new(12, Price(25), SECOND_NS);
            assert_eq!(velocity.on_trade(Price(1_000), at(0)), None);
            velocity.on_trade(Price(second), at(second_ms))
        };
        assert_eq!(run(1_000, 1_300), Some(Direction::Up));
        assert_eq!(run(1_001, 1_300), None);
        assert_eq!(run(1_000, 1_299), None);
        assert_eq!(run(1_000, 700), Some(Direction::Down));
    }
}
