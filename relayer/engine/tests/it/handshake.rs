//! Path set-up on all pairs of fake families, killed at every commit, and repeated.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Process, START_S, SimClock};
use causeway_adapter::fakes::{FakeChain, FakeChainConfig, FakeFamily, FakeWait, FakeWorld, TokioSleep};
use causeway_adapter::{Family, FeePolicy};
use causeway_engine::handshake::{PathSetup, create_path};
use causeway_engine::{ChainSpec, Env, RootOfTrust, StartError};
use causeway_store::{CommitFault, MemoryStore};
use causeway_types::ChainId;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn spec(chain: &FakeChain, root: RootOfTrust) -> ChainSpec {
    ChainSpec {
        id: ChainId::new(chain.config().name.as_str()).unwrap(),
        family: Family { adapter: Arc::new(chain.adapter()), light_client: Arc::new(chain.light_client()) },
        native_chain_id: None,
        params: chain.config().params,
        signers: vec!["relayer".into()],
        fees: FeePolicy { gas_headroom_percent: 120, gas_price_max: None, replace_bump_percent: 10, replaces_price: None },
        root,
        spend_cap_per_day: None,
    }
}

pub(crate) async fn world(left: FakeFamily, right: FakeFamily) -> (FakeChain, FakeChain, Env, tokio::task::JoinHandle<()>) {
    let world = FakeWorld::new(START_S, FakeWait::Sleep(Arc::new(TokioSleep)));
    let left = world.add_chain(FakeChainConfig::new("left", left));
    let right = world.add_chain(FakeChainConfig::new("right", right));
    (0..5).for_each(|_| world.tick(1));
    let clock = SimClock::ahead(Duration::from_secs(5));
    let miner = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.tick(1);
        }
    });
    let rng = causeway_engine::env::SeededRng::new(1);
    let env = Env { clock: Arc::new(clock), rng: Arc::new(rng), spawner: Arc::new(Process::default()) };
    (left, right, env, miner)
}

pub(crate) fn block_on(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(body);
}

#[test]
fn a_path_is_made_once_whatever_is_killed() {
    for (left, right) in FakeFamily::ALL.into_iter().flat_map(|left| FakeFamily::ALL.map(|right| (left, right))) {
        for kill_at in 0..14 {
            block_on(async {
                let (a, b, env, miner) = world(left, right).await;
                let mut store = MemoryStore::new();
                let fault = if kill_at % 2 == 0 { CommitFault::Lost } else { CommitFault::Unacknowledged };
                store.fail_commit(kill_at + 1, fault);
                let setup = || PathSetup {
                    name: "p".into(),
                    a: spec(&a, RootOfTrust::FirstUse),
                    b: spec(&b, RootOfTrust::FirstUse),
                    client_a: None,
                    client_b: None,
                    channel: None,
                };
                let first = create_path(setup(), Arc::new(store.clone()), env.clone(), &|_| {}).await;
                store = store.crash_image();
                let second = create_path(setup(), Arc::new(store.clone()), env.clone(), &|_| {}).await;
                let path = second.unwrap_or_else(|error| panic!("{left:?}-{right:?} killed at {kill_at}: {error}"));
                if let Ok(first) = first {
                    assert_eq!(first, path);
                }
                let third = create_path(setup(), Arc::new(store), env, &|_| {}).await.unwrap();
                assert_eq!(third, path);
                assert_eq!((a.clients().len(), b.clients().len()), (1, 1), "{left:?}-{right:?} killed at {kill_at}: a client too many");
                miner.abort();
            });
        }
    }
}

#[test]
fn without_a_root_it_refuses_and_says_what_the_endpoints_say() {
    block_on(async {
        let (a, b, env, miner) = world(FakeFamily::Lagged, FakeFamily::Lagged).await;
        let setup = PathSetup {
            name: "p".into(),
            a: spec(&a, RootOfTrust::Missing),
            b: spec(&b, RootOfTrust::FirstUse),
            client_a: None,
            client_b: None,
            channel: None,
        };
        let error = create_path(setup, Arc::new(MemoryStore::new()), env, &|_| {}).await.unwrap_err();
        let StartError::UntrustedRoot { height, hash, .. } = &error else { panic!("{error}") };
        assert_eq!(Some(*hash), a.block_hash(*height));
        assert!(error.to_string().contains("--trust-on-first-use"), "{error}");
        miner.abort();
    });
}
