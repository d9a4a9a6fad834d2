//! Settings of other platforms as ours.

/// MetaTrader 4 keeps the hedged contract size of one side, MetaTrader 5 that of the pair: it doubles (MetaTrader 5
/// Administration, Margin Calculation, Hedging). `None` when it does not fit.
pub fn hedged_size_of_mt4(size: i64) -> Option<i64> {
    size.checked_mul(2).filter(|_| size >= 0)
}
