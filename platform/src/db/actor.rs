use std::borrow::Cow;

/// Longest actor id, characters: a UUID and a short prefix.
const ACTOR_MAX: usize = 64;

/// For whom a transaction acts. Row-level security reads it as `app.current_user_id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    id: Cow<'static, str>,
    role: &'static str,
}

/// The role of people and of the program.
const APP: &str = "siaga_app";

/// The role of the assistant: what it may see and write is granted to it table by table.
const ASSISTANT: &str = "siaga_assistant";

/// The id holds characters no actor id has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no user id: 1 to {ACTOR_MAX} letters, digits, '-', '_', ':' or '.'")]
pub struct BadActor(String);

impl Actor {
    /// The program itself: consumers of the output log and maintenance.
    pub const SYSTEM: Actor = Actor {
        id: Cow::Borrowed("system"),
        role: APP,
    };

    /// Nobody: sees nothing wherever row-level security is on.
    pub const NOBODY: Actor = Actor {
        id: Cow::Borrowed(""),
        role: APP,
    };

    /// A user by the id of the identity tables.
    ///
    /// # Errors
    /// [`BadActor`] for an empty id, a long one, or one with other characters. The reserved
    /// `system` is refused too, so no login can take it.
    pub fn user(id: &str) -> Result<Self, BadActor> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        let fits = (1..=ACTOR_MAX).contains(&id.len()) && id.chars().all(plain);
        if fits && id != Self::SYSTEM.id {
            Ok(Actor {
                id: Cow::Owned(id.to_owned()),
                role: APP,
            })
        } else {
            Err(BadActor(id.chars().take(ACTOR_MAX).collect()))
        }
    }

    /// The assistant on behalf of this user: it sees no more than the user does, and only what its
    /// own role was granted.
    pub fn assistant(self) -> Self {
        Actor {
            role: ASSISTANT,
            ..self
        }
    }

    /// A user by key.
    pub fn of(user: uuid::Uuid) -> Self {
        Actor {
            id: Cow::Owned(user.to_string()),
            role: APP,
        }
    }

    /// The id as it stands in `app.current_user_id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The database role of its transactions.
    pub(super) fn role(&self) -> &'static str {
        self.role
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
