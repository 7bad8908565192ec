//! What a transaction may cost: the chain's suggestion, the operator's bounds, and the price of a replacement.
//!
//! Called by [`super::build`] and by the deployment.

use crate::chain::{Chain, ChainHead, Result};
use crate::config::FeeMode;
use crate::header::RawHead;
use crate::rpc::{Call, parse};
use alloy::primitives::{Address, U64, U256};
use causeway_adapter::{AdapterError, FeePolicy};
use serde_json::json;

/// The price of a unit of gas, in the smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Price {
    Legacy { gas_price: u128 },
    Eip1559 { max_fee_per_gas: u128, max_priority_fee_per_gas: u128 },
}

impl Price {
    /// The most that a unit of gas can cost.
    pub(crate) fn highest(self) -> u128 {
        match self {
            Self::Legacy { gas_price } => gas_price,
            Self::Eip1559 { max_fee_per_gas, .. } => max_fee_per_gas,
        }
    }
}

/// Head, suggestion and account, asked together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Market {
    pub(crate) head: ChainHead,
    pub(crate) gas_price: u128,
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
}

pub(crate) async fn market(chain: &Chain, account: Address) -> Result<Market> {
    let calls = vec![
        Call::new("eth_getBlockByNumber", json!(["latest", false])),
        Call::new("eth_gasPrice", json!([])),
        Call::new("eth_getTransactionCount", json!([account, "latest"])),
        Call::new("eth_getBalance", json!([account, "latest"])),
    ];
    let name = chain.rpc.first_name();
    let raw = chain.rpc.batch(calls).await?.into_iter().collect::<core::result::Result<Vec<_>, _>>();
    let raw = raw.map_err(|failure| failure.into_error(&name))?;
    let [head, gas_price, nonce, balance] = raw.as_slice() else {
        return Err(chain.protocol("json-rpc-batch", "4 answers", raw.len()));
    };
    let gas_price: U256 = parse(&name, "eth_gasPrice", gas_price)?;
    let nonce: U64 = parse(&name, "eth_getTransactionCount", nonce)?;
    Ok(Market {
        head: chain.head_from(parse::<Option<RawHead>>(&name, "eth_getBlockByNumber", head)?)?,
        gas_price: u128::try_from(gas_price).map_err(|_| chain.protocol("gas-price", "at most 128 bits", gas_price))?,
        nonce: nonce.to(),
        balance: parse(&name, "eth_getBalance", balance)?,
    })
}

/// The price of a transaction under a policy. A price above the operator's bound is cut: the transaction waits for cheaper blocks.
///
/// # Errors
/// [`AdapterError::Invalid`] when a replacement would have to cost more than the bound.
pub(crate) fn price(mode: FeeMode, market: &Market, policy: &FeePolicy) -> Result<Price> {
    let base = market.head.base_fee.filter(|_| mode != FeeMode::Legacy);
    let base = if mode == FeeMode::Eip1559 { Some(base.unwrap_or(0)) } else { base };
    let suggested = match base {
        // Nodes suggest base fee and tip together; the base fee may double before the transaction is late.
        Some(base) => base.saturating_mul(2).saturating_add(market.gas_price.saturating_sub(base)),
        None => market.gas_price,
    };
    let replacement = policy.replaces_price.map(|old| bumped(old, policy.replace_bump_percent));
    let wanted = suggested.max(replacement.unwrap_or(0));
    let highest = match policy.gas_price_max {
        Some(max) if replacement.is_some_and(|needed| needed > max) => {
            let detail = format!("a replacement must pay at least {} a unit; the configuration allows {max}", replacement.unwrap_or(0));
            return Err(AdapterError::Invalid { what: "gas price", detail });
        }
        Some(max) => wanted.min(max),
        None => wanted,
    };
    Ok(match base {
        None => Price::Legacy { gas_price: highest },
        Some(base) => {
            // A replacement must raise the tip as well, whatever it was: all above the base fee is tip.
            let tip = if replacement.is_some() { highest.saturating_sub(base) } else { market.gas_price.saturating_sub(base) };
            Price::Eip1559 { max_fee_per_gas: highest, max_priority_fee_per_gas: tip.min(highest) }
        }
    })
}

/// At least `percent` above the old price, rounded up, and always more than it.
fn bumped(old: u128, percent: u32) -> u128 {
    let raised = old.saturating_mul(100_u128.saturating_add(u128::from(percent))).div_ceil(100);
    raised.max(old.saturating_add(1))
}

/// Adds the policy's head-room to an estimate.
pub(crate) fn with_headroom(gas: u64, policy: &FeePolicy) -> u64 {
    let percent = u64::from(policy.gas_headroom_percent.clamp(100, 1_000));
    gas.saturating_mul(percent).div_ceil(100)
}

/// Refuses a transaction that the account cannot pay.
pub(crate) fn check_balance(chain: &Chain, account: Address, market: &Market, gas_limit: u64, price: Price) -> Result<()> {
    let needed = U256::from(gas_limit).saturating_mul(U256::from(price.highest()));
    if market.balance >= needed {
        return Ok(());
    }
    Err(AdapterError::InsufficientFunds {
        address: account.to_checksum(None),
        balance: market.balance.to_string(),
        needed: needed.to_string(),
        denom: chain.config.fee_denom.clone(),
    })
}
