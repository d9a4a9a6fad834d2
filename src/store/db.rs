//! The door to the database. It stands in the platform crate, because that is where most SQL is
//! written and no arrow points from there to the program.

pub use siaga_platform::db::*;
