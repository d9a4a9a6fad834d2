//! Whose contacts they are. Anybody can type anything into a form; what is known of a client is read by that client in an export. So
//! nothing that a form says goes into a client's lead but by a contact that this client proved, and a lead that nobody owns becomes
//! part of a client's by proof alone. A form adds no contact to a lead that is there: whoever proves that contact would read the rest.

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
    /// The contacts that the lead has; others stay in its history as said and not taken.
    Known,
    /// Nothing of it: the lead came in once more, and that is all.
    Nothing,
    /// Somebody else says it: a lead of its own, with the contacts that are free.
    Apart,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A person of the house typed it and answers for it.
    House,
    /// Anybody.
    Form,
    /// Who registers, of themselves: by the address they are found, and by a number that they typed nobody is.
    Registration,
}

/// What becomes of what was said when one lead is found: number and address, in this order.
pub fn alone(client: bool, voice: Voice, contacts: [Claim; 2]) -> Way {
    let [_, email] = contacts;
    let is_new = contacts.iter().any(|claim| claim.said && !claim.held);
    match voice {
        Voice::House => Way::Whole,
        Voice::Registration if !email.held => {
            if is_new {
                Way::Apart
            } else {
                Way::Nothing
            }
        }
        Voice::Registration if client => Way::Nothing,
        Voice::Form if client => {
            if contacts.iter().any(|claim| claim.said && claim.proved) {
                Way::Own
            } else if is_new {
                Way::Apart
            } else {
                Way::Nothing
            }
        }
        Voice::Form | Voice::Registration => {
            if is_new {
                Way::Known
            } else {
                Way::Whole
            }
        }
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

/// Whether two leads are one person's. Of two that nobody owns a person of the house says so.
pub fn joins(voice: Voice, one: Side, other: Side) -> bool {
    match (one.client, other.client) {
        (false, false) => voice == Voice::House,
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
            assert_eq!(alone(true, Voice::Form, contacts), way, "{contacts:?}");
            for client in [true, false] {
                let by_house = alone(client, Voice::House, contacts);
                assert_eq!(by_house, Way::Whole, "{contacts:?}");
            }
        }
    }

    #[test]
    fn a_form_adds_no_contact_to_a_lead_and_who_registers_is_found_by_the_address() {
        for (contacts, by_form, registering) in [
            ([HELD, NONE], Way::Whole, Way::Nothing),
            ([NONE, HELD], Way::Whole, Way::Whole),
            ([HELD, HELD], Way::Whole, Way::Whole),
            ([HELD, FREE], Way::Known, Way::Apart),
            ([FREE, HELD], Way::Known, Way::Known),
        ] {
            assert_eq!(alone(false, Voice::Form, contacts), by_form, "{contacts:?}");
            let way = alone(false, Voice::Registration, contacts);
            assert_eq!(way, registering, "{contacts:?}");
        }
        for (contacts, way) in [
            ([PROVED, FREE], Way::Apart),
            ([HELD, NONE], Way::Nothing),
            ([PROVED, HELD], Way::Nothing),
        ] {
            let registering = alone(true, Voice::Registration, contacts);
            assert_eq!(registering, way, "{contacts:?}");
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
            assert_eq!(joins(Voice::House, one, other), join, "{one:?} {other:?}");
            let by_form = join && (one.client || other.client);
            assert_eq!(joins(Voice::Form, one, other), by_form, "{one:?} {other:?}");
        }
    }
}
