//! Turns the configuration into a running relayer: families, store, engine. Used by `start`, `path create` and the demo alike.

use crate::config::{ChainConfig, Config, EndConfig, PathConfig, Relayer, StoreBackend};
use crate::exit::{Code, Failure, OrFail};
use crate::families;
use causeway_adapter::{ClientParams, FeePolicy};
use causeway_engine::{ChainSpec, End, EngineConfig, Filter, PathSpec, RootOfTrust, StartError};
use causeway_store::{RedbStore, SledStore, Store, StoreError};
use causeway_types::{ChainId, ClientId, Height};
use std::sync::Arc;

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
        Some(trust) => RootOfTrust::Pinned { height: Height::new(trust.height), hash: trust.hash_bytes().or_fail(Code::BadConfig)? },
        None if trust_on_first_use => RootOfTrust::FirstUse,
        None => RootOfTrust::Missing,
    };
    Ok(ChainSpec {
        id: ChainId::new(&config.name).or_fail(Code::BadConfig)?,
        family,
        native_chain_id: families::native_chain_id(config),
        params: ClientParams { trusting_period_s: config.trusting_period_s, clock_drift_max_s: config.clock_drift_max_s },
        signers: config.signers.clone(),
        fees: FeePolicy {
            gas_headroom_percent: config.fees.gas_headroom_percent,
            gas_price_max: config.fees.gas_price_max().or_fail(Code::BadConfig)?,
            replace_bump_percent: config.fees.replace_bump_percent,
            replaces_price: None,
        },
        root,
        spend_cap_per_day: None,
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
    engine.batching.count_max = config.relayer.batch_packets_max;
    engine.batching.age_max_ms = config.relayer.batch_age_max_ms;
    engine.clearing.interval_ms = config.relayer.clear_interval_s.saturating_mul(1_000);
    Ok(engine)
}

fn path_spec(path: &PathConfig) -> Result<PathSpec, Failure> {
    Ok(PathSpec {
        name: path.name.clone(),
        a: end(&path.a)?,
        b: end(&path.b)?,
        filter: Filter { ports_allow: path.allow_ports.clone(), ports_deny: path.deny_ports.clone(), ..Filter::default() },
    })
}

fn end(end: &EndConfig) -> Result<End, Failure> {
    Ok(End {
        chain: ChainId::new(&end.chain).or_fail(Code::BadConfig)?,
        client: ClientId::new(&end.client).or_fail(Code::BadConfig)?,
    })
}

/// The exit code of a start that was refused.
pub(crate) fn start_failure(error: &StartError) -> Failure {
    let code = match error {
        StartError::Config(_) | StartError::ChainIdMismatch { .. } | StartError::SeamVersion { .. } => Code::BadConfig,
        StartError::Store(_) | StartError::SchemaTooNew { .. } | StartError::Damaged { .. } => Code::Store,
        StartError::Adapter { error, .. } => match error {
            causeway_adapter::AdapterError::Invalid { .. } => Code::BadConfig,
            _ => Code::Unavailable,
        },
        StartError::NotProvable { .. } => Code::Unavailable,
        StartError::SetupRefused { .. } => Code::Failed,
        _ => Code::Untrusted,
    };
    Failure::new(code, error)
}
