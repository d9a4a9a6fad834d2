use super::*;
use crate::alert::{Family, Severity, Topic};
use crate::engine::{Engine, LocalDepth};
use crate::routing::{GroupBy, Matcher, QuietHours, Route};
use crate::rules::Rule;
use proptest::prelude::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;

const LOG: SinkId = SinkId(1);
const HOOK: SinkId = SinkId(2);
const PUSH: SinkId = SinkId(3);

#[test]
fn an_alert_is_attempted_within_five_seconds_of_its_event() {
    let mut root = Route::to(vec![LOG]);
    root.group_by = GroupBy::Rule;
    root.group_wait_ns = crate::routing::GROUP_WAIT_NS_MAX;
    root.group_interval_ns = 5 * MINUTE_NS;
    let mut desk = Desk::new(routing(root));
    for account in 0..50 {
        let now = second(100 + u64::from(account) * 3);
        desk.margin(account, MarginState::Warning, now);
        desk.run_until(now.plus(3 * SECOND_NS));
    }
    desk.run_until(second(1_000));
    let fired: Vec<&(Ts, Delivery)> = desk
        .attempts
        .iter()
        .filter(|(_, d)| d.what == ChangeKind::Fired)
        .collect();
    assert_eq!(fired.len(), 50);
    for (at, delivery) in fired {
        assert!(at.since(delivery.at) <= 5 * SECOND_NS, "{delivery:?}");
    }
}

#[test]
fn firing_is_delivered_before_resolved_within_one_window() {
    let mut root = Route::to(vec![LOG]);
    root.group_wait_ns = 4 * SECOND_NS;
    let mut desk = Desk::new(routing(root));
    desk.jump(second(10));
    desk.mode(TradingMode::CloseOnly, second(11));
    desk.mode(TradingMode::Normal, second(12));
    desk.fail_next(2);
    desk.run_until(second(5_000));
    let mode: Vec<(ChangeKind, u32)> = desk
        .delivered()
        .filter(|delivery| delivery.alert.rule == Rule::Mode)
        .map(|delivery| (delivery.what, delivery.id.revision))
        .collect();
    assert_eq!(mode, [(ChangeKind::Fired, 1), (ChangeKind::Resolved, 2)]);
}

#[test]
fn below_the_restriction_all_urgent_sinks_are_told_at_once() {
    let mut root = Route::to(vec![LOG]);
    root.group_wait_ns = 4 * SECOND_NS;
    root.quiet = Some(QuietHours {
        from_minute: 0,
        to_minute: 1_439,
        offset_minutes: 0,
    });
    let routing = Routing {
        root,
        urgent: vec![HOOK, PUSH],
    };
    let mut desk = Desk::new(routing);
    desk.margin(7, MarginState::Restricted, second(100));
    desk.run_until(second(100));
    let sinks: Vec<u16> = desk.delivered().map(|delivery| delivery.id.sink).collect();
    assert_eq!(sinks, [LOG.0, HOOK.0, PUSH.0]);
}

#[test]
fn quiet_hours_hold_what_is_mild_and_never_a_margin_call() {
    let mut root = Route::to(vec![LOG]);
    // 22:00 to 06:00 in Jakarta.
    root.quiet = Some(QuietHours {
        from_minute: 22 * 60,
        to_minute: 6 * 60,
        offset_minutes: 7 * 60,
    });
    let mut desk = Desk::new(routing(root));
    let night = second(16 * 3_600);
    desk.jump(night);
    desk.margin(7, MarginState::Warning, night);
    desk.mode(TradingMode::Halt, night);
    desk.run_until(night.plus(HOUR_NS));
    let fired = |delivery: &&Delivery| delivery.what == ChangeKind::Fired;
    let rules: Vec<Rule> = desk
        .delivered()
        .filter(fired)
        .map(|delivery| delivery.alert.rule)
        .collect();
    assert_eq!(rules, [Rule::MarginWarning, Rule::Mode]);
    let mut root = Route::to(vec![LOG]);
    root.quiet = Some(QuietHours {
        from_minute: 0,
        to_minute: 60,
        offset_minutes: 0,
    });
    let mut desk = Desk::new(routing(root));
    desk.jump(second(60));
    desk.run_until(second(4_000));
    assert_eq!(
        desk.attempts[0].0,
        second(3_600),
        "told when the night is over"
    );
}

#[test]
fn the_tree_leads_to_the_deepest_match() {
    let mut root = Route::to(vec![LOG]);
    let mut critical = Route::to(vec![HOOK]);
    critical.matcher.severity_min = Some(Severity::Critical);
    critical.and_on = true;
    let mut account = Route::to(vec![PUSH]);
    account.matcher = Matcher {
        account: Some(AccountId(7)),
        ..Matcher::default()
    };
    root.children = vec![critical, account];
    let routing = routing(root);
    let known = [LOG, HOOK, PUSH];
    assert_eq!(routing.check(&known), Ok(()));
    let sinks = |rule, severity, account| -> Vec<u16> {
        let mut alert = sample(rule, severity);
        alert.labels.account = account;
        routing
            .paths(&alert, Ts(0))
            .iter()
            .map(|path| path.sink.0)
            .collect()
    };
    assert_eq!(sinks(Rule::ClockJump, Severity::Warning, None), [1]);
    assert_eq!(
        sinks(
            Rule::NegativeBalance,
            Severity::Critical,
            Some(AccountId(7))
        ),
        [2, 3]
    );
    assert_eq!(
        sinks(Rule::LossAccount, Severity::Warning, Some(AccountId(7))),
        [3]
    );
    let faults = routing.check(&[LOG]).expect_err("two sinks are not there");
    assert_eq!(faults.len(), 2);
    assert!(faults[0].to_string().contains("root.0"));
}

#[test]
fn failures_are_tried_again_and_end_as_dead_letters() {
    let mut desk = Desk::new(routing(Route::to(vec![HOOK])));
    desk.mode(TradingMode::CloseOnly, second(10));
    desk.fail_next(u32::MAX);
    desk.run_until(second(10).plus(4 * DAY_NS));
    assert_eq!(desk.attempts.len(), ATTEMPTS_MAX as usize);
    let waits: Vec<u64> = desk
        .attempts
        .windows(2)
        .map(|pair| pair[1].0.since(pair[0].0))
        .collect();
    assert!(waits[0] >= 5 * SECOND_NS && waits[0] <= 6 * SECOND_NS);
    assert!(waits.last().is_some_and(|wait| *wait >= DAY_NS));
    let dead: Vec<DeliveryId> = desk
        .outbox
        .dead_letters()
        .map(|delivery| delivery.id)
        .collect();
    assert_eq!(dead.len(), 1);
    assert_eq!(desk.ended, [(dead[0], End::Dead)]);
    desk.fail_next(0);
    assert!(desk.outbox.retry(dead[0], desk.now));
    assert!(!desk.outbox.retry(dead[0], desk.now));
    desk.run_until(desk.now);
    assert_eq!(desk.delivered().count(), 1);
}

#[test]
fn a_failing_sink_is_told_and_a_gone_one_is_disabled() {
    let mut desk = Desk::new(routing(Route::to(vec![HOOK])));
    desk.mode(TradingMode::CloseOnly, second(10));
    desk.fail_next(4);
    desk.run_until(second(10).plus(DAY_NS));
    assert_eq!(
        desk.sinks,
        [
            SinkEvent::Failing {
                sink: HOOK,
                failed: 3
            },
            SinkEvent::Failing {
                sink: HOOK,
                failed: 4
            },
            SinkEvent::Working { sink: HOOK }
        ]
    );
    desk.sinks.clear();
    desk.gone = true;
    let later = second(10).plus(2 * DAY_NS);
    desk.jump(later);
    desk.run_until(later);
    assert_eq!(desk.sinks, [SinkEvent::Disabled { sink: HOOK }]);
    let attempts = desk.attempts.len();
    desk.mode(TradingMode::Halt, later.plus(1));
    desk.run_until(later.plus(DAY_NS));
    assert_eq!(
        desk.attempts.len(),
        attempts,
        "nothing is sent to a receiver that is gone"
    );
    desk.gone = false;
    desk.outbox.enable(HOOK);
    desk.jump(later.plus(2 * DAY_NS));
    desk.run_until(later.plus(2 * DAY_NS));
    assert_eq!(desk.attempts.len(), attempts + 1);
}

#[test]
fn what_is_suppressed_is_not_told_and_its_end_only_to_those_who_knew() {
    let mut desk = Desk::new(routing(Route::to(vec![LOG])));
    desk.loss(7, true, second(10));
    desk.margin(7, MarginState::Warning, second(11));
    desk.loss(7, false, second(12));
    desk.loss(8, true, second(13));
    desk.run_until(second(60));
    let told: Vec<(Rule, ChangeKind)> = desk.delivered().map(|d| (d.alert.rule, d.what)).collect();
    assert_eq!(
        told,
        [
            (Rule::LossPosition, ChangeKind::Fired),
            (Rule::MarginWarning, ChangeKind::Fired),
            (Rule::LossPosition, ChangeKind::Fired),
            (Rule::LossPosition, ChangeKind::Resolved),
        ]
    );
    let mut desk = Desk::new(routing(Route::to(vec![LOG])));
    desk.margin(7, MarginState::Warning, second(10));
    desk.loss(7, true, second(11));
    desk.loss(7, false, second(12));
    desk.run_until(second(60));
    assert_eq!(
        desk.delivered().count(),
        1,
        "nobody was told of the loss, so nobody hears of its end"
    );
}

#[test]
fn an_alert_with_the_id_of_a_lost_one_is_told() {
    let mut desk = Desk::new(routing(Route::to(vec![LOG])));
    desk.jump(second(10));
    desk.run_until(second(20));
    desk.mode(TradingMode::CloseOnly, second(30));
    desk.run_until(second(40));
    let told = desk.attempts.len();
    let lost = desk.attempts.last().map(|(_, delivery)| delivery.id);
    // The journal ends behind the first input, and another alert comes of the second.
    desk.log.truncate(1);
    desk.seq = 1;
    desk.engine = Engine::default();
    for (key, ts, output) in &desk.log {
        desk.engine.apply(*key, *ts, output);
    }
    let kept = desk.outbox.snapshot();
    desk.outbox = Outbox::restore(desk.routing.clone(), &kept).expect("a snapshot of ours");
    desk.outbox.forget_after(second(10));
    desk.mode(TradingMode::CloseOnly, second(50));
    desk.run_until(second(60));
    assert_eq!(desk.attempts.len(), told + 1);
    let again = desk.attempts.last().map(|(_, delivery)| delivery.id);
    assert_eq!(again, lost);
}

/// A desk with an alert that no journal holds, of which nobody has heard yet.
fn full_disk() -> (Desk, AlertChange) {
    let mut desk = Desk::new(routing(Route::to(vec![LOG, HOOK])));
    let topic = Topic::of(Family::Journal, 0);
    let facts = crate::alert::Facts::Journal;
    let raised = desk
        .engine
        .raise_local(Rule::Journal, topic, facts, second(10))[0]
        .clone();
    desk.outbox.on_change(&raised);
    (desk, raised)
}

/// What receivers hear of a desk that comes back from `outbox` and ends what an earlier run raised.
fn heard_after(desk: &mut Desk, outbox: Outbox) -> Vec<(ChangeKind, u16)> {
    let local = desk.engine.local_snapshot(LocalDepth::Whole);
    desk.engine = Engine::default();
    desk.engine
        .restore_local(&local, OutputKey::default())
        .expect("a state of ours");
    desk.outbox = outbox;
    desk.attempts.clear();
    let engine = &desk.engine;
    desk.outbox
        .forget_local(|alert| engine.alert(alert).is_some());
    for change in desk.engine.end_local(second(30)) {
        desk.outbox.on_change(change);
    }
    desk.run_until(second(30));
    let heard = |(_, delivery): &(Ts, Delivery)| (delivery.what, delivery.id.sink);
    desk.attempts.iter().map(heard).collect()
}

#[test]
fn who_heard_of_a_local_alert_hears_of_its_end_after_a_kill() {
    let (mut desk, _) = full_disk();
    desk.run_until(second(20));
    assert_eq!(desk.ended.len(), 2);
    // Nothing but the record was written.
    let mut outbox = Outbox::new(desk.routing.clone());
    for (id, end) in &desk.ended {
        outbox.recall(&Ended {
            id: *id,
            end: *end,
            at: second(20),
            attempts: 1,
        });
    }
    let heard = heard_after(&mut desk, outbox);
    use ChangeKind::Resolved;
    assert_eq!(heard, [(Resolved, LOG.0), (Resolved, HOOK.0)]);
}

#[test]
fn a_full_disk_keeps_what_waits_of_local_alerts_alone() {
    let (mut desk, raised) = full_disk();
    desk.margin(7, MarginState::Warning, second(11));
    let kept = desk.outbox.local_snapshot();
    let mut outbox = Outbox::new(desk.routing.clone());
    outbox.recall_local(&kept).expect("a state of ours");
    let waiting: Vec<(AlertId, u16)> = outbox
        .waiting()
        .map(|delivery| (delivery.id.alert, delivery.id.sink))
        .collect();
    let alert = raised.alert.id;
    assert_eq!(waiting, [(alert, LOG.0), (alert, HOOK.0)]);
    outbox.recall_local(&kept).expect("a state of ours");
    assert_eq!(outbox.waiting().count(), 2, "none waits twice");
    assert!(outbox.recall_local(&kept[1..]).is_err());
    let mut another = kept.clone();
    another[0] ^= 0xff;
    let error = outbox.recall_local(&another).expect_err("another version");
    assert!(error.to_string().contains("another version"), "{error}");
    let heard = heard_after(&mut desk, outbox);
    use ChangeKind::{Fired, Resolved};
    assert_eq!(
        heard,
        [
            (Fired, LOG.0),
            (Fired, HOOK.0),
            (Resolved, LOG.0),
            (Resolved, HOOK.0)
        ]
    );
}

#[test]
fn a_full_disk_repeats_no_delivery_that_ended() {
    let (mut desk, _) = full_disk();
    let before = desk.outbox.local_snapshot();
    desk.run_until(second(20));
    let kept = desk.outbox.local_snapshot();
    // A state from before the attempts was kept where there was room then.
    let mut outbox = Outbox::new(desk.routing.clone());
    outbox.recall_local(&before).expect("a state of ours");
    outbox.recall_local(&kept).expect("a state of ours");
    let heard = heard_after(&mut desk, outbox);
    use ChangeKind::Resolved;
    assert_eq!(heard, [(Resolved, LOG.0), (Resolved, HOOK.0)]);
}

#[test]
fn nobody_is_kept_for_a_local_alert_that_is_gone() {
    let (mut desk, _) = full_disk();
    desk.run_until(second(20));
    let mut outbox = Outbox::new(desk.routing.clone());
    let kept = desk.outbox.local_snapshot();
    outbox.recall_local(&kept).expect("a state of ours");
    outbox.forget_local(|_| false);
    assert_eq!(heard_after(&mut desk, outbox), []);
}

proptest! {
    /// Crashed at any moment and continued from any snapshot: every id ends once in the record, nothing is lost.
    #[test]
    fn every_delivery_ends_once_across_crashes(
        steps in prop::collection::vec((0u8..6, 0u64..40, 0u32..3), 1..60),
        crashes in prop::collection::vec(any::<bool>(), 60),
    ) {
        let mut calm = Desk::new(routing(Route::to(vec![LOG, HOOK])));
        let mut stormy = Desk::new(routing(Route::to(vec![LOG, HOOK])));
        let mut now = second(10);
        for (at, (step, wait, fails)) in steps.iter().enumerate() {
            now = now.plus(wait * SECOND_NS);
            calm.step(*step, now);
            calm.run_until(now);
            stormy.fail_next(*fails);
            stormy.step(*step, now);
            if crashes[at] {
                stormy.crash();
            }
            stormy.run_until(now);
        }
        calm.run_until(now.plus(10 * DAY_NS));
        stormy.fail_next(0);
        stormy.run_until(now.plus(10 * DAY_NS));
        let ids = |desk: &Desk| -> BTreeSet<DeliveryId> {
            desk.ended.iter().filter(|(_, end)| *end == End::Delivered).map(|(id, _)| *id).collect()
        };
        prop_assert_eq!(ids(&calm), ids(&stormy));
        let unique: BTreeSet<DeliveryId> = stormy.ended.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(unique.len(), stormy.ended.len(), "the record has each id once");
        let mut last: BTreeMap<(AlertId, u16), u32> = BTreeMap::new();
        for (id, _) in &stormy.ended {
            let revision = last.entry((id.alert, id.sink)).or_default();
            prop_assert!(*revision < id.revision, "in the order of its revisions");
            *revision = id.revision;
        }
    }
}

/// Engine, outbox and a receiver that fails on command.
struct Desk {
    engine: Engine,
    outbox: Outbox,
    routing: Routing,
    seq: u64,
    now: Ts,
    log: Vec<(OutputKey, Ts, Output)>,
    kept: (Vec<u8>, Vec<u8>),
    attempts: Vec<(Ts, Delivery)>,
    ended: Vec<(DeliveryId, End)>,
    sinks: Vec<SinkEvent>,
    fails: u32,
    gone: bool,
}

impl Desk {
    fn new(routing: Routing) -> Self {
        let mut desk = Self {
            engine: Engine::default(),
            outbox: Outbox::new(routing.clone()),
            routing,
            seq: 0,
            now: Ts(0),
            log: Vec::new(),
            kept: Default::default(),
            attempts: Vec::new(),
            ended: Vec::new(),
            sinks: Vec::new(),
            fails: 0,
            gone: false,
        };
        desk.keep();
        desk
    }

    fn output(&mut self, output: Output, now: Ts) {
        self.seq += 1;
        let key = OutputKey {
            seq: self.seq,
            index: 0,
        };
        self.log.push((key, now, output.clone()));
        self.now = now;
        for change in self.engine.apply(key, now, &output) {
            self.outbox.on_change(change);
        }
    }

    fn margin(&mut self, account: u32, to: MarginState, now: Ts) {
        self.output(
            crate::testing::margin(AccountId(account), InstrumentId(1), to),
            now,
        );
    }

    fn mode(&mut self, mode: TradingMode, now: Ts) {
        let set = SetMode {
            scope: Scope::House,
            mode,
            allow_reducing: true,
            note: 0,
            approver: ActorId(0),
        };
        self.output(
            Output::Mode(ModeChange {
                set,
                from: TradingMode::Normal,
                actor: ActorId(1),
            }),
            now,
        );
    }

    fn jump(&mut self, now: Ts) {
        self.output(Output::ClockJump(ClockJump { by_ns: 1 }), now);
    }

    fn loss(&mut self, account: u32, on: bool, now: Ts) {
        let change = LossChange {
            account: AccountId(account),
            kind: LossKind::Position,
            basis: siaga_risk::terms::LossBasis::Margin,
            position: Some(PositionId(5)),
            instrument: None,
            on,
            loss: Money(2),
            limit: Money(1),
        };
        self.output(Output::Loss(change), now);
    }

    fn step(&mut self, step: u8, now: Ts) {
        match step {
            0 => self.mode(TradingMode::CloseOnly, now),
            1 => self.mode(TradingMode::Normal, now),
            2 => self.margin(7, MarginState::Warning, now),
            3 => self.margin(7, MarginState::StopOut, now),
            4 => self.margin(7, MarginState::Healthy, now),
            _ => self.loss(7, now.0.is_multiple_of(2), now),
        }
    }

    fn fail_next(&mut self, fails: u32) {
        self.fails = fails;
    }

    /// Lives on to `end`, attempting what is due when it is due.
    fn run_until(&mut self, end: Ts) {
        loop {
            self.attempt_all();
            let due = [self.engine.poll_deadline(), self.outbox.poll_deadline()];
            let next = due.into_iter().flatten().min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            for change in self.engine.advance(self.now) {
                self.outbox.on_change(change);
            }
        }
        self.now = self.now.max(end);
    }

    fn attempt_all(&mut self) {
        while let Some(delivery) = self.outbox.poll_delivery(self.now) {
            self.attempts.push((self.now, delivery.clone()));
            let attempt = match (self.gone, self.fails) {
                (true, _) => Attempt::Gone,
                (_, 0) => Attempt::Delivered,
                _ => Attempt::Failed { after_ns: None },
            };
            self.fails = self.fails.saturating_sub(1);
            self.outbox.on_attempt(delivery.id, attempt, self.now);
        }
        while let Some(ended) = self.outbox.poll_ended() {
            self.ended.push((ended.id, ended.end));
        }
        while let Some(event) = self.outbox.poll_sink() {
            self.sinks.push(event);
        }
    }

    fn keep(&mut self) {
        self.kept = (self.engine.snapshot(), self.outbox.snapshot());
    }

    /// Dies and comes back from the last snapshot, the log and the record.
    fn crash(&mut self) {
        self.engine = Engine::restore(&self.kept.0).expect("a snapshot of ours");
        self.outbox =
            Outbox::restore(self.routing.clone(), &self.kept.1).expect("a snapshot of ours");
        let applied = self.engine.applied();
        for (key, ts, output) in &self.log {
            if *key > applied {
                for change in self.engine.apply(*key, *ts, output) {
                    self.outbox.on_change(change);
                }
            }
        }
        for (id, end) in &self.ended {
            self.outbox.recall(&Ended {
                id: *id,
                end: *end,
                at: self.now,
                attempts: 1,
            });
        }
        if self.seq.is_multiple_of(3) {
            self.keep();
        }
    }

    fn delivered(&self) -> impl Iterator<Item = &Delivery> {
        let is_delivered = |id: &DeliveryId| self.ended.contains(&(*id, End::Delivered));
        let mut seen = BTreeSet::new();
        self.attempts
            .iter()
            .rev()
            .map(|(_, delivery)| delivery)
            .filter(move |delivery| is_delivered(&delivery.id) && seen.insert(delivery.id))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
    }
}

fn routing(root: Route) -> Routing {
    Routing {
        root,
        urgent: Vec::new(),
    }
}

fn sample(rule: Rule, severity: Severity) -> Alert {
    let mut engine = Engine::default();
    let topic = Topic::of(Family::ClockJump, 0);
    let raised = engine.raise_local(rule, topic, crate::alert::Facts::Journal, Ts(1));
    Alert {
        severity,
        ..raised[0].alert.clone()
    }
}

fn second(seconds: u64) -> Ts {
    Ts(seconds * SECOND_NS)
}
