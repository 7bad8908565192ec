//! A token transfer (ICS-20) by hand, as a user's wallet sends one: simulated, signed, followed into its block.
//!
//! What it is not: no part of relaying. It signs with a key of the configuration and believes its node. Called by `causeway packet send`.

use crate::adapter::CosmosAdapter;
use crate::blocks::tx_id;
use crate::chain::Result;
use crate::tx::simulate::{Simulated, simulate};
use crate::tx::{Terms, account, broadcast, missing_key, price, raw, sign_doc};
use causeway_adapter::{
    AdapterError, BroadcastResult, ChainAdapter, Event, EventFilter, FeePolicy, MessageResult, Outcome, SignedTx, Slot, WatchRequest,
};
use causeway_cosmos_proto::cosmos::base::v1beta1::Coin;
use causeway_cosmos_proto::ibc::applications::transfer::v1::MsgTransfer;
use causeway_cosmos_proto::ibc::core::channel::v2::{MsgSendPacket, Payload};
use causeway_cosmos_proto::{Any, any};
use causeway_types::{Height, PacketEnd, Sequence, TxId};
use prost::Message;
use std::time::Duration;

/// Longest that a transaction may take into a block.
const INCLUSION_MAX: Duration = Duration::from_secs(120);
/// Time between two looks for it.
const POLL: Duration = Duration::from_millis(250);
/// The application's port, in IBC v2 and by custom in IBC classic. Source: ibc-go `modules/apps/transfer/types/keys.go`.
const PORT: &str = "transfer";

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The client (IBC v2) or the channel (IBC classic) on this chain.
    pub end: PacketEnd,
    /// The token: a denomination of this chain, or `ibc/…` of one that came from elsewhere.
    pub denom: String,
    /// How much, in its smallest unit.
    pub amount: u128,
    /// Account on the other chain.
    pub receiver: String,
    /// For the receiving application; may be empty.
    pub memo: String,
    /// Unix seconds from which on it can no longer be received.
    pub timeout_s: u64,
}

/// A transfer that is in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentTransfer {
    /// Sequence of the packet.
    pub sequence: Sequence,
    /// The transaction.
    pub tx_id: TxId,
}

impl CosmosAdapter {
    /// Sends a transfer from a key's account, and answers once it is in a block.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] with the chain's reason when it refuses the transfer, [`AdapterError::InsufficientFunds`], and what the
    /// endpoints say.
    pub async fn send_transfer(&self, key: &str, transfer: &Transfer, fees: &FeePolicy) -> Result<SentTransfer> {
        let mut tx = self.signed_transfer(key, transfer, fees).await?;
        let mut answer = broadcast(self.chain(), &tx).await?;
        if matches!(answer, BroadcastResult::Underpriced { .. }) {
            // Once more with what the node asked for.
            tx = self.signed_transfer(key, transfer, fees).await?;
            answer = broadcast(self.chain(), &tx).await?;
        }
        match answer {
            BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => {}
            BroadcastResult::Underpriced { reason } | BroadcastResult::Refused { reason, .. } => return Err(refused(&reason)),
        }
        let height = self.included(&tx).await?;
        let sequence = self.sequence_of(&transfer.end, &tx.tx_id, height).await?;
        Ok(SentTransfer { sequence, tx_id: tx.tx_id })
    }

    async fn signed_transfer(&self, key: &str, transfer: &Transfer, fees: &FeePolicy) -> Result<SignedTx> {
        let (chain, config) = (self.chain(), &self.chain().config);
        let signer = self.keys().signer(key).ok_or_else(|| missing_key(key))?;
        let state = account::state(chain, signer.address()).await?;
        let timeout_height = state.height.saturating_add(config.timeout_blocks);
        let price = price::price(chain, fees).await?;
        let (sequence, account_number) = (state.sequence, state.number);
        let terms = Terms { sequence, account_number, gas_limit: config.tx_gas_max, price, timeout_height };
        let message = message(transfer, signer.address());
        let gas_used = match simulate(chain, signer, std::slice::from_ref(&message), terms).await? {
            Simulated::Passed { gas_used, .. } => gas_used,
            Simulated::Failed(log) => return Err(refused(&log)),
        };
        let gas = u128::from(gas_used) * u128::from(fees.gas_headroom_percent.max(100)) / 100;
        let gas_limit = u64::try_from(gas).unwrap_or(u64::MAX).min(config.tx_gas_max);
        let doc = sign_doc(config, signer, vec![message], Terms { gas_limit, ..terms });
        let invalid = |detail: String| AdapterError::Invalid { what: "transaction", detail };
        let signature = signer.sign(&doc.encode_to_vec()).map_err(|error| invalid(error.to_string()))?;
        let raw = raw(doc, signature);
        let tx_id = tx_id(&raw).ok_or_else(|| invalid("it has no id".to_string()))?;
        Ok(SignedTx { tx_id, raw, account: signer.address().to_string(), slot: Slot::Number(state.sequence) })
    }

    /// Waits until the transaction is in a block.
    async fn included(&self, tx: &SignedTx) -> Result<Height> {
        let wait = async {
            loop {
                match self.outcome(tx).await? {
                    Outcome::Included { height, results, .. } => match results.into_iter().next() {
                        Some(MessageResult::Failed(reason)) => return Err(refused(&reason)),
                        Some(MessageResult::NotExecuted) => return Err(refused("it was not executed")),
                        _ => return Ok(height),
                    },
                    Outcome::Impossible(why) => return Err(refused(&format!("{why:?}"))),
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

    /// The sequence that the chain gave the packet, from the events of the block.
    async fn sequence_of(&self, end: &PacketEnd, tx_id: &TxId, height: Height) -> Result<Sequence> {
        let after = Height { number: height.number.saturating_sub(1), ..height };
        let filter = EventFilter { ends: vec![end.clone()], clients: Vec::new(), connections: Vec::new() };
        let request = WatchRequest { after, filter, blocks_max: 1, events_max: 10_000, wait_ms: 5_000 };
        let batch = self.watch(request).await?;
        let sent = batch.events.into_iter().filter(|event| event.tx == *tx_id).find_map(|event| match event.event {
            Event::Sent { packet } => Some(packet.sequence()),
            _ => None,
        });
        sent.ok_or_else(|| self.chain().protocol("sent-packet", format!("a packet from {end} in transaction {tx_id}"), "none"))
    }
}

fn refused(log: &str) -> AdapterError {
    AdapterError::Invalid { what: "transfer", detail: format!("the chain refuses it: {}", crate::rpc::short(log)) }
}

/// The message. In IBC v2 the packet is sent as such; in IBC classic the application sends it. Sources: ibc-go
/// `proto/ibc/core/channel/v2/tx.proto`, `proto/ibc/applications/transfer/v1/tx.proto`, `modules/apps/transfer/types/packet.go`.
fn message(transfer: &Transfer, sender: &str) -> Any {
    match &transfer.end {
        PacketEnd::Client(client) => {
            let data = serde_json::json!({
                "denom": transfer.denom, "amount": transfer.amount.to_string(), "sender": sender, "receiver": transfer.receiver,
                "memo": transfer.memo,
            });
            let payload = Payload {
                source_port: PORT.to_string(),
                destination_port: PORT.to_string(),
                version: "ics20-1".to_string(),
                encoding: "application/json".to_string(),
                value: data.to_string().into_bytes(),
            };
            any(&MsgSendPacket {
                source_client: client.to_string(),
                timeout_timestamp: transfer.timeout_s,
                payloads: vec![payload],
                signer: sender.to_string(),
            })
        }
        PacketEnd::Channel(channel) => any(&MsgTransfer {
            source_port: channel.port.to_string(),
            source_channel: channel.channel.to_string(),
            token: Some(Coin { denom: transfer.denom.clone(), amount: transfer.amount.to_string() }),
            sender: sender.to_string(),
            receiver: transfer.receiver.clone(),
            timeout_timestamp: transfer.timeout_s.saturating_mul(1_000_000_000),
            memo: transfer.memo.clone(),
            ..MsgTransfer::default()
        }),
    }
}
