//! What an operator of Cosmos chains has: two networks, a configuration, keys from mnemonics, a path; and what users send there.
//!
//! Every step is a command of the binary. Balances, packets and acknowledgements are read through the nodes' own interfaces.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::chains::simd::{Network, NetworkConfig};
use crate::cli::{Cli, text};
use crate::process::Process;
use crate::relay::{Pages, Relay};
use crate::{poll, ports};

mod foreign;
mod line;
mod setup;

pub use crate::clock::unix_s;
pub use line::{Forward, Line, Protocol};
pub use setup::Setup;
use setup::add_key;

/// Names of the chains in the configuration.
pub const NAMES: [&str; 2] = ["chaina", "chainb"];

/// Name of the path between them.
pub const PATH: &str = "chaina-chainb";

/// What the chains call themselves.
pub const CHAIN_IDS: [&str; 2] = ["chaina-1", "chainb-1"];

/// The connection that the first channel brings with it.
const CONNECTION: &str = "connection-0";

/// The variable that holds the passphrase of all keys, and the passphrase.
pub const PASSPHRASE: (&str, &str) = ("CAUSEWAY_PASSPHRASE", "correct horse battery staple");

/// Two networks and an operator's folder.
#[derive(Debug)]
pub struct Site {
    /// The networks; the operator runs none of their nodes.
    pub networks: [Network; 2],
    /// The clients at the path's ends, once created: of the second chain on the first, and the other way.
    pub clients: Vec<String>,
    /// Commands on the configuration.
    pub cli: Cli,
    grpc_port: u16,
    http_port: u16,
    starts: usize,
    folder: TempDir,
}

impl Site {
    /// Two running networks, a configuration with keys and roots of trust, and a path.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn ready(node: &Path, configs: [NetworkConfig; 2]) -> Result<Self> {
        let mut site = Self::prepared(node, configs, &Setup::default()).await?;
        site.create_path().await?;
        Ok(site)
    }

    /// The same before the path is created, and with a configuration that differs.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn prepared(node: &Path, configs: [NetworkConfig; 2], setup: &Setup) -> Result<Self> {
        Self::between([node; 2], configs, setup).await
    }

    /// The same with a node for each network.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn between(nodes: [&Path; 2], configs: [NetworkConfig; 2], setup: &Setup) -> Result<Self> {
        let [a, b] = configs;
        let (a, b) = tokio::try_join!(Network::start(nodes[0], a), Network::start(nodes[1], b))?;
        let mut folder = tempfile::Builder::new().prefix("causeway-").tempdir()?;
        folder.disable_cleanup(std::env::var_os("CAUSEWAY_KEEP").is_some());
        let mut cli = Cli::new(folder.path().join("causeway.toml"), folder.path().join("logs"))?;
        cli.set_env(PASSPHRASE.0, PASSPHRASE.1);
        let (grpc_port, http_port) = (ports::pick()?, ports::pick()?);
        let site = Self { networks: [a, b], clients: Vec::new(), cli, grpc_port, http_port, starts: 0, folder };
        let chains: Vec<(&str, &Network)> = NAMES.into_iter().zip(&site.networks).collect();
        std::fs::write(site.cli.config(), setup.config(&chains, (grpc_port, http_port)))?;
        setup.add_keys_and_trust(&site.cli, site.folder.path(), &chains).await?;
        Ok(site)
    }

    /// Creates the path.
    ///
    /// # Errors
    /// When the command does not succeed.
    pub async fn create_path(&mut self) -> Result<()> {
        self.cli.ok(&["path", "create", NAMES[0], NAMES[1]]).await?;
        self.read_path().await
    }

    /// Changes the configuration.
    ///
    /// # Errors
    /// When what shall be replaced is not there.
    pub fn edit(&self, old: &str, new: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.cli.config())?;
        ensure!(text.contains(old), "`{old}` is not in the configuration");
        Ok(std::fs::write(self.cli.config(), text.replace(old, new))?)
    }

    async fn read_path(&mut self) -> Result<()> {
        let list = self.cli.json(&["path", "list"]).await?;
        ensure!(text(&list, "/paths/0/name")? == PATH, "{list}");
        let client = |pointer| text(&list, pointer).map(str::to_owned);
        self.clients = vec![client("/paths/0/a/client")?, client("/paths/0/b/client")?];
        Ok(())
    }

    /// Another operator of the same path: a configuration, a journal and funded keys of its own, in a folder of its own.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn rival(&self) -> Result<Rival> {
        let folder = self.folder.path().join("rival");
        std::fs::create_dir_all(&folder)?;
        let (grpc_port, http_port) = (ports::pick()?, ports::pick()?);
        let text = std::fs::read_to_string(self.cli.config())?
            .replace(&format!(":{}\"", self.grpc_port), &format!(":{grpc_port}\""))
            .replace(&format!(":{}\"", self.http_port), &format!(":{http_port}\""));
        let config = folder.join("causeway.toml");
        std::fs::write(&config, text)?;
        let cli = self.cli.with_config(config);
        for (name, network) in NAMES.iter().zip(&self.networks) {
            add_key(&cli, &folder, ("relayer", name), network.account("rival")?).await?;
        }
        Ok(Rival { cli, grpc_port, http_port })
    }

    /// Starts the relayer and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the message carries the end of its log.
    pub async fn start(&mut self) -> Result<Process> {
        self.starts += 1;
        start(&self.cli, &format!("start-{}", self.starts), &self.http()?).await
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
    pub fn http(&self) -> Result<Pages> {
        Pages::new(format!("http://127.0.0.1:{}", self.http_port))
    }

    /// Transfers of one `stake` each from the user of chain `from`, `count` in one transaction.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn transfer(&self, from: usize, count: usize, timeout_s: u64) -> Result<String> {
        let receiver = self.networks[1 - from].account("user")?.address.clone();
        self.transfer_to(from, &vec![receiver; count], timeout_s).await
    }

    /// As [`Site::transfer`], to these receivers.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn transfer_to(&self, from: usize, receivers: &[String], timeout_s: u64) -> Result<String> {
        let network = &self.networks[from];
        let sender = network.account("user")?.address.clone();
        let timeout = unix_s()? + timeout_s;
        let message = |receiver: &String| {
            let data = json!({ "denom": "stake", "amount": "1", "sender": sender, "receiver": receiver, "memo": "" });
            json!({
                "@type": "/ibc.core.channel.v2.MsgSendPacket",
                "source_client": self.clients[from],
                "timeout_timestamp": timeout.to_string(),
                "payloads": [{
                    "source_port": "transfer", "destination_port": "transfer", "version": "ics20-1", "encoding": "application/json",
                    "value": BASE64_STANDARD.encode(data.to_string()),
                }],
                "signer": sender,
            })
        };
        let messages: Vec<Value> = receivers.iter().map(message).collect();
        network.submit("user", &messages).await
    }

    /// Opens a channel of the transfer application under a name of its own; answers its ends.
    ///
    /// # Errors
    /// When the command does not succeed.
    pub async fn open_channel(&self, name: &str, args: &[&str]) -> Result<[String; 2]> {
        let create = ["path", "create", NAMES[0], NAMES[1], "--name", name, "--classic"];
        let created = self.cli.json(&[&create, args].concat()).await?;
        let end = |pointer| {
            let end = text(&created, pointer)?;
            let (_, channel) = end.split_once('/').with_context(|| format!("{end} is no port/channel"))?;
            Ok::<_, anyhow::Error>(channel.to_owned())
        };
        Ok([end("/a/channel")?, end("/b/channel")?])
    }

    /// Writes into the configuration that channels of interchain accounts on the first connection are finished when they are begun.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish_handshakes(&self) -> Result<()> {
        let [a, b] = NAMES;
        let mut text = std::fs::read_to_string(self.cli.config())?;
        text.push_str(&format!(
            "\n[[handshake]]\nchains = [\"{a}\", \"{b}\"]\nconnection = \"{CONNECTION}\"\nports = [\"icacontroller-*\", \"icahost\"]\n"
        ));
        Ok(std::fs::write(self.cli.config(), text)?)
    }

    /// Registers an interchain account of the user of the first chain on the second: its application begins a channel.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn begin_account(&self) -> Result<String> {
        let network = &self.networks[0];
        let owner = network.account("user")?.address.clone();
        let register = json!({
            "@type": "/ibc.applications.interchain_accounts.controller.v1.MsgRegisterInterchainAccount",
            "owner": owner, "connection_id": CONNECTION, "version": "", "ordering": "ORDER_ORDERED",
        });
        network.submit("user", &[register]).await
    }

    /// The address of the user's interchain account, once its channel is open.
    ///
    /// # Errors
    /// When there is none yet.
    pub fn account(&self) -> Result<String> {
        let network = &self.networks[0];
        let owner = network.account("user")?.address.clone();
        let path = format!("/ibc/apps/interchain_accounts/controller/v1/owners/{owner}/connections/{CONNECTION}");
        let found = network.get(&path)?;
        Ok(text(&found, "/address")?.to_owned())
    }

    /// As [`Site::begin_account`], over the connection of the channel opened before, and finishes its channel with the operator's command;
    /// answers the account's address.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn register_account(&self) -> Result<String> {
        self.begin_account().await?;
        let network = &self.networks[0];
        let owner = network.account("user")?.address.clone();
        let port = format!("icacontroller-{owner}");
        let channels = network.get("/ibc/core/channel/v1/channels")?;
        let all = channels["channels"].as_array().cloned().unwrap_or_default();
        let begun = all.iter().find(|channel| channel["port_id"] == port.as_str()).context("the application began no channel")?;
        let channel = format!("{port}/{}", text(begun, "/channel_id")?);
        // The channel stands on the clients of the connection, which the path of that channel names.
        let list = self.cli.json(&["path", "list"]).await?;
        let path = list["paths"].as_array().and_then(|paths| paths.iter().find(|path| path["a"]["channel"] == "transfer/channel-0"));
        let path = path.context("no path with a channel")?;
        let clients = [text(path, "/a/client")?, text(path, "/b/client")?];
        let args = ["path", "create", NAMES[0], NAMES[1], "--name", "accounts", "--classic", "--channel-a", &channel];
        self.cli.ok(&[&args[..], &["--client-a", clients[0], "--client-b", clients[1]]].concat()).await?;
        self.account()
    }

    /// Closes a channel end, as its application may.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn close_channel(&self, index: usize, port: &str, channel: &str) -> Result<String> {
        let network = &self.networks[index];
        let signer = network.account("user")?.address.clone();
        let close = json!({
            "@type": "/ibc.core.channel.v1.MsgChannelCloseInit",
            "port_id": port, "channel_id": channel, "signer": signer,
        });
        network.submit("user", &[close]).await
    }

    /// Waits until a path's channel is closed at both ends, as the running relayer's status tells.
    ///
    /// # Errors
    /// When it is not after `limit`.
    pub async fn wait_until_closed(&self, path: &str, limit: Duration) -> Result<()> {
        let relay = self.relay().await?;
        poll::until(&format!("the channel of {path} to be closed"), limit, || async {
            let status = relay.status().await?;
            let found = status.paths.iter().find(|one| one.name == path).with_context(|| format!("no path {path}: {status:?}"))?;
            Ok((found.channels.len() == 2 && found.channels.iter().all(|end| end.state == "closed")).then_some(()))
        })
        .await
    }

    /// Pays an account on chain `index` from its user.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn pay(&self, index: usize, to: &str, amount: u64) -> Result<String> {
        let network = &self.networks[index];
        network.submit("user", &[payment(&network.account("user")?.address, to, amount)]).await
    }

    /// Orders of the user of the first chain to an interchain account, `count` in one transaction: each pays one `stake` to the user there.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn order(&self, account: &str, count: usize, timeout_s: u64) -> Result<String> {
        let network = &self.networks[0];
        let owner = network.account("user")?.address.clone();
        let pay = payment(account, &self.networks[1].account("user")?.address, 1).to_string();
        let packet_data = network.run_json(&["tx", "interchain-accounts", "host", "generate-packet-data", &pay, "--encoding", "proto3"])?;
        let order = json!({
            "@type": "/ibc.applications.interchain_accounts.controller.v1.MsgSendTx",
            "owner": owner, "connection_id": CONNECTION, "packet_data": packet_data,
            "relative_timeout": (timeout_s * 1_000_000_000).to_string(),
        });
        network.submit("user", &vec![order; count]).await
    }

    /// Transfers of one `stake` each over a channel, `count` in one transaction, that expire after a time or at a height of the other chain.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn transfer_over(&self, from: usize, channel: &str, count: usize, expiry: Expiry) -> Result<String> {
        let network = &self.networks[from];
        let [sender, receiver] = [from, 1 - from].map(|index| self.networks[index].account("user").map(|user| user.address.clone()));
        let (sender, receiver) = (sender?, receiver?);
        let (timestamp_ns, height) = match expiry {
            Expiry::AfterS(seconds) => ((unix_s()? + seconds) * 1_000_000_000, 0),
            Expiry::Height(height) => (0, height),
        };
        let message = json!({
            "@type": "/ibc.applications.transfer.v1.MsgTransfer",
            "source_port": "transfer",
            "source_channel": channel,
            "token": { "denom": "stake", "amount": "1" },
            "sender": sender,
            "receiver": receiver,
            "timeout_height": { "revision_number": if height == 0 { "0" } else { "1" }, "revision_height": height.to_string() },
            "timeout_timestamp": timestamp_ns.to_string(),
            "memo": "",
        });
        network.submit("user", &vec![message; count]).await
    }

    /// The newest height of the client on chain `index`, and what the chain calls its state.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn client(&self, index: usize) -> Result<(u64, String)> {
        let (network, client) = (&self.networks[index], &self.clients[index]);
        let state = network.get(&format!("/ibc/core/client/v1/client_states/{client}"))?;
        let status = network.get(&format!("/ibc/core/client/v1/client_status/{client}"))?;
        Ok((text(&state, "/client_state/latest_height/revision_height")?.parse()?, text(&status, "/status")?.to_owned()))
    }

    /// What the user of chain `index` owns of the other chain's `stake`.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn received(&self, index: usize) -> Result<u128> {
        self.received_over(index, &self.clients[index])
    }

    /// The same of what came over one end: a client, or a channel.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn received_over(&self, index: usize, end: &str) -> Result<u128> {
        let network = &self.networks[index];
        // The name of a token that came: the hash of the way it took (ICS 20).
        let denom = format!("ibc/{}", hex::encode_upper(Sha256::digest(format!("transfer/{end}/stake"))));
        network.balance(&network.account("user")?.address, &denom)
    }
}

/// A second operator, who relays the same path with keys of its own.
#[derive(Debug)]
pub struct Rival {
    cli: Cli,
    grpc_port: u16,
    http_port: u16,
}

impl Rival {
    /// Starts its relayer and waits until it is ready.
    ///
    /// # Errors
    /// As [`Site::start`].
    pub async fn start(&self) -> Result<Process> {
        start(&self.cli, "rival", &self.http()?).await
    }

    /// Its services.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn relay(&self) -> Result<Relay> {
        Relay::connect(&format!("http://127.0.0.1:{}", self.grpc_port)).await
    }

    /// Its HTTP pages.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn http(&self) -> Result<Pages> {
        Pages::new(format!("http://127.0.0.1:{}", self.http_port))
    }
}

/// Starts a relayer and waits until it is ready.
async fn start(cli: &Cli, name: &str, http: &Pages) -> Result<Process> {
    let mut relayer = cli.spawn(name, &["start", "--json"])?;
    http.wait_until_ready(&mut relayer).await?;
    Ok(relayer)
}

/// A payment of `stake`, as the JSON that the node takes.
#[must_use]
pub fn payment(from: &str, to: &str, amount: u64) -> Value {
    let coins = json!([{ "denom": "stake", "amount": amount.to_string() }]);
    json!({ "@type": "/cosmos.bank.v1beta1.MsgSend", "from_address": from, "to_address": to, "amount": coins })
}

/// When a transfer over a channel expires.
#[derive(Debug, Clone, Copy)]
pub enum Expiry {
    /// So many seconds from now.
    AfterS(u64),
    /// At a height of the other chain.
    Height(u64),
}
