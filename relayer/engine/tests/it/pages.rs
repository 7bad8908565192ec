//! Questions of people and programs cost a bounded piece of the journal each, whatever they ask for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Process, simulate};
use async_trait::async_trait;
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::{Engine, PacketFilter, StateKind};
use causeway_store::{Entry, MemoryStore, Store, StoreError, Tree, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that one question may look at.
const ROWS_MAX: usize = 5_000;
/// Finished packets in the journal.
const COPIES: usize = 12_000;

/// A store that counts the rows it gives.
#[derive(Debug)]
struct Counting {
    inner: MemoryStore,
    rows: AtomicUsize,
}

#[async_trait]
impl Store for Counting {
    async fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(tree, key).await
    }

    async fn scan(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let rows = self.inner.scan(tree, prefix, after, limit).await?;
        self.rows.fetch_add(rows.len(), Ordering::SeqCst);
        Ok(rows)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.inner.commit(writes).await
    }
}

#[test]
fn a_page_looks_at_so_many_rows_and_the_next_goes_on_behind_them() {
    simulate(41, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        sim.crash();
        // What is asked for is one packet of many, and the last one.
        let rows = sim.store.scan(Tree::Cold, b"p\0", None, 2).await.unwrap();
        let [(key, row)] = rows.as_slice() else { panic!("one packet is finished: {}", rows.len()) };
        let copy = |number: usize| [&key[..key.len() - 8], &(number as u64 + 100).to_be_bytes()].concat();
        let writes = (0..COPIES).map(|number| Write::Put(Tree::Cold, copy(number), row.clone()));
        sim.store.commit(writes.collect()).await.unwrap();

        let store = Arc::new(Counting { inner: sim.store.clone(), rows: AtomicUsize::new(0) });
        let process = Process::default();
        let engine = Engine::start(sim.config().clone(), store.clone(), sim.env(&process)).await.unwrap();
        let filters = [
            (PacketFilter::default(), COPIES + 1),
            (PacketFilter { state: Some(StateKind::Completed), ..PacketFilter::default() }, COPIES + 1),
            (PacketFilter { path: Some("another".into()), ..PacketFilter::default() }, 0),
            (PacketFilter { state: Some(StateKind::Dead), ..PacketFilter::default() }, 0),
            (PacketFilter { pending_only: true, ..PacketFilter::default() }, 0),
        ];
        for (filter, expected) in filters {
            let (mut next, mut found, mut calls) = (None::<String>, 0, 0);
            loop {
                store.rows.store(0, Ordering::SeqCst);
                let page = engine.packets(&filter, next.as_deref(), 1_000).await.unwrap();
                let looked_at = store.rows.load(Ordering::SeqCst);
                assert!(looked_at <= ROWS_MAX, "{filter:?}: one call looked at {looked_at} rows");
                found += page.packets.len();
                calls += 1;
                assert!(calls <= 40, "{filter:?}: it comes to no end");
                next = page.next;
                if next.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{filter:?}");
        }
        process.kill();
    });
}
