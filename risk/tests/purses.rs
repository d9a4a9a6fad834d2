//! Converted accounts close to their thresholds, followed by their purses, beside the full pass: many small accounts whose
//! results are worth about one unit of their currency a step, so that a threshold is met between two whole units.

mod desk;

use desk::dice::Dice;
use desk::script::exec_id;
use desk::seeds::{Seed, seeds};
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const HISTORIES: u64 = 12;
const STEPS: u32 = 1_500;
const ACCOUNTS: u32 = 60;
/// An index quoted in euros, beside those that every desk has.
const INDEX: InstrumentId = InstrumentId(INSTRUMENTS.len() as u32 + 1);
const INDEX_BID: i64 = 53_000;
const EURUSD_BID: i64 = 103_000;
const USDJPY_BID: i64 = 150_000;

struct Pair {
    desk: Desk,
    full: Machine,
    dice: Dice,
}

#[test]
fn purses_say_what_the_full_pass_says() {
    let (seeds, whole) = seeds(HISTORIES);
    let (mut crossings, mut followed) = (0, 0);
    for seed in seeds {
        let _told = Seed(seed);
        let (some, hot) = Pair::open(seed).run();
        (crossings, followed) = (crossings + some, followed + hot);
    }
    assert!(
        !whole || crossings > 1_500 && followed > 30_000,
        "histories in which little happens prove little: {crossings} crossings, {followed} followed"
    );
}

/// Rupiahs are so small that a position of half a lot may come to be worth more of them than a purse would take in.
#[test]
fn a_purse_keeps_whom_it_holds_while_a_rate_rises() {
    let mut desk = Desk::open();
    desk.quote("EURUSD", EURUSD_BID, EURUSD_BID + 12);
    desk.quote("USDIDR", 12_080, 12_082);
    desk.account(1, IDR, Accounting::Hedging, 100);
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Correction,
        amount: Money(100_000_000),
        reference: 0,
    }));
    desk.must(Body::Order(Box::new(order(1, "EURUSD", Side::Buy, 50))));
    let id = desk.inputs.len() as u64;
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: OrderId(id),
        exec: exec_id(id),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(50),
            price: Price(EURUSD_BID),
            commission: Money(0),
        }),
    }));
    for bid in 12_080..12_120 {
        desk.quote("USDIDR", bid, bid + 2);
        assert_eq!(desk.machine.watch_purses(), 1, "at {bid}");
        desk.machine.audit_watch().unwrap();
    }
}

impl Pair {
    fn open(seed: u64) -> Pair {
        let mut desk = Desk::open();
        let group = GroupTerms {
            stop_out_mode: StopOutMode::Observe,
            ..desk.group
        };
        desk.must(Body::Group(Box::new(group)));
        desk.must(Body::Instrument(Box::new(InstrumentTerms {
            id: INDEX,
            quote: EUR,
            margin_currency: EUR,
            ..instrument("US500")
        })));
        desk.must(Body::Session(Session {
            instrument: INDEX,
            open: true,
            at: START,
            until: START.plus(365 * DAY_NS),
        }));
        let mut pair = Pair {
            desk,
            full: Machine::new(),
            dice: Dice(seed),
        };
        pair.full.watch_plainly();
        for at in 0..pair.desk.inputs.len() {
            let input = pair.desk.inputs[at].clone();
            pair.full.apply(at as Seq + 1, &input, &mut Vec::new());
        }
        pair.quote(instrument_id("EURUSD"), EURUSD_BID, 12);
        pair.quote(instrument_id("USDJPY"), USDJPY_BID, 15);
        pair.quote(INDEX, INDEX_BID, 5);
        for account in 1..=ACCOUNTS {
            pair.account(account);
        }
        pair
    }

    /// An account with one to three small positions and little more than it needs for them.
    fn account(&mut self, account: u32) {
        // Dollars for euros are a price, for yen one over a price.
        let terms = AccountTerms {
            id: AccountId(account),
            group: GROUP,
            link: LINK,
            // Every fourth one converts euros over dollars into yen.
            currency: if account.is_multiple_of(4) { JPY } else { USD },
            accounting: Accounting::Hedging,
            leverage: Leverage::of(100),
        };
        self.put(Body::Account(terms));
        self.cash(account, 100_000_000);
        for _ in 0..1 + self.dice.roll(3) {
            let in_yen = self.dice.roll(4) == 0;
            let instrument = if in_yen {
                instrument_id("USDJPY")
            } else {
                INDEX
            };
            let side = if self.dice.roll(2) == 0 {
                Side::Buy
            } else {
                Side::Sell
            };
            let qty = 1 + self.dice.roll(3) as i64;
            self.put(Body::Order(Box::new(NewOrder {
                instrument,
                ..order(account, "EURUSD", side, qty)
            })));
            let id = self.desk.inputs.len() as u64;
            let price = if in_yen { USDJPY_BID } else { INDEX_BID } + self.dice.step(30);
            self.put(Body::Report(BrokerReport {
                link: LINK,
                order: OrderId(id),
                exec: exec_id(id),
                event: BrokerEvent::Filled(Fill {
                    qty: Qty(qty),
                    price: Price(price),
                    commission: Money(0),
                }),
            }));
        }
        self.draw_near(account);
    }

    /// Leaves an account little above its warning.
    fn draw_near(&mut self, account: u32) {
        let state = &self
            .desk
            .machine
            .book()
            .account(AccountId(account))
            .unwrap()
            .state;
        let (used, balance) = (state.used.0, state.balance.0);
        let extra = used / 200 + self.dice.roll(used as u64 / 20 + 2) as i64;
        self.cash(account, used + extra - balance);
    }

    /// Crossings, and accounts that were followed by their purses after each input.
    fn run(mut self) -> (usize, usize) {
        let mut bids = [EURUSD_BID, USDJPY_BID, INDEX_BID];
        let (mut crossings, mut followed) = (0, 0);
        for step in 0..STEPS {
            self.desk.now = self.desk.now.plus(SECOND_NS / 10);
            let at = self.dice.roll(3) as usize;
            let lively = if self.dice.roll(60) == 0 { 40 } else { 1 };
            bids[at] += self.dice.step([9, 12, 4][at] * lively);
            if self.dice.roll(500) == 0 {
                // Nothing that was counted on before holds after this.
                bids[at] = bids[at] * (60 + self.dice.roll(90) as i64) / 100;
                let start = [EURUSD_BID, USDJPY_BID, INDEX_BID][at];
                bids[at] = bids[at].clamp(start / 2, start * 2);
            }
            let spread = match self.dice.roll(60) {
                // Crossed, or wide.
                0 => -(self.dice.roll(20) as i64),
                1 => bids[at] / 200,
                _ => self.dice.roll([30, 40, 12][at]) as i64,
            };
            let instrument = [instrument_id("EURUSD"), instrument_id("USDJPY"), INDEX][at];
            let out = self.quote(instrument, bids[at], spread);
            crossings += out
                .iter()
                .filter(|output| matches!(output, Output::Margin(_)))
                .count();
            followed += self.desk.machine.watch_purses();
            if let Err(fault) = self.desk.machine.audit_watch() {
                panic!("step {step}, after {:?}: {fault}", self.desk.inputs.last());
            }
            if step % 20 == 0 {
                let account = 1 + self.dice.roll(u64::from(ACCOUNTS)) as u32;
                self.draw_near(account);
            }
        }
        assert_eq!(self.full.state_hash(), self.desk.machine.state_hash());
        (crossings, followed)
    }

    fn cash(&mut self, account: u32, amount: i64) {
        self.put(Body::Cash(Cash {
            account: AccountId(account),
            kind: CashKind::Correction,
            amount: Money(amount),
            reference: 0,
        }));
    }

    fn quote(&mut self, instrument: InstrumentId, bid: i64, spread: i64) -> Vec<Output> {
        let quote = Quote {
            ts: self.desk.now,
            bid: Price(bid),
            ask: Price(bid + spread),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument,
            source: SOURCE,
            merged: 0,
            kind: QuoteKind::Firm,
        };
        let out = self.desk.put(Input::Quote(quote));
        self.compare(out)
    }

    fn put(&mut self, body: Body) -> Vec<Output> {
        let out = self.desk.must(body);
        self.compare(out)
    }

    fn compare(&mut self, out: Vec<Output>) -> Vec<Output> {
        let (seq, input) = (
            self.desk.inputs.len() as Seq,
            self.desk.inputs.last().unwrap(),
        );
        let mut full = Vec::new();
        self.full.apply(seq, input, &mut full);
        assert_eq!(
            out, full,
            "purses, and the full pass, at input {seq}: {input:?}"
        );
        out
    }
}
