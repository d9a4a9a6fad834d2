//! An import of terms: what was sent, and what it changes.

use std::collections::BTreeMap;

use serde::Serialize;
use siaga_risk::ids::ActorId;
use siaga_risk::verdict::Reject;
use utoipa::ToSchema;

use crate::gateway::core::CoreError;
use crate::gateway::error::{ApiError, Fault, Reason};
use crate::wire;

/// Files of terms that somebody sent.
#[derive(Clone, Debug)]
pub struct TermsImport {
    /// Their texts by their names (`siaga_feed::catalog::Files::NAMES`).
    pub files: BTreeMap<&'static str, String>,
    /// Who answers for the changes; without one they are only shown.
    pub by: Option<ActorId>,
}

/// Whether there was something of this kind and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermsWhat {
    Added,
    Changed,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermsOutcome {
    /// An import would make it.
    Shown,
    /// It is in force.
    Applied,
    /// An import would be refused for it: `reasons` say why and what to do.
    Refused,
}

/// When something of an import counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermsWhen {
    Now,
    Restart,
}

wire! {
    /// A field of terms, as the journal holds its values: ratios in 10^-12, times in nanoseconds, prices and sizes in steps, money in
    /// minor units.
    pub struct TermsField {
        /// Its path: `halt.factor`, `rules[0].bands[1].to`.
        pub field: String,
        /// `-` where there is none.
        pub from: String,
        pub to: String,
    }

    /// A change of terms.
    pub struct TermsDiff {
        /// `instrument EUR/USD`, `group 3`.
        pub terms: String,
        pub what: TermsWhat,
        /// The file that says so, and the line in it, from 1.
        pub file: String,
        pub line: Option<u64>,
        /// What differs; nothing where it is new.
        pub fields: Vec<TermsField>,
        pub outcome: TermsOutcome,
        pub reasons: Vec<Reason>,
    }

    /// Something that files of terms say beside terms: calendars, holidays, names, symbols at venues, the simulated market.
    pub struct TermsBeside {
        pub name: String,
        /// What differs; nothing where a whole file does.
        pub fields: Vec<TermsField>,
        pub takes_effect: TermsWhen,
    }

    /// When an import counts.
    pub struct TermsEffect {
        pub terms: TermsWhen,
        /// Sources of prices, sessions and nights, and the symbols a bridge knows: they are taken up at a start, so a new instrument has
        /// no price until then.
        pub feeds: TermsWhen,
    }

    /// What an import changes, or would.
    pub struct TermsImportDto {
        pub dry_run: bool,
        /// In the order in which they go in.
        pub changes: Vec<TermsDiff>,
        pub beside: Vec<TermsBeside>,
        /// Terms of the files that are in force as they stand there.
        pub unchanged: u64,
        pub takes_effect: TermsEffect,
        /// Sequence of the last input; absent where none was needed.
        pub seq: Option<u64>,
    }
}

/// Why an import was not made, or not all of it.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportFault {
    /// A file cannot be read; nothing was changed.
    Unreadable {
        file: String,
        line: Option<usize>,
        message: String,
    },
    /// The desk would refuse a change; nothing was changed.
    Refused { at: String, reasons: Vec<Reject> },
    /// The desk refused a change behind others that are in force.
    Halfway {
        applied: Vec<String>,
        at: String,
        reasons: Vec<Reject>,
    },
    /// No answer came for a change behind others that are in force.
    Broken {
        applied: Vec<String>,
        at: String,
        error: CoreError,
    },
}

impl From<ImportFault> for ApiError {
    fn from(fault: ImportFault) -> ApiError {
        match fault {
            ImportFault::Unreadable {
                file,
                line,
                message,
            } => {
                let at = line.map_or_else(String::new, |line| format!("line {line}: "));
                let detail =
                    format!("{at}{message}; correct it and send it again, nothing was changed");
                ApiError::field(file, detail)
            }
            ImportFault::Refused { at, reasons } => {
                let refused = ApiError::refused(reasons);
                let detail = format!("{at}: {}; nothing was changed", refused.detail);
                ApiError { detail, ..refused }
            }
            ImportFault::Halfway {
                applied,
                at,
                reasons,
            } => {
                let refused = ApiError::refused(reasons);
                let detail = format!("{at}: {}; {}", refused.detail, in_force(&applied));
                ApiError { detail, ..refused }
            }
            ImportFault::Broken { applied, at, error } => {
                let said = ApiError::from(error);
                let this = match said.fault {
                    Fault::Timeout | Fault::Unsure | Fault::NotPassedOn => "may be in force",
                    _ => "is not in force",
                };
                let detail = format!("{at} {this}; {}", in_force(&applied));
                ApiError { detail, ..said }
            }
        }
    }
}

/// What stands of an import that ended early, and what to do.
fn in_force(applied: &[String]) -> String {
    let names = match applied.is_empty() {
        true => "nothing else".to_owned(),
        false => applied.join(", "),
    };
    format!(
        "in force of this import: {names}; send the files again when the cause is gone: what is in force is left alone"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_that_ended_early_says_what_stands() {
        let told = ApiError::from(ImportFault::Broken {
            applied: vec!["group 1".to_owned(), "group 2".to_owned()],
            at: "group 3 (groups.toml, line 5)".to_owned(),
            error: CoreError::Busy,
        });
        assert_eq!((told.fault, told.retry_after_s), (Fault::Busy, Some(1)));
        assert!(
            told.detail
                .contains("group 3 (groups.toml, line 5) is not in force")
                && told.detail.contains("group 1, group 2")
                && !told.detail.contains("nothing was changed"),
            "{}",
            told.detail
        );
        let told = ApiError::from(ImportFault::Broken {
            applied: Vec::new(),
            at: "group 3".to_owned(),
            error: CoreError::Timeout,
        });
        let detail = told.detail;
        assert!(detail.contains("group 3 may be in force"), "{detail}");
        let told = ApiError::from(ImportFault::Unreadable {
            file: "groups.toml".to_owned(),
            line: Some(7),
            message: "unknown field".to_owned(),
        });
        assert_eq!(told.field.as_deref(), Some("groups.toml"));
        let detail = told.detail;
        assert!(detail.starts_with("line 7: unknown field"), "{detail}");
    }
}
