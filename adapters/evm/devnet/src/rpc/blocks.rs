//! Methods about blocks and headers. Called by `rpc`.

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{B256, U256};
use alloy::rpc::types::{Block as RpcBlock, BlockTransactions, Header as RpcHeader};
use serde_json::Value;

use super::envelope::{Params, RpcResult};
use super::served::Served;
use super::{json, quantity, transactions};
use crate::chain::Block;

pub(super) fn by_number(served: &Served<'_>, params: &Params) -> RpcResult {
    let tag: BlockNumberOrTag = params.required(0)?;
    let mut block = render(served, served.number(tag), params)?;
    if tag.is_latest() && served.faults.head_above > 0 {
        block["number"] = quantity(served.head.saturating_add(served.faults.head_above));
    }
    Ok(block)
}

pub(super) fn by_hash(served: &Served<'_>, params: &Params) -> RpcResult {
    let hash: B256 = params.required(0)?;
    render(served, served.number_of_hash(&hash), params)
}

fn render(served: &Served<'_>, number: Option<u64>, params: &Params) -> RpcResult {
    let full: bool = params.optional(1)?.unwrap_or_default();
    let Some(block) = number.and_then(|number| served.node.chain.block(number)) else {
        return Ok(Value::Null);
    };
    let header = header(served, &block);
    let transactions = if full {
        let all = 0..block.txs.len();
        let hash = header.hash;
        BlockTransactions::Full(all.map(|i| transactions::included(&block, i, hash)).collect())
    } else {
        BlockTransactions::Hashes(block.txs.iter().map(|tx| *tx.tx.tx_hash()).collect())
    };
    let withdrawals = header.inner.withdrawals_root.map(|_| Default::default());
    json(RpcBlock { header, uncles: Vec::new(), transactions, withdrawals })
}

pub(super) fn header_by_number(served: &Served<'_>, params: &Params) -> RpcResult {
    match served.block(params.required(0)?) {
        Some(block) => json(header(served, &block)),
        None => Ok(Value::Null),
    }
}

fn header(served: &Served<'_>, block: &Block) -> RpcHeader {
    let (inner, hash) = served.header(block);
    RpcHeader { hash, total_difficulty: Some(U256::from(inner.number + 1)), size: Some(U256::from(block.size_bytes)), inner }
}

pub(super) fn transaction_count(served: &Served<'_>, params: &Params) -> RpcResult {
    Ok(served.block(params.required(0)?).map_or(Value::Null, |block| quantity(block.txs.len() as u64)))
}

pub(super) fn receipts(served: &Served<'_>, params: &Params) -> RpcResult {
    let id: BlockId = params.required(0)?;
    let number = served.number_of(id).filter(|_| !served.faults.drop_receipts);
    let Some(block) = number.and_then(|number| served.node.chain.block(number)) else {
        return Ok(Value::Null);
    };
    let (_, hash) = served.header(&block);
    let all = 0..block.txs.len();
    json(all.map(|i| transactions::receipt_of(&block, i, hash)).collect::<Vec<_>>())
}

pub(super) fn validators(served: &Served<'_>, params: &Params) -> RpcResult {
    let tag = params.optional(0)?.unwrap_or(BlockNumberOrTag::Latest);
    match served.block(tag) {
        Some(block) => json(&block.extra.validators),
        None => Ok(Value::Null),
    }
}
