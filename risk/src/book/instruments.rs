//! An instrument's terms with the scales computed from them once.

use crate::convert::FINE_DIGITS;
use crate::ids::CurrencyId;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use std::collections::BTreeMap;

/// Largest instrument id: tables are indexed by it, and no retail desk lists more.
pub const INSTRUMENT_ID_MAX: u32 = 65_535;
/// Most digits of a currency: eight, those of bitcoin.
pub const CURRENCY_DIGITS_MAX: u8 = 8;
/// Most digits of a price.
const PRICE_DIGITS_MAX: u8 = 12;
/// Largest leverage any account may have.
pub const LEVERAGE_MAX: u32 = 10_000;

/// An exact factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    pub num: i128,
    pub den: i128,
}

/// Terms in force and what follows from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument {
    pub terms: InstrumentTerms,
    /// Fine units of the quote currency per price step × quantity step.
    pub profit: Scale,
    /// Fine units of the margin currency per quantity step, times the price in steps when `by_price`.
    pub margin: Scale,
    pub by_price: bool,
    /// The account's leverage divides the margin.
    pub leveraged: bool,
    /// Digits of the quote currency.
    pub quote_digits: u8,
}

impl Instrument {
    /// Checks terms and computes their scales.
    ///
    /// # Errors
    /// `TermsInvalid` or `UnknownCurrency`.
    pub fn new(
        terms: &InstrumentTerms,
        currencies: &BTreeMap<CurrencyId, CurrencyTerms>,
    ) -> Result<Instrument, Reject> {
        let digits = |id| {
            currencies
                .get(&id)
                .map(|c: &CurrencyTerms| c.digits)
                .ok_or(Reject::UnknownCurrency)
        };
        digits(terms.base)?;
        let (quote, margin) = (digits(terms.quote)?, digits(terms.margin_currency)?);
        if !is_valid(terms) {
            return Err(Reject::TermsInvalid);
        }
        let profit = profit_scale(terms, quote).ok_or(Reject::TermsInvalid)?;
        let (margin, by_price) = margin_scale(terms, quote, margin).ok_or(Reject::TermsInvalid)?;
        let leveraged = match terms.mode {
            CalcMode::Forex | CalcMode::CfdLeverage => true,
            CalcMode::CryptoLinear | CalcMode::CryptoInverse => terms.margin_fixed == Money(0),
            _ => false,
        };
        Ok(Instrument {
            terms: terms.clone(),
            profit,
            margin,
            by_price,
            leveraged,
            quote_digits: quote,
        })
    }

    /// Terms that may not change once the instrument exists: amounts already booked depend on them.
    pub fn same_shape(&self, other: &InstrumentTerms) -> bool {
        let mine = &self.terms;
        (mine.base, mine.quote, mine.margin_currency)
            == (other.base, other.quote, other.margin_currency)
            && (mine.price_digits, mine.qty_digits) == (other.price_digits, other.qty_digits)
            && (mine.contract_size, mine.contract_digits)
                == (other.contract_size, other.contract_digits)
            && mine.mode == other.mode
            && (mine.tick, mine.tick_value) == (other.tick, other.tick_value)
    }

    /// The leverage that wins on this instrument, and 1 where leverage plays no part.
    pub fn leverage(&self, account: u32) -> u32 {
        if !self.leveraged {
            return 1;
        }
        match self.terms.leverage_max {
            0 => account.max(1),
            cap => account.min(cap).max(1),
        }
    }
}

fn is_valid(terms: &InstrumentTerms) -> bool {
    let ratios = [
        terms.collar,
        terms.price_band,
        terms.margin_initial,
        terms.margin_maintenance,
        terms.margin_hedged,
        terms.halt.factor,
        terms.dead_step,
        terms.dead_cap,
    ];
    terms.id.0 <= INSTRUMENT_ID_MAX
        && terms.price_digits <= PRICE_DIGITS_MAX
        && terms.price_digits + terms.qty_digits.min(20) + terms.contract_digits.min(20)
            <= FINE_DIGITS
        && terms.contract_size > 0
        && terms.tick > Price(0)
        && terms.tick_value >= 0
        && terms.qty_min > Qty(0)
        && terms.qty_step > Qty(0)
        && terms.qty_max >= terms.qty_min
        && terms.notional_max >= Money(0)
        && terms.margin_fixed >= Money(0)
        && terms.leverage_max <= LEVERAGE_MAX
        && ratios
            .iter()
            .all(|ratio| *ratio >= Ratio(0) && *ratio <= Ratio(1000 * Ratio::ONE.0))
        && terms.dead_cap < Ratio::ONE
        && terms.swap.is_valid()
        && (terms.mode != CalcMode::Futures || terms.margin_fixed > Money(0))
}

fn profit_scale(terms: &InstrumentTerms, quote_digits: u8) -> Option<Scale> {
    if terms.mode == CalcMode::Futures && terms.tick_value > 0 {
        let fine = ten(FINE_DIGITS.checked_sub(terms.qty_digits + quote_digits)?);
        return scale(
            i128::from(terms.tick_value).checked_mul(fine)?,
            i128::from(terms.tick.0),
        );
    }
    let digits = terms.price_digits + terms.qty_digits + terms.contract_digits;
    scale(
        i128::from(terms.contract_size).checked_mul(ten(FINE_DIGITS - digits))?,
        1,
    )
}

fn margin_scale(
    terms: &InstrumentTerms,
    quote_digits: u8,
    margin_digits: u8,
) -> Option<(Scale, bool)> {
    let contract = i128::from(terms.contract_size);
    let lots = |digits: u8| FINE_DIGITS.checked_sub(terms.qty_digits + digits).map(ten);
    if terms.margin_fixed > Money(0) {
        let per_lot = i128::from(terms.margin_fixed.0);
        return Some((scale(per_lot.checked_mul(lots(margin_digits)?)?, 1)?, false));
    }
    match terms.mode {
        CalcMode::Forex | CalcMode::ForexNoLeverage | CalcMode::CryptoInverse => Some((
            scale(contract.checked_mul(lots(terms.contract_digits)?)?, 1)?,
            false,
        )),
        CalcMode::Futures => None,
        CalcMode::CfdIndex if terms.tick_value > 0 => {
            let fine = lots(terms.contract_digits + quote_digits)?;
            let num = contract
                .checked_mul(i128::from(terms.tick_value))?
                .checked_mul(fine)?;
            Some((scale(num, i128::from(terms.tick.0))?, true))
        }
        CalcMode::Cfd | CalcMode::CfdLeverage | CalcMode::CryptoLinear | CalcMode::CfdIndex => {
            let fine = lots(terms.contract_digits + terms.price_digits)?;
            Some((scale(contract.checked_mul(fine)?, 1)?, true))
        }
    }
}

fn scale(num: i128, den: i128) -> Option<Scale> {
    let shared = crate::wide::gcd(num, den);
    (num > 0 && den > 0).then(|| Scale {
        num: num / shared,
        den: den / shared,
    })
}

/// Ten to the power of `digits`, at most `FINE_DIGITS`.
pub fn ten(digits: u8) -> i128 {
    10i128.pow(u32::from(digits.min(FINE_DIGITS)))
}
