//! Movements of money: asked for, approved by another person, booked by the core.

mod book;
mod request;
pub mod state;

pub use book::{confirm, settle};
pub use request::{Asked, CashRow, NewCash, list, one, request, take_step};
