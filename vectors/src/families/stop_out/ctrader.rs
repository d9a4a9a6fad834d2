//! cTrader: the position with the largest margin, as little of it as is enough, or whole.

use super::scene::{Action, Held, Need, Scene, places};
use super::{is_long, lots, money, money_digits, no_name, percent};
use crate::families::trade;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::terms::*;
use siaga_risk::units::Leverage;

pub fn smart(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let digits = money_digits(inputs, &["balance"], &[])?;
    let group = GroupTerms {
        leverage: inputs.leverage_or("leverage", Leverage::ONE)?,
        stop_out: inputs.percent("stop_out_pct")?,
        stop_out_policy: StopOutPolicy::CtraderSmart,
        ..trade::group()
    };
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, inputs.decimal("balance")?)?;
    let step = inputs.decimal_or("step_units", Decimal::ONE)?;
    let mut size = places(step);
    for position in inputs.list("positions")? {
        let units = position.decimal("units")?;
        size = size.max(places(units));
    }
    let finest = Decimal::new(1, u32::from(size));
    for position in inputs.list("positions")? {
        let price = position.decimal_or("margin_price", Decimal::ONE)?;
        scene.hold(&Held {
            long: is_long(&position)?,
            lots: position.decimal("units")?,
            need: Need::Leveraged(price),
            step: step.max(finest),
            ..Held::new(
                position.text("id")?,
                Decimal::ZERO,
                position.decimal("floating_pl")?,
            )
        })?;
    }
    scene.begin()?;
    let triggered = scene.view()?.state == MarginState::StopOut;
    let (actions, _) = scene.act()?;
    let mut closed: Vec<(String, i64)> = Vec::new();
    for action in actions {
        let Action::Close(name, qty) = action else {
            return Err(no_name());
        };
        match closed.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += qty,
            None => closed.push((name, qty)),
        }
    }
    let closed: Vec<Value> = closed
        .iter()
        .map(|(id, qty)| json!({ "id": id, "units": lots(*qty, size) }))
        .collect();
    let after = scene.view()?;
    Ok(json!({
        "triggered": triggered,
        "closed": closed,
        "balance": money(after.balance, digits),
        "equity": money(after.equity, digits),
        "margin": money(after.used, digits),
        "level_pct": percent(after.level, 2),
    }))
}

pub fn fair(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let group = GroupTerms {
        stop_out: inputs.percent("stop_out_pct")?,
        stop_out_policy: StopOutPolicy::LargestMargin,
        ..trade::group()
    };
    let (scene, closed) = run(group, inputs)?;
    let after = scene.view()?;
    Ok(json!({
        "triggered": !closed.is_empty(),
        "closed": closed,
        "balance": money(after.balance, scene.digits),
        "equity": money(after.equity, scene.digits),
        "margin": money(after.used, scene.digits),
        "level_pct": percent(after.level, 2),
    }))
}

/// Positions named with margin and floating result are held; the names of what is closed, in order.
pub fn run(group: GroupTerms, inputs: &Inputs<'_>) -> Result<(Scene, Vec<String>), Fault> {
    let digits = money_digits(inputs, &["balance"], &["margin", "floating_pl"])?;
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, inputs.decimal("balance")?)?;
    for position in inputs.list("positions")? {
        scene.hold(&Held::new(
            position.text("id")?,
            position.decimal("margin")?,
            position.decimal("floating_pl")?,
        ))?;
    }
    scene.begin()?;
    let (actions, _) = scene.act()?;
    let mut closed: Vec<String> = actions
        .into_iter()
        .filter_map(|action| match action {
            Action::Close(name, _) => Some(name),
            Action::Cancel(_) => None,
        })
        .collect();
    closed.dedup();
    Ok((scene, closed))
}
