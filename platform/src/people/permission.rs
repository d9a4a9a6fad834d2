/// What a permission is about: the columns of the table of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Leads, deals, tasks, notes.
    Crm,
    /// Cases and documents of identity.
    Kyc,
    /// Money in and out.
    Finance,
    /// Accounts, orders, positions.
    Trading,
    /// Sanctions, monitoring, reports.
    Aml,
    /// Content and its calendar.
    Content,
    /// Users, teams, roles, consents, requests of subjects.
    People,
    /// The audit log, holds, retention.
    Audit,
    /// Figures of the business: reading views them, writing takes them out as a file.
    Analytics,
}

impl Area {
    /// Every area.
    pub const ALL: [Area; 9] = [
        Area::Crm,
        Area::Kyc,
        Area::Finance,
        Area::Trading,
        Area::Aml,
        Area::Content,
        Area::People,
        Area::Audit,
        Area::Analytics,
    ];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Area::Crm => "crm",
            Area::Kyc => "kyc",
            Area::Finance => "finance",
            Area::Trading => "trading",
            Area::Aml => "aml",
            Area::Content => "content",
            Area::People => "people",
            Area::Audit => "audit",
            Area::Analytics => "analytics",
        }
    }
}

/// How far a permission goes; each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// See.
    Read,
    /// Hand something in for a decision: a document, a withdrawal.
    Request,
    /// Create, change, decide.
    Write,
    /// Override, delete, configure.
    Full,
}

impl Verb {
    /// Every verb, in order.
    pub const ALL: [Verb; 4] = [Verb::Read, Verb::Request, Verb::Write, Verb::Full];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Read => "read",
            Verb::Request => "request",
            Verb::Write => "write",
            Verb::Full => "full",
        }
    }
}

/// `resource.action`, and the cell of the table that grants it. Engines list theirs as constants:
///
/// ```
/// use siaga_platform::people::{Area, Permission, Verb};
/// pub const LEAD_MOVE: Permission = Permission::new("lead.move", Area::Crm, Verb::Write);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `resource.action`: what API keys are scoped by and the OpenAPI document names.
    pub name: &'static str,
    /// The column.
    pub area: Area,
    /// How far it goes.
    pub verb: Verb,
}

impl Permission {
    /// A permission; written as a constant.
    pub const fn new(name: &'static str, area: Area, verb: Verb) -> Self {
        Self { name, area, verb }
    }
}
