//! What was traded on a person's accounts: all of it in their hands, and nothing that names them behind their end.

use std::sync::Arc;

use serde_json::{Value, json};
use siaga_platform::db::Tx;
use siaga_platform::erasure::{self, Done, Erased, Keys, Kind, List, Store};
use siaga_platform::handlers;
use siaga_platform::people::Principal;
use siaga_platform::refusal::Refusal;
use siaga_platform::unit::Unit;
use uuid::Uuid;

use super::desk::{House, houses};

/// Two accounts of a client, one with a name, with more orders than a page has, and a row of each other kind.
async fn traded(house: &House, user: Uuid) {
    house
        .system(move |tx| {
            tx.execute(
                sqlx::query(
                    "INSERT INTO accounts_directory (account, system, outside_id, user_id, title)
                     VALUES (7, 'siaga', '7', $1, 'Sari first'), (8, 'siaga', '8', $1, '')",
                )
                .bind(user),
            )?;
            for sql in [
                "INSERT INTO names (kind, id, name) VALUES ('instrument', 1, 'EUR/USD')",
                "INSERT INTO orders (id, account, instrument, link, side, kind, tif, qty, reduce_only, trail, client_id, trader, desk, strategy,
                     origin, state, filled, filled_value, reason, seen, placed, changed, seq, index)
                 SELECT n, CASE WHEN n <= 1200 THEN 7 ELSE 8 END, 1, 1, 'buy', 'market', 'ioc', 1, false, 0, '\\x00', 0, 0, 0, 'client', 'filled',
                     1, 1, 0, 1, now(), now(), n, 0 FROM generate_series(1, 1201) AS n",
                "INSERT INTO deals (seq, index, time, order_id, account, instrument, position, side, qty, price, commission, realised, balance, origin, exec)
                 SELECT 1, n, now(), n, 7, 1, n, 'buy', 1, 100, 0, 0, 0, 'client', '\\x00' FROM generate_series(1, 501) AS n",
                "INSERT INTO positions_closed (id, account, instrument, side, open_price, opened, closed, swap, commission, realised, seq)
                 VALUES (1, 8, 1, 'buy', 1, now(), now(), 0, 0, 0, 2)",
                "INSERT INTO cash_movements (seq, index, leg, time, account, book, kind, amount, balance, credit, reference)
                 SELECT 3, 0, leg, now(), 8, 'client', 'deposit', 100, 100, 0, 9 FROM generate_series(0, 1) AS leg",
            ] {
                tx.execute(sqlx::query(sql))?;
            }
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn all_that_was_traded_is_given_out_and_accounts_lose_their_names_with_the_person() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        traded(&house, me).await;
        let stores = handlers::engines().stores;
        let export = erasure::export(&house.platform, &sari, &stores, me).await;
        let trading = &export.expect(kind)["data"]["trading"];
        let rows = |name: &str| trading[name].as_array().cloned().unwrap_or_default();
        for (name, count) in [
            ("accounts", 2),
            ("orders", 1_201),
            ("deals", 501),
            ("closed_positions", 1),
            ("booked", 1),
        ] {
            assert_eq!(rows(name).len(), count, "{kind}: {name}");
        }
        assert_eq!(rows("accounts")[0]["title"], "Sari first", "{kind}");
        let orders: Vec<i64> = rows("orders")
            .iter()
            .filter_map(|row| row["id"].as_i64())
            .collect();
        let newest_first: Vec<i64> = (1..=1_200).rev().chain([1_201]).collect();
        assert_eq!(orders, newest_first, "{kind}: of one account and the other");
        assert_eq!(rows("orders")[0]["instrument"], "EUR/USD", "{kind}");
        assert_eq!(trading["truncated"], Value::Null, "{kind}");

        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let done = erasure::erase_due(&house.platform, &stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        let named = "SELECT count(*) FROM accounts_directory WHERE title <> ''";
        let left = house.count(&Principal::system("test"), named).await;
        assert_eq!(left, 0, "{kind}");
    }
}

/// A store with lists that are longer than a page, one of them longer than is given.
struct Long;

const ACCOUNTS: &str = "SELECT n FROM generate_series(1::bigint, 2::bigint) AS n WHERE $1::uuid IS NOT NULL AND n > $2 ORDER BY n LIMIT 1";
const PAGE: &str = "SELECT jsonb_build_object('account', $1::bigint, 'n', n, 'reads', current_setting('transaction_read_only'),
         'longest', current_setting('statement_timeout')), n, n
     FROM generate_series(1::bigint, 700::bigint) AS n WHERE (n, n) < ($2, $3) ORDER BY n DESC LIMIT $4";
const LISTS: [List; 2] = [
    List {
        name: "cut",
        accounts: ACCOUNTS,
        page: PAGE,
        rows_max: 1_300,
    },
    List {
        name: "whole",
        accounts: ACCOUNTS,
        page: PAGE,
        rows_max: 1_400,
    },
];

impl Store for Long {
    fn name(&self) -> &'static str {
        "long"
    }

    fn erase(&self, _unit: &mut Unit<'_, '_>, _subject: Uuid) -> Result<Erased, Refusal> {
        Ok(Erased::rows(Done::NothingFound, 0))
    }

    fn export(&self, _tx: &mut Tx<'_>, _keys: &Keys, _subject: Uuid) -> Result<Value, Refusal> {
        Ok(json!({"short": true}))
    }

    fn lists(&self) -> &'static [List] {
        &LISTS
    }
}

#[tokio::test]
async fn a_long_list_is_read_beside_the_unit_and_says_where_it_is_cut() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        let stores: [Arc<dyn Store>; 1] = [Arc::new(Long)];
        let export = erasure::export(&house.platform, &sari, &stores, me).await;
        let long = &export.expect(kind)["data"]["long"];
        assert_eq!(long["short"], true, "{kind}: what the store says itself");
        assert_eq!(long["truncated"], json!(["cut"]), "{kind}");
        for (name, count) in [("cut", 1_300), ("whole", 1_400)] {
            let rows = long[name].as_array().expect("rows");
            assert_eq!(rows.len(), count, "{kind}: {name}");
            for (at, row) in rows.iter().enumerate() {
                let expected = (1 + at / 700, 700 - at % 700);
                assert_eq!(
                    (&row["account"], &row["n"]),
                    (&json!(expected.0), &json!(expected.1)),
                    "{kind}: {name}"
                );
                assert_eq!(row["reads"], "on", "{kind}: not in the unit that writes");
                if house.db().is_server() {
                    assert_eq!(row["longest"], "30s", "{kind}: as work nobody waits for");
                }
            }
        }
    }
}
