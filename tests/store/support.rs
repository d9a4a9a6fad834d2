//! Both databases behind one loop.

use std::sync::Arc;

use siaga::store::db::{Db, PoolOptions};
use siaga::store::migrate;
use siaga::store::source::Entry;
use siaga_risk::journal::{Cursor, MemoryDisk, OutputLog, OutputOptions, Preparation};
use siaga_risk::record::put_output;
use tempfile::TempDir;

use crate::postgres::{self, Server};

/// Connections of a test's pool.
pub const SERVER_CONNECTIONS: u32 = 8;

/// Segments of the tests' output logs: small, so that a day fills several.
pub const SEGMENT_BYTES: u32 = 8_192;

/// An output log in memory.
pub fn output_log(bytes_max: u64) -> OutputLog {
    output_log_on(&Arc::new(MemoryDisk::default()), bytes_max)
}

/// The output log that is on a disk, or a new one.
pub fn output_log_on(disk: &Arc<MemoryDisk>, bytes_max: u64) -> OutputLog {
    let options = OutputOptions {
        segment_bytes: SEGMENT_BYTES,
        bytes_max,
        fingerprint: 1,
        epoch: 1,
        first_seq: 1,
        journal_end: None,
        preparation: Preparation::Inline,
    };
    OutputLog::open(disk.clone(), options).expect("log").0
}

/// Writes outputs and makes them durable.
pub fn append(log: &mut OutputLog, entries: &[Entry]) {
    let mut payload = Vec::new();
    for Entry { key, ts, output } in entries {
        payload.clear();
        let kind = put_output(*ts, output, &mut payload);
        let at = Cursor {
            seq: key.seq,
            index: key.index,
        };
        log.append(at, kind, &payload).expect("append");
    }
    log.sync().expect("sync");
}

/// A database of this test alone.
pub struct Database {
    pub kind: &'static str,
    pub db: Db,
    _server: Option<Arc<Server>>,
    _folder: Option<TempDir>,
}

/// Every kind of database this machine can run, without a schema.
pub async fn empty() -> Vec<Database> {
    let mut databases = Vec::new();
    if let Some(server) = postgres::server() {
        let options = PoolOptions {
            url: server.database().await,
            connections_max: SERVER_CONNECTIONS,
        };
        databases.push(Database {
            kind: "server",
            db: Db::server(&options).expect("url"),
            _server: Some(server),
            _folder: None,
        });
    }
    #[cfg(feature = "embedded-postgres")]
    {
        let folder = tempfile::tempdir().expect("folder");
        let db = siaga::store::embedded::start(folder.path())
            .await
            .expect("embedded");
        databases.push(Database {
            kind: "embedded",
            db,
            _server: None,
            _folder: Some(folder),
        });
    }
    databases
}

/// Where a desk of a test may keep its store: in a database on the server, and embedded. The server
/// lives as long as it is kept.
pub async fn urls() -> (Option<Arc<Server>>, Vec<Option<String>>) {
    let server = postgres::server();
    let mut urls = Vec::new();
    if let Some(server) = &server {
        urls.push(Some(server.database().await));
    }
    if cfg!(feature = "embedded-postgres") {
        urls.push(None);
    }
    (server, urls)
}

/// As [`empty`], migrated.
pub async fn migrated() -> Vec<Database> {
    let databases = empty().await;
    for Database { kind, db, .. } in &databases {
        migrate::run(db)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    databases
}
