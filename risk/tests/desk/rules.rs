//! What an account has otherwise than its group, in words: `rules 1 warning 120 stop_out 40 hedge net`. What is not
//! named is as the group has it; `rules 1` alone gives everything back.

use super::Desk;
use super::show::lower;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The variant that is called like this.
pub fn named<T: Copy + std::fmt::Debug>(all: &[T], word: &str) -> T {
    let found = all.iter().find(|known| lower(known) == word);
    *found.unwrap_or_else(|| panic!("nothing is called {word}"))
}

fn percent(text: &str) -> Ratio {
    Ratio::percent(text.parse().unwrap())
}

impl Desk {
    pub fn rules(&mut self, account: u32, words: &[&str]) -> Vec<Output> {
        let mut rules = AccountRules::none(AccountId(account));
        for pair in words.chunks(2) {
            let value = pair[1];
            match pair[0] {
                "warning" => rules.warning = Some(percent(value)),
                "restricted" => rules.restricted = Some(percent(value)),
                "stop_out" => rules.stop_out = Some(percent(value)),
                "rungs" => {
                    let mut rungs = [Ratio(0); RUNGS_MAX];
                    for (rung, text) in rungs.iter_mut().zip(value.split(',')) {
                        *rung = percent(text);
                    }
                    rules.rungs = Some(rungs);
                }
                "policy" => rules.stop_out_policy = Some(named(StopOutPolicy::ALL, value)),
                "protection" => {
                    let protection = named(BalanceProtection::ALL, value);
                    rules.negative_balance_protection = Some(protection);
                }
                "hedge" => rules.hedge = Some(named(HedgeRule::ALL, value)),
                other => panic!("no rule of an account is called {other}"),
            }
        }
        self.command(Body::Rules(Box::new(rules)))
    }
}
