//! `siaga rebuild` as a command: the same rows again, and how it ends.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use siaga::store::Store;
use siaga::store::db::{Actor, Tx};
use siaga::store::rebuild::READ_MODEL;

use crate::program::{Desk, command};
use crate::support::urls;

/// Runs the command; its exit code, what it said on standard output, and the error it named.
fn rebuild(data: &Path, url: Option<&str>) -> (Option<i32>, Value, String) {
    let mut program = command(data);
    program
        .args(["--json", "rebuild"])
        .env("SIAGA__STORE__ENABLED", "true");
    if let Some(url) = url {
        program.env("SIAGA__STORE__URL", url);
    }
    let output = program.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = told.lines().last().unwrap_or_default().to_owned();
    let said = serde_json::from_str(&said).unwrap_or(Value::Null);
    (output.status.code(), said, last)
}

/// Trades on a desk, tries to rebuild beside it, and stops it.
fn trade(data: &Path, url: Option<&str>) {
    let desk = Desk::start_with(data, |command| {
        command.env("SIAGA__STORE__ENABLED", "true");
        if let Some(url) = url {
            command.env("SIAGA__STORE__URL", url);
        }
    });
    desk.wait(
        "/api/v1/desk",
        "the paper broker's link going live",
        |desk| desk["links"][0]["mode"] == "live",
    );
    desk.wait("/api/v1/quotes?symbols=EUR/USD", "a price", |quotes| {
        quotes["items"][0]["bid"].is_string()
    });
    desk.database_ready();
    let order = json!({
        "account": 8, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "client_id": "once"
    });
    let (status, placed) = desk.call("POST", "/api/v1/orders", Some(order));
    assert_eq!(status, 201, "{placed}");
    desk.wait("/api/v1/accounts/8", "the fill", |account| {
        account["positions"].as_array().map(Vec::len) == Some(1)
    });
    desk.wait(
        "/api/v1/bars?symbol=EUR/USD&span=1s",
        "a closed bar",
        |bars| bars["items"][0]["closed"] == true,
    );
    let (code, _, told) = rebuild(data, url);
    assert_eq!(code, Some(4), "{told}");
    assert!(
        told.contains(&desk.child.id().to_string()),
        "it names the desk that runs: {told}"
    );
    desk.stop();
}

/// Rows of each table, without what the log holds behind a stopped store (its last checkpoint) and
/// what is kept now and then only (the engine of the alerts).
async fn rows(data: &Path, url: Option<&str>) -> BTreeMap<&'static str, i64> {
    let store = Store::open(url, data, Timestamp::UNIX_EPOCH).await;
    let store = store.unwrap_or_else(|error| panic!("{error}"));
    let work = |tx: &mut Tx<'_>| {
        let tables = READ_MODEL.iter().map(|table| table.name);
        tables
            .chain(["audit_log"])
            .filter(|table| *table != "alert_engine")
            .map(|table| {
                let which = match table {
                    "events" => "WHERE type <> 'system.checkpoint'",
                    _ => "",
                };
                let sql = format!("SELECT count(*) FROM {table} {which}");
                Ok((table, tx.scalar(Tx::composed_scalar(sql))?))
            })
            .collect()
    };
    let found = store.db.read(&Actor::SYSTEM, work).await.expect("rows");
    store.db.close().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_gives_the_same_rows_and_the_documented_exit_codes() {
    let (_server, urls) = urls().await;
    for url in urls {
        let folder = tempfile::tempdir().expect("folder");
        let (data, address) = (folder.path().to_owned(), url.clone());
        let traded = tokio::task::spawn_blocking(move || {
            let (code, _, told) = rebuild(&data, address.as_deref());
            assert_eq!(code, Some(4), "{told}");
            let told: Value = serde_json::from_str(&told).expect("an error as JSON");
            let why = told["error"].as_str().expect("an error");
            assert!(why.contains("nothing was started"), "{why}");
            trade(&data, address.as_deref());
        });
        traded.await.expect("no panic");
        let before = rows(folder.path(), url.as_deref()).await;
        for filled in [
            "bars",
            "cash_movements",
            "deals",
            "events",
            "instruments",
            "orders",
        ] {
            assert!(before[filled] > 0, "{filled}: {before:?}");
        }
        let (data, address) = (folder.path().to_owned(), url.clone());
        let rebuilt = tokio::task::spawn_blocking(move || rebuild(&data, address.as_deref()));
        let (code, said, told) = rebuilt.await.expect("no panic");
        assert_eq!(code, Some(0), "{told}");
        assert!(said["outputs"].as_u64() > Some(0), "{said}");
        assert!(said["lost"].is_null(), "{said}");
        assert_eq!(rows(folder.path(), url.as_deref()).await, before);
    }
}
