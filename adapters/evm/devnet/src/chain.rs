//! The chain as it has been sealed: blocks, where each transaction is, and the states of
//! the recent ones. It only grows by one block at a time. Called by `node` and `rpc`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use alloy::consensus::{Header, ReceiptEnvelope, TxEnvelope, transaction::Recovered};
use alloy::primitives::{Address, B256};

use crate::header::Extra;
use crate::state::World;

/// A transaction with what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Included {
    pub(crate) tx: Recovered<TxEnvelope>,
    pub(crate) receipt: ReceiptEnvelope,
    pub(crate) gas_used: u64,
    /// Wei per gas that was paid.
    pub(crate) gas_price: u128,
    pub(crate) created: Option<Address>,
    /// Index within the block of this transaction's first log.
    pub(crate) first_log: u64,
}

/// A sealed block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) extra: Extra,
    /// Key indices of the members of `extra.validators`, by position.
    pub(crate) signers: Vec<u32>,
    pub(crate) hash: B256,
    pub(crate) size_bytes: u64,
    pub(crate) txs: Vec<Included>,
}

/// Where a transaction is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) block: u64,
    pub(crate) index: usize,
}

#[derive(Debug, Default)]
struct Data {
    blocks: Vec<Arc<Block>>,
    by_hash: HashMap<B256, u64>,
    positions: HashMap<B256, Position>,
    /// States of the last blocks, the newest last; never empty once genesis is in.
    states: std::collections::VecDeque<World>,
}

/// All blocks from genesis on. No lock is held while the EVM runs.
#[derive(Debug)]
pub(crate) struct Chain {
    data: RwLock<Data>,
    state_window_blocks: u64,
}

impl Chain {
    pub(crate) fn new(genesis: Block, state: World, state_window_blocks: u64) -> Self {
        let chain = Self { data: RwLock::default(), state_window_blocks };
        chain.push(genesis, state);
        chain
    }

    /// Appends a block, which must be the head's child, and forgets the oldest state.
    pub(crate) fn push(&self, block: Block, state: World) {
        let mut data = self.data.write().unwrap_or_else(PoisonError::into_inner);
        let number = data.blocks.len() as u64;
        debug_assert_eq!(block.header.number, number);
        data.by_hash.insert(block.hash, number);
        for (index, included) in block.txs.iter().enumerate() {
            data.positions.insert(*included.tx.tx_hash(), Position { block: number, index });
        }
        data.blocks.push(Arc::new(block));
        data.states.push_back(state);
        while data.states.len() as u64 > self.state_window_blocks {
            data.states.pop_front();
        }
    }

    /// The newest block and the state after it.
    pub(crate) fn head(&self) -> (Arc<Block>, World) {
        let data = self.read();
        let block = data.blocks.last().expect("a chain has a genesis from its construction on");
        let state = data.states.back().expect("the head's state is always kept");
        (block.clone(), state.clone())
    }

    /// The newest block's number.
    pub(crate) fn height(&self) -> u64 {
        self.read().blocks.len() as u64 - 1
    }

    /// The block at a number.
    pub(crate) fn block(&self, number: u64) -> Option<Arc<Block>> {
        self.read().blocks.get(usize::try_from(number).ok()?).cloned()
    }

    /// The number of the block with a hash.
    pub(crate) fn number_of(&self, hash: &B256) -> Option<u64> {
        self.read().by_hash.get(hash).copied()
    }

    /// The state after a block, if it is recent enough.
    pub(crate) fn state(&self, number: u64) -> Option<World> {
        let data = self.read();
        let oldest = (data.blocks.len() - data.states.len()) as u64;
        let index = usize::try_from(number.checked_sub(oldest)?).ok()?;
        data.states.get(index).cloned()
    }

    /// Where a transaction was included.
    pub(crate) fn position(&self, tx: &B256) -> Option<Position> {
        self.read().positions.get(tx).copied()
    }

    fn read(&self) -> RwLockReadGuard<'_, Data> {
        self.data.read().unwrap_or_else(PoisonError::into_inner)
    }
}
