//! Wakes a stage that has gone to rest, and costs those who ring one fence while it is awake.

use std::sync::OnceLock;

#[cfg(loom)]
use loom::{
    sync::atomic::{AtomicBool, Ordering, fence},
    thread::{self, Thread},
};
#[cfg(not(loom))]
use std::{
    sync::atomic::{AtomicBool, Ordering, fence},
    thread::{self, Thread},
};

/// Longest rest without a ring: what has no doorbell of its own is looked at this often.
#[cfg(not(loom))]
const REST_MAX: std::time::Duration = std::time::Duration::from_millis(50);

/// One stage rests on it, any thread rings it after it has put something where that stage looks.
#[derive(Debug, Default)]
pub struct Doorbell {
    resting: AtomicBool,
    owner: OnceLock<Thread>,
}

impl Doorbell {
    /// Called after something was put in place. Wakes the stage if it rests.
    pub fn ring(&self) {
        Self::ring_all(std::iter::once(self));
    }

    /// The same for several stages that look at the same place.
    pub fn ring_all<'a>(bells: impl IntoIterator<Item = &'a Self>) {
        // Pairs with the fence of `rest`: either this sees the stage resting, or the look that the
        // stage takes after announcing its rest sees what was put in place.
        fence(Ordering::SeqCst);
        for bell in bells {
            bell.wake();
        }
    }

    /// Only the stage itself says that it no longer rests: until it is up, each ring wakes it again, which costs one
    /// exchange and no call of the system.
    fn wake(&self) {
        if self.resting.load(Ordering::Relaxed)
            && let Some(owner) = self.owner.get()
        {
            owner.unpark();
        }
    }

    /// Called by the one stage when a look found nothing. The first call only announces the rest, so
    /// that the stage looks once more; the next one rests until a ring.
    pub fn rest(&self) {
        if self.resting.load(Ordering::Relaxed) {
            park();
        } else {
            self.owner.get_or_init(thread::current);
            self.resting.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
        }
    }

    /// Called by the one stage when a look found something: nobody needs to wake it.
    pub fn rise(&self) {
        self.resting.store(false, Ordering::Relaxed);
    }
}

#[cfg(not(loom))]
fn park() {
    thread::park_timeout(REST_MAX);
}

/// The models know no time: a ring that is lost hangs them.
#[cfg(loom)]
fn park() {
    thread::park();
}

#[cfg(all(test, loom))]
#[path = "doorbell_models.rs"]
mod models;
