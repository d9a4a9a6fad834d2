//! Rules that several venues share, through accounts at mark price.

use super::binance::hold_requirement;
use super::cross::*;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::book::brackets;
use siaga_risk::event::Side;
use siaga_risk::exact::Exact;
use siaga_risk::ids::CurrencyId;
use siaga_risk::rules::crypto::shared::buying_power;
use siaga_risk::terms::*;
use siaga_risk::view::AccountView;

pub fn liquidation_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (mark, size) = (inputs.decimal("mark_price")?, inputs.decimal("size")?);
    let rate = inputs.fraction("maintenance_margin_rate")?;
    let (own, equity) = (side(inputs.text("side")?)?, inputs.decimal("equity")?);
    let others = inputs.decimal_or("other_maintenance_margin", Decimal::ZERO)?;
    let sizes = sum_of([worth(size, mark), equity, others]);
    let mut cross = Cross::sized(Accounting::Netting, sizes)?;
    let id = cross.list(Contract::linear(flat(rate), &[mark], size))?;
    cross.hold(id, own, size, mark)?;
    hold_requirement(&mut cross, others)?;
    cross.balance(equity)?;
    let digits = inputs.digits("result_digits")?;
    let share = brackets::share(rate).ok_or_else(too_large)?;
    let legs = [leg(own, (size, mark), share, Decimal::ZERO)?];
    let money = exact(equity)?.minus(exact(others)?).ok_or_else(too_large)?;
    let price = cross.liquidation_text(id, digits, money, &legs)?;
    Ok(json!({ "liquidation_price": price }))
}

/// An account of this currency with one contract, and the digits of its money.
fn held_in(
    inputs: &Inputs<'_>,
    currency: CurrencyId,
    schedule: MarginSchedule,
    inverse: bool,
) -> Result<(AccountView, u8), Fault> {
    let (price, quantity) = (inputs.decimal("price")?, inputs.decimal("quantity")?);
    let multiplier = inputs.decimal_or("contract_multiplier", Decimal::ONE)?;
    // The multiplier's digits go to the quantity: a lot holds whole units.
    let size = fit("contract_multiplier", multiplier, digits(multiplier))?;
    let quantity = quantity * Decimal::new(1, digits(multiplier).into());
    let mut contract = Contract::linear(schedule, &[price], quantity);
    (contract.size, contract.inverse) = (size, inverse);
    contract.leverage_max = inputs.leverage("leverage")?;
    let lots = worth(quantity, Decimal::from(size));
    let value = worth(lots, if inverse { Decimal::ONE } else { price });
    let cash_digits = room(value).unwrap_or(0);
    let mut cross = Cross::keeping(currency, Accounting::Netting, LevelTest::Below, cash_digits)?;
    let id = cross.list(contract)?;
    let side = if quantity.is_sign_negative() {
        Side::Sell
    } else {
        Side::Buy
    };
    cross.hold(id, side, quantity.abs(), price)?;
    let digits = if currency == CASH {
        cross.cash_digits()
    } else {
        DIGITS
    };
    Ok((cross.view()?, digits))
}

/// What positions under schedules need at their leverage, before money's digits cut it.
fn at_leverage(view: &AccountView) -> Result<Exact, Fault> {
    let all = view.requirements.iter().map(|known| known.initial);
    exact_fine(all.sum())
}

pub fn future_margin(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    match inputs.text("kind")? {
        "linear" => {
            let (view, _) = held_in(inputs, CASH, MarginSchedule::HalfOfInitial, false)?;
            Ok(json!({ "margin_quote": exact_text(at_leverage(&view)?)? }))
        }
        "coin_margined" => {
            let used = |currency| -> Result<String, Fault> {
                let (view, digits) = held_in(inputs, currency, MarginSchedule::Flat, true)?;
                Ok(shown(view.used.0.into(), digits))
            };
            Ok(json!({
                "margin_coin": used(COIN)?,
                "margin_quote": used(CASH)?,
            }))
        }
        _ => Err(Fault::field("kind", "is neither linear nor coin_margined")),
    }
}

pub fn collateral_pool(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let others = inputs.list("other_positions")?;
    let mut values = Vec::new();
    for other in &others {
        values.push(worth(other.decimal("quantity")?, other.decimal("price")?));
    }
    let mut cross = Cross::sized(Accounting::Netting, sum_of(values))?;
    for other in others {
        let (price, quantity) = (other.decimal("price")?, other.decimal("quantity")?);
        let mut contract = Contract::linear(MarginSchedule::HalfOfInitial, &[price], quantity);
        contract.leverage_max = other.leverage("leverage")?;
        let id = cross.list(contract)?;
        let side = if quantity.is_sign_negative() {
            Side::Sell
        } else {
            Side::Buy
        };
        cross.hold(id, side, quantity.abs(), price)?;
    }
    let mut pool = Exact::ZERO;
    for collateral in inputs.list("collateral")? {
        let amount = exact(collateral.decimal("amount")?)?;
        let rate = exact(collateral.decimal_or("rate_to_account", Decimal::ONE)?)?;
        let value = amount.times(rate).and_then(|value| pool.plus(value));
        pool = value.ok_or_else(too_large)?;
    }
    let used = at_leverage(&cross.view()?)?;
    let left = buying_power(pool, used).ok_or_else(too_large)?;
    Ok(json!({ "other_maintenance": exact_text(used)?, "buying_power": exact_text(left)? }))
}
