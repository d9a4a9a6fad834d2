//! The project's rules, as tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What `siaga-risk` may be built from, with what those pull in. Everything else would let a
/// runtime, a clock, a database or a random source near a decision.
const ALLOWED_IN_RISK: &[&str] = &[
    "siaga-risk",
    // The inbound ring and what it is made of.
    "disruptor",
    "core_affinity",
    "crossbeam-utils",
    "thiserror",
    "thiserror-impl",
    "libc",
    "num_cpus",
    "hermit-abi",
    "winapi",
    "winapi-i686-pc-windows-gnu",
    "winapi-x86_64-pc-windows-gnu",
    // The outbound ring.
    "rtrb",
    // Checksums of records.
    "crc32c",
    // Packed segments of the journal, behind a feature.
    "lz4_flex",
    "rustc_version",
    "semver",
    // Layouts of records.
    "zerocopy",
    "zerocopy-derive",
    // Logarithm, exponential and root, the same on every machine.
    "libm",
    // What derive macros are made of; nothing of it is in the program.
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];

/// Which of our crates each may know.
const ARROWS: &[(&str, &[&str])] = &[
    ("siaga-risk", &[]),
    ("siaga-feed", &["siaga-risk"]),
    ("siaga-broker", &["siaga-risk"]),
    ("siaga-alerts", &["siaga-risk"]),
    ("siaga-platform", &["siaga-risk", "siaga-alerts"]),
    ("siaga-vectors", &["siaga-risk"]),
    ("siaga-sim", &["siaga-risk", "siaga-broker"]),
    // Nobody may know the benches.
    (
        "siaga-bench",
        &["siaga-risk", "siaga-feed", "siaga-platform", "siaga"],
    ),
    (
        "siaga",
        &[
            "siaga-risk",
            "siaga-feed",
            "siaga-broker",
            "siaga-alerts",
            "siaga-platform",
            "siaga-vectors",
        ],
    ),
];

/// Licences of everything that is linked in; the same list as in deny.toml.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A file longer than this is two files.
const LINES_MAX: usize = 800;

#[test]
fn arrows_between_our_crates_point_at_risk() {
    let metadata = metadata();
    let names: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let mut seen = 0;
    for package in array(&metadata, "packages") {
        let name = text(package, "name");
        let Some((_, allowed)) = ARROWS.iter().find(|(found, _)| *found == name) else {
            continue;
        };
        seen += 1;
        for dependency in array(package, "dependencies") {
            let to = text(dependency, "name");
            if names.contains(to) {
                assert!(allowed.contains(&to), "{name} may not know {to}");
            }
        }
    }
    assert_eq!(seen, ARROWS.len(), "every crate is checked");
}

#[test]
fn risk_is_built_from_a_short_list() {
    let found = tree_of("siaga-risk");
    assert!(
        found.contains("rtrb") && found.contains("disruptor"),
        "the tree was read"
    );
    let strangers: Vec<_> = found
        .iter()
        .filter(|name| !ALLOWED_IN_RISK.contains(&name.as_str()))
        .collect();
    assert!(
        strangers.is_empty(),
        "not allowed under risk: {strangers:?}"
    );
}

#[test]
fn licences_are_on_the_list() {
    let metadata = metadata();
    for package in array(&metadata, "packages") {
        let name = text(package, "name");
        let Some(licence) = package["license"].as_str() else {
            assert!(
                package["license_file"].is_string(),
                "{name} declares no licence"
            );
            continue;
        };
        assert!(
            is_allowed(licence),
            "{name} is licensed {licence}: add it to deny.toml and here, or use another crate"
        );
    }
}

/// `A OR B` needs one side, `A AND B` both.
fn is_allowed(licence: &str) -> bool {
    let plain = licence.replace('/', " OR ").replace(['(', ')'], "");
    plain.split(" OR ").any(|choice| {
        choice
            .split(" AND ")
            .all(|part| LICENCES.contains(&part.trim()))
    })
}

#[test]
fn files_are_short() {
    for path in sources() {
        let lines = read(&path).lines().count();
        assert!(
            lines <= LINES_MAX,
            "{}: {lines} lines, split it",
            path.display()
        );
    }
}

#[test]
fn floats_stay_out_of_decisions() {
    for path in sources_under("risk/src") {
        if path.to_string_lossy().contains("/volatility") {
            continue;
        }
        for (number, line) in code_lines(&read(&path)) {
            let word = words(&line).find(|word| ["f32", "f64"].contains(word));
            assert!(
                word.is_none(),
                "{}:{number}: a float in risk",
                path.display()
            );
        }
    }
}

/// Machines differ in the last bit of these, and their results would differ with them; `libm` is one code everywhere.
#[test]
fn logarithms_and_roots_are_those_of_libm() {
    let methods = [
        "ln", "ln_1p", "log", "log2", "log10", "exp", "exp2", "exp_m1", "sqrt", "cbrt", "powf",
        "mul_add",
    ];
    for path in sources_under("risk/src") {
        for (number, line) in code_lines(&read(&path)) {
            for method in methods {
                let (called, named) = (format!(".{method}("), format!("f64::{method}("));
                assert!(
                    !line.contains(&called) && !line.contains(&named),
                    "{}:{number}: {method} outside libm",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn clocks_are_read_in_one_file() {
    let clocks = [
        "SystemTime::now",
        "Instant::now",
        "Utc::now",
        "Timestamp::now",
        "Zoned::now",
    ];
    for path in rust_sources() {
        let shown = path.display().to_string();
        if shown.ends_with("src/clock.rs") || shown.contains("benches/") || is_test_file(&path) {
            continue;
        }
        for (number, line) in code_lines(&read(&path)) {
            for clock in clocks {
                assert!(
                    !line.contains(clock),
                    "{shown}:{number}: {clock} outside src/clock.rs"
                );
            }
        }
    }
}

/// Tests wait on conditions with a deadline, for which they may look at a clock.
fn is_test_file(path: &Path) -> bool {
    let shown = path.to_string_lossy();
    shown.contains("/tests/") || shown.ends_with("tests.rs") || shown.contains("/support/")
}

#[test]
fn unsafe_code_has_its_places() {
    for path in rust_sources() {
        let shown = path.display().to_string();
        if shown.contains("risk/src/ring") || shown.ends_with("risk/src/journal/layout.rs") {
            continue;
        }
        for (number, line) in code_lines(&read(&path)) {
            for kind in [
                concat!("unsafe ", "{"),
                concat!("unsafe ", "fn"),
                concat!("unsafe ", "impl"),
            ] {
                assert!(!line.contains(kind), "{shown}:{number}: {kind}");
            }
        }
    }
}

#[test]
fn no_queue_is_unbounded() {
    let wide = [
        concat!("unbounded", "_channel"),
        concat!("channel::", "unbounded"),
        concat!("unbounded", "()"),
        concat!("mpsc::", "channel()"),
    ];
    for path in rust_sources() {
        for (number, line) in code_lines(&read(&path)) {
            for wide in wide {
                assert!(
                    !line.contains(wide),
                    "{}:{number}: {wide}: give it a limit",
                    path.display()
                );
            }
            // The standard library's has no limit, under whatever name it is imported.
            let named = line.replace("sync_channel", "");
            assert!(
                !(named.contains(concat!("std::sync", "::mpsc")) && named.contains("channel")),
                "{}:{number}: use sync_channel",
                path.display()
            );
        }
    }
}

/// Tokens under a shared secret are read for worked examples, and at no door.
#[test]
fn no_door_reads_tokens_of_a_shared_secret() {
    let module = concat!("jws", "_mac");
    let places: BTreeSet<String> = rust_sources()
        .into_iter()
        .filter(|path| {
            let lines = code_lines(&read(path));
            lines.iter().any(|(_, line)| line.contains(module))
        })
        .filter_map(|path| Some(path.strip_prefix(root()).ok()?.display().to_string()))
        .collect();
    let allowed = [
        "platform/src/identity/mod.rs",
        "src/cli/vectors/identity/tokens.rs",
    ];
    assert_eq!(places, BTreeSet::from(allowed.map(str::to_owned)));
}

#[test]
fn nothing_is_left_unfinished_and_no_path_is_of_this_machine() {
    let marks = [
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimple", "mented!("),
    ];
    let here = root();
    let above = here.parent().map(|dir| format!("{}/", dir.display()));
    for path in sources() {
        let text = read(&path);
        for mark in marks {
            assert!(!text.contains(mark), "{}: {mark}", path.display());
        }
        if let Some(above) = above.as_deref().filter(|dir| dir.len() > 5) {
            assert!(
                !text.contains(above),
                "{}: a path of this machine",
                path.display()
            );
        }
    }
}

#[test]
fn lock_files_name_no_address() {
    let path = root().join("web/package-lock.json");
    assert!(
        !read(&path).contains("\"resolved\": \"http"),
        "{} names a registry",
        path.display()
    );
}

#[test]
fn the_licence_list_is_that_of_deny_toml() {
    let text = read(&root().join("deny.toml"));
    for licence in LICENCES {
        assert!(
            text.contains(&format!("\"{licence}\"")),
            "deny.toml lacks {licence}"
        );
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every tracked source file.
fn sources() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args([
            "ls-files", "*.rs", "*.ts", "*.tsx", "*.mjs", "*.py", "*.sql", "*.sh",
        ])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(output.status.success(), "run the tests in a checkout");
    let list = String::from_utf8(output.stdout).expect("names are UTF-8");
    let files: Vec<_> = list
        .lines()
        .map(|name| root().join(name))
        .filter(|path| path.exists())
        .collect();
    assert!(files.len() > 20, "the checkout was read");
    files
}

/// Every tracked Rust file but this one, which names what it forbids.
fn rust_sources() -> Vec<PathBuf> {
    let mut files = sources();
    files.retain(|path| {
        path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests/tidy.rs")
    });
    files
}

fn sources_under(folder: &str) -> Vec<PathBuf> {
    let folder = root().join(folder);
    sources()
        .into_iter()
        .filter(|path| path.starts_with(&folder))
        .collect()
}

/// Lines with their numbers, without comments.
fn code_lines(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| {
            (
                at + 1,
                line.split("//").next().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Metadata of what is built here; crates of other systems are not even downloaded.
fn metadata() -> Value {
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("rustc speaks UTF-8");
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a host");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            host,
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo metadata: {fault}");
    serde_json::from_slice(&output.stdout).expect("metadata is JSON")
}

/// Names of everything a package is built from when it is built alone, without its tests' needs.
fn tree_of(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", package])
        .args(["--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo tree: {fault}");
    let list = String::from_utf8(output.stdout).expect("names are UTF-8");
    list.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn array<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} is a list"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is text"))
}
