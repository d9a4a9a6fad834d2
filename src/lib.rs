//! Siaga: the desk.
