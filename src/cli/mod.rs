//! The command line. Exit codes: 0 well, 1 the thing asked for failed, 2 wrong use, 3 configuration,
//! 4 the data directory cannot be used, 5 a check found something; by command in docs/exit-codes.md.

pub mod audit;
pub mod check;
pub mod doctor;
pub mod import;
pub mod journal;
pub mod rebuild;
pub mod replay;
pub mod sanctions;
pub mod serve;
pub mod vectors;
pub mod whatif;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::desk::recover::DataFault;

/// Market data and risk engine of a retail brokerage.
///
/// Without a command it serves: a demonstration desk on a simulated market unless the configuration
/// says otherwise.
#[derive(Debug, Parser)]
#[command(name = "siaga", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Configuration file (TOML); every key may be overridden by SIAGA__SECTION__KEY.
    #[arg(long, short, global = true, env = "SIAGA_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of everything that must not be lost; overrides data.dir.
    #[arg(long, global = true)]
    pub data: Option<PathBuf>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<Action>,
}

const EXIT_CODES: &str = "Exit codes: 0 well, 1 failed, 2 wrong use, 3 configuration, 4 data directory, 5 a check found something.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Run the desk (the default).
    Serve(serve::Args),
    /// Play a recording through the machine, as fast as it goes or paced.
    Replay(replay::Args),
    /// Show what a file of terms would change, and change it.
    Import(import::Args),
    /// Empty the read model and fill it again from the output log.
    Rebuild,
    /// Read the configuration and say what is wrong with it.
    CheckConfig,
    /// Look at machine, disk, data and configuration, and say what to do.
    Doctor,
    /// Look into the durable files: inspect, verify, export.
    #[command(subcommand)]
    Journal(journal::Action),
    /// The record of who did what: whether it is whole, and as lines for a search engine.
    #[command(subcommand)]
    Audit(audit::Action),
    /// Take lists of sanctions, and look names up on them.
    #[command(subcommand)]
    Sanctions(sanctions::Action),
    /// Run worked examples of published rules against the machine and the platform.
    Vectors(vectors::Args),
    /// Try a scenario on the state of a stopped desk.
    #[command(name = "whatif")]
    WhatIf(whatif::Args),
    /// Print completions for a shell.
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    Well = 0,
    Failed = 1,
    Use = 2,
    Config = 3,
    Data = 4,
    Found = 5,
}

/// Arguments that turn out to be wrong only beside the file they are for. What the arguments show
/// alone is told before by their own types.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(pub String);

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Starts the log on standard error; `RUST_LOG` chooses, WARN means that somebody should look.
pub fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,wasmer=warn,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let is_plain = std::env::var_os("NO_COLOR").is_some();
    if json {
        builder.json().init();
    } else {
        builder
            .with_ansi(!is_plain && std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init();
    }
}

/// Runs the command.
pub fn run(cli: Cli) -> ExitCode {
    if let Some(Action::Completions { shell }) = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "siaga", &mut std::io::stdout());
        return Exit::Well.into();
    }
    let json = cli.json;
    let config = match load(&cli) {
        Ok(config) => config,
        Err(error) => {
            say_error(json, &error.to_string());
            return Exit::Config.into();
        }
    };
    let result = match cli.command.unwrap_or(Action::Serve(serve::Args::default())) {
        Action::Serve(args) => serve::run(&config, &args, json),
        Action::Replay(args) => replay::run(&args, json),
        Action::Import(args) => import::run(&config, &args, json),
        Action::Rebuild => rebuild::run(&config, json),
        Action::CheckConfig => check::run(&config, json),
        Action::Doctor => doctor::run(&config, json),
        Action::Journal(action) => journal::run(&config, &action, json),
        Action::Audit(action) => audit::run(&config, &action, json),
        Action::Sanctions(action) => sanctions::run(&config, &action, json),
        Action::Vectors(args) => vectors::run(&args, json),
        Action::WhatIf(args) => whatif::run(&config, &args, json),
        Action::Completions { .. } => Ok(Exit::Well),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            say_error(json, &format!("{error:#}"));
            exit_of(&error).into()
        }
    }
}

fn load(cli: &Cli) -> Result<Config, ConfigError> {
    let mut config = Config::load(cli.config.as_deref(), std::env::vars())?;
    if let Some(data) = &cli.data {
        config.data.dir.clone_from(data);
    }
    Ok(config)
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if error
        .downcast_ref::<siaga_risk::journal::JournalError>()
        .is_some()
        || error
            .downcast_ref::<siaga_risk::recovery::RecoveryError>()
            .is_some()
        || error.downcast_ref::<DataFault>().is_some()
    {
        Exit::Data
    } else if error.downcast_ref::<ConfigError>().is_some() {
        Exit::Config
    } else if error.downcast_ref::<WrongUse>().is_some() {
        Exit::Use
    } else {
        Exit::Failed
    }
}

fn say_error(json: bool, message: &str) {
    if json {
        eprintln!("{}", serde_json::json!({ "error": message }));
    } else {
        eprintln!("siaga: {message}");
    }
}

/// A progress bar on a terminal, nothing elsewhere.
pub fn progress(json: bool, length: u64, what: &'static str) -> indicatif::ProgressBar {
    use std::io::IsTerminal;
    if json || !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(length);
    if let Ok(style) = indicatif::ProgressStyle::with_template(
        "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
    ) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// Moves a bar: so much is done, of so much.
pub fn moves(bar: &indicatif::ProgressBar) -> impl FnMut(u64, u64) {
    move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
