//! The read model beside the desk: opened in the background, filled from the output log.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use siaga_platform::core_door::CoreDoor;
use siaga_platform::identity::{Identity, Settings};
use siaga_platform::kyc::Kyc;
use siaga_platform::unit::Platform;
use siaga_risk::journal::OutputConsumers;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::alert_desk;
use super::alert_names::LiveNames;
use super::evidence::EvidenceBook;
use super::evidence_keeper;
use super::names::NameSource;
use super::names_keeper::{self, DeskNames};
use super::notes::Notes;
use super::notices::Notice;
use super::platform;
use super::ticks::TickQueue;
use crate::clock::Clock;
use crate::config;
use crate::gateway::core::StoreStatus;
use crate::store::Store;
use crate::store::db::Db;
use crate::store::projection::Holdings;
use crate::store::run::{self, Progress, Supplies};

/// Pause before a database that did not answer at the start is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// What the store's task works with.
pub struct StoreTask {
    pub data: PathBuf,
    pub url: Option<String>,
    pub consumers: OutputConsumers,
    /// Rises with the output log.
    pub nudge: watch::Receiver<u64>,
    pub stop: watch::Receiver<bool>,
    pub status: Arc<RwLock<StoreStatus>>,
    pub db: Arc<RwLock<Option<Db>>>,
    /// Lent while the store is open.
    pub platform: Arc<RwLock<Option<Platform>>>,
    /// Lent from the opening of the store on: it holds out while the database is away.
    pub identity: watch::Sender<Option<Arc<Identity>>>,
    pub identity_settings: Settings,
    /// Lent while the store is open.
    pub kyc: Arc<RwLock<Option<Kyc>>>,
    pub platform_config: config::Platform,
    /// The platform's way to the core.
    pub door: Arc<dyn CoreDoor>,
    pub clock: Arc<Clock>,
    /// Hears of readers that stand still.
    pub notices: mpsc::Sender<Notice>,
    /// Names for the texts of alerts and for the store.
    pub names: LiveNames,
    /// Where names of terms that come into force are found.
    pub name_source: Arc<ArcSwap<NameSource>>,
    /// What people wrote.
    pub notes: Arc<Notes>,
    pub evidence: Arc<EvidenceBook>,
    /// Where the alert desk keeps its engine.
    pub alerts: PathBuf,
    /// What is open in the core at the start.
    pub holdings: Arc<Holdings>,
    /// Accepted prices, when there is a server for them.
    pub ticks: Option<TickQueue>,
    /// How old bars of one second may become, hours.
    pub keep_second_hours: u32,
}

impl StoreTask {
    /// Opens the database and keeps the read model up to date until told to stop. A database that
    /// cannot be opened is said on every surface; the desk goes on without it. A server that does
    /// not answer is asked again.
    pub async fn run(mut self) {
        // What the database has not read stays in the log from the first moment on.
        if let Err(error) = run::reserve(&self.consumers) {
            tracing::warn!(%error, "the output log does not wait for the database");
        }
        self.say(false, "opening".into());
        loop {
            let error = match self.serve().await {
                Ok(()) => return,
                Err(error) => error,
            };
            tracing::error!(%error, "the database cannot be used; prices, orders and alerts go on without it");
            self.say(false, error);
            if self.url.is_none() {
                return;
            }
            tokio::select! {
                () = stopped(&mut self.stop) => return,
                () = tokio::time::sleep(TRY_AGAIN) => {}
            }
        }
    }

    /// Serves from the opening to the stop.
    async fn serve(&self) -> Result<(), String> {
        let clock = self.clock.clone();
        let now = move || timestamp(&clock);
        let store = Store::open(self.url.as_deref(), &self.data, now())
            .await
            .map_err(|error| error.to_string())?;
        for notice in &store.notices {
            tracing::warn!("{notice}");
        }
        let supplies = Supplies {
            log: self.consumers.clone(),
            grown: self.nudge.clone(),
            stop: self.stop.clone(),
            names: self.names.clone(),
            engine: alert_desk::kept(&self.alerts),
            holdings: self.holdings.clone(),
            now: Arc::new(now),
            keep_second_hours: self.keep_second_hours,
        };
        let running = match run::start(&store, supplies).await {
            Ok(running) => running,
            Err(error) => {
                store.db.close().await;
                return Err(error.to_string());
            }
        };
        tracing::info!(about = store.about, "the database is ready");
        self.lend(Some(store.db.clone()));
        let about = store.about.trim_start_matches("embedded: ");
        let ready = format!("ready; {about}");
        self.say(true, ready.clone());
        let charts = tokio::spawn(evidence_keeper::run(
            store.db.clone(),
            self.evidence.clone(),
            self.clock.clone(),
            self.stop.clone(),
        ));
        let desk_names = DeskNames {
            live: self.names.clone(),
            source: self.name_source.clone(),
            data: self.data.clone(),
        };
        let names = tokio::spawn(names_keeper::run(
            store.db.clone(),
            desk_names,
            self.notes.clone(),
            self.stop.clone(),
        ));
        let platform = self.platform(&store.db).await;
        let ticks = self.ticks.clone().filter(|_| store.db.is_server());
        let ticks = ticks.map(|queue| {
            let clock = self.clock.clone();
            let today = move || timestamp(&clock).to_zoned(TimeZone::UTC).date();
            tokio::spawn(queue.run(store.db.clone(), today, self.stop.clone()))
        });
        self.watch(running.progress(), &ready).await;
        self.lend_platform(None);
        self.lend_kyc(None);
        if let Some(mut tasks) = platform {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a task of the platform ended badly");
                }
            }
        }
        // Before the last dump is written.
        if let Err(error) = names.await {
            tracing::error!(%error, "the keeper of names and notes ended");
        }
        running.finish().await;
        if let Some(ticks) = ticks
            && let Err(error) = ticks.await
        {
            tracing::error!(%error, "the keeper of ticks ended");
        }
        if let Err(error) = charts.await {
            tracing::error!(%error, "the keeper of alerts' evidence ended");
        }
        self.lend(None);
        store.db.close().await;
        Ok(())
    }

    /// Says which reader of the log stands still, and `ready` when none does any more, until the desk stops or all of them
    /// have ended.
    async fn watch(&self, mut progress: watch::Receiver<Progress>, ready: &str) {
        let mut stop = self.stop.clone();
        let mut stood: BTreeSet<&'static str> = BTreeSet::new();
        loop {
            let (stand, why) = standing(&progress.borrow_and_update());
            match why {
                Some(why) => self.say(false, why),
                None if !stood.is_empty() => self.say(true, ready.to_owned()),
                None => {}
            }
            for name in stand.symmetric_difference(&stood).copied() {
                let stands_still = stand.contains(name);
                let notice = Notice::Reader { name, stands_still };
                // Nobody hears it any more when the desk stops.
                let _ = self.notices.send(notice).await;
            }
            stood = stand;
            tokio::select! {
                () = stopped(&mut stop) => return,
                changed = progress.changed() => if changed.is_err() {
                    // Every reader has ended; the database still answers questions.
                    return stopped(&mut stop).await;
                }
            }
        }
    }

    /// The platform's tasks, unless it cannot be opened: the desk goes on without it.
    async fn platform(&self, db: &Db) -> Option<JoinSet<()>> {
        let (config, clock) = (&self.platform_config, self.clock.clone());
        match platform::open(db, config, &self.data, clock, self.door.clone()).await {
            Ok(opened) => {
                let identity = match platform::open_identity(&opened, &self.identity_settings).await
                {
                    Ok(identity) => identity,
                    Err(error) => {
                        tracing::error!(%error, "accounts of people are not there, nor is the platform; prices, orders and alerts go on without them");
                        return None;
                    }
                };
                // Whoever signs in finds it there.
                self.lend_platform(Some(opened.clone()));
                self.identity.send_replace(Some(Arc::clone(&identity)));
                let kyc = match platform::open_kyc(
                    &opened,
                    config,
                    &self.data,
                    &self.identity_settings.messenger,
                ) {
                    Ok(kyc) => Some(kyc),
                    Err(error) => {
                        tracing::error!(%error, "the store of documents is not there; everything else goes on without it");
                        None
                    }
                };
                let tasks = platform::start(
                    &opened,
                    identity,
                    kyc.as_ref(),
                    config,
                    &self.data,
                    &self.stop,
                );
                self.lend_kyc(kyc);
                Some(tasks)
            }
            Err(error) => {
                tracing::error!(%error, "the platform is not there; prices, orders and alerts go on without it");
                None
            }
        }
    }

    fn lend_kyc(&self, kyc: Option<Kyc>) {
        *self.kyc.write().unwrap_or_else(PoisonError::into_inner) = kyc;
    }

    fn lend_platform(&self, platform: Option<Platform>) {
        *self
            .platform
            .write()
            .unwrap_or_else(PoisonError::into_inner) = platform;
    }

    fn lend(&self, db: Option<Db>) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = db;
    }

    fn say(&self, ok: bool, detail: String) {
        let kind = match self.url {
            Some(_) => "postgresql",
            None => "embedded",
        };
        let mut status = self.status.write().unwrap_or_else(PoisonError::into_inner);
        *status = StoreStatus {
            kind: kind.to_owned(),
            ok,
            detail,
        };
    }
}

/// The readers that stand still, and what the first of them says.
fn standing(progress: &Progress) -> (BTreeSet<&'static str>, Option<String>) {
    let (mut stand, mut first) = (BTreeSet::new(), None);
    for (name, at) in progress {
        if let Err(why) = at {
            stand.insert(*name);
            first.get_or_insert_with(|| format!("{name}: {why}"));
        }
    }
    (stand, first)
}

/// Resolves when the desk stops. A desk that is gone has stopped too.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stop| *stop).await.is_err();
}

fn timestamp(clock: &Clock) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(clock.now().0)).unwrap_or(Timestamp::UNIX_EPOCH)
}
