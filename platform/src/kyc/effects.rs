//! What happens behind a commit of KYC, and what KYC does about the events of others.

use std::sync::Arc;

use serde_json::Value;

use super::account::{open_account, settle_lock};
use super::scan::{recheck, scan};
use super::state::State;
use super::{Kyc, calls, notice, rows};
use crate::aml::cases::is_watched;
use crate::audit::{Action, Change};
use crate::outbox::{Effect, EffectError, Running, Stored, Subscriber};
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};

/// The engine's effects: reading, accounts and locks in the core, notices, files.
pub fn effects(kyc: &Kyc) -> Vec<Arc<dyn Effect>> {
    vec![
        Arc::new(Reader(kyc.clone())),
        Arc::new(Accounts(kyc.clone())),
        Arc::new(Notices(kyc.clone())),
        Arc::new(Calls(kyc.clone())),
        Arc::new(Files(kyc.clone())),
    ]
}

/// The engine's subscribers.
pub fn subscribers() -> Vec<Arc<dyn Subscriber>> {
    vec![Arc::new(Watch)]
}

/// Reads documents that were handed in.
struct Reader(Kyc);

impl Effect for Reader {
    fn name(&self) -> &'static str {
        "kyc.ocr"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "kyc.submitted"
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            match scan(&self.0, event.aggregate_id).await {
                Ok(()) => Ok(()),
                // A store that does not answer is asked again, like the database.
                Err(refusal) if refusal.fault() == Some(super::faults::STORE) => {
                    Err(EffectError::Later(refusal.to_string()))
                }
                Err(refusal) => Err(refusal.into()),
            }
        })
    }
}

/// Opens, locks and unlocks accounts of the core.
struct Accounts(Kyc);

impl Effect for Accounts {
    fn name(&self) -> &'static str {
        "kyc.accounts"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "kyc.approved"
                | "kyc.disputed"
                | "kyc.dispute_resolved"
                | "aml.case_opened"
                | "aml.case_closed"
        )
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let Some(user) = event.key("user_id") else {
                return Err(EffectError::Never("the event names no user".into()));
            };
            match event.kind.as_str() {
                "kyc.approved" => open_account(&self.0, user).await,
                // Cases that were not found true, and are not, lock nothing.
                "aml.case_opened" | "aml.case_closed" if !is_found_true(&event.payload) => Ok(()),
                _ => settle_lock(&self.0.platform, user).await,
            }
        })
    }
}

/// Whether a case of sanctions was found true, or is not any more.
fn is_found_true(facts: &Value) -> bool {
    let is = |name: &str, values: &[&str]| {
        facts[name]
            .as_str()
            .is_some_and(|value| values.contains(&value))
    };
    is("kind", &["sanctions"])
        && (is("to", &["confirmed", "reported"])
            || is("from", &["confirmed"])
            || facts["taken_back"] == Value::Bool(true))
}

/// Tells who may decide that a term is over.
struct Calls(Kyc);

impl Effect for Calls {
    fn name(&self) -> &'static str {
        "kyc.calls"
    }

    fn wants(&self, kind: &str) -> bool {
        calls::Call::of(kind).is_some()
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(calls::send(&self.0, event))
    }
}

/// Tells clients.
struct Notices(Kyc);

impl Effect for Notices {
    fn name(&self) -> &'static str {
        "kyc.notices"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "kyc.approved"
                | "kyc.rejected"
                | "kyc.blocked"
                | "kyc.disputed"
                | "kyc.dispute_resolved"
        )
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(notice::tell(&self.0, event))
    }
}

/// Takes away files that no row names any more.
struct Files(Kyc);

impl Effect for Files {
    fn name(&self) -> &'static str {
        "kyc.files"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "kyc.files_dropped"
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let paths = event.payload["paths"].as_array();
            for path in paths.into_iter().flatten().filter_map(|path| path.as_str()) {
                let removed = self.0.vault.remove(path).await;
                removed.map_err(|refusal| EffectError::Later(refusal.to_string()))?;
            }
            Ok(())
        })
    }
}

/// An open case of sanctions or monitoring bars the approval of its client until it is closed.
struct Watch;

impl Subscriber for Watch {
    fn name(&self) -> &'static str {
        "kyc.watch"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, "aml.case_opened" | "aml.case_closed")
    }

    fn apply(&self, unit: &mut Unit<'_, '_>, event: &Stored) -> Result<(), Refusal> {
        let Some(user) = event.key("user_id") else {
            return Ok(());
        };
        let Some(mut case) = rows::lock_case_of(unit.tx(), user)? else {
            return Ok(());
        };
        // Of several cases one may close while another stays open.
        let before = std::mem::replace(&mut case.watched, is_watched(unit.tx(), user)?);
        if case.watched == before {
            return Ok(());
        }
        if matches!(
            case.standing.state,
            State::ReviewRequired | State::ProcessingOcr
        ) {
            recheck(unit, &mut case)?;
        }
        rows::save_case(unit, &mut case)?;
        unit.audit(
            Change::new(Action::Update, "kyc_case", case.id)
                .about(user)
                .field("watched", before, case.watched),
        );
        Ok(())
    }
}
