//! Commands on alerts, one at a time for each alert, so that `If-Match` is compared with what the one before made of it;
//! and the answers they got, for requests that come again.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use siaga_platform::refusal::KEY_REUSED;
use siaga_platform::unit::Once;
use siaga_risk::event::Seq;
use siaga_risk::ids::{ActorId, AlertId};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::gateway::core::{AlertRecord, CoreError};
use crate::gateway::error::{ApiError, ApiResult, Fault};

/// Alerts share so many lanes: people who act on different alerts rarely wait for each other.
const LANES: usize = 64;
/// Longest wait for those before: with ten seconds for the core and the fold the request is in time.
const TURN_WAIT: Duration = Duration::from_secs(2);
/// Answers that a lane remembers. All lanes hold 2,048 of some 2 KiB.
const ANSWERS_MAX: usize = 32;
/// What somebody may do whose command is on its way when their patience ends.
const UNSURE: &str = "it may have been done: send it again with the same Idempotency-Key, and it is never done twice; without a key look at the alert first. Nobody else acts on the alert before it is known";

/// Take a turn, look at the alert, send, note what was sent, and let the turn go when the alert tells of it. A turn is held as long as
/// nobody knows what became of its command, however late the core is.
pub struct Turns([Place; LANES]);

/// A lane, and what whoever has the turn in it asks for: who comes with the same meanwhile is not told that nothing was changed.
#[derive(Default)]
struct Place {
    lane: Arc<Mutex<Lane>>,
    asked: std::sync::Mutex<Option<Asked>>,
}

/// The right to act on an alert, while it is held.
pub type Turn = OwnedMutexGuard<Lane>;

/// What was done in one lane.
#[derive(Default)]
pub struct Lane {
    /// The input of the command that was sent last.
    pub sent: Option<Seq>,
    answers: VecDeque<Kept>,
}

/// Who asks for what, by a key of their own.
#[derive(Clone, PartialEq)]
pub struct Asked {
    pub actor: ActorId,
    pub alert: AlertId,
    pub once: Once,
}

/// A command that was sent, and the alert behind it once that was seen.
struct Kept {
    asked: Asked,
    /// Its input, or why nobody knows whether it has one.
    sent: Result<Seq, CoreError>,
    record: Option<AlertRecord>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns(std::array::from_fn(|_| Place::default()))
    }
}

impl Turns {
    /// Waits for whoever acts on this alert.
    pub async fn take(&self, alert: AlertId, asked: Option<&Asked>) -> ApiResult<Turn> {
        // The low 20 bits are the output's place behind its input, and mostly the same.
        let lane = (alert.0 ^ (alert.0 >> 20)) % LANES as u64;
        let place = &self.0[lane as usize];
        match timeout(TURN_WAIT, place.lane.clone().lock_owned()).await {
            Ok(turn) => {
                *place.asked() = asked.cloned();
                Ok(turn)
            }
            Err(_) if asked.is_some() && place.asked().as_ref() == asked => Err(unsure()),
            Err(_) => Err(CoreError::Busy.into()),
        }
    }
}

impl Place {
    fn asked(&self) -> MutexGuard<'_, Option<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is not known yet what became of a command.
pub fn unsure() -> ApiError {
    ApiError::new(Fault::Timeout, UNSURE)
}

impl Lane {
    /// The input of this request when it came first, and the answer it got, if it got one.
    ///
    /// # Errors
    /// The key came with another request, or with this one and nobody knows what became of it.
    pub fn first(&self, asked: &Asked) -> ApiResult<Option<(Seq, Option<AlertRecord>)>> {
        let same = |kept: &&Kept| {
            kept.asked.actor == asked.actor
                && kept.asked.alert == asked.alert
                && kept.asked.once.key == asked.once.key
        };
        match self.answers.iter().find(same) {
            None => Ok(None),
            Some(kept) if kept.asked.once == asked.once => match &kept.sent {
                Ok(seq) => Ok(Some((*seq, kept.record.clone()))),
                Err(error) => Err(error.clone().into()),
            },
            Some(_) => Err(KEY_REUSED
                .field("Idempotency-Key", "use a new key for a new request")
                .into()),
        }
    }

    /// Remembers a command that is recorded, or may be.
    pub fn keep(&mut self, asked: Asked, sent: Result<Seq, CoreError>) {
        if self.answers.len() == ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back(Kept {
            asked,
            sent,
            record: None,
        });
    }

    /// Remembers the answer to it.
    pub fn answered(&mut self, seq: Seq, record: &AlertRecord) {
        if let Some(kept) = self.answers.iter_mut().find(|kept| kept.sent == Ok(seq)) {
            kept.record = Some(record.clone());
        }
    }
}
