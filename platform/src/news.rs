//! That something changed, for whoever has a list of it open: a count for each part of the house, and nothing of what it
//! was. It counts what this program did by its own hand.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::audit::{Action, Change};
use crate::outbox::Event;

/// A part of the house with lists that are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Leads, their tasks, notices.
    Sales,
    /// Cases of identity, their documents, disputes.
    Kyc,
    /// Cases of sanctions and transactions, reports, lists.
    Aml,
    /// Requests for money.
    Cash,
}

impl Part {
    /// Every part, in the order of its numbers; a number is never reused.
    pub const ALL: [Part; 4] = [Part::Sales, Part::Kyc, Part::Aml, Part::Cash];

    /// Its name on the stream.
    pub fn name(self) -> &'static str {
        match self {
            Part::Sales => "crm",
            Part::Kyc => "kyc",
            Part::Aml => "aml",
            Part::Cash => "cash",
        }
    }

    /// The part of that name.
    pub fn parse(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }

    /// How the events begin that tell of it.
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Part::Sales => &["lead.", "task.", "crm."],
            Part::Kyc => &["kyc."],
            Part::Aml => &["aml.", "sanctions.", "compliance."],
            Part::Cash => &["cash."],
        }
    }

    /// How the names of its rows in the audit log begin, where changes come without an event.
    fn entities(self) -> &'static [&'static str] {
        match self {
            Part::Sales => &[],
            Part::Kyc => &["kyc_"],
            Part::Aml => &["aml_", "sanctions_"],
            Part::Cash => &["cash_"],
        }
    }
}

/// The parts that a unit changed. That somebody looked is no change: whoever reads again would make more of it.
pub(crate) fn touched(changes: &[Change], events: &[Event]) -> Vec<Part> {
    let begins = |text: &str, starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let touches = |part: &Part| {
        let told = events.iter().any(|event| begins(event.kind, part.kinds()));
        let noted = changes.iter().any(|change| {
            change.action != Action::Access && begins(change.entity, part.entities())
        });
        told || noted
    };
    Part::ALL.into_iter().filter(touches).collect()
}

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct News([AtomicU64; Part::ALL.len()]);

impl News {
    pub(crate) fn tell(&self, part: Part) {
        self.0[part as usize].fetch_add(1, Ordering::Release);
    }

    pub(crate) fn version(&self, part: Part) -> u64 {
        self.0[part as usize].load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_part() {
        for (number, part) in Part::ALL.into_iter().enumerate() {
            assert_eq!(part as usize, number);
            assert_eq!(Part::parse(part.name()), Some(part));
        }
        assert_eq!(Part::parse("quote"), None);
    }

    #[test]
    fn a_part_hears_of_its_own_changes_and_of_no_look() {
        let event = |kind: &'static str| [Event::new(kind, "thing", Uuid::nil(), json!({}))];
        for (kind, part) in [
            ("lead.created", Part::Sales),
            ("kyc.submitted", Part::Kyc),
            ("aml.case_opened", Part::Aml),
            ("compliance.overdue", Part::Aml),
            ("cash.requested", Part::Cash),
        ] {
            assert_eq!(touched(&[], &event(kind)), [part], "{kind}");
        }
        assert_eq!(touched(&[], &event("user.registered")), []);
        for (entity, part) in [
            ("aml_hit", Part::Aml),
            ("kyc_document", Part::Kyc),
            ("cash_request", Part::Cash),
        ] {
            let change = |action| [Change::new(action, entity, 1)];
            assert_eq!(touched(&change(Action::Update), &[]), [part], "{entity}");
            assert_eq!(touched(&change(Action::Access), &[]), [], "{entity}");
        }
    }
}
