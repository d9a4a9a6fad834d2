//! How much prices move. Floats live in this folder only, for logarithms and roots through `libm` (the same
//! bits on every machine); every verdict compares integers, and no input makes a NaN.

mod bars;
pub mod estimators;
pub mod ewma;
pub mod indicators;
pub mod norm;
pub mod realised;

pub use bars::{ATR_PERIOD, BARS_HELD, BarVolatility};
pub use ewma::Ewma;
pub use norm::HourNorm;
pub use realised::Realised;

mod returns;
pub use returns::log_return;

mod watch;
pub use watch::{Volatility, VolatilityStep};
