//! A seeded simulation: two fake chains, the whole engine, faults and crashes, one virtual clock.
//!
//! What it is not: it uses nothing of the engine but its public face. Equal seeds give equal runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unreachable_pub, reason = "tests")]

mod recorder;

use causeway_adapter::fakes::{
    DATA_POISON, DATA_REFUSE, FakeChain, FakeChainConfig, FakeFamily, FakeWait, FakeWorld, PORT_ECHO, PORT_REFUSE, TokioSleep,
};
use causeway_adapter::{Family, FeePolicy};
use causeway_engine::{
    AckKind, ChainSpec, Clock, End, Engine, EngineConfig, EngineHandle, Env, Filter, PacketRecord, PacketState, PathSpec, RootOfTrust,
    Spawner, Task,
};
use causeway_store::{CommitFault, MemoryStore, Store};
use causeway_types::classic::{ChannelEndId, HandshakeState, Order, Timeout};
use causeway_types::{ChainId, ClientId, Packet, PacketKey};
use futures::future::BoxFuture;
use rand::Rng as _;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
pub use recorder::Recorder;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const START_S: u64 = 1_700_000_000;

#[derive(Debug, Clone)]
pub struct SimClock(tokio::time::Instant, Duration);

impl SimClock {
    /// A clock that is this far from the start already.
    pub fn ahead(by: Duration) -> Self {
        Self(tokio::time::Instant::now(), by)
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        START_S * 1_000 + u64::try_from((self.0.elapsed() + self.1).as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Tasks that die together, as a process does.
#[derive(Debug, Default, Clone)]
pub struct Process(Arc<Mutex<Vec<tokio::task::AbortHandle>>>);

#[derive(Debug)]
struct Aborts(tokio::task::AbortHandle);

impl Task for Aborts {
    fn abort(&self) {
        self.0.abort();
    }
}

impl Spawner for Process {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) -> Box<dyn Task> {
        let handle = tokio::spawn(task).abort_handle();
        self.0.lock().unwrap().push(handle.clone());
        Box::new(Aborts(handle))
    }
}

impl Process {
    /// Tasks that have not ended.
    pub fn running(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|task| !task.is_finished()).count()
    }

    pub fn kill(&self) {
        for task in self.0.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Echo,
    Refused,
    Poison,
    Late,
    Competed,
}

pub struct Sent {
    pub class: Class,
    pub packet: Packet,
    pub key: PacketKey,
    /// Whether it goes from left to right.
    pub right: bool,
}

pub struct Sim {
    pub rng: ChaCha8Rng,
    pub world: FakeWorld,
    pub left: FakeChain,
    pub right: FakeChain,
    pub left_client: ClientId,
    pub right_client: ClientId,
    pub store: MemoryStore,
    pub clock: SimClock,
    pub recorders: [Arc<Recorder>; 2],
    pub sent: Vec<Sent>,
    pub crashes: u32,
    config: EngineConfig,
    /// In IBC classic: the ends on the left and on the right.
    channels: Option<[ChannelEndId; 2]>,
    /// A channel may be closed under its packets, so that some come back that could have been delivered.
    closes: bool,
    engine: Option<(EngineHandle, Process)>,
    seed: u64,
}

fn fees() -> FeePolicy {
    FeePolicy { gas_headroom_percent: 120, gas_price_max: None, replace_bump_percent: 12, replaces_price: None }
}

impl Sim {
    pub fn new(seed: u64, left: FakeFamily, right: FakeFamily) -> Self {
        let world = FakeWorld::new(START_S, FakeWait::Sleep(Arc::new(TokioSleep)));
        let chain = |name: &str, family| {
            let mut config = FakeChainConfig::new(name, family);
            config.signers = vec![("first".into(), u128::from(u64::MAX)), ("second".into(), u128::from(u64::MAX))];
            world.add_chain(config)
        };
        let (left, right) = (chain("left", left), chain("right", right));
        let (left_client, right_client) = world.connect(&left, &right).unwrap();
        let store = MemoryStore::new();
        let recorders = [&left, &right].map(|chain| Arc::new(Recorder::new(chain, &store)));
        let spec = |chain: &FakeChain, name: &str, recorder: &Arc<Recorder>| {
            let height = chain.config().family.client_height(0);
            ChainSpec {
                id: ChainId::new(name).unwrap(),
                family: Family { adapter: recorder.clone(), light_client: Arc::new(chain.light_client()) },
                native_chain_id: Some(name.into()),
                params: chain.config().params,
                signers: vec!["first".into(), "second".into()],
                fees: fees(),
                root: RootOfTrust::Pinned { height, hash: chain.block_hash(height).unwrap() },
                spend_cap_per_day: None,
            }
        };
        let path = PathSpec {
            name: "left-right".into(),
            a: End { chain: ChainId::new("left").unwrap(), client: left_client.clone(), channel: None },
            b: End { chain: ChainId::new("right").unwrap(), client: right_client.clone(), channel: None },
            order: causeway_types::classic::Order::Unordered,
            filter: Filter::default(),
        };
        let chains = vec![spec(&left, "left", &recorders[0]), spec(&right, "right", &recorders[1])];
        let mut config = EngineConfig::new(chains, vec![path]);
        config.clearing.interval_ms = 15_000;
        config.deadlines.hint_ms = 8_000;
        let clock = SimClock::ahead(Duration::ZERO);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let (sent, crashes, engine, channels, closes) = (Vec::new(), 0, None, None, false);
        Self {
            rng,
            world,
            left,
            right,
            left_client,
            right_client,
            store,
            clock,
            recorders,
            sent,
            crashes,
            config,
            channels,
            closes,
            engine,
            seed,
        }
    }

    /// Relays over a channel of IBC classic instead of the pair of clients.
    pub fn use_channel(&mut self, order: Order) {
        let ends = self.world.open_channel((&self.left, &self.left_client), (&self.right, &self.right_client), order).unwrap();
        self.world.tick(1);
        let path = &mut self.config.paths[0];
        (path.a.channel, path.b.channel, path.order) = (Some(ends.0.clone()), Some(ends.1.clone()), order);
        self.channels = Some([ends.0, ends.1]);
        self.closes = order == Order::Ordered;
    }

    /// The application on the left closes the channel.
    pub fn close_left(&mut self) {
        self.closes = true;
        let [left, _] = self.channels.as_ref().unwrap();
        self.left.close_channel(left);
    }

    /// Whether the channel is closed at both ends.
    pub fn is_closed(&self) -> bool {
        let [left, right] = self.channels.as_ref().unwrap();
        [self.left.channel_state(left), self.right.channel_state(right)] == [Some(HandshakeState::Closed); 2]
    }

    pub fn config(&mut self) -> &mut EngineConfig {
        &mut self.config
    }

    pub fn store_arc(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    pub fn env(&self, process: &Process) -> Env {
        let rng = causeway_engine::env::SeededRng::new(self.seed ^ u64::from(self.crashes));
        Env { clock: Arc::new(self.clock.clone()), rng: Arc::new(rng), spawner: Arc::new(process.clone()) }
    }

    pub async fn try_start(&mut self) -> Result<(), causeway_engine::StartError> {
        let process = Process::default();
        let started = Engine::start(self.config.clone(), self.store_arc(), self.env(&process)).await;
        match started {
            Ok(handle) => {
                self.engine = Some((handle, process));
                Ok(())
            }
            Err(error) => {
                process.kill();
                Err(error)
            }
        }
    }

    pub fn handle(&self) -> &EngineHandle {
        &self.engine.as_ref().expect("started").0
    }

    /// What a kill does: every task ends where it stands, the disk keeps what was durable.
    pub fn crash(&mut self) {
        if let Some((_, process)) = self.engine.take() {
            process.kill();
        }
        self.crashes += 1;
        self.store = self.store.crash_image();
        for recorder in &self.recorders {
            recorder.use_store(&self.store);
        }
    }

    fn send_classic(&mut self, right: bool, class: Class) {
        let [left_end, right_end] = self.channels.clone().unwrap();
        let (from, end, name) = if right { (&self.left, left_end, "left") } else { (&self.right, right_end, "right") };
        let now = self.world.now_s();
        let (data, timeout_s) = match class {
            Class::Echo | Class::Competed => (b"echo".to_vec(), now + 40_000),
            Class::Refused => (DATA_REFUSE.to_vec(), now + 40_000),
            Class::Poison => (DATA_POISON.to_vec(), now + 200),
            Class::Late => (b"late".to_vec(), now),
        };
        let timeout = Timeout { height: None, timestamp_ns: Some(timeout_s * 1_000_000_000) };
        // Nobody sends over a closed channel.
        let Ok(packet) = from.send_over(&end, &data, timeout) else { return };
        let key = PacketKey { chain: ChainId::new(name).unwrap(), end: end.into(), sequence: packet.sequence() };
        self.sent.push(Sent { class, packet, key, right });
    }

    pub fn send(&mut self, right: bool, class: Class) {
        if self.channels.is_some() {
            return self.send_classic(right, class);
        }
        let now = self.world.now_s();
        let (from, client, name) = if right { (&self.left, &self.left_client, "left") } else { (&self.right, &self.right_client, "right") };
        let (port, timeout) = match class {
            Class::Echo | Class::Competed => (PORT_ECHO, now + 40_000),
            Class::Refused => (PORT_REFUSE, now + 40_000),
            Class::Poison => ("nowhere", now + 200),
            Class::Late => (PORT_ECHO, now),
        };
        let packet = from.send_to(client, port, &self.sent.len().to_be_bytes(), timeout).unwrap();
        let key = PacketKey { chain: ChainId::new(name).unwrap(), end: client.clone().into(), sequence: packet.sequence() };
        if class == Class::Competed {
            (if right { &self.right } else { &self.left }).compete_receive(&packet);
        }
        self.sent.push(Sent { class, packet, key, right });
    }

    pub fn send_mixed(&mut self, count: usize) {
        for _ in 0..count {
            let right = self.rng.random();
            let class = match self.rng.random_range(0..10) {
                0 => Class::Refused,
                1 => Class::Poison,
                2 => Class::Late,
                3 => Class::Competed,
                _ => Class::Echo,
            };
            self.send(right, class);
        }
    }

    fn disturb(&mut self) {
        let chain = if self.rng.random() { self.left.clone() } else { self.right.clone() };
        let sequence: u64 = self.rng.random_range(1..12);
        let kind = self.rng.random_range(0..18);
        match kind {
            15 => return chain.clear_pool(),
            16 => return chain.steal_slot("first"),
            17 => return chain.rotate_validators(1),
            _ => {}
        }
        chain.faults(|faults| match kind {
            0 => faults.unreachable = true,
            1 => faults.lag_blocks = 3,
            2 => faults.drop_broadcasts = 2,
            3 => faults.lose_broadcast_answers = 2,
            4 => faults.outcome_unknown = 5,
            5 => faults.inclusion_delay_blocks = 3,
            6 => faults.reorder = true,
            7 => faults.gas_price_min = 20,
            8 => _ = faults.lie_received.insert(sequence),
            9 => _ = faults.lie_completed.insert(sequence),
            10 => faults.lie_evidence = true,
            11 => faults.lie_updates = true,
            12 => _ = faults.hydrate_unavailable.insert(sequence),
            13 => faults.blind_simulation = true,
            14 => faults.hide_events = true,
            _ => faults.hide_failure = true,
        });
    }

    pub fn calm(&mut self) {
        for chain in [&self.left, &self.right] {
            chain.faults(|faults| *faults = Default::default());
        }
    }

    /// One second.
    pub async fn second(&mut self) {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        self.world.tick(1);
    }

    /// Starts the engine again if it died; kills it at random commits while `faults`.
    async fn keep_alive(&mut self, faults: bool) {
        let stopped = match &self.engine {
            None => true,
            Some((handle, _)) => futures::FutureExt::now_or_never(handle.stopped()).is_some(),
        };
        if !stopped {
            return;
        }
        self.crash();
        if self.try_start().await.is_err() {
            return;
        }
        if faults && self.crashes < 12 && self.rng.random_bool(0.8) {
            let fault = if self.rng.random() { CommitFault::Lost } else { CommitFault::Unacknowledged };
            self.store.fail_commit(self.rng.random_range(1..60), fault);
        }
    }

    /// Faults for a while, then calm until everything is done or `limit_s` is over.
    pub async fn run(&mut self, fault_s: u64, limit_s: u64) {
        for second in 0..limit_s {
            let faults = second < fault_s;
            self.keep_alive(faults).await;
            if faults && self.rng.random_bool(0.3) {
                self.disturb();
            }
            if faults && self.rng.random_bool(0.2) || second == fault_s {
                self.calm();
            }
            if faults && self.rng.random_bool(0.2) {
                self.send_mixed(2);
            }
            self.second().await;
            if !faults && self.engine.is_some() && second % 5 == 0 && self.settled().await {
                return;
            }
        }
    }

    pub async fn record(&self, sent: &Sent) -> Option<PacketRecord> {
        self.handle().packet(&sent.key).await.ok()
    }

    pub async fn settled(&self) -> bool {
        for sent in &self.sent {
            if !self.record(sent).await.is_some_and(|record| record.state.kind().is_final()) {
                return false;
            }
        }
        true
    }

    /// What must hold in the end.
    pub async fn check(&self) {
        self.check_ends().await;
        for recorder in &self.recorders {
            let breaches = recorder.breaches();
            assert!(breaches.is_empty(), "seed {}: {breaches:?}", self.seed);
        }
    }

    /// Whether nothing is left in escrow.
    pub fn returned(&self) -> bool {
        self.sent.iter().all(|sent| !(if sent.right { &self.left } else { &self.right }).has_commitment(&sent.packet))
    }

    /// Every packet ended as its class must.
    pub async fn check_ends(&self) {
        for sent in &self.sent {
            let label = format!("seed {} packet {} {:?}", self.seed, sent.key, sent.class);
            let record = self.record(sent).await.unwrap_or_else(|| panic!("{label}: lost"));
            let (source, dest) = if sent.right { (&self.left, &self.right) } else { (&self.right, &self.left) };
            let received = dest.has_receipt(&sent.packet);
            let fits = match (&record.state, sent.class) {
                (PacketState::Completed { ack, .. }, Class::Echo | Class::Competed) => *ack != AckKind::Error && received,
                (PacketState::Completed { ack, .. }, Class::Refused) => *ack != AckKind::Success && received,
                (PacketState::TimedOut { .. }, Class::Poison | Class::Late) => !received,
                (PacketState::TimedOut { .. }, _) if self.closes => !received,
                _ => false,
            };
            assert!(fits, "{label}: ended as {:?} (attempts {}), received {received}", record.state, record.attempts);
            assert!(!source.has_commitment(&sent.packet), "{label}: still in escrow");
        }
    }
}

/// Runs a simulation on a runtime of its own.
pub fn simulate(seed: u64, left: FakeFamily, right: FakeFamily, body: impl AsyncFnOnce(&mut Sim)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut sim = Sim::new(seed, left, right);
        body(&mut sim).await;
    });
}
