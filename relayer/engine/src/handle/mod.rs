//! The engine from outside: start, questions, commands, shutdown. The gRPC services and the CLI hold an [`EngineHandle`].
//!
//! What it is not: it makes no relaying decision; commands only change facts in the journal or wake an actor.

mod status;

pub use status::{
    ChainReport, Change, Changes, ChannelReport, ClientReport, PacketCount, PacketFilter, Page, PathReport, Status, WalletReport,
};

use crate::chain::Chain;
use crate::packet::{Direction, PacketState};
use crate::shared::{Path, Shared};
use crate::{EngineConfig, Env, PacketRecord, QueryError, StartError, Task};
use causeway_store::{Store, StoreError};
use causeway_types::{ChainId, PacketKey, TxId};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Starts engines.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Checks configuration, journal, chains, roots of trust and clients; then starts relaying.
    ///
    /// # Errors
    /// [`StartError`], with nothing submitted and no task left running.
    pub async fn start(config: EngineConfig, store: Arc<dyn Store>, env: Env) -> Result<EngineHandle, StartError> {
        Ok(EngineHandle { running: Arc::new(crate::start::start(config, store, env).await?) })
    }
}

/// An engine and its tasks.
#[derive(Debug)]
pub(crate) struct Running {
    shared: Arc<Shared>,
    pub(crate) tasks: Arc<Tasks>,
}

/// The actors of an engine; more may come while it runs.
#[derive(Debug)]
pub(crate) struct Tasks {
    shared: Arc<Shared>,
    tracker: TaskTracker,
    tasks: Mutex<Vec<Box<dyn Task>>>,
}

impl Running {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let tasks = Arc::new(Tasks { shared: Arc::clone(&shared), tracker: TaskTracker::new(), tasks: Mutex::default() });
        Self { shared, tasks }
    }
}

impl Tasks {
    fn keep(&self, task: Box<dyn Task>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Starts an actor that shutdown waits for.
    pub(crate) fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        let stop = self.shared.stop.clone();
        let mut failures = self.shared.journal.failures();
        let until_stopped = async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                // Nothing may be done that is not journaled.
                _ = failures.wait_for(Option::is_some) => {}
                () = task => {}
            }
        };
        self.keep(self.shared.env.spawner.spawn(name, Box::pin(self.tracker.track_future(until_stopped))));
    }

    /// Starts the actor that the others need to the end.
    pub(crate) fn spawn_untracked(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.keep(self.shared.env.spawner.spawn(name, task));
    }

    /// Ends every task at its next await point.
    fn abort(&self) {
        self.shared.stop.cancel();
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            task.abort();
        }
    }
}

/// A running engine. Clones share it; dropping the last one does not stop it, [`EngineHandle::shutdown`] does.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    running: Arc<Running>,
}

impl EngineHandle {
    fn shared(&self) -> &Shared {
        &self.running.shared
    }

    /// Chains, clients, wallets and packet counts now. Reads memory only.
    pub fn status(&self) -> Status {
        let shared = self.shared();
        Status {
            now_ms: shared.env.clock.now_ms(),
            chains: shared.config.chains.iter().filter_map(|spec| shared.chains.get(&spec.id)).map(|chain| chain_report(chain)).collect(),
            paths: shared.paths().iter().map(|path| self.path_report(path)).collect(),
            change: *shared.journal.change_numbers().borrow(),
        }
    }

    fn path_report(&self, path: &Path) -> PathReport {
        let shared = self.shared();
        let finished = shared.journal.finished();
        let (mut packets, mut oldest) = (Vec::new(), None);
        for direction in [Direction::AToB, Direction::BToA] {
            let lane = path.lane(direction);
            let (counts, since) = shared.journal.table(|table| (table.counts(lane), table.oldest(lane)));
            oldest = [oldest, since].into_iter().flatten().min();
            let done = finished.iter().filter(|((name, way, _), _)| *name == path.spec.name && *way == direction);
            let done = done.map(|((_, _, state), count)| (*state, *count));
            let all = counts.into_iter().chain(done).filter(|(_, count)| *count > 0);
            packets.extend(all.map(|(state, count)| PacketCount { direction, state, count }));
        }
        PathReport {
            name: path.spec.name.clone(),
            clients: [self.client_report(path, Direction::BToA), self.client_report(path, Direction::AToB)],
            packets,
            oldest_pending_ms: oldest.map(|since| shared.env.clock.now_ms().saturating_sub(since)),
            channels: [Direction::AToB, Direction::BToA].into_iter().filter_map(|direction| channel_report(path, direction)).collect(),
            halted: path.halted(),
        }
    }

    /// The client at the end that packets of `direction` go to.
    fn client_report(&self, path: &Path, direction: Direction) -> ClientReport {
        let (end, view) = (path.to(direction), path.view(direction));
        let now_s = i64::try_from(self.shared().env.clock.now_ms() / 1_000).unwrap_or(i64::MAX);
        let expires = view.as_ref().and_then(|view| view.expires_at_s).and_then(|at| i64::try_from(at).ok());
        ClientReport {
            chain: end.chain.clone(),
            client: end.client.clone(),
            latest: view.as_ref().map(|view| view.latest),
            expires_in_s: expires.map(|at| at.saturating_sub(now_s)),
            frozen: view.is_some_and(|view| view.frozen),
        }
    }

    /// What the journal holds against chains and clients, by chain and height.
    ///
    /// # Errors
    /// [`QueryError::Store`] and [`QueryError::Damaged`] when the journal cannot be read.
    pub async fn evidence(&self) -> Result<Vec<crate::Evidence>, QueryError> {
        crate::evidence::list(self.shared().journal.store().as_ref()).await
    }

    /// One packet.
    ///
    /// # Errors
    /// [`QueryError::UnknownPacket`]; [`QueryError::Store`] when the journal cannot be read.
    pub async fn packet(&self, key: &PacketKey) -> Result<PacketRecord, QueryError> {
        self.shared().journal.packet(key).await?.ok_or_else(|| QueryError::UnknownPacket(key.to_string()))
    }

    /// Packets that fit a filter: `limit` at most (1 to 1000), from `cursor` on (the `next` of the page before). A call looks at 5000 rows at
    /// most, so that a page may hold fewer than `limit`, even none, and yet have a `next`.
    ///
    /// # Errors
    /// [`QueryError::BadCursor`]; [`QueryError::Store`] when the journal cannot be read.
    pub async fn packets(&self, filter: &PacketFilter, cursor: Option<&str>, limit: usize) -> Result<Page, QueryError> {
        self.shared().journal.packets(filter, cursor, limit).await
    }

    /// Packets that a transaction sent.
    ///
    /// # Errors
    /// [`QueryError::UnknownChain`]; [`QueryError::Store`] when the journal cannot be read.
    pub async fn by_source_tx(&self, chain: &ChainId, tx: &TxId) -> Result<Vec<PacketRecord>, QueryError> {
        if !self.shared().chains.contains_key(chain) {
            return Err(QueryError::UnknownChain(chain.to_string()));
        }
        self.shared().journal.by_source(chain, tx).await
    }

    /// Changes after `cursor` (0: from the oldest kept), waiting up to `wait` for the first; at most `limit`. At least once: after a crash
    /// of the caller, asking again from its last durable cursor repeats what it may have missed.
    ///
    /// # Errors
    /// [`QueryError::BadCursor`] for a cursor from the future; [`QueryError::Store`]; [`QueryError::Stopped`] once the engine has stopped.
    pub async fn watch(&self, cursor: u64, limit: usize, wait: Duration) -> Result<Changes, QueryError> {
        let shared = self.shared();
        let mut numbers = shared.journal.change_numbers();
        if cursor > *numbers.borrow() {
            return Err(QueryError::BadCursor(cursor.to_string()));
        }
        if *numbers.borrow() == cursor {
            tokio::select! {
                biased;
                _ = numbers.wait_for(|number| *number > cursor) => {}
                () = shared.stop.cancelled() => return Err(QueryError::Stopped),
                () = shared.env.clock.sleep(wait) => {}
            }
        }
        shared.journal.changes(cursor, limit).await
    }

    /// Tries a dead or parked packet again, at once; one that the path leaves to others is looked at anew, by the rules of now.
    ///
    /// # Errors
    /// [`QueryError::UnknownPacket`], [`QueryError::NotRetryable`], [`QueryError::Store`].
    pub async fn retry(&self, key: &PacketKey) -> Result<(), QueryError> {
        let record = self.packet(key).await?;
        if !matches!(record.state, PacketState::Dead { .. } | PacketState::Excluded { .. } | PacketState::Parked { .. }) {
            return Err(QueryError::NotRetryable { key: key.to_string(), state: record.state.kind().as_str() });
        }
        let retry = crate::journal::Op::change(key.clone(), |record| {
            if matches!(record.state, PacketState::Dead { .. } | PacketState::Excluded { .. } | PacketState::Parked { .. }) {
                record.retry();
            }
        });
        match self.shared().journal.commit(vec![retry]).await {
            Err(StoreError::Stopped { .. }) => Err(QueryError::Stopped),
            result => Ok(result?),
        }
    }

    /// Looks for forgotten packets of a path (both directions) now.
    ///
    /// # Errors
    /// [`QueryError::UnknownPath`].
    pub fn clear(&self, path: &str) -> Result<(), QueryError> {
        let paths = self.shared().paths();
        let found = paths.iter().find(|candidate| candidate.spec.name == path);
        let found = found.ok_or_else(|| QueryError::UnknownPath(path.to_owned()))?;
        found.clear.iter().for_each(tokio::sync::Notify::notify_one);
        Ok(())
    }

    /// Completes when the engine has stopped by itself: the journal refused a write, and nothing may be done that is not journaled.
    /// The text says why.
    pub async fn stopped(&self) -> String {
        let mut failures = self.shared().journal.failures();
        match failures.wait_for(Option::is_some).await {
            Ok(failure) => failure.clone().unwrap_or_default(),
            Err(_) => "the journal is closed".to_owned(),
        }
    }

    /// Stops: no new work, transactions in flight are followed until `deadline`, then everything ends. What is unfinished is in the journal.
    /// Returns whether everything drained in time.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        self.shared().drain.cancel();
        self.running.tasks.tracker.close();
        let drained = tokio::select! {
            biased;
            () = self.running.tasks.tracker.wait() => true,
            () = self.shared().env.clock.sleep(deadline) => false,
        };
        self.running.tasks.abort();
        drained
    }
}

/// The channel at the end that packets of `direction` leave from.
fn channel_report(path: &Path, direction: Direction) -> Option<ChannelReport> {
    let end = path.from(direction);
    let (channel, seen) = (end.channel.clone()?, path.channel(direction)?);
    Some(ChannelReport { chain: end.chain.clone(), channel, state: seen.state })
}

fn chain_report(chain: &Chain) -> ChainReport {
    let spent_today = chain.spent_today();
    let seen = chain.seen();
    let wallet = |signer: &String| {
        let wallet = seen.wallets.get(signer).cloned().unwrap_or_default();
        WalletReport {
            signer: signer.clone(),
            address: wallet.address,
            balance: wallet.balance,
            denom: chain.description.fee_denom.clone(),
            in_flight: wallet.in_flight,
            blocked: wallet.blocked,
        }
    };
    ChainReport {
        chain: chain.id().clone(),
        native_chain_id: chain.description.native_chain_id.clone(),
        family: chain.description.family.clone(),
        head: *chain.head.borrow(),
        verified: Some(chain.trust.latest().height),
        cursor: seen.cursor,
        endpoints: seen.endpoints.clone(),
        divergence: seen.divergence.clone(),
        watch_error: seen.watch_error.clone(),
        wallets: chain.spec.signers.iter().map(wallet).collect(),
        spent_today,
        spend_cap_per_day: chain.spec.spend_cap_per_day,
        violations: seen.violations.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect(),
    }
}
