//! A fake chain: blocks, accounts and what tests do to it. It moves only when told to.

use super::FakeFamily;
use super::adapter::FakeAdapter;
use super::faults::FakeFaults;
use super::host::{Failure, Held, Host, Now};
use super::light_client::FakeLightClient;
use super::merkle::{Map, Tree};
use super::pool::{Included, PoolTx, TxBody};
use super::wire::{self, Header, Signature, Update};
use super::world::Shared;
use crate::{ClientParams, Counterparty, Event, Family, HostLimits, LocatedEvent, Message, MessageResult, SlotOrdering, TrustedState};
use causeway_types::classic::{self, ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId, Timeout};
use causeway_types::{ClientId, Hash, Height, Packet, PacketEnd, Payload, Sequence, TxId, v2};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

mod look;

/// How a fake chain is set up.
#[derive(Debug, Clone)]
pub struct FakeChainConfig {
    /// What the chain calls itself.
    pub name: String,
    /// What it is like.
    pub family: FakeFamily,
    /// How transactions of one account follow each other.
    pub slot_ordering: SlotOrdering,
    /// Whether one failing message fails its whole transaction.
    pub atomic: bool,
    /// Limits of a transaction.
    pub limits: HostLimits,
    /// For how many blocks state can be proven; `None` for ever.
    pub state_window_blocks: Option<u64>,
    /// Price of a unit of gas that the chain suggests.
    pub gas_price: u128,
    /// Accounts that exist, with their balance.
    pub signers: Vec<(String, u128)>,
    /// Validators (or committee members, or endorsers) at a time.
    pub validators: u64,
    /// Trusting period and drift of clients that [`super::FakeWorld::connect`] makes.
    pub params: ClientParams,
}

impl FakeChainConfig {
    /// The usual settings of a family, with the account `relayer`.
    pub fn new(name: impl Into<String>, family: FakeFamily) -> Self {
        let slot_ordering = match family {
            FakeFamily::Lagged => SlotOrdering::Sequential,
            FakeFamily::Slotted => SlotOrdering::SequentialReplaceable,
            FakeFamily::BlockBound | FakeFamily::Clockless => SlotOrdering::RandomWithExpiry,
        };
        let window = match family {
            FakeFamily::BlockBound => None,
            _ => Some(128),
        };
        Self {
            name: name.into(),
            family,
            slot_ordering,
            atomic: matches!(family, FakeFamily::Lagged | FakeFamily::Clockless),
            limits: HostLimits { messages_max: 16, tx_bytes_max: 65_536, tx_gas_max: 4_000_000 },
            state_window_blocks: window,
            gas_price: 10,
            signers: vec![("relayer".into(), u128::from(u64::MAX))],
            validators: 4,
            params: ClientParams { trusting_period_s: 1_000_000, clock_drift_max_s: 30 },
        }
    }
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) header: Header,
    pub(super) time_s: u64,
    pub(super) signatures: Vec<Signature>,
    /// State after the block.
    pub(super) state: Arc<Tree>,
    /// What the block wrote.
    pub(super) written: Arc<Tree>,
    pub(super) events: Vec<LocatedEvent>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct AccountState {
    pub(super) next: u64,
    pub(super) balance: u128,
    /// Who used a slot, and in which block; `None` for a transaction that is not ours.
    pub(super) used: BTreeMap<u64, (Option<TxId>, u64)>,
}

/// Something a test makes happen in the next block.
#[derive(Debug, Clone)]
pub(super) enum Internal {
    Send(v2::Packet),
    SendClassic(classic::Packet),
    Close(ChannelEndId),
    Receive(v2::Packet),
    Return(v2::Packet, bool),
    StealSlot(String),
    Update(ClientId, Vec<u8>),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) host: Host,
    pub(super) blocks: Vec<Block>,
    pub(super) accounts: BTreeMap<String, AccountState>,
    pub(super) bodies: BTreeMap<Hash, TxBody>,
    pub(super) pool: Vec<PoolTx>,
    pub(super) included: BTreeMap<TxId, Included>,
    pub(super) internal: VecDeque<Internal>,
    /// What strangers submitted to clients.
    pub(super) submitted: BTreeMap<TxId, Vec<(ClientId, Vec<u8>)>>,
    pub(super) sent: BTreeMap<(PacketEnd, Sequence), LocatedEvent>,
    pub(super) acknowledged: BTreeMap<(PacketEnd, Sequence), LocatedEvent>,
    /// First block in which a key was written.
    pub(super) written_at: BTreeMap<Vec<u8>, u64>,
    pub(super) validators: Vec<u64>,
    pub(super) faults: FakeFaults,
    /// How often the adapter was told that an answer did not verify.
    pub(super) distrusted: u64,
    pub(super) salt: u64,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) config: FakeChainConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) state: Mutex<State>,
    pub(super) news: Notify,
}

/// A handle to a fake chain; clones are the same chain.
#[derive(Debug, Clone)]
pub struct FakeChain {
    pub(super) inner: Arc<Inner>,
}

impl FakeChain {
    pub(super) fn start(config: FakeChainConfig, shared: Arc<Shared>) -> Self {
        let accounts =
            config.signers.iter().map(|(name, balance)| (name.clone(), AccountState { balance: *balance, ..Default::default() }));
        let state = State {
            host: Host::new(config.family),
            blocks: Vec::new(),
            accounts: accounts.collect(),
            bodies: BTreeMap::new(),
            pool: Vec::new(),
            included: BTreeMap::new(),
            internal: VecDeque::new(),
            submitted: BTreeMap::new(),
            sent: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            written_at: BTreeMap::new(),
            validators: (0..config.validators).collect(),
            faults: FakeFaults::default(),
            distrusted: 0,
            salt: 0,
        };
        let chain = Self { inner: Arc::new(Inner { config, shared, state: Mutex::new(state), news: Notify::new() }) };
        chain.mine();
        chain
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it was set up.
    pub fn config(&self) -> &FakeChainConfig {
        &self.inner.config
    }

    /// An adapter to it and the light client of it.
    pub fn family(&self) -> Family {
        Family { adapter: Arc::new(self.adapter()), light_client: Arc::new(self.light_client()) }
    }

    /// An adapter to it.
    pub fn adapter(&self) -> FakeAdapter {
        FakeAdapter::new(self.clone())
    }

    /// Its light client.
    pub fn light_client(&self) -> FakeLightClient {
        FakeLightClient::new(self.inner.config.family, self.inner.config.name.clone())
    }

    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut FakeFaults)) {
        change(&mut self.lock().faults);
        self.inner.news.notify_waiters();
    }

    /// How often the adapter was told that an answer of it did not verify.
    pub fn distrusted(&self) -> u64 {
        self.lock().distrusted
    }

    /// Mines one block at the world's time, with what waits and may go in. Returns its height.
    pub fn mine(&self) -> Height {
        let now_s = self.inner.shared.now_s.load(Ordering::SeqCst);
        let block = self.lock().mine(&self.inner.config, now_s);
        self.inner.news.notify_waiters();
        self.inner.config.family.chain_height(block)
    }

    /// Sends a packet through a client; it is in the next block.
    ///
    /// # Errors
    /// A message when the client has no other end or the packet is out of bounds.
    pub fn send_packet(&self, client: &ClientId, payloads: Vec<Payload>, timeout_timestamp_s: u64) -> Result<Packet, String> {
        let mut state = self.lock();
        let packet = state.host.send(client, payloads, timeout_timestamp_s)?;
        state.internal.push_back(Internal::Send(packet.clone()));
        Ok(Packet::V2(packet))
    }

    /// Sends a packet of one payload to `port`.
    ///
    /// # Errors
    /// As [`Self::send_packet`].
    pub fn send_to(&self, client: &ClientId, port: &str, value: &[u8], timeout_timestamp_s: u64) -> Result<Packet, String> {
        let source_port = if port == super::PORT_STUCK { port } else { super::PORT_ECHO };
        let payload = Payload {
            source_port: source_port.into(),
            dest_port: port.into(),
            version: "fake-1".into(),
            encoding: "application/octet-stream".into(),
            value: value.to_vec(),
        };
        self.send_packet(client, vec![payload], timeout_timestamp_s)
    }

    /// Sends a packet over a channel of IBC classic; it is in the next block. [`super::DATA_REFUSE`] and [`super::DATA_POISON`] say what its
    /// receiver does with it.
    ///
    /// # Errors
    /// A message when there is no such channel, or it is not open.
    pub fn send_over(&self, channel: &ChannelEndId, data: &[u8], timeout: Timeout) -> Result<Packet, String> {
        let mut state = self.lock();
        let packet = state.host.send_classic(channel, data.to_vec(), timeout)?;
        state.internal.push_back(Internal::SendClassic(packet.clone()));
        Ok(Packet::Classic(packet))
    }

    /// The application closes its channel in the next block.
    pub fn close_channel(&self, channel: &ChannelEndId) {
        self.lock().internal.push_back(Internal::Close(channel.clone()));
    }

    /// How a channel end stands.
    pub fn channel_state(&self, channel: &ChannelEndId) -> Option<classic::HandshakeState> {
        self.lock().host.channels.get(channel).map(|channel| channel.end.state)
    }

    pub(super) fn add_channel(&self, connection: (ConnectionId, ConnectionEnd), channel: (ChannelEndId, ChannelEnd)) {
        self.lock().host.add_channel(connection, channel);
    }

    /// A competing relayer delivers the packet in the next block.
    pub fn compete_receive(&self, packet: &Packet) {
        if let Packet::V2(packet) = packet {
            self.lock().internal.push_back(Internal::Receive(packet.clone()));
        }
    }

    /// A competing relayer brings the end of a packet sent from here in the next block: its acknowledgement, or its timeout.
    pub fn compete_return(&self, packet: &Packet, timed_out: bool) {
        if let Packet::V2(packet) = packet {
            self.lock().internal.push_back(Internal::Return(packet.clone(), timed_out));
        }
    }

    /// A transaction that is not the relay's submits an update, in its canonical form, to a client hosted here, in the next block.
    ///
    /// # Errors
    /// [`crate::Violation`] when it cannot be encoded.
    pub fn submit_update(&self, client: &ClientId, update: &[u8]) -> Result<(), crate::Violation> {
        let update = wire::to_host(self.inner.config.family.host_encoding(), update)?;
        self.lock().internal.push_back(Internal::Update(client.clone(), update));
        Ok(())
    }

    /// A transaction that is not the relay's uses the next slot of an account in the next block.
    pub fn steal_slot(&self, signer: &str) {
        self.lock().internal.push_back(Internal::StealSlot(signer.into()));
    }

    /// Throws every waiting transaction out of the pool.
    pub fn clear_pool(&self) {
        self.lock().pool.clear();
    }

    /// Transactions that wait in the pool.
    pub fn pool_len(&self) -> usize {
        self.lock().pool.len()
    }

    /// Sets an account's balance.
    pub fn fund(&self, signer: &str, balance: u128) {
        self.lock().accounts.entry(signer.into()).or_default().balance = balance;
    }

    /// Replaces the `count` oldest validators from the next block on. Committees of slotted chains rotate by themselves.
    pub fn rotate_validators(&self, count: usize) {
        let mut state = self.lock();
        let next = state.validators.iter().max().map_or(0, |last| last.saturating_add(1));
        let count = count.min(state.validators.len());
        state.validators.drain(..count);
        state.validators.extend((next..).take(count));
    }

    pub(super) fn host_client_of(&self, other: &Self) -> Result<ClientId, String> {
        let header = {
            let theirs = other.lock();
            theirs.blocks.last().map(|block| block.header.clone()).ok_or("no block")?
        };
        let family = other.inner.config.family;
        let trusted = other.light_client().trust(&header);
        let mut state = self.lock();
        let processed = Now { block: state.tip(), time_s: self.inner.shared.now_s.load(Ordering::SeqCst) };
        let added = state.host.add_client(family, other.inner.config.name.clone(), other.inner.config.params, Held { trusted, processed });
        added.map_err(|failure| failure.text().to_owned())
    }

    /// Executes a message at once, as if somebody else's transaction had brought it.
    pub(super) fn execute_now(&self, message: &Message) -> Result<(), String> {
        let mut state = self.lock();
        let now = Now { block: state.tip(), time_s: self.inner.shared.now_s.load(Ordering::SeqCst) };
        state.host.execute(message, &[], now).map(|_| ()).map_err(|failure| failure.text().to_owned())
    }

    pub(super) fn register(&self, own: &ClientId, other: &ClientId) -> Result<(), String> {
        let mut state = self.lock();
        let client = state.host.clients.get_mut(own).ok_or("no such client")?;
        client.counterparty = Some(Counterparty { client_id: other.clone(), merkle_prefix: vec![b"fake".to_vec()] });
        Ok(())
    }
}

/// Signatures of the whole committee.
pub(super) fn sign_header(header: &Header) -> Vec<Signature> {
    let digest = header.hash();
    let members = header.committee.iter().zip(0_u32..);
    members.map(|(key, member)| Signature { member, bytes: wire::sign(key, &digest) }).collect()
}

impl State {
    pub(super) fn tip(&self) -> u64 {
        (self.blocks.len() as u64).saturating_sub(1)
    }

    pub(super) fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// The tree that the header of a block commits to.
    pub(super) fn committed(&self, number: u64) -> Option<Arc<Tree>> {
        match self.host.family {
            FakeFamily::Lagged if number == 0 => Some(Arc::new(Tree::new(&Map::new()))),
            FakeFamily::Lagged => self.block(number.saturating_sub(1)).map(|block| block.state.clone()),
            FakeFamily::BlockBound => self.block(number).map(|block| block.written.clone()),
            FakeFamily::Clockless | FakeFamily::Slotted => self.block(number).map(|block| block.state.clone()),
        }
    }

    fn committee(&self, config: &FakeChainConfig, period: u64) -> Vec<Vec<u8>> {
        let members: Vec<u64> = if config.family == FakeFamily::Slotted {
            let first = period.saturating_mul(1_000);
            (first..first.saturating_add(config.validators)).collect()
        } else {
            self.validators.clone()
        };
        members.iter().map(|index| wire::validator_key(&config.name, *index)).collect()
    }

    fn mine(&mut self, config: &FakeChainConfig, now_s: u64) -> u64 {
        let number = self.blocks.len() as u64;
        let time_s = self.blocks.last().map_or(now_s, |block| block.time_s.max(now_s));
        let now = Now { block: number, time_s };
        let mut events = self.run_internal(now, config);
        events.extend(self.run_pool(now, config));
        let written = Arc::new(Tree::new(&self.host.written));
        for key in std::mem::take(&mut self.host.written).into_keys() {
            self.written_at.entry(key).or_insert(number);
        }
        let state = match self.blocks.last() {
            Some(last) if !self.host.dirty => last.state.clone(),
            _ => Arc::new(Tree::new(&self.host.store)),
        };
        self.host.dirty = false;
        self.index(&events);
        let header = self.header(config, now, (&state, &written));
        let signatures = sign_header(&header);
        self.blocks.push(Block { header, time_s, signatures, state, written, events });
        number
    }

    fn header(&self, config: &FakeChainConfig, now: Now, (state, written): (&Tree, &Tree)) -> Header {
        let family = config.family;
        let period = family.period(now.block);
        let root = match family {
            FakeFamily::Lagged => self.blocks.last().map_or_else(|| Tree::new(&Map::new()).root(), |last| last.state.root()),
            FakeFamily::BlockBound => written.root(),
            FakeFamily::Clockless | FakeFamily::Slotted => state.root(),
        };
        let next_committee = if family == FakeFamily::Slotted {
            wire::committee_hash(&self.committee(config, period.saturating_add(1)))
        } else {
            Vec::new()
        };
        Header {
            chain: config.name.clone(),
            block: now.block,
            height: family.client_height(now.block).number,
            time_s: if self.host.has_clock() { now.time_s } else { 0 },
            parent: self.blocks.last().map_or_else(Vec::new, |last| last.header.hash().to_vec()),
            root: root.to_vec(),
            committee: self.committee(config, period),
            next_committee,
            period,
        }
    }

    fn index(&mut self, events: &[LocatedEvent]) {
        for located in events {
            match &located.event {
                Event::Sent { packet } => {
                    self.sent.insert((packet.source(), packet.sequence()), located.clone());
                }
                Event::Acknowledged { packet, .. } => {
                    self.acknowledged.insert((packet.dest(), packet.sequence()), located.clone());
                }
                _ => {}
            }
        }
    }

    fn run_internal(&mut self, now: Now, config: &FakeChainConfig) -> Vec<LocatedEvent> {
        let mut located = Vec::new();
        for (internal, number) in std::mem::take(&mut self.internal).into_iter().zip(0_u64..) {
            let tx = self.internal_id(config, now.block, number);
            let events = match internal {
                Internal::Send(packet) => vec![self.host.commit(&packet)],
                Internal::SendClassic(packet) => vec![self.host.commit_classic(&packet)],
                Internal::Close(id) => self.host.close(&id),
                Internal::Receive(packet) => self.compete(&packet, now),
                Internal::Return(packet, timed_out) => self.host.complete(&packet, timed_out),
                Internal::StealSlot(signer) => {
                    let account = self.accounts.entry(signer).or_default();
                    account.used.insert(account.next, (None, now.block));
                    account.next = account.next.saturating_add(1);
                    Vec::new()
                }
                Internal::Update(client, update) => {
                    let events = self.host.update_client(&client, &update, now).map(|(_, events)| events).unwrap_or_default();
                    self.submitted.entry(tx.clone()).or_default().push((client, update));
                    events
                }
            };
            let height = config.family.chain_height(now.block);
            located.extend(events.into_iter().zip(0_u32..).map(|(event, index)| LocatedEvent { height, tx: tx.clone(), index, event }));
        }
        located
    }

    fn compete(&mut self, packet: &v2::Packet, now: Now) -> Vec<Event> {
        match self.host.receive(packet, None, now) {
            Ok((_, events)) => events,
            Err(Failure::Refused(_) | Failure::Stale(_)) => Vec::new(),
        }
    }

    fn internal_id(&self, config: &FakeChainConfig, block: u64, number: u64) -> TxId {
        let hash = wire::hash(&[b"internal", config.name.as_bytes(), &block.to_be_bytes(), &number.to_be_bytes()]);
        TxId::new(hash).expect("a hash has 32 bytes")
    }

    /// Newest block that is final, less what the endpoint lags.
    pub(super) fn final_block(&self) -> u64 {
        self.tip().saturating_sub(self.host.family.finality_blocks()).saturating_sub(self.faults.lag_blocks)
    }

    /// Client ids on this chain, for tests that did not keep them.
    pub(super) fn client_ids(&self) -> BTreeSet<ClientId> {
        self.host.clients.keys().cloned().collect()
    }
}
