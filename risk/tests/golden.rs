//! A fixed history and what follows from it, as hashes beside the build's fingerprint: a rule that changes without the
//! fingerprint would replay old journals into another state, and nobody would know.

mod desk;

use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::{FINGERPRINT, hash};
use siaga_risk::record::{put_input, put_output};
use siaga_risk::terms::*;
use siaga_risk::units::*;
use std::path::Path;

/// The second source, so that there is something to switch to.
const OTHER: SourceId = SourceId(2);
const STEPS: u64 = 6_000;

/// Numbers that are the same for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1) as u64) as i64
    }
}

/// What a history has left open.
#[derive(Default)]
struct Open {
    orders: Vec<(OrderId, Qty)>,
    /// Orders with an execution that could not be booked.
    unbooked: Vec<OrderId>,
    positions: Vec<(AccountId, PositionId)>,
    execs: u128,
}

impl Open {
    fn note(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Send(send) => {
                    if let LinkCommand::Submit(submit) = &send.command {
                        self.orders.push((submit.id, submit.qty));
                    }
                }
                Output::Position(change) => {
                    self.positions.retain(|(_, id)| *id != change.id);
                    if change.qty.0 != 0 {
                        self.positions.push((change.account, change.id));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Terms that make as many rules speak as a desk has: filters, halts, two sources, loss and rate limits.
fn opened() -> Desk {
    let mut desk = Desk::open();
    for (id, kind) in [(SOURCE, SourceKind::Gateway), (OTHER, SourceKind::Datafeed)] {
        desk.must(Body::Source(SourceTerms {
            id,
            kind,
            crossed: Crossed::Hold,
            filtered: true,
        }));
    }
    for known in INSTRUMENTS {
        let mut terms = instrument(known.0);
        terms.filter = FilterTerms::LIVE;
        terms.halt = HaltTerms::of_class(terms.class);
        terms.damp_ns = MINUTE_NS;
        terms.collar = Ratio::percent(5);
        terms.feeds = [SOURCE, OTHER]
            .map(|source| Feed {
                source,
                timeout_ns: 5 * SECOND_NS,
            })
            .to_vec();
        desk.must(Body::Instrument(Box::new(terms)));
    }
    let mut group = group();
    group.loss_account = Ratio::percent(5);
    group.loss_position = Ratio::percent(50);
    group.rate_max = 30;
    group.duplicate_window_ns = SECOND_NS / 10;
    desk.must(Body::Group(Box::new(group)));
    for (id, currency, accounting) in [
        (1, USD, Accounting::Hedging),
        (2, USD, Accounting::Netting),
        (3, JPY, Accounting::Hedging),
        (4, EUR, Accounting::Netting),
    ] {
        desk.account(id, currency, accounting, 100);
        let amount = if currency == JPY { 500_000 } else { 400_000 };
        desk.must(Body::Cash(Cash {
            account: AccountId(id),
            kind: CashKind::Deposit,
            amount: Money(amount),
            reference: id.into(),
        }));
    }
    desk
}

/// Plays the history; gives the hashes of its inputs and of what followed.
fn played() -> (u64, u64) {
    let mut desk = opened();
    let mut dice = Dice(1);
    let mut open = Open::default();
    let mut mids = [110_000_i64, 150_000, 15_000, 2_000_000, 4_000_000, 40_000];
    let mut hashes = Vec::new();
    for _ in 0..STEPS {
        let step_ns = match dice.below(200) {
            0 => 70 * MINUTE_NS,
            1..4 => 40 * SECOND_NS,
            4..30 => 3 * SECOND_NS,
            _ => SECOND_NS / 5,
        };
        desk.now = desk.now.plus(step_ns);
        let outputs = step(&mut desk, &mut dice, &mut mids, &mut open);
        open.note(&outputs);
        for output in &outputs {
            let mut bytes = Vec::new();
            let kind = put_output(desk.now, output, &mut bytes);
            bytes.extend(kind.to_le_bytes());
            hashes.extend(hash(&bytes).to_le_bytes());
        }
    }
    let inputs: Vec<u8> = desk
        .inputs
        .iter()
        .flat_map(|input| {
            let mut bytes = Vec::new();
            put_input(input, &mut bytes);
            hash(&bytes).to_le_bytes()
        })
        .collect();
    (hash(&inputs), hash(&hashes))
}

fn step(desk: &mut Desk, dice: &mut Dice, mids: &mut [i64; 6], open: &mut Open) -> Vec<Output> {
    let of = dice.below(6) as usize;
    let (symbol, account) = (INSTRUMENTS[of].0, 1 + dice.below(4) as u32);
    match dice.below(100) {
        0..60 => price(desk, dice, &mut mids[of], of),
        60..72 => {
            let side = [Side::Buy, Side::Sell][dice.below(2) as usize];
            let mut new = order(account, symbol, side, dice.between(1, 60));
            if dice.below(3) == 0 {
                new.kind = OrderKind::Limit;
                new.price = Some(Price(mids[of] + dice.between(-20, 20)));
            }
            let away = mids[of] / 200 * if side == Side::Buy { -1 } else { 1 };
            if dice.below(2) == 0 {
                new.protection.stop_loss = Some(Price(mids[of] + away));
                new.protection.take_profit = Some(Price(mids[of] - away));
            }
            new.client_id[..8].copy_from_slice(&dice.below(400).to_le_bytes());
            desk.command(Body::Order(Box::new(new)))
        }
        72..84 => report(desk, dice, open, mids[of]),
        84..88 if !open.positions.is_empty() => {
            let (account, position) =
                open.positions[dice.below(open.positions.len() as u64) as usize];
            desk.command(Body::Protect(Protect {
                account,
                position,
                protection: Protection {
                    stop_loss: Some(Price(mids[of] - mids[of] / 100)),
                    take_profit: None,
                    trailing: Price(dice.between(0, 1) * (mids[of] / 300)),
                },
            }))
        }
        88 => desk.command(Body::LinkState(LinkReport {
            link: LINK,
            mode: [LinkMode::ReadOnly, LinkMode::Recovering, LinkMode::Live]
                [dice.below(3) as usize],
            manual: false,
        })),
        89 => desk.command(Body::LinkState(LinkReport {
            link: LINK,
            mode: LinkMode::Live,
            manual: false,
        })),
        90 => {
            let gap = Gap {
                ts: desk.now,
                source: SOURCE,
                instrument: None,
                cause: [GapCause::Disconnect, GapCause::Reconnect][dice.below(2) as usize],
                missing: 0,
            };
            desk.put(Input::Gap(gap))
        }
        91 => {
            desk.link.protective = [HeldBy::Core, HeldBy::Broker][dice.below(2) as usize];
            let link = desk.link;
            desk.command(Body::Link(link))
        }
        92 => {
            let body = Body::Rollover(Rollover {
                instrument: instrument_id(symbol),
                at: desk.now,
                days: 1,
                weekday: 2,
            });
            desk.command(body)
        }
        93 => {
            let at = desk.now;
            desk.command(Body::DayStart(DayStart { at, zone: 0 }))
        }
        94 => desk.command(Body::Cash(Cash {
            account: AccountId(account),
            kind: CashKind::Deposit,
            amount: Money(dice.between(100_000, 300_000)),
            reference: 0,
        })),
        95 => desk.command(Body::AcknowledgeRisk(AccountId(account))),
        96 if !open.orders.is_empty() => {
            let (order, _) = open.orders[dice.below(open.orders.len() as u64) as usize];
            desk.command(Body::Cancel(Cancel {
                account: AccountId(account),
                order,
            }))
        }
        97 if !open.unbooked.is_empty() => {
            let order = open.unbooked[dice.below(open.unbooked.len() as u64) as usize];
            let known = desk.machine.book().order(order);
            let executions = known.map_or(0, |known| known.unbooked.len() as u32);
            desk.command(Body::Reconciled(Reconciled {
                order,
                executions,
                note: 9,
            }))
        }
        98 if !open.positions.is_empty() => {
            let (_, position) = open.positions[dice.below(open.positions.len() as u64) as usize];
            close(desk, dice, position)
        }
        _ => desk.clock(),
    }
}

/// The broker closes a position by itself, or takes back what it has closed; now and then it says something that cannot
/// be booked.
fn close(desk: &mut Desk, dice: &mut Dice, position: PositionId) -> Vec<Output> {
    let held = desk.machine.book().positions().find(position);
    let mark = held.and_then(|held| desk.machine.market().mark(held.instrument));
    let price = match dice.below(8) {
        0 => 0,
        _ => mark.map_or(1, |mark| mark.bid.0),
    };
    let fill = Fill {
        qty: Qty(held.map_or(1, |held| held.qty)),
        price: Price(price),
        commission: Money(dice.between(0, 5)),
    };
    let event = match dice.below(6) {
        0 => CloseEvent::Bust,
        _ => CloseEvent::Filled {
            kind: ProtectiveKind::StopLoss,
            fill,
        },
    };
    desk.command(Body::BrokerClose(BrokerClose {
        link: LINK,
        position,
        exec: desk::script::exec_id(dice.below(3) + 1),
        event,
    }))
}

/// A quote of one of the two sources: mostly a small step, now and then a jump, a fault or a stray time.
fn price(desk: &mut Desk, dice: &mut Dice, mid: &mut i64, of: usize) -> Vec<Output> {
    let unit = (*mid / 20_000).max(1);
    let jump = if dice.below(150) == 0 { 400 } else { 2 };
    *mid = (*mid + unit * dice.between(-jump, jump)).max(1_000);
    let half = unit.max(2);
    let (bid, ask) = match dice.below(60) {
        0 => (*mid + half, *mid - half),
        1 => (0, 0),
        2 => (*mid * 2, *mid * 2 + half),
        3 => (*mid, *mid),
        _ => (*mid - half, *mid + half),
    };
    let venue_lag_us = match dice.below(40) {
        0 => NO_VENUE_TIME,
        1 => -9_000_000,
        2 => 4_000_000,
        _ => 1_000,
    };
    let merged = u16::from(dice.below(30) == 0);
    desk.put(Input::Quote(Quote {
        ts: desk.now,
        bid: Price(bid),
        ask: Price(ask),
        bid_qty: Qty(1),
        ask_qty: Qty(1),
        bid_drop: u32::from(merged) * (unit * 50) as u32,
        ask_rise: u32::from(merged) * (unit * 50) as u32,
        venue_lag_us,
        instrument: InstrumentId(of as u32 + 1),
        source: if dice.below(3) == 0 { OTHER } else { SOURCE },
        merged,
        kind: QuoteKind::Firm,
    }))
}

fn report(desk: &mut Desk, dice: &mut Dice, open: &mut Open, mid: i64) -> Vec<Output> {
    if open.orders.is_empty() {
        return desk.clock();
    }
    let at = dice.below(open.orders.len() as u64) as usize;
    let (order, qty) = open.orders[at];
    let known = desk.machine.book().order(order);
    let price = known.map_or(mid, |known| {
        match desk.machine.market().mark(known.order.instrument) {
            Some(mark) if known.order.side == Side::Buy => mark.ask.0,
            Some(mark) => mark.bid.0,
            None => mid,
        }
    });
    open.execs += 1;
    let event = match dice.below(14) {
        0 => BrokerEvent::Rejected(7),
        1 => BrokerEvent::Accepted,
        2 => BrokerEvent::InDoubt,
        3 => BrokerEvent::Cancelled,
        4 => BrokerEvent::CancelRejected(7),
        // Not to be booked; the order is reported on once more.
        5 => {
            open.unbooked.push(order);
            BrokerEvent::Filled(Fill {
                qty,
                price: Price(0),
                commission: Money(0),
            })
        }
        part => BrokerEvent::Filled(Fill {
            qty: if part == 6 {
                Qty((qty.0 / 2).max(1))
            } else {
                qty
            },
            price: Price(price),
            commission: Money(dice.between(0, 5)),
        }),
    };
    let ends = match event {
        BrokerEvent::Accepted | BrokerEvent::InDoubt | BrokerEvent::CancelRejected(_) => false,
        BrokerEvent::Filled(fill) => fill.price != Price(0),
        _ => true,
    };
    if ends {
        open.orders.swap_remove(at);
    }
    desk.command(Body::Report(BrokerReport {
        link: LINK,
        order,
        exec: open.execs.to_le_bytes(),
        event,
    }))
}

#[test]
fn a_change_of_the_rules_raises_the_fingerprint() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.txt");
    let (inputs, outputs) = played();
    let now =
        format!("fingerprint {FINGERPRINT:016x}\ninputs {inputs:016x}\noutputs {outputs:016x}\n");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == now {
        return;
    }
    let line = |text: &str, at: usize| text.lines().nth(at).unwrap_or_default().to_owned();
    let same = |at| line(&kept, at) == line(&now, at);
    assert!(
        !(same(0) && same(1)),
        "the same inputs lead to other outputs under the same fingerprint: raise the last number of FINGERPRINT in \
         src/machine.rs, or old journals are replayed by rules that did not make them"
    );
    if std::env::var_os("SIAGA_UPDATE").is_some() {
        return std::fs::write(&path, now).expect("the file can be written");
    }
    panic!(
        "run again with SIAGA_UPDATE=1 to write {}:\n{now}",
        path.display()
    );
}

/// The history would guard nothing if it did not reach the rules.
#[test]
fn the_history_reaches_the_rules() {
    let mut desk = opened();
    let mut dice = Dice(1);
    let mut open = Open::default();
    let mut mids = [110_000_i64, 150_000, 15_000, 2_000_000, 4_000_000, 40_000];
    let mut seen = std::collections::BTreeMap::<&str, u64>::new();
    for _ in 0..STEPS {
        desk.now = desk.now.plus(SECOND_NS / 2);
        let outputs = step(&mut desk, &mut dice, &mut mids, &mut open);
        open.note(&outputs);
        for output in &outputs {
            let name = match output {
                Output::Mark(_) => "mark",
                Output::Dropped(_) => "dropped",
                Output::Deal(_) => "deal",
                Output::Margin(_) => "margin",
                Output::StopOut(_) => "stop-out",
                Output::Protective(_) => "protective",
                Output::Switch(_) => "switch",
                Output::Feed(_) => "feed",
                Output::Breach(_) => "breach",
                Output::Loss(_) => "loss",
                Output::Link(_) => "link",
                Output::Volatility(_) => "volatility",
                Output::Order(change) if change.unbooked > 0 => "unbooked",
                Output::Noted(_) => "noted",
                _ => continue,
            };
            *seen.entry(name).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 14, "{seen:?}");
}
