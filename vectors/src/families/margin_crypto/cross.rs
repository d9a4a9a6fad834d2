//! A desk with one account at mark price, and the numbers of an example for it.

use crate::desk::{ACCOUNT, Desk, GROUP, SOURCE};
use crate::families::trade;
use crate::{Fault, scaled, shown};
use rust_decimal::Decimal;
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::*;
use siaga_risk::exact::Exact;
use siaga_risk::ids::*;
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
/// Most digits of an exact number that does not end.
const EXACT_DIGITS: u8 = 12;
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
        self.cash(minor - self.loan)?;
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

    /// A schedule from the rates and cumulative amounts of some of its brackets: the amounts say where they begin.
    pub fn schedule(&self, points: &[(Ratio, Decimal)]) -> Result<MarginSchedule, Fault> {
        let mut points = points.to_vec();
        points.sort();
        points.dedup();
        if points.first().is_none_or(|(_, amount)| !amount.is_zero()) {
            points.insert(0, (Ratio(0), Decimal::ZERO));
        }
        let mut brackets: Vec<Bracket> = Vec::new();
        for (rate, amount) in points {
            let amount = fit("maintenance_amount", amount, self.cash_digits())?;
            let floor = match brackets.last() {
                None => 0,
                Some(before) => {
                    let steeper = i128::from(rate.0 - before.rate.0).max(1);
                    let more = Exact::new(i128::from(amount - before.amount.0), steeper);
                    let floor = more.and_then(|more| more.round(i128::from(Ratio::ONE.0)));
                    floor
                        .and_then(|floor| i64::try_from(floor).ok())
                        .ok_or_else(|| Fault::field("maintenance_amount", "is too large"))?
                }
            };
            brackets.push(Bracket {
                floor: Money(floor),
                rate,
                amount: Money(amount),
                leverage_max: 0,
            });
        }
        Ok(MarginSchedule::Brackets(brackets))
    }

    fn price(&self, id: InstrumentId, price: Decimal) -> Result<i64, Fault> {
        fit("price", price, self.listed[id.0 as usize - 1].0)
    }

    fn qty(&self, id: InstrumentId, quantity: Decimal) -> Result<i64, Fault> {
        fit("quantity", quantity, self.listed[id.0 as usize - 1].1)
    }

    /// The liquidation price of a contract, rounded to the example's digits.
    pub fn liquidation(&self, id: InstrumentId) -> Result<Liquidation, Fault> {
        let view = self.view()?;
        let held = view
            .positions
            .iter()
            .find(|held| held.position.instrument == id);
        held.and_then(|held| held.liquidation)
            .ok_or_else(|| Fault::Other("no liquidation price".into()))
    }

    /// The same as text with the digits of the example.
    pub fn liquidation_text(&self, id: InstrumentId, digits: u8) -> Result<String, Fault> {
        price_text(
            &self.liquidation(id)?,
            self.listed[id.0 as usize - 1].0,
            digits,
        )
    }
}

/// A liquidation price (in steps of `price_digits`) with the digits of an example.
pub fn price_text(found: &Liquidation, price_digits: u8, digits: u8) -> Result<String, Fault> {
    let steps = Exact::new(found.num, found.den);
    let price = steps.and_then(|steps| steps.over(Exact::whole(10i128.pow(price_digits.into()))));
    let rounded = price.and_then(|price| price.round(10i128.pow(digits.into())));
    rounded
        .map(|rounded| shown(rounded, digits))
        .ok_or_else(|| Fault::Other("a price is too large".into()))
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

/// An exact number as text: all its digits when it ends, else twelve.
pub fn exact_text(value: Exact) -> Result<String, Fault> {
    let ends = (0..=EXACT_DIGITS).find(|digits| 10i128.pow(u32::from(*digits)) % value.den() == 0);
    let digits = ends.unwrap_or(EXACT_DIGITS);
    let rounded = value.round(10i128.pow(u32::from(digits)));
    rounded
        .map(|rounded| shown(rounded, digits))
        .ok_or_else(|| Fault::Other("a number is too large".into()))
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
