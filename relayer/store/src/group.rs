//! Group commit over a blocking backend: one writer thread gathers what concurrent callers want written into one batch and one flush.
//!
//! What it is not: it knows no backend. [`SledStore`](crate::SledStore) and [`RedbStore`](crate::RedbStore) put theirs in.
//!
//! **Invariant.** No read returns what is not durable. Backends without snapshots get that from a fair gate: a read waits for at most the
//! flush that is under way. Were it otherwise, a crash could take back what a reader already told the outside.

use crate::folder::Folder;
use crate::{Entry, StoreError, Tree, Write};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use tokio::sync::{RwLock, mpsc, oneshot};

/// Commits that may wait for the writer; more callers than that wait to enter.
const QUEUE_COMMITS_MAX: usize = 1_024;
/// A group is closed at this many bytes of keys and values, so that memory and flush time stay bounded.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// What a backend must offer; calls may block.
pub(crate) trait Backend: Send + Sync + Debug + Sized + 'static {
    /// Whether reads see only what was durable when they began. If not, reads and flushes take turns.
    const SNAPSHOTS: bool;

    /// The value of a key.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// As [`crate::Store::scan`].
    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// Applies all writes, in order, or none, and returns when they are durable.
    fn write(&self, writes: Vec<Write>) -> Result<(), StoreError>;
}

/// A backend with the folder it lives in. Field order matters: the backend closes before the lock is released.
#[derive(Debug)]
struct Held<B> {
    backend: B,
    _folder: Folder,
}

#[derive(Debug)]
struct Request {
    writes: Vec<Write>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

/// State that callers and the writer share.
#[derive(Debug, Default)]
struct Shared {
    /// Why nothing is accepted any more.
    stopped: OnceLock<String>,
    flushes: AtomicU64,
    gate: Arc<RwLock<()>>,
}

impl Shared {
    fn stopped(&self) -> StoreError {
        let detail = self.stopped.get().cloned();
        StoreError::Stopped { detail: detail.unwrap_or_else(|| "the journal's writer ended; the log says why".to_owned()) }
    }
}

/// A store that groups commits.
#[derive(Debug)]
pub(crate) struct Grouped<B: Backend> {
    held: Arc<Held<B>>,
    shared: Arc<Shared>,
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl<B: Backend> Grouped<B> {
    /// Starts the writer.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the system gives no thread.
    pub(crate) fn start(backend: B, folder: Folder) -> Result<Self, StoreError> {
        let path = folder.path().to_path_buf();
        let held = Arc::new(Held { backend, _folder: folder });
        let shared = Arc::new(Shared::default());
        let (queue, requests) = mpsc::channel(QUEUE_COMMITS_MAX);
        let (for_held, for_shared) = (Arc::clone(&held), Arc::clone(&shared));
        let writer =
            std::thread::Builder::new().name("causeway-journal".to_owned()).spawn(move || run(&for_held.backend, &for_shared, requests));
        let writer = writer.map_err(|error| StoreError::Backend {
            path: path.display().to_string(),
            action: "start its writer thread",
            detail: error.to_string(),
        })?;
        Ok(Self { held, shared, queue: Some(queue), writer: Some(writer) })
    }

    /// Flushes since the store was opened.
    pub(crate) fn flushes(&self) -> u64 {
        self.shared.flushes.load(Ordering::Relaxed)
    }

    pub(crate) async fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let key = key.to_vec();
        self.read(move |backend| backend.get(tree, &key)).await
    }

    pub(crate) async fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let (prefix, after) = (prefix.to_vec(), after.map(<[u8]>::to_vec));
        self.read(move |backend| backend.scan(tree, &prefix, after.as_deref(), limit)).await
    }

    pub(crate) async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let (reply, outcome) = oneshot::channel();
        let Some(queue) = &self.queue else { return Err(self.shared.stopped()) };
        queue.send(Request { writes, reply }).await.map_err(|_| self.shared.stopped())?;
        outcome.await.map_err(|_| self.shared.stopped())?
    }

    async fn read<T: Send + 'static>(&self, act: impl FnOnce(&B) -> Result<T, StoreError> + Send + 'static) -> Result<T, StoreError> {
        let (held, gate) = (Arc::clone(&self.held), Arc::clone(&self.shared.gate));
        // The gate is waited for on the blocking thread: a caller that stops polling its read must not hold up the writer.
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = if B::SNAPSHOTS { None } else { Some(gate.blocking_read()) };
            act(&held.backend)
        });
        reading.await.map_err(|error| StoreError::Stopped { detail: format!("a read ended abnormally: {error}") })?
    }
}

impl<B: Backend> Drop for Grouped<B> {
    /// Waits for the writer, which finishes what it accepted: at most one queue of commits.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the journal's writer had panicked");
        }
    }
}

/// The writer's loop: it ends when every sender is gone.
fn run<B: Backend>(backend: &B, shared: &Shared, mut requests: mpsc::Receiver<Request>) {
    while let Some(first) = requests.blocking_recv() {
        let group = gather(first, &mut requests);
        let (mut writes, mut replies) = (Vec::new(), Vec::with_capacity(group.len()));
        for request in group {
            writes.extend(request.writes);
            replies.push(request.reply);
        }
        let result = flush(backend, shared, writes);
        for reply in replies {
            // A caller that went away no longer wants to know.
            drop(reply.send(result.clone()));
        }
    }
}

/// Takes everything that is waiting already, up to the limits of a group.
fn gather(first: Request, requests: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut bytes = size(&first);
    let mut group = vec![first];
    while bytes < GROUP_BYTES_MAX && group.len() < QUEUE_COMMITS_MAX {
        let Ok(next) = requests.try_recv() else { break };
        bytes = bytes.saturating_add(size(&next));
        group.push(next);
    }
    group
}

fn size(request: &Request) -> usize {
    let sizes = request.writes.iter().map(|write| match write {
        Write::Put(_, key, value) => key.len().saturating_add(value.len()),
        Write::Delete(_, key) => key.len(),
    });
    sizes.fold(0, usize::saturating_add)
}

fn flush<B: Backend>(backend: &B, shared: &Shared, writes: Vec<Write>) -> Result<(), StoreError> {
    if shared.stopped.get().is_some() {
        return Err(shared.stopped());
    }
    let turn = if B::SNAPSHOTS { None } else { Some(shared.gate.blocking_write()) };
    let result = backend.write(writes);
    if let Err(error) = &result {
        // Set once by this thread alone: a second failure cannot come.
        let detail = shared.stopped.get_or_init(|| error.to_string());
        tracing::error!(%detail, "the journal stopped");
    }
    drop(turn);
    shared.flushes.fetch_add(1, Ordering::Relaxed);
    result
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
