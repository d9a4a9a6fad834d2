//! A house with identity, a clock that the test moves, and a letter box for codes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use siaga_platform::core_door::NoCore;
use siaga_platform::crypto::Keyring;
use siaga_platform::db::{Actor, DbError, Tx};
use siaga_platform::identity::messenger::{Channel, Message, Messenger, Sending};
use siaga_platform::identity::{Client, Identity, Opened, Registration, Settings, SignedIn, Visit};
use siaga_platform::refusal::{Fault, Refusal};
use siaga_platform::unit::Platform;
use siaga_risk::units::{SECOND_NS, Ts};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{self, Database};

/// The password of everybody here.
pub const PASSWORD: &str = "Kuda-Biru-Lari-77";

/// How long a condition may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Transactions of the database that wait for a lock.
const BLOCKED: &str =
    "SELECT count(DISTINCT l.pid) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
     WHERE NOT l.granted AND a.datname = current_database()";

/// A transaction that keeps its locks until it is told to end.
pub struct Held {
    go: SyncSender<()>,
    holding: JoinHandle<Result<(), DbError>>,
}

impl Held {
    /// Commits it.
    pub async fn let_go(self) {
        drop(self.go);
        let held = self.holding.await.expect("no panic");
        held.expect("committed");
    }
}

/// Keeps what is sent.
#[derive(Default)]
pub struct LetterBox(Mutex<Vec<(Channel, String, String)>>);

impl Messenger for LetterBox {
    fn serves(&self, _channel: Channel) -> bool {
        true
    }

    fn send(&self, message: Message) -> Sending<'_> {
        let letter = (
            message.channel,
            message.to,
            message.text.as_str().to_owned(),
        );
        self.0.lock().expect("not poisoned").push(letter);
        Box::pin(async { Ok(()) })
    }
}

/// One database with identity on it.
pub struct House {
    pub kind: &'static str,
    pub identity: Arc<Identity>,
    letters: Arc<LetterBox>,
    clock: Arc<AtomicU64>,
    pub database: Database,
}

impl House {
    /// One for each kind of database.
    pub async fn all() -> Vec<House> {
        let mut houses = Vec::new();
        for database in support::migrated().await {
            let clock = Arc::new(AtomicU64::new(1_795_910_400 * SECOND_NS));
            let letters = Arc::new(LetterBox::default());
            let now = Arc::clone(&clock);
            let platform = Platform::new(
                database.db.clone(),
                Arc::new(Keyring::generate("k1")),
                Arc::new(move || Ts(now.load(Ordering::SeqCst))),
                Arc::new(NoCore),
            );
            let settings = Settings {
                messenger: letters.clone(),
                hash_memory_kib: Some(64),
                ..Settings::default()
            };
            let identity = Arc::new(Identity::new(platform, settings).expect("set up"));
            houses.push(House {
                kind: database.kind,
                identity,
                letters,
                clock,
                database,
            });
        }
        houses
    }

    /// Another program on the same database, with the same keyring and clock.
    pub fn another_process(&self) -> Identity {
        let now = Arc::clone(&self.clock);
        let platform = Platform::new(
            self.database.db.clone(),
            Arc::clone(self.identity.platform().keyring()),
            Arc::new(move || Ts(now.load(Ordering::SeqCst))),
            Arc::new(NoCore),
        );
        Identity::new(platform, self.identity.settings().clone()).expect("set up")
    }

    /// Houses in which two write at the same moment: the embedded database does one thing after the other anyway.
    pub async fn side_by_side() -> Vec<House> {
        let mut houses = House::all().await;
        houses.retain(|house| house.database.db.is_server());
        houses
    }

    /// The same identity, whose statements wait for others' locks as long as a test holds them.
    pub fn patient(&self) -> Identity {
        let platform = self.identity.platform().background();
        Identity::new(platform, self.identity.settings().clone()).expect("set up")
    }

    /// Begins a transaction of the system with this work; it has its locks when this returns.
    pub async fn hold<F>(&self, work: F) -> Held
    where
        F: FnOnce(&mut Tx<'_>) -> Result<(), DbError> + Send + 'static,
    {
        let (ready, begun) = sync_channel::<()>(1);
        let (go, wait) = sync_channel::<()>(1);
        let db = self.database.db.clone();
        let holding = tokio::spawn(async move {
            let held = db.write(&Actor::SYSTEM, move |tx| {
                work(tx)?;
                ready.send(()).expect("heard");
                // The other end is dropped when it may go on.
                let _ = wait.recv();
                Ok(())
            });
            held.await
        });
        tokio::task::spawn_blocking(move || begun.recv())
            .await
            .expect("no panic")
            .expect("it holds what it wants");
        Held { go, holding }
    }

    /// Holds a row of a person that a statement names.
    pub async fn hold_row(&self, sql: &'static str, of: Uuid) -> Held {
        self.hold(move |tx: &mut Tx<'_>| tx.execute(sqlx::query(sql).bind(of)).map(drop))
            .await
    }

    /// Returns when so many transactions wait for others.
    pub async fn blocked(&self, count: i64) {
        let looking = async {
            loop {
                let counted = self
                    .database
                    .db
                    .own(|tx| tx.scalar(sqlx::query_scalar::<_, i64>(BLOCKED)))
                    .await;
                if counted.expect("a count") >= count {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, looking).await;
        seen.unwrap_or_else(|_| panic!("{}: not {count} wait", self.kind));
    }

    /// Runs `first` until what is held stops it, then `second` until it waits too, and lets them go.
    pub async fn queued<A, B>(
        &self,
        held: Held,
        first: impl Future<Output = A>,
        second: impl Future<Output = B>,
    ) -> (A, B) {
        let second = async {
            self.blocked(1).await;
            second.await
        };
        let letting = async {
            self.blocked(2).await;
            held.let_go().await;
        };
        let (first, second, ()) = tokio::join!(first, second, letting);
        (first, second)
    }

    /// What a statement counts of a person.
    pub async fn count_of(&self, sql: &'static str, of: Uuid) -> i64 {
        let counted = self
            .database
            .db
            .read(&Actor::SYSTEM, move |tx| {
                tx.scalar(sqlx::query_scalar::<_, i64>(sql).bind(of))
            })
            .await;
        counted.unwrap_or_else(|error| panic!("{}: {error}", self.kind))
    }

    /// Time goes on.
    pub fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds * SECOND_NS, Ordering::SeqCst);
    }

    pub fn now(&self) -> Ts {
        Ts(self.clock.load(Ordering::SeqCst))
    }

    /// The code of the newest letter to somebody.
    pub fn code(&self, to: &str) -> String {
        let letters = self.letters.0.lock().expect("not poisoned");
        let (_, _, text) = letters
            .iter()
            .rev()
            .find(|(_, whom, _)| whom == to)
            .expect("a letter");
        text.chars().take(6).collect()
    }

    /// Letters to somebody so far.
    pub fn letters(&self, to: &str) -> usize {
        let letters = self.letters.0.lock().expect("not poisoned");
        letters.iter().filter(|(_, whom, _)| whom == to).count()
    }

    /// Registers a client.
    pub async fn register(&self, name: &str) -> Opened {
        let registration = Registration {
            email: format!("{name}@contoh.id"),
            password: PASSWORD.into(),
            name: "Klien Baru".into(),
            phone: "0812 3456 7890".into(),
            locale: None,
        };
        match self
            .identity
            .register(registration, &api())
            .await
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", self.kind))
        {
            SignedIn::Open(opened) => *opened,
            SignedIn::Confirm(_) => panic!("{}: who is new has no second factor", self.kind),
        }
    }

    /// Makes the first administrator.
    pub async fn administrator(&self) -> Opened {
        let registration = Registration {
            email: "kepala@contoh.id".into(),
            password: PASSWORD.into(),
            name: "Ibu Ketua".into(),
            phone: "0811 2233 4455".into(),
            locale: None,
        };
        match self
            .identity
            .first_administrator(registration, &api())
            .await
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", self.kind))
        {
            SignedIn::Open(opened) => *opened,
            SignedIn::Confirm(_) => panic!("{}: her factors ended", self.kind),
        }
    }
}

/// What went well; what did not says on which database.
pub fn done<T>(house: &House, answer: Result<T, Refusal>) -> T {
    answer.unwrap_or_else(|refusal| panic!("{}: {refusal}", house.kind))
}

/// Why something was refused, if it was.
pub fn fault<T>(answer: Result<T, Refusal>) -> Option<Fault> {
    answer.err().and_then(|refusal| refusal.fault())
}

/// A program at the door.
pub fn api() -> Visit {
    Visit {
        ip: Some("192.0.2.7".parse().expect("an address")),
        request: None,
        client: Client::Api,
        unattended: false,
    }
}

/// A program at the door from another address.
pub fn from(ip: &str) -> Visit {
    Visit {
        ip: Some(ip.parse().expect("an address")),
        ..api()
    }
}
