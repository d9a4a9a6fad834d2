//! Windows of higher requirements (news, weekends): planned, open, and ended before their time.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::Deserialize;
use siaga_risk::event::Body;
use siaga_risk::ids::InstrumentId;
use siaga_risk::terms::{AssetClass, HeldPolicy, Requirement};
use siaga_risk::units::{Ratio, SECOND_NS};
use siaga_risk::view::{Query as Ask, View};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::command;
use super::desk::note;
use crate::gateway::decimal;
use crate::gateway::directory::{Directory, InstrumentEntry};
use crate::gateway::dto::market::Class;
use crate::gateway::dto::order::symbol;
use crate::gateway::dto::{from_micros, micros, wire_enum};
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::guard::Caller;
use crate::gateway::json::Json;
use crate::gateway::query::Query;
use crate::gateway::server::App;
use crate::wire;

/// Decimals of a percentage as a ratio holds them.
const PERCENT_DIGITS: u8 = 10;

wire_enum!(
    /// What a window does to positions that were open before it.
    Held = HeldPolicy {
        Keep,
        AfterGrace,
        AtOnce
    }
);

wire! {
    /// A window of higher requirements.
    pub struct WindowDto {
        pub symbol: String,
        /// Its number within the instrument.
        pub window: u16,
        pub from: u64,
        pub until: u64,
        pub factor_pct: String,
        pub held: Held,
        pub grace_s: u64,
        /// It raises requirements now.
        pub open: bool,
    }

    /// Windows, planned and open, by instrument.
    pub struct WindowList {
        pub items: Vec<WindowDto>,
        /// The last input this answer knows.
        pub seq: u64,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, set, end))
}

/// The windows of higher requirements.
#[utoipa::path(get, path = "/api/v1/requirements", tag = "desk",
    responses((status = 200, body = WindowList), (status = 401, body = Problem)))]
async fn list(State(app): State<App>) -> ApiResult<axum::Json<WindowList>> {
    let (windows, seq) = windows(&app).await?;
    Ok(axum::Json(listed(&app, &windows, seq)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRequest {
    /// Exactly one of `symbol`, `class` and `all`.
    pub symbol: Option<String>,
    pub class: Option<Class>,
    #[serde(default)]
    pub all: bool,
    /// The number of a known window that this one replaces; absent = a new one.
    pub window: Option<u16>,
    /// UTC microseconds; absent = now.
    pub from: Option<u64>,
    pub until: u64,
    /// At least 100: a window only raises.
    pub factor_pct: String,
    /// Absent = `keep`.
    pub held: Option<Held>,
    /// Positions that are held are raised so long after the beginning (`after_grace`).
    #[serde(default)]
    pub grace_s: u64,
    pub note: String,
}

/// Plans a window of higher requirements for an instrument, a class or all of them.
#[utoipa::path(post, path = "/api/v1/requirements", tag = "desk", request_body = WindowRequest,
    responses((status = 200, body = WindowList), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Json(request): Json<WindowRequest>,
) -> ApiResult<axum::Json<WindowList>> {
    let names = app.core.directory();
    let asked = (request.symbol.as_deref(), request.class, request.all);
    let instruments = instruments(asked, &names)?;
    let factor = decimal::read(&request.factor_pct, PERCENT_DIGITS)
        .map_err(|fault| ApiError::field("factor_pct", fault.says(PERCENT_DIGITS)))?;
    let (known, _) = windows(&app).await?;
    let id = match request.window {
        Some(id) => id,
        None => free(&known, &instruments)?,
    };
    let grace_ns = request.grace_s.checked_mul(SECOND_NS);
    let window = Requirement {
        instrument: InstrumentId(0),
        id,
        from: request.from.map_or(app.core.now(), from_micros),
        until: from_micros(request.until),
        factor: Ratio(factor),
        held: request.held.unwrap_or(Held::Keep).into(),
        grace_ns: grace_ns.ok_or_else(|| ApiError::field("grace_s", "use a smaller number"))?,
    };
    note(&app, actor, &request.note).await?;
    let mut set = Vec::new();
    let mut seq = 0;
    for instrument in instruments {
        let window = Requirement {
            instrument,
            ..window
        };
        seq = command(&app, actor, Body::Requirement(window)).await?.seq;
        set.push(window);
    }
    Ok(axum::Json(listed(&app, &set, seq)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EndQuery {
    /// Exactly one of `symbol`, `class` and `all`.
    pub symbol: Option<String>,
    pub class: Option<Class>,
    #[serde(default)]
    pub all: bool,
    pub window: u16,
    pub note: String,
}

/// Ends a window now, or takes it away before it begins.
#[utoipa::path(delete, path = "/api/v1/requirements", tag = "desk", params(EndQuery),
    responses((status = 200, body = WindowList), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn end(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<EndQuery>,
) -> ApiResult<axum::Json<WindowList>> {
    let asked = (query.symbol.as_deref(), query.class, query.all);
    let instruments = instruments(asked, &app.core.directory())?;
    let (known, _) = windows(&app).await?;
    let named = |window: &&Requirement| {
        window.id == query.window && instruments.contains(&window.instrument)
    };
    let ending: Vec<Requirement> = known.iter().filter(named).copied().collect();
    if ending.is_empty() {
        return Err(ApiError::not_found("the window"));
    }
    note(&app, actor, &query.note).await?;
    let mut ended = Vec::new();
    let mut seq = 0;
    for window in ending {
        let window = Requirement {
            until: app.core.now(),
            ..window
        };
        seq = command(&app, actor, Body::Requirement(window)).await?.seq;
        ended.push(window);
    }
    Ok(axum::Json(listed(&app, &ended, seq)))
}

async fn windows(app: &App) -> ApiResult<(Vec<Requirement>, u64)> {
    let reply = app.core.ask(Ask::Windows).await?;
    match reply.view {
        View::Windows(windows) => Ok((windows, reply.seq)),
        other => Err(ApiError::internal(format!(
            "the windows were asked for, {other:?} came"
        ))),
    }
}

fn listed(app: &App, windows: &[Requirement], seq: u64) -> WindowList {
    let (names, now) = (app.core.directory(), app.core.now());
    let items = windows.iter().map(|window| WindowDto {
        symbol: names.instrument(window.instrument).map_or_else(
            || window.instrument.to_string(),
            |entry| entry.symbol.clone(),
        ),
        window: window.id,
        from: micros(window.from),
        until: micros(window.until),
        factor_pct: decimal::change_pct(window.factor),
        held: window.held.into(),
        grace_s: window.grace_ns / SECOND_NS,
        open: window.from <= now && now < window.until,
    });
    WindowList {
        items: items.collect(),
        seq,
    }
}

/// The instruments that a request names.
fn instruments(
    asked: (Option<&str>, Option<Class>, bool),
    names: &Directory,
) -> ApiResult<Vec<InstrumentId>> {
    let of = |take: &dyn Fn(&InstrumentEntry) -> bool| -> Vec<InstrumentId> {
        let all = names.instruments().filter(|entry| take(entry));
        all.map(|entry: &Arc<InstrumentEntry>| entry.terms.id)
            .collect()
    };
    match asked {
        (Some(name), None, false) => Ok(vec![symbol(names, name)?.terms.id]),
        (None, Some(class), false) => {
            let class = AssetClass::from(class);
            let found = of(&|entry| entry.terms.class == class);
            match found.is_empty() {
                true => Err(ApiError::field("class", "no instrument is of this class")),
                false => Ok(found),
            }
        }
        (None, None, true) => Ok(of(&|_| true)),
        _ => Err(ApiError::field(
            "symbol",
            "give one of symbol, class and all",
        )),
    }
}

/// The smallest number that is free on all of them.
fn free(known: &[Requirement], instruments: &[InstrumentId]) -> ApiResult<u16> {
    let taken = |id: u16| {
        known
            .iter()
            .any(|window| window.id == id && instruments.contains(&window.instrument))
    };
    (1..=u16::MAX)
        .find(|id| !taken(*id))
        .ok_or_else(|| ApiError::field("window", "there is no free number"))
}
