//! What the chain's words mean.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::outcome::outcome;
use super::pooled::Pooled;
use super::reason::{classify, is_poor, message_index, sequences};
use super::simulate::{Simulated, simulate};
use super::{Terms, broadcast, price, raw, reason, sign_doc};
use crate::blocks::{Blocks, tx_id};
use crate::chain::Chain;
use crate::config::GasPrice;
use crate::keys::Signer;
use crate::scripted::{error, query, result, serve};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_adapter::{AdapterError, BroadcastResult, FeePolicy, Impossible, MessageResult, Outcome, RejectReason, SignedTx, Slot};
use causeway_cosmos_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoResponse};
use causeway_cosmos_proto::cosmos::base::abci::v1beta1::{GasInfo, Result as SimulationResult, TxMsgData};
use causeway_cosmos_proto::cosmos::tx::v1beta1::SimulateResponse;
use causeway_cosmos_proto::ibc::core::client::v1::{MsgCreateClient, MsgCreateClientResponse};
use causeway_cosmos_proto::{Any, any};
use causeway_keystore::Secret;
use prost::Message;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn words_of_the_chain_are_sorted() {
    let stale =
        "failed to execute message; message index: 3: receive packet verification failed: couldn't verify counterparty packet commitment";
    assert_eq!(message_index(stale), Some(3));
    assert!(matches!(classify(stale), RejectReason::Stale(_)));
    assert!(
        matches!(classify("recovered: no route for nobody\nstack:\ngoroutine 1"), RejectReason::Refused(text) if !text.contains("goroutine"))
    );
    assert_eq!(classify("packet messages are redundant"), RejectReason::AlreadyDone);
    let final_word = "failed to execute message; message index: 0: timeout elapsed: packet timeout";
    assert!(matches!(classify(final_word), RejectReason::Refused(_)));
    // Refused before any message was looked at: no packet's fault.
    for common in ["fee limit exceeded: basic allowance", "tx type not allowed", "fee-grant not found: not found"] {
        assert!(matches!(classify(common), RejectReason::Stale(_)), "{common}");
    }
    assert_eq!(message_index("out of gas in location: ReadFlat"), None);
}

#[test]
fn sequences_and_poverty_are_read() {
    let text = "account sequence mismatch, expected 5, got 3: incorrect account sequence";
    assert_eq!(sequences(text), Some((5, 3)));
    assert_eq!(sequences("account sequence mismatch, expected x, got 3"), None);
    assert!(is_poor("spendable balance 5stake is smaller than 7stake: insufficient funds"));
    assert!(is_poor("account cosmos1abc not found: key not found"));
    // A transfer inside a message that fails for want of tokens is the message's own affair.
    assert!(!is_poor("failed to execute message; message index: 1: 5stake is smaller than 7stake: insufficient funds"));
}

fn scripted_tx(chain: &Chain) -> SignedTx {
    scripted_tx_of(chain, Vec::new())
}

fn scripted_tx_of(chain: &Chain, messages: Vec<Any>) -> SignedTx {
    let form = chain.config.as_ref().into();
    let signer = Signer::from_hex(&Secret::new("11".repeat(32)), &form).unwrap();
    let terms = Terms { sequence: 3, account_number: 7, gas_limit: 200, price: GasPrice::whole(0), timeout_height: 150 };
    let bytes = raw(sign_doc(&chain.config, &signer, messages, terms), vec![0; 64]);
    SignedTx { tx_id: tx_id(&bytes).unwrap(), raw: bytes, account: signer.address().to_string(), slot: Slot::Number(3) }
}

/// What a broadcast means to which a node answers this.
async fn broadcast_of(answer: impl Fn() -> Value + Send + Sync + 'static) -> (Chain, Result<BroadcastResult, AdapterError>) {
    let config = serve(move |method, params| {
        assert_eq!(method, "broadcast_tx_sync");
        let mut answer = answer();
        if answer.get("result").is_some() {
            let bytes = STANDARD.decode(params["tx"].as_str().unwrap()).unwrap();
            answer["result"]["hash"] = hex::encode_upper(tx_id(&bytes).unwrap().as_bytes()).into();
        }
        answer
    })
    .await;
    let chain = Chain::new(&config).unwrap();
    let result = broadcast(&chain, &scripted_tx(&chain)).await;
    (chain, result)
}

fn checked(code: u32, log: &'static str) -> impl Fn() -> Value + Send + Sync + 'static {
    move || result(json!({ "code": code, "codespace": if code == 0 { "" } else { "sdk" }, "log": log, "data": "" }))
}

/// refuse.md O6: refused, in the pool and too late are three things.
#[tokio::test]
async fn what_nodes_answer_to_a_broadcast_is_told_apart() {
    assert_eq!(broadcast_of(checked(0, "")).await.1.unwrap(), BroadcastResult::Accepted);
    assert_eq!(broadcast_of(|| error("tx already exists in cache")).await.1.unwrap(), BroadcastResult::AlreadyKnown);
    assert_eq!(broadcast_of(checked(19, "tx already in mempool")).await.1.unwrap(), BroadcastResult::AlreadyKnown);
    // A full pool takes it later.
    let full = broadcast_of(|| error("mempool is full: number of txs 5000 (max: 5000), total txs bytes 9 (max: 9)")).await.1.unwrap_err();
    assert!(matches!(full, AdapterError::RateLimited { .. }), "{full}");
    let full = broadcast_of(checked(20, "mempool is full")).await.1.unwrap_err();
    assert!(matches!(full, AdapterError::RateLimited { .. }), "{full}");
    // Another process used the key: the sequence is taken. One that is too high waits for those before it.
    for (log, slot_conflict) in [
        ("account sequence mismatch, expected 5, got 3: incorrect account sequence", true),
        ("account sequence mismatch, expected 2, got 3: incorrect account sequence", false),
        ("words of another version", true),
    ] {
        let refused = broadcast_of(checked(32, log)).await.1.unwrap();
        assert_eq!(refused, BroadcastResult::Refused { reason: log.to_string(), slot_conflict });
    }
    let poor = broadcast_of(checked(5, "spendable balance 5stake is smaller than 7stake: insufficient funds")).await.1.unwrap_err();
    assert!(matches!(&poor, AdapterError::InsufficientFunds { balance, needed, .. } if balance == "5" && needed == "7"), "{poor}");
    assert!(matches!(
        broadcast_of(checked(4, "signature verification failed")).await.1.unwrap(),
        BroadcastResult::Refused { slot_conflict: false, .. }
    ));
}

#[tokio::test]
async fn a_fee_that_a_node_asks_for_is_offered_next() {
    let policy = FeePolicy { gas_headroom_percent: 120, gas_price_max: Some(1), replace_bump_percent: 0, replaces_price: None };
    let (chain, answer) = broadcast_of(checked(13, "insufficient fees; got:  required: 10stake: insufficient fee")).await;
    assert!(matches!(answer.unwrap(), BroadcastResult::Underpriced { .. }));
    // Ten for the 200 of the transaction.
    assert_eq!(price::price(&chain, &policy).await.unwrap().to_string(), "0.05");
    // Nothing that could be offered: other coins, or not more than was offered.
    for log in
        ["insufficient fees; got:  required: 10uatom: insufficient fee", "insufficient fees; got:  required: 0stake", "insufficient fee"]
    {
        let (chain, answer) = broadcast_of(checked(13, log)).await;
        assert!(matches!(answer.unwrap(), BroadcastResult::Refused { slot_conflict: false, .. }), "{log}");
        assert_eq!(price::price(&chain, &policy).await.unwrap(), GasPrice::whole(0), "{log}");
    }
}

/// Another relayer was first: the sequence is free at once, not only when the transaction's last block has passed.
#[tokio::test]
async fn a_redundant_transaction_holds_nothing_up() {
    let log = "packet messages are redundant";
    let (_, answer) = broadcast_of(move || result(json!({ "code": 22, "codespace": "channel", "log": log, "data": "" }))).await;
    assert!(matches!(answer.unwrap(), BroadcastResult::Refused { reason, .. } if reason::is_redundant(&reason)));
    let config = serve(|method, _| match method {
        "abci_query" => {
            let info = BaseAccount { account_number: 7, sequence: 3, ..BaseAccount::default() };
            query(0, "", &QueryAccountInfoResponse { info: Some(info) }.encode_to_vec())
        }
        _ => error("tx not found"),
    })
    .await;
    let chain = Chain::new(&config).unwrap();
    let (tx, pooled) = (scripted_tx(&chain), Pooled::default());
    assert_eq!(outcome(&chain, &Blocks::default(), &pooled, &tx).await.unwrap(), Outcome::Unknown);
    pooled.redundant(&tx.tx_id);
    assert_eq!(outcome(&chain, &Blocks::default(), &pooled, &tx).await.unwrap(), Outcome::Impossible(Impossible::SlotUsed));
}

/// A node without an index that has no block, or no results, of the time in which a transaction was: its sequence is used, and no more is ever
/// to be learnt.
#[tokio::test]
async fn a_used_sequence_whose_blocks_are_pruned_is_an_answer() {
    for results_alone in [false, true] {
        let known = Chain::new(&serve(|_, _| error("nothing")).await).unwrap();
        let raw = STANDARD.encode(&scripted_tx(&known).raw);
        let config = serve(move |method, params| {
            let number: u64 = params["height"].as_str().and_then(|number| number.parse().ok()).unwrap_or(0);
            let pruned = || error(&format!("height {number} is not available, lowest height is 95"));
            match method {
                "abci_query" => {
                    let info = BaseAccount { account_number: 7, sequence: 4, ..BaseAccount::default() };
                    query(0, "", &QueryAccountInfoResponse { info: Some(info) }.encode_to_vec())
                }
                "block" if number < 95 && !results_alone => pruned(),
                "block" => {
                    let txs = if number == 92 { json!([raw]) } else { json!([]) };
                    result(json!({ "block": { "header": { "height": number.to_string() }, "data": { "txs": txs } } }))
                }
                "block_results" => pruned(),
                _ => error("transaction indexing is disabled"),
            }
        })
        .await;
        let chain = Chain::new(&config).unwrap();
        let tx = scripted_tx(&chain);
        let outcome = outcome(&chain, &Blocks::default(), &Pooled::default(), &tx).await;
        assert_eq!(outcome, Ok(Outcome::Impossible(Impossible::SlotUsed)), "results alone: {results_alone}");
    }
}

/// Chains before ibc-go 10 name a new client in an event alone; where the response names it, that counts.
#[tokio::test]
async fn a_new_client_is_named_by_the_response_or_by_an_event() {
    for (response, expected) in [("", "07-tendermint-3"), ("07-tendermint-4", "07-tendermint-4")] {
        let script = Chain::new(&serve(|_, _| error("nothing")).await).unwrap();
        let hash = hex::encode_upper(scripted_tx_of(&script, vec![any(&MsgCreateClient::default())]).tx_id.as_bytes());
        let made = any(&MsgCreateClientResponse { client_id: response.to_string() });
        let data = STANDARD.encode(TxMsgData { msg_responses: vec![made], ..TxMsgData::default() }.encode_to_vec());
        let event = json!({ "type": "create_client", "attributes": [{ "key": "client_id", "value": "07-tendermint-3" }] });
        let config = serve(move |method, _| match method {
            "abci_query" => {
                let info = BaseAccount { account_number: 7, sequence: 4, ..BaseAccount::default() };
                query(0, "", &QueryAccountInfoResponse { info: Some(info) }.encode_to_vec())
            }
            _ => result(json!({ "hash": hash, "height": "92", "tx_result": { "data": data, "gas_used": "9", "events": [event] } })),
        })
        .await;
        let chain = Chain::new(&config).unwrap();
        let tx = scripted_tx_of(&chain, vec![any(&MsgCreateClient::default())]);
        let Outcome::Included { results, .. } = outcome(&chain, &Blocks::default(), &Pooled::default(), &tx).await.unwrap() else {
            panic!("it is in a block")
        };
        assert_eq!(results, [MessageResult::Applied { created: Some(expected.to_string()) }]);
    }
}

/// A node that goes through what waits after a block expects ever more, up to what is right; one that expects more than that says that the slot is used.
#[tokio::test]
async fn a_sequence_that_a_node_expects_for_a_moment_is_no_used_slot() {
    for (said, passes) in [(vec![4, 5, 6], true), (vec![5], true), (vec![5, 7], false), (vec![8], false)] {
        let (asked, gas) = (AtomicUsize::new(0), GasInfo { gas_used: 9, ..GasInfo::default() });
        let passed = SimulateResponse { gas_info: Some(gas), result: Some(SimulationResult::default()) }.encode_to_vec();
        let script = said.clone();
        let config = serve(move |_, _| match script.get(asked.fetch_add(1, Ordering::Relaxed)) {
            Some(expected) => query(32, &format!("account sequence mismatch, expected {expected}, got 0: incorrect account sequence"), &[]),
            None => query(0, "", &passed),
        })
        .await;
        let chain = Chain::new(&config).unwrap();
        let signer = Signer::from_hex(&Secret::new("11".repeat(32)), &chain.config.as_ref().into()).unwrap();
        let terms = Terms { sequence: 6, account_number: 7, gas_limit: 200, price: GasPrice::whole(0), timeout_height: 150 };
        match simulate(&chain, &signer, &[], terms).await {
            Ok(Simulated::Passed { gas_used: 9, .. }) => assert!(passes, "{said:?}"),
            Err(AdapterError::SlotMismatch { used: 6, expected }) => assert!(!passes && Some(&expected) == said.last(), "{said:?}"),
            other => panic!("{said:?}: {other:?}"),
        }
    }
}
