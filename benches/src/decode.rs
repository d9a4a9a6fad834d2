//! A venue's frame to a normalised quote: our sessions, and two ways of doing it with `serde_json`.
//!
//! All of them check what they read, cut prices and quantities to the instrument's digits and find the
//! instrument by the venue's name of it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use siaga_feed::decimal::{parse_cut, parse_exact};
use siaga_feed::venue::binance::Binance;
use siaga_feed::venue::kraken::Kraken;
use siaga_feed::venue::{Session, VenueListing};
use siaga_risk::event::{Input, Quote};
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::units::Ts;

/// A frame as Binance sends it, with room for the number of the update: it must rise.
pub const BINANCE: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"61801.25000000","B":"1.25000000","a":"61801.26000000","A":"0.75000000"}}"#;
/// A frame as Kraken sends it.
pub const KRAKEN: &str = r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":61801.2,"bid_qty":0.50000000,"ask":61801.3,"ask_qty":1.25000000,"last":61801.2,"volume":2512.53761283,"vwap":61700.1,"low":61000.0,"high":62000.0,"change":1101.1,"change_pct":1.81,"timestamp":"2023-11-14T22:13:20.123456Z"}]}"#;

const SOURCE: SourceId = SourceId(9);
const PRICE_DIGITS: u8 = 2;
const QTY_DIGITS: u8 = 5;
/// Receive time of the n-th frame, a millisecond apart.
const START_NS: u64 = 1_700_000_000_000_000_000;

/// What every way must arrive at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    pub instrument: InstrumentId,
    pub bid: i64,
    pub ask: i64,
    pub bid_qty: i64,
    pub ask_qty: i64,
}

/// A session with thirty instruments, as it runs in the program.
pub struct Ours<S> {
    session: S,
    now: Ts,
}

/// Our Binance session.
pub fn binance() -> Ours<Binance> {
    let first = BINANCE.replace(r#""BTCUSDT""#, r#""BTCUSDT1""#);
    Ours::new(Binance::new(SOURCE, listings("BTCUSDT")), &first)
}

/// Our Kraken session.
pub fn kraken() -> Ours<Kraken> {
    let first = KRAKEN.replace(r#""BTC/USD""#, r#""BTC/USD1""#);
    Ours::new(Kraken::new(SOURCE, listings("BTC/USD")), &first)
}

impl<S: Session> Ours<S> {
    /// A connection that has brought its `first` record, which also says that the source is back.
    fn new(mut session: S, first: &str) -> Self {
        let now = Ts(START_NS);
        session.on_open(now);
        session.on_frame(first.as_bytes(), now);
        while session.poll_send().is_some() {}
        while session.poll_input().is_some() {}
        Self { session, now }
    }

    /// Frame in, quote out.
    pub fn quote(&mut self, frame: &[u8]) -> Option<Quote> {
        self.now = self.now.plus(1_000_000);
        self.session.on_frame(frame, self.now);
        match self.session.poll_input()? {
            Input::Quote(quote) => Some(quote),
            _ => None,
        }
    }
}

/// Frames whose update numbers rise, so that none is an old one.
pub fn binance_frames(count: u64) -> Vec<Vec<u8>> {
    let numbered = |number: u64| BINANCE.replace("400900217", &(400_900_217 + number).to_string());
    (0..count)
        .map(|number| numbered(number).into_bytes())
        .collect()
}

/// The same with `serde_json` by hand.
pub struct Rival {
    instruments: HashMap<String, InstrumentId>,
}

impl Rival {
    /// One that knows the same instruments.
    pub fn new(first: &str) -> Self {
        let listed = listings(first).into_iter();
        let instruments = listed.map(|listing| (listing.symbol, listing.instrument));
        Self {
            instruments: instruments.collect(),
        }
    }

    /// Binance through a tree of values.
    pub fn binance_value(&self, frame: &[u8]) -> Option<Prices> {
        let frame: Value = serde_json::from_slice(frame).ok()?;
        let data = &frame["data"];
        self.prices(
            data["s"].as_str()?,
            [&data["b"], &data["a"], &data["B"], &data["A"]].map(Value::as_str),
        )
    }

    /// Binance through a struct that borrows from the frame.
    pub fn binance_borrowed(&self, frame: &[u8]) -> Option<Prices> {
        #[derive(Deserialize)]
        struct Frame<'a> {
            #[serde(borrow)]
            data: Data<'a>,
        }
        #[derive(Deserialize)]
        struct Data<'a> {
            s: &'a str,
            b: &'a str,
            a: &'a str,
            #[serde(rename = "B")]
            bid_qty: &'a str,
            #[serde(rename = "A")]
            ask_qty: &'a str,
        }
        let frame: Frame<'_> = serde_json::from_slice(frame).ok()?;
        let data = frame.data;
        self.prices(
            data.s,
            [data.b, data.a, data.bid_qty, data.ask_qty].map(Some),
        )
    }

    /// Kraken through a tree of values: its numbers pass through `f64`.
    pub fn kraken_value(&self, frame: &[u8]) -> Option<Prices> {
        let frame: Value = serde_json::from_slice(frame).ok()?;
        let data = &frame["data"][0];
        let text = ["bid", "ask", "bid_qty", "ask_qty"].map(|key| data[key].to_string());
        self.prices(
            data["symbol"].as_str()?,
            text.each_ref().map(|text| Some(&**text)),
        )
    }

    /// Kraken through a struct that borrows from the frame, numbers included.
    pub fn kraken_borrowed(&self, frame: &[u8]) -> Option<Prices> {
        #[derive(Deserialize)]
        struct Frame<'a> {
            #[serde(borrow)]
            data: [Data<'a>; 1],
        }
        #[derive(Deserialize)]
        struct Data<'a> {
            symbol: &'a str,
            #[serde(borrow)]
            bid: &'a RawValue,
            #[serde(borrow)]
            ask: &'a RawValue,
            #[serde(borrow)]
            bid_qty: &'a RawValue,
            #[serde(borrow)]
            ask_qty: &'a RawValue,
        }
        let frame: Frame<'_> = serde_json::from_slice(frame).ok()?;
        let [data] = frame.data;
        let raw = [data.bid, data.ask, data.bid_qty, data.ask_qty];
        self.prices(data.symbol, raw.map(|raw| Some(raw.get())))
    }

    fn prices(&self, symbol: &str, text: [Option<&str>; 4]) -> Option<Prices> {
        let [bid, ask, bid_qty, ask_qty] = text;
        let price = |text: Option<&str>| parse_exact(text?.as_bytes(), PRICE_DIGITS).ok();
        let qty = |text: Option<&str>| parse_cut(text?.as_bytes(), QTY_DIGITS).ok();
        Some(Prices {
            instrument: *self.instruments.get(symbol)?,
            bid: price(bid)?,
            ask: price(ask)?,
            bid_qty: qty(bid_qty)?,
            ask_qty: qty(ask_qty)?,
        })
    }
}

impl From<Quote> for Prices {
    fn from(quote: Quote) -> Self {
        Self {
            instrument: quote.instrument,
            bid: quote.bid.0,
            ask: quote.ask.0,
            bid_qty: quote.bid_qty.0,
            ask_qty: quote.ask_qty.0,
        }
    }
}

/// Thirty instruments, the one of the frames in the middle.
fn listings(symbol: &str) -> Vec<VenueListing> {
    let name = |id: u32| match id {
        15 => symbol.to_owned(),
        id => format!("{symbol}{id}"),
    };
    let listing = |id| VenueListing {
        symbol: name(id),
        instrument: InstrumentId(id),
        price_digits: PRICE_DIGITS,
        qty_digits: QTY_DIGITS,
        negative_prices: false,
    };
    (1..=30).map(listing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_read_the_same_quote() {
        let expected = Prices {
            instrument: InstrumentId(15),
            bid: 6_180_125,
            ask: 6_180_126,
            bid_qty: 125_000,
            ask_qty: 75_000,
        };
        let (mut ours, rival) = (binance(), Rival::new("BTCUSDT"));
        for frame in binance_frames(3) {
            assert_eq!(ours.quote(&frame).map(Prices::from), Some(expected));
            assert_eq!(rival.binance_value(&frame), Some(expected));
            assert_eq!(rival.binance_borrowed(&frame), Some(expected));
        }
        let expected = Prices {
            bid: 6_180_120,
            ask: 6_180_130,
            bid_qty: 50_000,
            ask_qty: 125_000,
            ..expected
        };
        let (mut ours, rival) = (kraken(), Rival::new("BTC/USD"));
        let frame = KRAKEN.as_bytes();
        assert_eq!(ours.quote(frame).map(Prices::from), Some(expected));
        assert_eq!(rival.kraken_value(frame), Some(expected));
        assert_eq!(rival.kraken_borrowed(frame), Some(expected));
    }
}
