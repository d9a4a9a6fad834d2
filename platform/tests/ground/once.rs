//! A request that is sent twice happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siaga_platform::people::Principal;
use siaga_platform::refusal::{CONFLICT, KEY_REUSED};
use siaga_platform::unit::Once;

use super::desk::houses;

fn once(key: &str, request: u8) -> Option<Once> {
    Some(Once {
        key: key.to_owned(),
        route: "POST /api/v1/test",
        request: [request; 32],
    })
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_another_one_under_its_key_is_refused() {
    for house in houses().await {
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        let runs = Arc::new(AtomicU64::new(0));
        let call = |by: Principal, once: Option<Once>| {
            let (platform, runs) = (house.platform.clone(), Arc::clone(&runs));
            async move {
                let done = platform.command_once(&by, once, move |_unit| {
                    Ok(runs.fetch_add(1, Ordering::Relaxed))
                });
                done.await
            }
        };
        let kind = house.kind;
        assert_eq!(call(sari.clone(), once("a", 1)).await.expect(kind), 0);
        assert_eq!(
            call(sari.clone(), once("a", 1)).await.expect(kind),
            0,
            "{kind}: the first answer again"
        );
        assert_eq!(call(sari.clone(), once("b", 1)).await.expect(kind), 1);
        assert_eq!(
            call(budi, once("a", 1)).await.expect(kind),
            2,
            "{kind}: everybody has their own keys"
        );
        assert_eq!(call(sari.clone(), None).await.expect(kind), 3);
        let reused = call(sari.clone(), once("a", 2)).await;
        assert_eq!(
            reused.expect_err("another request").fault(),
            Some(KEY_REUSED),
            "{kind}"
        );
        let plain: i64 = house.count(&Principal::system("test"), "SELECT count(*) FROM idempotency_keys WHERE encode(answer_sealed, 'escape') ~ '^[0-9]$'").await;
        assert_eq!(plain, 0, "{kind}: an answer is kept sealed");
        let refused = house.platform.command_once(&sari, once("c", 1), |_unit| {
            Err::<u8, _>(CONFLICT.because("no"))
        });
        assert!(refused.await.is_err());
        assert_eq!(
            house
                .platform
                .command_once(&sari, once("c", 1), |_unit| Ok(9u8))
                .await
                .expect(kind),
            9,
            "{kind}: a refusal is not remembered"
        );
    }
}
