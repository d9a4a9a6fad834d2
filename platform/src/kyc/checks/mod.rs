//! What can be checked on a document without asking anybody: pure functions of text, pixels and a day.

pub mod expiry;
pub mod findings;
pub mod home;
pub mod kit;
pub mod mrz;
mod mrz_repair;
pub mod names;
pub mod nik;
pub mod npwp;
pub mod phone;
pub mod quality;
mod states;
#[cfg(test)]
mod vectors;

pub use mrz_repair::{find as find_mrz, repair as repair_mrz};
