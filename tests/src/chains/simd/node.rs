//! One node: its home folder, its ports and its process.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::rest::Rest;
use super::{Account, NetworkConfig};
use crate::ports;
use crate::process::{Process, Spec, Usage};

/// A node, running or stopped.
#[derive(Debug)]
pub(super) struct Node {
    binary: PathBuf,
    home: PathBuf,
    id: String,
    rpc_port: u16,
    p2p_port: u16,
    rest: Rest,
    states_kept: Option<u64>,
    gas_price_min: String,
    process: Option<Process>,
}

impl Node {
    /// A node with new keys, ports and configuration files; nothing runs yet.
    pub(super) fn new(binary: &Path, home: PathBuf, config: &NetworkConfig) -> Result<Self> {
        let mut node = Self::at(binary, home, config)?;
        node.run(&["init", "node", "--chain-id", &config.chain_id])?;
        if config.secp256k1 {
            node.write_secp256k1_key()?;
        }
        node.id = node.run(&["comet", "show-node-id"])?.trim().to_owned();
        std::fs::write(node.id_file(), &node.id)?;
        node.configure(config)?;
        Ok(node)
    }

    /// A node on a copy of the home of another, with the same keys, and ports of its own.
    pub(super) fn copy(binary: &Path, home: PathBuf, config: &NetworkConfig, of: &Path) -> Result<Self> {
        copy_folder(of, &home)?;
        let mut node = Self::at(binary, home, config)?;
        node.id = std::fs::read_to_string(node.id_file())?;
        Ok(node)
    }

    fn at(binary: &Path, home: PathBuf, config: &NetworkConfig) -> Result<Self> {
        Ok(Self {
            binary: binary.to_path_buf(),
            home,
            id: String::new(),
            rpc_port: ports::pick()?,
            p2p_port: ports::pick()?,
            rest: Rest { port: ports::pick()? },
            states_kept: config.states_kept,
            gas_price_min: config.gas_price_min.clone(),
            process: None,
        })
    }

    fn id_file(&self) -> PathBuf {
        self.home.join("node-id")
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn genesis(&self) -> PathBuf {
        self.home.join("config/genesis.json")
    }

    pub(super) fn rpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc_port)
    }

    pub(super) fn rest(&self) -> Rest {
        self.rest
    }

    /// The same address as the node's own commands take it.
    pub(super) fn rpc_tcp(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.rpc_port)
    }

    /// How peers name it.
    pub(super) fn peer(&self) -> String {
        format!("{}@127.0.0.1:{}", self.id, self.p2p_port)
    }

    /// A key in the node's keyring.
    pub(super) fn add_key(&self, name: &str) -> Result<Account> {
        let answer = self.json(&["keys", "add", name, "--keyring-backend", "test", "--output", "json"])?;
        let text = |key: &str| {
            let value = answer.get(key).and_then(Value::as_str);
            value.map(str::to_owned).ok_or_else(|| anyhow!("a new key without {key}"))
        };
        let export = ["keys", "export", name, "--keyring-backend", "test", "--unarmored-hex", "--unsafe"];
        // It asks whether that is meant; the flag that says so is not there before SDK 0.50.
        let secret = self.run_answering("y\n", &export)?.trim().to_owned();
        Ok(Account { name: name.to_owned(), address: text("address")?, mnemonic: text("mnemonic")?, secret })
    }

    /// Runs a command of the node to its end and returns what it printed.
    pub(super) fn run(&self, args: &[&str]) -> Result<String> {
        self.run_answering("", args)
    }

    /// As [`Node::run`], for a command that asks back: `answer` is what it reads.
    fn run_answering(&self, answer: &str, args: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--home").arg(&self.home).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {}", self.binary.display()))?;
        child.stdin.take().context("a command without input")?.write_all(answer.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("simd {} ended with {}:\n{}", args.join(" "), output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// As [`Node::run`], for commands that answer JSON.
    pub(super) fn json(&self, args: &[&str]) -> Result<Value> {
        let text = self.run(args)?;
        serde_json::from_str(&text).with_context(|| format!("simd {} printed no JSON: {text}", args.join(" ")))
    }

    /// Starts the process; the caller waits until it answers.
    pub(super) fn launch(&mut self, peers: &[String]) -> Result<()> {
        if self.is_started() {
            bail!("node in {} runs already", self.home.display());
        }
        self.process = Some(Process::spawn(&Spec {
            name: "simd".to_owned(),
            program: self.binary.clone(),
            args: self.args(peers),
            env: Vec::new(),
            log_dir: self.home.clone(),
        })?);
        Ok(())
    }

    fn args(&self, peers: &[String]) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["start".into(), "--home".into(), self.home.clone().into()];
        let mut flag = |name: &str, value: String| args.extend([OsString::from(name), OsString::from(value)]);
        flag("--rpc.laddr", self.rpc_tcp());
        flag("--p2p.laddr", format!("tcp://127.0.0.1:{}", self.p2p_port));
        flag("--p2p.persistent_peers", peers.join(","));
        flag("--api.address", format!("tcp://127.0.0.1:{}", self.rest.port));
        flag("--minimum-gas-prices", self.gas_price_min.clone());
        flag("--log_level", "error".to_owned());
        if let Some(kept) = self.states_kept {
            flag("--pruning", "custom".to_owned());
            flag("--pruning-keep-recent", kept.to_string());
            flag("--pruning-interval", "10".to_owned());
        }
        let fixed = ["--p2p.pex=false", "--grpc.enable=false", "--grpc-web.enable=false", "--api.enable=true"];
        args.extend(fixed.map(OsString::from));
        args
    }

    /// Kills the process with SIGKILL.
    pub(super) fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    pub(super) fn is_started(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn check_running(&mut self) -> Result<()> {
        self.process.as_mut().ok_or_else(|| anyhow!("node in {} is stopped", self.home.display()))?.check_running()
    }

    pub(super) fn usage(&self) -> Option<Result<Usage>> {
        self.process.as_ref().map(Process::usage)
    }

    /// A consensus key of the other kind; the node's own command makes ed25519 keys only.
    fn write_secp256k1_key(&self) -> Result<()> {
        let key = crate::evm::Account::random();
        let point = key.signer().credential().verifying_key().to_encoded_point(true);
        let key = json!({
            // The node works the address out from the key.
            "address": "",
            "pub_key": { "type": "tendermint/PubKeySecp256k1", "value": BASE64_STANDARD.encode(point.as_bytes()) },
            "priv_key": { "type": "tendermint/PrivKeySecp256k1", "value": BASE64_STANDARD.encode(key.signer().to_bytes()) },
        });
        std::fs::write(self.home.join("config/priv_validator_key.json"), serde_json::to_vec_pretty(&key)?)?;
        Ok(())
    }

    /// The secret half of its ed25519 consensus key.
    pub(super) fn validator_secret(&self) -> Result<[u8; 32]> {
        let key: Value = serde_json::from_slice(&std::fs::read(self.home.join("config/priv_validator_key.json"))?)?;
        let text = key.pointer("/priv_key/value").and_then(Value::as_str).context("no secret in the validator's key file")?;
        // The secret, then the public key.
        let bytes = BASE64_STANDARD.decode(text)?;
        bytes.first_chunk().copied().ok_or_else(|| anyhow!("a secret key of {} bytes", bytes.len()))
    }

    /// Short blocks, loopback peers, nothing listening that no test needs.
    fn configure(&self, config: &NetworkConfig) -> Result<()> {
        let path = self.home.join("config/config.toml");
        let mut table: toml::Table = std::fs::read_to_string(&path)?.parse()?;
        let mut set = |section: &str, key: &str, value: toml::Value| -> Result<()> {
            let section = table.get_mut(section).and_then(toml::Value::as_table_mut);
            section.ok_or_else(|| anyhow!("the node's configuration lacks a section for {key}"))?.insert(key.to_owned(), value);
            Ok(())
        };
        set("consensus", "timeout_commit", format!("{}ms", config.commit_ms).into())?;
        set("consensus", "timeout_propose", "1s".into())?;
        set("rpc", "max_request_batch_size", i64::from(config.batch_calls_max).into())?;
        set("rpc", "pprof_laddr", "".into())?;
        set("p2p", "addr_book_strict", false.into())?;
        set("p2p", "allow_duplicate_ip", true.into())?;
        set("tx_index", "indexer", if config.tx_index { "kv" } else { "null" }.into())?;
        std::fs::write(&path, toml::to_string(&table)?)?;
        Ok(())
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
