//! EVM chains that seal their blocks with QBFT or IBFT2 (Besu, GoQuorum), as a family of the seam.
//!
//! What it is not: it decides nothing about what to believe (that is [`EvmLightClient`], pure and without a connection) and nothing
//! about what to relay. Who uses it: the binary, which makes a [`Family`] of it; the demo and the CLI, which deploy contracts and
//! keep keys with it.
//!
//! - [`Config`]: the `[chain.evm]` table;
//! - [`EvmChain::connect`]: adapter and light client of one chain;
//! - [`EvmAdapter`]: JSON-RPC, everything batched, several endpoints with failover;
//! - [`EvmLightClient`]: verification and encodings, constructible from a configuration alone;
//! - [`keys`]: encrypted keystores and signing keys;
//! - [`deploy()`]: the contracts, resumable; [`RouterAccess`] and [`AdminAct`]: who may do what on a router.
//!
//! ```
//! use causeway_evm_adapter::{Config, EvmLightClient};
//! let mut config = Config::new(1337, "http://127.0.0.1:8545");
//! config.router = Some("0x00000000000000000000000000000000000000aa".parse().unwrap());
//! config.validate().unwrap();
//! EvmLightClient::new(&config).unwrap();
//! ```

mod adapter;
mod admin;
mod chain;
mod config;
mod contracts;
mod convert;
mod deploy;
mod deployed;
mod header;
pub mod keys;
mod light_client;
mod logs;
mod nodes;
mod plan;
mod proofs;
mod rpc;
mod state;
mod submitted;
mod tx;
mod watch;

pub use adapter::EvmAdapter;
pub use admin::{AdminAct, AdminDone, Role, RouterAccess};
pub use causeway_keystore::{Secret, SecretRef};
pub use config::{ClientKind, Config, ConfigError, FeeMode, KeyConfig, RpcConfig};
pub use deploy::{DeployJournal, DeployOptions, Deployment, deploy};
pub use deployed::{DeployedCode, deployed_code};
pub use keys::{KeyError, KeyInfo, Keys};
pub use light_client::{EvmLightClient, HOST_ENCODING};

use causeway_adapter::{AdapterError, Family};
use std::sync::Arc;

/// Puts one configured chain together.
#[derive(Debug, Clone, Copy)]
pub struct EvmChain;

impl EvmChain {
    /// Connects the adapter and makes the light client.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] for a configuration that cannot work or an endpoint of another chain, and what the endpoints say
    /// when none of them answers.
    pub async fn connect(config: &Config, keys: Keys) -> Result<Family, AdapterError> {
        let invalid = |error: ConfigError| AdapterError::Invalid { what: "configuration", detail: error.to_string() };
        let light_client = EvmLightClient::new(config).map_err(invalid)?;
        let adapter = EvmAdapter::connect(config, keys).await?;
        Ok(Family { adapter: Arc::new(adapter), light_client: Arc::new(light_client) })
    }
}
