//! The first word of the system: a new lead that nobody touched for 24 hours is written to, by a template, inside of its channel's
//! rules; the event of that moves it on. Beside it, terms of stages that are over are told.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::json;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::outbox::{ATTEMPTS_MAX, Effect, EffectError, Event, Running, Stored};
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::bound;

use super::lead::{Lead, lead_columns};
use super::sla::OUTREACH_AFTER_NS;
use super::stage::{Stage, Status};
use super::store;
use super::view::key_of;
use super::window::{Channel, May, Reach, first_word};

/// Leads looked at by one unit: each costs some statements, and all of them are a slice of the embedded database.
const SLICE: i64 = 10;

/// Units of one job in a minute: what is left goes with the next.
const ROUNDS_MAX: u32 = 100;

/// A message that waits for the morning, or for a channel, is looked at again then; one without a channel never.
const TEMPLATE: &str = "first_word";

/// Purposes of consent whose no is kept, by channel. Who left a number asked to be answered, so nothing said is no objection to one answer.
const NO: [(&str, Channel); 3] = [
    ("marketing_email", Channel::Email),
    ("marketing_whatsapp", Channel::WhatsApp),
    ("marketing_sms", Channel::Sms),
];

/// A message to one person. It has no Debug: an address belongs into no log.
#[derive(Clone)]
pub struct Letter {
    /// The key by which the other side knows that it was sent.
    pub key: Uuid,
    /// By which way.
    pub channel: Channel,
    /// The address or the E.164 number.
    pub to: String,
    /// One line; mail only.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// A letter under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<String, EffectError>> + Send + 'a>>;

/// Who sends letters.
pub trait Courier: Send + Sync + 'static {
    /// Whether it serves a channel at all.
    fn serves(&self, channel: Channel) -> bool;

    /// Sends; gives the other side's reference.
    fn send(&self, letter: Letter) -> Sending<'_>;
}

/// The template in the house's first language.
pub fn first_word_text(name: Option<&str>) -> (String, String) {
    let greeting = name.map_or("Halo".to_owned(), |name| format!("Halo {name}"));
    (
        "Terima kasih atas minat Anda".to_owned(),
        format!(
            "{greeting}, terima kasih telah menghubungi kami. Tim kami siap menjawab pertanyaan Anda tentang trading. \
             Balas pesan ini untuk mulai, atau tulis STOP bila tidak ingin dihubungi lagi."
        ),
    )
}

/// Looks for leads that wait for their first word and puts it on its way; gives how many. Run by a job every minute.
///
/// # Errors
/// The database.
pub async fn sweep(platform: &Platform, org: Uuid, serves: [bool; 3]) -> Result<u64, Refusal> {
    let program = Principal::system("crm.outreach").within(org);
    platform
        .command(&program, move |unit| sweep_in(unit, serves))
        .await
}

/// What a courier serves, in the order mail, WhatsApp, text message.
pub fn served(courier: &dyn Courier) -> [bool; 3] {
    [Channel::Email, Channel::WhatsApp, Channel::Sms].map(|channel| courier.serves(channel))
}

fn sweep_in(unit: &mut Unit<'_, '_>, serves: [bool; 3]) -> Result<u64, Refusal> {
    let (org, now) = (unit.by().org, unit.now());
    // Two programs of one database take turns: what the first put on its way is seen by the second, and nobody is written to twice.
    unit.tx().execute(
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 3))")
            .bind(format!("crm.outreach {org}")),
    )?;
    let since = Ts(now.0.saturating_sub(OUTREACH_AFTER_NS));
    let leads: Vec<Lead> = unit.tx().all(
        sqlx::query_as(concat!(
            "SELECT ",
            lead_columns!(),
            " FROM leads AS l LEFT JOIN lead_outreaches AS o ON o.lead_id = l.id
              WHERE l.org_id = $1 AND l.status = 'open' AND l.stage = 'new' AND l.touched_at IS NULL AND l.created_at <= $2
                  AND (o.id IS NULL OR (o.status = 'waiting' AND o.due_at <= $3))
              ORDER BY l.created_at, l.id LIMIT $4 FOR UPDATE OF l SKIP LOCKED"
        ))
        .bind(org)
        .bind(bound(since))
        .bind(bound(now))
        .bind(SLICE),
    )?;
    let mut sent = 0;
    for lead in leads {
        let reach = reach(unit, &lead, serves)?;
        match first_word(reach, now) {
            Some((channel, May::NotBefore(until))) => {
                put(unit, &lead, Some(channel), "waiting", until, None)?
            }
            Some((channel, _)) => {
                put(unit, &lead, Some(channel), "sending", now, None)?;
                let facts =
                    json!({"lead_id": lead.id, "channel": channel.name(), "template": TEMPLATE});
                unit.emit(
                    Event::new("lead.outreach_due", "lead", lead.id, facts).about(lead.subject),
                );
                sent += 1;
            }
            None => {
                put(
                    unit,
                    &lead,
                    None,
                    "failed",
                    now,
                    Some("no channel that is set up and that they did not refuse"),
                )?;
                breach(unit, &lead, "no_channel")?;
            }
        }
    }
    Ok(sent)
}

fn reach(unit: &mut Unit<'_, '_>, lead: &Lead, serves: [bool; 3]) -> Result<Reach, Refusal> {
    let [email, whatsapp, sms] = serves;
    let mut no = [!email, !whatsapp, !sms];
    for (slot, (purpose, _)) in no.iter_mut().zip(NO) {
        let newest: Option<(bool,)> = unit.tx().optional(
            sqlx::query_as("SELECT granted FROM consents WHERE subject_id = $1 AND purpose = $2 ORDER BY created_at DESC, id DESC LIMIT 1")
                .bind(lead.subject)
                .bind(purpose),
        )?;
        *slot |= newest == Some((false,));
    }
    let [no_email, no_whatsapp, no_sms] = no;
    Ok(Reach {
        email: lead.email_index.is_some(),
        phone: lead.phone_index.is_some(),
        prefers_whatsapp: lead.channel == "whatsapp",
        no_email,
        no_whatsapp,
        no_sms,
    })
}

fn put(
    unit: &mut Unit<'_, '_>,
    lead: &Lead,
    channel: Option<Channel>,
    status: &'static str,
    due: Ts,
    failure: Option<&str>,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO lead_outreaches (id, org_id, lead_id, channel, template, status, due_at, failure, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (lead_id) DO UPDATE SET channel = $4, status = $6, due_at = $7, failure = $8",
        )
        .bind(new_id(now))
        .bind(lead.org)
        .bind(lead.id)
        .bind(channel.map(Channel::name))
        .bind(TEMPLATE)
        .bind(status)
        .bind(bound(due))
        .bind(failure)
        .bind(bound(now)),
    )?;
    Ok(())
}

/// Sends what [`sweep`] put on its way.
pub struct Outreach {
    courier: Arc<dyn Courier>,
}

impl Outreach {
    /// By this courier.
    pub fn new(courier: Arc<dyn Courier>) -> Self {
        Self { courier }
    }

    async fn deliver(&self, platform: &Platform, event: &Stored) -> Result<(), EffectError> {
        let Some(lead) = event.key("lead_id") else {
            return Ok(());
        };
        let Some(letter) = letter(platform, event, lead).await? else {
            return Ok(());
        };
        let channel = letter.channel;
        match self.courier.send(letter).await {
            Ok(reference) => Ok(sent(platform, event, lead, channel, reference).await?),
            Err(EffectError::Never(why)) => {
                failed(platform, event.org, lead, why.clone()).await?;
                Err(EffectError::Never(why))
            }
            Err(EffectError::Later(why)) => {
                if event.attempts.saturating_add(1) >= ATTEMPTS_MAX {
                    // Nobody tries it again, so a person takes the lead.
                    failed(platform, event.org, lead, why.clone()).await?;
                }
                Err(EffectError::Later(why))
            }
        }
    }
}

impl Effect for Outreach {
    fn name(&self) -> &'static str {
        "crm.outreach"
    }

    fn wants(&self, kind: &str) -> bool {
        kind == "lead.outreach_due"
    }

    fn run<'a>(&'a self, platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(self.deliver(platform, event))
    }
}

/// The letter to a lead; `None` when somebody was faster, or the person was erased.
async fn letter(
    platform: &Platform,
    event: &Stored,
    lead: Uuid,
) -> Result<Option<Letter>, Refusal> {
    let program = Principal::system("crm.outreach").within(event.org);
    let (keyring, key) = (Arc::clone(platform.keyring()), event.id);
    platform
        .read(&program, move |tx| {
            let row: Option<(Option<String>, String)> = tx.optional(
                sqlx::query_as("SELECT channel, status FROM lead_outreaches WHERE lead_id = $1")
                    .bind(lead),
            )?;
            let lead = store::find(tx, lead)?;
            let fresh = lead.status == Status::Open && lead.stage == Stage::New && !lead.touched;
            let channel = row
                .filter(|(_, status)| status == "sending" && fresh)
                .and_then(|(channel, _)| Channel::parse(&channel?));
            let (Some(channel), Some(subject_key)) = (channel, key_of(tx, &keyring, lead.subject)?)
            else {
                return Ok(None);
            };
            let known = lead.open(&subject_key)?;
            let to = if channel == Channel::Email {
                known.email
            } else {
                known.phone
            };
            let (subject, text) = first_word_text(known.name.as_deref());
            Ok(to.map(|to| Letter {
                key,
                channel,
                to,
                subject,
                text,
            }))
        })
        .await
}

async fn sent(
    platform: &Platform,
    event: &Stored,
    lead: Uuid,
    channel: Channel,
    reference: String,
) -> Result<(), Refusal> {
    let program = Principal::system("crm.outreach").within(event.org);
    platform
        .command(&program, move |unit| {
            let lead = store::for_update(unit.tx(), lead)?;
            let now = unit.now();
            let changed = unit.tx().execute(
                sqlx::query("UPDATE lead_outreaches SET status = 'sent', sent_at = $2, reference = $3 WHERE lead_id = $1 AND status = 'sending'")
                    .bind(lead.id)
                    .bind(bound(now))
                    .bind(&reference),
            )?;
            if changed == 0 {
                return Ok(());
            }
            store::history(unit, &lead, "outreach", &json!({"channel": channel.name(), "template": TEMPLATE, "reference": reference}), None)?;
            unit.audit(Change::new(Action::Update, "lead_outreach", lead.id).about(lead.subject).field("status", "sending", "sent"));
            let facts = json!({"lead_id": lead.id, "by": "system", "channel": channel.name(), "template": TEMPLATE});
            unit.emit(Event::new("lead.outreach_sent", "lead", lead.id, facts).about(lead.subject));
            Ok(())
        })
        .await
}

async fn failed(platform: &Platform, org: Uuid, lead: Uuid, why: String) -> Result<(), Refusal> {
    let program = Principal::system("crm.outreach").within(org);
    platform
        .command(&program, move |unit| {
            let lead = store::for_update(unit.tx(), lead)?;
            unit.tx().execute(
                sqlx::query("UPDATE lead_outreaches SET status = 'failed', failure = $2 WHERE lead_id = $1 AND status = 'sending'")
                    .bind(lead.id)
                    .bind(&why),
            )?;
            unit.audit(Change::new(Action::Update, "lead_outreach", lead.id).about(lead.subject).field("status", "sending", "failed"));
            breach(unit, &lead, "outreach_failed")
        })
        .await
}

/// Tells the agent and the manager that a lead waits for them.
fn breach(unit: &mut Unit<'_, '_>, lead: &Lead, why: &'static str) -> Result<(), Refusal> {
    let detail = json!({"stage": lead.stage.name(), "why": why});
    store::history(unit, lead, "sla", &detail, None)?;
    let mut people = super::notice::managers(unit, lead)?;
    people.extend(lead.assigned_to);
    let told = format!("sla {} {} {why}", lead.id, lead.since.0);
    for person in people {
        super::notice::tell(unit, person, "sla", Some(lead.id), &detail, &told)?;
    }
    let facts = json!({"lead_id": lead.id, "stage": lead.stage.name(), "why": why, "assigned_to": lead.assigned_to});
    unit.emit(Event::new("lead.sla_breached", "lead", lead.id, facts).about(lead.subject));
    Ok(())
}

/// Tells of leads whose stage has lasted longer than its term, once each; gives how many. Run by a job every minute.
///
/// # Errors
/// The database.
pub async fn watch_terms(platform: &Platform, org: Uuid) -> Result<u64, Refusal> {
    let program = Principal::system("crm.sla").within(org);
    platform
        .command(&program, move |unit| {
            let (org, now) = (unit.by().org, unit.now());
            let leads: Vec<Lead> = unit.tx().all(
                sqlx::query_as(concat!(
                    "SELECT ",
                    lead_columns!(),
                    " FROM leads AS l WHERE l.org_id = $1 AND l.status = 'open' AND l.breached_at IS NULL AND l.due_at <= $2
                      ORDER BY l.due_at, l.id LIMIT $3 FOR UPDATE SKIP LOCKED"
                ))
                .bind(org)
                .bind(bound(now))
                .bind(SLICE),
            )?;
            let mut told = 0;
            for mut lead in leads {
                lead.breached = true;
                store::save(unit, &mut lead)?;
                breach(unit, &lead, "overdue")?;
                unit.audit(Change::new(Action::Update, "lead", lead.id).about(lead.subject).field("breached", false, true));
                told += 1;
            }
            Ok(told)
        })
        .await
}

/// A unit again and again until it finds nothing to do; between two of them people have their turn.
async fn repeat<S>(mut unit: impl FnMut() -> S) -> Result<(), Refusal>
where
    S: Future<Output = Result<u64, Refusal>>,
{
    for _ in 0..ROUNDS_MAX {
        if unit().await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Organisations that one round looks after.
const ORGS_MAX: i64 = 1_000;

/// What sales needs every minute, in every organisation: leads that wait are given, terms are watched, and the first word is sent where
/// there is a way to send it. What fails in one organisation is said and does not stop the others.
///
/// # Errors
/// The list of organisations.
pub async fn minute(platform: &Platform, courier: Option<&dyn Courier>) -> Result<(), Refusal> {
    let serves = courier.map_or([false; 3], served);
    let program = Principal::system("crm.minute");
    let orgs: Vec<(Uuid,)> = platform
        .read(&program, |tx| {
            Ok(tx.all(
                sqlx::query_as("SELECT id FROM organizations ORDER BY id LIMIT $1").bind(ORGS_MAX),
            )?)
        })
        .await?;
    for (org,) in orgs {
        let mut outcomes = vec![
            repeat(|| super::assignment::drain_pool(platform, org)).await,
            repeat(|| watch_terms(platform, org)).await,
        ];
        if serves.contains(&true) {
            outcomes.push(repeat(|| sweep(platform, org, serves)).await);
        }
        for refusal in outcomes.into_iter().filter_map(Result::err) {
            tracing::warn!("sales of {org}: {refusal}; it is tried again in a minute");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_names_the_person_and_the_way_out() {
        let (subject, text) = first_word_text(Some("Siti"));
        assert!(!subject.is_empty() && text.starts_with("Halo Siti, ") && text.contains("STOP"));
        assert!(first_word_text(None).1.starts_with("Halo, "));
    }
}
