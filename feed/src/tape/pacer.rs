//! When a row of a recording is due: pure arithmetic, the caller sleeps.

use siaga_risk::units::Ts;

/// How fast a recording runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// As fast as the reader takes it.
    Unlimited,
    /// Thousandths of the recorded speed: 1000 = as it was.
    Permille(u32),
}

/// A speed nobody can run at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no speed; write a number such as 1, 0.5 or 60, or \"max\"")]
pub struct BadSpeed(String);

impl std::str::FromStr for Speed {
    type Err = BadSpeed;

    fn from_str(text: &str) -> Result<Speed, BadSpeed> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Speed::Unlimited);
        }
        let number = text.strip_suffix(['x', 'X']).unwrap_or(text);
        let permille = crate::decimal::parse_exact(number.as_bytes(), 3).ok();
        permille
            .and_then(|permille| u32::try_from(permille).ok())
            .filter(|permille| *permille > 0)
            .map(Speed::Permille)
            .ok_or_else(|| BadSpeed(text.to_owned()))
    }
}

/// Maps the recording's time to the reader's.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    speed: Speed,
    /// Rows before this instant are left out.
    at: Option<Ts>,
    /// The first row let through, and when the reader's clock let it.
    origin: Option<(Ts, Ts)>,
}

impl Pacer {
    pub fn new(speed: Speed, at: Option<Ts>) -> Pacer {
        Pacer {
            speed,
            at,
            origin: None,
        }
    }

    /// When a row recorded at `recorded` is due; `None` = it lies before the start and is left out.
    pub fn due(&mut self, recorded: Ts, now: Ts) -> Option<Ts> {
        if self.at.is_some_and(|at| recorded < at) {
            return None;
        }
        let (first, started) = *self.origin.get_or_insert((recorded, now));
        Some(match self.speed {
            Speed::Unlimited => now,
            Speed::Permille(permille) => {
                let wait = u128::from(recorded.since(first)) * 1_000 / u128::from(permille.max(1));
                started.plus(u64::try_from(wait).unwrap_or(u64::MAX))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_due_at_the_speed_from_the_start_asked_for() {
        let mut pacer = Pacer::new("10".parse().unwrap(), Some(Ts(1_000)));
        assert_eq!(pacer.due(Ts(999), Ts(50)), None);
        assert_eq!(pacer.due(Ts(1_000), Ts(50)), Some(Ts(50)));
        assert_eq!(pacer.due(Ts(2_000), Ts(60)), Some(Ts(150)));
        let mut fast = Pacer::new(Speed::Unlimited, None);
        assert_eq!(fast.due(Ts(5), Ts(7)), Some(Ts(7)));
        assert_eq!("0.5x".parse(), Ok(Speed::Permille(500)));
        assert!(
            "0".parse::<Speed>().is_err()
                && "-1".parse::<Speed>().is_err()
                && "fast".parse::<Speed>().is_err()
        );
    }
}
