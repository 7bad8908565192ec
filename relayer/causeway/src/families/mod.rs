//! The one place where chain families are put together. A new family is a folder under `adapters/` and an entry here.

pub(crate) mod cosmos;
pub(crate) mod evm;

use crate::config::ChainConfig;
use crate::exit::{Code, Failure};
use async_trait::async_trait;
use causeway_adapter::rpc::{RemoteAdapter, RemoteOptions};
use causeway_adapter::{ChainAdapter, ClientView, Family, LightClient};
use causeway_keystore::SecretRef;
use causeway_types::Height;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd};
use std::path::{Path, PathBuf};
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

    /// Names of all its keys.
    fn key_names(&self) -> Vec<String>;

    /// Names of the keys that can be unlocked without asking anybody: made, and with a source for the passphrase.
    fn ready_keys(&self) -> Vec<String>;

    /// Where the table says that the keystore of that name lies.
    fn keystore(&self, name: &str) -> Option<PathBuf>;

    /// Where the table says that the passphrase of that keystore is read.
    fn passphrase(&self, name: &str) -> Option<SecretRef>;

    /// Whether a text has the form of an account of the chain; `Err` says which form that is.
    fn check_account(&self, text: &str) -> Result<(), String>;

    /// The adapter, with the named keys unlocked.
    async fn adapter(&self, chain: &str, signers: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure>;

    /// The adapter to ask a chain with, the named keys unlocked, whether or not there is what relaying needs.
    async fn probe(&self, chain: &str, keys: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure>;

    /// What stands between the chain and relaying, as far as its endpoints tell.
    async fn standing(&self, chain: &str) -> Result<Standing, Failure>;

    /// The verifier.
    async fn light_client(&self, chain: &str) -> Result<Arc<dyn LightClient>, Failure>;

    /// Host and port of each endpoint, never credentials.
    fn endpoint_names(&self) -> Vec<String>;

    /// The same chain with each of its endpoints alone.
    fn each_endpoint(&self) -> Vec<Box<dyn BuiltIn>>;

    /// What the first endpoint that answers calls itself: program and version.
    async fn node_version(&self, chain: &str) -> Result<String, Failure>;

    /// Channels of IBC classic that are open and fit, and where they lead, where the family has such.
    async fn channels(&self, chain: &str, wanted: &(dyn for<'a> Fn(&'a ChannelEndId) -> bool + Sync)) -> Result<Vec<OpenChannel>, Failure>;

    /// Whether the chain lets the named keys relay.
    async fn check_roles(&self, chain: &str, signers: &[String]) -> Result<(), Failure>;
}

/// What the chain has of what relaying needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// All of it.
    Ready,
    /// Something is still to be put there: what, and which command does it.
    NotYet(String),
    /// What is there is not what the configuration says.
    Wrong(String),
}

/// A channel of IBC classic, and where it leads.
#[derive(Debug, Clone)]
pub(crate) struct OpenChannel {
    /// Port and channel on the chain.
    pub(crate) id: ChannelEndId,
    /// The channel's end.
    pub(crate) end: ChannelEnd,
    /// The end of the connection that it stands on.
    pub(crate) connection: ConnectionEnd,
    /// What the chain that its client follows calls itself.
    pub(crate) leads_to: String,
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

/// A chain to ask, with keys, even before it can be relayed to. A remote adapter has its own.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn probe(config: &ChainConfig, keys: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
    if config.adapter.is_some() { Ok(connect(config).await?.adapter) } else { of(config)?.probe(&config.name, keys).await }
}

/// What stands between a chain and relaying. A remote adapter answers for itself.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn standing(config: &ChainConfig) -> Result<Standing, Failure> {
    if config.adapter.is_some() { Ok(Standing::Ready) } else { of(config)?.standing(&config.name).await }
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

/// What the chain that a client follows calls itself, where the client's state tells.
pub(crate) fn followed_chain(view: &ClientView) -> Option<String> {
    causeway_cosmos_adapter::followed_chain(&view.state)
}

/// A height of the chain, from its number.
pub(crate) fn height(config: &ChainConfig, number: u64) -> Height {
    Height { revision: tables(config).first().map_or(0, |family| family.revision()), number }
}

/// Channels of a chain that are open and fit, and where they lead. Asked of the configured endpoints.
///
/// # Errors
/// Exit code 64 where the family has none, 69 when no endpoint answers.
pub(crate) async fn channels(
    config: &ChainConfig,
    wanted: &(dyn for<'a> Fn(&'a ChannelEndId) -> bool + Sync),
) -> Result<Vec<OpenChannel>, Failure> {
    of(config)?.channels(&config.name, wanted).await
}

fn of(config: &ChainConfig) -> Result<&dyn BuiltIn, Failure> {
    let missing = || Failure::new(Code::BadConfig, format!("chain \"{}\" has no family", config.name));
    tables(config).into_iter().next().ok_or_else(missing)
}

/// A key that a chain names and that nobody has made yet.
fn no_keystore(chain: &str, key: &str) -> Failure {
    let advice = format!("make it with `causeway key add {key} --chain {chain}`");
    Failure::new(Code::Key, format!("chain \"{chain}\": key `{key}` has no keystore yet; {advice}"))
}

fn remote_failure(config: &ChainConfig, address: &str, error: impl std::fmt::Display) -> Failure {
    let advice = format!("start it with `causeway adapter serve --chain {}`", config.name);
    Failure::new(Code::Unavailable, format!("chain \"{}\": adapter {address}: {error}; {advice}", config.name))
}

/// Host and port of an endpoint for people; one whose address is a secret by its place.
fn endpoint_name(index: usize, url: Option<&str>) -> String {
    let parsed = url.and_then(|url| url::Url::parse(url).ok());
    let host = parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_string(),
        None => format!("rpc[{index}]"),
    }
}
