//! Models of a stage that rests and is rung: every interleaving of a small run. A lost ring is a
//! deadlock, which the models report.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use super::Doorbell;

/// Preemptions in a run of three threads.
const PREEMPTIONS: usize = 2;

/// A stage that rests as soon as it finds nothing, until it has seen `until`.
fn follow(slots: &AtomicU64, bell: &Doorbell, until: u64) {
    loop {
        if slots.load(Ordering::Acquire) >= until {
            bell.rise();
            return;
        }
        bell.rest();
    }
}

#[test]
fn model_no_ring_is_lost() {
    loom::model(|| {
        let (slots, bell) = (Arc::new(AtomicU64::new(0)), Arc::new(Doorbell::default()));
        let producer = thread::spawn({
            let (slots, bell) = (slots.clone(), bell.clone());
            move || {
                for seq in 1..=2 {
                    slots.store(seq, Ordering::Release);
                    bell.ring();
                }
            }
        });
        follow(&slots, &bell, 2);
        producer.join().unwrap();
    });
}

#[test]
fn model_a_stage_that_has_risen_rests_again() {
    loom::model(|| {
        let (slots, bell) = (Arc::new(AtomicU64::new(0)), Arc::new(Doorbell::default()));
        let producer = thread::spawn({
            let (slots, bell) = (slots.clone(), bell.clone());
            move || {
                for seq in 1..=2 {
                    slots.store(seq, Ordering::Release);
                    bell.ring();
                }
            }
        });
        // As the stages do it: whatever a look finds, the stage rises, and the next empty look announces a rest anew.
        let mut seen = 0;
        while seen < 2 {
            let found = slots.load(Ordering::Acquire);
            if found > seen {
                seen = found;
                bell.rise();
            } else {
                bell.rest();
            }
        }
        producer.join().unwrap();
    });
}

#[test]
fn model_two_producers_wake_one_stage() {
    let mut model = loom::model::Builder::new();
    // Three threads with fences have too many interleavings: those with few preemptions show a lost ring.
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(|| {
        let (slots, bell) = (Arc::new(AtomicU64::new(0)), Arc::new(Doorbell::default()));
        let producers = [(); 2].map(|()| {
            let (slots, bell) = (slots.clone(), bell.clone());
            thread::spawn(move || {
                slots.fetch_add(1, Ordering::AcqRel);
                bell.ring();
            })
        });
        follow(&slots, &bell, 2);
        for producer in producers {
            producer.join().unwrap();
        }
    });
}
