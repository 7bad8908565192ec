//! The suite of the seam, against this adapter on an embedded chain: every promise is tried and kept.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{KEY, PARAMS, Side, devnet, now_s, prove, raw_packet, state_at, transfer, update, world_of};
use async_trait::async_trait;
use causeway_adapter::conformance::{Channels, Driver, Elsewhere, Standing, Subject, run};
use causeway_adapter::{ChainAdapter, LightClient, Message, ProofGroup, TrustedState};
use causeway_evm_adapter::{EvmAdapter, EvmLightClient, Keys};
use causeway_evm_devnet::dev_key;
use causeway_types::{Claim, ClientId, Packet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Moves the examined chain `a`; its counterparty `b` runs by itself.
#[derive(Clone)]
struct Chains(Arc<Mutex<(Side, Side)>>);

impl std::fmt::Debug for Chains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chains")
    }
}

#[async_trait]
impl Driver for Chains {
    async fn advance(&self) -> Result<(), String> {
        self.0.lock().await.0.node.control().mine_one().map(|_| ()).map_err(|error| error.to_string())
    }

    async fn send(&self, _client: &ClientId) -> Result<Packet, String> {
        let sides = self.0.lock().await;
        let a = &sides.0;
        a.node.control().resume();
        transfer(a, 1, now_s(a) + 3_600).await;
        a.node.control().pause();
        a.sent().await.pop().ok_or_else(|| "nothing was sent".to_string())
    }

    async fn deliverable(
        &self,
        _client: &ClientId,
        count: usize,
        poison: Option<usize>,
    ) -> Result<(Vec<Message>, Vec<ProofGroup>), String> {
        let sides = self.0.lock().await;
        let (a, b) = &*sides;
        for index in 0..count {
            let port = if Some(index) == poison { "nobody" } else { "transfer" };
            if port == "nobody" { raw_packet(b, port, now_s(b) + 3_600).await } else { transfer(b, 1, now_s(b) + 3_600).await }
        }
        let mut packets = b.sent().await;
        let packets = packets.split_off(packets.len() - count);
        // The client is brought forward by another account, so that the examined key's slots are the suite's alone.
        a.node.control().resume();
        let updated = bring(a, b).await;
        a.node.control().pause();
        let state = updated?;
        let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
        let group = prove(a, b, &claims, &state).await;
        let messages = packets.into_iter().enumerate().map(|(item, packet)| Message::Receive { packet, proof: (0, item) });
        Ok((messages.collect(), vec![group]))
    }

    async fn overtake(&self, _elsewhere: &Elsewhere) -> Result<(), String> {
        let sides = self.0.lock().await;
        bring(&sides.1, &sides.0).await.map(|_| ())
    }
}

/// The user of `host` brings the client of `source` to its head; answers what the client holds then.
async fn bring(host: &Side, source: &Side) -> Result<TrustedState, String> {
    let (message, state) = update(host, source).await;
    let Message::UpdateClient { client_id, update } = message else { return Err("no update".to_string()) };
    let call = causeway_evm_contracts::abi::Router::updateClientCall { clientId: client_id.to_string(), updateMsg: update.into() };
    host.call(host.deployment.router, call).await;
    Ok(state)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_of_the_seam_is_kept() {
    // The state that nodes keep, 128 blocks, must outlast the steps between two updates on a busy machine.
    let slower = |chain_id| causeway_evm_devnet::DevnetConfig { block_period: std::time::Duration::from_millis(150), ..devnet(chain_id) };
    let (a, b) = world_of(slower(1001), slower(1002)).await;
    a.node.control().pause();
    let view = b.adapter.client(&b.client).await.unwrap();
    let root = state_at(&a, view.latest).await;
    let keys = Keys::none().with_secret(KEY, &dev_key(a.node.chain_id(), 0).0).unwrap();
    let adapter: Arc<dyn ChainAdapter> = Arc::new(EvmAdapter::connect(&a.config, keys).await.unwrap());
    let light_client: Arc<dyn LightClient> = Arc::new(EvmLightClient::new(&a.config).unwrap());
    let host: Arc<dyn ChainAdapter> = Arc::new(EvmAdapter::connect(&b.config, Keys::none()).await.unwrap());
    let subject = Subject {
        adapter,
        light_client: Some(light_client),
        root: Some((root.height, root.block_hash)),
        judge: (PARAMS, now_s(&a)),
        client: Some(a.client.clone()),
        channels: Channels::Unsupported,
        elsewhere: Some(Elsewhere { host, client: b.client.clone() }),
        signer: Some(KEY.to_string()),
        lookback_blocks: 10_000,
        driver: Some(Arc::new(Chains(Arc::new(Mutex::new((a, b)))))),
    };
    let report = run(&subject).await;
    assert!(report.kept(), "\n{report}");
    let skipped = report.promises.iter().filter(|promise| promise.standing == Standing::Skipped).map(|promise| promise.name);
    // The family has no channels, and the chain is younger than three windows of state.
    let expected = ["channel-ends-are-proven", "a-false-end-is-never-proven", "pruned-height-is-a-typed-error"];
    assert_eq!(skipped.collect::<Vec<_>>(), expected, "\n{report}");
}
