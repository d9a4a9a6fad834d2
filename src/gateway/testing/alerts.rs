//! The alerts of the tests. What people do to them is taken a moment behind the core's answer, as the alert desk's fold does.

use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::*;

/// How far behind the core's answer an echo is taken: long enough for many requests to arrive meanwhile.
const LATE: Duration = Duration::from_millis(50);

pub struct Alerts {
    events: Arc<Events>,
    held: Mutex<BTreeMap<AlertId, AlertRecord>>,
    /// Echoes that are not taken yet.
    heard: Mutex<VecDeque<(Seq, AlertEcho)>>,
    told: Mutex<BTreeMap<Seq, Result<(), AlertFault>>>,
    /// Drops the next echo, for this reason.
    pub dropping: Mutex<Option<AlertFault>>,
    /// Takes no echo.
    pub deaf: AtomicBool,
}

impl Alerts {
    pub fn new(events: Arc<Events>) -> Alerts {
        Alerts {
            events,
            held: Mutex::default(),
            heard: Mutex::default(),
            told: Mutex::default(),
            dropping: Mutex::default(),
            deaf: AtomicBool::new(false),
        }
    }

    pub fn held(&self) -> MutexGuard<'_, BTreeMap<AlertId, AlertRecord>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn hear(&self, seq: Seq, echo: AlertEcho) {
        let mut heard = self.heard.lock().expect("not poisoned");
        heard.push_back((seq, echo));
    }

    pub fn check(&self, command: &AlertCommand, now: Ts) -> Result<(), AlertFault> {
        let held = self.held();
        let record = held.get(&command.alert).ok_or(AlertFault::Unknown)?;
        let month = now.plus(31 * DAY_NS);
        match command.verb {
            AlertVerb::Comment => Ok(()),
            _ if record.state == AlertState::Resolved => Err(AlertFault::NotActive),
            AlertVerb::Unacknowledge if record.acked_by.is_none() => {
                Err(AlertFault::NotAcknowledged)
            }
            AlertVerb::Snooze if Ts(command.argument) > month => Err(AlertFault::BadTime),
            _ => Ok(()),
        }
    }

    pub async fn told(&self, seq: Seq) -> Result<Result<(), AlertFault>, CoreError> {
        tokio::time::sleep(LATE).await;
        if !self.deaf.load(Ordering::SeqCst) {
            self.take_all();
        }
        let told = self.told.lock().expect("not poisoned");
        told.get(&seq).copied().ok_or(CoreError::Timeout)
    }

    fn take_all(&self) {
        let mut heard = self.heard.lock().expect("not poisoned");
        while let Some((seq, echo)) = heard.pop_front() {
            let dropped = self.dropping.lock().expect("not poisoned").take();
            let verdict = dropped.map_or(Ok(()), Err);
            if verdict.is_ok() {
                self.take(&echo);
            }
            self.told.lock().expect("not poisoned").insert(seq, verdict);
        }
    }

    fn take(&self, echo: &AlertEcho) {
        let mut held = self.held();
        let Some(record) = held.get_mut(&echo.command.alert) else {
            return;
        };
        record.revision += 1;
        match echo.command.verb {
            AlertVerb::Acknowledge => {
                record.state = AlertState::Acknowledged;
                record.acked_by = Some(echo.actor);
            }
            AlertVerb::Resolve => record.state = AlertState::Resolved,
            AlertVerb::Assign => {
                let whom = u32::try_from(echo.command.argument).unwrap_or(0);
                record.owner = (whom != 0).then_some(ActorId(whom));
            }
            _ => {}
        }
        self.events.push(EventBody::Alert(Box::new(record.clone())));
    }
}
