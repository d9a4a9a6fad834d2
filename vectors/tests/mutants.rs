//! A rule changed on purpose must be noticed twice: by a published example, and by a scenario of the machine.

#[path = "mutants/scenarios.rs"]
mod scenarios;

use serde_json::{Value, json};
use siaga_risk::mutation::{Mutation, with};
use siaga_vectors::{Vector, run_one};

/// An example holds as it is, and fails under the change.
fn notices(mutation: Mutation, inputs: &Value, expect: &Value) {
    let vector = Vector {
        id: format!("mutants.{mutation:?}"),
        family: "mutants".into(),
        rule: String::new(),
        inputs: inputs.clone(),
        expect: expect.clone(),
    };
    let report = run_one(&vector);
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    let changed = with(mutation, || run_one(&vector));
    assert_eq!(changed.failed, 1, "{mutation:?} goes unnoticed");
}

#[test]
fn a_tie_that_goes_down() {
    let inputs = json!({
        "calc": "position_margin", "calc_mode": "CFD_LEVERAGE", "side": "buy", "lots": "10", "contract_size": "125000",
        "leverage": "500", "bid": "1.11703", "ask": "1.11705", "margin_currency": "USD", "account_currency": "USD",
        "margin_rate": "1", "account_digits": 2,
    });
    notices(Mutation::TiesDown, &inputs, &json!({ "margin": "2792.63" }));
}

#[test]
fn a_conversion_on_the_other_side() {
    let inputs = json!({
        "calc": "position_margin", "calc_mode": "FOREX", "side": "buy", "lots": "1", "contract_size": "100000",
        "leverage": "100", "margin_currency": "EUR", "account_currency": "USD",
        "conversion": { "pair": "EURUSD", "quoted": "account_per_margin", "bid": "1.2788", "ask": "1.2790" },
        "margin_rate": "1", "account_digits": 2,
    });
    notices(
        Mutation::MarginOtherSide,
        &inputs,
        &json!({ "margin": "1279.00" }),
    );
}

#[test]
fn a_comparison_without_its_equality() {
    let inputs = json!({
        "calc": "open_order_gate", "position_lots_signed": "0", "order_side": "buy", "order_lots": "1",
        "free_margin": "1000", "margin_required": "1000",
    });
    let expect = json!({ "allowed": true, "reason": "sufficient_margin" });
    notices(Mutation::MarginExclusive, &inputs, &expect);
}

#[test]
fn orders_in_flight_for_nothing() {
    let inputs = json!({
        "calc": "started_orders", "position_lots_signed": "-0.02", "started_orders": [{ "side": "sell", "lots": "0.03" }],
        "contract_size": "100000", "leverage": "300", "account_digits": 2,
    });
    notices(
        Mutation::FlightFree,
        &inputs,
        &json!({ "margin_while_started": "16.67" }),
    );
}

#[test]
fn a_band_that_ends_too_early() {
    let inputs = json!({
        "calc": "trade_bands", "contract_size": "100000", "bands": [{ "to": "5", "leverage": "2000" }, { "to": null, "leverage": "1000" }],
        "trades": [{ "lots": "5", "price": "1.37615" }], "rounding_stage": "total", "account_digits": 2,
    });
    notices(Mutation::BandEnds, &inputs, &json!({ "margin": "344.04" }));
}

#[test]
fn a_stop_out_that_needs_less_than_its_level() {
    let inputs = json!({
        "calc": "mt5_stop_out", "account_kind": "real", "accounting": "hedging", "balance": "800", "level_type": "percent",
        "stop_out_level": "50", "positions": [
            { "id": "a", "symbol": "EURUSD", "lots": "1", "profit": "-200", "margin": "600" },
            { "id": "b", "symbol": "EURUSD", "lots": "1", "profit": "-100", "margin": "400" },
        ],
    });
    notices(
        Mutation::StopOutExclusive,
        &inputs,
        &json!({ "triggered": true }),
    );
}

#[test]
fn a_liquidation_at_equality() {
    let inputs = json!({
        "calc": "dydx_is_liquidatable", "net_collateral": "100", "maintenance_requirement": "100",
    });
    notices(
        Mutation::LiquidationInclusive,
        &inputs,
        &json!({ "liquidatable": false }),
    );
}

#[test]
fn a_swap_on_the_other_side() {
    let inputs = json!({
        "calc": "swap_money", "swap_per_lot": "-4.2", "lots": "20", "swap_currency": "EUR", "account_currency": "USD",
        "conversion": { "bid": "1.0840", "ask": "1.0850" }, "account_digits": 2,
    });
    notices(
        Mutation::SwapOtherSide,
        &inputs,
        &json!({ "swap": "-91.14" }),
    );
}

#[test]
fn a_largest_size_that_is_too_large() {
    let inputs = json!({
        "calc": "order_limits", "quantity": "100", "max_quantity": "100", "price": "1.1", "contract_size": "1",
    });
    notices(
        Mutation::QtyMaxExclusive,
        &inputs,
        &json!({ "accepted": true }),
    );
}
