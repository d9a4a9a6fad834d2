//! Who may do what in KYC: cells of the table of roles.

use crate::people::{Area, Permission, Verb};

/// Hand documents in.
pub const UPLOAD: Permission = Permission::new("kyc.upload", Area::Kyc, Verb::Request);
/// Look at cases and documents.
pub const READ: Permission = Permission::new("kyc.read", Area::Kyc, Verb::Read);
/// Decide, type what a document says, resolve disputes.
pub const REVIEW: Permission = Permission::new("kyc.review", Area::Kyc, Verb::Write);
/// Give a blocked client one more attempt.
pub const OVERRIDE: Permission = Permission::new("kyc.override", Area::Kyc, Verb::Full);
/// Dispute a decision about oneself.
pub const DISPUTE: Permission = Permission::new("kyc.dispute", Area::Kyc, Verb::Request);

/// All of them.
pub const ALL: &[Permission] = &[UPLOAD, READ, REVIEW, OVERRIDE, DISPUTE];
