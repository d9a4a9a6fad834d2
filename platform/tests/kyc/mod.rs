//! What KYC promises: the life of a case, who may do what, and what holds when many act at once.

mod life;
mod locks;
pub mod office;
mod photo;
mod rights;
mod teams;
