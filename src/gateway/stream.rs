//! The stream `/ws/v1`: prices, bars, margin, alerts, orders and the desk's state, by the rules of the protocol page.
//!
//! `message` is the wire, `topic` what can be subscribed, `hub` the one place that serialises for everybody, `mailbox` where a connection
//! hears of news, `session` the pure protocol of one connection, `socket` the only part that touches a network.

pub mod hub;
pub mod ladder;
pub mod mailbox;
pub mod message;
pub mod poll;
pub mod session;
pub mod socket;
pub mod topic;

/// The JSON sub-protocol.
pub const SUB_PROTOCOL: &str = "siaga.json.v1";
/// Streams of one connection; every instrument with a candle beside it fits.
pub const SUBS_MAX: usize = 512;
/// Largest frame a client may send: a `sub` of a thousand symbols fits.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Connections of clients at once, of all there may be: the rest is left to the people of the house.
pub const CLIENTS_MAX: usize = super::server::CONNECTIONS_MAX - 512;
/// Requests per second, and how many may come at once.
pub const REQUESTS_PER_SECOND: u32 = 50;
pub const REQUESTS_BURST: u32 = 200;
