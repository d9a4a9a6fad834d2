//! Checks before an order goes out, switches of the desk, margin calls, and what becomes of unanswered orders.

mod answers;
mod calls;
mod orders;
mod switches;

use super::{Calc, trade};
use crate::desk::{ACCOUNT, Desk, EUR, GROUP, LINK, USD};
use crate::{Fault, Inputs, scaled};
use rust_decimal::Decimal;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::{Reasons, Reject};
use siaga_risk::view::{Ask, PreviewView, Query, View};

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "price_band_order" => orders::price_band,
        "order_limits" => orders::limits,
        "message_rate" => orders::message_rate,
        "duplicate_order" => orders::duplicates,
        "repeated_execution" => orders::repeated_execution,
        "trading_state" => switches::trading_state,
        "kill_switch" => switches::kill_switch,
        "broker_down_gate" => switches::broker_down,
        "high_volatility_mode" => switches::high_volatility,
        "margin_call_gate" => calls::gate,
        "margin_call_login_flow" => calls::login_flow,
        "fail_closed" => calls::fail_closed,
        "alert_latency" => answers::alert_latency,
        "order_state_resolution" => answers::resolution,
        _ => return None,
    })
}

/// The instrument of an example.
const TRADED: InstrumentId = InstrumentId(1);
const MILLISECOND_NS: u64 = 1_000_000;
/// More than any example asks for.
const DEPOSIT: Money = Money(1_000_000_000_000_000);
/// Longer than any example lasts.
const LONG_NS: u64 = 300 * DAY_NS;

/// US dollars with two digits as the house's currency, euros beside them.
fn currencies() -> [CurrencyTerms; 2] {
    [
        CurrencyTerms {
            id: USD,
            digits: 2,
            pivot: 1,
        },
        CurrencyTerms {
            id: EUR,
            digits: 2,
            pivot: 2,
        },
    ]
}

/// An instrument that needs no margin, never halts and has no limits, one unit a lot, in dollars.
fn plain(id: InstrumentId, price_digits: u8, qty_digits: u8) -> InstrumentTerms {
    let mut terms = InstrumentTerms::of_class(id, AssetClass::Index, USD, USD, price_digits);
    terms.qty_digits = qty_digits;
    terms.qty_max = Qty(i64::MAX / 4);
    // As little as the terms allow: it rounds to nothing.
    terms.margin_initial = Ratio(1);
    terms.margin_maintenance = Ratio(1);
    terms.quote_age_max_ns = LONG_NS;
    terms.cache_age_max_ns = LONG_NS;
    (terms.halt.alert, terms.halt.halt) = (Ratio(0), Ratio(0));
    terms
}

fn account(desk: &mut Desk, id: AccountId, accounting: Accounting) -> Result<(), Fault> {
    desk.must(Body::Account(AccountTerms {
        id,
        group: GROUP,
        link: LINK,
        currency: USD,
        accounting,
        leverage: Leverage::NONE,
    }))?;
    cash(desk, id, DEPOSIT)
}

fn cash(desk: &mut Desk, account: AccountId, amount: Money) -> Result<(), Fault> {
    if amount != Money(0) {
        desk.must(Body::Cash(Cash {
            account,
            kind: CashKind::Correction,
            amount,
            reference: 0,
        }))?;
    }
    Ok(())
}

/// A running desk with one plain instrument at a price and the example's account.
fn running(
    group: &GroupTerms,
    terms: InstrumentTerms,
    price: i64,
    accounting: Accounting,
) -> Result<Desk, Fault> {
    let mut desk = Desk::open(&currencies(), group)?;
    desk.list(terms)?;
    desk.quote(TRADED, price, price);
    account(&mut desk, ACCOUNT, accounting)?;
    Ok(desk)
}

/// Most digits that any of the fields is written with.
fn digits(inputs: &Inputs<'_>, fields: &[&str]) -> Result<u8, Fault> {
    let mut most = 0;
    for field in fields {
        let value = inputs.decimal_or(field, Decimal::ZERO)?;
        most = most.max(value.normalize().scale() as u8);
    }
    Ok(most)
}

fn side(inputs: &Inputs<'_>, field: &str) -> Result<Side, Fault> {
    match inputs.text(field)?.to_ascii_lowercase().as_str() {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(Fault::field(field, format!("{other} is no side"))),
    }
}

/// Milliseconds after the desk's start.
fn at(inputs: &Inputs<'_>, field: &str) -> Result<u64, Fault> {
    let ms = inputs.integer(field)?;
    u64::try_from(ms)
        .ok()
        .and_then(|ms| ms.checked_mul(MILLISECOND_NS))
        .ok_or_else(|| Fault::field(field, "is no time"))
}

/// Opens a position of the size and side of a signed decimal; none for zero.
fn hold(
    desk: &mut Desk,
    account: AccountId,
    net: Decimal,
    digits: u8,
    price: i64,
) -> Result<Option<PositionId>, Fault> {
    if net.is_zero() {
        return Ok(None);
    }
    let side = if net > Decimal::ZERO {
        Side::Buy
    } else {
        Side::Sell
    };
    let qty = scaled(net.abs(), digits).map_err(|reason| Fault::field("net_position", reason))?;
    let order = NewOrder {
        account,
        ..trade::order(TRADED, side, qty, None)
    };
    let order = trade::place(desk, order)?;
    Ok(opened(&trade::fill(desk, order, qty, price)?))
}

/// The position that a fill opened.
fn opened(out: &[Output]) -> Option<PositionId> {
    out.iter().find_map(|output| match output {
        Output::Position(change) => Some(change.id),
        _ => None,
    })
}

/// What the machine would say of an order.
fn preview(desk: &Desk, order: NewOrder) -> Result<PreviewView, Fault> {
    let ask = Ask {
        token: 0,
        query: Query::Preview(Box::new(order)),
    };
    match desk.machine.ask(&ask).view {
        View::Preview(view) => Ok(*view),
        _ => Err(Fault::Other("no such account".into())),
    }
}

/// Sends an order: its id, or the machine's reasons against it.
fn send(desk: &mut Desk, order: NewOrder) -> Result<OrderId, Reasons> {
    trade::place(desk, order).map_err(|fault| match fault {
        Fault::Refused(reasons) => reasons,
        _ => vec![Reject::Busy],
    })
}
