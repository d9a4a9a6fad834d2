//! Sanctions lists: what stands on them, how each publisher's files are read, and what changed between two versions.

pub mod country;
pub mod csv;
pub mod date;
pub mod delta;
pub mod entry;
pub mod ofac;
mod packed;
pub mod sheet;
#[cfg(test)]
pub(crate) mod sheet_fixture;
pub mod source;
pub mod un;
mod un_names;

pub use date::PartialDate;
pub use delta::{Delta, Shape, delta, sane, sides_sane};
pub use entry::{Entry, Named, Quality};
pub use source::{Files, Format, List, Unreadable, read};
