//! Swaps: what a position is charged at a rollover, read from the position afterwards.

use super::{Calc, trade};
use crate::desk::{ACCOUNT, Desk};
use crate::{Fault, Inputs, scaled, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::book::{point_price, worse_side};
use siaga_risk::convert::{FINE_DIGITS, Rate};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "swap_points" => points,
        "swap_percent" => percent,
        "swap_money" => money,
        "swap_lot_cost" => cost_of_lot,
        "swap_week_schedule" => week_schedule,
        _ => return None,
    })
}

const HELD: InstrumentId = InstrumentId(1);
const PAIR: InstrumentId = InstrumentId(2);
const OTHER: InstrumentId = InstrumentId(3);
const ACCOUNT_CURRENCY: CurrencyId = CurrencyId(1);
const SWAP_CURRENCY: CurrencyId = CurrencyId(2);
/// The quote currency of forex examples, which name none; worth as much as the account's.
const THIRD_CURRENCY: CurrencyId = CurrencyId(3);
/// Digits enough for money that must not be rounded.
const EXACT_DIGITS: u8 = 8;
/// Minor units that an account's money surely holds.
const COST_MAX: i64 = 1_000_000_000_000_000;

/// One position that is held over a rollover.
struct Overnight {
    swap_currency: CurrencyId,
    swap_digits: u8,
    account_digits: u8,
    /// Price of the swap currency in the account's, or of its inverse.
    conversion: Option<Conversion>,
    mode: CalcMode,
    long: bool,
    lots: Decimal,
    contract: Decimal,
    price: Decimal,
    price_digits: u8,
    tick: Option<(Decimal, Decimal)>,
    swap: SwapTerms,
    days: u8,
}

#[derive(Clone, Copy)]
struct Conversion {
    inverse: bool,
    bid: Decimal,
    ask: Decimal,
}

fn digits(value: Decimal) -> u8 {
    value.normalize().scale() as u8
}

fn integer(field: &str, value: Decimal, digits: u8) -> Result<i64, Fault> {
    scaled(value, digits).map_err(|reason| Fault::field(field, reason))
}

fn forex(id: InstrumentId, base: CurrencyId, quote: CurrencyId, digits: u8) -> InstrumentTerms {
    InstrumentTerms::of_class(id, AssetClass::Forex, base, quote, digits)
}

impl Overnight {
    fn new(inputs: &Inputs<'_>) -> Result<Overnight, Fault> {
        let account = inputs.text_or("account_currency", "account")?;
        let own = inputs.text_or("swap_currency", "profit")? == account;
        let days = inputs.integer_or("day_multiplier", 1)?;
        Ok(Overnight {
            swap_currency: if own { ACCOUNT_CURRENCY } else { SWAP_CURRENCY },
            swap_digits: 2,
            account_digits: inputs.digits_or("account_digits", 2)?,
            conversion: conversion(inputs)?,
            mode: CalcMode::CfdLeverage,
            long: inputs.one_of_or("side", true, &[("buy", true), ("sell", false)])?,
            lots: inputs.decimal_or("lots", Decimal::ONE)?,
            contract: inputs.decimal_or("contract_size", Decimal::ONE)?,
            price: inputs.decimal_or("price", Decimal::ONE)?,
            price_digits: 0,
            tick: None,
            swap: SwapTerms::NONE,
            days: u8::try_from(days).map_err(|_| Fault::field("day_multiplier", "is no count"))?,
        })
    }

    fn charge(&mut self, mode: SwapMode, value: Ratio) {
        self.swap = SwapTerms {
            mode,
            long: value,
            short: value,
            ..self.swap
        };
    }

    fn terms(&self) -> Result<InstrumentTerms, Fault> {
        let (base, quote) = match self.mode {
            CalcMode::Forex | CalcMode::ForexNoLeverage => (self.swap_currency, THIRD_CURRENCY),
            _ => (THIRD_CURRENCY, self.swap_currency),
        };
        let price_digits = self.price_digits.max(digits(self.price));
        let qty_digits = digits(self.lots);
        let mut terms = InstrumentTerms {
            mode: self.mode,
            margin_currency: ACCOUNT_CURRENCY,
            qty_digits,
            qty_max: Qty(i64::MAX / 4),
            contract_size: integer("contract_size", self.contract, digits(self.contract))?,
            contract_digits: digits(self.contract),
            margin: MarginTerms::FREE,
            swap: self.swap,
            negative_prices: self.price <= Decimal::ZERO,
            ..forex(HELD, base, quote, price_digits)
        };
        // A share's or index's price is no rate of its currencies.
        if quote != THIRD_CURRENCY {
            terms.class = AssetClass::Index;
        }
        if let Some((value, size)) = self.tick {
            let price_digits = price_digits.max(digits(size));
            terms.price_digits = price_digits;
            // Only the ratio of value and size counts: both grow until the value is whole.
            let unit = self.quote_digits();
            let finer = u32::from(digits(value).saturating_sub(unit));
            let times = Decimal::from(10u64.pow(finer));
            terms.tick = Price(integer("tick_size", size * times, price_digits)?);
            terms.tick_value = integer("tick_value", value * times, unit)?;
        }
        if self.mode == CalcMode::Futures {
            terms.margin_fixed = Money(1);
        }
        Ok(terms)
    }

    /// Digits of the swap currency.
    fn quote_digits(&self) -> u8 {
        if self.swap_currency == ACCOUNT_CURRENCY {
            self.account_digits
        } else {
            self.swap_digits
        }
    }

    fn currencies(&self) -> [CurrencyTerms; 3] {
        let of = |id, digits| CurrencyTerms {
            id,
            digits,
            pivot: 0,
        };
        [
            of(ACCOUNT_CURRENCY, self.account_digits),
            of(SWAP_CURRENCY, self.swap_digits),
            of(THIRD_CURRENCY, 2),
        ]
    }

    /// Lists the instrument and its conversions and quotes them.
    fn desk(&self) -> Result<Desk, Fault> {
        let mut desk = Desk::open(&self.currencies(), &trade::group())?;
        let terms = self.terms()?;
        let price = integer("price", self.price, terms.price_digits)?;
        desk.list(terms)?;
        desk.quote(HELD, price, price);
        if let Some(pair) = self.conversion {
            let scale = digits(pair.bid).max(digits(pair.ask));
            let (base, quote) = match pair.inverse {
                false => (SWAP_CURRENCY, ACCOUNT_CURRENCY),
                true => (ACCOUNT_CURRENCY, SWAP_CURRENCY),
            };
            desk.list(forex(PAIR, base, quote, scale))?;
            let (bid, ask) = (
                integer("bid", pair.bid, scale)?,
                integer("ask", pair.ask, scale)?,
            );
            desk.quote(PAIR, bid, ask);
        }
        desk.list(forex(OTHER, THIRD_CURRENCY, ACCOUNT_CURRENCY, 0))?;
        desk.quote(OTHER, 1, 1);
        Ok(desk)
    }

    /// Opens the position, lets the day end, and reads its swap.
    fn run(&self) -> Result<(Desk, Money), Fault> {
        let mut desk = self.desk()?;
        trade::account(&mut desk, ACCOUNT_CURRENCY, Accounting::Hedging)?;
        let side = if self.long { Side::Buy } else { Side::Sell };
        let qty = integer("lots", self.lots, digits(self.lots))?;
        let price = integer("price", self.price, self.terms()?.price_digits)?;
        trade::open(&mut desk, HELD, side, qty, price)?;
        desk.must(Body::Rollover(Rollover {
            instrument: HELD,
            at: desk.now,
            days: self.days,
            weekday: 0,
        }))?;
        desk.wait(0);
        let view = desk.account(ACCOUNT)?;
        let position = view.positions.first();
        let swap = position.map(|held| held.position.swap);
        swap.map(|swap| (desk, swap))
            .ok_or_else(|| Fault::Other("no position is open".into()))
    }

    fn shown(&self, swap: Money) -> Value {
        json!(shown(i128::from(swap.0), self.account_digits))
    }
}

fn conversion(inputs: &Inputs<'_>) -> Result<Option<Conversion>, Fault> {
    if inputs.get("conversion").is_none() {
        return Ok(None);
    }
    let pair = inputs.object("conversion")?;
    let account = inputs.text_or("account_currency", "account")?;
    let name = pair.text_or("pair", "")?;
    Ok(Some(Conversion {
        inverse: !name.is_empty() && name.starts_with(account),
        bid: pair.decimal("bid")?,
        ask: pair.decimal("ask")?,
    }))
}

fn points(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut held = Overnight::new(inputs)?;
    let (point, rate) = (
        inputs.decimal("point_size")?,
        inputs.decimal_or("profit_to_account_rate", Decimal::ONE)?,
    );
    held.swap_digits = inputs.digits_or("profit_digits", 2)?;
    held.price_digits = digits(point);
    held.conversion = Some(Conversion {
        inverse: false,
        bid: rate,
        ask: rate,
    });
    held.swap.point = Price(integer("point_size", point, digits(point))?);
    held.charge(SwapMode::Points, Ratio(inputs.scaled("swap_points", 12)?));
    let (_, swap) = held.run()?;
    // The stages between are no output of the machine.
    let native = held.lots * held.contract * point;
    let native = i128::from(integer("point_size", native, digits(native))?)
        * 10i128.pow(u32::from(FINE_DIGITS - digits(native)));
    let rate = Rate {
        num: i128::from(integer("profit_to_account_rate", rate, digits(rate))?),
        den: 10i128.pow(u32::from(digits(rate))),
    };
    let stages = point_price(native, held.swap_digits, rate, held.account_digits);
    let (profit, account) = stages.ok_or_else(|| Fault::field("lots", "is too large"))?;
    Ok(json!({
        "point_price_profit": shown(profit, held.swap_digits),
        "point_price_account": shown(account, held.account_digits),
        "swap": held.shown(swap),
    }))
}

fn mode(inputs: &Inputs<'_>) -> Result<CalcMode, Fault> {
    Ok(match inputs.text("calc_mode")? {
        "FOREX" => CalcMode::Forex,
        "FOREX_NO_LEVERAGE" => CalcMode::ForexNoLeverage,
        "CFD" => CalcMode::Cfd,
        "CFD_LEVERAGE" => CalcMode::CfdLeverage,
        "CFD_INDEX" => CalcMode::CfdIndex,
        "FUTURES" | "FORTS" | "EXCH_FUTURES" | "EXCHANGE_FUTURES" | "FORTS_FUTURES" => {
            CalcMode::Futures
        }
        // Exchange stocks and bonds cost what their lots are worth.
        "STOCKS" | "EXCH_STOCKS" | "EXCHANGE_STOCKS" | "BONDS" | "EXCH_BONDS"
        | "EXCHANGE_BONDS" => CalcMode::Cfd,
        other => return Err(Fault::field("calc_mode", format!("{other} is no mode"))),
    })
}

fn tick(inputs: &Inputs<'_>) -> Result<Option<(Decimal, Decimal)>, Fault> {
    if inputs.get("tick_size").is_none() {
        return Ok(None);
    }
    Ok(Some((
        inputs.decimal("tick_value")?,
        inputs.decimal("tick_size")?,
    )))
}

fn percent(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut held = Overnight::new(inputs)?;
    held.mode = mode(inputs)?;
    held.tick = tick(inputs)?;
    let year_days = inputs.integer_or("days_in_year", i64::from(YEAR_DAYS))?;
    held.swap.year_days = u16::try_from(year_days)
        .map_err(|_| Fault::field("days_in_year", "is no count of days"))?;
    held.charge(SwapMode::Percent, inputs.percent("swap_pct_per_year")?);
    let (_, swap) = held.run()?;
    Ok(json!({ "swap": held.shown(swap) }))
}

fn money(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut held = Overnight::new(inputs)?;
    let value = Ratio(inputs.scaled("swap_per_lot", 12)?);
    held.charge(SwapMode::Money, value);
    let (desk, swap) = held.run()?;
    let rate = desk
        .machine
        .book()
        .rate(held.swap_currency, ACCOUNT_CURRENCY, worse_side(value))
        .ok_or_else(|| Fault::field("conversion", "gives no rate"))?;
    let rate =
        Decimal::from_i128_with_scale(rate.num, 0) / Decimal::from_i128_with_scale(rate.den, 0);
    Ok(json!({ "conversion_rate": rate.to_string(), "swap": held.shown(swap) }))
}

/// As many digits as an account's money has room for at what a lot costs.
fn cost_digits(held: &Overnight) -> u8 {
    let ratio = held
        .tick
        .map_or(Some(Decimal::ONE), |(value, size)| value.checked_div(size));
    let price = match held.mode {
        CalcMode::Forex | CalcMode::ForexNoLeverage => Decimal::ONE,
        _ => held.price,
    };
    let cost = held.contract.checked_mul(price);
    let cost = cost.and_then(|cost| cost.checked_mul(ratio?));
    let whole = cost.unwrap_or(Decimal::MAX).abs().trunc();
    let fits = |digits: &u8| scaled(whole, *digits).is_ok_and(|minor| minor < COST_MAX);
    (0..=EXACT_DIGITS).rev().find(fits).unwrap_or(0)
}

/// A year's share of 100 % a day is the cost itself.
fn cost_of_lot(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut held = Overnight::new(inputs)?;
    held.mode = mode(inputs)?;
    held.tick = tick(inputs)?;
    let digits = cost_digits(&held);
    held.swap_currency = ACCOUNT_CURRENCY;
    (held.account_digits, held.swap_digits) = (digits, digits);
    held.charge(
        SwapMode::Percent,
        Ratio(i64::from(YEAR_DAYS) * Ratio::ONE.0),
    );
    let (_, swap) = held.run()?;
    Ok(json!({ "lot_cost": held.shown(swap) }))
}

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// No input of the machine: the calendar sends each rollover with the days that this rule says.
fn week_schedule(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let multipliers = inputs.object("multipliers")?;
    let mut week = [0u8; 7];
    for (days, name) in week.iter_mut().zip(WEEK) {
        let count = multipliers.integer_or(name, 0)?;
        *days = u8::try_from(count).map_err(|_| Fault::field(name, "is no count"))?;
    }
    let listed = inputs.get("holidays").and_then(Value::as_array);
    let names: Vec<&str> = listed
        .map(|days| days.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let charged: BTreeMap<&str, u8> = (0..7)
        .map(|day| {
            let holiday = |ahead: usize| names.contains(&WEEK[(day + ahead) % 7]);
            (WEEK[day], charged_days(&week, day, holiday))
        })
        .collect();
    Ok(json!({ "charged_multipliers": charged }))
}
