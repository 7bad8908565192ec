//! Durability over kill -9: a child process commits from several tasks and is killed in the middle; what it was told is durable must be
//! there, and no batch may be half there.
//!
//! What it is not: a test of power loss, for which a machine that can be cut off is needed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use causeway_store::{RedbStore, SledStore, Store, StoreError, Tree, Write};
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

const TREES: [Tree; 4] = [Tree::Meta, Tree::Hot, Tree::Cold, Tree::Index];
const CHILD_FOLDER: &str = "CAUSEWAY_STORE_TEST_CHILD_FOLDER";
const CHILD_BACKEND: &str = "CAUSEWAY_STORE_TEST_CHILD_BACKEND";
const WRITERS: u64 = 8;

fn open(backend: &str, path: &Path) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match backend {
        "sled" => Arc::new(SledStore::open(path)?),
        _ => Arc::new(RedbStore::open(path)?),
    })
}

/// The child: every writer puts its number under the same key in all four trees, removes the one before from the cold tree, and says so
/// once it is durable.
#[test]
fn child_that_commits_until_it_is_killed() {
    let (Ok(folder), Ok(backend)) = (std::env::var(CHILD_FOLDER), std::env::var(CHILD_BACKEND)) else { return };
    let store = open(&backend, Path::new(&folder)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let writers = (0..WRITERS).map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let first = store.scan(Tree::Hot, &writer.to_be_bytes(), None, 1_000_000).await.unwrap().len() as u64;
                for n in first.. {
                    store.commit(batch(writer, n)).await.unwrap();
                    println!("ack {writer} {n}");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

fn batch(writer: u64, n: u64) -> Vec<Write> {
    let value = vec![n as u8; 16 + (n as usize * 37) % 600];
    let mut writes: Vec<_> = TREES.iter().map(|tree| Write::Put(*tree, key(writer, n), value.clone())).collect();
    if n > 0 {
        writes.push(Write::Delete(Tree::Cold, key(writer, n - 1)));
    }
    writes
}

fn key(writer: u64, n: u64) -> Vec<u8> {
    [writer.to_be_bytes(), n.to_be_bytes()].concat()
}

fn start(backend: &str, folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child_that_commits_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env(CHILD_BACKEND, backend)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// Notes every acknowledgement in `last` and returns how many lines there were, up to `limit`.
fn listen(output: &mut BufReader<ChildStdout>, last: &mut BTreeMap<u64, u64>, limit: usize) -> usize {
    let mut seen = 0;
    let mut line = String::new();
    while seen < limit {
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
        // A line cut by the kill is no acknowledgement.
        let (true, Some(rest)) = (line.ends_with('\n'), line.trim_end().strip_prefix("ack ")) else { continue };
        let (writer, n) = rest.split_once(' ').unwrap();
        last.insert(writer.parse().unwrap(), n.parse().unwrap());
        seen += 1;
    }
    seen
}

async fn check(store: &dyn Store, last: &BTreeMap<u64, u64>, context: &str) {
    for writer in 0..WRITERS {
        let prefix = writer.to_be_bytes();
        let mut found = Vec::new();
        for tree in TREES {
            found.push(store.scan(tree, &prefix, None, 1_000_000).await.unwrap());
        }
        let [meta, hot, cold, index] = found.as_slice() else { panic!("four trees") };
        assert!(meta == hot && hot == index, "{context}: a batch of writer {writer} is half there");
        let expected: Vec<_> = (0..hot.len() as u64).map(|n| key(writer, n)).collect();
        assert!(hot.iter().map(|(key, _)| key).eq(&expected), "{context}: writer {writer} has gaps");
        assert_eq!(cold.first(), hot.last(), "{context}: a batch of writer {writer} is half there");
        assert!(cold.len() <= 1, "{context}: a delete of writer {writer} is missing");
        let durable = hot.len() as u64;
        assert!(
            last.get(&writer).is_none_or(|n| durable > *n),
            "{context}: writer {writer} was told {:?}, {durable} are there",
            last.get(&writer)
        );
    }
}

fn kill_and_reopen(backend: &str) {
    let seed: u64 = rand::random();
    let mut random = seeded(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut last = BTreeMap::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for round in 0..8 {
        let (mut child, mut output) = start(backend, folder.path());
        let acks = random.random_range(1..400);
        let heard = listen(&mut output, &mut last, acks);
        if round == 0 {
            let second = open(backend, folder.path()).err();
            assert!(matches!(second, Some(StoreError::InUse { .. })), "a second process got {second:?}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(heard, acks, "the child of seed {seed} ended by itself in round {round}");
        listen(&mut output, &mut last, usize::MAX);
        let store = open(backend, folder.path()).unwrap();
        runtime.block_on(check(&*store, &last, &format!("{backend}, seed {seed}, round {round}")));
    }
}

/// A seeded generator, so that a failure can be told by its seed.
fn seeded(seed: u64) -> rand::rngs::StdRng {
    rand::rngs::StdRng::seed_from_u64(seed)
}

#[test]
fn sled_keeps_what_it_acknowledged() {
    kill_and_reopen("sled");
}

#[test]
fn redb_keeps_what_it_acknowledged() {
    kill_and_reopen("redb");
}
