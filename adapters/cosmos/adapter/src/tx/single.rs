//! One message that a person sends by hand: simulated, signed, broadcast, followed into its block.
//!
//! What it is not: no part of relaying, and nothing of it is journaled; who runs the command again must find out first what became of it.
//! Called for transfers ([`crate::transfer`]) and for acts on clients ([`crate::upgrade`]).

use super::simulate::{Simulated, simulate};
use super::{Terms, account, broadcast, missing_key, price, raw, sign_doc};
use crate::adapter::CosmosAdapter;
use crate::blocks::tx_id;
use crate::chain::Result;
use causeway_adapter::{AdapterError, BroadcastResult, ChainAdapter, FeePolicy, MessageResult, Outcome, SignedTx, Slot};
use causeway_cosmos_proto::Any;
use causeway_types::{Height, TxId};
use prost::Message;
use std::time::Duration;

/// Longest that a transaction may take into a block.
const INCLUSION_MAX: Duration = Duration::from_secs(120);
/// Time between two looks for it.
const POLL: Duration = Duration::from_millis(250);

/// A message, who sends it and what it is called in refusals.
pub(crate) struct Single<'a> {
    /// In words, for example `transfer`.
    pub(crate) what: &'static str,
    /// Name of the key that signs and pays.
    pub(crate) key: &'a str,
    /// What it may cost.
    pub(crate) fees: &'a FeePolicy,
    /// The message of an account.
    pub(crate) message: &'a (dyn Fn(&str) -> Any + Sync),
}

impl CosmosAdapter {
    /// Sends it; answers once it is in a block.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] with the chain's reason when it refuses, [`AdapterError::InsufficientFunds`], and what the endpoints say.
    pub(crate) async fn send_single(&self, single: &Single<'_>) -> Result<(TxId, Height)> {
        let mut tx = self.signed_single(single).await?;
        let mut answer = broadcast(self.chain(), &tx).await?;
        if matches!(answer, BroadcastResult::Underpriced { .. }) {
            // Once more with what the node asked for.
            tx = self.signed_single(single).await?;
            answer = broadcast(self.chain(), &tx).await?;
        }
        match answer {
            BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => {}
            BroadcastResult::Underpriced { reason } | BroadcastResult::Refused { reason, .. } => return Err(single.refused(&reason)),
        }
        let height = self.included(single, &tx).await?;
        Ok((tx.tx_id, height))
    }

    async fn signed_single(&self, single: &Single<'_>) -> Result<SignedTx> {
        let (chain, config) = (self.chain(), &self.chain().config);
        let signer = self.keys().signer(single.key).ok_or_else(|| missing_key(single.key))?;
        let state = account::state(chain, signer.address()).await?;
        let timeout_height = state.height.saturating_add(config.timeout_blocks);
        let price = price::price(chain, single.fees).await?;
        let (sequence, account_number) = (state.sequence, state.number);
        let terms = Terms { sequence, account_number, gas_limit: config.tx_gas_max, price, timeout_height };
        let message = (single.message)(signer.address());
        let gas_used = match simulate(chain, signer, std::slice::from_ref(&message), terms).await? {
            Simulated::Passed { gas_used, .. } => gas_used,
            Simulated::Failed(log) => return Err(single.refused(&log)),
        };
        let gas = u128::from(gas_used) * u128::from(single.fees.gas_headroom_percent.max(100)) / 100;
        let gas_limit = u64::try_from(gas).unwrap_or(u64::MAX).min(config.tx_gas_max);
        let doc = sign_doc(config, signer, vec![message], Terms { gas_limit, ..terms });
        let invalid = |detail: String| AdapterError::Invalid { what: "transaction", detail };
        let signature = signer.sign(&doc.encode_to_vec()).map_err(|error| invalid(error.to_string()))?;
        let raw = raw(doc, signature);
        let tx_id = tx_id(&raw).ok_or_else(|| invalid("it has no id".to_string()))?;
        Ok(SignedTx { tx_id, raw, account: signer.address().to_string(), slot: Slot::Number(state.sequence) })
    }

    /// Waits until the transaction is in a block.
    async fn included(&self, single: &Single<'_>, tx: &SignedTx) -> Result<Height> {
        let wait = async {
            loop {
                match self.outcome(tx).await? {
                    Outcome::Included { height, results, .. } => match results.into_iter().next() {
                        Some(MessageResult::Failed(reason)) => return Err(single.refused(&reason)),
                        Some(MessageResult::NotExecuted) => return Err(single.refused("it was not executed")),
                        _ => return Ok(height),
                    },
                    Outcome::Impossible(why) => return Err(single.refused(&format!("{why:?}"))),
                    Outcome::Pending | Outcome::Unknown => tokio::time::sleep(POLL).await,
                }
            }
        };
        let late = |_| AdapterError::Unreachable {
            endpoint: self.chain().rpc.first_name(),
            detail: format!("transaction {} is in no block after two minutes", tx.tx_id),
        };
        tokio::time::timeout(INCLUSION_MAX, wait).await.map_err(late)?
    }
}

impl Single<'_> {
    fn refused(&self, log: &str) -> AdapterError {
        AdapterError::Invalid { what: self.what, detail: format!("the chain refuses it: {}", crate::rpc::short(log)) }
    }
}
