//! The program from outside: it starts, trades, survives being killed, and says what is wrong.
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "support/desk.rs"]
mod desk;
#[path = "serve/doctor.rs"]
mod doctor;
#[path = "serve/exit.rs"]
mod exit;
#[path = "serve/import.rs"]
mod import;
#[path = "serve/lost.rs"]
mod lost;
#[path = "serve/platform.rs"]
mod platform;
#[path = "serve/secret.rs"]
mod secret;
#[path = "support/shared.rs"]
mod shared;
#[path = "serve/sign_in.rs"]
mod sign_in;
#[path = "serve/terms.rs"]
mod terms;
#[path = "serve/ticks.rs"]
mod ticks;
#[path = "serve/vectors.rs"]
mod vectors;

use desk::{Desk, Door, LOOK_AGAIN, PATIENCE, command};

fn positions(account: &Value) -> usize {
    account["positions"].as_array().map_or(0, Vec::len)
}

fn order(client_id: &str) -> Value {
    json!({ "account": 8, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "client_id": client_id })
}

#[test]
fn nobody_reads_what_it_prints_and_it_still_serves_and_stops() {
    let dir = tempfile::tempdir().expect("a folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let address = port.expect("a free port").to_string();
    let mut child = command(dir.path())
        .args(["serve", "--listen", &address])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let secret = String::new();
    let door = Door { address, secret };
    let first = Value::Null;
    let desk = Desk { child, door, first };
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(&desk.address).is_err() || desk.call("GET", "/livez", None).0 != 200 {
        assert!(Instant::now() < until, "it does not answer");
        std::thread::sleep(LOOK_AGAIN);
    }
    desk.stop();
}

#[test]
fn an_order_survives_kill_and_stop_and_is_not_placed_twice() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    desk.wait(
        "/api/v1/desk",
        "the paper broker's link going live",
        |desk| desk["links"][0]["mode"] == "live",
    );
    desk.wait("/api/v1/quotes?symbols=EUR/USD", "a price", |quotes| {
        quotes["items"][0]["bid"].is_string()
    });
    let (status, first) = desk.call("POST", "/api/v1/orders", Some(order("once")));
    assert_eq!(status, 201, "{first}");
    desk.wait("/api/v1/accounts/8", "the fill", |account| {
        positions(account) == 1
    });
    // A fill is shown before it is on the disk; what is answered behind it says that it is.
    let (status, answer) = desk.call("POST", "/api/v1/orders", Some(order("once")));
    assert_eq!((status, &answer["repeated"]), (201, &json!(true)));
    desk.kill();

    let desk = Desk::start(dir.path());
    let account = desk.get("/api/v1/accounts/8");
    assert_eq!(
        positions(&account),
        1,
        "what was acknowledged is there after kill -9"
    );
    desk.ready();
    let (status, again) = desk.call("POST", "/api/v1/orders", Some(order("once")));
    assert_eq!((status, &again["repeated"]), (201, &json!(true)), "{again}");
    assert_eq!(
        first["order"]["id"], again["order"]["id"],
        "a repeated order gets the first answer again"
    );
    let balance = desk.get("/api/v1/accounts/8")["balance"].clone();
    desk.stop();

    let desk = Desk::start(dir.path());
    let account = desk.get("/api/v1/accounts/8");
    assert_eq!((positions(&account), &account["balance"]), (1, &balance));
}

#[test]
fn places_in_the_stream_go_on_after_a_stop_and_begin_anew_after_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let place = |desk: &Desk| {
        let stream = desk.get("/api/v1/orders?account=8")["stream"].clone();
        let number = |name: &str| stream[name].as_u64().expect("a number");
        (number("epoch"), number("seq"))
    };
    let desk = Desk::start(dir.path());
    desk.wait("/api/v1/desk", "the link going live", |desk| {
        desk["links"][0]["mode"] == "live"
    });
    desk.wait("/api/v1/quotes?symbols=EUR/USD", "a price", |quotes| {
        quotes["items"][0]["bid"].is_string()
    });
    let (status, placed) = desk.call("POST", "/api/v1/orders", Some(order("once")));
    assert_eq!(status, 201, "{placed}");
    desk.wait("/api/v1/orders?account=8", "an event", |orders| {
        orders["stream"]["seq"].as_u64() > Some(0)
    });
    let (epoch, told) = place(&desk);
    // Events are counted, not inputs: after years of a quick feed a place is still exact in a double.
    let inputs = placed["seq"].as_u64().expect("a number");
    assert!(told > 0 && told < inputs, "{told} of {inputs} inputs");
    desk.stop();

    let desk = Desk::start(dir.path());
    let (again, went_on) = place(&desk);
    assert_eq!(again, epoch, "whoever has seen everything resumes");
    assert!(went_on >= told, "{went_on} after {told}");
    desk.kill();

    let desk = Desk::start(dir.path());
    assert_eq!(place(&desk).0, epoch + 1, "what was told last is not known");
}

#[test]
fn it_is_ready_while_prices_come_and_names_a_broker_that_is_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    let until_ready = |what: &str, status: u16, is_so: &dyn Fn(&Value) -> bool| {
        let until = Instant::now() + PATIENCE;
        loop {
            let (got, said) = desk.call("GET", "/readyz?verbose", None);
            if got == status && is_so(&said["parts"]) {
                return;
            }
            assert!(Instant::now() < until, "{what}: {got} {said}");
            std::thread::sleep(LOOK_AGAIN);
        }
    };
    let part = |parts: &Value, name: &str, ok: bool| {
        let parts = parts.as_array().expect("parts");
        parts.iter().any(|p| p["name"] == name && p["ok"] == ok)
    };
    until_ready("prices and a broker", 200, &|parts| {
        part(parts, "feed", true) && part(parts, "broker", true)
    });
    let away = json!({ "mode": "read_only", "note": "a test" });
    let (status, said) = desk.call("POST", "/api/v1/links/1/mode", Some(away));
    assert_eq!(status, 200, "{said}");
    until_ready("the broker is away, closes are queued", 200, &|parts| {
        part(parts, "broker", false)
    });
    let mute = json!({ "scenario": "mute_feed" });
    desk.call("POST", "/api/v1/demo/scenario", Some(mute));
    until_ready("no source sends prices", 503, &|parts| {
        part(parts, "feed", false)
    });
    let calm = json!({ "scenario": "calm" });
    desk.call("POST", "/api/v1/demo/scenario", Some(calm));
    until_ready("prices are back", 200, &|parts| part(parts, "feed", true));
}

#[test]
fn the_flash_crash_halts_and_closing_goes_on_while_the_broker_is_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    let account = desk.wait(
        "/api/v1/accounts/1",
        "the demonstration's positions",
        |account| positions(account) == 3,
    );
    let position = account["positions"][0]["id"].clone();
    let (status, _) = desk.call(
        "POST",
        "/api/v1/demo/scenario",
        Some(json!({ "scenario": "flash_crash" })),
    );
    assert_eq!(status, 204);
    desk.wait("/api/v1/desk", "the halt of EUR/USD", |desk| {
        desk["halted"]
            .as_array()
            .is_some_and(|halted| halted.contains(&json!("EUR/USD")))
    });
    let (status, refused) = desk.call("POST", "/api/v1/orders", Some(order("leveraged")));
    assert_eq!(status, 422);
    assert!(
        refused["reasons"]
            .as_array()
            .is_some_and(|all| all.iter().any(|reason| reason["name"] == "volatility_halt")),
        "{refused}"
    );
    desk.wait("/api/v1/alerts", "an alert about the halt", |alerts| {
        alerts["items"]
            .as_array()
            .is_some_and(|all| all.iter().any(|alert| alert["rule"] == "halt"))
    });

    let (status, _) = desk.call(
        "POST",
        "/api/v1/links/1/mode",
        Some(json!({ "mode": "read_only", "note": "a drill" })),
    );
    assert_eq!(status, 200);
    let close = json!({ "account": 1, "client_id": "close-while-away" });
    let (status, queued) = desk.call(
        "POST",
        &format!("/api/v1/positions/{position}/close"),
        Some(close),
    );
    assert_eq!(status, 201, "{queued}");
    assert_eq!(
        queued["order"]["state"], "queued",
        "a close waits for the broker"
    );
    let (status, _) = desk.call(
        "POST",
        "/api/v1/links/1/mode",
        Some(json!({ "mode": "live", "note": "the drill is over" })),
    );
    assert_eq!(status, 200);
    desk.wait(
        "/api/v1/orders?account=1&state=all",
        "the end of the queued close",
        |orders| {
            let ended = |order: &Value| {
                order["client_id"] == "close-while-away"
                    && (order["state"] == "filled" || order["state"] == "returned")
            };
            orders["items"]
                .as_array()
                .is_some_and(|all| all.iter().any(ended))
        },
    );
}

/// Two accounts stand a pip from their call on opposite sides of a market that moves 1.2 pips in a minute. By the deviation of a random
/// walk one is called within half a minute as a rule; beyond this, in one start of thousands.
const CALM_MAX: Duration = Duration::from_secs(300);

#[test]
fn an_ordinary_market_raises_the_first_alert_by_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    // At the usual pace: more quotes a second do not make a walk quicker.
    let desk = Desk::start(dir.path());
    let alerts = desk.wait_at_most(
        CALM_MAX,
        "/api/v1/alerts",
        "a margin call in a calm market",
        |alerts| {
            let all = alerts["items"].as_array();
            all.is_some_and(|all| all.iter().any(is_call))
        },
    );
    let all = alerts["items"].as_array().expect("a list");
    let call = all.iter().find(|alert| is_call(alert));
    let call = call.expect("it was seen");
    assert_eq!(call["severity"], "warning", "{call}");
    let account = call["labels"]["account"].as_str().expect("a number");
    let account = desk.get(&format!("/api/v1/accounts/{account}"));
    assert_eq!(positions(&account), 1, "nothing was closed: {account}");
    assert_eq!(desk.get("/api/v1/desk")["halted"], json!([]));
}

/// A margin call of one of the two accounts.
fn is_call(alert: &Value) -> bool {
    let account = &alert["labels"]["account"];
    alert["rule"] == "margin_warning" && (account == "2" || account == "10")
}

#[test]
fn an_alert_is_acknowledged_with_a_note_and_stays_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    desk.wait("/api/v1/accounts/1", "positions", |account| {
        positions(account) == 3
    });
    desk.call(
        "POST",
        "/api/v1/demo/scenario",
        Some(json!({ "scenario": "flash_crash" })),
    );
    let alerts = desk.wait("/api/v1/alerts?state=firing", "an alert", |alerts| {
        alerts["items"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });
    let id = alerts["items"][0]["id"].as_str().expect("an id").to_owned();
    let until = Instant::now() + PATIENCE;
    loop {
        // The revision moves while the market does: the newest one is the one to acknowledge.
        let revision = desk.get(&format!("/api/v1/alerts/{id}"))["revision"].clone();
        let status = acknowledge(&desk, &id, &revision);
        if status == 200 {
            break;
        }
        assert_eq!(status, 412, "only a stale revision may be refused");
        assert!(
            Instant::now() < until,
            "the alert could not be acknowledged"
        );
    }
    desk.wait(
        &format!("/api/v1/alerts/{id}/timeline"),
        "the acknowledgement",
        |timeline| {
            timeline["items"]
                .as_array()
                .is_some_and(|all| all.iter().any(|entry| entry["note"] == "called the client"))
        },
    );
    desk.kill();
    let desk = Desk::start(dir.path());
    desk.wait(
        &format!("/api/v1/alerts/{id}/timeline"),
        "the note after a crash",
        |timeline| {
            timeline["items"]
                .as_array()
                .is_some_and(|all| all.iter().any(|entry| entry["note"] == "called the client"))
        },
    );
}

fn acknowledge(desk: &Desk, id: &str, revision: &Value) -> u16 {
    let mut stream = TcpStream::connect(&desk.address).expect("the desk listens");
    let body = json!({ "note": "called the client" }).to_string();
    let head = format!(
        "POST /api/v1/alerts/{id}/ack HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIf-Match: {revision}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        desk.address,
        desk.secret,
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .expect("the request is sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the answer is read");
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status")
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    let run = |command: &mut Command| {
        let output = command.output().expect("the program runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, fault) = run(command(dir.path()).args(["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, Some(4), "{fault}");
    assert!(
        fault.contains(&desk.child.id().to_string()),
        "a second process is told the first: {fault}"
    );
    let other = tempfile::tempdir().expect("a folder");
    let (code, fault) = run(command(other.path()).args(["serve", "--listen", &desk.address]));
    assert_eq!(code, Some(1));
    assert!(
        fault.contains("--listen"),
        "a busy port says what to do: {fault}"
    );
    let (code, fault) = run(command(other.path()).args(["serve", "--listen", "0.0.0.0:0"]));
    assert_eq!(code, Some(3), "{fault}");
    assert!(fault.contains("loopback"), "{fault}");
    let file = other.path().join("siaga.toml");
    std::fs::write(&file, "[server]\nlisen = \"127.0.0.1:1\"\n").expect("written");
    let (code, fault) = run(command(other.path())
        .arg("--config")
        .arg(&file)
        .arg("check-config"));
    assert_eq!(code, Some(3));
    assert!(fault.contains("did you mean `listen`"), "{fault}");
    let (code, _) = run(command(other.path()).args(["--json", "doctor"]));
    assert!(
        code == Some(0) || code == Some(5),
        "doctor ends with 0 or 5, not {code:?}"
    );
    let (code, fault) = run(command(other.path()).args(["journal", "inspect"]));
    assert_eq!(code, Some(4), "{fault}");
    drop(desk);
    let output = command(dir.path())
        .args(["--json", "journal", "inspect"])
        .output()
        .expect("the program runs");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(
        found["kinds"]["quote"]["records"]
            .as_u64()
            .is_some_and(|count| count > 0),
        "{found}"
    );
}

#[test]
fn the_command_line_ends_with_the_codes_that_its_help_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| {
        let output = command(dir.path()).args(args).output();
        let output = output.expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for named in [
        "0 well",
        "1 failed",
        "2 wrong use",
        "3 configuration",
        "4 data directory",
        "5 a check found",
    ] {
        assert!(help.contains(named), "{named}: {help}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, Some(0), "{shell}");
        assert!(script.contains("check-config"), "{shell}: {script}");
    }
    for wrong in [
        &["nonsense"][..],
        &["replay"],
        &["replay", "day.csv", "--speed", "abc"],
        &["replay", "day.csv", "--speed", "0"],
        &["replay", "day.csv", "--at", "noon"],
        &["replay", "day.csv", "--clock", "Mars/Base"],
        &["replay", "day.csv", "--thresholds", "0.001,x"],
        &["replay", "day.csv", "--thresholds", "0"],
        &["replay", "day.csv", "--stop-short", "near"],
        &["journal", "export", "everything"],
    ] {
        let (code, _, said) = run(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
    }
    // The type is right; only where steps are counted it shows to be too fine.
    let day = dir.path().join("oanda_EURUSD_20140502_tick.csv");
    std::fs::write(&day, "1000,1.38620,1.38630\n2000,1.38621,1.38631\n").expect("written");
    let day = day.display().to_string();
    let (code, _, said) = run(&["replay", &day, "--stop-long", "0.00000000001"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--stop-long"), "{said}");
    let (code, said, _) = run(&["--json", "replay", &day, "--clock", "-05:00"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = run(&["--json", "check-config"]);
    assert_eq!(code, Some(0), "{said}");
    let checked: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(checked["ok"], true, "{checked}");
    let data = dir.path().display().to_string();
    assert_eq!(checked["config"]["data"], data.as_str(), "{checked}");
    assert_eq!(checked["config"]["store"], "off", "{checked}");
    for (part, said) in [
        ("standby", "on"),
        ("bus", "off"),
        ("cache", "off"),
        ("demo", "on"),
    ] {
        assert_eq!(checked["config"][part], said, "{checked}");
    }
    for (args, wanted) in [
        (&["replay", "/nowhere.csv"][..], 1),
        (&["vectors", "/nowhere.json"], 1),
        (&["journal", "inspect"], 4),
        (&["--config", "/nowhere.toml", "check-config"], 3),
    ] {
        let (code, _, said) = run(args);
        assert_eq!(code, Some(wanted), "{args:?}: {said}");
        let mut with_json = vec!["--json"];
        with_json.extend(args);
        let (code, _, said) = run(&with_json);
        assert_eq!(code, Some(wanted), "{args:?}: {said}");
        let last = said.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last)
            .unwrap_or_else(|_| panic!("{args:?} says its error as JSON: {said}"));
        assert!(error["error"].is_string(), "{error}");
    }
}

#[test]
fn damage_in_the_middle_of_the_journal_refuses_the_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    desk.wait("/api/v1/accounts/1", "positions", |account| {
        positions(account) == 3
    });
    desk.kill();
    let journal = dir.path().join("core/journal-0000000001.seg");
    let mut bytes = std::fs::read(&journal).expect("the journal is there");
    bytes[4_096] ^= 0xff;
    std::fs::write(&journal, bytes).expect("written");
    let output = command(dir.path())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(4));
    let fault = String::from_utf8_lossy(&output.stderr);
    assert!(
        fault.contains("journal-0000000001.seg"),
        "the segment is named: {fault}"
    );
}

/// What `siaga journal …` prints, with its exit code.
fn journal(data: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = command(data)
        .arg("journal")
        .args(args)
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), text)
}

#[test]
fn the_standby_follows_writes_snapshots_and_everything_verifies() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start_with(dir.path(), |busy| {
        busy.env("SIAGA__DATA__SEGMENT_MIB", "1")
            .env("SIAGA__FEED__RATE", "60");
    });
    let until = Instant::now() + PATIENCE;
    while desk.figure("siaga_snapshots_total") < 2 {
        assert!(Instant::now() < until, "no snapshot is written");
        std::thread::sleep(LOOK_AGAIN);
    }
    assert_eq!(desk.figure("siaga_standby_enabled"), 1);
    assert_eq!(desk.figure("siaga_standby_diverged_seq"), 0);
    let snapshot = desk.figure("siaga_snapshot_seq");
    assert!(desk.figure("siaga_standby_compared_seq") >= snapshot);
    desk.kill();
    // Killed: from the snapshot in the background, not from the front.
    let desk = Desk::start(dir.path());
    assert!(desk.figure("siaga_snapshot_seq") >= snapshot);
    desk.stop();

    let (code, text) = journal(dir.path(), &["verify", "--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(found["whole"], true);
    assert_eq!(found["replayed_from"], 0, "nothing is old enough to go");
    assert!(found["states_compared"].as_u64() >= Some(2), "{found}");
    let (_, text) = journal(dir.path(), &["inspect", "--json"]);
    let inspected: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(inspected["segments"][0]["packed"], true, "{inspected}");

    let (code, text) = journal(dir.path(), &["export", "--from", "5", "--to", "9"]);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(code, Some(0));
    let seqs: Vec<_> = lines.iter().map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, [Some(5), Some(6), Some(7), Some(8), Some(9)]);
    assert!(lines.iter().all(|line| line["fields"].is_object()));
    let (_, text) = journal(dir.path(), &["export", "outputs", "--kind", "checkpoint"]);
    let line: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(line["kind"], "checkpoint");

    let (_, inputs) = journal(dir.path(), &["export", "--to", "400"]);
    let file = dir.path().join("core/journal-0000000002.seg");
    let mut bytes = std::fs::read(&file).expect("the segment is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let (code, text) = journal(dir.path(), &["verify", "--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(code, Some(5), "{found}");
    assert_eq!(found["faults"][0]["file"], "journal-0000000002.seg");
    assert!(found["faults"][0]["offset"].is_u64(), "{found}");
    let (code, text) = journal(dir.path(), &["inspect", "--json"]);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(code, Some(5), "{found}");
    let damage = found["damage"][0].as_str().unwrap_or_default();
    assert!(damage.contains("journal-0000000002.seg"), "{found}");
    let (code, text) = journal(dir.path(), &["inspect"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("DAMAGE"), "{text}");
    assert_eq!(inputs.lines().count(), 400);
}

/// A program that is killed when the test is over.
struct Program(std::process::Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone when it was done.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_reference_client_of_the_bridge_trades_and_resumes_on_the_program() {
    if Command::new("python3").arg("--version").output().is_err() {
        return shared::missing("python3 not found");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let token = format!(
        "{:032x}",
        u128::from(std::process::id()) << 64 | 0x9e37_79b9
    );
    let desk = Desk::start_with(dir.path(), |command| {
        command.env("SIAGA__BROKER__BRIDGE_TOKEN", &token);
    });
    let client = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/clients/bridge_client.py"
        ))
        .arg(format!("ws://{}/bridge/v1", desk.address))
        .args(["--link", "2", "--orders", "1", "--break-after", "1"])
        .env("BRIDGE_TOKEN", &token)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut client = Program(client);
    let is_live = |desk: &Value| {
        let links = desk["links"].as_array();
        links.is_some_and(|all| {
            all.iter()
                .any(|link| link["id"] == 2 && link["mode"] == "live")
        })
    };
    desk.wait("/api/v1/desk", "the bridge's link going live", is_live);
    desk.wait("/api/v1/quotes?symbols=EUR/USD", "a live price", |quotes| {
        quotes["items"][0]["feed"] == "live"
    });
    let mut body = order("over-the-bridge");
    body["account"] = json!(9);
    let (status, sent) = desk.call("POST", "/api/v1/orders", Some(body));
    assert_eq!(status, 201, "{sent}");
    desk.wait(
        "/api/v1/accounts/9",
        "the fill that was told after the break",
        |account| positions(account) == 1,
    );
    let mut told = String::new();
    let lines = client.0.stdout.as_mut().expect("piped");
    lines.read_to_string(&mut told).expect("it ends by itself");
    let done = told.lines().last().unwrap_or_default();
    assert!(
        told.contains("\"event\": \"broken\"") && done.contains("\"connections\": 2"),
        "{told}"
    );
    assert!(told.contains("\"resumed\": true"), "{told}");
    desk.stop();
}

#[test]
fn what_goes_wrong_is_counted_and_told() {
    let dir = tempfile::tempdir().expect("a folder");
    // Nobody listens there any more: alerts do not get through.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let webhook = format!("http://{}/hook", closed.expect("a free port"));
    let token = "a token that only this test knows, 0123456789abcdef";
    let desk = Desk::start_with(dir.path(), |command| {
        command
            .env("SIAGA__ALERTS__WEBHOOK_URL", &webhook)
            .env(
                "SIAGA__ALERTS__WEBHOOK_SECRETS",
                "[\"whsec_QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\"]",
            )
            .env("SIAGA__BROKER__BRIDGE_TOKEN", token);
    });
    desk.wait("/api/v1/quotes?symbols=EUR/USD", "a live price", |quotes| {
        quotes["items"][0]["feed"] == "live"
    });
    desk.wait_figure("siaga_journal_sync_seconds_count", |syncs| syncs > 0);
    assert_eq!(desk.figure("siaga_inbox_refused_total"), 0);
    let scenario = |name: &str| {
        let body = json!({ "scenario": name });
        let (status, _) = desk.call("POST", "/api/v1/demo/scenario", Some(body));
        assert_eq!(status, 204);
    };
    scenario("bad_ticks");
    let dropped = |reason: &str| format!("siaga_prices_dropped_total{{reason=\"{reason}\"}}");
    desk.wait_figure(&dropped("not_positive"), |count| count > 0);
    desk.wait_figure(&dropped("crossed"), |count| count > 0);

    scenario("flash_crash");
    desk.wait("/api/v1/alerts", "the alert about the receiver", |alerts| {
        let all = alerts["items"].as_array();
        all.is_some_and(|all| {
            let failing = |alert: &&Value| alert["rule"] == "sink_failing";
            let found = all.iter().find(failing);
            found.is_some_and(|alert| {
                alert["title"]
                    .as_str()
                    .is_some_and(|title| title.contains("webhook"))
            })
        })
    });
    let outcome = |sink: &str, outcome: &str| {
        format!("siaga_alert_deliveries_total{{sink=\"{sink}\",outcome=\"{outcome}\"}}")
    };
    assert!(desk.figure(&outcome("webhook", "failed")) >= 3);
    assert!(desk.figure(&outcome("log", "delivered")) >= 1);

    let fault = |name: &str| format!("siaga_bridge_faults_total{{name=\"{name}\"}}");
    assert_eq!(desk.figure(&fault("frame_too_large")), 0);
    let huge = "x".repeat(10 * 1024 * 1024);
    let told = say_on_the_bridge(&desk, &huge);
    assert!(told.contains("a frame has at most 65536 bytes"), "{told}");
    assert!(told.ends_with("frame_too_large"), "{told}");
    desk.wait_figure(&fault("frame_too_large"), |count| count == 1);
    // The next program is heard.
    assert_eq!(desk.figure(&fault("wrong_token")), 0);
    let token = "another token than the one above, 0123456789abc";
    let hello = json!({ "t": "hello", "v": 1, "link": 2, "token": token, "client": "a test" });
    say_on_the_bridge(&desk, &hello.to_string());
    desk.wait_figure(&fault("wrong_token"), |count| count == 1);
    desk.stop();
}

/// One text frame of a program on the bridge, and nothing more: what it is told until the desk has hung up.
fn say_on_the_bridge(desk: &Desk, text: &str) -> String {
    let mut stream = TcpStream::connect(&desk.address).expect("it listens");
    let head = format!(
        "GET /bridge/v1 HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        desk.address
    );
    stream.write_all(head.as_bytes()).expect("sent");
    // A text frame under a mask of zeros.
    let mut frame = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length) => {
            frame.push(0xFE);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xFF);
            frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    let mut writer = stream.try_clone().expect("a second handle");
    // The desk may hang up before all of it was sent, and what it leaves unread resets the connection.
    let sending = std::thread::spawn(move || writer.write_all(&frame));
    let mut said = Vec::new();
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let end = stream.read_to_end(&mut said);
    let fault = end.err().map(|error| error.kind());
    let too_late = [Some(ErrorKind::WouldBlock), Some(ErrorKind::TimedOut)];
    assert!(!too_late.contains(&fault), "it hangs up");
    let _ = sending.join().expect("no panic");
    String::from_utf8_lossy(&said).into_owned()
}
