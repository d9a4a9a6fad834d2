//! Rolling-window alerts and the latch of a volatility halt.
//!
//! Alerts compare every accepted price with the extremes of all prices of the window. The halt latches only
//! after N consecutive prices beyond its threshold, and a price beyond it enters the halt's own window only
//! when the halt has latched: one bad print cannot become the reference that makes good prices look wild.

use super::window::{Move, Window};
use crate::event::HaltCause;
use crate::record;
use crate::terms::HaltTerms;
use crate::units::*;

record! {
    /// Watches one kind of price (mids of quotes, or prints) of one instrument.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Detector {
        all: Window,
        share: Confirmer,
        /// The detectors of distances; absent while none is on.
        distances: Option<Box<Distances>>,
    }

    /// Detectors of a distance from a window's extremes.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Distances {
        dynamic: Confirmer,
        velocity: Confirmer,
    }

    /// Latches after N consecutive prices beyond a limit of a window.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Confirmer {
        confirmed: Window,
        /// Consecutive prices beyond the limit, and their extremes.
        beyond: u8,
        low: i64,
        high: i64,
        /// The extreme that the first of them moved away from.
        reference: i64,
    }

    /// Distances that halt, in halves of a price step (mid × 2); none while their detector is off.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Reach {
        /// The day's variant.
        pub variant2: Option<i64>,
        /// Ticks × tick size.
        pub velocity2: Option<i64>,
    }

    /// One threshold's alert.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Alarm {
        pub last: Option<Ts>,
        pub ticks: u64,
        pub alerts: u64,
    }

    /// A halt in force.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Halt {
        pub since: Ts,
        pub cause: HaltCause,
        /// Set by a person; only a person lifts it.
        pub manual: bool,
        /// The quiet time is over and a named person must resume.
        pub awaiting_resume: bool,
        pub last_breach: Ts,
        /// It lasts at least until then.
        pub not_before: Ts,
        pub moved: Ratio,
    }
}

/// What halts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A share moved; reached at equality.
    Share(Ratio),
    /// A distance; reached at equality.
    AtLeast(i64),
    /// A distance; only more reaches it.
    MoreThan(i64),
}

/// What a price did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its move within the window of all prices.
    pub moved: Option<Move>,
    /// Its move when it was beyond a detector's limit.
    pub beyond: Option<(HaltCause, Move)>,
    /// It is the first beyond the limit of a distance.
    pub entered: Option<(HaltCause, Move)>,
    /// It was the last of the confirmations of `beyond`.
    pub latched: bool,
}

/// A detector, looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub cause: HaltCause,
    /// The move of the newest price within the detector's window.
    pub moved: Option<Move>,
    pub beyond: bool,
    /// Further prices beyond the limit that latch.
    pub needed: u8,
}

impl Limit {
    /// True when the move reaches the limit.
    #[inline]
    pub fn reached(self, moved: &Move) -> bool {
        match self {
            Limit::Share(share) => moved.reaches(share),
            Limit::AtLeast(distance) => moved.difference > 0 && moved.difference >= distance,
            Limit::MoreThan(distance) => moved.difference > distance,
        }
    }

    #[inline]
    fn measure(self, high: i64, low: i64, value: i64) -> Move {
        match self {
            Limit::Share(_) => Move::larger(high, low, value),
            Limit::AtLeast(_) | Limit::MoreThan(_) => Move::longer(high, low, value),
        }
    }
}

impl Reach {
    fn any(&self) -> bool {
        self.variant2.is_some() || self.velocity2.is_some()
    }
}

impl Detector {
    /// Takes an accepted price (mid × 2 of a quote, price × 2 of a print); `now` must not go back.
    #[inline]
    pub fn on_price(
        &mut self,
        value: i64,
        now: Ts,
        terms: &HaltTerms,
        reach: &Reach,
        halted: bool,
    ) -> Step {
        self.all.expire(now, terms.window_ns);
        self.all.push(now, value);
        let mut step = Step {
            moved: self.all.move_to(value),
            beyond: None,
            entered: None,
            latched: false,
        };
        if terms.halt.0 > 0 {
            let limit = Limit::Share(terms.halt);
            let (beyond, latched) =
                self.share
                    .on_price(value, now, limit, terms.window_ns, terms, halted);
            step.beyond = beyond.map(|moved| (HaltCause::Window, moved));
            step.latched = latched;
        }
        if reach.any() {
            self.on_distance(value, now, terms, reach, halted, &mut step);
        }
        step
    }

    fn on_distance(
        &mut self,
        value: i64,
        now: Ts,
        terms: &HaltTerms,
        reach: &Reach,
        halted: bool,
        step: &mut Step,
    ) {
        let distances = self.distances.get_or_insert_default();
        for (cause, confirmer, limit, window_ns) in distances.each(terms, reach) {
            let (beyond, latched) = confirmer.on_price(value, now, limit, window_ns, terms, halted);
            let Some(moved) = beyond else {
                continue;
            };
            if confirmer.beyond == 1 {
                step.entered = step.entered.or(Some((cause, moved)));
            }
            if latched && !step.latched {
                step.beyond = Some((cause, moved));
                step.latched = true;
            } else {
                step.beyond = step.beyond.or(Some((cause, moved)));
            }
        }
    }

    /// The detectors' windows are there before the first price, so that no price waits for memory.
    pub fn prepare(&mut self, on: bool) {
        if on {
            self.distances.get_or_insert_default();
        } else {
            self.distances = None;
        }
    }

    /// The newest price was beyond a halt's limit, and more like it would latch.
    pub fn is_beyond(&self) -> bool {
        let of = |distances: &Distances| distances.dynamic.beyond + distances.velocity.beyond > 0;
        self.share.beyond > 0 || self.distances.as_deref().is_some_and(of)
    }

    /// The look-back of the halt starts anew when trading resumes.
    pub fn resume(&mut self) {
        self.share.resume();
        if let Some(distances) = &mut self.distances {
            distances.dynamic.resume();
            distances.velocity.resume();
        }
    }

    /// What every detector that is on would say to a price at `now`.
    pub fn look(&self, value: i64, now: Ts, terms: &HaltTerms, reach: &Reach) -> Vec<Look> {
        let mut looks = Vec::new();
        if terms.halt.0 > 0 {
            let limit = Limit::Share(terms.halt);
            let look = self.share.look(value, now, limit, terms.window_ns, terms);
            looks.push(Look {
                cause: HaltCause::Window,
                ..look
            });
        }
        let mut distances = self.distances.as_deref().cloned().unwrap_or_default();
        for (cause, confirmer, limit, window_ns) in distances.each(terms, reach) {
            let look = confirmer.look(value, now, limit, window_ns, terms);
            looks.push(Look { cause, ..look });
        }
        looks
    }
}

impl Distances {
    /// The detectors that are on.
    fn each<'a>(
        &'a mut self,
        terms: &HaltTerms,
        reach: &Reach,
    ) -> impl Iterator<Item = (HaltCause, &'a mut Confirmer, Limit, u64)> + use<'a> {
        let breakers = &terms.breakers;
        let dynamic = (
            reach.variant2.map(Limit::MoreThan),
            breakers.dynamic.window_ns,
        );
        // A move that takes exactly the window's time counts.
        let velocity = (
            reach.velocity2.map(Limit::AtLeast),
            breakers.velocity.window_ns.saturating_add(1),
        );
        [
            (HaltCause::Dynamic, &mut self.dynamic, dynamic),
            (HaltCause::Velocity, &mut self.velocity, velocity),
        ]
        .into_iter()
        .filter_map(|(cause, confirmer, (limit, window_ns))| {
            Some((cause, confirmer, limit?, window_ns))
        })
    }
}

impl Confirmer {
    /// The price's move when it is beyond the limit, and whether that latches.
    #[inline]
    fn on_price(
        &mut self,
        value: i64,
        now: Ts,
        limit: Limit,
        window_ns: u64,
        terms: &HaltTerms,
        halted: bool,
    ) -> (Option<Move>, bool) {
        self.confirmed.expire(now, window_ns);
        let measured = match (self.confirmed.high(), self.confirmed.low()) {
            (Some(high), Some(low)) => Some(limit.measure(high, low, value)),
            _ => None,
        };
        let beyond = measured.filter(|moved| limit.reached(moved));
        let beyond = beyond.or_else(|| self.still_beyond(value, limit));
        if beyond.is_none() || halted {
            self.beyond = 0;
            self.confirmed.push(now, value);
            return (beyond, false);
        }
        if self.beyond == 0 {
            (self.low, self.high) = (value, value);
            self.reference = beyond.map_or(value, |moved| moved.reference);
        }
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        self.beyond += 1;
        if self.beyond < terms.confirmations.max(1) {
            return (beyond, false);
        }
        self.beyond = 0;
        self.confirmed.push(now, self.low);
        self.confirmed.push(now, self.high);
        self.confirmed.push(now, value);
        (beyond, true)
    }

    /// A window of a second is over before three prices have come: those that stay as far away confirm too.
    #[inline]
    fn still_beyond(&self, value: i64, limit: Limit) -> Option<Move> {
        if self.beyond == 0 || !matches!(limit, Limit::AtLeast(_)) {
            return None;
        }
        let moved = Move::longer(self.reference, self.reference, value);
        limit.reached(&moved).then_some(moved)
    }

    fn look(&self, value: i64, now: Ts, limit: Limit, window_ns: u64, terms: &HaltTerms) -> Look {
        let held = self.confirmed.extremes_at(now, window_ns);
        let moved = held.map(|(high, low)| limit.measure(high, low, value));
        Look {
            cause: HaltCause::Window,
            moved,
            beyond: moved.is_some_and(|moved| limit.reached(&moved)),
            needed: terms.confirmations.max(1).saturating_sub(self.beyond),
        }
    }

    fn resume(&mut self) {
        self.confirmed.clear();
        self.beyond = 0;
    }
}

impl Alarm {
    /// Counts a price beyond the threshold; true when it alerts: the first, then not before `cooldown_ns` has passed.
    #[inline]
    pub fn on_breach(&mut self, now: Ts, cooldown_ns: u64) -> bool {
        self.ticks += 1;
        let due = self.last.is_none_or(|last| now.since(last) >= cooldown_ns);
        if due {
            self.last = Some(now);
            self.alerts += 1;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(halt: Ratio, confirmations: u8) -> HaltTerms {
        HaltTerms {
            window_ns: 60 * SECOND_NS,
            alert: Ratio::percent(3),
            halt,
            confirmations,
            breakers: crate::terms::BreakerTerms::OFF,
            cooldown_ns: 300 * SECOND_NS,
            quiet_ns: 60 * SECOND_NS,
            manual_resume: false,
            factor: Ratio::percent(200),
            grace_ns: 0,
            vol_floor: Ratio::percent(1),
            vol_multiple: Ratio::percent(300),
            ewma_lambda: Ratio::percent(94),
            ewma_unit_ns: DAY_NS,
        }
    }

    /// Feeds prices a second apart: `.` calm, `!` beyond the halt's threshold, `H` the halt latches.
    fn check(confirmations: u8, prices: &[i64], expected: &str) {
        let terms = terms(Ratio::percent(10), confirmations);
        let mut detector = Detector::default();
        let mut halted = false;
        let mut seen = String::new();
        for (second, price) in prices.iter().enumerate() {
            let now = Ts((second as u64 + 1) * SECOND_NS);
            let step = detector.on_price(*price, now, &terms, &Reach::default(), halted);
            halted |= step.latched;
            seen.push(match (step.latched, step.beyond.is_some()) {
                (true, _) => 'H',
                (_, true) => '!',
                _ => '.',
            });
        }
        assert_eq!(seen, expected, "{prices:?}");
    }

    #[test]
    fn three_in_a_row_latch_and_at_the_threshold_counts() {
        check(3, &[100, 101, 111, 112, 110, 104], "..!!H.");
        check(3, &[1000, 1099, 1099, 1099], "....");
    }

    #[test]
    fn one_bad_print_never_becomes_the_reference() {
        check(3, &[100, 101, 30, 101, 88, 101], "..!.!.");
    }

    #[test]
    fn one_confirmation_latches_at_once() {
        check(1, &[100, 120], ".H");
    }

    /// The same with a detector of a distance alone.
    fn check_reach(reach: Reach, prices: &[i64], expected: &str) {
        let mut terms = terms(Ratio(0), 2);
        terms.breakers.velocity.window_ns = 2 * SECOND_NS;
        let mut detector = Detector::default();
        let mut seen = String::new();
        for (second, price) in prices.iter().enumerate() {
            let now = Ts((second as u64 + 1) * SECOND_NS);
            let step = detector.on_price(*price, now, &terms, &reach, false);
            seen.push(match (step.latched, step.entered, step.beyond) {
                (true, ..) => 'H',
                (_, Some(_), _) => 'a',
                (_, _, Some(_)) => '!',
                _ => '.',
            });
        }
        assert_eq!(seen, expected, "{prices:?}");
    }

    #[test]
    fn only_more_than_the_variant_halts_and_the_first_alerts() {
        let variant = Reach {
            variant2: Some(70),
            velocity2: None,
        };
        check_reach(
            variant,
            &[1_000, 1_070, 1_071, 1_000, 1_001, 1_071, 1_072],
            "..a..aH",
        );
        check_reach(variant, &[5, -65, -66, -66], "..aH");
    }

    #[test]
    fn velocity_counts_equality_and_both_ends_of_its_window() {
        let velocity = Reach {
            variant2: None,
            velocity2: Some(70),
        };
        check_reach(velocity, &[1_000, 1_030, 1_070, 1_100], "..aH");
        check_reach(velocity, &[1_000, 1_030, 1_069, 1_098, 1_130], ".....");
    }

    #[test]
    fn an_alarm_waits_for_its_cooldown() {
        let mut alarm = Alarm::default();
        assert!(alarm.on_breach(Ts(5), 300));
        assert!(!alarm.on_breach(Ts(304), 300));
        assert!(alarm.on_breach(Ts(305), 300));
        assert_eq!((alarm.ticks, alarm.alerts), (3, 2));
    }
}
