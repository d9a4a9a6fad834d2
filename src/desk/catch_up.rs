//! What a start, or an import between two, owes to the time since the journal ended: nights that passed, and a clock that
//! lies behind.

use siaga_feed::calendar::{Calendars, MISSED_MAX_NS, Planner};
use siaga_risk::event::{Body, ClockJump, Seq};
use siaga_risk::units::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, Ts};

use crate::clock::{CATCH_UP_FACTOR, JUMP_NS};

/// The first inputs, and what goes on from them.
pub struct CatchUp {
    /// The time that they carry: what the core has reached, so that its time stands still until all of them are in.
    pub ts: Ts,
    pub bodies: Vec<Body>,
    pub planner: Planner,
    /// What somebody has to know; said in the log too.
    pub remarks: Vec<String>,
}

impl CatchUp {
    /// For a core that has `reached` its time by input `last`, while the wall clock was `behind_ns` behind that.
    pub fn new(calendars: Calendars, last: Seq, reached: Ts, behind_ns: u64, now: Ts) -> CatchUp {
        if last == 0 {
            return CatchUp {
                ts: now,
                bodies: Vec::new(),
                planner: Planner::new(calendars),
                remarks: Vec::new(),
            };
        }
        let (planner, nights) = Planner::behind(calendars, reached, now);
        let mut remarks = Vec::new();
        let mut bodies = Vec::with_capacity(nights.len() + 1);
        if behind_ns > JUMP_NS.unsigned_abs() {
            let by_ns = i64::try_from(behind_ns).unwrap_or(i64::MAX);
            bodies.push(Body::ClockJump(ClockJump { by_ns: -by_ns }));
            remarks.push(behind(behind_ns));
        }
        bodies.extend(nights);
        if now.since(reached) > MISSED_MAX_NS {
            remarks.push(format!(
                "the core was off for {}: swaps of nights more than {} ago are not charged, settle those by hand",
                span(now.since(reached)),
                span(MISSED_MAX_NS)
            ));
        }
        for remark in &remarks {
            tracing::warn!("{remark}");
        }
        CatchUp {
            ts: reached,
            bodies,
            planner,
            remarks,
        }
    }
}

fn behind(behind_ns: u64) -> String {
    format!(
        "this machine's clock is {} behind the journal: the desk's time goes on from the journal's end, ahead of the clock \
         and a little slower than it, until the clock has caught up, which takes {}. If the clock is wrong, stop the desk, \
         set it right and start again. If it is right, an earlier run had a clock that was ahead: sessions, swaps and \
         expiries come too early by as much, and only a copy of the data folder from before that run, put back while the \
         desk is stopped, ends that sooner",
        span(behind_ns),
        span(behind_ns.saturating_mul(CATCH_UP_FACTOR))
    )
}

/// A length of time in whole units of a size that a person reads at once.
fn span(ns: u64) -> String {
    let (unit_ns, unit) = match ns {
        _ if ns < 2 * MINUTE_NS => (SECOND_NS, "s"),
        _ if ns < 2 * HOUR_NS => (MINUTE_NS, "min"),
        _ if ns < 2 * DAY_NS => (HOUR_NS, "h"),
        _ => (DAY_NS, "days"),
    };
    format!("{} {unit}", ns / unit_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_feed::catalog::Catalog;

    /// A Tuesday noon in June 2025.
    const REACHED: Ts = Ts(1_748_952_000_000_000_000);

    fn calendars() -> Calendars {
        Calendars::new(&Catalog::shipped())
    }

    fn nights(bodies: &[Body]) -> usize {
        let mut nights: Vec<Ts> = bodies
            .iter()
            .filter_map(|body| match body {
                Body::Rollover(night) => Some(night.at),
                _ => None,
            })
            .collect();
        nights.dedup();
        nights.len()
    }

    #[test]
    fn a_start_after_days_tells_their_nights_at_the_time_that_was_reached() {
        let now = REACHED.plus(5 * DAY_NS);
        let after = CatchUp::new(calendars(), 9, REACHED, 0, now);
        assert_eq!(after.ts, REACHED);
        assert!(after.remarks.is_empty(), "{:?}", after.remarks);
        // Five that passed and the two ahead.
        assert_eq!(nights(&after.bodies), 7);
    }

    #[test]
    fn a_first_start_has_nothing_behind_it() {
        let first = CatchUp::new(calendars(), 0, Ts(0), 0, REACHED);
        assert_eq!((first.ts, first.bodies.len()), (REACHED, 0));
    }

    #[test]
    fn a_clock_behind_the_journal_is_told_once_and_in_words() {
        let now = REACHED.plus(1);
        let told = |behind_ns: u64| {
            let start = CatchUp::new(calendars(), 9, REACHED, behind_ns, now);
            let jumps: Vec<i64> = start
                .bodies
                .iter()
                .filter_map(|body| match body {
                    Body::ClockJump(jump) => Some(jump.by_ns),
                    _ => None,
                })
                .collect();
            (jumps, start.remarks.join("\n"))
        };
        assert_eq!(told(SECOND_NS), (Vec::new(), String::new()), "no jump");
        let (jumps, words) = told(HOUR_NS);
        assert_eq!(jumps, [-(HOUR_NS as i64)]);
        assert!(words.contains("60 min behind"), "{words}");
        assert!(words.contains("83 days"), "{words}");
        let (jumps, words) = told(u64::MAX);
        assert_eq!(jumps, [-i64::MAX]);
        assert!(words.contains("data folder"), "{words}");
    }

    #[test]
    fn nights_beyond_the_limit_are_said_to_be_left() {
        let now = REACHED.plus(365 * DAY_NS);
        let after = CatchUp::new(calendars(), 9, REACHED, 0, now);
        assert!(after.remarks[0].contains("365 days"), "{:?}", after.remarks);
        assert!(after.remarks[0].contains("92 days"), "{:?}", after.remarks);
    }
}
