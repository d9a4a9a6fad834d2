//! Prices of the past.

use axum::extract::State;
use serde::Deserialize;
use siaga_risk::journal::TickRequest;
use siaga_risk::units::{SECOND_NS, Ts};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::core::PastTick;
use crate::gateway::decimal;
use crate::gateway::directory::{Directory, InstrumentEntry};
use crate::gateway::dto::order::symbol;
use crate::gateway::dto::{from_micros, micros};
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::query::Query;
use crate::gateway::server::App;
use crate::wire;

/// Prices of one answer.
const TICKS_MAX: usize = 1_000;
/// Prices of one answer when nobody says how many.
const TICKS_USUAL: usize = 500;
const HOUR_NS: u64 = 3_600 * SECOND_NS;
/// Longest time asked for at once: what a server looks through for the last page of it.
const DAY_NS: u64 = 24 * HOUR_NS;

wire! {
    pub struct TickList {
        pub symbol: String,
        /// In the order in which they were recorded.
        pub items: Vec<TickDto>,
        /// Give it as `after` for the next page; absent at the end. A page may be short, or empty, and still have a next one.
        pub next: Option<u64>,
    }
    /// A price of the past.
    pub struct TickDto {
        /// Sequence of its input.
        pub seq: u64,
        /// Our receive time.
        pub ti: u64,
        pub bid: String,
        pub ask: String,
        pub bid_qty: Option<String>,
        pub ask_qty: Option<String>,
        pub source: String,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ticks))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TicksQuery {
    pub symbol: String,
    /// Received at or after this instant, UTC microseconds, at most a day before `to`; an hour before it when absent.
    pub from: Option<u64>,
    /// Received before this instant, UTC microseconds; now when absent.
    pub to: Option<u64>,
    /// At most 1,000; 500 when absent.
    pub limit: Option<usize>,
    /// Behind this input: `next` of the page before.
    pub after: Option<u64>,
}

/// Prices of the past: on a server every accepted one, from its table; else every recorded one, accepted or not, from the journal.
#[utoipa::path(get, path = "/api/v1/ticks", tag = "market", params(TicksQuery),
    responses((status = 200, body = TickList), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn ticks(
    State(app): State<App>,
    Query(query): Query<TicksQuery>,
) -> ApiResult<axum::Json<TickList>> {
    let names = app.core.directory();
    let entry = symbol(&names, &query.symbol)?;
    let limit = query.limit.unwrap_or(TICKS_USUAL);
    if limit == 0 || limit > TICKS_MAX {
        return Err(ApiError::field("limit", format!("use 1 to {TICKS_MAX}")));
    }
    let to = query.to.map_or_else(|| app.core.now(), from_micros);
    let hour_before = Ts(to.0.saturating_sub(HOUR_NS));
    let from = query.from.map_or(hour_before, from_micros);
    if to.since(from) > DAY_NS {
        let detail = "use an instant at most a day before to, which is now when it is absent";
        return Err(ApiError::field("from", detail));
    }
    let request = TickRequest {
        instrument: entry.terms.id,
        from,
        to,
        after: query.after.unwrap_or(0),
        limit,
    };
    let found = app.core.ticks(request).await?;
    let items = found.ticks.iter().map(|t| tick(t, entry, &names)).collect();
    Ok(axum::Json(TickList {
        symbol: entry.symbol.clone(),
        items,
        next: found.next,
    }))
}

fn tick(tick: &PastTick, entry: &InstrumentEntry, names: &Directory) -> TickDto {
    let price = |steps: i64| decimal::show(steps, entry.terms.price_digits);
    let qty = |steps: i64| (steps > 0).then(|| decimal::show(steps, entry.terms.qty_digits));
    TickDto {
        seq: tick.seq,
        ti: micros(tick.ts),
        bid: price(tick.bid.0),
        ask: price(tick.ask.0),
        bid_qty: qty(tick.bid_qty.0),
        ask_qty: qty(tick.ask_qty.0),
        source: names.source_name(tick.source),
    }
}
