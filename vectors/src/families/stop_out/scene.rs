//! One account with positions that have the margins and results an example names, and what a stop-out does to it.
//!
//! An example gives margin and result of a position as amounts. A position gets its margin from a margin currency of
//! its own, whose rate when it is filled is the margin of one lot; and its result from the prices it is filled at.

use crate::desk::{ACCOUNT, Desk, LINK};
use crate::families::trade;
use crate::{Fault, scaled};
use rust_decimal::Decimal;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::AccountView;
use std::collections::BTreeMap;

pub const MONEY: CurrencyId = CurrencyId(1);
const BASE: CurrencyId = CurrencyId(2);
/// Price digits of the instruments that are made here: results to a millionth per lot.
const PRICE_DIGITS: u8 = 6;
/// The market's price of them: far above any result per lot.
const MARK: i64 = 1_000_000_000_000;
/// Money that is there while the positions are opened and gone before anything is read.
const LOAN: i64 = 4_000_000_000_000_000;
/// Most digits of a currency: enough for amounts that must not be rounded.
pub const DIGITS_MAX: u8 = 8;

/// What a position needs of margin.
#[derive(Clone, Copy)]
pub enum Need {
    /// Amount for the whole position, without leverage.
    Amount(Decimal),
    /// Value of a unit in the account's currency, divided by the group's leverage.
    Leveraged(Decimal),
}

/// A position to be built.
#[derive(Clone)]
pub struct Held {
    pub name: String,
    /// Positions of one key are of one instrument.
    pub key: String,
    pub long: bool,
    pub lots: Decimal,
    pub need: Need,
    pub profit: Decimal,
    pub swap: Decimal,
    pub step: Decimal,
    pub lots_max: Option<Decimal>,
    /// Difference of ask and bid, per lot.
    pub spread: Decimal,
    pub tradable: bool,
}

impl Held {
    /// A tradable long position of an instrument of its own, in lots of its own size.
    pub fn new(name: &str, margin: Decimal, profit: Decimal) -> Held {
        Held {
            name: name.to_owned(),
            key: name.to_owned(),
            long: true,
            lots: Decimal::ONE,
            need: Need::Amount(margin),
            profit,
            swap: Decimal::ZERO,
            step: Decimal::ZERO,
            lots_max: None,
            spread: Decimal::ZERO,
            tradable: true,
        }
    }
}

/// What was done about an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Cancel(String),
    Close(String, i64),
}

struct Listed {
    terms: InstrumentTerms,
    pair: InstrumentId,
    tradable: bool,
    /// Least quantity that is traded, once positions of any size are open.
    step: i64,
    lots_max: Option<i64>,
}

/// The machine with the account.
pub struct Scene {
    pub desk: Desk,
    pub group: GroupTerms,
    pub digits: u8,
    listed: BTreeMap<String, Listed>,
    pub positions: BTreeMap<PositionId, String>,
    orders: BTreeMap<OrderId, String>,
    next: u32,
}

/// An amount as an integer of `10^-digits`.
pub fn whole(field: &str, value: Decimal, digits: u8) -> Result<i64, Fault> {
    scaled(value, digits).map_err(|reason| Fault::field(field, reason))
}

/// The same where it may need more than 64 bits.
fn wide(field: &str, value: Decimal, digits: u8) -> Result<i128, Fault> {
    let value = value.normalize();
    let missing = u32::from(digits).checked_sub(value.scale());
    missing
        .and_then(|missing| 10i128.checked_pow(missing))
        .and_then(|factor| value.mantissa().checked_mul(factor))
        .ok_or_else(|| {
            Fault::field(
                field,
                format!("{value} cannot be counted in {digits} digits"),
            )
        })
}

/// Decimal places that a number needs.
pub fn places(value: Decimal) -> u8 {
    value.normalize().scale() as u8
}

/// Digits of money: as many as are wanted, as far as amounts of this size in sum leave room beside the loan.
pub fn kept_digits(wanted: u8, sizes: &[Decimal]) -> u8 {
    let add = |sum: Decimal, size: &Decimal| sum.checked_add(size.abs());
    let size = sizes.iter().try_fold(Decimal::ZERO, add);
    let size = size.unwrap_or(Decimal::MAX).trunc();
    let fits = |digits: &u8| scaled(size, *digits).is_ok_and(|minor| minor < LOAN / 2);
    let most = wanted.min(DIGITS_MAX);
    (0..=most).rev().find(fits).unwrap_or(0)
}

impl Scene {
    /// An account without money in a group that only observes.
    pub fn new(group: GroupTerms, digits: u8, accounting: Accounting) -> Result<Scene, Fault> {
        let group = GroupTerms {
            stop_out_mode: StopOutMode::Observe,
            ..group
        };
        let currency = |id, digits| CurrencyTerms {
            id,
            digits,
            pivot: 0,
        };
        let mut desk = Desk::open(&[currency(MONEY, digits), currency(BASE, 2)], &group)?;
        trade::account(&mut desk, MONEY, accounting)?;
        trade::cash(&mut desk, CashKind::Correction, LOAN)?;
        Ok(Scene {
            desk,
            group,
            digits,
            listed: BTreeMap::new(),
            positions: BTreeMap::new(),
            orders: BTreeMap::new(),
            next: 10,
        })
    }

    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Books an amount of the account's currency.
    pub fn cash(&mut self, kind: CashKind, amount: Decimal) -> Result<(), Fault> {
        let amount = whole("balance", amount, self.digits)?;
        trade::cash(&mut self.desk, kind, amount)
    }

    /// An instrument whose margin for one lot is one unit of a currency of its own.
    fn list(&mut self, need: Need, shape: impl Fn(&mut InstrumentTerms)) -> Result<Listed, Fault> {
        let (id, pair) = (InstrumentId(self.id()), InstrumentId(self.id()));
        let margin = CurrencyId(id.0 as u16);
        self.desk.must(Body::Currency(CurrencyTerms {
            id: margin,
            digits: 8,
            pivot: 0,
        }))?;
        let fixed = matches!(need, Need::Amount(_));
        let mut terms = InstrumentTerms {
            mode: if fixed {
                CalcMode::Cfd
            } else {
                CalcMode::Forex
            },
            margin_currency: margin,
            margin_fixed: Money(if fixed { 100_000_000 } else { 0 }),
            margin_maintenance: Ratio(0),
            contract_size: 1,
            qty_max: Qty(i64::MAX / 4),
            negative_prices: true,
            ..InstrumentTerms::of_class(id, AssetClass::Index, BASE, MONEY, PRICE_DIGITS)
        };
        shape(&mut terms);
        self.desk.list(terms.clone())?;
        Ok(Listed {
            terms,
            pair,
            tradable: true,
            step: 1,
            lots_max: None,
        })
    }

    /// Quotes the margin currency of an instrument, so that the next fill stores this margin per lot.
    fn quote_margin(&mut self, listed: &Listed, per_lot: Decimal) -> Result<(), Fault> {
        // As many digits as fit; nothing is a price that rounds to nothing.
        let room = Decimal::from(i64::MAX / 10);
        let mut digits = 12u32;
        while digits > 0 && per_lot * Decimal::from(10i64.pow(digits)) > room {
            digits -= 1;
        }
        let price = whole("margin", per_lot.round_dp(digits), digits as u8)?.max(1);
        let margin = listed.terms.margin_currency;
        let forex = AssetClass::Forex;
        self.desk.list(InstrumentTerms::of_class(
            listed.pair,
            forex,
            margin,
            MONEY,
            digits as u8,
        ))?;
        self.desk.quote(listed.pair, price, price);
        Ok(())
    }

    /// Opens a position.
    pub fn hold(&mut self, held: &Held) -> Result<(), Fault> {
        let digits = places(held.lots)
            .max(places(held.step))
            .max(held.lots_max.map_or(0, places));
        let lots = whole("lots", held.lots, digits)?;
        let mut listed = match self.listed.remove(&held.key) {
            Some(listed) => listed,
            None => self.list_held(held, digits)?,
        };
        let per_lot = match held.need {
            Need::Amount(margin) => margin / held.lots,
            Need::Leveraged(price) => price,
        };
        self.quote_margin(&listed, per_lot)?;
        let id = self.fill(&listed, held, lots)?;
        self.positions.insert(id, held.name.clone());
        if held.swap != Decimal::ZERO {
            self.charge(&mut listed, held)?;
        }
        listed.tradable = held.tradable;
        listed.lots_max = held
            .lots_max
            .map(|most| whole("max", most, digits))
            .transpose()?;
        self.listed.insert(held.key.clone(), listed);
        Ok(())
    }

    fn list_held(&mut self, held: &Held, digits: u8) -> Result<Listed, Fault> {
        let spread = whole("spread", held.spread, PRICE_DIGITS)?;
        let mut listed = self.list(held.need, |terms| terms.qty_digits = digits)?;
        listed.step = whole("step", held.step, digits)?.max(1);
        self.desk.quote(listed.terms.id, MARK, MARK + spread);
        Ok(listed)
    }

    /// Fills at two neighbouring prices, so that the result is there to the last digit.
    fn fill(&mut self, listed: &Listed, held: &Held, lots: i64) -> Result<PositionId, Fault> {
        let digits = PRICE_DIGITS + listed.terms.qty_digits;
        let result = wide("profit", held.profit, digits)?;
        let spread = i128::from(whole("spread", held.spread, PRICE_DIGITS)?);
        let (sign, close) = if held.long {
            (1, i128::from(MARK))
        } else {
            (-1, i128::from(MARK) + spread)
        };
        let cost = i128::from(lots) * close - sign * result;
        let price = cost.div_euclid(i128::from(lots)) as i64;
        let above = cost.rem_euclid(i128::from(lots)) as i64;
        let side = if held.long { Side::Buy } else { Side::Sell };
        let order = trade::order(listed.terms.id, side, lots, None);
        let order = trade::place(&mut self.desk, order)?;
        let mut out = Vec::new();
        for (qty, price) in [(lots - above, price), (above, price + 1)] {
            if qty > 0 {
                out.extend(trade::fill(&mut self.desk, order, qty, price)?);
            }
        }
        let opened = out.iter().find_map(|output| match output {
            Output::Position(change) => Some(change.id),
            _ => None,
        });
        opened.ok_or_else(|| Fault::Other("a fill opened no position".into()))
    }

    /// Swap for one night.
    fn charge(&mut self, listed: &mut Listed, held: &Held) -> Result<(), Fault> {
        let per_lot = Ratio(whole("swap", (held.swap / held.lots).round_dp(12), 12)?);
        listed.terms.swap = SwapTerms {
            mode: SwapMode::Money,
            long: per_lot,
            short: per_lot,
            ..SwapTerms::NONE
        };
        self.desk.list(listed.terms.clone())?;
        self.desk.must(Body::Rollover(Rollover {
            instrument: listed.terms.id,
            at: self.desk.now,
            days: 1,
            weekday: 0,
        }))?;
        self.desk.wait(0);
        Ok(())
    }

    /// A resting order that reserves a margin; one under execution is at the broker.
    pub fn rest(&mut self, name: &str, margin: Decimal, executing: bool) -> Result<(), Fault> {
        let listed = self.list(Need::Amount(margin), |terms| {
            if margin == Decimal::ZERO {
                terms.margin.buy = MarginRates::all(Ratio(0));
            }
        })?;
        self.desk.quote(listed.terms.id, MARK, MARK);
        self.quote_margin(&listed, margin)?;
        let lot = 10i64.pow(u32::from(listed.terms.qty_digits));
        let limit = (!executing).then_some(MARK / 2);
        let order = trade::order(listed.terms.id, Side::Buy, lot, limit);
        let id = trade::place(&mut self.desk, order)?;
        self.orders.insert(id, name.to_owned());
        Ok(())
    }

    /// The example begins: steps, deal sizes and closed sessions come into force, the loan goes back. What the machine
    /// says.
    pub fn begin(&mut self) -> Result<Vec<Output>, Fault> {
        for listed in self.listed.values_mut() {
            if listed.step > 1 || listed.lots_max.is_some() {
                listed.terms.qty_step = Qty(listed.step);
                listed.terms.qty_max = listed.lots_max.map_or(listed.terms.qty_max, Qty);
                self.desk.list(listed.terms.clone())?;
            }
            if !listed.tradable {
                self.desk.must(Body::Session(Session {
                    instrument: listed.terms.id,
                    open: false,
                    at: self.desk.now,
                    until: self.desk.now.plus(HOUR_NS),
                }))?;
            }
        }
        self.desk.must(Body::Cash(Cash {
            account: ACCOUNT,
            kind: CashKind::Correction,
            amount: Money(-LOAN),
            reference: 0,
        }))
    }

    /// The account now.
    pub fn view(&self) -> Result<AccountView, Fault> {
        self.desk.account(ACCOUNT)
    }

    /// Other terms of the group come into force.
    pub fn regroup(&mut self, change: impl FnOnce(&mut GroupTerms)) -> Result<Vec<Output>, Fault> {
        change(&mut self.group);
        self.desk.must(Body::Group(Box::new(self.group)))
    }

    /// The group starts to act and the broker fills every close at the market: what was done, and what was compensated.
    pub fn act(&mut self) -> Result<(Vec<Action>, i64), Fault> {
        let out = self.regroup(|group| group.stop_out_mode = StopOutMode::Act)?;
        self.play(out)
    }

    /// Fills whatever is sent until nothing more is.
    pub fn play(&mut self, mut out: Vec<Output>) -> Result<(Vec<Action>, i64), Fault> {
        let (mut actions, mut compensation) = (Vec::new(), 0);
        while !out.is_empty() {
            let mut closes = Vec::new();
            for output in &out {
                match output {
                    Output::Order(change) if change.state == OrderState::Cancelled => {
                        let name = self.orders.get(&change.id).cloned().unwrap_or_default();
                        actions.push(Action::Cancel(name));
                    }
                    Output::Send(Send {
                        command: LinkCommand::Submit(submit),
                        ..
                    }) => closes.push(**submit),
                    Output::Cash(booked) if booked.cash.kind == CashKind::Compensation => {
                        compensation += booked.cash.amount.0;
                    }
                    _ => {}
                }
            }
            out.clear();
            for close in closes {
                let name = close
                    .position
                    .and_then(|id| self.positions.get(&id))
                    .cloned();
                actions.push(Action::Close(name.unwrap_or_default(), close.qty.0));
                out.extend(self.fill_close(&close)?);
            }
        }
        Ok((actions, compensation))
    }

    fn fill_close(&mut self, close: &Submit) -> Result<Vec<Output>, Fault> {
        let prices = self.desk.machine.book().prices(close.instrument);
        let prices = prices.ok_or_else(|| Fault::Other("no price to close at".into()))?;
        let price = if close.side == Side::Sell {
            prices.bid
        } else {
            prices.ask
        };
        self.desk.must(Body::Report(BrokerReport {
            link: LINK,
            order: close.id,
            exec: ExecId::default(),
            event: BrokerEvent::Filled(Fill {
                qty: close.qty,
                price: Price(price),
                commission: Money(0),
            }),
        }))
    }
}

/// Ways in which a position ends that are no stop-out.
impl Scene {
    fn only(&self) -> Result<PositionId, Fault> {
        let position = self.positions.keys().next().copied();
        position.ok_or_else(|| Fault::Other("no position is open".into()))
    }

    /// The market moves by a step onto a protective price just beside it, and comes back before that is filled.
    pub fn hit_protection(&mut self, is_stop: bool) -> Result<(Vec<Action>, i64), Fault> {
        let position = self.only()?;
        let hit = if is_stop { MARK - 1 } else { MARK + 1 };
        self.desk.must(Body::Protect(Protect {
            account: ACCOUNT,
            position,
            protection: Protection {
                stop_loss: is_stop.then_some(Price(hit)),
                take_profit: (!is_stop).then_some(Price(hit)),
                trailing: Price(0),
            },
        }))?;
        let instrument = self.instrument_of(position)?;
        let out = self.desk.quote(instrument, hit, hit);
        self.desk.quote(instrument, MARK, MARK);
        self.play(out)
    }

    /// Its owner closes it.
    pub fn close_by_owner(&mut self) -> Result<(Vec<Action>, i64), Fault> {
        let position = self.only()?;
        let held = self.view()?.positions;
        let qty = held.first().map_or(0, |held| held.position.qty.0);
        let instrument = self.instrument_of(position)?;
        let order = NewOrder {
            position: Some(position),
            ..trade::order(instrument, Side::Sell, qty, None)
        };
        let out = self.desk.must(Body::Order(Box::new(order)))?;
        self.play(out)
    }

    fn instrument_of(&self, id: PositionId) -> Result<InstrumentId, Fault> {
        let position = self.desk.machine.book().positions().find(id);
        let instrument = position.map(|position| position.instrument);
        instrument.ok_or_else(|| Fault::Other("the position is gone".into()))
    }
}
