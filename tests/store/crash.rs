//! The embedded database in a process that is killed while it writes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use siaga::store::db::{Actor, Db, Tx};
use siaga::store::{embedded, migrate};

/// Where the child works, told by the parent.
const FOLDER: &str = "SIAGA_TEST_CRASH_FOLDER";

/// Kills in a row on the same directory.
const ROUNDS: i64 = 3;

/// Rows acknowledged before each kill.
const ROWS: i64 = 150;

#[tokio::test]
async fn no_acknowledged_row_is_lost_by_a_killed_process() {
    let folder = tempfile::tempdir().expect("folder");
    let mut acknowledged = 0;
    for round in 1..=ROUNDS {
        let mut child = start_child(folder.path());
        let out = BufReader::new(child.stdout.take().expect("stdout"));
        let rows = out.lines().map_while(Result::ok);
        let written = rows.filter_map(|line| line.strip_prefix("row ")?.parse::<i64>().ok());
        acknowledged = written
            .take_while(|row| *row <= round * ROWS)
            .last()
            .unwrap_or(acknowledged);
        child.kill().expect("kill");
        child.wait().expect("wait");
        assert_eq!(acknowledged, round * ROWS, "the child stopped early");

        let db = embedded::start(folder.path())
            .await
            .expect("the directory opens after a kill");
        let (count, highest) = db.own(rows_there).await.expect("rows");
        assert!(
            highest >= acknowledged,
            "round {round}: {highest} of {acknowledged} acknowledged rows"
        );
        assert_eq!(count, highest, "round {round}: a hole in the rows");
        db.close().await;
    }
}

fn rows_there(tx: &mut Tx<'_>) -> Result<(i64, i64), siaga::store::db::DbError> {
    tx.one(sqlx::query_as(
        "SELECT count(*), coalesce(max(hash), 0) FROM notes",
    ))
}

fn start_child(folder: &Path) -> Child {
    let program = std::env::current_exe().expect("the test program");
    Command::new(program)
        .args([
            "--ignored",
            "--exact",
            "crash::child_that_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("child")
}

#[tokio::test]
#[ignore = "started and killed by the test above"]
async fn child_that_writes_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).expect("a folder given by the parent");
    let db: Db = embedded::start(Path::new(&folder)).await.expect("embedded");
    migrate::run(&db).await.expect("migrate");
    let (_, mut row) = db.own(rows_there).await.expect("rows");
    loop {
        row += 1;
        let insert =
            "INSERT INTO notes (hash, text, author) VALUES ($1, repeat('x', 500), 'system')";
        db.write(&Actor::SYSTEM, move |tx| {
            tx.execute(sqlx::query(insert).bind(row))
        })
        .await
        .expect("insert");
        println!("row {row}");
        std::io::stdout().flush().expect("stdout");
    }
}
