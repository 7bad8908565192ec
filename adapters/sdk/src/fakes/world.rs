//! A world of fake chains with one clock that only tests move.

use super::chain::{FakeChain, FakeChainConfig};
use super::family::FakeFamily;
use causeway_types::ClientId;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ChannelId, ConnectionEnd, ConnectionId, HandshakeState, Order, PortId};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How `watch` waits, so that a seeded scheduler can bring its own time.
#[async_trait::async_trait]
pub trait FakeSleep: Send + Sync + Debug {
    /// Returns after about `duration_ms`.
    async fn sleep_ms(&self, duration_ms: u64);
}

/// Waits by tokio's clock, which tests may pause.
#[derive(Debug, Clone, Copy)]
pub struct TokioSleep;

#[async_trait::async_trait]
impl FakeSleep for TokioSleep {
    async fn sleep_ms(&self, duration_ms: u64) {
        tokio::time::sleep(core::time::Duration::from_millis(duration_ms)).await;
    }
}

/// What `watch` does when nothing is new.
#[derive(Debug, Clone)]
pub enum FakeWait {
    /// Answers at once with an empty batch. The caller must not poll without a pause of its own.
    Immediate,
    /// Waits for a block, at most as long as asked.
    Sleep(Arc<dyn FakeSleep>),
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) now_s: AtomicU64,
    pub(super) wait: FakeWait,
}

/// Chains that share a clock. Nothing happens in it but by a call.
#[derive(Debug, Clone)]
pub struct FakeWorld {
    shared: Arc<Shared>,
    chains: Arc<Mutex<Vec<FakeChain>>>,
}

impl FakeWorld {
    /// A world at `now_s` (unix seconds).
    pub fn new(now_s: u64, wait: FakeWait) -> Self {
        Self { shared: Arc::new(Shared { now_s: AtomicU64::new(now_s), wait }), chains: Arc::default() }
    }

    /// Adds a chain. It starts with one empty block.
    pub fn add_chain(&self, config: FakeChainConfig) -> FakeChain {
        let chain = FakeChain::start(config, self.shared.clone());
        self.chains.lock().unwrap_or_else(PoisonError::into_inner).push(chain.clone());
        chain
    }

    /// The time, unix seconds.
    pub fn now_s(&self) -> u64 {
        self.shared.now_s.load(Ordering::SeqCst)
    }

    /// Moves the clock, without a block.
    pub fn advance_s(&self, seconds: u64) {
        self.shared.now_s.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Moves the clock and mines a block on every chain.
    pub fn tick(&self, seconds: u64) {
        self.advance_s(seconds);
        for chain in self.chains() {
            chain.mine();
        }
    }

    /// The chains, in the order they were added.
    pub fn chains(&self) -> Vec<FakeChain> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a client of each chain on the other and registers them as each other's end, without transactions. Returns (client on `a`,
    /// client on `b`).
    ///
    /// # Errors
    /// A message when a client cannot be added.
    pub fn connect(&self, a: &FakeChain, b: &FakeChain) -> Result<(ClientId, ClientId), String> {
        let (on_a, on_b) = (a.host_client_of(b)?, b.host_client_of(a)?);
        a.register(&on_a, &on_b)?;
        b.register(&on_b, &on_a)?;
        Ok((on_a, on_b))
    }

    /// Puts an open channel of IBC classic between two chains, over the clients that [`Self::connect`] gave. Returns its ends on `a` and `b`.
    ///
    /// # Errors
    /// A message when an identifier is refused.
    pub fn open_channel(
        &self,
        (a, on_a): (&FakeChain, &ClientId),
        (b, on_b): (&FakeChain, &ClientId),
        order: Order,
    ) -> Result<(ChannelEndId, ChannelEndId), String> {
        let words = |error: causeway_types::IdError| error.to_string();
        let connection = ConnectionId::new("connection-0").map_err(words)?;
        let end = |channel: &str| {
            Ok::<_, String>(ChannelEndId { port: PortId::new("echo").map_err(words)?, channel: ChannelId::new(channel).map_err(words)? })
        };
        let (end_a, end_b) = (end("channel-0")?, end("channel-1")?);
        for (chain, own, other, ends) in [(a, on_a, on_b, (&end_a, &end_b)), (b, on_b, on_a, (&end_b, &end_a))] {
            let hop = ConnectionEnd {
                state: HandshakeState::Open,
                client: own.clone(),
                counterparty_client: other.clone(),
                counterparty: Some(connection.clone()),
                counterparty_prefix: b"fake".to_vec(),
                delay_ns: 0,
            };
            let channel = ChannelEnd {
                state: HandshakeState::Open,
                order,
                counterparty_port: ends.1.port.clone(),
                counterparty: Some(ends.1.channel.clone()),
                connection: connection.clone(),
                version: "fake-1".into(),
            };
            chain.add_channel((connection.clone(), hop), (ends.0.clone(), channel));
        }
        Ok((end_a, end_b))
    }

    /// A world of two chains of the given families, `left` and `right`, joined; and their clients.
    ///
    /// # Errors
    /// A message when they cannot be joined.
    pub fn pair(left: FakeFamily, right: FakeFamily, wait: FakeWait) -> Result<FakePair, String> {
        let world = Self::new(1_700_000_000, wait);
        let left = world.add_chain(FakeChainConfig::new("left", left));
        let right = world.add_chain(FakeChainConfig::new("right", right));
        let (left_client, right_client) = world.connect(&left, &right)?;
        Ok(FakePair { world, left, right, left_client, right_client })
    }
}

/// Two joined chains.
#[derive(Debug, Clone)]
pub struct FakePair {
    /// The clock and both chains.
    pub world: FakeWorld,
    /// One chain.
    pub left: FakeChain,
    /// The other.
    pub right: FakeChain,
    /// The client on `left` that follows `right`.
    pub left_client: ClientId,
    /// The client on `right` that follows `left`.
    pub right_client: ClientId,
}
