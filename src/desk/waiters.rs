//! Callers that wait for the answer to a command or a question.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use siaga_risk::event::Answer;
use siaga_risk::view::Reply;
use tokio::sync::oneshot;

use crate::gateway::core::{Answered, CoreError};

/// Most callers that may wait at a time: far above what the gateway's own limits let through.
const WAITERS_MAX: usize = 65_536;

/// Waiting callers by their token.
#[derive(Debug, Default)]
pub struct Waiters {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiter>>,
}

/// One waiting caller.
#[derive(Debug)]
pub enum Waiter {
    Command(oneshot::Sender<Result<Answered, CoreError>>),
    Question(oneshot::Sender<Result<Reply, CoreError>>),
}

impl Waiters {
    /// Waiters whose tokens begin behind `first`, so tokens of an earlier run find nobody.
    pub fn new(first: u64) -> Self {
        Self {
            next: AtomicU64::new(first),
            waiting: Mutex::default(),
        }
    }

    /// Notes a caller and gives its token; `None` when too many wait.
    pub fn enter(&self, waiter: Waiter) -> Option<u64> {
        let mut waiting = self.lock();
        if waiting.len() >= WAITERS_MAX {
            return None;
        }
        let token = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        waiting.insert(token, waiter);
        Some(token)
    }

    /// Forgets a caller that no longer waits.
    pub fn leave(&self, token: u64) {
        self.lock().remove(&token);
    }

    /// Hands an answer to whoever waits for it.
    pub fn answered(&self, seq: u64, answer: Answer) {
        if let Some(Waiter::Command(caller)) = self.lock().remove(&answer.token) {
            // A caller that has gone away meanwhile is no fault.
            let _ = caller.send(Ok(Answered { seq, answer }));
        }
    }

    /// Hands a reply to whoever asked.
    pub fn replied(&self, reply: Reply) {
        if let Some(Waiter::Question(caller)) = self.lock().remove(&reply.token) {
            let _ = caller.send(Ok(reply));
        }
    }

    /// Tells one waiting commander why there will be no answer.
    pub fn refuse(&self, token: u64, error: CoreError) {
        if let Some(Waiter::Command(caller)) = self.lock().remove(&token) {
            let _ = caller.send(Err(error));
        }
    }

    /// Tells everybody that the desk is stopping.
    pub fn stop(&self) {
        for (_, waiter) in self.lock().drain() {
            match waiter {
                Waiter::Command(caller) => drop(caller.send(Err(CoreError::Stopped))),
                Waiter::Question(caller) => drop(caller.send(Err(CoreError::Stopped))),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
