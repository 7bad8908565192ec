//! What an operator configures for one ibc-go chain: the `[chain.cosmos]` table.
//!
//! Not here: what transactions may cost at most, and where trust begins, which the relayer configures alike for every family.
//! Called by the binary, which reads it from TOML and calls [`Config::validate`] before anything else.

use causeway_keystore::SecretRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod price;
#[cfg(test)]
mod tests;

pub use price::{DynamicPrice, GasPrice, PriceSource, Pricing};

/// How accounts of the chain are made and sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    /// secp256k1 with SHA-256, address from RIPEMD-160: most chains.
    #[default]
    Cosmos,
    /// secp256k1 with Keccak-256, address as on Ethereum: chains built on ethermint.
    Ethermint,
}

/// One CometBFT RPC endpoint.
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
    /// Path of its keystore (version 3); relative to the configuration file.
    pub keystore: PathBuf,
    /// Where its passphrase is read; without it the command asks on the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
}

/// One ibc-go chain. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Chain id as the node answers, for example `cosmoshub-4`; every endpoint is checked against it.
    pub chain_id: String,
    /// CometBFT RPC endpoints, one to 16. With several, heads are compared and a failing one is left out.
    pub rpc: Vec<RpcConfig>,
    /// First part of the chain's addresses, for example `cosmos`.
    pub address_prefix: String,
    /// Unit in which fees are paid, for example `uatom`.
    pub gas_denom: String,
    /// Price of a unit of gas in that denomination, decimal, for example `"0.025"`; or where the chain is asked for it, for example
    /// `{ source = "feemarket", max = "0.5" }`.
    pub gas_price: Pricing,
    /// How accounts are made and sign: `cosmos` (default) or `ethermint`.
    #[serde(default)]
    pub key_type: KeyType,
    /// Signing keys by name.
    #[serde(default)]
    pub keys: BTreeMap<String, KeyConfig>,
    /// Account that pays the fees of ours, if it granted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_granter: Option<String>,
    /// Text in every transaction. At most 256 bytes, default empty.
    #[serde(default)]
    pub memo: String,
    /// Most gas of one transaction. 200000 to 10000000000, default 25000000.
    #[serde(default = "default::tx_gas_max")]
    pub tx_gas_max: u64,
    /// Most messages in one transaction. 1 to 1000, default 100.
    #[serde(default = "default::messages_max")]
    pub messages_max: u32,
    /// Most bytes of one transaction; nodes refuse more than 1048576. 4096 to 16777216, default 500000.
    #[serde(default = "default::tx_bytes_max")]
    pub tx_bytes_max: u64,
    /// Blocks after which a transaction that waits can no longer be included. 5 to 10000, default 50.
    #[serde(default = "default::timeout_blocks")]
    pub timeout_blocks: u64,
    /// Most calls in one JSON-RPC batch; nodes answer 10 unless their `max_request_batch_size` is changed. 1 to 1000, default 10.
    #[serde(default = "default::batch_calls_max")]
    pub batch_calls_max: usize,
    /// Longest wait for an answer, milliseconds. 100 to 120000, default 10000.
    #[serde(default = "default::request_timeout_ms")]
    pub request_timeout_ms: u64,
    /// Longest answer that is read, bytes. 65536 to 268435456, default 67108864.
    #[serde(default = "default::response_bytes_max")]
    pub response_bytes_max: usize,
    /// Blocks for which the node keeps state; 0: for ever (archive nodes). Default 0.
    #[serde(default)]
    pub state_window_blocks: u64,
    /// Usual time between blocks, milliseconds; a hint for polling. 10 to 600000, default 5000.
    #[serde(default = "default::block_interval_ms")]
    pub block_interval_ms: u64,
    /// Unbonding period of the chain, seconds, for clients created elsewhere. Default: read from the chain when the relayer connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unbonding_period_s: Option<u64>,
    /// Name of the store in which the chain keeps IBC. Default `ibc`.
    #[serde(default = "default::store_name")]
    pub store_name: String,
}

mod default {
    pub(super) fn tx_gas_max() -> u64 {
        25_000_000
    }
    pub(super) fn messages_max() -> u32 {
        100
    }
    pub(super) fn tx_bytes_max() -> u64 {
        500_000
    }
    pub(super) fn timeout_blocks() -> u64 {
        50
    }
    pub(super) fn batch_calls_max() -> usize {
        10
    }
    pub(super) fn request_timeout_ms() -> u64 {
        10_000
    }
    pub(super) fn response_bytes_max() -> usize {
        64 << 20
    }
    pub(super) fn block_interval_ms() -> u64 {
        5_000
    }
    pub(super) fn store_name() -> String {
        "ibc".to_string()
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
    /// A configuration with defaults everywhere: prefix `cosmos`, fees in `stake` at price 0.
    pub fn new(chain_id: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            chain_id: chain_id.into(),
            rpc: vec![RpcConfig::plain(url)],
            address_prefix: "cosmos".to_string(),
            gas_denom: "stake".to_string(),
            gas_price: Pricing::default(),
            key_type: KeyType::default(),
            keys: BTreeMap::new(),
            fee_granter: None,
            memo: String::new(),
            tx_gas_max: default::tx_gas_max(),
            messages_max: default::messages_max(),
            tx_bytes_max: default::tx_bytes_max(),
            timeout_blocks: default::timeout_blocks(),
            batch_calls_max: default::batch_calls_max(),
            request_timeout_ms: default::request_timeout_ms(),
            response_bytes_max: default::response_bytes_max(),
            state_window_blocks: 0,
            block_interval_ms: default::block_interval_ms(),
            unbonding_period_s: None,
            store_name: default::store_name(),
        }
    }

    /// Takes relative paths from the folder of the configuration file.
    pub fn resolve_paths(&mut self, base: &Path) {
        for key in self.keys.values_mut() {
            if key.keystore.is_relative() {
                key.keystore = base.join(&key.keystore);
            }
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
        bounded("tx_gas_max", self.tx_gas_max, 200_000, 10_000_000_000)?;
        bounded("messages_max", u64::from(self.messages_max), 1, 1_000)?;
        bounded("tx_bytes_max", self.tx_bytes_max, 4_096, 16_777_216)?;
        bounded("timeout_blocks", self.timeout_blocks, 5, 10_000)?;
        bounded("batch_calls_max", self.batch_calls_max as u64, 1, 1_000)?;
        bounded("request_timeout_ms", self.request_timeout_ms, 100, 120_000)?;
        bounded("response_bytes_max", self.response_bytes_max as u64, 65_536, 268_435_456)?;
        bounded("block_interval_ms", self.block_interval_ms, 10, 600_000)?;
        bounded("rpc (count)", self.rpc.len() as u64, 1, 16)?;
        bounded("memo (bytes)", self.memo.len() as u64, 0, 256)?;
        if let Pricing::Dynamic(price) = &self.gas_price {
            bounded("gas_price.multiplier_percent", u64::from(price.multiplier_percent), 100, 1_000)?;
        }
        if let Some(period) = self.unbonding_period_s {
            bounded("unbonding_period_s", period, 1, 3_153_600_000)?;
        }
        self.validate_names()?;
        for (index, rpc) in self.rpc.iter().enumerate() {
            validate_rpc(index, rpc)?;
        }
        Ok(())
    }

    fn validate_names(&self) -> Result<(), ConfigError> {
        if self.chain_id.is_empty() || self.chain_id.len() > 64 || !self.chain_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(form("chain_id", &self.chain_id, "1 to 64 printable characters, as the node answers"));
        }
        let is_prefix = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(1..=32).contains(&self.address_prefix.len()) || !self.address_prefix.bytes().all(is_prefix) {
            return Err(form("address_prefix", &self.address_prefix, "1 to 32 lower-case letters and digits, such as `cosmos`"));
        }
        let is_denom = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte);
        if !(2..=128).contains(&self.gas_denom.len()) || !self.gas_denom.bytes().all(is_denom) {
            return Err(form("gas_denom", &self.gas_denom, "2 to 128 letters, digits and `/:._-`, such as `uatom`"));
        }
        if self.store_name.is_empty() || self.store_name.len() > 64 || !self.store_name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(form("store_name", &self.store_name, "1 to 64 letters and digits; almost always `ibc`"));
        }
        if let Some(granter) = &self.fee_granter
            && crate::keys::address_bytes(&self.address_prefix, granter).is_err()
        {
            return Err(form("fee_granter", granter, "an address of this chain, with the configured address_prefix"));
        }
        if self.keys.keys().any(|name| !causeway_keystore::is_key_name(name)) {
            return Err(form("keys", "a name outside the rules", "1 to 64 letters, digits, `.`, `_` and `-`"));
        }
        Ok(())
    }

    /// The revision in the chain id: the number behind its last `-`, 0 without one (ibc-go `ParseChainID`).
    pub fn revision(&self) -> u64 {
        revision_of(&self.chain_id)
    }
}

/// ibc-go's rule: at least one character that is no dash, a dash, and a number that does not begin with 0.
pub(crate) fn revision_of(chain_id: &str) -> u64 {
    let Some((name, digits)) = chain_id.rsplit_once('-') else { return 0 };
    let sound = !name.is_empty() && !name.ends_with('-') && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if sound { digits.parse().unwrap_or(0) } else { 0 }
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
    ConfigError::Form { key: key.into(), found: found.into().chars().take(160).collect(), allowed }
}
