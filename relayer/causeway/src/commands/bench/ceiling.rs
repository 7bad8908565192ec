//! What the chains do with the load when nothing but its messages is made: a plain sender that watches, asks for the same proofs, and submits.
//!
//! What it is not: no relayer. It keeps no journal and no states, verifies nothing, simulates nothing, and gives up at the first trouble; what
//! it reaches is what a relayer between these chains could reach.

use super::drive::Side;
use crate::config::Config;
use crate::exit::{Code, Failure, OrFail};
use crate::families;
use causeway_adapter::{
    AdapterError, BroadcastResult, BuildRequest, Event, EventFilter, Family, FeePolicy, HostLimits, Message, Plan, ProofGroup, Slot,
    Violation, WatchRequest,
};
use causeway_engine::End;
use causeway_types::{Acknowledgement, Claim, Height, Packet};
use std::time::Duration;

/// Longest wait for a block.
const BLOCK_MS: u64 = 5_000;
/// Blocks and events of one answer.
const BLOCKS_MAX: u64 = 100;
const EVENTS_MAX: u32 = 10_000;

/// What can end a flow.
#[derive(Debug)]
enum Trouble {
    Chain(AdapterError),
    Proof(Violation),
    Refused(String),
}

impl From<AdapterError> for Trouble {
    fn from(error: AdapterError) -> Self {
        Self::Chain(error)
    }
}

impl From<Violation> for Trouble {
    fn from(violation: Violation) -> Self {
        Self::Proof(violation)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Chain(error) => error.fmt(f),
            Self::Proof(violation) => violation.fmt(f),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

/// Both ways that evidence goes.
pub(super) struct Flows([Flow; 2]);

/// Evidence of one chain to the client of it on the other.
struct Flow {
    source: Family,
    host: Family,
    from: End,
    to: End,
    signer: String,
    fees: FeePolicy,
    limits: HostLimits,
    /// Whether packets are sent at this end, and at the other.
    sends: [bool; 2],
    start: Height,
    /// The height that the updates sent so far bring the client to.
    reached: Option<Height>,
}

/// What happened on the source and must be told to the host.
enum News {
    Sent(Packet),
    Acknowledged(Packet, Acknowledgement),
}

impl Flows {
    /// Connects with the keys that relay; no relayer may run. Everything from now on is theirs.
    pub(super) async fn connect(config: &Config, sides: &[Side; 2]) -> Result<Self, Failure> {
        let [a, b] = sides;
        let family = async |side: &Side| {
            let chain = config.chain(side.end.chain.as_str()).or_fail(Code::BadConfig)?;
            families::built_in(&crate::config::ChainConfig { signers: vec![side.signer.clone()], ..chain.clone() }).await
        };
        let (family_a, family_b) = (family(a).await?, family(b).await?);
        let flow = async |source: (&Side, &Family), host: (&Side, &Family)| {
            let failed = |error| host.0.failed(&error);
            let limits = host.1.adapter.describe().await.map_err(failed)?.limits;
            let start = source.1.adapter.status().await.map_err(|error| source.0.failed(&error))?.head.height;
            Ok::<_, Failure>(Flow {
                source: source.1.clone(),
                host: host.1.clone(),
                from: source.0.end.clone(),
                to: host.0.end.clone(),
                signer: host.0.signer.clone(),
                fees: host.0.fees.clone(),
                limits,
                sends: [source.0.sends(), host.0.sends()],
                start,
                reached: None,
            })
        };
        Ok(Self([flow((a, &family_a), (b, &family_b)).await?, flow((b, &family_b), (a, &family_a)).await?]))
    }

    /// Carries `count` packets of each end that sends, to their end.
    pub(super) async fn run(&mut self, count: usize, patience: Duration) -> Result<(), Failure> {
        let [a, b] = &mut self.0;
        let both = async { tokio::try_join!(a.run(count), b.run(count)) };
        match tokio::time::timeout(patience, both).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(trouble)) => Err(Failure::new(Code::Failed, format!("the plain sender stopped: {trouble}"))),
            Err(_) => Err(Failure::new(Code::Failed, "the plain sender was not done in time; give it more with --patience-s")),
        }
    }
}

impl Flow {
    async fn run(&mut self, count: usize) -> Result<(), Trouble> {
        let [here, there] = self.sends.map(|sends| if sends { count } else { 0 });
        let (mut told, mut ended) = (0, 0);
        let mut slot = self.host.adapter.account(&self.signer).await?.next_slot.unwrap_or(0);
        let filter = EventFilter { ends: vec![self.from.packets()], clients: Vec::new(), connections: Vec::new() };
        while told < here + there || ended < here {
            let request = WatchRequest {
                after: self.start,
                filter: filter.clone(),
                blocks_max: BLOCKS_MAX,
                events_max: EVENTS_MAX,
                wait_ms: BLOCK_MS,
            };
            let batch = self.source.adapter.watch(request).await?;
            self.start = batch.cursor;
            let mut news = Vec::new();
            for located in batch.events {
                match located.event {
                    Event::Sent { packet } => news.push(News::Sent(packet)),
                    Event::Acknowledged { packet, acknowledgement } => news.push(News::Acknowledged(packet, acknowledgement)),
                    Event::Completed { .. } => ended += 1,
                    _ => {}
                }
            }
            // The root of a block's state stands in the header after it.
            let provable = batch.cursor.plus(1);
            let room = usize::try_from(self.limits.messages_max.saturating_sub(1)).unwrap_or(1).max(1);
            for chunk in news.chunks(room) {
                self.tell(chunk, provable, slot).await?;
                slot += 1;
                told += chunk.len();
            }
        }
        Ok(())
    }

    /// One transaction: the update, and what it proves.
    async fn tell(&mut self, news: &[News], provable: Height, slot: u64) -> Result<(), Trouble> {
        let view = self.host.adapter.client(&self.to.client).await?;
        let (updates, height) = self.updates(&view, provable).await?;
        self.reached = Some(height);
        let claims: Vec<Claim> = news.iter().map(claim).collect();
        let evidence = self.source.adapter.fetch(&claims, height).await?;
        let evidence = self.source.light_client.encode_evidence(&view.host_encoding, &evidence)?;
        let mut messages = Vec::with_capacity(news.len() + updates.len());
        for update in updates {
            let update = self.source.light_client.encode_update(&view.host_encoding, &update)?;
            messages.push(Message::UpdateClient { client_id: self.to.client.clone(), update });
        }
        messages.extend(news.iter().enumerate().map(|(at, news)| message(news, at)));
        let request = BuildRequest {
            signer: self.signer.clone(),
            messages,
            proofs: vec![ProofGroup { client_id: self.to.client.clone(), evidence }],
            slot: Slot::Number(slot),
            fees: self.fees.clone(),
            simulate: false,
        };
        let built = self.host.adapter.build(request).await?;
        let signed = self.host.adapter.sign(&self.signer, &built).await?;
        match self.host.adapter.broadcast(&signed).await? {
            BroadcastResult::Accepted | BroadcastResult::AlreadyKnown => Ok(()),
            BroadcastResult::Underpriced { reason } | BroadcastResult::Refused { reason, .. } => Err(Trouble::Refused(reason)),
        }
    }

    /// The updates to a height, or what the client holds already.
    async fn updates(&self, view: &causeway_adapter::ClientView, need: Height) -> Result<(Vec<Vec<u8>>, Height), Trouble> {
        // Transactions of one account follow each other: what an earlier one brings is there when this one is executed.
        if let Some(held) = self.reached.into_iter().chain([view.latest]).find(|held| *held >= need) {
            return Ok((Vec::new(), held));
        }
        loop {
            match self.source.adapter.plan_update(view, Some(need), self.limits).await? {
                Plan::Steps(steps) => {
                    let height = steps.last().map_or(view.latest, |step| step.resulting);
                    return Ok((steps.into_iter().map(|step| step.update).collect(), height));
                }
                Plan::NotYet { retry_after_ms } => tokio::time::sleep(Duration::from_millis((retry_after_ms / 4).max(20))).await,
            }
        }
    }
}

fn claim(news: &News) -> Claim {
    match news {
        News::Sent(packet) => Claim::Commitment { packet: packet.clone(), locator: None },
        News::Acknowledged(packet, acknowledgement) => {
            Claim::Ack { packet: packet.clone(), acknowledgement: acknowledgement.clone(), locator: None }
        }
    }
}

fn message(news: &News, at: usize) -> Message {
    match news {
        News::Sent(packet) => Message::Receive { packet: packet.clone(), proof: (0, at) },
        News::Acknowledged(packet, acknowledgement) => {
            Message::Acknowledge { packet: packet.clone(), acknowledgement: acknowledgement.clone(), proof: (0, at) }
        }
    }
}
