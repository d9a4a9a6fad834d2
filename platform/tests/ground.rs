//! The ground of the platform against a real PostgreSQL server. The program's own tests run the same
//! files against the embedded database too.

#[path = "../../tests/support/postgres.rs"]
mod postgres;
#[path = "../../tests/support/services.rs"]
mod services;
#[path = "../../tests/support/shared.rs"]
#[allow(dead_code)] // these tests need no recordings, only the notes of skips
mod shared;

/// The server, migrated by the files themselves: which of them a database takes is the program's to
/// decide, those of the platform need nothing.
mod support {
    use std::path::Path;
    use std::sync::Arc;

    use siaga_platform::db::{Db, PoolOptions};

    use crate::postgres::{self, Server};

    pub struct Database {
        pub kind: &'static str,
        pub db: Db,
        _server: Arc<Server>,
    }

    pub async fn migrated() -> Vec<Database> {
        let Some(server) = postgres::server() else {
            return Vec::new();
        };
        let options = PoolOptions {
            url: server.database().await,
            connections_max: 8,
        };
        let db = Db::server(&options).expect("url");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .expect("migrations")
            .map(|entry| entry.expect("entry").path())
            .collect();
        files.sort();
        for file in files {
            let sql = std::fs::read_to_string(&file).expect("a migration");
            if sql.starts_with("-- requires:")
                || sql.starts_with("-- choice:")
                || sql.starts_with("-- after:")
            {
                continue;
            }
            db.own(move |tx| tx.script(sql))
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        vec![Database {
            kind: "server",
            db,
            _server: server,
        }]
    }
}

#[path = "crm/mod.rs"]
mod crm;
#[path = "ground/mod.rs"]
mod ground;
