//! Accounts at mark price beside their slow, obvious twin: generated histories of marks, quotes and fills, and after
//! every input equity, maintenance margin, free margin and state must be the same, also while a window of higher
//! requirements stands. The twin adds up slices of the notional bracket by bracket and knows no cumulative amounts.
//! `SIAGA_SEED` runs one history, `SIAGA_HISTORIES` as many as it says.

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
/// The highest leverage of each, for an account of 100:1.
const LEVERAGES: [i128; 4] = [100, 100, 50, 20];

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
    held: Vec<Held>,
    window: Option<Requirement>,
    now: Ts,
    bid: i128,
    ask: i128,
    mark: Option<i128>,
}

#[derive(Clone, Copy)]
struct Held {
    side: Side,
    qty: i128,
    entry: i128,
    opened: Ts,
}

impl Twin {
    /// In ten-thousandths of a unit.
    fn equity(&self) -> i128 {
        let result = |held: &Held| match held.side {
            Side::Buy => held.qty * (self.mark.unwrap_or(self.bid) - held.entry),
            Side::Sell => held.qty * (held.entry - self.mark.unwrap_or(self.ask)),
        };
        self.balance * 100 + self.held.iter().map(result).sum::<i128>()
    }

    fn on(&self, side: Side) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(move |held| held.side == side)
    }

    /// What the window asks of a position, in percent.
    fn factor(&self, held: &Held) -> i128 {
        let Some(window) = self.window else {
            return 100;
        };
        if self.now < window.from || self.now >= window.until {
            return 100;
        }
        let reached = match window.held {
            HeldPolicy::AtOnce => true,
            HeldPolicy::AfterGrace => self.now.0 >= window.from.0 + window.grace_ns,
            HeldPolicy::Keep => false,
        };
        if reached || held.opened >= window.from {
            i128::from(window.factor.0 / Ratio::percent(1).0)
        } else {
            100
        }
    }

    /// A margin of a side with the factor of each position by its share of the side, each side rounded half up.
    fn with_factors(&self, side: Side, margin: i128) -> i128 {
        let qty: i128 = self.on(side).map(|held| held.qty).sum();
        if qty == 0 {
            return margin;
        }
        let weighed: i128 = self.on(side).map(|held| held.qty * self.factor(held)).sum();
        (margin * weighed * 2 + qty * 100) / (qty * 200)
    }

    fn softly(&self, margin: impl Fn(Side) -> i128) -> i128 {
        let sides = [Side::Buy, Side::Sell].into_iter();
        sides
            .map(|side| self.with_factors(side, margin(side)))
            .sum()
    }

    /// In hundredths: the notional over the leverage of its bracket.
    fn initial(&self, side: Side) -> i128 {
        let twice = self.twice(side);
        let mut slices = SLICES.iter().zip(LEVERAGES).rev();
        let reached = slices.find(|((floor, _), _)| twice >= floor * 20_000);
        let leverage = reached.map_or(100, |(_, leverage)| leverage);
        (twice + 100 * leverage) / (200 * leverage)
    }

    /// Twice the notional of a side, in ten-thousandths.
    fn twice(&self, side: Side) -> i128 {
        let qty: i128 = self.on(side).map(|held| held.qty).sum();
        self.mark.map_or(self.bid + self.ask, |mark| 2 * mark) * qty
    }

    /// In hundredths, each leg rounded half up.
    fn maintenance(&self) -> i128 {
        [Side::Buy, Side::Sell]
            .into_iter()
            .map(|side| self.leg(side))
            .sum()
    }

    fn leg(&self, side: Side) -> i128 {
        let twice = self.twice(side);
        let mut sum = 0;
        for (at, (floor, bp)) in SLICES.into_iter().enumerate() {
            let floor = floor * 20_000;
            let top = SLICES.get(at + 1).map_or(twice, |next| next.0 * 20_000);
            sum += (twice.min(top) - floor).max(0) * bp;
        }
        (sum + 1_000_000) / 2_000_000
    }

    /// A factor warns and restricts, and never stops out.
    fn state(&self) -> MarginState {
        let soft = self.state_at(self.softly(|side| self.leg(side)));
        let hard = self.state_at(self.maintenance());
        hard.max(soft.min(MarginState::Restricted))
    }

    fn state_at(&self, used: i128) -> MarginState {
        let (equity, used) = (self.equity(), used * 100);
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
    let mut seen = [0u64; 5];
    for seed in seeds {
        let _told = Seed(seed);
        run(seed, &mut seen);
    }
    let all = seen.iter().all(|count| *count > 0);
    assert!(
        all || !whole,
        "states that were reached, and windows that asked for more: {seen:?}"
    );
}

fn run(seed: u64, seen: &mut [u64; 5]) {
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
    terms.feeds[0].timeout_ns = DAY_NS;
    desk.must(Body::Instrument(Box::new(terms)));
    desk.account(1, USD, Accounting::Hedging, 100);
    let mut twin = Twin {
        balance: 0,
        held: Vec::new(),
        window: None,
        now: desk.now,
        bid: 0,
        ask: 0,
        mark: None,
    };
    quote(&mut desk, &mut twin, 5_000_000, 100);
    cash(&mut desk, &mut twin, 4_000_000);
    for step in 0..STEPS {
        desk.now = desk.now.plus(SECOND_NS);
        desk.clock();
        twin.now = desk.now;
        match dice.roll(11) {
            0..=2 => {
                let price = 4_000_000 + dice.roll(2_000_000) as i64;
                quote(&mut desk, &mut twin, price, dice.roll(3_000) as i64);
            }
            3..=6 => mark(&mut desk, &mut twin, &mut dice),
            7..=8 => enter(&mut desk, &mut twin, &mut dice, u64::from(step)),
            9 => window(&mut desk, &mut twin, &mut dice),
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

fn window(desk: &mut Desk, twin: &mut Twin, dice: &mut Dice) {
    let from = desk.now.plus(dice.roll(4) * SECOND_NS);
    let window = Requirement {
        instrument: instrument_id(SYMBOL),
        id: 1,
        from,
        until: from.plus((1 + dice.roll(20)) * SECOND_NS),
        factor: Ratio::percent([150, 200, 300][dice.roll(3) as usize]),
        held: HeldPolicy::ALL[dice.roll(3) as usize],
        grace_ns: dice.roll(8) * SECOND_NS,
    };
    desk.must(Body::Requirement(window));
    twin.window = Some(window);
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
    twin.held.push(Held {
        side,
        qty: i128::from(qty),
        entry: i128::from(price),
        opened: desk.now,
    });
}

fn compare(desk: &Desk, twin: &Twin, seen: &mut [u64; 5]) {
    let view = view(desk);
    let used = twin.softly(|side| twin.leg(side));
    assert_eq!(i128::from(view.used.0), used, "maintenance");
    let equity = twin.equity();
    assert_eq!(i128::from(view.equity.0), rounded(equity), "equity");
    let free = equity - twin.softly(|side| twin.initial(side)) * 100;
    assert_eq!(i128::from(view.free.0), rounded(free), "free margin");
    seen[4] += u64::from(used > twin.maintenance());
    assert_eq!(view.state, twin.state(), "state");
    seen[view.state as usize] += 1;
}

/// Ten-thousandths to hundredths, half away from zero.
fn rounded(amount: i128) -> i128 {
    (amount.abs() + 50) / 100 * amount.signum()
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
