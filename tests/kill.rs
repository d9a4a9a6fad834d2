//! The program is killed fifty times while clients trade and pay in and prices come fast enough that segments close,
//! snapshots are written and the journal is trimmed meanwhile, and now and then while it starts. Whatever it had
//! acknowledged is there afterwards, once; orders are filled once; and what is left on the disk verifies.
//! `SIAGA_SEED` repeats a sequence of kills.
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, LOOK_AGAIN, PATIENCE, command};

const KILLS: u64 = 50;
const CLIENTS: u64 = 3;
/// Acknowledgements before a kill, at most.
const ACKS_MAX: u64 = 40;
/// One start in so many is killed before it is ready, within this time.
const EARLY_EVERY: u64 = 4;
const EARLY_MS: u64 = 600;
/// Largest size of the journal's segments, MiB, and quotes a second by source: a segment closes every few kills.
const SEGMENT_MIB: &str = "1";
const FEED_RATE: &str = "60";
/// Hundredths of a lot that must have been filled: orders under way die with the broker in memory, which a kill takes along.
const FILLED_MIN: i64 = 10;
/// The account of the demonstration that opens its position last (feed/catalog/demo.toml).
const DEMO_LAST: u32 = 10;
/// What the trading account is given.
const STAKE: &str = "10000000.00";
/// One payment.
const PAYMENT: &str = "1.00";

/// What clients have asked for, and what they were told.
#[derive(Default)]
struct Book {
    /// Payments by reference: acknowledged or not.
    payments: BTreeMap<String, bool>,
    /// Orders that were sent since the last kill and not answered, by client id.
    open: BTreeSet<String>,
    /// Orders acknowledged since the last kill, by client id, with the id they were given.
    fresh: BTreeMap<String, u64>,
    /// Orders that were found again after a kill.
    found: BTreeMap<String, u64>,
    /// What the trading account held when all of them had ended but so many.
    held: i64,
    doubtful: usize,
    /// Orders of which nobody was ever told.
    unanswered: usize,
}

/// The account that takes the payments, with its balance before the first, and the one that trades.
struct Accounts {
    saver: u32,
    cents: i64,
    trader: u32,
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let seed = std::env::var("SIAGA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    println!("SIAGA_SEED={seed}");
    let dir = tempfile::tempdir().expect("a folder");
    let accounts = prepare(dir.path());
    let book = Mutex::new(Book::default());
    let mut dice = Dice(seed);
    for kill in 0..KILLS {
        if dice.below(EARLY_EVERY) == 0 {
            kill_early(dir.path(), Duration::from_millis(dice.below(EARLY_MS)));
        }
        let desk = start(dir.path());
        ready(&desk);
        check(&desk, &accounts, &book);
        trade(&desk, &accounts, &book, kill, 1 + dice.below(ACKS_MAX));
        desk.kill();
    }
    let desk = start(dir.path());
    ready(&desk);
    check(&desk, &accounts, &book);
    let book = book.into_inner().expect("whole");
    for (client_id, id) in &book.found {
        is_known(&desk, accounts.trader, client_id, *id);
    }
    let placed = book.found.len() as i64 * LOTS_CENTS;
    let most = placed + book.unanswered as i64 * LOTS_CENTS;
    assert!(
        book.held <= most && book.held >= FILLED_MIN,
        "{} of {placed} to {most} were filled",
        book.held
    );
    let acknowledged = book.found.len();
    assert!(acknowledged > 50, "{acknowledged} orders prove little");
    assert!(
        book.payments.len() > 100,
        "{} payments",
        book.payments.len()
    );
    snapshot(&desk);
    desk.stop();
    verified(dir.path());
}

/// A desk whose journal turns over quickly and keeps no more than a start needs.
fn busy(command: &mut Command) {
    command
        .env("SIAGA__DATA__SEGMENT_MIB", SEGMENT_MIB)
        .env("SIAGA__DATA__KEEP_HOURS", "0")
        .env("SIAGA__FEED__RATE", FEED_RATE)
        .env("SIAGA__BROKER__REJECT_PERCENT", "0")
        // Most orders are filled before their desk is killed.
        .env("SIAGA__BROKER__LATENCY_MS", "1");
}

fn start(data: &Path) -> Desk {
    Desk::start_with(data, busy)
}

/// Killed while it recovers, or soon after: the moment is the test's choice, not a condition to wait for.
fn kill_early(data: &Path, after: Duration) {
    let mut command = command(data);
    busy(&mut command);
    let mut child = command
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    std::thread::sleep(after);
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
}

/// Waits until the desk stands on a snapshot: the standby follows behind.
fn snapshot(desk: &Desk) {
    let until = Instant::now() + PATIENCE;
    while desk.figure("siaga_snapshot_seq") == 0 {
        assert!(Instant::now() < until, "no snapshot was ever written");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The journal is whole, has been cut off behind a snapshot, and a replay gives the states that were noted.
fn verified(data: &Path) {
    let journal = |what: &str| {
        let output = command(data)
            .args(["journal", what, "--json"])
            .output()
            .expect("the program runs");
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), found)
    };
    let (code, found) = journal("verify");
    assert_eq!((code, &found["whole"]), (Some(0), &json!(true)), "{found}");
    let (_, found) = journal("inspect");
    let first = found["segments"][0]["first_seq"].as_u64();
    assert!(first > Some(1), "nothing was ever trimmed: {found}");
}

/// Hundredths of a lot that the account holds once nothing is on its way, and how many orders the broker has not
/// answered for.
fn held(desk: &Desk, trader: u32) -> (i64, usize) {
    let path = format!("/api/v1/accounts/{trader}");
    let rows = |account: &Value, what: &str| account[what].as_array().cloned().unwrap_or_default();
    let account = desk.wait(&path, "the end of every order", |account| {
        let orders = rows(account, "orders");
        orders.iter().all(|order| order["state"] == "in_doubt")
    });
    let positions = rows(&account, "positions");
    let qty = positions.iter().map(|position| cents(&position["qty"]));
    (qty.sum(), rows(&account, "orders").len())
}

/// What is held grew by at most one fill for each order that was placed meanwhile.
fn filled_once(desk: &Desk, trader: u32, book: &mut Book, placed: usize) {
    let (now, doubtful) = held(desk, trader);
    let (before, open) = (book.held, book.doubtful);
    let most = before + (placed + open) as i64 * LOTS_CENTS;
    assert!(
        (before..=most).contains(&now),
        "{placed} orders were placed and {open} open; {before} was held, and now {now}"
    );
    (book.held, book.doubtful) = (now, doubtful);
}

/// Small and seeded (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

/// An account that holds nothing takes the payments, another one trades with a stake.
fn prepare(data: &Path) -> Accounts {
    let desk = start(data);
    ready(&desk);
    let path = format!("/api/v1/accounts/{DEMO_LAST}");
    desk.wait(&path, "the demonstration's last position", |account| {
        account["positions"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });
    let listed = desk.get("/api/v1/accounts");
    // The first ones may be about to open the demonstration's positions.
    let rows = listed["items"].as_array().expect("accounts").iter().rev();
    let mut idle = rows.filter_map(|row| {
        let id = u32::try_from(row["id"].as_u64()?).ok()?;
        let account = desk.get(&format!("/api/v1/accounts/{id}"));
        let none = |what: &str| account[what].as_array().is_none_or(Vec::is_empty);
        let idle = none("positions") && none("orders") && row["currency"] == "USD";
        idle.then(|| (id, cents(&account["balance"])))
    });
    let (saver, cents) = idle
        .next()
        .expect("an account in dollars without positions");
    let (trader, _) = idle.next().expect("another one");
    let stake = json!({ "kind": "deposit", "amount": STAKE, "reference": "stake" });
    let path = format!("/api/v1/accounts/{trader}/cash");
    let (status, told) = desk.call("POST", &path, Some(stake));
    assert_eq!(status, 201, "{told}");
    desk.kill();
    Accounts {
        saver,
        cents,
        trader,
    }
}

/// Money of two digits.
fn cents(money: &Value) -> i64 {
    let text = money.as_str().expect("money is text");
    text.replace('.', "").parse().expect("two digits")
}

fn ready(desk: &Desk) {
    desk.wait("/api/v1/desk", "the link going live", |desk| {
        desk["links"][0]["mode"] == "live"
    });
    desk.wait("/api/v1/quotes?symbols=EUR/USD", "a price", |quotes| {
        quotes["items"][0]["feed"] == "live"
    });
}

/// Clients pay in and trade until so many answers have come.
fn trade(desk: &Desk, accounts: &Accounts, book: &Mutex<Book>, kill: u64, answers: u64) {
    let (done, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (done, count) = (&done, &count);
            scope.spawn(move || {
                let mut turn = 0;
                while !done.load(Ordering::Acquire) {
                    let name = format!("{kill}-{client}-{turn}");
                    if turn % 2 == 0 {
                        pay(desk, accounts.saver, book, &name);
                    } else {
                        order(desk, accounts.trader, book, &name);
                    }
                    count.fetch_add(1, Ordering::AcqRel);
                    turn += 1;
                }
            });
        }
        let until = Instant::now() + PATIENCE;
        while count.load(Ordering::Acquire) < answers {
            assert!(Instant::now() < until, "the desk does not answer");
            std::thread::yield_now();
        }
        // Killed in the middle of whatever is under way.
        let pid = desk.child.id().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-KILL", &pid])
            .status();
        assert!(killed.is_ok_and(|status| status.success()), "kill runs");
        done.store(true, Ordering::Release);
    });
}

fn pay(desk: &Desk, saver: u32, book: &Mutex<Book>, reference: &str) {
    let entry = |acknowledged| {
        let mut book = book.lock().expect("whole");
        book.payments.insert(reference.to_owned(), acknowledged);
    };
    entry(false);
    let body = json!({ "kind": "deposit", "amount": PAYMENT, "reference": reference });
    if let Some((201, _)) = desk.try_call(
        "POST",
        &format!("/api/v1/accounts/{saver}/cash"),
        Some(body),
    ) {
        entry(true);
    }
}

/// What one order buys: hundredths of a lot.
const LOTS: &str = "0.01";
const LOTS_CENTS: i64 = 1;

fn body_of(trader: u32, client_id: &str) -> Value {
    json!({ "account": trader, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": LOTS, "client_id": client_id })
}

fn order(desk: &Desk, trader: u32, book: &Mutex<Book>, client_id: &str) {
    let open = |is_open: bool| {
        let mut book = book.lock().expect("whole");
        if is_open {
            book.open.insert(client_id.to_owned());
        } else {
            book.open.remove(client_id);
        }
        book
    };
    drop(open(true));
    let body = body_of(trader, client_id);
    match desk.try_call("POST", "/api/v1/orders", Some(body)) {
        Some((201, told)) => {
            let id = told["order"]["id"].as_u64().expect("an id");
            open(false).fresh.insert(client_id.to_owned(), id);
        }
        // Refused, so nothing was done.
        Some((400..500, _)) => drop(open(false)),
        _ => {}
    }
}

/// Everything acknowledged is there; a payment that was not is sent again, and in the end is there once.
fn check(desk: &Desk, accounts: &Accounts, book: &Mutex<Book>) {
    let mut book = book.lock().expect("whole");
    let path = format!("/api/v1/accounts/{}/cash", accounts.saver);
    for (reference, acknowledged) in &mut book.payments {
        if *acknowledged {
            continue;
        }
        let body = json!({ "kind": "deposit", "amount": PAYMENT, "reference": reference });
        let (status, told) = desk.call("POST", &path, Some(body));
        let known = told.to_string().contains("already_exists");
        assert!(status == 201 || known, "{reference}: {status} {told}");
        *acknowledged = true;
    }
    let account = desk.get(&format!("/api/v1/accounts/{}", accounts.saver));
    assert_eq!(
        cents(&account["balance"]),
        accounts.cents + 100 * book.payments.len() as i64,
        "each of {} payments counts once",
        book.payments.len()
    );
    let fresh = std::mem::take(&mut book.fresh);
    // Nobody knows of these; to send them again would only count against the account's rate.
    let unanswered = std::mem::take(&mut book.open).len();
    book.unanswered += unanswered;
    let placed = fresh.len() + unanswered;
    for (client_id, id) in fresh {
        is_known(desk, accounts.trader, &client_id, id);
        book.found.insert(client_id, id);
    }
    filled_once(desk, accounts.trader, &mut book, placed);
}

/// An acknowledged order, asked for again, gets its first answer.
fn is_known(desk: &Desk, trader: u32, client_id: &str, id: u64) {
    let body = body_of(trader, client_id);
    let (status, again) = desk.call("POST", "/api/v1/orders", Some(body));
    let told = (status, &again["repeated"], &again["order"]["id"]);
    assert_eq!(
        told,
        (201, &json!(true), &json!(id)),
        "{client_id}: {again}"
    );
}
