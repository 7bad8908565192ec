//! Validators that sign two chains, and a relay that runs: what somebody puts into a client is read from his transaction, held against the
//! chain that was verified, and the client is frozen with the evidence.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{KEY, PARAMS, Side, devnet, fees, keys, now_s, transfer, world_with};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::{SolCall, SolValue};
use causeway_adapter::{ChainAdapter, LightClient};
use causeway_engine::{ChainSpec, End, Engine, EngineConfig, EngineHandle, Filter, PathSpec, RootOfTrust, env};
use causeway_evm_adapter::{EvmChain, HOST_ENCODING};
use causeway_evm_contracts::abi;
use causeway_evm_devnet::DevnetConfig;
use causeway_store::MemoryStore;
use causeway_types::classic::Order;
use causeway_types::{ChainId, Height};
use std::sync::Arc;
use std::time::Duration;

/// Longest that anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Two chains that are not in a hurry, for an engine asks them all the time.
pub(crate) async fn calm_world() -> (Side, Side) {
    let calm = |chain_id| DevnetConfig { block_period: Duration::from_millis(200), ..devnet(chain_id) };
    world_with(calm(1001), |config| config.block_interval_ms = 200, calm(1002), |config| config.block_interval_ms = 200).await
}

async fn spec(side: &Side, name: &str) -> ChainSpec {
    ChainSpec {
        id: ChainId::new(name).unwrap(),
        family: EvmChain::connect(&side.config, keys(side.config.chain_id)).await.unwrap(),
        native_chain_id: None,
        params: PARAMS,
        signers: vec![KEY.to_string()],
        fees: fees(),
        root: RootOfTrust::Pinned { height: side.trusted.height, hash: side.trusted.block_hash },
        spend_cap_per_day: None,
    }
}

pub(crate) async fn relay(a: &Side, b: &Side) -> EngineHandle {
    let end = |side: &Side, name: &str| End { chain: ChainId::new(name).unwrap(), client: side.client.clone(), channel: None };
    let path = PathSpec { name: "a-b".into(), a: end(a, "a"), b: end(b, "b"), order: Order::Unordered, filter: Filter::default() };
    let config = EngineConfig::new(vec![spec(a, "a").await, spec(b, "b").await], vec![path]);
    Engine::start(config, Arc::new(MemoryStore::new()), env::system()).await.unwrap()
}

pub(crate) async fn wait_until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waited).await.is_ok(), "waited for {what}");
}

/// An update of `b`'s client to a height of `a`: the true one, or another block that the same validators sealed.
async fn update(a: &Side, held: Height, height: u64, forged: bool) -> Bytes {
    let honest = a.adapter.update_at(held, Height::new(height)).await.unwrap();
    let mut update = abi::Update::abi_decode(&honest).unwrap();
    if forged {
        update.header = a.node.control().forged_header_rlp(height, |header| header.timestamp -= 1).unwrap();
    }
    update.abi_encode().into()
}

/// How a forged header comes to a client.
#[derive(Debug, Clone, Copy)]
enum Way {
    Router,
    /// Inside another call, and the newest height of the client is an honest one.
    Hidden,
    /// Past the router.
    Client,
}

/// The contract of `side`'s client.
async fn contract(side: &Side) -> Address {
    let provider = ProviderBuilder::new().connect_http(side.node.rpc_url().parse().unwrap());
    let call = abi::Router::getClientCall { clientId: side.client.to_string() };
    let request = TransactionRequest::default().with_to(side.deployment.router).with_input(Bytes::from(call.abi_encode()));
    abi::Router::getClientCall::abi_decode_returns(&provider.call(request).await.unwrap()).unwrap()
}

/// A height of `a` whose time is two seconds after that of a held one, so that a forgery fits between.
async fn later_height(a: &Side, held_s: u64) -> u64 {
    wait_until("time to pass", || async { a.adapter.status().await.unwrap().head.time_s.unwrap() > held_s + 2 }).await;
    a.node.control().mine(2).unwrap() - 1
}

/// refuse.md H11: the relay is the watchdog.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_header_that_somebody_puts_into_a_client_convicts_its_signers() {
    for way in [Way::Router, Way::Hidden, Way::Client] {
        let (a, b) = calm_world().await;
        let engine = relay(&a, &b).await;
        transfer(&a, 5, now_s(&a) + 3_600).await;
        wait_until("the packet to arrive", || async { !b.acknowledged().await.is_empty() }).await;
        let client = b.adapter.client(&b.client).await.unwrap();
        let height = later_height(&a, client.latest_time_s.unwrap()).await;
        let call = |update: Bytes| abi::Router::updateClientCall { clientId: b.client.to_string(), updateMsg: update };
        let forgery = update(&a, client.latest, height, true).await;
        let forged = call(forgery.clone());
        match way {
            Way::Router => b.call(b.deployment.router, forged).await,
            Way::Client => b.call(contract(&b).await, abi::QbftLightClient::updateClientCall { updateMsg: forgery }).await,
            Way::Hidden => {
                let honest = call(update(&a, client.latest, height + 1, false).await);
                b.call(
                    b.deployment.router,
                    abi::Router::multicallCall { calls: vec![forged.abi_encode().into(), honest.abi_encode().into()] },
                )
                .await;
            }
        }
        wait_until("the client to be frozen", || async { b.adapter.client(&b.client).await.unwrap().frozen }).await;
        wait_until("the path to be halted", || async { engine.status().paths[0].halted.is_some() }).await;
        let halted = engine.status().paths[0].halted.clone().unwrap();
        assert!(halted.contains("two blocks"), "{way:?}: {halted}");
        assert!(engine.shutdown(PATIENCE).await);
    }
}

/// What was submitted is read as it was, whoever submitted it.
#[tokio::test(flavor = "multi_thread")]
async fn updates_are_read_from_the_transactions_that_brought_them() {
    let (a, b) = calm_world().await;
    let held = b.adapter.client(&b.client).await.unwrap().latest;
    let height = a.node.control().mine(3).unwrap() - 1;
    let sent = update(&a, held, height, false).await;
    b.call(b.deployment.router, abi::Router::updateClientCall { clientId: b.client.to_string(), updateMsg: sent.clone() }).await;
    let events = b.events().await;
    let at = events.iter().rfind(|located| matches!(located.event, causeway_adapter::Event::ClientUpdated { .. })).unwrap();
    let read = b.adapter.submitted(&b.client, at.height, &at.tx).await.unwrap();
    assert_eq!(read, [sent.to_vec()]);
    let decoded = a.light_client.decode_update(HOST_ENCODING, &read[0]).unwrap();
    assert_eq!((decoded.trusted, decoded.height, decoded.update), (held, Height::new(height), sent.to_vec()));
    assert!(b.adapter.submitted(&b.client, at.height.plus(1), &at.tx).await.is_err(), "a transaction of another block");
    assert!(a.light_client.decode_update("x", &sent).is_err());
}
