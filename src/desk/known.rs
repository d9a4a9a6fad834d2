//! What the machine knew before it was put to work.

use siaga_risk::book::orders::Order;
use siaga_risk::event::{OrderChange, OutputKey, TermsChange};
use siaga_risk::machine::Machine;
use siaga_risk::view::{AccountView, Ask, InstrumentView, LinkView, Query, View};

use crate::store::projection::{Holding, Holdings};

/// For those who show it, and for the links.
pub struct Known {
    pub terms: Vec<TermsChange>,
    pub instruments: Vec<InstrumentView>,
    pub accounts: Vec<AccountView>,
    pub links: Vec<LinkView>,
    /// Orders that went to a broker and ended within the last day.
    pub ended: Vec<OrderChange>,
}

impl Known {
    /// Who holds what, behind the log's last output `at`.
    pub fn holdings(&self, at: OutputKey) -> Holdings {
        let positions = self.accounts.iter().flat_map(|account| &account.positions);
        Holdings {
            at,
            open: positions.map(|held| Holding::of(&held.position)).collect(),
        }
    }

    /// Terms, instruments and accounts of a machine that stands still.
    pub fn of(machine: &Machine) -> Self {
        let terms = machine.terms();
        let ask = |query| machine.ask(&Ask { token: 0, query }).view;
        let instruments = terms.iter().filter_map(|change| match change {
            TermsChange::Instrument(terms) => match ask(Query::Instrument(terms.id)) {
                View::Instrument(view) => Some(*view),
                _ => None,
            },
            _ => None,
        });
        let accounts = terms.iter().filter_map(|change| match change {
            TermsChange::Account(terms) => match ask(Query::Account(terms.id)) {
                View::Account(view) => Some(*view),
                _ => None,
            },
            _ => None,
        });
        Known {
            instruments: instruments.collect(),
            accounts: accounts.collect(),
            links: match ask(Query::Desk) {
                View::Desk(desk) => desk.links,
                _ => Vec::new(),
            },
            ended: machine.book().ended_orders().map(Order::change).collect(),
            terms: terms.clone(),
        }
    }
}
