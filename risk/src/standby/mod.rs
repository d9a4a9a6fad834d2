//! The hot standby: a second machine that applies the journal behind the first one, compares what
//! follows from each input, and can take over what costs the first one time: its snapshots.
//!
//! Three things are compared, none of which costs the first machine anything:
//!
//! | what | how | finds |
//! |---|---|---|
//! | every durable output | byte by byte with the output log | the input and the place of the first other one |
//! | accepted prices | a rolling digest, exchanged every [`MARKS_EVERY`] | the stretch of marks |
//! | the whole state | its hash, where somebody asked the first machine for it | a state that has not shown yet |
//!
//! The inputs come through [`Tail`]: in process form the journal's own segments as far as they are
//! durable. A standby in another process reads the same records from a replicated journal.

mod compare;
mod digest;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;

pub use compare::Comparison;
pub use digest::{MARKS_EVERY, MarkDigest, MarkPoint};

use crate::codec::CodecError;
use crate::event::{Output, Seq};
use crate::journal::{JournalError, OutputReader, Record, Records};
use crate::pipeline::Decider;
use crate::record;

/// Outputs that wait for the log; beyond it the standby waits too, so that its memory is bounded.
const WAITING_MAX: usize = 65_536;
/// Points of comparison that wait for their counterpart; older ones are given up.
const POINTS_MAX: usize = 1_024;

/// Where a standby's inputs come from, in order and only as far as they are durable.
pub trait Tail {
    /// The next input, `None` when there is no further one yet.
    ///
    /// # Errors
    /// [`JournalError`]: damage, or the stretch was trimmed.
    fn next(&mut self) -> Result<Option<Record<'_>>, JournalError>;
}

impl Tail for Records {
    fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        Records::next(self)
    }
}

/// Where and how the two machines first differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The input.
    pub seq: Seq,
    /// What differs.
    pub what: Difference,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The first machine has not given this output of the second.
    Missing { index: u32, kind: u16 },
    /// The second machine has not given this output of the first.
    Unexpected { index: u32, kind: u16 },
    /// Both gave one, but another.
    Other { index: u32, ours: u16, theirs: u16 },
    /// Among the marks up to this input, behind the mark numbered `after`.
    Marks { after: u64 },
    /// The states after this input.
    State { ours: u64, theirs: u64 },
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standby diverged at input {}: {}", self.seq, self.what)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = record::output_kind_name;
        match *self {
            Self::Missing { index, kind } => {
                let name = name(kind);
                write!(f, "only the second machine gives output {index} ({name})")
            }
            Self::Unexpected { index, kind } => {
                let name = name(kind);
                write!(
                    f,
                    "the second machine does not give output {index} ({name})"
                )
            }
            Self::Other {
                index,
                ours,
                theirs,
            } if ours == theirs => write!(f, "output {index} ({}) is another", name(ours)),
            Self::Other {
                index,
                ours,
                theirs,
            } => {
                let (ours, theirs) = (name(ours), name(theirs));
                write!(f, "output {index} is {ours} instead of {theirs}")
            }
            Self::Marks { after } => write!(f, "the marks behind number {after} are others"),
            Self::State { ours, theirs } => {
                write!(f, "the state is {ours:#018x} instead of {theirs:#018x}")
            }
        }
    }
}

/// Why a standby cannot go on.
#[derive(Debug)]
pub enum StandbyError {
    /// The journal or the output log cannot be read.
    Journal(JournalError),
    /// An input cannot be read by this build.
    Input { seq: Seq, error: CodecError },
}

impl From<JournalError> for StandbyError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl fmt::Display for StandbyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Input { seq, error } => write!(
                f,
                "input {seq} of the journal cannot be read: {error}; keep the data folder and use the build that wrote it"
            ),
        }
    }
}

impl std::error::Error for StandbyError {}

/// The second machine and what it compares.
pub struct Standby<M, T> {
    machine: M,
    tail: T,
    seq: Seq,
    comparison: Comparison,
    marks: MarkDigest,
    /// Marks are counted behind this input: where the first machine's process began.
    marks_from: Seq,
    ours: VecDeque<MarkPoint>,
    theirs: VecDeque<MarkPoint>,
    outputs: Vec<Output>,
    payload: Vec<u8>,
    diverged: Option<Divergence>,
}

impl<M: Decider, T: Tail> Standby<M, T> {
    /// A standby whose `machine` has applied everything up to `seq`; `tail` gives what follows.
    /// The first machine counts its marks from behind input `marks_from`.
    pub fn new(machine: M, seq: Seq, tail: T, log: OutputReader, marks_from: Seq) -> Self {
        Self {
            machine,
            tail,
            seq,
            comparison: Comparison::new(log, seq),
            marks: MarkDigest::default(),
            marks_from,
            ours: VecDeque::new(),
            theirs: VecDeque::new(),
            outputs: Vec::with_capacity(64),
            payload: Vec::with_capacity(512),
            diverged: None,
        }
    }

    /// Applies at most `limit` inputs, none behind `until`; says how many. Waits (0) while too much
    /// is to be compared first, and for ever once it has diverged.
    ///
    /// # Errors
    /// [`StandbyError`].
    pub fn apply(&mut self, limit: usize, until: Seq) -> Result<usize, StandbyError> {
        let mut applied = 0;
        while applied < limit
            && self.seq < until
            && self.diverged.is_none()
            && self.comparison.waiting() < WAITING_MAX
        {
            let Some(found) = self.tail.next()? else {
                break;
            };
            let seq = found.seq;
            let input = record::get_input(found.kind, found.payload)
                .map_err(|error| StandbyError::Input { seq, error })?;
            self.machine.apply(seq, &input, &mut self.outputs);
            self.seq = seq;
            for (index, output) in self.outputs.drain(..).enumerate() {
                if let Output::Mark(mark) = &output {
                    if seq > self.marks_from
                        && let Some(point) = self.marks.add(seq, mark)
                    {
                        put_bounded(&mut self.ours, point);
                    }
                } else if output.is_durable() {
                    self.payload.clear();
                    let kind = record::put_output(input.ts(), &output, &mut self.payload);
                    self.comparison.made(seq, index as u32, kind, &self.payload);
                }
            }
            applied += 1;
        }
        self.match_marks();
        Ok(applied)
    }

    /// Compares with what the output log has; says how many of its outputs were looked at.
    ///
    /// # Errors
    /// [`StandbyError`].
    pub fn compare(&mut self) -> Result<usize, StandbyError> {
        if self.diverged.is_some() {
            return Ok(0);
        }
        let (looked, found) = self.comparison.look(self.seq)?;
        self.diverged = found;
        Ok(looked)
    }

    /// What the first machine says of its marks.
    pub fn marks(&mut self, point: MarkPoint) {
        put_bounded(&mut self.theirs, point);
        self.match_marks();
    }

    /// What the first machine says of its state after input `seq`; `None` when this one is not
    /// there, otherwise whether both are the same.
    pub fn state(&mut self, seq: Seq, state_hash: u64) -> Option<bool> {
        if seq != self.seq || self.diverged.is_some() {
            return None;
        }
        let (_, ours) = self.machine.image();
        if ours != state_hash {
            let what = Difference::State {
                ours,
                theirs: state_hash,
            };
            self.diverged = Some(Divergence { seq, what });
        }
        Some(ours == state_hash)
    }

    /// The state as bytes with its hash, and the input it is of; `None` once diverged: nobody knows
    /// which of the two is right.
    pub fn image(&self) -> Option<(Seq, Vec<u8>, u64)> {
        if self.diverged.is_some() {
            return None;
        }
        let (bytes, hash) = self.machine.image();
        Some((self.seq, bytes, hash))
    }

    /// Last input applied.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Everything up to this input was compared with the output log.
    pub fn compared(&self) -> Seq {
        self.comparison.compared()
    }

    /// Outputs that were not compared because the log no longer had them.
    pub fn skips(&self) -> u64 {
        self.comparison.skips()
    }

    /// Where the two machines first differ.
    pub fn diverged(&self) -> Option<Divergence> {
        self.diverged
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    fn match_marks(&mut self) {
        while let (Some(ours), Some(theirs)) = (self.ours.front(), self.theirs.front()) {
            if ours.count < theirs.count {
                self.ours.pop_front();
            } else if ours.count > theirs.count {
                self.theirs.pop_front();
            } else {
                if ours != theirs && self.diverged.is_none() {
                    let what = Difference::Marks {
                        after: ours.count - MARKS_EVERY,
                    };
                    let seq = ours.seq.min(theirs.seq);
                    self.diverged = Some(Divergence { seq, what });
                }
                self.ours.pop_front();
                self.theirs.pop_front();
            }
        }
    }
}

fn put_bounded(points: &mut VecDeque<MarkPoint>, point: MarkPoint) {
    if points.len() == POINTS_MAX {
        points.pop_front();
    }
    points.push_back(point);
}
