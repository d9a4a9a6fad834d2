//! Examples that say the same as published ones in other words: other digits, another order, fields left out, larger numbers.

use serde_json::{Value, json};
use siaga_vectors::{Vector, run_one};

#[track_caller]
fn holds(inputs: Value, expect: Value) {
    let report = run_one(&Vector {
        id: "written_otherwise".into(),
        family: "written_otherwise".into(),
        rule: String::new(),
        inputs,
        expect,
    });
    assert_eq!(report.failed, 0, "{:#?}", report.failures);
}

fn stop_out(accounting: &str, balance: &str, positions: Value) -> Value {
    json!({
        "calc": "mt5_stop_out", "account_kind": "real", "accounting": accounting, "balance": balance, "credit": "0",
        "level_type": "percent", "stop_out_level": "50", "pending_orders": [], "positions": positions,
        "stop_out_fully_hedged": false, "compensate_negative_balance": false,
    })
}

#[test]
fn lots_beside_lots_with_more_digits() {
    let position = |id: &str, lots: &str, profit: &str, margin: &str| json!({ "id": id, "symbol": "EURUSD", "lots": lots, "profit": profit, "margin": margin });
    holds(
        stop_out(
            "hedging",
            "1000",
            json!([
                position("a", "1", "-450", "800"),
                position("b", "0.5", "-100", "200")
            ]),
        ),
        json!({
            "triggered": true, "initial_level_pct": "45.00", "final_level_pct": "225.00",
            "actions": [{ "action": "close", "id": "a", "lots": "1" }],
        }),
    );
    // A largest deal that is finer than the lots.
    let mut one = position("a", "3", "-800", "900");
    one["max_deal_lots"] = json!("1.5");
    holds(
        stop_out("netting", "1200", json!([one])),
        json!({ "actions": [{ "action": "close", "id": "a", "lots": "1.5" }], "final_level_pct": "88.89" }),
    );
}

#[test]
fn large_amounts_in_small_lots() {
    let position = |id: &str, lots: &str, profit: &str| json!({ "id": id, "symbol": id, "lots": lots, "profit": profit, "margin": "100000000000" });
    holds(
        stop_out(
            "hedging",
            "125000000000",
            json!([
                position("a", "100", "-100000000000"),
                position("b", "1.5", "-10")
            ]),
        ),
        // An eighth, then a quarter, then nothing is held.
        json!({
            "triggered": true, "initial_level_pct": "12.50", "balance": "24999999990", "final_level_pct": null,
            "actions": [
                { "action": "close", "id": "a", "lots": "100" }, { "action": "close", "id": "b", "lots": "1.5" },
            ],
        }),
    );
}

/// The result is rounded first, and the rounded one is gone on with.
#[test]
fn results_that_end_on_half_a_cent() {
    holds(
        json!({
            "calc": "oanda_v20", "balance": "65127.33", "units": "-63000", "open_price": "0.89030", "bid": "1.00168",
            "ask": "1.01443", "margin_rate_pct": "20", "account_digits": 2,
        }),
        json!({ "unrealised_pl": "-7418.57", "nav": "57708.76" }),
    );
    holds(
        json!({
            "calc": "oanda_one", "balance": "1000.00", "units": "1", "open_price": "100.005", "bid": "100.000",
            "margin_rate_pct": "5", "account_digits": 2,
        }),
        json!({ "unrealised_pl": "-0.01", "equity": "999.99", "free_margin": "994.99" }),
    );
}

#[test]
fn quotes_over_midnight() {
    let tick = |time: &str| json!({ "time": time, "bid": "1.1", "ask": "1.1002" });
    let times = ["23:59:58", "23:59:59", "00:00:00", "00:00:59"];
    holds(
        json!({ "calc": "same_quote_filter", "ticks": times.map(tick) }),
        json!({ "accepted": [true, false, true, false] }),
    );
}

#[test]
fn the_first_quote_is_the_level() {
    let tick = |bid: &str, ask: &str| json!({ "bid": bid, "ask": ask });
    holds(
        json!({
            "calc": "level_filter", "point_size": "0.00001", "soft_points": "150", "hard_points": "0", "discard_points": "0",
            "confirmations": 3, "last_quote": null, "ticks": [tick("1.5", "1.5002"), tick("1.51", "1.5102")],
        }),
        json!({
            "decisions": [{ "bid": "accept", "ask": "accept" }, { "bid": "drop", "ask": "drop" }],
            "level": { "bid": "1.5", "ask": "1.5002" },
        }),
    );
}

#[test]
fn trades_in_any_order() {
    let trade = |at: i64, price: &str| json!({ "t_s": at, "price": price });
    holds(
        json!({
            "calc": "luld_reference_price", "now_s": 1000, "current_reference": "100", "reference_effective_at_s": 900,
            "trades": [trade(990, "101"), trade(900, "103"), trade(600, "500")],
        }),
        json!({ "mean": "102", "reference_price": "102", "updated": true }),
    );
    holds(
        json!({
            "calc": "dcb_limits", "trades": [trade(900, "1"), trade(100, "3")], "now_s": 3500, "window_s": 3000,
            "variant": "157.5",
        }),
        json!({ "window_low": "1", "window_high": "1", "upper_limit": "158.5", "lower_limit": "-156.5" }),
    );
}

#[test]
fn prices_below_zero() {
    holds(
        json!({
            "calc": "spread_filter", "bid": "-37.63", "ask": "-37.60", "point_size": "0.01", "min_spread_points": "0",
            "max_spread_points": "10",
        }),
        json!({ "spread_points": "3", "accepted": true }),
    );
    holds(
        json!({
            "calc": "confirmed_halt", "reference_price": "-37", "threshold_pct": "10", "confirmations": 2,
            "observations": ["-41", "-41", "-30"],
        }),
        json!({ "states": ["ALERT", "HALT", "HALT"] }),
    );
}

#[test]
fn closes_with_many_digits() {
    let scaled = |prices: [&str; 3]| json!({ "calc": "ewma_series", "closes": prices, "lambda": "0.94", "result_digits": 6 });
    let answer = |inputs: Value| {
        siaga_vectors::answer(&Vector {
            id: "written_otherwise".into(),
            family: "volatility".into(),
            rule: String::new(),
            inputs,
            expect: json!({}),
        })
        .unwrap()
    };
    let coarse = answer(scaled(["132565", "132600", "132511"]));
    let fine = answer(scaled(["0.0000132565", "0.00001326", "0.0000132511"]));
    assert_eq!(coarse, fine);
}

#[test]
fn a_stop_limit_order_is_charged_at_its_limit() {
    holds(
        json!({
            "calc": "forts_futures", "position": { "side": "buy", "lots": "3", "open_price": "73640" },
            "orders": [{ "type": "buy_stop_limit", "lots": "2", "price": "74200", "stop_limit_price": "73900" }],
            "settlement_price": "73638", "day_high": "75000", "day_low": "72500", "initial_margin_buy": "7665.41",
            "initial_margin_sell": "7739.59", "tick_value": "1", "tick_size": "1", "margin_currency_rate_pct": "0",
            "account_digits": 2,
        }),
        json!({ "margin": "38857.05" }),
    );
}

#[test]
fn what_is_left_out_is_neutral() {
    let bands = json!([{ "to": "150000", "ratio": "1" }, { "to": null, "ratio": "4" }]);
    holds(
        json!({
            "calc": "notional_bands_converted", "lots": "2", "contract_size": "100000", "leverage": "200", "bands": bands,
            "account_digits": 2,
        }),
        json!({ "margin": "1750.00" }),
    );
    holds(
        json!({ "calc": "binance_maintenance_amount_step", "bracket_floor": "5000", "rate": "0.01", "previous_rate": "0.0065" }),
        json!({ "maintenance_amount": "17.5" }),
    );
    holds(
        json!({
            "calc": "hedged_fixed", "initial_margin_per_lot": "100", "maintenance_margin_per_lot": "50",
            "hedge_margin_per_lot": "20", "position_lots": "1", "opposite_order_lots": "0",
        }),
        json!({ "required_to_open": "50", "after_fill": "50" }),
    );
}

#[test]
fn amounts_beyond_one_fill() {
    holds(
        json!({
            "calc": "dydx_initial_margin", "initial_margin_ppm": 200_000, "notional": "1500000000000000", "open_interest": 0,
            "oi_lower_cap": 0, "oi_upper_cap": 0,
        }),
        json!({ "initial_margin": "300000000000000" }),
    );
    holds(
        json!({ "calc": "dydx_collateralised", "net_collateral": "150000000.1234567", "requirement": "150000000.1234568" }),
        json!({ "meets_requirement": false }),
    );
    let future = |kind: &str, quantity: &str, multiplier: &str| {
        json!({
            "calc": "crypto_future_margin", "kind": kind, "quantity": quantity, "contract_multiplier": multiplier, "price": "16000",
            "leverage": "1",
        })
    };
    holds(
        future("linear", "6000", "1"),
        json!({ "margin_quote": "96000000" }),
    );
    holds(
        future("coin_margined", "1000000", "100"),
        json!({ "margin_quote": "100000000", "margin_coin": "6250" }),
    );
    holds(
        json!({
            "calc": "deribit_linear_margin", "position_size": "5000", "index_price": "100000", "im_base_pct": "2",
            "mm_base_pct": "1", "size_slope_pct": "0.005",
        }),
        json!({ "initial_margin": "135000000", "maintenance_margin": "130000000" }),
    );
}
