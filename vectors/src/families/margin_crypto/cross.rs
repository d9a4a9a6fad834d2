//! A desk with one account at mark price, and the numbers of an example for it.

use crate::desk::{ACCOUNT, Desk, GROUP, SOURCE};
use crate::families::trade;
use crate::{Fault, scaled, shown};
use rust_decimal::Decimal;
use serde_json::Value;
use siaga_risk::book::FILL_MAX;
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::*;
use siaga_risk::exact::Exact;
use siaga_risk::ids::*;
use siaga_risk::rules::crypto::binance::{Leg, liquidation_price};
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Liquidation};

/// What the account is kept in, and what results and margin of linear contracts are in.
pub const CASH: CurrencyId = CurrencyId(1);
/// What contracts are of.
pub const COIN: CurrencyId = CurrencyId(2);
/// The finest digits a currency may have: nothing published is finer.
pub const DIGITS: u8 = 8;
/// Most digits of a share that is shown.
const RATIO_DIGITS: u8 = 12;
/// Most digits of an exact number that ends, and of one that does not.
const EXACT_DIGITS: u8 = 18;
const ENDLESS_DIGITS: u8 = 12;
/// Opens every position of an example; taken out again before anything is read.
const LOAN: i64 = 9_000_000_000_000_000;

/// One contract of an example.
pub struct Contract {
    pub price_digits: u8,
    pub qty_digits: u8,
    /// Whole units per lot.
    pub size: i64,
    pub inverse: bool,
    pub schedule: MarginSchedule,
    /// None = the group's.
    pub leverage_max: Leverage,
}

impl Contract {
    /// A linear contract of one coin with as many digits as its numbers have.
    pub fn linear(schedule: MarginSchedule, prices: &[Decimal], quantity: Decimal) -> Contract {
        Contract {
            price_digits: prices.iter().map(|price| digits(*price)).max().unwrap_or(0),
            qty_digits: digits(quantity),
            size: 1,
            inverse: false,
            schedule,
            leverage_max: Leverage::NONE,
        }
    }
}

/// The desk and its account.
pub struct Cross {
    desk: Desk,
    listed: Vec<(u8, u8)>,
    loan: i64,
}

impl Cross {
    /// An account in the contracts' settlement currency, liquidated below its maintenance margin.
    pub fn open(accounting: Accounting) -> Result<Cross, Fault> {
        Cross::keeping(CASH, accounting, LevelTest::Below, DIGITS)
    }

    /// The same with as many digits of money as amounts of this size in sum leave room for.
    pub fn sized(accounting: Accounting, size: Decimal) -> Result<Cross, Fault> {
        let digits = room(size).unwrap_or(0);
        Cross::keeping(CASH, accounting, LevelTest::Below, digits)
    }

    /// The same in another currency, with another test and other digits of the cash currency.
    pub fn keeping(
        currency: CurrencyId,
        accounting: Accounting,
        test: LevelTest,
        cash_digits: u8,
    ) -> Result<Cross, Fault> {
        let currencies = [(CASH, cash_digits), (COIN, DIGITS)].map(|(id, digits)| CurrencyTerms {
            id,
            digits,
            pivot: u8::from(id == CASH),
        });
        let mut desk = Desk::open(&currencies, &group(test))?;
        trade::account(&mut desk, currency, accounting)?;
        let mut cross = Cross {
            desk,
            listed: Vec::new(),
            loan: 0,
        };
        cross.cash(LOAN)?;
        cross.loan = LOAN;
        Ok(cross)
    }

    /// Lists a contract.
    pub fn list(&mut self, contract: Contract) -> Result<InstrumentId, Fault> {
        let id = InstrumentId(self.listed.len() as u32 + 1);
        let class = AssetClass::Crypto;
        let mut terms = InstrumentTerms::of_class(id, class, COIN, CASH, contract.price_digits);
        if contract.inverse {
            (terms.mode, terms.margin_currency) = (CalcMode::CryptoInverse, COIN);
        }
        terms.qty_digits = contract.qty_digits;
        terms.qty_max = Qty(i64::MAX);
        terms.contract_size = contract.size;
        terms.leverage_max = contract.leverage_max;
        terms.crypto.schedule = contract.schedule;
        (terms.halt.alert, terms.halt.halt) = (Ratio(0), Ratio(0));
        self.listed
            .push((contract.price_digits, contract.qty_digits));
        self.desk.list(terms)?;
        Ok(id)
    }

    /// The mark price, with bid and ask at it.
    pub fn mark(&mut self, id: InstrumentId, price: Decimal) -> Result<(), Fault> {
        let price = self.price(id, price)?;
        self.desk.quote(id, price, price);
        self.desk.must(Body::MarkPrice(MarkPrice {
            instrument: id,
            source: SOURCE,
            price: Price(price),
            at: self.desk.now,
        }))?;
        Ok(())
    }

    /// The venue's open interest, in minor units.
    pub fn open_interest(&mut self, instrument: InstrumentId, value: i64) -> Result<(), Fault> {
        let value = Money(value);
        self.desk
            .must(Body::OpenInterest(OpenInterest { instrument, value }))?;
        Ok(())
    }

    /// Opens a position at its entry price, the market being there. Nothing happens for a quantity of zero.
    pub fn hold(
        &mut self,
        id: InstrumentId,
        side: Side,
        quantity: Decimal,
        entry: Decimal,
    ) -> Result<(), Fault> {
        let (price, qty) = (self.price(id, entry)?, self.qty(id, quantity)?);
        if qty == 0 {
            return Ok(());
        }
        self.mark(id, entry)?;
        trade::open(&mut self.desk, id, side, qty, price)?;
        Ok(())
    }

    /// The balance, decimal; the loan is gone afterwards.
    pub fn balance(&mut self, balance: Decimal) -> Result<(), Fault> {
        let digits = if self.kept_in() == CASH {
            self.cash_digits()
        } else {
            DIGITS
        };
        let minor = fit("balance", balance, digits)?;
        self.cash(minor.checked_sub(self.loan).ok_or_else(too_large)?)?;
        self.loan = minor;
        Ok(())
    }

    fn cash(&mut self, amount: i64) -> Result<(), Fault> {
        if amount != 0 {
            self.desk.must(Body::Cash(Cash {
                account: ACCOUNT,
                kind: CashKind::Correction,
                amount: Money(amount),
                reference: 0,
            }))?;
        }
        Ok(())
    }

    /// The account now.
    pub fn view(&self) -> Result<AccountView, Fault> {
        self.desk.account(ACCOUNT)
    }

    fn kept_in(&self) -> CurrencyId {
        let account = self.desk.machine.book().account(ACCOUNT);
        account.map_or(CASH, |account| account.state.terms.currency)
    }

    /// Digits of the cash currency.
    pub fn cash_digits(&self) -> u8 {
        self.desk.machine.book().digits(CASH)
    }

    /// Brackets from the rates and cumulative amounts of some of them: the amounts say where they begin. None where
    /// they contradict each other.
    pub fn brackets(&self, points: &[(Ratio, Decimal)]) -> Option<Vec<Bracket>> {
        let mut points = points.to_vec();
        points.sort();
        points.dedup();
        if points.first().is_none_or(|(_, amount)| !amount.is_zero()) {
            points.insert(0, (Ratio(0), Decimal::ZERO));
        }
        let mut made: Vec<Bracket> = Vec::new();
        for (rate, amount) in points {
            let amount = fit("maintenance_amount", amount, self.cash_digits()).ok()?;
            let mut floor = 0;
            if let Some(before) = made.last() {
                let more = i128::from(amount) - i128::from(before.amount.0);
                let steeper = i128::from(rate.0) - i128::from(before.rate.0);
                let begins = Exact::new(more, steeper)?.round(i128::from(Ratio::ONE.0))?;
                floor = i64::try_from(begins).ok()?;
                if floor <= before.floor.0 {
                    return None;
                }
            }
            made.push(Bracket {
                floor: Money(floor),
                rate,
                amount: Money(amount),
                leverage_max: 0,
            });
        }
        Some(made)
    }

    fn price(&self, id: InstrumentId, price: Decimal) -> Result<i64, Fault> {
        fit("price", price, self.listed[id.0 as usize - 1].0)
    }

    fn qty(&self, id: InstrumentId, quantity: Decimal) -> Result<i64, Fault> {
        fit("quantity", quantity, self.listed[id.0 as usize - 1].1)
    }

    /// The liquidation price of a contract; none where no positive price liquidates.
    pub fn liquidation(&self, id: InstrumentId) -> Result<Option<Liquidation>, Fault> {
        let view = self.view()?;
        let held = view
            .positions
            .iter()
            .find(|held| held.position.instrument == id);
        Ok(held.and_then(|held| held.liquidation))
    }

    /// The same with the digits of the example. Where no positive price liquidates, what the formula over `money` and
    /// `legs` comes to.
    pub fn liquidation_text(
        &self,
        id: InstrumentId,
        digits: u8,
        money: Exact,
        legs: &[Leg],
    ) -> Result<Value, Fault> {
        let Some(found) = self.liquidation(id)? else {
            return formula_text(digits, money, legs);
        };
        let unit = Exact::whole(10i128.pow(self.listed[id.0 as usize - 1].0.into()));
        let price = Exact::new(found.num, found.den).and_then(|steps| steps.over(unit));
        rounded(
            price.ok_or_else(|| Fault::Other("a price is too large".into()))?,
            digits,
        )
    }
}

/// What the formula of the liquidation price comes to, whatever its sign; nothing where the price moves nothing.
pub fn formula_text(digits: u8, money: Exact, legs: &[Leg]) -> Result<Value, Fault> {
    liquidation_price(money, legs).map_or(Ok(Value::Null), |price| rounded(price, digits))
}

fn rounded(price: Exact, digits: u8) -> Result<Value, Fault> {
    price
        .round(10i128.pow(digits.into()))
        .map(|rounded| Value::String(shown(rounded, digits)))
        .ok_or_else(|| Fault::Other("a price is too large".into()))
}

/// A position as the formula takes it, `amount` off its maintenance.
pub fn leg(
    side: Side,
    (quantity, entry): (Decimal, Decimal),
    rate: Exact,
    amount: Decimal,
) -> Result<Leg, Fault> {
    let quantity = exact(quantity)?;
    Ok(Leg {
        quantity: if side == Side::Buy {
            quantity
        } else {
            quantity.negative()
        },
        entry: exact(entry)?,
        rate,
        amount: exact(amount)?,
    })
}

/// Most digits of money in which amounts of this size in sum stay below half of the loan; none when not even whole
/// units do.
pub fn room(size: Decimal) -> Option<u8> {
    let whole = size.abs().trunc();
    let fits = |digits: &u8| scaled(whole, *digits).is_ok_and(|minor| minor < LOAN / 2);
    (0..=DIGITS).rev().find(fits)
}

/// A position may be opened for this much in these digits: one fill of the machine's is no larger.
pub fn fills(size: Decimal, digits: u8) -> bool {
    scaled(size.abs().ceil(), digits).is_ok_and(|minor| minor <= FILL_MAX)
}

/// A sum of sizes, the largest number where it is beyond it.
pub fn sum_of(sizes: impl IntoIterator<Item = Decimal>) -> Decimal {
    let add = |sum: Decimal, size: Decimal| sum.checked_add(size.abs());
    let sum = sizes.into_iter().try_fold(Decimal::ZERO, add);
    sum.unwrap_or(Decimal::MAX)
}

/// What a quantity is worth at a price.
pub fn worth(quantity: Decimal, price: Decimal) -> Decimal {
    quantity.checked_mul(price).unwrap_or(Decimal::MAX)
}

fn group(test: LevelTest) -> GroupTerms {
    GroupTerms {
        leverage: Leverage::of(10_000),
        warning: Ratio::percent(100),
        restricted: Ratio::percent(100),
        stop_out_test: test,
        stop_out_mode: StopOutMode::Observe,
        rate_max: 0,
        ..GroupTerms::preset(GROUP, Preset::CryptoCross)
    }
}

/// What is said of an amount that no number here holds.
pub fn too_large() -> Fault {
    Fault::Other("an amount is too large".into())
}

/// Digits a decimal needs.
pub fn digits(value: Decimal) -> u8 {
    value.normalize().scale() as u8
}

/// A decimal as an integer of `10^-digits`.
pub fn fit(field: &str, value: Decimal, digits: u8) -> Result<i64, Fault> {
    scaled(value, digits).map_err(|reason| Fault::field(field, reason))
}

/// A decimal as an exact fraction.
pub fn exact(value: Decimal) -> Result<Exact, Fault> {
    Exact::decimal(value.mantissa(), value.scale() as u8)
        .ok_or_else(|| Fault::Other(format!("{value} is too large")))
}

/// An exact number as text: all its digits when it ends within eighteen, else twelve.
pub fn exact_text(value: Exact) -> Result<String, Fault> {
    let ends = (0..=EXACT_DIGITS).find(|digits| 10i128.pow(u32::from(*digits)) % value.den() == 0);
    let digits = ends.unwrap_or(ENDLESS_DIGITS);
    let rounded = value.round(10i128.pow(u32::from(digits)));
    rounded
        .map(|rounded| shown(rounded, digits))
        .ok_or_else(|| Fault::Other("a number is too large".into()))
}

/// Fine units as an exact number.
pub fn exact_fine(value: i128) -> Result<Exact, Fault> {
    Exact::decimal(value, FINE_DIGITS).ok_or_else(too_large)
}

/// Fine units as text.
pub fn fine_text(value: i128) -> String {
    trimmed(shown(value, FINE_DIGITS))
}

/// A ratio as a fraction of one.
pub fn ratio_text(ratio: Ratio) -> String {
    trimmed(shown(i128::from(ratio.0), RATIO_DIGITS))
}

/// A ratio in percent.
pub fn percent_text(ratio: Ratio) -> String {
    trimmed(shown(i128::from(ratio.0), RATIO_DIGITS - 2))
}

fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Long or short.
pub fn side(text: &str) -> Result<Side, Fault> {
    match text {
        "long" => Ok(Side::Buy),
        "short" => Ok(Side::Sell),
        _ => Err(Fault::field("side", "is neither long nor short")),
    }
}

/// A single rate.
pub fn flat(rate: Ratio) -> MarginSchedule {
    MarginSchedule::Brackets(vec![Bracket {
        floor: Money(0),
        rate,
        amount: Money(0),
        leverage_max: 0,
    }])
}
