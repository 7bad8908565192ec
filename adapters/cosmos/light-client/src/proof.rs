//! ICS-23 proofs of the two trees of a Cosmos chain: IAVL within the store, a simple Merkle tree over the stores.
//!
//! The specifications are pinned here and never taken from a counterparty (refuse.md P3). What a node may look like is [`shape`]'s to say;
//! hashes and the order of neighbours are the `ics23` crate's. Sources: cosmos/ics23 `rust/src/api.rs` (specifications), cosmos/ibc-go
//! `modules/core/23-commitment/types/merkle.go` (chaining of the two).

pub(crate) mod shape;

use crate::refusal::{Refusal, refuse};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, ExistenceProof, HostFunctionsManager, ProofSpec, calculate_existence_root};
use prost::Message;
use prost_ics23::Message as _;

/// Most bytes of one proof; a tree of 2^40 keys needs about 6 KB.
pub const PROOF_BYTES_MAX: usize = 64 << 10;

/// Source: cosmos/ibc-go `proto/ibc/core/commitment/v1/commitment.proto` `MerkleProof`; the members are ICS-23's own messages.
#[derive(Clone, PartialEq, Eq, ::prost::Message)]
pub(crate) struct MerkleProofWire {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) proofs: Vec<Vec<u8>>,
}

/// One of the two trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tree {
    /// The keys of a store, an IAVL tree.
    Store,
    /// The roots of the stores under their names, a simple tree.
    Stores,
}

impl Tree {
    pub(crate) fn spec(self) -> ProofSpec {
        match self {
            Self::Store => ics23::iavl_spec(),
            Self::Stores => ics23::tendermint_spec(),
        }
    }
}

/// Judges that `store` holds `value` under `key` in the state with this root.
///
/// # Errors
/// [`Refusal`] naming the broken rule.
pub fn verify_membership(root: &[u8], store: &[u8], (key, value): (&[u8], &[u8]), proof: &[u8]) -> Result<(), Refusal> {
    if key.is_empty() || value.is_empty() {
        return Err(refuse("proof-empty", "a key and a value", "an empty one"));
    }
    let (inner, outer) = pair(proof)?;
    let store_root = &existence(&outer)?.value;
    holds(Tree::Store, store_root, &inner, (key, value))?;
    store_is_in(root, store, &outer)
}

/// Judges that `store` holds nothing under `key` in the state with this root.
///
/// # Errors
/// [`Refusal`] naming the broken rule.
pub fn verify_absence(root: &[u8], store: &[u8], key: &[u8], proof: &[u8]) -> Result<(), Refusal> {
    if key.is_empty() {
        return Err(refuse("proof-empty", "a key", "an empty one"));
    }
    let (inner, outer) = pair(proof)?;
    let store_root = &existence(&outer)?.value;
    lacks(Tree::Store, store_root, &inner, key)?;
    store_is_in(root, store, &outer)
}

/// The root of the store, which the first proof leads to, is the value of its name in the tree of stores.
fn store_is_in(root: &[u8], store: &[u8], outer: &CommitmentProof) -> Result<(), Refusal> {
    let store_root = &existence(outer)?.value;
    holds(Tree::Stores, root, outer, (store, store_root))
}

/// The tree with this root holds this value under this key.
pub(crate) fn holds(tree: Tree, root: &[u8], proof: &CommitmentProof, (key, value): (&[u8], &[u8])) -> Result<(), Refusal> {
    let exists = existence(proof)?;
    root_is_hash(root)?;
    shape::existence(tree, exists)?;
    if exists.key != key {
        return Err(refuse("proof-key", hex(key), hex(&exists.key)));
    }
    if exists.value != value {
        return Err(refuse("proof-value", hex(value), hex(&exists.value)));
    }
    if ics23::verify_membership::<HostFunctionsManager>(proof, &tree.spec(), &root.to_vec(), key, value) {
        return Ok(());
    }
    Err(other_root(tree, root, exists))
}

/// The tree with this root holds nothing under this key.
pub(crate) fn lacks(tree: Tree, root: &[u8], proof: &CommitmentProof, key: &[u8]) -> Result<(), Refusal> {
    let Some(Proof::Nonexist(absent)) = &proof.proof else {
        return Err(refuse("proof-kind", "a proof of absence", kind(proof)));
    };
    root_is_hash(root)?;
    if absent.key != key {
        return Err(refuse("proof-key", hex(key), hex(&absent.key)));
    }
    for neighbour in [&absent.left, &absent.right].into_iter().flatten() {
        shape::existence(tree, neighbour)?;
    }
    match (&absent.left, &absent.right) {
        (None, None) => return Err(refuse("proof-neighbours", "a neighbour of the absent key", "none")),
        (Some(left), Some(right)) => shape::neighbours_part(left, right)?,
        _ => {}
    }
    let before = absent.left.as_ref().is_none_or(|left| left.key.as_slice() < key);
    let after = absent.right.as_ref().is_none_or(|right| key < right.key.as_slice());
    if !before || !after {
        return Err(refuse("proof-order", "neighbours around the key", "a key that is not between them"));
    }
    if ics23::verify_non_membership::<HostFunctionsManager>(proof, &tree.spec(), &root.to_vec(), key) {
        return Ok(());
    }
    for neighbour in [&absent.left, &absent.right].into_iter().flatten() {
        if root_of(neighbour).as_deref() != Some(root) {
            return Err(other_root(tree, root, neighbour));
        }
    }
    Err(refuse("proof-absence", "neighbours that leave no room for the key", "leaves with room between them"))
}

/// refuse.md P11: no root is no root to be proven against.
fn root_is_hash(root: &[u8]) -> Result<(), Refusal> {
    if root.len() == 32 { Ok(()) } else { Err(refuse("proof-root", "a root of 32 bytes", root.len())) }
}

/// The two proofs of a Merkle proof, leaf first, each in its one encoding.
fn pair(bytes: &[u8]) -> Result<(CommitmentProof, CommitmentProof), Refusal> {
    if bytes.len() > PROOF_BYTES_MAX {
        return Err(refuse("proof-size", format!("at most {PROOF_BYTES_MAX} bytes"), bytes.len()));
    }
    let wire = MerkleProofWire::decode(bytes).map_err(|error| refuse("proof-encoding", "a Merkle proof", error))?;
    let [inner, outer] = wire.proofs.as_slice() else {
        return Err(refuse("proof-count", "2 proofs: within the store, and of the store", wire.proofs.len()));
    };
    if wire.encode_to_vec() != bytes {
        return Err(refuse("proof-encoding", "the canonical encoding", "another one"));
    }
    Ok((one(inner)?, one(outer)?))
}

pub(crate) fn one(bytes: &[u8]) -> Result<CommitmentProof, Refusal> {
    let proof = CommitmentProof::decode(bytes).map_err(|error| refuse("proof-encoding", "an ICS-23 proof", error))?;
    if proof.encode_to_vec() != bytes {
        return Err(refuse("proof-encoding", "the canonical encoding", "another one"));
    }
    Ok(proof)
}

fn existence(proof: &CommitmentProof) -> Result<&ExistenceProof, Refusal> {
    match &proof.proof {
        Some(Proof::Exist(exists)) => Ok(exists),
        _ => Err(refuse("proof-kind", "a proof of existence", kind(proof))),
    }
}

fn root_of(proof: &ExistenceProof) -> Option<Vec<u8>> {
    calculate_existence_root::<HostFunctionsManager>(proof).ok()
}

/// Every shape is right and the specification is the chain's: what remains is a path to somewhere else.
fn other_root(tree: Tree, expected: &[u8], proof: &ExistenceProof) -> Refusal {
    let found = root_of(proof).map_or_else(|| String::from("no root"), |root| hex(&root));
    let rule = match tree {
        Tree::Store => "proof-store-root",
        Tree::Stores => "proof-root",
    };
    refuse(rule, hex(expected), found)
}

fn kind(proof: &CommitmentProof) -> &'static str {
    match &proof.proof {
        None => "none",
        Some(Proof::Exist(_)) => "one of existence",
        Some(Proof::Nonexist(_)) => "one of absence",
        Some(Proof::Batch(_) | Proof::Compressed(_)) => "a batch",
    }
}

/// For messages: not more than 64 bytes of somebody else's data.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect()
}
