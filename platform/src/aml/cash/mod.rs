//! Movements of money: asked for, approved by another person, booked by the core.

mod book;
mod direct;
mod request;
pub mod state;
mod store;

pub use book::{confirm, settle};
pub use direct::may_book;
pub use request::{Asked, CashRow, NewCash, list, one, request, take_step};
pub use store::Movements;
