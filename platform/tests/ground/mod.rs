//! What the ground promises, one file a promise.

mod audit;
mod colleagues;
mod consent;
pub mod desk;
mod erasure;
mod maintenance;
mod news;
mod once;
mod outbox;
mod rbac;
mod retention;
mod rows;
mod search;
mod semantic;
mod shared_cache;
mod trading;
