//! To whom a lead is given: a pure choice among those who have room.

use uuid::Uuid;

/// Most active leads of an agent (E2.45). The database holds it too.
pub const CAP: u32 = 50;

/// How agents are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// In turn.
    RoundRobin,
    /// In turn among those of the lead's territory.
    Territory,
    /// In turn among those who know most of what the lead is interested in.
    Skill,
}

impl Rule {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Rule::RoundRobin => "round_robin",
            Rule::Territory => "territory",
            Rule::Skill => "skill",
        }
    }

    /// The rule of that name.
    pub fn parse(name: &str) -> Option<Rule> {
        [Rule::RoundRobin, Rule::Territory, Rule::Skill]
            .into_iter()
            .find(|rule| rule.name() == name)
    }
}

/// An agent as the choice sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Who.
    pub user: Uuid,
    /// Active, not on leave, and taking leads.
    pub available: bool,
    /// Active leads they have.
    pub active: u32,
    /// Most they may have, at most [`CAP`].
    pub cap: u32,
    /// When they were last given one, as a count; the lowest is next.
    pub turn: i64,
    /// Territories they work.
    pub territories: Vec<String>,
    /// Interests they know.
    pub skills: Vec<String>,
}

impl Agent {
    /// Whether one more lead may be given to them.
    pub fn has_room(&self) -> bool {
        self.available && self.active < self.cap.min(CAP)
    }
}

/// What the choice knows of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The lead's territory.
    pub territory: Option<String>,
    /// What it is interested in.
    pub interests: Vec<String>,
    /// Not this one: who just left.
    pub except: Option<Uuid>,
}

/// Who gets the lead; `None` when nobody has room. Where nobody who fits has room, anybody who has it does: a lead does not
/// wait while somebody could call.
pub fn choose(rule: Rule, lead: &Wanted, agents: &[Agent]) -> Option<Uuid> {
    let free: Vec<&Agent> = agents
        .iter()
        .filter(|agent| agent.has_room() && Some(agent.user) != lead.except)
        .collect();
    let fit = |agent: &Agent| match rule {
        Rule::RoundRobin => 0,
        Rule::Territory => usize::from(
            lead.territory
                .as_ref()
                .is_some_and(|name| agent.territories.contains(name)),
        ),
        Rule::Skill => agent
            .skills
            .iter()
            .filter(|skill| lead.interests.contains(skill))
            .count(),
    };
    let best = free.iter().map(|&agent| fit(agent)).max()?;
    free.into_iter()
        .filter(|&agent| fit(agent) == best)
        .min_by_key(|agent| (agent.turn, agent.user))
        .map(|agent| agent.user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(n: u128, turn: i64) -> Agent {
        Agent {
            user: Uuid::from_u128(n),
            available: true,
            active: 0,
            cap: CAP,
            turn,
            territories: Vec::new(),
            skills: Vec::new(),
        }
    }

    #[test]
    fn turns_go_round_and_distribute_evenly() {
        let mut agents: Vec<Agent> = (1..=4).map(|n| agent(n, 0)).collect();
        let mut turn = 0;
        while let Some(chosen) = choose(Rule::RoundRobin, &Wanted::default(), &agents) {
            turn += 1;
            let agent = agents
                .iter_mut()
                .find(|agent| agent.user == chosen)
                .expect("one of them");
            (agent.active, agent.turn) = (agent.active + 1, turn);
            let counts: Vec<u32> = agents.iter().map(|agent| agent.active).collect();
            assert!(
                counts.iter().max() <= counts.iter().min().map(|least| least + 1).as_ref(),
                "{counts:?}"
            );
        }
        assert_eq!(turn, 200, "four agents of fifty each");
    }

    #[test]
    fn nobody_absent_or_full_is_chosen() {
        let absent = Agent {
            available: false,
            ..agent(1, 0)
        };
        let full = Agent {
            active: CAP,
            ..agent(2, 0)
        };
        let small = Agent {
            active: 3,
            cap: 3,
            ..agent(3, 0)
        };
        let above = Agent {
            active: CAP,
            cap: 80,
            ..agent(4, 0)
        };
        let all = [absent, full, small, above];
        assert_eq!(choose(Rule::RoundRobin, &Wanted::default(), &all), None);
        let last = Agent {
            active: CAP - 1,
            ..agent(5, 9)
        };
        let chosen = choose(
            Rule::RoundRobin,
            &Wanted::default(),
            &[all.as_slice(), &[last]].concat(),
        );
        assert_eq!(chosen, Some(Uuid::from_u128(5)));
    }

    #[test]
    fn territory_and_skill_come_before_the_turn_and_room_before_both() {
        let bandung = Agent {
            territories: vec!["bandung".into()],
            ..agent(1, 9)
        };
        let gold = Agent {
            skills: vec!["metals".into(), "forex".into()],
            ..agent(2, 5)
        };
        let metals = Agent {
            skills: vec!["metals".into()],
            ..agent(3, 1)
        };
        let lead = Wanted {
            territory: Some("bandung".into()),
            interests: vec!["metals".into(), "forex".into()],
            except: None,
        };
        let all = [bandung.clone(), gold.clone(), metals.clone()];
        assert_eq!(choose(Rule::Territory, &lead, &all), Some(bandung.user));
        assert_eq!(
            choose(Rule::Skill, &lead, &all),
            Some(gold.user),
            "knows both"
        );
        assert_eq!(choose(Rule::RoundRobin, &lead, &all), Some(metals.user));
        let full = [
            Agent {
                active: CAP,
                ..bandung.clone()
            },
            gold,
            metals.clone(),
        ];
        assert_eq!(
            choose(Rule::Territory, &lead, &full),
            Some(metals.user),
            "nobody of Bandung has room"
        );
        let except = Wanted {
            except: Some(bandung.user),
            ..lead
        };
        assert_ne!(choose(Rule::Territory, &except, &all), Some(bandung.user));
    }
}
