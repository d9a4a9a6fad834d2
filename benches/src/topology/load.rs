//! What the producers put in, and when.

use siaga_risk::event::{Input, NO_VENUE_TIME, Quote, QuoteKind};
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::pipeline::{Entry, Idle, Wait};
use siaga_risk::units::{Price, Qty, Ts};

use super::shapes::Door;
use crate::clock::now_ns;

/// Producing threads.
pub const PRODUCERS: u16 = 3;
/// Instruments each of them quotes.
const INSTRUMENTS: u64 = 64;
/// A producer whose next quote is further away than this sleeps, as a feed waits for its socket.
const SLEEP_ABOVE_NS: u64 = 20_000;

/// A load: open-loop at a fixed rate, or as fast as there is room.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Quotes of each producer.
    pub quotes: u64,
    /// Time between two quotes of one producer; 0 = saturated.
    pub interval_ns: u64,
}

impl Load {
    /// `rate_per_s` quotes of all producers together for `run_ms`.
    pub fn open(rate_per_s: u64, run_ms: u64) -> Self {
        let producers = u64::from(PRODUCERS);
        Self {
            quotes: rate_per_s * run_ms / 1_000 / producers,
            interval_ns: 1_000_000_000 * producers / rate_per_s,
        }
    }

    /// `quotes` of all producers together.
    pub fn saturated(quotes: u64) -> Self {
        Self {
            quotes: quotes / u64::from(PRODUCERS),
            interval_ns: 0,
        }
    }

    /// For the table.
    pub fn name(&self) -> String {
        match self.interval_ns {
            0 => "saturated".to_owned(),
            interval_ns => {
                let per_s = 1_000_000_000 * u64::from(PRODUCERS) / interval_ns;
                format!("{} k/s", (per_s + 500) / 1_000)
            }
        }
    }

    /// What the decider must arrive at, however the producers interleave.
    pub fn expected_hash(&self) -> u64 {
        let mut folds = Folds::default();
        for producer in 0..PRODUCERS {
            for number in 0..self.quotes {
                folds.quote(&quote(producer, number, 0));
            }
        }
        folds.hash()
    }

    /// Produces everything through `door`. Latency runs from the moment the quote is there: the due
    /// time, or the wake-up when the producer slept towards it; a full ring is not time off.
    pub fn produce(&self, producer: u16, door: &mut impl Door) {
        let start = now_ns() + u64::from(producer) * self.interval_ns / u64::from(PRODUCERS);
        let mut here = 0;
        for number in 0..self.quotes {
            let due = start + number * self.interval_ns;
            let mut now = now_ns();
            if self.interval_ns == 0 {
                here = now;
            } else {
                while now < due {
                    if due - now > SLEEP_ABOVE_NS {
                        std::thread::sleep(std::time::Duration::from_nanos(due - now));
                        now = now_ns();
                        here = now;
                    } else {
                        std::hint::spin_loop();
                        now = now_ns();
                    }
                }
            }
            put(
                door,
                Entry::Input(Input::Quote(quote(producer, number, here.max(due)))),
            );
        }
    }
}

/// Pushes until there is room.
pub fn put(door: &mut impl Door, entry: Entry) {
    let (mut entry, mut idle) = (entry, Idle::new(Wait::Yield));
    while let Err(back) = door.try_push(entry) {
        entry = back;
        idle.wait();
    }
}

/// The n-th quote of a producer.
fn quote(producer: u16, number: u64, ts: u64) -> Quote {
    let mixed = (number + u64::from(producer)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bid = 1_000_000 + (mixed >> 52) as i64;
    Quote {
        ts: Ts(ts),
        bid: Price(bid),
        ask: Price(bid + 10),
        bid_qty: Qty(1),
        ask_qty: Qty(1),
        bid_drop: 0,
        ask_rise: 0,
        venue_lag_us: NO_VENUE_TIME,
        instrument: InstrumentId((number % INSTRUMENTS) as u32),
        source: SourceId(producer),
        merged: 0,
        kind: QuoteKind::Firm,
    }
}

/// One rolling hash for each producer: the order within a producer matters, between them it is free.
#[derive(Debug, Default)]
pub struct Folds([u64; PRODUCERS as usize]);

impl Folds {
    /// Takes a quote in.
    pub fn quote(&mut self, quote: &Quote) {
        let fold = &mut self.0[usize::from(quote.source.0 % PRODUCERS)];
        let word = quote.bid.0 as u64 ^ u64::from(quote.instrument.0) << 40;
        *fold = (*fold ^ word)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
    }

    /// All of them in one word.
    pub fn hash(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |hash, fold| hash ^ fold.rotate_left(7).wrapping_mul(31))
    }
}
