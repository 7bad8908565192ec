//! The one place where chain families are put together. A new family is a folder under `adapters/` and an entry here.

pub(crate) mod cosmos;
pub(crate) mod evm;

use crate::config::ChainConfig;
use crate::exit::{Code, Failure};
use async_trait::async_trait;
use causeway_adapter::rpc::{RemoteAdapter, RemoteOptions};
use causeway_adapter::{ChainAdapter, Family, LightClient};
use causeway_types::Height;
use std::path::Path;
use std::sync::Arc;

/// Families that are built in, by the name of their table in the configuration.
pub(crate) const NAMES: &[&str] = &["evm", "cosmos"];

/// What the binary asks of a family: the table of a chain in the configuration, and what can be made of it.
#[async_trait]
pub(crate) trait BuiltIn: Send + Sync {
    /// Name of the table.
    fn table(&self) -> &'static str;

    /// What the chain must call itself.
    fn native_chain_id(&self) -> String;

    /// The revision that heights of the chain have; 0 where the family has none.
    fn revision(&self) -> u64;

    /// Takes relative paths from the folder of the configuration file.
    fn resolve_paths(&mut self, base: &Path);

    /// Checks every bound; the message names key, value and what is allowed.
    fn validate(&self) -> Result<(), String>;

    /// Whether the table has a keystore of that name.
    fn has_key(&self, name: &str) -> bool;

    /// The adapter, with the named keys unlocked.
    async fn adapter(&self, chain: &str, signers: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure>;

    /// The verifier.
    async fn light_client(&self, chain: &str) -> Result<Arc<dyn LightClient>, Failure>;

    /// Whether the chain lets the named keys relay.
    async fn check_roles(&self, chain: &str, signers: &[String]) -> Result<(), Failure>;
}

/// The family tables that a chain has in the configuration; a valid one has exactly one.
pub(crate) fn tables(config: &ChainConfig) -> Vec<&dyn BuiltIn> {
    let evm = config.evm.as_ref().map(|evm| evm as &dyn BuiltIn);
    let cosmos = config.cosmos.as_ref().map(|cosmos| cosmos as &dyn BuiltIn);
    [evm, cosmos].into_iter().flatten().collect()
}

/// As [`tables`], to be changed.
pub(crate) fn tables_mut(config: &mut ChainConfig) -> Vec<&mut dyn BuiltIn> {
    let evm = config.evm.as_mut().map(|evm| evm as &mut dyn BuiltIn);
    let cosmos = config.cosmos.as_mut().map(|cosmos| cosmos as &mut dyn BuiltIn);
    [evm, cosmos].into_iter().flatten().collect()
}

/// Connects to a configured chain: the built-in adapter, or a remote one. The light client is always built in, so that nothing a
/// remote adapter says is believed.
///
/// # Errors
/// Exit codes 64, 69 and 77 for configuration, chain and keys.
pub(crate) async fn connect(config: &ChainConfig) -> Result<Family, Failure> {
    let Some(address) = &config.adapter else { return built_in(config).await };
    let light_client = of(config)?.light_client(&config.name).await?;
    let connected = RemoteAdapter::connect(address, RemoteOptions::default()).await;
    let (remote, _) = connected.map_err(|error| remote_failure(config, address, error))?;
    Ok(Family { adapter: Arc::new(remote), light_client })
}

/// The built-in adapter of a chain, whatever `adapter` says: what `adapter serve` serves.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn built_in(config: &ChainConfig) -> Result<Family, Failure> {
    let family = of(config)?;
    let adapter = family.adapter(&config.name, &config.signers).await?;
    Ok(Family { adapter, light_client: family.light_client(&config.name).await? })
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
    of(config)?.check_roles(&config.name, &config.signers).await
}

/// What the chain must call itself.
pub(crate) fn native_chain_id(config: &ChainConfig) -> Option<String> {
    tables(config).first().map(|family| family.native_chain_id())
}

/// A height of the chain, from its number.
pub(crate) fn height(config: &ChainConfig, number: u64) -> Height {
    Height { revision: tables(config).first().map_or(0, |family| family.revision()), number }
}

fn of(config: &ChainConfig) -> Result<&dyn BuiltIn, Failure> {
    let missing = || Failure::new(Code::BadConfig, format!("chain \"{}\" has no family", config.name));
    tables(config).into_iter().next().ok_or_else(missing)
}

fn remote_failure(config: &ChainConfig, address: &str, error: impl std::fmt::Display) -> Failure {
    let advice = format!("start it with: causeway adapter serve --chain {}", config.name);
    Failure::new(Code::Unavailable, format!("chain \"{}\": adapter {address}: {error}; {advice}", config.name))
}
