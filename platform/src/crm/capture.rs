//! Leads come in: by hand, by the API, by signed hooks. A contact that is known is not a second lead: the newest word on each field
//! wins, what was there before stays in the history, and a record lets the merge be taken back.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::calendar::WorkingCalendar;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, KEY_REUSED, Refusal};
use crate::unit::{Platform, Unit};
use crate::values::bound;

use super::assignment;
use super::claim::{self, Claim, Side, Voice, Way};
use super::contact;
use super::faults::NO_CONTACT;
use super::lead::{FIELDS, INTERESTS, Known, Lead, Said as By, lead_columns};
use super::merge::merge;
use super::permissions::LEAD_CAPTURE;
use super::proof;
use super::referral;
use super::score::FactKind;
use super::sla;
use super::stage::{Stage, Status};
use super::store;

/// Longest source and channel, characters, as the table holds them.
const SOURCE_MAX: usize = 50;
const CHANNEL_MAX: usize = 30;

/// Longest parameter of a link, characters.
const UTM_MAX: usize = 100;

/// Parameters of a link that are kept; others may name the person.
const UTM: [&str; 5] = ["source", "medium", "campaign", "term", "content"];

/// What came in, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capture {
    /// `instagram`, `web`, the name of a hook.
    pub source: String,
    /// By which channel; `web` when empty.
    pub channel: String,
    /// Full name.
    pub name: Option<String>,
    /// A telephone number in any form.
    pub phone: Option<String>,
    /// An address in any form.
    pub email: Option<String>,
    /// The city, as told.
    pub city: Option<String>,
    /// Of [`INTERESTS`].
    pub interests: Vec<String>,
    /// Parameters of the link.
    pub utm: Value,
    /// The partner who brought them.
    pub referrer: Option<Uuid>,
    /// When it was said; now when absent, and never later.
    pub observed: Option<Ts>,
    /// The key of the request, and the hash of what it asks: sent again, it gets the first answer.
    pub receipt: Option<(String, [u8; 32])>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new lead.
    Created,
    /// The lead was there.
    Merged,
    /// Number and address belonged to two leads, which are one now.
    Joined,
}

impl Outcome {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Merged => "merged",
            Outcome::Joined => "joined",
        }
    }

    fn parse(name: &str) -> Option<Outcome> {
        [Outcome::Created, Outcome::Merged, Outcome::Joined]
            .into_iter()
            .find(|outcome| outcome.name() == name)
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The lead it is part of.
    pub lead: Uuid,
    /// How.
    pub outcome: Outcome,
}

/// What came in, in canonical form.
#[derive(Clone, Debug)]
pub(super) struct Clean {
    pub(super) source: String,
    channel: String,
    pub(super) known: Known,
    pub(super) interests: Vec<String>,
    utm: Value,
    pub(super) referrer: Option<Uuid>,
    pub(super) observed: Option<Ts>,
    receipt: Option<(String, [u8; 32])>,
    /// A person of the house typed it and answers for it.
    pub(super) vouched: bool,
    /// A person who registers says it of themselves.
    registers: bool,
}

impl Clean {
    fn voice(&self) -> Voice {
        match (self.vouched, self.registers) {
            (true, _) => Voice::House,
            (false, true) => Voice::Registration,
            (false, false) => Voice::Form,
        }
    }

    /// A contact that its owner proved to the house.
    pub(super) fn proved(known: Known) -> Self {
        Self {
            source: "identity".into(),
            channel: "web".into(),
            known,
            interests: Vec::new(),
            utm: Value::Null,
            referrer: None,
            observed: None,
            receipt: None,
            vouched: false,
            registers: false,
        }
    }
}

/// Takes a lead in for `by`.
///
/// # Errors
/// Forbidden, a field that is wrong, [`NO_CONTACT`], or [`KEY_REUSED`].
pub async fn capture(
    platform: &Platform,
    by: &Principal,
    capture: Capture,
) -> Result<Captured, Refusal> {
    by.may(LEAD_CAPTURE, &by.own())?;
    // What a hook or an API key sends in was typed into somebody's form.
    let clean = clean(capture, by.user().is_some() && by.in_person().is_ok())?;
    let recorded_by = by.audit_name();
    // A duplicate may belong to somebody whose leads `by` does not write, so the program merges on behalf of `by`.
    platform
        .command(&by.elevated(), move |unit| take(unit, &clean, &recorded_by))
        .await
}

/// Takes in, within an open unit of the program, what a person says of themselves when they register.
///
/// # Errors
/// As [`capture`], but for what only a caller can lack.
pub(super) fn registration(unit: &mut Unit<'_, '_>, capture: Capture) -> Result<Captured, Refusal> {
    let mut clean = clean(capture, false)?;
    clean.registers = true;
    let recorded_by = unit.by().audit_name();
    take(unit, &clean, &recorded_by)
}

fn clean(capture: Capture, vouched: bool) -> Result<Clean, Refusal> {
    let word = |text: &str, field: &'static str, most: usize| {
        let fits = !text.is_empty()
            && text.chars().count() <= most
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        if fits {
            Ok(text.to_lowercase())
        } else {
            Err(INVALID.field(
                field,
                format!("use 1 to {most} letters, digits, and - _ . :"),
            ))
        }
    };
    let channel: &str = if capture.channel.is_empty() {
        "web"
    } else {
        &capture.channel
    };
    let known = Known {
        name: capture.name.as_deref().and_then(contact::words),
        phone: capture.phone.as_deref().map(contact::phone).transpose()?,
        email: capture.email.as_deref().map(contact::email).transpose()?,
        city: capture.city.as_deref().and_then(contact::words),
    };
    if known.phone.is_none() && known.email.is_none() {
        return Err(NO_CONTACT.because("send phone or email"));
    }
    Ok(Clean {
        source: word(&capture.source, "source", SOURCE_MAX)?,
        channel: word(channel, "channel", CHANNEL_MAX)?,
        known,
        interests: interests(&capture.interests)?,
        utm: utm(&capture.utm)?,
        referrer: capture.referrer,
        observed: capture.observed,
        receipt: capture.receipt,
        vouched,
        registers: false,
    })
}

/// Interests that exist.
///
/// # Errors
/// Names the one that does not.
pub(super) fn interests(named: &[String]) -> Result<Vec<String>, Refusal> {
    let unknown = named
        .iter()
        .find(|name| !INTERESTS.contains(&name.as_str()));
    if unknown.is_some() {
        return Err(INVALID.field("interests", format!("use {}", INTERESTS.join(", "))));
    }
    Ok(named.to_vec())
}

fn utm(given: &Value) -> Result<Value, Refusal> {
    let refused = || INVALID.field("utm", format!("send an object with {}", UTM.join(", ")));
    let mut kept = Map::new();
    match given {
        Value::Null => {}
        Value::Object(given) => {
            for name in UTM {
                match given.get(name) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => {
                        let text: String = text
                            .chars()
                            .filter(|c| !c.is_control())
                            .take(UTM_MAX)
                            .collect();
                        kept.insert(name.to_owned(), Value::String(text));
                    }
                    Some(_) => return Err(refused()),
                }
            }
        }
        _ => return Err(refused()),
    }
    Ok(Value::Object(kept))
}

fn take(unit: &mut Unit<'_, '_>, clean: &Clean, recorded_by: &str) -> Result<Captured, Refusal> {
    if let Some((receipt, request)) = &clean.receipt
        && let Some(answer) = first_answer(unit, receipt, request)?
    {
        return Ok(answer);
    }
    let [phone, email] = store::indexes(unit, &clean.known);
    store::lock_contacts(unit, &[phone.as_deref(), email.as_deref()])?;
    store::lock_assignment(unit)?;
    check_referrer(unit, clean.referrer)?;
    let said = Said { phone, email };
    let mut found = found(unit, clean, &said)?.into_iter();
    let (lead, outcome) = match (found.next(), found.next()) {
        (None, _) => match with_past(unit, clean, &said)? {
            Some(mut lead) => {
                let own = match clean.vouched {
                    true => clean.clone(),
                    false => silent(clean),
                };
                merge(unit, &mut lead, &own, None, recorded_by)?;
                claimed(unit, &lead, clean, &own)?;
                (lead, Outcome::Merged)
            }
            None => (create(unit, clean, said, recorded_by)?, Outcome::Created),
        },
        (Some(lead), None) => one_found(unit, lead, clean, said, recorded_by)?,
        (Some(one), Some(other)) => two_found(unit, one, other, clean, &said, recorded_by)?,
    };
    remember(unit, clean, &lead, outcome)?;
    assignment::drain(unit)?;
    Ok(Captured {
        lead: lead.id,
        outcome,
    })
}

/// The contacts that came in, as they are looked for.
struct Said {
    phone: Option<Vec<u8>>,
    email: Option<Vec<u8>>,
}

impl Said {
    /// Each of them beside a lead, and what its client proved of it.
    fn beside(&self, lead: &Lead, proved: [bool; 2]) -> [Claim; 2] {
        let [phone, email] = proved;
        let claim = |said: &Option<Vec<u8>>, held: &Option<Vec<u8>>, proved| Claim {
            said: said.is_some(),
            held: said.is_some() && said == held,
            proved,
        };
        [
            claim(&self.phone, &lead.phone_index, phone),
            claim(&self.email, &lead.email_index, email),
        ]
    }
}

/// The leads that have one of these contacts. A number that a client typed and never proved, and for which nobody of the house answers,
/// leads no word of the house into what that client reads: it is given up. Who registers is found by the address first.
fn found(unit: &mut Unit<'_, '_>, clean: &Clean, said: &Said) -> Result<Vec<Lead>, Refusal> {
    let mut kept = Vec::new();
    for mut lead in with_contact(unit, said.phone.as_deref(), said.email.as_deref())? {
        let proved = proof::of(unit, lead.user, &said.phone, &said.email)?;
        let held = ["phone", "email"]
            .into_iter()
            .zip(said.beside(&lead, proved))
            .filter(|(_, claim)| claim.held);
        let held: Vec<(&'static str, Claim)> = held.collect();
        let is_theirs = held
            .iter()
            .any(|(field, claim)| claim.proved || lead.is_said(field, By::House));
        if !clean.vouched || lead.user.is_none() || is_theirs {
            kept.push(lead);
            continue;
        }
        for (field, _) in held {
            proof::give_up(unit, &mut lead, field, None)?;
        }
    }
    if clean.registers && kept.len() > 1 {
        kept.retain(|lead| lead.email_index == said.email);
    }
    Ok(kept)
}

/// What was said, but for contacts that do not pass.
fn only(clean: &Clean, [phone, email]: [bool; 2]) -> Clean {
    let mut own = clean.clone();
    own.known.phone = own.known.phone.filter(|_| phone);
    own.known.email = own.known.email.filter(|_| email);
    own
}

/// That it came in, and nothing of what was said.
fn silent(clean: &Clean) -> Clean {
    Clean {
        known: Known::default(),
        interests: Vec::new(),
        referrer: None,
        ..clean.clone()
    }
}

/// The contacts that pass, and nothing else of what was said.
fn bare(clean: &Clean, passes: [bool; 2]) -> Clean {
    let own = only(clean, passes);
    Clean {
        known: Known {
            name: None,
            city: None,
            ..own.known
        },
        ..silent(clean)
    }
}

fn one_found(
    unit: &mut Unit<'_, '_>,
    mut lead: Lead,
    clean: &Clean,
    said: Said,
    recorded_by: &str,
) -> Result<(Lead, Outcome), Refusal> {
    let proved = proof::of(unit, lead.user, &said.phone, &said.email)?;
    let claims = said.beside(&lead, proved);
    match claim::alone(lead.user.is_some(), clean.voice(), claims) {
        Way::Whole => merge(unit, &mut lead, clean, None, recorded_by)?,
        Way::Own => {
            let own = only(clean, claims.map(|claim| claim.held || claim.proved));
            merge(unit, &mut lead, &own, None, recorded_by)?;
            claimed(unit, &lead, clean, &own)?;
        }
        Way::Known => {
            let own = bare(clean, claims.map(|claim| claim.held));
            merge(unit, &mut lead, &own, None, recorded_by)?;
            claimed(unit, &lead, clean, &own)?;
        }
        Way::Nothing => merge(unit, &mut lead, &silent(clean), None, recorded_by)?,
        Way::Apart => {
            let free = claims.map(|claim| claim.said && !claim.held);
            let [phone, email] = free;
            let rest = Said {
                phone: said.phone.filter(|_| phone),
                email: said.email.filter(|_| email),
            };
            let lead = create(unit, &only(clean, free), rest, recorded_by)?;
            return Ok((lead, Outcome::Created));
        }
    }
    Ok((lead, Outcome::Merged))
}

fn two_found(
    unit: &mut Unit<'_, '_>,
    one: Lead,
    other: Lead,
    clean: &Clean,
    said: &Said,
    recorded_by: &str,
) -> Result<(Lead, Outcome), Refusal> {
    let rank = |lead: &Lead| {
        (
            lead.status == Status::Open,
            lead.stage,
            Reverse(lead.created),
        )
    };
    let (mut kept, mut joined) = if rank(&one) >= rank(&other) {
        (one, other)
    } else {
        (other, one)
    };
    let claims = |unit: &mut Unit<'_, '_>, lead: &Lead| -> Result<[Claim; 2], Refusal> {
        let proved = proof::of(unit, lead.user, &said.phone, &said.email)?;
        Ok(said.beside(lead, proved))
    };
    let (of_kept, of_joined) = (claims(unit, &kept)?, claims(unit, &joined)?);
    let side = |lead: &Lead, claims: [Claim; 2]| Side {
        client: lead.user.is_some(),
        proves: claims.iter().any(|claim| claim.proved && !claim.held),
    };
    let takes = match (kept.user, joined.user) {
        (Some(user), None) => proof::takes(unit, user, &joined)?,
        (None, Some(user)) => proof::takes(unit, user, &kept)?,
        _ => true,
    };
    let sides = (side(&kept, of_kept), side(&joined, of_joined));
    if takes && claim::joins(clean.voice(), sides.0, sides.1) {
        merge(unit, &mut kept, clean, Some(joined), recorded_by)?;
        return Ok((kept, Outcome::Joined));
    }
    // Neither is shown what is known of the other: the words go to one of them, with the contacts that it has.
    let proves = |claims: [Claim; 2]| claims.iter().any(|claim| claim.held && claim.proved);
    let to_joined = !clean.vouched
        && !proves(of_kept)
        && kept.user.is_some()
        && (proves(of_joined) || joined.user.is_none());
    let (lead, claims) = if to_joined {
        (&mut joined, of_joined)
    } else {
        (&mut kept, of_kept)
    };
    let held = claims.map(|claim| claim.held);
    let own = if clean.vouched || (lead.user.is_some() && proves(claims)) {
        only(clean, held)
    } else if lead.user.is_none() {
        bare(clean, held)
    } else {
        silent(clean)
    };
    merge(unit, lead, &own, None, recorded_by)?;
    let lead = if to_joined { joined } else { kept };
    Ok((lead, Outcome::Merged))
}

/// Keeps contacts that were said and not taken where sales reads them.
fn claimed(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    clean: &Clean,
    taken: &Clean,
) -> Result<(), Refusal> {
    for field in ["phone", "email"] {
        if let Some(said) = clean.known.get(field)
            && taken.known.get(field).is_none()
        {
            let detail = json!({"field": field, "proved": false});
            store::history(unit, lead, "contact", &detail, Some(said))?;
        }
    }
    Ok(())
}

fn first_answer(
    unit: &mut Unit<'_, '_>,
    receipt: &str,
    request: &[u8; 32],
) -> Result<Option<Captured>, Refusal> {
    let org = unit.by().org;
    let tx = unit.tx();
    tx.execute(
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 2))")
            .bind(format!("crm.receipt {org} {receipt}")),
    )?;
    let row: Option<(Uuid, String, Option<Vec<u8>>)> = tx.optional(
        sqlx::query_as("SELECT lead_id, outcome, request_hash FROM lead_captures WHERE org_id = $1 AND receipt = $2")
            .bind(org)
            .bind(receipt),
    )?;
    match row {
        None => Ok(None),
        Some((_, _, hash)) if hash.as_deref() != Some(&request[..]) => {
            Err(KEY_REUSED.field("Idempotency-Key", "use a new key for a new request"))
        }
        Some((lead, outcome, _)) => {
            Ok(Outcome::parse(&outcome).map(|outcome| Captured { lead, outcome }))
        }
    }
}

fn remember(
    unit: &mut Unit<'_, '_>,
    clean: &Clean,
    lead: &Lead,
    outcome: Outcome,
) -> Result<(), Refusal> {
    let now = unit.now();
    let (receipt, request) = match &clean.receipt {
        Some((receipt, request)) => (Some(receipt.as_str()), Some(request.to_vec())),
        None => (None, None),
    };
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_captures (id, org_id, lead_id, outcome, source, channel, utm, receipt, request_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(new_id(now))
        .bind(lead.org)
        .bind(lead.id)
        .bind(outcome.name())
        .bind(&clean.source)
        .bind(&clean.channel)
        .bind(&clean.utm)
        .bind(receipt)
        .bind(request)
        .bind(bound(now)),
    )?;
    Ok(())
}

fn check_referrer(unit: &mut Unit<'_, '_>, referrer: Option<Uuid>) -> Result<(), Refusal> {
    let Some(referrer) = referrer else {
        return Ok(());
    };
    let org = unit.by().org;
    let partner: Option<(Uuid,)> = unit.tx().optional(
        sqlx::query_as("SELECT id FROM users WHERE id = $1 AND org_id = $2 AND role = 'ib_partner' AND status = 'active'")
            .bind(referrer)
            .bind(org),
    )?;
    match partner {
        Some(_) => Ok(()),
        None => Err(INVALID.field("referrer_id", "name an active partner of the house")),
    }
}

/// The leads that have one of these contacts, at most one each, locked in one order.
pub(super) fn with_contact(
    unit: &mut Unit<'_, '_>,
    phone: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Vec<Lead>, Refusal> {
    let org = unit.by().org;
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.org_id = $1 AND (l.phone_index = $2 OR l.email_index = $3) ORDER BY l.id LIMIT 2 FOR UPDATE"
    ));
    Ok(unit.tx().all(query.bind(org).bind(phone).bind(email))?)
}

/// The lead that had one of these contacts before, or of one that is part of it. A client's is found by what it has now alone, since
/// numbers are given to others; and none where the other contact names somebody else. Who registers is nobody's past.
fn with_past(unit: &mut Unit<'_, '_>, clean: &Clean, said: &Said) -> Result<Option<Lead>, Refusal> {
    if clean.registers {
        return Ok(None);
    }
    let org = unit.by().org;
    let looked: Vec<Vec<u8>> = [&said.phone, &said.email]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let query = sqlx::query_as(concat!(
        "SELECT ",
        lead_columns!(),
        " FROM leads AS l WHERE l.org_id = $1 AND l.past_contacts <> '{}' AND l.past_contacts && $2 AND l.status <> 'merged' AND l.user_id IS NULL
          ORDER BY (l.status = 'open') DESC, l.created_at DESC, l.id LIMIT 1 FOR UPDATE"
    ));
    let found: Option<Lead> = unit.tx().optional(query.bind(org).bind(looked))?;
    Ok(found.filter(|lead| lead.had(said.phone.as_deref(), said.email.as_deref())))
}

fn create(
    unit: &mut Unit<'_, '_>,
    clean: &Clean,
    said: Said,
    recorded_by: &str,
) -> Result<Lead, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let user = user_with(unit, said.phone.as_deref(), said.email.as_deref())?;
    let all = clean;
    let passes = match user {
        Some(_) if !clean.vouched => proof::of(unit, user, &said.phone, &said.email)?,
        _ => [true; 2],
    };
    let (clean, [with_phone, with_email]) = (&only(clean, passes), passes);
    let phone = said.phone.filter(|_| with_phone);
    let email = said.email.filter(|_| with_email);
    let mut lead = Lead {
        id: new_id(now),
        org,
        subject: user.unwrap_or_else(|| new_id(now)),
        user,
        source: clean.source.clone(),
        channel: clean.channel.clone(),
        utm: clean.utm.clone(),
        stage: Stage::New,
        status: Status::Open,
        reason: None,
        score: 0,
        engaged_until: None,
        budget_confirmed: false,
        crossings: 0,
        data: Default::default(),
        data_at: Default::default(),
        phone_index: phone,
        email_index: email,
        past: Vec::new(),
        interests: clean.interests.clone(),
        assigned_to: None,
        team: None,
        referrer: clean.referrer,
        referred: None,
        merged_into: None,
        kyc_passed: 0,
        kyc_failed: 0,
        since: now,
        due: sla::due(Stage::New, now, WorkingCalendar::indonesia()),
        breached: false,
        touched: false,
        converted: false,
        created: now,
        updated: now,
        revision: 1,
    };
    let key = unit.key(lead.subject)?;
    let said = clean.observed.unwrap_or(now).min(now);
    for field in FIELDS {
        if let Some(value) = clean.known.get(field) {
            lead.put(&key, field, value, said);
            let by = if clean.vouched { By::House } else { By::Always };
            lead.say(field, by, said);
        }
    }
    store::insert(unit, &lead)?;
    known_facts(unit, &lead, &clean.source, recorded_by)?;
    // Parameters of the link stay in the lead and its capture, where an erasure finds them.
    let detail = json!({"source": lead.source, "channel": lead.channel, "by": recorded_by});
    store::history(unit, &lead, "captured", &detail, None)?;
    claimed(unit, &lead, all, clean)?;
    let change = Change::new(Action::Create, "lead", lead.id).about(lead.subject);
    unit.audit(
        change
            .field("source", Value::Null, lead.source.as_str())
            .field("recorded_by", Value::Null, recorded_by)
            .personal("name", None, clean.known.name.as_deref())
            .personal("phone", None, clean.known.phone.as_deref())
            .personal("email", None, clean.known.email.as_deref()),
    );
    let facts = json!({"lead_id": lead.id, "source": lead.source, "channel": lead.channel, "referrer_id": lead.referrer});
    unit.emit(Event::new("lead.created", "lead", lead.id, facts).about(lead.subject));
    store::rescore(unit, &mut lead)?;
    store::save(unit, &mut lead)?;
    store::index(unit, &lead, &key)?;
    // Of a client who was there before, a person of the house alone says who brought them.
    if clean.vouched {
        referral::vouched(unit, lead.user, lead.referrer)?;
    }
    Ok(lead)
}

/// A client of the house who proved one of these contacts. One who is still pending has proved none, and a number is theirs when a code
/// that was sent there came back.
fn user_with(
    unit: &mut Unit<'_, '_>,
    phone: Option<&[u8]>,
    email: Option<&[u8]>,
) -> Result<Option<Uuid>, Refusal> {
    let org = unit.by().org;
    let rows: Vec<(Uuid,)> = unit.tx().all(
        sqlx::query_as(
            "SELECT u.id FROM users AS u WHERE u.org_id = $1 AND u.role = 'end_user' AND u.status IN ('active', 'suspended', 'under_review')
                 AND (u.email_index = $3 OR (u.phone_index = $2 AND EXISTS (SELECT FROM confirmed_contacts AS c
                     WHERE c.user_id = u.id AND c.what = 'phone' AND c.value_index = u.phone_index))) AND NOT EXISTS (SELECT FROM leads AS l WHERE l.user_id = u.id AND l.status <> 'merged')
             ORDER BY (u.email_index = $3) DESC NULLS LAST, u.id LIMIT 1",
        )
        .bind(org)
        .bind(phone)
        .bind(email),
    )?;
    Ok(rows.first().map(|(user,)| *user))
}

/// The facts that follow from what is known without a check.
pub(super) fn known_facts(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    source: &str,
    recorded_by: &str,
) -> Result<(), Refusal> {
    let has = |field: &str| lead.data.contains_key(field);
    let facts = [
        (FactKind::Name, has("name")),
        (FactKind::City, has("city")),
        (FactKind::Interest, !lead.interests.is_empty()),
        (FactKind::Source, true),
    ];
    for (kind, known) in facts {
        if known {
            store::add_fact(unit, lead, kind, source, "captured", recorded_by)?;
        }
    }
    Ok(())
}
