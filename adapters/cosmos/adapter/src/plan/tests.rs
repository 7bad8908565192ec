//! Who trusts whom, by power, and the steps that follow from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::{Known, plan_update};
use crate::chain::Chain;
use crate::clients::HOST_ENCODING;
use crate::light_client::{CosmosLightClient, seam};
use crate::scripted::{CHAIN_ID, result, serve};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_adapter::{ClientParams, ClientView, HostLimits, LightClient, Plan, Verdict};
use causeway_cosmos_light_client::fixtures::{Block, KeyKind, Validator};
use causeway_cosmos_proto::any;
use causeway_cosmos_proto::ibc::core::client::v1 as client_v1;
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1 as tendermint;
use causeway_cosmos_proto::tendermint::crypto::public_key::Sum;
use causeway_cosmos_proto::tendermint::types;
use causeway_types::{ClientId, Height};
use prost::Message;
use serde_json::{Value, json};

#[test]
fn more_than_the_level_of_the_known_power_is_needed() {
    let set = |powers: &[i64]| types::ValidatorSet {
        validators: (0_u8..)
            .zip(powers)
            .map(|(at, power)| types::Validator { address: vec![at], voting_power: *power, ..Default::default() })
            .collect(),
        ..Default::default()
    };
    let signed = |signers: &[(u8, i32)]| types::SignedHeader {
        header: None,
        commit: Some(types::Commit {
            signatures: signers
                .iter()
                .map(|(at, flag)| types::CommitSig { validator_address: vec![*at], block_id_flag: *flag, ..Default::default() })
                .collect(),
            ..Default::default()
        }),
    };
    for (powers, signers, level, expected) in [
        (&[1, 1, 1][..], &[(0, 2)][..], (1, 3), false),
        (&[1, 1, 1], &[(0, 2), (1, 2)], (1, 3), true),
        (&[1, 1, 1], &[(0, 2), (1, 2)], (2, 3), false),
        (&[1, 1, 1], &[(0, 2), (1, 2), (2, 2)], (2, 3), true),
        (&[2, 1, 1], &[(0, 2), (1, 2)], (2, 3), true),
        (&[2, 1, 1], &[(0, 2), (1, 2), (2, 2)], (1, 1), false),
        (&[1, 1, 1], &[(0, 2), (0, 2), (0, 2)], (1, 3), false),
        (&[1, 1, 1], &[(0, 2), (1, 1), (2, 3)], (1, 3), false),
        (&[2, 1, 1], &[(0, 2)], (1, 3), true),
        (&[i64::MAX, i64::MAX], &[(0, 2)], (1, 3), true),
        (&[1], &[(9, 2)], (1, 3), false),
        (&[], &[], (1, 3), false),
    ] {
        let known = Known { from: 1, validators: set(powers), level };
        assert_eq!(known.trusts(&signed(signers)), expected, "{powers:?} {signers:?} {level:?}");
    }
}

#[test]
fn a_level_that_cannot_be_reckoned_with_is_rounded_up() {
    for (numerator, denominator, expected) in [(1, 3, (1, 3)), (2, 3, (2, 3)), (34, 100, (6, 15)), (50, 100, (8, 15)), (100, 100, (15, 15))]
    {
        let trust_level = Some(tendermint::Fraction { numerator, denominator });
        let state = tendermint::ClientState { trust_level, ..Default::default() };
        assert_eq!(crate::convert::trust_level(&state), expected, "{numerator}/{denominator}");
    }
}

/// The block of a height: half of the validators are others from height 51 on.
fn block(height: u32) -> Block {
    let (old, young) = (Validator::many(KeyKind::Ed25519, 1, 6), Validator::many(KeyKind::Ed25519, 4, 6));
    let at = |height: u32| if height <= 50 { old.clone() } else { young.clone() };
    let next_validators = Block::new(height, &at(height + 1)).validators;
    Block { chain_id: CHAIN_ID.to_string(), next_validators, ..Block::new(height, &at(height)) }
}

fn header(height: u32) -> tendermint::Header {
    tendermint::Header::decode(block(height).header(None).as_slice()).unwrap()
}

/// As a node prints it; blocks of [`Block::new`] are made on one day.
fn time(time: Option<prost_types::Timestamp>) -> Value {
    let time = time.unwrap();
    let of_day = time.seconds % 86_400;
    json!(format!("2023-11-14T{:02}:{:02}:{:02}.{:09}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60, time.nanos))
}

fn block_id(id: Option<types::BlockId>) -> Value {
    let id = id.unwrap();
    let parts = id.part_set_header.unwrap();
    json!({ "hash": hex::encode(id.hash), "parts": { "total": parts.total, "hash": hex::encode(parts.hash) } })
}

/// `commit` and `validators`, as a node answers them.
fn node(method: &str, params: &Value) -> Value {
    let height: u32 = params["height"].as_str().unwrap().parse().unwrap();
    let found = header(height);
    if method == "validators" {
        let one = |validator: types::Validator| {
            let Some(Sum::Ed25519(key)) = validator.pub_key.unwrap().sum else { panic!("another key") };
            json!({
                "address": hex::encode(validator.address), "voting_power": validator.voting_power.to_string(),
                "pub_key": { "type": "tendermint/PubKeyEd25519", "value": STANDARD.encode(key) },
            })
        };
        let all: Vec<Value> = found.validator_set.unwrap().validators.into_iter().map(one).collect();
        return result(json!({ "block_height": height.to_string(), "total": all.len().to_string(), "validators": all }));
    }
    let signed = found.signed_header.unwrap();
    let (header, commit) = (signed.header.unwrap(), signed.commit.unwrap());
    let signature = |sig: types::CommitSig| {
        json!({
            "block_id_flag": sig.block_id_flag, "validator_address": hex::encode(sig.validator_address), "timestamp": time(sig.timestamp),
            "signature": STANDARD.encode(sig.signature),
        })
    };
    let version = header.version.unwrap();
    let header = json!({
        "version": { "block": version.block.to_string(), "app": version.app.to_string() }, "chain_id": header.chain_id,
        "height": header.height.to_string(), "time": time(header.time), "last_block_id": block_id(header.last_block_id),
        "last_commit_hash": hex::encode(header.last_commit_hash), "data_hash": hex::encode(header.data_hash),
        "validators_hash": hex::encode(header.validators_hash), "next_validators_hash": hex::encode(header.next_validators_hash),
        "consensus_hash": hex::encode(header.consensus_hash), "app_hash": hex::encode(header.app_hash),
        "last_results_hash": hex::encode(header.last_results_hash), "evidence_hash": hex::encode(header.evidence_hash),
        "proposer_address": hex::encode(header.proposer_address),
    });
    let commit = json!({
        "height": commit.height.to_string(), "round": commit.round, "block_id": block_id(commit.block_id),
        "signatures": commit.signatures.into_iter().map(signature).collect::<Vec<_>>(),
    });
    result(json!({ "signed_header": { "header": header, "commit": commit }, "canonical": true }))
}

/// A client at height 2 that asks for so much.
fn client(numerator: u64, denominator: u64) -> ClientView {
    let state = tendermint::ClientState {
        chain_id: CHAIN_ID.to_string(),
        trust_level: Some(tendermint::Fraction { numerator, denominator }),
        latest_height: Some(client_v1::Height { revision_number: 1, revision_height: 2 }),
        ..Default::default()
    };
    ClientView {
        client_id: ClientId::new("07-tendermint-0").unwrap(),
        client_type: "07-tendermint".to_string(),
        host_encoding: HOST_ENCODING.to_string(),
        latest: Height { revision: 1, number: 2 },
        latest_time_s: None,
        expires_at_s: None,
        frozen: false,
        counterparty: None,
        state: any(&state).encode_to_vec(),
    }
}

/// Half of the old validators signed the newest header: enough for a client that asks for a third, and not for one that asks for two thirds,
/// which is led over the last header that all of them signed. 34 of 100 is rounded up to six fifteenths.
#[tokio::test]
async fn steps_are_those_that_the_client_takes_by_its_own_level() {
    let config = serve(node).await;
    let chain = Chain::new(&config).unwrap();
    let light_client = CosmosLightClient::new(&config, 1_000_000).unwrap();
    let params = ClientParams { trusting_period_s: 100_000, clock_drift_max_s: 10 };
    let now_s = 1_700_000_000 + 1_001;
    let limits = HostLimits { messages_max: 100, tx_bytes_max: u64::MAX, tx_gas_max: u64::MAX };
    for (level, heights) in [((1, 3), &[100_u64][..]), ((34, 100), &[100]), ((2, 3), &[50, 100])] {
        let view = client(level.0, level.1);
        let Plan::Steps(steps) = plan_update(&chain, &view, None, limits).await.unwrap() else { panic!("no steps for {level:?}") };
        assert_eq!(steps.iter().map(|step| step.resulting.number).collect::<Vec<_>>(), heights, "{level:?}");
        let mut trusted = seam(&block(2).trusted());
        for step in &steps {
            match light_client.verify_update_for(&view.state, (&trusted, &step.update), &params, now_s) {
                Verdict::Success(state) => trusted = state,
                other => panic!("{level:?}, {}: {other:?}", step.resulting),
            }
        }
    }
    // The one step that a third takes, before a client that asks for more.
    let Plan::Steps(steps) = plan_update(&chain, &client(1, 3), None, limits).await.unwrap() else { panic!("no steps") };
    let (trusted, update) = (seam(&block(2).trusted()), &steps[0].update);
    assert!(matches!(light_client.verify_update(&trusted, update, &params, now_s), Verdict::Success(_)));
    for (level, needed) in [((2, 3), 41), ((3, 5), 37)] {
        let verdict = light_client.verify_update_for(&client(level.0, level.1).state, (&trusted, update), &params, now_s);
        assert_eq!(verdict, Verdict::NotEnoughTrust { found: 30, needed }, "{level:?}");
    }
    let none = light_client.verify_update_for(&client(1, 4).state, (&trusted, update), &params, now_s);
    assert!(matches!(&none, Verdict::Invalid(violation) if violation.rule == "trust-level"), "{none:?}");
}
