//! Identity against a real PostgreSQL server and the embedded one, and against examples of the standards.

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/shared.rs"]
mod shared;
#[path = "store/support.rs"]
#[allow(dead_code)] // these tests need databases and no output logs
mod support;

#[path = "identity/about.rs"]
mod about;
#[path = "identity/again.rs"]
mod again;
#[path = "identity/attacks.rs"]
mod attacks;
#[path = "identity/crossing.rs"]
mod crossing;
#[path = "identity/end.rs"]
mod end;
#[path = "identity/house.rs"]
mod house;
#[path = "identity/linking.rs"]
mod linking;
#[path = "identity/races.rs"]
mod races;
#[path = "identity/sessions.rs"]
mod sessions;
#[path = "identity/side_by_side.rs"]
mod side_by_side;
#[path = "identity/standards.rs"]
mod standards;
#[path = "identity/takeovers.rs"]
mod takeovers;
#[path = "identity/teams.rs"]
mod teams;
#[path = "identity/tiers.rs"]
mod tiers;
