//! Lists as their publishers hand them out.

use std::io::Read as _;
use std::sync::Arc;

use siaga_platform::aml::index::{Hit, Index, Listed, Query};
use siaga_platform::aml::lists::{Files, Format, read};
use siaga_platform::aml::names::Kind;
use siaga_platform::aml::names::graded::STRONG;
use siaga_platform::aml::{faults, sanctions};
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::FORBIDDEN;

use crate::ground::desk::houses;
use crate::shared::find;

fn unpacked(path: &str) -> Option<Vec<u8>> {
    let file = std::fs::File::open(find(path)?).expect("a recording");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .expect("gzip");
    Some(bytes)
}

fn sdn() -> Option<Files> {
    ["sdn", "alt", "add", "sdn_comments"]
        .iter()
        .map(|name| unpacked(&format!("data/kyc/ofac_2019/{name}.csv.gz")))
        .collect()
}

fn person(name: &str) -> Query {
    Query {
        names: vec![name.into()],
        kind: Some(Kind::Person),
        ..Query::default()
    }
}

#[test]
fn the_un_list_has_its_persons_and_entities() {
    let Some(file) = unpacked("data/kyc/un_consolidated_20260227.xml.gz") else {
        return;
    };
    let list = read(Format::UnXml, &vec![file]).expect("the list");
    let persons = list
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::Person)
        .count();
    assert_eq!(
        (persons, list.entries.len() - persons, list.broken),
        (730, 273, 0)
    );
    assert_eq!(list.published.as_deref(), Some("2026-02-27"));
}

/// Names that stand beside others in one field of the list.
#[test]
fn names_that_share_a_field_of_the_un_list_are_found() {
    let Some(file) = unpacked("data/kyc/un_consolidated_20260227.xml.gz") else {
        return;
    };
    let list = read(Format::UnXml, &vec![file]).expect("the list");
    let listed = list.entries.into_iter().map(|entry| Listed {
        source: "un".into(),
        digest: entry.digest(),
        entry: Arc::new(entry),
    });
    let index = Index::of(listed.collect());
    for (name, kind, primary) in [
        ("Abu Bakr al-Baghdadi", Kind::Person, "AL-SAMARRAI"),
        ("Hassan Ghul", Kind::Person, "MUSTAFA HAJJI MUHAMMAD KHAN"),
        ("Qasim Sulaymani", Kind::Person, "SOLEIMANI"),
        ("M. Javad Kareemi Sabet", Kind::Person, "SABET"),
        ("Hayat Tahrir al-Sham", Kind::Entity, "AL-NUSRAH FRONT"),
        ("Jabhat al-Nusra", Kind::Entity, "AL-NUSRAH FRONT"),
        ("Mujahidin Indonesia Barat", Kind::Entity, "MUJAHIDIN"),
    ] {
        let query = Query {
            names: vec![name.into()],
            kind: Some(kind),
            ..Query::default()
        };
        let hits = index.search(&query, STRONG);
        let is_listed = |hit: &Hit| {
            let told = hit.listed.entry.name().to_uppercase();
            told.contains(primary)
        };
        let found: Vec<&str> = hits.iter().map(|hit| hit.listed.entry.name()).collect();
        assert!(hits.iter().any(is_listed), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn a_list_is_taken_searched_and_not_replaced_by_a_bad_file() {
    let Some(files) = sdn() else {
        return;
    };
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let by = Principal::system("test");
        let early = sanctions::check(platform, &by, person("Nicolas Maduro"))
            .await
            .expect_err(kind);
        assert_eq!(
            early.fault(),
            Some(faults::NO_LISTS),
            "{kind}: no list is no clearance"
        );
        let taken = sanctions::take(platform, &by, "ofac_sdn".into(), files.clone())
            .await
            .expect(kind);
        assert_eq!(
            (taken.version, taken.entries, taken.added),
            (1, 7_379, 7_379),
            "{kind}"
        );
        for (name, uid) in [("Nicolas Maduro", "22790"), ("Kim Jong-un", "20157")] {
            let (hits, searched) = sanctions::check(platform, &by, person(name))
                .await
                .expect(kind);
            assert_eq!(searched, 7_379, "{kind}");
            assert_eq!(
                hits.first().map(|hit| hit.listed.entry.uid.as_str()),
                Some(uid),
                "{kind}: {name}"
            );
        }
        let same = sanctions::take(platform, &by, "ofac_sdn".into(), files.clone())
            .await
            .expect(kind);
        assert!(!same.adopted && same.version == 1, "{kind}: {same:?}");
        // Every file beside the main one: emptied, a page of a server, cut, and with more broken rows than there may be.
        for at in 1..files.len() {
            let half = files[at].len() / 2;
            let mut torn = files[at].clone();
            let rows = files[at].iter().filter(|byte| **byte == b'\n').count();
            // A short file may have a few broken rows.
            torn.extend("<p>\n".repeat(rows / 20 + 6).bytes());
            let bad = [
                Vec::new(),
                b"<html>busy, come, back, later, please, now</html>".to_vec(),
                files[at][..half].to_vec(),
                torn,
            ];
            for bad in bad {
                let mut with = files.clone();
                with[at] = bad;
                let refused = sanctions::take(platform, &by, "ofac_sdn".into(), with)
                    .await
                    .expect_err(kind);
                assert_eq!(
                    refused.fault(),
                    Some(faults::LIST_REFUSED),
                    "{kind}: file {at}"
                );
            }
        }
        let mut cut = files.clone();
        let half = cut[0].len() / 2;
        cut[0].truncate(half);
        let page = vec![b"<html>busy</html>".to_vec(); 4];
        for bad in [cut, page, Vec::new()] {
            let refused = sanctions::take(platform, &by, "ofac_sdn".into(), bad)
                .await
                .expect_err(kind);
            assert_eq!(refused.fault(), Some(faults::LIST_REFUSED), "{kind}");
        }
        let (hits, _) = sanctions::check(platform, &by, person("Nicolas Maduro"))
            .await
            .expect(kind);
        assert_eq!(
            hits.first().map(|hit| hit.listed.entry.uid.as_str()),
            Some("22790"),
            "{kind}: the last good list is in force"
        );
        let client = house.client("Budi").await;
        let looked = sanctions::check(platform, &client, person("Budi"))
            .await
            .expect_err(kind);
        assert_eq!(looked.fault(), Some(FORBIDDEN), "{kind}");
        let officer = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        assert!(
            sanctions::check(platform, &officer, person("Budi"))
                .await
                .is_ok(),
            "{kind}"
        );
        house.database.db.close().await;
    }
}
