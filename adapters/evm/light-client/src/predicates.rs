//! One function a rule.
//!
//! Each takes facts and answers yes or a [`Violation`] with the rule's name from evm-formats.md section 2. They do not parse, recover or
//! walk. Called by [`client`](crate::client) and [`account`](crate::account); public so that other verifiers are tested against each alone.

use crate::client::MAX_HEIGHTS_ABOVE;
use crate::hash::{Address, EMPTY_CODE_HASH, EMPTY_OMMERS, EMPTY_ROOT, Hash};
use crate::header::{Header, Kind, MAX_VALIDATORS};
use crate::rules::{self, Hex, Violation, ensure};

/// The mix hash of BFT blocks: the ASCII text "ctical byzantine fault tolerance", as Besu and GoQuorum define it.
pub const BFT_MIX_HASH: Hash = [
    0x63, 0x74, 0x69, 0x63, 0x61, 0x6c, 0x20, 0x62, 0x79, 0x7a, 0x61, 0x6e, 0x74, 0x69, 0x6e, 0x65, 0x20, 0x66, 0x61, 0x75, 0x6c, 0x74,
    0x20, 0x74, 0x6f, 0x6c, 0x65, 0x72, 0x61, 0x6e, 0x63, 0x65,
];

/// Order of the secp256k1 group.
const CURVE_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
    0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// Half of it, rounded down: the largest s that is not high.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
    0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Seals needed from a set of `n`: ceil(2n/3) (refuse.md H7, H8).
#[must_use]
pub const fn quorum_of(n: usize) -> usize {
    n.saturating_mul(2).div_ceil(3)
}

/// Members of a trusted set of `n` that must be among the signers: max(f + 1, 2q - n), f = (n - 1) / 3 (refuse.md, key rules).
#[must_use]
pub const fn overlap_of(n: usize) -> usize {
    // An empty set can vouch for nothing: f + 1 stays 1.
    let honest = n.saturating_sub(1).wrapping_div(3).saturating_add(1);
    let intersection = quorum_of(n).saturating_mul(2).saturating_sub(n);
    if intersection > honest { intersection } else { honest }
}

/// `difficulty`: one (H8, Besu and GoQuorum header rules).
///
/// # Errors
/// The rule's name.
pub fn difficulty(header: &Header) -> Result<(), Violation> {
    ensure(header.difficulty == Some(1), rules::DIFFICULTY, 1, header.difficulty.unwrap_or(u64::MAX))
}

/// `ommers`: none (H8).
///
/// # Errors
/// The rule's name.
pub fn ommers(header: &Header) -> Result<(), Violation> {
    ensure(header.ommers_hash == EMPTY_OMMERS, rules::OMMERS, Hex(&EMPTY_OMMERS), Hex(&header.ommers_hash))
}

/// `mix-hash`: the BFT constant (H8).
///
/// # Errors
/// The rule's name.
pub fn mix_hash(header: &Header) -> Result<(), Violation> {
    ensure(header.mix_hash == BFT_MIX_HASH, rules::MIX_HASH, Hex(&BFT_MIX_HASH), Hex(&header.mix_hash))
}

/// `nonce`: zero; both protocols vote in the extra data (H8).
///
/// # Errors
/// The rule's name.
pub fn nonce(header: &Header) -> Result<(), Violation> {
    ensure(header.nonce == [0; 8], rules::NONCE, Hex(&[0; 8]), Hex(&header.nonce))
}

/// `validator-contract-mode` (QBFT, C9) or `validators-empty` (IBFT2): the header names its set.
///
/// # Errors
/// The rule's name.
pub fn validators_present(header: &Header) -> Result<(), Violation> {
    let rule = match header.kind {
        Kind::Qbft => rules::VALIDATOR_CONTRACT_MODE,
        Kind::Ibft2 => rules::VALIDATORS_EMPTY,
    };
    ensure(!header.validators.is_empty(), rule, "the validators in the header", "an empty list")
}

/// `validators-too-many`: at most [`MAX_VALIDATORS`].
///
/// # Errors
/// The rule's name.
pub fn validators_bounded(validators: &[Address]) -> Result<(), Violation> {
    ensure(validators.len() <= MAX_VALIDATORS, rules::VALIDATORS_TOO_MANY, MAX_VALIDATORS, validators.len())
}

/// `validators-duplicate`: each address once, or one key would count twice.
///
/// # Errors
/// The rule's name.
pub fn validators_distinct(validators: &[Address]) -> Result<(), Violation> {
    for (index, address) in validators.iter().enumerate() {
        let seen = validators.iter().take(index).any(|other| other == address);
        ensure(!seen, rules::VALIDATORS_DUPLICATE, "each address once", Hex(address))?;
    }
    Ok(())
}

/// `beneficiary-not-validator`: the proposer is one of the set (H8). The zero address names nobody and is accepted.
///
/// # Errors
/// The rule's name.
pub fn beneficiary(header: &Header) -> Result<(), Violation> {
    let known = header.beneficiary == [0; 20] || header.validators.contains(&header.beneficiary);
    ensure(known, rules::BENEFICIARY_NOT_VALIDATOR, "a validator", Hex(&header.beneficiary))
}

/// `seal-signature`: r in 1..n, s in 1..=n/2, v in {0, 1, 27, 28} (H8). Answers r and s together, and the recovery id 0 or 1.
///
/// # Errors
/// The rule's name.
pub fn seal_signature(seal: &[u8; 65]) -> Result<([u8; 64], u8), Violation> {
    let wrong = |expected: &str, found: &[u8]| Violation::new(rules::SEAL_SIGNATURE, expected, Hex(found));
    let (r_s, v) = seal.split_first_chunk::<64>().ok_or_else(|| wrong("65 bytes", seal))?;
    let (r, s) = r_s.split_first_chunk::<32>().ok_or_else(|| wrong("64 bytes", r_s))?;
    if *r == [0; 32] || *r >= CURVE_ORDER {
        return Err(wrong("r in 1..n", r));
    }
    if s == [0; 32] || s > HALF_ORDER.as_slice() {
        return Err(wrong("s in 1..=n/2", s));
    }
    let id = match v {
        [0 | 27] => 0,
        [1 | 28] => 1,
        _ => return Err(wrong("v in {0, 1, 27, 28}", v)),
    };
    Ok((*r_s, id))
}

/// `seal-not-validator`: the signer is a member of the header's own set (H8).
///
/// # Errors
/// The rule's name.
pub fn seal_from_validator(validators: &[Address], signer: &Address) -> Result<(), Violation> {
    ensure(validators.contains(signer), rules::SEAL_NOT_VALIDATOR, "a member of the header's set", Hex(signer))
}

/// `seal-duplicate`: no signer twice, by recovered address, never by signature bytes (H8).
///
/// # Errors
/// The rule's name.
pub fn seal_distinct(signers: &[Address], signer: &Address) -> Result<(), Violation> {
    ensure(!signers.contains(signer), rules::SEAL_DUPLICATE, "each signer once", Hex(signer))
}

/// `quorum`: ceil(2n/3) of the header's own set (H7).
///
/// # Errors
/// The rule's name.
pub fn quorum(validators: usize, signers: usize) -> Result<(), Violation> {
    ensure(signers >= quorum_of(validators), rules::QUORUM, quorum_of(validators), signers)
}

/// `height-not-newer`: above the trusted height (H5).
///
/// # Errors
/// The rule's name.
pub fn height_newer(trusted_height: u64, height: u64) -> Result<(), Violation> {
    ensure(height > trusted_height, rules::HEIGHT_NOT_NEWER, trusted_height.saturating_add(1), height)
}

/// `time-not-newer`: not before the trusted time (H5, evm-formats.md section 3), in seconds. Chains with periods below a second repeat
/// timestamps.
///
/// # Errors
/// The rule's name.
pub fn time_newer(trusted_s: u64, time_s: u64) -> Result<(), Violation> {
    ensure(time_s >= trusted_s, rules::TIME_NOT_NEWER, trusted_s, time_s)
}

/// `time-in-future`: at most `drift_s` ahead of `now_s` (H4).
///
/// # Errors
/// The rule's name.
pub fn time_not_ahead(now_s: u64, drift_s: u64, time_s: u64) -> Result<(), Violation> {
    let latest = now_s.saturating_add(drift_s);
    ensure(time_s <= latest, rules::TIME_IN_FUTURE, latest, time_s)
}

/// `trusting-period`: `now` is at most the trusted time plus the period (C8, evm-formats.md section 3).
///
/// # Errors
/// The rule's name.
pub fn within_trusting_period(trusted_s: u64, period_s: u64, now_s: u64) -> Result<(), Violation> {
    let end = trusted_s.saturating_add(period_s);
    ensure(now_s <= end, rules::TRUSTING_PERIOD, end, now_s)
}

/// `account-absent`: the router's account has code, or at least storage (C4).
///
/// Every account that is not a contract has neither, and every absence would prove. No chain makes an account with storage and no
/// code; the public IBFT2 fixture does, and what its storage root proves is sound.
///
/// # Errors
/// The rule's name.
pub fn account_deployed(storage_root: &Hash, code_hash: &Hash) -> Result<(), Violation> {
    let deployed = *code_hash != EMPTY_CODE_HASH || *storage_root != EMPTY_ROOT;
    ensure(deployed, rules::ACCOUNT_ABSENT, "the router's account with its code", "an account without code and storage")
}

/// `misbehaviour-heights`: both headers are of one height.
///
/// # Errors
/// The rule's name.
pub fn same_height(a: u64, b: u64) -> Result<(), Violation> {
    ensure(a == b, rules::MISBEHAVIOUR_HEIGHTS, a, b)
}

/// `misbehaviour-heights`: of two blocks of different heights, given as height and seconds, the higher one is the earlier. Blocks whose
/// times are in the order of their heights may be on one chain (evm-formats.md section 3).
///
/// # Errors
/// The rule's name.
pub fn against_time(a: (u64, u64), b: (u64, u64)) -> Result<(), Violation> {
    let ((lower, lower_s), (higher, higher_s)) = if a.0 < b.0 { (a, b) } else { (b, a) };
    let found = alloc::format!("{lower} at {lower_s}, {higher} at {higher_s}");
    ensure(higher_s < lower_s, rules::MISBEHAVIOUR_HEIGHTS, "one height, or times against heights", found)
}

/// `height-too-old`: not more held heights above a new one than are walked over (evm-formats.md section 3).
///
/// # Errors
/// The rule's name.
pub fn near_the_top(heights_above: usize) -> Result<(), Violation> {
    ensure(heights_above <= MAX_HEIGHTS_ABOVE, rules::HEIGHT_TOO_OLD, MAX_HEIGHTS_ABOVE, heights_above)
}

/// `misbehaviour-same`: the normalised hashes differ; other rounds or seals of one block are no misbehaviour (C5).
///
/// # Errors
/// The rule's name.
pub fn different_block(a: &Hash, b: &Hash) -> Result<(), Violation> {
    ensure(a != b, rules::MISBEHAVIOUR_SAME, "two blocks", Hex(a))
}
