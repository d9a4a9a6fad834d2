//! The platform beside the desk: the owner of the house uses it over HTTP, and the record of it is whole.

use serde_json::{Value, json};

use crate::desk::{Desk, command};

const OWNER: &str = "00000000-0000-7000-8000-000000000002";

fn code(answer: &Value) -> (Option<u64>, Option<&str>) {
    (answer["code"].as_u64(), answer["name"].as_str())
}

#[test]
fn the_owner_holds_exports_and_looks_and_all_of_it_is_on_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start_with(dir.path(), |command| {
        command.env("SIAGA__STORE__ENABLED", "true");
    });
    desk.wait("/api/v1/audit", "the platform", |answer| {
        answer["items"].is_array()
    });

    let (status, placed) = desk.call(
        "POST",
        "/api/v1/holds",
        Some(json!({"category": "operations", "reason": "a case of the police"})),
    );
    assert_eq!(status, 201, "{placed}");
    let hold = placed["id"].as_str().expect("an id").to_owned();
    let (status, refused) = desk.call(
        "POST",
        "/api/v1/holds",
        Some(json!({"category": "operations", "reason": " "})),
    );
    assert_eq!(
        (status, code(&refused)),
        (422, (Some(11_003), Some("invalid"))),
        "{refused}"
    );
    assert_eq!(refused["field"], "reason");
    assert_eq!(desk.get("/api/v1/holds")["items"][0]["id"], hold.as_str());
    let lift = format!("/api/v1/holds/{hold}");
    assert_eq!(desk.call("DELETE", &lift, None).0, 204);
    let (status, gone) = desk.call("DELETE", &lift, None);
    assert_eq!(
        (status, code(&gone)),
        (404, (Some(11_002), Some("no_such_thing"))),
        "{gone}"
    );

    let said =
        json!({"purpose": "profiling", "granted": true, "source": "web", "text_version": "1"});
    let consents = format!("/api/v1/subjects/{OWNER}/consents");
    assert_eq!(desk.call("POST", &consents, Some(said)).0, 204);
    assert_eq!(desk.get(&consents)["items"][0]["granted"], true);
    let (status, data) = desk.call("POST", &format!("/api/v1/subjects/{OWNER}/export"), None);
    assert_eq!(status, 200, "{data}");
    assert_eq!(data["data"]["users"]["username"], "owner");

    let say = |assets: Value, revision: u64| {
        let said =
            json!({"risk_appetite": "low", "preferred_assets": assets, "revision": revision});
        desk.call("PUT", "/api/v1/profile/preferences", Some(said))
    };
    let (status, refused) = say(json!(["tulips"]), 0);
    assert_eq!(
        (status, code(&refused), &refused["field"]),
        (
            422,
            (Some(11_003), Some("invalid")),
            &json!("preferred_assets")
        ),
        "{refused}"
    );
    let (status, held) = say(json!(["metal", "EUR/USD"]), 0);
    assert_eq!((status, &held["revision"]), (200, &json!(1)), "{held}");
    assert_eq!(say(json!(["crypto"]), 0).0, 412);
    let profile = desk.get("/api/v1/profile");
    assert_eq!(profile["preferences"], held);
    assert_eq!(profile["user_id"], OWNER);
    assert_eq!(profile["account_numbers"], json!([]));
    assert_eq!(desk.get(&format!("/api/v1/users/{OWNER}/profile")), profile);

    let page = desk.get("/api/v1/audit?entity=legal_hold&limit=1");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    let next = page["next"].as_str().expect("another page");
    let rest = desk.get(&format!(
        "/api/v1/audit?entity=legal_hold&limit=1&cursor={next}"
    ));
    assert_eq!(rest["items"][0]["action"], "create");
    assert_eq!(rest["items"][0]["after"]["reason"], "a case of the police");
    assert_eq!(rest["items"][0]["actor"], OWNER);
    let (status, bad) = desk.call("GET", "/api/v1/audit?limit=101", None);
    assert_eq!(
        (status, code(&bad)),
        (422, (Some(11_007), Some("bad_page")))
    );
    assert_eq!(desk.get("/api/v1/search?q=nobody")["items"], json!([]));
    desk.stop();

    let verified = command(dir.path())
        .args(["--json", "audit", "verify"])
        .output()
        .expect("the program runs");
    let report: Value = serde_json::from_slice(&verified.stdout).expect("a report");
    assert_eq!(verified.status.code(), Some(0), "{report}");
    assert!(report["rows"].as_u64() >= Some(5), "{report}");
    assert!(
        report["anchors"].as_u64() >= Some(1),
        "{report}: the end was written down outside at the stop"
    );
    assert_eq!(report["faults"], json!([]));
    // A head that the database never had: somebody rewrote its end.
    let anchors = dir.path().join("audit.anchors");
    let mut heads = std::fs::read_to_string(&anchors).expect("heads");
    let month = heads.split(' ').next().expect("a month").to_owned();
    heads.push_str(&format!("{month} 999 {}\n", "ab".repeat(32)));
    std::fs::write(&anchors, heads).expect("written");
    let verified = command(dir.path())
        .args(["--json", "audit", "verify"])
        .output()
        .expect("the program runs");
    assert_eq!(
        verified.status.code(),
        Some(5),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}
