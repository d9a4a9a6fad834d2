//! When calendars are open: those that the program has, and those that a house brings with its terms.

use super::{DAY_END, NEW_YORK};
use jiff::civil::{Date, Time, time};
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Calendars an instrument may name without anybody bringing them.
pub const NAMES: [&str; 6] = ["always", "fx", "metal", "energy", "index", "jakarta"];

/// Most sessions of one trading day: a market with more would be an auction.
const SESSIONS_MAX: usize = 8;

/// Days of the week by name, Monday first.
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Why a file of calendars or holidays cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HolidayError {
    #[error("{0}")]
    File(String),
    #[error("{name}: \"{text}\" is no {what}")]
    Value {
        name: String,
        text: String,
        what: &'static str,
    },
}

/// One session of a trading day: it opens (on the day before, when `opens_day_before`) and closes at local times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub opens: Time,
    pub opens_day_before: bool,
    pub closes: Time,
}

/// The trading days of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub zone: TimeZone,
    /// Monday first.
    days: [bool; 7],
    /// In the order in which they open.
    pub spans: Vec<Span>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Always,
    Days(&'a Rule),
    /// Nobody has brought such a calendar: a missing one is closed.
    Missing,
}

/// All calendars that instruments may name.
#[derive(Clone, Debug)]
pub struct Hours {
    rules: BTreeMap<String, Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    calendar: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    zone: String,
    /// Monday to Friday when absent.
    days: Option<Vec<String>>,
    sessions: Vec<SpanLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanLine {
    opens: String,
    #[serde(default)]
    opens_day_before: bool,
    closes: String,
}

impl Rule {
    /// Whether a session is named by this date.
    pub fn trades_on(&self, day: Date) -> bool {
        self.days[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs() % 7)]
    }
}

impl Hours {
    /// The program's calendars, and those of a file.
    ///
    /// # Errors
    /// [`HolidayError`] naming the calendar.
    pub fn read(text: &str) -> Result<Hours, HolidayError> {
        let file: File = toml::from_str(text)
            .map_err(|error| HolidayError::File(error.to_string().trim_end().to_owned()))?;
        let mut rules = shipped()?;
        for line in &file.calendar {
            let fresh = !NAMES.contains(&line.name.as_str()) && !line.name.is_empty();
            if !fresh || rules.contains_key(&line.name) {
                return Err(wrong(line, &line.name, "name of a new calendar"));
            }
            rules.insert(line.name.clone(), rule(line)?);
        }
        Ok(Hours { rules })
    }

    /// Whether there is such a calendar.
    pub fn knows(&self, name: &str) -> bool {
        !matches!(self.kind(name), Kind::Missing)
    }

    /// Every name, for who mistyped one.
    pub fn names(&self) -> Vec<&str> {
        let own = self.rules.keys().map(String::as_str);
        std::iter::once("always").chain(own).collect()
    }

    pub(super) fn kind(&self, name: &str) -> Kind<'_> {
        match self.rules.get(name) {
            Some(rule) => Kind::Days(rule),
            None if name == "always" => Kind::Always,
            None => Kind::Missing,
        }
    }
}

fn wrong(line: &Line, text: &str, what: &'static str) -> HolidayError {
    HolidayError::Value {
        name: line.name.clone(),
        text: text.to_owned(),
        what,
    }
}

fn rule(line: &Line) -> Result<Rule, HolidayError> {
    let zone = TimeZone::get(&line.zone).map_err(|_| wrong(line, &line.zone, "time zone"))?;
    let mut days = [true, true, true, true, true, false, false];
    if let Some(named) = &line.days {
        days = [false; 7];
        for name in named {
            let at = DAYS.iter().position(|day| day == name);
            let at = at.ok_or_else(|| wrong(line, name, "day of the week (\"monday\")"))?;
            days[at] = true;
        }
    }
    if !days.contains(&true) {
        return Err(wrong(line, "days", "list of days"));
    }
    if line.sessions.is_empty() || line.sessions.len() > SESSIONS_MAX {
        return Err(wrong(line, "sessions", "list of one to eight sessions"));
    }
    let mut spans: Vec<Span> = Vec::with_capacity(line.sessions.len());
    for session in &line.sessions {
        let at = |text: &str| {
            text.parse::<Time>()
                .map_err(|_| wrong(line, text, "time of day"))
        };
        let span = Span {
            opens: at(&session.opens)?,
            opens_day_before: session.opens_day_before,
            closes: at(&session.closes)?,
        };
        // Only the first may begin on the day before; each begins when the one before it is over.
        let follows = match spans.last() {
            Some(before) => !span.opens_day_before && span.opens >= before.closes,
            None => true,
        };
        let lasts = span.opens_day_before || span.opens < span.closes;
        if !follows || !lasts {
            return Err(wrong(
                line,
                &session.opens,
                "time behind the session before it and before its own end",
            ));
        }
        spans.push(span);
    }
    // The next day's first session begins when this day's last one is over, too.
    if let (Some(first), Some(last)) = (spans.first(), spans.last())
        && first.opens_day_before
        && first.opens < last.closes
    {
        return Err(wrong(
            line,
            &line.sessions[0].opens,
            "time behind the day before",
        ));
    }
    Ok(Rule { zone, days, spans })
}

/// The calendars of the program: weekdays, some from the evening before.
fn shipped() -> Result<BTreeMap<String, Rule>, HolidayError> {
    let new_york = |opens| (NEW_YORK, opens, true, DAY_END);
    // An hour's break each day.
    let breaks = new_york(time(18, 0, 0, 0));
    let jakarta = ("Asia/Jakarta", time(8, 0, 0, 0), false, time(16, 0, 0, 0));
    let all = [
        ("fx", new_york(DAY_END)),
        ("metal", breaks),
        ("energy", breaks),
        ("index", breaks),
        ("jakarta", jakarta),
    ];
    let mut rules = BTreeMap::new();
    for (name, (zone, opens, opens_day_before, closes)) in all {
        let missing = |_| HolidayError::Value {
            name: name.to_owned(),
            text: zone.to_owned(),
            what: "time zone",
        };
        let rule = Rule {
            zone: TimeZone::get(zone).map_err(missing)?,
            days: [true, true, true, true, true, false, false],
            spans: vec![Span {
                opens,
                opens_day_before,
                closes,
            }],
        };
        rules.insert(name.to_owned(), rule);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::Weekday;

    const TWO: &str = r#"
        calendar = [
            { name = "kopi", zone = "Asia/Jakarta", sessions = [{ opens = "09:00", closes = "11:30" }, { opens = "13:30", closes = "16:00" }] },
            { name = "gulf", zone = "Asia/Dubai", days = ["sunday", "monday"], sessions = [{ opens = "22:00", opens_day_before = true, closes = "21:00" }] },
        ]"#;

    #[test]
    fn a_house_brings_calendars_of_its_own() {
        let hours = Hours::read(TWO).unwrap();
        for name in NAMES.into_iter().chain(["kopi", "gulf"]) {
            assert!(hours.knows(name), "{name}");
        }
        assert!(!hours.knows("teh"));
        let Kind::Days(gulf) = hours.kind("gulf") else {
            panic!("a rule");
        };
        let on = |day: Weekday| {
            let monday = jiff::civil::date(2026, 6, 1);
            let ahead = i64::from(day.to_monday_zero_offset());
            gulf.trades_on(monday.saturating_add(jiff::ToSpan::days(ahead)))
        };
        assert!(on(Weekday::Monday) && on(Weekday::Sunday) && !on(Weekday::Friday));
    }

    #[test]
    fn what_is_no_calendar_is_named() {
        for (from, to, what) in [
            ("kopi", "fx", "name of a new calendar"),
            ("gulf", "kopi", "name of a new calendar"),
            ("Asia/Dubai", "Asia/Nowhere", "time zone"),
            ("\"sunday\"", "\"someday\"", "day of the week"),
            ("09:00", "nine", "time of day"),
            ("13:30", "11:00", "session before it"),
            ("11:30", "08:00", "before its own end"),
            ("[\"sunday\", \"monday\"]", "[]", "list of days"),
            ("21:00", "23:00", "behind the day before"),
        ] {
            let text = TWO.replacen(from, to, 1);
            let error = Hours::read(&text).unwrap_err().to_string();
            assert!(error.contains(what), "{to}: {error}");
        }
    }
}
