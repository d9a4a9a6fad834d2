//! The yardstick: the best full pass. Per holder of the quoted instrument one multiplication and addition onto its
//! account's distance to the warning, integers of 64 bits, no branch, in the order of the accounts.

use siaga_risk::event::Side;
use siaga_risk::ids::InstrumentId;
use siaga_risk::machine::Machine;

use super::book::INSTRUMENTS;
use super::walk::SPREAD;

/// Units of a cent that coefficients are counted in, so that a conversion rate leaves something to multiply with.
const CENT: i64 = 64;

/// Incremental arrays, per instrument.
pub struct Yardstick {
    /// Distance of each account to its warning, by account id.
    slack: Vec<i64>,
    holders: Vec<Holders>,
    bids: Vec<i64>,
    crossed: Vec<u32>,
}

#[derive(Default)]
struct Holders {
    account: Vec<u32>,
    per_step: Vec<i64>,
}

impl Yardstick {
    /// The arrays of a machine's book at these bids. A converted position counts at the rate of now and again in the
    /// pair that converts it: the work is right, its sum only near; in an unconverted book both are.
    pub fn new(machine: &Machine, bids: &[i64]) -> Yardstick {
        let book = machine.book();
        let count = book.accounts().map(|account| account.id().0 as usize + 1);
        let mut yardstick = Yardstick {
            slack: vec![0; count.max().unwrap_or(0)],
            holders: (0..INSTRUMENTS).map(|_| Holders::default()).collect(),
            bids: bids.to_vec(),
            crossed: Vec::new(),
        };
        for account in book.accounts() {
            let id = account.id().0;
            let mut slack = (account.state.balance.0 - account.state.used.0) * CENT;
            for slot in &account.positions {
                let Some(position) = book.positions().get(*slot) else {
                    continue;
                };
                let at = position.instrument.0 as usize - 1;
                let close = bids[at]
                    + if position.side == Side::Buy {
                        0
                    } else {
                        SPREAD
                    };
                let gain = position.signed() as i64 * close
                    - position.signed().signum() as i64 * position.cost as i64;
                let (pair, rate) = converted(machine, position.instrument, bids);
                slack += gain * rate;
                yardstick.hold(at, id, position.signed() as i64 * rate);
                if let Some(pair) = pair {
                    yardstick.hold(pair, id, gain / bids[pair]);
                }
            }
            yardstick.slack[id as usize] = slack;
        }
        let holders = yardstick
            .holders
            .iter()
            .map(|holders| holders.account.len());
        yardstick.crossed = vec![0; holders.max().unwrap_or(0) + 1];
        yardstick
    }

    fn hold(&mut self, at: usize, account: u32, per_step: i64) {
        self.holders[at].account.push(account);
        self.holders[at].per_step.push(per_step);
    }

    /// A full pass over the holders of an instrument; how many of them stand below their warning.
    pub fn pass(&mut self, at: u32, bid: i64) -> usize {
        let moved = bid - self.bids[at as usize];
        self.bids[at as usize] = bid;
        let holders = &self.holders[at as usize];
        let mut below = 0;
        for (account, per_step) in holders.account.iter().zip(&holders.per_step) {
            let slack = &mut self.slack[*account as usize];
            *slack += per_step * moved;
            self.crossed[below] = *account;
            below += usize::from(*slack < 0);
        }
        below
    }

    /// Holders that a quote of the instrument concerns.
    pub fn holders(&self, at: u32) -> usize {
        self.holders[at as usize].account.len()
    }

    /// Accounts below their warning.
    pub fn below(&self) -> usize {
        self.slack.iter().filter(|slack| **slack < 0).count()
    }
}

/// The pair an instrument's result is converted through, and coefficient units of a cent per cent of it.
fn converted(machine: &Machine, instrument: InstrumentId, bids: &[i64]) -> (Option<usize>, i64) {
    let market = machine.market();
    let quote = market.terms(instrument).map(|terms| terms.quote);
    let pair = market
        .instruments()
        .find(|terms| Some(terms.base) == quote && terms.base != terms.quote);
    match pair {
        Some(pair) => {
            let at = pair.id.0 as usize - 1;
            (Some(at), CENT * bids[at] / 100_000)
        }
        None => (None, CENT),
    }
}
