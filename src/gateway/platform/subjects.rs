//! A person's rights: consents, their data as JSON, their end; and the holds that stand against it.

use axum::http::StatusCode;
use serde::Deserialize;
use siaga_platform::consent::{CONSENT_READ, CONSENT_WRITE};
use siaga_platform::refusal::Refusal;
use siaga_platform::unit::{Once, Platform};
use siaga_platform::{consent, erasure, retention};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{Accounts, By, Desk, IdempotencyKey, PageQuery};
use crate::gateway::dto::micros;
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

wire! {
    pub struct ConsentDto {
        pub purpose: String,
        pub granted: bool,
        /// Where it was said.
        pub source: String,
        /// Which text was shown.
        pub text_version: String,
        pub recorded_by: String,
        pub time_us: u64,
    }
    pub struct Consents {
        /// The newest word on each purpose; who said nothing to one does not agree.
        pub items: Vec<ConsentDto>,
        /// What can be agreed to.
        pub purposes: Vec<String>,
    }
    pub struct ConsentPage {
        /// Newest first.
        pub items: Vec<ConsentDto>,
        pub next: Option<String>,
    }
    pub struct SubjectRequestDto {
        pub id: Uuid,
        pub subject: Uuid,
        /// `export` or `erasure`.
        pub kind: String,
        /// `open`, `held`, `done`, `refused`.
        pub status: String,
        pub reason: Option<String>,
        pub made_us: u64,
        /// By when it has to be done.
        pub due_us: u64,
    }
    pub struct SubjectRequests {
        /// Newest first.
        pub items: Vec<SubjectRequestDto>,
    }
    /// A line of an erasure's ledger.
    pub struct LedgerLineDto {
        pub store: String,
        /// `deleted`, `anonymised`, `key_destroyed`, `kept_by_law`, `nothing_found`.
        pub action: String,
        pub items: i64,
        pub reason: Option<String>,
    }
    pub struct Ledger {
        pub items: Vec<LedgerLineDto>,
    }
    pub struct HoldDto {
        pub id: Uuid,
        pub category: String,
        pub subject: Option<Uuid>,
        pub reason: String,
        pub placed_by: String,
        pub placed_us: u64,
        pub lifted_us: Option<u64>,
    }
    pub struct HoldPage {
        /// Newest first.
        pub items: Vec<HoldDto>,
        pub next: Option<String>,
    }
    pub struct Placed {
        pub id: Uuid,
    }
    /// Whom to ask about one's data.
    pub struct PrivacyDto {
        /// As the desk is configured (`platform.privacy_contact`); null where nobody is named.
        pub contact: Option<String>,
        /// Days within which an erasure is done.
        pub erasure_days: u64,
        /// What can be agreed to.
        pub purposes: Vec<String>,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(consents, record_consent))
        .routes(routes!(consent_history))
        .routes(routes!(requests))
        .routes(routes!(export))
        .routes(routes!(request_erasure))
        .routes(routes!(ledger))
        .routes(routes!(holds, place_hold))
        .routes(routes!(lift_hold))
}

/// What needs nobody to be signed in.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(privacy))
}

/// Whom a person writes to about their data, and what can be agreed to.
#[utoipa::path(get, path = "/api/v1/privacy", tag = "subjects",
    responses((status = 200, body = PrivacyDto), (status = 409, body = Problem)), security(()))]
async fn privacy(Accounts(identity): Accounts) -> axum::Json<PrivacyDto> {
    let contact = &identity.settings().privacy_contact;
    axum::Json(PrivacyDto {
        contact: (!contact.is_empty()).then(|| contact.clone()),
        erasure_days: erasure::DAYS_MAX,
        purposes: consent::PURPOSES
            .iter()
            .map(|&purpose| purpose.to_owned())
            .collect(),
    })
}

fn consent_dto(consent: consent::Consent) -> ConsentDto {
    ConsentDto {
        purpose: consent.purpose,
        granted: consent.granted,
        source: consent.source,
        text_version: consent.text_version,
        recorded_by: consent.recorded_by,
        time_us: micros(consent.at),
    }
}

fn request_dto(request: erasure::Request) -> SubjectRequestDto {
    SubjectRequestDto {
        id: request.id,
        subject: request.subject,
        kind: request.kind.name().to_owned(),
        status: request.status.name().to_owned(),
        reason: request.reason,
        made_us: micros(request.made),
        due_us: micros(request.due),
    }
}

/// What a person agrees to now.
#[utoipa::path(get, path = "/api/v1/subjects/{id}/consents", tag = "subjects", params(("id" = Uuid, Path)),
    responses((status = 200, body = Consents), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn consents(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<Consents>> {
    erasure::may(&platform, &by, CONSENT_READ, id).await?;
    let standing = platform
        .read(&by, move |tx| consent::standing(tx, id))
        .await?;
    Ok(axum::Json(Consents {
        items: standing.into_iter().map(consent_dto).collect(),
        purposes: consent::PURPOSES
            .iter()
            .map(|&purpose| purpose.to_owned())
            .collect(),
    }))
}

#[derive(Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentRequest {
    /// What for.
    purpose: String,
    /// Yes or no.
    granted: bool,
    /// Where it was said: `web`, `whatsapp`, `telephone`, `paper`.
    source: String,
    /// Which text was shown or read.
    text_version: String,
}

/// Records a yes or no; every one of them is kept.
#[utoipa::path(post, path = "/api/v1/subjects/{id}/consents", tag = "subjects", params(("id" = Uuid, Path), IdempotencyKey), request_body = ConsentRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn record_consent(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ConsentRequest>,
) -> ApiResult<StatusCode> {
    erasure::may(&platform, &by, CONSENT_WRITE, id).await?;
    let once = key.once("POST /api/v1/subjects/{id}/consents", &(id, &request))?;
    let recorded = platform.command_once(&by, once, move |unit| {
        let ConsentRequest {
            purpose,
            granted,
            source,
            text_version,
        } = request;
        consent::record(unit, id, &purpose, granted, &source, &text_version)
    });
    recorded.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything a person ever said about consents, newest first.
#[utoipa::path(get, path = "/api/v1/subjects/{id}/consents/history", tag = "subjects", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = ConsentPage), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn consent_history(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    Query(page): Query<PageQuery>,
) -> ApiResult<axum::Json<ConsentPage>> {
    erasure::may(&platform, &by, CONSENT_READ, id).await?;
    let paging = page.paging()?;
    let page = platform
        .read(&by, move |tx| consent::history(tx, id, paging))
        .await?;
    let page = page.map(consent_dto);
    Ok(axum::Json(ConsentPage {
        items: page.items,
        next: page.next,
    }))
}

/// A person's requests for their data and for their end.
#[utoipa::path(get, path = "/api/v1/subjects/{id}/requests", tag = "subjects", params(("id" = Uuid, Path)),
    responses((status = 200, body = SubjectRequests), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn requests(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<SubjectRequests>> {
    let found = erasure::list(&platform, &by, id).await?;
    Ok(axum::Json(SubjectRequests {
        items: found.into_iter().map(request_dto).collect(),
    }))
}

/// All data of a person as JSON, from every store, as far as a law lets them be told.
#[utoipa::path(post, path = "/api/v1/subjects/{id}/export", tag = "subjects", params(("id" = Uuid, Path)),
    responses((status = 200, body = serde_json::Value), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn export(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<serde_json::Value>> {
    let stores = siaga_platform::handlers::engines().stores;
    Ok(axum::Json(
        erasure::export(&platform, &by, &stores, id).await?,
    ))
}

/// Asks for the end of a person's data; done by itself within 30 days.
#[utoipa::path(post, path = "/api/v1/subjects/{id}/erasure", tag = "subjects", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 202, body = SubjectRequestDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn request_erasure(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<(StatusCode, axum::Json<SubjectRequestDto>)> {
    by.with_mfa()?;
    let once = key.once("POST /api/v1/subjects/{id}/erasure", &id)?;
    let kind = erasure::Kind::Erasure;
    let request = erasure::request_once(&platform, &by, once, id, kind).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(request_dto(request))))
}

/// What an erasure did in each store.
#[utoipa::path(get, path = "/api/v1/erasures/{id}/ledger", tag = "subjects", params(("id" = Uuid, Path)),
    responses((status = 200, body = Ledger), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn ledger(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<Ledger>> {
    by.scope(erasure::SUBJECT_READ)?;
    let lines = platform
        .read(&by, move |tx| erasure::ledger(tx, id))
        .await?;
    let line = |(store, action, items, reason)| LedgerLineDto {
        store,
        action,
        items,
        reason,
    };
    Ok(axum::Json(Ledger {
        items: lines.into_iter().map(line).collect(),
    }))
}

/// Legal holds, newest first.
#[utoipa::path(get, path = "/api/v1/holds", tag = "subjects", params(PageQuery),
    responses((status = 200, body = HoldPage), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn holds(
    Desk(platform): Desk,
    By(by): By,
    Query(page): Query<PageQuery>,
) -> ApiResult<axum::Json<HoldPage>> {
    let page = retention::list(&platform, &by, page.paging()?).await?;
    let page = page.map(|hold| HoldDto {
        id: hold.id,
        category: hold.category,
        subject: hold.subject,
        reason: hold.reason,
        placed_by: hold.placed_by,
        placed_us: micros(hold.placed),
        lifted_us: hold.lifted.map(micros),
    });
    Ok(axum::Json(HoldPage {
        items: page.items,
        next: page.next,
    }))
}

#[derive(Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldRequest {
    /// `all`, `erasure` for erasures alone, or a kind of rows with a term: `kyc_documents`, `leads`, `operations`, `audit`,
    /// `sessions`, `sign_in_attempts`, `receipts`, `idempotency`, `documents`.
    category: String,
    /// Whose; absent = everybody's.
    subject: Option<Uuid>,
    /// Why.
    reason: String,
}

/// Places a legal hold: nothing of it is ended until it is lifted.
#[utoipa::path(post, path = "/api/v1/holds", tag = "subjects", params(IdempotencyKey), request_body = HoldRequest,
    responses((status = 201, body = Placed), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn place_hold(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<HoldRequest>,
) -> ApiResult<(StatusCode, axum::Json<Placed>)> {
    let once = key.once("POST /api/v1/holds", &request)?;
    let id = place(&platform, &by, once, request).await?;
    Ok((StatusCode::CREATED, axum::Json(Placed { id })))
}

async fn place(
    platform: &Platform,
    by: &siaga_platform::people::Principal,
    once: Option<Once>,
    request: HoldRequest,
) -> Result<Uuid, Refusal> {
    by.with_mfa()?;
    retention::place_once(
        platform,
        by,
        once,
        request.category,
        request.subject,
        request.reason,
    )
    .await
}

/// Lifts a legal hold.
#[utoipa::path(delete, path = "/api/v1/holds/{id}", tag = "subjects", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn lift_hold(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<StatusCode> {
    by.with_mfa()?;
    let once = key.once("DELETE /api/v1/holds/{id}", &id)?;
    retention::lift_once(&platform, &by, once, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
