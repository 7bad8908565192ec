//! The watcher of one chain: long-polls for final blocks, journals what they tell together with the cursor, makes the head known.
//!
//! What it is not: it proves nothing; an event is a hint. Whatever it misses, clearing finds in state.

mod told;

use crate::chain::Chain;
use crate::config::End;
use crate::journal::{LaneId, Op, codec, keys};
use crate::metrics;
use crate::metrics::Alarm;
use crate::opener::Connected;
use crate::shared::{Path, Shared};
use crate::warden::{ClientUpdate, Watched};
use causeway_adapter::{AdapterError, Event, EventFilter, LocatedEvent, WatchBatch, WatchRequest};
use causeway_store::{StoreError, Tree, Write};
use causeway_types::{ClientId, Head, Height, Locator, PacketEnd, TxId};
use prost::Message;
use std::collections::BTreeSet;
use std::sync::Arc;
use told::Room;

/// Most blocks in one answer.
const BLOCKS_MAX: u64 = 500;
/// Most events in one answer.
const EVENTS_MAX: u32 = 2_000;

/// For how long every endpoint may be below the cursor before watching begins again at their head: longer than a node takes to start.
const BEHIND_MS_MAX: u64 = 120_000;

pub(crate) struct Watcher {
    shared: Arc<Shared>,
    chain: Arc<Chain>,
    cursor: Option<Height>,
    /// Lanes that were too full of what nothing was proven of: what was passed over is found in state.
    passed_over: BTreeSet<LaneId>,
    /// Since when the endpoints are below the cursor.
    behind_since_ms: Option<u64>,
}

/// Failures in a row after which the log says that blocks cannot be read.
const FAILURES_TOLD: u32 = 2;

enum Turn {
    Seen,
    Wait(std::time::Duration),
}

impl Watcher {
    /// `cursor`: everything up to it is in the journal.
    pub(crate) fn new(shared: Arc<Shared>, chain: Arc<Chain>, cursor: Option<Height>) -> Self {
        Self { shared, chain, cursor, passed_over: BTreeSet::new(), behind_since_ms: None }
    }

    pub(crate) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut failures = 0_u32;
        loop {
            let turn = tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                turn = self.turn(&mut failures) => turn,
            };
            let wait = match turn {
                Ok(Turn::Seen) => continue,
                Ok(Turn::Wait(wait)) => wait,
                Err(_) => return,
            };
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = shared.env.clock.sleep(wait) => {}
            }
        }
    }

    async fn turn(&mut self, failures: &mut u32) -> Result<Turn, StoreError> {
        let Some(after) = self.cursor else { return self.begin(failures).await };
        let started_ms = self.chain.now_ms();
        let request = WatchRequest {
            after,
            filter: self.filter(),
            blocks_max: BLOCKS_MAX,
            events_max: EVENTS_MAX,
            wait_ms: self.chain.deadlines.watch_ms,
        };
        let found = match self.chain.call("watch", self.chain.adapter().watch(request)).await {
            Ok(batch) => self.believed(batch).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(batch) => {
                if *failures >= FAILURES_TOLD {
                    tracing::info!(chain = %self.chain.id(), "blocks are read again");
                }
                *failures = 0;
                self.behind_since_ms = None;
                self.chain.seen().watch_error = None;
                let empty = batch.cursor == after;
                self.journal(batch).await?;
                if self.is_too_full() {
                    return Ok(Turn::Wait(self.chain.poll_interval()));
                }
                // An endpoint that answers at once with nothing would be asked in a circle.
                let hasty = empty && self.chain.now_ms().saturating_sub(started_ms) < 20;
                Ok(if hasty { Turn::Wait(self.chain.poll_interval()) } else { Turn::Seen })
            }
            Err(error) => self.failed(error, failures).await,
        }
    }

    /// A batch whose head, and with it the cursor, is supported.
    async fn believed(&self, batch: WatchBatch) -> Result<WatchBatch, AdapterError> {
        let height = batch.head.height.max(batch.cursor);
        self.chain.believe(&Head { height, ..batch.head }).await.map(|()| batch)
    }

    fn filter(&self) -> EventFilter {
        let paths = self.shared.paths();
        let all = paths.iter().flat_map(|path| [&path.spec.a, &path.spec.b]).filter(|end| end.chain == *self.chain.id());
        // Several channels may stand on one client.
        let clients: BTreeSet<_> = all.clone().map(|end| end.client.clone()).collect();
        let connections = self.shared.connected.iter().filter_map(|one| one.connection_on(self.chain.id())).cloned().collect();
        EventFilter { ends: all.map(End::packets).collect(), clients: clients.into_iter().collect(), connections }
    }

    /// The first start: from the head on; what lies before is found by clearing.
    async fn begin(&mut self, failures: &mut u32) -> Result<Turn, StoreError> {
        let head = match self.chain.call("status", self.chain.adapter().status()).await {
            Ok(status) => self.chain.believe(&status.head).await.map(|()| status.head),
            Err(error) => Err(error),
        };
        match head {
            Ok(head) => {
                self.chain.note_head(head);
                self.move_cursor(head.height, Vec::new()).await?;
                self.clear();
                Ok(Turn::Seen)
            }
            Err(error) => self.failed(error, failures).await,
        }
    }

    /// Endpoints that stay below the cursor tell that it was moved over blocks which are not of their chain: a lie, or a network made anew.
    /// Watching begins again at their head. What is seen twice changes nothing, and what was passed over is found in state.
    async fn behind(&mut self, cursor: Height) -> Result<(), StoreError> {
        let now_ms = self.chain.now_ms();
        let since_ms = *self.behind_since_ms.get_or_insert(now_ms);
        let Ok(status) = self.chain.call("status", self.chain.adapter().status()).await else { return Ok(()) };
        // An endpoint that claims blocks which it then does not have is found out at once.
        let believed = self.chain.believe(&status.head).await.is_ok();
        let waits = !status.endpoints.is_empty() && status.endpoints.iter().all(|endpoint| endpoint.syncing || endpoint.head.is_none());
        if waits || !believed || status.head.height >= cursor || now_ms.saturating_sub(since_ms) < BEHIND_MS_MAX {
            return Ok(());
        }
        let head = status.head.height;
        metrics::alarm(self.chain.id(), Alarm::CursorAboveHeads);
        tracing::warn!(chain = %self.chain.id(), %cursor, %head, "every endpoint is below what was watched already; watching again from their head");
        self.behind_since_ms = None;
        self.chain.return_to(status.head);
        self.move_cursor(head, Vec::new()).await?;
        self.clear();
        Ok(())
    }

    async fn failed(&mut self, error: AdapterError, failures: &mut u32) -> Result<Turn, StoreError> {
        *failures = failures.saturating_add(1);
        self.chain.seen().watch_error = Some(error.to_string());
        if *failures == FAILURES_TOLD {
            tracing::warn!(chain = %self.chain.id(), %error, "blocks cannot be read; it is tried on, `causeway status` shows when they can");
        }
        match &error {
            AdapterError::Reorganised { resume_from, .. } => {
                tracing::warn!(chain = %self.chain.id(), %error, "watching again from a common block");
                self.move_cursor(*resume_from, Vec::new()).await?;
                self.clear();
            }
            AdapterError::BlockTooLarge { height, .. } if self.cursor.is_some_and(|cursor| cursor.plus(1) == *height) => {
                metrics::alarm(self.chain.id(), Alarm::BlockPassedOver);
                tracing::error!(chain = %self.chain.id(), %error, "a block is passed over; state tells what it held");
                self.move_cursor(*height, Vec::new()).await?;
                self.clear();
                return Ok(Turn::Seen);
            }
            AdapterError::HeightPruned { .. } => {
                tracing::warn!(chain = %self.chain.id(), %error, "events are gone; state tells what waits");
                self.cursor = None;
            }
            AdapterError::Lagging { .. } => {
                if let Some(cursor) = self.cursor {
                    self.behind(cursor).await?;
                }
            }
            _ => {}
        }
        Ok(Turn::Wait(self.chain.delay_after(&error, *failures)))
    }

    /// A gap: state has to tell what events did not.
    fn clear(&self) {
        for path in self.shared.paths().iter() {
            path.clear.iter().for_each(tokio::sync::Notify::notify_one);
        }
    }

    async fn move_cursor(&mut self, cursor: Height, mut ops: Vec<Op>) -> Result<(), StoreError> {
        let row = codec::height_row(cursor).encode_to_vec();
        ops.push(Op::Write(Write::Put(Tree::Meta, keys::cursor(self.chain.id()), row)));
        self.shared.journal.commit(ops).await?;
        self.cursor = Some(cursor);
        self.chain.seen().cursor = Some(cursor);
        Ok(())
    }

    /// Cursor and what the blocks up to it tell become durable together.
    async fn journal(&mut self, batch: WatchBatch) -> Result<(), StoreError> {
        let WatchBatch { cursor, head, events } = batch;
        if self.cursor.is_none_or(|known| cursor > known) {
            let mut ops = Vec::with_capacity(events.len().saturating_add(1));
            let paths = self.shared.paths();
            let (mut updates, mut strangers, mut room) = (Vec::new(), Vec::new(), Room::default());
            for LocatedEvent { height, tx, index, event } in events {
                let at = Locator { block: height.number, transaction: tx.clone(), index };
                match event {
                    Event::ClientUpdated { client, heights } => updates.extend(self.updated((client, heights), height, tx)),
                    Event::Sent { packet } => ops.extend(paths.iter().find_map(|path| self.sent(path, &packet, &at, &mut room))),
                    Event::Acknowledged { packet, acknowledgement } => {
                        let told = paths.iter().find_map(|path| self.acknowledged(path, &packet, &acknowledgement, &at));
                        let (known, unknown) = self.split(told);
                        ops.extend(known.map(|told| told.op(self.chain.now_ms())));
                        strangers.extend(unknown);
                    }
                    event => ops.extend(self.op(&paths, event)),
                }
            }
            ops.extend(self.committed(strangers, &mut room).await);
            ops.extend(updates.iter().map(|(watched, update)| Op::Write(watched.kept(update))));
            self.move_cursor(cursor, ops).await?;
            self.hand_over(updates).await?;
        }
        self.chain.note_head(head);
        Ok(())
    }

    /// An update of a client that paths stand on.
    fn updated(&self, (client, heights): (ClientId, Vec<Height>), at: Height, tx: TxId) -> Option<(Arc<Watched>, ClientUpdate)> {
        let host = self.chain.id();
        let ours = !self.shared.paths_on(host, &client).is_empty();
        ours.then(|| (self.shared.watched(host, &client), ClientUpdate { heights, at, tx }))
    }

    /// Gives durable updates to the wardens of their clients. What one of them has no room for is not kept either.
    async fn hand_over(&self, updates: Vec<(Arc<Watched>, ClientUpdate)>) -> Result<(), StoreError> {
        let forget = |(watched, update): (Arc<Watched>, ClientUpdate)| {
            let forgotten = watched.note(update)?;
            Some(Op::Write(watched.done(&forgotten)))
        };
        let ops = updates.into_iter().filter_map(forget).collect();
        self.shared.journal.commit(ops).await
    }

    fn op(&self, paths: &[Arc<Path>], event: Event) -> Option<Op> {
        let now_ms = self.chain.now_ms();
        match event {
            Event::Sent { .. } | Event::Acknowledged { .. } | Event::ClientUpdated { .. } => None,
            Event::Completed { end, sequence } => Some(self.gone((end, sequence), false, now_ms)),
            Event::TimedOut { end, sequence } => Some(self.gone((end, sequence), true, now_ms)),
            Event::ChannelChanged { id, connection } => {
                let end = |path: &&Arc<Path>| path.direction_from(self.chain.id(), &id.clone().into()).is_some();
                paths.iter().filter(end).for_each(|path| path.channel_news.notify_one());
                let on = |one: &&Arc<Connected>| one.connection_on(self.chain.id()) == Some(&connection);
                self.shared.connected.iter().filter(on).for_each(|one| one.news.notify_one());
                None
            }
            Event::ClientFrozen { client } => {
                for path in paths.iter() {
                    for direction in path.directions_of(self.chain.id(), &client) {
                        path.note_frozen(direction);
                        self.shared.journal.wake(path.lane(direction)).notify_one();
                    }
                }
                None
            }
        }
    }

    fn gone(&self, (end, sequence): (PacketEnd, causeway_types::Sequence), timed_out: bool, now_ms: u64) -> Op {
        let key = causeway_types::PacketKey { chain: self.chain.id().clone(), end, sequence };
        Op::change(key, move |record| record.gone_hint(timed_out, now_ms))
    }
}
