//! A small trading day as the core would put it out.

use siaga::store::source::Entry;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;

/// 2025-04-09 00:00:00 UTC.
pub const MIDNIGHT: u64 = 1_744_156_800 * SECOND_NS;

pub const ACCOUNT: AccountId = AccountId(7);
pub const GOLD: InstrumentId = InstrumentId(3);

/// `minutes` of bars with an order, its deal and a deposit each tenth minute, and a margin call at the end.
pub fn day(minutes: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    for minute in 0..minutes {
        let seq = minute * 10 + 1;
        entries.push(entry(seq, 0, minute, Output::Bar(bar(minute))));
        if minute % 10 == 0 {
            entries.push(entry(
                seq + 1,
                0,
                minute,
                Output::Cash(cash(100_000 + minute as i64)),
            ));
            entries.push(entry(seq + 1, 1, minute, Output::Answer(accepted(seq))));
            entries.push(entry(
                seq + 2,
                0,
                minute,
                Output::Order(order(seq + 2, OrderState::Submitted)),
            ));
            entries.push(entry(
                seq + 3,
                0,
                minute,
                Output::Order(order(seq + 2, OrderState::Filled)),
            ));
            entries.push(entry(
                seq + 3,
                1,
                minute,
                Output::Deal(deal(seq + 2, seq + 3)),
            ));
            entries.push(entry(seq + 4, 0, minute, Output::Position(closed(seq + 3))));
        }
    }
    let seq = minutes * 10 + 1;
    entries.push(entry(seq, 0, minutes, Output::Margin(restricted())));
    entries.push(entry(seq + 1, 0, minutes, Output::Mode(close_only())));
    entries
}

fn entry(seq: u64, index: u32, minute: u64, output: Output) -> Entry {
    Entry {
        key: OutputKey { seq, index },
        ts: Ts(MIDNIGHT + minute * MINUTE_NS + u64::from(index)),
        output,
    }
}

fn bar(minute: u64) -> Bar {
    let at = |offset: i64| {
        let open = 330_000 + minute as i64 + offset;
        Ohlc {
            open,
            high: open + 5,
            low: open - 5,
            close: open + 1,
        }
    };
    Bar {
        instrument: GOLD,
        span: BarSpan::M1,
        start: Ts(MIDNIGHT + minute * MINUTE_NS),
        bid: at(0),
        ask: at(30),
        mid: at(330_030),
        ticks: 60,
        volume: Qty(0),
        closed: true,
        late: 0,
    }
}

fn cash(amount: i64) -> CashBooked {
    CashBooked {
        cash: Cash {
            account: ACCOUNT,
            kind: CashKind::Deposit,
            amount: Money(amount),
            reference: 9,
        },
        balance: Money(amount),
        credit: Money(0),
    }
}

fn accepted(token: u64) -> Answer {
    Answer {
        token,
        actor: ActorId(42),
        account: Some(ACCOUNT),
        order: None,
        repeated: false,
        reasons: Vec::new(),
    }
}

fn order(id: u64, state: OrderState) -> OrderChange {
    OrderChange {
        id: OrderId(id),
        state,
        origin: Origin::Client,
        link: LinkId(1),
        filled: Qty(if state == OrderState::Filled { 100 } else { 0 }),
        value: i128::from(i64::MAX) * 3,
        reason: 0,
        unbooked: 0,
        seen: Price(330_030),
        placed: Ts(MIDNIGHT),
        order: NewOrder {
            account: ACCOUNT,
            instrument: GOLD,
            side: Side::Buy,
            kind: OrderKind::Market,
            tif: Tif::Ioc,
            qty: Qty(100),
            price: None,
            stop: None,
            expires: Some(Ts(MIDNIGHT + HOUR_NS)),
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: Protection {
                stop_loss: Some(Price(329_000)),
                take_profit: None,
                trailing: Price(0),
            },
            client_id: [1; 16],
            trader: 1,
            desk: 2,
            strategy: 3,
        },
    }
}

fn deal(order: u64, seq: u64) -> Deal {
    Deal {
        order: OrderId(order),
        account: ACCOUNT,
        instrument: GOLD,
        position: PositionId(seq),
        side: Side::Buy,
        qty: Qty(100),
        price: Price(330_030),
        commission: Money(350),
        realised: Money(-12),
        balance: Money(99_650),
        origin: Origin::Client,
        exec: [2; 16],
    }
}

fn closed(position: u64) -> PositionChange {
    PositionChange {
        id: PositionId(position),
        account: ACCOUNT,
        instrument: GOLD,
        side: Side::Buy,
        qty: Qty(0),
        open_price: Price(330_030),
        opened: Ts(MIDNIGHT),
        margin: Money(0),
        swap: Money(-5),
        commission: Money(700),
        realised: Money(-12),
        protection: Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        },
    }
}

/// A day on which the account's margin is called at every tenth minute and well again two minutes later.
pub fn uneasy_day(minutes: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    for minute in 0..minutes {
        let seq = minute * 10 + 1;
        entries.push(entry(seq, 0, minute, Output::Bar(bar(minute))));
        let change = match minute % 10 {
            0 => restricted(),
            2 => MarginChange {
                from: MarginState::Restricted,
                to: MarginState::Healthy,
                level: Some(Ratio::percent(400)),
                ..restricted()
            },
            _ => continue,
        };
        entries.push(entry(seq + 1, 0, minute, Output::Margin(change)));
    }
    entries
}

fn restricted() -> MarginChange {
    MarginChange {
        account: ACCOUNT,
        from: MarginState::Warning,
        to: MarginState::Restricted,
        equity: Money(4_000),
        used: Money(10_000),
        level: Some(Ratio::percent(40)),
        instrument: Some(GOLD),
        soft: false,
    }
}

fn close_only() -> ModeChange {
    ModeChange {
        set: SetMode {
            scope: Scope::Account(ACCOUNT),
            mode: TradingMode::CloseOnly,
            allow_reducing: true,
            note: u64::MAX,
            approver: ActorId(0),
        },
        from: TradingMode::Normal,
        actor: ActorId(42),
    }
}
