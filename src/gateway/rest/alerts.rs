//! Alerts: list, detail, and what people do with them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use siaga_platform::identity::is_colleague;
use siaga_platform::people::Principal;
use siaga_risk::event::{AlertCommand, AlertVerb, Body, Seq};
use siaga_risk::ids::{AccountId, ActorId, AlertId};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::check_note;
use super::orders::{StreamPosition, position};
use super::taken;
use super::turns::{Asked, Lane, Turn, unsure};
use crate::gateway::core::{self, AlertFault, AlertFilter, AlertRecord, CoreError};
use crate::gateway::dto::alert::{
    AlertDto, AlertState, EvidenceDto, Severity, TimelineDto, alert, evidence, timeline,
};
use crate::gateway::dto::from_micros;
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::json::Json;
use crate::gateway::platform::door::{By, IdempotencyKey};
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Alerts of one answer.
const ALERTS_MAX: usize = 1_000;
/// Longest note.
const NOTE_CHARS_MAX: usize = 2_000;
/// What somebody may do whose command is not seen in the alert yet.
const NOT_TOLD: &str = "it is recorded, and the alert does not tell of it yet: look again in a moment; with the same Idempotency-Key it is never done twice";

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

fn found(app: &App, id: AlertId) -> ApiResult<AlertRecord> {
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
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema, PartialEq)]
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

#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// Required for critical alerts and above, and for a comment.
    pub note: Option<String>,
    /// Until when, UTC microseconds, at most 31 days ahead (snooze).
    pub until: Option<u64>,
    /// Whom (assign): the number of somebody who works here; 0 = nobody any more.
    pub to: Option<u32>,
}

/// Does something with an alert and answers with the alert behind it. `If-Match` says which revision was seen.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/{verb}", tag = "alerts", request_body = ActRequest,
    params(("id" = String, Path), ("verb" = inline(Verb), Path), ("If-Match" = String, Header, description = "The revision that was seen"),
        ("Idempotency-Key" = Option<String>, Header, description = "Your own name of this request, 1 to 100 printable ASCII characters. Sent again under it, whatever If-Match says, the request is not done twice and gets the first answer; another one of this alert under it is refused with 409. The latest are remembered until a restart: after that If-Match refuses what was done.")),
    responses((status = 200, body = AlertDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem),
        (status = 504, body = Problem)))]
async fn act(
    State(app): State<App>,
    By(by): By,
    Id((id, verb)): Id<(String, String)>,
    key: IdempotencyKey,
    headers: HeaderMap,
    Json(request): Json<ActRequest>,
) -> ApiResult<Response> {
    let verb: Verb = serde_json::from_value(serde_json::Value::String(verb))
        .map_err(|_| ApiError::not_found("the verb"))?;
    let id = alert_id(&id, "id")?;
    let once = key.once("POST /api/v1/alerts/{id}/{verb}", &(verb, &request))?;
    let asked = once.map(|once| Asked {
        actor: by.actor,
        alert: id,
        once,
    });
    let mut turn = app.turns.take(id, asked.as_ref()).await?;
    if let Some(asked) = &asked
        && let Some((seq, answer)) = turn.first(asked)?
    {
        let first = match answer {
            Some(record) => record,
            None => outcome(&app, &mut turn, id, seq).await?,
        };
        return Ok(tagged(&app, &first));
    }
    // What is recorded counts, though whoever sent it may not have waited until the alert told of it.
    if let Some(sent) = turn.sent
        && app.core.alert_told(sent).await.is_err()
    {
        return Err(CoreError::Busy.into());
    }
    let record = found(&app, id)?;
    let revision = seen_revision(&headers)?;
    if revision != record.revision {
        return Err(stale(record.revision));
    }
    let note = note_of(verb, record.severity, &request)?;
    let (verb, argument) = verb_of(verb, &request, &app)?;
    if verb == AlertVerb::Assign {
        check_owner(&app, &by, ActorId(request.to.unwrap_or(0))).await?;
    }
    let tried = AlertCommand {
        alert: id,
        verb,
        revision,
        argument,
        note: u64::from(note.is_some()),
    };
    app.core.check_alert(&tried).map_err(not_taken)?;
    let note = match note {
        Some(text) => app.core.note(by.actor, text).await?,
        None => 0,
    };
    let wanted = AlertCommand { note, ..tried };
    // It goes on when nobody waits any more: until the alert tells of it, it is nobody else's turn.
    let sent = tokio::spawn(send(app.clone(), turn, by.actor, wanted, asked));
    let sent = timeout(app.options.alert_time, sent).await;
    let sent = sent.map_err(|_| unsure())?;
    let changed = sent.map_err(|error| ApiError::internal(error.to_string()))??;
    Ok(tagged(&app, &changed))
}

/// Sends a command; the alert behind it.
async fn send(
    app: App,
    mut turn: Turn,
    actor: ActorId,
    wanted: AlertCommand,
    asked: Option<Asked>,
) -> ApiResult<AlertRecord> {
    let sent = app
        .core
        .command_until_known(actor, Body::Alert(wanted))
        .await;
    let sent = match sent {
        Ok(answered) => Ok(taken(answered)?.seq),
        Err(error) if error.may_be_recorded() => Err(error),
        Err(error) => return Err(error.into()),
    };
    if let Some(asked) = asked {
        turn.keep(asked, sent.clone());
    }
    let seq = sent?;
    turn.sent = Some(seq);
    outcome(&app, &mut turn, wanted.alert, seq).await
}

/// What became of a command that is recorded: the alert behind it.
async fn outcome(app: &App, lane: &mut Lane, id: AlertId, seq: Seq) -> ApiResult<AlertRecord> {
    let told = match app.core.alert_told(seq).await {
        Err(CoreError::Timeout) => return Err(ApiError::new(Fault::Timeout, NOT_TOLD)),
        told => told?,
    };
    told.map_err(not_taken)?;
    let changed = found(app, id)?;
    lane.answered(seq, &changed);
    Ok(changed)
}

/// Why the alert desk does not take a command, as the caller hears it.
fn not_taken(fault: AlertFault) -> ApiError {
    match fault {
        AlertFault::Unknown => ApiError::not_found("the alert"),
        AlertFault::Stale { revision } => stale(revision),
        AlertFault::NoteMissing => note_missing(),
        AlertFault::NotActive => ApiError::new(
            Fault::AlertState,
            "it is over or has not fired yet; comments are taken",
        ),
        AlertFault::NotAcknowledged => {
            ApiError::new(Fault::AlertState, "nobody has acknowledged it")
        }
        AlertFault::BadTime => ApiError::field(
            "until",
            "say until when, later than now and at most 31 days ahead, in UTC microseconds",
        ),
    }
}

fn stale(revision: u32) -> ApiError {
    let detail = format!("it is at revision {revision} now; look again and decide again");
    ApiError::new(Fault::RevisionStale, detail)
}

fn note_missing() -> ApiError {
    ApiError {
        field: Some("note".to_owned()),
        ..ApiError::new(
            Fault::NoteMissing,
            "say in a few words what was found or done",
        )
    }
}

/// The note of a request, which some need.
fn note_of(verb: Verb, severity: core::Severity, request: &ActRequest) -> ApiResult<Option<&str>> {
    let note = request.note.as_deref().map(str::trim);
    let Some(note) = note.filter(|note| !note.is_empty()) else {
        return match severity >= core::Severity::Critical || verb == Verb::Comment {
            true => Err(note_missing()),
            false => Ok(None),
        };
    };
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(ApiError::field(
            "note",
            format!("use at most {NOTE_CHARS_MAX} characters"),
        ));
    }
    check_note(note)?;
    Ok(Some(note))
}

/// Refuses an owner who is nobody.
async fn check_owner(app: &App, by: &Principal, to: ActorId) -> ApiResult<()> {
    if to == ActorId(0) || to == by.actor || app.core.directory().has_actor(to) {
        return Ok(());
    }
    let known = match app.core.platform() {
        Some(platform) => is_colleague(&platform, by, to).await?,
        None if app.core.status().store.is_configured() => {
            return Err(ApiError::new(
                Fault::NotAvailable,
                "the database is not open: wait a moment, or look at /readyz?verbose",
            ));
        }
        None => false,
    };
    match known {
        true => Ok(()),
        false => Err(ApiError::field("to", "nobody here has that number")),
    }
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
