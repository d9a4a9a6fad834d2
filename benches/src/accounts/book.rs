//! The book that is measured, opened by real inputs: accounts, money, market orders and their fills.

use siaga_feed::catalog::{Catalog, SIM_PRIMARY};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;

use super::walk::{HOME, SPREAD, Walk};
use crate::rng::Rng;

/// Instruments of every book.
pub const INSTRUMENTS: u32 = 64;
/// Positions of each account.
pub const POSITIONS: u32 = 8;
/// Instruments that are quoted in another currency than the accounts' in a converted book: the last of them.
const CONVERTED: u32 = 32;
/// Currencies they are quoted in; the first instruments are these against the dollar.
const QUOTED_IN: u32 = 6;
const FIRST_FOREIGN: u16 = 200;
/// 2025-01-06, a Monday, 12:00 UTC.
const START: Ts = Ts(1_736_164_800 * SECOND_NS);
/// Accounts are opened on several days, so that what a day remembers of ended orders stays a day's.
const DAYS: u32 = 8;
/// Longer than the core remembers an ended order.
const DAY_APART_NS: u64 = 25 * HOUR_NS;
/// Account leverage (x : 1), so a percent of the notional is used margin.
const LEVERAGE: u32 = 100;
const SEED: u64 = 11;

/// How accounts stand and what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Positions spread evenly, all in the accounts' currency; median distance to the warning 3 % of the notional.
    Plain,
    /// A fifth of the accounts within 0.1 %, median 0.5 %; half of all positions in one instrument; half of the
    /// instruments quoted in other currencies.
    Stressed,
}

/// A machine on its way, with everything that has been put into it.
pub struct Desk {
    pub machine: Machine,
    pub seq: Seq,
    pub ts: Ts,
    pub walk: Walk,
    outputs: Vec<Output>,
    /// Inputs as they were applied, kept only when somebody wants to journal them.
    pub kept: Option<Vec<Input>>,
}

impl Desk {
    /// A desk with its terms, sessions and first prices, and no account.
    ///
    /// # Panics
    /// When the shipped catalog has no simulator source or group.
    pub fn open(kind: Kind, keep: bool) -> Desk {
        let mut catalog = Catalog::shipped();
        catalog
            .retain_sources(&[SIM_PRIMARY])
            .expect("the simulator's source is shipped");
        let mut desk = Desk {
            machine: Machine::new(),
            seq: 0,
            ts: START,
            walk: Walk::new(kind, SEED),
            outputs: Vec::new(),
            kept: keep.then(Vec::new),
        };
        let dollar = catalog
            .currency("USD")
            .expect("the dollar is shipped")
            .terms
            .id;
        for body in catalog.bodies() {
            match body {
                Body::Instrument(_) | Body::Account(_) | Body::Cash(_) => {}
                Body::Group(terms) => desk.command(Body::Group(Box::new(quiet(*terms)))),
                body => desk.command(body),
            }
        }
        for number in 0..QUOTED_IN as u16 {
            desk.command(Body::Currency(CurrencyTerms {
                id: CurrencyId(FIRST_FOREIGN + number),
                digits: 2,
                pivot: 0,
            }));
        }
        for at in 0..INSTRUMENTS {
            let terms = instrument(kind, at, dollar, &catalog.instruments[0].terms);
            let id = terms.id;
            desk.command(Body::Instrument(Box::new(terms)));
            desk.command(Body::Session(Session {
                instrument: id,
                open: true,
                at: START,
                until: START.plus(60 * DAY_NS),
            }));
        }
        for link in &catalog.links {
            desk.command(Body::LinkState(LinkReport {
                link: link.terms.id,
                mode: LinkMode::Live,
                manual: false,
            }));
        }
        desk.quote_all();
        desk
    }

    /// Opens accounts `1..=accounts` over several days of the machine's time, and lets a day more go by, so that
    /// what is remembered of orders and movements is over.
    pub fn fill(&mut self, kind: Kind, accounts: u32) {
        let mut rng = Rng::new(SEED);
        let catalog = Catalog::shipped();
        let account = catalog.groups[0].terms.id;
        let dollar = catalog
            .currency("USD")
            .map_or(CurrencyId(0), |currency| currency.terms.id);
        let terms = |id| AccountTerms {
            id: AccountId(id),
            group: account,
            link: catalog.links[0].terms.id,
            currency: dollar,
            accounting: Accounting::Hedging,
            leverage: Leverage::of(LEVERAGE),
        };
        let a_day = accounts.div_ceil(DAYS);
        for id in 1..=accounts {
            if id > 1 && (id - 1) % a_day == 0 {
                self.another_day();
            }
            let held = holdings(kind, &mut rng);
            self.command(Body::Account(terms(id)));
            let deposit = deposit(kind, &held, &mut rng);
            self.command(Body::Cash(Cash {
                account: AccountId(id),
                kind: CashKind::Deposit,
                amount: Money(deposit),
                reference: 0,
            }));
            for (at, side, qty) in held {
                self.position(id, at, side, qty);
            }
        }
        self.another_day();
    }

    fn another_day(&mut self) {
        self.ts = self.ts.plus(DAY_APART_NS);
        self.put(Input::Clock(self.ts));
        self.quote_all();
    }

    /// A market order and its fill.
    fn position(&mut self, account: u32, at: u32, side: Side, qty: i64) {
        self.command(Body::Order(Box::new(NewOrder {
            account: AccountId(account),
            instrument: InstrumentId(at + 1),
            side,
            kind: OrderKind::Market,
            tif: Tif::Ioc,
            qty: Qty(qty),
            price: None,
            stop: None,
            expires: None,
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: Protection {
                stop_loss: None,
                take_profit: None,
                trailing: Price(0),
            },
            client_id: [0; 16],
            trader: 0,
            desk: 0,
            strategy: 0,
        })));
        let order = OrderId(self.seq);
        let mut exec = [0; 16];
        exec[..8].copy_from_slice(&order.0.to_le_bytes());
        self.command(Body::Report(BrokerReport {
            link: LinkId(1),
            order,
            exec,
            event: BrokerEvent::Filled(Fill {
                qty: Qty(qty),
                price: Price(if side == Side::Buy {
                    HOME + SPREAD
                } else {
                    HOME
                }),
                commission: Money(0),
            }),
        }));
    }

    fn quote_all(&mut self) {
        for at in 0..INSTRUMENTS {
            let quote = self.walk.stand(at, self.ts);
            self.put(quote);
        }
    }

    fn command(&mut self, body: Body) {
        self.ts = self.ts.plus(1_000);
        let command = Command {
            ts: self.ts,
            actor: ActorId(1),
            token: 0,
            body,
        };
        self.put(Input::Command(Box::new(command)));
    }

    fn put(&mut self, input: Input) {
        self.seq += 1;
        self.machine.apply(self.seq, &input, &mut self.outputs);
        self.outputs.clear();
        if let Some(kept) = &mut self.kept {
            kept.push(input);
        }
    }
}

/// The shipped group with what would multiply the thresholds or trade by itself switched off; the notes say so.
fn quiet(terms: GroupTerms) -> GroupTerms {
    GroupTerms {
        rate_max: 0,
        duplicate_window_ns: 0,
        loss_account: Ratio(0),
        loss_position: Ratio(0),
        stop_out_mode: StopOutMode::Observe,
        ..terms
    }
}

fn instrument(
    kind: Kind,
    at: u32,
    dollar: CurrencyId,
    shipped: &InstrumentTerms,
) -> InstrumentTerms {
    let pair = kind == Kind::Stressed && at < QUOTED_IN;
    let quote = if kind == Kind::Stressed && at >= INSTRUMENTS - CONVERTED {
        CurrencyId(FIRST_FOREIGN + (at % QUOTED_IN) as u16)
    } else {
        dollar
    };
    let off = Ratio(0);
    InstrumentTerms {
        id: InstrumentId(at + 1),
        class: if pair {
            AssetClass::Forex
        } else {
            AssetClass::Index
        },
        mode: CalcMode::CfdLeverage,
        base: if pair {
            CurrencyId(FIRST_FOREIGN + at as u16)
        } else {
            dollar
        },
        quote,
        margin_currency: quote,
        price_digits: 5,
        qty_digits: 2,
        contract_size: 100_000,
        contract_digits: 0,
        qty_min: Qty(1),
        qty_max: Qty(100_000),
        qty_step: Qty(1),
        leverage_max: Leverage::NONE,
        margin_initial: Ratio::ONE,
        margin_maintenance: Ratio::ONE,
        collar: off,
        filter: FilterTerms {
            soft: off,
            hard: off,
            discard: off,
            spread_min: Price(0),
            spread_max: Price(0),
            ..shipped.filter
        },
        halt: HaltTerms {
            alert: off,
            halt: off,
            vol_floor: off,
            vol_multiple: off,
            ..shipped.halt
        },
        ..shipped.clone()
    }
}

/// Instrument, side and quantity of each position.
fn holdings(kind: Kind, rng: &mut Rng) -> Vec<(u32, Side, i64)> {
    (0..POSITIONS)
        .map(|_| {
            let popular = kind == Kind::Stressed && rng.below(2) == 0;
            let at = if popular {
                0
            } else {
                rng.below(u64::from(INSTRUMENTS)) as u32
            };
            let side = if rng.below(2) == 0 {
                Side::Buy
            } else {
                Side::Sell
            };
            (at, side, 1 + rng.below(50) as i64)
        })
        .collect()
}

/// What puts the account as far above its warning as the kind of book wants: one step of price on one step of
/// quantity is a cent, in a converted instrument about ten.
fn deposit(kind: Kind, held: &[(u32, Side, i64)], rng: &mut Rng) -> i64 {
    let rate = |at: u32| {
        if kind == Kind::Stressed && at >= INSTRUMENTS - CONVERTED {
            HOME as f64 / 1e5
        } else {
            1.0
        }
    };
    let sum = |value: f64| -> f64 {
        held.iter()
            .map(|(at, _, qty)| *qty as f64 * value * rate(*at))
            .sum()
    };
    let notional = sum((HOME + SPREAD) as f64);
    let share = match kind {
        Kind::Plain => 0.03 * spread_out(rng),
        Kind::Stressed if rng.below(5) == 0 => 0.000_01 + 0.001 * unit(rng),
        Kind::Stressed => 0.006 * spread_out(rng),
    };
    let used = notional / f64::from(LEVERAGE) + held.len() as f64;
    (used + sum(SPREAD as f64) * 1.01 + share * notional) as i64 + 1
}

fn unit(rng: &mut Rng) -> f64 {
    rng.below(1 << 32) as f64 / (1u64 << 32) as f64
}

/// Around one, half of them within a factor of 1.7 of it.
fn spread_out(rng: &mut Rng) -> f64 {
    let normal = (0..12).map(|_| unit(rng)).sum::<f64>() - 6.0;
    (normal * 0.8).exp()
}
