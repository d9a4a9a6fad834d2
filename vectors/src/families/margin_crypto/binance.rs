//! Binance: maintenance brackets and liquidation prices through the machine; the mark price is the venue's own.

use super::cross::*;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::book::brackets;
use siaga_risk::event::Side;
use siaga_risk::exact::Exact;
use siaga_risk::rules::crypto::binance;
use siaga_risk::terms::*;
use siaga_risk::units::*;

fn point(inputs: &Inputs<'_>) -> Result<(Ratio, Decimal), Fault> {
    let amount = inputs.decimal_or("maintenance_amount", Decimal::ZERO)?;
    Ok((inputs.fraction("maintenance_margin_rate")?, amount))
}

fn result_digits(inputs: &Inputs<'_>) -> Result<u8, Fault> {
    inputs.digits("result_digits")
}

/// Digits in which margin and results are kept: read off one printed example (docs/vectors.md), confirmed by none.
const CALCULATOR_DIGITS: u8 = 5;

pub fn liquidation_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (entry, quantity) = (inputs.decimal("entry_price")?, inputs.decimal("quantity")?);
    let (wallet, own) = (inputs.decimal("wallet_balance")?, point(inputs)?);
    let kept = digits(wallet).max(digits(own.1)).max(CALCULATOR_DIGITS);
    let (accounting, test) = (Accounting::Netting, LevelTest::Below);
    let mut cross = Cross::keeping(CASH, accounting, test, kept.min(DIGITS))?;
    // The positions of an isolated one are nobody else's.
    let names = [("cross", false), ("isolated", true)];
    if !inputs.one_of_or("margin_mode", false, &names)? {
        for other in inputs.list("other_positions")? {
            hold_other(&mut cross, &other)?;
        }
    }
    let others = cross.view()?;
    let schedule = cross.schedule(&[own])?;
    let id = cross.list(Contract::linear(schedule, &[entry], quantity))?;
    cross.hold(id, side(inputs.text("side")?)?, quantity, entry)?;
    cross.balance(wallet)?;
    let money = |amount: Money| shown(amount.0.into(), cross.cash_digits());
    Ok(json!({
        "other_maintenance_margin": money(others.used),
        "other_unrealised_pnl": money(others.unrealised),
        "liquidation_price": cross.liquidation_text(id, result_digits(inputs)?)?,
    }))
}

fn hold_other(cross: &mut Cross, other: &Inputs<'_>) -> Result<(), Fault> {
    let (entry, mark) = (other.decimal("entry_price")?, other.decimal("mark_price")?);
    let quantity = other.decimal("quantity")?;
    let schedule = cross.schedule(&[point(other)?])?;
    let id = cross.list(Contract::linear(schedule, &[entry, mark], quantity))?;
    cross.hold(id, side(other.text("side")?)?, quantity, entry)?;
    cross.mark(id, mark)
}

pub fn hedge_mode(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (long, short) = (inputs.object("long")?, inputs.object("short")?);
    let legs = [(Side::Buy, long), (Side::Sell, short)];
    let mut numbers = Vec::new();
    for (side, leg) in legs {
        numbers.push((side, leg.decimal("quantity")?, leg.decimal("entry_price")?));
    }
    let digit = |of: &dyn Fn(&(Side, Decimal, Decimal)) -> Decimal| {
        numbers.iter().map(|leg| digits(of(leg))).max().unwrap_or(0)
    };
    let mut cross = Cross::open(Accounting::Hedging)?;
    let contract = Contract {
        price_digits: digit(&|leg| leg.2),
        qty_digits: digit(&|leg| leg.1),
        size: 1,
        inverse: false,
        schedule: cross.schedule(&[point(&long)?, point(&short)?])?,
        leverage_max: Leverage::NONE,
    };
    let id = cross.list(contract)?;
    for (side, quantity, entry) in &numbers {
        cross.hold(id, *side, *quantity, *entry)?;
    }
    let others = inputs.decimal_or("other_maintenance_margin", Decimal::ZERO)?;
    hold_requirement(&mut cross, others)?;
    let result = inputs.decimal_or("other_unrealised_pnl", Decimal::ZERO)?;
    cross.balance(inputs.decimal("wallet_balance")? + result)?;
    Ok(json!({ "liquidation_price": cross.liquidation_text(id, result_digits(inputs)?)? }))
}

/// A position of another contract that needs just this much and stands where it was opened.
pub fn hold_requirement(cross: &mut Cross, amount: Decimal) -> Result<(), Fault> {
    if amount.is_zero() {
        return Ok(());
    }
    let schedule = flat(Ratio::ONE);
    let id = cross.list(Contract::linear(schedule, &[amount], Decimal::ONE))?;
    cross.hold(id, Side::Buy, Decimal::ONE, amount)
}

pub fn amount_step(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let amount = step(
        inputs.decimal("bracket_floor")?,
        inputs.decimal("rate")?,
        inputs.decimal("previous_rate")?,
        exact(inputs.decimal("previous_amount")?)?,
    )?;
    Ok(json!({ "maintenance_amount": exact_text(amount)? }))
}

fn step(floor: Decimal, rate: Decimal, before: Decimal, amount: Exact) -> Result<Exact, Fault> {
    brackets::amount_step(exact(floor)?, exact(rate)?, exact(before)?, amount)
        .ok_or_else(|| Fault::Other("an amount is too large".into()))
}

/// The amounts that make a schedule of floors and rates continuous.
fn amounts_of(inputs: &Inputs<'_>) -> Result<Vec<(Decimal, Decimal, Exact)>, Fault> {
    let (mut all, mut before) = (Vec::new(), (Decimal::ZERO, Exact::ZERO));
    for bracket in inputs.list("brackets")? {
        let (floor, rate) = (bracket.decimal("floor")?, bracket.decimal("rate")?);
        let amount = step(floor, rate, before.0, before.1)?;
        all.push((floor, rate, amount));
        before = (rate, amount);
    }
    Ok(all)
}

pub fn amounts(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let amounts: Result<Vec<String>, Fault> = amounts_of(inputs)?
        .into_iter()
        .map(|(_, _, amount)| exact_text(amount))
        .collect();
    Ok(json!({ "maintenance_amounts": amounts? }))
}

pub fn bracket_search(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut made = Vec::new();
    for (floor, rate, amount) in amounts_of(inputs)? {
        let amount = amount.round(10i128.pow(DIGITS.into())).unwrap_or(0);
        made.push(Bracket {
            floor: Money(fit("floor", floor, DIGITS)?),
            rate: Ratio(fit("rate", rate, 12)?),
            amount: Money(i64::try_from(amount).unwrap_or(0)),
            leverage_max: 0,
        });
    }
    let (entry, quantity) = (inputs.decimal("entry_price")?, inputs.decimal("quantity")?);
    let schedule = MarginSchedule::Brackets(made);
    let mut cross = Cross::open(Accounting::Netting)?;
    let id = cross.list(Contract::linear(schedule, &[entry], quantity))?;
    cross.hold(id, side(inputs.text("side")?)?, quantity, entry)?;
    cross.balance(inputs.decimal("wallet_balance")?)?;
    let view = cross.view()?;
    let found = cross.liquidation(id)?;
    Ok(json!({
        "entry_bracket": view.requirements.first().map(|known| known.bracket),
        "bracket": found.bracket,
        "maintenance_margin_rate": ratio_text(found.rate),
        "maintenance_amount": shown(found.amount.0.into(), DIGITS),
        "liquidation_price": cross.liquidation_text(id, result_digits(inputs)?)?,
    }))
}

pub fn mark_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let number = |field: &str| exact(inputs.decimal(field)?);
    let mark = binance::mark_price(
        number("index_price")?,
        number("funding_rate")?,
        number("hours_to_funding")?,
        number("basis_moving_average")?,
        number("last_price")?,
    );
    let mark = mark.ok_or_else(|| Fault::Other("a price is too large".into()))?;
    Ok(json!({
        "price1": exact_text(mark.price1)?,
        "price2": exact_text(mark.price2)?,
        "mark_price": exact_text(mark.mark)?,
    }))
}
