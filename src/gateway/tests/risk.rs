//! What the desk says of margins: the rules behind them, in previews, positions and accounts.

use super::*;
use crate::gateway::testing::EURUSD;

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
        (&json!(100), &json!("group"), &json!("100.00")),
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
