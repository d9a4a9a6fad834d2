//! Siaga: feed.
