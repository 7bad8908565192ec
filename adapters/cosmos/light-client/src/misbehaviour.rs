//! Two headers that convict a chain.
//!
//! Source: cosmos/ibc-go `modules/light-clients/07-tendermint/misbehaviour.go` `ValidateBasic` and `misbehaviour_handle.go`
//! `checkMisbehaviourHeader`. Like there, a header that convicts needs no time after the trusted one and may be of validators whom the
//! trusted height did not name, as long as enough of those whom it did name signed: that is what the evidence is about. Called by the
//! adapter before evidence is submitted.

use crate::commit::{Tally, overlap};
use crate::header::Untrusted;
use crate::refusal::{Refusal, refuse};
use crate::trusted::Trusted;
use crate::verify::{Params, builds_on, committed, needed, same_chain, same_revision, trust_level, trusted_validators_match};

/// Whether two headers convict the chain: two blocks of one height, or a later one whose time is not later, each validly signed from the
/// same trusted height. Evidence does not grow old here: whether the client still takes it is the client's to say.
///
/// # Errors
/// [`Refusal`] naming why they do not.
pub fn verify_misbehaviour(params: &Params, trusted: &Trusted, a: &Untrusted, b: &Untrusted) -> Result<(), Refusal> {
    let (later, earlier) = if a.height() >= b.height() { (a, b) } else { (b, a) };
    let convicts = if later.height() == earlier.height() {
        later.block_hash()? != earlier.block_hash()?
    } else {
        later.signed.header.time <= earlier.signed.header.time
    };
    if !convicts {
        return Err(refuse("misbehaviour-conflict", "two blocks of one height, or times that do not grow", "headers that agree"));
    }
    would_convince(params, trusted, later)?;
    would_convince(params, trusted, earlier)
}

/// A client that trusts this height could have believed the header.
fn would_convince(params: &Params, trusted: &Trusted, header: &Untrusted) -> Result<(), Refusal> {
    let known = builds_on(trusted, header)?;
    same_revision(params, trusted, header)?;
    same_chain(&params.chain_id, header)?;
    trusted_validators_match(trusted, known)?;
    trust_level(params.trust_level)?;
    let twice = |address| refuse("commit-duplicate", "one vote a validator", address);
    let Tally { total, tallied } = overlap(&header.signed, known).map_err(twice)?;
    let enough = needed(total, params.trust_level);
    if tallied < enough {
        return Err(refuse("misbehaviour-trust", enough, tallied));
    }
    committed(header)
}
