//! Prices of the past over HTTP.

use super::*;
use crate::gateway::core::Core;
use crate::gateway::testing::{EURUSD, XAUUSD};

fn seqs(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|item| item["seq"].as_u64().expect("a number"))
        .collect()
}

#[tokio::test]
async fn prices_of_the_past_come_page_by_page() {
    let server = Server::start().await;
    for step in 0..5 {
        server.desk.quote(EURUSD, 108_512 + step, 108_520 + step);
        server.desk.quote(XAUUSD, 193_000, 193_020);
    }
    let page = "/api/v1/ticks?symbol=EUR/USD&limit=3";
    let first = server.call("GET", page, None).await.json();
    assert_eq!(first["symbol"], "EUR/USD");
    assert_eq!(seqs(&first).len(), 3, "{first}");
    let (item, next) = (&first["items"][0], &first["next"]);
    assert_eq!(
        (&item["bid"], &item["ask"], &item["bid_qty"]),
        (&json!("1.08512"), &json!("1.08520"), &Value::Null)
    );
    let page = format!("{page}&after={next}");
    let second = server.call("GET", &page, None).await.json();
    assert_eq!((seqs(&second).len(), &second["next"]), (2, &Value::Null));
    assert!(seqs(&second)[0] > seqs(&first)[2], "it goes on behind");
    assert_eq!(second["items"][1]["bid"], "1.08516");
    let early = "/api/v1/ticks?symbol=EUR/USD&from=0&to=1000000";
    let none = server.call("GET", early, None).await.json();
    assert_eq!((seqs(&none), &none["next"]), (vec![], &Value::Null));
    server.end().await;
}

#[tokio::test]
async fn a_question_for_too_much_says_what_to_do() {
    let server = Server::start().await;
    let day_us = 86_400_000_000;
    let now = server.desk.now().0 / 1_000;
    for (query, field) in [
        ("symbol=EUR/USD&limit=0".to_owned(), "limit"),
        ("symbol=EUR/USD&limit=1001".to_owned(), "limit"),
        ("symbol=EUR/USD&from=0".to_owned(), "from"),
        (
            format!("symbol=EUR/USD&from={}&to={now}", now - day_us - 1),
            "from",
        ),
    ] {
        let path = format!("/api/v1/ticks?{query}");
        let answer = server.call("GET", &path, None).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (422, &json!(field)),
            "{query}: {answer:?}"
        );
    }
    let whole_day = format!(
        "/api/v1/ticks?symbol=EUR/USD&from={}&to={now}",
        now - day_us
    );
    assert_eq!(server.call("GET", &whole_day, None).await.status, 200);
    let unknown = server
        .call("GET", "/api/v1/ticks?symbol=EUR/USX", None)
        .await;
    assert_eq!(unknown.status, 404);
    server.end().await;
}
