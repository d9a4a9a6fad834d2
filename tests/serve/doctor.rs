//! `siaga doctor` names what is not as it should be, and what to do.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::desk::{Desk, command};

/// Looks with a free port and more in the environment.
fn doctor(data: &Path, more: &[(&str, &str)]) -> (Option<i32>, Value) {
    let mut program = command(data);
    program
        .args(["--json", "doctor"])
        .env("SIAGA__SERVER__LISTEN", "127.0.0.1:0")
        .envs(more.iter().copied());
    run(&mut program)
}

fn run(program: &mut Command) -> (Option<i32>, Value) {
    let output = program.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("JSON: {text}"));
    (output.status.code(), value)
}

/// What it says of a part, and whether that is well.
pub fn finding(doctor: &Value, part: &str) -> (bool, String) {
    let all = doctor["findings"].as_array().expect("findings");
    let found = all.iter().find(|finding| finding["part"] == part);
    let found = found.unwrap_or_else(|| panic!("{part}: {doctor}"));
    let detail = found["detail"].as_str().expect("text").to_owned();
    (found["ok"] == true, detail)
}

/// The part is to be looked at, and the words stand there.
fn looks(doctor: &(Option<i32>, Value), part: &str, words: &[&str]) {
    assert_eq!(doctor.0, Some(5), "{}", doctor.1);
    let (ok, detail) = finding(&doctor.1, part);
    assert!(!ok, "{part}: {detail}");
    for word in words {
        assert!(detail.contains(word), "{part}: {detail}");
    }
}

#[test]
fn a_healthy_folder_is_well_and_a_running_desk_is_told_by_its_port() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, fresh) = doctor(dir.path(), &[]);
    assert_eq!(code, Some(0), "{fresh}");
    let desk = Desk::start(dir.path());
    let busy = doctor(dir.path(), &[("SIAGA__SERVER__LISTEN", &desk.address)]);
    looks(&busy, "port", &["server.listen"]);
    desk.stop();
    let (code, stopped) = doctor(dir.path(), &[]);
    assert_eq!(code, Some(0), "{stopped}");
    for part in [
        "data",
        "disk",
        "names",
        "limits",
        "journal",
        "output log",
        "snapshots",
        "rules",
        "terms",
        "clock",
        "store",
        "prices",
    ] {
        assert!(finding(&stopped, part).0, "{part}: {stopped}");
    }
    assert!(finding(&stopped, "disk").1.contains("MiB"), "{stopped}");
}

#[test]
fn what_is_damaged_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    Desk::start(dir.path()).stop();
    let core = dir.path().join("core");
    let damage = |prefix: &str, at: usize| {
        let files = std::fs::read_dir(&core).expect("the folder");
        let names = files.map(|file| file.expect("a file").file_name());
        let mut names: Vec<_> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort();
        // The oldest segment holds records; the newest snapshot is the one that counts.
        let name = match prefix {
            "snapshot-" => names.last(),
            _ => names.first(),
        };
        let path = core.join(name.unwrap_or_else(|| panic!("{prefix} is there")));
        let whole = std::fs::read(&path).expect("read");
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, bytes).expect("written");
        (path, whole)
    };
    for (prefix, at, part, words) in [
        ("journal-", 4_096, "journal", "journal-0000000001.seg"),
        ("output-", 4_096, "output log", "output-0000000001.seg"),
        ("snapshot-", 100, "snapshots", "siaga journal verify"),
    ] {
        let (path, whole) = damage(prefix, at);
        looks(&doctor(dir.path(), &[]), part, &[words]);
        std::fs::write(path, whole).expect("put back");
    }
    assert_eq!(doctor(dir.path(), &[]).0, Some(0), "all is whole again");
    std::fs::write(dir.path().join("names.json"), "{").expect("written");
    looks(&doctor(dir.path(), &[]), "names", &["names.json", "import"]);
}

#[test]
fn what_cannot_be_reached_or_used_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let gone = gone.expect("a free port");
    let url = format!("postgres://siaga:hidden@{gone}/siaga");
    let database = doctor(
        dir.path(),
        &[
            ("SIAGA__STORE__ENABLED", "true"),
            ("SIAGA__STORE__URL", &url),
        ],
    );
    looks(&database, "store", &["without history"]);
    assert!(!database.1.to_string().contains("hidden"), "{}", database.1);

    let cache = format!("redis://:hidden@{gone}");
    let bus = format!("nats://{gone}");
    let neighbours = doctor(
        dir.path(),
        &[
            ("SIAGA__PLATFORM__CACHE", &cache),
            ("SIAGA__PLATFORM__NATS", &bus),
        ],
    );
    looks(&neighbours, "cache", &["platform.cache"]);
    looks(&neighbours, "bus", &["platform.nats"]);
    let told = neighbours.1.to_string();
    assert!(!told.contains("hidden"), "{told}");

    let venue = format!("ws://{gone}");
    let kraken = [
        ("SIAGA__FEED__KRAKEN__ENABLED", "true"),
        ("SIAGA__FEED__KRAKEN__URL", venue.as_str()),
    ];
    looks(&doctor(dir.path(), &kraken), "kraken", &["feed.kraken.url"]);
    let here = TcpListener::bind(gone).expect("the port is still free");
    let (_, reached) = doctor(dir.path(), &kraken);
    assert!(finding(&reached, "kraken").0, "{reached}");
    drop(here);

    let none = doctor(dir.path(), &[("SIAGA__FEED__SIMULATOR", "false")]);
    looks(&none, "prices", &["feed.simulator"]);

    let file = dir.path().join("file");
    std::fs::write(&file, "x").expect("written");
    looks(&doctor(&file, &[]), "data", &["data.dir"]);

    let program = command(dir.path());
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 256 && exec \"$@\"", "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .args(["--json", "doctor"]);
    looks(&run(&mut few), "limits", &["LimitNOFILE"]);
}
