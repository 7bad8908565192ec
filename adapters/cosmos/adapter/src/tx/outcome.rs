//! What became of a transaction, by final state: the node's index, else the account's sequence and the blocks themselves.
//!
//! Every transaction ends at its timeout height, so that the blocks in which it can be are known, and an answer is always reached: without
//! an index, and after a restart. Where those blocks are pruned, or too large to be read, and the sequence is used, the answer is that the sequence is used: what
//! became of the messages is for state to say, and doing them again does no harm, for packets are done once. Called by [`crate::adapter`].

use super::account::{AccountState, state_from, state_query};
use super::pooled::{Pooled, Watched};
use super::{Parts, decode};
use crate::answers::{AbciEvent, AbciQuery, Tx, TxResult};
use crate::blocks::Blocks;
use crate::chain::{Chain, Result, is_null};
use crate::events;
use crate::rpc::{Call, parse, short, too_much};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_adapter::{AdapterError, Event, Impossible, MessageResult, Outcome, SignedTx};
use causeway_cosmos_proto::cosmos::base::abci::v1beta1::TxMsgData;
use causeway_cosmos_proto::ibc::core::channel::v1 as channel_v1;
use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_cosmos_proto::ibc::core::client::v1::MsgCreateClientResponse;
use causeway_cosmos_proto::ibc::core::connection::v1 as connection;
use causeway_cosmos_proto::{Any, type_url, unpack};
use causeway_types::{ClientId, PacketEnd};
use prost::Message;
use serde_json::json;

pub(crate) async fn outcome(chain: &Chain, blocks: &Blocks, pooled: &Pooled, tx: &SignedTx) -> Result<Outcome> {
    let parts = decode(tx)?;
    // What watching has read, or will: nothing is asked.
    match pooled.watched(&tx.tx_id) {
        Watched::Found(height, result) => return Ok(ended(chain, &parts, height, &result)),
        Watched::Awaited => return Ok(Outcome::Pending),
        Watched::Unknown => {}
    }
    let (account, indexed) = look(chain, tx).await?;
    let Some(account) = account else { return Ok(Outcome::Unknown) };
    if account.sequence <= parts.sequence {
        // What a block refused before its messages did not use the sequence: it may yet be included.
        return Ok(if account.height >= parts.timeout_height {
            pooled.forget(&tx.tx_id);
            Outcome::Impossible(Impossible::Expired)
        } else if pooled.is_redundant(&tx.tx_id) {
            // Its sequence is free for what is left to do, instead of holding up everything after it until its last block.
            Outcome::Impossible(Impossible::SlotUsed)
        } else if pooled.waits(&tx.tx_id, account.height) {
            Outcome::Pending
        } else {
            Outcome::Unknown
        });
    }
    let found = match indexed {
        Some(found) => Some((found.height.unsigned(), found.tx_result)),
        None => in_blocks(chain, blocks, tx, &parts, account.height).await?,
    };
    pooled.forget(&tx.tx_id);
    Ok(match found {
        Some((height, result)) => ended(chain, &parts, height, &result),
        None => Outcome::Impossible(Impossible::SlotUsed),
    })
}

/// The outcome of a transaction that is in a block.
fn ended(chain: &Chain, parts: &Parts, height: u64, result: &TxResult) -> Outcome {
    // The account went on, but not through this one: the sequence was wrong when the block came to it.
    if result.codespace == "sdk" && result.code == 32 {
        return Outcome::Impossible(Impossible::SlotUsed);
    }
    let (height, gas_used) = (chain.height(height), result.gas_used.unsigned());
    Outcome::Included { height, gas_used, fee: parts.fee, results: results(parts, result) }
}

/// The account first: when it is past the sequence, what is asked for after it must be there.
async fn look(chain: &Chain, tx: &SignedTx) -> Result<(Option<AccountState>, Option<Tx>)> {
    let by_hash = json!({ "hash": STANDARD.encode(tx.tx_id.as_bytes()), "prove": false });
    let answers = chain.rpc.batch(vec![state_query(&tx.account).call(), Call::new("tx", by_hash)]).await?;
    let name = chain.rpc.first_name();
    let [account, indexed] = answers.as_slice() else { return Err(chain.protocol("json-rpc-batch", "2 answers", answers.len())) };
    let account = match account {
        Ok(raw) => state_from(chain, &parse::<AbciQuery>(&name, "abci_query", raw)?.response)?,
        Err(failure) => return Err(failure.clone().into_error(&name)),
    };
    let indexed = match indexed {
        Ok(raw) if !is_null(raw) => {
            let found: Tx = parse(&name, "tx", raw)?;
            if found.hash.0 != tx.tx_id.as_bytes() {
                return Err(chain.protocol("transaction-hash", &tx.tx_id, hex::encode(&found.hash.0)));
            }
            Some(found)
        }
        // Not there, or no index: the blocks decide.
        _ => None,
    };
    Ok((account, indexed))
}

/// Looks for it in the blocks in which it can be.
async fn in_blocks(chain: &Chain, blocks: &Blocks, tx: &SignedTx, parts: &Parts, head: u64) -> Result<Option<(u64, TxResult)>> {
    let to = parts.timeout_height.min(head);
    let mut upper = to;
    let mut lower = parts.timeout_height.saturating_sub(chain.config.timeout_blocks).max(1);
    loop {
        match between(chain, blocks, tx, (lower, upper)).await? {
            Search::Found(number, result) => return Ok(Some((number, result))),
            Search::Gone => return Ok(None),
            Search::Absent => {}
        }
        // It was built with a longer life than is configured now if the sequence was used before these blocks already.
        if lower <= 1 || !used_before(chain, tx, parts.sequence, lower).await? {
            return Ok(None);
        }
        upper = lower - 1;
        lower = lower.saturating_sub(to.saturating_sub(lower).max(chain.config.timeout_blocks)).max(1);
    }
}

/// What blocks say of a transaction.
enum Search {
    Found(u64, TxResult),
    /// It is in none of them.
    Absent,
    /// It is in none of those that are left; others, or the results of its own, are pruned.
    Gone,
}

/// Whether the account was past the sequence before a block. What a node has forgotten it cannot say; then nothing speaks for it.
async fn used_before(chain: &Chain, tx: &SignedTx, sequence: u64, number: u64) -> Result<bool> {
    let response = chain.query(state_query(&tx.account).at(number - 1)).await?;
    if response.code != 0 {
        return Ok(false);
    }
    Ok(state_from(chain, &response)?.is_some_and(|account| account.sequence > sequence))
}

async fn between(chain: &Chain, blocks: &Blocks, tx: &SignedTx, (from, to): (u64, u64)) -> Result<Search> {
    let step = chain.config.batch_calls_max.clamp(1, 50) as u64;
    let mut next = from;
    let mut absent = Search::Absent;
    while next <= to {
        let end = to.min(next.saturating_add(step - 1));
        let numbers: Vec<u64> = (next..=end).collect();
        let ids = match blocks.tx_ids(chain, &numbers).await {
            Ok(ids) => ids,
            Err(AdapterError::HeightPruned { oldest, .. }) => {
                next = oldest.number.max(next.saturating_add(1));
                absent = Search::Gone;
                continue;
            }
            // What cannot be read tells no more than what is gone.
            Err(AdapterError::BlockTooLarge { height, .. }) => {
                next = height.number.max(next).saturating_add(1);
                absent = Search::Gone;
                continue;
            }
            Err(error) => return Err(error),
        };
        let place = ids.iter().find_map(|(number, ids)| Some((*number, ids.iter().position(|id| *id == tx.tx_id)?)));
        if let Some((number, at)) = place {
            return result_at(chain, number, at).await;
        }
        next = end.saturating_add(1);
    }
    Ok(absent)
}

/// The result of a transaction that is in a block.
async fn result_at(chain: &Chain, number: u64, at: usize) -> Result<Search> {
    let head = chain.head().await?;
    let block = match chain.block_results(number, number, head).await {
        Ok(mut blocks) => blocks.pop(),
        Err(AdapterError::HeightPruned { .. }) => return Ok(Search::Gone),
        Err(error) if too_much(&error).is_some() => return Ok(Search::Gone),
        Err(error) => return Err(error),
    };
    let result = block.and_then(|block| block.txs_results?.into_iter().nth(at));
    let late = || AdapterError::Lagging { found: chain.height(number.saturating_sub(1)), needed: chain.height(number) };
    result.map(|result| Search::Found(number, result)).ok_or_else(late)
}

/// One result a message.
fn results(parts: &Parts, result: &TxResult) -> Vec<MessageResult> {
    let count = parts.messages.len();
    if result.code != 0 {
        let failed = super::reason::message_index(&result.log);
        let why = short(result.log.split("\nstack:").next().unwrap_or_default());
        // A single message needs no name.
        let failed = failed.or((count == 1).then_some(0));
        let one = |at: usize| if failed == Some(at) { MessageResult::Failed(why.clone()) } else { MessageResult::NotExecuted };
        return (0..count).map(one).collect();
    }
    let responses = TxMsgData::decode(result.data.0.as_slice()).map(|data| data.msg_responses).unwrap_or_default();
    let raw = result.events.as_deref().unwrap_or_default();
    let refused: Vec<(PacketEnd, u64)> = raw
        .iter()
        .filter_map(|raw| match events::event(raw)? {
            Event::Acknowledged { packet, acknowledgement } if acknowledgement.is_error() => Some((packet.dest(), packet.sequence().get())),
            _ => None,
        })
        .collect();
    let frozen: Vec<ClientId> = raw
        .iter()
        .filter_map(|raw| match events::event(raw)? {
            Event::ClientFrozen { client } => Some(client),
            _ => None,
        })
        .collect();
    let told = Told { refused, frozen, connection: raw.iter().find_map(opened), client: raw.iter().find_map(began) };
    let empty = Any::default();
    let one = |at: usize| {
        let response = responses.get(at).unwrap_or(&empty);
        parts.messages.get(at).map_or(MessageResult::NotExecuted, |message| passed(message, response, &told))
    };
    (0..count).map(one).collect()
}

/// What the events of a transaction tell of its messages.
struct Told {
    /// Packets that their receiver answered with an error.
    refused: Vec<(PacketEnd, u64)>,
    frozen: Vec<ClientId>,
    /// The connection that it began or answered.
    connection: Option<String>,
    /// The client that it created.
    client: Option<String>,
}

/// The connection that was begun or answered; its message has no response that names it.
fn opened(raw: &AbciEvent) -> Option<String> {
    matches!(raw.kind.as_str(), "connection_open_init" | "connection_open_try").then(|| raw.get("connection_id"))?
}

/// The client that was created; before ibc-go 10 the message's response does not name it.
/// Source: ibc-go v7 `proto/ibc/core/client/v1/tx.proto`, `modules/core/02-client/keeper/events.go`.
fn began(raw: &AbciEvent) -> Option<String> {
    (raw.kind == "create_client").then(|| raw.get("client_id"))?
}

/// The end and the sequence of the packet that a message delivers.
fn received(message: &Any) -> Option<(String, u64)> {
    if let Ok(receive) = unpack::<channel::MsgRecvPacket>(message) {
        let packet = receive.packet.unwrap_or_default();
        return Some((packet.destination_client, packet.sequence));
    }
    let packet = unpack::<channel_v1::MsgRecvPacket>(message).ok()?.packet.unwrap_or_default();
    Some((format!("{}/{}", packet.destination_port, packet.destination_channel), packet.sequence))
}

/// What a message made.
fn created(message: &Any, response: &Any, told: &Told) -> Option<String> {
    let is = |urls: [String; 2]| urls.contains(&message.type_url);
    if is([type_url::<connection::MsgConnectionOpenInit>(), type_url::<connection::MsgConnectionOpenTry>()]) {
        return told.connection.clone();
    }
    if let Ok(response) = unpack::<MsgCreateClientResponse>(response) {
        return Some(response.client_id).filter(|id| !id.is_empty()).or_else(|| told.client.clone());
    }
    let begun = unpack::<channel_v1::MsgChannelOpenInitResponse>(response).map(|created| created.channel_id);
    let answered = unpack::<channel_v1::MsgChannelOpenTryResponse>(response).map(|created| created.channel_id);
    begun.or(answered).ok()
}

fn passed(message: &Any, response: &Any, told: &Told) -> MessageResult {
    use causeway_cosmos_proto::ibc::core::client::v1::MsgUpdateClient;
    use causeway_cosmos_proto::ibc::lightclients::tendermint::v1::Misbehaviour;
    if noop(response) {
        return MessageResult::Noop;
    }
    if let Some((end, sequence)) = received(message) {
        let error = told.refused.iter().any(|(of, number)| of.to_string() == end && *number == sequence);
        return if error { MessageResult::ErrorAck } else { MessageResult::Applied { created: None } };
    }
    if let Some(created) = created(message, response, told) {
        return MessageResult::Applied { created: Some(created) };
    }
    if let Ok(update) = unpack::<MsgUpdateClient>(message) {
        let wanted = update.client_message.is_some_and(|any| unpack::<Misbehaviour>(&any).is_ok());
        if !wanted && told.frozen.iter().any(|client| client.as_str() == update.client_id) {
            return MessageResult::Failed("the client froze: the header conflicts with one it holds".to_string());
        }
    }
    MessageResult::Applied { created: None }
}

/// Whether a response says that nothing was left to do.
pub(crate) fn noop(response: &Any) -> bool {
    const NOOP: i32 = channel::ResponseResultType::Noop as i32;
    let is = |found: Option<i32>| found == Some(NOOP);
    const CLASSIC: i32 = channel_v1::ResponseResultType::Noop as i32;
    let classic = |found: Option<i32>| found == Some(CLASSIC);
    classic(unpack::<channel_v1::MsgRecvPacketResponse>(response).ok().map(|response| response.result))
        || classic(unpack::<channel_v1::MsgAcknowledgementResponse>(response).ok().map(|response| response.result))
        || classic(unpack::<channel_v1::MsgTimeoutResponse>(response).ok().map(|response| response.result))
        || classic(unpack::<channel_v1::MsgTimeoutOnCloseResponse>(response).ok().map(|response| response.result))
        || is(unpack::<channel::MsgRecvPacketResponse>(response).ok().map(|response| response.result))
        || is(unpack::<channel::MsgAcknowledgementResponse>(response).ok().map(|response| response.result))
        || is(unpack::<channel::MsgTimeoutResponse>(response).ok().map(|response| response.result))
}
