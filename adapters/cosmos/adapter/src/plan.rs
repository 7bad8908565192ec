//! Updates: the one for a root of trust, and the steps that bring a client forward.
//!
//! One step when enough of the trusted validators signed the target; else the plan walks along the changes of the set. Signatures are not
//! checked here: a step is a proposal that the light client judges. Called by [`crate::adapter`].

use crate::chain::{Chain, Result};
use crate::convert::{height_from, height_to, trust_level};
use causeway_adapter::{AdapterError, ClientView, HostLimits, Plan, UpdateStep};
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1 as tendermint;
use causeway_cosmos_proto::tendermint::types;
use causeway_cosmos_proto::{Any, unpack};
use causeway_types::Height;
use prost::Message;
use std::collections::BTreeSet;

#[cfg(test)]
mod tests;

/// Most steps of one plan, and most headers looked at on the way.
const STEPS_MAX: usize = 64;
const LOOKS_MAX: usize = 512;
/// Gas of an update before its bytes: reads and writes of the client's store.
const UPDATE_GAS_BASE: u64 = 150_000;
/// Gas a byte of a transaction, with what decoding it costs (SDK default 10).
const UPDATE_GAS_BYTE: u64 = 15;

/// A header with the set that signed it.
#[derive(Debug, Clone)]
struct Target {
    number: u64,
    signed: types::SignedHeader,
    validators: types::ValidatorSet,
}

async fn target(chain: &Chain, number: u64) -> Result<Target> {
    let signed = chain.signed_headers(&[number]).await?.pop().ok_or_else(|| chain.protocol("json-rpc-batch", "one header", "none"))?;
    let proposer = signed.header.as_ref().map(|header| header.proposer_address.clone());
    let validators = chain.validators(number, proposer.as_deref()).await?;
    Ok(Target { number, signed, validators })
}

fn update(target: &Target, trusted: Option<(Height, &types::ValidatorSet)>) -> Vec<u8> {
    let header = tendermint::Header {
        signed_header: Some(target.signed.clone()),
        validator_set: Some(target.validators.clone()),
        trusted_height: trusted.map(|(height, _)| height_to(height)),
        trusted_validators: trusted.map(|(_, validators)| validators.clone()),
    };
    header.encode_to_vec()
}

pub(crate) async fn root(chain: &Chain, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
    let number = match height {
        Some(height) if height.revision != chain.revision => {
            return Err(AdapterError::NotFound { what: "height", name: height.to_string() });
        }
        Some(height) => height.number,
        None => chain.head().await?.number,
    };
    let target = target(chain, number).await?;
    Ok((chain.height(number), update(&target, None)))
}

/// The header of exactly one height, on the validators of another.
pub(crate) async fn update_at(chain: &Chain, trusted: Height, height: Height) -> Result<Vec<u8>> {
    if let Some(strange) = [trusted, height].into_iter().find(|height| height.revision != chain.revision) {
        return Err(AdapterError::NotFound { what: "height", name: strange.to_string() });
    }
    let target = target(chain, height.number).await?;
    let known = next_validators(chain, trusted.number).await?;
    Ok(update(&target, Some((trusted, &known))))
}

/// The next validators of a trusted height: those whose hash its consensus state holds. Where the chain begins above that height, those of its
/// first block: a chain that takes the place of another starts with the validators whom the old one named last.
async fn next_validators(chain: &Chain, trusted: u64) -> Result<types::ValidatorSet> {
    let error = match chain.validators(trusted.saturating_add(1), None).await {
        Err(error @ AdapterError::HeightPruned { .. }) => error,
        found => return found,
    };
    let earliest = chain.head().await?.earliest;
    let begins = |signed: &types::SignedHeader| {
        let before = signed.header.as_ref().and_then(|header| header.last_block_id.as_ref());
        before.is_none_or(|block| block.hash.is_empty())
    };
    match chain.signed_headers(&[earliest]).await?.first() {
        Some(first) if begins(first) => chain.validators(earliest, None).await,
        _ => Err(error),
    }
}

pub(crate) async fn plan_update(chain: &Chain, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
    let (trusted, level) = followed(chain, view)?;
    if need.is_some_and(|need| need <= chain.height(trusted)) {
        return Ok(Plan::Steps(Vec::new()));
    }
    let retry_after_ms = chain.config.block_interval_ms;
    let head = match need {
        Some(need) => chain.head_above(need.number).await?.number,
        None => chain.head().await?.number,
    };
    if head <= trusted {
        return Ok(if need.is_none() { Plan::Steps(Vec::new()) } else { Plan::NotYet { retry_after_ms } });
    }
    if need.is_some_and(|need| need > chain.height(head)) {
        return Ok(Plan::NotYet { retry_after_ms });
    }
    let last = target(chain, head).await?;
    let mut steps = Vec::new();
    let (mut from, mut looks) = (trusted, 0_usize);
    for _ in 0..STEPS_MAX {
        let known = Known { from, validators: next_validators(chain, from).await?, level };
        let next = furthest(chain, &known, &last, &mut looks).await?;
        let done = next.number == last.number;
        steps.push(step((chain.height(from), &known.validators), &next, chain.height(next.number), limits));
        if done {
            return Ok(Plan::Steps(steps));
        }
        from = next.number;
    }
    Err(chain.protocol("trust", format!("at most {STEPS_MAX} steps"), "more"))
}

/// The height to start from (the newest that the client holds or, of a view that says so, one below it) and its trust level. The client's own
/// state must be about this chain.
fn followed(chain: &Chain, view: &ClientView) -> Result<(u64, (u64, u64))> {
    let invalid = |detail: String| AdapterError::Invalid { what: "client", detail };
    let any = Any::decode(view.state.as_slice()).map_err(|error| invalid(format!("its state does not parse: {error}")))?;
    let state: tendermint::ClientState = unpack(&any).map_err(|error| invalid(format!("{}: {error}", view.client_id)))?;
    if state.chain_id != chain.config.chain_id {
        return Err(invalid(format!(
            "{} follows chain {}; this is chain {}",
            view.client_id,
            crate::rpc::short(&state.chain_id),
            chain.config.chain_id
        )));
    }
    let latest = state.latest_height.map(height_from);
    if latest.is_none_or(|latest| latest < view.latest) || view.latest.revision != chain.revision {
        let expected = format!("{} or above, of revision {}", view.latest, chain.revision);
        return Err(invalid(format!("its state is of height {latest:?}, expected {expected}")));
    }
    Ok((view.latest.number, trust_level(&state)))
}

/// Those who sign for a trusted height, and which part of them a client asks for.
struct Known {
    from: u64,
    validators: types::ValidatorSet,
    level: (u64, u64),
}

/// The last header, or the furthest before it that enough of the known validators signed, by bisection.
async fn furthest(chain: &Chain, known: &Known, last: &Target, looks: &mut usize) -> Result<Target> {
    let from = known.from;
    // The block after a trusted one is proven by the hash of its validators, whatever they signed before.
    if last.number == from.saturating_add(1) || known.trusts(&last.signed) {
        return Ok(last.clone());
    }
    let (mut good, mut bad, mut best) = (from, last.number, None);
    while bad - good > 1 {
        *looks += 1;
        if *looks > LOOKS_MAX {
            return Err(chain.protocol("trust", format!("at most {LOOKS_MAX} headers looked at"), "more"));
        }
        let middle = good + (bad - good) / 2;
        let found = target(chain, middle).await?;
        if middle == from.saturating_add(1) || known.trusts(&found.signed) {
            good = middle;
            best = Some(found);
        } else {
            bad = middle;
        }
    }
    best.ok_or_else(|| chain.protocol("trust", format!("a header after {from} that its validators signed"), "none"))
}

impl Known {
    /// Whether more than that part of their power is among those who say that they signed.
    fn trusts(&self, signed: &types::SignedHeader) -> bool {
        /// `BLOCK_ID_FLAG_COMMIT`.
        const COMMIT: i32 = 2;
        let signatures = signed.commit.as_ref().map(|commit| commit.signatures.as_slice()).unwrap_or_default();
        let signers: BTreeSet<&[u8]> =
            signatures.iter().filter(|sig| sig.block_id_flag == COMMIT).map(|sig| sig.validator_address.as_slice()).collect();
        let power = |validator: &types::Validator| i128::from(validator.voting_power.max(0));
        let all = &self.validators.validators;
        let total: i128 = all.iter().map(power).sum();
        let met: i128 = all.iter().filter(|validator| signers.contains(validator.address.as_slice())).map(power).sum();
        let (numerator, denominator) = self.level;
        met.saturating_mul(denominator.into()) > total.saturating_mul(numerator.into())
    }
}

fn step(trusted: (Height, &types::ValidatorSet), to: &Target, resulting: Height, limits: HostLimits) -> UpdateStep {
    let update = update(to, Some(trusted));
    let bytes = update.len() as u64;
    let gas_estimate = UPDATE_GAS_BASE.saturating_add(UPDATE_GAS_BYTE.saturating_mul(bytes));
    let own_transaction = bytes > limits.tx_bytes_max / 2 || gas_estimate > limits.tx_gas_max / 2;
    UpdateStep { trusted: trusted.0, update, resulting, gas_estimate, own_transaction, not_before_s: None }
}
