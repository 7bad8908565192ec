//! The bytes of a trusted state: compact, versioned, and read strictly. They lie in the journal of the relayer.

use causeway_adapter::Violation;
use causeway_evm_light_client::{TrustedState, header::MAX_VALIDATORS, validators_hash};

/// First byte of the form below.
const VERSION: u8 = 1;
/// Version, height, time, storage root, header hash.
const FIXED_BYTES: usize = 1 + 8 + 8 + 32 + 32;

/// Version, height, time, storage root, header hash, then the validators, 20 bytes each. Numbers are big endian.
pub(super) fn encode(state: &TrustedState) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FIXED_BYTES + state.validators.len() * 20);
    bytes.push(VERSION);
    bytes.extend_from_slice(&state.height.to_be_bytes());
    bytes.extend_from_slice(&state.timestamp_s.to_be_bytes());
    bytes.extend_from_slice(&state.storage_root);
    bytes.extend_from_slice(&state.header_hash);
    state.validators.iter().for_each(|validator| bytes.extend_from_slice(validator));
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<TrustedState, Violation> {
    let refuse = || {
        let expected = format!("version {VERSION}, {FIXED_BYTES} bytes and 1 to {MAX_VALIDATORS} validators");
        Violation::new("trusted-state", expected, format!("{} bytes", bytes.len()))
    };
    let (fixed, rest) = bytes.split_first_chunk::<FIXED_BYTES>().ok_or_else(refuse)?;
    let (sets, remainder) = rest.as_chunks::<20>();
    if fixed[0] != VERSION || sets.is_empty() || sets.len() > MAX_VALIDATORS || !remainder.is_empty() {
        return Err(refuse());
    }
    let (numbers, hashes) = fixed[1..].split_at(16);
    let number = |at: usize| numbers.get(at..at + 8).and_then(|part| part.try_into().ok()).map(u64::from_be_bytes);
    let hash = |at: usize| hashes.get(at..at + 32).and_then(|part| <[u8; 32]>::try_from(part).ok());
    let validators = sets.to_vec();
    Ok(TrustedState {
        height: number(0).ok_or_else(refuse)?,
        timestamp_s: number(8).ok_or_else(refuse)?,
        storage_root: hash(0).ok_or_else(refuse)?,
        validators_hash: validators_hash(&validators),
        validators,
        header_hash: hash(32).ok_or_else(refuse)?,
    })
}
