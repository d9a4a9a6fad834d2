//! Trading modes, kill switches, reviews: who may stop what, and that two people let it go on.

use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::table::Outcome;
use crate::verdict::Reject;

/// A second person, who is not the first.
pub(super) fn two_people(actor: ActorId, approver: ActorId) -> Result<(), Reject> {
    if approver == ActorId(0) {
        Err(Reject::ApproverMissing)
    } else if approver == actor {
        Err(Reject::ApproverSame)
    } else {
        Ok(())
    }
}

impl Book {
    pub(super) fn set_mode(&mut self, ctx: &mut Ctx<'_>, set: SetMode) {
        let from = self
            .modes
            .get(&set.scope)
            .map_or(TradingMode::Normal, |mode| mode.mode);
        let before = self.modes.get(&set.scope);
        let lets_close = |set: &SetMode| set.allow_reducing || set.mode != TradingMode::Halt;
        let loosens =
            set.mode < from || before.is_some_and(|old| lets_close(&set) && !lets_close(old));
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
            if hit && !kept && order.state != OrderState::Cancelling {
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
