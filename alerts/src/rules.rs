//! The built-in rules: which outputs of the core raise and clear which alerts.

mod book;

use siaga_risk::codec::encode;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::hash;
use siaga_risk::terms::{HeldPolicy, LossBasis};
use siaga_risk::unit_enum;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

use crate::alert::{Facts, Family, Figure, Labels, Severity, Signal, Topic};
pub use book::Book;

unit_enum! {
    /// A built-in rule.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Rule: u8 {
        MarginWarning = 1, MarginRestricted = 2, StopOut = 3, NegativeBalance = 4, LossAccount = 5, LossPosition = 6,
        Volatility = 7, Breach = 8, Halt = 9, FeedDelayed = 10, FeedUnavailable = 11, FeedDown = 12, FeedSwitched = 13,
        FeedDamped = 14, ConversionMissing = 15, LinkReadOnly = 16, LinkRecovering = 17, OrderInDoubt = 18,
        ProtectiveUnanswered = 19, Mode = 20, Kill = 21, ClockJump = 22, Journal = 23, SinkFailing = 24, ReaderCutOff = 25,
        RepeatedExecution = 26,
        MarginLevel = 27, LossDrawdown = 28, Overfill = 29, Unbooked = 30, RequirementRaised = 31,
        ForgottenOrder = 32,
        StandbyDiverged = 40, SinkDisabled = 41, InputsLost = 42, PartEnded = 43, HoldingsDiffer = 44,
        ReaderStopped = 45,
    }
}

/// How a rule behaves. Times are nanoseconds, 0 = none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSpec {
    pub name: &'static str,
    pub severity: Severity,
    /// The condition must hold this long before it fires.
    pub hold_ns: u64,
    /// It must be better this long before it eases or ends.
    pub ease_ns: u64,
    /// An event without an end is over after this long.
    pub expires_ns: u64,
}

const fn rule(name: &'static str, severity: Severity, hold_ns: u64, ease_ns: u64) -> RuleSpec {
    RuleSpec {
        name,
        severity,
        hold_ns,
        ease_ns,
        expires_ns: 0,
    }
}

const fn event(name: &'static str, severity: Severity, expires_ns: u64) -> RuleSpec {
    RuleSpec {
        expires_ns,
        ..rule(name, severity, 0, 0)
    }
}

impl Rule {
    /// Severity and times of the rule.
    pub const fn spec(self) -> RuleSpec {
        use Severity::{Critical, Emergency, Info, Warning};
        match self {
            // A level that hovers at its threshold is one alert: it must be better for ten seconds.
            Rule::MarginWarning => rule("margin_warning", Warning, 0, 10 * SECOND_NS),
            Rule::MarginRestricted => rule("margin_restricted", Critical, 0, 10 * SECOND_NS),
            Rule::StopOut => rule("stop_out", Emergency, 0, 10 * SECOND_NS),
            Rule::NegativeBalance => rule("negative_balance", Critical, 0, 0),
            Rule::LossAccount => rule("loss_account", Warning, 0, 10 * SECOND_NS),
            Rule::LossDrawdown => rule("loss_drawdown", Warning, 0, 10 * SECOND_NS),
            Rule::MarginLevel => rule("margin_level", Warning, 0, 10 * SECOND_NS),
            Rule::LossPosition => rule("loss_position", Warning, 0, 10 * SECOND_NS),
            Rule::Volatility => rule("volatility", Warning, 0, MINUTE_NS),
            Rule::Breach => event("breach", Warning, 5 * MINUTE_NS),
            Rule::Halt => rule("halt", Emergency, 0, 0),
            // Planned by a person: nobody is to be woken for it.
            Rule::RequirementRaised => rule("requirement_raised", Info, 0, 0),
            Rule::FeedDelayed => rule("feed_delayed", Warning, 0, 5 * SECOND_NS),
            Rule::FeedUnavailable => rule("feed_unavailable", Critical, 0, 5 * SECOND_NS),
            // A planned renewal is back within a second, and nobody is to be woken for one.
            Rule::FeedDown => rule("feed_down", Critical, 3 * SECOND_NS, 5 * SECOND_NS),
            // The first quote after a start may be the second source's: only a longer absence of the first is worth a word.
            Rule::FeedSwitched => rule("feed_switched", Info, 3 * SECOND_NS, 0),
            Rule::FeedDamped => event("feed_damped", Warning, 10 * MINUTE_NS),
            // The account's level is unknown. The machine itself waits its ten seconds before it says so.
            Rule::ConversionMissing => rule("conversion_missing", Critical, 0, 0),
            Rule::LinkReadOnly => rule("link_read_only", Critical, 0, 5 * SECOND_NS),
            // Every start reconciles: only a long one is worth a word.
            Rule::LinkRecovering => rule("link_recovering", Warning, 5 * SECOND_NS, 0),
            Rule::OrderInDoubt => rule("order_in_doubt", Critical, 0, 0),
            Rule::Overfill => rule("order_overfilled", Critical, 0, 0),
            Rule::Unbooked => rule("execution_not_booked", Critical, 0, 0),
            // Nothing says that it is settled: it stands until somebody resolves it.
            Rule::ForgottenOrder => rule("execution_of_forgotten_order", Critical, 0, 0),
            Rule::ProtectiveUnanswered => rule("protective_unanswered", Critical, 0, 0),
            Rule::Mode => rule("mode", Warning, 0, 0),
            Rule::Kill => rule("kill_switch", Critical, 0, 0),
            Rule::ClockJump => event("clock_jump", Warning, 10 * MINUTE_NS),
            Rule::Journal => rule("journal", Emergency, 0, 0),
            Rule::SinkFailing => rule("sink_failing", Warning, 0, 0),
            Rule::SinkDisabled => rule("sink_disabled", Critical, 0, 0),
            Rule::RepeatedExecution => rule("repeated_execution", Critical, 0, 0),
            Rule::ReaderCutOff => rule("reader_cut_off", Critical, 0, 0),
            Rule::StandbyDiverged => rule("standby_diverged", Critical, 0, 0),
            Rule::InputsLost => rule("inputs_lost", Emergency, 0, 0),
            Rule::PartEnded => rule("part_ended", Emergency, 0, 0),
            Rule::HoldingsDiffer => rule("holdings_differ", Critical, 0, 0),
            Rule::ReaderStopped => rule("reader_stopped", Critical, 0, 0),
        }
    }

    /// Whether its alert, raised outside the machine, stands until somebody resolves it: it tells of what happened once,
    /// and no later run finds that again.
    pub const fn outlives_run(self) -> bool {
        matches!(self, Rule::InputsLost)
    }

    /// The stable name of the rule, `snake_case`.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }
}

/// What a rule says of a topic now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    On(Box<Signal>),
    Off(Topic),
}

/// Collects what one output means. Built per output, so that signals carry its key and time.
pub struct Reading<'a> {
    book: &'a Book,
    key: OutputKey,
    ts: Ts,
    verdicts: Vec<Verdict>,
}

/// What an output says about alerts, in order. `book` knows the terms in force before it.
pub fn read(book: &Book, key: OutputKey, ts: Ts, output: &Output) -> Vec<Verdict> {
    let mut reading = Reading {
        book,
        key,
        ts,
        verdicts: Vec::new(),
    };
    match output {
        Output::Margin(change) => reading.margin(change),
        Output::StopOut(stop_out) => reading.stop_out(stop_out),
        Output::Deal(deal) => reading.balance(deal.account, deal.balance),
        Output::Cash(booked) => reading.balance(booked.cash.account, booked.balance),
        Output::Loss(change) => reading.loss(change),
        Output::Rung(change) => reading.rung(change),
        Output::Position(change) => reading.position(change),
        Output::Volatility(change) => reading.volatility(change),
        Output::Breach(breach) => reading.breach(breach),
        Output::Halt(change) => reading.halt(change),
        Output::Window(change) => reading.window(change),
        Output::Feed(change) => reading.feed(change),
        Output::Gap(gap) => reading.gap(gap),
        Output::Switch(switch) => reading.switch(switch),
        Output::Conversion(change) => reading.conversion(change),
        Output::Link(change) => reading.link(change),
        Output::Order(change) => reading.order(change),
        Output::Answer(answer) => reading.answer(answer),
        Output::Protective(fired) => reading.protective(fired),
        Output::Mode(change) => reading.mode(change),
        Output::Kill(change) => reading.kill(change),
        Output::Throttle(change) => reading.throttle(change),
        Output::ClockJump(jump) => reading.clock_jump(jump),
        _ => {}
    }
    reading.verdicts
}

impl Reading<'_> {
    fn margin(&mut self, change: &MarginChange) {
        let topic = Topic::of(Family::Margin, change.account.0.into());
        let rule = match change.to {
            MarginState::Healthy => return self.off(topic),
            MarginState::Warning => Rule::MarginWarning,
            MarginState::Restricted => Rule::MarginRestricted,
            MarginState::StopOut => Rule::StopOut,
        };
        let facts = Facts::Margin {
            state: change.to,
            equity: change.equity,
            used: change.used,
            level: change.level,
            soft: change.soft,
        };
        let levels = self.book.levels(change.account);
        let raise = levels.map(|levels| match change.to {
            MarginState::Warning | MarginState::Healthy => Figure::Ratio(levels.warning),
            MarginState::Restricted => Figure::Ratio(levels.restricted),
            MarginState::StopOut => Figure::Ratio(levels.stop_out),
        });
        let mut labels = self.account(change.account);
        labels.instrument = change.instrument;
        self.on(Signal {
            value: change.level.map(Figure::Ratio),
            raise,
            clear: levels.map(|levels| Figure::Ratio(levels.warning)),
            money_at_risk: Some(Money(change.equity.0.max(0))),
            ..self.signal(topic, rule, labels, facts)
        });
    }

    fn stop_out(&mut self, stop_out: &StopOut) {
        let topic = Topic::of(Family::Margin, stop_out.account.0.into());
        let facts = Facts::StopOut {
            mode: stop_out.mode,
            equity: stop_out.equity,
            used: stop_out.used,
            closes: count(stop_out.closes.len()),
            cancels: count(stop_out.cancels.len()),
        };
        let labels = self.account(stop_out.account);
        let level = self.book.levels(stop_out.account);
        self.on(Signal {
            value: share(stop_out.equity, stop_out.used).map(Figure::Ratio),
            raise: level.map(|levels| Figure::Ratio(levels.stop_out)),
            clear: level.map(|levels| Figure::Ratio(levels.warning)),
            money_at_risk: Some(Money(stop_out.equity.0.max(0))),
            ..self.signal(topic, Rule::StopOut, labels, facts)
        });
    }

    /// Each further level is an alert of its own, so that acknowledging one does not hide the next.
    fn rung(&mut self, change: &RungChange) {
        let topic = Topic {
            family: Family::Rung,
            first: change.account.0.into(),
            second: change.rung.into(),
        };
        if !change.on {
            return self.off(topic);
        }
        let facts = Facts::Rung {
            level: change.level,
            equity: change.equity,
            used: change.used,
        };
        let mut labels = self.account(change.account);
        labels.instrument = change.instrument;
        self.on(Signal {
            value: change.now.map(Figure::Ratio),
            raise: Some(Figure::Ratio(change.level)),
            clear: Some(Figure::Ratio(change.level)),
            money_at_risk: Some(Money(change.equity.0.max(0))),
            ..self.signal(topic, Rule::MarginLevel, labels, facts)
        });
    }

    fn balance(&mut self, account: AccountId, balance: Money) {
        let topic = Topic::of(Family::NegativeBalance, account.0.into());
        if balance.0 >= 0 {
            return self.off(topic);
        }
        let labels = self.account(account);
        self.on(Signal {
            value: Some(Figure::Money(balance)),
            raise: Some(Figure::Money(Money(0))),
            money_at_risk: Some(Money(balance.0.saturating_neg())),
            ..self.signal(
                topic,
                Rule::NegativeBalance,
                labels,
                Facts::Balance { balance },
            )
        });
    }

    fn loss(&mut self, change: &LossChange) {
        let (topic, rule) = match change.kind {
            LossKind::Account => (
                Topic::of(Family::LossAccount, change.account.0.into()),
                match change.basis {
                    LossBasis::Peak => Rule::LossDrawdown,
                    LossBasis::DayStart | LossBasis::Margin => Rule::LossAccount,
                },
            ),
            LossKind::Position => (
                position_topic(change.account, change.position.unwrap_or_default()),
                Rule::LossPosition,
            ),
        };
        if !change.on {
            return self.off(topic);
        }
        let facts = Facts::Loss {
            loss: change.loss,
            limit: change.limit,
            basis: change.basis,
        };
        let labels = Labels {
            position: change.position,
            instrument: change.instrument,
            ..self.account(change.account)
        };
        self.on(Signal {
            value: Some(Figure::Money(change.loss)),
            raise: Some(Figure::Money(change.limit)),
            clear: Some(Figure::Money(change.limit)),
            money_at_risk: Some(change.loss),
            ..self.signal(topic, rule, labels, facts)
        });
    }

    /// A closed position has no loss of its own and no protective price any more.
    fn position(&mut self, change: &PositionChange) {
        if change.qty.0 == 0 {
            self.off(position_topic(change.account, change.id));
            self.off(Topic::of(Family::Protective, change.id.0));
        }
    }

    fn volatility(&mut self, change: &VolatilityChange) {
        let topic = Topic::of(Family::Volatility, change.instrument.0.into());
        if change.state == VolatilityState::Normal {
            return self.off(topic);
        }
        let facts = Facts::Volatility {
            realised: change.realised_5m,
            threshold: change.threshold,
            ewma: change.ewma,
        };
        let labels = instrument(change.instrument);
        self.on(Signal {
            value: Some(Figure::Ratio(change.realised_5m)),
            raise: Some(Figure::Ratio(change.threshold)),
            clear: Some(Figure::Ratio(change.threshold)),
            ..self.signal(topic, Rule::Volatility, labels, facts)
        });
    }

    fn breach(&mut self, breach: &Breach) {
        let topic = Topic::of(Family::Breach, breach.instrument.0.into());
        let facts = Facts::Breach {
            cause: breach.cause,
            direction: breach.direction,
            moved: breach.moved,
            threshold: breach.threshold,
        };
        let labels = instrument(breach.instrument);
        self.on(Signal {
            value: Some(Figure::Ratio(breach.moved)),
            raise: Some(Figure::Ratio(breach.threshold)),
            ..self.signal(topic, Rule::Breach, labels, facts)
        });
    }

    fn halt(&mut self, change: &HaltChange) {
        let topic = Topic::of(Family::Halt, change.instrument.0.into());
        if !change.on {
            return self.off(topic);
        }
        let facts = Facts::Halt {
            cause: change.cause,
            moved: change.moved,
            holders: change.holders,
            manual: change.manual,
            awaiting_resume: change.awaiting_resume,
            factor: self.book.halt_factor(change.instrument),
        };
        let labels = instrument(change.instrument);
        // What a person halts has not moved.
        let moved = change.cause != HaltCause::Person;
        self.on(Signal {
            value: moved.then_some(Figure::Ratio(change.moved)),
            ..self.signal(topic, Rule::Halt, labels, facts)
        });
    }

    /// Each window is an alert of its own while it is open.
    fn window(&mut self, change: &WindowChange) {
        let window = &change.window;
        let topic = Topic {
            family: Family::Requirement,
            first: window.instrument.0.into(),
            second: window.id.into(),
        };
        if change.phase == WindowPhase::Ended {
            return self.off(topic);
        }
        let facts = Facts::Window {
            factor: window.factor,
            until: window.until,
            held: window.held,
            reached: change.phase == WindowPhase::Reached || window.held == HeldPolicy::AtOnce,
            holders: change.holders,
        };
        let labels = instrument(window.instrument);
        self.on(Signal {
            value: Some(Figure::Ratio(window.factor)),
            ..self.signal(topic, Rule::RequirementRaised, labels, facts)
        });
    }

    fn feed(&mut self, change: &FeedChange) {
        let topic = Topic::of(Family::Feed, change.instrument.0.into());
        let rule = match change.to {
            FeedState::Live | FeedState::Closed => return self.off(topic),
            // A session has just opened and its first price is still to come.
            FeedState::Delayed if change.from == FeedState::Closed => return self.off(topic),
            FeedState::Delayed => Rule::FeedDelayed,
            FeedState::Unavailable => Rule::FeedUnavailable,
        };
        let facts = Facts::Feed {
            state: change.to,
            age_ns: change.age_ns,
        };
        let labels = Labels {
            source: change.source,
            ..instrument(change.instrument)
        };
        self.on(Signal {
            value: Some(Figure::DurationNs(change.age_ns)),
            ..self.signal(topic, rule, labels, facts)
        });
    }

    /// Only the loss of a whole source is an alert; a hole in one instrument shows as its staleness.
    fn gap(&mut self, gap: &Gap) {
        if gap.instrument.is_some() {
            return;
        }
        let topic = Topic::of(Family::FeedDown, gap.source.0.into());
        match gap.cause {
            GapCause::Reconnect => self.off(topic),
            GapCause::Disconnect | GapCause::Mute => {
                let facts = Facts::Gap {
                    cause: gap.cause,
                    missing: gap.missing,
                };
                let labels = Labels {
                    source: Some(gap.source),
                    ..Labels::default()
                };
                self.on(self.signal(topic, Rule::FeedDown, labels, facts));
            }
            GapCause::Sequence | GapCause::BadFrame => {}
        }
    }

    fn switch(&mut self, switch: &SourceSwitch) {
        let topic = Topic::of(Family::Switch, switch.instrument.0.into());
        let rule = match switch.cause {
            SwitchCause::First => return,
            SwitchCause::Failback => return self.off(topic),
            SwitchCause::Timeout | SwitchCause::SourceDown => Rule::FeedSwitched,
            SwitchCause::Damped => Rule::FeedDamped,
        };
        let facts = Facts::Switch {
            cause: switch.cause,
            from: switch.from,
            to: switch.to,
        };
        let labels = Labels {
            source: switch.from,
            ..instrument(switch.instrument)
        };
        self.on(self.signal(topic, rule, labels, facts));
    }

    fn conversion(&mut self, change: &ConversionChange) {
        let topic = Topic {
            family: Family::Conversion,
            first: change.account.0.into(),
            second: (u64::from(change.from.0) << 16) | u64::from(change.to.0),
        };
        if !change.missing {
            return self.off(topic);
        }
        let facts = Facts::Conversion {
            from: change.from,
            to: change.to,
        };
        let labels = self.account(change.account);
        self.on(self.signal(topic, Rule::ConversionMissing, labels, facts));
    }

    fn link(&mut self, change: &LinkChange) {
        let topic = Topic::of(Family::Link, change.link.0.into());
        let rule = match change.to {
            LinkMode::Live => return self.off(topic),
            LinkMode::ReadOnly => Rule::LinkReadOnly,
            LinkMode::Recovering => Rule::LinkRecovering,
        };
        let facts = Facts::Link {
            mode: change.to,
            manual: change.manual,
            queued: change.queued,
            in_doubt: change.in_doubt,
        };
        let labels = Labels {
            link: Some(change.link),
            ..Labels::default()
        };
        let mut signal = self.signal(topic, rule, labels, facts);
        if change.manual {
            // Somebody did it on purpose.
            signal.severity = Severity::Warning;
        }
        self.on(signal);
    }

    fn order(&mut self, change: &OrderChange) {
        let holds = [
            (
                Family::InDoubt,
                Rule::OrderInDoubt,
                change.state == OrderState::InDoubt,
            ),
            // The broker's word is booked; somebody has to ask whether it is true.
            (
                Family::Overfill,
                Rule::Overfill,
                change.filled > change.order.qty,
            ),
            // The broker holds what the books do not, whether the order is open or has ended.
            (
                Family::Unbooked,
                Rule::Unbooked,
                change.reason == Reject::Unbooked.code(),
            ),
        ];
        for (family, rule, holds) in holds {
            let topic = Topic::of(family, change.id.0);
            if !holds {
                self.off(topic);
                continue;
            }
            let facts = Facts::Order {
                side: change.order.side,
                qty: change.order.qty,
                filled: change.filled,
            };
            let labels = Labels {
                order: Some(change.id),
                instrument: Some(change.order.instrument),
                link: Some(change.link),
                desk: (change.order.desk != 0).then_some(change.order.desk),
                ..self.account(change.order.account)
            };
            self.on(self.signal(topic, rule, labels, facts));
        }
    }

    /// Of answers to people nobody is called; this one is to a broker, who has executed what the core cannot book.
    fn answer(&mut self, answer: &Answer) {
        let Some(order) = answer.order else {
            return;
        };
        if answer.reasons != [Reject::Unbooked] {
            return;
        }
        let topic = Topic::of(Family::ForgottenOrder, order.0);
        let labels = Labels {
            order: Some(order),
            ..Labels::default()
        };
        let facts = Facts::ForgottenOrder;
        self.on(self.signal(topic, Rule::ForgottenOrder, labels, facts));
    }

    fn protective(&mut self, fired: &ProtectiveFired) {
        if !fired.unanswered {
            return;
        }
        let topic = Topic::of(Family::Protective, fired.position.0);
        let facts = Facts::Protective {
            kind: fired.kind,
            price: fired.price,
            crossed_by: fired.crossed_by,
        };
        let labels = Labels {
            instrument: Some(fired.instrument),
            position: Some(fired.position),
            ..self.account(fired.account)
        };
        self.on(Signal {
            value: Some(Figure::Price(fired.crossed_by)),
            raise: Some(Figure::Price(fired.price)),
            ..self.signal(topic, Rule::ProtectiveUnanswered, labels, facts)
        });
    }

    fn mode(&mut self, change: &ModeChange) {
        let topic = scope_topic(Family::Mode, change.set.scope);
        let severity = match change.set.mode {
            TradingMode::Normal => return self.off(topic),
            TradingMode::Reducing | TradingMode::CloseOnly => Severity::Warning,
            TradingMode::Halt => Severity::Critical,
        };
        let facts = Facts::Mode {
            scope: change.set.scope,
            mode: change.set.mode,
            actor: change.actor,
        };
        let labels = self.scope(change.set.scope);
        self.on(Signal {
            severity,
            ..self.signal(topic, Rule::Mode, labels, facts)
        });
    }

    fn kill(&mut self, change: &KillChange) {
        let mut topic = scope_topic(Family::Kill, change.set.scope);
        if change.set.also != Also::ANY {
            // Two switches of one scope that are narrowed differently are two alerts.
            topic.second ^= hash(&encode(&change.set.also));
        }
        if !change.set.on {
            return self.off(topic);
        }
        let facts = Facts::Kill {
            scope: change.set.scope,
            actor: change.actor,
            cancelled: change.cancelled,
        };
        let labels = self.scope(change.set.scope);
        self.on(self.signal(topic, Rule::Kill, labels, facts));
    }

    /// Latched by repeated executions until a named person enables it.
    fn throttle(&mut self, change: &ThrottleChange) {
        let topic = scope_topic(Family::Throttle, change.scope);
        if !change.on {
            return self.off(topic);
        }
        let facts = Facts::Throttle {
            scope: change.scope,
            side: change.side,
            executions: change.executions,
        };
        let labels = Labels {
            instrument: Some(change.instrument),
            ..self.scope(change.scope)
        };
        self.on(Signal {
            value: Some(Figure::Count(change.executions.into())),
            ..self.signal(topic, Rule::RepeatedExecution, labels, facts)
        });
    }

    fn clock_jump(&mut self, jump: &ClockJump) {
        let topic = Topic::of(Family::ClockJump, 0);
        let facts = Facts::ClockJump { by_ns: jump.by_ns };
        let by = Figure::DurationNs(jump.by_ns.unsigned_abs());
        self.on(Signal {
            value: Some(by),
            raise: Some(Figure::DurationNs(SECOND_NS)),
            ..self.signal(topic, Rule::ClockJump, Labels::default(), facts)
        });
    }

    fn signal(&self, topic: Topic, rule: Rule, labels: Labels, facts: Facts) -> Signal {
        Signal {
            topic,
            rule,
            severity: rule.spec().severity,
            labels,
            facts,
            value: None,
            raise: None,
            clear: None,
            money_at_risk: None,
            key: self.key,
            ts: self.ts,
        }
    }

    fn account(&self, account: AccountId) -> Labels {
        Labels {
            account: Some(account),
            group: self.book.group(account),
            ..Labels::default()
        }
    }

    fn scope(&self, scope: Scope) -> Labels {
        match scope {
            Scope::House | Scope::Trader(_) | Scope::Strategy(_) | Scope::Currency(_) => {
                Labels::default()
            }
            Scope::Group(group) => Labels {
                group: Some(group),
                ..Labels::default()
            },
            Scope::Account(account) => self.account(account),
            Scope::Instrument(id) => instrument(id),
            Scope::Desk(desk) => Labels {
                desk: Some(desk),
                ..Labels::default()
            },
        }
    }

    fn on(&mut self, signal: Signal) {
        self.verdicts.push(Verdict::On(Box::new(signal)));
    }

    fn off(&mut self, topic: Topic) {
        self.verdicts.push(Verdict::Off(topic));
    }
}

fn instrument(instrument: InstrumentId) -> Labels {
    Labels {
        instrument: Some(instrument),
        ..Labels::default()
    }
}

fn position_topic(account: AccountId, position: PositionId) -> Topic {
    Topic {
        family: Family::LossPosition,
        first: account.0.into(),
        second: position.0,
    }
}

fn scope_topic(family: Family, scope: Scope) -> Topic {
    let id = match scope {
        Scope::House => 0,
        Scope::Group(group) => group.0.into(),
        Scope::Account(account) => account.0.into(),
        Scope::Instrument(instrument) => instrument.0.into(),
        Scope::Currency(currency) => currency.0.into(),
        Scope::Desk(id) | Scope::Trader(id) | Scope::Strategy(id) => id.into(),
    };
    Topic {
        family,
        first: scope.tag().into(),
        second: id,
    }
}

/// Equity as a share of used margin, cut off as the core does; absent without used margin.
fn share(equity: Money, used: Money) -> Option<Ratio> {
    if used.0 <= 0 {
        return None;
    }
    let level = i128::from(equity.0) * i128::from(Ratio::ONE.0);
    let level = level.div_euclid(i128::from(used.0));
    Some(Ratio(level.clamp(i64::MIN.into(), i64::MAX.into()) as i64))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
