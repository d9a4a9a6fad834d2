//! Accounts and their positions.

use siaga_risk::event::{self, Seq};
use siaga_risk::ids::InstrumentId;
use siaga_risk::terms::{self, AccountTerms};
use siaga_risk::units::{Money, Price, Ts};
use siaga_risk::view::{self, AccountView, ConversionView, Forecast, LadderRow, PositionView};

use super::margin::{
    CloseoutDto, InstrumentMarginDto, LeverageFrom, LiquidationDto, MarginRuleDto, RequirementDto,
    TierDto, closeout, instrument_margin, liquidation, margin_rule, requirement, tier,
};
use super::order::{OrderDto, Side, order, to_client};
use super::rules::{AccountRulesDto, BalanceProtection, StopOutPolicy, account_rules};
use super::{micros, wire_enum};
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::wire;

wire_enum!(
    MarginState = event::MarginState {
        Healthy,
        Warning,
        Restricted,
        StopOut
    }
);
wire_enum!(
    /// What a client owes after a margin call.
    CallStep = event::CallStep {
        None,
        Acknowledge,
        Confirm,
        LoggedOut
    }
);
wire_enum!(
    /// Why the next stop-out is not foretold.
    Untold = view::Untold {
        Unknown,
        ManyPositions
    }
);

/// Whether an account trades, as the core has it. It has no third state: it keeps every account, so none is closed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    Active,
    /// Under review: only closing goes on.
    Suspended,
}

impl AccountStatus {
    pub fn of(under_review: bool) -> Self {
        match under_review {
            true => AccountStatus::Suspended,
            false => AccountStatus::Active,
        }
    }
}

wire_enum!(Accounting = terms::Accounting { Netting, Hedging });

wire! {
    /// An account in the list.
    pub struct AccountRow {
        pub id: u32,
        pub name: String,
        pub currency: String,
        pub group: String,
        pub state: MarginState,
        pub equity: String,
        /// With the factors of halts and windows, as the account itself shows it.
        pub used: String,
        /// Equity over `used`; absent without used margin.
        pub level_pct: Option<String>,
    }

    /// A row of the margin ladder, nearest to a stop-out first.
    pub struct LadderDto {
        pub account: u32,
        pub name: String,
        pub currency: String,
        pub state: MarginState,
        pub equity: String,
        /// With the factors of halts and windows, and the level over it, as the account itself shows them.
        pub used: String,
        pub level_pct: Option<String>,
        /// Equity that may be lost before the stop-out, which compares without them.
        pub to_stop_out: String,
    }

    /// An account now. Money is in its currency.
    pub struct AccountDto {
        pub id: u32,
        pub name: String,
        pub currency: String,
        pub group: String,
        pub accounting: Accounting,
        /// x : 1, before caps of classes and instruments.
        pub leverage: String,
        pub leverage_from: LeverageFrom,
        /// Leverage rules by bands in force, and how they charge what is held.
        pub tiers: Vec<TierDto>,
        /// What each instrument is charged before them; the parts of `used` where no rule by bands and no schedule holds.
        pub margins: Vec<InstrumentMarginDto>,
        /// Where the legs of an account at mark price stand in the schedules of their instruments.
        pub requirements: Vec<RequirementDto>,
        /// What a stop-out compares.
        pub closeout: CloseoutDto,
        /// The broker link that its orders go to: an id of the desk's `links`.
        pub link: u16,
        pub state: MarginState,
        /// A conversion rate is missing: equity and level are not known.
        pub unknown: bool,
        pub balance: String,
        pub credit: String,
        /// With dead prices moved against the account, as warnings and restrictions are decided; a stop-out compares without
        /// (`closeout`).
        pub equity: String,
        pub unrealised: String,
        /// What dead prices take from both; 0 while none is dead.
        pub haircut: String,
        /// With the factors of halts and windows, as warnings, restrictions and new orders are decided; a stop-out compares
        /// without them (`closeout`, `to_stop_out`).
        pub used: String,
        /// Left for opening, on the same basis.
        pub free: String,
        /// Equity over `used`; absent without used margin.
        pub level_pct: Option<String>,
        pub day_start_equity: String,
        pub warning_pct: String,
        pub restricted_pct: String,
        pub stop_out_pct: String,
        pub stop_out_policy: StopOutPolicy,
        pub negative_balance_protection: BalanceProtection,
        /// What of the rules is the account's own; absent when everything is as its group has it.
        pub own: Option<AccountRulesDto>,
        /// Equity that may be lost before each threshold; negative when it is behind.
        pub to_warning: String,
        pub to_restricted: String,
        pub to_stop_out: String,
        /// Pairs that convert results into its currency, but for those it holds.
        pub conversions: Vec<ConversionDto>,
        /// Where the next stop-out is and what it closes; absent without one.
        pub next_stop_out: Option<NextStopOutDto>,
        /// Why the next stop-out is not looked for, so that its absence says nothing: `unknown` (a price or a rate is
        /// missing), `many_positions` (more than 512).
        pub next_stop_out_untold: Option<Untold>,
        pub risk_unacknowledged: bool,
        /// What the client owes after a margin call before opening again.
        pub call: CallStep,
        pub under_review: bool,
        pub status: AccountStatus,
        pub positions: Vec<PositionDto>,
        pub orders: Vec<OrderDto>,
        /// The last input this view knows, and the machine's time.
        pub seq: u64,
        pub now: u64,
    }

    /// A pair that converts what an account holds.
    pub struct ConversionDto {
        pub symbol: String,
        pub bid: String,
        /// Its bid, alone, at which the account is called, and at which it is stopped out; absent where no price of it does that.
        pub warning_at: Option<String>,
        pub stop_out_at: Option<String>,
    }

    /// The next stop-out when one instrument's price moves and everything else stands still.
    pub struct NextStopOutDto {
        pub symbol: String,
        /// Price that the account's positions in it would close at; of a pair that only converts its bid.
        pub price: String,
        /// Pending orders that are cancelled first.
        pub cancels: u32,
        /// The position that is closed first, its instrument, and how much of it; absent when none may be closed now, and where
        /// the cancels alone are enough.
        pub position: Option<u64>,
        pub position_symbol: Option<String>,
        pub qty: String,
        /// Margin level there, and after that close; absent without used margin.
        pub level_before_pct: Option<String>,
        pub level_after_pct: Option<String>,
        /// It ends with the account still at its line: nothing of what is left may be closed now.
        pub stuck: bool,
    }

    /// A position now. Money is in the account's currency.
    pub struct PositionDto {
        pub id: u64,
        pub symbol: String,
        pub side: Side,
        pub qty: String,
        pub open_price: String,
        pub opened: u64,
        pub close_price: Option<String>,
        /// With a dead price moved against it.
        pub unrealised: String,
        /// What that takes from the result at `close_price`; 0 while the price is not dead.
        pub haircut: String,
        /// Standing alone, with the factors of halts and windows.
        pub margin: String,
        pub swap: String,
        pub stop_loss: Option<String>,
        pub take_profit: Option<String>,
        pub trailing: Option<String>,
        /// Price of this instrument alone at which the account is called, and at which it is stopped out.
        pub warning_at: Option<String>,
        pub stop_out_at: Option<String>,
        /// Of accounts at mark price.
        pub liquidation: Option<LiquidationDto>,
        /// The rules behind its margin.
        pub rule: Option<MarginRuleDto>,
        /// Quantity that closing orders already cover.
        pub covered: String,
        /// Its instrument is halted: no leveraged entry, closing goes on.
        pub halted: bool,
    }

    /// Positions and the sums of an account (P0.14).
    pub struct PortfolioDto {
        pub positions: Vec<PositionDto>,
        pub balance: String,
        pub equity: String,
        pub pnl: String,
        pub currency: String,
    }

    /// An account as its client follows it, without what is the desk's own. Money is in its currency.
    pub struct HeldDto {
        pub id: u32,
        pub currency: String,
        pub accounting: Accounting,
        /// x : 1, before caps of classes and instruments.
        pub leverage: String,
        pub state: MarginState,
        /// A conversion rate is missing: equity and level are not known.
        pub unknown: bool,
        pub balance: String,
        /// With dead prices moved against the account.
        pub equity: String,
        pub pnl: String,
        /// What dead prices take from both; 0 while none is dead.
        pub haircut: String,
        pub used: String,
        pub free: String,
        /// Absent without used margin.
        pub level_pct: Option<String>,
        pub warning_pct: String,
        pub restricted_pct: String,
        pub stop_out_pct: String,
        /// Equity that may be lost before the margin call and the stop-out; negative when it is behind.
        pub to_warning: String,
        pub to_stop_out: String,
        /// Pairs that convert results into its currency, but for those it holds.
        pub conversions: Vec<ConversionDto>,
        /// Where the next stop-out is and what it closes; absent without one.
        pub next_stop_out: Option<NextStopOutDto>,
        /// Why the next stop-out is not looked for: `unknown` (a price or a rate is missing), `many_positions` (more than 512).
        pub next_stop_out_untold: Option<Untold>,
        /// What is owed after a margin call before opening again.
        pub call: CallStep,
        /// Only closing goes on.
        pub under_review: bool,
        pub positions: Vec<PositionDto>,
        /// Orders that still may do something.
        pub orders: Vec<OrderDto>,
        /// The last input this view knows, and the machine's time.
        pub seq: u64,
        pub now: u64,
    }
}

/// Names of an account: itself, its currency, its group.
fn names_of(terms: &AccountTerms, names: &Directory) -> (String, String, String) {
    let entry = names.account(terms.id);
    let name = entry.map_or_else(|| format!("account-{}", terms.id), |a| a.name.clone());
    (
        name,
        names.currency_code(terms.currency),
        names.group_name(terms.group),
    )
}

pub fn account(view: &AccountView, seq: Seq, now: Ts, names: &Directory) -> AccountDto {
    let digits = names.money_digits(view.terms.currency);
    let money = |m: Money| decimal::show(m.0, digits);
    let (name, currency, group) = names_of(&view.terms, names);
    AccountDto {
        id: view.terms.id.0,
        name,
        currency,
        group,
        accounting: view.terms.accounting.into(),
        leverage: view.leverage.to_string(),
        leverage_from: view.leverage_from.into(),
        tiers: view.tiers.iter().map(|t| tier(t, digits, names)).collect(),
        margins: view
            .margins
            .iter()
            .map(|m| instrument_margin(m, digits, names))
            .collect(),
        requirements: view
            .requirements
            .iter()
            .map(|r| requirement(r, names))
            .collect(),
        closeout: closeout(&view.closeout, digits),
        link: view.terms.link.0,
        state: view.state.into(),
        unknown: view.unknown,
        balance: money(view.balance),
        credit: money(view.credit),
        equity: money(view.equity),
        unrealised: money(view.unrealised),
        haircut: money(view.haircut),
        used: money(view.used),
        free: money(view.free),
        level_pct: view.level.map(decimal::level_pct),
        day_start_equity: money(view.day_start_equity),
        warning_pct: decimal::level_pct(view.warning),
        restricted_pct: decimal::level_pct(view.restricted),
        stop_out_pct: decimal::level_pct(view.stop_out),
        stop_out_policy: view.stop_out_policy.into(),
        negative_balance_protection: view.negative_balance_protection.into(),
        own: view.rules.as_ref().map(account_rules),
        to_warning: money(view.to_warning),
        to_restricted: money(view.to_restricted),
        to_stop_out: money(view.to_stop_out),
        conversions: view
            .conversions
            .iter()
            .map(|pair| conversion(pair, names))
            .collect(),
        next_stop_out: view.next_stop_out.map(|next| next_stop_out(&next, names)),
        next_stop_out_untold: view.next_untold.map(Untold::from),
        risk_unacknowledged: view.call != event::CallStep::None,
        call: view.call.into(),
        under_review: view.under_review,
        status: AccountStatus::of(view.under_review),
        positions: view
            .positions
            .iter()
            .map(|p| position(p, digits, names))
            .collect(),
        orders: view.orders.iter().map(|o| order(o, names)).collect(),
        seq,
        now: micros(now),
    }
}

fn conversion(view: &ConversionView, names: &Directory) -> ConversionDto {
    let entry = names.instrument(view.instrument);
    let digits = entry.map_or(0, |e| e.terms.price_digits);
    let price = |p: Price| decimal::show(p.0, digits);
    ConversionDto {
        symbol: entry.map_or_else(|| view.instrument.to_string(), |e| e.symbol.clone()),
        bid: price(view.bid),
        warning_at: view.warning_at.map(price),
        stop_out_at: view.stop_out_at.map(price),
    }
}

fn next_stop_out(next: &Forecast, names: &Directory) -> NextStopOutDto {
    let entry = names.instrument(next.instrument);
    let price_digits = entry.map_or(0, |e| e.terms.price_digits);
    let symbol = |id: InstrumentId| {
        let entry = names.instrument(id);
        entry.map_or_else(|| id.to_string(), |e| e.symbol.clone())
    };
    // What is closed may be held in another instrument than the one that moves, and counts in lots of its own.
    let closed = next.position.map(|(_, instrument)| instrument);
    let qty_digits = closed
        .and_then(|id| names.instrument(id))
        .map_or(0, |e| e.terms.qty_digits);
    NextStopOutDto {
        symbol: symbol(next.instrument),
        price: decimal::show(next.price.0, price_digits),
        cancels: next.cancels,
        position: next.position.map(|(id, _)| id.0),
        position_symbol: closed.map(symbol),
        qty: decimal::show(next.qty.0, qty_digits),
        level_before_pct: next.level_before.map(decimal::level_pct),
        level_after_pct: next.level_after.map(decimal::level_pct),
        stuck: next.stuck,
    }
}

fn position(view: &PositionView, money_digits: u8, names: &Directory) -> PositionDto {
    let held = &view.position;
    let entry = names.instrument(held.instrument);
    let (price_digits, qty_digits) =
        entry.map_or((0, 0), |e| (e.terms.price_digits, e.terms.qty_digits));
    let price = |p: Price| decimal::show(p.0, price_digits);
    let money = |m: Money| decimal::show(m.0, money_digits);
    PositionDto {
        id: held.id.0,
        symbol: entry.map_or_else(|| held.instrument.to_string(), |e| e.symbol.clone()),
        side: held.side.into(),
        qty: decimal::show(held.qty.0, qty_digits),
        open_price: price(held.open_price),
        opened: micros(held.opened),
        close_price: view.close_price.map(price),
        unrealised: money(view.unrealised),
        haircut: money(view.haircut),
        margin: money(held.margin),
        swap: money(held.swap),
        stop_loss: held.protection.stop_loss.map(price),
        take_profit: held.protection.take_profit.map(price),
        trailing: (held.protection.trailing.0 > 0).then(|| price(held.protection.trailing)),
        warning_at: view.warning_at.map(price),
        stop_out_at: view.stop_out_at.map(price),
        liquidation: view
            .liquidation
            .map(|known| liquidation(&known, held.instrument, names)),
        rule: view
            .rule
            .map(|rule| margin_rule(&rule, held.instrument, names)),
        covered: decimal::show(view.covered.0, qty_digits),
        halted: view.halted,
    }
}

pub fn row(view: &LadderRow, terms: &AccountTerms, names: &Directory) -> AccountRow {
    let digits = names.money_digits(terms.currency);
    let (name, currency, group) = names_of(terms, names);
    AccountRow {
        id: view.account.0,
        name,
        currency,
        group,
        state: view.state.into(),
        equity: decimal::show(view.equity.0, digits),
        used: decimal::show(view.used.0, digits),
        level_pct: view.level.map(decimal::level_pct),
    }
}

pub fn ladder(view: &LadderRow, names: &Directory) -> Option<LadderDto> {
    let terms = names.account(view.account)?.terms;
    let row = row(view, &terms, names);
    let digits = names.money_digits(terms.currency);
    Some(LadderDto {
        account: row.id,
        name: row.name,
        currency: row.currency,
        state: row.state,
        equity: row.equity,
        used: row.used,
        level_pct: row.level_pct,
        to_stop_out: decimal::show(view.to_stop_out.0, digits),
    })
}

/// An account as its client sees it.
pub fn held(view: AccountDto) -> HeldDto {
    HeldDto {
        id: view.id,
        currency: view.currency,
        accounting: view.accounting,
        leverage: view.leverage,
        state: view.state,
        unknown: view.unknown,
        balance: view.balance,
        equity: view.equity,
        pnl: view.unrealised,
        haircut: view.haircut,
        used: view.used,
        free: view.free,
        level_pct: view.level_pct,
        warning_pct: view.warning_pct,
        restricted_pct: view.restricted_pct,
        stop_out_pct: view.stop_out_pct,
        to_warning: view.to_warning,
        to_stop_out: view.to_stop_out,
        conversions: view.conversions,
        next_stop_out: view.next_stop_out,
        next_stop_out_untold: view.next_stop_out_untold,
        call: view.call,
        under_review: view.under_review,
        positions: view.positions,
        orders: view.orders.into_iter().map(to_client).collect(),
        seq: view.seq,
        now: view.now,
    }
}

pub fn portfolio(view: AccountDto) -> PortfolioDto {
    PortfolioDto {
        positions: view.positions,
        balance: view.balance,
        equity: view.equity,
        pnl: view.unrealised,
        currency: view.currency,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::testing::{EURUSD, XAUUSD, instrument_terms};
    use siaga_risk::ids::PositionId;
    use siaga_risk::units::Qty;

    #[test]
    fn what_is_closed_counts_in_the_lots_of_its_own_instrument() {
        let mut names = Directory::default();
        names.put_instrument(
            "EUR/USD",
            "Euro",
            instrument_terms(EURUSD, 2, 1, 5, 100_000),
        );
        let mut gold = instrument_terms(XAUUSD, 3, 1, 2, 100);
        gold.qty_digits = 4;
        names.put_instrument("XAU/USD", "Gold", gold);
        let mut next = Forecast {
            instrument: EURUSD,
            price: Price(108_630),
            cancels: 0,
            position: Some((PositionId(669), XAUUSD)),
            qty: Qty(200_000),
            level_before: None,
            level_after: None,
            stuck: false,
        };
        let shown = next_stop_out(&next, &names);
        assert_eq!(
            (shown.symbol.as_str(), shown.price.as_str()),
            ("EUR/USD", "1.08630")
        );
        assert_eq!(
            (shown.position_symbol.as_deref(), shown.qty.as_str()),
            (Some("XAU/USD"), "20.0000")
        );
        (next.position, next.qty, next.cancels) = (None, Qty(0), 2);
        let shown = next_stop_out(&next, &names);
        assert_eq!((shown.position_symbol, shown.cancels), (None, 2));
        assert!(!shown.stuck, "the cancels are enough");
        next.stuck = true;
        assert!(next_stop_out(&next, &names).stuck);
    }
}
