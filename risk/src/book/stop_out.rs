//! Stop-out: which pending orders are cancelled and which positions are closed, in which order, until the level is above.

use super::margin::{Valuation, Which, component, line, stop_line};
use super::orders::Order;
use super::{Account, Book, Ctx, Env};
use crate::convert::FINE_DIGITS;
use crate::event::*;
use crate::ids::*;
use crate::table::{Action, Outcome};
use crate::terms::*;
use crate::units::*;
use std::cmp::Ordering;

/// After a broker refused a stop-out's close, the next try waits this long: a second, so that a broker that refuses
/// everything is not flooded at every price.
pub const RETRY_NS: u64 = SECOND_NS;

/// What a stop-out does, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub cancels: Vec<OrderId>,
    /// Slots of positions and the quantity closed of each.
    pub closes: Vec<(u32, i64)>,
}

/// What is left of an account as the plan goes on.
struct Left {
    gone: Vec<(u32, i64)>,
    cancelled: Vec<OrderId>,
}

impl Left {
    fn gone(&self, slot: u32) -> i64 {
        self.gone
            .iter()
            .filter(|gone| gone.0 == slot)
            .map(|gone| gone.1)
            .sum()
    }
}

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
        let value = self.valuate(account, &ctx.env());
        if value.missing.is_some() || ctx.made >= super::ORDERS_PER_INPUT_MAX {
            return;
        }
        let plan = self.plan(account, &value, &ctx.env());
        let observes = group.stop_out_mode == StopOutMode::Observe;
        if plan == Plan::default() && !observes {
            return;
        }
        let equity = value.equity(self.digits_of(account));
        let closes = plan
            .closes
            .iter()
            .filter_map(|(slot, _)| self.positions.get(*slot).map(|p| p.id))
            .collect();
        ctx.out.push(Output::StopOut(StopOut {
            account: id,
            mode: group.stop_out_mode,
            equity,
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

    /// The order of closing by the group's policy, projecting what is already under way.
    pub fn plan(&self, account: &Account, value: &Valuation, env: &Env<'_>) -> Plan {
        let group = self.group_of(account);
        let digits = self.digits_of(account);
        let mut left = self.under_way(account);
        let mut plan = Plan::default();
        loop {
            let Some(used) = self.used(account, env, None, &left.gone, &left.cancelled) else {
                return plan;
            };
            let above = if used.plain <= Money(0) {
                true
            } else {
                let (stop, at_equality) = stop_line(group, used.plain, digits);
                match self.against(account, value, Which::Plain, stop) {
                    Ordering::Less => false,
                    Ordering::Equal => !at_equality,
                    Ordering::Greater => true,
                }
            };
            // Losing every position is the policy's own end, not a level.
            if above
                && (group.stop_out_policy != StopOutPolicy::CloseAll || plan == Plan::default())
            {
                return plan;
            }
            if let Some(order) = self.next_order(account, &left) {
                left.cancelled.push(order);
                plan.cancels.push(order);
            } else if let Some((slot, qty)) = self.next_position(account, group, &left, env) {
                left.gone.push((slot, qty));
                plan.closes.push((slot, qty));
            } else {
                return plan;
            }
        }
    }

    fn under_way(&self, account: &Account) -> Left {
        let mut left = Left {
            gone: Vec::new(),
            cancelled: Vec::new(),
        };
        for order in account.orders.iter().filter_map(|id| self.orders.get(id)) {
            if order.state == OrderState::Cancelling && !order.closing {
                left.cancelled.push(order.id);
            }
        }
        for slot in &account.positions {
            let Some(position) = self.positions.get(*slot) else {
                continue;
            };
            let covered = self.covered(account, position.instrument, Some(position.id), None);
            if covered > 0 {
                left.gone.push((*slot, covered.min(position.qty)));
            }
        }
        left
    }

    /// Something is left that a stop-out would cancel.
    pub(super) fn has_order_to_cancel(&self, account: &Account) -> bool {
        let nothing = Left {
            gone: Vec::new(),
            cancelled: Vec::new(),
        };
        self.next_order(account, &nothing).is_some()
    }

    /// The pending order with the largest margin; orders under execution and orders without margin stay.
    fn next_order(&self, account: &Account, left: &Left) -> Option<OrderId> {
        let waiting =
            |order: &&Order| matches!(order.state, OrderState::Pending | OrderState::Working);
        let orders = account
            .orders
            .iter()
            .filter_map(|id| self.orders.get(id))
            .filter(waiting);
        let charged = orders.filter(|order| !left.cancelled.contains(&order.id));
        let margins =
            charged.filter_map(|order| Some((self.order_margin(account, order)?, order.id)));
        margins
            .filter(|(margin, _)| *margin > 0)
            .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))
            .map(|(_, id)| id)
    }

    fn order_margin(&self, account: &Account, order: &Order) -> Option<i64> {
        let instrument = self.instrument(order.order.instrument)?;
        let (leverage, _) = self.leverage_on(account, instrument);
        component(
            order.in_flight()?.base,
            &[instrument.open_rate(order.order.side, order.order.kind)],
            leverage,
            self.digits_of(account),
        )
    }

    fn next_position(
        &self,
        account: &Account,
        group: &GroupTerms,
        left: &Left,
        env: &Env<'_>,
    ) -> Option<(u32, i64)> {
        let mut best: Option<(i128, PositionId, u32, i64)> = None;
        for slot in &account.positions {
            let Some(position) = self.positions.get(*slot) else {
                continue;
            };
            let open = position.qty - left.gone(*slot);
            if open <= 0 || !self.is_tradable(&position, env) {
                continue;
            }
            let worth = self
                .position_worth(&position)
                .map_or(0, |worth| worth.plain);
            let key = match group.stop_out_policy {
                StopOutPolicy::Mt5 | StopOutPolicy::CloseAll | StopOutPolicy::LosersFirst => worth,
                StopOutPolicy::LargestMargin | StopOutPolicy::CtraderSmart => {
                    -i128::from(position.margin.0)
                }
            };
            let qty_max = self
                .instrument(position.instrument)
                .map_or(open, |i| i.terms.qty_max.0.max(1));
            if best.is_none_or(|best| (key, position.id) < (best.0, best.1)) {
                best = Some((key, position.id, *slot, open.min(qty_max)));
            }
        }
        best.map(|(_, _, slot, qty)| (slot, qty))
    }

    /// Nobody is closed out on a price that is not live, nor against the table.
    fn is_tradable(&self, position: &super::positions::Position, env: &Env<'_>) -> bool {
        let Some(instrument) = self.instrument(position.instrument) else {
            return false;
        };
        let side = if position.is_long() {
            Side::Sell
        } else {
            Side::Buy
        };
        let order = super::protect::closing_order(position, side, position.qty);
        instrument.terms.trade_mode != TradeMode::Disabled
            && env.market.feed(position.instrument) == FeedState::Live
            && self.outcome(Action::Reduce, &order, env).0 != Outcome::Refused
    }

    /// A balance below zero after the last close of a stop-out is lifted to zero.
    pub(super) fn compensate(&mut self, ctx: &mut Ctx<'_>, id: AccountId) {
        let Some(account) = self
            .account(id)
            .filter(|account| account.state.stopping && account.positions.is_empty())
        else {
            return;
        };
        let protected = self.group_of(account).negative_balance_protection;
        let Some(account) = self.account_mut(id) else {
            return;
        };
        account.state.stopping = false;
        if protected && account.state.balance < Money(0) {
            let amount = Money(account.state.balance.0.saturating_neg());
            account.state.balance = Money(0);
            let cash = Cash {
                account: id,
                kind: CashKind::Compensation,
                amount,
                reference: 0,
            };
            let credit = account.state.credit;
            ctx.out.push(Output::Cash(CashBooked {
                cash,
                balance: Money(0),
                credit,
            }));
            self.touch(id);
        }
    }

    /// Equity that may be lost before a level of margin is reached; negative when it is behind.
    pub(super) fn distance(
        &self,
        account: &Account,
        value: &Valuation,
        ratio: Ratio,
        which: Which,
    ) -> Money {
        let digits = self.digits_of(account);
        let (floating, used) = match which {
            Which::Plain => (value.plain, value.used.plain),
            Which::Soft => (value.soft, value.used.soft),
        };
        let room = value.fixed + floating - line(ratio, used, digits);
        Money(super::margin::clamp(div_round(
            room,
            super::instruments::ten(FINE_DIGITS - digits),
        )))
    }
}
