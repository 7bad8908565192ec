//! From types to rows and back. Bytes in the store were written by us, and are still checked: a damaged record has a name, never a panic.

pub(crate) use super::request::{request, request_row};
use super::wire::{
    AckRow, ClassicRow, CostRow, GoneRow, HeightRow, ItemRow, LocatorRow, PacketRow, PayloadRow, RecordRow, SignedRow, SlotRow, StateRow,
    TimeRow, TrustRow, TxRefRow,
};
use crate::StartError;
use crate::packet::{AckKind, By, Cost, Direction, Gone, Origin, PacketRecord, PacketState, Received, Stage, StateKind, TxRef};
use causeway_adapter::{SignedTx, Slot, TrustedState};
use causeway_store::Tree;
use causeway_types::{Acknowledgement, ChainId, Height, Locator, Packet, PacketEnd, PacketKey, Payload, Sequence, TxId, classic, v2};
use prost::Message;

/// Bytes that do not decode: what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) String);

impl Damaged {
    /// The refusal to start over such a row: what it is, and where it stands.
    pub(crate) fn row(self, what: &str, tree: Tree, key: &[u8]) -> StartError {
        StartError::Damaged { what: format!("{what}, tree {tree:?}, key {}", key.escape_ascii()), detail: self.0 }
    }
}

pub(super) type Decoded<T> = Result<T, Damaged>;

pub(super) fn bad(what: impl std::fmt::Display) -> Damaged {
    Damaged(what.to_string())
}

pub(crate) fn decode<M: Message + Default>(bytes: &[u8]) -> Decoded<M> {
    M::decode(bytes).map_err(bad)
}

pub(crate) fn packet_key(chain: &str, end: &str, sequence: u64) -> Decoded<PacketKey> {
    Ok(PacketKey {
        chain: ChainId::new(chain).map_err(bad)?,
        end: end.parse().map_err(bad)?,
        sequence: Sequence::new(sequence).map_err(bad)?,
    })
}

fn locator_row(locator: &Locator) -> LocatorRow {
    LocatorRow { block: locator.block, transaction: locator.transaction.as_bytes().to_vec(), index: locator.index }
}

fn locator(row: Option<LocatorRow>) -> Decoded<Option<Locator>> {
    row.map(|row| Ok(Locator { block: row.block, transaction: TxId::new(row.transaction).map_err(bad)?, index: row.index })).transpose()
}

pub(super) fn packet_row(packet: &Packet) -> PacketRow {
    let payload = |p: &Payload| PayloadRow {
        source_port: p.source_port.clone(),
        dest_port: p.dest_port.clone(),
        version: p.version.clone(),
        encoding: p.encoding.clone(),
        value: p.value.clone(),
    };
    let row = PacketRow {
        sequence: packet.sequence().get(),
        source: packet.source().to_string(),
        dest: packet.dest().to_string(),
        ..PacketRow::default()
    };
    match packet {
        Packet::V2(packet) => {
            PacketRow { timeout_timestamp_s: packet.timeout_timestamp_s, payloads: packet.payloads.iter().map(payload).collect(), ..row }
        }
        Packet::Classic(packet) => {
            let classic::Timeout { height, timestamp_ns } = packet.timeout;
            let data = packet.data.clone();
            PacketRow {
                classic: Some(ClassicRow { data, timeout_height: height.map(height_row), timeout_timestamp_ns: timestamp_ns }),
                ..row
            }
        }
    }
}

pub(super) fn packet(row: PacketRow) -> Decoded<Packet> {
    let payload = |p: PayloadRow| Payload {
        source_port: p.source_port,
        dest_port: p.dest_port,
        version: p.version,
        encoding: p.encoding,
        value: p.value,
    };
    let sequence = Sequence::new(row.sequence).map_err(bad)?;
    match (row.source.parse().map_err(bad)?, row.dest.parse().map_err(bad)?, row.classic) {
        (PacketEnd::Client(source_client), PacketEnd::Client(dest_client), None) => Ok(Packet::V2(v2::Packet {
            sequence,
            source_client,
            dest_client,
            timeout_timestamp_s: row.timeout_timestamp_s,
            payloads: row.payloads.into_iter().map(payload).collect(),
        })),
        (PacketEnd::Channel(source), PacketEnd::Channel(dest), Some(ClassicRow { data, timeout_height, timeout_timestamp_ns })) => {
            let height = timeout_height.map(|HeightRow { revision, number }| Height { revision, number });
            let timeout = classic::Timeout { height, timestamp_ns: timeout_timestamp_ns };
            Ok(Packet::Classic(classic::Packet { sequence, source, dest, data, timeout }))
        }
        _ => Err(bad("a packet between ends of two protocols")),
    }
}

pub(super) fn ack_row(ack: &Acknowledgement) -> AckRow {
    match ack {
        Acknowledgement::V2(ack) => AckRow { app_acknowledgements: ack.app_acknowledgements.clone(), classic: None },
        Acknowledgement::Classic(ack) => AckRow { app_acknowledgements: Vec::new(), classic: Some(ack.0.clone()) },
    }
}

pub(super) fn ack(row: AckRow) -> Acknowledgement {
    match row.classic {
        None => Acknowledgement::V2(v2::Acknowledgement { app_acknowledgements: row.app_acknowledgements }),
        Some(bytes) => Acknowledgement::Classic(classic::Acknowledgement(bytes)),
    }
}

pub(crate) fn slot_row(slot: &Slot) -> SlotRow {
    match slot {
        Slot::Number(number) => SlotRow { kind: 0, number: *number, revision: 0 },
        Slot::Expiry(height) => SlotRow { kind: 1, number: height.number, revision: height.revision },
    }
}

pub(crate) fn slot(row: Option<SlotRow>) -> Decoded<Slot> {
    match row {
        Some(SlotRow { kind: 0, number, .. }) => Ok(Slot::Number(number)),
        Some(SlotRow { kind: 1, number, revision }) => Ok(Slot::Expiry(Height { revision, number })),
        _ => Err(bad("slot")),
    }
}

fn tx_row(tx: &TxRef) -> TxRefRow {
    TxRefRow {
        chain: tx.chain.as_str().to_owned(),
        signer: tx.signer.clone(),
        slot: Some(slot_row(&tx.slot)),
        tx_ids: tx.tx_ids.iter().map(|id| id.as_bytes().to_vec()).collect(),
    }
}

fn tx_ref(row: TxRefRow) -> Decoded<TxRef> {
    let tx_ids = row.tx_ids.into_iter().map(|id| TxId::new(id).map_err(bad)).collect::<Decoded<_>>()?;
    Ok(TxRef { chain: ChainId::new(row.chain).map_err(bad)?, signer: row.signer, slot: slot(row.slot)?, tx_ids })
}

fn state_row(state: &PacketState) -> StateRow {
    let mut row = StateRow { kind: state.kind().as_str().to_owned(), tx: state.tx().map(tx_row), ..StateRow::default() };
    let by = |by: &By| if *by == By::Us { 1 } else { 2 };
    match state {
        PacketState::Completed { ack, by: who } => {
            row.ack = match ack {
                AckKind::Success => 1,
                AckKind::Error => 2,
                AckKind::Unseen => 3,
            };
            row.by = by(who);
        }
        PacketState::TimedOut { by: who } => row.by = by(who),
        PacketState::Parked { reason, retry_at_ms } => {
            row.reason.clone_from(reason);
            row.retry_at_ms = *retry_at_ms;
        }
        PacketState::Dead { reason } | PacketState::Excluded { reason } => row.reason.clone_from(reason),
        _ => {}
    }
    row
}

fn state(row: Option<StateRow>) -> Decoded<PacketState> {
    let row = row.ok_or_else(|| bad("no state"))?;
    let kind = StateKind::parse(&row.kind).ok_or_else(|| bad(format!("state {}", row.kind)))?;
    let by = || match row.by {
        1 => Ok(By::Us),
        2 => Ok(By::Other),
        other => Err(bad(format!("by {other}"))),
    };
    let tx = row.tx.clone().map(tx_ref).transpose()?;
    let needed = |tx: Option<TxRef>| tx.ok_or_else(|| bad("no transaction"));
    Ok(match kind {
        StateKind::Observed => PacketState::Observed,
        StateKind::NeedsPayload => PacketState::NeedsPayload,
        StateKind::Delivering => PacketState::Delivering(needed(tx)?),
        StateKind::Delivered => PacketState::Delivered,
        StateKind::AwaitingAck => PacketState::AwaitingAck,
        StateKind::Acking => PacketState::Acking(needed(tx)?),
        StateKind::Completed => PacketState::Completed {
            ack: match row.ack {
                1 => AckKind::Success,
                2 => AckKind::Error,
                3 => AckKind::Unseen,
                other => return Err(bad(format!("ack {other}"))),
            },
            by: by()?,
        },
        StateKind::TimingOut => PacketState::TimingOut(tx),
        StateKind::TimedOut => PacketState::TimedOut { by: by()? },
        StateKind::Blocked => PacketState::Blocked,
        StateKind::Parked => PacketState::Parked { reason: row.reason, retry_at_ms: row.retry_at_ms },
        StateKind::Dead => PacketState::Dead { reason: row.reason },
        StateKind::Excluded => PacketState::Excluded { reason: row.reason },
    })
}

pub(crate) fn record_row(record: &PacketRecord) -> RecordRow {
    let (received, received_hint_ms) = match record.received {
        Received::No => (0, 0),
        Received::Hint { since_ms } => (1, since_ms),
        Received::Included => (2, 0),
        Received::Verified => (3, 0),
    };
    RecordRow {
        chain: record.key.chain.as_str().to_owned(),
        end: record.key.end.to_string(),
        sequence: record.key.sequence.get(),
        path: record.path.clone(),
        b_to_a: record.direction == Direction::BToA,
        packet: record.packet.as_ref().map(packet_row),
        state: Some(state_row(&record.state)),
        cleared: record.origin == Origin::Cleared,
        sent: record.sent.as_ref().map(locator_row),
        received,
        received_hint_ms,
        ack: record.ack.as_ref().map(ack_row),
        acked_at: record.acked_at.as_ref().map(locator_row),
        refused: record.refused.clone(),
        marked: record.marked,
        marked_at: record.marked_at.as_ref().map(locator_row),
        attempts: record.attempts,
        refusals: record.refusals,
        waits: record.waits,
        share_max: record.share_max,
        times: record.times.iter().map(|(stage, at_ms)| TimeRow { stage: *stage as u32, at_ms: *at_ms }).collect(),
        costs: record.costs.iter().map(cost_row).collect(),
        gone: record.gone.map(|gone| GoneRow { since_ms: gone.since_ms, timed_out: gone.timed_out }),
        stuck: record.stuck,
        second_look_ms: record.second_look_ms,
        committed_at: record.committed_at.map(height_row),
    }
}

fn cost_row(cost: &Cost) -> CostRow {
    CostRow {
        action: cost.action.clone(),
        chain: cost.chain.as_str().to_owned(),
        tx: cost.tx.as_bytes().to_vec(),
        gas: cost.gas,
        fee: cost.fee.to_be_bytes().to_vec(),
    }
}

/// A 128-bit amount of a row.
pub(crate) fn amount(bytes: &[u8]) -> Decoded<u128> {
    Ok(u128::from_be_bytes(bytes.try_into().map_err(|_| bad("amount"))?))
}

fn cost(row: CostRow) -> Decoded<Cost> {
    Ok(Cost {
        action: row.action,
        chain: ChainId::new(row.chain).map_err(bad)?,
        tx: TxId::new(row.tx).map_err(bad)?,
        gas: row.gas,
        fee: amount(&row.fee)?,
    })
}

pub(crate) fn record(bytes: &[u8]) -> Decoded<PacketRecord> {
    let row: RecordRow = decode(bytes)?;
    let time = |t: TimeRow| {
        let stage = Stage::ALL.get(t.stage as usize).copied().ok_or_else(|| bad(format!("stage {}", t.stage)))?;
        Ok((stage, t.at_ms))
    };
    Ok(PacketRecord {
        key: packet_key(&row.chain, &row.end, row.sequence)?,
        path: row.path,
        direction: if row.b_to_a { Direction::BToA } else { Direction::AToB },
        packet: row.packet.map(packet).transpose()?,
        state: state(row.state)?,
        origin: if row.cleared { Origin::Cleared } else { Origin::Live },
        sent: locator(row.sent)?,
        received: match row.received {
            0 => Received::No,
            1 => Received::Hint { since_ms: row.received_hint_ms },
            2 => Received::Included,
            3 => Received::Verified,
            other => return Err(bad(format!("received {other}"))),
        },
        ack: row.ack.map(ack),
        acked_at: locator(row.acked_at)?,
        refused: row.refused,
        marked: row.marked,
        marked_at: locator(row.marked_at)?,
        attempts: row.attempts,
        // Earlier versions did not count them.
        refusals: row.refusals.max(row.attempts),
        waits: row.waits,
        share_max: row.share_max,
        times: row.times.into_iter().map(time).collect::<Decoded<_>>()?,
        costs: row.costs.into_iter().map(cost).collect::<Decoded<_>>()?,
        gone: row.gone.map(|gone| Gone { since_ms: gone.since_ms, timed_out: gone.timed_out }),
        stuck: row.stuck,
        second_look_ms: row.second_look_ms,
        committed_at: row.committed_at.map(|HeightRow { revision, number }| Height { revision, number }),
    })
}

pub(crate) fn signed_row(tx: &SignedTx) -> SignedRow {
    SignedRow { tx_id: tx.tx_id.as_bytes().to_vec(), raw: tx.raw.clone(), account: tx.account.clone(), slot: Some(slot_row(&tx.slot)) }
}

pub(crate) fn signed(row: SignedRow) -> Decoded<SignedTx> {
    Ok(SignedTx { tx_id: TxId::new(row.tx_id).map_err(bad)?, raw: row.raw, account: row.account, slot: slot(row.slot)? })
}

pub(crate) fn item_key(row: &ItemRow) -> Decoded<Option<PacketKey>> {
    if row.chain.is_empty() { Ok(None) } else { packet_key(&row.chain, &row.end, row.sequence).map(Some) }
}

pub(crate) fn trusted(row: &TrustRow) -> Decoded<TrustedState> {
    Ok(TrustedState {
        height: Height { revision: row.revision, number: row.number },
        time_s: row.time_s,
        block_hash: row.block_hash.as_slice().try_into().map_err(|_| bad("block hash"))?,
        bytes: row.bytes.clone(),
    })
}

pub(crate) fn height_row(height: Height) -> HeightRow {
    HeightRow { revision: height.revision, number: height.number }
}

pub(crate) fn height(bytes: &[u8]) -> Decoded<Height> {
    let row: HeightRow = decode(bytes)?;
    Ok(Height { revision: row.revision, number: row.number })
}
