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
}

impl MarketThread {
    /// Runs until told to stop.
    pub fn run(mut self) {
        let mut waiting: VecDeque<Input> = VecDeque::new();
        let (mut entered, mut checked, mut planned) = (Ts(0), Ts(0), Ts(0));
        while !self.stop.load(Ordering::Acquire) {
            let now = self.clock.now();
            if now.since(planned) >= CALENDAR_EVERY_NS {
                planned = now;
                waiting.extend(
                    self.planner
                        .due(now)
                        .into_iter()
                        .map(|body| command(now, body)),
                );
            }
            if now.since(checked) >= SECOND_NS {
                checked = now;
                if let Some(by_ns) = self.clock.check() {
                    tracing::warn!(by_ns, "the wall clock jumped");
                    waiting.push_back(command(now, Body::ClockJump(ClockJump { by_ns })));
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
            self.enter(&mut waiting);
            self.sleep(now, entered, waiting.is_empty());
        }
    }

    /// Takes what the simulator has due; true when there was a price.
    fn simulate(&mut self, now: Ts, waiting: &mut VecDeque<Input>) -> bool {
        let Some(simulator) = &mut self.simulator else {
            return false;
        };
        let mut any = false;
        let mut now = now;
        while waiting.len() < WAITING_MAX {
            let Some(input) = simulator.poll(now) else {
                break;
            };
            any = true;
            match input {
                Input::Quote(quote) => self.inbox.quote(quote),
                other => waiting.push_back(other),
            }
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

    /// Puts what waits into the ring, in order, as far as there is room.
    fn enter(&mut self, waiting: &mut VecDeque<Input>) {
        self.inbox.flush();
        while let Some(input) = waiting.pop_front() {
            let full = match &input {
                Input::Command(command) => self.inbox.command((**command).clone()).is_err(),
                other => self.inbox.input(other.clone()).is_err(),
            };
            if full {
                waiting.push_front(input);
                return;
            }
        }
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

/// A command of the system itself, for which nobody waits.
pub fn command(ts: Ts, body: Body) -> Input {
    Input::Command(Box::new(Command {
        ts,
        actor: ActorId(0),
        token: 0,
        body,
    }))
}
