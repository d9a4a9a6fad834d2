//! What lifting a halt would do to the accounts that hold the instrument; nothing here changes anything.

use super::margin::Which;
use super::{Book, Env};
use crate::event::MarginState;
use crate::ids::*;
use crate::view::{ResumeAccount, ResumeView};

/// Accounts that one answer names.
const NAMED_MAX: usize = 100;
/// Accounts that one question values: it may not hold the core up.
const VALUED_MAX: usize = 20_000;

impl Book {
    /// Which detectors would fire now, and whose state would change if the instrument's halt were lifted. Of an
    /// instrument that more accounts hold than one question may value, the first ones by id are looked at.
    pub fn resume_dry_run(&self, id: InstrumentId, env: &Env<'_>) -> Option<ResumeView> {
        let mut view = env.market.resume_view(id, env.now)?;
        let accounts = self.holders_of(id);
        view.holders = accounts.len() as u32;
        let lifted = Env {
            resumed: Some(id),
            ..*env
        };
        for account in accounts.into_iter().take(VALUED_MAX) {
            let Some((from, to)) = self.shift(account, env, &lifted) else {
                continue;
            };
            view.changes += 1;
            if view.accounts.len() < NAMED_MAX {
                view.accounts.push(ResumeAccount { account, from, to });
            }
        }
        Some(view)
    }

    /// An account's state as it is and as it would be, when they differ; unknown levels say nothing.
    fn shift(
        &self,
        id: AccountId,
        now: &Env<'_>,
        lifted: &Env<'_>,
    ) -> Option<(MarginState, MarginState)> {
        let account = self.account(id)?;
        let state = |env: &Env<'_>| {
            let value = self.valuate(account, env);
            if value.missing.is_some() {
                return None;
            }
            let hard = self.state_of(account, &value, Which::Plain);
            let soft = self.state_of(account, &value, Which::Soft);
            Some(hard.max(soft.min(MarginState::Restricted)))
        };
        let (from, to) = (state(now)?, state(lifted)?);
        (from != to).then_some((from, to))
    }
}
