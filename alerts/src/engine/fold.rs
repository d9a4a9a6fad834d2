//! Alerts, their topics and their timers: what signals do to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use siaga_risk::codec::{Codec, CodecError, CodecFault};
use siaga_risk::ids::{ActorId, AlertId};
use siaga_risk::record;
use siaga_risk::units::{HOUR_NS, MINUTE_NS, Ts};

use crate::alert::*;

/// Entries of one timeline; older ones are in the store.
const TIMELINE_MAX: usize = 64;
/// Changes of one topic within an hour above which it is shown as flapping.
const CHANGES_PER_HOUR_MAX: usize = 4;
/// A flapping alert ends after this long without its condition.
const FLAP_QUIET_NS: u64 = 15 * MINUTE_NS;

record! {
    /// When a topic's condition came and went within the last hour, and its latest alert.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) struct History {
        pub(super) changes: VecDeque<Ts>,
        pub(super) latest: AlertId,
    }
    /// Everything that is not derived from something else.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(super) struct FoldState {
        pub(super) now: Ts,
        pub(super) local_bit: u64,
        pub(super) raised: u64,
        pub(super) alerts: BTreeMap<AlertId, Alert>,
        pub(super) timelines: BTreeMap<AlertId, VecDeque<Moment>>,
        pub(super) histories: BTreeMap<Topic, History>,
        pub(super) silences: BTreeMap<Topic, Hush>,
        pub(super) archived: VecDeque<AlertId>,
    }
}

/// One set of alerts. The order of calls: `run_until` a time, then what happened at it, then `drain_into`.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) state: FoldState,
    /// The alert of each topic that is not over.
    pub(super) open: BTreeMap<Topic, AlertId>,
    pub(super) due: BTreeSet<(Ts, AlertId)>,
    changes: Vec<AlertChange>,
}

/// Who did something, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Author {
    pub(super) by: ActorId,
    pub(super) note: u64,
}

impl Fold {
    pub(super) fn new(local_bit: u64) -> Self {
        Self {
            state: FoldState {
                local_bit,
                ..FoldState::default()
            },
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            changes: Vec::new(),
        }
    }

    pub(super) fn from_state(state: FoldState) -> Result<Self, CodecError> {
        let mut fold = Self::new(state.local_bit);
        for (id, alert) in &state.alerts {
            if *id != alert.id {
                let fault = CodecFault::Invalid("an alert is kept under another's id");
                return Err(CodecError::new(FoldState::NAME, fault));
            }
            if !is_over(alert) && fold.open.insert(alert.topic, *id).is_some() {
                let fault = CodecFault::Invalid("two alerts of one topic are open");
                return Err(CodecError::new(FoldState::NAME, fault));
            }
            if let Some(at) = super::timer::next_due(alert) {
                fold.due.insert((at, *id));
            }
        }
        fold.state = state;
        Ok(fold)
    }

    pub(super) fn state(&self) -> &FoldState {
        &self.state
    }

    pub(super) fn alert(&self, id: AlertId) -> Option<&Alert> {
        self.state.alerts.get(&id)
    }

    pub(super) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.state.alerts.values()
    }

    pub(super) fn timeline(&self, id: AlertId) -> &[Moment] {
        // Kept contiguous by `change`.
        self.state
            .timelines
            .get(&id)
            .map_or(&[], |moments| moments.as_slices().0)
    }

    pub(super) fn drain_into(&mut self, changes: &mut Vec<AlertChange>) {
        changes.append(&mut self.changes);
    }

    /// A condition holds.
    pub(super) fn on(&mut self, signal: &Signal) {
        let Some(id) = self.open.get(&signal.topic).copied() else {
            return self.raise(signal);
        };
        let alert = &self.state.alerts[&id];
        if alert.state == AlertState::Pending {
            return self.on_pending(id, signal);
        }
        let was_ending = alert.easing.is_some_and(|easing| easing.to.is_none()) && !is_event(alert);
        if was_ending && self.note_change(signal.topic, signal.ts) {
            self.set_flapping(id, signal.ts);
        }
        let alert = &self.state.alerts[&id];
        if signal.severity > alert.severity {
            self.change(
                id,
                ChangeKind::Rose,
                signal.ts,
                Author::default(),
                |alert| {
                    adopt(alert, signal);
                    alert.severity_revision = alert.revision + 1;
                },
            );
            self.inhibit_around(id, signal.ts);
        } else if signal.severity == alert.severity {
            self.change(
                id,
                ChangeKind::Updated,
                signal.ts,
                Author::default(),
                |alert| {
                    adopt(alert, signal);
                },
            );
        } else {
            self.ease(id, Some(*signal), signal.ts);
        }
    }

    /// A condition is over.
    pub(super) fn off(&mut self, topic: Topic, ts: Ts) {
        let Some(id) = self.open.get(&topic).copied() else {
            return;
        };
        let alert = &self.state.alerts[&id];
        if alert.state == AlertState::Pending {
            self.open.remove(&topic);
            return self.withdraw(id, ts);
        }
        let is_ending = alert.easing.is_some_and(|easing| easing.to.is_none());
        if is_ending && !is_event(alert) {
            return;
        }
        if self.note_change(topic, ts) {
            self.set_flapping(id, ts);
        }
        self.ease(id, None, ts);
    }

    /// Ends an alert, by rule or by hand.
    pub(super) fn resolve(&mut self, id: AlertId, at: Ts, author: Author) {
        let topic = self.state.alerts[&id].topic;
        self.open.remove(&topic);
        self.change(id, ChangeKind::Resolved, at, author, |alert| {
            alert.state = AlertState::Resolved;
            alert.ended = Some(at);
            alert.easing = None;
            alert.repage_at = None;
            alert.snooze = None;
            alert.flapping = false;
        });
        self.inhibit_around(id, at);
    }

    /// The run that saw the conditions is over: ends what is open at `now`, without the timers of the time in between, in
    /// which nobody could take anything. What outlives its run stays, and calls again from `now` on.
    pub(super) fn end_run(&mut self, now: Ts) {
        let mut ending = Vec::new();
        for (topic, id) in &self.open {
            match self.state.alerts[id].rule.outlives_run() {
                true => ending.push((*id, None)),
                false => ending.push((*id, Some(*topic))),
            }
        }
        // All at once: what one of them inhibits is over too, and not to be told as firing again.
        for topic in ending.iter().filter_map(|(_, topic)| *topic) {
            self.open.remove(&topic);
        }
        for (id, topic) in ending {
            match (topic, self.state.alerts[&id].state) {
                (None, _) => self.quietly(id, |alert| {
                    if alert.repage_at.is_some() {
                        alert.repage_at = repage(alert, now);
                    }
                }),
                (Some(_), AlertState::Pending) => self.withdraw(id, now),
                (Some(_), _) => self.resolve(id, now, Author::default()),
            }
        }
        self.state.now = self.state.now.max(now);
    }

    /// The state without what is over, where there is no room for all of it.
    pub(super) fn open_state(&self) -> FoldState {
        let is_open = |alert: &&Alert| !is_over(alert);
        let open = self.state.alerts.values().filter(is_open);
        FoldState {
            now: self.state.now,
            local_bit: self.state.local_bit,
            raised: self.state.raised,
            alerts: open.map(|alert| (alert.id, alert.clone())).collect(),
            silences: self.state.silences.clone(),
            ..FoldState::default()
        }
    }

    /// A lower severity has lasted long enough.
    pub(super) fn settle(&mut self, id: AlertId, to: &Signal, at: Ts) {
        self.change(id, ChangeKind::Eased, at, Author::default(), |alert| {
            adopt(alert, to);
        });
        self.inhibit_around(id, at);
    }

    pub(super) fn fire(&mut self, id: AlertId, at: Ts) {
        let inhibited = self.is_inhibited(&self.state.alerts[&id]);
        self.change(id, ChangeKind::Fired, at, Author::default(), |alert| {
            alert.inhibited = inhibited;
            alert.fires_at = None;
            alert.state = AlertState::Firing;
            alert.repage_at = repage(alert, at);
            alert.easing = expiry(alert, at);
        });
        self.inhibit_around(id, at);
    }

    /// The one way an alert changes: revision, timers, timeline and the change that is told.
    pub(super) fn change(
        &mut self,
        id: AlertId,
        what: ChangeKind,
        at: Ts,
        author: Author,
        act: impl FnOnce(&mut Alert),
    ) {
        self.quietly(id, |alert| {
            act(alert);
            alert.revision += 1;
            alert.last = at;
            if alert.is_active() {
                alert.state = active_state(alert);
            }
        });
        let Some(alert) = self.state.alerts.get(&id) else {
            return;
        };
        let moment = Moment {
            at,
            what,
            severity: alert.severity,
            by: author.by,
            note: author.note,
        };
        let timeline = self.state.timelines.entry(id).or_default();
        if timeline.len() == TIMELINE_MAX {
            timeline.pop_front();
        }
        timeline.push_back(moment);
        timeline.make_contiguous();
        let alert = alert.clone();
        self.changes.push(AlertChange { alert, moment });
    }

    /// Changes what nobody is told of, and keeps the timers right.
    pub(super) fn quietly(&mut self, id: AlertId, act: impl FnOnce(&mut Alert)) {
        let Some(alert) = self.state.alerts.get_mut(&id) else {
            return;
        };
        let before = super::timer::next_due(alert);
        act(alert);
        let after = super::timer::next_due(alert);
        if before != after {
            if let Some(at) = before {
                self.due.remove(&(at, id));
            }
            if let Some(at) = after {
                self.due.insert((at, id));
            }
        }
    }

    /// Drops an alert for good.
    pub(super) fn forget(&mut self, id: AlertId) {
        let Some(alert) = self.state.alerts.remove(&id) else {
            return;
        };
        if let Some(at) = super::timer::next_due(&alert) {
            self.due.remove(&(at, id));
        }
        self.state.timelines.remove(&id);
        let is_latest = |history: &History| history.latest == id;
        if self
            .state
            .histories
            .get(&alert.topic)
            .is_some_and(is_latest)
        {
            self.state.histories.remove(&alert.topic);
        }
    }

    /// A pending alert whose condition did not last.
    fn withdraw(&mut self, id: AlertId, at: Ts) {
        self.change(id, ChangeKind::Withdrawn, at, Author::default(), |alert| {
            alert.state = AlertState::Resolved;
            alert.ended = Some(at);
            alert.fires_at = None;
        });
        self.forget(id);
    }

    fn on_pending(&mut self, id: AlertId, signal: &Signal) {
        self.quietly(id, |alert| adopt(alert, signal));
        if signal.rule.spec().hold_ns == 0 {
            self.fire(id, signal.ts);
        }
    }

    fn raise(&mut self, signal: &Signal) {
        let flapping = self.note_change(signal.topic, signal.ts);
        let latest = self
            .state
            .histories
            .get(&signal.topic)
            .map(|history| history.latest);
        if flapping
            && let Some(id) = latest
            && self
                .alert(id)
                .is_some_and(|alert| alert.state == AlertState::Resolved)
        {
            return self.reopen(id, signal);
        }
        let id = self.next_id(signal);
        self.state.raised += 1;
        self.open.insert(signal.topic, id);
        if let Some(history) = self.state.histories.get_mut(&signal.topic) {
            history.latest = id;
        }
        let mut alert = blank(id, signal);
        alert.unrecorded = self.state.local_bit != 0;
        alert.silence = self.silence(signal);
        self.state.alerts.insert(id, alert);
        let hold_ns = signal.rule.spec().hold_ns;
        if hold_ns == 0 {
            return self.fire(id, signal.ts);
        }
        self.change(
            id,
            ChangeKind::Pending,
            signal.ts,
            Author::default(),
            |alert| {
                alert.fires_at = Some(signal.ts.plus(hold_ns));
            },
        );
    }

    fn silence(&mut self, signal: &Signal) -> Option<Hush> {
        let hush = self.state.silences.get(&signal.topic).copied()?;
        if hush.until > signal.ts {
            return Some(hush);
        }
        self.state.silences.remove(&signal.topic);
        None
    }

    fn reopen(&mut self, id: AlertId, signal: &Signal) {
        self.open.insert(signal.topic, id);
        self.quietly(id, |alert| {
            adopt(alert, signal);
            alert.ended = None;
            alert.state = AlertState::Firing;
            alert.repage_at = repage(alert, signal.ts);
            alert.severity_revision = alert.revision + 1;
        });
        self.set_flapping(id, signal.ts);
        let inhibited = self.is_inhibited(&self.state.alerts[&id]);
        self.quietly(id, |alert| alert.inhibited = inhibited);
        self.inhibit_around(id, signal.ts);
    }

    fn ease(&mut self, id: AlertId, to: Option<Signal>, ts: Ts) {
        let alert = &self.state.alerts[&id];
        let wait_ns = match (alert.flapping, to) {
            (true, None) => FLAP_QUIET_NS,
            _ => alert.rule.spec().ease_ns,
        };
        match to {
            None if wait_ns == 0 => self.resolve(id, ts, Author::default()),
            Some(signal) if wait_ns == 0 => self.settle(id, &signal, ts),
            _ => self.quietly(id, |alert| {
                alert.easing = Some(Easing {
                    at: ts.plus(wait_ns),
                    to,
                });
            }),
        }
    }

    fn set_flapping(&mut self, id: AlertId, ts: Ts) {
        if !self.state.alerts[&id].flapping {
            self.change(id, ChangeKind::Flapping, ts, Author::default(), |alert| {
                alert.flapping = true;
            });
        }
    }

    /// Notes that a topic's condition came or went; true when it does so too often.
    fn note_change(&mut self, topic: Topic, ts: Ts) -> bool {
        let history = self.state.histories.entry(topic).or_insert(History {
            changes: VecDeque::new(),
            latest: AlertId(0),
        });
        while let Some(oldest) = history.changes.front()
            && (ts.since(*oldest) > HOUR_NS || history.changes.len() > CHANGES_PER_HOUR_MAX)
        {
            history.changes.pop_front();
        }
        history.changes.push_back(ts);
        history.changes.len() > CHANGES_PER_HOUR_MAX
    }

    fn next_id(&self, signal: &Signal) -> AlertId {
        let mut id = match self.state.local_bit {
            0 => alert_id(signal.key),
            // By its time: deliveries remember ids, and the next run must not use one again.
            bit => AlertId(bit | (signal.ts.0 & !bit)),
        };
        // One output raises one alert; should a rule ever raise two, both keep an id.
        while self.state.alerts.contains_key(&id) {
            id.0 += 1;
        }
        id
    }
}

/// The alert has ended.
pub(super) fn is_over(alert: &Alert) -> bool {
    matches!(alert.state, AlertState::Resolved | AlertState::Archived)
}

/// When somebody is called again about an alert that nobody has taken.
pub(super) fn repage(alert: &Alert, at: Ts) -> Option<Ts> {
    let wait_ns = match alert.severity {
        Severity::Info | Severity::Warning => return None,
        Severity::Critical => 5 * MINUTE_NS,
        Severity::Emergency => 2 * MINUTE_NS,
    };
    let has_acks = alert
        .acks
        .last()
        .is_some_and(|ack| ack.severity >= alert.severity);
    (!has_acks).then(|| at.plus(wait_ns))
}

fn adopt(alert: &mut Alert, signal: &Signal) {
    let rises = signal.severity > alert.severity;
    alert.labels = joined(alert, signal);
    alert.facts = signal.facts;
    alert.rule = signal.rule;
    alert.severity = signal.severity;
    alert.value = signal.value;
    alert.raise = signal.raise;
    alert.clear = signal.clear;
    alert.money_at_risk = signal.money_at_risk;
    alert.evidence_last = signal.key;
    alert.easing = expiry(alert, signal.ts);
    if rises {
        alert.repage_at = repage(alert, signal.ts);
    }
}

/// Labels of an alert after a signal. A stop-out is told in two outputs: the change of state knows the instrument
/// that caused it, which the plan takes over. The next change of state ends that stop-out, and what was closed by its plan is
/// not what another closes.
fn joined(alert: &Alert, signal: &Signal) -> Labels {
    let mut labels = signal.labels;
    if !is_over(alert) && matches!(signal.facts, Facts::StopOut { .. }) {
        labels.instrument = labels.instrument.or(alert.labels.instrument);
    }
    labels
}

/// An event has no end of its own: it is over after a while.
fn expiry(alert: &Alert, at: Ts) -> Option<Easing> {
    is_event(alert).then(|| Easing {
        at: at.plus(alert.rule.spec().expires_ns),
        to: None,
    })
}

fn is_event(alert: &Alert) -> bool {
    alert.rule.spec().expires_ns > 0
}

/// An acknowledgement holds for the severity it was given at, and for anything milder.
fn active_state(alert: &Alert) -> AlertState {
    match alert.acks.last() {
        Some(ack) if ack.severity >= alert.severity => AlertState::Acknowledged,
        _ => AlertState::Firing,
    }
}

fn blank(id: AlertId, signal: &Signal) -> Alert {
    Alert {
        id,
        revision: 0,
        rule: signal.rule,
        topic: signal.topic,
        labels: signal.labels,
        severity: signal.severity,
        state: AlertState::Pending,
        facts: signal.facts,
        value: signal.value,
        raise: signal.raise,
        clear: signal.clear,
        money_at_risk: signal.money_at_risk,
        started: signal.ts,
        last: signal.ts,
        ended: None,
        owner: None,
        acks: Vec::new(),
        evidence: signal.key,
        evidence_last: signal.key,
        severity_revision: 1,
        snooze: None,
        silence: None,
        inhibited: false,
        flapping: false,
        escalated: 0,
        repage_at: None,
        unrecorded: false,
        fires_at: None,
        easing: None,
    }
}
