//! Trading modes, kill switches, reviews: who may stop what, and that two people let it go on.

use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::table::Outcome;
use crate::verdict::Reject;

/// A named person, and a second one, who is not the first.
pub(super) fn two_people(actor: ActorId, approver: ActorId) -> Result<(), Reject> {
    if actor == ActorId(0) {
        Err(Reject::PersonMissing)
    } else if approver == ActorId(0) {
        Err(Reject::ApproverMissing)
    } else if approver == actor {
        Err(Reject::ApproverSame)
    } else {
        Ok(())
    }
}

impl Book {
    /// What a switch, a mode or a limit is set on must be there, or somebody believes that something is stopped. Never
    /// asked when one is lifted. Desks, traders and strategies are whatever orders name.
    ///
    /// # Errors
    /// What is not known.
    pub(super) fn check_scope(&self, scope: Scope) -> Result<(), Reject> {
        let (known, reason) = match scope {
            Scope::House | Scope::Desk(_) | Scope::Trader(_) | Scope::Strategy(_) => return Ok(()),
            Scope::Account(id) => (self.account(id).is_some(), Reject::UnknownAccount),
            Scope::Group(id) => (self.groups.contains_key(&id), Reject::UnknownGroup),
            Scope::Instrument(id) => (self.instrument(id).is_some(), Reject::UnknownInstrument),
            Scope::Currency(id) => (self.currencies.contains_key(&id), Reject::UnknownCurrency),
        };
        if known { Ok(()) } else { Err(reason) }
    }

    /// A kill switch's scope, and what narrows it.
    fn check_kill(&self, set: &SetKill) -> Result<(), Reject> {
        let also = [
            set.also.group.map(Scope::Group),
            set.also.account.map(Scope::Account),
            set.also.instrument.map(Scope::Instrument),
        ];
        self.check_scope(set.scope)?;
        let mut also = also.into_iter().flatten();
        also.try_for_each(|scope| self.check_scope(scope))
    }

    pub(super) fn set_mode(&mut self, ctx: &mut Ctx<'_>, set: SetMode) {
        let from = self
            .modes
            .get(&set.scope)
            .map_or(TradingMode::Normal, |mode| mode.mode);
        let before = self.modes.get(&set.scope);
        let lets_close = |set: &SetMode| set.allow_reducing || set.mode != TradingMode::Halt;
        let loosens =
            set.mode < from || before.is_some_and(|old| lets_close(&set) && !lets_close(old));
        if set.mode != TradingMode::Normal
            && let Err(reason) = self.check_scope(set.scope)
        {
            return self.answer(ctx, None, None, vec![reason]);
        }
        if loosens && let Err(reason) = two_people(ctx.actor, set.approver) {
            return self.answer(ctx, None, None, vec![reason]);
        }
        self.answer(ctx, None, None, Vec::new());
        if set.mode == TradingMode::Normal {
            self.modes.remove(&set.scope);
        } else {
            self.modes.insert(set.scope, set);
        }
        ctx.out.push(Output::Mode(ModeChange {
            set,
            from,
            actor: ctx.actor,
        }));
    }

    pub(super) fn set_kill(&mut self, ctx: &mut Ctx<'_>, set: SetKill) {
        if !set.on {
            let known = self.kills.contains_key(&(set.scope, set.also));
            if known && let Err(reason) = two_people(ctx.actor, set.approver) {
                return self.answer(ctx, None, None, vec![reason]);
            }
            self.answer(ctx, None, None, Vec::new());
            self.kills.remove(&(set.scope, set.also));
            ctx.out.push(Output::Kill(KillChange {
                set,
                actor: ctx.actor,
                cancelled: 0,
            }));
            return;
        }
        if let Err(reason) = self.check_kill(&set) {
            return self.answer(ctx, None, None, vec![reason]);
        }
        let before = self.kills.get(&(set.scope, set.also));
        let loosens = before.is_some_and(|old| set.allow_reducing && !old.allow_reducing);
        if loosens && let Err(reason) = two_people(ctx.actor, set.approver) {
            return self.answer(ctx, None, None, vec![reason]);
        }
        self.answer(ctx, None, None, Vec::new());
        self.kills.insert((set.scope, set.also), set);
        let at = ctx.out.len();
        let cancelled = self.cancel_scope(ctx, set);
        ctx.out.insert(
            at,
            Output::Kill(KillChange {
                set,
                actor: ctx.actor,
                cancelled,
            }),
        );
    }

    /// Cancels every working order of the scope at once; closing orders stay when reducing is allowed.
    fn cancel_scope(&mut self, ctx: &mut Ctx<'_>, set: SetKill) -> u32 {
        let mut orders = Vec::new();
        for order in self.orders.values() {
            let Some(account) = self.account(order.order.account) else {
                continue;
            };
            let hit = self.killed_by(account, &order.order, &set);
            let kept = set.allow_reducing && order.closing;
            let stays = kept || order.is_of_broker();
            if hit && !stays && order.state != OrderState::Cancelling {
                orders.push(order.id);
            }
        }
        let mut cancelled = 0;
        for id in orders {
            let (outcome, _) = self.cancel_outcome(id);
            if outcome != Outcome::Refused {
                self.cancel_by(ctx, id, outcome);
                cancelled += 1;
            }
        }
        cancelled
    }

    pub(super) fn set_review(&mut self, ctx: &mut Ctx<'_>, set: SetReview) {
        let Some(account) = self.account_mut(set.account) else {
            return self.answer(ctx, Some(set.account), None, vec![Reject::UnknownAccount]);
        };
        account.state.review = set.on;
        self.answer(ctx, Some(set.account), None, Vec::new());
        ctx.out.push(Output::Terms(TermsChange::Review(set)));
    }
}
