//! Siaga's business platform: its place, the door to the database, the consumers of the output log,
//! and the one event table.

pub mod consumer;
pub mod db;
pub mod events;
pub mod source;
pub mod values;
