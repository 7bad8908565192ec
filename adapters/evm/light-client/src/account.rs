//! Proof of the router's account under a state root.
//!
//! Answers the account's storage root, and refuses an account that is not there or is no contract (refuse.md C4). Not here: the storage
//! itself. Called by [`client`](crate::client).

use crate::hash::{Address, Hash, keccak256};
use crate::predicates;
use crate::rlp;
use crate::rules::{self, Violation, ensure};
use crate::trie::{self, Proven};

/// Proves `address` under `state_root` and answers the root of its storage. `nodes` is the account proof of `eth_getProof`, root first.
///
/// # Errors
/// `account-proof` without nodes, the rules of [`trie::NodeSet::walk`], `account-absent`, `account-rlp`.
pub fn prove_storage_root<B: AsRef<[u8]>>(state_root: &Hash, address: &Address, nodes: &[B]) -> Result<Hash, Violation> {
    ensure(!nodes.is_empty(), rules::ACCOUNT_PROOF, "the account proof of the router", "no nodes")?;
    match trie::prove(state_root, &keccak256(address), nodes)? {
        Proven::Absent => Err(Violation::new(rules::ACCOUNT_ABSENT, "the router's account", "proof of its absence")),
        Proven::Present(account) => {
            let (storage_root, code_hash) = decode(account)?;
            predicates::account_deployed(&storage_root, &code_hash)?;
            Ok(storage_root)
        }
    }
}

/// Storage root and code hash of an account: the RLP of exactly [nonce, balance, storage root, code hash].
fn decode(account: &[u8]) -> Result<(Hash, Hash), Violation> {
    let wrong = |found: rlp::RlpError| Violation::new(rules::ACCOUNT_RLP, "nonce, balance, storage root, code hash", found);
    let items = rlp::exact(account).and_then(|top| top.items(4)).map_err(wrong)?;
    let [nonce, balance, storage_root, code_hash] = items.as_slice() else {
        return Err(Violation::new(rules::ACCOUNT_RLP, "4 items", items.len()));
    };
    nonce.uint(64).map_err(wrong)?;
    let wei = balance.bytes().map_err(wrong)?;
    ensure(wei.len() <= 32 && wei.first() != Some(&0), rules::ACCOUNT_RLP, "a balance of 256 bits", wei.len())?;
    let hash = |item: &rlp::Item<'_>| {
        item.array().map_err(wrong)?.ok_or_else(|| Violation::new(rules::ACCOUNT_RLP, "a hash of 32 bytes", item.payload.len()))
    };
    Ok((hash(storage_root)?, hash(code_hash)?))
}
