//! Trading calendars, compiled from local times to UTC instants: sessions, rollovers, day starts.
//!
//! Pure: an interval goes in, inputs come out. [`Planner`] keeps the core a day ahead.

mod hours;

pub use hours::{HolidayError, Hours, NAMES};

use crate::catalog::Catalog;
use hours::{Kind, Rule};
use jiff::civil::{Date, Time, date, time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use siaga_risk::event::{Body, DayStart, Rollover, Session};
use siaga_risk::ids::InstrumentId;
use siaga_risk::terms::charged_days;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// The core knows at least this much of the future.
pub const HORIZON_NS: u64 = 24 * HOUR_NS;

/// One plan reaches this much further than the horizon, so that plans are rare.
pub const STEP_NS: u64 = 24 * HOUR_NS;

/// Nights further back than this are charged by nobody: whoever was away for more than a quarter settles its swaps by
/// hand.
pub const MISSED_MAX_NS: u64 = 92 * DAY_NS;

/// A running clock that leaps further than this is more likely wrong than a desk that slept: the nights in between are
/// left to people.
pub const LEAP_MAX_NS: u64 = 3 * DAY_NS;

/// Longest closure between two sessions, days: a weekend beside holidays.
const CLOSURE_DAYS_MAX: i64 = 12;

/// The forex day and the day of the accounts end at this time in this zone.
const DAY_END: Time = time(17, 0, 0, 0);
const NEW_YORK: &str = "America/New_York";

/// A session open around the clock is told a week at a time, from Monday 0:00 UTC.
const ALWAYS_EPOCH: Date = date(1970, 1, 5);
const WEEK_NS: u64 = 7 * DAY_NS;

/// Days that are shorter or do not take place, per calendar.
#[derive(Clone, Debug, Default)]
pub struct Holidays {
    /// By calendar and date; `None` = closed, else the early close.
    days: BTreeMap<(String, Date), Option<Time>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidayFile {
    holiday: Vec<HolidayLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidayLine {
    date: String,
    name: String,
    calendars: Vec<String>,
    close: Option<String>,
}

impl Holidays {
    /// Reads a holiday file of these calendars.
    ///
    /// # Errors
    /// [`HolidayError`] naming the entry.
    pub fn read(text: &str, hours: &Hours) -> Result<Holidays, HolidayError> {
        let file: HolidayFile = toml::from_str(text)
            .map_err(|error| HolidayError::File(error.to_string().trim_end().to_owned()))?;
        let mut days = BTreeMap::new();
        for line in file.holiday {
            let wrong = |text: &str, what| HolidayError::Value {
                name: line.name.clone(),
                text: text.to_owned(),
                what,
            };
            let day: Date = line.date.parse().map_err(|_| wrong(&line.date, "date"))?;
            let close = match &line.close {
                Some(text) => Some(
                    text.parse::<Time>()
                        .map_err(|_| wrong(text, "time of day"))?,
                ),
                None => None,
            };
            for calendar in &line.calendars {
                if !hours.knows(calendar) {
                    return Err(wrong(calendar, "calendar"));
                }
                days.insert((calendar.clone(), day), close);
            }
        }
        Ok(Holidays { days })
    }

    /// `None` = an ordinary day, `Some(None)` = closed, `Some(Some(time))` = closes early.
    fn on(&self, calendar: &str, day: Date) -> Option<Option<Time>> {
        self.days.get(&(calendar.to_owned(), day)).copied()
    }
}

/// An instrument's calendar and what a rollover multiplies by, Monday first.
struct Entry {
    instrument: InstrumentId,
    calendar: String,
    week: [u8; 7],
}

/// The calendars of all instruments of a catalog.
pub struct Calendars {
    entries: Vec<Entry>,
    hours: Hours,
    holidays: Holidays,
}

/// An open session: from, until.
type Open = (Ts, Ts);

/// Something to tell, with when it is.
type Timed = (Ts, Body);

impl Calendars {
    pub fn new(catalog: &Catalog) -> Calendars {
        Calendars::with(catalog, |calendar| calendar.to_owned())
    }

    /// Every instrument open around the clock: the simulated market does not sleep, so a demonstration on a Sunday moves.
    pub fn always_open(catalog: &Catalog) -> Calendars {
        Calendars::with(catalog, |_| "always".to_owned())
    }

    fn with(catalog: &Catalog, calendar: impl Fn(&str) -> String) -> Calendars {
        let entries = catalog.instruments.iter().map(|listing| Entry {
            instrument: listing.terms.id,
            calendar: calendar(&listing.calendar),
            week: listing.terms.swap.week,
        });
        Calendars {
            entries: entries.collect(),
            hours: catalog.hours.clone(),
            holidays: catalog.holidays.clone(),
        }
    }

    /// The session (open or closed) each instrument is in at `now`, told as beginning now: a later one goes before an
    /// earlier one, and what was told before may be another calendar's, or of a day that has become a holiday, or none,
    /// while it went on. Where the calendar is not known any more everything is closed from now on.
    pub fn current(&self, now: Ts) -> Vec<Body> {
        let mut bodies = Vec::new();
        for (calendar, sessions) in self.sessions(now, now.plus(1)) {
            let mut known = sessions.iter().copied();
            let found = known.rfind(|known| known.at <= now && known.until > now);
            let in_force = match self.hours.kind(&calendar) {
                Kind::Always | Kind::Days(_) => found.map(|found| Session { at: now, ..found }),
                Kind::Missing => Some(session(false, now, NO_END)),
            };
            if let Some(in_force) = in_force {
                bodies.extend(self.of(&calendar).map(|entry| {
                    Body::Session(Session {
                        instrument: entry.instrument,
                        ..in_force
                    })
                }));
            }
        }
        bodies
    }

    /// Every session change, rollover and day start in `[from, until)`, in order of time.
    pub fn between(&self, from: Ts, until: Ts) -> Vec<Body> {
        let mut timed = self.changes(from, until);
        timed.extend(self.nights(from, until));
        in_order(timed)
    }

    /// The nights in `[from, until)` of which nobody told in time, in order. A day start takes the equity of the moment
    /// at which it is applied, so of those the last one says everything.
    fn missed(&self, from: Ts, until: Ts) -> Vec<Body> {
        let mut bodies = in_order(self.nights(from, until));
        let is_day_start = |body: &Body| matches!(body, Body::DayStart(_));
        let last = bodies.iter().rposition(is_day_start);
        let mut at = 0..;
        bodies.retain(|body| at.next() == last || !is_day_start(body));
        bodies
    }

    /// Takes the nights in `[from, until)` back that an earlier plan has told: a rollover of no days charges nothing.
    fn withdrawn(&self, from: Ts, until: Ts) -> impl Iterator<Item = Body> {
        let nights = in_order(self.nights(from, until)).into_iter();
        nights.filter_map(|body| match body {
            Body::Rollover(night) => Some(Body::Rollover(Rollover { days: 0, ..night })),
            _ => None,
        })
    }

    /// Every session change in `[from, until)`.
    fn changes(&self, from: Ts, until: Ts) -> Vec<Timed> {
        let mut timed = Vec::new();
        for (calendar, sessions) in self.sessions(from, until) {
            let inside = |session: &&Session| session.at >= from && session.at < until;
            for session in sessions.iter().filter(inside) {
                timed.extend(self.of(&calendar).map(|entry| {
                    let session = Session {
                        instrument: entry.instrument,
                        ..*session
                    };
                    (session.at, Body::Session(session))
                }));
            }
        }
        timed
    }

    /// Every rollover and day start in `[from, until)`.
    fn nights(&self, from: Ts, until: Ts) -> Vec<Timed> {
        let inside = |at: Ts| at >= from && at < until;
        let mut timed = Vec::new();
        for (day, at) in day_ends(from, until).filter(|(_, at)| inside(*at)) {
            let weekday = day.weekday().to_monday_zero_offset() as u8;
            for entry in &self.entries {
                let closed = |ahead: usize| {
                    let day = day.saturating_add((ahead as i64).days());
                    self.holidays.on(&entry.calendar, day) == Some(None)
                };
                let days = charged_days(&entry.week, usize::from(weekday), closed);
                // Also of 0 days: one may have been told before the day was known as a holiday, or before the terms
                // charged nothing for it.
                let rollover = Rollover {
                    instrument: entry.instrument,
                    at,
                    days,
                    weekday,
                };
                timed.push((at, Body::Rollover(rollover)));
            }
            timed.push((at, Body::DayStart(DayStart { at, zone: 0 })));
        }
        timed
    }

    fn of<'a>(&'a self, calendar: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.calendar == calendar)
    }

    /// Sessions, open and closed in turn, that cover `[from, until)`, once per calendar in use. Their instrument is not set.
    fn sessions(&self, from: Ts, until: Ts) -> BTreeMap<String, Vec<Session>> {
        let mut by_calendar = BTreeMap::new();
        for entry in &self.entries {
            if !by_calendar.contains_key(&entry.calendar) {
                let sessions = match self.hours.kind(&entry.calendar) {
                    Kind::Days(rule) => {
                        alternating(&self.opens(&entry.calendar, rule, from, until))
                    }
                    Kind::Always => always(from, until),
                    Kind::Missing => Vec::new(),
                };
                by_calendar.insert(entry.calendar.clone(), sessions);
            }
        }
        by_calendar
    }

    /// Open sessions around `[from, until)`, those that touch joined into one.
    fn opens(&self, calendar: &str, rule: &Rule, from: Ts, until: Ts) -> Vec<Open> {
        let zone = &rule.zone;
        let first = local_date(from, zone).saturating_sub(CLOSURE_DAYS_MAX.days());
        let last = local_date(until, zone).saturating_add(CLOSURE_DAYS_MAX.days());
        let mut opens: Vec<Open> = Vec::new();
        let days = first.series(1.day()).take_while(|day| *day <= last);
        for day in days.filter(|day| rule.trades_on(*day)) {
            let early = match self.holidays.on(calendar, day) {
                Some(None) => continue,
                Some(early) => early,
                None => None,
            };
            for span in &rule.spans {
                let begins = if span.opens_day_before {
                    day.saturating_sub(1.day())
                } else {
                    day
                };
                let close = early.map_or(span.closes, |early| early.min(span.closes));
                let open = (instant(begins, span.opens, zone), instant(day, close, zone));
                // The day ends early before this one begins.
                if open.0 >= open.1 {
                    continue;
                }
                match opens.last_mut() {
                    Some(before) if before.1 == open.0 => before.1 = open.1,
                    _ => opens.push(open),
                }
            }
        }
        opens
    }
}

fn in_order(mut timed: Vec<Timed>) -> Vec<Body> {
    timed.sort_by_key(|(at, _)| *at);
    timed.into_iter().map(|(_, body)| body).collect()
}

/// The earliest night that is still told at `now`.
fn earliest(now: Ts) -> Ts {
    Ts(now.0.saturating_sub(MISSED_MAX_NS))
}

fn alternating(opens: &[Open]) -> Vec<Session> {
    let mut sessions = Vec::with_capacity(opens.len() * 2);
    for (index, open) in opens.iter().enumerate() {
        sessions.push(session(true, open.0, open.1));
        if let Some(next) = opens.get(index + 1) {
            sessions.push(session(false, open.1, next.0));
        }
    }
    sessions
}

fn always(from: Ts, until: Ts) -> Vec<Session> {
    let epoch = instant(ALWAYS_EPOCH, Time::midnight(), &TimeZone::UTC);
    let mut sessions = Vec::new();
    let mut at = epoch.plus(from.since(epoch) / WEEK_NS * WEEK_NS);
    while at < until {
        sessions.push(session(true, at, at.plus(WEEK_NS)));
        at = at.plus(WEEK_NS);
    }
    sessions
}

fn session(open: bool, at: Ts, until: Ts) -> Session {
    Session {
        instrument: InstrumentId(0),
        open,
        at,
        until,
    }
}

/// The ends of the forex day around `[from, until)`, with the date that ends.
fn day_ends(from: Ts, until: Ts) -> impl Iterator<Item = (Date, Ts)> {
    let zone = zone(NEW_YORK);
    let first = local_date(from, &zone).saturating_sub(1.day());
    let last = local_date(until, &zone).saturating_add(1.day());
    first
        .series(1.day())
        .take_while(move |day| *day <= last)
        .map(move |day| (day, instant(day, DAY_END, &zone)))
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("the zones of the calendars are built in")
}

fn local_date(ts: Ts, zone: &TimeZone) -> Date {
    let ns = i128::from(ts.0.min(i64::MAX as u64));
    let timestamp = Timestamp::from_nanosecond(ns).unwrap_or(Timestamp::MAX);
    zone.to_datetime(timestamp).date()
}

/// A local time as an instant; a time skipped by a switch is taken as the one behind it.
fn instant(day: Date, at: Time, zone: &TimeZone) -> Ts {
    let zoned = day.to_datetime(at).to_zoned(zone.clone());
    let ns = zoned.map_or(0, |zoned| zoned.timestamp().as_nanosecond());
    Ts(u64::try_from(ns).unwrap_or(0))
}

/// Sends the calendar to the core, always at least a day ahead. Call `due` at the start and now and then; behind a core
/// that was off begin with [`Planner::behind`].
pub struct Planner {
    calendars: Calendars,
    planned_until: Option<Ts>,
    /// Rollovers and day starts before this are told, or fell due before anybody was there to tell them to.
    nights_until: Option<Ts>,
    /// The same before the last plan.
    nights_before: Option<Ts>,
    /// When `due` was asked last, or where the core's nights were caught up with.
    asked: Option<Ts>,
    leapt: Option<Leap>,
}

/// A leap of a running clock whose nights are charged by nobody: those in `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leap {
    pub from: Ts,
    pub until: Ts,
}

impl std::fmt::Display for Leap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the clock leapt by more than {} days: swaps of the nights from {} to {} are not charged; set the clock right \
             if it is wrong, and settle those nights by hand if it is not",
            LEAP_MAX_NS / DAY_NS,
            utc(self.from),
            utc(self.until)
        )
    }
}

fn utc(ts: Ts) -> Timestamp {
    Timestamp::from_second((ts.0 / SECOND_NS) as i64).unwrap_or(Timestamp::MAX)
}

impl Planner {
    /// For a core to which nothing has happened yet.
    pub fn new(calendars: Calendars) -> Planner {
        Planner {
            calendars,
            planned_until: None,
            nights_until: None,
            nights_before: None,
            asked: None,
            leapt: None,
        }
    }

    /// For a core whose time has `reached` an instant before `now`, with the nights behind that instant: those that
    /// passed while it was off, as far back as [`MISSED_MAX_NS`], and those of the plan ahead. Nights before that which
    /// the plan of the run before has told are taken back: all of them are left to people, or none.
    ///
    /// They have to enter before anything else and with the time `reached`. As long as nothing else has entered, each is
    /// planned while it still lies ahead of the core: one that an earlier plan told is replaced and not charged a second
    /// time, and a start that is cut off half-way is repeated whole, as its time has not moved.
    pub fn behind(calendars: Calendars, reached: Ts, now: Ts) -> (Planner, Vec<Body>) {
        let ahead = now.plus(1);
        let from = reached.plus(1);
        let until = now.plus(HORIZON_NS + STEP_NS);
        // No plan reaches further than this.
        let planned = from.plus(HORIZON_NS + STEP_NS);
        let mut bodies: Vec<Body> = calendars
            .withdrawn(from, planned.min(earliest(now)))
            .collect();
        bodies.extend(calendars.missed(from.max(earliest(now)), ahead));
        bodies.extend(in_order(calendars.nights(from.max(ahead), until)));
        let planner = Planner {
            calendars,
            planned_until: None,
            nights_until: Some(until),
            nights_before: Some(until),
            asked: Some(now),
            leapt: None,
        };
        (planner, bodies)
    }

    /// What the core has to be told now: at the first call also the sessions in force. Where the clock has leapt by more
    /// than [`LEAP_MAX_NS`] since the call before, no night in between; [`Planner::leapt`] says which.
    pub fn due(&mut self, now: Ts) -> Vec<Body> {
        let until = now.plus(HORIZON_NS + STEP_NS);
        let asked = self.asked.replace(now).unwrap_or(now);
        let bodies = match self.planned_until {
            Some(planned) if planned >= now.plus(HORIZON_NS) => return Vec::new(),
            Some(planned) if planned > now => self.calendars.between(planned, until),
            // The first plan, or a clock that jumped past the one before: sessions begin anew, nights go on where they
            // ended.
            _ => self.anew(asked, now, until),
        };
        self.planned_until = Some(until);
        self.nights_before = self.nights_until.replace(until);
        bodies
    }

    /// The clock did not go to where the last plan begins: the next one is made from where the clock is. A night that is
    /// told twice ahead of its time is one.
    pub fn again(&mut self) {
        self.planned_until = None;
        self.nights_until = self.nights_before;
        self.leapt = None;
    }

    /// The leap whose nights `due` has left out, once.
    pub fn leapt(&mut self) -> Option<Leap> {
        self.leapt.take()
    }

    fn anew(&mut self, asked: Ts, now: Ts, until: Ts) -> Vec<Body> {
        let ahead = now.plus(1);
        let from = self.nights_until.unwrap_or(ahead);
        let mut bodies = self.calendars.current(now);
        let mut missed = self.calendars.missed(from.max(earliest(now)), ahead);
        if now.since(asked) > LEAP_MAX_NS && from < ahead {
            // The day has begun all the same: what it measures is measured from here.
            missed.retain(|body| !matches!(body, Body::Rollover(_)));
            self.leapt = Some(Leap { from, until: ahead });
        }
        bodies.append(&mut missed);
        let mut timed = self.calendars.changes(ahead, until);
        timed.extend(self.calendars.nights(from.max(ahead), until));
        bodies.extend(in_order(timed));
        bodies
    }

    /// When `due` has something to say next; `None` = now.
    pub fn deadline(&self) -> Option<Ts> {
        self.planned_until
            .map(|planned| Ts(planned.0.saturating_sub(HORIZON_NS) + 1))
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
