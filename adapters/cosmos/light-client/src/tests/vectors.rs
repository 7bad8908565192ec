//! The light-client steps of tendermint-rs, with real commits and a verdict a step.

use super::shared;
use crate::header::{HeaderWire, HeightWire};
use crate::{Judged, Params, Trusted, Untrusted, verify_header};
use core::time::Duration;
use prost::Message as _;
use serde_json::Value;
use std::println;
use std::string::{String, ToString};
use std::vec::Vec;
use tendermint::block::signed_header::SignedHeader;
use tendermint::{Hash, Time, validator};
use tendermint_proto::v0_38::types as pb;

/// What the vectors were made with. Source: tendermint-rs `light-client/tests/model_based.rs`.
const CLOCK_DRIFT: Duration = Duration::from_secs(1);

struct Block {
    signed: SignedHeader,
    validators: Value,
    next: Value,
}

fn block(value: &Value) -> Block {
    Block {
        signed: serde_json::from_value(value["signed_header"].clone()).unwrap(),
        validators: value["validator_set"].clone(),
        next: value["next_validator_set"].clone(),
    }
}

fn time_ns(value: &Value) -> u64 {
    let time: Time = serde_json::from_value(value.clone()).unwrap();
    u64::try_from(time.unix_timestamp_nanos()).unwrap()
}

/// A set in the canonical form: summed, without priorities, with the proposer of the header or else the first.
fn set(value: &Value, proposer: &[u8]) -> Option<pb::ValidatorSet> {
    let set: validator::Set = serde_json::from_value(value.clone()).ok()?;
    let mut set = pb::ValidatorSet::from(set);
    set.validators.iter_mut().for_each(|validator| validator.proposer_priority = 0);
    set.total_voting_power = set.validators.iter().map(|validator| validator.voting_power).sum();
    set.proposer = set.validators.iter().find(|v| v.address == proposer).or_else(|| set.validators.first()).cloned();
    Some(set)
}

fn encode(block: &Block, trusted: &Trusted, trusted_next: &Value) -> Vec<u8> {
    let proposer = block.signed.header.proposer_address.as_bytes();
    let wire = HeaderWire {
        signed_header: Some(block.signed.clone().into()),
        validator_set: set(&block.validators, proposer),
        trusted_height: Some(HeightWire { revision_number: trusted.height.revision, revision_height: trusted.height.number }),
        trusted_validators: set(trusted_next, &[]),
    };
    wire.encode_to_vec()
}

fn trusted(signed: &SignedHeader) -> Trusted {
    let header = &signed.header;
    let hash = |hash: Hash| if let Hash::Sha256(bytes) = hash { bytes } else { [0; 32] };
    Trusted {
        height: crate::Height { revision: crate::revision(header.chain_id.as_str()), number: header.height.value() },
        time_ns: u64::try_from(header.time.unix_timestamp_nanos()).unwrap(),
        root: header.app_hash.as_bytes().to_vec(),
        next_validators_hash: hash(header.next_validators_hash),
        block_hash: hash(header.hash()),
    }
}

/// The verdict in the vectors' words, and the rule of a refusal.
fn word(judged: &Result<Trusted, Judged>) -> (&'static str, String) {
    match judged {
        Ok(_) => ("SUCCESS", String::new()),
        Err(Judged::NotEnoughTrust { .. }) => ("NOT_ENOUGH_TRUST", String::new()),
        Err(Judged::Refused(refusal)) => ("INVALID", refusal.to_string()),
    }
}

#[test]
fn single_steps_get_their_verdicts() {
    let Some(files) = shared("cometbft/single_step") else { return };
    let (mut steps, mut wrong) = (0, Vec::new());
    for (name, file) in files {
        let initial = block(&file["initial"]);
        let period: u64 = file["initial"]["trusting_period"].as_str().unwrap().parse().unwrap();
        let params = Params {
            chain_id: initial.signed.header.chain_id.to_string(),
            trust_level: (1, 3),
            trusting_period: Duration::from_nanos(period),
            clock_drift_max: CLOCK_DRIFT,
        };
        let (mut base, mut next) = (trusted(&initial.signed), initial.next);
        for (index, step) in file["input"].as_array().unwrap().iter().enumerate() {
            let Ok(signed) = serde_json::from_value::<SignedHeader>(step["block"]["signed_header"].clone()) else {
                assert_eq!(step["verdict"], "INVALID", "{name} step {index} does not parse");
                continue;
            };
            let block =
                Block { signed, validators: step["block"]["validator_set"].clone(), next: step["block"]["next_validator_set"].clone() };
            let bytes = encode(&block, &base, &next);
            let judged = Untrusted::decode(&bytes)
                .map_err(Judged::from)
                .and_then(|header| verify_header(&params, &base, &header, time_ns(&step["now"])));
            let (found, why) = word(&judged);
            steps += 1;
            if step["verdict"] != found {
                wrong.push(std::format!("{name} step {index}: expected {}, found {found} {why}", step["verdict"]));
            }
            if let Ok(state) = judged {
                (base, next) = (state, block.next);
            }
        }
    }
    println!("{steps} steps");
    assert!(wrong.is_empty() && steps > 0, "{wrong:#?}");
}
