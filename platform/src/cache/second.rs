//! Redis or Valkey. It is a help and nothing else: what it does not answer in time is loaded.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::window::seconds_up;
use crate::crypto::{Keyring, Sealed, Sealer};

/// Longest wait for an answer: the database itself takes no longer.
const ANSWER_WAIT: Duration = Duration::from_millis(200);

/// Longest wait for a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// What all our keys begin with.
const PREFIX: &str = "siaga:";

/// How long the name of a generation stands: whatever is kept under it ends much earlier.
const GENERATION_S: u64 = 24 * 3_600;

/// The address is none.
#[derive(Debug, thiserror::Error)]
#[error("the cache's URL is not understood: {0}; it looks like redis://127.0.0.1:6379/0")]
pub struct SecondError(String);

/// The second level; cloning shares the connection.
#[derive(Clone)]
pub struct Second {
    connection: ConnectionManager,
    sealer: Sealer,
}

impl Second {
    /// Connects at the first question.
    ///
    /// # Errors
    /// [`SecondError`].
    pub fn open(url: &str, keyring: &Keyring) -> Result<Self, SecondError> {
        let bad = |error: redis::RedisError| SecondError(error.to_string());
        let client = redis::Client::open(url).map_err(bad)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(ANSWER_WAIT))
            .set_connection_timeout(Some(CONNECT_WAIT))
            .set_number_of_retries(1);
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, config).map_err(bad)?,
            sealer: keyring.sealer("cache"),
        })
    }

    pub(super) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("GET");
        command.arg(format!("{PREFIX}{key}"));
        let found = command
            .query_async::<Option<Vec<u8>>>(&mut connection)
            .await;
        let sealed = Sealed::from_bytes(quiet(found)??);
        // Bound to its key: a value that was put under another is none.
        self.sealer.open(key, &sealed).ok()
    }

    pub(super) async fn set(&self, key: &str, json: &[u8], ttl: Duration) {
        let mut connection = self.connection.clone();
        let sealed = self.sealer.seal(key, json);
        let mut command = redis::cmd("SET");
        command
            .arg(format!("{PREFIX}{key}"))
            .arg(sealed.as_bytes())
            .arg("EX")
            .arg(ttl.as_secs());
        quiet(command.query_async::<()>(&mut connection).await);
    }

    pub(super) async fn forget(&self, key: &str) {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("DEL");
        command.arg(format!("{PREFIX}{key}"));
        quiet(command.query_async::<()>(&mut connection).await);
    }

    /// The name under which everything `of` a kind is kept now, the same for all programs; `None` when nobody
    /// answered. One that was lost is followed by another and never by itself.
    pub(super) async fn generation(&self, of: &str) -> Option<String> {
        let mut connection = self.connection.clone();
        let key = format!("{PREFIX}{of}:generation");
        let mut ask = redis::pipe();
        ask.cmd("SET")
            .arg(&key)
            .arg(unique())
            .arg("NX")
            .arg("EX")
            .arg(GENERATION_S)
            .ignore();
        ask.cmd("GET").arg(&key);
        let (name,): (Option<String>,) = quiet(ask.query_async(&mut connection).await)?;
        name
    }

    /// Another name: nothing that was kept is reached any more.
    pub(super) async fn renew(&self, of: &str) {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("SET");
        command
            .arg(format!("{PREFIX}{of}:generation"))
            .arg(unique())
            .arg("EX")
            .arg(GENERATION_S);
        quiet(command.query_async::<()>(&mut connection).await);
    }

    /// A sorted set of the moments that passed (N4.48); `None` when nobody answered.
    pub(super) async fn admit(
        &self,
        key: &str,
        limit: u32,
        span: Duration,
        now: Ts,
    ) -> Option<Result<(), u32>> {
        let mut connection = self.connection.clone();
        let key = format!("{PREFIX}ratelimit:{key}");
        let micros = now.0 / 1_000;
        let span_us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let gone = micros.saturating_sub(span_us);
        let member = unique();
        let mut ask = redis::pipe();
        ask.atomic();
        ask.cmd("ZREMRANGEBYSCORE")
            .arg(&key)
            .arg(0)
            .arg(gone)
            .ignore();
        ask.cmd("ZADD").arg(&key).arg(micros).arg(&member).ignore();
        ask.cmd("ZRANK").arg(&key).arg(&member);
        ask.cmd("ZRANGE").arg(&key).arg(0).arg(0).arg("WITHSCORES");
        ask.cmd("EXPIRE")
            .arg(&key)
            .arg(span.as_secs().max(1))
            .ignore();
        let (rank, oldest): (u64, Vec<(String, f64)>) =
            quiet(ask.query_async(&mut connection).await)?;
        if rank < u64::from(limit) {
            return Some(Ok(()));
        }
        // Who is turned away does not count.
        let mut back = redis::cmd("ZREM");
        back.arg(&key).arg(&member);
        quiet(back.query_async::<()>(&mut connection).await);
        let first = oldest.first().map_or(micros, |(_, score)| *score as u64);
        let wait_us = first.saturating_add(span_us).saturating_sub(micros);
        Some(Err(seconds_up(wait_us.saturating_mul(1_000))))
    }
}

fn unique() -> String {
    Uuid::from_bytes(crate::crypto::random())
        .simple()
        .to_string()
}

/// What it said; that it did not is nobody's problem but the load's.
fn quiet<T>(answer: redis::RedisResult<T>) -> Option<T> {
    answer
        .inspect_err(|error| tracing::debug!("the second level of the cache: {error}"))
        .ok()
}
