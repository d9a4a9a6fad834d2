//! Random numbers of our own: small, seeded, the same on every machine.

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

/// Standard deviation of [`Rng::bell`]: eight uniform 16-bit numbers, `65536 × sqrt(8 / 12)`.
pub const BELL_SIGMA: i64 = 53_510;

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, end)`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// Uniform in `[from, to]`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from) as u64 + 1) as i64
    }

    /// True once in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Bell-shaped around 0 with deviation [`BELL_SIGMA`] (Irwin-Hall of eight).
    pub fn bell(&mut self) -> i64 {
        let sum = |mut word: u64| {
            let mut sum = 0i64;
            while word != 0 {
                sum += (word & 0xFFFF) as i64;
                word >>= 16;
            }
            sum
        };
        sum(self.next()) + sum(self.next()) - 4 * 65_535
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bell_has_its_deviation() {
        let mut rng = Rng::new(7);
        let n = 100_000i64;
        let (mut sum, mut squares) = (0i64, 0i128);
        for _ in 0..n {
            let value = rng.bell();
            sum += value;
            squares += i128::from(value) * i128::from(value);
        }
        assert!((sum / n).abs() < BELL_SIGMA / 100);
        let sigma = (squares / i128::from(n)).isqrt() as i64;
        assert!((sigma - BELL_SIGMA).abs() < BELL_SIGMA / 50, "{sigma}");
    }
}
