//! Verification of updates and misbehaviour.
//!
//! The order of the rules is part of the interface, so that two implementations refuse alike: trusted state, header structure, constant
//! fields, validators, height and time, seals, quorum, account proof, and overlap last. Not here: keeping clients, freezing them, ABI.
//! Called by the adapter's light client.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::account;
use crate::hash::{Address, Hash, validators_hash};
use crate::header::{Header, Kind};
use crate::predicates as rule;
use crate::recover::Recover;
use crate::rules::{self, Hex, Violation, ensure};

/// What a client is configured with; it never comes from the counterparty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientParams {
    /// How the counterparty seals its blocks.
    pub kind: Kind,
    /// The counterparty's router, whose storage holds the commitments.
    pub router: Address,
    /// How long a verified state may be used, in seconds.
    pub trusting_period_s: u64,
    /// How far a header may be ahead of the verifier's clock, in seconds.
    pub max_clock_drift_s: u64,
}

/// A verified state of one height. Made by [`verify_update`], or by an operator as the root of trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedState {
    /// Block number.
    pub height: u64,
    /// Time of the block, in seconds.
    pub timestamp_s: u64,
    /// Root of the router's storage.
    pub storage_root: Hash,
    /// Hash of `validators` as [`validators_hash`] makes it.
    pub validators_hash: Hash,
    /// The set of that block, in header order.
    pub validators: Vec<Address>,
    /// Normalised hash of the block.
    pub header_hash: Hash,
}

/// A header and what is needed to check it against a trusted height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The trusted height it starts from.
    pub trusted_height: u64,
    /// The validators of that height.
    pub trusted_validators: Vec<Address>,
    /// The header's RLP with its seals.
    pub header: Vec<u8>,
    /// `accountProof` of `eth_getProof` for the router at the header's height, root first.
    pub account_proof: Vec<Vec<u8>>,
}

/// Answer to an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every rule holds.
    Success(TrustedState),
    /// Every rule holds but the overlap with the trusted set: a header between the two may bridge it.
    NotEnoughTrust {
        /// Members of the trusted set that signed.
        found: usize,
        /// How many must.
        needed: usize,
    },
    /// A rule is broken.
    Invalid(Violation),
}

/// The most held heights that may lie above a gap that is filled; the Solidity client walks over them.
pub const MAX_HEIGHTS_ABOVE: usize = 1_024;

/// Two blocks that cannot be on one chain, both sealed by a quorum that the client trusts: different ones of one height, or the higher
/// one earlier than the lower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The height; where there are two, that of the block that came (of a held state and a new one) or of the first.
    pub height: u64,
    /// Normalised hash of the first block.
    pub first: Hash,
    /// Normalised hash of the second block.
    pub second: Hash,
}

/// How a newly verified state relates to those that are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Its height is not held, and its time is between those of its neighbours: it is stored.
    New,
    /// The same block: nothing to store.
    Same,
    /// A block of another chain: `header-conflict`, the client freezes.
    Conflict(Conflict),
}

/// Signatures over a header, counted.
struct Sealed {
    header: Header,
    signers: Vec<Address>,
}

/// Verifies `update` against `trusted` at the time `now_s` (seconds).
///
/// The header may be above the client's latest height, or in a gap below it; it must be above the trusted height.
#[must_use]
pub fn verify_update(params: &ClientParams, trusted: &TrustedState, update: &Update, now_s: u64, recover: &impl Recover) -> Verdict {
    let verified = verify_sealed(params, trusted, update, now_s, recover).and_then(|sealed| {
        let root = account::prove_storage_root(&sealed.header.state_root, &params.router, &update.account_proof)?;
        Ok((sealed, root))
    });
    match verified {
        Err(violation) => Verdict::Invalid(violation),
        Ok((sealed, storage_root)) => match overlap(&update.trusted_validators, &sealed.signers) {
            (found, needed) if found < needed => Verdict::NotEnoughTrust { found, needed },
            _ => Verdict::Success(sealed.header.into_trusted(storage_root)),
        },
    }
}

/// Verifies that two updates show blocks that cannot be on one chain, see [`Conflict`]. `trusted` holds the states that the updates start from, in their
/// order; account proofs are not looked at.
///
/// # Errors
/// The rule that one of the headers breaks, `overlap`, `misbehaviour-heights`, or `misbehaviour-same`.
pub fn verify_misbehaviour(
    params: &ClientParams,
    trusted: [&TrustedState; 2],
    updates: [&Update; 2],
    now_s: u64,
    recover: &impl Recover,
) -> Result<Conflict, Violation> {
    let headers = |index: [(&TrustedState, &Update); 2]| -> Result<[Header; 2], Violation> {
        let [(first_state, first), (second_state, second)] = index;
        let one = |state, update: &Update| {
            let sealed = verify_sealed(params, state, update, now_s, recover)?;
            let (found, needed) = overlap(&update.trusted_validators, &sealed.signers);
            ensure(found >= needed, rules::OVERLAP, needed, found).map(|()| sealed.header)
        };
        Ok([one(first_state, first)?, one(second_state, second)?])
    };
    let ([first_state, second_state], [first, second]) = (trusted, updates);
    let [a, b] = headers([(first_state, first), (second_state, second)])?;
    if a.number == b.number {
        rule::different_block(&a.normalised_hash, &b.normalised_hash)?;
    } else {
        rule::against_time((a.number, a.timestamp_s), (b.number, b.timestamp_s))?;
    }
    Ok(Conflict { height: a.number, first: a.normalised_hash, second: b.normalised_hash })
}

/// Compares a newly verified state with the one held for the same height, by normalised hash (C5).
///
/// # Errors
/// `misbehaviour-heights` when they are of different heights.
pub fn compare_held(held: &TrustedState, new: &TrustedState) -> Result<Held, Violation> {
    rule::same_height(held.height, new.height)?;
    if held.header_hash == new.header_hash {
        return Ok(Held::Same);
    }
    Ok(Held::Conflict(Conflict { height: held.height, first: held.header_hash, second: new.header_hash }))
}

/// Where a newly verified state belongs among all that a client holds, by height: new, known, or evidence against the chain.
///
/// Times follow heights on one chain (Besu and GoQuorum refuse a block that is earlier than its parent), so a state that is earlier than
/// the held one below it or later than the held one above it is of another chain. Equal times are in order.
///
/// # Errors
/// `height-too-old` when more than [`MAX_HEIGHTS_ABOVE`] held heights are above it.
pub fn place(held: &BTreeMap<u64, TrustedState>, new: &TrustedState) -> Result<Held, Violation> {
    if let Some(known) = held.get(&new.height) {
        return compare_held(known, new);
    }
    rule::near_the_top(held.range(new.height..).take(MAX_HEIGHTS_ABOVE.saturating_add(1)).count())?;
    let below = held.range(..new.height).next_back().map(|(_, state)| state);
    let above = held.range(new.height..).next().map(|(_, state)| state);
    let earlier = below.filter(|state| new.timestamp_s < state.timestamp_s);
    let later = above.filter(|state| new.timestamp_s > state.timestamp_s);
    Ok(earlier
        .or(later)
        .map_or(Held::New, |other| Held::Conflict(Conflict { height: new.height, first: other.header_hash, second: new.header_hash })))
}

/// Distinct members of the trusted set among the signers, and how many there must be. Signers are distinct already.
fn overlap(trusted: &[Address], signers: &[Address]) -> (usize, usize) {
    let found = signers.iter().filter(|signer| trusted.contains(signer)).count();
    (found, rule::overlap_of(trusted.len()))
}

/// Every rule but the account proof and the overlap.
fn verify_sealed(
    params: &ClientParams,
    trusted: &TrustedState,
    update: &Update,
    now_s: u64,
    recover: &impl Recover,
) -> Result<Sealed, Violation> {
    trusted_state(params, trusted, update, now_s)?;
    let header = Header::parse(params.kind, &update.header)?;
    header_alone(&header)?;
    rule::height_newer(trusted.height, header.number)?;
    rule::time_newer(trusted.timestamp_s, header.timestamp_s)?;
    rule::time_not_ahead(now_s, params.max_clock_drift_s, header.timestamp_s)?;
    let signers = signers(&header, recover)?;
    rule::quorum(header.validators.len(), signers.len())?;
    Ok(Sealed { header, signers })
}

/// The trusted state is the one named, complete, and not too old.
fn trusted_state(params: &ClientParams, trusted: &TrustedState, update: &Update, now_s: u64) -> Result<(), Violation> {
    ensure(update.trusted_height == trusted.height, rules::TRUSTED_HEIGHT_UNKNOWN, trusted.height, update.trusted_height)?;
    let found = validators_hash(&update.trusted_validators);
    let known = !update.trusted_validators.is_empty() && found == trusted.validators_hash;
    ensure(known, rules::TRUSTED_VALIDATORS, Hex(&trusted.validators_hash), Hex(&found))?;
    rule::within_trusting_period(trusted.timestamp_s, params.trusting_period_s, now_s)
}

/// Rules that need nothing but the header.
fn header_alone(header: &Header) -> Result<(), Violation> {
    rule::difficulty(header)?;
    rule::ommers(header)?;
    rule::mix_hash(header)?;
    rule::nonce(header)?;
    rule::validators_present(header)?;
    rule::validators_bounded(&header.validators)?;
    rule::validators_distinct(&header.validators)?;
    rule::beneficiary(header)
}

/// The distinct members of the header's own set that sealed it. The first bad seal refuses the header, so at most one recovery more than
/// there are validators is made.
fn signers(header: &Header, recover: &impl Recover) -> Result<Vec<Address>, Violation> {
    let mut signers = Vec::with_capacity(header.validators.len());
    for seal in &header.seals {
        let (r_s, id) = rule::seal_signature(seal)?;
        let signer = recover
            .recover(&header.seal_digest, &r_s, id)
            .ok_or_else(|| Violation::new(rules::SEAL_SIGNATURE, "a signature that recovers", Hex(seal)))?;
        rule::seal_from_validator(&header.validators, &signer)?;
        rule::seal_distinct(&signers, &signer)?;
        signers.push(signer);
    }
    Ok(signers)
}

impl Header {
    fn into_trusted(self, storage_root: Hash) -> TrustedState {
        TrustedState {
            height: self.number,
            timestamp_s: self.timestamp_s,
            storage_root,
            validators_hash: validators_hash(&self.validators),
            validators: self.validators,
            header_hash: self.normalised_hash,
        }
    }
}
