//! The quotes of the mixes: seeded walks of sixty-four instruments.

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;

use super::book::{INSTRUMENTS, Kind};
use crate::rng::Rng;

/// First bid of every instrument: large enough that a hundred thousandth of it is ten steps.
pub const HOME: i64 = 1_000_000;
/// Ask less bid.
pub const SPREAD: i64 = 10;
/// Time between two quotes on the machine's clock: a hundred thousand a second.
pub const STEP_NS: u64 = 10_000;
/// Standard deviation of the sum of four 16-bit words.
const FOUR_WORDS: i64 = 37_837;

/// A tick's typical size in millionths of the price: calm.
pub const CALM_PPM: i64 = 10;
/// Lively.
pub const LIVELY_PPM: i64 = 100;

/// Where every instrument stands.
#[derive(Clone)]
pub struct Walk {
    pub bids: Vec<i64>,
    kind: Kind,
    rng: Rng,
}

impl Walk {
    /// All at home.
    pub fn new(kind: Kind, seed: u64) -> Walk {
        Walk {
            bids: vec![HOME; INSTRUMENTS as usize],
            kind,
            rng: Rng::new(seed),
        }
    }

    /// The quote of an instrument where it stands.
    pub fn stand(&self, at: u32, ts: Ts) -> Input {
        let bid = self.bids[at as usize];
        Input::Quote(Quote {
            ts,
            bid: Price(bid),
            ask: Price(bid + SPREAD),
            bid_qty: Qty(100),
            ask_qty: Qty(100),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: InstrumentId(at + 1),
            source: SourceId(1),
            merged: 0,
            kind: QuoteKind::Firm,
        })
    }

    /// The next instrument: the popular one gets half of the quotes of a stressed book.
    pub fn pick(&mut self) -> u32 {
        if self.kind == Kind::Stressed && self.rng.below(2) == 0 {
            return 0;
        }
        self.rng.below(u64::from(INSTRUMENTS)) as u32
    }

    /// A tick of an instrument with a typical size of `ppm` millionths.
    pub fn tick(&mut self, at: u32, ppm: i64, ts: Ts) -> Input {
        let word = self.rng.word();
        let sum: i64 = (0..4)
            .map(|part| (word >> (16 * part) & 0xffff) as i64)
            .sum();
        let bid = &mut self.bids[at as usize];
        let scaled = (sum - 2 * 65_535) * (*bid * ppm / 1_000_000);
        *bid += div_round(i128::from(scaled), i128::from(FOUR_WORDS)) as i64;
        self.stand(at, ts)
    }

    /// A jump by `ppm` millionths of where it stands.
    pub fn jump(&mut self, at: u32, ppm: i64, ts: Ts) -> Input {
        let bid = &mut self.bids[at as usize];
        *bid += *bid * ppm / 1_000_000;
        self.stand(at, ts)
    }
}
