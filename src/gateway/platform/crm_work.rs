//! Tasks, deals, notices, agents and sources of leads over HTTP.

use axum::http::StatusCode;
use serde::Deserialize;
use siaga_platform::crm::assignment::{self, SeatChange};
use siaga_platform::crm::deals::{self, DealChange};
use siaga_platform::crm::tasks::{self, NewTask, TaskChange};
use siaga_platform::crm::{Rule, Urgency, leave, notice, sources, staff};
use siaga_platform::people::Principal;
use siaga_platform::unit::Platform;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::crm_dto::{
    self, AssignRuleDto, CrmNoticeCount, CrmNoticeList, CrmTaskDto, CrmTaskList, DealDto, DealList,
    LeadSecretDto, LeadSourceDto, LeadSourceList, SalesAgentList, SalesCandidateList, SalesLeftDto,
};
use super::crm_requests::{
    AssignRuleRequest, CrmTaskPatch, CrmTaskRequest, DealPatch, DealRequest, LeadReasonRequest,
    LeadSourcePatch, LeadSourceRequest, SalesAbsenceRequest, SalesAgentRequest,
};
use super::door::{Accounts, By, Desk, IdempotencyKey, PageQuery};
use crate::gateway::decimal;
use crate::gateway::dto::from_micros;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_tasks, add_task))
        .routes(routes!(patch_crm_task))
        .routes(routes!(list_deals, add_deal))
        .routes(routes!(patch_crm_deal))
        .routes(routes!(notices))
        .routes(routes!(count_notices))
        .routes(routes!(read_notice))
        .routes(routes!(agents))
        .routes(routes!(candidates))
        .routes(routes!(put_agent))
        .routes(routes!(put_absence))
        .routes(routes!(put_rule))
        .routes(routes!(leaves))
        .routes(routes!(list_sources, add_source))
        .routes(routes!(patch_crm_source))
        .routes(routes!(renew_secret))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TasksQuery {
    /// A lead's key.
    pub lead: Option<Uuid>,
    /// A user's key, or `me`.
    pub assignee: Option<String>,
    /// `overdue`, `urgent`, `upcoming` or `scheduled`.
    pub urgency: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

async fn shown(platform: &Platform, by: &Principal, id: Uuid) -> ApiResult<CrmTaskDto> {
    let task = tasks::one(platform, by, id).await?;
    Ok(crm_dto::task(task, platform.now()))
}

/// Open follow-up tasks, by the instant they are due.
#[utoipa::path(get, path = "/api/v1/crm/tasks", tag = "crm", params(TasksQuery),
    responses((status = 200, body = CrmTaskList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("task.read"))))]
async fn list_tasks(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<TasksQuery>,
) -> ApiResult<axum::Json<CrmTaskList>> {
    let assignee = match query.assignee.as_deref() {
        None => None,
        Some("me") => by.user(),
        Some(text) => Some(
            Uuid::try_parse(text)
                .map_err(|_| ApiError::field("assignee", "give a user's key, or me"))?,
        ),
    };
    let urgency = match query.urgency.as_deref() {
        None => None,
        Some(text) => Some(Urgency::parse(text).ok_or_else(|| {
            ApiError::field("urgency", "use overdue, urgent, upcoming or scheduled")
        })?),
    };
    let filter = tasks::Filter {
        lead: query.lead,
        assignee,
        urgency,
    };
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = tasks::list(&platform, &by, filter, page.paging()?).await?;
    let now = platform.now();
    Ok(axum::Json(CrmTaskList {
        items: page
            .items
            .into_iter()
            .map(|task| crm_dto::task(task, now))
            .collect(),
        next: page.next,
    }))
}

/// Makes a follow-up task.
#[utoipa::path(post, path = "/api/v1/crm/tasks", tag = "crm", params(IdempotencyKey), request_body = CrmTaskRequest,
    responses((status = 201, body = CrmTaskDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("task.write"))))]
async fn add_task(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<CrmTaskRequest>,
) -> ApiResult<(StatusCode, axum::Json<CrmTaskDto>)> {
    let once = key.once("POST /api/v1/crm/tasks", &request)?;
    let new = NewTask {
        lead: request.lead,
        title: request.title,
        description: request.description,
        priority: request.priority.unwrap_or_else(|| "medium".to_owned()),
        due: from_micros(request.due_at),
        assignee: request.assignee,
    };
    let id = tasks::add(&platform, &by, once, new).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(shown(&platform, &by, id).await?),
    ))
}

/// Changes a follow-up task.
#[utoipa::path(patch, path = "/api/v1/crm/tasks/{id}", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = CrmTaskPatch,
    responses((status = 200, body = CrmTaskDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("task.write"))))]
async fn patch_crm_task(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<CrmTaskPatch>,
) -> ApiResult<axum::Json<CrmTaskDto>> {
    let once = key.once("PATCH /api/v1/crm/tasks/{id}", &(id, &request))?;
    let change = TaskChange {
        status: request.status,
        priority: request.priority,
        due: request.due_at.map(from_micros),
        assignee: request.assignee,
        revision: request.revision,
    };
    tasks::change(&platform, &by, once, id, change).await?;
    Ok(axum::Json(shown(&platform, &by, id).await?))
}

/// The deals of a lead.
#[utoipa::path(get, path = "/api/v1/crm/leads/{id}/deals", tag = "crm", params(("id" = Uuid, Path)),
    responses((status = 200, body = DealList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.read"))))]
async fn list_deals(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<DealList>> {
    let deals = deals::deals(&platform, &by, id).await?;
    Ok(axum::Json(DealList {
        items: deals.into_iter().map(crm_dto::deal).collect(),
    }))
}

/// Makes a deal of a lead.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/deals", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = DealRequest,
    responses((status = 201, body = DealDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.edit"))))]
async fn add_deal(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<DealRequest>,
) -> ApiResult<(StatusCode, axum::Json<DealDto>)> {
    let once = key.once("POST /api/v1/crm/leads/{id}/deals", &(id, &request))?;
    let cents = cents(&request.expected_usd)?;
    let id = deals::add_deal(&platform, &by, once, id, request.title, cents).await?;
    let deal = deals::one_deal(&platform, &by, id).await?;
    Ok((StatusCode::CREATED, axum::Json(crm_dto::deal(deal))))
}

fn cents(text: &str) -> ApiResult<i64> {
    decimal::read(text, 2).map_err(|fault| ApiError::field("expected_usd", fault.says(2)))
}

/// Changes a deal: what became of it, what it is called, what it may bring.
#[utoipa::path(patch, path = "/api/v1/crm/deals/{id}", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = DealPatch,
    responses((status = 200, body = DealDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("lead.edit"))))]
async fn patch_crm_deal(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<DealPatch>,
) -> ApiResult<axum::Json<DealDto>> {
    let once = key.once("PATCH /api/v1/crm/deals/{id}", &(id, &request))?;
    let change = DealChange {
        status: request.status,
        title: request.title,
        expected_usd_cents: request.expected_usd.as_deref().map(cents).transpose()?,
    };
    deals::change_deal(&platform, &by, once, id, change, request.revision).await?;
    let deal = deals::one_deal(&platform, &by, id).await?;
    Ok(axum::Json(crm_dto::deal(deal)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NoticesQuery {
    /// Those that were not read.
    pub unread: Option<bool>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// What the caller was told, newest first.
#[utoipa::path(get, path = "/api/v1/crm/notices", tag = "crm", params(NoticesQuery),
    responses((status = 200, body = CrmNoticeList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
async fn notices(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<NoticesQuery>,
) -> ApiResult<axum::Json<CrmNoticeList>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = notice::list(
        &platform,
        &by,
        query.unread.unwrap_or(false),
        page.paging()?,
    )
    .await?;
    Ok(axum::Json(CrmNoticeList {
        items: page.items.into_iter().map(crm_dto::notice).collect(),
        next: page.next,
    }))
}

/// How many notices the caller has not read.
#[utoipa::path(get, path = "/api/v1/crm/notices/count", tag = "crm",
    responses((status = 200, body = CrmNoticeCount), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
async fn count_notices(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<CrmNoticeCount>> {
    let unread = notice::unread(&platform, &by).await?;
    Ok(axum::Json(CrmNoticeCount { unread }))
}

/// Marks a notice as read.
#[utoipa::path(post, path = "/api/v1/crm/notices/{id}/read", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
async fn read_notice(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<StatusCode> {
    let once = key.once("POST /api/v1/crm/notices/{id}/read", &id)?;
    notice::read(&platform, &by, once, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is given leads, and how.
#[utoipa::path(get, path = "/api/v1/crm/agents", tag = "crm",
    responses((status = 200, body = SalesAgentList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("agent.read"))))]
async fn agents(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<SalesAgentList>> {
    Ok(axum::Json(crm_dto::agents(
        assignment::seats(&platform, &by).await?,
    )))
}

/// People of sales who are given no leads yet: whom the caller may make one who is.
#[utoipa::path(get, path = "/api/v1/crm/agents/candidates", tag = "crm",
    responses((status = 200, body = SalesCandidateList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("agent.write"))))]
async fn candidates(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<SalesCandidateList>> {
    Ok(axum::Json(crm_dto::candidates(
        staff::candidates(&platform, &by).await?,
    )))
}

/// Makes somebody of sales one who is given leads, or changes what is said of them.
#[utoipa::path(put, path = "/api/v1/crm/agents/{id}", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = SalesAgentRequest,
    responses((status = 200, body = SalesAgentList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("agent.write"))))]
async fn put_agent(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<SalesAgentRequest>,
) -> ApiResult<axum::Json<SalesAgentList>> {
    let once = key.once("PUT /api/v1/crm/agents/{id}", &(id, &request))?;
    let change = SeatChange {
        territories: request.territories,
        skills: request.skills,
        cap: request.cap,
        accepting: request.accepting,
    };
    assignment::seat(&platform, &by, once, id, change).await?;
    Ok(axum::Json(crm_dto::agents(
        assignment::seats(&platform, &by).await?,
    )))
}

/// Sets an agent on leave, or back; who is away is given no leads.
#[utoipa::path(put, path = "/api/v1/crm/agents/{id}/absence", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = SalesAbsenceRequest,
    responses((status = 200, body = SalesAgentList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("agent.write"))))]
async fn put_absence(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<SalesAbsenceRequest>,
) -> ApiResult<axum::Json<SalesAgentList>> {
    let once = key.once("PUT /api/v1/crm/agents/{id}/absence", &(id, &request))?;
    staff::set_leave(&platform, &by, once, id, request.on_leave).await?;
    Ok(axum::Json(crm_dto::agents(
        assignment::seats(&platform, &by).await?,
    )))
}

/// Sets how agents are chosen.
#[utoipa::path(put, path = "/api/v1/crm/rule", tag = "crm", params(IdempotencyKey), request_body = AssignRuleRequest,
    responses((status = 200, body = AssignRuleDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("crm.configure"))))]
async fn put_rule(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<AssignRuleRequest>,
) -> ApiResult<axum::Json<AssignRuleDto>> {
    let once = key.once("PUT /api/v1/crm/rule", &request)?;
    let rule = Rule::parse(&request.rule)
        .ok_or_else(|| ApiError::field("rule", "use round_robin, territory or skill"))?;
    assignment::set_rule(&platform, &by, once, rule).await?;
    Ok(axum::Json(AssignRuleDto { rule: rule.name() }))
}

/// Ends somebody's work: their account, leads, deals, tasks and what they could read, in one step.
#[utoipa::path(post, path = "/api/v1/crm/agents/{id}/leave", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadReasonRequest,
    responses((status = 200, body = SalesLeftDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("user.leave"))))]
async fn leaves(
    Desk(platform): Desk,
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadReasonRequest>,
) -> ApiResult<axum::Json<SalesLeftDto>> {
    let once = key.once("POST /api/v1/crm/agents/{id}/leave", &(id, &request))?;
    let left = leave::leave(&platform, &by, once, id, request.reason).await?;
    identity.end_left(&by, id).await;
    Ok(axum::Json(crm_dto::left(left)))
}

/// Landing pages and partners that send leads in.
#[utoipa::path(get, path = "/api/v1/crm/sources", tag = "crm",
    responses((status = 200, body = LeadSourceList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("crm.configure"))))]
async fn list_sources(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<LeadSourceList>> {
    let sources = sources::list(&platform, &by).await?;
    Ok(axum::Json(LeadSourceList {
        items: sources
            .into_iter()
            .map(|source| crm_dto::source(source, None))
            .collect(),
    }))
}

/// Makes a source; its secret is shown this once.
#[utoipa::path(post, path = "/api/v1/crm/sources", tag = "crm", params(IdempotencyKey), request_body = LeadSourceRequest,
    responses((status = 201, body = LeadSourceDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("crm.configure"))))]
async fn add_source(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<LeadSourceRequest>,
) -> ApiResult<(StatusCode, axum::Json<LeadSourceDto>)> {
    let once = key.once("POST /api/v1/crm/sources", &request)?;
    let (source, secret) =
        sources::add(&platform, &by, once, request.name, request.channel).await?;
    Ok((
        StatusCode::CREATED,
        axum::Json(crm_dto::source(source, Some(secret))),
    ))
}

/// Switches a source off or on; while it is off, its hook takes nothing.
#[utoipa::path(patch, path = "/api/v1/crm/sources/{id}", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey), request_body = LeadSourcePatch,
    responses((status = 200, body = LeadSourceDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("crm.configure"))))]
async fn patch_crm_source(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<LeadSourcePatch>,
) -> ApiResult<axum::Json<LeadSourceDto>> {
    let once = key.once("PATCH /api/v1/crm/sources/{id}", &(id, &request))?;
    let source = sources::switch(&platform, &by, once, id, request.active).await?;
    Ok(axum::Json(crm_dto::source(source, None)))
}

/// Gives a source a new secret; the old one ends.
#[utoipa::path(post, path = "/api/v1/crm/sources/{id}/secret", tag = "crm", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 200, body = LeadSecretDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("crm.configure"))))]
async fn renew_secret(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<axum::Json<LeadSecretDto>> {
    let once = key.once("POST /api/v1/crm/sources/{id}/secret", &id)?;
    let secret = sources::renew(&platform, &by, once, id).await?;
    Ok(axum::Json(LeadSecretDto { secret }))
}
