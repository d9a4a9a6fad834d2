//! One run: everything that can happen, in an order chosen by the seed, and what must hold whatever happens.

use crate::charges::{Marks, Prices};
use crate::counterparty::Counterparty;
use crate::dice::Dice;
use crate::feed::Feeds;
use crate::ledger::{Cause, Ledger};
use crate::odds;
use crate::people::{People, link_by_hand};
use crate::process::Process;
use crate::refusals::{Refusals, Seen};
use crate::world::{ACCOUNTS, ANSWER_TIMEOUT_NS, LINK, LISTED, Rules, START, opening};
use crate::{Broken, Fault, Invariant, Planted, Tally};
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
/// By then every question that the storm left open is answered, and no fault makes new ones.
const DOUBTS_NS: u64 = 3 * MINUTE_NS;
/// With no price that could make an order any more, whatever is on its way is answered within the link's own time.
const DRAIN_NS: u64 = ANSWER_TIMEOUT_NS;
/// The place of a checkpoint behind the outputs of its input: the process's own mark, which no machine gives.
const CHECKPOINT: u32 = u32::MAX - 1;

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
    /// The prices that inputs found which changed positions, until the ledger has booked them.
    found: BTreeMap<Seq, Prices>,
    /// The newest input that the ledger has passed.
    passed: Seq,
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
        let rules = Rules::draw(&mut dice, planted);
        let broker = Counterparty::new(LINK, dice.bits(), &rules, planted);
        let process = Process::start(&disk, &broker, None, planted)
            .map_err(|error| not_started(error).at(0))?;
        let (feeds, people) = (Feeds::new(dice.fork()), People::new(dice.fork(), rules));
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
            told: Refusals::new(rules),
            kept: Refusals::new(rules),
            history: Vec::new(),
            found: BTreeMap::new(),
            passed: 0,
            seen: BTreeMap::new(),
            read_at: OutputKey::default(),
            router_at: None,
            terms: Vec::new(),
            planted,
            storm: true,
            tally: Tally::default(),
        };
        for body in opening(&rules) {
            world.put(Input::Command(Box::new(Command {
                ts: START,
                actor: ActorId(0),
                token: 0,
                body,
            })))?;
        }
        // What was said before the house opened is no change.
        world.tally = Tally::default();
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
        self.tally.swaps = self.ledger.swaps;
        self.tally.busts = self.ledger.busts;
        self.tally.broker_closes = self.ledger.closes;
        self.tally.odd_reports = self.broker.odd_reports();
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
            960..=966 => {
                self.reconcile()?;
                self.remind()?;
            }
            967..=969 => self.toggle_broker()?,
            970..=980 => self.snapshot()?,
            981..=982 => self.break_disk(),
            983..=985 => self.restart(true)?,
            986..=987 => self.restart(false)?,
            _ => {
                self.process.router.on_deadline(self.now);
                self.drain_router()?;
            }
        }
        if self.dice.one_in(odds::BURST) {
            for command in self.people.burst(self.now) {
                self.put(Input::Command(Box::new(command)))?;
            }
        }
        if self.dice.one_in(odds::FOLLOW) {
            self.follow()?;
        }
        if self.process.poisoned && self.dice.one_in(30) {
            self.tally.poisoned += 1;
            self.restart(true)?;
        }
        Ok(())
    }

    /// The second machine catches up; what is durable by then is compared, and the states where that is everything.
    fn follow(&mut self) -> Result<(), Broken> {
        self.sync()?;
        let same = self.process.follow();
        let same = same.map_err(|why| self.breaks(Invariant::Standby, why))?;
        self.tally.compared += u64::from(same);
        Ok(())
    }

    /// Journal and log are trimmed behind a snapshot, so the second machine must have read them.
    fn snapshot(&mut self) -> Result<(), Broken> {
        let same = self.process.follow();
        same.map_err(|why| self.breaks(Invariant::Standby, why))?;
        self.tally.snapshots += u64::from(self.process.snapshot());
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
        for output in &self.apply(input)? {
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

    /// An input is numbered, journaled and decided; what the machine told is held against what it told before.
    fn apply(&mut self, input: Input) -> Result<Vec<Output>, Broken> {
        let mut prices = self.prices();
        let outputs = self.process.put(&input);
        self.history.push(input);
        let seq = self.process.seq;
        for output in &outputs {
            match output {
                Output::Mark(mark) => {
                    prices.insert(mark.instrument, (mark.bid.0, mark.ask.0));
                }
                Output::Deal(_) | Output::Position(_) => {
                    self.found.entry(seq).or_insert_with(|| prices.clone());
                }
                Output::Throttle(change) if change.on => self.people.latched(change.scope),
                _ => {}
            }
            self.tally.see(output);
            let cause = Seen {
                seq,
                input: &self.history[seq as usize - 1],
                prices: Some(&prices),
            };
            let seen = self.told.see(cause, output);
            seen.map_err(|why| self.broken(why))?;
        }
        Ok(outputs)
    }

    fn broken(&self, fault: Fault) -> Broken {
        fault.at(self.step)
    }

    fn breaks(&self, invariant: Invariant, what: String) -> Broken {
        self.broken(Fault::new(invariant, what))
    }

    fn command(&mut self) -> Result<(), Broken> {
        let command = self.people.next(&self.ledger, self.now);
        let Some(told) = self.deaf_to(&command) else {
            return self.put(Input::Command(Box::new(command)));
        };
        let input = Input::Clock(self.now);
        let cause = Seen {
            seq: self.process.seq,
            input: &input,
            prices: None,
        };
        let seen = self.told.see(cause, &told);
        seen.map_err(|why| self.broken(why))
    }

    /// What the house reads of a command that the machine does not hear, where such a fault is planted.
    fn deaf_to(&self, command: &Command) -> Option<Output> {
        match (self.planted?, &command.body) {
            (Planted::DeafSwitch, Body::Kill(set)) if set.on => Some(Output::Kill(KillChange {
                set: *set,
                actor: command.actor,
                cancelled: 0,
            })),
            (Planted::DeafLimit, Body::Limit(set)) if set.value > 0 => {
                Some(Output::Terms(TermsChange::Limit(*set)))
            }
            (Planted::DeafThrottle, Body::Cancel(_)) => Some(Output::Throttle(ThrottleChange {
                scope: Scope::Trader(1),
                on: true,
                instrument: InstrumentId(0),
                side: Side::Buy,
                executions: 0,
                actor: ActorId(0),
            })),
            (Planted::OpenShop, Body::Session(set)) if !set.open => {
                Some(Output::Feed(FeedChange {
                    instrument: set.instrument,
                    from: FeedState::Live,
                    to: FeedState::Closed,
                    source: None,
                    age_ns: 0,
                }))
            }
            _ => None,
        }
    }

    fn sync(&mut self) -> Result<(), Broken> {
        for released in self.process.sync() {
            if let Output::Answer(answer) = &released.output {
                if !self.process.holds(released.key) {
                    let what = format!("{:?} was answered and is not logged", released.key);
                    return Err(self.breaks(Invariant::Kept, what));
                }
                self.answered(released.key.seq, answer)?;
            }
        }
        Ok(())
    }

    fn answered(&mut self, seq: Seq, answer: &Answer) -> Result<(), Broken> {
        let answered = self.people.answered(seq, answer);
        answered.map_err(|why| self.breaks(Invariant::Once, why))
    }

    /// Consumers, and the router when it is open, read what the log has.
    fn read(&mut self, router: bool) -> Result<(), Broken> {
        let found = self.process.read(self.read_at);
        for logged in found.map_err(|why| self.breaks(Invariant::Outputs, why))? {
            self.seen.insert(logged.key, logged.hash);
            self.read_at = logged.key;
            self.book(logged.key.seq, &logged.output)?;
            // What it forbids was held against it when it was told.
            let cause = Seen {
                seq: logged.key.seq,
                input: &self.history[logged.key.seq as usize - 1],
                prices: None,
            };
            let _ = self.kept.see(cause, &logged.output);
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

    /// The ledger follows: every input up to this one in its order, then the output.
    fn book(&mut self, seq: Seq, output: &Output) -> Result<(), Broken> {
        let step = self.step;
        let cause = |seq: Seq| Cause {
            seq,
            input: &self.history[seq as usize - 1],
            prices: self.found.get(&seq),
        };
        for next in self.passed + 1..=seq {
            let passed = self.ledger.pass(cause(next));
            passed.map_err(|fault| fault.at(step))?;
        }
        let booked = self.ledger.book(cause(seq), output);
        booked.map_err(|fault| fault.at(step))?;
        self.passed = self.passed.max(seq);
        self.found = self.found.split_off(&seq);
        Ok(())
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

    /// A named person settles with the broker what the house could not book.
    fn reconcile(&mut self) -> Result<(), Broken> {
        let open = self.process.machine.book().open_orders();
        let due: Vec<Reconciled> = open
            .filter(|order| !order.unbooked.is_empty())
            .map(|order| Reconciled {
                order: order.id,
                executions: order.unbooked.len() as u32,
                note: 0,
            })
            .collect();
        for set in due {
            self.put(Input::Command(Box::new(Command {
                ts: self.now,
                actor: ActorId(1),
                token: 0,
                body: Body::Reconciled(set),
            })))?;
        }
        Ok(())
    }

    /// A client asks for an acknowledged order once more, and must get the same answer.
    fn remind(&mut self) -> Result<(), Broken> {
        let Some((promise, command)) = self.people.remind(self.now) else {
            return Ok(());
        };
        let outputs = self.apply(Input::Command(Box::new(command)))?;
        let answer = outputs.iter().find_map(|output| match output {
            Output::Answer(answer) => Some(answer),
            _ => None,
        });
        let same = answer.is_some_and(|answer| answer.repeated && answer.order == Some(promise.id));
        if same {
            self.tally.reminders += 1;
            return Ok(());
        }
        Err(self.breaks(
            Invariant::Kept,
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
            match Process::start(&self.disk, &self.broker, self.router_at, self.planted) {
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
                Err(error) => return Err(self.broken(not_started(error))),
            }
        }
        self.broker.come_back();
        self.after_start()
    }

    fn stop(&mut self) {
        // The process is replaced by the next start; until then an empty disk's stands in its place.
        let spare = CrashDisk::new(0);
        if let Ok(empty) = Process::start(&spare, &self.broker, None, None) {
            std::mem::replace(&mut self.process, empty).stop();
        }
    }

    /// Nothing acknowledged is lost, nothing is invented, and every output comes out as it did.
    fn after_start(&mut self) -> Result<(), Broken> {
        let last = self.process.seq;
        if last < self.people.acknowledged {
            let what = format!(
                "input {} was acknowledged, and only {last} came back",
                self.people.acknowledged
            );
            return Err(self.breaks(Invariant::Kept, what));
        }
        if last as usize > self.history.len() {
            let what = format!(
                "{} inputs were put in and {last} came back",
                self.history.len()
            );
            return Err(self.breaks(Invariant::Once, what));
        }
        self.history.truncate(last as usize);
        self.found.retain(|seq, _| *seq <= last);
        let recorded = self.process.recorded();
        for (seq, input) in recorded.map_err(|why| self.breaks(Invariant::Kept, why))? {
            if self
                .history
                .get(seq as usize - 1)
                .is_none_or(|own| bytes(own) != bytes(&input))
            {
                let what = format!("input {seq} came back as {input:?}");
                return Err(self.breaks(Invariant::Kept, what));
            }
        }
        self.same_outputs()?;
        loop {
            let before = self.read_at;
            self.read(false)?;
            if self.read_at == before {
                break;
            }
        }
        self.tally.opened += self.told.opened;
        self.told = self.kept.clone();
        self.told.opened = 0;
        if self.dice.one_in(8) {
            self.replay(false)?;
            if self.dice.one_in(2) {
                self.replay(true)?;
            }
        }
        self.process.open_router(&self.terms, self.now);
        self.drain_router()
    }

    /// What consumers have read stands in the log as they read it, as far back as the log goes: all of it and no more.
    fn same_outputs(&mut self) -> Result<(), Broken> {
        let from = self.process.readable_from();
        let mut at = from;
        let mut there = BTreeMap::new();
        while at < self.read_at {
            let found = self.process.read(at);
            let found = found.map_err(|why| self.breaks(Invariant::Outputs, why))?;
            let Some(end) = found.last().map(|logged| logged.key) else {
                break;
            };
            there.extend(found.iter().map(|logged| (logged.key, logged.hash)));
            at = end;
        }
        there.retain(|key, _| *key <= self.read_at);
        let read = self.seen.range(from..).filter(|(key, _)| **key > from);
        let differs = there
            .iter()
            .map(Some)
            .chain([None])
            .zip(read.map(Some).chain([None]));
        match differs.into_iter().find(|(there, read)| there != read) {
            None => Ok(()),
            Some((there, read)) => Err(self.breaks(
                Invariant::Outputs,
                format!("the log has {there:?} where {read:?} was read"),
            )),
        }
    }

    /// A fresh machine gives the same state and the same outputs, all of them. One that looks at every holder at every
    /// touch does so too: nobody was passed over because of a box.
    fn replay(&mut self, plain: bool) -> Result<(), Broken> {
        let invariant = if plain {
            Invariant::Watch
        } else {
            Invariant::Outputs
        };
        let mut machine = Machine::new();
        if plain {
            machine.watch_plainly();
        }
        let (mut outputs, mut payload) = (Vec::new(), Vec::new());
        let mut given = 0;
        for (at, input) in self.history.iter().enumerate() {
            let seq = at as Seq + 1;
            machine.apply(seq, input, &mut outputs);
            for (index, output) in outputs.drain(..).enumerate() {
                let key = OutputKey {
                    seq,
                    index: index as u32,
                };
                if !output.is_durable() || key > self.read_at {
                    continue;
                }
                payload.clear();
                let kind = record::put_output(input.ts(), &output, &mut payload);
                let hash = siaga_risk::machine::hash(&payload) ^ u64::from(kind);
                if self.seen.get(&key) != Some(&hash) {
                    let what = format!("a replay gives another output {key:?}: {output:?}");
                    return Err(self.breaks(invariant, what));
                }
                given += 1;
            }
        }
        let read = self.seen.keys().filter(|key| key.index != CHECKPOINT);
        let read = read.count();
        if given != read {
            let what = format!("a replay gives {given} outputs, and {read} were read");
            return Err(self.breaks(invariant, what));
        }
        self.tally.replays += 1;
        if machine.state_hash() == self.process.machine.state_hash() {
            return Ok(());
        }
        Err(self.breaks(invariant, "a replay gives another state".into()))
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
        self.ledger
            .conserved()
            .map_err(|fault| self.broken(fault))?;
        let (prices, marks) = (self.prices(), self.marks());
        for (id, ..) in ACCOUNTS {
            let (balance, equity) = self.ledger.value(id, &prices, &marks);
            let View::Account(view) = self.ask(Query::Account(id)) else {
                continue;
            };
            let known = (!view.unknown).then_some(view.equity);
            if (balance, equity) != (view.balance, known) {
                let what = format!(
                    "account {}: balance {} and equity {equity:?} by its movements, {} and {known:?} by the machine",
                    id.0, balance.0, view.balance.0
                );
                return Err(self.breaks(Invariant::Books, what));
            }
            self.tally.valued += u64::from(equity.is_some());
            let marked = equity.is_some() && self.ledger.is_marked(id, &marks);
            self.tally.marked += u64::from(marked);
        }
        if let Some((order, count)) = self.broker.most_submitted().filter(|(_, count)| *count > 1) {
            let what = format!("order {} was sent {count} times", order.0);
            return Err(self.breaks(Invariant::Once, what));
        }
        if self.dice.one_in(4) {
            let boxed = self.process.machine.audit_watch();
            self.tally.boxed += boxed.map_err(|why| self.breaks(Invariant::Watch, why))? as u64;
        }
        Ok(())
    }

    fn prices(&self) -> Prices {
        let known = LISTED.iter().filter_map(|listed| {
            let prices = self.process.machine.book().prices(listed.id)?;
            Some((listed.id, (prices.bid, prices.ask)))
        });
        known.collect()
    }

    fn marks(&self) -> Marks {
        let known = LISTED.iter().filter_map(|listed| {
            let mark = self.process.machine.book().mark_price(listed.id)?;
            Some((listed.id, mark.price.0))
        });
        known.collect()
    }

    fn ask(&self, query: Query) -> View {
        self.process.machine.ask(&Ask { token: 0, query }).view
    }

    /// No order waits for an answer, but those that may be on their way.
    fn answered_but(&self, on_their_way: &[OrderState]) -> Result<(), Broken> {
        use OrderState::*;
        let open = self.process.machine.book().open_orders();
        let unanswered: Vec<String> = open
            .filter(|order| matches!(order.state, Submitted | InDoubt | Cancelling))
            .filter(|order| !on_their_way.contains(&order.state))
            // The question that follows a settlement is on its way too.
            .filter(|order| on_their_way.is_empty() || order.settled_qty == Qty(0))
            .map(|order| format!("{} {:?}", order.id.0, order.state))
            .collect();
        if unanswered.is_empty() {
            return Ok(());
        }
        let what = format!("in the quiet without an answer: {}", unanswered.join(", "));
        Err(self.breaks(Invariant::Answered, what))
    }

    /// The storm is over: every order gets its answer, and everything is looked at once more.
    fn calm(&mut self) -> Result<(), Broken> {
        self.storm = false;
        self.restart(true)?;
        self.broker.come_back();
        // Whoever has taken the link out of service gives it back.
        self.put(Input::Command(Box::new(Command {
            ts: self.now,
            actor: ActorId(1),
            token: 0,
            body: link_by_hand(false),
        })))?;
        use OrderState::*;
        let (doubts, quiet) = (self.now.plus(DOUBTS_NS), self.now.plus(CALM_NS));
        let end = quiet.plus(DRAIN_NS);
        while self.now < end {
            self.now = self.now.plus(SECOND_NS / 2);
            if self.now <= quiet {
                for _ in 0..4 {
                    if let Some(input) = self.feeds.next(self.now) {
                        self.put(input)?;
                    }
                }
            }
            self.put(Input::Clock(self.now))?;
            self.process.router.on_deadline(self.now);
            self.drain_router()?;
            self.reconcile()?;
            self.settle()?;
            if self.now > doubts {
                self.answered_but(&[Submitted, Cancelling])?;
            }
        }
        self.follow()?;
        // Executions that were booked twice can keep orders coming for ever.
        let (executed, closed) = (self.broker.executed(), self.broker.closed());
        let booked = self.ledger.booked(&executed, &closed);
        booked.map_err(|fault| self.broken(fault))?;
        self.answered_but(&[])?;
        self.replay(false)?;
        self.replay(true)
    }
}

fn not_started(error: RecoveryError) -> Fault {
    Fault::new(Invariant::Starts, format!("the start: {error}"))
}

fn bytes(input: &Input) -> Vec<u8> {
    let mut bytes = Vec::new();
    let kind = record::put_input(input, &mut bytes);
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes
}
