//! The embedded default: sled.
//!
//! What it is not: it is no cluster store; one process holds the folder.
//!
//! All trees of the journal are one sled tree, told apart by the first byte of the key: sled's batches are atomic within one tree only,
//! and a transaction over several would write and recover each tree's batch on its own (docs/adr/0002-journal-store.md).
//!
//! On Linux sled's own flush ends with `sync_file_range`, which neither empties the disk's cache nor writes the file's length. So each
//! flush here is followed by a sync of the log file; without it a commit would survive a kill, but not a loss of power. Large values live in
//! files of their own, which sled does not sync either; they are synced before the log.

use crate::folder::Folder;
use crate::group::{Backend, Grouped};
use crate::{Entry, Store, StoreError, Tree, Write};
use async_trait::async_trait;
use std::fs::File;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

/// Memory sled may use for pages. Its own default is one gigabyte.
const CACHE_BYTES: u64 = 64 << 20;

#[derive(Debug)]
struct SledBackend {
    db: sled::Db,
    /// Sled's log, opened a second time to be synced.
    log: File,
    /// Where sled keeps large values, each in a file named by its place in the log.
    blobs: PathBuf,
    /// The newest such file that was synced.
    blob_synced: AtomicI64,
    path: String,
}

/// A store in a sled database.
#[derive(Debug)]
pub struct SledStore {
    grouped: Grouped<SledBackend>,
}

impl SledStore {
    /// Opens or makes the store in the folder `path`. Blocks while sled reads its log.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process (or another store of this one) holds it, [`StoreError::Backend`] when the folder cannot be
    /// used, is damaged, or was made by another backend.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Folder::hold(path, "sled")?;
        // Flushing is this crate's job: a timer would only add writes that nobody waits for.
        let inside = folder.path().join("sled");
        let config = sled::Config::new().path(&inside).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let db = config.open().map_err(|error| folder.refuse("open", &error))?;
        let log = File::open(inside.join("db")).map_err(|error| folder.refuse("open its log", &error))?;
        // The names of files just made must be durable as well.
        for made in [inside.as_path(), &inside.join("blobs"), folder.path()] {
            File::open(made).and_then(|made| made.sync_all()).map_err(|error| folder.refuse("sync its folder", &error))?;
        }
        let (blobs, blob_synced) = (inside.join("blobs"), AtomicI64::new(-1));
        let backend = SledBackend { db, log, blobs, blob_synced, path: path.display().to_string() };
        Ok(Self { grouped: Grouped::start(backend, folder)? })
    }

    /// Flushes since the store was opened; fewer than commits when callers share them.
    pub fn flushes(&self) -> u64 {
        self.grouped.flushes()
    }
}

#[async_trait]
impl Store for SledStore {
    async fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.grouped.get(tree, key).await
    }

    async fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.grouped.scan(tree, prefix, after, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.grouped.commit(writes).await
    }
}

impl Backend for SledBackend {
    const SNAPSHOTS: bool = false;

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.get(full(tree, key)).map_err(|error| self.refuse("read", &error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(full(tree, after)),
            _ => Bound::Included(full(tree, prefix)),
        };
        let mut found = Vec::new();
        for entry in self.db.range((from, Bound::Unbounded)).take(limit) {
            let (key, value) = entry.map_err(|error| self.refuse("scan", &error))?;
            let Some((&first, key)) = key.split_first() else { continue };
            if first != byte(tree) || !key.starts_with(prefix) {
                break;
            }
            found.push((key.to_vec(), value.to_vec()));
        }
        Ok(found)
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for write in writes {
            match write {
                Write::Put(tree, key, value) => batch.insert(full(tree, &key), value),
                Write::Delete(tree, key) => batch.remove(full(tree, &key)),
            }
        }
        self.db.apply_batch(batch).map_err(|error| self.refuse("write", &error))?;
        self.db.flush().map_err(|error| self.refuse("flush", &error))?;
        self.sync_blobs().map_err(|error| self.refuse("sync its large values", &error))?;
        self.log.sync_data().map_err(|error| self.refuse("sync", &error))
    }
}

impl SledBackend {
    /// Syncs the files of large values made since the last call. Called by the writer thread alone.
    fn sync_blobs(&self) -> std::io::Result<()> {
        let synced = self.blob_synced.load(Ordering::Relaxed);
        let mut newest = synced;
        for entry in std::fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let Some(place) = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok()) else { continue };
            if place > synced {
                match File::open(entry.path()) {
                    Ok(file) => file.sync_all()?,
                    // Sled removes what was overwritten in the meantime.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
                newest = newest.max(place);
            }
        }
        if newest > synced {
            File::open(&self.blobs)?.sync_all()?;
            self.blob_synced.store(newest, Ordering::Relaxed);
        }
        Ok(())
    }

    fn refuse(&self, action: &'static str, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Backend { path: self.path.clone(), action, detail: error.to_string() }
    }
}

/// The first byte of a tree's keys. On disk for ever.
fn byte(tree: Tree) -> u8 {
    match tree {
        Tree::Meta => b'm',
        Tree::Hot => b'h',
        Tree::Cold => b'c',
        Tree::Index => b'i',
    }
}

fn full(tree: Tree, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len().saturating_add(1));
    full.push(byte(tree));
    full.extend_from_slice(key);
    full
}
