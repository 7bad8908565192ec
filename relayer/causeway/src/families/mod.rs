//! The one place where chain families are put together. A new family is a folder under `adapters/` and an entry here.

pub(crate) mod evm;

use crate::config::ChainConfig;
use crate::exit::{Code, Failure, OrFail};
use causeway_adapter::rpc::{RemoteAdapter, RemoteOptions};
use causeway_adapter::{ChainAdapter, Family};
use std::sync::Arc;

/// Families that are built in, by the name of their table in the configuration.
pub(crate) const NAMES: &[&str] = &["evm"];

/// Connects to a configured chain: the built-in adapter, or a remote one. The light client is always built in, so that nothing a
/// remote adapter says is believed.
///
/// # Errors
/// Exit codes 64, 69 and 77 for configuration, chain and keys.
pub(crate) async fn connect(config: &ChainConfig) -> Result<Family, Failure> {
    let evm = evm_config(config)?;
    let light_client = Arc::new(evm::light_client(evm)?);
    let adapter: Arc<dyn ChainAdapter> = match &config.adapter {
        Some(address) => {
            let (remote, _) =
                RemoteAdapter::connect(address, RemoteOptions::default()).await.map_err(|error| remote_failure(config, address, error))?;
            Arc::new(remote)
        }
        None => Arc::new(evm::adapter(&config.name, evm, &config.signers).await?),
    };
    Ok(Family { adapter, light_client })
}

/// The built-in adapter of a chain, whatever `adapter` says: what `adapter serve` serves.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn built_in(config: &ChainConfig) -> Result<Family, Failure> {
    let evm = evm_config(config)?;
    Ok(Family {
        adapter: Arc::new(evm::adapter(&config.name, evm, &config.signers).await?),
        light_client: Arc::new(evm::light_client(evm)?),
    })
}

/// A chain to look at: no key is unlocked, nothing can be signed.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn watch_only(config: &ChainConfig) -> Result<Family, Failure> {
    connect(&ChainConfig { signers: Vec::new(), ..config.clone() }).await
}

/// Whether the chain lets the configured keys relay; asked before a path is created, so that it does not fail half-way. A remote
/// adapter answers for its own keys.
///
/// # Errors
/// Exit code 1 with what is missing and who can grant it.
pub(crate) async fn check_roles(config: &ChainConfig) -> Result<(), Failure> {
    if config.adapter.is_some() {
        return Ok(());
    }
    evm::check_roles(&config.name, evm_config(config)?, &config.signers).await
}

/// What the chain must call itself.
pub(crate) fn native_chain_id(config: &ChainConfig) -> Option<String> {
    config.evm.as_ref().map(|evm| evm.chain_id.to_string())
}

fn evm_config(config: &ChainConfig) -> Result<&causeway_evm_adapter::Config, Failure> {
    config.evm.as_ref().ok_or_else(|| format!("chain \"{}\" has no family", config.name)).or_fail(Code::BadConfig)
}

fn remote_failure(config: &ChainConfig, address: &str, error: impl std::fmt::Display) -> Failure {
    let advice = format!("start it with: causeway adapter serve --chain {}", config.name);
    Failure::new(Code::Unavailable, format!("chain \"{}\": adapter {address}: {error}; {advice}", config.name))
}
