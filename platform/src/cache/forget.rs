use super::{Cache, Key};
use crate::outbox::{Effect, Running, Stored};
use crate::unit::Platform;

/// Forgets what an event made old.
pub struct Forget(pub Cache);

impl Effect for Forget {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn wants(&self, kind: &str) -> bool {
        kind.starts_with("user.") || kind == "subject.erased" || kind == "kyc.approved"
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            for name in ["user_id", "subject_id"] {
                if let Some(user) = event.key(name) {
                    self.0.forget(&Key::Profile(user)).await;
                }
            }
            if event.aggregate == "user" {
                self.0.forget(&Key::Profile(event.aggregate_id)).await;
            }
            Ok(())
        })
    }
}
