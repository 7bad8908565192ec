//! Updates in the transactions of others.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{EXEC_URL, MsgExec, client_messages};
use causeway_cosmos_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use causeway_cosmos_proto::ibc::core::client::v1::MsgUpdateClient;
use causeway_cosmos_proto::{Any, any};
use causeway_types::ClientId;
use prost::Message;

fn update(client: &str, value: u8) -> Any {
    let client_message = Some(Any { type_url: "/x".to_string(), value: vec![value] });
    any(&MsgUpdateClient { client_id: client.to_string(), client_message, signer: String::new() })
}

fn exec(msgs: Vec<Any>) -> Any {
    Any { type_url: EXEC_URL.to_string(), value: MsgExec { msgs }.encode_to_vec() }
}

fn found(messages: Vec<Any>) -> Vec<u8> {
    let body = TxBody { messages, ..TxBody::default() };
    let tx = TxRaw { body_bytes: body.encode_to_vec(), ..TxRaw::default() };
    let client = ClientId::new("07-tendermint-1").unwrap();
    let values = client_messages(&tx.encode_to_vec(), &client).unwrap();
    values.iter().map(|bytes| Any::decode(bytes.as_slice()).unwrap().value[0]).collect()
}

#[test]
fn updates_of_the_client_are_found_wherever_they_are() {
    assert_eq!(found(vec![update("07-tendermint-1", 1), update("07-tendermint-2", 2), update("07-tendermint-1", 3)]), [1, 3]);
    let nested = exec(vec![update("07-tendermint-1", 5), exec(vec![update("07-tendermint-1", 6)])]);
    assert_eq!(found(vec![update("07-tendermint-1", 4), nested]), [4, 5, 6]);
    assert!(found(vec![Any { type_url: EXEC_URL.to_string(), value: vec![0xff] }]).is_empty());
}

#[test]
fn nesting_and_number_are_bounded() {
    let deep = (0..100).fold(update("07-tendermint-1", 1), |inner, _| exec(vec![inner]));
    assert!(found(vec![deep]).is_empty());
    assert_eq!(found(vec![update("07-tendermint-1", 1); 1_000]).len(), super::FOUND_MAX);
    assert!(client_messages(&[0xff], &ClientId::new("07-tendermint-1").unwrap()).is_none());
}
