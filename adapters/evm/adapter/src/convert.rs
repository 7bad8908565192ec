//! Packets between the relay's vocabulary and the contracts' structures.
//!
//! Called by the modules that encode calls and decode logs.

use causeway_evm_contracts::abi::{Packet, Payload};
use causeway_types as types;

/// A packet as the contracts take it.
pub(crate) fn packet_to(packet: &types::v2::Packet) -> Packet {
    let payload = |payload: &types::Payload| Payload {
        sourcePort: payload.source_port.clone(),
        destPort: payload.dest_port.clone(),
        version: payload.version.clone(),
        encoding: payload.encoding.clone(),
        value: payload.value.clone().into(),
    };
    Packet {
        sequence: packet.sequence.get(),
        sourceClient: packet.source_client.as_str().to_string(),
        destClient: packet.dest_client.as_str().to_string(),
        timeoutTimestamp: packet.timeout_timestamp_s,
        payloads: packet.payloads.iter().map(payload).collect(),
    }
}

/// A packet from the chain, within the bounds that every chain keeps.
pub(crate) fn packet_from(packet: Packet) -> core::result::Result<types::v2::Packet, String> {
    let payload = |payload: Payload| types::Payload {
        source_port: payload.sourcePort,
        dest_port: payload.destPort,
        version: payload.version,
        encoding: payload.encoding,
        value: payload.value.to_vec(),
    };
    let id = |error: types::IdError| error.to_string();
    let packet = types::v2::Packet {
        sequence: types::Sequence::new(packet.sequence).map_err(id)?,
        source_client: types::ClientId::new(packet.sourceClient).map_err(id)?,
        dest_client: types::ClientId::new(packet.destClient).map_err(id)?,
        timeout_timestamp_s: packet.timeoutTimestamp,
        payloads: packet.payloads.into_iter().map(payload).collect(),
    };
    packet.validate().map_err(|error| error.to_string())?;
    Ok(packet)
}
