//! What if, over the real machine.

use super::*;
use crate::gateway::core::CoreError;
use crate::gateway::testing::EURUSD;

const PATH: &str = "/api/v1/whatif";

#[tokio::test]
async fn a_path_says_who_would_be_hit_and_the_desk_stays_as_it_is() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let before = server.call("GET", "/api/v1/accounts/7", None).await.json();
    let request = json!({
        "order": { "account": 7, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "5.00" },
        "steps": [
            { "label": "down", "shifts": [{ "symbol": "EUR/USD", "by": "-0.01512" }] },
            { "label": "further", "shifts": [{ "currency": "EUR", "percent": "-5" }] }
        ],
        "volatility_pct": "100"
    });
    let answer = server.call("POST", PATH, Some(request)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["order"]["filled"], "5.00", "{answer}");
    assert_eq!(answer["steps"][1]["label"], "down");
    assert_eq!(
        answer["steps"][1]["moved"][0],
        json!({ "symbol": "EUR/USD", "bid": "1.07000", "ask": "1.07008" })
    );
    let hit = &answer["affected"][0];
    assert_eq!(
        (&hit["account"], &hit["before"]["state"]),
        (&json!(7), &json!("healthy"))
    );
    assert_ne!(hit["hit"]["state"], "healthy");
    let after = server.call("GET", "/api/v1/accounts/7", None).await.json();
    assert_eq!(before["positions"], after["positions"]);
    assert_eq!(before["equity"], after["equity"]);
    server.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_field() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let shift = |shift: serde_json::Value| json!({ "steps": [{ "shifts": [shift] }] });
    for (request, status, field) in [
        (json!({ "scenario": "never" }), 422, json!("scenario")),
        (
            shift(json!({ "symbol": "EUR/USD", "to": "-1" })),
            422,
            json!("steps[0]"),
        ),
        (
            shift(json!({ "symbol": "NOPE", "percent": "1" })),
            404,
            json!("steps[0].shifts[0].symbol"),
        ),
        (
            shift(json!({ "symbol": "EUR/USD", "all": true, "percent": "1" })),
            422,
            json!("steps[0].shifts[0]"),
        ),
        (
            shift(json!({ "symbol": "EUR/USD", "percent": "1", "to": "1" })),
            422,
            json!("steps[0].shifts[0]"),
        ),
        (
            shift(json!({ "class": "forex", "to": "1.00" })),
            422,
            json!("steps[0].shifts[0].to"),
        ),
        (
            shift(json!({ "symbol": "EUR/USD", "percent": "99999999999" })),
            422,
            json!("steps[0].shifts[0].percent"),
        ),
        (
            json!({ "requirements": [{ "all": true, "factor_pct": "50" }] }),
            422,
            serde_json::Value::Null,
        ),
    ] {
        let answer = server.call("POST", PATH, Some(request.clone())).await;
        assert_eq!(answer.status, status, "{request} {answer:?}");
        assert_eq!(answer.json()["field"], field, "{request}");
    }
    *server.desk.failing.lock().expect("not poisoned") = Some(CoreError::Busy);
    let busy = server.call("POST", PATH, Some(json!({}))).await;
    assert_eq!(busy.status, 503, "one question at a time");
    server.end().await;
}

#[tokio::test]
async fn the_known_days_name_their_sources() {
    let server = Server::start().await;
    let list = server
        .call("GET", "/api/v1/whatif/scenarios", None)
        .await
        .json();
    let items = list["items"].as_array().expect("a list");
    assert_eq!(items.len(), 4);
    assert!(items.iter().all(|one| one["source"] != ""));
    server.end().await;
}
