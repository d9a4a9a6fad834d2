//! Margin of crypto venues. What the machine applies (schedules, mark price, liquidation price, states) runs through
//! an account at mark price; what only a venue does calls `siaga_risk::rules::crypto`. `docs/vectors.md` lists which.

mod binance;
mod cross;
mod deribit;
mod dydx;
mod hyperliquid;
mod shared;

use super::Calc;

/// The adapter of a rule of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "binance_liquidation_price" => binance::liquidation_price,
        "binance_liquidation_price_hedge_mode" => binance::hedge_mode,
        "binance_maintenance_amount_step" => binance::amount_step,
        "binance_maintenance_amount" => binance::amounts,
        "binance_liquidation_bracket_search" => binance::bracket_search,
        "binance_mark_price" => binance::mark_price,
        "deribit_linear_margin" => deribit::linear_margin,
        "hyperliquid_liquidation_price" => hyperliquid::liquidation_price,
        "hyperliquid_stage" => hyperliquid::stage,
        "dydx_is_liquidatable" => dydx::is_liquidatable,
        "dydx_collateralised" => dydx::collateralised,
        "dydx_risk_compare" => dydx::risk_compare,
        "dydx_most_risky_order" => dydx::most_risky_order,
        "dydx_initial_margin" => dydx::initial_margin,
        "dydx_account_liquidatable" => dydx::account_liquidatable,
        "dydx_bankruptcy_price" => dydx::bankruptcy_price,
        "dydx_fillable_price" => dydx::fillable_price,
        "dydx_insurance_delta" => dydx::insurance_delta,
        "shared_account_liquidation_price" => shared::liquidation_price,
        "crypto_future_margin" => shared::future_margin,
        "shared_collateral_pool" => shared::collateral_pool,
        _ => return None,
    })
}
