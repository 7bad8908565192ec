//! Turns the configuration into a running relayer: families, store, engine. Used by `start`, `path create` and the demo alike.

use crate::config::{ChainConfig, Config, Fees, PathConfig, Relayer, StoreBackend};
use crate::exit::{Code, Failure, OrFail};
use crate::families;
use causeway_adapter::{ClientParams, FeePolicy};
use causeway_api::{Api, ApiConfig, ApiError};
use causeway_engine::{ChainSpec, Engine, EngineConfig, EngineHandle, Filter, PathSpec, RootOfTrust, StartError, handshake};
use causeway_store::{RedbStore, SledStore, Store, StoreError};
use causeway_types::ChainId;
use causeway_types::classic::Order;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[cfg(test)]
mod tests;

/// Opens the journal's store.
///
/// # Errors
/// Exit code 73, with what holds it or what the disk said.
pub(crate) fn open_store(config: &Relayer) -> Result<Arc<dyn Store>, Failure> {
    let opened: Result<Arc<dyn Store>, StoreError> = match config.store_backend {
        StoreBackend::Sled => SledStore::open(&config.store).map(|store| Arc::new(store) as Arc<dyn Store>),
        StoreBackend::Redb => RedbStore::open(&config.store).map(|store| Arc::new(store) as Arc<dyn Store>),
    };
    opened.or_fail(Code::Store)
}

/// What the engine needs to know of one chain; connects to it.
///
/// # Errors
/// Exit codes 64, 69 and 77 for configuration, chain and keys.
pub(crate) async fn chain_spec(config: &ChainConfig, trust_on_first_use: bool) -> Result<ChainSpec, Failure> {
    let family = families::connect(config).await?;
    let root = match &config.trust {
        Some(trust) => {
            RootOfTrust::Pinned { height: families::height(config, trust.height), hash: trust.hash_bytes().or_fail(Code::BadConfig)? }
        }
        None if trust_on_first_use => RootOfTrust::FirstUse,
        None => RootOfTrust::Missing,
    };
    Ok(ChainSpec {
        id: ChainId::new(&config.name).or_fail(Code::BadConfig)?,
        family,
        native_chain_id: families::native_chain_id(config),
        params: ClientParams { trusting_period_s: config.trusting_period_s, clock_drift_max_s: config.clock_drift_max_s },
        signers: config.signers.clone(),
        fees: fee_policy(&config.fees)?,
        root,
        spend_cap_per_day: config.fees.spend_cap_per_day().or_fail(Code::BadConfig)?,
    })
}

/// What the operator allows a transaction to cost.
///
/// # Errors
/// Exit code 64 for a price that is no number.
pub(crate) fn fee_policy(fees: &Fees) -> Result<FeePolicy, Failure> {
    Ok(FeePolicy {
        gas_headroom_percent: fees.gas_headroom_percent,
        gas_price_max: fees.gas_price_max().or_fail(Code::BadConfig)?,
        replace_bump_percent: fees.replace_bump_percent,
        replaces_price: None,
    })
}

/// The engine's configuration; connects to every chain.
///
/// # Errors
/// As [`chain_spec`].
pub(crate) async fn engine_config(config: &Config, trust_on_first_use: bool) -> Result<EngineConfig, Failure> {
    let mut chains = Vec::with_capacity(config.chains.len());
    for chain in &config.chains {
        chains.push(chain_spec(chain, trust_on_first_use).await?);
    }
    let paths = config.paths.iter().map(path_spec).collect::<Result<Vec<_>, _>>()?;
    let mut engine = EngineConfig::new(chains, paths);
    engine.handshakes = config.handshakes.iter().map(|handshake| handshake.parse().or_fail(Code::BadConfig)).collect::<Result<_, _>>()?;
    engine.batching.count_max = config.relayer.batch_packets_max;
    engine.batching.age_max_ms = config.relayer.batch_age_max_ms;
    engine.clearing.interval_ms = config.relayer.clear_interval_s.saturating_mul(1_000);
    Ok(engine)
}

fn path_spec(path: &PathConfig) -> Result<PathSpec, Failure> {
    Ok(PathSpec {
        name: path.name.clone(),
        a: path.a.parse().or_fail(Code::BadConfig)?,
        b: path.b.parse().or_fail(Code::BadConfig)?,
        order: if path.ordered { Order::Ordered } else { Order::Unordered },
        filter: Filter {
            ports_allow: path.allow_ports.clone(),
            ports_deny: path.deny_ports.clone(),
            senders_allow: path.allow_senders.clone(),
            senders_deny: path.deny_senders.clone(),
            payload_bytes_max: path.payload_bytes_max.and_then(|bytes| usize::try_from(bytes).ok()),
        },
    })
}

/// The exit code of a start that was refused.
pub(crate) fn start_failure(error: &StartError) -> Failure {
    let code = match error {
        StartError::Config(_) | StartError::ChainIdMismatch { .. } | StartError::SeamVersion { .. } => Code::BadConfig,
        StartError::Store(_) | StartError::SchemaTooNew { .. } | StartError::Damaged { .. } => Code::Store,
        StartError::Adapter { error, .. } => match error {
            causeway_adapter::AdapterError::Invalid { .. } | causeway_adapter::AdapterError::Unsupported { .. } => Code::BadConfig,
            _ => Code::Unavailable,
        },
        StartError::NotProvable { .. } | StartError::RootPruned { .. } => Code::Unavailable,
        StartError::SetupRefused { .. } => Code::Failed,
        _ => Code::Untrusted,
    };
    Failure::new(code, error)
}

/// The exit code of services that do not start. A port that another process holds may be free in a moment.
fn api_failure(error: &ApiError) -> Failure {
    let code = match error {
        ApiError::Listen { error, .. } if error.kind() != std::io::ErrorKind::PermissionDenied => Code::Unavailable,
        _ => Code::BadConfig,
    };
    Failure::new(code, error)
}

/// A relayer that runs: the engine and its services.
#[derive(Debug)]
pub(crate) struct Running {
    /// The engine.
    pub(crate) engine: EngineHandle,
    /// Where gRPC is served.
    pub(crate) grpc_address: SocketAddr,
    /// Where HTTP is served.
    pub(crate) http_address: SocketAddr,
    api: Api,
}

impl Running {
    /// Opens the store, connects to the chains, starts the engine and then the services.
    ///
    /// # Errors
    /// Exit codes 64, 65, 69, 73 and 77; nothing was submitted then.
    pub(crate) async fn start(config: &Config, trust_on_first_use: bool) -> Result<Self, Failure> {
        let store = open_store(&config.relayer)?;
        let recorder = causeway_api::install_recorder().or_fail(Code::Failed)?;
        let engine_config = engine_config(config, trust_on_first_use).await?;
        let env = causeway_engine::env::system();
        let report = |progress: handshake::Progress| {
            tracing::info!(chain = %progress.chain, step = progress.step, detail = progress.detail, "a connection is finished");
        };
        let finished = handshake::finish_connections(&engine_config, Arc::clone(&store), &env, &report).await;
        finished.map_err(|error| start_failure(&error))?;
        let engine = Engine::start(engine_config, store, env).await.map_err(|error| start_failure(&error))?;
        let api_config = ApiConfig {
            grpc_listen: config.api.grpc_listen,
            http_listen: config.api.http_listen,
            allow_remote: config.api.allow_remote,
            version: env!("CARGO_PKG_VERSION").to_string(),
            ..ApiConfig::default()
        };
        match Api::start(api_config, Arc::new(engine.clone()), recorder, &CancellationToken::new()).await {
            Ok(api) => Ok(Self { engine, grpc_address: api.grpc_address(), http_address: api.http_address(), api }),
            Err(error) => {
                engine.shutdown(Duration::from_secs(1)).await;
                Err(api_failure(&error))
            }
        }
    }

    /// Drains: first the engine, so that its last words can still be asked for, then the services. Whether all of it ended in time.
    pub(crate) async fn shutdown(self, deadline: Duration) -> bool {
        let drained = self.engine.shutdown(deadline).await;
        self.api.shutdown(Duration::from_secs(2)).await && drained
    }
}

/// Completes when the process is asked to end: SIGINT or SIGTERM.
pub(crate) async fn wait_for_signal() {
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        tracing::warn!("SIGTERM cannot be watched; only Ctrl-C ends the process in order");
        interrupted().await;
        return;
    };
    tokio::select! {
        () = interrupted() => {}
        _ = terminate.recv() => {}
    }
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C cannot be watched");
        std::future::pending::<()>().await;
    }
}
