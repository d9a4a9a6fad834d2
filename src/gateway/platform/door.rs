//! What every handler of the platform takes from a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use siaga_platform::identity::{Client, Identity, Visit};
use siaga_platform::page::Paging;
use siaga_platform::people::Principal;
use siaga_platform::unit::{Once, Platform};
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, Required};
use uuid::Uuid;

use crate::gateway::error::{ApiError, ApiResult, Fault};
use crate::gateway::guard::{ClientIp, Passed, is_unattended};
use crate::gateway::server::App;

/// Longest `Idempotency-Key`: a UUID and a prefix.
const KEY_CHARS_MAX: usize = 100;

/// The platform.
pub struct Desk(pub Platform);

impl FromRequestParts<App> for Desk {
    type Rejection = ApiError;

    async fn from_request_parts(_parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        app.core.platform().map(Desk).ok_or_else(|| {
            ApiError::new(
                Fault::NotAvailable,
                "the database is not open: wait a moment, or look at /readyz?verbose",
            )
        })
    }
}

/// Who asks, as the guard found out.
pub struct By(pub Principal);

impl FromRequestParts<App> for By {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, ApiError> {
        let principal = parts.extensions.get::<Principal>().cloned();
        principal
            .map(By)
            .ok_or_else(|| ApiError::new(Fault::Unauthenticated, "sign in first"))
    }
}

/// People's accounts.
pub struct Accounts(pub Arc<Identity>);

impl FromRequestParts<App> for Accounts {
    type Rejection = ApiError;

    async fn from_request_parts(_parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        app.identity().map(Accounts).ok_or_else(|| {
            ApiError::new(
                Fault::NotAvailable,
                "accounts need the store, which is not open: sign in with the secret, or look at /readyz?verbose",
            )
        })
    }
}

/// From where a request comes, and whether tokens go into cookies or the body.
pub struct Arriving(pub Visit);

impl FromRequestParts<App> for Arriving {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, ApiError> {
        let client = match parts.headers.get("x-client").map(|value| value.as_bytes()) {
            None | Some(b"browser") => Client::Browser,
            Some(b"api") => Client::Api,
            Some(_) => return Err(ApiError::field("X-Client", "use api, or leave it out")),
        };
        let passed = parts.extensions.get::<Principal>();
        Ok(Arriving(Visit {
            ip: parts.extensions.get::<ClientIp>().map(|ip| ip.0),
            request: passed.and_then(|principal| principal.request.clone()),
            client,
            unattended: is_unattended(&parts.headers),
        }))
    }
}

/// The session of the request; an API key and the secret have none.
pub struct OfSession(pub Uuid);

impl FromRequestParts<App> for OfSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, ApiError> {
        let session = parts
            .extensions
            .get::<Passed>()
            .and_then(|passed| passed.session);
        session.map(OfSession).ok_or_else(|| {
            ApiError::new(
                Fault::NotAvailable,
                "sign in with address and password for this",
            )
        })
    }
}

/// The `Idempotency-Key` header, if there is one.
pub struct IdempotencyKey(Option<String>);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(IdempotencyKey(None));
        };
        let text = value.to_str().unwrap_or_default();
        if text.is_empty() || text.len() > KEY_CHARS_MAX {
            let detail = format!("use 1 to {KEY_CHARS_MAX} printable ASCII characters");
            return Err(ApiError::field("Idempotency-Key", detail));
        }
        Ok(IdempotencyKey(Some(text.to_owned())))
    }
}

/// Named at each route that takes it, in one form.
impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[!-~]+$"))
            .min_length(Some(1))
            .max_length(Some(KEY_CHARS_MAX));
        let header = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Your own name of this request, used for no other. Sent again under it within a day, the request is not done twice and gets the first \
                 answer; another request under it is refused with 409.",
            ))
            .schema(Some(text));
        vec![header.build()]
    }
}

impl IdempotencyKey {
    /// For `Platform::command_once`: `route` is `POST /api/v1/…` with its pattern, `request` all that
    /// makes two requests the same: the body, and what the address names.
    pub fn once(self, route: &'static str, request: &impl Serialize) -> ApiResult<Option<Once>> {
        let Some(key) = self.0 else {
            return Ok(None);
        };
        let text = serde_json::to_vec(request)
            .map_err(|error| ApiError::internal(format!("a request has no JSON: {error}")))?;
        Ok(Some(Once {
            key,
            route,
            request: Sha256::digest(&text).into(),
        }))
    }
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

impl PageQuery {
    /// The page it asks for.
    pub fn paging(&self) -> ApiResult<Paging> {
        Ok(Paging::of(self.cursor.as_deref(), self.limit)?)
    }
}
