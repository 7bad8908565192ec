//! A store in memory for tests: it keeps the trait's promises for as long as the process lives, and fails or crashes on request.
//!
//! What it is not: a backend for a real relay. Engine tests drive it to every crash point: [`MemoryStore::fail_commit`] breaks the
//! nth commit, [`MemoryStore::crash_image`] is what a restarted process would find.

use crate::{Entry, Store, StoreError, Tree, Write};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a commit chosen by [`MemoryStore::fail_commit`] fails. Either way the store is stopped afterwards, as after a real failed flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// The batch is lost: the process died before the flush.
    Lost,
    /// The batch is durable, but its caller never learns so: the process died after the flush.
    Unacknowledged,
}

type Content = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

#[derive(Debug, Default)]
struct Inner {
    content: Content,
    /// Commits that became durable since this store was made.
    commits: u64,
    /// The fault to apply, and the count of commits that still pass before it.
    fault: Option<(u64, CommitFault)>,
    stopped: Option<String>,
}

/// The store of tests. Clones share one content.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the `nth` commit from now fail (1 is the next one), and refuses every later one with [`StoreError::Stopped`].
    pub fn fail_commit(&self, nth: u64, fault: CommitFault) {
        self.lock().fault = Some((nth.saturating_sub(1), fault));
    }

    /// A store of its own holding what is durable now and no faults: what a process started after a kill would open.
    #[must_use]
    pub fn crash_image(&self) -> Self {
        let content = self.lock().content.clone();
        Self { inner: Arc::new(Mutex::new(Inner { content, ..Inner::default() })) }
    }

    /// How many commits became durable since this store was made.
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// How many keys a tree holds.
    pub fn len(&self, tree: Tree) -> usize {
        self.lock().content.keys().filter(|(of, _)| *of == tree).count()
    }

    /// Whether a tree holds nothing.
    pub fn is_empty(&self, tree: Tree) -> bool {
        self.len(tree) == 0
    }

    /// A poisoned lock only says that a test panicked elsewhere; the content is replaced whole, so it is still sound.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if let Some(detail) = &inner.stopped {
            return Err(StoreError::Stopped { detail: detail.clone() });
        }
        let fault = match inner.fault.take() {
            Some((0, fault)) => Some(fault),
            Some((left, fault)) => {
                inner.fault = Some((left.saturating_sub(1), fault));
                None
            }
            None => None,
        };
        if fault != Some(CommitFault::Lost) {
            apply(&mut inner.content, writes);
            inner.commits = inner.commits.saturating_add(1);
        }
        let Some(fault) = fault else { return Ok(()) };
        let detail = format!("a test asked for a failed commit ({fault:?})");
        inner.stopped = Some(detail.clone());
        Err(StoreError::Stopped { detail })
    }
}

fn apply(content: &mut Content, writes: Vec<Write>) {
    for write in writes {
        match write {
            Write::Put(tree, key, value) => content.insert((tree, key), value),
            Write::Delete(tree, key) => content.remove(&(tree, key)),
        };
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().content.get(&(tree, key.to_vec())).cloned())
    }

    async fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded((tree, after.to_vec())),
            _ => Bound::Included((tree, prefix.to_vec())),
        };
        let inner = self.lock();
        let entries = inner.content.range((from, Bound::Unbounded));
        Ok(entries
            .take_while(|((of, key), _)| *of == tree && key.starts_with(prefix))
            .take(limit)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        // A real flush lets other tasks run first; a caller that relies on not being interrupted here is wrong.
        tokio::task::yield_now().await;
        self.commit_now(writes)
    }
}
