//! Terms are inputs: a changed switch alone changes nothing, and the program says so.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use siaga_feed::venue_server::{Act, Protocol, VenueServer};
use tokio::net::TcpListener;

use crate::desk::{Desk, command};

/// The switches of README for one venue, at a local address.
fn live(command: &mut Command, url: &str) {
    command
        .env("SIAGA__FEED__SIMULATOR", "false")
        .env("SIAGA__FEED__KRAKEN__ENABLED", "true")
        .env("SIAGA__FEED__KRAKEN__URL", url);
}

/// What a command of the program says, with its exit code.
fn said(data: &Path, url: &str, args: &[&str]) -> (Option<i32>, Value) {
    let mut program = command(data);
    live(&mut program, url);
    let output = program
        .arg("--json")
        .args(args)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("JSON: {text}"));
    (output.status.code(), value)
}

/// The finding of `doctor` about a part.
fn finding<'a>(doctor: &'a Value, part: &str) -> &'a Value {
    let all = doctor["findings"].as_array().expect("findings");
    let found = all.iter().find(|finding| finding["part"] == part);
    found.unwrap_or_else(|| panic!("{part}: {doctor}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_switched_on_after_the_demonstration_is_told_imported_and_priced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let quote = |bid: &str, ask: &str| Act::Quote {
        symbol: "BTC/USD".to_owned(),
        bid: bid.to_owned(),
        ask: ask.to_owned(),
    };
    let script = vec![
        Act::Requests(2),
        quote("61800.0", "61801.0"),
        quote("61802.0", "61803.0"),
    ];
    let venue = VenueServer::start(listener, Protocol::Kraken, vec![script]).expect("a venue");
    let url = venue.url();
    tokio::task::spawn_blocking(move || {
        let dir = tempfile::tempdir().expect("a folder");
        let demo = Desk::start(dir.path());
        demo.wait(
            "/api/v1/quotes?symbols=BTC/USD",
            "a simulated price",
            |quotes| quotes["items"][0]["bid"].is_string(),
        );
        demo.stop();

        let (code, doctor) = said(dir.path(), &url, &["doctor"]);
        assert_eq!(code, Some(5), "{doctor}");
        let terms = finding(&doctor, "terms");
        assert_eq!(terms["ok"], false, "{terms}");
        let detail = terms["detail"].as_str().expect("text");
        assert!(
            detail.contains("kraken") && detail.contains("siaga import --apply"),
            "{detail}"
        );
        assert_eq!(finding(&doctor, "kraken")["ok"], true, "{doctor}");

        let desk = Desk::start_with(dir.path(), |program| live(program, &url));
        let told = desk.first["recovered"]["remarks"].to_string();
        assert!(told.contains("kraken"), "the start says so: {told}");
        let (status, ready) = desk.call("GET", "/readyz?verbose", None);
        assert_eq!(status, 503);
        assert!(ready.to_string().contains("siaga import"), "{ready}");
        desk.stop();

        let (code, shown) = said(dir.path(), &url, &["import"]);
        assert_eq!(code, Some(5), "{shown}");
        let (code, applied) = said(dir.path(), &url, &["import", "--apply"]);
        assert_eq!(code, Some(0), "{applied}");
        let (_, doctor) = said(dir.path(), &url, &["doctor"]);
        assert_eq!(finding(&doctor, "terms")["ok"], true, "{doctor}");

        let desk = Desk::start_with(dir.path(), |program| live(program, &url));
        let told = desk.first["recovered"]["remarks"].to_string();
        assert!(!told.contains("kraken"), "{told}");
        desk.wait(
            "/api/v1/quotes?symbols=BTC/USD",
            "the venue's price",
            |quotes| quotes["items"][0]["source"] == "kraken",
        );
        desk.stop();
    })
    .await
    .expect("no panic");
}
