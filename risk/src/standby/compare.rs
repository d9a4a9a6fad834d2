//! The outputs of the second machine against the log of the first one's, byte by byte.

use std::collections::VecDeque;

use super::{Difference, Divergence};
use crate::event::Seq;
use crate::journal::{Cursor, JournalError, OutputBatch, OutputReader, OutputRecord};

/// Bytes of outputs read at once.
const READ_BYTES: usize = 1 << 20;
/// From this index on stand the log's own checkpoints, which no machine gives.
const OWN_INDEX_MIN: u32 = u32::MAX - 1;

/// What the second machine gave and the log has not shown yet.
pub struct Comparison {
    log: OutputReader,
    read: Option<(OutputBatch, usize)>,
    cursor: Cursor,
    made: VecDeque<Made>,
    compared: Seq,
    skips: u64,
}

struct Made {
    at: Cursor,
    kind: u16,
    payload: Box<[u8]>,
}

impl Comparison {
    /// Compares every output of inputs behind `after`.
    pub fn new(log: OutputReader, after: Seq) -> Self {
        let cursor = Cursor {
            seq: after,
            index: u32::MAX,
        };
        Self {
            log,
            read: None,
            cursor,
            made: VecDeque::new(),
            compared: after,
            skips: 0,
        }
    }

    /// An output of the second machine.
    pub fn made(&mut self, seq: Seq, index: u32, kind: u16, payload: &[u8]) {
        let at = Cursor { seq, index };
        if at > self.cursor {
            let payload = payload.into();
            self.made.push_back(Made { at, kind, payload });
        }
    }

    /// Outputs that wait for the log.
    pub fn waiting(&self) -> usize {
        self.made.len()
    }

    /// Everything up to this input was the same.
    pub fn compared(&self) -> Seq {
        self.compared
    }

    /// How often the log had been trimmed too far and a stretch was not compared.
    pub fn skips(&self) -> u64 {
        self.skips
    }

    /// Compares with what the log has of inputs up to `applied`; says how many outputs were looked
    /// at, and the first difference.
    ///
    /// # Errors
    /// [`JournalError`] when the log cannot be read.
    pub fn look(&mut self, applied: Seq) -> Result<(usize, Option<Divergence>), JournalError> {
        let mut looked = 0;
        loop {
            let Some((batch, from)) = self.next_batch()? else {
                return Ok((looked, None));
            };
            let mut at = from;
            for output in batch.iter().skip(from) {
                if output.at.seq > applied {
                    break;
                }
                if let Some(found) = self.logged(&output) {
                    return Ok((looked, Some(found)));
                }
                at += 1;
            }
            looked += at - from;
            let held = at < batch.len();
            if held {
                self.read = Some((batch, at));
                return Ok((looked, None));
            }
        }
    }

    /// The batch that is being compared and how far it is, or the next one of the log.
    fn next_batch(&mut self) -> Result<Option<(OutputBatch, usize)>, JournalError> {
        if let Some(held) = self.read.take() {
            return Ok(Some(held));
        }
        let batch = match self.log.read_from(self.cursor, READ_BYTES) {
            Err(JournalError::Trimmed { .. }) => {
                self.skip()?;
                self.log.read_from(self.cursor, READ_BYTES)?
            }
            read => read?,
        };
        Ok((!batch.is_empty()).then_some((batch, 0)))
    }

    /// The log has lost what comes next: what it still has is compared.
    fn skip(&mut self) -> Result<(), JournalError> {
        self.cursor = self.log.from();
        self.skips += 1;
        while self.made.front().is_some_and(|made| made.at <= self.cursor) {
            self.made.pop_front();
        }
        Ok(())
    }

    /// One output of the first machine.
    fn logged(&mut self, output: &OutputRecord<'_>) -> Option<Divergence> {
        let at = output.at;
        let front = self.made.front().map(|made| (made.at, made.kind));
        if let Some((ours, kind)) = front
            && ours < at
        {
            let Cursor { seq, index } = ours;
            let what = Difference::Missing { index, kind };
            return Some(Divergence { seq, what });
        }
        self.cursor = at;
        // The log is in order: everything of the inputs before has been seen.
        let own = at.index >= OWN_INDEX_MIN;
        self.compared = self.compared.max(if own { at.seq } else { at.seq - 1 });
        if own {
            return None;
        }
        let Cursor { seq, index } = at;
        let theirs = output.kind;
        match self.made.pop_front() {
            Some(made) if made.at == at => {
                let same = made.kind == theirs && *made.payload == *output.payload;
                let ours = made.kind;
                let what = Difference::Other {
                    index,
                    ours,
                    theirs,
                };
                (!same).then_some(Divergence { seq, what })
            }
            _ => Some(Divergence {
                seq,
                what: Difference::Unexpected {
                    index,
                    kind: theirs,
                },
            }),
        }
    }
}
