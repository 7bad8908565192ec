//! The suite of the seam, against this adapter on two real networks: every promise is tried and kept.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use crate::common::{KEY, PARAMS, SPARE, Side, deliver, now_s, open_channel, provable, prove, send, state_at, updates, world};
use async_trait::async_trait;
use causeway_adapter::conformance::{Channels, Driver, Elsewhere, Standing, Subject, run};
use causeway_adapter::{ChainAdapter, LightClient, Message, ProofGroup};
use causeway_cosmos_adapter::{CosmosAdapter, CosmosLightClient};
use causeway_types::{Claim, ClientId, Packet};
use std::sync::Arc;
use std::time::Duration;

/// Both chains run by themselves; `a` is examined.
#[derive(Clone)]
struct Chains(Arc<(Side, Side)>);

impl std::fmt::Debug for Chains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chains")
    }
}

#[async_trait]
impl Driver for Chains {
    async fn advance(&self) -> Result<(), String> {
        let adapter = &self.0.0.adapter;
        let before = adapter.status().await.map_err(|error| error.to_string())?.head.height;
        for _ in 0..200 {
            if adapter.status().await.map_err(|error| error.to_string())?.head.height > before {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the chain stands still".to_string())
    }

    async fn send(&self, _client: &ClientId) -> Result<Packet, String> {
        let a = &self.0.0;
        send(a, 1, now_s(a).await + 3_600).await.pop().ok_or_else(|| "nothing was sent".to_string())
    }

    async fn deliverable(
        &self,
        _client: &ClientId,
        count: usize,
        poison: Option<usize>,
    ) -> Result<(Vec<Message>, Vec<ProofGroup>), String> {
        let (a, b) = (&self.0.0, &self.0.1);
        let packets = send(b, count, now_s(b).await + 3_600).await;
        let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
        let need = provable(b, claims.last().ok_or("no packet")?).await;
        // The client is brought forward by another account, so that the examined key's slots are the suite's alone.
        let (messages, trusted) = updates(a, b, need).await;
        deliver(a, SPARE, messages, vec![]).await;
        let group = prove(a, b, &claims, &trusted).await;
        let message = |(item, mut packet): (usize, Packet)| {
            if Some(item) == poison
                && let Packet::V2(packet) = &mut packet
            {
                // Nobody answers at that port: the application panics.
                packet.payloads[0].dest_port = "nobody".to_string();
                packet.source_client = ClientId::new("07-tendermint-4711").unwrap();
            }
            Message::Receive { packet, proof: (0, item) }
        };
        Ok((packets.into_iter().enumerate().map(message).collect(), vec![group]))
    }

    async fn overtake(&self, _elsewhere: &Elsewhere) -> Result<(), String> {
        let (a, b) = (&self.0.0, &self.0.1);
        let head = a.adapter.status().await.map_err(|error| error.to_string())?.head.height;
        let (messages, _) = updates(b, a, head).await;
        deliver(b, SPARE, messages, vec![]).await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_of_the_seam_is_kept() {
    let Some((a, b)) = world().await else { return };
    let view = b.adapter.client(&b.client).await.unwrap();
    let root = state_at(&a, view.latest).await;
    let adapter: Arc<dyn ChainAdapter> = Arc::new(CosmosAdapter::connect(&a.node.config(), a.node.keys()).await.unwrap());
    let unbonding_period_s = a.adapter.unbonding_period_s().await.unwrap();
    let light_client: Arc<dyn LightClient> = Arc::new(CosmosLightClient::new(&a.node.config(), unbonding_period_s).unwrap());
    let host: Arc<dyn ChainAdapter> = Arc::new(CosmosAdapter::connect(&b.node.config(), b.node.keys()).await.unwrap());
    let subject = Subject {
        adapter,
        light_client: Some(light_client),
        root: Some((root.height, root.block_hash)),
        judge: (PARAMS, now_s(&a).await),
        client: Some(a.client.clone()),
        channels: Channels::End(open_channel(&a).await),
        elsewhere: Some(Elsewhere { host, client: b.client.clone() }),
        signer: Some(KEY.to_string()),
        lookback_blocks: 10_000,
        driver: Some(Arc::new(Chains(Arc::new((a, b))))),
    };
    let report = run(&subject).await;
    println!("{report}");
    assert!(report.kept(), "\n{report}");
    let skipped = report.promises.iter().filter(|promise| promise.standing == Standing::Skipped).map(|promise| promise.name);
    // These nodes keep their state for ever.
    assert_eq!(skipped.collect::<Vec<_>>(), ["pruned-height-is-a-typed-error"], "\n{report}");
}
