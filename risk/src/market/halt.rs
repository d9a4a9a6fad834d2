//! Rolling-window alerts and the latch of a volatility halt.
//!
//! Alerts compare every accepted price with the extremes of all prices of the window. The halt latches only
//! after N consecutive prices beyond its threshold, and a price beyond it enters the halt's own window only
//! when the halt has latched: one bad print cannot become the reference that makes good prices look wild.

use super::window::{Move, Window};
use crate::record;
use crate::terms::HaltTerms;
use crate::units::*;

record! {
    /// Watches one kind of price (mids of quotes, or prints) of one instrument.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Detector {
        all: Window,
        confirmed: Window,
        /// Consecutive prices beyond the halt's threshold, and their extremes.
        beyond: u8,
        beyond_low: i64,
        beyond_high: i64,
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
        /// Set by a person; only a person lifts it.
        pub manual: bool,
        /// The quiet time is over and a named person must resume.
        pub awaiting_resume: bool,
        pub last_breach: Ts,
        pub moved: Ratio,
    }
}

/// What a price did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its move within the window of all prices.
    pub moved: Option<Move>,
    /// Its move when it was beyond the halt's threshold.
    pub beyond: Option<Move>,
    /// It was the last of the confirmations.
    pub latched: bool,
}

impl Detector {
    /// Takes an accepted price (mid × 2 of a quote, price × 2 of a print); `now` must not go back.
    #[inline]
    pub fn on_price(&mut self, value: i64, now: Ts, terms: &HaltTerms, halted: bool) -> Step {
        self.all.expire(now, terms.window_ns);
        self.all.push(now, value);
        let mut step = Step {
            moved: self.all.move_to(value),
            beyond: None,
            latched: false,
        };
        if terms.halt.0 > 0 {
            self.confirm(value, now, terms, halted, &mut step);
        }
        step
    }

    #[inline]
    fn confirm(&mut self, value: i64, now: Ts, terms: &HaltTerms, halted: bool, step: &mut Step) {
        self.confirmed.expire(now, terms.window_ns);
        step.beyond = self
            .confirmed
            .move_to(value)
            .filter(|moved| moved.reaches(terms.halt));
        if step.beyond.is_none() || halted {
            self.beyond = 0;
            self.confirmed.push(now, value);
            return;
        }
        if self.beyond == 0 {
            (self.beyond_low, self.beyond_high) = (value, value);
        }
        self.beyond_low = self.beyond_low.min(value);
        self.beyond_high = self.beyond_high.max(value);
        self.beyond += 1;
        if self.beyond >= terms.confirmations.max(1) {
            self.beyond = 0;
            step.latched = true;
            self.confirmed.push(now, self.beyond_low);
            self.confirmed.push(now, self.beyond_high);
            self.confirmed.push(now, value);
        }
    }

    /// The newest price was beyond the halt's threshold, and more like it would latch.
    pub fn is_beyond(&self) -> bool {
        self.beyond > 0
    }

    /// The look-back of the halt starts anew when trading resumes.
    pub fn resume(&mut self) {
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
            let step = detector.on_price(*price, now, &terms, halted);
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

    #[test]
    fn an_alarm_waits_for_its_cooldown() {
        let mut alarm = Alarm::default();
        assert!(alarm.on_breach(Ts(5), 300));
        assert!(!alarm.on_breach(Ts(304), 300));
        assert!(alarm.on_breach(Ts(305), 300));
        assert_eq!((alarm.ticks, alarm.alerts), (3, 2));
    }
}
