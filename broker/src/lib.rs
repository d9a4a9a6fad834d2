//! Siaga: broker.
