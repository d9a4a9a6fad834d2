//! A machine with one link, one source and one group, driven by inputs: what the adapters build an example on.

use crate::Fault;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Ask, Query, View};

pub const LINK: LinkId = LinkId(1);
pub const SOURCE: SourceId = SourceId(1);
pub const GROUP: GroupId = GroupId(1);
pub const ACCOUNT: AccountId = AccountId(1);
pub const USD: CurrencyId = CurrencyId(1);
pub const EUR: CurrencyId = CurrencyId(2);
/// 2025-01-06, a Monday, 12:00 UTC.
pub const START: Ts = Ts(1_736_164_800_000_000_000);

/// A running machine and the time of its next input.
pub struct Desk {
    pub machine: Machine,
    pub now: Ts,
    seq: Seq,
}

impl Default for Desk {
    fn default() -> Self {
        Desk::new()
    }
}

impl Desk {
    /// A machine that has seen nothing.
    pub fn new() -> Desk {
        Desk {
            machine: Machine::new(),
            now: START,
            seq: 0,
        }
    }

    /// A machine with currencies, a source, a live link and a group.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the machine refuses the group.
    pub fn open(currencies: &[CurrencyTerms], group: &GroupTerms) -> Result<Desk, Fault> {
        let mut desk = Desk::new();
        for currency in currencies {
            desk.must(Body::Currency(*currency))?;
        }
        desk.must(Body::Source(SourceTerms {
            id: SOURCE,
            kind: SourceKind::Gateway,
            crossed: Crossed::Accept,
            filtered: false,
        }))?;
        desk.must(Body::Link(LinkTerms {
            id: LINK,
            protective: HeldBy::Core,
            answer_timeout_ns: 10 * SECOND_NS,
            queue_tolerance: Ratio::percent(1),
            queue_expiry_ns: HOUR_NS,
            trades_closed: false,
        }))?;
        desk.must(Body::LinkState(LinkReport {
            link: LINK,
            mode: LinkMode::Live,
            manual: false,
        }))?;
        desk.must(Body::Group(Box::new(*group)))?;
        Ok(desk)
    }

    /// Lists an instrument fed by the desk's source, its session open for a year.
    ///
    /// # Errors
    /// [`Fault::Refused`].
    pub fn list(&mut self, mut terms: InstrumentTerms) -> Result<(), Fault> {
        let instrument = terms.id;
        terms.feeds = vec![Feed {
            source: SOURCE,
            timeout_ns: 10 * SECOND_NS,
        }];
        self.must(Body::Instrument(Box::new(terms)))?;
        let session = Session {
            instrument,
            open: true,
            at: self.now,
            until: self.now.plus(365 * DAY_NS),
        };
        self.must(Body::Session(session)).map(|_| ())
    }

    /// Applies an input.
    pub fn put(&mut self, input: &Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.seq += 1;
        self.machine.apply(self.seq, input, &mut out);
        out
    }

    /// A command.
    pub fn command(&mut self, body: Body) -> Vec<Output> {
        let command = Command {
            ts: self.now,
            actor: ActorId(1),
            token: self.seq + 1,
            body,
        };
        self.put(&Input::Command(Box::new(command)))
    }

    /// A command that must be accepted.
    ///
    /// # Errors
    /// [`Fault::Refused`] with the machine's reasons.
    pub fn must(&mut self, body: Body) -> Result<Vec<Output>, Fault> {
        let out = self.command(body);
        match refusal(&out) {
            Some(reasons) => Err(Fault::Refused(reasons)),
            None => Ok(out),
        }
    }

    /// A quote of the desk's source.
    pub fn quote(&mut self, instrument: InstrumentId, bid: i64, ask: i64) -> Vec<Output> {
        self.put(&Input::Quote(Quote {
            ts: self.now,
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument,
            source: SOURCE,
            merged: 0,
            kind: QuoteKind::Firm,
        }))
    }

    /// Time goes on by `ns`.
    pub fn wait(&mut self, ns: u64) -> Vec<Output> {
        self.now = self.now.plus(ns);
        self.put(&Input::Clock(self.now))
    }

    /// What an account looks like now.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn account(&self, id: AccountId) -> Result<AccountView, Fault> {
        let ask = Ask {
            token: 0,
            query: Query::Account(id),
        };
        match self.machine.ask(&ask).view {
            View::Account(view) => Ok(*view),
            _ => Err(Fault::Other(format!("no account {}", id.0))),
        }
    }
}

/// The reasons of the first refusing answer.
pub fn refusal(out: &[Output]) -> Option<Vec<siaga_risk::verdict::Reject>> {
    out.iter().find_map(|output| match output {
        Output::Answer(answer) if !answer.reasons.is_empty() => Some(answer.reasons.clone()),
        _ => None,
    })
}
