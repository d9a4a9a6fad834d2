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

fn hedge_mode(wallet: &str, long: (&str, &str), short: (&str, &str)) -> Value {
    let leg = |quantity: &str, entry: &str, (rate, amount): (&str, &str)| {
        json!({
            "quantity": quantity, "entry_price": entry, "maintenance_margin_rate": rate, "maintenance_amount": amount,
        })
    };
    json!({
        "calc": "binance_liquidation_price_hedge_mode", "wallet_balance": wallet, "other_maintenance_margin": "0",
        "other_unrealised_pnl": "0", "long": leg("3", "50000", long), "short": leg("1.2", "52000", short),
        "result_digits": 2,
    })
}

/// The formula takes the rates and amounts that are given, whether the legs stand in those brackets or not.
#[test]
fn legs_are_charged_by_the_brackets_that_are_named() {
    let price = |price: &str| json!({ "liquidation_price": price });
    let (high, low) = (("0.01", "300"), ("0.004", "0"));
    // (5,000 + 300 - 150,000 + 62,400) / (0.03 + 0.0048 - 3 + 1.2): the short is worth more than 50,000 there.
    holds(hedge_mode("5000", high, low), price("46623.61"));
    holds(
        hedge_mode("20000", ("0.01", "300"), ("0.01", "100")),
        price("38225.26"),
    );
    // No positive price liquidates: what the formula comes to.
    holds(hedge_mode("100000", high, low), price("-7194.65"));
    let mut equal = hedge_mode("100", ("0", "0"), ("0", "0"));
    equal["short"]["quantity"] = json!("3");
    holds(equal, json!({ "liquidation_price": null }));
}

/// The largest number a decimal can be, and one more: that is told, and no panic.
#[test]
fn money_beyond_what_a_number_can_be_is_refused() {
    let largest = "79228162514264337593543950335";
    let equal = ("0.01", "300");
    let mut profit = hedge_mode(largest, equal, equal);
    profit["other_unrealised_pnl"] = json!("1");
    refused(profit, "an amount is too large");
    let mut amounts = hedge_mode(largest, equal, equal);
    amounts["other_maintenance_margin"] = json!("-1");
    refused(amounts, "an amount is too large");
}

fn liquidation(mode: &str, wallet: &str, own: Value, others: Value) -> Value {
    let mut all = own;
    all["calc"] = json!("binance_liquidation_price");
    all["margin_mode"] = json!(mode);
    all["wallet_balance"] = json!(wallet);
    all["other_positions"] = others;
    all["result_digits"] = json!(2);
    all
}

fn long(quantity: &str, entry: &str, rate: &str, amount: &str) -> Value {
    json!({
        "side": "long", "quantity": quantity, "entry_price": entry, "mark_price": entry, "maintenance_margin_rate": rate,
        "maintenance_amount": amount,
    })
}

#[test]
fn a_position_far_below_its_bracket_is_charged_by_it() {
    // (500,000 + 16,300 - 1,050,000) / (0.625 - 25).
    holds(
        liquidation(
            "isolated",
            "500000",
            long("25", "42000", "0.025", "16300"),
            json!([]),
        ),
        json!({ "liquidation_price": "21895.38" }),
    );
    // 1,000 x 0.025 - 16,300: the formula has no least amount.
    holds(
        liquidation(
            "cross",
            "120000",
            long("25", "42000", "0.01", "1300"),
            json!([long("1", "1000", "0.025", "16300")]),
        ),
        json!({ "other_maintenance_margin": "-16275", "liquidation_price": "36865.66" }),
    );
    holds(
        liquidation("isolated", "500", long("1", "100", "0.01", "0"), json!([])),
        json!({ "liquidation_price": "-404.04" }),
    );
}

/// 0.111 x 100.01 x 0.004 is 0.04440444, twice that is 0.08880888.
#[test]
fn margin_of_other_positions_is_rounded_once() {
    let other = || long("0.111", "100.01", "0.004", "0");
    holds(
        liquidation(
            "cross",
            "50",
            long("1", "100", "0.01", "0"),
            json!([other(), other()]),
        ),
        json!({ "other_maintenance_margin": "0.08881", "other_unrealised_pnl": "0", "liquidation_price": "50.59" }),
    );
}

#[test]
fn more_than_a_position_can_lose() {
    holds(
        json!({
            "calc": "hyperliquid_liquidation_price", "side": "long", "price": "100", "size": "1",
            "margin_available": "500", "max_leverage": "40", "result_digits": 2,
        }),
        json!({ "liquidation_price": "-406.33" }),
    );
    holds(
        json!({
            "calc": "shared_account_liquidation_price", "side": "long", "size": "1", "mark_price": "100",
            "maintenance_margin_rate": "0.01", "equity": "504", "other_maintenance_margin": "4", "result_digits": 2,
        }),
        json!({ "liquidation_price": "-404.04" }),
    );
    holds(
        json!({
            "calc": "binance_liquidation_bracket_search", "side": "long", "quantity": "1", "entry_price": "100",
            "wallet_balance": "500", "brackets": [{ "floor": "0", "rate": "0.01" }, { "floor": "50", "rate": "0.02" }],
            "result_digits": 2,
        }),
        json!({ "entry_bracket": 2, "bracket": 1, "maintenance_amount": "0", "liquidation_price": "-404.04" }),
    );
}

/// 0.12345678 x 64,123.45 is 7,916.474659491.
#[test]
fn a_pool_is_not_rounded() {
    let pool = |collateral: Value, others: Value| json!({ "calc": "shared_collateral_pool", "collateral": collateral, "other_positions": others });
    let coins = json!({ "currency": "BTC", "amount": "0.12345678", "rate_to_account": "64123.45" });
    holds(
        pool(json!([coins]), json!([])),
        json!({ "other_maintenance": "0", "buying_power": "7916.474659491" }),
    );
    let held = || json!([{ "symbol": "BTCUSDC", "quantity": "0.12345678", "price": "64123.45", "leverage": "25" }]);
    let cash = json!([{ "currency": "USDC", "amount": "10000" }]);
    holds(
        pool(cash, held()),
        json!({ "other_maintenance": "316.65898637964", "buying_power": "9683.34101362036" }),
    );
    holds(
        pool(json!([]), held()),
        json!({ "other_maintenance": "316.65898637964", "buying_power": "0" }),
    );
    holds(
        json!({
            "calc": "crypto_future_margin", "kind": "linear", "quantity": "0.12345678", "price": "64123.45",
            "leverage": "25",
        }),
        json!({ "margin_quote": "316.65898637964" }),
    );
    holds(
        json!({ "calc": "directional_buying_power", "quantity": "0.12345678", "price": "64123.45" }),
        json!({ "margin_used": "7916.474659491", "buy": "0", "sell": "15832.949318982" }),
    );
}

/// Bid and ask are judged for themselves, so the quotes of a shift on one side may cross.
#[test]
fn a_shift_of_the_bid_alone() {
    let tick = || json!({ "bid": "1.50400", "ask": "1.50231" });
    let decided = |bid: &str| json!({ "bid": bid, "ask": "accept" });
    holds(
        json!({
            "calc": "level_filter", "point_size": "0.00001", "soft_points": "150", "hard_points": "0",
            "discard_points": "0", "confirmations": 3, "last_quote": { "bid": "1.50213", "ask": "1.50231" },
            "ticks": [tick(), tick(), tick(), tick()],
        }),
        json!({
            "decisions": [decided("drop"), decided("drop"), decided("drop"), decided("accept")],
            "level": { "bid": "1.50400", "ask": "1.50231" },
        }),
    );
    // A spread below zero is below the least one.
    holds(
        json!({
            "calc": "spread_filter", "bid": "1.50400", "ask": "1.50231", "point_size": "0.00001",
            "min_spread_points": "0", "max_spread_points": "30",
        }),
        json!({ "spread_points": "-169", "accepted": false }),
    );
}

/// The limits of a window are asked for, not whether a trade in it went beyond them.
#[test]
fn limits_of_a_window_that_moved_by_more_than_the_variant() {
    let limits = |now: i64| {
        json!({
            "calc": "dcb_limits", "window_s": 3600, "variant": "7", "now_s": now,
            "trades": [{ "t_s": 0, "price": "100" }, { "t_s": 10, "price": "110" }],
        })
    };
    holds(
        limits(10),
        json!({ "window_low": "100", "window_high": "110", "upper_limit": "107", "lower_limit": "103" }),
    );
    // What is not traded yet is in no window, and what is an hour old neither.
    holds(
        limits(9),
        json!({ "window_high": "100", "lower_limit": "93" }),
    );
    holds(
        limits(3600),
        json!({ "window_low": "110", "upper_limit": "117" }),
    );
    holds(
        limits(3610),
        json!({ "upper_limit": null, "lower_limit": null }),
    );
}

#[test]
fn results_finer_than_cents() {
    holds(
        json!({
            "calc": "mid_price_equity", "balance": "100", "spread_per_lot": "0.0045",
            "positions": [{ "lots": "1", "floating_pl": "-100" }],
        }),
        json!({
            "equity": "0", "virtual_equity": "0.00225", "standard_stop_out": true, "protected_stop_out": false,
        }),
    );
    holds(
        json!({
            "calc": "fair_stop_out", "balance": "500.005", "stop_out_pct": "50", "positions": [
                { "id": "p1", "margin": "300", "floating_pl": "-150.965" },
                { "id": "p2", "margin": "200", "floating_pl": "-100.66" },
            ],
        }),
        json!({ "closed": ["p1"], "balance": "349.04", "equity": "248.38", "margin": "200", "level_pct": "124.19" }),
    );
    holds(
        json!({
            "calc": "largest_loser_sequence", "balance": "1000.001", "level_pct": "50", "first_trigger_inclusive": false,
            "positions": [
                { "id": "a", "margin": "500", "floating_pl": "-300" }, { "id": "b", "margin": "500", "floating_pl": "-250" },
                { "id": "c", "margin": "500", "floating_pl": "200" },
            ],
        }),
        json!({ "closed": ["a"], "balance": "700.001", "equity": "650.001", "margin": "1000", "level_pct": "65.00" }),
    );
    holds(
        json!({
            "calc": "lean_margin_call", "cash": "-6", "buffer": "0.10",
            "holdings": [{ "id": "A", "quantity": "1.234", "price": "10.1234", "leverage": "2" }],
        }),
        json!({
            "portfolio_value": "6.4922756", "margin_used": "6.2461378", "margin_remaining": "0.2461378", "warning": true,
            "orders": [],
        }),
    );
    holds(
        json!({ "calc": "equity_at_level", "margin": "333.33", "level_pct": "33.3333" }),
        json!({ "equity": "111.10988889" }),
    );
}

#[test]
fn amounts_that_need_few_digits_may_be_large() {
    holds(
        json!({ "calc": "margin_level", "equity": "500000000", "margin": "100000000.25", "result_digits": 2 }),
        json!({ "level_pct": "500.00" }),
    );
    holds(
        json!({ "calc": "swap_lot_cost", "calc_mode": "CFD", "contract_size": "100000", "price": "40000.5" }),
        json!({ "lot_cost": "4000050000" }),
    );
}

#[test]
fn tiers_that_ask_for_nothing_and_positions_of_nothing() {
    let margin = |ppm: i64, notional: &str, open: i64, caps: (i64, i64)| {
        json!({
            "calc": "dydx_initial_margin", "initial_margin_ppm": ppm, "notional": notional, "open_interest": open,
            "oi_lower_cap": caps.0, "oi_upper_cap": caps.1,
        })
    };
    let asked =
        |ppm: i64, margin: i64| json!({ "effective_imf_ppm": ppm, "initial_margin": margin });
    let caps = (1_000_000, 2_000_000);
    holds(margin(200_000, "0", 1_234_567, caps), asked(387_653, 0));
    holds(margin(0, "1000", 1_500_000, caps), asked(500_000, 500));
    holds(margin(0, "1000", 0, (0, 0)), asked(0, 0));
    // Both caps are one: the base up to it, everything beyond.
    let caps = (1_000_000, 1_000_000);
    holds(margin(100_000, "15", 1_000_000, caps), asked(100_000, 2));
    holds(margin(100_000, "15", 1_000_001, caps), asked(1_000_000, 15));
    let account = |balance: &str| {
        json!({
            "calc": "dydx_account_liquidatable", "quote_balance": balance,
            "positions": [{ "symbol": "BTC", "size": "0.1", "oracle_price": "50000", "mm_ppm": 0 }],
        })
    };
    holds(
        account("-4501"),
        json!({ "net_collateral": "499", "maintenance_requirement": "0", "liquidatable": false }),
    );
    holds(
        account("-6000"),
        json!({ "net_collateral": "-1000", "liquidatable": false }),
    );
}

/// Finer than eight digits, and larger than the money of an account.
#[test]
fn standings_that_no_account_holds() {
    let standing = |collateral: &str, requirement: &str| {
        json!({
            "calc": "dydx_is_liquidatable", "net_collateral": collateral, "maintenance_requirement": requirement,
        })
    };
    let is = |liquidatable: bool| json!({ "liquidatable": liquidatable });
    holds(standing("1.0000000001", "1.0000000001"), is(false));
    holds(standing("1.0000000001", "1.0000000002"), is(true));
    holds(
        standing("99999999999999999", "100000000000000000"),
        is(true),
    );
    holds(standing("-1.0000000001", "0"), is(false));
    let meets = |collateral: &str| json!({ "calc": "dydx_collateralised", "net_collateral": collateral, "requirement": "1.0000000002" });
    holds(meets("1.0000000002"), json!({ "meets_requirement": true }));
    holds(meets("1.0000000001"), json!({ "meets_requirement": false }));
}

#[test]
fn a_pending_order_that_nobody_activates_is_looked_at_once() {
    for before_execution in [false, true] {
        holds(
            json!({
                "calc": "margin_checks", "order_kind": "pending", "activated_by": null,
                "check_before_execution": before_execution, "margin_rate": "1",
            }),
            json!({ "checks": ["placement"] }),
        );
    }
}

#[test]
fn what_an_example_leaves_out_is_what_the_rule_says() {
    let bars = json!([
        ["1", "3", "1", "2"],
        ["2", "4", "2", "3"],
        ["3", "7", "3", "4"]
    ]);
    let range = |smoothing: &str| json!({ "calc": "average_true_range", "period": 2, "smoothing": smoothing, "bars_ohlc": bars });
    // Wilder: (2 + 2) / 2, then (2 x 1 + 4) / 2; the simple mean leaves the first bar out.
    holds(range("wilder"), json!({ "values": ["2", "3"] }));
    holds(range("simple"), json!({ "values": ["3"] }));
    holds(
        json!({
            "calc": "notional_fraction_margin", "model": "standard", "quantity": "-100000", "price": "1.10",
            "margin_init_fraction": "0.03", "account_digits": 2,
        }),
        json!({ "notional": "110000", "margin": "3300.00" }),
    );
}
