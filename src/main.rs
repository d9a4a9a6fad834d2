//! The program.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = siaga::cli::Cli::parse();
    siaga::cli::log(cli.json);
    siaga::cli::run(cli)
}
