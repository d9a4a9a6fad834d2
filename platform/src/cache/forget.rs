use super::{Cache, Key};
use crate::outbox::{Effect, Running, Stored};
use crate::spread::{self, Word};
use crate::unit::Platform;

/// Forgets what an event made old, here and in the other programs on the database.
pub struct Forget(pub Cache);

impl Effect for Forget {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn wants(&self, kind: &str) -> bool {
        kind.starts_with("user.") || kind == "subject.erased" || kind == "kyc.approved"
    }

    fn run<'a>(&'a self, platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let named = ["user_id", "subject_id"].into_iter();
            let mut users: Vec<_> = named.filter_map(|name| event.key(name)).collect();
            if event.aggregate == "user" {
                users.push(event.aggregate_id);
            }
            users.sort_unstable();
            users.dedup();
            let mut words = Vec::with_capacity(users.len());
            for key in users.into_iter().map(Key::Profile) {
                self.0.forget(&key).await;
                words.push(Word::Forget(key.text()));
            }
            // One program hands an event on; the others on this database keep things too.
            spread::say(platform, &words).await?;
            Ok(())
        })
    }
}
