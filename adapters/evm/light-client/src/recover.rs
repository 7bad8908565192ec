//! Recovery of a signer's address, behind a trait.
//!
//! The range rules of a signature are not here: they are [`predicates::seal_signature`](crate::predicates::seal_signature), so that
//! every backend, native or host function, shares them. Called by the seal check of [`client`](crate::client).

use crate::hash::Address;

/// Recovers the address that signed `digest`.
pub trait Recover {
    /// The address of the key whose signature `r_s` (r and s, 32 bytes each, big endian) with `recovery_id` (0 or 1) is over `digest`;
    /// `None` when no key recovers. The caller has checked that r and s are in range and that s is low. There must be no cache keyed by
    /// less than all three arguments (refuse.md H7).
    fn recover(&self, digest: &[u8; 32], r_s: &[u8; 64], recovery_id: u8) -> Option<Address>;
}

#[cfg(feature = "secp256k1")]
pub use native::NativeRecover;

#[cfg(feature = "secp256k1")]
mod native {
    //! Recovery with libsecp256k1.

    use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
    use secp256k1::{Message, Secp256k1, VerifyOnly};

    use super::Recover;
    use crate::hash::{Address, keccak256};

    /// Recovery with libsecp256k1. Make one and keep it: the context is allocated once.
    #[derive(Debug, Clone)]
    pub struct NativeRecover {
        context: Secp256k1<VerifyOnly>,
    }

    impl NativeRecover {
        /// A backend with its own context.
        #[must_use]
        pub fn new() -> Self {
            Self { context: Secp256k1::verification_only() }
        }
    }

    impl Default for NativeRecover {
        fn default() -> Self {
            Self::new()
        }
    }

    impl Recover for NativeRecover {
        fn recover(&self, digest: &[u8; 32], r_s: &[u8; 64], recovery_id: u8) -> Option<Address> {
            let id = RecoveryId::try_from(i32::from(recovery_id)).ok()?;
            let signature = RecoverableSignature::from_compact(r_s, id).ok()?;
            let key = self.context.recover_ecdsa(Message::from_digest(*digest), &signature).ok()?.serialize_uncompressed();
            let hash = keccak256(key.get(1..)?);
            hash.get(12..)?.try_into().ok()
        }
    }
}
