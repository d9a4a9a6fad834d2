//! What the house has said out loud, and which orders that forbids: the table of refusals, the limits on exposure and the
//! limits on messages and executions, read from outside.

use crate::charges::Prices;
use crate::flow::Flow;
use crate::limits::Limits;
use crate::world::{ACCOUNTS, Rules, group_of, is_hedging};
use crate::{Fault, Invariant};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use std::collections::{BTreeMap, BTreeSet};

/// What an output follows from.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub seq: Seq,
    pub input: &'a Input,
    /// As they were when it was told, where somebody knows.
    pub prices: Option<&'a Prices>,
}

/// Conditions as they were told.
#[derive(Clone, Debug)]
pub struct Refusals {
    modes: BTreeMap<Scope, TradingMode>,
    kills: BTreeSet<Scope>,
    halts: BTreeSet<InstrumentId>,
    feeds: BTreeMap<InstrumentId, FeedState>,
    link: Option<LinkMode>,
    margins: BTreeMap<AccountId, MarginState>,
    reviews: BTreeSet<AccountId>,
    positions: BTreeMap<PositionId, PositionChange>,
    /// Orders that a broker has and executes at once, and what is left of each.
    executing: BTreeMap<OrderId, (Submit, i64)>,
    limits: Limits,
    flow: Flow,
    /// The broker trades while our session is closed.
    trades_closed: bool,
    /// Instructions looked at that open something.
    pub opened: u64,
}

impl Refusals {
    /// Nothing was told.
    pub fn new(rules: Rules) -> Refusals {
        Refusals {
            modes: BTreeMap::new(),
            kills: BTreeSet::new(),
            halts: BTreeSet::new(),
            feeds: BTreeMap::new(),
            link: None,
            margins: BTreeMap::new(),
            reviews: BTreeSet::new(),
            positions: BTreeMap::new(),
            executing: BTreeMap::new(),
            limits: Limits::default(),
            flow: Flow::new(rules),
            trades_closed: rules.trades_closed,
            opened: 0,
        }
    }

    /// Takes note of an output; outputs come in their order.
    ///
    /// # Errors
    /// An instruction to a broker opens a position, or an order was accepted, although something that was told before
    /// forbids it.
    pub fn see(&mut self, cause: Seen<'_>, output: &Output) -> Result<(), Fault> {
        let opens = self.accepted(cause, output)?;
        self.flow.see(cause.seq, cause.input, output, opens)?;
        self.limits.see(output);
        match output {
            Output::Mode(change) => {
                self.modes.insert(change.set.scope, change.set.mode);
            }
            Output::Kill(change) if change.set.on => {
                self.kills.insert(change.set.scope);
            }
            Output::Kill(change) => {
                self.kills.remove(&change.set.scope);
            }
            Output::Halt(change) if change.on => {
                self.halts.insert(change.instrument);
            }
            Output::Halt(change) => {
                self.halts.remove(&change.instrument);
            }
            Output::Feed(change) => {
                self.feeds.insert(change.instrument, change.to);
            }
            Output::Link(change) => self.link = Some(change.to),
            Output::Margin(change) => {
                self.margins.insert(change.account, change.to);
            }
            Output::Terms(TermsChange::Review(set)) if set.on => {
                self.reviews.insert(set.account);
            }
            Output::Terms(TermsChange::Review(set)) => {
                self.reviews.remove(&set.account);
            }
            Output::Position(change) if change.qty.0 == 0 => {
                self.positions.remove(&change.id);
            }
            Output::Position(change) => {
                self.positions.insert(change.id, *change);
            }
            Output::Order(change) => self.follow(change),
            Output::Send(send) => {
                if let LinkCommand::Submit(submit) = &send.command {
                    self.check(submit)?;
                    if executes(submit) {
                        let left = submit.qty.0;
                        self.executing.insert(submit.id, (**submit, left));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the output is the answer to an order that opens for sure. Such a one was held against the limits.
    fn accepted(&self, cause: Seen<'_>, output: &Output) -> Result<bool, Fault> {
        let (Input::Command(command), Output::Answer(answer)) = (cause.input, output) else {
            return Ok(false);
        };
        let Body::Order(order) = &command.body else {
            return Ok(false);
        };
        let opens = self.limits.opens_for_sure(order);
        let accepted = answer.reasons.is_empty() && !answer.repeated;
        if let Some(prices) = cause.prices.filter(|_| opens && accepted) {
            self.limits.check(order, prices)?;
        }
        Ok(opens)
    }

    /// A limit that did not trade at once may never trade.
    fn follow(&mut self, change: &OrderChange) {
        use OrderState::*;
        let Some((submit, left)) = self.executing.get_mut(&change.id) else {
            return;
        };
        *left = submit.qty.0 - change.filled.0;
        let ended = matches!(
            change.state,
            Filled | Cancelled | Rejected | Expired | Returned
        );
        let rests = !at_once(submit) && change.state != Submitted;
        if ended || rests {
            self.executing.remove(&change.id);
        }
    }

    fn check(&mut self, submit: &Submit) -> Result<(), Fault> {
        let closes = self.closes(submit);
        let is_closed = self.feeds.get(&submit.instrument) == Some(&FeedState::Closed);
        if is_closed && !(closes && self.trades_closed) {
            let what = format!(
                "order {} was sent while the session of instrument {} is closed",
                submit.id.0, submit.instrument.0
            );
            return Err(Fault::new(Invariant::Refused, what));
        }
        if closes {
            return Ok(());
        }
        self.opened += 1;
        match self.forbidden(submit) {
            None => Ok(()),
            Some(why) => Err(Fault::new(
                Invariant::Refused,
                format!(
                    "order {} of account {} opens although {why}",
                    submit.id.0, submit.account.0
                ),
            )),
        }
    }

    /// Names a position of a hedging account, or leaves the net of a netting account smaller without changing its sign,
    /// after everything that is on its way on the same side.
    fn closes(&self, submit: &Submit) -> bool {
        if is_hedging(submit.account) {
            return submit.position.is_some();
        }
        let of = self.positions.values().filter(|position| {
            position.account == submit.account && position.instrument == submit.instrument
        });
        let signed = |side: Side, qty: i64| if side == Side::Buy { qty } else { -qty };
        let net: i64 = of
            .map(|position| signed(position.side, position.qty.0))
            .sum();
        let change = signed(submit.side, submit.qty.0);
        let alike = |other: &&(Submit, i64)| {
            let (other, _) = other;
            (other.account, other.instrument, other.side)
                == (submit.account, submit.instrument, submit.side)
        };
        let executing = self.executing.values().filter(alike);
        let on_its_way: i64 = executing.map(|(_, left)| left).sum();
        net.signum() == -change.signum() && change.abs() + on_its_way <= net.abs()
    }

    fn forbidden(&self, submit: &Submit) -> Option<String> {
        let (account, instrument) = (submit.account, submit.instrument);
        let scopes = [
            Scope::House,
            Scope::Group(group_of(account)),
            Scope::Account(account),
            Scope::Instrument(instrument),
        ];
        for scope in &scopes {
            if self.kills.contains(scope) {
                return Some(format!("the kill switch of {scope:?} is on"));
            }
            match self.modes.get(scope) {
                None | Some(TradingMode::Normal) => {}
                Some(mode) => return Some(format!("{scope:?} is in mode {mode:?}")),
            }
        }
        if let Some(mode) = self.link.filter(|mode| *mode != LinkMode::Live) {
            return Some(format!("the link is {mode:?}"));
        }
        if let Some(feed) = self
            .feeds
            .get(&instrument)
            .filter(|feed| **feed != FeedState::Live)
        {
            return Some(format!(
                "market data of instrument {} is {feed:?}",
                instrument.0
            ));
        }
        let state = self.margins.get(&account).copied();
        if let Some(state) = state.filter(|state| *state >= MarginState::Restricted) {
            return Some(format!("it is in margin state {state:?}"));
        }
        if self.reviews.contains(&account) {
            return Some("it is under review".into());
        }
        let trader = self.limits.trader(submit.id);
        if let Some(scope) = self.flow.forbids(account, trader) {
            return Some(format!("{scope:?} is latched by repeated executions"));
        }
        let leveraged = ACCOUNTS
            .iter()
            .any(|(id, _, _, leverage)| *id == account && *leverage > 1);
        (leveraged && self.halts.contains(&instrument))
            .then(|| format!("instrument {} is halted", instrument.0))
    }
}

fn at_once(submit: &Submit) -> bool {
    submit.kind == OrderKind::Market || matches!(submit.tif, Tif::Ioc | Tif::Fok)
}

/// It trades as soon as the broker has it, at the price its owner saw.
fn executes(submit: &Submit) -> bool {
    let reached = submit.price.is_some_and(|price| match submit.side {
        Side::Buy => submit.seen <= price,
        Side::Sell => submit.seen >= price,
    });
    at_once(submit) || (submit.kind == OrderKind::Limit && reached)
}
