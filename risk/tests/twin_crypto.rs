//! Accounts at mark price beside their slow, obvious twin: generated histories of marks, quotes and fills, and after
//! every input equity, maintenance margin and state must be the same. The twin adds up slices of the notional bracket by
//! bracket and knows no cumulative amounts. `SIAGA_SEED` runs one history, `SIAGA_HISTORIES` as many as it says.

mod desk;

use desk::script::exec_id;
use desk::seeds::{Seed, seeds};
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Ask, Query, View};

const HISTORIES: u64 = 100;
const STEPS: u32 = 120;
const SYMBOL: &str = "BTCUSD";
/// Floors in whole units and rates in basis points, as `schedule("brackets")` has them.
const SLICES: [(i128, i128); 4] = [(0, 40), (50_000, 50), (250_000, 100), (1_000_000, 250)];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

struct Twin {
    balance: i128,
    /// Side, quantity, entry.
    held: Vec<(Side, i128, i128)>,
    bid: i128,
    ask: i128,
    mark: Option<i128>,
}

impl Twin {
    /// In ten-thousandths of a unit.
    fn equity(&self) -> i128 {
        let result = |(side, qty, entry): &(Side, i128, i128)| match side {
            Side::Buy => qty * (self.mark.unwrap_or(self.bid) - entry),
            Side::Sell => qty * (entry - self.mark.unwrap_or(self.ask)),
        };
        self.balance * 100 + self.held.iter().map(result).sum::<i128>()
    }

    /// In hundredths, each leg rounded half up.
    fn maintenance(&self) -> i128 {
        [Side::Buy, Side::Sell]
            .into_iter()
            .map(|side| self.leg(side))
            .sum()
    }

    fn leg(&self, side: Side) -> i128 {
        let held = self.held.iter().filter(|held| held.0 == side);
        let qty: i128 = held.map(|held| held.1).sum();
        let twice = self.mark.map_or(self.bid + self.ask, |mark| 2 * mark) * qty;
        let mut sum = 0;
        for (at, (floor, bp)) in SLICES.into_iter().enumerate() {
            let floor = floor * 20_000;
            let top = SLICES.get(at + 1).map_or(twice, |next| next.0 * 20_000);
            sum += (twice.min(top) - floor).max(0) * bp;
        }
        (sum + 1_000_000) / 2_000_000
    }

    fn state(&self) -> MarginState {
        let (equity, used) = (self.equity(), self.maintenance() * 100);
        if used == 0 {
            return if equity < 0 {
                MarginState::Restricted
            } else {
                MarginState::Healthy
            };
        }
        if equity * 100 <= used * 30 {
            MarginState::StopOut
        } else if equity * 2 < used {
            MarginState::Restricted
        } else if equity < used {
            MarginState::Warning
        } else {
            MarginState::Healthy
        }
    }
}

#[test]
fn accounts_at_mark_price_agree_with_the_twin() {
    let (seeds, whole) = seeds(HISTORIES);
    let mut seen = [0u64; 4];
    for seed in seeds {
        let _told = Seed(seed);
        run(seed, &mut seen);
    }
    let all = seen.iter().all(|count| *count > 0);
    assert!(all || !whole, "states that were reached: {seen:?}");
}

fn run(seed: u64, seen: &mut [u64; 4]) {
    let mut dice = Dice(seed);
    let mut desk = Desk::open();
    let group = GroupTerms {
        margin_price: MarginPrice::Mark,
        stop_out_mode: StopOutMode::Observe,
        ..desk.group
    };
    desk.must(Body::Group(Box::new(group)));
    let mut terms = instrument(SYMBOL);
    terms.crypto.schedule = schedule("brackets");
    (terms.quote_age_max_ns, terms.cache_age_max_ns) = (HOUR_NS, DAY_NS);
    desk.must(Body::Instrument(Box::new(terms)));
    desk.account(1, USD, Accounting::Hedging, 100);
    let mut twin = Twin {
        balance: 0,
        held: Vec::new(),
        bid: 0,
        ask: 0,
        mark: None,
    };
    quote(&mut desk, &mut twin, 5_000_000, 100);
    cash(&mut desk, &mut twin, 4_000_000);
    for step in 0..STEPS {
        match dice.roll(10) {
            0..=2 => {
                let price = 4_000_000 + dice.roll(2_000_000) as i64;
                quote(&mut desk, &mut twin, price, dice.roll(3_000) as i64);
            }
            3..=6 => mark(&mut desk, &mut twin, &mut dice),
            7..=8 => enter(&mut desk, &mut twin, &mut dice, u64::from(step)),
            _ => {
                let amount = dice.roll(4_000_000) as i64 - 2_200_000;
                cash(&mut desk, &mut twin, amount);
            }
        }
        compare(&desk, &twin, seen);
    }
    let restored = Machine::restore(&desk.machine.snapshot()).expect("a snapshot can be read");
    assert_eq!(restored.state_hash(), desk.machine.state_hash());
}

fn quote(desk: &mut Desk, twin: &mut Twin, bid: i64, spread: i64) {
    desk.quote(SYMBOL, bid, bid + spread);
    (twin.bid, twin.ask) = (i128::from(bid), i128::from(bid + spread));
}

fn cash(desk: &mut Desk, twin: &mut Twin, amount: i64) {
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Correction,
        amount: Money(amount),
        reference: 0,
    }));
    twin.balance += i128::from(amount);
}

fn mark(desk: &mut Desk, twin: &mut Twin, dice: &mut Dice) {
    let price = 4_000_000 + dice.roll(2_000_000) as i64;
    desk.must(Body::MarkPrice(MarkPrice {
        instrument: instrument_id(SYMBOL),
        source: SOURCE,
        price: Price(price),
        at: desk.now,
    }));
    twin.mark = Some(i128::from(price));
}

fn enter(desk: &mut Desk, twin: &mut Twin, dice: &mut Dice, step: u64) {
    let side = if dice.roll(2) == 0 {
        Side::Buy
    } else {
        Side::Sell
    };
    let qty = 1 + dice.roll(1_200) as i64;
    let out = desk.command(Body::Order(Box::new(order(1, SYMBOL, side, qty))));
    let made = out.iter().find_map(|output| match output {
        Output::Answer(answer) if answer.reasons.is_empty() => answer.order,
        _ => None,
    });
    let Some(id) = made else { return };
    let price = 4_900_000 + dice.roll(200_000) as i64;
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: id,
        exec: exec_id(step + 1),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        }),
    }));
    twin.held.push((side, i128::from(qty), i128::from(price)));
}

fn compare(desk: &Desk, twin: &Twin, seen: &mut [u64; 4]) {
    let view = view(desk);
    assert_eq!(i128::from(view.used.0), twin.maintenance(), "maintenance");
    let equity = twin.equity();
    let rounded = (equity.abs() + 50) / 100 * equity.signum();
    assert_eq!(i128::from(view.equity.0), rounded, "equity");
    assert_eq!(view.state, twin.state(), "state");
    seen[view.state as usize] += 1;
}

fn view(desk: &Desk) -> AccountView {
    let reply = desk.machine.ask(&Ask {
        token: 0,
        query: Query::Account(AccountId(1)),
    });
    match reply.view {
        View::Account(view) => *view,
        other => panic!("{other:?}"),
    }
}
