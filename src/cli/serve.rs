//! `siaga serve`: the desk, its gateway, and a graceful stop.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args as ClapArgs;
use tokio::net::TcpListener;

use super::{Exit, moves, progress};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::desk::Desk;
use crate::desk::recover::DataFault;
use crate::gateway;
use crate::precedence::{self, Precedence};

/// Longest wait for work that goes on when the desk has stopped.
const RUNTIME_END: Duration = Duration::from_secs(1);

/// How to serve.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct Args {
    /// Listen here instead of server.listen; port 0 takes a free one.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Begin with this scenario of the simulated market.
    #[arg(long)]
    pub scenario: Option<String>,
    /// Seed of the simulated market.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Serves until SIGINT or SIGTERM.
pub fn run(config: &Config, args: &Args, json: bool) -> anyhow::Result<Exit> {
    let mut config = config.clone();
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    if let Some(scenario) = &args.scenario {
        config.feed.scenario.clone_from(scenario);
    }
    if let Some(seed) = args.seed {
        config.feed.seed = seed;
    }
    config.check().map_err(|problem| ConfigError {
        origin: "configuration and command line".into(),
        problem,
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(|| precedence::give_way(Precedence::Serving))
        .build()
        .context("the runtime cannot be started")?;
    let served = runtime.block_on(serve(&config, json));
    // A database that hangs holds threads of the runtime: it is not waited for any longer.
    runtime.shutdown_timeout(RUNTIME_END);
    served
}

async fn serve(config: &Config, json: bool) -> anyhow::Result<Exit> {
    // Bound first: a busy port is told before anything is touched.
    let address = config.server.listen;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be used: another program listens there? choose server.listen or --listen")
    })?;
    let clock = Arc::new(Clock::start());
    let bar = progress(json, 0, "recovering");
    let desk = Desk::start(config, clock, moves(&bar)).await?;
    bar.finish_and_clear();
    // Whatever ends the gateway, the desk is stopped as it should be.
    let attended = attend(config, &desk, listener, json).await;
    desk.stop().await?;
    attended?;
    Ok(Exit::Well)
}

/// Serves people and programs until told to stop.
async fn attend(
    config: &Config,
    desk: &Desk,
    listener: TcpListener,
    json: bool,
) -> anyhow::Result<()> {
    let secret_path = config.data.dir.join("secret");
    let (secret, _) = gateway::auth::open_secret(&secret_path)
        .map_err(|error| DataFault::of(&secret_path, error))?;
    let bound = listener.local_addr()?;
    // Heard before the address is told: whoever reads it may stop the program at once.
    let signals = Signals::listen().context("signals cannot be heard")?;
    if let Err(error) = announce(config, desk, bound, &secret, json) {
        tracing::warn!(%error, address = %bound, "the address could not be printed: standard output is closed");
    }
    let options = gateway::Options {
        hosts: config.server.hosts.clone(),
        assets_dir: config.server.assets_dir.clone(),
        ..gateway::Options::new(secret)
    };
    let shutdown = async {
        signals.come().await;
        tracing::info!("stopping");
    };
    gateway::serve(listener, Arc::new(desk.handle.clone()), options, shutdown).await?;
    Ok(())
}

fn announce(
    config: &Config,
    desk: &Desk,
    bound: SocketAddr,
    secret: &str,
    json: bool,
) -> anyhow::Result<()> {
    // Only a person at a terminal is shown the secret: what is printed elsewhere is kept by a log.
    let is_terminal = std::io::stdout().is_terminal();
    let file = config.data.dir.join("secret");
    let mut out = std::io::stdout().lock();
    if json {
        let line = serde_json::json!({
            "listening": bound.to_string(),
            "url": format!("http://{bound}/"),
            "secret_file": file,
            "recovered": desk.report,
        });
        writeln!(out, "{line}")?;
    } else {
        for remark in &desk.report.remarks {
            writeln!(out, "{remark}")?;
        }
        if config.feed.simulator {
            writeln!(
                out,
                "DEMO: simulated market, paper broker, demonstration accounts"
            )?;
        }
        match is_terminal {
            true => writeln!(out, "Siaga is ready: http://{bound}/#secret={secret}")?,
            false => writeln!(
                out,
                "Siaga is ready: http://{bound}/ (the secret to sign in with stands in {})",
                file.display()
            )?,
        }
    }
    out.flush()?;
    Ok(())
}

/// What asks the program to stop.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn come(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
