//! Margin calls: what they block, the client's way back, and what is refused because something is not known.

use super::*;
use serde_json::{Value, json};
use siaga_risk::notice::channels;

/// Carries an example's margin, so that the traded instrument needs none.
const CHARGED: InstrumentId = InstrumentId(2);
const PRICE: i64 = 100;

pub fn gate(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let money_digits = digits(inputs, &["equity", "margin"])?.max(2);
    let digits = digits(inputs, &["net_position", "order_quantity"])?;
    let group = GroupTerms {
        restricted: inputs.percent("block_below_pct")?,
        stop_out_test: LevelTest::Below,
        stop_out_mode: StopOutMode::Observe,
        ..trade::group()
    };
    let mut currencies = currencies();
    currencies[0].digits = money_digits;
    let mut desk = Desk::open(&currencies, &group)?;
    let margin = Money(inputs.scaled("margin", money_digits)?);
    let mut charged = plain(CHARGED, 0, 0);
    if margin > Money(0) {
        charged.mode = CalcMode::Futures;
        charged.margin_fixed = margin;
        (charged.margin_initial, charged.margin_maintenance) = (Ratio::ONE, Ratio::ONE);
    }
    for terms in [plain(TRADED, 0, digits), charged] {
        let id = terms.id;
        desk.list(terms)?;
        desk.quote(id, PRICE, PRICE);
    }
    account(&mut desk, ACCOUNT, Accounting::Netting)?;
    hold(
        &mut desk,
        ACCOUNT,
        inputs.decimal("net_position")?,
        digits,
        PRICE,
    )?;
    if margin > Money(0) {
        trade::open(&mut desk, CHARGED, Side::Buy, 1, PRICE)?;
    }
    let equity = inputs.scaled("equity", money_digits)?;
    cash(&mut desk, ACCOUNT, Money(equity - DEPOSIT.0))?;
    let qty = inputs.scaled("order_quantity", digits)?;
    let asked = trade::order(TRADED, side(inputs, "order_side")?, qty, None);
    let state = desk.account(ACCOUNT)?.state;
    let reasons = preview(&desk, asked)?.reasons;
    // The example asks for the gate; free margin is a check of its own.
    let blocked = reasons
        .iter()
        .any(|reason| matches!(reason, Reject::Restricted | Reject::StoppingOut));
    Ok(json!({
        "in_margin_call": state >= MarginState::Restricted,
        "order_allowed": !blocked,
        "channels": channels(state).iter().map(|channel| channel.name()).collect::<Vec<_>>(),
    }))
}

pub fn login_flow(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let group = GroupTerms {
        restricted: Ratio::percent(50),
        call_flow: CallFlow::Login,
        stop_out_mode: StopOutMode::Observe,
        ..trade::group()
    };
    let mut terms = plain(TRADED, 0, 0);
    (terms.margin_initial, terms.margin_maintenance) = (Ratio(1), Ratio::ONE);
    let mut desk = Desk::open(&currencies(), &group)?;
    desk.list(terms)?;
    desk.quote(TRADED, PRICE, PRICE);
    account(&mut desk, ACCOUNT, Accounting::Hedging)?;
    let position = hold(&mut desk, ACCOUNT, Decimal::from(1_000), 0, PRICE)?;
    let events = inputs.raw().get("events").and_then(Value::as_array);
    let mut steps = Vec::new();
    for event in events.into_iter().flatten() {
        let name = event.as_str().unwrap_or_default();
        let accepted = match name {
            "margin_call" => {
                // Called and funded again: what is left of the call is its steps.
                let before = desk.account(ACCOUNT)?.equity;
                cash(&mut desk, ACCOUNT, Money(1 - before.0))?;
                let called = desk.account(ACCOUNT)?.state >= MarginState::Restricted;
                cash(&mut desk, ACCOUNT, Money(before.0 - 1))?;
                called
            }
            "open_order" => send(&mut desk, trade::order(TRADED, Side::Buy, 1, None)).is_ok(),
            "close_order" => {
                let close = NewOrder {
                    position,
                    ..trade::order(TRADED, Side::Sell, 1, None)
                };
                send(&mut desk, close).is_ok()
            }
            "confirm" => desk.must(Body::ConfirmCall(ACCOUNT)).is_ok(),
            "login" => desk.must(Body::LoggedIn(ACCOUNT)).is_ok(),
            "acknowledge_risk" => desk.must(Body::AcknowledgeRisk(ACCOUNT)).is_ok(),
            other => return Err(Fault::field("events", format!("{other} is no event"))),
        };
        let state = match desk.account(ACCOUNT)?.call {
            CallStep::None => "ACTIVE",
            CallStep::Confirm => "CONFIRMATION_SHOWN",
            CallStep::LoggedOut => "LOGGED_OUT",
            CallStep::Acknowledge => "ACKNOWLEDGEMENT_REQUIRED",
        };
        steps.push(json!({ "state": state, "accepted": accepted }));
    }
    Ok(json!({ "steps": steps }))
}

const PAIR: InstrumentId = InstrumentId(3);
const ELSEWHERE: InstrumentId = InstrumentId(4);
/// Holds nothing in the traded instrument: what stops its order is missing for everybody.
const PROBE: AccountId = AccountId(2);

/// Two accounts trade an instrument in euros and hold another; then prices and rates fall silent as the example has it,
/// and an account's level is lost by a price that nothing can be valued at.
pub fn fail_closed(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (mut desk, position) = traders()?;
    desk.wait(2 * SECOND_NS);
    if inputs.get("price").is_some() {
        desk.quote(TRADED, PRICE, PRICE);
    }
    if inputs.get("conversion_rate").is_some() {
        desk.quote(PAIR, PRICE, PRICE);
    }
    if inputs.get("account_state").is_none() {
        desk.quote(ELSEWHERE, i64::MAX / 8, i64::MAX / 8);
    }
    let open = |account| NewOrder {
        account,
        ..trade::order(TRADED, Side::Buy, 1, None)
    };
    let found = preview(&desk, open(PROBE))?.reasons;
    let asked = match inputs.flag("increases_exposure")? {
        true => open(PROBE),
        false => NewOrder {
            position,
            ..trade::order(TRADED, Side::Sell, 1, None)
        },
    };
    let allowed = send(&mut desk, asked).is_ok();
    let labels = [
        (Reject::PriceUnavailable, "price"),
        (Reject::RateMissing, "conversion_rate"),
        (Reject::LevelUnknown, "account_state"),
    ];
    let missing = labels.iter().filter(|(reason, _)| found.contains(reason));
    let missing: Vec<&str> = missing.map(|(_, label)| *label).collect();
    if missing.len() != found.len() {
        return Err(Fault::Refused(found));
    }
    Ok(json!({ "allowed": allowed, "missing": missing }))
}

fn traders() -> Result<(Desk, Option<PositionId>), Fault> {
    let mut desk = Desk::open(&currencies(), &trade::group())?;
    let silent_soon = |terms: InstrumentTerms| InstrumentTerms {
        quote_age_max_ns: SECOND_NS,
        cache_age_max_ns: SECOND_NS,
        ..terms
    };
    let traded = InstrumentTerms {
        base: EUR,
        quote: EUR,
        margin_currency: EUR,
        ..plain(TRADED, 0, 0)
    };
    let pair = InstrumentTerms {
        class: AssetClass::Forex,
        base: EUR,
        ..plain(PAIR, 0, 0)
    };
    for terms in [
        silent_soon(traded),
        silent_soon(pair),
        plain(ELSEWHERE, 0, 0),
    ] {
        let id = terms.id;
        desk.list(terms)?;
        desk.quote(id, PRICE, PRICE);
    }
    for id in [ACCOUNT, PROBE] {
        account(&mut desk, id, Accounting::Hedging)?;
        let other = NewOrder {
            account: id,
            ..trade::order(ELSEWHERE, Side::Buy, 1, None)
        };
        let other = trade::place(&mut desk, other)?;
        trade::fill(&mut desk, other, 1, PRICE)?;
    }
    let position = hold(&mut desk, ACCOUNT, Decimal::ONE, 0, PRICE)?;
    Ok((desk, position))
}
