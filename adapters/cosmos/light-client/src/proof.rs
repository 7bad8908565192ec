//! ICS-23 proofs of the two trees of a Cosmos chain: IAVL within the store, a simple Merkle tree over the stores.
//!
//! The specifications are pinned here and never taken from a counterparty (refuse.md P3). Sources: cosmos/ics23 `rust/src/api.rs`
//! (specifications), cosmos/ibc-go `modules/core/23-commitment/types/merkle.go` (chaining of the two).

use crate::refusal::{Refusal, refuse};
use alloc::format;
use alloc::vec::Vec;
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, ExistenceProof, HostFunctionsManager, ProofSpec, calculate_existence_root};
use prost::Message;
use prost_ics23::Message as _;

/// Most bytes of one proof; a tree of 2^40 keys needs about 6 KB.
pub const PROOF_BYTES_MAX: usize = 64 << 10;

/// Most steps of a path, where the published specification says 0 (refuse.md P2: not "unlimited").
const DEPTH_MAX: i32 = 128;

/// Source: cosmos/ibc-go `proto/ibc/core/commitment/v1/commitment.proto` `MerkleProof`; the members are ICS-23's own messages.
#[derive(Clone, PartialEq, Eq, ::prost::Message)]
pub(crate) struct MerkleProofWire {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) proofs: Vec<Vec<u8>>,
}

/// The specifications of both trees.
#[derive(Debug, Clone, PartialEq)]
pub struct ProofSpecs {
    pub(crate) store: ProofSpec,
    pub(crate) stores: ProofSpec,
}

impl Default for ProofSpecs {
    fn default() -> Self {
        let bounded = |spec: ProofSpec| ProofSpec { max_depth: DEPTH_MAX, ..spec };
        Self { store: bounded(ics23::iavl_spec()), stores: bounded(ics23::tendermint_spec()) }
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
    let specs = ProofSpecs::default();
    let (inner, outer) = pair(proof)?;
    let store_root = root_with(&specs.store, &inner, (key, value))?;
    store_is_in(root, store, &store_root, &outer, &specs)
}

/// Judges that `store` holds nothing under `key` in the state with this root.
///
/// # Errors
/// [`Refusal`] naming the broken rule.
pub fn verify_absence(root: &[u8], store: &[u8], key: &[u8], proof: &[u8]) -> Result<(), Refusal> {
    if key.is_empty() {
        return Err(refuse("proof-empty", "a key", "an empty one"));
    }
    let specs = ProofSpecs::default();
    let (inner, outer) = pair(proof)?;
    let store_root = root_without(&specs.store, &inner, key)?;
    store_is_in(root, store, &store_root, &outer, &specs)
}

/// The root of the tree in which a proof shows this value under the key.
pub(crate) fn root_with(spec: &ProofSpec, proof: &CommitmentProof, (key, value): (&[u8], &[u8])) -> Result<Vec<u8>, Refusal> {
    let Some(Proof::Exist(exists)) = &proof.proof else {
        return Err(refuse("proof-kind", "a proof of existence", kind(proof)));
    };
    let root = root_of(exists)?;
    if !ics23::verify_membership::<HostFunctionsManager>(proof, spec, &root, key, value) {
        return Err(refuse("proof-membership", "the key with this value", describe(exists)));
    }
    Ok(root)
}

/// The root of the tree in which a proof shows nothing under the key.
pub(crate) fn root_without(spec: &ProofSpec, proof: &CommitmentProof, key: &[u8]) -> Result<Vec<u8>, Refusal> {
    let Some(Proof::Nonexist(absent)) = &proof.proof else {
        return Err(refuse("proof-kind", "a proof of absence", kind(proof)));
    };
    let neighbour = absent.left.as_ref().or(absent.right.as_ref());
    let root = root_of(neighbour.ok_or_else(|| refuse("proof-neighbours", "a neighbour of the absent key", "none"))?)?;
    if absent.key != key || !ics23::verify_non_membership::<HostFunctionsManager>(proof, spec, &root, key) {
        return Err(refuse("proof-absence", "neighbours that leave no room for the key", "a proof that does not show it"));
    }
    Ok(root)
}

/// The root of the store is the value of its name in the tree of stores.
fn store_is_in(root: &[u8], store: &[u8], store_root: &[u8], outer: &CommitmentProof, specs: &ProofSpecs) -> Result<(), Refusal> {
    // refuse.md P11: no root is no root to be proven against.
    if root.is_empty() {
        return Err(refuse("proof-root", "a root of the state", "none"));
    }
    if root_with(&specs.stores, outer, (store, store_root))? != root {
        return Err(refuse("proof-store", "the store under the trusted root", "a proof of another root"));
    }
    Ok(())
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

fn root_of(proof: &ExistenceProof) -> Result<Vec<u8>, Refusal> {
    let root = calculate_existence_root::<HostFunctionsManager>(proof);
    root.map_err(|error| refuse("proof-root", "a path to a root", error))
}

fn kind(proof: &CommitmentProof) -> &'static str {
    match &proof.proof {
        None => "none",
        Some(Proof::Exist(_)) => "one of existence",
        Some(Proof::Nonexist(_)) => "one of absence",
        Some(Proof::Batch(_) | Proof::Compressed(_)) => "a batch",
    }
}

fn describe(proof: &ExistenceProof) -> alloc::string::String {
    format!("a proof of {} bytes under a key of {} bytes, {} steps", proof.value.len(), proof.key.len(), proof.path.len())
}
