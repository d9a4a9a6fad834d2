//! The store as the program runs it: opened, fed by the output log, stopped.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use siaga::store::Store;
use siaga::store::db::Actor;
use siaga::store::read;
use siaga::store::run::{self, Supplies};
use siaga_alerts::engine::Engine;
use siaga_alerts::text::Numbers;
use siaga_risk::journal::OutputLog;
use tokio::sync::watch;

use crate::outputs::{ACCOUNT, day};
use crate::postgres;
use crate::support::{append, output_log};

/// A store per kind of database, with what must live as long.
async fn stores() -> Vec<(Store, Box<dyn std::any::Any>)> {
    let mut stores: Vec<(Store, Box<dyn std::any::Any>)> = Vec::new();
    let folder = tempfile::tempdir().expect("folder");
    if let Some(server) = postgres::server() {
        let url = server.database().await;
        let store = Store::open(Some(&url), folder.path(), Timestamp::UNIX_EPOCH).await;
        stores.push((
            store.unwrap_or_else(|error| panic!("{error}")),
            Box::new(server),
        ));
    }
    let embedded = Store::open(None, folder.path(), Timestamp::UNIX_EPOCH).await;
    if cfg!(feature = "embedded-postgres") {
        stores.push((
            embedded.unwrap_or_else(|error| panic!("{error}")),
            Box::new(folder),
        ));
    } else {
        assert!(
            embedded
                .err()
                .is_some_and(|error| error.to_string().contains("[store] url"))
        );
    }
    stores
}

#[tokio::test]
async fn what_the_log_holds_is_read_back_and_a_stop_leaves_nothing_behind() {
    for (store, _alive) in stores().await {
        let mut log: OutputLog = output_log(1 << 20);
        let entries = day(200);
        let (grow, grown) = watch::channel(0);
        let (halt, stop) = watch::channel(false);
        let supplies = Supplies {
            log: log.consumers(),
            grown,
            stop,
            names: Numbers,
            engine: Engine::default(),
            holdings: Arc::default(),
            now: Arc::new(|| Timestamp::UNIX_EPOCH),
            keep_second_hours: 48,
        };
        let running = run::start(&store, supplies)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let mut progress = running.progress();
        assert_eq!(progress.borrow().len(), 4);
        let half = entries.len() / 2;
        append(&mut log, &entries[..half]);
        grow.send_replace(1);
        let reached = entries[half - 1].key;
        let there = progress.wait_for(|progress| {
            progress
                .values()
                .all(|at| at.as_ref().is_ok_and(|at| *at == reached))
        });
        tokio::time::timeout(Duration::from_secs(60), there)
            .await
            .expect("in time")
            .expect("running");

        // What is written just before the stop is applied too.
        append(&mut log, &entries[half..]);
        halt.send_replace(true);
        let progress = running.progress();
        running.finish().await;
        let end = entries[entries.len() - 1].key;
        assert!(
            progress.borrow().values().all(|at| *at == Ok(end)),
            "{:?}",
            progress.borrow()
        );
        let events = store
            .db
            .read(&Actor::SYSTEM, |tx| {
                read::events(tx, Some(ACCOUNT), None, 1)
            })
            .await;
        assert_eq!(events.expect("events")[0].kind, "desk.mode_close_only");
        store.close(Timestamp::UNIX_EPOCH).await.expect("close");
    }
}
