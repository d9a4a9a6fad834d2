use siaga_risk::ids::ActorId;
use siaga_risk::units::Ts;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::Kyc;
use super::faults::{LINK_EXPIRED, MASKED};
use super::permissions::READ;
use super::rows::{self, FILE};
use crate::audit::{Action, Change};
use crate::crypto::{Keyring, blind};
use crate::people::{Principal, Role, Sight, Who};
use crate::refusal::{Refusal, SEAL};
use crate::unit::{self, Platform};

/// How long the address of a picture is good (E2.50's hour holds for documents too).
pub const LINK_SECONDS: u64 = 3_600;

/// Microseconds of a second.
const SECOND_US: u64 = 1_000_000;

/// The address of a picture: which, for whom, until when, and the proof that this program gave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The document.
    pub document: Uuid,
    /// Who may open it.
    pub viewer: Uuid,
    /// Until when, UTC microseconds.
    pub expires: u64,
    /// In hexadecimal.
    pub signature: String,
}

impl Link {
    /// An address for `viewer`, good for an hour.
    pub(super) fn sign(keyring: &Keyring, document: Uuid, viewer: Uuid, now: Ts) -> Self {
        let expires = now.0 / 1_000 + LINK_SECONDS * SECOND_US;
        Self {
            document,
            viewer,
            expires,
            signature: signature(keyring, document, viewer, expires),
        }
    }

    /// The path and query it stands in.
    pub fn path(&self) -> String {
        format!(
            "/api/v1/kyc/documents/{}/content?expires={}&viewer={}&signature={}",
            self.document, self.expires, self.viewer, self.signature
        )
    }

    fn check(&self, keyring: &Keyring, now: Ts) -> Result<(), Refusal> {
        let right = signature(keyring, self.document, self.viewer, self.expires);
        let same = bool::from(right.as_bytes().ct_eq(self.signature.as_bytes()));
        // One that claims to be good for longer than any is was not made here either.
        let far = now.0 / 1_000 + (LINK_SECONDS + 1) * SECOND_US;
        if !same || self.expires > far || self.expires.saturating_mul(1_000) <= now.0 {
            return Err(
                LINK_EXPIRED.because("ask for the document again: its address is good for an hour")
            );
        }
        Ok(())
    }
}

fn signature(keyring: &Keyring, document: Uuid, viewer: Uuid, expires: u64) -> String {
    let mac = blind(
        keyring,
        "kyc.link",
        &format!("{document} {viewer} {expires}"),
    );
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The picture behind an address. The viewer must still be allowed to see the document: whoever was
/// suspended meanwhile has nothing of an address that is still good.
///
/// # Errors
/// The address is too old or was changed, the viewer may not, or the picture is not there.
pub async fn content(kyc: &Kyc, link: &Link) -> Result<Vec<u8>, Refusal> {
    let now = kyc.platform.now();
    link.check(kyc.platform.keyring(), now)?;
    let viewer = principal(&kyc.platform, link.viewer).await?;
    let (id, keyring) = (link.document, kyc.platform.keyring().clone());
    let who = viewer.clone();
    let read = kyc.platform.read(&viewer, move |tx| {
        let document = rows::document(tx, id)?;
        if who.may(READ, &document.target())? == Sight::Masked {
            return Err(MASKED.because("pictures cannot be masked; ask compliance"));
        }
        let key = unit::statutory_key(tx, &keyring, document.user)?;
        Ok((document, key))
    });
    let (document, key) = read.await?;
    let (path, key) = document.path.zip(key).ok_or_else(rows::nothing)?;
    let sealed = kyc.vault.get(&path).await?;
    let bytes = key.open_bytes(FILE, &sealed).map_err(|error| {
        tracing::error!("document {id}: {error}");
        SEAL.because("tell the desk; the document cannot be opened")
    })?;
    let subject = document.user;
    kyc.platform
        .command(&viewer.elevated(), move |unit| {
            unit.audit(Change::new(Action::Access, "kyc_document", id).about(subject));
            Ok(())
        })
        .await?;
    Ok(bytes)
}

/// A person as they stand now.
async fn principal(platform: &Platform, user: Uuid) -> Result<Principal, Refusal> {
    let system = Principal::system("kyc.link");
    let row: Option<(Uuid, String, i64, Vec<Uuid>)> = platform
        .read(&system, move |tx| {
            let query = sqlx::query_as(
                "SELECT org_id, role, actor, app_teams_of(id) FROM users WHERE id = $1 AND status IN ('pending', 'active', 'under_review')",
            );
            Ok(tx.optional(query.bind(user))?)
        })
        .await?;
    let (org, role, actor, teams) = row.ok_or_else(rows::nothing)?;
    let role = Role::parse(&role).ok_or_else(rows::nothing)?;
    Ok(Principal {
        who: Who::User(user),
        org,
        role,
        teams,
        actor: ActorId(u32::try_from(actor).unwrap_or(0)),
        mfa: false,
        ..Principal::system("kyc.link")
    })
}

#[cfg(test)]
mod tests {
    use siaga_risk::units::SECOND_NS;

    use super::*;

    const NOW: Ts = Ts(1_800_000_000 * SECOND_NS);

    #[test]
    fn an_address_is_good_for_an_hour_and_for_nothing_else() {
        let keyring = Keyring::generate("k1");
        let link = Link::sign(&keyring, Uuid::from_u128(1), Uuid::from_u128(2), NOW);
        let after = |seconds: u64| Ts(NOW.0 + seconds * SECOND_NS);
        assert!(link.check(&keyring, NOW).is_ok());
        assert!(link.check(&keyring, after(LINK_SECONDS - 1)).is_ok());
        assert!(link.check(&keyring, after(LINK_SECONDS)).is_err());
        let changed = [
            Link {
                document: Uuid::from_u128(3),
                ..link.clone()
            },
            Link {
                viewer: Uuid::from_u128(3),
                ..link.clone()
            },
            Link {
                expires: link.expires + 1,
                ..link.clone()
            },
            Link {
                signature: String::new(),
                ..link.clone()
            },
            Link {
                signature: link.signature.to_uppercase(),
                ..link.clone()
            },
        ];
        for changed in changed {
            assert!(changed.check(&keyring, NOW).is_err(), "{changed:?}");
        }
        assert!(
            link.check(&Keyring::generate("k1"), NOW).is_err(),
            "another keyring"
        );
    }
}
