//! What is trusted of a height: what ibc-go keeps in a consensus state, and which block it is of.

use crate::header::Height;
use crate::refusal::{Refusal, refuse};
use alloc::vec::Vec;
use prost::Message;

/// A verified height. Only the verifier makes one; [`Trusted::decode`] reads back what it made, from the relay's own journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Its height.
    pub height: Height,
    /// Its time, unix nanoseconds.
    pub time_ns: u64,
    /// Root of the application's state after the block BEFORE it, 32 bytes on every chain in use. Before a chain's first block it may be
    /// empty; nothing is proven against an empty one.
    pub root: Vec<u8>,
    /// Hash of the validators of the next height.
    pub next_validators_hash: [u8; 32],
    /// The chain's hash of the block.
    pub block_hash: [u8; 32],
}

#[derive(Clone, PartialEq, Eq, ::prost::Message)]
struct TrustedWire {
    /// Of this encoding: 1.
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint64, tag = "2")]
    revision: u64,
    #[prost(uint64, tag = "3")]
    number: u64,
    #[prost(fixed64, tag = "4")]
    time_ns: u64,
    #[prost(bytes = "vec", tag = "5")]
    root: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    next_validators_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    block_hash: Vec<u8>,
}

impl Trusted {
    /// The bytes for the journal.
    pub fn encode(&self) -> Vec<u8> {
        let wire = TrustedWire {
            version: 1,
            revision: self.height.revision,
            number: self.height.number,
            time_ns: self.time_ns,
            root: self.root.clone(),
            next_validators_hash: self.next_validators_hash.to_vec(),
            block_hash: self.block_hash.to_vec(),
        };
        wire.encode_to_vec()
    }

    /// Reads what [`Trusted::encode`] wrote.
    ///
    /// # Errors
    /// [`Refusal`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let wire = TrustedWire::decode(bytes).map_err(|error| refuse("trusted-encoding", "a trusted state", error))?;
        if wire.encode_to_vec() != bytes {
            return Err(refuse("trusted-encoding", "the canonical encoding", "another one"));
        }
        if wire.version != 1 {
            return Err(refuse("trusted-encoding", "version 1", wire.version));
        }
        let hash = |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map_err(|bytes| refuse("trusted-encoding", "32 bytes", bytes.len()));
        if wire.root.len() > 64 {
            return Err(refuse("trusted-encoding", "a root of at most 64 bytes", wire.root.len()));
        }
        Ok(Self {
            height: Height { revision: wire.revision, number: wire.number },
            time_ns: wire.time_ns,
            root: wire.root,
            next_validators_hash: hash(wire.next_validators_hash)?,
            block_hash: hash(wire.block_hash)?,
        })
    }
}
