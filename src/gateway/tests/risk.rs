//! What the desk says of margins: the rules behind them, in previews, positions and accounts, and windows that raise them.

use super::*;
use crate::gateway::testing::EURUSD;

const REQUIREMENTS: &str = "/api/v1/requirements";

#[tokio::test]
async fn a_margin_says_where_it_comes_from() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let order = json!({ "account": 7, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "client_id": "one" });
    let preview = server
        .call("POST", "/api/v1/orders/preview", Some(order.clone()))
        .await
        .json();
    let rule = &preview["rule"];
    assert_eq!(
        (
            &rule["leverage"],
            &rule["leverage_from"],
            &rule["factor_pct"]
        ),
        (&json!("100"), &json!("group"), &json!("100.00")),
        "{preview}"
    );
    assert_eq!(
        (&rule["base"], &rule["currency"], &rule["conversion"]),
        (&json!("100.00"), &json!("EUR"), &json!("1.0852"))
    );
    let placed = server.call("POST", "/api/v1/orders", Some(order)).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let account = server.call("GET", "/api/v1/accounts/7", None).await.json();
    for list in ["tiers", "margins", "requirements"] {
        assert!(account[list].is_array(), "{list}: {account}");
    }
    assert!(account["closeout"]["equity"].is_string(), "{account}");
    server.end().await;
}

#[tokio::test]
async fn a_window_is_planned_listed_and_ended() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let until = u64::MAX / 4_000;
    let plan = json!({ "symbol": "EUR/USD", "until": until, "factor_pct": "300", "held": "at_once", "note": "news" });
    let planned = server.call("POST", REQUIREMENTS, Some(plan)).await;
    assert_eq!(planned.status, 200, "{planned:?}");
    let window = &planned.json()["items"][0];
    assert_eq!(
        (&window["symbol"], &window["window"], &window["factor_pct"]),
        (&json!("EUR/USD"), &json!(1), &json!("300.00"))
    );
    let class =
        json!({ "class": "forex", "until": until, "factor_pct": "150", "note": "the weekend" });
    let class = server.call("POST", REQUIREMENTS, Some(class)).await.json();
    let items = class["items"].as_array().expect("windows");
    assert!(items.len() > 1, "{class}");
    assert!(items.iter().all(|item| item["window"] == 2), "{class}");
    let order = json!({ "account": 7, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "client_id": "two" });
    let preview = server
        .call("POST", "/api/v1/orders/preview", Some(order))
        .await
        .json();
    assert_eq!(
        (&preview["rule"]["factor_pct"], &preview["rule"]["window"]),
        (&json!("300.00"), &json!(1))
    );
    let path = format!("{REQUIREMENTS}?symbol=EUR/USD&window=1&note=it+is+over");
    let ended = server.call("DELETE", &path, None).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    let again = server.call("DELETE", &path, None).await;
    assert_eq!(again.status, 404, "{again:?}");
    let left = server.call("GET", REQUIREMENTS, None).await.json();
    let left = left["items"].as_array().expect("windows");
    assert!(left.iter().all(|item| item["window"] == 2), "{left:?}");
    for (wrong, field) in [
        (
            json!({ "until": until, "factor_pct": "150", "note": "x" }),
            "symbol",
        ),
        (
            json!({ "all": true, "until": until, "factor_pct": "much", "note": "x" }),
            "factor_pct",
        ),
        (
            json!({ "all": true, "until": until, "factor_pct": "150", "note": " " }),
            "note",
        ),
    ] {
        let refused = server.call("POST", REQUIREMENTS, Some(wrong)).await;
        assert_eq!(
            (refused.status, &refused.json()["field"]),
            (422, &json!(field))
        );
    }
    let lower = json!({ "symbol": "EUR/USD", "until": until, "factor_pct": "50", "note": "x" });
    let lower = server.call("POST", REQUIREMENTS, Some(lower)).await;
    assert_eq!(lower.status, 422, "{lower:?}");
    server.end().await;
}

#[tokio::test]
async fn a_preview_tells_a_price_that_is_reached_and_one_on_the_wrong_side() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    for (kind, price, stop, at_once) in [
        ("market", None, None, false),
        ("limit", Some("1.08400"), None, false),
        ("limit", Some("1.08600"), None, true),
        ("stop", None, Some("1.08600"), false),
        ("stop", None, Some("1.08400"), true),
    ] {
        let order = json!({ "account": 7, "symbol": "EUR/USD", "side": "buy", "kind": kind, "qty": "0.10", "price": price, "stop": stop, "client_id": "one" });
        let preview = server
            .call("POST", "/api/v1/orders/preview", Some(order))
            .await
            .json();
        assert_eq!(preview["at_once"], json!(at_once), "{kind}: {preview}");
    }
    let order = json!({ "account": 7, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "stop_loss": "1.09000", "client_id": "one" });
    let preview = server
        .call("POST", "/api/v1/orders/preview", Some(order))
        .await
        .json();
    assert_eq!(
        preview["reasons"][0]["name"], "price_on_the_wrong_side",
        "{preview}"
    );
    server.end().await;
}

#[tokio::test]
async fn holders_of_an_instrument_are_listed() {
    let server = Server::start().await;
    let found = server
        .call("GET", "/api/v1/halts/holders?symbol=EUR/USD", None)
        .await
        .json();
    assert_eq!(
        (&found["symbol"], &found["halted"], &found["items"]),
        (&json!("EUR/USD"), &json!(false), &json!([]))
    );
    let unknown = server
        .call("GET", "/api/v1/halts/holders?symbol=NOPE", None)
        .await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    server.end().await;
}

#[tokio::test]
async fn a_review_credit_and_terms_are_set_by_name() {
    let server = Server::start().await;
    let account = "/api/v1/accounts/7";
    let review = json!({ "on": true, "note": "a dispute" });
    let review = server
        .call("POST", &format!("{account}/review"), Some(review))
        .await;
    assert_eq!(review.status, 200, "{review:?}");
    let credit = async |amount: &str, reference: &str| {
        let body = json!({ "kind": "credit", "amount": amount, "reference": reference });
        let path = "/api/v1/accounts/7/cash";
        server.call("POST", path, Some(body)).await.status
    };
    assert_eq!(credit("50.00", "lent").await, 201);
    assert_eq!(credit("-60.00", "too much").await, 422);
    assert_eq!(credit("-20.00", "taken back").await, 201);
    let terms = json!({ "leverage": 30, "note": "a beginner" });
    let terms = server
        .call("PUT", &format!("{account}/terms"), Some(terms))
        .await;
    assert_eq!(terms.status, 200, "{terms:?}");
    let shown = server.call("GET", account, None).await.json();
    assert_eq!(
        (
            &shown["under_review"],
            &shown["credit"],
            &shown["leverage"],
            &shown["leverage_from"]
        ),
        (
            &json!(true),
            &json!("30.00"),
            &json!("30"),
            &json!("account")
        )
    );
    let exact = json!({ "leverage": "33.33", "note": "three per cent" });
    let exact = server
        .call("PUT", &format!("{account}/terms"), Some(exact))
        .await;
    assert_eq!(exact.status, 200, "{exact:?}");
    let shown = server.call("GET", account, None).await.json();
    assert_eq!(shown["leverage"], "33.33");
    for wrong in ["much", "-1", "0.000000001"] {
        let wrong = json!({ "leverage": wrong, "note": "x" });
        let wrong = server
            .call("PUT", &format!("{account}/terms"), Some(wrong))
            .await;
        assert_eq!(
            (wrong.status, &wrong.json()["field"]),
            (422, &json!("leverage"))
        );
    }
    let nobody = json!({ "group": "nobodys", "note": "x" });
    let nobody = server
        .call("PUT", &format!("{account}/terms"), Some(nobody))
        .await;
    assert_eq!(
        (nobody.status, &nobody.json()["field"]),
        (422, &json!("group"))
    );
    server.end().await;
}

#[tokio::test]
async fn an_account_has_rules_of_its_own_until_they_are_taken_back() {
    let server = Server::start().await;
    let account = "/api/v1/accounts/7";
    let rules = format!("{account}/rules");
    let plain = server.call("GET", account, None).await.json();
    assert_eq!(
        (&plain["stop_out_policy"], &plain["own"]),
        (&json!("mt5"), &Value::Null)
    );
    let own = json!({
        "stop_out_pct": "40", "levels_told_pct": ["90", "70.5"], "stop_out_policy": "ctrader_smart",
        "negative_balance_protection": "any_close", "hedge": "net", "note": "a professional",
    });
    let set = server.call("PUT", &rules, Some(own)).await;
    assert_eq!(set.status, 200, "{set:?}");
    let shown = server.call("GET", account, None).await.json();
    assert_eq!(
        (
            &shown["warning_pct"],
            &shown["stop_out_pct"],
            &shown["stop_out_policy"],
            &shown["negative_balance_protection"]
        ),
        (
            &json!("100.00"),
            &json!("40.00"),
            &json!("ctrader_smart"),
            &json!("any_close")
        )
    );
    assert_eq!(
        shown["own"],
        json!({
            "warning_pct": null, "restricted_pct": null, "stop_out_pct": "40.00", "levels_told_pct": ["90.00", "70.50"],
            "stop_out_policy": "ctrader_smart", "negative_balance_protection": "any_close", "hedge": "net",
        })
    );
    let rising = json!({ "stop_out_pct": "60", "note": "x" });
    let rising = server.call("PUT", &rules, Some(rising)).await;
    assert_eq!(
        (rising.status, &rising.json()["reasons"][0]["name"]),
        (422, &json!("levels_contradict"))
    );
    for (wrong, field) in [
        (json!({ "warning_pct": "much", "note": "x" }), "warning_pct"),
        (
            json!({ "levels_told_pct": vec!["1"; 9], "note": "x" }),
            "levels_told_pct",
        ),
        (json!({ "note": " " }), "note"),
    ] {
        let refused = server.call("PUT", &rules, Some(wrong)).await;
        assert_eq!(
            (refused.status, &refused.json()["field"]),
            (422, &json!(field))
        );
    }
    let nobody = json!({ "note": "x" });
    let nobody = server
        .call("PUT", "/api/v1/accounts/8/rules", Some(nobody))
        .await;
    assert_eq!(nobody.status, 404, "{nobody:?}");
    let back = json!({ "note": "as everybody" });
    let back = server.call("PUT", &rules, Some(back)).await;
    assert_eq!(back.status, 200, "{back:?}");
    let shown = server.call("GET", account, None).await.json();
    assert_eq!(
        (&shown["stop_out_pct"], &shown["own"]),
        (&json!("30.00"), &Value::Null)
    );
    server.end().await;
}

#[tokio::test]
async fn limits_are_listed_with_what_is_used() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let limit = json!({ "scope": "instrument", "id": "EUR/USD", "kind": "net_qty", "value": "2.00", "note": "small" });
    let limit = server.call("POST", "/api/v1/limits", Some(limit)).await;
    assert_eq!(limit.status, 200, "{limit:?}");
    let placed = server
        .call("POST", "/api/v1/orders", Some(order_body("half")))
        .await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let limits = server.call("GET", "/api/v1/limits", None).await.json();
    let shown = &limits["items"][0];
    assert_eq!(
        (&shown["id"], &shown["kind"], &shown["limit"]),
        (&json!("EUR/USD"), &json!("net_qty"), &json!("2.00"))
    );
    assert_eq!(
        (&shown["used"], &shown["used_pct"]),
        (&json!("0.10"), &json!("5.00"))
    );
    server.end().await;
}

#[tokio::test]
async fn a_disk_without_room_for_a_note_stops_nothing_from_being_stopped() {
    let server = Server::start().await;
    let no_room = |full| {
        server
            .desk
            .no_room
            .store(full, std::sync::atomic::Ordering::SeqCst)
    };
    let gold = |on| json!({ "symbol": "XAU/USD", "on": on, "note": "rumour" });
    let review = |on| json!({ "on": on, "note": "a dispute" });
    let mode = |mode| json!({ "scope": "house", "mode": mode, "note": "rumour" });
    let kill = |on| json!({ "scope": "account", "id": 7, "on": on, "note": "rumour" });
    let link = |mode| json!({ "mode": mode, "note": "it answers late" });
    let asked = [
        ("/api/v1/halts", gold(true), gold(false)),
        ("/api/v1/accounts/7/review", review(true), review(false)),
        ("/api/v1/modes", mode("halt"), mode("normal")),
        ("/api/v1/kill", kill(true), kill(false)),
        ("/api/v1/links/1/mode", link("read_only"), link("live")),
    ];
    no_room(true);
    for (path, stop, go) in asked {
        let stopped = server.call("POST", path, Some(stop)).await;
        assert_eq!(
            (stopped.status, &stopped.json()["note_kept"]),
            (200, &json!(false)),
            "{path}: {stopped:?}"
        );
        let refused = server.call("POST", path, Some(go)).await;
        assert_eq!(
            (refused.status, &refused.json()["name"]),
            (503, &json!("disk_full")),
            "{path}: {refused:?}"
        );
        let detail = refused.json()["detail"].to_string();
        assert!(
            detail.contains("+62 21 0000; nothing was changed"),
            "{detail}"
        );
    }
    no_room(false);
    let lifted = server
        .call("POST", "/api/v1/halts", Some(gold(false)))
        .await;
    assert_eq!(lifted.status, 200, "{lifted:?}");
    assert_eq!(lifted.json()["note_kept"], Value::Null);
    server.end().await;
}
