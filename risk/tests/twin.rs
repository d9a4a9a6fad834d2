//! The machine beside its slow, obvious twin: generated histories of prices, money, orders and fills run through both,
//! and after every input equity, used margin and margin state must be the same. `SIAGA_SEED` runs one history,
//! `SIAGA_HISTORIES` as many as it says.

mod desk;
mod naive;

use desk::script::exec_id;
use desk::seeds::{seeds, side_by_side};
use desk::*;
use naive::{Held, Resting, Twin};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Ask, Query, View};

const HISTORIES: u64 = 400;
const STEPS: u32 = 160;
/// Two of them have the leverage of their group.
const ACCOUNTS: [(u32, CurrencyId, Leverage); 7] = [
    (1, USD, Leverage::NONE),
    (2, EUR, Leverage(3_333_000_000)),
    (3, JPY, Leverage::of(200)),
    (4, USD, Leverage(1_250_000_000)),
    (5, USD, Leverage::NONE),
    (6, EUR, Leverage::of(50)),
    (7, JPY, Leverage::of(200)),
];
/// From this account on they net.
const NETTING_FROM: u32 = 5;
const TRADED: [(&str, i64, i64); 3] = [
    ("EURUSD", 110_000, 12),
    ("USDJPY", 150_000, 15),
    ("XAUUSD", 2_000_000, 400),
];

/// Small, seeded, the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }
}

#[test]
fn equity_margin_and_states_agree_with_the_twin() {
    let (seeds, whole) = seeds(HISTORIES);
    let crossings: u64 = side_by_side(&seeds, |seed| History::new(seed).run())
        .iter()
        .sum();
    assert!(
        crossings > 0 || !whole,
        "histories that cross nothing prove nothing"
    );
}

struct History {
    desk: Desk,
    twin: Twin,
    dice: Dice,
    execs: u64,
    crossings: u64,
    /// A copy restored from a snapshot in the middle, which must go on alike.
    copy: Option<Machine>,
}

impl History {
    fn new(seed: u64) -> History {
        let mut desk = Desk::open();
        let group = GroupTerms {
            stop_out_mode: StopOutMode::Observe,
            ..desk.group
        };
        desk.must(Body::Group(Box::new(group)));
        let mut listed = Vec::new();
        for (symbol, ..) in TRADED {
            let mut terms = instrument(symbol);
            terms.halt.grace_ns = 0;
            (terms.quote_age_max_ns, terms.cache_age_max_ns) = (HOUR_NS, DAY_NS);
            listed.push(terms);
        }
        let mut dice = Dice(seed);
        let mut group = group;
        group.margin.hedge = (dice.roll(3) == 0).then(|| dice.pick(HedgeRule::ALL));
        if dice.roll(3) == 0 {
            (group.preset, group.margin.caps) = (Preset::EsmaRetail, ESMA_CAPS);
        }
        let mut twin = Twin::new(group);
        let banded = dice.roll(3) > 0;
        let pooled = banded && dice.roll(2) == 0;
        let tiers = tiers(&mut dice, pooled);
        desk.must(Body::Tiers(Box::new(tiers.clone())));
        if banded {
            group.margin.tiers = tiers.id;
            twin.tiers = Some(tiers);
        }
        desk.must(Body::Group(Box::new(group)));
        for mut terms in listed {
            draw_terms(&mut dice, &mut terms);
            desk.must(Body::Instrument(Box::new(terms.clone())));
            twin.terms.insert(terms.id, terms);
        }
        for (id, currency, leverage) in ACCOUNTS {
            // Value is counted in dollars, and so are the accounts then: rates would leave the twin's fractions no room.
            let currency = if pooled { USD } else { currency };
            let (accounting, nets) = if id < NETTING_FROM {
                (Accounting::Hedging, false)
            } else {
                (Accounting::Netting, true)
            };
            desk.account_at(id, currency, accounting, leverage);
            twin.open(id, currency, nets, leverage);
            let rules = own_rules(&mut dice, id, nets);
            desk.must(Body::Rules(Box::new(rules)));
            twin.rules.insert(id, rules);
        }
        let mut history = History {
            desk,
            twin,
            dice,
            execs: 0,
            crossings: 0,
            copy: None,
        };
        for (symbol, mid, spread) in TRADED {
            history.quote(symbol, mid, mid + spread);
        }
        for (id, ..) in ACCOUNTS {
            let amount = if history.twin.accounts[&id].currency == JPY {
                1_000_000
            } else {
                1_000_000 + 7 * i64::from(id)
            };
            history.cash(id, amount);
        }
        history
    }

    fn run(mut self) -> u64 {
        for step in 0..STEPS {
            self.step();
            self.compare();
            if step == STEPS / 2 {
                self.copy = Some(Machine::restore(&self.desk.machine.snapshot()).unwrap());
            }
        }
        let hash = self.desk.machine.state_hash();
        assert_eq!(
            self.copy.map(|copy| copy.state_hash()),
            Some(hash),
            "the restored copy went another way"
        );
        self.crossings
    }

    fn step(&mut self) {
        self.desk.now = self.desk.now.plus(self.dice.roll(3) * SECOND_NS / 10);
        self.twin.now = self.desk.now;
        self.apply(Desk::clock);
        match self.dice.roll(28) {
            27 => self.roll(),
            21..=23 => self.launch(),
            24..=26 => self.land(),
            0..=10 => self.walk(),
            11..=13 => self.enter(),
            14 => self.rest(),
            15..=16 => self.leave(),
            17 => {
                let (id, ..) = self.dice.pick(&ACCOUNTS);
                let unit = match self.twin.accounts[&id].currency {
                    JPY => 100,
                    _ => 1,
                };
                let amount = self.dice.roll(20_000) as i64 * unit - 8_000;
                self.cash(id, amount);
            }
            18 => {
                let (symbol, ..) = self.dice.pick(&TRADED);
                let on = !self.twin.halted.remove(&instrument_id(symbol));
                if on {
                    self.twin.halted.insert(instrument_id(symbol));
                }
                self.put(Body::Halt(SetHalt {
                    instrument: instrument_id(symbol),
                    on,
                    note: 0,
                }));
            }
            19 => self.raise(),
            _ => self.cancel(),
        }
    }

    /// A day of an instrument ends, working or not.
    fn roll(&mut self) {
        let (symbol, ..) = self.dice.pick(&TRADED);
        let (instrument, days) = (instrument_id(symbol), self.dice.pick(&[0, 1, 3]));
        if days > 0 {
            self.twin.roll(instrument);
        }
        let at = self.desk.now;
        self.put(Body::Rollover(Rollover {
            instrument,
            at,
            days,
            weekday: 2,
        }));
        self.apply(Desk::clock);
    }

    /// The requirement of an instrument goes up for a while.
    fn raise(&mut self) {
        let (symbol, ..) = self.dice.pick(&TRADED);
        let from = self.desk.now.plus(self.dice.roll(3) * SECOND_NS / 4);
        let window = Requirement {
            instrument: instrument_id(symbol),
            id: self.dice.roll(2) as u16,
            from,
            until: from.plus((1 + self.dice.roll(20)) * SECOND_NS / 4),
            factor: self.dice.pick(&[
                Ratio::percent(100),
                Ratio::percent(150),
                Ratio::percent(300),
            ]),
            held: self.dice.pick(HeldPolicy::ALL),
            grace_ns: self.dice.roll(4) * SECOND_NS / 2,
        };
        let out = self.put(Body::Requirement(window));
        let taken =
            |output: &Output| matches!(output, Output::Answer(answer) if answer.reasons.is_empty());
        assert!(out.iter().any(taken), "a window is taken");
        self.twin
            .windows
            .retain(|old| (old.instrument, old.id) != (window.instrument, window.id));
        self.twin.windows.push(window);
    }

    /// Mostly small moves, sometimes a gap; sometimes merged with worse prices.
    fn walk(&mut self) {
        let (symbol, mid, spread) = self.dice.pick(&TRADED);
        let id = instrument_id(symbol);
        let (bid, _) = self.twin.prices[&id];
        let size = if self.dice.roll(12) == 0 {
            mid / 60
        } else {
            mid / 3_000
        };
        let bid = (bid + self.dice.roll(2 * size as u64 + 1) as i64 - size).max(mid / 2);
        let ask = bid + self.dice.roll(2 * spread as u64) as i64;
        if self.dice.roll(8) == 0 {
            let (low, high) = (
                self.dice.roll(size as u64) as u32,
                self.dice.roll(size as u64) as u32,
            );
            self.twin
                .prices
                .insert(id, (bid - i64::from(low), ask + i64::from(high)));
            let extreme: Vec<(u32, MarginState)> = ACCOUNTS
                .iter()
                .map(|(account, ..)| (*account, self.twin.state(*account)))
                .collect();
            let before: Vec<MarginState> = ACCOUNTS
                .iter()
                .map(|(account, ..)| self.view(*account).state)
                .collect();
            self.twin.prices.insert(id, (bid, ask));
            let out = self.apply(|desk| desk.quote_merged(symbol, bid, ask, low, high));
            for ((account, at_extreme), before) in extreme.into_iter().zip(before) {
                let changes = out.iter().filter_map(|output| match output {
                    Output::Margin(change) if change.account == AccountId(account) => {
                        Some(change.to)
                    }
                    _ => None,
                });
                let mut expected = vec![before, at_extreme, self.twin.state(account)];
                expected.dedup();
                assert_eq!(
                    changes.collect::<Vec<_>>(),
                    expected[1..],
                    "crossings of account {account} by a merged quote"
                );
            }
        } else {
            self.quote(symbol, bid, ask);
        }
    }

    fn quote(&mut self, symbol: &str, bid: i64, ask: i64) {
        self.twin.prices.insert(instrument_id(symbol), (bid, ask));
        self.apply(|desk| desk.quote(symbol, bid, ask));
    }

    fn cash(&mut self, id: u32, amount: i64) {
        let kind = CashKind::Correction;
        self.put(Body::Cash(Cash {
            account: AccountId(id),
            kind,
            amount: Money(amount),
            reference: 0,
        }));
        self.twin.accounts.get_mut(&id).unwrap().balance += amount;
    }

    fn enter(&mut self) {
        let (account, ..) = self.dice.pick(&ACCOUNTS);
        let (symbol, ..) = self.dice.pick(&TRADED);
        let side = self.dice.pick(&[Side::Buy, Side::Sell]);
        let qty = 1 + self.dice.roll(60) as i64;
        let out = self.put(Body::Order(Box::new(order(account, symbol, side, qty))));
        if let Some(id) = accepted(&out) {
            let id_instrument = instrument_id(symbol);
            let (bid, ask) = self.twin.prices[&id_instrument];
            let price = if side == Side::Buy { ask } else { bid } + self.dice.roll(5) as i64 - 2;
            let commission = self.dice.roll(3) as i64;
            let part = if self.dice.roll(4) == 0 { qty / 2 } else { 0 };
            let rate = self.twin.margin_rate(account, id_instrument, side);
            if account >= NETTING_FROM {
                let order = Resting {
                    order: id,
                    instrument: id_instrument,
                    side,
                    qty,
                    price,
                    rate,
                    market: true,
                    closing: self.twin.closes(account, id_instrument, side, qty),
                };
                for qty in [part, qty - part].into_iter().filter(|qty| *qty > 0) {
                    self.fill_net(account, &order, qty, price, commission);
                }
                return;
            }
            for qty in [part, qty - part].into_iter().filter(|qty| *qty > 0) {
                self.fill(id, qty, price, commission);
                self.twin.accounts.get_mut(&account).unwrap().balance -= commission;
            }
            let position = PositionId(self.first_fill_seq(qty, part));
            self.twin
                .accounts
                .get_mut(&account)
                .unwrap()
                .held
                .push(Held {
                    position,
                    instrument: id_instrument,
                    side,
                    qty,
                    cost: i128::from(qty) * i128::from(price),
                    margin_cost: i128::from(qty) * i128::from(price),
                    rate,
                    lots: vec![(self.desk.now, qty)],
                });
        }
    }

    /// One fill of a netting account.
    fn fill_net(&mut self, account: u32, order: &Resting, qty: i64, price: i64, commission: i64) {
        let rate = self.twin.margin_rate(account, order.instrument, order.side);
        let fill = naive::Held {
            position: PositionId(self.desk.inputs.len() as u64 + 1),
            instrument: order.instrument,
            side: order.side,
            qty,
            cost: 0,
            margin_cost: 0,
            rate,
            lots: Vec::new(),
        };
        self.twin.net(account, fill, price);
        self.twin.accounts.get_mut(&account).unwrap().balance -= commission;
        self.twin.lift(account);
        self.fill(order.order, qty, price, commission);
    }

    /// A market order of a netting account that the broker has not answered: it may open, close or turn the net.
    fn launch(&mut self) {
        let account = NETTING_FROM + self.dice.roll(3) as u32;
        let (symbol, ..) = self.dice.pick(&TRADED);
        let instrument = instrument_id(symbol);
        let side = self.dice.pick(&[Side::Buy, Side::Sell]);
        let qty = 1 + self.dice.roll(40) as i64;
        let rate = self.twin.margin_rate(account, instrument, side);
        let (bid, ask) = self.twin.prices[&instrument];
        let out = self.put(Body::Order(Box::new(order(account, symbol, side, qty))));
        if let Some(order) = accepted(&out) {
            let launched = Resting {
                order,
                instrument,
                side,
                qty,
                price: if side == Side::Buy { ask } else { bid },
                rate,
                market: true,
                closing: self.twin.closes(account, instrument, side, qty),
            };
            let mine = self.twin.accounts.get_mut(&account).unwrap();
            mine.resting.push(launched);
        }
    }

    /// A part of a launched order is filled, or all that is left of it, or the broker refuses it.
    fn land(&mut self) {
        let account = NETTING_FROM + self.dice.roll(3) as u32;
        let launched = self.twin.accounts[&account].resting.clone();
        let launched: Vec<Resting> = launched.into_iter().filter(|order| order.market).collect();
        if launched.is_empty() {
            return;
        }
        let order = launched[self.dice.roll(launched.len() as u64) as usize];
        let qty = match self.dice.roll(4) {
            0 => 0,
            1 => 1 + self.dice.roll(order.qty as u64) as i64,
            _ => order.qty,
        };
        let mine = self.twin.accounts.get_mut(&account).unwrap();
        for other in mine
            .resting
            .iter_mut()
            .filter(|other| other.order == order.order)
        {
            other.qty = if qty == 0 { 0 } else { order.qty - qty };
        }
        mine.resting.retain(|other| other.qty > 0);
        if qty == 0 {
            self.put(Body::Report(BrokerReport {
                link: LINK,
                order: order.order,
                exec: ExecId::default(),
                event: BrokerEvent::Cancelled,
            }));
            return;
        }
        let (bid, ask) = self.twin.prices[&order.instrument];
        let price = if order.side == Side::Buy { ask } else { bid };
        let price = price + self.dice.roll(5) as i64 - 2;
        let commission = self.dice.roll(3) as i64;
        self.fill_net(account, &order, qty, price, commission);
    }

    /// The position is named by the first of the one or two fills just applied.
    fn first_fill_seq(&self, qty: i64, part: i64) -> u64 {
        let fills = if part > 0 && part < qty { 2 } else { 1 };
        self.desk.inputs.len() as u64 + 1 - fills
    }

    /// An order far from the market, held in the core: its margin is reserved.
    fn rest(&mut self) {
        let (account, ..) = self.dice.pick(&ACCOUNTS);
        let (symbol, mid, _) = self.dice.pick(&TRADED);
        let instrument = instrument_id(symbol);
        let mut order = order(
            account,
            symbol,
            self.dice.pick(&[Side::Buy, Side::Sell]),
            1 + self.dice.roll(20) as i64,
        );
        let price = if order.side == Side::Buy {
            mid / 3
        } else {
            mid * 3
        };
        (order.kind, order.price) = (OrderKind::Limit, Some(Price(price)));
        let rate = self.twin.margin_rate(account, instrument, order.side);
        let out = self.put(Body::Order(Box::new(order)));
        if let Some(id) = accepted(&out) {
            let resting = Resting {
                order: id,
                instrument,
                side: order.side,
                qty: order.qty.0,
                price,
                rate,
                market: false,
                closing: self
                    .twin
                    .closes(account, instrument, order.side, order.qty.0),
            };
            self.twin
                .accounts
                .get_mut(&account)
                .unwrap()
                .resting
                .push(resting);
        }
    }

    fn cancel(&mut self) {
        let (account, ..) = self.dice.pick(&ACCOUNTS);
        let mine = self.twin.accounts.get_mut(&account).unwrap();
        let Some(at) = mine.resting.iter().rposition(|order| !order.market) else {
            return;
        };
        let resting = mine.resting.remove(at);
        self.put(Body::Cancel(Cancel {
            account: AccountId(account),
            order: resting.order,
        }));
    }

    fn leave(&mut self) {
        let account = 1 + self.dice.roll(u64::from(NETTING_FROM) - 1) as u32;
        let held = self.twin.accounts[&account].held.len() as u64;
        if held == 0 {
            return;
        }
        let at = self.dice.roll(held) as usize;
        let held = self.twin.accounts[&account].held[at].clone();
        let qty = if self.dice.roll(2) == 0 {
            held.qty
        } else {
            1 + self.dice.roll(held.qty as u64) as i64
        };
        let side = if held.side == Side::Buy {
            Side::Sell
        } else {
            Side::Buy
        };
        let symbol = INSTRUMENTS[held.instrument.0 as usize - 1].0;
        let close = NewOrder {
            position: Some(held.position),
            ..order(account, symbol, side, qty)
        };
        let out = self.put(Body::Order(Box::new(close)));
        let id = accepted(&out).expect("closing is always let through");
        let (bid, ask) = self.twin.prices[&held.instrument];
        let price = if side == Side::Sell { bid } else { ask } + self.dice.roll(5) as i64 - 2;
        let result = self.twin.realised(account, &held, qty, price);
        // Now and then the broker says more than is open: that is not booked.
        let beyond = if qty == held.qty && self.dice.roll(4) == 0 {
            1 + self.dice.roll(held.qty as u64) as i64
        } else {
            0
        };
        self.fill(id, qty + beyond, price, 0);
        let mine = self.twin.accounts.get_mut(&account).unwrap();
        mine.balance += result;
        mine.held[at].take(qty);
        mine.held.retain(|held| held.qty > 0);
        self.twin.lift(account);
    }

    fn fill(&mut self, order: OrderId, qty: i64, price: i64, commission: i64) {
        self.execs += 1;
        let fill = Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(commission),
        };
        let report = BrokerReport {
            link: LINK,
            order,
            exec: exec_id(self.execs),
            event: BrokerEvent::Filled(fill),
        };
        self.put(Body::Report(report));
    }

    fn put(&mut self, body: Body) -> Vec<Output> {
        self.apply(|desk| desk.command(body))
    }

    fn apply(&mut self, act: impl FnOnce(&mut Desk) -> Vec<Output>) -> Vec<Output> {
        let out = act(&mut self.desk);
        self.crossings += out
            .iter()
            .filter(|output| matches!(output, Output::Margin(_)))
            .count() as u64;
        // What the core cancelled is no longer in flight.
        for output in &out {
            if let Output::Order(change) = output
                && matches!(change.state, OrderState::Cancelled | OrderState::Rejected)
            {
                let mine = self.twin.accounts.get_mut(&change.order.account.0).unwrap();
                mine.resting.retain(|order| order.order != change.id);
            }
        }
        if let Some(copy) = &mut self.copy {
            let mut again = Vec::new();
            copy.apply(
                self.desk.inputs.len() as Seq,
                self.desk.inputs.last().unwrap(),
                &mut again,
            );
            assert_eq!(again, out, "the restored copy says something else");
        }
        out
    }

    fn view(&self, account: u32) -> AccountView {
        let reply = self.desk.machine.ask(&Ask {
            token: 0,
            query: Query::Account(AccountId(account)),
        });
        match reply.view {
            View::Account(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn compare(&self) {
        for (account, ..) in ACCOUNTS {
            let view = self.view(account);
            let (_, soft) = self.twin.used(account);
            assert_eq!(
                view.balance.0, self.twin.accounts[&account].balance,
                "balance of {account}"
            );
            assert_eq!(view.used.0, soft, "used margin of {account}");
            assert_eq!(
                view.equity.0,
                self.twin.equity(account).round(),
                "equity of {account}"
            );
            assert_eq!(view.state, self.twin.state(account), "state of {account}");
        }
    }
}

/// What an account has otherwise than its group, drawn; levels fall whatever the others are.
fn own_rules(dice: &mut Dice, id: u32, nets: bool) -> AccountRules {
    let mut drawn = |percents: &[i64]| {
        let percent = dice.pick(percents);
        (percent > 0).then(|| Ratio::percent(percent))
    };
    let levels = [
        drawn(&[0, 120, 75]),
        drawn(&[0, 60, 50]),
        drawn(&[0, 45, 20]),
    ];
    let hedges = !nets && dice.roll(3) == 0;
    AccountRules {
        warning: levels[0],
        restricted: levels[1],
        stop_out: levels[2],
        hedge: hedges.then(|| dice.pick(HedgeRule::ALL)),
        ..AccountRules::none(AccountId(id))
    }
}

/// How an instrument is charged, drawn: caps, maintenance below the initial margin, fixed amounts per lot.
fn draw_terms(dice: &mut Dice, terms: &mut InstrumentTerms) {
    terms.margin = margin_terms(dice);
    terms.swap = SwapTerms::NONE;
    terms.leverage_max = dice.pick(&[Leverage::NONE, Leverage::NONE, Leverage::of(50)]);
    terms.margin_maintenance = dice.pick(&[Ratio::ONE, Ratio::ONE, Ratio::percent(50)]);
    terms.margin.class = dice.pick(&[
        CapClass::MajorForex,
        CapClass::MinorForexGoldIndex,
        CapClass::Commodity,
    ]);
    if dice.roll(4) == 0 {
        terms.margin_fixed = Money(10_000_300);
        terms.margin.fixed_hold = dice.pick(&[Money(0), Money(8_000_240)]);
        terms.margin.fixed_hedged = dice.pick(&[None, Some(Money(0)), Some(Money(3_000_090))]);
    }
}

/// Rates and hedges of an instrument, drawn.
fn margin_terms(dice: &mut Dice) -> MarginTerms {
    let rates = [
        Ratio::ONE,
        Ratio::percent(115),
        Ratio::percent(50),
        Ratio::percent(200),
    ];
    let mut of = |_: ()| MarginRates::all(dice.pick(&rates));
    let (buy, sell) = (of(()), of(()));
    MarginTerms {
        hedge: dice.pick(HedgeRule::ALL),
        buy,
        sell,
        hold_buy: dice.pick(&rates),
        hold_sell: dice.pick(&rates),
        ..MarginTerms::NONE
    }
}

/// Bands by tenths of lots for two of the instruments, each alone; the third has none. Pooled, the other two fill bands
/// together, by thousands of dollars.
fn tiers(dice: &mut Dice, pooled: bool) -> TierTerms {
    let leverages = [Leverage::NONE, Leverage::of(400), Leverage::of(20)];
    let mut rule = |id, names: &[&str], by, ends: [i64; 3]| TierRule {
        id,
        by,
        currency: USD,
        instruments: names.iter().map(|name| instrument_id(name)).collect(),
        cost: TierCost::Average,
        rounding: RoundingStage::Total,
        bands: ends
            .into_iter()
            .zip([(100, 100), (200, 150), (300, 250)])
            .map(|(to, (initial, maintenance))| Band {
                to,
                leverage: dice.pick(&leverages),
                initial: Ratio::percent(initial),
                maintenance: Ratio::percent(maintenance),
            })
            .collect(),
    };
    let tenths = [3, 8, 0].map(|lots| lots * 10_000_000);
    let alone = TierBy::VolumePerSymbol;
    let rules = if pooled {
        let ends = [40, 90, 0].map(|thousands| thousands * 100_000);
        vec![
            rule(1, &["USDJPY", "XAUUSD"], TierBy::Notional, ends),
            rule(2, &["EURUSD"], alone, tenths),
        ]
    } else {
        vec![rule(1, &["EURUSD", "XAUUSD"], alone, tenths)]
    };
    TierTerms {
        id: TierSetId(3),
        rules,
    }
}

fn accepted(out: &[Output]) -> Option<OrderId> {
    out.iter().find_map(|output| match output {
        Output::Answer(answer) if answer.reasons.is_empty() => answer.order,
        _ => None,
    })
}
