//! Reports of suspicious activity.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use siaga_platform::aml::report::Step;
use siaga_platform::aml::reports::{self, Asked, ReportRow};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{By, Desk, IdempotencyKey};
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(draft))
        .routes(routes!(one, edit))
        .routes(routes!(submit))
        .routes(routes!(hand_back))
        .routes(routes!(approve))
        .routes(routes!(filed))
}

wire! {
    /// A report of suspicious activity.
    pub struct ReportDto {
        pub id: Uuid,
        pub case_id: Uuid,
        /// `draft`, `submitted`, `approved`, `filed`.
        pub status: String,
        pub narrative: String,
        /// The authority's number.
        pub reference: Option<String>,
        pub drafted_by: String,
        pub submitted_by: Option<String>,
        pub approved_by: Option<String>,
        pub created_at_us: i64,
        pub filed_at_us: Option<i64>,
        pub revision: i64,
        /// Steps that its state has.
        pub moves: Vec<String>,
    }
}

/// A report on the wire.
pub fn report(row: ReportRow) -> ReportDto {
    ReportDto {
        id: row.id,
        case_id: row.case,
        status: row.status,
        narrative: row.narrative,
        reference: row.reference,
        drafted_by: row.drafted_by,
        submitted_by: row.submitted_by,
        approved_by: row.approved_by,
        created_at_us: row.created_at,
        filed_at_us: row.filed_at,
        revision: row.revision,
        moves: row.moves,
    }
}

/// Drafts a report from what its case rests on.
#[utoipa::path(post, path = "/api/v1/aml/cases/{id}/reports", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 201, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sar.draft"))))]
async fn draft(
    Desk(platform): Desk,
    By(by): By,
    Id(case): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<(StatusCode, axum::Json<ReportDto>)> {
    let once = key.once("POST /api/v1/aml/cases/{id}/reports", &case)?;
    let row = reports::draft(&platform, &by, once, case).await?;
    Ok((StatusCode::CREATED, axum::Json(report(row))))
}

/// A report.
#[utoipa::path(get, path = "/api/v1/aml/reports/{id}", tag = "aml", params(("id" = Uuid, Path)),
    responses((status = 200, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("aml.read"))))]
async fn one(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<ReportDto>> {
    Ok(axum::Json(report(reports::one(&platform, &by, id).await?)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportEditRequest {
    pub narrative: String,
    pub revision: i64,
}

/// Changes the narrative of a draft.
#[utoipa::path(put, path = "/api/v1/aml/reports/{id}", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = ReportEditRequest,
    responses((status = 200, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sar.draft"))))]
async fn edit(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReportEditRequest>,
) -> ApiResult<axum::Json<ReportDto>> {
    let once = key.once("PUT /api/v1/aml/reports/{id}", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Edit,
        text: request.narrative,
        revision: request.revision,
    };
    Ok(axum::Json(report(
        reports::take_step(&platform, &by, once, asked).await?,
    )))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportStepRequest {
    pub revision: i64,
}

/// Hands a report to a second person.
#[utoipa::path(post, path = "/api/v1/aml/reports/{id}/submit", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = ReportStepRequest,
    responses((status = 200, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sar.draft"))))]
async fn submit(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReportStepRequest>,
) -> ApiResult<axum::Json<ReportDto>> {
    let once = key.once("POST /api/v1/aml/reports/{id}/submit", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Submit,
        text: String::new(),
        revision: request.revision,
    };
    Ok(axum::Json(report(
        reports::take_step(&platform, &by, once, asked).await?,
    )))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportReturnRequest {
    pub reason: String,
    pub revision: i64,
}

/// Hands a report back to its authors.
#[utoipa::path(post, path = "/api/v1/aml/reports/{id}/return", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = ReportReturnRequest,
    responses((status = 200, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sar.approve"))))]
async fn hand_back(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReportReturnRequest>,
) -> ApiResult<axum::Json<ReportDto>> {
    let once = key.once("POST /api/v1/aml/reports/{id}/return", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Return,
        text: request.reason,
        revision: request.revision,
    };
    Ok(axum::Json(report(
        reports::take_step(&platform, &by, once, asked).await?,
    )))
}

/// Approves a report; never by one of its authors.
#[utoipa::path(post, path = "/api/v1/aml/reports/{id}/approve", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = ReportStepRequest,
    responses((status = 200, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sar.approve"))))]
async fn approve(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReportStepRequest>,
) -> ApiResult<axum::Json<ReportDto>> {
    let once = key.once("POST /api/v1/aml/reports/{id}/approve", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::Approve,
        text: String::new(),
        revision: request.revision,
    };
    Ok(axum::Json(report(
        reports::take_step(&platform, &by, once, asked).await?,
    )))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportFiledRequest {
    /// The authority's number.
    pub reference: String,
    pub revision: i64,
}

/// Notes that a report was filed; its case is reported then.
#[utoipa::path(post, path = "/api/v1/aml/reports/{id}/filed", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = ReportFiledRequest,
    responses((status = 200, body = ReportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sar.approve"))))]
async fn filed(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReportFiledRequest>,
) -> ApiResult<axum::Json<ReportDto>> {
    let once = key.once("POST /api/v1/aml/reports/{id}/filed", &(id, &request))?;
    let asked = Asked {
        id,
        step: Step::File,
        text: request.reference,
        revision: request.revision,
    };
    Ok(axum::Json(report(
        reports::take_step(&platform, &by, once, asked).await?,
    )))
}
