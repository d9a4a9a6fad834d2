//! A write that comes twice because its answer was lost is done once: every route that writes takes an
//! `Idempotency-Key`, or `keys.txt` says why it does not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::house::{HOUSE, House, Person, key, table};
use crate::strangers::{description, rows};

const KEYLESS: &str = include_str!("keys.txt");
const WRITES: [&str; 4] = ["post", "put", "patch", "delete"];
/// The core knows an order by the id its sender gave, and answers a second one as it did the first.
const BY_CLIENT_ID: [&str; 2] = ["POST /api/v1/orders", "POST /api/v1/positions/{id}/close"];
/// One more than a key may have.
const TOO_LONG: usize = 101;
const KEY_REUSED: u64 = 11_006;

/// `METHOD path` of every route that writes; whether it names the header, and the statuses it may answer.
fn writes() -> BTreeMap<String, (bool, BTreeSet<String>)> {
    let document = description();
    let mut writes = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in WRITES {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let parameters = operation["parameters"].as_array();
            let names_it = parameters.into_iter().flatten().any(|parameter| {
                parameter["in"] == "header" && parameter["name"] == "Idempotency-Key"
            });
            let answers = operation["responses"].as_object().expect("responses");
            let route = format!("{} {path}", method.to_ascii_uppercase());
            writes.insert(route, (names_it, answers.keys().cloned().collect()));
        }
    }
    writes
}

/// A write that is added takes the key or is added to the list with its reason, or this fails.
#[test]
fn every_write_takes_a_key_or_says_why_not() {
    let writes = writes();
    let keyless: BTreeSet<String> = table(KEYLESS)
        .into_iter()
        .map(|cells| {
            let [route, reason] = cells[..] else {
                panic!("a route and a reason: {cells:?}");
            };
            assert!(!reason.is_empty(), "{route}: why not?");
            route.to_owned()
        })
        .collect();
    let without: BTreeSet<String> = writes
        .iter()
        .filter(|(_, (names_it, _))| !names_it)
        .map(|(route, _)| route.clone())
        .collect();
    let forgotten: Vec<_> = without.difference(&keyless).collect();
    let gone: Vec<_> = keyless.difference(&without).collect();
    assert!(
        forgotten.is_empty() && gone.is_empty(),
        "neither the header nor a reason in keys.txt: {forgotten:#?}; takes it, or is no route any more: {gone:#?}"
    );
    for (route, (_, answers)) in writes.iter().filter(|(_, (names_it, _))| *names_it) {
        assert!(answers.contains("422"), "{route}: a key that is none");
        assert!(
            answers.contains("409") || BY_CLIENT_ID.contains(&route.as_str()),
            "{route}: a key of another request"
        );
    }
}

/// What the description says of the header is so: every route that names it looks at it before anything of the body.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_names_the_key_reads_it() {
    let Some(house) = House::open().await else {
        return;
    };
    let own = house.person("super_admin", HOUSE, None).await;
    let addresses: BTreeMap<String, String> = rows()
        .into_iter()
        .map(|row| (format!("{} {}", row.method, row.path), row.address))
        .collect();
    let long = "k".repeat(TOO_LONG);
    let mut wrong = Vec::new();
    for (route, (names_it, _)) in writes() {
        if !names_it || BY_CLIENT_ID.contains(&route.as_str()) {
            continue;
        }
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let address = addresses.get(&route).map_or(path, String::as_str);
        let answer = house.ask_once(method, address, &own, &long, None);
        if answer.status != 422 || answer.body["field"] != "Idempotency-Key" {
            wrong.push(format!("{route}: {} {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Asks twice under one key and once with something else under it; gives the answer.
fn twice(house: &House, by: &Person, path: &str, body: &Value, other: &Value) -> Value {
    let ask = |body: &Value| house.ask_once("POST", path, by, "the-same", Some(body));
    let (first, again, reused) = (ask(body), ask(body), ask(other));
    assert_eq!(first.status, 201, "{path}: {}", first.body);
    assert_eq!((again.status, &again.body), (201, &first.body), "{path}");
    assert_eq!(
        (reused.status, reused.body["code"].as_u64()),
        (409, Some(KEY_REUSED)),
        "{path}: {}",
        reused.body
    );
    first.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_a_user_a_team_and_a_movement_of_money_that_come_twice_are_there_once() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = house.person("super_admin", HOUSE, None).await;
    let officer = house.person("compliance_officer", HOUSE, None).await;
    let client = house.person("end_user", HOUSE, None).await;

    let case = format!("/api/v1/aml/cases/{}", key("#511"));
    twice(
        &house,
        &officer,
        &format!("{case}/notes"),
        &json!({"text": "called the client today"}),
        &json!({"text": "wrote to the client today"}),
    );
    let file = house.ask("GET", &case, Some(&officer), None);
    let notes = file.body["notes"].as_array().map(Vec::len);
    assert_eq!(notes, Some(1), "{}", file.body);

    let made = twice(
        &house,
        &admin,
        "/api/v1/users",
        &json!({"email": "dina@contoh.id", "name": "Dina Dewanti", "role": "dealer"}),
        &json!({"email": "dani@contoh.id", "name": "Dani Dewanto", "role": "dealer"}),
    );
    assert_eq!(made["email"], "dina@contoh.id", "{made}");

    let made = twice(
        &house,
        &admin,
        "/api/v1/teams",
        &json!({"name": "Bandung"}),
        &json!({"name": "Medan"}),
    );
    assert_eq!(made["name"], "Bandung", "{made}");

    let listed = house.ask("GET", "/api/v1/accounts", Some(&admin), None);
    let accounts = listed.body["items"].as_array().expect("accounts");
    let in_dollars = accounts.iter().find(|account| account["currency"] == "USD");
    let account = in_dollars.expect("an account in dollars")["id"].as_u64();
    let account = account.expect("a number");
    house
        .run(format!(
            "INSERT INTO accounts_directory AS known (account, system, outside_id, user_id, org_id) VALUES ({account}, 'siaga', '{account}', '{id}', '{HOUSE}')
             ON CONFLICT (account) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id;",
            id = client.id
        ))
        .await;
    twice(
        &house,
        &client,
        "/api/v1/cash/requests",
        &json!({"account": account, "kind": "deposit", "amount": "10.00"}),
        &json!({"account": account, "kind": "deposit", "amount": "20.00"}),
    );
    let path = format!("/api/v1/cash/requests?account={account}");
    let asked = house.ask("GET", &path, Some(&client), None);
    let items = asked.body["items"].as_array().map(Vec::len);
    assert_eq!(items, Some(1), "{}", asked.body);
}
