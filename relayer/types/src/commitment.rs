//! The hashes of IBC v2. Timeouts are big endian: the specification's text says little endian, no code does.
//!
//! Source: cosmos/ibc-go `modules/core/04-channel/v2/types/commitment.go`; cosmos/solidity-ibc-eureka `contracts/utils/ICS24Host.sol`.

use crate::Hash;
use crate::v2::{Acknowledgement, Packet, Payload};
use sha2::{Digest, Sha256};

/// Version byte in front of packet and acknowledgement commitments.
const COMMITMENT_VERSION: u8 = 0x02;

/// `sha256("UNIVERSAL_ERROR_ACKNOWLEDGEMENT")`: the acknowledgement of a packet whose receiver refused it.
pub const UNIVERSAL_ERROR_ACK: Hash = [
    0x47, 0x74, 0xd4, 0xa5, 0x75, 0x99, 0x3f, 0x96, 0x3b, 0x1c, 0x06, 0x57, 0x37, 0x36, 0x61, 0x7a, 0x45, 0x7a, 0xbe, 0xf8, 0x58, 0x91,
    0x78, 0xdb, 0x8d, 0x10, 0xc9, 0x4b, 0x4a, 0xb5, 0x11, 0xab,
];

/// The commitment to a packet. Source client and sequence are not in it: they are in its key.
pub fn packet(packet: &Packet) -> Hash {
    let mut payloads = Sha256::new();
    for payload in &packet.payloads {
        payloads.update(payload_hash(payload));
    }
    let mut outer = Sha256::new();
    outer.update([COMMITMENT_VERSION]);
    outer.update(sha256(packet.dest_client.as_str().as_bytes()));
    outer.update(sha256(&packet.timeout_timestamp_s.to_be_bytes()));
    outer.update(payloads.finalize());
    outer.finalize().into()
}

/// The commitment to an acknowledgement, over its exact bytes (refuse.md O3: never re-encoded).
pub fn acknowledgement(ack: &Acknowledgement) -> Hash {
    let mut outer = Sha256::new();
    outer.update([COMMITMENT_VERSION]);
    for app in &ack.app_acknowledgements {
        outer.update(sha256(app));
    }
    outer.finalize().into()
}

fn payload_hash(payload: &Payload) -> Hash {
    let mut hasher = Sha256::new();
    for text in [&payload.source_port, &payload.dest_port, &payload.version, &payload.encoding] {
        hasher.update(sha256(text.as_bytes()));
    }
    hasher.update(sha256(&payload.value));
    hasher.finalize().into()
}

fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
