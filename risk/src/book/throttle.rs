//! Repeated executions: who did the same thing too often is latched until a named person has looked at it.

use super::orders::Order;
use super::pretrade::owner;
use super::{Account, Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::units::*;
use crate::verdict::Reject;
use std::collections::{BTreeMap, VecDeque};

record! {
    /// Executions of one kind that still count.
    #[derive(Clone, Debug, PartialEq)]
    struct Count {
        /// They count this long, 0 = until enabled again.
        window_ns: u64,
        times: VecDeque<Ts>,
    }

    /// Executions by who, instrument and side; and who is latched since when.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(super) struct Throttles {
        counts: BTreeMap<(Scope, InstrumentId, Side), Count>,
        latched: BTreeMap<Scope, Ts>,
    }
}

impl Count {
    fn forget(&mut self, now: Ts) {
        while self.window_ns > 0
            && self
                .times
                .front()
                .is_some_and(|ts| now.since(*ts) >= self.window_ns)
        {
            self.times.pop_front();
        }
    }
}

impl Throttles {
    /// Forgets what no longer counts.
    pub(super) fn forget(&mut self, now: Ts) {
        self.counts.retain(|_, count| {
            count.forget(now);
            !count.times.is_empty()
        });
    }

    fn clear(&mut self, scope: Scope) {
        self.counts.retain(|(owner, ..), _| *owner != scope);
    }
}

impl Book {
    /// An opening order of a client begins to be executed. Its later parts belong to the same execution.
    pub(super) fn count_execution(&mut self, ctx: &mut Ctx<'_>, order: &Order) {
        let counted =
            order.origin == Origin::Client && !order.closing && order.executions.is_empty();
        let Some(account) = self.account(order.order.account).filter(|_| counted) else {
            return;
        };
        let terms = self.group_of(account).throttle;
        if terms.executions_max == 0 {
            return;
        }
        let scope = owner(&order.order);
        let (instrument, side) = (order.order.instrument, order.order.side);
        let entry = self.throttles.counts.entry((scope, instrument, side));
        let count = entry.or_insert(Count {
            window_ns: terms.window_ns,
            times: VecDeque::new(),
        });
        count.window_ns = terms.window_ns;
        count.forget(ctx.now);
        count.times.push_back(ctx.now);
        let executions = count.times.len() as u32;
        if executions < terms.executions_max || self.throttles.latched.contains_key(&scope) {
            return;
        }
        self.throttles.clear(scope);
        self.throttles.latched.insert(scope, ctx.now);
        ctx.out.push(Output::Throttle(ThrottleChange {
            scope,
            on: true,
            instrument,
            side,
            executions,
            actor: ActorId(0),
        }));
    }

    /// A named person enables again what was latched.
    pub(super) fn reenable(&mut self, ctx: &mut Ctx<'_>, set: Reenable) {
        if ctx.actor == ActorId(0) {
            return self.answer(ctx, None, None, vec![Reject::PersonMissing]);
        }
        self.answer(ctx, None, None, Vec::new());
        self.throttles.clear(set.scope);
        if self.throttles.latched.remove(&set.scope).is_some() {
            ctx.out.push(Output::Throttle(ThrottleChange {
                scope: set.scope,
                on: false,
                instrument: InstrumentId(0),
                side: Side::Buy,
                executions: 0,
                actor: ctx.actor,
            }));
        }
    }

    /// Any of the order's scopes is latched.
    pub(super) fn is_throttled(&self, account: &Account, order: &NewOrder) -> bool {
        !self.throttles.latched.is_empty()
            && self
                .scopes(account, order)
                .iter()
                .any(|scope| self.throttles.latched.contains_key(scope))
    }

    /// Who is latched, and since when.
    pub fn latched(&self) -> impl Iterator<Item = (Scope, Ts)> + '_ {
        self.throttles
            .latched
            .iter()
            .map(|(scope, since)| (*scope, *since))
    }
}
