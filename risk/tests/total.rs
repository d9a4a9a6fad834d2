//! The machine is total: whatever enters, it answers and goes on, and its state still survives a snapshot.
//! `SIAGA_SEED` runs one history,
//! `SIAGA_HISTORIES` as many as it says.

mod desk;

use desk::seeds::{Seed, seeds};
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{Ask, Query};

const HISTORIES: u64 = 400;
const STEPS: u32 = 250;
/// A restored machine goes on beside the one that it is a copy of, until the next is.
const RESTORE_EVERY: u32 = 60;

/// Outputs by kind.
type Seen = std::collections::BTreeMap<String, u64>;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// Mostly sensible, sometimes at an end of the range.
    fn number(&mut self) -> i64 {
        match self.roll(14) {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => 0,
            3 => -1,
            4 => i64::MAX / 8,
            5 => 1 << 50,
            6 => -(1 << 50),
            7 => 110_000 + self.roll(2_000) as i64,
            8 => 100_000_000_000_000,
            _ => 1 + self.roll(500) as i64,
        }
    }

    fn price(&mut self) -> i64 {
        if self.roll(40) == 0 {
            self.number()
        } else {
            109_000 + self.roll(2_000) as i64
        }
    }

    fn maybe(&mut self) -> Option<Price> {
        (self.roll(2) == 0).then(|| Price(self.price()))
    }

    fn small(&mut self) -> u32 {
        match self.roll(40) {
            0 => u32::MAX,
            1 => self.roll(9) as u32,
            _ => 1 + self.roll(3) as u32,
        }
    }

    /// Whole, with a point, or beyond all bounds.
    fn leverage(&mut self) -> Leverage {
        match self.roll(3) {
            0 => Leverage(self.number() as u64),
            1 => Leverage(3_333_000_000),
            _ => Leverage::of(self.small()),
        }
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }

    fn flag(&mut self) -> bool {
        self.roll(2) == 0
    }
}

#[test]
fn nothing_that_enters_makes_the_machine_fall() {
    let (seeds, whole) = seeds(HISTORIES);
    let mut seen: Seen = Seen::new();
    for seed in seeds {
        let _told = Seed(seed);
        run(seed, &mut seen);
    }
    // Histories in which little happens prove little.
    let wanted = if whole { 1 } else { 0 };
    for (what, least) in [
        ("Deal", 2_000),
        ("Position", 2_000),
        ("Margin", 500),
        ("StopOut", 100),
        ("Protective", 100),
    ] {
        assert!(
            seen.get(what).copied().unwrap_or(0) >= least * wanted,
            "{what}: {seen:?}"
        );
    }
}

fn run(seed: u64, seen: &mut Seen) {
    let mut dice = Dice(seed);
    let mut desk = Desk::open();
    let is_held = dice.flag();
    if is_held {
        desk.must(Body::Link(LinkTerms {
            protective: HeldBy::Broker,
            ..link()
        }));
    }
    for id in 1..4 {
        let accounting = if id == 3 {
            Accounting::Netting
        } else {
            Accounting::Hedging
        };
        desk.account(id, if id == 2 { JPY } else { USD }, accounting, 100);
        desk.must(Body::Cash(Cash {
            account: AccountId(id),
            kind: CashKind::Deposit,
            amount: Money(1_000_000),
            reference: 0,
        }));
    }
    for symbol in ["EURUSD", "USDJPY", "XAUUSD"] {
        desk.quote(symbol, 110_000, 110_010);
    }
    let mut copy: Option<Machine> = None;
    // The full pass beside the bands: it looks at everybody whom a price concerns.
    let mut plain = Machine::new();
    plain.watch_plainly();
    for (at, input) in desk.inputs.iter().enumerate() {
        plain.apply(at as Seq + 1, input, &mut Vec::new());
    }
    for step in 0..STEPS {
        let pause = match dice.roll(240) {
            // Beyond what is remembered of orders and closes.
            0 => (1 + dice.roll(40)) * HOUR_NS / SECOND_NS,
            1..9 => dice.roll(400),
            _ => dice.roll(2),
        };
        desk.now = desk.now.plus(pause * SECOND_NS);
        let out = match dice.roll(10) {
            0..=3 => quote(&mut dice, &mut desk),
            4 => desk.clock(),
            _ => {
                let body = match is_held && dice.roll(8) == 0 {
                    true => broker_close(&mut dice, &desk),
                    false => body(&mut dice, &desk),
                };
                let out = desk.command_by(dice.roll(3) as u32, body);
                let answers = out
                    .iter()
                    .filter(|output| matches!(output, Output::Answer(_)))
                    .count();
                assert_eq!(answers, 1, "{:?}", desk.inputs.last());
                out
            }
        };
        for output in &out {
            let shown = format!("{output:?}");
            *seen
                .entry(shown.split('(').next().unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        let mut full = Vec::new();
        plain.apply(
            desk.inputs.len() as Seq,
            desk.inputs.last().unwrap(),
            &mut full,
        );
        let differs = out.iter().zip(&full).position(|(one, other)| one != other);
        let differs = differs.unwrap_or(out.len().min(full.len()));
        assert_eq!(
            out.get(differs),
            full.get(differs),
            "bands and the full pass: {:?}",
            desk.inputs.last()
        );
        for machine in [Some(&desk.machine), copy.as_ref()].into_iter().flatten() {
            if let Err(said) = machine.audit_watch() {
                panic!("{said}\nbehind {:?}", desk.inputs.last());
            }
        }
        if let Some(copy) = &mut copy {
            let mut again = Vec::new();
            copy.apply(
                desk.inputs.len() as Seq,
                desk.inputs.last().unwrap(),
                &mut again,
            );
            assert_eq!(again, out, "{:?}", desk.inputs.last());
        }
        if step % RESTORE_EVERY == RESTORE_EVERY / 2 {
            copy = Some(Machine::restore(&desk.machine.snapshot()).unwrap());
        }
        for query in [
            Query::Account(AccountId(dice.small())),
            Query::Ladder {
                after: None,
                count: 10,
            },
            Query::Desk,
        ] {
            desk.machine.ask(&Ask { token: 0, query });
        }
    }
    assert_eq!(plain.state_hash(), desk.machine.state_hash());
    assert_eq!(copy.unwrap().state_hash(), desk.machine.state_hash());
}

fn quote(dice: &mut Dice, desk: &mut Desk) -> Vec<Output> {
    let symbol = dice.one_of(&[
        "EURUSD", "EURUSD", "USDJPY", "USDJPY", "XAUUSD", "XAUUSD", "BTCUSD",
    ]);
    let bid = dice.price();
    let ask = if dice.roll(9) == 0 {
        dice.price()
    } else {
        bid.saturating_add(dice.roll(50) as i64)
    };
    let (drop, rise) = if dice.roll(5) == 0 {
        (dice.roll(900) as u32, dice.small())
    } else {
        (0, 0)
    };
    desk.quote_merged(symbol, bid, ask, drop, rise)
}

fn body(dice: &mut Dice, desk: &Desk) -> Body {
    let account = AccountId(dice.small());
    let instrument = InstrumentId(dice.small());
    let seen = desk.inputs.len() as u64 + 1;
    let past = OrderId(seen.saturating_sub(1 + dice.roll(60)));
    let open: Vec<OrderId> = desk
        .machine
        .book()
        .open_orders()
        .map(|order| order.id)
        .collect();
    let past = if open.is_empty() || dice.roll(6) == 0 {
        past
    } else {
        dice.one_of(&open)
    };
    match dice.roll(99) {
        0..=35 => Body::Order(Box::new(order_of(dice, desk, account, instrument))),
        36..=40 => Body::Order(Box::new(any_order(
            dice, account, instrument, seen, desk.now,
        ))),
        41..=80 => report(dice, desk, past),
        other => rare(dice, desk, other - 81, account, instrument, past),
    }
}

/// A broker closes a position by itself, says so again, or takes it back.
fn broker_close(dice: &mut Dice, desk: &Desk) -> Body {
    let positions = desk.machine.book().positions();
    let held: Vec<_> = positions.iter().map(|(_, position)| position).collect();
    let (position, qty) = match held.is_empty() {
        true => (PositionId(dice.roll(90)), 1),
        false => {
            let held = dice.one_of(&held);
            (held.id, held.qty)
        }
    };
    let fill = Fill {
        qty: Qty(match dice.roll(6) {
            0 => dice.number(),
            1 => (qty / 2).max(1),
            _ => qty,
        }),
        price: Price(dice.price()),
        commission: Money(dice.roll(9) as i64),
    };
    let event = match dice.roll(5) {
        0 => CloseEvent::Bust,
        _ => CloseEvent::Filled {
            kind: dice.one_of(ProtectiveKind::ALL),
            fill,
        },
    };
    Body::BrokerClose(BrokerClose {
        link: LinkId(1 + u16::from(dice.roll(20) == 0)),
        position,
        exec: desk::script::exec_id(dice.roll(12)),
        event,
    })
}

/// What a broker may say, mostly of an order it has.
fn report(dice: &mut Dice, desk: &Desk, past: OrderId) -> Body {
    if dice.roll(20) == 0 {
        return broker_close(dice, desk);
    }
    let left = desk
        .machine
        .book()
        .order(past)
        .map_or(1, |order| order.remaining().0);
    let sane = dice.roll(8) > 0;
    let qty = if sane {
        left.min(1 + dice.roll(60) as i64)
    } else {
        dice.number()
    };
    let commission = if sane {
        dice.roll(9) as i64
    } else {
        dice.number()
    };
    let fill = Fill {
        qty: Qty(qty),
        price: Price(dice.price()),
        commission: Money(commission),
    };
    let all = [
        BrokerEvent::Accepted,
        BrokerEvent::Rejected(3),
        BrokerEvent::Cancelled,
        BrokerEvent::Expired,
        BrokerEvent::CancelRejected(1),
        BrokerEvent::InDoubt,
        BrokerEvent::Unknown,
        BrokerEvent::Ended,
        BrokerEvent::Bust(desk::script::exec_id(dice.roll(40))),
    ];
    let event = if dice.roll(3) > 0 {
        BrokerEvent::Filled(fill)
    } else {
        dice.one_of(&all)
    };
    let exec = desk::script::exec_id(if dice.flag() {
        dice.roll(40)
    } else {
        desk.inputs.len() as u64 + 100
    });
    Body::Report(BrokerReport {
        link: LINK,
        order: past,
        exec,
        event,
    })
}

/// A sensible order: half of them close something the account has.
fn order_of(
    dice: &mut Dice,
    desk: &Desk,
    account: AccountId,
    instrument: InstrumentId,
) -> NewOrder {
    let book = desk.machine.book();
    let held: Vec<_> = book
        .positions()
        .iter()
        .map(|(_, position)| position)
        .filter(|p| p.account == account)
        .collect();
    let symbol = INSTRUMENTS[(instrument.0.clamp(1, 3) - 1) as usize].0;
    let mut order = order(1, symbol, dice.one_of(Side::ALL), 1 + dice.roll(60) as i64);
    order.account = account;
    if dice.roll(3) == 0 {
        let stop = 109_000 + dice.roll(2_000) as i64;
        order.protection.stop_loss = Some(Price(stop));
        order.protection.trailing = Price(dice.roll(2) as i64 * 300);
    }
    match dice.roll(6) {
        0 => (order.kind, order.price) = (OrderKind::Limit, Some(Price(dice.price()))),
        1 => (order.kind, order.stop) = (OrderKind::Stop, Some(Price(dice.price()))),
        _ => {}
    }
    if dice.flag() && !held.is_empty() {
        let position = dice.one_of(&held);
        order.instrument = position.instrument;
        order.side = if position.side == Side::Buy {
            Side::Sell
        } else {
            Side::Buy
        };
        order.qty = Qty(1 + dice.roll(position.qty.unsigned_abs()) as i64);
        order.position = (account != AccountId(3)).then_some(position.id);
    }
    order
}

fn rare(
    dice: &mut Dice,
    desk: &Desk,
    which: u64,
    account: AccountId,
    instrument: InstrumentId,
    past: OrderId,
) -> Body {
    let positions: Vec<PositionId> = desk
        .machine
        .book()
        .positions()
        .iter()
        .map(|(_, position)| position.id)
        .collect();
    let position = if positions.is_empty() {
        PositionId(past.0)
    } else {
        dice.one_of(&positions)
    };
    let owner = desk
        .machine
        .book()
        .positions()
        .find(position)
        .map_or(account, |position| position.account);
    match which {
        0 | 3 | 4 | 10 => Body::Cancel(Cancel {
            account,
            order: past,
        }),
        11 | 1 | 2 => Body::Protect(Protect {
            account: owner,
            position,
            protection: protection(dice),
        }),
        12 => Body::Cash(Cash {
            account,
            kind: dice.one_of(CashKind::ALL),
            amount: Money(dice.number()),
            reference: dice.roll(5),
        }),
        13 if dice.flag() => Body::Link(LinkTerms {
            protective: dice.one_of(&[HeldBy::Core, HeldBy::Broker]),
            ..link()
        }),
        13 => Body::LinkState(LinkReport {
            link: LINK,
            mode: if dice.roll(3) == 0 {
                dice.one_of(LinkMode::ALL)
            } else {
                LinkMode::Live
            },
            manual: true,
        }),
        14 => Body::Rollover(Rollover {
            instrument,
            at: desk.now,
            days: dice.roll(256) as u8,
            weekday: dice.roll(9) as u8,
        }),
        15 => Body::DayStart(DayStart {
            at: desk.now,
            zone: 0,
        }),
        16 => Body::Mode(SetMode {
            scope: scope(dice),
            mode: if dice.roll(4) == 0 {
                dice.one_of(TradingMode::ALL)
            } else {
                TradingMode::Normal
            },
            allow_reducing: dice.flag(),
            note: 0,
            approver: ActorId(9),
        }),
        17 => Body::Kill(SetKill {
            scope: scope(dice),
            also: Also {
                trader: dice.roll(2) as u32,
                ..Also::ANY
            },
            on: dice.roll(4) == 0,
            allow_reducing: dice.flag(),
            note: 0,
            approver: ActorId(9),
        }),
        18 => Body::Limit(SetLimit {
            scope: scope(dice),
            kind: dice.one_of(LimitKind::ALL),
            value: dice.number(),
            note: 0,
            approver: ActorId(9),
        }),
        19 => Body::Halt(SetHalt {
            instrument,
            on: dice.roll(3) == 0,
            note: 0,
        }),
        5 => Body::Group(Box::new(any_group(dice))),
        6 => Body::Kill(SetKill {
            scope: scope(dice),
            also: Also::ANY,
            on: false,
            allow_reducing: true,
            note: 0,
            approver: ActorId(9),
        }),
        7 => match dice.roll(5) {
            3 => Body::Reconciled(Reconciled {
                order: past,
                executions: desk
                    .machine
                    .book()
                    .order(past)
                    .map_or(1, |order| order.unbooked.len() as u32),
                note: 0,
            }),
            0 => Body::ConfirmCall(account),
            1 => Body::LoggedIn(account),
            2 => Body::Reenable(Reenable {
                scope: scope(dice),
                note: 0,
            }),
            _ => Body::AcknowledgeRisk(account),
        },
        _ => terms(dice, account, instrument),
    }
}

fn terms(dice: &mut Dice, account: AccountId, id: InstrumentId) -> Body {
    match dice.roll(10) {
        9 => Body::Rules(Box::new(any_rules(dice, account))),
        7 => Body::Tiers(Box::new(any_tiers(dice))),
        8 => Body::Requirement(Requirement {
            instrument: id,
            id: dice.roll(3) as u16,
            from: Ts(desk_time(dice)),
            until: Ts(desk_time(dice) + dice.roll(HOUR_NS)),
            factor: if dice.flag() {
                Ratio::percent(150)
            } else {
                Ratio(dice.number())
            },
            held: dice.one_of(HeldPolicy::ALL),
            grace_ns: dice.roll(HOUR_NS),
        }),
        0 => {
            let mut terms = instrument(dice.one_of(&["EURUSD", "USDJPY", "XAUUSD"]));
            if dice.flag() {
                terms.id = id;
            }
            terms.margin_initial = Ratio(dice.number());
            terms.margin_fixed = Money(dice.number());
            terms.contract_size = dice.number();
            terms.price_digits = dice.roll(20) as u8;
            terms.mode = dice.one_of(CalcMode::ALL);
            terms.margin.hedge = dice.one_of(HedgeRule::ALL);
            if dice.roll(4) == 0 {
                terms.margin.hold_buy = Ratio(dice.number());
                terms.margin.fixed_hold = Money(dice.number());
            }
            if dice.flag() {
                terms.crypto.schedule = any_schedule(dice);
            }
            terms.swap = SwapTerms {
                mode: dice.one_of(SwapMode::ALL),
                long: Ratio(dice.number()),
                short: Ratio(dice.number()),
                week: [dice.roll(256) as u8; 7],
                point: Price(dice.roll(5) as i64),
                year_days: dice.roll(400) as u16,
            };
            Body::Instrument(Box::new(terms))
        }
        1 => Body::Account(AccountTerms {
            id: account,
            group: GroupId(dice.roll(3) as u16),
            link: LINK,
            currency: CurrencyId(dice.roll(8) as u16),
            accounting: Accounting::Hedging,
            leverage: dice.leverage(),
        }),
        2 => Body::Currency(CurrencyTerms {
            id: CurrencyId(dice.roll(8) as u16),
            digits: dice.roll(12) as u8,
            pivot: dice.roll(3) as u8,
        }),
        3 => Body::Review(SetReview {
            account,
            on: dice.roll(4) == 0,
            note: 0,
        }),
        5 => Body::MarkPrice(MarkPrice {
            instrument: id,
            source: SOURCE,
            price: Price(dice.price()),
            at: Ts(desk_time(dice)),
        }),
        6 => Body::OpenInterest(OpenInterest {
            instrument: id,
            value: Money(dice.number()),
        }),
        _ => Body::AcknowledgeRisk(account),
    }
}

fn any_order(
    dice: &mut Dice,
    account: AccountId,
    instrument: InstrumentId,
    seen: u64,
    now: Ts,
) -> NewOrder {
    NewOrder {
        account,
        instrument,
        side: dice.one_of(Side::ALL),
        kind: dice.one_of(OrderKind::ALL),
        tif: dice.one_of(Tif::ALL),
        qty: Qty(if dice.roll(4) == 0 {
            dice.number()
        } else {
            1 + dice.roll(50) as i64
        }),
        price: dice.maybe(),
        stop: dice.maybe(),
        expires: dice.flag().then(|| now.plus(dice.roll(100) * SECOND_NS)),
        position: dice
            .flag()
            .then(|| PositionId(seen.saturating_sub(dice.roll(60)))),
        reduce_only: dice.roll(5) == 0,
        slippage_max: Price(0),
        protection: protection(dice),
        client_id: [dice.roll(9) as u8; 16],
        trader: dice.roll(2) as u32,
        desk: 0,
        strategy: 0,
    }
}

fn protection(dice: &mut Dice) -> Protection {
    Protection {
        stop_loss: dice.maybe(),
        take_profit: dice.maybe(),
        trailing: Price(if dice.flag() { 0 } else { dice.number() }),
    }
}

fn scope(dice: &mut Dice) -> Scope {
    let id = dice.small();
    dice.one_of(&[
        Scope::House,
        Scope::Group(GROUP),
        Scope::Account(AccountId(id)),
        Scope::Instrument(InstrumentId(id)),
        Scope::Trader(1),
    ])
}

fn any_rules(dice: &mut Dice, account: AccountId) -> AccountRules {
    let mut level = |percent: i64| match dice.roll(6) {
        0 => Some(Ratio(dice.number())),
        1 | 2 => None,
        _ => Some(Ratio::percent(percent)),
    };
    let (warning, restricted, stop_out) = (level(120), level(60), level(40));
    AccountRules {
        warning,
        restricted,
        stop_out,
        rungs: dice.flag().then(|| any_closing(dice).rungs),
        stop_out_policy: dice.flag().then(|| dice.one_of(StopOutPolicy::ALL)),
        negative_balance_protection: dice.flag().then(|| dice.one_of(BalanceProtection::ALL)),
        hedge: dice.flag().then(|| dice.one_of(HedgeRule::ALL)),
        ..AccountRules::none(account)
    }
}

fn any_tiers(dice: &mut Dice) -> TierTerms {
    let mut band = |to: i64| Band {
        to,
        leverage: Leverage(dice.roll(3) * 3_333_000_000),
        initial: if dice.roll(8) == 0 {
            Ratio(dice.number())
        } else {
            Ratio::percent(150)
        },
        maintenance: Ratio::percent(dice.roll(300) as i64),
    };
    let bands = vec![band(1_000_000), band(50_000_000), band(0)];
    TierTerms {
        id: TierSetId(dice.roll(3) as u16),
        rules: vec![TierRule {
            id: 1,
            by: dice.one_of(TierBy::ALL),
            currency: dice.one_of(&[USD, EUR, JPY, CurrencyId(77)]),
            instruments: Vec::new(),
            cost: dice.one_of(TierCost::ALL),
            rounding: dice.one_of(RoundingStage::ALL),
            bands,
        }],
    }
}

fn any_group(dice: &mut Dice) -> GroupTerms {
    GroupTerms {
        margin_price: dice.one_of(MarginPrice::ALL),
        leverage: Leverage::of(100 * dice.small().min(9)),
        stop_out: Ratio::percent(dice.roll(90) as i64),
        stop_out_test: dice.one_of(LevelTest::ALL),
        stop_out_policy: dice.one_of(StopOutPolicy::ALL),
        stop_out_mode: dice.one_of(StopOutMode::ALL),
        free_margin: dice.one_of(FreeMargin::ALL),
        negative_balance_protection: dice.one_of(BalanceProtection::ALL),
        loss_account: Ratio::percent(5),
        loss_position: Ratio(dice.number()),
        rate_max: dice.roll(2) as u32 * 9,
        duplicate_window_ns: dice.roll(3) * SECOND_NS,
        call_flow: dice.one_of(CallFlow::ALL),
        throttle: ThrottleTerms {
            executions_max: dice.roll(6) as u32,
            window_ns: dice.roll(3) * MINUTE_NS,
        },
        warning: Ratio::percent(dice.one_of(&[5, 100])),
        restricted: Ratio::percent(dice.one_of(&[0, 50])),
        closing: any_closing(dice),
        loss: LossTerms {
            account_of: dice.one_of(LossBasis::ALL),
            position_of: dice.one_of(LossBasis::ALL),
            clear: Ratio::percent(dice.roll(101) as i64),
        },
        margin: GroupMargin {
            tiers: TierSetId(dice.roll(3) as u16),
            check_execution: dice.flag(),
            hedge: dice.flag().then(|| dice.one_of(HedgeRule::ALL)),
            ..GroupMargin::NONE
        },
        ..group()
    }
}

/// A venue's time, early or late.
fn desk_time(dice: &mut Dice) -> u64 {
    START.0 + dice.roll(100) * SECOND_NS
}

/// A schedule as somebody might write it, mostly sound.
fn any_schedule(dice: &mut Dice) -> MarginSchedule {
    let mut made = schedule(dice.one_of(&["brackets", "slope", "half", "interest"]));
    if let MarginSchedule::Brackets(brackets) = &mut made
        && dice.roll(3) == 0
    {
        let at = dice.roll(brackets.len() as u64) as usize;
        brackets[at].floor = Money(dice.number());
        brackets[at].rate = Ratio(dice.number());
    }
    made
}

fn any_closing(dice: &mut Dice) -> StopOutTerms {
    let mut rungs = StopOutTerms::PLAIN.rungs;
    for rung in rungs.iter_mut().take(dice.roll(4) as usize) {
        *rung = Ratio(dice.number());
    }
    if dice.flag() {
        rungs.sort_by(|a, b| b.cmp(a));
    }
    StopOutTerms {
        money: (dice.roll(4) == 0).then(|| Money(dice.number())),
        fully_hedged: dice.flag(),
        oldest_first: dice.flag(),
        at_mid: dice.flag(),
        inclusive: dice.flag(),
        rungs,
    }
}
