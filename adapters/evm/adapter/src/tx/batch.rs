//! One `relayBatch`: which messages of a request go into it, and its bytes, counted before they are made.
//!
//! Called by [`super::build`].

use crate::convert::packet_to;
use crate::nodes::{NodeList, NodeSet, path_indices};
use alloy::primitives::Bytes;
use alloy::sol_types::{SolCall, SolValue};
use causeway_adapter::{AdapterError, BuildRequest, HostLimits, Message, ProofGroup, RejectReason, Rejected};
use causeway_evm_contracts::abi::{self, Height, Kind, MsgAckPacket, MsgRecvPacket, MsgTimeoutPacket, RelayBatch, RelayMessage, Router};
use causeway_types::Packet;

/// Bytes of a signed transaction around its input: nonce, prices, limit, address, signature, lengths.
pub(crate) const TX_BYTES_AROUND: u64 = 256;
/// Bytes of a `relayBatch` without client id, update, nodes and messages: selector, offset, heads, lengths.
const BATCH_BYTES_FIXED: u64 = 4 + 32 + 6 * 32 + 4 * 32;

/// One packet message with its own proof, root first.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Index in the request.
    pub(crate) index: usize,
    pub(crate) kind: Kind,
    packet: abi::Packet,
    acknowledgement: Bytes,
    path: Vec<Bytes>,
}

/// Messages for one client at one proof height.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) client_id: String,
    /// Index in the request and bytes of the update that goes first.
    pub(crate) update: Option<(usize, Bytes)>,
    pub(crate) proof_height: u64,
    pub(crate) items: Vec<Item>,
}

/// Picks the messages of the first client and proof height that fit by size; the rest has no room.
pub(crate) fn plan(
    request: &BuildRequest,
    update: Option<(usize, &str, &[u8])>,
    limits: HostLimits,
    rejected: &mut Vec<Rejected>,
) -> Result<Plan, AdapterError> {
    let mut plan: Option<Plan> = None;
    let mut nodes = NodeSet::default();
    let mut bytes = 0;
    let mut full = false;
    let skip = update.map(|(index, ..)| index);
    for (index, message) in request.messages.iter().enumerate() {
        if Some(index) == skip {
            continue;
        }
        let no_room = Rejected { index, reason: RejectReason::NoRoom };
        let Some((packet, proof)) = packet_of(message) else {
            // `MarkExpired` is for families that cannot prove absence; anything else waits its turn.
            let reason = match message {
                Message::OpenConnection { .. }
                | Message::OpenChannel { .. }
                | Message::TimeoutOnClose { .. }
                | Message::CloseChannel { .. } => RejectReason::Refused(NO_CLASSIC.to_string()),
                Message::MarkExpired { .. } => RejectReason::Refused("this chain proves absence; no transaction marks expiry".to_string()),
                _ => RejectReason::NoRoom,
            };
            rejected.push(Rejected { index, reason });
            continue;
        };
        let group = request.proofs.get(proof.0).ok_or_else(|| invalid(index, "its proof group is not in the request"))?;
        let plan = plan.get_or_insert_with(|| start(group, update, &mut bytes));
        if full || plan.client_id != group.client_id.as_str() || plan.proof_height != group.evidence.height.number {
            rejected.push(no_room);
            continue;
        }
        let item = item(index, message, packet, group, proof.1)?;
        let added = item_bytes(&item) + nodes.added_bytes(&item.path);
        let crowded = plan.items.len() >= limits.messages_max as usize || bytes + added > limits.tx_bytes_max;
        if crowded || nodes.add(&item.path).is_none() {
            full = true;
            rejected.push(no_room);
            continue;
        }
        bytes += added;
        plan.items.push(item);
    }
    plan.ok_or_else(|| invalid(0, "there is no packet message"))
}

fn start(group: &ProofGroup, update: Option<(usize, &str, &[u8])>, bytes: &mut u64) -> Plan {
    let client_id = group.client_id.as_str().to_string();
    let update = update.map(|(index, _, update)| (index, Bytes::copy_from_slice(update)));
    let update_bytes = update.as_ref().map_or(0, |(_, update)| update.len() as u64);
    *bytes = TX_BYTES_AROUND + BATCH_BYTES_FIXED + padded(client_id.len() as u64) + padded(update_bytes);
    Plan { client_id, update, proof_height: group.evidence.height.number, items: Vec::new() }
}

fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(32)
}

/// Bytes of one message in the batch, with its offset; its nodes apart.
fn item_bytes(item: &Item) -> u64 {
    // Offset, four head words, the packet with its own offset already among them, acknowledgement and indices with lengths.
    let packet = item.packet.abi_encoded_size() as u64 - 32;
    32 + 4 * 32 + packet + 32 + padded(item.acknowledgement.len() as u64) + 32 + 32 * item.path.len() as u64
}

/// The packet of a message that carries one with a proof.
pub(crate) fn packet_of(message: &Message) -> Option<(&Packet, (usize, usize))> {
    match message {
        Message::Receive { packet, proof } | Message::Acknowledge { packet, proof, .. } | Message::Timeout { packet, proof, .. } => {
            Some((packet, *proof))
        }
        _ => None,
    }
}

fn item(index: usize, message: &Message, packet: &Packet, group: &ProofGroup, proof: usize) -> Result<Item, AdapterError> {
    let Packet::V2(packet) = packet else { return Err(invalid(index, NO_CLASSIC)) };
    let (kind, acknowledgement) = match message {
        Message::Acknowledge { acknowledgement, .. } => match acknowledgement.parts() {
            [only] => (Kind::Ack, Bytes::copy_from_slice(only)),
            _ => return Err(invalid(index, "the router takes exactly one application acknowledgement")),
        },
        Message::Timeout { .. } => (Kind::Timeout, Bytes::new()),
        _ => (Kind::Recv, Bytes::new()),
    };
    let broken = |violation: causeway_adapter::Violation| invalid(index, &violation.to_string());
    let list = NodeList::new(&group.evidence.shared).map_err(broken)?;
    let each = group.evidence.each.get(proof).ok_or_else(|| invalid(index, "its proof is not in the group"))?;
    let indices = path_indices(each).map_err(broken)?;
    let path = indices.iter().map(|node| list.get(usize::from(*node)).map(Bytes::copy_from_slice));
    let path = path.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Ok(Item { index, kind, packet: packet_to(packet), acknowledgement, path })
}

/// The router speaks IBC v2 alone.
const NO_CLASSIC: &str = "this chain hosts no channels of IBC classic";

fn invalid(index: usize, detail: &str) -> AdapterError {
    AdapterError::Invalid { what: "message", detail: format!("number {index}: {detail}") }
}

impl Plan {
    /// Input of the transaction; `message_gas` is what each message is sure to find left.
    pub(crate) fn input(&self, message_gas: u64) -> Result<Bytes, AdapterError> {
        let mut nodes = NodeSet::default();
        let message = |item: &Item| {
            let indices = nodes.add(&item.path).ok_or_else(|| invalid(item.index, "too many proof nodes"))?;
            let (packet, acknowledgement) = (item.packet.clone(), item.acknowledgement.clone());
            Ok(RelayMessage { kind: item.kind, packet, acknowledgement, nodes: indices })
        };
        let messages = self.items.iter().map(message).collect::<Result<Vec<_>, AdapterError>>()?;
        let batch = RelayBatch {
            clientId: self.client_id.clone(),
            update: self.update.as_ref().map(|(_, update)| update.clone()).unwrap_or_default(),
            proofHeight: self.proof_height,
            nodes: nodes.into_nodes(),
            minGasPerMessage: message_gas,
            messages,
        };
        Ok(Router::relayBatchCall { batch }.abi_encode().into())
    }

    /// Input that does one message alone, all or nothing, so that a refusal says why: with the update first.
    pub(crate) fn alone(&self, item: &Item) -> Bytes {
        let proof: Bytes = item.path.abi_encode().into();
        let height = Height { revisionNumber: 0, revisionHeight: self.proof_height };
        let packet = item.packet.clone();
        let call = match item.kind {
            Kind::Ack => {
                let acknowledgement = item.acknowledgement.clone();
                Router::ackPacketCall { m: MsgAckPacket { packet, acknowledgement, proofAcked: proof, proofHeight: height } }.abi_encode()
            }
            Kind::Timeout => {
                Router::timeoutPacketCall { m: MsgTimeoutPacket { packet, proofTimeout: proof, proofHeight: height } }.abi_encode()
            }
            _ => Router::recvPacketCall { m: MsgRecvPacket { packet, proofCommitment: proof, proofHeight: height } }.abi_encode(),
        };
        let Some((_, update)) = &self.update else { return call.into() };
        let update = Router::updateClientCall { clientId: self.client_id.clone(), updateMsg: update.clone() }.abi_encode();
        Router::multicallCall { calls: vec![update.into(), call.into()] }.abi_encode().into()
    }

    /// Indices of the request that the transaction contains, in its order.
    pub(crate) fn included(&self) -> Vec<usize> {
        self.update.iter().map(|(index, _)| *index).chain(self.items.iter().map(|item| item.index)).collect()
    }
}
