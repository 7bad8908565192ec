//! The public vectors: RLP, tries with deletions (secure and plain), and the IBFT2 client fixture.
//!
//! They live beside the repository and not in it; where they are absent, a test says that it was skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking and say what they skipped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use causeway_evm_light_client::fixtures::Trie;
use causeway_evm_light_client::rlp::{self, MAX_DEPTH};
use causeway_evm_light_client::trie::prove;
use causeway_evm_light_client::{
    ClientParams, Conflict, Kind, NativeRecover, Proven, TrustedState, Update, Verdict, keccak256, rules, validators_hash, verify_absence,
    verify_membership, verify_misbehaviour, verify_update,
};
use serde_json::Value;

fn load(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(error) => {
            println!("skipped: {} is not here ({error})", path.display());
            None
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).unwrap()
}

/// The encoding of a value of rlptest.json: strings, numbers, big numbers as "#…", lists.
fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(number) => {
                let bytes = alloy::primitives::U512::from_str_radix(number, 10).unwrap().to_be_bytes_trimmed_vec();
                rlp::put_bytes(&mut out, &bytes);
            }
            None => rlp::put_bytes(&mut out, &text.chars().map(|letter| u8::try_from(letter).unwrap()).collect::<Vec<_>>()),
        },
        Value::Number(number) => rlp::put_uint(&mut out, number.as_u64().unwrap()),
        Value::Array(items) => {
            let payload: Vec<u8> = items.iter().flat_map(encode).collect();
            rlp::put_list(&mut out, &payload);
        }
        other => panic!("{other}"),
    }
    out
}

#[test]
fn rlp_accepts_what_is_valid() {
    let Some(tests) = load("rlp/rlptest.json") else {
        return;
    };
    for (name, test) in tests.as_object().unwrap() {
        let bytes = unhex(test["out"].as_str().unwrap());
        assert_eq!(rlp::check(&bytes, MAX_DEPTH), Ok(()), "{name}");
        assert_eq!(encode(&test["in"]), bytes, "{name}");
    }
}

#[test]
fn refuses_p10_invalid_rlp_vectors() {
    let Some(tests) = load("rlp/invalidRLPTest.json") else {
        return;
    };
    for (name, test) in tests.as_object().unwrap() {
        let bytes = unhex(test["out"].as_str().unwrap());
        assert!(rlp::check(&bytes, MAX_DEPTH).is_err(), "{name}");
    }
}

fn text_bytes(text: &str) -> Vec<u8> {
    if text.starts_with("0x") { unhex(text) } else { text.as_bytes().to_vec() }
}

/// Entries in order; a null value deletes.
fn entries(input: &Value) -> Vec<(Vec<u8>, Vec<u8>)> {
    let value = |value: &Value| value.as_str().map_or_else(Vec::new, text_bytes);
    match input {
        Value::Object(map) => map.iter().map(|(key, held)| (text_bytes(key), value(held))).collect(),
        Value::Array(list) => list.iter().map(|pair| (text_bytes(pair[0].as_str().unwrap()), value(&pair[1]))).collect(),
        other => panic!("{other}"),
    }
}

fn check_tries(file: &str, secure: bool) {
    let Some(tests) = load(file) else { return };
    for (name, test) in tests.as_object().unwrap() {
        let root: [u8; 32] = unhex(test["root"].as_str().unwrap()).try_into().unwrap();
        let key_of = |key: &[u8]| {
            if secure { keccak256(key).to_vec() } else { key.to_vec() }
        };
        let (mut trie, mut held, mut seen) = (Trie::new(), BTreeMap::new(), BTreeSet::new());
        for (key, value) in entries(&test["in"]) {
            let key = key_of(&key);
            trie.insert(&key, &value);
            seen.insert(key.clone());
            if value.is_empty() {
                held.remove(&key)
            } else {
                held.insert(key, value)
            };
        }
        assert_eq!(trie.root(), root, "{file} {name}");
        // Every key that was ever there, each with its neighbours, its prefixes and its extensions.
        let mut asked = seen.clone();
        for key in &seen {
            for at in 0..key.len() {
                let mut other = key.clone();
                other[at] ^= 0x10;
                asked.insert(other.clone());
                other[at] ^= 0x11;
                asked.insert(other);
                asked.insert(key[..at].to_vec());
            }
            if key.len() < 64 {
                asked.insert([key.as_slice(), &[7]].concat());
            }
        }
        for key in asked.iter().filter(|key| key.len() <= 64) {
            let nodes = trie.prove(key);
            let expected = held.get(key).map_or(Proven::Absent, |value| Proven::Present(value));
            assert_eq!(prove(&root, key, &nodes), Ok(expected), "{file} {name} {}", hex::encode(key));
            for kept in 0..nodes.len() {
                assert!(prove(&root, key, &nodes[..kept]).is_err(), "{file} {name}: {kept} nodes prove");
            }
        }
    }
}

#[test]
fn plain_tries() {
    check_tries("trie/trietest.json", false);
    check_tries("trie/trieanyorder.json", false);
}

#[test]
fn secure_tries() {
    check_tries("trie/trietest_secureTrie.json", true);
    check_tries("trie/hex_encoded_securetrie_test.json", true);
}

/// Proofs of another implementation, alloy-trie, over random entries.
#[test]
fn proofs_of_another_implementation() {
    use alloy::primitives::B256;
    use alloy::trie::proof::ProofRetainer;
    use alloy::trie::{HashBuilder, Nibbles};
    for size in [1_u64, 2, 3, 17, 100, 400] {
        let mut held = BTreeMap::new();
        for index in 0..size {
            held.insert(keccak256(&index.to_be_bytes()), rlp_of(&keccak256(&[index.to_le_bytes()[0]])));
        }
        let asked: Vec<[u8; 32]> = (0..size + 40).map(|index| keccak256(&index.to_be_bytes())).collect();
        let targets: Vec<_> = asked.iter().map(|key| Nibbles::unpack(B256::from(*key))).collect();
        let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets.clone()));
        for (key, value) in &held {
            builder.add_leaf(Nibbles::unpack(B256::from(*key)), value);
        }
        let root = builder.root().0;
        let proofs = builder.take_proof_nodes();
        let mut own = Trie::new();
        for (key, value) in &held {
            own.insert(key, value);
        }
        assert_eq!(own.root(), root);
        for (key, target) in asked.iter().zip(&targets) {
            let nodes: Vec<Vec<u8>> = proofs.matching_nodes_sorted(target).into_iter().map(|(_, node)| node.to_vec()).collect();
            let expected = held.get(key).map_or(Proven::Absent, |value| Proven::Present(value));
            assert_eq!(prove(&root, key, &nodes), Ok(expected));
            assert_eq!(own.prove(key), nodes);
        }
    }
}

fn rlp_of(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    rlp::put_bytes(&mut out, bytes);
    out
}

fn address(value: &Value) -> [u8; 20] {
    unhex(value.as_str().unwrap()).try_into().unwrap()
}

fn word(value: &Value) -> [u8; 32] {
    unhex(value.as_str().unwrap()).try_into().unwrap()
}

fn set(value: &Value) -> Vec<[u8; 20]> {
    value.as_array().unwrap().iter().map(address).collect()
}

/// The fixture writes a proof as one RLP list of nodes.
fn nodes(value: &Value) -> Vec<Vec<u8>> {
    let bytes = unhex(value.as_str().unwrap());
    let items = rlp::exact(&bytes).unwrap().items(64).unwrap();
    items.iter().map(|item| if item.is_list { item.raw.to_vec() } else { item.payload.to_vec() }).collect()
}

struct Ibft2 {
    file: Value,
    params: ClientParams,
    trusted: TrustedState,
}

impl Ibft2 {
    fn load() -> Option<Self> {
        let file = load("besu_ibft2_synthetic.json")?;
        let validators = set(&file["initialTrustedValidators"]);
        let params = ClientParams {
            kind: Kind::Ibft2,
            router: address(&file["routerAddress"]),
            trusting_period_s: file["trustingPeriod"].as_u64().unwrap(),
            max_clock_drift_s: file["maxClockDrift"].as_u64().unwrap(),
        };
        let trusted = TrustedState {
            height: file["initialTrustedHeight"].as_u64().unwrap(),
            timestamp_s: file["initialTrustedTimestamp"].as_u64().unwrap(),
            storage_root: word(&file["initialTrustedStorageRoot"]),
            validators_hash: validators_hash(&validators),
            validators,
            header_hash: [0; 32],
        };
        Some(Self { file, params, trusted })
    }

    fn update(&self, case: &str) -> Update {
        let case = &self.file[case];
        Update {
            trusted_height: case["trustedHeight"].as_u64().unwrap(),
            trusted_validators: self.trusted.validators.clone(),
            header: unhex(case["headerRlp"].as_str().unwrap()),
            account_proof: nodes(&case["accountProof"]),
        }
    }

    fn verdict(&self, case: &str) -> Verdict {
        let now_s = self.file[case]["expectedTimestamp"].as_u64().unwrap();
        verify_update(&self.params, &self.trusted, &self.update(case), now_s, &NativeRecover::new())
    }

    fn accept(&self, case: &str) -> TrustedState {
        let expected = &self.file[case];
        match self.verdict(case) {
            Verdict::Success(state) => {
                assert_eq!(state.height, expected["height"].as_u64().unwrap());
                assert_eq!(state.timestamp_s, expected["expectedTimestamp"].as_u64().unwrap());
                assert_eq!(state.storage_root, word(&expected["expectedStorageRoot"]));
                assert_eq!(state.validators, set(&expected["expectedValidators"]));
                state
            }
            other => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
fn ibft2_fixture() {
    let Some(fixture) = Ibft2::load() else { return };
    fixture.accept("updateHeight11");
    let state = fixture.accept("updateHeight12");
    match fixture.verdict("lowQuorumHeight12") {
        Verdict::Invalid(violation) => assert_eq!(violation.rule, rules::QUORUM),
        other => panic!("{other:?}"),
    }
    assert!(matches!(fixture.verdict("lowOverlapHeight13"), Verdict::NotEnoughTrust { found: 1, needed: 2 }));
    let membership = &fixture.file["membership"];
    let path = unhex(membership["path"].as_str().unwrap());
    let value = word(&membership["value"]);
    verify_membership(&state.storage_root, &path, &value, &nodes(&membership["proof"])).unwrap();
    let absence = &fixture.file["nonMembership"];
    let absent = unhex(absence["path"].as_str().unwrap());
    verify_absence(&state.storage_root, &absent, &nodes(&absence["proof"])).unwrap();
    // Neither proof proves the other's claim.
    assert!(verify_absence(&state.storage_root, &path, &nodes(&membership["proof"])).is_err());
    assert!(verify_membership(&state.storage_root, &absent, &value, &nodes(&absence["proof"])).is_err());
}

#[test]
fn ibft2_fixture_conflict() {
    let Some(fixture) = Ibft2::load() else { return };
    let (held, other) = (fixture.accept("updateHeight12"), fixture.accept("conflictingHeight12"));
    let conflict = Conflict { height: 12, first: held.header_hash, second: other.header_hash };
    let found = causeway_evm_light_client::compare_held(&held, &other);
    assert_eq!(found, Ok(causeway_evm_light_client::Held::Conflict(conflict.clone())));
    let (a, b) = (fixture.update("updateHeight12"), fixture.update("conflictingHeight12"));
    let trusted = [&fixture.trusted, &fixture.trusted];
    let verdict = verify_misbehaviour(&fixture.params, trusted, [&a, &b], 1_021, &NativeRecover::new());
    assert_eq!(verdict, Ok(conflict));
    let same = verify_misbehaviour(&fixture.params, trusted, [&a, &a], 1_021, &NativeRecover::new());
    assert_eq!(same.unwrap_err().rule, rules::MISBEHAVIOUR_SAME);
}
