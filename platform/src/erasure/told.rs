//! What a person is told of the events and the audit log about them. What is not listed as told is not told: whoever adds a kind
//! says which it is, or a test says that it is missing.
//!
//! Nobody learns from an export that they are looked at (UU 8/2010 article 12), what authorities asked for, or who of the house did
//! something.

use serde_json::{Map, Value};

/// A name and the fields that are told of it.
type Told = (&'static str, &'static [&'static str]);

/// Events, and the facts of them that are told.
const EVENTS_TOLD: &[Told] = &[
    ("account.opened", &["account", "account_type"]),
    ("cash.approved", &["kind"]),
    ("cash.cancelled", &["kind"]),
    ("cash.confirmed", &["kind", "amount"]),
    ("cash.rejected", &["kind"]),
    (
        "cash.requested",
        &["kind", "amount", "currency", "usd_cents"],
    ),
    ("consent.changed", &["purpose", "granted"]),
    // Reasons of a rejection are told by the case, which calls a suspicion by another name.
    (
        "kyc.approved",
        &["case_id", "from", "to", "attempt", "failed"],
    ),
    (
        "kyc.blocked",
        &["case_id", "from", "to", "attempt", "failed"],
    ),
    (
        "kyc.dispute_resolved",
        &["case_id", "dispute_id", "outcome"],
    ),
    ("kyc.disputed", &["case_id", "dispute_id"]),
    ("kyc.document_typed", &["case_id", "document_id"]),
    (
        "kyc.rejected",
        &["case_id", "from", "to", "attempt", "failed"],
    ),
    (
        "kyc.reopened",
        &["case_id", "from", "to", "attempt", "failed"],
    ),
    (
        "kyc.review_required",
        &["case_id", "from", "to", "attempt", "failed"],
    ),
    (
        "kyc.submitted",
        &["case_id", "from", "to", "attempt", "failed"],
    ),
    ("lead.assigned", &["lead_id", "stage"]),
    ("lead.changed", &["lead_id", "deal_id", "fields"]),
    ("lead.closed", &["lead_id", "stage"]),
    ("lead.created", &["lead_id", "source", "channel"]),
    ("lead.hot", &["lead_id", "score"]),
    ("lead.joined", &["lead_id"]),
    ("lead.merged", &["lead_id"]),
    ("lead.outreach_sent", &["lead_id", "channel"]),
    ("lead.reopened", &["lead_id", "cause"]),
    ("lead.score_crossed", &["lead_id", "score"]),
    ("lead.scored", &["lead_id", "from", "to", "band"]),
    ("lead.stage_moved", &["lead_id", "from", "to", "cause"]),
    ("lead.undone", &["lead_id"]),
    ("subject.erased", &[]),
    ("subject.requested", &["kind"]),
    ("task.changed", &["lead_id", "task_id", "status"]),
    ("task.created", &["lead_id", "task_id"]),
    ("user.claimed", &[]),
    ("user.contact_confirmed", &["what"]),
    ("user.corrected", &["fields"]),
    ("user.invited", &["role"]),
    ("user.left", &[]),
    ("user.preferences_changed", &[]),
    ("user.provider_linked", &["provider"]),
    ("user.provider_unlinked", &["provider"]),
    ("user.referred", &[]),
    ("user.registered", &["role"]),
    ("user.role_changed", &["from", "to"]),
    ("user.sessions_ended", &[]),
    ("user.signed_in", &["client"]),
    ("user.status_changed", &["from", "to"]),
    ("user.tier_changed", &["from", "to"]),
];

/// Events that the house keeps to itself.
#[cfg(test)]
const EVENTS_KEPT: &[&str] = &[
    "aml.alert_raised",
    "aml.case_closed",
    "aml.case_moved",
    "aml.case_opened",
    "aml.report_filed",
    "cash.held",
    "cash.released",
    "compliance.overdue",
    "crm.agent_changed",
    "crm.notice",
    "crm.settings_changed",
    "crm.source_changed",
    "hold.lifted",
    "hold.placed",
    "kyc.dispute_overdue",
    "kyc.files_dropped",
    "kyc.review_overdue",
    "lead.outreach_due",
    "lead.sla_breached",
    "maintenance.changed",
    "sanctions.exception_revoked",
    "sanctions.list_changed",
    "sanctions.list_overdue",
    "sanctions.list_refused",
    "team.added",
    "team.changed",
];

/// Entities of the audit log, and the values of their rows that are told.
const AUDIT_TOLD: &[Told] = &[
    ("account", &["account_type", "user_id"]),
    ("api_key", &["scopes"]),
    // Its status stands with the movement; a row here would tell of one that compliance looks at.
    ("cash_request", &["kind", "amount", "currency", "core_seq"]),
    ("consent", &["purpose", "granted"]),
    ("credential", &["password"]),
    ("deal", &["title", "expected_usd_cents", "status"]),
    ("kyc_case", &["status"]),
    ("kyc_dispute", &["status", "outcome"]),
    (
        "kyc_document",
        &["document_type", "documents", "ocr_status", "status"],
    ),
    (
        "lead",
        &[
            "anonymised",
            "cause",
            "city",
            "email",
            "name",
            "phone",
            "reason",
            "source",
            "stage",
            "status",
        ],
    ),
    ("lead_fact", &["kind", "source"]),
    ("lead_merge", &["status", "reason"]),
    ("lead_note", &["text"]),
    ("lead_outreach", &["status"]),
    ("passkey", &[]),
    ("provider_identity", &["provider"]),
    ("recovery_codes", &["codes"]),
    ("sales_agent", &["cap", "accepting"]),
    (
        "session",
        &[
            "client",
            "confirm",
            "confirmed",
            "keys",
            "sessions",
            "sign_in",
        ],
    ),
    ("subject", &["export"]),
    ("subject_request", &["kind"]),
    ("task", &["title", "status"]),
    ("totp_secret", &[]),
    (
        "user",
        &[
            "confirmed",
            "email",
            "locale",
            "lock",
            "name",
            "on_leave",
            "phone",
            "preferred_assets",
            "provider",
            "risk_appetite",
            "role",
            "status",
            "tier",
            "verified",
        ],
    ),
];

/// Entities of the audit log that the house keeps to itself, or that are of no person.
#[cfg(test)]
const AUDIT_KEPT: &[&str] = &[
    "aml_case",
    "aml_hit",
    "aml_note",
    "aml_report",
    "audit_log",
    "crm_notice",
    "crm_setting",
    "dashboard",
    "event",
    "lead_source",
    "legal_hold",
    "organization",
    "retention_run",
    "sanctions_check",
    "sanctions_source",
    "sanctions_whitelist",
    "signing_key",
    "team",
];

fn names(list: &[Told]) -> Vec<String> {
    list.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn fields(list: &'static [Told], name: &str) -> &'static [&'static str] {
    let found = list.iter().find(|(listed, _)| *listed == name);
    found.map_or(&[][..], |(_, fields)| *fields)
}

fn only(value: Value, fields: &[&str]) -> Value {
    let Value::Object(all) = value else {
        return Value::Null;
    };
    let told: Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| fields.contains(&name.as_str()))
        .collect();
    if told.is_empty() {
        Value::Null
    } else {
        Value::Object(told)
    }
}

/// The kinds of events that are told.
pub(super) fn event_kinds() -> Vec<String> {
    names(EVENTS_TOLD)
}

/// The facts that are told of an event.
pub(super) fn facts(kind: &str, payload: Value) -> Value {
    only(payload, fields(EVENTS_TOLD, kind))
}

/// The entities whose rows are told.
pub(super) fn entities() -> Vec<String> {
    names(AUDIT_TOLD)
}

/// The values before and after that are told of a row; `None` where all it says is kept.
pub(super) fn values(entity: &str, old: Value, new: Value) -> Option<(Value, Value)> {
    let told = fields(AUDIT_TOLD, entity);
    let said_nothing = old.is_null() && new.is_null();
    let (old, new) = (only(old, told), only(new, told));
    (said_nothing || !old.is_null() || !new.is_null()).then_some((old, new))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;

    /// Files that name an event by something other than its own text: every text in them that looks like an event has to be one
    /// that is listed, or one of [`OTHERS`].
    const COMPOSED_EVENTS: [&str; 7] = [
        "aml/cases.rs",
        "aml/cash/step.rs",
        "aml/overdue.rs",
        "crm/merge.rs",
        "identity/ends.rs",
        "kyc/overdue.rs",
        "kyc/scan.rs",
    ];
    /// Parts of the program that act in those files.
    const OTHERS: [&str; 3] = ["aml.overdue", "kyc.ocr", "kyc.overdue"];
    /// Files that name an entity of the audit log in the same way, and all that they may name.
    const COMPOSED_ENTITIES: [(&str, &[&str]); 2] = [
        (
            "aml/overdue.rs",
            &["aml_case", "aml_report", "cash_request"],
        ),
        ("kyc/overdue.rs", &["kyc_case", "kyc_dispute"]),
    ];

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }

    /// What every file says outside its tests, by its path below `src`.
    fn texts() -> Vec<(String, String)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        sources(&root, &mut files);
        files.sort();
        let read = |path: PathBuf| {
            let name = path.strip_prefix(&root).expect("below src");
            let name = name.to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(&path).expect("a source");
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            (name, code.to_owned())
        };
        files.into_iter().map(read).collect()
    }

    /// The text that stands at the beginning, without its quotes.
    fn quoted(code: &str) -> Option<&str> {
        code.trim_start().strip_prefix('"')?.split('"').next()
    }

    fn all_events() -> BTreeSet<&'static str> {
        let told = EVENTS_TOLD.iter().map(|(kind, _)| *kind);
        told.chain(EVENTS_KEPT.iter().copied()).collect()
    }

    fn all_entities() -> BTreeSet<&'static str> {
        let told = AUDIT_TOLD.iter().map(|(entity, _)| *entity);
        told.chain(AUDIT_KEPT.iter().copied()).collect()
    }

    fn looks_like_an_event(text: &str, domains: &BTreeSet<&str>) -> bool {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '_')
        };
        text.split_once('.')
            .is_some_and(|(domain, what)| domains.contains(domain) && is_word(what))
    }

    #[test]
    fn every_event_is_told_or_kept() {
        let known = all_events();
        assert_eq!(
            known.len(),
            EVENTS_TOLD.len() + EVENTS_KEPT.len(),
            "each once"
        );
        let domains: BTreeSet<&str> = known
            .iter()
            .filter_map(|kind| kind.split_once('.'))
            .map(|(domain, _)| domain)
            .collect();
        let (mut emitted, mut composed) = (BTreeSet::new(), BTreeSet::new());
        for (file, code) in texts() {
            for call in code.split("Event::new(").skip(1) {
                match quoted(call) {
                    Some(kind) => {
                        assert!(
                            known.contains(kind),
                            "{file}: say in erasure/told.rs whether a person is told of {kind}"
                        );
                        emitted.insert(kind.to_owned());
                    }
                    None => {
                        composed.insert(file.clone());
                    }
                }
            }
            if COMPOSED_EVENTS.contains(&file.as_str()) {
                for text in code.split('"') {
                    if looks_like_an_event(text, &domains) && !OTHERS.contains(&text) {
                        assert!(
                            known.contains(text),
                            "{file}: say in erasure/told.rs whether a person is told of {text}"
                        );
                        emitted.insert(text.to_owned());
                    }
                }
            }
        }
        let listed: BTreeSet<String> = COMPOSED_EVENTS.map(str::to_owned).into();
        assert_eq!(
            composed, listed,
            "files whose events the test has to look for"
        );
        let missing: Vec<&str> = known
            .into_iter()
            .filter(|kind| !emitted.contains(*kind))
            .collect();
        assert!(missing.is_empty(), "nothing tells of {missing:?} any more");
    }

    #[test]
    fn every_entity_of_the_audit_log_is_told_or_kept() {
        let known = all_entities();
        assert_eq!(
            known.len(),
            AUDIT_TOLD.len() + AUDIT_KEPT.len(),
            "each once"
        );
        let mut composed = BTreeSet::new();
        for (file, code) in texts() {
            for call in code.split("Change::new(").skip(1) {
                let Some((_, rest)) = call.split_once(',') else {
                    continue;
                };
                match quoted(rest) {
                    Some(entity) => assert!(
                        known.contains(entity),
                        "{file}: say in erasure/told.rs whether a person is told of rows of {entity}"
                    ),
                    None => {
                        composed.insert(file.clone());
                    }
                }
            }
        }
        let listed: BTreeSet<String> = COMPOSED_ENTITIES.map(|(file, _)| file.to_owned()).into();
        assert_eq!(
            composed, listed,
            "files whose entities the test has to look for"
        );
        for (file, entities) in COMPOSED_ENTITIES {
            for entity in entities {
                assert!(known.contains(entity), "{file}: {entity}");
            }
        }
    }

    #[test]
    fn what_compliance_does_and_who_did_it_is_not_told() {
        for kept in EVENTS_KEPT {
            assert!(!event_kinds().contains(&(*kept).to_owned()), "{kept}");
        }
        for kept in AUDIT_KEPT {
            assert!(!entities().contains(&(*kept).to_owned()), "{kept}");
        }
        assert_eq!(
            facts("aml.case_opened", json!({"kind": "transactions"})),
            Value::Null
        );
        assert_eq!(
            facts(
                "kyc.rejected",
                json!({"to": "REJECTED", "reason": "watchlist"})
            ),
            json!({"to": "REJECTED"})
        );
        assert_eq!(
            values(
                "kyc_case",
                json!({"watched": false}),
                json!({"watched": true})
            ),
            None
        );
        assert_eq!(
            values("cash_request", Value::Null, json!({"status": "held"})),
            None
        );
        let decided = json!({"status": "confirmed", "by": "an officer", "core_seq": 7});
        assert_eq!(
            values("cash_request", Value::Null, decided),
            Some((Value::Null, json!({"core_seq": 7})))
        );
        assert_eq!(
            values("passkey", Value::Null, Value::Null),
            Some((Value::Null, Value::Null))
        );
    }
}
