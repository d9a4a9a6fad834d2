//! The house at a glance.

use serde::Deserialize;
use siaga_risk::event::{self, Also, Scope, SetKill, SetMode};
use siaga_risk::ids::{AccountId, GroupId};
use siaga_risk::view::DeskView;

use super::{micros, wire_enum};
use crate::gateway::core::{ExposureRow, Scenario, Status};
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::gateway::error::{ApiError, ApiResult};
use crate::gateway::live::Live;
use crate::wire;

wire_enum!(
    TradingMode = event::TradingMode {
        Normal,
        Reducing,
        CloseOnly,
        Halt
    }
);
wire_enum!(
    LinkMode = event::LinkMode {
        Live,
        ReadOnly,
        Recovering
    }
);

/// What a mode or a switch applies to.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    Deserialize,
    utoipa::ToSchema,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    House,
    Group,
    Account,
    Instrument,
    Desk,
    Trader,
    Strategy,
    Currency,
}

/// The id of a scope: a number, or the symbol of an instrument.
#[derive(
    Clone, Debug, PartialEq, serde::Serialize, Deserialize, utoipa::ToSchema, schemars::JsonSchema,
)]
#[serde(untagged)]
pub enum ScopeId {
    Number(u32),
    Symbol(String),
}

wire! {
    /// The desk now.
    pub struct DeskDto {
        pub modes: Vec<ModeDto>,
        pub kills: Vec<KillDto>,
        /// Latched by repeated executions.
        pub latched: Vec<ScopeDto>,
        pub links: Vec<LinkDto>,
        pub journal: JournalDto,
        pub store: StoreDto,
        /// Symbols under a volatility halt or one set by hand.
        pub halted: Vec<String>,
        /// The same, with what ends each.
        pub halts: Vec<HaltDto>,
        pub accounts: u32,
        pub positions: u32,
        pub orders: u32,
        pub states: StateCounts,
        /// Prices or accounts are not real.
        pub demo: bool,
        pub scenario: Option<Scenario>,
        pub version: String,
        /// History of the durable channels.
        pub epoch: u64,
        /// Whom to call when the desk cannot act.
        pub phone: String,
        /// The last input of the core; stands last, because it alone changes when nothing happens.
        pub seq: u64,
    }

    /// A halt in force.
    pub struct HaltDto {
        pub symbol: String,
        pub since: u64,
        /// Its quiet time is over, and it waits for a named person.
        pub awaiting_resume: bool,
        /// It does not end by itself.
        pub by_person: bool,
    }

    /// A trading mode that is not normal.
    pub struct ModeDto {
        pub scope: ScopeKind,
        pub id: Option<ScopeId>,
        pub name: Option<String>,
        pub mode: TradingMode,
        /// Closing goes on.
        pub allow_reducing: bool,
    }

    /// A kill switch that is on.
    pub struct KillDto {
        pub scope: ScopeKind,
        pub id: Option<ScopeId>,
        pub name: Option<String>,
        /// What narrows it: orders that match all of these as well; empty = every order of the scope.
        pub also: Vec<ScopeDto>,
        /// Closing goes on.
        pub allow_reducing: bool,
    }

    /// What something applies to.
    pub struct ScopeDto {
        pub scope: ScopeKind,
        pub id: Option<ScopeId>,
        pub name: Option<String>,
    }

    /// A broker link.
    pub struct LinkDto {
        pub id: u16,
        pub name: String,
        pub mode: LinkMode,
        /// Set by hand, and only a hand lifts it.
        pub manual: bool,
        /// Closes that wait for the link.
        pub queued: u32,
        /// Orders without an answer.
        pub in_doubt: u32,
    }

    pub struct JournalDto {
        pub state: JournalState,
        pub reason: Option<String>,
    }

    /// The read model's database.
    pub struct StoreDto {
        pub kind: String,
        pub ok: bool,
        pub detail: String,
    }

    /// Accounts by margin state.
    pub struct StateCounts {
        pub healthy: u32,
        pub warning: u32,
        pub restricted: u32,
        pub stop_out: u32,
    }

    /// The house's position in one instrument.
    pub struct ExposureDto {
        pub symbol: String,
        pub long: String,
        pub short: String,
        pub net: String,
        /// In the house currency; absent without a conversion rate.
        pub net_house: Option<String>,
        pub currency: String,
        pub accounts: u32,
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    Good,
    Poisoned,
}

pub fn desk(view: &DeskView, status: &Status, live: &Live, names: &Directory) -> DeskDto {
    let halted = names
        .instruments()
        .filter(|e| live.states(e.terms.id).halted);
    let [healthy, warning, restricted, stop_out] = view.states;
    DeskDto {
        modes: view.modes.iter().map(|set| mode(set, names)).collect(),
        kills: view.kills.iter().map(|set| kill(set, names)).collect(),
        latched: view
            .latched
            .iter()
            .map(|scope| scope_dto(*scope, names))
            .collect(),
        links: view
            .links
            .iter()
            .map(|link| LinkDto {
                id: link.id.0,
                name: names.link_name(link.id),
                mode: link.mode.into(),
                manual: link.manual,
                queued: link.queued,
                in_doubt: link.in_doubt,
            })
            .collect(),
        journal: JournalDto {
            state: match status.poisoned {
                None => JournalState::Good,
                Some(_) => JournalState::Poisoned,
            },
            reason: status.poisoned.clone(),
        },
        store: StoreDto {
            kind: status.store.kind.clone(),
            ok: status.store.ok,
            detail: status.store.detail.clone(),
        },
        halted: halted.map(|e| e.symbol.clone()).collect(),
        halts: view
            .halts
            .iter()
            .filter_map(|halt| {
                Some(HaltDto {
                    symbol: names.instrument(halt.instrument)?.symbol.clone(),
                    since: micros(halt.since),
                    awaiting_resume: halt.awaiting_resume,
                    by_person: halt.by_person,
                })
            })
            .collect(),
        accounts: view.accounts,
        positions: view.positions,
        orders: view.orders,
        states: StateCounts {
            healthy,
            warning,
            restricted,
            stop_out,
        },
        demo: status.demo,
        scenario: status.scenario,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: status.epoch,
        phone: status.phone.clone(),
        seq: status.seq,
    }
}

fn mode(set: &SetMode, names: &Directory) -> ModeDto {
    let (scope, id, name) = scope_parts(set.scope, names);
    ModeDto {
        scope,
        id,
        name,
        mode: set.mode.into(),
        allow_reducing: set.allow_reducing || set.mode != event::TradingMode::Halt,
    }
}

fn kill(set: &SetKill, names: &Directory) -> KillDto {
    let (scope, id, name) = scope_parts(set.scope, names);
    let also = narrowed_by(&set.also);
    KillDto {
        scope,
        id,
        name,
        also: also.map(|scope| scope_dto(scope, names)).collect(),
        allow_reducing: set.allow_reducing,
    }
}

/// What narrows a switch, one scope each.
fn narrowed_by(also: &Also) -> impl Iterator<Item = Scope> {
    let number = |id: u32, scope: fn(u32) -> Scope| (id != 0).then(|| scope(id));
    [
        also.group.map(Scope::Group),
        also.account.map(Scope::Account),
        also.instrument.map(Scope::Instrument),
        number(also.desk, Scope::Desk),
        number(also.trader, Scope::Trader),
        number(also.strategy, Scope::Strategy),
    ]
    .into_iter()
    .flatten()
}

fn scope_dto(scope: Scope, names: &Directory) -> ScopeDto {
    let (scope, id, name) = scope_parts(scope, names);
    ScopeDto { scope, id, name }
}

/// A scope as it is told: its kind, its id, and its name.
pub fn scope_parts(
    scope: Scope,
    names: &Directory,
) -> (ScopeKind, Option<ScopeId>, Option<String>) {
    let number = |n: u32| Some(ScopeId::Number(n));
    match scope {
        Scope::House => (ScopeKind::House, None, None),
        Scope::Group(id) => (
            ScopeKind::Group,
            number(u32::from(id.0)),
            Some(names.group_name(id)),
        ),
        Scope::Account(id) => (
            ScopeKind::Account,
            number(id.0),
            names.account(id).map(|a| a.name.clone()),
        ),
        Scope::Instrument(id) => {
            let entry = names.instrument(id);
            let symbol = entry.map_or_else(|| id.to_string(), |e| e.symbol.clone());
            (
                ScopeKind::Instrument,
                Some(ScopeId::Symbol(symbol)),
                entry.map(|e| e.name.clone()),
            )
        }
        Scope::Desk(id) => (ScopeKind::Desk, number(id), None),
        Scope::Trader(id) => (ScopeKind::Trader, number(id), None),
        Scope::Strategy(id) => (ScopeKind::Strategy, number(id), None),
        Scope::Currency(id) => (
            ScopeKind::Currency,
            Some(ScopeId::Symbol(names.currency_code(id))),
            None,
        ),
    }
}

/// Reads a scope of a request.
pub fn scope(kind: ScopeKind, id: Option<&ScopeId>, names: &Directory) -> ApiResult<Scope> {
    let number = || match id {
        Some(ScopeId::Number(n)) => Ok(*n),
        Some(ScopeId::Symbol(text)) => text
            .parse::<u32>()
            .map_err(|_| ApiError::field("id", "give the number of this scope")),
        None => Err(ApiError::field("id", "say which one")),
    };
    Ok(match kind {
        ScopeKind::House => Scope::House,
        ScopeKind::Group => {
            let id = u16::try_from(number()?);
            Scope::Group(GroupId(
                id.map_err(|_| ApiError::field("id", "group ids are below 65536"))?,
            ))
        }
        ScopeKind::Account => Scope::Account(AccountId(number()?)),
        ScopeKind::Instrument => match id {
            Some(ScopeId::Symbol(symbol)) => {
                Scope::Instrument(super::order::symbol(names, symbol)?.terms.id)
            }
            _ => Scope::Instrument(siaga_risk::ids::InstrumentId(number()?)),
        },
        ScopeKind::Desk => Scope::Desk(number()?),
        ScopeKind::Trader => Scope::Trader(number()?),
        ScopeKind::Strategy => Scope::Strategy(number()?),
        ScopeKind::Currency => match id {
            Some(ScopeId::Symbol(code)) => Scope::Currency(
                names
                    .currency(code)
                    .ok_or_else(|| ApiError::field("id", "no such currency"))?,
            ),
            _ => return Err(ApiError::field("id", "give the currency's code")),
        },
    })
}

pub fn exposure(row: &ExposureRow, names: &Directory) -> Option<ExposureDto> {
    let entry = names.instrument(row.instrument)?;
    let qty = |q: i64| decimal::show(q, entry.terms.qty_digits);
    let house_digits = names.money_digits(names.house_currency);
    Some(ExposureDto {
        symbol: entry.symbol.clone(),
        long: qty(row.long.0),
        short: qty(row.short.0),
        net: qty(row.long.0.saturating_sub(row.short.0)),
        net_house: row.net_house.map(|m| decimal::show(m.0, house_digits)),
        currency: names.currency_code(names.house_currency),
        accounts: row.accounts,
    })
}
