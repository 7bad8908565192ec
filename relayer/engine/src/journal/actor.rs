//! The actor that owns the store's write side.

use super::table::{LaneId, Table};
use super::wire::ChangeRow;
use super::{codec, keys, read};
use crate::packet::{Direction, PacketRecord, Stage, StateKind};
use crate::{Env, Retention, StartError};
use causeway_store::{Store, StoreError, Tree, Write};
use causeway_types::{ChainId, PacketEnd, PacketKey};
use futures::future::BoxFuture;
use prost::Message;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Requests that share one commit.
const GROUP_MAX: usize = 64;
/// Requests that may wait.
const MAILBOX: usize = 256;
/// How long a finished packet is remembered of which nothing was ever proven, milliseconds: endpoints can invent any number of them.
const HEARSAY_KEPT_MS: u64 = 6 * 3_600_000;
/// How long a finished packet is left alone though an endpoint still shows its commitment, milliseconds: it may lag by a few blocks.
const REOPEN_AFTER_MS: u64 = 10_000;

type Change = Box<dyn FnOnce(&mut PacketRecord) + Send>;

/// One part of a commit.
pub(crate) enum Op {
    /// Changes a pending packet; nothing if it is not pending.
    Change(PacketKey, Change),
    /// Changes a packet, or adds it first if it was never seen. A finished packet is left alone.
    Upsert(Box<PacketRecord>, Change),
    /// Adds a packet whose commitment lives; a finished one is opened again.
    Reopen(Box<PacketRecord>),
    /// Reads what the store holds of a lane that was opened at run time.
    Load(Opening),
    /// Any other row.
    Write(Write),
}

impl Op {
    pub(crate) fn change(key: PacketKey, change: impl FnOnce(&mut PacketRecord) + Send + 'static) -> Self {
        Self::Change(key, Box::new(change))
    }

    pub(crate) fn upsert(record: PacketRecord, change: impl FnOnce(&mut PacketRecord) + Send + 'static) -> Self {
        Self::Upsert(Box::new(record), Box::new(change))
    }
}

struct Request {
    ops: Vec<Op>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

/// Finished packets since the journal began.
pub(super) type Finished = BTreeMap<(String, Direction, StateKind), u64>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) table: Mutex<Table>,
    pub(super) finished: Mutex<Finished>,
    /// One a direction: work may have appeared for its two workers.
    pub(super) wakes: Mutex<HashMap<LaneId, Arc<Notify>>>,
    pub(super) change: watch::Sender<u64>,
    pub(super) failure: watch::Sender<Option<String>>,
}

/// A handle on the journal. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(super) store: Arc<dyn Store>,
    pub(super) shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
}

/// A lane of the table: what is sent from a client of a chain.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) id: LaneId,
    pub(crate) chain: ChainId,
    pub(crate) end: PacketEnd,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Reads what is pending (never what is finished) and returns the handle and the actor to run.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        lanes: &[Opening],
        env: &Env,
        retention: Retention,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), StartError> {
        read::schema(store.as_ref()).await?;
        let table = read::pending(store.as_ref(), lanes).await?;
        let change = read::change(store.as_ref()).await?;
        let finished = read::counts(store.as_ref()).await?;
        let wakes = lanes.iter().map(|lane| (lane.id, Arc::new(Notify::new()))).collect();
        let shared = Arc::new(Shared {
            table: Mutex::new(table),
            finished: Mutex::new(finished),
            wakes: Mutex::new(wakes),
            change: watch::Sender::new(change),
            failure: watch::Sender::new(None),
        });
        let (requests, inbox) = mpsc::channel(MAILBOX);
        let actor = Actor { store: Arc::clone(&store), shared: Arc::clone(&shared), env: env.clone(), change, retention };
        Ok((Self { store, shared, requests }, actor.run(inbox)))
    }

    /// Makes the changes durable, all or none, and returns once they are.
    pub(crate) async fn commit(&self, ops: Vec<Op>) -> Result<(), StoreError> {
        if ops.is_empty() {
            return Ok(());
        }
        let stopped = || StoreError::Stopped { detail: self.failure().unwrap_or_else(|| "the journal is closed".into()) };
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { ops, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Why the journal stopped.
    pub(crate) fn failure(&self) -> Option<String> {
        self.shared.failure.borrow().clone()
    }

    pub(crate) fn failures(&self) -> watch::Receiver<Option<String>> {
        self.shared.failure.subscribe()
    }

    /// Runs `read` on the table. Never held over an await.
    pub(crate) fn table<T>(&self, read: impl FnOnce(&mut Table) -> T) -> T {
        read(&mut lock(&self.shared.table))
    }

    /// Is notified when something changed in a lane.
    pub(crate) fn wake(&self, lane: LaneId) -> Arc<Notify> {
        lock(&self.shared.wakes).get(&lane).cloned().unwrap_or_default()
    }

    /// Adds lanes at run time; [`Op::Load`] fills them with what an earlier process knew of them.
    pub(crate) fn open_lanes(&self, lanes: &[Opening]) {
        let mut wakes = lock(&self.shared.wakes);
        for lane in lanes {
            wakes.insert(lane.id, Arc::new(Notify::new()));
            self.table(|table| table.open(lane.id, (lane.chain.clone(), lane.end.clone())));
        }
    }

    /// Frees packets that a worker took.
    pub(crate) fn release(&self, keys: &[PacketKey]) {
        let lanes = self.table(|table| table.release(keys));
        self.shared.wake(&lanes);
    }
}

impl Shared {
    /// Wakes the workers of a lane: the one that delivers its packets, and the one that brings back what became of them.
    fn wake(&self, lanes: &[LaneId]) {
        for id in lanes {
            for lane in [*id, LaneId(id.0, id.1.reverse())] {
                if let Some(notify) = lock(&self.wakes).get(&lane) {
                    notify.notify_one();
                }
            }
        }
    }
}

/// Runs `work` with the journal's actor beside it in the same task, so that nothing is left running whatever becomes of either.
pub(crate) async fn served<T>(actor: &mut BoxFuture<'static, ()>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        result = &mut work => return result,
        () = actor => {}
    }
    // The actor ends only when it cannot write any more: the work's next commit says why.
    work.await
}

struct Actor {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    env: Env,
    change: u64,
    retention: Retention,
}

/// A packet as a group finds it, and as it leaves it.
struct Touched {
    before: Option<Arc<PacketRecord>>,
    after: PacketRecord,
}

#[derive(Default)]
struct Group {
    touched: BTreeMap<PacketKey, Touched>,
    writes: Vec<Write>,
}

impl Actor {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(first) = inbox.recv().await {
            let mut group = Group::default();
            let mut replies = Vec::new();
            let mut next = Some(first);
            let mut result = Ok(());
            while let Some(request) = next {
                replies.push(request.reply);
                for op in request.ops {
                    if result.is_ok() {
                        result = self.collect(&mut group, op).await;
                    }
                }
                next = if replies.len() < GROUP_MAX { inbox.try_recv().ok() } else { None };
            }
            if result.is_ok() {
                result = self.commit(group).await;
            }
            let failed = result.as_ref().err().map(ToString::to_string);
            for reply in replies {
                // A caller that no longer waits has no use for the answer.
                let _gone = reply.send(result.clone());
            }
            if let Some(reason) = failed {
                tracing::error!(%reason, "the journal stops");
                self.shared.failure.send_replace(Some(reason));
                return;
            }
        }
    }

    async fn collect(&self, group: &mut Group, op: Op) -> Result<(), StoreError> {
        match op {
            Op::Write(write) => group.writes.push(write),
            Op::Load(lane) => self.load(&lane).await?,
            Op::Change(key, change) => {
                if let Some(touched) = self.find(group, &key).await? {
                    change(&mut touched.after);
                }
            }
            Op::Upsert(record, change) => {
                let key = record.key.clone();
                if self.find(group, &key).await?.is_none() {
                    // Finished by an earlier part of this commit.
                    if group.touched.contains_key(&key) {
                        return Ok(());
                    }
                    if self.store.get(Tree::Cold, &keys::packet(&key)).await?.is_some() {
                        return Ok(());
                    }
                    group.touched.insert(key.clone(), Touched { before: None, after: *record });
                }
                if let Some(touched) = group.touched.get_mut(&key) {
                    change(&mut touched.after);
                }
            }
            Op::Reopen(record) => {
                let key = record.key.clone();
                if self.find(group, &key).await?.is_none() && !group.touched.contains_key(&key) {
                    let after = match self.store.get(Tree::Cold, &keys::packet(&key)).await? {
                        Some(bytes) => self.reopened(&bytes, *record, group),
                        None => Some(*record),
                    };
                    if let Some(after) = after {
                        group.touched.insert(key, Touched { before: None, after });
                    }
                }
            }
        }
        Ok(())
    }

    /// From when on a finished packet ages. One of which nothing was proven is older from the beginning.
    fn ages_from(&self, record: &PacketRecord, now_ms: u64) -> u64 {
        let at = record.time(Stage::Finished).unwrap_or(now_ms);
        if record.is_hearsay() { at.saturating_sub(self.retention.finished_ms.saturating_sub(HEARSAY_KEPT_MS)) } else { at }
    }

    /// A finished packet opened again; `None` while state may merely lag behind what finished it.
    fn reopened(&self, cold: &[u8], fresh: PacketRecord, group: &mut Group) -> Option<PacketRecord> {
        let record = codec::record(cold);
        if let Ok(record) = &record
            && record.time(Stage::Finished).is_some_and(|at| self.env.clock.now_ms() < at.saturating_add(REOPEN_AFTER_MS))
        {
            return None;
        }
        group.writes.push(Write::Delete(Tree::Cold, keys::packet(&fresh.key)));
        Some(match record {
            Ok(mut record) => {
                let at = self.ages_from(&record, 0);
                group.writes.push(Write::Delete(Tree::Index, keys::finished(at, &record.key)));
                tracing::warn!(packet = %record.key, state = record.state.kind().as_str(), "called finished, but its commitment lives: open again");
                let counted = (record.path.clone(), record.direction, record.state.kind());
                if let Some(count) = lock(&self.shared.finished).get_mut(&counted) {
                    *count = count.saturating_sub(1);
                }
                record.reopen();
                record
            }
            Err(_) => fresh,
        })
    }

    async fn find<'g>(&self, group: &'g mut Group, key: &PacketKey) -> Result<Option<&'g mut Touched>, StoreError> {
        if !group.touched.contains_key(key) {
            let Some(before) = self.pending(key).await? else { return Ok(None) };
            let after = before.as_ref().clone();
            group.touched.insert(key.clone(), Touched { before: Some(before), after });
        }
        Ok(group.touched.get_mut(key).filter(|touched| !touched.after.state.kind().is_final()))
    }

    /// What this group changes of it follows once it is durable.
    async fn load(&self, lane: &Opening) -> Result<(), StoreError> {
        let prefix = keys::packets_from(&lane.chain, &lane.end);
        let (mut after, mut found) = (None::<Vec<u8>>, Vec::new());
        loop {
            let rows = self.store.scan(Tree::Hot, &prefix, after.as_deref(), read::PAGE).await?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            found.extend(rows.iter().filter_map(|(row, bytes)| read::whole(row, bytes)));
        }
        {
            let mut table = lock(&self.shared.table);
            for record in found {
                table.apply(Arc::new(record));
            }
            table.complete(lane.id);
        }
        self.shared.wake(&[lane.id]);
        Ok(())
    }

    /// A pending packet. One of a path that is not configured now is in the store alone: a transaction that carries it ends all the same, and
    /// once that is forgotten nothing else would tell the packet.
    async fn pending(&self, key: &PacketKey) -> Result<Option<Arc<PacketRecord>>, StoreError> {
        {
            let table = lock(&self.shared.table);
            let known = table.get(key);
            if known.is_some() || table.is_complete(key) {
                return Ok(known);
            }
        }
        let row = keys::packet(key);
        let bytes = self.store.get(Tree::Hot, &row).await?;
        Ok(bytes.and_then(|bytes| read::whole(&row, &bytes)).map(Arc::new))
    }

    async fn commit(&mut self, group: Group) -> Result<(), StoreError> {
        let Group { touched, mut writes } = group;
        let now_ms = self.env.clock.now_ms();
        let mut finished = lock(&self.shared.finished).clone();
        let mut applied = Vec::new();
        let first_change = self.change;
        for (key, Touched { before, mut after }) in touched {
            if before.as_deref() == Some(&after) {
                continue;
            }
            let kind = after.state.kind();
            if before.as_ref().map(|record| record.state.kind()) != Some(kind) {
                self.note_change(&after, now_ms, &mut writes);
            }
            let known_before = before.as_ref().and_then(|record| record.source_tx());
            if let Some(tx) = after.source_tx().filter(|tx| Some(*tx) != known_before) {
                writes.push(Write::Put(Tree::Index, keys::by_source_entry(&key.chain, tx, &key), Vec::new()));
            }
            if kind.is_final() {
                after.shrink();
                let count = finished.entry((after.path.clone(), after.direction, kind)).or_default();
                *count = count.saturating_add(1);
                writes.push(Write::Delete(Tree::Hot, keys::packet(&key)));
                writes.push(Write::Put(Tree::Index, keys::finished(self.ages_from(&after, now_ms), &key), Vec::new()));
                writes.push(Write::Put(Tree::Cold, keys::packet(&key), codec::record_row(&after).encode_to_vec()));
            } else {
                writes.push(Write::Put(Tree::Hot, keys::packet(&key), codec::record_row(&after).encode_to_vec()));
            }
            applied.push((before, Arc::new(after)));
        }
        if self.change != first_change {
            writes.push(Write::Put(Tree::Meta, keys::CHANGE.to_vec(), self.change.to_be_bytes().to_vec()));
            writes.push(Write::Put(Tree::Meta, keys::COUNTS.to_vec(), read::counts_row(&finished)));
        }
        if writes.is_empty() {
            return Ok(());
        }
        self.store.commit(writes).await?;
        self.publish(applied, finished);
        Ok(())
    }

    fn note_change(&mut self, record: &PacketRecord, at_ms: u64, writes: &mut Vec<Write>) {
        self.change = self.change.saturating_add(1);
        let row = ChangeRow {
            chain: record.key.chain.as_str().to_owned(),
            end: record.key.end.to_string(),
            sequence: record.key.sequence.get(),
            path: record.path.clone(),
            state: record.state.kind().as_str().to_owned(),
            at_ms,
        };
        writes.push(Write::Put(Tree::Index, keys::change(self.change), row.encode_to_vec()));
        if let Some(old) = self.change.checked_sub(self.retention.changes).filter(|old| *old > 0) {
            writes.push(Write::Delete(Tree::Index, keys::change(old)));
        }
    }

    fn publish(&self, applied: Vec<(Option<Arc<PacketRecord>>, Arc<PacketRecord>)>, finished: Finished) {
        let mut lanes = Vec::new();
        {
            let mut table = lock(&self.shared.table);
            for (before, record) in &applied {
                crate::metrics::progress(before.as_deref(), record);
                if let Some(id) = table.apply(Arc::clone(record)).filter(|id| !lanes.contains(id)) {
                    lanes.push(id);
                }
            }
        }
        *lock(&self.shared.finished) = finished;
        self.shared.change.send_replace(self.change);
        self.shared.wake(&lanes);
    }
}
