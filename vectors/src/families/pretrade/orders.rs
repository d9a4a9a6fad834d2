//! What an order is measured by: bands, limits, rates, repetition.

use super::*;
use crate::desk::START;
use crate::shown;
use serde_json::{Value, json};
use siaga_risk::book::pretrade::band_edge;

/// Digits of the house's currency: those of the limit on value that an example names, cents at least.
const HOUSE_DIGITS: u8 = 2;

pub fn price_band(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let order = inputs.object("order")?;
    // The edges of a band have the digits of price and share together.
    let digits = digits(inputs, &["mark_price"])?
        .saturating_add(digits(inputs, &["band_pct"])? + 2)
        .max(super::digits(&order, &["price"])?);
    let mark = inputs.scaled("mark_price", digits)?;
    let terms = InstrumentTerms {
        price_band: inputs.percent("band_pct")?,
        ..plain(TRADED, digits, 0)
    };
    let edge = |side| {
        band_edge(i128::from(mark) * 2, &terms, side)
            .map(|price| shown(price.0.into(), digits))
            .ok_or_else(|| Fault::field("mark_price", "is too large"))
    };
    let (up, down) = (edge(Side::Buy)?, edge(Side::Sell)?);
    let mut desk = running(&trade::group(), terms, mark, Accounting::Hedging)?;
    let market = order.one_of("type", &[("limit", false), ("market", true)])?;
    let limit = match market {
        true => None,
        false => Some(order.scaled("price", digits)?),
    };
    let sent = send(
        &mut desk,
        trade::order(TRADED, side(&order, "side")?, 1, limit),
    );
    let made = sent
        .as_ref()
        .ok()
        .and_then(|id| desk.machine.book().order(*id));
    let assigned = made
        .filter(|_| market)
        .and_then(|made| made.order.price)
        .map(|price| shown(price.0.into(), digits));
    Ok(json!({
        "limit_down": down,
        "limit_up": up,
        "accepted": sent.is_ok(),
        "assigned_limit": assigned,
    }))
}

pub fn limits(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    const LABELS: [(Reject, &str); 5] = [
        (Reject::QtyMax, "MAX_QUANTITY"),
        (Reject::NotionalMax, "MAX_NOTIONAL"),
        (Reject::PriceCollar, "PRICE_COLLAR"),
        (Reject::QtyStep, "LOT_STEP"),
        (Reject::PriceTick, "TICK_SIZE"),
    ];
    let price_digits = digits(inputs, &["price", "reference_price", "tick_size"])?;
    let qty_digits = digits(inputs, &["quantity", "max_quantity", "lot_step"])?;
    let contract_digits = digits(inputs, &["contract_size"])?;
    let mut terms = plain(TRADED, price_digits, qty_digits);
    terms.contract_digits = contract_digits;
    terms.contract_size = inputs.scaled_or("contract_size", contract_digits, 1)?;
    terms.qty_max = Qty(inputs.scaled_or("max_quantity", qty_digits, terms.qty_max.0)?);
    terms.qty_step = Qty(inputs.scaled_or("lot_step", qty_digits, 1)?);
    terms.tick = Price(inputs.scaled_or("tick_size", price_digits, 1)?);
    let house_digits = digits(inputs, &["max_notional"])?.max(HOUSE_DIGITS);
    terms.notional_max = Money(inputs.scaled_or("max_notional", house_digits, 0)?);
    if inputs.get("collar_pct").is_some() {
        terms.collar = inputs.percent("collar_pct")?;
    }
    let price = inputs.scaled("price", price_digits)?;
    let reference = inputs.scaled_or("reference_price", price_digits, price)?;
    let mut currencies = currencies();
    currencies[0].digits = house_digits;
    let mut desk = Desk::open(&currencies, &trade::group())?;
    desk.list(terms)?;
    desk.quote(TRADED, reference, reference);
    account(&mut desk, ACCOUNT, Accounting::Hedging)?;
    let qty = inputs.scaled("quantity", qty_digits)?;
    let reasons = send(&mut desk, trade::order(TRADED, Side::Buy, qty, Some(price)))
        .err()
        .unwrap_or_default();
    let named = LABELS.iter().filter(|(reason, _)| reasons.contains(reason));
    let labels: Vec<&str> = named.map(|(_, label)| *label).collect();
    if labels.len() != reasons.len() {
        return Err(Fault::Refused(reasons));
    }
    Ok(json!({ "accepted": labels.is_empty(), "reasons": labels }))
}

pub fn message_rate(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let group = GroupTerms {
        rate_max: u32::try_from(inputs.integer("max_messages")?)
            .map_err(|_| Fault::field("max_messages", "is no count"))?,
        rate_window_ns: at(inputs, "window_ms")?,
        ..trade::group()
    };
    let mut desk = running(&group, plain(TRADED, 0, 0), 100, Accounting::Hedging)?;
    let position = hold(&mut desk, ACCOUNT, Decimal::ONE, 0, 100)?
        .ok_or_else(|| Fault::Other("no position was opened".into()))?;
    // An order for every cancel waits in the core, placed before anything counts.
    let messages = inputs.list("messages")?;
    let mut waiting = Vec::new();
    for message in &messages {
        desk.wait(group.rate_window_ns.max(1));
        if message.text("kind")? == "cancel" {
            waiting.push(trade::place(
                &mut desk,
                trade::order(TRADED, Side::Buy, 1, Some(50)),
            )?);
        }
    }
    desk.wait(group.rate_window_ns.max(1));
    let start = desk.now;
    let mut decisions = Vec::new();
    for (count, message) in messages.iter().enumerate() {
        desk.now = start.plus(at(message, "t_ms")?);
        let done = match message.text("kind")? {
            "submit" => {
                let limit = Some(50 - count as i64 % 40);
                trade::place(&mut desk, trade::order(TRADED, Side::Buy, 1, limit)).map(|_| ())
            }
            "modify" => {
                let protection = Protection {
                    stop_loss: Some(Price(1 + count as i64 % 90)),
                    take_profit: None,
                    trailing: Price(0),
                };
                let body = Body::Protect(Protect {
                    account: ACCOUNT,
                    position,
                    protection,
                });
                desk.must(body).map(|_| ())
            }
            "cancel" => {
                let body = Body::Cancel(Cancel {
                    account: ACCOUNT,
                    order: waiting.remove(0),
                });
                desk.must(body).map(|_| ())
            }
            other => return Err(Fault::field("kind", format!("{other} is no message"))),
        };
        decisions.push(match done {
            Ok(()) => "pass",
            Err(Fault::Refused(reasons)) if reasons == [Reject::OrderRate] => "refuse",
            Err(fault) => return Err(fault),
        });
    }
    Ok(json!({ "decisions": decisions }))
}

pub fn duplicates(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let orders = inputs.list("orders")?;
    let (mut price_digits, mut qty_digits) = (0, 0);
    let (mut accounts, mut symbols) = (Vec::new(), Vec::new());
    for order in &orders {
        price_digits = price_digits.max(digits(order, &["price"])?);
        qty_digits = qty_digits.max(digits(order, &["quantity"])?);
        number(&mut accounts, order.text("account")?);
        number(&mut symbols, order.text("symbol")?);
    }
    let group = GroupTerms {
        duplicate_window_ns: at(inputs, "window_ms")?,
        ..trade::group()
    };
    let mut desk = Desk::open(&currencies(), &group)?;
    for symbol in 1..=symbols.len() as u32 {
        desk.list(plain(InstrumentId(symbol), price_digits, qty_digits))?;
        desk.quote(InstrumentId(symbol), 1, 1);
    }
    for id in 1..=accounts.len() as u32 {
        account(&mut desk, AccountId(id), Accounting::Hedging)?;
    }
    let mut decisions = Vec::new();
    for order in &orders {
        desk.now = START.plus(at(order, "t_ms")?);
        let limit = match order.get("price") {
            Some(_) => Some(order.scaled("price", price_digits)?),
            None => None,
        };
        let instrument = InstrumentId(number(&mut symbols, order.text("symbol")?));
        let qty = order.scaled("quantity", qty_digits)?;
        let asked = NewOrder {
            account: AccountId(number(&mut accounts, order.text("account")?)),
            ..trade::order(instrument, side(order, "side")?, qty, limit)
        };
        decisions.push(match send(&mut desk, asked) {
            Ok(_) => "pass",
            Err(reasons) if reasons == [Reject::Duplicate] => "duplicate",
            Err(reasons) => return Err(Fault::Refused(reasons)),
        });
    }
    Ok(json!({ "decisions": decisions }))
}

/// The number of a name, from 1 in the order in which names appear.
pub fn number(names: &mut Vec<String>, name: &str) -> u32 {
    let at = names.iter().position(|known| known == name);
    let at = at.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    at as u32 + 1
}

pub fn repeated_execution(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    const STRATEGY: u32 = 1;
    let window = match inputs.get("window_ms") {
        Some(_) => at(inputs, "window_ms")?,
        None => 0,
    };
    let group = GroupTerms {
        throttle: ThrottleTerms {
            executions_max: u32::try_from(inputs.integer("max_executions")?)
                .map_err(|_| Fault::field("max_executions", "is no count"))?,
            window_ns: window,
        },
        ..trade::group()
    };
    let mut desk = running(&group, plain(TRADED, 0, 0), 100, Accounting::Netting)?;
    let mut people = Vec::new();
    let mut results = Vec::new();
    for event in inputs.list("events")? {
        if event.get("t_ms").is_some() {
            desk.now = START.plus(at(&event, "t_ms")?);
        }
        results.push(match event.text("event")? {
            "execute" => {
                let order = NewOrder {
                    strategy: STRATEGY,
                    ..trade::order(TRADED, Side::Buy, 1, None)
                };
                match send(&mut desk, order) {
                    Ok(order) => {
                        let out = trade::fill(&mut desk, order, 1, 100)?;
                        let latched = out
                            .iter()
                            .any(|output| matches!(output, Output::Throttle(change) if change.on));
                        if latched {
                            "executed_then_disabled"
                        } else {
                            "executed"
                        }
                    }
                    Err(reasons) if reasons == [Reject::RepeatedExecution] => "refused",
                    Err(reasons) => return Err(Fault::Refused(reasons)),
                }
            }
            "reenable" => {
                let by = match event.text_or("by", "")?.trim() {
                    "" => 0,
                    name => number(&mut people, name),
                };
                let ts = desk.now;
                let out = desk.put(&Input::Command(Box::new(Command {
                    ts,
                    actor: ActorId(by),
                    token: 1,
                    body: Body::Reenable(Reenable {
                        scope: Scope::Strategy(STRATEGY),
                        note: 0,
                    }),
                })));
                match crate::desk::refusal(&out) {
                    None => "reenabled",
                    Some(reasons) if reasons == [Reject::PersonMissing] => "refused",
                    Some(reasons) => return Err(Fault::Refused(reasons)),
                }
            }
            other => return Err(Fault::field("event", format!("{other} is no event"))),
        });
    }
    Ok(json!({ "results": results }))
}
