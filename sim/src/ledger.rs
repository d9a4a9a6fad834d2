//! The books kept the slow way from the durable outputs and the inputs that caused them: cash, deals, positions, nights,
//! orders. What the machine says of an account must be the same.

use crate::charges::{Marks, Prices, floating, result, swap};
use crate::dice::Dice;
use crate::exact::Fraction;
use crate::world::{ACCOUNTS, USD, digits, is_at_mark};
use crate::{Fault, Invariant};
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;
use siaga_risk::watch::WORTH_MAX;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A position as the deals made it.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: PositionId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub qty: i64,
    /// Quantity × open price.
    pub cost: i128,
    opened: Ts,
    /// Minor units of the account's currency.
    swap: i64,
    /// Nights that are over and that were not told of: each is told by itself.
    due: VecDeque<i64>,
}

/// An input, and the prices it found.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'a> {
    pub seq: Seq,
    pub input: &'a Input,
    /// Kept for inputs that changed positions.
    pub prices: Option<&'a Prices>,
}

impl<'a> Cause<'a> {
    /// What a broker says of an order.
    fn report(&self) -> Option<&'a BrokerReport> {
        let Input::Command(command) = self.input else {
            return None;
        };
        match &command.body {
            Body::Report(report) => Some(report),
            _ => None,
        }
    }
}

/// The slow books.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    now: Ts,
    balances: BTreeMap<AccountId, i64>,
    credits: BTreeMap<AccountId, i64>,
    positions: BTreeMap<PositionId, Held>,
    orders: BTreeMap<OrderId, (AccountId, OrderState, Side)>,
    /// Accounts whose last position was closed, until they are seen at zero or above.
    emptied: BTreeSet<AccountId>,
    /// Rollovers ahead: days, and the input that planned them.
    nights: BTreeMap<(Ts, InstrumentId), (u8, Seq)>,
    /// Executions that were booked, by the broker's id.
    executions: BTreeSet<ExecId>,
    /// Quantity that was booked, by order, less what was taken back; and by the broker's own id where the broker closed by
    /// itself.
    executed: BTreeMap<OrderId, i64>,
    closed: BTreeMap<ExecId, i64>,
    /// Quantity that was executed and not booked, by order and the broker's id; and how many executions of an order the
    /// house said it has not booked.
    unbooked: BTreeMap<(OrderId, ExecId), i64>,
    waiting: BTreeMap<OrderId, u32>,
    references: BTreeSet<(AccountId, u64)>,
    /// Inputs that asked for a movement and were accepted, and those whose movement was booked.
    asked: BTreeSet<Seq>,
    paid: BTreeSet<Seq>,
    pub deals: u64,
    /// Executions taken back, and closes that the broker made by itself.
    pub busts: u64,
    pub closes: u64,
    /// Positions charged over a night.
    pub swaps: u64,
}

fn books(what: String) -> Fault {
    Fault::new(Invariant::Books, what)
}

fn currency(account: AccountId) -> CurrencyId {
    let known = ACCOUNTS.iter().find(|(id, ..)| *id == account);
    known.map_or(USD, |(_, currency, ..)| *currency)
}

/// Whether the machine takes it for a position's result; a larger one leaves the account's level unknown.
fn is_held(result: Fraction, currency: CurrencyId) -> bool {
    let unit = 10i128.pow(u32::from(FINE_DIGITS - digits(currency)));
    result.round().abs() <= WORTH_MAX / unit
}

impl Ledger {
    /// The next input, before anything it caused: nights that are over are charged.
    ///
    /// # Errors
    /// A charge that cannot be computed, because the machine told of none; an account that was left below zero.
    pub fn pass(&mut self, cause: Cause<'_>) -> Result<(), Fault> {
        self.lifted()?;
        self.now = self.now.max(cause.input.ts());
        if let Some(report) = cause.report()
            && let BrokerEvent::Bust(exec) = report.event
        {
            self.unbooked.remove(&(report.order, exec));
        }
        let over: Vec<(Ts, InstrumentId)> = self
            .nights
            .range(..=(self.now, InstrumentId(u32::MAX)))
            .filter(|(_, (_, planned))| *planned < cause.seq)
            .map(|(night, _)| *night)
            .collect();
        for night in over {
            let (days, _) = self.nights.remove(&night).unwrap_or_default();
            let of = self.positions.values_mut();
            // Who came after a night that is told late pays nothing for it.
            for held in of.filter(|held| held.instrument == night.1 && held.opened <= night.0) {
                let day = cause
                    .prices
                    .and_then(|prices| swap(held, currency(held.account), prices));
                let day = day.ok_or_else(|| {
                    books(format!("position {} was not charged a night", held.id.0))
                })?;
                held.due.push_back(day * i64::from(days));
                self.swaps += 1;
            }
        }
        Ok(())
    }

    /// Nobody is left with a debt without a position.
    fn lifted(&mut self) -> Result<(), Fault> {
        for account in std::mem::take(&mut self.emptied) {
            let balance = self.covered(account);
            let holds = self.positions.values().any(|held| held.account == account);
            if balance < 0 && !holds {
                let what = format!("account {}: a balance of {balance} was left", account.0);
                return Err(Fault::new(Invariant::Money, what));
            }
        }
        Ok(())
    }

    /// Books a durable output.
    ///
    /// # Errors
    /// Something was applied twice, or a number does not follow.
    pub fn book(&mut self, cause: Cause<'_>, output: &Output) -> Result<(), Fault> {
        match output {
            Output::Answer(answer) => {
                self.answer(cause, answer);
                Ok(())
            }
            Output::Cash(booked) => self.cash(cause, booked),
            Output::Deal(deal) => self.deal(cause, deal),
            Output::Position(change) => self.position(change),
            Output::Order(change) => {
                let entry = (change.order.account, change.state, change.order.side);
                self.orders.insert(change.id, entry);
                self.not_booked(cause, change);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A position of an account.
    pub fn any_position(&self, account: AccountId, dice: &mut Dice) -> Option<Held> {
        let of: Vec<&Held> = self
            .positions
            .values()
            .filter(|held| held.account == account)
            .collect();
        (!of.is_empty()).then(|| of[dice.below(of.len() as u64) as usize].clone())
    }

    /// An open order of an account.
    pub fn any_order(&self, account: AccountId, dice: &mut Dice) -> Option<OrderId> {
        use OrderState::*;
        let open: Vec<OrderId> = self
            .orders
            .iter()
            .filter(|(_, (of, state, _))| {
                *of == account
                    && matches!(state, Pending | Submitted | Working | PartlyFilled | Queued)
            })
            .map(|(id, _)| *id)
            .collect();
        (!open.is_empty()).then(|| dice.pick(&open))
    }

    fn answer(&mut self, cause: Cause<'_>, answer: &Answer) {
        let Input::Command(command) = cause.input else {
            return;
        };
        if !answer.reasons.is_empty() || answer.repeated {
            return;
        }
        match &command.body {
            Body::Cash(_) => {
                self.asked.insert(cause.seq);
            }
            Body::Rollover(night) => {
                let planned = (night.days, cause.seq);
                self.nights.insert((night.at, night.instrument), planned);
            }
            _ => {}
        }
    }

    /// A balance with the credit that covers it.
    fn covered(&self, account: AccountId) -> i64 {
        let of = |map: &BTreeMap<AccountId, i64>| map.get(&account).copied().unwrap_or_default();
        of(&self.balances) + of(&self.credits)
    }

    /// Money moves because somebody asked for just that, once; only a compensation comes from the house itself, and
    /// lifts what credit does not cover.
    fn cash(&mut self, cause: Cause<'_>, booked: &CashBooked) -> Result<(), Fault> {
        let cash = &booked.cash;
        let minted = |what: String| Err(Fault::new(Invariant::Money, what));
        let account = cash.account.0;
        if cash.kind == CashKind::Compensation {
            let before = self.covered(cash.account);
            if before >= 0 || cash.amount.0 != -before {
                return minted(format!(
                    "account {account}: a balance of {before} was compensated by {}",
                    cash.amount.0
                ));
            }
        } else {
            let asked = match cause.input {
                Input::Command(command) => match &command.body {
                    Body::Cash(asked) => Some(asked),
                    _ => None,
                },
                _ => None,
            };
            if asked != Some(cash) || !self.paid.insert(cause.seq) {
                return minted(format!(
                    "account {account}: {} was booked by input {}, which asked for {asked:?}",
                    cash.amount.0, cause.seq
                ));
            }
        }
        if cash.reference != 0 && !self.references.insert((cash.account, cash.reference)) {
            let what = format!(
                "movement {} of account {account} was booked twice",
                cash.reference
            );
            return Err(Fault::new(Invariant::Once, what));
        }
        let side = if cash.kind == CashKind::Credit {
            &mut self.credits
        } else {
            &mut self.balances
        };
        *side.entry(cash.account).or_default() += cash.amount.0;
        self.balance_is(cash.account, booked.balance)
    }

    fn deal(&mut self, cause: Cause<'_>, deal: &Deal) -> Result<(), Fault> {
        self.deals += 1;
        self.count(deal);
        let filled = cause.report().is_some_and(|report| {
            matches!(report.event, BrokerEvent::Filled(_)) && report.exec == deal.exec
        });
        if let Some(left) = self
            .unbooked
            .get_mut(&(deal.order, deal.exec))
            .filter(|_| filled)
        {
            *left -= deal.qty.0;
        }
        let realised = self.deal_position(cause, deal)?;
        if deal.realised.0 != realised {
            return Err(books(format!(
                "order {}: {} of position {} realise {realised} by its fills and {} as told",
                deal.order.0, deal.qty.0, deal.position.0, deal.realised.0
            )));
        }
        *self.balances.entry(deal.account).or_default() += realised - deal.commission.0;
        self.balance_is(deal.account, deal.balance)?;
        let mut open = self.positions.values().filter(|held| held.qty > 0);
        if !open.any(|held| held.account == deal.account) {
            self.emptied.insert(deal.account);
        }
        // One execution may close several positions of a netting account and open another; the key tells them apart.
        let mut key = deal.exec;
        for (at, byte) in deal.position.0.to_le_bytes().iter().enumerate() {
            key[8 + at] ^= byte.rotate_left(3) ^ deal.side as u8;
        }
        if deal.exec != [0; 16] && !self.executions.insert(key) {
            let what = format!("an execution of order {} was booked twice", deal.order.0);
            return Err(Fault::new(Invariant::Once, what));
        }
        Ok(())
    }

    /// The house says that it has not booked an execution; what it books of it nevertheless comes behind that.
    fn not_booked(&mut self, cause: Cause<'_>, change: &OrderChange) {
        let before = self.waiting.insert(change.id, change.unbooked);
        let report = cause.report().filter(|report| report.order == change.id);
        if let Some(report) = report.filter(|_| change.unbooked > before.unwrap_or_default())
            && let BrokerEvent::Filled(fill) = report.event
        {
            let key = (report.order, report.exec);
            self.unbooked.insert(key, fill.qty.0);
        }
    }

    /// What was executed of an order. On the other side than the order it is taken back.
    fn count(&mut self, deal: &Deal) {
        let order = self.orders.get(&deal.order);
        let is_back = order.is_some_and(|(.., side)| *side != deal.side);
        let qty = if is_back { -deal.qty.0 } else { deal.qty.0 };
        let is_close = deal.origin == Origin::Broker;
        let sum = match is_close {
            true => self.closed.entry(deal.exec).or_default(),
            false => self.executed.entry(deal.order).or_default(),
        };
        *sum += qty;
        self.busts += u64::from(is_back);
        self.closes += u64::from(is_close && !is_back);
    }

    /// The position after a deal, and what the deal realises.
    fn deal_position(&mut self, cause: Cause<'_>, deal: &Deal) -> Result<i64, Fault> {
        let (qty, price) = (deal.qty.0, deal.price.0);
        let held = self.positions.entry(deal.position).or_insert_with(|| Held {
            id: deal.position,
            account: deal.account,
            instrument: deal.instrument,
            side: deal.side,
            qty: 0,
            cost: 0,
            swap: 0,
            due: VecDeque::new(),
            opened: self.now,
        });
        if !held.due.is_empty() {
            let what = format!("position {} was not told of a night", deal.position.0);
            return Err(books(what));
        }
        if held.side == deal.side {
            held.qty += qty;
            held.cost += i128::from(qty) * i128::from(price);
            return Ok(0);
        }
        if qty > held.qty {
            let what = format!("position {} was closed twice", deal.position.0);
            return Err(Fault::new(Invariant::Once, what));
        }
        let part = Fraction::new(qty.into(), held.qty.max(1).into());
        let cost = Fraction::whole(held.cost).times(part).round();
        let swap = Fraction::whole(held.swap.into()).times(part).round() as i64;
        let own = cause
            .prices
            .and_then(|prices| result(held, qty, cost, price, currency(held.account), prices));
        let own = own.ok_or_else(|| books(format!("order {} met no price", deal.order.0)))?;
        held.qty -= qty;
        held.cost -= cost;
        held.swap -= swap;
        Ok(own.round() as i64 + swap)
    }

    fn position(&mut self, change: &PositionChange) -> Result<(), Fault> {
        let Some(held) = self.positions.get_mut(&change.id) else {
            return if change.qty == Qty(0) {
                Ok(())
            } else {
                Err(books(format!("position {} has no deal", change.id.0)))
            };
        };
        held.swap += held.due.pop_front().unwrap_or(0);
        if (held.qty, held.swap) != (change.qty.0, change.swap.0) {
            return Err(books(format!(
                "position {} is {} with swap {} by its deals and nights, {} with {} as told",
                change.id.0, held.qty, held.swap, change.qty.0, change.swap.0
            )));
        }
        if held.qty == 0 {
            self.positions.remove(&change.id);
        }
        Ok(())
    }

    fn balance_is(&self, account: AccountId, told: Money) -> Result<(), Fault> {
        let own = self.balances.get(&account).copied().unwrap_or_default();
        if own == told.0 {
            return Ok(());
        }
        Err(books(format!(
            "account {}: balance {own} by its movements, {} as told",
            account.0, told.0
        )))
    }

    /// Money is conserved: every movement that was accepted was booked, and no other.
    ///
    /// # Errors
    /// The input whose movement is missing.
    pub fn conserved(&self) -> Result<(), Fault> {
        match self.asked.symmetric_difference(&self.paid).next() {
            None => Ok(()),
            Some(seq) => Err(Fault::new(
                Invariant::Money,
                format!("the movement of input {seq} was accepted or booked, and not both"),
            )),
        }
    }

    /// What was booked of each order, or waits for a person, and of what the broker closed by itself, is what the broker executed.
    ///
    /// # Errors
    /// What was booked for more or less.
    pub fn booked(
        &self,
        executed: &BTreeMap<OrderId, i64>,
        closed: &BTreeMap<ExecId, i64>,
    ) -> Result<(), Fault> {
        let closes: BTreeSet<&ExecId> = self.closed.keys().chain(closed.keys()).collect();
        for exec in closes {
            let of = |map: &BTreeMap<ExecId, i64>| map.get(exec).copied().unwrap_or_default();
            let (there, here) = (of(closed), of(&self.closed));
            if there != here {
                let what =
                    format!("close {exec:?} of the broker: {there} by its word, {here} are booked");
                return Err(Fault::new(Invariant::Once, what));
            }
        }
        // What a person has to settle with the broker was executed all the same.
        let mut own = self.executed.clone();
        for ((order, _), qty) in &self.unbooked {
            *own.entry(*order).or_default() += qty;
        }
        let orders: BTreeSet<&OrderId> = own.keys().chain(executed.keys()).collect();
        for order in orders {
            let of = |map: &BTreeMap<OrderId, i64>| map.get(order).copied().unwrap_or_default();
            let (there, here) = (of(executed), of(&own));
            if there != here {
                return Err(Fault::new(
                    Invariant::Once,
                    format!(
                        "order {}: {there} were executed and {here} are booked",
                        order.0
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The mark at which a position is valued: that of its instrument, where its account follows marks.
    fn mark_of(held: &Held, marks: &Marks) -> Option<i64> {
        let mark = marks.get(&held.instrument).copied();
        mark.filter(|_| is_at_mark(held.account))
    }

    /// Whether a mark decides what an account is worth.
    pub fn is_marked(&self, account: AccountId, marks: &Marks) -> bool {
        let mut of = self
            .positions
            .values()
            .filter(|held| held.account == account);
        of.any(|held| Self::mark_of(held, marks).is_some())
    }

    /// Balance, and equity at these prices and marks; no equity when a rate or price is missing, or a result is larger than the
    /// machine takes for one.
    pub fn value(
        &self,
        account: AccountId,
        prices: &Prices,
        marks: &Marks,
    ) -> (Money, Option<Money>) {
        let balance = self.balances.get(&account).copied().unwrap_or_default();
        let credit = self.credits.get(&account).copied().unwrap_or_default();
        let currency = currency(account);
        let mut equity = Fraction::whole(i128::from(balance + credit));
        for held in self
            .positions
            .values()
            .filter(|held| held.account == account)
        {
            equity = equity.plus(Fraction::whole(held.swap.into()));
            let result = floating(held, currency, prices, Self::mark_of(held, marks));
            match result.filter(|result| is_held(*result, currency)) {
                Some(result) => equity = equity.plus(result),
                None => return (Money(balance), None),
            }
        }
        (Money(balance), Some(Money(equity.round() as i64)))
    }
}
