//! Who did what, to what, with the values before and after. Rows are chained by hashes that the
//! database computes (`migrations/0016_audit.sql`); nothing changes or leaves them.

mod change;
mod write;

pub use change::{Action, Change, Value};
pub(crate) use write::{Row, write};
