//! One run: everything that can happen, in an order chosen by the seed, and what must hold whatever happens.

use crate::counterparty::Counterparty;
use crate::dice::Dice;
use crate::feed::Feeds;
use crate::ledger::Ledger;
use crate::people::People;
use crate::process::Process;
use crate::refusals::Refusals;
use crate::world::{ACCOUNTS, LINK, LISTED, START, opening};
use crate::{Broken, Planted, Tally};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::journal::JournalError;
use siaga_risk::journal::crash_disk::{CrashDisk, Failure};
use siaga_risk::machine::Machine;
use siaga_risk::record;
use siaga_risk::recovery::RecoveryError;
use siaga_risk::units::*;
use siaga_risk::view::{Ask, Query, View};
use std::collections::BTreeMap;

/// A disk may fail again while the program starts; after this many starts it is left alone.
const STARTS_MAX: u32 = 8;
/// The quiet end of a run: long enough for every question to a broker to be answered.
const CALM_NS: u64 = 10 * MINUTE_NS;

/// Everything of one run.
pub struct World {
    step: u64,
    dice: Dice,
    now: Ts,
    disk: CrashDisk,
    broker: Counterparty,
    process: Process,
    feeds: Feeds,
    people: People,
    ledger: Ledger,
    /// As the machine has told it, durable or not, and as far as the log holds it.
    told: Refusals,
    kept: Refusals,
    /// Every input that was applied and not lost since.
    history: Vec<Input>,
    /// What consumers have read, by key.
    seen: BTreeMap<OutputKey, u64>,
    read_at: OutputKey,
    router_at: Option<OutputKey>,
    terms: Vec<TermsChange>,
    planted: Option<Planted>,
    /// Faults still come.
    storm: bool,
    tally: Tally,
}

impl World {
    /// Opens the house on an empty disk.
    ///
    /// # Errors
    /// [`Broken`] when that fails already.
    pub fn open(seed: u64, planted: Option<Planted>) -> Result<World, Broken> {
        let mut dice = Dice::new(seed);
        let disk = CrashDisk::new(dice.bits());
        if planted == Some(Planted::ForgetfulDisk) {
            disk.forget_syncs();
        }
        let broker = Counterparty::new(LINK, dice.bits());
        let process = Process::start(&disk, &broker, None)
            .map_err(|error| Broken::new(0, format!("the first start: {error}")))?;
        let (feeds, people) = (Feeds::new(dice.fork()), People::new(dice.fork()));
        let mut world = World {
            step: 0,
            dice,
            now: START,
            disk,
            broker,
            process,
            feeds,
            people,
            ledger: Ledger::default(),
            told: Refusals::default(),
            kept: Refusals::default(),
            history: Vec::new(),
            seen: BTreeMap::new(),
            read_at: OutputKey::default(),
            router_at: None,
            terms: Vec::new(),
            planted,
            storm: true,
            tally: Tally::default(),
        };
        for body in opening() {
            world.put(Input::Command(Box::new(Command {
                ts: START,
                actor: ActorId(0),
                token: 0,
                body,
            })))?;
        }
        world.sync()?;
        world.read(false)?;
        world.process.open_router(&world.terms, world.now);
        world.drain_router()?;
        Ok(world)
    }

    /// Lets things happen, then calms down and looks at everything once more.
    ///
    /// # Errors
    /// [`Broken`]: what does not hold, and at which step.
    pub fn run(mut self, steps: u64) -> Result<Tally, Broken> {
        for step in 1..=steps {
            self.step = step;
            self.one()?;
        }
        self.calm()?;
        self.tally.inputs = self.history.len() as u64;
        self.tally.answers = self.people.answers;
        self.tally.refusals = self.people.refusals;
        self.tally.deals = self.ledger.deals;
        self.tally.opened += self.told.opened;
        self.tally.state_hash = self.process.machine.state_hash();
        Ok(self.tally)
    }

    fn one(&mut self) -> Result<(), Broken> {
        self.pass();
        if !self.broker.is_up() && self.dice.one_in(40) {
            self.toggle_broker()?;
        }
        match self.dice.below(1_000) {
            0..=599 => {
                if let Some(input) = self.feeds.next(self.now) {
                    self.put(input)?;
                }
            }
            600..=699 => self.sync()?,
            700..=799 => self.read(true)?,
            800..=924 => self.command()?,
            925..=949 => {
                self.put(Input::Clock(self.now))?;
            }
            950..=959 => self.settle()?,
            960..=966 => self.remind()?,
            967..=969 => self.toggle_broker()?,
            970..=980 => self.tally.snapshots += u64::from(self.process.snapshot()),
            981..=982 => self.break_disk(),
            983..=985 => self.restart(true)?,
            986..=987 => self.restart(false)?,
            _ => {
                self.process.router.on_deadline(self.now);
                self.drain_router()?;
            }
        }
        if self.process.poisoned && self.dice.one_in(30) {
            self.tally.poisoned += 1;
            self.restart(true)?;
        }
        Ok(())
    }

    /// Time goes on: mostly a little, now and then much.
    fn pass(&mut self) {
        let ns = match self.dice.below(200) {
            0 => self.dice.below(90) * SECOND_NS,
            1..=20 => self.dice.below(SECOND_NS),
            _ => self.dice.below(30_000_000),
        };
        self.now = self.now.plus(ns);
    }

    fn put(&mut self, input: Input) -> Result<(), Broken> {
        let outputs = self.process.put(&input);
        self.history.push(input);
        for output in &outputs {
            self.tally.see(output);
            self.told
                .see(output)
                .map_err(|why| Broken::new(self.step, why))?;
            if let Output::Mark(mark) = output {
                self.process.router.on_mark(mark, self.now);
            }
            if self.planted == Some(Planted::EarlyAnswers)
                && let Output::Answer(answer) = output
            {
                self.answered(self.process.seq, answer)?;
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<(), Broken> {
        let command = self.people.next(&self.ledger, self.now);
        self.put(Input::Command(Box::new(command)))
    }

    fn sync(&mut self) -> Result<(), Broken> {
        for released in self.process.sync() {
            if let Output::Answer(answer) = &released.output {
                self.answered(released.key.seq, answer)?;
            }
        }
        Ok(())
    }

    fn answered(&mut self, seq: Seq, answer: &Answer) -> Result<(), Broken> {
        self.people
            .answered(seq, answer)
            .map_err(|why| Broken::new(self.step, why))
    }

    /// Consumers, and the router when it is open, read what the log has.
    fn read(&mut self, router: bool) -> Result<(), Broken> {
        let step = self.step;
        let broken = |why| Broken::new(step, why);
        let found = self.process.read(self.read_at).map_err(broken)?;
        for logged in found {
            self.seen.insert(logged.key, logged.hash);
            self.read_at = logged.key;
            self.ledger.book(&logged.output).map_err(broken)?;
            // What it forbids was held against it when it was told.
            let _ = self.kept.see(&logged.output);
            if let Output::Terms(change) = &logged.output {
                self.terms.push(change.clone());
            }
            if router {
                self.router_at = Some(logged.key);
                self.process
                    .router
                    .on_output(logged.key, &logged.output, self.now);
            }
        }
        self.process.hold(self.read_at);
        self.drain_router()
    }

    fn drain_router(&mut self) -> Result<(), Broken> {
        while let Some(body) = self.process.router.poll_input() {
            self.put(Input::Command(Box::new(Command {
                ts: self.now,
                actor: ActorId(0),
                token: 0,
                body,
            })))?;
        }
        Ok(())
    }

    /// A client asks for an acknowledged order once more, and must get the same answer.
    fn remind(&mut self) -> Result<(), Broken> {
        let Some((promise, command)) = self.people.remind(self.now) else {
            return Ok(());
        };
        let outputs = self.process.put(&Input::Command(Box::new(command.clone())));
        self.history.push(Input::Command(Box::new(command)));
        for output in &outputs {
            self.told
                .see(output)
                .map_err(|why| Broken::new(self.step, why))?;
        }
        let answer = outputs.iter().find_map(|output| match output {
            Output::Answer(answer) => Some(answer),
            _ => None,
        });
        let same = answer.is_some_and(|answer| answer.repeated && answer.order == Some(promise.id));
        if same {
            self.tally.reminders += 1;
            return Ok(());
        }
        Err(Broken::new(
            self.step,
            format!(
                "order {} of input {} was acknowledged, and the same client id is now answered {answer:?}",
                promise.id.0, promise.seq
            ),
        ))
    }

    fn toggle_broker(&mut self) -> Result<(), Broken> {
        if self.broker.is_up() {
            self.tally.broker_losses += 1;
            self.broker.go_down();
        } else {
            self.broker.come_back();
        }
        self.process.router.settle(self.now);
        self.drain_router()
    }

    fn break_disk(&mut self) {
        let failure = self
            .dice
            .pick(&[Failure::Refused, Failure::Torn, Failure::Full]);
        self.disk.fail_after(self.dice.below(40), failure);
    }

    /// The program ends, by a crash or as it should, and starts again on what the disk then holds.
    fn restart(&mut self, crash: bool) -> Result<(), Broken> {
        if self.dice.one_in(4) {
            // It died between keeping its cursor and handing over what stands behind it.
            let next = self.process.read(self.read_at).ok();
            let next = next.and_then(|found| found.first().map(|logged| logged.key));
            self.router_at = next.or(self.router_at);
        }
        self.broker.go_down();
        self.people.hang_up();
        if crash {
            self.tally.crashes += 1;
            self.disk = self.disk.restart();
        } else {
            self.tally.stops += 1;
            self.sync()?;
            self.stop();
        }
        for start in 0.. {
            if self.storm && start < STARTS_MAX && self.dice.one_in(3) {
                self.break_disk();
            }
            match Process::start(&self.disk, &self.broker, self.router_at) {
                Ok(process) => {
                    self.process = process;
                    break;
                }
                Err(RecoveryError::Journal(
                    JournalError::Io { .. } | JournalError::Poisoned(_),
                )) if start < STARTS_MAX => {
                    self.tally.failed_starts += 1;
                    self.disk = self.disk.restart();
                }
                Err(error) => return Err(Broken::new(self.step, format!("the start: {error}"))),
            }
        }
        self.broker.come_back();
        self.after_start()
    }

    fn stop(&mut self) {
        // The process is replaced by the next start; until then an empty disk's stands in its place.
        let spare = CrashDisk::new(0);
        if let Ok(empty) = Process::start(&spare, &self.broker, None) {
            std::mem::replace(&mut self.process, empty).stop();
        }
    }

    /// Nothing acknowledged is lost, nothing is invented, and every output comes out as it did.
    fn after_start(&mut self) -> Result<(), Broken> {
        let step = self.step;
        let broken = |why: String| Broken::new(step, why);
        let last = self.process.seq;
        if last < self.people.acknowledged {
            return Err(broken(format!(
                "input {} was acknowledged, and only {last} came back",
                self.people.acknowledged
            )));
        }
        if last as usize > self.history.len() {
            return Err(broken(format!(
                "{} inputs were put in and {last} came back",
                self.history.len()
            )));
        }
        self.history.truncate(last as usize);
        for (seq, input) in self.process.recorded().map_err(broken)? {
            if self
                .history
                .get(seq as usize - 1)
                .is_none_or(|own| bytes(own) != bytes(&input))
            {
                return Err(broken(format!("input {seq} came back as {input:?}")));
            }
        }
        self.same_outputs()?;
        while !self.process.read(self.read_at).map_err(broken)?.is_empty() {
            self.read(false)?;
        }
        self.tally.opened += self.told.opened;
        self.told = self.kept.clone();
        self.told.opened = 0;
        if self.dice.one_in(8) {
            self.replay()?;
        }
        self.process.open_router(&self.terms, self.now);
        self.drain_router()
    }

    /// What consumers have read stands in the log as they read it.
    fn same_outputs(&mut self) -> Result<(), Broken> {
        let step = self.step;
        let mut at = OutputKey::default();
        loop {
            let found = match self.process.read(at) {
                Ok(found) => found,
                // Trimmed: begin where the oldest segment does.
                Err(_) if at == OutputKey::default() => {
                    at = self.read_at;
                    continue;
                }
                Err(why) => return Err(Broken::new(step, why)),
            };
            let Some(end) = found.last().map(|logged| logged.key) else {
                return Ok(());
            };
            for logged in &found {
                let known = self.seen.get(&logged.key);
                let missing = known.is_none() && logged.key <= self.read_at;
                if missing || known.is_some_and(|hash| *hash != logged.hash) {
                    return Err(Broken::new(
                        step,
                        format!(
                            "output {:?} is another one now: {:?}",
                            logged.key, logged.output
                        ),
                    ));
                }
            }
            at = end;
        }
    }

    /// A fresh machine gives the same state and the same outputs.
    fn replay(&mut self) -> Result<(), Broken> {
        let mut machine = Machine::new();
        let (mut outputs, mut payload) = (Vec::new(), Vec::new());
        for (at, input) in self.history.iter().enumerate() {
            let seq = at as Seq + 1;
            machine.apply(seq, input, &mut outputs);
            for (index, output) in outputs.drain(..).enumerate() {
                let key = OutputKey {
                    seq,
                    index: index as u32,
                };
                let Some(hash) = self.seen.get(&key).filter(|_| output.is_durable()) else {
                    continue;
                };
                payload.clear();
                let kind = record::put_output(input.ts(), &output, &mut payload);
                if *hash != siaga_risk::machine::hash(&payload) ^ u64::from(kind) {
                    return Err(Broken::new(
                        self.step,
                        format!("a replay gives another output {key:?}: {output:?}"),
                    ));
                }
            }
        }
        self.tally.replays += 1;
        if machine.state_hash() == self.process.machine.state_hash() {
            return Ok(());
        }
        Err(Broken::new(
            self.step,
            "a replay gives another state".into(),
        ))
    }

    /// When nothing is under way, what the machine says of each account is what its movements come to.
    fn settle(&mut self) -> Result<(), Broken> {
        self.sync()?;
        while !self.process.poisoned {
            let before = self.read_at;
            self.read(true)?;
            self.sync()?;
            if self.read_at == before {
                break;
            }
        }
        if !self.process.is_settled(self.read_at) {
            return Ok(());
        }
        let broken = |why| Broken::new(self.step, why);
        self.ledger.conserved().map_err(broken)?;
        let prices = self.prices();
        for (id, ..) in ACCOUNTS {
            let (balance, equity) = self.ledger.value(id, &prices);
            let View::Account(view) = self.ask(Query::Account(id)) else {
                continue;
            };
            let known = (!view.unknown).then_some(view.equity);
            let same = balance == view.balance && (equity == known || equity.is_none());
            if !same {
                return Err(broken(format!(
                    "account {}: balance {} and equity {equity:?} by its movements, {} and {known:?} by the machine",
                    id.0, balance.0, view.balance.0
                )));
            }
            self.tally.valued += u64::from(equity.is_some());
        }
        if let Some((order, count)) = self.broker.most_submitted().filter(|(_, count)| *count > 1) {
            return Err(broken(format!("order {} was sent {count} times", order.0)));
        }
        Ok(())
    }

    fn prices(&self) -> BTreeMap<InstrumentId, (i64, i64)> {
        let known = LISTED.iter().filter_map(|listed| {
            let prices = self.process.machine.book().prices(listed.id)?;
            Some((listed.id, (prices.bid, prices.ask)))
        });
        known.collect()
    }

    fn ask(&self, query: Query) -> View {
        self.process.machine.ask(&Ask { token: 0, query }).view
    }

    /// The storm is over: every order gets its answer, and everything is looked at once more.
    fn calm(&mut self) -> Result<(), Broken> {
        self.storm = false;
        self.restart(true)?;
        self.broker.come_back();
        let end = self.now.plus(CALM_NS);
        while self.now < end {
            self.now = self.now.plus(SECOND_NS / 2);
            for _ in 0..4 {
                if let Some(input) = self.feeds.next(self.now) {
                    self.put(input)?;
                }
            }
            self.put(Input::Clock(self.now))?;
            self.process.router.on_deadline(self.now);
            self.drain_router()?;
            self.settle()?;
        }
        use OrderState::*;
        let open = self.process.machine.book().open_orders();
        let unanswered: Vec<String> = open
            .filter(|order| matches!(order.state, Submitted | InDoubt | Cancelling))
            .map(|order| format!("{} {:?}", order.id.0, order.state))
            .collect();
        if !unanswered.is_empty() {
            return Err(Broken::new(
                self.step,
                format!(
                    "after ten quiet minutes without an answer: {}",
                    unanswered.join(", ")
                ),
            ));
        }
        self.replay()
    }
}

fn bytes(input: &Input) -> Vec<u8> {
    let mut bytes = Vec::new();
    let kind = record::put_input(input, &mut bytes);
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes
}
