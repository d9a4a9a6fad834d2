//! What a start owes to the time since the journal ended: the nights of an outage, and a clock that lies behind.

use std::path::Path;

use siaga::clock::Clock;
use siaga::desk::recover;
use siaga_feed::calendar::Calendars;
use siaga_feed::catalog::Catalog;
use siaga_risk::event::{Body, Input};
use siaga_risk::ids::InstrumentId;
use siaga_risk::journal::JournalFiles;
use siaga_risk::record;
use siaga_risk::units::{DAY_NS, Ts};

use crate::desk::Door;
use crate::{Served, order};

const OUTAGE_NS: u64 = 5 * DAY_NS;
/// A tenth of a lot of euros held long, cents a night.
const SWAP_CENTS: u64 = 70;

fn serve(data: &Path, clock: Clock) -> Served {
    let disk = recover::disk(data).expect("a folder of the core");
    // Nobody listens there.
    Served::start_at(data, disk, "http://127.0.0.1:1/hook", clock)
}

fn reached(data: &Path) -> Ts {
    recover::look(data, |_, _| {}).expect("it is read").now()
}

/// Days of swap that EUR/USD owes for the nights between two instants.
fn days(from: Ts, until: Ts) -> u64 {
    let catalog = Catalog::shipped();
    let euro = catalog.listing("EUR/USD").expect("it is listed").terms.id;
    let of = |body: &Body, id: InstrumentId| match body {
        Body::Rollover(night) if night.instrument == id => u64::from(night.days),
        _ => 0,
    };
    let nights = Calendars::always_open(&catalog).between(from.plus(1), until);
    nights.iter().map(|body| of(body, euro)).sum()
}

/// How many rollovers until `until` stand behind input `last`. Each entered before anything that carries a later time than
/// the core had reached: else it would be charged beside the one of an older plan.
fn nights_told_first(data: &Path, last: u64, reached: Ts, until: Ts) -> usize {
    let disk = recover::disk(data).expect("a folder of the core");
    let files = JournalFiles::open(&disk).expect("it is read");
    let mut records = files.expect("a journal").records(last + 1).expect("inputs");
    let (mut nights, mut moved) = (0, false);
    while let Some(found) = records.next().expect("it is read") {
        let input = record::get_input(found.kind, found.payload).expect("an input");
        moved |= input.ts() > reached;
        let Input::Command(command) = &input else {
            continue;
        };
        if matches!(&command.body, Body::Rollover(night) if night.at <= until) {
            assert!(!moved, "the core's time had gone on: {input:?}");
            nights += 1;
        }
    }
    nights
}

fn swap_of(door: &Door, swap: &str) {
    door.wait("/api/v1/accounts/8", "the swap of the outage", |account| {
        account["positions"][0]["swap"] == swap
    });
}

#[test]
fn an_outage_of_days_is_charged_and_a_clock_behind_it_goes_on_from_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let served = serve(dir.path(), Clock::start());
    let door = &served.door;
    door.ready();
    let (status, bought) = door.call("POST", "/api/v1/orders", Some(order("held")));
    assert_eq!(status, 201, "{bought}");
    door.wait("/api/v1/accounts/8", "the fill", |account| {
        account["positions"]
            .as_array()
            .is_some_and(|all| all.len() == 1)
    });
    served.stop().expect("a graceful stop");

    // Longer than the plan of the first run, which reaches two days ahead.
    let before = reached(dir.path());
    let last = recover::look(dir.path(), |_, _| {}).expect("it is read");
    let last = last.last_seq();
    let later = Clock::start();
    let now = later.now().plus(OUTAGE_NS);
    assert!(later.not_before(now) > 0);
    let served = serve(dir.path(), later);
    let owed = days(before, now) * SWAP_CENTS;
    let owed = format!("-{}.{:02}", owed / 100, owed % 100);
    swap_of(&served.door, &owed);
    assert!(nights_told_first(dir.path(), last, before, now) > 0);
    served.stop().expect("a graceful stop");

    // The same machine with its clock set right: five days behind what it has recorded.
    let before = reached(dir.path());
    let served = serve(dir.path(), Clock::start());
    let remarks = served.desk.report.remarks.join("\n");
    assert!(remarks.contains("behind the journal"), "{remarks}");
    let door = &served.door;
    door.wait("/api/v1/alerts", "the alert of the clock", |alerts| {
        let all = alerts["items"].as_array();
        all.is_some_and(|all| all.iter().any(|alert| alert["rule"] == "clock_jump"))
    });
    door.ready();
    let (status, taken) = door.call("POST", "/api/v1/orders", Some(order("after")));
    assert_eq!(status, 201, "{taken}");
    swap_of(door, &owed);
    served.stop().expect("a graceful stop");
    assert!(reached(dir.path()) > before, "time went on");
}
