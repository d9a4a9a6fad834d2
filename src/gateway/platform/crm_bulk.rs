//! Several leads at once, with a verdict for each.

use serde::{Deserialize, Serialize};
use siaga_platform::crm::Stage;
use siaga_platform::crm::bulk::{self, Picked, Verdict};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::crm::word;
use super::door::{By, Desk, IdempotencyKey};
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::server::App;

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(move_leads))
        .routes(routes!(assign_leads))
}

/// A lead of a request for several.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadPick {
    pub id: Uuid,
    /// The one that was seen.
    pub revision: Option<i64>,
}

/// Where several leads are moved.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadsStageRequest {
    /// 1 to 100.
    pub leads: Vec<LeadPick>,
    pub stage: String,
    /// Needed where one of them goes against the order of the pipeline.
    pub reason: Option<String>,
}

/// To whom several leads are given.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadsAssignRequest {
    /// 1 to 100.
    pub leads: Vec<Uuid>,
    /// Null is the pool.
    pub to: Option<Uuid>,
    pub reason: Option<String>,
}

/// What became of one of them.
#[derive(Serialize, ToSchema)]
pub struct LeadVerdictDto {
    pub lead_id: Uuid,
    pub done: bool,
    /// Why it was not done.
    pub problem: Option<Problem>,
}

/// What became of each, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct LeadVerdictList {
    pub items: Vec<LeadVerdictDto>,
    /// How many were done.
    pub done: usize,
}

fn verdicts(verdicts: Vec<Verdict>) -> axum::Json<LeadVerdictList> {
    let verdict = |verdict: Verdict| LeadVerdictDto {
        lead_id: verdict.lead,
        done: verdict.refusal.is_none(),
        problem: verdict
            .refusal
            .map(|refusal| ApiError::from(refusal).problem()),
    };
    let items: Vec<LeadVerdictDto> = verdicts.into_iter().map(verdict).collect();
    let done = items.iter().filter(|item| item.done).count();
    axum::Json(LeadVerdictList { items, done })
}

/// Moves several leads to one stage; each is a step of its own.
#[utoipa::path(post, path = "/api/v1/crm/leads/stage", tag = "crm", params(IdempotencyKey), request_body = LeadsStageRequest,
    responses((status = 200, body = LeadVerdictList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.move"))))]
async fn move_leads(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<LeadsStageRequest>,
) -> ApiResult<axum::Json<LeadVerdictList>> {
    let once = key.once("POST /api/v1/crm/leads/stage", &request)?;
    let to = word(&request.stage, "stage", Stage::parse)?;
    let leads = request.leads.iter().map(|pick| Picked {
        lead: pick.id,
        revision: pick.revision,
    });
    let moved = bulk::move_leads(&platform, &by, once, leads.collect(), to, request.reason);
    Ok(verdicts(moved.await?))
}

/// Gives several leads to one agent, or to the pool; each is a step of its own.
#[utoipa::path(post, path = "/api/v1/crm/leads/assign", tag = "crm", params(IdempotencyKey), request_body = LeadsAssignRequest,
    responses((status = 200, body = LeadVerdictList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.assign"))))]
async fn assign_leads(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<LeadsAssignRequest>,
) -> ApiResult<axum::Json<LeadVerdictList>> {
    let once = key.once("POST /api/v1/crm/leads/assign", &request)?;
    let given = bulk::assign_leads(
        &platform,
        &by,
        once,
        request.leads,
        request.to,
        request.reason,
    );
    Ok(verdicts(given.await?))
}
