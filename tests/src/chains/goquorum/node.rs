//! One node: its key, its folder, its ports and its process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::primitives::Address;
use anyhow::{Context, Result, bail};

use super::NetworkConfig;
use crate::evm::Account;
use crate::ports;
use crate::process::{Process, Spec, Usage};

/// Megabytes of cache; a test chain is small and eight nodes share a machine.
const CACHE_MB: &str = "32";

/// A node, running or stopped.
#[derive(Debug)]
pub(super) struct Node {
    dir: PathBuf,
    key: Account,
    rpc_port: u16,
    p2p_port: u16,
    process: Option<Process>,
}

impl Node {
    /// A node with a new key and ports; nothing runs yet.
    pub(super) fn new(dir: PathBuf) -> Result<Self> {
        Ok(Self { dir, key: Account::random(), rpc_port: ports::pick()?, p2p_port: ports::pick()?, process: None })
    }

    /// The address it seals with.
    pub(super) fn address(&self) -> Address {
        self.key.address()
    }

    pub(super) fn rpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc_port)
    }

    /// How peers name it: public key, address, port.
    pub(super) fn enode(&self) -> String {
        let point = self.key.signer().credential().verifying_key().to_encoded_point(false);
        // The leading 0x04 says "uncompressed" and is not part of the name.
        let id = hex::encode(&point.as_bytes()[1..]);
        format!("enode://{id}@127.0.0.1:{}?discport=0", self.p2p_port)
    }

    /// Writes the key and the genesis block into the node's folder.
    pub(super) fn initialise(&self, binary: &Path, genesis: &Path) -> Result<()> {
        std::fs::create_dir_all(self.dir.join("geth"))?;
        std::fs::write(self.dir.join("geth/nodekey"), self.key.private_key_hex())?;
        let output = Command::new(binary)
            .arg("--datadir")
            .arg(&self.dir)
            .arg("init")
            .arg(genesis)
            .env("PRIVATE_CONFIG", "ignore")
            .output()
            .with_context(|| format!("start {}", binary.display()))?;
        if !output.status.success() {
            bail!("geth init ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Starts the process; the caller waits until it answers.
    pub(super) fn launch(&mut self, binary: &Path, config: &NetworkConfig, peers: &[String]) -> Result<()> {
        if self.is_started() {
            bail!("node in {} runs already", self.dir.display());
        }
        // The node reads its peers at start.
        std::fs::write(self.dir.join("static-nodes.json"), serde_json::to_vec(peers)?)?;
        self.process = Some(Process::spawn(&Spec {
            name: "geth".to_owned(),
            program: binary.to_path_buf(),
            args: self.args(config),
            env: vec![("PRIVATE_CONFIG".to_owned(), "ignore".to_owned())],
            log_dir: self.dir.clone(),
        })?);
        Ok(())
    }

    fn args(&self, config: &NetworkConfig) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["--datadir".into(), self.dir.clone().into()];
        let mut flag = |name: &str, value: String| args.extend([OsString::from(name), OsString::from(value)]);
        flag("--networkid", config.chain_id.to_string());
        flag("--istanbul.blockperiod", config.block_period_s.to_string());
        flag("--istanbul.requesttimeout", config.request_timeout_ms.to_string());
        flag("--gcmode", if config.archive { "archive" } else { "full" }.to_owned());
        flag("--http.port", self.rpc_port.to_string());
        flag("--port", self.p2p_port.to_string());
        let fixed = "--nodiscover --syncmode full --mine --miner.threads 1 --miner.gasprice 0 --emitcheckpoints --nat none \
             --ipcdisable --verbosity 2 --http --http.addr 127.0.0.1 --http.api admin,eth,net,web3,txpool,istanbul --cache";
        args.extend(fixed.split_whitespace().map(OsString::from));
        args.push(CACHE_MB.into());
        args
    }

    /// Whether it was started and not stopped since.
    pub(super) fn is_started(&self) -> bool {
        self.process.is_some()
    }

    /// Fails with the end of the log when the process has died by itself.
    pub(super) fn check_running(&mut self) -> Result<()> {
        match &mut self.process {
            Some(process) => process.check_running(),
            None => bail!("node in {} is stopped", self.dir.display()),
        }
    }

    /// SIGKILL; a stopped node stays stopped.
    pub(super) fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// CPU and memory, while it runs.
    pub(super) fn usage(&self) -> Option<Result<Usage>> {
        self.process.as_ref().map(Process::usage)
    }
}
