//! Sanctions lists and cases of sanctions and monitoring.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use siaga_platform::aml::case::Status;
use siaga_platform::aml::index::{HITS_MAX, Hit, Query as Lookup};
use siaga_platform::aml::lists::country::country;
use siaga_platform::aml::lists::{Entry, PartialDate};
use siaga_platform::aml::names::Kind;
use siaga_platform::aml::{cases, reports, sanctions, screen, whitelist};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::aml_reports::{ReportDto, report};
use super::door::{By, Desk, IdempotencyKey, PageQuery};
use crate::gateway::dto::micros;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sources))
        .routes(routes!(configure))
        .routes(routes!(versions))
        .routes(routes!(entry))
        .routes(routes!(check))
        .routes(routes!(list))
        .routes(routes!(file))
        .routes(routes!(move_case))
        .routes(routes!(assign))
        .routes(routes!(note))
        .routes(routes!(decide))
        .routes(routes!(excepted))
        .routes(routes!(revoke))
        .routes(routes!(screen_client))
}

wire! {
    /// Where a list comes from, and what of it is in force.
    pub struct SanctionsSourceDto {
        pub name: String,
        pub title: String,
        /// `ofac_csv`, `un_xml`, `spreadsheet`.
        pub format: String,
        pub urls: Vec<String>,
        pub enabled: bool,
        pub version: Option<i64>,
        pub entries: i64,
        pub published: Option<String>,
        /// `never`, `good`, `failing`: the last try was refused and the last good list is in force.
        pub state: String,
        pub good_at_us: Option<i64>,
        pub tried_at_us: Option<i64>,
        pub error: Option<String>,
        pub revision: i64,
    }
    pub struct SanctionsSourceList {
        pub items: Vec<SanctionsSourceDto>,
    }
    /// A version of a list, or a try that was refused.
    pub struct SanctionsVersionDto {
        pub version: Option<i64>,
        /// `adopted`, `refused`.
        pub outcome: String,
        pub entries: i64,
        pub added: i64,
        pub changed: i64,
        pub removed: i64,
        pub published: Option<String>,
        pub reason: Option<String>,
        pub created_at_us: u64,
    }
    pub struct SanctionsVersionPage {
        pub items: Vec<SanctionsVersionDto>,
        pub next: Option<String>,
    }
    pub struct SanctionsNameDto {
        pub text: String,
        /// `primary`, `strong`, `weak`.
        pub quality: String,
    }
    /// Somebody who is listed.
    pub struct SanctionsEntryDto {
        pub uid: String,
        pub kind: String,
        pub names: Vec<SanctionsNameDto>,
        /// As far as they are known: `1948-12-10`, `1948`, `~1948`, `1961/1963`.
        pub births: Vec<String>,
        pub countries: Vec<String>,
        pub programs: Vec<String>,
        pub remarks: String,
        pub listed: Option<String>,
    }
    /// An entry that a name may be.
    pub struct SanctionsHitDto {
        pub source: String,
        pub uid: String,
        pub entry_digest: String,
        /// Its name that is nearest.
        pub name: String,
        /// Whole percent: score, list_score (what the public OFAC search would say) and the parts.
        pub grade: serde_json::Value,
    }
    pub struct SanctionsCheckDto {
        /// The nearest first.
        pub hits: Vec<SanctionsHitDto>,
        /// Entries that were searched.
        pub searched: u64,
    }
    pub struct AmlCaseRowDto {
        pub id: Uuid,
        pub number: i64,
        /// `sanctions`, `transactions`.
        pub kind: String,
        pub status: String,
        pub user_id: Uuid,
        pub client: String,
        pub severity: String,
        pub assigned_to: Option<Uuid>,
        pub alerts: i64,
        pub created_at_us: i64,
        pub updated_at_us: i64,
        pub revision: i64,
        /// Where a person may move it.
        pub moves: Vec<String>,
    }
    pub struct AmlCasePage {
        pub items: Vec<AmlCaseRowDto>,
        pub next: Option<String>,
    }
    pub struct AmlAlertDto {
        pub id: Uuid,
        pub rule: String,
        pub detail: String,
        pub facts: serde_json::Value,
        pub created_at_us: u64,
    }
    pub struct AmlCaseHitDto {
        pub id: Uuid,
        pub hit: SanctionsHitDto,
        /// `open`, `same`, `other`.
        pub decision: String,
        pub reason: String,
        pub decided_by: Option<String>,
        pub decided_at_us: Option<i64>,
        /// The entry as it was found.
        pub entry: Option<SanctionsEntryDto>,
    }
    pub struct AmlNoteDto {
        pub id: Uuid,
        pub text: String,
        pub author: String,
        pub created_at_us: u64,
    }
    pub struct AmlStepDto {
        pub from: String,
        pub to: String,
        pub by: String,
        pub reason: String,
        pub at_us: u64,
    }
    /// All of a case.
    pub struct AmlCaseDto {
        pub case: AmlCaseRowDto,
        pub alerts: Vec<AmlAlertDto>,
        pub hits: Vec<AmlCaseHitDto>,
        pub notes: Vec<AmlNoteDto>,
        pub history: Vec<AmlStepDto>,
        pub reports: Vec<ReportDto>,
    }
    /// A client who was seen not to be an entry.
    pub struct ExceptedDto {
        pub id: Uuid,
        pub source: String,
        pub uid: String,
        pub entry_digest: String,
        pub reason: String,
        pub by: String,
        pub created_at_us: u64,
        pub ended_at_us: Option<i64>,
        /// `entry_changed`, `revoked`.
        pub ended_because: Option<String>,
    }
    pub struct ExceptedList {
        pub items: Vec<ExceptedDto>,
    }
    pub struct ScreenedDto {
        pub screening_id: Uuid,
        pub hits: u32,
        pub case_id: Option<Uuid>,
    }
}

fn source_dto(source: sanctions::Source) -> SanctionsSourceDto {
    let state = match (&source.error, source.version) {
        (Some(_), _) => "failing",
        (None, 0) => "never",
        (None, _) => "good",
    };
    SanctionsSourceDto {
        state: state.to_owned(),
        version: (source.version > 0).then_some(source.version),
        name: source.name,
        title: source.title,
        format: source.format,
        urls: source.urls,
        enabled: source.enabled,
        entries: source.entries,
        published: source.published,
        good_at_us: source.good_at,
        tried_at_us: source.tried_at,
        error: source.error,
        revision: source.revision,
    }
}

fn entry_dto(entry: &Entry) -> SanctionsEntryDto {
    let quality = |name: &siaga_platform::aml::lists::Named| match name.quality {
        siaga_platform::aml::lists::Quality::Primary => "primary",
        siaga_platform::aml::lists::Quality::Strong => "strong",
        siaga_platform::aml::lists::Quality::Weak => "weak",
    };
    SanctionsEntryDto {
        uid: entry.uid.clone(),
        kind: entry.kind.name().to_owned(),
        names: entry
            .names
            .iter()
            .map(|name| SanctionsNameDto {
                text: name.text.clone(),
                quality: quality(name).to_owned(),
            })
            .collect(),
        births: entry.births.iter().map(ToString::to_string).collect(),
        countries: entry.countries.clone(),
        programs: entry.programs.clone(),
        remarks: entry.remarks.clone(),
        listed: entry.listed.clone(),
    }
}

fn hit_dto(hit: &Hit) -> SanctionsHitDto {
    SanctionsHitDto {
        source: hit.listed.source.clone(),
        uid: hit.listed.entry.uid.clone(),
        entry_digest: hit.listed.digest.clone(),
        name: hit.name.clone(),
        grade: screen::grade_json(hit),
    }
}

fn case_row(row: cases::CaseRow) -> AmlCaseRowDto {
    AmlCaseRowDto {
        id: row.id,
        number: row.number,
        kind: row.kind,
        status: row.status,
        user_id: row.user,
        client: row.client,
        severity: row.severity,
        assigned_to: row.assigned_to,
        alerts: row.alerts,
        created_at_us: row.created_at,
        updated_at_us: row.updated_at,
        revision: row.revision,
        moves: row.moves,
    }
}

fn case_hit(hit: cases::HitRow) -> AmlCaseHitDto {
    AmlCaseHitDto {
        id: hit.id,
        hit: SanctionsHitDto {
            source: hit.source,
            uid: hit.uid,
            entry_digest: hit.digest,
            name: hit.name,
            grade: hit.grade,
        },
        decision: hit.decision,
        reason: hit.reason,
        decided_by: hit.decided_by,
        decided_at_us: hit.decided_at,
        entry: hit.entry.as_ref().map(entry_dto),
    }
}

fn note_dto(note: cases::Said) -> AmlNoteDto {
    AmlNoteDto {
        id: note.id,
        text: note.text,
        author: note.by,
        created_at_us: micros(note.at),
    }
}

fn step_dto(step: cases::Said) -> AmlStepDto {
    let (from, to) = step.states.unwrap_or_default();
    AmlStepDto {
        from,
        to,
        by: step.by,
        reason: step.text,
        at_us: micros(step.at),
    }
}

fn excepted_dto(excepted: whitelist::Excepted) -> ExceptedDto {
    ExceptedDto {
        id: excepted.id,
        source: excepted.source,
        uid: excepted.uid,
        entry_digest: excepted.digest,
        reason: excepted.reason,
        by: excepted.by,
        created_at_us: micros(excepted.at),
        ended_at_us: excepted.ended_at,
        ended_because: excepted.ended_because,
    }
}

/// Where lists come from, and what is in force.
#[utoipa::path(get, path = "/api/v1/aml/sources", tag = "aml",
    responses((status = 200, body = SanctionsSourceList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("sanctions.read"))))]
async fn sources(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<SanctionsSourceList>> {
    let sources = sanctions::sources(&platform, &by).await?;
    Ok(axum::Json(SanctionsSourceList {
        items: sources.into_iter().map(source_dto).collect(),
    }))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SanctionsSourceRequest {
    /// In the order of the files; each begins with https://.
    pub urls: Vec<String>,
    pub enabled: bool,
    pub revision: i64,
}

/// Says where a list's files are.
#[utoipa::path(put, path = "/api/v1/aml/sources/{name}", tag = "aml", params(("name" = String, Path), IdempotencyKey), request_body = SanctionsSourceRequest,
    responses((status = 200, body = SanctionsSourceDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("sanctions.configure"))))]
async fn configure(
    Desk(platform): Desk,
    By(by): By,
    Id(name): Id<String>,
    key: IdempotencyKey,
    Json(request): Json<SanctionsSourceRequest>,
) -> ApiResult<axum::Json<SanctionsSourceDto>> {
    let once = key.once("PUT /api/v1/aml/sources/{name}", &(&name, &request))?;
    let source = sanctions::configure(
        &platform,
        &by,
        once,
        name,
        request.urls,
        request.enabled,
        request.revision,
    )
    .await?;
    Ok(axum::Json(source_dto(source)))
}

/// Versions of a list, newest first, with the tries that were refused.
#[utoipa::path(get, path = "/api/v1/aml/sources/{name}/versions", tag = "aml", params(("name" = String, Path), PageQuery),
    responses((status = 200, body = SanctionsVersionPage), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)), extensions(("x-permission" = json!("sanctions.read"))))]
async fn versions(
    Desk(platform): Desk,
    By(by): By,
    Id(name): Id<String>,
    Query(page): Query<PageQuery>,
) -> ApiResult<axum::Json<SanctionsVersionPage>> {
    let page = sanctions::versions(&platform, &by, name, page.paging()?).await?;
    let items = page.items.into_iter().map(|version| {
        let [entries, added, changed, removed] = version.counts;
        SanctionsVersionDto {
            outcome: if version.version.is_some() {
                "adopted"
            } else {
                "refused"
            }
            .to_owned(),
            version: version.version,
            entries,
            added,
            changed,
            removed,
            published: version.published,
            reason: version.reason,
            created_at_us: micros(version.at),
        }
    });
    Ok(axum::Json(SanctionsVersionPage {
        items: items.collect(),
        next: page.next,
    }))
}

/// An entry of a list.
#[utoipa::path(get, path = "/api/v1/aml/entries/{source}/{uid}", tag = "aml", params(("source" = String, Path), ("uid" = String, Path)),
    responses((status = 200, body = SanctionsEntryDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("sanctions.read"))))]
async fn entry(
    Desk(platform): Desk,
    By(by): By,
    Id((source, uid)): Id<(String, String)>,
) -> ApiResult<axum::Json<SanctionsEntryDto>> {
    let entry = sanctions::entry(&platform, &by, source, uid).await?;
    Ok(axum::Json(entry_dto(&entry)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SanctionsCheckRequest {
    pub name: String,
    /// `person`, `entity`, `vessel`, `aircraft`; anything when absent.
    pub kind: Option<String>,
    /// As far as it is known: `1948`, `1948-12`, `1948-12-10`.
    pub birth: Option<String>,
    /// Codes or names.
    #[serde(default)]
    pub countries: Vec<String>,
}

/// Most countries of a look-up: a person has few.
const COUNTRIES_MAX: usize = 20;

/// Looks a name up on all lists in force.
#[utoipa::path(post, path = "/api/v1/aml/check", tag = "aml", request_body = SanctionsCheckRequest,
    responses((status = 200, body = SanctionsCheckDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("sanctions.read"))))]
async fn check(
    Desk(platform): Desk,
    By(by): By,
    Json(request): Json<SanctionsCheckRequest>,
) -> ApiResult<axum::Json<SanctionsCheckDto>> {
    let kind =
        match request.kind.as_deref() {
            None => None,
            Some(name) => Some(Kind::parse(name).ok_or_else(|| {
                ApiError::field("kind", "give person, entity, vessel or aircraft")
            })?),
        };
    let birth = match request.birth.as_deref() {
        None => None,
        Some(text) => Some(PartialDate::read(text).ok_or_else(|| {
            ApiError::field("birth", "give a year, a month or a day: 1948-12-10")
        })?),
    };
    if request.countries.len() > COUNTRIES_MAX {
        return Err(ApiError::field(
            "countries",
            format!("give at most {COUNTRIES_MAX}"),
        ));
    }
    let query = Lookup {
        names: vec![request.name],
        kind,
        birth,
        countries: request
            .countries
            .iter()
            .filter_map(|name| country(name))
            .collect(),
    };
    let (hits, searched) = sanctions::check(&platform, &by, query).await?;
    debug_assert!(hits.len() <= HITS_MAX, "the search is bounded");
    Ok(axum::Json(SanctionsCheckDto {
        hits: hits.iter().map(hit_dto).collect(),
        searched: u64::try_from(searched).unwrap_or(u64::MAX),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CaseQuery {
    /// One status.
    pub status: Option<String>,
    /// `sanctions` or `transactions`.
    pub kind: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// Cases, newest first.
#[utoipa::path(get, path = "/api/v1/aml/cases", tag = "aml", params(CaseQuery),
    responses((status = 200, body = AmlCasePage), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("aml.read"))))]
async fn list(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<CaseQuery>,
) -> ApiResult<axum::Json<AmlCasePage>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = cases::list(&platform, &by, query.status, query.kind, page.paging()?).await?;
    Ok(axum::Json(AmlCasePage {
        items: page.items.into_iter().map(case_row).collect(),
        next: page.next,
    }))
}

/// All of a case.
#[utoipa::path(get, path = "/api/v1/aml/cases/{id}", tag = "aml", params(("id" = Uuid, Path)),
    responses((status = 200, body = AmlCaseDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("aml.read"))))]
async fn file(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<AmlCaseDto>> {
    let file = cases::file(&platform, &by, id).await?;
    let reports = reports::of_case(&platform, &by, id).await?;
    Ok(axum::Json(AmlCaseDto {
        case: case_row(file.row),
        alerts: file
            .alerts
            .into_iter()
            .map(|alert| AmlAlertDto {
                id: alert.id,
                rule: alert.rule,
                detail: alert.detail,
                facts: alert.facts,
                created_at_us: micros(alert.at),
            })
            .collect(),
        hits: file.hits.into_iter().map(case_hit).collect(),
        notes: file.notes.into_iter().map(note_dto).collect(),
        history: file.steps.into_iter().map(step_dto).collect(),
        reports: reports.into_iter().map(report).collect(),
    }))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmlCaseMoveRequest {
    /// A status of `moves`.
    pub to: String,
    pub reason: String,
    pub revision: i64,
}

/// Moves a case.
#[utoipa::path(post, path = "/api/v1/aml/cases/{id}/move", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = AmlCaseMoveRequest,
    responses((status = 200, body = AmlCaseRowDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("aml.work"))))]
async fn move_case(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<AmlCaseMoveRequest>,
) -> ApiResult<axum::Json<AmlCaseRowDto>> {
    let to =
        Status::parse(&request.to).ok_or_else(|| ApiError::field("to", "no case is ever that"))?;
    let once = key.once("POST /api/v1/aml/cases/{id}/move", &(id, &request))?;
    let AmlCaseMoveRequest {
        reason, revision, ..
    } = request;
    let row = cases::move_case(&platform, &by, once, id, to, reason, revision).await?;
    Ok(axum::Json(case_row(row)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmlCaseAssignRequest {
    /// Null takes it from everybody.
    pub user_id: Option<Uuid>,
    pub revision: i64,
}

/// Gives a case to somebody.
#[utoipa::path(post, path = "/api/v1/aml/cases/{id}/assign", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = AmlCaseAssignRequest,
    responses((status = 200, body = AmlCaseRowDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("aml.work"))))]
async fn assign(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<AmlCaseAssignRequest>,
) -> ApiResult<axum::Json<AmlCaseRowDto>> {
    let once = key.once("POST /api/v1/aml/cases/{id}/assign", &(id, &request))?;
    let row = cases::assign(&platform, &by, once, id, request.user_id, request.revision).await?;
    Ok(axum::Json(case_row(row)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmlNoteRequest {
    pub text: String,
}

/// Writes a note into a case.
#[utoipa::path(post, path = "/api/v1/aml/cases/{id}/notes", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = AmlNoteRequest,
    responses((status = 201, body = AmlNoteDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)), extensions(("x-permission" = json!("aml.work"))))]
async fn note(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<AmlNoteRequest>,
) -> ApiResult<(StatusCode, axum::Json<AmlNoteDto>)> {
    let once = key.once("POST /api/v1/aml/cases/{id}/notes", &(id, &request))?;
    let note = cases::note(&platform, &by, once, id, request.text).await?;
    Ok((StatusCode::CREATED, axum::Json(note_dto(note))))
}

/// Whether a hit is the client.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HitDecision {
    /// It is the client.
    Same,
    /// It is somebody else: excepted until the entry changes.
    Other,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HitDecisionRequest {
    pub decision: HitDecision,
    pub reason: String,
}

/// Decides whether a hit is the client.
#[utoipa::path(post, path = "/api/v1/aml/cases/{id}/hits/{hit_id}", tag = "aml", params(("id" = Uuid, Path), ("hit_id" = Uuid, Path), IdempotencyKey),
    request_body = HitDecisionRequest,
    responses((status = 200, body = AmlCaseHitDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)), extensions(("x-permission" = json!("aml.work"))))]
async fn decide(
    Desk(platform): Desk,
    By(by): By,
    Id((id, hit)): Id<(Uuid, Uuid)>,
    key: IdempotencyKey,
    Json(request): Json<HitDecisionRequest>,
) -> ApiResult<axum::Json<AmlCaseHitDto>> {
    let is_client = request.decision == HitDecision::Same;
    let once = key.once(
        "POST /api/v1/aml/cases/{id}/hits/{hit_id}",
        &(id, hit, &request),
    )?;
    let hit = cases::decide_hit(&platform, &by, once, id, hit, is_client, request.reason).await?;
    Ok(axum::Json(case_hit(hit)))
}

/// Entries that a client was seen not to be.
#[utoipa::path(get, path = "/api/v1/aml/clients/{user_id}/whitelist", tag = "aml", params(("user_id" = Uuid, Path)),
    responses((status = 200, body = ExceptedList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("aml.read"))))]
async fn excepted(
    Desk(platform): Desk,
    By(by): By,
    Id(user): Id<Uuid>,
) -> ApiResult<axum::Json<ExceptedList>> {
    let all = whitelist::of_client(&platform, &by, user).await?;
    Ok(axum::Json(ExceptedList {
        items: all.into_iter().map(excepted_dto).collect(),
    }))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    pub reason: String,
}

/// Ends an exception.
#[utoipa::path(post, path = "/api/v1/aml/whitelist/{id}/revoke", tag = "aml", params(("id" = Uuid, Path), IdempotencyKey), request_body = RevokeRequest,
    responses((status = 200, body = ExceptedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)), extensions(("x-permission" = json!("aml.work"))))]
async fn revoke(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<RevokeRequest>,
) -> ApiResult<axum::Json<ExceptedDto>> {
    let once = key.once("POST /api/v1/aml/whitelist/{id}/revoke", &(id, &request))?;
    let ended = whitelist::revoke(&platform, &by, once, id, request.reason).await?;
    Ok(axum::Json(excepted_dto(ended)))
}

/// Looks a client up on all lists now.
#[utoipa::path(post, path = "/api/v1/aml/clients/{user_id}/screen", tag = "aml", params(("user_id" = Uuid, Path), IdempotencyKey),
    responses((status = 200, body = ScreenedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)), extensions(("x-permission" = json!("sanctions.screen"))))]
async fn screen_client(
    Desk(platform): Desk,
    By(by): By,
    Id(user): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<axum::Json<ScreenedDto>> {
    let once = key.once("POST /api/v1/aml/clients/{user_id}/screen", &user)?;
    let screened = screen::by_hand(&platform, &by, once, user).await?;
    Ok(axum::Json(ScreenedDto {
        screening_id: screened.id,
        hits: screened.hits,
        case_id: screened.case,
    }))
}
