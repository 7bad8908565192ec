//! What nodes say of an upgrade plan, and what a person is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::keys::Keys;
use crate::scripted::{query, result, serve};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn height(number: u64) -> Height {
    Height { revision: 1, number }
}

/// A node at height 100 that answers reads of the upgrade store in one way.
async fn asked(number: u64, answer: fn(&str, u64) -> Value) -> Result<UpgradedStates> {
    let config = serve(move |method, params| {
        assert_eq!((method, params["path"].as_str(), &params["prove"]), ("abci_query", Some("store/upgrade/key"), &json!(true)));
        let key = String::from_utf8(hex::decode(params["data"].as_str().unwrap()).unwrap()).unwrap();
        answer(&key, params["height"].as_str().unwrap().parse().unwrap())
    })
    .await;
    CosmosAdapter::new(&config, Keys::none()).unwrap().upgraded_states(height(number)).await
}

/// The value under a key, with two steps of a proof.
fn held(key: &str, height: u64, value: &[u8]) -> Value {
    let (step, key, value) = (json!({ "data": STANDARD.encode([1]) }), STANDARD.encode(key), STANDARD.encode(value));
    let height = height.to_string();
    result(json!({ "response": { "code": 0, "key": key, "value": value, "height": height, "proofOps": { "ops": [step.clone(), step] } } }))
}

#[tokio::test]
async fn states_are_read_below_the_height_of_the_plan() {
    let states = asked(57, |key, at| held(key, at, format!("{key} at {at}").as_bytes())).await.unwrap();
    assert_eq!(states.height, height(57));
    assert_eq!(states.client, b"upgradedIBCState/57/upgradedClient at 56");
    assert_eq!(states.consensus, b"upgradedIBCState/57/upgradedConsState at 56");
    assert_eq!((states.client_proof.as_slice(), states.consensus_proof.as_slice()), (&[10, 1, 1, 10, 1, 1][..], &[10, 1, 1, 10, 1, 1][..]));
}

#[tokio::test]
async fn what_is_not_there_is_told_by_its_reason() {
    let nothing = asked(57, |key, at| held(key, at, b"")).await.unwrap_err();
    assert!(nothing.to_string().contains("left nothing for its clients at height 1-57"), "{nothing}");
    // The plan is there, and the chain has not come to its last block.
    let half = asked(57, |key, at| held(key, at, if key.ends_with("Client") { b"x" } else { b"" })).await.unwrap_err();
    assert!(half.to_string().contains("upgradedConsState"), "{half}");
    let early = asked(101, |_, _| panic!("nothing is asked of the future")).await.unwrap_err();
    assert_eq!(early, AdapterError::Lagging { found: height(100), needed: height(101) });
    let pruned = asked(57, |_, _| query(38, "failed to load state at height 56; version does not exist", b"")).await.unwrap_err();
    assert!(matches!(&pruned, AdapterError::HeightPruned { asked, .. } if *asked == height(56)), "{pruned}");
    let elsewhere = asked(57, |key, at| held(key, at + 1, b"x")).await.unwrap_err();
    assert!(matches!(&elsewhere, AdapterError::Protocol { rule: "proof-place", .. }), "{elsewhere}");
    for number in [0, 1] {
        assert!(matches!(asked(number, |_, _| panic!("no such height")).await, Err(AdapterError::NotFound { .. })), "{number}");
    }
}
