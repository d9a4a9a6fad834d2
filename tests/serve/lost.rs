//! Recorded inputs that are gone: a desk tells of them, and nothing else passes for that.

use crate::desk::{Desk, command};

#[test]
fn a_loss_is_told_by_a_desk_before_terms_are_imported() {
    let dir = tempfile::tempdir().expect("a folder");
    Desk::start(dir.path()).stop();
    let pending = dir.path().join("core").join("lost.pending");
    std::fs::write(&pending, "61 81 6 1 - 80\n").expect("a loss that no desk has told");
    let import = || {
        let mut program = command(dir.path());
        let output = program.args(["import", "--apply"]).output();
        let output = output.expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = import();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("inputs 61 to 81"), "{said}");
    assert!(said.contains("siaga serve"), "{said}");
    assert!(pending.exists(), "it is still to be told");

    let desk = Desk::start(dir.path());
    let remarks = desk.first["recovered"]["remarks"].to_string();
    assert!(remarks.contains("inputs 61 to 81"), "{remarks}");
    desk.wait("/api/v1/alerts", "the alert of the loss", |alerts| {
        let all = alerts["items"].as_array();
        all.is_some_and(|all| all.iter().any(|alert| alert["rule"] == "inputs_lost"))
    });
    // It is settled when the alert is kept, which is behind its telling.
    desk.wait("/api/v1/alerts", "the loss to be settled", |_| {
        !pending.exists()
    });
    desk.stop();
    let (code, said) = import();
    assert_eq!(code, Some(0), "{said}");
}
