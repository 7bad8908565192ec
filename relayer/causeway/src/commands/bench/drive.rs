//! The load: sends transfers from both ends of a path, waits until they have ended, and reads from the chains' own blocks when that was.

use super::relayer::Relayer;
use crate::config::{Config, EndConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, relayer};
use causeway_adapter::{AdapterError, ChainAdapter, Event, EventFilter, FeePolicy, WatchRequest};
use causeway_cosmos_adapter::{CosmosAdapter, Transfer};
use causeway_engine::End;
use causeway_types::{Height, Sequence};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Time between two looks at the relayer's counts.
const LOOK: Duration = Duration::from_millis(50);
/// Until a transfer of the load times out, seconds: longer than any measurement.
const LIFETIME_S: u64 = 80_000;
/// Blocks and events of one answer.
const BLOCKS_MAX: u64 = 100;
const EVENTS_MAX: u32 = 10_000;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// From each end that has a sender.
    pub(super) packets: usize,
    /// Before the earlier ones are waited for.
    pub(super) burst: usize,
    /// For a burst.
    pub(super) patience: Duration,
}

/// One end of the path, as its user and any observer see it.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) end: End,
    pub(super) adapter: CosmosAdapter,
    /// The relayer's first key of that chain.
    pub(super) signer: String,
    pub(super) fees: FeePolicy,
    sender: Option<String>,
    /// Who receives here.
    address: String,
    denom: String,
    /// Everything up to this height was read.
    cursor: Option<Height>,
}

/// What one end sent, and when it and its end were in a block.
#[derive(Debug, Clone, Default)]
pub(super) struct Packets {
    pub(super) sent: BTreeMap<Sequence, Height>,
    pub(super) completed: BTreeMap<Sequence, Height>,
}

/// What both ends sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(pub(super) [Packets; 2]);

impl Sent {
    /// Packets of the end that sent more: with two senders both sent as many.
    pub(super) fn most(&self) -> usize {
        self.0.iter().map(|packets| packets.sent.len()).max().unwrap_or(0)
    }

    pub(super) fn extend(&mut self, other: Self) {
        for (packets, more) in self.0.iter_mut().zip(other.0) {
            packets.sent.extend(more.sent);
            packets.completed.extend(more.completed);
        }
    }

    fn is_complete(&self) -> bool {
        self.0.iter().all(|packets| packets.completed.len() == packets.sent.len())
    }
}

impl Side {
    /// Connects to the chain of an end with the key that sends there, if any.
    pub(super) async fn connect(config: &Config, end: &EndConfig, sender: Option<&str>) -> Result<Self, Failure> {
        let chain = config.chain(&end.chain).or_fail(Code::BadConfig)?;
        let Some(cosmos) = &chain.cosmos else {
            let message = format!("chain \"{}\": only chains of the Cosmos family are measured so far", chain.name);
            return Err(Failure::new(Code::BadConfig, message));
        };
        if let Some(key) = sender.filter(|key| chain.signers.iter().any(|signer| signer == key)) {
            let message = format!("key `{key}` relays on chain \"{}\"; what it sends would take its slots, name another", chain.name);
            return Err(Failure::new(Code::BadConfig, message));
        }
        let signer = chain.signer_or_first(None).or_fail(Code::BadConfig)?;
        let key = sender.map_or(signer.clone(), str::to_string);
        let keys = families::cosmos::unlock(&chain.name, cosmos, std::slice::from_ref(&key)).await?;
        let adapter = CosmosAdapter::connect(cosmos, keys).await.or_fail(Code::Unavailable)?;
        let address = adapter.key_address(&key).map(str::to_string);
        Ok(Self {
            end: end.parse().or_fail(Code::BadConfig)?,
            address: address.ok_or_else(|| Failure::new(Code::Key, format!("key `{key}` does not exist")))?,
            adapter,
            signer,
            fees: relayer::fee_policy(&chain.fees)?,
            sender: sender.map(str::to_string),
            denom: cosmos.gas_denom.clone(),
            cursor: None,
        })
    }

    /// The adapter's error, with the chain's name.
    pub(super) fn failed(&self, error: &AdapterError) -> Failure {
        Failure::new(Code::Unavailable, format!("chain \"{}\": {error}", self.end.chain))
    }

    /// Whether packets are sent from here.
    pub(super) fn sends(&self) -> bool {
        self.sender.is_some()
    }

    async fn send(&self, to: &str, count: usize) -> Result<Packets, Failure> {
        let Some(key) = &self.sender else { return Ok(Packets::default()) };
        let now_s = self.adapter.status().await.map_err(|error| self.failed(&error))?.head.time_s.unwrap_or_default();
        let transfer = Transfer {
            end: self.end.packets(),
            denom: self.denom.clone(),
            amount: 1,
            receiver: to.to_string(),
            memo: String::new(),
            timeout_s: now_s.saturating_add(LIFETIME_S),
        };
        let sent = self.adapter.send_transfers(key, &transfer, count, &self.fees).await.map_err(|error| self.failed(&error))?;
        let sent = sent.into_iter().map(|one| (one.sequence, one.height)).collect();
        Ok(Packets { sent, completed: BTreeMap::new() })
    }

    /// Reads on to the head: which of the packets have been acknowledged.
    async fn read(&mut self, packets: &mut Packets) -> Result<(), Failure> {
        let Some(first) = packets.sent.values().min() else { return Ok(()) };
        let filter = EventFilter { ends: vec![self.end.packets()], clients: Vec::new(), connections: Vec::new() };
        let mut after = self.cursor.map_or(first.minus(1), |cursor| cursor.max(first.minus(1)));
        loop {
            let request = WatchRequest { after, filter: filter.clone(), blocks_max: BLOCKS_MAX, events_max: EVENTS_MAX, wait_ms: 0 };
            let batch = self.adapter.watch(request).await.map_err(|error| self.failed(&error))?;
            for event in batch.events {
                if let Event::Completed { sequence, .. } = event.event
                    && packets.sent.contains_key(&sequence)
                {
                    packets.completed.insert(sequence, event.height);
                }
            }
            let done = batch.cursor == after || batch.cursor >= batch.head.height;
            after = batch.cursor;
            self.cursor = Some(after);
            if done {
                return Ok(());
            }
        }
    }
}

/// Sends from both ends at the same time; answers when everything is in blocks.
pub(super) async fn send(sides: &[Side; 2], count: usize) -> Result<Sent, Failure> {
    let [a, b] = sides;
    let (from_a, from_b) = tokio::try_join!(a.send(&b.address, count), b.send(&a.address, count))?;
    Ok(Sent([from_a, from_b]))
}

/// Reads what became of it from the blocks.
pub(super) async fn read(sides: &mut [Side; 2], sent: &mut Sent) -> Result<(), Failure> {
    for (side, packets) in sides.iter_mut().zip(&mut sent.0) {
        side.read(packets).await?;
    }
    Ok(())
}

/// Waits until the relayer has nothing of the path in work and the blocks say that everything was acknowledged, or patience ends; answers when
/// that was. Blocks are read only then.
pub(super) async fn wait(
    relayer: &mut Relayer,
    path: &str,
    sides: &mut [Side; 2],
    sent: &mut Sent,
    patience: Duration,
) -> Result<Instant, Failure> {
    let deadline = Instant::now() + patience;
    loop {
        let pending = relayer.pending(path).await?;
        let now = Instant::now();
        if pending == 0 || now > deadline {
            read(sides, sent).await?;
            if sent.is_complete() || now > deadline {
                return Ok(now);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
