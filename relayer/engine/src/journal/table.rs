//! Pending packets in memory, with the queues the workers take from. A mirror of what is durable: only the journal changes it, after a commit.

use crate::packet::{Direction, Need, Origin, PacketRecord, PacketState, Received, Stage, StateKind};
use causeway_types::classic::Timeout;
use causeway_types::{ChainId, Height, Packet, PacketEnd, PacketKey, Sequence};
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
    /// Said to be finished, by an endpoint's word alone.
    Gone,
}

#[derive(Debug, Default)]
struct Lane {
    records: BTreeMap<Sequence, Arc<PacketRecord>>,
    queues: BTreeMap<Queue, BTreeSet<Sequence>>,
    /// Undelivered packets by their timeout, unix nanoseconds and height of the destination.
    expiry: BTreeSet<(u64, Sequence)>,
    expiry_height: BTreeSet<(Height, Sequence)>,
    parked: BTreeSet<(u64, Sequence)>,
    ages: BTreeSet<(u64, Sequence)>,
    counts: BTreeMap<StateKind, u64>,
    /// Records that are waited with and of which nothing was proven.
    hearsay: usize,
    /// All that is pending of it is here.
    complete: bool,
    /// Taken by a worker, not journaled in a transaction yet. Not durable: a crash frees them.
    busy: HashSet<Sequence>,
}

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lanes: BTreeMap<LaneId, Lane>,
    ids: HashMap<(ChainId, PacketEnd), LaneId>,
}

fn queue(record: &PacketRecord) -> Option<Queue> {
    if matches!(record.state, PacketState::Parked { .. }) || record.state.kind().is_final() || record.state.tx().is_some() {
        return None;
    }
    // Whatever else is to be done with it waits for that; a dead packet may have been ended by somebody else, too.
    if record.gone.is_some() {
        return Some(Queue::Gone);
    }
    if record.state.rests() {
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

/// Whether the packet may yet be returned to its sender: known, not received, and in no transaction.
fn undelivered(record: &PacketRecord) -> bool {
    record.packet.is_some()
        && record.state.tx().is_none()
        && !matches!(record.state, PacketState::Parked { .. })
        && record.received == Received::No
        && !record.marked
        && !record.stuck
        && record.gone.is_none()
}

/// Whether it counts against what may be kept by an endpoint's word alone. A dead packet has been looked at.
fn hearsay(record: &PacketRecord) -> bool {
    record.is_hearsay() && !matches!(record.state, PacketState::Dead { .. } | PacketState::Blocked)
}

/// When the packet's time is over at its destination, if that may still matter.
fn expiry(record: &PacketRecord) -> Timeout {
    let packet = record.packet.as_ref().filter(|_| undelivered(record));
    packet.map_or(Timeout { height: None, timestamp_ns: None }, Packet::timeout)
}

impl Lane {
    fn remove(&mut self, sequence: Sequence) {
        let Some(old) = self.records.remove(&sequence) else { return };
        if let Some(queue) = queue(&old) {
            self.queues.entry(queue).or_default().remove(&sequence);
        }
        let Timeout { height, timestamp_ns } = expiry(&old);
        timestamp_ns.map(|at| self.expiry.remove(&(at, sequence)));
        height.map(|at| self.expiry_height.remove(&(at, sequence)));
        old.retry_at_ms().map(|at| self.parked.remove(&(at, sequence)));
        self.hearsay = self.hearsay.saturating_sub(usize::from(hearsay(&old)));
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
        let Timeout { height, timestamp_ns } = expiry(&record);
        self.expiry.extend(timestamp_ns.map(|at| (at, sequence)));
        self.expiry_height.extend(height.map(|at| (at, sequence)));
        self.parked.extend(record.retry_at_ms().map(|at| (at, sequence)));
        self.hearsay = self.hearsay.saturating_add(usize::from(hearsay(&record)));
        // What others are to relay, and what was given up, does not wait for us, unless it is to be proven that others ended it.
        if !matches!(record.state.kind(), StateKind::Excluded | StateKind::Dead) || record.gone.is_some() {
            self.ages.insert((record.time(Stage::Observed).unwrap_or(0), sequence));
        }
        let count = self.counts.entry(record.state.kind()).or_default();
        *count = count.saturating_add(1);
        self.records.insert(sequence, record);
    }
}

impl Table {
    /// A table for the paths' directions, each named by the chain and end its packets are sent from.
    pub(crate) fn new(lanes: impl IntoIterator<Item = (LaneId, ChainId, PacketEnd)>) -> Self {
        let mut table = Self::default();
        for (id, chain, end) in lanes {
            table.open(id, (chain, end));
            table.complete(id);
        }
        table
    }

    /// Adds a lane that is yet to be filled.
    pub(crate) fn open(&mut self, id: LaneId, sent_from: (ChainId, PacketEnd)) {
        self.lanes.insert(id, Lane::default());
        self.ids.insert(sent_from, id);
    }

    /// Everything that is durable of a lane is in it.
    pub(crate) fn complete(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.complete = true;
        }
    }

    /// Whether a packet that is not here is not pending.
    pub(crate) fn is_complete(&self, key: &PacketKey) -> bool {
        self.lane_of_key(key).and_then(|id| self.lanes.get(&id)).is_some_and(|lane| lane.complete)
    }

    /// The lane of packets sent from this end.
    pub(crate) fn lane_of(&self, chain: &ChainId, end: &PacketEnd) -> Option<LaneId> {
        self.ids.get(&(chain.clone(), end.clone())).copied()
    }

    fn lane_of_key(&self, key: &PacketKey) -> Option<LaneId> {
        self.lane_of(&key.chain, &key.end)
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

    /// Takes up to `limit` undelivered packets whose time is over at a head of the destination (its height, and its time in unix seconds).
    pub(crate) fn take_expired(&mut self, id: LaneId, (height, now_s): (Height, u64), limit: usize) -> Vec<Arc<PacketRecord>> {
        let Some(Lane { records, expiry, expiry_height, busy, .. }) = self.lanes.get_mut(&id) else { return Vec::new() };
        let now_ns = now_s.saturating_mul(1_000_000_000);
        let by_time = expiry.iter().take_while(|(at, _)| *at <= now_ns).map(|(_, sequence)| *sequence);
        let by_height = expiry_height.iter().take_while(|(at, _)| *at <= height).map(|(_, sequence)| *sequence);
        let over = by_time.chain(by_height).filter(|sequence| !busy.contains(sequence));
        // A packet may be over by both.
        let found: BTreeMap<Sequence, Arc<PacketRecord>> =
            over.filter_map(|sequence| Some((sequence, Arc::clone(records.get(&sequence)?)))).take(limit).collect();
        busy.extend(found.keys());
        found.into_values().collect()
    }

    /// Takes up to `limit` undelivered packets, whatever their timeout: the channel that should have received them is closed.
    pub(crate) fn take_undelivered(&mut self, id: LaneId, limit: usize) -> Vec<Arc<PacketRecord>> {
        let Some(Lane { records, busy, .. }) = self.lanes.get_mut(&id) else { return Vec::new() };
        let free = records.values().filter(|record| undelivered(record) && !busy.contains(&record.key.sequence));
        let found: Vec<_> = free.take(limit).cloned().collect();
        busy.extend(found.iter().map(|record| record.key.sequence));
        found
    }

    /// Of the packets that are wanted, those that an ordered channel takes next: none is passed over that is pending and that `passes` stops.
    pub(crate) fn in_order(&self, id: LaneId, wanted: &BTreeSet<Sequence>, passes: impl Fn(&PacketRecord) -> bool) -> BTreeSet<Sequence> {
        let records = self.lanes.get(&id).into_iter().flat_map(|lane| lane.records.values());
        let waiting = records.filter(|record| !passes(record)).map(|record| record.key.sequence);
        waiting.take_while(|sequence| wanted.contains(sequence)).collect()
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

    /// Parked and dead packets whose wait is over.
    pub(crate) fn due(&self, id: LaneId, now_ms: u64, limit: usize) -> Vec<PacketKey> {
        let Some(lane) = self.lanes.get(&id) else { return Vec::new() };
        let due = lane.parked.iter().take_while(|(at, _)| *at <= now_ms).take(limit);
        due.filter_map(|(_, sequence)| lane.records.get(sequence)).map(|record| record.key.clone()).collect()
    }

    /// When the next parked packet is due, unix milliseconds.
    pub(crate) fn next_due(&self, id: LaneId) -> Option<u64> {
        self.lanes.get(&id).and_then(|lane| lane.parked.first()).map(|(at, _)| *at)
    }

    pub(crate) fn queue_len(&self, id: LaneId, queue: Queue) -> usize {
        self.lanes.get(&id).and_then(|lane| lane.queues.get(&queue)).map_or(0, BTreeSet::len)
    }

    /// How many pending packets of a lane are known by endpoints' word alone.
    pub(crate) fn hearsay(&self, id: LaneId) -> usize {
        self.lanes.get(&id).map_or(0, |lane| lane.hearsay)
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

    /// When the oldest packet of a lane that is worked on was observed, unix milliseconds.
    pub(crate) fn oldest(&self, id: LaneId) -> Option<u64> {
        self.lanes.get(&id)?.ages.first().map(|(at, _)| *at)
    }
}
