//! The REST API as strangers meet it: without a token, from another organisation, without the role; and the
//! table of roles over real routes. The program runs as its own process beside a PostgreSQL server.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/desk.rs"]
mod program;
#[path = "support/shared.rs"]
#[allow(dead_code)] // these tests need no recordings, only the notes of skips
mod shared;

#[path = "routes/contract.rs"]
mod contract;
#[path = "routes/forwarded.rs"]
mod forwarded;
#[path = "routes/house.rs"]
mod house;
#[path = "routes/keys.rs"]
mod keys;
#[path = "routes/maintenance.rs"]
mod maintenance;
#[path = "../platform/tests/kyc/photo.rs"]
mod photo;
#[path = "routes/roles.rs"]
mod roles;
#[path = "routes/strangers.rs"]
mod strangers;
#[path = "routes/trading.rs"]
mod trading;
