//! Orders in flight, what is free, and when it is looked at.

use super::Calc;
use super::margin_desk::*;
use super::trade;
use crate::desk::LINK;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "started_orders" => started_orders,
        "margin_checks" => margin_checks,
        "free_margin" => free_margin,
        "open_order_gate" => open_order_gate,
        _ => return None,
    })
}

const TRADED: u32 = 10;
const OTHER: u32 = 11;

fn signed(qty: i64) -> (Side, i64) {
    (if qty < 0 { Side::Sell } else { Side::Buy }, qty.abs())
}

fn started_orders(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let position = inputs.decimal("position_lots_signed")?;
    let orders = inputs.list("started_orders")?;
    let mut digits = places(position);
    for order in &orders {
        digits = digits.max(places(order.decimal("lots")?));
    }
    let contract = inputs.decimal("contract_size")?;
    let mut world = World::new(account_digits(inputs, 2)?, &group(leverage(inputs)?))?;
    let mut terms = listed(TRADED, CalcMode::Forex);
    terms.margin_currency = ACC;
    terms.qty_digits = digits;
    terms.contract_digits = places(contract);
    terms.contract_size = int("contract_size", contract, terms.contract_digits)?;
    let id = terms.id;
    world.desk.list(terms)?;
    world.desk.quote(id, 1, 1);
    let account = world.account(1, Accounting::Netting)?;
    let (held, qty) = signed(int("position_lots_signed", position, digits)?);
    if qty > 0 {
        world.open(World::order(account, id, held, qty), 1)?;
    }
    let before = world.view(account)?.used;
    let mut placed = Vec::new();
    for order in &orders {
        let qty = int("lots", order.decimal("lots")?, digits)?;
        let order = World::order(account, id, side(order.text("side")?)?, qty);
        placed.push((trade::place(&mut world.desk, order)?, qty));
    }
    let started = world.view(account)?.used;
    for (order, qty) in placed {
        trade::fill(&mut world.desk, order, qty, 1)?;
    }
    Ok(json!({
        "margin_before": world.money(before),
        "margin_while_started": world.money(started),
        "margin_after_all_filled": world.money(world.view(account)?.used),
    }))
}

/// An account whose position elsewhere needs more margin than it has, once its money is taken.
struct Short {
    world: World,
    account: AccountId,
    order: NewOrder,
}

impl Short {
    fn new(inputs: &Inputs<'_>) -> Result<Short, Fault> {
        let rate = inputs
            .get("margin_rate")
            .map_or(Ok(Ratio::ONE), |_| inputs.fraction("margin_rate"))?;
        let mut terms = group(Leverage::ONE);
        terms.margin.check_execution = inputs.flag("check_before_execution")?;
        let mut world = World::new(2, &terms)?;
        for (id, rate) in [(TRADED, rate), (OTHER, Ratio::ONE)] {
            let mut terms = listed(id, CalcMode::Futures);
            terms.margin_currency = ACC;
            terms.margin_fixed = Money(100_000);
            (terms.margin.buy, terms.margin.sell) =
                (MarginRates::all(rate), MarginRates::all(rate));
            world.desk.list(terms)?;
            world.desk.quote(InstrumentId(id), 10, 10);
        }
        let account = world.account(1, Accounting::Hedging)?;
        world.open(World::order(account, InstrumentId(OTHER), Side::Buy, 1), 10)?;
        let mut order = World::order(account, InstrumentId(TRADED), Side::Buy, 1);
        if is_pending(inputs)? {
            (order.kind, order.price) = (OrderKind::Limit, Some(Price(9)));
        }
        let names = [("server", false), ("dealer", false), ("gateway", true)];
        if inputs.one_of_or("activated_by", false, &names)? {
            // A gateway holds waiting orders itself.
            world.desk.must(Body::Link(LinkTerms {
                id: LINK,
                protective: HeldBy::Broker,
                answer_timeout_ns: 10 * SECOND_NS,
                queue_tolerance: Ratio::percent(1),
                queue_expiry_ns: HOUR_NS,
                trades_closed: false,
            }))?;
        }
        Ok(Short {
            world,
            account,
            order,
        })
    }

    /// Half of what the position elsewhere needs is left.
    fn take(&mut self) -> Result<(), Fault> {
        self.world.balance(self.account, 50_000)
    }

    fn report(&mut self, order: OrderId, event: BrokerEvent) -> Result<Vec<Output>, Fault> {
        self.world.desk.must(Body::Report(BrokerReport {
            link: LINK,
            order,
            exec: ExecId::default(),
            event,
        }))
    }
}

fn is_pending(inputs: &Inputs<'_>) -> Result<bool, Fault> {
    inputs.one_of("order_kind", &[("market", false), ("pending", true)])
}

/// The order has come to this state.
fn became(out: &[Output], id: OrderId, state: OrderState) -> bool {
    out.iter().any(
        |output| matches!(output, Output::Order(change) if change.id == id && change.state == state),
    )
}

/// Each check is found by taking the money before it: an order that goes on was not looked at.
fn margin_checks(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut checks = Vec::new();
    let mut placement = Short::new(inputs)?;
    placement.take()?;
    let preview = placement.world.preview(placement.order)?;
    if preview.reasons.contains(&Reject::Margin) {
        checks.push("placement");
    }
    let pending = is_pending(inputs)?;
    // An order that nobody activates comes no further.
    if pending && inputs.get("activated_by").is_none() {
        return Ok(json!({ "checks": checks }));
    }
    if pending {
        let mut activation = Short::new(inputs)?;
        let id = trade::place(&mut activation.world.desk, activation.order)?;
        activation.take()?;
        let out = activation.world.desk.quote(InstrumentId(TRADED), 9, 9);
        if became(&out, id, OrderState::Rejected) {
            checks.push("activation");
        }
    }
    let mut execution = Short::new(inputs)?;
    let id = trade::place(&mut execution.world.desk, execution.order)?;
    if pending {
        execution.world.desk.quote(InstrumentId(TRADED), 9, 9);
    }
    execution.take()?;
    let out = execution.report(id, BrokerEvent::Accepted)?;
    if became(&out, id, OrderState::Cancelling) {
        checks.push("before_execution");
    }
    Ok(json!({ "checks": checks }))
}

/// The most digits of some amounts.
fn digits_of(inputs: &Inputs<'_>, fields: &[&str]) -> Result<u8, Fault> {
    fields.iter().try_fold(0, |most, field| {
        Ok(most.max(places(inputs.decimal_or(field, Decimal::ZERO)?)))
    })
}

fn free_margin(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let digits = digits_of(inputs, &["balance", "credit", "margin", "floating_pl"])?;
    let mut terms = group(Leverage::ONE);
    terms.free_margin = match inputs.text("floating_mode")? {
        "both" => FreeMargin::Both,
        "none" => FreeMargin::None,
        "profit_only" => FreeMargin::ProfitOnly,
        "loss_only" => FreeMargin::LossOnly,
        other => return Err(Fault::field("floating_mode", format!("{other} is no mode"))),
    };
    let mut world = World::new(digits, &terms)?;
    let mut terms = listed(TRADED, CalcMode::Futures);
    let margin = inputs.scaled_or("margin", digits, 0)?;
    (terms.quote, terms.margin_currency) = (ACC, ACC);
    terms.price_digits = digits;
    terms.margin_fixed = Money(margin.max(1));
    if margin == 0 {
        terms.margin = MarginTerms::FREE;
    }
    let id = terms.id;
    world.desk.list(terms)?;
    let floating = inputs.scaled_or("floating_pl", digits, 0)?;
    let price = floating.abs() + 1;
    world.desk.quote(id, price, price);
    let account = world.account(1, Accounting::Hedging)?;
    world.open(World::order(account, id, Side::Buy, 1), price)?;
    world.desk.quote(id, price + floating, price + floating);
    world.balance(account, inputs.scaled("balance", digits)?)?;
    let credit = inputs.scaled_or("credit", digits, 0)?;
    if credit != 0 {
        world.cash(account, CashKind::Credit, credit)?;
    }
    let free = world.view(account)?.free;
    Ok(json!({ "free_margin": world.money(free) }))
}

/// Positions are free, so the order needs exactly what the example says and money is what is free.
fn open_order_gate(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (position, lots) = (
        inputs.decimal("position_lots_signed")?,
        inputs.decimal("order_lots")?,
    );
    let qty_digits = places(position).max(places(lots));
    let (held, qty) = (
        int("position_lots_signed", position, qty_digits)?,
        int("order_lots", lots, qty_digits)?,
    );
    let digits = digits_of(inputs, &["free_margin", "margin_required"])?;
    let side = side(inputs.text("order_side")?)?;
    let signed_qty = if side == Side::Buy { qty } else { -qty };
    let after = held + signed_qty;
    // An order that turns the position around needs margin for what is left of it, any other one for all of it.
    let turns = held.signum() * signed_qty.signum() < 0;
    let charged = if turns { after.abs() } else { qty };
    let required = inputs.decimal("margin_required")?;
    let mut world = World::new(digits, &group(Leverage::ONE))?;
    let mut terms = world.costing(
        TRADED,
        charged,
        qty_digits,
        int("margin_required", required, 8)?,
    )?;
    (terms.margin.hold_buy, terms.margin.hold_sell) = (Ratio(0), Ratio(0));
    let id = terms.id;
    world.desk.list(terms)?;
    world.desk.quote(id, 1, 1);
    let account = world.account(1, Accounting::Netting)?;
    if held != 0 {
        let (side, qty) = signed(held);
        world.open(World::order(account, id, side, qty), 1)?;
    }
    world.balance(account, inputs.scaled("free_margin", digits)?)?;
    let preview = world.preview(World::order(account, id, side, qty))?;
    let increases = preview.net_after.0.abs() > held.abs();
    let asked = int("margin_required", required, digits)?;
    if increases && preview.margin_order != Money(asked) {
        let asks = crate::shown(preview.margin_order.0.into(), digits);
        return Err(Fault::Other(format!("the machine asks for {asks}")));
    }
    let short = preview.reasons.contains(&Reject::Margin);
    let reason = if short {
        "insufficient_margin"
    } else if !increases {
        "exposure_not_increased"
    } else {
        "sufficient_margin"
    };
    Ok(json!({ "allowed": !short, "reason": reason }))
}
