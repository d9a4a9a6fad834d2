//! Used margin of an account: what it holds and has in flight, gathered by instrument, charged, and put through the
//! group's leverage rules.

use super::accounts::MONEY_MAX;
use super::charge::{Charged, Part, Rule, Sides, With, charge};
use super::cross::margin_price_x2;
use super::instruments::{Instrument, PriceUse, Scale, ten};
use super::margin::Used;
use super::orders::Order;
use super::plan::sums;
use super::positions::Position;
use super::tiers::{Slice, Tiered};
use super::{Account, Book, Env};
use crate::convert::{FINE_DIGITS, Rate, Sided};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::view::{HedgeFrom, LeverageFrom};
use crate::wide::mul_div_round;

/// An order in flight or on trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    pub instrument: InstrumentId,
    pub side: Side,
    pub kind: OrderKind,
    pub qty: i128,
    /// Margin before leverage and rates, fine units of the account's currency.
    pub base: i128,
    /// Price it is charged at.
    pub price: i64,
    /// It adds nothing by itself: on a netting account it counts among all that is started on its side.
    pub closing: bool,
}

/// One instrument's holdings on their way through a leverage rule.
struct Bucket<'a> {
    rule: &'a TierRule,
    instrument: InstrumentId,
    plain: Vec<Slice>,
    soft: Vec<Slice>,
}

/// What a position's margin is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MarginInputs {
    /// Quantity × price, so many times; of an inverse contract its value.
    pub cost: i128,
    pub times: i128,
    /// The rate of the margin currency in the account's.
    pub rate: Rate,
}

/// Where the leverage of an instrument's slices came from, and what holds bands down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    from: LeverageFrom,
    cap: Option<(Leverage, LeverageFrom)>,
}

/// A rule that was applied: its set, itself, and how it charged.
pub type Applied = (TierSetId, u16, Option<InstrumentId>, Tiered);

/// What an account holds of one instrument.
pub(super) struct Holding {
    pub id: InstrumentId,
    pub sides: Sides,
    /// Positions and orders one by one, for rules that charge each at its own cost.
    single: Vec<(Option<PositionId>, Part)>,
}

/// Margin before leverage of a quantity at `cost` (quantity × price), fine units of the account's currency.
pub fn base(
    instrument: &Instrument,
    scale: Scale,
    qty: i128,
    cost: i128,
    rate: Rate,
) -> Option<i128> {
    let native = match instrument.price_use {
        PriceUse::Without => mul_div_round(qty, scale.num, scale.den)?,
        PriceUse::Times => mul_div_round(cost.abs(), scale.num, scale.den)?,
    };
    mul_div_round(native, rate.num, rate.den)
}

/// `amount × share`, exact where the share has few digits.
fn at(amount: i128, share: Ratio) -> Option<i128> {
    if share == Ratio::ONE {
        return Some(amount);
    }
    mul_div_round(amount, i128::from(share.0), i128::from(Ratio::ONE.0))
}

impl Book {
    /// The leverage that wins on an instrument, and where it came from: the account's own or its group's, held down by
    /// the group's cap on the class and by the instrument's.
    pub fn leverage_on(
        &self,
        account: &Account,
        instrument: &Instrument,
    ) -> (Leverage, LeverageFrom) {
        if !instrument.leveraged {
            return (Leverage::ONE, LeverageFrom::Mode);
        }
        let group = self.group_of(account);
        let (mut leverage, mut from) = match account.state.terms.leverage {
            Leverage::NONE => (group.leverage.or_one(), LeverageFrom::Group),
            own => (own, LeverageFrom::Account),
        };
        for (cap, by) in self.caps_on(account, instrument) {
            if cap > Leverage::NONE && cap < leverage {
                (leverage, from) = (cap, by);
            }
        }
        (leverage, from)
    }

    /// The caps on an instrument: the group's on its class, and its own.
    fn caps_on(&self, account: &Account, instrument: &Instrument) -> [(Leverage, LeverageFrom); 2] {
        let caps = &self.group_of(account).margin.caps;
        let class = caps[instrument.terms.margin.class as usize];
        [
            (class, LeverageFrom::ClassCap),
            (instrument.terms.leverage_max, LeverageFrom::InstrumentCap),
        ]
    }

    /// What holds bands down on an instrument: the least of the caps and of the leverage that the account itself was
    /// given. That of its group does not, bands stand in its place.
    fn bound_on(&self, account: &Account, instrument: &Instrument) -> Bound {
        let own = (account.state.terms.leverage, LeverageFrom::Account);
        let caps = self.caps_on(account, instrument).into_iter().chain([own]);
        Bound {
            from: self.leverage_on(account, instrument).1,
            cap: caps
                .filter(|(cap, _)| *cap > Leverage::NONE)
                .min_by_key(|(cap, _)| *cap),
        }
    }

    /// The hedge rule that wins on an instrument, and where it came from: the account's own, its group's, the
    /// instrument's. Netting accounts hold one side and need none.
    pub(super) fn hedge_on(
        &self,
        account: &Account,
        instrument: &Instrument,
    ) -> (HedgeRule, HedgeFrom) {
        let own = account.state.rules.as_deref().and_then(|own| own.hedge);
        match (own, self.group_of(account).margin.hedge) {
            (Some(own), _) => (own, HedgeFrom::Account),
            (None, Some(group)) => (group, HedgeFrom::Group),
            (None, None) => (instrument.terms.margin.hedge, HedgeFrom::Instrument),
        }
    }

    /// The factor on new exposure and orders in flight: halts and windows act at once.
    pub(super) fn flight_factor(&self, instrument: &Instrument, env: &Env<'_>) -> Ratio {
        let mut factor = Ratio::ONE;
        if env.halted(instrument.terms.id).is_some() {
            factor = factor.max(instrument.terms.halt.factor);
        }
        if !self.windows.is_empty() {
            for window in self.open_windows(instrument.terms.id, env.now) {
                factor = factor.max(window.factor);
            }
        }
        factor
    }

    /// The factor on a position, by when it was opened.
    pub(super) fn held_factor(&self, instrument: &Instrument, opened: Ts, env: &Env<'_>) -> Ratio {
        let mut factor = Ratio::ONE;
        if let Some(halt) = env.halted(instrument.terms.id) {
            let grace = env.now.since(halt.since) < instrument.terms.halt.grace_ns;
            if opened > halt.since || !grace {
                factor = factor.max(instrument.terms.halt.factor);
            }
        }
        for window in self.open_windows(instrument.terms.id, env.now) {
            let reaches = match window.held {
                HeldPolicy::AtOnce => true,
                HeldPolicy::AfterGrace => env.now >= window.from.plus(window.grace_ns),
                HeldPolicy::Keep => false,
            };
            if reaches || opened >= window.from {
                factor = factor.max(window.factor);
            }
        }
        factor
    }

    pub(super) fn open_windows(
        &self,
        instrument: InstrumentId,
        now: Ts,
    ) -> impl Iterator<Item = &Requirement> {
        self.windows_of(instrument)
            .filter(move |window| window.from <= now && now < window.until)
    }

    /// Price sum and rate that a position's margin is computed from.
    pub(super) fn margin_inputs(
        &self,
        position: &Position,
        instrument: &Instrument,
        account: &Account,
    ) -> Option<MarginInputs> {
        if self.group_of(account).margin_price == MarginPrice::Open {
            return Some(MarginInputs {
                cost: position.margin_cost,
                times: 1,
                rate: position.margin_rate?,
            });
        }
        let prices = self.prices(position.instrument)?;
        let rate = self.rate(
            instrument.terms.margin_currency,
            account.state.terms.currency,
            Sided::Mid,
        )?;
        let price_x2 = match self.group_of(account).margin_price {
            MarginPrice::Mark => margin_price_x2(prices),
            _ => i128::from(prices.bid) + i128::from(prices.ask),
        };
        let qty = i128::from(position.qty);
        let (cost, times) = if instrument.inverse > 0 {
            (instrument.notional(qty, price_x2)?, 1)
        } else {
            (price_x2.checked_mul(qty)?, 2)
        };
        Some(MarginInputs { cost, times, rate })
    }

    /// Margin of a position before leverage and shares at a rate, and the share it is charged: what holds it, or what
    /// opened it where the group goes on charging that.
    pub(super) fn held_base(
        &self,
        position: &Position,
        (account, instrument): (&Account, &Instrument),
        inputs: &MarginInputs,
        rate: Rate,
    ) -> Option<(i128, Ratio)> {
        let (scale, share) = if self.group_of(account).holds_initial() {
            let share = instrument.open_rate(position.side, OrderKind::Market);
            (instrument.margin, share)
        } else {
            let share = instrument.hold_rates[position.side as usize];
            (instrument.margin_hold, share)
        };
        let times = match instrument.price_use {
            PriceUse::Without => 1,
            PriceUse::Times => inputs.times,
        };
        let rate = Rate {
            num: rate.num,
            den: rate.den.checked_mul(times)?,
        };
        let base = base(instrument, scale, position.qty.into(), inputs.cost, rate)?;
        Some((base, share))
    }

    /// Margin of a position before leverage at the price its group says, with its rate.
    pub(super) fn position_part(&self, position: &Position, account: &Account) -> Option<Part> {
        let instrument = self.instrument(position.instrument)?;
        let inputs = self.margin_inputs(position, instrument, account)?;
        let place = (account, instrument);
        let (base, share) = self.held_base(position, place, &inputs, inputs.rate)?;
        let plain = at(base, share)?;
        Some(Part {
            qty: i128::from(position.qty),
            base,
            plain,
            soft: plain,
            value: 0,
        })
    }

    fn flight_part(&self, flight: &Flight, factor: Ratio) -> Option<Part> {
        let instrument = self.instrument(flight.instrument)?;
        let plain = at(flight.base, instrument.open_rate(flight.side, flight.kind))?;
        Some(Part {
            qty: flight.qty,
            base: flight.base,
            plain,
            soft: at(plain, factor)?,
            value: 0,
        })
    }

    /// The first rule of the group's set that names an instrument.
    pub(super) fn tier_of(&self, account: &Account, instrument: InstrumentId) -> Option<&TierRule> {
        let set = self.group_of(account).margin.tiers;
        if set == TierSetId(0) {
            return None;
        }
        let rules = &self.tiers.get(&set)?.rules;
        rules.iter().find(|rule| rule.names(instrument))
    }

    /// Some band of an instrument asks for less than it is worth: by its share over a leverage of its own, as far as caps
    /// and what the account itself was given let it. Which band an order falls into is not asked: what is held and in
    /// flight moves it while the order waits.
    pub(super) fn is_levered_by_bands(&self, account: &Account, instrument: &Instrument) -> bool {
        let group = self.group_of(account);
        let Some(rule) = self
            .tier_of(account, instrument.terms.id)
            .filter(|_| !self.is_scheduled(group, instrument))
        else {
            return false;
        };
        let cap = self.bound_on(account, instrument).cap;
        rule.bands.iter().any(|band| {
            let leverage = cap.map_or(band.leverage, |(cap, _)| cap.min(band.leverage));
            let (over, under) = leverage.fraction();
            i128::from(band.initial.0) * under < i128::from(Ratio::ONE.0) * over
        })
    }

    /// Value in a rule's currency. Where the account's currency is meant, the margin base is the value already.
    fn value_of(
        &self,
        account: &Account,
        instrument: &Instrument,
        rule: &TierRule,
        (qty, cost, base): (i128, i128, i128),
    ) -> Option<i128> {
        if !rule.by_value() {
            return Some(0);
        }
        if rule.currency == account.state.terms.currency && !instrument.fixed {
            return Some(base);
        }
        let (currency, native) = instrument.value(qty, cost)?;
        let rate = if currency == rule.currency {
            Rate::ONE
        } else {
            self.fixing(account, instrument, rule.currency)?
        };
        mul_div_round(native, rate.num, rate.den)
    }

    /// The rate into a rule's currency, at the ask: fixed at the rollover where margin is, so that it is constant
    /// between changes of the book.
    fn fixing(
        &self,
        account: &Account,
        instrument: &Instrument,
        currency: CurrencyId,
    ) -> Option<Rate> {
        let fixed = self.fixings.get(&(instrument.terms.id, currency));
        let stored = self.group_of(account).margin_price == MarginPrice::Open;
        match fixed.filter(|_| stored) {
            Some(rate) => Some(*rate),
            None => self.rate(instrument.value_currency(), currency, Sided::Ask),
        }
    }

    /// Fixes the rates that leverage rules of an account need and that are not fixed yet.
    pub(super) fn complete_fixings(&mut self, id: AccountId) {
        if self.tiers.is_empty() {
            return;
        }
        let Some(account) = self.account(id) else {
            return;
        };
        let held = account
            .positions
            .iter()
            .filter_map(|slot| Some(self.positions.get(*slot)?.instrument));
        let ordered = account
            .orders
            .iter()
            .filter_map(|id| Some(self.orders.get(id)?.order.instrument));
        let mut wanted: Vec<(InstrumentId, CurrencyId)> = held
            .chain(ordered)
            .filter_map(|instrument| {
                let rule = self.tier_of(account, instrument)?;
                let needed = rule.by_value()
                    && self.instrument(instrument)?.value_currency() != rule.currency
                    && !self.fixings.contains_key(&(instrument, rule.currency));
                needed.then_some((instrument, rule.currency))
            })
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for key in wanted {
            self.fix(key);
        }
    }

    /// At an instrument's rollover its fixed rates are taken anew; without a price the old ones stay. Says whether one
    /// has changed: everybody who holds the instrument, or has an order in it, may be charged otherwise then.
    pub(super) fn refresh_fixings(&mut self, instrument: InstrumentId) -> bool {
        let before: Vec<_> = self
            .fixings
            .range((instrument, CurrencyId(0))..=(instrument, CurrencyId(u16::MAX)))
            .map(|(key, rate)| (*key, *rate))
            .collect();
        for (key, _) in &before {
            self.fix(*key);
        }
        before
            .iter()
            .any(|(key, rate)| self.fixings.get(key) != Some(rate))
    }

    fn fix(&mut self, (instrument, currency): (InstrumentId, CurrencyId)) {
        let from = self.instrument(instrument).map(Instrument::value_currency);
        if let Some(rate) = from.and_then(|from| self.rate(from, currency, Sided::Ask)) {
            self.fixings.insert((instrument, currency), rate);
        }
    }

    /// Used margin of an account with one more order in flight, and without so much of some positions and orders;
    /// `None` when it cannot be known.
    pub(super) fn used(
        &self,
        account: &Account,
        env: &Env<'_>,
        extra: Option<&Flight>,
        without: &[(u32, i64)],
        without_orders: &[(OrderId, i64)],
    ) -> Option<Used> {
        let holdings = self.holdings(account, env, extra, without, without_orders)?;
        let (mut used, mut scheduled) = (Used::default(), Used::default());
        let mut buckets: Vec<Bucket<'_>> = Vec::new();
        let digits = self.digits_of(account);
        let initial = self.group_of(account).holds_initial();
        for holding in &holdings {
            let instrument = self.instrument(holding.id)?;
            if self.is_scheduled(self.group_of(account), instrument) {
                let factor = self.flight_factor(instrument, env);
                let one = self.scheduled(account, instrument, &holding.sides, factor)?;
                scheduled = scheduled.plus(one)?;
                continue;
            }
            let tier = self.tier_of(account, holding.id);
            let rule = self.charge_rule(account, holding.id, tier.is_some())?;
            let plain = charge(&rule, &holding.sides, With::Rates)?;
            let soft = if self.flight_factor(instrument, env) == Ratio::ONE {
                plain
            } else {
                charge(&rule, &holding.sides, With::Factors)?
            };
            match tier {
                Some(tier) => {
                    let bound = self.bound_on(account, instrument);
                    put(&mut buckets, tier, holding, (&rule, bound), (plain, soft))?;
                }
                None => {
                    used.plain.0 = add(used.plain.0, &plain)?;
                    used.soft.0 = add(used.soft.0, &soft)?;
                }
            }
        }
        for bucket in &buckets {
            let rule_digits = self.digits(bucket.rule.currency);
            let charge = |slices: &[Slice]| {
                super::tiers::charge(bucket.rule, slices, digits, rule_digits, initial)
                    .map(|tiered| tiered.minor)
            };
            used.plain.0 = used.plain.0.checked_add(charge(&bucket.plain)?)?;
            used.soft.0 = used.soft.0.checked_add(charge(&bucket.soft)?)?;
        }
        used.opening = used.soft;
        let used = used.plus(scheduled)?;
        let most = used.plain.max(used.soft).max(used.opening);
        (most.0 <= MONEY_MAX).then_some(used)
    }

    /// How the group's leverage rules charge what an account holds, for those who ask: with the factors of halts and windows, as the used
    /// margin that is shown.
    pub(super) fn applied(&self, account: &Account, env: &Env<'_>) -> Vec<Applied> {
        self.try_applied(account, env).unwrap_or_default()
    }

    fn try_applied(&self, account: &Account, env: &Env<'_>) -> Option<Vec<Applied>> {
        let set = self.group_of(account).margin.tiers;
        if set == TierSetId(0) {
            return Some(Vec::new());
        }
        let digits = self.digits_of(account);
        let initial = self.group_of(account).holds_initial();
        let mut buckets: Vec<Bucket<'_>> = Vec::new();
        for holding in &self.holdings(account, env, None, &[], &[])? {
            let Some(tier) = self.tier_of(account, holding.id) else {
                continue;
            };
            let rule = self.charge_rule(account, holding.id, true)?;
            let soft = charge(&rule, &holding.sides, With::Factors)?;
            let bound = self.bound_on(account, rule.instrument);
            put(&mut buckets, tier, holding, (&rule, bound), (soft, soft))?;
        }
        let applied = buckets.iter().map(|bucket| {
            let rule_digits = self.digits(bucket.rule.currency);
            let (rule, slices) = (bucket.rule, &bucket.soft);
            let tiered = super::tiers::charge(rule, slices, digits, rule_digits, initial)?;
            let alone = bucket.rule.per_symbol().then_some(bucket.instrument);
            Some((set, bucket.rule.id, alone, tiered))
        });
        applied.collect()
    }

    /// How an instrument of an account is charged.
    pub(super) fn charge_rule(
        &self,
        account: &Account,
        id: InstrumentId,
        exact: bool,
    ) -> Option<Rule<'_>> {
        let instrument = self.instrument(id)?;
        Some(Rule {
            instrument,
            accounting: account.state.terms.accounting,
            hedge: self.hedge_on(account, instrument).0,
            leverage: self.leverage_on(account, instrument).0,
            holds_initial: self.group_of(account).holds_initial(),
            digits: self.digits_of(account),
            exact,
        })
    }

    pub(super) fn holdings(
        &self,
        account: &Account,
        env: &Env<'_>,
        extra: Option<&Flight>,
        without: &[(u32, i64)],
        without_orders: &[(OrderId, i64)],
    ) -> Option<Vec<Holding>> {
        let mut all: Vec<Holding> = Vec::new();
        let (without, without_orders) = (sums(without), sums(without_orders));
        for slot in &account.positions {
            let position = self.positions.get(*slot)?;
            let gone = without.get(slot).copied().unwrap_or(0);
            self.take_position(&mut all, account, env, &position, gone)?;
        }
        for id in &account.orders {
            let gone = without_orders.get(id).copied().unwrap_or(0);
            let order = self.orders.get(id)?;
            if let Some(flight) = order.in_flight(gone, self.is_inverse(order.order.instrument)) {
                self.take_flight(&mut all, account, env, &flight)?;
            }
        }
        if let Some(flight) = extra {
            self.take_flight(&mut all, account, env, flight)?;
        }
        Some(all)
    }

    pub(super) fn take_position(
        &self,
        all: &mut Vec<Holding>,
        account: &Account,
        env: &Env<'_>,
        position: &Position,
        gone: i64,
    ) -> Option<()> {
        let instrument = self.instrument(position.instrument)?;
        let mut part = self.position_part(position, account)?;
        if self.flight_factor(instrument, env) != Ratio::ONE {
            let (num, den) = self.position_factor(instrument, position, env);
            part.soft = mul_div_round(part.plain, num, den)?;
        }
        let tier = self.tier_of(account, position.instrument);
        if let Some(rule) = tier {
            let inputs = self.margin_inputs(position, instrument, account)?;
            let cost = inputs.cost / inputs.times;
            part.value = self.value_of(account, instrument, rule, (part.qty, cost, part.base))?;
        }
        if gone > 0 {
            let left = i128::from(position.qty.saturating_sub(gone).max(0));
            part = part.share(left, part.qty)?;
        }
        let holding = holding_of(all, position.instrument);
        let side = if position.is_long() {
            &mut holding.sides.long
        } else {
            &mut holding.sides.short
        };
        *side = side.plus(part)?;
        if tier.is_some_and(|rule| rule.cost == TierCost::Own) {
            holding.single.push((Some(position.id), part));
        }
        Some(())
    }

    fn take_flight(
        &self,
        all: &mut Vec<Holding>,
        account: &Account,
        env: &Env<'_>,
        flight: &Flight,
    ) -> Option<()> {
        let instrument = self.instrument(flight.instrument)?;
        let factor = self.flight_factor(instrument, env);
        let mut part = self.flight_part(flight, factor)?;
        let tier = self.tier_of(account, flight.instrument);
        if let Some(rule) = tier {
            let cost = flight.qty.checked_mul(i128::from(flight.price))?;
            part.value = self.value_of(account, instrument, rule, (part.qty, cost, part.base))?;
        }
        let holding = holding_of(all, flight.instrument);
        holding.sides.add_order(flight.side, flight.kind, part)?;
        if !flight.closing && tier.is_some_and(|rule| rule.cost == TierCost::Own) {
            holding.single.push((None, part));
        }
        Some(())
    }
}

fn holding_of(all: &mut Vec<Holding>, id: InstrumentId) -> &mut Holding {
    let at = match all.iter().position(|holding| holding.id == id) {
        Some(at) => at,
        None => {
            all.push(Holding {
                id,
                sides: Sides::default(),
                single: Vec::new(),
            });
            all.len() - 1
        }
    };
    &mut all[at]
}

/// A sum of minor units with a charge.
pub(super) fn add(sum: i64, charged: &Charged) -> Option<i64> {
    sum.checked_add(charged.held.minor)?
        .checked_add(charged.raised.minor)
}

/// Puts an instrument's charge into the bucket of its rule.
fn put<'a>(
    buckets: &mut Vec<Bucket<'a>>,
    tier: &'a TierRule,
    holding: &Holding,
    (rule, bound): (&Rule<'_>, Bound),
    (plain, soft): (Charged, Charged),
) -> Option<()> {
    let same = |bucket: &Bucket<'_>| {
        bucket.rule.id == tier.id && (!tier.per_symbol() || bucket.instrument == holding.id)
    };
    let at = match buckets.iter().position(same) {
        Some(at) => at,
        None => {
            buckets.push(Bucket {
                rule: tier,
                instrument: holding.id,
                plain: Vec::new(),
                soft: Vec::new(),
            });
            buckets.len() - 1
        }
    };
    let bucket = &mut buckets[at];
    if tier.cost == TierCost::Own {
        let fine = ten(FINE_DIGITS - rule.instrument.terms.qty_digits);
        for (position, part) in &holding.single {
            let slice = Slice {
                held: position.is_some(),
                position: *position,
                amount: part.plain,
                leverage: rule.leverage,
                from: bound.from,
                cap: bound.cap,
                lots: part.qty.checked_mul(fine)?,
                value: part.value,
            };
            bucket.plain.push(slice);
            bucket.soft.push(Slice {
                amount: part.soft,
                ..slice
            });
        }
        return Some(());
    }
    for (charged, slices) in [(plain, &mut bucket.plain), (soft, &mut bucket.soft)] {
        for (held, sum) in [(true, charged.held), (false, charged.raised)] {
            if sum.exact != 0 || sum.lots != 0 || sum.value != 0 {
                slices.push(Slice {
                    held,
                    position: None,
                    amount: sum.exact,
                    leverage: rule.leverage,
                    from: bound.from,
                    cap: bound.cap,
                    lots: sum.lots,
                    value: sum.value,
                });
            }
        }
    }
    Some(())
}

impl Order {
    /// What it may add to margin while it is open, but for the quantity that is gone of it. A closing order may add only
    /// on a netting account, where it may turn the net round together with others, and only once it has left the core,
    /// which lets none of them open anything.
    pub fn in_flight(&self, gone: i64, inverse: bool) -> Option<Flight> {
        let qty = i128::from(self.remaining().0.saturating_sub(gone));
        let closes_only = self.closing && (self.base == 0 || !self.sent);
        if closes_only || qty <= 0 {
            return None;
        }
        let base = mul_div_round(self.base, qty, i128::from(self.order.qty.0.max(1)))?;
        let price = self.charged_at(inverse);
        Some(Flight {
            instrument: self.order.instrument,
            side: self.order.side,
            kind: self.order.kind,
            qty,
            base,
            price: price.0,
            closing: self.closing,
        })
    }
}
