//! Appends records to the last segment of a log: buffered, written in batches, synced in groups.

use super::disk::{Disk, DiskFile};
use super::error::{JournalError, Poison, PoisonReason};
use super::index::{DurableEnd, SegmentIndex};
use super::layout::{
    KIND_MARK, Key, MARK_CLOSED, MARK_OPENED, PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES,
    SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentHeader, Stream, put_record,
};
use super::prepare::{Preparation, Preparer};
use super::survey::{Segment, Torn, repair, survey};
use std::io;
use std::sync::Arc;

/// A batch is handed to the system in pieces of this size; the sync comes once at its end.
const WRITE_BUFFER_BYTES: usize = 256 << 10;

/// What an open log needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub segment_bytes: u32,
    pub fingerprint: u64,
    pub epoch: u32,
    pub first_seq: u64,
    pub preparation: Preparation,
}

/// What was found when a log was opened.
pub struct Opened {
    pub last: Key,
    pub clean: bool,
    pub torn: Option<Torn>,
    pub new_epoch: bool,
}

/// The writing end of a log.
pub struct Appender {
    index: Arc<SegmentIndex>,
    settings: Settings,
    preparer: Preparer,
    file: Arc<dyn DiskFile>,
    header: SegmentHeader,
    capacity: u32,
    batch_start: u32,
    written: u32,
    buffer: Vec<u8>,
    last: Key,
    durable: Key,
    poison: Option<Poison>,
}

impl Appender {
    /// Opens the log: surveys it, cuts a torn tail, starts a new epoch when the settings say so, and
    /// writes the mark of opening.
    ///
    /// # Errors
    /// [`JournalError`] when the directory holds damage, other rules, or cannot be written.
    pub fn open(
        disk: Arc<dyn Disk>,
        stream: Stream,
        settings: Settings,
    ) -> Result<(Self, Opened), JournalError> {
        check_settings(&settings)?;
        let mut found = survey(disk.as_ref(), stream)?;
        let new_epoch = check_rules(found.segments.last(), stream, &settings)?;
        repair(disk.as_ref(), stream, &mut found, settings.segment_bytes)?;
        let first_spare = found.spares.first().map(|spare| spare.ordinal);
        let directory = "the data directory";
        let mut preparer = Preparer::new(
            Arc::clone(&disk),
            stream,
            settings.segment_bytes,
            first_spare,
            settings.preparation,
        )
        .map_err(JournalError::io(
            "start the preparing thread for",
            directory,
        ))?;
        if found.segments.is_empty() {
            let seq = settings.first_seq - 1;
            found.last = Key { seq, index: 0 };
            let header = settings.header(
                stream,
                first_spare.unwrap_or(1),
                found.last,
                0,
                settings.first_seq,
            );
            let name = stream.file_name(header.ordinal);
            let (segment, _) = begin_segment(disk.as_ref(), &mut preparer, header, &settings)
                .map_err(|(_, error)| JournalError::io("begin", &name)(error))?;
            found.segments.push(segment);
        }
        let active = found.segments[found.segments.len() - 1];
        let name = stream.file_name(active.header.ordinal);
        let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
        let mut appender = Self {
            index: Arc::new(SegmentIndex::new(disk, stream, found.segments)),
            settings,
            preparer,
            file,
            header: active.header,
            capacity: active.file_bytes.min(u64::from(SEGMENT_BYTES_MAX)) as u32,
            batch_start: active.end,
            written: active.end,
            buffer: Vec::with_capacity(
                WRITE_BUFFER_BYTES + (RECORD_HEADER_BYTES + PAYLOAD_BYTES_MAX) as usize,
            ),
            last: found.last,
            durable: found.last,
            poison: None,
        };
        if new_epoch {
            appender.rotate()?;
        }
        appender.mark(MARK_OPENED)?;
        appender.preparer.order(appender.header.ordinal + 1);
        let opened = Opened {
            last: found.last,
            clean: found.clean,
            torn: found.torn,
            new_epoch,
        };
        Ok((appender, opened))
    }

    /// Adds a record to the batch. Allocates nothing; touches the disk only when the buffer or the
    /// segment is full.
    ///
    /// # Errors
    /// [`JournalError::TooLarge`], [`JournalError::ReservedKind`], or [`JournalError::Poisoned`].
    #[inline]
    pub fn append(&mut self, key: Key, kind: u16, parts: [&[u8]; 2]) -> Result<(), JournalError> {
        if kind == KIND_MARK {
            return Err(JournalError::ReservedKind);
        }
        let bytes = parts[0].len() + parts[1].len();
        let max = self.payload_bytes_max();
        if bytes > max as usize {
            return Err(JournalError::TooLarge { bytes, max });
        }
        self.put(key, kind, parts)
    }

    /// Makes the batch durable and begins the next one.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`].
    pub fn sync(&mut self) -> Result<Key, JournalError> {
        self.write_out()?;
        if self.written > self.batch_start {
            if let Err(error) = self.file.sync_data() {
                return Err(self.fail(PoisonReason::Sync, &error));
            }
            self.batch_start = self.written;
            self.durable = self.last;
            self.index.set_durable(DurableEnd {
                ordinal: self.header.ordinal,
                offset: self.written,
            });
        }
        Ok(self.durable)
    }

    /// Syncs, then writes the mark of a clean close.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`].
    pub fn close(mut self) -> Result<Key, JournalError> {
        self.sync()?;
        self.mark(MARK_CLOSED)?;
        Ok(self.durable)
    }

    /// Key of the last record appended.
    pub const fn last(&self) -> Key {
        self.last
    }

    /// Key of the last record that is durable.
    pub const fn durable(&self) -> Key {
        self.durable
    }

    /// Why nothing is accepted any more.
    pub const fn poison(&self) -> Option<&Poison> {
        self.poison.as_ref()
    }

    /// Why the next segment is not ready, before it is needed.
    pub fn preparation_failure(&mut self) -> Option<io::Error> {
        self.preparer.failure()
    }

    /// Tries once more to have the next segment ready.
    pub fn prepare_again(&mut self) {
        self.preparer.order(self.header.ordinal + 1);
    }

    /// The list of segments for readers.
    pub const fn index(&self) -> &Arc<SegmentIndex> {
        &self.index
    }

    /// Most payload bytes that fit into one record.
    pub const fn payload_bytes_max(&self) -> u32 {
        let room = self.settings.segment_bytes - SEGMENT_HEADER_BYTES - RECORD_HEADER_BYTES;
        if room < PAYLOAD_BYTES_MAX {
            room
        } else {
            PAYLOAD_BYTES_MAX
        }
    }

    #[inline]
    fn put(&mut self, key: Key, kind: u16, parts: [&[u8]; 2]) -> Result<(), JournalError> {
        if let Some(poison) = &self.poison {
            return Err(JournalError::Poisoned(poison.clone()));
        }
        let bytes = RECORD_HEADER_BYTES as usize + parts[0].len() + parts[1].len();
        if self.written as usize + self.buffer.len() + bytes > self.capacity as usize {
            self.rotate()?;
        }
        let salt = self.header.checksum;
        put_record(
            &mut self.buffer,
            salt,
            key.seq,
            self.batch_start,
            kind,
            parts,
        );
        self.last = key;
        if self.buffer.len() >= WRITE_BUFFER_BYTES {
            self.write_out()?;
        }
        Ok(())
    }

    /// A record of our own in a batch of its own.
    fn mark(&mut self, mark: [u8; 1]) -> Result<(), JournalError> {
        self.put(self.last, KIND_MARK, [&mark, &[]])?;
        self.sync().map(drop)
    }

    fn write_out(&mut self) -> Result<(), JournalError> {
        if let Some(poison) = &self.poison {
            return Err(JournalError::Poisoned(poison.clone()));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_at(u64::from(self.written), &self.buffer) {
            return Err(self.fail(PoisonReason::Write, &error));
        }
        self.written += self.buffer.len() as u32;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the segment, whose batch becomes durable first, and begins the next one.
    fn rotate(&mut self) -> Result<(), JournalError> {
        self.sync()?;
        let stream = self.index.stream;
        let first_seq = match stream {
            Stream::Journal => self.last.seq.saturating_add(1),
            // Nothing written yet: the segment before begins behind the last input already.
            Stream::Output => self.last.seq.max(self.header.first_seq),
        };
        let ordinal = self.header.ordinal + 1;
        let header = self
            .settings
            .header(stream, ordinal, self.last, self.written, first_seq);
        let disk = Arc::clone(&self.index.disk);
        match begin_segment(disk.as_ref(), &mut self.preparer, header, &self.settings) {
            Ok((segment, file)) => {
                self.index.push(segment);
                self.file = file;
                self.header = segment.header;
                self.capacity = self.settings.segment_bytes;
                (self.batch_start, self.written) = (SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES);
                self.index.set_durable(DurableEnd {
                    ordinal,
                    offset: self.written,
                });
                self.preparer.order(ordinal + 1);
                Ok(())
            }
            Err((reason, error)) => {
                let name = stream.file_name(ordinal);
                Err(self.fail_on(reason, name, &error))
            }
        }
    }

    fn fail(&mut self, reason: PoisonReason, error: &io::Error) -> JournalError {
        self.fail_on(
            reason,
            self.index.stream.file_name(self.header.ordinal),
            error,
        )
    }

    #[cold]
    fn fail_on(&mut self, reason: PoisonReason, file: String, error: &io::Error) -> JournalError {
        let poison = Poison {
            reason: PoisonReason::of(error, reason),
            file,
            message: error.to_string(),
            durable_seq: self.durable.seq,
        };
        self.poison = Some(poison.clone());
        JournalError::Poisoned(poison)
    }
}

impl Settings {
    const fn header(
        &self,
        stream: Stream,
        ordinal: u32,
        previous: Key,
        previous_end: u32,
        first_seq: u64,
    ) -> SegmentHeader {
        let Self {
            fingerprint, epoch, ..
        } = *self;
        SegmentHeader {
            stream,
            fingerprint,
            epoch,
            ordinal,
            first_seq,
            previous,
            previous_end,
            checksum: 0,
        }
    }
}

/// Takes a prepared segment and makes its header durable, before any record is written to it.
fn begin_segment(
    disk: &dyn Disk,
    preparer: &mut Preparer,
    mut header: SegmentHeader,
    settings: &Settings,
) -> Result<(Segment, Arc<dyn DiskFile>), (PoisonReason, io::Error)> {
    let name = header.stream.file_name(header.ordinal);
    preparer
        .take(header.ordinal)
        .map_err(|error| (PoisonReason::Prepare, error))?;
    let file = disk
        .open(&name)
        .map_err(|error| (PoisonReason::Prepare, error))?;
    file.write_at(0, &header.seal())
        .map_err(|error| (PoisonReason::Write, error))?;
    file.sync_data()
        .map_err(|error| (PoisonReason::Sync, error))?;
    let file_bytes = u64::from(settings.segment_bytes);
    Ok((
        Segment {
            header,
            file_bytes,
            plain_bytes: file_bytes,
            packed: false,
            end: SEGMENT_HEADER_BYTES,
        },
        file,
    ))
}

fn check_settings(settings: &Settings) -> Result<(), JournalError> {
    let Settings {
        segment_bytes,
        first_seq,
        ..
    } = *settings;
    if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes) {
        return Err(JournalError::Options(format!(
            "segments of {segment_bytes} bytes are outside {SEGMENT_BYTES_MIN} to \
             {SEGMENT_BYTES_MAX}: correct the segment size in the configuration"
        )));
    }
    if first_seq == 0 {
        return Err(JournalError::Options(
            "the first sequence is 1 or above".to_owned(),
        ));
    }
    Ok(())
}

/// Whether a new epoch begins; an error when these rules may not continue the log.
fn check_rules(
    active: Option<&Segment>,
    stream: Stream,
    settings: &Settings,
) -> Result<bool, JournalError> {
    let Some(SegmentHeader {
        fingerprint,
        epoch,
        ordinal,
        ..
    }) = active.map(|last| last.header)
    else {
        return Ok(false);
    };
    let same_rules = epoch == settings.epoch && fingerprint == settings.fingerprint;
    if same_rules || settings.epoch > epoch {
        return Ok(!same_rules);
    }
    Err(JournalError::Fingerprint {
        file: stream.file_name(ordinal),
        found: (fingerprint, epoch),
        expected: (settings.fingerprint, settings.epoch),
    })
}
