//! What comes along with the head, and what does not.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::scripted::{error, result, serve, serve_once};
use serde_json::Value;

/// The head of scripted nodes.
const HEAD: u64 = 100;

fn whole(method: &str, params: &Value) -> Value {
    let height = params["height"].as_str().unwrap();
    match method {
        "block" => result(json!({ "block": { "header": { "height": height }, "data": { "txs": ["AQ=="] } } })),
        _ => result(json!({ "height": height, "txs_results": null })),
    }
}

#[tokio::test]
async fn the_next_block_comes_with_the_head_and_is_not_asked_for_again() {
    let chain = Chain::new(&serve(whole).await).unwrap();
    let blocks = Blocks::default();
    let seen = glance(&chain, &blocks, HEAD).await.unwrap();
    assert_eq!(seen.head.number, HEAD);
    assert!(matches!(seen.next, Next::Told(block) if block.height.unsigned() == HEAD));
    let silent = Chain::new(&serve(|method, _| panic!("asked for {method}")).await).unwrap();
    assert_eq!(blocks.tx_ids(&silent, &[HEAD]).await.unwrap()[&HEAD].len(), 1);
}

#[tokio::test]
async fn only_a_block_that_is_not_there_yet_is_waited_for() {
    let late = ["could not find results for height #100", "height 101 must be less than or equal to the current blockchain height 100"];
    for (said, waits) in [(late[0], true), (late[1], true), ("height 100 is not available, lowest height is 400", false)] {
        let chain = Chain::new(&serve(move |_, _| error(said)).await).unwrap();
        let seen = glance(&chain, &Blocks::default(), HEAD).await.unwrap();
        assert_eq!(matches!(seen.next, Next::NotYet), waits, "{said}");
        assert_eq!(matches!(seen.next, Next::NotAsked), !waits, "{said}");
    }
}

#[tokio::test]
async fn another_height_than_asked_for_is_not_taken() {
    let chain = Chain::new(&serve(|_, _| result(json!({ "height": "7", "txs_results": null }))).await).unwrap();
    assert!(matches!(glance(&chain, &Blocks::default(), HEAD).await.unwrap().next, Next::NotAsked));
}

#[tokio::test]
async fn an_endpoint_that_tells_no_head_is_passed_over() {
    let mut config = serve_once().await;
    config.rpc.extend(serve(whole).await.rpc);
    let chain = Chain::new(&config).unwrap();
    let seen = glance(&chain, &Blocks::default(), HEAD).await.unwrap();
    assert_eq!(seen.head.number, HEAD);
    assert!(matches!(seen.next, Next::NotAsked));
}
