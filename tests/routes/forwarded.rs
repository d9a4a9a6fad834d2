//! A hundred who sign in at the same moment from a hundred addresses, behind the proxy that the desk trusts: one on this machine, as it is
//! by default.

use std::sync::Barrier;
use std::thread;

use serde_json::json;
use uuid::Uuid;

use crate::house::{Answer, House, JSON, PASSWORD, Person};

const LOGIN: &str = "/api/v1/auth/login";
const MANY: usize = 100;
/// Of one address, a minute: what registers here, and no more.
const SIGN_INS: &str = "5";
/// Sessions of one person at once, and failures that lock (decisions of the platform).
const SESSIONS_MAX: usize = 3;
const FAILURES: usize = 5;
const WRONG: u64 = 11_101;
const LOCKED: u64 = 11_102;
const UNDER_WAY: u64 = 11_130;

fn register(house: &House, email: &str, phone: &str) {
    let person = json!({"email": email, "password": PASSWORD, "name": "Sari Dewi", "phone": phone});
    let made = house.ask("POST", "/api/v1/auth/register", None, Some(&person));
    assert_eq!(made.status, 201, "{}", made.body);
}

fn sign_in(house: &House, forwarded: &str, email: &str, password: &str) -> Answer {
    let headers = format!("X-Client: api\r\n{forwarded}{JSON}");
    let body = json!({"email": email, "password": password}).to_string();
    house.send("POST", LOGIN, &headers, body.as_bytes())
}

/// All at once, each from an address of its own.
fn sign_in_from_everywhere(house: &House, email: &str, password: &str) -> Vec<Answer> {
    let start = &Barrier::new(MANY);
    thread::scope(|scope| {
        let comers: Vec<_> = (1..=MANY)
            .map(|n| {
                scope.spawn(move || {
                    let forwarded = format!("X-Forwarded-For: 198.51.100.{n}\r\n");
                    start.wait();
                    sign_in(house, &forwarded, email, password)
                })
            })
            .collect();
        let answers = comers
            .into_iter()
            .map(|comer| comer.join().expect("no panic"));
        answers.collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_right_passwords_leave_three_sessions_and_a_hundred_wrong_ones_are_five() {
    let Some(house) = House::limited(SIGN_INS).await else {
        return;
    };
    register(&house, "sari@contoh.id", "+628129990001");
    register(&house, "budi@contoh.id", "+628129990002");

    let answers = sign_in_from_everywhere(&house, "sari@contoh.id", PASSWORD);
    let mut tokens = Vec::new();
    for answer in answers {
        // Attempts that meet are counted before they turn out right: some are told to wait.
        assert!(
            matches!(answer.status, 200 | 429 | 503),
            "{}: {}",
            answer.status,
            answer.body
        );
        if answer.status == 200 {
            let token = answer.body["jwt_token"].as_str().expect("a token");
            tokens.push(token.to_owned());
        }
    }
    let lists = tokens.iter().map(|token| {
        let person = Person {
            id: Uuid::nil(),
            token: token.clone(),
        };
        house.ask("GET", "/api/v1/auth/sessions", Some(&person), None)
    });
    let live: Vec<Answer> = lists.filter(|list| list.status == 200).collect();
    assert_eq!(
        live.len(),
        tokens.len().min(SESSIONS_MAX),
        "of {}",
        tokens.len()
    );
    assert!(!live.is_empty(), "somebody is let in");
    for list in &live {
        let open = list.body.as_array().map(Vec::len);
        assert!(open.is_some_and(|open| open <= SESSIONS_MAX), "{list:?}");
    }

    let answers = sign_in_from_everywhere(&house, "budi@contoh.id", "Salah-Sekali-77!");
    let told = |status: u16, code: u64| {
        let so = answers
            .iter()
            .filter(|answer| answer.status == status && answer.body["code"].as_u64() == Some(code));
        so.count()
    };
    assert_eq!(
        (told(401, WRONG), told(423, LOCKED) + told(429, UNDER_WAY)),
        (FAILURES, MANY - FAILURES)
    );
    let elsewhere = "X-Forwarded-For: 203.0.113.7\r\n";
    let right = sign_in(&house, elsewhere, "budi@contoh.id", PASSWORD);
    assert_eq!(right.status, 423, "the right one neither: {}", right.body);

    // Not the proxy's addresses but everybody's own are counted: without one it is soon too often.
    let mut alone = (0..MANY).map(|_| sign_in(&house, "", "siapa@contoh.id", PASSWORD).status);
    assert!(alone.any(|status| status == 429));
}
