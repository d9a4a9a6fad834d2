//! Which files to apply: a pure decision from the files, what was applied and what the database offers.

use siaga_platform::db::DbError;

use super::checksum;

/// A file of the migration set.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// File name without `.sql`; the order of names is the order of application.
    pub name: &'static str,
    /// Its text.
    pub sql: &'static str,
}

/// A file with its header understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// File name without `.sql`.
    pub name: &'static str,
    /// Its text.
    pub sql: &'static str,
    /// `-- requires:` what the database must offer.
    pub requires: Vec<&'static str>,
    /// `-- choice:` of the files of one choice the first that can be applied is, for good.
    pub choice: Option<&'static str>,
    /// `-- after:` applied only where that file was.
    pub after: Option<&'static str>,
    /// `-- contract`: a program that does not know this file must not run on the database.
    pub contract: bool,
}

/// A row of `schema_versions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// File name without `.sql`.
    pub name: String,
    /// Checksum of the text that was applied.
    pub checksum: String,
    /// The choice it decided.
    pub choice: Option<String>,
    /// Whether older programs must stay away.
    pub contract: bool,
}

/// SQL tier for time series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Native partitions.
    #[default]
    Plain,
    /// TimescaleDB, Apache edition: hypertables.
    Apache,
    /// TimescaleDB, community edition: compression and retention policies too.
    Community,
}

impl Tier {
    /// The tier of `timescaledb.license`; `None` where the extension could not be loaded.
    pub fn of_edition(license: Option<&str>) -> Self {
        match license {
            Some("timescale") => Tier::Community,
            Some(_) => Tier::Apache,
            None => Tier::Plain,
        }
    }
}

/// What the database offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// A PostgreSQL server, not the embedded database: ticks may be stored.
    pub server: bool,
    /// pgvector can be created.
    pub vector: bool,
    /// pg_trgm can be created.
    pub pg_trgm: bool,
    /// Time series tier.
    pub tier: Tier,
}

impl Capabilities {
    fn offer(&self, need: &str) -> bool {
        match need {
            "server" => self.server,
            "vector" => self.vector,
            "pg_trgm" => self.pg_trgm,
            "timescaledb" => self.tier >= Tier::Apache,
            "timescaledb-community" => self.tier >= Tier::Community,
            _ => false,
        }
    }
}

/// What is to be done about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Applied before.
    Done(&'static str),
    /// To be applied now.
    Apply(Migration),
    /// Not for this database, and why.
    Skip(Migration, String),
}

/// Why a database was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The file was changed after it had been applied.
    #[error(
        "migration {name} was edited after it had been applied; restore the file and put the change into a new one"
    )]
    Edited {
        /// File name without `.sql`.
        name: &'static str,
    },
    /// A newer program removed or changed what this one needs.
    #[error(
        "the database was migrated by a newer Siaga ({name}) that this one cannot work with; start the newer one, or restore the backup made before it"
    )]
    TooNew {
        /// File this program does not know.
        name: String,
    },
    /// The header of a file is not understood.
    #[error("migration {name}: header line {line:?} is not understood")]
    Header {
        /// File name without `.sql`.
        name: &'static str,
        /// The line.
        line: String,
    },
    /// PostgreSQL refused a statement of the file.
    #[error(
        "migration {name} was not applied: {error}; the files before it are, and the database is as they left it"
    )]
    Failed {
        /// File name without `.sql`.
        name: &'static str,
        /// Why.
        error: DbError,
    },
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Decides for every file.
///
/// # Errors
/// An edited file, an unknown contract step in the database, or a header that is not understood.
pub fn plan(
    files: &[Source],
    applied: &[Applied],
    capabilities: &Capabilities,
) -> Result<Vec<Step>, MigrateError> {
    let unknown = |row: &&Applied| row.contract && files.iter().all(|file| file.name != row.name);
    if let Some(row) = applied.iter().find(unknown) {
        return Err(MigrateError::TooNew {
            name: row.name.clone(),
        });
    }
    let mut chosen: Vec<String> = applied
        .iter()
        .filter_map(|row| row.choice.clone())
        .collect();
    let mut there: Vec<String> = applied.iter().map(|row| row.name.clone()).collect();
    let mut steps = Vec::with_capacity(files.len());
    for file in files {
        if let Some(row) = applied.iter().find(|row| row.name == file.name) {
            if row.checksum != checksum(file.sql) {
                return Err(MigrateError::Edited { name: file.name });
            }
            steps.push(Step::Done(file.name));
            continue;
        }
        let migration = Migration::read(file)?;
        match migration.obstacle(&chosen, &there, capabilities) {
            Some(why) => steps.push(Step::Skip(migration, why)),
            None => {
                chosen.extend(migration.choice.map(str::to_owned));
                there.push(migration.name.to_owned());
                steps.push(Step::Apply(migration));
            }
        }
    }
    Ok(steps)
}

impl Migration {
    /// Reads the header: the comment lines of form `-- key: value` before the first other line.
    ///
    /// # Errors
    /// [`MigrateError::Header`] for an unknown need.
    pub fn read(file: &Source) -> Result<Self, MigrateError> {
        let mut migration = Migration {
            name: file.name,
            sql: file.sql,
            requires: Vec::new(),
            choice: None,
            after: None,
            contract: false,
        };
        for line in file.sql.lines().map_while(|line| line.strip_prefix("-- ")) {
            match line.split_once(": ") {
                Some(("requires", needs)) => migration.requires.extend(needs.split_whitespace()),
                Some(("choice", choice)) => migration.choice = Some(choice.trim()),
                Some(("after", name)) => migration.after = Some(name.trim()),
                _ if line.trim() == "contract" => migration.contract = true,
                _ => {}
            }
        }
        const NEEDS: [&str; 5] = [
            "server",
            "vector",
            "pg_trgm",
            "timescaledb",
            "timescaledb-community",
        ];
        match migration.requires.iter().find(|need| !NEEDS.contains(need)) {
            Some(need) => Err(MigrateError::Header {
                name: file.name,
                line: format!("requires: {need}"),
            }),
            None => Ok(migration),
        }
    }

    fn obstacle(
        &self,
        chosen: &[String],
        there: &[String],
        capabilities: &Capabilities,
    ) -> Option<String> {
        if let Some(choice) = self.choice
            && chosen.iter().any(|taken| taken == choice)
        {
            return Some(format!("another file of the choice {choice:?} is applied"));
        }
        if let Some(after) = self.after
            && there.iter().all(|name| name != after)
        {
            return Some(format!("{after} is not applied"));
        }
        let missing = self
            .requires
            .iter()
            .find(|need| !capabilities.offer(need))?;
        Some(format!("the database does not offer {missing}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::FILES;
    use super::*;

    fn names(capabilities: &Capabilities, applied: &[Applied]) -> Vec<&'static str> {
        let steps = plan(FILES, applied, capabilities).expect("plan");
        let apply = |step| match step {
            Step::Apply(migration) => Some(migration.name),
            _ => None,
        };
        steps.into_iter().filter_map(apply).collect()
    }

    fn server(tier: Tier) -> Capabilities {
        Capabilities {
            server: true,
            tier,
            ..Capabilities::default()
        }
    }

    fn row(name: &str, sql: &str) -> Applied {
        Applied {
            name: name.into(),
            checksum: checksum(sql),
            choice: None,
            contract: false,
        }
    }

    #[test]
    fn each_tier_gets_its_ticks() {
        let ticks = |capabilities| -> Vec<_> {
            let of_tier = |name: &&str| name.contains("ticks") || name.contains("hypertable");
            names(&capabilities, &[])
                .into_iter()
                .filter(of_tier)
                .collect()
        };
        assert_eq!(
            ticks(Capabilities::default()),
            [""; 0],
            "the embedded database keeps no ticks"
        );
        assert_eq!(
            ticks(server(Tier::Plain)),
            ["0009b_ticks_partitions", "0014_ticks_other"]
        );
        assert_eq!(
            ticks(server(Tier::Apache)),
            ["0009a_ticks_hypertable", "0011_bars_hypertable"]
        );
        assert_eq!(
            ticks(server(Tier::Community)),
            [
                "0009a_ticks_hypertable",
                "0010_ticks_compression",
                "0011_bars_hypertable"
            ]
        );
    }

    #[test]
    fn meanings_are_compared_exactly_until_there_is_an_index() {
        let semantic = |vector| -> Vec<_> {
            let capabilities = Capabilities {
                vector,
                ..server(Tier::Plain)
            };
            let names = names(&capabilities, &[]).into_iter();
            names.filter(|name| name.contains("semantic")).collect()
        };
        assert_eq!(semantic(false), ["0076_semantic"]);
        assert_eq!(semantic(true), ["0076_semantic", "0077_semantic_vector"]);
    }

    #[test]
    fn editions_name_the_tier() {
        assert_eq!(Tier::of_edition(Some("timescale")), Tier::Community);
        assert_eq!(Tier::of_edition(Some("apache")), Tier::Apache);
        assert_eq!(Tier::of_edition(None), Tier::Plain);
    }

    #[test]
    fn a_choice_once_made_stays() {
        let partitions = FILES
            .iter()
            .find(|file| file.name == "0009b_ticks_partitions")
            .expect("file");
        let mut applied = row(partitions.name, partitions.sql);
        applied.choice = Some("ticks".into());
        let names = names(&server(Tier::Community), &[applied]);
        assert!(
            !names.contains(&"0009a_ticks_hypertable")
                && !names.contains(&"0010_ticks_compression")
        );
        assert!(
            names.contains(&"0011_bars_hypertable"),
            "an extension that came later is used where it can be"
        );
    }

    #[test]
    fn an_edited_file_is_refused() {
        let edited = row(FILES[0].name, "SELECT 1");
        let refused = plan(FILES, &[edited], &Capabilities::default());
        assert!(matches!(refused, Err(MigrateError::Edited { name }) if name == FILES[0].name));
    }

    #[test]
    fn a_newer_database_is_served_unless_it_was_contracted() {
        let mut newer = row("9999_future", "");
        assert!(
            plan(
                FILES,
                std::slice::from_ref(&newer),
                &Capabilities::default()
            )
            .is_ok()
        );
        newer.contract = true;
        let refused = plan(FILES, &[newer], &Capabilities::default());
        assert!(matches!(refused, Err(MigrateError::TooNew { name }) if name == "9999_future"));
    }

    #[test]
    fn an_unknown_need_is_refused_and_never_skipped_silently() {
        let file = Source {
            name: "0001_x",
            sql: "-- requires: timescale\nSELECT 1;",
        };
        assert!(matches!(
            Migration::read(&file),
            Err(MigrateError::Header { .. })
        ));
    }

    #[test]
    fn the_list_is_the_folder() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("migrations")
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .into_string()
                    .expect("name")
            })
            .collect();
        found.sort();
        let listed: Vec<String> = FILES
            .iter()
            .map(|file| format!("{}.sql", file.name))
            .collect();
        assert_eq!(found, listed);
    }
}
