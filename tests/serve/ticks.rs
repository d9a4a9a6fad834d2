//! Prices of the past come from the journal.

use serde_json::Value;

use crate::desk::Desk;

#[test]
fn prices_of_the_past_are_read_from_the_journal() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    let items = |page: &Value| page["items"].as_array().cloned().unwrap_or_default();
    let recent = "/api/v1/ticks?symbol=EUR/USD&limit=3";
    desk.wait(recent, "three recorded prices", |page| {
        items(page).len() == 3
    });
    let start = items(&desk.get(recent))[0]["ti"].clone();
    let path = format!("/api/v1/ticks?symbol=EUR/USD&from={start}");
    let three = format!("{path}&limit=3");
    let all = items(&desk.get(&three));
    assert!(all[0]["bid"].is_string() && all[0]["source"].is_string());
    let first = desk.get(&format!("{path}&limit=2"));
    let rest = desk.get(&format!("{path}&limit=1&after={}", first["next"]));
    assert_eq!([items(&first), items(&rest)].concat(), all);
    desk.kill();
    let desk = Desk::start(dir.path());
    assert_eq!(items(&desk.get(&three)), all, "also after a restart");
    desk.stop();
}
