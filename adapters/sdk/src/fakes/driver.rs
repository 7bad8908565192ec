//! Drives a pair of fake chains for the conformance suite.

use super::PORT_ECHO;
use super::chain::FakeChain;
use super::world::{FakePair, FakeWorld};
use crate::conformance::{Channels, Driver, Elsewhere, Subject};
use crate::{AdapterError, ChainAdapter, LightClient, Message, Plan, ProofGroup, Provable};
use async_trait::async_trait;
use causeway_types::classic::Order;
use causeway_types::{Claim, ClientId, Height, Packet};
use std::sync::Arc;

/// Seconds until packets sent by the driver time out.
const TIMEOUT_S: u64 = 100_000;

/// Moves the left chain of a pair; the right one is where its packets come from.
#[derive(Debug, Clone)]
pub struct FakeDriver {
    world: FakeWorld,
    chain: FakeChain,
    other: FakeChain,
    other_client: ClientId,
}

impl FakePair {
    /// The left chain as the suite examines it, through `adapter` (its own, or one that is remote or broken). A channel is opened for it.
    ///
    /// # Errors
    /// A message when there is no block, or the channel cannot be opened.
    pub fn subject(&self, adapter: Arc<dyn ChainAdapter>) -> Result<Subject, String> {
        let family = self.left.config().family;
        let root = family.client_height(0);
        let ends = ((&self.left, &self.left_client), (&self.right, &self.right_client));
        let (channel, _) = self.world.open_channel(ends.0, ends.1, Order::Unordered)?;
        self.world.tick(1);
        let driver = FakeDriver {
            world: self.world.clone(),
            chain: self.left.clone(),
            other: self.right.clone(),
            other_client: self.right_client.clone(),
        };
        Ok(Subject {
            adapter,
            light_client: Some(Arc::new(self.left.light_client())),
            root: Some((root, self.left.block_hash(root).ok_or("no block")?)),
            judge: (self.left.config().params, self.world.now_s()),
            client: Some(self.left_client.clone()),
            channels: Channels::End(channel),
            elsewhere: Some(Elsewhere { host: Arc::new(self.right.adapter()), client: self.right_client.clone() }),
            signer: Some("relayer".into()),
            driver: Some(Arc::new(driver)),
            lookback_blocks: 10_000,
        })
    }
}

impl FakeDriver {
    /// Brings a client of `source` to at least `need`, or to the newest height, without transactions of the relay: the host is given what it
    /// verifies.
    async fn update(&self, source: &FakeChain, (host, client): (&FakeChain, &ClientId), need: Option<Height>) -> Result<(), String> {
        let words = |error: AdapterError| error.to_string();
        let view = host.adapter().client(client).await.map_err(words)?;
        let plan = source.adapter().plan_update(&view, need, host.config().limits).await.map_err(words)?;
        let Plan::Steps(steps) = plan else { return Err("the source is not there yet".into()) };
        for step in steps {
            while step.not_before_s.is_some_and(|time| self.world.now_s() < time) {
                self.world.tick(1);
            }
            let encoding = host.config().family.host_encoding();
            let update = source.light_client().encode_update(encoding, &step.update).map_err(|error| error.to_string())?;
            host.execute_now(&Message::UpdateClient { client_id: client.clone(), update })?;
        }
        Ok(())
    }

    async fn provable(&self, claim: &Claim) -> Result<Height, String> {
        for _ in 0..20 {
            match self.other.adapter().provable(claim).await.map_err(|error| error.to_string())? {
                Provable::From(height) | Provable::Exactly(height) => return Ok(height),
                Provable::Later { .. } => self.world.tick(1),
            }
        }
        Err("not provable".into())
    }
}

#[async_trait]
impl Driver for FakeDriver {
    async fn advance(&self) -> Result<(), String> {
        self.world.tick(1);
        Ok(())
    }

    async fn send(&self, client: &ClientId) -> Result<Packet, String> {
        let packet = self.chain.send_to(client, PORT_ECHO, b"conformance", self.world.now_s().saturating_add(TIMEOUT_S))?;
        for _ in 0..=self.chain.config().family.finality_blocks() {
            self.world.tick(1);
        }
        Ok(packet)
    }

    async fn deliverable(&self, client: &ClientId, count: usize, poison: Option<usize>) -> Result<(Vec<Message>, Vec<ProofGroup>), String> {
        let due = self.world.now_s().saturating_add(TIMEOUT_S);
        let port = |index: usize| if poison == Some(index) { "no-such-port" } else { PORT_ECHO };
        let packets: Result<Vec<_>, _> =
            (0..count).map(|index| self.other.send_to(&self.other_client, port(index), b"deliver", due)).collect();
        let packets = packets?;
        self.world.tick(1);
        let claims: Vec<_> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
        let Some(last) = claims.last() else { return Ok((Vec::new(), Vec::new())) };
        let need = self.provable(last).await?;
        self.update(&self.other, (&self.chain, client), Some(need)).await?;
        let view = self.chain.adapter().client(client).await.map_err(|error| error.to_string())?;
        let height = if self.other.config().family == super::FakeFamily::BlockBound { need } else { view.latest };
        let evidence = self.other.adapter().fetch(&claims, height).await.map_err(|error| error.to_string())?;
        let encoded = self.other.light_client().encode_evidence(&view.host_encoding, &evidence).map_err(|error| error.to_string())?;
        let messages = packets.into_iter().enumerate().map(|(index, packet)| Message::Receive { packet, proof: (0, index) }).collect();
        Ok((messages, vec![ProofGroup { client_id: client.clone(), evidence: encoded }]))
    }
    async fn overtake(&self, elsewhere: &Elsewhere) -> Result<(), String> {
        self.update(&self.chain, (&self.other, &elsewhere.client), None).await
    }
}
