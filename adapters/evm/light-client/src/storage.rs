//! Commitments in the router's storage: where they are, and proofs that they are or are not there.
//!
//! The layout is that of solidity-ibc-eureka (evm-formats.md section 3). Not here: what a commitment commits to. Called by the adapter.

use alloc::vec::Vec;

use crate::hash::{Hash, keccak256};
use crate::rlp;
use crate::rules::{self, Hex, Violation, ensure};
use crate::trie::{self, NodeSet, Proven};

/// ERC-7201 slot of `ibc.storage.IBCStore`; the mapping of commitments is its first member.
pub const IBCSTORE_STORAGE_SLOT: Hash = [
    0x12, 0x60, 0x94, 0x44, 0x89, 0x27, 0x29, 0x88, 0xd9, 0xdf, 0x28, 0x51, 0x49, 0xb5, 0xaa, 0x1b, 0x0f, 0x48, 0xf2, 0x13, 0x6d, 0x6f,
    0x41, 0x61, 0x59, 0xf8, 0x40, 0xa3, 0xe0, 0x74, 0x76, 0x00,
];

/// One claim of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchItem<'a> {
    /// The commitment path.
    pub path: &'a [u8],
    /// The commitment; `None` claims absence.
    pub value: Option<[u8; 32]>,
    /// Indices into the shared nodes, root first.
    pub nodes: &'a [u16],
}

/// The storage slot of a commitment path: keccak256(keccak256(path) || slot of the mapping). This is what `eth_getProof` takes.
#[must_use]
pub fn slot_of(path: &[u8]) -> Hash {
    let mut preimage = [0_u8; 64];
    let (key, slot) = preimage.split_at_mut(32);
    key.copy_from_slice(&keccak256(path));
    slot.copy_from_slice(&IBCSTORE_STORAGE_SLOT);
    keccak256(&preimage)
}

/// The key of a commitment path in the storage trie: keccak256 of its slot.
#[must_use]
pub fn trie_key(path: &[u8]) -> Hash {
    keccak256(&slot_of(path))
}

/// The one element of a Merkle path towards an EVM chain.
///
/// # Errors
/// `path-shape` unless there is exactly one element and it is not empty.
pub fn path_of<B: AsRef<[u8]>>(elements: &[B]) -> Result<&[u8], Violation> {
    match elements {
        [path] if !path.as_ref().is_empty() => Ok(path.as_ref()),
        _ => Err(Violation::new(rules::PATH_SHAPE, "one element that is not empty", elements.len())),
    }
}

/// A stored value as 32 bytes: canonical RLP of a string without leading zeros, left-padded (C6).
///
/// # Errors
/// `value-encoding`.
pub fn decode_value(stored: &[u8]) -> Result<[u8; 32], Violation> {
    let item = rlp::exact(stored).map_err(|error| Violation::new(rules::VALUE_ENCODING, "a canonical integer", error))?;
    let bytes = item.bytes().map_err(|error| Violation::new(rules::VALUE_ENCODING, "a canonical integer", error))?;
    let canonical = bytes.first().is_some_and(|byte| *byte != 0) && bytes.len() <= 32;
    ensure(canonical, rules::VALUE_ENCODING, "1 to 32 bytes that do not start with zero", Hex(bytes))?;
    let mut value = [0; 32];
    // `bytes` has at most 32 bytes, so the reversed zip puts every one of them in place.
    for (to, from) in value.iter_mut().rev().zip(bytes.iter().rev()) {
        *to = *from;
    }
    Ok(value)
}

/// Verifies that `path` holds `value` under `storage_root`; `nodes` is the single proof, root first.
///
/// # Errors
/// `proof-absent`, `value-mismatch`, `value-encoding`, or the rules of [`NodeSet::walk`].
pub fn verify_membership<B: AsRef<[u8]>>(storage_root: &Hash, path: &[u8], value: &[u8; 32], nodes: &[B]) -> Result<(), Violation> {
    judge(trie::prove(storage_root, &trie_key(path), nodes)?, Some(value))
}

/// Verifies that `path` holds nothing under `storage_root`; `nodes` is the single proof, root first.
///
/// # Errors
/// `proof-present`, or the rules of [`NodeSet::walk`].
pub fn verify_absence<B: AsRef<[u8]>>(storage_root: &Hash, path: &[u8], nodes: &[B]) -> Result<(), Violation> {
    judge(trie::prove(storage_root, &trie_key(path), nodes)?, None)
}

/// Verifies many claims over shared nodes; one verdict an item, in their order. Takes time for each node once and each item's walk.
///
/// # Errors
/// `proof-too-large` for the node set as a whole.
pub fn verify_batch<B: AsRef<[u8]>>(
    storage_root: &Hash,
    nodes: &[B],
    items: &[BatchItem<'_>],
) -> Result<Vec<Result<(), Violation>>, Violation> {
    let set = NodeSet::new(nodes)?;
    let verdict = |item: &BatchItem<'_>| {
        let proven = set.walk(storage_root, &trie_key(item.path), item.nodes.iter().copied())?;
        judge(proven, item.value.as_ref())
    };
    Ok(items.iter().map(verdict).collect())
}

/// Compares what is proven with what is claimed.
fn judge(proven: Proven<'_>, claimed: Option<&[u8; 32]>) -> Result<(), Violation> {
    match (proven, claimed) {
        (Proven::Absent, None) => Ok(()),
        (Proven::Absent, Some(value)) => Err(Violation::new(rules::PROOF_ABSENT, Hex(value), "proof of absence")),
        (Proven::Present(stored), None) => Err(Violation::new(rules::PROOF_PRESENT, "proof of absence", Hex(stored))),
        (Proven::Present(stored), Some(value)) => {
            let found = decode_value(stored)?;
            ensure(found == *value, rules::VALUE_MISMATCH, Hex(value), Hex(&found))
        }
    }
}
