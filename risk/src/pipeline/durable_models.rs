//! Models of the gate between the journal's stage and egress: every interleaving of a small run.

use std::collections::VecDeque;

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::Durable;
use crate::event::Seq;

/// The disk: the last sequence that a sync made true. Relaxed, so only the gate orders it.
type Disk = Arc<AtomicU64>;

#[test]
fn model_what_is_seen_as_durable_is_on_the_disk() {
    loom::model(|| {
        let (durable, disk) = (Arc::new(Durable::new(0)), Disk::default());
        let journal = thread::spawn({
            let (durable, disk) = (durable.clone(), disk.clone());
            move || {
                for seq in 1..=3 {
                    disk.store(seq, Ordering::Relaxed);
                    durable.advance(seq);
                }
            }
        });
        let mut before = 0;
        for _ in 0..2 {
            let seen = durable.seq();
            assert!(disk.load(Ordering::Relaxed) >= seen && seen >= before);
            before = seen;
        }
        journal.join().unwrap();
        assert_eq!(durable.seq(), 3);
    });
}

#[test]
fn model_after_the_failure_is_seen_the_watermark_is_final() {
    loom::model(|| {
        let durable = Arc::new(Durable::new(0));
        let journal = thread::spawn({
            let durable = durable.clone();
            move || {
                durable.advance(1);
                durable.advance(2);
                durable.poison();
            }
        });
        let (seq, poisoned) = durable.state();
        assert!(!poisoned || seq == 2, "a synced input taken for a lost one");
        journal.join().unwrap();
        assert_eq!(durable.state(), (2, true));
    });
}

/// Machine, journal and egress: whatever the order, an output leaves as durable exactly when its input
/// is on the disk, and as unrecorded only when it never will be.
#[test]
fn model_outputs_leave_behind_their_inputs() {
    loom::model(|| {
        let (durable, disk) = (Arc::new(Durable::new(0)), Disk::default());
        let outbound: Arc<Mutex<VecDeque<Seq>>> = Arc::default();
        let journal = thread::spawn({
            let (durable, disk) = (durable.clone(), disk.clone());
            move || {
                disk.store(1, Ordering::Relaxed);
                durable.advance(1);
                // The sync of input 2 fails.
                durable.poison();
            }
        });
        let machine = thread::spawn({
            let outbound = outbound.clone();
            move || {
                for seq in [1, 2] {
                    outbound.lock().unwrap().push_back(seq);
                }
            }
        });
        let (mut released, mut unrecorded) = (Vec::new(), Vec::new());
        let mut pending = VecDeque::new();
        let mut look = || {
            pending.extend(outbound.lock().unwrap().drain(..));
            let (seq, poisoned) = durable.state();
            while pending.front().is_some_and(|pending| *pending <= seq) {
                let output: Seq = pending.pop_front().unwrap();
                assert!(
                    disk.load(Ordering::Relaxed) >= output,
                    "left before its input"
                );
                released.push(output);
            }
            if poisoned {
                unrecorded.extend(pending.drain(..));
            }
        };
        look();
        journal.join().unwrap();
        machine.join().unwrap();
        look();
        assert_eq!((released, unrecorded), (vec![1], vec![2]));
    });
}
