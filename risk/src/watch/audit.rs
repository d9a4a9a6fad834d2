//! For tests: what must hold between two inputs, looked at from outside.

use super::band::is_live;
use super::chunks::NONE;
use super::ladder::key_of;
use super::page::*;
use super::{Valuing, Watch};
use std::collections::BTreeSet;

/// Prices between which an account is not looked at: of a position, on the side that closes it, or of an instrument
/// that its results are converted by, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub instrument: u32,
    /// The position that it bounds.
    pub slot: Option<u32>,
    pub low: i64,
    pub high: i64,
}

impl Watch {
    /// The box an account is watched by; `None` when it is looked at at every price that concerns it.
    pub fn bounds(&self, account: u32) -> Option<Vec<Bound>> {
        let mark = self.marks.get(account as usize)?;
        if mark.page == NONE
            || mark.is(ALWAYS)
            || mark.class != Class::Banded
            || self.pages.legs[mark.page].pending != NONE
        {
            return None;
        }
        let price = |instrument: u16, key: i32, none: i32, inward: i64| {
            let base = self.quoted[usize::from(instrument)].base;
            match (key == none, inward > 0) {
                (true, true) => i64::MIN,
                (true, false) => i64::MAX,
                _ => base + i64::from(key) + inward,
            }
        };
        let mut all = Vec::new();
        for at in self.pages.walk(mark.page) {
            let page = &self.pages.legs[at.page];
            let instrument = page.instrument[at.index];
            let own = &self.quoted[usize::from(instrument)].own;
            all.push(Bound {
                instrument: u32::from(instrument),
                slot: Some(own[page.place[at.index] as usize]),
                low: price(instrument, page.low_key[at.index], NO_LOW, 1),
                high: price(instrument, page.high_key[at.index], NO_HIGH, -1),
            });
        }
        for (page, at) in self.pages.factors(mark.page) {
            let page = &self.pages.rates[page];
            all.push(Bound {
                instrument: u32::from(page.factor[at]),
                slot: None,
                low: price(page.factor[at], page.low_key[at], NO_LOW, 1),
                high: price(page.factor[at], page.high_key[at], NO_HIGH, -1),
            });
        }
        Some(all)
    }

    /// How many converted accounts are followed along a tangent.
    pub fn tangents(&self) -> usize {
        let hot = self.marks.iter().filter(|mark| mark.class == Class::Hot);
        hot.filter(|mark| mark.page != NONE && self.pages.legs[mark.page].rates != NONE)
            .count()
    }

    /// Every trigger of a position has its entry, everybody hot is followed exactly.
    ///
    /// # Errors
    /// What does not hold.
    pub fn audit(&self, view: Valuing<'_>) -> Result<(), String> {
        for (at, prices) in view
            .prices
            .iter()
            .enumerate()
            .filter(|(_, prices)| prices.known)
        {
            let known = self.quoted.get(at).is_some_and(|quoted| quoted.known);
            if known && self.prices[at] != [prices.bid, prices.ask] {
                return Err(format!("instrument {at} is watched at another price"));
            }
        }
        let mut waited = BTreeSet::new();
        for account in 0..self.marks.len() as u32 {
            self.audit_account(account, view, &mut waited)?;
        }
        for (instrument, quoted) in self.quoted.iter().enumerate() {
            for (ladder, steps) in quoted.ladders.iter().enumerate() {
                for entry in steps.entries(&self.pool) {
                    if is_live(&self.pages, &self.marks, instrument, ladder, entry) {
                        let key = key_of(entry);
                        let key = if ladder % 2 == 1 { !key } else { key };
                        waited.remove(&(instrument as u16, ladder, key, entry as u32));
                    }
                }
            }
        }
        waited
            .first()
            .map_or(Ok(()), |lost| Err(format!("no entry for trigger {lost:?}")))
    }

    fn audit_account(
        &self,
        account: u32,
        view: Valuing<'_>,
        waited: &mut BTreeSet<(u16, usize, i32, u32)>,
    ) -> Result<(), String> {
        let mark = &self.marks[account as usize];
        if mark.page == NONE {
            return Ok(());
        }
        let converted = self.pages.legs[mark.page].rates != NONE;
        if mark.class == Class::Hot && !self.plain && converted {
            self.audit_tangent(account, view)?;
        } else if mark.class == Class::Hot && !self.plain {
            let hot = &self.hot.accounts[self.pages.legs[mark.page].hot as usize];
            if (hot.account, hot.result) != (account, self.result(mark.page)) {
                return Err(format!("account {account} is hot and not followed"));
            }
        }
        for at in self.pages.walk(mark.page) {
            let page = &self.pages.legs[at.page];
            let side = if page.coef[at.index] > 0 { 0 } else { 2 };
            let (low, high) = (page.low_key[at.index], page.high_key[at.index]);
            if low != NO_LOW {
                waited.insert((page.instrument[at.index], side, low, account));
            }
            if high != NO_HIGH {
                waited.insert((page.instrument[at.index], side + 1, high, account));
            }
        }
        for (page, at) in self.pages.factors(mark.page) {
            let page = &self.pages.rates[page];
            if page.low_key[at] != NO_LOW {
                waited.insert((page.factor[at], 0, page.low_key[at], account));
            }
            if page.high_key[at] != NO_HIGH {
                waited.insert((page.factor[at], 3, page.high_key[at], account));
            }
        }
        Ok(())
    }
}
