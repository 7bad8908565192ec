//! Transactions that a node accepted, and what watching has read of them in blocks since: so that their outcome is not asked for.
//!
//! Called by [`super::outcome`], [`crate::watch`] and [`crate::adapter`].

use crate::answers::TxResult;
use causeway_types::TxId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Blocks for which a transaction that was accepted is taken to wait in the pool; after that it is broadcast again.
const POOLED_BLOCKS: u64 = 3;
/// Accepted transactions that are remembered.
const POOLED_MAX: usize = 1_000;
/// Results that are kept until somebody asks for them.
const RESULTS_MAX: usize = 32;
/// For how long after the last block that was read watching is taken to go on.
const WATCHING: Duration = Duration::from_secs(5);

/// Transactions that a node accepted, and at which height.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pooled {
    known: Arc<Mutex<BTreeMap<TxId, u64>>>,
    redundant: Arc<Mutex<BTreeSet<TxId>>>,
    read: Arc<Mutex<Read>>,
}

/// What watching has read.
#[derive(Debug, Default)]
struct Read {
    /// The last block, and when.
    last: Option<(u64, Instant)>,
    results: BTreeMap<TxId, (u64, TxResult)>,
}

/// What watching knows of a transaction.
#[derive(Debug)]
pub(crate) enum Watched {
    /// It is in this block.
    Found(u64, TxResult),
    /// It was accepted just now, and blocks are read as they come.
    Awaited,
    /// Nothing.
    Unknown,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pooled {
    pub(crate) fn accepted(&self, tx: &TxId, height: u64) {
        let mut known = lock(&self.known);
        known.insert(tx.clone(), height);
        if known.len() > POOLED_MAX {
            let oldest = known.values().copied().min().unwrap_or(0);
            known.retain(|_, height| *height > oldest);
        }
    }

    /// A node's first check says that every packet of the transaction is done (ibc-go `modules/core/ante`): no pool takes it, and nothing
    /// would happen if one did.
    pub(crate) fn redundant(&self, tx: &TxId) {
        let mut redundant = lock(&self.redundant);
        if redundant.len() >= POOLED_MAX {
            redundant.clear();
        }
        redundant.insert(tx.clone());
    }

    pub(crate) fn is_redundant(&self, tx: &TxId) -> bool {
        lock(&self.redundant).contains(tx)
    }

    pub(crate) fn waits(&self, tx: &TxId, height: u64) -> bool {
        lock(&self.known).get(tx).is_some_and(|accepted| height <= accepted.saturating_add(POOLED_BLOCKS))
    }

    pub(crate) fn forget(&self, tx: &TxId) {
        lock(&self.known).remove(tx);
    }

    /// Whether any waits to be found in a block.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.known).is_empty()
    }

    /// A block was read, with the results of its transactions by their ids.
    pub(crate) fn read(&self, number: u64, results: impl Iterator<Item = (TxId, TxResult)>) {
        let known = lock(&self.known);
        let mut read = lock(&self.read);
        read.last = Some((number, Instant::now()));
        read.results.extend(results.filter(|(tx, _)| known.contains_key(tx)).map(|(tx, result)| (tx, (number, result))));
        while read.results.len() > RESULTS_MAX {
            read.results.pop_first();
        }
    }

    /// What watching knows of a transaction; a result is told once.
    pub(crate) fn watched(&self, tx: &TxId) -> Watched {
        let mut known = lock(&self.known);
        let mut read = lock(&self.read);
        if let Some((number, result)) = read.results.remove(tx) {
            known.remove(tx);
            return Watched::Found(number, result);
        }
        // A block may have been read before the acceptance was noted: after a few blocks the chain is asked.
        let awaited =
            |(last, at): (u64, Instant)| known.get(tx).is_some_and(|height| last <= height + POOLED_BLOCKS) && at.elapsed() < WATCHING;
        if read.last.is_some_and(awaited) { Watched::Awaited } else { Watched::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tx(byte: u8) -> TxId {
        TxId::new([byte]).expect("an id")
    }

    fn found() -> TxResult {
        serde_json::from_str("{}").expect("a result")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_awaited_is_not_asked_for() {
        let pooled = Pooled::default();
        let is = |byte| match pooled.watched(&tx(byte)) {
            Watched::Found(number, _) => format!("found {number}"),
            Watched::Awaited => "awaited".to_string(),
            Watched::Unknown => "unknown".to_string(),
        };
        pooled.accepted(&tx(1), 10);
        assert_eq!(is(1), "unknown", "nobody watches");
        pooled.read(11, std::iter::empty());
        assert_eq!((is(1), is(2)), ("awaited".to_string(), "unknown".to_string()));
        pooled.read(12, [(tx(1), found()), (tx(2), found())].into_iter());
        assert_eq!((is(1), is(2)), ("found 12".to_string(), "unknown".to_string()), "only our own are kept");
        pooled.accepted(&tx(3), 12);
        pooled.read(16, std::iter::empty());
        assert_eq!(is(3), "unknown", "it should have been there");
        pooled.accepted(&tx(4), 16);
        assert_eq!(is(4), "awaited");
        tokio::time::advance(WATCHING).await;
        assert_eq!(is(4), "unknown", "watching has stopped");
    }
}
