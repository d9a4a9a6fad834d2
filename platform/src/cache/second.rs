//! Redis or Valkey. It is a help and nothing else: what it does not answer in time is loaded.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::window::seconds_up;
use crate::crypto::{Keyring, Sealed, Sealer};

/// Longest wait for an answer: the database itself takes no longer.
const ANSWER_WAIT: Duration = Duration::from_millis(200);

/// Longest that anybody waits for it, a connection and its second try with it. Above [`ANSWER_WAIT`], so that an open connection
/// that does not answer finds that out by itself.
const WAIT: Duration = Duration::from_millis(250);

/// Who did not answer is not asked again for this long: a request has several questions, and each would wait.
const AWAY: Duration = Duration::from_secs(1);

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
    /// It did not answer just now.
    away: Arc<AtomicBool>,
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
            away: Arc::default(),
        })
    }

    /// What it says to a question that can do without it; nothing at once while it is away.
    async fn ask<T>(&self, question: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        match self.away.load(Ordering::Acquire) {
            true => None,
            false => self.tell(question).await,
        }
    }

    /// What it says. Also while it is away: what is taken out must not be found there when it is back.
    async fn tell<T>(&self, word: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        let why = match tokio::time::timeout(WAIT, word).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => {
                if error.is_io_error() {
                    self.leave_alone();
                }
                error.to_string()
            }
            Err(_) => {
                self.leave_alone();
                "no answer in time".to_owned()
            }
        };
        // That it said nothing is nobody's problem but the load's.
        tracing::debug!("the second level of the cache: {why}");
        None
    }

    fn leave_alone(&self) {
        if self.away.swap(true, Ordering::AcqRel) {
            return;
        }
        let away = Arc::clone(&self.away);
        tokio::spawn(async move {
            tokio::time::sleep(AWAY).await;
            away.store(false, Ordering::Release);
        });
    }

    pub(super) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("GET");
        command.arg(format!("{PREFIX}{key}"));
        let found = self.ask(command.query_async::<Option<Vec<u8>>>(&mut connection));
        let sealed = Sealed::from_bytes(found.await??);
        // Bound to its key: a value that was put under another is none.
        self.sealer.open(key, &sealed).ok()
    }

    /// Keeps what was loaded.
    pub(super) async fn keep(&self, key: &str, json: &[u8], ttl: Duration) {
        let mut connection = self.connection.clone();
        let command = self.set(key, json, ttl);
        self.ask(command.query_async::<()>(&mut connection)).await;
    }

    /// Puts what others have to know.
    pub(super) async fn note(&self, key: &str, json: &[u8], ttl: Duration) {
        let mut connection = self.connection.clone();
        let command = self.set(key, json, ttl);
        self.tell(command.query_async::<()>(&mut connection)).await;
    }

    fn set(&self, key: &str, json: &[u8], ttl: Duration) -> redis::Cmd {
        let sealed = self.sealer.seal(key, json);
        let mut command = redis::cmd("SET");
        command
            .arg(format!("{PREFIX}{key}"))
            .arg(sealed.as_bytes())
            .arg("EX")
            .arg(ttl.as_secs());
        command
    }

    pub(super) async fn forget(&self, key: &str) {
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("DEL");
        command.arg(format!("{PREFIX}{key}"));
        self.tell(command.query_async::<()>(&mut connection)).await;
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
        let (name,): (Option<String>,) = self.ask(ask.query_async(&mut connection)).await?;
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
        self.tell(command.query_async::<()>(&mut connection)).await;
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
            self.ask(ask.query_async(&mut connection)).await?;
        if rank < u64::from(limit) {
            return Some(Ok(()));
        }
        // Who is turned away does not count.
        let mut back = redis::cmd("ZREM");
        back.arg(&key).arg(&member);
        self.ask(back.query_async::<()>(&mut connection)).await;
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    /// Whether it is over without any wait. Nothing else runs meanwhile, so that no second passes by.
    fn at_once<T>(question: impl Future<Output = T>) -> Option<T> {
        match pin!(question).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn one_question_finds_out_that_nobody_answers_and_the_others_wait_for_nothing() {
        // Takes connections, and says nothing on them.
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = silent.local_addr().expect("an address").port();
        let url = format!("redis://127.0.0.1:{port}/0");
        let second = Second::open(&url, &Keyring::generate("k1")).expect("a URL");
        let first = timeout(CONNECT_WAIT, second.get("a")).await;
        assert_eq!(first, Ok(None), "no wait for the connection itself");
        let minute = Duration::from_secs(60);
        assert_eq!(at_once(second.get("b")), Some(None));
        assert_eq!(at_once(second.keep("b", b"{}", minute)), Some(()));
        assert_eq!(at_once(second.generation("search")), Some(None));
        let admitted = at_once(second.admit("login:7", 1, minute, Ts(0)));
        assert_eq!(admitted, Some(None));
        assert_eq!(
            at_once(second.forget("b")),
            None,
            "what is taken out is tried all the same"
        );
        let forgot = timeout(CONNECT_WAIT, second.forget("b")).await;
        assert_eq!(forgot, Ok(()), "and waits no longer");
        second.away.store(false, Ordering::Release);
        assert_eq!(at_once(second.get("a")), None, "it is asked again");
    }

    #[tokio::test]
    async fn who_was_away_is_asked_again_in_a_moment() {
        let second =
            Second::open("redis://127.0.0.1:1/0", &Keyring::generate("k1")).expect("a URL");
        second.leave_alone();
        while second.away.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
