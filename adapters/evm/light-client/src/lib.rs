//! Light client of EVM chains that seal their blocks with QBFT or IBFT 2.0 (Besu, GoQuorum): pure verification of headers and of
//! Merkle-Patricia proofs.
//!
//! What it is: functions of bytes, a trusted state and a time that the caller passes in. `no_std`, free of panics on any input,
//! bounded in work and memory. What it is not: it fetches nothing, stores nothing, reads no clock, logs nothing and knows no ABI.
//! Who calls it: the EVM adapter (in the relayer) and, through [`Recover`], hosts that bring their own signature recovery. The
//! Solidity client follows the same rules; the feature `fixtures` generates the cases that both must judge alike.
//!
//! - [`rlp`]: strict, bounded RLP.
//! - [`header`]: header, `extraData`, seal digest and normalised hash.
//! - [`predicates`]: one function a rule. [`rules`]: their names.
//! - [`client`]: [`verify_update`], [`verify_misbehaviour`].
//! - [`trie`], [`account`], [`storage`]: proofs of accounts and of commitments in the router's storage.
//! - [`recover`]: signature recovery behind a trait.
//!
//! ```
//! use causeway_evm_light_client::{EMPTY_ROOT, storage};
//! // In a trie without entries every path is absent, and the proof has no nodes.
//! let path = b"qbft-0\x02\0\0\0\0\0\0\0\x01";
//! assert!(storage::verify_absence::<&[u8]>(&EMPTY_ROOT, path, &[]).is_ok());
//! // The same empty list proves nothing about any other root.
//! assert!(storage::verify_absence::<&[u8]>(&[7; 32], path, &[]).is_err());
//! ```
#![no_std]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

extern crate alloc;
#[cfg(feature = "fixtures")]
extern crate std;

pub mod account;
pub mod client;
#[cfg(feature = "fixtures")]
pub mod fixtures;
pub mod hash;
pub mod header;
pub mod predicates;
pub mod recover;
pub mod rlp;
pub mod rules;
pub mod storage;
pub mod trie;

pub use client::{ClientParams, Conflict, Held, TrustedState, Update, Verdict, compare_held, place, verify_misbehaviour, verify_update};
pub use hash::{Address, EMPTY_ROOT, Hash, keccak256, validators_hash};
pub use header::{Header, Kind};
#[cfg(feature = "secp256k1")]
pub use recover::NativeRecover;
pub use recover::Recover;
pub use rules::Violation;
pub use storage::{BatchItem, verify_absence, verify_batch, verify_membership};
pub use trie::{NodeSet, Proven};
