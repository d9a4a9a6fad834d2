//! Executions become positions and money.

use super::instruments::{PriceUse, ten};
use super::margin::clamp;
use super::orders::Order;
use super::positions::Position;
use super::{Account, Book, Ctx};
use crate::convert::{FINE_DIGITS, Map, Rate, Sided};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::watch::{Leg, Valuing};
use crate::wide::mul_div_round;

/// One execution on its way into the book.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booking {
    pub order: OrderId,
    pub origin: Origin,
    pub exec: ExecId,
    pub side: Side,
    pub qty: i64,
    pub price: i64,
    pub commission: Money,
}

impl Book {
    /// Whether an execution can be booked: what it costs and what it realises are numbers.
    ///
    /// # Errors
    /// `RateMissing` when its result cannot be converted, `Overflow` when a number is too large.
    pub(super) fn can_book(&self, order: &Order, booking: &Booking) -> Result<(), Reject> {
        let instrument = self.instrument(order.order.instrument);
        let account = self.account(order.order.account);
        let (Some(instrument), Some(account)) = (instrument, account) else {
            return Err(Reject::UnknownInstrument);
        };
        let cost = instrument.cost(booking.qty, booking.price);
        cost.ok_or(Reject::Overflow)?;
        let mut left = booking.qty;
        for slot in self.closed_by(account, order, booking.side) {
            let Some(position) = self.positions.get(slot).filter(|_| left > 0) else {
                continue;
            };
            let qty = left.min(position.qty);
            let (part, all) = (i128::from(qty), i128::from(position.qty));
            let cost = mul_div_round(position.cost, part, all).ok_or(Reject::Overflow)?;
            self.realise(&position, qty, cost, booking.price)?;
            left -= qty;
        }
        Ok(())
    }

    /// Positions that an execution on a side closes first.
    fn closed_by(&self, account: &Account, order: &Order, side: Side) -> Vec<u32> {
        let other = |position: &Position| position.side != side;
        if account.state.terms.accounting == Accounting::Netting {
            let instrument = order.order.instrument;
            let same = |slot: &u32| {
                let position = self.positions.get(*slot);
                position.is_some_and(|p| p.instrument == instrument && other(&p))
            };
            return account.positions.iter().copied().filter(same).collect();
        }
        let named = order.order.position.and_then(|id| self.positions.slot(id));
        let own = |slot: &u32| {
            let position = self.positions.get(*slot);
            position.is_some_and(|p| p.account == account.id() && other(&p))
        };
        named.into_iter().filter(own).collect()
    }

    /// What an execution of a close of a hedging account may take at most: its position, as far as it is open. `None`
    /// where executions may open.
    pub(super) fn closable(&self, order: &Order) -> Option<i64> {
        let account = self.account(order.order.account)?;
        let hedging = account.state.terms.accounting == Accounting::Hedging;
        if !hedging || !order.closing {
            return None;
        }
        let slots = self.closed_by(account, order, order.order.side);
        let open = slots.iter().filter_map(|slot| self.positions.get(*slot));
        Some(open.map(|position| position.qty).sum())
    }

    /// Protective prices of the position that an execution on a side closes: they come back with it when it is taken
    /// back.
    pub(super) fn closed_protection(&self, order: &Order, side: Side) -> Protection {
        let account = self.account(order.order.account);
        let slots = account.map(|account| self.closed_by(account, order, side));
        let first = slots.and_then(|slots| slots.first().copied());
        let closed = first.and_then(|slot| self.positions.get(slot));
        closed.map(|closed| closed.protection).unwrap_or_default()
    }

    /// Books an execution of an order; the position it opened or added to, if it did.
    pub(super) fn book_fill(
        &mut self,
        ctx: &mut Ctx<'_>,
        order: &Order,
        booking: Booking,
    ) -> Option<PositionId> {
        let account = self.account(order.order.account)?;
        let netting = account.state.terms.accounting == Accounting::Netting;
        let positions = account.positions.clone();
        let mut left = booking.qty;
        let mut commission = booking.commission;
        let closes = self.closed_by(account, order, booking.side);
        for slot in closes {
            if left > 0 {
                let qty = left.min(self.positions.get(slot).map_or(0, |position| position.qty));
                self.close_part(
                    ctx,
                    slot,
                    Booking {
                        qty,
                        commission,
                        ..booking
                    },
                );
                commission = Money(0);
                left -= qty;
            }
        }
        if left == 0 {
            return None;
        }
        let grown = if netting {
            positions.iter().copied().find(|slot| {
                self.positions.get(*slot).is_some_and(|p| {
                    p.instrument == order.order.instrument && p.side == booking.side
                })
            })
        } else {
            order.opened.and_then(|id| self.positions.slot(id))
        };
        let rest = Booking {
            qty: left,
            commission,
            ..booking
        };
        match grown {
            Some(slot) => self.add_to(ctx, slot, rest),
            None => self.open(ctx, order, rest),
        }
    }

    fn margin_rate(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
    ) -> Option<Rate> {
        let to = self.account(account)?.state.terms.currency;
        let from = self.instrument(instrument)?.terms.margin_currency;
        self.rate(from, to, margin_side(side))
    }

    fn open(&mut self, ctx: &mut Ctx<'_>, by: &Order, booking: Booking) -> Option<PositionId> {
        let (order, opener) = (&by.order, self.opener(by));
        let cost = self.cost_of(order.instrument, &booking);
        // One input opens at most one position, so its sequence names it.
        let id = PositionId(ctx.seq);
        let position = Position {
            id,
            account: order.account,
            instrument: order.instrument,
            side: booking.side,
            qty: booking.qty,
            cost,
            margin_cost: cost.abs(),
            margin_rate: self.margin_rate(order.account, order.instrument, booking.side),
            opened: ctx.now,
            swap: Money(0),
            commission: booking.commission,
            realised: Money(0),
            protection: order.protection,
            told: order.protection != Protection::default(),
            best: self
                .close_price(order.instrument, booking.side)
                .unwrap_or(booking.price),
            fired: None,
            loss_on: false,
            margin: Money(0),
            trader: order.trader,
            desk: order.desk,
            strategy: order.strategy,
        };
        let slot = self.positions.insert(position);
        if let Some(account) = self.account_mut(order.account) {
            account.positions.push(slot);
        }
        self.expose_position(&position, 1);
        self.follow(slot);
        self.arm(slot);
        self.tell_deal(ctx, slot, booking, Money(0));
        self.tell_position(ctx, slot);
        self.name_opened(ctx, &position, opener);
        Some(id)
    }

    fn add_to(&mut self, ctx: &mut Ctx<'_>, slot: u32, booking: Booking) -> Option<PositionId> {
        let before = self.positions.get(slot)?;
        self.expose_position(&before, -1);
        let rate = self.margin_rate(before.account, before.instrument, before.side);
        let cost = self.cost_of(before.instrument, &booking);
        let rate = self.mean_rate(&before, rate, (booking.qty, cost));
        let mut position = self.positions.get_mut(slot)?;
        position.margin_rate = rate;
        position.qty = position.qty.saturating_add(booking.qty);
        position.cost += cost;
        position.margin_cost += cost.abs();
        position.commission = Money(position.commission.0.saturating_add(booking.commission.0));
        let after = *position;
        drop(position);
        self.expose_position(&after, 1);
        self.note_added(&after, booking.qty, &ctx.env());
        self.follow(slot);
        self.tell_deal(ctx, slot, booking, Money(0));
        self.tell_position(ctx, slot);
        Some(after.id)
    }

    /// Each fill keeps the rate of its time: together they have the mean, weighted by what margin is computed from.
    fn mean_rate(&self, held: &Position, new: Option<Rate>, added: (i64, i128)) -> Option<Rate> {
        let (Some(old), Some(new)) = (held.margin_rate, new) else {
            return held.margin_rate.or(new);
        };
        let price_use = self.instrument(held.instrument)?.price_use;
        let (before, more) = match price_use {
            PriceUse::Without => (i128::from(held.qty), i128::from(added.0)),
            PriceUse::Times => (held.margin_cost, added.1.abs()),
        };
        old.mean(before, new, more).or(Some(old))
    }

    fn close_part(&mut self, ctx: &mut Ctx<'_>, slot: u32, booking: Booking) {
        let Some(before) = self.positions.get(slot) else {
            return;
        };
        let (all, part) = (i128::from(before.qty), i128::from(booking.qty));
        let cost = mul_div_round(before.cost, part, all).unwrap_or(0);
        let margin_cost = mul_div_round(before.margin_cost, part, all).unwrap_or(0);
        let swap = Money(clamp(
            mul_div_round(i128::from(before.swap.0), part, all).unwrap_or(0),
        ));
        // `can_book` has asked for it before anything was changed.
        let result = self.realise(&before, booking.qty, cost, booking.price);
        let result = result.unwrap_or_default();
        self.expose_position(&before, -1);
        self.disarm(slot);
        let gone = before.qty == booking.qty;
        if let Some(mut position) = self.positions.get_mut(slot) {
            position.qty -= booking.qty;
            position.cost -= cost;
            position.margin_cost -= margin_cost;
            position.swap = Money(position.swap.0 - swap.0);
            position.realised = Money(
                position
                    .realised
                    .0
                    .saturating_add(result.0)
                    .saturating_add(swap.0),
            );
            position.commission = Money(position.commission.0.saturating_add(booking.commission.0));
            if gone {
                position.margin = Money(0);
            }
        }
        self.note_closed(before.id, before.qty - booking.qty);
        if let Some(after) = self.positions.get(slot).filter(|_| !gone) {
            self.expose_position(&after, 1);
            self.follow(slot);
            self.arm(slot);
        }
        if let Some(account) = self.account_mut(before.account) {
            account.state.balance = Money(
                account
                    .state
                    .balance
                    .0
                    .saturating_add(result.0)
                    .saturating_add(swap.0),
            );
        }
        self.tell_deal(ctx, slot, booking, Money(result.0.saturating_add(swap.0)));
        self.tell_position(ctx, slot);
        if gone {
            let (account, instrument) = (before.account.0, before.instrument.0);
            self.watch
                .remove(account, instrument, slot, &self.positions);
            self.positions.remove(slot);
            self.remember_gone(ctx.now, &before);
            if let Some(account) = self.account_mut(before.account) {
                account.positions.retain(|other| *other != slot);
                account.state.emptied = account.positions.is_empty();
            }
            self.cancel_closing(ctx, &before, booking.order);
        }
    }

    /// Result of closing a part, rounded to the account's digits: a gain at the bid of the rate, a loss at the ask.
    fn realise(
        &self,
        position: &Position,
        qty: i64,
        cost: i128,
        price: i64,
    ) -> Result<Money, Reject> {
        let account = self.account(position.account);
        let account = account.ok_or(Reject::UnknownAccount)?;
        let instrument = self.instrument(position.instrument);
        let instrument = instrument.ok_or(Reject::UnknownInstrument)?;
        let result = instrument.result(position.is_long(), qty, cost, price);
        let (gain, den) = result.ok_or(Reject::Overflow)?;
        let sided = if gain >= 0 { Sided::Bid } else { Sided::Ask };
        let to = account.state.terms.currency;
        let rate = self.rate(instrument.result_currency(), to, sided);
        let rate = rate.ok_or(Reject::RateMissing)?;
        let den = rate
            .den
            .checked_mul(den)
            .and_then(|den| den.checked_mul(ten(FINE_DIGITS - self.digits(to))));
        let minor = den.and_then(|den| mul_div_round(gain, rate.num, den));
        let minor = minor.and_then(|minor| i64::try_from(minor).ok());
        minor.map(Money).ok_or(Reject::Overflow)
    }

    /// What an execution costs, in the units positions keep it in.
    fn cost_of(&self, instrument: InstrumentId, booking: &Booking) -> i128 {
        self.instrument(instrument)
            .and_then(|instrument| instrument.cost(booking.qty, booking.price))
            .unwrap_or_else(|| i128::from(booking.qty) * i128::from(booking.price))
    }

    fn tell_deal(&mut self, ctx: &mut Ctx<'_>, slot: u32, booking: Booking, realised: Money) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        if let Some(account) = self.account_mut(position.account) {
            account.state.balance =
                Money(account.state.balance.0.saturating_sub(booking.commission.0));
        }
        let balance = self
            .account(position.account)
            .map_or(Money(0), |account| account.state.balance);
        ctx.out.push(Output::Deal(Deal {
            order: booking.order,
            account: position.account,
            instrument: position.instrument,
            position: position.id,
            side: booking.side,
            qty: Qty(booking.qty),
            price: Price(booking.price),
            commission: booking.commission,
            realised,
            balance,
            origin: booking.origin,
            exec: booking.exec,
        }));
        self.touch(position.account);
    }

    /// Says what a position has become, with its own margin.
    pub(super) fn tell_position(&mut self, ctx: &mut Ctx<'_>, slot: u32) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let margin = self.own_margin(&position);
        let price = self.open_price_of(&position);
        if let Some(mut position) = self.positions.get_mut(slot) {
            position.margin = margin;
            ctx.out.push(Output::Position(position.change(price)));
        }
    }

    /// Average open price of a position, rounded to a step.
    pub(super) fn open_price_of(&self, position: &Position) -> Price {
        let instrument = self.instrument(position.instrument);
        Price(instrument.map_or(0, |known| known.average(position.qty, position.cost)))
    }

    /// Margin of a position standing alone, before leverage rules: what bands charge depends on all that fills them, so
    /// there is no share of it that a position alone would free.
    pub(super) fn own_margin(&self, position: &Position) -> Money {
        let margin = || {
            let account = self.account(position.account)?;
            let instrument = self.instrument(position.instrument)?;
            if self.is_scheduled(self.group_of(account), instrument) {
                return self.scheduled_own(account, position).map(|own| own.0);
            }
            let part = self.position_part(position, account)?;
            let (leverage, _) = self.leverage_on(account, instrument);
            super::margin::component(part.plain, &[], leverage, self.digits_of(account))
        };
        Money(margin().unwrap_or(0))
    }

    /// Margin of a position standing alone now: what it was told with, or newer where margin follows the price.
    pub(super) fn margin_now(&self, position: &Position) -> Money {
        let account = self.account(position.account);
        let group = account.map(|account| self.group_of(account));
        if group.is_none_or(|group| group.margin_price == MarginPrice::Open) {
            position.margin
        } else {
            self.own_margin(position)
        }
    }

    /// Puts a position under watch as it is now.
    pub(super) fn follow(&mut self, slot: u32) {
        let position = self.positions.get(slot);
        let Some(leg) = position.and_then(|position| self.leg_to_follow(&position)) else {
            return;
        };
        let view = Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch.put(slot, &leg, view, &self.positions);
    }

    /// Puts all positions of an account under watch that nobody watches yet.
    pub(super) fn follow_all(&mut self, legs: &[(u32, Leg)]) {
        let view = Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch.put_all(legs, view, &self.positions);
    }

    /// A position as the watch follows it.
    pub(super) fn leg_to_follow(&mut self, position: &Position) -> Option<Leg> {
        let instrument = self.instrument(position.instrument)?;
        let account = self.account(position.account)?;
        let terms = &instrument.terms;
        let (from, margin, to) = (
            instrument.result_currency(),
            terms.margin_currency,
            account.state.terms.currency,
        );
        let stored = self.group_of(account).margin_price == MarginPrice::Open;
        let follows_margin = !(stored && position.margin_rate.is_some());
        let map = Map {
            currencies: &self.currencies,
            instruments: &self.instruments,
            prices: &self.prices,
        };
        let route = self.routes.number(from, to, &map);
        let margin_route = follows_margin.then(|| self.routes.number(margin, to, &map));
        Some(super::margin::leg_of(
            position,
            route,
            from != to,
            margin_route,
        ))
    }
}

/// Side of the conversion of margin: ask for buys, bid for sells (MetaTrader 5, converting into deposit currency).
pub(super) fn margin_side(side: Side) -> Sided {
    let buys = (side == Side::Buy) != crate::mutated!(MarginOtherSide);
    if buys { Sided::Ask } else { Sided::Bid }
}
