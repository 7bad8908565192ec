//! A transaction that a person sends: estimated, signed, and followed until it is in a block.
//!
//! Not the relay's transactions, which are batches, simulated and journaled by the engine. Called by [`crate::deploy`] and
//! [`crate::admin`].

use super::{Draft, fees, outcome::RawReceipt};
use crate::chain::{Chain, Result};
use crate::keys::Keys;
use crate::rpc::{FailureKind, parse};
use alloy::primitives::{Address, Bytes, TxKind, U64};
use causeway_adapter::{AdapterError, BroadcastResult, Built, FeePolicy, Outcome, SignedTx, Slot};
use causeway_evm_contracts::refusal;
use serde_json::json;
use std::time::Duration;

/// Longest wait for one transaction, in usual block intervals (and at least half a minute).
const WAIT_BLOCKS: u64 = 120;
const WAIT_MS_MIN: u64 = 30_000;

/// Signs a transaction with the next nonce, a price and the gas that the node estimates. Nothing is broadcast.
///
/// # Errors
/// [`AdapterError::Invalid`] with the contract's reason when the chain would refuse it.
pub(crate) async fn sign(chain: &Chain, keys: &Keys, signer: &str, policy: &FeePolicy, (to, input): (TxKind, &Bytes)) -> Result<SignedTx> {
    let from = keys.address(signer).ok_or_else(|| super::missing_key(signer))?;
    let market = fees::market(chain, from).await?;
    let price = fees::price(chain.config.fee_mode, &market, policy)?;
    let gas = estimate(chain, from, to, input).await?;
    let gas_limit = fees::with_headroom(gas, policy).min(market.head.gas_limit);
    fees::check_balance(chain, from, &market, gas_limit, price)?;
    let draft = Draft { to, input: input.clone(), gas_limit, nonce: market.nonce };
    let chain_id = chain.config.chain_id;
    let built = Built {
        unsigned: super::unsigned(chain_id, draft, price)?,
        included: vec![0],
        rejected: Vec::new(),
        gas_limit,
        gas_price: price.highest(),
        slot: Slot::Number(market.nonce),
    };
    super::sign(chain_id, keys, signer, &built)
}

async fn estimate(chain: &Chain, from: Address, to: TxKind, input: &Bytes) -> Result<u64> {
    let mut call = json!({ "from": from, "data": input });
    if let (TxKind::Call(address), Some(fields)) = (to, call.as_object_mut()) {
        fields.insert("to".to_string(), json!(address));
    }
    match chain.rpc.call("eth_estimateGas", json!([call])).await? {
        Ok(raw) => parse::<U64>(&chain.rpc.first_name(), "eth_estimateGas", &raw).map(|gas| gas.to()),
        Err(failure) if failure.kind() == FailureKind::Reverted => {
            let reason = failure.revert.as_deref().map_or(failure.message.clone(), refusal::describe);
            Err(AdapterError::Invalid { what: "transaction", detail: format!("the chain would refuse it: {reason}") })
        }
        Err(failure) => Err(failure.into_error(&chain.rpc.first_name())),
    }
}

/// Broadcasts until the transaction is in a block (its receipt), or can never be (`None`). `what` names it in errors.
///
/// # Errors
/// [`AdapterError::Invalid`] when it is in no block after a long wait, with what the node said.
pub(crate) async fn settle(chain: &Chain, what: &str, signed: &SignedTx) -> Result<Option<RawReceipt>> {
    let wait_ms = chain.config.block_interval_ms.saturating_mul(WAIT_BLOCKS).max(WAIT_MS_MIN);
    let deadline = tokio::time::Instant::now() + Duration::from_millis(wait_ms);
    let pause = Duration::from_millis((chain.config.block_interval_ms / 2).clamp(10, 2_000));
    let mut refusal = None;
    while tokio::time::Instant::now() < deadline {
        if let Some(receipt) = super::outcome::receipt(chain, signed).await? {
            return Ok(Some(receipt));
        }
        match super::outcome::outcome(chain, signed).await? {
            Outcome::Impossible(_) => return Ok(None),
            Outcome::Unknown => {
                if let BroadcastResult::Refused { reason, .. } = super::broadcast(chain, signed).await? {
                    refusal = Some(reason);
                }
            }
            Outcome::Pending | Outcome::Included { .. } => {}
        }
        tokio::time::sleep(pause).await;
    }
    let said = refusal.map(|reason| format!("; the node said: {reason}")).unwrap_or_default();
    let detail = format!("{what}: {} is in no block after {wait_ms} ms{said}; run the command again to go on", signed.tx_id);
    Err(AdapterError::Invalid { what: "transaction", detail })
}
