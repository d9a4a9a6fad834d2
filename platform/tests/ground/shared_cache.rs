//! The second level of the cache, by a real server: shared between processes, sealed, and no loss when
//! it is away.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use siaga_platform::cache::{Cache, Figures, Key};
use siaga_platform::crypto::Keyring;
use siaga_platform::identity::faults::{SESSION_ENDED, TOO_OFTEN};
use siaga_platform::identity::limit::Limits;
use siaga_platform::identity::{
    Client, Identity, Opened, Registration, Settings, SignedIn, TierChange, Visit,
};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Area, Principal, Role};
use siaga_platform::refusal::Refusal;
use siaga_platform::search::{self, Entry, Question};
use siaga_platform::unit::Platform;
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use super::desk::{House, MORNING, houses};
use crate::services;

#[tokio::test]
async fn what_one_process_loaded_another_has_and_nobody_reads_on_the_way() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    let keyring = Keyring::generate("k1");
    let open = || Cache::open(Some(&url), &keyring).expect("a URL");
    let (one, two) = (open(), open());
    // Each hears what the other changes.
    one.trust().await;
    two.trust().await;
    let key = Key::Profile(Uuid::from_u128(7));
    let loads = AtomicU32::new(0);
    let load = || async {
        loads.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Refusal>("Sari Wulandari".to_owned())
    };
    for cache in [&one, &two] {
        assert_eq!(
            cache.get(&key, load()).await.expect("there"),
            "Sari Wulandari"
        );
    }
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    let shared = Figures {
        first: 0,
        second: 1,
        missed: 0,
    };
    assert_eq!(two.figures(), shared);
    let client = redis::Client::open(url.as_str()).expect("a URL");
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .expect("the server");
    let name = format!("siaga:{}", key.text());
    let stored: Vec<u8> = redis::cmd("GET")
        .arg(&name)
        .query_async(&mut connection)
        .await
        .expect("a value");
    assert!(
        !String::from_utf8_lossy(&stored).contains("Sari"),
        "it is sealed"
    );
    let ttl: i64 = redis::cmd("TTL")
        .arg(&name)
        .query_async(&mut connection)
        .await
        .expect("a time");
    assert!((1_790..=1_800).contains(&ttl), "{ttl} s");
    let stranger = Cache::open(Some(&url), &Keyring::generate("k1")).expect("a URL");
    assert_eq!(
        stranger.get(&key, load()).await.expect("loaded"),
        "Sari Wulandari"
    );
    assert_eq!(
        loads.load(Ordering::Relaxed),
        2,
        "another keyring does not open it"
    );
    one.forget(&key).await;
    let gone: bool = redis::cmd("EXISTS")
        .arg(&name)
        .query_async::<bool>(&mut connection)
        .await
        .expect("an answer");
    assert!(!gone, "forgotten on both levels");
}

#[tokio::test]
async fn a_window_counts_for_all_processes_together() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    let keyring = Keyring::generate("k1");
    let (one, two) = (
        Cache::open(Some(&url), &keyring).expect("a URL"),
        Cache::open(Some(&url), &keyring).expect("a URL"),
    );
    let (minute, at) = (Duration::from_secs(60), |seconds: u64| {
        Ts(MORNING + seconds * SECOND_NS)
    });
    for (cache, second) in [(&one, 0), (&two, 10), (&one, 20)] {
        assert_eq!(cache.admit("login:7", 3, minute, at(second)).await, Ok(()));
    }
    assert_eq!(two.admit("login:7", 3, minute, at(30)).await, Err(30));
    assert_eq!(one.admit("login:8", 3, minute, at(30)).await, Ok(()));
    assert_eq!(
        two.admit("login:7", 3, minute, at(61)).await,
        Ok(()),
        "who was turned away did not count"
    );
}

/// Two programs behind one proxy: whoever guesses gets ten tries a minute of both together.
#[tokio::test]
async fn attempts_to_sign_in_count_for_all_programs_together() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    for house in houses().await {
        let program = || {
            let cache = Cache::open(Some(&url), house.platform.keyring()).expect("a URL");
            let settings = Settings {
                hash_memory_kib: Some(64),
                ..Settings::default()
            };
            Identity::new(house.platform.clone().with_cache(cache), settings).expect("set up")
        };
        let programs = [program(), program()];
        let guess = async |program: usize, ip: &str| {
            let ip = ip.parse().expect("an address");
            programs[program]
                .count_address_of_all(ip, true, false)
                .await
                .map_err(|refusal| refusal.fault())
        };
        for n in 0..10 {
            assert_eq!(
                guess(n % 2, "192.0.2.7").await,
                Ok(()),
                "{}: {n}",
                house.kind
            );
        }
        for program in [0, 1] {
            let refused = guess(program, "192.0.2.7").await;
            assert_eq!(refused, Err(Some(TOO_OFTEN)), "{}", house.kind);
        }
        assert_eq!(guess(0, "192.0.2.8").await, Ok(()), "{}", house.kind);
    }
}

/// Two programs behind one proxy: what a person asks of a route counts for both together.
#[tokio::test]
async fn requests_to_a_route_count_for_all_programs_together() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    for house in houses().await {
        let programs = [identity(&house, &url), identity(&house, &url)];
        let opened = registered(&house, &programs[0]).await;
        let ask = async |program: usize, route: &str| {
            let seen = programs[program].who_at(&opened.access, None, None, Some(route), false);
            seen.await.err().and_then(|refusal| refusal.fault())
        };
        for n in 0..225 {
            let refused = ask(n % 2, "GET /api/v1/orders").await;
            assert_eq!(refused, None, "{}: {n}", house.kind);
        }
        for program in [0, 1] {
            let refused = ask(program, "GET /api/v1/orders").await;
            assert_eq!(refused, Some(TOO_OFTEN), "{}", house.kind);
            let other = ask(program, "GET /api/v1/profile").await;
            assert_eq!(other, None, "{}: another route", house.kind);
        }
    }
}

/// One of several programs of a house, all over one second level.
fn program(house: &House, url: &str) -> Platform {
    let cache = Cache::open(Some(url), house.platform.keyring()).expect("a URL");
    house.platform.clone().with_cache(cache)
}

fn identity(house: &House, url: &str) -> Identity {
    let settings = Settings {
        hash_memory_kib: Some(64),
        ..Settings::default()
    };
    Identity::new(program(house, url), settings).expect("set up")
}

/// A client who registers with one program and is signed in.
async fn registered(house: &House, identity: &Identity) -> Opened {
    let registration = Registration {
        email: "sari@contoh.id".into(),
        password: "Kuda-Biru-Lari-77".into(),
        name: "Sari Wulandari".into(),
        phone: "0812 3456 7890".into(),
        locale: None,
    };
    let visit = Visit {
        ip: Some("192.0.2.7".parse().expect("an address")),
        request: None,
        client: Client::Api,
        unattended: false,
    };
    match identity.register(registration, &visit).await {
        Ok(SignedIn::Open(opened)) => *opened,
        Ok(SignedIn::Confirm(_)) => panic!("{}: who is new has no second factor", house.kind),
        Err(refusal) => panic!("{}: {refusal}", house.kind),
    }
}

async fn put(platform: &Platform, name: &str) {
    let name = name.to_owned();
    let system = Principal::system("test");
    let done = platform.command(&system, move |unit| {
        let entry = Entry {
            entity: "lead",
            id: new_id(unit.now()),
            area: Area::Crm,
            owner: None,
            team: None,
            subject: None,
            words: String::new(),
            personal: vec![name],
        };
        search::index(unit, &entry)
    });
    done.await.expect("put");
}

async fn found(platform: &Platform) -> usize {
    let question = Question {
        query: "Siti Nurhaliza".into(),
        area: Some(Area::Crm),
        role: None,
        limit: 20,
    };
    let hits = search::ask(platform, &Principal::owner(), &question).await;
    hits.expect("asked").len()
}

#[tokio::test]
async fn programs_share_what_they_found_until_one_of_them_changes_something() {
    for house in houses().await {
        let Some(server) = services::redis() else {
            return;
        };
        let url = format!("redis://127.0.0.1:{}/0", server.port);
        let (one, two, kind) = (program(&house, &url), program(&house, &url), house.kind);
        put(&one, "Siti Nurhaliza").await;
        assert_eq!(
            (found(&one).await, found(&two).await),
            (1, 1),
            "{kind}: found"
        );
        assert_eq!(
            (one.cache().figures().missed, two.cache().figures().second),
            (1, 1),
            "{kind}: one looked, the other had it from there"
        );
        put(&two, "Siti Nurhaliza").await;
        assert_eq!(
            (found(&one).await, found(&two).await),
            (2, 2),
            "{kind}: both know at once"
        );
        let hits = || one.cache().figures().first + two.cache().figures().second;
        let before = hits();
        // As an erasure whose word was lost.
        house
            .system(|tx| tx.execute(sqlx::query("DELETE FROM search_entries")))
            .await;
        assert_eq!(
            (found(&one).await, found(&two).await),
            (0, 0),
            "{kind}: what is gone is handed out by nobody"
        );
        assert!(hits() > before, "{kind}: though it is kept");
        drop(server);
        put(&one, "Siti Nurhaliza").await;
        assert_eq!(
            (found(&one).await, found(&two).await),
            (1, 1),
            "{kind}: without the server everybody looks"
        );
    }
}

#[tokio::test]
async fn a_session_that_one_program_ended_is_believed_by_no_other() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    for house in houses().await {
        let (one, two) = (identity(&house, &url), identity(&house, &url));
        let opened = registered(&house, &one).await;
        let who = async |program: &Identity| {
            let seen = program.who(&opened.access, None, None).await;
            seen.map_err(|refusal| refusal.fault())
        };
        let by = who(&one).await.expect("signed in").principal;
        assert!(who(&two).await.is_ok(), "{}: read a moment ago", house.kind);
        one.end_session(&by, opened.session).await.expect("ended");
        for program in [&one, &two] {
            assert_eq!(
                who(program).await.err(),
                Some(Some(SESSION_ENDED)),
                "{}: nobody told it but the second level",
                house.kind
            );
        }
    }
}

#[tokio::test]
async fn ones_own_profile_is_kept_until_it_changes_in_any_program() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    for house in houses().await {
        let (one, two) = (identity(&house, &url), identity(&house, &url));
        let opened = registered(&house, &one).await;
        let sari = opened.person.id;
        let seen = one
            .who(&opened.access, None, None)
            .await
            .expect("signed in");
        let by = seen.principal;
        let profile = async |program: &Identity| {
            let person = program.person(&by, sari).await.expect("there");
            assert_eq!(person.name.as_deref(), Some("Sari Wulandari"));
            person.tier
        };
        for program in [&one, &two, &one, &two] {
            assert_eq!(profile(program).await, "standard", "{}", house.kind);
        }
        let figures = |program: &Identity| program.platform().cache().figures();
        assert_eq!(
            (figures(&one).missed, figures(&two).missed),
            (1, 0),
            "{}: read once",
            house.kind
        );
        assert_eq!(figures(&one).first, 1, "{}: a hit is counted", house.kind);
        let change = TierChange {
            tier: "plus".into(),
            revision: opened.person.revision,
        };
        let given = one.set_tier(&Principal::owner(), None, sari, change).await;
        assert_eq!(given.expect("given").tier, "plus", "{}", house.kind);
        assert_eq!(profile(&one).await, "plus", "{}: at once", house.kind);
        // What the event makes the other program hear.
        let heard = Key::Profile(sari).text();
        two.platform().cache().hear_forget(&heard).await;
        assert_eq!(profile(&two).await, "plus", "{}: and there", house.kind);
        let misses = figures(&one).missed + figures(&two).missed;
        let others = one.person(&Principal::owner(), sari).await;
        assert_eq!(others.expect("seen").tier, "plus", "{}", house.kind);
        assert_eq!(
            figures(&one).missed + figures(&two).missed,
            misses,
            "{}: what others see of a person is not kept",
            house.kind
        );
    }
}

/// As the gateway counts: for this program, then for all.
async fn both(program: &Identity, ip: IpAddr) -> Result<(), Refusal> {
    program.count_address(ip, false, false)?;
    program.count_address_of_all(ip, false, false).await
}

/// An address has its hundred a minute of all programs together, and each program its own hundred while the cache is away.
#[tokio::test]
async fn requests_of_an_address_count_for_all_programs_together() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    let mut claimed = Vec::new();
    for house in houses().await {
        let owner = house
            .person(HOUSE, Role::SuperAdmin, None, "Sari")
            .await
            .user();
        let program = || {
            let cache = Cache::open(Some(&url), house.platform.keyring()).expect("a URL");
            let settings = Settings {
                hash_memory_kib: Some(64),
                limits: Limits {
                    address: 6,
                    ..Limits::STANDARD
                },
                ..Settings::default()
            };
            Identity::new(house.platform.clone().with_cache(cache), settings).expect("set up")
        };
        let programs = [program(), program()];
        let ask = async |program: &Identity, ip: &str| {
            let asked = both(program, ip.parse().expect("an address")).await;
            asked.map_err(|refusal| refusal.fault())
        };
        for n in 0..20 {
            assert_eq!(
                ask(&programs[n % 2], "192.0.2.7").await,
                Ok(()),
                "{}: a desk that its secret still opens is not slowed",
                house.kind
            );
        }
        house
            .system(move |tx| {
                let query = sqlx::query(
                    "INSERT INTO credentials (user_id, password_hash, changed_at) VALUES ($1, 'none', now())",
                );
                tx.execute(query.bind(owner))
            })
            .await;
        // Known by the answer to the first question of each program.
        let programs = [program(), program()];
        for program in &programs {
            assert!(program.is_claimed().await, "{}", house.kind);
        }
        for n in 0..6 {
            let asked = ask(&programs[n % 2], "192.0.2.8").await;
            assert_eq!(asked, Ok(()), "{}: {n}", house.kind);
        }
        for program in &programs {
            let refused = ask(program, "192.0.2.8").await;
            assert_eq!(refused, Err(Some(TOO_OFTEN)), "{}", house.kind);
        }
        assert_eq!(
            ask(&programs[0], "192.0.2.9").await,
            Ok(()),
            "{}",
            house.kind
        );
        claimed.push((house, programs));
    }
    drop(server);
    for (house, programs) in &claimed {
        let ip = "192.0.2.10".parse().expect("an address");
        for program in programs {
            for n in 0..7 {
                let counted = both(program, ip).await;
                assert_eq!(counted.is_ok(), n < 6, "{}: {n}", house.kind);
            }
        }
    }
}

#[tokio::test]
async fn without_its_server_the_cache_goes_on_alone() {
    let Some(server) = services::redis() else {
        return;
    };
    let url = format!("redis://127.0.0.1:{}/0", server.port);
    drop(server);
    let cache = Cache::open(Some(&url), &Keyring::generate("k1")).expect("a URL");
    let key = Key::Profile(Uuid::from_u128(7));
    for _ in 0..2 {
        assert_eq!(cache.get(&key, async { Ok(7u8) }).await.expect("loaded"), 7);
    }
    assert_eq!(cache.figures().first, 1);
    for n in 0..3u32 {
        let answer = cache
            .admit("login:7", 2, Duration::from_secs(60), Ts(MORNING))
            .await;
        assert_eq!(answer.is_ok(), n < 2, "the process counts by itself");
    }
    assert!(Cache::open(Some("nonsense"), &Keyring::generate("k1")).is_err());
}
