//! Cosmos networks: validators of ibc-go's simulation application on loopback, with short blocks, stopped and started again at will.
//!
//! [`binary_or_skip`] builds the node, [`Network::start`] runs one network. Accounts come from the node's own command line, queries and
//! transactions go through its own interfaces, so that nothing of the product takes part. What the chain then does is for the tests to judge.

mod node;
mod release;
mod rest;
mod successor;
mod template;
mod transaction;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::text;
use crate::poll;
use crate::process::Usage;
use node::Node;
use template::Template;
use transaction::Fee;

pub use release::Release;

/// Longest that a started node may take to answer, and a network to make its first blocks.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Longest that a node may take to answer one call.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Longest that a transaction may take into a block.
const INCLUSION_LIMIT: Duration = Duration::from_secs(30);

/// How a network shall be.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// What the chain calls itself; two characters or more before `-N`.
    pub chain_id: String,
    /// Which release of the node it is started with.
    pub release: Release,
    /// Validators; four tolerate one that is down.
    pub validators: usize,
    /// Names of accounts with funds, besides those of the validators.
    pub accounts: Vec<String>,
    /// Milliseconds between a commit and the next proposal.
    pub commit_ms: u64,
    /// Staking's unbonding time, seconds: it bounds the trusting period.
    pub unbonding_s: u64,
    /// Voting period of governance, seconds.
    pub voting_period_s: u64,
    /// Validators sign with secp256k1 instead of ed25519.
    pub secp256k1: bool,
    /// Most calls in one JSON-RPC batch; the node's own default is 10.
    pub batch_calls_max: u32,
    /// States kept for queries; `None`: the node's default, far more than a test makes.
    pub states_kept: Option<u64>,
    /// Whether nodes index transactions.
    pub tx_index: bool,
    /// Least price of a unit of gas, as nodes write it; what the network's own accounts send pays ten times as much.
    pub gas_price_min: String,
}

impl NetworkConfig {
    /// One validator, half-second blocks, an account `user` and an account `relayer`.
    #[must_use]
    pub fn new(chain_id: &str) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            release: Release::default(),
            validators: 1,
            accounts: vec!["user".to_owned(), "relayer".to_owned()],
            commit_ms: 500,
            unbonding_s: 21 * 86_400,
            voting_period_s: 10,
            secp256k1: false,
            batch_calls_max: 10,
            states_kept: None,
            tx_index: true,
            gas_price_min: "0stake".to_owned(),
        }
    }
}

/// An account of the genesis block.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Its name in the node's keyring.
    pub name: String,
    /// Its bech32 address.
    pub address: String,
    /// The words its key derives from, at the chain's usual path.
    pub mnemonic: String,
    /// That key, as hex.
    secret: String,
}

/// A running network. Dropping it kills its nodes and removes their folders.
#[derive(Debug)]
pub struct Network {
    config: NetworkConfig,
    binary: PathBuf,
    nodes: Vec<Node>,
    accounts: Vec<Account>,
    http: reqwest::Client,
    dir: TempDir,
}

/// The node of today, as [`Release::binary_or_skip`].
///
/// # Errors
/// When the build fails, or Go is absent on CI.
pub fn binary_or_skip() -> Result<Option<PathBuf>> {
    Release::default().binary_or_skip()
}

impl Network {
    /// Starts a network with the node at `binary` and waits for its second block.
    ///
    /// # Errors
    /// When a node does not start; the message carries the end of its log.
    pub async fn start(binary: &Path, config: NetworkConfig) -> Result<Self> {
        let mut dir = tempfile::Builder::new().prefix("simd-").tempdir()?;
        dir.disable_cleanup(std::env::var_os("CAUSEWAY_KEEP").is_some());
        let (nodes, accounts) = Template::of(binary, &config)?.copy(dir.path())?;
        // The client insists on a TLS provider even for plain HTTP; a second installation is refused, which is fine.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(CALL_LIMIT).no_proxy().build()?;
        let mut network = Self { config, binary: binary.to_path_buf(), nodes, accounts, http, dir };
        for index in 0..network.nodes.len() {
            network.launch(index)?;
        }
        for index in 0..network.nodes.len() {
            network.wait_until_ready(index).await?;
        }
        network.wait_for_height(2, START_LIMIT).await?;
        Ok(network)
    }

    /// What the chain calls itself.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.config.chain_id
    }

    /// CometBFT's RPC address of every node, running or not.
    #[must_use]
    pub fn rpc_urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::rpc_url).collect()
    }

    /// Where the nodes keep their data and logs, for as long as the network lives.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// An account of the genesis block.
    ///
    /// # Errors
    /// When none has that name.
    pub fn account(&self, name: &str) -> Result<&Account> {
        self.accounts.iter().find(|account| account.name == name).ok_or_else(|| anyhow!("no account `{name}`"))
    }

    /// The secret key with which node `index` votes, ed25519: for tests in which a validator signs two chains.
    ///
    /// # Errors
    /// When its file does not hold one.
    pub fn validator_secret(&self, index: usize) -> Result<[u8; 32]> {
        self.node(index)?.validator_secret()
    }

    /// The newest height that node `index` has committed.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn height(&self, index: usize) -> Result<u64> {
        let status: Value = self.http.get(format!("{}/status", self.node(index)?.rpc_url())).send().await?.json().await?;
        let text = status.pointer("/result/sync_info/latest_block_height").and_then(Value::as_str);
        Ok(text.context("a status without a height")?.parse()?)
    }

    /// Waits until a running node is at `height`, and returns where it is.
    ///
    /// # Errors
    /// When it is not after `limit`.
    pub async fn wait_for_height(&self, height: u64, limit: Duration) -> Result<u64> {
        self.wait_for_node(self.first_running()?, height, limit).await
    }

    /// Waits until node `index` is at `height`, and returns where it is.
    ///
    /// # Errors
    /// When it is not after `limit`.
    pub async fn wait_for_node(&self, index: usize, height: u64, limit: Duration) -> Result<u64> {
        let what = format!("height {height} of {} on node {index}", self.config.chain_id);
        poll::until(&what, limit, || async {
            let at = self.height(index).await?;
            Ok((at >= height).then_some(at))
        })
        .await
    }

    /// Kills node `index` with SIGKILL.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn stop_node(&mut self, index: usize) -> Result<()> {
        self.node_mut(index)?.stop()
    }

    /// Starts node `index` again on its old data and waits until it answers and, where no node is missing, takes transactions.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_node(&mut self, index: usize) -> Result<()> {
        self.launch(index)?;
        self.wait_until_ready(index).await?;
        if self.nodes.iter().all(Node::is_started) {
            // Until its next block, which the one after shows to be executed, a node takes account numbers for those of a chain without blocks,
            // and refuses signatures.
            let executed = self.height(index).await? + 2;
            self.wait_for_node(index, executed, START_LIMIT).await?;
        }
        Ok(())
    }

    /// Starts node `index` again with no peer to learn from: it answers, and stays where it is.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_node_alone(&mut self, index: usize) -> Result<()> {
        self.node_mut(index)?.launch(&[])?;
        self.wait_until_ready(index).await
    }

    /// Adds a node that follows the chain without a vote, and returns its index.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_node(&mut self) -> Result<usize> {
        let index = self.nodes.len();
        let node = Node::new(&self.binary, self.dir.path().join(format!("node{index}")), &self.config)?;
        std::fs::copy(self.node(0)?.genesis(), node.genesis())?;
        self.nodes.push(node);
        self.start_node(index).await?;
        Ok(index)
    }

    /// Asks the chain through the node's command line: `simd query …`, as JSON.
    ///
    /// # Errors
    /// When the command fails.
    pub fn query(&self, args: &[&str]) -> Result<Value> {
        let node = self.node(self.first_running()?)?;
        let url = node.rpc_tcp();
        let mut all = vec!["query"];
        all.extend(args);
        all.extend(["--node", &url, "--output", "json"]);
        node.json(&all)
    }

    /// Asks the chain through a node's REST interface, which costs little: for what is asked often.
    ///
    /// # Errors
    /// When there is no such thing.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.node(self.first_running()?)?.rest().get(path)
    }

    /// A command of the node's own that answers JSON and asks nobody.
    ///
    /// # Errors
    /// When it fails.
    pub fn run_json(&self, args: &[&str]) -> Result<Value> {
        self.node(0)?.json(args)
    }

    /// What an address owns of a denomination.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn balance(&self, address: &str, denom: &str) -> Result<u128> {
        let path = format!("/cosmos/bank/v1beta1/balances/{address}/by_denom?denom={denom}");
        Ok(text(&self.get(&path)?, "/balance/amount")?.parse()?)
    }

    /// Signs messages with the key of an account, as one transaction, and waits until it is in a block. Returns its hash.
    ///
    /// # Errors
    /// When the chain refuses it, before a block or in it.
    pub async fn submit(&self, account: &str, messages: &[Value]) -> Result<String> {
        let hash = self.send(account, messages)?;
        let what = format!("transaction {hash} on {}", self.config.chain_id);
        // Not by the node's command line, which takes a second of CPU each time.
        let url = format!("{}/tx?hash=0x{hash}", self.node(self.first_running()?)?.rpc_url());
        let answer = poll::until(&what, INCLUSION_LIMIT, || async {
            let answer: Value = self.http.get(&url).send().await?.json().await?;
            Ok(answer.pointer("/result/tx_result").cloned())
        })
        .await?;
        ensure!(answer.get("code").and_then(Value::as_u64).unwrap_or(0) == 0, "transaction {hash} failed: {answer}");
        Ok(hash)
    }

    /// As [`Network::submit`], without waiting for the block.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub fn send(&self, account: &str, messages: &[Value]) -> Result<String> {
        let node = self.node(self.first_running()?)?;
        let gas = 250_000 + 250_000 * messages.len();
        let price: f64 = self.config.gas_price_min.trim_end_matches("stake").parse()?;
        let fee = Fee { amount: (price * 10.0 * gas as f64).ceil() as u64, gas };
        let tx = transaction::signed(node.rest(), self.chain_id(), self.account(account)?, messages, fee)?;
        let body = json!({ "tx_bytes": BASE64_STANDARD.encode(tx), "mode": "BROADCAST_MODE_SYNC" });
        let answer = node.rest().post("/cosmos/tx/v1beta1/txs", &body)?["tx_response"].take();
        if answer.get("code").and_then(Value::as_u64) != Some(0) {
            bail!("{} refused a transaction of {account}: {answer}", self.config.chain_id);
        }
        Ok(text(&answer, "/txhash")?.to_owned())
    }

    /// CPU time and memory of each running node.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn usage(&self) -> Result<Vec<Usage>> {
        self.nodes.iter().filter_map(Node::usage).collect()
    }

    /// Tells node `index` of all others and starts it.
    fn launch(&mut self, index: usize) -> Result<()> {
        let peers: Vec<String> = self.nodes.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, node)| node.peer()).collect();
        self.node_mut(index)?.launch(&peers)
    }

    async fn wait_until_ready(&mut self, index: usize) -> Result<()> {
        let url = format!("{}/status", self.node(index)?.rpc_url());
        let http = self.http.clone();
        let node = std::cell::RefCell::new(self.node_mut(index)?);
        // A node that has died is not waited for.
        let answer: Result<()> = poll::until(&format!("node {index} to answer"), START_LIMIT, || async {
            let running = node.borrow_mut().check_running();
            if let Err(error) = running {
                return Ok(Some(Err(error)));
            }
            http.get(&url).send().await?;
            // Its other interface comes up by itself, and answers once there is state.
            node.borrow().rest().get("/cosmos/auth/v1beta1/params")?;
            Ok(Some(Ok(())))
        })
        .await?;
        answer.with_context(|| format!("start node {index}"))
    }

    fn first_running(&self) -> Result<usize> {
        self.nodes.iter().position(Node::is_started).ok_or_else(|| anyhow!("no node of {} runs", self.config.chain_id))
    }

    fn node(&self, index: usize) -> Result<&Node> {
        self.nodes.get(index).ok_or_else(|| anyhow!("there is no node {index}"))
    }

    fn node_mut(&mut self, index: usize) -> Result<&mut Node> {
        self.nodes.get_mut(index).ok_or_else(|| anyhow!("there is no node {index}"))
    }
}
