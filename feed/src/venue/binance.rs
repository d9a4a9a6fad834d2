//! Binance spot and USD-M futures: combined streams of best prices and aggregated trades.
//!
//! Rules of the venue: <https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams>.

use super::json::{self, Malformed, Members};
use super::state::{Best, PRICE_MAX, RawQuote, State};
use super::{CloseReason, Counts, Refusal, Session, VenueListing};
use crate::decimal;
use siaga_risk::event::{Input, QuoteKind, Side};
use siaga_risk::ids::SourceId;
use siaga_risk::units::*;
use std::fmt::Write;

/// Where combined streams of the spot market are served.
pub const URL: &str = "wss://stream.binance.com:9443/stream";

/// The venue takes 5 messages a second, pongs counted; two leave room.
const SEND_INTERVAL_NS: u64 = 500_000_000;

/// Names in one SUBSCRIBE, well below the venue's limit on a message.
const NAMES_PER_REQUEST_MAX: usize = 100;

/// Streams of one connection; the venue's limit is 1,024.
pub const LISTINGS_MAX: usize = 512;

/// Connections end at 24 h; we go ten minutes before.
const AGE_MAX_NS: u64 = 24 * HOUR_NS - 10 * MINUTE_NS;

/// Spot pings every 20 s, futures every 3 minutes; data come far more often than either.
const SILENCE_MAX_NS: u64 = 60 * SECOND_NS;

/// Streams of each instrument.
const QUOTES: &str = "bookTicker";
const TRADES: &str = "aggTrade";

/// One connection to Binance. Order of calls: see [`Session`].
pub struct Binance {
    state: State,
    request: u64,
}

/// What a frame says, still in its own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    BookTicker(BookTicker<'a>),
    Trade(Trade<'a>),
    /// The venue is about to close.
    Shutdown,
    /// The venue refused a request, by its number.
    RequestRefused(Option<u64>),
    /// Depth, candles, replies: well formed and not for us.
    Other,
}

/// Best prices. Spot sends no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookTicker<'a> {
    pub symbol: &'a [u8],
    pub update: u64,
    pub bid: &'a [u8],
    pub bid_qty: &'a [u8],
    pub ask: &'a [u8],
    pub ask_qty: &'a [u8],
    pub event_ms: Option<u64>,
}

/// A trade, or an aggregate of the trades `first..=last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade<'a> {
    pub symbol: &'a [u8],
    pub first: u64,
    pub last: u64,
    pub price: &'a [u8],
    pub qty: &'a [u8],
    pub event_ms: u64,
    pub buyer_is_maker: bool,
}

impl Binance {
    /// # Panics
    /// With more than [`LISTINGS_MAX`] listings: use a second connection.
    pub fn new(source: SourceId, listings: Vec<VenueListing>) -> Binance {
        assert!(
            listings.len() <= LISTINGS_MAX,
            "one connection carries {LISTINGS_MAX} instruments"
        );
        Binance {
            state: State::new(source, listings, SEND_INTERVAL_NS),
            request: 0,
        }
    }

    /// A subscription that the venue believes to serve already would be left as it is: the old one ends first.
    fn subscribe_anew(&mut self, stream: &str, lines: &[usize]) {
        self.request("UNSUBSCRIBE", &[stream], lines);
        self.request("SUBSCRIBE", &[stream], lines);
    }

    fn request(&mut self, method: &str, streams: &[&str], lines: &[usize]) {
        let per_request = NAMES_PER_REQUEST_MAX / streams.len();
        for batch in lines.chunks(per_request) {
            self.request += 1;
            let mut frame = format!(r#"{{"method":"{method}","params":["#);
            for (nth, index) in batch.iter().enumerate() {
                let symbol = self.state.lines[*index].listing.symbol.to_ascii_lowercase();
                for (kind, stream) in streams.iter().enumerate() {
                    let comma = if nth + kind > 0 { "," } else { "" };
                    let _ = write!(frame, r#"{comma}"{symbol}@{stream}""#);
                }
            }
            let _ = write!(frame, r#"],"id":{}}}"#, self.request);
            self.state.send(frame);
        }
    }

    /// The hot frame in the order the venue always sends it, in one pass:
    /// `{"stream":"…@bookTicker","data":{["e":"bookTicker",]"u":…,"s":"…","b":"…","B":"…","a":"…","A":"…"[,"T":…,"E":…]}}`.
    /// `None` = anything else, and nothing has been done.
    #[inline]
    fn usual_ticker(&mut self, frame: &[u8]) -> Option<Result<(), Refusal>> {
        let rest = frame.strip_prefix(br#"{"stream":""#)?;
        let at = rest.iter().take(20).position(|byte| *byte == b'@')?;
        let rest = rest[at..].strip_prefix(br#"@bookTicker","data":{"#)?;
        let rest = rest.strip_prefix(br#""e":"bookTicker","#).unwrap_or(rest);
        let (update, rest) = number(rest.strip_prefix(br#""u":"#)?)?;
        let (symbol, rest) = until_quote(rest.strip_prefix(br#","s":""#)?)?;
        let index = self.state.line(symbol)?;
        let listing = &self.state.lines[index].listing;
        let (price_digits, qty_digits) = (listing.price_digits, listing.qty_digits);
        let (bid, rest) = price(rest.strip_prefix(br#","b":""#)?, price_digits)?;
        let (bid_qty, rest) = quantity(rest.strip_prefix(br#"","B":""#)?, qty_digits)?;
        let (ask, rest) = price(rest.strip_prefix(br#"","a":""#)?, price_digits)?;
        let (ask_qty, rest) = quantity(rest.strip_prefix(br#"","A":""#)?, qty_digits)?;
        let event_ms = match rest {
            br#""}}"# => None,
            _ => {
                let (_, rest) = number(rest.strip_prefix(br#"","T":"#)?)?;
                let (event_ms, rest) = number(rest.strip_prefix(br#","E":"#)?)?;
                (rest == b"}}").then_some(Some(event_ms))?
            }
        };
        let best = Best {
            bid,
            ask,
            bid_qty,
            ask_qty,
        };
        let venue_us = event_ms.map(microseconds);
        Some(
            self.state
                .accept(index, best, Some(update), venue_us, QuoteKind::Firm),
        )
    }

    fn apply(&mut self, event: Event<'_>) -> Result<(), Refusal> {
        match event {
            Event::BookTicker(ticker) => {
                let index = self
                    .state
                    .line(ticker.symbol)
                    .ok_or(Refusal::UnknownSymbol)?;
                let raw = RawQuote {
                    bid: ticker.bid,
                    ask: ticker.ask,
                    bid_qty: ticker.bid_qty,
                    ask_qty: ticker.ask_qty,
                };
                let venue_us = ticker.event_ms.map(microseconds);
                self.state
                    .quote(index, raw, Some(ticker.update), venue_us, QuoteKind::Firm)
            }
            Event::Trade(trade) => {
                let index = self
                    .state
                    .line(trade.symbol)
                    .ok_or(Refusal::UnknownSymbol)?;
                let side = if trade.buyer_is_maker {
                    Side::Sell
                } else {
                    Side::Buy
                };
                let ids = (trade.first, trade.last);
                let venue_us = Some(microseconds(trade.event_ms));
                self.state
                    .trade(index, trade.price, trade.qty, side, ids, venue_us)
            }
            Event::Shutdown => {
                self.state.close = Some(CloseReason::Shutdown);
                self.state.counts.other += 1;
                Ok(())
            }
            Event::RequestRefused(number) => {
                self.state.refuse_request(number, None);
                Err(Refusal::Request)
            }
            Event::Other => {
                self.state.counts.other += 1;
                Ok(())
            }
        }
    }
}

impl Session for Binance {
    fn on_open(&mut self, now: Ts) {
        self.state.on_open(now);
        let all: Vec<usize> = (0..self.state.lines.len()).collect();
        self.request("SUBSCRIBE", &[QUOTES, TRADES], &all);
    }

    #[inline]
    fn on_frame(&mut self, frame: &[u8], now: Ts) {
        if !self.state.on_frame(frame, now) {
            return;
        }
        let taken = match self.usual_ticker(frame) {
            Some(taken) => taken,
            None => decode(frame).and_then(|event| self.apply(event)),
        };
        if let Err(refusal) = taken {
            self.state.counts.refuse(refusal);
        }
    }

    fn on_alive(&mut self, now: Ts) {
        self.state.on_alive(now);
    }

    fn on_oversize(&mut self, now: Ts) {
        self.state.on_oversize(now);
    }

    fn on_closed(&mut self, now: Ts) {
        self.state.on_closed(now);
    }

    fn on_unreachable(&mut self, now: Ts) {
        self.state.on_unreachable(now);
    }

    fn on_deadline(&mut self, now: Ts) {
        let mute = self.state.on_deadline(now, SILENCE_MAX_NS, AGE_MAX_NS);
        self.subscribe_anew(QUOTES, &mute.quotes);
        let first = self.request + 1;
        self.subscribe_anew(TRADES, &mute.trades);
        if !mute.trades.is_empty() {
            self.state.note_trade_requests(first..self.request + 1);
        }
    }

    #[inline]
    fn poll_input(&mut self) -> Option<Input> {
        self.state.poll_input()
    }

    fn poll_send(&mut self) -> Option<String> {
        self.state.poll_send()
    }

    fn poll_close(&mut self) -> Option<CloseReason> {
        self.state.close.take()
    }

    fn poll_deadline(&self) -> Option<Ts> {
        self.state.poll_deadline()
    }

    fn counts(&self) -> &Counts {
        &self.state.counts
    }

    fn source(&self) -> SourceId {
        self.state.source
    }
}

fn microseconds(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

#[inline(always)]
fn price(bytes: &[u8], digits: u8) -> Option<(Price, &[u8])> {
    let (value, length) = decimal::take::<false>(bytes, digits)?;
    let plain = value > 0 && value <= PRICE_MAX;
    plain.then(|| (Price(value), &bytes[length..]))
}

#[inline(always)]
fn quantity(bytes: &[u8], digits: u8) -> Option<(Qty, &[u8])> {
    let (value, length) = decimal::take::<true>(bytes, digits)?;
    Some((Qty(value), &bytes[length..]))
}

#[inline(always)]
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (value, length) = decimal::take::<false>(bytes, 0)?;
    Some((value as u64, &bytes[length..]))
}

/// The characters before the next quote, and what stands behind it.
#[inline(always)]
fn until_quote(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().take(20).position(|byte| *byte == b'"')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// Reads one frame of any shape.
///
/// # Errors
/// [`Refusal::Malformed`] or [`Refusal::MissingField`].
pub fn decode(frame: &[u8]) -> Result<Event<'_>, Refusal> {
    walk(frame).map_err(|Malformed| Refusal::Malformed)?
}

fn walk(frame: &[u8]) -> Result<Result<Event<'_>, Refusal>, Malformed> {
    // A raw stream sends the payload alone, a combined one wraps it.
    let mut fields = Fields::default();
    let (mut reply, mut refused, mut request) = (false, false, None);
    let mut outer = json::members(frame)?;
    while let Some(key) = outer.key() {
        match key? {
            b"data" if outer.here().first() == Some(&b'{') => {
                let mut payload = json::members(outer.here())?;
                fields.read(&mut payload)?;
                outer.resume(payload.rest().ok_or(Malformed)?)?;
            }
            b"error" | b"code" => {
                outer.value()?;
                refused = true;
            }
            b"result" => {
                outer.value()?;
                reply = true;
            }
            b"id" => request = outer.value()?.whole(),
            key => fields.set(key, outer.value()?),
        }
    }
    if outer
        .rest()
        .is_none_or(|rest| !rest.trim_ascii().is_empty())
    {
        return Err(Malformed);
    }
    Ok(match (refused, reply) {
        (true, _) => Ok(Event::RequestRefused(request)),
        (_, true) => Ok(Event::Other),
        _ => event(&fields).ok_or(Refusal::MissingField),
    })
}

/// Fields of all events we read; one letter means different things in different events.
#[derive(Default)]
struct Fields<'a> {
    event: Option<&'a [u8]>,
    symbol: Option<&'a [u8]>,
    event_ms: Option<u64>,
    update: Option<u64>,
    trade: Option<u64>,
    first: Option<u64>,
    last: Option<u64>,
    price: Option<&'a [u8]>,
    qty: Option<&'a [u8]>,
    buyer_is_maker: Option<bool>,
    bid: Option<&'a [u8]>,
    bid_qty: Option<&'a [u8]>,
    ask: Option<&'a [u8]>,
    ask_qty: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, payload: &mut Members<'a>) -> Result<(), Malformed> {
        while let Some(key) = payload.key() {
            let key = key?;
            self.set(key, payload.value()?);
        }
        Ok(())
    }

    #[inline(always)]
    fn set(&mut self, key: &[u8], value: json::Value<'a>) {
        let [letter] = key else { return };
        match letter {
            b'e' => self.event = value.text(),
            b's' => self.symbol = value.text(),
            b'E' => self.event_ms = value.whole(),
            b'u' => self.update = value.whole(),
            b't' => self.trade = value.whole(),
            b'f' => self.first = value.whole(),
            b'l' => self.last = value.whole(),
            b'p' => self.price = value.number(),
            b'q' => self.qty = value.number(),
            b'm' => self.buyer_is_maker = value.flag(),
            b'b' => self.bid = value.number(),
            b'B' => self.bid_qty = value.number(),
            b'a' => self.ask = value.number(),
            b'A' => self.ask_qty = value.number(),
            _ => {}
        }
    }
}

/// `None` = an event we read lacks a field.
fn event<'a>(fields: &Fields<'a>) -> Option<Event<'a>> {
    match fields.event {
        Some(b"bookTicker") => book_ticker(fields),
        // Spot's best prices carry no event name.
        None if fields.bid.is_some() && fields.ask.is_some() => book_ticker(fields),
        Some(b"trade") => trade(fields, fields.trade?, fields.trade?),
        Some(b"aggTrade") => trade(fields, fields.first?, fields.last?),
        Some(b"serverShutdown") => Some(Event::Shutdown),
        _ => Some(Event::Other),
    }
}

fn book_ticker<'a>(fields: &Fields<'a>) -> Option<Event<'a>> {
    Some(Event::BookTicker(BookTicker {
        symbol: fields.symbol?,
        update: fields.update?,
        bid: fields.bid?,
        bid_qty: fields.bid_qty?,
        ask: fields.ask?,
        ask_qty: fields.ask_qty?,
        event_ms: fields.event_ms,
    }))
}

fn trade<'a>(fields: &Fields<'a>, first: u64, last: u64) -> Option<Event<'a>> {
    Some(Event::Trade(Trade {
        symbol: fields.symbol?,
        first,
        last,
        price: fields.price?,
        qty: fields.qty?,
        event_ms: fields.event_ms?,
        buyer_is_maker: fields.buyer_is_maker?,
    }))
}

#[cfg(test)]
#[path = "binance_tests.rs"]
mod tests;
