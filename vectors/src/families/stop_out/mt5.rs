//! MetaTrader 5: pending orders by margin, then positions by loss.

use super::scene::{Action, Held, Scene, places, whole};
use super::{is_long, lots, money, money_digits, percent};
use crate::families::trade;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// Money has the digits it is written with, at least cents.
const DIGITS: u8 = 2;

pub fn stop_out(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let accounting = inputs.one_of_or(
        "accounting",
        Accounting::Hedging,
        &[
            ("hedging", Accounting::Hedging),
            ("netting", Accounting::Netting),
        ],
    )?;
    let real = inputs.one_of_or("account_kind", true, &[("real", true), ("demo", false)])?;
    let netting = accounting == Accounting::Netting;
    let amounts = ["profit", "swap", "commission", "margin"];
    let digits = money_digits(inputs, &["balance", "credit"], &amounts)?;
    let mut scene = Scene::new(group(inputs, digits)?, digits, accounting)?;
    scene.cash(CashKind::Correction, inputs.decimal("balance")?)?;
    scene.cash(
        CashKind::Credit,
        inputs.decimal_or("credit", Decimal::ZERO)?,
    )?;
    let mut sizes = BTreeMap::new();
    for position in positions(inputs, netting, real)? {
        sizes.insert(
            position.name.clone(),
            // The digits its quantity is counted in.
            places(position.lots)
                .max(position.lots_max.map_or(0, places))
                .max(places(position.step)),
        );
        scene.hold(&position)?;
    }
    for order in inputs.list("pending_orders")? {
        scene.rest(
            order.text("id")?,
            order.decimal_or("margin", Decimal::ZERO)?,
            order.flag("under_execution")?,
        )?;
    }
    scene.begin()?;
    let before = scene.view()?;
    let triggered = before.state == MarginState::StopOut;
    let (actions, compensation) = scene.act()?;
    let after = scene.view()?;
    let actions: Vec<Value> = actions
        .iter()
        .map(|action| match action {
            Action::Cancel(id) => json!({ "action": "delete_order", "id": id }),
            Action::Close(id, qty) => {
                let digits = sizes.get(id).copied().unwrap_or(0);
                json!({ "action": "close", "id": id, "lots": lots(*qty, digits) })
            }
        })
        .collect();
    Ok(json!({
        "triggered": triggered,
        "initial_level_pct": percent(before.level, 2),
        "actions": actions,
        "balance": money(after.balance, digits),
        "equity": money(after.equity, digits),
        "margin": money(after.used, digits),
        "final_level_pct": percent(after.level, 2),
        "compensation": money(Money(compensation), digits),
    }))
}

/// The platform's option: what a stop-out leaves below zero is lifted, and nothing else.
fn compensated(on: bool) -> BalanceProtection {
    if on {
        BalanceProtection::StopOut
    } else {
        BalanceProtection::None
    }
}

fn group(inputs: &Inputs<'_>, digits: u8) -> Result<GroupTerms, Fault> {
    let in_money = inputs.one_of_or("level_type", false, &[("percent", false), ("money", true)])?;
    let level = inputs.decimal("stop_out_level")?;
    let none = trade::group();
    Ok(GroupTerms {
        stop_out: if in_money {
            Ratio(0)
        } else {
            inputs.percent("stop_out_level")?
        },
        negative_balance_protection: compensated(inputs.flag("compensate_negative_balance")?),
        closing: StopOutTerms {
            money: in_money
                .then(|| whole("stop_out_level", level, digits).map(Money))
                .transpose()?,
            fully_hedged: inputs.flag("stop_out_fully_hedged")?,
            oldest_first: inputs.flag("fifo")?,
            ..none.closing
        },
        ..none
    })
}

/// Oldest first, so that the machine opens them in that order. Only a real netting account is closed in deals of the
/// largest size; the positions of all others are closed whole.
fn positions(inputs: &Inputs<'_>, netting: bool, real: bool) -> Result<Vec<Held>, Fault> {
    let mut all = Vec::new();
    for (at, position) in inputs.list("positions")?.iter().enumerate() {
        let name = position.text("id")?;
        let most = netting && real && position.get("max_deal_lots").is_some();
        let tradable = position.get("tradable").is_none() || position.flag("tradable")?;
        // Like a swap, a commission that is still to be booked is part of the equity and of no ranking.
        let swap = position.decimal_or("swap", Decimal::ZERO)?
            + position.decimal_or("commission", Decimal::ZERO)?;
        let symbol = position.text_or("symbol", name)?;
        let lots_max = most
            .then(|| position.decimal("max_deal_lots"))
            .transpose()?;
        let held = Held {
            long: is_long(position)?,
            lots: position.decimal_or("lots", Decimal::ONE)?,
            swap,
            lots_max,
            tradable,
            // One instrument may not be tradable and not, nor have two deal sizes or nights.
            key: if netting || swap != Decimal::ZERO {
                name.to_owned()
            } else {
                format!("{symbol} {tradable} {lots_max:?}")
            },
            ..Held::new(
                name,
                position.decimal_or("margin", Decimal::ZERO)?,
                position.decimal("profit")?,
            )
        };
        all.push((position.integer_or("opened_seq", at as i64)?, held));
    }
    all.sort_by_key(|(opened, _)| *opened);
    let digits = |held: &Held| places(held.lots).max(held.lots_max.map_or(0, places));
    let digits = all.iter().map(|(_, held)| digits(held)).max();
    Ok(all
        .into_iter()
        .map(|(_, held)| Held {
            step: Decimal::new(1, u32::from(digits.unwrap_or(0))),
            ..held
        })
        .collect())
}

/// A position closed by a stop-out, a stop loss or its owner leaves this balance.
pub fn compensation(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let left = inputs.decimal("balance_after_close")?;
    let digits = places(left).max(DIGITS);
    let none = trade::group();
    let group = GroupTerms {
        stop_out: LEVEL_MAX,
        negative_balance_protection: compensated(inputs.flag("enabled")?),
        ..none
    };
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    // A level far below any stop-out: the margin is much larger than what is left.
    let margin = left.abs() + Decimal::ONE_THOUSAND;
    scene.cash(CashKind::Correction, left + Decimal::ONE_HUNDRED)?;
    scene.hold(&Held::new("held", margin, -Decimal::ONE_HUNDRED))?;
    scene.begin()?;
    let (_, compensated) = match inputs.text("closed_by")? {
        "stop_out" => scene.act()?,
        "stop_loss" => scene.hit_protection(true)?,
        "take_profit" => scene.hit_protection(false)?,
        "client" | "owner" | "trader" | "manual" | "dealer" => scene.close_by_owner()?,
        other => return Err(Fault::field("closed_by", format!("{other} closes nothing"))),
    };
    Ok(json!({
        "compensation": money(Money(compensated), digits),
        "balance": money(scene.view()?.balance, digits),
    }))
}
