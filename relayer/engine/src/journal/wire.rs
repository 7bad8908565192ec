//! The journal's rows as prost messages. Field numbers are for ever; new fields only at the end.
#![allow(missing_docs, reason = "rows mirror the documented types of packet and adapter, field by field")]

use prost::Message;

/// Version of these rows.
pub(crate) const SCHEMA_VERSION: u32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LocatorRow {
    #[prost(uint64, tag = "1")]
    pub(crate) block: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) transaction: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(crate) index: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PayloadRow {
    #[prost(string, tag = "1")]
    pub(crate) source_port: String,
    #[prost(string, tag = "2")]
    pub(crate) dest_port: String,
    #[prost(string, tag = "3")]
    pub(crate) version: String,
    #[prost(string, tag = "4")]
    pub(crate) encoding: String,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PacketRow {
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(string, tag = "2")]
    pub(crate) source: String,
    #[prost(string, tag = "3")]
    pub(crate) dest: String,
    #[prost(uint64, tag = "4")]
    pub(crate) timeout_timestamp_s: u64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) payloads: Vec<PayloadRow>,
    /// Of IBC classic, whose ends are channels.
    #[prost(message, optional, tag = "6")]
    pub(crate) classic: Option<ClassicRow>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClassicRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) data: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) timeout_height: Option<HeightRow>,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) timeout_timestamp_ns: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SlotRow {
    /// 0: number, 1: expiry height.
    #[prost(uint32, tag = "1")]
    pub(crate) kind: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) revision: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TxRefRow {
    #[prost(string, tag = "1")]
    pub(crate) chain: String,
    #[prost(string, tag = "2")]
    pub(crate) signer: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) slot: Option<SlotRow>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) tx_ids: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StateRow {
    /// Word of the state kind.
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) tx: Option<TxRefRow>,
    /// Completed: 1 success, 2 error, 3 unseen.
    #[prost(uint32, tag = "3")]
    pub(crate) ack: u32,
    /// 1: by us, 2: by another.
    #[prost(uint32, tag = "4")]
    pub(crate) by: u32,
    #[prost(string, tag = "5")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "6")]
    pub(crate) retry_at_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TimeRow {
    #[prost(uint32, tag = "1")]
    pub(crate) stage: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) at_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CostRow {
    #[prost(string, tag = "1")]
    pub(crate) action: String,
    #[prost(string, tag = "2")]
    pub(crate) chain: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) tx: Vec<u8>,
    #[prost(uint64, tag = "4")]
    pub(crate) gas: u64,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) fee: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AckRow {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) app_acknowledgements: Vec<Vec<u8>>,
    /// Of IBC classic.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(crate) classic: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RecordRow {
    #[prost(string, tag = "1")]
    pub(crate) chain: String,
    #[prost(string, tag = "2")]
    pub(crate) end: String,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    #[prost(string, tag = "4")]
    pub(crate) path: String,
    #[prost(bool, tag = "5")]
    pub(crate) b_to_a: bool,
    #[prost(message, optional, tag = "6")]
    pub(crate) packet: Option<PacketRow>,
    #[prost(message, optional, tag = "7")]
    pub(crate) state: Option<StateRow>,
    #[prost(bool, tag = "8")]
    pub(crate) cleared: bool,
    #[prost(message, optional, tag = "9")]
    pub(crate) sent: Option<LocatorRow>,
    /// 0 no, 1 hint, 2 included, 3 verified.
    #[prost(uint32, tag = "10")]
    pub(crate) received: u32,
    #[prost(uint64, tag = "11")]
    pub(crate) received_hint_ms: u64,
    #[prost(message, optional, tag = "12")]
    pub(crate) ack: Option<AckRow>,
    #[prost(message, optional, tag = "13")]
    pub(crate) acked_at: Option<LocatorRow>,
    #[prost(string, optional, tag = "14")]
    pub(crate) refused: Option<String>,
    #[prost(bool, tag = "15")]
    pub(crate) marked: bool,
    #[prost(message, optional, tag = "16")]
    pub(crate) marked_at: Option<LocatorRow>,
    /// Delays in a row. Rows of earlier versions count refusals in it, too: those wait a little longer, and no wait makes them dead.
    #[prost(uint32, tag = "17")]
    pub(crate) waits: u32,
    #[prost(uint32, tag = "18")]
    pub(crate) share_max: u32,
    #[prost(message, repeated, tag = "19")]
    pub(crate) times: Vec<TimeRow>,
    #[prost(message, repeated, tag = "20")]
    pub(crate) costs: Vec<CostRow>,
    #[prost(message, optional, tag = "21")]
    pub(crate) gone: Option<GoneRow>,
    #[prost(bool, tag = "22")]
    pub(crate) stuck: bool,
    #[prost(message, optional, tag = "23")]
    pub(crate) committed_at: Option<HeightRow>,
    /// Refusals by the destination since the last progress.
    #[prost(uint32, tag = "24")]
    pub(crate) attempts: u32,
    #[prost(uint64, optional, tag = "25")]
    pub(crate) second_look_ms: Option<u64>,
    /// Refusals in all.
    #[prost(uint32, tag = "26")]
    pub(crate) refusals: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GoneRow {
    #[prost(uint64, tag = "1")]
    pub(crate) since_ms: u64,
    #[prost(bool, tag = "2")]
    pub(crate) timed_out: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignedRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) tx_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) raw: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) account: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) slot: Option<SlotRow>,
}

/// One message of a transaction, in its order.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ItemRow {
    /// Empty: not about a packet.
    #[prost(string, tag = "1")]
    pub(crate) chain: String,
    #[prost(string, tag = "2")]
    pub(crate) end: String,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    /// Word of the action.
    #[prost(string, tag = "4")]
    pub(crate) action: String,
}

/// A transaction that may land.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TransactionRow {
    #[prost(string, tag = "1")]
    pub(crate) chain: String,
    #[prost(string, tag = "2")]
    pub(crate) signer: String,
    /// Oldest first: replacements of one slot.
    #[prost(message, repeated, tag = "3")]
    pub(crate) attempts: Vec<SignedRow>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) items: Vec<ItemRow>,
    #[prost(uint64, tag = "5")]
    pub(crate) created_ms: u64,
    /// What a replacement is built from, where slots are replaceable.
    #[prost(message, optional, tag = "6")]
    pub(crate) request: Option<RequestRow>,
}

/// What a transaction was built from.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RequestRow {
    #[prost(message, repeated, tag = "1")]
    pub(crate) messages: Vec<MessageRow>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) proofs: Vec<ProofRow>,
    #[prost(message, optional, tag = "3")]
    pub(crate) slot: Option<SlotRow>,
    /// Price of the newest version.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) price: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MessageRow {
    /// 1 update, 2 misbehaviour, 3 receive, 4 acknowledge, 5 timeout, 6 mark expired, 7 timeout of an ordered channel, 8 and 9 both timeouts
    /// on a closed channel.
    #[prost(uint32, tag = "1")]
    pub(crate) kind: u32,
    #[prost(string, tag = "2")]
    pub(crate) client: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) bytes: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub(crate) packet: Option<PacketRow>,
    #[prost(message, optional, tag = "5")]
    pub(crate) ack: Option<AckRow>,
    #[prost(uint64, tag = "6")]
    pub(crate) group: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) item: u64,
    /// Evidence of the closed channel.
    #[prost(message, optional, tag = "8")]
    pub(crate) closed: Option<PlaceRow>,
}

/// Where evidence stands: its group and its item.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PlaceRow {
    #[prost(uint64, tag = "1")]
    pub(crate) group: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) item: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProofRow {
    #[prost(string, tag = "1")]
    pub(crate) client: String,
    #[prost(uint64, tag = "2")]
    pub(crate) revision: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) number: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) shared: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub(crate) each: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrustRow {
    #[prost(uint64, tag = "1")]
    pub(crate) revision: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) time_s: Option<u64>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) block_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) bytes: Vec<u8>,
    /// The update that proved it: kept as one half of evidence should another header of the height turn up.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) update: Vec<u8>,
    /// The height it was verified from.
    #[prost(uint64, tag = "7")]
    pub(crate) base_number: u64,
    #[prost(uint64, tag = "8")]
    pub(crate) base_revision: u64,
    /// When it was verified, unix milliseconds.
    #[prost(uint64, tag = "9")]
    pub(crate) verified_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EvidenceRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) a: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) b: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) what: String,
    #[prost(uint64, tag = "4")]
    pub(crate) at_ms: u64,
    /// 0: of before there were kinds; 1: not brought into a form that convicts yet; 2: convicts; 3: of one client, by its host's word.
    #[prost(uint32, tag = "5")]
    pub(crate) kind: u32,
    /// The trusted height that the updates build on.
    #[prost(message, optional, tag = "6")]
    pub(crate) base: Option<HeightRow>,
    /// The height of the header verified before, which the new one contradicts.
    #[prost(message, optional, tag = "7")]
    pub(crate) other: Option<HeightRow>,
    /// Kind 3: where the client is.
    #[prost(string, tag = "8")]
    pub(crate) host: String,
    #[prost(string, tag = "9")]
    pub(crate) client: String,
    /// When people, or a second answer, put it aside, unix milliseconds; 0: it stands.
    #[prost(uint64, tag = "10")]
    pub(crate) closed_ms: u64,
}

/// An update of a client that is not examined yet.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct UpdateRow {
    #[prost(message, repeated, tag = "1")]
    pub(crate) heights: Vec<HeightRow>,
    #[prost(message, optional, tag = "2")]
    pub(crate) at: Option<HeightRow>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) tx: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeightRow {
    #[prost(uint64, tag = "1")]
    pub(crate) revision: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SpendRow {
    /// Days since the epoch.
    #[prost(uint64, tag = "1")]
    pub(crate) day: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) spent: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ChangeRow {
    #[prost(string, tag = "1")]
    pub(crate) chain: String,
    #[prost(string, tag = "2")]
    pub(crate) end: String,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    #[prost(string, tag = "4")]
    pub(crate) path: String,
    #[prost(string, tag = "5")]
    pub(crate) state: String,
    #[prost(uint64, tag = "6")]
    pub(crate) at_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CountRow {
    #[prost(string, tag = "1")]
    pub(crate) path: String,
    #[prost(bool, tag = "2")]
    pub(crate) b_to_a: bool,
    #[prost(string, tag = "3")]
    pub(crate) state: String,
    #[prost(uint64, tag = "4")]
    pub(crate) count: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CountsRow {
    #[prost(message, repeated, tag = "1")]
    pub(crate) counts: Vec<CountRow>,
}

/// A step of a path set-up.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SetupRow {
    /// The transaction, while its outcome is open.
    #[prost(message, optional, tag = "1")]
    pub(crate) tx: Option<SignedRow>,
    /// What the finished step gave: a client id, or empty.
    #[prost(string, tag = "2")]
    pub(crate) result: String,
    #[prost(bool, tag = "3")]
    pub(crate) done: bool,
}
