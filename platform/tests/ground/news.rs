//! Whoever has a list open is told when something of its part was committed, and not when somebody looked.

use serde_json::Value;
use siaga_platform::audit::{Action, Change};
use siaga_platform::ids::HOUSE;
use siaga_platform::news::Part;
use siaga_platform::people::Role;
use siaga_platform::refusal::{CONFLICT, Refusal};

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
