//! One pool of collateral behind many positions.
//! Source: QuantConnect LEAN, `CryptoFutureMarginModel` (shared collateral).

/// What is left of a pool for one position: the pool less the maintenance of all others, never below zero.
pub fn buying_power(pool: i128, others: i128) -> i128 {
    pool.saturating_sub(others).max(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pool_is_never_overdrawn() {
        assert_eq!(super::buying_power(10_000, 640), 9_360);
        assert_eq!(super::buying_power(600, 640), 0);
    }
}
