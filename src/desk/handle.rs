//! The running desk as the gateway sees it.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam::channel::Sender;
use siaga_broker::bridge::FaultCounts;
use siaga_broker::router::task::RouterHandle;
use siaga_feed::sim;
use siaga_platform::identity::Identity;
use siaga_platform::kyc::Kyc;
use siaga_platform::unit::Platform;
use siaga_risk::event::{AlertCommand, Bar, Body, Command, OrderChange, Seq};
use siaga_risk::ids::{AccountId, ActorId, AlertId, InstrumentId};
use siaga_risk::journal::TickRequest;
use siaga_risk::pipeline::{Durable, Inbox};
use siaga_risk::units::Ts;
use siaga_risk::view::{Ask, LadderRow, Query, Reply};
use siaga_risk::whatif;
use tokio::sync::{oneshot, watch};

use super::alert_desk::AlertDesk;
use super::bars::BarHistory;
use super::bridge::DeskBridge;
use super::deliver::DeliveryFigures;
use super::egress::EgressFigures;
use super::exposure::ExposureTable;
use super::import::{self, Importer};
use super::ladder::LadderTable;
use super::late_nights::LateNights;
use super::latency::Latency;
use super::market::SetScenario;
use super::names::NameSource;
use super::notes::Notes;
use super::past;
use super::past_orders;
use super::past_ticks::{self, TickReader};
use super::recorder::SyncTimes;
use super::standby_figures::StandbyFigures;
use super::ticks::TickFigures;
use super::venue_figures::VenueFigures;
use super::waiters::{Waiter, Waiters};
use super::whatif::WhatIf;
use crate::clock::Clock;
use crate::gateway::bridge::Bridge;
use crate::gateway::core::{
    AlertFault, AlertFilter, AlertRecord, Answered, BarsRequest, Core, CoreError, Evidence,
    ExposureRow, Imagined, Imported, Part, PastTicks, Scenario, Status, StoreStatus, TimelineEntry,
    Waiting,
};
use crate::gateway::directory::Directory;
use crate::gateway::dto::import::TermsImport;
use crate::gateway::events::Events;
use crate::gateway::live::Live;
use crate::store::db::Db;

/// Longest a caller waits for an answer: far above a sync on a slow disk.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Where the answer to a command comes.
type Awaited = oneshot::Receiver<Result<Answered, CoreError>>;

/// Everything behind the gateway; shared by all its handlers.
pub struct Handle {
    pub clock: Arc<Clock>,
    pub inbox: Mutex<Inbox>,
    pub waiters: Arc<Waiters>,
    pub durable: Arc<Durable>,
    pub live: Arc<Live>,
    pub events: Arc<Events>,
    pub directory: Arc<RwLock<Arc<Directory>>>,
    /// Where names of terms that come into force are found.
    pub names: Arc<ArcSwap<NameSource>>,
    pub importer: Importer,
    pub alerts: Arc<AlertDesk>,
    pub bars: Arc<BarHistory>,
    /// The journal's prices of the past.
    pub past_ticks: TickReader,
    pub ladder: Arc<LadderTable>,
    pub exposure: Arc<ExposureTable>,
    pub notes: Arc<Notes>,
    pub what_if: Arc<WhatIf>,
    pub router: RouterHandle,
    /// Opens lines for a broker's own program, when one is configured.
    pub bridge: Option<Arc<DeskBridge>>,
    pub scenarios: Option<Sender<SetScenario>>,
    pub scenario: Mutex<Option<Scenario>>,
    pub store: Arc<RwLock<StoreStatus>>,
    /// The read model, once it is open.
    pub db: Arc<RwLock<Option<Db>>>,
    /// The business platform, once the store is open.
    pub platform: Arc<RwLock<Option<Platform>>>,
    /// People's accounts, once the store is open.
    pub identity: watch::Sender<Option<Arc<Identity>>>,
    /// Its documents of identity, once their store is open.
    pub kyc: Arc<RwLock<Option<Kyc>>>,
    pub poisoned: RwLock<Option<String>>,
    pub stopping: AtomicBool,
    pub figures: Arc<EgressFigures>,
    pub syncs: Arc<SyncTimes>,
    pub latency: Arc<Latency>,
    pub deliveries: DeliveryFigures,
    pub bridge_faults: Arc<FaultCounts>,
    pub standby: Arc<StandbyFigures>,
    pub ticks: Arc<TickFigures>,
    pub venues: Arc<VenueFigures>,
    pub stream_epoch: u64,
    pub demo: bool,
    pub phone: String,
    /// What somebody has to know of the terms in force.
    pub remarks: Vec<String>,
    /// Nights that a leap of the clock has left to people.
    pub late_nights: Arc<LateNights>,
}

impl Handle {
    /// Puts a command in for somebody who waits; resolves when its input is durable.
    pub(super) async fn send(&self, actor: ActorId, body: Body) -> Result<Answered, CoreError> {
        let (token, answered) = self.put_in(actor, body)?;
        self.await_answer(token, answered).await
    }

    /// The same for whoever waits as long as it takes: each that waits is answered, at the latest by the stop.
    async fn send_until_known(&self, actor: ActorId, body: Body) -> Result<Answered, CoreError> {
        let (_, answered) = self.put_in(actor, body)?;
        answered.await.unwrap_or(Err(CoreError::Stopped))
    }

    /// Puts a command in; its token, and where its answer comes.
    fn put_in(&self, actor: ActorId, body: Body) -> Result<(u64, Awaited), CoreError> {
        self.check_open()?;
        let (answer, answered) = oneshot::channel();
        let token = self
            .waiters
            .enter(Waiter::Command(answer))
            .ok_or(CoreError::Busy)?;
        let full = {
            let mut inbox = self.lock_inbox();
            // Stamped under the lock, so commands enter in the order of their times.
            let ts = self.clock.now();
            inbox
                .command(Command {
                    ts,
                    actor,
                    token,
                    body,
                })
                .is_err()
        };
        if full {
            self.waiters.leave(token);
            return Err(CoreError::Busy);
        }
        Ok((token, answered))
    }

    async fn question(&self, query: Query) -> Result<Reply, CoreError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(CoreError::Stopped);
        }
        let (answer, answered) = oneshot::channel();
        let token = self
            .waiters
            .enter(Waiter::Question(answer))
            .ok_or(CoreError::Busy)?;
        if self.lock_inbox().ask(Ask { token, query }).is_err() {
            self.waiters.leave(token);
            return Err(CoreError::Busy);
        }
        self.await_answer(token, answered).await
    }

    async fn await_answer<T>(
        &self,
        token: u64,
        answered: oneshot::Receiver<Result<T, CoreError>>,
    ) -> Result<T, CoreError> {
        match tokio::time::timeout(ANSWER_WAIT, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(CoreError::Stopped),
            Err(_) => {
                self.waiters.leave(token);
                Err(CoreError::Timeout)
            }
        }
    }

    fn check_open(&self) -> Result<(), CoreError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(CoreError::Stopped);
        }
        if self.durable.is_poisoned() || self.durable.is_refused() {
            return Err(CoreError::Closed {
                phone: self.phone.clone(),
            });
        }
        Ok(())
    }

    fn lock_inbox(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read<T: Clone>(lock: &RwLock<T>) -> T {
        lock.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The handle that handlers clone.
#[derive(Clone)]
pub struct DeskHandle(pub Arc<Handle>);

impl Core for DeskHandle {
    fn now(&self) -> Ts {
        self.0.clock.now()
    }

    fn command(&self, actor: ActorId, body: Body) -> Waiting<Answered> {
        let handle = self.0.clone();
        Box::pin(async move { handle.send(actor, body).await })
    }

    fn command_until_known(&self, actor: ActorId, body: Body) -> Waiting<Answered> {
        let handle = self.0.clone();
        Box::pin(async move { handle.send_until_known(actor, body).await })
    }

    fn ask(&self, query: Query) -> Waiting<Reply> {
        let handle = self.0.clone();
        Box::pin(async move { handle.question(query).await })
    }

    fn live(&self) -> &Arc<Live> {
        &self.0.live
    }

    fn events(&self) -> &Arc<Events> {
        &self.0.events
    }

    fn directory(&self) -> Arc<Directory> {
        Handle::read(&self.0.directory)
    }

    fn status(&self) -> Status {
        let handle = &self.0;
        Status {
            epoch: handle.stream_epoch,
            seq: handle.figures.seq.load(Ordering::Relaxed),
            poisoned: Handle::read(&handle.poisoned),
            store: Handle::read(&handle.store),
            demo: handle.demo,
            scenario: *handle
                .scenario
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
            phone: handle.phone.clone(),
        }
    }

    fn platform(&self) -> Option<Platform> {
        Handle::read(&self.0.platform)
    }

    fn identity(&self) -> watch::Receiver<Option<Arc<Identity>>> {
        self.0.identity.subscribe()
    }

    fn kyc(&self) -> Option<Kyc> {
        Handle::read(&self.0.kyc)
    }

    fn alerts(&self, filter: &AlertFilter) -> Vec<AlertRecord> {
        self.0.alerts.find(filter, &self.directory())
    }

    fn alert(&self, id: AlertId) -> Option<AlertRecord> {
        self.0.alerts.record(id, &self.directory())
    }

    fn check_alert(&self, command: &AlertCommand) -> Result<(), AlertFault> {
        self.0.alerts.check(command, self.now())
    }

    fn alert_told(&self, seq: Seq) -> Waiting<Result<(), AlertFault>> {
        let alerts = self.0.alerts.clone();
        Box::pin(async move { alerts.told(seq).await.ok_or(CoreError::Timeout) })
    }

    fn past_alert(&self, id: AlertId) -> Waiting<Option<AlertRecord>> {
        let handle = self.0.clone();
        Box::pin(async move { past::alert(&handle, id).await })
    }

    fn past_alerts(&self, filter: AlertFilter) -> Waiting<Vec<AlertRecord>> {
        let handle = self.0.clone();
        Box::pin(async move { past::alerts(&handle, filter).await })
    }

    fn timeline(&self, id: AlertId) -> Waiting<Option<Vec<TimelineEntry>>> {
        let handle = self.0.clone();
        Box::pin(async move { past::timeline(&handle, id).await })
    }

    fn evidence(&self, id: AlertId) -> Waiting<Option<Evidence>> {
        let handle = self.0.clone();
        Box::pin(async move { past::evidence(&handle, id).await })
    }

    fn bars(&self, request: BarsRequest) -> Waiting<Vec<Bar>> {
        let handle = self.0.clone();
        Box::pin(async move { Ok(past::bars(&handle, &request).await) })
    }

    fn ticks(&self, request: TickRequest) -> Waiting<PastTicks> {
        let handle = self.0.clone();
        Box::pin(async move { past_ticks::ticks(&handle, request).await })
    }

    fn orders(
        &self,
        account: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Waiting<Vec<OrderChange>> {
        let handle = self.0.clone();
        Box::pin(async move { past_orders::orders(&handle, account, before, limit).await })
    }

    fn ladder(&self, limit: usize) -> Vec<LadderRow> {
        self.0.ladder.nearest(limit)
    }

    fn exposure(&self) -> Vec<ExposureRow> {
        self.0.exposure.rows(&self.0.live, &self.directory())
    }

    fn what_if(&self, scenario: whatif::Scenario) -> Waiting<Imagined> {
        let what_if = self.0.what_if.clone();
        Box::pin(async move { what_if.run(scenario).await })
    }

    fn import_terms(&self, import: TermsImport) -> Waiting<Imported> {
        let handle = self.0.clone();
        Box::pin(async move {
            // It goes on when nobody waits any more: an import in force by halves is worse than a late one.
            let ran = tokio::spawn(import::run(handle, import)).await;
            ran.map_err(|_| CoreError::Stopped)?
        })
    }

    fn note(&self, actor: ActorId, text: &str) -> Waiting<u64> {
        let kept = self.0.notes.keep(self.now(), actor, text);
        let phone = self.0.phone.clone();
        Box::pin(async move {
            kept.map_err(|error| match error.kind() {
                // What is wrong with the note, not with the disk.
                ErrorKind::InvalidInput => {
                    CoreError::NotAvailable(format!("the note could not be kept: {error}"))
                }
                _ => CoreError::Unkept {
                    phone,
                    why: error.to_string(),
                },
            })
        })
    }

    fn scenario(&self, scenario: Scenario, instrument: Option<InstrumentId>) -> Waiting<()> {
        let handle = self.0.clone();
        Box::pin(async move {
            let Some(scenarios) = &handle.scenarios else {
                let reason = "the market is not simulated".to_owned();
                return Err(CoreError::NotAvailable(reason));
            };
            let set = SetScenario {
                scenario: simulated(scenario),
                instrument,
            };
            scenarios.try_send(set).map_err(|_| CoreError::Busy)?;
            *handle
                .scenario
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(scenario);
            Ok(())
        })
    }

    fn bridge(&self) -> Option<Arc<dyn Bridge>> {
        let bridge = self.0.bridge.clone()?;
        Some(bridge)
    }

    fn metrics(&self, out: &mut String) {
        super::figures::write(&self.0, out);
    }

    fn readiness(&self) -> Vec<Part> {
        super::figures::parts(&self.0)
    }
}

/// The simulator's name of a scenario.
pub fn simulated(scenario: Scenario) -> sim::Scenario {
    match scenario {
        Scenario::Calm => sim::Scenario::Calm,
        Scenario::Trend => sim::Scenario::Trend,
        Scenario::NewsSpike => sim::Scenario::NewsSpike,
        Scenario::FlashCrash => sim::Scenario::FlashCrash,
        Scenario::Gap => sim::Scenario::Gap,
        Scenario::MuteFeed => sim::Scenario::MuteFeed,
        Scenario::BadTicks => sim::Scenario::BadTicks,
        Scenario::Weekend => sim::Scenario::Weekend,
    }
}
