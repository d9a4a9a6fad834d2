//! A house with identity, a clock that the test moves, and a letter box for codes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use siaga_platform::core_door::NoCore;
use siaga_platform::crypto::Keyring;
use siaga_platform::identity::messenger::{Channel, Message, Messenger, Sending};
use siaga_platform::identity::{Client, Identity, Opened, Registration, Settings, SignedIn, Visit};
use siaga_platform::refusal::{Fault, Refusal};
use siaga_platform::unit::Platform;
use siaga_risk::units::{SECOND_NS, Ts};

use crate::support::{self, Database};

/// The password of everybody here.
pub const PASSWORD: &str = "Kuda-Biru-Lari-77";

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
