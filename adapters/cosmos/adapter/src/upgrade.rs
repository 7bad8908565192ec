//! Clients that follow a chain whose name changes in an upgrade: the states that the old chain leaves for them, and the act that hands them to a
//! client.
//!
//! What it is not: no part of the seam. The old chain stops for good at the height of its plan, so that this is done once, by a person.
//! Called by the binary, for `client upgrade`. Source: cosmos/ibc-go `modules/light-clients/07-tendermint/upgrade.go`.

use crate::adapter::CosmosAdapter;
use crate::answers::AbciResponse;
use crate::chain::{Query, Result};
use crate::light_client::{decode, seam, violation};
use crate::proofs::merkle_proof;
use crate::tx::by_hand::ByHand;
use causeway_adapter::{AdapterError, FeePolicy, TrustedState, Violation};
use causeway_cosmos_light_client as verifier;
use causeway_cosmos_proto::ibc::core::client::v1::MsgUpgradeClient;
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1 as tendermint;
use causeway_cosmos_proto::{Any, any, unpack};
use causeway_types::{ClientId, Height, TxId};
use prost::Message;

#[cfg(test)]
mod tests;

/// What a chain left for its clients at the height of an upgrade plan, with proofs. A node's word until
/// [`verify_upgrade`] says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradedStates {
    /// The height of the plan: the root of its header proves both.
    pub height: Height,
    client: Vec<u8>,
    consensus: Vec<u8>,
    client_proof: Vec<u8>,
    consensus_proof: Vec<u8>,
}

/// The chain that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// What it calls itself.
    pub chain_id: String,
    /// What a client holds of it at first, and with it everybody who trusted the old chain.
    pub trusted: TrustedState,
}

/// What the chain that a client follows calls itself, from the client's state; `None` for a client of another family.
pub fn followed_chain(client_state: &[u8]) -> Option<String> {
    let state: tendermint::ClientState = unpack(&Any::decode(client_state).ok()?).ok()?;
    Some(state.chain_id)
}

impl CosmosAdapter {
    /// What this chain left for its clients at the height of an upgrade plan.
    ///
    /// # Errors
    /// [`AdapterError::Lagging`] before that height, [`AdapterError::HeightPruned`] where the node keeps no such old state,
    /// [`AdapterError::Invalid`] when there is no plan of that height that clients can follow.
    pub async fn upgraded_states(&self, height: Height) -> Result<UpgradedStates> {
        let chain = self.chain();
        let head = chain.head().await?.number;
        let Some(below) = height.number.checked_sub(1).filter(|below| *below > 0 && height.revision == chain.revision) else {
            return Err(AdapterError::NotFound { what: "height", name: height.to_string() });
        };
        if head < height.number {
            return Err(AdapterError::Lagging { found: chain.height(head), needed: height });
        }
        let keys = [verifier::upgraded_client_key(height.number), verifier::upgraded_consensus_key(height.number)];
        let queries = keys.clone().map(|key| Query::store(verifier::UPGRADE_STORE, key, below, true));
        let answers = chain.queries(&queries).await?;
        let [client, consensus] = answers.as_slice() else {
            return Err(chain.protocol("json-rpc-batch", "2 answers", answers.len()));
        };
        for (answer, key) in [(client, &keys[0]), (consensus, &keys[1])] {
            self.left(answer, (key, height))?;
        }
        Ok(UpgradedStates {
            height,
            client: client.value.0.clone(),
            consensus: consensus.value.0.clone(),
            client_proof: merkle_proof(chain, client)?,
            consensus_proof: merkle_proof(chain, consensus)?,
        })
    }

    /// Whether an answer holds what was asked for.
    fn left(&self, answer: &AbciResponse, (key, height): (&[u8], Height)) -> Result<()> {
        let (chain, below) = (self.chain(), height.number.saturating_sub(1));
        if answer.code != 0 {
            return Err(chain.state_refused(answer, below, height.number));
        }
        if answer.height.unsigned() != below || answer.key.0 != key {
            return Err(chain.protocol("proof-place", format!("the key at {below}"), format!("another, at {}", answer.height.0)));
        }
        if !answer.value.0.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "{} left nothing for its clients at height {height} (no {}); give the height of the plan, which the proposal names; \
             an upgrade that keeps the chain id needs none of its clients",
            chain.config.chain_id,
            String::from_utf8_lossy(key)
        );
        Err(AdapterError::Invalid { what: "upgrade plan", detail })
    }

    /// Hands the states to a client on this chain with an unlocked key, and waits until that is in a block.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] with the chain's reason when it refuses.
    pub async fn upgrade_client(&self, key: &str, client: &ClientId, states: &UpgradedStates, fees: &FeePolicy) -> Result<TxId> {
        let state = |bytes: &[u8]| {
            Any::decode(bytes).map_err(|error| AdapterError::Invalid { what: "upgraded state", detail: format!("does not parse: {error}") })
        };
        let upgrade = MsgUpgradeClient {
            client_id: client.to_string(),
            client_state: Some(state(&states.client)?),
            consensus_state: Some(state(&states.consensus)?),
            proof_upgrade_client: states.client_proof.clone(),
            proof_upgrade_consensus_state: states.consensus_proof.clone(),
            signer: String::new(),
        };
        let messages = |signer: &str| vec![any(&MsgUpgradeClient { signer: signer.to_string(), ..upgrade.clone() })];
        Ok(self.send_one_by_hand(&ByHand { what: "client upgrade", key, fees, messages: &messages, each: 1 }).await?.0)
    }
}

/// Judges what a chain left behind, by the verified height of its plan.
///
/// # Errors
/// [`Violation`] naming the broken rule.
pub fn verify_upgrade(last: &TrustedState, states: &UpgradedStates) -> core::result::Result<Successor, Violation> {
    if states.height != last.height {
        return Err(Violation::new("evidence-height", last.height.to_string(), states.height.to_string()));
    }
    let left = verifier::Left {
        client: &states.client,
        consensus: &states.consensus,
        client_proof: &states.client_proof,
        consensus_proof: &states.consensus_proof,
    };
    let found = verifier::verify_upgrade(&decode(last)?, left).map_err(violation)?;
    Ok(Successor { chain_id: found.chain_id, trusted: seam(&found.trusted) })
}
