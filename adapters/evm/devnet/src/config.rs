//! How a chain is described before it starts. Called by the demo and the tests.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256, keccak256};
use revm::primitives::hardfork::SpecId;

use crate::error::DevnetError;

/// The consensus whose headers the chain writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsensusKind {
    /// QBFT of Besu and GoQuorum.
    #[default]
    Qbft,
    /// IBFT 2.0 of Besu.
    Ibft2,
}

/// The rules of the EVM and, with them, the fields of the header, from block 0 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Fork {
    /// 15 header fields; transactions may be free.
    #[default]
    Berlin,
    /// Adds the base fee (EIP-1559): 16 fields.
    London,
    /// Adds the withdrawals root: 17 fields.
    Shanghai,
    /// Adds blob gas fields and the beacon root, all zero: 20 fields.
    Cancun,
}

impl Fork {
    pub(crate) fn spec(self) -> SpecId {
        match self {
            Self::Berlin => SpecId::BERLIN,
            Self::London => SpecId::LONDON,
            Self::Shanghai => SpecId::SHANGHAI,
            Self::Cancun => SpecId::CANCUN,
        }
    }
}

/// The base fee from London on, in wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseFee {
    /// Always this; 0 is Besu's `zeroBaseFee`.
    Fixed(u64),
    /// EIP-1559, beginning with this.
    Market(u64),
}

/// Where block timestamps come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockMode {
    /// The system's clock; it can be moved ahead by the control handle.
    #[default]
    System,
    /// Stands at this time (seconds since the epoch) until the control handle moves it.
    Manual(u64),
}

/// What the RPC server allows a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcLimits {
    /// Requests in one batch.
    pub batch_requests: usize,
    /// Bytes of one HTTP body.
    pub body_bytes: usize,
    /// Blocks that one `eth_getLogs` may cover.
    pub log_range_blocks: u64,
    /// Logs that one `eth_getLogs` may return.
    pub log_results: usize,
    /// Storage keys in one `eth_getProof`.
    pub proof_keys: usize,
    /// Gas of one `eth_call` or `eth_estimateGas`.
    pub call_gas: u64,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            batch_requests: 100,
            body_bytes: 4 << 20,
            log_range_blocks: 5_000,
            log_results: 10_000,
            proof_keys: 1_024,
            call_gas: 100_000_000,
        }
    }
}

/// A chain to start. The same configuration gives the same validators and genesis.
#[derive(Debug, Clone)]
pub struct DevnetConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// How many validators the genesis has, 1 to 128.
    pub validators: usize,
    /// Every key of the chain is derived from it. They are for tests: anyone can derive them.
    pub seed: u64,
    /// Time from one block to the next. Below a second, neighbours share a timestamp.
    pub block_period: Duration,
    /// Whether blocks are produced by themselves from the start.
    pub auto_mine: bool,
    /// TCP port on 127.0.0.1; 0 is any.
    pub port: u16,
    /// Consensus.
    pub kind: ConsensusKind,
    /// EVM rules.
    pub fork: Fork,
    /// Base fee; ignored before London.
    pub base_fee: BaseFee,
    /// Balances at genesis, wei.
    pub funded: Vec<(Address, U256)>,
    /// Gas limit of every block.
    pub block_gas_limit: u64,
    /// Recent blocks whose state can be read and proven.
    pub state_window_blocks: u64,
    /// Block timestamps.
    pub clock: ClockMode,
    /// Transactions the pool holds.
    pub pool_transactions: usize,
    /// Limits of the RPC server.
    pub rpc: RpcLimits,
}

impl Default for DevnetConfig {
    fn default() -> Self {
        Self {
            chain_id: 1337,
            validators: 4,
            seed: 0,
            block_period: Duration::from_secs(1),
            auto_mine: true,
            port: 0,
            kind: ConsensusKind::Qbft,
            fork: Fork::Berlin,
            base_fee: BaseFee::Market(1_000_000_000),
            funded: Vec::new(),
            block_gas_limit: 30_000_000,
            state_window_blocks: 128,
            clock: ClockMode::System,
            pool_transactions: 16_384,
            rpc: RpcLimits::default(),
        }
    }
}

impl DevnetConfig {
    /// Adds `n` development accounts with `balance` wei each; their keys are
    /// [`dev_key`]`(seed, 0..n)`, so the seed must be set before.
    #[must_use]
    pub fn fund_dev_accounts(mut self, n: u32, balance: U256) -> Self {
        let seed = self.seed;
        self.funded.extend((0..n).map(|i| (crate::validators::address_of(&dev_key(seed, i)), balance)));
        self
    }

    pub(crate) fn validate(&self) -> Result<(), DevnetError> {
        let refuse = |key, found: String, allowed| Err(DevnetError::Config { key, found, allowed });
        if self.chain_id == 0 || self.chain_id > u64::MAX / 2 - 36 {
            return refuse("chain_id", self.chain_id.to_string(), "1 to 2^63 - 37 (EIP-2294)");
        }
        if !(1..=crate::validators::MAX_VALIDATORS).contains(&self.validators) {
            return refuse("validators", self.validators.to_string(), "1 to 128");
        }
        if self.block_period < Duration::from_millis(10) {
            return refuse("block_period", format!("{:?}", self.block_period), "10 ms or more");
        }
        if self.block_gas_limit < 1_000_000 {
            return refuse("block_gas_limit", self.block_gas_limit.to_string(), "1000000 or more");
        }
        if self.state_window_blocks == 0 {
            return refuse("state_window_blocks", "0".into(), "1 or more");
        }
        Ok(())
    }
}

/// The secret key of a development account: public knowledge, worth nothing.
pub fn dev_key(seed: u64, index: u32) -> B256 {
    derived_key("causeway devnet account", seed, index)
}

pub(crate) fn derived_key(tag: &str, seed: u64, index: u32) -> B256 {
    keccak256([tag.as_bytes(), &seed.to_be_bytes(), &index.to_be_bytes()].concat())
}
