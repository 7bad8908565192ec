//! What is read of blocks, where the node has no index.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Kept, hydrate};
use crate::blocks::Blocks;
use crate::chain::Chain;
use crate::scripted::{error, query, result, serve};
use causeway_adapter::{HydrateKind, HydrateRequest, Hydrated};
use causeway_cosmos_proto::ibc::core::channel::v1 as channel;
use causeway_types::Sequence;
use prost::Message;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Packets of which only this one is acknowledged, in block 90.
const ACKNOWLEDGED: u64 = 2;
const BLOCK: u64 = 90;

fn state(params: &Value) -> Value {
    let path = params["path"].as_str().unwrap();
    let answer = match path.rsplit_once('/').unwrap().1 {
        "PacketAcknowledgements" => {
            let ack = channel::PacketState { sequence: ACKNOWLEDGED, data: vec![7; 32], ..channel::PacketState::default() };
            channel::QueryPacketAcknowledgementsResponse { acknowledgements: vec![ack], ..Default::default() }.encode_to_vec()
        }
        // All are received, and none was sent from this end.
        _ => Vec::new(),
    };
    query(0, "", &answer)
}

fn written(sequence: u64) -> Value {
    let attributes = [
        ("packet_sequence", sequence.to_string()),
        ("packet_src_port", "transfer".to_owned()),
        ("packet_src_channel", "channel-7".to_owned()),
        ("packet_dst_port", "transfer".to_owned()),
        ("packet_dst_channel", "channel-0".to_owned()),
        ("packet_timeout_height", "0-0".to_owned()),
        ("packet_timeout_timestamp", "1".to_owned()),
        ("packet_data_hex", "01".to_owned()),
        ("packet_ack_hex", "02".to_owned()),
    ];
    let attributes: Vec<Value> = attributes.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({ "type": "write_acknowledgement", "attributes": attributes })
}

/// An application may acknowledge long after it received: blocks are not read for what state says is unwritten.
#[tokio::test]
async fn acknowledgements_that_are_not_written_are_not_looked_for_in_blocks() {
    let read = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&read);
    let config = serve(move |method, params| match method {
        "tx_search" => error("transaction indexing is disabled"),
        "abci_query" => state(params),
        "block" => result(json!({ "block": { "header": { "height": params["height"] }, "data": { "txs": null } } })),
        _ => {
            let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
            seen.lock().unwrap().push(height);
            let events = if height == BLOCK { vec![written(ACKNOWLEDGED)] } else { Vec::new() };
            result(json!({ "height": params["height"], "txs_results": null, "finalize_block_events": events }))
        }
    })
    .await;
    let chain = Chain::new(&config).unwrap();
    let ask = async |numbers: &[u64]| {
        let sequences = numbers.iter().map(|number| Sequence::new(*number).unwrap()).collect();
        let end = "transfer/channel-0".parse().unwrap();
        let request = HydrateRequest { end, kind: HydrateKind::Acknowledged, sequences, range: None };
        hydrate(&chain, (&Blocks::default(), &Kept::default()), request).await.unwrap()
    };

    let found = ask(&[1, 3]).await;
    assert!(found.iter().all(|one| matches!(one, Hydrated::Unavailable(_))), "{found:?}");
    assert_eq!(*read.lock().unwrap(), Vec::<u64>::new(), "no block holds what is not written");

    let found = ask(&[1, ACKNOWLEDGED, 3]).await;
    assert!(matches!(found.as_slice(), [Hydrated::Unavailable(_), Hydrated::Found(_), Hydrated::Unavailable(_)]), "{found:?}");
    let lowest = read.lock().unwrap().iter().min().copied();
    assert!(lowest.is_some_and(|lowest| lowest > 1), "blocks are read down to {lowest:?} for one in {BLOCK}");
}
