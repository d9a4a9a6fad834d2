//! Levels of one account: when it is called, closed out, and what is told on the way.

use super::scene::{Held, Scene, kept_digits, places};
use super::{is_long, money, percent};
use crate::desk::ACCOUNT;
use crate::families::trade;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// An account with this equity, part of it floating, and one position that needs this margin.
fn account(
    group: GroupTerms,
    money: Decimal,
    floating: Decimal,
    margin: Decimal,
) -> Result<(Scene, Vec<Output>), Fault> {
    // A share of the margin has the digits of both, and two more where it is written in percent.
    let level = Decimal::new(group.stop_out.0, 10);
    let wanted = places(money).max(places(floating)).max(places(margin));
    let wanted = wanted
        .saturating_add(places(level).max(2))
        .saturating_add(2);
    let digits = kept_digits(wanted, &[money, floating, margin]);
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, money)?;
    if margin != Decimal::ZERO || floating != Decimal::ZERO {
        scene.hold(&Held::new("held", margin, floating))?;
    }
    let out = scene.begin()?;
    Ok((scene, out))
}

pub fn margin_level(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (equity, margin) = (inputs.decimal("equity")?, inputs.decimal("margin")?);
    let (scene, _) = account(trade::group(), equity, Decimal::ZERO, margin)?;
    let digits = inputs.digits_or("result_digits", 2)?;
    Ok(json!({ "level_pct": percent(scene.view()?.level, digits.into()) }))
}

pub fn equity_at_level(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let margin = inputs.decimal("margin")?;
    let group = GroupTerms {
        stop_out: inputs.percent("level_pct")?,
        ..trade::group()
    };
    let (scene, _) = account(group, margin, Decimal::ZERO, margin)?;
    let view = scene.view()?;
    let line = Money(view.equity.0 - view.to_stop_out.0);
    Ok(json!({ "equity": money(line, scene.digits) }))
}

pub fn ladder(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let none = trade::group();
    let group = GroupTerms {
        warning: inputs.percent("margin_call_pct")?,
        stop_out: inputs.percent("stop_out_pct")?,
        closing: StopOutTerms {
            inclusive: true,
            ..none.closing
        },
        ..none
    };
    let (equity, margin) = (inputs.decimal("equity")?, inputs.decimal("margin")?);
    let (scene, _) = account(group, equity, Decimal::ZERO, margin)?;
    let view = scene.view()?;
    let state = match view.state {
        MarginState::Healthy => "OK",
        MarginState::Warning | MarginState::Restricted => "MARGIN_CALL",
        MarginState::StopOut => "STOP_OUT",
    };
    Ok(json!({ "level_pct": percent(view.level, 2), "state": state }))
}

pub fn close_out(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let group = GroupTerms {
        stop_out: inputs.percent("threshold_pct")?,
        stop_out_test: inputs.one_of_or(
            "comparison",
            LevelTest::AtOrBelow,
            &[
                ("below", LevelTest::Below),
                ("at_or_below", LevelTest::AtOrBelow),
            ],
        )?,
        stop_out_policy: StopOutPolicy::CloseAll,
        ..trade::group()
    };
    let (scene, _) = account(
        group,
        inputs.decimal("funds")?,
        inputs.decimal("unrealised_net_profit")?,
        inputs.decimal("total_initial_margin")?,
    )?;
    let view = scene.view()?;
    Ok(json!({
        "equity": money(view.equity, scene.digits),
        "level_pct": percent(view.level, 2),
        "close_out": view.state == MarginState::StopOut,
    }))
}

pub fn alert_ladder(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let listed = inputs.get("alert_levels_pct").and_then(Value::as_array);
    let texts: Vec<&str> = listed
        .map(|levels| levels.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut levels = Vec::new();
    for text in &texts {
        let field = "alert_levels_pct";
        let level =
            Decimal::from_str_exact(text).map_err(|_| Fault::field(field, "is no level"))?;
        levels.push(Ratio(super::scene::whole(field, level, 10)?));
    }
    let mut falling = levels.clone();
    falling.sort_by(|a, b| b.cmp(a));
    falling.dedup();
    let none = trade::group();
    let mut rungs = none.closing.rungs;
    if falling.len() > rungs.len() {
        return Err(Fault::field("alert_levels_pct", "has too many levels"));
    }
    rungs[..falling.len()].copy_from_slice(&falling);
    let group = GroupTerms {
        stop_out: inputs.percent("close_out_pct")?,
        closing: StopOutTerms {
            rungs,
            ..none.closing
        },
        ..none
    };
    let (scene, out) = account(
        group,
        inputs.decimal("balance")?,
        -inputs.decimal("loss")?,
        inputs.decimal("total_initial_margin")?,
    )?;
    let told: Vec<Ratio> = out
        .iter()
        .filter_map(|output| match output {
            Output::Rung(change) if change.on && change.account == ACCOUNT => Some(change.level),
            _ => None,
        })
        .collect();
    let reached: Vec<&str> = texts
        .iter()
        .zip(&levels)
        .filter(|(_, level)| told.contains(level))
        .map(|(text, _)| *text)
        .collect();
    let view = scene.view()?;
    Ok(json!({
        "equity": money(view.equity, scene.digits),
        "level_pct": percent(view.level, 2),
        "levels_reached_pct": reached,
        "close_out": view.state == MarginState::StopOut,
    }))
}

pub fn regulatory_minimum(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let exposure = inputs.decimal("exposure")?;
    let share = inputs.decimal("initial_margin_pct")?;
    let close_out = inputs.decimal_or("close_out_pct", Decimal::from(50))?;
    let wanted = places(exposure) + places(share) + places(close_out) + 4;
    let digits = kept_digits(wanted, &[exposure]);
    let group = GroupTerms {
        stop_out: Ratio(super::scene::whole("close_out_pct", close_out, 10)?),
        ..trade::group()
    };
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    super::oanda::hold(
        &mut scene,
        inputs.percent("initial_margin_pct")?,
        Decimal::ONE,
        exposure,
        (exposure, exposure),
    )?;
    scene.begin()?;
    let view = scene.view()?;
    Ok(json!({
        "initial_margin": money(view.used, digits),
        "close_out_equity": money(Money(view.equity.0 - view.to_stop_out.0), digits),
    }))
}

/// Least digits of money where half of every spread is given back.
const MID_DIGITS: u8 = 4;

/// Equity that a stop-out at zero looks at, with and without half of every spread given back.
pub fn mid_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (spread, balance) = (
        inputs.decimal("spread_per_lot")?,
        inputs.decimal("balance")?,
    );
    let positions = inputs.list("positions")?;
    // Half of a spread has a digit more than the spread and the lots together.
    let (mut wanted, mut sizes) = (places(balance).max(MID_DIGITS), vec![balance]);
    for position in &positions {
        let (lots, result) = (position.decimal("lots")?, position.decimal("floating_pl")?);
        let half = places(spread)
            .saturating_add(places(lots))
            .saturating_add(1);
        wanted = wanted.max(places(result)).max(half);
        sizes.push(result);
    }
    let digits = kept_digits(wanted, &sizes);
    let mut scene = Scene::new(trade::group(), digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, balance)?;
    for (at, position) in positions.iter().enumerate() {
        scene.hold(&Held {
            lots: position.decimal("lots")?,
            long: is_long(position)?,
            spread,
            ..Held::new(
                &at.to_string(),
                Decimal::ONE,
                position.decimal("floating_pl")?,
            )
        })?;
    }
    scene.begin()?;
    let standard = scene.view()?;
    scene.regroup(|group| group.closing.at_mid = true)?;
    let protected = scene.view()?;
    Ok(json!({
        "equity": money(standard.equity, scene.digits),
        "virtual_equity": money(protected.closeout.equity, scene.digits),
        "standard_stop_out": standard.state == MarginState::StopOut,
        "protected_stop_out": protected.state == MarginState::StopOut,
    }))
}
