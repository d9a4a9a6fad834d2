//! The simulated market: seeded, pure, in integers; the default feed when nothing else is configured.
//!
//! Each instrument is quoted by two sources, so that a failover shows. Call [`Simulator::poll`] with the
//! time until it has nothing more and sleep until [`Simulator::due`]; or take [`Simulator::next`] to run
//! as fast as the reader likes, on the simulator's own time.

mod market;

mod scenario;

pub use scenario::{Scenario, UnknownScenario};

use crate::catalog::{Catalog, SIM_PRIMARY, SIM_SECONDARY};
use crate::rng::Rng;
use market::{Legs, Market};
use scenario::{Effect, GAP_NS, SECONDARY_MUTE_NS};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::AssetClass;
use siaga_risk::units::*;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A simulator that was not asked for this long (the machine slept) goes on from now instead of catching up.
const LAG_MAX_NS: u64 = 2 * SECOND_NS;

/// A silent stream is looked at again this often.
const SILENT_NS: u64 = 250_000_000;

/// One trade print per so many quotes of the primary, for instruments that have prints.
const QUOTES_PER_TRADE: u64 = 4;

/// Crypto trades at this part of its rate on a weekend.
const WEEKEND_CRYPTO_PCT: u64 = 10;

/// Length of a session the simulator opens when a weekend ends by hand.
const REOPENED_NS: u64 = 7 * DAY_NS;

/// Length of the session a simulated weekend closes.
const WEEKEND_NS: u64 = 49 * HOUR_NS;

/// One instrument in its scenario.
struct Line {
    instrument: InstrumentId,
    legs: Legs,
    scenario: Scenario,
    since: Ts,
    /// Displacement when the scenario began, parts per 10^12.
    from: i64,
    up: bool,
    halt: Ratio,
    crypto: bool,
    negative_prices: bool,
    spread: i64,
    rate: u64,
    lot: i64,
    /// The hole of a gap or a mute has been reported.
    reported: bool,
    last: (i64, i64),
}

/// A seeded market.
pub struct Simulator {
    rng: Rng,
    market: Market,
    lines: Vec<Line>,
    primary: SourceId,
    secondary: SourceId,
    pace_permille: u64,
    now: Ts,
    /// When each stream (line, secondary) speaks next.
    schedule: BinaryHeap<Reverse<(Ts, u32, bool)>>,
    /// Bounded by two per instrument: a scenario change closes or opens each session once.
    waiting: VecDeque<Input>,
}

impl Simulator {
    /// A market of all the catalog's instruments that starts at `start`.
    ///
    /// # Panics
    /// When the catalog lacks the simulator's two sources: the shipped one has them.
    pub fn new(seed: u64, catalog: &Catalog, scenario: Scenario, start: Ts) -> Simulator {
        let source = |name| {
            catalog
                .source(name)
                .expect("the catalog lists the simulator's sources")
                .terms
                .id
        };
        let (primary, secondary) = (source(SIM_PRIMARY), source(SIM_SECONDARY));
        let mut rng = Rng::new(seed);
        let (market, legs) = Market::new(catalog, start);
        let served = |listing: &&crate::catalog::Listing| {
            let mut sources = listing.terms.feeds.iter().map(|feed| feed.source);
            sources.any(|source| source == primary || source == secondary)
        };
        let mut lines = Vec::new();
        for (listing, legs) in catalog.instruments.iter().zip(legs) {
            let (true, Some(legs)) = (served(&listing), legs) else {
                continue;
            };
            lines.push(Line {
                instrument: listing.terms.id,
                legs,
                scenario: Scenario::Calm,
                since: start,
                from: 0,
                up: false,
                halt: listing.terms.halt.halt,
                crypto: listing.terms.class == AssetClass::Crypto,
                negative_prices: listing.terms.negative_prices,
                spread: listing.sim.spread.0.max(1),
                rate: u64::from(listing.sim.rate.max(1)),
                lot: pow10(listing.terms.qty_digits),
                reported: false,
                last: (0, 0),
            });
        }
        let mut schedule = BinaryHeap::with_capacity(lines.len() * 2);
        for line in 0..lines.len() as u32 {
            // The first price of everything stands within the first quarter of a second.
            schedule.push(Reverse((start.plus(rng.below(250_000_000)), line, false)));
            schedule.push(Reverse((start.plus(rng.below(500_000_000)), line, true)));
        }
        let mut simulator = Simulator {
            rng,
            market,
            lines,
            primary,
            secondary,
            pace_permille: 1_000,
            now: start,
            schedule,
            waiting: VecDeque::new(),
        };
        simulator.set_scenario(scenario, None);
        simulator
    }

    /// Multiplies every rate: for load programs.
    pub fn with_rate(self, factor: u32) -> Simulator {
        self.with_pace(factor.saturating_mul(1_000))
    }

    /// Runs at so many thousandths of the usual rates; at least one.
    pub fn with_pace(mut self, permille: u32) -> Simulator {
        self.pace_permille = u64::from(permille.max(1));
        self
    }

    /// Starts a scenario now, for one instrument or for all. Returns how many instruments it changed.
    pub fn set_scenario(&mut self, scenario: Scenario, instrument: Option<InstrumentId>) -> usize {
        let now = self.now;
        let mut changed = 0;
        for line in &mut self.lines {
            if instrument.is_some_and(|instrument| instrument != line.instrument) {
                continue;
            }
            changed += 1;
            let closed_before = line.closed();
            line.from = line.effect(now).bias;
            line.scenario = scenario;
            line.since = now;
            line.up = self.rng.one_in(2);
            line.reported = false;
            if closed_before != line.closed() {
                let open = !line.closed();
                let length_ns = if open { REOPENED_NS } else { WEEKEND_NS };
                let until = now.plus(length_ns);
                let session = Session {
                    instrument: line.instrument,
                    open,
                    at: now,
                    until,
                };
                self.waiting.push_back(command(now, Body::Session(session)));
            }
        }
        changed
    }

    /// The scenario an instrument is in.
    pub fn scenario(&self, instrument: InstrumentId) -> Option<Scenario> {
        self.lines
            .iter()
            .find(|line| line.instrument == instrument)
            .map(|line| line.scenario)
    }

    /// When the next input is due.
    pub fn due(&self) -> Ts {
        match (self.waiting.front(), self.schedule.peek()) {
            (Some(_), _) => self.now,
            (None, Some(Reverse((at, _, _)))) => *at,
            (None, None) => Ts(u64::MAX),
        }
    }

    /// The next input due at or before `now`, stamped `now`.
    pub fn poll(&mut self, now: Ts) -> Option<Input> {
        if now.since(self.due()) > LAG_MAX_NS {
            self.skip_to(now);
        }
        while self.due() <= now {
            self.now = self.now.max(now);
            if let Some(input) = self.step(now) {
                return Some(input);
            }
        }
        None
    }

    /// The next input on the simulator's own time. `None` only when there is no instrument to quote.
    #[allow(clippy::should_implement_trait)] // an iterator would never end
    pub fn next(&mut self) -> Option<Input> {
        loop {
            let due = self.due();
            if due.0 == u64::MAX {
                return None;
            }
            self.now = self.now.max(due);
            if let Some(input) = self.step(self.now) {
                return Some(input);
            }
        }
    }

    fn skip_to(&mut self, now: Ts) {
        let streams: Vec<_> = self.schedule.drain().collect();
        for Reverse((_, line, secondary)) in streams {
            let at = now.plus(self.rng.below(SILENT_NS));
            self.schedule.push(Reverse((at, line, secondary)));
        }
        self.now = self.now.max(now);
    }

    /// Takes one waiting input or lets one stream speak; a silent stream gives `None`.
    fn step(&mut self, now: Ts) -> Option<Input> {
        if let Some(input) = self.waiting.pop_front() {
            return Some(restamped(input, now));
        }
        let Reverse((_, index, secondary)) = self.schedule.pop()?;
        let line = &mut self.lines[index as usize];
        let effect = line.effect(now);
        let speaks = if secondary {
            effect.secondary
        } else {
            effect.primary
        } && effect.rate_pct > 0;
        let pause = if speaks {
            // Quotes per second in parts of 10^-7: pace in thousandths, two percentages.
            let share_pct = if secondary { 50 } else { 100 };
            let rate = line.rate * self.pace_permille * effect.rate_pct * share_pct;
            let mean_ns = (SECOND_NS * 10_000_000 / rate.max(1)).max(2);
            mean_ns / 2 + self.rng.below(mean_ns)
        } else {
            SILENT_NS
        };
        self.schedule
            .push(Reverse((now.plus(pause), index, secondary)));
        if let Some(gap) = line.hole(now, secondary, self.primary, self.secondary) {
            self.waiting.push_back(Input::Gap(gap));
        }
        if !speaks {
            return self.waiting.pop_front();
        }
        let source = if secondary {
            self.secondary
        } else {
            self.primary
        };
        let quote = line.quote(
            now,
            source,
            secondary,
            &effect,
            &mut self.market,
            &mut self.rng,
        );
        if line.crypto && !secondary && self.rng.one_in(QUOTES_PER_TRADE) {
            let trade = line.trade(&quote, &mut self.rng);
            self.waiting.push_back(Input::Trade(trade));
        }
        // A hole is told before the first quote behind it.
        if let Some(Input::Gap(_)) = self.waiting.front() {
            self.waiting.push_back(Input::Quote(quote));
            return self.waiting.pop_front();
        }
        Some(Input::Quote(quote))
    }
}

impl Line {
    fn closed(&self) -> bool {
        self.scenario == Scenario::Weekend && !self.crypto
    }

    fn effect(&self, now: Ts) -> Effect {
        let mut effect = self
            .scenario
            .effect(now.since(self.since), self.from, self.halt, self.up);
        if self.scenario == Scenario::Weekend {
            effect.rate_pct = if self.crypto { WEEKEND_CRYPTO_PCT } else { 0 };
        }
        effect
    }

    /// The report of a hole in a stream, once per scenario and as soon as it is known.
    fn hole(
        &mut self,
        now: Ts,
        secondary: bool,
        primary: SourceId,
        other: SourceId,
    ) -> Option<Gap> {
        let elapsed = now.since(self.since);
        let (cause, known) = match self.scenario {
            Scenario::Gap => (GapCause::Sequence, elapsed >= GAP_NS && !secondary),
            Scenario::MuteFeed => (
                GapCause::Mute,
                elapsed >= SECONDARY_MUTE_NS / 2 && !secondary,
            ),
            _ => return None,
        };
        if self.reported || !known {
            return None;
        }
        self.reported = true;
        let source = if secondary { other } else { primary };
        Some(Gap {
            ts: now,
            source,
            instrument: Some(self.instrument),
            cause,
            missing: 0,
        })
    }

    fn quote(
        &mut self,
        now: Ts,
        source: SourceId,
        secondary: bool,
        effect: &Effect,
        market: &mut Market,
        rng: &mut Rng,
    ) -> Quote {
        let fair = market.price(self.legs, now, effect.turbulence, rng);
        let mid = fair + fair * i128::from(effect.bias) / i128::from(Ratio::ONE.0);
        // The secondary is a step off now and then and a third wider.
        let mid = mid as i64 + if secondary { rng.between(-1, 1) } else { 0 };
        let wider = if secondary { 133 } else { 100 };
        let usual = self.spread * effect.spread_pct / 100 * wider / 100;
        let spread = (usual * rng.between(75, 150) / 100).max(1);
        let bid = mid - spread / 2;
        let (mut bid, mut ask) = (bid, bid + spread);
        if bid < 1 && !self.negative_prices {
            (bid, ask) = (1, 1 + spread);
        }
        if effect.bad_one_in > 0 && rng.one_in(effect.bad_one_in) {
            (bid, ask) = self.spoiled(bid, ask, secondary, rng);
        } else {
            self.last = (bid, ask);
        }
        Quote {
            ts: now,
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(self.lot * rng.between(1, 25)),
            ask_qty: Qty(self.lot * rng.between(1, 25)),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: rng.between(1_500, 9_000) as i32,
            instrument: self.instrument,
            source,
            merged: 0,
            kind: QuoteKind::Firm,
        }
    }

    /// A bad quote. Wild levels come from the secondary only: level filters are off for the simulator, so a wild
    /// price of the serving source would be the price.
    fn spoiled(&self, bid: i64, ask: i64, secondary: bool, rng: &mut Rng) -> (i64, i64) {
        match rng.below(if secondary { 5 } else { 4 }) {
            0 => (0, 0),
            1 => (-bid, -ask),
            2 => (ask, bid),
            3 if self.last != (0, 0) => self.last,
            3 => (bid, bid),
            _ => (bid.saturating_mul(10), ask.saturating_mul(10)),
        }
    }

    fn trade(&self, quote: &Quote, rng: &mut Rng) -> Trade {
        let buyer = rng.one_in(2);
        Trade {
            ts: quote.ts,
            price: Price(if buyer { self.last.1 } else { self.last.0 }.max(1)),
            qty: Qty((self.lot * rng.between(1, 400) / 200).max(1)),
            venue_lag_us: quote.venue_lag_us,
            instrument: self.instrument,
            source: quote.source,
            side: if buyer { Side::Buy } else { Side::Sell },
        }
    }
}

fn command(ts: Ts, body: Body) -> Input {
    Input::Command(Box::new(Command {
        ts,
        actor: ActorId(0),
        token: 0,
        body,
    }))
}

fn restamped(mut input: Input, now: Ts) -> Input {
    match &mut input {
        Input::Quote(quote) => quote.ts = now,
        Input::Trade(trade) => trade.ts = now,
        Input::Gap(gap) => gap.ts = now,
        Input::Clock(ts) => *ts = now,
        Input::Command(command) => command.ts = now,
    }
    input
}

#[cfg(test)]
#[path = "sim/tests.rs"]
mod tests;
