//! The twin: everything computed anew from the list of what is held, in exact fractions, without caches, fine units
//! or bands. Slow and obvious.

mod margin;

use super::desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::{Leverage, Ts};
use std::collections::{BTreeMap, BTreeSet};

/// An exact fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    num: i128,
    den: i128,
}

impl Exact {
    pub fn new(num: i128, den: i128) -> Exact {
        let (mut a, mut b) = (num.abs(), den.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let shared = a.max(1) * den.signum();
        Exact {
            num: num / shared,
            den: den / shared,
        }
    }

    pub fn whole(num: i64) -> Exact {
        Exact::new(i128::from(num), 1)
    }

    pub fn plus(self, other: Exact) -> Exact {
        let shared = gcd(self.den, other.den);
        Exact::new(
            self.num * (other.den / shared) + other.num * (self.den / shared),
            self.den / shared * other.den,
        )
    }

    pub fn times(self, other: Exact) -> Exact {
        let (a, b) = (
            Exact::new(self.num, other.den),
            Exact::new(other.num, self.den),
        );
        Exact::new(a.num * b.num, a.den * b.den)
    }

    pub fn below(self, other: Exact) -> bool {
        self.plus(other.times(Exact::whole(-1))).num < 0
    }

    /// A stored rate: exact while it fits 64 bits, else to 18 digits.
    pub fn kept(self) -> Exact {
        let narrow = |value: i128| value <= i128::from(i64::MAX);
        if narrow(self.num) && narrow(self.den) {
            return self;
        }
        let rounded = (0..=18).rev().find_map(|digits| {
            let scale = 10i128.pow(digits);
            let whole = self.num / self.den * scale;
            let rest = (self.num % self.den).checked_mul(2 * scale)? + self.den;
            let num = whole + rest / (2 * self.den);
            narrow(num).then(|| Exact::new(num, scale))
        });
        rounded.expect("a rate fits")
    }

    /// Half away from zero.
    pub fn round(self) -> i64 {
        let twice = (self.num.abs() * 2 + self.den) / (2 * self.den);
        (twice * self.num.signum()) as i64
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[derive(Clone, Debug)]
pub struct Held {
    pub position: PositionId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub qty: i64,
    /// Sum of quantity × price.
    pub cost: i128,
    /// The same at the prices margin is computed from.
    pub margin_cost: i128,
    pub rate: Exact,
    /// What came when, oldest first.
    pub lots: Vec<(Ts, i64)>,
}

impl Held {
    /// What of a sum belongs to a part, as it is taken out: half away from zero.
    fn part_of(&self, sum: i128, qty: i64) -> i128 {
        let (num, den) = (sum * i128::from(qty), i128::from(self.qty));
        (num.abs() * 2 + den) / (2 * den) * num.signum()
    }

    fn cost_of(&self, qty: i64) -> i128 {
        self.part_of(self.cost, qty)
    }

    /// A part leaves, the oldest lots first.
    pub fn take(&mut self, qty: i64) {
        self.cost -= self.cost_of(qty);
        self.margin_cost -= self.part_of(self.margin_cost, qty);
        self.qty -= qty;
        let mut left = qty;
        for lot in &mut self.lots {
            let gone = lot.1.min(left);
            lot.1 -= gone;
            left -= gone;
        }
        self.lots.retain(|lot| lot.1 > 0);
    }
}

/// An order in flight.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    pub order: OrderId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub qty: i64,
    pub price: i64,
    pub rate: Exact,
    pub market: bool,
    /// When it was placed, it could only make a net smaller.
    pub closing: bool,
}

#[derive(Clone, Debug)]
pub struct Mine {
    pub currency: CurrencyId,
    pub netting: bool,
    /// Its own, or none.
    pub leverage: Leverage,
    pub balance: i64,
    pub held: Vec<Held>,
    pub resting: Vec<Resting>,
}

pub struct Twin {
    group: GroupTerms,
    /// What accounts have otherwise.
    pub rules: BTreeMap<u32, AccountRules>,
    pub accounts: BTreeMap<u32, Mine>,
    pub prices: BTreeMap<InstrumentId, (i64, i64)>,
    pub halted: BTreeSet<InstrumentId>,
    pub terms: BTreeMap<InstrumentId, InstrumentTerms>,
    pub windows: Vec<Requirement>,
    pub tiers: Option<TierTerms>,
    pub now: Ts,
}

/// Which price of a currency against another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Bid,
    Ask,
}

impl Twin {
    pub fn new(group: GroupTerms) -> Twin {
        Twin {
            group,
            rules: BTreeMap::new(),
            accounts: BTreeMap::new(),
            prices: BTreeMap::new(),
            halted: BTreeSet::new(),
            terms: BTreeMap::new(),
            windows: Vec::new(),
            tiers: None,
            now: Ts(0),
        }
    }

    pub fn open(&mut self, id: u32, currency: CurrencyId, netting: bool, leverage: Leverage) {
        self.accounts.insert(
            id,
            Mine {
                currency,
                netting,
                leverage,
                balance: 0,
                held: Vec::new(),
                resting: Vec::new(),
            },
        );
    }

    fn pair(&self, from: CurrencyId, to: CurrencyId, at: At) -> Option<Exact> {
        if from == to {
            return Some(Exact::whole(1));
        }
        for known in INSTRUMENTS
            .iter()
            .filter(|known| known.4 == CalcMode::Forex)
        {
            let Some((bid, ask)) = self.prices.get(&instrument_id(known.0)).copied() else {
                continue;
            };
            let scale = 10i128.pow(u32::from(known.3));
            if (known.1, known.2) == (from, to) {
                return Some(Exact::new(
                    i128::from(if at == At::Bid { bid } else { ask }),
                    scale,
                ));
            }
            if (known.1, known.2) == (to, from) {
                return Some(Exact::new(
                    scale,
                    i128::from(if at == At::Bid { ask } else { bid }),
                ));
            }
        }
        None
    }

    /// Direct, inverse, then through USD and EUR.
    fn rate(&self, from: CurrencyId, to: CurrencyId, at: At) -> Exact {
        let through = |middle| {
            Some(
                self.pair(from, middle, at)?
                    .times(self.pair(middle, to, at)?),
            )
        };
        self.pair(from, to, at)
            .or_else(|| through(USD))
            .or_else(|| through(EUR))
            .expect("all pairs are quoted")
    }

    pub fn margin_rate(&self, account: u32, instrument: InstrumentId, side: Side) -> Exact {
        let terms = self::instrument(INSTRUMENTS[instrument.0 as usize - 1].0);
        self.rate(
            terms.margin_currency,
            self.accounts[&account].currency,
            if side == Side::Buy { At::Ask } else { At::Bid },
        )
    }

    fn digits(&self, account: u32) -> u32 {
        if self.accounts[&account].currency == JPY {
            0
        } else {
            2
        }
    }

    /// Result of a quantity in minor units of the account's currency, exactly.
    fn result(&self, account: u32, held: &Held, qty: i64, close: i64) -> Exact {
        let terms = instrument(INSTRUMENTS[held.instrument.0 as usize - 1].0);
        let (value, cost) = (i128::from(close) * i128::from(qty), held.cost_of(qty));
        let moved = if held.side == Side::Buy {
            value - cost
        } else {
            cost - value
        };
        let contract = Exact::new(i128::from(terms.contract_size), 100);
        let amount = contract.times(Exact::new(moved, 10i128.pow(u32::from(terms.price_digits))));
        let at = if moved >= 0 { At::Bid } else { At::Ask };
        let minor = Exact::new(10i128.pow(self.digits(account)), 1);
        amount
            .times(self.rate(terms.quote, self.accounts[&account].currency, at))
            .times(minor)
    }

    /// Whether an order of a netting account only closes: it is no larger than what is held on the other side, less
    /// what is on its way against that already and what other orders are there to close of it.
    pub fn closes(&self, account: u32, instrument: InstrumentId, side: Side, qty: i64) -> bool {
        let mine = &self.accounts[&account];
        let held = mine.held.iter();
        let held = held.filter(|held| held.instrument == instrument && held.side != side);
        let open: i64 = held.map(|held| held.qty).sum();
        let against = mine.resting.iter();
        let against = against.filter(|order| order.instrument == instrument && order.side == side);
        let spoken_for = against.filter(|order| order.market || order.closing);
        let taken: i64 = spoken_for.map(|order| order.qty).sum();
        mine.netting && qty <= open - taken
    }

    /// A fill of a netting account: it closes what is there on the other side, then opens or adds.
    pub fn net(&mut self, account: u32, fill: Held, price: i64) {
        let id = fill.instrument;
        let here = |held: &Held| held.instrument == id;
        let mut left = fill.qty;
        let held = self.accounts[&account]
            .held
            .iter()
            .find(|held| here(held))
            .cloned();
        if let Some(held) = held.filter(|held| held.side != fill.side) {
            let qty = left.min(held.qty);
            let result = self.realised(account, &held, qty, price);
            let mine = self.accounts.get_mut(&account).unwrap();
            mine.balance += result;
            mine.held
                .iter_mut()
                .find(|held| here(held))
                .unwrap()
                .take(qty);
            mine.held.retain(|held| held.qty > 0);
            left -= qty;
        }
        if left == 0 {
            return;
        }
        let terms = &self.terms[&id];
        let by_price = terms.mode != CalcMode::Forex && terms.margin_fixed.0 == 0;
        let cost = i128::from(left) * i128::from(price);
        let is_raised = self.factor(id, None) != Exact::whole(1);
        let mine = self.accounts.get_mut(&account).unwrap();
        match mine.held.iter_mut().find(|held| here(held)) {
            Some(held) => {
                let (old, new) = if by_price {
                    (held.margin_cost, cost)
                } else {
                    (i128::from(held.qty), i128::from(left))
                };
                let share = |part: i128| Exact::new(part, old + new);
                let sum = held
                    .rate
                    .times(share(old))
                    .plus(fill.rate.times(share(new)));
                held.rate = sum.kept();
                held.qty += left;
                held.cost += cost;
                held.margin_cost += cost;
                // Only what is added while requirements are raised is told from what was there before.
                let at = if is_raised { self.now } else { held.lots[0].0 };
                held.lots.push((at, left));
            }
            None => mine.held.push(Held {
                qty: left,
                cost,
                margin_cost: cost,
                lots: vec![(self.now, left)],
                ..fill
            }),
        }
    }

    /// A working day of an instrument ends: margin goes on from the price and the rate of now.
    pub fn roll(&mut self, id: InstrumentId) {
        let (bid, ask) = self.prices[&id];
        let accounts: Vec<u32> = self.accounts.keys().copied().collect();
        for account in accounts {
            for (side, price) in [(Side::Buy, ask), (Side::Sell, bid)] {
                let rate = self.margin_rate(account, id, side);
                let mine = self.accounts.get_mut(&account).unwrap();
                let held = mine.held.iter_mut();
                for held in held.filter(|held| held.instrument == id && held.side == side) {
                    held.margin_cost = i128::from(held.qty) * i128::from(price);
                    held.rate = rate;
                }
            }
        }
    }

    /// Below zero without a position: the house pays.
    pub fn lift(&mut self, account: u32) {
        let mine = self.accounts.get_mut(&account).unwrap();
        if mine.held.is_empty() {
            mine.balance = mine.balance.max(0);
        }
    }

    pub fn realised(&self, account: u32, held: &Held, qty: i64, close: i64) -> i64 {
        self.result(account, held, qty, close).round()
    }

    pub fn equity(&self, account: u32) -> Exact {
        let mine = &self.accounts[&account];
        mine.held
            .iter()
            .fold(Exact::whole(mine.balance), |sum, held| {
                let (bid, ask) = self.prices[&held.instrument];
                sum.plus(self.result(
                    account,
                    held,
                    held.qty,
                    if held.side == Side::Buy { bid } else { ask },
                ))
            })
    }

    /// Value of a quantity in units of the base currency of a pair, of the quote currency otherwise.
    fn value(&self, instrument: InstrumentId, qty: i64, cost: i128) -> Exact {
        let terms = &self.terms[&instrument];
        let contract = Exact::new(i128::from(terms.contract_size), 100);
        match terms.mode {
            CalcMode::Forex => contract.times(Exact::whole(qty)),
            _ => contract.times(Exact::new(cost, 10i128.pow(u32::from(terms.price_digits)))),
        }
    }

    /// Margin before leverage in minor units. Fixed margins are per lot, in hundredths of the margin currency.
    fn base(
        &self,
        account: u32,
        instrument: InstrumentId,
        (qty, cost): (i64, i128),
        rate: Exact,
        held: bool,
    ) -> Exact {
        let native = match self.fixed(instrument, held) {
            Some(per_lot) => Exact::new(i128::from(per_lot) * i128::from(qty), 10_000),
            None => self.value(instrument, qty, cost),
        };
        native
            .times(rate)
            .times(Exact::new(10i128.pow(self.digits(account)), 1))
    }

    /// What is held is charged the margin that opened it.
    fn holds_initial(&self) -> bool {
        self.group.preset == Preset::EsmaRetail
    }

    /// The fixed margin of a lot, to open or to hold.
    fn fixed(&self, instrument: InstrumentId, held: bool) -> Option<i64> {
        let terms = &self.terms[&instrument];
        let to_hold = held && !self.holds_initial() && terms.margin.fixed_hold.0 > 0;
        let per_lot = if to_hold {
            terms.margin.fixed_hold
        } else {
            terms.margin_fixed
        };
        (terms.margin_fixed.0 > 0).then_some(per_lot.0)
    }

    pub fn state(&self, account: u32) -> MarginState {
        let (plain, soft) = self.used(account);
        let equity = self.equity(account);
        let share = |used: i64, ratio: siaga_risk::units::Ratio| {
            Exact::whole(used).times(Exact::new(i128::from(ratio.0), 1_000_000_000_000))
        };
        let rules = self.rules.get(&account);
        let level = |own: fn(&AccountRules) -> Option<siaga_risk::units::Ratio>, group| {
            rules.and_then(own).unwrap_or(group)
        };
        let stop_out = level(|own| own.stop_out, self.group.stop_out);
        let restricted = level(|own| own.restricted, self.group.restricted);
        let warning = level(|own| own.warning, self.group.warning);
        if plain > 0 && !share(plain, stop_out).below(equity) {
            return MarginState::StopOut;
        }
        if soft <= 0 {
            return if equity.below(Exact::whole(0)) {
                MarginState::Restricted
            } else {
                MarginState::Healthy
            };
        }
        if equity.below(share(soft, restricted)) {
            MarginState::Restricted
        } else if equity.below(share(soft, warning)) {
            MarginState::Warning
        } else {
            MarginState::Healthy
        }
    }
}
