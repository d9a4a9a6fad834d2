//! The rim's own types on the wire, mapped by hand from the core's. Prices, quantities, money and percentages are decimal text,
//! times are UTC microseconds.

pub mod account;
pub mod alert;
pub mod desk;
pub mod import;
pub mod maintenance;
pub mod margin;
pub mod market;
pub mod order;
pub mod rules;
pub mod whatif;

use siaga_risk::units::Ts;

/// Derives what every type on the wire has.
#[macro_export]
macro_rules! wire {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })*) => {
        $($(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, utoipa::ToSchema, schemars::JsonSchema)]
        pub struct $name { $($body)* })*
    };
}

/// An enum of the core as `snake_case` text, both ways.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident = $core:ty { $($variant:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant,)* }

        impl From<$core> for $name {
            fn from(core: $core) -> Self { match core { $(<$core>::$variant => $name::$variant,)* } }
        }

        impl From<$name> for $core {
            fn from(wire: $name) -> Self { match wire { $($name::$variant => <$core>::$variant,)* } }
        }
    };
}
pub(crate) use wire_enum;

/// UTC microseconds.
pub fn micros(ts: Ts) -> u64 {
    ts.0 / 1_000
}

/// Microseconds of a request as an instant; held at the end of time.
pub fn from_micros(us: u64) -> Ts {
    Ts(us.saturating_mul(1_000))
}
