//! The ICS-24 keys of IBC v2, without separators.
//!
//! Source: cosmos/ibc-go `modules/core/24-host/v2/packet_keys.go`.

use crate::{ClientId, Sequence};
use alloc::vec::Vec;

/// Key of a packet commitment, under the client on the sending chain.
pub fn packet_commitment(client: &ClientId, sequence: Sequence) -> Vec<u8> {
    key(client, 0x01, sequence)
}

/// Key of a packet receipt, under the client on the receiving chain.
pub fn packet_receipt(client: &ClientId, sequence: Sequence) -> Vec<u8> {
    key(client, 0x02, sequence)
}

/// Key of an acknowledgement commitment, under the client on the receiving chain.
pub fn packet_acknowledgement(client: &ClientId, sequence: Sequence) -> Vec<u8> {
    key(client, 0x03, sequence)
}

fn key(client: &ClientId, kind: u8, sequence: Sequence) -> Vec<u8> {
    let id = client.as_str().as_bytes();
    let mut bytes = Vec::with_capacity(id.len().saturating_add(9));
    bytes.extend_from_slice(id);
    bytes.push(kind);
    bytes.extend_from_slice(&sequence.get().to_be_bytes());
    bytes
}
