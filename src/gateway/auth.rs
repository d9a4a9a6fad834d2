//! The doors: one first-start secret, sessions in a cookie, single-use tickets for the stream.
//!
//! Only digests are kept, so memory holds nothing that opens a door; the secret is compared in constant time.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use sha2::{Digest, Sha256};
use siaga_platform::accounts::OWN_MAX;
use siaga_platform::news::Part;
use siaga_risk::ids::{AccountId, ActorId};
use siaga_risk::units::{SECOND_NS, Ts};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Name of the session cookie.
pub const COOKIE: &str = "siaga_session";
/// A session without a request for this long is over.
pub const SESSION_IDLE_NS: u64 = 12 * 3_600 * SECOND_NS;
/// A ticket is worth one hello within this time.
pub const TICKET_NS: u64 = 30 * SECOND_NS;
/// Sessions at once; the one that idled longest makes place.
pub const SESSIONS_MAX: usize = 1_024;
/// Tickets that wait at once; far more than one desk opens sockets in 30 s.
pub const TICKETS_MAX: usize = 4_096;
/// Wrong secrets allowed in a window, from everybody together: 256 bits are not guessed, but the log stays readable.
pub const FAILURES_MAX: u32 = 20;
/// The window of wrong secrets.
pub const FAILURES_WINDOW_NS: u64 = 10 * SECOND_NS;
/// Until identity arrives, who knows the secret is the administrator.
pub const ADMINISTRATOR: ActorId = ActorId(1);

type Key = [u8; 32];

/// Names a session without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKey {
    /// Of these doors: the digest of its cookie.
    Cookie([u8; 32]),
    /// A session of identity, or an API key.
    Guest(Uuid),
}

/// What a connection may follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rooms {
    /// Prices, accounts, orders, alerts and the desk's state.
    pub desk: bool,
    /// That something of sales changed.
    pub sales: bool,
    /// That something of cases of identity changed.
    pub kyc: bool,
    /// That something of cases of sanctions and transactions changed.
    pub aml: bool,
    /// That something of requests for money changed.
    pub cash: bool,
    /// Prices, and what is in `own`.
    pub client: bool,
    /// Accounts of a client as the ticket was made: their sums and orders are followed by them too.
    pub own: [Option<AccountId>; OWN_MAX],
}

impl Rooms {
    /// Nothing.
    pub const NONE: Rooms = Rooms {
        desk: false,
        sales: false,
        kyc: false,
        aml: false,
        cash: false,
        client: false,
        own: [None; OWN_MAX],
    };
    /// Whoever knows the first-start secret.
    pub const ALL: Rooms = Rooms {
        desk: true,
        sales: true,
        kyc: true,
        aml: true,
        cash: true,
        ..Rooms::NONE
    };

    /// Whether news of this part may be followed.
    pub fn hears(&self, part: Part) -> bool {
        match part {
            Part::Sales => self.sales,
            Part::Kyc => self.kyc,
            Part::Aml => self.aml,
            Part::Cash => self.cash,
        }
    }

    /// Whether there is nothing to follow.
    pub fn is_nothing(&self) -> bool {
        *self == Rooms::NONE
    }

    /// Whether prices may be followed.
    pub fn prices(&self) -> bool {
        self.desk || self.client
    }

    /// Whether the sums and orders of an account may be followed.
    pub fn account(&self, account: AccountId) -> bool {
        self.desk || (self.client && self.own.contains(&Some(account)))
    }
}

/// Who came by a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub actor: ActorId,
    /// The session that asked for the ticket; none where the secret itself did.
    pub session: Option<SessionKey>,
    /// What they may follow.
    pub rooms: Rooms,
}

/// What is behind the doors and who may pass. Time is an argument.
pub struct Doors {
    secret: Key,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<Key, Session>,
    tickets: HashMap<Key, Ticket>,
    /// Sessions of identity that asked for a ticket lately, and when: held while one of theirs may be redeemed.
    guests: HashMap<Uuid, Ts>,
    failures: u32,
    failures_since: Ts,
}

struct Session {
    actor: ActorId,
    csrf: String,
    seen: Ts,
}

struct Ticket {
    visitor: Visitor,
    made: Ts,
}

/// A session as its owner gets it, once.
#[derive(Debug)]
pub struct Opened {
    pub cookie: String,
    pub csrf: String,
}

/// Why a secret opened nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    Wrong,
    /// Too many wrong secrets lately.
    TooMany,
}

impl Doors {
    pub fn new(secret: &str) -> Doors {
        Doors {
            secret: digest(secret),
            inner: Mutex::default(),
        }
    }

    /// Opens a session for whoever knows the secret.
    pub fn sign_in(&self, secret: &str, now: Ts) -> Result<Opened, Shut> {
        let actor = self.bearer(secret, now)?;
        let opened = Opened {
            cookie: random_hex::<32>(),
            csrf: random_hex::<16>(),
        };
        let mut inner = self.lock();
        inner.make_room(now);
        let session = Session {
            actor,
            csrf: opened.csrf.clone(),
            seen: now,
        };
        inner.sessions.insert(digest(&opened.cookie), session);
        Ok(opened)
    }

    /// Who sends the secret with every request.
    pub fn bearer(&self, secret: &str, now: Ts) -> Result<ActorId, Shut> {
        let right = bool::from(digest(secret).ct_eq(&self.secret));
        let mut inner = self.lock();
        if now.since(inner.failures_since) >= FAILURES_WINDOW_NS {
            inner.failures = 0;
            inner.failures_since = now;
        }
        // The right secret passes even while somebody guesses: guessing must not lock the desk out.
        if right {
            return Ok(ADMINISTRATOR);
        }
        inner.failures = inner.failures.saturating_add(1);
        match inner.failures > FAILURES_MAX {
            true => Err(Shut::TooMany),
            false => Err(Shut::Wrong),
        }
    }

    /// Who the cookie belongs to, and the token its writes must carry. What a page asks by itself keeps no session from being idle.
    pub fn session(&self, cookie: &str, unattended: bool, now: Ts) -> Option<(ActorId, String)> {
        let mut inner = self.lock();
        let key = digest(cookie);
        let session = inner.sessions.get_mut(&key)?;
        if now.since(session.seen) > SESSION_IDLE_NS {
            inner.sessions.remove(&key);
            return None;
        }
        if !unattended {
            session.seen = session.seen.max(now);
        }
        Some((session.actor, session.csrf.clone()))
    }

    /// Ends a session and its unused tickets. Its open streams are ended by whoever holds them.
    pub fn sign_out(&self, cookie: &str) -> SessionKey {
        let key = digest(cookie);
        let mut inner = self.lock();
        inner.sessions.remove(&key);
        let session = SessionKey::Cookie(key);
        let of_others = |ticket: &Ticket| ticket.visitor.session != Some(session);
        inner.tickets.retain(|_, ticket| of_others(ticket));
        session
    }

    /// Whether a session is open, or a guest's may be.
    pub fn holds(&self, session: SessionKey) -> bool {
        let inner = self.lock();
        match session {
            SessionKey::Cookie(key) => inner.sessions.contains_key(&key),
            SessionKey::Guest(id) => inner.guests.contains_key(&id),
        }
    }

    /// Ends sessions that were idle too long. `held`: sessions that hold streams, and when their person last asked for something there, which
    /// counts as a request does. Those of them that are over, for whatever reason: nobody else tells their streams.
    pub fn look_after(&self, held: &BTreeMap<[u8; 32], Ts>, now: Ts) -> Vec<SessionKey> {
        let mut inner = self.lock();
        for (key, asked) in held {
            if let Some(session) = inner.sessions.get_mut(key) {
                session.seen = session.seen.max(*asked);
            }
        }
        inner.end_idle(now);
        let is_over = |key: &&Key| !inner.sessions.contains_key(*key);
        let over = held.keys().filter(is_over);
        over.map(|key| SessionKey::Cookie(*key)).collect()
    }

    /// A session of identity ended, or an API key: its tickets are worth nothing.
    pub fn dismiss(&self, guest: Uuid) {
        let mut inner = self.lock();
        inner.guests.remove(&guest);
        inner
            .tickets
            .retain(|_, ticket| ticket.visitor.session != Some(SessionKey::Guest(guest)));
    }

    /// There is an administrator now: what the secret let in goes.
    pub fn dismiss_secret(&self) {
        let mut inner = self.lock();
        inner.sessions.clear();
        inner
            .tickets
            .retain(|_, ticket| matches!(ticket.visitor.session, Some(SessionKey::Guest(_))));
    }

    /// A ticket for one hello, and when it ends. `cookie` = of the session that asks, when it is one.
    pub fn ticket(&self, actor: ActorId, cookie: Option<&str>, now: Ts) -> Option<(String, Ts)> {
        self.issue(
            actor,
            cookie.map(|cookie| SessionKey::Cookie(digest(cookie))),
            Rooms::ALL,
            now,
        )
    }

    /// A ticket of a session of identity or of an API key, for the rooms its person may enter.
    pub fn guest_ticket(
        &self,
        actor: ActorId,
        guest: Uuid,
        rooms: Rooms,
        now: Ts,
    ) -> Option<(String, Ts)> {
        let mut inner = self.lock();
        // A hello behind the redeemed ticket asks once more whether the session is there.
        inner.guests.retain(|_, at| now.since(*at) <= 2 * TICKET_NS);
        if inner.guests.len() >= TICKETS_MAX {
            return None;
        }
        inner.guests.insert(guest, now);
        drop(inner);
        self.issue(actor, Some(SessionKey::Guest(guest)), rooms, now)
    }

    /// Tickets of somebody that wait for their hello.
    pub fn waiting(&self, actor: ActorId, now: Ts) -> usize {
        let inner = self.lock();
        let theirs = inner
            .tickets
            .values()
            .filter(|ticket| ticket.visitor.actor == actor && now.since(ticket.made) <= TICKET_NS);
        theirs.count()
    }

    fn issue(
        &self,
        actor: ActorId,
        session: Option<SessionKey>,
        rooms: Rooms,
        now: Ts,
    ) -> Option<(String, Ts)> {
        let mut inner = self.lock();
        inner.tickets.retain(|_, t| now.since(t.made) <= TICKET_NS);
        if inner.tickets.len() >= TICKETS_MAX {
            return None;
        }
        let ticket = random_hex::<24>();
        let visitor = Visitor {
            actor,
            session,
            rooms,
        };
        inner
            .tickets
            .insert(digest(&ticket), Ticket { visitor, made: now });
        Some((ticket, now.plus(TICKET_NS)))
    }

    /// Uses a ticket up.
    pub fn redeem(&self, ticket: &str, now: Ts) -> Option<Visitor> {
        let ticket = self.lock().tickets.remove(&digest(ticket))?;
        (now.since(ticket.made) <= TICKET_NS).then_some(ticket.visitor)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn end_idle(&mut self, now: Ts) {
        self.sessions
            .retain(|_, s| now.since(s.seen) <= SESSION_IDLE_NS);
    }

    fn make_room(&mut self, now: Ts) {
        self.end_idle(now);
        if self.sessions.len() < SESSIONS_MAX {
            return;
        }
        let idle = self.sessions.iter().min_by_key(|(_, s)| s.seen);
        if let Some(key) = idle.map(|(key, _)| *key) {
            self.sessions.remove(&key);
        }
    }
}

/// Reads the secret of a data directory, or makes one (`0600`). The flag says whether it is new.
pub fn open_secret(path: &Path) -> io::Result<(String, bool)> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let secret = text.trim().to_owned();
            if secret.len() < SECRET_CHARS_MIN {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "{} holds fewer than {SECRET_CHARS_MIN} characters: delete it, the next start makes a new one",
                        path.display()
                    ),
                ));
            }
            Ok((secret, false))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = random_hex::<32>();
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(path)?;
            file.write_all(secret.as_bytes())?;
            file.sync_all()?;
            Ok((secret, true))
        }
        Err(error) => Err(error),
    }
}

/// Shorter secrets are guessable; ours have 64.
const SECRET_CHARS_MIN: usize = 16;

/// `BYTES` random bytes as hexadecimal text.
///
/// # Panics
/// When the operating system has no random bytes: nothing safe can follow.
pub fn random_hex<const BYTES: usize>() -> String {
    use std::fmt::Write;
    let mut bytes = [0u8; BYTES];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let mut text = String::with_capacity(2 * BYTES);
    for byte in bytes {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "a String takes every text");
    }
    text
}

fn digest(text: &str) -> Key {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Ts {
        Ts(seconds * SECOND_NS)
    }

    #[test]
    fn a_ticket_opens_once_and_not_late() {
        let doors = Doors::new("the secret of this test");
        let (ticket, ends) = doors.ticket(ADMINISTRATOR, None, at(100)).expect("room");
        assert_eq!(ends, at(130));
        let visitor = Visitor {
            actor: ADMINISTRATOR,
            session: None,
            rooms: Rooms::ALL,
        };
        assert_eq!(doors.redeem(&ticket, at(130)), Some(visitor));
        assert_eq!(doors.redeem(&ticket, at(130)), None);
        let (late, _) = doors.ticket(ADMINISTRATOR, None, at(200)).expect("room");
        assert_eq!(doors.redeem(&late, Ts(at(230).0 + 1)), None);
    }

    #[test]
    fn tickets_are_bounded_and_make_room_when_they_end() {
        let doors = Doors::new("the secret of this test");
        for _ in 0..TICKETS_MAX {
            assert!(doors.ticket(ADMINISTRATOR, None, at(1)).is_some());
        }
        assert!(doors.ticket(ADMINISTRATOR, None, at(2)).is_none());
        assert!(doors.ticket(ADMINISTRATOR, None, at(32)).is_some());
    }

    #[test]
    fn sessions_end_by_idling_or_signing_out() {
        let doors = Doors::new("the secret of this test");
        let opened = doors
            .sign_in("the secret of this test", at(0))
            .expect("right");
        let later = Ts(SESSION_IDLE_NS);
        assert_eq!(
            doors.session(&opened.cookie, false, later),
            Some((ADMINISTRATOR, opened.csrf.clone()))
        );
        assert!(doors.session("another", false, later).is_none());
        let polled = later.plus(SESSION_IDLE_NS);
        assert!(doors.session(&opened.cookie, true, polled).is_some());
        let too_late = later.plus(SESSION_IDLE_NS + 1);
        assert!(doors.session(&opened.cookie, false, too_late).is_none());
        let again = doors
            .sign_in("the secret of this test", at(1))
            .expect("right");
        let cookie = Some(again.cookie.as_str());
        let (ticket, _) = doors.ticket(ADMINISTRATOR, cookie, at(1)).expect("room");
        let session = doors.sign_out(&again.cookie);
        assert!(doors.session(&again.cookie, false, at(1)).is_none());
        assert!(!doors.holds(session));
        assert_eq!(doors.redeem(&ticket, at(1)), None, "a ticket ends with it");
    }

    #[test]
    fn who_holds_streams_by_a_session_that_is_over_is_named() {
        let doors = Doors::new("right");
        let open = |now| digest(&doors.sign_in("right", now).expect("right").cookie);
        let (idle, busy) = (open(at(0)), open(at(0)));
        let held = BTreeMap::from([(idle, Ts(0)), (busy, at(1))]);
        assert!(doors.look_after(&held, Ts(SESSION_IDLE_NS)).is_empty());
        let late = Ts(SESSION_IDLE_NS + 1);
        let over = doors.look_after(&held, late);
        assert_eq!(over, [SessionKey::Cookie(idle)], "the other one asked");
        // It makes room for others.
        for _ in 0..SESSIONS_MAX {
            open(late);
        }
        let held = BTreeMap::from([(busy, Ts(0))]);
        assert_eq!(doors.look_after(&held, late), [SessionKey::Cookie(busy)]);
    }

    #[test]
    fn guessing_is_slowed_and_does_not_lock_the_owner_out() {
        let doors = Doors::new("right");
        for _ in 0..FAILURES_MAX {
            assert_eq!(doors.bearer("wrong", at(60)), Err(Shut::Wrong));
        }
        assert_eq!(doors.bearer("wrong", at(60)), Err(Shut::TooMany));
        assert_eq!(doors.bearer("right", at(60)), Ok(ADMINISTRATOR));
        assert_eq!(doors.bearer("wrong", at(71)), Err(Shut::Wrong));
    }

    #[test]
    fn a_ticket_of_identitys_session_ends_with_it() {
        let doors = Doors::new("right");
        let guest = Uuid::from_u128(1);
        let session = SessionKey::Guest(guest);
        let rooms = Rooms {
            sales: true,
            ..Rooms::NONE
        };
        let (ticket, _) = doors
            .guest_ticket(ActorId(1_000), guest, rooms, at(1))
            .expect("room");
        let (other, _) = doors
            .guest_ticket(ActorId(1_000), guest, rooms, at(1))
            .expect("room");
        let visitor = Visitor {
            actor: ActorId(1_000),
            session: Some(session),
            rooms,
        };
        let waiting = |at| doors.waiting(ActorId(1_000), at);
        assert_eq!(waiting(at(2)), 2);
        assert_eq!(waiting(at(40)), 0, "they are over by then");
        assert_eq!(doors.redeem(&ticket, at(2)), Some(visitor));
        assert_eq!(waiting(at(2)), 1);
        assert_eq!(doors.waiting(ActorId(1_001), at(2)), 0);
        assert!(doors.holds(session));
        doors.dismiss(guest);
        assert!(!doors.holds(session));
        assert_eq!(doors.redeem(&other, at(2)), None);
    }

    #[test]
    fn what_the_secret_let_in_goes_when_there_is_an_administrator() {
        let doors = Doors::new("right");
        let opened = doors.sign_in("right", at(0)).expect("right");
        let (by_cookie, _) = doors
            .ticket(ADMINISTRATOR, Some(&opened.cookie), at(1))
            .expect("room");
        let (by_secret, _) = doors.ticket(ADMINISTRATOR, None, at(1)).expect("room");
        let (guests, _) = doors
            .guest_ticket(ActorId(1_000), Uuid::from_u128(1), Rooms::ALL, at(1))
            .expect("room");
        doors.dismiss_secret();
        assert!(doors.session(&opened.cookie, false, at(1)).is_none());
        assert_eq!(doors.redeem(&by_cookie, at(1)), None);
        assert_eq!(doors.redeem(&by_secret, at(1)), None);
        assert!(doors.redeem(&guests, at(1)).is_some());
    }

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let (first, made) = open_secret(&path).expect("made");
        assert!(made && first.len() == 64);
        assert_eq!(open_secret(&path).expect("read"), (first, false));
        #[cfg(unix)]
        {
            let meta = fs::metadata(&path).expect("there");
            let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "short").expect("written");
        assert!(open_secret(&path).is_err());
    }
}
