//! Answers to questions; nothing here changes anything.

use super::exposure::shown;
use super::forecast::{Distance, Foreseen};
use super::instruments::ten;
use super::levels::{Line, restricted_line, shown_levels, stop_line, warning_line};
use super::margin::{Valuation, Which, clamp, level, line};
use super::positions::Position;
use super::{Account, Book, Env};
use crate::convert::{FINE_DIGITS, Sided};
use crate::event::*;
use crate::ids::*;
use crate::table::Action;
use crate::terms::*;
use crate::units::*;
use crate::view::*;
use crate::wide::{mul_div_floor, mul_div_round};
use std::collections::BTreeMap;

/// Most rows of one slice of the ladder: a question may not hold the core up.
const LADDER_MAX: u32 = 10_000;

impl Book {
    /// An account now. Its margin and its equity are those that warn, restrict and open: with the factors of halts and
    /// windows, and with dead prices moved against it.
    pub fn account_view(&self, id: AccountId, env: &Env<'_>) -> Option<AccountView> {
        let account = self.account(id)?;
        let group = self.group_of(account);
        let value = self.valuate(account, env);
        let digits = self.digits_of(account);
        let (state, shown) = (&account.state, value.warned());
        let free = value.fixed + self.free_floating(account, &value)
            - line(Ratio::ONE, value.used.opening, digits);
        let foreseen = self.foresee(account, env);
        let positions = self.position_views(account, &value, &foreseen.held, env);
        let (soft, plain) = (value.used.soft, value.used.plain);
        let stop = stop_line(group, plain, digits);
        let (warning, stop_out) = shown_levels(group, soft, digits);
        Some(AccountView {
            terms: state.terms,
            leverage: account.leverage(group),
            leverage_from: if state.terms.leverage == Leverage::NONE {
                LeverageFrom::Group
            } else {
                LeverageFrom::Account
            },
            tiers: self.tier_views(account, env),
            margins: self.margins(account, env),
            state: state.state,
            unknown: value.missing.is_some(),
            call: state.call,
            under_review: state.review,
            balance: state.balance,
            credit: state.credit,
            equity: shown.equity(digits),
            unrealised: shown.unrealised(digits),
            haircut: haircut(&value, digits),
            used: soft,
            free: Money(clamp(div_round(free, ten(FINE_DIGITS - digits)))),
            level: shown_level(&shown, soft, digits),
            day_start_equity: state.day_start,
            to_warning: self.distance(
                account,
                &value,
                Which::Soft,
                warning_line(group, soft, digits),
            ),
            to_restricted: self.distance(
                account,
                &value,
                Which::Soft,
                restricted_line(group, soft, digits),
            ),
            to_stop_out: self.distance(account, &value, Which::Plain, stop),
            warning,
            restricted: group.restricted,
            stop_out,
            stop_out_policy: group.stop_out_policy,
            negative_balance_protection: group.negative_balance_protection,
            rules: state.rules.as_deref().copied(),
            closeout: self.closeout(account, &value, stop),
            conversions: self.conversion_views(&foreseen),
            next_stop_out: foreseen.next,
            next_untold: foreseen.untold,
            positions,
            requirements: self.requirements(account),
            orders: account
                .orders
                .iter()
                .filter_map(|id| Some(self.orders.get(id)?.change()))
                .collect(),
        })
    }

    /// The positions with the prices at which each would call the account and stop it out.
    fn position_views(
        &self,
        account: &Account,
        value: &Valuation,
        distances: &[Distance],
        env: &Env<'_>,
    ) -> Vec<PositionView> {
        let positions = account.positions.iter();
        positions
            .filter_map(|slot| self.positions.get(*slot))
            .map(|position| {
                let of = |known: &&Distance| known.instrument == position.instrument;
                let distance = distances.iter().find(of);
                self.position_view(account, value, &position, distance, env)
            })
            .collect()
    }

    /// The pairs that convert what the account holds, with the bids at which each would call it and stop it out.
    fn conversion_views(&self, foreseen: &Foreseen) -> Vec<ConversionView> {
        let views = foreseen.pairs.iter().filter_map(|pair| {
            let bid = self.prices(pair.instrument)?.bid;
            let at = |steps: Option<i64>| {
                let price = bid.checked_add(steps?)?;
                Some(Price(price)).filter(|price| price.0 > 0)
            };
            Some(ConversionView {
                instrument: pair.instrument,
                bid: Price(bid),
                warning_at: at(pair.to_warning),
                stop_out_at: at(pair.to_stop_out),
            })
        });
        views.collect()
    }

    /// What a stop-out compares: equity as the group values it for that, and how much of the way is gone.
    fn closeout(&self, account: &Account, value: &Valuation, stop: Line) -> Closeout {
        let digits = self.digits_of(account);
        let floating = if self.group_of(account).closing.at_mid {
            self.mid_floating(account, value, &[]).0
        } else {
            value.plain
        };
        let shown = Valuation {
            plain: floating,
            ..*value
        };
        let (equity, whole) = (value.fixed + floating, i128::from(Ratio::ONE.0));
        let reached = mul_div_floor(stop.at, whole, equity);
        Closeout {
            equity: shown.equity(digits),
            unrealised: shown.unrealised(digits),
            free: Money(clamp(div_round(
                equity - line(Ratio::ONE, value.used.plain, digits),
                ten(FINE_DIGITS - digits),
            ))),
            reached: reached.map(|(reached, _)| Ratio(clamp(reached))),
        }
    }

    fn position_view(
        &self,
        account: &Account,
        value: &Valuation,
        position: &Position,
        distance: Option<&Distance>,
        env: &Env<'_>,
    ) -> PositionView {
        let digits = self.digits_of(account);
        let worth = self.position_worth(position).unwrap_or_default();
        let money = |fine: i128| Money(clamp(div_round(fine, ten(FINE_DIGITS - digits))));
        let unrealised = money(worth.soft);
        let named = (account.state.terms.accounting == Accounting::Hedging).then_some(position.id);
        let instrument = self.instrument(position.instrument);
        let close = self.close_price(position.instrument, position.side);
        let valued = self.valued_at(position).or(close);
        let negative = instrument.is_some_and(|known| known.terms.negative_prices);
        let at = |steps: Option<i64>| {
            let price = Price(valued?.checked_add(steps?)?);
            Some(price).filter(|price| price.0 > 0 || negative)
        };
        PositionView {
            position: PositionChange {
                margin: self.margin_raised(account, position, env),
                ..position.change(self.open_price_of(position))
            },
            close_price: close.map(Price),
            unrealised,
            haircut: Money(money(worth.plain).0.saturating_sub(unrealised.0)),
            warning_at: at(distance.and_then(|known| known.to_warning)),
            stop_out_at: at(distance.and_then(|known| known.to_stop_out)),
            liquidation: instrument.and_then(|known| self.liquidation(account, value, known)),
            covered: Qty(self.covered(
                account,
                position.instrument,
                position.side.other(),
                named,
                None,
            )),
            halted: env.halted(position.instrument).is_some(),
            rule: self.position_rule(account, position, env),
        }
    }

    /// What an order would do, by the check it meets when it is sent.
    pub fn preview(&self, order: &NewOrder, env: &Env<'_>) -> Option<PreviewView> {
        let account = self.account(order.account)?;
        let checked = self.check(order, env);
        let value = self.valuate(account, env);
        let digits = self.digits_of(account);
        let closes = checked.action == Action::Reduce;
        let used_after = Money(value.used.opening.0.saturating_add(checked.margin.0));
        let free = value.fixed + self.free_floating(account, &value)
            - line(Ratio::ONE, used_after, digits);
        let signed = i128::from(order.qty.0) * if order.side == Side::Buy { 1 } else { -1 };
        Some(PreviewView {
            price: checked.price,
            margin_order: checked.margin,
            used_before: value.used.opening,
            used_after,
            free_after: Money(clamp(div_round(free, ten(FINE_DIGITS - digits)))),
            level_after: level(value.fixed + value.soft, used_after, digits),
            loss_at_stop: self.loss_at_stop(account, order, checked.price),
            net_after: shown(self.net(account, order.instrument) + signed),
            closes,
            at_once: self.is_at_once(order),
            rule: checked
                .price
                .and_then(|price| self.order_rule(account, order, price, env)),
            reasons: checked.reasons,
        })
    }

    fn loss_at_stop(
        &self,
        account: &Account,
        order: &NewOrder,
        price: Option<Price>,
    ) -> Option<Money> {
        let (stop, price) = (order.protection.stop_loss?, price?);
        let instrument = self.instrument(order.instrument)?;
        let long = order.side == Side::Buy;
        let cost = instrument.cost(order.qty.0, price.0)?;
        let (native, den) = instrument.result(long, order.qty.0, cost, stop.0)?;
        let sided = if native >= 0 { Sided::Bid } else { Sided::Ask };
        let to = account.state.terms.currency;
        let rate = self.rate(instrument.result_currency(), to, sided)?;
        let den = rate
            .den
            .checked_mul(den)?
            .checked_mul(ten(FINE_DIGITS - self.digits_of(account)))?;
        Some(Money(clamp(-mul_div_round(native, rate.num, den)?)))
    }

    /// A slice of the margin ladder, by account id, with the figures that the account itself is shown with.
    pub fn ladder(&self, after: Option<AccountId>, count: u32, env: &Env<'_>) -> Vec<LadderRow> {
        let first = AccountId(after.map_or(0, |id| id.0.saturating_add(1)));
        let accounts = self
            .accounts
            .from(first)
            .take(count.min(LADDER_MAX) as usize);
        accounts
            .map(|account| {
                let value = self.valuate(account, env);
                let digits = self.digits_of(account);
                let (soft, plain) = (value.used.soft, value.used.plain);
                let shown = value.warned();
                LadderRow {
                    account: account.id(),
                    state: account.state.state,
                    equity: shown.equity(digits),
                    used: soft,
                    level: shown_level(&shown, soft, digits),
                    closeout_level: level(value.fixed + value.plain, plain, digits),
                    to_stop_out: self.distance(
                        account,
                        &value,
                        Which::Plain,
                        stop_line(self.group_of(account), plain, digits),
                    ),
                }
            })
            .collect()
    }

    /// A slice of those who hold an instrument, by account id; nothing of an instrument that nobody knows.
    pub fn holder_views(
        &self,
        instrument: InstrumentId,
        after: Option<AccountId>,
        count: u32,
    ) -> Option<Vec<HolderView>> {
        self.instrument(instrument)?;
        let most = count.min(LADDER_MAX) as usize;
        let mut first: BTreeMap<AccountId, [i128; 2]> = BTreeMap::new();
        for slot in self.watch.holders(instrument.0) {
            let Some(position) = self.positions.get(*slot) else {
                continue;
            };
            if after.is_some_and(|after| position.account <= after) {
                continue;
            }
            let legs = first.entry(position.account).or_default();
            legs[usize::from(!position.is_long())] += i128::from(position.qty);
            if first.len() > most {
                first.pop_last();
            }
        }
        let holders = first
            .into_iter()
            .map(|(account, [long, short])| HolderView {
                account,
                long: shown(long),
                short: shown(short),
            });
        Some(holders.collect())
    }

    /// The house at a glance, without its hash and the market's halts.
    pub fn desk(&self) -> DeskView {
        DeskView {
            accounts: self.states.iter().sum(),
            positions: self.positions.len() as u32,
            orders: self.orders.len() as u32,
            states: self.states,
            modes: self.modes.values().copied().collect(),
            kills: self.kills.values().copied().collect(),
            latched: self.latched().map(|(scope, _)| scope).collect(),
            links: self
                .links
                .values()
                .map(|link| {
                    let [queued, in_doubt] = self.unsettled(link.terms.id);
                    LinkView {
                        id: link.terms.id,
                        mode: link.mode,
                        manual: link.manual,
                        queued,
                        in_doubt,
                    }
                })
                .collect(),
            halts: Vec::new(),
            state_hash: 0,
        }
    }

    /// The margin state by exact values, for tests that compare with a twin.
    pub fn state_now(&self, account: &Account, env: &Env<'_>) -> MarginState {
        let value = self.valuate(account, env);
        self.state_at(account, &value)
    }

    /// The margin state of a valuation: what only the factors of halts and windows do restricts and never stops out.
    pub(super) fn state_at(&self, account: &Account, value: &Valuation) -> MarginState {
        let hard = self.state_of(account, value, Which::Plain);
        let soft = self.state_of(account, value, Which::Soft);
        hard.max(soft.min(MarginState::Restricted))
    }
}

/// What dead prices take from the equity that is shown.
fn haircut(value: &Valuation, digits: u8) -> Money {
    let shown = value.warned().equity(digits);
    Money(value.equity(digits).0.saturating_sub(shown.0))
}

/// The level of what is shown, so that whoever divides the shown equity by the shown margin finds it. Decisions look at
/// the exact one.
fn shown_level(value: &Valuation, used: Money, digits: u8) -> Option<Ratio> {
    let equity = super::settle::fine(value.equity(digits), digits);
    level(equity, used, digits)
}
