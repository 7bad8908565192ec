//! The store test suite, run by every backend: what the [`Store`] trait promises, seen from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use causeway_store::{Entry, MemoryStore, RedbStore, SledStore, Store, StoreError, Tree, Write};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

const TREES: [Tree; 4] = [Tree::Meta, Tree::Hot, Tree::Cold, Tree::Index];

/// Prefix, key to begin after, limit, and the keys expected.
type ScanCase<'a> = (&'a [u8], Option<&'a [u8]>, usize, &'a [&'a [u8]]);

/// A backend under test, and how to close and open it again.
enum Bed {
    Memory(MemoryStore),
    Sled(tempfile::TempDir),
    Redb(tempfile::TempDir),
}

impl Bed {
    fn all() -> Vec<Self> {
        vec![Self::Memory(MemoryStore::new()), Self::Sled(tempfile::tempdir().unwrap()), Self::Redb(tempfile::tempdir().unwrap())]
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Sled(_) => "sled",
            Self::Redb(_) => "redb",
        }
    }

    fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Sled(folder) => Arc::new(SledStore::open(folder.path()).unwrap()),
            Self::Redb(folder) => Arc::new(RedbStore::open(folder.path()).unwrap()),
        }
    }
}

fn put(tree: Tree, key: &[u8], value: &[u8]) -> Write {
    Write::Put(tree, key.to_vec(), value.to_vec())
}

fn keys(entries: &[Entry]) -> Vec<&[u8]> {
    entries.iter().map(|(key, _)| key.as_slice()).collect()
}

async fn scan(store: &dyn Store, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Entry> {
    store.scan(Tree::Hot, prefix, after, limit).await.unwrap()
}

#[tokio::test]
async fn scans_are_ordered_bounded_and_stay_in_their_tree() {
    for bed in Bed::all() {
        let store = bed.open();
        let present: [&[u8]; 8] = [b"", b"a", b"a/", b"a/1", b"a/2", b"a\xff", b"a\xff\xff", b"b"];
        let writes = TREES.iter().flat_map(|tree| present.iter().rev().map(|key| put(*tree, key, b"v"))).collect();
        store.commit(writes).await.unwrap();
        let cases: [ScanCase<'_>; 10] = [
            (b"", None, 100, &present),
            (b"a/", None, 100, &[b"a/", b"a/1", b"a/2"]),
            (b"a", None, 100, &[b"a", b"a/", b"a/1", b"a/2", b"a\xff", b"a\xff\xff"]),
            (b"a\xff", None, 100, &[b"a\xff", b"a\xff\xff"]),
            (b"\xff", None, 100, &[]),
            (b"a", Some(b"a/1"), 2, &[b"a/2", b"a\xff"]),
            (b"a", Some(b""), 1, &[b"a"]),
            (b"a", Some(b"b"), 100, &[]),
            (b"a", Some(b"a/15"), 100, &[b"a/2", b"a\xff", b"a\xff\xff"]),
            (b"", None, 0, &[]),
        ];
        for (prefix, after, limit, expected) in cases {
            let found = scan(&*store, prefix, after, limit).await;
            assert_eq!(keys(&found), expected, "{} {prefix:?} {after:?} {limit}", bed.name());
        }
    }
}

#[tokio::test]
async fn writes_of_a_batch_apply_in_order_over_all_trees() {
    for bed in Bed::all() {
        let store = bed.open();
        store.commit(vec![put(Tree::Hot, b"gone", b"1"), put(Tree::Hot, b"kept", b"1")]).await.unwrap();
        let absent = Write::Delete(Tree::Cold, b"never there".to_vec());
        let batch = vec![
            put(Tree::Cold, b"gone", b"2"),
            Write::Delete(Tree::Hot, b"gone".to_vec()),
            put(Tree::Hot, b"kept", b"2"),
            put(Tree::Hot, b"kept", b"3"),
            put(Tree::Index, b"brief", b"1"),
            Write::Delete(Tree::Index, b"brief".to_vec()),
            absent,
        ];
        store.commit(batch).await.unwrap();
        let got = |tree, key: &'static [u8]| store.get(tree, key);
        assert_eq!(got(Tree::Hot, b"gone").await.unwrap(), None, "{}", bed.name());
        assert_eq!(got(Tree::Cold, b"gone").await.unwrap(), Some(b"2".to_vec()), "{}", bed.name());
        assert_eq!(got(Tree::Hot, b"kept").await.unwrap(), Some(b"3".to_vec()), "{}", bed.name());
        assert_eq!(got(Tree::Index, b"brief").await.unwrap(), None, "{}", bed.name());
    }
}

#[tokio::test]
async fn values_from_empty_to_large_survive_a_reopen() {
    for bed in Bed::all() {
        let values = [vec![], vec![7; 1], vec![7; 4_096], vec![7; 300_000], vec![7; 2_000_000]];
        let store = bed.open();
        for (n, value) in values.iter().enumerate() {
            store.commit(vec![put(Tree::Hot, &[n as u8], value)]).await.unwrap();
        }
        drop(store);
        let store = bed.open();
        for (n, value) in values.iter().enumerate() {
            let found = store.get(Tree::Hot, &[n as u8]).await.unwrap();
            assert!(found.as_ref() == Some(value), "{} value {n}: {:?} bytes", bed.name(), found.map(|f| f.len()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_commits_are_each_whole_and_all_there_after_a_reopen() {
    for bed in Bed::all() {
        let store = bed.open();
        let commits = (0..200_u64).map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(TREES.iter().map(|tree| put(*tree, &n.to_be_bytes(), b"v")).collect()).await })
        });
        for commit in commits.collect::<Vec<_>>() {
            commit.await.unwrap().unwrap();
        }
        drop(store);
        let store = bed.open();
        for tree in TREES {
            assert_eq!(store.scan(tree, b"", None, 1_000).await.unwrap().len(), 200, "{}", bed.name());
        }
    }
}

#[tokio::test]
async fn concurrent_commits_share_flushes() {
    let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sled = SledStore::open(folders.0.path()).unwrap();
    let redb = RedbStore::open(folders.1.path()).unwrap();
    let stores: [(&str, &dyn Store); 2] = [("sled", &sled), ("redb", &redb)];
    for (name, store) in stores {
        let commits = (0..200_u64).map(|n| store.commit(vec![put(Tree::Hot, &n.to_be_bytes(), b"v")]));
        for result in join(commits).await {
            result.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert!(sled.flushes() < 100, "sled flushed {} times for 200 commits", sled.flushes());
    assert!(redb.flushes() < 100, "redb flushed {} times for 200 commits", redb.flushes());
}

/// Polls all futures until all are done.
async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(cx)
            {
                *output = Some(done);
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

#[test]
fn a_store_is_held_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on/the/way");
    let store = SledStore::open(&path).unwrap();
    let second = SledStore::open(&path).unwrap_err();
    assert_eq!(second, StoreError::InUse { path: path.display().to_string() });
    assert!(matches!(RedbStore::open(&path), Err(StoreError::InUse { .. })));
    drop(store);
    SledStore::open(&path).unwrap();
}

#[test]
fn a_folder_of_another_backend_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    drop(RedbStore::open(folder.path()).unwrap());
    let error = SledStore::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("made by the backend `redb`, expected `sled`"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"not a folder").unwrap();
    let error = SledStore::open(&file.join("store")).unwrap_err().to_string();
    assert!(error.contains("make its folder") && error.contains("file/store"), "{error}");
}

#[test]
fn a_damaged_redb_file_is_an_error_and_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    drop(RedbStore::open(folder.path()).unwrap());
    let file: PathBuf = folder.path().join("journal.redb");
    std::fs::write(&file, vec![0xa5; std::fs::metadata(&file).unwrap().len() as usize]).unwrap();
    assert!(matches!(RedbStore::open(folder.path()), Err(StoreError::Backend { action: "open", .. })));
}

#[derive(Debug, Clone)]
enum Act {
    Commit(Vec<Write>),
    Scan(Tree, Vec<u8>, Option<Vec<u8>>, usize),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let tree = prop::sample::select(TREES.to_vec());
    // Few bytes, so that keys meet, are prefixes of each other, and reach the largest byte.
    let key = prop::collection::vec(prop::sample::select(vec![0_u8, 1, 0xfe, 0xff]), 0..4);
    let write = prop_oneof![
        3 => (tree.clone(), key.clone(), prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(tree, key, value)| Write::Put(tree, key, value)),
        1 => (tree.clone(), key.clone()).prop_map(|(tree, key)| Write::Delete(tree, key)),
    ];
    prop_oneof![
        6 => prop::collection::vec(write, 0..12).prop_map(Act::Commit),
        6 => (tree, key.clone(), prop::option::of(key), 0_usize..20).prop_map(|(tree, prefix, after, limit)| Act::Scan(tree, prefix, after, limit)),
        1 => Just(Act::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The backends on disk answer every scan as the memory store does, whatever was written and however often they were reopened.
    #[test]
    fn backends_agree_with_the_memory_store(acts in prop::collection::vec(act(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let beds = Bed::all();
            let mut stores: Vec<_> = beds.iter().map(Bed::open).collect();
            for act in acts {
                match act {
                    Act::Commit(writes) => {
                        for store in &stores {
                            store.commit(writes.clone()).await.unwrap();
                        }
                    }
                    Act::Scan(tree, prefix, after, limit) => {
                        let mut answers = Vec::new();
                        for store in &stores {
                            answers.push(store.scan(tree, &prefix, after.as_deref(), limit).await.unwrap());
                        }
                        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{tree:?} {prefix:?} {after:?} {limit}: {answers:?}");
                    }
                    Act::Reopen => {
                        stores.clear();
                        stores = beds.iter().map(Bed::open).collect();
                    }
                }
            }
        });
    }
}
