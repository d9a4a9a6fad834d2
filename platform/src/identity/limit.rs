//! How often one may ask: a sliding window per address, person and key, and of these per route (S0.38-S0.40).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use siaga_risk::units::{MINUTE_NS, SECOND_NS, Ts};

/// Length of the window.
pub const WINDOW_NS: u64 = MINUTE_NS;
/// Callers that are remembered at once: 65,536 windows are about 4 MiB. When all are live, the one that
/// came longest ago makes place.
pub const CALLERS_MAX: usize = 65_536;

/// Requests a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one address, everything together.
    pub address: u32,
    /// Of one address, signing in and registering.
    pub sign_in: u32,
    /// Of one address, uploads.
    pub upload: u32,
    /// Of one person or key of the lowest tier, on top of the address's.
    pub person: u32,
}

impl Limits {
    /// 100, 10, 5 and 300 a minute.
    pub const STANDARD: Limits = Limits {
        address: 100,
        sign_in: 10,
        upload: 5,
        person: 300,
    };

    /// Requests a minute of one person or key of this tier: the lowest's, 4 or 20 times as many. What is not known is the lowest.
    pub fn of_tier(&self, tier: &str) -> u32 {
        let times = match tier {
            "bridge" => 20,
            "plus" => 4,
            _ => 1,
        };
        self.person.saturating_mul(times)
    }

    /// Of these, what one route may take (N4.48).
    pub fn of_route(&self, tier: &str) -> u32 {
        let share = u64::from(self.of_tier(tier)) * u64::from(ROUTE_PERCENT) / 100;
        u32::try_from(share).unwrap_or(u32::MAX).max(1)
    }
}

/// Of these, the share that one route may take, percent: a program that asks it in a circle leaves its person the rest.
const ROUTE_PERCENT: u32 = 75;

/// The tiers of keys and people.
pub const TIERS: [&str; 3] = ["standard", "plus", "bridge"];

/// Two neighbouring windows; the older one counts by the share of it that the sliding window still covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    began: u64,
    before: u32,
    now: u32,
}

impl Window {
    /// Counts a request; `Err` = too many, and after how many seconds one fits again.
    fn count(&mut self, limit: u32, now: Ts) -> Result<(), u32> {
        let index = now.0 / WINDOW_NS;
        if index != self.began {
            self.before = if index == self.began.wrapping_add(1) {
                self.now
            } else {
                0
            };
            self.now = 0;
            self.began = index;
        }
        let inside = now.0 % WINDOW_NS;
        // In units of a window, so that nothing is rounded away.
        let left = u128::from(self.before) * u128::from(WINDOW_NS - inside);
        let used = left + u128::from(self.now) * u128::from(WINDOW_NS);
        if used + u128::from(WINDOW_NS) > u128::from(limit) * u128::from(WINDOW_NS) {
            return Err(self.wait(limit, inside));
        }
        self.now += 1;
        Ok(())
    }

    /// Seconds until the share of the older window has shrunk enough: in this window, or when this one is full in the next.
    fn wait(&self, limit: u32, inside: u64) -> u32 {
        let (older, room, base) = match self.now < limit {
            true => (self.before, limit - 1 - self.now, 0),
            false => (self.now, limit.saturating_sub(1), WINDOW_NS),
        };
        let covered = u128::from(room) * u128::from(WINDOW_NS) / u128::from(older.max(1));
        let until =
            u64::try_from(u128::from(WINDOW_NS).saturating_sub(covered)).unwrap_or(WINDOW_NS);
        let ns = (base + until).saturating_sub(inside);
        u32::try_from(ns.div_ceil(SECOND_NS)).unwrap_or(60).max(1)
    }
}

/// Windows of many callers.
#[derive(Debug)]
pub struct Meter<K> {
    windows: HashMap<K, Window>,
    max: usize,
}

impl<K: Eq + Hash + Clone> Default for Meter<K> {
    fn default() -> Self {
        Self::of(CALLERS_MAX)
    }
}

impl<K: Eq + Hash + Clone> Meter<K> {
    /// Of at most `max` callers.
    pub fn of(max: usize) -> Self {
        Self {
            windows: HashMap::new(),
            max,
        }
    }

    /// Counts a request of `caller`.
    ///
    /// # Errors
    /// Too many; the seconds after which one fits again.
    pub fn count(&mut self, caller: K, limit: u32, now: Ts) -> Result<(), u32> {
        if self.windows.len() >= self.max && !self.windows.contains_key(&caller) {
            self.make_room(now);
        }
        self.windows.entry(caller).or_default().count(limit, now)
    }

    fn make_room(&mut self, now: Ts) {
        let index = now.0 / WINDOW_NS;
        self.windows.retain(|_, window| window.began + 1 >= index);
        if self.windows.len() < self.max {
            return;
        }
        let oldest = self
            .windows
            .iter()
            .min_by_key(|(_, window)| (window.began, window.now))
            .map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            self.windows.remove(&oldest);
        }
    }
}

/// The caller behind an address: a network of 64 bits is one household in IPv6, and IPv4 written as IPv6 is IPv4.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

/// The client of a request: the peer, or behind trusted proxies the last address of `X-Forwarded-For`
/// that is none of them. What a client writes in front of that is not believed.
pub fn client(peer: IpAddr, forwarded: &[&str], trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |address: &IpAddr| {
        trusted
            .iter()
            .any(|proxy| proxy.to_canonical() == address.to_canonical())
    };
    let mut client = peer.to_canonical();
    for hop in forwarded.iter().flat_map(|line| line.split(',')).rev() {
        if !is_trusted(&client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Ts {
        Ts(10 * MINUTE_NS + ms * 1_000_000)
    }

    #[test]
    fn a_hundred_a_minute_and_no_more_at_a_border() {
        let mut meter = Meter::of(10);
        for n in 0..100 {
            assert_eq!(meter.count(1, 100, at(59_000 + n)), Ok(()), "{n}");
        }
        assert!(meter.count(1, 100, at(59_500)).is_err());
        assert!(
            meter.count(1, 100, at(60_000)).is_err(),
            "the next minute does not begin with a hundred"
        );
        assert_eq!(meter.count(2, 100, at(59_500)), Ok(()), "another caller");
        let free = (0..100)
            .filter(|_| meter.count(1, 100, at(90_000)).is_ok())
            .count();
        assert_eq!(free, 50, "half of the older minute is still covered");
        assert_eq!(meter.count(1, 100, at(240_000)), Ok(()));
    }

    #[test]
    fn one_route_leaves_something_of_every_tier_to_the_others() {
        let limits = Limits::STANDARD;
        for tier in TIERS {
            let (all, one) = (limits.of_tier(tier), limits.of_route(tier));
            assert!(one > 0 && one < all, "{tier}: {one} of {all}");
        }
        assert_eq!(limits.of_route("standard"), 225);
        assert_eq!(limits.of_route("no such tier"), limits.of_route("standard"));
    }

    #[test]
    fn the_wait_that_is_told_is_enough() {
        let mut meter = Meter::of(10);
        let mut now = 0;
        for step in 0..500 {
            match meter.count(1, 7, at(now)) {
                Ok(()) => now += 37 * (step % 5),
                Err(seconds) => {
                    now += u64::from(seconds) * 1_000;
                    assert_eq!(meter.count(1, 7, at(now)), Ok(()), "step {step}");
                }
            }
        }
    }

    #[test]
    fn callers_are_bounded() {
        let mut meter = Meter::of(4);
        for caller in 0..1_000 {
            assert_eq!(meter.count(caller, 1, at(caller)), Ok(()));
            assert!(meter.windows.len() <= 4);
        }
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy_of_ours() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        for (peer, forwarded, expected) in [
            ("192.0.2.7", vec!["198.51.100.1"], "192.0.2.7"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                vec!["203.0.113.9, 198.51.100.1"],
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                vec!["203.0.113.9, 198.51.100.1", "10.0.0.2"],
                "198.51.100.1",
            ),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["unknown"], "10.0.0.1"),
            ("::ffff:10.0.0.1", vec!["2001:db8::5"], "2001:db8::5"),
        ] {
            assert_eq!(
                client(ip(peer), &forwarded, &trusted),
                ip(expected),
                "{peer} {forwarded:?}"
            );
        }
        assert_eq!(household(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(household(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }
}
