//! What the desk of compliance relies on, one file a promise.

mod lists;
mod money;
mod names;
