//! Methods about accounts, their storage and their proofs. Called by `rpc`.

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use alloy::rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy::serde::JsonStorageKey;
use alloy::trie::EMPTY_ROOT_HASH;

use super::envelope::{Params, RpcError, RpcResult};
use super::served::Served;
use super::{json, quantity};
use crate::faults::ProofLie;
use crate::state::Account;

pub(super) fn balance(served: &Served<'_>, params: &Params) -> RpcResult {
    let address: Address = params.required(0)?;
    json(served.state(params.optional(1)?)?.1.balance(&address))
}

pub(super) fn transaction_count(served: &Served<'_>, params: &Params) -> RpcResult {
    let address: Address = params.required(0)?;
    let id: Option<BlockId> = params.optional(1)?;
    let nonce = served.state(id)?.1.nonce(&address);
    let pending = id == Some(BlockId::Number(BlockNumberOrTag::Pending));
    Ok(quantity(if pending { served.node.pool().next_nonce(&address, nonce) } else { nonce }))
}

pub(super) fn code(served: &Served<'_>, params: &Params) -> RpcResult {
    let address: Address = params.required(0)?;
    json(served.state(params.optional(1)?)?.1.code(&address))
}

pub(super) fn storage_at(served: &Served<'_>, params: &Params) -> RpcResult {
    let address: Address = params.required(0)?;
    let key: JsonStorageKey = params.required(1)?;
    let (_, world) = served.state(params.optional(2)?)?;
    let value = world.account(&address).map_or(U256::ZERO, |account| account.slot(number(key)));
    json(B256::from(value))
}

pub(super) fn proof(served: &Served<'_>, params: &Params) -> RpcResult {
    let address: Address = params.required(0)?;
    let keys: Vec<JsonStorageKey> = params.optional(1)?.unwrap_or_default();
    let limit = served.node.config.rpc.proof_keys;
    if keys.len() > limit {
        return Err(RpcError::params(format!("too many keys requested (max {limit})")));
    }
    let (_, world) = served.state(params.optional(2)?)?;
    let account = world.account(&address);
    let storage_proof = keys.into_iter().map(|key| slot_proof(account, key)).collect();
    let mut out = EIP1186AccountProofResponse {
        address,
        balance: account.map_or(U256::ZERO, |a| a.balance),
        code_hash: account.map_or(KECCAK256_EMPTY, |a| a.code_hash),
        nonce: account.map_or(0, |a| a.nonce),
        storage_hash: account.map_or(EMPTY_ROOT_HASH, |a| a.storage.root()),
        account_proof: world.account_proof(&address),
        storage_proof,
    };
    if let Some(lie) = served.faults.proof {
        lie.tell(&mut out);
    }
    json(out)
}

fn slot_proof(account: Option<&Account>, key: JsonStorageKey) -> EIP1186StorageProof {
    let slot = number(key);
    EIP1186StorageProof {
        key,
        value: account.map_or(U256::ZERO, |account| account.slot(slot)),
        proof: account.map_or_else(Vec::new, |account| account.slot_proof(slot)),
    }
}

fn number(key: JsonStorageKey) -> U256 {
    key.as_b256().into()
}

impl ProofLie {
    fn tell(self, out: &mut EIP1186AccountProofResponse) {
        match self {
            Self::AccountNode => flip_last(&mut out.account_proof),
            Self::StorageNode => {
                out.storage_proof.iter_mut().for_each(|slot| flip_last(&mut slot.proof));
            }
            Self::StorageValue => {
                out.storage_proof.iter_mut().for_each(|slot| slot.value ^= U256::ONE);
            }
            Self::Truncated => out.storage_proof.iter_mut().for_each(|slot| {
                slot.proof.pop();
            }),
        }
    }
}

/// Flips one bit in the middle of the last node.
fn flip_last(nodes: &mut [Bytes]) {
    if let Some(node) = nodes.last_mut() {
        let mut bytes = node.to_vec();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        *node = bytes.into();
    }
}
