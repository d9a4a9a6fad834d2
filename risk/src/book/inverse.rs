//! Inverse contracts: quoted in one currency, margined and settled in the base. A contract is worth
//! `contract size / price` of the base, so a long earns `quantity × contract size × (1 / entry − 1 / exit)`.
//! Source: Binance, "COIN-M Futures contract specifications", and BitMEX, "Inverse perpetual contracts".
//!
//! The value at the entry is booked in fine units of the base (10^-20, a millionth of a millionth of a satoshi),
//! rounded half away once a fill; everything computed from it is exact.

use super::instruments::{Instrument, ten};
use crate::convert::FINE_DIGITS;
use crate::ids::CurrencyId;
use crate::terms::*;
use crate::verdict::Reject;
use crate::wide::mul_div_round;

/// Fine units of the base per quantity step × 1 / price step; 0 for other contracts.
///
/// # Errors
/// `TermsInvalid` when margin is not held in the base or prices may be negative; `TermsOverflow`.
pub fn scale(terms: &InstrumentTerms) -> Result<i128, Reject> {
    if terms.mode != CalcMode::CryptoInverse {
        return Ok(0);
    }
    if terms.margin_currency != terms.base || terms.negative_prices {
        return Err(Reject::TermsInvalid);
    }
    let fine = FINE_DIGITS.checked_sub(terms.qty_digits + terms.contract_digits);
    let per_step = fine.and_then(|digits| i128::from(terms.contract_size).checked_mul(ten(digits)));
    per_step
        .and_then(|scale| scale.checked_mul(ten(terms.price_digits)))
        .ok_or(Reject::TermsOverflow)
}

impl Instrument {
    /// The currency results are in: the base of an inverse contract, else the quote currency.
    pub fn result_currency(&self) -> CurrencyId {
        if self.inverse > 0 {
            self.terms.base
        } else {
            self.terms.quote
        }
    }

    /// What a fill costs: quantity × price in steps; of an inverse contract its value in fine units of the base.
    pub fn cost(&self, qty: i64, price: i64) -> Option<i128> {
        if self.inverse == 0 {
            return Some(i128::from(qty) * i128::from(price));
        }
        mul_div_round(i128::from(qty), self.inverse, i128::from(price))
    }

    /// Average price of a cost, in steps.
    pub fn average(&self, qty: i64, cost: i128) -> i64 {
        let price = if self.inverse == 0 {
            mul_div_round(cost, 1, i128::from(qty.max(1)))
        } else {
            mul_div_round(i128::from(qty), self.inverse, cost)
        };
        super::margin::clamp(price.unwrap_or(0))
    }

    /// The exact result of a quantity closed at a price, fine units of the result's currency as a fraction.
    pub fn result(&self, long: bool, qty: i64, cost: i128, close: i64) -> Option<(i128, i128)> {
        if self.inverse == 0 {
            let value = i128::from(close) * i128::from(qty);
            let raw = if long {
                value.checked_sub(cost)?
            } else {
                cost.checked_sub(value)?
            };
            return Some((raw.checked_mul(self.profit.num)?, self.profit.den));
        }
        if close <= 0 {
            return None;
        }
        let entry = cost.checked_mul(i128::from(close))?;
        let exit = i128::from(qty).checked_mul(self.inverse)?;
        let gain = if long {
            entry.checked_sub(exit)?
        } else {
            exit.checked_sub(entry)?
        };
        Some((gain, i128::from(close)))
    }

    /// Notional of a quantity at `price_x2 / 2`, fine units of the margin currency.
    pub fn notional(&self, qty: i128, price_x2: i128) -> Option<i128> {
        if self.inverse > 0 {
            return mul_div_round(qty.checked_mul(2)?, self.inverse, price_x2);
        }
        let steps = qty.checked_mul(price_x2.checked_abs()?)?;
        mul_div_round(steps, self.profit.num, self.profit.den.checked_mul(2)?)
    }
}
