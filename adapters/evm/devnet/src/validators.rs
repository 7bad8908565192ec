//! The validators' keys and what they sign. Not consensus: one process holds every key,
//! so agreement is a function call. Called by `producer`, `rpc` and `control`.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use secp256k1::{Message, Secp256k1, SecretKey, SignOnly, ecdsa::RecoverableSignature};

use crate::config::derived_key;

/// More than this no header may list (docs/evm-formats.md, section 1).
pub(crate) const MAX_VALIDATORS: usize = 128;

/// Keys derived on demand from the chain's seed, by index.
#[derive(Debug)]
pub(crate) struct Keyring {
    seed: u64,
    signer: Secp256k1<SignOnly>,
}

impl Keyring {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, signer: Secp256k1::signing_only() }
    }

    /// The address of validator `index`.
    pub(crate) fn address(&self, index: u32) -> Address {
        address_of(&self.secret(index))
    }

    /// A committed seal of validator `index`: r, s and the parity (0 or 1).
    pub(crate) fn seal(&self, index: u32, digest: B256) -> Bytes {
        let key = secret_key(&self.secret(index));
        let signature: RecoverableSignature = self.signer.sign_ecdsa_recoverable(Message::from_digest(digest.0), &key);
        let (parity, compact) = signature.serialize_compact();
        let mut out = compact.to_vec();
        out.push(u8::try_from(i32::from(parity)).unwrap_or_default());
        out.into()
    }

    fn secret(&self, index: u32) -> B256 {
        derived_key("causeway devnet validator", self.seed, index)
    }
}

/// The address of a secret key.
pub(crate) fn address_of(secret: &B256) -> Address {
    let public = secret_key(secret).public_key(&Secp256k1::signing_only());
    Address::from_slice(&keccak256(&public.serialize_uncompressed()[1..])[12..])
}

fn secret_key(secret: &B256) -> SecretKey {
    SecretKey::from_byte_array(secret.0).expect("a hash is a valid scalar but for a chance of 2^-128")
}

/// Seals that a block of `n` validators needs: ceil(2n/3).
pub(crate) fn quorum(n: usize) -> usize {
    (2 * n).div_ceil(3)
}

/// A validator set: key indices in the order of their addresses, as Besu lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValidatorSet {
    members: Vec<(Address, u32)>,
}

impl ValidatorSet {
    /// The set of these key indices; repeated ones count once.
    pub(crate) fn new(keyring: &Keyring, indices: impl IntoIterator<Item = u32>) -> Self {
        let mut members: Vec<_> = indices.into_iter().map(|i| (keyring.address(i), i)).collect();
        members.sort_unstable();
        members.dedup();
        Self { members }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.members.iter().map(|(address, _)| *address).collect()
    }

    /// Members from position `start` on, going round once: (address, key index).
    pub(crate) fn rotated(&self, start: u64) -> impl Iterator<Item = (Address, u32)> + '_ {
        let len = self.members.len().max(1);
        let start = usize::try_from(start % len as u64).unwrap_or_default();
        self.members.iter().cycle().skip(start).take(self.members.len()).copied()
    }
}
