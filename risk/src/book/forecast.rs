//! What prices would do to an account: how far each of its instruments must move for it to be called and stopped out,
//! and what the nearest stop-out closes and lifts the level to. The account is copied into a book of its own whose prices
//! are moved, and the same rules are asked.

use super::accounts::Slots;
use super::levels::{stop_line, warning_line};
use super::link::Link;
use super::margin::{Valuation, level};
use super::marks::MarkInUse;
use super::plan::whole;
use super::{Account, Book, Env};
use crate::convert::{Prices, Sided};
use crate::event::*;
use crate::ids::*;
use crate::terms::MarginPrice;
use crate::units::*;
use crate::view::{Forecast, Untold};
use crate::wide::{mul_div_floor, mul_div_round};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The copied account's id: its book holds no other.
const COPY: AccountId = AccountId(0);
/// Most instruments of an account whose prices are tried, as many pairs again, and most valuations of a position in one
/// round of trying them: each takes some thirty rounds, and a question may not hold the core up.
const TRIED_MAX: usize = 16;
const TRIED_POSITIONS_MAX: usize = 4_096;
/// A stop-out is foretold for accounts with at most this many positions: planning it charges all of them once a close.
const FORETOLD_POSITIONS_MAX: usize = 512;
/// The straight line goes through where the account stands when a price is this share of itself higher and lower.
const LINE_SHARE: i64 = 256;
/// Furthest that a step of the search around the straight line may reach, in price steps.
const CORRECTION_MAX: i64 = 1 << 32;

/// An instrument of an account.
struct Held {
    instrument: InstrumentId,
    /// Of the oldest position.
    side: Side,
    net: i128,
}

/// How many steps an instrument's price must move, everything else still, for the account to be called and stopped
/// out; absent where no price does it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Distance {
    pub instrument: InstrumentId,
    /// Of the oldest position in it; of a pair that only converts its bid is shown, as of a bought position.
    side: Side,
    pub to_warning: Option<i64>,
    pub to_stop_out: Option<i64>,
}

/// What prices would do to an account.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// Of the instruments it holds, those nearest by a straight line where they are many.
    pub held: Vec<Distance>,
    /// Of the pairs that carry its results, and margin that follows prices, into its currency, but for those it holds.
    pub pairs: Vec<Distance>,
    /// What is closed first at the nearest stop-out.
    pub next: Option<Forecast>,
    /// Why it was not looked for.
    pub untold: Option<Untold>,
}

impl Book {
    /// How far prices are from calling an account and stopping it out, each by itself.
    pub(super) fn foresee(&self, account: &Account, env: &Env<'_>) -> Foreseen {
        let held = self.nearest(account);
        if held.is_empty() {
            return Foreseen::default();
        }
        let Some(mut copy) = self.copy_of(account, env) else {
            return Foreseen {
                untold: Some(Untold::Unknown),
                ..Foreseen::default()
            };
        };
        let pairs = self.pairs_of(account);
        let mut distances = |all: &[Held]| -> Vec<Distance> {
            let distance = |held: &Held| copy.distance_of(self, held, env);
            all.iter().map(distance).collect()
        };
        let (held, pairs) = (distances(&held), distances(&pairs));
        let few = account.positions.len() <= FORETOLD_POSITIONS_MAX;
        let all = [held.as_slice(), pairs.as_slice()].concat();
        let next = few.then(|| copy.forecast(self, account, &all, env));
        Foreseen {
            held,
            pairs,
            next: next.flatten(),
            untold: (!few).then_some(Untold::ManyPositions),
        }
    }

    /// The pairs that convert into the account's currency what it holds, in the order of its positions.
    fn pairs_of(&self, account: &Account) -> Vec<Held> {
        let to = account.state.terms.currency;
        let follows = self.group_of(account).margin_price != MarginPrice::Open;
        let (mut seen, mut pairs) = (BTreeSet::from([to]), Vec::<Held>::new());
        let positions = account.positions.iter();
        let positions = positions.filter_map(|slot| self.positions.get(*slot));
        let held: BTreeSet<InstrumentId> = positions.clone().map(|held| held.instrument).collect();
        for instrument in positions.filter_map(|held| self.instrument(held.instrument)) {
            let margin = follows.then_some(instrument.terms.margin_currency);
            for from in [Some(instrument.result_currency()), margin] {
                let Some(from) = from.filter(|from| seen.insert(*from)) else {
                    continue;
                };
                for instrument in self.map().find(from, to).instruments().map(InstrumentId) {
                    let is_tried = pairs.iter().any(|pair| pair.instrument == instrument);
                    if !held.contains(&instrument) && !is_tried {
                        pairs.push(Held {
                            instrument,
                            side: Side::Buy,
                            net: 0,
                        });
                    }
                }
            }
        }
        pairs.truncate(tried(account));
        pairs
    }

    /// The nearest price at which the account is stopped out, one instrument moving and everything else still.
    fn forecast(
        &mut self,
        live: &Book,
        account: &Account,
        distances: &[Distance],
        env: &Env<'_>,
    ) -> Option<Forecast> {
        if account.state.state == MarginState::StopOut {
            let first = distances.first()?;
            let now = live.close_price(first.instrument, first.side)?;
            return self.next_close(first.instrument, Price(now), env);
        }
        let mut best: Option<(i128, i128, i64, InstrumentId, Price)> = None;
        for distance in distances {
            let Some(steps) = distance.to_stop_out else {
                continue;
            };
            let now = live.close_price(distance.instrument, distance.side)?;
            let (far, from) = (i128::from(steps).abs(), i128::from(now).abs().max(1));
            // The smallest share of its own price, compared without division.
            if best.is_none_or(|(other, base, ..)| far * base < other * from) {
                let price = Price(now.saturating_add(steps));
                best = Some((far, from, steps, distance.instrument, price));
            }
        }
        let (.., steps, instrument, price) = best?;
        self.move_price(live, instrument, steps)?;
        self.next_close(instrument, price, env)
    }

    /// The account's instruments, oldest position first; of many those with the most at stake, which by a straight line
    /// are the nearest, because the same equity is left to lose in each.
    fn nearest(&self, account: &Account) -> Vec<Held> {
        let mut all: Vec<Held> = Vec::new();
        let mut places: BTreeMap<InstrumentId, usize> = BTreeMap::new();
        for slot in &account.positions {
            let Some(position) = self.positions.get(*slot) else {
                continue;
            };
            let place = *places.entry(position.instrument).or_insert(all.len());
            match all.get_mut(place) {
                Some(held) => held.net += position.signed(),
                None => all.push(Held {
                    instrument: position.instrument,
                    side: position.side,
                    net: position.signed(),
                }),
            }
        }
        let tried = tried(account);
        if all.len() > tried {
            all.sort_by_cached_key(|held| Reverse(self.at_stake(account, held)));
            all.truncate(tried);
        }
        all
    }

    /// Value of what an account holds of an instrument, bought less sold, fine units of its currency.
    fn at_stake(&self, account: &Account, held: &Held) -> Option<i128> {
        let instrument = self.instrument(held.instrument)?;
        let prices = self.prices(held.instrument)?;
        let price_x2 = i128::from(prices.bid) + i128::from(prices.ask);
        let native = instrument.notional(held.net.abs(), price_x2)?;
        let to = account.state.terms.currency;
        let rate = self.rate(instrument.result_currency(), to, Sided::Mid)?;
        mul_div_round(native, rate.num, rate.den)
    }

    /// In the copy: how far an instrument is from what it does to the account.
    fn distance_of(&mut self, live: &Book, held: &Held, env: &Env<'_>) -> Distance {
        let instrument = held.instrument;
        let mut steps = |wanted| self.steps_to(live, instrument, wanted, env);
        let distance = Distance {
            instrument,
            side: held.side,
            to_warning: steps(MarginState::Warning),
            to_stop_out: steps(MarginState::StopOut),
        };
        self.put_back(live, instrument);
        distance
    }

    /// How many steps an instrument must move for the account to be in a state or a worse one.
    fn steps_to(
        &mut self,
        live: &Book,
        instrument: InstrumentId,
        wanted: MarginState,
        env: &Env<'_>,
    ) -> Option<i64> {
        let (guess, worse) = self.straight(live, instrument, wanted, env)?;
        // No price below one step is looked at, but where prices may be negative.
        let furthest = match self.instrument(instrument) {
            Some(known) if worse < 0 && !known.terms.negative_prices => {
                let prices = live.prices(instrument)?;
                prices.bid.min(prices.mark.unwrap_or(prices.bid)) - 1
            }
            _ => i64::MAX,
        };
        let reached = |distance: i64| -> Option<bool> {
            self.move_price(live, instrument, distance.checked_mul(worse)?)?;
            Some(self.is_in(env, wanted))
        };
        first_reached(guess, furthest, reached)?.checked_mul(worse)
    }

    /// Steps to the line of a state along the straight line through where the account stands when the price is a little
    /// higher and a little lower, and the direction in which it gets there.
    fn straight(
        &mut self,
        live: &Book,
        instrument: InstrumentId,
        wanted: MarginState,
        env: &Env<'_>,
    ) -> Option<(i64, i64)> {
        let step = (live.prices(instrument)?.bid.abs() / LINE_SHARE).max(1);
        let mut room = |by: i64| -> Option<i128> {
            self.move_price(live, instrument, by)?;
            self.room(env, wanted)
        };
        let (up, now, down) = (room(step)?, room(0)?, room(-step)?);
        let lost = up.checked_sub(down)?;
        let worse = if lost < 0 { 1 } else { -1 };
        let (steps, _) = mul_div_floor(now, 2 * i128::from(step), lost.checked_abs()?)?;
        Some((i64::try_from(steps).ok()?, worse))
    }

    /// Equity beyond the line of a state, fine units.
    fn room(&self, env: &Env<'_>, wanted: MarginState) -> Option<i128> {
        let account = self.account(COPY)?;
        let value = self.valuate(account, env);
        if value.missing.is_some() {
            return None;
        }
        let (group, digits) = (self.group_of(account), self.digits_of(account));
        let (floating, line) = match wanted {
            MarginState::StopOut if group.closing.at_mid => (
                self.mid_floating(account, &value, &[]).0,
                stop_line(group, value.used.plain, digits),
            ),
            MarginState::StopOut => (value.plain, stop_line(group, value.used.plain, digits)),
            _ => (value.soft, warning_line(group, value.used.soft, digits)),
        };
        (value.fixed + floating).checked_sub(line.at)
    }

    /// The account is in a state or a worse one: by what its prices say, or up to a restriction by what they say with
    /// the factors of halts and windows.
    fn is_in(&self, env: &Env<'_>, wanted: MarginState) -> bool {
        self.account(COPY).is_some_and(|account| {
            let value = self.valuate(account, env);
            value.missing.is_none() && self.state_at(account, &value) >= wanted
        })
    }

    /// The prices of the live book again.
    fn put_back(&mut self, live: &Book, instrument: InstrumentId) {
        let index = instrument.0 as usize;
        if let Some((price, known)) = self.prices.get_mut(index).zip(live.prices.get(index)) {
            *price = *known;
        }
        if let Some(mark) = live.marks.get(&instrument) {
            self.marks.insert(instrument, *mark);
        }
    }

    /// Moves bid, ask and mark of an instrument away from where they are in the live book. A price that comes is a live
    /// one, whatever was made of the last while none came.
    fn move_price(&mut self, live: &Book, instrument: InstrumentId, by: i64) -> Option<()> {
        let known = live.prices(instrument)?;
        let mark = match known.mark {
            Some(mark) => Some(mark.checked_add(by)?),
            None => None,
        };
        *self.prices.get_mut(instrument.0 as usize)? = Prices {
            mark,
            ..Prices::live(known.bid.checked_add(by)?, known.ask.checked_add(by)?)
        };
        if let Some(mark) = live.marks.get(&instrument) {
            let price = Price(mark.price.0.checked_add(by)?);
            self.marks.insert(instrument, MarkInUse { price, ..*mark });
        }
        Some(())
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
        let (plan, stuck) = self.plan_and_end(account, &value, env);
        let first = plan.closes.first().copied();
        let gone: Vec<(u32, i64)> = first.into_iter().collect();
        let cancelled: Vec<(OrderId, i64)> = plan.cancels.iter().map(|id| whole(*id)).collect();
        let after = self.used(account, env, None, &gone, &cancelled)?;
        let equity = value.fixed + value.plain;
        Some(Forecast {
            instrument,
            price,
            cancels: plan.cancels.len() as u32,
            position: first
                .and_then(|(slot, _)| self.positions.get(slot))
                .map(|position| (position.id, position.instrument)),
            qty: Qty(first.map_or(0, |(_, qty)| qty)),
            level_before: level(equity, value.used.plain, digits),
            level_after: level(equity, after.plain, digits),
            stuck,
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
            if let Some(added) = self.enlarged.get(&position.id) {
                copy.enlarged.insert(position.id, added.clone());
            }
            let slot = copy.positions.insert(position);
            copy.account_mut(COPY)?.positions.push(slot);
        }
        copy.copy_routes(account);
        Some(copy)
    }

    /// An instrument and those whose rates carry its currencies into the account's and its leverage rule's.
    fn copy_instrument(&mut self, live: &Book, account: &Account, id: InstrumentId) {
        let to = account.state.terms.currency;
        let Some(instrument) = live.instrument(id) else {
            return;
        };
        let terms = &instrument.terms;
        let mut ways = vec![(terms.quote, to), (terms.margin_currency, to)];
        let rule = live.tier_of(account, id).filter(|rule| rule.by_value());
        ways.extend(rule.map(|rule| (instrument.value_currency(), rule.currency)));
        let mut needed = vec![id.0];
        for (from, to) in ways {
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
        let results: Vec<CurrencyId> = self
            .instruments
            .iter()
            .flatten()
            .map(|instrument| instrument.result_currency())
            .collect();
        for from in results {
            let map = crate::convert::Map {
                currencies: &self.currencies,
                instruments: &self.instruments,
                prices: &self.prices,
            };
            self.routes.number(from, to, &map);
        }
    }
}

/// How many instruments of an account are tried, and how many pairs.
fn tried(account: &Account) -> usize {
    let tried = TRIED_POSITIONS_MAX / account.positions.len().max(1);
    tried.clamp(1, TRIED_MAX)
}

/// A scope under the copy's name; nothing when it is another account's.
fn renamed(scope: Scope, id: AccountId) -> Option<Scope> {
    match scope {
        Scope::Account(account) if account == id => Some(Scope::Account(COPY)),
        Scope::Account(_) => None,
        scope => Some(scope),
    }
}

/// The smallest distance that is reached, searched around a guess and no further than `furthest`; `None` when there is
/// none near it.
fn first_reached(
    guess: i64,
    furthest: i64,
    mut reached: impl FnMut(i64) -> Option<bool>,
) -> Option<i64> {
    let guess = guess.min(furthest);
    let forward = !reached(guess)?;
    let (mut near, mut width) = (guess, 1i64);
    let mut far = loop {
        if width > CORRECTION_MAX || (forward && near >= furthest) {
            return None;
        }
        let next = if forward {
            near.saturating_add(width).min(furthest)
        } else {
            near.checked_sub(width)?
        };
        if reached(next)? == forward {
            break next;
        }
        (near, width) = (next, width * 2);
    };
    if !forward {
        (near, far) = (far, near);
    }
    while far - near > 1 {
        let middle = near + (far - near) / 2;
        if reached(middle)? {
            far = middle;
        } else {
            near = middle;
        }
    }
    Some(far)
}
