/// A person's role; one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything, everywhere.
    SuperAdmin,
    /// Leads a team of sales agents.
    SalesManager,
    /// Works on leads.
    SalesAgent,
    /// Answers clients.
    CsStaff,
    /// Introducing broker: sees who came through them.
    IbPartner,
    /// A client.
    EndUser,
    /// Decides KYC cases, files reports of suspicious activity.
    ComplianceOfficer,
    /// Decides on deposits and withdrawals.
    Finance,
    /// Writes content.
    ContentEditor,
    /// Approves content.
    ContentModerator,
    /// Works orders and links.
    Dealer,
    /// Watches margin and limits.
    RiskOfficer,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 13] = [
        Role::SuperAdmin,
        Role::SalesManager,
        Role::SalesAgent,
        Role::CsStaff,
        Role::IbPartner,
        Role::EndUser,
        Role::ComplianceOfficer,
        Role::Finance,
        Role::ContentEditor,
        Role::ContentModerator,
        Role::Dealer,
        Role::RiskOfficer,
        Role::Auditor,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Role::SuperAdmin => "super_admin",
            Role::SalesManager => "sales_manager",
            Role::SalesAgent => "sales_agent",
            Role::CsStaff => "cs_staff",
            Role::IbPartner => "ib_partner",
            Role::EndUser => "end_user",
            Role::ComplianceOfficer => "compliance_officer",
            Role::Finance => "finance",
            Role::ContentEditor => "content_editor",
            Role::ContentModerator => "content_moderator",
            Role::Dealer => "dealer",
            Role::RiskOfficer => "risk_officer",
            Role::Auditor => "auditor",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Works for the house; needs a second factor.
    pub fn is_staff(self) -> bool {
        !matches!(self, Role::IbPartner | Role::EndUser)
    }
}
