//! What a real node sealed and proved, recorded under `fixtures/goquorum`, judged by
//! the light client: every header and proof is accepted, and none with a bit changed.
//! It needs no node; `cargo run --release -p causeway-tests --example record` records anew.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, ensure};
use causeway_evm_light_client::account::prove_storage_root;
use causeway_evm_light_client::predicates::{overlap_of, quorum_of};
use causeway_evm_light_client::{
    ClientParams, EMPTY_ROOT, Header, Kind, NativeRecover, Proven, Recover, TrustedState, Update, Verdict, keccak256, predicates, storage,
    trie, validators_hash, verify_update,
};
use causeway_tests::repo;
use serde::Deserialize;
use serde_json::Value;

/// Bits flipped in each byte of a header or proof: the lowest and the highest.
const FLIPS: [u8; 2] = [0x01, 0x80];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeaderCase {
    case: String,
    number: u64,
    hash: B256,
    seal_digest: B256,
    round: u32,
    validators: Vec<Address>,
    seals: usize,
    rlp: Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProofCase {
    case: String,
    header: Bytes,
    state_root: B256,
    answer: ProofAnswer,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProofAnswer {
    address: Address,
    account_proof: Vec<Bytes>,
    storage_hash: B256,
    storage_proof: Vec<SlotProof>,
}

#[derive(Debug, Deserialize)]
struct SlotProof {
    key: B256,
    value: alloy::primitives::U256,
    proof: Vec<Bytes>,
}

fn fixture(name: &str) -> Result<Value> {
    let path = repo::fixtures().join("goquorum").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path)?;
    let file: Value = serde_json::from_str(&text)?;
    Ok(file[name].clone())
}

fn headers() -> Result<Vec<HeaderCase>> {
    Ok(serde_json::from_value(fixture("headers")?)?)
}

#[test]
fn headers_hash_and_seal_as_the_node_did() -> Result<()> {
    let recover = NativeRecover::new();
    let cases = headers()?;
    ensure!(cases.iter().any(|case| case.round > 0), "no later round");
    let sizes: BTreeSet<usize> = cases.iter().map(|case| case.validators.len()).collect();
    ensure!(sizes.len() > 1, "the set never changes: {sizes:?}");
    for case in cases {
        let context = || format!("{} at {}", case.case, case.number);
        let header = Header::parse(Kind::Qbft, &case.rlp).map_err(|violation| anyhow::anyhow!("{violation:?}")).with_context(context)?;
        ensure!(header.number == case.number, "{}", context());
        ensure!(header.normalised_hash == case.hash.0, "{}", context());
        ensure!(header.seal_digest == case.seal_digest.0, "{}", context());
        let validators: Vec<Address> = header.validators.iter().map(Address::from).collect();
        ensure!(validators == case.validators, "{}", context());
        ensure!(header.seals.len() == case.seals, "{}", context());
        let mut signers = BTreeSet::new();
        for seal in &header.seals {
            let (signature, id) = predicates::seal_signature(seal).map_err(|violation| anyhow::anyhow!("{violation:?}"))?;
            let signer = recover.recover(&header.seal_digest, &signature, id).with_context(context)?;
            ensure!(header.validators.contains(&signer), "{}", context());
            ensure!(signers.insert(signer), "twice the same, {}", context());
        }
        let is_sealed = case.number == 0 || signers.len() >= quorum_of(header.validators.len());
        ensure!(is_sealed, "{} seals, {}", signers.len(), context());
    }
    Ok(())
}

/// A trusted state of a recorded header: its storage root is not what is tested here.
fn trusted(case: &HeaderCase) -> Result<TrustedState> {
    let header = Header::parse(Kind::Qbft, &case.rlp).map_err(|violation| anyhow::anyhow!("{violation:?}"))?;
    Ok(TrustedState {
        height: header.number,
        timestamp_s: header.timestamp_s,
        storage_root: EMPTY_ROOT,
        validators_hash: validators_hash(&header.validators),
        validators: header.validators,
        header_hash: header.normalised_hash,
    })
}

/// Verifies `header` from `from`, for the account that `account_proof` is about.
fn judge(from: &HeaderCase, header: &[u8], now_s: u64, (account, account_proof): (Address, &[Bytes])) -> Result<String> {
    let trusted = trusted(from)?;
    let params = ClientParams { kind: Kind::Qbft, router: account.0.0, trusting_period_s: TRUSTING_PERIOD_S, max_clock_drift_s: 15 };
    let update = Update {
        trusted_height: trusted.height,
        trusted_validators: trusted.validators.clone(),
        header: header.to_vec(),
        account_proof: account_proof.iter().map(|node| node.to_vec()).collect(),
    };
    Ok(match verify_update(&params, &trusted, &update, now_s, &NativeRecover::new()) {
        Verdict::Invalid(violation) => violation.rule.to_owned(),
        Verdict::NotEnoughTrust { .. } => "overlap".to_owned(),
        Verdict::Success(_) => "success".to_owned(),
    })
}

/// A century: the genesis block of the recorded network has the time zero.
const TRUSTING_PERIOD_S: u64 = 3_200_000_000;

/// The recorded headers come without an account proof: what is right about them ends at its rule.
const NO_PROOF: (Address, &[Bytes]) = (Address::ZERO, &[]);

/// The rule that refuses an update which is right in all but its missing account proof.
const SEALS_HOLD: &str = "account-proof";

#[test]
fn each_header_follows_from_each_one_before_across_votes_and_rounds() -> Result<()> {
    let cases = headers()?;
    let mut followed = 0;
    for (index, from) in cases.iter().enumerate() {
        for to in cases.iter().skip(index + 1) {
            let now_s = trusted(to)?.timestamp_s;
            let rule = judge(from, &to.rlp, now_s, NO_PROOF)?;
            ensure!(rule == SEALS_HOLD, "{} ({}) from {} ({}): {rule}", to.number, to.case, from.number, from.case);
            followed += 1;
        }
    }
    ensure!(followed > 100, "only {followed} pairs");
    ensure!(overlap_of(4) == 2, "two of four");
    Ok(())
}

#[test]
fn an_update_with_the_nodes_own_proof_is_accepted() -> Result<()> {
    let cases = headers()?;
    let proofs: Vec<ProofCase> = serde_json::from_value(fixture("proofs")?)?;
    let proof = proofs.first().context("no proofs")?;
    let header = Header::parse(Kind::Qbft, &proof.header).map_err(|violation| anyhow::anyhow!("{violation:?}"))?;
    let account = (proof.answer.address, proof.answer.account_proof.as_slice());
    let mut accepted = 0;
    for from in cases.iter().filter(|case| case.number < header.number) {
        let rule = judge(from, &proof.header, header.timestamp_s, account)?;
        ensure!(rule == "success", "from {}: {rule}", from.number);
        accepted += 1;
    }
    ensure!(accepted > 0, "no header before {}", header.number);
    Ok(())
}

#[test]
fn no_header_with_a_bit_changed_is_accepted() -> Result<()> {
    let cases = headers()?;
    let genesis = cases.first().context("no headers")?;
    let sealed: Vec<&HeaderCase> = cases.iter().skip(1).collect();
    let later = sealed.iter().find(|case| case.round > 0);
    let changed = sealed.last();
    for case in later.into_iter().chain(changed) {
        let now_s = trusted(case)?.timestamp_s;
        for place in 0..case.rlp.len() {
            for flip in FLIPS {
                let mut header = case.rlp.to_vec();
                header[place] ^= flip;
                let rule = judge(genesis, &header, now_s, NO_PROOF)?;
                ensure!(
                    rule != SEALS_HOLD && rule != "success",
                    "{} at {}: byte {place} with {flip:#x} is accepted",
                    case.case,
                    case.number
                );
            }
        }
    }
    Ok(())
}

#[test]
fn proofs_of_the_node_hold_and_none_with_a_bit_changed() -> Result<()> {
    let cases: Vec<ProofCase> = serde_json::from_value(fixture("proofs")?)?;
    let mut slots = 0;
    for case in cases {
        let answer = &case.answer;
        let root = prove_storage_root(&case.state_root.0, &answer.address.0.0, &answer.account_proof);
        match &root {
            Ok(root) => ensure!(*root == answer.storage_hash.0, "{}", case.case),
            // An account without code holds no commitments: the rule says so by name.
            Err(violation) => {
                ensure!(violation.rule == "account-absent", "{}: {violation:?}", case.case);
                ensure!(answer.storage_hash.0 == EMPTY_ROOT, "{}", case.case);
            }
        }
        for (place, flip) in places(&answer.account_proof) {
            let nodes = flipped(&answer.account_proof, place, flip);
            let judged = prove_storage_root(&case.state_root.0, &answer.address.0.0, &nodes);
            ensure!(judged != root || judged.is_err(), "{}: account, {place:?}", case.case);
            let rule = judged.err().map(|violation| violation.rule);
            ensure!(rule != Some("account-absent"), "{}: {place:?} proves absence", case.case);
        }
        for slot in &answer.storage_proof {
            check_slot(&case, slot)?;
            slots += 1;
        }
    }
    ensure!(slots > 15, "only {slots} slots");
    Ok(())
}

fn check_slot(case: &ProofCase, slot: &SlotProof) -> Result<()> {
    let root = case.answer.storage_hash.0;
    let key = keccak256(&slot.key.0);
    let proven = trie::prove(&root, &key, &slot.proof).map_err(|violation| anyhow::anyhow!("{}: {violation:?}", case.case))?;
    match proven {
        Proven::Absent => ensure!(slot.value.is_zero(), "{}: {}", case.case, slot.key),
        Proven::Present(stored) => {
            let value = storage::decode_value(stored).map_err(|violation| anyhow::anyhow!("{}: {violation:?}", case.case))?;
            ensure!(value == slot.value.to_be_bytes::<32>(), "{}: {}", case.case, slot.key);
        }
    }
    for (place, flip) in places(&slot.proof) {
        let nodes = flipped(&slot.proof, place, flip);
        let judged = trie::prove(&root, &key, &nodes);
        ensure!(judged.is_err(), "{}: {}: {place:?}", case.case, slot.key);
    }
    // A proof that stops early, and one with something behind it, prove nothing either.
    if let [shorter @ .., _] = slot.proof.as_slice() {
        ensure!(trie::prove(&root, &key, shorter).is_err(), "{}: truncated", case.case);
        let longer = [slot.proof.as_slice(), &slot.proof[..1]].concat();
        ensure!(trie::prove(&root, &key, &longer).is_err(), "{}: unused node", case.case);
    }
    Ok(())
}

/// Every byte of every node, with every flip.
fn places(nodes: &[Bytes]) -> impl Iterator<Item = ((usize, usize), u8)> + '_ {
    let bytes = nodes.iter().enumerate().flat_map(|(node, bytes)| (0..bytes.len()).map(move |byte| (node, byte)));
    bytes.flat_map(|place| FLIPS.map(|flip| (place, flip)))
}

fn flipped(nodes: &[Bytes], (node, byte): (usize, usize), flip: u8) -> Vec<Bytes> {
    let mut nodes = nodes.to_vec();
    let mut bytes = nodes[node].to_vec();
    bytes[byte] ^= flip;
    nodes[node] = bytes.into();
    nodes
}
