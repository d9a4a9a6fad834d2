//! API keys: `sk_<name>_<secret>`. The name finds the row, the secret is kept as a digest.

use siaga_risk::units::{DAY_NS, Ts};

use super::codes::{digest, token};
use super::faults::BAD_SCOPE;
use crate::crypto::random;
use crate::people::{Permission, Principal, Role, grant};
use crate::refusal::{INVALID, Refusal};

/// How a key begins.
pub const PREFIX: &str = "sk_";
/// Keys of one person at once.
pub const KEYS_MAX: i64 = 10;
/// Longest life, days: whoever made it looks at it once a year.
pub const DAYS_MAX: u16 = 365;
/// Life when nothing is said, days.
pub const DAYS_DEFAULT: u16 = 90;
/// Scopes of one key.
const SCOPES_MAX: usize = 50;
/// Longest name.
const NAME_CHARS_MAX: usize = 60;

/// A new key.
pub struct Made {
    /// What the person gets, once.
    pub text: String,
    /// What is stored and shown.
    pub name: String,
    /// What is stored.
    pub digest: [u8; 32],
}

/// Draws a key.
pub fn make() -> Made {
    let name: String = random::<6>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let text = format!("{PREFIX}{name}_{}", token());
    Made {
        digest: digest("api_key", &text),
        text,
        name,
    }
}

/// The name in a key, when it has the form of one.
pub fn name_of(text: &str) -> Option<&str> {
    let (name, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    (name.len() == 12 && name.chars().all(|c| c.is_ascii_hexdigit()) && secret.len() == 43)
        .then_some(name)
}

/// Checks what is asked for: a key never may what its owner may not.
///
/// # Errors
/// The field that is wrong.
pub fn check(
    by: &Principal,
    name: &str,
    scopes: &[String],
    days: Option<u16>,
    known: &[Permission],
    now: Ts,
) -> Result<Ts, Refusal> {
    let name_chars = name.trim().chars().count();
    if name_chars == 0 || name_chars > NAME_CHARS_MAX {
        return Err(INVALID.field("name", format!("use 1 to {NAME_CHARS_MAX} characters")));
    }
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        return Err(BAD_SCOPE.field("scopes", format!("name 1 to {SCOPES_MAX} permissions")));
    }
    for scope in scopes {
        let permission = known.iter().find(|permission| permission.name == scope);
        let permission = permission.ok_or_else(|| {
            BAD_SCOPE.field("scopes", format!("there is no permission {scope:.40}"))
        })?;
        if !has(by.role, permission) {
            return Err(BAD_SCOPE.field(
                "scopes",
                format!("{} is not part of your role", permission.name),
            ));
        }
    }
    let days = days.unwrap_or(DAYS_DEFAULT);
    if days == 0 || days > DAYS_MAX {
        return Err(INVALID.field("days", format!("use 1 to {DAYS_MAX}")));
    }
    Ok(now.plus(u64::from(days) * DAY_NS))
}

fn has(role: Role, permission: &Permission) -> bool {
    grant(role, permission.area, permission.verb).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::permissions::{ALL, DESK_READ, DESK_WRITE, USER_ROLE};

    #[test]
    fn a_key_is_known_by_its_form() {
        let made = make();
        assert_eq!(name_of(&made.text), Some(made.name.as_str()));
        assert_eq!(digest("api_key", &made.text), made.digest);
        for text in [
            "",
            "sk_",
            "sk_0123456789ab",
            "sk_0123456789ab_short",
            &made.text[3..],
            "a.b.c",
        ] {
            assert_eq!(name_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_may_no_more_than_its_owner() {
        let dealer = Principal {
            role: Role::Dealer,
            ..Principal::owner()
        };
        let ask = |scopes: &[&str], days| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            check(&dealer, "bridge", &scopes, days, ALL, Ts(0))
        };
        assert_eq!(
            ask(&[DESK_READ.name, DESK_WRITE.name], None).ok(),
            Some(Ts(90 * DAY_NS))
        );
        for (scopes, days) in [
            (vec![USER_ROLE.name], None),
            (vec!["desk.everything"], None),
            (vec![], None),
            (vec![DESK_READ.name], Some(0)),
            (vec![DESK_READ.name], Some(366)),
        ] {
            assert!(ask(&scopes, days).is_err(), "{scopes:?} {days:?}");
        }
    }
}
