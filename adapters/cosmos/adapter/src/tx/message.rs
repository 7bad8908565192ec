//! Messages of the seam as ibc-go's messages.
//!
//! Evidence and updates come encoded for this host; here they are only wrapped. Called by [`super::build`].

use crate::convert::{acknowledgement_to, height_to, packet_to};
use causeway_adapter::{AdapterError, Message, ProofGroup};
use causeway_cosmos_proto::ibc::core::channel::v2::{MsgAcknowledgement, MsgRecvPacket, MsgTimeout};
use causeway_cosmos_proto::ibc::core::client::v1::{MsgCreateClient, MsgUpdateClient};
use causeway_cosmos_proto::ibc::core::client::v2::MsgRegisterCounterparty;
use causeway_cosmos_proto::{Any, any};
use causeway_types::Packet;
use prost::Message as _;

/// One message for `signer`; `None` for what this family has no message for.
pub(crate) fn message(index: usize, message: &Message, proofs: &[ProofGroup], signer: &str) -> Result<Option<Any>, AdapterError> {
    let signer = signer.to_string();
    let proof = |packet: &Packet, place: (usize, usize), at_source: bool| proof(index, proofs, place, packet, at_source);
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
        Message::UpdateClient { client_id, update: bytes } | Message::SubmitMisbehaviour { client_id, misbehaviour: bytes } => {
            let client_message = Any::decode(bytes.as_slice()).map_err(|_| invalid(index, "its client message does not parse"))?;
            any(&MsgUpdateClient { client_id: client_id.to_string(), client_message: Some(client_message), signer })
        }
        Message::Receive { packet, proof: place } => {
            let (proof_commitment, height) = proof(packet, *place, false)?;
            any(&MsgRecvPacket { packet: Some(packet_to(packet)), proof_commitment, proof_height: Some(height), signer })
        }
        Message::Acknowledge { packet, acknowledgement, proof: place } => {
            let (proof_acked, height) = proof(packet, *place, true)?;
            let acknowledgement = Some(acknowledgement_to(acknowledgement));
            any(&MsgAcknowledgement { packet: Some(packet_to(packet)), acknowledgement, proof_acked, proof_height: Some(height), signer })
        }
        Message::Timeout { packet, proof: place } => {
            let (proof_unreceived, height) = proof(packet, *place, true)?;
            any(&MsgTimeout { packet: Some(packet_to(packet)), proof_unreceived, proof_height: Some(height), signer })
        }
        Message::MarkExpired { .. } => return Ok(None),
    }))
}

type Proof = (Vec<u8>, causeway_cosmos_proto::ibc::core::client::v1::Height);

fn proof(index: usize, proofs: &[ProofGroup], place: (usize, usize), packet: &Packet, at_source: bool) -> Result<Proof, AdapterError> {
    let group = proofs.get(place.0).ok_or_else(|| invalid(index, "its proof group is not in the request"))?;
    let client = if at_source { &packet.source_client } else { &packet.dest_client };
    if group.client_id != *client {
        return Err(invalid(index, &format!("its proof is for client {}, the packet is of {client}", group.client_id)));
    }
    let bytes = group.evidence.each.get(place.1).ok_or_else(|| invalid(index, "its proof is not in the group"))?;
    if !group.evidence.shared.is_empty() {
        return Err(invalid(index, "its evidence has a shared part, which no client of ibc-go takes"));
    }
    Ok((bytes.clone(), height_to(group.evidence.height)))
}

/// The packet of a message that carries one, and whether this chain sent it.
pub(crate) fn packet_of(message: &Message) -> Option<(&Packet, bool)> {
    match message {
        Message::Receive { packet, .. } => Some((packet, false)),
        Message::Acknowledge { packet, .. } | Message::Timeout { packet, .. } => Some((packet, true)),
        _ => None,
    }
}

fn invalid(index: usize, detail: &str) -> AdapterError {
    AdapterError::Invalid { what: "message", detail: format!("number {index}: {detail}") }
}
