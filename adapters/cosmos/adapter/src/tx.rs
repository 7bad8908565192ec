//! Transactions of this chain: unsigned bytes, signing, broadcasting.
//!
//! Building is [`build`], what became of one is [`outcome`]. Called by [`crate::adapter`].

pub(crate) mod account;
pub(crate) mod build;
pub(crate) mod by_hand;
mod counted;
pub(crate) mod message;
pub(crate) mod outcome;
pub(crate) mod pooled;
pub(crate) mod price;
pub(crate) mod reason;
pub(crate) mod simulate;
#[cfg(test)]
mod tests;

use crate::answers::BroadcastTx;
use crate::blocks::tx_id;
use crate::chain::{Chain, Result};
use crate::config::{Config, GasPrice};
use crate::keys::{Keys, Signer};
use crate::rpc::{Call, FailureKind, parse, short};
use causeway_adapter::{AdapterError, BroadcastResult, Built, SignedTx, Slot};
use causeway_cosmos_proto::Any;
use causeway_cosmos_proto::cosmos::base::v1beta1::Coin;
use causeway_cosmos_proto::cosmos::tx::signing::v1beta1::SignMode;
use causeway_cosmos_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw, mode_info};
use prost::Message;
use serde_json::json;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What one transaction says beside its messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) sequence: u64,
    pub(crate) account_number: u64,
    pub(crate) gas_limit: u64,
    pub(crate) price: GasPrice,
    /// Last height at which it may be included.
    pub(crate) timeout_height: u64,
}

/// What is signed (SIGN_MODE_DIRECT): the bytes of body and authorisation, chain and account.
pub(crate) fn sign_doc(config: &Config, signer: &Signer, messages: Vec<Any>, terms: Terms) -> SignDoc {
    let body = TxBody { messages, memo: config.memo.clone(), timeout_height: terms.timeout_height, ..TxBody::default() };
    let single = mode_info::Single { mode: SignMode::Direct.into() };
    let signer_info = SignerInfo {
        public_key: Some(signer.public_key()),
        mode_info: Some(ModeInfo { sum: Some(mode_info::Sum::Single(single)) }),
        sequence: terms.sequence,
    };
    let fee = terms.price.fee(terms.gas_limit);
    let amount = if fee == 0 { Vec::new() } else { vec![Coin { denom: config.gas_denom.clone(), amount: fee.to_string() }] };
    let fee = Fee { amount, gas_limit: terms.gas_limit, payer: String::new(), granter: config.fee_granter.clone().unwrap_or_default() };
    let auth_info = AuthInfo { signer_infos: vec![signer_info], fee: Some(fee), ..AuthInfo::default() };
    SignDoc {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: auth_info.encode_to_vec(),
        chain_id: config.chain_id.clone(),
        account_number: terms.account_number,
    }
}

/// A transaction as it travels.
pub(crate) fn raw(doc: SignDoc, signature: Vec<u8>) -> Vec<u8> {
    TxRaw { body_bytes: doc.body_bytes, auth_info_bytes: doc.auth_info_bytes, signatures: vec![signature] }.encode_to_vec()
}

/// Signs a built transaction with a named key.
pub(crate) fn sign(config: &Config, keys: &Keys, name: &str, built: &Built) -> Result<SignedTx> {
    let invalid = |detail: String| AdapterError::Invalid { what: "transaction", detail };
    let signer = keys.signer(name).ok_or_else(|| missing_key(name))?;
    let doc = SignDoc::decode(built.unsigned.as_slice()).map_err(|error| invalid(format!("it does not parse: {error}")))?;
    if doc.chain_id != config.chain_id {
        return Err(invalid(format!("it is not one for chain {}", config.chain_id)));
    }
    let parts = parts(&doc.body_bytes, &doc.auth_info_bytes)?;
    if built.slot != Slot::Number(parts.sequence) {
        return Err(invalid(format!("its sequence {} is not the slot that was journaled", parts.sequence)));
    }
    if parts.public_key.as_ref() != Some(&signer.public_key()) {
        return Err(invalid(format!("it was built for another key than `{name}`")));
    }
    let signature = signer.sign(&built.unsigned).map_err(|error| invalid(error.to_string()))?;
    let raw = raw(doc, signature);
    let tx_id = tx_id(&raw).ok_or_else(|| invalid("it has no id".to_string()))?;
    Ok(SignedTx { tx_id, raw, account: signer.address().to_string(), slot: built.slot.clone() })
}

/// What of a transaction's own words matters later.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) messages: Vec<Any>,
    pub(crate) timeout_height: u64,
    pub(crate) sequence: u64,
    pub(crate) fee: u128,
    gas_limit: u64,
    public_key: Option<Any>,
}

fn parts(body: &[u8], auth_info: &[u8]) -> Result<Parts> {
    let invalid = |detail: &str| AdapterError::Invalid { what: "transaction", detail: detail.to_string() };
    let body = TxBody::decode(body).map_err(|_| invalid("its body does not parse"))?;
    let auth_info = AuthInfo::decode(auth_info).map_err(|_| invalid("its authorisation does not parse"))?;
    let [signer] = auth_info.signer_infos.as_slice() else { return Err(invalid("it does not have exactly one signer")) };
    let fee = auth_info.fee.unwrap_or_default();
    Ok(Parts {
        messages: body.messages,
        timeout_height: body.timeout_height,
        sequence: signer.sequence,
        fee: fee.amount.first().and_then(|coin| coin.amount.parse().ok()).unwrap_or(0),
        gas_limit: fee.gas_limit,
        public_key: signer.public_key.clone(),
    })
}

/// A signed transaction, read back from the journal.
pub(crate) fn decode(tx: &SignedTx) -> Result<Parts> {
    let invalid = |detail: &str| AdapterError::Invalid { what: "transaction", detail: detail.to_string() };
    if tx_id(&tx.raw).as_ref() != Some(&tx.tx_id) {
        return Err(invalid("its id is not the hash of its bytes"));
    }
    let raw = TxRaw::decode(tx.raw.as_slice()).map_err(|_| invalid("its bytes are no transaction"))?;
    parts(&raw.body_bytes, &raw.auth_info_bytes)
}

pub(crate) fn missing_key(name: &str) -> AdapterError {
    AdapterError::Invalid { what: "signer", detail: format!("key `{name}` is not unlocked; name it in `signers` and give its passphrase") }
}

/// Hands a transaction to the chain.
pub(crate) async fn broadcast(chain: &Chain, tx: &SignedTx) -> Result<BroadcastResult> {
    let params = json!({ "tx": STANDARD.encode(&tx.raw) });
    let answer = chain.rpc.together(vec![Call::new("broadcast_tx_sync", params)]).await?.pop();
    let raw = match answer.ok_or_else(|| chain.protocol("json-rpc-batch", "one answer", "none"))? {
        Ok(raw) => raw,
        Err(failure) if failure.kind() == FailureKind::TxInCache => return Ok(BroadcastResult::AlreadyKnown),
        Err(failure) if failure.kind() == FailureKind::Other => {
            return Ok(BroadcastResult::Refused { reason: failure.message, slot_conflict: false });
        }
        Err(failure) => return Err(failure.into_error(&chain.rpc.first_name())),
    };
    let answer: BroadcastTx = parse(&chain.rpc.first_name(), "broadcast_tx_sync", &raw)?;
    if answer.hash.0 != tx.tx_id.as_bytes() {
        return Err(chain.protocol("transaction-hash", &tx.tx_id, hex::encode(&answer.hash.0)));
    }
    refused(chain, tx, &answer)
}

/// What the first check of a node says; what it takes is counted. Codes are those of the SDK's own codespace.
fn refused(chain: &Chain, tx: &SignedTx, answer: &BroadcastTx) -> Result<BroadcastResult> {
    let refuse = |slot_conflict| Ok(BroadcastResult::Refused { reason: short(&answer.log), slot_conflict });
    match (answer.codespace.as_str(), answer.code) {
        (_, 0) => {
            counted::accepted(&decode(tx)?.messages);
            Ok(BroadcastResult::Accepted)
        }
        ("sdk", 19) => Ok(BroadcastResult::AlreadyKnown),
        ("sdk", 20) => Err(AdapterError::RateLimited { endpoint: chain.rpc.first_name(), retry_after_ms: chain.config.block_interval_ms }),
        ("sdk", 5) => Err(reason::insufficient_funds(chain, &tx.account, &answer.log)),
        // ErrInsufficientFee. Source: cosmos-sdk `types/errors/errors.go`.
        ("sdk", 13) => {
            let parts = decode(tx)?;
            let Some(fee) = price::required(&answer.log, &chain.config.gas_denom).filter(|fee| *fee > parts.fee) else {
                return refuse(false);
            };
            chain.prices.note_learnt(GasPrice::of_fee(fee, parts.gas_limit));
            Ok(BroadcastResult::Underpriced { reason: short(&answer.log) })
        }
        ("sdk", 32) => {
            // A sequence above the chain's waits for those before it; one below is taken.
            let used = reason::sequences(&answer.log);
            refuse(used.is_none_or(|(expected, got)| expected > got))
        }
        _ => refuse(false),
    }
}
