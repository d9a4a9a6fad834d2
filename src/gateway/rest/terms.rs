//! An import of terms while the desk runs.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use serde::Deserialize;
use siaga_feed::catalog::Files;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::dto::import::{TermsImport, TermsImportDto};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::Caller;
use crate::gateway::query::Query;
use crate::gateway::server::App;

/// Bytes of all files of an import with the heads of their parts: the program's own have 32 KiB.
pub const TERMS_BYTES_MAX: usize = 1024 * 1024;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(import))
        .layer(DefaultBodyLimit::max(TERMS_BYTES_MAX))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportQuery {
    /// Only say what would change; so it is when this is absent.
    pub dry_run: Option<bool>,
    /// Which file a body of TOML is: `instruments.toml`, `currencies.toml`, `sources.toml`, `leverage.toml`, `groups.toml`, `demo.toml`,
    /// `calendars.toml`, `holidays.toml`. Parts of a form say it by their names.
    pub file: Option<String>,
}

/// A form with a part for each file, named as the file is; what is missing is taken from the program, as the command does.
#[derive(ToSchema)]
#[allow(dead_code)] // read by the generator of the description alone
pub struct TermsForm {
    #[schema(rename = "instruments.toml")]
    instruments: Option<String>,
    #[schema(rename = "currencies.toml")]
    currencies: Option<String>,
    #[schema(rename = "sources.toml")]
    sources: Option<String>,
    #[schema(rename = "leverage.toml")]
    leverage: Option<String>,
    #[schema(rename = "groups.toml")]
    groups: Option<String>,
    #[schema(rename = "demo.toml")]
    demo: Option<String>,
    #[schema(rename = "calendars.toml")]
    calendars: Option<String>,
    #[schema(rename = "holidays.toml")]
    holidays: Option<String>,
}

/// Brings in files of terms, or with `dry_run` says what they would change. A file alone leaves imported calendars and holidays as they
/// are; beside several the missing ones are the program's. All changes are tried on a copy first: where one is refused none is made.
/// Sent again, what is in force already is left alone.
#[utoipa::path(post, path = "/api/v1/terms/import", tag = "desk", params(ImportQuery),
    request_body(description = "At most 1 MiB", content((TermsForm = "multipart/form-data"), (String = "application/toml"))),
    responses((status = 200, body = TermsImportDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem), (status = 504, body = Problem)))]
async fn import(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    sent: Sent,
) -> ApiResult<axum::Json<TermsImportDto>> {
    let files = match (sent, query.file) {
        (Sent::Form(files), None) => files,
        (Sent::Form(_), Some(_)) => {
            return Err(ApiError::field(
                "file",
                "leave it out beside a form: its parts have names",
            ));
        }
        (Sent::Text(text), Some(name)) => BTreeMap::from([(known("file", &name)?, text)]),
        (Sent::Text(_), None) => return Err(ApiError::field("file", names())),
    };
    if files.is_empty() {
        return Err(ApiError::field("file", names()));
    }
    let by = (!query.dry_run.unwrap_or(true)).then_some(actor);
    let imported = app.core.import_terms(TermsImport { files, by }).await?;
    Ok(axum::Json(imported?))
}

/// The body as it was sent.
enum Sent {
    Form(BTreeMap<&'static str, String>),
    Text(String),
}

impl FromRequest<App> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim();
        if kind.eq_ignore_ascii_case("application/toml") {
            let body = Bytes::from_request(request, app).await;
            let body = body.map_err(|rejection| broken(rejection.status()))?;
            return text("file", body.to_vec()).map(Sent::Text);
        }
        let form = Multipart::from_request(request, app).await;
        let mut form = form.map_err(|_| {
            ApiError::field(
                "Content-Type",
                "send multipart/form-data with a part for each file, or one file as application/toml",
            )
        })?;
        let mut files = BTreeMap::new();
        while let Some(field) = form.next_field().await.map_err(of_form)? {
            let name = called(&field)?;
            let bytes = field.bytes().await.map_err(of_form)?;
            if files.insert(name, text(name, bytes.to_vec())?).is_some() {
                return Err(ApiError::field(name, "send each file once"));
            }
        }
        Ok(Sent::Form(files))
    }
}

/// The file that a part is: by its own name, or by the file's where the part is just called a file.
fn called(field: &Field<'_>) -> ApiResult<&'static str> {
    let name = field.name().unwrap_or_default();
    let name = match name.trim_end_matches("[]") {
        "file" | "files" => field.file_name().unwrap_or_default(),
        name => name,
    };
    known("file", name)
}

/// The file of a name, with or without its ending.
fn known(field: &str, name: &str) -> ApiResult<&'static str> {
    let is_so = |known: &&'static str| {
        *known == name || known.strip_suffix(".toml").is_some_and(|stem| stem == name)
    };
    let found = Files::NAMES.into_iter().find(is_so);
    found.ok_or_else(|| ApiError::field(field, names()))
}

fn names() -> String {
    format!("name a file of terms: one of {}", Files::NAMES.join(", "))
}

fn text(field: &str, bytes: Vec<u8>) -> ApiResult<String> {
    String::from_utf8(bytes).map_err(|_| ApiError::field(field, "the file is no text in UTF-8"))
}

fn of_form(error: MultipartError) -> ApiError {
    broken(error.status())
}

fn broken(status: StatusCode) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let limit = TERMS_BYTES_MAX / 1024;
            ApiError::new(Fault::TooLarge, format!("send at most {limit} KiB"))
        }
        _ => ApiError::new(
            Fault::BadField,
            "the body is broken or ended early; send it again",
        ),
    }
}
