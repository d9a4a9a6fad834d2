//! The audit log, events that wait for a person, and search.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use siaga_platform::people::Area;
use siaga_platform::{audit, outbox, search};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{By, Desk, IdempotencyKey, PageQuery};
use crate::gateway::dto::{from_micros, micros};
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

wire! {
    /// A row of the audit log. Values of persons are opened where their key is there.
    pub struct AuditRowDto {
        pub id: i64,
        pub time_us: u64,
        /// A user's id, `system`, or `core:N` for the core's actor N.
        pub actor: String,
        /// `create`, `update`, `delete`, `access`, or what the core did.
        pub action: String,
        pub entity: String,
        pub entity_id: String,
        pub subject: Option<Uuid>,
        pub before: serde_json::Value,
        pub after: serde_json::Value,
        pub request: Option<String>,
        /// Place in its month's chain.
        pub link: Option<i64>,
    }
    pub struct AuditPage {
        /// Newest first.
        pub items: Vec<AuditRowDto>,
        /// Give it as `cursor` for the next page; null at the end.
        pub next: Option<String>,
    }
    /// Something that is wrong with a month's chain.
    pub struct AuditFlawDto {
        /// `changed`, `unlinked`, `missing`, `head`, `start`, `stray`.
        pub kind: &'static str,
        /// At which place of the month; null where there is none.
        pub link: Option<i64>,
    }
    /// A piece of a month's chain, computed anew.
    pub struct AuditPieceDto {
        /// Rows that were looked at.
        pub rows: u64,
        /// Give it as `after` for the next piece; null at the end of the month.
        pub next: Option<i64>,
        pub flaws: Vec<AuditFlawDto>,
    }
    /// An event that could not be handed on.
    pub struct FailedEventDto {
        pub id: Uuid,
        pub kind: String,
        pub time_us: u64,
        pub aggregate: String,
        pub aggregate_id: Uuid,
        pub attempts: u32,
        /// Who could not take it, and why.
        pub reason: Option<String>,
    }
    pub struct FailedEvents {
        pub items: Vec<FailedEventDto>,
        pub next: Option<String>,
    }
    pub struct HitDto {
        /// `lead`, `user`, `kyc_case` and the like.
        pub entity: String,
        pub id: Uuid,
        /// How much of what was typed it has, percent.
        pub share: u32,
    }
    pub struct Hits {
        /// Best first.
        pub items: Vec<HitDto>,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(audit_log))
        .routes(routes!(audit_chain))
        .routes(routes!(failed_events))
        .routes(routes!(retry_event))
        .routes(routes!(find))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// What it was done to: `lead`, `user`, `kyc_case`.
    entity: Option<String>,
    /// Its key.
    entity_id: Option<String>,
    /// Who did it.
    actor: Option<String>,
    /// Whom it is about.
    subject: Option<Uuid>,
    /// Done at or after this instant, UTC microseconds.
    from: Option<u64>,
    /// Done before this instant, UTC microseconds.
    to: Option<u64>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    limit: Option<u32>,
}

/// Who did what, newest first. That somebody looked is a row too.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditPage), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn audit_log(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<AuditQuery>,
) -> ApiResult<axum::Json<AuditPage>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let filter = audit::Filter {
        entity: query.entity,
        id: query.entity_id,
        actor: query.actor,
        subject: query.subject,
        span: audit::Span {
            from: query.from.map(from_micros),
            until: query.to.map(from_micros),
        },
    };
    let page = audit::list(&platform, &by, filter, page.paging()?).await?;
    let row = |entry: audit::Entry| AuditRowDto {
        id: entry.number,
        time_us: micros(entry.at),
        actor: entry.actor,
        action: entry.action,
        entity: entry.entity,
        entity_id: entry.id,
        subject: entry.subject,
        before: entry.before,
        after: entry.after,
        request: entry.request,
        link: entry.link,
    };
    let page = page.map(row);
    Ok(axum::Json(AuditPage {
        items: page.items,
        next: page.next,
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ChainQuery {
    /// Which month, as `2026-11`.
    month: String,
    /// `next` of the piece before; from the beginning when absent.
    after: Option<u32>,
}

/// Computes a piece of a month's chain anew and compares it with the rows and where the month ends. What was written down outside of
/// the database is compared by `siaga audit verify` alone.
#[utoipa::path(get, path = "/api/v1/audit/chain", tag = "audit", params(ChainQuery),
    responses((status = 200, body = AuditPieceDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn audit_chain(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<ChainQuery>,
) -> ApiResult<axum::Json<AuditPieceDto>> {
    let after = i64::from(query.after.unwrap_or(0));
    let piece = audit::check(&platform, &by, &query.month, after).await?;
    let flaws = piece.flaws.into_iter().map(|flaw| AuditFlawDto {
        kind: flaw.kind,
        link: flaw.link,
    });
    Ok(axum::Json(AuditPieceDto {
        rows: piece.rows,
        next: piece.next,
        flaws: flaws.collect(),
    }))
}

/// Events that could not be handed on and wait for a person, newest first.
#[utoipa::path(get, path = "/api/v1/outbox/failed", tag = "audit", params(PageQuery),
    responses((status = 200, body = FailedEvents), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn failed_events(
    Desk(platform): Desk,
    By(by): By,
    Query(page): Query<PageQuery>,
) -> ApiResult<axum::Json<FailedEvents>> {
    let page = outbox::failed(&platform, &by, page.paging()?).await?;
    let page = page.map(|(event, reason)| FailedEventDto {
        id: event.id,
        kind: event.kind,
        time_us: micros(event.time),
        aggregate: event.aggregate,
        aggregate_id: event.aggregate_id,
        attempts: event.attempts,
        reason,
    });
    Ok(axum::Json(FailedEvents {
        items: page.items,
        next: page.next,
    }))
}

/// Hands a failed event on again; whoever had it already does not get it twice.
#[utoipa::path(post, path = "/api/v1/outbox/{id}/retry", tag = "audit", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn retry_event(
    Desk(platform): Desk,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<StatusCode> {
    let once = key.once("POST /api/v1/outbox/{id}/retry", &id)?;
    outbox::retry(&platform, &by, once, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FindQuery {
    /// What was typed; a name with two wrong letters is found.
    q: String,
    /// One of `crm`, `kyc`, `finance`, `trading`, `aml`, `content`, `people`, `audit`; all when absent.
    area: Option<String>,
    /// 1 to 50; 20 when absent.
    limit: Option<u32>,
}

/// Hits when nothing is said.
const HITS: u32 = 20;

/// Finds people, leads, cases and texts that the caller may see.
#[utoipa::path(get, path = "/api/v1/search", tag = "search", params(FindQuery),
    responses((status = 200, body = Hits), (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn find(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<FindQuery>,
) -> ApiResult<axum::Json<Hits>> {
    by.in_person()?;
    let area = match &query.area {
        None => None,
        Some(name) => {
            let area = Area::ALL.into_iter().find(|area| area.name() == name);
            Some(area.ok_or_else(|| ApiError::field("area", "there is no such area"))?)
        }
    };
    let limit = query.limit.unwrap_or(HITS);
    if limit == 0 || limit > search::HITS_MAX {
        return Err(ApiError::field(
            "limit",
            format!("use 1 to {}", search::HITS_MAX),
        ));
    }
    let began = app.core.now();
    let question = search::Question {
        query: query.q,
        area,
        role: None,
        limit,
    };
    let found = search::ask(&platform, &by, &question).await?;
    app.metrics.search_time.record(app.core.now().since(began));
    let items = found.into_iter().map(|hit| HitDto {
        entity: hit.entity,
        id: hit.id,
        share: hit.share,
    });
    Ok(axum::Json(Hits {
        items: items.collect(),
    }))
}
