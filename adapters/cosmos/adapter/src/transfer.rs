//! A token transfer (ICS-20) by hand, as a user's wallet sends one: simulated, signed, followed into its block.
//!
//! What it is not: no part of relaying. It signs with a key of the configuration and believes its node. Called by `causeway packet send`.

use crate::adapter::CosmosAdapter;
use crate::chain::Result;
use crate::tx::single::Single;
use causeway_adapter::{ChainAdapter, Event, EventFilter, FeePolicy, WatchRequest};
use causeway_cosmos_proto::cosmos::base::v1beta1::Coin;
use causeway_cosmos_proto::ibc::applications::transfer::v1::MsgTransfer;
use causeway_cosmos_proto::ibc::core::channel::v2::{MsgSendPacket, Payload};
use causeway_cosmos_proto::{Any, any};
use causeway_types::{Height, PacketEnd, Sequence, TxId};

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
    /// [`AdapterError::Invalid`](causeway_adapter::AdapterError::Invalid) with the chain's reason when it refuses the transfer, and what the
    /// endpoints say.
    pub async fn send_transfer(&self, key: &str, transfer: &Transfer, fees: &FeePolicy) -> Result<SentTransfer> {
        let message = |sender: &str| message(transfer, sender);
        let (tx_id, height) = self.send_single(&Single { what: "transfer", key, fees, message: &message }).await?;
        let sequence = self.sequence_of(&transfer.end, &tx_id, height).await?;
        Ok(SentTransfer { sequence, tx_id })
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
