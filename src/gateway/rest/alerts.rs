//! Alerts: list, detail, and what people do with them.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use siaga_risk::event::{AlertCommand, AlertVerb, Body};
use siaga_risk::ids::{AccountId, AlertId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::command;
use super::desk::check_note;
use super::orders::{StreamPosition, position};
use crate::gateway::core::{self, AlertFilter, AlertRecord};
use crate::gateway::dto::alert::{
    AlertDto, AlertState, EvidenceDto, Severity, TimelineDto, alert, evidence, timeline,
};
use crate::gateway::dto::from_micros;
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::Caller;
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Alerts of one answer.
const ALERTS_MAX: usize = 1_000;
/// Longest note.
const NOTE_CHARS_MAX: usize = 2_000;

wire! {
    pub struct AlertList {
        /// Newest first.
        pub items: Vec<AlertDto>,
        /// Give it as `cursor` for the next page; absent at the end.
        pub next: Option<String>,
        /// Where the `alert` channel stood before the list was read: subscribe `from` here and nothing is missed.
        pub stream: StreamPosition,
    }
    pub struct Timeline { pub items: Vec<TimelineDto> }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(timeline_of))
        .routes(routes!(evidence_of))
        .routes(routes!(act))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertsQuery {
    /// Comma separated states; absent = all.
    pub state: Option<String>,
    /// Comma separated severities; absent = all.
    pub severity: Option<String>,
    pub account: Option<u32>,
    /// Changed at or after this instant, UTC microseconds.
    pub since: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most 1,000; 200 when absent.
    pub limit: Option<usize>,
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertsQuery),
    responses((status = 200, body = AlertList), (status = 304, description = "Nothing changed since the ETag of If-None-Match"),
        (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn list(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<AlertsQuery>,
) -> ApiResult<Response> {
    let limit = query.limit.unwrap_or(200);
    if limit == 0 || limit > ALERTS_MAX {
        return Err(ApiError::field("limit", format!("use 1 to {ALERTS_MAX}")));
    }
    let filter = AlertFilter {
        states: words::<AlertState>(query.state.as_deref(), "state")?
            .into_iter()
            .map(core::AlertState::from)
            .collect(),
        severities: words::<Severity>(query.severity.as_deref(), "severity")?
            .into_iter()
            .map(core::Severity::from)
            .collect(),
        account: query.account.map(AccountId),
        since: query.since.map(from_micros),
        before: query.cursor.map(|c| alert_id(&c, "cursor")).transpose()?,
        limit,
    };
    let stream = position(&app);
    let mut found = app.core.alerts(&filter);
    if found.len() < limit {
        let past = app.core.past_alerts(filter).await?;
        found = merged(found, past, limit);
    }
    let tag = etag(&found);
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|v| v.as_bytes() == tag.as_bytes());
    let tag = HeaderValue::from_str(&tag).map_err(|error| ApiError::internal(error.to_string()))?;
    if known {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let names = app.core.directory();
    let next = (found.len() == limit)
        .then(|| found.last().map(|a| a.id.to_string()))
        .flatten();
    let items = found.iter().map(|a| alert(a, &names)).collect();
    Ok((
        [(header::ETAG, tag)],
        axum::Json(AlertList {
            items,
            next,
            stream,
        }),
    )
        .into_response())
}

/// Alerts of memory and of the store as one list, newest first. Memory is the newer where both have one.
fn merged(held: Vec<AlertRecord>, past: Vec<AlertRecord>, limit: usize) -> Vec<AlertRecord> {
    let mut all: BTreeMap<AlertId, AlertRecord> =
        past.into_iter().map(|alert| (alert.id, alert)).collect();
    all.extend(held.into_iter().map(|alert| (alert.id, alert)));
    all.into_values().rev().take(limit).collect()
}

/// Reads comma separated words of an enum.
fn words<T: serde::de::DeserializeOwned>(
    text: Option<&str>,
    field: &'static str,
) -> ApiResult<Vec<T>> {
    let parts = text
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|w| !w.is_empty());
    parts
        .map(|word| {
            let value = serde_json::Value::String(word.to_owned());
            serde_json::from_value(value).map_err(|_| {
                ApiError::field(field, format!("{word:.20} is none of the documented words"))
            })
        })
        .collect()
}

fn etag(found: &[AlertRecord]) -> String {
    let mut digest = Sha256::new();
    for alert in found {
        digest.update(alert.id.0.to_le_bytes());
        digest.update(alert.revision.to_le_bytes());
        digest.update(alert.last.0.to_le_bytes());
    }
    let hash = digest.finalize();
    let short: u64 = hash
        .iter()
        .take(8)
        .fold(0, |n, byte| n << 8 | u64::from(*byte));
    format!("\"{short:016x}\"")
}

fn alert_id(text: &str, field: &'static str) -> ApiResult<AlertId> {
    let id = text
        .parse()
        .map_err(|_| ApiError::field(field, "alert ids are whole numbers"))?;
    Ok(AlertId(id))
}

fn found(app: &App, id: &str) -> ApiResult<AlertRecord> {
    let id = alert_id(id, "id")?;
    app.core
        .alert(id)
        .ok_or_else(|| ApiError::not_found("the alert"))
}

/// An alert; its ETag is the revision.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = AlertDto), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
async fn one(State(app): State<App>, Id(id): Id<String>) -> ApiResult<Response> {
    let id = alert_id(&id, "id")?;
    let record = match app.core.alert(id) {
        Some(record) => record,
        None => {
            let past = app.core.past_alert(id).await?;
            past.ok_or_else(|| ApiError::not_found("the alert"))?
        }
    };
    Ok(tagged(&app, &record))
}

fn tagged(app: &App, record: &AlertRecord) -> Response {
    let tag = format!("\"{}\"", record.revision);
    (
        [(header::ETAG, tag)],
        axum::Json(alert(record, &app.core.directory())),
    )
        .into_response()
}

/// What happened to an alert, oldest first.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/timeline", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = Timeline), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
async fn timeline_of(
    State(app): State<App>,
    Id(id): Id<String>,
) -> ApiResult<axum::Json<Timeline>> {
    let entries = app.core.timeline(alert_id(&id, "id")?).await?;
    let entries = entries.ok_or_else(|| ApiError::not_found("the alert"))?;
    let names = app.core.directory();
    Ok(axum::Json(Timeline {
        items: entries.iter().map(|e| timeline(e, &names)).collect(),
    }))
}

/// What an alert stands on: inputs, formula, the chart 30 s either side.
#[utoipa::path(get, path = "/api/v1/alerts/{id}/evidence", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = EvidenceDto), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
async fn evidence_of(
    State(app): State<App>,
    Id(id): Id<String>,
) -> ApiResult<axum::Json<EvidenceDto>> {
    let record = app.core.evidence(alert_id(&id, "id")?).await?;
    let record = record.ok_or_else(|| ApiError::not_found("the alert"))?;
    Ok(axum::Json(evidence(&record, &app.core.directory())))
}

/// What may be done with an alert.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Ack,
    Resolve,
    Comment,
    Snooze,
    Assign,
    Escalate,
    Unack,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// Required for critical alerts and above, and for a comment.
    pub note: Option<String>,
    /// Until when, UTC microseconds (snooze).
    pub until: Option<u64>,
    /// Whom (assign): the number of a person.
    pub to: Option<u32>,
}

/// Does something with an alert. `If-Match` says which revision was seen.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/{verb}", tag = "alerts", request_body = ActRequest,
    params(("id" = String, Path), ("verb" = inline(Verb), Path), ("If-Match" = String, Header, description = "The revision that was seen")),
    responses((status = 200, body = AlertDto), (status = 401, body = Problem), (status = 404, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem)))]
async fn act(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Id((id, verb)): Id<(String, String)>,
    headers: HeaderMap,
    Json(request): Json<ActRequest>,
) -> ApiResult<Response> {
    let verb: Verb = serde_json::from_value(serde_json::Value::String(verb))
        .map_err(|_| ApiError::not_found("the verb"))?;
    let record = found(&app, &id)?;
    let revision = seen_revision(&headers)?;
    if revision != record.revision {
        let detail = format!(
            "it is at revision {} now; look again and decide again",
            record.revision
        );
        return Err(ApiError::new(Fault::RevisionStale, detail));
    }
    let note = request
        .note
        .as_deref()
        .map(str::trim)
        .filter(|n| !n.is_empty());
    if note.is_none() && (record.severity >= core::Severity::Critical || verb == Verb::Comment) {
        let error = ApiError::new(
            Fault::NoteMissing,
            "say in a few words what was found or done",
        );
        return Err(ApiError {
            field: Some("note".to_owned()),
            ..error
        });
    }
    if note.is_some_and(|n| n.chars().count() > NOTE_CHARS_MAX) {
        return Err(ApiError::field(
            "note",
            format!("use at most {NOTE_CHARS_MAX} characters"),
        ));
    }
    note.map_or(Ok(()), check_note)?;
    let (verb, argument) = verb_of(verb, &request, &app)?;
    let note = match note {
        Some(text) => app.core.note(actor, text).await?,
        None => 0,
    };
    let wanted = AlertCommand {
        alert: record.id,
        verb,
        revision,
        argument,
        note,
    };
    command(&app, actor, Body::Alert(wanted)).await?;
    let changed = app.core.alert(record.id).unwrap_or(record);
    Ok(tagged(&app, &changed))
}

fn verb_of(verb: Verb, request: &ActRequest, app: &App) -> ApiResult<(AlertVerb, u64)> {
    Ok(match verb {
        Verb::Ack => (AlertVerb::Acknowledge, 0),
        Verb::Resolve => (AlertVerb::Resolve, 0),
        Verb::Comment => (AlertVerb::Comment, 0),
        Verb::Escalate => (AlertVerb::Escalate, 0),
        Verb::Unack => (AlertVerb::Unacknowledge, 0),
        Verb::Snooze => {
            let until = request
                .until
                .map(from_micros)
                .filter(|until| *until > app.core.now());
            let until = until.ok_or_else(|| {
                ApiError::field(
                    "until",
                    "say until when, later than now, in UTC microseconds",
                )
            })?;
            (AlertVerb::Snooze, until.0)
        }
        Verb::Assign => {
            let to = request
                .to
                .ok_or_else(|| ApiError::field("to", "say whom, by number"))?;
            (AlertVerb::Assign, u64::from(to))
        }
    })
}

fn seen_revision(headers: &HeaderMap) -> ApiResult<u32> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(ApiError::new(
            Fault::RevisionMissing,
            "send If-Match with the revision of the alert",
        ));
    };
    let text = value.to_str().unwrap_or_default().trim().trim_matches('"');
    text.parse()
        .map_err(|_| ApiError::field("If-Match", "send the revision's number"))
}
