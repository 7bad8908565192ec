//! Updates: the one for a root of trust, and the steps that bring a client forward.
//!
//! One step when enough of the trusted validators sealed the target; else the plan walks along the changes of the validator set.
//! Called by [`crate::adapter`].

use crate::chain::{Chain, Result};
use crate::header::FetchedHeader;
use crate::proofs::account_proofs;
use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolValue;
use causeway_adapter::{AdapterError, ClientView, HostLimits, Plan, UpdateStep};
use causeway_evm_contracts::abi::{ClientState, Update};
use causeway_evm_light_client::{NativeRecover, Recover, predicates};
use causeway_types::Height;

/// Most steps of one plan: a set of n changes completely in about n votes, and there are at most 128 validators.
const STEPS_MAX: usize = 128;
/// Gas of an update before its seals: header parsing, account proof, storage.
const UPDATE_GAS_BASE: u64 = 350_000;
/// Gas a seal: recovery and membership.
const UPDATE_GAS_SEAL: u64 = 15_000;

pub(crate) async fn root(chain: &Chain, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
    let height = match height {
        Some(height) => height.number,
        None => chain.head().await?.height,
    };
    let header = chain.header(height).await?;
    let proof = account_proofs(chain, &[height]).await?.pop().unwrap_or_default();
    let update = Update { trustedHeight: 0, trustedValidators: Vec::new(), header: header.rlp.into(), accountProof: proof };
    Ok((Height::new(height), update.abi_encode()))
}

pub(crate) async fn plan_update(chain: &Chain, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
    let trusted = trusted_height(chain, view)?;
    if need.is_some_and(|need| need.number <= trusted) {
        return Ok(Plan::Steps(Vec::new()));
    }
    let head = chain.head().await?.height;
    if head <= trusted {
        let retry_after_ms = chain.config.block_interval_ms;
        return Ok(if need.is_none() { Plan::Steps(Vec::new()) } else { Plan::NotYet { retry_after_ms } });
    }
    if need.is_some_and(|need| need.number > head) {
        return Ok(Plan::NotYet { retry_after_ms: chain.config.block_interval_ms });
    }
    let headers = walk(chain, trusted, head).await?;
    let heights: Vec<u64> = headers.iter().skip(1).map(|header| header.parsed.number).collect();
    let proofs = account_proofs(chain, &heights).await?;
    let steps = headers.windows(2).zip(proofs).filter_map(|(pair, proof)| match pair {
        [from, to] => Some(step(from, to, proof, limits)),
        _ => None,
    });
    Ok(Plan::Steps(steps.collect()))
}

/// The height to start from: the newest that the client holds or, of a view that says so, one below it. The client's own state must be
/// about this chain.
fn trusted_height(chain: &Chain, view: &ClientView) -> Result<u64> {
    let invalid = |detail: String| AdapterError::Invalid { what: "client", detail };
    let state = ClientState::abi_decode(&view.state).map_err(|error| invalid(format!("its state does not parse: {error}")))?;
    if state.router != chain.router || state.chainId != chain.config.chain_id {
        return Err(invalid(format!(
            "{} follows router {} of chain {}; this is router {} of chain {}",
            view.client_id, state.router, state.chainId, chain.router, chain.config.chain_id
        )));
    }
    if state.latestHeight < view.latest.number {
        return Err(invalid(format!("its state is of height {}, the view of {}", state.latestHeight, view.latest)));
    }
    Ok(view.latest.number)
}

/// Headers from the trusted one to the target, each trusted enough by the one before.
async fn walk(chain: &Chain, trusted: u64, target: u64) -> Result<Vec<FetchedHeader>> {
    let recover = NativeRecover::new();
    let mut ends = chain.headers(&[trusted, target]).await?.into_iter();
    let (Some(mut from), Some(last)) = (ends.next(), ends.next()) else {
        return Err(chain.protocol("json-rpc-batch", "two headers", "fewer"));
    };
    let mut path = Vec::new();
    for _ in 0..STEPS_MAX {
        if trusts(&from, &last, &recover) {
            path.extend([from, last]);
            return Ok(path);
        }
        let next = furthest(chain, &from, last.parsed.number, &recover).await?;
        path.push(std::mem::replace(&mut from, next));
    }
    Err(chain.protocol("overlap", format!("at most {STEPS_MAX} steps"), "more"))
}

/// The furthest header below `bad` that `from` trusts, by bisection.
async fn furthest(chain: &Chain, from: &FetchedHeader, bad: u64, recover: &NativeRecover) -> Result<FetchedHeader> {
    let (mut good, mut bad) = (from.parsed.number, bad);
    let mut best = None;
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        let header = chain.header(middle).await?;
        if trusts(from, &header, recover) {
            good = middle;
            best = Some(header);
        } else {
            bad = middle;
        }
    }
    best.ok_or_else(|| chain.protocol("overlap", format!("a header after {good} that its validators sealed"), "none"))
}

/// Whether enough of the validators of `from` sealed `to`.
fn trusts(from: &FetchedHeader, to: &FetchedHeader, recover: &NativeRecover) -> bool {
    let (trusted, header) = (&from.parsed.validators, &to.parsed);
    let mut signers: Vec<[u8; 20]> = Vec::new();
    for seal in &header.seals {
        let signer = predicates::seal_signature(seal).ok().and_then(|(r_s, id)| recover.recover(&header.seal_digest, &r_s, id));
        // A bad seal is the light client's to refuse, by name.
        if let Some(signer) = signer.filter(|signer| trusted.contains(signer) && !signers.contains(signer)) {
            signers.push(signer);
        }
    }
    signers.len() >= predicates::overlap_of(trusted.len())
}

fn step(from: &FetchedHeader, to: &FetchedHeader, proof: Vec<Bytes>, limits: HostLimits) -> UpdateStep {
    let seals = to.parsed.seals.len() as u64;
    let update = Update {
        trustedHeight: from.parsed.number,
        trustedValidators: from.parsed.validators.iter().map(|validator| Address::from(*validator)).collect(),
        header: to.rlp.clone().into(),
        accountProof: proof,
    }
    .abi_encode();
    let gas_estimate = UPDATE_GAS_BASE + UPDATE_GAS_SEAL * seals + 16 * update.len() as u64;
    let crowded = update.len() as u64 > limits.tx_bytes_max / 2 || gas_estimate > limits.tx_gas_max / 2;
    UpdateStep {
        trusted: Height::new(from.parsed.number),
        update,
        resulting: Height::new(to.parsed.number),
        gas_estimate,
        own_transaction: crowded,
        not_before_s: None,
    }
}
