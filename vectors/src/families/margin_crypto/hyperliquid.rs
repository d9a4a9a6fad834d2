//! Hyperliquid: maintenance is half of the initial margin at the highest leverage, through the machine; who closes an
//! account that is below it is the venue's own rule.

use super::cross::*;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::Side;
use siaga_risk::exact::Exact;
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
    let (own, free) = (
        side(inputs.text("side")?)?,
        inputs.decimal("margin_available")?,
    );
    let value = worth(size, price);
    let mut cross = Cross::sized(Accounting::Netting, sum_of([value, free]))?;
    let id = list(&mut cross, inputs, price, size)?;
    cross.hold(id, own, size, price)?;
    let held = cross.view()?;
    let known = held
        .requirements
        .first()
        .ok_or_else(|| Fault::field("size", "is zero"))?;
    let (over, under) = inputs.leverage("max_leverage")?.fraction();
    let rate = Exact::new(under, 2 * over).ok_or_else(too_large)?;
    let needed = exact(size)?.times(exact(price)?);
    let needed = needed
        .and_then(|value| value.times(rate))
        .ok_or_else(too_large)?;
    let equity = needed.plus(exact(free)?).ok_or_else(too_large)?;
    let legs = [leg(own, (size, price), rate, Decimal::ZERO)?];
    let digits = inputs.digits("result_digits")?;
    // What is available is what equity has above the maintenance margin; the machine's money may not hold that.
    let minor = 10i128.pow(cross.cash_digits().into());
    let liquidation = if minor % equity.den() == 0 {
        let equity = equity.round(minor).ok_or_else(too_large)?;
        let equity = Decimal::from_i128_with_scale(equity, cross.cash_digits().into());
        cross.balance(equity)?;
        cross.liquidation_text(id, digits, exact(equity)?, &legs)?
    } else {
        formula_text(digits, equity, &legs)?
    };
    Ok(json!({
        "maintenance_fraction": ratio_text(known.maintenance_rate),
        "liquidation_price": liquidation,
    }))
}

pub fn stage(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (notional, equity) = (
        inputs.decimal("notional")?,
        inputs.decimal("account_equity")?,
    );
    let mut cross = Cross::sized(Accounting::Netting, sum_of([notional, equity]))?;
    let id = list(&mut cross, inputs, notional, Decimal::ONE)?;
    if !notional.is_zero() {
        cross.hold(id, Side::Buy, Decimal::ONE, notional)?;
    }
    cross.balance(equity)?;
    let view = cross.view()?;
    let maintenance = view
        .requirements
        .first()
        .map_or(0, |known| known.maintenance);
    let minor = 10i128.pow(u32::from(FINE_DIGITS - cross.cash_digits()));
    let stage = match stage_of(i128::from(view.equity.0) * minor, maintenance) {
        Stage::Healthy => "HEALTHY",
        Stage::Book => "BOOK_LIQUIDATION",
        Stage::Backstop => "BACKSTOP_LIQUIDATION",
    };
    Ok(json!({ "maintenance_margin": fine_text(maintenance), "stage": stage }))
}
