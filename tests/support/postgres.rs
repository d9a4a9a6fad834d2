//! A PostgreSQL server of the tests' own: initdb in a temporary directory, loopback only, as an
//! unprivileged user, stopped when the last test that uses it ends.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

/// Oldest PostgreSQL whose SQL the program writes.
const MAJOR_MIN: u32 = 15;

/// Another process may take the port that was free a moment ago.
const PORT_TRIES: u32 = 5;

/// A running server. Keep it for the length of the test.
pub struct Server {
    bin: PathBuf,
    data: TempDir,
    process: Child,
    port: u16,
    databases: AtomicU32,
}

/// Whether what is committed is on the disk.
#[derive(Clone, Copy)]
enum Disk {
    /// Tests lose nothing by a machine that dies.
    Off,
    /// As in production.
    On,
}

impl Disk {
    fn setting(self) -> &'static str {
        match self {
            Disk::Off => "fsync=off",
            Disk::On => "fsync=on",
        }
    }
}

/// A server that syncs as in production, for figures; `None` where PostgreSQL is not installed.
///
/// # Panics
/// As [`server`].
#[allow(dead_code)] // tests need none
pub fn durable() -> Option<Server> {
    let Some(bin) = binaries() else {
        crate::shared::missing("PostgreSQL not found");
        return None;
    };
    Some(Server::start(bin, Disk::On))
}

/// The server shared by the tests that run now, or `None` where PostgreSQL is not installed.
///
/// # Panics
/// When it is not installed and `CI=true`, or when it does not start.
#[allow(dead_code)] // figures need none
pub fn server() -> Option<Arc<Server>> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let Some(bin) = binaries() else {
        crate::shared::missing("PostgreSQL not found");
        return None;
    };
    let mut shared = SHARED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    Some(shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start(bin, Disk::Off));
        *shared = Arc::downgrade(&server);
        server
    }))
}

impl Server {
    /// URL of a fresh, empty database that belongs to a user who is no superuser.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&self.url("admin", "postgres"))
            .await
            .expect("connect");
        let sql = format!("CREATE DATABASE {name} OWNER desk");
        admin
            .execute(AssertSqlSafe(sql))
            .await
            .expect("create database");
        self.url("desk", &name)
    }

    fn url(&self, user: &str, database: &str) -> String {
        format!(
            "postgres://{user}@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    fn start(bin: PathBuf, disk: Disk) -> Self {
        let data = tempfile::tempdir().expect("temporary directory");
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(data.path(), Some(uid), Some(gid)).expect("chown");
        }
        let mut initdb = command(&bin.join("initdb"), data.path());
        initdb.args([
            "-U",
            "admin",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let done = initdb.stdout(Stdio::null()).output().expect("initdb");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let (process, port) = (0..PORT_TRIES)
            .find_map(|_| Self::spawn(&bin, data.path(), disk))
            .expect("PostgreSQL does not start on any free port");
        let server = Self {
            bin,
            data,
            process,
            port,
            databases: AtomicU32::new(0),
        };
        server.make_owner();
        server
    }

    fn spawn(bin: &Path, data: &Path, disk: Disk) -> Option<(Child, u16)> {
        let port = TcpListener::bind("127.0.0.1:0")
            .ok()?
            .local_addr()
            .ok()?
            .port();
        let mut command = command(&bin.join("postgres"), data);
        command.args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        command.args([
            "-c",
            disk.setting(),
            "-c",
            "max_connections=64",
            "-c",
            "lc_messages=C",
        ]);
        let mut process = command.stderr(Stdio::piped()).spawn().expect("postgres");
        let mut log = BufReader::new(process.stderr.take().expect("piped")).lines();
        let ready = log
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("ready to accept connections"));
        if !ready {
            let _ = process.wait();
            return None;
        }
        // A full pipe would block the server.
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Some((process, port))
    }

    fn make_owner(&self) {
        let mut psql = command(&self.bin.join("psql"), self.data.path());
        psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "admin",
            "postgres",
            "-c",
        ]);
        psql.arg("CREATE ROLE desk LOGIN CREATEROLE NOSUPERUSER");
        let done = psql.output().expect("psql");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = command(&self.bin.join("pg_ctl"), self.data.path());
        let stopped = stop
            .args(["stop", "-m", "immediate"])
            .stdout(Stdio::null())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// A program of the server on its data directory, without this user's rights when they are root's.
fn command(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    if program.ends_with("psql") {
        command.env("PGCONNECT_TIMEOUT", "10");
    } else {
        command.arg("-D").arg(data);
    }
    command
        .current_dir(data)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    if let Some((uid, gid)) = unprivileged() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Where `initdb` is: the newest of Debian's versions, or the folder that `pg_config` names.
fn binaries() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = debian
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(major, bin)| *major >= MAJOR_MIN && bin.join("initdb").exists())
        .max();
    newest.map(|(_, bin)| bin).or_else(|| {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        let bin = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        bin.join("initdb").exists().then_some(bin)
    })
}

/// User and group to run as when this process is root (initdb refuses root): `postgres`, else `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    let own = std::fs::read_to_string("/proc/self/status").ok()?;
    let uid = own.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    if uid.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|wanted| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(wanted))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
