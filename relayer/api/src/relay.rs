//! What the services need of the relay, as a trait: in the product the engine's handle, in tests a relay without an engine.
//!
//! What it is not: a second engine interface; each method is the one of the same name of [`EngineHandle`], which documents it.

use async_trait::async_trait;
use causeway_engine::{Changes, EngineHandle, PacketFilter, PacketRecord, Page, QueryError, Status};
use causeway_types::{ChainId, PacketKey, TxId};
use std::time::Duration;

/// A relay that answers questions and takes commands.
#[async_trait]
pub trait Relay: Send + Sync + std::fmt::Debug + 'static {
    /// [`EngineHandle::status`].
    fn status(&self) -> Status;
    /// [`EngineHandle::packet`].
    async fn packet(&self, key: &PacketKey) -> Result<PacketRecord, QueryError>;
    /// [`EngineHandle::packets`].
    async fn packets(&self, filter: &PacketFilter, cursor: Option<&str>, limit: usize) -> Result<Page, QueryError>;
    /// [`EngineHandle::by_source_tx`].
    async fn by_source_tx(&self, chain: &ChainId, tx: &TxId) -> Result<Vec<PacketRecord>, QueryError>;
    /// [`EngineHandle::watch`].
    async fn watch(&self, cursor: u64, limit: usize, wait: Duration) -> Result<Changes, QueryError>;
    /// [`EngineHandle::retry`].
    async fn retry(&self, key: &PacketKey) -> Result<(), QueryError>;
    /// [`EngineHandle::clear`].
    fn clear(&self, path: &str) -> Result<(), QueryError>;
    /// [`EngineHandle::stopped`].
    async fn stopped(&self) -> String;
}

#[async_trait]
impl Relay for EngineHandle {
    fn status(&self) -> Status {
        Self::status(self)
    }

    async fn packet(&self, key: &PacketKey) -> Result<PacketRecord, QueryError> {
        Self::packet(self, key).await
    }

    async fn packets(&self, filter: &PacketFilter, cursor: Option<&str>, limit: usize) -> Result<Page, QueryError> {
        Self::packets(self, filter, cursor, limit).await
    }

    async fn by_source_tx(&self, chain: &ChainId, tx: &TxId) -> Result<Vec<PacketRecord>, QueryError> {
        Self::by_source_tx(self, chain, tx).await
    }

    async fn watch(&self, cursor: u64, limit: usize, wait: Duration) -> Result<Changes, QueryError> {
        Self::watch(self, cursor, limit, wait).await
    }

    async fn retry(&self, key: &PacketKey) -> Result<(), QueryError> {
        Self::retry(self, key).await
    }

    fn clear(&self, path: &str) -> Result<(), QueryError> {
        Self::clear(self, path)
    }

    async fn stopped(&self) -> String {
        Self::stopped(self).await
    }
}
