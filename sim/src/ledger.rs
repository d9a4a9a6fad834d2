//! The books kept the slow way from the durable outputs alone: cash, deals, positions, orders. What the machine says of
//! an account must be the same.

use crate::dice::Dice;
use crate::exact::Fraction;
use crate::world::{ACCOUNTS, EUR, JPY, LISTED, USD, digits};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;
use std::collections::{BTreeMap, BTreeSet};

/// A position as the deals made it.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: PositionId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub qty: i64,
    /// Quantity × open price.
    cost: i128,
    swap: Money,
}

/// The slow books.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    balances: BTreeMap<AccountId, i64>,
    credits: BTreeMap<AccountId, i64>,
    positions: BTreeMap<PositionId, Held>,
    orders: BTreeMap<OrderId, (AccountId, OrderState)>,
    /// Executions that were booked, by the broker's id.
    executions: BTreeSet<ExecId>,
    references: BTreeSet<(AccountId, u64)>,
    pub deals: u64,
    /// Money in and out, results and charges, by account: what the balances must come to.
    pub paid_in: BTreeMap<AccountId, i64>,
    pub earned: BTreeMap<AccountId, i64>,
}

impl Ledger {
    /// Books a durable output.
    ///
    /// # Errors
    /// Something was applied twice, or a balance does not follow.
    pub fn book(&mut self, output: &Output) -> Result<(), String> {
        match output {
            Output::Cash(booked) => self.cash(booked),
            Output::Deal(deal) => self.deal(deal),
            Output::Position(change) => self.position(change),
            Output::Order(change) => {
                let entry = (change.order.account, change.state);
                self.orders.insert(change.id, entry);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A position of an account.
    pub fn any_position(&self, account: AccountId, dice: &mut Dice) -> Option<Held> {
        let of: Vec<&Held> = self
            .positions
            .values()
            .filter(|held| held.account == account)
            .collect();
        (!of.is_empty()).then(|| of[dice.below(of.len() as u64) as usize].clone())
    }

    /// An open order of an account.
    pub fn any_order(&self, account: AccountId, dice: &mut Dice) -> Option<OrderId> {
        use OrderState::*;
        let open: Vec<OrderId> = self
            .orders
            .iter()
            .filter(|(_, (of, state))| {
                *of == account
                    && matches!(state, Pending | Submitted | Working | PartlyFilled | Queued)
            })
            .map(|(id, _)| *id)
            .collect();
        (!open.is_empty()).then(|| dice.pick(&open))
    }

    fn cash(&mut self, booked: &CashBooked) -> Result<(), String> {
        let cash = &booked.cash;
        if cash.reference != 0 && !self.references.insert((cash.account, cash.reference)) {
            return Err(format!(
                "movement {} of account {} was booked twice",
                cash.reference, cash.account.0
            ));
        }
        let to_credit = cash.kind == CashKind::Credit;
        let side = if to_credit {
            &mut self.credits
        } else {
            &mut self.balances
        };
        *side.entry(cash.account).or_default() += cash.amount.0;
        *self.paid_in.entry(cash.account).or_default() += cash.amount.0;
        self.balance_is(cash.account, booked.balance)
    }

    fn deal(&mut self, deal: &Deal) -> Result<(), String> {
        self.deals += 1;
        let result = deal.realised.0 - deal.commission.0;
        *self.balances.entry(deal.account).or_default() += result;
        *self.earned.entry(deal.account).or_default() += result;
        self.balance_is(deal.account, deal.balance)?;
        let (qty, price) = (deal.qty.0, i128::from(deal.price.0));
        let cost = i128::from(qty) * price;
        let held = self.positions.entry(deal.position).or_insert_with(|| Held {
            id: deal.position,
            account: deal.account,
            instrument: deal.instrument,
            side: deal.side,
            qty: 0,
            cost: 0,
            swap: Money(0),
        });
        if held.side == deal.side {
            held.qty += qty;
            held.cost += cost;
        } else {
            let gone = Fraction::new(held.cost * i128::from(qty), i128::from(held.qty.max(1)));
            held.qty -= qty;
            held.cost -= gone.round();
        }
        if held.qty < 0 {
            return Err(format!("position {} was closed twice", deal.position.0));
        }
        // One execution may close several positions of a netting account and open another; the key tells them apart.
        let mut key = deal.exec;
        for (at, byte) in deal.position.0.to_le_bytes().iter().enumerate() {
            key[8 + at] ^= byte.rotate_left(3) ^ deal.side as u8;
        }
        if deal.exec != [0; 16] && !self.executions.insert(key) {
            return Err(format!(
                "an execution of order {} was booked twice",
                deal.order.0
            ));
        }
        Ok(())
    }

    fn position(&mut self, change: &PositionChange) -> Result<(), String> {
        let Some(held) = self.positions.get_mut(&change.id) else {
            return if change.qty == Qty(0) {
                Ok(())
            } else {
                Err(format!("position {} has no deal", change.id.0))
            };
        };
        if held.qty != change.qty.0 {
            return Err(format!(
                "position {} is {} by its deals and {} by what was told",
                change.id.0, held.qty, change.qty.0
            ));
        }
        held.swap = change.swap;
        if held.qty == 0 {
            self.positions.remove(&change.id);
        }
        Ok(())
    }

    fn balance_is(&self, account: AccountId, told: Money) -> Result<(), String> {
        let own = self.balances.get(&account).copied().unwrap_or_default();
        if own == told.0 {
            return Ok(());
        }
        Err(format!(
            "account {}: balance {own} by its movements, {} as told",
            account.0, told.0
        ))
    }

    /// Money is conserved: a balance is what was paid in and what was earned.
    ///
    /// # Errors
    /// Which account's is not.
    pub fn conserved(&self) -> Result<(), String> {
        for (id, ..) in ACCOUNTS {
            let of = |map: &BTreeMap<AccountId, i64>| map.get(&id).copied().unwrap_or_default();
            let (in_all, kept) = (
                of(&self.paid_in) + of(&self.earned),
                of(&self.balances) + of(&self.credits),
            );
            if in_all != kept {
                return Err(format!(
                    "account {}: {in_all} came in and {kept} is there",
                    id.0
                ));
            }
        }
        Ok(())
    }

    /// Balance, and equity at these prices; no equity when a rate or price is missing.
    pub fn value(
        &self,
        account: AccountId,
        prices: &BTreeMap<InstrumentId, (i64, i64)>,
    ) -> (Money, Option<Money>) {
        let balance = self.balances.get(&account).copied().unwrap_or_default();
        let credit = self.credits.get(&account).copied().unwrap_or_default();
        let currency = ACCOUNTS
            .iter()
            .find(|(id, ..)| *id == account)
            .map_or(USD, |(_, currency, ..)| *currency);
        let mut equity = Fraction::whole(i128::from(balance + credit));
        for held in self
            .positions
            .values()
            .filter(|held| held.account == account)
        {
            equity = equity.plus(Fraction::whole(i128::from(held.swap.0)));
            match result(held, currency, prices) {
                Some(result) => equity = equity.plus(result),
                None => return (Money(balance), None),
            }
        }
        (Money(balance), Some(Money(equity.round() as i64)))
    }
}

/// Floating result in minor units of the account's currency: bid for longs, ask for shorts, a gain converted at the
/// bid and a loss at the ask of the quote currency.
fn result(
    held: &Held,
    currency: CurrencyId,
    prices: &BTreeMap<InstrumentId, (i64, i64)>,
) -> Option<Fraction> {
    let listed = LISTED.iter().find(|listed| listed.id == held.instrument)?;
    let terms = crate::world::terms(listed);
    let (bid, ask) = *prices.get(&held.instrument)?;
    let value = |close: i64| i128::from(close) * i128::from(held.qty);
    let raw = match held.side {
        Side::Buy => value(bid) - held.cost,
        Side::Sell => held.cost - value(ask),
    };
    let scale = 10i128.pow(u32::from(
        terms.price_digits + terms.qty_digits + terms.contract_digits,
    ));
    let native = Fraction::new(raw * i128::from(terms.contract_size), scale);
    let rate = rate(listed.quote, currency, raw >= 0, prices)?;
    Some(
        native
            .times(rate)
            .times(Fraction::whole(10i128.pow(u32::from(digits(currency))))),
    )
}

/// Units of `to` for one of `from`: sold at the bid, or bought at the ask. Direct, inverse, else through the dollar.
fn rate(
    from: CurrencyId,
    to: CurrencyId,
    sold: bool,
    prices: &BTreeMap<InstrumentId, (i64, i64)>,
) -> Option<Fraction> {
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
