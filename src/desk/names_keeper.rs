//! Copies names and notes into the database, as they come, and takes back what erasures took out of notes and names there.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use siaga_risk::ids::AccountId;
use tokio::sync::watch;

use super::alert_names::LiveNames;
use super::kept_names;
use super::names::NameSource;
use super::notes::Notes;
use super::store::stopped;
use crate::gateway::directory::Directory;
use crate::store::db::{Actor, Db, DbError};
use crate::store::names::{
    NameRow, NoteRow, erased_accounts, redacted_notes, write_accounts, write_names, write_notes,
};

/// How often it looks: what was written or imported is in the database a moment later.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks between two questions for notes that were redacted and people who were erased: half a minute. The first look asks
/// too, so a file that came back from a backup is without them again.
const LOOKS_PER_REDACTION: u32 = 60;
/// Rows of one transaction: some milliseconds on the embedded database.
const ROWS_MAX: usize = 500;

/// Where the desk has the names of accounts.
#[derive(Clone)]
pub struct DeskNames {
    pub live: LiveNames,
    /// What the directory takes names of later terms from.
    pub source: Arc<ArcSwap<NameSource>>,
    /// The folder with the file of imported names.
    pub data: PathBuf,
}

impl DeskNames {
    /// Accounts of people who were erased go by what they would go by without an import; true when one had a name.
    fn forget(&self, accounts: &[AccountId]) -> anyhow::Result<bool> {
        // The file first: whatever fails behind it is done by the next start.
        let kept = kept_names::forget(&self.data, accounts)?;
        self.source.rcu(|now| match now.without(accounts) {
            Some(rest) => Arc::new(rest),
            None => Arc::clone(now),
        });
        let held = &self.live.0;
        let mut directory = held.write().unwrap_or_else(PoisonError::into_inner);
        let source = self.source.load();
        let named = accounts.iter().filter_map(|account| {
            let entry = directory.account(*account)?;
            let name = source.account(*account);
            (entry.name != name).then_some((name, entry.terms))
        });
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            return Ok(kept);
        }
        let mut without = Directory::clone(&directory);
        for (name, terms) in named {
            without.put_account(&name, terms);
        }
        without.version += 1;
        *directory = Arc::new(without);
        Ok(true)
    }
}

/// How far the database has been told.
#[derive(Default)]
struct Told {
    directory: Arc<Directory>,
    notes: usize,
    /// The newest redaction that was taken over: its moment and its note.
    redacted: (i64, i64),
    looks: u32,
}

/// Runs until told to stop, then copies what is left.
pub async fn run(db: Db, names: DeskNames, notes: Arc<Notes>, mut stop: watch::Receiver<bool>) {
    let (mut told, mut well) = (Told::default(), true);
    loop {
        let stopping = tokio::select! {
            () = stopped(&mut stop) => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let mut done = copy(&db, &names.live.now(), &notes, &mut told).await;
        if done.is_ok() && told.looks.is_multiple_of(LOOKS_PER_REDACTION) {
            done = match redact(&db, &notes, &mut told).await {
                Ok(()) => forget(&db, &names).await,
                failed => failed,
            };
        }
        told.looks = told.looks.wrapping_add(1);
        // Said once: the next looks try again by themselves.
        if let Err(error) = &done
            && well
        {
            tracing::warn!(%error, "names and notes wait for the database");
        }
        well = done.is_ok();
        if stopping {
            return;
        }
    }
}

async fn copy(
    db: &Db,
    now: &Arc<Directory>,
    notes: &Notes,
    told: &mut Told,
) -> Result<(), DbError> {
    let db = db.background();
    if !Arc::ptr_eq(now, &told.directory) {
        let before = told.directory.outside_names();
        let mut names = now.outside_names();
        names.retain(|row| !before.contains(row));
        for rows in chunks(names) {
            db.write(&Actor::SYSTEM, move |tx| write_names(tx, &rows))
                .await?;
        }
        let accounts = now.accounts().filter(|account| {
            let before = told.directory.account(account.terms.id);
            before.is_none_or(|before| before.name != account.name)
        });
        let accounts = accounts.map(|account| (account.terms.id.0, account.name.clone()));
        for rows in chunks(accounts.collect()) {
            db.write(&Actor::SYSTEM, move |tx| write_accounts(tx, &rows))
                .await?;
        }
        told.directory = now.clone();
    }
    loop {
        let rows = notes.after(told.notes, ROWS_MAX);
        if rows.is_empty() {
            return Ok(());
        }
        let count = rows.len();
        let together = rows.clone();
        let done = db
            .write(&Actor::SYSTEM, move |tx| write_notes(tx, &together))
            .await;
        match done {
            Err(error) if is_refused(&error) => write_singly(&db, rows).await?,
            done => done?,
        }
        told.notes += count;
    }
}

/// Asked for again for so long: of two erasures the first to begin may be the last to end, and clocks differ.
const AGAIN_US: i64 = 3_600_000_000;

/// Takes over what erasures took out of notes, those of another program on this database too.
async fn redact(db: &Db, notes: &Arc<Notes>, told: &mut Told) -> Result<(), DbError> {
    let db = db.background();
    let mut after = (told.redacted.0.saturating_sub(AGAIN_US), i64::MIN);
    loop {
        let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        let rows = db
            .read(&Actor::SYSTEM, move |tx| redacted_notes(tx, after, limit))
            .await?;
        let Some(last) = rows.last().map(|(at, hash, _)| (*at, *hash)) else {
            return Ok(());
        };
        let texts: Vec<(u64, String)> = rows
            .into_iter()
            .map(|(_, hash, text)| (hash.cast_unsigned(), text))
            .collect();
        let held = Arc::clone(notes);
        let taken = tokio::task::spawn_blocking(move || held.redact(&texts)).await;
        match taken.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(true) => tracing::info!("notes were redacted as an erasure asked"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "notes.ndjson still has what an erasure took out: it cannot be written");
                return Ok(());
            }
        }
        after = last;
        told.redacted = told.redacted.max(last);
    }
}

/// Takes the names of accounts whose people were erased from the desk. All of them each time: an import may have brought one back.
async fn forget(db: &Db, names: &DeskNames) -> Result<(), DbError> {
    let db = db.background();
    let mut after = i64::MIN;
    loop {
        let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        let rows = db
            .read(&Actor::SYSTEM, move |tx| erased_accounts(tx, after, limit))
            .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = *last;
        let accounts = rows.into_iter().filter_map(|row| u32::try_from(row).ok());
        let accounts: Vec<AccountId> = accounts.map(AccountId).collect();
        let held = names.clone();
        let gone = tokio::task::spawn_blocking(move || held.forget(&accounts)).await;
        match gone.unwrap_or_else(|error| Err(error.into())) {
            Ok(true) => tracing::info!("accounts lost their names as an erasure asked"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!("names.json still has what an erasure took out: {error:#}");
                return Ok(());
            }
        }
    }
}

/// Writes each note for itself: one that the database refuses does not hold up the others.
async fn write_singly(db: &Db, rows: Vec<NoteRow>) -> Result<(), DbError> {
    for row in rows {
        let hash = row.hash;
        let done = db
            .write(&Actor::SYSTEM, move |tx| write_notes(tx, &[row]))
            .await;
        match done {
            Err(error) if is_refused(&error) => tracing::error!(
                %error,
                hash,
                "the database refuses a note: it stands in notes.ndjson alone"
            ),
            done => done?,
        }
    }
    Ok(())
}

/// Whether what was to be written is at fault, by its data or by a constraint, and will be the next time too.
fn is_refused(error: &DbError) -> bool {
    let state = error.sqlstate();
    state.is_some_and(|state| state.starts_with("22") || state.starts_with("23"))
}

fn chunks<T: Clone>(rows: Vec<T>) -> Vec<Vec<T>> {
    rows.chunks(ROWS_MAX).map(<[T]>::to_vec).collect()
}

impl Directory {
    /// Names of everything but accounts and people, as the store keeps them.
    fn outside_names(&self) -> Vec<NameRow> {
        let row = |kind, id: u32, name: &str, title: &str| NameRow {
            kind,
            id,
            name: name.to_owned(),
            title: title.to_owned(),
        };
        let currencies = self
            .currencies()
            .map(|(id, found)| row("currency", id.0.into(), &found.code, &found.code));
        let instruments = self
            .instruments()
            .map(|found| row("instrument", found.terms.id.0, &found.symbol, &found.name));
        let groups = self
            .groups()
            .map(|found| row("group", found.terms.id.0.into(), &found.name, &found.name));
        let links = self
            .links()
            .map(|(id, name)| row("link", id.0.into(), name, name));
        let sources = self
            .sources()
            .map(|(id, name)| row("source", id.0.into(), name, name));
        currencies
            .chain(instruments)
            .chain(groups)
            .chain(links)
            .chain(sources)
            .collect()
    }
}
