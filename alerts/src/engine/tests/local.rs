//! Alerts that no journal holds, over restarts.

use proptest::prelude::*;

use super::*;
use crate::alert::Family;

fn restarted(before: &Engine) -> Engine {
    let mut engine = Engine::restore(&before.snapshot()).expect("a snapshot of ours");
    let kept = before.local_snapshot(LocalDepth::Whole);
    engine
        .restore_local(&kept, before.applied())
        .expect("a state of ours");
    engine
}

#[test]
fn a_local_alert_is_there_after_a_restart_and_ends_without_a_call() {
    let mut desk = Desk::new();
    let topic = Topic::of(Family::Journal, 0);
    let raised = desk
        .engine
        .raise_local(Rule::Journal, topic, Facts::Journal, second(5));
    let id = raised[0].alert.id;
    desk.at(6).command(id, AlertVerb::Acknowledge, 0, 3);
    let mut engine = restarted(&desk.engine);
    assert_eq!(engine.alert(id), desk.engine.alert(id));
    assert_eq!(engine.timeline(id), desk.engine.timeline(id));
    // Days later: it would have called again and again.
    let later = second(6 + 3 * 86_400);
    let ended = engine.end_local(later).to_vec();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].moment.what, ChangeKind::Resolved);
    assert_eq!(ended[0].alert.ended, Some(later));
    assert_eq!(ended[0].alert.acks.len(), 1);
    assert_eq!(ended[0].alert.escalated, 0);
    assert!(engine.end_local(later).is_empty());
    let again = engine.raise_local(Rule::Journal, topic, Facts::Journal, later);
    assert_eq!(again[0].moment.what, ChangeKind::Fired);
    assert_ne!(again[0].alert.id, id);
}

#[test]
fn lost_inputs_stand_after_a_restart_until_somebody_resolves_them() {
    let mut engine = Engine::default();
    let topic = Topic::of(Family::Recovery, 0);
    let facts = Facts::Lost {
        first: 1,
        last: 2,
        orders: 0,
    };
    let id = engine.raise_local(Rule::InputsLost, topic, facts, second(5))[0]
        .alert
        .id;
    let mut engine = restarted(&engine);
    let later = second(86_400);
    assert!(engine.end_local(later).is_empty());
    assert!(
        engine.advance(later).is_empty(),
        "nobody was called while nothing ran"
    );
    let called = engine.advance(later.plus(2 * MINUTE_NS)).to_vec();
    assert_eq!(called.len(), 1);
    assert_eq!(called[0].moment.what, ChangeKind::Escalated);
    assert_eq!(called[0].alert.id, id);
}

#[test]
fn a_command_on_a_local_alert_counts_once_over_a_restart() {
    let mut desk = Desk::new();
    let topic = Topic::of(Family::Recovery, 0);
    let facts = Facts::Lost {
        first: 1,
        last: 2,
        orders: 0,
    };
    let raised = desk
        .engine
        .raise_local(Rule::InputsLost, topic, facts, second(5));
    let id = raised[0].alert.id;
    let before = desk.engine.snapshot();
    desk.at(6).command(id, AlertVerb::Comment, 0, 3);
    let key = desk.engine.applied();
    let kept = desk.engine.local_snapshot(LocalDepth::Whole);
    // The log is folded from a snapshot before the command.
    let mut engine = Engine::restore(&before).expect("a snapshot of ours");
    engine.restore_local(&kept, key).expect("a state of ours");
    let echo = |revision| {
        Output::Alert(AlertEcho {
            actor: OFFICER,
            command: command(id, revision, AlertVerb::Comment, 0, 3),
        })
    };
    assert!(engine.apply(key, second(6), &echo(1)).is_empty());
    let next = OutputKey {
        seq: key.seq + 1,
        index: 0,
    };
    assert_eq!(engine.apply(next, second(7), &echo(2)).len(), 1);
    assert_eq!(engine.timeline(id).len(), 3);
    // A log that lost the command gives its key to another.
    let mut engine = Engine::restore(&before).expect("a snapshot of ours");
    let end = engine.applied();
    engine.restore_local(&kept, end).expect("a state of ours");
    assert_eq!(engine.apply(key, second(7), &echo(2)).len(), 1);
}

#[test]
fn what_is_no_state_of_local_alerts_is_an_error_and_changes_nothing() {
    let mut desk = Desk::new();
    let topic = Topic::of(Family::Journal, 0);
    desk.engine
        .raise_local(Rule::Journal, topic, Facts::Journal, second(5));
    let kept = desk.engine.local_snapshot(LocalDepth::Whole);
    let end = OutputKey::default();
    let mut another = kept.clone();
    another[0] ^= 1;
    let of_the_log = desk.engine.snapshot();
    let garbage: [&[u8]; 4] = [&[], &[9; 40], &another, &of_the_log];
    for bytes in garbage {
        assert!(desk.engine.restore_local(bytes, end).is_err());
        assert_eq!(desk.engine.local_snapshot(LocalDepth::Whole), kept);
    }
}

/// They hold alerts as the snapshot does: a change of that one is a change of theirs.
#[test]
fn the_version_of_local_alerts_follows_the_snapshots() {
    assert_eq!(LOCAL_VERSION >> 16, u32::from(SNAPSHOT_VERSION));
    let kept = Engine::default().local_snapshot(LocalDepth::Whole);
    let mut of_before = kept.clone();
    of_before[2] -= 1;
    let mut engine = Engine::default();
    let end = OutputKey::default();
    assert!(engine.restore_local(&kept, end).is_ok());
    assert!(engine.restore_local(&of_before, end).is_err());
}

proptest! {
    /// Restarted at any point, local alerts are as they were; the restart ends each open one once, under a new revision.
    #[test]
    fn local_alerts_survive_a_restart_anywhere(
        steps in prop::collection::vec((0u8..5, 0u64..400, 0u64..3, any::<bool>()), 1..80),
    ) {
        let mut engine = Engine::default();
        let mut now = 10;
        let mut seen = std::collections::BTreeSet::new();
        let sink = |place| Topic::of(Family::Sink, place);
        for (step, wait, place, whole) in steps {
            // An id is made of its time.
            now += wait + 1;
            let at = second(now);
            let facts = Facts::Sink { sink: place as u16, failed: 3 };
            let told = match step {
                0 => engine.raise_local(Rule::SinkFailing, sink(place), facts, at).to_vec(),
                1 => engine.raise_local(Rule::SinkDisabled, sink(place), facts, at).to_vec(),
                2 => engine.clear_local(sink(place), at).to_vec(),
                3 => engine.advance(at).to_vec(),
                _ => {
                    let open: Vec<AlertId> = engine
                        .alerts()
                        .filter(|alert| alert.is_active())
                        .map(|alert| alert.id)
                        .collect();
                    let depth = if whole { LocalDepth::Whole } else { LocalDepth::Open };
                    let kept = engine.local_snapshot(depth);
                    let mut next = Engine::default();
                    next.restore_local(&kept, OutputKey::default()).expect("a state of ours");
                    prop_assert_eq!(next.local_snapshot(LocalDepth::Whole), kept);
                    for id in &open {
                        prop_assert_eq!(next.alert(*id), engine.alert(*id));
                    }
                    engine = next;
                    let ended = engine.end_local(at).to_vec();
                    let mut ids: Vec<AlertId> = ended.iter().map(|change| change.alert.id).collect();
                    ids.sort_unstable();
                    prop_assert_eq!(ids, open);
                    prop_assert!(ended.iter().all(|change| change.moment.what == ChangeKind::Resolved));
                    prop_assert!(engine.alerts().all(|alert| !alert.is_active()));
                    ended
                }
            };
            for change in told {
                prop_assert!(seen.insert((change.alert.id, change.alert.revision)));
            }
        }
    }
}
