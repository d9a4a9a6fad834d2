//! Movements of money: asked for, approved by another person, booked by the core.

mod book;
mod direct;
mod request;
pub mod state;
mod step;
mod store;

pub use book::{confirm, settle};
pub use direct::may_book;
pub use request::{CashRow, NewCash, list, one, request};
pub(super) use step::keep_told;
pub use step::{Asked, take_step};
pub use store::Movements;
