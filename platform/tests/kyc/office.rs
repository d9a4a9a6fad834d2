//! A compliance office with clients, a folder of documents, and a core that writes down what it is sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use siaga_platform::core_door::{CoreDoor, CoreRefusal};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::kyc::document::{Fields, Kind};
use siaga_platform::kyc::state::{Reason, State};
use siaga_platform::kyc::{self, Decided, Decision, File, HandedIn, Kyc, On, Vault, Verb};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{Fault, Refusal};
use siaga_platform::unit::Platform;
use siaga_platform::values::bound;
use siaga_risk::event::Body;
use siaga_risk::ids::ActorId;
use tempfile::TempDir;
use uuid::Uuid;

use super::photo::photo;
use crate::ground::desk::{House, houses};

/// Writes down inputs and takes them all.
#[derive(Default)]
pub struct Notebook(Mutex<Vec<Body>>);

impl CoreDoor for Notebook {
    fn send(
        &self,
        _actor: ActorId,
        body: Body,
    ) -> Pin<Box<dyn Future<Output = Result<u64, CoreRefusal>> + Send + '_>> {
        let mut sent = self.0.lock().expect("nobody panicked");
        sent.push(body);
        let seq = sent.len() as u64;
        Box::pin(async move { Ok(seq) })
    }
}

impl Notebook {
    pub fn sent(&self) -> Vec<Body> {
        self.0.lock().expect("nobody panicked").clone()
    }
}

pub struct Office {
    pub house: House,
    pub kyc: Kyc,
    pub core: Arc<Notebook>,
    pub folder: TempDir,
    pub anna: Principal,
    pub bayu: Principal,
}

/// One for every kind of database.
pub async fn offices() -> Vec<Office> {
    let mut offices = Vec::new();
    for house in houses().await {
        let folder = tempfile::tempdir().expect("a folder");
        let core = Arc::new(Notebook::default());
        let clock = house.platform.clone();
        let door: Arc<dyn CoreDoor> = core.clone();
        let platform = Platform::new(
            house.db().clone(),
            house.platform.keyring().clone(),
            Arc::new(move || clock.now()),
            door,
        );
        let kyc = Kyc::new(
            platform,
            Vault::folder(&folder.path().join("documents")).expect("a vault"),
        );
        let anna = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Anna")
            .await;
        let bayu = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Bayu")
            .await;
        offices.push(Office {
            house,
            kyc,
            core,
            folder,
            anna,
            bayu,
        });
    }
    offices
}

impl Office {
    pub async fn hand_in(
        &self,
        by: &Principal,
        files: &[(Kind, u32)],
    ) -> Result<HandedIn, Refusal> {
        let files = files.iter().map(|(kind, number)| File {
            kind: Some(*kind),
            bytes: photo(*number),
        });
        kyc::hand_in(&self.kyc, by, None, None, files.collect()).await
    }

    /// Hands in a card and a selfie, and has them looked at: there is no reader, so persons have to.
    pub async fn in_review(&self, by: &Principal, number: u32) -> HandedIn {
        let handed = self
            .hand_in(by, &[(Kind::Ktp, number), (Kind::Selfie, number + 1)])
            .await;
        let handed = handed.unwrap_or_else(|error| panic!("{}: {error}", self.house.kind));
        assert_eq!(handed.state, State::ProcessingOcr);
        kyc::scan(&self.kyc, handed.case)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", self.house.kind));
        self.screened(by.user().expect("a person")).await;
        handed
    }

    /// The client was looked up on the lists, and is nobody of them.
    pub async fn screened(&self, user: Uuid) {
        let at = self.house.platform.now();
        let query = sqlx::query(
            "INSERT INTO aml_screenings (id, org_id, user_id, cause, facts_digest, versions, hits, created_at)
             SELECT $1, org_id, id, 'onboarding', '\\x00', '{}', 0, $3 FROM users WHERE id = $2",
        );
        let query = query.bind(new_id(at)).bind(user).bind(bound(at));
        assert_eq!(
            self.house.system(move |tx| tx.execute(query)).await,
            1,
            "{}",
            self.house.kind
        );
    }

    pub async fn decide(&self, by: &Principal, case: Uuid, verb: Verb) -> Result<Decided, Refusal> {
        let decision = Decision {
            on: On::Case(case),
            verb,
            notes: "looked at it".into(),
            reason: Reason::ImageUnreadable,
            revision: None,
        };
        kyc::decide(&self.kyc, by, None, decision).await
    }

    /// Types what the card of `name` says, so that nothing is risky any more, and looks the client up again.
    pub async fn type_card(&self, by: &Principal, card: Uuid, name: &str, serial: u32) {
        self.put_card(by, card, name, serial).await;
        let owner = self
            .text(
                "SELECT user_id::text FROM kyc_documents WHERE id = $1",
                card,
            )
            .await;
        self.screened(Uuid::try_parse(&owner).expect("a key")).await;
    }

    /// Types what the card of `name` says.
    pub async fn put_card(&self, by: &Principal, card: Uuid, name: &str, serial: u32) {
        let fields = Fields {
            nama: Some(name.into()),
            nik: Some(format!("317101570885{serial:04}")),
            ttl: Some("1985-08-17".into()),
            berlaku_sampai: Some("SEUMUR HIDUP".into()),
            ..Fields::default()
        };
        kyc::type_fields(&self.kyc, by, None, card, fields, None)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", self.house.kind));
    }

    /// A text of the database, as the system sees it.
    pub async fn text(&self, sql: &'static str, key: Uuid) -> String {
        self.house
            .system(move |tx| tx.scalar(sqlx::query_scalar::<_, String>(sql).bind(key)))
            .await
    }
}

/// The fault of a refusal that was expected.
pub fn fault<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> Fault {
    let refusal = outcome.expect_err("refused");
    refusal
        .fault()
        .unwrap_or_else(|| panic!("the database: {refusal}"))
}
