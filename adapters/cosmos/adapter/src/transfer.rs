//! Token transfers (ICS-20) by hand, as a user's wallet sends them: simulated, signed, followed into their blocks.
//!
//! What it is not: no part of relaying. It signs with a key of the configuration and believes its node. Called by `causeway packet send` and `causeway bench`.

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
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest that a transaction may take into a block.
const INCLUSION_MAX: Duration = Duration::from_secs(120);
/// Time between two looks for it.
const POLL: Duration = Duration::from_millis(250);
/// Transactions that are sent one behind the other before their blocks are waited for.
const WAVE_TXS: usize = 10;
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
    /// Its block.
    pub height: Height,
}

impl CosmosAdapter {
    /// Sends a transfer from a key's account, and answers once it is in a block.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] with the chain's reason when it refuses the transfer, [`AdapterError::InsufficientFunds`], and what the
    /// endpoints say.
    pub async fn send_transfer(&self, key: &str, transfer: &Transfer, fees: &FeePolicy) -> Result<SentTransfer> {
        let sent = self.send_transfers(key, transfer, 1, fees).await?.pop();
        sent.ok_or_else(|| self.chain().protocol("sent-packet", format!("a packet from {}", transfer.end), "none"))
    }

    /// The same transfer `count` times, as many in a transaction as the configuration allows; answers once all of them are in blocks, in order.
    ///
    /// # Errors
    /// As [`CosmosAdapter::send_transfer`]; what was sent before stays sent.
    pub async fn send_transfers(&self, key: &str, transfer: &Transfer, count: usize, fees: &FeePolicy) -> Result<Vec<SentTransfer>> {
        let each = usize::try_from(self.chain().config.messages_max).unwrap_or(1).max(1);
        let mut sent = Vec::with_capacity(count);
        while sent.len() < count {
            let wave = (count - sent.len()).min(WAVE_TXS * each);
            sent.extend(self.send_wave(key, transfer, (wave, each), fees).await?);
        }
        Ok(sent)
    }

    /// Transactions one behind the other, without waiting in between; then where they and their packets are.
    async fn send_wave(
        &self,
        key: &str,
        transfer: &Transfer,
        (count, each): (usize, usize),
        fees: &FeePolicy,
    ) -> Result<Vec<SentTransfer>> {
        let mut txs = self.signed_transfers(key, transfer, (count, each), fees).await?;
        if !self.hand_in(&txs, false).await? {
            // Once more with what the node asked for.
            txs = self.signed_transfers(key, transfer, (count, each), fees).await?;
            self.hand_in(&txs, true).await?;
        }
        let mut heights = BTreeMap::new();
        // They are included in order: when the last one is there, so are the others.
        for tx in txs.iter().rev() {
            heights.insert(tx.tx_id.clone(), self.included(tx).await?.number);
        }
        let sent = self.packets_of(&transfer.end, &heights).await?;
        if sent.len() == count {
            return Ok(sent);
        }
        let found = sent.len();
        Err(self.chain().protocol("sent-packet", format!("{count} packets from {} in {} transactions", transfer.end, txs.len()), found))
    }

    /// Broadcasts in order. Whether the chain took them; `false` when it asks for a higher price, and nothing was sent.
    async fn hand_in(&self, txs: &[SignedTx], priced: bool) -> Result<bool> {
        for (at, tx) in txs.iter().enumerate() {
            match broadcast(self.chain(), tx).await? {
                BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => {}
                BroadcastResult::Underpriced { .. } if at == 0 && !priced => return Ok(false),
                BroadcastResult::Underpriced { reason } | BroadcastResult::Refused { reason, .. } => return Err(refused(&reason)),
            }
        }
        Ok(true)
    }

    /// Transactions with the sequences that follow each other. The first is simulated; the others have the gas a message that it takes.
    async fn signed_transfers(
        &self,
        key: &str,
        transfer: &Transfer,
        (count, each): (usize, usize),
        fees: &FeePolicy,
    ) -> Result<Vec<SignedTx>> {
        let (chain, config) = (self.chain(), &self.chain().config);
        let signer = self.keys().signer(key).ok_or_else(|| missing_key(key))?;
        let state = account::state(chain, signer.address()).await?;
        let timeout_height = state.height.saturating_add(config.timeout_blocks);
        let price = price::price(chain, fees).await?;
        let (sequence, account_number) = (state.sequence, state.number);
        let terms = Terms { sequence, account_number, gas_limit: config.tx_gas_max, price, timeout_height };
        let messages = vec![message(transfer, signer.address()); count];
        let first = messages.get(..each.min(count)).unwrap_or_default();
        let gas_used = match simulate(chain, signer, first, terms).await? {
            Simulated::Passed { gas_used, .. } => gas_used,
            Simulated::Failed(log) => return Err(refused(&log)),
        };
        let gas = u128::from(gas_used) * u128::from(fees.gas_headroom_percent.max(100)) / 100;
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

    /// The packets that transactions in known blocks sent from an end, from the events of those blocks.
    async fn packets_of(&self, end: &PacketEnd, heights: &BTreeMap<TxId, u64>) -> Result<Vec<SentTransfer>> {
        let (first, last) = (heights.values().min().copied().unwrap_or(1), heights.values().max().copied().unwrap_or(1));
        let filter = EventFilter { ends: vec![end.clone()], clients: Vec::new(), connections: Vec::new() };
        let mut after = self.chain().height(first.saturating_sub(1));
        let mut sent = Vec::new();
        while after.number < last {
            let request =
                WatchRequest { after, filter: filter.clone(), blocks_max: last - after.number, events_max: 10_000, wait_ms: 5_000 };
            let batch = self.watch(request).await?;
            if batch.cursor == after {
                return Err(AdapterError::Lagging { found: after, needed: self.chain().height(last) });
            }
            after = batch.cursor;
            let ours = batch.events.into_iter().filter(|event| heights.contains_key(&event.tx));
            sent.extend(ours.filter_map(|event| match event.event {
                Event::Sent { packet } => Some(SentTransfer { sequence: packet.sequence(), tx_id: event.tx, height: event.height }),
                _ => None,
            }));
        }
        Ok(sent)
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
