//! What stays of a person who leaves, and of sessions that are over.

use std::sync::Arc;

use serde_json::json;
use siaga_platform::erasure::{self, Kind};
use siaga_platform::identity::TellEnds;
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::identity::{PreferencesChange, RiskAppetite, set_preferences};
use siaga_platform::outbox::{Event, Handlers, Publisher};
use siaga_platform::people::Principal;
use siaga_platform::{handlers, retention};

use crate::house::{House, PASSWORD, api, done};

async fn rows(house: &House, sql: &'static str) -> i64 {
    let counted = house
        .identity
        .platform()
        .read(&Principal::system("test"), move |tx| {
            Ok(tx.scalar(sqlx::query_scalar(sql))?)
        })
        .await;
    done(house, counted)
}

/// Who was erased cannot come back in, and nothing of how they signed in is left but a key that opens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_leaves_no_way_in() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let key = done(
            &house,
            house
                .identity
                .make_key(
                    &seen.principal,
                    "Buku harian".into(),
                    vec!["cash.read".into()],
                    None,
                )
                .await,
        );
        let user = seen.principal.user().expect("a person");
        let platform = house.identity.platform();
        let said = PreferencesChange {
            risk_appetite: Some(RiskAppetite::High),
            preferred_assets: vec!["crypto".into()],
            revision: 0,
        };
        done(
            &house,
            set_preferences(platform, &seen.principal, said).await,
        );
        let exported = done(
            &house,
            erasure::export(platform, &seen.principal, &handlers::engines().stores, user).await,
        );
        assert!(
            exported.to_string().contains("Buku harian"),
            "{}: {exported}",
            house.kind
        );
        assert_eq!(
            exported["data"]["preferences"]["preferred_assets"],
            json!(["crypto"]),
            "{}",
            house.kind
        );
        done(
            &house,
            erasure::request(platform, &seen.principal, user, Kind::Erasure).await,
        );
        assert_eq!(
            done(
                &house,
                erasure::erase_due(platform, &handlers::engines().stores).await
            ),
            1,
            "{}",
            house.kind
        );
        let mut ended = house.identity.ends();
        let telling = Handlers {
            effects: vec![Arc::new(TellEnds(Arc::clone(&house.identity)))],
            ..Handlers::default()
        };
        let publisher = Publisher::new(platform, telling);
        while done(&house, publisher.step().await) > 0 {}
        let told: Vec<_> = std::iter::from_fn(|| ended.try_recv().ok()).collect();
        assert!(
            told.contains(&opened.session) && told.contains(&key.row.id),
            "{}: {told:?}",
            house.kind
        );
        assert!(
            house
                .identity
                .who(&opened.access, None, None)
                .await
                .is_err(),
            "{}: at once",
            house.kind
        );
        assert!(
            house.identity.who(&key.text, None, None).await.is_err(),
            "{}",
            house.kind
        );
        assert!(
            house
                .identity
                .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                .await
                .is_err(),
            "{}",
            house.kind
        );
        assert_eq!(rows(&house, "SELECT (SELECT count(*) FROM credentials) + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM sent_codes) + (SELECT count(*) FROM user_preferences)").await, 0);
        assert_eq!(
            rows(
                &house,
                "SELECT count(*) FROM api_keys WHERE name <> '' OR revoked_at IS NULL"
            )
            .await,
            0,
            "{}",
            house.kind
        );
    }
}

/// An ended session is known for a quarter of a year, an open one as long as it is open.
#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_are_swept_and_open_ones_stay() {
    for house in House::all().await {
        let first = house.register("sari").await;
        let seen = done(&house, house.identity.who(&first.access, None, None).await);
        done(
            &house,
            house
                .identity
                .end_session(&seen.principal, first.session)
                .await,
        );
        let mut categories = handlers::engines().categories;
        // The audit log counts its years by the database's clock, which does not go on with the test's.
        categories.retain(|category| ["sessions", "sign_in_attempts"].contains(&category.name()));
        assert_eq!(categories.len(), 2);
        let sweep = || retention::run(house.identity.platform(), &categories);
        done(&house, sweep().await);
        assert_eq!(
            rows(&house, "SELECT count(*) FROM sessions").await,
            1,
            "{}: too early",
            house.kind
        );
        house.pass(91 * 86_400);
        assert!(
            house
                .identity
                .sign_in("sari@contoh.id", PASSWORD.into(), &api())
                .await
                .is_ok(),
            "{}",
            house.kind
        );
        done(&house, sweep().await);
        assert_eq!(
            rows(
                &house,
                "SELECT count(*) FROM sessions WHERE ended_at IS NULL"
            )
            .await,
            1,
            "{}",
            house.kind
        );
        assert_eq!(
            rows(&house, "SELECT count(*) FROM sessions").await,
            1,
            "{}",
            house.kind
        );
        assert_eq!(
            rows(&house, "SELECT count(*) FROM refresh_tokens").await,
            1,
            "{}: with their tokens",
            house.kind
        );
    }
}

/// Whoever was suspended by another engine comes back as everybody does: by signing in.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_keys_end_with_a_suspension_by_another_engine() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let scopes = vec![DESK_READ.name.into()];
        let key = house
            .identity
            .make_key(&seen.principal, "robot".into(), scopes, None)
            .await;
        let key = done(&house, key);
        let mut ended = house.identity.ends();
        let (platform, user) = (house.identity.platform(), opened.person.id);
        let system = Principal::system("test");
        let suspended = platform.command(&system, move |unit| {
            let update = sqlx::query("UPDATE users SET status = 'suspended' WHERE id = $1");
            unit.tx().execute(update.bind(user))?;
            let facts = json!({"user_id": user, "from": "pending", "to": "suspended"});
            unit.emit(Event::new("user.status_changed", "user", user, facts).about(user));
            Ok(())
        });
        done(&house, suspended.await);
        let mut telling = handlers::engines().handlers;
        let ends = TellEnds(Arc::clone(&house.identity));
        telling.effects.push(Arc::new(ends));
        let publisher = Publisher::new(platform, telling);
        while done(&house, publisher.step().await) > 0 {}
        let told: Vec<_> = std::iter::from_fn(|| ended.try_recv().ok()).collect();
        assert!(
            told.contains(&opened.session) && told.contains(&key.row.id),
            "{}: {told:?}",
            house.kind
        );
        assert!(
            house
                .identity
                .who(&opened.access, None, None)
                .await
                .is_err(),
            "{}: what was known of it is not believed to its end",
            house.kind
        );
        let open = "SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NULL) + (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL)";
        assert_eq!(rows(&house, open).await, 0, "{}", house.kind);
    }
}
