//! Protective prices of positions and waiting prices of orders: what fires at which quote.

use super::positions::Position;
use super::pretrade::Checked;
use super::timers::Timer;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::table::{Action, Outcome};
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use std::collections::BTreeSet;

/// A broker that holds a protective price has this long to act on it.
const SILENCE_NS: u64 = 5 * SECOND_NS;
/// A protective close that failed at the broker is tried again after this long, and one that others were to make needless
/// is looked at again.
pub(super) const REARM_NS: u64 = 5 * SECOND_NS;
/// One that the house's own switches refused is tried again after this long.
pub(super) const REARM_REFUSED_NS: u64 = MINUTE_NS;

/// What fires at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    Stop(PositionId),
    Take(PositionId),
    Order(OrderId),
}

/// Prices of one instrument that something waits for.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    /// Fires when the bid is at or below the price, and so on.
    pub bid_falls: BTreeSet<(i64, Trigger)>,
    pub bid_rises: BTreeSet<(i64, Trigger)>,
    pub ask_rises: BTreeSet<(i64, Trigger)>,
    pub ask_falls: BTreeSet<(i64, Trigger)>,
    /// Positions whose stop follows the price.
    pub trailing: Vec<u32>,
}

/// The quote that is tried against waiting prices, with the extremes it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    pub bid: i64,
    pub ask: i64,
    pub bid_low: i64,
    pub ask_high: i64,
}

impl Triggers {
    /// Takes out what fires at this quote, with its price and the price that crossed it.
    fn fired(&mut self, at: Tried, fired: &mut Vec<(Trigger, i64, i64)>) {
        while let Some((price, trigger)) = self
            .bid_falls
            .last()
            .copied()
            .filter(|(price, _)| at.bid_low <= *price)
        {
            self.bid_falls.pop_last();
            fired.push((trigger, price, at.bid_low));
        }
        while let Some((price, trigger)) = self
            .bid_rises
            .first()
            .copied()
            .filter(|(price, _)| at.bid >= *price)
        {
            self.bid_rises.pop_first();
            fired.push((trigger, price, at.bid));
        }
        while let Some((price, trigger)) = self
            .ask_rises
            .first()
            .copied()
            .filter(|(price, _)| at.ask_high >= *price)
        {
            self.ask_rises.pop_first();
            fired.push((trigger, price, at.ask_high));
        }
        while let Some((price, trigger)) = self
            .ask_falls
            .last()
            .copied()
            .filter(|(price, _)| at.ask <= *price)
        {
            self.ask_falls.pop_last();
            fired.push((trigger, price, at.ask));
        }
    }

    fn is_empty(&self) -> bool {
        self.bid_falls.is_empty()
            && self.bid_rises.is_empty()
            && self.ask_rises.is_empty()
            && self.ask_falls.is_empty()
            && self.trailing.is_empty()
    }
}

impl Book {
    pub(super) fn triggers_mut(&mut self, instrument: InstrumentId) -> &mut Triggers {
        let index = instrument.0 as usize;
        if self.triggers.len() <= index {
            self.triggers.resize_with(index + 1, Triggers::default);
        }
        &mut self.triggers[index]
    }

    /// Tries a quote against everything that waits for a price of the instrument.
    pub(super) fn try_prices(&mut self, ctx: &mut Ctx<'_>, instrument: InstrumentId, at: Tried) {
        let index = instrument.0 as usize;
        if self.triggers.get(index).is_none_or(Triggers::is_empty) {
            return;
        }
        let mut fired = Vec::new();
        self.triggers[index].fired(at, &mut fired);
        let trailing = std::mem::take(&mut self.triggers[index].trailing);
        let mut trailed: Vec<(PositionId, i64, i64)> = Vec::new();
        for slot in &trailing {
            if let Some(hit) = self.trail(*slot, at) {
                trailed.push(hit);
            }
        }
        self.triggers[index].trailing = trailing;
        fired.sort_by_key(|(trigger, ..)| *trigger);
        trailed.sort();
        for (trigger, price, crossed_by) in fired {
            match trigger {
                Trigger::Stop(id) => {
                    self.fire(ctx, id, ProtectiveKind::StopLoss, price, crossed_by)
                }
                Trigger::Take(id) => {
                    self.fire(ctx, id, ProtectiveKind::TakeProfit, price, crossed_by)
                }
                Trigger::Order(id) => self.trigger_order(ctx, id),
            }
        }
        for (id, price, crossed_by) in trailed {
            self.fire(ctx, id, ProtectiveKind::Trailing, price, crossed_by);
        }
    }

    /// Moves a trailing stop; its price and what crossed it when it is hit.
    fn trail(&mut self, slot: u32, at: Tried) -> Option<(PositionId, i64, i64)> {
        let mut position = self.positions.get_mut(slot)?;
        let distance = position.protection.trailing.0;
        let (worst, best) = if position.is_long() {
            (at.bid_low, at.bid)
        } else {
            (at.ask_high, at.ask)
        };
        let stop = if position.is_long() {
            position.best.saturating_sub(distance)
        } else {
            position.best.saturating_add(distance)
        };
        let hit = if position.is_long() {
            worst <= stop
        } else {
            worst >= stop
        };
        position.best = if position.is_long() {
            position.best.max(best)
        } else {
            position.best.min(best)
        };
        (hit && position.fired.is_none()).then_some((position.id, stop, worst))
    }

    /// Puts a position's protective prices in place.
    pub(super) fn arm(&mut self, slot: u32) {
        if let Some(position) = self.positions.get(slot) {
            self.arm_position(slot, &position);
        }
    }

    /// The same of a position that was looked up.
    pub(super) fn arm_position(&mut self, slot: u32, position: &Position) {
        if position.fired.is_some() || position.protection == Protection::default() {
            return;
        }
        let triggers = self.triggers_mut(position.instrument);
        let protection = position.protection;
        if let Some(stop) = protection.stop_loss {
            let set = if position.is_long() {
                &mut triggers.bid_falls
            } else {
                &mut triggers.ask_rises
            };
            set.insert((stop.0, Trigger::Stop(position.id)));
        }
        if let Some(take) = protection.take_profit {
            let set = if position.is_long() {
                &mut triggers.bid_rises
            } else {
                &mut triggers.ask_falls
            };
            set.insert((take.0, Trigger::Take(position.id)));
        }
        if protection.trailing > Price(0) && !triggers.trailing.contains(&slot) {
            triggers.trailing.push(slot);
        }
    }

    /// Takes them away.
    pub(super) fn disarm(&mut self, slot: u32) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let triggers = self.triggers_mut(position.instrument);
        if let Some(stop) = position.protection.stop_loss {
            triggers
                .bid_falls
                .remove(&(stop.0, Trigger::Stop(position.id)));
            triggers
                .ask_rises
                .remove(&(stop.0, Trigger::Stop(position.id)));
        }
        if let Some(take) = position.protection.take_profit {
            triggers
                .bid_rises
                .remove(&(take.0, Trigger::Take(position.id)));
            triggers
                .ask_falls
                .remove(&(take.0, Trigger::Take(position.id)));
        }
        triggers.trailing.retain(|other| *other != slot);
    }

    fn fire(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: PositionId,
        kind: ProtectiveKind,
        price: i64,
        crossed_by: i64,
    ) {
        let Some(slot) = self.positions.slot(id) else {
            return;
        };
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        if position.fired.is_some() {
            return;
        }
        self.disarm(slot);
        if let Some(mut position) = self.positions.get_mut(slot) {
            position.fired = Some(kind);
        }
        let mut told = ProtectiveFired {
            account: position.account,
            position: id,
            instrument: position.instrument,
            kind,
            price: Price(price),
            crossed_by: Price(crossed_by),
            unanswered: false,
            order: None,
        };
        if self.protected_by(position.account) == Some(HeldBy::Broker) {
            return self.after(ctx.now, SILENCE_NS, Timer::Silence(id));
        }
        let at = ctx.out.len();
        match self.close_position(ctx, slot, position.qty, origin_of(kind)) {
            Ok(order) => {
                told.order = order;
                self.watch_cover(ctx.now, id, position.qty, order);
            }
            Err(_) => {
                told.unanswered = true;
                self.rearm_after(ctx.now, REARM_REFUSED_NS, id);
            }
        }
        // Said before the order it became.
        ctx.out.insert(at, Output::Protective(told));
    }

    /// Who holds the protective prices of an account's positions.
    pub(super) fn protected_by(&self, id: AccountId) -> Option<HeldBy> {
        let link = self.link_of(self.account(id)?)?;
        Some(link.terms.protective)
    }

    /// The house closes a position. Resting orders that were to close it give way: one in the core at once, one at the
    /// broker when the broker confirms; until then, and while others execute, only what is left is closed.
    ///
    /// # Errors
    /// The table's refusal.
    pub(super) fn close_position(
        &mut self,
        ctx: &mut Ctx<'_>,
        slot: u32,
        qty: i64,
        origin: Origin,
    ) -> Result<Option<OrderId>, Reject> {
        let Some(position) = self.positions.get(slot) else {
            return Ok(None);
        };
        let Some(account) = self.account(position.account) else {
            return Ok(None);
        };
        let link = account.state.terms.link;
        let side = if position.is_long() {
            Side::Sell
        } else {
            Side::Buy
        };
        let wanted = closing_order(&position, side, qty);
        let (outcome, reasons) = self.outcome(Action::Reduce, &wanted, None, &ctx.env());
        if outcome == Outcome::Refused {
            return Err(reasons.first().copied().unwrap_or(Reject::Busy));
        }
        for id in self.in_the_way(account, &position, qty) {
            let (outcome, _) = self.cancel_outcome(id);
            self.cancel_by(ctx, id, outcome);
        }
        let account = self.account(position.account);
        let covered = account.map_or(position.qty, |account| self.taken(account, &position));
        let qty = qty.min(position.qty.saturating_sub(covered));
        if qty <= 0 {
            return Ok(None);
        }
        let order = closing_order(&position, side, qty);
        let checked = Checked {
            reasons,
            action: Action::Reduce,
            outcome,
            link,
            seen: Price(self.open_price(position.instrument, side).unwrap_or(0)),
            price: None,
            bound: None,
            base: 0,
            margin: Money(0),
        };
        Ok(Some(self.create(ctx, order, origin, &checked)))
    }

    /// A broker-held protective price was crossed 5 s ago and the position is still open.
    pub(super) fn silent(&mut self, ctx: &mut Ctx<'_>, id: PositionId) {
        let Some(position) = self.positions.find(id) else {
            return;
        };
        // A price that was moved since is armed again.
        if let Some(kind) = position.fired {
            self.tell_unanswered(ctx, &position, kind);
            self.rearm_after(ctx.now, REARM_REFUSED_NS, id);
        }
    }

    /// A protective price has fired and nothing came of it.
    pub(super) fn tell_unanswered(
        &self,
        ctx: &mut Ctx<'_>,
        position: &Position,
        kind: ProtectiveKind,
    ) {
        let close = self.close_price(position.instrument, position.side);
        let price = self.protective_price(position, kind);
        ctx.out.push(Output::Protective(ProtectiveFired {
            account: position.account,
            position: position.id,
            instrument: position.instrument,
            kind,
            price: price.unwrap_or_default(),
            crossed_by: Price(close.unwrap_or(0)),
            unanswered: true,
            order: None,
        }));
    }

    /// The price that a position is protected by, of a kind; of a trailing stop where it counts from.
    pub(super) fn protective_price(
        &self,
        position: &Position,
        kind: ProtectiveKind,
    ) -> Option<Price> {
        let protection = position.protection;
        match kind {
            ProtectiveKind::StopLoss => protection.stop_loss,
            ProtectiveKind::TakeProfit => protection.take_profit,
            ProtectiveKind::Trailing => Some(Price(position.best_or(self.open_price_of(position)))),
        }
    }

    /// A protective price may fire again, unless the close of its position is on its way all the same.
    pub(super) fn rearm(&mut self, now: Ts, id: PositionId) {
        let Some(slot) = self.positions.slot(id) else {
            return;
        };
        let position = self.positions.get(slot);
        if position.is_some_and(|position| self.is_covered(&position)) {
            return self.rearm_after(now, REARM_NS, id);
        }
        if let Some(mut position) = self.positions.get_mut(slot) {
            position.fired = None;
        }
        self.arm(slot);
    }

    /// A client moves the protective prices of a position.
    pub(super) fn protect(&mut self, ctx: &mut Ctx<'_>, set: Protect) {
        let account = Some(set.account);
        let (slot, outcome) = match self.check_protect(&set, ctx) {
            Ok(found) => found,
            Err(reasons) => return self.answer(ctx, account, None, reasons),
        };
        self.answer(ctx, account, None, Vec::new());
        let link = self
            .account(set.account)
            .map(|account| account.state.terms.link);
        self.disarm(slot);
        let mut change = None;
        if let Some(position) = self.positions.get(slot) {
            let close = self.close_price(position.instrument, position.side);
            let opened_at = self.open_price_of(&position);
            if let Some(mut position) = self.positions.get_mut(slot) {
                if set.protection.trailing != position.protection.trailing {
                    position.best = close.unwrap_or(position.best_or(opened_at));
                }
                position.protection = set.protection;
                position.told |= set.protection != Protection::default();
                position.fired = None;
            }
            let position = self.positions.get(slot);
            change = position.map(|position| position.change(opened_at));
        }
        self.arm(slot);
        if let Some(change) = change {
            ctx.out.push(Output::Position(change));
        }
        let Some(link) = link.and_then(|link| self.links.get_mut(&link)) else {
            return;
        };
        if link.terms.protective == HeldBy::Broker {
            if outcome == Outcome::Queued {
                link.protects.insert(set.position, set);
            } else {
                ctx.out.push(Output::Send(Send {
                    link: link.terms.id,
                    command: LinkCommand::Protect(set),
                }));
            }
        }
    }

    fn check_protect(
        &mut self,
        set: &Protect,
        ctx: &Ctx<'_>,
    ) -> Result<(u32, Outcome), Vec<Reject>> {
        let slot = self
            .positions
            .slot(set.position)
            .ok_or(vec![Reject::UnknownPosition])?;
        let position = self
            .positions
            .get(slot)
            .ok_or(vec![Reject::UnknownPosition])?;
        if position.account != set.account {
            return Err(vec![Reject::UnknownPosition]);
        }
        self.count_modify(set.account, ctx.now)
            .map_err(|reason| vec![reason])?;
        let probe = closing_order(&position, position.side, position.qty);
        let conditions = self
            .conditions(&probe, None, &ctx.env())
            .ok_or(vec![Reject::UnknownLink])?;
        let (outcome, mut reasons) = crate::table::decide(Action::Tighten, &conditions);
        let people = crate::table::Conditions {
            feed: FeedState::Live,
            halted: false,
            link: LinkMode::Live,
            ..conditions
        };
        if !tightens(&position, &set.protection)
            && crate::table::decide(Action::New, &people).0 == Outcome::Refused
        {
            reasons.push(Reject::NotTightening);
        }
        let terms = self
            .instrument(position.instrument)
            .map(|instrument| &instrument.terms);
        let close = self.close_price(position.instrument, position.side);
        reasons.extend(wrong_prices(&position, &set.protection, terms, close));
        reasons.sort();
        reasons.dedup();
        if reasons.is_empty() {
            Ok((slot, outcome))
        } else {
            Err(reasons)
        }
    }
}

pub(super) fn origin_of(kind: ProtectiveKind) -> Origin {
    match kind {
        ProtectiveKind::StopLoss => Origin::StopLoss,
        ProtectiveKind::TakeProfit => Origin::TakeProfit,
        ProtectiveKind::Trailing => Origin::Trailing,
    }
}

/// An order that closes a quantity of a position at the market.
pub(super) fn closing_order(position: &Position, side: Side, qty: i64) -> NewOrder {
    NewOrder {
        account: position.account,
        instrument: position.instrument,
        side,
        kind: OrderKind::Market,
        tif: Tif::Ioc,
        qty: Qty(qty),
        price: None,
        stop: None,
        expires: None,
        position: Some(position.id),
        reduce_only: true,
        slippage_max: Price(0),
        protection: Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        },
        client_id: [0; 16],
        trader: position.trader,
        desk: position.desk,
        strategy: position.strategy,
    }
}

/// No protective price is taken away or moved from the market.
fn tightens(position: &Position, new: &Protection) -> bool {
    let old = &position.protection;
    let nearer = |old: Option<Price>, new: Option<Price>, up: bool| match (old, new) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(old), Some(new)) => {
            if up {
                new >= old
            } else {
                new <= old
            }
        }
    };
    let long = position.is_long();
    nearer(old.stop_loss, new.stop_loss, long)
        && nearer(old.take_profit, new.take_profit, !long)
        && (old.trailing == Price(0) || (new.trailing > Price(0) && new.trailing <= old.trailing))
}

fn wrong_prices(
    position: &Position,
    protection: &Protection,
    terms: Option<&InstrumentTerms>,
    close: Option<i64>,
) -> Vec<Reject> {
    let mut reasons = Vec::new();
    let Some(terms) = terms else {
        return vec![Reject::UnknownInstrument];
    };
    for price in [protection.stop_loss, protection.take_profit]
        .into_iter()
        .flatten()
    {
        if price.0 <= 0 && !terms.negative_prices {
            reasons.push(Reject::PriceNotPositive);
        }
        if price.0 % terms.tick.0 != 0 {
            reasons.push(Reject::PriceTick);
        }
    }
    if protection.trailing < Price(0) {
        reasons.push(Reject::PriceNotPositive);
    }
    if let Some(close) = close {
        let behind = |price: i64| {
            if position.is_long() {
                price < close
            } else {
                price > close
            }
        };
        if protection.stop_loss.is_some_and(|stop| !behind(stop.0))
            || protection
                .take_profit
                .is_some_and(|take| behind(take.0) || take.0 == close)
        {
            reasons.push(Reject::PriceSide);
        }
    }
    reasons
}
