//! How long a lead may stand in a stage before its agent and their manager are told, and when the system writes first.

use siaga_risk::units::Ts;

use crate::calendar::{HOUR_NS, WorkingCalendar};

use super::stage::Stage;

/// A new lead without action for so long gets its first word from the system: 24 hours on the clock (decisions 8.5).
pub const OUTREACH_AFTER_NS: u64 = 24 * HOUR_NS;

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Hours on the clock: a client does not wait for office hours.
    Clock(u32),
    /// Hours in which the house works.
    Working(u32),
    /// For ever.
    Open,
}

/// The term of each stage. A working day has nine hours.
pub fn term(stage: Stage) -> Term {
    match stage {
        Stage::New => Term::Clock(24),
        // Three days to reach somebody, five to show what there is, seven to try it.
        Stage::Contacted => Term::Working(27),
        Stage::Interested => Term::Working(45),
        Stage::Demo => Term::Working(63),
        // The term of a decision on documents (E3.37).
        Stage::Kyc => Term::Working(24),
        Stage::Verified => Term::Working(45),
        // Money that was announced and is not there after two days is asked after.
        Stage::Deposit => Term::Working(18),
        Stage::Active => Term::Open,
    }
}

/// When the term of `stage` is over for a lead that came into it at `since`.
pub fn due(stage: Stage, since: Ts, calendar: &WorkingCalendar) -> Option<Ts> {
    match term(stage) {
        Term::Clock(hours) => Some(since.plus(u64::from(hours) * HOUR_NS)),
        Term::Working(hours) => Some(calendar.deadline(since, hours)),
        Term::Open => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{DAY_NS, midnight};
    use jiff::civil::Date;

    #[test]
    fn terms_run_on_the_clock_or_in_working_hours() {
        let calendar = WorkingCalendar::indonesia();
        // Friday, 10 July 2026, 08:00 in Jakarta.
        let friday = midnight(Date::constant(2026, 7, 10)).plus(8 * HOUR_NS);
        let days = |days: u64, hours: u64| Some(friday.plus(days * DAY_NS + hours * HOUR_NS));
        for (stage, expected) in [
            (Stage::New, days(1, 0)),
            // Friday, Monday and Tuesday to their end.
            (Stage::Contacted, days(4, 9)),
            (Stage::Interested, days(6, 9)),
            (Stage::Demo, days(10, 9)),
            (Stage::Kyc, days(4, 6)),
            (Stage::Verified, days(6, 9)),
            (Stage::Deposit, days(3, 9)),
            (Stage::Active, None),
        ] {
            assert_eq!(due(stage, friday, calendar), expected, "{stage:?}");
        }
    }
}
