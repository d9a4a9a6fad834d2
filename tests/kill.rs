//! The program is killed at its first starts, and then fifty times while clients trade and pay in and prices come fast
//! enough that segments close, snapshots are written and the journal is trimmed meanwhile, and now and then while it starts.
//! Whatever it had acknowledged is there afterwards, once; over all starts no order is executed beyond its volume, nor an
//! execution booked twice; and what is left on the disk verifies. `SIAGA_SEED` repeats a sequence of kills.
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, LOOK_AGAIN, PATIENCE, command};

const KILLS: u64 = 50;
/// First starts that are killed, within this time of their folder being there: while they bring in terms and deposits, or
/// while the demonstration's orders are under way.
const FIRST_KILLS: u64 = 8;
const FIRST_MS: u64 = 500;
const CLIENTS: u64 = 3;
/// Acknowledgements before a kill, at most.
const ACKS_MAX: u64 = 40;
/// One start in so many is killed before it is ready, within this time.
const EARLY_EVERY: u64 = 4;
const EARLY_MS: u64 = 600;
/// Largest size of the journal's segments, MiB, and quotes a second by source: a segment closes every few kills.
const SEGMENT_MIB: &str = "1";
const FEED_RATE: &str = "60";
/// One execution in so many, percent, is of a part, so that kills come between the parts of an order.
const PARTIAL_PERCENT: &str = "30";
/// Hundredths of a lot that must have been filled: orders under way die with the broker in memory, which a kill takes along.
const FILLED_MIN: i64 = 50;
/// Accounts of the demonstration, and two of them for which it has no orders, with what each begins with
/// (feed/catalog/demo.toml).
const DEMO_ACCOUNTS: usize = 10;
const TRADER: u32 = 8;
const SAVER: u32 = 9;
const BALANCE_CENTS: i64 = 500_000;
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
    /// Orders of which nobody was ever told.
    unanswered: usize,
    /// What each position of the trading account holds, hundredths of a lot, when all orders had ended.
    positions: BTreeMap<u64, i64>,
}

/// What the output log says of the trading account, gathered after every kill, as the log is trimmed.
#[derive(Default)]
struct Told {
    /// Its orders.
    orders: BTreeSet<u64>,
    /// Executions by their place in the log.
    deals: BTreeMap<(u64, u64), Deal>,
}

/// One booked execution; quantities in hundredths of a lot.
#[derive(Clone, Debug, PartialEq)]
struct Deal {
    order: u64,
    position: u64,
    qty: i64,
    /// The broker's id of it.
    exec: String,
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let seed = std::env::var("SIAGA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    println!("SIAGA_SEED={seed}");
    let dir = tempfile::tempdir().expect("a folder");
    let mut dice = Dice(seed);
    prepare(dir.path(), &mut dice);
    let (book, mut told) = (Mutex::new(Book::default()), Told::default());
    for kill in 0..KILLS {
        if dice.below(EARLY_EVERY) == 0 {
            kill_early(dir.path(), Duration::from_millis(dice.below(EARLY_MS)));
        }
        let desk = start(dir.path());
        desk.ready();
        check(&desk, &book);
        trade(&desk, &book, kill, 1 + dice.below(ACKS_MAX));
        desk.kill();
        told.read(dir.path());
        told.hold(&book.lock().expect("whole"));
    }
    let desk = start(dir.path());
    desk.ready();
    check(&desk, &book);
    let book = book.into_inner().expect("whole");
    for (client_id, id) in &book.found {
        is_known(&desk, client_id, *id);
    }
    demonstrated_once(&desk);
    assert!(
        book.payments.len() > 100,
        "{} payments",
        book.payments.len()
    );
    snapshot(&desk);
    desk.stop();
    told.read(dir.path());
    told.hold(&book);
    told.hold_in_the_end(&book);
    verified(dir.path());
}

impl Told {
    /// Reads what the log has. What was read before stands there as it was.
    fn read(&mut self, data: &Path) {
        let kinds = ["--kind", "order", "--kind", "deal", "--json"];
        let output = command(data)
            .args(["journal", "export", "outputs"])
            .args(kinds)
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{:?}", output.status);
        let text = String::from_utf8(output.stdout).expect("text");
        for line in text.lines() {
            let found: Value = serde_json::from_str(line).expect("a line of JSON");
            self.take(&found);
        }
    }

    fn take(&mut self, found: &Value) {
        let number = |value: &Value| value.as_u64().expect("a number");
        let fields = &found["fields"];
        if found["kind"] == "order" {
            if fields["order"]["account"] == TRADER {
                self.orders.insert(number(&fields["id"]));
            }
            return;
        }
        if fields["account"] != TRADER {
            return;
        }
        let deal = Deal {
            order: number(&fields["order"]),
            position: number(&fields["position"]),
            qty: fields["qty"].as_i64().expect("a number"),
            exec: fields["exec"].to_string(),
        };
        let place = (number(&found["seq"]), number(&found["index"]));
        let before = self.deals.insert(place, deal.clone());
        assert!(
            before.as_ref().is_none_or(|before| *before == deal),
            "output {place:?} was {before:?} and is {deal:?}"
        );
    }

    /// No order is executed beyond its volume, no execution booked twice, and nothing but orders of ours; what the
    /// account held when its orders had ended is what was executed.
    fn hold(&self, book: &Book) {
        let (mut executed, mut execs) = (BTreeMap::<u64, i64>::new(), BTreeSet::new());
        for deal in self.deals.values() {
            *executed.entry(deal.order).or_default() += deal.qty;
            let first = execs.insert((deal.order, &deal.exec));
            assert!(first, "an execution was booked twice: {deal:?}");
        }
        for (order, qty) in &executed {
            assert!(
                (1..=LOTS_CENTS).contains(qty),
                "{qty} of {LOTS_CENTS} were executed of order {order}"
            );
            assert!(self.orders.contains(order), "order {order} is nobody's");
        }
        for (position, qty) in &book.positions {
            assert_eq!(self.of_position(*position), *qty, "position {position}");
        }
    }

    /// Every acknowledged order is there, and no more than were sent; all that was executed is held.
    fn hold_in_the_end(&self, book: &Book) {
        for (client_id, id) in &book.found {
            assert!(self.orders.contains(id), "{client_id}: {id} is gone");
        }
        let acknowledged = book.found.len();
        assert!(acknowledged > 50, "{acknowledged} orders prove little");
        assert!(
            self.orders.len() <= acknowledged + book.unanswered,
            "{} orders, of which {acknowledged} were acknowledged and {} not answered",
            self.orders.len(),
            book.unanswered
        );
        let executed: i64 = self.deals.values().map(|deal| deal.qty).sum();
        assert_eq!(executed, book.positions.values().sum::<i64>());
        assert!(executed >= FILLED_MIN, "{executed} were executed");
        let parts = self.deals.values().filter(|deal| deal.qty < LOTS_CENTS);
        assert!(parts.count() > 0, "no order was executed in parts");
    }

    fn of_position(&self, position: u64) -> i64 {
        let deals = self.deals.values();
        let of = deals.filter(|deal| deal.position == position);
        of.map(|deal| deal.qty).sum()
    }
}

/// A desk whose journal turns over quickly and keeps no more than a start needs.
fn busy(command: &mut Command) {
    command
        .env("SIAGA__DATA__SEGMENT_MIB", SEGMENT_MIB)
        .env("SIAGA__DATA__KEEP_HOURS", "0")
        .env("SIAGA__FEED__RATE", FEED_RATE)
        .env("SIAGA__BROKER__REJECT_PERCENT", "0")
        .env("SIAGA__BROKER__PARTIAL_PERCENT", PARTIAL_PERCENT)
        // Most orders are filled before their desk is killed.
        .env("SIAGA__BROKER__LATENCY_MS", "1");
}

fn start(data: &Path) -> Desk {
    Desk::start_with(data, busy)
}

/// Killed while it recovers, or soon after: the moment is the test's choice, not a condition to wait for.
fn kill_early(data: &Path, after: Duration) {
    let mut child = unheard(data);
    std::thread::sleep(after);
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
}

/// Killed while it brings in what a first start brings in, or soon after.
fn kill_first(data: &Path, after: Duration) {
    let mut child = unheard(data);
    let until = Instant::now() + PATIENCE;
    while !data.join("core").is_dir() {
        assert!(Instant::now() < until, "the program makes no folder");
        std::thread::yield_now();
    }
    std::thread::sleep(after);
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
}

/// A start that nobody listens to.
fn unheard(data: &Path) -> Child {
    let mut command = command(data);
    busy(&mut command);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
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

/// What each position of the trading account holds once nothing is on its way; what is in doubt the broker has never got.
fn held(desk: &Desk) -> BTreeMap<u64, i64> {
    let path = format!("/api/v1/accounts/{TRADER}");
    let rows = |account: &Value, what: &str| account[what].as_array().cloned().unwrap_or_default();
    let account = desk.wait(&path, "the end of every order", |account| {
        let orders = rows(account, "orders");
        orders.iter().all(|order| order["state"] == "in_doubt")
    });
    let positions = rows(&account, "positions");
    let one = |position: &Value| {
        let id = position["id"].as_u64().expect("an id");
        (id, cents(&position["qty"]))
    };
    positions.iter().map(one).collect()
}

/// No order of the demonstration was sent by two starts: it has at most one for each account and instrument.
fn demonstrated_once(desk: &Desk) {
    let others = (1..=DEMO_ACCOUNTS as u32).filter(|id| *id != TRADER);
    for id in others {
        let account = desk.get(&format!("/api/v1/accounts/{id}"));
        let positions = account["positions"].as_array().expect("positions");
        let symbols: BTreeSet<&str> = positions
            .iter()
            .filter_map(|position| position["symbol"].as_str())
            .collect();
        assert_eq!(symbols.len(), positions.len(), "account {id}: {account}");
    }
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

/// The first start is killed again and again; the next one finishes it: every account is there with its deposit, once. Then
/// the account that trades gets its stake.
fn prepare(data: &Path, dice: &mut Dice) {
    for _ in 0..FIRST_KILLS {
        kill_first(data, Duration::from_millis(dice.below(FIRST_MS)));
    }
    let desk = start(data);
    desk.ready();
    desk.wait("/api/v1/accounts", "every account", |accounts| {
        let rows = accounts["items"].as_array();
        rows.is_some_and(|rows| rows.len() == DEMO_ACCOUNTS)
    });
    for id in [TRADER, SAVER] {
        let account = desk.get(&format!("/api/v1/accounts/{id}"));
        let balance = cents(&account["balance"]);
        assert_eq!(
            balance, BALANCE_CENTS,
            "account {id} begins with its deposit"
        );
    }
    demonstrated_once(&desk);
    let stake = json!({ "kind": "deposit", "amount": STAKE, "reference": "stake" });
    let path = format!("/api/v1/accounts/{TRADER}/cash");
    let (status, told) = desk.call("POST", &path, Some(stake));
    assert_eq!(status, 201, "{told}");
    desk.kill();
}

/// Money of two digits.
fn cents(money: &Value) -> i64 {
    let text = money.as_str().expect("money is text");
    text.replace('.', "").parse().expect("two digits")
}

/// Clients pay in and trade until so many answers have come.
fn trade(desk: &Desk, book: &Mutex<Book>, kill: u64, answers: u64) {
    let (done, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (done, count) = (&done, &count);
            scope.spawn(move || {
                let mut turn = 0;
                while !done.load(Ordering::Acquire) {
                    let name = format!("{kill}-{client}-{turn}");
                    if turn % 2 == 0 {
                        pay(desk, book, &name);
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

fn pay(desk: &Desk, book: &Mutex<Book>, reference: &str) {
    let entry = |acknowledged| {
        let mut book = book.lock().expect("whole");
        book.payments.insert(reference.to_owned(), acknowledged);
    };
    entry(false);
    let body = json!({ "kind": "deposit", "amount": PAYMENT, "reference": reference });
    if let Some((201, _)) = desk.try_call(
        "POST",
        &format!("/api/v1/accounts/{SAVER}/cash"),
        Some(body),
    ) {
        entry(true);
    }
}

/// What one order buys: hundredths of a lot.
const LOTS: &str = "0.05";
const LOTS_CENTS: i64 = 5;

fn body_of(client_id: &str) -> Value {
    json!({ "account": TRADER, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": LOTS, "client_id": client_id })
}

fn order(desk: &Desk, book: &Mutex<Book>, client_id: &str) {
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
    let body = body_of(client_id);
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
fn check(desk: &Desk, book: &Mutex<Book>) {
    let mut book = book.lock().expect("whole");
    let path = format!("/api/v1/accounts/{SAVER}/cash");
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
    let account = desk.get(&format!("/api/v1/accounts/{SAVER}"));
    assert_eq!(
        cents(&account["balance"]),
        BALANCE_CENTS + 100 * book.payments.len() as i64,
        "each of {} payments counts once",
        book.payments.len()
    );
    let fresh = std::mem::take(&mut book.fresh);
    // Nobody knows of these; to send them again would only count against the account's rate.
    book.unanswered += std::mem::take(&mut book.open).len();
    for (client_id, id) in fresh {
        is_known(desk, &client_id, id);
        book.found.insert(client_id, id);
    }
    let now = held(desk);
    for (position, qty) in &book.positions {
        assert_eq!(now.get(position), Some(qty), "position {position} changed");
    }
    book.positions = now;
}

/// An acknowledged order, asked for again, gets its first answer.
fn is_known(desk: &Desk, client_id: &str, id: u64) {
    let body = body_of(client_id);
    let (status, again) = desk.call("POST", "/api/v1/orders", Some(body));
    let told = (status, &again["repeated"], &again["order"]["id"]);
    assert_eq!(
        told,
        (201, &json!(true), &json!(id)),
        "{client_id}: {again}"
    );
}
