//! Maintenance that an administrator announces to everybody: one at a time, kept among the settings of the house, so that a
//! restart in the middle of it does not forget it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use siaga_risk::units::Ts;

use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::ids::HOUSE;
use crate::outbox::Event;
use crate::people::{Area, Permission, Principal, Verb};
use crate::refusal::{FORBIDDEN, INVALID, Refusal};
use crate::unit::{Once, Platform, Unit};

/// Announce a maintenance, and withdraw it.
pub const MAINTENANCE_ANNOUNCE: Permission =
    Permission::new("maintenance.announce", Area::People, Verb::Full);

/// What may be done here.
pub const PERMISSIONS: &[Permission] = &[MAINTENANCE_ANNOUNCE];

/// Longest maintenance, microseconds: a longer one is a time of another unit.
const LENGTH_MAX_US: u64 = 7 * DAY_US;
/// How far ahead one may be announced, microseconds.
const AHEAD_MAX_US: u64 = 90 * DAY_US;
const DAY_US: u64 = 86_400_000_000;
/// Longest text: it stands in one line of a page.
pub const MESSAGE_CHARS_MAX: usize = 280;

/// What was announced; locked where it is about to change.
const READ: &str = "SELECT settings -> 'maintenance' FROM organizations WHERE id = $1";
const READ_LOCKED: &str =
    "SELECT settings -> 'maintenance' FROM organizations WHERE id = $1 FOR UPDATE";

/// An announced maintenance. Times are UTC microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// When it begins.
    pub starts_at: u64,
    /// When it is over.
    pub ends_at: u64,
    /// What the administrator says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Maintenance {
    /// Whether it is behind us.
    pub fn is_over(&self, now: Ts) -> bool {
        self.ends_at <= now.0 / 1_000
    }

    /// The same with its text trimmed, if it makes sense at this time.
    ///
    /// # Errors
    /// Names what is wrong.
    fn checked(self, now: Ts) -> Result<Maintenance, Refusal> {
        if self.is_over(now) {
            return Err(INVALID.field("ends_at", "name a time that is ahead, in microseconds"));
        }
        if self.ends_at <= self.starts_at {
            return Err(INVALID.field("ends_at", "it ends behind its beginning"));
        }
        if self.ends_at - self.starts_at > LENGTH_MAX_US {
            return Err(INVALID.field("ends_at", "announce at most seven days"));
        }
        if self.starts_at.saturating_sub(now.0 / 1_000) > AHEAD_MAX_US {
            return Err(INVALID.field("starts_at", "announce it at most 90 days ahead"));
        }
        let message = self.message.as_deref().map(str::trim).unwrap_or_default();
        if message.chars().count() > MESSAGE_CHARS_MAX || message.chars().any(char::is_control) {
            let detail = format!("use one line of at most {MESSAGE_CHARS_MAX} characters");
            return Err(INVALID.field("message", detail));
        }
        let message = (!message.is_empty()).then(|| message.to_owned());
        Ok(Maintenance { message, ..self })
    }
}

/// What is announced and not over yet.
///
/// # Errors
/// The database.
pub async fn current(platform: &Platform) -> Result<Option<Maintenance>, Refusal> {
    let system = Principal::system("maintenance");
    let known = platform.read(&system, |tx| stored(tx, READ)).await?;
    let now = platform.now();
    Ok(known.filter(|known| !known.is_over(now)))
}

/// Announces a maintenance in place of what was announced before.
///
/// # Errors
/// Forbidden; it is wrong at this time; the database.
pub async fn announce(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    wanted: Maintenance,
) -> Result<Maintenance, Refusal> {
    administers(by)?;
    platform
        .command_once(by, once, move |unit| {
            let wanted = wanted.checked(unit.now())?;
            put(unit, Some(&wanted))?;
            Ok(wanted)
        })
        .await
}

/// Withdraws what was announced; what is over already, too.
///
/// # Errors
/// Forbidden; the database.
pub async fn withdraw(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
) -> Result<(), Refusal> {
    administers(by)?;
    platform
        .command_once(by, once, |unit| put(unit, None))
        .await
}

fn administers(by: &Principal) -> Result<(), Refusal> {
    by.scope(MAINTENANCE_ANNOUNCE)?;
    // One program serves every organisation; the house runs it.
    match by.org == HOUSE {
        true => Ok(()),
        false => Err(FORBIDDEN.because("the program is kept by the house")),
    }
}

fn put(unit: &mut Unit<'_, '_>, wanted: Option<&Maintenance>) -> Result<(), Refusal> {
    let before = stored(unit.tx(), READ_LOCKED)?;
    if before.as_ref() == wanted {
        return Ok(());
    }
    let after = wanted.map(|wanted| json!(wanted));
    unit.tx().execute(
        sqlx::query(
            "UPDATE organizations SET settings = CASE WHEN $2::jsonb IS NULL THEN settings - 'maintenance'
                 ELSE settings || jsonb_build_object('maintenance', $2::jsonb) END WHERE id = $1",
        )
        .bind(HOUSE)
        .bind(after.clone()),
    )?;
    let change = Change::new(Action::Update, "organization", HOUSE);
    unit.audit(change.field("maintenance", json!(before), json!(after)));
    // Times alone: what the administrator says of it is anybody's text.
    let times =
        wanted.map(|wanted| json!({"starts_at": wanted.starts_at, "ends_at": wanted.ends_at}));
    unit.emit(Event::new(
        "maintenance.changed",
        "organization",
        HOUSE,
        json!({ "maintenance": times }),
    ));
    Ok(())
}

fn stored(tx: &mut Tx<'_>, query: &'static str) -> Result<Option<Maintenance>, Refusal> {
    let row: Option<(Option<Value>,)> = tx.optional(sqlx::query_as(query).bind(HOUSE))?;
    // What is no announcement of ours stands in nobody's way.
    let value = row.and_then(|(value,)| value);
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Ts = Ts(1_794_729_600_000_000_000);
    const NOW_US: u64 = NOW.0 / 1_000;
    const HOUR_US: u64 = 3_600_000_000;

    fn window(starts_at: u64, ends_at: u64, message: Option<&str>) -> Maintenance {
        Maintenance {
            starts_at,
            ends_at,
            message: message.map(str::to_owned),
        }
    }

    #[test]
    fn a_maintenance_lies_ahead_or_runs_and_says_one_line() {
        for (given, kept) in [
            (Some("  a new disk "), Some("a new disk")),
            (Some("  "), None),
            (None, None),
        ] {
            for starts_at in [NOW_US - HOUR_US, NOW_US + HOUR_US] {
                let sound = window(starts_at, NOW_US + 2 * HOUR_US, given).checked(NOW);
                let sound = sound.expect("sound");
                assert_eq!(sound.message.as_deref(), kept);
                assert!(!sound.is_over(NOW));
            }
        }
        let long = "x".repeat(MESSAGE_CHARS_MAX + 1);
        let later = NOW_US + HOUR_US;
        for (wrong, field) in [
            (window(NOW_US - HOUR_US, NOW_US, None), "ends_at"),
            (window(NOW_US / 1_000, later / 1_000, None), "ends_at"),
            (window(later, later, None), "ends_at"),
            (window(later, later + LENGTH_MAX_US + 1, None), "ends_at"),
            (
                window(NOW_US * 1_000, NOW_US * 1_000 + HOUR_US, None),
                "starts_at",
            ),
            (window(NOW_US, later, Some(&long)), "message"),
            (window(NOW_US, later, Some("two\nlines")), "message"),
        ] {
            let shown = format!("{wrong:?}");
            match wrong.checked(NOW) {
                Err(Refusal::Said(said)) => {
                    assert_eq!(
                        (said.fault, said.field.as_deref()),
                        (INVALID, Some(field)),
                        "{shown}"
                    );
                }
                other => panic!("{shown}: {other:?}"),
            }
        }
    }
}
