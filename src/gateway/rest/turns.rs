//! Commands on alerts, one at a time for each alert, so that `If-Match` is compared with what the one before made of it;
//! and the answers they got, for requests that come again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use siaga_platform::refusal::KEY_REUSED;
use siaga_platform::unit::Once;
use siaga_risk::event::Seq;
use siaga_risk::ids::{ActorId, AlertId};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::gateway::core::{AlertRecord, CoreError};
use crate::gateway::error::{ApiError, ApiResult};

/// Alerts share so many lanes: people who act on different alerts rarely wait for each other.
const LANES: usize = 64;
/// Longest wait for those before: with ten seconds for the core and two for the fold the request is in time.
const TURN_WAIT: Duration = Duration::from_secs(2);
/// Answers that a lane remembers. All lanes hold 2,048 of some 2 KiB.
const ANSWERS_MAX: usize = 32;

/// Take a turn, look at the alert, send, note what was sent, and let the turn go when the alert tells of it.
pub struct Turns([Arc<Mutex<Lane>>; LANES]);

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
pub struct Asked {
    pub actor: ActorId,
    pub alert: AlertId,
    pub once: Once,
}

/// A command that was sent, and the alert behind it once that was seen.
struct Kept {
    asked: Asked,
    seq: Seq,
    record: Option<AlertRecord>,
}

impl Default for Turns {
    fn default() -> Self {
        Turns(std::array::from_fn(|_| Arc::default()))
    }
}

impl Turns {
    /// Waits for whoever acts on this alert.
    pub async fn take(&self, alert: AlertId) -> ApiResult<Turn> {
        // The low 20 bits are the output's place behind its input, and mostly the same.
        let lane = (alert.0 ^ (alert.0 >> 20)) % LANES as u64;
        let lane = self.0[lane as usize].clone();
        timeout(TURN_WAIT, lane.lock_owned())
            .await
            .map_err(|_| ApiError::from(CoreError::Busy))
    }
}

impl Lane {
    /// The input of this request when it came first, and the answer it got, if it got one.
    ///
    /// # Errors
    /// The key came with another request.
    pub fn first(&self, asked: &Asked) -> ApiResult<Option<(Seq, Option<AlertRecord>)>> {
        let same = |kept: &&Kept| {
            kept.asked.actor == asked.actor
                && kept.asked.alert == asked.alert
                && kept.asked.once.key == asked.once.key
        };
        match self.answers.iter().find(same) {
            None => Ok(None),
            Some(kept) if kept.asked.once == asked.once => {
                Ok(Some((kept.seq, kept.record.clone())))
            }
            Some(_) => Err(KEY_REUSED
                .field("Idempotency-Key", "use a new key for a new request")
                .into()),
        }
    }

    /// Remembers a command that is recorded.
    pub fn keep(&mut self, asked: Asked, seq: Seq) {
        if self.answers.len() == ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back(Kept {
            asked,
            seq,
            record: None,
        });
    }

    /// Remembers the answer to it.
    pub fn answered(&mut self, seq: Seq, record: &AlertRecord) {
        if let Some(kept) = self.answers.iter_mut().find(|kept| kept.seq == seq) {
            kept.record = Some(record.clone());
        }
    }
}
