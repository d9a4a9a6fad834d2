//! Whoever has a list open is told when something of its part was committed, and not when somebody looked.

use std::pin::pin;
use std::time::Duration;

use serde_json::{Value, json};
use siaga_platform::audit::{Action, Change};
use siaga_platform::cache::{Cache, Key};
use siaga_platform::ids::HOUSE;
use siaga_platform::news::Part;
use siaga_platform::outbox::Event;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{CONFLICT, Refusal};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::desk::houses;

#[tokio::test]
async fn a_committed_change_is_told_to_its_part_alone() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let counts = || Part::ALL.map(|part| platform.news(part));
        let write = async |action: Action, entity: &'static str, refused: bool| {
            let done: Result<(), Refusal> = platform
                .background()
                .command(&citra, move |unit| {
                    unit.audit(Change::new(action, entity, 1).field("seen", Value::Null, true));
                    match refused {
                        true => Err(CONFLICT.because("changed my mind")),
                        false => Ok(()),
                    }
                })
                .await;
            assert_eq!(done.is_err(), refused, "{kind}");
        };
        let [sales, kyc, aml, cash] = counts();
        write(Action::Update, "aml_hit", false).await;
        assert_eq!(counts(), [sales, kyc, aml + 1, cash], "{kind}");
        write(Action::Create, "cash_request", false).await;
        assert_eq!(counts(), [sales, kyc, aml + 1, cash + 1], "{kind}");
        write(Action::Access, "kyc_document", false).await;
        write(Action::Update, "kyc_case", true).await;
        assert_eq!(counts(), [sales, kyc, aml + 1, cash + 1], "{kind}");
    }
}

/// The browser closes its connection, and what served it is dropped where it waits: for a cache that does not answer.
#[tokio::test]
async fn who_leaves_before_the_cache_has_answered_loses_no_news_of_what_was_committed() {
    for house in houses().await {
        let kind = house.kind;
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!(
            "redis://{}/0",
            silent.local_addr().expect("an address of its own")
        );
        let cache = Cache::open(Some(&url), house.platform.keyring()).expect("a URL");
        let platform = house.platform.clone().with_cache(cache);
        let system = Principal::system("test");
        let mut people = Vec::new();
        for name in ["Sari", "Budi"] {
            people.push(house.client(name).await.user().expect("a person"));
        }
        let profile = async |person, loaded: u8| {
            let key = Key::Profile(person);
            let kept = platform.cache().get(&key, async move { Ok(loaded) });
            kept.await.expect("there")
        };
        for person in &people {
            assert_eq!(profile(*person, 1).await, 1, "{kind}");
        }
        let aml = platform.news(Part::Aml);
        let mut nudges = platform.nudges();
        let changed = people.clone();
        {
            let mut writing = pin!(platform.command(&system, move |unit| {
                unit.audit(Change::new(Action::Update, "aml_hit", 1).field(
                    "seen",
                    Value::Null,
                    true,
                ));
                for person in changed {
                    let told = json!({"user_id": person});
                    unit.emit(
                        Event::new("user.status_changed", "user", person, told).about(person),
                    );
                }
                Ok(())
            }));
            tokio::select! {
                biased;
                nudged = nudges.changed() => nudged.expect("the platform is there"),
                done = &mut writing => panic!("{kind}: told behind the cache: {done:?}"),
            }
        }
        assert_eq!(platform.news(Part::Aml), aml + 1, "{kind}");
        for person in people {
            let forgotten = async {
                while profile(person, 2).await == 1 {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            let forgotten = timeout(Duration::from_secs(10), forgotten).await;
            assert_eq!(forgotten, Ok(()), "{kind}: each is forgotten");
        }
    }
}
