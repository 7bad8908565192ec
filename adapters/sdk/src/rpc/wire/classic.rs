//! IBC classic on the wire: packets, connection and channel ends, steps of handshakes.

use super::{Wire, WireError, client_id, maybe, need, packet_end, sequence};
use crate::OpenStep;
use causeway_proto::adapter::v1 as pb;
use causeway_types::classic::{
    ChannelEnd, ChannelEndId, ChannelId, ConnectionEnd, ConnectionId, HandshakeState, Order, Packet, PortId, Timeout,
};

pub(in crate::rpc) fn connection_id(text: &str) -> Result<ConnectionId, WireError> {
    ConnectionId::new(text).map_err(|error| WireError::new("connection id", error))
}

pub(in crate::rpc) fn channel_end(text: &str) -> Result<ChannelEndId, WireError> {
    packet_end(text)?.channel().cloned().ok_or_else(|| WireError::new("channel end", "not port/channel"))
}

pub(super) fn channel_id(text: &str) -> Result<ChannelId, WireError> {
    ChannelId::new(text).map_err(|error| WireError::new("channel id", error))
}

pub(super) fn port_id(text: &str) -> Result<PortId, WireError> {
    PortId::new(text).map_err(|error| WireError::new("port id", error))
}

impl Wire for Packet {
    type Pb = pb::PacketClassic;

    fn to_pb(&self) -> pb::PacketClassic {
        pb::PacketClassic {
            sequence: self.sequence.get(),
            source: self.source.to_string(),
            dest: self.dest.to_string(),
            data: self.data.clone(),
            timeout_height: self.timeout.height.as_ref().map(Wire::to_pb),
            timeout_timestamp_ns: self.timeout.timestamp_ns,
        }
    }

    fn from_pb(pb: pb::PacketClassic) -> Result<Self, WireError> {
        let timeout = Timeout { height: maybe(pb.timeout_height)?, timestamp_ns: pb.timeout_timestamp_ns };
        let (source, dest) = (channel_end(&pb.source)?, channel_end(&pb.dest)?);
        Ok(Self { sequence: sequence(pb.sequence)?, source, dest, data: pb.data, timeout })
    }
}

fn state(state: HandshakeState) -> pb::HandshakeState {
    match state {
        HandshakeState::Init => pb::HandshakeState::Init,
        HandshakeState::TryOpen => pb::HandshakeState::TryOpen,
        HandshakeState::Open => pb::HandshakeState::Open,
        HandshakeState::Closed => pb::HandshakeState::Closed,
    }
}

fn from_state(state: pb::HandshakeState) -> Result<HandshakeState, WireError> {
    match state {
        pb::HandshakeState::Unspecified => Err(WireError::missing("state of a handshake")),
        pb::HandshakeState::Init => Ok(HandshakeState::Init),
        pb::HandshakeState::TryOpen => Ok(HandshakeState::TryOpen),
        pb::HandshakeState::Open => Ok(HandshakeState::Open),
        pb::HandshakeState::Closed => Ok(HandshakeState::Closed),
    }
}

impl Wire for ConnectionEnd {
    type Pb = pb::ConnectionEnd;

    fn to_pb(&self) -> pb::ConnectionEnd {
        pb::ConnectionEnd {
            state: state(self.state).into(),
            client: self.client.to_string(),
            counterparty_client: self.counterparty_client.to_string(),
            counterparty: self.counterparty.as_ref().map(ToString::to_string),
            counterparty_prefix: self.counterparty_prefix.clone(),
            delay_ns: self.delay_ns,
        }
    }

    fn from_pb(pb: pb::ConnectionEnd) -> Result<Self, WireError> {
        Ok(Self {
            state: from_state(pb.state())?,
            client: client_id(&pb.client)?,
            counterparty_client: client_id(&pb.counterparty_client)?,
            counterparty: pb.counterparty.as_deref().map(connection_id).transpose()?,
            counterparty_prefix: pb.counterparty_prefix,
            delay_ns: pb.delay_ns,
        })
    }
}

impl Wire for ChannelEnd {
    type Pb = pb::ChannelEnd;

    fn to_pb(&self) -> pb::ChannelEnd {
        pb::ChannelEnd {
            state: state(self.state).into(),
            ordered: self.order == Order::Ordered,
            counterparty_port: self.counterparty_port.to_string(),
            counterparty: self.counterparty.as_ref().map(ToString::to_string),
            connection: self.connection.to_string(),
            version: self.version.clone(),
        }
    }

    fn from_pb(pb: pb::ChannelEnd) -> Result<Self, WireError> {
        Ok(Self {
            state: from_state(pb.state())?,
            order: if pb.ordered { Order::Ordered } else { Order::Unordered },
            counterparty_port: port_id(&pb.counterparty_port)?,
            counterparty: pb.counterparty.as_deref().map(channel_id).transpose()?,
            connection: connection_id(&pb.connection)?,
            version: pb.version,
        })
    }
}

pub(super) fn to_step(step: OpenStep) -> pb::OpenStep {
    match step {
        OpenStep::Init => pb::OpenStep::Init,
        OpenStep::Try => pb::OpenStep::Try,
        OpenStep::Ack => pb::OpenStep::Ack,
        OpenStep::Confirm => pb::OpenStep::Confirm,
    }
}

pub(super) fn step(step: pb::OpenStep) -> Result<OpenStep, WireError> {
    match step {
        pb::OpenStep::Unspecified => Err(WireError::missing("step of a handshake")),
        pb::OpenStep::Init => Ok(OpenStep::Init),
        pb::OpenStep::Try => Ok(OpenStep::Try),
        pb::OpenStep::Ack => Ok(OpenStep::Ack),
        pb::OpenStep::Confirm => Ok(OpenStep::Confirm),
    }
}

/// An identifier that is not there yet is written as no text.
pub(super) fn id<T>(text: &str, parse: impl Fn(&str) -> Result<T, WireError>) -> Result<Option<T>, WireError> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// The end of a step, which must be there.
pub(super) fn end<T: Wire>(part: Option<T::Pb>) -> Result<T, WireError> {
    need("end of a handshake", part)
}
