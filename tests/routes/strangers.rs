//! Every route that names a row, called by whoever has no business with it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::house::{ANOTHER, Answer, HOUSE, House, Person, key, part, table};

const STRANGERS: &str = include_str!("strangers.txt");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The committed description of the API.
pub fn description() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let text = std::fs::read_to_string(file).expect("the description is committed");
    serde_json::from_str(&text).expect("JSON")
}

/// `METHOD path` of every route of the committed description, and whether it is open.
fn described() -> Vec<(String, String, bool)> {
    let document = description();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                // Only what needs nobody says a security of its own: an empty one.
                routes.push((
                    method.to_ascii_uppercase(),
                    path.clone(),
                    operation.get("security").is_some(),
                ));
            }
        }
    }
    routes
}

/// One row of the table.
pub struct Row {
    pub method: String,
    pub path: String,
    pub address: String,
    body: Option<Value>,
    shared: bool,
    owned: bool,
    form: bool,
}

impl Row {
    /// What a person gets for it.
    fn ask(&self, house: &House, by: &Person) -> Answer {
        if !self.form {
            return house.ask(&self.method, &self.address, Some(by), self.body.as_ref());
        }
        let fields = self.body.as_ref().and_then(Value::as_object);
        let parts = fields.into_iter().flatten().map(|(name, text)| {
            let text = text.as_str().expect("a part is text");
            (part(name, None), text.as_bytes().to_vec())
        });
        house.ask_form(&self.address, by, &parts.collect::<Vec<_>>())
    }
}

/// Writes keys of rows out, wherever they stand in a body.
fn write_keys_out(body: &mut Value) {
    match body {
        Value::String(text) => *text = key(text),
        Value::Array(items) => items.iter_mut().for_each(write_keys_out),
        Value::Object(fields) => fields.values_mut().for_each(write_keys_out),
        _ => {}
    }
}

pub fn rows() -> Vec<Row> {
    let row = |cells: Vec<&str>| {
        let [route, keys, body, note] = cells[..] else {
            panic!("four cells: {cells:?}");
        };
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let mut address = String::new();
        let mut keys = keys.split_whitespace().map(key);
        for piece in path.split('/').skip(1) {
            address.push('/');
            match piece.starts_with('{') {
                true => address.push_str(&keys.next().expect("a key for each parameter")),
                false => address.push_str(piece),
            }
        }
        assert!(keys.next().is_none(), "{path}: more keys than parameters");
        let body = (!body.is_empty()).then(|| {
            let mut body = serde_json::from_str(body).expect("JSON");
            write_keys_out(&mut body);
            body
        });
        Row {
            method: method.to_owned(),
            path: path.to_owned(),
            address,
            body,
            shared: note == "shared",
            owned: note == "owned",
            form: note == "form",
        }
    };
    table(STRANGERS).into_iter().map(row).collect()
}

/// A route that is added is added to the table too, or this fails.
#[test]
fn every_route_that_names_a_row_is_walked() {
    let named = described()
        .into_iter()
        .filter(|(_, path, is_open)| path.contains('{') && !is_open);
    let described: BTreeSet<String> = named
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let rows = rows();
    let by_address = rows.iter().filter(|row| row.path.contains('{'));
    let walked: BTreeSet<String> = by_address
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
    let missing: Vec<_> = described.difference(&walked).collect();
    let gone: Vec<_> = walked.difference(&described).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in strangers.txt: {missing:#?}; no route any more: {gone:#?}"
    );
}

/// An administrator of another organisation, somebody of the house whose role has nothing to do with any of it, and another client of the
/// house: of the role that the rows' owner has. For that client what clients reach by it does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_others_does_not_exist() {
    let Some(house) = House::open().await else {
        return;
    };
    let foreign = house.person("super_admin", ANOTHER, None).await;
    let editor = house.person("content_editor", HOUSE, None).await;
    let client = house.person("end_user", HOUSE, None).await;
    let mut wrong = Vec::new();
    for row in rows() {
        for (who, person) in [
            ("of another organisation", &foreign),
            ("without the role", &editor),
            ("of the same role", &client),
        ] {
            if row.shared && who == "of another organisation" {
                continue;
            }
            let answer = row.ask(&house, person);
            let shut = match (row.owned, who) {
                (true, "of the same role") => answer.status == 404,
                _ => matches!(answer.status, 403 | 404),
            };
            if !shut {
                wrong.push(format!(
                    "{} {} {who}: {} {}",
                    row.method, row.path, answer.status, answer.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Whom it is the work of is let in: the rows are there.
    let own = house.person("super_admin", HOUSE, None).await;
    for (list, row) in [
        ("crm/leads", "#3001"),
        ("kyc/cases", "#41"),
        ("aml/cases", "#511"),
        ("cash/requests", "#518"),
        ("users", "#11"),
    ] {
        let address = format!("/api/v1/{list}/{}", key(row));
        let answer = house.ask("GET", &address, Some(&own), None);
        assert_eq!(answer.status, 200, "{address}: {}", answer.body);
    }
}

/// A client sees their own account by the routes that the desk has for everybody's, and no other one.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_their_own_account_and_no_other() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = house.person("super_admin", HOUSE, None).await;
    let client = house.person("end_user", HOUSE, None).await;
    let listed = house
        .ask("GET", "/api/v1/accounts", Some(&admin), None)
        .body;
    let account = |n: usize| listed["items"][n]["id"].as_u64().expect("an account");
    let (mine, others) = (account(0), account(1));
    house
        .run(format!(
            "INSERT INTO accounts_directory AS known (account, system, outside_id, user_id, org_id) VALUES ({mine}, 'siaga', '{mine}', '{id}', '{HOUSE}')
             ON CONFLICT (account) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id;",
            id = client.id
        ))
        .await;
    let own = house.ask("GET", "/api/v1/trading/accounts", Some(&client), None);
    assert_eq!(own.status, 200, "{own:?}");
    assert_eq!(own.body["items"][0]["id"], mine, "{own:?}");
    assert!(own.body["items"][1].is_null(), "{own:?}");
    for (path, status) in [
        (format!("/api/v1/trading/{mine}/portfolio"), 200),
        (format!("/api/v1/trading/{others}/portfolio"), 404),
        (format!("/api/v1/orders?account={mine}&state=all"), 200),
        (format!("/api/v1/orders?account={others}&state=all"), 404),
        ("/api/v1/market/data".to_owned(), 200),
        // The desk's view of it stays the desk's.
        (format!("/api/v1/accounts/{mine}"), 403),
        ("/api/v1/accounts".to_owned(), 403),
        ("/api/v1/alerts".to_owned(), 403),
    ] {
        let answer = house.ask("GET", &path, Some(&client), None);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    let open = |person: &crate::house::Person, kind: &str| {
        let asked = json!({"user_id": client.id, "account_type": kind});
        house.ask(
            "POST",
            "/api/v1/trading/account/open",
            Some(person),
            Some(&asked),
        )
    };
    let again = open(&client, "live");
    assert_eq!(
        (again.status, again.body["account_id"].as_u64()),
        (200, Some(mine))
    );
    assert_eq!(open(&client, "contest").status, 422);
    for kind in ["live", "demo"] {
        assert_eq!(
            open(&admin, kind).status,
            404,
            "nobody asks for somebody else"
        );
    }
    let play = open(&client, "demo");
    assert_eq!(play.status, 200, "{play:?}");
    assert_eq!(
        open(&client, "demo").body["account_id"],
        play.body["account_id"],
        "asking again opens no second one"
    );
    let play = play.body["account_id"].as_u64().expect("an account");
    let leverage = |kind: &str| {
        let asked = json!({"user_id": client.id, "account_type": "demo", "leverage_type": kind});
        let path = "/api/v1/trading/account/open";
        house.ask("POST", path, Some(&client), Some(&asked)).status
    };
    for (kind, status) in [
        ("1:20", 200),
        ("1:20", 200),
        ("1:100000", 422),
        ("1:0", 422),
        ("20", 422),
    ] {
        assert_eq!(leverage(kind), status, "{kind}");
    }
    let listed = house
        .ask("GET", "/api/v1/trading/accounts", Some(&client), None)
        .body;
    let shown = listed["items"].as_array().and_then(|items| {
        let mut items = items.iter();
        items.find(|account| account["id"] == play).cloned()
    });
    let shown = shown.unwrap_or_else(|| panic!("{listed}"));
    for (field, value) in [
        ("account_type", "demo"),
        ("currency", "USD"),
        ("balance", "10000.00"),
        ("leverage", "20"),
    ] {
        assert_eq!(shown[field], value, "{shown}");
    }
    assert_eq!(listed["items"][0]["account_type"], "live", "{listed}");
    let stranger = house.person("end_user", HOUSE, None).await;
    let path = format!("/api/v1/trading/{play}/portfolio");
    for (person, status) in [(&client, 200), (&stranger, 404)] {
        assert_eq!(house.ask("GET", &path, Some(person), None).status, status);
    }
    let budi = house.person("end_user", HOUSE, None).await;
    let asks = |kind: &str, leverage: &str| {
        let asked = json!({"user_id": budi.id, "account_type": kind, "leverage_type": leverage});
        let path = "/api/v1/trading/account/open";
        house.ask("POST", path, Some(&budi), Some(&asked))
    };
    let opened = asks("demo", "group").body;
    let his = opened["account_id"].as_u64().expect("an account");
    let terms = json!({"leverage": 10, "note": "asked for by the risk desk"});
    let path = format!("/api/v1/accounts/{his}/terms");
    let lowered = house.ask("PUT", &path, Some(&admin), Some(&terms));
    assert_eq!(lowered.status, 200, "{lowered:?}");
    house
        .run(format!(
            "UPDATE accounts_directory SET account_type = 'live' WHERE account = {his};"
        ))
        .await;
    for (leverage, status) in [
        ("group", 422),
        ("1:20", 422),
        ("1:10", 200),
        ("1:5", 200),
        ("1:10", 422),
    ] {
        let answer = asks("live", leverage);
        assert_eq!(answer.status, status, "{leverage}: {}", answer.body);
    }
    let editor = house.person("content_editor", HOUSE, None).await;
    for (person, status) in [(&client, 201), (&stranger, 201), (&editor, 403)] {
        let ticket = house.ask("POST", "/api/v1/ws-tickets", Some(person), None);
        assert_eq!(ticket.status, status, "{}", ticket.body);
    }
    // The desk stops one of their accounts: they are told which, and so is whoever sees them.
    let stop = json!({"on": true, "note": "asked by telephone today"});
    let path = format!("/api/v1/accounts/{mine}/review");
    let stopped = house.ask("POST", &path, Some(&admin), Some(&stop));
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    let theirs = format!("/api/v1/users/{}/profile", client.id);
    for (person, path, list) in [
        (&client, "/api/v1/trading/accounts", "items"),
        (&client, "/api/v1/profile", "accounts"),
        (&admin, theirs.as_str(), "accounts"),
    ] {
        let told = house.ask("GET", path, Some(person), None).body;
        let states = [&told[list][0]["status"], &told[list][1]["status"]];
        assert_eq!(states, [&json!("suspended"), &json!("active")], "{told}");
    }
    let profile = house
        .ask("GET", "/api/v1/profile", Some(&client), None)
        .body;
    assert_eq!(profile["account_numbers"], json!([mine, play]), "{profile}");
    let links = &profile["accounts"];
    assert!(links[0]["broker_connection"].is_string(), "{profile}");
    assert_eq!(profile["verified_status"], "unverified", "{profile}");
    let linked = house.ask("GET", "/api/v1/auth/providers", Some(&client), None);
    assert_eq!((linked.status, linked.body), (200, json!([])));
    let nobody = json!({"name": "google"});
    let refused = house.ask(
        "POST",
        "/api/v1/auth/providers",
        Some(&client),
        Some(&nobody),
    );
    assert_eq!(refused.body["name"], "not_set_up", "{}", refused.body);
    for (cookie, question, page) in [
        ("link.abc", "error=access_denied", "/me#link-failed="),
        ("link.abc", "state=abc&code=x", "/me#link-failed="),
        ("link.abc", "state=other&code=x", "/me#link-failed="),
        ("abc", "error=access_denied", "/#sign-in-failed="),
        ("abc", "state=abc&code=x", "/#sign-in-failed="),
    ] {
        let path = format!("/api/v1/auth/oidc/google/callback?{question}");
        let sent = house.visit(&path, &format!("siaga_provider={cookie}"));
        let location = sent.location.as_deref().unwrap_or_default();
        assert_eq!(sent.status, 303, "{cookie} {question}: {sent:?}");
        assert!(
            location.starts_with(page),
            "{cookie} {question}: {location}"
        );
    }
    let more = (0..20)
        .map(|_| house.ask("POST", "/api/v1/ws-tickets", Some(&client), None))
        .find(|ticket| ticket.status != 201);
    let more = more.expect("a client has few streams");
    assert_eq!(more.status, 429, "{}", more.body);
    let answer = house.ask(
        "GET",
        &format!("/api/v1/trading/{others}/portfolio"),
        Some(&admin),
        None,
    );
    assert_eq!(answer.status, 200, "the desk sees all: {}", answer.body);
}

/// Whoever shows nothing is told to sign in, whatever they ask for.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_every_closed_route_is_shut() {
    let Some(house) = House::open().await else {
        return;
    };
    let mut wrong = Vec::new();
    let routes = described();
    assert!(
        routes
            .iter()
            .any(|(_, path, _)| path == "/api/v1/crm/leads"),
        "the platform's routes are described"
    );
    for (method, path, is_open) in routes {
        if is_open {
            continue;
        }
        let pieces = path.split('/').map(|piece| {
            if piece.starts_with('{') {
                key("#11")
            } else {
                piece.to_owned()
            }
        });
        let address = pieces.collect::<Vec<_>>().join("/");
        let answer = house.ask(&method, &address, None, None);
        if answer.status != 401 {
            wrong.push(format!("{method} {path}: {}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What no column takes is refused as what it is, and not as a bug: a NUL, a key of nobody, ten thousand fields, a thousand brackets.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_row_takes_is_refused_with_a_number() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = house.person("super_admin", HOUSE, None).await;
    let nobody = key("#9999");
    let fields: serde_json::Map<String, Value> = (0..10_000)
        .map(|n| (format!("field{n}"), Value::from(n)))
        .collect();
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let quoted = "' OR 1 = 1; DROP TABLE users; --";
    for (method, path, body) in [
        ("GET", "/api/v1/search?q=rina%00wati", None),
        ("GET", "/api/v1/audit?entity=%00", None),
        ("GET", "/api/v1/crm/leads/search?q=rina%00wati", None),
        (
            "POST",
            "/api/v1/holds",
            Some(json!({"category": "audit", "reason": "a\u{0}b"})),
        ),
        (
            "POST",
            "/api/v1/crm/leads",
            Some(json!({"phone": "+6281234569999", "name": "a\u{0}b"})),
        ),
        (
            "POST",
            "/api/v1/crm/leads",
            Some(json!({"phone": "+6281234569998", "city": "a\u{0}b", "utm": {"a": "\u{0}"}})),
        ),
        (
            "POST",
            "/api/v1/crm/leads",
            Some(json!({"phone": "+6281234569997", "referrer_id": nobody.clone()})),
        ),
        (
            "POST",
            "/api/v1/crm/tasks",
            Some(
                json!({"lead": key("#3001"), "title": "a\u{0}b", "due_at": 1, "assignee": nobody.clone()}),
            ),
        ),
        (
            "POST",
            "/api/v1/aml/cases/00000000-0000-7000-8000-000000000511/assign",
            Some(json!({"user_id": nobody.clone(), "revision": 1})),
        ),
        (
            "POST",
            "/api/v1/auth/login",
            Some(json!({"email": "sari@contoh.id\u{0}", "password": "a\u{0}b"})),
        ),
        (
            "POST",
            "/api/v1/auth/login",
            Some(json!({"email": quoted, "password": quoted})),
        ),
        (
            "POST",
            "/api/v1/users",
            Some(
                json!({"email": "x@contoh.id", "name": quoted, "role": "dealer", "team_id": nobody.clone()}),
            ),
        ),
        ("POST", "/api/v1/auth/login", Some(Value::Object(fields))),
    ] {
        let answer = house.ask(method, path, Some(&admin), body.as_ref());
        assert!(
            (200..500).contains(&answer.status),
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
        assert!(
            answer.status < 300 || answer.body["code"].is_u64(),
            "{method} {path}: {}",
            answer.body
        );
    }
    let nested = format!(r#"{{"challenge":"x","method":"passkey","credential":{deep}}}"#);
    let answer = house.ask_text("POST", "/api/v1/auth/mfa/verify", None, &nested);
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    let answer = house.ask("GET", "/api/v1/users", Some(&admin), None);
    assert_eq!(
        answer.status, 200,
        "the table of users is there: {}",
        answer.body
    );
}
