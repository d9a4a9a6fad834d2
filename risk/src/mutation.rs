//! Rules changed on purpose, so that tests can show that examples and scenarios notice it. Compiled only under the
//! feature `mutations`, which no program of the house turns on, and even then off until a test asks.

use std::cell::Cell;

/// One constant of a rule, flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Ties go towards zero.
    TiesDown,
    /// Margin is converted at the other side of the market.
    MarginOtherSide,
    /// Free margin must exceed what is needed: equality is not enough.
    MarginExclusive,
    /// What orders in flight add is not charged.
    FlightFree,
    /// A lot at the end of a band falls into the next.
    BandEnds,
    /// The rolling window of moves is half as long.
    WindowHalved,
    /// Equity exactly at the stop-out level does not reach it.
    StopOutExclusive,
    /// Equity exactly at the maintenance margin of a venue is liquidated.
    LiquidationInclusive,
    /// Swaps in money and points are converted at the side that is better for the client.
    SwapOtherSide,
    /// An order of the largest size is too large.
    QtyMaxExclusive,
}

thread_local! {
    static ACTIVE: Cell<Option<Mutation>> = const { Cell::new(None) };
}

/// The rule is changed on this thread.
pub fn is(mutation: Mutation) -> bool {
    ACTIVE.get() == Some(mutation)
}

/// Runs something with a rule changed.
pub fn with<T>(mutation: Mutation, run: impl FnOnce() -> T) -> T {
    ACTIVE.set(Some(mutation));
    let result = run();
    ACTIVE.set(None);
    result
}
