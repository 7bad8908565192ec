//! What transactions of this chain, whoever sent them, submitted to a client: read from the block itself.
//!
//! Messages may lie inside others, as those do that one account executes for another; what is nested deeper than chains in use nest is not
//! looked for. Nothing is judged here. Called by [`crate::adapter`].

use crate::answers::Block;
use crate::blocks::tx_id;
use crate::chain::{Chain, Result, at};
use crate::rpc::parse;
use causeway_adapter::AdapterError;
use causeway_cosmos_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use causeway_cosmos_proto::ibc::core::client::v1::MsgUpdateClient;
use causeway_cosmos_proto::{Any, unpack};
use causeway_types::{ClientId, Height, TxId};
use prost::Message;

#[cfg(test)]
mod tests;

/// How deep messages are looked for inside messages.
const DEPTH_MAX: usize = 4;
/// Client messages of one transaction.
const FOUND_MAX: usize = 256;

/// `cosmos.authz.v1beta1.MsgExec`: messages that one account executes for others.
/// Source: cosmos-sdk `x/authz/proto/cosmos/authz/v1beta1/tx.proto`.
#[derive(Clone, PartialEq, ::prost::Message)]
struct MsgExec {
    #[prost(message, repeated, tag = "2")]
    msgs: Vec<Any>,
}

const EXEC_URL: &str = "/cosmos.authz.v1beta1.MsgExec";

pub(crate) async fn submitted(chain: &Chain, client: &ClientId, height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
    let number = height.number;
    let raw = match chain.rpc.batch(vec![at("block", number)]).await?.pop() {
        Some(Ok(raw)) => raw,
        Some(Err(failure)) => return Err(chain.block_refused(failure, number, chain.recent_head().await?)),
        None => return Err(chain.protocol("json-rpc-batch", "one answer", "none")),
    };
    let block = parse::<Block>(&chain.rpc.first_name(), "block", &raw)?.block;
    let txs = block.data.txs.unwrap_or_default();
    let found = txs.iter().find(|bytes| tx_id(&bytes.0).as_ref() == Some(tx));
    let found = found.ok_or_else(|| AdapterError::NotFound { what: "transaction", name: tx.to_string() })?;
    client_messages(&found.0, client).ok_or_else(|| chain.protocol("transaction", "one that parses", tx))
}

/// The client messages of a transaction to a client, in order.
fn client_messages(tx: &[u8], client: &ClientId) -> Option<Vec<Vec<u8>>> {
    let body = TxBody::decode(TxRaw::decode(tx).ok()?.body_bytes.as_slice()).ok()?;
    let mut found = Vec::new();
    collect(&body.messages, client, DEPTH_MAX, &mut found);
    Some(found)
}

fn collect(messages: &[Any], client: &ClientId, depth: usize, found: &mut Vec<Vec<u8>>) {
    for any in messages {
        if found.len() >= FOUND_MAX {
            return;
        }
        if let Ok(update) = unpack::<MsgUpdateClient>(any) {
            let message = update.client_message.filter(|_| update.client_id == client.as_str());
            found.extend(message.map(|message| message.encode_to_vec()));
        } else if any.type_url == EXEC_URL && depth > 1 {
            let inner = MsgExec::decode(any.value.as_slice()).map(|exec| exec.msgs).unwrap_or_default();
            collect(&inner, client, depth - 1, found);
        }
    }
}
