//! Terms come in while the desk runs: shown first, then in force, once, and never by halves.

use std::time::Instant;

use serde_json::{Value, json};
use siaga_feed::catalog::{Catalog, Files};

use crate::desk::{Desk, LOOK_AGAIN, PATIENCE};

const IMPORT: &str = "/api/v1/terms/import";
const TOML: &str = "application/toml";
const COFFEE: &str = "{ id = 900, symbol = \"KOPI/USD\", name = \"Kopi\", class = \"metal\", base = \"XAU\", quote = \"USD\", \
                      price_digits = 3, contract_size = \"100\", sim_price = \"250.000\", sim_spread = 20, sim_rate = 3 },";

/// Hands a file in.
fn import(desk: &Desk, dry_run: bool, file: &str, text: &str) -> (u16, Value) {
    let path = format!("{IMPORT}?dry_run={dry_run}&file={file}");
    desk.hand_in(&path, TOML, text)
}

/// What a file would change.
fn shown(desk: &Desk, file: &str, text: &str) -> Value {
    let (status, told) = import(desk, true, file, text);
    assert_eq!(status, 200, "{told}");
    told
}

fn changes(told: &Value) -> &Vec<Value> {
    told["changes"].as_array().expect("changes")
}

/// A desk whose first start has brought in the program's own terms.
fn open(dir: &std::path::Path) -> Desk {
    let desk = Desk::start(dir);
    let until = Instant::now() + PATIENCE;
    let accounts = Catalog::shipped().accounts.len();
    loop {
        // Rules of an account are compared once it is there.
        let listed = desk.get("/api/v1/accounts");
        let are_there = listed["items"].as_array().map(Vec::len) == Some(accounts);
        let (status, told) = import(&desk, true, "groups.toml", Files::SHIPPED.groups);
        if status == 200 && changes(&told).is_empty() && are_there {
            return desk;
        }
        assert!(Instant::now() < until, "the terms come: {status} {told}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The line, from 1, in which a text stands.
fn line(text: &str, part: &str) -> usize {
    let at = text.lines().position(|line| line.contains(part));
    at.expect("it stands there") + 1
}

fn is_listed(instruments: &Value) -> bool {
    let items = instruments["items"].as_array();
    items.is_some_and(|items| items.iter().any(|item| item["symbol"] == "KOPI/USD"))
}

#[test]
fn an_instrument_is_shown_then_listed_and_priced_behind_the_next_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = open(dir.path());
    let own = Files::SHIPPED.instruments;
    let text = own
        .replacen("    { id = 1,", &format!("    {COFFEE}\n    {{ id = 1,"), 1)
        .replacen("swap_long = -7", "swap_long = -8", 1);

    let dry = shown(&desk, "instruments.toml", &text);
    assert_eq!((&dry["dry_run"], &dry["seq"]), (&json!(true), &Value::Null));
    let [coffee, euro] = &changes(&dry)[..] else {
        panic!("two changes: {dry}");
    };
    assert_eq!(coffee["terms"], "instrument KOPI/USD");
    assert_eq!(
        (&coffee["what"], &coffee["outcome"]),
        (&json!("added"), &json!("shown"))
    );
    assert_eq!(coffee["line"], line(&text, "KOPI/USD"), "{coffee}");
    assert_eq!(
        (&euro["terms"], &euro["what"]),
        (&json!("instrument EUR/USD"), &json!("changed"))
    );
    let field = &euro["fields"][0];
    let name = field["field"].as_str().expect("a name");
    assert!(name.starts_with("swap."), "{euro}");
    assert_ne!(field["from"], field["to"]);
    let effect = &dry["takes_effect"];
    assert_eq!(
        (&effect["terms"], &effect["feeds"]),
        (&json!("now"), &json!("restart"))
    );
    assert_eq!(dry["beside"][0]["name"], "listing KOPI/USD");
    let listed = desk.get("/api/v1/instruments");
    assert!(!is_listed(&listed), "a look changes nothing");

    let (status, done) = import(&desk, false, "instruments.toml", &text);
    assert_eq!(status, 200, "{done}");
    assert!(done["seq"].is_u64(), "{done}");
    let mut made = changes(&done).iter();
    assert!(made.all(|change| change["outcome"] == "applied"), "{done}");
    desk.wait("/api/v1/instruments", "the instrument", is_listed);

    let (status, again) = import(&desk, false, "instruments.toml", &text);
    assert_eq!((status, &again["seq"]), (200, &Value::Null), "{again}");
    assert!(changes(&again).is_empty(), "{again}");
    assert!(again["beside"][0].is_null(), "{again}");
    let count = |told: &Value| told["unchanged"].as_u64().expect("a number");
    assert_eq!(count(&again), count(&dry) + 2);
    desk.stop();

    let desk = Desk::start(dir.path());
    desk.wait("/api/v1/quotes?symbols=KOPI/USD", "its price", |quotes| {
        quotes["items"][0]["bid"].is_string()
    });
    assert!(changes(&shown(&desk, "instruments.toml", &text)).is_empty());
    desk.stop();
}

#[test]
fn a_file_that_is_wrong_or_refused_changes_nothing_and_says_where() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = open(dir.path());
    let own = Files::SHIPPED.instruments;

    let text = own.replacen("price_digits = 5", "price_digit = 5", 1);
    let (status, told) = import(&desk, false, "instruments.toml", &text);
    assert_eq!(
        (status, &told["field"]),
        (422, &json!("instruments.toml")),
        "{told}"
    );
    let detail = told["detail"].as_str().expect("a text");
    let at = format!("line {}: ", line(&text, "price_digit ="));
    assert!(
        detail.starts_with(&at) && detail.contains("did you mean"),
        "{detail}"
    );

    let text = own.replacen(
        "class = \"forex\", base = \"GBP\"",
        "class = \"forx\", base = \"GBP\"",
        1,
    );
    let (status, told) = import(&desk, true, "instruments", &text);
    let at = format!("line {}: GBP/USD: class: ", line(&text, "forx"));
    let detail = told["detail"].as_str().expect("a text");
    assert!(status == 422 && detail.starts_with(&at), "{told}");

    // Digits of money that accounts hold may not move.
    let currencies = Files::SHIPPED.currencies;
    let text = currencies.replacen("digits = 2", "digits = 3", 1);
    let dry = shown(&desk, "currencies.toml", &text);
    let dollar = &changes(&dry)[0];
    assert_eq!(
        (&dollar["outcome"], &dollar["line"]),
        (&json!("refused"), &json!(3)),
        "{dry}"
    );
    assert!(dollar["reasons"][0]["lifts"].is_string(), "{dry}");
    let (status, told) = import(&desk, false, "currencies.toml", &text);
    assert_eq!((status, &told["name"]), (422, &json!("refused")), "{told}");
    let detail = told["detail"].as_str().expect("a text");
    let at = "currency 1 (currencies.toml, line 3): ";
    assert!(detail.starts_with(at), "{detail}");
    assert!(detail.ends_with("nothing was changed"), "{detail}");
    assert!(changes(&shown(&desk, "currencies.toml", currencies)).is_empty());

    let (status, told) = desk.hand_in(IMPORT, TOML, own);
    assert_eq!((status, &told["field"]), (422, &json!("file")), "{told}");
    let (status, told) = import(&desk, true, "secrets.toml", own);
    assert_eq!((status, &told["field"]), (422, &json!("file")), "{told}");
    let (status, told) = desk.hand_in(IMPORT, "application/json", "{}");
    assert_eq!(
        (status, &told["field"]),
        (422, &json!("Content-Type")),
        "{told}"
    );
    desk.stop();
}

#[test]
fn files_come_as_a_form_too_and_without_a_word_they_are_only_shown() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = open(dir.path());
    let groups = Files::SHIPPED
        .groups
        .replacen("leverage = 50", "leverage = 40", 1);
    let part = |name: &str, file: &str, text: &str| {
        format!(
            "--between\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n{text}\r\n"
        )
    };
    let body = [
        part("files[]", "groups.toml", &groups),
        part("leverage.toml", "mine", Files::SHIPPED.leverage),
        "--between--\r\n".to_owned(),
    ];
    let kind = "multipart/form-data; boundary=between";
    let (status, told) = desk.hand_in(IMPORT, kind, &body.concat());
    assert_eq!((status, &told["dry_run"]), (200, &json!(true)), "{told}");
    let [change] = &changes(&told)[..] else {
        panic!("one change: {told}");
    };
    assert_eq!(
        (&change["terms"], &change["file"]),
        (&json!("group 4"), &json!("groups.toml"))
    );
    let field = &change["fields"][0];
    assert_eq!((&field["from"], &field["to"]), (&json!("50"), &json!("40")));
    let still = shown(&desk, "groups.toml", &groups);
    assert_eq!(changes(&still).len(), 1, "nothing came in");
    desk.stop();
}
