//! Proofs: reads of the store with their ICS-23 proofs at one height, many keys a request.
//!
//! The root of state after block h stands in header h + 1, so that evidence for client height h is read at h - 1. What the node says of
//! values decides only which claims are worth sending; the light client judges the proofs. Called by [`crate::adapter`].

use crate::answers::AbciResponse;
use crate::chain::{Chain, Query, Result};
use crate::convert::{channel_to, connection_to};
use causeway_adapter::{AdapterError, Evidence, EvidenceItem, Provable};
use causeway_types::{Claim, Height};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

/// Most claims of one fetch.
const CLAIMS_MAX: usize = 2_000;
/// Most steps of a proof: the key in its store, the store in the chain.
const STEPS: usize = 2;

pub(crate) async fn provable(chain: &Chain, claim: &Claim) -> Result<Provable> {
    known(claim)?;
    // For what is in a block, any block from the next one on will do; for what is not, the newest counts.
    let head = match claim.locator() {
        Some(locator) => chain.head_above(locator.block.saturating_add(1)).await?,
        None => chain.recent_head().await?,
    };
    let later = Provable::Later { retry_after_ms: chain.config.block_interval_ms };
    if let Claim::NoReceipt { packet } | Claim::NotReached { packet } = claim
        && !packet.expired(chain.height(head.number), Some(head.time_s))
    {
        let wait_s = packet.expires_at_s().map_or(0, |at| at.saturating_sub(head.time_s));
        return Ok(Provable::Later { retry_after_ms: wait_s.saturating_mul(1_000).clamp(chain.config.block_interval_ms, 60_000) });
    }
    if let Some(locator) = claim.locator() {
        let from = locator.block.saturating_add(1);
        return Ok(if head.number >= from { Provable::From(chain.height(from)) } else { later });
    }
    let Some(below) = head.number.checked_sub(1).filter(|below| *below > 0) else { return Ok(later) };
    let response = chain.query(Query::store(&chain.config.store_name, claim.path(), below, false)).await?;
    if response.code != 0 {
        return Err(chain.state_refused(&response, below, head.number));
    }
    Ok(if holds(claim, &response) { Provable::From(chain.height(head.number)) } else { later })
}

pub(crate) async fn fetch(chain: &Chain, claims: &[Claim], height: Height) -> Result<Evidence> {
    if claims.len() > CLAIMS_MAX {
        let detail = format!("{} claims; at most {CLAIMS_MAX} are proven at once", claims.len());
        return Err(AdapterError::Invalid { what: "claims", detail });
    }
    claims.iter().try_for_each(known)?;
    if height.revision != chain.revision || height.number < 2 {
        return Err(AdapterError::NotFound { what: "height", name: height.to_string() });
    }
    let below = height.number - 1;
    let queries: Vec<Query> = claims.iter().map(|claim| Query::store(&chain.config.store_name, claim.path(), below, true)).collect();
    let answers = chain.queries(&queries).await?;
    let mut each = Vec::with_capacity(claims.len());
    for (claim, response) in claims.iter().zip(&answers) {
        if response.code != 0 {
            let head = chain.head().await?.number;
            return Err(chain.state_refused(response, below, head));
        }
        if response.height.unsigned() != below || response.key.0 != claim.path() {
            return Err(chain.protocol("proof-place", format!("the key at {below}"), format!("another, at {}", response.height.0)));
        }
        each.push(if holds(claim, response) { EvidenceItem::Bytes(item(chain, claim, response)?) } else { EvidenceItem::NotSo });
    }
    Ok(Evidence { height, shared: Vec::new(), each })
}

/// Whether the family proves that kind of claim.
fn known(claim: &Claim) -> Result<()> {
    match claim {
        Claim::Expired { .. } => Err(AdapterError::Unsupported { operation: "a proof that a packet was marked expired" }),
        _ => Ok(()),
    }
}

/// Whether the value fits the claim, by the node's word.
fn holds(claim: &Claim, response: &AbciResponse) -> bool {
    let value = response.value.0.as_slice();
    match claim {
        Claim::NoReceipt { .. } | Claim::NoCommitment { .. } => value.is_empty(),
        Claim::Receipt { .. } => !value.is_empty(),
        Claim::NotReached { packet } => next_sequence(value).is_some_and(|next| next <= packet.sequence().get()),
        Claim::Connection { end, .. } => value == connection_to(end).encode_to_vec(),
        Claim::Channel { end, .. } => value == channel_to(end).encode_to_vec(),
        _ => claim.value().is_some_and(|expected| expected == value),
    }
}

/// Evidence of a claim: its Merkle proof; behind the sequence that an ordered channel waits for, 8 bytes big endian, where that is proven.
fn item(chain: &Chain, claim: &Claim, response: &AbciResponse) -> Result<Vec<u8>> {
    let proof = merkle_proof(chain, response)?;
    Ok(match claim {
        Claim::NotReached { .. } => [response.value.0.as_slice(), &proof].concat(),
        _ => proof,
    })
}

/// The sequence that an ordered channel waits for. Source: ibc-go `modules/core/04-channel/keeper/keeper.go` `GetNextSequenceRecv`.
fn next_sequence(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

/// ibc-go's `MerkleProof`: the steps of the answer, the leaf's first. They are passed on as they are, never read here.
pub(crate) fn merkle_proof(chain: &Chain, response: &AbciResponse) -> Result<Vec<u8>> {
    let steps = response.proof_ops.as_ref().map(|proof| proof.ops.as_slice()).unwrap_or_default();
    if steps.len() != STEPS {
        return Err(chain.protocol("proof-steps", STEPS, steps.len()));
    }
    let mut bytes = Vec::new();
    for step in steps {
        encode_key(1, WireType::LengthDelimited, &mut bytes);
        encode_varint(step.data.0.len() as u64, &mut bytes);
        bytes.extend_from_slice(&step.data.0);
    }
    Ok(bytes)
}
