//! Used margin of what is left of an account while its stop-out is planned: charged by instrument once, and anew only
//! where something is closed.

use super::accounts::MONEY_MAX;
use super::charge::{With, charge};
use super::plan::Gone;
use super::used::{Holding, add};
use super::{Account, Book, Env};
use crate::ids::*;
use crate::units::*;

/// What an account is charged, by instrument.
pub(super) struct Left {
    /// Minor units.
    by_instrument: Vec<(InstrumentId, i64)>,
}

impl Book {
    /// The charge of an account by instrument, when so much of its positions is gone. `None` where instruments alone do
    /// not make its used margin: with orders, leverage rules, schedules or factors.
    pub(super) fn left(
        &self,
        account: &Account,
        env: &Env<'_>,
        gone: &[(u32, i64)],
    ) -> Option<Left> {
        let group = self.group_of(account);
        if !account.orders.is_empty() || group.margin.tiers != TierSetId(0) {
            return None;
        }
        let holdings = self.holdings(account, env, None, gone, &[])?;
        let mut by_instrument = Vec::with_capacity(holdings.len());
        for holding in &holdings {
            let instrument = self.instrument(holding.id)?;
            let factor = self.flight_factor(instrument, env);
            if self.is_scheduled(group, instrument) || factor != Ratio::ONE {
                return None;
            }
            by_instrument.push((holding.id, self.charge_whole(account, holding)?));
        }
        Some(Left { by_instrument })
    }

    fn charge_whole(&self, account: &Account, holding: &Holding) -> Option<i64> {
        let rule = self.charge_rule(account, holding.id, false)?;
        add(0, &charge(&rule, &holding.sides, With::Rates)?)
    }

    fn charge_of(
        &self,
        account: &Account,
        env: &Env<'_>,
        id: InstrumentId,
        gone: &[(u32, i64)],
    ) -> Option<i64> {
        let (gone, mut all) = (Gone::of(gone), Vec::new());
        for slot in &account.positions {
            if self.positions.instrument(*slot)? != id {
                continue;
            }
            let position = self.positions.get(*slot)?;
            let gone = gone.from(*slot);
            if gone < position.qty {
                self.take_position(&mut all, account, env, &position, gone)?;
            }
        }
        all.first()
            .map_or(Some(0), |one| self.charge_whole(account, one))
    }
}

impl Left {
    /// Charges the instrument of a position anew, after more of it is gone.
    ///
    /// # Errors
    /// `None` when that cannot be known.
    pub(super) fn close(
        &mut self,
        (book, account, env): (&Book, &Account, &Env<'_>),
        id: InstrumentId,
        gone: &[(u32, i64)],
    ) -> Option<()> {
        let minor = book.charge_of(account, env, id, gone)?;
        let held = self.by_instrument.iter_mut().find(|held| held.0 == id)?;
        held.1 = minor;
        Some(())
    }

    /// Used margin of what is left; also when more is gone, all of it of one instrument.
    pub(super) fn used(
        &self,
        (book, account, env): (&Book, &Account, &Env<'_>),
        more: Option<InstrumentId>,
        gone: &[(u32, i64)],
    ) -> Option<Money> {
        let mut sum = 0i64;
        for (id, minor) in &self.by_instrument {
            let minor = if more == Some(*id) {
                book.charge_of(account, env, *id, gone)?
            } else {
                *minor
            };
            sum = sum.checked_add(minor)?;
        }
        (sum <= MONEY_MAX).then_some(Money(sum))
    }
}
