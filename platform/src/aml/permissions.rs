//! What may be done about sanctions, monitoring and money.

use crate::people::{Area, Permission, Verb};

/// See the lists and look a name up.
pub const SANCTIONS_READ: Permission = Permission::new("sanctions.read", Area::Aml, Verb::Read);
/// Screen a client now.
pub const SANCTIONS_SCREEN: Permission =
    Permission::new("sanctions.screen", Area::Aml, Verb::Write);
/// Say where lists come from.
pub const SANCTIONS_CONFIGURE: Permission =
    Permission::new("sanctions.configure", Area::Aml, Verb::Full);
/// See cases.
pub const AML_READ: Permission = Permission::new("aml.read", Area::Aml, Verb::Read);
/// Work on cases, decide hits, end an exception.
pub const AML_WORK: Permission = Permission::new("aml.work", Area::Aml, Verb::Write);
/// Write reports of suspicious activity.
pub const SAR_DRAFT: Permission = Permission::new("sar.draft", Area::Aml, Verb::Write);
/// Approve them and note that they were filed.
pub const SAR_APPROVE: Permission = Permission::new("sar.approve", Area::Aml, Verb::Write);
/// See movements of money.
pub const CASH_READ: Permission = Permission::new("cash.read", Area::Finance, Verb::Read);
/// Ask for a movement of one's own money.
pub const CASH_REQUEST: Permission = Permission::new("cash.request", Area::Finance, Verb::Request);
/// Correct a balance.
pub const CASH_CORRECT: Permission = Permission::new("cash.correct", Area::Finance, Verb::Write);
/// Approve, confirm and reject movements.
pub const CASH_DECIDE: Permission = Permission::new("cash.decide", Area::Finance, Verb::Write);
/// Hold a movement, and release it.
pub const CASH_HOLD: Permission = Permission::new("cash.hold", Area::Aml, Verb::Write);

/// All of them.
pub const ALL: &[Permission] = &[
    SANCTIONS_READ,
    SANCTIONS_SCREEN,
    SANCTIONS_CONFIGURE,
    AML_READ,
    AML_WORK,
    SAR_DRAFT,
    SAR_APPROVE,
    CASH_READ,
    CASH_REQUEST,
    CASH_CORRECT,
    CASH_DECIDE,
    CASH_HOLD,
];
