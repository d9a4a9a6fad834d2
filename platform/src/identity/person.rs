//! A person as identity sees them.

use siaga_risk::ids::ActorId;
use uuid::Uuid;

use super::faults::SUSPENDED;
use crate::crypto::{mask_email, mask_name, mask_number};
use crate::people::{Role, Sight, Target};
use crate::refusal::Refusal;

/// Where a user stands (`users.status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Registered; the address is not shown to be theirs yet.
    Pending,
    /// As it should be.
    Active,
    /// Stopped by somebody of the house.
    Suspended,
    /// Disputed: they may look and talk, not trade.
    UnderReview,
    /// Gone.
    Deleted,
}

impl Standing {
    /// Every state.
    pub const ALL: [Standing; 5] = [
        Standing::Pending,
        Standing::Active,
        Standing::Suspended,
        Standing::UnderReview,
        Standing::Deleted,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Pending => "pending",
            Standing::Active => "active",
            Standing::Suspended => "suspended",
            Standing::UnderReview => "under_review",
            Standing::Deleted => "deleted",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Standing> {
        Standing::ALL
            .into_iter()
            .find(|standing| standing.name() == name)
    }

    /// Passes for those who may sign in.
    ///
    /// # Errors
    /// [`SUSPENDED`].
    pub fn may_sign_in(self) -> Result<(), Refusal> {
        match self {
            Standing::Pending | Standing::Active | Standing::UnderReview => Ok(()),
            Standing::Suspended | Standing::Deleted => Err(SUSPENDED.because("ask the desk")),
        }
    }

    /// Whether identity may move a user from here to `to`. Reviews belong to KYC, the end to erasure.
    pub fn may_become(self, to: Standing) -> bool {
        matches!(
            (self, to),
            (
                Standing::Pending | Standing::Active | Standing::UnderReview,
                Standing::Suspended
            ) | (Standing::Pending | Standing::Suspended, Standing::Active)
        )
    }
}

/// A user with their personal data opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Key.
    pub id: Uuid,
    /// Organisation.
    pub org: Uuid,
    /// Number in the core's inputs.
    pub actor: ActorId,
    /// Canonical address; gone after an erasure.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Role.
    pub role: Role,
    /// Team.
    pub team: Option<Uuid>,
    /// The partner who brought them.
    pub referrer: Option<Uuid>,
    /// State.
    pub standing: Standing,
    /// KYC was approved.
    pub verified: bool,
    /// Tier.
    pub tier: String,
    /// Language.
    pub locale: String,
    /// Rises with every change.
    pub revision: i64,
}

impl Person {
    /// Whose row it is.
    pub fn target(&self) -> Target {
        Target {
            org: self.org,
            owner: Some(self.id),
            team: self.team,
            referrer: self.referrer,
        }
    }

    /// As somebody sees it who may see so much.
    pub fn seen(self, sight: Sight) -> Self {
        match sight {
            Sight::Clear => self,
            Sight::Masked => Self {
                email: self.email.as_deref().map(mask_email),
                name: self.name.as_deref().map(mask_name),
                phone: self.phone.as_deref().map(mask_number),
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_suspends_and_brings_back_and_nothing_else() {
        use Standing::*;
        let allowed = [
            (Pending, Suspended),
            (Active, Suspended),
            (UnderReview, Suspended),
            (Pending, Active),
            (Suspended, Active),
        ];
        for from in Standing::ALL {
            for to in Standing::ALL {
                assert_eq!(
                    from.may_become(to),
                    allowed.contains(&(from, to)),
                    "{from:?} to {to:?}"
                );
            }
            assert_eq!(
                from.may_sign_in().is_ok(),
                !matches!(from, Suspended | Deleted)
            );
            assert_eq!(Standing::parse(from.name()), Some(from));
        }
    }
}
