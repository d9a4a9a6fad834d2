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

/// Runs each seed's history, on as many threads as the machine has processors; what each came to.
pub fn side_by_side<T: Send>(seeds: &[u64], run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let told = &|seed: &u64| {
        let _told = Seed(*seed);
        run(*seed)
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = seeds
            .chunks(seeds.len().div_ceil(threads).max(1))
            .map(|part| scope.spawn(move || part.iter().map(told).collect::<Vec<T>>()))
            .collect();
        let done = parts.into_iter().map(|part| part.join());
        done.flat_map(|part| part.expect("every history holds"))
            .collect()
    })
}
