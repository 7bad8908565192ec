//! The adapter of a fake chain: the whole seam, with the faults that tests switch on.

use super::chain::{FakeChain, State};
use super::wire::{self, Update};
use super::world::FakeWait;
use crate::adapter::Result;
use crate::description::SEAM_VERSION;
use crate::{
    Account, AdapterError, BroadcastResult, BuildRequest, Built, ChainAdapter, ChainStatus, ClientView, ConsensusView, Description,
    EndpointStatus, Evidence, HostLimits, HydrateKind, HydrateRequest, Hydrated, LightClient, Outcome, PacketState, Plan, Provable,
    SignedTx, SlotOrdering, WatchBatch, WatchRequest,
};
use async_trait::async_trait;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::{Claim, ClientId, Hash, Head, Height, PacketEnd, Sequence, TxId, path};
use prost::Message as _;
use std::sync::MutexGuard;

/// Most sequences in one question.
pub(super) const SEQUENCES_MAX: usize = 10_000;

/// An adapter to one fake chain.
#[derive(Debug, Clone)]
pub struct FakeAdapter {
    pub(super) chain: FakeChain,
}

impl FakeAdapter {
    pub(super) fn new(chain: FakeChain) -> Self {
        Self { chain }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("fake:{}", self.chain.config().name)
    }

    /// The state, unless a fault says that this call fails.
    pub(super) fn enter(&self, operation: &'static str) -> Result<MutexGuard<'_, State>> {
        let mut state = self.chain.lock();
        if state.faults.unreachable {
            return Err(AdapterError::Unreachable { endpoint: self.endpoint(), detail: "connection refused".into() });
        }
        if let Some(at) = state.faults.fail_next.iter().position(|(name, _)| *name == operation)
            && let Some((_, error)) = state.faults.fail_next.remove(at)
        {
            return Err(error);
        }
        Ok(state)
    }

    pub(super) fn head(&self, state: &State) -> Head {
        let family = self.chain.config().family;
        let number = state.final_block();
        let time_s = state.block(number).map(|block| block.time_s).filter(|_| state.host.has_clock());
        Head { height: family.chain_height(number), time_s }
    }

    fn interval_ms(&self) -> u64 {
        1_000
    }

    pub(super) fn later(&self) -> u64 {
        self.interval_ms()
    }

    /// The events of the blocks that are asked for and there.
    fn batch(&self, state: &State, request: &WatchRequest) -> Result<WatchBatch> {
        let head = self.head(state);
        if request.after.revision != head.height.revision {
            return Err(AdapterError::Invalid { what: "cursor", detail: format!("the chain is at revision {}", head.height.revision) });
        }
        if request.after > head.height {
            return Err(AdapterError::Lagging { found: head.height, needed: request.after });
        }
        let last = head.height.number.min(request.after.number.saturating_add(request.blocks_max.max(1)));
        let mut batch = WatchBatch { cursor: request.after, head, events: Vec::new() };
        for number in request.after.number.saturating_add(1)..=last {
            let Some(block) = state.block(number) else { break };
            if state.faults.oversized.contains(&number) {
                let (height, detail) = (self.chain.config().family.chain_height(number), "as a fault wants".to_string());
                return if batch.cursor == request.after { Err(AdapterError::BlockTooLarge { height, detail }) } else { Ok(batch) };
            }
            let wanted: Vec<_> = block.events.iter().filter(|located| request.filter.wants(&located.event)).cloned().collect();
            if !batch.events.is_empty() && batch.events.len().saturating_add(wanted.len()) > request.events_max as usize {
                break;
            }
            if !state.faults.hide_events {
                batch.events.extend(wanted);
            }
            batch.cursor.number = number;
        }
        Ok(batch)
    }

    async fn wait(&self, duration_ms: u64, after: Height) {
        let FakeWait::Sleep(sleep) = &self.chain.inner.shared.wait else {
            tokio::task::yield_now().await;
            return;
        };
        let news = self.chain.inner.news.notified();
        tokio::pin!(news);
        // Registered before the look at the head, so that a block in between is not missed.
        news.as_mut().enable();
        if self.head(&self.chain.lock()).height > after {
            return;
        }
        tokio::select! {
            () = news => {}
            () = sleep.sleep_ms(duration_ms) => {}
        }
    }

    fn require_client<'a>(&self, state: &'a State, client: &ClientId) -> Result<&'a super::host::HostedClient> {
        state.host.clients.get(client).ok_or_else(|| AdapterError::NotFound { what: "client", name: client.to_string() })
    }
}

pub(super) fn too_many(what: &'static str, found: usize) -> AdapterError {
    AdapterError::Invalid { what, detail: format!("{found} asked, at most {SEQUENCES_MAX} are answered; ask in parts") }
}

#[async_trait]
impl ChainAdapter for FakeAdapter {
    async fn describe(&self) -> Result<Description> {
        let _state = self.enter("describe")?;
        let config = self.chain.config();
        Ok(Description {
            seam_version: SEAM_VERSION,
            adapter_version: env!("CARGO_PKG_VERSION").into(),
            family: config.family.client_type().into(),
            native_chain_id: config.name.clone(),
            hosted_client_types: super::FakeFamily::ALL.iter().map(|family| family.client_type().to_owned()).collect(),
            offered_client_type: config.family.client_type().into(),
            host_encodings: vec![config.family.host_encoding().into()],
            absence: config.family.absence(),
            header_clock: config.family.header_clock(),
            state_window_blocks: config.state_window_blocks,
            slot_ordering: config.slot_ordering,
            limits: config.limits,
            block_interval_ms: self.interval_ms(),
            fee_denom: "fake".into(),
            merkle_prefix: vec![b"fake".to_vec()],
        })
    }

    async fn status(&self) -> Result<ChainStatus> {
        let state = self.enter("status")?;
        let head = self.head(&state);
        let endpoint = EndpointStatus { endpoint: self.endpoint(), head: Some(head), syncing: state.faults.lag_blocks > 0, error: None };
        Ok(ChainStatus { head, endpoints: vec![endpoint], divergence: None })
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchBatch> {
        {
            let state = self.enter("watch")?;
            let batch = self.batch(&state, &request)?;
            if batch.cursor != request.after || request.wait_ms == 0 {
                return Ok(batch);
            }
        }
        self.wait(request.wait_ms, request.after).await;
        let state = self.enter("watch")?;
        self.batch(&state, &request)
    }

    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
        let state = self.enter("commitments")?;
        let client = match end {
            PacketEnd::Client(client) => client,
            PacketEnd::Channel(channel) => {
                return Ok(state.host.commitments_classic(channel, from, (limit as usize).clamp(1, SEQUENCES_MAX)));
            }
        };
        self.require_client(&state, client)?;
        let prefix = path::packet_commitment(client, from);
        let stem = prefix.len().saturating_sub(8);
        let limit = (limit as usize).clamp(1, SEQUENCES_MAX);
        let mut found = Vec::new();
        for key in state.host.store.range(prefix.clone()..).map(|(key, _)| key).take_while(|key| key.get(..stem) == prefix.get(..stem)) {
            if found.len() == limit {
                let last = found.last().copied();
                return Ok((found, last));
            }
            let number = key.get(stem..).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
            found.extend(number.and_then(|number| Sequence::new(number).ok()));
        }
        Ok((found, None))
    }

    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
        let state = self.enter("packet_states")?;
        if sequences.len() > SEQUENCES_MAX {
            return Err(too_many("sequences", sequences.len()));
        }
        let client = match end {
            PacketEnd::Client(client) => client,
            PacketEnd::Channel(channel) => {
                return Ok(sequences.iter().map(|sequence| state.host.state_classic(channel, *sequence, &state.faults)).collect());
            }
        };
        self.require_client(&state, client)?;
        let hash = |key: Vec<u8>| state.host.store.get(&key).and_then(|value| Hash::try_from(value.as_slice()).ok());
        let look = |sequence: &Sequence| {
            let number = sequence.get();
            let receipt = state.host.store.get(&path::packet_receipt(client, *sequence));
            PacketState {
                sequence: *sequence,
                received: receipt.is_some_and(|value| value == super::light_client::RECEIVED)
                    || state.faults.lie_received.contains(&number),
                ack_commitment: hash(path::packet_acknowledgement(client, *sequence)),
                commitment: hash(path::packet_commitment(client, *sequence)).filter(|_| !state.faults.lie_completed.contains(&number)),
            }
        };
        Ok(sequences.iter().map(look).collect())
    }

    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>> {
        let state = self.enter("hydrate")?;
        if request.sequences.len() > SEQUENCES_MAX {
            return Err(too_many("sequences", request.sequences.len()));
        }
        let index = match request.kind {
            HydrateKind::Sent => &state.sent,
            HydrateKind::Acknowledged => &state.acknowledged,
        };
        let final_height = self.head(&state).height;
        let look = |sequence: &Sequence| {
            let found = index.get(&(request.end.clone(), *sequence));
            let in_range = |height: Height| request.range.is_none_or(|(from, to)| (from..=to).contains(&height)) && height <= final_height;
            match found.filter(|l| in_range(l.height) && !state.faults.hydrate_unavailable.contains(&sequence.get())) {
                Some(located) => Hydrated::Found(located.clone()),
                None => Hydrated::Unavailable(*sequence),
            }
        };
        Ok(request.sequences.iter().map(look).collect())
    }

    async fn client(&self, client: &ClientId) -> Result<ClientView> {
        let state = self.enter("client")?;
        let hosted = self.require_client(&state, client)?;
        let Some((latest, held)) = hosted.latest() else {
            return Err(AdapterError::NotFound { what: "client height", name: client.to_string() });
        };
        Ok(ClientView {
            client_id: client.clone(),
            client_type: hosted.family.client_type().into(),
            host_encoding: self.chain.config().family.host_encoding().into(),
            latest: *latest,
            latest_time_s: held.trusted.time_s,
            expires_at_s: hosted.expires_at_s(),
            frozen: hosted.frozen,
            counterparty: hosted.counterparty.clone(),
            state: hosted.state_bytes(),
        })
    }

    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView> {
        let state = self.enter("consensus")?;
        let hosted = self.require_client(&state, client)?;
        let held = hosted.held.get(&height).ok_or_else(|| AdapterError::NotFound { what: "client height", name: height.to_string() })?;
        Ok(ConsensusView {
            height,
            hash: hosted.verifier().consensus_hash(&held.trusted),
            processed_time_s: Some(held.processed.time_s),
            processed_height: Some(self.chain.config().family.chain_height(held.processed.block)),
        })
    }

    async fn connection(&self, id: &ConnectionId) -> Result<ConnectionEnd> {
        let state = self.enter("connection")?;
        state.host.connections.get(id).cloned().ok_or_else(|| AdapterError::NotFound { what: "connection", name: id.to_string() })
    }

    async fn channel(&self, id: &ChannelEndId) -> Result<ChannelEnd> {
        let state = self.enter("channel")?;
        let found = state.host.channels.get(id).map(|channel| channel.end.clone());
        found.ok_or_else(|| AdapterError::NotFound { what: "channel", name: id.to_string() })
    }

    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
        let state = self.enter("root")?;
        let number = self.final_number(&state, height)?;
        let update = self.update(&state, number, 0)?;
        Ok((self.chain.config().family.client_height(number), update.encode_to_vec()))
    }

    async fn plan_update(&self, view: &ClientView, need: Option<Height>, _limits: HostLimits) -> Result<Plan> {
        let state = self.enter("plan_update")?;
        self.plan(&state, view, need)
    }

    async fn update_at(&self, trusted: Height, height: Height) -> Result<Vec<u8>> {
        let state = self.enter("update_at")?;
        let number = self.final_number(&state, Some(height))?;
        Ok(self.update(&state, number, trusted.number)?.encode_to_vec())
    }

    async fn submitted(&self, client: &ClientId, _height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
        let state = self.enter("submitted")?;
        Ok(state.submitted.get(tx).into_iter().flatten().filter(|(to, _)| to == client).map(|(_, update)| update.clone()).collect())
    }

    async fn provable(&self, claim: &Claim) -> Result<Provable> {
        let state = self.enter("provable")?;
        self.when_provable(&state, claim)
    }

    async fn fetch(&self, claims: &[Claim], height: Height) -> Result<Evidence> {
        let state = self.enter("fetch")?;
        self.evidence(&state, claims, height)
    }

    async fn build(&self, request: BuildRequest) -> Result<Built> {
        let mut state = self.enter("build")?;
        self.assemble(&mut state, request)
    }

    async fn sign(&self, signer: &str, built: &Built) -> Result<SignedTx> {
        let state = self.enter("sign")?;
        self.seal(&state, signer, built)
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult> {
        let mut state = self.enter("broadcast")?;
        self.submit(&mut state, tx)
    }

    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome> {
        let mut state = self.enter("outcome")?;
        Ok(self.look_up(&mut state, tx))
    }

    async fn account(&self, signer: &str) -> Result<Account> {
        let state = self.enter("account")?;
        let account = state.accounts.get(signer).ok_or_else(|| AdapterError::NotFound { what: "key", name: signer.to_owned() })?;
        let final_block = state.final_block();
        let pending = account.used.values().filter(|(_, block)| *block > final_block).count() as u64;
        let numbered = self.chain.config().slot_ordering != SlotOrdering::RandomWithExpiry;
        Ok(Account {
            address: address(signer),
            balance: account.balance,
            next_slot: numbered.then(|| account.next.saturating_sub(pending)),
        })
    }

    fn distrust(&self) {
        let mut state = self.chain.lock();
        state.distrusted = state.distrusted.saturating_add(1);
    }
}

/// The address of an account.
pub(super) fn address(signer: &str) -> String {
    format!("fake1{signer}")
}

/// Parses an update that this chain made.
pub(super) fn forge(mut update: Update) -> Update {
    if let Some(header) = &mut update.header {
        header.root = wire::hash(&[b"forged", &header.root]).to_vec();
    }
    update
}
