//! The gateway's own errors, numbered from 10000, and their form on the wire (RFC 9457).

use std::any::Any;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use siaga_platform::db::DbError;
use siaga_platform::refusal::{Fault as PlatformFault, INVALID, Kind, Refusal};
use siaga_risk::verdict::Reject;
use utoipa::ToSchema;

use super::core::CoreError;
use super::refusals::FaultCode;

macro_rules! faults {
    ($($name:ident = $code:literal, $status:ident, $slug:literal, $title:literal;)*) => {
        /// What can be wrong with a request, by number. Numbers are stable.
        #[repr(u16)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($name = $code,)* }

        impl Fault {
            pub const ALL: &'static [Fault] = &[$(Fault::$name,)*];
            pub fn code(self) -> u16 { self as u16 }
            pub fn name(self) -> &'static str { match self { $(Fault::$name => $slug,)* } }
            pub fn title(self) -> &'static str { match self { $(Fault::$name => $title,)* } }
            pub fn status(self) -> StatusCode { match self { $(Fault::$name => StatusCode::$status,)* } }
        }
    };
}

faults! {
    Unauthenticated = 10_001, UNAUTHORIZED, "unauthenticated", "Sign in first";
    WrongSecret = 10_002, UNAUTHORIZED, "wrong_secret", "The secret is not right";
    ForeignOrigin = 10_003, FORBIDDEN, "foreign_origin", "Requests of other sites are refused";
    Csrf = 10_004, FORBIDDEN, "csrf_token", "The X-CSRF-Token header is missing or wrong";
    ForeignHost = 10_005, MISDIRECTED_REQUEST, "foreign_host", "The Host header names another server";
    BadJson = 10_010, BAD_REQUEST, "bad_json", "The body is not JSON";
    BadField = 10_011, UNPROCESSABLE_ENTITY, "bad_field", "A field is missing or wrong";
    TooLarge = 10_012, PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    NotFound = 10_013, NOT_FOUND, "not_found", "There is no such thing";
    MethodNotAllowed = 10_014, METHOD_NOT_ALLOWED, "method_not_allowed", "The method does not fit the address";
    NotJson = 10_015, UNSUPPORTED_MEDIA_TYPE, "not_json", "Send application/json";
    UnknownSymbol = 10_016, NOT_FOUND, "unknown_symbol", "There is no such symbol";
    RevisionMissing = 10_020, PRECONDITION_REQUIRED, "revision_missing", "Say which revision you saw";
    RevisionStale = 10_021, PRECONDITION_FAILED, "revision_stale", "It changed since you looked";
    NoteMissing = 10_022, UNPROCESSABLE_ENTITY, "note_missing", "A note is required";
    AlertState = 10_023, CONFLICT, "alert_state", "The alert is in another state";
    Refused = 10_030, UNPROCESSABLE_ENTITY, "refused", "The desk refused it";
    RateLimited = 10_040, TOO_MANY_REQUESTS, "rate_limited", "Too many requests";
    Busy = 10_050, SERVICE_UNAVAILABLE, "busy", "The desk is busy";
    Poisoned = 10_051, SERVICE_UNAVAILABLE, "journal_poisoned", "The desk cannot record and takes no orders";
    Stopped = 10_052, SERVICE_UNAVAILABLE, "stopping", "The desk is stopping";
    Timeout = 10_053, GATEWAY_TIMEOUT, "timeout", "No answer in time";
    NotAvailable = 10_054, CONFLICT, "not_available", "This desk cannot do that";
    NotPassedOn = 10_055, SERVICE_UNAVAILABLE, "not_passed_on", "It is recorded and cannot be passed on";
    Unsure = 10_056, SERVICE_UNAVAILABLE, "maybe_recorded", "The journal failed: it may have been recorded";
    StoreAway = 10_057, SERVICE_UNAVAILABLE, "store_away", "The database does not answer";
    DiskFull = 10_058, SERVICE_UNAVAILABLE, "disk_full", "The disk takes nothing more";
    Internal = 10_099, INTERNAL_SERVER_ERROR, "internal", "Something is wrong on our side";
}

/// An error with two messages: `detail` is for the caller, `private` for the log.
#[derive(Debug)]
pub struct ApiError {
    pub fault: Fault,
    pub detail: String,
    pub private: Option<String>,
    pub field: Option<String>,
    pub reasons: Vec<Reject>,
    pub retry_after_s: Option<u32>,
    /// The platform's own fault, which then gives number, name, title and status.
    pub platform: Option<Box<PlatformFault>>,
}

/// An answer of the API or an error.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(fault: Fault, detail: impl Into<String>) -> ApiError {
        ApiError {
            fault,
            detail: detail.into(),
            private: None,
            field: None,
            reasons: Vec::new(),
            retry_after_s: None,
            platform: None,
        }
    }

    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> ApiError {
        ApiError {
            field: Some(field.into()),
            ..ApiError::new(Fault::BadField, detail)
        }
    }

    pub fn not_found(what: &str) -> ApiError {
        ApiError::new(Fault::NotFound, format!("{what} is not known here"))
    }

    /// A bug of ours: the caller gets a number to quote, the log gets the story.
    pub fn internal(private: impl Into<String>) -> ApiError {
        let incident = super::auth::random_hex::<4>();
        ApiError {
            private: Some(format!("incident {incident}: {}", private.into())),
            ..ApiError::new(
                Fault::Internal,
                format!("tell the desk incident {incident}"),
            )
        }
    }

    /// The desk said no, with all its reasons.
    pub fn refused(reasons: Vec<Reject>) -> ApiError {
        let detail = reasons
            .iter()
            .map(|reason| format!("{}: {}", reason.name(), reason.lifts()))
            .collect::<Vec<_>>();
        ApiError {
            reasons,
            ..ApiError::new(Fault::Refused, detail.join("; "))
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        match refusal {
            Refusal::Said(said) => ApiError {
                field: said.field,
                retry_after_s: said.retry_after_s,
                platform: Some(Box::new(said.fault)),
                ..ApiError::new(Fault::Refused, said.detail)
            },
            Refusal::Db(error) if error.is_disk_full() => ApiError {
                retry_after_s: Some(30),
                private: Some(error.to_string()),
                ..ApiError::new(
                    Fault::DiskFull,
                    "nothing was changed: the database has no room on its disk; make room and send it again",
                )
            },
            Refusal::Db(error) if error.may_retry() => ApiError {
                retry_after_s: Some(1),
                private: Some(error.to_string()),
                ..ApiError::new(
                    Fault::Busy,
                    "nothing was changed; send it again in a moment",
                )
            },
            Refusal::Db(error) if error.is_of_input() => ApiError {
                private: Some(error.to_string()),
                ..ApiError::from(INVALID.because(
                    "a text holds a character that none may, or a key names nothing that is there",
                ))
            },
            Refusal::Db(DbError::Closed) => ApiError::new(
                Fault::Stopped,
                "nothing was changed; try again after the restart",
            ),
            Refusal::Db(error) => ApiError::internal(error.to_string()),
        }
    }
}

/// A number to quote for whoever hears on the stream that something of ours failed; the log gets it with the story.
pub fn incident(story: &str) -> String {
    let id = super::auth::random_hex::<4>();
    tracing::warn!("incident {id}: {story}");
    id
}

/// What a panic said.
pub fn words<'a>(panic: &'a (dyn Any + Send + 'static)) -> &'a str {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    said.or(panic.downcast_ref::<&'static str>().copied())
        .unwrap_or("no words")
}

/// The status of a platform's "no".
fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::BadType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Locked => StatusCode::LOCKED,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<CoreError> for ApiError {
    fn from(error: CoreError) -> ApiError {
        match error {
            CoreError::Busy => ApiError {
                retry_after_s: Some(1),
                ..ApiError::new(
                    Fault::Busy,
                    "nothing was changed; send it again in a moment",
                )
            },
            CoreError::Closed { phone } => {
                let reasons = vec![Reject::JournalPoisoned];
                let whom = if phone.is_empty() { "the desk" } else { &phone };
                ApiError {
                    reasons,
                    ..ApiError::new(Fault::Poisoned, format!("call {whom}; nothing was changed"))
                }
            }
            CoreError::Poisoned { phone } => {
                let whom = if phone.is_empty() { "the desk" } else { &phone };
                let detail = format!(
                    "call {whom}: it may have been recorded, and takes effect at the restart then; sent again after it with the same client id it is not done twice"
                );
                ApiError::new(Fault::Unsure, detail)
            }
            CoreError::NotPassedOn { phone } => {
                let whom = if phone.is_empty() { "the desk" } else { &phone };
                let detail = format!(
                    "call {whom}; it is recorded and no broker gets it: an order ends at the next start, it is never sent late. Sent again then with the same client id it gets the first answer"
                );
                ApiError::new(Fault::NotPassedOn, detail)
            }
            CoreError::Stopped => ApiError {
                retry_after_s: Some(5),
                ..ApiError::new(
                    Fault::Stopped,
                    "nothing was changed; try again after the restart",
                )
            },
            CoreError::Timeout => ApiError::new(
                Fault::Timeout,
                "it may have been done; send it again with the same client id, it is never done twice",
            ),
            CoreError::Unkept { phone, why } => {
                let whom = if phone.is_empty() { "the desk" } else { &phone };
                let detail = format!(
                    "call {whom}; nothing was changed, because the note could not be kept ({why}). Make room on the disk and send it again"
                );
                ApiError::new(Fault::DiskFull, detail)
            }
            CoreError::Away(why) => ApiError {
                retry_after_s: Some(5),
                ..ApiError::new(Fault::StoreAway, why)
            },
            CoreError::NotAvailable(why) => ApiError::new(Fault::NotAvailable, why),
        }
    }
}

/// RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema, JsonSchema)]
pub struct Problem {
    /// Address of the explanation, relative to this server.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    pub status: u16,
    /// Stable number, 10000 and up.
    pub code: u16,
    pub name: &'static str,
    /// What happened and what to do.
    pub detail: String,
    /// Why the desk refused, most binding first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub doc: String,
}

/// A numbered verdict of the core and what lifts it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, JsonSchema)]
pub struct Reason {
    pub code: u16,
    pub name: &'static str,
    pub lifts: &'static str,
}

impl From<Reject> for Reason {
    fn from(reject: Reject) -> Reason {
        Reason {
            code: reject.code(),
            name: reject.name(),
            lifts: reject.lifts(),
        }
    }
}

impl ApiError {
    /// The problem that the caller reads; what is private goes into the log.
    pub fn problem(self) -> Problem {
        if let Some(private) = &self.private {
            tracing::warn!(fault = self.fault.name(), "{private}");
        }
        let (status, code, name, title) = match self.platform {
            Some(fault) => (status_of(fault.kind), fault.code, fault.name, fault.title),
            None => (
                self.fault.status(),
                self.fault.code(),
                self.fault.name(),
                self.fault.title(),
            ),
        };
        let doc = format!("/docs#{code}");
        Problem {
            kind: doc.clone(),
            title,
            status: status.as_u16(),
            code,
            name,
            detail: self.detail,
            reasons: self.reasons.into_iter().map(Reason::from).collect(),
            field: self.field,
            doc,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after_s = self.retry_after_s;
        let problem = self.problem();
        let code = FaultCode(problem.code);
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(problem)).into_response();
        response.extensions_mut().insert(code);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_above_the_core_and_names_are_unique() {
        let mut names = std::collections::BTreeSet::new();
        for pair in Fault::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code());
        }
        for fault in Fault::ALL {
            assert!(fault.code() >= 10_000 && names.insert(fault.name()));
        }
    }
}
