//! A lead as it stands in the database, and what is known of its person.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use siaga_risk::units::Ts;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use crate::crypto::{Sealed, SubjectKey, mask_email, mask_name, mask_number};
use crate::db::DbError;
use crate::people::{Sight, Target};
use crate::refusal::{Refusal, SEAL};
use crate::values::from_micros;

use super::contact;
use super::score::{Band, is_hot};
use super::stage::{Stage, Status};

/// Fields of a person, in the order in which they are shown.
pub const FIELDS: [&str; 4] = ["name", "phone", "email", "city"];

/// What a lead may be interested in, and an agent know.
pub const INTERESTS: &[&str] = &[
    "forex",
    "metals",
    "energy",
    "indices",
    "crypto",
    "stocks",
    "education",
    "copy_trading",
    "partnership",
];

/// Former contacts by which a lead is found: more than a person has in their life with a house.
pub const PAST_MAX: usize = 20;

/// A lead. What identifies its person is in `data`, sealed; [`Lead::open`] opens it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Its key.
    pub id: Uuid,
    /// Its organisation.
    pub org: Uuid,
    /// Under whose key its person's data are sealed.
    pub subject: Uuid,
    /// The user it became.
    pub user: Option<Uuid>,
    /// Where it came from.
    pub source: String,
    /// By which channel.
    pub channel: String,
    /// Parameters of the link it came by.
    pub utm: Value,
    /// Where it stands.
    pub stage: Stage,
    /// Whether it is worked on.
    pub status: Status,
    /// Why it was lost, sealed.
    pub reason: Option<Sealed>,
    /// 0 to 100.
    pub score: u8,
    /// Until when the newest sign of interest counts.
    pub engaged_until: Option<Ts>,
    /// The budget was confirmed.
    pub budget_confirmed: bool,
    /// How often the score went above 80.
    pub crossings: i32,
    /// Sealed fields by name.
    pub data: BTreeMap<String, String>,
    /// When each field was said, microseconds; and, by [`Said`], who said it.
    pub data_at: BTreeMap<String, i64>,
    /// Keyed hash of the telephone number.
    pub phone_index: Option<Vec<u8>>,
    /// Keyed hash of the address.
    pub email_index: Option<Vec<u8>>,
    /// Keyed hashes of contacts it had before, and of leads that are part of it; oldest first.
    pub past: Vec<Vec<u8>>,
    /// Of [`INTERESTS`].
    pub interests: Vec<String>,
    /// Who works it; `None` is the pool.
    pub assigned_to: Option<Uuid>,
    /// Their team, or that of who worked it last.
    pub team: Option<Uuid>,
    /// The partner who brought it.
    pub referrer: Option<Uuid>,
    /// When the partner was named; `None` is when it came in.
    pub referred: Option<Ts>,
    /// The lead it is part of.
    pub merged_into: Option<Uuid>,
    /// Cases of identity that were approved.
    pub kyc_passed: i32,
    /// And rejected.
    pub kyc_failed: i32,
    /// Since when it stands in its stage.
    pub since: Ts,
    /// When the stage's term is over.
    pub due: Option<Ts>,
    /// It was over and people were told.
    pub breached: bool,
    /// A person did something about it.
    pub touched: bool,
    /// It became a trading client once.
    pub converted: bool,
    /// When it came in.
    pub created: Ts,
    /// When it last changed.
    pub updated: Ts,
    /// Counts changes.
    pub revision: i64,
}

/// Who answers for a field of a lead. It stands in `data_at` beside the instant of the field, and goes with the value. Of two contacts
/// that a person of the house answers for, it was said that they are one person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A person of the house.
    House,
    /// Nobody; but every word of the lead came in together with it.
    Always,
}

impl Said {
    /// Under which name it stands there.
    pub(super) fn of(self, field: &str) -> String {
        match self {
            Said::House => format!("{field}.house"),
            Said::Always => format!("{field}.always"),
        }
    }
}

/// What is known of a lead's person, opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Full name.
    pub name: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Lower case.
    pub email: Option<String>,
    /// As written.
    pub city: Option<String>,
}

/// The columns a [`Lead`] is read from, of `leads AS l`.
macro_rules! lead_columns {
    () => {
        "l.id, l.org_id, l.subject_id, l.user_id, l.source, l.channel, l.utm, l.stage, l.status, l.reason_sealed, l.score, \
         (extract(epoch FROM l.engaged_until) * 1000000)::bigint AS engaged_until, l.budget_confirmed, l.crossings, l.data, l.data_at, \
         l.phone_index, l.email_index, l.past_contacts, l.interests, l.assigned_to, l.team_id, l.referrer_id, (extract(epoch FROM l.referred_at) * 1000000)::bigint AS referred_at, l.merged_into, l.kyc_passed, l.kyc_failed, \
         (extract(epoch FROM l.stage_since) * 1000000)::bigint AS stage_since, (extract(epoch FROM l.due_at) * 1000000)::bigint AS due_at, \
         l.breached_at IS NOT NULL AS breached, l.touched_at IS NOT NULL AS touched, l.converted_at IS NOT NULL AS converted, \
         (extract(epoch FROM l.created_at) * 1000000)::bigint AS created_at, (extract(epoch FROM l.updated_at) * 1000000)::bigint AS updated_at, l.revision"
    };
}
pub(super) use lead_columns;

/// A value of a column that this program does not know.
fn foreign(what: &str, text: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} {text:?} is not known").into())
}

fn map<T: serde::de::DeserializeOwned>(value: Value) -> Result<BTreeMap<String, T>, sqlx::Error> {
    serde_json::from_value(value).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

impl FromRow<'_, PgRow> for Lead {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let stage: String = row.try_get("stage")?;
        let status: String = row.try_get("status")?;
        let score: i32 = row.try_get("score")?;
        let instant = |column: &str| -> Result<Option<Ts>, sqlx::Error> {
            let micros: Option<i64> = row.try_get(column)?;
            Ok(micros.map(from_micros))
        };
        let needed = |column: &str| -> Result<Ts, sqlx::Error> {
            let micros: i64 = row.try_get(column)?;
            Ok(from_micros(micros))
        };
        let reason: Option<Vec<u8>> = row.try_get("reason_sealed")?;
        Ok(Self {
            id: row.try_get("id")?,
            org: row.try_get("org_id")?,
            subject: row.try_get("subject_id")?,
            user: row.try_get("user_id")?,
            source: row.try_get("source")?,
            channel: row.try_get("channel")?,
            utm: row.try_get("utm")?,
            stage: Stage::parse(&stage).ok_or_else(|| foreign("the stage", &stage))?,
            status: Status::parse(&status).ok_or_else(|| foreign("the status", &status))?,
            reason: reason.map(Sealed::from_bytes),
            score: u8::try_from(score).unwrap_or(0),
            engaged_until: instant("engaged_until")?,
            budget_confirmed: row.try_get("budget_confirmed")?,
            crossings: row.try_get("crossings")?,
            data: map(row.try_get("data")?)?,
            data_at: map(row.try_get("data_at")?)?,
            phone_index: row.try_get("phone_index")?,
            email_index: row.try_get("email_index")?,
            past: row.try_get("past_contacts")?,
            interests: row.try_get("interests")?,
            assigned_to: row.try_get("assigned_to")?,
            team: row.try_get("team_id")?,
            referrer: row.try_get("referrer_id")?,
            referred: instant("referred_at")?,
            merged_into: row.try_get("merged_into")?,
            kyc_passed: row.try_get("kyc_passed")?,
            kyc_failed: row.try_get("kyc_failed")?,
            since: needed("stage_since")?,
            due: instant("due_at")?,
            breached: row.try_get("breached")?,
            touched: row.try_get("touched")?,
            converted: row.try_get("converted")?,
            created: needed("created_at")?,
            updated: needed("updated_at")?,
            revision: row.try_get("revision")?,
        })
    }
}

/// The name under which a field is sealed.
fn sealed_as(field: &str) -> String {
    format!("leads.{field}")
}

impl Lead {
    /// Whose row it is.
    pub fn target(&self) -> Target {
        Target {
            org: self.org,
            owner: self.assigned_to,
            team: self.team,
            referrer: self.referrer,
        }
    }

    /// The partner who brought it, and since when it says so.
    pub fn referral(&self) -> Option<(Uuid, Ts)> {
        self.referrer
            .map(|partner| (partner, self.referred.unwrap_or(self.created)))
    }

    /// How far it is qualified.
    pub fn band(&self) -> Band {
        Band::of(self.score)
    }

    /// Whether it is hot at `now`.
    pub fn is_hot(&self, now: Ts) -> bool {
        is_hot(self.score, self.engaged_until, self.budget_confirmed, now)
    }

    /// Whether the term of its stage is over.
    pub fn is_overdue(&self, now: Ts) -> bool {
        self.status == Status::Open && self.due.is_some_and(|due| due <= now)
    }

    /// A field, opened.
    ///
    /// # Errors
    /// [`SEAL`] when it does not open.
    pub fn field(&self, key: &SubjectKey, field: &str) -> Result<Option<String>, Refusal> {
        self.data
            .get(field)
            .map(|text| open(key, &sealed_as(field), text))
            .transpose()
    }

    /// Everything known of the person.
    ///
    /// # Errors
    /// As [`Lead::field`].
    pub fn open(&self, key: &SubjectKey) -> Result<Known, Refusal> {
        Ok(Known {
            name: self.field(key, "name")?,
            phone: self.field(key, "phone")?,
            email: self.field(key, "email")?,
            city: self.field(key, "city")?,
        })
    }

    /// Why it was lost.
    ///
    /// # Errors
    /// As [`Lead::field`].
    pub fn lost_because(&self, key: &SubjectKey) -> Result<Option<String>, Refusal> {
        let opened = self
            .reason
            .as_ref()
            .map(|sealed| key.open("leads.reason", sealed));
        opened.transpose().map_err(broken)
    }

    /// Whether it is so said.
    pub fn is_said(&self, field: &str, by: Said) -> bool {
        self.data_at.contains_key(&by.of(field))
    }

    /// Notes that a field is so said.
    pub fn say(&mut self, field: &str, by: Said, at: Ts) {
        self.data_at.insert(by.of(field), micros_of(at));
    }

    /// Forgets that a field is so said.
    pub fn unsay(&mut self, field: &str, by: Said) {
        self.data_at.remove(&by.of(field));
    }

    /// Notes with which of number and address a word came in. Who proves one that it came in without need not be who it is about, unless
    /// a person of the house said that both are one person's.
    pub fn hears(&mut self, said: [bool; 2], by_house: bool, at: Ts) {
        let contacts = ["phone", "email"].into_iter().zip(said);
        let held: Vec<(&'static str, bool)> = contacts
            .filter(|(field, _)| self.data.contains_key(*field))
            .collect();
        let is_all = held.iter().all(|(_, said)| *said);
        let is_none = held.iter().all(|(_, said)| !*said);
        let is_bound = held
            .iter()
            .any(|(field, said)| *said && self.is_said(field, Said::House));
        for (field, said) in held {
            let was_said = self.is_said(field, Said::House) || self.is_said(field, Said::Always);
            if !said {
                self.unsay(field, Said::Always);
                if !is_bound && !is_none {
                    self.unsay(field, Said::House);
                }
            } else if by_house && (is_all || was_said) {
                self.say(field, Said::House, at);
            }
        }
    }

    /// A person of the house gave it another contact: said of the lead as it is, where it had none of the kind and nothing speaks
    /// against the other one, or where the house answers for that one.
    pub fn corrected(&mut self, field: &str, is_new: bool, at: Ts) {
        let other = if field == "phone" { "email" } else { "phone" };
        let fits = !self.data.contains_key(other)
            || self.is_said(other, Said::House)
            || (is_new && self.is_said(other, Said::Always));
        if !fits {
            return;
        }
        self.say(field, Said::House, at);
        if self.data.contains_key(other) {
            self.say(other, Said::House, at);
        }
    }

    fn unsaid(&mut self, field: &str) {
        self.unsay(field, Said::House);
        self.unsay(field, Said::Always);
    }

    /// Takes a field away as if it had never been said.
    pub fn drop_field(&mut self, field: &str) {
        self.data.remove(field);
        self.data_at.remove(field);
        self.unsaid(field);
    }

    /// Seals a field that was said at `at`; nobody answers for it yet.
    pub fn put(&mut self, key: &SubjectKey, field: &str, value: &str, at: Ts) {
        self.unsaid(field);
        self.data.insert(
            field.to_owned(),
            key.seal(&sealed_as(field), value).to_text(),
        );
        self.data_at.insert(field.to_owned(), micros_of(at));
    }

    /// Takes a field away. When that was said stays: an older word does not bring it back.
    pub fn empty(&mut self, field: &str, at: Ts) {
        self.drop_field(field);
        self.data_at.insert(field.to_owned(), micros_of(at));
    }

    /// Remembers contacts it had, newest last; what it has now is not of the past.
    pub fn keep_past(&mut self, had: Vec<Option<Vec<u8>>>) {
        for index in had.into_iter().flatten() {
            self.past.retain(|past| *past != index);
            self.past.push(index);
        }
        let present = [self.phone_index.clone(), self.email_index.clone()];
        self.past
            .retain(|past| !present.iter().flatten().any(|index| index == past));
        let over = self.past.len().saturating_sub(PAST_MAX);
        self.past.drain(..over);
    }

    /// Whether somebody with these contacts is the one who had one of them before: the other one, where it was said, is the lead's too,
    /// or the lead has none of its kind.
    pub fn had(&self, phone: Option<&[u8]>, email: Option<&[u8]>) -> bool {
        let before = |said: &[u8]| self.past.iter().any(|past| past == said);
        let fits = |said: Option<&[u8]>, held: &Option<Vec<u8>>| {
            said.is_none_or(|said| held.as_ref().is_none_or(|held| held == said) || before(said))
        };
        [phone, email].into_iter().flatten().any(before)
            && fits(phone, &self.phone_index)
            && fits(email, &self.email_index)
    }

    /// Adds interests that are not there yet.
    pub fn add_interests(&mut self, more: &[String]) {
        let all: BTreeSet<String> = self.interests.iter().chain(more).cloned().collect();
        self.interests = all.into_iter().collect();
    }
}

impl Known {
    /// The field of that name.
    pub fn get(&self, field: &str) -> Option<&str> {
        match field {
            "name" => self.name.as_deref(),
            "phone" => self.phone.as_deref(),
            "email" => self.email.as_deref(),
            "city" => self.city.as_deref(),
            _ => None,
        }
    }

    /// By which the lead is given to an agent.
    pub fn territory(&self) -> Option<String> {
        self.city.as_deref().and_then(contact::territory)
    }

    /// As somebody sees it.
    pub fn shown(self, sight: Sight) -> Self {
        match sight {
            Sight::Clear => self,
            Sight::Masked => Self {
                name: self.name.as_deref().map(mask_name),
                phone: self.phone.as_deref().map(mask_number),
                email: self.email.as_deref().map(mask_email),
                city: self.city,
            },
        }
    }
}

/// The territory of a sealed city.
pub(super) fn territory_of(key: &SubjectKey, city: &str) -> Result<Option<String>, Refusal> {
    Ok(contact::territory(&open(key, &sealed_as("city"), city)?))
}

/// Opens sealed text of a JSON column.
pub(super) fn open(key: &SubjectKey, field: &str, text: &str) -> Result<String, Refusal> {
    let sealed = Sealed::from_text(text)
        .ok_or_else(|| DbError::Unexpected("a field of a lead is not sealed".into()))?;
    key.open(field, &sealed).map_err(broken)
}

pub(super) fn broken(error: crate::crypto::SealError) -> Refusal {
    tracing::error!("a field of a lead: {error}");
    SEAL.because("tell the desk; what is known of this person does not open")
}

/// Microseconds of an instant, as they stand in JSON.
pub(super) fn micros_of(at: Ts) -> i64 {
    i64::try_from(at.0 / 1_000).unwrap_or(i64::MAX)
}
