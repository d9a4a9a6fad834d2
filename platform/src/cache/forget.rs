use serde_json::Value;
use uuid::Uuid;

use super::{Cache, Key};
use crate::outbox::{Effect, Event, Running, Stored};
use crate::spread::{self, Word};
use crate::unit::Platform;

/// Forgets what an event made old, here and in the other programs on the database.
pub struct Forget(pub Cache);

impl Effect for Forget {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn wants(&self, kind: &str) -> bool {
        changes_people(kind)
    }

    fn run<'a>(&'a self, platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let people = named(
                &event.aggregate,
                event.aggregate_id,
                event.subject,
                &event.payload,
            );
            let mut words = Vec::with_capacity(people.len());
            for key in people.into_iter().map(Key::Profile) {
                self.0.forget(&key).await;
                words.push(Word::Forget(key.text()));
            }
            // One program hands an event on; the others on this database keep things too.
            spread::say(platform, &words).await?;
            Ok(())
        })
    }
}

/// The people whose profiles these events made old: the program that wrote them forgets at once, so that
/// whoever changed something sees it.
pub(crate) fn people_of(events: &[Event]) -> Vec<Uuid> {
    let changing = events.iter().filter(|event| changes_people(event.kind));
    let mut people: Vec<Uuid> = changing
        .flat_map(|event| named(event.aggregate, event.id, event.subject, &event.payload))
        .collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// A user's row changes by identity, by sales (who is on leave), by a review of KYC (its trigger says whether they are
/// verified) and by an erasure. A sign-in changes nothing of what is kept.
fn changes_people(kind: &str) -> bool {
    (kind.starts_with("user.") && kind != "user.signed_in")
        || kind.starts_with("kyc.")
        || matches!(kind, "subject.erased" | "crm.agent_changed")
}

/// Whom an event names.
fn named(aggregate: &str, id: Uuid, subject: Option<Uuid>, payload: &Value) -> Vec<Uuid> {
    let keys = ["user_id", "subject_id"]
        .into_iter()
        .filter_map(|name| Uuid::try_parse(payload.get(name)?.as_str()?).ok());
    let own = (aggregate == "user").then_some(id);
    let mut people: Vec<Uuid> = keys.chain(subject).chain(own).collect();
    people.sort_unstable();
    people.dedup();
    people
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_of_a_persons_change_name_them_once_and_others_nobody() {
        let (sari, budi, case) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let changed = Event::new;
        let events = [
            changed("user.role_changed", "user", sari, json!({"user_id": sari})).about(sari),
            changed("kyc.approved", "kyc_case", case, json!({"user_id": budi})),
            changed("user.signed_in", "user", case, json!({"user_id": case})),
            changed("lead.created", "lead", case, json!({"lead_id": case})).about(case),
        ];
        assert_eq!(people_of(&events), [sari, budi]);
        let erased = changed(
            "subject.erased",
            "subject",
            budi,
            json!({"subject_id": budi}),
        );
        assert_eq!(people_of(&[erased]), [budi]);
        let away = json!({"user_id": sari, "on_leave": true});
        let away = changed("crm.agent_changed", "sales_agent", sari, away).about(sari);
        assert_eq!(people_of(&[away]), [sari]);
        assert!(people_of(&[]).is_empty());
    }
}
