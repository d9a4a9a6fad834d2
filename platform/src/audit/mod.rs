//! Who did what, to what, with the values before and after. Rows are chained by hashes that the
//! database computes (`migrations/0016_audit.sql`); nothing changes or leaves them.

mod anchor;
mod change;
mod export;
mod list;
mod partitions;
mod span;
mod verify;
mod write;

pub use anchor::{
    ANCHORS_FILE, Anchor, Restore, anchors_of, append_anchor, append_restore, heads, restores_of,
};
pub use change::{Action, Change, Value};
pub use export::{Exported, export};
pub use list::{AUDIT_READ, Entry, Filter, list};
pub use partitions::prepare;
pub use span::Span;
pub use verify::{Fault, Flaw, Piece, Report, Verifier, check, verify};
pub use write::opened;

/// What may be done with the log.
pub const PERMISSIONS: &[crate::people::Permission] = &[AUDIT_READ];
pub(crate) use write::{Row, write};
