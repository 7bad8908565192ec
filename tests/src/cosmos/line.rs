//! Three Cosmos chains in a line and one relayer between them: transfers from the first go on from the second to the third, as their memo says.
//!
//! Each hop has a path of either protocol. That the second chain forwards is its node's own doing (`tests/chains/simd/forward.go`); the relayer
//! sees packets and acknowledgements like any others.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PASSPHRASE, Setup, unix_s};
use crate::chains::simd::{Network, NetworkConfig};
use crate::cli::{Cli, text};
use crate::ports;
use crate::process::Process;
use crate::relay::{Pages, Relay};

/// Names of the chains in the configuration.
const NAMES: [&str; 3] = ["chaina", "chainb", "chainc"];

/// Longest that the first hop of a transfer may take, seconds: nothing reaches it.
const FIRST_HOP_S: u64 = 600;

/// What a path speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// IBC classic, over a channel.
    Classic,
    /// IBC v2, over two clients.
    V2,
}

/// Channels or clients of one protocol along the line: on the first chain, on the second towards either side, on the third.
#[derive(Debug)]
struct Ends {
    first: String,
    back: String,
    onward: String,
    last: String,
}

/// A transfer of one `stake` that shall go on to the third chain.
#[derive(Debug, Clone, Copy)]
pub struct Forward<'a> {
    /// What both hops speak.
    pub protocol: Protocol,
    /// Who gets it there.
    pub receiver: &'a str,
    /// How long the second hop may take, as `10m`.
    pub timeout: &'a str,
}

/// Three networks and an operator's folder.
#[derive(Debug)]
pub struct Line {
    /// The networks; the operator runs none of their nodes.
    pub networks: [Network; 3],
    cli: Cli,
    classic: Ends,
    v2: Ends,
    grpc_port: u16,
    http_port: u16,
    starts: usize,
    folder: TempDir,
}

impl Line {
    /// Three running networks, a configuration with keys and roots of trust, and four paths.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn ready(node: &Path) -> Result<Self> {
        let start = |name| Network::start(node, NetworkConfig::new(&format!("{name}-1")));
        let [a, b, c] = NAMES.map(start);
        let (a, b, c) = tokio::try_join!(a, b, c)?;
        let networks = [a, b, c];
        let mut folder = tempfile::Builder::new().prefix("causeway-").tempdir()?;
        folder.disable_cleanup(std::env::var_os("CAUSEWAY_KEEP").is_some());
        let mut cli = Cli::new(folder.path().join("causeway.toml"), folder.path().join("logs"))?;
        cli.set_env(PASSPHRASE.0, PASSPHRASE.1);
        let (grpc_port, http_port) = (ports::pick()?, ports::pick()?);
        let (setup, chains) = (Setup::default(), NAMES.into_iter().zip(&networks).collect::<Vec<_>>());
        std::fs::write(cli.config(), setup.config(&chains, (grpc_port, http_port)))?;
        setup.add_keys_and_trust(&cli, folder.path(), &chains).await?;
        let (classic, v2) = Ends::create(&cli).await?;
        Ok(Self { networks, cli, classic, v2, grpc_port, http_port, starts: 0, folder })
    }

    /// Starts the relayer and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the message carries the end of its log.
    pub async fn start(&mut self) -> Result<Process> {
        let cli = self.cli.with_config(self.cli.config().to_path_buf());
        self.start_on(&cli).await
    }

    /// As [`Line::start`], with the paths between the second and the third chain alone, and the same journal.
    ///
    /// # Errors
    /// As [`Line::start`].
    pub async fn start_second_hop(&mut self) -> Result<Process> {
        let mut document: toml::Table = std::fs::read_to_string(self.cli.config())?.parse()?;
        let paths = document.get_mut("path").and_then(toml::Value::as_array_mut).ok_or_else(|| anyhow!("no paths"))?;
        paths.retain(|path| path["b"]["chain"].as_str() == Some(NAMES[2]));
        let file = self.folder.path().join("second-hop.toml");
        std::fs::write(&file, toml::to_string(&document)?)?;
        let cli = self.cli.with_config(file);
        self.start_on(&cli).await
    }

    async fn start_on(&mut self, cli: &Cli) -> Result<Process> {
        self.starts += 1;
        let pages = Pages::new(format!("http://127.0.0.1:{}", self.http_port))?;
        super::start(cli, &format!("start-{}", self.starts), &pages).await
    }

    /// The running relayer's services.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn relay(&self) -> Result<Relay> {
        Relay::connect(&format!("http://127.0.0.1:{}", self.grpc_port)).await
    }

    /// Sends transfers from the user of the first chain, all in one transaction.
    ///
    /// # Errors
    /// When the chain refuses it.
    pub async fn send(&self, transfers: &[Forward<'_>]) -> Result<String> {
        let sender = &self.networks[0].account("user")?.address;
        let deadline_s = unix_s()? + FIRST_HOP_S;
        let message = |transfer: &Forward<'_>| {
            let ends = self.ends(transfer.protocol);
            let forward = json!({
                "receiver": transfer.receiver, "port": "transfer", "channel": ends.onward, "timeout": transfer.timeout,
            });
            // The protocols write the same time in different units.
            let unit = if transfer.protocol == Protocol::Classic { 1_000_000_000 } else { 1 };
            json!({
                "@type": "/ibc.applications.transfer.v1.MsgTransfer",
                "source_port": "transfer",
                "source_channel": ends.first,
                "token": { "denom": "stake", "amount": "1" },
                "sender": sender,
                "receiver": "whoever the memo names",
                "timeout_height": { "revision_number": "0", "revision_height": "0" },
                "timeout_timestamp": (deadline_s * unit).to_string(),
                "memo": json!({ "forward": forward }).to_string(),
            })
        };
        let messages: Vec<Value> = transfers.iter().map(message).collect();
        self.networks[0].submit("user", &messages).await
    }

    /// What the user of the first chain owns.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn owned(&self) -> Result<u128> {
        self.networks[0].balance(&self.networks[0].account("user")?.address, "stake")
    }

    /// What the user of the third chain has of what came over both hops.
    ///
    /// # Errors
    /// When the chain does not answer, or nothing came.
    pub fn received(&self, protocol: Protocol) -> Result<u128> {
        let (ends, network) = (self.ends(protocol), &self.networks[2]);
        let denom = voucher(network, &format!("transfer/{}/transfer/{}/stake", ends.last, ends.back))?;
        network.balance(&network.account("user")?.address, &denom)
    }

    /// How much there is on the second chain of what came from the first: what was given back is gone again.
    ///
    /// # Errors
    /// As [`Line::received`].
    pub fn passing(&self, protocol: Protocol) -> Result<u128> {
        let network = &self.networks[1];
        let denom = voucher(network, &format!("transfer/{}/stake", self.ends(protocol).back))?;
        let supply = network.query(&["bank", "total-supply-of", &denom])?;
        Ok(text(&supply, "/amount/amount")?.parse()?)
    }

    /// Acknowledgements that the second chain has written for the first. Each must have been written by the message that ended the onward
    /// packet: the one before knew nothing of its end.
    ///
    /// # Errors
    /// When one was written by another message, or the chain does not answer.
    pub fn acknowledged_later(&self, protocol: Protocol) -> Result<usize> {
        let (end, key) =
            (&self.ends(protocol).back, if protocol == Protocol::Classic { "packet_dst_channel" } else { "packet_dest_client" });
        let found = self.networks[1].query(&["txs", "--query", &format!("write_acknowledgement.{key}='{end}'")])?;
        let mut count = 0;
        for tx in found["txs"].as_array().into_iter().flatten() {
            let events = tx["events"].as_array().context("a transaction without events")?;
            for written in events.iter().filter(|event| event["type"] == "write_acknowledgement" && attribute(event, key) == Some(end)) {
                let message = attribute(written, "msg_index");
                let ended = |event: &Value| event["type"] == "acknowledge_packet" || event["type"] == "timeout_packet";
                let by_end = events.iter().any(|event| ended(event) && attribute(event, "msg_index") == message);
                ensure!(by_end, "message {message:?} wrote an acknowledgement and ended no onward packet: {tx}");
                count += 1;
            }
        }
        Ok(count)
    }

    fn ends(&self, protocol: Protocol) -> &Ends {
        match protocol {
            Protocol::Classic => &self.classic,
            Protocol::V2 => &self.v2,
        }
    }
}

impl Ends {
    /// Creates a path of IBC v2 a hop, and a channel of IBC classic over the same clients; answers the ends of both, the channels' first.
    async fn create(cli: &Cli) -> Result<(Self, Self)> {
        let (mut classic, mut v2) = (Vec::new(), Vec::new());
        for pair in NAMES.windows(2) {
            let create = [&["path", "create"], pair].concat();
            let created = cli.json(&create).await?;
            let [client_a, client_b] = [text(&created, "/a/client")?, text(&created, "/b/client")?];
            let name = format!("{}-classic", pair.join("-"));
            let over = ["--name", &name, "--classic", "--client-a", client_a, "--client-b", client_b];
            let opened = cli.json(&[&create[..], &over].concat()).await?;
            // A channel is written with its port before it.
            let channel = |pointer| text(&opened, pointer).map(|end| end.trim_start_matches("transfer/").to_owned());
            classic.extend([channel("/a/channel")?, channel("/b/channel")?]);
            v2.extend([client_a.to_owned(), client_b.to_owned()]);
        }
        Ok((Self::along(classic)?, Self::along(v2)?))
    }

    fn along(ends: Vec<String>) -> Result<Self> {
        let [first, back, onward, last] = <[_; 4]>::try_from(ends).map_err(|ends| anyhow!("four ends were due: {ends:?}"))?;
        Ok(Self { first, back, onward, last })
    }
}

/// What a chain calls a token that came this way.
fn voucher(network: &Network, trace: &str) -> Result<String> {
    let hash = network.query(&["ibc-transfer", "denom-hash", trace])?;
    Ok(format!("ibc/{}", text(&hash, "/hash")?))
}

fn attribute<'a>(event: &'a Value, key: &str) -> Option<&'a str> {
    let attributes = event["attributes"].as_array()?;
    attributes.iter().find(|attribute| attribute["key"] == key)?["value"].as_str()
}
