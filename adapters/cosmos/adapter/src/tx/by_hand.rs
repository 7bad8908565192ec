//! Messages that a person sends by hand: simulated, signed, broadcast one transaction behind the other, followed into their blocks.
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

/// Messages of one kind, who sends them and what they are called in refusals.
pub(crate) struct ByHand<'a> {
    /// In words, for example `transfer`.
    pub(crate) what: &'static str,
    /// Name of the key that signs and pays.
    pub(crate) key: &'a str,
    /// What it may cost.
    pub(crate) fees: &'a FeePolicy,
    /// The messages of an account, alike in the gas that they take.
    pub(crate) messages: &'a (dyn Fn(&str) -> Vec<Any> + Sync),
    /// Messages a transaction, at least one.
    pub(crate) each: usize,
}

impl CosmosAdapter {
    /// Sends the only message; answers once it is in a block.
    ///
    /// # Errors
    /// As [`CosmosAdapter::send_by_hand`].
    pub(crate) async fn send_one_by_hand(&self, sent: &ByHand<'_>) -> Result<(TxId, Height)> {
        self.send_by_hand(sent).await?.pop().ok_or_else(|| sent.refused("there is no message to send"))
    }

    /// Sends them; answers, transaction by transaction, once all are in blocks.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] with the chain's reason when it refuses, [`AdapterError::InsufficientFunds`], and what the endpoints say. What
    /// was sent before stays sent.
    pub(crate) async fn send_by_hand(&self, sent: &ByHand<'_>) -> Result<Vec<(TxId, Height)>> {
        let mut txs = self.signed_by_hand(sent).await?;
        if !self.hand_in(sent, &txs, false).await? {
            // Once more with what the node asked for.
            txs = self.signed_by_hand(sent).await?;
            self.hand_in(sent, &txs, true).await?;
        }
        let mut included = Vec::with_capacity(txs.len());
        // They are included in order: when the last one is there, so are the others.
        for tx in txs.into_iter().rev() {
            let height = self.included(sent, &tx).await?;
            included.push((tx.tx_id, height));
        }
        included.reverse();
        Ok(included)
    }

    /// Broadcasts in order. Whether the chain took them; `false` when it asks for a higher price, and nothing was sent.
    async fn hand_in(&self, sent: &ByHand<'_>, txs: &[SignedTx], priced: bool) -> Result<bool> {
        for (at, tx) in txs.iter().enumerate() {
            match broadcast(self.chain(), tx).await? {
                BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => {}
                BroadcastResult::Underpriced { .. } if at == 0 && !priced => return Ok(false),
                BroadcastResult::Underpriced { reason } | BroadcastResult::Refused { reason, .. } => return Err(sent.refused(&reason)),
            }
        }
        Ok(true)
    }

    /// Transactions with the sequences that follow each other. The first is simulated; the others have the gas that it takes.
    async fn signed_by_hand(&self, sent: &ByHand<'_>) -> Result<Vec<SignedTx>> {
        let (chain, config) = (self.chain(), &self.chain().config);
        let signer = self.keys().signer(sent.key).ok_or_else(|| missing_key(sent.key))?;
        let state = account::state(chain, signer.address()).await?;
        let timeout_height = state.height.saturating_add(config.timeout_blocks);
        let price = price::price(chain, sent.fees).await?;
        let (sequence, account_number) = (state.sequence, state.number);
        let terms = Terms { sequence, account_number, gas_limit: config.tx_gas_max, price, timeout_height };
        let messages = (sent.messages)(signer.address());
        let each = sent.each.max(1);
        let first = messages.get(..each.min(messages.len())).unwrap_or_default();
        let gas_used = match simulate(chain, signer, first, terms).await? {
            Simulated::Passed { gas_used, .. } => gas_used,
            Simulated::Failed(log) => return Err(sent.refused(&log)),
        };
        let gas = u128::from(gas_used) * u128::from(sent.fees.gas_headroom_percent.max(100)) / 100;
        let gas_limit = u64::try_from(gas).unwrap_or(u64::MAX).min(config.tx_gas_max);
        let invalid = |detail: String| AdapterError::Invalid { what: "transaction", detail };
        let sign = |(messages, sequence): (&[Any], u64)| {
            let doc = sign_doc(config, signer, messages.to_vec(), Terms { gas_limit, sequence, ..terms });
            let signature = signer.sign(&doc.encode_to_vec()).map_err(|error| invalid(error.to_string()))?;
            let raw = raw(doc, signature);
            let tx_id = tx_id(&raw).ok_or_else(|| invalid("it has no id".to_string()))?;
            Ok(SignedTx { tx_id, raw, account: signer.address().to_string(), slot: Slot::Number(sequence) })
        };
        messages.chunks(each).zip(sequence..).map(sign).collect()
    }

    /// Waits until the transaction is in a block.
    async fn included(&self, sent: &ByHand<'_>, tx: &SignedTx) -> Result<Height> {
        let wait = async {
            loop {
                match self.outcome(tx).await? {
                    Outcome::Included { height, results, .. } => match results.into_iter().next() {
                        Some(MessageResult::Failed(reason)) => return Err(sent.refused(&reason)),
                        Some(MessageResult::NotExecuted) => return Err(sent.refused("it was not executed")),
                        _ => return Ok(height),
                    },
                    Outcome::Impossible(why) => return Err(sent.refused(&format!("{why:?}"))),
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

impl ByHand<'_> {
    fn refused(&self, log: &str) -> AdapterError {
        AdapterError::Invalid { what: self.what, detail: format!("the chain refuses it: {}", crate::rpc::short(log)) }
    }
}
