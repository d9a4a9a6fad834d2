//! KYC over HTTP.

use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use siaga_platform::kyc::state::{Reason, State};
use siaga_platform::kyc::{self, Decision, Kyc, Link, On, Outcome, Verb};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{By, IdempotencyKey};
use super::kyc_dto::{
    CaseDto, CaseRowDto, CasesDto, DecidedDto, DisputeDto, DisputesDto, DocumentDto, FieldsDto,
    UploadDto,
};
use super::kyc_upload::{UPLOAD_BYTES_MAX, Upload};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    let upload = OpenApiRouter::new()
        .routes(routes!(upload))
        .layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX));
    OpenApiRouter::new()
        .merge(upload)
        .routes(routes!(own_case))
        .routes(routes!(document))
        .routes(routes!(review_document))
        .routes(routes!(type_fields))
        .routes(routes!(queue))
        .routes(routes!(case))
        .routes(routes!(review_case))
        .routes(routes!(reopen))
        .routes(routes!(disputes, dispute))
        .routes(routes!(resolve))
}

/// What has none: an address with its own proof.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(content))
}

/// The engine, or 409 while the store is not open.
pub struct Cases(pub Kyc);

impl FromRequestParts<App> for Cases {
    type Rejection = ApiError;

    async fn from_request_parts(_parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        app.core.kyc().map(Cases).ok_or_else(|| {
            ApiError::new(
                Fault::NotAvailable,
                "the store of documents is not open: wait a moment, or look at /readyz?verbose",
            )
        })
    }
}

/// Takes documents in: `files[]` with `document_types[]` before them, as multipart form data.
#[utoipa::path(post, path = "/api/v1/kyc/upload", tag = "kyc", params(IdempotencyKey),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = UploadDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("kyc.upload"))))]
async fn upload(
    Cases(kyc): Cases,
    By(by): By,
    key: IdempotencyKey,
    upload: Upload,
) -> ApiResult<Response> {
    let once = key.once("POST /api/v1/kyc/upload", &upload.digests())?;
    let done = kyc::hand_in(&kyc, &by, once, upload.client, upload.files).await?;
    Ok((StatusCode::CREATED, axum::Json(UploadDto::from(done))).into_response())
}

/// The caller's own case.
#[utoipa::path(get, path = "/api/v1/kyc/me", tag = "kyc",
    responses((status = 200, body = CaseDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("kyc.read"))))]
async fn own_case(Cases(kyc): Cases, By(by): By) -> ApiResult<axum::Json<CaseDto>> {
    Ok(axum::Json(kyc::own_case(&kyc, &by).await?.into()))
}

/// A document: what was read on it and where it is.
#[utoipa::path(get, path = "/api/v1/kyc/{doc_id}", tag = "kyc", params(("doc_id" = Uuid, Path)),
    responses((status = 200, body = DocumentDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("kyc.read"))))]
async fn document(
    Cases(kyc): Cases,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<DocumentDto>> {
    Ok(axum::Json(kyc::document_of(&kyc, &by, id).await?.into()))
}

/// A decision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
// The desk's accounts have a request of this name too, and the document holds each name once.
#[schema(as = KycReviewRequest)]
pub struct ReviewRequest {
    /// `approve` or `reject`.
    #[schema(value_type = String)]
    pub action: Verb,
    /// Needed to reject.
    #[serde(default)]
    pub notes: String,
    /// Why it is rejected: `document_expired`, `image_unreadable`, `name_mismatch`, `watchlist`, `suspected_fraud`, `wrong_document`, `other`.
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// The case's revision that was seen.
    pub revision: Option<i64>,
}

impl ReviewRequest {
    fn on(self, on: On) -> Decision {
        Decision {
            on,
            verb: self.action,
            notes: self.notes,
            reason: self.reason.unwrap_or(Reason::Other),
            revision: self.revision,
        }
    }
}

/// Approves or rejects one document; a rejected one rejects the attempt.
#[utoipa::path(put, path = "/api/v1/kyc/{doc_id}/review", tag = "kyc", params(("doc_id" = Uuid, Path), IdempotencyKey), request_body = ReviewRequest,
    responses((status = 200, body = DecidedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.review"))))]
async fn review_document(
    Cases(kyc): Cases,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReviewRequest>,
) -> ApiResult<axum::Json<DecidedDto>> {
    let once = key.once("PUT /api/v1/kyc/{doc_id}/review", &(id, &request))?;
    let decided = kyc::decide(&kyc, &by, once, request.on(On::Document(id))).await?;
    Ok(axum::Json(decided.into()))
}

/// What a person read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldsRequest {
    /// Everything that is on the document.
    pub document_data: FieldsDto,
    /// The document's revision that was seen.
    pub revision: Option<i64>,
}

/// Puts down what a person read on a document; the checks are made anew.
#[utoipa::path(put, path = "/api/v1/kyc/{doc_id}/fields", tag = "kyc", params(("doc_id" = Uuid, Path), IdempotencyKey), request_body = FieldsRequest,
    responses((status = 200, body = DocumentDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.review"))))]
async fn type_fields(
    Cases(kyc): Cases,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<FieldsRequest>,
) -> ApiResult<axum::Json<DocumentDto>> {
    let once = key.once("PUT /api/v1/kyc/{doc_id}/fields", &(id, &request))?;
    let fields = request.document_data.into_fields()?;
    let id = kyc::type_fields(&kyc, &by, once, id, fields, request.revision).await?;
    Ok(axum::Json(kyc::document_of(&kyc, &by, id).await?.into()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QueueQuery {
    /// Only cases in this state.
    pub status: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// Cases, the most overdue first.
#[utoipa::path(get, path = "/api/v1/kyc/cases", tag = "kyc", params(QueueQuery),
    responses((status = 200, body = CasesDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.read"))))]
async fn queue(
    Cases(kyc): Cases,
    By(by): By,
    Query(query): Query<QueueQuery>,
) -> ApiResult<axum::Json<CasesDto>> {
    let state = match query.status.as_deref() {
        None => None,
        Some(name) => Some(
            State::parse(name)
                .ok_or_else(|| ApiError::field("status", "there is no such state of a case"))?,
        ),
    };
    let paging = siaga_platform::page::Paging::of(query.cursor.as_deref(), query.limit)?;
    let page = kyc::queue(&kyc, &by, state, paging).await?;
    Ok(axum::Json(CasesDto {
        items: page.items.into_iter().map(CaseRowDto::from).collect(),
        next: page.next,
    }))
}

/// A case with its documents, findings, decisions and dispute.
#[utoipa::path(get, path = "/api/v1/kyc/cases/{id}", tag = "kyc", params(("id" = Uuid, Path)),
    responses((status = 200, body = CaseDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("kyc.read"))))]
async fn case(Cases(kyc): Cases, By(by): By, Id(id): Id<Uuid>) -> ApiResult<axum::Json<CaseDto>> {
    Ok(axum::Json(kyc::case(&kyc, &by, id).await?.into()))
}

/// Approves or rejects all documents of the running attempt.
#[utoipa::path(put, path = "/api/v1/kyc/cases/{id}/review", tag = "kyc", params(("id" = Uuid, Path), IdempotencyKey), request_body = ReviewRequest,
    responses((status = 200, body = DecidedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.review"))))]
async fn review_case(
    Cases(kyc): Cases,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ReviewRequest>,
) -> ApiResult<axum::Json<DecidedDto>> {
    let once = key.once("PUT /api/v1/kyc/cases/{id}/review", &(id, &request))?;
    let decided = kyc::decide(&kyc, &by, once, request.on(On::Case(id))).await?;
    Ok(axum::Json(decided.into()))
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// Why the client gets one more attempt.
    pub reason: String,
    /// The case's revision that was seen.
    pub revision: Option<i64>,
}

/// Gives a blocked client one more attempt.
#[utoipa::path(post, path = "/api/v1/kyc/cases/{id}/override", tag = "kyc", params(("id" = Uuid, Path), IdempotencyKey), request_body = OverrideRequest,
    responses((status = 200, body = CaseDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.override"))))]
async fn reopen(
    Cases(kyc): Cases,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<OverrideRequest>,
) -> ApiResult<axum::Json<CaseDto>> {
    let once = key.once("POST /api/v1/kyc/cases/{id}/override", &(id, &request))?;
    kyc::reopen(&kyc, &by, once, id, &request.reason, request.revision).await?;
    Ok(axum::Json(kyc::case(&kyc, &by, id).await?.into()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DisputesQuery {
    /// `open` or `resolved`; both when absent.
    pub status: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// Disputes, by their deadline.
#[utoipa::path(get, path = "/api/v1/kyc/disputes", tag = "kyc", params(DisputesQuery),
    responses((status = 200, body = DisputesDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.read"))))]
async fn disputes(
    Cases(kyc): Cases,
    By(by): By,
    Query(query): Query<DisputesQuery>,
) -> ApiResult<axum::Json<DisputesDto>> {
    let open = match query.status.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("resolved") => Some(false),
        Some(_) => return Err(ApiError::field("status", "use open or resolved")),
    };
    let paging = siaga_platform::page::Paging::of(query.cursor.as_deref(), query.limit)?;
    let page = kyc::disputes(&kyc, &by, open, paging).await?;
    Ok(axum::Json(DisputesDto {
        items: page.items.into_iter().map(DisputeDto::from).collect(),
        next: page.next,
    }))
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeRequest {
    /// Why the decision is wrong.
    pub reason: String,
}

/// Disputes the decision about one's own case: the account is frozen until it is resolved, within 72 hours.
#[utoipa::path(post, path = "/api/v1/kyc/disputes", tag = "kyc", params(IdempotencyKey), request_body = DisputeRequest,
    responses((status = 201, body = DisputeDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.dispute"))))]
async fn dispute(
    Cases(kyc): Cases,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<DisputeRequest>,
) -> ApiResult<Response> {
    let once = key.once("POST /api/v1/kyc/disputes", &request)?;
    let id = kyc::dispute(&kyc, &by, once, &request.reason).await?;
    let dispute = kyc::one_dispute(&kyc, &by, id).await?;
    Ok((StatusCode::CREATED, axum::Json(DisputeDto::from(dispute))).into_response())
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// `upheld`: the decision is made anew; `dismissed`: it stays.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// Why.
    pub notes: String,
}

/// Resolves a dispute and ends the freeze. Who decided the case cannot.
#[utoipa::path(post, path = "/api/v1/kyc/disputes/{id}/resolve", tag = "kyc", params(("id" = Uuid, Path), IdempotencyKey), request_body = ResolveRequest,
    responses((status = 200, body = DisputeDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("kyc.review"))))]
async fn resolve(
    Cases(kyc): Cases,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<ResolveRequest>,
) -> ApiResult<axum::Json<DisputeDto>> {
    let once = key.once("POST /api/v1/kyc/disputes/{id}/resolve", &(id, &request))?;
    let id = kyc::resolve(&kyc, &by, once, id, request.outcome, &request.notes).await?;
    Ok(axum::Json(kyc::one_dispute(&kyc, &by, id).await?.into()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ContentQuery {
    /// Until when the address is good, UTC microseconds.
    pub expires: u64,
    /// For whom it was made.
    pub viewer: Uuid,
    /// The proof that this desk made it.
    pub signature: String,
}

/// The picture of a document, by an address that is good for an hour.
#[utoipa::path(get, path = "/api/v1/kyc/documents/{id}/content", tag = "kyc", params(("id" = Uuid, Path), ContentQuery),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    security(()))]
async fn content(
    Cases(kyc): Cases,
    Id(id): Id<Uuid>,
    Query(query): Query<ContentQuery>,
) -> ApiResult<Response> {
    let link = Link {
        document: id,
        viewer: query.viewer,
        expires: query.expires,
        signature: query.signature,
    };
    let bytes = kyc::content(&kyc, &link).await?;
    let headers = [
        (header::CONTENT_TYPE, kyc::image::MEDIA_TYPE.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{}.jpg\"", id.simple()),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}
