//! The one table of who may do what (decisions 8.1 and `spec/platform.md` section 1). The database holds
//! the same rows for row-level security, and `platform/tests/rbac.txt` holds them in words.

use super::{Area, Role, Verb};

/// Which rows: each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// No rows.
    None,
    /// Rows that belong to the person, or to people they brought (referrals of a partner).
    Own,
    /// Rows of the person's teams too.
    Team,
    /// Every row of the person's organisation.
    All,
}

impl Scope {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Scope::None => "none",
            Scope::Own => "own",
            Scope::Team => "team",
            Scope::All => "all",
        }
    }
}

/// Whether personal data are shown whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Whole.
    Clear,
    /// Masked, in exports too.
    Masked,
}

/// A cell: the verb up to which, on which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The column.
    pub area: Area,
    /// Up to this verb, where no narrower entry of the area covers the verb.
    pub verb: Verb,
    /// On these rows.
    pub scope: Scope,
    /// How personal data are shown.
    pub sight: Sight,
}

const fn cell(area: Area, verb: Verb, scope: Scope) -> Grant {
    Grant {
        area,
        verb,
        scope,
        sight: Sight::Clear,
    }
}

const fn masked(area: Area, verb: Verb, scope: Scope) -> Grant {
    Grant {
        area,
        verb,
        scope,
        sight: Sight::Masked,
    }
}

const SUPER_ADMIN: &[Grant] = &[
    cell(Area::Crm, Verb::Full, Scope::All),
    cell(Area::Kyc, Verb::Full, Scope::All),
    cell(Area::Finance, Verb::Full, Scope::All),
    cell(Area::Trading, Verb::Full, Scope::All),
    cell(Area::Aml, Verb::Full, Scope::All),
    cell(Area::Content, Verb::Full, Scope::All),
    cell(Area::People, Verb::Full, Scope::All),
    cell(Area::Audit, Verb::Full, Scope::All),
    cell(Area::Analytics, Verb::Full, Scope::All),
];
const SALES_MANAGER: &[Grant] = &[
    cell(Area::Crm, Verb::Write, Scope::Team),
    cell(Area::Kyc, Verb::Read, Scope::Team),
    cell(Area::Analytics, Verb::Write, Scope::Team),
];
const SALES_AGENT: &[Grant] = &[
    cell(Area::Crm, Verb::Read, Scope::All),
    cell(Area::Crm, Verb::Write, Scope::Own),
    cell(Area::Analytics, Verb::Read, Scope::All),
];
const CS_STAFF: &[Grant] = &[
    cell(Area::Crm, Verb::Read, Scope::All),
    masked(Area::Kyc, Verb::Read, Scope::All),
    cell(Area::Analytics, Verb::Read, Scope::All),
];
const IB_PARTNER: &[Grant] = &[
    cell(Area::Crm, Verb::Read, Scope::Own),
    cell(Area::Finance, Verb::Read, Scope::Own),
    cell(Area::Analytics, Verb::Read, Scope::Own),
];
const END_USER: &[Grant] = &[
    cell(Area::Kyc, Verb::Request, Scope::Own),
    cell(Area::Finance, Verb::Request, Scope::Own),
    cell(Area::Trading, Verb::Full, Scope::Own),
];
const COMPLIANCE_OFFICER: &[Grant] = &[
    cell(Area::Crm, Verb::Read, Scope::All),
    cell(Area::Kyc, Verb::Write, Scope::All),
    cell(Area::Finance, Verb::Read, Scope::All),
    cell(Area::Aml, Verb::Write, Scope::All),
    cell(Area::Audit, Verb::Read, Scope::All),
    cell(Area::Analytics, Verb::Read, Scope::All),
];
const FINANCE: &[Grant] = &[
    cell(Area::Finance, Verb::Write, Scope::All),
    masked(Area::Kyc, Verb::Read, Scope::All),
];
const CONTENT_EDITOR: &[Grant] = &[
    cell(Area::Content, Verb::Request, Scope::All),
    cell(Area::Content, Verb::Write, Scope::Own),
];
const CONTENT_MODERATOR: &[Grant] = &[cell(Area::Content, Verb::Write, Scope::All)];
const DEALER: &[Grant] = &[cell(Area::Trading, Verb::Write, Scope::All)];
const RISK_OFFICER: &[Grant] = &[
    cell(Area::Trading, Verb::Write, Scope::All),
    cell(Area::Finance, Verb::Read, Scope::All),
    cell(Area::Audit, Verb::Read, Scope::All),
];
const AUDITOR: &[Grant] = &[
    cell(Area::Crm, Verb::Read, Scope::All),
    cell(Area::Kyc, Verb::Read, Scope::All),
    cell(Area::Finance, Verb::Read, Scope::All),
    cell(Area::Trading, Verb::Read, Scope::All),
    cell(Area::Aml, Verb::Read, Scope::All),
    cell(Area::Content, Verb::Read, Scope::All),
    cell(Area::People, Verb::Read, Scope::All),
    cell(Area::Audit, Verb::Read, Scope::All),
    cell(Area::Analytics, Verb::Read, Scope::All),
];

fn grants(role: Role) -> &'static [Grant] {
    match role {
        Role::SuperAdmin => SUPER_ADMIN,
        Role::SalesManager => SALES_MANAGER,
        Role::SalesAgent => SALES_AGENT,
        Role::CsStaff => CS_STAFF,
        Role::IbPartner => IB_PARTNER,
        Role::EndUser => END_USER,
        Role::ComplianceOfficer => COMPLIANCE_OFFICER,
        Role::Finance => FINANCE,
        Role::ContentEditor => CONTENT_EDITOR,
        Role::ContentModerator => CONTENT_MODERATOR,
        Role::Dealer => DEALER,
        Role::RiskOfficer => RISK_OFFICER,
        Role::Auditor => AUDITOR,
    }
}

/// What `role` may do in `area` with `verb`: the entry with the smallest verb that covers it.
pub fn grant(role: Role, area: Area, verb: Verb) -> Option<Grant> {
    grants(role)
        .iter()
        .filter(|grant| grant.area == area && grant.verb >= verb)
        .min_by_key(|grant| grant.verb)
        .copied()
}
