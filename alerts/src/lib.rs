//! Siaga: alerts.
