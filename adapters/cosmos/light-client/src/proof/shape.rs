//! What a node of the two trees may look like, whatever hashes come out of it.
//!
//! The `ics23` crate checks less than these rules: it bounds the depth only where a specification has a least depth as well, takes any leaf
//! prefix that begins with the right byte, takes steps with a sibling on both sides, and stops the program when two neighbours share their
//! whole path. Nothing here hashes. Called by [`super`] before anything is computed.
//!
//! Sources: refuse.md P1, P2 and P4; cosmos/iavl `proof.go` and `proof_ics23.go`; cometbft `crypto/merkle/hash.go`.

use super::Tree;
use crate::refusal::{Refusal, refuse};
use alloc::format;
use ics23::{ExistenceProof, HashOp, InnerOp, LeafOp, LengthOp};

/// Most steps of a path. The published specifications say 0, for which this stands (refuse.md P2: not "unlimited").
pub(crate) const DEPTH_MAX: usize = 128;

/// Before each hash in an IAVL node: its length, 32.
const HASH_LENGTH: u8 = 0x20;

/// Judges the leaf and every step of a proof of existence.
pub(super) fn existence(tree: Tree, proof: &ExistenceProof) -> Result<(), Refusal> {
    if proof.key.is_empty() || proof.value.is_empty() {
        return Err(refuse("proof-empty", "a key and a value", "an empty one"));
    }
    let leaf = proof.leaf.as_ref().ok_or_else(|| refuse("proof-leaf", "a leaf", "none"))?;
    if !leaf_operations(leaf) || !leaf_prefix(tree, &leaf.prefix) {
        return Err(refuse("proof-leaf", "a leaf as the chain hashes it", "another one"));
    }
    if proof.path.len() > DEPTH_MAX {
        return Err(refuse("proof-depth", format!("at most {DEPTH_MAX} steps"), proof.path.len()));
    }
    for (layer, step) in (1_i64..).zip(&proof.path) {
        let well_formed = match tree {
            Tree::Store => iavl_step(step, layer),
            Tree::Stores => simple_step(step),
        };
        if !well_formed || step.hash != HashOp::Sha256 as i32 {
            return Err(refuse("proof-step", "a node as the chain hashes it", format!("another one at step {layer}")));
        }
    }
    Ok(())
}

/// Two neighbours part somewhere: below the steps that they share, each has one of its own.
pub(super) fn neighbours_part(left: &ExistenceProof, right: &ExistenceProof) -> Result<(), Refusal> {
    let shared = left.path.iter().rev().zip(right.path.iter().rev()).take_while(|(left, right)| left == right).count();
    if shared < left.path.len() && shared < right.path.len() {
        return Ok(());
    }
    Err(refuse("proof-neighbours", "two leaves of one tree", "paths that do not part"))
}

/// SHA-256 over the length-prefixed key and the length-prefixed hash of the value. Both trees.
fn leaf_operations(leaf: &LeafOp) -> bool {
    leaf.hash == HashOp::Sha256 as i32
        && leaf.prehash_key == HashOp::NoHash as i32
        && leaf.prehash_value == HashOp::Sha256 as i32
        && leaf.length == LengthOp::VarProto as i32
}

fn leaf_prefix(tree: Tree, prefix: &[u8]) -> bool {
    match tree {
        Tree::Stores => prefix == [0],
        // Height 0, size 1, any version, and nothing else.
        Tree::Store => matches!(iavl_head(prefix), Some((0, 1, _, []))),
    }
}

/// Height at least the layer, and a sibling on one side at most.
fn iavl_step(step: &InnerOp, layer: i64) -> bool {
    let Some((height, _, _, rest)) = iavl_head(&step.prefix) else { return false };
    let one_sibling = match (rest, step.suffix.as_slice()) {
        ([HASH_LENGTH], []) => true,
        ([HASH_LENGTH], [HASH_LENGTH, right @ ..]) => right.len() == 32,
        ([HASH_LENGTH, left @ .., HASH_LENGTH], []) => left.len() == 32,
        _ => false,
    };
    height >= layer && one_sibling
}

/// The byte 1, and a sibling of 32 bytes on one side at most.
fn simple_step(step: &InnerOp) -> bool {
    match (step.prefix.as_slice(), step.suffix.as_slice()) {
        ([1], suffix) => matches!(suffix.len(), 0 | 32),
        ([1, left @ ..], []) => left.len() == 32,
        _ => false,
    }
}

/// Height, size and version of an IAVL node, none negative, and what follows.
fn iavl_head(prefix: &[u8]) -> Option<(i64, i64, i64, &[u8])> {
    let (height, rest) = natural(prefix)?;
    let (size, rest) = natural(rest)?;
    let (version, rest) = natural(rest)?;
    Some((height, size, version, rest))
}

/// A zigzag varint that is not negative, written as short as it can be, and what follows it. Source: Go `encoding/binary` `PutVarint`.
fn natural(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let shift = u32::try_from(index).ok()?.checked_mul(7)?;
        let part = u64::from(byte & 0x7f);
        let placed = part.checked_shl(shift)?;
        if placed.checked_shr(shift)? != part {
            return None;
        }
        value |= placed;
        if byte & 0x80 == 0 {
            let short = index == 0 || *byte != 0;
            let natural = value & 1 == 0 && short;
            return i64::try_from(value >> 1).ok().filter(|_| natural).zip(bytes.get(index.checked_add(1)?..));
        }
    }
    None
}
