//! The watch beside the full pass: two machines over the same generated histories, one of which looks at everybody
//! whom a price concerns. Every output must be the same, at the same input, in the same order; and after every input
//! no account may be able to leave its band unseen, with all its prices at their worst together, nor may the watch count
//! on more room than there is. `SIAGA_SEED` runs one
//! history, `SIAGA_HISTORIES` as many as it says.

mod desk;

use desk::dice::Dice;
use desk::script::exec_id;
use desk::seeds::{Seed, seeds};
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const HISTORIES: u64 = 48;
/// Histories in which a fault was found: an account kept its purse while a rate rose, and by its rows had none.
const FOUND: [u64; 1] = [339];
const STEPS: u32 = 420;
const ACCOUNTS: u32 = 24;
const SECOND_GROUP: GroupId = GroupId(2);
const PRICES: [(&str, i64, i64); 6] = [
    ("EURUSD", 110_000, 12),
    ("USDJPY", 150_000, 15),
    ("USDIDR", 15_800, 4),
    ("XAUUSD", 2_350_000, 400),
    ("BTCUSD", 6_100_000, 900),
    ("US500", 53_000, 5),
];
/// A ten-thousandth, or one step where that is more: what the invariant must find.
const FAULT_MILLIONTHS: u32 = 100;

#[derive(Debug, Default)]
struct Seen {
    crossings: u64,
    losses: u64,
    stop_outs: u64,
    dead: u64,
    boxes: u64,
}

#[test]
fn bands_say_what_the_full_pass_says() {
    let (seeds, whole) = seeds(HISTORIES);
    let mut seen = Seen::default();
    let found = FOUND.into_iter().filter(|_| whole);
    for seed in seeds.into_iter().chain(found) {
        let _told = Seed(seed);
        History::new(seed).run(&mut seen);
    }
    let wanted = |count: u64, least: u64| count >= least || !whole;
    assert!(
        wanted(seen.crossings, 1_000)
            && wanted(seen.losses, 300)
            && wanted(seen.stop_outs, 100)
            && wanted(seen.dead, 20)
            && wanted(seen.boxes, 20_000),
        "histories in which little happens prove little: {seen:?}"
    );
}

/// Bands a ten-thousandth too wide rarely miss a crossing, so only the invariant finds them.
#[test]
fn bands_too_wide_by_a_ten_thousandth_are_found() {
    let (seeds, whole) = seeds(6);
    let found = |seed: &u64| {
        let mut history = History::new(*seed);
        history.desk.machine.fault_bands(FAULT_MILLIONTHS);
        history.desk.machine.slow_bands(0);
        history.converted_alone = seed.is_multiple_of(2);
        (0..STEPS).any(|_| {
            history.step();
            history.desk.machine.audit_watch().is_err()
        })
    };
    let (converted, others): (Vec<u64>, Vec<u64>) = seeds
        .into_iter()
        .filter(found)
        .partition(|seed| seed.is_multiple_of(2));
    assert!(
        !whole || !converted.is_empty() && !others.is_empty(),
        "found in {converted:?} and {others:?}"
    );
}

/// More of them than are read side by side, and none of them known to the watch.
#[test]
fn accounts_without_positions_are_settled_together() {
    let mut desk = Desk::open();
    for account in 1..=100 {
        desk.must(Body::Account(AccountTerms {
            id: AccountId(account),
            group: GROUP,
            link: LINK,
            currency: USD,
            accounting: Accounting::Hedging,
            leverage: Leverage::of(100),
        }));
    }
    let group = desk.group;
    desk.must(Body::Group(Box::new(group)));
    let at = desk.now;
    desk.must(Body::DayStart(DayStart { at, zone: 0 }));
    desk.machine.audit_watch().unwrap();
}

struct History {
    desk: Desk,
    slow: u32,
    /// Looks at everybody whom a price concerns.
    full: Machine,
    dice: Dice,
    execs: u64,
    bids: [i64; 6],
    /// Positions open, as the outputs told.
    held: Vec<(PositionId, AccountId, InstrumentId, Side, i64)>,
    working: Vec<OrderId>,
    /// Only accounts whose results are converted act.
    converted_alone: bool,
}

impl History {
    fn new(seed: u64) -> History {
        let mut full = Machine::new();
        full.watch_plainly();
        let mut history = History {
            desk: Desk::open(),
            // Every second history places one account at an input and looks at the others meanwhile.
            slow: if seed.is_multiple_of(2) { 11 } else { 0 },
            full,
            dice: Dice(seed),
            execs: 0,
            bids: PRICES.map(|(_, bid, _)| bid),
            held: Vec::new(),
            working: Vec::new(),
            converted_alone: false,
        };
        for at in 0..history.desk.inputs.len() {
            let input = history.desk.inputs[at].clone();
            history.full.apply(at as Seq + 1, &input, &mut Vec::new());
        }
        history.desk.machine.slow_bands(history.slow);
        history.terms();
        history
    }

    fn terms(&mut self) {
        let first = self.desk.group;
        self.put(Body::Group(Box::new(GroupTerms {
            stop_out_mode: StopOutMode::Observe,
            loss_account: Ratio::percent(5),
            loss_position: Ratio::percent(50),
            ..first
        })));
        self.put(Body::Group(Box::new(GroupTerms {
            id: SECOND_GROUP,
            stop_out_policy: StopOutPolicy::LosersFirst,
            ..first
        })));
        for (symbol, ..) in PRICES {
            let mut terms = instrument(symbol);
            terms.halt.grace_ns = 20 * SECOND_NS;
            self.put(Body::Instrument(Box::new(terms)));
        }
        // The rupiah is quoted later: until then its accounts miss a rate.
        for (symbol, bid, spread) in PRICES {
            if symbol != "USDIDR" {
                self.quote(symbol, bid, bid + spread);
            }
        }
        for account in 1..=ACCOUNTS {
            let currency = [USD, EUR, JPY, USD, IDR, USD][account as usize % 6];
            self.put(Body::Account(AccountTerms {
                id: AccountId(account),
                group: if account % 3 == 0 {
                    SECOND_GROUP
                } else {
                    GROUP
                },
                link: LINK,
                currency,
                accounting: if account % 5 == 0 {
                    Accounting::Netting
                } else {
                    Accounting::Hedging
                },
                leverage: Leverage::of([100, 50, 200][account as usize % 3]),
            }));
            self.put(Body::Rules(Box::new(AccountRules {
                warning: account.is_multiple_of(4).then_some(Ratio::percent(150)),
                stop_out: account.is_multiple_of(2).then_some(Ratio::percent(48)),
                // Refused where an account nets.
                hedge: (account % 4 == 1).then_some(HedgeRule::Sum),
                ..AccountRules::none(AccountId(account))
            })));
            let unit = [100, 100, 150, 100, 15_000, 100][account as usize % 6];
            self.cash(account, 1_500 * unit);
        }
        self.put(Body::DayStart(DayStart {
            at: self.desk.now,
            zone: 0,
        }));
    }

    fn run(mut self, seen: &mut Seen) {
        for step in 0..STEPS {
            for output in self.step() {
                match output {
                    Output::Margin(_) => seen.crossings += 1,
                    Output::Loss(_) => seen.losses += 1,
                    Output::StopOut(_) => seen.stop_outs += 1,
                    Output::Feed(change) if change.to == FeedState::Unavailable => seen.dead += 1,
                    _ => {}
                }
            }
            match self.desk.machine.audit_watch() {
                Ok(boxes) => seen.boxes += boxes as u64,
                Err(fault) => panic!("step {step}, after {:?}: {fault}", self.desk.inputs.last()),
            }
            if step % 100 == 99 {
                self.restore();
            }
        }
    }

    /// Bands are no part of the state: a machine restored in the middle goes on alike.
    fn restore(&mut self) {
        let hash = self.desk.machine.state_hash();
        assert_eq!(hash, self.full.state_hash(), "bands are in the state");
        self.desk.machine = Machine::restore(&self.desk.machine.snapshot()).unwrap();
        assert_eq!(hash, self.desk.machine.state_hash());
        self.desk.machine.slow_bands(self.slow);
        self.desk.machine.audit_watch().unwrap();
    }

    fn step(&mut self) -> Vec<Output> {
        self.desk.now = self.desk.now.plus(self.dice.roll(4) * SECOND_NS / 4);
        match self.dice.roll(40) {
            0..=21 => self.walk(),
            22..=25 => self.enter(),
            26..=29 => self.report(),
            30..=32 => self.leave(),
            33 => {
                let account = self.account();
                let amount = self.dice.roll(200_000) as i64 - 90_000;
                self.cash(account, amount)
            }
            34 => self.halt(),
            35 => self.change_group(),
            36 => self.change_instrument(),
            37 => {
                // Silence: prices become delayed, then dead, and are moved against whoever holds them.
                let long = self.dice.roll(6) == 0;
                let quiet = if long { 400 } else { 4 };
                self.desk.now = self.desk.now.plus(quiet * SECOND_NS);
                self.apply(|desk| desk.clock())
            }
            38 => self.crash(),
            _ => self.protect(),
        }
    }

    fn account(&mut self) -> u32 {
        1 + self.dice.roll(u64::from(ACCOUNTS)) as u32
    }

    /// Mostly small moves, sometimes a gap of three per cent; some stand for merged ones with worse prices.
    fn walk(&mut self) -> Vec<Output> {
        // Half of everything happens in one instrument.
        let at = if self.dice.roll(2) == 0 {
            0
        } else {
            self.dice.roll(6) as usize
        };
        let (symbol, start, spread) = PRICES[at];
        let size = match self.dice.roll(12) {
            0 => self.bids[at] * 3 / 100,
            1..=3 => self.bids[at] / 500,
            _ => self.bids[at] / 8_000,
        };
        let moved = self.dice.roll(2 * size as u64 + 1) as i64 - size;
        let bid = (self.bids[at] + moved).clamp(start / 3, start * 3);
        self.bids[at] = bid;
        let ask = bid + self.dice.roll(2 * spread as u64) as i64;
        if self.dice.roll(8) > 0 {
            return self.quote(symbol, bid, ask);
        }
        let worse = |dice: &mut Dice| dice.roll(bid as u64 / 40) as u32;
        let (drop, rise) = (worse(&mut self.dice), worse(&mut self.dice));
        self.apply(|desk| desk.quote_merged(symbol, bid, ask, drop, rise))
    }

    /// Ten per cent down in ten quotes.
    fn crash(&mut self) -> Vec<Output> {
        let at = self.dice.roll(6) as usize;
        let (symbol, start, spread) = PRICES[at];
        let mut all = Vec::new();
        for _ in 0..10 {
            self.bids[at] = (self.bids[at] * 99 / 100).max(start / 3);
            all.extend(self.quote(symbol, self.bids[at], self.bids[at] + spread));
        }
        all
    }

    fn quote(&mut self, symbol: &str, bid: i64, ask: i64) -> Vec<Output> {
        self.apply(|desk| desk.quote(symbol, bid, ask))
    }

    fn cash(&mut self, account: u32, amount: i64) -> Vec<Output> {
        self.put(Body::Cash(Cash {
            account: AccountId(account),
            kind: CashKind::Correction,
            amount: Money(amount),
            reference: 0,
        }))
    }

    fn enter(&mut self) -> Vec<Output> {
        let mut account = self.account();
        if self.converted_alone {
            account = account / 6 * 6 + 1;
        }
        let at = if self.dice.roll(2) == 0 {
            0
        } else {
            self.dice.roll(6) as usize
        };
        let side = self.dice.pick(&[Side::Buy, Side::Sell]);
        let qty = 1 + self.dice.roll(if at == 0 { 80 } else { 20 }) as i64;
        let order = order(account.clamp(1, ACCOUNTS), PRICES[at].0, side, qty);
        self.put(Body::Order(Box::new(order)))
    }

    /// What the broker says of an order it was given: part of it, or all.
    fn report(&mut self) -> Vec<Output> {
        let Some(id) = self.working.pop() else {
            return self.enter();
        };
        let Some(order) = self.desk.machine.book().order(id).cloned() else {
            return Vec::new();
        };
        let left = order.remaining().0;
        let qty = if self.dice.roll(3) == 0 {
            1 + left / 2
        } else {
            left
        }
        .min(left);
        if qty <= 0 {
            return Vec::new();
        }
        if qty < left {
            self.working.push(id);
        }
        let at = order.order.instrument.0 as usize - 1;
        let price = self.bids[at] + self.dice.roll(PRICES[at].2 as u64) as i64;
        let commission = Money(self.dice.roll(50) as i64);
        self.execs += 1;
        self.put(Body::Report(BrokerReport {
            link: LINK,
            order: id,
            exec: exec_id(self.execs),
            event: BrokerEvent::Filled(Fill {
                qty: Qty(qty),
                price: Price(price),
                commission,
            }),
        }))
    }

    fn leave(&mut self) -> Vec<Output> {
        if self.held.is_empty() {
            return self.enter();
        }
        let at = self.dice.roll(self.held.len() as u64) as usize;
        let (position, account, instrument, side, qty) = self.held[at];
        let part = if self.dice.roll(2) == 0 {
            qty
        } else {
            1 + qty / 3
        };
        let side = if side == Side::Buy {
            Side::Sell
        } else {
            Side::Buy
        };
        let symbol = PRICES[instrument.0 as usize - 1].0;
        let netting = account.0 % 5 == 0;
        self.put(Body::Order(Box::new(NewOrder {
            position: (!netting).then_some(position),
            ..order(account.0, symbol, side, part.min(qty))
        })))
    }

    fn halt(&mut self) -> Vec<Output> {
        let instrument = InstrumentId(1 + self.dice.roll(6) as u32);
        let on = self.dice.roll(3) > 0;
        self.put(Body::Halt(SetHalt {
            instrument,
            on,
            note: 0,
        }))
    }

    fn change_group(&mut self) -> Vec<Output> {
        let (id, group) = (self.dice.pick(&[GROUP, SECOND_GROUP]), self.desk.group);
        let terms = GroupTerms {
            id,
            leverage: Leverage::of(self.dice.pick(&[30, 100, 200])),
            warning: self.dice.pick(&[Ratio::percent(100), Ratio::percent(120)]),
            stop_out: self.dice.pick(&[Ratio::percent(30), Ratio::percent(45)]),
            stop_out_mode: self.dice.pick(&[StopOutMode::Observe, StopOutMode::Act]),
            margin_price: self.dice.pick(&[
                MarginPrice::Open,
                MarginPrice::Open,
                MarginPrice::Open,
                MarginPrice::Mid,
            ]),
            loss_account: self.dice.pick(&[Ratio(0), Ratio::percent(5)]),
            loss_position: self.dice.pick(&[Ratio(0), Ratio::percent(50)]),
            ..group
        };
        self.put(Body::Group(Box::new(terms)))
    }

    fn change_instrument(&mut self) -> Vec<Output> {
        let (symbol, ..) = self.dice.pick(&PRICES);
        let mut terms = instrument(symbol);
        terms.margin_initial = self.dice.pick(&[Ratio::ONE, Ratio::percent(150)]);
        terms.margin_maintenance = terms.margin_initial;
        terms.halt.grace_ns = self.dice.pick(&[0, 20 * SECOND_NS]);
        self.put(Body::Instrument(Box::new(terms)))
    }

    fn protect(&mut self) -> Vec<Output> {
        if self.held.is_empty() {
            return self.enter();
        }
        let at = self.dice.roll(self.held.len() as u64) as usize;
        let (position, account, instrument, side, _) = self.held[at];
        let bid = self.bids[instrument.0 as usize - 1];
        let away = 1 + self.dice.roll(bid as u64 / 50) as i64;
        let sign = if side == Side::Buy { 1 } else { -1 };
        let trailing = if self.dice.roll(3) == 0 { away } else { 0 };
        self.put(Body::Protect(Protect {
            account,
            position,
            protection: Protection {
                stop_loss: Some(Price(bid - sign * away * 2)),
                take_profit: Some(Price(bid + sign * away * 2)),
                trailing: Price(trailing),
            },
        }))
    }

    fn put(&mut self, body: Body) -> Vec<Output> {
        self.apply(|desk| desk.command(body))
    }

    /// Both machines, and the same from both.
    fn apply(&mut self, act: impl FnOnce(&mut Desk) -> Vec<Output>) -> Vec<Output> {
        let out = act(&mut self.desk);
        let (seq, input) = (
            self.desk.inputs.len() as Seq,
            self.desk.inputs.last().unwrap(),
        );
        let mut full = Vec::new();
        self.full.apply(seq, input, &mut full);
        let differs = out.iter().zip(&full).position(|(one, other)| one != other);
        let differs = differs.unwrap_or(out.len().min(full.len()));
        assert_eq!(
            out.get(differs),
            full.get(differs),
            "bands, and the full pass, at input {seq}: {input:?}"
        );
        for output in &out {
            match output {
                Output::Send(Send {
                    command: LinkCommand::Submit(submit),
                    ..
                }) => self.working.push(submit.id),
                Output::Position(change) => {
                    self.held.retain(|held| held.0 != change.id);
                    if change.qty.0 > 0 {
                        let at = (change.account, change.instrument, change.side);
                        self.held.push((change.id, at.0, at.1, at.2, change.qty.0));
                    }
                }
                _ => {}
            }
        }
        out
    }
}
