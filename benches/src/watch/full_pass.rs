//! The best full pass: per instrument and side the coefficients and accounts of its holders in order, per account one
//! sum that follows every quote. It is the yardstick of the bands, and it says what they must say.

use siaga_risk::watch::{Leg, Valuing};

use super::crowd::{Crowd, INSTRUMENTS, LEVELS, POSITIONS};
use crate::clock::now_ns;
use crate::rng::Rng;

/// Fine units per unit of a sum: what all coefficients of the crowd are multiples of.
const UNIT: i128 = 10_000_000_000_000_000;

/// Holders of one instrument that close on one side.
#[derive(Default)]
struct Holders {
    coef: Vec<i64>,
    account: Vec<u32>,
}

/// Incremental, whole numbers, no branch per holder.
pub struct FullPass {
    holders: Vec<[Holders; 2]>,
    sums: Vec<i64>,
    low: Vec<i64>,
    high: Vec<i64>,
    prices: Vec<[i64; 2]>,
    crossed: Vec<u32>,
}

impl FullPass {
    /// A pass over an unconverted crowd as it is.
    ///
    /// # Panics
    /// When the crowd's numbers are no multiples of the unit.
    pub fn new(crowd: &Crowd) -> FullPass {
        let mut pass = FullPass {
            holders: (0..=INSTRUMENTS).map(|_| Default::default()).collect(),
            sums: vec![0; crowd.accounts() as usize],
            low: vec![0; crowd.accounts() as usize],
            high: vec![0; crowd.accounts() as usize],
            prices: crowd
                .prices
                .iter()
                .map(|prices| [prices.bid, prices.ask])
                .collect(),
            crossed: vec![0; (crowd.accounts() * POSITIONS) as usize],
        };
        for account in 0..crowd.accounts() {
            for slot in account * POSITIONS..(account + 1) * POSITIONS {
                let leg = crowd.leg(slot);
                let coef = coef(&leg, crowd.view());
                let holders = &mut pass.holders[leg.instrument as usize][usize::from(!leg.long)];
                holders.coef.push(coef);
                holders.account.push(account);
            }
            let result = crowd.result(account);
            assert_eq!(result % UNIT, 0, "the unit divides every result");
            pass.sums[account as usize] = (result / UNIT) as i64;
            pass.set_levels(account, crowd);
        }
        pass
    }

    /// Thresholds of an account in its state.
    pub fn set_levels(&mut self, account: u32, crowd: &Crowd) {
        let band = crowd.band(account);
        let at = account as usize;
        self.low[at] = if usize::from(crowd.state[at]) < LEVELS {
            band.plain_low.div_euclid(UNIT) as i64
        } else {
            i64::MIN
        };
        self.high[at] = if crowd.state[at] > 0 {
            -(-band.plain_high).div_euclid(UNIT) as i64
        } else {
            i64::MAX
        };
    }

    /// Follows a quote; the accounts outside their band, by number.
    pub fn quote(&mut self, instrument: u32, bid: i64, ask: i64) -> Vec<u32> {
        let was = std::mem::replace(&mut self.prices[instrument as usize], [bid, ask]);
        let mut count = 0;
        for (side, holders) in self.holders[instrument as usize].iter().enumerate() {
            let moved = [bid, ask][side] - was[side];
            for (coef, account) in holders.coef.iter().zip(&holders.account) {
                let at = *account as usize;
                let sum = self.sums[at] + coef * moved;
                self.sums[at] = sum;
                self.crossed[count] = *account;
                count += usize::from((sum <= self.low[at]) | (sum >= self.high[at]));
            }
        }
        let mut crossed = self.crossed[..count].to_vec();
        crossed.sort_unstable();
        crossed.dedup();
        // A position on the other side may have made it good again.
        crossed.retain(|account| {
            let at = *account as usize;
            self.sums[at] <= self.low[at] || self.sums[at] >= self.high[at]
        });
        crossed
    }

    /// Nanoseconds of one pass with one threshold per account, the median of some, over holders of one instrument.
    pub fn yardstick(&mut self, rng: &mut Rng, only: Option<u32>, rounds: usize) -> f64 {
        let mut took = Vec::new();
        for round in 0..rounds {
            let instrument = only.unwrap_or(5 + rng.below(u64::from(INSTRUMENTS) - 4) as u32);
            // There and back again: the sums end where they began.
            let moved = if round % 2 == 0 { 1 } else { -1 };
            let holders = &self.holders[instrument as usize];
            let start = now_ns();
            let mut below = 0u64;
            for holders in holders {
                for (coef, account) in holders.coef.iter().zip(&holders.account) {
                    let sum = self.sums[*account as usize] + coef * moved;
                    self.sums[*account as usize] = sum;
                    below += u64::from(sum < 0);
                }
            }
            took.push((now_ns() - start) as f64);
            std::hint::black_box(below);
            for holders in holders {
                for (coef, account) in holders.coef.iter().zip(&holders.account) {
                    self.sums[*account as usize] -= coef * moved;
                }
            }
        }
        crate::report::median(took)
    }
}

fn coef(leg: &Leg, view: Valuing<'_>) -> i64 {
    let instrument = view.instruments[leg.instrument as usize]
        .as_ref()
        .expect("listed");
    let fine = instrument.profit.num * i128::from(leg.qty);
    assert_eq!(
        (fine % UNIT, instrument.profit.den),
        (0, 1),
        "the unit divides every step"
    );
    let coef = (fine / UNIT) as i64;
    if leg.long { coef } else { -coef }
}
