//! What `status` answers: plain values, no secrets.

use crate::packet::{Direction, StateKind};
use causeway_adapter::EndpointStatus;
use causeway_types::classic::{ChannelEndId, HandshakeState};
use causeway_types::{ChainId, ClientId, Head, Height, PacketKey};

/// The engine at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// When it was taken, unix milliseconds.
    pub now_ms: u64,
    /// Chains, in the order of the configuration.
    pub chains: Vec<ChainReport>,
    /// Paths, in the order of the configuration.
    pub paths: Vec<PathReport>,
    /// Newest change number.
    pub change: u64,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Its name here.
    pub chain: ChainId,
    /// What it calls itself.
    pub native_chain_id: String,
    /// Family name.
    pub family: String,
    /// The head as endpoints tell it; `None` before the first answer.
    pub head: Option<Head>,
    /// The newest height verified here.
    pub verified: Option<Height>,
    /// Everything up to this height has been journaled.
    pub cursor: Option<Height>,
    /// Each endpoint, as of the last look.
    pub endpoints: Vec<EndpointStatus>,
    /// Two endpoints contradicted each other: what and where.
    pub divergence: Option<String>,
    /// Why watching does not go on at the moment.
    pub watch_error: Option<String>,
    /// Accounts that pay.
    pub wallets: Vec<WalletReport>,
    /// Spent today (UTC) by all keys of the chain, in the smallest unit.
    pub spent_today: u128,
    /// Most that they may spend in a day, in the smallest unit; `None`: no limit.
    pub spend_cap_per_day: Option<u128>,
    /// Answers of this chain's endpoints that broke a rule since the start, by rule.
    pub violations: Vec<(String, u64)>,
}

/// An account that pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletReport {
    /// Name of the key.
    pub signer: String,
    /// As the chain writes it; empty before the first answer.
    pub address: String,
    /// Balance in the smallest unit.
    pub balance: Option<u128>,
    /// Unit of the balance.
    pub denom: String,
    /// Transactions waiting for their outcome.
    pub in_flight: usize,
    /// Why it does not submit at the moment.
    pub blocked: Option<String>,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathReport {
    /// Its name.
    pub name: String,
    /// The clients at its ends: `a`, then `b`.
    pub clients: [ClientReport; 2],
    /// Pending packets by direction and state, and finished ones since the journal began. Only counts above zero.
    pub packets: Vec<PacketCount>,
    /// Age of the oldest packet that is worked on, milliseconds; dead and excluded ones are not.
    pub oldest_pending_ms: Option<u64>,
    /// In IBC classic: the channel at its ends, `a`, then `b`, as last seen. One that is closed takes no packets any more; what was on its way
    /// is brought to its end.
    pub channels: Vec<ChannelReport>,
    /// Why nothing is relayed, if the path was halted.
    pub halted: Option<String>,
}

/// A client at the end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientReport {
    /// Its host.
    pub chain: ChainId,
    /// The client.
    pub client: ClientId,
    /// The newest height it holds, as last seen.
    pub latest: Option<Height>,
    /// Seconds until it expires if nobody updates it; negative when it has.
    pub expires_in_s: Option<i64>,
    /// Whether it is frozen.
    pub frozen: bool,
}

/// A channel at the end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelReport {
    /// Its chain.
    pub chain: ChainId,
    /// The channel.
    pub channel: ChannelEndId,
    /// How it stands.
    pub state: HandshakeState,
}

/// How many packets of one direction are in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketCount {
    /// Which way.
    pub direction: Direction,
    /// The state.
    pub state: StateKind,
    /// How many.
    pub count: u64,
}

/// Which packets to list. Every field that is set narrows the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PacketFilter {
    /// Of this path.
    pub path: Option<String>,
    /// Going this way.
    pub direction: Option<Direction>,
    /// In this state.
    pub state: Option<StateKind>,
    /// Sent on this chain.
    pub source_chain: Option<ChainId>,
    /// Leave out finished packets.
    pub pending_only: bool,
}

/// A page of packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The packets, in the order of their keys; pending ones first.
    pub packets: Vec<crate::PacketRecord>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number: durable, ascending, without meaning otherwise.
    pub number: u64,
    /// When, unix milliseconds.
    pub at_ms: u64,
    /// The packet.
    pub key: PacketKey,
    /// The path of the packet.
    pub path: String,
    /// The state it went to.
    pub state: StateKind,
    /// The packet as it is now, which may be later than this change; `None` once it has aged out.
    pub packet: Option<crate::PacketRecord>,
}

/// Changes after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// In order; empty when nothing happened within the wait.
    pub changes: Vec<Change>,
    /// Pass it to the next call.
    pub cursor: u64,
    /// Changes between the caller's cursor and the first one here are no longer kept: list the packets once to catch up.
    pub gap: bool,
}
