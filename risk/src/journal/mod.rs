//! The durable files of the core: the journal of inputs, the log of outputs, the snapshots.
//!
//! Everything here is bytes: a record is a sequence, a `kind` and a payload, and what they mean is
//! the business of [`event`](crate::event). One directory holds all files of one desk:
//!
//! | file | what it holds |
//! |---|---|
//! | `journal-NNNNNNNNNN.seg` | inputs, sequences strictly +1 ([`Journal`]); cold ones packed |
//! | `output-NNNNNNNNNN.seg` | outputs, keyed by input sequence and index ([`OutputLog`]) |
//! | `snapshot-SEQUENCE.bin` | the machine's state after that input ([`Snapshots`]) |
//! | `epochs.bin` | which input began which epoch ([`Epochs`]) |
//! | `siaga.lock` | the process that owns the directory ([`DirectoryLock`]) |
//!
//! # What a crash can do, and how it is told from damage
//!
//! Segments are zeroed before use and a batch is written only after the batch before it was
//! synced. Every record carries the offset at which its batch began. So where reading stops at
//! something that is no record, any valid record of a *later* batch behind it proves that the
//! broken one had been synced: that is damage, and the start is refused. Without such a proof it is
//! the tail of a batch that was never acknowledged, and it is cut and reported. Opening and closing
//! write a mark of their own, so after a clean stop every record stands before a later batch.

mod appender;
mod cursors;
mod cut;
mod disk;
mod epochs;
mod error;
mod files;
#[doc(hidden)]
pub mod fuzz;
mod index;
mod inspect;
mod layout;
mod lock;
mod memory_disk;
mod output_log;
mod pack;
mod prepare;
mod reader;
mod retention;
mod snapshot;
mod survey;
mod ticks;
mod walk;
mod writer;

#[cfg(any(test, feature = "faults"))]
pub mod crash_disk;
#[cfg(test)]
mod tests;

pub use cursors::{Cursor, CursorState, LogEvent};
pub use disk::{Disk, DiskFile, FileDisk};
pub use epochs::{Epoch, Epochs};
pub use error::{JournalError, Poison, PoisonReason};
pub use files::{JournalFiles, Packing, SegmentFile};
pub use inspect::{Damage, Inspection, KindSummary, SegmentSummary, inspect, inspect_told};
pub use layout::{KIND_MARK, PAYLOAD_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, Stream};
pub use lock::DirectoryLock;
pub use memory_disk::MemoryDisk;
pub use output_log::{
    OutputBatch, OutputConsumers, OutputLog, OutputOptions, OutputReader, OutputRecord,
    OutputRecovered,
};
pub use prepare::Preparation;
pub use reader::{Record, Records};
pub use retention::Retention;
pub use snapshot::{SkippedSnapshot, Snapshot, SnapshotMeta, SnapshotWritten, Snapshots};
pub(crate) use survey::settled;
pub use survey::{LogEnd, Torn, log_end, newest_epoch};
pub use ticks::{Tick, TickIndex, TickPage, TickRequest};
pub use writer::{Journal, Options, Recovered};
