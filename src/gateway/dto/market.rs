//! Instruments, quotes, bars.

use siaga_risk::event::{self, Bar, BarSpan, Mark, NO_VENUE_TIME, Ohlc};
use siaga_risk::terms::AssetClass;
use siaga_risk::units::{Leverage, Ts};
use siaga_risk::view::InstrumentView;

use super::{micros, wire_enum};
use crate::gateway::decimal;
use crate::gateway::directory::{Directory, InstrumentEntry};
use crate::gateway::live::States;
use crate::wire;

wire_enum!(
    /// Market data of an instrument.
    Feed = event::FeedState { Live, Delayed, Unavailable, Closed }
);
wire_enum!(Volatility = event::VolatilityState { Normal, Elevated });
wire_enum!(
    Class = AssetClass {
        Forex,
        Metal,
        Energy,
        Index,
        Crypto
    }
);

wire! {
    /// An instrument with its terms and where it stands.
    pub struct InstrumentDto {
        pub id: u32,
        /// `EUR/USD`.
        pub symbol: String,
        pub name: String,
        pub class: Class,
        pub base: String,
        pub quote: String,
        pub price_digits: u8,
        pub qty_digits: u8,
        pub contract_size: String,
        pub qty_min: String,
        pub qty_max: String,
        pub qty_step: String,
        /// Smallest price move allowed.
        pub tick: String,
        /// The instrument's own cap, x : 1.
        pub leverage_max: Option<String>,
        pub feed: Feed,
        pub halted: bool,
        /// The halt waits for a named person; told to the desk alone.
        pub awaiting_resume: bool,
        pub volatility: Volatility,
        pub session_until: Option<u64>,
        /// Usual time between quotes.
        pub usual_gap_ms: Option<u64>,
        pub bid: Option<String>,
        pub ask: Option<String>,
        /// Venue time.
        pub te: Option<u64>,
        /// Our receive time.
        pub ti: Option<u64>,
        pub day_change_pct: Option<String>,
    }

    /// The newest price of a symbol, by REST.
    pub struct QuoteDto {
        pub symbol: String,
        pub bid: String,
        pub ask: String,
        pub bid_qty: Option<String>,
        pub ask_qty: Option<String>,
        /// In price steps.
        pub spread_points: String,
        pub te: Option<u64>,
        pub ti: u64,
        pub age_ms: u64,
        pub source: String,
        pub feed: Feed,
        /// Show "Delayed data" beside the price.
        pub delayed: bool,
        pub day_change_pct: String,
        /// Position in the symbol's stream.
        pub n: u64,
    }

    /// The newest price on the stream; its times are on the frame.
    pub struct QuoteData {
        pub bid: String,
        pub ask: String,
        pub bid_qty: Option<String>,
        pub ask_qty: Option<String>,
        pub spread_points: String,
        pub source: String,
        pub feed: Feed,
        pub day_change_pct: String,
    }

    /// A bar of one side.
    pub struct BarDto {
        /// Begin of the bar.
        pub t: u64,
        pub o: String,
        pub h: String,
        pub l: String,
        pub c: String,
        pub ticks: u32,
        /// Traded quantity when the venue says it.
        pub volume: Option<String>,
        pub closed: bool,
    }
}

/// Length of a bar.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    schemars::JsonSchema,
)]
pub enum Span {
    #[serde(rename = "1s")]
    S1,
    #[serde(rename = "1m")]
    M1,
    #[serde(rename = "5m")]
    M5,
    #[serde(rename = "15m")]
    M15,
    #[serde(rename = "1h")]
    H1,
    #[serde(rename = "1d")]
    D1,
}

/// Every span and its text.
pub const SPANS: [(&str, BarSpan); 6] = [
    ("1s", BarSpan::S1),
    ("1m", BarSpan::M1),
    ("5m", BarSpan::M5),
    ("15m", BarSpan::M15),
    ("1h", BarSpan::H1),
    ("1d", BarSpan::D1),
];

impl From<Span> for BarSpan {
    fn from(span: Span) -> BarSpan {
        match span {
            Span::S1 => BarSpan::S1,
            Span::M1 => BarSpan::M1,
            Span::M5 => BarSpan::M5,
            Span::M15 => BarSpan::M15,
            Span::H1 => BarSpan::H1,
            Span::D1 => BarSpan::D1,
        }
    }
}

/// Which price a bar is made of.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BarSide {
    #[default]
    Bid,
    Ask,
    Mid,
}

/// The venue's time of a mark, when it gave one.
pub fn venue_time(mark: &Mark) -> Option<u64> {
    if mark.venue_lag_us == NO_VENUE_TIME {
        return None;
    }
    let us = i128::from(micros(mark.ts)) - i128::from(mark.venue_lag_us);
    u64::try_from(us).ok()
}

pub fn quote_data(
    mark: &Mark,
    states: States,
    entry: &InstrumentEntry,
    names: &Directory,
) -> QuoteData {
    let price = |p: event::Mark| {
        let digits = entry.terms.price_digits;
        (
            decimal::show(p.bid.0, digits),
            decimal::show(p.ask.0, digits),
        )
    };
    let qty = |q: i64| (q > 0).then(|| decimal::show(q, entry.terms.qty_digits));
    let (bid, ask) = price(*mark);
    QuoteData {
        bid,
        ask,
        bid_qty: qty(mark.bid_qty.0),
        ask_qty: qty(mark.ask_qty.0),
        spread_points: (mark.ask.0.saturating_sub(mark.bid.0)).to_string(),
        source: names.source_name(mark.source),
        feed: states.feed.into(),
        day_change_pct: decimal::change_pct(mark.day_change),
    }
}

pub fn quote(
    mark: &Mark,
    states: States,
    entry: &InstrumentEntry,
    names: &Directory,
    now: Ts,
) -> QuoteDto {
    let data = quote_data(mark, states, entry, names);
    QuoteDto {
        symbol: entry.symbol.clone(),
        bid: data.bid,
        ask: data.ask,
        bid_qty: data.bid_qty,
        ask_qty: data.ask_qty,
        spread_points: data.spread_points,
        te: venue_time(mark),
        ti: micros(mark.ts),
        age_ms: now.since(mark.ts) / 1_000_000,
        source: data.source,
        feed: data.feed,
        delayed: data.feed != Feed::Live,
        day_change_pct: data.day_change_pct,
        n: mark.count,
    }
}

pub fn instrument(view: &InstrumentView, states: States, names: &Directory) -> InstrumentDto {
    let terms = &view.terms;
    let entry = names.instrument(terms.id);
    let qty = |q: i64| decimal::show(q, terms.qty_digits);
    let price = |p: i64| decimal::show(p, terms.price_digits);
    let mark = view.mark.as_ref();
    InstrumentDto {
        id: terms.id.0,
        symbol: entry.map_or_else(|| terms.id.to_string(), |e| e.symbol.clone()),
        name: entry.map_or_else(String::new, |e| e.name.clone()),
        class: terms.class.into(),
        base: names.currency_code(terms.base),
        quote: names.currency_code(terms.quote),
        price_digits: terms.price_digits,
        qty_digits: terms.qty_digits,
        contract_size: decimal::show(terms.contract_size, terms.contract_digits),
        qty_min: qty(terms.qty_min.0),
        qty_max: qty(terms.qty_max.0),
        qty_step: qty(terms.qty_step.0),
        tick: price(terms.tick.0),
        leverage_max: (terms.leverage_max > Leverage::NONE).then(|| terms.leverage_max.to_string()),
        feed: view.feed.into(),
        halted: view.halted,
        awaiting_resume: view.halted && states.awaiting_resume,
        volatility: view.volatility.into(),
        session_until: view.session_until.map(micros),
        usual_gap_ms: (view.usual_gap_ns > 0).then_some(view.usual_gap_ns / 1_000_000),
        bid: mark.map(|m| price(m.bid.0)),
        ask: mark.map(|m| price(m.ask.0)),
        te: mark.and_then(venue_time),
        ti: mark.map(|m| micros(m.ts)),
        day_change_pct: mark.map(|m| decimal::change_pct(m.day_change)),
    }
}

pub fn bar(bar: &Bar, side: BarSide, entry: &InstrumentEntry) -> BarDto {
    let digits = entry.terms.price_digits;
    let show = |ohlc: &Ohlc| match side {
        BarSide::Mid => mid_texts(ohlc, digits),
        _ => [ohlc.open, ohlc.high, ohlc.low, ohlc.close].map(|v| decimal::show(v, digits)),
    };
    let [o, h, l, c] = match side {
        BarSide::Bid => show(&bar.bid),
        BarSide::Ask => show(&bar.ask),
        BarSide::Mid => show(&bar.mid),
    };
    BarDto {
        t: micros(bar.start),
        o,
        h,
        l,
        c,
        ticks: bar.ticks,
        volume: (bar.volume.0 > 0).then(|| decimal::show(bar.volume.0, entry.terms.qty_digits)),
        closed: bar.closed,
    }
}

/// Mids are kept doubled: half a step needs one decimal more, so nothing is rounded.
fn mid_texts(ohlc: &Ohlc, digits: u8) -> [String; 4] {
    [ohlc.open, ohlc.high, ohlc.low, ohlc.close].map(|doubled| {
        let mut text = String::with_capacity(24);
        decimal::push(&mut text, i128::from(doubled) * 5, digits + 1);
        text
    })
}
