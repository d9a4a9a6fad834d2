//! Broker links: live, read-only, recovering; and the durable queue of closes that waits for them.

use super::positions::Position;
use super::{Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::table::{Action, Outcome};
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use crate::wide::mul_div_floor;
use std::collections::BTreeMap;

record! {
    /// A link and what waits for it. Queued closes and cancels stand in the orders themselves.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Link {
        pub terms: LinkTerms,
        pub mode: LinkMode,
        pub manual: bool,
        /// Protective prices the broker has not been told.
        pub protects: BTreeMap<PositionId, Protect>,
    }
}

impl Book {
    pub(super) fn set_link(&mut self, terms: LinkTerms) -> Result<(), Reject> {
        if terms.queue_tolerance < Ratio(0) {
            return Err(Reject::TermsInvalid);
        }
        match self.links.get_mut(&terms.id) {
            Some(link) => link.terms = terms,
            None => {
                // Live only once it says so.
                let link = Link {
                    terms,
                    mode: LinkMode::ReadOnly,
                    manual: false,
                    protects: BTreeMap::new(),
                };
                self.links.insert(terms.id, link);
            }
        }
        Ok(())
    }

    /// A link changed its state.
    pub(super) fn link_state(&mut self, ctx: &mut Ctx<'_>, report: LinkReport) {
        let Some(link) = self.links.get_mut(&report.link) else {
            return self.answer(ctx, None, None, vec![Reject::UnknownLink]);
        };
        let from = link.mode;
        // What a hand has set, only a hand lifts.
        if link.manual && !report.manual && report.mode != LinkMode::ReadOnly {
            return self.answer(ctx, None, None, vec![Reject::ReadOnly]);
        }
        link.mode = report.mode;
        link.manual = (report.manual || link.manual) && report.mode == LinkMode::ReadOnly;
        let manual = link.manual;
        if ctx.token != 0 {
            self.answer(ctx, None, None, Vec::new());
        }
        if from == report.mode {
            return;
        }
        if report.mode != LinkMode::Live {
            self.queue_cancels(report.link);
        }
        self.tell_link(ctx, report.link, from, report.mode, manual);
        match report.mode {
            LinkMode::Live => self.release(ctx, report.link),
            LinkMode::Recovering => self.ask_unanswered(ctx, report.link),
            LinkMode::ReadOnly => {}
        }
    }

    /// A person takes a link out of service, or gives it back. Given back it stays read-only until its
    /// supervisor, who hears of it, has reconciled it.
    pub(super) fn set_link_by_hand(&mut self, ctx: &mut Ctx<'_>, set: SetLink) {
        if !set.read_only && ctx.actor == ActorId(0) {
            return self.answer(ctx, None, None, vec![Reject::PersonMissing]);
        }
        let Some(link) = self.links.get_mut(&set.link) else {
            return self.answer(ctx, None, None, vec![Reject::UnknownLink]);
        };
        let before = (link.mode, link.manual);
        link.manual = set.read_only;
        if set.read_only {
            link.mode = LinkMode::ReadOnly;
        }
        let after = (link.mode, link.manual);
        if after.0 != before.0 {
            self.queue_cancels(set.link);
        }
        self.answer(ctx, None, None, Vec::new());
        if after != before {
            self.tell_link(ctx, set.link, before.0, after.0, after.1);
        }
    }

    fn tell_link(
        &self,
        ctx: &mut Ctx<'_>,
        link: LinkId,
        from: LinkMode,
        to: LinkMode,
        manual: bool,
    ) {
        let [queued, in_doubt] = self.unsettled(link);
        ctx.out.push(Output::Link(LinkChange {
            link,
            from,
            to,
            manual,
            queued,
            in_doubt,
        }));
    }

    /// Orders at a link that are queued, and that are in doubt.
    pub(super) fn unsettled(&self, link: LinkId) -> [u32; 2] {
        self.unsettled.get(&link).copied().unwrap_or_default()
    }

    /// An order came into a state (1) or left it (-1).
    pub(super) fn count_unsettled(&mut self, link: LinkId, state: OrderState, by: i32) {
        let at = match state {
            OrderState::Queued => 0,
            OrderState::InDoubt => 1,
            _ => return,
        };
        let count = &mut self.unsettled.entry(link).or_default()[at];
        *count = count.saturating_add_signed(by);
    }

    fn orders_of(
        &self,
        link: LinkId,
        wanted: impl Fn(&super::orders::Order) -> bool,
    ) -> Vec<OrderId> {
        self.orders
            .values()
            .filter(|order| order.link == link && wanted(order))
            .map(|order| order.id)
            .collect()
    }

    /// What was asked for while the link was live may never have reached the broker: it is asked for again when the link
    /// is live. A second cancel of an order harms nobody.
    fn queue_cancels(&mut self, link: LinkId) {
        for id in self.orders_of(link, |order| order.state == OrderState::Cancelling) {
            if let Some(order) = self.orders.get_mut(&id) {
                order.cancel_queued = true;
            }
        }
    }

    /// Every order the broker may know is asked for; none is sent again.
    fn ask_unanswered(&mut self, ctx: &mut Ctx<'_>, link: LinkId) {
        for id in self.orders_of(link, |order| order.sent && !order.is_of_broker()) {
            ctx.out.push(Output::Send(Send {
                link,
                command: LinkCommand::Status(id),
            }));
        }
    }

    /// The link is live again: what positions are called, as closes name them; queued closes, each looked at anew, then
    /// cancels, then protective prices.
    fn release(&mut self, ctx: &mut Ctx<'_>, link: LinkId) {
        let is_held = self.holds_protection(link);
        if is_held {
            self.tell_all_opened(ctx, link);
        }
        for id in self.orders_of(link, |order| order.state == OrderState::Queued) {
            match self.revalidate(ctx, id) {
                Ok(()) => self.send_or_hold(ctx, id),
                Err(reason) => self.finish(ctx, id, OrderState::Returned, reason.code()),
            }
        }
        for id in self.orders_of(link, |order| order.cancel_queued) {
            self.cancel_by(ctx, id, Outcome::Sent);
        }
        // What was sent before the connection was lost may never have arrived: told again, it changes nothing.
        let mut protects = match is_held {
            true => self.protections_at(link),
            false => BTreeMap::new(),
        };
        let Some(link) = self.links.get_mut(&link) else {
            return;
        };
        let id = link.terms.id;
        protects.extend(std::mem::take(&mut link.protects));
        for set in protects.into_values() {
            ctx.out.push(Output::Send(Send {
                link: id,
                command: LinkCommand::Protect(set),
            }));
        }
        // Stop-outs that could not act meanwhile.
        let waiting: Vec<u32> = self
            .accounts()
            .filter(|account| {
                account.state.terms.link == id && account.state.state == MarginState::StopOut
            })
            .map(|account| account.id().0)
            .collect();
        self.touched.extend(waiting);
    }

    pub(super) fn holds_protection(&self, link: LinkId) -> bool {
        let link = self.links.get(&link);
        link.is_some_and(|link| link.terms.protective == HeldBy::Broker)
    }

    /// The positions of the accounts at a link, account by account.
    fn positions_at(&self, link: LinkId) -> impl Iterator<Item = Position> {
        self.accounts()
            .filter(move |account| account.state.terms.link == link)
            .flat_map(|account| &account.positions)
            .filter_map(|slot| self.positions.get(*slot))
    }

    fn tell_all_opened(&self, ctx: &mut Ctx<'_>, link: LinkId) {
        for position in self.positions_at(link) {
            self.tell_opened(ctx, link, &position);
        }
    }

    fn tell_opened(&self, ctx: &mut Ctx<'_>, link: LinkId, position: &Position) {
        ctx.out.push(Output::Send(Send {
            link,
            command: LinkCommand::Opened(Opened {
                position: position.id,
                order: self.opened_by.get(&position.id).copied(),
                account: position.account,
                instrument: position.instrument,
                side: position.side,
            }),
        }));
    }

    /// A position is there: a broker that holds its protective prices hears what it is called, and by which order it
    /// knows it. Where the link is down, `release` tells it.
    pub(super) fn name_opened(
        &mut self,
        ctx: &mut Ctx<'_>,
        position: &Position,
        order: Option<OrderId>,
    ) {
        let account = self.account(position.account);
        let Some(link) = account.map(|account| account.state.terms.link) else {
            return;
        };
        if !self.holds_protection(link) {
            return;
        }
        if let Some(order) = order {
            self.opened_by.insert(position.id, order);
        }
        let mode = self.links.get(&link).map(|link| link.mode);
        if mode == Some(LinkMode::Live) {
            self.tell_opened(ctx, link, position);
        }
    }

    /// The protective prices of the positions at a link, and that there are none where there were some: a price that was
    /// taken away may be the one that the broker still has.
    fn protections_at(&self, link: LinkId) -> BTreeMap<PositionId, Protect> {
        self.positions_at(link)
            .filter(|position| position.told)
            .map(|position| {
                let set = Protect {
                    account: position.account,
                    position: position.id,
                    protection: position.protection,
                };
                (position.id, set)
            })
            .collect()
    }

    /// Tells a broker that holds protective prices those of a new position that no order of its own has named. Where the
    /// link is down, `release` does.
    pub(super) fn tell_protection(&self, ctx: &mut Ctx<'_>, id: PositionId) {
        let Some(position) = self.positions.find(id).filter(|position| position.told) else {
            return;
        };
        let account = self.account(position.account);
        let link = account.and_then(|account| self.link_of(account));
        let told =
            |link: &&Link| link.terms.protective == HeldBy::Broker && link.mode == LinkMode::Live;
        if let Some(link) = link.filter(told) {
            ctx.out.push(Output::Send(Send {
                link: link.terms.id,
                command: LinkCommand::Protect(Protect {
                    account: position.account,
                    position: id,
                    protection: position.protection,
                }),
            }));
        }
    }

    fn revalidate(&self, ctx: &Ctx<'_>, id: OrderId) -> Result<(), Reject> {
        let order = self.orders.get(&id).ok_or(Reject::UnknownOrder)?;
        self.closes(&order.order, Some(id))?;
        if order.origin == Origin::StopOut {
            self.is_still_due(order, &ctx.env())?;
        }
        let terms = self
            .instrument(order.order.instrument)
            .map(|known| &known.terms);
        if terms.is_some_and(|terms| terms.trade_mode == TradeMode::Disabled) {
            return Err(Reject::TradeMode);
        }
        let (outcome, reasons) = self.outcome(Action::Reduce, &order.order, Some(id), &ctx.env());
        if outcome == Outcome::Refused {
            return Err(reasons.first().copied().unwrap_or(Reject::Busy));
        }
        // Who closes by himself may do so while the broker alone trades. The last price that we saw stops nobody out.
        let feed = ctx.market.feed(order.order.instrument);
        if order.origin == Origin::StopOut && feed == FeedState::Closed {
            return Err(Reject::SessionClosed);
        }
        // A protective close or a stop-out is wanted at any price, a stop too, and a limit says itself at which.
        let at_market = order.order.kind == OrderKind::Market;
        if order.origin != Origin::Client || !at_market || order.seen == Price(0) {
            return Ok(());
        }
        let link = self.links.get(&order.link).ok_or(Reject::UnknownLink)?;
        let now = self
            .open_price(order.order.instrument, order.order.side)
            .ok_or(Reject::PriceNone)?;
        let moved = (i128::from(now) - i128::from(order.seen.0)).abs();
        let size = i128::from(order.seen.0).abs();
        let allowed = mul_div_floor(
            size,
            i128::from(link.terms.queue_tolerance.0),
            i128::from(Ratio::ONE.0),
        );
        if allowed.is_none_or(|(allowed, _)| moved > allowed) {
            Err(Reject::PriceCollar)
        } else {
            Ok(())
        }
    }
}
