//! What the desk of compliance relies on, one file a promise.

mod cases;
mod fetch;
mod lists;
mod money;
mod names;
