//! The tick path at rest: with accounts that hold positions, no quote allocates once everything is warm.

mod desk;

use desk::{Desk, INSTRUMENTS, START, USD, instrument_id, order};
use siaga_risk::event::*;
use siaga_risk::ids::{AccountId, OrderId};
use siaga_risk::terms::Accounting;
use siaga_risk::units::*;

/// Accounts, each with a position in two instruments.
const ACCOUNTS: u32 = 60;
/// Time between two quotes: a bar closes every ten of them, a window of sixty seconds holds a hundred each.
const STEP_NS: u64 = 100_000_000;
/// Quotes of one swing down and up of three instruments.
const SWING: u64 = 360;
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
            let quote = quote_at(desk.now, at, BIDS[at] + moved);
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
        deposit(&mut desk, account, 100_000_000);
        for at in [account as usize % 6, (account as usize + 1) % 6] {
            let side = if account % 2 == 0 {
                Side::Buy
            } else {
                Side::Sell
            };
            position(&mut desk, account, at, side, 10);
        }
    }
    assert!(desk.now == START);
    desk
}

/// Prices that swing over the thresholds of every account and back: bands fire, margin states change, bands are set
/// anew, and none of it allocates once it happened before.
#[test]
fn accounts_that_cross_their_thresholds_do_not_allocate_once_warm() {
    let mut desk = Desk::open();
    for (known, bid) in INSTRUMENTS.iter().zip(BIDS) {
        desk.quote(known.0, bid, bid + 10);
    }
    let held = [0, 3, 1];
    for account in 1..=ACCOUNTS {
        desk.account(account, USD, Accounting::Hedging, 0);
        deposit(&mut desk, account, 100_000_000);
        for at in held {
            position(&mut desk, account, at, Side::Buy, 10);
        }
        // What is left reaches from just above the warning to some way above it.
        let equity = margin(&desk, account) * (105 + i64::from(account)) / 100;
        deposit(&mut desk, account, equity - 100_000_000);
    }
    let mut machine = std::mem::take(&mut desk.machine);
    let (mut seq, mut now) = (desk.inputs.len() as Seq, desk.now);
    let mut out = Vec::with_capacity(4_096);
    let mut crossings = [0u64; 2];
    let mut run = |quotes: u64, crossings: &mut u64| {
        for number in 0..quotes {
            seq += 1;
            now = now.plus(STEP_NS);
            let at = held[(number % 3) as usize];
            // A swing of three thousandths of the price, a sixtieth of it a quote.
            let step = (number % SWING / 3) as i64;
            let moved = BIDS[at] * (60 - (step - 60).abs()) / 20_000;
            let quote = quote_at(now, at, BIDS[at] - moved);
            machine.apply(seq, &Input::Quote(quote), &mut out);
            for output in out.drain(..) {
                *crossings += u64::from(matches!(output, Output::Margin(_)));
            }
        }
    };
    // Whole swings, so that the second run goes on where the first one ended.
    run(166 * SWING, &mut crossings[0]);
    let info = allocation_counter::measure(|| run(55 * SWING, &mut crossings[1]));
    assert!(crossings[1] > 1_000, "they cross: {crossings:?}");
    assert_eq!(
        info.count_total, 0,
        "allocations in {crossings:?} crossings"
    );
}

fn quote_at(ts: Ts, at: usize, bid: i64) -> Quote {
    Quote {
        ts,
        bid: Price(bid),
        ask: Price(bid + 10),
        bid_qty: Qty(1),
        ask_qty: Qty(1),
        bid_drop: 0,
        ask_rise: 0,
        venue_lag_us: NO_VENUE_TIME,
        instrument: instrument_id(INSTRUMENTS[at].0),
        source: desk::SOURCE,
        merged: 0,
        kind: QuoteKind::Firm,
    }
}

/// Money in, or out when it is negative.
fn deposit(desk: &mut Desk, account: u32, amount: i64) {
    let kind = if amount > 0 {
        CashKind::Deposit
    } else {
        CashKind::Correction
    };
    desk.must(Body::Cash(Cash {
        account: AccountId(account),
        kind,
        amount: Money(amount),
        reference: 0,
    }));
}

/// A market order and its fill at the price that stands.
fn position(desk: &mut Desk, account: u32, at: usize, side: Side, qty: i64) {
    let placed = order(account, INSTRUMENTS[at].0, side, qty);
    desk.must(Body::Order(Box::new(placed)));
    let id = OrderId(desk.inputs.len() as u64);
    let mut exec = [0; 16];
    exec[..8].copy_from_slice(&id.0.to_le_bytes());
    let price = BIDS[at] + if side == Side::Buy { 10 } else { 0 };
    desk.must(Body::Report(BrokerReport {
        link: desk::LINK,
        order: id,
        exec,
        event: BrokerEvent::Filled(Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        }),
    }));
}

/// Used margin of an account, minor units.
fn margin(desk: &Desk, account: u32) -> i64 {
    let account = desk.machine.book().account(AccountId(account));
    account.expect("it is open").state.used.0
}
