//! What the actors of one engine share. No actor holds another; they meet in the journal, in mailboxes and here.

use crate::Env;
use crate::chain::Chain;
use crate::config::{End, EngineConfig, PathSpec};
use crate::halts::Halts;
use crate::handshake::Proven;
use crate::journal::{Journal, LaneId, Opening};
use crate::opener::Connected;
use crate::packet::{Action, Direction};
use crate::warden::Watched;
use causeway_adapter::{ClientView, Message, MessageResult, ProofGroup};
use causeway_types::classic::{ChannelEnd, HandshakeState};
use causeway_types::{ChainId, ClientId, Packet, PacketEnd, PacketKey};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// A path at run time.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) index: usize,
    pub(crate) spec: PathSpec,
    /// What halts it.
    pub(crate) halts: Halts,
    views: Mutex<[Option<ClientView>; 2]>,
    /// In IBC classic: how the channel stands at the end that packets of a direction leave from, as last seen.
    channels: Mutex<[Option<ChannelEnd>; 2]>,
    /// Something may have happened to the channel.
    pub(crate) channel_news: Notify,
    /// One a direction: look for forgotten packets now.
    pub(crate) clear: [Notify; 2],
}

fn slot(direction: Direction) -> usize {
    usize::from(direction == Direction::BToA)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Path {
    pub(crate) fn new(index: usize, spec: PathSpec) -> Self {
        let (views, channels) = (Mutex::default(), Mutex::default());
        let (channel_news, halts) = (Notify::new(), Halts::new(&spec.name));
        Self { index, spec, halts, views, channels, channel_news, clear: [Notify::new(), Notify::new()] }
    }

    /// The end that packets of a direction leave from.
    pub(crate) fn from(&self, direction: Direction) -> &End {
        if direction == Direction::AToB { &self.spec.a } else { &self.spec.b }
    }

    /// The end that packets of a direction go to.
    pub(crate) fn to(&self, direction: Direction) -> &End {
        self.from(direction.reverse())
    }

    pub(crate) fn lane(&self, direction: Direction) -> LaneId {
        LaneId(self.index, direction)
    }

    pub(crate) fn openings(&self) -> [Opening; 2] {
        [Direction::AToB, Direction::BToA].map(|direction| {
            let end = self.from(direction);
            Opening { id: self.lane(direction), chain: end.chain.clone(), end: end.packets() }
        })
    }

    /// The direction of packets sent from this end, if it is one of the path.
    pub(crate) fn direction_from(&self, chain: &ChainId, from: &PacketEnd) -> Option<Direction> {
        [Direction::AToB, Direction::BToA].into_iter().find(|direction| {
            let end = self.from(*direction);
            end.chain == *chain && end.packets() == *from
        })
    }

    /// Whether the packet's ends are those of the path, in this direction.
    pub(crate) fn carries(&self, direction: Direction, packet: &Packet) -> bool {
        packet.source() == self.from(direction).packets() && packet.dest() == self.to(direction).packets()
    }

    pub(crate) fn key(&self, direction: Direction, packet: &Packet) -> PacketKey {
        PacketKey { chain: self.from(direction).chain.clone(), end: packet.source(), sequence: packet.sequence() }
    }

    /// Why nothing is relayed, if so.
    pub(crate) fn halted(&self) -> Option<String> {
        self.halts.first()
    }

    /// The client that the packets of a direction are proven to, as last seen.
    pub(crate) fn view(&self, direction: Direction) -> Option<ClientView> {
        lock(&self.views).get(slot(direction)).cloned().flatten()
    }

    pub(crate) fn note_view(&self, direction: Direction, view: ClientView) {
        if let Some(place) = lock(&self.views).get_mut(slot(direction)) {
            *place = Some(view);
        }
    }

    /// The channel at the end that packets of a direction leave from, as last seen; none in IBC v2.
    pub(crate) fn channel(&self, direction: Direction) -> Option<ChannelEnd> {
        lock(&self.channels).get(slot(direction)).cloned().flatten()
    }

    pub(crate) fn note_channel(&self, direction: Direction, end: ChannelEnd) {
        if let Some(place) = lock(&self.channels).get_mut(slot(direction)) {
            *place = Some(end);
        }
    }

    /// Whether the channel is closed at the end that packets of a direction leave from. An endpoint's word: what depends on it is proven.
    pub(crate) fn is_closed(&self, direction: Direction) -> bool {
        self.channel(direction).is_some_and(|end| end.state == HandshakeState::Closed)
    }

    /// The clients of the path on `chain` by this name, each by the direction of the packets that are proven to it.
    pub(crate) fn directions_of(&self, chain: &ChainId, client: &ClientId) -> Vec<Direction> {
        let is = |direction: &Direction| self.to(*direction).chain == *chain && self.to(*direction).client == *client;
        [Direction::AToB, Direction::BToA].into_iter().filter(is).collect()
    }

    /// An event says that a client is frozen: shown at once; its worker asks whether it is.
    pub(crate) fn note_frozen(&self, direction: Direction) {
        if let Some(Some(view)) = lock(&self.views).get_mut(slot(direction)) {
            view.frozen = true;
        }
    }

    pub(crate) fn clear_notify(&self, direction: Direction) -> &Notify {
        let [a, b] = &self.clear;
        if direction == Direction::AToB { a } else { b }
    }
}

/// Packets taken from the table; dropping it frees those that are in no transaction.
#[derive(Debug)]
pub(crate) struct Busy {
    journal: Journal,
    keys: Vec<PacketKey>,
}

impl Busy {
    pub(crate) fn new(journal: Journal, keys: Vec<PacketKey>) -> Self {
        Self { journal, keys }
    }

    /// Hands some of them on.
    pub(crate) fn part<'k>(&mut self, keys: impl Iterator<Item = &'k PacketKey>) -> Self {
        let part: Vec<PacketKey> = keys.cloned().collect();
        let taken: HashSet<&PacketKey> = part.iter().collect();
        self.keys.retain(|key| !taken.contains(key));
        Self { journal: self.journal.clone(), keys: part }
    }

    /// Frees one without waking anybody: its turn comes with the next block or timer.
    pub(crate) fn put_back(&mut self, key: &PacketKey) {
        self.keys.retain(|kept| kept != key);
        let freed = [key.clone()];
        self.journal.table(|table| table.release(&freed));
    }

    /// Frees all without waking anybody.
    pub(crate) fn put_all_back(mut self) {
        let keys = std::mem::take(&mut self.keys);
        self.journal.table(|table| table.release(&keys));
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if !self.keys.is_empty() {
            self.journal.release(&self.keys);
        }
    }
}

/// Messages that a worker wants on a chain, in one transaction if they fit.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Message>,
    pub(crate) proofs: Vec<ProofGroup>,
    /// One a message: the packet it is about and what it does to it.
    pub(crate) items: Vec<Option<(PacketKey, Action)>>,
    pub(crate) busy: Busy,
    pub(crate) done: Option<oneshot::Sender<BatchEnd>>,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BatchEnd {
    /// Its transaction landed, with these results.
    Landed(Vec<MessageResult>),
    /// It was never sent, or can never land.
    NotSent(String),
    /// It was never sent: by the chain's simulation, all of it is done already.
    Needless,
}

/// A key of a chain that takes batches.
#[derive(Debug, Clone)]
pub(crate) struct SignerLane {
    pub(crate) sender: mpsc::Sender<Batch>,
    /// Batches handed over and not finished.
    pub(crate) load: Arc<AtomicUsize>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) env: Env,
    pub(crate) journal: Journal,
    pub(crate) chains: BTreeMap<ChainId, Arc<Chain>>,
    /// Those of the configuration, then those of channels that were opened since; none goes away.
    paths: RwLock<Arc<[Arc<Path>]>>,
    /// Connections whose channels are finished when others begin them.
    pub(crate) connected: Vec<Arc<Connected>>,
    lanes: BTreeMap<ChainId, Vec<SignerLane>>,
    /// One a key, removed ones too: everything that an earlier process had sent with it has ended.
    settled: BTreeMap<ChainId, Vec<CancellationToken>>,
    /// Clients of paths, by host and name.
    watched: Mutex<BTreeMap<(ChainId, ClientId), Arc<Watched>>>,
    /// No new work.
    pub(crate) drain: CancellationToken,
    /// End now.
    pub(crate) stop: CancellationToken,
}

/// What an engine begins with.
pub(crate) struct Beginning {
    pub(crate) config: EngineConfig,
    pub(crate) env: Env,
    pub(crate) journal: Journal,
    pub(crate) chains: BTreeMap<ChainId, Arc<Chain>>,
    pub(crate) paths: Vec<Arc<Path>>,
    pub(crate) connected: Vec<Arc<Connected>>,
    pub(crate) lanes: BTreeMap<ChainId, Vec<SignerLane>>,
    pub(crate) settled: BTreeMap<ChainId, Vec<CancellationToken>>,
}

impl Shared {
    /// Whether the path relays the packet; otherwise why not.
    pub(crate) fn admits(&self, path: &Path, direction: Direction, packet: &Packet) -> Result<(), &'static str> {
        let source = self.chains.get(&path.from(direction).chain).ok_or("its chain is not configured")?;
        path.spec.filter.admits(packet, source.light_client().as_ref())
    }

    pub(crate) fn new(beginning: Beginning) -> Self {
        let Beginning { config, env, journal, chains, paths, connected, lanes, settled } = beginning;
        let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
        let (paths, watched) = (RwLock::new(paths.into()), Mutex::default());
        Self { config, env, journal, chains, paths, connected, lanes, settled, watched, drain, stop }
    }

    /// A client of a path.
    pub(crate) fn watched(&self, host: &ChainId, client: &ClientId) -> Arc<Watched> {
        let mut all = lock(&self.watched);
        let known = all.entry((host.clone(), client.clone())).or_insert_with(|| Arc::new(Watched::new(host.clone(), client.clone())));
        Arc::clone(known)
    }

    /// The paths that stand on a client, each with the direction of the packets that are proven to it.
    pub(crate) fn paths_on(&self, host: &ChainId, client: &ClientId) -> Vec<(Arc<Path>, Direction)> {
        let paths = self.paths();
        let on = |path: &Arc<Path>| path.directions_of(host, client).into_iter().map(|way| (Arc::clone(path), way)).collect::<Vec<_>>();
        paths.iter().flat_map(on).collect()
    }

    /// The paths there are now.
    pub(crate) fn paths(&self) -> Arc<[Arc<Path>]> {
        Arc::clone(&self.paths.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a path has one of these ends.
    pub(crate) fn relays(&self, spec: &PathSpec) -> bool {
        let has = |path: &Arc<Path>, end: &End| path.direction_from(&end.chain, &end.packets()).is_some();
        self.paths().iter().any(|path| has(path, &spec.a) || has(path, &spec.b))
    }

    /// Takes a path up at run time; none where its name or an end of it is taken.
    pub(crate) fn add_path(&self, spec: PathSpec) -> Option<Arc<Path>> {
        if self.relays(&spec) {
            return None;
        }
        let mut paths = self.paths.write().unwrap_or_else(PoisonError::into_inner);
        if paths.iter().any(|path| path.spec.name == spec.name) {
            tracing::warn!(path = %spec.name, "a path of that name is there already: the open channel is not relayed; name it in the configuration");
            return None;
        }
        let path = Arc::new(Path::new(paths.len(), spec));
        self.journal.open_lanes(&path.openings());
        *paths = paths.iter().cloned().chain([Arc::clone(&path)]).collect();
        Some(path)
    }

    /// Waits until everything that an earlier process had sent to a chain has ended.
    pub(crate) async fn settled(&self, chain: &ChainId) {
        for settled in self.settled.get(chain).into_iter().flatten() {
            settled.cancelled().await;
        }
    }

    /// Carries out a message that is about no packet, with what it needs, and waits for its end.
    pub(crate) async fn carry_out_proven(&self, chain: &ChainId, proven: Proven, message: Message) -> BatchEnd {
        for update in proven.ahead {
            if let end @ BatchEnd::NotSent(_) = self.carry_out(chain, vec![update], Vec::new()).await {
                return end;
            }
        }
        let messages = proven.updates.into_iter().chain([message]).collect();
        self.carry_out(chain, messages, vec![proven.group]).await
    }

    async fn carry_out(&self, chain: &ChainId, messages: Vec<Message>, proofs: Vec<ProofGroup>) -> BatchEnd {
        let (done, ended) = oneshot::channel();
        let items = vec![None; messages.len()];
        let busy = Busy::new(self.journal.clone(), Vec::new());
        self.submit(chain, Batch { messages, proofs, items, busy, done: Some(done) }).await;
        ended.await.unwrap_or_else(|_| BatchEnd::NotSent("the submitter ended".into()))
    }

    /// Hands a batch to the least loaded key of a chain; waits while all are full.
    pub(crate) async fn submit(&self, chain: &ChainId, batch: Batch) {
        let lanes = self.lanes.get(chain).map(Vec::as_slice).unwrap_or_default();
        let Some(lane) = lanes.iter().min_by_key(|lane| lane.load.load(Ordering::Relaxed)) else { return };
        lane.load.fetch_add(1, Ordering::Relaxed);
        if lane.sender.send(batch).await.is_err() {
            tracing::debug!(%chain, "the submitter has stopped");
        }
    }
}
