//! One pool of collateral behind many positions.
//! Source: QuantConnect LEAN, `CryptoFutureMarginModel` (shared collateral).

use crate::exact::Exact;

/// What is left of a pool for one position: the pool less the maintenance of all others, never below zero. Both in one
/// unit; `None` when a number is too large.
pub fn buying_power(pool: Exact, others: Exact) -> Option<Exact> {
    let left = pool.minus(others)?;
    Some(if left.signum() < 0 { Exact::ZERO } else { left })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_never_overdrawn() {
        let left = |pool, others| buying_power(Exact::whole(pool), Exact::whole(others));
        assert_eq!(left(10_000, 640), Some(Exact::whole(9_360)));
        assert_eq!(left(600, 640), Some(Exact::ZERO));
        assert_eq!(left(i128::MAX, -1), None);
    }
}
