//! What a receiver is given: the alert with its texts and the stable id of the delivery.

use serde::Serialize;
use siaga_risk::units::Ts;

use crate::alert::{Alert, AlertState, ChangeKind, Severity};
use crate::outbox::{Delivery, DeliveryId};
use crate::text::{self, Language, Names};

/// A delivery, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stable over attempts: receivers drop what they have seen.
    pub id: String,
    /// When this attempt is made.
    pub now: Ts,
    pub severity: Severity,
    pub title: String,
    /// JSON, the same bytes for every attempt.
    pub body: String,
}

/// The id of a delivery as receivers see it.
pub fn wire_id(id: &DeliveryId) -> String {
    format!("alert_{}_{}_{}", id.alert, id.revision, id.sink)
}

/// The name of a change on the wire.
pub const fn event_name(what: ChangeKind) -> &'static str {
    match what {
        ChangeKind::Pending => "pending",
        ChangeKind::Fired => "fired",
        ChangeKind::Rose => "rose",
        ChangeKind::Eased => "eased",
        ChangeKind::Updated => "updated",
        ChangeKind::Acknowledged => "acknowledged",
        ChangeKind::Unacknowledged => "unacknowledged",
        ChangeKind::Assigned => "assigned",
        ChangeKind::Commented => "commented",
        ChangeKind::Snoozed => "snoozed",
        ChangeKind::SnoozeEnded => "snooze_ended",
        ChangeKind::Silenced => "silenced",
        ChangeKind::SilenceEnded => "silence_ended",
        ChangeKind::Inhibited => "inhibited",
        ChangeKind::InhibitionEnded => "inhibition_ended",
        ChangeKind::Escalated => "escalated",
        ChangeKind::Flapping => "flapping",
        ChangeKind::Resolved => "resolved",
        ChangeKind::Archived => "archived",
        ChangeKind::Withdrawn => "withdrawn",
    }
}

/// The name of a state on the wire.
pub const fn state_name(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Acknowledged => "acknowledged",
        AlertState::Resolved => "resolved",
        AlertState::Archived => "archived",
    }
}

/// The name of a severity on the wire.
pub const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
        Severity::Emergency => "emergency",
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    /// RFC 3339 is for people; receivers compare integers.
    timestamp_us: u64,
    delivery: &'a str,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: String,
    revision: u32,
    rule: &'static str,
    fingerprint: String,
    severity: &'static str,
    state: &'static str,
    title: &'a str,
    summary: &'a str,
    advice: &'a str,
    labels: Labels,
    value: Option<String>,
    raise: Option<String>,
    clear: Option<String>,
    money_at_risk: Option<String>,
    started_us: u64,
    ended_us: Option<u64>,
    owner: Option<u32>,
    escalated: u8,
    flapping: bool,
    unrecorded: bool,
    evidence_seq: u64,
}

#[derive(Serialize)]
struct Labels {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instrument: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    desk: Option<String>,
}

/// Writes a delivery for its receiver.
pub fn render(delivery: &Delivery, names: &dyn Names, language: Language, now: Ts) -> Message {
    let alert = &delivery.alert;
    let text = text::render(alert, names, language);
    let id = wire_id(&delivery.id);
    let figure = |figure| text::figure(alert, figure, names, language);
    let money = alert.money_at_risk.map(crate::alert::Figure::Money);
    let body = Body {
        kind: format!("alert.{}", event_name(delivery.what)),
        timestamp_us: delivery.at.0 / 1_000,
        delivery: &id,
        data: Data {
            id: alert.id.to_string(),
            revision: alert.revision,
            rule: alert.rule.name(),
            fingerprint: format!("{:016x}", alert.fingerprint()),
            severity: severity_name(alert.severity),
            state: state_name(alert.state),
            title: &text.title,
            summary: &text.summary,
            advice: &text.advice,
            labels: labels(alert, names),
            value: alert.value.map(figure),
            raise: alert.raise.map(figure),
            clear: alert.clear.map(figure),
            money_at_risk: money.map(figure),
            started_us: alert.started.0 / 1_000,
            ended_us: alert.ended.map(|ended| ended.0 / 1_000),
            owner: alert.owner.map(|owner| owner.0),
            escalated: alert.escalated,
            flapping: alert.flapping,
            unrecorded: alert.unrecorded,
            evidence_seq: alert.evidence.seq,
        },
    };
    // Text and integers only: it cannot fail to serialise.
    let body = serde_json::to_string(&body).unwrap_or_default();
    Message {
        id,
        now,
        severity: alert.severity,
        title: text.title,
        body,
    }
}

fn labels(alert: &Alert, names: &dyn Names) -> Labels {
    let labels = &alert.labels;
    Labels {
        account: labels.account.map(|id| names.account(id)),
        group: labels.group.map(|id| names.group(id)),
        instrument: labels.instrument.map(|id| names.instrument(id)),
        link: labels.link.map(|id| names.link(id)),
        source: labels.source.map(|id| names.source(id)),
        desk: labels.desk.map(|desk| desk.to_string()),
    }
}
