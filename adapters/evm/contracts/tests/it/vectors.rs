//! Vectors of other projects against the Solidity libraries and client: tries and RLP of ethereum/tests, and a public IBFT2 fixture.
//! They live beside the repository; where they are absent, the tests say so.
#![allow(clippy::print_stdout, reason = "tests: who runs them sees what was skipped")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::evm::{Evm, Outcome};
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::sol_types::SolValue;
use causeway_evm_contracts::Contract;
use causeway_evm_contracts::abi::{
    self, ClientState, ConsensusState, Height, Init, MsgVerifyMembership, MsgVerifyNonMembership, QbftLightClient, TrieHarness,
    UpdateResult,
};
use causeway_evm_light_client::rlp;
use revm::primitives::hardfork::SpecId;
use serde_json::Value;

fn vector(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors").join(name);
    let path: PathBuf = path.canonicalize().ok().or_else(|| {
        println!("skipped: the shared vectors are not beside the repository (shared/vectors/{name})");
        None
    })?;
    Some(serde_json::from_slice(&std::fs::read(path).expect("a vector that is there can be read")).expect("a vector is JSON"))
}

fn bytes_of(text: &str) -> Vec<u8> {
    text.strip_prefix("0x").map_or_else(|| text.as_bytes().to_vec(), |digits| hex::decode(digits).expect("hex"))
}

/// A trie node and what lies under it. Written for these vectors, whose keys have any length.
struct Node {
    rlp: Vec<u8>,
    children: Vec<(Vec<u8>, Node)>,
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    rlp::put_bytes(&mut out, bytes);
    out
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    rlp::put_list(&mut out, &items.concat());
    out
}

fn compact(path: &[u8], leaf: bool) -> Vec<u8> {
    let flag = if leaf { 2 } else { 0 };
    let mut nibbles = if path.len() % 2 == 1 { vec![flag + 1] } else { vec![flag, 0] };
    nibbles.extend_from_slice(path);
    nibbles.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn reference(node: &Node) -> Vec<u8> {
    if node.rlp.len() < 32 { node.rlp.clone() } else { string(keccak256(&node.rlp).as_slice()) }
}

fn build(entries: &[(Vec<u8>, Vec<u8>)]) -> Node {
    if let [(path, value)] = entries {
        return Node { rlp: list(&[string(&compact(path, true)), string(value)]), children: Vec::new() };
    }
    let shared = entries[0].0.iter().zip(&entries[entries.len() - 1].0).take_while(|(a, b)| a == b).count();
    let cut = |from: &[(Vec<u8>, Vec<u8>)], by: usize| from.iter().map(|(k, v)| (k[by..].to_vec(), v.clone())).collect::<Vec<_>>();
    if shared > 0 {
        let child = build(&cut(entries, shared));
        let path = entries[0].0[..shared].to_vec();
        return Node { rlp: list(&[string(&compact(&path, false)), reference(&child)]), children: vec![(path, child)] };
    }
    let own = entries.iter().find(|(key, _)| key.is_empty()).map(|(_, value)| value.clone()).unwrap_or_default();
    let (mut items, mut children) = (Vec::new(), Vec::new());
    for nibble in 0..16 {
        let under: Vec<_> = entries.iter().filter(|(key, _)| key.first() == Some(&nibble)).cloned().collect();
        if under.is_empty() {
            items.push(vec![0x80]);
        } else {
            let child = build(&cut(&under, 1));
            items.push(reference(&child));
            children.push((vec![nibble], child));
        }
    }
    items.push(string(&own));
    Node { rlp: list(&items), children }
}

fn prove(root: &Node, mut key: &[u8]) -> Vec<Bytes> {
    let mut nodes = vec![Bytes::copy_from_slice(&root.rlp)];
    let mut node = root;
    while let Some((path, child)) = node.children.iter().find(|(path, _)| key.starts_with(path)) {
        key = &key[path.len()..];
        if child.rlp.len() >= 32 {
            nodes.push(Bytes::copy_from_slice(&child.rlp));
        }
        node = child;
    }
    nodes
}

fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

fn left_aligned(key: &[u8]) -> B256 {
    let mut word = [0; 32];
    word[..key.len()].copy_from_slice(key);
    word.into()
}

fn entries_of(test: &Value) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut entries = BTreeMap::new();
    let mut put = |key: &str, value: Option<&str>| match value {
        Some(value) => entries.insert(bytes_of(key), bytes_of(value)),
        None => entries.remove(&bytes_of(key)),
    };
    if let Some(pairs) = test["in"].as_object() {
        pairs.iter().for_each(|(key, value)| drop(put(key, value.as_str())));
    }
    for pair in test["in"].as_array().into_iter().flatten() {
        put(pair[0].as_str().expect("a key"), pair[1].as_str());
    }
    entries
}

fn tries(name: &str, secure: bool) {
    let Some(vectors) = vector(&format!("trie/{name}")) else { return };
    let mut evm = Evm::new(SpecId::BERLIN, 1);
    let harness = evm.deploy(Address::ZERO, Contract::TrieHarness, &[]);
    for (title, test) in vectors.as_object().expect("named tests") {
        let plain = entries_of(test);
        let at = |key: &[u8]| if secure { keccak256(key).to_vec() } else { key.to_vec() };
        let mut sorted: Vec<_> = plain.iter().map(|(key, value)| (nibbles(&at(key)), value.clone())).collect();
        sorted.sort();
        let root: B256 = test["root"].as_str().expect("a root").parse().expect("hex");
        if sorted.is_empty() {
            continue;
        }
        let tree = build(&sorted);
        assert_eq!(keccak256(&tree.rlp), root, "{title}: the trie of the test is the vector's");
        let mut ask = |key: &[u8]| {
            let key = at(key);
            let call = TrieHarness::walkCall {
                root,
                key: left_aligned(&key),
                nibbles: alloy::primitives::U256::from(2 * key.len()),
                nodes: prove(&tree, &nibbles(&key)),
            };
            evm.call(Address::ZERO, harness, &call).answer::<TrieHarness::walkCall>()
        };
        for (key, value) in &plain {
            let found = ask(key);
            assert_eq!((found.outcome, found.value.as_ref()), (0, value.as_slice()), "{title}");
        }
        for absent in [&b"nothing"[..], b"d", b"doges", &[0; 20], &[0xff; 20]] {
            if !plain.contains_key(absent) {
                assert_eq!(ask(absent).outcome, 1, "{title}: {absent:?}");
            }
        }
    }
}

#[test]
fn tries_in_any_order() {
    tries("trieanyorder.json", false);
}

#[test]
fn tries_in_order() {
    tries("trietest.json", false);
}

#[test]
fn secure_tries() {
    tries("trietest_secureTrie.json", true);
}

#[test]
fn secure_tries_in_hex() {
    tries("hex_encoded_securetrie_test.json", true);
}

#[test]
fn rlp_valid_and_invalid() {
    let mut evm = Evm::new(SpecId::BERLIN, 1);
    let harness = evm.deploy(Address::ZERO, Contract::TrieHarness, &[]);
    for (name, valid) in [("rlp/rlptest.json", true), ("rlp/invalidRLPTest.json", false)] {
        let Some(vectors) = vector(name) else { return };
        for (title, test) in vectors.as_object().expect("named tests") {
            let data = bytes_of(test["out"].as_str().expect("bytes")).into();
            assert_eq!(evm.view(harness, &TrieHarness::validCall { data }), valid, "{title}");
        }
    }
}

struct Fixture {
    vector: Value,
    evm: Evm,
    client: Address,
}

impl Fixture {
    fn addresses(list: &Value) -> Vec<Address> {
        list.as_array().expect("addresses").iter().map(|text| text.as_str().expect("text").parse().expect("an address")).collect()
    }

    fn load() -> Option<Self> {
        let vector = vector("besu_ibft2_synthetic.json")?;
        let validators = Self::addresses(&vector["initialTrustedValidators"]);
        let init = Init {
            clientState: ClientState {
                kind: 1,
                chainId: 1,
                router: vector["routerAddress"].as_str().expect("text").parse().expect("an address"),
                latestHeight: vector["initialTrustedHeight"].as_u64().expect("a height"),
                trustingPeriodSeconds: vector["trustingPeriod"].as_u64().expect("seconds"),
                maxClockDriftSeconds: vector["maxClockDrift"].as_u64().expect("seconds"),
                frozen: false,
            },
            consensusState: ConsensusState {
                timestamp: vector["initialTrustedTimestamp"].as_u64().expect("seconds"),
                storageRoot: vector["initialTrustedStorageRoot"].as_str().expect("text").parse().expect("a root"),
                validatorsHash: keccak256(validators.iter().flat_map(|address| address.to_vec()).collect::<Vec<_>>()),
            },
            recoverer: Address::ZERO,
        };
        let mut evm = Evm::new(SpecId::BERLIN, 1025);
        let client = evm.deploy(Address::ZERO, Contract::QbftLightClient, &Bytes::from(init.abi_encode()).abi_encode());
        Some(Self { vector, evm, client })
    }

    fn update(&mut self, name: &str) -> Outcome {
        let step = &self.vector[name];
        let proof = bytes_of(step["accountProof"].as_str().expect("text"));
        let nodes = rlp::exact(&proof).and_then(|top| top.items(64)).expect("a list of nodes");
        let update = abi::Update {
            trustedHeight: step["trustedHeight"].as_u64().expect("a height"),
            trustedValidators: Self::addresses(&self.vector["initialTrustedValidators"]),
            header: bytes_of(step["headerRlp"].as_str().expect("text")).into(),
            accountProof: nodes.iter().map(|node| Bytes::copy_from_slice(node.raw)).collect(),
        };
        let call = QbftLightClient::updateClientCall { updateMsg: update.abi_encode().into() };
        self.evm.call(Address::ZERO, self.client, &call)
    }

    fn proof(&self, name: &str) -> (Bytes, Height, Vec<Bytes>) {
        let step = &self.vector[name];
        let proof = bytes_of(step["proof"].as_str().expect("text"));
        let nodes = rlp::exact(&proof).and_then(|top| top.items(64)).expect("a list of nodes");
        let nodes: Vec<Bytes> = nodes.iter().map(|node| Bytes::copy_from_slice(node.raw)).collect();
        let height = Height { revisionNumber: 0, revisionHeight: step["proofHeight"].as_u64().expect("a height") };
        (nodes.abi_encode().into(), height, vec![bytes_of(step["path"].as_str().expect("text")).into()])
    }
}

#[test]
fn public_ibft2_fixture() {
    let Some(mut fixture) = Fixture::load() else { return };
    for (name, height) in [("updateHeight11", 11), ("updateHeight12", 12)] {
        assert!(matches!(fixture.update(name).answer::<QbftLightClient::updateClientCall>(), UpdateResult::Update), "{name}");
        assert!(matches!(fixture.update(name).answer::<QbftLightClient::updateClientCall>(), UpdateResult::NoOp), "{name} again");
        let state = fixture.evm.view(fixture.client, &QbftLightClient::getConsensusStateCall { height });
        assert_eq!(state.storageRoot.to_string(), fixture.vector[name]["expectedStorageRoot"].as_str().expect("text"));
        assert_eq!(state.timestamp, fixture.vector[name]["expectedTimestamp"].as_u64().expect("seconds"));
    }
    assert_eq!(fixture.update("lowQuorumHeight12").error(), "Quorum");
    assert_eq!(fixture.update("lowOverlapHeight13").error(), "Overlap");

    let (proof, height, path) = fixture.proof("membership");
    let value = bytes_of(fixture.vector["membership"]["value"].as_str().expect("text")).into();
    let m = MsgVerifyMembership { proof, proofHeight: height, path, value };
    let time = fixture.evm.view(fixture.client, &QbftLightClient::verifyMembershipCall { m });
    assert_eq!(time, alloy::primitives::U256::from(1020));
    let (proof, height, path) = fixture.proof("nonMembership");
    let m = MsgVerifyNonMembership { proof, proofHeight: height, path };
    fixture.evm.view(fixture.client, &QbftLightClient::verifyNonMembershipCall { m });

    let conflict = fixture.update("conflictingHeight12");
    assert!(matches!(conflict.answer::<QbftLightClient::updateClientCall>(), UpdateResult::Misbehaviour));
    assert_eq!(fixture.update("updateHeight11").error(), "ClientFrozen");
}
