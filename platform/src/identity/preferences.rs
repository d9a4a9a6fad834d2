//! What a person says of themselves: how much they are willing to risk, and what they like to trade. They alone write it.

use serde_json::{Value, json};
use siaga_risk::terms::AssetClass;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{FORBIDDEN, INVALID, Refusal, STALE};
use crate::unit::{Platform, Unit};
use crate::values::{bound, from_micros, word};

/// Assets that somebody can prefer; the table holds no more either.
pub const ASSETS_MAX: usize = 20;

/// How much somebody is willing to risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskAppetite {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

impl RiskAppetite {
    /// Every answer.
    pub const ALL: [RiskAppetite; 3] =
        [RiskAppetite::Low, RiskAppetite::Medium, RiskAppetite::High];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            RiskAppetite::Low => "low",
            RiskAppetite::Medium => "medium",
            RiskAppetite::High => "high",
        }
    }

    /// The answer of that name.
    pub fn parse(name: &str) -> Option<RiskAppetite> {
        RiskAppetite::ALL
            .into_iter()
            .find(|answer| answer.name() == name)
    }
}

/// What somebody said of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `None` when they do not say.
    pub risk_appetite: Option<RiskAppetite>,
    /// Classes and symbols, in the order in which they were given.
    pub preferred_assets: Vec<String>,
    /// Rises with every change; 0 before the first.
    pub revision: i64,
    /// When they last changed it.
    pub updated: Option<Ts>,
}

/// What somebody says now, all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferencesChange {
    /// `None` takes it back.
    pub risk_appetite: Option<RiskAppetite>,
    /// Names of classes, and symbols.
    pub preferred_assets: Vec<String>,
    /// The revision that was seen.
    pub revision: i64,
}

impl PreferencesChange {
    /// Passes when every asset is a class, or an instrument that the desk has, and stands there once.
    ///
    /// # Errors
    /// Another name, one that stands there twice, or too many.
    pub fn checked(self, is_traded: impl Fn(&str) -> bool) -> Result<Self, Refusal> {
        let wrong = |why: String| Err(INVALID.field("preferred_assets", why));
        if self.preferred_assets.len() > ASSETS_MAX {
            return wrong(format!("name at most {ASSETS_MAX}"));
        }
        for (at, asset) in self.preferred_assets.iter().enumerate() {
            if self.preferred_assets[..at].contains(asset) {
                return wrong("name each once".to_owned());
            }
            let is_class = AssetClass::ALL.iter().any(|class| word(class) == *asset);
            if !is_class && !is_traded(asset) {
                let classes: Vec<String> = AssetClass::ALL.iter().map(word).collect();
                return wrong(format!(
                    "use {}, or symbols of the desk's instruments",
                    classes.join(", ")
                ));
            }
        }
        Ok(self)
    }
}

type Row = (Option<String>, Vec<String>, i64, i64);

fn preferences(row: Row) -> Preferences {
    let (risk, preferred_assets, revision, updated) = row;
    Preferences {
        risk_appetite: risk.as_deref().and_then(RiskAppetite::parse),
        preferred_assets,
        revision,
        updated: Some(from_micros(updated)),
    }
}

/// What `user` said, as far as whoever reads may see it; nothing when they said nothing.
pub(super) fn read(tx: &mut Tx<'_>, user: Uuid) -> Result<Preferences, Refusal> {
    let row: Option<Row> = tx.optional(
        sqlx::query_as(
            "SELECT risk_appetite, preferred_assets, revision, (extract(epoch FROM updated_at) * 1000000)::bigint
             FROM user_preferences WHERE user_id = $1",
        )
        .bind(user),
    )?;
    Ok(row.map(preferences).unwrap_or_default())
}

/// Sets what `by` says of themselves. Give a change that is [checked](PreferencesChange::checked). Saying the same again changes nothing.
///
/// # Errors
/// It is no person, they changed it elsewhere meanwhile, or the database.
pub async fn set_preferences(
    platform: &Platform,
    by: &Principal,
    change: PreferencesChange,
) -> Result<Preferences, Refusal> {
    by.in_person()?;
    let user = by
        .user()
        .ok_or_else(|| FORBIDDEN.because("only a person has preferences"))?;
    platform
        .command(by, move |unit| write(unit, user, &change))
        .await
}

fn write(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    change: &PreferencesChange,
) -> Result<Preferences, Refusal> {
    let held = read(unit.tx(), user)?;
    if held.risk_appetite == change.risk_appetite
        && held.preferred_assets == change.preferred_assets
    {
        return Ok(held);
    }
    let (now, org) = (unit.now(), unit.by().org);
    // Two at the same moment: the second finds another revision, or a row that was not there.
    let written = unit.tx().execute(
        sqlx::query(
            "INSERT INTO user_preferences AS held (user_id, org_id, risk_appetite, preferred_assets, created_at, updated_at)
             SELECT $1::uuid, $2::uuid, $3::text, $4::text[], $5::timestamptz, $5::timestamptz WHERE $6::bigint = 0 OR EXISTS (SELECT FROM user_preferences WHERE user_id = $1)
             ON CONFLICT (user_id) DO UPDATE
                 SET risk_appetite = excluded.risk_appetite, preferred_assets = excluded.preferred_assets, revision = held.revision + 1, updated_at = excluded.updated_at
                 WHERE held.revision = $6::bigint",
        )
        .bind(user)
        .bind(org)
        .bind(change.risk_appetite.map(RiskAppetite::name))
        .bind(change.preferred_assets.clone())
        .bind(bound(now))
        .bind(change.revision),
    )?;
    if written == 0 {
        return Err(STALE.because("look at your preferences again and repeat"));
    }
    let (old, new) = (
        held.preferred_assets.join(", "),
        change.preferred_assets.join(", "),
    );
    let mut noted = Change::new(Action::Update, "user", user).about(user);
    if held.risk_appetite != change.risk_appetite {
        noted = noted.personal(
            "risk_appetite",
            held.risk_appetite.map(RiskAppetite::name),
            change.risk_appetite.map(RiskAppetite::name),
        );
    }
    if old != new {
        noted = noted.personal("preferred_assets", Some(&old), Some(&new));
    }
    unit.audit(noted);
    let facts = json!({"user_id": user});
    unit.emit(Event::new("user.preferences_changed", "user", user, facts).about(user));
    read(unit.tx(), user)
}

/// What people said of themselves goes with them.
pub(super) struct Said;

impl Store for Said {
    fn name(&self) -> &'static str {
        "preferences"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let query = sqlx::query("DELETE FROM user_preferences WHERE user_id = $1");
        let rows = unit.tx().execute(query.bind(subject))?;
        Ok(Erased::rows(Done::Deleted, rows))
    }

    fn export(&self, tx: &mut Tx<'_>, _keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let said = read(tx, subject)?;
        let Some(updated) = said.updated else {
            return Ok(Value::Null);
        };
        Ok(json!({
            "risk_appetite": said.risk_appetite.map(RiskAppetite::name),
            "preferred_assets": said.preferred_assets,
            "updated_us": updated.0 / 1_000,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(assets: &[&str]) -> PreferencesChange {
        PreferencesChange {
            risk_appetite: Some(RiskAppetite::Low),
            preferred_assets: assets.iter().map(|&asset| asset.to_owned()).collect(),
            revision: 0,
        }
    }

    #[test]
    fn assets_are_classes_or_what_the_desk_trades_each_once() {
        let traded = |symbol: &str| ["EUR/USD", "XAU/USD"].contains(&symbol);
        let right: [&[&str]; 3] = [&[], &["forex", "metal"], &["crypto", "XAU/USD"]];
        for right in right {
            let given = change(right);
            assert_eq!(given.clone().checked(traded).ok(), Some(given));
        }
        let wrong: [&[&str]; 5] = [
            &["tulips"],
            &["Forex"],
            &["DOGE/USD"],
            &[""],
            &["forex", "forex"],
        ];
        for wrong in wrong {
            let refused = change(wrong).checked(traded).err();
            let refused = refused.and_then(|refusal| refusal.fault());
            assert_eq!(refused, Some(INVALID), "{wrong:?}");
        }
    }

    #[test]
    fn so_many_and_no_more() {
        let names: Vec<String> = (0..=ASSETS_MAX).map(|n| format!("S{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(change(&names[1..]).checked(|_| true).is_ok());
        assert!(change(&names).checked(|_| true).is_err());
    }

    #[test]
    fn names_lead_back() {
        for answer in RiskAppetite::ALL {
            assert_eq!(RiskAppetite::parse(answer.name()), Some(answer));
        }
        assert_eq!(RiskAppetite::parse("reckless"), None);
    }
}
