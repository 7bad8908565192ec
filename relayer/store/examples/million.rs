//! Measures a backend with many records: insert, kill -9, reopen, memory and size. The figures of docs/adr/0002-journal-store.md come from here.
//!
//! What it is not: a test; nothing is asserted about time.
//!
//! `cargo run --release -p causeway-store --example million -- [records, default 1000000]`
#![allow(clippy::disallowed_types, clippy::print_stdout, reason = "a measurement run by hand, with a wall clock and a person reading")]

use causeway_store::{RedbStore, SledStore, Store, StoreError, Tree, Write};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Records a batch while filling: about what a busy relay gathers in a flush.
const BATCH: u64 = 500;
/// Bytes of a record: a finished packet's summary.
const RECORD_BYTES: usize = 200;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [step, backend, folder, records] => child(step, backend, Path::new(folder), records.parse()?),
        [] => parent(1_000_000),
        [records] => parent(records.parse()?),
        _ => Err("usage: million [records]".into()),
    }
}

fn parent(records: u64) -> Outcome<()> {
    for backend in ["sled", "redb"] {
        println!("{backend}, {records} records of {RECORD_BYTES} bytes, half of them moved from hot to cold");
        let folder = tempfile::tempdir()?;
        for step in ["fill", "single", "reopen"] {
            run(step, backend, folder.path(), records)?;
        }
        println!("  on disk: {} MiB", folder_bytes(folder.path())? >> 20);
    }
    Ok(())
}

/// Runs a step in a process of its own and kills it at its last word, so that the next one opens what a kill -9 leaves.
fn run(step: &str, backend: &str, folder: &Path, records: u64) -> Outcome<()> {
    let mut child =
        Command::new(std::env::current_exe()?).args([step, backend]).arg(folder).arg(records.to_string()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("the child has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line == "done" {
            break;
        }
        println!("  {line}");
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn child(step: &str, backend: &str, folder: &Path, records: u64) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let begun = Instant::now();
    let store: Arc<dyn Store> = match backend {
        "sled" => Arc::new(SledStore::open(folder)?),
        _ => Arc::new(RedbStore::open(folder)?),
    };
    println!("{step}: opened in {:?}, resident {} MiB", begun.elapsed(), resident_mib()?);
    runtime.block_on(async {
        match step {
            "fill" => fill(&*store, records).await,
            "single" => single(&store).await,
            _ => read(&*store).await,
        }
    })?;
    println!("{step}: resident {} MiB at the end", resident_mib()?);
    println!("done");
    // Killed here by the parent, with the store open.
    loop {
        std::thread::park();
    }
}

async fn fill(store: &dyn Store, records: u64) -> Outcome<()> {
    let begun = Instant::now();
    for start in (0..records).step_by(BATCH as usize) {
        let writes = (start..records.min(start.saturating_add(BATCH))).flat_map(|n| {
            let index = Write::Put(Tree::Index, [&b"n/"[..], &n.to_be_bytes()].concat(), key(n));
            [Write::Put(Tree::Hot, key(n), value(n)), index]
        });
        store.commit(writes.collect()).await?;
    }
    let inserted = begun.elapsed();
    for start in (0..records / 2).step_by(BATCH as usize) {
        let writes =
            (start..start.saturating_add(BATCH)).flat_map(|n| [Write::Delete(Tree::Hot, key(n)), Write::Put(Tree::Cold, key(n), value(n))]);
        store.commit(writes.collect()).await?;
    }
    println!("fill: inserted in {inserted:?}, half moved in {:?} more", begun.elapsed().saturating_sub(inserted));
    Ok(())
}

/// The latency of commits as the engine makes them: alone, and 64 at a time.
async fn single(store: &Arc<dyn Store>) -> Outcome<()> {
    let begun = Instant::now();
    for n in 0..500_u64 {
        store.commit(vec![Write::Put(Tree::Hot, key(n), value(n))]).await?;
    }
    println!("single: {:?} a commit, one after the other", begun.elapsed() / 500);
    let begun = Instant::now();
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                for n in 0..100_u64 {
                    store.commit(vec![Write::Put(Tree::Hot, key(task.wrapping_mul(1_000).wrapping_add(n)), value(n))]).await?;
                }
                Ok::<(), StoreError>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    println!("single: {:?} a commit, 64 at a time", begun.elapsed() / 6_400);
    Ok(())
}

async fn read(store: &dyn Store) -> Outcome<()> {
    for tree in [Tree::Hot, Tree::Cold] {
        let begun = Instant::now();
        let (mut after, mut count) = (None::<Vec<u8>>, 0_usize);
        loop {
            let page = store.scan(tree, b"p/", after.as_deref(), 1_000).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            count = count.saturating_add(page.len());
        }
        println!("reopen: {tree:?} scanned, {count} records in {:?}", begun.elapsed());
    }
    Ok(())
}

/// Keys as packets have them: a chain, a client, a sequence; spread so that inserts are not all at the end.
fn key(n: u64) -> Vec<u8> {
    [format!("p/chain-{}/client-{}/", n % 4, n % 7).as_bytes(), &n.to_be_bytes()].concat()
}

fn value(n: u64) -> Vec<u8> {
    n.to_be_bytes().iter().copied().cycle().take(RECORD_BYTES).collect()
}

fn resident_mib() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kib >> 10)
}

fn folder_bytes(path: &Path) -> Outcome<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let size = if entry.file_type()?.is_dir() { folder_bytes(&entry.path())? } else { entry.metadata()?.len() };
        bytes = bytes.saturating_add(size);
    }
    Ok(bytes)
}
