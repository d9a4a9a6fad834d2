//! The REST API over the real machine.

use super::*;
use crate::gateway::core::{Core, CoreError};
use crate::gateway::testing::{EURGBP, EURUSD, XAUUSD, alert};

#[tokio::test]
async fn orders_go_through_the_machine() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let preview = server
        .call(
            "POST",
            "/api/v1/orders/preview",
            Some(order_body("ignored")),
        )
        .await;
    assert_eq!(
        (preview.status, &preview.json()["reasons"]),
        (200, &json!([])),
        "{preview:?}"
    );
    assert_ne!(preview.json()["margin_order"], "0.00");
    let placed = server
        .call("POST", "/api/v1/orders", Some(order_body("first")))
        .await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let placed = placed.json();
    assert_eq!(
        (&placed["repeated"], &placed["order"]["client_id"]),
        (&json!(false), &json!("first"))
    );
    assert_eq!(
        (&placed["order"]["qty"], &placed["order"]["price"]),
        (&json!("0.10"), &json!("1.08000"))
    );
    let again = server
        .call("POST", "/api/v1/orders", Some(order_body("first")))
        .await
        .json();
    assert_eq!(
        (&again["repeated"], &again["order"]["id"]),
        (&json!(true), &placed["order"]["id"])
    );
    let key = format!("Authorization: Bearer {SECRET}\r\nIdempotency-Key: first\r\n");
    let keyed = server
        .send("POST", "/api/v1/orders", &key, Some(order_body("another")))
        .await
        .json();
    assert_eq!(
        keyed["order"]["id"], placed["order"]["id"],
        "the header wins"
    );
    let open = server
        .call("GET", "/api/v1/orders?account=7", None)
        .await
        .json();
    assert_eq!(open["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(open["stream"]["epoch"], 9);
    let id = placed["order"]["id"].as_u64().expect("a number");
    assert_eq!(placed["order"]["unbooked"], 0);
    let settle = server
        .call(
            "POST",
            &format!("/api/v1/orders/{id}/reconciled"),
            Some(json!({ "executions": 1, "note": "seen on the telephone" })),
        )
        .await;
    assert_eq!(
        (settle.status, &settle.json()["reasons"][0]["name"]),
        (422, &json!("unbooked_executions_differ")),
        "nothing of it waits to be settled"
    );
    let cancel = server
        .call("DELETE", &format!("/api/v1/orders/{id}?account=7"), None)
        .await;
    assert_eq!(cancel.status, 200, "{cancel:?}");
    let all = server
        .call("GET", "/api/v1/orders?account=7&state=all", None)
        .await
        .json();
    assert!(
        ["cancelled", "cancelling"].contains(&all["items"][0]["state"].as_str().expect("a state")),
        "{all}"
    );
    let gone = server
        .call("DELETE", "/api/v1/orders/99999?account=7", None)
        .await;
    assert_eq!(
        (gone.status, &gone.json()["reasons"][0]["name"]),
        (422, &json!("unknown_order"))
    );
    server.end().await;
}

#[tokio::test]
async fn refusals_list_all_reasons_and_what_lifts_them() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let mut body = order_body("too-much");
    body["qty"] = json!("100000.00");
    let refused = server.call("POST", "/api/v1/orders", Some(body)).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (422, &json!(10_030))
    );
    let reasons = refused.json()["reasons"]
        .as_array()
        .expect("reasons")
        .clone();
    let names: Vec<&str> = reasons.iter().filter_map(|r| r["name"].as_str()).collect();
    assert!(names.contains(&"qty_above_maximum"), "{names:?}");
    assert!(
        reasons
            .iter()
            .all(|r| r["lifts"].as_str().is_some_and(|l| !l.is_empty()))
    );
    server.end().await;
}

#[tokio::test]
async fn wrong_bodies_name_the_field_and_change_nothing() {
    let server = Server::start().await;
    let before = server.call("GET", "/api/v1/accounts/7", None).await.json()["balance"].clone();
    let with = |key: &str, value: Value| {
        let mut body = order_body("x");
        body[key] = value;
        body
    };
    for (body, status, field) in [
        (with("qty", json!("0.001")), 422, "qty"),
        (with("qty", json!(1)), 422, "qty"),
        (with("qty", json!("NaN")), 422, "qty"),
        (with("qty", json!("1e9")), 422, "qty"),
        (with("price", json!("1.080001")), 422, "price"),
        (
            with("stop_loss", json!("99999999999999999999")),
            422,
            "stop_loss",
        ),
        (with("side", json!("up")), 422, "side"),
        (with("account", json!(-1)), 422, "account"),
        (with("client_id", json!("two words")), 422, "client_id"),
        (with("client_id", Value::Null), 422, "client_id"),
        (with("symbol", json!("ERU/USD")), 404, "symbol"),
        (json!({ "account": 7 }), 422, "symbol"),
        (with("stoploss", json!("1.07")), 422, "stoploss"),
        (with("reduceOnly", json!(true)), 422, "reduceOnly"),
        (with("trader", json!("anna")), 422, "trader"),
    ] {
        let answer = server
            .call("POST", "/api/v1/orders", Some(body.clone()))
            .await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (status, &json!(field)),
            "{body}"
        );
    }
    let near = server
        .call("GET", "/api/v1/quotes?symbols=EURUSD", None)
        .await
        .json();
    assert_eq!(near["detail"], "did you mean EUR/USD?");
    let host = server.host();
    let head = format!(
        "POST /api/v1/orders HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SECRET}\r\nConnection: close\r\n"
    );
    let broken =
        format!("{head}Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{{\"qty");
    let answer = server.raw(broken.as_bytes()).await;
    assert_eq!(
        (answer.status, &answer.json()["name"]),
        (400, &json!("bad_json"))
    );
    let form = format!("{head}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(server.raw(form.as_bytes()).await.json()["name"], "not_json");
    let mut large =
        format!("{head}Content-Type: application/json\r\nContent-Length: 10485760\r\n\r\n")
            .into_bytes();
    large.resize(large.len() + 10_485_760, b' ');
    assert_eq!(server.raw(&large).await.status, 413);
    for path in [
        "/api/v1/bars?symbol=EUR/USD",
        "/api/v1/bars?symbol=EUR/USD&span=2m",
        "/api/v1/accounts?limit=0",
        "/api/v1/accounts/x",
        "/api/v1/alerts?state=loud",
    ] {
        let answer = server.call("GET", path, None).await;
        assert_eq!(answer.json()["code"], 10_011, "{path}: {answer:?}");
    }
    let after = server.call("GET", "/api/v1/accounts/7", None).await.json()["balance"].clone();
    assert_eq!(before, after);
    server.end().await;
}

#[tokio::test]
async fn a_misspelt_field_is_refused_and_the_right_one_proposed() {
    let server = Server::start().await;
    for (method, path, body, field, detail) in [
        (
            "PUT",
            "/api/v1/positions/1/protection",
            json!({ "account": 7, "stop_los": "1.08" }),
            "stop_los",
            "there is no such field; did you mean stop_loss?",
        ),
        (
            "POST",
            "/api/v1/kill",
            json!({ "scope": "house", "on": true, "note": "x", "also": { "tradr": 5 } }),
            "also.tradr",
            "there is no such field; did you mean trader?",
        ),
        (
            "POST",
            "/api/v1/accounts/7/cash",
            json!({ "kind": "deposit", "amount": "1", "reference": "r", "currency": "USD" }),
            "currency",
            "there is no such field; use kind, amount, reference",
        ),
    ] {
        let answer = server.call(method, path, Some(body)).await;
        let said = answer.json();
        assert_eq!(
            (answer.status, &said["field"], &said["detail"]),
            (422, &json!(field), &json!(detail)),
        );
    }
    for (path, body) in [
        (
            "modes",
            json!({ "scope": "house", "mode": "halt", "note": "x" }),
        ),
        ("kill", json!({ "scope": "house", "on": true, "note": "x" })),
        ("links/1/mode", json!({ "mode": "read_only" })),
        (
            "halts",
            json!({ "symbol": "EUR/USD", "on": true, "note": "x" }),
        ),
        ("demo/scenario", json!({ "scenario": "calm" })),
        (
            "limits",
            json!({ "scope": "house", "kind": "net_exposure", "value": "1", "note": "x" }),
        ),
        (
            "executions/enable",
            json!({ "scope": "house", "note": "x" }),
        ),
        ("alerts/1/comment", json!({ "note": "x" })),
        (
            "orders/1/reconciled",
            json!({ "executions": 1, "note": "x" }),
        ),
        ("positions/1/close", json!({ "account": 7 })),
        ("orders/preview", order_body("x")),
        ("session", json!({ "secret": SECRET })),
        ("whatif", json!({})),
    ] {
        let mut body = body;
        body["nonsense"] = json!(1);
        let path = format!("/api/v1/{path}");
        let answer = server.call("POST", &path, Some(body)).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (422, &json!("nonsense")),
            "{path}"
        );
    }
    server.end().await;
}

#[tokio::test]
async fn a_traders_switch_refuses_the_traders_orders_alone() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let thrown = json!({ "scope": "trader", "id": 5, "on": true, "note": "he has left" });
    let thrown = server.call("POST", "/api/v1/kill", Some(thrown)).await;
    assert_eq!(thrown.status, 200, "{thrown:?}");
    let place = async |client_id: &str, trader: Option<u32>| {
        let mut body = order_body(client_id);
        body["trader"] = json!(trader);
        body["desk"] = json!(2);
        server.call("POST", "/api/v1/orders", Some(body)).await
    };
    let his = place("his", Some(5)).await;
    assert_eq!(
        (his.status, &his.json()["reasons"][0]["name"]),
        (422, &json!("kill_switch")),
        "{his:?}"
    );
    for (client_id, trader) in [("hers", Some(6)), ("nobodys", None)] {
        let placed = place(client_id, trader).await;
        assert_eq!(placed.status, 201, "{placed:?}");
        let order = placed.json()["order"].clone();
        assert_eq!(
            (&order["trader"], &order["desk"], &order["strategy"]),
            (&json!(trader), &json!(2), &Value::Null)
        );
    }
    server.end().await;
}

#[tokio::test]
async fn lists_are_read_in_every_form_that_clients_write() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    server.desk.quote(XAUUSD, 190_000, 190_030);
    server.desk.quote(EURGBP, 86_000, 86_010);
    for query in [
        "symbols=EUR/USD,XAU/USD&type=rates,news",
        "symbols[]=EUR/USD&symbols[]=XAU/USD&type[]=rates",
        "symbols%5B%5D=EUR/USD&symbols=XAU/USD&type=news&type=rates",
    ] {
        let path = format!("/api/v1/market/data?{query}");
        let data = server.call("GET", &path, None).await.json();
        let rates = data["rates"].as_array().expect("rates");
        let symbols: Vec<&str> = rates.iter().filter_map(|r| r["symbol"].as_str()).collect();
        assert_eq!(symbols, ["EUR/USD", "XAU/USD"], "{query}");
    }
    for (path, field) in [
        ("/api/v1/market/data?type[]=rumours", "type"),
        ("/api/v1/market/data?symbol=EUR/USD", "symbol"),
        ("/api/v1/margin?cursor=1", "cursor"),
    ] {
        let answer = server.call("GET", path, None).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (422, &json!(field)),
            "{path}"
        );
    }
    server.end().await;
}

#[tokio::test]
async fn money_positions_and_views_add_up() {
    let server = Server::start().await;
    let cash = |kind: &str, amount: &str| json!({ "kind": kind, "amount": amount, "reference": format!("bank {kind} {amount}") });
    let booked = server
        .call(
            "POST",
            "/api/v1/accounts/7/cash",
            Some(cash("deposit", "250.50")),
        )
        .await;
    assert_eq!(booked.status, 201, "{booked:?}");
    assert_eq!(
        server
            .call(
                "POST",
                "/api/v1/accounts/7/cash",
                Some(cash("withdrawal", "50.50"))
            )
            .await
            .status,
        201
    );
    let again = server
        .call(
            "POST",
            "/api/v1/accounts/7/cash",
            Some(cash("deposit", "250.50")),
        )
        .await;
    assert_eq!(again.status, 422, "a movement is booked once: {again:?}");
    for wrong in [
        cash("deposit", "-1"),
        cash("deposit", "0"),
        cash("deposit", "1.001"),
        cash("gift", "1"),
    ] {
        assert_eq!(
            server
                .call("POST", "/api/v1/accounts/7/cash", Some(wrong))
                .await
                .status,
            422
        );
    }
    let account = server.call("GET", "/api/v1/accounts/7", None).await.json();
    assert_eq!(
        (&account["balance"], &account["currency"], &account["state"]),
        (&json!("10200.00"), &json!("USD"), &json!("healthy"))
    );
    assert_eq!(
        (&account["leverage"], &account["leverage_from"]),
        (&json!("100"), &json!("group"))
    );
    let list = server.call("GET", "/api/v1/accounts", None).await.json();
    assert_eq!(
        (&list["items"][0]["name"], &list["next"]),
        (&json!("Demo"), &Value::Null)
    );
    let portfolio = server
        .call("GET", "/api/v1/trading/7/portfolio", None)
        .await
        .json();
    assert_eq!(
        (&portfolio["equity"], &portfolio["pnl"]),
        (&json!("10200.00"), &json!("0.00"))
    );
    assert_eq!(
        server.call("GET", "/api/v1/accounts/8", None).await.status,
        404
    );
    let ladder = server.call("GET", "/api/v1/margin", None).await.json();
    assert_eq!(ladder["items"][0]["account"], 7);
    let exposure = server.call("GET", "/api/v1/exposure", None).await.json();
    assert_eq!(
        (
            &exposure["items"][0]["net"],
            &exposure["items"][0]["symbol"]
        ),
        (&json!("1.00"), &json!("EUR/USD"))
    );
    server.end().await;
}

#[tokio::test]
async fn market_views_show_the_newest() {
    let server = Server::start().await;
    server.desk.quote(EURUSD, 108_512, 108_520);
    let quotes = server
        .call("GET", "/api/v1/quotes?symbols=EUR/USD", None)
        .await
        .json();
    let quote = &quotes["items"][0];
    assert_eq!(
        (&quote["bid"], &quote["ask"], &quote["spread_points"]),
        (&json!("1.08512"), &json!("1.08520"), &json!("8"))
    );
    assert_eq!(
        (&quote["te"], &quote["source"], &quote["delayed"]),
        (&Value::Null, &json!("simulator"), &json!(false))
    );
    let list = server.call("GET", "/api/v1/instruments", None).await.json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        (
            &list["items"][0]["symbol"],
            &list["items"][0]["contract_size"]
        ),
        (&json!("EUR/USD"), &json!("100000"))
    );
    assert_eq!(
        (&list["items"][0]["bid"], &list["items"][1]["bid"]),
        (&json!("1.08512"), &Value::Null)
    );
    let bars = server
        .call("GET", "/api/v1/bars?symbol=EUR/USD&span=1m&side=mid", None)
        .await
        .json();
    assert_eq!(
        (&bars["side"], &bars["items"][0]["c"]),
        (&json!("mid"), &json!("1.085160")),
        "{bars}"
    );
    let data = server
        .call(
            "GET",
            "/api/v1/market/data?symbols=EUR/USD&type=rates",
            None,
        )
        .await
        .json();
    assert_eq!(
        (data["rates"].as_array().map(Vec::len), &data["news"]),
        (Some(1), &json!([]))
    );
    server.end().await;
}

#[tokio::test]
async fn alerts_are_taken_at_the_revision_that_was_seen() {
    let server = Server::start().await;
    let id = 7 << 53;
    server.desk.raise(alert(id));
    let list = server
        .call(
            "GET",
            "/api/v1/alerts?state=firing&severity=critical,emergency",
            None,
        )
        .await;
    let tag = list.header("etag").expect("an ETag").to_owned();
    let items = list.json()["items"].clone();
    assert_eq!(
        (&items[0]["id"], &items[0]["state"]),
        (&json!(id.to_string()), &json!("firing"))
    );
    let headers = format!("Authorization: Bearer {SECRET}\r\nIf-None-Match: {tag}\r\n");
    let same = server
        .send(
            "GET",
            "/api/v1/alerts?state=firing&severity=critical,emergency",
            &headers,
            None,
        )
        .await;
    assert_eq!(same.status, 304);
    assert_eq!(
        server
            .call("GET", "/api/v1/alerts?state=resolved", None)
            .await
            .json()["items"],
        json!([])
    );
    let ack = format!("/api/v1/alerts/{id}/ack");
    let at = |revision: &str| format!("Authorization: Bearer {SECRET}\r\nIf-Match: {revision}\r\n");
    let note = Some(json!({ "note": "called the client" }));
    assert_eq!(server.call("POST", &ack, note.clone()).await.status, 428);
    assert_eq!(
        server
            .send("POST", &ack, &at("9"), note.clone())
            .await
            .status,
        412
    );
    for wrong in [None, Some(json!({ "note": "called\u{0}" }))] {
        let refused = server.send("POST", &ack, &at("1"), wrong).await;
        assert_eq!(
            (refused.status, &refused.json()["field"]),
            (422, &json!("note"))
        );
    }
    let taken = server.send("POST", &ack, &at("\"1\""), note.clone()).await;
    assert_eq!(
        (
            taken.status,
            &taken.json()["state"],
            &taken.json()["acked_by"]
        ),
        (200, &json!("acknowledged"), &json!("administrator"))
    );
    assert_eq!(server.send("POST", &ack, &at("1"), note).await.status, 412);
    let snooze = format!("/api/v1/alerts/{id}/snooze");
    let past = server
        .send(
            "POST",
            &snooze,
            &at("2"),
            Some(json!({ "note": "x", "until": 1 })),
        )
        .await;
    assert_eq!(past.json()["field"], "until");
    let timeline = server
        .call("GET", &format!("/api/v1/alerts/{id}/timeline"), None)
        .await
        .json();
    assert_eq!(timeline["items"][0]["by"], "system");
    let evidence = server
        .call("GET", &format!("/api/v1/alerts/{id}/evidence"), None)
        .await
        .json();
    assert_eq!(
        (&evidence["chart"][0]["bid"], &evidence["symbol"]),
        (&json!("1.08512"), &json!("EUR/USD"))
    );
    assert_eq!(
        server.call("GET", "/api/v1/alerts/5", None).await.status,
        404
    );
    server.end().await;
}

#[tokio::test]
async fn the_desk_is_driven_and_shown() {
    let server = Server::start().await;
    let close_only =
        json!({ "scope": "instrument", "id": "EUR/USD", "mode": "close_only", "note": "news" });
    assert_eq!(
        server
            .call("POST", "/api/v1/modes", Some(close_only))
            .await
            .status,
        200
    );
    let kill = json!({ "scope": "account", "id": 7, "on": true, "note": "stolen phone" });
    assert_eq!(
        server.call("POST", "/api/v1/kill", Some(kill)).await.status,
        200
    );
    let desk = server.call("GET", "/api/v1/desk", None).await.json();
    assert_eq!(
        (&desk["modes"][0]["id"], &desk["modes"][0]["mode"]),
        (&json!("EUR/USD"), &json!("close_only"))
    );
    assert_eq!(
        (&desk["kills"][0]["scope"], &desk["kills"][0]["name"]),
        (&json!("account"), &json!("Demo"))
    );
    assert_eq!(
        (
            &desk["modes"][0]["allow_reducing"],
            &desk["kills"][0]["also"]
        ),
        (&json!(true), &json!([]))
    );
    let narrowed = json!({ "scope": "house", "also": { "symbol": "EUR/USD", "trader": 3 }, "on": true,
        "allow_reducing": false, "note": "one strategy of his" });
    assert_eq!(
        server
            .call("POST", "/api/v1/kill", Some(narrowed))
            .await
            .status,
        200
    );
    let desk = server.call("GET", "/api/v1/desk", None).await.json();
    let house = desk["kills"]
        .as_array()
        .and_then(|kills| kills.iter().find(|kill| kill["scope"] == "house"))
        .expect("the switch is shown");
    let also: Vec<_> = house["also"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| (part["scope"].clone(), part["id"].clone()))
        .collect();
    assert_eq!(
        also,
        [
            (json!("instrument"), json!("EUR/USD")),
            (json!("trader"), json!(3))
        ]
    );
    assert_eq!(house["allow_reducing"], json!(false));
    assert_eq!(
        (&desk["accounts"], &desk["journal"]["state"], &desk["demo"]),
        (&json!(1), &json!("good"), &json!(true))
    );
    let release = json!({ "scope": "account", "id": 7, "on": false, "note": "found it" });
    let alone = server.call("POST", "/api/v1/kill", Some(release)).await;
    assert_eq!(
        (alone.status, &alone.json()["reasons"][0]["name"]),
        (422, &json!("second_person_missing"))
    );
    for wrong in [
        json!({ "scope": "house", "mode": "halt", "note": " " }),
        json!({ "scope": "house", "mode": "halt", "note": "x\u{0}y" }),
        json!({ "scope": "instrument", "mode": "halt", "note": "x" }),
        json!({ "scope": "group", "id": 70_000, "mode": "halt", "note": "x" }),
    ] {
        assert_eq!(
            server
                .call("POST", "/api/v1/modes", Some(wrong.clone()))
                .await
                .status,
            422,
            "{wrong}"
        );
    }
    let halt = json!({ "symbol": "XAU/USD", "on": true, "note": "rumour" });
    assert_eq!(
        server
            .call("POST", "/api/v1/halts", Some(halt))
            .await
            .status,
        200
    );
    assert_eq!(
        server.call("GET", "/api/v1/desk", None).await.json()["halted"],
        json!(["XAU/USD"])
    );
    let desk = server.call("GET", "/api/v1/desk", None).await.json();
    let found = &desk["halts"][0];
    assert_eq!(
        (
            &found["symbol"],
            &found["by_person"],
            &found["awaiting_resume"]
        ),
        (&json!("XAU/USD"), &json!(true), &json!(false)),
        "{desk}"
    );
    assert!(found["since"].as_u64().is_some_and(|since| since > 0));
    let link = server
        .call(
            "POST",
            "/api/v1/links/1/mode",
            Some(json!({ "mode": "read_only", "note": "the broker asked for it" })),
        )
        .await;
    assert_eq!(link.status, 200, "{link:?}");
    for (path, body, status) in [
        (
            "/api/v1/links/99/mode",
            json!({ "mode": "live", "note": "why" }),
            404,
        ),
        (
            "/api/v1/links/1/mode",
            json!({ "mode": "live", "note": " " }),
            422,
        ),
        ("/api/v1/links/1/mode", json!({ "mode": "live" }), 422),
    ] {
        let refused = server.call("POST", path, Some(body)).await;
        assert_eq!(refused.status, status, "{path}: {refused:?}");
    }
    let desk = server.call("GET", "/api/v1/desk", None).await.json();
    assert_eq!(
        (&desk["links"][0]["mode"], &desk["links"][0]["manual"]),
        (&json!("read_only"), &json!(true))
    );
    let scenario = server
        .call(
            "POST",
            "/api/v1/demo/scenario",
            Some(json!({ "scenario": "flash_crash" })),
        )
        .await;
    assert_eq!(scenario.status, 204);
    assert_eq!(
        server.call("GET", "/api/v1/desk", None).await.json()["scenario"],
        "flash_crash"
    );
    server.end().await;
}

#[tokio::test]
async fn a_desk_that_cannot_act_says_what_to_do() {
    let server = Server::start().await;
    let phone = || "+62 21 0000".to_owned();
    let away = CoreError::Away("the database is opening".to_owned());
    for (error, status, code, words) in [
        (CoreError::Busy, 503, 10_050, "again"),
        (
            CoreError::Closed { phone: phone() },
            503,
            10_051,
            "+62 21 0000; nothing was changed",
        ),
        (
            CoreError::Poisoned { phone: phone() },
            503,
            10_056,
            "+62 21 0000: it may have been recorded",
        ),
        (away, 503, 10_057, "opening"),
        (CoreError::Stopped, 503, 10_052, "restart"),
        (CoreError::Timeout, 504, 10_053, "client id"),
    ] {
        *server.desk.failing.lock().expect("not poisoned") = Some(error);
        let answer = server
            .call("POST", "/api/v1/orders", Some(order_body("late")))
            .await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &json!(code))
        );
        assert!(
            answer.json()["detail"]
                .as_str()
                .is_some_and(|d| d.contains(words)),
            "{answer:?}"
        );
    }
    server.end().await;
}

#[tokio::test]
async fn health_and_metrics_tell_the_truth() {
    let server = Server::start().await;
    assert_eq!(server.send("GET", "/livez", "", None).await.text, "ok\n");
    let ready = server.call("GET", "/readyz", None).await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({ "ready": true }))
    );
    let verbose = server.call("GET", "/readyz?verbose", None).await.json();
    assert_eq!(
        verbose["parts"][1],
        json!({ "name": "store", "ok": false, "required": false, "detail": "starting" })
    );
    let text = server.call("GET", "/metrics", None).await.text;
    assert!(
        text.contains(concat!(
            "siaga_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"} 1"
        )),
        "{text}"
    );
    assert!(text.contains("siaga_http_request_seconds{quantile=\"0.99\"}"));
    let mut names = std::collections::BTreeSet::new();
    for line in text.lines().filter(|l| l.starts_with("# TYPE ")) {
        assert!(names.insert(line), "twice: {line}");
    }
    let before = server.metric("siaga_http_requests_refused_total").await;
    server.send("GET", "/api/v1/desk", "", None).await;
    assert_eq!(
        server.metric("siaga_http_requests_refused_total").await,
        before + 1.0
    );
    assert!(server.desk.now().0 > 0);
    server.end().await;
}
