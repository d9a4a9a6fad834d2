//! Opposite positions of one instrument: MetaTrader 5's two modes, fixed margins, cTrader's three types.

use super::Calc;
use super::margin_basic::Holdings;
use super::margin_desk::*;
use crate::{Fault, Inputs};
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::rules::import;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "hedged_basic" => basic,
        "hedged_larger_leg" => larger_leg,
        "hedged_fixed" => fixed,
        "hedged_field_import" => field_import,
        "total_margin_type" => total_type,
        _ => return None,
    })
}

fn basic(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut book = Holdings::new(inputs, account_digits(inputs, 2)?, HedgeRule::Basic)?;
    let account = book.world.account(1, Accounting::Hedging)?;
    book.hold(account, inputs, None)?;
    let pending = book.wait_all(account, inputs)?;
    let view = book.world.view(account)?;
    let margin = view
        .margins
        .first()
        .ok_or_else(|| Fault::Other("nothing is charged".into()))?;
    let net: i64 = view
        .positions
        .iter()
        .map(|held| match held.position.side {
            Side::Buy => held.position.qty.0,
            Side::Sell => -held.position.qty.0,
        })
        .sum();
    Ok(json!({
        "uncovered_lots": book.lots(net.abs()),
        "covered_lots": book.lots(margin.covered_qty.0),
        "uncovered_margin": book.world.money(margin.open),
        "covered_margin": book.world.money(margin.covered),
        "pending_margin": pending,
        "margin": book.world.money(view.used),
    }))
}

/// The legs are read from accounts that have one side alone.
fn larger_leg(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut book = Holdings::new(inputs, account_digits(inputs, 2)?, HedgeRule::LargerLeg)?;
    let mut legs = Vec::new();
    for (id, side, types) in [
        (
            1,
            Side::Buy,
            ["buy", "buy_limit", "buy_stop", "buy_stop_limit"],
        ),
        (
            2,
            Side::Sell,
            ["sell", "sell_limit", "sell_stop", "sell_stop_limit"],
        ),
    ] {
        let account = book.world.account(id, Accounting::Hedging)?;
        book.hold(account, inputs, Some(side))?;
        legs.push(book.world.money(book.world.view(account)?.used));
        for name in types {
            book.wait(account, inputs, name)?;
        }
        legs.push(book.world.money(book.world.view(account)?.used));
    }
    let account = book.world.account(3, Accounting::Hedging)?;
    book.hold(account, inputs, None)?;
    book.wait_all(account, inputs)?;
    Ok(json!({
        "long_positions": legs[0],
        "long_leg": legs[1],
        "short_positions": legs[2],
        "short_leg": legs[3],
        "margin": book.world.money(book.world.view(account)?.used),
    }))
}

/// A contract of fixed margins per lot.
fn contract(inputs: &Inputs<'_>, qty_digits: u8) -> Result<InstrumentTerms, Fault> {
    let mut terms = listed(10, CalcMode::Futures);
    terms.qty_digits = qty_digits;
    terms.margin_fixed = Money(inputs.scaled("initial_margin_per_lot", 8)?);
    terms.margin.fixed_hold = Money(inputs.scaled_or("maintenance_margin_per_lot", 8, 0)?);
    terms.margin.fixed_hedged = Some(Money(inputs.scaled_or("hedge_margin_per_lot", 8, 0)?));
    Ok(terms)
}

fn fixed(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (held, opposite) = (
        inputs.decimal("position_lots")?,
        inputs.decimal("opposite_order_lots")?,
    );
    let qty_digits = places(held).max(places(opposite));
    let mut world = World::new(account_digits(inputs, 8)?, &group(Leverage::ONE))?;
    world.convert(1.into(), 1.into(), false)?;
    let terms = contract(inputs, qty_digits)?;
    let id = terms.id;
    world.desk.list(terms)?;
    world.desk.quote(id, 1, 1);
    let account = world.account(1, Accounting::Hedging)?;
    let held = int("position_lots", held, qty_digits)?;
    if held > 0 {
        world.open(World::order(account, id, Side::Buy, held), 1)?;
    }
    let qty = int("opposite_order_lots", opposite, qty_digits)?;
    let required = if qty == 0 {
        world.view(account)?.used
    } else {
        let order = World::order(account, id, Side::Sell, qty);
        let required = world.preview(order)?.used_after;
        world.open(order, 1)?;
        required
    };
    Ok(json!({
        "required_to_open": world.money(required),
        "after_fill": world.money(world.view(account)?.used),
    }))
}

fn field_import(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let size = inputs.decimal("mt4_hedged_contract_size")?;
    let digits = places(size);
    let doubled = import::hedged_size_of_mt4(int("mt4_hedged_contract_size", size, digits)?)
        .ok_or_else(|| Fault::field("mt4_hedged_contract_size", "is no size"))?;
    Ok(json!({ "mt5_hedged_contract_size": crate::shown(doubled.into(), digits) }))
}

fn total_type(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (buys, sells) = (inputs.decimal("buy_lots")?, inputs.decimal("sell_lots")?);
    let digits = places(buys).max(places(sells));
    let mut world = World::new(account_digits(inputs, 2)?, &group(Leverage::ONE))?;
    world.convert(1.into(), 1.into(), false)?;
    let mut terms = listed(10, CalcMode::Futures);
    terms.qty_digits = digits;
    terms.margin_fixed = Money(inputs.scaled("margin_per_lot", 8)?);
    terms.margin.hedge = match inputs.text("type")? {
        "SUM" => HedgeRule::Sum,
        "MAX" => HedgeRule::Max,
        "NET" => HedgeRule::Net,
        other => return Err(Fault::field("type", format!("{other} is no type"))),
    };
    let id = terms.id;
    world.desk.list(terms)?;
    world.desk.quote(id, 1, 1);
    let account = world.account(1, Accounting::Hedging)?;
    for (side, field, lots) in [
        (Side::Buy, "buy_lots", buys),
        (Side::Sell, "sell_lots", sells),
    ] {
        let qty = int(field, lots, digits)?;
        if qty > 0 {
            world.open(World::order(account, id, side, qty), 1)?;
        }
    }
    let view = world.view(account)?;
    let lots = view.margins.first().map_or(0, |margin| margin.lots);
    Ok(json!({ "charged_lots": fine(lots, 9), "margin": world.money(view.used) }))
}
