//! Parts that must run as long as the desk does. One that ends before it was told to, by a panic or an error, stops the
//! desk taking orders: they would be accepted and not sent, nobody would hear of a margin call, or time would stand still.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use super::handle::Handle;

/// Calls when it is dropped, also by a panic.
struct Fall<F: FnMut()>(F);

impl<F: FnMut()> Drop for Fall<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs a part; `ended` is called at its end, whatever ends it.
pub async fn guard<T>(part: impl Future<Output = T>, ended: impl FnMut()) -> T {
    let _fall = Fall(ended);
    part.await
}

/// [`guard`] for a part that has a thread of its own.
pub fn guard_thread<T>(part: impl FnOnce() -> T, ended: impl FnMut()) -> T {
    let _fall = Fall(ended);
    part()
}

/// Runs a part of the desk under the name that people know it by.
pub async fn run<T>(name: &'static str, handle: Arc<Handle>, part: impl Future<Output = T>) -> T {
    guard(part, || lost(name, &handle)).await
}

/// [`run`] for a part that has a thread of its own.
pub fn run_thread<T>(name: &'static str, handle: &Handle, part: impl FnOnce() -> T) -> T {
    guard_thread(part, || lost(name, handle))
}

/// A part cannot go on: orders are refused from here on, unless the desk is stopping.
pub fn lost(name: &'static str, handle: &Handle) {
    if handle.stopping.load(Ordering::Acquire) {
        return;
    }
    tracing::error!(
        part = name,
        "a part of the desk has ended: orders are refused; see the log above and restart"
    );
    let reason = format!("the {name} has ended: see the log and restart");
    tell_cause(&handle.poisoned, reason);
    handle.durable.refuse();
}

/// Notes why nothing is recorded any more. What comes later follows from the first cause, which people are to see.
pub fn tell_cause(poisoned: &RwLock<Option<String>>, reason: String) {
    let mut cause = poisoned.write().unwrap_or_else(PoisonError::into_inner);
    cause.get_or_insert(reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn the_first_cause_is_kept() {
        let poisoned = RwLock::new(None);
        tell_cause(&poisoned, "the broker router has ended".into());
        let later = crate::desk::notices::Notice::Poisoned.ends_recording();
        tell_cause(&poisoned, later.expect("it says why"));
        let cause = poisoned.into_inner().expect("no panic");
        assert_eq!(cause.as_deref(), Some("the broker router has ended"));
    }

    #[tokio::test]
    async fn an_end_and_a_panic_are_both_noticed() {
        let ended = Arc::new(AtomicU64::new(0));
        let note = |ended: &Arc<AtomicU64>| {
            let ended = ended.clone();
            move || {
                ended.fetch_add(1, Ordering::Relaxed);
            }
        };
        assert_eq!(guard(async { 7 }, note(&ended)).await, 7);
        assert_eq!(ended.load(Ordering::Relaxed), 1);
        let broken = guard(
            async { panic!("the disk refused the cursor") },
            note(&ended),
        );
        let joined: Result<(), _> = tokio::spawn(broken).await;
        assert!(joined.is_err());
        assert_eq!(ended.load(Ordering::Relaxed), 2);
        let waiting = guard(std::future::pending::<()>(), note(&ended));
        drop(waiting);
        assert_eq!(ended.load(Ordering::Relaxed), 2, "it never ran");
        let note = note(&ended);
        let thread = std::thread::spawn(|| {
            guard_thread::<()>(|| panic!("the simulator divided by zero"), note);
        });
        assert!(thread.join().is_err());
        assert_eq!(ended.load(Ordering::Relaxed), 3);
    }
}
