//! Claims: what a destination must be shown. A claim says what is true on the source chain; how it is proven is the family's affair.

use crate::{Acknowledgement, ClientId, Hash, Packet, Sequence, TxId};

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
    /// The packet was marked expired by a transaction, on chains that can prove no absence.
    Expired {
        /// The packet.
        packet: Packet,
        /// Where it was marked, if known.
        locator: Option<Locator>,
    },
}

impl Claim {
    /// The packet the claim is about.
    pub fn packet(&self) -> &Packet {
        match self {
            Self::Commitment { packet, .. }
            | Self::Receipt { packet, .. }
            | Self::NoReceipt { packet }
            | Self::Ack { packet, .. }
            | Self::Expired { packet, .. } => packet,
        }
    }

    /// Where it happened, if known.
    pub fn locator(&self) -> Option<&Locator> {
        match self {
            Self::Commitment { locator, .. }
            | Self::Receipt { locator, .. }
            | Self::Ack { locator, .. }
            | Self::Expired { locator, .. } => locator.as_ref(),
            Self::NoReceipt { .. } => None,
        }
    }

    /// The key under which the source chain's store holds the fact.
    pub fn path(&self) -> alloc::vec::Vec<u8> {
        let packet = self.packet();
        let (source, dest, sequence): (&ClientId, &ClientId, Sequence) = (&packet.source_client, &packet.dest_client, packet.sequence);
        match self {
            Self::Commitment { .. } => crate::path::packet_commitment(source, sequence),
            Self::Receipt { .. } | Self::NoReceipt { .. } | Self::Expired { .. } => crate::path::packet_receipt(dest, sequence),
            Self::Ack { .. } => crate::path::packet_acknowledgement(dest, sequence),
        }
    }

    /// The value expected there; `None` when the claim fixes only presence or absence.
    pub fn value(&self) -> Option<Hash> {
        match self {
            Self::Commitment { packet, .. } => Some(packet.commitment()),
            Self::Ack { acknowledgement, .. } => Some(acknowledgement.commitment()),
            Self::Receipt { .. } | Self::NoReceipt { .. } | Self::Expired { .. } => None,
        }
    }

    /// A word for logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Commitment { .. } => "commitment",
            Self::Receipt { .. } => "receipt",
            Self::NoReceipt { .. } => "no-receipt",
            Self::Ack { .. } => "ack",
            Self::Expired { .. } => "expired",
        }
    }
}
