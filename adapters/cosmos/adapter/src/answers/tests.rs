//! Answers of CometBFT 0.37, 0.38 and 1.x, in the form in which nodes write them.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{AbciQuery, BlockResults, BroadcastTx, Status, Tx};
use crate::events::of_block;
use causeway_adapter::Event;
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The clients that a block updated, with heights, and in which transaction.
fn updated(block: Value) -> Vec<(Option<usize>, String, usize)> {
    let found = of_block(&read::<BlockResults>(block), |_| true);
    found
        .into_iter()
        .filter_map(|one| match one.event {
            Event::ClientUpdated { client, heights } => Some((one.tx_index, client.to_string(), heights.len())),
            _ => None,
        })
        .collect()
}

fn event(client: &str, height: &str) -> Value {
    json!({ "type": "update_client", "attributes": [
        { "key": "client_id", "value": client, "index": true },
        { "key": "consensus_heights", "value": height, "index": true },
    ] })
}

#[test]
fn blocks_of_0_37_have_events_of_their_begin_and_end() {
    // base64 of client_id, 07-tendermint-0, consensus_height and 1-5: attributes before 0.37 and of nodes that kept that form.
    let old = json!({ "type": "update_client", "attributes": [
        { "key": "Y2xpZW50X2lk", "value": "MDctdGVuZGVybWludC0w", "index": true },
        { "key": "Y29uc2Vuc3VzX2hlaWdodA==", "value": "MS01", "index": true },
    ] });
    let block = json!({
        "height": "12",
        "txs_results": [
            { "code": 5, "data": null, "log": "no", "info": "", "gas_wanted": "1", "gas_used": "1", "events": [event("07-tendermint-8", "1-6")], "codespace": "sdk" },
            { "code": 0, "data": "Cg==", "log": "[]", "info": "", "gas_wanted": "200000", "gas_used": "90000", "events": [old], "codespace": "" },
        ],
        "begin_block_events": [event("07-tendermint-1", "1-6")],
        "end_block_events": [event("07-tendermint-2", "1-6,1-7")],
        "validator_updates": null,
        "consensus_param_updates": { "block": { "max_bytes": "22020096", "max_gas": "-1" } },
    });
    let expected = [(None, "07-tendermint-1", 1), (Some(1), "07-tendermint-0", 1), (None, "07-tendermint-2", 2)];
    assert_eq!(updated(block), expected.map(|(at, client, heights)| (at, client.to_string(), heights)));
}

#[test]
fn blocks_since_0_38_have_events_of_their_end() {
    for names in [["txs_results", "finalize_block_events"], ["tx_results", "finalize_block_events"]] {
        let mut block = json!({ "height": "12", "validator_updates": [], "app_hash": "AAAA", "consensus_param_updates": null });
        block[names[0]] = json!([{ "code": 0, "events": [event("07-tendermint-0", "4-10")], "gas_used": "1" }]);
        block[names[1]] = json!([event("07-tendermint-1", "")]);
        let expected = [(Some(0), "07-tendermint-0", 1), (None, "07-tendermint-1", 0)];
        assert_eq!(updated(block), expected.map(|(at, client, heights)| (at, client.to_string(), heights)));
    }
    // An empty block.
    assert!(updated(json!({ "height": "1", "txs_results": null, "finalize_block_events": null })).is_empty());
}

/// refuse.md O3: written anew, an acknowledgement with a key twice, or with spaces, would be another one.
#[test]
fn refuses_o3_an_acknowledgement_written_anew() {
    for written in [r#"{"result":"AQ==","result":"Ag==", "x" :1}"#, "{\"error\":\"\\u0041\"}\n", "no JSON \u{0}"] {
        let attribute = |key: &str, value: &str| json!({ "key": key, "value": value });
        let attributes = [
            attribute("packet_sequence", "1"),
            attribute("packet_src_port", "transfer"),
            attribute("packet_src_channel", "channel-0"),
            attribute("packet_dst_port", "transfer"),
            attribute("packet_dst_channel", "channel-1"),
            attribute("packet_timeout_height", "0-0"),
            attribute("packet_timeout_timestamp", "9"),
            attribute("packet_data_hex", "01"),
            attribute("packet_ack_hex", &hex::encode(written)),
        ];
        let event = json!({ "type": "write_acknowledgement", "attributes": attributes });
        let block = json!({ "height": "1", "txs_results": [{ "code": 0, "gas_used": "1", "events": [event] }] });
        let found = of_block(&read::<BlockResults>(block), |_| true);
        let [found] = found.as_slice() else { panic!("{written}: {found:?}") };
        let Event::Acknowledged { acknowledgement, .. } = &found.event else { panic!("{written}: {found:?}") };
        assert_eq!(acknowledgement.parts(), [written.as_bytes()]);
    }
}

#[test]
fn numbers_and_bytes_come_in_every_form() {
    for (height, proofs) in [(json!("9"), "proofOps"), (json!(9), "proof_ops")] {
        let mut answer =
            json!({ "response": { "code": 0, "log": "", "info": "", "index": "0", "key": "AQ==", "value": null, "height": height } });
        answer["response"][proofs] = json!({ "ops": [{ "type": "ics23:iavl", "key": "AQ==", "data": "Ag==" }] });
        let response = read::<AbciQuery>(answer).response;
        assert_eq!((response.height.unsigned(), response.key.0, response.value.0), (9, vec![1], Vec::new()));
        assert_eq!(response.proof_ops.unwrap().ops[0].data.0, vec![2]);
    }
    let tx = json!({ "hash": "ab01", "height": "3", "index": 0, "tx_result": { "code": 0, "data": "", "gas_used": "77", "events": [] }, "tx": "AA==" });
    let tx: Tx = read(tx);
    assert_eq!((tx.hash.0, tx.height.unsigned(), tx.tx_result.gas_used.unsigned()), (vec![0xab, 1], 3, 77));
    // Refusals before a block name neither gas nor events; 1.x leaves empty parts out.
    let refused: BroadcastTx = read(json!({ "code": 13, "codespace": "sdk", "log": "insufficient fee", "hash": "AB01" }));
    assert_eq!((refused.code, refused.hash.0), (13, vec![0xab, 1]));
    let status = json!({
        "node_info": { "network": "x-1", "version": "1.0.1", "other": {} },
        "sync_info": { "latest_block_height": "5", "latest_block_time": "2026-11-23T02:54:29.5Z", "catching_up": true },
        "validator_info": {},
    });
    let status: Status = read(status);
    assert!(status.sync_info.catching_up && status.sync_info.earliest_block_height.unsigned() == 0);
    for bad in [json!({ "height": "x" }), json!({ "height": 1.5 }), json!({}), json!([])] {
        assert!(serde_json::from_value::<BlockResults>(bad).is_err());
    }
}
