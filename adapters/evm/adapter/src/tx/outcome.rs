//! What became of a transaction, by final state: its receipt, or the nonce of its account.
//!
//! Called by [`crate::adapter`].

use super::decode;
use crate::chain::{Chain, Result, quantity};
use crate::logs::RawLog;
use crate::rpc::{Answer, Call, parse};
use alloy::consensus::Transaction;
use alloy::primitives::{Address, B256, U64, U256};
use alloy::sol_types::{SolCall, SolEvent};
use causeway_adapter::{Impossible, MessageResult, Outcome, SignedTx, Slot};
use causeway_evm_contracts::abi::{MessageOutcome, Router, UpdateResult};
use causeway_evm_contracts::refusal;
use causeway_types::Height;
use serde::Deserialize;
use serde_json::{Value, json};

/// The fields of a receipt that matter here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawReceipt {
    transaction_hash: B256,
    block_number: U64,
    status: U64,
    gas_used: U256,
    #[serde(default)]
    effective_gas_price: Option<U256>,
    #[serde(default)]
    pub(crate) contract_address: Option<Address>,
    logs: Vec<RawLog>,
}

impl RawReceipt {
    pub(crate) fn height(&self) -> u64 {
        self.block_number.to()
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.status == U64::from(1)
    }
}

/// What the endpoints know of a transaction.
struct Seen {
    receipt: Option<RawReceipt>,
    pooled: bool,
    nonce: u64,
}

pub(crate) async fn outcome(chain: &Chain, tx: &SignedTx) -> Result<Outcome> {
    let (envelope, account) = decode(tx)?;
    let seen = read(chain, chain.rpc.batch(questions(envelope.tx_hash(), account)).await?, *envelope.tx_hash())?;
    if let Some(receipt) = seen.receipt {
        return included(chain, tx, &envelope, account, &receipt).await;
    }
    let Slot::Number(slot) = tx.slot else { return Ok(Outcome::Unknown) };
    if seen.nonce <= slot {
        return Ok(if seen.pooled { Outcome::Pending } else { Outcome::Unknown });
    }
    // The account went past the slot. Only if no endpoint has a receipt after that was seen, another transaction used it: an
    // endpoint may have answered the first questions from different blocks.
    for (_, answers) in chain.rpc.everywhere(&questions(envelope.tx_hash(), account)).await {
        let Ok(answers) = answers else { return Ok(Outcome::Unknown) };
        let seen = read(chain, answers, *envelope.tx_hash())?;
        if let Some(receipt) = seen.receipt {
            return included(chain, tx, &envelope, account, &receipt).await;
        }
        if seen.nonce <= slot {
            return Ok(Outcome::Unknown);
        }
    }
    Ok(Outcome::Impossible(Impossible::SlotUsed))
}

/// The nonce first: when it is past the slot, the receipt asked for after it must be there.
fn questions(hash: &B256, account: Address) -> Vec<Call> {
    vec![
        Call::new("eth_getTransactionCount", json!([account, "latest"])),
        Call::new("eth_getTransactionByHash", json!([hash])),
        Call::new("eth_getTransactionReceipt", json!([hash])),
    ]
}

fn read(chain: &Chain, answers: Vec<Answer>, hash: B256) -> Result<Seen> {
    let name = chain.rpc.first_name();
    let raw = answers.into_iter().collect::<core::result::Result<Vec<_>, _>>().map_err(|failure| failure.into_error(&name))?;
    let [nonce, pooled, receipt] = raw.as_slice() else {
        return Err(chain.protocol("json-rpc-batch", "3 answers", raw.len()));
    };
    let nonce: U64 = parse(&name, "eth_getTransactionCount", nonce)?;
    let pooled: Option<Value> = parse(&name, "eth_getTransactionByHash", pooled)?;
    let receipt: Option<RawReceipt> = parse(&name, "eth_getTransactionReceipt", receipt)?;
    if let Some(found) = receipt.as_ref().map(|receipt| receipt.transaction_hash).filter(|found| *found != hash) {
        return Err(chain.protocol("receipt-hash", hash, found));
    }
    Ok(Seen { receipt, pooled: pooled.is_some(), nonce: nonce.to() })
}

/// The receipt of any transaction, once it is in a block.
pub(crate) async fn receipt(chain: &Chain, tx: &SignedTx) -> Result<Option<RawReceipt>> {
    let (envelope, account) = decode(tx)?;
    let answers = chain.rpc.batch(questions(envelope.tx_hash(), account)).await?;
    Ok(read(chain, answers, *envelope.tx_hash())?.receipt)
}

async fn included(
    chain: &Chain,
    tx: &SignedTx,
    envelope: &alloy::consensus::TxEnvelope,
    account: Address,
    receipt: &RawReceipt,
) -> Result<Outcome> {
    let gas_used = u64::try_from(receipt.gas_used).map_err(|_| chain.protocol("receipt", "gas below 2^64", receipt.gas_used))?;
    let price = receipt.effective_gas_price.unwrap_or_else(|| U256::from(envelope.max_fee_per_gas()));
    let fee = U256::from(gas_used).saturating_mul(price);
    let results = if receipt.succeeded() {
        results(chain, envelope.input(), receipt)
    } else {
        let reason = replay(chain, envelope, account, receipt.height()).await;
        tracing::info!(tx = %tx.tx_id, reason, "transaction reverted");
        reverted(envelope.input(), &reason)
    };
    let fee = u128::try_from(fee).unwrap_or(u128::MAX);
    Ok(Outcome::Included { height: Height::new(receipt.height()), gas_used, fee, results })
}

/// Results by the router's events. A message without an event was not tried.
fn results(chain: &Chain, input: &[u8], receipt: &RawReceipt) -> Vec<MessageResult> {
    let logs = || receipt.logs.iter().filter(|log| log.address == chain.router);
    if let Ok(call) = Router::relayBatchCall::abi_decode(input) {
        let mut results = vec![MessageResult::NotExecuted; call.batch.messages.len()];
        for log in logs() {
            let Ok(event) = Router::MessageResult::decode_raw_log(log.topics.iter().copied(), &log.data) else { continue };
            if let Some(result) = usize::try_from(event.index).ok().and_then(|index| results.get_mut(index)) {
                *result = message_result(&event.result, &event.reason);
            }
        }
        if !call.batch.update.is_empty() {
            results.insert(0, update_result(logs()));
        }
        return results;
    }
    if Router::updateClientCall::abi_decode(input).is_ok() {
        return vec![update_result(logs())];
    }
    let created = logs().find_map(|log| Router::ClientCreated::decode_raw_log(log.topics.iter().copied(), &log.data).ok());
    vec![MessageResult::Applied { created: created.map(|event| event.clientId) }]
}

fn message_result(result: &MessageOutcome, reason: &[u8]) -> MessageResult {
    match result {
        MessageOutcome::Applied => MessageResult::Applied { created: None },
        MessageOutcome::Noop => MessageResult::Noop,
        MessageOutcome::ErrorAck => MessageResult::ErrorAck,
        _ => MessageResult::Failed(refusal::describe(reason)),
    }
}

fn update_result<'a>(mut logs: impl Iterator<Item = &'a RawLog>) -> MessageResult {
    let updated = logs.find_map(|log| Router::ICS02ClientUpdated::decode_raw_log(log.topics.iter().copied(), &log.data).ok());
    match updated.map(|event| event.result) {
        Some(UpdateResult::NoOp) => MessageResult::Noop,
        Some(UpdateResult::Misbehaviour) => MessageResult::Failed("the client froze: the header conflicts with one it holds".to_string()),
        _ => MessageResult::Applied { created: None },
    }
}

/// A transaction that reverted: its one message was refused; of many, none was tried to the end.
fn reverted(input: &[u8], reason: &str) -> Vec<MessageResult> {
    match Router::relayBatchCall::abi_decode(input) {
        Ok(call) => {
            let count = call.batch.messages.len() + usize::from(!call.batch.update.is_empty());
            vec![MessageResult::NotExecuted; count]
        }
        Err(_) => vec![MessageResult::Failed(reason.to_string())],
    }
}

/// Why it reverted, by calling it again on the block before; the block's other transactions may have mattered.
async fn replay(chain: &Chain, envelope: &alloy::consensus::TxEnvelope, account: Address, height: u64) -> String {
    let call = json!({
        "from": account, "to": envelope.to(), "data": envelope.input(), "gas": quantity(envelope.gas_limit()),
    });
    match chain.calls(vec![call], height.saturating_sub(1)).await {
        Ok(answers) => match answers.into_iter().next() {
            Some(Err(failure)) => failure.revert.as_deref().map_or_else(|| failure.message.clone(), refusal::describe),
            _ => "reverted; the same call passes on the block before".to_string(),
        },
        Err(error) => format!("reverted; the reason could not be read: {error}"),
    }
}
