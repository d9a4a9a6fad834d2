//! A client trades on their own account by the routes that the desk has for everybody's, and on no other one.
#![allow(clippy::disallowed_methods)] // it waits for prices and fills, with a deadline

use std::time::Instant;

use serde_json::{Value, json};

use crate::house::{Answer, HOUSE, House, Person};
use crate::program::{LOOK_AGAIN, PATIENCE};

/// No account, order or position has it.
const NOBODYS: u64 = 4_000_000;

/// Asks until the answer is so.
async fn wait(
    house: &House,
    by: &Person,
    path: &str,
    what: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = house.ask("GET", path, Some(by), None);
        if answer.status == 200 && is_so(&answer.body) {
            return answer.body;
        }
        assert!(Instant::now() < until, "{what} did not come: {answer:?}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Somebody whom the limits of a minute do not stop while they look again and again.
async fn person(house: &House, role: &str) -> Person {
    let person = house.person(role, HOUSE, None).await;
    // Before the first request of the session, which would be remembered for some seconds.
    house
        .run(format!(
            "UPDATE users SET tier = 'bridge' WHERE id = '{}';",
            person.id
        ))
        .await;
    person
}

/// A market with prices and a broker that answers.
async fn open_market(house: &House, admin: &Person) {
    wait(house, admin, "/api/v1/desk", "the broker's link", |desk| {
        desk["links"][0]["mode"] == "live"
    })
    .await;
    let path = "/api/v1/quotes?symbols=EUR/USD";
    wait(house, admin, path, "a price", |quotes| {
        quotes["items"][0]["feed"] == "live"
    })
    .await;
}

/// Somebody with play money, and the account that it is on.
async fn client(house: &House) -> (Person, u64) {
    let person = person(house, "end_user").await;
    let asked = json!({"user_id": person.id, "account_type": "demo"});
    let path = "/api/v1/trading/account/open";
    let opened = house.ask("POST", path, Some(&person), Some(&asked));
    assert_eq!(opened.status, 200, "{opened:?}");
    let account = opened.body["account_id"].as_u64().expect("an account");
    let path = format!("/api/v1/trading/{account}/portfolio");
    wait(house, &person, &path, "the play money", |portfolio| {
        portfolio["balance"] == "10000.00"
    })
    .await;
    (person, account)
}

fn market(account: u64, client_id: &str) -> Value {
    json!({"account": account, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "client_id": client_id})
}

/// Far below the market: it waits.
fn resting(account: u64, client_id: &str) -> Value {
    json!({"account": account, "symbol": "EUR/USD", "side": "buy", "kind": "limit", "qty": "0.10", "price": "0.90000", "client_id": client_id})
}

/// The routes of a trader for an account, an order and a position of it.
fn routes(account: u64, order: u64, position: u64) -> [(&'static str, String, Option<Value>); 8] {
    let step = |step: &str| ("POST", format!("/api/v1/accounts/{account}/{step}"), None);
    [
        (
            "POST",
            "/api/v1/orders".to_owned(),
            Some(resting(account, "strange")),
        ),
        (
            "POST",
            "/api/v1/orders/preview".to_owned(),
            Some(resting(account, "strange")),
        ),
        (
            "DELETE",
            format!("/api/v1/orders/{order}?account={account}"),
            None,
        ),
        (
            "POST",
            format!("/api/v1/positions/{position}/close"),
            Some(json!({"account": account, "client_id": "strange"})),
        ),
        (
            "PUT",
            format!("/api/v1/positions/{position}/protection"),
            Some(json!({"account": account, "stop_loss": "0.80000"})),
        ),
        step("acknowledge-risk"),
        step("confirm-call"),
        step("logged-in"),
    ]
}

fn number(answer: &Answer, status: u16, at: &str) -> u64 {
    assert_eq!(answer.status, status, "{answer:?}");
    let number = answer.body.pointer(at).and_then(Value::as_u64);
    number.unwrap_or_else(|| panic!("{at}: {answer:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_orders_cancels_protects_and_closes_on_their_own_account() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = person(&house, "super_admin").await;
    open_market(&house, &admin).await;
    let (rina, mine) = client(&house).await;
    let ask =
        |method: &str, path: &str, body: Option<&Value>| house.ask(method, path, Some(&rina), body);

    let order = resting(mine, "waits");
    let would = ask("POST", "/api/v1/orders/preview", Some(&order));
    assert_eq!(
        (would.status, &would.body["reasons"]),
        (200, &json!([])),
        "{would:?}"
    );
    let placed = ask("POST", "/api/v1/orders", Some(&order));
    let id = number(&placed, 201, "/order/id");
    let shown = &placed.body["order"];
    assert_eq!(
        (&shown["account"], &shown["origin"], &shown["link"]),
        (&json!(mine), &json!("client"), &json!("")),
        "how the house routes is the desk's"
    );
    let again = ask("POST", "/api/v1/orders", Some(&order));
    assert_eq!(
        (number(&again, 201, "/order/id"), &again.body["repeated"]),
        (id, &json!(true)),
        "a repeated order gets the first answer again"
    );
    // What is the desk's to say: an order of a desk would pass the client's own margin call.
    for field in ["desk", "trader", "strategy"] {
        let mut named = resting(mine, "named");
        named[field] = json!(1);
        for path in ["/api/v1/orders", "/api/v1/orders/preview"] {
            let refused = ask("POST", path, Some(&named));
            assert_eq!(
                (refused.status, &refused.body["field"]),
                (422, &json!(field)),
                "{refused:?}"
            );
        }
    }
    let cancel = format!("/api/v1/orders/{id}?account={mine}");
    let cancelled = ask("DELETE", &cancel, None);
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let path = format!("/api/v1/orders?account={mine}&state=all");
    wait(&house, &rina, &path, "the end of the order", |orders| {
        orders["items"][0]["state"] == "cancelled"
    })
    .await;
    let gone = ask("DELETE", &cancel, None);
    assert_eq!(gone.status, 404, "{gone:?}");

    number(
        &ask("POST", "/api/v1/orders", Some(&market(mine, "buys"))),
        201,
        "/order/id",
    );
    let portfolio = format!("/api/v1/trading/{mine}/portfolio");
    let held = wait(&house, &rina, &portfolio, "the fill", |portfolio| {
        portfolio["positions"][0]["id"].is_u64()
    })
    .await;
    let position = held["positions"][0]["id"].as_u64().expect("a position");
    let protect = json!({"account": mine, "stop_loss": "0.80000"});
    let path = format!("/api/v1/positions/{position}/protection");
    let protected = ask("PUT", &path, Some(&protect));
    assert_eq!(protected.status, 200, "{protected:?}");
    wait(&house, &rina, &portfolio, "the stop loss", |portfolio| {
        portfolio["positions"][0]["stop_loss"] == "0.80000"
    })
    .await;
    let path = format!("/api/v1/positions/{position}/close");
    let named = json!({"account": mine, "client_id": "sells", "desk": 1});
    let refused = ask("POST", &path, Some(&named));
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (422, &json!("desk")),
        "{refused:?}"
    );
    let close = json!({"account": mine});
    let closed = house.ask_once("POST", &path, &rina, "sells", Some(&close));
    number(&closed, 201, "/order/id");
    wait(&house, &rina, &portfolio, "the close", |portfolio| {
        portfolio["positions"] == json!([])
    })
    .await;

    // The desk puts the account under review: the core lets it close and refuses what opens, to its owner too.
    let stop = json!({"on": true, "note": "asked by telephone today"});
    let path = format!("/api/v1/accounts/{mine}/review");
    let stopped = house.ask("POST", &path, Some(&admin), Some(&stop));
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let refused = ask("POST", "/api/v1/orders", Some(&market(mine, "stopped")));
    assert_eq!(
        (refused.status, &refused.body["name"]),
        (422, &json!("refused")),
        "{refused:?}"
    );
    // What was refused stands in the audit log under the number of the person, not of the desk.
    let me = ask("GET", "/api/v1/auth/me", None);
    let actor = number(&me, 200, "/user/actor");
    let path = format!("/api/v1/audit?actor=core:{actor}");
    let log = wait(&house, &admin, &path, "the refusal", |log| {
        log["items"][0].is_object()
    })
    .await;
    assert_eq!(log["items"][0]["entity_id"], mine.to_string(), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_clients_does_not_exist() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = person(&house, "super_admin").await;
    open_market(&house, &admin).await;
    let (rina, hers) = client(&house).await;
    let (budi, his) = client(&house).await;
    let ask = |by: &Person, method: &str, path: &str, body: Option<&Value>| {
        house.ask(method, path, Some(by), body)
    };
    let waits = ask(
        &rina,
        "POST",
        "/api/v1/orders",
        Some(&resting(hers, "waits")),
    );
    let order = number(&waits, 201, "/order/id");
    let bought = ask(&rina, "POST", "/api/v1/orders", Some(&market(hers, "buys")));
    number(&bought, 201, "/order/id");
    let portfolio = format!("/api/v1/trading/{hers}/portfolio");
    let held = wait(&house, &rina, &portfolio, "the fill", |portfolio| {
        portfolio["positions"][0]["id"].is_u64()
    })
    .await;
    let position = held["positions"][0]["id"].as_u64().expect("a position");

    // Her account, and one that nobody has, are the same to him; so are her order and position on his own account, and none.
    let strange = routes(hers, order, position)
        .into_iter()
        .zip(routes(NOBODYS, NOBODYS, NOBODYS));
    let mixed = routes(his, order, position)
        .into_iter()
        .zip(routes(his, NOBODYS, NOBODYS))
        .skip(2)
        .take(3);
    for ((method, path, body), (_, unknown, nothing)) in strange.chain(mixed) {
        let answer = ask(&budi, method, &path, body.as_ref());
        let none = ask(&budi, method, &unknown, nothing.as_ref());
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        assert_eq!(
            (none.status, &none.body),
            (404, &answer.body),
            "{method} {path} tells what is there"
        );
    }
    // Nor does he close her position by an order on his own account.
    let mut names_hers = market(his, "names-hers");
    names_hers["side"] = json!("sell");
    names_hers["position"] = json!(position);
    let mut names_none = names_hers.clone();
    names_none["position"] = json!(NOBODYS);
    names_none["client_id"] = json!("names-none");
    let [hers_named, none_named] =
        [&names_hers, &names_none].map(|order| ask(&budi, "POST", "/api/v1/orders", Some(order)));
    assert!(
        matches!(hers_named.status, 404 | 422),
        "{hers_named:?}: it is not his"
    );
    assert_eq!(
        (hers_named.status, &hers_named.body),
        (none_named.status, &none_named.body)
    );
    for part in ["", "/standing"] {
        let [answer, none] = [hers, NOBODYS].map(|account| {
            let path = format!("/api/v1/trading/accounts/{account}{part}");
            ask(&budi, "GET", &path, None)
        });
        assert_eq!(answer.status, 404, "{part}: {answer:?}");
        assert_eq!((none.status, &none.body), (404, &answer.body), "{part}");
    }
    let orders = format!("/api/v1/orders?account={hers}");
    let still = ask(&rina, "GET", &orders, None);
    assert_eq!(still.body["items"][0]["id"], order, "{still:?}");
    let still = ask(&rina, "GET", &portfolio, None);
    assert_eq!(still.body["positions"][0]["id"], position, "{still:?}");
}

/// What a page of theirs reads: the market as all see it, their account, and what stands between it and orders.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_reads_the_market_their_account_and_what_stops_it() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = person(&house, "super_admin").await;
    open_market(&house, &admin).await;
    let (rina, mine) = client(&house).await;
    let ask = |path: &str| house.ask("GET", path, Some(&rina), None);

    let listed = ask("/api/v1/instruments");
    let euro = listed.body["items"].as_array().and_then(|items| {
        let mut items = items.iter();
        items.find(|one| one["symbol"] == "EUR/USD")
    });
    let euro = euro.unwrap_or_else(|| panic!("{listed:?}"));
    assert_eq!(euro["awaiting_resume"], false, "{euro}");
    for field in ["contract_size", "qty_min", "qty_step", "tick"] {
        assert!(euro[field].is_string(), "{field}: {euro}");
    }
    for path in [
        "/api/v1/quotes?symbols=EUR/USD",
        "/api/v1/bars?symbol=EUR/USD&span=1s",
    ] {
        wait(&house, &rina, path, "the market", |found| {
            found["items"][0].is_object()
        })
        .await;
    }
    let partner = house.person("ib_partner", HOUSE, None).await;
    for path in [
        "/api/v1/instruments",
        "/api/v1/quotes",
        "/api/v1/bars?symbol=EUR/USD&span=1s",
    ] {
        let shut = house.ask("GET", path, Some(&partner), None);
        assert_eq!(shut.status, 403, "{path}: {shut:?}");
    }

    let order = house.ask(
        "POST",
        "/api/v1/orders",
        Some(&rina),
        Some(&resting(mine, "waits")),
    );
    let id = number(&order, 201, "/order/id");
    let path = format!("/api/v1/trading/accounts/{mine}");
    let held = wait(&house, &rina, &path, "the order", |held| {
        held["orders"][0]["id"] == id
    })
    .await;
    assert_eq!(held["orders"][0]["link"], "", "how the house routes");
    for (field, value) in [
        ("id", json!(mine)),
        ("currency", json!("USD")),
        ("equity", json!("10000.00")),
        ("call", json!("none")),
        ("positions", json!([])),
    ] {
        assert_eq!(held[field], value, "{field}: {held}");
    }
    for field in ["warning_pct", "restricted_pct", "to_warning", "to_stop_out"] {
        assert!(held[field].is_string(), "{field}: {held}");
    }
    for field in ["link", "group", "own", "margins", "closeout"] {
        assert!(held.get(field).is_none(), "{field} is the desk's: {held}");
    }

    let path = format!("/api/v1/trading/accounts/{mine}/standing");
    let free = ask(&path);
    assert_eq!(
        (free.status, &free.body["stops"], &free.body["demo"]),
        (200, &json!([]), &json!(true)),
        "{free:?}"
    );
    let mode = json!({"scope": "instrument", "id": "EUR/USD", "mode": "close_only", "note": "asked by telephone today"});
    let set = house.ask("POST", "/api/v1/modes", Some(&admin), Some(&mode));
    assert_eq!(set.status, 200, "{set:?}");
    let stopped = json!([{"symbol": "EUR/USD", "mode": "close_only", "allow_reducing": true}]);
    wait(&house, &rina, &path, "the stop", |standing| {
        standing["stops"] == stopped
    })
    .await;
    // The desk itself stays shut.
    for path in ["/api/v1/desk", "/api/v1/alerts", "/api/v1/margin"] {
        assert_eq!(ask(path).status, 403, "{path}");
    }
}

/// After a margin call its client goes on by their own word, without the desk.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_acknowledges_the_risk_after_a_margin_call() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = person(&house, "super_admin").await;
    open_market(&house, &admin).await;
    let (rina, mine) = client(&house).await;
    let step = |by: &Person, step: &str| {
        let path = format!("/api/v1/accounts/{mine}/{step}");
        house.ask("POST", &path, Some(by), None)
    };
    for early in ["acknowledge-risk", "confirm-call"] {
        let refused = step(&rina, early);
        assert_eq!(
            (refused.status, &refused.body["reasons"][0]["name"]),
            (422, &json!("margin_call_step")),
            "{refused:?}"
        );
    }
    let signed_in = step(&rina, "logged-in");
    assert_eq!(signed_in.status, 200, "{signed_in:?}");

    let mut order = market(mine, "buys");
    order["qty"] = json!("1.00");
    let bought = house.ask("POST", "/api/v1/orders", Some(&rina), Some(&order));
    number(&bought, 201, "/order/id");
    let path = format!("/api/v1/trading/accounts/{mine}");
    wait(&house, &rina, &path, "the fill", |held| {
        held["positions"][0]["id"].is_u64()
    })
    .await;
    // Most of the play money goes: what is left is below the restriction.
    let taken = json!({"kind": "correction", "amount": "-9550.00", "reference": "call"});
    let cash = format!("/api/v1/accounts/{mine}/cash");
    let booked = house.ask("POST", &cash, Some(&admin), Some(&taken));
    assert_eq!(booked.status, 201, "{booked:?}");
    wait(&house, &rina, &path, "the margin call", |held| {
        held["call"] == "acknowledge"
    })
    .await;
    let stranger = house.person("end_user", HOUSE, None).await;
    assert_eq!(step(&stranger, "acknowledge-risk").status, 404);
    let done = step(&rina, "acknowledge-risk");
    assert_eq!(done.status, 200, "{done:?}");
    wait(&house, &rina, &path, "the end of the call", |held| {
        held["call"] == "none"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_or_has_to_enrol_first_trades_on_nothing() {
    let Some(house) = House::open().await else {
        return;
    };
    let (rina, mine) = client(&house).await;
    let asked = json!({"name": "looks", "scopes": ["desk.read"]});
    let made = house.ask("POST", "/api/v1/auth/keys", Some(&rina), Some(&asked));
    assert_eq!(made.status, 201, "{made:?}");
    let reader = Person {
        id: rina.id,
        token: made.body["key"].as_str().expect("a key").to_owned(),
    };
    let path = format!("/api/v1/trading/{mine}/portfolio");
    assert_eq!(house.ask("GET", &path, Some(&reader), None).status, 200);
    let auditor = house.person("auditor", HOUSE, None).await;
    let partner = house.person("ib_partner", HOUSE, None).await;
    // Before the first request of the session, which would be remembered for some seconds.
    let fresh = house.person("dealer", HOUSE, None).await;
    house
        .run(format!(
            "UPDATE sessions SET confirmed_at = NULL WHERE user_id = '{}';",
            fresh.id
        ))
        .await;
    for (method, path, body) in routes(mine, 1, 1) {
        for (who, person, name) in [
            ("a key that reads", &reader, None),
            ("an auditor", &auditor, None),
            ("a partner", &partner, None),
            ("without a second factor", &fresh, Some("enrol_first")),
        ] {
            let answer = house.ask(method, &path, Some(person), body.as_ref());
            assert_eq!(answer.status, 403, "{who}: {method} {path}: {answer:?}");
            if let Some(name) = name {
                assert_eq!(answer.body["name"], name, "{who}: {method} {path}");
            }
        }
    }
}
