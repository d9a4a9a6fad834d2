//! The desk that the quotes run through: the shipped terms, sixty-four instruments, accounts that hold.

use siaga_feed::catalog::{Catalog, SIM_PRIMARY};
use siaga_feed::sim::{Scenario, Simulator};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

use crate::rng::Rng;

/// Instruments: the shipped ones, the first of them listed again under further numbers.
pub const INSTRUMENTS: usize = 64;
/// Positions of each account.
pub const POSITIONS: u32 = 2;
/// 2025-01-06, a Monday, 12:00 UTC.
const START: Ts = Ts(1_736_164_800 * SECOND_NS);
/// Time between two quotes on the machine's clock: ten thousand a second, so bars close and windows roll.
const STEP_NS: u64 = 100_000;
/// Seed of prices, orders and walks.
const SEED: u64 = 7;
/// Deposit in minor units of a dollar account.
const DEPOSIT: Money = Money(250_000);

/// Everything one run puts in.
pub struct Script {
    /// Terms, sessions, first prices, accounts, their orders and fills.
    pub setup: Vec<Input>,
    /// What is measured.
    pub quotes: Vec<Input>,
}

/// The script of a desk with so many accounts and quotes.
///
/// # Panics
/// When the shipped catalog has no simulator source, group or dollar.
pub fn script(accounts: u32, quotes: usize) -> Script {
    let mut catalog = Catalog::shipped();
    catalog
        .retain_sources(&[SIM_PRIMARY])
        .expect("the simulator's source is shipped");
    let mut build = Build {
        ts: START,
        inputs: Vec::new(),
        rng: Rng::new(SEED),
    };
    let prices = first_prices();
    let shipped = catalog.instruments.len();
    let listed: Vec<InstrumentTerms> = (0..INSTRUMENTS)
        .map(|at| InstrumentTerms {
            id: InstrumentId(at as u32 + 1),
            ..catalog.instruments[at % shipped].terms.clone()
        })
        .collect();
    build.terms(&catalog, &listed);
    let mut walks: Vec<(i64, i64)> = (0..INSTRUMENTS).map(|at| prices[at % shipped]).collect();
    for (at, (bid, ask)) in walks.iter().enumerate() {
        build.quote(at, *bid, *ask);
    }
    let group = &catalog.groups[0].terms;
    let dollar = catalog
        .currency("USD")
        .expect("the dollar is shipped")
        .terms
        .id;
    for account in 1..=accounts {
        build.account(account, group.id, dollar, catalog.links[0].terms.id);
        for position in 0..POSITIONS {
            let at = (account as usize * 7 + position as usize * 29) % INSTRUMENTS;
            build.position(account, &listed[at], walks[at]);
        }
    }
    let setup = std::mem::take(&mut build.inputs);
    build.inputs.reserve(quotes);
    for number in 0..quotes {
        let at = number % INSTRUMENTS;
        let (bid, ask) = &mut walks[at];
        // Pulled back to where it began: a calm market that moves at every quote.
        let home = prices[at % shipped].0;
        let step = build.rng.below(3) as i64 - i64::from(*bid > home) + i64::from(*bid < home) - 1;
        (*bid, *ask) = (*bid + step, *ask + step);
        build.quote(at, *bid, *ask);
    }
    Script {
        setup,
        quotes: build.inputs,
    }
}

/// First bid and ask of every shipped instrument, as the simulator opens.
fn first_prices() -> Vec<(i64, i64)> {
    let catalog = Catalog::shipped();
    let mut simulator = Simulator::new(SEED, &catalog, Scenario::Calm, START);
    let mut prices = vec![(0, 0); catalog.instruments.len()];
    while prices.contains(&(0, 0)) {
        if let Some(Input::Quote(quote)) = simulator.next() {
            let listed = catalog.instruments.iter();
            let at = listed
                .map(|listing| listing.terms.id)
                .position(|id| id == quote.instrument)
                .expect("the simulator quotes what is listed");
            prices[at] = (quote.bid.0, quote.ask.0);
        }
    }
    prices
}

struct Build {
    ts: Ts,
    inputs: Vec<Input>,
    rng: Rng,
}

impl Build {
    fn terms(&mut self, catalog: &Catalog, listed: &[InstrumentTerms]) {
        for body in catalog.bodies() {
            match body {
                Body::Instrument(_) | Body::Account(_) | Body::Cash(_) => {}
                Body::Group(terms) => self.command(Body::Group(Box::new(GroupTerms {
                    // All orders of the script come within a moment.
                    rate_max: 0,
                    ..*terms
                }))),
                Body::Source(terms) => {
                    self.command(Body::Source(terms));
                }
                body => self.command(body),
            }
        }
        for terms in listed {
            self.command(Body::Instrument(Box::new(terms.clone())));
            self.command(Body::Session(Session {
                instrument: terms.id,
                open: true,
                at: START,
                until: START.plus(30 * DAY_NS),
            }));
        }
        for link in &catalog.links {
            self.command(Body::LinkState(LinkReport {
                link: link.terms.id,
                mode: LinkMode::Live,
                manual: false,
            }));
        }
    }

    fn account(&mut self, id: u32, group: GroupId, currency: CurrencyId, link: LinkId) {
        self.command(Body::Account(AccountTerms {
            id: AccountId(id),
            group,
            link,
            currency,
            accounting: Accounting::Hedging,
            leverage: Leverage::NONE,
        }));
        self.command(Body::Cash(Cash {
            account: AccountId(id),
            kind: CashKind::Deposit,
            amount: DEPOSIT,
            reference: u64::from(id),
        }));
    }

    /// A market order and its fill at the other side of the price.
    fn position(&mut self, account: u32, terms: &InstrumentTerms, (bid, ask): (i64, i64)) {
        let buy = self.rng.below(2) == 0;
        let qty = terms.qty_min.0 * (1 + self.rng.below(5) as i64);
        self.command(Body::Order(Box::new(NewOrder {
            account: AccountId(account),
            instrument: terms.id,
            side: if buy { Side::Buy } else { Side::Sell },
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
            client_id: client_id(account, self.inputs.len()),
            trader: 0,
            desk: 0,
            strategy: 0,
        })));
        // An order is named by the sequence of its input.
        let order = OrderId(self.inputs.len() as u64);
        let fill = Fill {
            qty: Qty(qty),
            price: Price(if buy { ask } else { bid }),
            commission: Money(0),
        };
        self.command(Body::Report(BrokerReport {
            link: LinkId(1),
            order,
            exec: client_id(account, self.inputs.len()),
            event: BrokerEvent::Filled(fill),
        }));
    }

    fn command(&mut self, body: Body) {
        let (ts, token) = (self.tick(), self.inputs.len() as u64 + 1);
        self.inputs.push(Input::Command(Box::new(Command {
            ts,
            actor: ActorId(1),
            token,
            body,
        })));
    }

    fn quote(&mut self, at: usize, bid: i64, ask: i64) {
        let ts = self.tick();
        self.inputs.push(Input::Quote(Quote {
            ts,
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(100),
            ask_qty: Qty(100),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: 2_000,
            instrument: InstrumentId(at as u32 + 1),
            source: SourceId(1),
            merged: 0,
            kind: QuoteKind::Firm,
        }));
    }

    fn tick(&mut self) -> Ts {
        self.ts = self.ts.plus(STEP_NS);
        self.ts
    }
}

fn client_id(account: u32, number: usize) -> [u8; 16] {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&account.to_le_bytes());
    id[4..12].copy_from_slice(&(number as u64).to_le_bytes());
    id
}
