//! What one account has otherwise than its group.

use super::*;
use crate::record;

record! {
    /// What an account has otherwise than its group; what is absent is as the group has it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AccountRules {
        pub account: AccountId,
        pub warning: Option<Ratio>,
        pub restricted: Option<Ratio>,
        pub stop_out: Option<Ratio>,
        /// Further levels that are told, in place of all of the group's; nothing but zeros tells none.
        pub rungs: Option<[Ratio; RUNGS_MAX]>,
        pub stop_out_policy: Option<StopOutPolicy>,
        pub negative_balance_protection: Option<BalanceProtection>,
        /// Goes before the group's rule and the instruments'.
        pub hedge: Option<HedgeRule>,
    }
}

impl AccountRules {
    /// Everything is as the group has it.
    pub const fn none(account: AccountId) -> AccountRules {
        AccountRules {
            account,
            warning: None,
            restricted: None,
            stop_out: None,
            rungs: None,
            stop_out_policy: None,
            negative_balance_protection: None,
            hedge: None,
        }
    }

    /// Nothing differs from the group.
    pub fn is_none(&self) -> bool {
        *self == AccountRules::none(self.account)
    }

    /// A level of margin of its own.
    pub fn has_level(&self) -> bool {
        [self.warning, self.restricted, self.stop_out]
            .iter()
            .any(Option::is_some)
    }

    /// The group's terms as they hold for the account.
    pub fn over(&self, group: &GroupTerms) -> GroupTerms {
        GroupTerms {
            warning: self.warning.unwrap_or(group.warning),
            restricted: self.restricted.unwrap_or(group.restricted),
            stop_out: self.stop_out.unwrap_or(group.stop_out),
            stop_out_policy: self.stop_out_policy.unwrap_or(group.stop_out_policy),
            negative_balance_protection: self
                .negative_balance_protection
                .unwrap_or(group.negative_balance_protection),
            closing: StopOutTerms {
                rungs: self.rungs.unwrap_or(group.closing.rungs),
                ..group.closing
            },
            margin: GroupMargin {
                hedge: self.hedge.or(group.margin.hedge),
                ..group.margin
            },
            ..*group
        }
    }
}
