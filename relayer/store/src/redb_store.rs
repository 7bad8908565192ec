//! The second embedded backend: redb, a copy-on-write B+tree in one file.
//!
//! What it is not: the default; see docs/adr/0002-journal-store.md for what was measured and why it is there.

use crate::folder::Folder;
use crate::group::{Backend, Grouped};
use crate::{Entry, Store, StoreError, Tree, Write};
use async_trait::async_trait;
use redb::{Database, ReadableDatabase, TableDefinition};
use std::ops::Bound;
use std::path::Path;

/// Memory redb may use for pages. Its own default is one gigabyte.
const CACHE_BYTES: usize = 64 << 20;

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

#[derive(Debug)]
struct RedbBackend {
    db: Database,
    path: String,
}

/// A store in a redb file.
#[derive(Debug)]
pub struct RedbStore {
    grouped: Grouped<RedbBackend>,
}

impl RedbStore {
    /// Opens or makes the store in the folder `path`. Blocks while redb checks its file.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process (or another store of this one) holds it, [`StoreError::Backend`] when the folder cannot be
    /// used, is damaged, or was made by another backend.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Folder::hold(path, "redb")?;
        let file = folder.path().join("journal.redb");
        let db = Database::builder().set_cache_size(CACHE_BYTES).create(file).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.display().to_string() },
            other => folder.refuse("open", &other),
        })?;
        let backend = RedbBackend { db, path: path.display().to_string() };
        // The empty commit makes the tables, so that every read finds them.
        backend.write(Vec::new())?;
        Ok(Self { grouped: Grouped::start(backend, folder)? })
    }

    /// Flushes since the store was opened; fewer than commits when callers share them.
    pub fn flushes(&self) -> u64 {
        self.grouped.flushes()
    }
}

#[async_trait]
impl Store for RedbStore {
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

impl Backend for RedbBackend {
    const SNAPSHOTS: bool = true;

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.db.begin_read().map_err(|error| self.refuse("read", error))?;
        let table = read.open_table(table(tree)).map_err(|error| self.refuse("read", error))?;
        let value = table.get(key).map_err(|error| self.refuse("read", error))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let read = self.db.begin_read().map_err(|error| self.refuse("scan", error))?;
        let table = read.open_table(table(tree)).map_err(|error| self.refuse("scan", error))?;
        let range = table.range::<&[u8]>((from, Bound::Unbounded)).map_err(|error| self.refuse("scan", error))?;
        let mut found = Vec::new();
        for entry in range.take(limit) {
            let (key, value) = entry.map_err(|error| self.refuse("scan", error))?;
            if !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_vec(), value.value().to_vec()));
        }
        Ok(found)
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut transaction = self.db.begin_write().map_err(|error| self.refuse("write", error))?;
        // Without it a killed process leaves a file whose every page is read at the next start.
        transaction.set_quick_repair(true);
        {
            let open = |tree| transaction.open_table(table(tree)).map_err(|error| self.refuse("write", error));
            let (mut meta, mut hot, mut cold, mut index) = (open(Tree::Meta)?, open(Tree::Hot)?, open(Tree::Cold)?, open(Tree::Index)?);
            for write in writes {
                let (Write::Put(tree, ..) | Write::Delete(tree, _)) = &write;
                let table = match tree {
                    Tree::Meta => &mut meta,
                    Tree::Hot => &mut hot,
                    Tree::Cold => &mut cold,
                    Tree::Index => &mut index,
                };
                match &write {
                    Write::Put(_, key, value) => table.insert(key.as_slice(), value.as_slice()).map(drop),
                    Write::Delete(_, key) => table.remove(key.as_slice()).map(drop),
                }
                .map_err(|error| self.refuse("write", error))?;
            }
        }
        transaction.commit().map_err(|error| self.refuse("flush", error))
    }
}

impl RedbBackend {
    fn refuse(&self, action: &'static str, error: impl std::fmt::Display) -> StoreError {
        StoreError::Backend { path: self.path.clone(), action, detail: error.to_string() }
    }
}

/// The tables' names. On disk for ever.
fn table(tree: Tree) -> Table {
    TableDefinition::new(match tree {
        Tree::Meta => "meta",
        Tree::Hot => "hot",
        Tree::Cold => "cold",
        Tree::Index => "index",
    })
}
