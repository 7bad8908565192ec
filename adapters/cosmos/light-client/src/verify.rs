//! From a trusted height to the next: ibc-go's rules around the verification algorithm of CometBFT's light client.
//!
//! Source: cosmos/ibc-go `modules/light-clients/07-tendermint/update.go` `verifyHeader`. What convicts a chain is in
//! [`crate::misbehaviour`].

use crate::commit::{self, Counter};
use crate::header::{Untrusted, revision};
use crate::refusal::{Refusal, refuse};
use crate::trusted::Trusted;
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use tendermint::crypto::default::Sha256 as DefaultSha256;
use tendermint::{Hash, Time, chain, validator};
use tendermint_light_client_verifier::errors::VerificationErrorDetail as Detail;
use tendermint_light_client_verifier::operations::ProdCommitValidator;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::predicates::ProdPredicates;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{PredicateVerifier, Verdict, Verifier};

/// How far to trust, and which chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// What the chain calls itself.
    pub chain_id: String,
    /// Part of the trusted power that must sign a header further ahead: numerator and denominator, 1/3 to 1.
    pub trust_level: (u64, u64),
    /// For how long a verified header is trusted.
    pub trusting_period: Duration,
    /// How far ahead of the clock a header may be.
    pub clock_drift_max: Duration,
}

/// Why a header was not verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Judged {
    /// Validly signed, but by too few whom the trusted state knows: a height in between is needed.
    #[error("not enough trust: {found} of {needed} trusted voting power signed")]
    NotEnoughTrust {
        /// Power of trusted validators that signed.
        found: u64,
        /// Power that is needed.
        needed: u64,
    },
    /// A rule is broken, for ever.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Judges a header from a trusted height, at `now_ns` (unix nanoseconds).
///
/// # Errors
/// [`Judged`].
pub fn verify_header(params: &Params, trusted: &Trusted, header: &Untrusted, now_ns: u64) -> Result<Trusted, Judged> {
    let known = if header.trusted.is_some() { builds_on(trusted, header)? } else { own_set(params, trusted, header)? };
    same_revision(params, trusted, header)?;
    trusted_validators_match(trusted, known)?;
    proposer_is_validator(header)?;
    let chain_id = chain_id(&params.chain_id)?;
    let options = Options {
        trust_threshold: trust_level(params.trust_level)?,
        trusting_period: params.trusting_period,
        clock_drift: params.clock_drift_max,
    };
    let base = TrustedBlockState {
        chain_id: &chain_id,
        header_time: time(trusted.time_ns)?,
        height: height(trusted.height.number)?,
        next_validators: known,
        next_validators_hash: Hash::Sha256(trusted.next_validators_hash),
    };
    let verifier = verifier();
    let short = match verifier.verify_update_header(block(header), base, &options, time(now_ns)?) {
        Verdict::Success => None,
        Verdict::NotEnoughTrust(tally) => Some(tally),
        Verdict::Invalid(detail) => return Err(broken(&detail).into()),
    };
    if short.is_some() {
        // The library stops at the trusted set; a header that its own set did not commit to is no reason to look for one in between.
        succeeds(verifier.verify_commit(&block(header)))?;
    }
    // Signatures are the dearest and come last: what is refused for less costs less.
    commit::every_signature(&header.signed, &header.validators)?;
    match short {
        None => Ok(state(header)?),
        Some(tally) => Err(Judged::NotEnoughTrust { found: tally.tallied, needed: needed(tally.total, params.trust_level) }),
    }
}

/// Judges that the header's own validators are those that it names, and that more than two thirds of them signed it.
pub(crate) fn committed(header: &Untrusted) -> Result<(), Refusal> {
    let verifier = verifier();
    succeeds(verifier.verify_validator_sets(&block(header)))?;
    succeeds(verifier.verify_commit(&block(header)))?;
    commit::every_signature(&header.signed, &header.validators)
}

/// Judges a first header by the block hash that the operator vouches for: the header has that hash, and its own validators signed it.
///
/// # Errors
/// [`Refusal`] naming the broken rule.
pub fn verify_root(chain_id: &str, block_hash: &[u8; 32], header: &Untrusted) -> Result<Trusted, Refusal> {
    let found = header.block_hash()?;
    if found != *block_hash {
        return Err(refuse("root-hash", Hash::Sha256(*block_hash), Hash::Sha256(found)));
    }
    same_chain(chain_id, header)?;
    proposer_is_validator(header)?;
    committed(header)?;
    state(header)
}

fn verifier() -> PredicateVerifier<ProdPredicates, Counter, ProdCommitValidator> {
    PredicateVerifier::new(ProdPredicates, Counter, ProdCommitValidator)
}

fn block(header: &Untrusted) -> UntrustedBlockState<'_> {
    UntrustedBlockState { signed_header: &header.signed, validators: &header.validators, next_validators: None }
}

/// For verdicts that know no trusted set.
fn succeeds(verdict: Verdict) -> Result<(), Refusal> {
    match verdict {
        Verdict::Success => Ok(()),
        Verdict::Invalid(detail) => Err(broken(&detail)),
        Verdict::NotEnoughTrust(tally) => Err(refuse("commit-power", "more than two thirds", tally)),
    }
}

/// The least power that is more than this part of `total`.
pub(crate) fn needed(total: u64, (numerator, denominator): (u64, u64)) -> u64 {
    let part = u128::from(total).saturating_mul(u128::from(numerator)).checked_div(u128::from(denominator)).unwrap_or(u128::MAX);
    u64::try_from(part).unwrap_or(u64::MAX).saturating_add(1)
}

/// refuse.md H5: a header says which height it builds on, and is above it.
pub(crate) fn builds_on<'a>(trusted: &Trusted, header: &'a Untrusted) -> Result<&'a validator::Set, Refusal> {
    let Some((height, known)) = &header.trusted else {
        return Err(refuse("trusted-height", trusted.height, "none"));
    };
    if *height != trusted.height {
        return Err(refuse("trusted-height", trusted.height, height));
    }
    if header.height() <= trusted.height {
        return Err(refuse("height-not-above", format!("above {}", trusted.height), header.height()));
    }
    Ok(known)
}

/// The set of a header that names none to build on: its own, where that is the one that the trusted height named. Where the set has changed
/// since, a header in between is needed; the next one always does.
fn own_set<'a>(params: &Params, trusted: &Trusted, header: &'a Untrusted) -> Result<&'a validator::Set, Judged> {
    if header.height() <= trusted.height {
        return Err(refuse("height-not-above", format!("above {}", trusted.height), header.height()).into());
    }
    if trusted_validators_match(trusted, &header.validators).is_ok() {
        return Ok(&header.validators);
    }
    if header.height().number == trusted.height.number.saturating_add(1) {
        trusted_validators_match(trusted, &header.validators)?;
    }
    let total = header.validators.total_voting_power().value();
    Err(Judged::NotEnoughTrust { found: 0, needed: needed(total, params.trust_level) })
}

/// refuse.md H2.
pub(crate) fn same_chain(chain_id: &str, header: &Untrusted) -> Result<(), Refusal> {
    let found = header.signed.header.chain_id.as_str();
    if found == chain_id { Ok(()) } else { Err(refuse("chain-id", chain_id, found)) }
}

/// refuse.md H5. A light client does not cross a revision (ibc-go: headers of another revision are refused, the client is upgraded instead).
pub(crate) fn same_revision(params: &Params, trusted: &Trusted, header: &Untrusted) -> Result<(), Refusal> {
    let expected = revision(&params.chain_id);
    if trusted.height.revision != expected || header.height().revision != expected {
        return Err(refuse("revision", expected, header.height().revision));
    }
    Ok(())
}

/// refuse.md H5: the validators that come with a header are those that the trusted height named.
pub(crate) fn trusted_validators_match(trusted: &Trusted, known: &validator::Set) -> Result<(), Refusal> {
    let found = known.hash_with::<DefaultSha256>();
    let expected = Hash::Sha256(trusted.next_validators_hash);
    if found == expected { Ok(()) } else { Err(refuse("trusted-validators", expected, found)) }
}

/// refuse.md H6: the proposer is one of the set, and the set names the same one.
fn proposer_is_validator(header: &Untrusted) -> Result<(), Refusal> {
    let expected = header.signed.header.proposer_address;
    let found = header.validators.proposer().as_ref().map(|proposer| proposer.address);
    let is_member = header.validators.validators().iter().any(|validator| validator.address == expected);
    match found {
        Some(found) if found == expected && is_member => Ok(()),
        Some(found) => Err(refuse("proposer", expected, found)),
        None => Err(refuse("proposer", expected, "none")),
    }
}

fn state(header: &Untrusted) -> Result<Trusted, Refusal> {
    let inner = &header.signed.header;
    let Hash::Sha256(next_validators_hash) = inner.next_validators_hash else {
        return Err(refuse("header-encoding", "a hash of the next validators", "none"));
    };
    let root = inner.app_hash.as_bytes().to_vec();
    if root.len() > 64 {
        return Err(refuse("app-hash", "at most 64 bytes", root.len()));
    }
    let nanos = inner.time.unix_timestamp_nanos();
    let time_ns = u64::try_from(nanos).map_err(|_| refuse("header-time", "a time from 1970 on", nanos))?;
    Ok(Trusted { height: header.height(), time_ns, root, next_validators_hash, block_hash: header.block_hash()? })
}

fn chain_id(text: &str) -> Result<chain::Id, Refusal> {
    chain::Id::try_from(text).map_err(|_| refuse("chain-id", "1 to 50 letters, digits, `-`, `_` and `.`", text))
}

fn height(number: u64) -> Result<tendermint::block::Height, Refusal> {
    tendermint::block::Height::try_from(number).map_err(|_| refuse("trusted-height", "a height below 2^63", number))
}

fn time(ns: u64) -> Result<Time, Refusal> {
    let (seconds, nanos) = (i64::try_from(ns / 1_000_000_000), u32::try_from(ns % 1_000_000_000));
    let time = seconds.ok().zip(nanos.ok()).and_then(|(seconds, nanos)| Time::from_unix_timestamp(seconds, nanos).ok());
    time.ok_or_else(|| refuse("header-time", "a time that can be written", ns))
}

/// Largest denominator of a trust level: a set has less than 2^60 of power, and the library multiplies it in 64 bits.
const DENOMINATOR_MAX: u64 = 15;

/// refuse.md H5: below a third, those who lie could be all who sign. Source: cometbft `light/verifier.go` `ValidateTrustLevel`.
pub(crate) fn trust_level((numerator, denominator): (u64, u64)) -> Result<TrustThreshold, Refusal> {
    let level =
        if denominator <= DENOMINATOR_MAX && numerator <= denominator { TrustThreshold::new(numerator, denominator).ok() } else { None };
    let expected = || format!("1/3 to 1 with a denominator of at most {DENOMINATOR_MAX}");
    level.ok_or_else(|| refuse("trust-level", expected(), format!("{numerator}/{denominator}")))
}

fn broken(detail: &Detail) -> Refusal {
    let rule = match detail {
        Detail::HeaderFromTheFuture(_) => "header-from-future",
        Detail::NotEnoughTrust(_) => "not-enough-trust",
        Detail::InsufficientSignersOverlap(_) => "commit-power",
        Detail::DuplicateValidator(_) => "commit-duplicate",
        Detail::MissingSignature(_) | Detail::InvalidSignature(_) => "commit-signature",
        Detail::InvalidCommitValue(_) => "commit-block",
        Detail::InvalidNextValidatorSet(_) => "next-validators",
        Detail::InvalidValidatorSet(_) => "validators-hash",
        Detail::NonIncreasingHeight(_) => "height-not-above",
        Detail::ChainIdMismatch(_) => "chain-id",
        Detail::NonMonotonicBftTime(_) => "time-not-after",
        Detail::NotWithinTrustPeriod(_) => "trusting-period",
        Detail::NoSignatureForCommit(_) => "commit-empty",
        Detail::MismatchPreCommitLength(_) => "commit-size",
        Detail::FaultySigner(_) => "commit-address",
        Detail::Tendermint(_) => "header-encoding",
    };
    refuse(rule, expectation(rule), format!("{detail}"))
}

fn expectation(rule: &'static str) -> &'static str {
    match rule {
        "header-from-future" => "a header from before now plus the allowed drift",
        "commit-power" => "more than two thirds of the power",
        "commit-block" => "a commit for this header",
        "next-validators" => "the validators that the trusted height named",
        "validators-hash" => "the validators that the header names",
        "chain-id" => "the same chain",
        "time-not-after" => "a time after the trusted one",
        "trusting-period" => "a trusted height that is young enough",
        "commit-empty" => "votes",
        _ => "a valid header",
    }
}
