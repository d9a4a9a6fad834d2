//! Leads from their first word to a trading client.
