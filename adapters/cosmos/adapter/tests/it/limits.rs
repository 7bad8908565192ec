//! Nodes without an index, several transactions at once, and transactions whose time is over; on real networks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use crate::common::{FEES, KEY, SPARE, deliver, now_s, provable, prove, send, updates, world_with};
use causeway_adapter::{AdapterError, BroadcastResult, BuildRequest, ChainAdapter, Impossible, Message, MessageResult, Outcome, Slot};
use causeway_cosmos_adapter::CosmosAdapter;
use causeway_types::Claim;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_an_index_serves_from_blocks_and_state() {
    let Some((a, b)) = world_with(|text| text.replace("indexer = \"kv\"", "indexer = \"null\"")).await else { return };
    // `send` reads the packets back, `deliver` asks for outcomes: both without an index here.
    let packets = send(&b, 9, now_s(&b).await + 3_600).await;
    let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
    let need = provable(&b, &claims[0]).await;
    let (messages, trusted) = updates(&a, &b, need).await;
    deliver(&a, SPARE, messages, vec![]).await;
    let group = prove(&a, &b, &claims, &trusted).await;

    // Three transactions in flight, each built before the one before it is in a block.
    let first = a.adapter.account(KEY).await.unwrap().next_slot.unwrap();
    let mut flying = Vec::new();
    for (at, chunk) in packets.chunks(3).enumerate() {
        let message =
            |(item, packet): (usize, &causeway_types::Packet)| Message::Receive { packet: packet.clone(), proof: (0, at * 3 + item) };
        let request = BuildRequest {
            signer: KEY.to_string(),
            messages: chunk.iter().enumerate().map(message).collect(),
            proofs: vec![group.clone()],
            slot: Slot::Number(first + at as u64),
            fees: FEES,
            simulate: true,
        };
        let built = a.adapter.build(request).await.unwrap();
        assert_eq!(built.included, [0, 1, 2], "{:?}", built.rejected);
        let tx = a.adapter.sign(KEY, &built).await.unwrap();
        assert_eq!(a.adapter.broadcast(&tx).await.unwrap(), BroadcastResult::Accepted);
        assert_eq!(a.adapter.broadcast(&tx).await.unwrap(), BroadcastResult::AlreadyKnown);
        flying.push(tx);
    }
    // A new adapter knows nothing of them, as after a restart.
    let restarted = CosmosAdapter::connect(&a.node.config(), a.node.keys()).await.unwrap();
    for tx in &flying {
        let found = loop {
            match restarted.outcome(tx).await.unwrap() {
                Outcome::Included { results, .. } => break results,
                Outcome::Impossible(why) => panic!("{why:?}"),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        assert_eq!(found, vec![MessageResult::Applied { created: None }; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_never_sent_ends_at_its_height() {
    let Some((a, b)) = world_with(|text| text).await else { return };
    let mut config = a.node.config();
    config.timeout_blocks = 5;
    let short = CosmosAdapter::connect(&config, a.node.keys()).await.unwrap();
    let need = b.adapter.status().await.unwrap().head.height;
    let (messages, _) = updates(&a, &b, need).await;
    let slot = short.account(KEY).await.unwrap().next_slot.unwrap();
    let request = BuildRequest { signer: KEY.to_string(), messages, proofs: vec![], slot: Slot::Number(slot), fees: FEES, simulate: true };
    let tx = short.sign(KEY, &short.build(request.clone()).await.unwrap()).await.unwrap();
    assert_eq!(short.outcome(&tx).await.unwrap(), Outcome::Unknown);
    let outcome = loop {
        match short.outcome(&tx).await.unwrap() {
            Outcome::Unknown => tokio::time::sleep(Duration::from_millis(100)).await,
            other => break other,
        }
    };
    assert_eq!(outcome, Outcome::Impossible(Impossible::Expired));
    // The pool still takes it at that very height, a block no longer does.
    short.broadcast(&tx).await.unwrap();
    let head = short.status().await.unwrap().head.height;
    while short.status().await.unwrap().head.height < head.plus(3) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(short.outcome(&tx).await.unwrap(), Outcome::Impossible(Impossible::Expired));
    assert_eq!(short.account(KEY).await.unwrap().next_slot, Some(slot));
    let late = short.broadcast(&tx).await.unwrap();
    assert!(matches!(late, BroadcastResult::Refused { slot_conflict: false, .. }), "{late:?}");

    // A key that nobody funded says what is missing; a configuration for another chain says which.
    let form = (&config).into();
    let poor = causeway_cosmos_adapter::Signer::from_bytes(&[9; 32], &form).unwrap();
    let keys = causeway_cosmos_adapter::Keys::none().with("poor", poor);
    let adapter = CosmosAdapter::connect(&config, keys).await.unwrap();
    assert_eq!(adapter.account("poor").await.unwrap().balance, 0);
    let error = adapter.build(BuildRequest { signer: "poor".to_string(), slot: Slot::Number(0), ..request }).await.unwrap_err();
    assert!(matches!(error, AdapterError::InsufficientFunds { .. }), "{error}");
    config.chain_id = "chainx-9".to_string();
    let error = CosmosAdapter::connect(&config, a.node.keys()).await.unwrap_err();
    assert!(matches!(error, AdapterError::Invalid { what: "chain id", .. }), "{error}");
}
