//! Identifiers as bounded newtypes. They are parsed once, at the edge; inside the relay an identifier is valid by type.

use crate::PacketEnd;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Why an identifier was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} `{value}`: {rule}")]
pub struct IdError {
    /// What was being parsed.
    pub what: &'static str,
    /// The rejected text, cut to 160 characters.
    pub value: String,
    /// The rule it broke, in words.
    pub rule: &'static str,
}

pub(crate) fn refuse(what: &'static str, value: &str, rule: &'static str) -> IdError {
    IdError { what, value: value.chars().take(160).collect(), rule }
}

/// The name of a chain in this relay's configuration and journal, 1 to 64 characters of `[A-Za-z0-9._-]`.
///
/// It is the operator's name for the chain; what the chain calls itself is checked by its adapter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(String);

impl ChainId {
    /// Parses a chain name.
    ///
    /// # Errors
    /// [`IdError`] when the length or a character is not allowed.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        if text.is_empty() || text.len() > 64 {
            return Err(refuse("chain name", text, "1 to 64 characters are allowed"));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            return Err(refuse("chain name", text, "only letters, digits, `.`, `_` and `-` are allowed"));
        }
        Ok(Self(text.to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identifier of a light client on its host chain, 4 to 128 characters of `[A-Za-z0-9._+-#[]<>]`.
///
/// Source of the widest rule in use: cosmos/solidity-ibc-eureka `contracts/utils/IBCIdentifiers.sol`; ibc-go's rule (8 to 64) is
/// narrower and enforced by that chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Parses a client identifier.
    ///
    /// # Errors
    /// [`IdError`] when the length or a character is not allowed.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        if text.len() < 4 || text.len() > 128 {
            return Err(refuse("client id", text, "4 to 128 characters are allowed"));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-#[]<>".contains(&b)) {
            return Err(refuse("client id", text, "only letters, digits and `._+-#[]<>` are allowed"));
        }
        Ok(Self(text.to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A packet sequence, 1 or more (ibc-go `Packet.ValidateBasic`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// Parses a sequence.
    ///
    /// # Errors
    /// [`IdError`] for zero.
    pub fn new(value: u64) -> Result<Self, IdError> {
        if value == 0 {
            return Err(refuse("sequence", "0", "sequences start at 1"));
        }
        Ok(Self(value))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The one after it: where the next page of a listing begins. `None` after the last that there can be.
    pub fn successor(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What names a packet for ever: the chain and the end it was sent from, and its sequence there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketKey {
    /// The chain the packet was sent on.
    pub chain: ChainId,
    /// The client or channel on that chain through which it was sent.
    pub end: PacketEnd,
    /// Its sequence under that end.
    pub sequence: Sequence,
}

impl fmt::Display for PacketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.chain, self.end, self.sequence)
    }
}

impl core::str::FromStr for PacketKey {
    type Err = IdError;

    /// Reads `chain/client/sequence` or `chain/port/channel/sequence`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let unreadable = || refuse("packet id", text, "write it as chain/client/sequence or chain/port/channel/sequence");
        let (chain, rest) = text.split_once('/').ok_or_else(unreadable)?;
        let (end, sequence) = rest.rsplit_once('/').ok_or_else(unreadable)?;
        let sequence = sequence.parse::<u64>().map_err(|_| refuse("packet id", text, "the sequence is a decimal number"))?;
        Ok(Self { chain: ChainId::new(chain)?, end: end.parse()?, sequence: Sequence::new(sequence)? })
    }
}

/// The identifier of a transaction in its chain's own bytes, 1 to 64 of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(Vec<u8>);

impl TxId {
    /// Wraps the chain's own identifier.
    ///
    /// # Errors
    /// [`IdError`] when it is empty or longer than 64 bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, IdError> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.len() > 64 {
            return Err(refuse(
                "transaction id",
                &hex::encode(bytes.get(..80.min(bytes.len())).unwrap_or_default()),
                "1 to 64 bytes are allowed",
            ));
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TxId({self})")
    }
}

impl core::str::FromStr for TxId {
    type Err = IdError;

    /// Reads hexadecimal, with or without `0x`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let bytes = hex::decode(digits).map_err(|_| refuse("transaction id", text, "write it in hexadecimal"))?;
        Self::new(bytes)
    }
}
