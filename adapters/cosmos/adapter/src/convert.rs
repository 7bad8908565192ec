//! Packets, acknowledgements, connections and channels between the relay's types and ibc-go's messages, bounded on the way in.
//!
//! Called wherever messages are read or made.

use causeway_cosmos_proto::ibc::core::channel::v1 as channel_v1;
use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_cosmos_proto::ibc::core::client::v1 as client;
use causeway_cosmos_proto::ibc::core::connection::v1 as connection;
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1::ClientState;
use causeway_types::classic::{self, ChannelEnd, ChannelId, ConnectionEnd, ConnectionId, HandshakeState, Order, PortId};
use causeway_types::v2::{Acknowledgement, Packet};
use causeway_types::{ClientId, Height, PacketError, Payload, Sequence};

/// A packet from outside.
pub(crate) fn packet_from(packet: channel::Packet) -> Result<Packet, String> {
    let payload = |payload: channel::Payload| Payload {
        source_port: payload.source_port,
        dest_port: payload.destination_port,
        version: payload.version,
        encoding: payload.encoding,
        value: payload.value,
    };
    let packet = Packet {
        sequence: Sequence::new(packet.sequence).map_err(|error| error.to_string())?,
        source_client: ClientId::new(packet.source_client).map_err(|error| error.to_string())?,
        dest_client: ClientId::new(packet.destination_client).map_err(|error| error.to_string())?,
        timeout_timestamp_s: packet.timeout_timestamp,
        payloads: packet.payloads.into_iter().map(payload).collect(),
    };
    packet.validate().map_err(|error| error.to_string())?;
    Ok(packet)
}

/// A packet as ibc-go takes it.
pub(crate) fn packet_to(packet: &Packet) -> channel::Packet {
    let payload = |payload: &Payload| channel::Payload {
        source_port: payload.source_port.clone(),
        destination_port: payload.dest_port.clone(),
        version: payload.version.clone(),
        encoding: payload.encoding.clone(),
        value: payload.value.clone(),
    };
    channel::Packet {
        sequence: packet.sequence.get(),
        source_client: packet.source_client.to_string(),
        destination_client: packet.dest_client.to_string(),
        timeout_timestamp: packet.timeout_timestamp_s,
        payloads: packet.payloads.iter().map(payload).collect(),
    }
}

/// An acknowledgement from outside.
pub(crate) fn acknowledgement_from(acknowledgement: channel::Acknowledgement) -> Result<Acknowledgement, PacketError> {
    let acknowledgement = Acknowledgement { app_acknowledgements: acknowledgement.app_acknowledgements };
    acknowledgement.validate()?;
    Ok(acknowledgement)
}

/// An acknowledgement as ibc-go takes it.
pub(crate) fn acknowledgement_to(acknowledgement: &Acknowledgement) -> channel::Acknowledgement {
    channel::Acknowledgement { app_acknowledgements: acknowledgement.app_acknowledgements.clone() }
}

/// A height as ibc-go writes it.
pub(crate) fn height_to(height: Height) -> client::Height {
    client::Height { revision_number: height.revision, revision_height: height.number }
}

/// A height from outside.
pub(crate) fn height_from(height: client::Height) -> Height {
    Height { revision: height.revision_number, number: height.revision_height }
}

/// Largest denominator of a trust level that the verifier reckons with.
const LEVEL_PARTS_MAX: u64 = 15;

/// The part of the trusted power that a client asks for, by its own state: numerator and denominator. One that cannot be reckoned with
/// exactly is rounded up, so that what is enough here is enough there.
pub(crate) fn trust_level(state: &ClientState) -> (u64, u64) {
    let level = state.trust_level.unwrap_or_default();
    let (numerator, denominator) = (level.numerator, level.denominator);
    if denominator <= LEVEL_PARTS_MAX {
        return (numerator, denominator);
    }
    let parts = u128::from(numerator).saturating_mul(u128::from(LEVEL_PARTS_MAX)).div_ceil(u128::from(denominator));
    (u64::try_from(parts).unwrap_or(u64::MAX), LEVEL_PARTS_MAX)
}

/// A classic packet as ibc-go takes it.
pub(crate) fn classic_to(packet: &classic::Packet) -> channel_v1::Packet {
    channel_v1::Packet {
        sequence: packet.sequence.get(),
        source_port: packet.source.port.to_string(),
        source_channel: packet.source.channel.to_string(),
        destination_port: packet.dest.port.to_string(),
        destination_channel: packet.dest.channel.to_string(),
        data: packet.data.clone(),
        // No height is written as zero, not left out.
        timeout_height: Some(height_to(packet.timeout.height.unwrap_or(Height::new(0)))),
        timeout_timestamp: packet.timeout.timestamp_ns.unwrap_or(0),
    }
}

/// The one version of connections: source ibc-go `modules/core/03-connection/types/version.go` `DefaultIBCVersion`.
pub(crate) fn connection_version() -> connection::Version {
    connection::Version { identifier: "1".to_string(), features: ["ORDER_ORDERED", "ORDER_UNORDERED"].map(str::to_string).to_vec() }
}

/// The other end of a connection as ibc-go writes it.
pub(crate) fn connection_counterparty(end: &ConnectionEnd) -> connection::Counterparty {
    use causeway_cosmos_proto::ibc::core::commitment::v1::MerklePrefix;
    connection::Counterparty {
        client_id: end.counterparty_client.to_string(),
        connection_id: end.counterparty.as_ref().map(ToString::to_string).unwrap_or_default(),
        prefix: Some(MerklePrefix { key_prefix: end.counterparty_prefix.clone() }),
    }
}

/// A connection end as the chain stores it, which is what is proven.
pub(crate) fn connection_to(end: &ConnectionEnd) -> connection::ConnectionEnd {
    let state = match end.state {
        HandshakeState::Init => connection::State::Init,
        HandshakeState::TryOpen => connection::State::Tryopen,
        HandshakeState::Open | HandshakeState::Closed => connection::State::Open,
    };
    connection::ConnectionEnd {
        client_id: end.client.to_string(),
        versions: vec![connection_version()],
        state: state.into(),
        counterparty: Some(connection_counterparty(end)),
        delay_period: end.delay_ns,
    }
}

/// A connection end from outside.
pub(crate) fn connection_from(end: connection::ConnectionEnd) -> Result<ConnectionEnd, String> {
    let state = match end.state() {
        connection::State::Init => HandshakeState::Init,
        connection::State::Tryopen => HandshakeState::TryOpen,
        connection::State::Open => HandshakeState::Open,
        connection::State::UninitializedUnspecified => return Err("a connection without a state".to_string()),
    };
    let other = end.counterparty.unwrap_or_default();
    Ok(ConnectionEnd {
        state,
        client: ClientId::new(end.client_id).map_err(|error| error.to_string())?,
        counterparty_client: ClientId::new(other.client_id).map_err(|error| error.to_string())?,
        counterparty: known(&other.connection_id, |text| ConnectionId::new(text))?,
        counterparty_prefix: other.prefix.unwrap_or_default().key_prefix,
        delay_ns: end.delay_period,
    })
}

/// A channel end as the chain stores it, which is what is proven.
pub(crate) fn channel_to(end: &ChannelEnd) -> channel_v1::Channel {
    let state = match end.state {
        HandshakeState::Init => channel_v1::State::Init,
        HandshakeState::TryOpen => channel_v1::State::Tryopen,
        HandshakeState::Open => channel_v1::State::Open,
        HandshakeState::Closed => channel_v1::State::Closed,
    };
    let ordering = if end.order == Order::Ordered { channel_v1::Order::Ordered } else { channel_v1::Order::Unordered };
    channel_v1::Channel {
        state: state.into(),
        ordering: ordering.into(),
        counterparty: Some(channel_v1::Counterparty {
            port_id: end.counterparty_port.to_string(),
            channel_id: end.counterparty.as_ref().map(ToString::to_string).unwrap_or_default(),
        }),
        connection_hops: vec![end.connection.to_string()],
        version: end.version.clone(),
    }
}

/// A channel end from outside.
pub(crate) fn channel_from(channel: channel_v1::Channel) -> Result<ChannelEnd, String> {
    let state = match channel.state() {
        channel_v1::State::Init => HandshakeState::Init,
        channel_v1::State::Tryopen => HandshakeState::TryOpen,
        channel_v1::State::Open => HandshakeState::Open,
        channel_v1::State::Closed => HandshakeState::Closed,
        channel_v1::State::UninitializedUnspecified => {
            return Err(format!(
                "a channel in state {}, which this relay does not know: it may be in the middle of an upgrade",
                channel.state
            ));
        }
    };
    let order = match channel.ordering() {
        channel_v1::Order::Unordered => Order::Unordered,
        channel_v1::Order::Ordered => Order::Ordered,
        channel_v1::Order::NoneUnspecified => return Err("a channel without an order".to_string()),
    };
    let [hop] = channel.connection_hops.as_slice() else {
        return Err(format!("a channel over {} connections; one is relayed", channel.connection_hops.len()));
    };
    let other = channel.counterparty.unwrap_or_default();
    Ok(ChannelEnd {
        state,
        order,
        counterparty_port: PortId::new(other.port_id).map_err(|error| error.to_string())?,
        counterparty: known(&other.channel_id, |text| ChannelId::new(text))?,
        connection: ConnectionId::new(hop).map_err(|error| error.to_string())?,
        version: channel.version,
    })
}

/// An identifier that is empty until it is known.
fn known<T>(text: &str, parse: impl Fn(&str) -> Result<T, causeway_types::IdError>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some).map_err(|error| error.to_string()) }
}
