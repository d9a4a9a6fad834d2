//! An announced maintenance.

use siaga_platform::maintenance::Maintenance;

use crate::wire;

wire! {
    /// A maintenance that an administrator announced to everybody.
    pub struct MaintenanceDto {
        /// UTC microseconds.
        pub starts_at: u64,
        pub ends_at: u64,
        /// What the administrator says of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message: Option<String>,
    }
}

impl From<Maintenance> for MaintenanceDto {
    fn from(known: Maintenance) -> MaintenanceDto {
        MaintenanceDto {
            starts_at: known.starts_at,
            ends_at: known.ends_at,
            message: known.message,
        }
    }
}
