//! The program is killed fifty times while clients trade and pay in; whatever it had acknowledged is there afterwards,
//! once. `SIAGA_SEED` repeats a sequence of kills.
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, PATIENCE};

const KILLS: u64 = 50;
const CLIENTS: u64 = 3;
/// Acknowledgements before a kill, at most.
const ACKS_MAX: u64 = 40;
/// The account that trades, and how much it is given.
const TRADER: u32 = 8;
const STAKE: &str = "10000000.00";
/// One payment.
const PAYMENT: &str = "1.00";

/// What clients have asked for, and what they were told.
#[derive(Default)]
struct Book {
    /// Payments by reference: acknowledged or not.
    payments: BTreeMap<String, bool>,
    /// Orders acknowledged since the last kill, by client id, with the id they were given.
    fresh: BTreeMap<String, u64>,
    /// Orders that were found again after a kill.
    found: BTreeMap<String, u64>,
}

/// The account that takes the payments, and its balance before the first.
struct Saver {
    id: u32,
    cents: i64,
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let seed = std::env::var("SIAGA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    println!("SIAGA_SEED={seed}");
    let dir = tempfile::tempdir().expect("a folder");
    let saver = prepare(dir.path());
    let book = Mutex::new(Book::default());
    let mut dice = Dice(seed);
    for kill in 0..KILLS {
        let desk = Desk::start(dir.path());
        ready(&desk);
        check(&desk, &saver, &book);
        trade(&desk, saver.id, &book, kill, 1 + dice.below(ACKS_MAX));
        desk.kill();
    }
    let desk = Desk::start(dir.path());
    ready(&desk);
    check(&desk, &saver, &book);
    let book = book.into_inner().expect("whole");
    for (client_id, id) in &book.found {
        is_known(&desk, client_id, *id);
    }
    let acknowledged = book.found.len();
    assert!(acknowledged > 50, "{acknowledged} orders prove little");
    assert!(
        book.payments.len() > 100,
        "{} payments",
        book.payments.len()
    );
    desk.stop();
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

/// Gives the trader its stake; an account that holds nothing takes the payments.
fn prepare(data: &Path) -> Saver {
    let desk = Desk::start(data);
    ready(&desk);
    let stake = json!({ "kind": "deposit", "amount": STAKE, "reference": "stake" });
    let (status, told) = desk.call(
        "POST",
        &format!("/api/v1/accounts/{TRADER}/cash"),
        Some(stake),
    );
    assert_eq!(status, 201, "{told}");
    let accounts = desk.get("/api/v1/accounts");
    let idle = accounts["items"]
        .as_array()
        .expect("accounts")
        .iter()
        // The first ones may be about to open the demonstration's positions.
        .rev()
        .find_map(|row| {
            let id = u32::try_from(row["id"].as_u64()?).ok()?;
            let account = desk.get(&format!("/api/v1/accounts/{id}"));
            let none = |what: &str| account[what].as_array().is_none_or(Vec::is_empty);
            let idle =
                id != TRADER && none("positions") && none("orders") && row["currency"] == "USD";
            idle.then(|| Saver {
                id,
                cents: cents(&account["balance"]),
            })
        });
    let saver = idle.expect("an account in dollars without positions");
    desk.kill();
    saver
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
fn trade(desk: &Desk, saver: u32, book: &Mutex<Book>, kill: u64, answers: u64) {
    let (done, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (done, count) = (&done, &count);
            scope.spawn(move || {
                let mut turn = 0;
                while !done.load(Ordering::Acquire) {
                    let name = format!("{kill}-{client}-{turn}");
                    if turn % 2 == 0 {
                        pay(desk, saver, book, &name);
                    } else {
                        order(desk, book, &name);
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

fn body_of(client_id: &str) -> Value {
    json!({ "account": TRADER, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.01", "client_id": client_id })
}

fn order(desk: &Desk, book: &Mutex<Book>, client_id: &str) {
    let told = desk.try_call("POST", "/api/v1/orders", Some(body_of(client_id)));
    if let Some((201, told)) = told {
        let id = told["order"]["id"].as_u64().expect("an id");
        let mut book = book.lock().expect("whole");
        book.fresh.insert(client_id.to_owned(), id);
    }
}

/// Everything acknowledged is there; a payment that was not is sent again, and in the end is there once.
fn check(desk: &Desk, saver: &Saver, book: &Mutex<Book>) {
    let mut book = book.lock().expect("whole");
    let path = format!("/api/v1/accounts/{}/cash", saver.id);
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
    let account = desk.get(&format!("/api/v1/accounts/{}", saver.id));
    assert_eq!(
        cents(&account["balance"]),
        saver.cents + 100 * book.payments.len() as i64,
        "each of {} payments counts once",
        book.payments.len()
    );
    let fresh = std::mem::take(&mut book.fresh);
    for (client_id, id) in fresh {
        is_known(desk, &client_id, id);
        book.found.insert(client_id, id);
    }
}

/// An acknowledged order, asked for again, gets its first answer.
fn is_known(desk: &Desk, client_id: &str, id: u64) {
    let (status, again) = desk.call("POST", "/api/v1/orders", Some(body_of(client_id)));
    let told = (status, &again["repeated"], &again["order"]["id"]);
    assert_eq!(
        told,
        (201, &json!(true), &json!(id)),
        "{client_id}: {again}"
    );
}
