//! The tick path at rest: with accounts that hold positions, no quote allocates once everything is warm.

mod desk;

use desk::{Desk, INSTRUMENTS, START, USD, instrument_id, order};
use siaga_risk::event::*;
use siaga_risk::ids::OrderId;
use siaga_risk::terms::Accounting;
use siaga_risk::units::*;

/// Accounts, each with a position in two instruments.
const ACCOUNTS: u32 = 60;
/// Time between two quotes: a bar closes every ten of them, a window of sixty seconds holds a hundred each.
const STEP_NS: u64 = 100_000_000;
/// First bids, in the order of the instruments.
const BIDS: [i64; 6] = [110_000, 150_000, 15_800, 2_350_000, 6_100_000, 53_000];

#[test]
fn quotes_with_holders_do_not_allocate_once_warm() {
    let mut desk = desk_with_holders();
    let mut machine = std::mem::take(&mut desk.machine);
    let mut seq = desk.inputs.len() as Seq;
    let mut out = Vec::with_capacity(4_096);
    let (mut marks, mut others) = (0u64, 0u64);
    let mut run = |quotes: u64| {
        for number in 0..quotes {
            seq += 1;
            let at = (seq % INSTRUMENTS.len() as u64) as usize;
            // Up and down by a few steps: every position is valued anew, nobody crosses a threshold.
            let moved = (number / 6 % 7) as i64 - 3;
            desk.now = desk.now.plus(STEP_NS);
            let quote = Quote {
                ts: desk.now,
                bid: Price(BIDS[at] + moved),
                ask: Price(BIDS[at] + moved + 10),
                bid_qty: Qty(1),
                ask_qty: Qty(1),
                bid_drop: 0,
                ask_rise: 0,
                venue_lag_us: NO_VENUE_TIME,
                instrument: instrument_id(INSTRUMENTS[at].0),
                source: desk::SOURCE,
                merged: 0,
                kind: QuoteKind::Firm,
            };
            machine.apply(seq, &Input::Quote(quote), &mut out);
            for output in out.drain(..) {
                match output {
                    Output::Mark(_) => marks += 1,
                    _ => others += 1,
                }
            }
        }
    };
    run(30_000);
    let info = allocation_counter::measure(|| run(60_000));
    assert_eq!(info.count_total, 0, "allocations in 60,000 quotes");
    assert_eq!(marks, 90_000, "every quote served");
    assert!(others > 1_000, "bars closed meanwhile: {others}");
    assert_eq!(machine.book().positions().len(), ACCOUNTS as usize * 2);
}

fn desk_with_holders() -> Desk {
    let mut desk = Desk::open();
    for (known, bid) in INSTRUMENTS.iter().zip(BIDS) {
        desk.quote(known.0, bid, bid + 10);
    }
    for account in 1..=ACCOUNTS {
        desk.account(account, USD, Accounting::Hedging, 0);
        desk.must(Body::Cash(Cash {
            account: siaga_risk::ids::AccountId(account),
            kind: CashKind::Deposit,
            amount: Money(100_000_000),
            reference: u64::from(account),
        }));
        for at in [account as usize % 6, (account as usize + 1) % 6] {
            let side = if account % 2 == 0 {
                Side::Buy
            } else {
                Side::Sell
            };
            desk.must(Body::Order(Box::new(order(
                account,
                INSTRUMENTS[at].0,
                side,
                10,
            ))));
            let id = OrderId(desk.inputs.len() as u64);
            let mut exec = [0; 16];
            exec[..8].copy_from_slice(&id.0.to_le_bytes());
            let price = BIDS[at] + if side == Side::Buy { 10 } else { 0 };
            desk.must(Body::Report(BrokerReport {
                link: desk::LINK,
                order: id,
                exec,
                event: BrokerEvent::Filled(Fill {
                    qty: Qty(10),
                    price: Price(price),
                    commission: Money(0),
                }),
            }));
        }
    }
    assert!(desk.now == START);
    desk
}
