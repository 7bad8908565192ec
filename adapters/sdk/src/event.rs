//! Events and state listings. State is the truth; an event is a hint that arrives sooner.

use causeway_types::classic::{ChannelEndId, ConnectionId};
use causeway_types::{Acknowledgement, ClientId, Hash, Head, Height, Packet, PacketEnd, Sequence, TxId};

/// Narrows what is watched, so that clients opened by strangers cost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Ends ON this chain whose packets are of interest, as source or as destination. Empty: none.
    pub ends: Vec<PacketEnd>,
    /// Clients ON this chain of which it is of interest that they are updated or frozen. Empty: none.
    pub clients: Vec<ClientId>,
    /// Connections ON this chain of whose channels it is of interest that they are opened or closed. Empty: those of `ends` alone.
    pub connections: Vec<ConnectionId>,
}

impl EventFilter {
    /// Whether the event is of interest.
    pub fn wants(&self, event: &Event) -> bool {
        match event {
            Event::Sent { packet } => self.ends.contains(&packet.source()),
            Event::Acknowledged { packet, .. } => self.ends.contains(&packet.dest()),
            Event::Completed { end, .. } | Event::TimedOut { end, .. } => self.ends.contains(end),
            Event::ClientUpdated { client, .. } | Event::ClientFrozen { client } => self.clients.contains(client),
            Event::ChannelChanged { id, connection } => {
                self.connections.contains(connection) || self.ends.iter().any(|end| end.channel() == Some(id))
            }
        }
    }
}

/// Asks for the events of the blocks after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    /// Everything up to and including this chain height has been seen.
    pub after: Height,
    /// What to report.
    pub filter: EventFilter,
    /// Most blocks to cover in one answer.
    pub blocks_max: u64,
    /// Most events in one answer; a block is never split.
    pub events_max: u32,
    /// How long to wait for a new final block before an empty answer (the heartbeat), milliseconds.
    pub wait_ms: u64,
}

/// The events of the blocks `(request.after, cursor]`, complete and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchBatch {
    /// Everything up to and including this height is in this answer or an earlier one.
    pub cursor: Height,
    /// The newest final block.
    pub head: Head,
    /// Events in chain order.
    pub events: Vec<LocatedEvent>,
}

/// An event and where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedEvent {
    /// Height of the block.
    pub height: Height,
    /// The transaction.
    pub tx: TxId,
    /// Index of the event within the transaction.
    pub index: u32,
    /// What happened.
    pub event: Event,
}

/// What can happen to a packet or a client on one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A packet was sent from here.
    Sent {
        /// The packet.
        packet: Packet,
    },
    /// A packet was received here and acknowledged.
    Acknowledged {
        /// The packet.
        packet: Packet,
        /// The acknowledgement, its exact bytes.
        acknowledgement: Acknowledgement,
    },
    /// The acknowledgement of a packet sent from here was processed: the packet is complete.
    Completed {
        /// The end it was sent from.
        end: PacketEnd,
        /// Its sequence.
        sequence: Sequence,
    },
    /// A packet sent from here was timed out.
    TimedOut {
        /// The end it was sent from.
        end: PacketEnd,
        /// Its sequence.
        sequence: Sequence,
    },
    /// A client hosted here was updated, by whomever.
    ClientUpdated {
        /// The client.
        client: ClientId,
        /// The heights that it holds since; none where the chain does not say.
        heights: Vec<Height>,
    },
    /// A client hosted here was frozen.
    ClientFrozen {
        /// The client.
        client: ClientId,
    },
    /// A step of a channel's handshake was taken here, or a channel end was closed. How it stands now is for state to say.
    ChannelChanged {
        /// The end on this chain.
        id: ChannelEndId,
        /// The connection it stands on.
        connection: ConnectionId,
    },
}

/// What a chain's state says of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketState {
    /// The packet's sequence.
    pub sequence: Sequence,
    /// On the receiving chain: whether there is a receipt.
    pub received: bool,
    /// On the receiving chain: the acknowledgement commitment, if written.
    pub ack_commitment: Option<Hash>,
    /// On the sending chain: the packet commitment, while it lives.
    pub commitment: Option<Hash>,
}

/// Which half of a packet to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HydrateKind {
    /// The packet, on the chain that sent it.
    Sent,
    /// The packet with its acknowledgement, on the chain that received it.
    Acknowledged,
}

/// Asks for bytes that state only names by hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HydrateRequest {
    /// The end on the asked chain: the source for `Sent`, the destination for `Acknowledged`.
    pub end: PacketEnd,
    /// Packet or acknowledgement.
    pub kind: HydrateKind,
    /// Sequences to find; bounded by the caller.
    pub sequences: Vec<Sequence>,
    /// Blocks to look through, if known: inclusive.
    pub range: Option<(Height, Height)>,
}

/// An answer to [`HydrateRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all answers are the large one")]
pub enum Hydrated {
    /// Found, as an event with its place. The caller compares its commitment with the state.
    Found(LocatedEvent),
    /// No endpoint has it.
    Unavailable(Sequence),
}
