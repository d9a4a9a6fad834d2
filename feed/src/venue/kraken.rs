//! Kraken spot, protocol v2: ticker on every change of the best prices, and trades.
//!
//! Rules of the venue: <https://docs.kraken.com/api/docs/guides/spot-ws-intro>.

use super::json::{self, Malformed, Members};
use super::state::{RawQuote, State};
use super::{CloseReason, Counts, Refusal, Session, VenueListing};
use siaga_risk::event::{Input, QuoteKind, Side};
use siaga_risk::ids::SourceId;
use siaga_risk::units::*;
use std::fmt::Write;

/// Where the public channels are served.
pub const URL: &str = "wss://ws.kraken.com/v2";

/// Requests per second are limited per address; two a second stay below every tier.
const SEND_INTERVAL_NS: u64 = 500_000_000;

/// Symbols in one subscribe request.
const SYMBOLS_PER_REQUEST_MAX: usize = 50;

/// The venue sends a heartbeat every second when it has nothing else to say.
const SILENCE_MAX_NS: u64 = 5 * SECOND_NS;

/// The venue sets no age; a day bounds what a forgotten connection costs.
const AGE_MAX_NS: u64 = 24 * HOUR_NS;

/// How the venue says that it has no such pair; the pair's name follows. Every other refusal is of the request alone.
const UNKNOWN_PAIR: &[u8] = b"Currency pair not supported";

/// One connection to Kraken. Order of calls: see [`Session`].
pub struct Kraken {
    state: State,
    request: u64,
}

/// A channel we read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Ticker,
    Trade,
}

impl Channel {
    const ALL: [Channel; 2] = [Channel::Ticker, Channel::Trade];

    fn named(name: Option<&[u8]>) -> Option<Channel> {
        match name {
            Some(b"ticker") => Some(Channel::Ticker),
            Some(b"trade") => Some(Channel::Trade),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Channel::Ticker => "ticker",
            Channel::Trade => "trade",
        }
    }

    /// What else is asked of it.
    fn options(self) -> &'static str {
        match self {
            Channel::Ticker => r#","event_trigger":"bbo","snapshot":true"#,
            Channel::Trade => r#","snapshot":false"#,
        }
    }

    /// Which of its subscriptions ends: a ticker has one for each trigger.
    fn ending(self) -> &'static str {
        match self {
            Channel::Ticker => r#","event_trigger":"bbo""#,
            Channel::Trade => "",
        }
    }
}

impl Kraken {
    pub fn new(source: SourceId, listings: Vec<VenueListing>) -> Kraken {
        Kraken {
            state: State::new(source, listings, SEND_INTERVAL_NS),
            request: 0,
        }
    }

    fn subscribe(&mut self, channel: Channel, lines: &[usize]) {
        self.request("subscribe", channel, channel.options(), lines);
    }

    /// The venue refuses a subscription that it has already: the old one ends first.
    fn subscribe_anew(&mut self, channel: Channel, lines: &[usize]) {
        self.request("unsubscribe", channel, channel.ending(), lines);
        self.subscribe(channel, lines);
    }

    fn request(&mut self, method: &str, channel: Channel, options: &str, lines: &[usize]) {
        for batch in lines.chunks(SYMBOLS_PER_REQUEST_MAX) {
            self.request += 1;
            let mut frame = format!(
                r#"{{"method":"{method}","params":{{"channel":"{}","symbol":["#,
                channel.name()
            );
            for (nth, index) in batch.iter().enumerate() {
                let comma = if nth > 0 { "," } else { "" };
                let symbol = &self.state.lines[*index].listing.symbol;
                let _ = write!(frame, r#"{comma}"{symbol}""#);
            }
            let _ = write!(frame, r#"]{options}}},"req_id":{}}}"#, self.request);
            self.state.send(frame);
        }
    }

    fn frame(&mut self, frame: &[u8]) -> Result<(), Refusal> {
        self.walk(frame).map_err(|Malformed| Refusal::Malformed)?
    }

    fn walk(&mut self, frame: &[u8]) -> Result<Result<(), Refusal>, Malformed> {
        let (mut channel, mut snapshot, mut success, mut symbol) = (None, false, true, None);
        let (mut error, mut request) = (None, None);
        // Records that came before their channel's name.
        let mut waiting = None;
        let mut read = false;
        let mut outer = json::members(frame)?;
        while let Some(key) = outer.key() {
            match key? {
                b"channel" => channel = outer.value()?.text(),
                b"type" => snapshot = outer.value()?.text() == Some(b"snapshot"),
                b"data" if outer.here().first() == Some(&b'[') => match Channel::named(channel) {
                    Some(channel) => {
                        outer.resume(self.records(channel, snapshot, outer.here())?)?;
                        read = true;
                    }
                    None => {
                        waiting = Some(outer.here());
                        outer.value()?;
                    }
                },
                b"success" => success = outer.value()?.flag().unwrap_or(true),
                b"symbol" => symbol = outer.value()?.text(),
                b"error" => error = outer.value()?.text(),
                b"req_id" => request = outer.value()?.whole(),
                _ => {
                    outer.value()?;
                }
            }
        }
        match Channel::named(channel) {
            Some(_) if read => Ok(Ok(())),
            Some(channel) => match waiting {
                Some(data) => self.records(channel, snapshot, data).map(|_| Ok(())),
                None => Ok(Err(Refusal::MissingField)),
            },
            None if !success => {
                let line = symbol.and_then(|symbol| self.state.line(symbol));
                self.state.refuse_request(request, line);
                // Asking again for a pair that the venue does not have would not help.
                if let Some(index) = line
                    && error.is_some_and(|error: &[u8]| error.starts_with(UNKNOWN_PAIR))
                {
                    self.state.lines[index].unknown = true;
                }
                Ok(Err(Refusal::Request))
            }
            None => {
                self.state.counts.other += 1;
                Ok(Ok(()))
            }
        }
    }

    /// Each record stands or falls alone. Returns what stands behind the array.
    fn records<'a>(
        &mut self,
        channel: Channel,
        snapshot: bool,
        data: &'a [u8],
    ) -> Result<&'a [u8], Malformed> {
        // Broken records are counted behind the array: when its end cannot be found, the frame counts as one.
        let mut broken = 0u32;
        let rest = json::each_object(data, |record| {
            let taken = match (record, channel) {
                (Some(record), Channel::Ticker) => self.ticker(record, snapshot),
                (Some(record), Channel::Trade) => self.trade(record),
                (None, _) => Err(Refusal::MissingField),
            };
            match taken {
                Ok(()) => {}
                Err(Refusal::Malformed) => broken += 1,
                Err(refusal) => self.state.counts.refuse(refusal),
            }
        });
        for _ in 0..broken.saturating_sub(u32::from(rest.is_err())) {
            self.state.counts.refuse(Refusal::Malformed);
        }
        rest
    }

    fn ticker(&mut self, record: &mut Members<'_>, snapshot: bool) -> Result<(), Refusal> {
        let (mut symbol, mut bid, mut ask, mut bid_qty, mut ask_qty, mut time) =
            (None, None, None, None, None, None);
        for member in record {
            let (key, value) = member.map_err(|_| Refusal::Malformed)?;
            match key {
                b"symbol" => symbol = value.text(),
                b"bid" => bid = value.number(),
                b"ask" => ask = value.number(),
                b"bid_qty" => bid_qty = value.number(),
                b"ask_qty" => ask_qty = value.number(),
                b"timestamp" => time = value.text(),
                _ => {}
            }
        }
        let index = self
            .state
            .line(symbol.ok_or(Refusal::MissingField)?)
            .ok_or(Refusal::UnknownSymbol)?;
        let raw = RawQuote {
            bid: bid.ok_or(Refusal::MissingField)?,
            ask: ask.ok_or(Refusal::MissingField)?,
            bid_qty: bid_qty.ok_or(Refusal::MissingField)?,
            ask_qty: ask_qty.ok_or(Refusal::MissingField)?,
        };
        let kind = if snapshot {
            QuoteKind::Snapshot
        } else {
            QuoteKind::Firm
        };
        self.state
            .quote(index, raw, None, time.and_then(venue_us), kind)
    }

    fn trade(&mut self, record: &mut Members<'_>) -> Result<(), Refusal> {
        let (mut symbol, mut side, mut price, mut qty, mut id, mut time) =
            (None, None, None, None, None, None);
        for member in record {
            let (key, value) = member.map_err(|_| Refusal::Malformed)?;
            match key {
                b"symbol" => symbol = value.text(),
                b"side" => side = value.text(),
                b"price" => price = value.number(),
                b"qty" => qty = value.number(),
                b"trade_id" => id = value.whole(),
                b"timestamp" => time = value.text(),
                _ => {}
            }
        }
        let index = self
            .state
            .line(symbol.ok_or(Refusal::MissingField)?)
            .ok_or(Refusal::UnknownSymbol)?;
        let side = match side {
            Some(b"buy") => Side::Buy,
            Some(b"sell") => Side::Sell,
            _ => return Err(Refusal::MissingField),
        };
        let id = id.ok_or(Refusal::MissingField)?;
        let price = price.ok_or(Refusal::MissingField)?;
        let qty = qty.ok_or(Refusal::MissingField)?;
        self.state
            .trade(index, price, qty, side, (id, id), time.and_then(venue_us))
    }
}

/// `2023-10-06T17:35:55.440295Z` in microseconds since 1970.
fn venue_us(time: &[u8]) -> Option<i64> {
    crate::time::iso_ns(time).map(|(ns, _)| ns / 1_000)
}

impl Session for Kraken {
    fn on_open(&mut self, now: Ts) {
        self.state.on_open(now);
        // A venue that has none of our pairs is at fault itself: the next connection asks for all of them.
        if self.state.lines.iter().all(|line| line.unknown) {
            for line in &mut self.state.lines {
                line.unknown = false;
            }
        }
        let known = |index: &usize| !self.state.lines[*index].unknown;
        let all: Vec<usize> = (0..self.state.lines.len()).filter(known).collect();
        for channel in Channel::ALL {
            self.subscribe(channel, &all);
        }
    }

    fn on_frame(&mut self, frame: &[u8], now: Ts) {
        if !self.state.on_frame(frame, now) {
            return;
        }
        if let Err(refusal) = self.frame(frame) {
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
        self.subscribe_anew(Channel::Ticker, &mute.quotes);
        let first = self.request + 1;
        self.subscribe_anew(Channel::Trade, &mute.trades);
        if !mute.trades.is_empty() {
            self.state.note_trade_requests(first..self.request + 1);
        }
    }

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

#[cfg(test)]
#[path = "kraken_tests.rs"]
mod tests;
