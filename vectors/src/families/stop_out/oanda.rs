//! OANDA: v20 values everything at the mid, OANDA One at the side it would close at.

use super::scene::{MONEY, Scene, places, whole};
use super::{money, percent};
use crate::families::trade;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const HELD: InstrumentId = InstrumentId(1);

/// A position of units at a price, with a share of its value as margin, and the market now.
pub fn hold(
    scene: &mut Scene,
    share: Ratio,
    units: Decimal,
    open: Decimal,
    market: (Decimal, Decimal),
) -> Result<(), Fault> {
    let digits = places(open).max(places(market.0)).max(places(market.1));
    let qty_digits = places(units);
    scene.desk.list(InstrumentTerms {
        mode: CalcMode::Cfd,
        contract_size: 1,
        qty_digits,
        qty_max: Qty(i64::MAX / 4),
        margin_initial: share,
        margin_maintenance: Ratio(0),
        ..InstrumentTerms::of_class(HELD, AssetClass::Index, MONEY, MONEY, digits)
    })?;
    let price = |name, value| whole(name, value, digits);
    let (bid, ask) = (price("bid", market.0)?, price("ask", market.1)?);
    scene.desk.quote(HELD, bid, ask);
    let side = if units < Decimal::ZERO {
        Side::Sell
    } else {
        Side::Buy
    };
    let qty = whole("units", units.abs(), qty_digits)?;
    trade::open(&mut scene.desk, HELD, side, qty, price("open_price", open)?)?;
    Ok(())
}

fn build(group: GroupTerms, inputs: &Inputs<'_>) -> Result<Scene, Fault> {
    let digits = inputs.digits_or("account_digits", 2)?;
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, inputs.decimal("balance")?)?;
    // A page that shows one side of the market values by that one.
    let bid = inputs.decimal_or("bid", inputs.decimal_or("ask", Decimal::ONE)?)?;
    let ask = inputs.decimal_or("ask", bid)?;
    hold(
        &mut scene,
        inputs.percent("margin_rate_pct")?,
        inputs.decimal("units")?,
        inputs.decimal("open_price")?,
        (bid, ask),
    )?;
    scene.begin()?;
    Ok(scene)
}

pub fn v20(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let none = trade::group();
    let group = GroupTerms {
        margin_price: MarginPrice::Mid,
        stop_out_test: LevelTest::OandaCloseout,
        stop_out_policy: StopOutPolicy::CloseAll,
        closing: StopOutTerms {
            at_mid: true,
            ..none.closing
        },
        ..none
    };
    let scene = build(group, inputs)?;
    let view = scene.view()?;
    // The page rounds the result, and goes on with the rounded one.
    let nav = view.balance.0 + view.closeout.unrealised.0;
    Ok(json!({
        "margin_used": money(view.used, scene.digits),
        "unrealised_pl": money(view.closeout.unrealised, scene.digits),
        "nav": money(Money(nav), scene.digits),
        "margin_available": money(Money(nav - view.used.0), scene.digits),
        "close_out_pct": percent(view.closeout.reached, 2),
        "close_out": view.state == MarginState::StopOut,
    }))
}

pub fn one(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let scene = build(trade::group(), inputs)?;
    let view = scene.view()?;
    let equity = view.balance.0 + view.unrealised.0;
    Ok(json!({
        "margin": money(view.used, scene.digits),
        "unrealised_pl": money(view.unrealised, scene.digits),
        "equity": money(Money(equity), scene.digits),
        "free_margin": money(Money(equity - view.used.0), scene.digits),
        "level_pct": percent(view.level, 2),
    }))
}
