//! The clearer of one direction: finds forgotten packets from state, on start, at an interval, after gaps and on demand.
//!
//! Commitments that live on the source chain are the truth of what waits; events are not needed. It keeps at most a budget of such packets
//! in work, so that live ones are never starved. It also forgets summaries that have aged out.

use crate::chain::Chain;
use crate::journal::Op;
use crate::packet::{Direction, Origin, PacketRecord};
use crate::shared::{Path, Shared};
use causeway_store::StoreError;
use causeway_types::{PacketKey, Sequence};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Clearer {
    shared: Arc<Shared>,
    path: Arc<Path>,
    direction: Direction,
    source: Arc<Chain>,
    from: Option<Sequence>,
}

impl Clearer {
    pub(crate) fn new(shared: Arc<Shared>, path: Arc<Path>, direction: Direction, source: Arc<Chain>) -> Self {
        Self { shared, path, direction, source, from: None }
    }

    pub(crate) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let path = Arc::clone(&self.path);
        loop {
            let wait = match self.pass().await {
                Ok(true) => shared.config.clearing.interval_ms,
                // The budget is used up, or an endpoint did not answer: go on soon.
                Ok(false) => shared.config.clearing.interval_ms.min(2_000),
                Err(_) => return,
            };
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = path.clear_notify(self.direction).notified() => {}
                () = shared.env.clock.sleep(Duration::from_millis(wait)) => {}
            }
        }
    }

    /// One pass over the commitments. Whether it came to the end.
    async fn pass(&mut self) -> Result<bool, StoreError> {
        self.shared.journal.age(self.source.now_ms(), self.shared.config.retention.finished_ms).await?;
        let lane = self.path.lane(self.direction);
        let clearing = self.shared.config.clearing;
        let end = self.path.from(self.direction).packets();
        loop {
            if self.shared.journal.table(|table| table.cleared(lane)) >= clearing.budget {
                return Ok(false);
            }
            let Some(from) = self.from.or_else(|| Sequence::new(1).ok()) else { return Ok(true) };
            let found = self.source.call("commitments", self.source.adapter().commitments(&end, from, clearing.page)).await;
            let Ok((live, last)) = found else { return Ok(false) };
            self.adopt(from, &live, last).await?;
            match last.filter(|last| *last >= from).and_then(Sequence::successor) {
                Some(next) => self.from = Some(next),
                None => {
                    self.from = None;
                    return Ok(true);
                }
            }
        }
    }

    fn key(&self, sequence: Sequence) -> PacketKey {
        let end = self.path.from(self.direction);
        PacketKey { chain: end.chain.clone(), end: end.packets(), sequence }
    }

    /// Takes up what nobody knows, and looks again at what state no longer knows.
    async fn adopt(&self, from: Sequence, live: &[Sequence], last: Option<Sequence>) -> Result<(), StoreError> {
        let lane = self.path.lane(self.direction);
        let now_ms = self.source.now_ms();
        let listed: BTreeSet<Sequence> = live.iter().copied().collect();
        let mut ops = Vec::new();
        let vanished: Vec<PacketKey> = self.shared.journal.table(|table| {
            let after = Sequence::new(from.get().saturating_sub(1)).ok();
            let range = table.list(lane, after).take_while(|record| last.is_none_or(|last| record.key.sequence <= last));
            // A packet younger than a few blocks may be unknown to a state that lags behind the events.
            let old = range.filter(|record| {
                let age = now_ms.saturating_sub(record.time(crate::packet::Stage::Observed).unwrap_or(now_ms));
                age > 10_000 && record.state.tx().is_none() && !listed.contains(&record.key.sequence)
            });
            old.map(|record| record.key.clone()).collect()
        });
        ops.extend(vanished.into_iter().map(|key| Op::change(key, move |record| record.gone_hint(false, now_ms))));
        for sequence in live {
            let key = self.key(*sequence);
            if self.shared.journal.table(|table| table.get(&key)).is_none() {
                let mut record = PacketRecord::new(key, &self.path.spec.name, self.direction, now_ms);
                record.origin = Origin::Cleared;
                ops.push(Op::Reopen(Box::new(record)));
            }
        }
        self.shared.journal.commit(ops).await
    }
}
