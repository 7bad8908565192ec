//! Between the types of the seam and those of the wire. Generated types stop here.
//!
//! What comes from the wire is hostile: every identifier is parsed, every packet bounded, every missing part refused by its name.

mod answer;
mod classic;
mod client;
mod describe;
mod error;
mod event;
mod packet;
mod transaction;

pub(super) use answer::Answer;
pub(super) use classic::{channel_end, connection_id};

use causeway_proto::adapter::v1 as pb;
use causeway_types::{ClientId, Hash, Head, Height, PacketEnd, Sequence, TxId};

/// A message from the wire that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} on the wire: {detail}")]
pub(super) struct WireError {
    /// Which part.
    pub(super) what: &'static str,
    /// What is wrong with it.
    pub(super) detail: String,
}

impl WireError {
    pub(super) fn new(what: &'static str, detail: impl ToString) -> Self {
        Self { what, detail: detail.to_string() }
    }

    pub(super) fn missing(what: &'static str) -> Self {
        Self::new(what, "missing")
    }
}

/// A type of the seam that has a form on the wire.
pub(super) trait Wire: Sized {
    /// The generated type.
    type Pb;
    /// To the wire.
    fn to_pb(&self) -> Self::Pb;
    /// From the wire.
    fn from_pb(pb: Self::Pb) -> Result<Self, WireError>;
}

/// A part that must be there.
pub(super) fn need<T: Wire>(what: &'static str, part: Option<T::Pb>) -> Result<T, WireError> {
    T::from_pb(part.ok_or(WireError::missing(what))?)
}

/// A part that may be there.
pub(super) fn maybe<T: Wire>(part: Option<T::Pb>) -> Result<Option<T>, WireError> {
    part.map(T::from_pb).transpose()
}

/// All parts of a list.
pub(super) fn all<T: Wire>(parts: Vec<T::Pb>) -> Result<Vec<T>, WireError> {
    parts.into_iter().map(T::from_pb).collect()
}

/// A list to the wire.
pub(super) fn to_all<T: Wire>(parts: &[T]) -> Vec<T::Pb> {
    parts.iter().map(Wire::to_pb).collect()
}

pub(super) fn client_id(text: &str) -> Result<ClientId, WireError> {
    ClientId::new(text).map_err(|error| WireError::new("client id", error))
}

pub(super) fn packet_end(text: &str) -> Result<PacketEnd, WireError> {
    text.parse().map_err(|error| WireError::new("packet end", error))
}

pub(super) fn sequence(number: u64) -> Result<Sequence, WireError> {
    Sequence::new(number).map_err(|error| WireError::new("sequence", error))
}

pub(super) fn sequences(numbers: Vec<u64>) -> Result<Vec<Sequence>, WireError> {
    numbers.into_iter().map(sequence).collect()
}

pub(super) fn tx_id(bytes: Vec<u8>) -> Result<TxId, WireError> {
    TxId::new(bytes).map_err(|error| WireError::new("transaction id", error))
}

fn hash(what: &'static str, bytes: Vec<u8>) -> Result<Hash, WireError> {
    let found = bytes.len();
    Hash::try_from(bytes).map_err(|_| WireError::new(what, format!("{found} bytes, expected 32")))
}

fn amount(what: &'static str, bytes: &[u8]) -> Result<u128, WireError> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| WireError::new(what, format!("{} bytes, expected 16", bytes.len())))?;
    Ok(u128::from_be_bytes(bytes))
}

fn to_amount(amount: u128) -> Vec<u8> {
    amount.to_be_bytes().to_vec()
}

fn index(what: &'static str, number: u32) -> Result<usize, WireError> {
    usize::try_from(number).map_err(|error| WireError::new(what, error))
}

/// Indices are bounded by the limits of a transaction, far below this.
fn to_index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Wire for Height {
    type Pb = pb::Height;

    fn to_pb(&self) -> pb::Height {
        pb::Height { revision: self.revision, number: self.number }
    }

    fn from_pb(pb: pb::Height) -> Result<Self, WireError> {
        Ok(Self { revision: pb.revision, number: pb.number })
    }
}

impl Wire for Head {
    type Pb = pb::Head;

    fn to_pb(&self) -> pb::Head {
        pb::Head { height: Some(self.height.to_pb()), time_s: self.time_s }
    }

    fn from_pb(pb: pb::Head) -> Result<Self, WireError> {
        Ok(Self { height: need("height of a head", pb.height)?, time_s: pb.time_s })
    }
}
