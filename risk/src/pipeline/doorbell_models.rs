//! Models of a stage that rests and is rung: every interleaving of a small run. A lost ring is a
//! deadlock, which the models report.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use super::Doorbell;

/// Preemptions in a run of three threads.
const PREEMPTIONS: usize = 2;

type Shared = (Arc<AtomicU64>, Arc<Doorbell>);

fn shared() -> Shared {
    (Arc::new(AtomicU64::new(0)), Arc::new(Doorbell::default()))
}

/// A stage that rests as soon as it finds nothing, until it has seen `until`; what it finds before makes it rise when
/// `rises`. It has a thread of its own: in a model, a ring must not reach a thread that waits for another one.
fn stage((slots, bell): &Shared, until: u64, rises: bool) -> thread::JoinHandle<()> {
    let (slots, bell) = (slots.clone(), bell.clone());
    thread::spawn(move || {
        let mut seen = 0;
        while seen < until {
            let found = slots.load(Ordering::Acquire);
            if found == until || rises && found > seen {
                seen = found;
                bell.rise();
            } else {
                bell.rest();
            }
        }
    })
}

fn put_two((slots, bell): &Shared) {
    for seq in 1..=2 {
        slots.store(seq, Ordering::Release);
        bell.ring();
    }
}

#[test]
fn model_no_ring_is_lost() {
    loom::model(|| {
        let shared = shared();
        let stage = stage(&shared, 2, false);
        put_two(&shared);
        stage.join().unwrap();
    });
}

#[test]
fn model_a_stage_that_has_risen_rests_again() {
    loom::model(|| {
        let shared = shared();
        let stage = stage(&shared, 2, true);
        put_two(&shared);
        stage.join().unwrap();
    });
}

#[test]
fn model_two_producers_wake_one_stage() {
    let mut model = loom::model::Builder::new();
    // Three threads with fences have too many interleavings: those with few preemptions show a lost ring.
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(|| {
        let shared = shared();
        let stage = stage(&shared, 2, false);
        let put = |(slots, bell): &Shared| {
            slots.fetch_add(1, Ordering::AcqRel);
            bell.ring();
        };
        let other = thread::spawn({
            let shared = shared.clone();
            move || put(&shared)
        });
        put(&shared);
        other.join().unwrap();
        stage.join().unwrap();
    });
}
