//! How urgent a follow-up task is (N4.34).

use siaga_risk::units::Ts;

use crate::calendar::{DAY_NS, HOUR_NS};

/// Due in less is urgent.
pub const URGENT_NS: u64 = 24 * HOUR_NS;

/// Due in less is upcoming.
pub const UPCOMING_NS: u64 = 7 * DAY_NS;

/// How urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// The instant has passed.
    Overdue,
    /// Within a day.
    Urgent,
    /// Within a week.
    Upcoming,
    /// Later.
    Scheduled,
}

impl Urgency {
    /// Every one, most urgent first.
    pub const ALL: [Urgency; 4] = [
        Urgency::Overdue,
        Urgency::Urgent,
        Urgency::Upcoming,
        Urgency::Scheduled,
    ];

    /// Of a task that is due at `due`.
    pub fn of(due: Ts, now: Ts) -> Urgency {
        match due.0.checked_sub(now.0) {
            None => Urgency::Overdue,
            Some(left) if left < URGENT_NS => Urgency::Urgent,
            Some(left) if left < UPCOMING_NS => Urgency::Upcoming,
            Some(_) => Urgency::Scheduled,
        }
    }

    /// From which instant, and up to and without which, tasks are due that are so urgent at `now`.
    pub fn window(self, now: Ts) -> (Ts, Ts) {
        let (urgent, upcoming) = (now.plus(URGENT_NS), now.plus(UPCOMING_NS));
        match self {
            Urgency::Overdue => (Ts(0), now),
            Urgency::Urgent => (now, urgent),
            Urgency::Upcoming => (urgent, upcoming),
            Urgency::Scheduled => (upcoming, Ts(u64::MAX)),
        }
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Urgency::Overdue => "overdue",
            Urgency::Urgent => "urgent",
            Urgency::Upcoming => "upcoming",
            Urgency::Scheduled => "scheduled",
        }
    }

    /// The urgency of that name.
    pub fn parse(name: &str) -> Option<Urgency> {
        Urgency::ALL
            .into_iter()
            .find(|urgency| urgency.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_changes_at_the_instant_a_day_and_a_week_before() {
        let now = Ts(100 * DAY_NS);
        for (due, urgency) in [
            (Ts(0), Urgency::Overdue),
            (Ts(now.0 - 1), Urgency::Overdue),
            (now, Urgency::Urgent),
            (now.plus(URGENT_NS - 1), Urgency::Urgent),
            (now.plus(URGENT_NS), Urgency::Upcoming),
            (now.plus(UPCOMING_NS - 1), Urgency::Upcoming),
            (now.plus(UPCOMING_NS), Urgency::Scheduled),
        ] {
            assert_eq!(Urgency::of(due, now), urgency, "{due:?}");
            let within = |of: Urgency| {
                let (from, to) = of.window(now);
                from <= due && due < to
            };
            let found: Vec<Urgency> = Urgency::ALL.into_iter().filter(|of| within(*of)).collect();
            assert_eq!(found, [urgency], "the windows of a list say the same");
        }
    }
}
