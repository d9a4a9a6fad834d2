//! Nights that the core is told late: after an outage longer than the plan, or a clock that jumped past it.

mod desk;

use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
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
    let out = desk.must(Body::Order(Box::new(order(1, "EURUSD", Side::Buy, 100))));
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
