//! What identity asks for.

use crate::people::{Area, Permission, Verb};

/// See people and their sessions.
pub const USER_READ: Permission = Permission::new("user.read", Area::People, Verb::Read);
/// Invite, suspend, unlock, end sessions.
pub const USER_WRITE: Permission = Permission::new("user.write", Area::People, Verb::Write);
/// Give a role.
pub const USER_ROLE: Permission = Permission::new("user.role", Area::People, Verb::Full);
/// See the desk: prices, accounts, alerts, of everybody.
pub const DESK_READ: Permission = Permission::new("desk.read", Area::Trading, Verb::Read);
/// Work at the desk: orders, limits, switches, notes.
pub const DESK_WRITE: Permission = Permission::new("desk.write", Area::Trading, Verb::Write);

/// All of them.
pub const ALL: &[Permission] = &[USER_READ, USER_WRITE, USER_ROLE, DESK_READ, DESK_WRITE];
