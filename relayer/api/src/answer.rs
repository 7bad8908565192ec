//! From the engine's types to the wire.
//!
//! What it is not: it checks nothing; what the engine holds is valid by type. Both services call it.

use causeway_adapter::Slot;
use causeway_engine::{AckKind, By, Change, Direction, PacketCount, PacketRecord, PacketState, Received, StateKind, TxRef};
use causeway_proto::relay::v1 as wire;
use causeway_types::{Acknowledgement, Locator, Packet, PacketKey, Payload};

/// Longest reason in an answer, characters; the log has it in full.
const REASON_CHARS_MAX: usize = 1_024;

/// Whether the bytes of payloads and acknowledgements go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    Included,
    LeftOut,
}

pub(crate) fn id(key: &PacketKey) -> wire::PacketId {
    wire::PacketId { chain: key.chain.to_string(), client: key.end.to_string(), sequence: key.sequence.get() }
}

pub(crate) fn packet(record: &PacketRecord, bytes: Bytes) -> wire::Packet {
    let packet = record.packet.as_ref();
    let (reason, retry_at_ms) = waiting(record);
    wire::Packet {
        id: Some(id(&record.key)),
        path: record.path.clone(),
        direction: direction(record.direction).into(),
        state: state(record.state.kind()).into(),
        reason,
        retry_at_ms,
        dest_client: packet.map(|packet| packet.dest().to_string()).unwrap_or_default(),
        timeout_timestamp_s: packet.and_then(Packet::expires_at_s).unwrap_or_default(),
        timeout_height: packet.and_then(|packet| packet.timeout().height).map(|height| height.to_string()).unwrap_or_default(),
        payloads: packet.map(|packet| payloads(packet, bytes)).unwrap_or_default(),
        cleared: record.origin == causeway_engine::Origin::Cleared,
        sent: record.sent.as_ref().map(location),
        receipt: receipt(record.received).into(),
        acknowledgement: acknowledgement(record, bytes),
        acknowledged: record.acked_at.as_ref().map(location),
        finisher: finisher(&record.state).into(),
        refused: record.refused.as_deref().map(cut).unwrap_or_default(),
        transaction: record.state.tx().map(transaction),
        attempts: record.refusals,
        times: record.times.iter().map(|(stage, at_ms)| wire::StageTime { stage: stage.as_str().to_owned(), at_ms: *at_ms }).collect(),
        costs: record.costs.iter().map(cost).collect(),
    }
}

pub(crate) fn change(change: &Change) -> wire::PacketChange {
    wire::PacketChange {
        number: change.number,
        at_ms: change.at_ms,
        id: Some(id(&change.key)),
        path: change.path.clone(),
        state: state(change.state).into(),
        packet: change.packet.as_ref().map(|record| packet(record, Bytes::LeftOut)),
    }
}

pub(crate) fn count(count: &PacketCount) -> causeway_proto::admin::v1::PacketCount {
    causeway_proto::admin::v1::PacketCount {
        direction: direction(count.direction).into(),
        state: state(count.state).into(),
        count: count.count,
    }
}

fn direction(direction: Direction) -> wire::Direction {
    match direction {
        Direction::AToB => wire::Direction::AToB,
        Direction::BToA => wire::Direction::BToA,
    }
}

pub(crate) fn state(kind: StateKind) -> wire::State {
    match kind {
        StateKind::Observed => wire::State::Observed,
        StateKind::NeedsPayload => wire::State::NeedsPayload,
        StateKind::Delivering => wire::State::Delivering,
        StateKind::Delivered => wire::State::Delivered,
        StateKind::AwaitingAck => wire::State::AwaitingAck,
        StateKind::Acking => wire::State::Acking,
        StateKind::Completed => wire::State::Completed,
        StateKind::TimingOut => wire::State::TimingOut,
        StateKind::TimedOut => wire::State::TimedOut,
        StateKind::Blocked => wire::State::Blocked,
        StateKind::Parked => wire::State::Parked,
        StateKind::Dead => wire::State::Dead,
        StateKind::Excluded => wire::State::Excluded,
    }
}

/// Why it waits, and until when.
fn waiting(record: &PacketRecord) -> (String, Option<u64>) {
    match &record.state {
        PacketState::Parked { reason, retry_at_ms } => (cut(reason), Some(*retry_at_ms)),
        PacketState::Dead { reason } => (cut(reason), record.second_look_ms),
        PacketState::Excluded { reason } => (cut(reason), None),
        _ => (String::new(), None),
    }
}

/// Cuts a text that came from outside to its bound.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

/// The messages of a packet; a classic one holds a single message, whose version and encoding its channel knows.
fn payloads(packet: &Packet, bytes: Bytes) -> Vec<wire::Payload> {
    match packet {
        Packet::V2(packet) => packet.payloads.iter().map(|each| payload(each, bytes)).collect(),
        Packet::Classic(packet) => {
            let [source_port, dest_port] = [&packet.source.port, &packet.dest.port].map(ToString::to_string);
            let all = Payload { source_port, dest_port, version: String::new(), encoding: String::new(), value: packet.data.clone() };
            vec![payload(&all, bytes)]
        }
    }
}

fn payload(payload: &Payload, bytes: Bytes) -> wire::Payload {
    wire::Payload {
        source_port: payload.source_port.clone(),
        dest_port: payload.dest_port.clone(),
        version: payload.version.clone(),
        encoding: payload.encoding.clone(),
        value: if bytes == Bytes::Included { payload.value.clone() } else { Vec::new() },
        value_bytes: u32::try_from(payload.value.len()).unwrap_or(u32::MAX),
    }
}

fn receipt(received: Received) -> wire::Receipt {
    match received {
        Received::No => wire::Receipt::None,
        Received::Hint { .. } => wire::Receipt::Hint,
        Received::Included => wire::Receipt::Included,
        Received::Verified => wire::Receipt::Verified,
    }
}

/// The final state tells the kind even after the bytes have aged out.
fn acknowledgement(record: &PacketRecord, bytes: Bytes) -> Option<wire::Acknowledgement> {
    let of = |ack: &Acknowledgement| if ack.is_error() { AckKind::Error } else { AckKind::Success };
    let kind = match &record.state {
        PacketState::Completed { ack, .. } => Some(*ack),
        _ => record.ack.as_ref().map(of),
    };
    let kind = match kind? {
        AckKind::Success => wire::AckKind::Success,
        AckKind::Error => wire::AckKind::Error,
        AckKind::Unseen => wire::AckKind::Unseen,
    };
    let exact = record.ack.as_ref().filter(|_| bytes == Bytes::Included);
    let app_acknowledgements = exact.map(|ack| ack.parts().to_vec()).unwrap_or_default();
    Some(wire::Acknowledgement { kind: kind.into(), app_acknowledgements })
}

fn finisher(state: &PacketState) -> wire::Finisher {
    match state {
        PacketState::Completed { by: By::Us, .. } | PacketState::TimedOut { by: By::Us } => wire::Finisher::Us,
        PacketState::Completed { by: By::Other, .. } | PacketState::TimedOut { by: By::Other } => wire::Finisher::Other,
        _ => wire::Finisher::Unspecified,
    }
}

fn location(locator: &Locator) -> wire::Location {
    wire::Location { block: locator.block, transaction: locator.transaction.to_string(), index: locator.index }
}

fn transaction(tx: &TxRef) -> wire::Transaction {
    let slot = match tx.slot {
        Slot::Number(number) => wire::transaction::Slot::Number(number),
        Slot::Expiry(height) => wire::transaction::Slot::ExpiryHeight(height.number),
    };
    let ids = tx.tx_ids.iter().map(ToString::to_string).collect();
    wire::Transaction { chain: tx.chain.to_string(), signer: tx.signer.clone(), ids, slot: Some(slot) }
}

fn cost(cost: &causeway_engine::Cost) -> wire::Cost {
    wire::Cost {
        action: cost.action.clone(),
        chain: cost.chain.to_string(),
        transaction: cost.tx.to_string(),
        gas: cost.gas,
        fee: cost.fee.to_string(),
    }
}
