//! The secret opens the desk until people have accounts, and nothing afterwards.

use std::time::Instant;

use serde_json::{Value, json};

use crate::desk::{Desk, LOOK_AGAIN, PATIENCE};

const PROGRAM: &str = "X-Client: api\r\n";

fn bearer(token: &Value) -> String {
    let token = token.as_str().expect("a token");
    format!("{PROGRAM}Authorization: Bearer {token}\r\n")
}

#[test]
fn the_secret_opens_the_desk_until_there_is_an_administrator() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start_with(dir.path(), |command| {
        command.env("SIAGA__STORE__ENABLED", "true");
    });
    assert_eq!(
        desk.call("GET", "/api/v1/desk", None).0,
        200,
        "before the store is open, too"
    );
    let until = Instant::now() + PATIENCE;
    while desk.tell("GET", "/api/v1/auth/jwks.json", "", None).0 != 200 {
        assert!(Instant::now() < until, "the accounts do not open");
        std::thread::sleep(LOOK_AGAIN);
    }
    let me = desk.get("/api/v1/auth/me");
    let may: Vec<&str> = me["permissions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for permission in [
        "desk.write",
        "user.role",
        "lead.move",
        "kyc.review",
        "aml.work",
        "cash.decide",
        "audit.read",
    ] {
        assert!(may.contains(&permission), "{permission} in {may:?}");
    }
    assert_eq!(
        desk.get("/api/v1/auth/oidc"),
        json!([]),
        "no provider is configured"
    );
    // Nobody is slowed at their own desk.
    for _ in 0..150 {
        assert_eq!(desk.call("GET", "/api/v1/desk", None).0, 200);
    }

    let first = |secret: &str| json!({"secret": secret, "email": "kepala@contoh.id", "password": "Gunung-Agung-72", "name": "Made", "phone": "081234567801"});
    let (status, refused) = desk.tell(
        "POST",
        "/api/v1/auth/first-administrator",
        PROGRAM,
        Some(first("a guess")),
    );
    assert_eq!(status, 401, "{refused}");
    let (status, opened) = desk.tell(
        "POST",
        "/api/v1/auth/first-administrator",
        PROGRAM,
        Some(first(&desk.secret)),
    );
    assert_eq!(status, 200, "{opened}");
    assert_eq!(opened["enrol"], true, "{opened}");
    let (status, spent) = desk.call("GET", "/api/v1/desk", None);
    assert_eq!(
        (status, &spent["name"]),
        (401, &json!("secret_spent")),
        "{spent}"
    );
    let (status, spent) = desk.tell(
        "POST",
        "/api/v1/session",
        "",
        Some(json!({"secret": desk.secret})),
    );
    assert_eq!(
        (status, &spent["name"]),
        (401, &json!("secret_spent")),
        "{spent}"
    );

    let token = bearer(&opened["jwt_token"]);
    let (status, early) = desk.tell("GET", "/api/v1/desk", &token, None);
    assert_eq!(
        (status, &early["name"]),
        (403, &json!("enrol_first")),
        "a second factor comes first: {early}"
    );
    assert_eq!(desk.tell("GET", "/api/v1/auth/me", &token, None).0, 200);
    let made = json!({"email": "siti@contoh.id", "password": "Kawah-Putih-51", "name": "Siti", "phone": "081234567802"});
    let (status, client) = desk.tell("POST", "/api/v1/auth/register", PROGRAM, Some(made));
    assert_eq!(status, 201, "{client}");
    let (status, hidden) = desk.tell("GET", "/api/v1/desk", &bearer(&client["jwt_token"]), None);
    assert_eq!(
        (status, &hidden["name"]),
        (403, &json!("forbidden")),
        "a client sees no desk: {hidden}"
    );
    let limited = (0..150).any(|_| desk.tell("GET", "/api/v1/auth/me", &token, None).0 == 429);
    assert!(limited, "people are counted");
    desk.stop();
}
