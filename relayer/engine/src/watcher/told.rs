//! What blocks tell of packets, and how much of it is kept before anything of it is proven.
//!
//! An endpoint can invent any number of packets. One that a chain is said to have sent is kept as far as there is room in its lane; of an
//! acknowledgement of a packet that nobody knows, the sending chain is asked first whether it waits for one. Clearing finds in state what was
//! passed over.

use super::Watcher;
use crate::journal::{LaneId, Op};
use crate::metrics;
use crate::metrics::Alarm;
use crate::packet::{Direction, PacketRecord};
use crate::shared::Path;
use causeway_types::{Acknowledgement, Locator, Packet, PacketKey, Sequence};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Packets of one direction of a path that are kept by endpoints' word alone. An honest burst that is larger is cut into what fits.
const HEARSAY_MAX: usize = 4_000;
/// Packets asked about in one call.
const LOOKUP_MAX: usize = 100;

/// How many packets of each lane a batch has added so far.
#[derive(Debug, Default)]
pub(super) struct Room(BTreeMap<LaneId, usize>);

/// An acknowledgement as an event told it.
#[derive(Debug)]
pub(super) struct Told {
    path: Arc<Path>,
    direction: Direction,
    packet: Packet,
    acknowledgement: Acknowledgement,
    at: Locator,
}

impl Told {
    fn key(&self) -> PacketKey {
        self.path.key(self.direction, &self.packet)
    }

    pub(super) fn op(self, now_ms: u64) -> Op {
        let record = PacketRecord::new(self.key(), &self.path.spec.name, self.direction, now_ms);
        let Self { packet, acknowledgement, at, .. } = self;
        Op::upsert(record, move |record| record.ack_seen(packet, acknowledgement, at, now_ms))
    }
}

impl Watcher {
    /// A packet that was sent.
    pub(super) fn sent(&mut self, path: &Path, packet: &Packet, at: &Locator, room: &mut Room) -> Option<Op> {
        let direction = path.direction_from(self.chain.id(), &packet.source())?;
        if !path.carries(direction, packet) {
            return None;
        }
        if let Err(why) = self.shared.admits(path, direction, packet) {
            tracing::debug!(path = %path.spec.name, sequence = packet.sequence().get(), why, "not relayed");
            return None;
        }
        let key = path.key(direction, packet);
        if !self.has_room(&key, (path, direction), room) {
            return None;
        }
        let record = PacketRecord::new(key, &path.spec.name, direction, self.chain.now_ms());
        let (packet, at) = (packet.clone(), at.clone());
        Some(Op::upsert(record, move |record| record.found(packet, at)))
    }

    /// An acknowledgement that was written, of a packet of the path.
    pub(super) fn acknowledged(&self, path: &Arc<Path>, packet: &Packet, ack: &Acknowledgement, at: &Locator) -> Option<Told> {
        let direction = path.direction_from(self.chain.id(), &packet.dest())?.reverse();
        if !path.carries(direction, packet) || self.shared.admits(path, direction, packet).is_err() || ack.validate().is_err() {
            return None;
        }
        let (path, packet, acknowledgement, at) = (Arc::clone(path), packet.clone(), ack.clone(), at.clone());
        Some(Told { path, direction, packet, acknowledgement, at })
    }

    /// Of a packet that is pending here, or of one that is not.
    pub(super) fn split(&self, told: Option<Told>) -> (Option<Told>, Option<Told>) {
        match told {
            Some(told) if self.shared.journal.table(|table| table.get(&told.key())).is_some() => (Some(told), None),
            told => (None, told),
        }
    }

    /// Acknowledgements of packets that nobody knows and whose sending chain says that it waits for one.
    pub(super) async fn committed(&mut self, strangers: Vec<Told>, room: &mut Room) -> Vec<Op> {
        let mut by_lane: BTreeMap<LaneId, Vec<Told>> = BTreeMap::new();
        for told in strangers {
            by_lane.entry(told.path.lane(told.direction)).or_default().push(told);
        }
        let mut ops = Vec::new();
        for mut lane in by_lane.into_values() {
            while !lane.is_empty() {
                let rest = lane.split_off(lane.len().min(LOOKUP_MAX));
                let waited_for = self.waited_for(&lane).await;
                for told in lane.into_iter().filter(|told| waited_for.contains(&told.packet.sequence())) {
                    if self.has_room(&told.key(), (&told.path, told.direction), room) {
                        ops.push(told.op(self.chain.now_ms()));
                    }
                }
                lane = rest;
            }
        }
        ops
    }

    /// Of packets of one lane, those whose commitment lives. Where their chain does not answer, none: clearing finds them.
    async fn waited_for(&self, told: &[Told]) -> BTreeSet<Sequence> {
        let Some(first) = told.first() else { return BTreeSet::new() };
        let end = first.path.from(first.direction);
        let Some(source) = self.shared.chains.get(&end.chain) else { return BTreeSet::new() };
        let sequences: BTreeSet<Sequence> = told.iter().map(|told| told.packet.sequence()).collect();
        let sequences: Vec<Sequence> = sequences.into_iter().collect();
        let states = source.call("packet_states", source.adapter().packet_states(&end.packets(), &sequences)).await;
        let lives = |state: causeway_adapter::PacketState| state.commitment.map(|_| state.sequence);
        states.unwrap_or_default().into_iter().filter_map(lives).collect()
    }

    /// Whether another packet may be kept by an endpoint's word; one that is known may.
    fn has_room(&mut self, key: &PacketKey, (path, direction): (&Path, Direction), room: &mut Room) -> bool {
        let lane = path.lane(direction);
        let (known, kept) = self.shared.journal.table(|table| (table.get(key).is_some(), table.hearsay(lane)));
        let added = room.0.entry(lane).or_default();
        if known {
            return true;
        }
        if kept.saturating_add(*added) >= HEARSAY_MAX {
            if self.passed_over.insert(lane) {
                metrics::alarm(self.chain.id(), Alarm::UnprovenPackets);
                tracing::warn!(path = %path.spec.name, kept, "more packets are told of than are proven; the rest is found in state");
            }
            return false;
        }
        *added = added.saturating_add(1);
        true
    }

    /// Whether a lane has no room. One that has again is cleared.
    pub(super) fn is_too_full(&mut self) -> bool {
        let (paths, journal) = (self.shared.paths(), self.shared.journal.clone());
        self.passed_over.retain(|lane| {
            let full = journal.table(|table| table.hearsay(*lane)) >= HEARSAY_MAX / 2;
            if !full && let Some(path) = paths.iter().find(|path| path.index == lane.0) {
                path.clear_notify(lane.1).notify_one();
            }
            full
        });
        !self.passed_over.is_empty()
    }
}
