//! Plays rows through the real pipeline, one at a time: the next row enters when everything that
//! follows from the one before, fills included, has been decided. So a replay is the same every time.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::bail;
use siaga_broker::link::{Link, LinkEvent};
use siaga_broker::paper::{PaperConfig, PaperLink};
use siaga_feed::tape::{Data, Row};
use siaga_risk::event::*;
use siaga_risk::ids::{ActorId, PositionId};
use siaga_risk::machine::Machine;
use siaga_risk::pipeline::{
    self, Durable, Idle, Inbox, Leaving, Options, Outbox, Pipeline, Recorder, Wait,
};
use siaga_risk::units::{Price, Ts};
use siaga_risk::verdict::Reject;
use siaga_risk::view::{AccountView, Ask, Query, TapeView, View};

use super::facts::Facts;
use super::terms::{BALANCE_MAX, INSTRUMENT, LINK, MARGIN_ACCOUNT, Plan, SOURCE, StopPlan};
use crate::cli::WrongUse;

/// A question without an answer worth having: its reply says that everything before it is decided.
const NOTHING: Query = Query::Ladder {
    after: None,
    count: 0,
};

/// The replay needs no record of its own: the recording is the record.
struct NoRecord;

impl Recorder for NoRecord {
    fn append(&mut self, _seq: Seq, _input: &Input) -> Result<(), String> {
        Ok(())
    }
    fn sync(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A stop that the quote of its entry was at or beyond already.
struct Late {
    stop: StopPlan,
    level: Price,
    position: PositionId,
}

/// A running replay.
pub struct Driver {
    plan: Plan,
    pipeline: Pipeline<Machine, NoRecord>,
    inbox: Inbox,
    outbox: Outbox,
    paper: PaperLink,
    rows: u64,
    outputs: u64,
    asked: u64,
    /// Quotes that the machine made no price of.
    unpriced: u64,
    entered: bool,
    late: Vec<Late>,
}

/// How it ended.
pub struct End {
    pub rows: u64,
    pub inputs: u64,
    pub outputs: u64,
    pub unpriced: u64,
    pub state_hash: u64,
    pub tape: TapeView,
}

impl Driver {
    /// Starts the pipeline and brings in the terms. `start` is the first row's time.
    pub fn start(plan: &Plan, start: Ts) -> anyhow::Result<Self> {
        let mut machine = Machine::new();
        machine.record_tape(true);
        let options = Options {
            wait: Wait::Yield,
            ..Options::default()
        };
        let durable = Arc::new(Durable::new(0));
        let (pipeline, inbox, outbox) =
            pipeline::start(machine, NoRecord, durable, 0, options, |_| {})?;
        let mut driver = Self {
            plan: plan.clone(),
            pipeline,
            inbox,
            outbox,
            paper: PaperLink::new(LINK, PaperConfig::exact()),
            rows: 0,
            outputs: 0,
            asked: 0,
            unpriced: 0,
            entered: false,
            late: Vec::new(),
        };
        for body in plan.bodies(start) {
            driver.command(start, body);
        }
        driver.settle(start, &mut |_| Ok(()))?;
        Ok(driver)
    }

    /// Plays one row and everything that follows from it.
    pub fn play(&mut self, row: &Row, facts: &mut Facts) -> anyhow::Result<()> {
        let Some(input) = row.input(INSTRUMENT, SOURCE) else {
            return Ok(());
        };
        self.rows += 1;
        let mut input = Some(input);
        while let Some(waiting) = input.take() {
            if self.inbox.input(waiting.clone()).is_err() {
                input = Some(waiting);
                std::thread::yield_now();
            }
        }
        let quote = match row.data {
            Data::Quote { bid, ask, .. } => Some((bid, ask)),
            Data::Trade { .. } | Data::Bar(_) => None,
        };
        facts.begin_row(self.rows, row.ts, quote);
        let mut marked = false;
        self.settle(row.ts, &mut |output| {
            marked |= matches!(output, Output::Mark(_));
            facts.on_output(output);
            Ok(())
        })?;
        if let Some((bid, ask)) = quote {
            match (marked, self.entered) {
                (false, _) => self.unpriced += 1,
                (true, false) => self.enter(row.ts, (bid, ask), facts)?,
                (true, true) => self.place_late(row.ts, facts)?,
            }
        }
        let account = self.account()?;
        facts.on_row(&account);
        Ok(())
    }

    /// Opens every position at the first price.
    fn enter(&mut self, ts: Ts, quote: (Price, Price), facts: &mut Facts) -> anyhow::Result<()> {
        let (bid, ask) = quote;
        self.entered = true;
        for order in self.plan.orders(bid, ask) {
            self.command(ts, Body::Order(Box::new(order)));
        }
        let mut opened = BTreeMap::new();
        self.settle(ts, &mut |output| {
            if let Output::Deal(deal) = output {
                opened.insert(deal.account, deal.position);
            }
            affordable(output)?;
            accepted(output, facts)
        })?;
        for (stop, level) in self.plan.late(bid, ask) {
            let Some(position) = opened.get(&stop.account).copied() else {
                bail!("an order of the replay was not filled");
            };
            self.late.push(Late {
                stop,
                level,
                position,
            });
        }
        self.command(ts, Body::Cash(self.plan.correction()));
        self.settle(ts, &mut |output| accepted(output, facts))
    }

    /// Puts the late stops in place; one that this row reaches closes its position at once.
    fn place_late(&mut self, ts: Ts, facts: &mut Facts) -> anyhow::Result<()> {
        for late in std::mem::take(&mut self.late) {
            self.command(
                ts,
                Body::Protect(Protect {
                    account: late.stop.account,
                    position: late.position,
                    protection: Protection {
                        stop_loss: Some(late.level),
                        ..Protection::default()
                    },
                }),
            );
            let mut reasons = Vec::new();
            self.settle(ts, &mut |output| {
                if let Output::Answer(answer) = output {
                    reasons.extend_from_slice(&answer.reasons);
                }
                facts.on_output(output);
                Ok(())
            })?;
            match reasons.as_slice() {
                [] => {}
                // The machine's own word that the price is at the stop or beyond it.
                [Reject::PriceSide] => {
                    let order = self.plan.closing(&late.stop, late.position);
                    self.command(ts, Body::Order(Box::new(order)));
                    self.settle(ts, &mut |output| accepted(output, facts))?;
                }
                reasons => bail!("a stop of the replay was refused: {reasons:?}"),
            }
        }
        Ok(())
    }

    /// Ends the pipeline and takes the facts of the tape.
    pub fn stop(mut self) -> anyhow::Result<End> {
        let View::Tape(tape) = self.ask(Query::Tape(INSTRUMENT), &mut |_| Ok(()))? else {
            bail!("the machine keeps no tape of the instrument");
        };
        let (machine, _) = self.pipeline.stop();
        Ok(End {
            rows: self.rows,
            inputs: machine.last_seq(),
            outputs: self.outputs,
            unpriced: self.unpriced,
            state_hash: machine.state_hash(),
            tape: *tape,
        })
    }

    fn account(&mut self) -> anyhow::Result<AccountView> {
        match self.ask(Query::Account(MARGIN_ACCOUNT), &mut |_| Ok(()))? {
            View::Account(view) => Ok(*view),
            other => bail!("the machine lost the account: {other:?}"),
        }
    }

    fn command(&mut self, ts: Ts, body: Body) {
        let command = Command {
            ts,
            actor: ActorId(0),
            token: 0,
            body,
        };
        while self.inbox.command(command.clone()).is_err() {
            std::thread::yield_now();
        }
    }

    /// Lets the paper broker answer until nothing is said any more.
    fn settle(
        &mut self,
        now: Ts,
        each: &mut dyn FnMut(&Output) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let mut sends = Vec::new();
            self.ask(NOTHING, &mut |output| {
                if let Output::Send(send) = output {
                    sends.push(send.clone());
                }
                each(output)
            })?;
            for send in sends {
                self.paper.command(&send.command, now);
            }
            let mut reports = 0;
            while let Some(event) = self.paper.poll_event() {
                let body = match event {
                    LinkEvent::Report(report) | LinkEvent::Status(report) => Body::Report(report),
                    LinkEvent::Closed(close) => Body::BrokerClose(close),
                    // Nobody asks for a replace or for holdings here.
                    LinkEvent::Replaced(_) | LinkEvent::Holdings(_) => continue,
                };
                reports += 1;
                self.command(now, body);
            }
            if reports == 0 {
                return Ok(());
            }
        }
    }

    /// Asks, and hands over every output that was decided before the answer.
    fn ask(
        &mut self,
        query: Query,
        each: &mut dyn FnMut(&Output) -> anyhow::Result<()>,
    ) -> anyhow::Result<View> {
        self.asked += 1;
        let token = self.asked;
        while self
            .inbox
            .ask(Ask {
                token,
                query: query.clone(),
            })
            .is_err()
        {
            std::thread::yield_now();
        }
        let mut idle = Idle::new(Wait::Yield);
        loop {
            let Ok(leaving) = self.outbox.pop() else {
                idle.wait();
                continue;
            };
            match leaving {
                Leaving::Mark(_, mark) => {
                    self.outputs += 1;
                    self.paper.on_mark(&mark, mark.ts);
                    each(&Output::Mark(mark))?;
                }
                Leaving::Output(numbered) => {
                    self.outputs += 1;
                    if let Output::Terms(terms) = &numbered.output {
                        self.paper.on_terms(terms);
                    }
                    each(&numbered.output)?;
                }
                Leaving::Reply(reply) if reply.token == token => return Ok(reply.view),
                Leaving::Reply(_) => {}
                Leaving::End(_) => bail!("the machine has ended"),
            }
        }
    }
}

/// An order that opens asks for more margin than the accounts have, which is all that any account may have.
fn affordable(output: &Output) -> Result<(), WrongUse> {
    let Output::Answer(answer) = output else {
        return Ok(());
    };
    let is_beyond = |reason: &Reject| matches!(reason, Reject::Margin | Reject::Overflow);
    if answer.reasons.iter().any(is_beyond) {
        return Err(WrongUse(format!(
            "--units, --leverage: the margin of a position is more than the {BALANCE_MAX} that an account may have; give fewer \
             units or a higher leverage"
        )));
    }
    Ok(())
}

/// Hands an output on. A refusal ends the replay: its facts would be those of something else.
fn accepted(output: &Output, facts: &mut Facts) -> anyhow::Result<()> {
    if let Output::Answer(answer) = output
        && !answer.reasons.is_empty()
    {
        bail!("an order of the replay was refused: {:?}", answer.reasons);
    }
    facts.on_output(output);
    Ok(())
}
