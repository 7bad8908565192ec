//! The opener of one connection: finishes the channels that applications or others begin on it, and has them relayed without a restart.
//!
//! What it is not: it begins nothing, and asks no journal. Both chains' states say what the next step is, so that a step that was lost, or that
//! somebody else took, needs no memory. `causeway path create` opens channels that nobody has begun ([`crate::handshake`]).

mod next;
#[cfg(test)]
mod tests;

use crate::StartError;
use crate::chain::Chain;
use crate::config::{End, Filter, HandshakeSpec, PathSpec};
use crate::filter::matches;
use crate::handle::Tasks;
use crate::handshake::{Side, channel as steps};
use crate::journal::Op;
use crate::packet::Direction;
use crate::shared::{BatchEnd, Shared};
use crate::start::spawn_path;
use causeway_adapter::{AdapterError, MessageResult, OpenStep};
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionId};
use causeway_types::{ChainId, Claim, ClientId};
use futures::StreamExt as _;
pub(crate) use next::{Held, Pair};
use next::{Key, Step};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Time between two looks at a connection that nothing was heard of, milliseconds.
const LOOK_MS: u64 = 60_000;
/// Channels that are worked on at a time.
const CHANNELS_MAX: usize = 8;
/// Longest time after which a refused step is tried again, milliseconds.
const REFUSED_MAX_MS: u64 = 3_600_000;
/// For how long an answered channel is not answered again, whatever a lagging endpoint says, milliseconds.
const ANSWERED_MS: u64 = 60_000;

/// A connection whose channels are finished when others begin them, with what both chains say of it.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) spec: HandshakeSpec,
    /// Its ends: of the chains `a` and `b`.
    pub(crate) connections: [ConnectionId; 2],
    /// The clients it stands on: hosted by `a` and by `b`.
    pub(crate) clients: [ClientId; 2],
    /// Something may have happened to one of its channels.
    pub(crate) news: Notify,
}

impl Connected {
    pub(crate) fn chain(&self, direction: Direction) -> &ChainId {
        if direction == Direction::AToB { &self.spec.a } else { &self.spec.b }
    }

    /// What belongs to the end that evidence of a direction is about.
    fn of<T>([a, b]: &[T; 2], direction: Direction) -> &T {
        if direction == Direction::AToB { a } else { b }
    }

    /// Its end on a chain, if it is one of the two.
    pub(crate) fn connection_on(&self, chain: &ChainId) -> Option<&ConnectionId> {
        let direction = [Direction::AToB, Direction::BToA].into_iter().find(|direction| self.chain(*direction) == chain)?;
        Some(Self::of(&self.connections, direction))
    }

    fn wants(&self, id: &ChannelEndId, end: &ChannelEnd) -> bool {
        let wanted = |port: &str| self.spec.ports.iter().any(|pattern| matches(pattern, port));
        wanted(id.port.as_str()) && wanted(end.counterparty_port.as_str())
    }

    /// The path that an open channel is relayed as: named after its end on `a`.
    pub(crate) fn path(&self, (a, on_a): (&ChannelEndId, &ChannelEnd), b: &ChannelEndId) -> PathSpec {
        let [client_a, client_b] = self.clients.clone();
        let chain: String = self.spec.a.as_str().chars().take(40).collect();
        let channel: String = a.channel.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(20).collect();
        PathSpec {
            name: format!("{chain}.{channel}"),
            a: End { chain: self.spec.a.clone(), client: client_a, channel: Some(a.clone()) },
            b: End { chain: self.spec.b.clone(), client: client_b, channel: Some(b.clone()) },
            order: on_a.order,
            filter: Filter::default(),
        }
    }

    fn wanted(&self, all: &[Held]) -> Vec<Held> {
        all.iter().filter(|(id, end)| self.wants(id, end)).cloned().collect()
    }

    /// The channels that are wanted, by what is left to do.
    pub(crate) fn pairs(&self, on_a: &[Held], on_b: &[Held]) -> Vec<Pair> {
        next::pairs(&self.wanted(on_a), &self.wanted(on_b))
    }

    /// The channels that are wanted of which an end is closed, and that were open at both.
    pub(crate) fn closed(&self, on_a: &[Held], on_b: &[Held]) -> Vec<(Held, Held)> {
        next::closed(&self.wanted(on_a), &self.wanted(on_b))
    }
}

pub(crate) struct Opener {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
    connected: Arc<Connected>,
    /// `a` and `b`.
    chains: [Arc<Chain>; 2],
    /// Steps not to be taken before a time, unix milliseconds, and how often they were refused.
    resting: Mutex<BTreeMap<Key, (u64, u32)>>,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Step(#[from] StartError),
    #[error("{0}")]
    NotSent(String),
}

impl Opener {
    pub(crate) fn new(shared: Arc<Shared>, tasks: Arc<Tasks>, connected: Arc<Connected>, chains: [Arc<Chain>; 2]) -> Self {
        Self { shared, tasks, connected, chains, resting: Mutex::default() }
    }

    pub(crate) async fn run(self) {
        let shared = Arc::clone(&self.shared);
        let mut failures = 0_u32;
        // What an earlier process sent must be over before state is believed to show everything that was done.
        tokio::select! {
            biased;
            () = shared.drain.cancelled() => return,
            () = async { futures::future::join(shared.settled(&self.connected.spec.a), shared.settled(&self.connected.spec.b)).await; } => {}
        }
        loop {
            let wait_ms = match self.look().await {
                Ok(true) => 1,
                Ok(false) => {
                    failures = 0;
                    self.next_rest_ms().clamp(1_000, LOOK_MS)
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::debug!(connection = %self.name(), %error, "channels are looked for again later");
                    self.chain(Direction::AToB).backoff().delay_ms(failures)
                }
            };
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = self.connected.news.notified() => {}
                () = shared.env.clock.sleep(Duration::from_millis(wait_ms)) => {}
            }
        }
    }

    fn name(&self) -> &str {
        let [connection, _] = &self.connected.connections;
        connection.as_str()
    }

    fn chain(&self, direction: Direction) -> &Arc<Chain> {
        Connected::of(&self.chains, direction)
    }

    /// One step of every channel that has one to take. Whether any was taken.
    async fn look(&self) -> Result<bool, AdapterError> {
        let (a, b) = (self.chain(Direction::AToB), self.chain(Direction::BToA));
        let [connection_a, connection_b] = &self.connected.connections;
        let (on_a, on_b) =
            futures::join!(a.call("channels", a.adapter().channels(connection_a)), b.call("channels", b.adapter().channels(connection_b)),);
        let mut steps = Vec::new();
        for pair in self.connected.pairs(&on_a?, &on_b?) {
            match pair {
                Pair::Open { a, on_a, b } => self.relay((&a, &on_a), &b).await,
                Pair::Unfinished(step) if !self.rests(&step) => steps.push(step),
                Pair::Unfinished(_) => {}
            }
        }
        let taken = futures::stream::iter(steps).map(|step| self.take(step)).buffer_unordered(CHANNELS_MAX);
        Ok(taken.fold(false, |any, taken| async move { any || taken }).await)
    }

    fn rests(&self, step: &Step) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(&step.key()).is_some_and(|(until_ms, _)| self.shared.env.clock.now_ms() < *until_ms)
    }

    fn next_rest_ms(&self) -> u64 {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.shared.env.clock.now_ms();
        resting.values().map(|(until_ms, _)| until_ms.saturating_sub(now_ms)).filter(|ms| *ms > 0).min().unwrap_or(LOOK_MS)
    }

    /// Takes a step; whether it was taken. One that is refused rests for ever longer, so that what strangers begin costs little.
    async fn take(&self, step: Step) -> bool {
        let (key, kind, id) = (step.key(), step.kind, step.about.0.clone());
        let host = self.chain(step.about_on.reverse()).id().clone();
        let result = self.send(step).await;
        let now_ms = self.shared.env.clock.now_ms();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => {
                tracing::info!(chain = %host, channel = %id, step = ?kind, "a step of a channel's handshake was taken");
                if kind == OpenStep::Try {
                    resting.insert(key, (now_ms.saturating_add(ANSWERED_MS), 0))
                } else {
                    resting.remove(&key)
                };
                true
            }
            Err(trouble) => {
                let (until_ms, refused) = resting.entry(key).or_default();
                *refused = refused.saturating_add(1);
                let pause_ms = 2_000_u64.saturating_mul(1 << (*refused).min(12)).min(REFUSED_MAX_MS);
                *until_ms = now_ms.saturating_add(pause_ms);
                tracing::warn!(chain = %host, channel = %id, step = ?kind, %trouble, pause_ms, "a step of a channel's handshake was not taken");
                false
            }
        }
    }

    async fn send(&self, step: Step) -> Result<(), Trouble> {
        let direction = step.about_on;
        let (source, host) = (self.chain(direction), self.chain(direction.reverse()));
        let client = Connected::of(&self.connected.clients, direction.reverse());
        let connection = Connected::of(&self.connected.connections, direction.reverse());
        let silent = |_| {};
        let side = Side { name: self.name(), host, source, journal: &self.shared.journal, report: &silent };
        side.verify(client).await?;
        let (id, end) = step.about;
        let message = match (step.kind, step.own) {
            (OpenStep::Ack, Some((own, at))) => steps::ack_message((&own, &at), (&id, &end)),
            (OpenStep::Confirm, Some((own, at))) => steps::confirm_message(&own, &at),
            _ => steps::try_message((&id, &end), connection.clone()),
        };
        let proven = side.proven("channel", client, &Claim::Channel { id, end }).await?;
        match self.shared.carry_out_proven(host.id(), proven, message).await {
            BatchEnd::Landed(results) if matches!(results.last(), Some(MessageResult::Applied { .. })) => Ok(()),
            BatchEnd::Landed(results) => Err(Trouble::NotSent(format!("it came to {:?}; somebody else may have taken it", results.last()))),
            BatchEnd::NotSent(why) => Err(Trouble::NotSent(why)),
            BatchEnd::Needless => Err(Trouble::NotSent("it is done already; somebody else was first".into())),
        }
    }

    /// Has an open channel relayed, unless it is.
    async fn relay(&self, a: (&ChannelEndId, &ChannelEnd), b: &ChannelEndId) {
        let spec = self.connected.path(a, b);
        if self.shared.relays(&spec) {
            return;
        }
        let Some(path) = self.shared.add_path(spec) else { return };
        let load = path.openings().into_iter().map(Op::Load).collect();
        if self.shared.journal.commit(load).await.is_err() {
            return;
        }
        tracing::info!(path = %path.spec.name, a = %path.spec.a.packets(), b = %path.spec.b.packets(), "an open channel is relayed from now on");
        spawn_path(&self.tasks, &self.shared, &path);
        // A long poll that is under way does not ask for the new channel's packets: what it misses is found from state.
        let (clock, watch_ms) = (Arc::clone(&self.shared.env.clock), self.shared.config.deadlines.watch_ms);
        let again = async move {
            clock.sleep(Duration::from_millis(watch_ms)).await;
            path.clear.iter().for_each(Notify::notify_one);
        };
        self.tasks.spawn("clearing", Box::pin(again));
    }
}
