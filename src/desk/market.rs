//! The thread that lets time pass: simulated prices, calendars, the clock, the first day's orders.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::Receiver;
use siaga_feed::calendar::Planner;
use siaga_feed::sim::{Scenario, Simulator};
use siaga_risk::event::{Body, ClockJump, Command, Input, NewOrder};
use siaga_risk::ids::{ActorId, InstrumentId};
use siaga_risk::pipeline::Inbox;
use siaga_risk::units::{SECOND_NS, Ts};

use super::egress::EgressFigures;
use super::late_nights::LateNights;
use crate::clock::Clock;
use crate::gateway::live::Live;

/// The clock enters when nothing else did for this long.
const CLOCK_EVERY_NS: u64 = 100_000_000;
/// The calendars are looked at this often; they plan a day ahead.
const CALENDAR_EVERY_NS: u64 = 60 * SECOND_NS;
/// Shortest sleep: what is due within it is taken together.
const SLEEP_MIN_NS: u64 = 1_000_000;
/// Inputs that wait for a full ring before the simulator is asked for more.
const WAITING_MAX: usize = 4_096;

/// A person drives the simulated market.
#[derive(Clone, Copy, Debug)]
pub struct SetScenario {
    pub scenario: Scenario,
    pub instrument: Option<InstrumentId>,
}

/// Everything the thread works with.
pub struct MarketThread {
    pub clock: Arc<Clock>,
    pub inbox: Inbox,
    pub simulator: Option<Simulator>,
    pub planner: Planner,
    pub live: Arc<Live>,
    pub figures: Arc<EgressFigures>,
    pub scenarios: Receiver<SetScenario>,
    /// Orders of the demonstration, sent once the broker can be reached and their instruments have prices.
    pub orders: Vec<NewOrder>,
    pub stop: Arc<AtomicBool>,
    /// Where nights that are left to people are kept.
    pub late_nights: Arc<LateNights>,
}

impl MarketThread {
    /// Runs until told to stop.
    pub fn run(mut self) {
        let mut waiting: VecDeque<Input> = VecDeque::new();
        let (mut entered, mut checked, mut planned) = (Ts(0), Ts(0), Ts(0));
        // Where the clock is about to jump to.
        let mut ahead: Option<Ts> = None;
        while !self.stop.load(Ordering::Acquire) {
            let now = self.clock.now();
            if now.since(planned) >= CALENDAR_EVERY_NS && ahead.is_none() {
                planned = now;
                self.plan(now, now, &mut waiting);
                self.tell_leap();
            }
            if now.since(checked) >= SECOND_NS && ahead.is_none() {
                checked = now;
                ahead = self.clock.ahead();
                match ahead {
                    // In the journal the nights on the way stand before whatever carries a time behind them: no kill
                    // in that moment loses one, and a start finds them still ahead of what it has reached.
                    Some(there) => self.plan(there, now, &mut waiting),
                    None => self.check_clock(now, &mut waiting),
                }
                self.first_orders(now, &mut waiting);
            }
            self.set_scenarios();
            if self.simulate(now, &mut waiting) {
                entered = now;
            }
            if now.since(entered) >= CLOCK_EVERY_NS {
                entered = now;
                waiting.push_back(Input::Clock(now));
            }
            enter(&mut self.inbox, &mut waiting);
            if let Some(there) = ahead.filter(|_| waiting.is_empty()) {
                ahead = None;
                self.tell_leap();
                self.check_clock(now, &mut waiting);
                if self.clock.now() < there {
                    self.planner.again();
                    planned = Ts(0);
                }
            }
            self.sleep(now, entered, waiting.is_empty());
        }
    }

    /// What the calendars have to tell for the time `at`, while it is `now`.
    fn plan(&mut self, at: Ts, now: Ts, waiting: &mut VecDeque<Input>) {
        let due = self.planner.due(at).into_iter();
        waiting.extend(due.map(|body| command(now, body)));
    }

    fn tell_leap(&mut self) {
        if let Some(leap) = self.planner.leapt() {
            tracing::error!("{leap}");
            self.late_nights.keep(&leap);
        }
    }

    fn check_clock(&self, now: Ts, waiting: &mut VecDeque<Input>) {
        if let Some(by_ns) = self.clock.check() {
            tracing::warn!(by_ns, "the wall clock jumped");
            waiting.push_back(command(now, Body::ClockJump(ClockJump { by_ns })));
        }
    }

    /// Takes what the simulator has due, in its order: a hole is told before the quote behind it. True when there
    /// was something.
    fn simulate(&mut self, now: Ts, waiting: &mut VecDeque<Input>) -> bool {
        let mut any = false;
        let mut now = now;
        while waiting.len() < WAITING_MAX {
            let Some(input) = self.simulator.as_mut().and_then(|sim| sim.poll(now)) else {
                break;
            };
            any = true;
            waiting.push_back(input);
            enter(&mut self.inbox, waiting);
            now = self.clock.now();
        }
        any
    }

    fn set_scenarios(&mut self) {
        while let Ok(set) = self.scenarios.try_recv() {
            if let Some(simulator) = &mut self.simulator {
                let changed = simulator.set_scenario(set.scenario, set.instrument);
                tracing::info!(scenario = ?set.scenario, instruments = changed, "the simulated market changes");
            }
        }
    }

    fn first_orders(&mut self, now: Ts, waiting: &mut VecDeque<Input>) {
        if !self.figures.link_live.load(Ordering::Relaxed) {
            return;
        }
        let live = &self.live;
        self.orders.retain(|order| {
            let priced = live.mark(order.instrument).is_some();
            if priced {
                waiting.push_back(command(now, Body::Order(Box::new(*order))));
            }
            !priced
        });
    }

    fn sleep(&self, now: Ts, entered: Ts, all_entered: bool) {
        let clock_due = entered.plus(CLOCK_EVERY_NS);
        let due = self
            .simulator
            .as_ref()
            .map_or(clock_due, |simulator| simulator.due().min(clock_due));
        let wait_ns = if all_entered {
            due.since(now).max(SLEEP_MIN_NS)
        } else {
            SLEEP_MIN_NS
        };
        std::thread::sleep(Duration::from_nanos(wait_ns.min(CLOCK_EVERY_NS)));
    }
}

/// Puts what waits into the ring, in order, as far as there is room. Quotes conflate in the inbox while there is none,
/// but behind something that waits they wait too.
fn enter(inbox: &mut Inbox, waiting: &mut VecDeque<Input>) {
    inbox.flush();
    while let Some(input) = waiting.pop_front() {
        let full = match &input {
            Input::Quote(quote) => {
                inbox.quote(*quote);
                false
            }
            Input::Command(command) => inbox.command((**command).clone()).is_err(),
            other => inbox.input(other.clone()).is_err(),
        };
        if full {
            waiting.push_front(input);
            return;
        }
    }
}

/// Thousandths of the simulator's usual pace for a configured multiple of it.
pub fn pace_permille(rate: f64) -> u32 {
    (rate * 1_000.0).round() as u32
}

/// A command of the system itself, for which nobody waits.
pub fn command(ts: Ts, body: Body) -> Input {
    Input::Command(Box::new(Command {
        ts,
        actor: ActorId(0),
        token: 0,
        body,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_feed::calendar::Calendars;
    use siaga_feed::catalog::Catalog;
    use siaga_risk::event::{Gap, GapCause, NO_VENUE_TIME, Quote, QuoteKind};
    use siaga_risk::ids::SourceId;
    use siaga_risk::pipeline::Entry;
    use siaga_risk::pipeline::ring::{self, Look, Reader, Source};
    use siaga_risk::units::{DAY_NS, Price, Qty};

    /// A clock that jumps by this much leaves nights to people.
    const JUMP_DAYS: u64 = 10;

    /// The nights on a jump's way enter before anything carries a time behind it, so that no kill loses them.
    #[test]
    fn the_nights_of_a_jump_enter_before_the_time_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Clock::start());
        clock.fall_behind(JUMP_DAYS * DAY_NS);
        let (before, there) = (clock.now(), clock.ahead().unwrap());
        let (writer, _journal, mut machine) = ring::build(1 << 16);
        let (_scenarios, scenarios) = crossbeam::channel::bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let late_nights = Arc::new(LateNights::at(folder.path()));
        let thread = MarketThread {
            clock,
            inbox: Inbox::new(writer),
            simulator: None,
            planner: Planner::new(Calendars::new(&Catalog::shipped())),
            live: Arc::new(Live::new()),
            figures: Arc::new(EgressFigures::default()),
            scenarios,
            orders: Vec::new(),
            stop: stop.clone(),
            late_nights: late_nights.clone(),
        };
        let running = std::thread::spawn(move || thread.run());
        let mut all: Vec<Input> = Vec::new();
        while !all.iter().any(|input| input.ts() >= there) {
            assert!(!running.is_finished());
            while let Look::Read(_) = machine.read(1_000, |entry| {
                if let Entry::Input(input) = entry {
                    all.push(input.clone());
                }
            }) {}
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Release);
        running.join().unwrap();
        let behind = all.iter().position(|input| input.ts() >= there).unwrap();
        let is_night_between = |input: &Input| match input {
            Input::Command(command) => match &command.body {
                Body::DayStart(day) => day.at > before.plus(3 * DAY_NS) && day.at <= there,
                _ => false,
            },
            _ => false,
        };
        let night = all.iter().position(is_night_between).expect("a night");
        assert!(night < behind, "input {night} of {behind}");
        let is_jump = |input: &Input| match input {
            Input::Command(command) => matches!(command.body, Body::ClockJump(_)),
            _ => false,
        };
        assert!(all[..=behind].iter().any(is_jump));
        // So many days are left to people, who read it until they have settled them.
        let part = late_nights.part();
        assert!(!part.ok && part.detail.contains("not charged"), "{part:?}");
    }

    /// What stands in the ring, in a letter each.
    fn read(reader: &mut Reader) -> String {
        let mut letters = String::new();
        while let Look::Read(_) = reader.read(1_000, |entry| {
            letters.push(match entry {
                Entry::Input(Input::Quote(_)) => 'q',
                Entry::Input(Input::Gap(_)) => 'g',
                Entry::Input(Input::Command(_)) => 'c',
                _ => '.',
            });
        }) {}
        letters
    }

    #[test]
    fn what_the_simulator_says_enters_in_its_order() {
        let (writer, mut journal, mut machine) = ring::build(64);
        let mut inbox = Inbox::new(writer);
        let gap = Gap {
            ts: Ts(1),
            source: SourceId(1),
            instrument: None,
            cause: GapCause::Mute,
            missing: 0,
        };
        let quote = Quote {
            ts: Ts(1),
            bid: Price(1),
            ask: Price(2),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: InstrumentId(1),
            source: SourceId(1),
            merged: 0,
            kind: QuoteKind::Firm,
        };
        let jump = || command(Ts(1), Body::ClockJump(ClockJump { by_ns: 1 }));
        let mut waiting = VecDeque::from([
            Input::Gap(gap),
            Input::Quote(quote),
            jump(),
            Input::Quote(quote),
        ]);
        enter(&mut inbox, &mut waiting);
        assert_eq!((waiting.len(), read(&mut machine).as_str()), (0, "gqcq"));
        assert_eq!(read(&mut journal), "gqcq");
        // A full ring: what waits keeps its order.
        for _ in 0..64 {
            assert!(inbox.input(Input::Clock(Ts(2))).is_ok());
        }
        waiting.extend([jump(), Input::Quote(quote), Input::Gap(gap)]);
        enter(&mut inbox, &mut waiting);
        assert_eq!(waiting.len(), 3);
        assert_eq!(read(&mut machine).len() + read(&mut journal).len(), 128);
        enter(&mut inbox, &mut waiting);
        assert_eq!((waiting.len(), read(&mut machine).as_str()), (0, "cqg"));
    }

    #[test]
    fn a_rate_may_be_a_fraction() {
        let paces = [0.25, 1.0, 1.5, 10.0].map(pace_permille);
        assert_eq!(paces, [250, 1_000, 1_500, 10_000]);
    }
}
