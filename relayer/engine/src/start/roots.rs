//! Roots of trust: where trust in a chain begins, bound to the journal for good.

use super::ask;
use crate::Env;
use crate::chain::{Held, Trust};
use crate::config::{ChainSpec, RootOfTrust};
use crate::error::StartError;
use crate::journal::{codec, keys, wire};
use causeway_adapter::{AdapterError, TrustedState, Violation};
use causeway_store::{Store, Tree, Write};
use causeway_types::Height;
use prost::Message;
use std::collections::BTreeMap;

/// Rows read or removed in one step.
const PAGE: usize = 500;

/// What is trusted of a chain: from the journal, or from the configured root at the first start, to which the journal is bound at once.
pub(crate) async fn establish(env: &Env, spec: &ChainSpec, store: &dyn Store, followed: Option<Height>) -> Result<Trust, StartError> {
    let (trust, binding) = unbound(env, spec, store, followed).await?;
    if !binding.is_empty() {
        store.commit(binding).await?;
    }
    Ok(trust)
}

/// The same, with what binds the journal to a root that is new. A start writes it only once everything else agrees: one that is refused
/// because the root is too new must not hold the operator to that root.
pub(super) async fn unbound(
    env: &Env,
    spec: &ChainSpec,
    store: &dyn Store,
    followed: Option<Height>,
) -> Result<(Trust, Vec<Write>), StartError> {
    let key = keys::root(&spec.id);
    let damaged = |error: codec::Damaged| error.row("a root of trust", Tree::Meta, &key);
    let mut held = held(store, spec).await?;
    let mut binding = Vec::new();
    let root = match store.get(Tree::Meta, &key).await? {
        Some(bytes) => {
            let row: wire::TrustRow = codec::decode(&bytes).map_err(damaged)?;
            let stored = codec::trusted(&row).map_err(damaged)?;
            match spec.root {
                RootOfTrust::Pinned { hash, .. } if hash != stored.block_hash => {
                    return Err(StartError::RootChanged { chain: spec.id.clone(), stored: stored.block_hash, configured: hash });
                }
                _ => stored,
            }
        }
        None => {
            // Without a root, what is held was verified from one that was refused.
            if !held.is_empty() {
                crate::trust::forget(store, &spec.id).await?;
                held.clear();
            }
            let (root, writes) = first(env, spec, followed).await?;
            binding = writes;
            root
        }
    };
    let trust = Trust::new(spec.id.clone(), root, held);
    check_age(env, spec, &trust.latest())?;
    Ok((trust, binding))
}

/// The heights that the journal holds as verified.
async fn held(store: &dyn Store, spec: &ChainSpec) -> Result<BTreeMap<Height, Held>, StartError> {
    let prefix = keys::trusts(&spec.id);
    let (mut all, mut after) = (BTreeMap::new(), None::<Vec<u8>>);
    loop {
        let rows = store.scan(Tree::Meta, &prefix, after.as_deref(), PAGE).await?;
        let Some((last, _)) = rows.last() else { return Ok(all) };
        after = Some(last.clone());
        for (key, bytes) in &rows {
            let held = Trust::read(bytes).map_err(|error| error.row("a trusted state", Tree::Meta, key))?;
            all.insert(held.state.height, held);
        }
    }
}

fn check_age(env: &Env, spec: &ChainSpec, latest: &TrustedState) -> Result<(), StartError> {
    let Some(time_s) = latest.time_s else { return Ok(()) };
    let age_s = (env.clock.now_ms() / 1_000).saturating_sub(time_s);
    let period_s = spec.params.trusting_period_s;
    if age_s > period_s {
        return Err(StartError::TrustExpired { chain: spec.id.clone(), height: latest.height, age_s, period_s });
    }
    Ok(())
}

/// The root that the configuration names, verified, and what binds the journal to it.
async fn first(env: &Env, spec: &ChainSpec, followed: Option<Height>) -> Result<(TrustedState, Vec<Write>), StartError> {
    let refused = |height: Height| {
        let chain = spec.id.clone();
        move |violation: Violation| StartError::RootRefused { chain, height, violation }
    };
    let light_client = &spec.family.light_client;
    let (root, update) = match spec.root {
        RootOfTrust::Pinned { height, hash } => {
            let (_, update) = ask(env, spec, || spec.family.adapter.root(Some(height))).await.map_err(pruned)?;
            let root = light_client.verify_root(&hash, &update).map_err(refused(height))?;
            if root.height != height {
                let violation = Violation::new("root-height", height.to_string(), root.height.to_string());
                return Err(refused(height)(violation));
            }
            (root, update)
        }
        // Nothing newer than what the clients of the paths hold: they must be verifiable from it.
        RootOfTrust::FirstUse | RootOfTrust::Missing => {
            let (height, update) = ask(env, spec, || spec.family.adapter.root(followed)).await.map_err(pruned)?;
            let hash = light_client.block_hash(&update).map_err(refused(height))?;
            let root = light_client.verify_root(&hash, &update).map_err(refused(height))?;
            let endpoints = agreement(env, spec).await?;
            let (chain, height) = (spec.id.clone(), root.height);
            if spec.root == RootOfTrust::Missing {
                return Err(StartError::UntrustedRoot { chain, height, hash, endpoints });
            }
            tracing::warn!(%chain, %height, hash = %crate::error::hex(&hash), "trusted on first use: compare it with another node");
            (root, update)
        }
    };
    let row = wire::TrustRow {
        revision: root.height.revision,
        number: root.height.number,
        time_s: root.time_s,
        block_hash: root.block_hash.to_vec(),
        bytes: root.bytes.clone(),
        update,
        base_number: root.height.number,
        base_revision: root.height.revision,
        verified_ms: env.clock.now_ms(),
    };
    let bytes = row.encode_to_vec();
    let writes = vec![
        Write::Put(Tree::Meta, keys::root(&spec.id), bytes.clone()),
        Write::Put(Tree::Meta, keys::trust(&spec.id, root.height), bytes),
    ];
    Ok((root, writes))
}

/// That the nodes no longer keep what the root is proven by has its own cure.
fn pruned(error: StartError) -> StartError {
    match error {
        StartError::Adapter { chain, error: AdapterError::HeightPruned { asked, oldest } } => {
            StartError::RootPruned { chain, height: asked, oldest }
        }
        error => error,
    }
}

/// What the endpoints say, in words; refused when they contradict each other.
async fn agreement(env: &Env, spec: &ChainSpec) -> Result<String, StartError> {
    let status = ask(env, spec, || spec.family.adapter.status()).await?;
    if let Some(divergence) = status.divergence {
        let violation = Violation::new("endpoints-agree", "one chain from all endpoints", divergence);
        return Err(StartError::Verification { chain: spec.id.clone(), violation });
    }
    let say = |endpoint: &causeway_adapter::EndpointStatus| match &endpoint.head {
        Some(head) => format!("{} is at {}", endpoint.endpoint, head.height),
        None => format!("{} does not answer", endpoint.endpoint),
    };
    Ok(status.endpoints.iter().map(say).collect::<Vec<_>>().join("; "))
}
