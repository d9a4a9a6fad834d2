//! Nights that the core is told late: after an outage longer than the plan, or a clock that jumped past it.

mod desk;

use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{Ask, Query, View};

/// Monday 22:00, the first night behind the start of the desk at noon.
const MONDAY: Ts = Ts(START.0 + 10 * HOUR_NS);

/// An account of 1,000,000.00 USD at 1:100 while EURUSD stands at 1.10000 / 1.10010; a lot held long costs 7.00 a night.
fn open() -> Desk {
    let mut desk = Desk::open();
    desk.quote("EURUSD", 110_000, 110_010);
    desk.account(1, USD, Accounting::Hedging, 100);
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(100_000_000),
        reference: 0,
    }));
    desk
}

/// Buys a lot.
fn buy(desk: &mut Desk, price: i64) {
    buy_of(desk, "EURUSD", price);
}

fn buy_of(desk: &mut Desk, symbol: &str, price: i64) {
    let out = desk.must(Body::Order(Box::new(order(1, symbol, Side::Buy, 100))));
    let order = out.iter().find_map(|output| match output {
        Output::Answer(answer) => answer.order,
        _ => None,
    });
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: order.expect("an order"),
        exec: ExecId::default(),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(100),
            price: Price(price),
            commission: Money(0),
        }),
    }));
}

/// Tells nights as a start does: with the time that the core has reached, so that they lie ahead of it.
fn tell(desk: &mut Desk, nights: &[(Ts, u8)]) {
    for (at, days) in nights {
        desk.must(Body::Rollover(Rollover {
            instrument: instrument_id("EURUSD"),
            at: *at,
            days: *days,
            weekday: 0,
        }));
    }
}

fn used(desk: &Desk) -> Money {
    let query = Query::Account(AccountId(1));
    let View::Account(view) = desk.machine.ask(&Ask { token: 0, query }).view else {
        panic!("no account");
    };
    view.used
}

/// Gold worth more than 150,000.00 EUR is charged four times, at a rate that is fixed at the night.
fn rule_in_euros(desk: &mut Desk) {
    let share = |to, percent| Band {
        to,
        leverage: Leverage::NONE,
        initial: Ratio::percent(percent),
        maintenance: Ratio::percent(percent),
    };
    desk.must(Body::Tiers(Box::new(TierTerms {
        id: TierSetId(7),
        rules: vec![TierRule {
            id: 1,
            by: TierBy::Notional,
            currency: EUR,
            instruments: vec![instrument_id("XAUUSD")],
            cost: TierCost::Average,
            rounding: RoundingStage::Total,
            bands: vec![share(15_000_000, 100), share(0, 400)],
        }],
    })));
    let mut group = desk.group;
    group.margin.tiers = TierSetId(7);
    desk.must(Body::Group(Box::new(group)));
}

/// Swap and margin of each position, the oldest first.
fn held(desk: &Desk) -> Vec<(Money, Money)> {
    let query = Query::Account(AccountId(1));
    let View::Account(view) = desk.machine.ask(&Ask { token: 0, query }).view else {
        panic!("no account");
    };
    let mut positions: Vec<_> = view.positions.iter().map(|held| held.position).collect();
    positions.sort_by_key(|position| position.id);
    positions
        .iter()
        .map(|position| (position.swap, position.margin))
        .collect()
}

#[test]
fn nights_of_an_outage_are_charged_once_each_with_the_triple_one() {
    let mut desk = open();
    buy(&mut desk, 110_010);
    // The plan of the run before ends with the Monday. The desk is off until the Thursday noon; its start tells every
    // night since, is cut off, and begins again.
    tell(&mut desk, &[(MONDAY, 1)]);
    let since = [
        (MONDAY, 1),
        (MONDAY.plus(DAY_NS), 1),
        (MONDAY.plus(2 * DAY_NS), 3),
    ];
    tell(&mut desk, &since[..2]);
    tell(&mut desk, &since);
    assert_eq!(
        held(&desk)[0].0,
        Money(0),
        "the core's time has not moved yet"
    );
    desk.now = START.plus(3 * DAY_NS);
    desk.clock();
    assert_eq!(held(&desk)[0].0, Money(-3_500), "five nights at 7.00");
    desk.now = desk.now.plus(HOUR_NS);
    desk.clock();
    assert_eq!(held(&desk)[0].0, Money(-3_500));
}

#[test]
fn who_came_after_a_night_that_is_told_late_pays_nothing_for_it() {
    let mut desk = open();
    buy(&mut desk, 110_010);
    // The clock jumps over the Monday night, and a price and an order are quicker than the plan.
    desk.now = START.plus(2 * DAY_NS);
    desk.quote("EURUSD", 112_000, 112_010);
    buy(&mut desk, 112_010);
    desk.quote("EURUSD", 113_000, 113_010);
    tell(&mut desk, &[(MONDAY, 1)]);
    desk.clock();
    let after = held(&desk);
    assert_eq!(after[0], (Money(-700), Money(113_010)));
    assert_eq!(
        after[1],
        (Money(0), Money(112_010)),
        "neither swap nor another margin price"
    );
    // The night that it was there for is its own as well.
    let next = MONDAY.plus(2 * DAY_NS);
    tell(&mut desk, &[(next, 1)]);
    desk.now = next;
    desk.clock();
    let swaps: Vec<Money> = held(&desk).into_iter().map(|(swap, _)| swap).collect();
    assert_eq!(swaps, [Money(-1_400), Money(-700)]);
}

#[test]
fn a_night_told_late_settles_whoever_is_charged_at_its_rates() {
    // Who bought gold after the night, and who has an order alone.
    for holds in [true, false] {
        let mut desk = open();
        rule_in_euros(&mut desk);
        desk.now = START.plus(2 * DAY_NS);
        desk.quote("EURUSD", 112_000, 112_010);
        desk.quote("XAUUSD", 2_000_000, 2_000_100);
        if holds {
            buy_of(&mut desk, "XAUUSD", 2_000_100);
        } else {
            desk.must(Body::Order(Box::new(order(1, "XAUUSD", Side::Buy, 100))));
        }
        let before = used(&desk);
        desk.quote("EURUSD", 100_000, 100_010);
        desk.machine.audit_watch().unwrap();
        assert_eq!(used(&desk), before, "the rate is fixed");
        desk.must(Body::Rollover(Rollover {
            instrument: instrument_id("XAUUSD"),
            at: MONDAY,
            days: 1,
            weekday: 0,
        }));
        desk.clock();
        desk.machine.audit_watch().unwrap();
        assert!(used(&desk) > before, "more euros are in the upper band");
    }
}

#[test]
fn a_day_order_placed_behind_a_day_start_that_is_told_late_stays() {
    let mut desk = open();
    let mut limit = order(1, "EURUSD", Side::Buy, 100);
    (limit.kind, limit.tif) = (OrderKind::Limit, Tif::Day);
    let mut place = |desk: &mut Desk, price| {
        limit.price = Some(Price(price));
        let out = desk.must(Body::Order(Box::new(limit)));
        let order = out.iter().find_map(|output| match output {
            Output::Answer(answer) => answer.order,
            _ => None,
        });
        order.expect("an order")
    };
    let of_the_day_before = place(&mut desk, 105_000);
    desk.now = START.plus(2 * DAY_NS);
    desk.quote("EURUSD", 110_000, 110_010);
    place(&mut desk, 104_000);
    desk.must(Body::DayStart(DayStart {
        at: MONDAY,
        zone: 0,
    }));
    let out = desk.clock();
    let changed = out.iter().filter_map(|output| match output {
        Output::Order(change) => Some((change.id, change.state)),
        _ => None,
    });
    assert_eq!(
        changed.collect::<Vec<_>>(),
        [(of_the_day_before, OrderState::Expired)]
    );
}
