//! Siaga's doors to the market: the shipped catalog of instruments and groups, trading calendars, the
//! simulator, recordings, and live venues. Everything decides purely; only `socket` waits.

pub mod calendar;
pub mod catalog;
pub mod decimal;
pub mod fuzzing;
mod rng;
pub mod sim;
pub mod socket;
pub mod tape;
mod time;
pub mod venue;
#[cfg(any(test, feature = "venue-sim"))]
pub mod venue_server;

#[cfg(test)]
mod recordings;
