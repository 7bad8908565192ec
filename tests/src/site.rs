//! What an operator has: two GoQuorum networks, a configuration file that began as
//! the sample, keys, deployed contracts and a path. Every step is a command of the
//! binary, so that a test may stop before any of them.

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::chains::goquorum::{Network, NetworkConfig};
use crate::cli::{Cli, text};
use crate::dapp::User;
use crate::evm::Rpc;
use crate::ports;
use crate::process::Process;
use crate::relay::Relay;

/// Names of the chains, as the sample configuration has them.
pub const NAMES: [&str; 2] = ["alpha", "beta"];

/// Name of the path between them.
pub const PATH: &str = "alpha-beta";

/// Their chain ids, as the sample configuration has them.
pub const CHAIN_IDS: [u64; 2] = [1337, 1338];

/// The variable from which the sample configuration takes the passphrase.
const PASSPHRASE_VARIABLE: &str = "CAUSEWAY_PASSPHRASE";

/// The passphrase of the relayer's key.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// Two networks and an operator's folder.
#[derive(Debug)]
pub struct Site {
    /// The networks; the operator runs none of their nodes.
    pub networks: [Network; 2],
    /// Where the contracts are, once deployed.
    pub contracts: Vec<Contracts>,
    /// The clients at the path's ends, once created: of beta on alpha, of alpha on beta.
    pub clients: Vec<String>,
    /// Commands on the configuration.
    pub cli: Cli,
    grpc_port: u16,
    http_port: u16,
    starts: usize,
    folder: TempDir,
}

/// Addresses of one chain's contracts.
#[derive(Debug, Clone, Copy)]
pub struct Contracts {
    /// The router.
    pub router: Address,
    /// Token transfers.
    pub transfer: Address,
    /// General messages.
    pub gateway: Address,
    /// A token that anybody may mint.
    pub token: Address,
    /// A receiver of messages.
    pub echo: Address,
    /// A sender of any payload.
    pub raw: Address,
}

impl Site {
    /// Two running networks and an empty folder.
    ///
    /// # Errors
    /// When a network does not start, or there is no binary.
    pub async fn new(node: &Path) -> Result<Self> {
        let config = |chain_id| NetworkConfig { chain_id, ..NetworkConfig::default() };
        let [a, b] = CHAIN_IDS;
        let (a, b) = tokio::try_join!(Network::start(node, config(a)), Network::start(node, config(b)))?;
        let folder = tempfile::Builder::new().prefix("causeway-").tempdir()?;
        let file = folder.path().join("causeway.toml");
        let mut cli = Cli::new(file, folder.path().join("logs"))?;
        cli.set_env(PASSPHRASE_VARIABLE, PASSPHRASE);
        Ok(Self {
            networks: [a, b],
            contracts: Vec::new(),
            clients: Vec::new(),
            cli,
            grpc_port: ports::pick()?,
            http_port: ports::pick()?,
            starts: 0,
            folder,
        })
    }

    /// As [`Site::new`], then everything up to a path: the relayer can be started.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn ready(node: &Path) -> Result<Self> {
        let mut site = Self::new(node).await?;
        site.init().await?;
        site.cli.ok(&["key", "add", "relayer", "--passphrase-env", PASSPHRASE_VARIABLE]).await?;
        site.deploy().await?;
        site.trust().await?;
        site.cli.ok(&["path", "create", NAMES[0], NAMES[1]]).await?;
        site.read_path().await?;
        Ok(site)
    }

    /// Writes the sample configuration and puts this site's addresses into it: two nodes a chain.
    ///
    /// # Errors
    /// When the command fails or the sample is not what is edited here.
    pub async fn init(&self) -> Result<()> {
        self.cli.ok(&["init"]).await?;
        self.edit("127.0.0.1:7600", &format!("127.0.0.1:{}", self.grpc_port))?;
        self.edit("127.0.0.1:7601", &format!("127.0.0.1:{}", self.http_port))?;
        self.edit("# clear_interval_s = 60 ", "clear_interval_s = 5 ")?;
        for (network, sample) in self.networks.iter().zip(["8545", "8546"]) {
            let urls = network.rpc_urls();
            let list: Vec<String> = urls.iter().take(2).map(|url| format!("{{ url = \"{url}\" }}")).collect();
            let old = format!("\nrpc = [{{ url = \"http://127.0.0.1:{sample}\" }}]");
            self.edit(&old, &format!("\nrpc = [{}]", list.join(", ")))?;
        }
        Ok(())
    }

    /// Replaces `old`, which must be there, by `new` in the configuration: its first place.
    ///
    /// # Errors
    /// When it is not there.
    pub fn edit(&self, old: &str, new: &str) -> Result<()> {
        edit(self.cli.config(), old, new)
    }

    /// A copy of the configuration under another name in the same folder, edited.
    ///
    /// # Errors
    /// When `old` is not there.
    pub fn variant(&self, name: &str, old: &str, new: &str) -> Result<Cli> {
        let file = self.folder.path().join(name);
        std::fs::copy(self.cli.config(), &file)?;
        edit(&file, old, new)?;
        Ok(self.cli.with_config(file))
    }

    /// Deploys the contracts and the applications to try things out with on both chains at once.
    ///
    /// Two commands must not write one configuration file at the same time: the second chain's
    /// writes a copy, and is then repeated on the file itself, where it finds all done.
    ///
    /// # Errors
    /// When a deployment fails.
    pub async fn deploy(&mut self) -> Result<()> {
        let copy = self.variant("copy.toml", "store", "store")?;
        let [a, b] = NAMES.map(|name| ["contracts", "deploy", "--chain", name, "--demo-apps"]);
        let (a, _) = tokio::try_join!(self.cli.json(&a), copy.json(&b))?;
        let b = self.cli.json(&b).await?;
        for answer in [a, b] {
            self.contracts.push(Contracts::read(&answer["deployment"])?);
        }
        Ok(())
    }

    /// Sets the roots of trust to what the endpoints say; the test runs the nodes.
    ///
    /// # Errors
    /// When a command fails.
    pub async fn trust(&self) -> Result<()> {
        for name in NAMES {
            let shown = self.cli.json(&["trust", "show", name]).await?;
            let height = shown["height"].to_string();
            let hash = text(&shown, "/hash")?;
            let args = ["trust", "set", name, "--height", &height, "--hash", hash];
            self.cli.ok(&args).await?;
        }
        Ok(())
    }

    /// Reads the clients of the path that was created.
    ///
    /// # Errors
    /// When there is not exactly one path.
    pub async fn read_path(&mut self) -> Result<()> {
        let list = self.cli.json(&["path", "list"]).await?;
        ensure!(list["paths"].as_array().map(Vec::len) == Some(1), "one path was due: {list}");
        ensure!(text(&list, "/paths/0/name")? == PATH, "{list}");
        self.clients = ["/paths/0/a/client", "/paths/0/b/client"]
            .into_iter()
            .map(|pointer| text(&list, pointer).map(str::to_owned))
            .collect::<Result<_>>()?;
        Ok(())
    }

    /// Starts the relayer and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the message carries the end of its log.
    pub async fn start(&mut self) -> Result<Process> {
        self.starts += 1;
        let mut relayer = self.cli.spawn(&format!("start-{}", self.starts), &["start", "--json"])?;
        self.wait_until_ready(&mut relayer).await?;
        Ok(relayer)
    }

    /// Waits until a started relayer is ready.
    ///
    /// # Errors
    /// As [`Site::start`].
    pub async fn wait_until_ready(&self, relayer: &mut Process) -> Result<()> {
        self.http()?.wait_until_ready(relayer).await
    }

    /// The running relayer's services.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn relay(&self) -> Result<Relay> {
        Relay::connect(&format!("http://127.0.0.1:{}", self.grpc_port)).await
    }

    /// The running relayer's HTTP pages.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn http(&self) -> Result<crate::relay::Pages> {
        crate::relay::Pages::new(format!("http://127.0.0.1:{}", self.http_port))
    }

    /// A user of chain `index` with tokens to send, whose node is not among the relayer's.
    ///
    /// # Errors
    /// When the chain refuses.
    pub async fn user(&self, index: usize) -> Result<User> {
        let network = &self.networks[index];
        let account = network.accounts().first().ok_or_else(|| anyhow!("the network has no accounts"))?;
        let mut user = User::new(account.clone(), network.rpc(2)?, network.chain_id()).await?;
        user.fund(&self.contracts[index]).await?;
        Ok(user)
    }

    /// JSON-RPC towards a node of chain `index` that no test stops.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn rpc(&self, index: usize) -> Result<Rpc> {
        self.networks[index].rpc(2)
    }

    /// The operator's folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Runs a test's scenario here. What goes wrong is told with the operator's folder, which stays to be looked at where `CAUSEWAY_KEEP` is set.
    ///
    /// # Errors
    /// That of the scenario.
    pub async fn run(mut self, scenario: impl AsyncFnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let result = scenario(&mut self).await;
        let keep = result.is_err() && std::env::var_os("CAUSEWAY_KEEP").is_some();
        self.folder.disable_cleanup(keep);
        result.with_context(|| format!("operator's folder: {}", self.folder.path().display()))
    }
}

impl Contracts {
    fn read(deployment: &Value) -> Result<Self> {
        let address = |name: &str| -> Result<Address> {
            serde_json::from_value(deployment[name].clone()).with_context(|| format!("{name} of {deployment}"))
        };
        Ok(Self {
            router: address("router")?,
            transfer: address("token_transfer")?,
            gateway: address("message_gateway")?,
            token: address("test_token")?,
            echo: address("echo")?,
            raw: address("raw_sender")?,
        })
    }
}

fn edit(file: &Path, old: &str, new: &str) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    ensure!(text.contains(old), "`{old}` is not in {}", file.display());
    std::fs::write(file, text.replacen(old, new, 1))?;
    Ok(())
}
