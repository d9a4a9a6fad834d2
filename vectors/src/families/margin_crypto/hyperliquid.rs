//! Hyperliquid: maintenance is half of the initial margin at the highest leverage, through the machine; who closes an
//! account that is below it is the venue's own rule.

use super::cross::*;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::Side;
use siaga_risk::ids::InstrumentId;
use siaga_risk::rules::crypto::hyperliquid::{Stage, stage as stage_of};
use siaga_risk::terms::*;

fn list(
    cross: &mut Cross,
    inputs: &Inputs<'_>,
    price: Decimal,
    size: Decimal,
) -> Result<InstrumentId, Fault> {
    let mut contract = Contract::linear(MarginSchedule::HalfOfInitial, &[price], size);
    contract.leverage_max = inputs.leverage("max_leverage")?;
    cross.list(contract)
}

pub fn liquidation_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (price, size) = (inputs.decimal("price")?, inputs.decimal("size")?);
    let mut cross = Cross::open(Accounting::Netting)?;
    let id = list(&mut cross, inputs, price, size)?;
    cross.hold(id, side(inputs.text("side")?)?, size, price)?;
    let held = cross.view()?;
    let known = held
        .requirements
        .first()
        .ok_or_else(|| Fault::field("size", "is zero"))?;
    // What is available is what equity has above the maintenance margin.
    let minor = 10i128.pow(u32::from(FINE_DIGITS - DIGITS));
    let maintenance = Decimal::from_i128_with_scale(known.maintenance / minor, DIGITS.into());
    cross.balance(inputs.decimal("margin_available")? + maintenance)?;
    let digits = inputs.digits("result_digits")?;
    Ok(json!({
        "maintenance_fraction": ratio_text(known.maintenance_rate),
        "liquidation_price": cross.liquidation_text(id, digits)?,
    }))
}

pub fn stage(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let notional = inputs.decimal("notional")?;
    let mut cross = Cross::open(Accounting::Netting)?;
    let id = list(&mut cross, inputs, notional, Decimal::ONE)?;
    cross.hold(id, Side::Buy, Decimal::ONE, notional)?;
    cross.balance(inputs.decimal("account_equity")?)?;
    let view = cross.view()?;
    let maintenance = view
        .requirements
        .first()
        .map_or(0, |known| known.maintenance);
    let minor = 10i128.pow(u32::from(FINE_DIGITS - DIGITS));
    let stage = match stage_of(i128::from(view.equity.0) * minor, maintenance) {
        Stage::Healthy => "HEALTHY",
        Stage::Book => "BOOK_LIQUIDATION",
        Stage::Backstop => "BACKSTOP_LIQUIDATION",
    };
    Ok(json!({ "maintenance_margin": fine_text(maintenance), "stage": stage }))
}
