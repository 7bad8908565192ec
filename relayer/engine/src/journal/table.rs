//! Pending packets in memory, with the queues the workers take from. A mirror of what is durable: only the journal changes it, after a commit.

use crate::packet::{Direction, Need, Origin, PacketRecord, PacketState, Received, Stage, StateKind};
use causeway_types::{ChainId, ClientId, PacketKey, Sequence};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// One direction of one path: path index and way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LaneId(pub(crate) usize, pub(crate) Direction);

/// What waits for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Queue {
    Hydrate,
    DeliverLive,
    DeliverCleared,
    LearnAck,
    Acknowledge,
    Timeout,
}

#[derive(Debug, Default)]
struct Lane {
    records: BTreeMap<Sequence, Arc<PacketRecord>>,
    queues: BTreeMap<Queue, BTreeSet<Sequence>>,
    /// Undelivered packets by their timeout, unix seconds.
    expiry: BTreeSet<(u64, Sequence)>,
    parked: BTreeSet<(u64, Sequence)>,
    ages: BTreeSet<(u64, Sequence)>,
    counts: BTreeMap<StateKind, u64>,
    /// Taken by a worker, not journaled in a transaction yet. Not durable: a crash frees them.
    busy: HashSet<Sequence>,
}

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lanes: BTreeMap<LaneId, Lane>,
    ids: HashMap<(ChainId, ClientId), LaneId>,
}

fn queue(record: &PacketRecord) -> Option<Queue> {
    if matches!(record.state, PacketState::Parked { .. } | PacketState::Dead { .. } | PacketState::Blocked) || record.state.tx().is_some() {
        return None;
    }
    match record.need() {
        Need::Hydrate => Some(Queue::Hydrate),
        Need::Deliver if record.origin == Origin::Live => Some(Queue::DeliverLive),
        Need::Deliver => Some(Queue::DeliverCleared),
        Need::LearnAck => Some(Queue::LearnAck),
        Need::Acknowledge => Some(Queue::Acknowledge),
        Need::Timeout => Some(Queue::Timeout),
        Need::Expire | Need::Nothing => None,
    }
}

/// When the packet's time is over at its destination, if that may still matter, unix seconds.
fn expiry(record: &PacketRecord) -> Option<u64> {
    let waits = record.state.tx().is_none()
        && !matches!(record.state, PacketState::Parked { .. })
        && record.received == Received::No
        && !record.marked
        && !record.stuck;
    record.packet.as_ref().filter(|_| waits).map(|packet| packet.timeout_timestamp_s)
}

impl Lane {
    fn remove(&mut self, sequence: Sequence) {
        let Some(old) = self.records.remove(&sequence) else { return };
        if let Some(queue) = queue(&old) {
            self.queues.entry(queue).or_default().remove(&sequence);
        }
        if let Some(at) = expiry(&old) {
            self.expiry.remove(&(at, sequence));
        }
        if let PacketState::Parked { retry_at_ms, .. } = old.state {
            self.parked.remove(&(retry_at_ms, sequence));
        }
        self.ages.remove(&(old.time(Stage::Observed).unwrap_or(0), sequence));
        if let Some(count) = self.counts.get_mut(&old.state.kind()) {
            *count = count.saturating_sub(1);
        }
    }

    fn insert(&mut self, record: Arc<PacketRecord>) {
        let sequence = record.key.sequence;
        if let Some(queue) = queue(&record) {
            self.queues.entry(queue).or_default().insert(sequence);
        }
        if let Some(at) = expiry(&record) {
            self.expiry.insert((at, sequence));
        }
        if let PacketState::Parked { retry_at_ms, .. } = record.state {
            self.parked.insert((retry_at_ms, sequence));
        }
        self.ages.insert((record.time(Stage::Observed).unwrap_or(0), sequence));
        let count = self.counts.entry(record.state.kind()).or_default();
        *count = count.saturating_add(1);
        self.records.insert(sequence, record);
    }
}

impl Table {
    /// A table for the paths' directions, each named by the chain and client its packets are sent from.
    pub(crate) fn new(lanes: impl IntoIterator<Item = (LaneId, ChainId, ClientId)>) -> Self {
        let mut table = Self::default();
        for (id, chain, client) in lanes {
            table.lanes.insert(id, Lane::default());
            table.ids.insert((chain, client), id);
        }
        table
    }

    /// The lane of packets sent from this client.
    pub(crate) fn lane_of(&self, chain: &ChainId, client: &ClientId) -> Option<LaneId> {
        self.ids.get(&(chain.clone(), client.clone())).copied()
    }

    fn lane_of_key(&self, key: &PacketKey) -> Option<LaneId> {
        self.lane_of(&key.chain, &key.client)
    }

    pub(crate) fn get(&self, key: &PacketKey) -> Option<Arc<PacketRecord>> {
        self.lanes.get(&self.lane_of_key(key)?)?.records.get(&key.sequence).cloned()
    }

    /// Mirrors a record that is durable now.
    pub(crate) fn apply(&mut self, record: Arc<PacketRecord>) -> Option<LaneId> {
        let id = self.lane_of_key(&record.key)?;
        let lane = self.lanes.get_mut(&id)?;
        lane.remove(record.key.sequence);
        if !record.state.kind().is_final() {
            lane.insert(record);
        }
        Some(id)
    }

    /// Takes up to `limit` packets of a queue that `wanted` accepts, and marks them as being worked on.
    pub(crate) fn take(
        &mut self,
        id: LaneId,
        queue: Queue,
        limit: usize,
        mut wanted: impl FnMut(&PacketRecord) -> bool,
    ) -> Vec<Arc<PacketRecord>> {
        let Some(Lane { records, queues, busy, .. }) = self.lanes.get_mut(&id) else { return Vec::new() };
        let found: Vec<_> = queues
            .get(&queue)
            .into_iter()
            .flatten()
            .filter(|sequence| !busy.contains(*sequence))
            .filter_map(|sequence| records.get(sequence))
            .filter(|record| wanted(record))
            .take(limit)
            .cloned()
            .collect();
        busy.extend(found.iter().map(|record| record.key.sequence));
        found
    }

    /// Takes up to `limit` undelivered packets whose time is over at `now_s`.
    pub(crate) fn take_expired(&mut self, id: LaneId, now_s: u64, limit: usize) -> Vec<Arc<PacketRecord>> {
        let Some(Lane { records, expiry, busy, .. }) = self.lanes.get_mut(&id) else { return Vec::new() };
        let found: Vec<_> = expiry
            .iter()
            .take_while(|(at, _)| *at <= now_s)
            .filter(|(_, sequence)| !busy.contains(sequence))
            .filter_map(|(_, sequence)| records.get(sequence))
            .take(limit)
            .cloned()
            .collect();
        busy.extend(found.iter().map(|record| record.key.sequence));
        found
    }

    /// Frees packets that were taken.
    pub(crate) fn release(&mut self, keys: &[PacketKey]) -> Vec<LaneId> {
        let mut lanes = BTreeSet::new();
        for key in keys {
            let Some(id) = self.lane_of_key(key) else { continue };
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.busy.remove(&key.sequence);
                lanes.insert(id);
            }
        }
        lanes.into_iter().collect()
    }

    /// Parked packets whose wait is over.
    pub(crate) fn due(&self, id: LaneId, now_ms: u64, limit: usize) -> Vec<PacketKey> {
        let Some(lane) = self.lanes.get(&id) else { return Vec::new() };
        let due = lane.parked.iter().take_while(|(at, _)| *at <= now_ms).take(limit);
        due.filter_map(|(_, sequence)| lane.records.get(sequence)).map(|record| record.key.clone()).collect()
    }

    /// When the next parked packet is due, and when the next undelivered one expires (unix milliseconds and seconds).
    pub(crate) fn next_due(&self, id: LaneId) -> (Option<u64>, Option<u64>) {
        let lane = self.lanes.get(&id);
        let parked = lane.and_then(|lane| lane.parked.first()).map(|(at, _)| *at);
        let expiry = lane.and_then(|lane| lane.expiry.first()).map(|(at, _)| *at);
        (parked, expiry)
    }

    pub(crate) fn queue_len(&self, id: LaneId, queue: Queue) -> usize {
        self.lanes.get(&id).and_then(|lane| lane.queues.get(&queue)).map_or(0, BTreeSet::len)
    }

    /// How many pending packets of a lane were found by clearing.
    pub(crate) fn cleared(&self, id: LaneId) -> usize {
        self.queue_len(id, Queue::DeliverCleared).saturating_add(self.queue_len(id, Queue::Hydrate))
    }

    /// Pending packets of a lane after a sequence, ascending.
    pub(crate) fn list(&self, id: LaneId, after: Option<Sequence>) -> impl Iterator<Item = &Arc<PacketRecord>> {
        let lane = self.lanes.get(&id);
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        lane.into_iter().flat_map(move |lane| lane.records.range((from, std::ops::Bound::Unbounded)).map(|(_, record)| record))
    }

    pub(crate) fn counts(&self, id: LaneId) -> BTreeMap<StateKind, u64> {
        self.lanes.get(&id).map(|lane| lane.counts.clone()).unwrap_or_default()
    }

    /// When the oldest pending packet of a lane was observed, unix milliseconds.
    pub(crate) fn oldest(&self, id: LaneId) -> Option<u64> {
        self.lanes.get(&id)?.ages.first().map(|(at, _)| *at)
    }
}
