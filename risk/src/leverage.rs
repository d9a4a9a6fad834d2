//! Leverage as people write it: 100, 33.33, 2.5 to one.

use crate::codec::{Codec, CodecError};
use crate::wide::gcd;

/// Leverage (x : 1) in `10^-8`, so that what is written with a point is exact; 0 = none of its own, or no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leverage(pub u64);

impl Leverage {
    /// Decimals it is held with.
    pub const DIGITS: u8 = 8;
    /// What 0 stands for: none of its own, or no cap.
    pub const NONE: Leverage = Leverage(0);
    /// 1 : 1.
    pub const ONE: Leverage = Leverage::of(1);

    const SCALE: u64 = 100_000_000;

    /// `whole` : 1.
    pub const fn of(whole: u32) -> Leverage {
        Leverage(whole as u64 * Self::SCALE)
    }

    /// Itself, or 1 : 1 where there is none.
    pub fn or_one(self) -> Leverage {
        if self == Leverage::NONE {
            Leverage::ONE
        } else {
            self
        }
    }

    /// What is before the point.
    pub fn whole(self) -> u64 {
        self.0 / Self::SCALE
    }

    /// As a fraction in lowest terms, a whole one over 1; 1 : 1 where there is none.
    pub fn fraction(self) -> (i128, i128) {
        let value = self.or_one().0;
        if value.is_multiple_of(Self::SCALE) {
            return (i128::from(value / Self::SCALE), 1);
        }
        let (num, den) = (i128::from(value), i128::from(Self::SCALE));
        let shared = gcd(num, den);
        (num / shared, den / shared)
    }
}

impl std::fmt::Display for Leverage {
    /// As a decimal without zeros that say nothing: `100`, `33.33`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / Self::SCALE, self.0 % Self::SCALE);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:0width$}", width = usize::from(Self::DIGITS));
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

impl Codec for Leverage {
    const NAME: &'static str = "Leverage";
    const BYTES_MIN: usize = u64::BYTES_MIN;

    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        u64::get(input).map(Leverage)
    }

    fn tell(&self, json: &mut String) {
        json.push('"');
        json.push_str(&self.to_string());
        json.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn leverage_is_exact_and_shown_as_it_is_written() {
        for (value, fraction, text) in [
            (Leverage::of(100), (100, 1), "100"),
            (Leverage(3_333_000_000), (3_333, 100), "33.33"),
            (Leverage(250_000_000), (5, 2), "2.5"),
            (Leverage(1), (1, 100_000_000), "0.00000001"),
            (Leverage::NONE, (1, 1), "0"),
        ] {
            assert_eq!(value.fraction(), fraction, "{text}");
            assert_eq!(value.to_string(), text);
            assert_eq!(decode(&encode(&value)), Ok(value));
        }
    }
}
