//! Siaga's doors to the market: the shipped catalog of instruments and groups, trading calendars, the
//! simulator, recordings, and live venues. Everything decides purely; only `socket` waits.

pub mod calendar;
pub mod catalog;
pub mod decimal;
pub mod sim;
pub mod tape;

#[cfg(test)]
mod recordings;
