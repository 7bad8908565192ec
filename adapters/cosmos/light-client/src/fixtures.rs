//! Blocks signed with real keys, and states with real proofs, made in process.
//!
//! Only with the feature `fixtures`. Not part of what a relayer runs. Called by the tests and benches of this crate and of the adapter:
//!
//! - [`Validator`] signs, with an ed25519 or a secp256k1 key that follows from a number;
//! - [`Block`] is a block of a chain, with votes of every kind, and encodes to the header of ibc-go that builds on another block;
//! - [`State`] is what a chain holds, with its root, and encodes to the Merkle proof of a key or of its absence.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test generators: a wrong index here is a failing test, not a failing relayer"
)]

mod chain;
mod state;

#[cfg(test)]
pub(crate) use chain::to_wire;
pub use chain::{Block, KeyKind, Validator, Vote};
pub use state::State;
#[cfg(test)]
pub(crate) use state::head;
