//! Siaga's business platform: the door to the database, the consumers of the output log, the one event
//! table, and the ground its engines stand on: people and what they may do, one way to write, the audit
//! chain, the outbox, sealed personal data. [`unit::Platform`] is where an engine starts.

pub mod audit;
pub mod consumer;
pub mod core_door;
pub mod crypto;
pub mod db;
pub mod events;
pub mod identity;
pub mod ids;
pub mod outbox;
pub mod page;
pub mod people;
pub mod refusal;
pub mod source;
pub mod unit;
pub mod values;
