//! Whose contacts they are. Anybody can type anything into a form; what is known of a client is read by that client in an export. So
//! nothing that a form says goes into a client's lead but by a contact that this client proved, and a lead that nobody owns becomes
//! part of a client's by proof alone.

/// A contact that came in, beside a lead that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// It was said.
    pub said: bool,
    /// The lead has it now.
    pub held: bool,
    /// The client whose lead it is proved it.
    pub proved: bool,
}

/// What becomes of what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All of it goes into the lead.
    Whole,
    /// All but contacts that the lead does not have and its client did not prove.
    Own,
    /// Nothing of it: the lead came in once more, and that is all.
    Nothing,
    /// Somebody else says it: a lead of its own, with the contacts that are free.
    Apart,
}

/// What becomes of what was said when one lead is found. `vouched`: a person of the house typed it and answers for it.
pub fn alone(client: bool, vouched: bool, contacts: [Claim; 2]) -> Way {
    if !client || vouched {
        Way::Whole
    } else if contacts.iter().any(|claim| claim.said && claim.proved) {
        Way::Own
    } else if contacts.iter().any(|claim| claim.said && !claim.held) {
        Way::Apart
    } else {
        Way::Nothing
    }
}

/// One of two leads that were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// It is a client's.
    pub client: bool,
    /// This client proved the contact by which the other lead was found.
    pub proves: bool,
}

/// Whether two leads are one person's.
pub fn joins(one: Side, other: Side) -> bool {
    match (one.client, other.client) {
        (false, false) => true,
        (true, false) => one.proves,
        (false, true) => other.proves,
        // Two clients are two persons, whatever somebody typed.
        (true, true) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Claim = Claim {
        said: false,
        held: false,
        proved: false,
    };
    const HELD: Claim = Claim {
        said: true,
        held: true,
        proved: false,
    };
    const PROVED: Claim = Claim {
        said: true,
        held: true,
        proved: true,
    };
    const FREE: Claim = Claim {
        said: true,
        held: false,
        proved: false,
    };

    #[test]
    fn a_form_reaches_a_client_by_a_proved_contact_alone() {
        for (contacts, way) in [
            ([PROVED, NONE], Way::Own),
            ([PROVED, FREE], Way::Own),
            ([NONE, PROVED], Way::Own),
            ([HELD, FREE], Way::Apart),
            ([HELD, NONE], Way::Nothing),
            ([HELD, HELD], Way::Nothing),
        ] {
            assert_eq!(alone(true, false, contacts), way, "{contacts:?}");
            assert_eq!(alone(true, true, contacts), Way::Whole, "{contacts:?}");
            assert_eq!(alone(false, false, contacts), Way::Whole, "{contacts:?}");
        }
    }

    #[test]
    fn a_lead_joins_a_client_by_proof_and_two_clients_never() {
        let side = |client, proves| Side { client, proves };
        for (one, other, join) in [
            (side(false, false), side(false, false), true),
            (side(true, false), side(false, false), false),
            (side(true, true), side(false, false), true),
            (side(false, false), side(true, false), false),
            (side(false, false), side(true, true), true),
            (side(true, true), side(true, true), false),
        ] {
            assert_eq!(joins(one, other), join, "{one:?} {other:?}");
        }
    }
}
