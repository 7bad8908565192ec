//! One client brought to a height by hand, on all pairs of fake families, killed at every commit, and again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::handshake::{block_on, spec, world};
use causeway_adapter::ChainAdapter;
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::client::{ClientSetup, bring, verified};
use causeway_engine::handshake::{PathSetup, create_path};
use causeway_engine::{RootOfTrust, StartError};
use causeway_store::{CommitFault, MemoryStore};
use causeway_types::ClientId;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_client_is_brought_forward_whatever_is_killed() {
    for (left, right) in FakeFamily::ALL.into_iter().flat_map(|left| FakeFamily::ALL.map(|right| (left, right))) {
        for kill_at in 0..6 {
            block_on(async {
                let (a, b, env, miner) = world(left, right).await;
                let mut store = MemoryStore::new();
                let (on_a, on_b) = (spec(&a, RootOfTrust::FirstUse), spec(&b, RootOfTrust::FirstUse));
                let setup = PathSetup { name: "p".into(), a: on_a.clone(), b: on_b.clone(), client_a: None, client_b: None, channel: None };
                let path = create_path(setup, Arc::new(store.clone()), env.clone(), &|_| {}).await.unwrap();
                let before = a.adapter().client(&path.a.client).await.unwrap().latest;
                env.clock.sleep(Duration::from_secs(40)).await;

                let fault = if kill_at % 2 == 0 { CommitFault::Lost } else { CommitFault::Unacknowledged };
                store.fail_commit(kill_at + 1, fault);
                let mut setup = ClientSetup { host: on_a, source: on_b, client: path.a.client.clone(), to: None };
                let killed = bring(&setup, Arc::new(store.clone()), env.clone(), &|_| {}).await;
                store = store.crash_image();
                let case = format!("{left:?} follows {right:?}, killed at {kill_at} ({:?})", killed.map(|done| done.updates));
                let brought = bring(&setup, Arc::new(store.clone()), env.clone(), &|_| {}).await.unwrap_or_else(|e| panic!("{case}: {e}"));
                let view = a.adapter().client(&path.a.client).await.unwrap();
                assert!(brought.at.height > before && view.latest == brought.at.height, "{case}: {view:?}");
                setup.to = Some(brought.at.height);
                let again = bring(&setup, Arc::new(store.clone()), env.clone(), &|_| {}).await.unwrap();
                assert_eq!((again.updates, again.at), (0, brought.at.clone()), "{case}");
                let known = verified(&setup.source, brought.at.height, Arc::new(store), env).await.unwrap();
                assert_eq!(known, brought.at, "{case}");
                miner.abort();
            });
        }
    }
}

#[test]
fn a_height_that_is_named_is_held_and_what_cannot_be_is_told() {
    for family in [FakeFamily::Lagged, FakeFamily::BlockBound, FakeFamily::Clockless] {
        block_on(async {
            let (a, b, env, miner) = world(FakeFamily::Lagged, family).await;
            let store = Arc::new(MemoryStore::new());
            let (on_a, on_b) = (spec(&a, RootOfTrust::FirstUse), spec(&b, RootOfTrust::FirstUse));
            let setup = PathSetup { name: "p".into(), a: on_a.clone(), b: on_b.clone(), client_a: None, client_b: None, channel: None };
            let path = create_path(setup, store.clone(), env.clone(), &|_| {}).await.unwrap();
            env.clock.sleep(Duration::from_secs(30)).await;
            let from = a.adapter().client(&path.a.client).await.unwrap().latest;
            let mut setup = ClientSetup { host: on_a, source: on_b, client: path.a.client.clone(), to: Some(from.plus(7)) };
            let brought = bring(&setup, store.clone(), env.clone(), &|_| {}).await.unwrap();
            assert_eq!((brought.before, brought.at.height), (from, from.plus(7)), "{family:?}");

            setup.to = Some(from.plus(6));
            let past = bring(&setup, store.clone(), env.clone(), &|_| {}).await.unwrap_err();
            assert!(matches!(past, StartError::ClientPast { .. }), "{family:?}: {past}");
            setup.to = Some(from.plus(100_000));
            let ahead = bring(&setup, store.clone(), env.clone(), &|_| {}).await.unwrap_err();
            assert!(matches!(ahead, StartError::Adapter { .. } | StartError::NotProvable { .. }), "{family:?}: {ahead}");
            setup.client = ClientId::new("none-77").unwrap();
            let missing = bring(&setup, store, env, &|_| {}).await.unwrap_err();
            assert!(matches!(missing, StartError::ClientMissing { .. }), "{family:?}: {missing}");
            miner.abort();
        });
    }
}
