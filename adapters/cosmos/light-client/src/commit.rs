//! Every signature of a commit, not only as many as are needed: a commit in which one byte was changed is refused, whosever vote it is.
//!
//! ed25519 votes are checked in one batch, by the ZIP-215 rules that CometBFT follows (refuse.md C11); secp256k1 votes one by one, with a
//! low s (C10). The tally afterwards counts votes that are known to be good.

#[cfg(feature = "batch")]
mod batch;

use crate::refusal::{Refusal, refuse};
use alloc::format;
use alloc::vec::Vec;
use tendermint::block::CommitSig;
use tendermint::block::signed_header::SignedHeader;
use tendermint::crypto::default::signature::Verifier as DefaultVerifier;
use tendermint::vote::{SignedVote, ValidatorIndex, Vote};
use tendermint::{account, validator};
use tendermint_light_client_verifier::errors::VerificationError;
use tendermint_light_client_verifier::operations::{VotingPowerCalculator, VotingPowerTally};
use tendermint_light_client_verifier::types::TrustThreshold;

/// A vote, what it signs, and who must have signed it.
struct Signed<'a> {
    validator: &'a validator::Info,
    message: Vec<u8>,
    signature: tendermint::Signature,
    index: usize,
}

/// Checks that every vote is signed by the validator of its place.
///
/// Sources: cometbft `types/validation.go` `verifyCommitBatch` (order of the set, address of each vote), refuse.md H1 and H3.
pub(crate) fn every_signature(signed: &SignedHeader, validators: &validator::Set) -> Result<(), Refusal> {
    let votes = &signed.commit.signatures;
    if votes.len() != validators.validators().len() {
        return Err(refuse("commit-size", format!("{} votes, one a validator", validators.validators().len()), votes.len()));
    }
    let mut all = Vec::with_capacity(votes.len());
    for (index, (vote, validator)) in votes.iter().zip(validators.validators()).enumerate() {
        let Some((message, signature)) = signed_bytes(signed, index, vote)? else { continue };
        if vote.validator_address() != Some(validator.address) {
            return Err(refuse("commit-address", format!("{} at place {index}", validator.address), "another validator"));
        }
        all.push(Signed { validator, message, signature, index });
    }
    #[cfg(feature = "batch")]
    let all = batch::without_valid(all);
    // One of them is bad, or the batch could not tell: each by itself decides, and names the culprit.
    all.iter().try_for_each(verify_one)
}

fn verify_one(signed: &Signed<'_>) -> Result<(), Refusal> {
    let Signed { validator, message, signature, index } = signed;
    let judged = validator.verify_signature(&DefaultVerifier, message, signature);
    let bad = |_| refuse("commit-signature", format!("a signature of {}", validator.address), format!("something else at place {index}"));
    judged.map_err(bad)
}

/// What a vote signs, and its signature; `None` for an absent one.
fn signed_bytes(signed: &SignedHeader, index: usize, vote: &CommitSig) -> Result<Option<(Vec<u8>, tendermint::Signature)>, Refusal> {
    let (address, timestamp, signature, block_id) = match vote {
        CommitSig::BlockIdFlagAbsent => return Ok(None),
        CommitSig::BlockIdFlagCommit { validator_address, timestamp, signature } => {
            (*validator_address, *timestamp, signature, Some(signed.commit.block_id))
        }
        CommitSig::BlockIdFlagNil { validator_address, timestamp, signature } => (*validator_address, *timestamp, signature, None),
    };
    let unusable = || refuse("commit-signature", "a signed vote", format!("none at place {index}"));
    let vote = Vote {
        vote_type: tendermint::vote::Type::Precommit,
        height: signed.commit.height,
        round: signed.commit.round,
        block_id,
        timestamp: Some(timestamp),
        validator_address: address,
        validator_index: ValidatorIndex::try_from(index).map_err(|_| unusable())?,
        signature: signature.clone(),
        extension: Vec::new(),
        extension_signature: None,
    };
    let vote = SignedVote::from_vote(vote, signed.header.chain_id.clone()).ok_or_else(unusable)?;
    Ok(Some((vote.sign_bytes(), vote.signature().clone())))
}

/// Power of a set, and of those of it who voted for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: u64,
    pub(crate) tallied: u64,
}

/// Counts those of `set` who voted for the block; the error is an address that voted twice (refuse.md H1). Signatures are
/// [`every_signature`]'s to check.
pub(crate) fn overlap(signed: &SignedHeader, set: &validator::Set) -> Result<Tally, account::Id> {
    let mut voters: Vec<_> =
        signed.commit.signatures.iter().filter(|vote| vote.is_commit()).filter_map(CommitSig::validator_address).collect();
    voters.sort_unstable();
    if let Some(twice) = voters.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
        return Err(*twice);
    }
    let power = |infos: &mut dyn Iterator<Item = &validator::Info>| infos.fold(0_u64, |sum, info| sum.saturating_add(info.power()));
    let total = power(&mut set.validators().iter());
    let tallied = power(&mut set.validators().iter().filter(|info| voters.binary_search(&info.address).is_ok()));
    Ok(Tally { total, tallied })
}

/// [`overlap`] for the library, which would check signatures while it counts, and only as many as it needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counter;

impl VotingPowerCalculator for Counter {
    fn voting_power_in(
        &self,
        signed: &SignedHeader,
        set: &validator::Set,
        trust_threshold: TrustThreshold,
    ) -> Result<VotingPowerTally, VerificationError> {
        let Tally { total, tallied } = overlap(signed, set).map_err(VerificationError::duplicate_validator)?;
        Ok(VotingPowerTally { total, tallied, trust_threshold })
    }

    fn voting_power_in_sets(
        &self,
        signed: &SignedHeader,
        first: (&validator::Set, TrustThreshold),
        second: (&validator::Set, TrustThreshold),
    ) -> Result<(VotingPowerTally, VotingPowerTally), VerificationError> {
        Ok((self.voting_power_in(signed, first.0, first.1)?, self.voting_power_in(signed, second.0, second.1)?))
    }
}
