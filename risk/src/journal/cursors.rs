//! Where each reader of the output log is, and who falls behind.

use super::layout::Key;
use crate::record;
use std::collections::{BTreeMap, BTreeSet};

/// Most named readers of one log: store, outbox, router, desk, streams and some to spare.
pub const CONSUMERS_MAX: usize = 64;

record! {
    /// The last output that a reader has applied.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Cursor {
        /// Sequence of the input that caused it.
        pub seq: u64,
        /// Its index among the outputs of that input, from 0.
        pub index: u32,
    }
}

impl Cursor {
    /// Before every output: sequences begin at 1.
    pub const START: Self = Self { seq: 0, index: 0 };

    pub(crate) const fn key(self) -> Key {
        Key {
            seq: self.seq,
            index: self.index,
        }
    }

    pub(crate) const fn of(key: Key) -> Self {
        Self {
            seq: key.seq,
            index: key.index,
        }
    }
}

/// How a reader stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorState {
    /// Everything behind its cursor is there.
    Following,
    /// Outputs it has not seen are gone: its tables must be rebuilt by replay from a snapshot.
    MustRebuild,
}

/// What trimming did, for the log file and the alert desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// Whole segments behind every reader were removed.
    Trimmed {
        /// How many.
        segments: usize,
        /// Cursor from which on the log can still be read.
        from: Cursor,
    },
    /// The log was above its size limit and this reader was too far behind, or it came back so.
    CutOff {
        /// Its name.
        name: String,
        /// Where it was.
        at: Cursor,
        /// Cursor from which on the log can still be read.
        from: Cursor,
    },
}

/// The named readers. What is kept here dies with the process; each reader keeps its own cursor
/// with what it has applied and tells it again at the start.
#[derive(Debug, Default)]
pub struct Consumers {
    known: BTreeMap<String, (Cursor, CursorState)>,
    /// Readers that came back to outputs that are gone, where they were and what is left: to be told.
    late: BTreeMap<String, (Cursor, Cursor)>,
    /// Who has come back with a cursor of this log.
    admitted: BTreeSet<String>,
}

impl Consumers {
    /// Notes where `name` is; `from` is the oldest cursor that can still be read from. Gives `None`
    /// when there are too many readers.
    pub fn set(&mut self, name: &str, cursor: Cursor, from: Cursor) -> Option<CursorState> {
        let state = if cursor < from {
            CursorState::MustRebuild
        } else {
            CursorState::Following
        };
        let before = self.known.get(name).map(|known| known.1);
        if before.is_none() && self.known.len() >= CONSUMERS_MAX {
            return None;
        }
        self.known.insert(name.to_owned(), (cursor, state));
        match state {
            CursorState::Following => {
                self.late.remove(name);
            }
            // What was told in an earlier run ended with it: the reader must be rebuilt all the same.
            CursorState::MustRebuild if before != Some(state) => {
                self.late.insert(name.to_owned(), (cursor, from));
            }
            CursorState::MustRebuild => {}
        }
        Some(state)
    }

    /// Whether a reader that comes back with `kept` has read this log: what it kept from before cannot lie behind
    /// `opened`, the last output when the log was opened. Once admitted, it goes on from what it reads here.
    pub fn admit(&mut self, name: &str, kept: Cursor, opened: Cursor) -> bool {
        if self.admitted.contains(name) {
            return true;
        }
        let fits = kept <= opened;
        if fits && self.admitted.len() < CONSUMERS_MAX {
            self.admitted.insert(name.to_owned());
        }
        fits
    }

    /// Forgets a reader, so that it holds nothing back.
    pub fn remove(&mut self, name: &str) {
        self.known.remove(name);
        self.late.remove(name);
    }

    /// State and cursor of a reader.
    pub fn get(&self, name: &str) -> Option<(Cursor, CursorState)> {
        self.known.get(name).copied()
    }

    /// The cursor furthest behind among those that follow.
    pub fn slowest(&self) -> Option<Cursor> {
        let following = self
            .known
            .values()
            .filter(|known| known.1 == CursorState::Following);
        following.map(|known| known.0).min()
    }

    /// Marks everyone before `from` and tells about it, and about those that came back too late, once each.
    pub fn cut_off(&mut self, from: Cursor, events: &mut Vec<LogEvent>) {
        let late = std::mem::take(&mut self.late).into_iter();
        events.extend(late.map(|(name, (at, from))| LogEvent::CutOff { name, at, from }));
        for (name, (at, state)) in &mut self.known {
            if *state == CursorState::Following && *at < from {
                *state = CursorState::MustRebuild;
                events.push(LogEvent::CutOff {
                    name: name.clone(),
                    at: *at,
                    from,
                });
            }
        }
    }
}
