//! Rules of crypto venues beyond margin: marks, stages, bankruptcy, insurance and who comes first.

pub mod binance;
pub mod dydx;
pub mod hyperliquid;
pub mod shared;
