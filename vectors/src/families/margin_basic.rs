//! Margin of one direction: calculation modes, conversion sides, margin rates, fixed margins, the end of the day.

use super::Calc;
use super::margin_desk::*;
use crate::desk::START;
use crate::{Fault, Inputs, shown};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::rules::{forts, power};
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::wide::mul_div_round;

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "position_margin" => position_margin,
        "same_direction_book" => same_direction_book,
        "forts_futures" => forts_futures,
        "eod_margin_rate_update" => end_of_day,
        "notional_fraction_margin" => notional_fraction,
        "directional_buying_power" => buying_power,
        _ => return None,
    })
}

const HELD: u32 = 10;

/// A name of a calculation mode. Exchange contracts are charged like the contract that stands beside them: a bond's
/// price is a hundredth of its face value, so it is a CFD of that size.
pub fn calc_mode(name: &str) -> Result<CalcMode, Fault> {
    Ok(match name {
        "FOREX" => CalcMode::Forex,
        "FOREX_NO_LEVERAGE" => CalcMode::ForexNoLeverage,
        "CFD" | "BONDS" | "EXCH_BONDS" | "EXCHANGE_BONDS" | "STOCKS" | "EXCH_STOCKS"
        | "EXCHANGE_STOCKS" => CalcMode::Cfd,
        "CFD_LEVERAGE" => CalcMode::CfdLeverage,
        "CFD_INDEX" => CalcMode::CfdIndex,
        "FUTURES" | "EXCH_FUTURES" | "EXCHANGE_FUTURES" => CalcMode::Futures,
        "CRYPTO_LINEAR" => CalcMode::CryptoLinear,
        "CRYPTO_INVERSE" => CalcMode::CryptoInverse,
        _ => return Err(Fault::field("calc_mode", format!("{name} is no mode"))),
    })
}

/// The instrument of an example, and its bid and ask in steps.
fn instrument(inputs: &Inputs<'_>) -> Result<(InstrumentTerms, i64, i64), Fault> {
    let name = inputs.text("calc_mode")?;
    let mut terms = listed(HELD, calc_mode(name)?);
    let mut contract = inputs.decimal_or("contract_size", Decimal::ONE)?;
    if name.ends_with("BONDS") {
        contract = contract * inputs.decimal("face_value")? / Decimal::ONE_HUNDRED;
    }
    terms.contract_digits = places(contract);
    terms.contract_size = int("contract_size", contract, terms.contract_digits)?;
    let (bid, ask) = (
        inputs.decimal_or("bid", Decimal::ONE)?,
        inputs.decimal_or("ask", Decimal::ONE)?,
    );
    let size = inputs.decimal_or("tick_size", Decimal::ONE)?;
    let prices = [bid, ask, size].map(places);
    terms.price_digits = prices.into_iter().max().unwrap_or(0);
    if inputs.get("tick_value").is_some() {
        // Only the ratio of value and size counts: both are written as whole numbers.
        let value = inputs.decimal("tick_value")?;
        let digits = places(value).max(terms.price_digits);
        terms.tick_value = int("tick_value", value, digits)?;
        terms.tick = Price(int("tick_size", size, digits)?);
        terms.tick.0 *= 10i64.pow(terms.price_digits.into());
    }
    let digits = 8;
    if inputs.get("initial_margin_per_lot").is_some() {
        terms.margin_fixed = Money(inputs.scaled("initial_margin_per_lot", digits)?);
        terms.margin.fixed_hold =
            Money(inputs.scaled_or("maintenance_margin_per_lot", digits, 0)?);
    }
    let rate = inputs
        .get("margin_rate")
        .map_or(Ok(Ratio::ONE), |_| inputs.fraction("margin_rate"))?;
    (terms.margin.buy, terms.margin.sell) = (MarginRates::all(rate), MarginRates::all(rate));
    (terms.margin.hold_buy, terms.margin.hold_sell) = (rate, rate);
    let lots = inputs.decimal("lots")?;
    terms.qty_digits = places(lots);
    Ok((
        terms.clone(),
        int("bid", bid, terms.price_digits)?,
        int("ask", ask, terms.price_digits)?,
    ))
}

fn position_margin(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (mut terms, bid, ask) = instrument(inputs)?;
    let own = inputs.text_or("margin_currency", "")? == inputs.text_or("account_currency", "")?;
    let digits = account_digits(inputs, 2)?;
    let mut world = World::new(digits, &group(leverage(inputs)?))?;
    // An amount per lot keeps all its digits in the margin currency, at par.
    if own && terms.margin_fixed == Money(0) {
        terms.margin_currency = ACC;
    } else if own || inputs.get("conversion").is_none() {
        world.convert(Decimal::ONE, Decimal::ONE, false)?;
    } else {
        let pair = inputs.object("conversion")?;
        // A pair that begins with the account's currency has its price in the margin's.
        let account = inputs.text_or("account_currency", "")?;
        let named = !account.is_empty() && pair.text_or("pair", "")?.starts_with(account);
        let inverse = pair.one_of_or(
            "quoted",
            named,
            &[("account_per_margin", false), ("margin_per_account", true)],
        )?;
        world.convert(pair.decimal("bid")?, pair.decimal("ask")?, inverse)?;
    }
    let quote_digits = if terms.margin_currency == ACC {
        digits
    } else {
        8
    };
    terms.tick_value *= 10i64.pow(quote_digits.into());
    if !matches!(terms.mode, CalcMode::Forex | CalcMode::ForexNoLeverage) {
        terms.quote = terms.margin_currency;
    }
    let id = terms.id;
    let qty = int("lots", inputs.decimal("lots")?, terms.qty_digits)?;
    world.desk.list(terms)?;
    world.desk.quote(id, bid, ask);
    let account = world.account(1, Accounting::Hedging)?;
    let side = side(inputs.text("side")?)?;
    let order = World::order(account, id, side, qty);
    let names = [("open", false), ("hold", true)];
    let (used, rule) = if inputs.one_of_or("phase", false, &names)? {
        world.open(order, if side == Side::Buy { ask } else { bid })?;
        let view = world.view(account)?;
        (view.used, view.positions.first().and_then(|held| held.rule))
    } else {
        let preview = world.preview(order)?;
        if !preview.reasons.is_empty() {
            return Err(Fault::Refused(preview.reasons));
        }
        (preview.margin_order, preview.rule)
    };
    let rule = rule.ok_or_else(|| Fault::Other("no rule is shown".into()))?;
    let conversion = rule
        .conversion
        .ok_or_else(|| Fault::Other("a conversion is missing".into()))?;
    Ok(json!({
        "base_margin": fine(rule.base, 9),
        "conversion_rate": rate(conversion)?,
        "margin": world.money(used),
    }))
}

/// A book of positions and waiting orders; `conversion: open_price` margins it in the base at each price.
pub struct Holdings {
    pub world: World,
    pub id: InstrumentId,
    price_digits: u8,
    qty_digits: u8,
}

impl Holdings {
    pub fn new(inputs: &Inputs<'_>, digits: u8, hedge: HedgeRule) -> Result<Holdings, Fault> {
        let mut terms = listed(HELD, calc_mode(inputs.text_or("calc_mode", "FOREX")?)?);
        let (positions, pending) = (inputs.list("positions")?, inputs.list("pending")?);
        for held in &positions {
            terms.price_digits = terms.price_digits.max(places(held.decimal("open_price")?));
            terms.qty_digits = terms.qty_digits.max(places(held.decimal("lots")?));
        }
        for order in &pending {
            terms.price_digits = terms.price_digits.max(places(order.decimal("price")?));
            terms.qty_digits = terms.qty_digits.max(places(order.decimal("lots")?));
        }
        let contract = inputs.decimal("contract_size")?;
        let hedged = inputs.decimal_or("hedged_contract_size", Decimal::ZERO)?;
        terms.contract_digits = places(contract);
        terms.contract_size = int("contract_size", contract, terms.contract_digits)?;
        let share = (hedged / contract).round_dp(12);
        terms.margin_hedged = Ratio(int("hedged_contract_size", share, 12)?);
        terms.margin = rates(inputs)?;
        terms.margin.hedge = hedge;
        let follows = follows_price(inputs)?;
        let mut world = World::new(digits, &group(leverage(inputs)?))?;
        (terms.base, terms.quote, terms.margin_currency) = match (terms.mode, follows) {
            (CalcMode::Forex | CalcMode::ForexNoLeverage, true) => (MARGIN, ACC, MARGIN),
            (CalcMode::Forex | CalcMode::ForexNoLeverage, false) => (THIRD, THIRD, ACC),
            _ => (THIRD, ACC, ACC),
        };
        if follows {
            terms.class = AssetClass::Forex;
        }
        let (id, price_digits, qty_digits) = (terms.id, terms.price_digits, terms.qty_digits);
        world.desk.list(terms)?;
        Ok(Holdings {
            world,
            id,
            price_digits,
            qty_digits,
        })
    }

    /// Opens positions of one side, or of both.
    pub fn hold(
        &mut self,
        account: AccountId,
        inputs: &Inputs<'_>,
        only: Option<Side>,
    ) -> Result<(), Fault> {
        for held in inputs.list("positions")? {
            let of = side(held.text("side")?)?;
            if only.is_some_and(|only| only != of) {
                continue;
            }
            let price = int("open_price", held.decimal("open_price")?, self.price_digits)?;
            let qty = int("lots", held.decimal("lots")?, self.qty_digits)?;
            // The market stands where the position is opened, so that its margin is converted there.
            self.world.desk.quote(self.id, price, price);
            let order = World::order(account, self.id, of, qty);
            self.world.open(order, price)?;
        }
        Ok(())
    }

    /// Places the waiting orders of one type.
    pub fn wait(
        &mut self,
        account: AccountId,
        inputs: &Inputs<'_>,
        name: &str,
    ) -> Result<(), Fault> {
        for waiting in inputs.list("pending")? {
            if waiting.text("type")? != name {
                continue;
            }
            let (side, kind) = order_type(name)?;
            let price = int("price", waiting.decimal("price")?, self.price_digits)?;
            let qty = int("lots", waiting.decimal("lots")?, self.qty_digits)?;
            self.world.desk.quote(self.id, price, price);
            let limit = matches!(kind, OrderKind::Limit | OrderKind::StopLimit);
            let stop = matches!(kind, OrderKind::Stop | OrderKind::StopLimit);
            let order = NewOrder {
                kind,
                price: limit.then_some(Price(price)),
                stop: stop.then_some(Price(price)),
                ..World::order(account, self.id, side, qty)
            };
            super::trade::place(&mut self.world.desk, order)?;
        }
        Ok(())
    }

    /// Places all waiting orders; what each type adds.
    pub fn wait_all(
        &mut self,
        account: AccountId,
        inputs: &Inputs<'_>,
    ) -> Result<Map<String, Value>, Fault> {
        let mut names = Vec::new();
        for waiting in inputs.list("pending")? {
            let name = waiting.text("type")?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut added = Map::new();
        for name in names {
            let before = self.world.view(account)?.used.0;
            self.wait(account, inputs, name)?;
            let after = self.world.view(account)?.used.0;
            added.insert(name.to_owned(), self.world.money(Money(after - before)));
        }
        Ok(added)
    }

    /// Quantity steps as lots.
    pub fn lots(&self, qty: i64) -> Value {
        Value::String(shown(qty.into(), self.qty_digits))
    }
}

fn same_direction_book(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut book = Holdings::new(inputs, account_digits(inputs, 2)?, HedgeRule::Basic)?;
    let account = book.world.account(1, Accounting::Hedging)?;
    book.hold(account, inputs, None)?;
    let positions = book.world.view(account)?.used;
    let (mut cost, mut qty) = (0i128, 0i128);
    for position in book.world.desk.machine.book().positions().iter() {
        cost += position.1.cost;
        qty += i128::from(position.1.qty);
    }
    let pending = book.wait_all(account, inputs)?;
    let scale = 10i128.pow(u32::from(20 - book.price_digits));
    Ok(json!({
        "vwap": fine(div_round(cost * scale, qty.max(1)), 9),
        "positions_margin": book.world.money(positions),
        "pending_margin": pending,
        "margin": book.world.money(book.world.view(account)?.used),
    }))
}

/// Decimals as integers of `10^-12`.
fn wide(inputs: &Inputs<'_>, field: &str) -> Result<i128, Fault> {
    inputs.scaled(field, 6).map(i128::from)
}

fn forts_futures(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let rate = inputs.decimal_or("margin_currency_rate_pct", Decimal::ZERO)?;
    let contract = forts::Contract {
        settlement: wide(inputs, "settlement_price")?,
        margin_buy: wide(inputs, "initial_margin_buy")?,
        margin_sell: wide(inputs, "initial_margin_sell")?,
        tick: (wide(inputs, "tick_value")?, wide(inputs, "tick_size")?),
        rate: (
            i128::from(int(
                "margin_currency_rate_pct",
                rate + Decimal::ONE_HUNDRED,
                6,
            )?),
            100_000_000,
        ),
    };
    let mut all = Vec::new();
    if inputs.get("position").is_some() {
        let held = inputs.object("position")?;
        all.push(forts::Lots {
            side: side(held.text("side")?)?,
            held: true,
            qty: wide(&held, "lots")?,
            price: wide(&held, "open_price")?,
        });
    }
    for order in inputs.list("orders")? {
        let (side, kind) = order_type(order.text("type")?)?;
        let price = match (kind, side) {
            (OrderKind::StopLimit, _) if order.get("stop_limit_price").is_some() => {
                wide(&order, "stop_limit_price")?
            }
            (OrderKind::Limit | OrderKind::StopLimit, _) => wide(&order, "price")?,
            (_, Side::Buy) => wide(inputs, "day_high")?,
            (_, Side::Sell) => wide(inputs, "day_low")?,
        };
        all.push(forts::Lots {
            side,
            held: false,
            qty: wide(&order, "lots")?,
            price,
        });
    }
    let (buy, sell, den) =
        forts::margins(&contract, &all).ok_or_else(|| Fault::Other("a sum is too large".into()))?;
    let digits = account_digits(inputs, 2)?;
    let money = |sum: i128| {
        // Six digits of lots and six of money.
        let unit = den * 10i128.pow(u32::from(12 - digits));
        Value::String(shown(div_round(sum, unit), digits))
    };
    Ok(json!({
        "margin_buy": money(buy),
        "margin_sell": money(sell),
        "margin": money(buy.max(sell)),
    }))
}

fn end_of_day(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let own = inputs.text_or("margin_currency", "")? == inputs.text_or("account_currency", "")?;
    let stored = inputs.decimal("stored_margin_rate")?;
    let (bid, ask) = (inputs.decimal("bid")?, inputs.decimal("ask")?);
    let digits = [stored, bid, ask]
        .map(places)
        .into_iter()
        .max()
        .unwrap_or(0);
    let mut world = World::new(2, &group(Leverage::ONE))?;
    let mut terms = listed(HELD, CalcMode::ForexNoLeverage);
    if own {
        terms.margin_currency = ACC;
    }
    let id = terms.id;
    world.desk.list(terms)?;
    world.desk.quote(id, 1, 1);
    world.desk.list(pair(PAIR, MARGIN, ACC, digits))?;
    let at = int("stored_margin_rate", stored, digits)?;
    world.desk.quote(PAIR, at, at);
    let account = world.account(1, Accounting::Hedging)?;
    world.open(World::order(account, id, side(inputs.text("side")?)?, 1), 1)?;
    let of = |world: &World| {
        let view = world.view(account)?;
        let rule = view.positions.first().and_then(|held| held.rule);
        rule.and_then(|rule| rule.conversion)
            .ok_or_else(|| Fault::Other("a conversion is missing".into()))
    };
    let before = of(&world)?;
    let (bid, ask) = (int("bid", bid, digits)?, int("ask", ask, digits)?);
    world.desk.quote(PAIR, bid, ask);
    let working = inputs.get("working_day").is_none() || inputs.flag("working_day")?;
    world.desk.must(Body::Rollover(Rollover {
        instrument: id,
        at: START,
        days: u8::from(working),
        weekday: 0,
    }))?;
    world.desk.wait(SECOND_NS);
    let after = of(&world)?;
    Ok(json!({ "margin_rate": rate(after)?, "changed": after != before }))
}

/// Margin as a share of value: a CFD, with or without leverage, whose initial margin is that share.
fn notional_fraction(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let leveraged = match inputs.text("model")? {
        "standard" => false,
        "leveraged" => true,
        other => return Err(Fault::field("model", format!("{other} is no model"))),
    };
    let (qty, price) = (inputs.decimal("quantity")?, inputs.decimal("price")?);
    let mode = if leveraged {
        CalcMode::CfdLeverage
    } else {
        CalcMode::Cfd
    };
    let mut world = World::new(account_digits(inputs, 2)?, &group(leverage(inputs)?))?;
    let terms = InstrumentTerms {
        quote: ACC,
        margin_currency: ACC,
        qty_digits: places(qty),
        price_digits: places(price),
        margin_initial: inputs.fraction("margin_init_fraction")?,
        ..listed(HELD, mode)
    };
    let (id, price_digits) = (terms.id, terms.price_digits);
    let (side, qty) = if qty.is_sign_negative() {
        (Side::Sell, int("quantity", -qty, terms.qty_digits)?)
    } else {
        (Side::Buy, int("quantity", qty, terms.qty_digits)?)
    };
    world.desk.list(terms)?;
    let at = int("price", price, price_digits)?;
    world.desk.quote(id, at, at);
    let account = world.account(1, Accounting::Netting)?;
    let preview = world.preview(World::order(account, id, side, qty))?;
    let rule = preview
        .rule
        .ok_or_else(|| Fault::Other("no rule is shown".into()))?;
    let (over, under) = rule.leverage.fraction();
    let notional = mul_div_round(rule.base, over, under);
    let notional = notional.ok_or_else(|| Fault::Other("a value is too large".into()))?;
    Ok(json!({
        "notional": fine(notional, 9),
        "margin": world.money(preview.margin_order),
    }))
}

/// Digits of values and margins in which buying power is told.
const POWER_DIGITS: u8 = 12;

fn buying_power(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let too_large = || Fault::Other("a sum is too large".into());
    let holdings = inputs
        .decimal("quantity")?
        .checked_mul(inputs.decimal("price")?)
        .ok_or_else(too_large)?;
    let leverage = inputs.decimal_or("leverage", Decimal::ONE)?;
    let used = holdings.abs().checked_div(leverage);
    let used = used.ok_or_else(|| Fault::field("leverage", "is zero"))?;
    let cash = inputs.decimal_or("cash", Decimal::ZERO)?;
    let wide = |value: Decimal| {
        let away = RoundingStrategy::MidpointAwayFromZero;
        let value = value.round_dp_with_strategy(POWER_DIGITS.into(), away);
        let finer = 10i128.pow(u32::from(POWER_DIGITS) - value.scale());
        value.mantissa().checked_mul(finer)
    };
    let power = || power::directional(wide(cash)?, wide(holdings)?, wide(used)?);
    let power = power().ok_or_else(too_large)?;
    let text = |value| Value::String(shown(value, POWER_DIGITS));
    Ok(json!({
        "margin_used": text(power.margin_used),
        "buy": text(power.buy),
        "sell": text(power.sell),
    }))
}
