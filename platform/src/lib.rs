//! Siaga's business platform: the door to the database, the consumers of the output log, the one event
//! table, and the ground its engines stand on: people and what they may do, one way to write, the audit
//! chain, the outbox, sealed personal data. [`unit::Platform`] is where an engine starts.

pub mod accounts;
pub mod address;
pub mod aml;
pub mod audit;
pub mod cache;
pub mod calendar;
pub mod consent;
pub mod consumer;
pub mod core_door;
pub mod crm;
pub mod crypto;
pub mod db;
pub mod erasure;
pub mod events;
pub mod handlers;
pub mod http;
pub mod identity;
pub mod ids;
pub mod kyc;
pub mod maintenance;
pub mod news;
pub mod outbox;
pub mod page;
pub mod people;
pub mod refusal;
pub mod retention;
pub mod search;
pub mod semantic;
pub mod signatures;
pub mod source;
pub mod spread;
pub mod subjects;
pub mod unit;
pub mod values;
