//! What is read often: first level in the process, second level Redis or Valkey by URL, both bounded in
//! time, forgotten when an event says that something changed.
//!
//! A cached answer is as visible as its key, so a key names whoever may see it. Values of the second
//! level are sealed: they leave the process.

mod forget;
mod key;
mod second;
mod window;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use moka::Expiry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::crypto::Keyring;
use crate::db::DbError;
use crate::refusal::Refusal;

pub use forget::Forget;
pub(crate) use forget::people_of;
pub use key::Key;
pub use second::{Second, SecondError};

use window::Windows;

/// Bytes of the first level: a few thousand profiles and pages.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Another process may change what this one has: where it cannot be heard, the first level is believed no
/// longer than this.
const FIRST_UNTOLD: Duration = Duration::from_secs(30);

/// How long a value of the second level had stood there is not known, so it is kept here no longer than this.
const FIRST_OF_SECOND: Duration = Duration::from_secs(30);

/// What stands under the key of a session that ended.
const ENDED: &[u8] = b"ended";

/// Stands for all that is kept of searches: what others are told when something that can be found changed.
pub(crate) const SEARCHES: &str = "search";

/// How often each level had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Found in the process.
    pub first: u64,
    /// Found in the second level.
    pub second: u64,
    /// Loaded.
    pub missed: u64,
}

/// The cache; cloning shares it.
#[derive(Clone)]
pub struct Cache {
    first: moka::future::Cache<String, Kept>,
    second: Option<Second>,
    windows: Arc<Windows>,
    counts: Arc<Counts>,
    /// Whether this process hears what others change, or there are none.
    told: Arc<AtomicBool>,
    /// Counts what was forgotten, so that a value loaded before that is not kept behind it.
    forgotten: Arc<AtomicU64>,
    /// Counts changes of what can be found: searches are kept under it where there is no second level.
    found: Arc<AtomicU64>,
    /// Others are about to be told that searches are old.
    telling: Arc<AtomicBool>,
}

#[derive(Default)]
struct Counts {
    asked: AtomicU64,
    second: AtomicU64,
    missed: AtomicU64,
}

#[derive(Clone)]
struct Kept {
    json: Arc<[u8]>,
    ttl: Duration,
}

struct OwnTime;

impl Expiry<String, Kept> for OwnTime {
    fn expire_after_create(
        &self,
        _key: &String,
        kept: &Kept,
        _at: std::time::Instant,
    ) -> Option<Duration> {
        Some(kept.ttl)
    }
}

impl Cache {
    /// A cache with this second level.
    pub fn new(second: Option<Second>) -> Self {
        let first = moka::future::Cache::builder()
            .max_capacity(BYTES_MAX)
            .weigher(|key: &String, kept: &Kept| {
                u32::try_from(key.len() + kept.json.len()).unwrap_or(u32::MAX)
            })
            .expire_after(OwnTime)
            .build();
        Self {
            first,
            second,
            windows: Arc::default(),
            counts: Arc::default(),
            told: Arc::default(),
            forgotten: Arc::default(),
            found: Arc::default(),
            telling: Arc::default(),
        }
    }

    /// The second level at `url`, sealed with a key of the keyring; none without a URL.
    ///
    /// # Errors
    /// A URL that is none. A server that does not answer is no error: it is asked again.
    pub fn open(url: Option<&str>, keyring: &Keyring) -> Result<Self, SecondError> {
        let second = url.map(|url| Second::open(url, keyring)).transpose()?;
        Ok(Self::new(second))
    }

    /// What is kept under `key`, else what `load` brings; loaded once when many ask at the same moment.
    ///
    /// # Errors
    /// What `load` returned; it is not kept.
    pub async fn get<T, F>(&self, key: &Key, load: F) -> Result<T, Refusal>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, Refusal>>,
    {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        let before = self.forgotten.load(Ordering::Acquire);
        let text = key.text();
        let ttl = match self.told.load(Ordering::Acquire) {
            true => key.ttl(),
            false => key.ttl().min(FIRST_UNTOLD),
        };
        let fill = async {
            if let Some(second) = &self.second
                && let Some(json) = second.get(&text).await
            {
                self.counts.second.fetch_add(1, Ordering::Relaxed);
                return Ok(Kept {
                    json: json.into(),
                    ttl: ttl.min(FIRST_OF_SECOND),
                });
            }
            self.counts.missed.fetch_add(1, Ordering::Relaxed);
            let json = serde_json::to_vec(&load.await?);
            let json =
                json.map_err(|error| DbError::Unexpected(format!("a value to keep: {error}")))?;
            if let Some(second) = &self.second {
                // Who hears nobody may put back what another just took out, and is believed as briefly here.
                second.keep(&text, &json, ttl).await;
            }
            Ok(Kept {
                json: json.into(),
                ttl,
            })
        };
        let kept = self.first.try_get_with(text.clone(), fill).await;
        let kept = kept.map_err(|shared: Arc<Refusal>| again(&shared))?;
        if self.forgotten.load(Ordering::Acquire) != before {
            self.drop_kept(&text).await;
        }
        match serde_json::from_slice(&kept.json) {
            Ok(value) => Ok(value),
            Err(error) => {
                // Of an older program: it goes, and the next one to ask loads it.
                self.forget(key).await;
                Err(DbError::Unexpected(format!("a kept value: {error}")).into())
            }
        }
    }

    /// Forgets what is kept under `key`, on both levels.
    pub async fn forget(&self, key: &Key) {
        self.forgotten.fetch_add(1, Ordering::Release);
        self.drop_kept(&key.text()).await;
    }

    /// From now on this process hears what others change, or is alone. What was kept before may be old.
    pub async fn trust(&self) {
        self.clear().await;
        self.told.store(true, Ordering::Release);
    }

    /// Others are not heard any more: what is kept may be old, and is believed for half a minute.
    pub async fn doubt(&self) {
        self.told.store(false, Ordering::Release);
        self.clear().await;
    }

    /// Another process forgot this key. It did so on the second level too, where a value that was loaded here
    /// before may have come behind it: it is taken out once more.
    pub async fn hear_forget(&self, text: &str) {
        if text == SEARCHES {
            self.found.fetch_add(1, Ordering::Release);
            return;
        }
        self.forgotten.fetch_add(1, Ordering::Release);
        self.drop_kept(text).await;
    }

    /// Names what can be found as it is now: searches are kept under it. `None` while nobody would say here
    /// that it changed; then none is kept.
    pub(crate) async fn searches(&self) -> Option<String> {
        match &self.second {
            Some(second) => second.generation(SEARCHES).await,
            None => {
                let told = self.told.load(Ordering::Acquire);
                told.then(|| self.found.load(Ordering::Acquire).to_string())
            }
        }
    }

    /// Something that can be found changed, and is committed: what is kept of searches is reached no more.
    pub(crate) async fn forget_searches(&self) {
        self.found.fetch_add(1, Ordering::Release);
        if let Some(second) = &self.second {
            second.renew(SEARCHES).await;
        }
    }

    /// Whether the caller is to tell the other programs that searches are old, and not somebody before it.
    pub(crate) fn begin_telling(&self) -> bool {
        !self.telling.swap(true, Ordering::AcqRel)
    }

    /// What changes from now on has to be told anew.
    pub(crate) fn end_telling(&self) {
        self.telling.store(false, Ordering::Release);
    }

    /// Notes for the programs that share the second level that a session ended. Nothing of a session itself is
    /// kept: what it may is read from the database (its idle time counts, not this one's).
    pub async fn note_end(&self, session: Uuid) {
        if let Some(second) = &self.second {
            let key = Key::Session(session);
            second.note(&key.text(), ENDED, key.ttl()).await;
        }
    }

    /// Whether it was noted that a session ended; no for one of which nothing was heard.
    pub async fn has_ended(&self, session: Uuid) -> bool {
        match &self.second {
            Some(second) => second.get(&Key::Session(session).text()).await.is_some(),
            None => false,
        }
    }

    async fn clear(&self) {
        self.found.fetch_add(1, Ordering::Release);
        self.forgotten.fetch_add(1, Ordering::Release);
        self.first.invalidate_all();
        self.first.run_pending_tasks().await;
    }

    async fn drop_kept(&self, text: &str) {
        self.first.invalidate(text).await;
        if let Some(second) = &self.second {
            second.forget(text).await;
        }
    }

    /// Counts one more of `key` in a window of `span` that slides with `now`; at most `limit` pass. Over
    /// it: the seconds until the next one passes. With a second level all processes count together.
    ///
    /// # Errors
    /// Seconds to wait.
    pub async fn admit(&self, key: &str, limit: u32, span: Duration, now: Ts) -> Result<(), u32> {
        if let Some(second) = &self.second
            && let Some(answer) = second.admit(key, limit, span, now).await
        {
            return answer;
        }
        self.windows.admit(key, limit, span, now)
    }

    /// Whether several programs count together.
    pub fn is_shared(&self) -> bool {
        self.second.is_some()
    }

    /// How often each level had it.
    pub fn figures(&self) -> Figures {
        let (asked, second, missed) = (
            self.counts.asked.load(Ordering::Relaxed),
            self.counts.second.load(Ordering::Relaxed),
            self.counts.missed.load(Ordering::Relaxed),
        );
        Figures {
            first: asked.saturating_sub(second).saturating_sub(missed),
            second,
            missed,
        }
    }
}

/// The same refusal for everybody who waited for it.
fn again(shared: &Refusal) -> Refusal {
    match shared {
        Refusal::Said(said) => Refusal::Said(said.clone()),
        Refusal::Db(error) if error.may_retry() => Refusal::Db(DbError::Busy),
        Refusal::Db(error) => Refusal::Db(DbError::Unexpected(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::CONFLICT;

    #[tokio::test]
    async fn what_is_kept_is_loaded_once_and_again_when_forgotten() {
        let cache = Cache::new(None);
        let key = Key::Profile(Uuid::from_u128(7));
        let loads = AtomicU64::new(0);
        let load = || async {
            loads.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Refusal>("Sari".to_owned())
        };
        let (a, b) = tokio::join!(cache.get(&key, load()), cache.get(&key, load()));
        assert_eq!(
            (a.expect("loaded"), b.expect("kept")),
            ("Sari".into(), "Sari".into())
        );
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        cache.forget(&key).await;
        assert_eq!(cache.get(&key, load()).await.expect("loaded"), "Sari");
        assert_eq!(loads.load(Ordering::Relaxed), 2);
        let figures = Figures {
            first: 1,
            second: 0,
            missed: 2,
        };
        assert_eq!(cache.figures(), figures);
    }

    #[tokio::test]
    async fn what_is_forgotten_while_it_is_loaded_is_not_kept() {
        let cache = Cache::new(None);
        let key = Key::Profile(Uuid::from_u128(7));
        let slow = async {
            cache.forget(&key).await;
            Ok::<_, Refusal>("before".to_owned())
        };
        assert_eq!(cache.get(&key, slow).await.expect("loaded"), "before");
        assert_eq!(
            cache
                .get(&key, async { Ok("after".to_owned()) })
                .await
                .expect("loaded"),
            "after"
        );
    }

    #[tokio::test]
    async fn what_another_process_changed_is_loaded_again() {
        let cache = Cache::new(None);
        let (key, other) = (
            Key::Profile(Uuid::from_u128(7)),
            Key::Profile(Uuid::from_u128(8)),
        );
        cache.trust().await;
        let kept = async |key: &Key, value: u8| cache.get(key, async { Ok(value) }).await.ok();
        assert_eq!(kept(&key, 1).await, Some(1));
        assert_eq!(kept(&other, 1).await, Some(1));
        cache.hear_forget(&key.text()).await;
        assert_eq!(kept(&key, 2).await, Some(2), "it was told");
        assert_eq!(kept(&other, 2).await, Some(1), "another one stays");
        cache.doubt().await;
        assert_eq!(kept(&other, 3).await, Some(3), "nobody is heard");
    }

    #[tokio::test]
    async fn searches_are_kept_only_while_a_change_would_be_heard_of() {
        let cache = Cache::new(None);
        assert_eq!(cache.searches().await, None, "nobody is heard yet");
        cache.trust().await;
        let first = cache.searches().await.expect("heard");
        assert_eq!(cache.searches().await.as_ref(), Some(&first));
        cache.forget_searches().await;
        let second = cache.searches().await.expect("heard");
        assert_ne!(first, second, "changed here");
        cache.hear_forget(SEARCHES).await;
        assert_ne!(cache.searches().await, Some(second), "changed elsewhere");
        cache.doubt().await;
        assert_eq!(cache.searches().await, None);
        assert!(cache.begin_telling());
        assert!(!cache.begin_telling(), "one tells for all");
        cache.end_telling();
        assert!(cache.begin_telling());
    }

    #[tokio::test]
    async fn a_refusal_is_not_kept() {
        let cache = Cache::new(None);
        let key = Key::Profile(Uuid::from_u128(7));
        let refused = cache
            .get(&key, async { Err::<u8, _>(CONFLICT.because("not now")) })
            .await;
        assert_eq!(refused.expect_err("refused").fault(), Some(CONFLICT));
        assert_eq!(cache.get(&key, async { Ok(7u8) }).await.expect("loaded"), 7);
    }
}
