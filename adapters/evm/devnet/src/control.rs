//! The handle by which tests and the demo drive a chain: mining, validators, time, and
//! what the RPC server lies about. Everything here acts at once, without the network.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};

use crate::error::DevnetError;
use crate::faults::{self, Faults, Outage};
use crate::header::Vote;
use crate::node::Node;
use crate::validators::{MAX_VALIDATORS, ValidatorSet};

/// Drives one chain. Clones drive the same one.
#[derive(Debug, Clone)]
pub struct Control {
    node: Arc<Node>,
}

impl Control {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    /// Stops making blocks; the RPC server keeps answering.
    pub fn pause(&self) {
        self.node.mining.store(false, Ordering::Relaxed);
    }

    /// Makes blocks again, one a period.
    pub fn resume(&self) {
        self.node.mining.store(true, Ordering::Relaxed);
    }

    /// Makes one block now and returns its number.
    ///
    /// # Errors
    /// [`DevnetError::NoQuorum`] if too many validators are down.
    pub fn mine_one(&self) -> Result<u64, DevnetError> {
        self.node.mine_one()
    }

    /// Makes `blocks` blocks now and returns the last one's number.
    ///
    /// # Errors
    /// As [`Control::mine_one`].
    pub fn mine(&self, blocks: u64) -> Result<u64, DevnetError> {
        let mut head = self.height();
        for _ in 0..blocks {
            head = self.mine_one()?;
        }
        Ok(head)
    }

    /// The true head.
    pub fn height(&self) -> u64 {
        self.node.chain.height()
    }

    /// Transactions that wait for a block.
    pub fn pool_transactions(&self) -> usize {
        self.node.pool().len()
    }

    /// Block time now, seconds since the epoch.
    pub fn now(&self) -> u64 {
        self.node.clock.now()
    }

    /// Moves block time ahead, from the next block on.
    pub fn advance_time(&self, seconds: u64) {
        self.node.clock.advance(seconds);
    }

    /// The RLP of the true header of a block, seals included.
    ///
    /// # Errors
    /// [`DevnetError::UnknownBlock`].
    pub fn header_rlp(&self, number: u64) -> Result<Bytes, DevnetError> {
        Ok(alloy::rlp::encode(&self.block(number)?.header).into())
    }

    /// The true hash of a block.
    ///
    /// # Errors
    /// [`DevnetError::UnknownBlock`].
    pub fn block_hash(&self, number: u64) -> Result<B256, DevnetError> {
        Ok(self.block(number)?.hash)
    }

    /// The RLP of another header for this height, which the same validators sealed: proof
    /// that they misbehaved. It has the state root of the true one.
    ///
    /// # Errors
    /// [`DevnetError::UnknownBlock`].
    pub fn conflicting_header_rlp(&self, number: u64) -> Result<Bytes, DevnetError> {
        let block = self.block(number)?;
        let (header, _) = faults::conflicting(&block, &self.node.keyring);
        Ok(alloy::rlp::encode(&header).into())
    }

    /// A header like the true one of this height but for what is changed, which the same validators sealed.
    ///
    /// # Errors
    /// [`DevnetError::UnknownBlock`].
    pub fn forged_header_rlp(&self, number: u64, change: impl FnOnce(&mut alloy::consensus::Header)) -> Result<Bytes, DevnetError> {
        let block = self.block(number)?;
        let (header, _) = faults::forged(&block, &self.node.keyring, change);
        Ok(alloy::rlp::encode(&header).into())
    }

    /// The validators of the next block, in the order of the header.
    pub fn validators(&self) -> Vec<Address> {
        self.node.consensus().set.addresses()
    }

    /// The address of validator `index`. Genesis has the indices from 0 on; higher ones
    /// are keys that may join.
    pub fn validator_address(&self, index: u32) -> Address {
        self.node.keyring.address(index)
    }

    /// The next block is sealed by the validators with these indices.
    ///
    /// # Errors
    /// [`DevnetError::ValidatorSet`] for an empty set or one above 128.
    pub fn set_validators(&self, indices: impl IntoIterator<Item = u32>) -> Result<(), DevnetError> {
        let set = ValidatorSet::new(&self.node.keyring, indices);
        if !(1..=MAX_VALIDATORS).contains(&set.len()) {
            return Err(DevnetError::ValidatorSet { found: set.len() });
        }
        self.node.consensus().set = set;
        Ok(())
    }

    /// Takes a validator down or up. Its turns as proposer raise the round; below a quorum
    /// the chain stands still.
    pub fn set_validator_down(&self, index: u32, down: bool) {
        let mut consensus = self.node.consensus();
        if down {
            consensus.down.insert(index);
        } else {
            consensus.down.remove(&index);
        }
    }

    /// The next block is decided in this round, not in round 0.
    pub fn force_round(&self, round: u32) {
        self.node.consensus().round = round;
    }

    /// The proposer of the next block writes this vote into its header. The set does not
    /// change by it: [`Control::set_validators`] does that.
    pub fn vote(&self, vote: Vote) {
        self.node.consensus().vote = Some(vote);
    }

    /// Changes what the RPC server lies about, at once.
    pub fn lie(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.node.faults.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// From now on the RPC server's head stands still; the chain moves on.
    pub fn freeze_served_head(&self) {
        let height = self.height();
        self.lie(|faults| faults.head_limit = Some(height));
    }

    /// The RPC server is out of order for a while; returns when it is over.
    pub async fn outage_for(&self, outage: Outage, time: Duration) {
        self.lie(|faults| faults.outage = Some(outage));
        tokio::time::sleep(time).await;
        self.lie(|faults| faults.outage = None);
    }

    /// HTTP requests that arrived, and the JSON-RPC calls within them.
    pub fn requests(&self) -> (u64, u64) {
        let [http, calls] = &self.node.requests;
        (http.load(Ordering::Relaxed), calls.load(Ordering::Relaxed))
    }

    /// Ends all lies.
    pub fn tell_the_truth(&self) {
        self.lie(|faults| *faults = Faults::default());
    }

    fn block(&self, number: u64) -> Result<Arc<crate::chain::Block>, DevnetError> {
        let unknown = || DevnetError::UnknownBlock { number, head: self.height() };
        self.node.chain.block(number).ok_or_else(unknown)
    }
}
