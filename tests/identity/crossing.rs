//! What a person reaches of the tables of sign-in by raw SQL: nothing but their own sessions and keys.

use siaga_platform::db::Actor;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_another_persons_way_in() {
    for house in House::all().await {
        let sari = house.register("sari").await;
        let budi = house.register("budi").await;
        let as_budi = Actor::of(budi.person.id);
        for count in [
            "SELECT count(*) FROM credentials",
            "SELECT count(*) FROM refresh_tokens",
            "SELECT count(*) FROM sign_in_counts",
            "SELECT count(*) FROM sign_in_challenges",
            "SELECT count(*) FROM totp_secrets",
            "SELECT count(*) FROM recovery_codes",
            "SELECT count(*) FROM sent_codes",
            "SELECT count(*) FROM passkeys",
            "SELECT count(*) FROM confirmed_contacts",
            "SELECT count(*) FROM provider_identities",
            "SELECT count(*) FROM signing_keys",
        ] {
            for actor in [as_budi.clone(), Actor::NOBODY] {
                let seen = house
                    .database
                    .db
                    .read(&actor, move |tx| {
                        tx.scalar(sqlx::query_scalar::<_, i64>(count))
                    })
                    .await;
                assert_eq!(seen.expect("a count"), 0, "{}: {count}", house.kind);
            }
        }
        let theirs = sari.session;
        let own = house
            .database
            .db
            .read(&as_budi, |tx| {
                tx.scalar(sqlx::query_scalar::<_, i64>(
                    "SELECT count(*) FROM sessions",
                ))
            })
            .await;
        assert_eq!(own.expect("a count"), 1, "{}", house.kind);
        let changed = house
            .database
            .db
            .write(&as_budi, move |tx| {
                tx.execute(
                    sqlx::query("UPDATE sessions SET confirmed_at = now() WHERE id = $1")
                        .bind(theirs),
                )
            })
            .await;
        assert_eq!(changed.ok().unwrap_or(0), 0, "{}", house.kind);
        let mine = budi.session;
        let changed = house
            .database
            .db
            .write(&as_budi, move |tx| {
                tx.execute(
                    sqlx::query("UPDATE sessions SET confirmed_at = now() WHERE id = $1")
                        .bind(mine),
                )
            })
            .await;
        assert_eq!(
            changed.ok().unwrap_or(0),
            0,
            "{}: nobody confirms a session by hand",
            house.kind
        );
        let seen = house
            .identity
            .who(&budi.access, None, None)
            .await
            .expect("signed in");
        assert!(
            house
                .identity
                .end_session(&seen.principal, theirs)
                .await
                .is_err(),
            "{}",
            house.kind
        );
        assert!(
            house
                .identity
                .person(&seen.principal, sari.person.id)
                .await
                .is_err(),
            "{}",
            house.kind
        );
        assert!(
            house.identity.who(&sari.access, None, None).await.is_ok(),
            "{}",
            house.kind
        );
    }
}
