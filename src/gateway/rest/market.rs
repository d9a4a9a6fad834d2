//! Instruments, quotes, bars, market data.

use std::sync::Arc;

use axum::extract::State;
use futures_util::StreamExt;
use serde::Deserialize;
use siaga_risk::event::{Bar, BarSpan};
use siaga_risk::view::{Query as Ask, View};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::core::{BarsRequest, Core};
use crate::gateway::directory::Directory;
use crate::gateway::dto::from_micros;
use crate::gateway::dto::market::{
    BarDto, BarSide, InstrumentDto, QuoteDto, Span, bar, instrument, quote,
};
use crate::gateway::dto::order::symbol;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::guard::sees_all;
use crate::gateway::live::States;
use crate::gateway::platform::door::By;
use crate::gateway::query::{Lists, Query};
use crate::gateway::rest::indicators::{self, IndicatorDto};
use crate::gateway::server::App;
use crate::wire;

/// Bars of one answer.
const BARS_MAX: usize = 5_000;
/// Questions under way at once.
const QUESTIONS: usize = 16;

wire! {
    pub struct InstrumentList { pub items: Vec<InstrumentDto> }
    pub struct QuoteList { pub items: Vec<QuoteDto> }
    pub struct BarList {
        pub symbol: String,
        pub span: Span,
        pub side: BarSide,
        /// Oldest first.
        pub items: Vec<BarDto>,
        /// As asked for, one value per bar.
        pub indicators: Vec<IndicatorDto>,
    }
    /// Rates, news, sentiment (P0.15).
    pub struct MarketData {
        pub rates: Vec<QuoteDto>,
        pub news: Vec<NewsDto>,
        pub sentiment: Vec<SentimentDto>,
    }
    /// A headline.
    pub struct NewsDto {
        pub at: u64,
        pub title: String,
        pub source: String,
        pub url: Option<String>,
    }
    /// The mood about a symbol, from -1 to 1.
    pub struct SentimentDto {
        pub symbol: String,
        pub score: String,
    }
}

/// Terms and prices for whoever may see an account of their own: the market is the same for all.
pub fn own_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(instruments))
        .routes(routes!(quotes))
        .routes(routes!(bars))
        .routes(routes!(market_data))
}

/// Tells the live table what the machine knew before this process listened.
pub async fn seed(core: &Arc<dyn Core>) {
    let names = core.directory();
    for entry in names.instruments() {
        let id = entry.terms.id;
        if let Ok(reply) = core.ask(Ask::Instrument(id)).await
            && let View::Instrument(view) = reply.view
        {
            let states = States {
                feed: view.feed,
                halted: view.halted,
                awaiting_resume: false,
                volatility: view.volatility,
                gap: false,
            };
            core.live().seed(id, view.mark.as_ref(), states);
        }
    }
}

/// All instruments with their terms and where they stand.
#[utoipa::path(get, path = "/api/v1/instruments", tag = "market",
    responses((status = 200, body = InstrumentList), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn instruments(State(app): State<App>, By(by): By) -> ApiResult<axum::Json<InstrumentList>> {
    let by_desk = sees_all(&by)?;
    let names = app.core.directory();
    let ids: Vec<_> = names.instruments().map(|e| e.terms.id).collect();
    let answers = futures_util::stream::iter(ids)
        .map(|id| app.core.ask(Ask::Instrument(id)))
        .buffered(QUESTIONS);
    let answers: Vec<_> = answers.collect().await;
    let mut items = Vec::new();
    for answer in answers {
        if let View::Instrument(view) = answer?.view {
            let shown = instrument(&view, app.core.live().states(view.terms.id), &names);
            items.push(InstrumentDto {
                awaiting_resume: by_desk && shown.awaiting_resume,
                ..shown
            });
        }
    }
    Ok(axum::Json(InstrumentList { items }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QuotesQuery {
    /// Comma separated; absent = all.
    pub symbols: Option<String>,
}

/// Newest prices.
#[utoipa::path(get, path = "/api/v1/quotes", tag = "market", params(QuotesQuery),
    responses((status = 200, body = QuoteList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn quotes(
    State(app): State<App>,
    Query(query): Query<QuotesQuery>,
) -> ApiResult<axum::Json<QuoteList>> {
    let names = app.core.directory();
    let symbols = query.symbols.as_deref().unwrap_or_default().split(',');
    let symbols: Vec<&str> = symbols.map(str::trim).filter(|s| !s.is_empty()).collect();
    let items = newest(&app, &symbols, &names)?;
    Ok(axum::Json(QuoteList { items }))
}

/// Newest prices of the symbols; of all where none is named.
fn newest<S: AsRef<str>>(app: &App, symbols: &[S], names: &Directory) -> ApiResult<Vec<QuoteDto>> {
    let entries = match symbols {
        [] => names.instruments().map(|e| e.as_ref()).collect(),
        list => list
            .iter()
            .map(|s| symbol(names, s.as_ref()))
            .collect::<ApiResult<Vec<_>>>()?,
    };
    let (live, now) = (app.core.live(), app.core.now());
    let marks = entries
        .into_iter()
        .filter_map(|e| live.mark(e.terms.id).map(|m| (m, e)));
    Ok(marks
        .map(|(mark, e)| quote(&mark, live.states(e.terms.id), e, names, now))
        .collect())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BarsQuery {
    pub symbol: String,
    pub span: Span,
    /// Begin of the first bar, UTC microseconds.
    pub from: Option<u64>,
    /// Bars begin before this instant, UTC microseconds.
    pub to: Option<u64>,
    /// The newest so many, at most 5,000; 500 when absent.
    pub limit: Option<usize>,
    pub side: Option<BarSide>,
    /// `sma:20,ema:12,rsi:14,macd:12:26:9,bollinger:20:2,levels:3,trend:20`, at most eight; numbers may be left out.
    pub indicators: Option<String>,
}

/// Bars, oldest first; those that have ended less than two seconds ago are not closed yet, and the last one may still grow.
#[utoipa::path(get, path = "/api/v1/bars", tag = "market", params(BarsQuery),
    responses((status = 200, body = BarList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn bars(
    State(app): State<App>,
    Query(query): Query<BarsQuery>,
) -> ApiResult<axum::Json<BarList>> {
    let names = app.core.directory();
    let entry = symbol(&names, &query.symbol)?;
    let limit = query.limit.unwrap_or(500);
    if limit == 0 || limit > BARS_MAX {
        return Err(ApiError::field("limit", format!("use 1 to {BARS_MAX}")));
    }
    let span = BarSpan::from(query.span);
    let (from, to) = (query.from.map(from_micros), query.to.map(from_micros));
    let wanted = match query.indicators.as_deref() {
        None | Some("") => Vec::new(),
        Some(text) => indicators::read(text)?,
    };
    // Indicators need bars before the first one shown.
    let warm_up = indicators::warm_up(&wanted);
    let request = BarsRequest {
        instrument: entry.terms.id,
        span,
        from: from.filter(|_| warm_up == 0),
        to,
        limit: limit + warm_up,
    };
    let found = newest_bars(&app, request).await?;
    let within = found.partition_point(|bar| from.is_some_and(|from| bar.start < from));
    let shown = found.len() - within.max(found.len().saturating_sub(limit));
    let side = query.side.unwrap_or_default();
    let digits = entry.terms.price_digits;
    let items = found[found.len() - shown..]
        .iter()
        .map(|b| bar(b, side, entry))
        .collect();
    Ok(axum::Json(BarList {
        symbol: entry.symbol.clone(),
        span: query.span,
        side,
        items,
        indicators: indicators::compute(&wanted, &found, side, digits, shown),
    }))
}

/// Closed bars and those that have ended or grow, oldest first.
async fn newest_bars(app: &App, request: BarsRequest) -> ApiResult<Vec<Bar>> {
    let (instrument, span) = (request.instrument, request.span);
    let (from, to) = (request.from, request.to);
    // Asked first: what closes in between is in the answer to the second question.
    let open = match app.core.ask(Ask::OpenBars(instrument, span)).await {
        Ok(reply) => reply.view,
        Err(_) => View::NotFound,
    };
    let open = match open {
        View::OpenBars(open) => open,
        // The machine does not answer: what it last showed is better than nothing.
        _ => {
            let shown = app.core.live().bar(instrument, span);
            shown.map(|(_, bar)| bar).into_iter().collect()
        }
    };
    let mut found = app.core.bars(request).await?;
    for bar in open {
        let wanted = from.is_none_or(|f| bar.start >= f) && to.is_none_or(|t| bar.start < t);
        if wanted && found.last().is_none_or(|last| last.start < bar.start) {
            found.push(bar);
        }
    }
    Ok(found)
}

/// The query of `market/data`, for its description; [`Lists`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // read by the generator of the description alone
pub struct MarketDataQuery {
    /// Comma separated, or once for each as `symbols[]=…`; absent = all.
    pub symbols: Option<String>,
    /// `rates`, `news`, `sentiment`, comma separated, or once for each as `type[]=…`; absent = all.
    #[param(rename = "type")]
    pub kind: Option<String>,
}

/// Rates, news and sentiment of symbols. News and sentiment are empty until their sources are connected.
#[utoipa::path(get, path = "/api/v1/market/data", tag = "market", params(MarketDataQuery),
    responses((status = 200, body = MarketData), (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn market_data(
    State(app): State<App>,
    mut lists: Lists,
) -> ApiResult<axum::Json<MarketData>> {
    let (symbols, kinds) = (lists.take("symbols"), lists.take("type"));
    lists.end()?;
    if let Some(other) = kinds
        .iter()
        .find(|k| !["rates", "news", "sentiment"].contains(&k.as_str()))
    {
        return Err(ApiError::field(
            "type",
            format!("use rates, news, sentiment instead of {other:.20}"),
        ));
    }
    let names = app.core.directory();
    let all = newest(&app, &symbols, &names)?;
    let rates = match kinds.is_empty() || kinds.iter().any(|kind| kind == "rates") {
        true => all,
        false => Vec::new(),
    };
    Ok(axum::Json(MarketData {
        rates,
        news: Vec::new(),
        sentiment: Vec::new(),
    }))
}
