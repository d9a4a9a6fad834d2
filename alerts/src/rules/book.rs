//! The terms that alerts quote: whose group an account is in, its thresholds, and what a halt does to requirements.

use std::collections::BTreeMap;

use siaga_risk::event::{Output, TermsChange};
use siaga_risk::ids::{AccountId, GroupId, InstrumentId};
use siaga_risk::record;
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

    /// The thresholds of an account.
    pub fn levels(&self, account: AccountId) -> Option<Levels> {
        self.groups.get(&self.group(account)?).copied()
    }
}
