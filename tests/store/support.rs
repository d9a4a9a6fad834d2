//! Both databases behind one loop.

use std::sync::Arc;

use siaga::store::db::{Db, PoolOptions};
use siaga::store::migrate;
use tempfile::TempDir;

use crate::postgres::{self, Server};

/// Connections of a test's pool.
pub const SERVER_CONNECTIONS: u32 = 8;

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
