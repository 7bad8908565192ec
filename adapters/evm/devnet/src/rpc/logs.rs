//! `eth_getLogs`, with the limits that providers set. Called by `rpc`.

use alloy::rpc::types::{Filter, FilterBlockOption, Log};

use super::envelope::{Params, RpcError, RpcResult};
use super::served::Served;
use super::{json, transactions};

pub(super) fn logs(served: &Served<'_>, params: &Params) -> RpcResult {
    let filter: Filter = params.required(0)?;
    let limits = &served.node.config.rpc;
    let (from, to) = range(served, &filter)?;
    if to.saturating_sub(from) >= limits.log_range_blocks {
        let max = limits.log_range_blocks;
        return Err(RpcError::limit(format!("block range too large, max is {max} blocks")));
    }
    let mut out: Vec<Log> = Vec::new();
    for number in from..=to {
        let Some(block) = served.node.chain.block(number).filter(|_| !served.faults.drop_logs) else {
            continue;
        };
        if served.number(number.into()).is_none() || !filter.matches_bloom(block.header.logs_bloom) {
            continue;
        }
        let (_, hash) = served.header(&block);
        for (index, tx) in block.txs.iter().enumerate() {
            if !filter.matches_bloom(*tx.receipt.logs_bloom()) {
                continue;
            }
            let logs = transactions::logs_of(&block, index, hash);
            out.extend(logs.filter(|log| filter.matches(&log.inner)));
        }
        if out.len() > limits.log_results {
            let max = limits.log_results;
            return Err(RpcError::limit(format!("query returned more than {max} results")));
        }
    }
    if served.faults.reorder_logs {
        out.reverse();
    }
    json(out)
}

/// The first and the last block of a filter; the last one is never above the head.
fn range(served: &Served<'_>, filter: &Filter) -> Result<(u64, u64), RpcError> {
    match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = served.number_of_hash(&hash).ok_or_else(|| RpcError::server("unknown block"))?;
            Ok((number, number))
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let number = |tag: Option<alloy::eips::BlockNumberOrTag>| match tag {
                Some(alloy::eips::BlockNumberOrTag::Number(number)) => number,
                Some(alloy::eips::BlockNumberOrTag::Earliest) => 0,
                _ => served.head,
            };
            let (from, to) = (number(from_block), number(to_block));
            if from > to {
                return Err(RpcError::params("invalid block range params"));
            }
            Ok((from, to.min(served.head)))
        }
    }
}
