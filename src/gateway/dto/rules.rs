//! What an account has otherwise than its group, and the words for it.

use siaga_risk::terms::{self, AccountRules};
use siaga_risk::units::Ratio;
use siaga_risk::view;

use super::wire_enum;
use crate::gateway::decimal;
use crate::wire;

wire_enum!(
    /// Which positions a stop-out closes first.
    StopOutPolicy = terms::StopOutPolicy {
        Mt5,
        CloseAll,
        CtraderSmart,
        LargestMargin,
        LosersFirst
    }
);
wire_enum!(
    /// What must have closed the last position for a balance below zero to be lifted.
    BalanceProtection = terms::BalanceProtection {
        None,
        AnyClose,
        StopOut
    }
);
wire_enum!(
    /// What opposite positions of one instrument are charged.
    HedgeRule = terms::HedgeRule {
        Basic,
        LargerLeg,
        Sum,
        Max,
        Net
    }
);
wire_enum!(
    /// Whose hedge rule it is.
    HedgeFrom = view::HedgeFrom {
        Instrument,
        Group,
        Account
    }
);

wire! {
    /// What an account has otherwise than its group; what is absent is as the group has it.
    pub struct AccountRulesDto {
        pub warning_pct: Option<String>,
        pub restricted_pct: Option<String>,
        pub stop_out_pct: Option<String>,
        /// Further levels that are told, falling; an empty list tells none.
        pub levels_told_pct: Option<Vec<String>>,
        pub stop_out_policy: Option<StopOutPolicy>,
        pub negative_balance_protection: Option<BalanceProtection>,
        pub hedge: Option<HedgeRule>,
    }
}

pub fn account_rules(rules: &AccountRules) -> AccountRulesDto {
    let told = |rungs: [Ratio; terms::RUNGS_MAX]| -> Vec<String> {
        let used = rungs.into_iter().filter(|rung| *rung > Ratio(0));
        used.map(decimal::level_pct).collect()
    };
    AccountRulesDto {
        warning_pct: rules.warning.map(decimal::level_pct),
        restricted_pct: rules.restricted.map(decimal::level_pct),
        stop_out_pct: rules.stop_out.map(decimal::level_pct),
        levels_told_pct: rules.rungs.map(told),
        stop_out_policy: rules.stop_out_policy.map(StopOutPolicy::from),
        negative_balance_protection: rules
            .negative_balance_protection
            .map(BalanceProtection::from),
        hedge: rules.hedge.map(HedgeRule::from),
    }
}
