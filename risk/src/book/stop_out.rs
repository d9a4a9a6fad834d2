//! Stop-out: doing what the plan says, or only saying it, and what follows when it is over.

use super::orders::Order;
use super::timers::Timer;
use super::{Account, Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;

/// After a broker refused a stop-out's close, the next try waits this long: a second, so that a broker that refuses
/// everything is not flooded at every price.
const RETRY_NS: u64 = SECOND_NS;
/// An opening order whose cancel failed is left out of stop-outs this long: its margin is not freed, so positions are
/// closed instead, and the broker is not asked at every price.
pub(super) const KEPT_NS: u64 = MINUTE_NS;

impl Book {
    /// Plans and, in `act` mode, does it.
    pub(super) fn stop_out(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        let Some(account) = self
            .account(id)
            .filter(|account| account.state.state == MarginState::StopOut)
        else {
            return;
        };
        let group = *self.group_of(account);
        let value = self.value_settled(account, &ctx.env());
        if value.missing.is_some() || ctx.made >= super::ORDERS_PER_INPUT_MAX {
            return;
        }
        let plan = self.plan(account, &value, &ctx.env());
        let observes = group.stop_out_mode == StopOutMode::Observe;
        if plan == super::plan::Plan::default() && !observes {
            return;
        }
        let mut closes: Vec<PositionId> = plan
            .closes
            .iter()
            .filter_map(|(slot, _)| self.positions.get(*slot).map(|p| p.id))
            .collect();
        closes.dedup();
        ctx.out.push(Output::StopOut(StopOut {
            account: id,
            mode: group.stop_out_mode,
            equity: value.equity(self.digits_of(account)),
            used: value.used.plain,
            cancels: plan.cancels.clone(),
            closes,
        }));
        if observes {
            return;
        }
        if let Some(account) = self.account_mut(id) {
            account.state.stopping = true;
        }
        for order in plan.cancels {
            let (outcome, _) = self.cancel_outcome(order);
            self.cancel_by(ctx, order, outcome);
        }
        for (slot, qty) in plan.closes {
            // The plan took only what the table lets through.
            let _ = self.close_position(ctx, slot, qty, Origin::StopOut);
        }
    }

    /// The broker refused something of a stop-out, or the queue gave it back: the next try waits.
    pub(super) fn retry_stop_out(&mut self, now: Ts, id: AccountId) {
        if let Some(account) = self.account_mut(id) {
            account.state.retry = now.plus(RETRY_NS);
        }
        self.after(now, RETRY_NS, Timer::Retry(id));
    }

    /// A balance below zero that is left without positions is lifted where the account is protected from it, by what its
    /// credit does not cover; money that was taken out is not given back. It is lifted at once, also while a stop-out
    /// waits for an order of its own: what the client pays in meanwhile is not owed. A stop-out is over when none of its
    /// closes is under way, nor a cancel of what was in their way.
    pub(super) fn compensate(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        let ended = |account: &&Account| account.state.stopping || account.state.emptied;
        let Some(account) = self.account(id).filter(ended) else {
            return;
        };
        let stopped = account.state.stopping;
        let mut orders = account.orders.iter().filter_map(|id| self.orders.get(id));
        let pending = |order: &Order| {
            let cancelling = order.closing && order.state == OrderState::Cancelling;
            cancelling || order.origin == Origin::StopOut
        };
        let stopping = stopped && orders.any(pending);
        if stopping && !account.state.emptied {
            return;
        }
        let lifts = match self.group_of(account).negative_balance_protection {
            BalanceProtection::None => false,
            BalanceProtection::AnyClose => true,
            BalanceProtection::StopOut => stopped,
        };
        let protected = lifts && account.positions.is_empty();
        let Some(account) = self.account_mut(id) else {
            return;
        };
        (account.state.stopping, account.state.emptied) = (stopping, false);
        let (balance, credit) = (account.state.balance.0, account.state.credit.0);
        let amount = balance.saturating_add(credit).saturating_neg();
        if protected && amount > 0 {
            let balance = Money(balance.saturating_add(amount));
            account.state.balance = balance;
            let cash = Cash {
                account: id,
                kind: CashKind::Compensation,
                amount: Money(amount),
                reference: 0,
            };
            ctx.out.push(Output::Cash(CashBooked {
                cash,
                balance,
                credit: Money(credit),
            }));
            self.touch(id);
        }
    }
}
