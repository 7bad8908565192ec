//! The vocabulary of the relay: identifiers, heights, packets, acknowledgements, claims, and the bytes of IBC v2 and classic.
//!
//! What it is not: it performs no I/O, knows no chain family and no wire codec. Every other crate of the workspace
//! may depend on it.
//!
//! - [`id`]: bounded newtypes for chains, clients and sequences;
//! - [`height`]: heights and timestamps;
//! - [`packet`]: packets and acknowledgements of either protocol, as the relay sees them;
//! - [`v2`]: packets of IBC v2, with the hashes that chains store ([`commitment`]) and the keys they store them under ([`path`]);
//! - [`classic`]: packets, hashes and keys of IBC classic;
//! - [`claim`]: what a light client is asked to prove.
//!
//! ```
//! use causeway_types::{ClientId, Sequence, path};
//! let client = ClientId::new("channel-0").unwrap();
//! assert_eq!(hex::encode(path::packet_commitment(&client, Sequence::new(1).unwrap())), "6368616e6e656c2d30010000000000000001");
//! ```
#![no_std]
extern crate alloc;

pub mod claim;
pub mod classic;
pub mod commitment;
pub mod height;
pub mod id;
pub mod packet;
pub mod path;
#[cfg(test)]
mod tests;
pub mod v2;

pub use claim::{Claim, Locator};
pub use height::{Head, Height};
pub use id::{ChainId, ClientId, IdError, PacketKey, Sequence, TxId};
pub use packet::{Acknowledgement, Packet, PacketEnd, PacketError};
pub use v2::Payload;

/// A 32-byte hash. It has no `Default`: an all-zero hash must never pass for a real one (refuse.md P11).
pub type Hash = [u8; 32];
