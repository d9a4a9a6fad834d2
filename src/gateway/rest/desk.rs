//! The desk: its state, exposure, modes, switches, halts, links, the simulated market.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use siaga_risk::event::{self, Also, Body, Scope, SetHalt, SetKill, SetLink, SetMode};
use siaga_risk::ids::{AccountId, ActorId, GroupId, LinkId};
use siaga_risk::view::{Query as Ask, View};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Done, command};
use crate::gateway::core::{CoreError, Scenario};
use crate::gateway::directory::Directory;
use crate::gateway::dto::desk::*;
use crate::gateway::dto::order::symbol;
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::Caller;
use crate::gateway::json::Json;
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

/// Longest note.
const NOTE_CHARS_MAX: usize = 2_000;

wire! {
    pub struct ExposureList { pub items: Vec<ExposureDto> }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(state))
        .routes(routes!(exposure_list))
        .routes(routes!(set_mode))
        .routes(routes!(set_kill))
        .routes(routes!(set_link))
        .routes(routes!(set_halt))
        .routes(routes!(set_scenario))
}

/// The house at a glance.
#[utoipa::path(get, path = "/api/v1/desk", tag = "desk", responses((status = 200, body = DeskDto), (status = 401, body = Problem)))]
async fn state(State(app): State<App>) -> ApiResult<axum::Json<DeskDto>> {
    match app.core.ask(Ask::Desk).await?.view {
        View::Desk(view) => Ok(axum::Json(desk(
            &view,
            &app.core.status(),
            app.core.live(),
            &app.core.directory(),
        ))),
        other => Err(ApiError::internal(format!(
            "the desk was asked for, {other:?} came"
        ))),
    }
}

/// The house's net position per instrument.
#[utoipa::path(get, path = "/api/v1/exposure", tag = "desk", responses((status = 200, body = ExposureList), (status = 401, body = Problem)))]
async fn exposure_list(State(app): State<App>) -> axum::Json<ExposureList> {
    let names = app.core.directory();
    let items = app
        .core
        .exposure()
        .iter()
        .filter_map(|row| exposure(row, &names))
        .collect();
    axum::Json(ExposureList { items })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeRequest {
    pub scope: ScopeKind,
    pub id: Option<ScopeId>,
    pub mode: TradingMode,
    pub note: String,
    /// Absent = yes for an account and an instrument, no for wider scopes (halt only).
    pub allow_reducing: Option<bool>,
    /// The second person of a release, by number.
    pub approver: Option<u32>,
}

/// Sets the trading mode of a scope.
#[utoipa::path(post, path = "/api/v1/modes", tag = "desk", request_body = ModeRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_mode(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Json(request): Json<ModeRequest>,
) -> ApiResult<axum::Json<Done>> {
    let scope = scope(request.scope, request.id.as_ref(), &app.core.directory())?;
    let mode = event::TradingMode::from(request.mode);
    // The machine loosens nothing without a second person.
    let stops = mode != event::TradingMode::Normal && request.approver.is_none();
    let noted = noted(&app, actor, &request.note, stops).await?;
    let set = SetMode {
        scope,
        mode,
        allow_reducing: request.allow_reducing.unwrap_or(reduces(scope)),
        note: noted.hash,
        approver: ActorId(request.approver.unwrap_or(0)),
    };
    noted.done(&app, actor, Body::Mode(set)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KillRequest {
    pub scope: ScopeKind,
    pub id: Option<ScopeId>,
    /// Narrows the scope: only orders that match this as well.
    pub also: Option<AlsoRequest>,
    pub on: bool,
    /// Absent = yes for an account and an instrument, no for wider scopes.
    pub allow_reducing: Option<bool>,
    pub note: String,
    /// The second person of a release, by number.
    pub approver: Option<u32>,
}

/// What orders must match beside the scope; absent = anything.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlsoRequest {
    pub group: Option<u16>,
    pub account: Option<u32>,
    pub symbol: Option<String>,
    pub desk: Option<u32>,
    pub trader: Option<u32>,
    pub strategy: Option<u32>,
}

fn also(request: Option<&AlsoRequest>, names: &Directory) -> ApiResult<Also> {
    let Some(request) = request else {
        return Ok(Also::ANY);
    };
    let named = request.symbol.as_deref().map(|name| symbol(names, name));
    Ok(Also {
        group: request.group.map(GroupId),
        account: request.account.map(AccountId),
        instrument: named.transpose()?.map(|entry| entry.terms.id),
        desk: request.desk.unwrap_or(0),
        trader: request.trader.unwrap_or(0),
        strategy: request.strategy.unwrap_or(0),
    })
}

/// Throws or releases a kill switch; a release needs two people.
#[utoipa::path(post, path = "/api/v1/kill", tag = "desk", request_body = KillRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_kill(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Json(request): Json<KillRequest>,
) -> ApiResult<axum::Json<Done>> {
    let scope = scope(request.scope, request.id.as_ref(), &app.core.directory())?;
    let also = also(request.also.as_ref(), &app.core.directory())?;
    let stops = request.on && request.approver.is_none();
    let noted = noted(&app, actor, &request.note, stops).await?;
    let set = SetKill {
        scope,
        also,
        on: request.on,
        allow_reducing: request.allow_reducing.unwrap_or(reduces(scope)),
        note: noted.hash,
        approver: ActorId(request.approver.unwrap_or(0)),
    };
    noted.done(&app, actor, Body::Kill(set)).await
}

/// Whether reducing goes on by default.
fn reduces(scope: Scope) -> bool {
    matches!(scope, Scope::Account(_) | Scope::Instrument(_))
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkWish {
    Live,
    ReadOnly,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// `live` first reconciles every open order.
    pub mode: LinkWish,
    /// Why.
    pub note: String,
}

/// Takes a broker link to read-only by hand, or back.
#[utoipa::path(post, path = "/api/v1/links/{id}/mode", tag = "desk", params(("id" = u16, Path)), request_body = LinkRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_link(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Id(id): Id<u16>,
    Json(request): Json<LinkRequest>,
) -> ApiResult<axum::Json<Done>> {
    if !app.core.directory().has_link(LinkId(id)) {
        return Err(ApiError::not_found(&format!("link {id}")));
    }
    // Back to live goes through recovery: the supervisor reports live when every open order has an answer.
    let read_only = matches!(request.mode, LinkWish::ReadOnly);
    let noted = noted(&app, actor, &request.note, read_only).await?;
    let set = SetLink {
        link: LinkId(id),
        read_only,
        note: noted.hash,
    };
    noted.done(&app, actor, Body::SetLink(set)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HaltRequest {
    pub symbol: String,
    pub on: bool,
    pub note: String,
}

/// Halts an instrument by hand, or lifts its halt.
#[utoipa::path(post, path = "/api/v1/halts", tag = "desk", request_body = HaltRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_halt(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Json(request): Json<HaltRequest>,
) -> ApiResult<axum::Json<Done>> {
    let instrument = symbol(&app.core.directory(), &request.symbol)?.terms.id;
    let noted = noted(&app, actor, &request.note, request.on).await?;
    let set = SetHalt {
        instrument,
        on: request.on,
        note: noted.hash,
    };
    noted.done(&app, actor, Body::Halt(set)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRequest {
    pub scenario: Scenario,
    /// Absent = all symbols.
    pub symbol: Option<String>,
}

/// Drives the simulated market.
#[utoipa::path(post, path = "/api/v1/demo/scenario", tag = "desk", request_body = ScenarioRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn set_scenario(
    State(app): State<App>,
    Json(request): Json<ScenarioRequest>,
) -> ApiResult<StatusCode> {
    let names = app.core.directory();
    let instrument = request
        .symbol
        .as_deref()
        .map(|s| symbol(&names, s).map(|e| e.terms.id))
        .transpose()?;
    app.core.scenario(request.scenario, instrument).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn done(app: &App, actor: ActorId, body: Body) -> ApiResult<axum::Json<Done>> {
    let answered = command(app, actor, body).await?;
    Ok(axum::Json(Done::of(answered.seq)))
}

/// Keeps the note that every change of the desk needs.
pub(super) async fn note(app: &App, actor: ActorId, text: &str) -> ApiResult<u64> {
    Ok(app.core.note(actor, checked(text)?).await?)
}

/// The note of a command, or that it has none.
pub(super) struct Noted {
    pub hash: u64,
    kept: bool,
}

/// Keeps the note of a command that `stops` something or not. What stops goes through without one where the disk does not
/// take it: that it stops is worth more than why.
pub(super) async fn noted(app: &App, actor: ActorId, text: &str, stops: bool) -> ApiResult<Noted> {
    match app.core.note(actor, checked(text)?).await {
        Ok(hash) => Ok(Noted { hash, kept: true }),
        Err(error @ CoreError::Unkept { .. }) if stops => {
            tracing::error!(by = actor.0, %error, "a command goes through without its note");
            Ok(Noted {
                hash: 0,
                kept: false,
            })
        }
        Err(error) => Err(error.into()),
    }
}

impl Noted {
    /// Sends the command, and says in its answer when its note is not kept.
    pub(super) async fn done(
        self,
        app: &App,
        actor: ActorId,
        body: Body,
    ) -> ApiResult<axum::Json<Done>> {
        let axum::Json(done) = done(app, actor, body).await?;
        let note_kept = (!self.kept).then_some(false);
        Ok(axum::Json(Done { note_kept, ..done }))
    }
}

/// A note as it is kept.
fn checked(text: &str) -> ApiResult<&str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX {
        let error = ApiError::new(
            Fault::NoteMissing,
            format!("say why, in 1 to {NOTE_CHARS_MAX} characters"),
        );
        return Err(ApiError {
            field: Some("note".to_owned()),
            ..error
        });
    }
    check_note(text)?;
    Ok(text)
}

/// Refuses a note with control characters: nobody reads them, and the database takes no NUL.
pub(super) fn check_note(text: &str) -> ApiResult<()> {
    let breaks = ['\n', '\r', '\t'];
    match text.chars().any(|c| c.is_control() && !breaks.contains(&c)) {
        true => Err(ApiError::field("note", "leave control characters out")),
        false => Ok(()),
    }
}
