//! Events of ibc-go: packets of IBC v2 and what happens to clients.
//!
//! Classic channels use the same names of types; their attributes are others, so that they fall through here. Events are hints: what does
//! not parse is left out, and found again from state. Called by [`crate::watch`], [`crate::hydrate`] and [`crate::tx`].

use crate::answers::{AbciEvent, BlockResults};
use crate::convert::{acknowledgement_from, packet_from};
use causeway_adapter::{Event, LocatedEvent};
use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_types::{Acknowledgement, ClientId, Height, Packet, PacketError, TxId};
use prost::Message;

/// Most hexadecimal digits of an encoded packet or acknowledgement: the largest packet, its names and lengths.
const ENCODED_DIGITS_MAX: usize = 2 * (causeway_types::packet::PAYLOAD_BYTES_MAX + 65_536);

/// The event as the seam has it; `None` for those that say nothing to us.
pub(crate) fn event(raw: &AbciEvent) -> Option<Event> {
    match raw.kind.as_str() {
        "send_packet" => Some(Event::Sent { packet: packet(raw)? }),
        "write_acknowledgement" => Some(Event::Acknowledged { packet: packet(raw)?, acknowledgement: acknowledgement(raw)? }),
        "acknowledge_packet" => packet(raw).map(|packet| Event::Completed { client: packet.source_client, sequence: packet.sequence }),
        "timeout_packet" => packet(raw).map(|packet| Event::TimedOut { client: packet.source_client, sequence: packet.sequence }),
        "update_client" | "upgrade_client" | "recover_client" => Some(Event::ClientUpdated { client: client(raw)? }),
        "client_misbehaviour" => Some(Event::ClientFrozen { client: client(raw)? }),
        _ => None,
    }
}

/// The client ON this chain that an event is about.
pub(crate) fn client_of(event: &Event) -> &ClientId {
    match event {
        Event::Sent { packet } => &packet.source_client,
        Event::Acknowledged { packet, .. } => &packet.dest_client,
        Event::Completed { client, .. } | Event::TimedOut { client, .. } => client,
        Event::ClientUpdated { client } | Event::ClientFrozen { client } => client,
    }
}

fn client(raw: &AbciEvent) -> Option<ClientId> {
    ClientId::new(raw.get("client_id")?).ok()
}

fn bytes(raw: &AbciEvent, name: &str) -> Option<Vec<u8>> {
    let digits = raw.get(name).filter(|digits| digits.len() <= ENCODED_DIGITS_MAX)?;
    hex::decode(digits).ok()
}

/// The packet of an event of IBC v2; other attributes repeat what is in it.
pub(crate) fn packet(raw: &AbciEvent) -> Option<Packet> {
    let encoded = channel::Packet::decode(bytes(raw, "encoded_packet_hex")?.as_slice()).ok()?;
    packet_from(encoded).ok()
}

/// The acknowledgement in a `write_acknowledgement` of IBC v2.
pub(crate) fn acknowledgement(raw: &AbciEvent) -> Option<Acknowledgement> {
    let encoded = channel::Acknowledgement::decode(bytes(raw, "encoded_acknowledgement_hex")?.as_slice()).ok()?;
    let found: Result<Acknowledgement, PacketError> = acknowledgement_from(encoded);
    found.ok()
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
