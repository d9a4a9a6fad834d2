//! What a close realises, what a night costs and what a position is worth, computed the slow way from terms and prices.

use crate::exact::Fraction;
use crate::ledger::Held;
use crate::world::{EUR, JPY, LISTED, Listed, USD, digits, terms};
use siaga_risk::event::Side;
use siaga_risk::ids::{CurrencyId, InstrumentId};
use siaga_risk::terms::{InstrumentTerms, SwapMode};
use siaga_risk::units::Ratio;
use std::collections::BTreeMap;

/// Bid and ask by instrument, price steps.
pub type Prices = BTreeMap<InstrumentId, (i64, i64)>;
/// Mark prices in use by instrument, price steps.
pub type Marks = BTreeMap<InstrumentId, i64>;

fn listed(id: InstrumentId) -> Option<&'static Listed> {
    LISTED.iter().find(|listed| listed.id == id)
}

/// Ten to the power of some digits.
fn ten(digits: u8) -> Fraction {
    Fraction::whole(10i128.pow(digits.into()))
}

/// Lots of the contract that a quantity is: quantity steps × contract size.
fn units(terms: &InstrumentTerms, qty: i64) -> Fraction {
    let scale = 10i128.pow(u32::from(terms.qty_digits + terms.contract_digits));
    Fraction::new(i128::from(qty) * i128::from(terms.contract_size), scale)
}

/// Result in minor units of the account's currency of `qty` that cost `cost` (quantity × price) and goes at `price`: a
/// gain is converted at the bid of the quote currency, a loss at its ask.
pub fn result(
    held: &Held,
    qty: i64,
    cost: i128,
    price: i64,
    currency: CurrencyId,
    prices: &Prices,
) -> Option<Fraction> {
    let of = listed(held.instrument)?;
    let terms = terms(of);
    let value = i128::from(price) * i128::from(qty);
    let raw = match held.side {
        Side::Buy => value - cost,
        Side::Sell => cost - value,
    };
    let scale = 10i128.pow(u32::from(
        terms.price_digits + terms.qty_digits + terms.contract_digits,
    ));
    let native = Fraction::new(raw * i128::from(terms.contract_size), scale);
    let rate = rate(of.quote, currency, raw >= 0, prices)?;
    Some(native.times(rate).times(ten(digits(currency))))
}

/// Value of a quantity at the middle of bid and ask, cents of the dollar; nothing without a price or a rate.
pub fn value(id: InstrumentId, qty: i64, prices: &Prices) -> Option<i128> {
    let of = listed(id)?;
    let terms = terms(of);
    let (bid, ask) = *prices.get(&id)?;
    let twice = 2 * 10i128.pow(terms.price_digits.into());
    let mid = Fraction::new(i128::from(bid) + i128::from(ask), twice);
    let rate = rate(of.quote, USD, true, prices)?;
    let value = units(&terms, qty).times(mid).times(rate);
    Some(value.times(ten(digits(USD))).round())
}

/// Floating result of a whole position: at the mark where one is given, else at the bid for longs and the ask for shorts.
pub fn floating(
    held: &Held,
    currency: CurrencyId,
    prices: &Prices,
    mark: Option<i64>,
) -> Option<Fraction> {
    let price = match mark {
        Some(mark) => mark,
        None => close_price(held, prices)?,
    };
    result(held, held.qty, held.cost, price, currency, prices)
}

fn close_price(held: &Held, prices: &Prices) -> Option<i64> {
    let (bid, ask) = *prices.get(&held.instrument)?;
    Some(match held.side {
        Side::Buy => bid,
        Side::Sell => ask,
    })
}

/// Swap of one day in minor units of the account's currency; negative is a charge.
pub fn swap(held: &Held, currency: CurrencyId, prices: &Prices) -> Option<i64> {
    let of = listed(held.instrument)?;
    let terms = terms(of);
    let long = held.side == Side::Buy;
    let value = if long {
        terms.swap.long
    } else {
        terms.swap.short
    };
    let share = Fraction::new(i128::from(value.0), i128::from(Ratio::ONE.0));
    // A credit is sold at the bid, a charge bought at the ask.
    let worse = value >= Ratio(0);
    let minor = ten(digits(currency));
    let day = match terms.swap.mode {
        SwapMode::None => return Some(0),
        // The price of a point is rounded in its own currency, then in the account's, and then multiplied.
        SwapMode::Points => {
            let point = Fraction::new(
                i128::from(terms.swap.point.0),
                10i128.pow(terms.price_digits.into()),
            );
            let cents = ten(digits(of.quote));
            let native = units(&terms, held.qty).times(point).times(cents).round();
            let rate = rate(of.quote, currency, worse, prices)?;
            let own = Fraction::new(native, cents.round())
                .times(rate)
                .times(minor)
                .round();
            Fraction::whole(own).times(share)
        }
        SwapMode::Money => {
            let lots = Fraction::new(i128::from(held.qty), 10i128.pow(terms.qty_digits.into()));
            let rate = rate(of.quote, currency, worse, prices)?;
            lots.times(share).times(rate).times(minor)
        }
        // The bid for what was bought, the ask for what was sold.
        SwapMode::Percent => {
            let price = Fraction::new(
                i128::from(close_price(held, prices)?),
                10i128.pow(terms.price_digits.into()),
            );
            let rate = rate(of.quote, currency, long, prices)?;
            let year = units(&terms, held.qty).times(price).times(share);
            let days = Fraction::new(1, i128::from(terms.swap.year_days));
            year.times(days).times(rate).times(minor)
        }
    };
    i64::try_from(day.round()).ok()
}

/// Units of `to` for one of `from`: sold at the bid, or bought at the ask. Direct, inverse, else through the dollar.
fn rate(from: CurrencyId, to: CurrencyId, sold: bool, prices: &Prices) -> Option<Fraction> {
    if from == to {
        return Some(Fraction::whole(1));
    }
    let pair = |id: u32, digits: u32, inverse: bool| {
        let (bid, ask) = *prices.get(&InstrumentId(id))?;
        let price = if sold != inverse { bid } else { ask };
        let (price, one) = (i128::from(price), 10i128.pow(digits));
        Some(if inverse {
            Fraction::new(one, price)
        } else {
            Fraction::new(price, one)
        })
    };
    match (from, to) {
        (EUR, USD) => pair(1, 5, false),
        (USD, EUR) => pair(1, 5, true),
        (USD, JPY) => pair(2, 3, false),
        (JPY, USD) => pair(2, 3, true),
        _ => Some(rate(from, USD, sold, prices)?.times(rate(USD, to, sold, prices)?)),
    }
}
