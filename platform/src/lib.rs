//! Siaga: platform.
