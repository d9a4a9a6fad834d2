//! What identity works with while the program runs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::future::Cache;
use siaga_risk::units::{SECOND_NS, Ts};
use tokio::sync::{RwLock, broadcast};
use uuid::Uuid;
use webauthn_rs::prelude::{Url, Webauthn, WebauthnBuilder};

use super::faults::{NOT_SET_UP, TOKEN_INVALID};
use super::hash::Hasher;
use super::limit::{Limits, Meter};
use super::messenger::{Channel, Messenger, NoMessenger};
use super::provider::{NoWeb, ProviderSettings, WebDoor};
use super::signing::{self, Signer};
use super::store;
use super::who::Known;
use crate::accounts::demo::DemoPlan;
use crate::db::DbError;
use crate::people::{Permission, Principal};
use crate::refusal::Refusal;
use crate::spread::{self, Word};
use crate::unit::Platform;

/// Sessions that are remembered between two looks into the database.
const KNOWN_MAX: u64 = 10_000;
/// They are forgotten after this: the life of an access token, so that a database that is away does not
/// sign everybody out at once.
const KNOWN_TIME: Duration = Duration::from_secs(15 * 60);
/// Ends of sessions that wait to be told to open streams; who falls behind ends them all.
const ENDS_MAX: usize = 1_024;
/// Keys are read again after this: another process may have made one.
const KEYS_EVERY_NS: u64 = 60 * SECOND_NS;
/// Whether another process made the first administrator is asked again after this, beside the requests: the desk's
/// orders do not wait for the database.
const CLAIM_EVERY_NS: u64 = 5 * SECOND_NS;
/// A token with an unknown key makes us look again no more often than this.
const UNKNOWN_EVERY_NS: u64 = 10 * SECOND_NS;

/// What the operator sets.
#[derive(Clone)]
pub struct Settings {
    /// Stands in authenticator apps and messages.
    pub title: String,
    /// `https://desk.example`: passkeys and providers are bound to it.
    pub public_url: Option<String>,
    /// Whom a person writes to about their data.
    pub privacy_contact: String,
    /// Sends codes.
    pub messenger: Arc<dyn Messenger>,
    /// Providers of sign-in.
    pub providers: Vec<ProviderSettings>,
    /// Reaches the providers.
    pub web: Arc<dyn WebDoor>,
    /// Requests a minute.
    pub limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Memory of a password's hash, KiB; `None` for the product's.
    pub hash_memory_kib: Option<u32>,
    /// Every permission there is, for the scopes of API keys.
    pub permissions: Vec<Permission>,
    /// What a client who asks for a demonstration account gets; nothing where the house has none.
    pub demo: Option<DemoPlan>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            title: "Siaga".to_owned(),
            public_url: None,
            privacy_contact: String::new(),
            messenger: Arc::new(NoMessenger),
            providers: Vec::new(),
            web: Arc::new(NoWeb),
            limits: Limits::STANDARD,
            trusted_proxies: Vec::new(),
            hash_memory_kib: None,
            permissions: crate::handlers::permissions(),
            demo: None,
        }
    }
}

impl Settings {
    /// Whether accounts can be opened with them.
    ///
    /// # Errors
    /// [`NOT_SET_UP`] when the public address is none that passkeys can be bound to.
    pub fn check(&self) -> Result<(), Refusal> {
        self.webauthn().map(drop)
    }

    fn webauthn(&self) -> Result<Option<Webauthn>, Refusal> {
        self.public_url
            .as_ref()
            .map(|url| webauthn(url, &self.title))
            .transpose()
    }
}

/// The keys as they were last read.
#[derive(Default)]
pub(super) struct KeySet {
    pub(super) keys: Vec<Arc<Signer>>,
    read_at: Ts,
}

impl KeySet {
    fn made(&self) -> Vec<Ts> {
        self.keys.iter().map(|key| key.made()).collect()
    }

    /// The keys that are believed.
    pub(super) fn published(&self, now: Ts) -> &[Arc<Signer>] {
        self.keys
            .get(signing::published(&self.made(), now))
            .unwrap_or(&[])
    }

    fn signer(&self, now: Ts) -> Option<Arc<Signer>> {
        signing::signs(&self.made(), now)
            .and_then(|index| self.keys.get(index))
            .cloned()
    }
}

/// Meters of everybody, in this process.
#[derive(Default)]
pub(super) struct Meters {
    pub(super) address: Meter<IpAddr>,
    pub(super) sign_in: Meter<IpAddr>,
    pub(super) upload: Meter<IpAddr>,
    pub(super) caller: Meter<Uuid>,
    pub(super) route: Meter<(Uuid, String)>,
}

/// Whether the first administrator has been made; never unmade.
#[derive(Default)]
struct Claim {
    made: AtomicBool,
    /// When it was asked last; 0 = never.
    asked: AtomicU64,
}

impl Claim {
    async fn ask(&self, platform: &Platform) {
        let asked = platform
            .read(&Principal::system("identity.claim"), |tx| {
                store::is_claimed(tx)
            })
            .await;
        if matches!(asked, Ok(true)) {
            self.made.store(true, Ordering::Release);
        }
    }
}

/// Identity over a platform.
pub struct Identity {
    pub(super) platform: Platform,
    pub(super) settings: Settings,
    pub(super) hasher: Hasher,
    pub(super) known: Cache<Uuid, Arc<Known>>,
    pub(super) webauthn: Option<Webauthn>,
    pub(super) discovered: tokio::sync::Mutex<HashMap<String, Arc<super::provider::Discovered>>>,
    keys: RwLock<Arc<KeySet>>,
    meters: Mutex<Meters>,
    claim: Arc<Claim>,
    ended: broadcast::Sender<Uuid>,
}

impl Identity {
    /// Identity over a platform.
    ///
    /// # Errors
    /// [`NOT_SET_UP`] when the public address is none that passkeys can be bound to.
    pub fn new(platform: Platform, settings: Settings) -> Result<Self, Refusal> {
        let hasher = match settings.hash_memory_kib {
            Some(memory) => Hasher::with_memory(memory)?,
            None => Hasher::new()?,
        };
        let webauthn = settings.webauthn()?;
        Ok(Self {
            platform,
            settings,
            hasher,
            known: Cache::builder()
                .max_capacity(KNOWN_MAX)
                .time_to_live(KNOWN_TIME)
                .build(),
            webauthn,
            discovered: tokio::sync::Mutex::default(),
            keys: RwLock::default(),
            meters: Mutex::default(),
            claim: Arc::default(),
            ended: broadcast::Sender::new(ENDS_MAX),
        })
    }

    /// The platform under it.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// What was set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Ids of sessions and API keys as they end, for whoever holds their streams.
    pub fn ends(&self) -> broadcast::Receiver<Uuid> {
        self.ended.subscribe()
    }

    /// Whether the first administrator has been made: the first-start secret opens nothing then. While the
    /// database does not answer and it is not known, the secret still opens: whoever reads its file holds
    /// the keyring beside it, and a desk without its database must be worked.
    pub async fn is_claimed(&self) -> bool {
        if self.claim.made.load(Ordering::Acquire) {
            return true;
        }
        let now = self.platform.now().0.max(1);
        let asked = self.claim.asked.load(Ordering::Acquire);
        if asked == 0 {
            self.claim.ask(&self.platform).await;
            self.claim.asked.store(now, Ordering::Release);
        } else if now.saturating_sub(asked) >= CLAIM_EVERY_NS {
            self.claim.asked.store(now, Ordering::Release);
            let (claim, platform) = (Arc::clone(&self.claim), self.platform.clone());
            tokio::spawn(async move { claim.ask(&platform).await });
        }
        self.claim.made.load(Ordering::Acquire)
    }

    /// The first administrator was made just now.
    pub(super) fn claimed(&self) {
        self.claim.made.store(true, Ordering::Release);
    }

    /// As it was last known.
    pub(super) fn is_known_claimed(&self) -> bool {
        self.claim.made.load(Ordering::Acquire)
    }

    /// Forgets what is known of these sessions and keys and tells their ends, to the other programs on the database too.
    pub(super) async fn tell_ends(&self, sessions: &[Uuid]) {
        for session in sessions {
            self.hear_end(*session).await;
            self.platform.cache().note_end(*session).await;
        }
        if sessions.is_empty() || !self.platform.db().is_server() {
            return;
        }
        let words: Vec<Word> = sessions.iter().copied().map(Word::End).collect();
        let platform = self.platform.clone();
        // Beside the request: the others look for themselves every few seconds.
        tokio::spawn(async move {
            if let Err(error) = spread::say(&platform, &words).await {
                tracing::debug!("the end of a session was not told to other programs: {error}");
            }
        });
    }

    /// A session or an API key ended, here or in another program.
    pub async fn hear_end(&self, id: Uuid) {
        self.known.invalidate(&id).await;
        // Nobody listens in a program without a gateway.
        let _ = self.ended.send(id);
    }

    pub(super) fn meters(&self) -> MutexGuard<'_, Meters> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether messages go by this way at all.
    pub(super) fn serves(&self, channel: Channel) -> bool {
        self.settings.messenger.serves(channel)
    }

    /// The keys; made or read anew where it is time.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, Refusal> {
        let now = self.platform.now();
        {
            let held = self.keys.read().await;
            if !held.keys.is_empty()
                && now.since(held.read_at) < KEYS_EVERY_NS
                && !signing::is_due(&held.made(), now)
            {
                return Ok(Arc::clone(&held));
            }
        }
        let mut held = self.keys.write().await;
        if !held.keys.is_empty()
            && now.since(held.read_at) < KEYS_EVERY_NS
            && !signing::is_due(&held.made(), now)
        {
            return Ok(Arc::clone(&held));
        }
        let read = self.read_keys(now).await;
        match read {
            Ok(set) => *held = Arc::new(set),
            // What is held is believed while the database is away.
            Err(refusal) if held.keys.is_empty() => return Err(refusal),
            Err(refusal) => tracing::warn!("signing keys could not be read: {refusal}"),
        }
        Ok(Arc::clone(&held))
    }

    /// The public key of that name; looks again for one that another process made.
    pub(super) async fn public_key(&self, kid: &str) -> Result<super::jws::PublicKey, Refusal> {
        let now = self.platform.now();
        let find = |set: &KeySet| {
            set.published(now)
                .iter()
                .find(|key| key.kid() == kid)
                .map(|key| key.public().clone())
        };
        let held = self.keys().await?;
        if let Some(key) = find(&held) {
            return Ok(key);
        }
        if now.since(held.read_at) >= UNKNOWN_EVERY_NS {
            let set = Arc::new(self.read_keys(now).await?);
            *self.keys.write().await = Arc::clone(&set);
            if let Some(key) = find(&set) {
                return Ok(key);
            }
        }
        Err(TOKEN_INVALID.because("sign in again"))
    }

    async fn read_keys(&self, now: Ts) -> Result<KeySet, Refusal> {
        let system = Principal::system("identity.keys");
        let mut rows = self.platform.command(&system, store::signing_keys).await?;
        let made: Vec<Ts> = rows.iter().map(|row| row.made).collect();
        if signing::is_due(&made, now) {
            let kid = super::codes::token().chars().take(16).collect::<String>();
            let name = kid.clone();
            let drawn = tokio::task::spawn_blocking(move || Signer::generate(name, now)).await;
            let (_, der) = drawn
                .map_err(|_| Refusal::Db(DbError::Panicked))?
                .map_err(unusable)?;
            rows = self
                .platform
                .command(&system, move |unit| {
                    store::add_signing_key(unit, &kid, &der)
                })
                .await?;
        }
        let keys: Result<Vec<_>, _> = rows
            .into_iter()
            .map(|row| Signer::open(row.kid, row.made, &row.der).map(Arc::new))
            .collect();
        Ok(KeySet {
            keys: keys.map_err(unusable)?,
            read_at: now,
        })
    }

    /// Signs a payload with the key of the moment.
    pub(super) async fn signed(&self, payload: &serde_json::Value) -> Result<String, Refusal> {
        let keys = self.keys().await?;
        let signer = keys
            .signer(self.platform.now())
            .ok_or_else(|| unusable(signing::BadKey))?;
        signer.token(payload).map_err(unusable)
    }

    /// The key set (RFC 7517).
    ///
    /// # Errors
    /// The database's.
    pub async fn jwks(&self) -> Result<serde_json::Value, Refusal> {
        let keys = self.keys().await?;
        let published: Vec<_> = keys
            .published(self.platform.now())
            .iter()
            .map(|key| key.jwk())
            .collect();
        Ok(serde_json::json!({ "keys": published }))
    }
}

fn unusable(error: signing::BadKey) -> Refusal {
    Refusal::Db(DbError::Unexpected(error.to_string()))
}

fn webauthn(url: &str, title: &str) -> Result<Webauthn, Refusal> {
    let refuse = || {
        NOT_SET_UP.field(
            "public_url",
            "passkeys need an address like https://desk.example",
        )
    };
    let origin = Url::parse(url).map_err(|_| refuse())?;
    let domain = origin.domain().ok_or_else(refuse)?.to_owned();
    let builder = WebauthnBuilder::new(&domain, &origin).map_err(|_| refuse())?;
    builder.rp_name(title).build().map_err(|_| refuse())
}
