//! The store against a real PostgreSQL server and against the embedded one.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "store/support.rs"]
mod support;

#[path = "store/door.rs"]
mod door;
#[path = "store/migrations.rs"]
mod migrations;
