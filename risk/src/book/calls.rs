//! What a client does after a margin call before opening again: confirm, log in, acknowledge the risk.

use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::terms::CallFlow;
use crate::verdict::Reject;

impl Book {
    /// The account fell below its restriction: the first step that its group asks for.
    pub(super) fn call_client(&mut self, id: AccountId) {
        let flow = self
            .account(id)
            .map(|account| self.group_of(account).call_flow);
        let step = match flow {
            Some(CallFlow::Acknowledge) => CallStep::Acknowledge,
            Some(CallFlow::Login) => CallStep::Confirm,
            Some(CallFlow::None) | None => return,
        };
        if let Some(account) = self.account_mut(id) {
            account.state.call = step;
        }
    }

    /// The client has seen the call; from here on the session has ended.
    pub(super) fn confirm_call(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        if let Err(reason) = self.step(id, CallStep::Confirm, CallStep::LoggedOut) {
            return self.answer(ctx, Some(id), None, vec![reason]);
        }
        self.answer(ctx, Some(id), None, Vec::new());
        ctx.out.push(Output::Terms(TermsChange::CallConfirmed(id)));
    }

    /// The client accepts the risk notice.
    pub(super) fn acknowledge_risk(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        if let Err(reason) = self.step(id, CallStep::Acknowledge, CallStep::None) {
            return self.answer(ctx, Some(id), None, vec![reason]);
        }
        self.answer(ctx, Some(id), None, Vec::new());
        ctx.out
            .push(Output::Terms(TermsChange::RiskAcknowledged(id)));
    }

    pub(super) fn logged_in(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        let Some(account) = self.account_mut(id) else {
            return self.answer(ctx, Some(id), None, vec![Reject::UnknownAccount]);
        };
        account.state.logged_in = ctx.now;
        if account.state.call == CallStep::LoggedOut {
            account.state.call = CallStep::Acknowledge;
        }
        self.answer_system(ctx);
    }

    fn step(&mut self, id: AccountId, from: CallStep, to: CallStep) -> Result<(), Reject> {
        let account = self.account_mut(id).ok_or(Reject::UnknownAccount)?;
        if account.state.call != from {
            return Err(Reject::CallStep);
        }
        account.state.call = to;
        Ok(())
    }
}
