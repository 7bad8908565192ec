//! A running chain: the head, the pool, the validators' state and the lies, with the task
//! that mines. Called by the crate's root, `control` and `rpc`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use alloy::consensus::{TxEnvelope, transaction::Recovered};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::clock::Clock;
use crate::config::DevnetConfig;
use crate::error::DevnetError;
use crate::faults::Faults;
use crate::header::Vote;
use crate::pool::{Pool, PoolError};
use crate::producer::{self, Plan};
use crate::state::World;
use crate::validators::{Keyring, ValidatorSet};

/// What the next block will be made with.
#[derive(Debug)]
pub(crate) struct Consensus {
    pub(crate) set: ValidatorSet,
    pub(crate) down: HashSet<u32>,
    /// For the next block alone.
    pub(crate) round: u32,
    /// For the next block alone.
    pub(crate) vote: Option<Vote>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: DevnetConfig,
    pub(crate) keyring: Keyring,
    pub(crate) chain: Arc<Chain>,
    pub(crate) clock: Clock,
    pub(crate) faults: RwLock<Faults>,
    pub(crate) mining: AtomicBool,
    /// HTTP requests and, within them, JSON-RPC calls that arrived.
    pub(crate) requests: [AtomicU64; 2],
    pool: Mutex<Pool>,
    /// Held while a block is made, so that blocks are made one at a time.
    consensus: Mutex<Consensus>,
}

impl Node {
    pub(crate) fn new(config: DevnetConfig) -> Self {
        let keyring = Keyring::new(config.seed);
        let clock = Clock::new(config.clock);
        let count = u32::try_from(config.validators).unwrap_or_default();
        let consensus = Consensus { set: ValidatorSet::new(&keyring, 0..count), down: HashSet::new(), round: 0, vote: None };
        let world = World::funded(&config.funded);
        let genesis = producer::genesis(&plan(&config, &keyring, &consensus, clock.now()), &world);
        Self {
            chain: Arc::new(Chain::new(genesis, world, config.state_window_blocks)),
            pool: Mutex::new(Pool::new(config.pool_transactions)),
            mining: AtomicBool::new(config.auto_mine),
            faults: RwLock::default(),
            requests: Default::default(),
            consensus: Mutex::new(consensus),
            config,
            keyring,
            clock,
        }
    }

    /// Makes one block now and returns its number.
    pub(crate) fn mine_one(&self) -> Result<u64, DevnetError> {
        let mut consensus = self.consensus();
        let (parent, state) = self.chain.head();
        let base_fee = producer::next_base_fee(&self.config, &parent.header).unwrap_or_default();
        let candidates = self.pool().candidates(&state, base_fee, self.config.block_gas_limit);
        let plan = plan(&self.config, &self.keyring, &consensus, self.clock.now());
        let produced = producer::produce(&plan, &self.chain, candidates)?;
        (consensus.round, consensus.vote) = (0, None);
        let senders: HashSet<_> = produced.block.txs.iter().map(|tx| tx.tx.signer()).collect();
        let number = produced.block.header.number;
        let mut pool = self.pool();
        self.chain.push(produced.block, produced.state.clone());
        pool.prune(senders, &produced.state);
        for hash in &produced.dropped {
            pool.remove(hash);
        }
        Ok(number)
    }

    /// Puts a checked transaction into the pool.
    pub(crate) fn submit(&self, tx: Recovered<TxEnvelope>) -> Result<(), PoolError> {
        let mut pool = self.pool();
        let (_, state) = self.chain.head();
        pool.add(tx, &state)
    }

    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn consensus(&self) -> MutexGuard<'_, Consensus> {
        self.consensus.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> Faults {
        self.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn plan<'a>(config: &'a DevnetConfig, keyring: &'a Keyring, consensus: &'a Consensus, timestamp: u64) -> Plan<'a> {
    Plan { config, keyring, set: &consensus.set, down: &consensus.down, round: consensus.round, vote: consensus.vote, timestamp }
}

/// Makes a block every period until it is cancelled. A slow block delays the next one.
pub(crate) async fn mine(node: Arc<Node>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(node.config.block_period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if !node.mining.load(Ordering::Relaxed) {
            continue;
        }
        let miner = node.clone();
        match tokio::task::spawn_blocking(move || miner.mine_one()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "no block this time"),
            Err(error) => tracing::error!(%error, "block production panicked"),
        }
    }
}
