//! Leads over HTTP: capture, hooks, lists, the board, the dashboard, and everything done to one lead.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use siaga_platform::crm::capture::{self, Capture, Captured, Outcome};
use siaga_platform::crm::moves::{self, Edit};
use siaga_platform::crm::view::{self, Filter};
use siaga_platform::crm::work::{self, NoteKind};
use siaga_platform::crm::{Band, Column, FactKind, Stage, Status, assignment, sources, undo};
use siaga_platform::identity::user_profile;
use siaga_platform::people::Principal;
use siaga_platform::unit::Platform;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::crm_dto::{
    self, CrmDashboardDto, LeadBoard, LeadCapturedDto, LeadDto, LeadFactList, LeadHits, LeadList,
    LeadMade, LeadTimeline, LeadWayList,
};
use super::crm_requests::{
    LeadAssignRequest, LeadCaptureRequest, LeadChange, LeadFactRequest, LeadNoteRequest,
    LeadReasonRequest, LeadStageRequest,
};
use super::door::{By, Desk, IdempotencyKey, PageQuery};
use super::profile;
use crate::gateway::dto::from_micros;
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;

/// The header of a signed hook.
const SIGNATURE: &str = "x-siaga-signature";

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, capture_lead))
        .routes(routes!(search))
        .routes(routes!(one, patch_crm_lead))
        .routes(routes!(moves_of))
        .routes(routes!(move_lead))
        .routes(routes!(close))
        .routes(routes!(reopen))
        .routes(routes!(assign))
        .routes(routes!(timeline))
        .routes(routes!(note))
        .routes(routes!(facts, add_fact))
        .routes(routes!(withdraw_fact))
        .routes(routes!(undo_merge))
        .routes(routes!(board))
        .routes(routes!(dashboard))
        .routes(routes!(export))
}

/// What is signed instead.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(hook))
}

/// A lead as the caller sees it now.
async fn shown(platform: &Platform, by: &Principal, id: Uuid) -> ApiResult<axum::Json<LeadDto>> {
    let seen = view::one(platform, by, id).await?;
    Ok(axum::Json(crm_dto::lead(seen, platform.now())))
}

/// A word of a fixed list in a body or query.
pub(super) fn word<T>(
    text: &str,
    field: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> ApiResult<T> {
    parse(text).ok_or_else(|| ApiError::field(field, "the value is not one of those documented"))
}

fn told(request: LeadCaptureRequest) -> Capture {
    Capture {
        source: request.source.unwrap_or_default(),
        channel: request.channel.unwrap_or_default(),
        name: request.name,
        phone: request.phone,
        email: request.email,
        city: request.city,
        interests: request.interests,
        utm: request.utm.unwrap_or_default(),
        referrer: request.referrer_id,
        observed: request.observed_at.map(from_micros),
        receipt: None,
    }
}

fn status_of(captured: Captured) -> StatusCode {
    match captured.outcome {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Merged | Outcome::Joined => StatusCode::OK,
    }
}

/// Takes a lead in; one whose number or address is known is merged.
#[utoipa::path(post, path = "/api/v1/crm/leads", tag = "crm", params(IdempotencyKey), request_body = LeadCaptureRequest,
    responses((status = 200, body = LeadCapturedDto, description = "The lead was there"), (status = 201, body = LeadCapturedDto), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("lead.capture"))))]
async fn capture_lead(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<LeadCaptureRequest>,
) -> ApiResult<Response> {
    let once = key.once("POST /api/v1/crm/leads", &request)?;
    let mut told = told(request);
    told.receipt = once.map(|once| (format!("{} {}", by.audit_name(), once.key), once.request));
    let captured = capture::capture(&platform, &by, told).await?;
    // A merge may end in a lead that the caller does not see.
    let lead = match shown(&platform, &by, captured.lead).await {
        Ok(axum::Json(lead)) => Some(lead),
        Err(error)
            if error
                .platform
                .as_ref()
                .is_some_and(|fault| **fault == siaga_platform::refusal::NOT_FOUND) =>
        {
            None
        }
        Err(error) => return Err(error),
    };
    let body = LeadCapturedDto {
        lead_id: captured.lead,
        outcome: captured.outcome.name(),
        lead,
    };
    Ok((status_of(captured), axum::Json(body)).into_response())
}

/// Takes a lead in from a landing page or partner, signed over the raw body.
#[utoipa::path(post, path = "/api/v1/crm/hooks/{source}", tag = "crm", params(("source" = Uuid, Path, description = "The key of the source"),
        ("X-Siaga-Signature" = String, Header, description = "t=<unix seconds>,v1=<hex HMAC-SHA-256 of t.body>")),
    request_body = LeadCaptureRequest,
    responses((status = 200, body = LeadCapturedDto, description = "The lead was there"), (status = 201, body = LeadCapturedDto), (status = 401, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), security(()))]
async fn hook(
    Desk(platform): Desk,
    Id(source): Id<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Response> {
    let header = headers
        .get(SIGNATURE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let verified = sources::verify(&platform, source, header, &body).await?;
    let request: LeadCaptureRequest = serde_json::from_slice(&body).map_err(|_| {
        ApiError::new(
            Fault::BadJson,
            "send the documented fields as one JSON object",
        )
    })?;
    let captured = verified.take(&platform, told(request)).await?;
    let body = LeadCapturedDto {
        lead_id: captured.lead,
        outcome: captured.outcome.name(),
        lead: None,
    };
    Ok((status_of(captured), axum::Json(body)).into_response())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LeadsQuery {
    /// One stage.
    pub stage: Option<String>,
    /// One column of the board.
    pub column: Option<String>,
    /// `open`, `lost` or `merged`; open and lost ones when absent.
    pub status: Option<String>,
    /// `none`, `mql` or `sql`.
    pub band: Option<String>,
    pub hot: Option<bool>,
    /// A user's key.
    pub assigned_to: Option<Uuid>,
    /// Those that wait for an agent.
    pub pool: Option<bool>,
    /// Those beyond the term of their stage.
    pub overdue: Option<bool>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// Leads, newest first.
#[utoipa::path(get, path = "/api/v1/crm/leads", tag = "crm", params(LeadsQuery),
    responses((status = 200, body = LeadList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn list(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<LeadsQuery>,
) -> ApiResult<axum::Json<LeadList>> {
    let mut stages: Vec<Stage> = Vec::new();
    if let Some(column) = &query.column {
        stages = word(column, "column", Column::parse)?.stages();
    }
    if let Some(stage) = &query.stage {
        let stage = word(stage, "stage", Stage::parse)?;
        if !stages.is_empty() && !stages.contains(&stage) {
            return Err(ApiError::field("stage", "the stage is not in this column"));
        }
        stages = vec![stage];
    }
    let filter = Filter {
        stages,
        status: query
            .status
            .as_deref()
            .map(|text| word(text, "status", Status::parse))
            .transpose()?,
        band: query
            .band
            .as_deref()
            .map(|text| word(text, "band", Band::parse))
            .transpose()?,
        hot: query.hot,
        assigned_to: query.assigned_to,
        pool: query.pool.unwrap_or(false),
        overdue: query.overdue.unwrap_or(false),
    };
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = view::list(&platform, &by, filter, page.paging()?).await?;
    Ok(axum::Json(crm_dto::leads(page, platform.now())))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// A name, number, address or city; also misspelled.
    pub q: String,
    /// 1 to 50; 20 when absent.
    pub limit: Option<u32>,
}

/// Leads that what was typed finds, best first.
#[utoipa::path(get, path = "/api/v1/crm/leads/search", tag = "crm", params(SearchQuery),
    responses((status = 200, body = LeadHits), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn search(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<SearchQuery>,
) -> ApiResult<axum::Json<LeadHits>> {
    let found = view::find(&platform, &by, query.q, query.limit.unwrap_or(20)).await?;
    let now = platform.now();
    Ok(axum::Json(LeadHits {
        items: found
            .into_iter()
            .map(|seen| crm_dto::lead(seen, now))
            .collect(),
    }))
}

/// One lead.
#[utoipa::path(get, path = "/api/v1/crm/leads/{id}", tag = "crm", params(("id" = Uuid, Path)),
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn one(Desk(platform): Desk, By(by): By, Id(id): Id<Uuid>) -> ApiResult<axum::Json<LeadDto>> {
    shown(&platform, &by, id).await
}

/// Changes what is known of a lead's person; null empties a field.
#[utoipa::path(patch, path = "/api/v1/crm/leads/{id}", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadChange,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("lead.edit"))))]
async fn patch_crm_lead(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadChange>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("PATCH /api/v1/crm/leads/{id}", &(id, &request))?;
    let fields = [
        ("name", &request.name),
        ("phone", &request.phone),
        ("email", &request.email),
        ("city", &request.city),
    ];
    let emptied = fields
        .into_iter()
        .filter(|(_, given)| matches!(given, Some(None)))
        .map(|(field, _)| field)
        .collect();
    let edit = Edit {
        name: request.name.flatten(),
        phone: request.phone.flatten(),
        email: request.email.flatten(),
        city: request.city.flatten(),
        interests: request.interests,
        emptied,
        revision: request.revision,
    };
    moves::edit(&platform, &by, once, id, edit).await?;
    shown(&platform, &by, id).await
}

/// Where the caller may move a lead.
#[utoipa::path(get, path = "/api/v1/crm/leads/{id}/moves", tag = "crm", params(("id" = Uuid, Path)),
    responses((status = 200, body = LeadWayList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn moves_of(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<LeadWayList>> {
    let seen = view::one(&platform, &by, id).await?;
    Ok(axum::Json(crm_dto::ways(moves::ways(&by, &seen.lead))))
}

/// Moves a lead to another stage.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/stage", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadStageRequest,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("lead.move"))))]
async fn move_lead(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadStageRequest>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("POST /api/v1/crm/leads/{id}/stage", &(id, &request))?;
    let to = word(&request.stage, "stage", Stage::parse)?;
    moves::move_lead(
        &platform,
        &by,
        once,
        id,
        to,
        request.reason,
        request.revision,
    )
    .await?;
    shown(&platform, &by, id).await
}

/// Gives a lead up.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/close", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadReasonRequest,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("lead.move"))))]
async fn close(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadReasonRequest>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("POST /api/v1/crm/leads/{id}/close", &(id, &request))?;
    moves::close(&platform, &by, once, id, request.reason, request.revision).await?;
    shown(&platform, &by, id).await
}

/// Opens a lost lead again.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/reopen", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadReasonRequest,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.move"))))]
async fn reopen(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadReasonRequest>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("POST /api/v1/crm/leads/{id}/reopen", &(id, &request))?;
    moves::reopen(&platform, &by, once, id, request.reason, request.revision).await?;
    shown(&platform, &by, id).await
}

/// Gives a lead to an agent, or to the pool.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/assign", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadAssignRequest,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.assign"))))]
async fn assign(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadAssignRequest>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("POST /api/v1/crm/leads/{id}/assign", &(id, &request))?;
    assignment::assign(&platform, &by, once, id, request.to, request.reason).await?;
    shown(&platform, &by, id).await
}

/// The lead's 360°: everything that happened, newest first, with accounts, risk alerts and, for staff, the client's profile.
#[utoipa::path(get, path = "/api/v1/crm/leads/{id}/timeline", tag = "crm", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = LeadTimeline), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn timeline(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    Query(page): Query<PageQuery>,
) -> ApiResult<axum::Json<LeadTimeline>> {
    let timeline = view::timeline(&platform, &by, id, page.paging()?).await?;
    let profile = match timeline.client {
        Some(client) => {
            let profile = user_profile(&platform, by.org, client).await?;
            Some(profile::shown(&app, profile).await)
        }
        None => None,
    };
    Ok(axum::Json(crm_dto::timeline(timeline, profile)))
}

/// Writes a note; a call or a meeting contacts a new lead.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/notes", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadNoteRequest,
    responses((status = 201, body = LeadMade), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.note"))))]
async fn note(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadNoteRequest>,
) -> ApiResult<(StatusCode, axum::Json<LeadMade>)> {
    let once = key.once("POST /api/v1/crm/leads/{id}/notes", &(id, &request))?;
    let kind = word(&request.kind, "kind", NoteKind::parse)?;
    let id = work::note(&platform, &by, once, id, kind, request.text).await?;
    Ok((StatusCode::CREATED, axum::Json(LeadMade { id })))
}

/// What is known of a lead, and the score it comes to.
#[utoipa::path(get, path = "/api/v1/crm/leads/{id}/facts", tag = "crm", params(("id" = Uuid, Path)),
    responses((status = 200, body = LeadFactList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn facts(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<LeadFactList>> {
    let (facts, score) = view::facts(&platform, &by, id).await?;
    Ok(axum::Json(crm_dto::facts(facts, score, platform.now())))
}

/// Records a fact that a person saw.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/facts", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadFactRequest,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.edit"))))]
async fn add_fact(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadFactRequest>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("POST /api/v1/crm/leads/{id}/facts", &(id, &request))?;
    let kind = word(&request.kind, "kind", FactKind::parse)?;
    work::add_fact(
        &platform,
        &by,
        once,
        id,
        kind,
        request.source,
        request.proof.unwrap_or_default(),
    )
    .await?;
    shown(&platform, &by, id).await
}

/// Withdraws a fact.
#[utoipa::path(delete, path = "/api/v1/crm/leads/{id}/facts/{fact}", tag = "crm", params(("id" = Uuid, Path), ("fact" = Uuid, Path), IdempotencyKey),
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.edit"))))]
async fn withdraw_fact(
    Desk(platform): Desk,
    By(by): By,
    Id((id, fact)): Id<(Uuid, Uuid)>,
    key: IdempotencyKey,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("DELETE /api/v1/crm/leads/{id}/facts/{fact}", &(id, fact))?;
    work::withdraw(&platform, &by, once, id, fact).await?;
    shown(&platform, &by, id).await
}

/// Takes a merge back.
#[utoipa::path(post, path = "/api/v1/crm/merges/{id}/undo", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadReasonRequest,
    responses((status = 200, body = LeadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.edit"))))]
async fn undo_merge(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadReasonRequest>,
) -> ApiResult<axum::Json<LeadDto>> {
    let once = key.once("POST /api/v1/crm/merges/{id}/undo", &(id, &request))?;
    let lead = undo::undo(&platform, &by, once, id, request.reason).await?;
    shown(&platform, &by, lead).await
}

/// Six columns with totals and their newest leads.
#[utoipa::path(get, path = "/api/v1/crm/board", tag = "crm",
    responses((status = 200, body = LeadBoard), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("lead.read"))))]
async fn board(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<LeadBoard>> {
    let columns = view::board(&platform, &by).await?;
    Ok(axum::Json(crm_dto::board(columns, platform.now())))
}

/// Totals, conversion, time in each stage, KYC rate.
#[utoipa::path(get, path = "/api/v1/crm/dashboard", tag = "crm",
    responses((status = 200, body = CrmDashboardDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("analytics.view"))))]
async fn dashboard(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<CrmDashboardDto>> {
    Ok(axum::Json(crm_dto::dashboard(
        view::dashboard(&platform, &by).await?,
    )))
}

/// The same figures to be taken out, as the audit log remembers.
#[utoipa::path(post, path = "/api/v1/crm/dashboard/export", tag = "crm",
    responses((status = 200, body = CrmDashboardDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("analytics.export"))))]
async fn export(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<CrmDashboardDto>> {
    let figures = view::export(&platform, &by).await?;
    Ok(axum::Json(crm_dto::dashboard(figures)))
}
