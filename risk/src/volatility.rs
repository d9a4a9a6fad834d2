//! How much prices move. Floats live in this folder only, for logarithms and roots through `libm` (the same
//! bits on every machine); every verdict compares integers, and no input makes a NaN.

pub mod estimators;
pub mod ewma;
pub mod norm;
pub mod realised;

pub use ewma::Ewma;
pub use norm::HourNorm;
pub use realised::Realised;

mod returns;
pub use returns::log_return;

mod watch;
pub use watch::{Volatility, VolatilityStep};
