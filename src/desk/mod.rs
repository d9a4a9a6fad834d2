//! The running desk: files, threads and tasks, put together in one place.

pub mod alert_desk;
pub mod alert_names;
mod bars;
mod bridge;
mod broker;
pub mod catch_up;
mod deliver;
mod deliver_record;
mod doubt;
mod egress;
mod evidence;
mod evidence_keeper;
mod exposure;
mod figures;
mod follow;
mod handle;
mod history;
mod house;
mod import;
pub mod kept_names;
mod known;
mod ladder;
mod late_nights;
mod latency;
pub(crate) mod links;
pub mod listed;
mod local_alerts;
mod log_source;
mod market;
pub mod names;
mod names_keeper;
mod notes;
mod notices;
mod past;
mod past_orders;
mod past_ticks;
pub mod platform;
mod readiness;
mod recorder;
pub mod recover;
mod reserved;
mod room;
mod saver;
mod sign_in;
mod standby;
mod standby_figures;
mod start_plan;
mod statement;
mod stop;
pub mod store;
mod sweep;
pub mod terms;
pub mod terms_files;
mod ticks;
mod venue_figures;
pub mod venues;
mod vital;
mod waiters;
mod whatif;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam::channel::{Receiver, bounded};
use siaga_alerts::alert::AlertChange;
use siaga_broker::router::Router;
use siaga_feed::calendar::{Calendars, Planner};
use siaga_feed::catalog::{Catalog, SIM_PRIMARY, SIM_SECONDARY};
use siaga_feed::sim::Simulator;
use siaga_risk::event::{Body, Command, NewOrder, OutputKey};
use siaga_risk::ids::ActorId;
use siaga_risk::journal::{DirectoryLock, Disk, LogEvent, OutputConsumers, OutputLog, Snapshots};
use siaga_risk::machine::Machine;
use siaga_risk::pipeline::{self, Durable, Inbox, Options, Pipeline, Wait};
use siaga_risk::units::{SECOND_NS, Ts};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::config::{Config, WaitStrategy};
use crate::gateway::core::{Scenario, StoreStatus};
use crate::gateway::events::Events;
use crate::gateway::live::{Live, States};
use crate::store::db::Db;
use crate::store::projection::Holdings;
use catch_up::CatchUp;
use egress::{Egress, EgressFigures};
use evidence::EvidenceBook;
use follow::Follower;
pub use handle::DeskHandle;
use handle::Handle;
use kept_names::KeptNames;
use known::Known;
use latency::Latency;
use local_alerts::Owed;
use log_source::LogDoor;
use market::MarketThread;
use names::NameSource;
use notices::Notice;
use recorder::{JournalRecorder, SyncTimes};
use recover::{DataFault, Recovered, Sizes};
use room::Room;
use siaga_risk::standby::MarkDigest;
use standby::StandbyThread;
use standby_figures::StandbyFigures;
use start_plan::StartPlan;
use waiters::Waiters;

/// Notices of egress that wait for the desk: they are rare and small.
const NOTICES_MAX: usize = 1_024;
/// Points of comparison that wait for the standby.
const TELLS_MAX: usize = 1_024;
/// Scenario switches that wait for the market thread.
const SCENARIOS_MAX: usize = 16;
/// Longest the first inputs of a start wait for room in the ring: an outage of months has more than it holds.
const FIRST_INPUTS_NS: u64 = 30 * SECOND_NS;

/// Longest wait for the database at a stop: with the streams' drain before it and the snapshot behind
/// it, a stop ends within 10 s.
const STORE_STOP: Duration = Duration::from_secs(4);

/// Everything that runs, in the order in which it is stopped.
pub struct Desk {
    pub handle: DeskHandle,
    pub report: recover::Report,
    pub db: Arc<RwLock<Option<Db>>>,
    market_stop: Arc<AtomicBool>,
    market: JoinHandle<()>,
    sweep: tokio::task::JoinHandle<()>,
    pipeline: Pipeline<Machine, JournalRecorder>,
    egress: JoinHandle<OutputLog>,
    standby: JoinHandle<()>,
    standby_stop: Arc<AtomicBool>,
    follower: tokio::task::JoinHandle<()>,
    router: tokio::task::JoinHandle<std::io::Result<Router>>,
    store: tokio::task::JoinHandle<()>,
    store_stop: watch::Sender<bool>,
    venues: Vec<tokio::task::JoinHandle<()>>,
    venues_stop: watch::Sender<bool>,
    deliveries: tokio::task::JoinHandle<()>,
    snapshots: Snapshots,
    rules_epoch: u32,
    core_dir: PathBuf,
    _lock: DirectoryLock,
}

impl Desk {
    /// Recovers what was, starts every thread and task, and on a first start brings in the shipped terms.
    ///
    /// # Errors
    /// The data directory cannot be used, or a thread cannot be started.
    pub async fn start(
        config: &Config,
        clock: Arc<Clock>,
        progress: impl FnMut(u64, u64),
    ) -> anyhow::Result<Self> {
        let disk = recover::disk(&config.data.dir)?;
        Self::start_on(disk, config, clock, progress).await
    }

    /// [`start`](Self::start) with the core's files on a disk of the caller's.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub async fn start_on(
        disk: Arc<dyn Disk>,
        config: &Config,
        clock: Arc<Clock>,
        progress: impl FnMut(u64, u64),
    ) -> anyhow::Result<Self> {
        let data = config.data.dir.clone();
        let sizes = Sizes {
            segment_bytes: config.data.segment_mib.saturating_mul(1 << 20),
            log_bytes: u64::from(config.data.log_mib) << 20,
        };
        let recovered = recover::open_on(&disk, &data, sizes, progress)?;
        // Before anything reads it: the core's time cannot go back to a clock that lies behind.
        let behind_ns = clock.not_before(recovered.machine.now());
        let catalog = Arc::new(Catalog::shipped_with(&sources(config))?);
        let names = NameSource {
            catalog: catalog.clone(),
            kept: Arc::new(KeptNames::open(&data)?),
        };
        Running::new(config, clock, catalog, names, &recovered)?
            .start(config, recovered, behind_ns)
            .await
    }
}

/// Names of the sources in use.
pub fn sources(config: &Config) -> Vec<&'static str> {
    let mut names = Vec::new();
    if config.feed.binance.enabled {
        names.push("binance");
    }
    if config.feed.kraken.enabled {
        names.push("kraken");
    }
    if config.feed.simulator {
        names.extend([SIM_PRIMARY, SIM_SECONDARY]);
    }
    names
}

/// Hours of the house's instruments. The simulated market does not sleep; live venues keep their own.
pub fn calendars(config: &Config, listed: &Catalog) -> Calendars {
    if config.feed.simulator {
        Calendars::always_open(listed)
    } else {
        Calendars::new(listed)
    }
}

/// What exists before the threads do.
struct Running {
    clock: Arc<Clock>,
    /// What the program ships, and what this house trades.
    catalog: Arc<Catalog>,
    listed: Arc<Catalog>,
    names: NameSource,
    live: Arc<Live>,
    events: Arc<Events>,
    evidence: Arc<EvidenceBook>,
    known: Known,
    waiters: Arc<Waiters>,
    figures: Arc<EgressFigures>,
    latency: Arc<Latency>,
    syncs: Arc<SyncTimes>,
    durable: Arc<Durable>,
}

impl Running {
    fn new(
        config: &Config,
        clock: Arc<Clock>,
        catalog: Arc<Catalog>,
        names: NameSource,
        recovered: &Recovered,
    ) -> anyhow::Result<Self> {
        let dir = &config.data.dir;
        std::fs::create_dir_all(dir).map_err(|error| DataFault::of(dir, error))?;
        let live = Arc::new(Live::new());
        let known = Known::of(&recovered.machine);
        let listed = listed::catalog(&names.kept, &known.terms, &sources(config))?;
        for view in &known.instruments {
            let states = States {
                feed: view.feed,
                halted: view.halted,
                awaiting_resume: false,
                volatility: view.volatility,
                gap: false,
            };
            live.seed(view.terms.id, view.mark.as_ref(), states);
        }
        for link in &known.links {
            live.put_link(link.id, link.mode);
        }
        Ok(Self {
            waiters: Arc::new(Waiters::new(clock.now().0)),
            clock,
            catalog,
            listed: Arc::new(listed),
            names,
            live,
            events: Arc::new(Events::default()),
            evidence: Arc::new(EvidenceBook::default()),
            known,
            figures: Arc::new(EgressFigures::default()),
            latency: Arc::new(Latency::default()),
            syncs: Arc::new(SyncTimes::default()),
            durable: Arc::new(Durable::new(recovered.last)),
        })
    }

    async fn start(
        self,
        config: &Config,
        recovered: Recovered,
        behind_ns: u64,
    ) -> anyhow::Result<Desk> {
        let Recovered {
            machine,
            journal,
            log,
            snapshots,
            disk,
            last,
            rules_epoch,
            epochs,
            mut report,
            lock,
        } = recovered;
        let wait = match config.core.wait {
            WaitStrategy::Spin => Wait::Spin,
            WaitStrategy::Yield => Wait::Yield,
            WaitStrategy::Sleep => Wait::Sleep,
        };
        let what_if = whatif::WhatIf::new(
            journal.records(last + 1)?,
            Snapshots::new(disk.clone()),
            rules_epoch,
            journal.epoch_first(),
        );
        let catch_up = CatchUp::new(
            calendars(config, &self.listed),
            last,
            machine.now(),
            behind_ns,
            self.clock.now(),
        );
        report.remarks.extend(catch_up.remarks);
        // What cannot be told is said before anything runs.
        let sinks = deliver::Sinks::new(config)?;
        let core_dir = config.data.dir.join(recover::CORE_DIR);
        let deliveries_path = core_dir.join("deliveries.bin");
        if report.lost.is_some() {
            deliver::forget_after(&deliveries_path, &sinks, machine.now())
                .map_err(|error| DataFault::of(&deliveries_path, error))?;
        }
        let log_end = broker::key_of(log.durable());
        let alerts =
            alert_desk::AlertDesk::open(&alerts_path(config), log_end, self.evidence.clone())?;
        let consumers = log.consumers();
        let applied = alerts.applied();
        let after = siaga_risk::journal::Cursor {
            seq: applied.seq,
            index: applied.index,
        };
        let whole = report.clean && !report.new_epoch && consumers.from() <= after;
        let history = history::begin(&core_dir, applied, whole)?;
        self.events.starts_after(history.told);
        let files = journal.files();
        let past_ticks = past_ticks::TickReader::new(files.clone());
        let (news, door) = door(&consumers, &log);
        let recorder = JournalRecorder::new(journal, self.syncs.clone(), self.clock.clone());
        let options = Options {
            wait,
            ..Options::default()
        };
        let (pipeline, mut inbox, outbox) = pipeline::start(
            machine,
            recorder,
            self.durable.clone(),
            last,
            options,
            |reason| {
                tracing::error!(
                    reason,
                    "the journal records nothing more: orders are refused; end what the reason says and restart"
                );
            },
        )?;
        let plan = StartPlan::new(config, &self.catalog, &self.known, last);
        report.remarks.extend(plan.remarks.iter().cloned());
        // Before the router, the venues and the market start: a link must be known when it is reported, and the core's time
        // stands still until it knows of every night that passed.
        let owed = plan.owed.into_iter().chain(catch_up.bodies);
        self.first_inputs(&mut inbox, catch_up.ts, owed).await?;
        let (notice_sender, notices) = mpsc::channel(NOTICES_MAX);
        let (router_handle, router, bridge_faults) =
            self.router(config, &inbox, &door, &log, &epochs, &notice_sender)?;
        // What the desk still takes for live, its brokers know too.
        for mark in self.known.instruments.iter().filter_map(|view| view.mark) {
            router_handle.marks().put(mark);
        }
        let tick_figures = Arc::new(ticks::TickFigures::default());
        // The embedded database has no table of ticks: `past_ticks` reads them from the journal.
        let (tick_door, tick_queue) = match config.store.enabled && config.store.url.is_some() {
            true => {
                let keep_days = config.store.keep_tick_days;
                let (door, queue) = ticks::queue(tick_figures.clone(), keep_days, last);
                (Some(door), Some(queue))
            }
            false => (None, None),
        };
        let (asks_sender, asks) = bounded(1);
        let (tells, told) = bounded(TELLS_MAX);
        let checkpointed = Arc::new(AtomicU64::new(0));
        let standby_figures = Arc::new(StandbyFigures {
            enabled: AtomicBool::new(config.standby.enabled),
            ..StandbyFigures::default()
        });
        if let Some(lost) = &report.lost {
            let (first, last, orders) = (lost.first, lost.last, lost.sent);
            notice_sender.try_send(Notice::Lost {
                first,
                last,
                orders,
            })?;
        }
        let egress = Egress {
            outbox,
            log,
            durable: self.durable.clone(),
            live: self.live.clone(),
            waiters: self.waiters.clone(),
            asks,
            checkpointed: checkpointed.clone(),
            tells: config.standby.enabled.then_some(tells),
            digest: MarkDigest::default(),
            notices: notice_sender.clone(),
            news,
            figures: self.figures.clone(),
            latency: self.latency.clone(),
            clock: self.clock.clone(),
            marks: router_handle.marks().clone(),
            evidence: self.evidence.clone(),
            ticks: tick_door,
            phone: config.desk.phone.clone(),
            house: house::House::new(self.clock.elapsed_ns()),
            wait,
            reached: Ts(0),
            passed: last,
        };
        let egress = std::thread::Builder::new()
            .name("egress".into())
            .spawn(|| egress.run())?;
        let standby_stop = Arc::new(AtomicBool::new(false));
        let standby = StandbyThread {
            enabled: config.standby.enabled,
            files,
            consumers: consumers.clone(),
            snapshots: Snapshots::new(disk.clone()),
            rules_epoch,
            last,
            segment_bytes: u64::from(config.data.segment_mib) << 20,
            room: Room::new(&config.data, self.clock.clone()),
            clock: self.clock.clone(),
            told,
            inbox: inbox.clone(),
            asks: asks_sender,
            checkpointed,
            notices: notice_sender.clone(),
            figures: standby_figures.clone(),
            again_after_ns: doubt::AGAIN_AFTER_NS,
            stop: standby_stop.clone(),
        };
        let standby = std::thread::Builder::new()
            .name("standby".into())
            .spawn(|| standby.run())?;
        let (scenario_sender, scenarios) = bounded(SCENARIOS_MAX);
        let (store_kind, store_detail) = match (config.store.enabled, &config.store.url) {
            (false, _) => ("none", "off"),
            (true, None) => ("embedded", "opening"),
            (true, Some(_)) => ("postgresql", "opening"),
        };
        let status = Arc::new(RwLock::new(StoreStatus {
            kind: store_kind.into(),
            ok: false,
            detail: store_detail.into(),
        }));
        let from = consumers.from();
        if broker::key_of(from) > applied {
            // Its snapshot is damaged, or the log reached its limit: what lies between is told by nobody.
            let name = follow::READER.to_owned();
            let at = after;
            notice_sender.try_send(Notice::Log(LogEvent::CutOff { name, at, from }))?;
        }
        let notes_path = config.data.dir.join("notes.ndjson");
        let handle = Arc::new(Handle {
            clock: self.clock.clone(),
            inbox: Mutex::new(inbox.clone()),
            waiters: self.waiters.clone(),
            durable: self.durable.clone(),
            live: self.live.clone(),
            events: self.events.clone(),
            directory: Arc::new(RwLock::new(Arc::new(
                self.names.directory(&self.known.terms),
            ))),
            names: Arc::new(ArcSwap::from_pointee(self.names.clone())),
            importer: import::Importer::new(&config.data.dir, sources(config)),
            alerts: Arc::new(alerts),
            bars: Arc::default(),
            past_ticks,
            ladder: Arc::default(),
            exposure: Arc::default(),
            what_if: Arc::new(what_if),
            notes: notes::Notes::open(&notes_path)
                .map(Arc::new)
                .map_err(|error| DataFault::of(&notes_path, error))?,
            bridge: self.bridge_door(config, &router_handle),
            router: router_handle,
            scenarios: config.feed.simulator.then_some(scenario_sender),
            scenario: Mutex::new(
                config
                    .feed
                    .simulator
                    .then(|| scenario(&config.feed.scenario)),
            ),
            store: status.clone(),
            db: Arc::default(),
            platform: Arc::default(),
            identity: watch::Sender::new(None),
            kyc: Arc::default(),
            poisoned: RwLock::new(None),
            stopping: AtomicBool::new(false),
            figures: self.figures.clone(),
            syncs: self.syncs.clone(),
            latency: self.latency.clone(),
            deliveries: deliver::DeliveryFigures::default(),
            bridge_faults,
            standby: standby_figures,
            ticks: tick_figures,
            venues: Arc::default(),
            stream_epoch: history.epoch,
            demo: config.feed.simulator,
            phone: config.desk.phone.clone(),
            remarks: plan.remarks,
            late_nights: Arc::new(late_nights::LateNights::at(&config.data.dir)),
        });
        for account in &self.known.accounts {
            for position in &account.positions {
                handle.exposure.put(&position.position);
            }
        }
        let (changes, changed) = mpsc::channel(deliver::CHANGES_MAX);
        let (keeps, kept) = mpsc::channel(1);
        let told_of_readers = notice_sender.clone();
        let deliveries = deliver::run(
            handle.clone(),
            sinks,
            deliveries_path,
            changed,
            kept,
            notice_sender,
        );
        let deliveries = vital::run("deliveries of alerts", handle.clone(), deliveries);
        let deliveries = tokio::spawn(deliveries);
        let router = vital::run("broker router", handle.clone(), async move {
            router.await.unwrap_or_else(|panic| Err(panic.into()))
        });
        let router = tokio::spawn(router);
        let (opened, opening) = oneshot::channel();
        let told = (changes, keeps, notices, opening);
        let owed = report.lost.is_some().then(|| Owed::new(disk));
        let follower = self.follower(&handle, &door, consumers.clone(), applied, told, owed);
        let (venues_stop, stopped) = watch::channel(false);
        let venues = venues::start(config, &self.listed, &handle, &inbox, &stopped)?;
        let sweep = tokio::spawn(sweep::run(handle.clone()));
        let holdings = Arc::new(self.known.holdings(log_end));
        let readers = (consumers, holdings, told_of_readers);
        let (store_stop, store) = self.store(config, &handle, readers, &door, tick_queue)?;
        let market_stop = Arc::new(AtomicBool::new(false));
        let told = (scenarios, market_stop.clone());
        let plans = (catch_up.planner, plan.orders);
        let market = self.market(config, &handle, inbox, told, plans)?;
        // Nothing can end this start any more. The follower may have ended with a panic: the desk refuses orders then, and
        // says so.
        let _ = opened.send(());
        Ok(Desk {
            db: handle.db.clone(),
            handle: DeskHandle(handle),
            report,
            market_stop,
            market,
            sweep,
            pipeline,
            egress,
            standby,
            standby_stop,
            follower,
            router,
            store,
            store_stop,
            venues,
            venues_stop,
            deliveries,
            snapshots,
            rules_epoch,
            core_dir,
            _lock: lock,
        })
    }

    /// What enters before anything else: the shipped terms, accounts and deposits of a new journal, and the nights since
    /// an old one ended.
    async fn first_inputs(
        &self,
        inbox: &mut Inbox,
        ts: Ts,
        bodies: impl IntoIterator<Item = Body>,
    ) -> anyhow::Result<()> {
        let until_ns = self.clock.elapsed_ns() + FIRST_INPUTS_NS;
        for body in bodies {
            let command = Command {
                ts,
                actor: ActorId(0),
                token: 0,
                body,
            };
            // The stages run already and make room. Waiting for it refuses nobody anything.
            while inbox.offer(command.clone()).is_err() {
                anyhow::ensure!(
                    self.clock.elapsed_ns() < until_ns,
                    "the core does not take the first inputs of this start: its disk may be too slow; start again"
                );
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }

    fn follower(
        &self,
        handle: &Arc<Handle>,
        door: &LogDoor,
        consumers: OutputConsumers,
        applied: OutputKey,
        (deliveries, keeps, notices, opened): (
            mpsc::Sender<AlertChange>,
            mpsc::Sender<deliver::Keep>,
            mpsc::Receiver<Notice>,
            oneshot::Receiver<()>,
        ),
        owed: Option<Owed>,
    ) -> tokio::task::JoinHandle<()> {
        let from = siaga_risk::journal::Cursor {
            seq: applied.seq,
            index: applied.index,
        }
        .max(consumers.from());
        if let Err(error) = consumers.set_cursor(follow::READER, from) {
            tracing::warn!(%error, "the output log does not wait for the alert desk");
        }
        let begins = broker::key_of(from);
        handle.bars.begins(begins);
        handle.events.begins(begins);
        let follower = Follower {
            handle: handle.clone(),
            source: door.source(from),
            consumers,
            deliveries,
            keeps,
            notices,
            opened,
            local: watch::Sender::new(()),
            owed: owed.map(Arc::new),
            unsaved: 0,
        };
        tokio::spawn(vital::run("alert desk", handle.clone(), follower.run()))
    }

    fn store(
        &self,
        config: &Config,
        handle: &Arc<Handle>,
        (consumers, holdings, notices): (OutputConsumers, Arc<Holdings>, mpsc::Sender<Notice>),
        door: &LogDoor,
        ticks: Option<ticks::TickQueue>,
    ) -> anyhow::Result<(watch::Sender<bool>, tokio::task::JoinHandle<()>)> {
        let (stop_sender, stop) = watch::channel(false);
        if !config.store.enabled {
            return Ok((stop_sender, tokio::spawn(async {})));
        }
        let identity_settings = sign_in::settings(config)?;
        let task = store::StoreTask {
            data: config.data.dir.clone(),
            url: config.store.url.clone(),
            consumers,
            nudge: door.nudge(),
            stop,
            status: handle.store.clone(),
            db: handle.db.clone(),
            platform: handle.platform.clone(),
            identity: handle.identity.clone(),
            identity_settings,
            kyc: handle.kyc.clone(),
            platform_config: config.platform.clone(),
            door: Arc::new(platform::Door(DeskHandle(handle.clone()))),
            clock: self.clock.clone(),
            notices,
            names: alert_names::LiveNames(handle.directory.clone()),
            name_source: handle.names.clone(),
            notes: handle.notes.clone(),
            evidence: self.evidence.clone(),
            alerts: alerts_path(config),
            holdings,
            ticks,
            keep_second_hours: config.store.keep_second_hours,
        };
        Ok((stop_sender, tokio::spawn(task.run())))
    }

    fn market(
        &self,
        config: &Config,
        handle: &Arc<Handle>,
        inbox: Inbox,
        (scenarios, stop): (Receiver<market::SetScenario>, Arc<AtomicBool>),
        (planner, orders): (Planner, Vec<NewOrder>),
    ) -> anyhow::Result<JoinHandle<()>> {
        let start = self.clock.now();
        let simulator = config.feed.simulator.then(|| {
            let scenario = handle::simulated(scenario(&config.feed.scenario));
            Simulator::new(config.feed.seed, &self.listed, scenario, start)
                .with_pace(market::pace_permille(config.feed.rate))
        });
        let thread = MarketThread {
            clock: self.clock.clone(),
            inbox,
            simulator,
            planner,
            live: self.live.clone(),
            figures: self.figures.clone(),
            scenarios,
            orders,
            stop,
            late_nights: handle.late_nights.clone(),
        };
        let handle = handle.clone();
        Ok(std::thread::Builder::new()
            .name("market".into())
            .spawn(move || vital::run_thread("market thread", &handle, || thread.run()))?)
    }
}

/// Where the alert desk keeps its engine.
pub fn alerts_path(config: &Config) -> PathBuf {
    config.data.dir.join(recover::CORE_DIR).join("alerts.bin")
}

/// The bell that rings when the log grew, and the door for its readers.
fn door(consumers: &OutputConsumers, log: &OutputLog) -> (watch::Sender<u64>, LogDoor) {
    let (sender, receiver) = watch::channel(log.durable().seq);
    let consumers = consumers.clone();
    (sender, LogDoor::new(move || consumers.reader(), receiver))
}

fn scenario(name: &str) -> Scenario {
    // The configuration was checked: the name is one of these.
    serde_json::from_value(serde_json::Value::String(name.to_owned())).unwrap_or(Scenario::Calm)
}
