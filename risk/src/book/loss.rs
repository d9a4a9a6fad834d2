//! Loss alerts: an account against the equity its day began with, a position against its margin.

use super::margin::{Valuation, Which, line};
use super::positions::Position;
use super::settle::fine;
use super::{Account, Book, Ctx};
use crate::event::*;
use crate::ids::*;
use crate::units::*;
use crate::watch::{Band, Valuing};
use std::cmp::Ordering;

/// An alert clears when the loss is back within this share of its limit, so that it does not flap.
const CLEAR: Ratio = Ratio::percent(90);

/// Equity lines in fine units: the alert is on below the first, and off again at or above the second.
struct Lines {
    on: i128,
    off: i128,
    limit: Money,
}

impl Book {
    fn account_lines(&self, account: &Account) -> Option<Lines> {
        let group = self.group_of(account);
        let (day_start, digits) = (account.state.day_start, self.digits_of(account));
        if group.loss_account <= Ratio(0) || day_start <= Money(0) {
            return None;
        }
        let limit = line(group.loss_account, day_start, digits);
        Some(lines(fine(day_start, digits), limit, digits))
    }

    pub(super) fn check_losses(&mut self, ctx: &mut Ctx<'_>, id: AccountId, value: &Valuation) {
        self.check_account_loss(ctx, id, value);
        for slot in self
            .account(id)
            .map(|account| account.positions.clone())
            .unwrap_or_default()
        {
            self.check_position_loss(ctx, slot);
        }
    }

    fn check_account_loss(&mut self, ctx: &mut Ctx<'_>, id: AccountId, value: &Valuation) {
        let Some(account) = self.account(id) else {
            return;
        };
        let was = account.state.loss_on;
        let Some(lines) = self.account_lines(account) else {
            return;
        };
        let on = if was {
            self.against(account, value, Which::Plain, lines.off) == Ordering::Less
        } else {
            self.against(account, value, Which::Plain, lines.on) == Ordering::Less
        };
        if on == was {
            return;
        }
        let loss = account
            .state
            .day_start
            .0
            .saturating_sub(value.equity(self.digits_of(account)).0);
        if let Some(account) = self.account_mut(id) {
            account.state.loss_on = on;
        }
        ctx.out.push(Output::Loss(LossChange {
            account: id,
            kind: LossKind::Account,
            position: None,
            instrument: ctx.cause,
            on,
            loss: Money(loss),
            limit: lines.limit,
        }));
    }

    fn check_position_loss(&mut self, ctx: &mut Ctx<'_>, slot: u32) {
        let Some(position) = self.positions.get(slot) else {
            return;
        };
        let Some(worth) = self.position_worth(&position) else {
            return;
        };
        let Some(lines) = self.position_lines(&position) else {
            return self.set_loss_band(slot);
        };
        let on = worth.plain
            < if position.loss_on {
                lines.off
            } else {
                lines.on
            };
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
                position: Some(position.id),
                instrument: Some(position.instrument),
                on,
                loss: Money(-shown.unrealised(digits).0),
                limit: lines.limit,
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
        match self.position_lines(position) {
            Some(lines) if position.loss_on => (i128::MIN, lines.off),
            Some(lines) => (lines.on - 1, i128::MAX),
            None => (i128::MIN, i128::MAX),
        }
    }

    fn position_lines(&self, position: &Position) -> Option<Lines> {
        let account = self.account(position.account)?;
        let (group, digits) = (self.group_of(account), self.digits_of(account));
        if group.loss_position <= Ratio(0) || position.margin <= Money(0) {
            return None;
        }
        Some(lines(
            0,
            line(group.loss_position, position.margin, digits),
            digits,
        ))
    }

    pub(super) fn add_loss_band(&self, account: &Account, band: &mut Band) {
        let Some(lines) = self.account_lines(account) else {
            return;
        };
        if account.state.loss_on {
            band.plain_high = band.plain_high.min(lines.off);
        } else {
            band.plain_low = band.plain_low.max(lines.on - 1);
        }
    }
}

fn lines(from: i128, limit: i128, digits: u8) -> Lines {
    let clear = limit / 100 * i128::from(CLEAR.0 / Ratio::percent(1).0);
    let shown = Valuation {
        plain: limit,
        ..Valuation::default()
    };
    Lines {
        on: from - limit,
        off: from - clear,
        limit: shown.unrealised(digits),
    }
}
