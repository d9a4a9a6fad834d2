//! The store against a real PostgreSQL server and against the embedded one.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/desk.rs"]
mod program;
#[path = "support/shared.rs"]
#[allow(dead_code)] // these tests need no recordings, only the notes of skips
mod shared;
#[path = "store/support.rs"]
mod support;

#[path = "store/alerts.rs"]
mod alerts;
#[path = "store/consumers.rs"]
mod consumers;
#[cfg(feature = "embedded-postgres")]
#[path = "store/crash.rs"]
mod crash;
#[path = "store/desk.rs"]
mod desk;
#[path = "store/door.rs"]
mod door;
#[path = "store/dumps.rs"]
mod dumps;
#[path = "store/holders.rs"]
mod holders;
#[path = "store/migrations.rs"]
mod migrations;
#[path = "store/names.rs"]
mod names;
#[path = "store/outputs.rs"]
mod outputs;
#[path = "store/rebuild.rs"]
mod rebuild;
#[path = "store/stop.rs"]
mod stop;
#[path = "store/tick_table.rs"]
mod tick_table;
#[path = "store/timescale.rs"]
mod timescale;
#[path = "store/upkeep.rs"]
mod upkeep;
#[path = "store/whole.rs"]
mod whole;
