//! `siaga journal …`: what the durable files hold, whether they are whole, and their records as text.
//! Nothing is changed.

mod export;
mod inspect;
mod verify;

use clap::Subcommand;

use super::Exit;
use crate::config::Config;
use crate::desk::recover;

/// What to look at.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Segments, sequences, kinds, and damage if there is any.
    Inspect,
    /// Read everything: every checksum and sequence, every snapshot against a replay, every output
    /// against what the replay gives. Exit code 5 when something is wrong.
    Verify,
    /// Write inputs or outputs as lines of JSON: sequence, time, kind and fields.
    Export(export::Args),
}

/// Runs it; damage is exit code 5.
pub fn run(config: &Config, action: &Action, json: bool) -> anyhow::Result<Exit> {
    let (disk, dir) = recover::started(&config.data.dir)?;
    match action {
        Action::Inspect => inspect::run(&disk, json),
        Action::Verify => verify::run(&disk, json),
        Action::Export(args) => export::run(&disk, &dir, args, json),
    }
}
