//! QuantConnect LEAN: a warning while little margin is free, and orders sized to what is missing.

use super::money;
use super::scene::{Action, Held, Scene, kept_digits, places, whole};
use crate::desk::ACCOUNT;
use crate::families::trade;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::book::instruments::LEVERAGE_MAX;
use siaga_risk::book::{Env, margin_call_notice};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// LEAN warns when less than this share of the portfolio's value is free.
const WARNING: Ratio = Ratio::percent(5);

fn group(buffer: Ratio) -> GroupTerms {
    GroupTerms {
        leverage: LEVERAGE_MAX,
        margin_price: MarginPrice::Mid,
        warning: WARNING,
        stop_out: buffer,
        stop_out_test: LevelTest::Buffer,
        stop_out_policy: StopOutPolicy::LosersFirst,
        ..trade::group()
    }
}

/// A share that is held: quantity with its sign, price, leverage.
struct Holding {
    name: String,
    instrument: InstrumentId,
    quantity: Decimal,
    price: Decimal,
    leverage: Leverage,
}

fn holdings(inputs: &Inputs<'_>) -> Result<Vec<Holding>, Fault> {
    let mut all = Vec::new();
    for (at, holding) in inputs.list("holdings")?.iter().enumerate() {
        all.push(Holding {
            name: holding.text("id")?.to_owned(),
            instrument: InstrumentId(at as u32 + 1),
            quantity: holding.decimal("quantity")?,
            price: holding.decimal("price")?,
            leverage: holding.leverage_or("leverage", Leverage::ONE)?,
        });
    }
    Ok(all)
}

impl Holding {
    /// Bought, or sold short, at the price of now.
    fn open(&self, scene: &mut Scene) -> Result<PositionId, Fault> {
        let (digits, qty_digits) = (places(self.price), places(self.quantity));
        let money = super::scene::MONEY;
        let class = AssetClass::Index;
        scene.desk.list(InstrumentTerms {
            contract_size: 1,
            qty_digits,
            qty_max: Qty(i64::MAX / 4),
            leverage_max: self.leverage,
            margin_maintenance: Ratio(0),
            ..InstrumentTerms::of_class(self.instrument, class, money, money, digits)
        })?;
        let price = whole("price", self.price, digits)?;
        scene.desk.quote(self.instrument, price, price);
        let side = if self.quantity > Decimal::ZERO {
            Side::Buy
        } else {
            Side::Sell
        };
        let qty = whole("quantity", self.quantity.abs(), qty_digits)?;
        trade::open(&mut scene.desk, self.instrument, side, qty, price)
    }
}

pub fn margin_call(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let buffer = inputs.fraction("buffer")?;
    let cash = inputs.decimal("cash")?;
    let held = holdings(inputs)?;
    let worth: Decimal = held.iter().map(|one| one.quantity * one.price).sum();
    let value = cash + worth;
    let wanted = held
        .iter()
        .map(|one| places(one.quantity * one.price))
        .fold(places(value), u8::max)
        .saturating_add(2);
    let mut sizes = vec![value];
    sizes.extend(held.iter().map(|one| one.quantity * one.price));
    let digits = kept_digits(wanted, &sizes);
    let mut scene = Scene::new(group(buffer), digits, Accounting::Hedging)?;
    // Shares are paid for, so what they are worth is part of the money that an account holds beside its results.
    scene.cash(CashKind::Correction, value)?;
    let mut positions = Vec::new();
    for one in held.iter().filter(|one| one.quantity != Decimal::ZERO) {
        positions.push((one.open(&mut scene)?, one));
    }
    scene.begin()?;
    let view = scene.view()?;
    let orders: Vec<Value> = calls(&scene)
        .into_iter()
        .filter_map(|(id, qty)| {
            let (_, one) = positions.iter().find(|(known, _)| *known == id)?;
            let sign = if one.quantity > Decimal::ZERO {
                "-"
            } else {
                ""
            };
            let qty = shown(i128::from(qty), places(one.quantity));
            Some(json!({ "id": one.name, "quantity": format!("{sign}{qty}") }))
        })
        .collect();
    Ok(json!({
        "portfolio_value": money(view.equity, digits),
        "margin_used": money(view.used, digits),
        "margin_remaining": money(view.free, digits),
        "warning": margin_call_notice(view.state, view.free, orders.len()),
        "orders": orders,
    }))
}

/// The orders of a margin call, oldest holding first.
fn calls(scene: &Scene) -> Vec<(PositionId, i64)> {
    let machine = &scene.desk.machine;
    let book = machine.book();
    let env = Env {
        now: scene.desk.now,
        market: machine.market(),
        resumed: None,
    };
    let orders = book.account(ACCOUNT).map(|account| {
        let value = book.valuate(account, &env);
        book.margin_call(account, &value, &env)
    });
    let mut orders: Vec<(PositionId, i64)> = orders
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(slot, qty)| Some((book.positions().get(slot)?.id, qty)))
        .collect();
    orders.sort();
    orders
}

pub fn execute(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let remaining = inputs.decimal("margin_remaining")?;
    let orders = inputs.list("orders")?;
    let (mut used, mut profit) = (Decimal::ZERO, Decimal::ZERO);
    let mut held = Vec::new();
    for order in &orders {
        let one = Held::new(
            order.text("id")?,
            order.decimal("margin_released")?,
            order.decimal("unrealised_profit")?,
        );
        used += order.decimal("margin_released")?;
        profit += one.profit;
        held.push(one);
    }
    let digits = places(used)
        .max(places(profit))
        .max(places(remaining))
        .max(2);
    let group = GroupTerms {
        margin_price: MarginPrice::Open,
        ..group(Ratio(0))
    };
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, used + remaining - profit)?;
    for one in &held {
        scene.hold(one)?;
    }
    scene.begin()?;
    let (actions, _) = scene.act()?;
    let executed: Vec<String> = actions
        .into_iter()
        .filter_map(|action| match action {
            Action::Close(name, _) => Some(name),
            Action::Cancel(_) => None,
        })
        .collect();
    Ok(json!({
        "executed": executed,
        "margin_remaining": money(scene.view()?.free, digits),
    }))
}
