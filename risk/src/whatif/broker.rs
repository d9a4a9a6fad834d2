//! The broker of an imagined market: fills whatever is sent, at the imagined price.

use super::outcome::{Ledger, OrderOutcome};
use crate::event::*;
use crate::ids::*;
use crate::machine::Machine;
use crate::units::*;
use crate::verdict::Reject;
use crate::view::{Ask, Query, View};
use std::collections::VecDeque;

/// Most instructions carried out in one run: more than a stop-out of every position of the largest book.
const INSTRUCTIONS_MAX: u64 = 1 << 24;

/// Numbers its executions.
#[derive(Debug, Default)]
pub struct Broker {
    instructions: u64,
}

impl Broker {
    /// Asks for an order and sends it.
    pub fn place(
        &mut self,
        copy: &mut Machine,
        ledger: &mut Ledger,
        order: &NewOrder,
    ) -> OrderOutcome {
        let asked = copy.ask(&Ask {
            token: 0,
            query: Query::Preview(Box::new(*order)),
        });
        let preview = match asked.view {
            View::Preview(view) => Some(*view),
            _ => None,
        };
        let out = apply(copy, Body::Order(Box::new(*order)));
        let id = out.iter().find_map(|output| match output {
            Output::Answer(answer) => answer.order,
            _ => None,
        });
        self.follow(copy, ledger, out);
        let filled = id
            .and_then(|id| copy.book().order(id))
            .map_or(Qty(0), |order| order.filled);
        OrderOutcome { preview, filled }
    }

    /// A command of the house; why it was refused, if it was.
    pub fn command(
        &mut self,
        copy: &mut Machine,
        ledger: &mut Ledger,
        body: Body,
    ) -> Option<Reject> {
        let out = apply(copy, body);
        let refused = out.iter().find_map(|output| match output {
            Output::Answer(answer) => answer.reasons.first().copied(),
            _ => None,
        });
        self.follow(copy, ledger, out);
        refused
    }

    /// Carries out what the outputs ask of a broker, and what follows from that.
    pub fn follow(&mut self, copy: &mut Machine, ledger: &mut Ledger, out: Vec<Output>) {
        let mut due: VecDeque<Send> = VecDeque::new();
        let mut read = |out: Vec<Output>, due: &mut VecDeque<Send>| {
            ledger.read(&out);
            due.extend(out.into_iter().filter_map(|output| match output {
                Output::Send(send) => Some(send),
                _ => None,
            }));
        };
        read(out, &mut due);
        while let Some(send) = due.pop_front() {
            if self.instructions >= INSTRUCTIONS_MAX {
                return;
            }
            self.instructions += 1;
            if let Some(report) = self.report(copy, &send) {
                read(apply(copy, Body::Report(report)), &mut due);
            }
        }
    }

    fn report(&self, copy: &Machine, send: &Send) -> Option<BrokerReport> {
        let mut exec = ExecId::default();
        exec[..8].copy_from_slice(&self.instructions.to_be_bytes());
        exec[8] = u8::MAX;
        let (order, event) = match &send.command {
            LinkCommand::Submit(submit) => (submit.id, filled(copy, submit)?),
            LinkCommand::Cancel(id) => (*id, BrokerEvent::Cancelled),
            LinkCommand::Protect(_) | LinkCommand::Status(_) | LinkCommand::Opened(_) => {
                return None;
            }
        };
        Some(BrokerReport {
            link: send.link,
            order,
            exec,
            event,
        })
    }
}

/// A market order in full, a limit that is reached too; everything else waits.
fn filled(copy: &Machine, submit: &Submit) -> Option<BrokerEvent> {
    let prices = copy.book().prices(submit.instrument)?;
    let price = match submit.side {
        Side::Buy => prices.ask,
        Side::Sell => prices.bid,
    };
    let reached = submit.price.is_none_or(|limit| match submit.side {
        Side::Buy => price <= limit.0,
        Side::Sell => price >= limit.0,
    });
    match submit.kind {
        OrderKind::Market if !reached => Some(BrokerEvent::Cancelled),
        OrderKind::Market | OrderKind::Limit if reached => Some(BrokerEvent::Filled(Fill {
            qty: submit.qty,
            price: Price(price),
            commission: Money(0),
        })),
        _ => None,
    }
}

fn apply(copy: &mut Machine, body: Body) -> Vec<Output> {
    let mut out = Vec::new();
    let command = Command {
        ts: copy.now(),
        actor: ActorId(0),
        token: 0,
        body,
    };
    copy.apply(
        copy.last_seq() + 1,
        &Input::Command(Box::new(command)),
        &mut out,
    );
    out
}
