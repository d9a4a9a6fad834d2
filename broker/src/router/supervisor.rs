//! Live, ReadOnly, Recovering: one link's mode from its connection, its answers and the hand on it.

use std::collections::{BTreeMap, VecDeque};

use siaga_risk::event::{LinkChange, LinkMode, LinkReport};
use siaga_risk::ids::OrderId;
use siaga_risk::units::{MINUTE_NS, SECOND_NS, Ts};

use crate::link::Connection;

/// When a link that is connected is still not good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// An answer later than this is slow, nanoseconds.
    pub answer_ns: u64,
    /// Answers that are looked at.
    pub answers: usize,
    /// Fewest answers a judgement needs.
    pub answers_min: usize,
    /// Percent of slow or refused answers above which the link rests.
    pub bad_percent: usize,
    /// Answers older than this do not count, nanoseconds.
    pub window_ns: u64,
    /// How long the link rests, nanoseconds.
    pub rest_ns: u64,
    /// A question about an order is asked again after this long, nanoseconds.
    pub status_ns: u64,
}

impl Default for Limits {
    /// Half of the last twenty answers slower than two seconds, or refused, is a link to rest for half a minute.
    fn default() -> Self {
        Self {
            answer_ns: 2 * SECOND_NS,
            answers: 20,
            answers_min: 10,
            bad_percent: 50,
            window_ns: MINUTE_NS,
            rest_ns: 30 * SECOND_NS,
            status_ns: 5 * SECOND_NS,
        }
    }
}

/// Longest wait between two questions about one order.
const STATUS_WAIT_NS_MAX: u64 = MINUTE_NS;
/// Reports whose echo may be under way: mode changes are seconds apart, echoes milliseconds.
const TOLD_MAX: usize = 16;

/// The mode of one link and why. Call [`Supervisor::reconsider`] after anything was told.
#[derive(Debug)]
pub(super) struct Supervisor {
    limits: Limits,
    mode: LinkMode,
    manual: bool,
    /// The core has not been told that a hand set it.
    untold: bool,
    /// A hand has lifted it: the next better mode is told as a hand's.
    lifting: bool,
    seen: Connection,
    started: bool,
    rest_until: Option<Ts>,
    answers: VecDeque<Answer>,
    asked: BTreeMap<OrderId, Asked>,
    /// Reports whose echo has not come back.
    told: VecDeque<(LinkMode, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Ts,
    slow: bool,
    refused: bool,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    again_at: Ts,
    tries: u32,
}

/// What the route must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Tell the core this mode.
    Enter(LinkMode),
    /// Tell the core, and ask about every open order.
    Reconcile,
}

impl Supervisor {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            mode: LinkMode::ReadOnly,
            manual: false,
            untold: false,
            lifting: false,
            seen: Connection::default(),
            started: false,
            rest_until: None,
            answers: VecDeque::new(),
            asked: BTreeMap::new(),
            told: VecDeque::new(),
        }
    }

    pub(super) fn mode(&self) -> LinkMode {
        self.mode
    }

    /// Whether a mode is to be told as a hand's.
    pub(super) fn manual_of(&mut self, mode: LinkMode) -> bool {
        match mode {
            LinkMode::ReadOnly => self.manual,
            LinkMode::Recovering | LinkMode::Live => std::mem::take(&mut self.lifting),
        }
    }

    /// A hand sets the link read-only or lifts that; lifted, it is reconciled before anything else.
    pub(super) fn set_manual(&mut self, on: bool) {
        self.manual = on;
        self.untold = on;
        self.lifting = !on;
        if !on {
            self.mode = LinkMode::ReadOnly;
        }
    }

    /// A report of ours is on its way to the core.
    pub(super) fn told(&mut self, report: &LinkReport) {
        let by_hand = report.manual && report.mode == LinkMode::ReadOnly;
        self.told.push_back((report.mode, by_hand));
        if self.told.len() > TOLD_MAX {
            self.told.pop_front();
        }
    }

    /// A link's mode changed in the core: the echo of our own report, or a hand past this router.
    /// `late`: it happened in an earlier run, so the link is reconciled anyway.
    pub(super) fn on_link_change(&mut self, change: &LinkChange, late: bool) {
        // No report of ours changes the hand alone: a person has given the link back.
        if change.from == change.to && !change.manual {
            return self.set_manual(false);
        }
        let again_by_hand = change.manual && change.from == LinkMode::ReadOnly;
        if again_by_hand && change.to == LinkMode::ReadOnly {
            // Nor is it the echo of one. What was lifted before is no longer to be told.
            (self.manual, self.lifting) = (true, false);
            self.mode = LinkMode::ReadOnly;
            return;
        }
        let echo = (change.to, change.manual);
        if let Some(at) = self.told.iter().position(|told| *told == echo) {
            self.told.drain(..=at);
            return;
        }
        match change.to {
            LinkMode::ReadOnly if change.manual => {
                // The core knows it already: nothing is to be told.
                (self.manual, self.lifting) = (true, false);
                self.mode = LinkMode::ReadOnly;
            }
            LinkMode::ReadOnly => {}
            LinkMode::Live | LinkMode::Recovering => {
                self.manual = false;
                if !late {
                    self.mode = LinkMode::ReadOnly;
                }
            }
        }
    }

    /// An order was answered for the first time.
    pub(super) fn on_answer(&mut self, waited_ns: u64, refused: bool, now: Ts) {
        self.answers.push_back(Answer {
            at: now,
            slow: waited_ns > self.limits.answer_ns,
            refused,
        });
        while self.answers.len() > self.limits.answers {
            self.answers.pop_front();
        }
    }

    pub(super) fn asked(&mut self, order: OrderId, now: Ts) {
        let tries = self.asked.get(&order).map_or(0, |asked| asked.tries);
        let wait = self
            .limits
            .status_ns
            .saturating_mul(1 << tries.min(8))
            .min(STATUS_WAIT_NS_MAX);
        self.asked.insert(
            order,
            Asked {
                again_at: now.plus(wait),
                tries: tries + 1,
            },
        );
    }

    /// The broker said what became of an order, or the core settled it.
    pub(super) fn answered(&mut self, order: OrderId) {
        self.asked.remove(&order);
    }

    /// Questions that are due again.
    pub(super) fn due(&self, now: Ts) -> Vec<OrderId> {
        self.asked
            .iter()
            .filter(|(_, asked)| asked.again_at <= now)
            .map(|(order, _)| *order)
            .collect()
    }

    pub(super) fn poll_deadline(&self) -> Option<Ts> {
        let again = self.asked.values().map(|asked| asked.again_at).min();
        let waits = (self.mode == LinkMode::Recovering)
            .then_some(again)
            .flatten();
        [self.rest_until, waits].into_iter().flatten().min()
    }

    /// The one place that changes the mode; asked until it decides nothing more.
    pub(super) fn reconsider(&mut self, connection: Connection, now: Ts) -> Option<Decision> {
        if self.rest_until.is_some_and(|until| until <= now) {
            self.rest_until = None;
        }
        if self.mode == LinkMode::Live && self.is_bad(now) {
            self.rest_until = Some(now.plus(self.limits.rest_ns));
            self.answers.clear();
        }
        let is_new = connection.count != self.seen.count;
        let must_rest = self.manual || !connection.up || self.rest_until.is_some();
        let first = !std::mem::replace(&mut self.started, true);
        if must_rest || (is_new && self.mode == LinkMode::Live) {
            if !must_rest {
                // Seen only afterwards: the loss is told before the return.
                return self.enter(LinkMode::ReadOnly);
            }
            self.asked.clear();
            let untold = std::mem::take(&mut self.untold) || first;
            let said = self.enter(LinkMode::ReadOnly);
            return said.or(untold.then_some(Decision::Enter(LinkMode::ReadOnly)));
        }
        if self.mode == LinkMode::ReadOnly || is_new {
            self.seen = connection;
            self.mode = LinkMode::Recovering;
            self.asked.clear();
            return Some(Decision::Reconcile);
        }
        if self.mode == LinkMode::Recovering && self.asked.is_empty() {
            // Judged by what it does from here on. What was lost with its connection was refused by this house, and closes
            // that were queued for it go out at once.
            self.answers.clear();
            return self.enter(LinkMode::Live);
        }
        None
    }

    fn enter(&mut self, mode: LinkMode) -> Option<Decision> {
        if self.mode == mode {
            return None;
        }
        self.mode = mode;
        Some(Decision::Enter(mode))
    }

    fn is_bad(&self, now: Ts) -> bool {
        let recent = || {
            self.answers
                .iter()
                .filter(|answer| now.since(answer.at) <= self.limits.window_ns)
        };
        let count = recent().count();
        let above = |bad: usize| bad * 100 > count * self.limits.bad_percent;
        count >= self.limits.answers_min
            && (above(recent().filter(|answer| answer.slow).count())
                || above(recent().filter(|answer| answer.refused).count()))
    }
}
