//! Networks as they are before their first block: keys, configuration and genesis files. Each is made once, kept under the target folder, and copied for every test
//! that wants one like it: the node's own command line takes a second of CPU for each of the ten calls a network is made with.

use std::fs::File;
use std::path::{Path, PathBuf};

use alloy::primitives::keccak256;
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::node::Node;
use super::{Account, NetworkConfig};
use crate::{clock, repo};

/// What every account owns in the genesis block, in `stake`.
const FUNDS: &str = "1000000000000stake";

/// What a validator binds.
const BOND: &str = "1000000000stake";

/// Where a node's home has the genesis file, and the template the accounts.
const GENESIS: &str = "config/genesis.json";
const ACCOUNTS: &str = "accounts.json";

/// A network that was made, and that nobody starts.
#[derive(Debug)]
pub(super) struct Template<'a> {
    dir: PathBuf,
    binary: &'a Path,
    config: &'a NetworkConfig,
}

impl<'a> Template<'a> {
    /// The one for a configuration and a node, made now if it is not there yet.
    pub(super) fn of(binary: &'a Path, config: &'a NetworkConfig) -> Result<Self> {
        let node = std::fs::metadata(binary)?;
        // What makes it decides what it is as well: a folder that is kept serves no other code.
        let made_by = [include_str!("template.rs"), include_str!("node.rs"), include_str!("release.rs")].concat();
        let key = format!("{config:?} {} {} {:?} {made_by}", binary.display(), node.len(), node.modified()?);
        let cache = repo::chain_cache();
        let dir = cache.join(format!("network-{}", hex::encode(&keccak256(key)[..8])));
        let template = Self { dir, binary, config };
        std::fs::create_dir_all(&cache)?;
        // Tests run side by side, in threads and in processes: one makes it, the rest wait.
        let lock = File::create(template.dir.with_extension("lock"))?;
        lock.lock()?;
        if !template.dir.is_dir() {
            template.make()?;
        }
        Ok(template)
    }

    /// Its nodes in a folder of their own, with ports of their own, on a chain that begins now; and its accounts.
    pub(super) fn copy(&self, to: &Path) -> Result<(Vec<Node>, Vec<Account>)> {
        let mut genesis: Value = serde_json::from_slice(&std::fs::read(self.home(0).join(GENESIS))?)?;
        genesis["genesis_time"] = json!(clock::rfc3339_now()?);
        let genesis = serde_json::to_vec(&genesis)?;
        let mut nodes = Vec::with_capacity(self.config.validators);
        for index in 0..self.config.validators {
            let node = Node::copy(self.binary, to.join(format!("node{index}")), self.config, &self.home(index))?;
            std::fs::write(node.genesis(), &genesis)?;
            nodes.push(node);
        }
        let accounts = serde_json::from_slice(&std::fs::read(self.dir.join(ACCOUNTS))?)?;
        Ok((nodes, accounts))
    }

    fn home(&self, index: usize) -> PathBuf {
        self.dir.join(format!("node{index}"))
    }

    /// What is half made is never taken for the whole.
    fn make(&self) -> Result<()> {
        let partial = self.dir.with_extension("partial");
        if partial.is_dir() {
            std::fs::remove_dir_all(&partial)?;
        }
        std::fs::create_dir_all(&partial)?;
        let mut nodes = Vec::with_capacity(self.config.validators);
        for index in 0..self.config.validators {
            nodes.push(Node::new(self.binary, partial.join(format!("node{index}")), self.config)?);
        }
        let accounts = self.write_genesis(&nodes)?;
        std::fs::write(partial.join(ACCOUNTS), serde_json::to_vec(&accounts)?)?;
        Ok(std::fs::rename(partial, &self.dir)?)
    }

    /// Keys, funds, bonds and the knobs of the configuration, into the genesis file of the first node.
    fn write_genesis(&self, nodes: &[Node]) -> Result<Vec<Account>> {
        let config = self.config;
        let first = nodes.first().context("a network has a node")?;
        let mut accounts: Vec<Account> = config.accounts.iter().map(|name| first.add_key(name)).collect::<Result<_>>()?;
        let validators: Vec<Account> = nodes.iter().map(|node| node.add_key("validator")).collect::<Result<_>>()?;
        for account in validators.iter().chain(&accounts) {
            first.run(&config.release.genesis(&["add-genesis-account", &account.address, FUNDS]))?;
        }
        adjust(&first.genesis(), config)?;
        let collected = first.home().join("config/gentx");
        std::fs::create_dir_all(&collected)?;
        for (index, node) in nodes.iter().enumerate() {
            if index > 0 {
                std::fs::copy(first.genesis(), node.genesis())?;
            }
            let document = collected.join(format!("gentx-{index}.json"));
            let document = document.to_string_lossy().into_owned();
            let chain = ["--chain-id", config.chain_id.as_str(), "--keyring-backend", "test", "--output-document", &document];
            node.run(&[&config.release.genesis(&["gentx", "validator", BOND])[..], &chain].concat())?;
        }
        first.run(&config.release.genesis(&["collect-gentxs"]))?;
        accounts.extend(validators.into_iter().take(1));
        Ok(accounts)
    }
}

/// Fills in what differs from the application's own genesis.
fn adjust(path: &Path, config: &NetworkConfig) -> Result<()> {
    let mut genesis: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut set = |pointer: &str, value: Value| -> Result<()> {
        *genesis.pointer_mut(pointer).ok_or_else(|| anyhow!("no {pointer} in the genesis file"))? = value;
        Ok(())
    };
    set("/app_state/staking/params/unbonding_time", json!(format!("{}s", config.unbonding_s)))?;
    set("/app_state/gov/params/voting_period", json!(format!("{}s", config.voting_period_s)))?;
    set("/app_state/gov/params/max_deposit_period", json!(format!("{}s", config.voting_period_s)))?;
    if config.release.has_expedited() {
        set("/app_state/gov/params/expedited_voting_period", json!(format!("{}s", config.voting_period_s / 2)))?;
    }
    set("/app_state/gov/params/min_deposit", json!([{ "denom": "stake", "amount": "1" }]))?;
    if config.secp256k1 {
        set("/consensus/params/validator/pub_key_types", json!(["secp256k1"]))?;
    }
    std::fs::write(path, serde_json::to_vec_pretty(&genesis)?)?;
    Ok(())
}
