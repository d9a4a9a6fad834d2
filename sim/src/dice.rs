//! Everything random comes from one seed.

use siaga_risk::journal::crash_disk::Random;

/// Throws of one run.
#[derive(Clone, Debug)]
pub struct Dice(Random);

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(Random(seed))
    }

    /// Further dice, whose throws do not depend on how often these are thrown later.
    pub fn fork(&mut self) -> Dice {
        Dice(Random(self.0.bits()))
    }

    /// A number of all bits.
    pub fn bits(&mut self) -> u64 {
        self.0.bits()
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound.max(1))
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1).max(1) as u64) as i64
    }

    /// True once in `of` throws.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
