//! What transactions of this chain, whoever sent them, submitted to a client, and what is set against it.
//!
//! It is read from the input of the transaction, to the router, in which calls may lie inside `multicall`, or to the client's own contract;
//! what another contract called either with is in no input, and is not found. Nothing is judged here. Called by [`crate::adapter`] and, for the bytes of an update, by the light client.

use crate::chain::{Chain, Result};
use crate::nodes::word;
use crate::proofs::account_proofs;
use crate::rpc::parse;
use crate::state::client_contract;
use alloy::primitives::{Address, B256, Bytes, U64};
use alloy::sol_types::{SolCall, SolValue};
use causeway_adapter::AdapterError;
use causeway_evm_contracts::abi::{QbftLightClient, Router, Update};
use causeway_types::{ClientId, Height, TxId};
use serde::Deserialize;
use serde_json::json;

#[cfg(test)]
mod tests;

/// Calls that are looked at in one transaction, those that hold others included.
const CALLS_MAX: usize = 16_384;
/// How deep calls are looked for inside `multicall`.
const DEPTH_MAX: usize = 4;
/// Updates of one transaction.
const FOUND_MAX: usize = 256;
/// Validators and nodes of an update, and its bytes: entries may share them, and would make a short input fill the memory.
const ENTRIES_MAX: usize = 4_096;
const BYTES_MAX: usize = 1 << 20;

/// A transaction as nodes print it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTransaction {
    hash: B256,
    to: Option<Address>,
    input: Bytes,
    #[serde(default)]
    block_number: Option<U64>,
}

pub(crate) async fn submitted(chain: &Chain, client: &ClientId, height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
    let missing = || AdapterError::NotFound { what: "transaction", name: tx.to_string() };
    let hash = B256::try_from(tx.as_bytes()).map_err(|_| missing())?;
    let answer = chain.rpc.call("eth_getTransactionByHash", json!([hash])).await?;
    let raw = answer.map_err(|failure| chain.state_error(failure, height.number))?;
    let found: Option<RawTransaction> = parse(&chain.rpc.first_name(), "eth_getTransactionByHash", &raw)?;
    let found = found.ok_or_else(missing)?;
    if found.hash != hash {
        return Err(chain.protocol("transaction-hash", hash, found.hash));
    }
    let number = found.block_number.map_or(0, |number| number.to::<u64>());
    if number != height.number {
        return Err(chain.protocol("transaction-height", height, number));
    }
    if found.to == Some(chain.router) {
        return Ok(updates(&found.input, client));
    }
    // Anybody may call the client itself.
    let contract = client_contract(chain, client, chain.head().await?.height).await?;
    let direct = found.input.strip_prefix(&QbftLightClient::updateClientCall::SELECTOR).filter(|_| found.to == Some(contract));
    Ok(direct.and_then(|arguments| tail(arguments, 0)).map(<[u8]>::to_vec).into_iter().collect())
}

/// The update that proves exactly one height to a client that holds another: what is set against one that was submitted.
pub(crate) async fn update_at(chain: &Chain, trusted: Height, height: Height) -> Result<Vec<u8>> {
    let headers = chain.headers(&[trusted.number, height.number]).await?;
    let [base, header] = headers.as_slice() else { return Err(chain.protocol("json-rpc-batch", "two headers", headers.len())) };
    let proof = account_proofs(chain, &[height.number]).await?.pop().unwrap_or_default();
    let update = Update {
        trustedHeight: trusted.number,
        trustedValidators: base.parsed.validators.iter().map(|validator| Address::from(*validator)).collect(),
        header: header.rlp.clone().into(),
        accountProof: proof,
    };
    Ok(update.abi_encode())
}

/// The updates of one client in a call of the router, in order.
fn updates(input: &[u8], client: &ClientId) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    // The last one is looked at next.
    let mut calls = vec![(input, DEPTH_MAX)];
    for _ in 0..CALLS_MAX {
        let Some((call, depth)) = calls.pop() else { break };
        let Some((selector, arguments)) = call.split_at_checked(4) else { continue };
        let update = if selector == Router::updateClientCall::SELECTOR {
            addressed(arguments, client)
        } else if selector == Router::relayBatchCall::SELECTOR {
            inside(arguments, 0).and_then(|batch| addressed(batch, client))
        } else {
            if selector == Router::multicallCall::SELECTOR && depth > 1 {
                let room = CALLS_MAX.saturating_sub(calls.len());
                calls.extend(list(arguments, 0, room).into_iter().rev().map(|inner| (inner, depth - 1)));
            }
            None
        };
        found.extend(update.map(<[u8]>::to_vec));
        if found.len() >= FOUND_MAX {
            break;
        }
    }
    found
}

/// The update in a pair of client and update, if it is for the client and there is one.
fn addressed<'a>(pair: &'a [u8], client: &ClientId) -> Option<&'a [u8]> {
    let to = tail(pair, 0)?;
    tail(pair, 32).filter(|update| to == client.as_str().as_bytes() && !update.is_empty())
}

/// An update as a contract reads it: its parts may lie in any order and share bytes. Not more than bounds allow.
pub(crate) fn update(bytes: &[u8]) -> Option<Update> {
    let body = inside(bytes, 0)?;
    let trusted_height = u64::try_from(word(body, 0)?).ok()?;
    let validators = inside(body, 32)?;
    let count = word(validators, 0).filter(|count| *count <= ENTRIES_MAX)?;
    let address = |index: usize| Some(Address::from_slice(validators.get(32 + index * 32..64 + index * 32)?.get(12..)?));
    let header = tail(body, 64).filter(|header| header.len() <= BYTES_MAX)?;
    let nodes = list(body, 96, ENTRIES_MAX);
    let bytes: usize = nodes.iter().map(|node| node.len()).sum();
    if bytes > BYTES_MAX {
        return None;
    }
    Some(Update {
        trustedHeight: trusted_height,
        trustedValidators: (0..count).map(address).collect::<Option<_>>()?,
        header: Bytes::copy_from_slice(header),
        accountProof: nodes.into_iter().map(Bytes::copy_from_slice).collect(),
    })
}

/// What an offset in the head of some arguments points to.
fn inside(arguments: &[u8], head: usize) -> Option<&[u8]> {
    arguments.get(word(arguments, head)?..)
}

/// The bytes that an offset in the head of some arguments points to.
fn tail(arguments: &[u8], head: usize) -> Option<&[u8]> {
    let at = inside(arguments, head)?;
    at.get(32..32_usize.checked_add(word(at, 0)?)?)
}

/// A list of byte strings, as far as it can be read and at most so many.
fn list(arguments: &[u8], head: usize, max: usize) -> Vec<&[u8]> {
    let Some(at) = inside(arguments, head) else { return Vec::new() };
    let (count, body) = (word(at, 0).unwrap_or(0), at.get(32..).unwrap_or_default());
    (0..count.min(max)).map_while(|index| tail(body, index * 32)).collect()
}
