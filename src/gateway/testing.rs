//! A desk for the gateway's tests: the real live table, event stream and directory, and the real machine driven in process.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::journal::{Tick, TickRequest};
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{LadderRow, Query, Reply};
use std::sync::Arc;
use tokio::sync::watch;

use super::core::*;
use super::directory::Directory;
use super::events::{EventBody, Events};
use super::live::Live;
use crate::clock::Clock;

mod alerts;
mod engine;
pub mod terms;

use alerts::Alerts;
use engine::Engine;

pub const EURUSD: InstrumentId = InstrumentId(1);
pub const XAUUSD: InstrumentId = InstrumentId(2);
pub const EURGBP: InstrumentId = InstrumentId(3);
pub const ACCOUNT: AccountId = AccountId(7);

/// The desk under test. `at` is a clock the test moves; zero = the real one.
pub struct TestDesk {
    clock: Clock,
    at: AtomicU64,
    live: Arc<Live>,
    events: Arc<Events>,
    directory: ArcSwap<Directory>,
    status: Mutex<Status>,
    pub alerts: Arc<Alerts>,
    engine: Mutex<Engine>,
    /// Answers the next commands with this instead.
    pub failing: Mutex<Option<CoreError>>,
    /// Commands are taken, and answered once this is over.
    pub stalled: watch::Sender<bool>,
    /// The disk takes no notes.
    pub no_room: AtomicBool,
    /// Questions get no answer.
    pub silent: AtomicBool,
    /// Questions are taken, and answered once this is over.
    pub hung: watch::Sender<bool>,
    /// Questions are answered with something else.
    pub confused: AtomicBool,
    /// Every look at the names panics.
    pub broken: AtomicBool,
    pub bridge: Mutex<Option<Arc<dyn crate::gateway::bridge::Bridge>>>,
    counts: Mutex<BTreeMap<InstrumentId, u64>>,
    /// Every quote that entered.
    quotes: Mutex<Vec<Tick>>,
}

impl TestDesk {
    /// A desk with three instruments, one account, and a clock that the test moves from second 1,000.
    pub fn new() -> Arc<TestDesk> {
        TestDesk::with_events(super::events::EVENTS_HELD)
    }

    pub fn with_events(held: usize) -> Arc<TestDesk> {
        let events = Arc::new(Events::new(held));
        let desk = TestDesk {
            clock: Clock::start(),
            at: AtomicU64::new(1_000 * SECOND_NS),
            live: Arc::new(Live::new()),
            alerts: Arc::new(Alerts::new(events.clone())),
            events,
            directory: ArcSwap::from_pointee(terms::directory()),
            status: Mutex::new(Status {
                epoch: 9,
                demo: true,
                phone: "+62 21 0000".to_owned(),
                ..Status::default()
            }),
            engine: Mutex::new(Engine::new()),
            failing: Mutex::default(),
            stalled: watch::Sender::new(false),
            no_room: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            hung: watch::Sender::new(false),
            confused: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            bridge: Mutex::default(),
            counts: Mutex::default(),
            quotes: Mutex::default(),
        };
        let desk = Arc::new(desk);
        for body in terms::bodies() {
            let answered = desk.apply(ActorId(0), body);
            assert!(answered.answer.reasons.is_empty(), "{answered:?}");
        }
        desk
    }

    /// Has a database from now on, which is not open.
    pub fn wait_for_store(&self) {
        self.status.lock().expect("not poisoned").store.kind = "embedded".to_owned();
    }

    /// Uses the real clock from now on.
    pub fn real_time(&self) {
        self.at.store(0, Ordering::SeqCst);
    }

    /// Moves the clock.
    pub fn pass(&self, ns: u64) -> Ts {
        self.at.fetch_add(ns, Ordering::SeqCst);
        self.now()
    }

    /// A new price straight into the live table, as egress would write it. Returns its position.
    pub fn mark(&self, instrument: InstrumentId, bid: i64) -> u64 {
        let mut counts = self.counts.lock().expect("not poisoned");
        let count = counts.entry(instrument).or_insert(0);
        *count += 1;
        if *count == 1 {
            self.live.apply(&Output::Feed(FeedChange {
                instrument,
                from: FeedState::Unavailable,
                to: FeedState::Live,
                source: Some(SourceId(1)),
                age_ns: 0,
            }));
        }
        let mark = Mark {
            ts: self.now(),
            instrument,
            source: SourceId(1),
            bid: Price(bid),
            ask: Price(bid + 8),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            venue_lag_us: 250,
            count: *count,
            day_change: Ratio::ppm(-1_200),
        };
        self.live.apply(&Output::Mark(mark));
        *count
    }

    /// A price through the machine.
    pub fn quote(&self, instrument: InstrumentId, bid: i64, ask: i64) {
        let quote = Quote {
            ts: self.now(),
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument,
            source: SourceId(1),
            merged: 0,
            kind: QuoteKind::Firm,
        };
        self.feed(Input::Quote(quote));
    }

    /// An input through the machine, its outputs to where egress would take them.
    pub fn feed(&self, input: Input) -> (Seq, Vec<Output>) {
        let (seq, outputs) = self.engine.lock().expect("not poisoned").apply(&input);
        if let Input::Quote(quote) = input {
            let tick = Tick { seq, quote };
            self.quotes.lock().expect("not poisoned").push(tick);
        }
        for output in &outputs {
            self.live.apply(output);
            match output {
                Output::Order(change) => {
                    self.events.push(EventBody::Order(*change));
                }
                Output::Alert(echo) => self.alerts.hear(seq, *echo),
                _ => {}
            }
        }
        (seq, outputs)
    }

    fn apply(&self, actor: ActorId, body: Body) -> Answered {
        let command = Command {
            ts: self.now(),
            actor,
            token: 1,
            body,
        };
        let (seq, outputs) = self.feed(Input::Command(Box::new(command)));
        let answer = outputs.into_iter().find_map(|output| match output {
            Output::Answer(answer) => Some(answer),
            _ => None,
        });
        Answered {
            seq,
            answer: answer.expect("every command is answered"),
        }
    }

    fn answer(&self, actor: ActorId, body: Body) -> Result<Answered, CoreError> {
        let failing = self.failing.lock().expect("not poisoned").clone();
        match failing {
            Some(error) => Err(error),
            None => Ok(self.apply(actor, body)),
        }
    }

    /// An alert as the engine would raise it.
    pub fn raise(&self, record: AlertRecord) {
        self.alerts.held().insert(record.id, record.clone());
        self.events.push(EventBody::Alert(Box::new(record)));
    }

    pub fn set_directory(&self, edit: impl FnOnce(&mut Directory)) {
        let mut directory = Directory::clone(&self.directory.load());
        edit(&mut directory);
        directory.version += 1;
        self.directory.store(Arc::new(directory));
    }
}

impl Core for TestDesk {
    fn now(&self) -> Ts {
        match self.at.load(Ordering::SeqCst) {
            0 => self.clock.now(),
            at => Ts(at),
        }
    }

    fn command(&self, actor: ActorId, body: Body) -> Waiting<Answered> {
        let answered = self.answer(actor, body);
        let stalled = *self.stalled.borrow();
        Box::pin(async move {
            match stalled {
                true => answered.and(Err(CoreError::Timeout)),
                false => answered,
            }
        })
    }

    fn command_until_known(&self, actor: ActorId, body: Body) -> Waiting<Answered> {
        let answered = self.answer(actor, body);
        let mut stalled = self.stalled.subscribe();
        Box::pin(async move {
            let over = stalled.wait_for(|stalled| !stalled).await;
            over.map_err(|_| CoreError::Stopped)?;
            answered
        })
    }

    fn what_if(&self, scenario: siaga_risk::whatif::Scenario) -> Waiting<Imagined> {
        let mut copy = self.engine.lock().expect("not poisoned").copy();
        let failing = self.failing.lock().expect("not poisoned").clone();
        Box::pin(async move {
            match failing {
                Some(error) => Err(error),
                None => Ok(siaga_risk::whatif::run(&mut copy, &scenario)),
            }
        })
    }

    fn ask(&self, query: Query) -> Waiting<Reply> {
        let query = match self.confused.load(Ordering::SeqCst) {
            true => Query::Windows,
            false => query,
        };
        let reply = match self.silent.load(Ordering::SeqCst) {
            true => Err(CoreError::Timeout),
            false => Ok(self.engine.lock().expect("not poisoned").ask(query)),
        };
        let mut hung = self.hung.subscribe();
        Box::pin(async move {
            let over = hung.wait_for(|hung| !hung).await;
            over.map_err(|_| CoreError::Stopped)?;
            reply
        })
    }

    fn live(&self) -> &Arc<Live> {
        &self.live
    }

    fn events(&self) -> &Arc<Events> {
        &self.events
    }

    fn directory(&self) -> Arc<Directory> {
        let broken = self.broken.load(Ordering::SeqCst);
        assert!(!broken, "the names of XAU/USD are broken");
        self.directory.load_full()
    }

    fn status(&self) -> Status {
        self.status.lock().expect("not poisoned").clone()
    }

    fn alerts(&self, filter: &AlertFilter) -> Vec<AlertRecord> {
        let alerts = self.alerts.held();
        let passes = |a: &&AlertRecord| {
            (filter.states.is_empty() || filter.states.contains(&a.state))
                && (filter.severities.is_empty() || filter.severities.contains(&a.severity))
                && filter.before.is_none_or(|id| a.id < id)
        };
        alerts
            .values()
            .rev()
            .filter(passes)
            .take(filter.limit)
            .cloned()
            .collect()
    }

    fn alert(&self, id: AlertId) -> Option<AlertRecord> {
        self.alerts.held().get(&id).cloned()
    }

    fn check_alert(&self, command: &AlertCommand) -> Result<(), AlertFault> {
        self.alerts.check(command, self.now())
    }

    fn alert_told(&self, seq: Seq) -> Waiting<Result<(), AlertFault>> {
        let alerts = self.alerts.clone();
        Box::pin(async move { alerts.told(seq).await })
    }

    fn timeline(&self, id: AlertId) -> Waiting<Option<Vec<TimelineEntry>>> {
        let found = self.alert(id).map(|a| {
            vec![TimelineEntry {
                at: a.started,
                what: "fired".to_owned(),
                by: ActorId(0),
                note: None,
            }]
        });
        Box::pin(async move { Ok(found) })
    }

    fn evidence(&self, id: AlertId) -> Waiting<Option<Evidence>> {
        let found = self.alert(id).map(|a| Evidence {
            seq: 1,
            english: Statement {
                inputs: vec![("equity".to_owned(), "49.99".to_owned())],
                formula: "equity / used".to_owned(),
            },
            indonesian: Statement {
                inputs: vec![("ekuitas".to_owned(), "49.99".to_owned())],
                formula: "ekuitas / terpakai".to_owned(),
            },
            instrument: Some(EURUSD),
            chart: vec![(a.started, Price(108_512), Price(108_520))],
        });
        Box::pin(async move { Ok(found) })
    }

    fn bars(&self, _request: BarsRequest) -> Waiting<Vec<Bar>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn ticks(&self, request: TickRequest) -> Waiting<PastTicks> {
        let quotes = self.quotes.lock().expect("not poisoned");
        let asked = |tick: &&Tick| {
            let quote = &tick.quote;
            quote.instrument == request.instrument
                && (request.from..request.to).contains(&quote.ts)
                && tick.seq > request.after
        };
        let found = quotes.iter().filter(asked).copied().take(request.limit);
        let ticks: Vec<PastTick> = found.map(PastTick::from).collect();
        let full = ticks.len() >= request.limit;
        let next = ticks.last().filter(|_| full).map(|tick| tick.seq);
        Box::pin(async move { Ok(PastTicks { ticks, next }) })
    }

    fn ladder(&self, limit: usize) -> Vec<LadderRow> {
        let mut rows = self.engine.lock().expect("not poisoned").ladder();
        rows.sort_by_key(|row| row.to_stop_out);
        rows.truncate(limit);
        rows
    }

    fn exposure(&self) -> Vec<ExposureRow> {
        vec![ExposureRow {
            instrument: EURUSD,
            long: Qty(150),
            short: Qty(50),
            net_house: None,
            accounts: 1,
        }]
    }

    fn note(&self, _actor: ActorId, text: &str) -> Waiting<u64> {
        let kept = match self.no_room.load(Ordering::SeqCst) {
            true => Err(CoreError::Unkept {
                phone: "+62 21 0000".to_owned(),
                why: "no space left on the device".to_owned(),
            }),
            false => Ok(text.len() as u64),
        };
        Box::pin(async move { kept })
    }

    fn scenario(&self, scenario: Scenario, _instrument: Option<InstrumentId>) -> Waiting<()> {
        self.status.lock().expect("not poisoned").scenario = Some(scenario);
        Box::pin(async { Ok(()) })
    }

    fn bridge(&self) -> Option<Arc<dyn crate::gateway::bridge::Bridge>> {
        self.bridge.lock().expect("not poisoned").clone()
    }

    fn readiness(&self) -> Vec<Part> {
        vec![
            Part {
                name: "journal",
                ok: true,
                required: true,
                detail: "recording".to_owned(),
            },
            Part {
                name: "store",
                ok: false,
                required: false,
                detail: "starting".to_owned(),
            },
        ]
    }
}

/// A critical alert.
pub fn alert(id: u64) -> AlertRecord {
    AlertRecord {
        id: AlertId(id),
        revision: 1,
        rule: "margin_restricted".to_owned(),
        severity: Severity::Critical,
        state: AlertState::Firing,
        title: "Margin below 50 %".to_owned(),
        summary: "Account 7 is at 49.99 %".to_owned(),
        texts: AlertTexts {
            english: AlertText {
                title: "Margin below 50 %".to_owned(),
                ..AlertText::default()
            },
            indonesian: AlertText {
                title: "Margin di bawah 50 %".to_owned(),
                ..AlertText::default()
            },
        },
        labels: vec![("account".to_owned(), "7".to_owned())],
        value: "49.99".to_owned(),
        raise: "50.00".to_owned(),
        clear: "55.00".to_owned(),
        started: Ts(1_000 * SECOND_NS),
        since: Ts(1_000 * SECOND_NS),
        last: Ts(1_000 * SECOND_NS),
        ended: None,
        owner: None,
        acked_by: None,
        escalated: 0,
        flapping: false,
        silenced: false,
        unrecorded: false,
        money_at_risk: Some((Money(12_345), CurrencyId(1))),
    }
}

/// An order of the account after a change, numbered `id`.
pub fn order(id: u64) -> OrderChange {
    OrderChange {
        id: OrderId(id),
        state: OrderState::Filled,
        origin: Origin::Client,
        link: LinkId(1),
        filled: Qty(100),
        value: 100 * 108_512,
        reason: 0,
        unbooked: 0,
        seen: Price(108_512),
        placed: Ts(1_000 * SECOND_NS),
        order: NewOrder {
            account: ACCOUNT,
            instrument: EURUSD,
            side: Side::Buy,
            kind: OrderKind::Market,
            tif: Tif::Ioc,
            qty: Qty(100),
            price: None,
            stop: None,
            expires: None,
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: Protection {
                stop_loss: None,
                take_profit: None,
                trailing: Price(0),
            },
            client_id: [1; 16],
            trader: 0,
            desk: 0,
            strategy: 0,
        },
    }
}

/// Terms used by [`terms`].
pub fn instrument_terms(
    id: InstrumentId,
    base: u16,
    quote: u16,
    digits: u8,
    contract: i64,
) -> InstrumentTerms {
    let off = Ratio(0);
    InstrumentTerms {
        id,
        class: AssetClass::Forex,
        mode: CalcMode::Forex,
        trade_mode: TradeMode::Full,
        base: CurrencyId(base),
        quote: CurrencyId(quote),
        margin_currency: CurrencyId(base),
        price_digits: digits,
        qty_digits: 2,
        contract_size: contract,
        contract_digits: 0,
        tick: Price(1),
        tick_value: 0,
        qty_min: Qty(1),
        qty_max: Qty(10_000),
        qty_step: Qty(1),
        notional_max: Money(0),
        collar: off,
        price_band: off,
        negative_prices: false,
        leverage_max: Leverage::NONE,
        margin_initial: Ratio::ONE,
        margin_maintenance: Ratio::ONE,
        margin_hedged: Ratio::ONE,
        margin_fixed: Money(0),
        margin: MarginTerms::NONE,
        crypto: CryptoTerms::NONE,
        feeds: vec![Feed {
            source: SourceId(1),
            timeout_ns: 30 * SECOND_NS,
        }],
        damp_ns: 0,
        quote_age_max_ns: 60 * SECOND_NS,
        cache_age_max_ns: 300 * SECOND_NS,
        filter: FilterTerms {
            spread_min: Price(0),
            spread_max: Price(0),
            soft: off,
            hard: off,
            discard: off,
            points: LevelPoints::OFF,
            confirmations: 3,
            same_quote: false,
        },
        halt: HaltTerms {
            window_ns: MINUTE_NS,
            alert: Ratio::percent(50),
            halt: Ratio::percent(90),
            confirmations: 3,
            breakers: BreakerTerms::OFF,
            cooldown_ns: 300 * SECOND_NS,
            quiet_ns: 300 * SECOND_NS,
            manual_resume: false,
            factor: Ratio::percent(200),
            grace_ns: 15 * MINUTE_NS,
            vol_floor: Ratio::percent(50),
            vol_multiple: Ratio::percent(300),
            ewma_lambda: Ratio::percent(94),
            ewma_unit_ns: SECOND_NS,
        },
        watch: Vec::new(),
        swap: SwapTerms::NONE,
        dead_step: Ratio::basis_points(2),
        dead_cap: Ratio::percent(1),
        trade_delayed: false,
        family: 0,
    }
}
