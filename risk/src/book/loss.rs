//! Loss alerts: an account against its day, its peak or its margin, a position against the same; and the further levels
//! of margin that a group has told on the way down.

use super::levels::Line;
use super::margin::{Valuation, Which, level, line};
use super::positions::Position;
use super::settle::fine;
use super::{Account, Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::watch::{Band, Valuing};
use crate::wide::mul_div_floor;
use std::cmp::Ordering;

/// Lines in fine units: the alert is on below the first, and off again at or above the second.
struct Lines {
    on: i128,
    off: i128,
    limit: Money,
}

impl Book {
    /// Equity lines of the account's loss alert.
    fn account_lines(&self, account: &Account, value: &Valuation) -> Option<Lines> {
        let group = self.group_of(account);
        let digits = self.digits_of(account);
        let (from, base) = match group.loss.account_of {
            LossBasis::DayStart => (
                fine(account.state.day_start, digits),
                account.state.day_start,
            ),
            LossBasis::Peak => (fine(account.state.peak, digits), account.state.peak),
            LossBasis::Margin => (value.fixed, value.used.plain),
        };
        if group.loss_account <= Ratio(0) || base <= Money(0) {
            return None;
        }
        let limit = line(group.loss_account, base, digits);
        Some(lines(from, limit, group.loss.clear, digits))
    }

    /// Both kinds; `kept` when nothing but prices changed, so that a group without alerts of positions has none to end.
    pub(super) fn check_losses(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: AccountId,
        value: &Valuation,
        kept: bool,
    ) {
        self.raise_peak(id, value);
        self.check_account_loss(ctx, id, value);
        self.check_rungs(ctx, id, value);
        let group = self.account(id).map(|account| self.group_of(account));
        if kept && group.is_none_or(|group| group.loss_position <= Ratio(0)) {
            return;
        }
        for slot in self
            .account(id)
            .map(|account| account.positions.clone())
            .unwrap_or_default()
        {
            self.check_position_loss(ctx, slot);
        }
    }

    /// The highest equity so far, in whole minor units, while the group looks at it.
    fn raise_peak(&mut self, id: AccountId, value: &Valuation) {
        let Some(account) = self.account(id) else {
            return;
        };
        let peak = if follows_peak(self.group_of(account)) {
            let unit =
                super::instruments::ten(crate::convert::FINE_DIGITS - self.digits_of(account));
            let equity = (value.fixed + value.plain).div_euclid(unit);
            account.state.peak.max(Money(super::margin::clamp(equity)))
        } else {
            Money(0)
        };
        if let Some(account) = self.account_mut(id) {
            account.state.peak = peak;
        }
    }

    fn check_account_loss(&mut self, ctx: &mut Ctx<'_>, id: AccountId, value: &Valuation) {
        let Some(account) = self.account(id) else {
            return;
        };
        let was = account.state.loss_on;
        let lines = self.account_lines(account, value);
        let on = lines.as_ref().is_some_and(|lines| {
            let line = if was { lines.off } else { lines.on };
            self.against(account, value, Which::Plain, line) == Ordering::Less
        });
        if on == was {
            return;
        }
        let digits = self.digits_of(account);
        let (equity, basis) = (value.equity(digits), self.group_of(account).loss.account_of);
        let loss = match basis {
            LossBasis::DayStart => account.state.day_start.0.saturating_sub(equity.0),
            LossBasis::Peak => account.state.peak.0.saturating_sub(equity.0),
            LossBasis::Margin => value.unrealised(digits).0.saturating_neg(),
        };
        if let Some(account) = self.account_mut(id) {
            account.state.loss_on = on;
        }
        ctx.out.push(Output::Loss(LossChange {
            account: id,
            kind: LossKind::Account,
            basis,
            position: None,
            instrument: ctx.cause,
            on,
            loss: Money(loss),
            limit: lines.map_or(Money(0), |lines| lines.limit),
        }));
    }

    fn check_position_loss(&mut self, ctx: &mut Ctx<'_>, slot: u32) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let Some(worth) = self.position_worth(&position) else {
            return;
        };
        let (lines, basis) = self.position_lines(&position);
        let on = lines.as_ref().is_some_and(|lines| {
            worth.plain
                < if position.loss_on {
                    lines.off
                } else {
                    lines.on
                }
        });
        if on != position.loss_on {
            if let Some(mut position) = self.positions.get_mut(slot) {
                position.loss_on = on;
            }
            let digits = self
                .account(position.account)
                .map_or(2, |account| self.digits_of(account));
            let shown = Valuation {
                plain: worth.plain,
                ..Valuation::default()
            };
            ctx.out.push(Output::Loss(LossChange {
                account: position.account,
                kind: LossKind::Position,
                basis,
                position: Some(position.id),
                instrument: Some(position.instrument),
                on,
                loss: Money(-shown.unrealised(digits).0),
                limit: lines.map_or(Money(0), |lines| lines.limit),
            }));
        }
        self.set_loss_band(slot);
    }

    /// Tells the watch between which results a position's loss alert cannot change.
    pub(super) fn set_loss_band(&mut self, slot: u32) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let Some(leg) = self.leg(&position) else {
            return;
        };
        let (low, high) = self.loss_band(&position);
        let view = Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch.set_loss(slot, &leg, low, high, view);
    }

    /// Results between which a position's loss alert cannot change.
    pub(super) fn loss_band(&self, position: &Position) -> (i128, i128) {
        match self.position_lines(position).0 {
            Some(lines) if position.loss_on => (i128::MIN, lines.off),
            Some(lines) => (lines.on - 1, i128::MAX),
            None => (i128::MIN, i128::MAX),
        }
    }

    fn position_lines(&self, position: &Position) -> (Option<Lines>, LossBasis) {
        let Some(account) = self.account(position.account) else {
            return (None, LossBasis::Margin);
        };
        let (group, digits) = (self.group_of(account), self.digits_of(account));
        let basis = group.loss.position_of;
        let base = match basis {
            LossBasis::DayStart => account.state.day_start,
            LossBasis::Peak => account.state.peak,
            LossBasis::Margin => self.margin_now(position),
        };
        let known = group.loss_position > Ratio(0) && base > Money(0);
        let limit = line(group.loss_position, base, digits);
        (
            known.then(|| lines(0, limit, group.loss.clear, digits)),
            basis,
        )
    }

    /// The levels between the warning and the stop-out that the group has told.
    fn check_rungs(&mut self, ctx: &mut Ctx<'_>, id: AccountId, value: &Valuation) {
        let Some(account) = self.account(id) else {
            return;
        };
        let (group, digits) = (*self.group_of(account), self.digits_of(account));
        let used = value.used.plain;
        let below = |rung: &&Ratio| {
            let line = rung_line(**rung, used, digits);
            **rung > Ratio(0)
                && used > Money(0)
                && line.reached(self.against(account, value, Which::Plain, line.at))
        };
        let rungs = group.closing.rungs;
        let (was, now) = (
            usize::from(account.state.rungs).min(RUNGS_MAX),
            rungs.iter().take_while(below).count(),
        );
        if now == was {
            return;
        }
        let (equity, level) = (
            value.equity(digits),
            level(value.fixed + value.plain, used, digits),
        );
        if let Some(account) = self.account_mut(id) {
            account.state.rungs = now as u8;
        }
        let changed = was.min(now)..was.max(now);
        for (rung, told) in rungs
            .iter()
            .enumerate()
            .filter(|(at, _)| changed.contains(at))
        {
            ctx.out.push(Output::Rung(RungChange {
                account: id,
                rung: rung as u8,
                level: *told,
                on: now > was,
                equity,
                used,
                now: level,
                instrument: ctx.cause,
            }));
        }
    }

    /// Narrows an account's band to where its loss alert, its peak and its rungs cannot change.
    pub(super) fn add_loss_band(&self, account: &Account, value: &Valuation, band: &mut Band) {
        let (group, digits) = (self.group_of(account), self.digits_of(account));
        if let Some(lines) = self.account_lines(account, value) {
            if account.state.loss_on {
                band.plain_high = band.plain_high.min(lines.off);
            } else {
                band.plain_low = band.plain_low.max(lines.on - 1);
            }
        }
        if follows_peak(group) {
            let next = Money(account.state.peak.0.saturating_add(1));
            band.plain_high = band.plain_high.min(fine(next, digits));
        }
        let used = value.used.plain;
        if used <= Money(0) {
            return;
        }
        let reached = usize::from(account.state.rungs);
        let rungs = group.closing.rungs;
        if let Some(next) = rungs.get(reached).filter(|rung| **rung > Ratio(0)) {
            let line = rung_line(*next, used, digits);
            band.plain_low = band.plain_low.max(line.last());
        }
        if let Some(last) = reached.checked_sub(1).and_then(|last| rungs.get(last)) {
            let line = rung_line(*last, used, digits);
            band.plain_high = band.plain_high.min(line.last() + 1);
        }
    }
}

/// Whether a group measures anything against the peak.
fn follows_peak(group: &GroupTerms) -> bool {
    (group.loss.account_of == LossBasis::Peak && group.loss_account > Ratio(0))
        || (group.loss.position_of == LossBasis::Peak && group.loss_position > Ratio(0))
}

fn rung_line(rung: Ratio, used: Money, digits: u8) -> Line {
    Line {
        at: line(rung, used, digits),
        inclusive: true,
    }
}

fn lines(from: i128, limit: i128, clear: Ratio, digits: u8) -> Lines {
    let back = mul_div_floor(limit, i128::from(clear.0), i128::from(Ratio::ONE.0));
    let shown = Valuation {
        plain: limit,
        ..Valuation::default()
    };
    Lines {
        on: from - limit,
        off: from - back.map_or(limit, |(back, _)| back),
        limit: shown.unrealised(digits),
    }
}
