//! Published rules that the running machine does not apply: what a venue does with its own fund, price or order of
//! accounts. Pure functions, exact, each with its source.

pub mod crypto;
pub mod forts;
pub mod import;
pub mod mask;
pub mod power;
