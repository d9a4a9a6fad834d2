//! The machine, numbered by hand.

use siaga_risk::event::{Input, Output, Seq};
use siaga_risk::machine::Machine;
use siaga_risk::view::{Ask, LadderRow, Query, Reply, View};

pub struct Engine {
    machine: Machine,
    seq: Seq,
}

impl Engine {
    pub fn new() -> Engine {
        Engine {
            machine: Machine::new(),
            seq: 0,
        }
    }

    pub fn apply(&mut self, input: &Input) -> (Seq, Vec<Output>) {
        self.seq += 1;
        let mut outputs = Vec::new();
        self.machine.apply(self.seq, input, &mut outputs);
        (self.seq, outputs)
    }

    pub fn ask(&mut self, query: Query) -> Reply {
        self.machine.ask(&Ask { token: 1, query })
    }

    /// A machine that stands where this one does.
    pub fn copy(&self) -> Machine {
        Machine::restore(&self.machine.snapshot()).expect("a snapshot can be read")
    }

    pub fn ladder(&mut self) -> Vec<LadderRow> {
        match self
            .ask(Query::Ladder {
                after: None,
                count: 1_000,
            })
            .view
        {
            View::Ladder(rows) => rows,
            _ => Vec::new(),
        }
    }
}
