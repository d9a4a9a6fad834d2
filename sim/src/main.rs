//! `make sim SEED=… STEPS=…`: runs seeds until one breaks, and prints how to see it again.

use clap::Parser;
use std::process::ExitCode;

/// The whole core under faults of feed, broker and disk.
#[derive(Debug, Parser)]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps of each run.
    #[arg(long, default_value_t = 20_000)]
    steps: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    runs: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    for seed in args.seed..args.seed.saturating_add(args.runs) {
        match siaga_sim::run(seed, args.steps, None) {
            Ok(tally) => println!("seed {seed}: {tally}"),
            Err(broken) => {
                eprintln!("seed {seed} breaks at {broken}");
                eprintln!("see it again: make sim SEED={seed} STEPS={}", args.steps);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
