//! An instrument's terms with the scales computed from them once.

use crate::convert::FINE_DIGITS;
use crate::event::{OrderKind, Side};
use crate::ids::CurrencyId;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::mul_div_round;
use std::collections::BTreeMap;

/// Largest instrument id: tables are indexed by it, and no retail desk lists more.
pub const INSTRUMENT_ID_MAX: u32 = 65_535;
/// Most digits of a currency: eight, those of bitcoin.
pub const CURRENCY_DIGITS_MAX: u8 = 8;
/// Most digits of a price.
const PRICE_DIGITS_MAX: u8 = 12;
/// Largest share of a margin: a thousand times it.
const SHARE_MAX: Ratio = Ratio(1_000 * Ratio::ONE.0);
/// Largest leverage any account may have: what brokers that call it unlimited write.
pub const LEVERAGE_MAX: Leverage = Leverage::of(2_100_000_000);

/// An exact factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    pub num: i128,
    pub den: i128,
}

/// What a price does in a margin formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceUse {
    Without,
    Times,
}

/// Terms in force and what follows from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument {
    pub terms: InstrumentTerms,
    /// Fine units of the quote currency per price step × quantity step.
    pub profit: Scale,
    /// Fine units of the margin currency per quantity step, times the price in steps: to open, and to hold.
    pub margin: Scale,
    pub margin_hold: Scale,
    pub price_use: PriceUse,
    /// Margin is a fixed amount per lot.
    pub fixed: bool,
    /// The account's leverage divides the margin.
    pub leveraged: bool,
    /// Digits of the quote currency, and of the margin currency.
    pub quote_digits: u8,
    pub margin_digits: u8,
    /// Fine units of the base per quantity step × 1 / price step of an inverse contract; 0 = the result is linear.
    pub inverse: i128,
    /// Shares of orders by side and kind, and of what is held by side.
    open_rates: [[Ratio; 4]; 2],
    pub hold_rates: [Ratio; 2],
    /// Share of held margin that covered lots are charged.
    pub hedged: Scale,
    /// Margin to hold as a share of margin to open, before rates.
    pub hold_by_open: (i128, i128),
}

impl Instrument {
    /// Checks terms and computes their scales.
    ///
    /// # Errors
    /// `TermsInvalid`, `TermsNotPositive`, `TermsOverflow` or `UnknownCurrency`.
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
        check_margin_terms(terms)?;
        if !is_valid(terms) {
            return Err(Reject::TermsInvalid);
        }
        super::brackets::check(terms, margin)?;
        let profit = profit_scale(terms, quote).ok_or(Reject::TermsOverflow)?;
        let inverse = super::inverse::scale(terms)?;
        if !terms.swap.is_valid(inverse > 0) {
            return Err(Reject::TermsInvalid);
        }
        if !terms.swap.is_bounded() {
            return Err(Reject::TermsOverflow);
        }
        let fixed = terms.margin_fixed > Money(0);
        let (to_open, price_use) = if fixed {
            (
                fixed_scale(terms, terms.margin_fixed, margin),
                PriceUse::Without,
            )
        } else {
            margin_scale(terms, quote)
        };
        let to_open = to_open.ok_or(Reject::TermsOverflow)?;
        let hold = &terms.margin.fixed_hold;
        let (margin_hold, hold_by_open) = if fixed && *hold > Money(0) {
            let scale = fixed_scale(terms, *hold, margin).ok_or(Reject::TermsOverflow)?;
            let share = (i128::from(hold.0), i128::from(terms.margin_fixed.0));
            (scale, share)
        } else {
            (to_open, (1, 1))
        };
        let leveraged = match terms.mode {
            CalcMode::Forex | CalcMode::CfdLeverage => true,
            CalcMode::CryptoLinear | CalcMode::CryptoInverse => !fixed,
            _ => false,
        };
        let (open_rates, hold_rates) = rates(terms).ok_or(Reject::TermsOverflow)?;
        Ok(Instrument {
            terms: terms.clone(),
            profit,
            margin: to_open,
            margin_hold,
            price_use,
            fixed,
            leveraged,
            quote_digits: quote,
            margin_digits: margin,
            inverse,
            open_rates,
            hold_rates,
            hedged: hedged_share(terms),
            hold_by_open,
        })
    }

    /// Share of margin that an order of this side and kind is charged.
    pub fn open_rate(&self, side: Side, kind: OrderKind) -> Ratio {
        self.open_rates[side as usize][kind as usize]
    }

    /// The currency a quantity's value is counted in: the margin currency where the contract is a sum of it.
    pub fn value_currency(&self) -> CurrencyId {
        match self.terms.mode {
            CalcMode::Forex | CalcMode::ForexNoLeverage => self.terms.base,
            _ => self.terms.quote,
        }
    }

    /// Value of a quantity at `cost` (quantity × price), with its currency, fine units.
    pub fn value(&self, qty: i128, cost: i128) -> Option<(CurrencyId, i128)> {
        let contract = || {
            let digits = self.terms.qty_digits + self.terms.contract_digits;
            qty.checked_mul(i128::from(self.terms.contract_size))?
                .checked_mul(ten(FINE_DIGITS - digits))
        };
        let value = match self.terms.mode {
            CalcMode::Forex | CalcMode::ForexNoLeverage | CalcMode::CryptoInverse => contract()?,
            _ => mul_div_round(cost.abs(), self.profit.num, self.profit.den)?,
        };
        Some((self.value_currency(), value))
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
}

/// Rates and amounts of margin: nothing negative, nothing that would charge nothing by mistake.
fn check_margin_terms(terms: &InstrumentTerms) -> Result<(), Reject> {
    let margin = &terms.margin;
    let rates = [margin.buy, margin.sell].map(|r| [r.market, r.limit, r.stop, r.stop_limit]);
    let mut shares: Vec<Ratio> = rates.into_iter().flatten().collect();
    shares.extend([margin.hold_buy, margin.hold_sell, terms.margin_maintenance]);
    shares.extend([terms.margin_hedged, terms.margin_initial]);
    if shares.iter().any(|share| *share < Ratio(0)) || terms.margin_initial == Ratio(0) {
        return Err(Reject::TermsNotPositive);
    }
    if shares.iter().any(|share| *share > SHARE_MAX) {
        return Err(Reject::TermsOverflow);
    }
    let amounts = [
        terms.margin_fixed,
        margin.fixed_hold,
        margin.fixed_hedged.unwrap_or(Money(0)),
    ];
    let without = terms.margin_fixed == Money(0);
    if amounts.iter().any(|amount| *amount < Money(0))
        || terms.contract_size <= 0
        || (without && terms.mode == CalcMode::Futures)
    {
        return Err(Reject::TermsNotPositive);
    }
    // Amounts of what is held mean nothing without one to open.
    if without && (margin.fixed_hold > Money(0) || margin.fixed_hedged.is_some()) {
        return Err(Reject::TermsInvalid);
    }
    Ok(())
}

type Rates = ([[Ratio; 4]; 2], [Ratio; 2]);

/// The instrument's shares times the rates of kinds and sides.
fn rates(terms: &InstrumentTerms) -> Option<Rates> {
    let times = |a: Ratio, b: Ratio| {
        let whole = i128::from(Ratio::ONE.0);
        let product = mul_div_round(i128::from(a.0), i128::from(b.0), whole)?;
        i64::try_from(product).ok().map(Ratio)
    };
    let open = |rates: &MarginRates| {
        let by = |rate| times(terms.margin_initial, rate);
        Some([
            by(rates.market)?,
            by(rates.limit)?,
            by(rates.stop)?,
            by(rates.stop_limit)?,
        ])
    };
    let hold = if terms.margin_maintenance > Ratio(0) {
        terms.margin_maintenance
    } else {
        terms.margin_initial
    };
    let margin = &terms.margin;
    Some((
        [open(&margin.buy)?, open(&margin.sell)?],
        [
            times(hold, margin.hold_buy)?,
            times(hold, margin.hold_sell)?,
        ],
    ))
}

/// The hedged margin of fixed terms is an amount per lot, of all others a share of the contract.
fn hedged_share(terms: &InstrumentTerms) -> Scale {
    let of_fixed = terms.margin.fixed_hedged.map(|hedged| {
        let hold = match terms.margin.fixed_hold {
            Money(0) => terms.margin_fixed,
            hold => hold,
        };
        (i128::from(hedged.0), i128::from(hold.0))
    });
    let of_contract = (i128::from(terms.margin_hedged.0), i128::from(Ratio::ONE.0));
    let (num, den) = of_fixed.unwrap_or(of_contract);
    let shared = crate::wide::gcd(num, den);
    Scale {
        num: num / shared,
        den: den / shared,
    }
}

fn is_valid(terms: &InstrumentTerms) -> bool {
    let ratios = [
        terms.collar,
        terms.price_band,
        terms.halt.factor,
        terms.dead_step,
        terms.dead_cap,
    ];
    terms.id.0 <= INSTRUMENT_ID_MAX
        && terms.price_digits <= PRICE_DIGITS_MAX
        && terms.price_digits + terms.qty_digits.min(20) + terms.contract_digits.min(20)
            <= FINE_DIGITS
        && terms.tick > Price(0)
        && terms.tick_value >= 0
        && terms.qty_min > Qty(0)
        && terms.qty_step > Qty(0)
        && terms.qty_max >= terms.qty_min
        && terms.notional_max >= Money(0)
        && is_leverage(terms.leverage_max)
        && ratios
            .iter()
            .all(|ratio| *ratio >= Ratio(0) && *ratio <= SHARE_MAX)
        && terms.dead_cap < Ratio::ONE
}

/// None, or 1 : 1 to the largest: what is below one would ask for more than the whole value.
pub fn is_leverage(leverage: Leverage) -> bool {
    leverage == Leverage::NONE || (Leverage::ONE..=LEVERAGE_MAX).contains(&leverage)
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

/// A fixed amount per lot as fine units per quantity step.
fn fixed_scale(terms: &InstrumentTerms, per_lot: Money, margin_digits: u8) -> Option<Scale> {
    let lots = ten(FINE_DIGITS.checked_sub(terms.qty_digits + margin_digits)?);
    scale(i128::from(per_lot.0).checked_mul(lots)?, 1)
}

fn margin_scale(terms: &InstrumentTerms, quote_digits: u8) -> (Option<Scale>, PriceUse) {
    let contract = i128::from(terms.contract_size);
    let by = |digits: u8, times: i128, over: i128| {
        let fine = ten(FINE_DIGITS.checked_sub(terms.qty_digits + terms.contract_digits + digits)?);
        scale(contract.checked_mul(times)?.checked_mul(fine)?, over)
    };
    match terms.mode {
        CalcMode::Forex | CalcMode::ForexNoLeverage => (by(0, 1, 1), PriceUse::Without),
        // The cost of an inverse contract is its value in the base already.
        CalcMode::CryptoInverse => (scale(1, 1), PriceUse::Times),
        CalcMode::Futures => (None, PriceUse::Without),
        CalcMode::CfdIndex if terms.tick_value > 0 => {
            let (value, tick) = (i128::from(terms.tick_value), i128::from(terms.tick.0));
            (by(quote_digits, value, tick), PriceUse::Times)
        }
        CalcMode::Cfd | CalcMode::CfdLeverage | CalcMode::CryptoLinear | CalcMode::CfdIndex => {
            (by(terms.price_digits, 1, 1), PriceUse::Times)
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
