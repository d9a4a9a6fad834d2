//! Which generated histories to run, and which one failed.

/// Seeds of this run, and whether it is a whole one: `SIAGA_SEED` picks one, `SIAGA_HISTORIES` sets their number.
pub fn seeds(count: u64) -> (Vec<u64>, bool) {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    match number("SIAGA_SEED") {
        Some(seed) => (vec![seed], false),
        None => (
            (1..=number("SIAGA_HISTORIES").unwrap_or(count)).collect(),
            true,
        ),
    }
}

/// Says its number when the test fails.
pub struct Seed(pub u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SIAGA_SEED={} fails", self.0);
        }
    }
}
