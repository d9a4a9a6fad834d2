//! The checks an order meets before it goes anywhere, in the order of the verdicts' numbers; every reason is told.
//! Preview and order go through the same function.

use super::cross::margin_price_x2;
use super::instruments::{Instrument, PriceUse};
use super::orders::{charged_at, waiting_price};
use super::used::Flight;
use super::{Account, Book, Env, Link};
use crate::convert::{Rate, Sided};
use crate::event::*;
use crate::ids::*;
use crate::table::{Action, Conditions, Kill, Outcome, decide};
use crate::terms::*;
use crate::units::*;
use crate::verdict::{Reasons, Reject};
use crate::wide::{mul_div_floor, mul_div_round};

/// What the checks found.
#[derive(Clone, Debug)]
pub struct Checked {
    pub reasons: Reasons,
    pub action: Action,
    pub outcome: Outcome,
    pub link: LinkId,
    /// Price it would fill at now; 0 when there is none.
    pub seen: Price,
    /// Price its margin is computed at.
    pub price: Option<Price>,
    /// The limit a market order goes out with: the edge of the price band.
    pub bound: Option<Price>,
    /// Margin before leverage, fine units.
    pub base: i128,
    /// What it adds to used margin, minor units.
    pub margin: Money,
}

impl Book {
    /// Checks an order as if it were sent now.
    pub fn check(&self, order: &NewOrder, env: &Env<'_>) -> Checked {
        let mut checked = Checked {
            reasons: Reasons::new(),
            action: Action::New,
            outcome: Outcome::Refused,
            link: LinkId(0),
            seen: Price(0),
            price: None,
            bound: None,
            base: 0,
            margin: Money(0),
        };
        let (account, instrument) = (
            self.account(order.account),
            self.instrument(order.instrument),
        );
        if account.is_none() {
            checked.reasons.push(Reject::UnknownAccount);
        }
        if instrument.is_none() {
            checked.reasons.push(Reject::UnknownInstrument);
        }
        if let (Some(account), Some(instrument)) = (account, instrument) {
            checked.link = account.state.terms.link;
            self.check_known(account, &instrument.terms, order, env, &mut checked);
        }
        checked.reasons.sort();
        checked.reasons.dedup();
        if !checked.reasons.is_empty() {
            checked.outcome = Outcome::Refused;
        }
        checked
    }

    fn check_known(
        &self,
        account: &Account,
        terms: &InstrumentTerms,
        order: &NewOrder,
        env: &Env<'_>,
        checked: &mut Checked,
    ) {
        check_size(order, terms, &mut checked.reasons);
        check_shape(order, terms, env.now, &mut checked.reasons);
        if account.state.terms.accounting == Accounting::Netting && order.position.is_some() {
            checked.reasons.push(Reject::PositionOnNetting);
        }
        match self.closes(order, None) {
            Ok(()) => checked.action = Action::Reduce,
            Err(reason) => self.check_not_closing(account, order, reason, &mut checked.reasons),
        }
        let seen = self.open_price(order.instrument, order.side);
        checked.seen = Price(seen.unwrap_or(0));
        let inverse = self.is_inverse(order.instrument);
        checked.price = charged_at(order, seen.map(Price), inverse);
        if account.state.call == CallStep::LoggedOut && order.desk == 0 {
            checked.reasons.push(Reject::LoggedOut);
        }
        self.check_price(order, terms, env, checked);
        self.check_protection(order, checked);
        if !trade_mode_allows(terms, order.side, checked.action) {
            checked.reasons.push(Reject::TradeMode);
        }
        if checked.action == Action::New {
            // Closing is never held up; what is open bounds it.
            self.check_flow(account, order, env.now, &mut checked.reasons);
        }
        let (outcome, reasons) = self.outcome(checked.action, order, None, env);
        checked.outcome = outcome;
        checked.reasons.extend(reasons);
        // A wrong size or price hides no further reason, as long as there is something to measure.
        if checked.action == Action::New && order.qty > Qty(0) {
            self.check_notional(order, terms, checked);
            self.check_limits(account, order, &mut checked.reasons);
            self.check_margin(account, order, env, checked);
        }
    }

    /// Whether an order closes: it names a position of the account with enough volume that no other closing order
    /// covers, or leaves the net smaller without changing its sign, also when what executes on its side is filled.
    ///
    /// # Errors
    /// Why it does not.
    pub fn closes(&self, order: &NewOrder, except: Option<OrderId>) -> Result<(), Reject> {
        let account = self.account(order.account).ok_or(Reject::UnknownAccount)?;
        let open = match (account.state.terms.accounting, order.position) {
            (Accounting::Hedging, None) => return Err(Reject::NotClosing),
            (_, Some(id)) => {
                let position = self
                    .positions
                    .find(id)
                    .filter(|position| position.account == order.account);
                let position = position.ok_or(Reject::UnknownPosition)?;
                let opposite =
                    position.side != order.side && position.instrument == order.instrument;
                if opposite {
                    position.qty
                } else {
                    return Err(Reject::NotClosing);
                }
            }
            (Accounting::Netting, None) => {
                self.netted_against(account, order.instrument, order.side)
            }
        };
        if order.qty.0 <= 0 || order.qty.0 > open {
            return Err(Reject::NotClosing);
        }
        let (instrument, side) = (order.instrument, order.side);
        let covered = self
            .covered(account, instrument, side, order.position, except)
            .saturating_add(self.turning(account, instrument, side, except));
        if order.qty.0 > open.saturating_sub(covered) {
            Err(Reject::CloseCovered)
        } else {
            Ok(())
        }
    }

    /// Open quantity on the other side of a netting account's position.
    pub(super) fn netted_against(
        &self,
        account: &Account,
        instrument: InstrumentId,
        side: Side,
    ) -> i64 {
        let positions = account
            .positions
            .iter()
            .filter_map(|slot| self.positions.get(*slot));
        positions
            .filter(|p| p.instrument == instrument && p.side != side)
            .map(|p| p.qty)
            .sum()
    }

    fn check_not_closing(
        &self,
        account: &Account,
        order: &NewOrder,
        reason: Reject,
        reasons: &mut Reasons,
    ) {
        if order.position.is_some() {
            reasons.push(reason);
        } else if order.reduce_only {
            reasons.push(if reason == Reject::CloseCovered {
                reason
            } else {
                Reject::NotClosing
            });
        }
        if account.positions.len() + account.orders.len() >= super::accounts::HOLDINGS_MAX {
            reasons.push(Reject::PositionLimit);
        }
    }

    /// Collar and band. Closing at a price that is not live is judged by the broker alone.
    fn check_price(
        &self,
        order: &NewOrder,
        terms: &InstrumentTerms,
        env: &Env<'_>,
        checked: &mut Checked,
    ) {
        let opens = checked.action == Action::New;
        let Some(prices) = self.prices(order.instrument) else {
            if opens {
                checked.reasons.push(Reject::PriceNone);
            }
            return;
        };
        if !opens && env.market.feed(order.instrument) != FeedState::Live {
            return;
        }
        let mut far = false;
        if let Some(price) = order.price {
            far = is_outside_collar(price.0, checked.seen.0, terms.collar);
        }
        if terms.price_band > Ratio(0) {
            let twice = i128::from(prices.bid) + i128::from(prices.ask);
            match (band_edge(twice, terms, order.side), order.price) {
                (None, _) => checked.reasons.push(Reject::Overflow),
                (Some(edge), Some(price)) => far |= is_beyond(price, edge, order.side),
                (Some(edge), None) => {
                    let bound = opens && order.kind == OrderKind::Market;
                    checked.bound = bound.then_some(edge);
                }
            }
        }
        if far {
            checked.reasons.push(Reject::PriceCollar);
        }
    }

    /// Protective prices stand behind the order's own price and, when it would be executed now, behind where it would
    /// fill and where it could be closed again: elsewhere they would close it at once, as `Protect` refuses.
    fn check_protection(&self, order: &NewOrder, checked: &mut Checked) {
        if checked.action == Action::Reduce {
            return;
        }
        let mut from = Vec::with_capacity(3);
        if order.kind != OrderKind::Market {
            from.extend(waiting_price(order).map(|price| price.0));
        }
        let limit = NewOrder {
            kind: OrderKind::Limit,
            ..*order
        };
        let waits = order.kind == OrderKind::StopLimit && !self.is_marketable(&limit);
        if self.is_marketable(order) && !waits {
            from.extend(self.open_price(order.instrument, order.side));
            from.extend(self.close_price(order.instrument, order.side));
        }
        if from.into_iter().any(|price| is_on_wrong_side(order, price)) {
            checked.reasons.push(Reject::PriceSide);
        }
    }

    /// A waiting price that the market has reached already: the order would not wait.
    pub(super) fn is_at_once(&self, order: &NewOrder) -> bool {
        order.kind != OrderKind::Market && self.is_marketable(order)
    }

    /// A change of an order or its protection counts against the rate like an order, refused ones excepted.
    pub(super) fn count_modify(&mut self, id: AccountId, now: Ts) -> Result<(), Reject> {
        let account = self.account(id).ok_or(Reject::UnknownAccount)?;
        let group = *self.group_of(account);
        if is_too_often(account, &group, now) {
            return Err(Reject::OrderRate);
        }
        if let Some(account) = self.account_mut(id) {
            account.count_message(now, group.rate_max);
        }
        Ok(())
    }

    fn check_flow(&self, account: &Account, order: &NewOrder, now: Ts, reasons: &mut Reasons) {
        let group = self.group_of(account);
        if is_too_often(account, group, now) {
            reasons.push(Reject::OrderRate);
        }
        let same = |recent: &super::accounts::Recent| {
            now.since(recent.ts) < group.duplicate_window_ns
                && (recent.instrument, recent.side, recent.kind)
                    == (order.instrument, order.side, order.kind)
                && (recent.qty, recent.price, recent.stop) == (order.qty, order.price, order.stop)
                && recent.position == order.position
        };
        if account.recent().any(same) {
            reasons.push(Reject::Duplicate);
        }
    }

    fn check_notional(&self, order: &NewOrder, terms: &InstrumentTerms, checked: &mut Checked) {
        if terms.notional_max == Money(0) {
            return;
        }
        let price = checked.price.unwrap_or(checked.seen);
        let digits = self.house_currency().map_or(2, |house| self.digits(house));
        match self.notional_fine(
            order.instrument,
            i128::from(order.qty.0),
            i128::from(price.0) * 2,
        ) {
            Some(notional) if notional > super::settle::fine(terms.notional_max, digits) => {
                checked.reasons.push(Reject::NotionalMax)
            }
            Some(_) => {}
            None => checked.reasons.push(Reject::RateMissing),
        }
    }

    fn check_margin(
        &self,
        account: &Account,
        order: &NewOrder,
        env: &Env<'_>,
        checked: &mut Checked,
    ) {
        if account.state.unknown {
            checked.reasons.push(Reject::LevelUnknown);
        }
        let Some(price) = checked.price else { return };
        let instrument = self.instrument(order.instrument);
        let quote = instrument.map(super::instruments::Instrument::result_currency);
        let currency = account.state.terms.currency;
        let from = instrument.map(|instrument| instrument.terms.margin_currency);
        if [quote, from]
            .into_iter()
            .flatten()
            .any(|from| !self.is_rate_alive(from, currency, order.instrument, env))
        {
            checked.reasons.push(Reject::RateMissing);
        }
        let Some(base) = self.order_base(order, price.0) else {
            return checked.reasons.push(Reject::RateMissing);
        };
        checked.base = base;
        if instrument.is_some_and(|known| self.would_be_free(account, known, order, price.0)) {
            checked.reasons.push(Reject::MarginPriceZero);
        }
        let flight = Flight {
            instrument: order.instrument,
            side: order.side,
            kind: order.kind,
            qty: i128::from(order.qty.0),
            base,
            price: price.0,
            closing: false,
        };
        let value = self.valuate(account, env);
        let after = self.used(account, env, Some(&flight), &[], &[]);
        let Some(after) = after else {
            return checked.reasons.push(if value.missing.is_some() {
                Reject::LevelUnknown
            } else {
                Reject::Overflow
            });
        };
        checked.margin = Money(after.opening.0 - value.used.opening.0);
        if value.missing.is_some() {
            return checked.reasons.push(Reject::LevelUnknown);
        }
        let free = self.free_floating(account, &value);
        let digits = self.digits_of(account);
        let needed = super::margin::line(Ratio::ONE, after.opening, digits);
        // A rate of zero switches the charge off, and with it the check (MetaTrader 5, checking margin).
        let charged = instrument
            .is_some_and(|instrument| instrument.open_rate(order.side, order.kind) > Ratio(0));
        let short = if crate::mutated!(MarginExclusive) {
            value.fixed + free <= needed
        } else {
            value.fixed + free < needed
        };
        if charged && short && self.increases(account, order, None) {
            checked.reasons.push(Reject::Margin);
        }
    }

    /// Margin follows the price, and the price it would follow is zero: what is opened would be charged nothing.
    fn would_be_free(
        &self,
        account: &Account,
        instrument: &Instrument,
        order: &NewOrder,
        price: i64,
    ) -> bool {
        // Elsewhere a price of zero is no price, and a rate of zero is meant.
        let follows = instrument.price_use == PriceUse::Times && instrument.terms.negative_prices;
        if !follows || instrument.open_rate(order.side, order.kind) == Ratio(0) {
            return false;
        }
        let prices = self.prices(instrument.terms.id);
        let followed = match self.group_of(account).margin_price {
            MarginPrice::Open => None,
            MarginPrice::Mid => prices.map(|now| i128::from(now.bid) + i128::from(now.ask)),
            MarginPrice::Mark => prices.map(margin_price_x2),
        };
        price == 0 || followed == Some(0)
    }

    /// A rate that a new position may be opened on: known, and none of its prices unavailable. What is held goes on
    /// being valued at the last one.
    fn is_rate_alive(
        &self,
        from: CurrencyId,
        to: CurrencyId,
        ordered: InstrumentId,
        env: &Env<'_>,
    ) -> bool {
        if from == to {
            return true;
        }
        let route = self.map().find(from, to);
        // The ordered instrument's own price has a verdict of its own.
        let dead = |id: u32| {
            id != ordered.0 && env.market.feed(InstrumentId(id)) == FeedState::Unavailable
        };
        route.rate(&self.prices, Sided::Bid).is_some() && !route.instruments().any(dead)
    }

    /// The floating result that counts as free margin, fine units.
    pub(super) fn free_floating(
        &self,
        account: &Account,
        value: &super::margin::Valuation,
    ) -> i128 {
        match self.group_of(account).free_margin {
            FreeMargin::Both => value.soft,
            FreeMargin::None => 0,
            FreeMargin::ProfitOnly => value.soft.max(0),
            FreeMargin::LossOnly => value.soft.min(0),
        }
    }

    /// |net| would be larger than now if the order and everything in flight on its side were filled, closing orders
    /// too. An order that does not increase is never blocked for margin, nor by the mode Reducing.
    pub(super) fn increases(
        &self,
        account: &Account,
        order: &NewOrder,
        except: Option<OrderId>,
    ) -> bool {
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        let in_flight: i128 = orders
            .filter(|other| Some(other.id) != except)
            .filter(|other| {
                (other.order.instrument, other.order.side) == (order.instrument, order.side)
            })
            .map(|other| i128::from(other.remaining().0))
            .sum();
        let size = in_flight + i128::from(order.qty.0);
        let signed = if order.side == Side::Buy { size } else { -size };
        let net = self.net(account, order.instrument);
        (net + signed).abs() > net.abs()
    }

    /// Net quantity of an account in an instrument.
    pub(super) fn net(&self, account: &Account, instrument: InstrumentId) -> i128 {
        let positions = account
            .positions
            .iter()
            .filter_map(|slot| self.positions.get(*slot));
        positions
            .filter(|position| position.instrument == instrument)
            .map(|position| position.signed())
            .sum()
    }

    /// What the table says of an action on this order now; `id` once it is on the books.
    pub(super) fn outcome(
        &self,
        action: Action,
        order: &NewOrder,
        id: Option<OrderId>,
        env: &Env<'_>,
    ) -> (Outcome, Reasons) {
        match self.conditions(order, id, env) {
            Some(conditions) => decide(action, &conditions),
            None => (Outcome::Refused, vec![Reject::UnknownLink]),
        }
    }

    /// Every condition that bears on an order now; `None` without a link.
    pub fn conditions(
        &self,
        order: &NewOrder,
        id: Option<OrderId>,
        env: &Env<'_>,
    ) -> Option<Conditions> {
        let account = self.account(order.account)?;
        let instrument = self.instrument(order.instrument)?;
        let link: &Link = self.link_of(account)?;
        let (mode, allow_reducing) = self.mode_over(account, order);
        Some(Conditions {
            feed: env.market.feed(order.instrument),
            trade_delayed: instrument.terms.trade_delayed,
            broker_session_open: link.terms.trades_closed,
            halted: env.market.halted(order.instrument).is_some(),
            leveraged: self.is_leveraged(account, instrument, order),
            mode,
            allow_reducing,
            kill: self.kill_over(account, order),
            margin: account.state.state,
            increases: self.increases(account, order, id),
            unacknowledged: account.state.call != CallStep::None,
            throttled: self.is_throttled(account, order),
            review: account.state.review,
            link: link.mode,
            held_by: link.terms.protective,
            ..Conditions::WELL
        })
    }

    /// An order asks for less margin than it is worth: by the account's leverage, by bands, or by the instrument's own
    /// schedule or margin. What cannot be known counts as leveraged.
    fn is_leveraged(&self, account: &Account, instrument: &Instrument, order: &NewOrder) -> bool {
        if self.leverage_on(account, instrument).0 > Leverage::ONE
            || self.is_levered_by_bands(account, instrument)
            || self.is_levered_by_schedule(self.group_of(account), instrument)
        {
            return true;
        }
        let seen = self.open_price(order.instrument, order.side).map(Price);
        let amounts = || {
            let price = charged_at(order, seen, instrument.inverse > 0)?;
            let qty = order.qty.0.max(1);
            let cost = instrument.cost(qty, price.0)?;
            let qty = i128::from(qty);
            let base = super::used::base(instrument, instrument.margin, qty, cost, Rate::ONE)?;
            let rate = i128::from(instrument.open_rate(order.side, order.kind).0);
            let margin = mul_div_round(base, rate, i128::from(Ratio::ONE.0))?;
            let (currency, value) = instrument.value(qty, cost)?;
            let rate = self.rate(currency, instrument.terms.margin_currency, Sided::Mid)?;
            Some((margin, mul_div_round(value, rate.num, rate.den)?))
        };
        amounts().is_none_or(|(margin, value)| margin < value)
    }

    fn mode_over(&self, account: &Account, order: &NewOrder) -> (TradingMode, bool) {
        let (mut mode, mut reducing) = (TradingMode::Normal, true);
        for scope in self.scopes(account, order) {
            if let Some(set) = self.modes.get(&scope) {
                mode = mode.max(set.mode);
                reducing &= set.allow_reducing || set.mode != TradingMode::Halt;
            }
        }
        (mode, reducing)
    }

    fn kill_over(&self, account: &Account, order: &NewOrder) -> Kill {
        let kills = self
            .kills
            .values()
            .filter(|set| self.killed_by(account, order, set));
        kills
            .map(|set| {
                if set.allow_reducing {
                    Kill::OnReducing
                } else {
                    Kill::On
                }
            })
            .max()
            .unwrap_or(Kill::Off)
    }

    /// An order is in the scope of a kill switch, and in everything that narrows it.
    pub(super) fn killed_by(&self, account: &Account, order: &NewOrder, set: &SetKill) -> bool {
        let also = &set.also;
        let named = |asked: u32, has: u32| asked == 0 || asked == has;
        self.scopes(account, order).contains(&set.scope)
            && also.group.is_none_or(|id| id == account.state.terms.group)
            && also.account.is_none_or(|id| id == order.account)
            && also.instrument.is_none_or(|id| id == order.instrument)
            && named(also.desk, order.desk)
            && named(also.trader, order.trader)
            && named(also.strategy, order.strategy)
    }

    /// Every scope an order is in.
    pub(super) fn scopes(&self, account: &Account, order: &NewOrder) -> Vec<Scope> {
        let mut scopes = vec![
            Scope::House,
            Scope::Group(account.state.terms.group),
            Scope::Account(order.account),
            Scope::Instrument(order.instrument),
        ];
        let named = [
            (order.desk, Scope::Desk(order.desk)),
            (order.trader, Scope::Trader(order.trader)),
            (order.strategy, Scope::Strategy(order.strategy)),
        ];
        let named = named.into_iter().filter(|(id, _)| *id != 0);
        scopes.extend(named.map(|(_, scope)| scope));
        if let Some([base, quote]) = self.legs(order.instrument) {
            scopes.extend([Scope::Currency(base), Scope::Currency(quote)]);
        }
        scopes
    }
}

/// Who answers for an order: its strategy, else its trader, else its account.
pub(super) fn owner(order: &NewOrder) -> Scope {
    match (order.strategy, order.trader) {
        (0, 0) => Scope::Account(order.account),
        (0, trader) => Scope::Trader(trader),
        (strategy, _) => Scope::Strategy(strategy),
    }
}

fn is_too_often(account: &Account, group: &GroupTerms, now: Ts) -> bool {
    let within = account.messages_within(now, group.rate_window_ns);
    group.rate_max > 0 && within >= group.rate_max as usize
}

fn check_size(order: &NewOrder, terms: &InstrumentTerms, reasons: &mut Reasons) {
    let qty = order.qty;
    if qty <= Qty(0) {
        return reasons.push(Reject::QtyNotPositive);
    }
    // The rest of a position may be smaller than the minimum and must stay closable.
    let closing = order.position.is_some() || order.reduce_only;
    if qty < terms.qty_min && !closing {
        reasons.push(Reject::QtyMin);
    }
    if qty > terms.qty_max || crate::mutated!(QtyMaxExclusive) && qty == terms.qty_max {
        reasons.push(Reject::QtyMax);
    }
    if qty.0 % terms.qty_step.0 != 0 && !closing {
        reasons.push(Reject::QtyStep);
    }
}

fn check_shape(order: &NewOrder, terms: &InstrumentTerms, now: Ts, reasons: &mut Reasons) {
    let limit = matches!(order.kind, OrderKind::Limit | OrderKind::StopLimit);
    let stop = matches!(order.kind, OrderKind::Stop | OrderKind::StopLimit);
    if (limit && order.price.is_none()) || (stop && order.stop.is_none()) {
        reasons.push(Reject::PriceMissing);
    }
    let protection = order.protection;
    let prices = [
        order.price,
        order.stop,
        protection.stop_loss,
        protection.take_profit,
    ];
    for price in prices.into_iter().flatten() {
        if price.0 <= 0 && !terms.negative_prices {
            reasons.push(Reject::PriceNotPositive);
        }
        if price.0 % terms.tick.0 != 0 {
            reasons.push(Reject::PriceTick);
        }
    }
    if protection.trailing < Price(0) || order.slippage_max < Price(0) {
        reasons.push(Reject::PriceNotPositive);
    }
    if let (Some(stop), Some(take)) = (protection.stop_loss, protection.take_profit) {
        let crossed = if order.side == Side::Buy {
            stop >= take
        } else {
            stop <= take
        };
        if crossed {
            reasons.push(Reject::PriceSide);
        }
    }
    match (order.tif, order.expires) {
        (Tif::Gtd, None) => reasons.push(Reject::ExpiryPast),
        (_, Some(expires)) if expires <= now => reasons.push(Reject::ExpiryPast),
        _ => {}
    }
}

/// A protective price at or beyond a price, on the side where it would fire there.
fn is_on_wrong_side(order: &NewOrder, price: i64) -> bool {
    let Protection {
        stop_loss,
        take_profit,
        ..
    } = order.protection;
    let (low, high) = match order.side {
        Side::Buy => (stop_loss, take_profit),
        Side::Sell => (take_profit, stop_loss),
    };
    low.is_some_and(|low| low.0 >= price) || high.is_some_and(|high| high.0 <= price)
}

/// Further from a reference than a share of it, on either side; at the edge is inside.
fn is_outside_collar(price: i64, reference: i64, collar: Ratio) -> bool {
    if collar == Ratio(0) {
        return false;
    }
    let distance = (i128::from(price) - i128::from(reference)).abs();
    let allowed = mul_div_floor(
        i128::from(reference).abs(),
        i128::from(collar.0),
        i128::from(Ratio::ONE.0),
    );
    allowed.is_none_or(|(allowed, _)| distance > allowed)
}

/// The price furthest from the mid that a side may trade at: the last tick inside `mid ± share` (the price band of a
/// perpetual venue: Paradex, Risk, Price Bands).
pub fn band_edge(mid_x2: i128, terms: &InstrumentTerms, side: Side) -> Option<Price> {
    let one = i128::from(Ratio::ONE.0);
    let width = mid_x2.abs().checked_mul(i128::from(terms.price_band.0))?;
    let middle = mid_x2.checked_mul(one)?;
    let step = i128::from(terms.tick.0);
    let unit = one.checked_mul(2)?.checked_mul(step)?;
    let ticks = match side {
        Side::Buy => (middle + width).div_euclid(unit),
        Side::Sell => -(width - middle).div_euclid(unit),
    };
    i64::try_from(ticks.checked_mul(step)?).ok().map(Price)
}

fn is_beyond(price: Price, edge: Price, side: Side) -> bool {
    match side {
        Side::Buy => price > edge,
        Side::Sell => price < edge,
    }
}

/// Whether an instrument's terms let an order through.
pub(super) fn trade_mode_allows(terms: &InstrumentTerms, side: Side, action: Action) -> bool {
    match (terms.trade_mode, action) {
        (TradeMode::Full, _) => true,
        (TradeMode::Disabled, _) => false,
        (_, Action::Reduce) => true,
        (TradeMode::LongOnly, _) => side == Side::Buy,
        (TradeMode::ShortOnly, _) => side == Side::Sell,
        (TradeMode::CloseOnly, _) => false,
    }
}
