//! When a failed delivery is tried again: 5 s to 24 h, each a little different.

use siaga_risk::codec::encode;
use siaga_risk::units::{HOUR_NS, MINUTE_NS, SECOND_NS};

use super::DeliveryId;

/// Waits between attempts; the last one is repeated once, then the delivery is dead.
const WAITS_NS: [u64; 8] = [
    5 * SECOND_NS,
    30 * SECOND_NS,
    2 * MINUTE_NS,
    10 * MINUTE_NS,
    30 * MINUTE_NS,
    2 * HOUR_NS,
    8 * HOUR_NS,
    24 * HOUR_NS,
];

/// Attempts in all: the first, and one after each wait.
pub const ATTEMPTS_MAX: u32 = WAITS_NS.len() as u32 + 1;

/// Longest part of a wait that is added to it, per cent: receivers that come back are not hit by everybody at once.
const JITTER_PERCENT: u64 = 20;

/// The wait after the attempt `attempts` (from 1) of a delivery. The same for the same delivery, always.
pub fn backoff_ns(id: &DeliveryId, attempts: u32) -> u64 {
    let place = (attempts.max(1) as usize - 1).min(WAITS_NS.len() - 1);
    let wait = WAITS_NS[place];
    let mut bytes = encode(id);
    bytes.extend_from_slice(&attempts.to_le_bytes());
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The high bits: the low ones of this hash hardly differ between neighbours.
    wait + wait / 100 * ((hash >> 33) % (JITTER_PERCENT + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::ids::AlertId;

    #[test]
    fn waits_grow_from_seconds_to_a_day_with_jitter() {
        let id = |alert| DeliveryId {
            alert: AlertId(alert),
            revision: 1,
            sink: 1,
        };
        let mut last = 0;
        for attempt in 1..ATTEMPTS_MAX {
            let wait = backoff_ns(&id(7), attempt);
            let least = WAITS_NS[attempt as usize - 1];
            assert!(
                wait >= least && wait <= least + least / 5,
                "attempt {attempt}: {wait}"
            );
            assert!(wait > last);
            last = wait;
        }
        let all: std::collections::BTreeSet<u64> =
            (0..100).map(|alert| backoff_ns(&id(alert), 1)).collect();
        assert!(all.len() > 10, "not everybody at once");
        assert_eq!(backoff_ns(&id(7), 3), backoff_ns(&id(7), 3));
    }
}
