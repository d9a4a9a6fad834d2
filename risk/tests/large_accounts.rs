//! Accounts with very many orders: a stop-out goes on in steps of a bounded size, and cancels no more than it needs.

mod desk;

use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// Limits far away, each charged ten dollars.
const ORDERS: usize = 600;

/// An account of 7,100 dollars that uses 1,000 for a lot it holds and 6,000 for what it waits for.
fn waiting(policy: StopOutPolicy) -> Desk {
    let mut desk = Desk::open();
    let group = GroupTerms {
        stop_out_policy: policy,
        ..desk.group
    };
    desk.must(Body::Group(Box::new(group)));
    desk.account(1, USD, Accounting::Hedging, 100);
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(710_000),
        reference: 0,
    }));
    desk.quote("EURUSD", 100_000, 100_000);
    desk.must(Body::Order(Box::new(order(1, "EURUSD", Side::Buy, 100))));
    let id = OrderId(desk.inputs.len() as u64);
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: id,
        exec: ExecId::default(),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(100),
            price: Price(100_000),
            commission: Money(0),
        }),
    }));
    for _ in 0..ORDERS {
        let dip = NewOrder {
            kind: OrderKind::Limit,
            price: Some(Price(50_000)),
            ..order(1, "EURUSD", Side::Buy, 1)
        };
        desk.must(Body::Order(Box::new(dip)));
    }
    desk
}

/// What each look at the account cancels and how many positions it closes.
fn looks(out: &[Output]) -> Vec<(Vec<OrderId>, usize)> {
    let looks = out.iter().filter_map(|output| match output {
        Output::StopOut(stop) => Some((stop.cancels.clone(), stop.closes.len())),
        _ => None,
    });
    looks.collect()
}

#[test]
fn a_stop_out_cancels_as_many_orders_as_it_needs_in_steps() {
    let mut desk = waiting(StopOutPolicy::Mt5);
    let first = desk.inputs.len() as u64 - ORDERS as u64 + 1;
    // 600 dollars are left: more than 30 % of 1,990, and not of 2,000.
    let out = desk.quote("EURUSD", 93_500, 93_500);
    let looks = looks(&out);
    let sizes: Vec<_> = looks.iter().map(|look| (look.0.len(), look.1)).collect();
    assert_eq!(sizes, [(256, 0), (245, 0)]);
    // Of equal margins the oldest go first.
    let cancelled: Vec<u64> = looks
        .iter()
        .flat_map(|look| &look.0)
        .map(|id| id.0)
        .collect();
    let oldest: Vec<u64> = (first..first + 501).collect();
    assert_eq!(cancelled, oldest);
}

#[test]
fn where_everything_goes_positions_and_orders_go_at_once() {
    let mut desk = waiting(StopOutPolicy::CloseAll);
    let out = desk.quote("EURUSD", 93_500, 93_500);
    let looks = looks(&out);
    let sizes: Vec<_> = looks.iter().map(|look| (look.0.len(), look.1)).collect();
    assert_eq!(sizes, [(ORDERS, 1)]);
}
