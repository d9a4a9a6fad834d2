//! What the margin families build their examples on: an account currency, a margin currency with its pair, accounts
//! with money enough, and amounts as text.

use super::trade;
use crate::desk::{Desk, GROUP, LINK};
use crate::{Fault, Inputs, scaled, shown};
use rust_decimal::Decimal;
use serde_json::Value;
use siaga_risk::convert::{FINE_DIGITS, Rate};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Ask, PreviewView, Query, View};
use siaga_risk::wide::{gcd, mul_div_round};

pub const ACC: CurrencyId = CurrencyId(1);
/// Eight digits, so that amounts per lot need no rounding.
pub const MARGIN: CurrencyId = CurrencyId(2);
/// A currency that plays no part; worth as much as the account's.
pub const THIRD: CurrencyId = CurrencyId(3);
const MARGIN_DIGITS: u8 = 8;
const THIRD_PAIR: InstrumentId = InstrumentId(1);
pub const PAIR: InstrumentId = InstrumentId(2);
/// Money of every account, minor units: more than any example needs.
const MONEY: i64 = 5_000_000_000_000_000;

/// A desk with the currencies of a margin example.
pub struct World {
    pub desk: Desk,
    pub digits: u8,
}

impl World {
    pub fn new(digits: u8, group: &GroupTerms) -> Result<World, Fault> {
        let of = |id, digits| CurrencyTerms {
            id,
            digits,
            pivot: 0,
        };
        let currencies = [of(ACC, digits), of(MARGIN, MARGIN_DIGITS), of(THIRD, 2)];
        let mut desk = Desk::open(&currencies, group)?;
        desk.list(pair(THIRD_PAIR, THIRD, ACC, 0))?;
        desk.quote(THIRD_PAIR, 1, 1);
        Ok(World { desk, digits })
    }

    /// The price of the margin currency in the account's, or of its inverse.
    pub fn convert(&mut self, bid: Decimal, ask: Decimal, inverse: bool) -> Result<(), Fault> {
        let digits = places(bid).max(places(ask));
        let (base, quote) = if inverse {
            (ACC, MARGIN)
        } else {
            (MARGIN, ACC)
        };
        self.desk.list(pair(PAIR, base, quote, digits))?;
        let (bid, ask) = (int("bid", bid, digits)?, int("ask", ask, digits)?);
        self.desk.quote(PAIR, bid, ask);
        Ok(())
    }

    /// An instrument whose `steps` need exactly this margin, in units of `10^-8`: an amount per lot in a currency of its
    /// own, whose price divides what a lot's share would not come out at.
    pub fn costing(
        &mut self,
        id: u32,
        steps: i64,
        qty_digits: u8,
        margin: i64,
    ) -> Result<InstrumentTerms, Fault> {
        let own = CurrencyId(OWN_CURRENCY + id as u16);
        let per_lot = i128::from(margin) * 10i128.pow(qty_digits.into());
        let shared = gcd(per_lot, steps.max(1).into());
        let fixed = i64::try_from(per_lot / shared)
            .map_err(|_| Fault::field("margin", "is too large for its lots"))?;
        self.desk.must(Body::Currency(CurrencyTerms {
            id: own,
            digits: MARGIN_DIGITS,
            pivot: 0,
        }))?;
        let rate = InstrumentId(OWN_PAIR + id);
        self.desk.list(pair(rate, ACC, own, 0))?;
        let price = steps.max(1) / shared as i64;
        self.desk.quote(rate, price, price);
        Ok(InstrumentTerms {
            margin_currency: own,
            qty_digits,
            // Nothing is no amount; the least one rounds to nothing.
            margin_fixed: Money(fixed.max(1)),
            ..listed(id, CalcMode::Futures)
        })
    }

    pub fn account(&mut self, id: u32, accounting: Accounting) -> Result<AccountId, Fault> {
        let id = AccountId(id);
        self.desk.must(Body::Account(AccountTerms {
            id,
            group: GROUP,
            link: LINK,
            currency: ACC,
            accounting,
            leverage: Leverage::NONE,
        }))?;
        self.cash(id, CashKind::Deposit, MONEY)?;
        Ok(id)
    }

    pub fn cash(&mut self, account: AccountId, kind: CashKind, amount: i64) -> Result<(), Fault> {
        let cash = Cash {
            account,
            kind,
            amount: Money(amount),
            reference: 0,
        };
        self.desk.must(Body::Cash(cash)).map(|_| ())
    }

    /// Sets an account's balance.
    pub fn balance(&mut self, account: AccountId, balance: i64) -> Result<(), Fault> {
        let now = self.view(account)?.balance.0;
        self.cash(account, CashKind::Correction, balance - now)
    }

    /// A market order of an account.
    pub fn order(account: AccountId, instrument: InstrumentId, side: Side, qty: i64) -> NewOrder {
        NewOrder {
            account,
            ..trade::order(instrument, side, qty, None)
        }
    }

    /// Opens a position at a price.
    pub fn open(&mut self, order: NewOrder, price: i64) -> Result<(), Fault> {
        let qty = order.qty.0;
        let id = trade::place(&mut self.desk, order)?;
        trade::fill(&mut self.desk, id, qty, price).map(|_| ())
    }

    pub fn view(&self, account: AccountId) -> Result<AccountView, Fault> {
        self.desk.account(account)
    }

    pub fn preview(&self, order: NewOrder) -> Result<PreviewView, Fault> {
        let ask = Ask {
            token: 0,
            query: Query::Preview(Box::new(order)),
        };
        match self.desk.machine.ask(&ask).view {
            View::Preview(view) => Ok(*view),
            _ => Err(Fault::Other("an order cannot be previewed".into())),
        }
    }

    /// Money of the account's currency as text.
    pub fn money(&self, money: Money) -> Value {
        Value::String(shown(money.0.into(), self.digits))
    }
}

/// A pair that is quoted wherever an example needs it: a halt is no part of these rules.
pub fn pair(id: InstrumentId, base: CurrencyId, quote: CurrencyId, digits: u8) -> InstrumentTerms {
    let mut terms = InstrumentTerms::of_class(id, AssetClass::Forex, base, quote, digits);
    (terms.halt.alert, terms.halt.halt) = (Ratio(0), Ratio(0));
    terms
}

/// An instrument that is margined in the margin currency at price 1: no price of it is a rate between currencies, and
/// none halts it.
pub fn listed(id: u32, mode: CalcMode) -> InstrumentTerms {
    let mut terms = InstrumentTerms {
        mode,
        margin_currency: MARGIN,
        qty_digits: 0,
        qty_max: Qty(i64::MAX / 4),
        ..InstrumentTerms::of_class(InstrumentId(id), AssetClass::Index, THIRD, THIRD, 0)
    };
    (terms.halt.alert, terms.halt.halt) = (Ratio(0), Ratio(0));
    terms
}

/// Numbers of the currencies and pairs of instruments that have their own.
const OWN_CURRENCY: u16 = 100;
const OWN_PAIR: u32 = 1_000;

/// A group of this leverage that warns of nothing.
pub fn group(leverage: Leverage) -> GroupTerms {
    GroupTerms {
        leverage,
        ..trade::group()
    }
}

/// Digits a decimal uses.
pub fn places(value: Decimal) -> u8 {
    value.normalize().scale() as u8
}

pub fn int(field: &str, value: Decimal, digits: u8) -> Result<i64, Fault> {
    scaled(value, digits).map_err(|reason| Fault::field(field, reason))
}

/// The account's leverage.
pub fn leverage(inputs: &Inputs<'_>) -> Result<Leverage, Fault> {
    inputs.leverage_or("leverage", Leverage::ONE)
}

/// Digits of the account's currency.
pub fn account_digits(inputs: &Inputs<'_>, absent: u8) -> Result<u8, Fault> {
    inputs.digits_or("account_digits", absent)
}

pub fn side(name: &str) -> Result<Side, Fault> {
    match name {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        other => Err(Fault::field("side", format!("{other} is no side"))),
    }
}

/// Fine units as text: whole where they end, else with `digits`.
pub fn fine(value: i128, digits: u8) -> Value {
    // What ends within twelve digits is exact; the rest of the twenty tells thirds from it.
    let ends = value % 10i128.pow(8) == 0;
    let (value, digits) = if ends {
        (value / 10i128.pow(8), FINE_DIGITS - 8)
    } else {
        let unit = 10i128.pow(u32::from(FINE_DIGITS - digits));
        (div_round(value, unit), digits)
    };
    Value::String(trimmed(&shown(value, digits)))
}

/// A rate as text.
pub fn rate(rate: Rate) -> Result<Value, Fault> {
    let value = mul_div_round(rate.num, 10i128.pow(FINE_DIGITS.into()), rate.den);
    value
        .map(|value| fine(value, 10))
        .ok_or_else(|| Fault::Other("a rate is too large".into()))
}

/// A ratio as text.
pub fn ratio(ratio: Ratio) -> Value {
    Value::String(trimmed(&shown(ratio.0.into(), 12)))
}

fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// An order's side and kind by the name of its type (`buy_limit`).
pub fn order_type(name: &str) -> Result<(Side, OrderKind), Fault> {
    let (side_name, kind) = name.split_once('_').unwrap_or((name, "market"));
    let kind = match kind {
        "market" => OrderKind::Market,
        "limit" => OrderKind::Limit,
        "stop" => OrderKind::Stop,
        "stop_limit" => OrderKind::StopLimit,
        _ => return Err(Fault::field("type", format!("{name} is no type of order"))),
    };
    Ok((side(side_name)?, kind))
}

/// Whether a book is margined in the base and converted where it is opened.
pub fn follows_price(inputs: &Inputs<'_>) -> Result<bool, Fault> {
    let names = [("none", false), ("open_price", true)];
    inputs.one_of_or("conversion", false, &names)
}

/// Margin rates by type of order; those of `buy` and `sell` hold for positions too.
pub fn rates(inputs: &Inputs<'_>) -> Result<MarginTerms, Fault> {
    let mut terms = MarginTerms::NONE;
    let Some(map) = inputs.get("margin_rates") else {
        return Ok(terms);
    };
    let rates = Inputs::new(map);
    for name in map.as_object().into_iter().flat_map(|map| map.keys()) {
        let rate = rates.fraction(name)?;
        let (side, kind) = order_type(name)?;
        let (of, hold) = match side {
            Side::Buy => (&mut terms.buy, &mut terms.hold_buy),
            Side::Sell => (&mut terms.sell, &mut terms.hold_sell),
        };
        match kind {
            OrderKind::Market => (of.market, *hold) = (rate, rate),
            OrderKind::Limit => of.limit = rate,
            OrderKind::Stop => of.stop = rate,
            OrderKind::StopLimit => of.stop_limit = rate,
        }
    }
    Ok(terms)
}
