//! Transactions of this chain: unsigned bytes, signing, broadcasting.
//!
//! Building is [`build`], what became of one is [`outcome`], one that a person sends is [`single`]. Called by [`crate::adapter`], [`crate::deploy`] and
//! [`crate::admin`].

pub(crate) mod batch;
pub(crate) mod build;
pub(crate) mod fees;
pub(crate) mod outcome;
pub(crate) mod reason;
pub(crate) mod single;
#[cfg(test)]
mod tests;

use crate::chain::{Chain, Result};
use crate::keys::Keys;
use crate::rpc::{FailureKind, parse, short};
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy, TypedTransaction};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use causeway_adapter::{AdapterError, BroadcastResult, Built, SignedTx, Slot};
use causeway_types::TxId;
use fees::Price;
use serde_json::json;

/// What one transaction does.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) to: TxKind,
    pub(crate) input: Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) nonce: u64,
}

/// The unsigned transaction, in a form that [`sign`] reads back.
pub(crate) fn unsigned(chain_id: u64, draft: Draft, price: Price) -> Result<Vec<u8>> {
    let Draft { to, input, gas_limit, nonce } = draft;
    let tx = match price {
        Price::Legacy { gas_price } => {
            TypedTransaction::Legacy(TxLegacy { chain_id: Some(chain_id), nonce, gas_price, gas_limit, to, value: U256::ZERO, input })
        }
        Price::Eip1559 { max_fee_per_gas, max_priority_fee_per_gas } => TypedTransaction::Eip1559(TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value: U256::ZERO,
            access_list: alloy::eips::eip2930::AccessList::default(),
            input,
        }),
    };
    serde_json::to_vec(&tx).map_err(|error| AdapterError::Invalid { what: "transaction", detail: error.to_string() })
}

/// Signs a built transaction with a named key.
pub(crate) fn sign(chain_id: u64, keys: &Keys, name: &str, built: &Built) -> Result<SignedTx> {
    let invalid = |detail: String| AdapterError::Invalid { what: "transaction", detail };
    let signer = keys.signer(name).ok_or_else(|| missing_key(name))?;
    let tx: TypedTransaction = serde_json::from_slice(&built.unsigned).map_err(|error| invalid(format!("it does not parse: {error}")))?;
    let (tx, nonce): (TxEnvelope, u64) = match tx {
        TypedTransaction::Legacy(mut tx) if tx.chain_id == Some(chain_id) => {
            let signature = signer.sign_transaction_sync(&mut tx).map_err(|error| invalid(error.to_string()))?;
            let nonce = tx.nonce;
            (tx.into_signed(signature).into(), nonce)
        }
        TypedTransaction::Eip1559(mut tx) if tx.chain_id == chain_id => {
            let signature = signer.sign_transaction_sync(&mut tx).map_err(|error| invalid(error.to_string()))?;
            let nonce = tx.nonce;
            (tx.into_signed(signature).into(), nonce)
        }
        _ => return Err(invalid(format!("it is not one for chain {chain_id}"))),
    };
    if built.slot != Slot::Number(nonce) {
        return Err(invalid(format!("its nonce {nonce} is not the slot that was journaled")));
    }
    let tx_id = TxId::new(tx.tx_hash().to_vec()).map_err(|error| invalid(error.to_string()))?;
    Ok(SignedTx { tx_id, raw: tx.encoded_2718(), account: signer.address().to_checksum(None), slot: Slot::Number(nonce) })
}

pub(crate) fn missing_key(name: &str) -> AdapterError {
    AdapterError::Invalid { what: "signer", detail: format!("key `{name}` is not unlocked; name it in `signers` and give its passphrase") }
}

/// A signed transaction, read back from the journal.
pub(crate) fn decode(tx: &SignedTx) -> Result<(TxEnvelope, Address)> {
    let invalid = |detail: &str| AdapterError::Invalid { what: "transaction", detail: detail.to_string() };
    let envelope = TxEnvelope::decode_2718(&mut tx.raw.as_slice()).map_err(|_| invalid("its bytes are no transaction"))?;
    if envelope.tx_hash().as_slice() != tx.tx_id.as_bytes() {
        return Err(invalid("its id is not the hash of its bytes"));
    }
    let account = tx.account.parse().map_err(|_| invalid("its account is no address"))?;
    Ok((envelope, account))
}

/// Hands a transaction to the chain.
pub(crate) async fn broadcast(chain: &Chain, tx: &SignedTx) -> Result<BroadcastResult> {
    let raw = Bytes::copy_from_slice(&tx.raw);
    match chain.rpc.call("eth_sendRawTransaction", json!([raw])).await? {
        Ok(answer) => {
            let hash: B256 = parse(&chain.rpc.first_name(), "eth_sendRawTransaction", &answer)?;
            if hash.as_slice() != tx.tx_id.as_bytes() {
                return Err(chain.protocol("transaction-hash", &tx.tx_id, hash));
            }
            Ok(BroadcastResult::Accepted)
        }
        Err(failure) => match refused(chain, tx, &failure)? {
            // A transaction that is in a block already is refused for its nonce, too.
            BroadcastResult::Refused { slot_conflict: true, .. } if outcome::receipt(chain, tx).await?.is_some() => {
                Ok(BroadcastResult::AlreadyKnown)
            }
            result => Ok(result),
        },
    }
}

/// What a refusal of a broadcast means. Texts are those of geth, GoQuorum, Besu, Nethermind and Erigon.
fn refused(chain: &Chain, tx: &SignedTx, failure: &crate::rpc::Failure) -> Result<BroadcastResult> {
    let text = failure.message.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(&["already known", "alreadyknown", "known transaction", "already imported", "already exists", "already in the pool"]) {
        return Ok(BroadcastResult::AlreadyKnown);
    }
    if failure.kind() == FailureKind::RateLimited {
        return Err(failure.clone().into_error(&chain.rpc.first_name()));
    }
    if failure.kind() == FailureKind::InsufficientFunds {
        return Err(AdapterError::InsufficientFunds {
            address: tx.account.clone(),
            balance: "too little".to_string(),
            needed: "gas limit times gas price".to_string(),
            denom: chain.config.fee_denom.clone(),
        });
    }
    let slot_conflict = has(&["nonce too low", "nonce_too_low", "oldnonce", "nonce below", "underpriced", "replacement"]);
    Ok(BroadcastResult::Refused { reason: short(&failure.message), slot_conflict })
}
