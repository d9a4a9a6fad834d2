//! The durable ends of the pipeline, as the program has them: the journal's recorder and egress.

use std::collections::VecDeque;
use std::sync::Arc;

use siaga_risk::event::{Input, Seq};
use siaga_risk::journal::{Cursor, Journal, OutputLog};
use siaga_risk::pipeline::{Durable, Idle, Leaving, Numbered, Outbox, Recorder, Wait};
use siaga_risk::record;

/// Most outputs taken before the waiting ones are looked at again.
const TAKE_MAX: usize = 4_096;

/// Encodes inputs into the journal.
pub struct Recording {
    pub journal: Journal,
    payload: Vec<u8>,
    pub syncs: u64,
}

impl Recording {
    /// A recorder into this journal.
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            payload: Vec::with_capacity(512),
            syncs: 0,
        }
    }
}

impl Recorder for Recording {
    fn append(&mut self, seq: Seq, input: &Input) -> Result<(), String> {
        self.payload.clear();
        let kind = record::put_input(input, &mut self.payload);
        self.journal
            .append(seq, kind, &self.payload)
            .map_err(|error| error.to_string())
    }

    fn sync(&mut self) -> Result<(), String> {
        self.syncs += 1;
        self.journal
            .sync()
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

/// What left the machine.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    pub marks: u64,
    pub durable: u64,
    pub last: Seq,
}

/// Takes what leaves; what is durable is logged once its input is on the disk.
///
/// # Panics
/// When the output log fails.
pub fn egress(mut outbox: Outbox, mut log: OutputLog, durable: Arc<Durable>, wait: Wait) -> Left {
    let (mut left, mut idle) = (Left::default(), Idle::new(wait));
    let mut pending: VecDeque<Box<Numbered>> = VecDeque::new();
    let (mut ended, mut payload) = (false, Vec::with_capacity(512));
    while !ended || !pending.is_empty() {
        let mut taken = 0;
        while taken < TAKE_MAX {
            let Ok(leaving) = outbox.pop() else {
                break;
            };
            taken += 1;
            match leaving {
                Leaving::Mark(_, mark) => {
                    std::hint::black_box(&mark);
                    left.marks += 1;
                }
                Leaving::Output(numbered) if numbered.output.is_durable() => {
                    pending.push_back(numbered);
                }
                Leaving::End(seq) => (left.last, ended) = (seq, true),
                _ => {}
            }
        }
        let watermark = durable.seq();
        let ready = pending.partition_point(|numbered| numbered.key.seq <= watermark);
        for numbered in pending.drain(..ready) {
            payload.clear();
            let kind = record::put_output(numbered.ts, &numbered.output, &mut payload);
            let (seq, index) = (numbered.key.seq, numbered.key.index);
            log.append(Cursor { seq, index }, kind, &payload)
                .expect("the output log takes outputs in order");
            left.durable += 1;
        }
        if ready > 0 {
            log.sync().expect("the output log syncs");
        }
        if taken == 0 && ready == 0 {
            idle.wait();
        } else {
            idle.reset();
        }
    }
    log.close().expect("the output log closes");
    left
}
