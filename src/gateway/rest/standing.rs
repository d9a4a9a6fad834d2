//! What stands between an account and its orders, as its client is told: modes and switches over it, without whose they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use siaga_risk::event::{self, Scope, SetKill, SetMode};
use siaga_risk::ids::InstrumentId;
use siaga_risk::terms::AccountTerms;
use siaga_risk::units::{SECOND_NS, Ts};
use siaga_risk::view::{DeskView, Query as Ask, View};
use tokio::sync::Mutex;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orders::account_view;
use super::own::may_see;
use crate::gateway::directory::Directory;
use crate::gateway::dto::desk::TradingMode;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::platform::door::By;
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

/// The core adds its house up for each question about it: clients who ask within this time share one answer.
const KEPT_NS: u64 = SECOND_NS;

wire! {
    /// What stands between an account and its orders.
    pub struct StandingDto {
        /// Prices or accounts of this house are not real.
        pub demo: bool,
        /// Whom to call when nothing can be done here; empty where nobody is named.
        pub phone: String,
        /// One for the whole account, and one for each instrument that has one of its own.
        pub stops: Vec<StopDto>,
    }

    /// A mode that is not normal, or a switch, as an account meets it.
    pub struct StopDto {
        /// The instrument that it is on; absent: everything.
        pub symbol: Option<String>,
        /// A switch counts as a halt.
        pub mode: TradingMode,
        /// Closing goes on.
        pub allow_reducing: bool,
    }
}

/// The desk as it was found last, and when.
#[derive(Default)]
pub struct Kept(Mutex<Option<(Ts, Arc<DeskView>)>>);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(standing))
}

/// What stands between an account and its orders: the desk asks of any, a client of their own.
#[utoipa::path(get, path = "/api/v1/trading/accounts/{acc}/standing", tag = "accounts", params(("acc" = u32, Path)),
    responses((status = 200, body = StandingDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.read"))))]
async fn standing(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u32>,
) -> ApiResult<axum::Json<StandingDto>> {
    may_see(&app, &by, id).await?;
    let terms = account_view(&app, id).await?.terms;
    let desk = desk(&app).await?;
    let (names, status) = (app.core.directory(), app.core.status());
    Ok(axum::Json(StandingDto {
        demo: status.demo,
        phone: status.phone,
        stops: stops(&desk.modes, &desk.kills, &terms, &names),
    }))
}

async fn desk(app: &App) -> ApiResult<Arc<DeskView>> {
    let mut kept = app.stops.0.lock().await;
    let now = app.core.now();
    if let Some((at, view)) = &*kept
        && *at <= now
        && now.since(*at) < KEPT_NS
    {
        return Ok(view.clone());
    }
    match app.core.ask(Ask::Desk).await?.view {
        View::Desk(view) => {
            let view: Arc<DeskView> = Arc::from(view);
            *kept = Some((now, view.clone()));
            Ok(view)
        }
        other => Err(ApiError::internal(format!(
            "the desk was asked for, {other:?} came"
        ))),
    }
}

/// The strictest that is over the account and over each instrument.
fn stops(
    modes: &[SetMode],
    kills: &[SetKill],
    terms: &AccountTerms,
    names: &Directory,
) -> Vec<StopDto> {
    let mut met: BTreeMap<Option<InstrumentId>, (event::TradingMode, bool)> = BTreeMap::new();
    let mut meet = |target, mode: event::TradingMode, lets_close: bool| {
        let known = met
            .entry(target)
            .or_insert((event::TradingMode::Normal, true));
        *known = (known.0.max(mode), known.1 && lets_close);
    };
    for set in modes {
        let lets_close = set.allow_reducing || set.mode != event::TradingMode::Halt;
        for target in targets(set.scope, terms, names) {
            meet(target, set.mode, lets_close);
        }
    }
    for set in kills.iter().filter(|set| is_over(set, terms)) {
        for target in targets(set.scope, terms, names) {
            if let Some(target) = narrowed(target, set.also.instrument) {
                meet(target, event::TradingMode::Halt, set.allow_reducing);
            }
        }
    }
    let told = met
        .into_iter()
        .filter_map(|(target, (mode, allow_reducing))| {
            let symbol = match target {
                Some(id) => Some(names.instrument(id)?.symbol.clone()),
                None => None,
            };
            Some(StopDto {
                symbol,
                mode: mode.into(),
                allow_reducing,
            })
        });
    told.collect()
}

/// What of an account a scope is over: nothing, everything (`None`), or instruments. A client trades for no desk, no trader and by no
/// strategy.
fn targets(scope: Scope, terms: &AccountTerms, names: &Directory) -> Vec<Option<InstrumentId>> {
    let all = |is_over: bool| if is_over { vec![None] } else { Vec::new() };
    match scope {
        Scope::House => all(true),
        Scope::Group(id) => all(id == terms.group),
        Scope::Account(id) => all(id == terms.id),
        Scope::Instrument(id) => vec![Some(id)],
        Scope::Currency(id) => names
            .instruments()
            .filter(|entry| entry.terms.base == id || entry.terms.quote == id)
            .map(|entry| Some(entry.terms.id))
            .collect(),
        Scope::Desk(_) | Scope::Trader(_) | Scope::Strategy(_) => Vec::new(),
    }
}

/// Whether what narrows a switch leaves an account's own orders in it.
fn is_over(set: &SetKill, terms: &AccountTerms) -> bool {
    let also = &set.also;
    also.group.is_none_or(|id| id == terms.group)
        && also.account.is_none_or(|id| id == terms.id)
        && (also.desk, also.trader, also.strategy) == (0, 0, 0)
}

/// A target under a switch that may name an instrument too.
fn narrowed(
    target: Option<InstrumentId>,
    also: Option<InstrumentId>,
) -> Option<Option<InstrumentId>> {
    match (target, also) {
        (_, None) => Some(target),
        (None, Some(_)) => Some(also),
        (Some(one), Some(other)) => (one == other).then_some(target),
    }
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::Also;
    use siaga_risk::ids::{AccountId, ActorId, CurrencyId, GroupId};

    use super::*;
    use crate::gateway::testing::{ACCOUNT, EURUSD, XAUUSD, terms::directory};

    fn mode(scope: Scope, mode: event::TradingMode) -> SetMode {
        SetMode {
            scope,
            mode,
            allow_reducing: false,
            note: 0,
            approver: ActorId(0),
        }
    }

    fn kill(scope: Scope, also: Also) -> SetKill {
        SetKill {
            scope,
            also,
            on: true,
            allow_reducing: true,
            note: 0,
            approver: ActorId(0),
        }
    }

    /// Symbol, mode and whether closing goes on, for the account of the tests.
    fn told(modes: &[SetMode], kills: &[SetKill]) -> Vec<(Option<String>, TradingMode, bool)> {
        let names = directory();
        let account = names.account(ACCOUNT).expect("an account");
        let stops = stops(modes, kills, &account.terms, &names);
        let row = |stop: StopDto| (stop.symbol, stop.mode, stop.allow_reducing);
        stops.into_iter().map(row).collect()
    }

    #[test]
    fn an_account_meets_the_strictest_of_what_is_over_it() {
        use event::TradingMode::{CloseOnly, Halt, Reducing};
        let modes = [
            mode(Scope::House, Reducing),
            mode(Scope::Group(GroupId(1)), CloseOnly),
            mode(Scope::Instrument(EURUSD), Halt),
        ];
        assert_eq!(
            told(&modes, &[]),
            [
                (None, TradingMode::CloseOnly, true),
                (Some("EUR/USD".to_owned()), TradingMode::Halt, false),
            ]
        );
    }

    #[test]
    fn what_is_over_others_is_not_told() {
        use event::TradingMode::Halt;
        let modes = [
            mode(Scope::Group(GroupId(2)), Halt),
            mode(Scope::Account(AccountId(8)), Halt),
            mode(Scope::Desk(1), Halt),
            mode(Scope::Trader(1), Halt),
            mode(Scope::Strategy(1), Halt),
        ];
        let kills = [
            kill(
                Scope::House,
                Also {
                    desk: 1,
                    ..Also::ANY
                },
            ),
            kill(
                Scope::House,
                Also {
                    account: Some(AccountId(8)),
                    ..Also::ANY
                },
            ),
            kill(
                Scope::Instrument(XAUUSD),
                Also {
                    instrument: Some(EURUSD),
                    ..Also::ANY
                },
            ),
        ];
        assert!(told(&modes, &kills).is_empty());
    }

    #[test]
    fn a_switch_is_a_halt_of_what_it_names() {
        let narrow = Also {
            instrument: Some(XAUUSD),
            ..Also::ANY
        };
        let gold = (Some("XAU/USD".to_owned()), TradingMode::Halt, true);
        assert_eq!(
            told(&[], &[kill(Scope::House, narrow)]),
            std::slice::from_ref(&gold)
        );
        // Gold alone has a leg in gold.
        let metal = kill(Scope::Currency(CurrencyId(3)), Also::ANY);
        assert_eq!(told(&[], &[metal]), [gold]);
    }
}
