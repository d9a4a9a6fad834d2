//! How often things happen: one in so many, by seed.

use siaga_risk::units::{HOUR_NS, MINUTE_NS, SECOND_NS};

/// Houses whose broker holds protective prices; the others hold them in the core.
pub const HELD_BY_BROKER: u64 = 3;
/// Houses that allow an account few messages within a second.
pub const TIGHT_RATE: u64 = 2;
/// Houses that latch who executes the same thing again and again.
pub const THROTTLED: u64 = 2;
/// Houses whose broker trades while our session is closed.
pub const TRADES_CLOSED: u64 = 2;

/// Steps in which somebody sends many orders of one kind at once.
pub const BURST: u64 = 80;
/// Orders of a burst, at most.
pub const BURST_ORDERS_MAX: i64 = 9;
/// Steps in which the second machine catches up and is compared.
pub const FOLLOW: u64 = 60;

/// Wishes that close an instrument's session for a while.
pub const SESSION_WISH: u64 = 40;
/// A session closes within this time, and stays closed for at most that long.
pub const SESSION_AHEAD_NS: u64 = 20 * SECOND_NS;
pub const SESSION_CLOSED_NS: u64 = MINUTE_NS;
/// Wishes that set a limit on exposure, or another value of one.
pub const LIMIT_WISH: u64 = 25;
/// Wishes that take the broker's link out of service; it is given back before long.
pub const LINK_WISH: u64 = 250;
/// Wishes that change terms, plan a window, tell of a clock or a mark price, or are a client's step after a margin call.
pub const CHANGE_WISH: u64 = 15;
/// A window begins within this time, and stays open for at most that long.
pub const WINDOW_AHEAD_NS: u64 = 20 * SECOND_NS;
pub const WINDOW_OPEN_NS: u64 = 2 * MINUTE_NS;

/// Executions after which the broker takes an earlier one back.
pub const BUST: u64 = 30;
/// It takes back no older ones.
pub const BUST_AGE_NS: u64 = HOUR_NS;
/// Executions that it may still take back: those of some minutes.
pub const BUST_RECENT: usize = 64;
/// Closes by a price that the broker holds of which it closes a part first, and which it takes back.
pub const CLOSE_PART: u64 = 3;
pub const CLOSE_BUST: u64 = 5;
/// On a new connection the broker says again what it took back and what it closed by itself within this time.
pub const REPEATED_NS: u64 = HOUR_NS / 2;
