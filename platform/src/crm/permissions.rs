//! What may be done in the CRM.

use crate::people::{Area, Permission, Verb};

/// See leads, their timeline and the board.
pub const LEAD_READ: Permission = Permission::new("lead.read", Area::Crm, Verb::Read);
/// Enter a lead.
pub const LEAD_CAPTURE: Permission = Permission::new("lead.capture", Area::Crm, Verb::Write);
/// Change what is known of a lead, its facts and deals; take a merge back.
pub const LEAD_EDIT: Permission = Permission::new("lead.edit", Area::Crm, Verb::Write);
/// Move a lead, close it, open it again.
pub const LEAD_MOVE: Permission = Permission::new("lead.move", Area::Crm, Verb::Write);
/// Write notes of talks.
pub const LEAD_NOTE: Permission = Permission::new("lead.note", Area::Crm, Verb::Write);
/// Give a lead to an agent or to the pool: managers, see [`super::Hand`].
pub const LEAD_ASSIGN: Permission = Permission::new("lead.assign", Area::Crm, Verb::Write);
/// See follow-up tasks.
pub const TASK_READ: Permission = Permission::new("task.read", Area::Crm, Verb::Read);
/// Make and change follow-up tasks.
pub const TASK_WRITE: Permission = Permission::new("task.write", Area::Crm, Verb::Write);
/// See who takes leads.
pub const AGENT_READ: Permission = Permission::new("agent.read", Area::Crm, Verb::Read);
/// Say who takes leads, and of which kind: managers, see [`super::Hand`].
pub const AGENT_WRITE: Permission = Permission::new("agent.write", Area::Crm, Verb::Write);
/// Rule of assignment, sources and their secrets.
pub const CRM_CONFIGURE: Permission = Permission::new("crm.configure", Area::Crm, Verb::Full);
/// See the figures of the leads that one sees.
pub const ANALYTICS_VIEW: Permission =
    Permission::new("analytics.view", Area::Analytics, Verb::Read);
/// Take them out as a file.
pub const ANALYTICS_EXPORT: Permission =
    Permission::new("analytics.export", Area::Analytics, Verb::Write);
/// End somebody's work for the house.
pub const USER_LEAVE: Permission = Permission::new("user.leave", Area::People, Verb::Write);

/// All of them.
pub const ALL: &[Permission] = &[
    LEAD_READ,
    LEAD_CAPTURE,
    LEAD_EDIT,
    LEAD_MOVE,
    LEAD_NOTE,
    LEAD_ASSIGN,
    TASK_READ,
    TASK_WRITE,
    AGENT_READ,
    AGENT_WRITE,
    CRM_CONFIGURE,
    ANALYTICS_VIEW,
    ANALYTICS_EXPORT,
    USER_LEAVE,
];
