//! Messages and executions counted the slow way: who sends too many may open nothing meanwhile, and who executes the same
//! thing again and again is latched.

use crate::world::{RATE_WINDOW_NS, Rules, is_hedging};
use crate::{Fault, Invariant};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::Ts;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who executes what, on which side.
type Kind = (Scope, InstrumentId, Side);

/// What was counted.
#[derive(Clone, Debug)]
pub struct Flow {
    rules: Rules,
    now: Ts,
    /// Messages that count for sure.
    messages: BTreeMap<AccountId, VecDeque<Ts>>,
    /// Clients' orders that open for sure and that nothing was executed of.
    fresh: BTreeMap<OrderId, Kind>,
    executions: BTreeMap<Kind, VecDeque<Ts>>,
    latched: BTreeSet<Scope>,
    /// The input that last changed it.
    changed: BTreeMap<Scope, Seq>,
}

fn refused(what: String) -> Fault {
    Fault::new(Invariant::Refused, what)
}

/// Counts that are older than the window no longer count.
fn forget(times: &mut VecDeque<Ts>, now: Ts, window_ns: u64) {
    while times
        .front()
        .is_some_and(|first| now.since(*first) >= window_ns)
    {
        times.pop_front();
    }
}

impl Flow {
    /// Nothing has been counted.
    pub fn new(rules: Rules) -> Flow {
        Flow {
            rules,
            now: Ts(0),
            messages: BTreeMap::new(),
            fresh: BTreeMap::new(),
            executions: BTreeMap::new(),
            latched: BTreeSet::new(),
            changed: BTreeMap::new(),
        }
    }

    /// Takes note of an output of an input; `opens` says that the order of the input opens for sure.
    ///
    /// # Errors
    /// An order was accepted beyond the rate, or repeated executions did not latch.
    pub fn see(
        &mut self,
        seq: Seq,
        input: &Input,
        output: &Output,
        opens: bool,
    ) -> Result<(), Fault> {
        self.now = self.now.max(input.ts());
        match output {
            Output::Answer(answer) => match input {
                Input::Command(command) => self.answered(&command.body, answer, opens),
                _ => Ok(()),
            },
            Output::Throttle(change) => {
                if change.on {
                    self.latched.insert(change.scope);
                } else {
                    self.latched.remove(&change.scope);
                }
                self.changed.insert(change.scope, seq);
                self.clear(change.scope);
                Ok(())
            }
            Output::Deal(deal) => self.executed(seq, deal),
            _ => Ok(()),
        }
    }

    /// What forbids a trader's order of an account to open.
    pub fn forbids(&self, account: AccountId, trader: u32) -> Option<Scope> {
        let of = [Scope::Account(account), Scope::Trader(trader)];
        of.into_iter().find(|scope| self.latched.contains(scope))
    }

    fn answered(&mut self, body: &Body, answer: &Answer, opens: bool) -> Result<(), Fault> {
        let accepted = answer.reasons.is_empty() && !answer.repeated;
        match body {
            Body::Order(order) if accepted => {
                if opens && let Some(id) = answer.order {
                    self.in_time(order.account)?;
                    if is_hedging(order.account) {
                        let kind = (owner(order), order.instrument, order.side);
                        self.fresh.insert(id, kind);
                    }
                }
                self.message(order.account);
            }
            Body::Cancel(cancel) => self.message(cancel.account),
            Body::Protect(set) if accepted => self.message(set.account),
            Body::Reenable(set) if accepted => self.clear(set.scope),
            _ => {}
        }
        Ok(())
    }

    fn message(&mut self, account: AccountId) {
        let times = self.messages.entry(account).or_default();
        times.push_back(self.now);
        forget(times, self.now, RATE_WINDOW_NS);
    }

    fn in_time(&mut self, account: AccountId) -> Result<(), Fault> {
        let times = self.messages.entry(account).or_default();
        forget(times, self.now, RATE_WINDOW_NS);
        if times.len() < self.rules.rate_max as usize {
            return Ok(());
        }
        Err(refused(format!(
            "account {} opens with its message {} within a second, and {} are allowed",
            account.0,
            times.len() + 1,
            self.rules.rate_max
        )))
    }

    fn executed(&mut self, seq: Seq, deal: &Deal) -> Result<(), Fault> {
        let terms = self.rules.throttle;
        let Some(kind) = self.fresh.remove(&deal.order) else {
            return Ok(());
        };
        // What latched is said before the execution that did.
        let just_latched = self.changed.get(&kind.0) == Some(&seq);
        if terms.executions_max == 0 || just_latched {
            return Ok(());
        }
        let times = self.executions.entry(kind).or_default();
        forget(times, self.now, terms.window_ns);
        times.push_back(self.now);
        let count = times.len();
        if count < terms.executions_max as usize || self.latched.contains(&kind.0) {
            return Ok(());
        }
        Err(refused(format!(
            "{:?} has executed {:?} of instrument {} {count} times, and is not latched",
            kind.0, kind.2, kind.1.0
        )))
    }

    fn clear(&mut self, scope: Scope) {
        self.executions.retain(|(owner, ..), _| *owner != scope);
    }
}

/// Who answers for an order: its trader, else its account. Nobody names a strategy here.
fn owner(order: &NewOrder) -> Scope {
    match order.trader {
        0 => Scope::Account(order.account),
        trader => Scope::Trader(trader),
    }
}
