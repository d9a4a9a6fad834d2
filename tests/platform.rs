//! The ground of the platform against a real PostgreSQL server and against the embedded one, migrated as
//! the program does it.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/services.rs"]
mod services;
#[path = "support/shared.rs"]
#[allow(dead_code)] // these tests need no recordings, only the notes of skips
mod shared;
#[path = "store/support.rs"]
#[allow(dead_code)] // they need no output logs
mod support;

#[path = "../platform/tests/aml/mod.rs"]
mod aml;
#[path = "platform/classes.rs"]
mod classes;
#[path = "../platform/tests/crm/mod.rs"]
mod crm;
#[path = "../platform/tests/ground/mod.rs"]
mod ground;
#[path = "../platform/tests/kyc/mod.rs"]
mod kyc;
#[path = "platform/traces.rs"]
mod traces;
