//! The journal's store: ordered byte keys in a few named trees, atomic and durable batches, prefix scans.
//!
//! What it is not: it knows no packet and no schema; the engine gives bytes their meaning.
//!
//! **Invariant.** When [`Store::commit`] returns, the batch survives a kill of the process and a loss of power; a batch is never half there.
//! What a read returns is durable already: nothing can be told to anybody that a crash would take back.
//!
//! - [`SledStore`]: the embedded default;
//! - [`RedbStore`]: the second embedded backend;
//! - [`MemoryStore`]: for tests, with commits that fail on request and images of what a crash leaves.
//!
//! ```
//! use causeway_store::{MemoryStore, Store, Tree, Write};
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = MemoryStore::new();
//! store.commit(vec![Write::Put(Tree::Hot, b"packet/1".to_vec(), b"observed".to_vec())]).await.unwrap();
//! assert_eq!(store.scan(Tree::Hot, b"packet/", None, 10).await.unwrap().len(), 1);
//! # });
//! ```

mod folder;
mod group;
mod memory;
mod redb_store;
mod sled_store;

use async_trait::async_trait;

pub use memory::{CommitFault, MemoryStore};
pub use redb_store::RedbStore;
pub use sled_store::SledStore;

/// The trees of a store. What is pending stays apart from what is finished, so that a restart reads only the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tree {
    /// Schema version, cursors, trusted states, path set-up.
    Meta,
    /// Records of pending packets and of transactions in flight.
    Hot,
    /// Summaries of finished packets.
    Cold,
    /// Secondary keys: by source transaction, by change number.
    Index,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a key.
    Put(Tree, Vec<u8>, Vec<u8>),
    /// Removes a key; no error if it is not there.
    Delete(Tree, Vec<u8>),
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Where the journal lives.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The value of a key.
    async fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries whose keys begin with `prefix` and are greater than `after`, ascending, at most `limit`.
    async fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Applies all writes or none, and returns when they are durable. Concurrent callers share one flush.
    async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError>;
}

/// Why the store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds it.
    #[error("the store at {path} is in use by another process; stop that one, or give this one a store of its own")]
    InUse {
        /// The folder.
        path: String,
    },
    /// The disk refused, or the content is damaged.
    #[error("the store at {path} cannot {action}: {detail}; free space or permissions first, then a backup, are the usual cures")]
    Backend {
        /// The folder.
        path: String,
        /// What was being done.
        action: &'static str,
        /// What the backend said.
        detail: String,
    },
    /// A flush failed earlier; nothing is accepted any more, so that nothing is believed durable that is not.
    #[error("the store stopped after a failed flush: {detail}; restart once the disk is well")]
    Stopped {
        /// The first failure.
        detail: String,
    },
}
