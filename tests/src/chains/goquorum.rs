//! GoQuorum networks: several QBFT validators on loopback, started from a genesis
//! block of their own, stopped and started again at will, voted in and out.
//!
//! [`binary_or_skip`] builds the node, [`Network::start`] runs one network. What
//! the chain then does is for the tests to judge.

mod build;
mod node;

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::Address;
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::evm::{Account, Rpc};
use crate::poll;
use crate::process::Usage;
use crate::qbft::{Extra, Header};

pub use build::binary_or_skip;
use node::Node;

/// Longest that a started node may take to answer its first call.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Wei that each account owns in the genesis block: a million units of 10^18.
const FUNDS: &str = "0xd3c21bcecceda1000000";

/// How a network shall be.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// `config.chainId` and the network's id; the node refuses 1.
    pub chain_id: u64,
    /// Validators in the genesis block; four tolerate one that is down.
    pub validators: usize,
    /// Accounts with funds in the genesis block.
    pub accounts: usize,
    /// Least seconds between two blocks.
    pub block_period_s: u64,
    /// Milliseconds before validators give up on round zero; doubles each round.
    pub request_timeout_ms: u64,
    /// Keep the state of every block. Otherwise nodes answer for the newest 128.
    pub archive: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { chain_id: 1337, validators: 4, accounts: 4, block_period_s: 1, request_timeout_ms: 2000, archive: false }
    }
}

/// A running network. Dropping it kills its nodes and removes their folders.
#[derive(Debug)]
pub struct Network {
    config: NetworkConfig,
    binary: PathBuf,
    genesis: PathBuf,
    nodes: Vec<Node>,
    accounts: Vec<Account>,
    dir: TempDir,
}

impl Network {
    /// Starts a network with the node at `binary` and waits for its first block.
    ///
    /// # Errors
    /// When a node does not start; the message carries the end of its log.
    pub async fn start(binary: &Path, config: NetworkConfig) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("goquorum-").tempdir()?;
        let accounts: Vec<Account> = (0..config.accounts).map(|_| Account::random()).collect();
        let mut nodes = Vec::with_capacity(config.validators);
        for index in 0..config.validators {
            nodes.push(Node::new(dir.path().join(format!("node{index}")))?);
        }
        let validators: Vec<Address> = nodes.iter().map(Node::address).collect();
        let genesis = dir.path().join("genesis.json");
        write_genesis(&genesis, config.chain_id, validators, &accounts)?;
        let binary = binary.to_path_buf();
        let mut network = Self { config, binary, genesis, nodes, accounts, dir };
        for index in 0..network.nodes.len() {
            network.initialise(index)?;
        }
        for index in 0..network.nodes.len() {
            network.launch(index)?;
        }
        for index in 0..network.nodes.len() {
            network.wait_until_ready(index).await?;
        }
        network.wait_for_height(1, START_LIMIT).await?;
        Ok(network)
    }

    /// `config.chainId`.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.config.chain_id
    }

    /// The JSON-RPC address of every node, running or not.
    #[must_use]
    pub fn rpc_urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::rpc_url).collect()
    }

    /// The genesis block's accounts with their keys.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Where the nodes keep their data and logs, for as long as the network lives.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// How many nodes there are, running or not.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The address that node `index` seals with.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn address(&self, index: usize) -> Result<Address> {
        Ok(self.node(index)?.address())
    }

    /// JSON-RPC towards node `index`.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn rpc(&self, index: usize) -> Result<Rpc> {
        Rpc::new(self.node(index)?.rpc_url())
    }

    /// JSON-RPC towards the first node that runs.
    ///
    /// # Errors
    /// When none runs.
    pub fn any_rpc(&self) -> Result<Rpc> {
        let node = self.nodes.iter().find(|node| node.is_started()).ok_or_else(|| anyhow!("no node runs"))?;
        Rpc::new(node.rpc_url())
    }

    /// Waits until the chain is at least `height` long and returns where it is.
    ///
    /// # Errors
    /// When it is not after `limit`.
    pub async fn wait_for_height(&self, height: u64, limit: Duration) -> Result<u64> {
        self.any_rpc()?.wait_for_height(height, limit).await
    }

    /// The header at `height`, checked against the block hash the node reports.
    ///
    /// # Errors
    /// When there is no such block or its bytes do not hash to its hash.
    pub async fn header(&self, height: u64) -> Result<Header> {
        Header::from_block(&self.any_rpc()?.block(height).await?)
    }

    /// Follows the chain from `from` until `wanted` accepts a header, at most `blocks` blocks.
    ///
    /// # Errors
    /// When none of them is wanted, or the chain stands still for `limit`.
    pub async fn find_header<F>(&self, from: u64, blocks: u64, limit: Duration, wanted: F) -> Result<(u64, Header)>
    where
        F: Fn(&Header) -> bool,
    {
        for height in from..from + blocks {
            self.wait_for_height(height, limit).await?;
            let header = self.header(height).await?;
            if wanted(&header) {
                return Ok((height, header));
            }
        }
        Err(anyhow!("no such header among blocks {from} to {}", from + blocks - 1))
    }

    /// Kills node `index` with SIGKILL.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn stop_node(&mut self, index: usize) -> Result<()> {
        self.node_mut(index)?.stop()
    }

    /// Starts node `index` again on its old data and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_node(&mut self, index: usize) -> Result<()> {
        self.launch(index)?;
        self.wait_until_ready(index).await
    }

    /// Adds a node that follows the chain without a seat, and returns its index.
    /// Vote it in with [`Network::propose`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_node(&mut self) -> Result<usize> {
        let index = self.nodes.len();
        self.nodes.push(Node::new(self.dir.path().join(format!("node{index}")))?);
        self.initialise(index)?;
        self.launch(index)?;
        self.wait_until_ready(index).await?;
        Ok(index)
    }

    /// Has every running node vote `validator` in or out. The chain counts the
    /// votes of the validators among them, one a block that each proposes.
    ///
    /// # Errors
    /// When a node refuses.
    pub async fn propose(&self, validator: Address, is_member: bool) -> Result<()> {
        for node in self.nodes.iter().filter(|node| node.is_started()) {
            let () = Rpc::new(node.rpc_url())?.call("istanbul_propose", json!([validator, is_member])).await?;
        }
        Ok(())
    }

    /// The validators of the next block, as the first running node has them.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn validators(&self) -> Result<Vec<Address>> {
        self.any_rpc()?.call("istanbul_getValidators", json!(["latest"])).await
    }

    /// Waits until `validator` is, or is no longer, in the validator set.
    ///
    /// # Errors
    /// When that is not so after `limit`.
    pub async fn wait_for_membership(&self, validator: Address, is_member: bool, limit: Duration) -> Result<()> {
        let what = format!("{validator} to be {}", if is_member { "a validator" } else { "no validator" });
        poll::until(&what, limit, || async { Ok((self.validators().await?.contains(&validator) == is_member).then_some(())) }).await
    }

    /// CPU time and memory of each running node.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn usage(&self) -> Result<Vec<Usage>> {
        self.nodes.iter().filter_map(Node::usage).collect()
    }

    fn initialise(&self, index: usize) -> Result<()> {
        self.node(index)?.initialise(&self.binary, &self.genesis)
    }

    /// Tells node `index` of all others and starts it.
    fn launch(&mut self, index: usize) -> Result<()> {
        let peers: Vec<String> = self.nodes.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, node)| node.enode()).collect();
        let Self { binary, config, .. } = self;
        let (binary, config) = (binary.clone(), config.clone());
        self.node_mut(index)?.launch(&binary, &config, &peers)
    }

    async fn wait_until_ready(&mut self, index: usize) -> Result<()> {
        let rpc = self.rpc(index)?;
        let node = std::cell::RefCell::new(self.node_mut(index)?);
        let what = format!("node {index} to answer");
        // A node that has died is not waited for.
        let answer: Result<u64> = poll::until(&what, START_LIMIT, || async {
            let running = node.borrow_mut().check_running();
            match running {
                Ok(()) => Ok(Some(Ok(rpc.height().await?))),
                Err(error) => Ok(Some(Err(error))),
            }
        })
        .await?;
        answer.map(drop).with_context(|| format!("start node {index}"))
    }

    fn node(&self, index: usize) -> Result<&Node> {
        self.nodes.get(index).ok_or_else(|| anyhow!("there is no node {index}"))
    }

    fn node_mut(&mut self, index: usize) -> Result<&mut Node> {
        self.nodes.get_mut(index).ok_or_else(|| anyhow!("there is no node {index}"))
    }
}

/// Fills the recorded template with what differs from network to network.
fn write_genesis(path: &Path, chain_id: u64, mut validators: Vec<Address>, accounts: &[Account]) -> Result<()> {
    // The chain keeps its validators sorted; the genesis block is no exception.
    validators.sort_unstable();
    let template = build::source_dir().join("genesis.json");
    let text = std::fs::read_to_string(&template).with_context(|| format!("read {}", template.display()))?;
    let mut genesis: Value = serde_json::from_str(&text)?;
    genesis["config"]["chainId"] = json!(chain_id);
    genesis["extraData"] = json!(format!("0x{}", hex::encode(Extra::genesis(validators))));
    for account in accounts {
        genesis["alloc"][format!("{:x}", account.address())] = json!({ "balance": FUNDS });
    }
    std::fs::write(path, serde_json::to_vec_pretty(&genesis)?)?;
    Ok(())
}
