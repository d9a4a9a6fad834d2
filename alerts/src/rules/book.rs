//! The terms that alerts quote: whose group an account is in, its thresholds, and what a halt does to requirements.

use std::collections::BTreeMap;

use siaga_risk::event::{Output, TermsChange};
use siaga_risk::ids::{AccountId, GroupId, InstrumentId};
use siaga_risk::record;
use siaga_risk::terms::AccountRules;
use siaga_risk::units::Ratio;

record! {
    /// Margin thresholds of a group.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Levels {
        pub warning: Ratio,
        pub restricted: Ratio,
        pub stop_out: Ratio,
    }
    /// Terms as the log has told them.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Book {
        groups: BTreeMap<GroupId, Levels>,
        accounts: BTreeMap<AccountId, GroupId>,
        /// What accounts have otherwise than their groups.
        rules: BTreeMap<AccountId, AccountRules>,
        /// The factor on requirements while an instrument is halted.
        factors: BTreeMap<InstrumentId, Ratio>,
    }
}

impl Book {
    /// Learns from terms that came into force.
    pub fn apply(&mut self, output: &Output) {
        match output {
            Output::Terms(TermsChange::Group(terms)) => {
                let levels = Levels {
                    warning: terms.warning,
                    restricted: terms.restricted,
                    stop_out: terms.stop_out,
                };
                self.groups.insert(terms.id, levels);
            }
            Output::Terms(TermsChange::Account(terms)) => {
                self.accounts.insert(terms.id, terms.group);
            }
            Output::Terms(TermsChange::Rules(rules)) => {
                self.rules.insert(rules.account, **rules);
            }
            Output::Terms(TermsChange::Instrument(terms)) => {
                self.factors.insert(terms.id, terms.halt.factor);
            }
            _ => {}
        }
    }

    /// The group of an account.
    pub fn group(&self, account: AccountId) -> Option<GroupId> {
        self.accounts.get(&account).copied()
    }

    /// The factor on an instrument's requirements while it is halted.
    pub fn halt_factor(&self, instrument: InstrumentId) -> Option<Ratio> {
        self.factors.get(&instrument).copied()
    }

    /// The thresholds of an account: its own, else its group's.
    pub fn levels(&self, account: AccountId) -> Option<Levels> {
        let group = self.groups.get(&self.group(account)?)?;
        let own = self.rules.get(&account).copied();
        let own = own.unwrap_or(AccountRules::none(account));
        Some(Levels {
            warning: own.warning.unwrap_or(group.warning),
            restricted: own.restricted.unwrap_or(group.restricted),
            stop_out: own.stop_out.unwrap_or(group.stop_out),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_of_its_own_levels() {
        let (account, group) = (AccountId(7), GroupId(1));
        let mut book = Book::default();
        for output in crate::testing::terms(account, group) {
            book.apply(&output);
        }
        let told = |book: &Book| book.levels(account).map(|levels| levels.stop_out);
        assert_eq!(told(&book), Some(Ratio::percent(30)));
        let mut rules = AccountRules::none(account);
        rules.stop_out = Some(Ratio::percent(40));
        book.apply(&Output::Terms(TermsChange::Rules(Box::new(rules))));
        assert_eq!(told(&book), Some(Ratio::percent(40)));
        let none = AccountRules::none(account);
        book.apply(&Output::Terms(TermsChange::Rules(Box::new(none))));
        assert_eq!(told(&book), Some(Ratio::percent(30)));
    }
}
