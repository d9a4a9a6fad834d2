//! Examples that no publisher printed: the other sides of what they print, and what an adapter must not pass over.

use serde_json::{Value, json};
use siaga_vectors::{Vector, run_one};

fn vector(inputs: Value, expect: Value) -> Vector {
    Vector {
        id: "unpublished".into(),
        family: "unpublished".into(),
        rule: String::new(),
        inputs,
        expect,
    }
}

#[track_caller]
fn holds(inputs: Value, expect: Value) {
    let report = run_one(&vector(inputs, expect));
    assert_eq!(report.failed, 0, "{:#?}", report.failures);
}

/// The example cannot be run, and says why.
#[track_caller]
fn refused(inputs: Value, why: &str) {
    let fault = siaga_vectors::answer(&vector(inputs, json!({}))).expect_err("a fault");
    assert_eq!(fault.to_string(), why);
}

/// An order in the direction of the position is charged whole, one that turns it around for what is left of it.
#[test]
fn open_order_gate() {
    let gate = |position: &str, side: &str, lots: &str, free: &str, required: &str| {
        json!({
            "calc": "open_order_gate", "position_lots_signed": position, "order_side": side, "order_lots": lots,
            "free_margin": free, "margin_required": required,
        })
    };
    let short = || json!({ "allowed": false, "reason": "insufficient_margin" });
    let enough = || json!({ "allowed": true, "reason": "sufficient_margin" });
    holds(gate("2", "buy", "1", "500", "1000"), short());
    holds(gate("2", "buy", "1", "1000", "1000"), enough());
    holds(gate("-0.3", "sell", "0.7", "999.99", "1000"), short());
    holds(gate("-0.3", "sell", "0.7", "1000", "1000"), enough());
    holds(gate("2", "sell", "5", "999.99", "1000"), short());
    holds(gate("2", "sell", "5", "1000", "1000"), enough());
    holds(gate("0", "buy", "101.01", "1000", "1000.01"), short());
    holds(gate("0", "buy", "101.01", "1000.01", "1000.01"), enough());
    holds(gate("0", "buy", "1", "-5", "0"), short());
    holds(
        gate("2", "sell", "4", "-350", "1000"),
        json!({ "allowed": true, "reason": "exposure_not_increased" }),
    );
}

/// A leverage divides exactly, whatever is behind its point, and beyond ten thousand.
#[test]
fn leverage_with_a_point() {
    let margin = |leverage: &str| {
        json!({
            "calc": "position_margin", "calc_mode": "FOREX", "side": "buy", "lots": "1", "contract_size": "100000",
            "leverage": leverage, "margin_currency": "EUR", "account_currency": "EUR", "account_digits": 2,
        })
    };
    for (leverage, base, rounded) in [
        ("33.33", "3000.300030003", "3000.30"),
        ("1:2.5", "40000", "40000.00"),
        ("1", "100000", "100000.00"),
        ("200000", "0.5", "0.50"),
    ] {
        holds(
            margin(leverage),
            json!({ "base_margin": base, "margin": rounded }),
        );
    }
    refused(margin("0"), "field leverage: is no leverage");
    // Below one it would ask for more than the whole value.
    refused(margin("0.8"), "the machine refused: terms_invalid");
    let bands = json!([{ "to": "1", "leverage": "33.33" }, { "to": null, "leverage": "2.5" }]);
    holds(
        json!({
            "calc": "trade_bands", "contract_size": "100000", "bands": bands,
            "trades": [{ "lots": "2", "price": "1.0000" }], "rounding_stage": "total", "account_digits": 2,
        }),
        json!({ "margin": "43000.30" }),
    );
    holds(
        json!({
            "calc": "high_volatility_mode", "active": true, "base_margin": "1000.01", "margin_multiplier": "2",
            "opens_position": true, "leverage": "12.5", "account_digits": 2,
        }),
        json!({ "margin_required": "2000.02", "entry_allowed": false }),
    );
}

/// Prices of one book that lie further apart than a halt's threshold: a halt is no part of margin.
#[test]
fn hedged_positions_opened_far_apart() {
    let position =
        |side: &str, price: &str| json!({ "side": side, "lots": "1", "open_price": price });
    holds(
        json!({
            "calc": "hedged_basic", "calc_mode": "CFD_LEVERAGE", "contract_size": "100", "hedged_contract_size": "50",
            "leverage": "20", "conversion": "none", "pending": [], "margin_rates": { "buy": "1", "sell": "1" },
            "positions": [
                position("buy", "1900"), position("buy", "1950"), position("sell", "1960"), position("sell", "1970"),
            ],
        }),
        // Two covered lots of 50 at the mean of 1,945 over 20.
        json!({ "uncovered_lots": "0", "covered_lots": "2", "covered_margin": "9725", "margin": "9725" }),
    );
}

#[test]
fn a_market_order_in_flight_is_part_of_its_leg() {
    holds(
        json!({
            "calc": "hedged_larger_leg", "calc_mode": "FOREX", "contract_size": "100000", "leverage": "100",
            "conversion": "open_price", "margin_rates": {},
            "positions": [{ "side": "sell", "lots": "1", "open_price": "1.2" }],
            "pending": [{ "type": "buy", "lots": "2", "price": "1.2" }],
        }),
        json!({ "long_leg": "2400", "short_leg": "1200", "margin": "2400" }),
    );
}

#[test]
fn bands_over_lots_that_do_not_divide() {
    holds(
        json!({
            "calc": "volume_bands", "bands": [{ "to": "100", "initial_ratio": "1", "maintenance_ratio": "1" },
            { "to": null, "initial_ratio": "2", "maintenance_ratio": "2" }],
            "positions": [{ "symbol": "EURUSD", "lots": "101.01", "margin": "10000" }], "orders": [],
        }),
        // 100 lots at 99.00009900.. and 1.01 lots at twice that.
        json!({ "margin": "10099.99" }),
    );
}

fn stop_out(kind: &str, accounting: &str, balance: &str, positions: Value) -> Value {
    json!({
        "calc": "mt5_stop_out", "account_kind": kind, "accounting": accounting, "balance": balance,
        "level_type": "percent", "stop_out_level": "50", "positions": positions,
    })
}

#[test]
fn only_a_real_netting_account_is_closed_in_deals_of_the_largest_size() {
    let held = || {
        json!([{
            "id": "a", "symbol": "EURUSD", "lots": "50", "profit": "-40000", "margin": "50000", "max_deal_lots": "20",
        }])
    };
    let close = |lots: &str| json!({ "actions": [{ "action": "close", "id": "a", "lots": lots }] });
    holds(stop_out("real", "netting", "60000", held()), close("20"));
    holds(stop_out("demo", "netting", "60000", held()), close("50"));
    holds(stop_out("real", "hedging", "60000", held()), close("50"));
    refused(
        stop_out("contest", "netting", "60000", held()),
        "field account_kind: contest is none of real, demo",
    );
    refused(
        stop_out("real", "both", "60000", held()),
        "field accounting: both is none of hedging, netting",
    );
}

#[test]
fn commission_is_part_of_equity_and_of_no_ranking() {
    let position = |id: &str, profit: &str, commission: &str| {
        json!({
            "id": id, "symbol": "EURUSD", "lots": "1", "profit": profit, "margin": "500", "commission": commission,
        })
    };
    let held = json!([position("a", "-300", "-5"), position("b", "-280", "-90")]);
    holds(
        stop_out("real", "hedging", "1000", held),
        json!({
            "initial_level_pct": "32.50", "actions": [{ "action": "close", "id": "a", "lots": "1" }],
            "balance": "695", "equity": "325", "margin": "500",
        }),
    );
}

#[test]
fn money_has_the_digits_that_it_is_written_with() {
    let held =
        json!([{ "id": "a", "symbol": "EURUSD", "lots": "1", "profit": "-600", "margin": "1000" }]);
    holds(
        stop_out("real", "hedging", "1000.005", held),
        json!({ "initial_level_pct": "40.00", "balance": "400.005", "equity": "400.005", "margin": "0" }),
    );
}

#[test]
fn units_that_are_no_multiple_of_the_step() {
    holds(
        json!({
            "calc": "smart_stop_out", "balance": "800", "leverage": "1", "stop_out_pct": "50", "step_units": "1000",
            "positions": [{ "id": "p1", "units": "1500", "margin_price": "1", "floating_pl": "-100" }],
        }),
        // 700 of 1,500; a step of 1,000 leaves 500.
        json!({
            "triggered": true, "closed": [{ "id": "p1", "units": "1000" }], "balance": "733.33", "margin": "500",
            "level_pct": "140.00",
        }),
    );
}

#[test]
fn compensation_by_what_closed_the_position() {
    let closed = |by: &str| {
        json!({
            "calc": "negative_balance_compensation", "balance_after_close": "-10", "closed_by": by, "enabled": true,
        })
    };
    holds(
        closed("stop_out"),
        json!({ "compensation": "10", "balance": "0" }),
    );
    for by in ["stop_loss", "take_profit", "client"] {
        holds(closed(by), json!({ "compensation": "0", "balance": "-10" }));
    }
    refused(closed("weather"), "field closed_by: weather closes nothing");
}

#[test]
fn orders_by_what_is_known_here_and_at_the_venue() {
    for (local, venue, resolved) in [
        ("PENDING_CANCEL", "ACCEPTED", "ACCEPTED"),
        ("PENDING_CANCEL", "PENDING_CANCEL", "PENDING_CANCEL"),
        ("PENDING_CANCEL", "PARTIALLY_FILLED", "PARTIALLY_FILLED"),
        ("PENDING_CANCEL", "FILLED", "FILLED"),
        ("PENDING_CANCEL", "CANCELED", "CANCELED"),
        ("PENDING_UPDATE", "ACCEPTED", "ACCEPTED"),
        ("PENDING_UPDATE", "not_found", "IN_DOUBT"),
        ("SUBMITTED", "not_found", "IN_DOUBT"),
        ("SUBMITTED", "REJECTED", "REJECTED"),
        ("SUBMITTED", "EXPIRED", "EXPIRED"),
        ("ACCEPTED", "PARTIALLY_FILLED", "PARTIALLY_FILLED"),
        ("PARTIALLY_FILLED", "PARTIALLY_FILLED", "PARTIALLY_FILLED"),
        ("PARTIALLY_FILLED", "FILLED", "FILLED"),
        ("FILLED", "FILLED", "FILLED"),
        ("FILLED", "no_response", "FILLED"),
        ("CANCELED", "CANCELED", "CANCELED"),
        ("EXPIRED", "EXPIRED", "EXPIRED"),
    ] {
        holds(
            json!({ "calc": "order_state_resolution", "local_state": local, "venue_state": venue }),
            json!({ "resolved": resolved }),
        );
    }
    refused(
        json!({ "calc": "order_state_resolution", "local_state": "ACCEPTED", "venue_state": "PENDING_UPDATE" }),
        "field venue_state: PENDING_UPDATE is no state that the machine is told of",
    );
}

#[test]
fn a_kill_switch_for_a_group_in_an_instrument() {
    let order = |id: &str, client: &str, group: &str, symbol: &str| json!({ "id": id, "client": client, "group": group, "symbol": symbol, "remaining": "1" });
    let new = |client: &str, group: &str, symbol: &str| json!({ "client": client, "group": group, "symbol": symbol, "reduces_exposure": false });
    holds(
        json!({
            "calc": "kill_switch", "scope": { "group": "vip", "symbol": "EURUSD" }, "allow_risk_reducing": true,
            "working_orders": [
                order("o1", "C1", "vip", "EURUSD"), order("o2", "C1", "vip", "GBPUSD"),
                order("o3", "C2", "retail", "EURUSD"),
            ],
            "new_orders": [
                new("C1", "vip", "EURUSD"), new("C1", "vip", "GBPUSD"), new("C2", "retail", "EURUSD"),
            ],
        }),
        json!({ "cancelled": ["o1"], "new_orders": ["rejected", "allowed", "allowed"] }),
    );
    refused(
        json!({
            "calc": "kill_switch", "scope": { "colour": "red" }, "allow_risk_reducing": false, "working_orders": [],
            "new_orders": [],
        }),
        "field colour: is no attribute of an order",
    );
}

/// 0.00012345 × 50,001.37 is 6.1726691265, finer than the money of any account.
#[test]
fn an_account_whose_sums_are_finer_than_its_money() {
    let account = |balance: &str| {
        json!({
            "calc": "dydx_account_liquidatable", "quote_balance": balance,
            "positions": [{ "symbol": "BTC", "size": "0.00012345", "oracle_price": "50001.37", "mm_ppm": 100_000 }],
        })
    };
    holds(
        account("-6"),
        json!({
            "net_collateral": "0.1726691265", "maintenance_requirement": "0.61726691265", "liquidatable": true,
        }),
    );
    // Exactly the requirement is safe, a hundred-billionth less is not.
    holds(account("-5.55540221385"), json!({ "liquidatable": false }));
    holds(account("-5.55540221386"), json!({ "liquidatable": true }));
}

#[test]
fn futures_swaps_by_the_ratio_of_a_ticks_value_and_size() {
    let swap = |digits: u8, pct: &str, value: &str, size: &str| {
        json!({
            "calc": "swap_percent", "calc_mode": "FUTURES", "side": "buy", "lots": "1", "contract_size": "100",
            "price": "33", "tick_value": value, "tick_size": size, "swap_pct_per_year": pct, "days_in_year": 360,
            "swap_currency": "JPY", "account_currency": "JPY", "account_digits": digits,
        })
    };
    holds(swap(0, "36", "1", "0.1"), json!({ "swap": "33" }));
    holds(swap(2, "360", "0.125", "0.5"), json!({ "swap": "8.25" }));
    let mut unknown = swap(2, "360", "1", "1");
    unknown["calc_mode"] = json!("PERPETUAL");
    refused(unknown, "field calc_mode: PERPETUAL is no mode");
}
