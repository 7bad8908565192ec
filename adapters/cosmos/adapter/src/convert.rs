//! Packets and acknowledgements between the relay's types and ibc-go's messages, bounded on the way in.
//!
//! Called wherever messages are read or made.

use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_cosmos_proto::ibc::core::client::v1 as client;
use causeway_types::{Acknowledgement, ClientId, Height, Packet, PacketError, Payload, Sequence};

/// A packet from outside.
pub(crate) fn packet_from(packet: channel::Packet) -> Result<Packet, String> {
    let payload = |payload: channel::Payload| Payload {
        source_port: payload.source_port,
        dest_port: payload.destination_port,
        version: payload.version,
        encoding: payload.encoding,
        value: payload.value,
    };
    let packet = Packet {
        sequence: Sequence::new(packet.sequence).map_err(|error| error.to_string())?,
        source_client: ClientId::new(packet.source_client).map_err(|error| error.to_string())?,
        dest_client: ClientId::new(packet.destination_client).map_err(|error| error.to_string())?,
        timeout_timestamp_s: packet.timeout_timestamp,
        payloads: packet.payloads.into_iter().map(payload).collect(),
    };
    packet.validate().map_err(|error| error.to_string())?;
    Ok(packet)
}

/// A packet as ibc-go takes it.
pub(crate) fn packet_to(packet: &Packet) -> channel::Packet {
    let payload = |payload: &Payload| channel::Payload {
        source_port: payload.source_port.clone(),
        destination_port: payload.dest_port.clone(),
        version: payload.version.clone(),
        encoding: payload.encoding.clone(),
        value: payload.value.clone(),
    };
    channel::Packet {
        sequence: packet.sequence.get(),
        source_client: packet.source_client.to_string(),
        destination_client: packet.dest_client.to_string(),
        timeout_timestamp: packet.timeout_timestamp_s,
        payloads: packet.payloads.iter().map(payload).collect(),
    }
}

/// An acknowledgement from outside.
pub(crate) fn acknowledgement_from(acknowledgement: channel::Acknowledgement) -> Result<Acknowledgement, PacketError> {
    let acknowledgement = Acknowledgement { app_acknowledgements: acknowledgement.app_acknowledgements };
    acknowledgement.validate()?;
    Ok(acknowledgement)
}

/// An acknowledgement as ibc-go takes it.
pub(crate) fn acknowledgement_to(acknowledgement: &Acknowledgement) -> channel::Acknowledgement {
    channel::Acknowledgement { app_acknowledgements: acknowledgement.app_acknowledgements.clone() }
}

/// A height as ibc-go writes it.
pub(crate) fn height_to(height: Height) -> client::Height {
    client::Height { revision_number: height.revision, revision_height: height.number }
}

/// A height from outside.
pub(crate) fn height_from(height: client::Height) -> Height {
    Height { revision: height.revision_number, number: height.revision_height }
}
