//! How far the journal has synced, as other threads may see it.

use std::sync::Arc;

use super::doorbell::Doorbell;
use crate::event::Seq;

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The journal stage writes it after each sync; egress reads it before anything durable leaves.
#[derive(Debug)]
pub struct Durable {
    seq: AtomicU64,
    poisoned: AtomicBool,
    /// Egress rests on it.
    bell: Arc<Doorbell>,
    refused: AtomicBool,
}

impl Durable {
    /// Everything up to `seq` is on the disk already.
    pub fn new(seq: Seq) -> Self {
        Self {
            seq: AtomicU64::new(seq),
            poisoned: AtomicBool::new(false),
            bell: Arc::default(),
            refused: AtomicBool::new(false),
        }
    }

    /// Called after the sync returned; whoever sees `seq` also sees what the sync made true.
    pub fn advance(&self, seq: Seq) {
        self.seq.store(seq, Ordering::Release);
        self.bell.ring();
    }

    /// Wakes egress: rung for what became durable, and by the machine's stage for what it decided.
    pub fn bell(&self) -> Arc<Doorbell> {
        self.bell.clone()
    }

    /// The last synced input.
    pub fn seq(&self) -> Seq {
        self.seq.load(Ordering::Acquire)
    }

    /// The last synced input, and whether nothing more will follow it. Read in this order, because the
    /// watermark is final only once the failure has been seen: an input that was synced is never
    /// taken for one that was not.
    pub fn state(&self) -> (Seq, bool) {
        let poisoned = self.is_poisoned();
        (self.seq(), poisoned)
    }

    /// Whoever passes on what is recorded cannot go on: what is recorded from now on would reach nobody
    /// before the next start. The journal's stage answers with [`poison`](Self::poison) once it records
    /// nothing more.
    pub fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }

    /// True once somebody has [refused](Self::refuse) what is recorded.
    pub fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    /// A write or sync failed: nothing will become durable any more.
    pub fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// True once a write or sync has failed.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }
}

#[cfg(all(test, loom))]
#[path = "durable_models.rs"]
mod models;
