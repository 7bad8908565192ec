//! Blocks that are too large together, or alone, or take too long.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::watch;
use crate::blocks::Blocks;
use crate::chain::Chain;
use crate::config::Config;
use crate::scripted::{result, serve, serve_few};
use crate::tx::pooled::Pooled;
use causeway_adapter::{AdapterError, Event, EventFilter, WatchRequest};
use causeway_types::ClientId;
use serde_json::{Value, json};

/// A block without transactions that updates the client: what it holds, or its results with so many bytes beside.
fn block(method: &str, params: &Value, bytes: impl Fn(u64) -> usize) -> Value {
    let height = params["height"].as_str().unwrap();
    if method == "block" {
        return result(json!({ "block": { "header": { "height": height }, "data": { "txs": null } } }));
    }
    assert_eq!(method, "block_results");
    let beside = json!({ "type": "beside", "attributes": [{ "key": "k", "value": "x".repeat(bytes(height.parse().unwrap())) }] });
    let update = json!({ "type": "update_client", "attributes": [
        { "key": "client_id", "value": "07-tendermint-0" },
        { "key": "consensus_heights", "value": format!("1-{height}") },
    ] });
    result(json!({ "height": height, "txs_results": null, "finalize_block_events": [beside, update] }))
}

/// Watches from block 40 to the head, 100, as the engine does; the heights that were seen, and those that were passed over.
async fn all(config: &Config) -> Result<(Vec<u64>, Vec<u64>), AdapterError> {
    let chain = Chain::new(config).unwrap();
    let blocks = Blocks::default();
    let client = ClientId::new("07-tendermint-0").unwrap();
    let filter = EventFilter { ends: Vec::new(), clients: vec![client], connections: Vec::new() };
    let (mut seen, mut passed, mut after) = (Vec::new(), Vec::new(), chain.height(40));
    while after.number < 100 {
        let request = WatchRequest { after, filter: filter.clone(), blocks_max: 500, events_max: 1_000, wait_ms: 0 };
        match watch(&chain, (&blocks, &Pooled::default()), request).await {
            Ok(batch) => {
                assert!(batch.cursor > after, "no way on after {after}");
                after = batch.cursor;
                for located in batch.events {
                    assert!(matches!(located.event, Event::ClientUpdated { .. }));
                    seen.push(located.height.number);
                }
            }
            Err(AdapterError::BlockTooLarge { height, .. }) => {
                assert_eq!(height, after.plus(1), "a block is passed over only after all before it");
                passed.push(height.number);
                after = height;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((seen, passed))
}

fn without(missing: &[u64]) -> Vec<u64> {
    (41..=100).filter(|number| !missing.contains(number)).collect()
}

#[tokio::test]
async fn blocks_too_large_together_are_read_in_smaller_parts_and_one_too_large_alone_is_named() {
    for large in [&[][..], &[41], &[50, 51], &[100]] {
        let mut config =
            serve(move |method, params| block(method, params, |number| if large.contains(&number) { 70_000 } else { 20_000 })).await;
        config.response_bytes_max = 65_536;
        assert_eq!(all(&config).await, Ok((without(large), large.to_vec())));
    }
}

#[tokio::test]
async fn blocks_that_take_too_long_together_are_read_in_smaller_parts() {
    let mut config = serve_few(3, |method, params| block(method, params, |_| 10)).await;
    config.request_timeout_ms = 250;
    assert_eq!(all(&config).await, Ok((without(&[]), Vec::new())));
}
