//! Exact fractions, slow and obvious.

/// A fraction in lowest terms, its denominator positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    num: i128,
    den: i128,
}

impl Fraction {
    /// `num / den`.
    pub fn new(num: i128, den: i128) -> Fraction {
        let shared = gcd(num, den) * den.signum();
        Fraction {
            num: num / shared,
            den: den / shared,
        }
    }

    /// A whole number.
    pub fn whole(num: i128) -> Fraction {
        Fraction { num, den: 1 }
    }

    /// The sum.
    pub fn plus(self, other: Fraction) -> Fraction {
        let shared = gcd(self.den, other.den);
        Fraction::new(
            self.num * (other.den / shared) + other.num * (self.den / shared),
            self.den / shared * other.den,
        )
    }

    /// The product.
    pub fn times(self, other: Fraction) -> Fraction {
        let (a, b) = (
            Fraction::new(self.num, other.den),
            Fraction::new(other.num, self.den),
        );
        Fraction::new(a.num * b.num, a.den * b.den)
    }

    /// Rounded, half away from zero.
    pub fn round(self) -> i128 {
        (self.num.abs() * 2 + self.den) / (2 * self.den) * self.num.signum()
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
