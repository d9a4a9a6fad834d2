use super::*;
use crate::terms::{Crossed, SourceKind};

fn slots(kinds: &[SourceKind], timeout_ms: u64) -> Vec<Slot> {
    let mut slots: Vec<Slot> = kinds
        .iter()
        .enumerate()
        .map(|(place, kind)| {
            let feed = Feed {
                source: SourceId(place as u16),
                timeout_ns: timeout_ms * 1_000_000,
            };
            let source = SourceTerms {
                id: feed.source,
                kind: *kind,
                crossed: Crossed::Hold,
                filtered: false,
            };
            Slot::from_terms(place, &feed, &source, None)
        })
        .collect();
    arrange(&mut slots);
    slots
}

/// Good quotes as `ms source`, each with what becomes of it: `-` standby, `=` serves, otherwise the switch's cause.
fn check(kinds: &[SourceKind], damp_ms: u64, events: &[(u64, u16, &str)]) {
    let mut slots = slots(kinds, 10_000);
    let mut choice = Choice::default();
    for (ms, source, expected) in events {
        let now = Ts(ms * 1_000_000 + SECOND_NS);
        let index = slots
            .iter()
            .position(|slot| slot.source.0 == *source)
            .unwrap();
        slots[index].seen = Some(now);
        slots[index].good = Some(now);
        slots[index].down = false;
        let seen = match choice.on_good(&slots, index, damp_ms * 1_000_000, now) {
            Use::Active => "=",
            Use::Standby => "-",
            Use::Switched { cause, .. } => match cause {
                SwitchCause::First => "first",
                SwitchCause::Timeout => "timeout",
                SwitchCause::Failback => "failback",
                SwitchCause::Damped => "damped",
                SwitchCause::SourceDown => "down",
            },
        };
        assert_eq!(seen, *expected, "source {source} at {ms} ms");
    }
}

const FEED: SourceKind = SourceKind::Datafeed;
const GATE: SourceKind = SourceKind::Gateway;

#[test]
fn a_source_is_silent_when_its_timeout_is_reached() {
    check(
        &[FEED, FEED],
        0,
        &[
            (0, 0, "first"),
            (9_999, 1, "-"),
            (10_000, 1, "timeout"),
            (10_001, 0, "failback"),
        ],
    );
}

#[test]
fn a_gateway_outranks_the_feeds_listed_above_it() {
    check(
        &[FEED, GATE],
        0,
        &[(0, 0, "first"), (500, 1, "failback"), (900, 0, "-")],
    );
}

#[test]
fn the_highest_live_source_serves_and_not_the_next_that_speaks() {
    check(
        &[FEED, FEED, FEED],
        0,
        &[
            (0, 0, "first"),
            (5_000, 1, "-"),
            (10_500, 2, "-"),
            (14_999, 2, "-"),
            (15_000, 2, "timeout"),
            (15_100, 1, "failback"),
        ],
    );
}

#[test]
fn three_switches_in_a_minute_stay_on_the_lower_source() {
    let flapping = [
        (0, 0, "first"),
        (10_000, 1, "timeout"),
        (11_000, 0, "failback"),
        (21_000, 1, "damped"),
        (22_000, 0, "-"),
        (30_000, 1, "="),
        (39_000, 1, "="),
        (48_000, 1, "="),
        (50_999, 0, "-"),
        (51_000, 0, "failback"),
    ];
    check(&[FEED, FEED], 30_000, &flapping);
}

#[test]
fn a_damped_source_still_helps_when_the_lower_one_falls_silent() {
    check(
        &[FEED, FEED],
        60_000,
        &[
            (0, 0, "first"),
            (10_000, 1, "timeout"),
            (11_000, 0, "failback"),
            (21_000, 1, "damped"),
            (31_000, 0, "failback"),
        ],
    );
}

#[test]
fn a_source_known_to_be_down_is_not_waited_for() {
    let mut slots = slots(&[FEED, FEED], 10_000);
    let mut choice = Choice::default();
    let now = Ts(SECOND_NS);
    slots[0].seen = Some(now);
    choice.on_good(&slots, 0, 0, now);
    slots[0].down = true;
    slots[1].good = Some(now);
    let used = choice.on_good(&slots, 1, 0, now.plus(1));
    assert_eq!(
        used,
        Use::Switched {
            from: Some(0),
            cause: SwitchCause::SourceDown
        }
    );
}
