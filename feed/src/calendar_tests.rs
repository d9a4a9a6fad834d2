use super::*;
use crate::catalog::Files;
use siaga_risk::event::{
    BrokerEvent, BrokerReport, Command, ExecId, Fill, Input, LinkMode, LinkReport, NO_VENUE_TIME,
    Output, Quote, QuoteKind,
};
use siaga_risk::ids::ActorId;
use siaga_risk::machine::Machine;
use siaga_risk::view::{Ask, Query, View};

fn ts(text: &str) -> Ts {
    let timestamp: Timestamp = text.parse().unwrap();
    Ts(u64::try_from(timestamp.as_nanosecond()).unwrap())
}

fn utc(ts: Ts) -> String {
    Timestamp::from_nanosecond(i128::from(ts.0))
        .unwrap()
        .strftime("%a %m-%d %H:%M")
        .to_string()
}

/// Sessions of one instrument within an interval, as `open Sun 03-01 22:00 .. Fri 03-06 22:00`.
fn sessions(symbol: &str, from: &str, until: &str) -> Vec<String> {
    sessions_of(&Catalog::shipped(), symbol, from, until)
}

fn sessions_of(catalog: &Catalog, symbol: &str, from: &str, until: &str) -> Vec<String> {
    let id = catalog.listing(symbol).unwrap().terms.id;
    Calendars::new(catalog)
        .between(ts(from), ts(until))
        .into_iter()
        .filter_map(|body| match body {
            Body::Session(s) if s.instrument == id => Some(format!(
                "{} {} .. {}",
                if s.open { "open" } else { "closed" },
                utc(s.at),
                utc(s.until)
            )),
            _ => None,
        })
        .collect()
}

#[test]
fn the_forex_week_follows_new_york_over_both_switches() {
    // Daylight saving begins on Sunday 8 March and ends on Sunday 1 November 2026.
    assert_eq!(
        sessions("EUR/USD", "2026-03-01T00:00:00Z", "2026-03-14T00:00:00Z"),
        [
            "open Sun 03-01 22:00 .. Fri 03-06 22:00",
            "closed Fri 03-06 22:00 .. Sun 03-08 21:00",
            "open Sun 03-08 21:00 .. Fri 03-13 21:00",
            "closed Fri 03-13 21:00 .. Sun 03-15 21:00",
        ]
    );
    assert_eq!(
        sessions("EUR/USD", "2026-10-30T00:00:00Z", "2026-11-07T00:00:00Z"),
        [
            "closed Fri 10-30 21:00 .. Sun 11-01 22:00",
            "open Sun 11-01 22:00 .. Fri 11-06 22:00",
            "closed Fri 11-06 22:00 .. Sun 11-08 22:00",
        ]
    );
}

#[test]
fn metals_break_for_an_hour_each_day() {
    assert_eq!(
        sessions("XAU/USD", "2026-06-01T00:00:00Z", "2026-06-02T23:00:00Z"),
        [
            "closed Mon 06-01 21:00 .. Mon 06-01 22:00",
            "open Mon 06-01 22:00 .. Tue 06-02 21:00",
            "closed Tue 06-02 21:00 .. Tue 06-02 22:00",
            "open Tue 06-02 22:00 .. Wed 06-03 21:00",
        ]
    );
}

#[test]
fn holidays_close_a_day_or_end_it_early() {
    assert_eq!(
        sessions("EUR/USD", "2026-12-24T00:00:00Z", "2026-12-29T00:00:00Z"),
        [
            "closed Thu 12-24 22:00 .. Sun 12-27 22:00",
            "open Sun 12-27 22:00 .. Thu 12-31 22:00"
        ]
    );
    assert_eq!(
        sessions("US500", "2026-11-26T12:00:00Z", "2026-11-27T00:00:00Z"),
        [
            "closed Thu 11-26 18:00 .. Thu 11-26 23:00",
            "open Thu 11-26 23:00 .. Fri 11-27 18:15"
        ]
    );
}

#[test]
fn crypto_never_closes_and_the_rupiah_keeps_jakarta_hours() {
    let all = sessions("BTC/USDT", "2026-03-01T00:00:00Z", "2026-03-20T00:00:00Z");
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .all(|line| line.starts_with("open Mon") && line.contains(".. Mon")),
        "{all:?}"
    );
    assert_eq!(
        sessions("USD/IDR", "2026-06-03T00:00:00Z", "2026-06-04T00:00:00Z"),
        [
            "open Wed 06-03 01:00 .. Wed 06-03 09:00",
            "closed Wed 06-03 09:00 .. Thu 06-04 01:00"
        ]
    );
}

#[test]
fn rollover_is_at_five_in_new_york_and_triple_on_wednesday() {
    let catalog = Catalog::shipped();
    let of = |symbol: &str, from: &str, until: &str| -> Vec<(String, u8)> {
        let id = catalog.listing(symbol).unwrap().terms.id;
        Calendars::new(&catalog)
            .between(ts(from), ts(until))
            .into_iter()
            .filter_map(|body| match body {
                Body::Rollover(r) if r.instrument == id => Some((utc(r.at), r.days)),
                _ => None,
            })
            .collect()
    };
    let week = |days: &[(&str, u8)]| {
        days.iter()
            .map(|(at, n)| ((*at).to_owned(), *n))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("EUR/USD", "2026-03-02T00:00:00Z", "2026-03-10T00:00:00Z"),
        week(&[
            ("Mon 03-02 22:00", 1),
            ("Tue 03-03 22:00", 1),
            ("Wed 03-04 22:00", 3),
            ("Thu 03-05 22:00", 1),
            ("Fri 03-06 22:00", 1),
            // Nothing is charged, nor what was told under other terms.
            ("Sat 03-07 22:00", 0),
            ("Sun 03-08 21:00", 0),
            ("Mon 03-09 21:00", 1),
        ])
    );
    // Christmas is charged the evening before.
    assert_eq!(
        of("EUR/USD", "2026-12-23T00:00:00Z", "2026-12-29T00:00:00Z"),
        week(&[
            ("Wed 12-23 22:00", 3),
            ("Thu 12-24 22:00", 2),
            ("Fri 12-25 22:00", 0),
            ("Sat 12-26 22:00", 0),
            ("Sun 12-27 22:00", 0),
            ("Mon 12-28 22:00", 1),
        ])
    );
    assert_eq!(
        of("BTC/USDT", "2026-03-07T00:00:00Z", "2026-03-09T00:00:00Z"),
        week(&[("Sat 03-07 22:00", 1), ("Sun 03-08 21:00", 1)]),
        "crypto rolls on weekends too"
    );
}

#[test]
fn a_calendar_of_the_house_has_its_own_hours_and_holidays() {
    let calendars = r#"calendar = [{ name = "kopi", zone = "Asia/Jakarta", sessions = [
        { opens = "09:00", closes = "11:30" }, { opens = "13:30", closes = "16:00" },
    ] }]"#;
    let holidays = r#"holiday = [
        { date = "2026-06-02", name = "Half a day", calendars = ["kopi"], close = "11:00" },
        { date = "2026-06-03", name = "A day", calendars = ["kopi"] },
    ]"#;
    let shipped = Files::SHIPPED;
    let instruments =
        shipped
            .instruments
            .replacen("calendar = \"jakarta\"", "calendar = \"kopi\"", 1);
    let files = Files {
        instruments: &instruments,
        calendars,
        holidays,
        ..shipped
    };
    let catalog = Catalog::read(&files).unwrap();
    assert_eq!(
        sessions_of(
            &catalog,
            "USD/IDR",
            "2026-06-01T00:00:00Z",
            "2026-06-05T00:00:00Z"
        ),
        [
            "open Mon 06-01 02:00 .. Mon 06-01 04:30",
            "closed Mon 06-01 04:30 .. Mon 06-01 06:30",
            "open Mon 06-01 06:30 .. Mon 06-01 09:00",
            "closed Mon 06-01 09:00 .. Tue 06-02 02:00",
            "open Tue 06-02 02:00 .. Tue 06-02 04:00",
            "closed Tue 06-02 04:00 .. Thu 06-04 02:00",
            "open Thu 06-04 02:00 .. Thu 06-04 04:30",
            "closed Thu 06-04 04:30 .. Thu 06-04 06:30",
            "open Thu 06-04 06:30 .. Thu 06-04 09:00",
            "closed Thu 06-04 09:00 .. Fri 06-05 02:00",
        ]
    );
    let unknown = Files {
        calendars: "",
        ..files
    };
    let error = Catalog::read(&unknown).unwrap_err().to_string();
    assert!(
        error.contains("USD/IDR") && error.contains("jakarta"),
        "{error}"
    );
    // Hours that are gone close the instrument from now on.
    let mut without = catalog.clone();
    without.hours = Hours::read("").unwrap();
    let id = without.listing("USD/IDR").unwrap().terms.id;
    let now = ts("2026-06-01T03:00:00Z");
    let told = Calendars::new(&without).current(now);
    let of_it: Vec<_> = told
        .iter()
        .filter(|body| matches!(body, Body::Session(s) if s.instrument == id))
        .collect();
    let closed = Body::Session(Session {
        instrument: id,
        open: false,
        at: now,
        until: NO_END,
    });
    assert_eq!(of_it, [&closed]);
}

#[test]
fn every_moment_belongs_to_exactly_one_session() {
    let catalog = Catalog::shipped();
    let calendars = Calendars::new(&catalog);
    let start = ts("2026-02-27T00:00:00Z");
    for hour in 0..24 * 40 {
        let now = start.plus(hour * HOUR_NS);
        let current = calendars.current(now);
        assert_eq!(current.len(), catalog.instruments.len(), "at {}", utc(now));
    }
}

#[test]
fn a_holiday_is_told_as_closed_from_now_on() {
    let catalog = Catalog::shipped();
    let id = catalog.listing("EUR/USD").unwrap().terms.id;
    let now = ts("2026-12-25T12:00:00Z");
    let closed = Body::Session(Session {
        instrument: id,
        open: false,
        at: now,
        until: ts("2026-12-27T22:00:00Z"),
    });
    assert!(Calendars::new(&catalog).current(now).contains(&closed));
}

/// An earlier start on the holiday has told a closure from then on, and the later of two sessions counts.
#[test]
fn a_holiday_that_is_withdrawn_while_it_goes_on_is_told_as_open_from_now_on() {
    let mut catalog = Catalog::shipped();
    catalog.holidays = Holidays::default();
    let id = catalog.listing("EUR/USD").unwrap().terms.id;
    let now = ts("2026-12-25T12:00:00Z");
    let open = Body::Session(Session {
        instrument: id,
        open: true,
        at: now,
        until: ts("2026-12-25T22:00:00Z"),
    });
    assert!(Calendars::new(&catalog).current(now).contains(&open));
}

#[test]
fn without_its_calendar_an_instrument_is_closed_from_now_on() {
    let mut catalog = Catalog::shipped();
    let id = catalog.instruments[0].terms.id;
    catalog.instruments[0].calendar = "gone".to_owned();
    let now = ts("2026-03-04T12:00:00Z");
    let calendars = Calendars::new(&catalog);
    let of = |bodies: Vec<Body>| -> Vec<Session> {
        let sessions = bodies.into_iter().filter_map(|body| match body {
            Body::Session(session) => Some(session),
            _ => None,
        });
        sessions
            .filter(|session| session.instrument == id)
            .collect()
    };
    let closed = Session {
        instrument: id,
        open: false,
        at: now,
        until: NO_END,
    };
    assert_eq!(of(calendars.current(now)), [closed]);
    assert_eq!(of(calendars.between(now, now.plus(7 * DAY_NS))), []);
}

#[test]
fn the_planner_stays_a_day_ahead_and_says_nothing_twice() {
    let catalog = Catalog::shipped();
    let mut planner = Planner::new(Calendars::new(&catalog));
    let start = ts("2026-03-06T12:00:00Z");
    let first = planner.due(start);
    assert!(first.len() > catalog.instruments.len());
    assert!(planner.due(start.plus(HOUR_NS)).is_empty());
    let mut told = first;
    for hour in 1..24 * 14 {
        told.extend(planner.due(start.plus(hour * HOUR_NS)));
    }
    let mut direct = Calendars::new(&catalog).current(start);
    let until = planner.planned_until.unwrap();
    direct.extend(Calendars::new(&catalog).between(start.plus(1), until));
    assert_eq!(told, direct);
}

/// Rollovers and day starts among what is told.
fn nights(bodies: &[Body]) -> Vec<Body> {
    let is_night = |body: &&Body| matches!(body, Body::Rollover(_) | Body::DayStart(_));
    bodies.iter().filter(is_night).cloned().collect()
}

/// The same with the last day start until `now` alone: the equity of the evenings before is not known any more.
fn missed(bodies: &[Body], now: Ts) -> Vec<Body> {
    let of = |body: &Body| match body {
        Body::DayStart(day) if day.at <= now => Some(day.at),
        _ => None,
    };
    let last = bodies.iter().filter_map(of).max();
    let mut kept = nights(bodies);
    kept.retain(|body| of(body).is_none_or(|at| Some(at) == last));
    kept
}

#[test]
fn nights_that_passed_while_the_core_was_off_are_told_once_with_the_plan_ahead() {
    let catalog = Catalog::shipped();
    let id = catalog.listing("EUR/USD").unwrap().terms.id;
    // From a Tuesday noon to the Sunday after; the plan of the run before ended on the Thursday noon.
    let (reached, now) = (ts("2026-03-03T12:00:00Z"), ts("2026-03-08T12:00:00Z"));
    let (mut planner, told) = Planner::behind(Calendars::new(&catalog), reached, now);
    let until = now.plus(HORIZON_NS + STEP_NS);
    let all = Calendars::new(&catalog).between(reached.plus(1), until);
    assert_eq!(told, missed(&all, now));
    let of_euro = |bodies: &[Body], end: Ts| -> Vec<u8> {
        let days = bodies.iter().filter_map(|body| match body {
            Body::Rollover(night) if night.instrument == id && night.at <= end => Some(night.days),
            _ => None,
        });
        days.collect()
    };
    // Tuesday, Wednesday for three, Thursday, Friday, and nothing on the Saturday.
    assert_eq!(of_euro(&told, now), [1, 3, 1, 1, 0]);
    // A little later the sessions are told, and no night again: one that fell due meanwhile would be charged twice.
    let soon = now.plus(SECOND_NS);
    let first = planner.due(soon);
    let current = Calendars::new(&catalog).current(soon);
    assert_eq!(first[..current.len()], current);
    assert_eq!(nights(&first), []);
    let again = planner.due(soon.plus(25 * HOUR_NS));
    let next = soon.plus(25 * HOUR_NS + HORIZON_NS + STEP_NS);
    let ahead = Calendars::new(&catalog).between(soon.plus(HORIZON_NS + STEP_NS), next);
    assert_eq!(again, ahead);
}

#[test]
fn a_night_just_behind_the_start_is_not_lost_between_two_plans() {
    let catalog = Catalog::shipped();
    let (reached, night) = (ts("2026-03-03T21:00:00Z"), ts("2026-03-03T22:00:00Z"));
    let now = Ts(night.0 - 1);
    let (mut planner, told) = Planner::behind(Calendars::new(&catalog), reached, now);
    let first = planner.due(night.plus(1));
    let starts = |bodies: &[Body]| {
        let start = Body::DayStart(DayStart { at: night, zone: 0 });
        bodies.iter().filter(|body| **body == start).count()
    };
    assert_eq!((starts(&told), starts(&first)), (1, 0));
}

#[test]
fn a_clock_that_jumps_past_the_plan_loses_no_night() {
    let catalog = Catalog::shipped();
    let mut planner = Planner::new(Calendars::new(&catalog));
    let start = ts("2026-03-02T12:00:00Z");
    let first = planner.due(start);
    let planned = planner.planned_until.unwrap();
    let now = start.plus(LEAP_MAX_NS);
    let second = planner.due(now);
    assert_eq!(planner.leapt(), None);
    let current = Calendars::new(&catalog).current(now);
    assert_eq!(second[..current.len()], current);
    let until = planner.planned_until.unwrap();
    let all = Calendars::new(&catalog);
    assert_eq!(nights(&first), nights(&all.between(start.plus(1), planned)));
    assert_eq!(nights(&second), missed(&all.between(planned, until), now));
}

/// A desk plans to where its clock is about to jump; then the clock is set back before it has.
#[test]
fn a_plan_for_a_jump_that_does_not_come_is_made_anew() {
    let catalog = Catalog::shipped();
    for leap in [LEAP_MAX_NS, LEAP_MAX_NS + 1] {
        let mut planner = Planner::new(Calendars::new(&catalog));
        let start = ts("2026-03-02T12:00:00Z");
        planner.due(start);
        let planned = planner.planned_until.unwrap();
        planner.due(start.plus(leap));
        let now = start.plus(12 * HOUR_NS);
        assert_eq!(planner.due(now), [], "it is planned beyond that");
        planner.again();
        let anew = planner.due(now);
        assert_eq!(planner.leapt(), None);
        let current = Calendars::new(&catalog).current(now);
        assert_eq!(anew[..current.len()], current);
        let until = planner.planned_until.unwrap();
        assert_eq!(until, now.plus(HORIZON_NS + STEP_NS));
        let sessions = |bodies: &[Body]| -> Vec<Body> {
            let is_session = |body: &&Body| matches!(body, Body::Session(_));
            bodies.iter().filter(is_session).cloned().collect()
        };
        let all = Calendars::new(&catalog);
        let changes = all.between(now.plus(1), until);
        assert_eq!(sessions(&anew[current.len()..]), sessions(&changes));
        let left = nights(&all.between(planned, until));
        assert!(!left.is_empty());
        assert_eq!(nights(&anew), left);
    }
}

/// A wrong clock charges nobody for the nights it made up.
#[test]
fn the_nights_of_a_leap_of_a_running_clock_are_told_to_people_alone() {
    let catalog = Catalog::shipped();
    let mut planner = Planner::new(Calendars::new(&catalog));
    let start = ts("2026-03-02T12:00:00Z");
    planner.due(start);
    let planned = planner.planned_until.unwrap();
    let now = start.plus(LEAP_MAX_NS + 1);
    let told = planner.due(now);
    let until = planner.planned_until.unwrap();
    let all = Calendars::new(&catalog).between(planned, until);
    let mut left_out = missed(&all, now);
    left_out.retain(|body| !matches!(body, Body::Rollover(night) if night.at <= now));
    assert_eq!(nights(&told), left_out);
    assert!(left_out.len() < missed(&all, now).len());
    let leap = planner.leapt().expect("a leap");
    assert_eq!((leap.from, leap.until), (planned, now.plus(1)));
    let words = leap.to_string();
    assert!(words.contains("from 2026-03-04T12:00:00Z"), "{words}");
    assert!(words.contains("more than 3 days"), "{words}");
    // Once; and from there on as ever.
    assert_eq!(planner.leapt(), None);
    let next = planner.due(now.plus(25 * HOUR_NS));
    assert!(
        nights(&next)
            .iter()
            .any(|body| matches!(body, Body::Rollover(_)))
    );
    assert_eq!(planner.leapt(), None);
}

#[test]
fn nights_of_more_than_a_quarter_ago_are_left_to_people() {
    let catalog = Catalog::shipped();
    let now = ts("2026-06-03T12:00:00Z");
    let year_ago = ts("2025-06-03T12:00:00Z");
    let (_, told) = Planner::behind(Calendars::new(&catalog), year_ago, now);
    let earliest = told.iter().find_map(|body| match body {
        Body::Rollover(night) if night.days > 0 => Some(night.at),
        _ => None,
    });
    assert_eq!(earliest.map(utc).as_deref(), Some("Tue 03-03 22:00"));
}

/// A core that is told what a desk tells it.
#[derive(Default)]
struct Core {
    machine: Machine,
    inputs: u64,
}

impl Core {
    fn put(&mut self, input: &Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.inputs += 1;
        self.machine.apply(self.inputs, input, &mut out);
        out
    }

    fn tell(&mut self, ts: Ts, body: Body) -> Vec<Output> {
        let out = self.put(&Input::Command(Box::new(Command {
            ts,
            actor: ActorId(0),
            token: self.inputs + 1,
            body: body.clone(),
        })));
        for output in &out {
            if let Output::Answer(answer) = output {
                assert_eq!(answer.reasons, [], "{body:?}");
            }
        }
        out
    }
}

/// The first order of the demonstration, half a lot of euros long, is filled at an instant; a hundred days later its core
/// starts again. The swap of the nights that are charged then, and their days as the start tells them.
fn charged_behind_a_hundred_days(is_planned: impl Fn(&Body) -> bool) -> (Money, i64) {
    let catalog = Catalog::shipped();
    let reached = ts("2025-06-03T12:00:00Z");
    let now = reached.plus(100 * DAY_NS);
    let mut core = Core::default();
    for body in catalog.bodies() {
        core.tell(reached, body);
    }
    let plan = Planner::new(Calendars::new(&catalog)).due(reached);
    for body in plan.into_iter().filter(is_planned) {
        core.tell(reached, body);
    }
    let order = catalog.orders[0];
    let euro = catalog.listing("EUR/USD").unwrap();
    assert_eq!(order.instrument, euro.terms.id);
    let of_account = |known: &&crate::catalog::DemoAccount| known.terms.id == order.account;
    let link = catalog.accounts.iter().find(of_account).unwrap().terms.link;
    core.tell(
        reached,
        Body::LinkState(LinkReport {
            link,
            mode: LinkMode::Live,
            manual: false,
        }),
    );
    core.put(&Input::Quote(Quote {
        ts: reached,
        bid: Price(108_500),
        ask: Price(108_508),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        bid_drop: 0,
        ask_rise: 0,
        venue_lag_us: NO_VENUE_TIME,
        instrument: order.instrument,
        source: euro.terms.feeds[0].source,
        merged: 0,
        kind: QuoteKind::Firm,
    }));
    let out = core.tell(reached, Body::Order(Box::new(order)));
    let placed = out.iter().find_map(|output| match output {
        Output::Answer(answer) => answer.order,
        _ => None,
    });
    core.tell(
        reached,
        Body::Report(BrokerReport {
            link,
            order: placed.expect("an order"),
            exec: ExecId::default(),
            event: BrokerEvent::Filled(Fill {
                qty: order.qty,
                price: Price(108_508),
                commission: Money(0),
            }),
        }),
    );
    let (_, told) = Planner::behind(Calendars::new(&catalog), reached, now);
    let days = told.iter().filter_map(|body| match body {
        Body::Rollover(night) if night.instrument == order.instrument && night.at <= now => {
            Some(i64::from(night.days))
        }
        _ => None,
    });
    let days: i64 = days.sum();
    for body in told {
        core.tell(reached, body);
    }
    core.put(&Input::Clock(now));
    let query = Query::Account(order.account);
    let View::Account(view) = core.machine.ask(&Ask { token: 0, query }).view else {
        panic!("no account");
    };
    (view.positions[0].position.swap, days)
}

/// What is said to be left to people is left to them whole: they would settle the nights of the old plan once more.
#[test]
fn the_nights_of_an_old_plan_beyond_the_limit_are_taken_back() {
    let is_night = |body: &Body| matches!(body, Body::Rollover(_) | Body::DayStart(_));
    let (with_a_plan, days) = charged_behind_a_hundred_days(|_| true);
    let (without, _) = charged_behind_a_hundred_days(|body| !is_night(body));
    assert!(days > 60, "{days}");
    assert!(with_a_plan < Money(0));
    assert_eq!(with_a_plan, without);
}
