//! Methods about transactions: taking them in, and telling what became of them.
//! Called by `rpc`.

use alloy::consensus::transaction::{Recovered, SignerRecoverable};
use alloy::consensus::{Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction, TxEnvelope, TxType};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{B256, Bytes};
use alloy::rpc::types::{Log, Transaction as RpcTransaction, TransactionReceipt};
use revm::context_interface::cfg::gas::calculate_initial_tx_gas_for_tx;
use serde_json::Value;

use super::envelope::{Params, RpcError, RpcResult};
use super::json;
use super::served::Served;
use crate::chain::Block;
use crate::config::{DevnetConfig, Fork};
use crate::executor;

/// Bytes of a transaction that a pool takes, as in geth.
const TRANSACTION_BYTES: usize = 128 * 1024;
/// EIP-3860.
const INITCODE_BYTES: usize = 49_152;

pub(super) fn send_raw(served: &Served<'_>, params: &Params) -> RpcResult {
    let raw: Bytes = params.required(0)?;
    let tx = decode(&raw, &served.node.config)?;
    let hash = *tx.tx_hash();
    if !served.faults.swallow_transactions {
        served.node.submit(tx).map_err(|error| RpcError::server(error.to_string()))?;
    }
    json(hash)
}

/// A transaction that could run on this chain, or geth's words why it could not.
fn decode(raw: &[u8], config: &DevnetConfig) -> Result<Recovered<TxEnvelope>, RpcError> {
    let refuse = |message: String| Err(RpcError::server(message));
    if raw.len() > TRANSACTION_BYTES {
        let size = raw.len();
        return refuse(format!("oversized data: transaction size {size}, limit {TRANSACTION_BYTES}"));
    }
    let tx = TxEnvelope::decode_2718_exact(raw).map_err(|error| RpcError::server(format!("transaction does not decode: {error}")))?;
    let london = config.fork >= Fork::London;
    match tx.tx_type() {
        TxType::Legacy | TxType::Eip2930 => {}
        TxType::Eip1559 if london => {}
        _ => return refuse("transaction type not supported".into()),
    }
    match tx.chain_id() {
        Some(id) if id == config.chain_id => {}
        Some(id) => {
            let want = config.chain_id;
            return refuse(format!("invalid chain id for signer: have {id} want {want}"));
        }
        None => {
            return refuse("only replay-protected (EIP-155) transactions allowed over RPC".into());
        }
    }
    let tx = tx.try_into_recovered().map_err(|_| RpcError::server("invalid sender"))?;
    check_limits(&tx, config)?;
    Ok(tx)
}

fn check_limits(tx: &Recovered<TxEnvelope>, config: &DevnetConfig) -> Result<(), RpcError> {
    let refuse = |message: String| Err(RpcError::server(message));
    if tx.gas_limit() > config.block_gas_limit {
        return refuse("exceeds block gas limit".into());
    }
    let initcode = if tx.to().is_none() { tx.input().len() } else { 0 };
    if config.fork >= Fork::Shanghai && initcode > INITCODE_BYTES {
        return refuse(format!("max initcode size exceeded: code size {initcode}, limit {INITCODE_BYTES}"));
    }
    if tx.max_priority_fee_per_gas().is_some_and(|tip| tip > tx.max_fee_per_gas()) {
        return refuse("max priority fee per gas higher than max fee per gas".into());
    }
    if tx.nonce() == u64::MAX {
        return refuse("nonce has max value".into());
    }
    let needed = calculate_initial_tx_gas_for_tx(executor::tx_env(tx), config.fork.spec(), None).initial_regular_gas;
    if tx.gas_limit() < needed {
        let gas = tx.gas_limit();
        return refuse(format!("intrinsic gas too low: gas {gas}, minimum needed {needed}"));
    }
    Ok(())
}

pub(super) fn by_hash(served: &Served<'_>, params: &Params) -> RpcResult {
    let hash: B256 = params.required(0)?;
    if let Some((block, index)) = find(served, &hash) {
        let (_, block_hash) = served.header(&block);
        return json(included(&block, index, block_hash));
    }
    match served.node.pool().get(&hash) {
        Some(tx) => json(RpcTransaction {
            inner: tx.clone(),
            block_hash: None,
            block_number: None,
            transaction_index: None,
            effective_gas_price: Some(tx.max_fee_per_gas()),
            block_timestamp: None,
        }),
        None => Ok(Value::Null),
    }
}

pub(super) fn receipt(served: &Served<'_>, params: &Params) -> RpcResult {
    let hash: B256 = params.required(0)?;
    match find(served, &hash).filter(|_| !served.faults.drop_receipts) {
        Some((block, index)) => {
            let (_, block_hash) = served.header(&block);
            json(receipt_of(&block, index, block_hash))
        }
        None => Ok(Value::Null),
    }
}

fn find(served: &Served<'_>, hash: &B256) -> Option<(std::sync::Arc<Block>, usize)> {
    let position = served.node.chain.position(hash)?;
    let block = served.block(position.block.into())?;
    (position.index < block.txs.len()).then_some((block, position.index))
}

/// The transaction at an index of a block.
pub(super) fn included(block: &Block, index: usize, block_hash: B256) -> RpcTransaction {
    let tx = &block.txs[index];
    RpcTransaction {
        inner: tx.tx.clone(),
        block_hash: Some(block_hash),
        block_number: Some(block.header.number),
        transaction_index: Some(index as u64),
        effective_gas_price: Some(tx.gas_price),
        block_timestamp: Some(block.header.timestamp),
    }
}

/// The receipt at an index of a block.
pub(super) fn receipt_of(block: &Block, index: usize, block_hash: B256) -> TransactionReceipt {
    let tx = &block.txs[index];
    let with_logs = ReceiptWithBloom {
        receipt: Receipt {
            status: tx.receipt.status().into(),
            cumulative_gas_used: tx.receipt.cumulative_gas_used(),
            logs: logs_of(block, index, block_hash).collect(),
        },
        logs_bloom: *tx.receipt.logs_bloom(),
    };
    TransactionReceipt {
        inner: match tx.tx.tx_type() {
            TxType::Legacy => ReceiptEnvelope::Legacy(with_logs),
            TxType::Eip2930 => ReceiptEnvelope::Eip2930(with_logs),
            TxType::Eip1559 => ReceiptEnvelope::Eip1559(with_logs),
            TxType::Eip4844 => ReceiptEnvelope::Eip4844(with_logs),
            TxType::Eip7702 => ReceiptEnvelope::Eip7702(with_logs),
        },
        transaction_hash: *tx.tx.tx_hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(block_hash),
        block_number: Some(block.header.number),
        gas_used: tx.gas_used,
        effective_gas_price: tx.gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: tx.tx.signer(),
        to: tx.tx.to(),
        contract_address: tx.created,
    }
}

/// The logs of the transaction at an index of a block.
pub(super) fn logs_of(block: &Block, index: usize, block_hash: B256) -> impl Iterator<Item = Log> + '_ {
    let tx = &block.txs[index];
    tx.receipt.logs().iter().zip(tx.first_log..).map(move |(log, log_index)| Log {
        inner: log.clone(),
        block_hash: Some(block_hash),
        block_number: Some(block.header.number),
        block_timestamp: Some(block.header.timestamp),
        transaction_hash: Some(*tx.tx.tx_hash()),
        transaction_index: Some(index as u64),
        log_index: Some(log_index),
        removed: false,
    })
}
