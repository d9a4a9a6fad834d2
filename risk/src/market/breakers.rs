//! Circuit-breaker rules of exchanges.
