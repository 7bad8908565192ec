//! What a transaction was built from, as rows: a stuck one is replaced from them after a restart, too.
//!
//! What it is not: rows of clients being created or channels being opened and closed: those steps look at both chains before they are repeated. The submitter calls this where slots are replaceable.

use super::codec::{Damaged, Decoded, ack, ack_row, amount, bad, packet, packet_row, slot, slot_row};
use super::wire::{MessageRow, PlaceRow, ProofRow, RequestRow};
use causeway_adapter::{BuildRequest, EncodedEvidence, FeePolicy, Message, ProofGroup};
use causeway_types::classic::Order;
use causeway_types::{ClientId, Height, Packet};

const UPDATE: u32 = 1;
const MISBEHAVIOUR: u32 = 2;
const RECEIVE: u32 = 3;
const ACKNOWLEDGE: u32 = 4;
const TIMEOUT: u32 = 5;
const MARK_EXPIRED: u32 = 6;
const TIMEOUT_ORDERED: u32 = 7;
const TIMEOUT_ON_CLOSE: u32 = 8;
const TIMEOUT_ON_CLOSE_ORDERED: u32 = 9;

/// A request and the price its newest transaction offers. `None` for messages that no flight carries.
pub(crate) fn request_row(request: &BuildRequest, price: u128) -> Option<RequestRow> {
    Some(RequestRow {
        messages: request.messages.iter().map(message_row).collect::<Option<_>>()?,
        proofs: request.proofs.iter().map(proof_row).collect(),
        slot: Some(slot_row(&request.slot)),
        price: price.to_be_bytes().to_vec(),
    })
}

/// The request of a row, to be paid by `signer` as `fees` allow today.
pub(crate) fn request(row: RequestRow, signer: &str, fees: &FeePolicy) -> Decoded<(BuildRequest, u128)> {
    let price = amount(&row.price)?;
    let request = BuildRequest {
        signer: signer.to_owned(),
        messages: row.messages.into_iter().map(message).collect::<Decoded<_>>()?,
        proofs: row.proofs.into_iter().map(proof).collect::<Decoded<_>>()?,
        slot: slot(row.slot)?,
        fees: fees.clone(),
        simulate: false,
    };
    Ok((request, price))
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

fn message_row(message: &Message) -> Option<MessageRow> {
    let of_client = |kind, client: &ClientId, bytes: &[u8]| MessageRow {
        kind,
        client: client.as_str().to_owned(),
        bytes: bytes.to_vec(),
        ..Default::default()
    };
    let of_packet = |kind, packet: &Packet, (group, item): (usize, usize)| MessageRow {
        kind,
        packet: Some(packet_row(packet)),
        group: number(group),
        item: number(item),
        ..Default::default()
    };
    Some(match message {
        Message::CreateClient { .. }
        | Message::RegisterCounterparty { .. }
        | Message::OpenConnection { .. }
        | Message::OpenChannel { .. }
        | Message::CloseChannel { .. } => return None,
        Message::UpdateClient { client_id, update } => of_client(UPDATE, client_id, update),
        Message::SubmitMisbehaviour { client_id, misbehaviour } => of_client(MISBEHAVIOUR, client_id, misbehaviour),
        Message::Receive { packet, proof } => of_packet(RECEIVE, packet, *proof),
        Message::Acknowledge { packet, acknowledgement, proof } => {
            MessageRow { ack: Some(ack_row(acknowledgement)), ..of_packet(ACKNOWLEDGE, packet, *proof) }
        }
        Message::Timeout { packet, order: Order::Unordered, proof } => of_packet(TIMEOUT, packet, *proof),
        Message::Timeout { packet, order: Order::Ordered, proof } => of_packet(TIMEOUT_ORDERED, packet, *proof),
        Message::TimeoutOnClose { packet, order, proof, closed } => {
            let kind = if *order == Order::Ordered { TIMEOUT_ON_CLOSE_ORDERED } else { TIMEOUT_ON_CLOSE };
            let closed = Some(PlaceRow { group: number(closed.0), item: number(closed.1) });
            MessageRow { closed, ..of_packet(kind, packet, *proof) }
        }
        Message::MarkExpired { packet } => of_packet(MARK_EXPIRED, packet, (0, 0)),
    })
}

fn message(row: MessageRow) -> Decoded<Message> {
    let index = |number: u64| usize::try_from(number).map_err(bad);
    let missing = |what: &str| Damaged(format!("message without {what}"));
    if matches!(row.kind, UPDATE | MISBEHAVIOUR) {
        let client_id = ClientId::new(&row.client).map_err(bad)?;
        return Ok(match row.kind {
            UPDATE => Message::UpdateClient { client_id, update: row.bytes },
            _ => Message::SubmitMisbehaviour { client_id, misbehaviour: row.bytes },
        });
    }
    let packet = packet(row.packet.ok_or_else(|| missing("packet"))?)?;
    let proof = (index(row.group)?, index(row.item)?);
    Ok(match row.kind {
        RECEIVE => Message::Receive { packet, proof },
        ACKNOWLEDGE => Message::Acknowledge { packet, acknowledgement: ack(row.ack.ok_or_else(|| missing("acknowledgement"))?), proof },
        TIMEOUT => Message::Timeout { packet, order: Order::Unordered, proof },
        TIMEOUT_ORDERED => Message::Timeout { packet, order: Order::Ordered, proof },
        TIMEOUT_ON_CLOSE | TIMEOUT_ON_CLOSE_ORDERED => {
            let order = if row.kind == TIMEOUT_ON_CLOSE { Order::Unordered } else { Order::Ordered };
            let closed = row.closed.ok_or_else(|| missing("evidence of the closed channel"))?;
            Message::TimeoutOnClose { packet, order, proof, closed: (index(closed.group)?, index(closed.item)?) }
        }
        MARK_EXPIRED => Message::MarkExpired { packet },
        kind => return Err(Damaged(format!("message kind {kind}"))),
    })
}

fn proof_row(group: &ProofGroup) -> ProofRow {
    let ProofGroup { client_id, evidence: EncodedEvidence { height, shared, each } } = group;
    ProofRow {
        client: client_id.as_str().to_owned(),
        revision: height.revision,
        number: height.number,
        shared: shared.clone(),
        each: each.clone(),
    }
}

fn proof(row: ProofRow) -> Decoded<ProofGroup> {
    let height = Height { revision: row.revision, number: row.number };
    let evidence = EncodedEvidence { height, shared: row.shared, each: row.each };
    Ok(ProofGroup { client_id: ClientId::new(&row.client).map_err(bad)?, evidence })
}
