//! Alerts, their life and what they stand on.

use std::collections::BTreeMap;

use super::{micros, wire_enum};
use crate::gateway::core::{self, AlertRecord, Evidence, TimelineEntry};
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::wire;

wire_enum!(
    Severity = core::Severity {
        Info,
        Warning,
        Critical,
        Emergency
    }
);
wire_enum!(
    AlertState = core::AlertState {
        Pending,
        Firing,
        Acknowledged,
        Resolved,
        Archived
    }
);

wire! {
    /// An alert as it stands.
    pub struct AlertDto {
        /// As text: it may be larger than a JavaScript number holds exactly.
        pub id: String,
        pub revision: u32,
        pub rule: String,
        pub severity: Severity,
        pub state: AlertState,
        pub title: String,
        /// What happened and what to do.
        pub summary: String,
        pub texts: AlertTextsDto,
        /// `account`, `instrument`, `group`, `desk`, `link`.
        pub labels: BTreeMap<String, String>,
        pub value: String,
        pub raise: String,
        pub clear: String,
        pub started: u64,
        /// When it last became more severe; `started` while it never did.
        pub since: u64,
        pub last: u64,
        pub ended: Option<u64>,
        pub owner: Option<String>,
        pub acked_by: Option<String>,
        pub escalated: u8,
        pub flapping: bool,
        pub silenced: bool,
        /// Raised while the journal could not record.
        pub unrecorded: bool,
        pub money_at_risk: Option<String>,
        pub money_at_risk_currency: Option<String>,
    }

    /// The same in English and Indonesian, with what to do apart.
    pub struct AlertTextsDto {
        pub en: AlertTextDto,
        pub id: AlertTextDto,
    }

    /// What an alert says.
    pub struct AlertTextDto {
        pub title: String,
        pub summary: String,
        /// What to do now; may be empty.
        pub advice: String,
    }

    /// One step in the life of an alert.
    pub struct TimelineDto {
        pub at: u64,
        pub what: String,
        pub by: String,
        pub note: Option<String>,
    }

    /// What an alert stands on.
    pub struct EvidenceDto {
        /// The input that raised it, or made it more severe.
        pub seq: u64,
        pub inputs: BTreeMap<String, String>,
        pub formula: String,
        pub texts: StatementsDto,
        pub symbol: Option<String>,
        /// 30 s either side of the moment it was raised, or became more severe.
        pub chart: Vec<ChartPoint>,
    }

    /// Inputs and formula in English and Indonesian.
    pub struct StatementsDto {
        pub en: StatementDto,
        pub id: StatementDto,
    }

    /// The numbers that went into a formula, by their names.
    pub struct StatementDto {
        pub inputs: BTreeMap<String, String>,
        pub formula: String,
    }

    /// A price of the chart.
    pub struct ChartPoint {
        pub t: u64,
        pub bid: String,
        pub ask: String,
    }
}

pub fn alert(record: &AlertRecord, names: &Directory) -> AlertDto {
    let risk = record.money_at_risk;
    AlertDto {
        id: record.id.to_string(),
        revision: record.revision,
        rule: record.rule.clone(),
        severity: record.severity.into(),
        state: record.state.into(),
        title: record.title.clone(),
        summary: record.summary.clone(),
        texts: AlertTextsDto {
            en: words(&record.texts.english),
            id: words(&record.texts.indonesian),
        },
        labels: record.labels.iter().cloned().collect(),
        value: record.value.clone(),
        raise: record.raise.clone(),
        clear: record.clear.clone(),
        started: micros(record.started),
        since: micros(record.since),
        last: micros(record.last),
        ended: record.ended.map(micros),
        owner: record.owner.map(|a| names.actor_name(a)),
        acked_by: record.acked_by.map(|a| names.actor_name(a)),
        escalated: record.escalated,
        flapping: record.flapping,
        silenced: record.silenced,
        unrecorded: record.unrecorded,
        money_at_risk: risk.map(|(m, c)| decimal::show(m.0, names.money_digits(c))),
        money_at_risk_currency: risk.map(|(_, c)| names.currency_code(c)),
    }
}

fn words(text: &core::AlertText) -> AlertTextDto {
    AlertTextDto {
        title: text.title.clone(),
        summary: text.summary.clone(),
        advice: text.advice.clone(),
    }
}

fn statement(said: &core::Statement) -> StatementDto {
    StatementDto {
        inputs: said.inputs.iter().cloned().collect(),
        formula: said.formula.clone(),
    }
}

pub fn timeline(entry: &TimelineEntry, names: &Directory) -> TimelineDto {
    TimelineDto {
        at: micros(entry.at),
        what: entry.what.clone(),
        by: names.actor_name(entry.by),
        note: entry.note.clone(),
    }
}

pub fn evidence(found: &Evidence, names: &Directory) -> EvidenceDto {
    let entry = found.instrument.and_then(|id| names.instrument(id));
    let digits = entry.map_or(0, |e| e.terms.price_digits);
    let (english, indonesian) = (statement(&found.english), statement(&found.indonesian));
    EvidenceDto {
        seq: found.seq,
        inputs: english.inputs.clone(),
        formula: english.formula.clone(),
        texts: StatementsDto {
            en: english,
            id: indonesian,
        },
        symbol: entry.map(|e| e.symbol.clone()),
        chart: found
            .chart
            .iter()
            .map(|(t, bid, ask)| ChartPoint {
                t: micros(*t),
                bid: decimal::show(bid.0, digits),
                ask: decimal::show(ask.0, digits),
            })
            .collect(),
    }
}
