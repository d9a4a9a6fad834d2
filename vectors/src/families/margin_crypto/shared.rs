//! Rules that several venues share, through accounts at mark price.

use super::binance::hold_requirement;
use super::cross::*;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::Side;
use siaga_risk::rules::crypto::shared::buying_power;
use siaga_risk::terms::*;

pub fn liquidation_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (mark, size) = (inputs.decimal("mark_price")?, inputs.decimal("size")?);
    let schedule = flat(inputs.fraction("maintenance_margin_rate")?);
    let mut cross = Cross::open(Accounting::Netting)?;
    let id = cross.list(Contract::linear(schedule, &[mark], size))?;
    cross.hold(id, side(inputs.text("side")?)?, size, mark)?;
    hold_requirement(&mut cross, inputs.decimal("other_maintenance_margin")?)?;
    cross.balance(inputs.decimal("equity")?)?;
    let digits = inputs.digits("result_digits")?;
    Ok(json!({ "liquidation_price": cross.liquidation_text(id, digits)? }))
}

/// Margin of one contract held in an account of this currency, minor units.
fn margin_in(
    inputs: &Inputs<'_>,
    currency: siaga_risk::ids::CurrencyId,
    inverse: bool,
) -> Result<i64, Fault> {
    let (price, quantity) = (inputs.decimal("price")?, inputs.decimal("quantity")?);
    let multiplier = inputs.decimal_or("contract_multiplier", Decimal::ONE)?;
    // The multiplier's digits go to the quantity: a lot holds whole units.
    let size = fit("contract_multiplier", multiplier, digits(multiplier))?;
    let quantity = quantity * Decimal::new(1, digits(multiplier).into());
    let mut contract = Contract::linear(MarginSchedule::Flat, &[price], quantity);
    (contract.size, contract.inverse) = (size, inverse);
    contract.leverage_max = inputs.leverage("leverage")?;
    let mut cross = Cross::keeping(currency, Accounting::Netting, LevelTest::Below, DIGITS)?;
    let id = cross.list(contract)?;
    let side = if quantity.is_sign_negative() {
        Side::Sell
    } else {
        Side::Buy
    };
    cross.hold(id, side, quantity.abs(), price)?;
    Ok(cross.view()?.used.0)
}

pub fn future_margin(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    match inputs.text("kind")? {
        "linear" => {
            let margin = margin_in(inputs, CASH, false)?;
            Ok(json!({ "margin_quote": shown(margin.into(), DIGITS) }))
        }
        "coin_margined" => {
            let (coin, quote) = (
                margin_in(inputs, COIN, true)?,
                margin_in(inputs, CASH, true)?,
            );
            Ok(json!({
                "margin_coin": shown(coin.into(), DIGITS),
                "margin_quote": shown(quote.into(), DIGITS),
            }))
        }
        _ => Err(Fault::field("kind", "is neither linear nor coin_margined")),
    }
}

pub fn collateral_pool(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut cross = Cross::open(Accounting::Netting)?;
    for other in inputs.list("other_positions")? {
        let (price, quantity) = (other.decimal("price")?, other.decimal("quantity")?);
        let mut contract = Contract::linear(MarginSchedule::Flat, &[price], quantity);
        contract.leverage_max = other.leverage("leverage")?;
        let id = cross.list(contract)?;
        let side = if quantity.is_sign_negative() {
            Side::Sell
        } else {
            Side::Buy
        };
        cross.hold(id, side, quantity.abs(), price)?;
    }
    let mut pool = Decimal::ZERO;
    for collateral in inputs.list("collateral")? {
        pool += collateral.decimal("amount")?
            * collateral.decimal_or("rate_to_account", Decimal::ONE)?;
    }
    cross.balance(pool)?;
    let view = cross.view()?;
    let left = buying_power(view.equity.0.into(), view.used.0.into());
    Ok(json!({
        "other_maintenance": shown(view.used.0.into(), DIGITS),
        "buying_power": shown(left, DIGITS),
    }))
}
