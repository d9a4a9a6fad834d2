//! Working hours of the house: Monday to Friday, 08:00 to 17:00 in Jakarta (UTC+7), less Indonesian holidays. Deadlines in
//! working hours are counted here, by every engine the same way. Pure: instants come in, instants go out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::Offset;
use serde::Deserialize;
use siaga_risk::units::Ts;

use crate::values::instant;

/// The offset of the house's clock, hours: Jakarta has no summer time.
pub const OFFSET_HOURS: i8 = 7;

/// The working day begins, hour of the house's clock.
pub const OPENS: i8 = 8;

/// The working day ends, hour of the house's clock.
pub const CLOSES: i8 = 17;

/// Nanoseconds of an hour.
pub const HOUR_NS: u64 = 3_600_000_000_000;

/// Nanoseconds of a day.
pub const DAY_NS: u64 = 24 * HOUR_NS;

/// Days that a deadline is looked for: far more than any deadline, far less than a program should spend on it.
const DAYS_MAX: u32 = 4_000;

/// Holidays that the program ships.
const SHIPPED: &str = include_str!("calendar/holidays.toml");

static INDONESIA: LazyLock<WorkingCalendar> = LazyLock::new(|| {
    WorkingCalendar::parse(SHIPPED).expect("the shipped holidays are read by a test")
});

/// Which days are worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingCalendar {
    /// Month and day of each year's holidays.
    every: BTreeSet<(i8, i8)>,
    years: BTreeMap<i16, BTreeSet<Date>>,
}

/// Why a table of holidays is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No TOML, or of another shape.
    #[error("the holidays are not understood: {0}")]
    Form(String),
    /// A day that does not exist.
    #[error("{1} of {0} is no day; write days as 08-17")]
    Day(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    every: Vec<String>,
    years: BTreeMap<String, Vec<String>>,
}

impl WorkingCalendar {
    /// The shipped calendar of Indonesia.
    pub fn indonesia() -> &'static WorkingCalendar {
        &INDONESIA
    }

    /// A calendar from the text of a file of the shipped form.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let file: File =
            toml::from_str(text).map_err(|error| CalendarError::Form(error.to_string()))?;
        let mut every = BTreeSet::new();
        for day in &file.every {
            // A leap year, so that the 29th of February can be named.
            let date =
                day_of(2024, day).ok_or_else(|| CalendarError::Day("every".into(), day.clone()))?;
            every.insert((date.month(), date.day()));
        }
        let mut years = BTreeMap::new();
        for (year, days) in &file.years {
            let number: i16 = year
                .parse()
                .map_err(|_| CalendarError::Form(format!("{year} is no year")))?;
            let mut dates = BTreeSet::new();
            for day in days {
                let date = day_of(number, day);
                dates.insert(date.ok_or_else(|| CalendarError::Day(year.clone(), day.clone()))?);
            }
            years.insert(number, dates);
        }
        Ok(Self { every, years })
    }

    /// Whether the year has a table. Of another year only the fixed holidays are known, so its deadlines come
    /// sooner, never later.
    pub fn knows(&self, year: i16) -> bool {
        self.years.contains_key(&year)
    }

    /// Whether the house works on that day of its own calendar.
    pub fn works_on(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let listed = match self.years.get(&date.year()) {
            Some(days) => days.contains(&date),
            None => self.every.contains(&(date.month(), date.day())),
        };
        !weekend && !listed
    }

    /// Whether the house works at that instant: from the opening up to, and without, the closing hour.
    pub fn is_open(&self, at: Ts) -> bool {
        let date = date_of(at);
        let (opens, closes) = hours(date);
        self.works_on(date) && opens <= at && at < closes
    }

    /// The instant at which `hours` working hours have passed since `from`. Zero hours is `from` itself; a term that
    /// begins outside of working hours begins to run at the next opening.
    pub fn deadline(&self, from: Ts, hours_to_work: u32) -> Ts {
        let mut left = u64::from(hours_to_work) * HOUR_NS;
        if left == 0 {
            return from;
        }
        let mut date = date_of(from);
        let mut at = from;
        for _ in 0..DAYS_MAX {
            if self.works_on(date) {
                let (opens, closes) = hours(date);
                let start = at.max(opens);
                let rest = closes.0.saturating_sub(start.0);
                if left <= rest {
                    return Ts(start.0 + left);
                }
                left -= rest;
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
            at = hours(date).0;
        }
        at
    }

    /// Working time between two instants, nanoseconds; zero when `to` is not after `from`.
    pub fn worked(&self, from: Ts, to: Ts) -> u64 {
        let (mut date, last) = (date_of(from), date_of(to));
        let mut sum = 0u64;
        for _ in 0..DAYS_MAX {
            if date > last {
                break;
            }
            if self.works_on(date) {
                let (opens, closes) = hours(date);
                sum += to.min(closes).0.saturating_sub(from.max(opens).0);
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        sum
    }
}

/// The day of the house's calendar at an instant.
pub fn date_of(at: Ts) -> Date {
    Offset::constant(OFFSET_HOURS)
        .to_datetime(instant(at))
        .date()
}

/// Where a day of the house's calendar begins.
pub fn midnight(date: Date) -> Ts {
    at_hour(date, 0)
}

/// The beginnings of today, of this week (Monday) and of this month in the house's calendar.
pub fn beginnings(now: Ts) -> [Ts; 3] {
    let today = date_of(now);
    let back = u64::try_from(today.weekday().to_monday_zero_offset()).unwrap_or(0);
    let day = midnight(today);
    let month = Date::new(today.year(), today.month(), 1).map_or(day, midnight);
    [day, Ts(day.0.saturating_sub(back * DAY_NS)), month]
}

fn hours(date: Date) -> (Ts, Ts) {
    (at_hour(date, OPENS), at_hour(date, CLOSES))
}

fn at_hour(date: Date, hour: i8) -> Ts {
    let stamp = Offset::constant(OFFSET_HOURS).to_timestamp(date.at(hour, 0, 0, 0));
    let nanoseconds = stamp.map_or(0, Timestamp::as_nanosecond);
    Ts(u64::try_from(nanoseconds).unwrap_or(0))
}

/// `08-17` in a year.
fn day_of(year: i16, text: &str) -> Option<Date> {
    let (month, day) = text.split_once('-')?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Ts {
        let stamp: Timestamp = format!("{text}+07:00").parse().expect("an instant");
        Ts(u64::try_from(stamp.as_nanosecond()).expect("after 1970"))
    }

    /// Beginning, working hours, end; all in Jakarta.
    const DEADLINES: &[(&str, u32, &str)] = &[
        // A Monday: 24 working hours are two whole days and six hours.
        ("2026-07-06T08:00:00", 24, "2026-07-08T14:00:00"),
        ("2026-07-06T12:30:00", 3, "2026-07-06T15:30:00"),
        // To the last minute of a day, and one hour beyond.
        ("2026-07-06T08:00:00", 9, "2026-07-06T17:00:00"),
        ("2026-07-06T08:00:00", 10, "2026-07-07T09:00:00"),
        // Handed in at night and on a Saturday: the term begins at the next opening.
        ("2026-07-06T22:00:00", 1, "2026-07-07T09:00:00"),
        ("2026-07-11T10:00:00", 1, "2026-07-13T09:00:00"),
        // A Friday afternoon goes over the weekend.
        ("2026-07-10T16:00:00", 2, "2026-07-13T09:00:00"),
        // Independence day 2026 is a Monday.
        ("2026-08-14T16:00:00", 2, "2026-08-18T09:00:00"),
        // Christmas (Friday) and New Year (Friday, of a year without a table).
        ("2026-12-24T16:00:00", 2, "2026-12-28T09:00:00"),
        ("2026-12-31T16:00:00", 2, "2027-01-04T09:00:00"),
        // Two days of Idul Fitri 2025 (Monday, Tuesday).
        ("2025-03-28T16:00:00", 2, "2025-04-02T09:00:00"),
        ("2026-07-11T10:00:00", 0, "2026-07-11T10:00:00"),
    ];

    #[test]
    fn deadlines_count_only_hours_in_which_the_house_works() {
        let calendar = WorkingCalendar::indonesia();
        for &(from, hours, to) in DEADLINES {
            assert_eq!(
                calendar.deadline(at(from), hours),
                at(to),
                "{hours} h from {from}"
            );
            if calendar.is_open(at(from)) {
                assert_eq!(
                    calendar.worked(at(from), at(to)),
                    u64::from(hours) * HOUR_NS,
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn the_house_is_open_from_eight_to_five() {
        let calendar = WorkingCalendar::indonesia();
        for (instant, open) in [
            ("2026-07-06T07:59:59", false),
            ("2026-07-06T08:00:00", true),
            ("2026-07-06T16:59:59", true),
            ("2026-07-06T17:00:00", false),
            ("2026-07-05T12:00:00", false),
            ("2026-08-17T12:00:00", false),
        ] {
            assert_eq!(calendar.is_open(at(instant)), open, "{instant}");
        }
    }

    #[test]
    fn a_year_without_a_table_has_its_fixed_holidays() {
        let calendar = WorkingCalendar::indonesia();
        assert!(calendar.knows(2026) && !calendar.knows(2099));
        assert!(!calendar.works_on(Date::constant(2099, 5, 1)));
        assert!(calendar.works_on(Date::constant(2099, 5, 5)));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        let bad = WorkingCalendar::parse("every = []\n[years]\n2025 = [\"02-30\"]\n");
        assert_eq!(bad, Err(CalendarError::Day("2025".into(), "02-30".into())));
        assert!(matches!(
            WorkingCalendar::parse("never = 1"),
            Err(CalendarError::Form(_))
        ));
    }

    #[test]
    fn today_this_week_and_this_month_begin_in_jakarta() {
        // 01:00 on Thursday 2 July in Jakarta is still 1 July in UTC.
        let [day, week, month] = beginnings(at("2026-07-02T01:00:00"));
        assert_eq!(day, at("2026-07-02T00:00:00"));
        assert_eq!(week, at("2026-06-29T00:00:00"));
        assert_eq!(month, at("2026-07-01T00:00:00"));
    }
}
