//! State from nodes that cannot list: before ibc-go 10.7 a listing fails once a sequence has the byte 0x2F.

use super::Listings;
use crate::chain::Chain;
use crate::config::Config;
use axum::{Json, Router, extract::State, routing::post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_types::{ClientId, PacketEnd, Sequence, path};
use prost::Message;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Sequences 1 to 120 were sent; those with a commitment are given; listings fail.
async fn serve(live: BTreeSet<u64>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/", post(answer)).with_state(Arc::new(live));
    drop(tokio::spawn(async move { axum::serve(listener, app).await }));
    url
}

async fn answer(State(live): State<Arc<BTreeSet<u64>>>, Json(body): Json<Value>) -> Json<Value> {
    match body {
        Value::Array(calls) if calls.len() > 10 => Json(json!({ "jsonrpc": "2.0", "error": { "code": -32600, "message": "Invalid Request",
            "data": "batch request exceeds maximum (10) allowed number of requests" } })),
        Value::Array(calls) => Json(calls.iter().map(|call| one(&live, call)).collect()),
        call => Json(one(&live, &call)),
    }
}

fn one(live: &BTreeSet<u64>, call: &Value) -> Value {
    let client = ClientId::new("07-tendermint-0").unwrap();
    let params = &call["params"];
    let respond = |code: u32, log: &str, value: Vec<u8>| json!({ "response": { "code": code, "log": log, "value": STANDARD.encode(value), "height": "9", "codespace": "", "key": null } });
    let result = match (call["method"].as_str().unwrap(), params["path"].as_str()) {
        ("status", _) => json!({ "node_info": { "network": "chaina-1" },
            "sync_info": { "latest_block_height": "9", "latest_block_time": "2026-11-23T02:54:29Z" } }),
        (_, Some("/ibc.core.channel.v2.Query/PacketCommitments")) => respond(1, "invalid key", Vec::new()),
        (_, Some("/ibc.core.channel.v2.Query/NextSequenceSend")) => {
            respond(0, "", channel::QueryNextSequenceSendResponse { next_sequence_send: 121, ..Default::default() }.encode_to_vec())
        }
        (_, Some("store/ibc/key")) => {
            let key = hex::decode(params["data"].as_str().unwrap()).unwrap();
            let found = live.iter().any(|number| path::packet_commitment(&client, Sequence::new(*number).unwrap()) == key);
            respond(0, "", if found { vec![7; 32] } else { Vec::new() })
        }
        other => panic!("{other:?}"),
    };
    json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
}

#[tokio::test]
async fn commitments_are_read_key_by_key_where_listings_fail() {
    let live: BTreeSet<u64> = [1, 46, 47, 48, 120].into();
    let mut config = Config::new("chaina-1", serve(live.clone()).await);
    // The node takes ten; the transport must find that out by itself.
    config.batch_calls_max = 64;
    let chain = Chain::new(&config).unwrap();
    let client = ClientId::new("07-tendermint-0").unwrap();
    for limit in [1, 2, 1_000] {
        let (mut all, mut from) = (Vec::new(), 1);
        loop {
            let (page, last) =
                super::commitments(&chain, &Listings::default(), &client.clone().into(), Sequence::new(from).unwrap(), limit)
                    .await
                    .unwrap();
            assert!(page.len() <= limit as usize);
            all.extend(page.iter().map(|sequence| sequence.get()));
            let Some(last) = last else { break };
            from = last.get() + 1;
        }
        assert_eq!(all, live.iter().copied().collect::<Vec<_>>(), "limit {limit}");
    }
}

/// Chains before ibc-go 10 know no question about IBC v2; that is told apart from what is wrong with an answer.
#[tokio::test]
async fn a_chain_without_ibc_v2_is_told() {
    let end = PacketEnd::Client(ClientId::new("07-tendermint-0").unwrap());
    for (log, expected) in [("unknown query path: unknown request", "unsupported"), ("client not found", "protocol")] {
        let config = crate::scripted::serve(move |_, _| crate::scripted::query(6, log, &[])).await;
        let chain = Chain::new(&config).unwrap();
        let error = super::packet_states(&chain, &end, &[Sequence::new(1).unwrap()]).await.unwrap_err();
        assert_eq!(error.label(), expected, "{error}");
    }
}
