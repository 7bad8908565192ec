//! IBC v2: packets between a pair of clients, and their acknowledgements, with the limits every chain keeps.
//!
//! Source: cosmos/ibc-go `proto/ibc/core/channel/v2/packet.proto` and `modules/core/04-channel/v2/types/packet.go`.

use crate::packet::{ACK_BYTES_MAX, PAYLOAD_BYTES_MAX, PacketError, check};
use crate::{ClientId, Sequence, commitment};
use alloc::string::String;
use alloc::vec::Vec;

/// Most payloads a packet may carry here; the chains in use accept one.
pub const PAYLOADS_MAX: usize = 16;
/// Most bytes of a port, version or encoding name.
pub const NAME_BYTES_MAX: usize = 256;
/// One application message in a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Port of the sending application.
    pub source_port: String,
    /// Port of the receiving application.
    pub dest_port: String,
    /// Version of the application protocol, for example `ics20-1`.
    pub version: String,
    /// Encoding of `value`, for example `application/x-solidity-abi`.
    pub encoding: String,
    /// The application's bytes.
    pub value: Vec<u8>,
}

/// A packet as the sending chain committed it. Private to construction through [`Packet::validate`] at the edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Sequence under the source client.
    pub sequence: Sequence,
    /// Client on the sending chain.
    pub source_client: ClientId,
    /// Client on the receiving chain.
    pub dest_client: ClientId,
    /// Time after which the packet can no longer be received, unix seconds.
    pub timeout_timestamp_s: u64,
    /// The messages.
    pub payloads: Vec<Payload>,
}

impl Packet {
    /// Checks the bounds that every chain in use keeps.
    ///
    /// # Errors
    /// [`PacketError::Bounds`] naming the part that is out of bounds.
    pub fn validate(&self) -> Result<(), PacketError> {
        check("payload count", "1 to 16", self.payloads.len(), 1..=PAYLOADS_MAX)?;
        let total = self.payloads.iter().fold(0_usize, |sum, p| sum.saturating_add(p.value.len()));
        check("payload bytes", "at most 262144", total, 0..=PAYLOAD_BYTES_MAX)?;
        for payload in &self.payloads {
            for (what, name) in [("source port", &payload.source_port), ("destination port", &payload.dest_port)] {
                check(what, "1 to 256 bytes", name.len(), 1..=NAME_BYTES_MAX)?;
            }
            check("version", "0 to 256 bytes", payload.version.len(), 0..=NAME_BYTES_MAX)?;
            check("encoding", "0 to 256 bytes", payload.encoding.len(), 0..=NAME_BYTES_MAX)?;
        }
        Ok(())
    }

    /// The commitment the sending chain stores for this packet.
    pub fn commitment(&self) -> crate::Hash {
        commitment::packet(self)
    }
}

/// The acknowledgement of a packet: one byte string a payload, or the single universal error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// One application acknowledgement a payload.
    pub app_acknowledgements: Vec<Vec<u8>>,
}

impl Acknowledgement {
    /// Checks that there is at least one entry, none empty, and that the total is bounded.
    ///
    /// # Errors
    /// [`PacketError::Bounds`] naming the part that is out of bounds.
    pub fn validate(&self) -> Result<(), PacketError> {
        check("acknowledgement count", "1 to 16", self.app_acknowledgements.len(), 1..=PAYLOADS_MAX)?;
        let mut total = 0_usize;
        for ack in &self.app_acknowledgements {
            check("acknowledgement bytes", "1 to 65536", ack.len(), 1..=ACK_BYTES_MAX)?;
            total = total.saturating_add(ack.len());
        }
        check("acknowledgement bytes in all", "at most 65536", total, 1..=ACK_BYTES_MAX)
    }

    /// The commitment the receiving chain stores for this acknowledgement.
    pub fn commitment(&self) -> crate::Hash {
        commitment::acknowledgement(self)
    }

    /// Whether this is the universal error acknowledgement: the receiver refused the packet.
    pub fn is_error(&self) -> bool {
        matches!(self.app_acknowledgements.as_slice(), [only] if only.as_slice() == commitment::UNIVERSAL_ERROR_ACK)
    }
}
