//! Clients and the people of the house: what they ask for, and what they were promised.

use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::odds;
use crate::world::{
    ACCOUNTS, CLOSING, CURRENCIES, GROUPS, LINK, LISTED, Rules, SOURCES, changed_group, is_hedging,
    tiers,
};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::{HeldPolicy, Requirement};
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// A client id may be sent again for this long: the core remembers it for a day.
const REPEATS_NS: u64 = 20 * HOUR_NS;

/// Something that was asked for and not yet answered.
#[derive(Clone, Debug)]
struct Asked {
    ts: Ts,
    body: Body,
}

/// An answer that somebody holds in their hands.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Input that was acknowledged.
    pub seq: Seq,
    pub ts: Ts,
    pub order: NewOrder,
    pub id: OrderId,
}

/// Everybody who sends commands.
#[derive(Debug)]
pub struct People {
    dice: Dice,
    rules: Rules,
    token: u64,
    asked: BTreeMap<u64, Asked>,
    /// Asked before the last crash, and never answered.
    unanswered: Vec<Body>,
    /// Commands that lift what was forbidden.
    lifts: Vec<Body>,
    promises: Vec<Promise>,
    /// Orders by their client's id: one each.
    by_client: BTreeMap<(AccountId, ClientOrderId), OrderId>,
    references: u64,
    clients: u64,
    /// The newest input that anybody was told of.
    pub acknowledged: Seq,
    pub answers: u64,
    pub refusals: u64,
}

/// A person takes the broker's link out of service, or gives it back.
pub fn link_by_hand(read_only: bool) -> Body {
    Body::SetLink(SetLink {
        link: LINK,
        read_only,
        note: 0,
    })
}

impl People {
    /// Nobody has asked for anything.
    pub fn new(dice: Dice, rules: Rules) -> People {
        People {
            dice,
            rules,
            token: 0,
            asked: BTreeMap::new(),
            unanswered: Vec::new(),
            lifts: Vec::new(),
            promises: Vec::new(),
            by_client: BTreeMap::new(),
            references: 0,
            clients: 0,
            acknowledged: 0,
            answers: 0,
            refusals: 0,
        }
    }

    /// A command of a client or of the house.
    pub fn next(&mut self, ledger: &Ledger, now: Ts) -> Command {
        let body = if !self.unanswered.is_empty() && self.dice.one_in(3) {
            let at = self.dice.below(self.unanswered.len() as u64) as usize;
            self.unanswered.swap_remove(at)
        } else {
            self.wish(ledger, now)
        };
        self.asking(body, now)
    }

    /// Somebody sends many orders of one kind at once: too many for the house, or the same again and again.
    pub fn burst(&mut self, now: Ts) -> Vec<Command> {
        let account = self.dice.pick(&ACCOUNTS).0;
        let instrument = self.instrument();
        let first = self.order(account, instrument);
        let count = self.dice.between(2, odds::BURST_ORDERS_MAX);
        let orders = (0..count).map(|_| {
            let order = NewOrder {
                side: first.side,
                trader: first.trader,
                qty: Qty(self.dice.between(1, 20)),
                ..self.order(account, instrument)
            };
            self.asking(Body::Order(Box::new(order)), now)
        });
        orders.collect()
    }

    /// Somebody was latched: before long a named person enables it again.
    pub fn latched(&mut self, scope: Scope) {
        self.lifts.push(Body::Reenable(Reenable { scope, note: 0 }));
    }

    fn asking(&mut self, body: Body, now: Ts) -> Command {
        self.token += 1;
        self.asked.insert(
            self.token,
            Asked {
                ts: now,
                body: body.clone(),
            },
        );
        Command {
            ts: now,
            actor: ActorId(1 + self.dice.below(3) as u32),
            token: self.token,
            body,
        }
    }

    /// An answer has reached its caller.
    ///
    /// # Errors
    /// A broken promise: one client id, two orders.
    pub fn answered(&mut self, seq: Seq, answer: &Answer) -> Result<(), String> {
        let Some(asked) = self.asked.remove(&answer.token) else {
            return Ok(());
        };
        self.answers += 1;
        self.refusals += u64::from(!answer.reasons.is_empty());
        self.acknowledged = self.acknowledged.max(seq);
        let (Body::Order(order), Some(id)) = (&asked.body, answer.order) else {
            return Ok(());
        };
        let key = (order.account, order.client_id);
        let first = *self.by_client.entry(key).or_insert(id);
        if first != id {
            return Err(format!(
                "client id of account {} made order {} and then order {}",
                order.account.0, first.0, id.0
            ));
        }
        if answer.reasons.is_empty() && !answer.repeated {
            self.promises.push(Promise {
                seq,
                ts: asked.ts,
                order: **order,
                id,
            });
        }
        Ok(())
    }

    /// The program is gone: whoever waits for an answer may ask again.
    pub fn hang_up(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        self.unanswered
            .extend(asked.into_values().map(|asked| asked.body));
    }

    /// A promise of the last hours, and the command that asks for it once more.
    pub fn remind(&mut self, now: Ts) -> Option<(Promise, Command)> {
        let fresh: Vec<usize> = (0..self.promises.len())
            .rev()
            .take_while(|at| now.since(self.promises[*at].ts) < REPEATS_NS)
            .collect();
        if fresh.is_empty() {
            return None;
        }
        let promise = self.promises[self.dice.pick(&fresh)].clone();
        self.token += 1;
        let command = Command {
            ts: now,
            actor: ActorId(1),
            token: self.token,
            body: Body::Order(Box::new(promise.order)),
        };
        Some((promise, command))
    }

    fn wish(&mut self, ledger: &Ledger, now: Ts) -> Body {
        if !self.lifts.is_empty() && self.dice.one_in(6) {
            // What was forbidden is allowed again before long, or nothing would happen any more.
            let at = self.dice.below(self.lifts.len() as u64) as usize;
            return self.lifts.swap_remove(at);
        }
        let account = self.dice.pick(&ACCOUNTS).0;
        if self.dice.one_in(odds::SESSION_WISH) {
            return self.close_session(now);
        }
        if self.dice.one_in(odds::LIMIT_WISH) {
            return self.limit(account);
        }
        if self.dice.one_in(odds::LINK_WISH) {
            self.lifts.push(link_by_hand(false));
            return link_by_hand(true);
        }
        if self.dice.one_in(odds::CHANGE_WISH) {
            return self.change(account, now);
        }
        match self.dice.below(80) {
            0..=9 => self.cash(account),
            10..=39 => self.open(account),
            40..=54 => self.close(account, ledger),
            55..=59 => self.cancel(account, ledger),
            60..=66 => self.protect(account, ledger),
            67..=69 => Body::AcknowledgeRisk(account),
            70..=73 => Body::Rollover(Rollover {
                instrument: self.instrument(),
                at: now.plus(self.dice.below(20) * SECOND_NS),
                days: 1,
                weekday: 0,
            }),
            74 | 75 => Body::DayStart(DayStart {
                at: now.plus(self.dice.below(20) * SECOND_NS),
                zone: 0,
            }),
            _ => self.forbid(account),
        }
    }

    /// The calendar says that an instrument closes, and when it opens again.
    fn close_session(&mut self, now: Ts) -> Body {
        let instrument = self.instrument();
        let at = now.plus(self.dice.below(odds::SESSION_AHEAD_NS));
        let until = at.plus(1 + self.dice.below(odds::SESSION_CLOSED_NS));
        self.lifts.push(Body::Session(Session {
            instrument,
            open: true,
            at: until,
            until: CLOSING,
        }));
        Body::Session(Session {
            instrument,
            open: false,
            at,
            until,
        })
    }

    /// Terms change, a window is planned, a clock or a venue tells something, a client goes on after a margin call.
    fn change(&mut self, account: AccountId, now: Ts) -> Body {
        let listed = self.dice.pick(&LISTED);
        match self.dice.below(14) {
            0 | 1 => Body::Group(Box::new(changed_group(&self.rules, &mut self.dice))),
            2 => Body::Tiers(Box::new(tiers(self.dice.between(1, 5)))),
            3..=6 => self.window(now),
            7 => Body::ClockJump(ClockJump {
                by_ns: self.dice.between(-5_000_000_000, 5_000_000_000),
            }),
            8 => Body::MarkPrice(MarkPrice {
                instrument: listed.id,
                source: self.dice.pick(&SOURCES),
                price: Price(
                    listed.price + self.dice.between(-listed.price / 50, listed.price / 50),
                ),
                at: now,
            }),
            9 => Body::OpenInterest(OpenInterest {
                instrument: listed.id,
                value: Money(self.dice.between(0, 1_000_000_000)),
            }),
            10 | 11 => Body::ConfirmCall(account),
            _ => Body::LoggedIn(account),
        }
    }

    /// The requirement of an instrument goes up for a while; a window with a known number takes its place.
    fn window(&mut self, now: Ts) -> Body {
        let from = now.plus(self.dice.below(odds::WINDOW_AHEAD_NS));
        Body::Requirement(Requirement {
            instrument: self.instrument(),
            id: 1 + self.dice.below(2) as u16,
            from,
            until: from.plus(1 + self.dice.below(odds::WINDOW_OPEN_NS)),
            factor: Ratio::percent(self.dice.between(100, 300)),
            held: self.dice.pick(HeldPolicy::ALL),
            grace_ns: self.dice.below(odds::WINDOW_AHEAD_NS),
        })
    }

    /// A limit is set, or set anew: lower or, as two people ask for it, higher.
    fn limit(&mut self, account: AccountId) -> Body {
        let scope = match self.dice.below(9) {
            0 => Scope::House,
            1 => Scope::Group(self.dice.pick(&GROUPS)),
            2 | 3 => Scope::Account(account),
            4 => Scope::Trader(1 + self.dice.below(2) as u32),
            5 | 6 => Scope::Currency(self.dice.pick(&CURRENCIES)),
            _ => Scope::Instrument(self.instrument()),
        };
        let kind = match scope {
            // Lots of different instruments have no sum.
            Scope::Currency(_) => self
                .dice
                .pick(&[LimitKind::NetExposure, LimitKind::GrossExposure]),
            _ => self.dice.pick(LimitKind::ALL),
        };
        let value = match kind {
            LimitKind::NetQty => self.dice.between(50, 1_500),
            _ => self.dice.between(20_000_000, 500_000_000),
        };
        let set = |value| {
            Body::Limit(SetLimit {
                scope,
                kind,
                value,
                note: 0,
                approver: ActorId(9),
            })
        };
        self.lifts.push(set(0));
        set(value)
    }

    /// Forbids something; what lifts it is remembered.
    fn forbid(&mut self, account: AccountId) -> Body {
        let scope = self.scope(account);
        let instrument = self.instrument();
        let allow_reducing = self.dice.one_in(2);
        let (body, lift) = match self.dice.below(4) {
            0 => {
                let set = |on| SetHalt {
                    instrument,
                    on,
                    note: 0,
                };
                (Body::Halt(set(true)), Body::Halt(set(false)))
            }
            1 => {
                let set = |on| SetReview {
                    account,
                    on,
                    note: 0,
                };
                (Body::Review(set(true)), Body::Review(set(false)))
            }
            2 => {
                let set = |mode| SetMode {
                    scope,
                    mode,
                    allow_reducing,
                    note: 0,
                    approver: ActorId(9),
                };
                let mode = self.dice.pick(&[TradingMode::CloseOnly, TradingMode::Halt]);
                (Body::Mode(set(mode)), Body::Mode(set(TradingMode::Normal)))
            }
            _ => {
                let set = |on| SetKill {
                    scope,
                    also: Also::ANY,
                    on,
                    allow_reducing,
                    note: 0,
                    approver: ActorId(9),
                };
                (Body::Kill(set(true)), Body::Kill(set(false)))
            }
        };
        self.lifts.push(lift);
        body
    }

    fn instrument(&mut self) -> InstrumentId {
        self.dice.pick(&LISTED).id
    }

    fn scope(&mut self, account: AccountId) -> Scope {
        match self.dice.below(6) {
            0 => Scope::House,
            1 => Scope::Group(self.dice.pick(&GROUPS)),
            2 | 3 => Scope::Account(account),
            _ => Scope::Instrument(self.instrument()),
        }
    }

    fn cash(&mut self, account: AccountId) -> Body {
        self.references += 1;
        let withdraws = self.dice.one_in(4);
        let amount = self.dice.between(10_000, 5_000_000);
        Body::Cash(Cash {
            account,
            kind: if withdraws {
                CashKind::Withdrawal
            } else {
                CashKind::Deposit
            },
            amount: Money(if withdraws { -amount / 10 } else { amount }),
            reference: self.references,
        })
    }

    fn order(&mut self, account: AccountId, instrument: InstrumentId) -> NewOrder {
        self.clients += 1;
        let mut client_id = [0; 16];
        client_id[..8].copy_from_slice(&self.clients.to_le_bytes());
        client_id[15] = 1;
        NewOrder {
            account,
            instrument,
            side: self.dice.pick(&[Side::Buy, Side::Sell]),
            kind: OrderKind::Market,
            tif: Tif::Gtc,
            qty: Qty(self.dice.between(1, 300)),
            price: None,
            stop: None,
            expires: None,
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: NO_PROTECTION,
            client_id,
            trader: self.dice.below(3) as u32,
            desk: 0,
            strategy: 0,
        }
    }

    fn open(&mut self, account: AccountId) -> Body {
        let listed = self.dice.pick(&LISTED);
        let mut order = self.order(account, listed.id);
        let near = |dice: &mut Dice| {
            Price(listed.price + dice.between(-listed.price / 100, listed.price / 100))
        };
        match self.dice.below(5) {
            0 => {
                order.kind = OrderKind::Limit;
                order.price = Some(near(&mut self.dice));
            }
            1 => {
                order.kind = OrderKind::Stop;
                order.stop = Some(near(&mut self.dice));
            }
            _ => {}
        }
        if self.dice.one_in(4) {
            order.protection = self.protection(&listed);
        }
        Body::Order(Box::new(order))
    }

    fn protection(&mut self, listed: &crate::world::Listed) -> Protection {
        let far = |dice: &mut Dice| {
            Price(dice.between(listed.price * 95 / 100, listed.price * 105 / 100))
        };
        Protection {
            stop_loss: self.dice.one_in(2).then(|| far(&mut self.dice)),
            take_profit: self.dice.one_in(3).then(|| far(&mut self.dice)),
            trailing: Price(if self.dice.one_in(4) {
                listed.half_spread * 30
            } else {
                0
            }),
        }
    }

    fn close(&mut self, account: AccountId, ledger: &Ledger) -> Body {
        let Some(held) = ledger.any_position(account, &mut self.dice) else {
            return self.open(account);
        };
        let mut order = self.order(account, held.instrument);
        order.side = if held.side == Side::Buy {
            Side::Sell
        } else {
            Side::Buy
        };
        order.qty = Qty(if self.dice.one_in(2) {
            held.qty
        } else {
            self.dice.between(1, held.qty.max(1))
        });
        order.position = is_hedging(account).then_some(held.id);
        order.reduce_only = self.dice.one_in(3);
        Body::Order(Box::new(order))
    }

    fn cancel(&mut self, account: AccountId, ledger: &Ledger) -> Body {
        let order = ledger
            .any_order(account, &mut self.dice)
            .unwrap_or(OrderId(1 + self.dice.below(1_000)));
        Body::Cancel(Cancel { account, order })
    }

    fn protect(&mut self, account: AccountId, ledger: &Ledger) -> Body {
        let Some(held) = ledger.any_position(account, &mut self.dice) else {
            return self.cash(account);
        };
        let listed = LISTED
            .iter()
            .find(|listed| listed.id == held.instrument)
            .copied()
            .unwrap_or(LISTED[0]);
        Body::Protect(Protect {
            account,
            position: held.id,
            protection: self.protection(&listed),
        })
    }
}

/// No protective price.
pub const NO_PROTECTION: Protection = Protection {
    stop_loss: None,
    take_profit: None,
    trailing: Price(0),
};
