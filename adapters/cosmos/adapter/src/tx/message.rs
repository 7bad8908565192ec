//! Messages of the seam as ibc-go's messages.
//!
//! Evidence and updates come encoded for this host; here they are only wrapped. Called by [`super::build`].

use crate::convert::{acknowledgement_to, channel_to, classic_to, connection_counterparty, connection_version, height_to, packet_to};
use causeway_adapter::{AdapterError, Message, OpenStep, ProofGroup};
use causeway_cosmos_proto::ibc::core::channel::v1 as channel;
use causeway_cosmos_proto::ibc::core::channel::v2::{MsgAcknowledgement, MsgRecvPacket, MsgTimeout};
use causeway_cosmos_proto::ibc::core::client::v1::{MsgCreateClient, MsgUpdateClient};
use causeway_cosmos_proto::ibc::core::client::v2::MsgRegisterCounterparty;
use causeway_cosmos_proto::ibc::core::connection::v1 as connection;
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1::Misbehaviour;
use causeway_cosmos_proto::{Any, any, unpack};
use causeway_types::classic::{ChannelEnd, ChannelId, ConnectionEnd, ConnectionId, Order, PortId};
use causeway_types::{Acknowledgement, ClientId, Packet, PacketEnd};
use prost::Message as _;

/// One message for `signer`; `None` for what this family has no message for.
pub(crate) fn message(index: usize, message: &Message, proofs: &[ProofGroup], signer: &str) -> Result<Option<Any>, AdapterError> {
    let signer = signer.to_string();
    let proof = |end: Option<PacketEnd>, place: (usize, usize)| proof(index, proofs, place, end);
    Ok(Some(match message {
        Message::CreateClient { initial, .. } => {
            let initial = MsgCreateClient::decode(initial.as_slice()).map_err(|_| invalid(index, "its initial state does not parse"))?;
            any(&MsgCreateClient { signer, ..initial })
        }
        Message::RegisterCounterparty { client_id, counterparty } => any(&MsgRegisterCounterparty {
            client_id: client_id.to_string(),
            counterparty_merkle_prefix: counterparty.merkle_prefix.clone(),
            counterparty_client_id: counterparty.client_id.to_string(),
            signer,
        }),
        Message::UpdateClient { client_id, update } => {
            let client_message = Some(client_message(index, update)?);
            any(&MsgUpdateClient { client_id: client_id.to_string(), client_message, signer })
        }
        Message::SubmitMisbehaviour { client_id, misbehaviour } => {
            let client_message = Some(naming(client_id, client_message(index, misbehaviour)?));
            any(&MsgUpdateClient { client_id: client_id.to_string(), client_message, signer })
        }
        Message::Receive { packet, proof: place } => receive(packet, proof(Some(packet.dest()), *place)?, signer),
        Message::Acknowledge { packet, acknowledgement, proof: place } => {
            acknowledge(index, (packet, acknowledgement), proof(Some(packet.source()), *place)?, signer)?
        }
        Message::Timeout { packet, order, proof: place } => {
            timeout(index, (packet, *order), proof(Some(packet.source()), *place)?, signer)?
        }
        Message::TimeoutOnClose { packet, order, proof: place, closed } => {
            timeout_on_close(index, (packet, *order), (proof(None, *place)?, proof(None, *closed)?), signer)?
        }
        Message::CloseChannel { id, proof: place } => {
            let (proof_init, height) = proof(None, *place)?;
            any(&channel::MsgChannelCloseConfirm {
                port_id: id.port.to_string(),
                channel_id: id.channel.to_string(),
                proof_init,
                proof_height: Some(height),
                signer,
            })
        }
        Message::OpenConnection { step, id, end, proof: place } => {
            let evidence = place.map(|place| proof(None, place)).transpose()?;
            open_connection(index, (*step, id.as_ref(), end), evidence, signer)?
        }
        Message::OpenChannel { step, port, id, end, proof: place } => {
            let evidence = place.map(|place| proof(None, place)).transpose()?;
            open_channel(index, (*step, port, id.as_ref(), end), evidence, signer)?
        }
        Message::MarkExpired { .. } => return Ok(None),
    }))
}

fn client_message(index: usize, bytes: &[u8]) -> Result<Any, AdapterError> {
    Any::decode(bytes).map_err(|_| invalid(index, "its client message does not parse"))
}

/// Evidence names the client that it is for, though the message around it does. The field is deprecated, and an empty one still refused.
/// Source: ibc-go `modules/light-clients/07-tendermint/misbehaviour.go` `ValidateBasic`.
fn naming(client: &ClientId, any: Any) -> Any {
    match unpack::<Misbehaviour>(&any) {
        #[allow(deprecated, reason = "ibc-go still wants the field")]
        Ok(misbehaviour) => causeway_cosmos_proto::any(&Misbehaviour { client_id: client.to_string(), ..misbehaviour }),
        Err(_) => any,
    }
}

type Proof = (Vec<u8>, causeway_cosmos_proto::ibc::core::client::v1::Height);

fn proof(index: usize, proofs: &[ProofGroup], place: (usize, usize), end: Option<PacketEnd>) -> Result<Proof, AdapterError> {
    let group = proofs.get(place.0).ok_or_else(|| invalid(index, "its proof group is not in the request"))?;
    // In IBC v2 a packet names the client that judges it; a channel's client is the chain's to know.
    if let Some(client) = end.as_ref().and_then(PacketEnd::client).filter(|client| **client != group.client_id) {
        return Err(invalid(index, &format!("its proof is for client {}, the packet is of {client}", group.client_id)));
    }
    let bytes = group.evidence.each.get(place.1).ok_or_else(|| invalid(index, "its proof is not in the group"))?;
    if !group.evidence.shared.is_empty() {
        return Err(invalid(index, "its evidence has a shared part, which no client of ibc-go takes"));
    }
    Ok((bytes.clone(), height_to(group.evidence.height)))
}

/// What an unordered channel is shown, the proof alone; or an ordered one, the sequence that the other end waits for before it.
fn unreceived(index: usize, order: Order, evidence: Vec<u8>) -> Result<(u64, Vec<u8>), AdapterError> {
    if order == Order::Unordered {
        // Nobody reads it there, but it may not be 0 (ibc-go `modules/core/04-channel/types/msgs.go` `MsgTimeout.ValidateBasic`).
        return Ok((1, evidence));
    }
    let (next, proof) = evidence.split_first_chunk::<8>().ok_or_else(|| invalid(index, "its proof names no sequence"))?;
    Ok((u64::from_be_bytes(*next), proof.to_vec()))
}

fn receive(packet: &Packet, (proof_commitment, height): Proof, signer: String) -> Any {
    let proof_height = Some(height);
    match packet {
        Packet::V2(packet) => any(&MsgRecvPacket { packet: Some(packet_to(packet)), proof_commitment, proof_height, signer }),
        Packet::Classic(packet) => {
            any(&channel::MsgRecvPacket { packet: Some(classic_to(packet)), proof_commitment, proof_height, signer })
        }
    }
}

fn acknowledge(
    index: usize,
    acknowledged: (&Packet, &Acknowledgement),
    (proof_acked, height): Proof,
    signer: String,
) -> Result<Any, AdapterError> {
    let proof_height = Some(height);
    match acknowledged {
        (Packet::V2(packet), Acknowledgement::V2(ack)) => {
            let acknowledgement = Some(acknowledgement_to(ack));
            Ok(any(&MsgAcknowledgement { packet: Some(packet_to(packet)), acknowledgement, proof_acked, proof_height, signer }))
        }
        (Packet::Classic(packet), Acknowledgement::Classic(ack)) => {
            let (packet, acknowledgement) = (Some(classic_to(packet)), ack.0.clone());
            Ok(any(&channel::MsgAcknowledgement { packet, acknowledgement, proof_acked, proof_height, signer }))
        }
        _ => Err(invalid(index, "its packet and its acknowledgement are of two protocols")),
    }
}

fn timeout(index: usize, (packet, order): (&Packet, Order), (evidence, height): Proof, signer: String) -> Result<Any, AdapterError> {
    let proof_height = Some(height);
    match packet {
        Packet::V2(packet) => Ok(any(&MsgTimeout { packet: Some(packet_to(packet)), proof_unreceived: evidence, proof_height, signer })),
        Packet::Classic(packet) => {
            let (next_sequence_recv, proof_unreceived) = unreceived(index, order, evidence)?;
            let packet = Some(classic_to(packet));
            Ok(any(&channel::MsgTimeout { packet, proof_unreceived, proof_height, next_sequence_recv, signer }))
        }
    }
}

fn timeout_on_close(
    index: usize,
    (packet, order): (&Packet, Order),
    ((evidence, height), (proof_close, closed_at)): (Proof, Proof),
    signer: String,
) -> Result<Any, AdapterError> {
    let Packet::Classic(packet) = packet else {
        return Err(invalid(index, "packets of IBC v2 have no channel to close"));
    };
    if height != closed_at {
        return Err(invalid(index, "its two proofs are of two heights"));
    }
    let (next_sequence_recv, proof_unreceived) = unreceived(index, order, evidence)?;
    let (packet, proof_height) = (Some(classic_to(packet)), Some(height));
    Ok(any(&channel::MsgTimeoutOnClose { packet, proof_unreceived, proof_close, proof_height, next_sequence_recv, signer }))
}

fn open_connection(
    index: usize,
    (step, id, end): (OpenStep, Option<&ConnectionId>, &ConnectionEnd),
    evidence: Option<Proof>,
    signer: String,
) -> Result<Any, AdapterError> {
    let counterparty = Some(connection_counterparty(end));
    let (client_id, delay_period) = (end.client.to_string(), end.delay_ns);
    if step == OpenStep::Init {
        let version = Some(connection_version());
        return Ok(any(&connection::MsgConnectionOpenInit { client_id, counterparty, version, delay_period, signer }));
    }
    let (proof, height) = evidence.ok_or_else(|| invalid(index, "it has no proof"))?;
    let proof_height = Some(height);
    if step == OpenStep::Try {
        return Ok(any(&connection::MsgConnectionOpenTry {
            client_id,
            counterparty,
            delay_period,
            counterparty_versions: vec![connection_version()],
            proof_height,
            proof_init: proof,
            signer,
            ..Default::default()
        }));
    }
    let connection_id = id.ok_or_else(|| invalid(index, "it names no connection"))?.to_string();
    if step == OpenStep::Confirm {
        return Ok(any(&connection::MsgConnectionOpenConfirm { connection_id, proof_ack: proof, proof_height, signer }));
    }
    Ok(any(&connection::MsgConnectionOpenAck {
        connection_id,
        counterparty_connection_id: end.counterparty.as_ref().map(ToString::to_string).unwrap_or_default(),
        version: Some(connection_version()),
        proof_height,
        proof_try: proof,
        signer,
        ..Default::default()
    }))
}

fn open_channel(
    index: usize,
    (step, port, id, end): (OpenStep, &PortId, Option<&ChannelId>, &ChannelEnd),
    evidence: Option<Proof>,
    signer: String,
) -> Result<Any, AdapterError> {
    let port_id = port.to_string();
    if step == OpenStep::Init {
        return Ok(any(&channel::MsgChannelOpenInit { port_id, channel: Some(channel_to(end)), signer }));
    }
    let (proof, height) = evidence.ok_or_else(|| invalid(index, "it has no proof"))?;
    let proof_height = Some(height);
    if step == OpenStep::Try {
        return Ok(any(&channel::MsgChannelOpenTry {
            port_id,
            channel: Some(channel_to(end)),
            counterparty_version: end.version.clone(),
            proof_init: proof,
            proof_height,
            signer,
            ..Default::default()
        }));
    }
    let channel_id = id.ok_or_else(|| invalid(index, "it names no channel"))?.to_string();
    if step == OpenStep::Confirm {
        return Ok(any(&channel::MsgChannelOpenConfirm { port_id, channel_id, proof_ack: proof, proof_height, signer }));
    }
    Ok(any(&channel::MsgChannelOpenAck {
        port_id,
        channel_id,
        counterparty_channel_id: end.counterparty.as_ref().map(ToString::to_string).unwrap_or_default(),
        counterparty_version: end.version.clone(),
        proof_try: proof,
        proof_height,
        signer,
    }))
}

/// The packet of a message that carries one, its end on this chain, and whether this chain sent it.
pub(crate) fn packet_of(message: &Message) -> Option<(&Packet, PacketEnd, bool)> {
    match message {
        Message::Receive { packet, .. } => Some((packet, packet.dest(), false)),
        Message::Acknowledge { packet, .. } | Message::Timeout { packet, .. } | Message::TimeoutOnClose { packet, .. } => {
            Some((packet, packet.source(), true))
        }
        _ => None,
    }
}

/// The client on this chain that judges the evidence of a message.
pub(crate) fn client_of<'a>(message: &Message, proofs: &'a [ProofGroup]) -> Option<&'a ClientId> {
    let (group, _) = match message {
        Message::Receive { proof, .. }
        | Message::Acknowledge { proof, .. }
        | Message::Timeout { proof, .. }
        | Message::TimeoutOnClose { proof, .. }
        | Message::CloseChannel { proof, .. } => *proof,
        Message::OpenConnection { proof, .. } | Message::OpenChannel { proof, .. } => (*proof)?,
        _ => return None,
    };
    proofs.get(group).map(|group| &group.client_id)
}

fn invalid(index: usize, detail: &str) -> AdapterError {
    AdapterError::Invalid { what: "message", detail: format!("number {index}: {detail}") }
}
