//! Packets of either protocol as the relay sees them: two ends, a sequence, a commitment and an end of their time.
//!
//! What it is not: it holds no bytes of a protocol; those are [`crate::v2`]'s and [`crate::classic`]'s.

use crate::classic::{ChannelEndId, Timeout};
use crate::id::{IdError, refuse};
use crate::{ClientId, Hash, Height, Sequence, classic, v2};
use alloc::vec::Vec;
use core::fmt;

/// Most bytes that the application data of a packet may have together (ibc-go `MaximumPayloadsSize`).
pub const PAYLOAD_BYTES_MAX: usize = 262_144;
/// Most bytes of all application acknowledgements of one packet.
pub const ACK_BYTES_MAX: usize = 65_536;

/// Why a packet or an acknowledgement was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// A count or size is outside its bounds.
    #[error("{what}: expected {expected}, found {found}")]
    Bounds {
        /// Which part.
        what: &'static str,
        /// The bounds in words.
        expected: &'static str,
        /// The count or size that came.
        found: usize,
    },
}

/// What packets leave from or arrive at on one chain; their sequences count under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketEnd {
    /// IBC v2: a client.
    Client(ClientId),
    /// IBC classic: a channel on a port.
    Channel(ChannelEndId),
}

impl PacketEnd {
    /// The client, in IBC v2.
    pub fn client(&self) -> Option<&ClientId> {
        if let Self::Client(client) = self { Some(client) } else { None }
    }

    /// The channel, in IBC classic.
    pub fn channel(&self) -> Option<&ChannelEndId> {
        if let Self::Channel(channel) = self { Some(channel) } else { None }
    }
}

impl fmt::Display for PacketEnd {
    /// The client, or `port/channel`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => client.fmt(f),
            Self::Channel(channel) => channel.fmt(f),
        }
    }
}

impl core::str::FromStr for PacketEnd {
    type Err = IdError;

    /// Reads a client, or `port/channel`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let Some((port, channel)) = text.split_once('/') else { return Ok(Self::Client(ClientId::new(text)?)) };
        if channel.contains('/') {
            return Err(refuse("packet end", text, "write it as a client, or as port/channel"));
        }
        Ok(Self::Channel(ChannelEndId { port: classic::PortId::new(port)?, channel: classic::ChannelId::new(channel)? }))
    }
}

impl From<ClientId> for PacketEnd {
    fn from(client: ClientId) -> Self {
        Self::Client(client)
    }
}

impl From<ChannelEndId> for PacketEnd {
    fn from(channel: ChannelEndId) -> Self {
        Self::Channel(channel)
    }
}

/// A packet as the sending chain committed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// Of IBC v2.
    V2(v2::Packet),
    /// Of IBC classic.
    Classic(classic::Packet),
}

impl Packet {
    /// Sequence under the source.
    pub fn sequence(&self) -> Sequence {
        match self {
            Self::V2(packet) => packet.sequence,
            Self::Classic(packet) => packet.sequence,
        }
    }

    /// The sending end.
    pub fn source(&self) -> PacketEnd {
        match self {
            Self::V2(packet) => packet.source_client.clone().into(),
            Self::Classic(packet) => packet.source.clone().into(),
        }
    }

    /// The receiving end.
    pub fn dest(&self) -> PacketEnd {
        match self {
            Self::V2(packet) => packet.dest_client.clone().into(),
            Self::Classic(packet) => packet.dest.clone().into(),
        }
    }

    /// Checks the bounds that every chain in use keeps.
    ///
    /// # Errors
    /// [`PacketError::Bounds`] naming the part that is out of bounds.
    pub fn validate(&self) -> Result<(), PacketError> {
        match self {
            Self::V2(packet) => packet.validate(),
            Self::Classic(packet) => packet.validate(),
        }
    }

    /// The commitment the sending chain stores for this packet.
    pub fn commitment(&self) -> Hash {
        match self {
            Self::V2(packet) => packet.commitment(),
            Self::Classic(packet) => packet.commitment(),
        }
    }

    /// When it can no longer be received, by height or time of the destination.
    pub fn timeout(&self) -> Timeout {
        match self {
            Self::V2(packet) => Timeout { height: None, timestamp_ns: Some(packet.timeout_timestamp_s.saturating_mul(1_000_000_000)) },
            Self::Classic(packet) => packet.timeout,
        }
    }

    /// Whether a block of the destination no longer receives it. A chain without a clock (`time_s` is `None`) says so by height alone.
    pub fn expired(&self, height: Height, time_s: Option<u64>) -> bool {
        self.timeout().elapsed(height, time_s.unwrap_or(0).saturating_mul(1_000_000_000))
    }

    /// The first second of the destination's clock at which it can no longer be received, if it goes by time.
    pub fn expires_at_s(&self) -> Option<u64> {
        self.timeout().timestamp_ns.map(|ns| ns.div_ceil(1_000_000_000))
    }

    /// The ports it names, sending and receiving, of each message in it.
    pub fn ports(&self) -> Vec<[&str; 2]> {
        match self {
            Self::V2(packet) => packet.payloads.iter().map(|payload| [payload.source_port.as_str(), payload.dest_port.as_str()]).collect(),
            Self::Classic(packet) => alloc::vec![[packet.source.port.as_str(), packet.dest.port.as_str()]],
        }
    }

    /// Bytes of application data.
    pub fn data_len(&self) -> usize {
        match self {
            Self::V2(packet) => packet.payloads.iter().fold(0, |sum, payload| sum.saturating_add(payload.value.len())),
            Self::Classic(packet) => packet.data.len(),
        }
    }

    /// Drops the application data, once nothing needs it any more.
    pub fn drop_data(&mut self) {
        match self {
            Self::V2(packet) => packet.payloads.iter_mut().for_each(|payload| payload.value = Vec::new()),
            Self::Classic(packet) => packet.data = Vec::new(),
        }
    }
}

/// The acknowledgement of a packet, its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledgement {
    /// Of IBC v2.
    V2(v2::Acknowledgement),
    /// Of IBC classic.
    Classic(classic::Acknowledgement),
}

impl Acknowledgement {
    /// Checks that it is not empty, and bounded.
    ///
    /// # Errors
    /// [`PacketError::Bounds`] naming the part that is out of bounds.
    pub fn validate(&self) -> Result<(), PacketError> {
        match self {
            Self::V2(ack) => ack.validate(),
            Self::Classic(ack) => ack.validate(),
        }
    }

    /// The commitment the receiving chain stores for this acknowledgement.
    pub fn commitment(&self) -> Hash {
        match self {
            Self::V2(ack) => ack.commitment(),
            Self::Classic(ack) => ack.commitment(),
        }
    }

    /// Whether the receiver refused the packet.
    pub fn is_error(&self) -> bool {
        match self {
            Self::V2(ack) => ack.is_error(),
            Self::Classic(ack) => ack.is_error(),
        }
    }

    /// The application's bytes, one string a message.
    pub fn parts(&self) -> &[Vec<u8>] {
        match self {
            Self::V2(ack) => &ack.app_acknowledgements,
            Self::Classic(ack) => core::slice::from_ref(&ack.0),
        }
    }
}

pub(crate) fn check(
    what: &'static str,
    expected: &'static str,
    found: usize,
    allowed: core::ops::RangeInclusive<usize>,
) -> Result<(), PacketError> {
    if allowed.contains(&found) { Ok(()) } else { Err(PacketError::Bounds { what, expected, found }) }
}
