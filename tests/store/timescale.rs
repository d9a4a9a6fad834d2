//! The same schema where TimescaleDB is: hypertables in place of partitions.

use siaga::store::db::{Actor, Db, PoolOptions};
use siaga::store::{migrate, ticks};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::shared;
use crate::support::SERVER_CONNECTIONS;
use crate::tick_table::tick;

/// A server whose user may create databases and the extension.
const URL: &str = "SIAGA_TEST_TIMESCALE_URL";

/// A fresh database on that server.
async fn database(server: &str) -> String {
    let name = format!("siaga_test_{}", std::process::id());
    let mut admin = PgConnection::connect(server).await.expect("connect");
    for sql in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ] {
        admin.execute(AssertSqlSafe(sql)).await.expect("database");
    }
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let host_end = address.find("://").map_or(0, |at| at + 3);
    let address = match address[host_end..].find('/') {
        Some(slash) => &address[..host_end + slash],
        None => address,
    };
    format!("{address}/{name}?{options}")
}

#[tokio::test]
async fn ticks_go_into_a_hypertable() {
    let Ok(server) = std::env::var(URL) else {
        return shared::skipped("TimescaleDB: SIAGA_TEST_TIMESCALE_URL is not set");
    };
    let db = Db::server(&PoolOptions {
        url: database(&server).await,
        connections_max: SERVER_CONNECTIONS,
    })
    .expect("url");
    let report = migrate::run(&db)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(report.applied.contains(&"0009a_ticks_hypertable"));
    assert!(!report.applied.contains(&"0009b_ticks_partitions"));
    assert!(report.applied.contains(&"0011_bars_hypertable"));
    let day = jiff::civil::date(2025, 4, 9);
    assert_eq!(ticks::prepare(&db, day).await.expect("prepare"), 0);
    let rows: Vec<_> = (1..=72).map(tick).collect();
    assert_eq!(ticks::store(&db, rows.clone()).await.expect("copy"), 72);
    assert_eq!(ticks::store(&db, rows).await.expect("copy"), 0);
    let later = jiff::civil::date(2025, 4, 11);
    assert!(ticks::drop_before(&db, later).await.expect("drop") > 0);
    let left = db.read(&Actor::SYSTEM, |tx| {
        tx.scalar(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ticks"))
    });
    assert_eq!(left.await.expect("count"), 72 - 47i64);
    db.close().await;
}
