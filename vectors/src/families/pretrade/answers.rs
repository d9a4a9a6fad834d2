//! What a risk alert owes, and what becomes of an order whose answer is not known.

use super::*;
use serde_json::{Value, json};
use siaga_risk::notice::latency;

const PRICE: i64 = 100;

pub fn alert_latency(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (event, sent) = (at(inputs, "event_ms")?, at(inputs, "alert_sent_ms")?);
    let taken = latency(Ts(event), Ts(sent), at(inputs, "budget_ms")?);
    Ok(json!({
        "latency_ms": taken.ns / MILLISECOND_NS,
        "within_budget": taken.is_in_time,
    }))
}

pub fn resolution(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let terms = plain(TRADED, 0, 0);
    let mut desk = running(&trade::group(), terms, PRICE, Accounting::Netting)?;
    let id = trade::place(&mut desk, trade::order(TRADED, Side::Buy, 10, Some(PRICE)))?;
    become_local(&mut desk, id, inputs.text("local_state")?)?;
    let venue = inputs.text("venue_state")?;
    for event in said(&desk, id, venue)? {
        if event == BrokerEvent::InDoubt {
            // Silence: the core's own time is over, and the router has nothing to say.
            desk.wait(MINUTE_NS);
        }
        // What has ended is not opened again, so the refusal of such a report changes nothing.
        match report(&mut desk, id, event) {
            Ok(_) => {}
            Err(Fault::Refused(reasons)) if reasons == [Reject::OrderFinal] => {}
            Err(fault) => return Err(fault),
        }
    }
    let state = desk.machine.book().order(id).map(|order| order.state);
    let resolved = match state {
        Some(OrderState::InDoubt) => "IN_DOUBT",
        Some(OrderState::Submitted) => "SUBMITTED",
        Some(OrderState::Working) => "ACCEPTED",
        Some(OrderState::PartlyFilled) => "PARTIALLY_FILLED",
        Some(OrderState::Filled) => "FILLED",
        Some(OrderState::Cancelled) => "CANCELED",
        Some(OrderState::Rejected) => "REJECTED",
        Some(OrderState::Expired) => "EXPIRED",
        Some(OrderState::Cancelling) => "PENDING_CANCEL",
        other => return Err(Fault::Other(format!("the order is {other:?}"))),
    };
    Ok(json!({ "resolved": resolved }))
}

/// What is reported of an order that the venue has in this state. A venue is asked about an order only when it has not
/// answered for too long, so its answer is that to an order in doubt.
fn said(desk: &Desk, id: OrderId, venue: &str) -> Result<Vec<BrokerEvent>, Fault> {
    let order = desk.machine.book().order(id);
    let order = order.ok_or_else(|| Fault::Other("the order is gone".into()))?;
    let (filled_qty, left) = (order.filled.0, order.remaining().0);
    Ok(match venue {
        "no_response" => vec![BrokerEvent::InDoubt],
        "not_found" => vec![BrokerEvent::Unknown],
        "SUBMITTED" | "ACCEPTED" => vec![BrokerEvent::InDoubt, BrokerEvent::Accepted],
        // A cancel that the venue still works on is not yet answered.
        "PENDING_CANCEL" if order.state == OrderState::Cancelling => Vec::new(),
        "PARTIALLY_FILLED" if filled_qty > 0 => {
            vec![BrokerEvent::InDoubt, BrokerEvent::Accepted]
        }
        "PARTIALLY_FILLED" => vec![BrokerEvent::InDoubt, filled(1), BrokerEvent::Accepted],
        // Executions that are known are not reported again.
        "FILLED" if left == 0 => Vec::new(),
        "FILLED" => vec![filled(left)],
        "CANCELED" | "CANCELLED" => vec![BrokerEvent::Cancelled],
        "REJECTED" => vec![BrokerEvent::Rejected(1)],
        "EXPIRED" => vec![BrokerEvent::Expired],
        other => {
            let text = format!("{other} is no state that the machine is told of");
            return Err(Fault::field("venue_state", text));
        }
    })
}

fn become_local(desk: &mut Desk, id: OrderId, local: &str) -> Result<(), Fault> {
    if local != "SUBMITTED" {
        report(desk, id, BrokerEvent::Accepted)?;
    }
    match local {
        // An order is not changed in place: one whose change is on its way works as it was.
        "SUBMITTED" | "ACCEPTED" | "PENDING_UPDATE" => {}
        "PARTIALLY_FILLED" => {
            report(desk, id, filled(1))?;
        }
        "PENDING_CANCEL" => {
            desk.must(Body::Cancel(Cancel {
                account: ACCOUNT,
                order: id,
            }))?;
        }
        "FILLED" => {
            report(desk, id, filled(10))?;
        }
        "CANCELED" | "CANCELLED" => {
            report(desk, id, BrokerEvent::Cancelled)?;
        }
        "REJECTED" => {
            report(desk, id, BrokerEvent::Rejected(1))?;
        }
        "EXPIRED" => {
            report(desk, id, BrokerEvent::Expired)?;
        }
        other => return Err(Fault::field("local_state", format!("{other} is no state"))),
    }
    Ok(())
}

fn filled(qty: i64) -> BrokerEvent {
    BrokerEvent::Filled(Fill {
        qty: Qty(qty),
        price: Price(PRICE),
        commission: Money(0),
    })
}

fn report(desk: &mut Desk, order: OrderId, event: BrokerEvent) -> Result<Vec<Output>, Fault> {
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order,
        exec: ExecId::default(),
        event,
    }))
}
