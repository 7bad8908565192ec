//! IBC classic: the packets, hashes and store paths of channels over connections.
//!
//! What it is not: no state machine of handshakes (the engine's), no protobuf (the families'). IBC v2 has its own modules; where both
//! protocols name the same thing, this module is qualified: [`classic::Packet`](Packet).
//!
//! Sources: cosmos/ibc-go `modules/core/04-channel/types/packet.go` (commitments), `modules/core/24-host` (paths and identifier rules).

use crate::id::{IdError, refuse};
use crate::packet::{ACK_BYTES_MAX, PAYLOAD_BYTES_MAX, check};
use crate::{ClientId, Hash, Height, PacketError, Sequence};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use sha2::{Digest, Sha256};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:literal ..= $max:literal) => {
        $(#[$doc])*
        ///
        /// Letters, digits and `._+-#[]<>`. Source: cosmos/ibc-go `modules/core/24-host/validate.go`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Parses a ", $what, ".")]
            ///
            /// # Errors
            /// [`IdError`] when the length or a character is not allowed.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                if !($min..=$max).contains(&text.len()) {
                    return Err(refuse($what, text, concat!(stringify!($min), " to ", stringify!($max), " characters are allowed")));
                }
                if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-#[]<>".contains(&b)) {
                    return Err(refuse($what, text, "only letters, digits and `._+-#[]<>` are allowed"));
                }
                Ok(Self(text.to_string()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// The name under which an application is bound, 2 to 128 characters, for example `transfer`.
    PortId, "port id", 2..=128
);
identifier!(
    /// A channel end on its chain, 8 to 64 characters, for example `channel-0`.
    ChannelId, "channel id", 8..=64
);
identifier!(
    /// A connection end on its chain, 10 to 64 characters, for example `connection-0`.
    ConnectionId, "connection id", 10..=64
);

/// One end of a channel as its chain names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelEndId {
    /// The application's port.
    pub port: PortId,
    /// The channel.
    pub channel: ChannelId,
}

impl fmt::Display for ChannelEndId {
    /// `port/channel`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.channel)
    }
}

/// How packets of a channel follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// In any order; each has a receipt.
    Unordered,
    /// One after the other; the first that times out closes the channel.
    Ordered,
}

/// When a classic packet expires: at a height or a time of the destination, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    /// Height of the destination chain from which on it can no longer be received.
    pub height: Option<Height>,
    /// Unix nanoseconds of the destination chain from which on it can no longer be received.
    pub timestamp_ns: Option<u64>,
}

impl Timeout {
    /// Whether a block of the destination with this height and time no longer receives the packet.
    ///
    /// Source: cosmos/ibc-go `modules/core/04-channel/types/timeout.go` `Elapsed`.
    pub fn elapsed(&self, height: Height, time_ns: u64) -> bool {
        self.height.is_some_and(|timeout| height >= timeout) || self.timestamp_ns.is_some_and(|timeout| time_ns >= timeout)
    }
}

/// A packet as the sending chain committed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Sequence under the source channel.
    pub sequence: Sequence,
    /// The sending end.
    pub source: ChannelEndId,
    /// The receiving end.
    pub dest: ChannelEndId,
    /// The application's bytes.
    pub data: Vec<u8>,
    /// When it expires; at least one of both is set.
    pub timeout: Timeout,
}

impl Packet {
    /// Checks the bounds that every chain keeps.
    ///
    /// # Errors
    /// [`PacketError::Bounds`] naming the part that is out of bounds.
    pub fn validate(&self) -> Result<(), PacketError> {
        check("packet data bytes", "1 to 262144", self.data.len(), 1..=PAYLOAD_BYTES_MAX)?;
        let timeouts = usize::from(self.timeout.height.is_some()) + usize::from(self.timeout.timestamp_ns.is_some());
        check("timeouts", "a height, a time or both", timeouts, 1..=2)
    }

    /// The commitment the sending chain stores: timeout time and height, big endian, and the hash of the data.
    pub fn commitment(&self) -> Hash {
        let height = self.timeout.height.unwrap_or(Height { revision: 0, number: 0 });
        let mut hasher = Sha256::new();
        hasher.update(self.timeout.timestamp_ns.unwrap_or(0).to_be_bytes());
        hasher.update(height.revision.to_be_bytes());
        hasher.update(height.number.to_be_bytes());
        hasher.update(Sha256::digest(&self.data));
        hasher.finalize().into()
    }
}

/// The acknowledgement of a packet, the application's exact bytes (refuse.md O3: never re-encoded).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement(pub Vec<u8>);

impl Acknowledgement {
    /// Checks its length.
    ///
    /// # Errors
    /// [`PacketError::Bounds`] when it is empty or longer than 64 KiB.
    pub fn validate(&self) -> Result<(), PacketError> {
        check("acknowledgement bytes", "1 to 65536", self.0.len(), 1..=ACK_BYTES_MAX)
    }

    /// The commitment the receiving chain stores for it.
    pub fn commitment(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }

    /// Whether it is the error that ibc-go's applications answer. Others may write theirs differently; nothing but a label depends on it.
    ///
    /// Source: cosmos/ibc-go `modules/core/04-channel/types/acknowledgement.go` (`{"error":…}`).
    pub fn is_error(&self) -> bool {
        self.0.starts_with(b"{\"error\":")
    }
}

/// How far a handshake has come at one end. Source: ibc-go `proto/ibc/core/connection/v1/connection.proto`, `channel/v1/channel.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandshakeState {
    /// Begun here.
    Init,
    /// Answered here.
    TryOpen,
    /// Done.
    Open,
    /// A channel that has ended.
    Closed,
}

impl HandshakeState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::TryOpen => "try-open",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionEnd {
    /// How far its handshake has come.
    pub state: HandshakeState,
    /// The client on its chain that follows the other chain.
    pub client: ClientId,
    /// The client on the other chain.
    pub counterparty_client: ClientId,
    /// The other end, once known.
    pub counterparty: Option<ConnectionId>,
    /// Prefix under which the other chain keeps its IBC store.
    pub counterparty_prefix: Vec<u8>,
    /// How long a header must have been there before it proves anything, nanoseconds.
    pub delay_ns: u64,
}

/// One end of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelEnd {
    /// How far its handshake has come.
    pub state: HandshakeState,
    /// How its packets follow each other.
    pub order: Order,
    /// Port at the other end.
    pub counterparty_port: PortId,
    /// The other end, once known.
    pub counterparty: Option<ChannelId>,
    /// The connection it stands on.
    pub connection: ConnectionId,
    /// What the applications agreed on, for example `ics20-1`.
    pub version: String,
}

/// Key of a packet commitment, under the sending end.
pub fn packet_commitment_path(source: &ChannelEndId, sequence: Sequence) -> Vec<u8> {
    sequence_path("commitments", source, sequence)
}

/// Key of a packet receipt, under the receiving end; its value is the single byte 1. Unordered channels only.
pub fn packet_receipt_path(dest: &ChannelEndId, sequence: Sequence) -> Vec<u8> {
    sequence_path("receipts", dest, sequence)
}

/// Key of an acknowledgement commitment, under the receiving end.
pub fn packet_acknowledgement_path(dest: &ChannelEndId, sequence: Sequence) -> Vec<u8> {
    sequence_path("acks", dest, sequence)
}

/// Key of the next sequence that an ordered channel receives; its value is big endian, 8 bytes.
pub fn next_sequence_recv_path(dest: &ChannelEndId) -> Vec<u8> {
    format!("nextSequenceRecv/ports/{}/channels/{}", dest.port, dest.channel).into_bytes()
}

/// Key of a channel end.
pub fn channel_path(end: &ChannelEndId) -> Vec<u8> {
    format!("channelEnds/ports/{}/channels/{}", end.port, end.channel).into_bytes()
}

/// Key of a connection end.
pub fn connection_path(connection: &ConnectionId) -> Vec<u8> {
    format!("connections/{connection}").into_bytes()
}

/// Key of a client's state.
pub fn client_state_path(client: &ClientId) -> Vec<u8> {
    format!("clients/{client}/clientState").into_bytes()
}

/// Key of what a client holds for a height.
pub fn consensus_state_path(client: &ClientId, height: Height) -> Vec<u8> {
    format!("clients/{client}/consensusStates/{}-{}", height.revision, height.number).into_bytes()
}

fn sequence_path(kind: &str, end: &ChannelEndId, sequence: Sequence) -> Vec<u8> {
    format!("{kind}/ports/{}/channels/{}/sequences/{sequence}", end.port, end.channel).into_bytes()
}

#[cfg(test)]
mod tests;
