//! `siaga sanctions`: lists of sanctions taken from files, and names looked up on them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;
use siaga_platform::aml::fetch;
use siaga_platform::aml::index::Query;
use siaga_platform::aml::lists::PartialDate;
use siaga_platform::aml::lists::country::country;
use siaga_platform::aml::names::Kind;
use siaga_platform::aml::sanctions;
use siaga_platform::core_door::NoCore;
use siaga_platform::people::Principal;
use siaga_platform::unit::Platform;

use super::{Exit, WrongUse};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;

/// What to do with the lists.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show the sources and what of them is in force.
    List,
    /// Take files as the new version of a source; without files, fetch them from its addresses. What is no list, or looks cut, is
    /// refused, and the last good list stays.
    Refresh {
        /// `ofac_sdn`, `ofac_consolidated`, `un`, `dttot`, `proliferation`.
        source: String,
        /// The files in the order of the source: for OFAC names, aliases, addresses, comments.
        files: Vec<PathBuf>,
    },
    /// Look a name up on all lists in force.
    Check {
        /// The name.
        name: String,
        /// `person`, `entity`, `vessel`, `aircraft`.
        #[arg(long)]
        kind: Option<String>,
        /// As far as it is known: 1948, 1948-12, 1948-12-10.
        #[arg(long)]
        birth: Option<String>,
        /// A code or a name; may be given more than once.
        #[arg(long)]
        country: Vec<String>,
    },
}

/// With the embedded database the desk must be stopped.
pub fn run(config: &Config, action: &Action, json: bool) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock = Arc::new(Clock::start());
        let now = Timestamp::from_nanosecond(i128::from(clock.now().0))?;
        let store = Store::open(config.store.url.as_deref(), &config.data.dir, now)
            .await
            .context("the database cannot be used")?;
        let platform = crate::desk::platform::open(
            &store.db,
            &config.platform,
            &config.data.dir,
            clock,
            Arc::new(NoCore),
        )
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
        let done = act(&platform, action, json).await;
        store.db.close().await;
        done
    })
}

async fn act(platform: &Platform, action: &Action, json: bool) -> anyhow::Result<Exit> {
    let by = Principal::system("cli");
    match action {
        Action::List => {
            let sources = sanctions::sources(platform, &by).await?;
            if json {
                println!("{}", serde_json::to_string(&sources)?);
                return Ok(Exit::Well);
            }
            for source in sources {
                let state = state(source.version, source.entries, source.error.as_deref());
                println!("{:<18} {state}", source.name);
            }
            Ok(Exit::Well)
        }
        Action::Refresh { source, files } => {
            let mut read = Vec::with_capacity(files.len());
            for file in files {
                read.push(
                    std::fs::read(file)
                        .with_context(|| format!("{} cannot be read", file.display()))?,
                );
            }
            let taken = match files.is_empty() {
                true => fetch::refresh(platform, &by, source.clone()).await?,
                false => sanctions::take(platform, &by, source.clone(), read).await?,
            };
            if json {
                println!("{}", serde_json::to_string(&taken)?);
            } else if taken.adopted {
                println!(
                    "{}: version {} with {} entries; {} new, {} changed, {} gone",
                    taken.source,
                    taken.version,
                    taken.entries,
                    taken.added,
                    taken.changed,
                    taken.removed
                );
            } else {
                println!(
                    "{}: unchanged, version {} with {} entries",
                    taken.source, taken.version, taken.entries
                );
            }
            Ok(Exit::Well)
        }
        Action::Check {
            name,
            kind,
            birth,
            country: countries,
        } => {
            let kind = match kind.as_deref() {
                None => None,
                Some(text) => Some(Kind::parse(text).ok_or_else(|| {
                    WrongUse("--kind is person, entity, vessel or aircraft".into())
                })?),
            };
            let birth = match birth.as_deref() {
                None => None,
                Some(text) => Some(PartialDate::read(text).ok_or_else(|| {
                    WrongUse("--birth is a year, a month or a day: 1948-12-10".into())
                })?),
            };
            let query = Query {
                names: vec![name.clone()],
                kind,
                birth,
                countries: countries.iter().filter_map(|text| country(text)).collect(),
            };
            let (hits, searched) = sanctions::check(platform, &by, query).await?;
            if json {
                let hits: Vec<_> = hits
                    .iter()
                    .map(|hit| {
                        serde_json::json!({ "source": hit.listed.source, "uid": hit.listed.entry.uid, "name": hit.name,
                            "score": hit.grade.score, "list_score": hit.list_score })
                    })
                    .collect();
                println!(
                    "{}",
                    serde_json::json!({ "searched": searched, "hits": hits })
                );
            } else {
                println!("{searched} entries searched, {} near", hits.len());
                for hit in &hits {
                    let score = hit.grade.score;
                    println!(
                        "{:>3}.{} {:>3}  {} {}  {}",
                        score / 10,
                        score % 10,
                        hit.list_score,
                        hit.listed.source,
                        hit.listed.entry.uid,
                        hit.name
                    );
                }
            }
            Ok(if hits.is_empty() {
                Exit::Well
            } else {
                Exit::Found
            })
        }
    }
}

/// What of a source is in force, and why nothing newer is: a failed try leaves the list before it in force.
fn state(version: i64, entries: i64, error: Option<&str>) -> String {
    let in_force = match version {
        0 => "never taken".to_owned(),
        version => format!("version {version}, {entries} entries"),
    };
    match error {
        None => in_force,
        Some(error) => format!("{in_force}; last try refused: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_try_does_not_hide_the_list_in_force() {
        for (version, error, expected) in [
            (0, None, "never taken"),
            (
                0,
                Some("no answer"),
                "never taken; last try refused: no answer",
            ),
            (1, None, "version 1, 7379 entries"),
            (
                1,
                Some("no answer"),
                "version 1, 7379 entries; last try refused: no answer",
            ),
        ] {
            assert_eq!(state(version, 7_379, error), expected);
        }
    }
}
