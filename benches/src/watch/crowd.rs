//! A crowd of accounts with positions, as the watch sees them, and what a threshold means to each.

use std::collections::BTreeMap;

use siaga_feed::catalog::Catalog;
use siaga_risk::book::instruments::Instrument;
use siaga_risk::convert::{Map, Prices, Routes};
use siaga_risk::ids::{CurrencyId, InstrumentId};
use siaga_risk::watch::{Band, Holdings, Leg, Valuing, Watch, worth};

use crate::rng::Rng;

/// Positions of one account.
pub const POSITIONS: u32 = 8;
/// Instruments quoted.
pub const INSTRUMENTS: u32 = 64;
/// Thresholds of one account: warning, restricted, stop-out.
pub const LEVELS: usize = 3;

/// How a crowd is made.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub accounts: u32,
    /// Share of accounts within a thousandth of their first threshold, per cent.
    pub near: u64,
    /// Typical distance of the others, in 1/10,000 of what they hold; distances spread over a decade around it.
    pub distance: u64,
    /// Half of all positions stand in the first instrument.
    pub skewed: bool,
    /// Three of four instruments are quoted in another currency than the account's.
    pub converted: bool,
}

impl Mix {
    pub const BASE: Mix = Mix {
        accounts: 1_000_000,
        near: 0,
        distance: 1_000,
        skewed: false,
        converted: false,
    };
}

/// Everything the watch asks of a book.
pub struct Crowd {
    pub instruments: Vec<Option<Box<Instrument>>>,
    pub prices: Vec<Prices>,
    pub routes: Routes,
    /// By slot; eight slots in a row are one account's.
    instrument: Vec<u16>,
    route: Vec<u16>,
    qty: Vec<i32>,
    open: Vec<i64>,
    /// Floating results at which an account's state becomes worse, fine units.
    pub levels: Vec<[i128; LEVELS]>,
    /// Thresholds passed.
    pub state: Vec<u8>,
    home: CurrencyId,
    others: usize,
}

impl Holdings for Crowd {
    fn account(&self, slot: u32) -> u32 {
        slot / POSITIONS
    }

    fn cost(&self, slot: u32) -> i128 {
        i128::from(self.qty[slot as usize].unsigned_abs()) * i128::from(self.open[slot as usize])
    }
}

impl Crowd {
    /// A crowd by seed.
    ///
    /// # Panics
    /// When the shipped catalog lacks what every desk has.
    pub fn new(mix: Mix, rng: &mut Rng) -> Crowd {
        let mut crowd = Crowd::market(mix.converted);
        let slots = (mix.accounts * POSITIONS) as usize;
        for list in [&mut crowd.instrument, &mut crowd.route] {
            list.reserve_exact(slots);
        }
        crowd.qty.reserve_exact(slots);
        crowd.open.reserve_exact(slots);
        for _ in 0..mix.accounts {
            crowd.enter(mix, rng);
        }
        for account in 0..mix.accounts {
            let levels = crowd.draw_levels(account, mix, rng);
            crowd.levels.push(levels);
        }
        crowd.state = vec![0; mix.accounts as usize];
        crowd
    }

    fn market(converted: bool) -> Crowd {
        let catalog = Catalog::shipped();
        let currencies: BTreeMap<_, _> = catalog
            .currencies
            .iter()
            .map(|currency| (currency.terms.id, currency.terms))
            .collect();
        let home = catalog.currency("USD").expect("the dollar").terms.id;
        let pairs = ["EUR/USD", "USD/JPY", "USD/CHF", "GBP/USD"]
            .map(|symbol| catalog.listing(symbol).expect("a major pair").terms.clone());
        let (mut instruments, mut prices) = (vec![None], vec![Prices::default()]);
        for number in 0..INSTRUMENTS {
            // The first four are the pairs that others are converted by.
            let mut terms = pairs[if number < 4 { number as usize } else { 0 }].clone();
            terms.id = InstrumentId(number + 1);
            if number >= 4 {
                terms.base = pairs[0].base;
                let quoted_in = if converted { number % 4 } else { 0 };
                (terms.quote, terms.price_digits) = match quoted_in {
                    1 => (pairs[1].quote, 3),
                    2 => (pairs[2].quote, 5),
                    3 => (pairs[0].base, 5),
                    _ => (home, 5),
                };
                terms.class = siaga_risk::terms::AssetClass::Index;
                terms.mode = siaga_risk::terms::CalcMode::CfdLeverage;
                terms.margin_currency = terms.quote;
            }
            let made = Instrument::new(&terms, &currencies).expect("terms of the catalog");
            instruments.push(Some(Box::new(made)));
            let bid = 100_000 + i64::from(number) * 1_000;
            prices.push(Prices::live(bid, bid + bid / 10_000));
        }
        let mut routes = Routes::default();
        let map = Map {
            currencies: &currencies,
            instruments: &instruments,
            prices: &prices,
        };
        for instrument in instruments.iter().flatten() {
            routes.number(instrument.terms.quote, home, &map);
        }
        Crowd {
            others: if converted { 0 } else { 1 },
            instruments,
            prices,
            routes,
            instrument: Vec::new(),
            route: Vec::new(),
            qty: Vec::new(),
            open: Vec::new(),
            levels: Vec::new(),
            state: Vec::new(),
            home,
        }
    }

    fn enter(&mut self, mix: Mix, rng: &mut Rng) {
        // Unconverted crowds leave out the pairs that are quoted in francs and yen.
        let first = if self.others == 1 { 5 } else { 1 };
        let span = u64::from(INSTRUMENTS + 1) - first;
        let mut taken = 0u128;
        for number in 0..u64::from(POSITIONS) {
            let mut own = first + rng.below(span);
            while taken >> own & 1 == 1 {
                own = first + rng.below(span);
            }
            if mix.skewed && number % 2 == 0 {
                own = first;
            }
            taken |= 1 << own;
            let instrument = self.instruments[own as usize].as_ref().expect("listed");
            let route = self.routes.find(instrument.terms.quote, self.home);
            let qty = 1 + rng.below(100) as i32;
            let long = rng.below(2) == 0;
            self.instrument.push(own as u16);
            self.route.push(route.expect("numbered") as u16);
            self.qty.push(if long { qty } else { -qty });
            // Opened within a per mille of now, so that gains and losses are both there.
            let price = self.prices[own as usize].bid;
            self.open
                .push(price - price / 1_000 + rng.below(price as u64 / 500) as i64);
        }
    }

    fn draw_levels(&self, account: u32, mix: Mix, rng: &mut Rng) -> [i128; LEVELS] {
        let gross: i128 = (0..POSITIONS)
            .map(|at| {
                let leg = self.leg(account * POSITIONS + at);
                let prices = self.prices[leg.instrument as usize];
                let none = Leg {
                    cost: 0,
                    long: true,
                    ..leg
                };
                worth(&none, self.view()).map_or(prices.bid.into(), |worth| worth.plain)
            })
            .sum();
        let parts = if rng.below(100) < mix.near {
            1 + rng.below(1_000)
        } else {
            // Log-uniform over one decade around the typical distance.
            let steps = rng.below(129) as i32 - 64;
            (mix.distance as f64 * 100.0 * 10f64.powf(f64::from(steps) / 128.0)) as u64
        };
        let now = self.result(account);
        let apart = gross / 1_000_000 * i128::from(parts.max(1));
        [
            now - apart,
            now - apart - apart / 2 - gross / 500,
            now - apart * 2 - gross / 200,
        ]
    }

    /// What a slot holds.
    pub fn leg(&self, slot: u32) -> Leg {
        let at = slot as usize;
        let instrument = u32::from(self.instrument[at]);
        let quote = self.instruments[instrument as usize].as_ref();
        Leg {
            account: slot / POSITIONS,
            instrument,
            route: u32::from(self.route[at]),
            converted: quote.is_some_and(|quote| quote.terms.quote != self.home),
            margin_route: None,
            long: self.qty[at] > 0,
            qty: i64::from(self.qty[at].unsigned_abs()),
            cost: self.cost(slot),
        }
    }

    pub fn view(&self) -> Valuing<'_> {
        Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        }
    }

    pub fn accounts(&self) -> u32 {
        self.state.len() as u32
    }

    /// The exact floating result of an account, position by position.
    pub fn result(&self, account: u32) -> i128 {
        (0..POSITIONS)
            .filter_map(|at| worth(&self.leg(account * POSITIONS + at), self.view()))
            .map(|worth| worth.plain)
            .sum()
    }

    /// Results between which an account stays in its state.
    pub fn band(&self, account: u32) -> Band {
        let (levels, state) = (
            &self.levels[account as usize],
            usize::from(self.state[account as usize]),
        );
        Band {
            plain_low: levels.get(state).map_or(i128::MIN, |level| level - 1),
            plain_high: match state {
                0 => i128::MAX,
                state => levels[state - 1],
            },
            ..Band::OPEN
        }
    }

    /// State by result: how many thresholds it is below.
    pub fn state_at(&self, account: u32, result: i128) -> u8 {
        let levels = &self.levels[account as usize];
        levels.iter().filter(|level| result < **level).count() as u8
    }

    /// A watch that follows everybody, and what it took to build it.
    pub fn watch(&self) -> (Watch, u64) {
        let results: Vec<i128> = (0..self.accounts())
            .map(|account| self.result(account))
            .collect();
        let start = crate::clock::now_ns();
        let mut watch = Watch::new(self.view());
        for account in 0..self.accounts() {
            let legs: [(u32, Leg); POSITIONS as usize] = std::array::from_fn(|at| {
                let slot = account * POSITIONS + at as u32;
                (slot, self.leg(slot))
            });
            watch.put_all(&legs, self.view(), self);
            let result = results[account as usize];
            watch.set_band(account, self.band(account), (result, result));
        }
        watch.tend_all(self.view());
        (watch, crate::clock::now_ns() - start)
    }
}
