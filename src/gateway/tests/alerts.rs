//! What people do to alerts: the answer is what became of it, and nothing is done that was not answered.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use siaga_risk::units::{DAY_NS, HOUR_NS};

use super::*;
use crate::gateway::core::{AlertFault, Core, CoreError};
use crate::gateway::testing::alert;

const ID: u64 = 7 << 53;

async fn start() -> Server {
    let server = Server::start().await;
    server.desk.raise(alert(ID));
    server
}

/// Does something at the revision that was seen.
async fn act(server: &Server, verb: &str, revision: u32, body: Value) -> Answer {
    keyed(server, verb, revision, "", body).await
}

async fn keyed(server: &Server, verb: &str, revision: u32, key: &str, body: Value) -> Answer {
    let key = match key {
        "" => String::new(),
        key => format!("Idempotency-Key: {key}\r\n"),
    };
    let headers = format!("Authorization: Bearer {SECRET}\r\nIf-Match: {revision}\r\n{key}");
    let path = format!("/api/v1/alerts/{ID}/{verb}");
    server.send("POST", &path, &headers, Some(body)).await
}

async fn revision(server: &Server) -> Value {
    let path = format!("/api/v1/alerts/{ID}");
    server.call("GET", &path, None).await.json()["revision"].clone()
}

fn note() -> Value {
    json!({ "note": "called the client" })
}

#[tokio::test]
async fn one_of_many_takes_a_revision() {
    let server = start().await;
    let all = (0..8).map(|_| act(&server, "comment", 1, note()));
    let mut answers: Vec<u16> = join_all(all).await.iter().map(|a| a.status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(revision(&server).await, 2, "one was recorded");
    server.end().await;
}

#[tokio::test]
async fn the_answer_is_the_alert_behind_the_command() {
    let server = start().await;
    for (seen, verb) in [(1, "comment"), (2, "ack"), (3, "comment"), (4, "unack")] {
        let done = act(&server, verb, seen, note()).await;
        let tag = format!("\"{}\"", seen + 1);
        assert_eq!(
            (done.status, done.header("etag"), &done.json()["revision"]),
            (200, Some(tag.as_str()), &json!(seen + 1)),
            "{verb}: {done:?}"
        );
    }
    server.end().await;
}

#[tokio::test]
async fn what_the_alert_desk_would_drop_is_refused_before_it_is_sent() {
    let server = start().await;
    let until = |ns: u64| (server.desk.now().0 + ns) / 1_000;
    let with = |name: &str, value: u64| {
        let mut body = note();
        body[name] = json!(value);
        body
    };
    for (verb, body, status, name, field) in [
        ("unack", note(), 409, "alert_state", Value::Null),
        (
            "snooze",
            with("until", until(40 * DAY_NS)),
            422,
            "bad_field",
            json!("until"),
        ),
        ("assign", with("to", 77_777), 422, "bad_field", json!("to")),
    ] {
        let refused = act(&server, verb, 1, body).await;
        let said = refused.json();
        assert_eq!(
            (refused.status, &said["name"], &said["field"]),
            (status, &json!(name), &field),
            "{verb}"
        );
    }
    assert_eq!(revision(&server).await, 1, "nothing of it was recorded");
    let snoozed = act(&server, "snooze", 1, with("until", until(HOUR_NS))).await;
    assert_eq!(snoozed.status, 200, "{snoozed:?}");
    let assigned = act(&server, "assign", 2, with("to", 1)).await;
    assert_eq!(assigned.json()["owner"], "administrator", "{assigned:?}");
    let resolved = act(&server, "resolve", 3, note()).await;
    assert_eq!(resolved.json()["state"], "resolved", "{resolved:?}");
    for verb in ["ack", "resolve", "escalate"] {
        let late = act(&server, verb, 4, note()).await;
        assert_eq!(
            (late.status, &late.json()["name"]),
            (409, &json!("alert_state")),
            "{verb}"
        );
    }
    let comment = act(&server, "comment", 4, note()).await;
    assert_eq!(comment.status, 200, "what was found is still written down");
    server.end().await;
}

#[tokio::test]
async fn a_command_that_was_dropped_behind_the_check_is_not_answered_as_done() {
    let server = start().await;
    for (fault, status, name) in [
        (AlertFault::Stale { revision: 5 }, 412, "revision_stale"),
        (AlertFault::NotActive, 409, "alert_state"),
        (AlertFault::Unknown, 404, "not_found"),
    ] {
        *server.desk.alerts.dropping.lock().expect("not poisoned") = Some(fault);
        let dropped = act(&server, "ack", 1, note()).await;
        assert_eq!(
            (dropped.status, &dropped.json()["name"]),
            (status, &json!(name)),
            "{fault:?}"
        );
    }
    let done = act(&server, "ack", 1, note()).await;
    assert_eq!(done.status, 200, "{done:?}");
    server.end().await;
}

#[tokio::test]
async fn a_request_that_comes_again_gets_the_first_answer() {
    let server = start().await;
    let first = keyed(&server, "ack", 1, "one", note()).await;
    let other = act(&server, "comment", 2, note()).await;
    assert_eq!((first.status, other.status), (200, 200));
    let again = keyed(&server, "ack", 1, "one", note()).await;
    assert_eq!(
        (again.status, again.header("etag"), &again.text),
        (200, Some("\"2\""), &first.text),
        "{again:?}"
    );
    let misused = keyed(&server, "comment", 3, "one", note()).await;
    assert_eq!(
        (misused.status, &misused.json()["field"]),
        (409, &json!("Idempotency-Key"))
    );
    let unkeyed = act(&server, "ack", 1, note()).await;
    assert_eq!(unkeyed.status, 412);
    assert_eq!(revision(&server).await, 3);
    server.end().await;
}

#[tokio::test]
async fn what_is_recorded_and_not_seen_yet_is_done_once() {
    let server = start().await;
    let deaf = |on| server.desk.alerts.deaf.store(on, Ordering::SeqCst);
    deaf(true);
    let unseen = keyed(&server, "comment", 1, "one", note()).await;
    assert_eq!(
        (unseen.status, &unseen.json()["name"]),
        (504, &json!("timeout"))
    );
    let next = act(&server, "comment", 1, note()).await;
    assert_eq!(
        (next.status, &next.json()["name"]),
        (503, &json!("busy")),
        "what came before is not known"
    );
    let again = keyed(&server, "comment", 1, "one", note()).await;
    assert_eq!(
        (again.status, &again.text),
        (504, &unseen.text),
        "nobody says that nothing was changed"
    );
    deaf(false);
    let next = act(&server, "comment", 1, note()).await;
    assert_eq!(next.status, 412, "the first one counts");
    let again = keyed(&server, "comment", 1, "one", note()).await;
    assert_eq!((again.status, again.header("etag")), (200, Some("\"2\"")));
    assert_eq!(revision(&server).await, 2);
    server.end().await;
}

#[tokio::test]
async fn what_the_core_answers_late_is_done_once_and_lets_nobody_pass() {
    let short = Duration::from_millis(100);
    let server = Server::with(TestDesk::new(), |options| options.alert_time = short).await;
    server.desk.raise(alert(ID));
    let stalled = |on| server.desk.stalled.send_replace(on);
    let escalate = || keyed(&server, "escalate", 1, "one", note());
    stalled(true);
    let unsure = escalate().await;
    assert_eq!(
        (unsure.status, &unsure.json()["name"]),
        (504, &json!("timeout"))
    );
    let detail = unsure.json()["detail"].to_string();
    assert!(detail.contains("same Idempotency-Key"), "{detail}");
    let other = act(&server, "comment", 1, note());
    let (again, other) = tokio::join!(escalate(), other);
    assert_eq!(
        (again.status, &again.text),
        (504, &unsure.text),
        "it is not sent a second time"
    );
    assert_eq!(
        (other.status, &other.json()["name"]),
        (503, &json!("busy")),
        "what the one before makes of the alert is not known"
    );
    stalled(false);
    let again = escalate().await;
    assert_eq!(
        (again.status, again.header("etag")),
        (200, Some("\"2\"")),
        "{again:?}"
    );
    let other = act(&server, "comment", 1, note()).await;
    assert_eq!(other.status, 412, "the first one counts");
    assert_eq!(revision(&server).await, 2);
    server.end().await;
}

#[tokio::test]
async fn what_may_be_recorded_is_sent_once_and_what_is_not_is_sent_again() {
    let server = start().await;
    let phone = "+62 21 0000".to_owned();
    for (key, error, name, status) in [
        ("one", CoreError::Poisoned { phone }, "maybe_recorded", 503),
        ("two", CoreError::Busy, "busy", 200),
    ] {
        let failing = |error| *server.desk.failing.lock().expect("not poisoned") = error;
        failing(Some(error));
        let first = keyed(&server, "comment", 1, key, note()).await;
        assert_eq!(
            (first.status, &first.json()["name"]),
            (503, &json!(name)),
            "{key}"
        );
        failing(None);
        let again = keyed(&server, "comment", 1, key, note()).await;
        assert_eq!(again.status, status, "{key}: {again:?}");
    }
    assert_eq!(revision(&server).await, 2, "the second one alone");
    server.end().await;
}
