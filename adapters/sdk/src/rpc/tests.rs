//! Tests of the way over gRPC: every type survives it, errors keep their retry decision, versions are settled, hostile bytes are refused.

use super::wire::{Answer, Wire};
use super::*;
use crate::fakes::{FakeFamily, FakePair, FakeWait, FakeWorld};
use crate::*;
use causeway_proto::adapter::v1 as pb;
use causeway_types::classic::{self, ChannelEnd, ConnectionEnd, HandshakeState, Order};
use causeway_types::{Acknowledgement, Claim, ClientId, Hash, Head, Height, Locator, Packet, PacketEnd, Payload, Sequence, TxId, v2};
use prost::Message as _;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Values of every type of the seam, from a seed.
struct Dice(ChaCha8Rng);

impl Dice {
    fn n(&mut self, below: u64) -> u64 {
        self.0.random_range(0..below)
    }
    fn some<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.n(2) == 1).then(|| value(self))
    }
    fn list<T>(&mut self, max: u64, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.n(max + 1)).map(|_| value(self)).collect()
    }
    fn u64(&mut self) -> u64 {
        if self.n(3) == 0 { 0 } else { self.0.next_u64() >> self.n(64) }
    }
    fn u128(&mut self) -> u128 {
        self.0.random()
    }
    fn hash(&mut self) -> Hash {
        self.0.random()
    }
    fn bytes(&mut self) -> Vec<u8> {
        self.list(40, |d| d.0.random())
    }
    fn text(&mut self) -> String {
        let length = 1 + self.n(20);
        (0..length).map(|_| char::from(b'a' + self.n(26) as u8)).collect()
    }
    fn label(&mut self) -> &'static str {
        ["client", "key", "slot", "seal-signature"][self.n(4) as usize]
    }
    fn height(&mut self) -> Height {
        Height { revision: self.u64(), number: self.u64() }
    }
    fn head(&mut self) -> Head {
        Head { height: self.height(), time_s: self.some(Self::u64) }
    }
    fn client(&mut self) -> ClientId {
        ClientId::new(format!("client-{}", self.u64())).unwrap()
    }
    fn sequence(&mut self) -> Sequence {
        Sequence::new(self.u64().max(1)).unwrap()
    }
    fn tx_id(&mut self) -> TxId {
        TxId::new(self.hash()).unwrap()
    }
    fn packet(&mut self) -> Packet {
        let payload =
            |d: &mut Self| Payload { source_port: d.text(), dest_port: d.text(), version: d.text(), encoding: d.text(), value: d.bytes() };
        let mut payloads = vec![payload(self)];
        payloads.extend(self.list(3, payload));
        let (sequence, timeout_timestamp_s) = (self.sequence(), self.u64());
        if self.n(2) == 0 {
            let (source_client, dest_client) = (self.client(), self.client());
            return Packet::V2(v2::Packet { sequence, source_client, dest_client, timeout_timestamp_s, payloads });
        }
        let (source, dest, data) = (self.channel(), self.channel(), self.hash().to_vec());
        let timeout = classic::Timeout { height: self.some(Self::height), timestamp_ns: Some(timeout_timestamp_s) };
        Packet::Classic(classic::Packet { sequence, source, dest, data, timeout })
    }
    fn channel(&mut self) -> classic::ChannelEndId {
        let channel = classic::ChannelId::new(format!("channel-{}", self.u64())).unwrap();
        classic::ChannelEndId { port: classic::PortId::new("transfer").unwrap(), channel }
    }
    fn connection(&mut self) -> classic::ConnectionId {
        classic::ConnectionId::new(format!("connection-{}", self.u64())).unwrap()
    }
    fn end(&mut self) -> PacketEnd {
        if self.n(2) == 0 { self.client().into() } else { self.channel().into() }
    }
    fn handshake_state(&mut self) -> HandshakeState {
        [HandshakeState::Init, HandshakeState::TryOpen, HandshakeState::Open, HandshakeState::Closed][self.n(4) as usize]
    }
    fn connection_end(&mut self) -> ConnectionEnd {
        ConnectionEnd {
            state: self.handshake_state(),
            client: self.client(),
            counterparty_client: self.client(),
            counterparty: self.some(Self::connection),
            counterparty_prefix: self.bytes(),
            delay_ns: self.u64(),
        }
    }
    fn channel_end(&mut self) -> ChannelEnd {
        ChannelEnd {
            state: self.handshake_state(),
            order: [Order::Unordered, Order::Ordered][self.n(2) as usize],
            counterparty_port: self.channel().port,
            counterparty: self.some(Self::channel).map(|end| end.channel),
            connection: self.connection(),
            version: self.text(),
        }
    }
    fn ack(&mut self) -> Acknowledgement {
        if self.n(2) == 0 {
            return Acknowledgement::Classic(classic::Acknowledgement(self.hash().to_vec()));
        }
        Acknowledgement::V2(v2::Acknowledgement { app_acknowledgements: vec![self.hash().to_vec(); 1 + self.n(3) as usize] })
    }
    fn claim(&mut self) -> Claim {
        let packet = self.packet();
        let locator = self.some(|d| Locator { block: d.u64(), transaction: d.tx_id(), index: d.n(9) as u32 });
        match self.n(9) {
            8 => Claim::NoCommitment { source: self.end(), sequence: self.sequence() },
            5 => Claim::NotReached { packet },
            6 => Claim::Connection { id: self.connection(), end: self.connection_end() },
            7 => Claim::Channel { id: self.channel(), end: self.channel_end() },
            0 => Claim::Commitment { packet, locator },
            1 => Claim::Receipt { packet, locator },
            2 => Claim::NoReceipt { packet },
            3 => Claim::Ack { packet, acknowledgement: self.ack(), locator },
            _ => Claim::Expired { packet, locator },
        }
    }
    fn error(&mut self) -> AdapterError {
        match self.n(13) {
            0 => AdapterError::Unreachable { endpoint: self.text(), detail: self.text() },
            1 => AdapterError::RateLimited { endpoint: self.text(), retry_after_ms: self.u64() },
            2 => AdapterError::Lagging { found: self.height(), needed: self.height() },
            3 => AdapterError::HeightPruned { asked: self.height(), oldest: self.height() },
            4 => AdapterError::Reorganised { cursor: self.height(), resume_from: self.height() },
            5 => AdapterError::NotFound { what: self.label(), name: self.text() },
            6 => AdapterError::Protocol { endpoint: self.text(), rule: self.label(), expected: self.text(), found: self.text() },
            7 => AdapterError::Invalid { what: self.label(), detail: self.text() },
            8 => AdapterError::InsufficientFunds { address: self.text(), balance: self.text(), needed: self.text(), denom: self.text() },
            9 => AdapterError::SlotMismatch { used: self.u64(), expected: self.u64() },
            10 => AdapterError::BlockTooLarge { height: self.height(), detail: self.text() },
            11 => AdapterError::Denied { endpoint: self.text(), detail: self.text() },
            _ => AdapterError::Unsupported { operation: self.label() },
        }
    }
    fn limits(&mut self) -> HostLimits {
        HostLimits { messages_max: self.n(99) as u32, tx_bytes_max: self.u64(), tx_gas_max: self.u64() }
    }
    fn description(&mut self) -> Description {
        Description {
            seam_version: self.n(9) as u32,
            adapter_version: self.text(),
            family: self.text(),
            native_chain_id: self.text(),
            hosted_client_types: self.list(3, Self::text),
            offered_client_type: self.text(),
            host_encodings: self.list(3, Self::text),
            absence: [Absence::Provable, Absence::ByMarkExpired][self.n(2) as usize],
            header_clock: [HeaderClock::Header, HeaderClock::Attested, HeaderClock::None][self.n(3) as usize],
            state_window_blocks: self.some(Self::u64),
            slot_ordering: [SlotOrdering::SequentialReplaceable, SlotOrdering::Sequential, SlotOrdering::RandomWithExpiry]
                [self.n(3) as usize],
            limits: self.limits(),
            block_interval_ms: self.u64(),
            fee_denom: self.text(),
            merkle_prefix: self.list(3, Self::bytes),
        }
    }
    fn status(&mut self) -> ChainStatus {
        let endpoint =
            |d: &mut Self| EndpointStatus { endpoint: d.text(), head: d.some(Self::head), syncing: d.n(2) == 1, error: d.some(Self::text) };
        ChainStatus { head: self.head(), endpoints: self.list(3, endpoint), divergence: self.some(Self::text) }
    }
    fn located(&mut self) -> LocatedEvent {
        let event = match self.n(7) {
            0 => Event::Sent { packet: self.packet() },
            1 => Event::Acknowledged { packet: self.packet(), acknowledgement: self.ack() },
            2 => Event::Completed { end: self.end(), sequence: self.sequence() },
            3 => Event::TimedOut { end: self.end(), sequence: self.sequence() },
            4 => Event::ClientUpdated { client: self.client(), heights: self.list(3, Dice::height) },
            5 => Event::ChannelChanged { id: self.channel(), connection: self.connection() },
            _ => Event::ClientFrozen { client: self.client() },
        };
        LocatedEvent { height: self.height(), tx: self.tx_id(), index: self.n(9) as u32, event }
    }
    fn watch(&mut self) -> WatchRequest {
        let filter =
            EventFilter { ends: self.list(3, Self::end), clients: self.list(3, Self::client), connections: self.list(3, Self::connection) };
        WatchRequest { after: self.height(), filter, blocks_max: self.u64(), events_max: self.n(99) as u32, wait_ms: self.u64() }
    }
    fn batch(&mut self) -> WatchBatch {
        WatchBatch { cursor: self.height(), head: self.head(), events: self.list(4, Self::located) }
    }
    fn state(&mut self) -> PacketState {
        let (ack_commitment, commitment) = (self.some(Self::hash), self.some(Self::hash));
        PacketState { sequence: self.sequence(), received: self.n(2) == 1, ack_commitment, commitment }
    }
    fn hydrate(&mut self) -> HydrateRequest {
        let kind = [HydrateKind::Sent, HydrateKind::Acknowledged][self.n(2) as usize];
        let range = self.some(|d| (d.height(), d.height()));
        HydrateRequest { end: self.end(), kind, sequences: self.list(5, Self::sequence), range }
    }
    fn hydrated(&mut self) -> Hydrated {
        if self.n(2) == 0 { Hydrated::Found(self.located()) } else { Hydrated::Unavailable(self.sequence()) }
    }
    fn counterparty(&mut self) -> Counterparty {
        Counterparty { client_id: self.client(), merkle_prefix: self.list(3, Self::bytes) }
    }
    fn view(&mut self) -> ClientView {
        ClientView {
            client_id: self.client(),
            client_type: self.text(),
            host_encoding: self.text(),
            latest: self.height(),
            latest_time_s: self.some(Self::u64),
            expires_at_s: self.some(Self::u64),
            frozen: self.n(2) == 1,
            counterparty: self.some(Self::counterparty),
            state: self.bytes(),
        }
    }
    fn consensus(&mut self) -> ConsensusView {
        let (processed_time_s, processed_height) = (self.some(Self::u64), self.some(Self::height));
        ConsensusView { height: self.height(), hash: self.hash(), processed_time_s, processed_height }
    }
    fn plan(&mut self) -> Plan {
        let step = |d: &mut Self| UpdateStep {
            trusted: d.height(),
            update: d.bytes(),
            resulting: d.height(),
            gas_estimate: d.u64(),
            own_transaction: d.n(2) == 1,
            not_before_s: d.some(Self::u64),
        };
        if self.n(2) == 0 { Plan::Steps(self.list(3, step)) } else { Plan::NotYet { retry_after_ms: self.u64() } }
    }
    fn provable(&mut self) -> Provable {
        match self.n(3) {
            0 => Provable::From(self.height()),
            1 => Provable::Exactly(self.height()),
            _ => Provable::Later { retry_after_ms: self.u64() },
        }
    }
    fn evidence(&mut self) -> Evidence {
        let item = |d: &mut Self| if d.n(3) == 0 { EvidenceItem::NotSo } else { EvidenceItem::Bytes(d.bytes()) };
        Evidence { height: self.height(), shared: self.bytes(), each: self.list(4, item) }
    }
    fn message(&mut self) -> Message {
        let proof = (self.n(3) as usize, self.n(99) as usize);
        let packet = self.packet();
        let step = [OpenStep::Init, OpenStep::Try, OpenStep::Ack, OpenStep::Confirm][self.n(4) as usize];
        let evidence = self.some(|_| proof);
        match self.n(12) {
            8 => Message::OpenConnection { step, id: self.some(Self::connection), end: self.connection_end(), proof: evidence },
            9 => {
                let classic::ChannelEndId { port, channel } = self.channel();
                Message::OpenChannel { step, port, id: self.some(|_| channel.clone()), end: self.channel_end(), proof: evidence }
            }
            10 => Message::CloseChannel { id: self.channel(), proof },
            11 => Message::TimeoutOnClose { packet, order: [Order::Unordered, Order::Ordered][self.n(2) as usize], proof, closed: (1, 2) },
            0 => Message::CreateClient { client_type: self.text(), initial: self.bytes() },
            1 => Message::RegisterCounterparty { client_id: self.client(), counterparty: self.counterparty() },
            2 => Message::UpdateClient { client_id: self.client(), update: self.bytes() },
            3 => Message::SubmitMisbehaviour { client_id: self.client(), misbehaviour: self.bytes() },
            4 => Message::Receive { packet, proof },
            5 => Message::Acknowledge { packet, acknowledgement: self.ack(), proof },
            6 => Message::Timeout { packet, order: [Order::Unordered, Order::Ordered][self.n(2) as usize], proof },
            _ => Message::MarkExpired { packet },
        }
    }
    fn slot(&mut self) -> Slot {
        if self.n(2) == 0 { Slot::Number(self.u64()) } else { Slot::Expiry(self.height()) }
    }
    fn build(&mut self) -> BuildRequest {
        let group = |d: &mut Self| ProofGroup {
            client_id: d.client(),
            evidence: EncodedEvidence { height: d.height(), shared: d.bytes(), each: d.list(3, Self::bytes) },
        };
        let fees = FeePolicy {
            gas_headroom_percent: self.n(300) as u32,
            gas_price_max: self.some(Self::u128),
            replace_bump_percent: self.n(300) as u32,
            replaces_price: self.some(Self::u128),
        };
        BuildRequest {
            signer: self.text(),
            messages: self.list(4, Self::message),
            proofs: self.list(2, group),
            slot: self.slot(),
            fees,
            simulate: self.n(2) == 1,
        }
    }
    fn built(&mut self) -> Built {
        let rejected = |d: &mut Self| {
            let reason = match d.n(4) {
                0 => RejectReason::AlreadyDone,
                1 => RejectReason::Refused(d.text()),
                2 => RejectReason::Stale(d.text()),
                _ => RejectReason::NoRoom,
            };
            Rejected { index: d.n(99) as usize, reason }
        };
        Built {
            unsigned: self.bytes(),
            included: self.list(4, |d| d.n(99) as usize),
            rejected: self.list(4, rejected),
            gas_limit: self.u64(),
            gas_price: self.u128(),
            slot: self.slot(),
        }
    }
    fn tx(&mut self) -> SignedTx {
        SignedTx { tx_id: self.tx_id(), raw: self.bytes(), account: self.text(), slot: self.slot() }
    }
    fn broadcast(&mut self) -> BroadcastResult {
        match self.n(4) {
            0 => BroadcastResult::Accepted,
            1 => BroadcastResult::AlreadyKnown,
            2 => BroadcastResult::Underpriced { reason: self.text() },
            _ => BroadcastResult::Refused { reason: self.text(), slot_conflict: self.n(2) == 1 },
        }
    }
    fn outcome(&mut self) -> Outcome {
        let result = |d: &mut Self| match d.n(5) {
            0 => MessageResult::Applied { created: d.some(Self::text) },
            1 => MessageResult::Noop,
            2 => MessageResult::ErrorAck,
            3 => MessageResult::NotExecuted,
            _ => MessageResult::Failed(d.text()),
        };
        match self.n(5) {
            0 => Outcome::Pending,
            1 => Outcome::Included { height: self.height(), gas_used: self.u64(), fee: self.u128(), results: self.list(4, result) },
            2 => Outcome::Impossible(Impossible::SlotUsed),
            3 => Outcome::Impossible(Impossible::Expired),
            _ => Outcome::Unknown,
        }
    }
    fn account(&mut self) -> Account {
        Account { address: self.text(), balance: self.u128(), next_slot: self.some(Self::u64) }
    }
}

/// Through the generated type and its bytes, and back.
fn check<T: Wire + PartialEq + Debug>(value: T)
where
    T::Pb: prost::Message + Default,
{
    let bytes = value.to_pb().encode_to_vec();
    assert_eq!(T::from_pb(T::Pb::decode(bytes.as_slice()).unwrap()).unwrap(), value);
}

fn check_answer<A: Answer + prost::Message + Default>(value: A::Value, error: AdapterError)
where
    A::Value: Clone + PartialEq + Debug,
{
    for result in [Ok(value), Err(error)] {
        let bytes = A::wrap(result.clone()).encode_to_vec();
        assert_eq!(A::decode(bytes.as_slice()).unwrap().open().unwrap(), result);
    }
}

#[test]
fn every_type_survives_the_wire() {
    for seed in 0..300 {
        let mut d = Dice(ChaCha8Rng::seed_from_u64(seed));
        check(d.claim());
        check(d.watch());
        check(d.hydrate());
        check(d.build());
        check(d.limits());
        let error = d.error();
        check(error.clone());
        check_answer::<pb::DescribeResponse>(d.description(), error.clone());
        check_answer::<pb::StatusResponse>(d.status(), error.clone());
        check_answer::<pb::WatchResponse>(d.batch(), error.clone());
        check_answer::<pb::CommitmentsResponse>((d.list(5, Dice::sequence), d.some(Dice::sequence)), error.clone());
        check_answer::<pb::PacketStatesResponse>(d.list(5, Dice::state), error.clone());
        check_answer::<pb::HydrateResponse>(d.list(5, Dice::hydrated), error.clone());
        check_answer::<pb::ClientResponse>(d.view(), error.clone());
        check_answer::<pb::ConsensusResponse>(d.consensus(), error.clone());
        check_answer::<pb::RootResponse>((d.height(), d.bytes()), error.clone());
        check_answer::<pb::PlanUpdateResponse>(d.plan(), error.clone());
        check_answer::<pb::UpdateAtResponse>(d.bytes(), error.clone());
        check_answer::<pb::SubmittedResponse>(d.list(3, Dice::bytes), error.clone());
        check_answer::<pb::ProvableResponse>(d.provable(), error.clone());
        check_answer::<pb::FetchResponse>(d.evidence(), error.clone());
        check_answer::<pb::BuildResponse>(d.built(), error.clone());
        check_answer::<pb::SignResponse>(d.tx(), error.clone());
        check_answer::<pb::BroadcastResponse>(d.broadcast(), error.clone());
        check_answer::<pb::OutcomeResponse>(d.outcome(), error.clone());
        check_answer::<pb::AccountResponse>(d.account(), error);
    }
}

#[test]
fn hostile_bytes_are_refused_without_panic() {
    let mut d = Dice(ChaCha8Rng::seed_from_u64(7));
    let mut refused = 0;
    for _ in 0..5_000 {
        let mut bytes = WatchBatch { cursor: d.height(), head: d.head(), events: vec![d.located()] }.to_pb().encode_to_vec();
        let at = d.n(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << d.n(8);
        if let Ok(pb) = pb::WatchBatch::decode(bytes.as_slice()) {
            refused += u32::from(WatchBatch::from_pb(pb).is_err());
        }
    }
    assert!(refused > 0);
    assert!(Packet::from_pb(pb::Packet::default()).is_err());
    assert!(AdapterError::from_pb(pb::AdapterError::default()).is_err());
}

async fn host(
    adapter: Arc<dyn ChainAdapter>,
) -> (String, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<Result<(), HostError>>) {
    let listener = bind(HostOptions::default()).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    (address, stop, tokio::spawn(serve(listener, adapter, async move { drop(stopped.await) })))
}

fn pair() -> FakePair {
    FakeWorld::pair(FakeFamily::Lagged, FakeFamily::Slotted, FakeWait::Immediate).unwrap()
}

#[tokio::test]
async fn errors_keep_their_retry_decision_and_a_lost_host_is_unreachable() {
    let pair = pair();
    let (address, stop, task) = host(Arc::new(pair.left.adapter())).await;
    let (remote, description) = RemoteAdapter::connect(&address, RemoteOptions::default()).await.unwrap();
    assert_eq!(description, pair.left.adapter().describe().await.unwrap());
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(1));
    for _ in 0..50 {
        let error = dice.error();
        pair.left.faults(|faults| faults.fail_next.push_back(("status", error.clone())));
        let found = remote.status().await.unwrap_err();
        assert_eq!((found.retry(), found), (error.retry(), error));
    }
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    assert!(matches!(remote.status().await, Err(AdapterError::Unreachable { .. })));
}

#[tokio::test]
async fn a_remote_adapter_is_told_that_an_answer_did_not_verify() {
    let pair = pair();
    let (address, stop, task) = host(Arc::new(pair.left.adapter())).await;
    let (remote, _) = RemoteAdapter::connect(&address, RemoteOptions::default()).await.unwrap();
    assert_eq!(pair.left.distrusted(), 0);
    for times in 1..=3 {
        remote.distrust();
        // It is told in the background, over the same connection as the calls that follow.
        let told = async {
            while pair.left.distrusted() < times {
                remote.status().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), told).await.expect("the adapter was not told");
        assert_eq!(pair.left.distrusted(), times);
        drop(remote.told().await);
    }
    assert_eq!(pair.right.distrusted(), 0);
    // Many at once are one, and a host that is gone disturbs nobody.
    (0..1_000).for_each(|_| remote.distrust());
    drop(remote.told().await);
    assert_eq!(pair.left.distrusted(), 4);
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    remote.distrust();
    drop(remote.told().await);
    assert_eq!(pair.left.distrusted(), 4);
}

#[tokio::test]
async fn another_version_is_refused_and_both_are_named() {
    let pair = pair();
    let broken = crate::fakes::BrokenAdapter::new(Arc::new(pair.left.adapter()), crate::fakes::Breakage::SeamVersionMatches);
    let (address, _stop, _task) = host(Arc::new(broken)).await;
    let error = RemoteAdapter::connect(&address, RemoteOptions::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Version { ours: 2, theirs: 3, .. }), "{error}");
    assert!(error.to_string().contains("version 3") && error.to_string().contains("version 2"), "{error}");
    let lazy = RemoteAdapter::lazy(&address, RemoteOptions::default()).unwrap();
    let error = lazy.status().await.unwrap_err();
    assert!(matches!(&error, AdapterError::Invalid { what: "seam version", .. }), "{error}");

    let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = pb::adapter_client::AdapterClient::new(channel);
    let answer = client.describe(pb::DescribeRequest { seam_version: 9 }).await.unwrap().into_inner().open().unwrap();
    assert!(answer.unwrap_err().to_string().contains("version 9"));
}

#[tokio::test]
async fn only_loopback_is_served_unless_allowed() {
    let address = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(matches!(bind(HostOptions { address, allow_non_loopback: false }).await, Err(HostError::NotLoopback(_))));
    assert!(matches!(RemoteAdapter::lazy("ftp://x", RemoteOptions::default()), Err(ConnectError::Address { .. })));
}

#[tokio::test]
async fn the_host_tells_its_health() {
    let pair = pair();
    let (address, _stop, _task) = host(Arc::new(pair.left.adapter())).await;
    let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let request = tonic_health::pb::HealthCheckRequest { service: "causeway.adapter.v1.Adapter".into() };
    assert_eq!(health.check(request).await.unwrap().into_inner().status, 1);
}
