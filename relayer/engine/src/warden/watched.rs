//! A client that paths stand on, and what was put into it and is not examined yet: in memory for its warden, and in the journal from the same
//! commit on that moves the cursor past the event.

use crate::journal::{codec, keys, wire};
use causeway_store::{Store, StoreError, Tree, Write};
use causeway_types::{ChainId, ClientId, Height, TxId};
use prost::Message as _;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Updates of one client that wait to be examined.
const UPDATES_MAX: usize = 1_024;

/// An update of a client, by whomever, as an event told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientUpdate {
    /// Heights that the client holds since; none if the event did not say.
    pub(crate) heights: Vec<Height>,
    /// The block of the host.
    pub(crate) at: Height,
    pub(crate) tx: TxId,
}

/// A client that paths stand on.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) host: ChainId,
    pub(crate) client: ClientId,
    waiting: Mutex<VecDeque<ClientUpdate>>,
    /// There is another one.
    pub(crate) news: Notify,
    guarded: AtomicBool,
}

impl Watched {
    pub(crate) fn new(host: ChainId, client: ClientId) -> Self {
        Self { host, client, waiting: Mutex::default(), news: Notify::new(), guarded: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<ClientUpdate>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has no warden yet. Whoever asks first gives it one.
    pub(crate) fn is_unguarded(&self) -> bool {
        !self.guarded.swap(true, Ordering::AcqRel)
    }

    /// An update waits to be examined. Of too many the oldest is forgotten, and returned.
    pub(crate) fn note(&self, update: ClientUpdate) -> Option<ClientUpdate> {
        let mut waiting = self.lock();
        waiting.push_back(update);
        let forgotten = if waiting.len() > UPDATES_MAX { waiting.pop_front() } else { None };
        self.news.notify_one();
        forgotten
    }

    pub(crate) fn take(&self) -> Vec<ClientUpdate> {
        std::mem::take(&mut *self.lock()).into()
    }

    fn key(&self, update: &ClientUpdate) -> Vec<u8> {
        keys::update((&self.host, &self.client), update.at, &update.tx)
    }

    /// The row of an update that is to be examined.
    pub(crate) fn kept(&self, update: &ClientUpdate) -> Write {
        let heights = update.heights.iter().copied().map(codec::height_row).collect();
        let row = wire::UpdateRow { heights, at: Some(codec::height_row(update.at)), tx: update.tx.as_bytes().to_vec() };
        Write::Put(Tree::Meta, self.key(update), row.encode_to_vec())
    }

    /// It was examined, or is given up.
    pub(crate) fn done(&self, update: &ClientUpdate) -> Write {
        Write::Delete(Tree::Meta, self.key(update))
    }

    /// What an earlier process had not examined. Rows that do not decode are left out: the client's state is compared at every start.
    pub(crate) async fn left(&self, store: &dyn Store) -> Result<Vec<ClientUpdate>, StoreError> {
        let rows = store.scan(Tree::Meta, &keys::updates(&self.host, &self.client), None, UPDATES_MAX).await?;
        let height = |row: wire::HeightRow| Height { revision: row.revision, number: row.number };
        let read = |bytes: &[u8]| {
            let row: wire::UpdateRow = codec::decode(bytes).ok()?;
            let heights = row.heights.into_iter().map(height).collect();
            Some(ClientUpdate { heights, at: height(row.at?), tx: TxId::new(row.tx).ok()? })
        };
        Ok(rows.iter().filter_map(|(_, bytes)| read(bytes)).collect())
    }
}
