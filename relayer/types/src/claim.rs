//! Claims: what a destination must be shown. A claim says what is true on the source chain; how it is proven is the family's affair.

use crate::classic::{self, ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use crate::{Acknowledgement, Hash, Packet, PacketEnd, Sequence, TxId, path};
use alloc::vec::Vec;

/// Where on its chain the thing happened, for families whose evidence is the block itself rather than the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    /// Height of the block (the chain's height, not the client's).
    pub block: u64,
    /// Transaction in that block.
    pub transaction: TxId,
    /// Index of the event or message within the transaction.
    pub index: u32,
}

/// A statement about the state of the source chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The packet was sent and is neither acknowledged nor timed out.
    Commitment {
        /// The packet, from which key and value follow.
        packet: Packet,
        /// Where it was sent, if known.
        locator: Option<Locator>,
    },
    /// Nothing is committed under this sequence: the packet was never sent by the height of the proof, or it has been acknowledged or timed
    /// out. Which of them, the claim does not say; who uses it must know a height or time at which the packet was there.
    NoCommitment {
        /// The sending end.
        source: PacketEnd,
        /// The sequence under it.
        sequence: Sequence,
    },
    /// The packet was received.
    Receipt {
        /// The packet.
        packet: Packet,
        /// Where it was received, if known.
        locator: Option<Locator>,
    },
    /// The packet was not received by the height of the proof.
    NoReceipt {
        /// The packet.
        packet: Packet,
    },
    /// The packet was acknowledged with exactly these bytes.
    Ack {
        /// The packet.
        packet: Packet,
        /// The acknowledgement.
        acknowledgement: Acknowledgement,
        /// Where it was written, if known.
        locator: Option<Locator>,
    },
    /// The ordered channel that should receive the packet still waits for it, or for one before it.
    NotReached {
        /// The packet.
        packet: Packet,
    },
    /// The packet was marked expired by a transaction, on chains that can prove no absence.
    Expired {
        /// The packet.
        packet: Packet,
        /// Where it was marked, if known.
        locator: Option<Locator>,
    },
    /// A connection end stands like this.
    Connection {
        /// The end.
        id: ConnectionId,
        /// What the chain holds of it.
        end: ConnectionEnd,
    },
    /// A channel end stands like this.
    Channel {
        /// The end.
        id: ChannelEndId,
        /// What the chain holds of it.
        end: ChannelEnd,
    },
}

impl Claim {
    /// The packet the claim is about; none in a handshake, nor where only its name is known.
    pub fn packet(&self) -> Option<&Packet> {
        match self {
            Self::Commitment { packet, .. }
            | Self::Receipt { packet, .. }
            | Self::NoReceipt { packet }
            | Self::NotReached { packet }
            | Self::Ack { packet, .. }
            | Self::Expired { packet, .. } => Some(packet),
            Self::NoCommitment { .. } | Self::Connection { .. } | Self::Channel { .. } => None,
        }
    }

    /// Where it happened, if known.
    pub fn locator(&self) -> Option<&Locator> {
        match self {
            Self::Commitment { locator, .. }
            | Self::Receipt { locator, .. }
            | Self::Ack { locator, .. }
            | Self::Expired { locator, .. } => locator.as_ref(),
            Self::NoCommitment { .. }
            | Self::NoReceipt { .. }
            | Self::NotReached { .. }
            | Self::Connection { .. }
            | Self::Channel { .. } => None,
        }
    }

    /// The key under which the source chain's store holds the fact.
    pub fn path(&self) -> Vec<u8> {
        match self {
            Self::Commitment { packet, .. } => commitment_path(&packet.source(), packet.sequence()),
            Self::NoCommitment { source, sequence } => commitment_path(source, *sequence),
            Self::Receipt { packet, .. } | Self::NoReceipt { packet } | Self::Expired { packet, .. } => receipt_path(packet),
            Self::NotReached { packet } => match packet {
                Packet::V2(_) => receipt_path(packet),
                Packet::Classic(packet) => classic::next_sequence_recv_path(&packet.dest),
            },
            Self::Ack { packet, .. } => match packet.dest() {
                PacketEnd::Client(client) => path::packet_acknowledgement(&client, packet.sequence()),
                PacketEnd::Channel(channel) => classic::packet_acknowledgement_path(&channel, packet.sequence()),
            },
            Self::Connection { id, .. } => classic::connection_path(id),
            Self::Channel { id, .. } => classic::channel_path(id),
        }
    }

    /// The hash expected there; `None` when the claim fixes only presence or absence, or more than a hash.
    pub fn value(&self) -> Option<Hash> {
        match self {
            Self::Commitment { packet, .. } => Some(packet.commitment()),
            Self::Ack { acknowledgement, .. } => Some(acknowledgement.commitment()),
            _ => None,
        }
    }

    /// A word for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Commitment { .. } => "commitment",
            Self::NoCommitment { .. } => "no-commitment",
            Self::Receipt { .. } => "receipt",
            Self::NoReceipt { .. } => "no-receipt",
            Self::NotReached { .. } => "not-reached",
            Self::Ack { .. } => "ack",
            Self::Expired { .. } => "expired",
            Self::Connection { .. } => "connection",
            Self::Channel { .. } => "channel",
        }
    }
}

fn commitment_path(source: &PacketEnd, sequence: Sequence) -> Vec<u8> {
    match source {
        PacketEnd::Client(client) => path::packet_commitment(client, sequence),
        PacketEnd::Channel(channel) => classic::packet_commitment_path(channel, sequence),
    }
}

fn receipt_path(packet: &Packet) -> Vec<u8> {
    match packet.dest() {
        PacketEnd::Client(client) => path::packet_receipt(&client, packet.sequence()),
        PacketEnd::Channel(channel) => classic::packet_receipt_path(&channel, packet.sequence()),
    }
}
