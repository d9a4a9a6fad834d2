use std::borrow::Cow;

/// Longest actor id, characters: a UUID and a short prefix.
const ACTOR_MAX: usize = 64;

/// For whom a transaction acts. Row-level security reads it as `app.current_user_id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor(Cow<'static, str>);

/// The id holds characters no actor id has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no user id: 1 to {ACTOR_MAX} letters, digits, '-', '_', ':' or '.'")]
pub struct BadActor(String);

impl Actor {
    /// The program itself: consumers of the output log and maintenance.
    pub const SYSTEM: Actor = Actor(Cow::Borrowed("system"));

    /// Nobody: sees nothing wherever row-level security is on.
    pub const NOBODY: Actor = Actor(Cow::Borrowed(""));

    /// A user by the id of the identity tables.
    ///
    /// # Errors
    /// [`BadActor`] for an empty id, a long one, or one with other characters. The reserved
    /// `system` is refused too, so no login can take it.
    pub fn user(id: &str) -> Result<Self, BadActor> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        let fits = (1..=ACTOR_MAX).contains(&id.len()) && id.chars().all(plain);
        if fits && id != Self::SYSTEM.0 {
            Ok(Actor(Cow::Owned(id.to_owned())))
        } else {
            Err(BadActor(id.chars().take(ACTOR_MAX).collect()))
        }
    }

    /// The id as it stands in `app.current_user_id`.
    pub fn id(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_be_written_into_sql_as_it_is() {
        for good in ["1", "9f1c-22", "ib:7", "a.b_c"] {
            assert_eq!(Actor::user(good).expect(good).id(), good);
        }
        for bad in [
            "",
            "system",
            "a'b",
            "a b",
            "a;b",
            "a\\b",
            "ünal",
            &"x".repeat(65),
        ] {
            assert!(Actor::user(bad).is_err(), "{bad}");
        }
    }
}
