//! Events and state listings on the wire.

use super::classic::{channel_end, connection_id};
use super::{Wire, WireError, all, client_id, hash, need, packet_end, sequence, sequences, to_all, tx_id};
use crate::{Event, EventFilter, HydrateKind, HydrateRequest, Hydrated, LocatedEvent, PacketState, WatchBatch, WatchRequest};
use causeway_proto::adapter::v1 as pb;
use causeway_types::{PacketEnd, Sequence};
use pb::event::Kind;

impl Wire for WatchRequest {
    type Pb = pb::WatchRequest;

    fn to_pb(&self) -> pb::WatchRequest {
        pb::WatchRequest {
            after: Some(self.after.to_pb()),
            ends: self.filter.ends.iter().map(ToString::to_string).collect(),
            clients: self.filter.clients.iter().map(ToString::to_string).collect(),
            connections: self.filter.connections.iter().map(ToString::to_string).collect(),
            blocks_max: self.blocks_max,
            events_max: self.events_max,
            wait_ms: self.wait_ms,
        }
    }

    fn from_pb(pb: pb::WatchRequest) -> Result<Self, WireError> {
        let ends = pb.ends.iter().map(|text| packet_end(text)).collect::<Result<_, _>>()?;
        let clients = pb.clients.iter().map(|text| client_id(text)).collect::<Result<_, _>>()?;
        let connections = pb.connections.iter().map(|text| connection_id(text)).collect::<Result<_, _>>()?;
        Ok(Self {
            after: need("cursor", pb.after)?,
            filter: EventFilter { ends, clients, connections },
            blocks_max: pb.blocks_max,
            events_max: pb.events_max,
            wait_ms: pb.wait_ms,
        })
    }
}

fn named(end: &PacketEnd, sequence: Sequence) -> pb::EndSequence {
    pb::EndSequence { end: end.to_string(), sequence: sequence.get() }
}

impl Wire for Event {
    type Pb = pb::Event;

    fn to_pb(&self) -> pb::Event {
        let kind = match self {
            Self::Sent { packet } => Kind::Sent(packet.to_pb()),
            Self::Acknowledged { packet, acknowledgement } => {
                let (packet, acknowledgement) = (Some(packet.to_pb()), Some(acknowledgement.to_pb()));
                Kind::Acknowledged(pb::AcknowledgedPacket { packet, acknowledgement })
            }
            Self::Completed { end, sequence } => Kind::Completed(named(end, *sequence)),
            Self::TimedOut { end, sequence } => Kind::TimedOut(named(end, *sequence)),
            Self::ClientUpdated { client, heights } => {
                Kind::ClientUpdated(pb::ClientUpdated { client: client.to_string(), heights: to_all(heights) })
            }
            Self::ClientFrozen { client } => Kind::ClientFrozen(client.to_string()),
            Self::ChannelChanged { id, connection } => {
                Kind::ChannelChanged(pb::event::ChannelChanged { id: id.to_string(), connection: connection.to_string() })
            }
        };
        pb::Event { kind: Some(kind) }
    }

    fn from_pb(pb: pb::Event) -> Result<Self, WireError> {
        Ok(match pb.kind.ok_or(WireError::missing("kind of event"))? {
            Kind::Sent(packet) => Self::Sent { packet: Wire::from_pb(packet)? },
            Kind::Acknowledged(pb::AcknowledgedPacket { packet, acknowledgement }) => {
                Self::Acknowledged { packet: need("packet", packet)?, acknowledgement: need("acknowledgement", acknowledgement)? }
            }
            Kind::Completed(of) => Self::Completed { end: packet_end(&of.end)?, sequence: sequence(of.sequence)? },
            Kind::TimedOut(of) => Self::TimedOut { end: packet_end(&of.end)?, sequence: sequence(of.sequence)? },
            Kind::ClientUpdated(pb::ClientUpdated { client, heights }) => {
                Self::ClientUpdated { client: client_id(&client)?, heights: all(heights)? }
            }
            Kind::ClientFrozen(client) => Self::ClientFrozen { client: client_id(&client)? },
            Kind::ChannelChanged(of) => Self::ChannelChanged { id: channel_end(&of.id)?, connection: connection_id(&of.connection)? },
        })
    }
}

impl Wire for LocatedEvent {
    type Pb = pb::LocatedEvent;

    fn to_pb(&self) -> pb::LocatedEvent {
        let (height, event) = (Some(self.height.to_pb()), Some(self.event.to_pb()));
        pb::LocatedEvent { height, tx: self.tx.as_bytes().to_vec(), index: self.index, event }
    }

    fn from_pb(pb: pb::LocatedEvent) -> Result<Self, WireError> {
        Ok(Self { height: need("height of an event", pb.height)?, tx: tx_id(pb.tx)?, index: pb.index, event: need("event", pb.event)? })
    }
}

impl Wire for WatchBatch {
    type Pb = pb::WatchBatch;

    fn to_pb(&self) -> pb::WatchBatch {
        pb::WatchBatch { cursor: Some(self.cursor.to_pb()), head: Some(self.head.to_pb()), events: to_all(&self.events) }
    }

    fn from_pb(pb: pb::WatchBatch) -> Result<Self, WireError> {
        Ok(Self { cursor: need("cursor", pb.cursor)?, head: need("head", pb.head)?, events: all(pb.events)? })
    }
}

impl Wire for PacketState {
    type Pb = pb::PacketState;

    fn to_pb(&self) -> pb::PacketState {
        pb::PacketState {
            sequence: self.sequence.get(),
            received: self.received,
            ack_commitment: self.ack_commitment.map(|hash| hash.to_vec()),
            commitment: self.commitment.map(|hash| hash.to_vec()),
        }
    }

    fn from_pb(pb: pb::PacketState) -> Result<Self, WireError> {
        Ok(Self {
            sequence: sequence(pb.sequence)?,
            received: pb.received,
            ack_commitment: pb.ack_commitment.map(|bytes| hash("acknowledgement commitment", bytes)).transpose()?,
            commitment: pb.commitment.map(|bytes| hash("commitment", bytes)).transpose()?,
        })
    }
}

impl Wire for HydrateRequest {
    type Pb = pb::HydrateRequest;

    fn to_pb(&self) -> pb::HydrateRequest {
        let kind = match self.kind {
            HydrateKind::Sent => pb::HydrateKind::Sent,
            HydrateKind::Acknowledged => pb::HydrateKind::Acknowledged,
        };
        pb::HydrateRequest {
            end: self.end.to_string(),
            kind: kind.into(),
            sequences: self.sequences.iter().map(|sequence| sequence.get()).collect(),
            range: self.range.map(|(from, to)| pb::HeightRange { from: Some(from.to_pb()), to: Some(to.to_pb()) }),
        }
    }

    fn from_pb(pb: pb::HydrateRequest) -> Result<Self, WireError> {
        let kind = match pb.kind() {
            pb::HydrateKind::Unspecified => return Err(WireError::missing("kind of search")),
            pb::HydrateKind::Sent => HydrateKind::Sent,
            pb::HydrateKind::Acknowledged => HydrateKind::Acknowledged,
        };
        let range = match pb.range {
            Some(pb::HeightRange { from, to }) => Some((need("start of the range", from)?, need("end of the range", to)?)),
            None => None,
        };
        Ok(Self { end: packet_end(&pb.end)?, kind, sequences: sequences(pb.sequences)?, range })
    }
}

impl Wire for Hydrated {
    type Pb = pb::Hydrated;

    fn to_pb(&self) -> pb::Hydrated {
        let kind = match self {
            Self::Found(event) => pb::hydrated::Kind::Found(event.to_pb()),
            Self::Unavailable(sequence) => pb::hydrated::Kind::Unavailable(sequence.get()),
        };
        pb::Hydrated { kind: Some(kind) }
    }

    fn from_pb(pb: pb::Hydrated) -> Result<Self, WireError> {
        match pb.kind.ok_or(WireError::missing("what was found"))? {
            pb::hydrated::Kind::Found(event) => Ok(Self::Found(Wire::from_pb(event)?)),
            pb::hydrated::Kind::Unavailable(number) => Ok(Self::Unavailable(sequence(number)?)),
        }
    }
}
