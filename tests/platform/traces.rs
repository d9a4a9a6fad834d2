//! A thousand identifiers of sixty persons go through every engine; behind their erasure none of them is in any column, document,
//! log or later dump, and the audit chain still holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::json;
use siaga::store::dump;
use siaga_platform::aml::cash::{self, NewCash};
use siaga_platform::audit::{self, Action, Change};
use siaga_platform::crm::capture::{self, Capture};
use siaga_platform::crm::moves::{self, Edit};
use siaga_platform::crm::work::NoteKind;
use siaga_platform::crm::{FactKind, deals, tasks, work};
use siaga_platform::db::Tx;
use siaga_platform::erasure::{self, Kind};
use siaga_platform::ids::HOUSE;
use siaga_platform::kyc;
use siaga_platform::kyc::document::Fields;
use siaga_platform::outbox::{Handlers, Publisher};
use siaga_platform::people::{Area, Principal, Role};
use siaga_platform::search::{self, Entry};
use siaga_platform::unit::Once;
use siaga_platform::{handlers, retention};
use siaga_risk::units::SECOND_NS;
use tempfile::TempDir;
use uuid::Uuid;

use crate::classes::{Class, classes};
use crate::ground::desk::House;
use crate::kyc::office::{Office, offices};

const PERSONS: u32 = 60;
/// Of so many the documents are read too: each is a picture that is decoded.
const WITH_DOCUMENTS: u32 = 3;
/// What is planted of each person, beside their documents.
const KINDS: [&str; 17] = [
    "name", "lead", "mail", "city", "term", "also", "note", "title", "todo", "deal", "fact",
    "shut", "pay", "memo", "key", "seen", "bind",
];
const _: () = assert!(PERSONS as usize * KINDS.len() >= 1_000);
/// Why they are held, and what their cards say.
const MORE: [&str; 3] = ["hold", "card", "home"];

fn word(kind: &str, n: u32) -> String {
    format!("Qwx{kind}{n:04}")
}

/// The words in some bytes.
fn words(bytes: &[u8]) -> Vec<String> {
    let lower = bytes.to_ascii_lowercase();
    let starts = lower
        .windows(3)
        .enumerate()
        .filter(|(_, three)| *three == b"qwx");
    let word = |at: usize| -> String {
        lower[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .map(|byte| char::from(*byte))
            .collect()
    };
    let is_planted = |word: &String| {
        let mut named = KINDS
            .iter()
            .chain(&MORE)
            .filter_map(|kind| word.get(3..)?.strip_prefix(kind));
        named.any(|number| number.len() >= 4 && number.chars().take(4).all(|c| c.is_ascii_digit()))
    };
    starts.map(|(at, _)| word(at)).filter(is_planted).collect()
}

/// The log of this program, from the first call on.
fn log() -> &'static Path {
    static LOG: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LOG.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("siaga.log");
        let file = fs::File::create(&path).expect("a log");
        let writer = move || file.try_clone().expect("a handle");
        let lines = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(writer);
        lines
            .try_init()
            .expect("no other test of this program logs");
        (folder, path)
    });
    path
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(documents(&path)),
            false => files.push(path),
        }
    }
    files
}

/// Columns in which anything that was planted stands in the clear.
async fn columns(house: &House) -> Vec<String> {
    house
        .system(|tx| {
            let columns: Vec<(String, String, String)> = tx.all(sqlx::query_as(
                "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)
                 FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND a.attnum > 0 AND NOT a.attisdropped
                   AND format_type(a.atttypid, NULL) IN ('text', 'jsonb', 'json', 'character varying', 'text[]', 'bytea', 'tsvector')",
            ))?;
            assert!(columns.len() > 100, "{} columns were listed", columns.len());
            let kinds: Vec<&str> = KINDS.iter().chain(&MORE).copied().collect();
            let any = format!("qwx({})[0-9]{{4}}", kinds.join("|"));
            let mut found = Vec::new();
            for (table, column, kind) in columns {
                if table == "schema_versions" {
                    continue;
                }
                let text = match kind.as_str() {
                    "bytea" => format!("encode(\"{column}\", 'escape')"),
                    _ => format!("\"{column}\"::text"),
                };
                let rows: i64 = tx.scalar(Tx::composed_scalar(format!("SELECT count(*) FROM {table} WHERE {text} ~* $1")).bind(&any))?;
                if rows > 0 {
                    found.push(format!("{table}.{column}"));
                }
            }
            found.sort();
            Ok(found)
        })
        .await
}

/// A client who left something in every engine.
async fn person(office: &Office, n: u32) -> Uuid {
    let (house, owner) = (&office.house, Principal::owner());
    let platform = &house.platform;
    let name: &'static str = Box::leak(word("name", n).into_boxed_str());
    let client = house.person(HOUSE, Role::EndUser, None, name).await;
    let me = client.user().expect("a person");
    let phone = format!("+62812{:07}", 4_000_000 + n);
    let told = Capture {
        source: "web".into(),
        name: Some(word("lead", n)),
        phone: Some(phone.clone()),
        email: Some(format!("{}@contoh.id", name.to_lowercase())),
        city: Some(word("city", n)),
        utm: json!({"term": word("term", n)}),
        ..Capture::default()
    };
    let lead = capture::capture(platform, &owner, told)
        .await
        .expect("a lead")
        .lead;
    let newer = Capture {
        source: "web".into(),
        phone: Some(phone),
        email: Some(format!("{}@contoh.id", word("mail", n))),
        ..Capture::default()
    };
    assert_eq!(
        capture::capture(platform, &owner, newer)
            .await
            .expect("merged")
            .lead,
        lead
    );
    let edit = Edit {
        name: Some(word("also", n)),
        ..Edit::default()
    };
    moves::edit(platform, &owner, None, lead, edit)
        .await
        .expect("edited");
    work::note(
        platform,
        &owner,
        None,
        lead,
        NoteKind::Note,
        word("note", n),
    )
    .await
    .expect("a note");
    let task = tasks::NewTask {
        lead,
        title: word("title", n),
        description: Some(word("todo", n)),
        priority: "high".into(),
        due: platform.now().plus(3_600 * SECOND_NS),
        assignee: None,
    };
    tasks::add(platform, &owner, None, task)
        .await
        .expect("a task");
    deals::add_deal(platform, &owner, None, lead, word("deal", n), 500_000)
        .await
        .expect("a deal");
    work::add_fact(
        platform,
        &owner,
        None,
        lead,
        FactKind::BudgetConfirmed,
        "call".into(),
        word("fact", n),
    )
    .await
    .expect("a fact");
    moves::close(platform, &owner, None, lead, word("shut", n), None)
        .await
        .expect("closed");
    money(house, &client, n).await;
    let system = Principal::system("test");
    let done = platform.command(&system, move |unit| {
        unit.audit(Change::new(Action::Update, "user", me).about(me).personal(
            "name",
            None,
            Some(&word("seen", n)),
        ));
        search::index(
            unit,
            &Entry {
                entity: "user",
                id: me,
                area: Area::People,
                owner: Some(me),
                team: None,
                subject: Some(me),
                words: String::new(),
                personal: vec![word("bind", n)],
            },
        )
    });
    done.await.expect("indexed");
    let hold = retention::place(
        platform,
        &office.anna,
        "operations".into(),
        Some(me),
        word("hold", n),
    )
    .await
    .expect("held");
    retention::lift(platform, &office.anna, hold)
        .await
        .expect("lifted");
    if n < WITH_DOCUMENTS {
        let handed = office.in_review(&client, 10 * n + 1).await;
        let fields = Fields {
            nama: Some(word("card", n)),
            alamat: Some(word("home", n)),
            nik: Some(format!("317101570885{:04}", n + 1)),
            ttl: Some("1985-08-17".into()),
            berlaku_sampai: Some("SEUMUR HIDUP".into()),
            ..Fields::default()
        };
        kyc::type_fields(
            &office.kyc,
            &office.anna,
            None,
            handed.documents[0].id,
            fields,
            None,
        )
        .await
        .expect("typed");
    }
    me
}

async fn money(house: &House, client: &Principal, n: u32) {
    let (user, org, account) = (client.user(), client.org, i64::from(100 + n));
    house
        .system(move |tx| {
            tx.execute(
                sqlx::query("INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id) VALUES ($1, 'core', $1::text, $2, $3)")
                    .bind(account)
                    .bind(user)
                    .bind(org),
            )
        })
        .await;
    let asked = NewCash {
        account: 100 + n,
        kind: "deposit".into(),
        currency: "USD".into(),
        amount: 5_000,
        usd_cents: 5_000,
        method: "bank".into(),
        payer: Some(word("pay", n)),
        note: word("memo", n),
    };
    let once = Once {
        key: word("key", n),
        route: "POST /test",
        request: [0; 32],
    };
    let made = cash::request(&house.platform, client, Some(once), asked)
        .await
        .expect("asked");
    assert_eq!(made.note, word("memo", n), "whoever may read it does");
}

#[tokio::test]
async fn of_a_thousand_identifiers_nothing_is_left_anywhere() {
    let log = log();
    tracing::info!("sixty persons come");
    let classes = classes();
    for office in offices().await {
        let (house, kind) = (&office.house, office.house.kind);
        let mut persons = Vec::new();
        for n in 0..PERSONS {
            persons.push(person(&office, n).await);
        }
        // What may be said in the clear while the person is there: text of links, proofs, keys of requests.
        let open = [
            "idempotency_keys.key",
            "lead_captures.utm",
            "lead_facts.proof",
            "leads.utm",
        ];
        assert_eq!(
            columns(house).await,
            open,
            "{kind}: everything else is sealed"
        );
        for column in open {
            let class = classes[column];
            assert!(
                class == Class::Confidential,
                "{column} stands in the clear and is {class:?}"
            );
        }
        let vault = office.folder.path();
        assert!(
            documents(vault).len() >= 2 * WITH_DOCUMENTS as usize,
            "{kind}: there are documents"
        );
        let effects = Handlers {
            subscribers: Vec::new(),
            effects: kyc::effects(&office.kyc),
        };
        let publisher = Publisher::new(&house.platform, effects);
        while publisher.step().await.expect(kind) > 0 {}
        for me in &persons {
            erasure::request(&house.platform, &Principal::owner(), *me, Kind::Erasure)
                .await
                .expect(kind);
        }
        let stores = handlers::engines().stores;
        assert_eq!(
            erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            u64::from(PERSONS),
            "{kind}"
        );
        while publisher.step().await.expect(kind) > 0 {}

        assert_eq!(
            columns(house).await,
            [""; 0],
            "{kind}: no column holds any of it"
        );
        let indexes = "SELECT (SELECT count(*) FROM search_entries WHERE subject_id IS NOT NULL) + (SELECT count(*) FROM search_grams)
                           + (SELECT count(*) FROM leads WHERE phone_index IS NOT NULL OR email_index IS NOT NULL)";
        assert_eq!(
            house.count(&Principal::system("test"), indexes).await,
            0,
            "{kind}: nor can any be looked up"
        );
        assert!(
            documents(vault).is_empty(),
            "{kind}: documents of who was never verified are gone"
        );
        let path = office.folder.path().join("later.dump");
        let at: Timestamp = "2026-11-20T08:00:00Z".parse().expect("a time");
        dump::write(house.db(), &path, at)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let dumped = fs::read(&path).expect("a dump");
        assert!(
            dumped.windows(10).any(|ten| ten == b"lead_deals"),
            "{kind}: it is read as it stands"
        );
        assert_eq!(
            words(&dumped),
            [""; 0],
            "{kind}: no later dump holds any of it"
        );
        fs::remove_file(&path).expect("removed");
        let report = audit::verify(house.db(), &[]).await.expect(kind);
        assert!(
            report.rows > u64::from(PERSONS) && report.faults.is_empty(),
            "{kind}: {:?}",
            report.faults
        );
    }
    let logged = fs::read(log).expect("the log");
    assert!(!logged.is_empty(), "the program logged");
    assert_eq!(
        words(&logged),
        [""; 0],
        "no line of the log holds any of it"
    );
    assert_eq!(
        words(b"x Qwxname0001@contoh.id qwx"),
        ["qwxname0001"],
        "what is looked for would be found"
    );
}
