//! `siaga whatif`: a scenario tried on the state of a stopped desk.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use siaga_feed::catalog::Catalog;
use siaga_risk::whatif;

use super::{Exit, moves, progress};
use crate::config::Config;
use crate::desk::kept_names::KeptNames;
use crate::desk::names::NameSource;
use crate::desk::recover;
use crate::desk::sources;
use crate::gateway::dto::whatif::{
    AffectedDto, WhatIfDto, WhatIfRequest, answer, fault, named, read,
};
use crate::gateway::error::ApiError;

/// What is imagined.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A named day, or a file (TOML or JSON) of the form of POST /api/v1/whatif; without it the days are listed.
    #[arg(long)]
    pub scenario: Option<String>,
    /// Most accounts listed.
    #[arg(long)]
    pub rows: Option<usize>,
}

/// Tries the scenario on the state in the data directory.
///
/// # Errors
/// The data directory is in use or holds nothing, or the scenario is wrong.
pub fn run(config: &Config, args: &Args, json: bool) -> anyhow::Result<Exit> {
    let Some(asked) = &args.scenario else {
        list(json);
        return Ok(Exit::Well);
    };
    let mut request = request(asked)?;
    request.rows = args.rows.or(request.rows);
    // On a machine that has seen nothing every scenario is harmless.
    recover::started(&config.data.dir)?;
    let bar = progress(json, 0, "replaying");
    let mut machine = recover::look(&config.data.dir, moves(&bar))?;
    bar.finish_and_clear();
    let names = NameSource {
        catalog: Arc::new(Catalog::shipped_with(&sources(config))?),
        kept: Arc::new(KeptNames::open(&config.data.dir)?),
    };
    let names = names.directory(&machine.terms());
    let read = read(&request, &names).map_err(said)?;
    let outcome = whatif::run(&mut machine, &read.scenario);
    let outcome = outcome.map_err(|wrong| said(fault(wrong, &names)))?;
    let answer = answer(&outcome, &read, &names);
    if json {
        println!("{}", serde_json::to_string(&answer)?);
    } else {
        print!("{}", text(&answer));
    }
    Ok(Exit::Well)
}

/// A day by its name, or a file.
fn request(asked: &str) -> anyhow::Result<WhatIfRequest> {
    if named().iter().any(|one| one.name == asked) {
        return Ok(WhatIfRequest {
            scenario: Some(asked.to_owned()),
            ..WhatIfRequest::default()
        });
    }
    let path = Path::new(asked);
    if !path.is_file() {
        let known: Vec<&str> = named().iter().map(|one| one.name.as_str()).collect();
        bail!("{asked} is neither a file nor one of {}", known.join(", "));
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{asked} cannot be read"))?;
    let is_json = text.trim_start().starts_with('{');
    if is_json {
        serde_json::from_str(&text).with_context(|| format!("{asked} is no scenario"))
    } else {
        toml::from_str(&text).with_context(|| format!("{asked} is no scenario"))
    }
}

fn said(error: ApiError) -> anyhow::Error {
    match error.field {
        Some(field) => anyhow::anyhow!("{field}: {}", error.detail),
        None => anyhow::anyhow!(error.detail),
    }
}

fn list(json: bool) {
    if json {
        let all = crate::gateway::dto::whatif::named_list();
        println!("{}", serde_json::json!({ "scenarios": all.items }));
        return;
    }
    for one in named() {
        println!("{:10} {}\n{:10} {}", one.name, one.title, "", one.source);
    }
}

fn text(answer: &WhatIfDto) -> String {
    let mut lines = Vec::new();
    for (at, step) in answer.steps.iter().enumerate() {
        lines.push(format!(
            "{at:2}  {:32} called {:5}  restricted {:5}  stopped out {:5}  protective {:5}  deals {:5}",
            step.label, step.called, step.restricted, step.stopped_out, step.protective, step.deals
        ));
    }
    let totals = &answer.totals;
    lines.push(format!(
        "{} accounts: equity {} to {} {}, at risk {}; worst state: called {}, restricted {}, stopped out {}",
        totals.accounts,
        totals.equity_before,
        totals.equity_after,
        answer.currency,
        totals.at_risk,
        totals.called,
        totals.restricted,
        totals.stopped_out
    ));
    lines.extend(answer.affected.iter().map(row));
    if answer.is_cut {
        lines.push("there are more: ask for more rows".to_owned());
    }
    lines.join("\n") + "\n"
}

fn row(row: &AffectedDto) -> String {
    let level = |level: &Option<String>| level.clone().unwrap_or_else(|| "none".to_owned());
    format!(
        "{:>8}  {:28} step {:2}  {:?}  level {} % to {} %  equity {} to {} to {} {}  at risk {}",
        row.account,
        row.name,
        row.step,
        row.hit.state,
        level(&row.before.level_pct),
        level(&row.hit.level_pct),
        row.before.equity,
        row.hit.equity,
        row.after.equity,
        row.currency,
        row.at_risk
    )
}
