//! The secret is shown to a person at a terminal and to nobody's log.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::desk::{Desk, command};

#[test]
fn what_goes_to_a_log_holds_no_secret() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(dir.path());
    let said = desk.first.to_string();
    let secret = desk.secret.clone();
    assert!(secret.len() > 20);
    assert!(!said.contains(&secret), "{said}");
    assert!(said.contains("secret_file"), "{said}");
    desk.stop();

    let mut child = command(dir.path())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let ready = lines
        .map(|line| line.expect("text"))
        .find(|line| line.contains("Siaga is ready"))
        .expect("it says that it is ready");
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    assert!(!ready.contains(&secret), "{ready}");
    let file = dir.path().join("secret");
    assert!(ready.contains(&file.display().to_string()), "{ready}");
}
