//! The business platform beside the desk: opened with the store, its outbox and its jobs, and its way
//! to the core.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use siaga_platform::aml::{arranged, cash, fetch, overdue, screen};
use siaga_platform::audit;
use siaga_platform::cache::{Cache, Forget};
use siaga_platform::core_door::{CoreDoor, CoreRefusal};
use siaga_platform::crm::{ByMessenger, Courier, Outreach};
use siaga_platform::crypto::{Keyring, Origin};
use siaga_platform::handlers::Engines;
use siaga_platform::identity::messenger::{Channel, Messenger};
use siaga_platform::identity::{Copies, Identity, Settings, TellEnds};
use siaga_platform::kyc::ocr::{HttpReader, Ocr, Tesseract};
use siaga_platform::kyc::{self, Kyc, Vault};
use siaga_platform::outbox::{Nats, Publisher};
use siaga_platform::unit::Platform;
use siaga_platform::{erasure, retention, spread, subjects};
use siaga_risk::event::Body;
use siaga_risk::ids::ActorId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::handle::DeskHandle;
use super::store::stopped;
use crate::clock::Clock;
use crate::config;
use crate::gateway::core::{Core as _, CoreError};
use crate::store::db::Db;

/// The keyring inside the data directory.
const KEYRING_FILE: &str = "keyring";

/// Sealed documents, inside the data directory.
const DOCUMENTS_FOLDER: &str = "documents";

/// How often the jobs look: erasures, anchors, partitions.
const ROUND: Duration = Duration::from_secs(3_600);

/// How often sales is looked after: a lead is given within the minute in which room appears.
const SALES_ROUND: Duration = Duration::from_secs(60);

/// How often terms of KYC are looked at: a term is told within the minute in which it is over.
const COMPLIANCE_ROUND: Duration = Duration::from_secs(60);

/// How often it is looked whether a list has changed.
const SCREENING_ROUND: Duration = Duration::from_secs(10);

/// Lists are fetched first so long after the start: whoever starts the program has the machine for it before.
const LISTS_AFTER: Duration = Duration::from_secs(300);

/// Rounds between two runs of retention and of wrapping keys anew: a day.
const ROUNDS_OF_A_DAY: u32 = 24;

/// The way to the core: the same as everybody's.
pub struct Door(pub DeskHandle);

impl CoreDoor for Door {
    fn send(
        &self,
        actor: ActorId,
        body: Body,
    ) -> Pin<Box<dyn Future<Output = Result<u64, CoreRefusal>> + Send + '_>> {
        Box::pin(async move {
            let answered = self.0.command(actor, body).await.map_err(refusal)?;
            let reasons = &answered.answer.reasons;
            if reasons.is_empty() {
                return Ok(answered.seq);
            }
            let words: Vec<String> = reasons
                .iter()
                .map(|reason| format!("{}: {}", reason.name(), reason.lifts()))
                .collect();
            Err(CoreRefusal::Refused(words.join("; ")))
        })
    }
}

fn refusal(error: CoreError) -> CoreRefusal {
    match error {
        CoreError::NotAvailable(why) => CoreRefusal::Refused(why),
        CoreError::Away(why) => CoreRefusal::Later(why),
        CoreError::Busy => CoreRefusal::Later("the desk is busy".into()),
        CoreError::Stopped => CoreRefusal::Later("the desk is stopping".into()),
        CoreError::Timeout => CoreRefusal::Later("no answer in time".into()),
        CoreError::Closed { .. }
        | CoreError::Poisoned { .. }
        | CoreError::NotPassedOn { .. }
        | CoreError::Unkept { .. } => CoreRefusal::Later("the desk cannot record".into()),
    }
}

/// The platform over an open store.
///
/// # Errors
/// What is wrong with the keyring or the cache's address; the desk goes on without the platform.
pub async fn open(
    db: &Db,
    config: &config::Platform,
    data: &Path,
    clock: Arc<Clock>,
    door: Arc<dyn CoreDoor>,
) -> Result<Platform, String> {
    let (owned, path) = (config.clone(), data.join(KEYRING_FILE));
    // It may wait for a key management service.
    let keyring = tokio::task::spawn_blocking(move || keyring(&owned, &path)).await;
    let keyring = keyring.map_err(|error| format!("the keyring was not opened: {error}"))??;
    let cache =
        Cache::open(config.cache.as_deref(), &keyring).map_err(|error| error.to_string())?;
    let shown = Arc::clone(&clock);
    let now = Arc::new(move || clock.now());
    let platform = Platform::new(db.clone(), Arc::new(keyring), now, door);
    Ok(platform
        .with_cache(cache)
        .with_wall(Arc::new(move || shown.wall())))
}

fn keyring(config: &config::Platform, path: &Path) -> Result<Keyring, String> {
    if let Some(text) = &config.keyring {
        return Keyring::parse(text, "platform.keyring").map_err(|error| error.to_string());
    }
    let opened = Keyring::open_with(path, config.key_service()?);
    let (keyring, origin) = opened.map_err(|error| error.to_string())?;
    match origin {
        Origin::Made => {
            tracing::warn!(path = %path.display(), "a keyring was made: keep a copy of it apart from the database, without it personal data cannot be read");
        }
        Origin::Sealed => {
            tracing::warn!(path = %path.display(), "the keyring is sealed by the key management service from now on: see to the copies of it that are readable");
        }
        Origin::File => {}
    }
    Ok(keyring)
}

/// Documents of identity: sealed in a folder of the data directory, read by a service or by Tesseract where it is installed.
///
/// # Errors
/// The folder cannot be made or read; no authority is there to trust the reader by.
pub fn open_kyc(
    platform: &Platform,
    config: &config::Platform,
    data: &Path,
    messenger: &Arc<dyn Messenger>,
) -> anyhow::Result<Kyc> {
    let mut kyc = Kyc::new(
        platform.clone(),
        Vault::folder(&data.join(DOCUMENTS_FOLDER))?,
    );
    kyc.wanted = config.wanted();
    kyc.plan = config.plan();
    kyc.messenger = messenger.serves(Channel::Email).then(|| messenger.clone());
    kyc.ocr = match &config.ocr_url {
        Some(url) => Some(Arc::new(HttpReader::new(url, config.ocr_token.clone())?)),
        None => Tesseract::installed().map(|reader| Arc::new(reader) as Arc<dyn Ocr>),
    };
    if kyc.ocr.is_none() {
        tracing::info!(
            "tesseract is not installed: reviewers type what documents say, and the checks are made on that"
        );
    }
    Ok(kyc)
}

/// People's accounts over the platform.
///
/// # Errors
/// The public address is none that passkeys can be bound to.
pub async fn open_identity(
    platform: &Platform,
    settings: &Settings,
) -> Result<Arc<Identity>, String> {
    let identity =
        Identity::new(platform.clone(), settings.clone()).map_err(|refusal| refusal.to_string())?;
    // Known before the first request, so that none waits for the database to tell.
    identity.is_claimed().await;
    Ok(Arc::new(identity))
}

/// Starts the publisher and the jobs; they end with `stop`.
pub fn start(
    platform: &Platform,
    identity: Arc<Identity>,
    kyc: Option<&Kyc>,
    config: &config::Platform,
    data: &Path,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let messenger = Arc::clone(&identity.settings().messenger);
    let courier: Arc<dyn Courier> = Arc::new(ByMessenger::new(messenger));
    let mut engines = siaga_platform::handlers::engines();
    // First of all: the other stores forget the addresses by which its copies are found.
    let copies = Copies::new(data.join(super::sign_in::MESSAGES_FILE));
    engines.stores.insert(0, Arc::new(copies));
    let mut handlers = engines.handlers.clone();
    handlers
        .effects
        .push(Arc::new(Forget(platform.cache().clone())));
    handlers
        .effects
        .push(Arc::new(TellEnds(Arc::clone(&identity))));
    handlers
        .effects
        .push(Arc::new(Outreach::new(Arc::clone(&courier))));
    if let Some(kyc) = kyc {
        handlers.effects.extend(kyc::effects(kyc));
    }
    if let Some(url) = &config.nats {
        handlers.effects.push(Arc::new(Nats::at(url)));
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(Publisher::new(platform, handlers).run(stop.clone()));
    tasks.spawn(spread::hear(platform.clone(), identity, stop.clone()));
    tasks.spawn(sales(platform.background(), courier, stop.clone()));
    tasks.spawn(compliance(platform.background(), stop.clone()));
    tasks.spawn(screening(platform.background(), stop.clone()));
    if config.fetch_lists {
        tasks.spawn(lists(platform.background(), stop.clone()));
    }
    let jobs = Jobs {
        platform: platform.clone(),
        engines,
        kyc: kyc.cloned(),
        anchors: data.join(audit::ANCHORS_FILE),
        keyring: config.keyring.is_none().then(|| data.join(KEYRING_FILE)),
    };
    tasks.spawn(jobs.run(stop.clone()));
    tasks
}

/// What is done by the clock.
struct Jobs {
    platform: Platform,
    engines: Engines,
    kyc: Option<Kyc>,
    anchors: PathBuf,
    /// The keyring's file; one that came by the environment is rotated by whoever gave it.
    keyring: Option<PathBuf>,
}

impl Jobs {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut round = 0;
        loop {
            hourly(&self.platform, &self.engines, &self.anchors).await;
            self.sweep().await;
            if round % ROUNDS_OF_A_DAY == 0 {
                self.rotate().await;
                daily(&self.platform, &self.engines).await;
            }
            round += 1;
            tokio::select! {
                () = stopped(&mut stop) => break,
                () = tokio::time::sleep(ROUND) => {}
            }
        }
        // Where the chain ended when the program did.
        anchor(&self.platform, &self.anchors).await;
    }

    /// Takes away files that an end of the program left behind.
    async fn sweep(&self) {
        let Some(kyc) = &self.kyc else {
            return;
        };
        match kyc::sweep(kyc).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "files of uploads that were cut are taken away"),
            Err(error) => tracing::warn!("files of uploads that were cut stay for now: {error}"),
        }
    }

    async fn rotate(&self) {
        let Some(path) = self.keyring.clone() else {
            return;
        };
        let (keyring, now) = (self.platform.keyring().clone(), self.platform.now());
        let rotated =
            tokio::task::spawn_blocking(move || keyring.rotate_when_due(&path, now)).await;
        match rotated {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(name))) => tracing::warn!(
                name,
                "a new key was added to the keyring: renew the copy of it that is kept apart"
            ),
            Ok(Err(error)) => {
                tracing::error!(%error, "the keyring was not rotated: it cannot be written")
            }
            Err(error) => tracing::error!(%error, "the rotation of the keyring ended badly"),
        }
    }
}

/// Gives leads that wait, watches the terms of stages, sends the first word to who waits for one.
async fn sales(platform: Platform, courier: Arc<dyn Courier>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) =
            siaga_platform::crm::outreach::minute(&platform, Some(courier.as_ref())).await
        {
            tracing::warn!("sales is looked after later: {error}");
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(SALES_ROUND) => {}
        }
    }
}

/// Tells terms of KYC that are over, what else waits for a person, and lists that no longer come; settles movements whose booking nobody heard of.
async fn compliance(platform: Platform, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = kyc::overdue::call(&platform).await {
            tracing::warn!("terms of KYC are looked after later: {error}");
        }
        if let Err(error) = overdue::call(&platform).await {
            tracing::warn!("what waits for a person is looked after later: {error}");
        }
        match cash::settle(&platform).await {
            Ok(0) => {}
            Ok(settled) => tracing::info!(settled, "booked movements of money were confirmed"),
            Err(error) => tracing::warn!("booked movements are confirmed later: {error}"),
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(COMPLIANCE_ROUND) => {}
        }
    }
}

/// Looks clients up when a list has changed.
async fn screening(platform: Platform, mut stop: watch::Receiver<bool>) {
    loop {
        match screen::lists_changed(&platform).await {
            Ok(0) => {}
            Ok(clients) => tracing::info!(clients, "clients were looked up on lists that changed"),
            Err(error) => tracing::warn!("clients are looked up on changed lists later: {error}"),
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(SCREENING_ROUND) => {}
        }
    }
}

/// Fetches lists of sanctions whose time has come.
async fn lists(platform: Platform, mut stop: watch::Receiver<bool>) {
    let mut wait = LISTS_AFTER;
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        match fetch::round(&platform).await {
            Ok(0) => {}
            Ok(adopted) => tracing::info!(adopted, "lists of sanctions have new versions"),
            Err(error) => tracing::warn!("lists of sanctions are fetched later: {error}"),
        }
        wait = ROUND;
    }
}

async fn hourly(platform: &Platform, engines: &Engines, anchors: &Path) {
    if let Err(error) = audit::prepare(platform.db(), platform.now()).await {
        tracing::warn!("partitions of the audit log were not made: {error}");
    }
    anchor(platform, anchors).await;
    match arranged::round(platform).await {
        Ok(0) => {}
        Ok(told) => tracing::warn!(told, "linked clients dealt against each other"),
        Err(error) => tracing::warn!("deals of linked clients are compared later: {error}"),
    }
    match erasure::erase_due(platform, &engines.stores).await {
        Ok(0) => {}
        Ok(done) => tracing::info!(done, "persons' data were erased"),
        Err(error) => tracing::warn!("erasures are tried again: {error}"),
    }
}

async fn daily(platform: &Platform, engines: &Engines) {
    if let Err(error) = retention::run(platform, &engines.categories).await {
        tracing::warn!("retention is tried again: {error}");
    }
    loop {
        match subjects::rewrap(platform).await {
            Ok(0) => return,
            Ok(keys) => tracing::info!(keys, "keys of persons were wrapped under the active key"),
            Err(error) => {
                tracing::warn!("keys of persons are wrapped anew later: {error}");
                return;
            }
        }
    }
}

async fn anchor(platform: &Platform, path: &Path) {
    let system = siaga_platform::people::Principal::system("anchor");
    let heads = platform.read(&system, |tx| Ok(audit::heads(tx)?)).await;
    let path = path.to_owned();
    let written = match heads {
        Err(error) => Err(error.to_string()),
        Ok(heads) => {
            let appended =
                tokio::task::spawn_blocking(move || audit::append_anchor(&path, &heads)).await;
            match appended {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
    };
    if let Err(error) = written {
        tracing::warn!("the audit log's heads were not written down: {error}");
    }
}
