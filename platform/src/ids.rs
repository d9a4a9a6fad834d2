//! Keys of the platform's rows: UUIDs of version 7, so that their order is the order of time.

use siaga_risk::units::Ts;
use uuid::{Builder, Uuid};

use crate::crypto::random;

/// The organisation that every installation has.
pub const HOUSE: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// Its owner: whoever knows the first-start secret.
pub const OWNER: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0002);

/// Nanoseconds of a millisecond, the resolution of a key.
const MILLISECOND_NS: u64 = 1_000_000;

/// A new key, made at `now`.
///
/// # Panics
/// As [`random`].
pub fn new_id(now: Ts) -> Uuid {
    Builder::from_unix_timestamp_millis(now.0 / MILLISECOND_NS, &random::<10>()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_time_and_never_meet() {
        let early = new_id(Ts(1_000 * MILLISECOND_NS));
        let late = new_id(Ts(1_001 * MILLISECOND_NS));
        assert!(early < late);
        assert_ne!(new_id(Ts(0)), new_id(Ts(0)));
        assert_eq!(early.get_version_num(), 7);
        assert_eq!(HOUSE.to_string(), "00000000-0000-7000-8000-000000000001");
    }
}
