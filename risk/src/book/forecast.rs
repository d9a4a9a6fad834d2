//! The next stop-out of an account: at which price of which instrument, what it closes, and how much that lifts the
//! level. The account is copied into a book of its own whose prices are moved, and the same rules are asked.

use super::accounts::Slots;
use super::link::Link;
use super::margin::{Valuation, Which, level};
use super::marks::MarkInUse;
use super::plan::whole;
use super::positions::Position;
use super::views::first_reached;
use super::{Account, Book, Env};
use crate::event::*;
use crate::ids::*;
use crate::units::*;
use crate::view::Forecast;
use std::collections::BTreeMap;

/// The copied account's id: its book holds no other.
const COPY: AccountId = AccountId(0);

impl Book {
    /// The nearest price at which the account is stopped out, one instrument moving and everything else still. `at`
    /// holds, for a position of each instrument, the price that a straight line gives.
    pub(super) fn forecast(
        &self,
        account: &Account,
        at: &[(&Position, Option<Price>)],
        env: &Env<'_>,
    ) -> Option<Forecast> {
        let mut copy = self.copy_of(account, env)?;
        if account.state.state == MarginState::StopOut {
            let (first, _) = at.first()?;
            let now = self.close_price(first.instrument, first.side)?;
            return copy.next_close(first.instrument, Price(now), env);
        }
        let mut best: Option<(i128, i128, Price, InstrumentId)> = None;
        let mut seen: Vec<InstrumentId> = Vec::new();
        for (position, guess) in at {
            if seen.contains(&position.instrument) {
                continue;
            }
            seen.push(position.instrument);
            let Some((distance, now)) = copy.stop_distance(self, account, position, *guess, env)
            else {
                continue;
            };
            let (far, from) = (i128::from(distance.abs()), i128::from(now).abs().max(1));
            // The smallest share of its own price, compared without division.
            if best.is_none_or(|(other, base, ..)| far * base < other * from) {
                let price = Price(now.saturating_add(distance));
                best = Some((far, from, price, position.instrument));
            }
        }
        let (.., price, instrument) = best?;
        let side = at.iter().find(|(p, _)| p.instrument == instrument)?.0.side;
        let shift = price.0 - self.close_price(instrument, side)?;
        copy.move_price(self, instrument, shift)?;
        copy.next_close(instrument, price, env)
    }

    /// How far the closing price of a position must move for the account to be stopped out, and where it is now.
    fn stop_distance(
        &mut self,
        live: &Book,
        account: &Account,
        position: &Position,
        guess: Option<Price>,
        env: &Env<'_>,
    ) -> Option<(i64, i64)> {
        let now = live.close_price(position.instrument, position.side)?;
        let net = live.net(account, position.instrument);
        if net == 0 {
            return None;
        }
        let worse = if net > 0 { -1 } else { 1 };
        let guess = guess?.0.checked_sub(now)?.checked_mul(worse)?.max(1);
        let copy = std::cell::RefCell::new(self);
        let reached = |distance: i64| -> Option<bool> {
            let mut copy = copy.borrow_mut();
            copy.move_price(live, position.instrument, distance.checked_mul(worse)?)?;
            Some(copy.is_stopped_out(env))
        };
        let distance = first_reached(guess, reached)?;
        copy.borrow_mut().move_price(live, position.instrument, 0)?;
        Some((distance.checked_mul(worse)?, now))
    }

    /// Moves bid, ask and mark of an instrument away from where they are in the live book.
    fn move_price(&mut self, live: &Book, instrument: InstrumentId, by: i64) -> Option<()> {
        let mut prices = *live.prices(instrument)?;
        for price in [
            &mut prices.bid,
            &mut prices.ask,
            &mut prices.soft_bid,
            &mut prices.soft_ask,
        ] {
            *price = price.checked_add(by)?;
        }
        if let Some(mark) = &mut prices.mark {
            *mark = mark.checked_add(by)?;
        }
        *self.prices.get_mut(instrument.0 as usize)? = prices;
        if let Some(mark) = live.marks.get(&instrument) {
            let price = Price(mark.price.0.checked_add(by)?);
            self.marks.insert(instrument, MarkInUse { price, ..*mark });
        }
        Some(())
    }

    fn is_stopped_out(&self, env: &Env<'_>) -> bool {
        self.account(COPY).is_some_and(|account| {
            let value = self.valuate(account, env);
            value.missing.is_none()
                && self.state_of(account, &value, Which::Plain) == MarginState::StopOut
        })
    }

    /// The first thing a stop-out closes at the prices of this book, and the level before and after it.
    fn next_close(
        &self,
        instrument: InstrumentId,
        price: Price,
        env: &Env<'_>,
    ) -> Option<Forecast> {
        let account = self.account(COPY)?;
        let digits = self.digits_of(account);
        let value = self.valuate(account, env);
        let plan = self.plan(account, &value, env);
        let first = plan.closes.first().copied();
        let gone: Vec<(u32, i64)> = first.into_iter().collect();
        let cancelled: Vec<(OrderId, i64)> = plan.cancels.iter().map(|id| whole(*id)).collect();
        let after = self.used(account, env, None, &gone, &cancelled)?;
        let equity = value.fixed + value.plain;
        Some(Forecast {
            instrument,
            price,
            cancels: plan.cancels.len() as u32,
            position: first.and_then(|(slot, _)| Some(self.positions.get(slot)?.id)),
            qty: Qty(first.map_or(0, |(_, qty)| qty)),
            level_before: level(equity, value.used.plain, digits),
            level_after: level(equity, after.plain, digits),
        })
    }

    /// A book of one account: its terms, the instruments it needs, and the prices of now.
    fn copy_of(&self, account: &Account, env: &Env<'_>) -> Option<Book> {
        let value: Valuation = self.valuate(account, env);
        if value.missing.is_some() {
            return None;
        }
        let (id, group) = (account.id(), *self.group_of(account));
        let link = self.link_of(account)?;
        let mut copy = Book {
            currencies: self.currencies.clone(),
            groups: BTreeMap::from([(group.id, group)]),
            links: BTreeMap::from([(
                link.terms.id,
                Link {
                    protects: BTreeMap::new(),
                    ..link.clone()
                },
            )]),
            prices: self.prices.clone(),
            tiers: self.tiers.clone(),
            windows: self.windows.clone(),
            fixings: self.fixings.clone(),
            marks: self.marks.clone(),
            open_interest: self.open_interest.clone(),
            modes: self
                .modes
                .iter()
                .filter_map(|(scope, set)| Some((renamed(*scope, id)?, *set)))
                .collect(),
            kills: self
                .kills
                .iter()
                .filter_map(|((scope, also), set)| {
                    let account = match also.account {
                        Some(account) if account != id => return None,
                        named => named.map(|_| COPY),
                    };
                    Some(((renamed(*scope, id)?, Also { account, ..*also }), *set))
                })
                .collect(),
            ..Book::default()
        };
        let mut mine = account.clone();
        mine.state.terms.id = COPY;
        mine.positions = Slots::default();
        copy.accounts.insert(mine);
        for order in account.orders.iter().filter_map(|id| self.orders.get(id)) {
            let mut order = order.clone();
            order.order.account = COPY;
            copy.copy_instrument(self, account, order.order.instrument);
            copy.orders.insert(order.id, order);
        }
        for slot in &account.positions {
            let mut position = self.positions.get(*slot)?;
            position.account = COPY;
            copy.copy_instrument(self, account, position.instrument);
            let slot = copy.positions.insert(position);
            copy.account_mut(COPY)?.positions.push(slot);
        }
        copy.copy_routes(account);
        Some(copy)
    }

    /// An instrument and those whose rates carry its currencies into the account's.
    fn copy_instrument(&mut self, live: &Book, account: &Account, id: InstrumentId) {
        let to = account.state.terms.currency;
        let Some(terms) = live.instrument(id).map(|instrument| &instrument.terms) else {
            return;
        };
        let mut needed = vec![id.0];
        for from in [terms.quote, terms.margin_currency] {
            needed.extend(live.map().find(from, to).instruments());
        }
        for id in needed {
            let index = id as usize;
            if self.instruments.len() <= index {
                self.instruments.resize_with(index + 1, || None);
            }
            if self.instruments[index].is_none() {
                self.instruments[index] = live.instruments.get(index).cloned().flatten();
            }
        }
    }

    fn copy_routes(&mut self, account: &Account) {
        let to = account.state.terms.currency;
        let quotes: Vec<CurrencyId> = self
            .instruments
            .iter()
            .flatten()
            .map(|instrument| instrument.terms.quote)
            .collect();
        for from in quotes {
            let map = crate::convert::Map {
                currencies: &self.currencies,
                instruments: &self.instruments,
                prices: &self.prices,
            };
            self.routes.number(from, to, &map);
        }
    }
}

/// A scope under the copy's name; nothing when it is another account's.
fn renamed(scope: Scope, id: AccountId) -> Option<Scope> {
    match scope {
        Scope::Account(account) if account == id => Some(Scope::Account(COPY)),
        Scope::Account(_) => None,
        scope => Some(scope),
    }
}
