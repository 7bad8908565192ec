//! What an operator configures for one EVM chain: the `[chain.evm]` table.
//!
//! Not here: what transactions may cost and where trust begins, which the relayer configures alike for every family.
//! Called by the binary, which reads it from TOML and calls [`Config::validate`] before anything else.

use alloy::primitives::Address;
use causeway_keystore::SecretRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;

/// How the chain seals its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// QBFT of Besu and GoQuorum.
    #[default]
    Qbft,
    /// IBFT 2.0 of Besu.
    Ibft2,
}

impl ClientKind {
    /// The client type of a light client that follows such a chain.
    pub fn client_type(self) -> &'static str {
        match self {
            Self::Qbft => "qbft",
            Self::Ibft2 => "ibft2",
        }
    }
}

/// How transactions are priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeeMode {
    /// EIP-1559 where blocks have a base fee, else legacy.
    #[default]
    Auto,
    /// One gas price; zero on chains without fees.
    Legacy,
    /// Base fee and tip.
    Eip1559,
}

/// One JSON-RPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcConfig {
    /// Address, `http://` or `https://`. A secret in it (a path token) belongs into `url_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Instead of `url`: where to read an address that holds a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_secret: Option<SecretRef>,
    /// Headers of every request, for example `Authorization`, each read from an environment variable or a file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretRef>,
}

impl RpcConfig {
    /// An endpoint without credentials.
    pub fn plain(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), url_secret: None, headers: BTreeMap::new() }
    }
}

/// One signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// Path of its Web3 keystore (version 3); relative to the configuration file.
    pub keystore: PathBuf,
    /// Where its passphrase is read; without it the command asks on the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
}

/// One EVM chain. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Chain id as `eth_chainId` answers; every endpoint is checked against it.
    pub chain_id: u64,
    /// JSON-RPC endpoints, one to 16. With several, heads are compared and a failing one is left out.
    pub rpc: Vec<RpcConfig>,
    /// Address of the router; `contracts deploy` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Address>,
    /// Block in which the router was deployed: events are never looked for below it. Default 0.
    #[serde(default)]
    pub deployment_height: u64,
    /// Address of the token transfer application, for people; `contracts deploy` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_transfer: Option<Address>,
    /// Address of the message gateway, for people; `contracts deploy` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_gateway: Option<Address>,
    /// How the chain seals its blocks: `qbft` (default) or `ibft2`.
    #[serde(default)]
    pub client_kind: ClientKind,
    /// Account ON THE OTHER CHAINS that may recover a frozen or expired client of this chain. Default: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recoverer: Option<Address>,
    /// Signing keys by name.
    #[serde(default)]
    pub keys: BTreeMap<String, KeyConfig>,
    /// Blocks one `eth_getLogs` covers at first; adapts to what the provider takes. 1 to 100000, default 2000.
    #[serde(default = "default::log_range_start")]
    pub log_range_start: u64,
    /// Most blocks one `eth_getLogs` covers. `log_range_start` to 1000000, default 10000.
    #[serde(default = "default::log_range_max")]
    pub log_range_max: u64,
    /// Most calls in one JSON-RPC batch; 1 sends them one by one. 1 to 1000, default 100.
    #[serde(default = "default::batch_calls_max")]
    pub batch_calls_max: usize,
    /// Longest wait for an answer, milliseconds. 100 to 120000, default 10000.
    #[serde(default = "default::request_timeout_ms")]
    pub request_timeout_ms: u64,
    /// Longest answer that is read, bytes. 65536 to 268435456, default 33554432.
    #[serde(default = "default::response_bytes_max")]
    pub response_bytes_max: usize,
    /// Blocks for which `eth_getProof` answers; 0: for ever (archive nodes). Default 128.
    #[serde(default = "default::state_window_blocks")]
    pub state_window_blocks: u64,
    /// Usual time between blocks, milliseconds; a hint for polling. 10 to 600000, default 1000.
    #[serde(default = "default::block_interval_ms")]
    pub block_interval_ms: u64,
    /// How transactions are priced: `auto` (default), `legacy` or `eip1559`.
    #[serde(default)]
    pub fee_mode: FeeMode,
    /// Name of the unit of fees and balances. Default `wei`.
    #[serde(default = "default::fee_denom")]
    pub fee_denom: String,
    /// Most bytes of one signed transaction; nodes refuse more than 131072. 4096 to 1048576, default 131072.
    #[serde(default = "default::tx_bytes_max")]
    pub tx_bytes_max: u64,
    /// Most gas of one transaction; a block's own limit applies as well. 100000 to 1000000000, default 30000000.
    #[serde(default = "default::tx_gas_max")]
    pub tx_gas_max: u64,
    /// Most messages in one transaction. 1 to 1000, default 100.
    #[serde(default = "default::messages_max")]
    pub messages_max: u32,
    /// Gas that each message of a batch is sure to find left; grows by itself for receivers that need more.
    /// 100000 to 100000000, default 600000.
    #[serde(default = "default::message_gas_min")]
    pub message_gas_min: u64,
}

mod default {
    pub(super) fn log_range_start() -> u64 {
        2_000
    }
    pub(super) fn log_range_max() -> u64 {
        10_000
    }
    pub(super) fn batch_calls_max() -> usize {
        100
    }
    pub(super) fn request_timeout_ms() -> u64 {
        10_000
    }
    pub(super) fn response_bytes_max() -> usize {
        32 << 20
    }
    pub(super) fn state_window_blocks() -> u64 {
        128
    }
    pub(super) fn block_interval_ms() -> u64 {
        1_000
    }
    pub(super) fn fee_denom() -> String {
        "wei".to_string()
    }
    pub(super) fn tx_bytes_max() -> u64 {
        131_072
    }
    pub(super) fn tx_gas_max() -> u64 {
        30_000_000
    }
    pub(super) fn messages_max() -> u32 {
        100
    }
    pub(super) fn message_gas_min() -> u64 {
        600_000
    }
}

/// A value that is not allowed: which key, what it was, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A number is outside its bounds.
    #[error("{key} = {value}: allowed are {min} to {max}")]
    OutOfBounds {
        /// The key.
        key: &'static str,
        /// Its value.
        value: u64,
        /// Least allowed.
        min: u64,
        /// Most allowed.
        max: u64,
    },
    /// A value has the wrong form.
    #[error("{key}: {found}: {allowed}")]
    Form {
        /// The key.
        key: String,
        /// What was found, without secrets.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A secret could not be read.
    #[error("{key}: {detail}")]
    Secret {
        /// The key.
        key: String,
        /// What is wrong, without the secret.
        detail: String,
    },
}

impl Config {
    /// A configuration with defaults everywhere.
    pub fn new(chain_id: u64, url: impl Into<String>) -> Self {
        Self {
            chain_id,
            rpc: vec![RpcConfig::plain(url)],
            router: None,
            deployment_height: 0,
            token_transfer: None,
            message_gateway: None,
            client_kind: ClientKind::default(),
            recoverer: None,
            keys: BTreeMap::new(),
            log_range_start: default::log_range_start(),
            log_range_max: default::log_range_max(),
            batch_calls_max: default::batch_calls_max(),
            request_timeout_ms: default::request_timeout_ms(),
            response_bytes_max: default::response_bytes_max(),
            state_window_blocks: default::state_window_blocks(),
            block_interval_ms: default::block_interval_ms(),
            fee_mode: FeeMode::default(),
            fee_denom: default::fee_denom(),
            tx_bytes_max: default::tx_bytes_max(),
            tx_gas_max: default::tx_gas_max(),
            messages_max: default::messages_max(),
            message_gas_min: default::message_gas_min(),
        }
    }

    /// Takes relative paths from the folder of the configuration file.
    pub fn resolve_paths(&mut self, base: &Path) {
        for key in self.keys.values_mut() {
            resolve(&mut key.keystore, base);
            if let Some(secret) = &mut key.passphrase {
                secret.resolve_paths(base);
            }
        }
        for rpc in &mut self.rpc {
            rpc.url_secret.iter_mut().chain(rpc.headers.values_mut()).for_each(|secret| secret.resolve_paths(base));
        }
    }

    /// Checks every bound. Opens no port and reads no secret.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first key that is not allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        bounded("chain_id", self.chain_id, 1, i64::MAX.unsigned_abs())?;
        bounded("log_range_start", self.log_range_start, 1, 100_000)?;
        bounded("log_range_max", self.log_range_max, self.log_range_start, 1_000_000)?;
        bounded("batch_calls_max", self.batch_calls_max as u64, 1, 1_000)?;
        bounded("request_timeout_ms", self.request_timeout_ms, 100, 120_000)?;
        bounded("response_bytes_max", self.response_bytes_max as u64, 65_536, 268_435_456)?;
        bounded("block_interval_ms", self.block_interval_ms, 10, 600_000)?;
        bounded("tx_bytes_max", self.tx_bytes_max, 4_096, 1_048_576)?;
        bounded("tx_gas_max", self.tx_gas_max, 100_000, 1_000_000_000)?;
        bounded("messages_max", u64::from(self.messages_max), 1, 1_000)?;
        bounded("message_gas_min", self.message_gas_min, 100_000, 100_000_000)?;
        bounded("rpc (count)", self.rpc.len() as u64, 1, 16)?;
        for (index, rpc) in self.rpc.iter().enumerate() {
            validate_rpc(index, rpc)?;
        }
        if self.router.is_some_and(|router| router.is_zero()) {
            return Err(form("router", "the zero address", "the address that `causeway contracts deploy --chain CHAIN` printed"));
        }
        if self.keys.keys().any(|name| !crate::keys::is_key_name(name)) {
            return Err(form("keys", "a name outside the rules", "1 to 64 letters, digits, `.`, `_` and `-`"));
        }
        Ok(())
    }

    /// The router's address.
    ///
    /// # Errors
    /// [`ConfigError::Form`] when it is not configured yet.
    pub fn router(&self) -> Result<Address, ConfigError> {
        self.router.ok_or_else(|| form("router", "not set", "run `causeway contracts deploy --chain CHAIN` or name an existing router"))
    }
}

fn validate_rpc(index: usize, rpc: &RpcConfig) -> Result<(), ConfigError> {
    let key = |name: &str| format!("rpc[{index}].{name}");
    match (&rpc.url, &rpc.url_secret) {
        (Some(url), None) => {
            parse_url(&key("url"), url)?;
        }
        (None, Some(_)) => {}
        (None, None) => return Err(form(key("url"), "not set", "one of url and url_secret")),
        (Some(_), Some(_)) => return Err(form(key("url"), "set together with url_secret", "one of url and url_secret")),
    }
    for name in rpc.headers.keys() {
        if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(form(key("headers"), name, "a header name"));
        }
    }
    Ok(())
}

/// An address of an endpoint. The error never repeats it: it may hold a token.
pub(crate) fn parse_url(key: &str, text: &str) -> Result<url::Url, ConfigError> {
    let parsed = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| form(key, "not an address", "http://host:port or https://host:port"))
}

fn bounded(key: &'static str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(ConfigError::OutOfBounds { key, value, min, max }) }
}

fn form(key: impl Into<String>, found: impl Into<String>, allowed: &'static str) -> ConfigError {
    ConfigError::Form { key: key.into(), found: found.into(), allowed }
}

fn resolve(path: &mut PathBuf, base: &Path) {
    if path.is_relative() {
        *path = base.join(&*path);
    }
}
