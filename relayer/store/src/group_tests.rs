//! Tests of group commit over a backend that fails, stalls and panics on request.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::sync::{Condvar, Mutex};

/// Holds every write until let go, then does with it what the test asks.
#[derive(Debug, Clone, Default)]
struct Scripted {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    groups: Vec<usize>,
    fail: bool,
    panic: bool,
}

impl Scripted {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }
}

impl Backend for Scripted {
    const SNAPSHOTS: bool = false;

    fn get(&self, _: Tree, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(Some(self.state.0.lock().unwrap().groups.len().to_be_bytes().to_vec()))
    }

    fn scan(&self, _: Tree, _: &[u8], _: Option<&[u8]>, _: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut state = self.state.0.lock().unwrap();
        state.groups.push(writes.len());
        while state.held {
            state = self.state.1.wait(state).unwrap();
        }
        assert!(!state.panic, "a panic the test asked for");
        if state.fail { Err(StoreError::Backend { path: "p".into(), action: "flush", detail: "disk full".into() }) } else { Ok(()) }
    }
}

fn put() -> Vec<Write> {
    vec![Write::Put(Tree::Hot, b"k".to_vec(), b"v".to_vec())]
}

fn start(backend: &Scripted) -> (Arc<Grouped<Scripted>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let grouped = Grouped::start(backend.clone(), Folder::hold(folder.path(), "scripted").unwrap()).unwrap();
    (Arc::new(grouped), folder)
}

/// Lets tasks run until the backend has begun `groups` writes.
async fn begun(backend: &Scripted, groups: usize) {
    while backend.state.0.lock().unwrap().groups.len() < groups {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_during_a_flush_shares_the_next_one() {
    let backend = Scripted::default();
    let (store, _folder) = start(&backend);
    backend.set(|state| state.held = true);
    let spawn = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(put()).await })
    };
    let mut tasks = vec![spawn()];
    begun(&backend, 1).await;
    tasks.extend((0..50).map(|_| spawn()));
    // On this one-threaded runtime every spawned task has queued its request once this task runs again.
    tokio::task::yield_now().await;
    backend.set(|state| state.held = false);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(backend.state.0.lock().unwrap().groups, [1, 50]);
    assert_eq!(store.flushes(), 2);
}

#[tokio::test]
async fn reads_wait_for_the_flush_under_way() {
    let backend = Scripted::default();
    let (store, _folder) = start(&backend);
    backend.set(|state| state.held = true);
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(put()).await }
    });
    begun(&backend, 1).await;
    let mut reading = Box::pin(store.get(Tree::Hot, b"k"));
    assert!(futures_poll_once(&mut reading).await.is_none(), "a read must not see what is not flushed");
    backend.set(|state| state.held = false);
    assert!(reading.await.unwrap().is_some());
    writing.await.unwrap().unwrap();
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_read_that_is_no_longer_polled_does_not_stop_commits() {
    let backend = Scripted::default();
    let (store, _folder) = start(&backend);
    backend.set(|state| state.held = true);
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(put()).await }
    });
    begun(&backend, 1).await;
    let mut reading = Box::pin(store.get(Tree::Hot, b"k"));
    assert!(futures_poll_once(&mut reading).await.is_none());
    backend.set(|state| state.held = false);
    writing.await.unwrap().unwrap();
    store.commit(put()).await.unwrap();
    assert!(reading.await.unwrap().is_some());
}

#[tokio::test]
async fn after_a_failed_flush_nothing_is_accepted() {
    let backend = Scripted::default();
    let (store, _folder) = start(&backend);
    backend.set(|state| state.fail = true);
    assert!(matches!(store.commit(put()).await, Err(StoreError::Backend { action: "flush", .. })));
    backend.set(|state| state.fail = false);
    let again = store.commit(put()).await.unwrap_err();
    assert!(matches!(&again, StoreError::Stopped { detail } if detail.contains("disk full")), "{again}");
    assert_eq!(backend.state.0.lock().unwrap().groups.len(), 1, "the second commit never reached the backend");
}

#[tokio::test]
async fn a_writer_that_panicked_is_reported_and_not_waited_for() {
    let backend = Scripted::default();
    let (store, _folder) = start(&backend);
    backend.set(|state| state.panic = true);
    for _ in 0..2 {
        assert!(matches!(store.commit(put()).await, Err(StoreError::Stopped { .. })));
    }
}

#[tokio::test]
async fn an_accepted_commit_is_finished_though_its_caller_left() {
    let backend = Scripted::default();
    let (store, folder) = start(&backend);
    let mut leaving = Box::pin(store.commit(put()));
    assert!(futures_poll_once(&mut leaving).await.is_none());
    drop(leaving);
    drop(store);
    assert_eq!(backend.state.0.lock().unwrap().groups, [1]);
    assert!(Folder::hold(folder.path(), "scripted").is_ok(), "a dropped store gives its folder back");
}
