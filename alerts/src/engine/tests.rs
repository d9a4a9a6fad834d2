//! The guarantees of the lifecycle, as scenarios and as properties.

mod local;

use super::*;
use crate::alert::{AlertState, ChangeKind, Figure, Severity};
use proptest::prelude::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;

const ACCOUNT: AccountId = AccountId(7);
const GOLD: InstrumentId = InstrumentId(3);
const OFFICER: ActorId = ActorId(42);

#[test]
fn a_margin_call_is_one_alert_that_gets_worse_and_better() {
    let mut desk = Desk::new();
    use MarginState::*;
    desk.at(10).margin(Warning);
    let id = desk.only();
    assert_eq!(desk.kinds(), [ChangeKind::Fired]);
    desk.at(11).margin(Restricted);
    assert_eq!(desk.kinds(), [ChangeKind::Rose]);
    desk.at(12).margin(StopOut);
    assert_eq!(desk.alert(id).severity, Severity::Emergency);
    desk.at(13).margin(Warning);
    assert_eq!(desk.kinds(), [], "it must be better for ten seconds");
    desk.at(23).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Eased]);
    assert_eq!(desk.alert(id).rule, Rule::MarginWarning);
    desk.at(30).margin(Healthy);
    desk.at(40).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Resolved]);
    assert_eq!(desk.alert(id).ended, Some(second(40)));
    desk.at(40 + 86_400).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Archived]);
}

#[test]
fn an_alert_carries_what_a_person_needs() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Restricted);
    let alert = desk.alert(desk.only());
    assert_eq!(alert.labels.account, Some(ACCOUNT));
    assert_eq!(alert.labels.group, Some(GroupId(2)));
    assert_eq!(alert.labels.instrument, Some(GOLD));
    assert_eq!(alert.value, Some(Figure::Ratio(Ratio::percent(40))));
    assert_eq!(alert.raise, Some(Figure::Ratio(Ratio::percent(50))));
    assert_eq!(alert.clear, Some(Figure::Ratio(Ratio::percent(100))));
    assert_eq!(alert.money_at_risk, Some(Money(400)));
    assert_eq!(alert.evidence.seq, desk.seq);
    assert_eq!(alert.started, second(10));
    assert_eq!(alert.id, alert_id_of(desk.seq));
}

#[test]
fn a_condition_must_hold_before_some_rules_fire() {
    let mut desk = Desk::new();
    desk.at(10).gap(GapCause::Disconnect);
    assert_eq!(desk.kinds(), [ChangeKind::Pending]);
    desk.at(11).gap(GapCause::Reconnect);
    assert_eq!(
        desk.kinds(),
        [ChangeKind::Withdrawn],
        "a planned renewal calls nobody"
    );
    assert_eq!(desk.engine.alerts().count(), 0);
    desk.at(20).gap(GapCause::Disconnect);
    desk.at(22).advance();
    assert_eq!(desk.kinds(), []);
    desk.at(25).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Fired]);
    let alert = desk.alert(desk.only());
    assert_eq!(
        alert.last,
        second(23),
        "it fires at its time, whenever that is seen"
    );
}

#[test]
fn more_than_four_changes_an_hour_are_one_flapping_alert() {
    let mut desk = Desk::new();
    for minute in 0..10 {
        desk.at(minute * 60).balance(-5);
        desk.at(minute * 60 + 30).balance(5);
    }
    let alerts: Vec<&Alert> = desk.engine.alerts().collect();
    assert_eq!(alerts.len(), 2, "two short ones, then the second stays");
    assert!(alerts[1].flapping);
    assert!(alerts[1].is_active());
    let quiet = 9 * 60 + 30 + 15 * 60;
    desk.at(quiet - 1).advance();
    assert_eq!(desk.kinds(), []);
    desk.at(quiet).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Resolved]);
}

#[test]
fn a_level_at_its_threshold_does_not_flap() {
    let mut desk = Desk::new();
    for step in 0..3 {
        desk.at(10 + step * 4).margin(MarginState::Warning);
        desk.at(12 + step * 4).margin(MarginState::Healthy);
    }
    assert_eq!(desk.engine.alerts().count(), 1);
    assert!(desk.alert(desk.only()).is_active());
}

#[test]
fn a_margin_alert_inhibits_the_noise_of_its_account() {
    let mut desk = Desk::new();
    desk.at(10).loss(true);
    let loss = desk.only();
    desk.at(11).margin(MarginState::Warning);
    assert_eq!(desk.kinds(), [ChangeKind::Fired, ChangeKind::Inhibited]);
    assert!(desk.alert(loss).inhibited && desk.alert(loss).is_suppressed());
    desk.at(20).margin(MarginState::Healthy);
    desk.at(30).advance();
    assert_eq!(
        desk.kinds(),
        [ChangeKind::Resolved, ChangeKind::InhibitionEnded]
    );
    assert!(!desk.alert(loss).inhibited, "what is still so is told then");
}

#[test]
fn a_lost_source_inhibits_the_staleness_of_its_instruments() {
    let mut desk = Desk::new();
    desk.at(10).gap(GapCause::Disconnect);
    desk.at(14).feed(FeedState::Delayed, 1);
    desk.at(14).feed_of(InstrumentId(4), FeedState::Delayed, 2);
    let inhibited: Vec<bool> = desk.engine.alerts().map(|alert| alert.inhibited).collect();
    assert_eq!(
        inhibited,
        [false, true, false],
        "the other source's instrument is told"
    );
    desk.at(300).feed(FeedState::Unavailable, 1);
    assert!(
        desk.engine
            .alerts()
            .any(|alert| alert.rule == Rule::FeedUnavailable && alert.inhibited)
    );
    desk.at(301).gap(GapCause::Reconnect);
    desk.at(306).advance();
    assert!(desk.engine.alerts().all(|alert| !alert.inhibited));
}

#[test]
fn worse_breaks_through_a_snooze_and_an_acknowledgement() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Warning);
    let id = desk.only();
    desk.at(11)
        .command(id, AlertVerb::Snooze, second(4_000).0, 0);
    desk.at(12).command(id, AlertVerb::Acknowledge, 0, 0);
    assert_eq!(desk.alert(id).state, AlertState::Acknowledged);
    assert!(desk.alert(id).is_suppressed());
    desk.at(13).margin(MarginState::Restricted);
    let alert = desk.alert(id);
    assert_eq!(
        alert.state,
        AlertState::Firing,
        "nobody has taken it at this severity"
    );
    assert!(!alert.is_suppressed());
    assert_eq!(alert.acks.len(), 1, "the acknowledgement is not taken back");
    desk.at(14).margin(MarginState::Warning);
    desk.at(24).advance();
    assert_eq!(desk.alert(id).state, AlertState::Acknowledged);
}

#[test]
fn nobody_acknowledges_what_he_has_not_seen() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Warning);
    let id = desk.only();
    let seen = desk.alert(id).revision;
    desk.at(11).margin(MarginState::Restricted);
    desk.at(12)
        .command_at(id, seen, AlertVerb::Acknowledge, 0, 9);
    assert_eq!(desk.alert(id).state, AlertState::Firing);
    let fault = desk
        .engine
        .check(&command(id, seen, AlertVerb::Acknowledge, 0, 9), second(12));
    assert_eq!(fault, Err(CommandFault::Stale { revision: 2 }));
    desk.at(13).command(id, AlertVerb::Acknowledge, 0, 0);
    assert_eq!(desk.kinds(), [], "a critical one needs a note");
    desk.at(14).command(id, AlertVerb::Acknowledge, 0, 9);
    assert_eq!(desk.alert(id).state, AlertState::Acknowledged);
    let moment = desk.engine.timeline(id).last().copied();
    assert_eq!(
        moment.map(|moment| (moment.by, moment.note)),
        Some((OFFICER, 9))
    );
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Warning);
    let id = desk.only();
    let check = |desk: &Desk, verb, argument| {
        let revision = desk.alert(id).revision;
        desk.engine
            .check(&command(id, revision, verb, argument, 0), second(10))
    };
    use CommandFault::*;
    assert_eq!(check(&desk, AlertVerb::Snooze, second(10).0), Err(BadTime));
    assert_eq!(check(&desk, AlertVerb::SilenceOn, u64::MAX), Err(BadTime));
    assert_eq!(
        check(&desk, AlertVerb::Unacknowledge, 0),
        Err(NotAcknowledged)
    );
    let unknown = command(AlertId(1), 1, AlertVerb::Comment, 0, 0);
    assert_eq!(desk.engine.check(&unknown, second(10)), Err(UnknownAlert));
    desk.at(11).command(id, AlertVerb::Resolve, 0, 0);
    assert_eq!(desk.kinds(), [ChangeKind::Resolved]);
    assert_eq!(check(&desk, AlertVerb::Acknowledge, 0), Err(NotActive));
    assert_eq!(check(&desk, AlertVerb::Comment, 0), Ok(()));
}

#[test]
fn a_command_that_was_dropped_says_why_until_the_next_output() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Warning);
    let id = desk.only();
    let seen = desk.alert(id).revision;
    desk.at(11).command(id, AlertVerb::Unacknowledge, 0, 0);
    assert_eq!(desk.engine.refused(), Some(CommandFault::NotAcknowledged));
    desk.at(12).margin(MarginState::Restricted);
    assert_eq!(desk.engine.refused(), None, "it was no command");
    desk.at(13).command_at(id, seen, AlertVerb::Comment, 0, 9);
    assert_eq!(
        desk.engine.refused(),
        Some(CommandFault::Stale { revision: 2 }),
        "it got worse behind the check"
    );
    desk.at(14).command(id, AlertVerb::Comment, 0, 9);
    assert_eq!(desk.engine.refused(), None);
    assert_eq!(desk.kinds(), [ChangeKind::Commented]);
}

#[test]
fn a_silence_outlives_the_alert_and_ends() {
    let mut desk = Desk::new();
    desk.at(10).balance(-1);
    let first = desk.only();
    desk.at(11)
        .command(first, AlertVerb::SilenceOn, second(100).0, 1);
    desk.at(12).balance(1);
    desk.at(13).balance(-1);
    let silenced = desk
        .engine
        .alerts()
        .last()
        .map(|alert| (alert.id, alert.is_suppressed()));
    let (second_id, suppressed) = silenced.expect("two alerts");
    assert!(suppressed);
    desk.at(100).advance();
    assert_eq!(desk.kinds(), [ChangeKind::SilenceEnded]);
    assert!(!desk.alert(second_id).is_suppressed());
    desk.at(101).balance(1);
    desk.at(102).balance(-1);
    assert!(
        desk.engine
            .alerts()
            .last()
            .is_some_and(|alert| !alert.is_suppressed())
    );
}

#[test]
fn nobody_took_it_so_it_pages_again_three_times() {
    let mut desk = Desk::new();
    desk.at(0).margin(MarginState::StopOut);
    let id = desk.only();
    assert_eq!(
        desk.alert(id).repage_at,
        Some(second(120)),
        "the timer is shown"
    );
    desk.at(10_000).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Escalated; 3]);
    let times: Vec<u64> = desk
        .engine
        .timeline(id)
        .iter()
        .map(|moment| moment.at.0 / SECOND_NS)
        .collect();
    assert_eq!(times, [0, 120, 240, 360]);
    desk.at(10_001).margin(MarginState::Healthy);
    desk.at(20_000).margin(MarginState::StopOut);
    let last = desk
        .engine
        .alerts()
        .last()
        .map(|alert| alert.id)
        .expect("a new one");
    desk.at(20_010).command(last, AlertVerb::Acknowledge, 0, 9);
    desk.at(30_000).advance();
    assert_eq!(desk.alert(last).escalated, 0);
}

#[test]
fn events_without_an_end_expire() {
    let mut desk = Desk::new();
    let jump = Output::ClockJump(ClockJump {
        by_ns: -2_000_000_000,
    });
    desk.at(10).output(&jump);
    desk.at(400).output(&jump);
    assert_eq!(desk.kinds(), [ChangeKind::Updated], "again while it lasts");
    desk.at(999).advance();
    assert_eq!(desk.kinds(), []);
    desk.at(1_000).advance();
    assert_eq!(desk.kinds(), [ChangeKind::Resolved]);
}

#[test]
fn local_alerts_are_raised_at_once_and_marked() {
    let mut desk = Desk::new();
    let topic = Topic::of(crate::alert::Family::Journal, 0);
    let raised = desk
        .engine
        .raise_local(Rule::Journal, topic, Facts::Journal, second(5));
    assert_eq!(raised.len(), 1);
    assert!(raised[0].alert.unrecorded);
    let id = raised[0].alert.id;
    desk.at(6).command(id, AlertVerb::Acknowledge, 0, 3);
    assert_eq!(desk.alert(id).state, AlertState::Acknowledged);
    let cleared = desk.engine.clear_local(topic, second(7));
    assert_eq!(cleared[0].moment.what, ChangeKind::Resolved);
}

#[test]
fn local_ids_are_not_used_again_after_a_restart() {
    let topic = Topic::of(crate::alert::Family::Journal, 0);
    let raise = |at| {
        let mut desk = Desk::new();
        let raised = desk
            .engine
            .raise_local(Rule::Journal, topic, Facts::Journal, second(at));
        raised[0].alert.id
    };
    assert_ne!(raise(5), raise(6));
}

#[test]
fn an_unrecorded_output_leaves_the_fold_of_the_log_alone() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Warning);
    let before = desk.engine.snapshot();
    let applied = desk.engine.applied();
    let lost = OutputKey {
        seq: applied.seq + 7,
        index: 0,
    };
    let told = desk
        .engine
        .tell_unrecorded(lost, second(11), &margin(MarginState::StopOut));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].alert.rule, Rule::StopOut);
    assert!(told[0].alert.unrecorded);
    assert_eq!(desk.engine.applied(), applied);
    assert_eq!(desk.engine.snapshot(), before);
}

#[test]
fn an_output_counts_once() {
    let mut desk = Desk::new();
    desk.at(10).margin(MarginState::Warning);
    let key = desk.engine.applied();
    let again = desk
        .engine
        .apply(key, second(11), &margin(MarginState::StopOut));
    assert!(again.is_empty());
}

#[test]
fn a_snapshot_of_garbage_is_an_error() {
    assert!(Engine::restore(&[]).is_err());
    assert!(Engine::restore(&[9; 40]).is_err());
    let mut bytes = Desk::new().engine.snapshot();
    bytes[0] ^= 1;
    assert!(Engine::restore(&bytes).is_err(), "another version");
}

proptest! {
    /// Restored at any point and advanced at any time, the fold is the same fold.
    #[test]
    fn the_fold_survives_a_restart_anywhere(
        steps in prop::collection::vec((0u8..14, 0u64..400, any::<bool>()), 1..120),
        cut in 0usize..120,
        looks in prop::collection::vec(any::<bool>(), 120),
    ) {
        let mut whole = Desk::new();
        let mut restarted = Desk::new();
        let mut now = 0;
        let mut told = (Vec::new(), Vec::new());
        for (at, (step, wait, flag)) in steps.iter().enumerate() {
            now += wait;
            if at == cut {
                restarted.engine = Engine::restore(&restarted.engine.snapshot()).expect("a snapshot of ours");
            }
            if looks[at] {
                told.1.extend_from_slice(restarted.engine.advance(second(now)));
            }
            whole.at(now).step(*step, *flag);
            restarted.at(now).step(*step, *flag);
            told.0.append(&mut whole.told);
            told.1.append(&mut restarted.told);
            for alert in whole.engine.alerts() {
                prop_assert!(alert.severity_revision <= alert.revision);
            }
        }
        prop_assert_eq!(whole.engine.snapshot(), restarted.engine.snapshot());
        prop_assert_eq!(told.0, told.1, "the same changes are told, in the same order");
    }

    /// One topic never has two open alerts, and a revision is told exactly once.
    #[test]
    fn every_revision_is_told_once(steps in prop::collection::vec((0u8..14, 0u64..400, any::<bool>()), 1..120)) {
        let mut desk = Desk::new();
        let mut now = 0;
        let mut seen = std::collections::BTreeSet::new();
        for (step, wait, flag) in steps {
            now += wait;
            desk.at(now).step(step, flag);
            for change in desk.told.drain(..) {
                prop_assert!(seen.insert((change.alert.id, change.alert.revision)));
            }
            let mut topics = std::collections::BTreeSet::new();
            for alert in desk.engine.alerts().filter(|alert| alert.is_active()) {
                prop_assert!(topics.insert(alert.topic));
            }
        }
    }
}

struct Desk {
    engine: Engine,
    seq: u64,
    now: Ts,
    told: Vec<AlertChange>,
}

impl Desk {
    fn new() -> Self {
        let mut desk = Self {
            engine: Engine::default(),
            seq: 0,
            now: Ts(0),
            told: Vec::new(),
        };
        for terms in crate::testing::terms(ACCOUNT, GroupId(2)) {
            desk.output(&terms);
        }
        desk
    }

    fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = second(seconds);
        self.told.clear();
        self
    }

    fn output(&mut self, output: &Output) {
        self.seq += 1;
        let key = OutputKey {
            seq: self.seq,
            index: 0,
        };
        self.told
            .extend_from_slice(self.engine.apply(key, self.now, output));
    }

    fn advance(&mut self) {
        self.told.extend_from_slice(self.engine.advance(self.now));
    }

    fn margin(&mut self, to: MarginState) {
        self.output(&margin(to));
    }

    fn balance(&mut self, balance: i64) {
        self.output(&crate::testing::cash(ACCOUNT, balance));
    }

    fn conversion(&mut self, missing: bool) {
        self.output(&Output::Conversion(ConversionChange {
            account: ACCOUNT,
            from: CurrencyId(2),
            to: CurrencyId(1),
            missing,
        }));
    }

    fn loss(&mut self, on: bool) {
        self.output(&Output::Loss(LossChange {
            account: ACCOUNT,
            kind: LossKind::Position,
            basis: siaga_risk::terms::LossBasis::Margin,
            position: Some(PositionId(99)),
            instrument: Some(GOLD),
            on,
            loss: Money(700),
            limit: Money(500),
        }));
    }

    fn gap(&mut self, cause: GapCause) {
        self.output(&Output::Gap(Gap {
            ts: self.now,
            source: SourceId(1),
            instrument: None,
            cause,
            missing: 0,
        }));
    }

    fn feed(&mut self, to: FeedState, source: u16) {
        self.feed_of(GOLD, to, source);
    }

    fn feed_of(&mut self, instrument: InstrumentId, to: FeedState, source: u16) {
        self.output(&Output::Feed(FeedChange {
            instrument,
            from: FeedState::Live,
            to,
            source: Some(SourceId(source)),
            age_ns: 10 * SECOND_NS,
        }));
    }

    fn command(&mut self, id: AlertId, verb: AlertVerb, argument: u64, note: u64) {
        let revision = self.alert(id).revision;
        self.command_at(id, revision, verb, argument, note);
    }

    fn command_at(
        &mut self,
        id: AlertId,
        revision: u32,
        verb: AlertVerb,
        argument: u64,
        note: u64,
    ) {
        self.output(&Output::Alert(AlertEcho {
            command: command(id, revision, verb, argument, note),
            actor: OFFICER,
        }));
    }

    fn step(&mut self, step: u8, flag: bool) {
        use MarginState::*;
        let newest = self
            .engine
            .alerts()
            .last()
            .map_or(AlertId(0), |alert| alert.id);
        let revision = self.engine.alert(newest).map_or(0, |alert| alert.revision);
        match step {
            0 => self.margin(Warning),
            1 => self.margin(if flag { Restricted } else { Healthy }),
            2 => self.margin(StopOut),
            3 => self.balance(if flag { -5 } else { 5 }),
            4 => self.loss(flag),
            5 => self.conversion(flag),
            6 => self.gap(if flag {
                GapCause::Disconnect
            } else {
                GapCause::Reconnect
            }),
            7 => self.feed(
                if flag {
                    FeedState::Delayed
                } else {
                    FeedState::Live
                },
                1,
            ),
            8 => self.feed(FeedState::Unavailable, 1),
            9 => self.output(&Output::ClockJump(ClockJump { by_ns: 5 })),
            10 => self.command_at(newest, revision, AlertVerb::Acknowledge, 0, 1),
            11 => self.command_at(
                newest,
                revision,
                AlertVerb::Snooze,
                self.now.0 + 90 * SECOND_NS,
                1,
            ),
            12 => self.command_at(
                newest,
                revision,
                AlertVerb::SilenceOn,
                self.now.0 + 200 * SECOND_NS,
                1,
            ),
            _ => self.command_at(newest, revision, AlertVerb::Resolve, 0, 1),
        }
    }

    fn alert(&self, id: AlertId) -> &Alert {
        self.engine.alert(id).expect("the alert is kept")
    }

    fn only(&self) -> AlertId {
        let ids: Vec<AlertId> = self.engine.alerts().map(|alert| alert.id).collect();
        assert_eq!(ids.len(), 1);
        ids[0]
    }

    fn kinds(&mut self) -> Vec<ChangeKind> {
        self.told
            .drain(..)
            .map(|change| change.moment.what)
            .collect()
    }
}

fn margin(to: MarginState) -> Output {
    crate::testing::margin(ACCOUNT, GOLD, to)
}

fn command(id: AlertId, revision: u32, verb: AlertVerb, argument: u64, note: u64) -> AlertCommand {
    AlertCommand {
        alert: id,
        verb,
        revision,
        argument,
        note,
    }
}

fn alert_id_of(seq: u64) -> AlertId {
    crate::alert::alert_id(OutputKey { seq, index: 0 })
}

fn second(seconds: u64) -> Ts {
    Ts(seconds * SECOND_NS)
}
