//! Things that happen because time goes on.

use super::orders::Order;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::{codec_enum, record};

record! {
    /// A swap that waits: whose, of which rollover, and for how many days.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct SwapDue {
        pub position: PositionId,
        pub at: Ts,
        pub days: u8,
    }
}

codec_enum! {
    /// What falls due.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Timer: u8 {
        /// The link has not answered.
        Answer(OrderId) = 0,
        /// The order's own expiry.
        Expiry(OrderId) = 1,
        /// A queued close has waited too long.
        QueueExpiry(OrderId) = 2,
        /// A broker-held protective price was crossed and no fill came.
        Silence(PositionId) = 3,
        /// A rate has been missing.
        RateMissing(AccountId) = 4,
        /// Held positions start to feel a halt.
        HaltGrace(InstrumentId) = 5,
        /// A protective price may fire again after its close failed, or what others close of its position is looked at.
        Rearm(PositionId) = 6,
        /// A stop-out may try again after a broker's refusal.
        Retry(AccountId) = 7,
        /// A window of higher requirements begins, reaches what was held before, or ends.
        Requirement(InstrumentId) = 8,
        /// A swap could not be charged for want of a rate.
        Swap(SwapDue) = 9,
        /// A mark price may have become too old.
        MarkAge(InstrumentId) = 20,
    }
}

/// Ended orders, client order ids: remembered this long, so that late reports and repeated requests find them. An ended
/// order with an execution that nobody has settled is remembered longer.
pub const REMEMBER_NS: u64 = DAY_NS;
/// References of cash movements are remembered this long: longer than any replay of the rim's outbox.
const CASH_REMEMBER_NS: u64 = 7 * DAY_NS;
/// What an account remembers of its messages is looked through this often; longer windows are kept whole.
const MESSAGES_REMEMBER_NS: u64 = HOUR_NS;

impl Book {
    pub(super) fn after(&mut self, now: Ts, ns: u64, timer: Timer) {
        self.timers.insert((now.plus(ns), timer));
    }

    /// When something falls due next.
    pub fn next_due(&self) -> Ts {
        let timer = self.timers.first().map(|(ts, _)| *ts);
        let rollover = self.rollovers.first_key_value().map(|((ts, _), _)| *ts);
        let day = self.day_starts.first().map(|(ts, _)| *ts);
        [timer, rollover, day]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Ts(u64::MAX))
    }

    /// Does what fell due until now, oldest first.
    pub fn on_time(&mut self, ctx: &mut Ctx<'_>) {
        while let Some((at, timer)) = self
            .timers
            .first()
            .copied()
            .filter(|(at, _)| *at <= ctx.now)
        {
            self.timers.remove(&(at, timer));
            self.on_timer(ctx, at, timer);
        }
        while let Some(((at, id), (days, weekday))) = self
            .rollovers
            .first_key_value()
            .map(|(k, v)| (*k, *v))
            .filter(|(k, _)| k.0 <= ctx.now)
        {
            self.rollovers.remove(&(at, id));
            self.roll(
                ctx,
                Rollover {
                    instrument: id,
                    at,
                    days,
                    weekday,
                },
            );
        }
        while let Some((at, zone)) = self
            .day_starts
            .first()
            .copied()
            .filter(|(at, _)| *at <= ctx.now)
        {
            self.day_starts.remove(&(at, zone));
            self.start_day(ctx, DayStart { at, zone });
        }
    }

    fn on_timer(&mut self, ctx: &mut Ctx<'_>, at: Ts, timer: Timer) {
        match timer {
            Timer::Answer(id) => self.unanswered(ctx, id),
            Timer::Expiry(id) => self.expire(ctx, id),
            Timer::QueueExpiry(id) => {
                if self
                    .orders
                    .get(&id)
                    .is_some_and(|order| order.state == OrderState::Queued)
                {
                    self.finish(ctx, id, OrderState::Returned, Reject::ExpiryPast.code());
                }
            }
            Timer::Silence(id) => self.silent(ctx, id),
            Timer::RateMissing(id) => self.rate_still_missing(ctx, id),
            Timer::HaltGrace(id) => self.touch_holders(id),
            Timer::Rearm(id) => self.rearm(ctx.now, id),
            Timer::Retry(id) => self.touch(id),
            Timer::Requirement(id) => self.requirement_due(ctx, id, at),
            Timer::Swap(due) => self.swap_again(ctx, due),
            Timer::MarkAge(id) => self.mark_aged(ctx, id),
        }
    }

    /// The machine's minute: forgets what is too old to matter.
    pub fn on_minute(&mut self, ctx: &mut Ctx<'_>) {
        let old = |ts: Ts, ns: u64| ctx.now.since(ts) >= ns;
        self.throttles.forget(ctx.now);
        while let Some((_, id)) = self
            .ended_by_time
            .front()
            .copied()
            .filter(|(ts, _)| old(*ts, REMEMBER_NS))
        {
            self.ended_by_time.pop_front();
            // What happened on a Friday may be settled on the Monday after.
            let kept = |order: &Order| !order.unbooked.is_empty();
            if self.ended.get(&id).is_some_and(kept) {
                self.ended_by_time.push_back((ctx.now, id));
            } else if let Some(order) = self.ended.remove(&id) {
                self.forget_broker_close(&order);
            }
        }
        while let Some((ts, account, id)) = self
            .client_ids_by_time
            .front()
            .copied()
            .filter(|(ts, ..)| old(*ts, REMEMBER_NS))
        {
            self.client_ids_by_time.pop_front();
            if self
                .client_ids
                .get(&(account, id))
                .is_some_and(|first| first.0 == ts)
            {
                self.client_ids.remove(&(account, id));
            }
        }
        while let Some((_, account, reference)) = self
            .cash_by_time
            .front()
            .copied()
            .filter(|(ts, ..)| old(*ts, CASH_REMEMBER_NS))
        {
            self.cash_by_time.pop_front();
            self.cash_seen.remove(&(account, reference));
        }
        self.forget_gone(ctx.now);
        self.forget_messages(ctx.now);
        self.refresh_haircuts(ctx);
    }

    /// An account that sent nothing for long needs no memory of it.
    fn forget_messages(&mut self, now: Ts) {
        while let Some((_, id)) = self
            .remembering
            .front()
            .copied()
            .filter(|(ts, _)| now.since(*ts) >= MESSAGES_REMEMBER_NS)
        {
            self.remembering.pop_front();
            let windows = self.account(id).map(|account| {
                let group = self.group_of(account);
                [group.rate_window_ns, group.duplicate_window_ns]
                    .map(|window| window.max(MESSAGES_REMEMBER_NS))
            });
            let [messages_ns, recent_ns] = windows.unwrap_or_default();
            if let Some(account) = self.account_mut(id)
                && let Some(memory) = &mut account.state.memory
            {
                if memory.forget(now, messages_ns, recent_ns) {
                    account.state.memory = None;
                } else {
                    self.remembering.push_back((now, id));
                }
            }
        }
    }

    /// Accounts that hold an instrument, by id.
    pub(super) fn holders_of(&self, instrument: InstrumentId) -> Vec<AccountId> {
        let slots = self.watch.holders(instrument.0);
        let mut accounts: Vec<AccountId> = slots
            .iter()
            .filter_map(|slot| self.positions.account(*slot))
            .collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    /// Everybody who holds an instrument, or has an order in it, must be looked at.
    pub(super) fn touch_holders(&mut self, instrument: InstrumentId) {
        for slot in self.watch.holders(instrument.0) {
            if let Some(account) = self.positions.account(*slot) {
                self.touched.push(account.0);
            }
        }
        for order in self
            .orders
            .values()
            .filter(|order| order.order.instrument == instrument)
        {
            self.touched.push(order.order.account.0);
        }
    }

    fn start_day(&mut self, ctx: &mut Ctx<'_>, day: DayStart) {
        let mut count = 0;
        for id in (0..self.accounts.end()).map(AccountId) {
            let Some(account) = self.account(id) else {
                continue;
            };
            let value = self.valuate(account, &ctx.env());
            let equity = value.equity(self.digits_of(account));
            if value.missing.is_none()
                && let Some(account) = self.account_mut(id)
            {
                account.state.day_start = equity;
            }
            count += 1;
            self.touched.push(id.0);
        }
        // A day start may be told late: an order placed behind it is one of the day that begins.
        let day_orders: Vec<OrderId> = self
            .orders
            .values()
            .filter(|order| order.order.tif == Tif::Day && order.placed <= day.at)
            .map(|order| order.id)
            .collect();
        for id in day_orders {
            self.expire(ctx, id);
        }
        ctx.out.push(Output::DayStart(DayStarted {
            zone: day.zone,
            at: day.at,
            accounts: count,
        }));
    }
}
