//! How much an instrument moves, how good its sources are, and what lifting its halt would do.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use siaga_risk::event::HaltCause;
use siaga_risk::ids::AccountId;
use siaga_risk::units::{Qty, Ratio};
use siaga_risk::view::{
    DetectorView, Query as Ask, SourceView, SpanVolatility, View, VolatilityView,
};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::page;
use crate::gateway::core::Core;
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::gateway::dto::account::MarginState;
use crate::gateway::dto::market::{Feed, SPANS, Volatility};
use crate::gateway::dto::order::symbol;
use crate::gateway::dto::{micros, wire_enum};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::query::Query;
use crate::gateway::server::App;
use crate::wire;

/// Digits of a percentage here: a hundredth of a basis point.
const PERCENT_DIGITS: u8 = 6;

wire_enum!(
    /// What halts.
    Cause = HaltCause { Window, Band, Dynamic, Velocity, Family, Person }
);

wire! {
    /// How much an instrument moves; percentages per window or per bar, not annualised.
    pub struct VolatilityDto {
        pub symbol: String,
        pub state: Volatility,
        pub realised_1m_pct: String,
        pub realised_5m_pct: String,
        pub realised_1h_pct: String,
        pub ewma_pct: String,
        /// Usual 5-minute volatility of this hour of the week, once five days are known.
        pub usual_5m_pct: Option<String>,
        /// Elevated above this.
        pub threshold_5m_pct: String,
        pub spans: Vec<SpanDto>,
    }
    /// Estimators over the newest closed bars of one length.
    pub struct SpanDto {
        pub span: String,
        pub bars: u32,
        /// Wilder's average true range over 14 bars, in price.
        pub atr: Option<String>,
        pub atr_pct: Option<String>,
        pub parkinson_pct: String,
        pub garman_klass_pct: String,
        pub rogers_satchell_pct: String,
        pub yang_zhang_pct: String,
    }
    /// The sources of an instrument, in their order of priority.
    pub struct SourceList { pub symbol: String, pub items: Vec<SourceDto> }
    /// A source of an instrument.
    pub struct SourceDto {
        pub source: String,
        pub active: bool,
        pub silent: bool,
        pub last_good: Option<u64>,
        pub rows: u64,
        /// Rows at fault.
        pub faults: u64,
        /// Persistent offset from the other sources.
        pub offset_pct: String,
        pub samples: u32,
        /// 0 to 100.
        pub score: u8,
    }
    /// What would happen if a halt were lifted now.
    pub struct DryRunDto {
        pub symbol: String,
        pub halted: bool,
        pub cause: Option<Cause>,
        pub manual: bool,
        pub awaiting_resume: bool,
        pub since: Option<u64>,
        /// When the quiet time is over.
        pub quiet_at: Option<u64>,
        pub feed: Feed,
        pub volatility: Volatility,
        pub detectors: Vec<DetectorDto>,
        pub holders: u32,
        /// Accounts whose state would change, and the first hundred of them.
        pub changes: u32,
        pub accounts: Vec<ChangeDto>,
    }
    /// A detector against the newest price.
    pub struct DetectorDto {
        pub cause: Cause,
        pub moved_pct: Option<String>,
        /// More prices like the newest would halt again.
        pub fires: bool,
        pub needed: u8,
    }
    /// Who holds an instrument, by account.
    pub struct HolderList {
        pub symbol: String,
        pub halted: bool,
        pub items: Vec<HolderDto>,
        /// Give it as `cursor` for the next page; absent at the end.
        pub next: Option<u32>,
    }
    /// What an account holds of it, in lots.
    pub struct HolderDto { pub account: u32, pub name: String, pub long: String, pub short: String }
    /// An account's state now and after.
    pub struct ChangeDto { pub account: u32, pub from: MarginState, pub to: MarginState }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(volatility))
        .routes(routes!(sources))
        .routes(routes!(dry_run))
        .routes(routes!(holders))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SymbolQuery {
    pub symbol: String,
}

/// How much an instrument moves.
#[utoipa::path(get, path = "/api/v1/volatility", tag = "market", params(SymbolQuery),
    responses((status = 200, body = VolatilityDto), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn volatility(
    State(app): State<App>,
    Query(query): Query<SymbolQuery>,
) -> ApiResult<axum::Json<VolatilityDto>> {
    let names = app.core.directory();
    let entry = symbol(&names, &query.symbol)?;
    let View::Volatility(view) = app.core.ask(Ask::Volatility(entry.terms.id)).await?.view else {
        return Err(missing());
    };
    let digits = entry.terms.price_digits;
    Ok(axum::Json(measures(&view, entry.symbol.clone(), digits)))
}

/// An instrument's sources and how far they agree.
#[utoipa::path(get, path = "/api/v1/sources", tag = "market", params(SymbolQuery),
    responses((status = 200, body = SourceList), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn sources(
    State(app): State<App>,
    Query(query): Query<SymbolQuery>,
) -> ApiResult<axum::Json<SourceList>> {
    let names = app.core.directory();
    let entry = symbol(&names, &query.symbol)?;
    let View::Sources(views) = app.core.ask(Ask::Sources(entry.terms.id)).await?.view else {
        return Err(missing());
    };
    Ok(axum::Json(SourceList {
        symbol: entry.symbol.clone(),
        items: views.iter().map(|view| source(view, &names)).collect(),
    }))
}

/// What lifting an instrument's halt would do now; nothing is changed.
#[utoipa::path(get, path = "/api/v1/halts/dry-run", tag = "desk", params(SymbolQuery),
    responses((status = 200, body = DryRunDto), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn dry_run(
    State(app): State<App>,
    Query(query): Query<SymbolQuery>,
) -> ApiResult<axum::Json<DryRunDto>> {
    let names = app.core.directory();
    let entry = symbol(&names, &query.symbol)?;
    let answer = app.core.ask(Ask::ResumeDryRun(entry.terms.id)).await?;
    let View::ResumeDryRun(view) = answer.view else {
        return Err(missing());
    };
    let accounts = view.accounts.iter().map(|change| ChangeDto {
        account: change.account.0,
        from: change.from.into(),
        to: change.to.into(),
    });
    Ok(axum::Json(DryRunDto {
        symbol: entry.symbol.clone(),
        halted: view.halted,
        cause: view.cause.map(Cause::from),
        manual: view.manual,
        awaiting_resume: view.awaiting_resume,
        since: view.since.map(micros),
        quiet_at: view.quiet_at.map(micros),
        feed: view.feed.into(),
        volatility: view.volatility.into(),
        detectors: view.detectors.iter().map(detector).collect(),
        holders: view.holders,
        changes: view.changes,
        accounts: accounts.collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HoldersQuery {
    pub symbol: String,
    /// `next` of the page before.
    pub cursor: Option<u32>,
    /// At most 1,000; 200 when absent.
    pub limit: Option<usize>,
}

/// Everyone who holds an instrument: whom a halt concerns.
#[utoipa::path(get, path = "/api/v1/halts/holders", tag = "desk", params(HoldersQuery),
    responses((status = 200, body = HolderList), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn holders(
    State(app): State<App>,
    Query(query): Query<HoldersQuery>,
) -> ApiResult<axum::Json<HolderList>> {
    let names = app.core.directory();
    let entry = symbol(&names, &query.symbol)?;
    let limit = page(query.limit)?;
    let ask = Ask::Holders {
        instrument: entry.terms.id,
        after: query.cursor.map(AccountId),
        count: limit as u32,
    };
    let View::Holders(found) = app.core.ask(ask).await?.view else {
        return Err(missing());
    };
    let lots = |qty: Qty| decimal::show(qty.0, entry.terms.qty_digits);
    let items = found.iter().map(|holder| HolderDto {
        account: holder.account.0,
        name: names.account(holder.account).map_or_else(
            || format!("account-{}", holder.account),
            |known| known.name.clone(),
        ),
        long: lots(holder.long),
        short: lots(holder.short),
    });
    let full = found.len() == limit;
    Ok(axum::Json(HolderList {
        symbol: entry.symbol.clone(),
        halted: app.core.live().states(entry.terms.id).halted,
        items: items.collect(),
        next: found.last().filter(|_| full).map(|last| last.account.0),
    }))
}

/// The scores of every instrument with more than one source, in the Prometheus text format.
pub async fn write_scores(core: &Arc<dyn Core>, out: &mut String) {
    let names = core.directory();
    let mut lines = String::new();
    for entry in names
        .instruments()
        .filter(|entry| entry.terms.feeds.len() > 1)
    {
        let Ok(reply) = core.ask(Ask::Sources(entry.terms.id)).await else {
            break;
        };
        let View::Sources(views) = reply.view else {
            continue;
        };
        for view in views {
            lines.push_str(&format!(
                "siaga_source_score{{instrument=\"{}\",source=\"{}\"}} {}\n",
                entry.symbol,
                names.source_name(view.source),
                view.score
            ));
        }
    }
    if !lines.is_empty() {
        out.push_str(
            "# HELP siaga_source_score How far a source agrees with the others, 0 to 100.\n",
        );
        out.push_str("# TYPE siaga_source_score gauge\n");
        out.push_str(&lines);
    }
}

fn missing() -> ApiError {
    ApiError::new(
        Fault::UnknownSymbol,
        "the machine does not know it".to_owned(),
    )
}

fn percent(ratio: Ratio) -> String {
    // A ratio has twelve digits; percent and six of them leave four to round.
    let shown = siaga_risk::units::div_round(i128::from(ratio.0), 10_000);
    let mut text = String::new();
    decimal::push(&mut text, shown, PERCENT_DIGITS);
    text
}

fn measures(view: &VolatilityView, symbol: String, price_digits: u8) -> VolatilityDto {
    VolatilityDto {
        symbol,
        state: view.state.into(),
        realised_1m_pct: percent(view.realised_1m),
        realised_5m_pct: percent(view.realised_5m),
        realised_1h_pct: percent(view.realised_1h),
        ewma_pct: percent(view.ewma),
        usual_5m_pct: view.usual.map(percent),
        threshold_5m_pct: percent(view.threshold),
        spans: view
            .spans
            .iter()
            .map(|span| bars(span, price_digits))
            .collect(),
    }
}

fn bars(view: &SpanVolatility, price_digits: u8) -> SpanDto {
    let name = SPANS.iter().find(|(_, span)| *span == view.span);
    // Half steps need one decimal more.
    let price = |halves: i64| decimal::show(halves.saturating_mul(5), price_digits + 1);
    SpanDto {
        span: name.map_or_else(String::new, |(name, _)| (*name).to_owned()),
        bars: view.bars,
        atr: view.atr_x2.map(price),
        atr_pct: view.atr_share.map(percent),
        parkinson_pct: percent(view.parkinson),
        garman_klass_pct: percent(view.garman_klass),
        rogers_satchell_pct: percent(view.rogers_satchell),
        yang_zhang_pct: percent(view.yang_zhang),
    }
}

fn source(view: &SourceView, names: &Directory) -> SourceDto {
    SourceDto {
        source: names.source_name(view.source),
        active: view.active,
        silent: view.silent,
        last_good: view.last_good.map(micros),
        rows: view.rows,
        faults: view.faults,
        offset_pct: percent(view.offset),
        samples: view.samples,
        score: view.score,
    }
}

fn detector(view: &DetectorView) -> DetectorDto {
    DetectorDto {
        cause: view.cause.into(),
        moved_pct: view.moved.map(percent),
        fires: view.fires,
        needed: view.needed,
    }
}
