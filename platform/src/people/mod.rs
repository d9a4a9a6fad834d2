//! People: roles, what each may do (decisions 8.1), and the principal that a request acts for.

mod permission;
mod principal;
mod rbac;
mod role;

pub use permission::{Area, Permission, Verb};
pub use principal::{Principal, Target, Verdict, Who, allowed};
pub use rbac::{Grant, Scope, Sight, grant};
pub use role::Role;
