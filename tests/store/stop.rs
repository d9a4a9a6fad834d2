//! The program beside a server: one that hangs keeps no desk from stopping in time, and `doctor` asks.

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::postgres;
use crate::program::{Desk, STOP_MAX, command};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_in_time_though_the_database_hangs() {
    let Some(server) = postgres::server() else {
        return;
    };
    let url = server.database().await;
    let dir = tempfile::tempdir().expect("a folder");
    let (data, address) = (dir.path().to_owned(), url.clone());
    let started = tokio::task::spawn_blocking(move || {
        let desk = Desk::start_with(&data, |command| {
            command
                .env("SIAGA__STORE__ENABLED", "true")
                .env("SIAGA__STORE__URL", &address);
        });
        desk.wait("/api/v1/quotes?symbols=EUR/USD", "a price", |quotes| {
            quotes["items"][0]["bid"].is_string()
        });
        desk.database_ready();
        desk
    });
    let desk = started.await.expect("no panic");

    // Every reader of the log now waits for its place in the table of cursors.
    let mut other = PgConnection::connect(&url).await.expect("connect");
    other.execute("BEGIN").await.expect("begin");
    other
        .execute("LOCK TABLE consumers IN ACCESS EXCLUSIVE MODE")
        .await
        .expect("lock");
    let switched = tokio::task::spawn_blocking(move || {
        let body = serde_json::json!({ "scenario": "flash_crash" });
        assert_eq!(
            desk.call("POST", "/api/v1/demo/scenario", Some(body)).0,
            204
        );
        desk.wait("/api/v1/alerts", "outputs to be written", |alerts| {
            // The crash's own: the calm market may have called an account before.
            alerts["items"]
                .as_array()
                .is_some_and(|all| all.iter().any(|alert| alert["rule"] == "halt"))
        });
        desk.stop_within(STOP_MAX);
    });
    switched.await.expect("it stops in time");
    other.execute("ROLLBACK").await.expect("rollback");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_the_server_what_a_start_would_do() {
    let Some(server) = postgres::server() else {
        return;
    };
    let url = server.database().await;
    let said = tokio::task::spawn_blocking(move || {
        let dir = tempfile::tempdir().expect("a folder");
        let output = command(dir.path())
            .args(["--json", "doctor"])
            .env("SIAGA__SERVER__LISTEN", "127.0.0.1:0")
            .env("SIAGA__STORE__ENABLED", "true")
            .env("SIAGA__STORE__URL", &url)
            .output()
            .expect("the program runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    let said = said.await.expect("no panic");
    assert!(said.contains("PostgreSQL by URL answers"), "{said}");
    assert!(said.contains("migrations"), "{said}");
}
