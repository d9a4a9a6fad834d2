//! Which closes a stop-out chooses, beside a plain reading of each policy: generated accounts, hedging and netting, fall
//! until they are stopped out, and what the machine sends must be what the twin would close. `SIAGA_SEED` runs one
//! history.

mod desk;

use desk::seeds::{Seed, seeds};
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const HISTORIES: u64 = 400;
const LEVERAGE: i64 = 100;
const BUFFER_PCT: i64 = 10;
/// Symbol, price, most hundredths of a lot, millionths of a dollar per price step and hundredth of a lot, leverage.
const TRADED: [(&str, i64, u64, i64, i64); 4] = [
    ("EURUSD", 110_000, 90, 10_000, LEVERAGE),
    ("XAUUSD", 2_000_000, 60, 1_000, LEVERAGE),
    ("BTCUSD", 6_000_000, 90, 100, LEVERAGE),
    ("US500", 40_000, 9, 1_000, 1),
];

/// Small, seeded, the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % sides
    }
}

/// A position of the twin; money in millionths of a dollar.
#[derive(Clone, Debug)]
struct Held {
    at: usize,
    sign: i64,
    qty: i64,
    open: i64,
    qty_max: i64,
}

impl Held {
    fn result(&self, price: i64) -> i128 {
        i128::from(self.sign * (price - self.open)) * i128::from(self.qty * TRADED[self.at].3)
    }

    /// Margin of a quantity, rounded to cents, half away from zero.
    fn margin(&self, qty: i64) -> i128 {
        let (.., unit, leverage) = TRADED[self.at];
        let whole = i128::from(qty) * i128::from(self.open) * i128::from(unit);
        let cent = 10_000 * i128::from(leverage);
        (whole + cent / 2).div_euclid(cent) * 10_000
    }
}

struct Twin {
    balance: i128,
    prices: [i64; 4],
    held: Vec<Held>,
    policy: StopOutPolicy,
    test: LevelTest,
    level_pct: i128,
}

impl Twin {
    fn equity(&self) -> i128 {
        let results = self
            .held
            .iter()
            .map(|held| held.result(self.prices[held.at]));
        self.balance + results.sum::<i128>()
    }

    fn used(&self, left: &[i64]) -> i128 {
        let margins = self.held.iter().zip(left);
        margins.map(|(held, left)| held.margin(*left)).sum()
    }

    fn starts(&self) -> bool {
        let (equity, used) = (self.equity(), self.used(&self.all()));
        used > 0
            && match self.test {
                LevelTest::Buffer => used * 100 > equity * i128::from(100 + BUFFER_PCT),
                LevelTest::Below => equity * 100 < self.level_pct * used,
                _ => equity * 100 <= self.level_pct * used,
            }
    }

    fn goes_on(&self, left: &[i64]) -> bool {
        let (equity, used) = (self.equity(), self.used(left));
        used > 0
            && match self.test {
                LevelTest::Buffer => equity < used,
                _ => equity * 100 <= self.level_pct * used,
            }
    }

    fn all(&self) -> Vec<i64> {
        self.held.iter().map(|held| held.qty).collect()
    }

    /// Positions that are left, by a key that is smallest for the first to go.
    fn first(&self, left: &[i64], by_margin: bool) -> Option<usize> {
        let open = (0..self.held.len()).filter(|at| left[*at] > 0);
        open.min_by_key(|at| {
            let held = &self.held[*at];
            let part = |whole: i128| whole * i128::from(left[*at]) / i128::from(held.qty);
            let scale = 1_000_000;
            let key = if by_margin {
                -part(held.margin(held.qty) * scale)
            } else {
                part(held.result(self.prices[held.at]) * scale)
            };
            (key, *at)
        })
    }

    /// What is closed, order by order.
    fn closes(&self) -> Vec<(usize, i64)> {
        let mut left = self.all();
        let mut closes = Vec::new();
        match self.policy {
            StopOutPolicy::CloseAll => {
                while let Some(at) = self.first(&left, false) {
                    self.close(&mut closes, at, left[at]);
                    left[at] = 0;
                }
            }
            StopOutPolicy::LosersFirst if self.test == LevelTest::Buffer => {
                let missing = self.used(&left) - self.equity();
                let mut order: Vec<usize> = (0..self.held.len()).collect();
                order
                    .sort_by_key(|at| (self.held[*at].result(self.prices[self.held[*at].at]), *at));
                for at in order {
                    if !self.goes_on(&left) {
                        break;
                    }
                    let held = &self.held[at];
                    let margin = held.margin(held.qty);
                    // As many hundredths as free at least what is missing.
                    let steps = missing * i128::from(held.qty);
                    let qty = ((steps + margin - 1) / margin).min(i128::from(held.qty)) as i64;
                    self.close(&mut closes, at, qty);
                    left[at] -= qty;
                }
            }
            policy => {
                let by_margin = matches!(
                    policy,
                    StopOutPolicy::LargestMargin | StopOutPolicy::CtraderSmart
                );
                while self.goes_on(&left) {
                    let Some(at) = self.first(&left, by_margin) else {
                        break;
                    };
                    let qty = match policy {
                        StopOutPolicy::LargestMargin => left[at],
                        StopOutPolicy::CtraderSmart => self.smallest(&left, at),
                        _ => left[at].min(self.held[at].qty_max),
                    };
                    self.close(&mut closes, at, qty);
                    left[at] -= qty;
                }
            }
        }
        closes
    }

    fn smallest(&self, left: &[i64], at: usize) -> i64 {
        let enough = |qty: &i64| {
            let mut less = left.to_vec();
            less[at] -= qty;
            !self.goes_on(&less)
        };
        (1..=left[at]).find(enough).unwrap_or(left[at])
    }

    fn close(&self, closes: &mut Vec<(usize, i64)>, at: usize, qty: i64) {
        let held = &self.held[at];
        let mut left = qty;
        while left > 0 {
            let part = left.min(held.qty_max);
            closes.push((held.at, part));
            left -= part;
        }
    }
}

#[test]
fn the_machine_closes_what_the_policy_says() {
    let (seeds, whole) = seeds(HISTORIES);
    let mut stopped = [[0u32; 5]; 2];
    for seed in seeds {
        let _told = Seed(seed);
        if let Some((accounting, policy)) = history(seed) {
            stopped[accounting as usize][policy as usize] += 1;
        }
    }
    assert!(
        !whole || stopped.iter().flatten().all(|count| *count > 5),
        "stop-outs by accounting and policy: {stopped:?}"
    );
}

/// An account of random positions in a falling, rising, jumping market, until it is stopped out.
fn history(seed: u64) -> Option<(Accounting, StopOutPolicy)> {
    let mut dice = Dice(seed);
    let accounting = Accounting::ALL[dice.roll(2) as usize];
    let mut desk = Desk::open();
    let policy = StopOutPolicy::ALL[dice.roll(5) as usize];
    let test = match (policy, dice.roll(3)) {
        (StopOutPolicy::LosersFirst, 0 | 1) => LevelTest::Buffer,
        (_, 0) => LevelTest::Below,
        _ => LevelTest::AtOrBelow,
    };
    let level_pct = 20 + dice.roll(70) as i64;
    let share = if test == LevelTest::Buffer {
        BUFFER_PCT
    } else {
        level_pct
    };
    let terms = GroupTerms {
        stop_out: Ratio::percent(share),
        stop_out_policy: policy,
        stop_out_test: test,
        warning: Ratio::percent(5),
        restricted: Ratio(0),
        ..desk.group
    };
    desk.must(Body::Group(Box::new(terms)));
    desk.account(1, USD, accounting, LEVERAGE as u32);
    let mut twin = Twin {
        balance: 0,
        prices: TRADED.map(|known| known.1),
        held: Vec::new(),
        policy,
        test,
        level_pct: i128::from(level_pct),
    };
    cash(&mut desk, &mut twin, 100_000_000);
    open_some(&mut desk, &mut twin, &mut dice, accounting);
    // So much is left that a few moves decide.
    let room = twin.used(&twin.all()) * i128::from(100 + dice.roll(60)) / 100;
    let cents = (room - twin.equity()) / 10_000;
    cash(&mut desk, &mut twin, cents as i64);
    fall(&mut desk, &mut twin, &mut dice).then_some((accounting, policy))
}

fn cash(desk: &mut Desk, twin: &mut Twin, cents: i64) {
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Correction,
        amount: Money(cents),
        reference: 0,
    }));
    twin.balance += i128::from(cents) * 10_000;
}

fn open_some(desk: &mut Desk, twin: &mut Twin, dice: &mut Dice, accounting: Accounting) {
    for (at, (symbol, price, most, ..)) in TRADED.iter().enumerate() {
        desk.quote(symbol, *price, *price);
        if dice.roll(4) == 0 && at > 0 {
            continue;
        }
        let side = if dice.roll(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let qty = 1 + dice.roll(*most) as i64;
        desk.must(Body::Order(Box::new(order(1, symbol, side, qty))));
        let id = OrderId(desk.inputs.len() as u64);
        desk.must(Body::Report(BrokerReport {
            link: LINK,
            order: id,
            exec: ExecId::default(),
            event: BrokerEvent::Filled(Fill {
                qty: Qty(qty),
                price: Price(*price),
                commission: Money(0),
            }),
        }));
        if dice.roll(2) == 0 {
            rest(desk, dice, accounting, (symbol, side, qty, *price));
        }
        let qty_max = 1 + dice.roll(100) as i64;
        let mut terms = instrument(symbol);
        terms.qty_max = Qty(qty_max);
        (terms.quote_age_max_ns, terms.cache_age_max_ns) = (HOUR_NS, DAY_NS);
        desk.must(Body::Instrument(Box::new(terms)));
        twin.held.push(Held {
            at,
            sign: if side == Side::Buy { 1 } else { -1 },
            qty,
            open: *price,
            qty_max,
        });
    }
}

/// The client is to take a profit at a price that never comes, of the whole position or of parts: the stop-out closes
/// what it would close without.
fn rest(
    desk: &mut Desk,
    dice: &mut Dice,
    accounting: Accounting,
    (symbol, side, qty, price): (&str, Side, i64, i64),
) {
    // On a netting account what is smaller than the net closes, and no position is named.
    let named = accounting == Accounting::Hedging;
    let position = named.then_some(PositionId(desk.inputs.len() as u64));
    let mut left = qty;
    while left > 0 && dice.roll(4) > 0 {
        let part = 1 + dice.roll(left as u64) as i64;
        left -= part;
        let far = if side == Side::Buy {
            price * 3
        } else {
            price / 3
        };
        let take = NewOrder {
            kind: OrderKind::Limit,
            price: Some(Price(far)),
            position,
            ..order(1, symbol, side.other(), part)
        };
        desk.must(Body::Order(Box::new(take)));
    }
}

fn fall(desk: &mut Desk, twin: &mut Twin, dice: &mut Dice) -> bool {
    for _ in 0..200 {
        let at = dice.roll(4) as usize;
        let (symbol, price, ..) = TRADED[at];
        let size = price / 150;
        let moved = twin.prices[at] + dice.roll(2 * size as u64 + 1) as i64 - size;
        twin.prices[at] = moved.clamp(price / 2, price * 2);
        desk.now = desk.now.plus(SECOND_NS);
        let out = desk.quote(symbol, twin.prices[at], twin.prices[at]);
        let sent: Vec<(usize, i64)> = out
            .iter()
            .filter_map(|output| match output {
                Output::Send(Send {
                    command: LinkCommand::Submit(submit),
                    ..
                }) => Some((submit.instrument, submit.qty.0)),
                _ => None,
            })
            .map(|(id, qty)| {
                let known = |known: &(&str, i64, u64, i64, i64)| instrument_id(known.0) == id;
                (TRADED.iter().position(known).expect("traded"), qty)
            })
            .collect();
        let expected = if twin.starts() {
            twin.closes()
        } else {
            Vec::new()
        };
        assert_eq!(
            sent, expected,
            "{:?} {:?} {:?}",
            twin.policy, twin.test, twin.held
        );
        if !sent.is_empty() {
            return true;
        }
    }
    false
}
