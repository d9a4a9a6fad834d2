//! What the CRM promises: one lead a person, a cap that holds, stages that move by what happens, and who may do what.

mod again;
mod changes;
mod demo;
pub mod floor;
mod intake;
mod kept;
mod life;
mod proof;
mod referral;
mod rights;
mod sharing;
mod takeover;
