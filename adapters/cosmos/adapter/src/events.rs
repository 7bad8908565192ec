//! Events of ibc-go: packets of both protocols, and what happens to clients and channels.
//!
//! Both protocols use the same names of types with other attributes. Events are hints: what does not parse is left out, and found again from
//! state. Called by [`crate::watch`], [`crate::hydrate`] and [`crate::tx`].

use crate::answers::{AbciEvent, BlockResults};
use crate::convert::{acknowledgement_from, packet_from};
use causeway_adapter::{Event, LocatedEvent};
use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_types::classic::{self, ChannelEndId, ChannelId, ConnectionId, PortId, Timeout};
use causeway_types::{Acknowledgement, ClientId, Height, Packet, PacketEnd, Sequence, TxId, v2};
use prost::Message;

/// Most hexadecimal digits of an encoded packet or acknowledgement: the largest packet, its names and lengths.
const ENCODED_DIGITS_MAX: usize = 2 * (causeway_types::packet::PAYLOAD_BYTES_MAX + 65_536);

/// Heights of one update; ibc-go's own clients bring one.
const HEIGHTS_MAX: usize = 100;

/// The event as the seam has it; `None` for those that say nothing to us.
pub(crate) fn event(raw: &AbciEvent) -> Option<Event> {
    match raw.kind.as_str() {
        "send_packet" => Some(Event::Sent { packet: packet(raw)? }),
        "write_acknowledgement" => Some(Event::Acknowledged { packet: packet(raw)?, acknowledgement: acknowledgement(raw)? }),
        "acknowledge_packet" => sent_from(raw).map(|(end, sequence)| Event::Completed { end, sequence }),
        "timeout_packet" => sent_from(raw).map(|(end, sequence)| Event::TimedOut { end, sequence }),
        "update_client" | "upgrade_client" | "recover_client" => Some(Event::ClientUpdated { client: client(raw)?, heights: heights(raw) }),
        "channel_open_init"
        | "channel_open_try"
        | "channel_open_ack"
        | "channel_open_confirm"
        | "channel_close_init"
        | "channel_close_confirm"
        | "channel_close" => Some(Event::ChannelChanged {
            id: channel_end(raw, "port_id", "channel_id")?,
            connection: ConnectionId::new(raw.get("connection_id")?).ok()?,
        }),
        "client_misbehaviour" => Some(Event::ClientFrozen { client: client(raw)? }),
        _ => None,
    }
}

/// The packet of an event of either protocol.
fn packet(raw: &AbciEvent) -> Option<Packet> {
    packet_v2(raw).map(Packet::V2).or_else(|| classic(raw).map(Packet::Classic))
}

/// Where the packet of an event was sent from, and its sequence. Classic events of finished packets do not repeat its data.
fn sent_from(raw: &AbciEvent) -> Option<(PacketEnd, Sequence)> {
    if let Some(packet) = packet_v2(raw) {
        return Some((packet.source_client.into(), packet.sequence));
    }
    Some((channel_end(raw, "packet_src_port", "packet_src_channel")?.into(), sequence(raw)?))
}

fn sequence(raw: &AbciEvent) -> Option<Sequence> {
    Sequence::new(raw.get("packet_sequence")?.parse().ok()?).ok()
}

fn channel_end(raw: &AbciEvent, port: &str, channel: &str) -> Option<ChannelEndId> {
    Some(ChannelEndId { port: PortId::new(raw.get(port)?).ok()?, channel: ChannelId::new(raw.get(channel)?).ok()? })
}

/// A packet of IBC classic. Source: ibc-go `modules/core/04-channel/keeper/events.go`.
fn classic(raw: &AbciEvent) -> Option<classic::Packet> {
    let (revision, number) =
        raw.get("packet_timeout_height")?.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))?;
    let timestamp_ns: u64 = raw.get("packet_timeout_timestamp")?.parse().ok()?;
    let timeout = Timeout {
        height: Some(Height { revision, number }).filter(|_| (revision, number) != (0, 0)),
        timestamp_ns: Some(timestamp_ns).filter(|ns| *ns > 0),
    };
    let packet = classic::Packet {
        sequence: sequence(raw)?,
        source: channel_end(raw, "packet_src_port", "packet_src_channel")?,
        dest: channel_end(raw, "packet_dst_port", "packet_dst_channel")?,
        data: bytes(raw, "packet_data_hex")?,
        timeout,
    };
    packet.validate().ok()?;
    Some(packet)
}

fn client(raw: &AbciEvent) -> Option<ClientId> {
    ClientId::new(raw.get("client_id")?).ok()
}

/// The heights that an update brought: `consensus_heights`, with commas between; before ibc-go v7 `consensus_height`.
/// Source: ibc-go `modules/core/02-client/keeper/events.go`.
fn heights(raw: &AbciEvent) -> Vec<Height> {
    let text = raw.get("consensus_heights").or_else(|| raw.get("consensus_height")).unwrap_or_default();
    text.split(',').take(HEIGHTS_MAX).filter_map(crate::clients::height_text).collect()
}

fn bytes(raw: &AbciEvent, name: &str) -> Option<Vec<u8>> {
    let digits = raw.get(name).filter(|digits| digits.len() <= ENCODED_DIGITS_MAX)?;
    hex::decode(digits).ok()
}

/// The packet of an event of IBC v2; other attributes repeat what is in it.
fn packet_v2(raw: &AbciEvent) -> Option<v2::Packet> {
    let encoded = channel::Packet::decode(bytes(raw, "encoded_packet_hex")?.as_slice()).ok()?;
    packet_from(encoded).ok()
}

/// The acknowledgement in a `write_acknowledgement` of either protocol.
fn acknowledgement(raw: &AbciEvent) -> Option<Acknowledgement> {
    if let Some(encoded) = bytes(raw, "encoded_acknowledgement_hex") {
        let encoded = channel::Acknowledgement::decode(encoded.as_slice()).ok()?;
        return acknowledgement_from(encoded).ok().map(Acknowledgement::V2);
    }
    let acknowledgement = classic::Acknowledgement(bytes(raw, "packet_ack_hex")?);
    acknowledgement.validate().ok()?;
    Some(Acknowledgement::Classic(acknowledgement))
}

/// An event of a block before it is known which transaction bytes it came from.
#[derive(Debug)]
pub(crate) struct Found {
    /// Index of the transaction in its block; `None` for what the block itself did.
    pub(crate) tx_index: Option<usize>,
    /// Index of the event within the transaction.
    pub(crate) index: u32,
    pub(crate) event: Event,
}

/// The events of a block that `wanted` takes, in order: what successful transactions did, then the block's own.
pub(crate) fn of_block(block: &BlockResults, wanted: impl Fn(&Event) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut take = |tx_index: Option<usize>, events: &[AbciEvent]| {
        for (index, raw) in (0_u32..).zip(events) {
            if let Some(event) = event(raw).filter(|event| wanted(event)) {
                found.push(Found { tx_index, index, event });
            }
        }
    };
    take(None, block.begin_block_events.as_deref().unwrap_or_default());
    for (at, tx) in block.txs_results.iter().flatten().enumerate() {
        // What a failed transaction emitted did not happen.
        if tx.code == 0 {
            take(Some(at), tx.events.as_deref().unwrap_or_default());
        }
    }
    take(None, block.end_block_events.as_deref().unwrap_or_default());
    take(None, block.finalize_block_events.as_deref().unwrap_or_default());
    found
}

/// The event with its place.
pub(crate) fn located(found: Found, height: Height, tx: TxId) -> LocatedEvent {
    LocatedEvent { height, tx, index: found.index, event: found.event }
}
