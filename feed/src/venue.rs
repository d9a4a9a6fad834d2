//! Live venues: one pure session each, driven by `socket`. Frames go in, inputs come out; nothing waits here.

pub mod binance;
pub mod book;
pub mod json;
pub mod kraken;
mod state;

pub use state::{Counts, Refusal};

use crate::catalog::Catalog;
use siaga_risk::event::Input;
use siaga_risk::ids::{InstrumentId, SourceId};
use siaga_risk::units::Ts;

/// Largest frame looked at, bytes: the largest recorded one has 60 KB, and a depth snapshot stays below 300.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// An instrument as a venue lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueListing {
    /// The venue's name, e.g. `BTCUSDT` or `BTC/USD`.
    pub symbol: String,
    pub instrument: InstrumentId,
    pub price_digits: u8,
    pub qty_digits: u8,
    pub negative_prices: bool,
}

/// The instruments of a catalog that a source lists.
pub fn listings(catalog: &Catalog, source: SourceId) -> Vec<VenueListing> {
    let listed = catalog.instruments.iter().filter_map(|listing| {
        let venue = listing.venues.iter().find(|venue| venue.source == source)?;
        Some(VenueListing {
            symbol: venue.symbol.clone(),
            instrument: listing.terms.id,
            price_digits: listing.terms.price_digits,
            qty_digits: listing.terms.qty_digits,
            negative_prices: listing.terms.negative_prices,
        })
    });
    listed.collect()
}

/// Why a session wants its connection closed and opened anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The venue closes connections at this age; we go before it does.
    Age,
    /// The venue said it is about to close.
    Shutdown,
    /// Nothing came, not even a sign of life.
    Silent,
    /// Signs of life, but no data of any instrument.
    Mute,
}

/// A venue's protocol without its socket.
///
/// Order of calls: `on_unreachable` per attempt that failed, `on_open` once connected; `on_frame` per frame, `on_alive`
/// per control frame, `on_deadline` when `poll_deadline` has passed; after each of them drain `poll_input`, then
/// `poll_send`, then ask `poll_close`; `on_closed` once the connection is gone. A session outlives its connections.
pub trait Session: Send {
    /// Nobody answered, or with a refusal. The source is down, whether it was ever up or not.
    fn on_unreachable(&mut self, now: Ts);
    /// Connected. The source is back with the first record, not before.
    fn on_open(&mut self, now: Ts);
    /// A text frame. Whatever its bytes are, it is decoded or counted; it never panics.
    fn on_frame(&mut self, frame: &[u8], now: Ts);
    /// A ping or pong: the connection lives, which says nothing about data.
    fn on_alive(&mut self, now: Ts);
    /// A frame that was too large to be read at all.
    fn on_oversize(&mut self, now: Ts);
    fn on_closed(&mut self, now: Ts);
    fn on_deadline(&mut self, now: Ts);
    /// The next quote, trade or gap for the core.
    fn poll_input(&mut self) -> Option<Input>;
    /// The next text frame for the venue.
    fn poll_send(&mut self) -> Option<String>;
    /// Whether the connection should be closed and opened anew.
    fn poll_close(&mut self) -> Option<CloseReason>;
    /// When `on_deadline` wants to be called.
    fn poll_deadline(&self) -> Option<Ts>;
    fn counts(&self) -> &Counts;
    /// The source its inputs come from.
    fn source(&self) -> SourceId;
}
