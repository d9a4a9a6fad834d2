//! The order of a stop-out: which pending orders are cancelled and which quantities are closed, by the group's policy,
//! until equity is beyond the line. Closing at the price of now moves no equity, so what is left is projected.

use super::cover::{Way, first_enough};
use super::left::Left;
use super::levels::until_line;
use super::margin::{Valuation, Which, line};
use super::orders::Order;
use super::positions::Position;
use super::{Account, Book, Env};
use crate::event::*;
use crate::ids::*;
use crate::table::{Action, Outcome};
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::mul_div_floor;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

/// Most cancels and closes of one look at an account; what is left is planned at the next, with these under way. It
/// bounds the time one account may take, as margin is charged anew before each, and is more than the orders and
/// positions of nearly all.
const STEPS_MAX: usize = 256;

/// What a stop-out does, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub cancels: Vec<OrderId>,
    /// Slots of positions and the quantity closed of each, at most an order's size.
    pub closes: Vec<(u32, i64)>,
}

/// Orders of a netting account with the quantity that each closes.
type Shares = Vec<(OrderId, i64)>;

/// A position that may be closed now.
#[derive(Clone)]
struct Candidate {
    slot: u32,
    id: PositionId,
    instrument: InstrumentId,
    /// Quantity that nothing closes yet.
    open: i64,
    /// Result and margin of that quantity.
    worth: i128,
    margin: i128,
}

/// A stop-out being planned. Positions, orders and prices stand still meanwhile, so what follows from them alone is
/// found once.
struct Planner<'a> {
    book: &'a Book,
    account: &'a Account,
    group: &'a GroupTerms,
    value: &'a Valuation,
    env: &'a Env<'a>,
    digits: u8,
    /// Pending orders that may be cancelled, the next one last.
    cancellable: Vec<OrderId>,
    /// Positions that may be closed now, each as a whole.
    tradable: OnceCell<Vec<Candidate>>,
    /// What is charged for what is left, where instruments alone say it.
    left: OnceCell<Option<Left>>,
    /// What rests in the way of closing a position, by its slot.
    ways: RefCell<BTreeMap<u32, Way>>,
    /// What is closed, or will be: first what orders under way close, so many of them.
    gone: Vec<(u32, i64)>,
    under_way: usize,
    /// What is cancelled, or will be.
    cancelled: Vec<OrderId>,
    /// Orders under way and what each closes of a net: with that gone, so much of them is no longer in flight.
    filled: Vec<(OrderId, i64)>,
    plan: Plan,
}

impl Book {
    /// What a stop-out of the account would do now, beside what is already under way.
    pub fn plan(&self, account: &Account, value: &Valuation, env: &Env<'_>) -> Plan {
        self.planned(account, value, env).plan
    }

    /// The same for who foretells it, and whether it ends with the account still at its line because nothing of what is
    /// left may be closed now.
    pub(super) fn plan_and_end(
        &self,
        account: &Account,
        value: &Valuation,
        env: &Env<'_>,
    ) -> (Plan, bool) {
        let planned = self.planned(account, value, env);
        let stuck = planned.is_stuck();
        (planned.plan, stuck)
    }

    fn planned<'a>(
        &'a self,
        account: &'a Account,
        value: &'a Valuation,
        env: &'a Env<'a>,
    ) -> Planner<'a> {
        let mut planner = self.planner(account, value, env, |_| true);
        planner.run();
        planner.make_way();
        planner
    }

    /// `counts`: whether what an order under way closes is taken for closed.
    fn planner<'a>(
        &'a self,
        account: &'a Account,
        value: &'a Valuation,
        env: &'a Env<'a>,
        counts: impl Fn(&Order) -> bool,
    ) -> Planner<'a> {
        let (gone, filled) = self.closes_under_way(account, counts);
        let mut cancellable = self.orders_to_cancel(account, env.now);
        // The largest margin goes first, of equal ones the oldest order.
        cancellable.sort_unstable_by_key(|(margin, id)| (*margin, std::cmp::Reverse(*id)));
        Planner {
            book: self,
            account,
            group: self.group_of(account),
            value,
            env,
            digits: self.digits_of(account),
            cancellable: cancellable.into_iter().map(|(_, id)| id).collect(),
            tradable: OnceCell::new(),
            left: OnceCell::new(),
            ways: RefCell::default(),
            under_way: gone.len(),
            gone,
            cancelled: self.cancelling_orders(account, env.now),
            filled,
            plan: Plan::default(),
        }
    }

    /// The orders of a margin call before any of them runs, each sized to the whole of what is missing (LEAN, margin
    /// call model): slot and quantity. None while the account is not stopped out.
    pub fn margin_call(
        &self,
        account: &Account,
        value: &Valuation,
        env: &Env<'_>,
    ) -> Vec<(u32, i64)> {
        if account.state.state != MarginState::StopOut {
            return Vec::new();
        }
        self.planner(account, value, env, |_| true).sized_orders()
    }

    /// Whether a queued close of a stop-out is still needed, when those queued behind it are not counted.
    ///
    /// # Errors
    /// Why it is not: the account has recovered, or nobody knows whether it has.
    pub(super) fn is_still_due(&self, order: &Order, env: &Env<'_>) -> Result<(), Reject> {
        let account = self.account(order.order.account);
        let stopped = |account: &&Account| account.state.state == MarginState::StopOut;
        let account = account.filter(stopped).ok_or(Reject::NotStoppedOut)?;
        let value = self.valuate(account, env);
        if value.missing.is_some() {
            return Err(Reject::LevelUnknown);
        }
        if self.group_of(account).stop_out_policy == StopOutPolicy::CloseAll {
            return Ok(());
        }
        let counts =
            |order: &Order| order.origin != Origin::StopOut || order.state != OrderState::Queued;
        let planner = self.planner(account, &value, env, counts);
        if planner.is_behind(&planner.gone, &planner.cancelled) {
            Ok(())
        } else {
            Err(Reject::NotStoppedOut)
        }
    }

    /// Something is left that a stop-out would cancel, at the latest when the time of a failed cancel is over.
    pub(super) fn has_order_to_cancel(&self, account: &Account) -> bool {
        let mut orders = self.pending_orders(account, Ts(u64::MAX));
        orders.any(|order| self.charged_for(account, order).is_some())
    }

    /// Pending orders with their margins; orders under execution, orders without margin and those whose cancel has just
    /// failed stay.
    fn orders_to_cancel(&self, account: &Account, now: Ts) -> Vec<(i64, OrderId)> {
        let orders = self.pending_orders(account, now);
        let charged =
            orders.filter_map(|order| Some((self.charged_for(account, order)?, order.id)));
        charged.collect()
    }

    fn pending_orders(&self, account: &Account, now: Ts) -> impl Iterator<Item = &Order> {
        let waiting = move |order: &&Order| match order.state {
            OrderState::Pending | OrderState::Working => now >= order.kept_until,
            OrderState::PartlyFilled => order.rests() && now >= order.kept_until,
            _ => false,
        };
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        orders.filter(waiting)
    }

    /// Margin of an order that opens, before leverage rules, as of a position ([`Book::own_margin`]); nothing where it is
    /// charged none.
    fn charged_for(&self, account: &Account, order: &Order) -> Option<i64> {
        let instrument = self.instrument(order.order.instrument)?;
        let (leverage, _) = self.leverage_on(account, instrument);
        let margin = super::charge::component(
            order
                .in_flight(0, instrument.inverse > 0)
                .filter(|flight| !flight.closing)?
                .base,
            &[instrument.open_rate(order.order.side, order.order.kind)],
            leverage,
            self.digits_of(account),
        );
        margin.filter(|margin| *margin > 0)
    }

    /// Opening orders whose cancel is on its way, unless one has just failed.
    fn cancelling_orders(&self, account: &Account, now: Ts) -> Vec<OrderId> {
        let orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        let cancelling = |order: &&Order| order.state == OrderState::Cancelling && !order.closing;
        let orders = orders.filter(cancelling);
        let relied_on = orders.filter(|order| now >= order.kept_until);
        relied_on.map(|order| order.id).collect()
    }

    /// Slots of positions and how much of each orders under way close, and the orders of a netting account with their
    /// share of it. One that only rests closes nothing now.
    fn closes_under_way(
        &self,
        account: &Account,
        counts: impl Fn(&Order) -> bool,
    ) -> (Vec<(u32, i64)>, Shares) {
        let netting = account.state.terms.accounting == Accounting::Netting;
        let orders = self.grouped(account);
        let (mut gone, mut filled) = (Vec::new(), Vec::new());
        for slot in &account.positions {
            let Some(position) = self.positions.get(*slot) else {
                continue;
            };
            let mut left = position.qty;
            for order in orders.under_way(&position) {
                let part = order.remaining().0.min(left);
                if part <= 0 || !counts(order) {
                    continue;
                }
                left -= part;
                if netting {
                    filled.push((order.id, part));
                }
            }
            if left < position.qty {
                gone.push((*slot, position.qty - left));
            }
        }
        (gone, filled)
    }

    /// Nobody is closed out on a price that is not live, nor against the table.
    fn is_tradable(&self, position: &Position, env: &Env<'_>) -> bool {
        let Some(instrument) = self.instrument(position.instrument) else {
            return false;
        };
        let side = if position.is_long() {
            Side::Sell
        } else {
            Side::Buy
        };
        let order = super::protect::closing_order(position, side, position.qty);
        instrument.terms.trade_mode != TradeMode::Disabled
            && env.market.feed(position.instrument) == FeedState::Live
            && self.outcome(Action::Reduce, &order, None, env).0 != Outcome::Refused
    }
}

impl Planner<'_> {
    fn run(&mut self) {
        match self.group.stop_out_policy {
            StopOutPolicy::CloseAll => return self.everything(),
            StopOutPolicy::LosersFirst if self.group.stop_out_test == LevelTest::Buffer => {
                return self.called();
            }
            _ => {}
        }
        while self.has_steps() && self.is_behind(&self.gone, &self.cancelled) {
            if self.cancel_next() {
                continue;
            }
            let Some((next, qty)) = self.next_position() else {
                return;
            };
            self.close(&next, qty);
        }
    }

    fn has_steps(&self) -> bool {
        self.plan.cancels.len() + self.plan.closes.len() < STEPS_MAX
    }

    fn make_way(&mut self) {
        for id in self.giving_way(&self.gone) {
            if !self.plan.cancels.contains(&id) {
                self.plan.cancels.push(id);
            }
        }
    }

    /// Resting closing orders that leave the quantity that is closed beside what is under way.
    fn giving_way(&self, gone: &[(u32, i64)]) -> Vec<OrderId> {
        let closes = &gone[self.under_way..];
        let mut slots: Vec<u32> = closes.iter().map(|close| close.0).collect();
        slots.dedup();
        let mut ids = Vec::new();
        for slot in slots {
            let parts = closes.iter().filter(|close| close.0 == slot);
            let qty = parts.map(|close| close.1).sum();
            ids.extend(self.in_the_way(slot, qty));
        }
        ids
    }

    fn in_the_way(&self, slot: u32, qty: i64) -> Vec<OrderId> {
        let mut ways = self.ways.borrow_mut();
        let way = ways.entry(slot).or_insert_with(|| {
            let position = self.book.positions.get(slot);
            let way = position.map(|position| self.book.way(self.account, &position));
            way.unwrap_or_default()
        });
        first_enough(way, qty)
    }

    /// Everything at once, whatever the level becomes on the way.
    fn everything(&mut self) {
        let mut all = self.candidates();
        all.sort_by_key(|candidate| (candidate.worth, candidate.id));
        for candidate in &all {
            self.close(candidate, candidate.open);
        }
        // All of them at this look, which costs little: without them the account might be well at the next.
        while self.cancel_next() {}
    }

    /// Orders sized to what is missing at the beginning run one after the other, worst result first, until no margin is
    /// missing.
    fn called(&mut self) {
        while self.has_steps() && self.is_behind(&self.gone, &self.cancelled) {
            if !self.cancel_next() {
                break;
            }
        }
        let sized: BTreeMap<u32, i64> = self.sized_orders().into_iter().collect();
        let mut candidates = self.candidates();
        candidates.retain(|candidate| sized.contains_key(&candidate.slot));
        candidates.sort_by_key(|candidate| (candidate.worth, candidate.id));
        for candidate in &candidates {
            if !self.has_steps() || !self.is_behind(&self.gone, &self.cancelled) {
                return;
            }
            self.close(candidate, sized[&candidate.slot]);
        }
    }

    fn sized_orders(&self) -> Vec<(u32, i64)> {
        let missing = self.missing();
        let sized = |candidate: &Candidate| (candidate.slot, self.sized(candidate, missing));
        let orders = self.candidates();
        orders
            .iter()
            .map(sized)
            .filter(|(_, qty)| *qty > 0)
            .collect()
    }

    /// Closes a quantity in orders of at most the instrument's size.
    fn close(&mut self, candidate: &Candidate, qty: i64) {
        let (most, mut left) = (self.order_max(candidate.instrument), qty);
        while left > 0 && self.has_steps() {
            let part = left.min(most);
            self.plan.closes.push((candidate.slot, part));
            self.gone.push((candidate.slot, part));
            left -= part;
        }
        let whole = (self.book, self.account, self.env);
        if let Some(Some(left)) = self.left.get_mut()
            && left
                .close(whole, candidate.instrument, &self.gone)
                .is_none()
        {
            self.left = OnceCell::from(None);
        }
    }

    /// Largest order of an instrument, a multiple of its step.
    fn order_max(&self, instrument: InstrumentId) -> i64 {
        let step = self.step(instrument);
        let most = self
            .book
            .instrument(instrument)
            .map_or(i64::MAX, |instrument| instrument.terms.qty_max.0);
        (most - most % step).max(step)
    }

    fn step(&self, instrument: InstrumentId) -> i64 {
        let instrument = self.book.instrument(instrument);
        instrument.map_or(1, |instrument| instrument.terms.qty_step.0.max(1))
    }

    /// Closing must go on, and what is left may not be closed now. Where nothing is left, it has done all it could.
    fn is_stuck(&self) -> bool {
        let gone = Gone::of(&self.gone);
        let mut slots = self.account.positions.iter();
        let is_left = slots.any(|slot| {
            let position = self.book.positions.get(*slot);
            position.is_some_and(|position| position.qty > gone.from(*slot))
        });
        is_left
            && self.cancellable.is_empty()
            && self.left_open().next().is_none()
            && self.is_behind(&self.gone, &self.cancelled)
    }

    /// Whether closing must go on when this much is gone.
    fn is_behind(&self, gone: &[(u32, i64)], cancelled: &[OrderId]) -> bool {
        let (book, account) = (self.book, self.account);
        let Some(used) = self.used_without(gone, cancelled) else {
            return false;
        };
        if used <= Money(0) {
            let below = || book.against(account, self.value, Which::Plain, 0).is_lt();
            let money = self.group.closing.money.is_some();
            return money || (self.group.closing.fully_hedged && below());
        }
        let line = until_line(self.group, used, self.digits);
        line.reached(if self.group.closing.at_mid {
            book.against_mid(account, self.value, line.at, gone)
        } else {
            book.against(account, self.value, Which::Plain, line.at)
        })
    }

    /// Used margin when this much is gone. What closes it is not in flight any more, and what would have to give way
    /// is not either: on a netting account either would count as turning round the net that it closes.
    fn used_without(&self, gone: &[(u32, i64)], cancelled: &[OrderId]) -> Option<Money> {
        let (book, account, env) = (self.book, self.account, self.env);
        let left = || book.left(account, env, &self.gone);
        let Some(left) = self.left.get_or_init(left) else {
            return self.charged_without(gone, cancelled);
        };
        // What is tried beside what is closed is one position.
        let tried = gone.get(self.gone.len());
        let more = tried.and_then(|(slot, _)| book.positions.get(*slot));
        let more = more.map(|position| position.instrument);
        let used = left.used((book, account, env), more, gone);
        debug_assert_eq!(used, self.charged_without(gone, cancelled));
        used
    }

    /// The same, charged from scratch.
    fn charged_without(&self, gone: &[(u32, i64)], cancelled: &[OrderId]) -> Option<Money> {
        let (book, account) = (self.book, self.account);
        let mut orders = self.filled.clone();
        orders.extend(cancelled.iter().map(|id| whole(*id)));
        if account.state.terms.accounting == Accounting::Netting {
            orders.extend(self.giving_way(gone).into_iter().map(whole));
        }
        let used = book.used(account, self.env, None, gone, &orders)?;
        Some(used.plain)
    }

    /// Margin that equity does not cover, fine units.
    fn missing(&self) -> i128 {
        let used = self.used_without(&self.gone, &self.cancelled);
        line(Ratio::ONE, used.unwrap_or(Money(0)), self.digits)
            - (self.value.fixed + self.value.plain)
    }

    /// Cancels the next pending order; false when none is left.
    fn cancel_next(&mut self) -> bool {
        let Some(order) = self.cancellable.pop() else {
            return false;
        };
        self.cancelled.push(order);
        self.plan.cancels.push(order);
        true
    }

    /// Positions that may be closed now and are not yet, as much as is left of each.
    fn candidates(&self) -> Vec<Candidate> {
        let all = self.left_open().collect();
        if self.group.closing.oldest_first {
            oldest_of_each(all)
        } else {
            all
        }
    }

    /// The same, whichever policy asks.
    fn left_open(&self) -> impl Iterator<Item = Candidate> {
        let gone = Gone::of(&self.gone);
        let whole = self.tradable.get_or_init(|| self.tradable()).iter();
        whole.filter_map(move |whole| {
            let gone = gone.from(whole.slot);
            let open = whole.open.saturating_sub(gone);
            if open <= 0 || gone == 0 {
                return (open > 0).then(|| whole.clone());
            }
            let part = |amount: i128| {
                let (open, qty) = (i128::from(open), i128::from(whole.open.max(1)));
                mul_div_floor(amount, open, qty).map_or(amount, |(part, _)| part)
            };
            Some(Candidate {
                open,
                worth: part(whole.worth),
                margin: part(whole.margin),
                ..whole.clone()
            })
        })
    }

    /// Positions of which something may be closed now, each as a whole.
    fn tradable(&self) -> Vec<Candidate> {
        let (book, slots) = (self.book, self.account.positions.iter());
        let held = slots.filter_map(|slot| Some((*slot, book.positions.get(*slot)?)));
        let tradable = held.filter(|(_, position)| book.is_tradable(position, self.env));
        let whole = |(slot, position): (u32, Position)| {
            let worth = book.position_worth(&position);
            Candidate {
                slot,
                id: position.id,
                instrument: position.instrument,
                open: position.qty,
                worth: worth.map_or(0, |worth| worth.plain),
                margin: line(Ratio::ONE, book.own_margin(&position), self.digits),
            }
        };
        tradable.map(whole).collect()
    }

    /// What is closed next, and how much of it.
    fn next_position(&self) -> Option<(Candidate, i64)> {
        let policy = self.group.stop_out_policy;
        let by_margin = matches!(
            policy,
            StopOutPolicy::LargestMargin | StopOutPolicy::CtraderSmart
        );
        let rank = |one: &Candidate| {
            let key = if by_margin { -one.margin } else { one.worth };
            (key, one.id)
        };
        let next = if self.group.closing.oldest_first {
            self.candidates().into_iter().min_by_key(rank)?
        } else {
            self.left_open().min_by_key(rank)?
        };
        let qty = match policy {
            StopOutPolicy::CtraderSmart => self.smallest(&next),
            StopOutPolicy::LargestMargin => next.open,
            _ => next.open.min(self.order_max(next.instrument)),
        };
        Some((next, qty))
    }

    /// The smallest multiple of the step that is enough, or everything when nothing is.
    fn smallest(&self, candidate: &Candidate) -> i64 {
        let step = self.step(candidate.instrument);
        let enough = |steps: i64| {
            let mut gone = self.gone.clone();
            gone.push((
                candidate.slot,
                steps.saturating_mul(step).min(candidate.open),
            ));
            !self.is_behind(&gone, &self.cancelled)
        };
        let mut most = candidate.open / step + i64::from(candidate.open % step > 0);
        if !enough(most) {
            // Beyond the opposite side, closing a hedge frees nothing: up to there it may be enough.
            most = self.uncovered(candidate) / step;
            if most <= 0 || !enough(most) {
                return candidate.open;
            }
        }
        let (mut short, mut long) = (0, most);
        while long - short > 1 {
            let middle = short + (long - short) / 2;
            if enough(middle) {
                long = middle;
            } else {
                short = middle;
            }
        }
        long.saturating_mul(step).min(candidate.open)
    }

    /// How much larger the candidate's side of the instrument is than the other.
    fn uncovered(&self, candidate: &Candidate) -> i64 {
        let mut net = 0i128;
        let gone = sums(&self.gone);
        for slot in &self.account.positions {
            let position = self.book.positions.get(*slot);
            if let Some(position) = position.filter(|p| p.instrument == candidate.instrument) {
                let left = position.qty - gone.get(slot).copied().unwrap_or(0);
                net += i128::from(left) * position.signed().signum();
            }
        }
        let own = self.book.positions.get(candidate.slot);
        let net = net * own.map_or(1, |position| position.signed().signum());
        net.clamp(0, i128::from(candidate.open)) as i64
    }

    /// As many whole steps as free the margin that is missing, at most all (LEAN, margin call order).
    fn sized(&self, candidate: &Candidate, missing: i128) -> i64 {
        if missing >= candidate.margin {
            return candidate.open;
        }
        let step = i128::from(self.step(candidate.instrument));
        let qty = mul_div_floor(missing.max(0), i128::from(candidate.open), candidate.margin);
        let Some((floor, exact)) = qty else {
            return candidate.open;
        };
        let up = floor + i128::from(!exact);
        let steps = (up + step - 1) / step;
        (steps * step).clamp(0, i128::from(candidate.open)) as i64
    }
}

/// What is gone, to be asked by position.
pub(super) enum Gone<'a> {
    Few(&'a [(u32, i64)]),
    Many(BTreeMap<u32, i64>),
}

impl<'a> Gone<'a> {
    /// So many are sooner read through than sorted.
    const FEW: usize = 16;

    pub(super) fn of(gone: &'a [(u32, i64)]) -> Gone<'a> {
        if gone.len() <= Gone::FEW {
            Gone::Few(gone)
        } else {
            Gone::Many(sums(gone))
        }
    }

    /// How much of a position.
    pub(super) fn from(&self, slot: u32) -> i64 {
        match self {
            Gone::Few(gone) => {
                let parts = gone.iter().filter(|(other, _)| *other == slot);
                parts.fold(0, |sum, (_, qty)| sum.saturating_add(*qty))
            }
            Gone::Many(sums) => sums.get(&slot).copied().unwrap_or(0),
        }
    }
}

/// How much is gone of each.
pub(super) fn sums<K: Copy + Ord>(gone: &[(K, i64)]) -> BTreeMap<K, i64> {
    let mut sums: BTreeMap<K, i64> = BTreeMap::new();
    for (key, qty) in gone {
        let sum = sums.entry(*key).or_default();
        *sum = sum.saturating_add(*qty);
    }
    sums
}

/// All that is left of an order.
pub(super) fn whole(id: OrderId) -> (OrderId, i64) {
    (id, i64::MAX)
}

/// Of each instrument the oldest position that loses, or the oldest of all when none does.
fn oldest_of_each(all: Vec<Candidate>) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in all {
        let rank = |one: &Candidate| (one.worth >= 0, one.id);
        match kept
            .iter_mut()
            .find(|one| one.instrument == candidate.instrument)
        {
            Some(one) if rank(&candidate) < rank(one) => *one = candidate,
            Some(_) => {}
            None => kept.push(candidate),
        }
    }
    kept
}
