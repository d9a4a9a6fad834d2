//! Commands come in here: orders, money, terms.

use super::accounts::{ACCOUNT_ID_MAX, MONEY_MAX, Recent};
use super::instruments::{CURRENCY_DIGITS_MAX, Instrument, is_leverage};
use super::margin::line;
use super::{Account, Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::{Reasons, Reject};

/// Most recent orders kept per account for finding duplicates; older ones no longer count.
const RECENT_MAX: usize = 1_024;
/// Highest message rate a group may allow within its window: it bounds what an account remembers.
const RATE_MAX: u32 = 100_000;

impl Book {
    /// An order of a client or the desk.
    pub(super) fn new_order(&mut self, ctx: &mut Ctx<'_>, order: &NewOrder) {
        let key = (order.account, order.client_id);
        let named = order.client_id != ClientOrderId::default();
        if named && let Some((_, first, reasons)) = self.client_ids.get(&key) {
            ctx.out.push(Output::Answer(Answer {
                token: ctx.token,
                actor: ctx.actor,
                account: Some(order.account),
                order: *first,
                repeated: true,
                reasons: reasons.clone(),
            }));
            return;
        }
        let checked = self.check(order, &ctx.env());
        let accepted = checked.reasons.is_empty();
        let id = accepted.then_some(OrderId(ctx.seq | (ctx.made << OrderId::INPUT_BITS)));
        if named && self.account(order.account).is_some() {
            self.client_ids
                .insert(key, (ctx.now, id, checked.reasons.clone()));
            self.client_ids_by_time.push_back((ctx.now, key.0, key.1));
        }
        self.answer(ctx, Some(order.account), id, checked.reasons.clone());
        if accepted {
            self.remember_message(ctx.now, order.account, Some(order));
            let bounded = NewOrder {
                price: checked.bound.or(order.price),
                ..*order
            };
            self.create(ctx, bounded, Origin::Client, &checked);
        }
    }

    /// Counts a message against the account's rate, and remembers an order for finding its duplicates.
    pub(super) fn remember_message(&mut self, now: Ts, id: AccountId, order: Option<&NewOrder>) {
        let Some(group) = self.account(id).map(|account| *self.group_of(account)) else {
            return;
        };
        let Some(account) = self.account_mut(id) else {
            return;
        };
        let remembered = account.state.memory.is_some();
        account.count_message(now, group.rate_max);
        if let Some(order) = order.filter(|_| group.duplicate_window_ns != 0) {
            remember_order(account, order, now, group.duplicate_window_ns);
        }
        if !remembered && account.state.memory.is_some() {
            self.remembering.push_back((now, id));
        }
    }

    /// Money in or out.
    pub(super) fn cash(&mut self, ctx: &mut Ctx<'_>, cash: Cash) {
        let account = Some(cash.account);
        if let Err(reason) = self.check_cash(&cash, ctx) {
            return self.answer(ctx, account, None, vec![reason]);
        }
        if cash.reference != 0 {
            self.cash_seen.insert((cash.account, cash.reference));
            self.cash_by_time
                .push_back((ctx.now, cash.account, cash.reference));
        }
        self.answer(ctx, account, None, Vec::new());
        let Some(found) = self.account_mut(cash.account) else {
            return;
        };
        let state = &mut found.state;
        let target = if cash.kind == CashKind::Credit {
            &mut state.credit
        } else {
            &mut state.balance
        };
        target.0 += cash.amount.0;
        // Money moved in or out is neither gain nor loss.
        state.day_start = Money(state.day_start.0.saturating_add(cash.amount.0));
        if state.peak > Money(0) {
            state.peak = Money(state.peak.0.saturating_add(cash.amount.0).max(0));
        }
        let booked = CashBooked {
            cash,
            balance: state.balance,
            credit: state.credit,
        };
        ctx.out.push(Output::Cash(booked));
        self.touch(cash.account);
    }

    fn check_cash(&self, cash: &Cash, ctx: &Ctx<'_>) -> Result<(), Reject> {
        let account = self.account(cash.account).ok_or(Reject::UnknownAccount)?;
        if self.cash_seen.contains(&(cash.account, cash.reference)) && cash.reference != 0 {
            return Err(Reject::AlreadyExists);
        }
        let before = if cash.kind == CashKind::Credit {
            account.state.credit
        } else {
            account.state.balance
        };
        let after = before
            .0
            .checked_add(cash.amount.0)
            .ok_or(Reject::Overflow)?;
        if after.checked_abs().is_none_or(|size| size > MONEY_MAX) {
            return Err(Reject::Overflow);
        }
        match cash.kind {
            CashKind::Deposit if cash.amount <= Money(0) => Err(Reject::QtyNotPositive),
            CashKind::Withdrawal if cash.amount >= Money(0) => Err(Reject::QtyNotPositive),
            CashKind::Withdrawal => {
                let value = self.valuate(account, &ctx.env());
                if value.missing.is_some() {
                    return Err(Reject::LevelUnknown);
                }
                // Neither credit nor floating profit can be withdrawn.
                let digits = self.digits_of(account);
                let credit = super::settle::fine(account.state.credit, digits);
                let free = value.fixed - credit + value.soft.min(0)
                    - line(Ratio::ONE, value.used.opening, digits);
                let asked = -super::settle::fine(cash.amount, digits);
                if asked > free || after < 0 {
                    Err(Reject::InsufficientFunds)
                } else {
                    Ok(())
                }
            }
            // Credit is lent: no more of it can be taken back than there is.
            CashKind::Credit if after < 0 => Err(Reject::InsufficientFunds),
            _ => Ok(()),
        }
    }

    pub(super) fn set_account(&mut self, terms: AccountTerms) -> Result<(), Reject> {
        self.check_account(&terms)?;
        match self.account(terms.id) {
            Some(known)
                if (known.state.terms.currency, known.state.terms.accounting)
                    != (terms.currency, terms.accounting) =>
            {
                return Err(Reject::TermsInUse);
            }
            // One broker has the positions and their protective prices, another would be told to close them.
            Some(known) if self.strands(known, terms.link) => return Err(Reject::TermsInUse),
            Some(known) => {
                let own = self.own_terms(known.state.rules.as_deref(), &terms)?;
                self.expose_account(terms.id, -1);
                if let Some(known) = self.account_mut(terms.id) {
                    known.state.terms = terms;
                    known.own = own;
                }
                self.expose_account(terms.id, 1);
                self.retell_margins(terms.id);
            }
            None => {
                self.accounts.insert(Account::new(terms));
                self.states[MarginState::Healthy as usize] += 1;
            }
        }
        self.touch(terms.id);
        Ok(())
    }

    /// It would leave positions behind at a broker that holds protective prices, or bring such to one that does.
    fn strands(&self, known: &Account, to: LinkId) -> bool {
        let from = known.state.terms.link;
        let is_held = self.holds_protection(from) || self.holds_protection(to);
        from != to && is_held && !known.positions.is_empty()
    }

    pub(super) fn check_account(&self, terms: &AccountTerms) -> Result<(), Reject> {
        if terms.id.0 > ACCOUNT_ID_MAX || !is_leverage(terms.leverage) {
            return Err(Reject::TermsInvalid);
        }
        if !self.groups.contains_key(&terms.group) {
            return Err(Reject::UnknownGroup);
        }
        if !self.links.contains_key(&terms.link) {
            return Err(Reject::UnknownLink);
        }
        if !self.currencies.contains_key(&terms.currency) {
            return Err(Reject::UnknownCurrency);
        }
        Ok(())
    }

    /// The terms that hold for an account with rules of its own; nothing where its group's do.
    pub(super) fn own_terms(
        &self,
        rules: Option<&AccountRules>,
        terms: &AccountTerms,
    ) -> Result<Option<Box<GroupTerms>>, Reject> {
        let Some(rules) = rules else {
            return Ok(None);
        };
        let group = self.groups.get(&terms.group).ok_or(Reject::UnknownGroup)?;
        super::levels::check_own(rules, group, terms.accounting).map(|own| Some(Box::new(own)))
    }

    /// An account has something otherwise than its group from now on, or everything as the group again.
    fn set_rules(&mut self, rules: &AccountRules) -> Result<(), Reject> {
        let account = self.account(rules.account).ok_or(Reject::UnknownAccount)?;
        let given = (!rules.is_none()).then_some(rules);
        let own = self.own_terms(given, &account.state.terms)?;
        if let Some(account) = self.account_mut(rules.account) {
            account.state.rules = given.map(|rules| Box::new(*rules));
            account.own = own;
        }
        self.touch(rules.account);
        Ok(())
    }

    fn expose_account(&mut self, id: AccountId, sign: i128) {
        let Some(account) = self.account(id) else {
            return;
        };
        let (positions, orders) = (account.positions.clone(), account.orders.clone());
        for slot in positions {
            if let Some(position) = self.positions.get(slot) {
                self.expose_position(&position, sign);
            }
        }
        for order in orders {
            if let Some(order) = self.orders.get(&order).cloned() {
                self.expose_order(&order, sign);
            }
        }
    }

    /// Own margins of an account's positions, and what they are watched by, follow new terms.
    fn retell_margins(&mut self, id: AccountId) {
        for slot in self
            .account(id)
            .map(|account| account.positions.clone())
            .unwrap_or_default()
        {
            let Some(position) = self.positions.get(slot) else {
                continue;
            };
            let margin = self.own_margin(&position);
            if let Some(mut position) = self.positions.get_mut(slot) {
                position.margin = margin;
            }
            self.follow(slot);
        }
    }

    /// Takes the terms of a group.
    ///
    /// # Errors
    /// What is wrong with them, and the first account whose own rules do not go with them where it is that.
    fn set_group(&mut self, terms: GroupTerms) -> Result<(), (Option<AccountId>, Reject)> {
        self.check_group(&terms).map_err(|reason| (None, reason))?;
        // What an account has otherwise must go with the new terms, too.
        let members = self
            .accounts()
            .filter(|account| account.state.terms.group == terms.id)
            .map(|account| {
                let accounting = account.state.terms.accounting;
                let rules = account.state.rules.as_deref();
                let own = rules.map(|rules| super::levels::check_own(rules, &terms, accounting));
                match own.transpose() {
                    Ok(own) => Ok((account.id(), own.map(Box::new))),
                    Err(reason) => Err((Some(account.id()), reason)),
                }
            });
        let members = members.collect::<Result<Vec<_>, (Option<AccountId>, Reject)>>()?;
        self.groups.insert(terms.id, terms);
        for (id, own) in members {
            if let Some(account) = self.account_mut(id) {
                account.own = own;
            }
            self.retell_margins(id);
            self.touch(id);
        }
        Ok(())
    }

    fn check_group(&self, terms: &GroupTerms) -> Result<(), Reject> {
        super::levels::check(terms)?;
        let levels = |of: &GroupTerms| {
            let shares = (of.warning, of.restricted, of.stop_out);
            (shares, of.stop_out_test, of.closing.money)
        };
        // A group that has them already may change in everything else.
        let known = self.groups.get(&terms.id);
        let has_them = known.is_some_and(|known| levels(known) == levels(terms));
        if !has_them && super::levels::contradict(terms) {
            return Err(Reject::LevelsContradict);
        }
        if terms.leverage == Leverage::NONE
            || !is_leverage(terms.leverage)
            || terms.rate_max > RATE_MAX
            // Within no time nothing is counted.
            || (terms.rate_max > 0 && terms.rate_window_ns == 0)
            || terms.throttle.executions_max > RATE_MAX
        {
            return Err(Reject::TermsInvalid);
        }
        self.check_group_margin(terms)
    }

    /// Checks a currency before the market takes it.
    pub(crate) fn check_currency(&self, terms: &CurrencyTerms) -> Result<(), Reject> {
        if terms.digits > CURRENCY_DIGITS_MAX {
            return Err(Reject::TermsInvalid);
        }
        let fixed = self
            .currencies
            .get(&terms.id)
            .is_some_and(|known| known.digits != terms.digits);
        let used = self
            .accounts()
            .any(|account| account.state.terms.currency == terms.id);
        if fixed && used {
            Err(Reject::TermsInUse)
        } else {
            Ok(())
        }
    }

    pub(crate) fn set_currency(&mut self, terms: CurrencyTerms) {
        self.currencies.insert(terms.id, terms);
        self.refresh_routes();
    }

    /// Checks an instrument before the market takes it.
    pub(crate) fn check_instrument(&self, terms: &InstrumentTerms) -> Result<Instrument, Reject> {
        let made = Instrument::new(terms, &self.currencies)?;
        match self.instrument(terms.id) {
            Some(known) if !known.same_shape(terms) && self.is_used(terms.id) => {
                Err(Reject::TermsInUse)
            }
            _ => Ok(made),
        }
    }

    fn is_used(&self, id: InstrumentId) -> bool {
        !self.watch.holders(id.0).is_empty()
            || self
                .orders
                .values()
                .any(|order| order.order.instrument == id)
    }

    pub(crate) fn set_instrument(&mut self, made: Instrument) {
        let id = made.terms.id;
        let index = id.0 as usize;
        if self.instruments.len() <= index {
            self.instruments.resize_with(index + 1, || None);
        }
        let before = self.instruments[index].replace(Box::new(made));
        self.refresh_routes();
        if before.is_some_and(|before| !self.charges_like(&before)) {
            self.charge_orders_anew(id);
        }
        let mut holders: Vec<AccountId> = Vec::new();
        for slot in self.watch.holders(id.0) {
            holders.extend(self.positions.account(*slot));
        }
        for account in holders {
            self.retell_margins(account);
        }
        // Orders in it are charged by its terms too.
        self.touch_holders(id);
    }

    /// The margin of an order is what it was under these terms.
    fn charges_like(&self, before: &Instrument) -> bool {
        let now = self.instrument(before.terms.id);
        now.is_some_and(|now| (now.margin, now.price_use) == (before.margin, before.price_use))
    }

    /// Open orders are charged by the terms they will be filled under.
    fn charge_orders_anew(&mut self, id: InstrumentId) {
        let open = self.orders.values();
        let open = open.filter(|order| order.order.instrument == id && order.base != 0);
        let bases: Vec<(OrderId, i128)> = open
            .filter_map(|order| {
                let price = order.charged_at(self.is_inverse(id));
                Some((order.id, self.order_base(&order.order, price.0)?))
            })
            .collect();
        for (id, base) in bases {
            if let Some(order) = self.orders.get_mut(&id) {
                order.base = base;
            }
        }
    }

    /// Every command that the market has no part in.
    pub(crate) fn command(&mut self, ctx: &mut Ctx<'_>, body: &Body) {
        match body {
            Body::Link(terms) => {
                let done = self.set_link(*terms);
                self.answer_terms(ctx, None, done, TermsChange::Link(*terms));
            }
            Body::Group(terms) => {
                let done = self.set_group(**terms);
                let account = done.err().and_then(|(account, _)| account);
                let done = done.map_err(|(_, reason)| reason);
                self.answer_terms(ctx, account, done, TermsChange::Group(terms.clone()));
            }
            Body::Account(terms) => {
                let done = self.set_account(*terms);
                self.answer_terms(ctx, Some(terms.id), done, TermsChange::Account(*terms));
            }
            Body::Rules(rules) => {
                let done = self.set_rules(rules);
                let change = TermsChange::Rules(rules.clone());
                self.answer_terms(ctx, Some(rules.account), done, change);
            }
            Body::Tiers(terms) => {
                let done = self.set_tiers(terms);
                self.answer_terms(ctx, None, done, TermsChange::Tiers(terms.clone()));
            }
            Body::Requirement(window) => {
                let known = (window.instrument, window.id);
                let before = self.windows.get(&known).copied();
                let done = self.set_requirement(*window, ctx.now);
                let taken = done.is_ok();
                self.answer_terms(ctx, None, done, TermsChange::Requirement(*window));
                if taken {
                    self.tell_window(ctx, before, *window);
                }
            }
            Body::Limit(set) => {
                let done = self.set_limit(*set, ctx.actor);
                self.answer_terms(ctx, None, done, TermsChange::Limit(*set));
            }
            Body::Cash(cash) => self.cash(ctx, *cash),
            Body::Order(order) => self.new_order(ctx, order),
            Body::Cancel(cancel) => self.cancel(ctx, *cancel),
            Body::Protect(set) => self.protect(ctx, *set),
            Body::Report(report) => self.report(ctx, *report),
            Body::LinkState(report) => self.link_state(ctx, *report),
            Body::SetLink(set) => self.set_link_by_hand(ctx, *set),
            Body::Reconciled(set) => self.reconciled(ctx, *set),
            Body::BrokerClose(close) => self.broker_close(ctx, *close),
            Body::Rollover(rollover) => self.plan_rollover(ctx, *rollover),
            Body::DayStart(day) => self.plan_day(ctx, *day),
            Body::Mode(set) => self.set_mode(ctx, *set),
            Body::Kill(set) => self.set_kill(ctx, *set),
            Body::Review(set) => self.set_review(ctx, *set),
            Body::AcknowledgeRisk(account) => self.acknowledge_risk(ctx, *account),
            Body::ConfirmCall(account) => self.confirm_call(ctx, *account),
            Body::Reenable(set) => self.reenable(ctx, *set),
            Body::LoggedIn(account) => self.logged_in(ctx, *account),
            Body::MarkPrice(mark) => self.set_mark(ctx, *mark),
            Body::OpenInterest(told) => self.set_open_interest(ctx, *told),
            Body::ClockJump(jump) => {
                ctx.out.push(Output::ClockJump(*jump));
                self.answer_system(ctx);
            }
            Body::Alert(command) => {
                self.answer(ctx, None, None, Vec::new());
                ctx.out.push(Output::Alert(AlertEcho {
                    command: *command,
                    actor: ctx.actor,
                }));
            }
            Body::Currency(_)
            | Body::Source(_)
            | Body::Instrument(_)
            | Body::Session(_)
            | Body::Halt(_) => {}
        }
    }

    /// Answers a command that the market has taken or refused.
    pub(crate) fn market_answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        body: &Body,
        done: Result<(), Reject>,
    ) {
        match body {
            Body::Currency(terms) => {
                self.answer_terms(ctx, None, done, TermsChange::Currency(*terms))
            }
            Body::Source(terms) => self.answer_terms(ctx, None, done, TermsChange::Source(*terms)),
            Body::Instrument(terms) => {
                if let Some(halt) = ctx.market.halted(terms.id) {
                    // The grace of a halt that stands may have become another one.
                    let grace = terms.halt.grace_ns;
                    self.after(halt.since, grace, super::timers::Timer::HaltGrace(terms.id));
                }
                self.answer_terms(ctx, None, done, TermsChange::Instrument(terms.clone()))
            }
            Body::Session(_) if done.is_ok() => self.answer_system(ctx),
            _ => self.answer(ctx, None, None, done.err().into_iter().collect()),
        }
    }

    /// The system's own messages are answered only when somebody waits.
    pub(crate) fn answer_system(&self, ctx: &mut Ctx<'_>) {
        if ctx.token != 0 {
            self.answer(ctx, None, None, Vec::new());
        }
    }

    pub(crate) fn answer_terms(
        &self,
        ctx: &mut Ctx<'_>,
        account: Option<AccountId>,
        done: Result<(), Reject>,
        change: TermsChange,
    ) {
        let reasons: Reasons = done.err().into_iter().collect();
        let accepted = reasons.is_empty();
        self.answer(ctx, account, None, reasons);
        if accepted {
            ctx.out.push(Output::Terms(change));
        }
    }
}

/// Remembers an order so that a repetition within the window is found.
fn remember_order(account: &mut Account, order: &NewOrder, now: Ts, window_ns: u64) {
    let recent = &mut account.state.memory.get_or_insert_default().recent;
    while recent.len() >= RECENT_MAX
        || recent
            .front()
            .is_some_and(|old| now.since(old.ts) >= window_ns)
    {
        recent.pop_front();
    }
    recent.push_back(Recent {
        ts: now,
        instrument: order.instrument,
        side: order.side,
        kind: order.kind,
        qty: order.qty,
        price: order.price,
        stop: order.stop,
        position: order.position,
    });
}
