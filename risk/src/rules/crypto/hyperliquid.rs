//! Hyperliquid's stages of a liquidation. Source: Hyperliquid documentation, "Liquidations".

/// Who closes an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Healthy,
    /// Orders are sent to the book.
    Book,
    /// The vault takes positions and collateral over.
    Backstop,
}

/// The stage at an equity and a maintenance margin of the same unit: the book below the maintenance margin, the
/// backstop below two thirds of it; exactly at either the milder holds.
pub fn stage(equity: i128, maintenance: i128) -> Stage {
    let two_thirds_above = || Some(equity.checked_mul(3)? < maintenance.checked_mul(2)?);
    if equity >= maintenance {
        Stage::Healthy
    } else if two_thirds_above().unwrap_or(equity < maintenance / 3 * 2) {
        Stage::Backstop
    } else {
        Stage::Book
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_milder_stage_holds_at_equality() {
        assert_eq!(stage(1_200, 1_200), Stage::Healthy);
        assert_eq!(stage(1_199, 1_200), Stage::Book);
        assert_eq!(stage(800, 1_200), Stage::Book);
        assert_eq!(stage(799, 1_200), Stage::Backstop);
        assert_eq!(stage(0, 0), Stage::Healthy);
        assert_eq!(stage(-1, 0), Stage::Backstop);
    }
}
