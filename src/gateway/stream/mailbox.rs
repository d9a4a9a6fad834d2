//! Where a connection hears that there is something for it, and of which streams.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use siaga_risk::units::Ts;
use tokio::sync::Notify;

use super::SUBS_MAX;

/// Where a subscriber hears of news: one bit per stream, one wake-up per burst.
pub struct Mailbox {
    dirty: [AtomicU64; SUBS_MAX / 64],
    woken: AtomicBool,
    bell: Notify,
    /// Set from outside: the connection must end.
    replaced: AtomicBool,
    revoked: AtomicBool,
    /// When its person last asked for something; 0 = never.
    asked: AtomicU64,
}

impl Default for Mailbox {
    fn default() -> Mailbox {
        Mailbox {
            dirty: std::array::from_fn(|_| AtomicU64::new(0)),
            woken: AtomicBool::new(false),
            bell: Notify::new(),
            replaced: AtomicBool::new(false),
            revoked: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        }
    }
}

impl Mailbox {
    /// Waits for the bell.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Moves the set bits into `pending`; the next mark rings again.
    pub fn take(&self, pending: &mut [u64; SUBS_MAX / 64]) {
        self.woken.store(false, Ordering::SeqCst);
        for (into, bits) in pending.iter_mut().zip(&self.dirty) {
            if bits.load(Ordering::SeqCst) != 0 {
                *into |= bits.swap(0, Ordering::SeqCst);
            }
        }
    }

    pub fn mark(&self, slot: usize) {
        // Sequentially consistent with `take`: either the bit is taken, or the reset of `woken` is seen and the bell rings.
        self.dirty[slot / 64].fetch_or(1 << (slot % 64), Ordering::SeqCst);
    }

    pub fn ring(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            self.bell.notify_one();
        }
    }

    /// Whether the bell has rung since the last `take`.
    pub fn is_woken(&self) -> bool {
        self.woken.load(Ordering::SeqCst)
    }

    /// A newer connection resumed this one.
    pub fn replace(&self) {
        self.replaced.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Something is there to be said that belongs to no stream.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Whoever it belongs to has signed out.
    pub fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Something was asked for that a program does not ask for by itself.
    pub fn note_asked(&self, now: Ts) {
        self.asked.fetch_max(now.0, Ordering::Relaxed);
    }

    /// When that was last; 0 = never.
    pub fn asked(&self) -> Ts {
        Ts(self.asked.load(Ordering::Relaxed))
    }

    pub fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    pub fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }
}
