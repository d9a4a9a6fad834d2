//! Quotes of one mix through the machine, each timed alone, and the yardstick over the same quotes.

use hdrhistogram::Histogram;
use siaga_risk::event::{Input, MarginState, Output, Seq};
use siaga_risk::machine::Machine;
use siaga_risk::units::Ts;

use super::book::INSTRUMENTS;
use super::walk::{STEP_NS, Walk};
use super::yardstick::Yardstick;
use crate::clock::now_ns;
use crate::report;

/// A machine with its place in the walk.
pub struct Stand {
    pub machine: Machine,
    pub seq: Seq,
    pub ts: Ts,
    pub walk: Walk,
}

/// What the quotes of a mix cost.
pub struct Cost {
    pub each: Histogram<u64>,
    pub total_ns: u64,
    /// Changes of a margin state, and quotes that had one.
    pub crossings: u64,
    /// The same quotes by the yardstick, nanoseconds each; a sample of them when there are many.
    pub yardstick_ns: f64,
}

impl Cost {
    /// Mean nanoseconds of a quote, the clock's reading included.
    pub fn mean(&self) -> f64 {
        self.total_ns as f64 / self.each.len().max(1) as f64
    }

    /// Median, 99 %, 99.9 %, worst.
    pub fn quantiles(&self) -> String {
        report::quantiles(&self.each)
    }
}

impl Stand {
    /// One quote: its nanoseconds and the margin changes it caused.
    pub fn apply(&mut self, quote: &Input, out: &mut Vec<Output>) -> (u64, u64) {
        self.seq += 1;
        let start = now_ns();
        self.machine.apply(self.seq, quote, out);
        let took = now_ns() - start;
        let changes = out
            .iter()
            .filter(|output| matches!(output, Output::Margin(_)));
        let crossings = changes.count() as u64;
        out.clear();
        (took, crossings)
    }

    fn next_ts(&mut self) -> Ts {
        self.ts = self.ts.plus(STEP_NS);
        self.ts
    }

    /// Applies quotes that `next` makes; the yardstick runs over at most `sample` of them.
    pub fn run(
        &mut self,
        count: usize,
        sample: usize,
        mut next: impl FnMut(&mut Walk, usize, Ts) -> (u32, Input),
    ) -> Cost {
        let mut yardstick = Yardstick::new(&self.machine, &self.walk.bids);
        let mut passes = Vec::with_capacity(sample);
        let mut cost = Cost {
            each: report::histogram(),
            total_ns: 0,
            crossings: 0,
            yardstick_ns: 0.0,
        };
        let mut out = Vec::with_capacity(4_096);
        for number in 0..count {
            let ts = self.next_ts();
            let (at, quote) = next(&mut self.walk, number, ts);
            if number < sample {
                passes.push((at, self.walk.bids[at as usize]));
            }
            let (took, crossings) = self.apply(&quote, &mut out);
            cost.each.record(took).expect("within the bounds");
            cost.total_ns += took;
            cost.crossings += crossings;
        }
        let start = now_ns();
        for (at, bid) in &passes {
            std::hint::black_box(yardstick.pass(*at, *bid));
        }
        cost.yardstick_ns = (now_ns() - start) as f64 / passes.len().max(1) as f64;
        if passes.len() == count {
            yardstick_agrees(&yardstick, &self.machine);
        }
        cost
    }

    /// A random walk of `ppm` millionths a tick.
    pub fn walk(&mut self, count: usize, sample: usize, ppm: i64) -> Cost {
        self.run(count, sample, |walk, _, ts| {
            let at = walk.pick();
            (at, walk.tick(at, ppm, ts))
        })
    }

    /// A fall of `ppm` millionths of every instrument, in equal steps over `count` quotes.
    pub fn crash(&mut self, count: usize, ppm: i64) -> Cost {
        let mut picks = self.walk.clone();
        let order: Vec<u32> = (0..count).map(|_| picks.pick()).collect();
        let mut times = vec![0i64; INSTRUMENTS as usize];
        for at in &order {
            times[*at as usize] += 1;
        }
        self.run(count, count, |walk, number, ts| {
            let at = order[number];
            (at, walk.jump(at, -ppm / times[at as usize], ts))
        })
    }
}

/// In a book without conversion the yardstick's sums are exact: whoever is below their warning is not healthy.
fn yardstick_agrees(yardstick: &Yardstick, machine: &Machine) {
    let converted = machine
        .market()
        .instruments()
        .any(|terms| terms.base != terms.quote);
    if !converted {
        let states = machine.book().accounts().map(|account| account.state.state);
        let below = states
            .filter(|state| *state != MarginState::Healthy)
            .count();
        assert_eq!(
            below,
            yardstick.below(),
            "the yardstick counts the same accounts"
        );
    }
}
