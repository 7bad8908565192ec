//! The adapter against embedded chains with the real contracts.

mod admin;
mod common;
mod conformance;
mod heads;
mod hostile;
mod limits;
mod relay;
mod warden;
