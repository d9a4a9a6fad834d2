use uuid::Uuid;
use zeroize::Zeroizing;

use super::Kyc;
use super::state::Reason;
use crate::crypto::{Keyring, Sealed};
use crate::db::{DbError, Tx};
use crate::identity::messenger::{Channel, Message};
use crate::outbox::{EffectError, Stored};
use crate::people::Principal;
use crate::refusal::{ERASED, Refusal};
use crate::unit;

/// In which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Indonesian,
    English,
}

/// Tells the client how their case went (E3.33).
pub(super) async fn tell(kyc: &Kyc, event: &Stored) -> Result<(), EffectError> {
    let (Some(messenger), Some(user)) = (&kyc.messenger, event.key("user_id")) else {
        return Ok(());
    };
    let reason = event.payload["reason"].as_str().and_then(Reason::parse);
    let system = Principal::system("kyc.notice");
    let keyring = kyc.platform.keyring().clone();
    let read = kyc
        .platform
        .read(&system, move |tx| address(tx, &keyring, user));
    let Some((address, language)) = read.await? else {
        return Ok(());
    };
    let Some((subject, text)) = text(&event.kind, reason, language) else {
        return Ok(());
    };
    let message = Message {
        channel: Channel::Email,
        to: address,
        subject: subject.to_owned(),
        text: Zeroizing::new(text),
    };
    messenger
        .send(message)
        .await
        .map_err(|refusal| EffectError::Later(refusal.to_string()))
}

/// Where mail reaches a person, and in which language; `None` of whoever has no address any more. As the system.
pub(super) fn address(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    user: Uuid,
) -> Result<Option<(String, Language)>, Refusal> {
    let row: Option<(Option<Vec<u8>>, String)> = tx.optional(
        sqlx::query_as("SELECT email_sealed, locale FROM users WHERE id = $1").bind(user),
    )?;
    let Some((Some(sealed), locale)) = row else {
        return Ok(None);
    };
    let key = match unit::subject_key(tx, keyring, user) {
        Ok(Some(key)) => key,
        Ok(None) => return Ok(None),
        Err(refusal) if refusal.fault() == Some(ERASED) => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let address = key.open("users.email", &Sealed::from_bytes(sealed));
    let address = address
        .map_err(|error| Refusal::Db(DbError::Unexpected(format!("an address: {error}"))))?;
    let language = if locale.starts_with("en") {
        Language::English
    } else {
        Language::Indonesian
    };
    Ok(Some((address, language)))
}

fn text(kind: &str, reason: Option<Reason>, language: Language) -> Option<(&'static str, String)> {
    let why = because(reason.unwrap_or(Reason::Other), language);
    let written = match (kind, language) {
        ("kyc.approved", Language::Indonesian) => (
            "Verifikasi disetujui",
            "Identitas Anda telah diverifikasi. Akun trading Anda sedang dibuka.".to_owned(),
        ),
        ("kyc.approved", Language::English) => (
            "You are verified",
            "Your identity is verified. Your trading account is being opened.".to_owned(),
        ),
        ("kyc.rejected", Language::Indonesian) => (
            "Dokumen perlu diunggah ulang",
            format!("Dokumen Anda belum dapat diterima: {why}. Silakan unggah dokumen baru."),
        ),
        ("kyc.rejected", Language::English) => (
            "Please hand in your documents again",
            format!("We could not accept your documents: {why}. Please hand in new ones."),
        ),
        ("kyc.blocked", Language::Indonesian) => (
            "Verifikasi dihentikan",
            format!(
                "Dokumen Anda tidak dapat diterima setelah tiga kali percobaan: {why}. Silakan hubungi kami, atau ajukan keberatan."
            ),
        ),
        ("kyc.blocked", Language::English) => (
            "Verification stopped",
            format!(
                "We could not accept your documents after three attempts: {why}. Please contact us, or dispute the decision."
            ),
        ),
        ("kyc.disputed", Language::Indonesian) => (
            "Keberatan diterima",
            "Akun Anda dibekukan selama keberatan ditinjau, paling lama 72 jam.".to_owned(),
        ),
        ("kyc.disputed", Language::English) => (
            "We received your dispute",
            "Your account is frozen while we look at it, for 72 hours at most.".to_owned(),
        ),
        ("kyc.dispute_resolved", Language::Indonesian) => (
            "Keberatan selesai ditinjau",
            "Keberatan Anda telah ditinjau. Silakan masuk untuk melihat hasilnya.".to_owned(),
        ),
        ("kyc.dispute_resolved", Language::English) => (
            "Your dispute is resolved",
            "We have looked at your dispute. Sign in to see what came of it.".to_owned(),
        ),
        _ => return None,
    };
    Some(written)
}

/// A client is not told that a list or a pattern stopped them: that would warn whom the law says not to warn.
fn because(reason: Reason, language: Language) -> &'static str {
    match (reason, language) {
        (Reason::DocumentExpired, Language::Indonesian) => {
            "masa berlaku dokumen enam bulan atau kurang"
        }
        (Reason::DocumentExpired, Language::English) => {
            "the document is valid for six months or less"
        }
        (Reason::ImageUnreadable, Language::Indonesian) => "foto tidak terbaca",
        (Reason::ImageUnreadable, Language::English) => "the photo cannot be read",
        (Reason::NameMismatch, Language::Indonesian) => "nama pada dokumen berbeda",
        (Reason::NameMismatch, Language::English) => "the names on the documents differ",
        (Reason::WrongDocument, Language::Indonesian) => "dokumen yang dikirim tidak sesuai",
        (Reason::WrongDocument, Language::English) => "it is not the document we asked for",
        (Reason::Watchlist | Reason::SuspectedFraud | Reason::Other, Language::Indonesian) => {
            "data tidak dapat diverifikasi"
        }
        (Reason::Watchlist | Reason::SuspectedFraud | Reason::Other, Language::English) => {
            "the data could not be verified"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_case_has_a_text_and_no_text_warns_of_a_list() {
        for language in [Language::Indonesian, Language::English] {
            for kind in [
                "kyc.approved",
                "kyc.rejected",
                "kyc.blocked",
                "kyc.disputed",
                "kyc.dispute_resolved",
            ] {
                let plain = text(kind, Some(Reason::Other), language).expect("a text");
                for reason in [Reason::Watchlist, Reason::SuspectedFraud] {
                    assert_eq!(
                        text(kind, Some(reason), language),
                        Some(plain.clone()),
                        "{kind}"
                    );
                }
            }
            assert_eq!(text("kyc.submitted", None, language), None);
        }
    }
}
