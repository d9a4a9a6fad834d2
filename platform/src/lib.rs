//! Siaga's business platform: its place, the door to the database, and the one event table.

pub mod db;
