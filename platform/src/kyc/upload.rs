use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::document::{Kind, Reading, Status, missing};
use super::faults::{BUSY, SAME_DOCUMENT, UPLOAD_FORM};
use super::image::{MEDIA_TYPE, Picture, take};
use super::permissions::UPLOAD;
use super::rows::{self, Case, FILE};
use super::scan::{kinds, moved};
use super::state::{ATTEMPTS_MAX, Event as Step, State, next};
use super::{Kyc, REVIEW_HOURS, pending};
use crate::aml::cases::is_watched;
use crate::audit::{Action, Change};
use crate::calendar::WorkingCalendar;
use crate::crypto::blind;
use crate::db::{DbError, Tx};
use crate::ids::new_id;
use crate::people::{Principal, Target};
use crate::refusal::Refusal;
use crate::unit::{Once, Unit};
use crate::values::bound;

/// Files of one upload: one of each kind.
pub const FILES_MAX: usize = 5;

/// A file as it came. Its name did not come along.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// What it is said to be; `None`: what is missing next.
    pub kind: Option<Kind>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What came of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedIn {
    /// The case.
    pub case: Uuid,
    /// Where it is now.
    pub state: State,
    /// What is still wanted.
    pub missing: Vec<Kind>,
    /// Attempts that are left, the running one included.
    pub attempts_left: u8,
    /// In the order of the files.
    pub documents: Vec<Taken>,
}

/// A document that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Its key.
    pub id: Uuid,
    /// Which.
    pub kind: Kind,
    /// How far its reading is.
    pub reading: Reading,
    /// Score of the picture.
    pub quality: u8,
    /// What would make it better.
    pub hints: Vec<String>,
}

/// A picture on its way into the rows.
struct Ready {
    id: Uuid,
    kind: Kind,
    path: String,
    picture: Picture,
    index: Vec<u8>,
}

/// The client as the rows of people have them.
struct Client {
    id: Uuid,
    org: Uuid,
}

/// Takes documents of `by`, or of `client` when compliance hands in for one.
///
/// # Errors
/// Not allowed, another form than documented, a file that is refused, a picture that was there before, or
/// a case that takes nothing now. Nothing is kept of a refused upload.
pub async fn hand_in(
    kyc: &Kyc,
    by: &Principal,
    once: Option<Once>,
    client: Option<Uuid>,
    files: Vec<File>,
) -> Result<HandedIn, Refusal> {
    let _place = kyc
        .uploads
        .clone()
        .try_acquire_owned()
        .map_err(|_| BUSY.for_seconds(2, "send it again in a moment"))?;
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(UPLOAD_FORM.field("files[]", format!("send 1 to {FILES_MAX} files")));
    }
    let client = find_client(kyc, by, client).await?;
    let kinds = kinds_of(kyc, &client, &files).await?;
    let elevated = by.elevated();
    let now = kyc.platform.now();
    let mut ready = Vec::with_capacity(files.len());
    for (file, kind) in files.into_iter().zip(kinds) {
        let taken = tokio::task::spawn_blocking(move || take(kind, &file.bytes)).await;
        let picture = taken.map_err(|error| {
            tracing::error!("a picture could not be decoded: {error}");
            super::faults::FILE_BROKEN.because("take the photo again; it cannot be read")
        })??;
        let id = new_id(now);
        let index = blind(
            kyc.platform.keyring(),
            "kyc_documents.content",
            &picture.digest,
        )
        .to_vec();
        let path = format!("kyc/{}/{}", client.id.simple(), id.simple());
        ready.push(Ready {
            id,
            kind,
            path,
            picture,
            index,
        });
    }
    let (user, org) = (client.id, client.org);
    let coming: Vec<(Uuid, String)> = ready
        .iter()
        .map(|ready| (ready.id, ready.path.clone()))
        .collect();
    let paths: Vec<String> = coming.iter().map(|(_, path)| path.clone()).collect();
    let key = kyc
        .platform
        .command(&elevated, move |unit| {
            pending::expect(unit, org, user, &coming)?;
            unit.statutory_key(user)
        })
        .await?;
    for one in &ready {
        let stored = kyc
            .vault
            .put(&one.path, &key.seal_bytes(FILE, &one.picture.bytes))
            .await;
        if let Err(refusal) = stored {
            forget(kyc, &paths).await;
            return Err(refusal);
        }
    }
    let (wanted, ids) = (
        kyc.wanted,
        ready.iter().map(|ready| ready.id).collect::<Vec<_>>(),
    );
    let written = kyc
        .platform
        .command_once(&elevated, once, move |unit| {
            write(unit, &client, &ready, wanted)
        })
        .await;
    match &written {
        // A commit whose answer was lost may have happened: the files are looked after when it is known.
        Err(Refusal::Db(error)) if matches!(error, DbError::Unavailable(_)) => {
            tracing::warn!("files of an upload are kept, since it may be recorded: {error}")
        }
        Err(_) => forget(kyc, &paths).await,
        // A repeated request got the first answer: what it sent along is not wanted.
        Ok(done) if done.documents.iter().any(|taken| !ids.contains(&taken.id)) => {
            forget(kyc, &paths).await
        }
        Ok(_) => {}
    }
    written
}

async fn forget(kyc: &Kyc, paths: &[String]) {
    for path in paths {
        // What stays is ciphertext, and is taken away later.
        let _ = kyc.vault.remove(path).await;
    }
}

async fn find_client(kyc: &Kyc, by: &Principal, client: Option<Uuid>) -> Result<Client, Refusal> {
    let Some(id) = client.or(by.user()) else {
        return Err(UPLOAD_FORM.field("user_id", "say whose documents they are"));
    };
    let system = Principal::system("kyc.upload").within(by.org);
    let row: Option<(Uuid, Option<Uuid>)> = kyc
        .platform
        .read(&system, move |tx| {
            let query = sqlx::query_as(
                "SELECT u.org_id, coalesce(l.team_id, u.team_id) FROM users AS u
                 LEFT JOIN leads AS l ON l.user_id = u.id AND l.status <> 'merged'
                 WHERE u.id = $1 AND u.status <> 'deleted'",
            );
            Ok(tx.optional(query.bind(id))?)
        })
        .await?;
    let (org, team) = row.ok_or_else(rows::nothing)?;
    let target = Target {
        org,
        owner: Some(id),
        team,
        referrer: None,
    };
    by.may(UPLOAD, &target)?;
    Ok(Client { id, org })
}

/// What each file is: as it is said to be, else what is missing next. Before the case is locked: at worst
/// two uploads at the same moment take themselves for the same document, and the later one replaces it.
async fn kinds_of(kyc: &Kyc, client: &Client, files: &[File]) -> Result<Vec<Kind>, Refusal> {
    let system = Principal::system("kyc.upload").within(client.org);
    let user = client.id;
    let read = kyc
        .platform
        .read(&system, move |tx| match rows::case_of(tx, user)? {
            Some(case) => Ok(kinds(&rows::standing(tx, &case)?)),
            None => Ok(std::collections::BTreeSet::new()),
        });
    let mut have = read.await?;
    let mut here = std::collections::BTreeSet::new();
    have.extend(files.iter().filter_map(|file| file.kind));
    let mut kinds = Vec::with_capacity(files.len());
    for file in files {
        let next = file
            .kind
            .or_else(|| missing(&have, kyc.wanted).into_iter().next());
        let kind = next.ok_or_else(|| {
            UPLOAD_FORM.field(
                "document_types[]",
                "nothing is missing; say what each file is",
            )
        })?;
        have.insert(kind);
        if !here.insert(kind) {
            return Err(
                UPLOAD_FORM.field("document_types[]", format!("send one {} only", kind.name()))
            );
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

/// The team that has the client's lead; somebody of the house, who has none, is of their own team. The lead is held, and before the
/// case, as by whoever assigns it: it goes to no other team while the rows are written.
fn team_of(tx: &mut Tx<'_>, user: Uuid) -> Result<Option<Uuid>, Refusal> {
    let lead: Option<(Option<Uuid>,)> = tx.optional(
        sqlx::query_as(
            "SELECT team_id FROM leads WHERE user_id = $1 AND status <> 'merged' FOR SHARE",
        )
        .bind(user),
    )?;
    if let Some((Some(team),)) = lead {
        return Ok(Some(team));
    }
    let own: Option<(Option<Uuid>,)> =
        tx.optional(sqlx::query_as("SELECT team_id FROM users WHERE id = $1").bind(user))?;
    Ok(own.and_then(|(team,)| team))
}

fn write(
    unit: &mut Unit<'_, '_>,
    client: &Client,
    ready: &[Ready],
    wanted: super::document::Wanted,
) -> Result<HandedIn, Refusal> {
    let now = unit.now();
    let team = team_of(unit.tx(), client.id)?;
    let mut case = rows::begin_case(unit, new_id(now), client.id, client.org, team)?;
    let before = case.standing.state;
    let (attempt, mut have) = (
        case.standing.attempt,
        kinds(&rows::standing(unit.tx(), &case)?),
    );
    have.extend(ready.iter().map(|ready| ready.kind));
    let still = missing(&have, wanted);
    let after = next(
        &case.standing,
        Step::Uploaded {
            complete: still.is_empty(),
        },
    )?;
    case.standing = after.standing;
    if case.standing.attempt != attempt {
        rows::carry(unit, &case, attempt)?;
    }
    case.team = team;
    case.reason = None;
    case.decided_by = None;
    case.findings.clear();
    case.watched = is_watched(unit.tx(), client.id)?;
    (case.standing.risky, case.standing.barred) = (case.watched, case.watched);
    let mut documents = Vec::with_capacity(ready.len());
    for one in ready {
        documents.push(put(unit, &case, one)?);
    }
    pending::arrived(unit, &ready.iter().map(|one| one.id).collect::<Vec<_>>())?;
    if still.is_empty() {
        case.submitted = Some(now);
        case.due = Some(WorkingCalendar::indonesia().deadline(now, REVIEW_HOURS));
    }
    rows::save_case(unit, &mut case)?;
    moved(unit, &case, before);
    Ok(HandedIn {
        case: case.id,
        state: case.standing.state,
        missing: still,
        attempts_left: ATTEMPTS_MAX - case.standing.failed.min(ATTEMPTS_MAX),
        documents,
    })
}

fn put(unit: &mut Unit<'_, '_>, case: &Case, one: &Ready) -> Result<Taken, Refusal> {
    let now = unit.now();
    replace(unit.tx(), case, one.kind)?;
    let reading = if one.kind.is_read() {
        Reading::Queued
    } else {
        Reading::NotNeeded
    };
    let hints: Vec<String> = one
        .picture
        .quality
        .hints()
        .into_iter()
        .map(|hint| hint.name().to_owned())
        .collect();
    let length = i64::try_from(one.picture.bytes.len()).unwrap_or(i64::MAX);
    let (width, height) = (
        i32::try_from(one.picture.width).unwrap_or(i32::MAX),
        i32::try_from(one.picture.height).unwrap_or(i32::MAX),
    );
    let put = unit.tx().execute(
        sqlx::query(
            "INSERT INTO kyc_documents (id, org_id, user_id, team_id, kyc_case_id, attempt, document_type, status, file_url, media_type, bytes,
                 width, height, content_index, quality, hints, ocr_status, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(one.id)
        .bind(case.org)
        .bind(case.user())
        .bind(case.team)
        .bind(case.id)
        .bind(i64::from(case.standing.attempt))
        .bind(one.kind.name())
        .bind(Status::Pending.name())
        .bind(&one.path)
        .bind(MEDIA_TYPE)
        .bind(length)
        .bind(width)
        .bind(height)
        .bind(&one.index)
        .bind(i16::from(one.picture.quality.score))
        .bind(&hints)
        .bind(reading.name())
        .bind(bound(now)),
    );
    put.map_err(|error| {
        Refusal::from(error).on_duplicate("kyc_documents_content", || {
            SAME_DOCUMENT.because(format!("take a new photo of the {}", one.kind.name()))
        })
    })?;
    unit.audit(
        Change::new(Action::Create, "kyc_document", one.id)
            .about(case.user())
            .field("document_type", Value::Null, one.kind.name())
            .field("case", Value::Null, json!(case.id)),
    );
    Ok(Taken {
        id: one.id,
        kind: one.kind,
        reading,
        quality: one.picture.quality.score,
        hints,
    })
}

/// A document of the same kind that came before in this attempt does not count any more.
fn replace(tx: &mut Tx<'_>, case: &Case, kind: Kind) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query(
            "UPDATE kyc_documents SET status = 'replaced', revision = revision + 1
             WHERE kyc_case_id = $1 AND attempt = $2 AND document_type = $3 AND status <> 'replaced'",
        )
        .bind(case.id)
        .bind(i64::from(case.standing.attempt))
        .bind(kind.name()),
    )?;
    Ok(())
}
