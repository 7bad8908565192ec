//! The light client of CometBFT chains: headers, commits and ICS-23 proofs, judged as ibc-go's 07-tendermint client judges them, or more
//! strictly.
//!
//! Pure: no I/O, no clock, no randomness, no logging; equal arguments give equal answers and nothing panics. It stands on
//! `tendermint-light-client-verifier` for the verification algorithm and on `ics23` for single proofs; around them are the rules that
//! neither has: canonical bytes, every signature of a commit, pinned proof specifications. Called by the adapter of the Cosmos family.
//!
//! - [`Untrusted`]: a header as it comes, parsed and bounded;
//! - [`verify_header`], [`verify_root`], [`verify_misbehaviour`]: what makes [`Trusted`] of it, or a [`Refusal`];
//! - [`verify_membership`], [`verify_absence`]: proofs against a trusted root;
//! - [`verify_upgrade`]: what a chain that ends leaves behind for its clients.
#![no_std]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
extern crate alloc;
#[cfg(any(test, feature = "fixtures"))]
extern crate std;

mod commit;
#[cfg(feature = "fixtures")]
pub mod fixtures;
mod header;
mod misbehaviour;
mod proof;
mod refusal;
mod trusted;
mod upgrade;
mod verify;

pub use header::{HEADER_BYTES_MAX, Height, Untrusted, VALIDATORS_MAX, revision};
pub use misbehaviour::verify_misbehaviour;
pub use proof::{PROOF_BYTES_MAX, verify_absence, verify_membership};
pub use refusal::{Refusal, Rule};
pub use trusted::Trusted;
pub use upgrade::{Left, Successor, UPGRADE_KEY, UPGRADE_STORE, upgraded_client_key, upgraded_consensus_key, verify_upgrade};
pub use verify::{Judged, Params, verify_header, verify_root};

#[cfg(test)]
mod tests;
