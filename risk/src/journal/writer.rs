//! The journal of inputs.

use super::appender::{Appender, Settings};
use super::disk::Disk;
use super::error::{JournalError, Poison};
use super::files::{JournalFiles, remove_half_packed};
use super::layout::{Key, Stream};
use super::prepare::Preparation;
use super::reader::Records;
use super::survey::Torn;
use std::io;
use std::sync::Arc;

/// How a journal is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of one segment file, all of them written when it is prepared.
    pub segment_bytes: u32,
    /// Fingerprint of the constants that change decisions; must be that of the journal.
    pub fingerprint: u64,
    /// Epoch of the rules. A higher one than the journal's begins a new segment under the new
    /// fingerprint; the caller holds a snapshot of everything before.
    pub epoch: u32,
    /// First sequence of an empty journal: 1, or the one behind the snapshot that is started from.
    pub first_seq: u64,
    /// Who prepares the next segment.
    pub preparation: Preparation,
}

impl Options {
    /// 64 MiB hold about 700,000 quotes: prepared in a fraction of the time they take to come.
    pub const SEGMENT_BYTES: u32 = 64 << 20;

    /// The defaults for this fingerprint and epoch.
    pub const fn new(fingerprint: u64, epoch: u32) -> Self {
        let segment_bytes = Self::SEGMENT_BYTES;
        let preparation = Preparation::Helper;
        Self {
            segment_bytes,
            fingerprint,
            epoch,
            first_seq: 1,
            preparation,
        }
    }

    const fn settings(&self) -> Settings {
        let Self {
            segment_bytes,
            fingerprint,
            epoch,
            first_seq,
            preparation,
        } = *self;
        Settings {
            segment_bytes,
            fingerprint,
            epoch,
            first_seq,
            preparation,
        }
    }
}

/// What the journal held when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// First sequence that [`Journal::records`] can give; one above `last_seq` when there is none.
    pub first_seq: u64,
    /// Last sequence; the next append is one above it.
    pub last_seq: u64,
    /// Whether the last process closed the journal; if not, the stream's epoch is new.
    pub clean: bool,
    /// What was cut.
    pub torn: Option<Torn>,
    /// Whether a new epoch has begun: nothing before it can be replayed by this build.
    pub new_epoch: bool,
}

/// The journal: [`open`](Self::open), replay [`records`](Self::records), then
/// [`append`](Self::append) and [`sync`](Self::sync) at the end of each batch, and
/// [`close`](Self::close). One writer; readers come from `records` and may live on other threads.
pub struct Journal {
    appender: Appender,
    rules: (u64, u32),
}

impl Journal {
    /// Opens the journal in `disk`, cutting a torn tail.
    ///
    /// # Errors
    /// [`JournalError`]: damage, another fingerprint, or a disk that cannot be written.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Recovered), JournalError> {
        remove_half_packed(disk.as_ref())?;
        let (appender, opened) = Appender::open(disk, Stream::Journal, options.settings())?;
        let rules = (options.fingerprint, options.epoch);
        let journal = Self { appender, rules };
        let recovered = Recovered {
            first_seq: journal.first_seq(),
            last_seq: opened.last.seq,
            clean: opened.clean,
            torn: opened.torn,
            new_epoch: opened.new_epoch,
        };
        Ok((journal, recovered))
    }

    /// Adds an input to the batch. It is not durable before [`sync`](Self::sync). Allocates nothing.
    ///
    /// # Errors
    /// [`JournalError::Sequence`] unless `seq` is one above the last; `TooLarge`, `ReservedKind`;
    /// [`JournalError::Poisoned`] after any failed write.
    #[inline]
    pub fn append(&mut self, seq: u64, kind: u16, payload: &[u8]) -> Result<(), JournalError> {
        let expected = self.appender.last().seq.saturating_add(1);
        if seq != expected {
            return Err(JournalError::Sequence {
                expected,
                given: seq,
            });
        }
        self.appender
            .append(Key { seq, index: 0 }, kind, [payload, &[]])
    }

    /// Makes everything appended durable and gives the last durable sequence.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`], from now on for ever.
    pub fn sync(&mut self) -> Result<u64, JournalError> {
        self.appender.sync().map(|key| key.seq)
    }

    /// Last durable sequence.
    pub const fn durable_seq(&self) -> u64 {
        self.appender.durable().seq
    }

    /// Last sequence appended.
    pub const fn last_seq(&self) -> u64 {
        self.appender.last().seq
    }

    /// First sequence that can still be read; one above the last when there is none.
    pub fn first_seq(&self) -> u64 {
        self.files().first_seq()
    }

    /// First sequence of the epoch that is written, as far back as it can be read.
    pub fn epoch_first(&self) -> u64 {
        let first = self.files().epoch_first();
        first.unwrap_or_else(|| self.last_seq().saturating_add(1))
    }

    /// Why nothing is accepted any more; `None` while all is well.
    pub const fn poisoned(&self) -> Option<&Poison> {
        self.appender.poison()
    }

    /// Why the segment after this one could not be prepared yet, told once for each attempt: time
    /// to free space before the journal needs it.
    pub fn preparation_failure(&mut self) -> Option<io::Error> {
        self.appender.preparation_failure()
    }

    /// Tries once more to have the next segment ready. The caller waits in between: each attempt writes a whole one.
    pub fn prepare_again(&mut self) {
        self.appender.prepare_again();
    }

    /// Reads the inputs from sequence `from` on, up to what is durable.
    ///
    /// # Errors
    /// [`JournalError::Trimmed`], [`JournalError::BeyondEnd`], [`JournalError::Fingerprint`].
    pub fn records(&self, from: u64) -> Result<Records, JournalError> {
        let last = self.durable_seq();
        if from > last.saturating_add(1) {
            return Err(JournalError::BeyondEnd { asked: from, last });
        }
        self.files().records(from)
    }

    /// The segments for other threads.
    pub fn files(&self) -> JournalFiles {
        JournalFiles::new(Arc::clone(self.appender.index()), self.rules)
    }

    /// Removes the segments that hold only sequences below `seq`, and says how many. The segment
    /// being written to stays.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the journal goes on.
    pub fn trim_before(&mut self, seq: u64) -> Result<usize, JournalError> {
        self.files().trim_before(seq)
    }

    /// Makes everything durable and leaves the mark of a clean stop.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`].
    pub fn close(self) -> Result<u64, JournalError> {
        self.appender.close().map(|key| key.seq)
    }
}
