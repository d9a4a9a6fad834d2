//! Siaga's core: the vocabulary, the deterministic machine, the journal and the pipeline.
//!
//! Start with [`event`]: everything that may enter the core and everything that may leave it.

pub mod book;
pub mod codec;
mod codec_macros;
pub mod convert;
pub mod event;
pub mod exact;
#[doc(hidden)]
pub mod fuzzing;
pub mod ids;
pub mod journal;
mod leverage;
pub mod machine;
pub mod market;
#[cfg(feature = "mutations")]
pub mod mutation;
pub mod notice;
pub mod pipeline;
pub mod record;
pub mod recovery;
pub mod rules;
pub mod standby;
pub mod table;
pub mod terms;
pub mod units;
pub mod verdict;
pub mod verify;
pub mod view;
pub mod volatility;
pub mod watch;
pub mod whatif;
pub mod wide;

/// A rule is changed on purpose by a test; never outside the feature `mutations`.
macro_rules! mutated {
    ($name:ident) => {{
        #[cfg(feature = "mutations")]
        let changed = $crate::mutation::is($crate::mutation::Mutation::$name);
        #[cfg(not(feature = "mutations"))]
        let changed = false;
        changed
    }};
}
pub(crate) use mutated;
