//! Methods about what gas costs. Before London it is free here. Called by `rpc`.

use alloy::consensus::Transaction;
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::U64;
use alloy::rpc::types::FeeHistory;

use super::envelope::{Params, RpcError, RpcResult};
use super::served::Served;
use super::{json, quantity};
use crate::chain::Block;
use crate::config::{BaseFee, Fork};

/// The tip that is suggested where a fee market exists, in wei per gas.
const SUGGESTED_TIP: u64 = 1_000_000_000;
/// Blocks that one fee history may cover, as in geth.
const HISTORY_BLOCKS: u64 = 1_024;
/// Percentiles that one fee history may ask for, as in geth.
const HISTORY_PERCENTILES: usize = 100;

pub(super) fn gas_price(served: &Served<'_>) -> RpcResult {
    Ok(quantity(served.next_base_fee().unwrap_or_default().saturating_add(tip(served))))
}

pub(super) fn priority_fee(served: &Served<'_>) -> RpcResult {
    Ok(quantity(tip(served)))
}

fn tip(served: &Served<'_>) -> u64 {
    let config = &served.node.config;
    let market = config.fork >= Fork::London && matches!(config.base_fee, BaseFee::Market(_));
    if market { SUGGESTED_TIP } else { 0 }
}

pub(super) fn history(served: &Served<'_>, params: &Params) -> RpcResult {
    let count = block_count(params)?;
    let newest: BlockNumberOrTag = params.required(1)?;
    let percentiles: Option<Vec<f64>> = params.optional(2)?;
    check_percentiles(percentiles.as_deref().unwrap_or_default())?;
    let newest = served.number(newest).ok_or_else(|| RpcError::server("request beyond head block"))?;
    let oldest_block = (newest + 1).saturating_sub(count.min(HISTORY_BLOCKS));
    let blocks: Vec<_> = if count == 0 { Vec::new() } else { (oldest_block..=newest).filter_map(|n| served.node.chain.block(n)).collect() };
    let mut base_fee_per_gas: Vec<u128> = blocks.iter().map(|b| b.header.base_fee_per_gas.unwrap_or_default().into()).collect();
    if let Some(last) = blocks.last() {
        let next = crate::producer::next_base_fee(&served.node.config, &last.header);
        base_fee_per_gas.push(next.unwrap_or_default().into());
    }
    json(FeeHistory {
        base_fee_per_gas,
        gas_used_ratio: blocks.iter().map(|b| b.header.gas_used as f64 / b.header.gas_limit as f64).collect(),
        oldest_block,
        reward: percentiles.map(|p| blocks.iter().map(|block| rewards(block, &p)).collect()),
        ..FeeHistory::default()
    })
}

/// Clients send the count as a quantity, or as a number.
fn block_count(params: &Params) -> Result<u64, RpcError> {
    if let Ok(number) = params.required::<u64>(0) {
        return Ok(number);
    }
    params.required::<U64>(0).map(|number| number.to())
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), RpcError> {
    let sorted = percentiles.is_sorted();
    let valid = percentiles.iter().all(|p| (0.0..=100.0).contains(p));
    if percentiles.len() > HISTORY_PERCENTILES || !sorted || !valid {
        return Err(RpcError::params("invalid reward percentile"));
    }
    Ok(())
}

/// The tips of a block at these percentiles of the gas it used.
fn rewards(block: &Block, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let mut tips: Vec<(u128, u64)> =
        block.txs.iter().map(|tx| (tx.tx.effective_tip_per_gas(base_fee).unwrap_or_default(), tx.gas_used)).collect();
    tips.sort_unstable();
    let at = |percentile: &f64| {
        let threshold = block.header.gas_used as f64 * percentile / 100.0;
        let mut sum = 0u64;
        let reached = tips.iter().find(|(_, gas)| {
            sum += gas;
            sum as f64 >= threshold
        });
        reached.or(tips.last()).map_or(0, |(tip, _)| *tip)
    };
    percentiles.iter().map(at).collect()
}
