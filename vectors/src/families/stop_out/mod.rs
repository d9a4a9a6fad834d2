//! Stop-out: what a house closes of an account, in which order, and when it begins and ends.

mod ctrader;
mod fxcm;
mod lean;
mod levels;
mod mt5;
mod oanda;
mod scene;

use super::Calc;
use crate::{Fault, Inputs, shown};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};
use siaga_risk::units::*;

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "mt5_stop_out" => mt5::stop_out,
        "negative_balance_compensation" => mt5::compensation,
        "smart_stop_out" => ctrader::smart,
        "fair_stop_out" => ctrader::fair,
        "lean_margin_call" => lean::margin_call,
        "lean_execute_margin_call" => lean::execute,
        "tiered_margin_status" => fxcm::tiered,
        "largest_loser_sequence" => fxcm::largest_loser,
        "account_close_out" => levels::close_out,
        "account_alert_ladder" => levels::alert_ladder,
        "regulatory_minimum_margin" => levels::regulatory_minimum,
        "margin_level" => levels::margin_level,
        "equity_at_level" => levels::equity_at_level,
        "level_ladder" => levels::ladder,
        "mid_price_equity" => levels::mid_price,
        "oanda_v20" => oanda::v20,
        "oanda_one" => oanda::one,
        _ => return None,
    })
}

/// Digits of the account's currency: all that any amount of the example has, cents at least.
fn money_digits(inputs: &Inputs<'_>, fields: &[&str], of_positions: &[&str]) -> Result<u8, Fault> {
    let mut most = inputs.digits_or("account_digits", 2)?;
    let mut see = |of: &Inputs<'_>, fields: &[&str]| -> Result<(), Fault> {
        for field in fields {
            most = most.max(scene::places(of.decimal_or(field, Decimal::ZERO)?));
        }
        Ok(())
    };
    see(inputs, fields)?;
    for position in inputs.list("positions")? {
        see(&position, of_positions)?;
    }
    Ok(most.min(scene::DIGITS_MAX))
}

/// A side, long when none is named.
fn is_long(position: &Inputs<'_>) -> Result<bool, Fault> {
    position.one_of_or("side", true, &[("buy", true), ("sell", false)])
}

/// Money as the examples write it.
fn money(amount: Money, digits: u8) -> Value {
    json!(shown(i128::from(amount.0), digits))
}

/// A ratio in percent with some digits, as people are shown it; nothing where there is no level.
fn percent(ratio: Option<Ratio>, digits: u32) -> Value {
    match ratio {
        Some(Ratio(parts)) => {
            let exact = Decimal::from_i128_with_scale(i128::from(parts), 10);
            let away = RoundingStrategy::MidpointAwayFromZero;
            json!(exact.round_dp_with_strategy(digits, away).to_string())
        }
        None => Value::Null,
    }
}

/// A quantity as a decimal.
fn lots(qty: i64, digits: u8) -> Value {
    json!(shown(i128::from(qty), digits))
}

fn no_name() -> Fault {
    Fault::field("id", "is missing")
}
