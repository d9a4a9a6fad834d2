//! What the CRM is asked on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::gateway::json::given;

/// A lead that comes in.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadCaptureRequest {
    /// `instagram`, `web`; a hook has its own.
    pub source: Option<String>,
    /// `web` when absent.
    pub channel: Option<String>,
    pub name: Option<String>,
    /// Indonesian unless it begins with `+`.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub city: Option<String>,
    #[serde(default)]
    pub interests: Vec<String>,
    /// `source`, `medium`, `campaign`, `term`, `content`; others are dropped.
    #[schema(value_type = Option<Object>)]
    pub utm: Option<serde_json::Value>,
    /// The partner who brought them.
    pub referrer_id: Option<Uuid>,
    /// When it was said, UTC microseconds; now when absent.
    pub observed_at: Option<u64>,
}

/// What is to be changed of a lead: null empties a field, one that is left out stays.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadChange {
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub name: Option<Option<String>>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Option<String>>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<String>>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub city: Option<Option<String>>,
    /// Replaces all of them.
    pub interests: Option<Vec<String>>,
    pub revision: Option<i64>,
}

/// Where a lead is moved.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadStageRequest {
    pub stage: String,
    /// Needed against the order of the pipeline.
    pub reason: Option<String>,
    pub revision: Option<i64>,
}

/// Why, and which revision was seen.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadReasonRequest {
    pub reason: String,
    pub revision: Option<i64>,
}

/// To whom a lead is given.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadAssignRequest {
    /// Null is the pool.
    pub to: Option<Uuid>,
    pub reason: Option<String>,
}

/// A note of a talk.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadNoteRequest {
    /// `note`, `call` or `meeting`.
    pub kind: String,
    pub text: String,
}

/// A fact that a person saw.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadFactRequest {
    /// `name`, `city`, `interest`, `source`, `engaged` or `budget_confirmed`.
    pub kind: String,
    pub source: String,
    pub proof: Option<String>,
}

/// A task.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrmTaskRequest {
    pub lead: Uuid,
    pub title: String,
    pub description: Option<String>,
    /// `critical`, `high`, `medium` or `low`; `medium` when absent.
    pub priority: Option<String>,
    /// UTC microseconds.
    pub due_at: u64,
    /// The lead's agent when absent.
    pub assignee: Option<Uuid>,
}

/// What is to be changed of a task.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrmTaskPatch {
    pub status: Option<String>,
    pub priority: Option<String>,
    /// UTC microseconds.
    pub due_at: Option<u64>,
    pub assignee: Option<Uuid>,
    pub revision: i64,
}

/// A deal.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DealRequest {
    pub title: String,
    /// Decimal text.
    pub expected_usd: String,
}

/// What is to be changed of a deal: at least one of its fields.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DealPatch {
    /// `open`, `won` or `lost`.
    pub status: Option<String>,
    pub title: Option<String>,
    /// Decimal text.
    pub expected_usd: Option<String>,
    pub revision: i64,
}

/// What is said of an agent.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesAgentRequest {
    pub territories: Vec<String>,
    pub skills: Vec<String>,
    /// At most 50.
    pub cap: u32,
    pub accepting: bool,
}

/// How agents are chosen.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRuleRequest {
    /// `round_robin`, `territory` or `skill`.
    pub rule: String,
}

/// A source.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadSourceRequest {
    pub name: String,
    pub channel: String,
}

/// Whether a source takes leads.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadSourcePatch {
    pub active: bool,
}

/// Whether an agent is away.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesAbsenceRequest {
    pub on_leave: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_empties_a_field_and_is_another_request_than_none() {
        let read = |text: &str| serde_json::from_str::<LeadChange>(text).expect("a change");
        let emptied = read(r#"{"city":null,"name":"Sari"}"#);
        assert_eq!(emptied.city, Some(None));
        assert_eq!(emptied.name, Some(Some("Sari".to_owned())));
        assert_eq!(emptied.phone, None);
        let written = |change: &LeadChange| serde_json::to_string(change).expect("JSON");
        assert_ne!(written(&emptied), written(&read(r#"{"name":"Sari"}"#)));
    }
}
