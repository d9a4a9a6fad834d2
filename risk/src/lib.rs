//! Siaga: risk.
