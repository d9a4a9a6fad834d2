//! dYdX: requirements, states and open interest through the machine; the order of accounts, bankruptcy and fillable
//! price and the insurance fund are the venue's own rules.

use super::cross::*;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use siaga_risk::book::brackets;
use siaga_risk::event::{MarginState, Side};
use siaga_risk::exact::Exact;
use siaga_risk::ids::InstrumentId;
use siaga_risk::rules::crypto::dydx::{Account, Perpetual, Refusal, Risk, Standing, compare_risk};
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// A schedule whose open interest plays no part.
fn unscaled(ppm: i64) -> MarginSchedule {
    MarginSchedule::OpenInterest(OpenInterestScale {
        initial: Ratio::ppm(ppm),
        maintenance: Ratio::ppm(ppm),
        lower: Money(0),
        upper: Money(0),
    })
}

/// An account with this collateral and a position that requires just that much; none where the machine's money, which
/// has eight digits at most, does not hold both.
fn standing(collateral: Decimal, requirement: Decimal) -> Result<Option<Cross>, Fault> {
    let digits = digits(collateral).max(digits(requirement));
    if room(sum_of([collateral, requirement])).is_none_or(|most| most < digits)
        || !fills(requirement, digits)
    {
        return Ok(None);
    }
    let mut cross = Cross::keeping(CASH, Accounting::Netting, LevelTest::Below, digits)?;
    if !requirement.is_zero() {
        let contract = Contract::linear(unscaled(1_000_000), &[requirement], Decimal::ONE);
        let id = cross.list(contract)?;
        cross.hold(id, Side::Buy, Decimal::ONE, requirement)?;
    }
    cross.balance(collateral)?;
    Ok(Some(cross))
}

pub fn is_liquidatable(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let collateral = inputs.decimal("net_collateral")?;
    let requirement = inputs.decimal("maintenance_requirement")?;
    let liquidatable = match standing(collateral, requirement)? {
        Some(cross) => cross.view()?.state == MarginState::StopOut,
        None => Standing {
            collateral: exact(collateral)?,
            maintenance: exact(requirement)?,
        }
        .is_liquidatable(),
    };
    Ok(json!({ "liquidatable": liquidatable }))
}

pub fn collateralised(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let collateral = inputs.decimal("net_collateral")?;
    let requirement = inputs.decimal("requirement")?;
    let meets = match standing(collateral, requirement)? {
        Some(cross) => cross.view()?.free >= Money(0),
        None => collateral >= requirement,
    };
    Ok(json!({ "meets_requirement": meets }))
}

/// Collateral and maintenance of several accounts in one unit.
fn risks(pairs: &[(Decimal, Decimal)]) -> Result<Vec<Risk>, Fault> {
    let all = pairs.iter().flat_map(|(a, b)| [digits(*a), digits(*b)]);
    let unit = all.max().unwrap_or(0);
    let minor = |value: Decimal| {
        let value = value.normalize();
        let finer = 10i128.pow(u32::from(unit) - value.scale());
        value.mantissa().checked_mul(finer).ok_or_else(too_large)
    };
    pairs
        .iter()
        .map(|(collateral, maintenance)| {
            Ok(Risk {
                collateral: minor(*collateral)?,
                maintenance: minor(*maintenance)?,
            })
        })
        .collect()
}

pub fn risk_compare(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let pair = |name: &str| -> Result<(Decimal, Decimal), Fault> {
        Ok((
            inputs.decimal(&format!("{name}_net_collateral"))?,
            inputs.decimal(&format!("{name}_maintenance"))?,
        ))
    };
    let both = risks(&[pair("a")?, pair("b")?])?;
    Ok(json!({ "comparison": compare_risk(both[0], both[1]) as i8 }))
}

pub fn most_risky_order(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (mut ids, mut pairs) = (Vec::new(), Vec::new());
    for account in inputs.list("accounts")? {
        ids.push(account.text("id")?);
        pairs.push((
            account.decimal("net_collateral")?,
            account.decimal("maintenance")?,
        ));
    }
    let mut all: Vec<(&str, Risk)> = ids.into_iter().zip(risks(&pairs)?).collect();
    all.sort_by(|a, b| compare_risk(b.1, a.1));
    let order: Vec<&str> = all.into_iter().map(|(id, _)| id).collect();
    Ok(json!({ "order": order }))
}

pub fn initial_margin(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let scale = OpenInterestScale {
        initial: Ratio::ppm(inputs.integer("initial_margin_ppm")?),
        maintenance: Ratio::ppm(inputs.integer("initial_margin_ppm")?),
        lower: Money(inputs.integer_or("oi_lower_cap", 0)?),
        upper: Money(inputs.integer_or("oi_upper_cap", 0)?),
    };
    let notional = inputs.decimal("notional")?.abs();
    let open_interest = Money(inputs.integer_or("open_interest", 0)?);
    // Nothing is held, or more than the machine's money holds; or both caps are one, where no scale is between them.
    let is_step = scale.upper > Money(0) && scale.upper <= scale.lower;
    if notional.is_zero() || room(notional).is_none() || !fills(notional, 0) || is_step {
        let rate = brackets::effective_initial(&scale, open_interest);
        let share = brackets::share(rate).ok_or_else(too_large)?;
        let margin = exact(notional)?
            .times(share)
            .and_then(|margin| margin.ceil(1));
        return Ok(json!({
            "effective_imf_ppm": rate.0 / Ratio::ppm(1).0,
            "initial_margin": shown(margin.ok_or_else(too_large)?, 0),
        }));
    }
    // Quote quantums: a currency without digits.
    let mut cross = Cross::keeping(CASH, Accounting::Netting, LevelTest::Below, 0)?;
    let schedule = MarginSchedule::OpenInterest(scale);
    let id = cross.list(Contract::linear(schedule, &[Decimal::ONE], notional))?;
    cross.hold(id, Side::Buy, notional, Decimal::ONE)?;
    cross.open_interest(id, open_interest.0)?;
    let view = cross.view()?;
    let Some(known) = view.requirements.first() else {
        return Err(Fault::Other("the machine shows no requirement".into()));
    };
    Ok(json!({
        "effective_imf_ppm": known.initial_rate.0 / Ratio::ppm(1).0,
        "initial_margin": fine_text(known.initial),
    }))
}

/// The machine answers while its money, which has eight digits, holds every amount; sums of finer or larger ones are
/// the rule's.
pub fn account_liquidatable(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let sums = sums(inputs)?;
    let mut values = vec![inputs.decimal("quote_balance")?];
    for position in inputs.list("positions")? {
        values.push(worth(
            position.decimal("size")?,
            position.decimal("oracle_price")?,
        ));
    }
    let unit = 10i128.pow(DIGITS.into());
    let held = room(sum_of(values)) == Some(DIGITS);
    if held && unit % sums.collateral.den() == 0 && unit % sums.maintenance.den() == 0 {
        return liquidated(inputs);
    }
    Ok(json!({
        "net_collateral": exact_text(sums.collateral)?,
        "maintenance_requirement": exact_text(sums.maintenance)?,
        "liquidatable": sums.is_liquidatable(),
    }))
}

fn sums(inputs: &Inputs<'_>) -> Result<Standing, Fault> {
    let mut positions = Vec::new();
    for position in inputs.list("positions")? {
        positions.push(Perpetual {
            size: exact(position.decimal("size")?)?,
            price: exact(position.decimal("oracle_price")?)?,
            maintenance_ppm: position.integer("mm_ppm")?.into(),
        });
    }
    Standing::of(exact(inputs.decimal("quote_balance")?)?, &positions)
        .ok_or_else(|| Fault::Other("a sum is too large".into()))
}

fn liquidated(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut cross = Cross::open(Accounting::Netting)?;
    let mut balance = inputs.decimal("quote_balance")?;
    for position in inputs.list("positions")? {
        let (size, price) = (position.decimal("size")?, position.decimal("oracle_price")?);
        let schedule = unscaled(position.integer("mm_ppm")?);
        let entry = entry(price, digits(size));
        let contract = Contract::linear(schedule, &[price, entry], size);
        let id: InstrumentId = cross.list(contract)?;
        let side = if size.is_sign_negative() {
            Side::Sell
        } else {
            Side::Buy
        };
        cross.hold(id, side, size.abs(), entry)?;
        cross.mark(id, price)?;
        // The venue books what a position cost; here the rest of its value is its floating result.
        balance += size * entry;
    }
    cross.balance(balance)?;
    let view = cross.view()?;
    let maintenance = view
        .requirements
        .iter()
        .map(|known| known.maintenance)
        .sum();
    Ok(json!({
        "net_collateral": shown(view.equity.0.into(), DIGITS),
        "maintenance_requirement": fine_text(maintenance),
        "liquidatable": view.state == MarginState::StopOut,
    }))
}

/// A price near the oracle's at which a position of so many digits costs an amount that money holds.
fn entry(price: Decimal, size_digits: u8) -> Decimal {
    let digits = DIGITS.saturating_sub(size_digits).into();
    price.trunc_with_scale(digits).max(Decimal::new(1, digits))
}

/// The account that is being liquidated, and which of its positions is closed.
fn account(inputs: &Inputs<'_>) -> Result<(Account, usize), Fault> {
    let quantum = inputs.decimal("quote_quantum")?;
    let balance = inputs.decimal("quote_balance")? / quantum;
    let balance = balance
        .round()
        .to_i128()
        .filter(|_| balance.fract().is_zero())
        .ok_or_else(|| Fault::field("quote_balance", "is no whole number of quantums"))?;
    let (mut positions, mut symbols) = (Vec::new(), Vec::new());
    for position in inputs.list("positions")? {
        symbols.push(position.text("symbol")?);
        positions.push(Perpetual {
            size: exact(position.decimal("size")?)?,
            price: exact(position.decimal("oracle_price")?)?,
            maintenance_ppm: position.integer("mm_ppm")?.into(),
        });
    }
    let symbol = inputs.text("close_symbol")?;
    let index = symbols.iter().position(|known| *known == symbol);
    let account = Account {
        quantum: exact(quantum)?,
        balance,
        positions,
    };
    // A symbol that is not held has nothing to close.
    Ok((account, index.unwrap_or(usize::MAX)))
}

fn error(refusal: Refusal) -> Value {
    json!({ "error": match refusal {
        Refusal::SizeDelta => "INVALID_SIZE_DELTA",
        Refusal::ZeroFill => "ZERO_FILL",
        Refusal::NoMaintenance => "NO_MAINTENANCE",
        Refusal::TooLarge => "NUMBER_TOO_LARGE",
    } })
}

fn quantums(account: &Account, amount: i128) -> Result<String, Fault> {
    let amount = Exact::whole(amount).times(account.quantum);
    exact_text(amount.ok_or_else(|| Fault::Other("an amount is too large".into()))?)
}

pub fn bankruptcy_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (account, index) = account(inputs)?;
    let delta = exact(inputs.decimal("delta_size")?)?;
    Ok(match account.bankruptcy(index, delta) {
        Ok(amount) => json!({ "bankruptcy_quote": quantums(&account, amount)? }),
        Err(refusal) => error(refusal),
    })
}

pub fn fillable_price(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (account, index) = account(inputs)?;
    let adjustment = inputs.integer("bankruptcy_adjustment_ppm")?;
    let spread = inputs.integer("spread_to_mm_ppm")?;
    Ok(
        match account.fillable(index, adjustment.into(), spread.into()) {
            Ok(price) => json!({ "fillable_price": exact_text(price)? }),
            Err(refusal) => error(refusal),
        },
    )
}

pub fn insurance_delta(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (account, index) = account(inputs)?;
    let (size, price) = (
        exact(inputs.decimal("fill_size")?)?,
        exact(inputs.decimal("fill_price")?)?,
    );
    let fee_max = inputs.integer("max_fee_ppm")?;
    let is_buy = inputs.flag("is_buy")?;
    Ok(
        match account.insurance(index, is_buy, size, price, fee_max.into()) {
            Ok(amount) => json!({ "insurance_fund_delta": quantums(&account, amount)? }),
            Err(refusal) => error(refusal),
        },
    )
}
