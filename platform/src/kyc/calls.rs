//! Mail to whoever may decide, when a term is over. It says what waits and since when, and nothing of whom it is about.

use std::time::Duration;

use siaga_risk::units::Ts;
use zeroize::Zeroizing;

use super::Kyc;
use super::notice::{Language, address};
use super::overdue::deciders;
use crate::aml::overdue::{LIST_BY_HAND, STAYS_AWAY, WAITS, What};
use crate::calendar::{HOUR_NS, OFFSET_HOURS};
use crate::db::DbError;
use crate::identity::faults::NOT_SENT;
use crate::identity::messenger::{Channel, Message};
use crate::outbox::{EffectError, Stored};
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::values::{bound, from_micros};

/// For all mail of one event: well within the lease of the outbox.
const SENDING: Duration = Duration::from_secs(40);

/// What people are called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A case of KYC beyond its working hours.
    Review,
    /// A dispute beyond its 72 hours.
    Dispute,
    /// Something of AML or of money.
    Waits,
    /// A list of sanctions.
    List,
    /// One whose files people give.
    ListByHand,
}

impl Call {
    /// What an event calls for.
    pub fn of(kind: &str) -> Option<Call> {
        match kind {
            "kyc.review_overdue" => Some(Call::Review),
            "kyc.dispute_overdue" => Some(Call::Dispute),
            WAITS => Some(Call::Waits),
            STAYS_AWAY => Some(Call::List),
            _ => None,
        }
    }
}

/// Sends mail to everybody who may decide: for the first of a kind in an hour, since the lists show the rest. One address that
/// fails keeps nobody else from it; when all fail, it is tried again.
pub(super) async fn send(kyc: &Kyc, event: &Stored) -> Result<(), EffectError> {
    let (Some(messenger), Some(call)) = (&kyc.messenger, Call::of(&event.kind)) else {
        return Ok(());
    };
    let what = event.payload["what"].as_str().unwrap_or_default();
    let call = match call {
        Call::List if what == LIST_BY_HAND => Call::ListByHand,
        other => other,
    };
    let area = match (call, What::parse(what)) {
        (Call::Review | Call::Dispute, _) => "kyc",
        (_, Some(what)) => what.area(),
        (_, None) => "aml",
    };
    let source = event.payload["source"].as_str().unwrap_or_default();
    let (org, keyring) = (event.org, kyc.platform.keyring().clone());
    let system = Principal::system("kyc.calls");
    let (kind, number, hour) = (event.kind.clone(), event.number, hour_of(event.time));
    let (word, list) = (what.to_owned(), source.to_owned());
    let read = kyc.platform.read(&system, move |tx| {
        let mut reached = Vec::new();
        let earlier: bool = tx.scalar(
            sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM events WHERE type = $1 AND id < $2 AND time >= $3 AND org_id = $4
                     AND payload ->> 'what' = $5 AND coalesce(payload ->> 'source', '') = $6)",
            )
            .bind(kind)
            .bind(number)
            .bind(bound(hour))
            .bind(org)
            .bind(word)
            .bind(list),
        )?;
        if earlier {
            return Ok(reached);
        }
        for user in deciders(tx, org, area)? {
            match address(tx, &keyring, user) {
                Ok(found) => reached.extend(found),
                // One that does not open keeps nobody else from their call.
                Err(Refusal::Db(DbError::Unexpected(why))) => {
                    tracing::error!(%user, "who may decide is not called: {why}");
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(reached)
    });
    let since = from_micros(event.payload["due_us"].as_i64().unwrap_or_default());
    let people = read.await?;
    let (mut sent, mut failed): (u32, Option<Refusal>) = (0, None);
    let all = async {
        for (to, language) in people {
            let (subject, text) = text(call, What::parse(what), source, since, language);
            let message = Message {
                channel: Channel::Email,
                to,
                subject: subject.to_owned(),
                text: Zeroizing::new(text),
            };
            match messenger.send(message).await {
                Ok(()) => sent += 1,
                Err(refusal) => failed = Some(refusal),
            }
        }
    };
    if tokio::time::timeout(SENDING, all).await.is_err() {
        failed = Some(NOT_SENT.because("the mail server takes too long"));
    }
    match failed {
        Some(refusal) if sent == 0 => Err(EffectError::Later(refusal.to_string())),
        Some(refusal) => {
            tracing::warn!("not everybody who may decide was reached by mail: {refusal}");
            Ok(())
        }
        None => Ok(()),
    }
}

/// The beginning of an instant's hour.
fn hour_of(at: Ts) -> Ts {
    Ts(at.0 - at.0 % HOUR_NS)
}

fn text(
    call: Call,
    what: Option<What>,
    source: &str,
    since: Ts,
    language: Language,
) -> (&'static str, String) {
    let when = clock(since);
    match (call, language) {
        (Call::List, Language::Indonesian) => (
            "Daftar sanksi tidak diperbarui",
            format!(
                "Daftar {source} tidak dapat diambil sejak {when}. Daftar terakhir yang baik tetap dipakai. Periksa alamatnya di Siaga."
            ),
        ),
        (Call::List, Language::English) => (
            "A list of sanctions no longer comes",
            format!(
                "The list {source} could not be fetched since {when}. The last good one stays in force. Look at its address in Siaga."
            ),
        ),
        (Call::ListByHand, Language::Indonesian) => (
            "Daftar sanksi lama tidak diberikan",
            format!(
                "Berkas daftar {source} terakhir diberikan pada {when}. Tanyakan kepada PPATK apakah ada daftar baru, lalu berikan berkasnya."
            ),
        ),
        (Call::ListByHand, Language::English) => (
            "A list of sanctions was not given for long",
            format!(
                "The files of the list {source} were last given at {when}. Ask PPATK whether there is a new one, and give its file."
            ),
        ),
        (_, Language::Indonesian) => (
            "Tenggat terlewati",
            format!(
                "{} melewati tenggat {when} dan menunggu keputusan. Masuk ke Siaga untuk memutuskan.",
                named(call, what, language)
            ),
        ),
        (_, Language::English) => (
            "A term is over",
            format!(
                "{} was due at {when} and waits for a decision. Sign in to Siaga to decide.",
                named(call, what, language)
            ),
        ),
    }
}

fn named(call: Call, what: Option<What>, language: Language) -> &'static str {
    let (indonesian, english) = match (call, what) {
        (Call::Review, _) => ("Berkas KYC", "A case of KYC"),
        (Call::Dispute, _) => ("Keberatan nasabah", "A client's dispute"),
        (_, Some(What::CashRequested)) => (
            "Persetujuan deposit atau penarikan",
            "The approval of a movement of money",
        ),
        (_, Some(What::CashApproved)) => (
            "Pembukuan deposit atau penarikan yang disetujui",
            "The booking of an approved movement of money",
        ),
        (_, Some(What::CashHeld)) => (
            "Deposit atau penarikan yang ditahan",
            "A movement of money that is held",
        ),
        (_, Some(What::CaseOpen)) => ("Kasus kepatuhan baru", "A new case of compliance"),
        (_, Some(What::CaseEscalated)) => (
            "Kasus kepatuhan yang menunggu orang kedua",
            "A case of compliance that waits for a second person",
        ),
        (_, Some(What::ReportSubmitted)) => (
            "Laporan yang menunggu orang kedua",
            "A report that waits for a second person",
        ),
        (_, Some(What::ReportApproved)) => (
            "Laporan yang disetujui dan belum disampaikan",
            "A report that was approved and not filed",
        ),
        (_, None) => ("Sesuatu", "Something"),
    };
    match language {
        Language::Indonesian => indonesian,
        Language::English => english,
    }
}

/// An instant as the house's clock shows it.
fn clock(at: Ts) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(OFFSET_HOURS));
    let seconds = i64::try_from(at.0 / 1_000_000_000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| String::from("?"),
        |at| at.to_zoned(zone).strftime("%Y-%m-%d %H:%M WIB").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_what_waits_and_since_when_in_both_languages() {
        // Friday, 13 November 2026, 09:00 UTC.
        let since = Ts(1_794_560_400_000_000_000);
        for language in [Language::Indonesian, Language::English] {
            let mut seen = std::collections::BTreeSet::new();
            for what in What::ALL {
                let (_, text) = text(Call::Waits, Some(what), "", since, language);
                assert!(text.contains("2026-11-13 16:00 WIB"), "{text}");
                assert!(seen.insert(text), "{what:?}: two that wait read the same");
            }
            for call in [Call::List, Call::ListByHand] {
                let (_, text) = text(call, None, "un", since, language);
                assert!(text.contains(" un "), "{text}");
            }
        }
    }

    #[test]
    fn events_of_terms_call_and_others_do_not() {
        assert_eq!(Call::of("kyc.review_overdue"), Some(Call::Review));
        assert_eq!(Call::of(WAITS), Some(Call::Waits));
        assert_eq!(Call::of(STAYS_AWAY), Some(Call::List));
        assert_eq!(Call::of("kyc.approved"), None);
    }
}
