//! Binance: maintenance brackets and liquidation prices through the machine; the venue's own are the mark price, and the
//! liquidation price where legs stand in other brackets than those that are named for them.

use super::cross::*;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::book::brackets;
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::Side;
use siaga_risk::exact::Exact;
use siaga_risk::ids::InstrumentId;
use siaga_risk::rules::crypto::binance::{self, Leg};
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// A position of an example, and the bracket that is named for it.
struct Held {
    side: Side,
    quantity: Decimal,
    entry: Decimal,
    rate: Ratio,
    amount: Decimal,
}

impl Held {
    fn of(inputs: &Inputs<'_>, side: Side) -> Result<Held, Fault> {
        Ok(Held {
            side,
            quantity: inputs.decimal("quantity")?,
            entry: inputs.decimal("entry_price")?,
            rate: inputs.fraction("maintenance_margin_rate")?,
            amount: inputs.decimal_or("maintenance_amount", Decimal::ZERO)?,
        })
    }

    fn leg(&self) -> Result<Leg, Fault> {
        let sizes = (self.quantity, self.entry);
        leg(self.side, sizes, share_of(self.rate)?, self.amount)
    }

    /// Opens it, charged its rate from nothing on: what the bracket takes off is booked as money beside it, so that it
    /// is charged by this bracket wherever its notional is.
    fn hold(&self, cross: &mut Cross, mark: Decimal) -> Result<InstrumentId, Fault> {
        let prices = [self.entry, mark];
        let id = cross.list(Contract::linear(flat(self.rate), &prices, self.quantity))?;
        cross.hold(id, self.side, self.quantity, self.entry)?;
        cross.mark(id, mark)?;
        Ok(id)
    }
}

fn share_of(rate: Ratio) -> Result<Exact, Fault> {
    brackets::share(rate).ok_or_else(|| Fault::Other("a rate is too large".into()))
}

fn result_digits(inputs: &Inputs<'_>) -> Result<u8, Fault> {
    inputs.digits("result_digits")
}

/// Least digits in which margin and results of other positions are shown: read off one printed example
/// (docs/vectors.md), confirmed by none.
const CALCULATOR_DIGITS: u8 = 5;

pub fn liquidation_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let own = Held::of(inputs, side(inputs.text("side")?)?)?;
    let wallet = inputs.decimal("wallet_balance")?;
    let mut others = Vec::new();
    // The positions of an isolated one are nobody else's.
    let names = [("cross", false), ("isolated", true)];
    if !inputs.one_of_or("margin_mode", false, &names)? {
        for other in inputs.list("other_positions")? {
            let held = Held::of(&other, side(other.text("side")?)?)?;
            others.push((held, other.decimal("mark_price")?));
        }
    }
    let sizes = others.iter().flat_map(|(held, mark)| {
        let values = [
            worth(held.quantity, held.entry),
            worth(held.quantity, *mark),
        ];
        values.into_iter().chain([held.amount])
    });
    let value = worth(own.quantity, own.entry);
    let size = sum_of(sizes.chain([wallet, own.amount, value]));
    let mut cross = Cross::sized(Accounting::Netting, size)?;
    let taken_off = total(others.iter().map(|(held, _)| held.amount))?;
    for (held, mark) in &others {
        held.hold(&mut cross, *mark)?;
    }
    let view = cross.view()?;
    let charged = view.requirements.iter().map(|known| known.maintenance);
    let charged = exact_fine(charged.sum())?.minus(exact(taken_off)?);
    let maintenance = charged.ok_or_else(too_large)?;
    let result = Exact::decimal(view.unrealised.0.into(), cross.cash_digits());
    let result = result.ok_or_else(too_large)?;
    let money = exact(wallet)?.minus(maintenance);
    let money = money.and_then(|money| money.plus(result));
    let id = own.hold(&mut cross, own.entry)?;
    cross.balance(total([wallet, taken_off, own.amount])?)?;
    let kept = digits(wallet)
        .max(digits(own.amount))
        .max(CALCULATOR_DIGITS);
    let kept = kept.min(DIGITS);
    let shown_once = |amount: Exact| {
        let minor = amount.round(10i128.pow(kept.into()));
        minor.map(|minor| shown(minor, kept)).ok_or_else(too_large)
    };
    let legs = [own.leg()?];
    let money = money.ok_or_else(too_large)?;
    Ok(json!({
        "other_maintenance_margin": shown_once(maintenance)?,
        "other_unrealised_pnl": shown_once(result)?,
        "liquidation_price": cross.liquidation_text(id, result_digits(inputs)?, money, &legs)?,
    }))
}

fn total(amounts: impl IntoIterator<Item = Decimal>) -> Result<Decimal, Fault> {
    let add = |sum: Decimal, amount: Decimal| sum.checked_add(amount);
    let sum = amounts.into_iter().try_fold(Decimal::ZERO, add);
    sum.ok_or_else(too_large)
}

pub fn hedge_mode(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut legs = [
        Held::of(&inputs.object("long")?, Side::Buy)?,
        Held::of(&inputs.object("short")?, Side::Sell)?,
    ];
    let others = inputs.decimal_or("other_maintenance_margin", Decimal::ZERO)?;
    let balance = [
        inputs.decimal("wallet_balance")?,
        inputs.decimal_or("other_unrealised_pnl", Decimal::ZERO)?,
    ];
    let mut wallet = total(balance)?;
    let shown_digits = result_digits(inputs)?;
    let named = [legs[0].leg()?, legs[1].leg()?];
    let money = exact(wallet)?.minus(exact(others)?).ok_or_else(too_large)?;
    // Where both legs have one rate, what their brackets take off is booked as money, wherever they stand.
    if legs[0].rate == legs[1].rate {
        for leg in &mut legs {
            wallet = total([wallet, std::mem::take(&mut leg.amount)])?;
        }
    }
    let values = legs
        .iter()
        .flat_map(|leg| [worth(leg.quantity, leg.entry), leg.amount]);
    let size = sum_of(values.chain([wallet, others]));
    let mut cross = Cross::sized(Accounting::Hedging, size)?;
    let points = legs.each_ref().map(|leg| (leg.rate, leg.amount));
    let price = binance::liquidation_price(money, &named);
    // The machine charges each leg by the bracket that it stands in; an example may name another one.
    let stand = |made: &Vec<Bracket>| {
        let price = price?;
        let stands = |leg: &Held| stands_in(made, leg, price, cross.cash_digits());
        legs.iter()
            .try_fold(true, |all, leg| Some(all && stands(leg)?))
    };
    let made = cross.brackets(&points);
    let Some(made) = made.filter(|made| others >= Decimal::ZERO && stand(made) == Some(true))
    else {
        let price = formula_text(shown_digits, money, &named)?;
        return Ok(json!({ "liquidation_price": price }));
    };
    let prices = [legs[0].entry, legs[1].entry];
    let schedule = MarginSchedule::Brackets(made);
    let mut contract = Contract::linear(schedule, &prices, legs[0].quantity);
    contract.qty_digits = contract.qty_digits.max(digits(legs[1].quantity));
    let id = cross.list(contract)?;
    for leg in &legs {
        cross.hold(id, leg.side, leg.quantity, leg.entry)?;
    }
    hold_requirement(&mut cross, others)?;
    cross.balance(wallet)?;
    let price = cross.liquidation_text(id, shown_digits, money, &named)?;
    Ok(json!({ "liquidation_price": price }))
}

/// The bracket that is named for a leg holds its notional at a price; `None` where a number is too large, or the price
/// is below zero.
fn stands_in(made: &[Bracket], leg: &Held, price: Exact, money_digits: u8) -> Option<bool> {
    let value = exact(leg.quantity).ok()?.times(price)?;
    let notional = value.floor(10i128.pow(FINE_DIGITS.into()))?;
    let (_, bracket) = brackets::bracket_of(made, notional, money_digits)?;
    let amount = fit("maintenance_amount", leg.amount, money_digits).ok()?;
    Some((bracket.rate, bracket.amount) == (leg.rate, Money(amount)))
}

/// A position of another contract that needs just this much and stands where it was opened.
pub fn hold_requirement(cross: &mut Cross, amount: Decimal) -> Result<(), Fault> {
    if amount.is_zero() {
        return Ok(());
    }
    let schedule = flat(Ratio::ONE);
    let id = cross.list(Contract::linear(schedule, &[amount], Decimal::ONE))?;
    cross.hold(id, Side::Buy, Decimal::ONE, amount)
}

pub fn amount_step(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let amount = step(
        inputs.decimal("bracket_floor")?,
        inputs.decimal("rate")?,
        inputs.decimal_or("previous_rate", Decimal::ZERO)?,
        exact(inputs.decimal_or("previous_amount", Decimal::ZERO)?)?,
    )?;
    Ok(json!({ "maintenance_amount": exact_text(amount)? }))
}

fn step(floor: Decimal, rate: Decimal, before: Decimal, amount: Exact) -> Result<Exact, Fault> {
    brackets::amount_step(exact(floor)?, exact(rate)?, exact(before)?, amount).ok_or_else(too_large)
}

/// The amounts that make a schedule of floors and rates continuous.
fn amounts_of(inputs: &Inputs<'_>) -> Result<Vec<(Decimal, Decimal, Exact)>, Fault> {
    let (mut all, mut before) = (Vec::new(), (Decimal::ZERO, Exact::ZERO));
    for bracket in inputs.list("brackets")? {
        let (floor, rate) = (bracket.decimal("floor")?, bracket.decimal("rate")?);
        let amount = step(floor, rate, before.0, before.1)?;
        all.push((floor, rate, amount));
        before = (rate, amount);
    }
    Ok(all)
}

pub fn amounts(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let amounts: Result<Vec<String>, Fault> = amounts_of(inputs)?
        .into_iter()
        .map(|(_, _, amount)| exact_text(amount))
        .collect();
    Ok(json!({ "maintenance_amounts": amounts? }))
}

pub fn bracket_search(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let own = side(inputs.text("side")?)?;
    let (entry, quantity) = (inputs.decimal("entry_price")?, inputs.decimal("quantity")?);
    let wallet = inputs.decimal("wallet_balance")?;
    let steps = amounts_of(inputs)?;
    let floors = steps.iter().map(|(floor, ..)| *floor).max();
    let largest = floors.unwrap_or_default();
    let mut cross = Cross::sized(
        Accounting::Netting,
        sum_of([wallet, worth(quantity, entry), largest]),
    )?;
    let money_digits = cross.cash_digits();
    let mut made = Vec::new();
    for (floor, rate, amount) in steps {
        let amount = amount.round(10i128.pow(money_digits.into()));
        let amount = amount.and_then(|amount| i64::try_from(amount).ok());
        made.push(Bracket {
            floor: Money(fit("floor", floor, money_digits)?),
            rate: Ratio(fit("rate", rate, 12)?),
            amount: Money(amount.ok_or_else(too_large)?),
            leverage_max: 0,
        });
    }
    let lowest = made.first().map_or(Ratio(0), |bracket| bracket.rate);
    let schedule = MarginSchedule::Brackets(made);
    let id = cross.list(Contract::linear(schedule, &[entry], quantity))?;
    cross.hold(id, own, quantity, entry)?;
    cross.balance(wallet)?;
    let view = cross.view()?;
    let found = cross.liquidation(id)?;
    // Below every price there is nothing but the first bracket.
    let (number, rate, amount) = found.map_or((1, lowest, Money(0)), |found| {
        (found.bracket, found.rate, found.amount)
    });
    let legs = [leg(
        own,
        (quantity, entry),
        share_of(lowest)?,
        Decimal::ZERO,
    )?];
    let shown_digits = result_digits(inputs)?;
    Ok(json!({
        "entry_bracket": view.requirements.first().map(|known| known.bracket),
        "bracket": number,
        "maintenance_margin_rate": ratio_text(rate),
        "maintenance_amount": shown(amount.0.into(), money_digits),
        "liquidation_price": cross.liquidation_text(id, shown_digits, exact(wallet)?, &legs)?,
    }))
}

pub fn mark_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let number = |field: &str| exact(inputs.decimal(field)?);
    let mark = binance::mark_price(
        number("index_price")?,
        number("funding_rate")?,
        number("hours_to_funding")?,
        number("basis_moving_average")?,
        number("last_price")?,
    );
    let mark = mark.ok_or_else(|| Fault::Other("a price is too large".into()))?;
    Ok(json!({
        "price1": exact_text(mark.price1)?,
        "price2": exact_text(mark.price2)?,
        "mark_price": exact_text(mark.mark)?,
    }))
}
