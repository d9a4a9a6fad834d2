//! Looks at every account that an input touched: its margin state, its losses, its stop-out; then tells the watch
//! between which results nothing can change.

use super::instruments::ten;
use super::levels::{restricted_line, stop_line, warning_line};
use super::margin::{Valuation, Which, level};
use super::protect::Tried;
use super::timers::Timer;
use super::{Account, Book, Ctx, Env};
use crate::convert::{FINE_DIGITS, Prices};
use crate::event::*;
use crate::ids::*;
use crate::market::{Accepted, Effect};
use crate::terms::*;
use crate::units::*;
use crate::watch::{Band, SIDE_BY_SIDE, Valuing};
use crate::wide::mul_div_round;

/// A missing rate or price is told after this long.
const MISSING_NS: u64 = 10 * SECOND_NS;
/// Rounds of one settlement: closing touches its account again, and finds nothing more to do.
const ROUNDS_MAX: usize = 8;

/// An account that is stopped out, for ordering: the deepest under water first.
struct Sinking {
    account: AccountId,
    equity: Money,
    used: Money,
}

impl Book {
    /// Settles everything touched since the last time.
    pub fn settle(&mut self, ctx: &mut Ctx<'_>) {
        self.settle_touched(ctx);
        let view = Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch.tend(view);
    }

    fn settle_touched(&mut self, ctx: &mut Ctx<'_>) {
        for _ in 0..ROUNDS_MAX {
            let settled = self.touched.is_empty() && self.priced.is_empty();
            if settled && self.uncovered.is_empty() {
                return;
            }
            self.close_uncovered(ctx);
            let mut due = std::mem::take(&mut self.due);
            // Whose book changed comes first, so that is what is kept of an account that is there twice.
            due.extend(self.touched.drain(..).map(|account| (account, false)));
            due.extend(self.priced.drain(..).map(|account| (account, true)));
            due.sort_unstable();
            due.dedup_by_key(|(account, _)| *account);
            let mut sinking = Vec::new();
            for (at, (account, priced)) in due.iter().enumerate() {
                if at % SIDE_BY_SIDE == 0 {
                    self.read_side_by_side(&due[at..due.len().min(at + SIDE_BY_SIDE)]);
                }
                self.watch.taken(*account);
                if let Some(sink) = self.evaluate(ctx, AccountId(*account), *priced) {
                    sinking.push(sink);
                }
            }
            sinking.sort_by(|a, b| {
                let (left, right) = (
                    i128::from(a.equity.0) * i128::from(b.used.0),
                    i128::from(b.equity.0) * i128::from(a.used.0),
                );
                // Without used margin there is no level, and equity is all there is to compare.
                left.cmp(&right)
                    .then(a.equity.cmp(&b.equity))
                    .then(a.account.cmp(&b.account))
            });
            for sink in sinking {
                self.stop_out(ctx, sink.account);
            }
            due.clear();
            self.due = due;
        }
        // Rounds are over: whoever is still due is looked at again at the next price, and charged anew then.
        for (account, instrument) in std::mem::take(&mut self.uncovered) {
            self.look_later(ctx.now, account, instrument);
        }
        for account in std::mem::take(&mut self.touched) {
            self.watch.taken(account);
            if let Some(account) = self.account_mut(AccountId(account)) {
                account.state.used = Account::NOT_CHARGED;
            }
        }
        for account in self.priced.drain(..) {
            self.watch.taken(account);
        }
    }

    /// Reads what settling these accounts needs, side by side.
    fn read_side_by_side(&self, due: &[(u32, bool)]) {
        if due.len() < SIDE_BY_SIDE {
            return;
        }
        let accounts: [u32; SIDE_BY_SIDE] = std::array::from_fn(|at| due[at].0);
        let states = accounts.iter().map(|account| {
            let account = self.account(AccountId(*account));
            account.map_or(0, |account| account.state.used.0 ^ account.fixed.0)
        });
        std::hint::black_box(states.fold(0, |sum, one| sum ^ one));
        self.watch.read_side_by_side(&accounts);
    }

    /// A price serves: it is tried against waiting prices, then every account it may have moved is looked at. When it
    /// stands for others, thresholds are tried against their extremes too.
    pub(crate) fn on_mark(&mut self, ctx: &mut Ctx<'_>, accepted: Accepted) {
        let (id, bid, ask) = (accepted.instrument, accepted.bid.0, accepted.ask.0);
        let at = Tried {
            bid,
            ask,
            bid_low: accepted.bid_low.0.min(bid),
            ask_high: accepted.ask_high.0.max(ask),
        };
        let mark = self.prices.get(id.0 as usize).and_then(|known| known.mark);
        let live = |bid, ask| Prices {
            mark,
            ..Prices::live(bid, ask)
        };
        let (now, extreme) = (live(bid, ask), live(at.bid_low, at.ask_high));
        self.reprice(id, now);
        self.try_prices(ctx, id, at);
        self.close_uncovered(ctx);
        if at.bid_low < bid || at.ask_high > ask {
            self.reprice(id, extreme);
            self.settle(ctx);
            self.reprice(id, now);
        }
        self.settle(ctx);
    }

    /// What the market asks of the book.
    pub(crate) fn on_effect(&mut self, ctx: &mut Ctx<'_>, effect: Effect) {
        match effect {
            Effect::HaltTold { instrument } => self.count_holders(ctx, instrument),
            Effect::Halt { instrument, on } => {
                if on && let Some(terms) = ctx.market.terms(instrument) {
                    self.after(ctx.now, terms.halt.grace_ns, Timer::HaltGrace(instrument));
                }
                self.touch_holders(instrument);
            }
            // The price that ends a silence is a mark of its own.
            Effect::Feed { .. } => {}
            Effect::Minute => self.on_minute(ctx),
        }
    }

    /// The market says what became of a halt; only the book knows who holds the instrument.
    fn count_holders(&self, ctx: &mut Ctx<'_>, instrument: InstrumentId) {
        let holders = self.holders_of(instrument).len() as u32;
        for output in ctx.out.iter_mut().rev() {
            if let Output::Halt(halt) = output
                && halt.instrument == instrument
            {
                halt.holders = holders;
                return;
            }
        }
    }

    /// New prices of an instrument: everything they can move is due.
    pub(super) fn reprice(&mut self, instrument: InstrumentId, prices: Prices) {
        let index = instrument.0 as usize;
        if self.prices.len() <= index {
            self.prices.resize(index + 1, Prices::default());
        }
        let first = !self.prices[index].known;
        self.prices[index] = prices;
        if first {
            self.refresh_routes();
        }
        let view = Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch
            .on_mark(instrument.0, view, &self.positions, &mut self.priced);
    }

    /// Conversion routes may have become better; whoever uses them is watched anew.
    pub(super) fn refresh_routes(&mut self) {
        let map = crate::convert::Map {
            currencies: &self.currencies,
            instruments: &self.instruments,
            prices: &self.prices,
        };
        if self.routes.refresh(&map) {
            self.rebuild_watch();
        }
    }

    pub(super) fn rebuild_watch(&mut self) {
        let view = Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch = crate::watch::Watch::new(view).with_hooks_of(&self.watch);
        let accounts: Vec<u32> = self.accounts().map(|account| account.id().0).collect();
        let mut legs = Vec::new();
        for id in &accounts {
            let account = self.account(AccountId(*id));
            let slots = account.map(|account| account.positions.clone());
            legs.clear();
            for slot in slots.unwrap_or_default() {
                let position = self.positions.get(slot);
                let leg = position.and_then(|position| self.leg_to_follow(&position));
                legs.extend(leg.map(|leg| (slot, leg)));
            }
            self.follow_all(&legs);
        }
        self.touched.extend(accounts);
    }

    /// Looks at an account. When only prices moved since it was settled last, its used margin is the one of then.
    fn evaluate(&mut self, ctx: &mut Ctx<'_>, id: AccountId, priced: bool) -> Option<Sinking> {
        let kept = priced && self.keeps_used(self.account(id)?);
        if !kept {
            self.complete_margin_rates(id);
            self.complete_fixings(id);
        }
        let account = self.account(id)?;
        let quick = kept.then(|| self.quick_value(account)).flatten();
        let value = match quick {
            Some(value) => value,
            None if kept => self.valuate_kept(account, &ctx.env()),
            None => self.valuate(account, &ctx.env()),
        };
        if value.missing.is_some() {
            self.lose_sight(ctx, id);
            return None;
        }
        self.regain_sight(ctx, id);
        let account = self.account(id)?;
        let hard = self.state_of(account, &value, Which::Plain);
        let soft = self
            .state_of(account, &value, Which::Soft)
            .min(MarginState::Restricted);
        let state = hard.max(soft);
        let from = account.state.state;
        self.change_state(ctx, id, &value, state, state > hard);
        self.check_losses(ctx, id, &value, kept);
        self.compensate(ctx, id);
        if quick.is_some() {
            self.move_bands(id, &value);
        } else {
            self.set_bands(id, &value);
        }
        let account = self.account(id)?;
        let group = self.group_of(account);
        let act = group.stop_out_mode == StopOutMode::Act && ctx.now >= account.state.retry;
        let sinks = state == MarginState::StopOut && (act || from != MarginState::StopOut);
        sinks.then(|| Sinking {
            account: id,
            equity: value.equity(self.digits_of(account)),
            used: value.used.plain,
        })
    }

    /// An account of which only prices have changed, by the sums that the watch keeps of it: exactly what a valuation
    /// of its positions would say. `None` where the watch does not know.
    pub(super) fn quick_value(&self, account: &Account) -> Option<Valuation> {
        let result = self.watch.exact_result(account.id().0)?;
        if account.fixed == Account::NOT_FIXED {
            return None;
        }
        Some(Valuation {
            fixed: fine(account.fixed, self.digits_of(account)),
            plain: result,
            soft: result,
            slack: 0,
            used: account.kept_used(),
            missing: None,
        })
    }

    /// The value of an account that has just been looked at.
    pub(super) fn value_settled(&self, account: &Account, env: &Env<'_>) -> Valuation {
        let kept = self.keeps_used(account);
        let quick = kept.then(|| self.quick_value(account)).flatten();
        quick.unwrap_or_else(|| self.valuate_kept(account, env))
    }

    fn change_state(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: AccountId,
        value: &Valuation,
        to: MarginState,
        soft: bool,
    ) {
        let Some(account) = self.account(id) else {
            return;
        };
        let digits = self.digits_of(account);
        // Short of a stop-out the numbers are those the account is shown with, whatever decided.
        let (shown, used) = if to < MarginState::StopOut {
            (value.warned(), value.used.soft)
        } else {
            (*value, value.used.plain)
        };
        let change = MarginChange {
            account: id,
            from: account.state.state,
            to,
            equity: shown.equity(digits),
            used,
            level: level(shown.fixed + shown.plain, used, digits),
            instrument: ctx.cause,
            soft,
        };
        let Some(account) = self.account_mut(id) else {
            return;
        };
        account.state.used = value.used.plain;
        account.state.used_soft = value.used.soft;
        if change.from == to {
            return;
        }
        account.state.state = to;
        self.states[change.from as usize] -= 1;
        self.states[to as usize] += 1;
        ctx.out.push(Output::Margin(change));
        if to >= MarginState::Restricted && change.from < MarginState::Restricted {
            self.call_client(id);
        }
    }

    fn set_bands(&mut self, id: AccountId, value: &Valuation) {
        if let Some(account) = self.account(id) {
            let band = self.band_of(account, value);
            self.watch.set_band(id.0, band, (value.plain, value.soft));
        }
        let unit = self
            .account(id)
            .map(|account| fine(Money(1), self.digits_of(account)));
        if let Some((account, unit)) = self.account_mut(id).zip(unit) {
            account.fixed = Money(super::margin::clamp(value.fixed / unit));
        }
    }

    /// Bands of an account of which only prices have changed since it was banded.
    fn move_bands(&mut self, id: AccountId, value: &Valuation) {
        let Some(account) = self.account(id) else {
            return;
        };
        let group = self.group_of(account);
        if self.keeps_closing(account, group) {
            return self
                .watch
                .set_band(id.0, Band::SHUT, (value.plain, value.soft));
        }
        let band = self.open_band(account, group, value);
        let (low, high) = (
            band.plain_low.max(band.soft_low),
            band.plain_high.min(band.soft_high),
        );
        self.watch.set_thresholds(id.0, low, high);
    }

    /// Results between which neither state nor loss alert of the account can change.
    pub(super) fn band_of(&self, account: &Account, value: &Valuation) -> Band {
        let group = self.group_of(account);
        if account.positions.is_empty() {
            return Band::OPEN;
        }
        let shut = group.margin_price != MarginPrice::Open || group.closing.at_mid;
        if shut || self.is_bent(account) || self.keeps_closing(account, group) {
            return Band::SHUT;
        }
        self.open_band(account, group, value)
    }

    fn open_band(&self, account: &Account, group: &GroupTerms, value: &Valuation) -> Band {
        let digits = self.digits_of(account);
        let mut band = margin_band(account, group, value, digits);
        self.add_loss_band(account, value, &mut band);
        let slack = account.positions.len() as i128;
        Band {
            plain_low: below(band.plain_low, value.fixed),
            plain_high: above(band.plain_high, value.fixed + slack),
            soft_low: below(band.soft_low, value.fixed),
            soft_high: above(band.soft_high, value.fixed + slack),
        }
    }

    /// Sets an account's bands after a restore.
    pub(super) fn watch_again(&mut self, id: AccountId, value: &Valuation) {
        if value.missing.is_some() {
            return self.watch.set_band(id.0, Band::SHUT, (0, 0));
        }
        self.set_bands(id, value);
        let group = self.account(id).map(|account| self.group_of(account));
        if group.is_none_or(|group| group.loss_position <= Ratio(0)) {
            return;
        }
        for slot in self
            .account(id)
            .map(|account| account.positions.clone())
            .unwrap_or_default()
        {
            self.set_loss_band(slot);
        }
    }

    /// An acting stop-out looks again at every price while something is left that nothing closes yet.
    fn keeps_closing(&self, account: &Account, group: &GroupTerms) -> bool {
        let acting =
            account.state.state == MarginState::StopOut && group.stop_out_mode == StopOutMode::Act;
        if !acting || self.has_order_to_cancel(account) {
            return acting;
        }
        let orders = self.grouped(account);
        let slots = account.positions.iter();
        slots
            .filter_map(|slot| self.positions.get(*slot))
            .any(|position| orders.going(&position) < position.qty)
    }

    /// A level that cannot be known keeps its last state.
    fn lose_sight(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        self.watch.set_band(id.0, Band::SHUT, (0, 0));
        let now = ctx.now;
        let Some(account) = self
            .account_mut(id)
            .filter(|account| !account.state.unknown)
        else {
            return;
        };
        account.state.unknown = true;
        account.state.unknown_since = now;
        self.after(now, MISSING_NS, Timer::RateMissing(id));
    }

    fn regain_sight(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        let Some(account) = self.account_mut(id).filter(|account| account.state.unknown) else {
            return;
        };
        account.state.unknown = false;
        let to = account.state.terms.currency;
        if let Some(from) = account.state.told.take() {
            let change = ConversionChange {
                account: id,
                from,
                to,
                missing: false,
            };
            ctx.out.push(Output::Conversion(change));
        }
    }

    pub(super) fn rate_still_missing(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        let missing = |account: &&Account| {
            let state = &account.state;
            let long = ctx.now.since(state.unknown_since) >= MISSING_NS;
            state.unknown && state.told.is_none() && long
        };
        let Some(account) = self.account(id).filter(missing) else {
            return;
        };
        let Some((from, to)) = self.valuate(account, &ctx.env()).missing else {
            return;
        };
        if let Some(account) = self.account_mut(id) {
            account.state.told = Some(from);
        }
        ctx.out.push(Output::Conversion(ConversionChange {
            account: id,
            from,
            to,
            missing: true,
        }));
    }

    /// Margin rates that were missing at a fill are stored as soon as they are known.
    fn complete_margin_rates(&mut self, id: AccountId) {
        let Some(account) = self.account(id) else {
            return;
        };
        let incomplete = |slot: &&u32| {
            self.positions
                .get(**slot)
                .is_some_and(|p| p.margin_rate.is_none())
        };
        if !account.positions.iter().any(|slot| incomplete(&slot)) {
            return;
        }
        for slot in account.positions.clone() {
            self.store_margin_rate(slot, None);
            self.follow(slot);
        }
    }

    /// Stores the rate of now, and the price of now when one is given.
    pub(super) fn store_margin_rate(&mut self, slot: u32, price: Option<i64>) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let sided = super::fills::margin_side(position.side);
        let from = self
            .instrument(position.instrument)
            .map(|instrument| instrument.terms.margin_currency);
        let to = self
            .account(position.account)
            .map(|account| account.state.terms.currency);
        let rate = from
            .zip(to)
            .and_then(|(from, to)| self.rate(from, to, sided));
        let cost = price
            .zip(self.instrument(position.instrument))
            .and_then(|(price, instrument)| instrument.cost(position.qty, price));
        if let Some(mut position) = self.positions.get_mut(slot) {
            if let Some(cost) = cost {
                position.margin_cost = cost.abs();
                position.margin_rate = rate.or(position.margin_rate);
            } else if position.margin_rate.is_none() {
                position.margin_rate = rate;
            }
        }
    }

    /// Prices of instruments without data are moved against whoever holds them, by the minute.
    pub(super) fn refresh_haircuts(&mut self, ctx: &mut Ctx<'_>) {
        for index in 0..self.prices.len() {
            let now = self.prices[index];
            let id = InstrumentId(index as u32);
            if !now.known {
                continue;
            }
            let cut = if ctx.market.feed(id) == FeedState::Unavailable {
                ctx.market.haircut(id, ctx.now.0 / MINUTE_NS)
            } else {
                Ratio(0)
            };
            let step = |price: i64| {
                let size = mul_div_round(
                    i128::from(price).abs(),
                    i128::from(cut.0),
                    i128::from(Ratio::ONE.0),
                );
                super::margin::clamp(size.unwrap_or(0))
            };
            let moved = Prices {
                soft_bid: now.bid.saturating_sub(step(now.bid)),
                soft_ask: now.ask.saturating_add(step(now.ask)),
                ..now
            };
            if moved != now {
                self.reprice(id, moved);
            }
        }
    }
}

/// The nearest margin threshold below and above the state the account is in.
fn margin_band(account: &Account, group: &GroupTerms, value: &Valuation, digits: u8) -> Band {
    let state = account.state.state;
    let mut band = Band::OPEN;
    let (warning, restricted) = if value.used.soft.0 > 0 {
        (
            warning_line(group, value.used.soft, digits).last(),
            restricted_line(group, value.used.soft, digits).last(),
        )
    } else {
        (-1, -1)
    };
    match state {
        MarginState::Healthy => band.soft_low = warning.max(restricted),
        MarginState::Warning => (band.soft_low, band.soft_high) = (restricted, warning + 1),
        MarginState::Restricted => band.soft_high = restricted + 1,
        MarginState::StopOut => {}
    }
    let low = if value.used.plain.0 > 0 {
        Some(stop_line(group, value.used.plain, digits).last())
    } else {
        // Only a negative equity stops out what uses no margin.
        group.closing.fully_hedged.then_some(-1)
    };
    match low {
        Some(low) if state == MarginState::StopOut => band.plain_high = low + 1,
        Some(low) => band.plain_low = low,
        None => {}
    }
    band
}

/// A line less what is fixed; no line stays none.
fn below(line: i128, fixed: i128) -> i128 {
    if line == i128::MIN {
        line
    } else {
        line.saturating_sub(fixed)
    }
}

fn above(line: i128, fixed: i128) -> i128 {
    if line == i128::MAX {
        line
    } else {
        line.saturating_sub(fixed)
    }
}

/// Minor units as fine units.
pub(super) fn fine(money: Money, digits: u8) -> i128 {
    i128::from(money.0) * ten(FINE_DIGITS - digits)
}
