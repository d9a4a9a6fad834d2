//! One link with its supervisor: what was handed over, what may be open, what is asked.

use std::collections::{BTreeMap, VecDeque};

use siaga_risk::event::*;
use siaga_risk::ids::{OrderId, PositionId};
use siaga_risk::units::Ts;
use siaga_risk::verdict::Reject;

use super::audit::Audit;
use super::supervisor::{Decision, Limits, Supervisor};
use crate::link::{Holdings, Link, LinkEvent, OpenOrder};

pub(super) struct Route {
    pub(super) link: Box<dyn Link>,
    supervisor: Supervisor,
    answer_ns: u64,
    /// Orders that may be at the broker, and the connection they were given on; 0 is an earlier run.
    open: BTreeMap<OrderId, u64>,
    /// Orders handed over in this run that the broker has not answered, and when.
    unanswered: BTreeMap<OrderId, Ts>,
    /// Newest protective prices that could not be handed over.
    protects: BTreeMap<PositionId, Protect>,
    pub(super) audit: Audit,
    /// What the broker holds by its last answer, until it is compared.
    pub(super) heard: Option<Holdings>,
}

impl Route {
    pub(super) fn new(link: Box<dyn Link>, limits: Limits) -> Self {
        Self {
            link,
            supervisor: Supervisor::new(limits),
            answer_ns: limits.answer_ns,
            open: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            protects: BTreeMap::new(),
            audit: Audit::default(),
            heard: None,
        }
    }

    pub(super) fn mode(&self) -> LinkMode {
        self.supervisor.mode()
    }

    pub(super) fn adopt(&mut self, order: &OpenOrder, now: Ts) {
        self.open.insert(order.submit.id, 0);
        self.link.adopt(order, now);
    }

    pub(super) fn forget(&mut self, order: OrderId) {
        self.open.remove(&order);
        self.unanswered.remove(&order);
        self.supervisor.answered(order);
        self.link.ended(order);
    }

    pub(super) fn on_link_change(&mut self, change: &LinkChange, late: bool) {
        self.supervisor.on_link_change(change, late);
    }

    pub(super) fn set_manual(&mut self, on: bool) {
        self.supervisor.set_manual(on);
    }

    /// Gives an instruction to the link when it may have it, or says why not. `late`: it is of an earlier run.
    pub(super) fn hand_over(
        &mut self,
        command: &LinkCommand,
        late: bool,
        now: Ts,
    ) -> Result<(), Reject> {
        let live = self.supervisor.mode() == LinkMode::Live && self.link.connection().up;
        match command {
            LinkCommand::Submit(_) if live && !late && !self.link.has_room() => {
                return Err(Reject::Busy);
            }
            LinkCommand::Submit(submit) if live && !late => {
                self.open.insert(submit.id, self.link.connection().count);
                self.unanswered.insert(submit.id, now);
            }
            LinkCommand::Submit(_) => return Err(Reject::ReadOnly),
            // The core asks about an order that the next reconciliation must settle too.
            LinkCommand::Status(order) => {
                self.open.entry(*order).or_insert(0);
            }
            LinkCommand::Protect(protect) if !live => {
                self.protects.insert(protect.position, *protect);
            }
            LinkCommand::Protect(_) | LinkCommand::Cancel(_) | LinkCommand::Opened(_) => {}
        }
        if !live {
            return Err(Reject::ReadOnly);
        }
        self.link.command(command, now);
        Ok(())
    }

    /// Moves what the link said into `inputs` and lets the supervisor decide; returns the number of reports.
    pub(super) fn settle(
        &mut self,
        inputs: &mut VecDeque<Body>,
        inputs_max: usize,
        now: Ts,
    ) -> u64 {
        let mut reports = self.collect(inputs, inputs_max, now);
        while let Some(decision) = self.supervisor.reconsider(self.link.connection(), now) {
            let mode = match decision {
                Decision::Enter(mode) => mode,
                Decision::Reconcile => LinkMode::Recovering,
            };
            let report = LinkReport {
                link: self.link.id(),
                mode,
                manual: self.supervisor.manual_of(mode),
            };
            self.supervisor.told(&report);
            inputs.push_back(Body::LinkState(report));
            if decision == Decision::Reconcile {
                self.reconcile(now);
                reports += self.collect(inputs, inputs_max, now);
            }
            if mode == LinkMode::Live {
                self.hand_over_protects(now);
            }
        }
        reports
    }

    pub(super) fn poll_deadline(&self) -> Option<Ts> {
        let slow = self
            .unanswered
            .values()
            .min()
            .map(|at| at.plus(self.answer_ns));
        [
            self.link.poll_deadline(),
            self.supervisor.poll_deadline(),
            self.audit.poll_deadline(),
            slow,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn on_deadline(&mut self, now: Ts) {
        self.link.on_deadline(now);
        let answer_ns = self.answer_ns;
        let supervisor = &mut self.supervisor;
        self.unanswered.retain(|_, at| {
            let waited = now.since(*at);
            let is_slow = waited >= answer_ns;
            if is_slow {
                supervisor.on_answer(waited.saturating_add(1), false, now);
            }
            !is_slow
        });
        if supervisor.mode() == LinkMode::Recovering {
            for order in supervisor.due(now) {
                supervisor.asked(order, now);
                self.link.status(order, now);
            }
        }
        // A link that is read-only is asked when it comes back.
        if self.audit.is_due(now) && self.supervisor.mode() != LinkMode::ReadOnly {
            self.ask_holdings(now);
        }
    }

    /// Asks what the broker holds, where it can say that. Executions it was asked about before are told before.
    fn ask_holdings(&mut self, now: Ts) {
        if !self.link.capabilities().holdings {
            return;
        }
        match self.link.holdings(now) {
            Ok(()) => self.audit.asked(now),
            Err(_) => tracing::warn!(
                link = self.link.id().0,
                "the link does not say what it holds"
            ),
        }
    }

    fn collect(&mut self, inputs: &mut VecDeque<Body>, inputs_max: usize, now: Ts) -> u64 {
        let mut reports = 0;
        while inputs.len() < inputs_max
            && let Some(event) = self.link.poll_event()
        {
            let (report, answers) = match event {
                LinkEvent::Report(report) => (report, false),
                LinkEvent::Status(report) => (self.decided(report), true),
                LinkEvent::Closed(close) => {
                    reports += 1;
                    inputs.push_back(Body::BrokerClose(close));
                    continue;
                }
                LinkEvent::Holdings(holdings) => {
                    self.heard = Some(holdings);
                    continue;
                }
                // The core changes no order where it stands.
                LinkEvent::Replaced(_) => continue,
            };
            reports += 1;
            if let Some(at) = self.unanswered.remove(&report.order) {
                let refused = matches!(report.event, BrokerEvent::Rejected(_));
                self.supervisor.on_answer(now.since(at), refused, now);
            }
            if answers {
                self.supervisor.answered(report.order);
            }
            inputs.push_back(Body::Report(report));
            if answers && matches!(report.event, BrokerEvent::Filled(_)) {
                inputs.push_back(Body::Report(ended(report)));
            }
        }
        reports
    }

    /// An answer for the core. An order unknown after its connection has died was never placed.
    fn decided(&self, mut report: BrokerReport) -> BrokerReport {
        let given_on = self.open.get(&report.order).copied().unwrap_or(0);
        let is_dead = given_on < self.link.connection().count;
        let is_unknown = report.event == BrokerEvent::Unknown;
        if is_unknown && is_dead && self.link.capabilities().unknown_is_final {
            report.event = BrokerEvent::Rejected(Reject::ReadOnly.code());
        }
        report
    }

    fn reconcile(&mut self, now: Ts) {
        for order in self.open.keys() {
            self.supervisor.asked(*order, now);
            self.link.status(*order, now);
        }
        self.ask_holdings(now);
    }

    fn hand_over_protects(&mut self, now: Ts) {
        for protect in std::mem::take(&mut self.protects).into_values() {
            self.link.protect(&protect, now);
        }
    }
}

/// A question that is answered by an order's last execution: nothing of it works any more. A fill that is only said
/// again, by a report, says nothing of that.
fn ended(report: BrokerReport) -> BrokerReport {
    BrokerReport {
        exec: [0; 16],
        event: BrokerEvent::Ended,
        ..report
    }
}
