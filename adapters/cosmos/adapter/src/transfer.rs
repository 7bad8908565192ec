//! Token transfers (ICS-20) by hand, as a user's wallet sends them: simulated, signed, followed into their blocks.
//!
//! What it is not: no part of relaying. It signs with a key of the configuration and believes its node. Called by `causeway packet send` and `causeway bench`.

use crate::adapter::CosmosAdapter;
use crate::chain::Result;
use crate::tx::by_hand::ByHand;
use causeway_adapter::{AdapterError, ChainAdapter, Event, EventFilter, FeePolicy, WatchRequest};
use causeway_cosmos_proto::cosmos::base::v1beta1::Coin;
use causeway_cosmos_proto::ibc::applications::transfer::v1::MsgTransfer;
use causeway_cosmos_proto::ibc::core::channel::v2::{MsgSendPacket, Payload};
use causeway_cosmos_proto::{Any, any};
use causeway_types::{Height, PacketEnd, Sequence, TxId};
use std::collections::BTreeMap;

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
        let messages = |sender: &str| vec![message(transfer, sender); count];
        let included = self.send_by_hand(&ByHand { what: "transfer", key, fees, messages: &messages, each }).await?;
        let heights: BTreeMap<TxId, u64> = included.into_iter().map(|(tx, height)| (tx, height.number)).collect();
        let sent = self.packets_of(&transfer.end, &heights).await?;
        if sent.len() == count {
            return Ok(sent);
        }
        let found = sent.len();
        Err(self.chain().protocol("sent-packet", format!("{count} packets from {} in {} transactions", transfer.end, heights.len()), found))
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
