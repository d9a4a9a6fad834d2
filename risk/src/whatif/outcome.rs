//! Who is hit, in which order, and what it costs.

use super::Moved;
use crate::convert::Sided;
use crate::event::*;
use crate::ids::*;
use crate::machine::Machine;
use crate::units::*;
use crate::view::{Ask, LadderRow, PreviewView, Query, View};
use crate::wide::mul_div_round;
use std::collections::BTreeMap;

/// Rows asked for at a time.
const PAGE: u32 = 10_000;

/// An account's numbers at one moment, in its own currency; `level` is absent without used margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub state: MarginState,
    pub equity: Money,
    pub used: Money,
    pub level: Option<Ratio>,
}

/// An account that got into a worse margin state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affected {
    pub account: AccountId,
    pub currency: CurrencyId,
    /// Step that brought the worst state: 0 is the order and the requirements, 1 the first step of the path.
    pub step: u32,
    /// Before anything was imagined; when the worst state began; at the end.
    pub before: Figures,
    pub hit: Figures,
    pub after: Figures,
    /// Only a requirement factor brought it there.
    pub soft: bool,
    /// Place among the accounts that were stopped out, from 1.
    pub stopped: Option<u32>,
    /// Positions that the stop-out closed, or would close where the broker's server acts.
    pub closes: u32,
    /// What the client owes or the house has paid for: negative equity at the end, and compensations.
    pub at_risk: Money,
}

/// What one step did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepOutcome {
    pub moved: Vec<Moved>,
    /// Accounts that came into each state in this step.
    pub called: u32,
    pub restricted: u32,
    pub stopped_out: u32,
    /// Protective prices that fired.
    pub protective: u32,
    /// Executions.
    pub deals: u32,
}

/// The imagined order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderOutcome {
    /// What the desk says of it; its reasons are empty when it was accepted.
    pub preview: Option<PreviewView>,
    pub filled: Qty,
}

/// Sums over all accounts, minor units of the house currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub accounts: u32,
    pub equity_before: i128,
    pub equity_after: i128,
    /// Negative equities and compensations.
    pub at_risk: i128,
    /// Accounts by the worst state they came into.
    pub called: u32,
    pub restricted: u32,
    pub stopped_out: u32,
    /// Accounts whose currency has no rate to the house's: they are in no sum.
    pub unconverted: u32,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The last input of the live machine that is in it, and its time.
    pub seq: Seq,
    pub now: Ts,
    pub house: Option<CurrencyId>,
    pub totals: Totals,
    /// In the order in which they got worse; at most as many rows as were asked for.
    pub affected: Vec<Affected>,
    /// There are more.
    pub is_cut: bool,
    /// The order and the requirements first, then the path.
    pub steps: Vec<StepOutcome>,
    pub order: Option<OrderOutcome>,
    /// Instruments above their volatility warning with the imagined factor.
    pub volatile: Vec<InstrumentId>,
}

/// Reads outputs while a scenario runs.
#[derive(Debug)]
pub struct Ledger {
    seq: Seq,
    now: Ts,
    rows: usize,
    before: Vec<LadderRow>,
    /// Equity of each in the house currency, at the rates of then.
    worth: Vec<Option<i128>>,
    affected: Vec<Affected>,
    places: BTreeMap<AccountId, usize>,
    paid: BTreeMap<AccountId, i64>,
    stopped: u32,
    step: StepOutcome,
    steps: Vec<StepOutcome>,
}

impl From<&LadderRow> for Figures {
    fn from(row: &LadderRow) -> Figures {
        Figures {
            state: row.state,
            equity: row.equity,
            used: row.used,
            level: row.level,
        }
    }
}

impl Ledger {
    /// Notes where every account stands.
    pub fn open(copy: &Machine, rows: usize) -> Ledger {
        let before = everybody(copy);
        let worth = before
            .iter()
            .map(|row| in_house(copy, row.account, row.equity))
            .collect();
        Ledger {
            seq: copy.last_seq(),
            now: copy.now(),
            rows,
            before,
            worth,
            affected: Vec::new(),
            places: BTreeMap::new(),
            paid: BTreeMap::new(),
            stopped: 0,
            step: StepOutcome::default(),
            steps: Vec::new(),
        }
    }

    /// Reads what an input brought out.
    pub fn read(&mut self, out: &[Output]) {
        for output in out {
            match output {
                Output::Margin(change) if change.to > change.from => self.worse(change),
                Output::StopOut(stop) => self.stop_out(stop),
                Output::Cash(booked) if booked.cash.kind == CashKind::Compensation => {
                    let paid = self.paid.entry(booked.cash.account).or_default();
                    *paid = paid.saturating_add(booked.cash.amount.0);
                }
                Output::Protective(_) => self.step.protective += 1,
                Output::Deal(_) => self.step.deals += 1,
                _ => {}
            }
        }
    }

    fn worse(&mut self, change: &MarginChange) {
        let hit = Figures {
            state: change.to,
            equity: change.equity,
            used: change.used,
            level: change.level,
        };
        let step = self.steps.len() as u32;
        let place = match self.places.get(&change.account) {
            Some(place) => *place,
            None => {
                let found = self
                    .before
                    .binary_search_by_key(&change.account, |row| row.account);
                let Ok(found) = found else { return };
                let before = Figures::from(&self.before[found]);
                self.places.insert(change.account, self.affected.len());
                self.affected.push(Affected {
                    account: change.account,
                    currency: CurrencyId(0),
                    step,
                    before,
                    hit: before,
                    after: before,
                    soft: false,
                    stopped: None,
                    closes: 0,
                    at_risk: Money(0),
                });
                self.affected.len() - 1
            }
        };
        let count = match change.to {
            MarginState::Healthy => return,
            MarginState::Warning => &mut self.step.called,
            MarginState::Restricted => &mut self.step.restricted,
            MarginState::StopOut => &mut self.step.stopped_out,
        };
        *count += 1;
        let known = &mut self.affected[place];
        if hit.state > known.hit.state {
            (known.hit, known.step, known.soft) = (hit, step, change.soft);
        }
    }

    fn stop_out(&mut self, stop: &StopOut) {
        let Some(place) = self.places.get(&stop.account) else {
            return;
        };
        let known = &mut self.affected[*place];
        known.closes = known.closes.saturating_add(stop.closes.len() as u32);
        if known.stopped.is_none() {
            self.stopped += 1;
            known.stopped = Some(self.stopped);
        }
    }

    /// Ends a step.
    pub fn close_step(&mut self, moved: &[Moved]) {
        let step = std::mem::take(&mut self.step);
        self.steps.push(StepOutcome {
            moved: moved.to_vec(),
            ..step
        });
    }

    /// The answer, from where every account stands now.
    pub fn close(
        mut self,
        copy: &Machine,
        order: Option<OrderOutcome>,
        volatile: Vec<InstrumentId>,
    ) -> Outcome {
        let after = everybody(copy);
        let mut totals = Totals {
            accounts: self.before.len() as u32,
            ..Totals::default()
        };
        for ((before, worth), after) in self.before.iter().zip(&self.worth).zip(&after) {
            let paid = self.paid.get(&before.account).copied().unwrap_or(0);
            let at_risk = Money(after.equity.0.min(0).saturating_neg().saturating_add(paid));
            if let Some(place) = self.places.get(&before.account) {
                let known = &mut self.affected[*place];
                (known.after, known.at_risk) = (Figures::from(after), at_risk);
            }
            let house = |money: Money| in_house(copy, before.account, money);
            let sums = (*worth, house(after.equity), house(at_risk));
            match sums {
                (Some(before), Some(after), Some(at_risk)) => {
                    totals.equity_before += before;
                    totals.equity_after += after;
                    totals.at_risk += at_risk;
                }
                _ => totals.unconverted += 1,
            }
        }
        for known in &mut self.affected {
            let account = copy.book().account(known.account);
            known.currency = account.map_or(CurrencyId(0), |found| found.state.terms.currency);
            match known.hit.state {
                MarginState::Healthy => {}
                MarginState::Warning => totals.called += 1,
                MarginState::Restricted => totals.restricted += 1,
                MarginState::StopOut => totals.stopped_out += 1,
            }
        }
        let is_cut = self.affected.len() > self.rows;
        self.affected.truncate(self.rows);
        Outcome {
            seq: self.seq,
            now: self.now,
            house: copy.book().house_currency(),
            totals,
            affected: self.affected,
            is_cut,
            steps: self.steps,
            order,
            volatile,
        }
    }
}

/// Every account, by id.
fn everybody(machine: &Machine) -> Vec<LadderRow> {
    let mut all: Vec<LadderRow> = Vec::new();
    loop {
        let asked = machine.ask(&Ask {
            token: 0,
            query: Query::Ladder {
                after: all.last().map(|row| row.account),
                count: PAGE,
            },
        });
        match asked.view {
            View::Ladder(rows) if !rows.is_empty() => all.extend(rows),
            _ => return all,
        }
    }
}

/// Money of an account in the house currency's minor units.
fn in_house(machine: &Machine, account: AccountId, money: Money) -> Option<i128> {
    let book = machine.book();
    let own = book.account(account)?.state.terms.currency;
    let house = book.house_currency()?;
    let rate = book.rate(own, house, Sided::Mid)?;
    let scale = |digits: u8| 10i128.pow(u32::from(digits));
    let num = rate.num.checked_mul(scale(book.digits(house)))?;
    let den = rate.den.checked_mul(scale(book.digits(own)))?;
    mul_div_round(i128::from(money.0), num, den)
}
