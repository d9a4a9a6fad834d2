//! Limits of the house, and what repeated executions have latched.

use axum::Extension;
use axum::extract::State;
use serde::Deserialize;
use siaga_risk::event::{Body, LimitKind, Reenable, Scope, SetLimit};
use siaga_risk::ids::ActorId;
use siaga_risk::units::{Ratio, div_round};
use siaga_risk::view::{LimitView, Query as Ask, View};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Done;
use super::desk::{done, note};
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::gateway::dto::desk::{ScopeId, ScopeKind, scope, scope_parts};
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::guard::Caller;
use crate::gateway::json::Json;
use crate::gateway::server::App;
use crate::wire;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, set_limit))
        .routes(routes!(enable))
}

/// What a limit holds down.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize, ToSchema, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LimitOf {
    /// Net exposure, house currency.
    NetExposure,
    /// Gross exposure, house currency.
    GrossExposure,
    /// Net quantity in lots of an instrument.
    NetQty,
}

impl From<LimitOf> for LimitKind {
    fn from(limit: LimitOf) -> LimitKind {
        match limit {
            LimitOf::NetExposure => LimitKind::NetExposure,
            LimitOf::GrossExposure => LimitKind::GrossExposure,
            LimitOf::NetQty => LimitKind::NetQty,
        }
    }
}

impl From<LimitKind> for LimitOf {
    fn from(kind: LimitKind) -> LimitOf {
        match kind {
            LimitKind::NetExposure => LimitOf::NetExposure,
            LimitKind::GrossExposure => LimitOf::GrossExposure,
            LimitKind::NetQty => LimitOf::NetQty,
        }
    }
}

wire! {
    /// A limit and what is used of it.
    pub struct LimitDto {
        pub scope: ScopeKind,
        pub id: Option<ScopeId>,
        pub name: Option<String>,
        pub kind: LimitOf,
        /// Money of the house, lots of an instrument, or lot steps.
        pub limit: String,
        /// Orders in flight included; absent while a rate or price is missing.
        pub used: Option<String>,
        pub used_pct: Option<String>,
        /// The instrument with the largest quantity, for limits on quantities.
        pub symbol: Option<String>,
    }

    /// The limits in force.
    pub struct LimitList {
        pub items: Vec<LimitDto>,
        /// Of the money.
        pub currency: String,
        /// The last input this answer knows.
        pub seq: u64,
    }
}

/// The limits in force, with how much of each is used.
#[utoipa::path(get, path = "/api/v1/limits", tag = "desk",
    responses((status = 200, body = LimitList), (status = 401, body = Problem)))]
async fn list(State(app): State<App>) -> ApiResult<axum::Json<LimitList>> {
    let names = app.core.directory();
    let reply = app.core.ask(Ask::Limits).await?;
    let View::Limits(views) = reply.view else {
        return Err(ApiError::internal("no limits came"));
    };
    Ok(axum::Json(LimitList {
        items: views.iter().map(|view| limit(view, &names)).collect(),
        currency: names.currency_code(names.house_currency),
        seq: reply.seq,
    }))
}

fn limit(view: &LimitView, names: &Directory) -> LimitDto {
    let kind = LimitOf::from(view.kind);
    let digits = digits(kind, view.scope, names).unwrap_or(0);
    let (scope, id, name) = scope_parts(view.scope, names);
    let share = |used: i64| {
        let whole = i128::from(view.limit.max(1));
        let share = div_round(i128::from(used) * i128::from(Ratio::ONE.0), whole);
        i64::try_from(share).ok().map(Ratio).map(decimal::level_pct)
    };
    let largest = view.instrument.and_then(|id| names.instrument(id));
    LimitDto {
        scope,
        id,
        name,
        kind,
        limit: decimal::show(view.limit, digits),
        used: view.used.map(|used| decimal::show(used, digits)),
        used_pct: view.used.and_then(share),
        symbol: largest.map(|entry| entry.symbol.clone()),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitRequest {
    pub scope: ScopeKind,
    pub id: Option<ScopeId>,
    pub kind: LimitOf,
    /// Money of the house, or lots; 0 lifts the limit.
    pub value: String,
    pub note: String,
    /// The second person of a raise, by number.
    pub approver: Option<u32>,
}

/// Sets a limit on exposure; a raise needs two people.
#[utoipa::path(post, path = "/api/v1/limits", tag = "desk", request_body = LimitRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_limit(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Json(request): Json<LimitRequest>,
) -> ApiResult<axum::Json<Done>> {
    let names = app.core.directory();
    let scope = scope(request.scope, request.id.as_ref(), &names)?;
    let digits = digits(request.kind, scope, &names)?;
    let value = decimal::read(&request.value, digits)
        .map_err(|fault| ApiError::field("value", fault.says(digits)))?;
    let set = SetLimit {
        scope,
        kind: request.kind.into(),
        value,
        note: note(&app, actor, &request.note).await?,
        approver: ActorId(request.approver.unwrap_or(0)),
    };
    done(&app, actor, Body::Limit(set)).await
}

/// Lots have the digits of their instrument; other quantities are given in lot steps.
fn digits(kind: LimitOf, scope: Scope, names: &Directory) -> ApiResult<u8> {
    match (kind, scope) {
        (LimitOf::NetQty, Scope::Instrument(id)) => {
            let entry = names.instrument(id);
            let entry = entry.ok_or_else(|| ApiError::not_found("the instrument"))?;
            Ok(entry.terms.qty_digits)
        }
        (LimitOf::NetQty, _) => Ok(0),
        _ => Ok(names.money_digits(names.house_currency)),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnableRequest {
    pub scope: ScopeKind,
    pub id: Option<ScopeId>,
    pub note: String,
}

/// Enables again what repeated executions have latched; the caller is the named person.
#[utoipa::path(post, path = "/api/v1/executions/enable", tag = "desk", request_body = EnableRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn enable(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Json(request): Json<EnableRequest>,
) -> ApiResult<axum::Json<Done>> {
    let set = Reenable {
        scope: scope(request.scope, request.id.as_ref(), &app.core.directory())?,
        note: note(&app, actor, &request.note).await?,
    };
    done(&app, actor, Body::Reenable(set)).await
}
