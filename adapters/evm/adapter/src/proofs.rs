//! Proofs: `eth_getProof` at a block number (refuse.md C7), one call for many claims, and the node lists made of them.
//!
//! What the node says of values decides only which claims are worth sending; the light client judges the nodes. Called by
//! [`crate::adapter`] and [`crate::plan`].

use crate::chain::{Chain, Result, quantity, slot};
use crate::nodes::NodeSet;
use crate::rpc::{Call, FailureKind, parse};
use alloy::primitives::{B256, Bytes, U256};
use alloy::sol_types::SolValue;
use causeway_adapter::{AdapterError, Evidence, EvidenceItem, Provable};
use causeway_evm_light_client::EMPTY_ROOT;
use causeway_types::{Claim, Height, Packet};
use serde::Deserialize;
use serde_json::json;

#[cfg(test)]
mod tests;

/// Storage keys in one `eth_getProof`.
const KEYS_MAX: usize = 256;
/// Most claims of one fetch.
const CLAIMS_MAX: usize = 2_000;

/// The answer of `eth_getProof`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawProof {
    pub(crate) account_proof: Vec<Bytes>,
    pub(crate) storage_hash: B256,
    storage_proof: Vec<RawStorageProof>,
}

#[derive(Debug, Clone, Deserialize)]
struct RawStorageProof {
    key: U256,
    value: U256,
    proof: Vec<Bytes>,
}

/// Account proofs of the router at heights.
pub(crate) async fn account_proofs(chain: &Chain, heights: &[u64]) -> Result<Vec<Vec<Bytes>>> {
    let calls: Vec<Call> = heights.iter().map(|height| proof_call(chain, &[], *height)).collect();
    let answers = chain.rpc.batch(calls).await?;
    let mut proofs = Vec::with_capacity(heights.len());
    for (answer, height) in answers.into_iter().zip(heights) {
        proofs.push(proof(chain, answer, *height).await?.account_proof);
    }
    Ok(proofs)
}

/// The answer of one `eth_getProof`; some clients answer null for a block they cannot prove.
async fn proof(chain: &Chain, answer: crate::rpc::Answer, height: u64) -> Result<RawProof> {
    match answer {
        Err(failure) => Err(proof_error(chain, failure, height).await),
        Ok(raw) => match parse::<Option<RawProof>>(&chain.rpc.first_name(), "eth_getProof", &raw)? {
            Some(proof) => Ok(proof),
            None => Err(unservable(chain, height).await),
        },
    }
}

fn proof_call(chain: &Chain, keys: &[B256], height: u64) -> Call {
    Call::new("eth_getProof", json!([chain.router, keys, quantity(height)]))
}

/// A refusal of a proof, sorted by where the height is: above the head, or too old. Clients word both in many ways, Besu in none.
async fn proof_error(chain: &Chain, failure: crate::rpc::Failure, height: u64) -> AdapterError {
    let vague = failure.kind() == FailureKind::Other && failure.code == -32000;
    if !vague && !matches!(failure.kind(), FailureKind::Pruned | FailureKind::UnknownBlock) {
        return chain.state_error(failure, height);
    }
    unservable(chain, height).await
}

/// Why a node that has the chain gives no proof at a height.
async fn unservable(chain: &Chain, height: u64) -> AdapterError {
    match chain.head().await {
        Err(error) => error,
        Ok(head) if height > head.height => AdapterError::Lagging { found: Height::new(head.height), needed: Height::new(height) },
        Ok(head) => {
            let window = chain.config.state_window_blocks.max(1);
            let oldest = head.height.saturating_sub(window - 1).max(height.saturating_add(1));
            AdapterError::HeightPruned { asked: Height::new(height), oldest: Height::new(oldest) }
        }
    }
}

pub(crate) async fn fetch(chain: &Chain, claims: &[Claim], height: Height) -> Result<Evidence> {
    if claims.len() > CLAIMS_MAX {
        let detail = format!("{} claims; at most {CLAIMS_MAX} are proven at once", claims.len());
        return Err(AdapterError::Invalid { what: "claims", detail });
    }
    if height.revision != 0 {
        return Err(AdapterError::Invalid { what: "height", detail: format!("{height}: an EVM chain has no revisions") });
    }
    if !claims.iter().all(known) {
        return Err(AdapterError::Unsupported { operation: "a proof of that kind of claim" });
    }
    let slots: Vec<B256> = claims.iter().map(|claim| slot(&claim.path())).collect();
    let calls = slots.chunks(KEYS_MAX).map(|keys| proof_call(chain, keys, height.number)).collect();
    let mut proofs = Vec::with_capacity(slots.len());
    for (answer, keys) in chain.rpc.batch(calls).await?.into_iter().zip(slots.chunks(KEYS_MAX)) {
        let proof = proof(chain, answer, height.number).await?;
        proofs.extend(check_keys(chain, proof, keys)?);
    }
    let items = claims.iter().zip(proofs).map(|(claim, proof)| holds(claim, &proof).then_some(proof.proof));
    let (shared, each) = share(items).ok_or_else(|| AdapterError::Invalid {
        what: "claims",
        detail: "their proofs have too many nodes; ask for fewer at once".to_string(),
    })?;
    Ok(Evidence { height, shared, each })
}

/// Whether the family proves that kind of claim.
fn known(claim: &Claim) -> bool {
    match claim {
        Claim::NoCommitment { source, .. } => source.client().is_some(),
        Claim::Commitment { packet, .. } | Claim::Receipt { packet, .. } | Claim::NoReceipt { packet } | Claim::Ack { packet, .. } => {
            matches!(packet, Packet::V2(_))
        }
        _ => false,
    }
}

/// Whether the value that the node reports fits the claim.
fn holds(claim: &Claim, proof: &RawStorageProof) -> bool {
    match (claim, claim.value()) {
        (Claim::NoReceipt { .. } | Claim::NoCommitment { .. }, _) => proof.value.is_zero(),
        (_, Some(value)) => proof.value == U256::from_be_bytes(value),
        (_, None) => !proof.value.is_zero(),
    }
}

/// The proofs of one answer, in the order of the keys.
fn check_keys(chain: &Chain, proof: RawProof, keys: &[B256]) -> Result<Vec<RawStorageProof>> {
    if proof.storage_proof.len() != keys.len() {
        return Err(chain.protocol("proof-keys", format!("{} keys", keys.len()), proof.storage_proof.len()));
    }
    let empty = proof.storage_hash.0 == EMPTY_ROOT;
    let mut proofs = proof.storage_proof;
    for (found, key) in proofs.iter_mut().zip(keys) {
        if found.key != U256::from_be_bytes(key.0) {
            return Err(chain.protocol("proof-keys", key, found.key));
        }
        if empty {
            // Clients print the empty trie as no node or as one empty node; nothing is what the verifier takes.
            found.proof.clear();
        } else {
            found.proof = outer_nodes(std::mem::take(&mut found.proof));
        }
    }
    Ok(proofs)
}

/// Nodes below 32 bytes stand inside their parents; clients that list them again repeat themselves.
fn outer_nodes(proof: Vec<Bytes>) -> Vec<Bytes> {
    proof.into_iter().enumerate().filter(|(index, node)| *index == 0 || node.len() >= 32).map(|(_, node)| node).collect()
}

/// The canonical form: nodes once, in order of first use, and indices an item. `None` when there are too many nodes.
pub(crate) fn share(items: impl Iterator<Item = Option<Vec<Bytes>>>) -> Option<(Vec<u8>, Vec<EvidenceItem>)> {
    let mut set = NodeSet::default();
    let each = items
        .map(|item| match item {
            None => Some(EvidenceItem::NotSo),
            Some(path) => set.add(&path).map(|indices| EvidenceItem::Bytes(indices.abi_encode())),
        })
        .collect::<Option<Vec<_>>>()?;
    Some((set.into_nodes().abi_encode(), each))
}

pub(crate) async fn provable(chain: &Chain, claim: &Claim) -> Result<Provable> {
    if !known(claim) {
        return Err(AdapterError::Unsupported { operation: "a proof of that kind of claim" });
    }
    let later = Provable::Later { retry_after_ms: chain.config.block_interval_ms };
    let head = chain.head().await?;
    if let Some(locator) = claim.locator() {
        return Ok(if locator.block <= head.height { Provable::From(Height::new(locator.block)) } else { later });
    }
    if let Claim::NoReceipt { packet } = claim {
        let timeout_s = packet.expires_at_s().unwrap_or(u64::MAX);
        if head.time_s < timeout_s {
            let wait_s = timeout_s.saturating_sub(head.time_s).min(600);
            return Ok(Provable::Later { retry_after_ms: wait_s.saturating_mul(1_000) });
        }
    }
    let word = chain.storage(&[slot(&claim.path())], head.height).await?;
    let word = word.first().copied().unwrap_or_default();
    let holds = match (claim, claim.value()) {
        (Claim::NoReceipt { .. } | Claim::NoCommitment { .. }, _) => word.is_zero(),
        (_, Some(value)) => word.0 == value,
        (_, None) => !word.is_zero(),
    };
    Ok(if holds { Provable::From(Height::new(head.height)) } else { later })
}
