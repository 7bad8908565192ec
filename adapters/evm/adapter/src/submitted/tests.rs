//! Updates in the transactions of others.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{FOUND_MAX, Router, Update, update, updates};
use alloy::primitives::{Address, Bytes};
use alloy::sol_types::{SolCall, SolValue};
use causeway_evm_contracts::abi::RelayBatch;
use causeway_types::ClientId;

fn one(client: &str, value: u8) -> Bytes {
    Router::updateClientCall { clientId: client.to_string(), updateMsg: vec![value].into() }.abi_encode().into()
}

fn batch(client: &str, update: &[u8]) -> Bytes {
    let batch = RelayBatch {
        clientId: client.to_string(),
        update: Bytes::copy_from_slice(update),
        proofHeight: 7,
        nodes: vec![vec![1; 40].into()],
        minGasPerMessage: 1,
        messages: Vec::new(),
    };
    Router::relayBatchCall { batch }.abi_encode().into()
}

fn many(calls: Vec<Bytes>) -> Bytes {
    Router::multicallCall { calls }.abi_encode().into()
}

fn found(input: &[u8]) -> Vec<u8> {
    updates(input, &ClientId::new("qbft-1").unwrap()).iter().map(|update| update[0]).collect()
}

#[test]
fn updates_of_the_client_are_found_wherever_they_are() {
    assert_eq!(found(&one("qbft-1", 1)), [1]);
    assert_eq!(found(&batch("qbft-1", &[2])), [2]);
    assert!(found(&one("qbft-2", 1)).is_empty() && found(&batch("qbft-2", &[2])).is_empty());
    assert!(found(&batch("qbft-1", &[])).is_empty(), "a batch without an update");
    let nested = many(vec![one("qbft-1", 4), one("qbft-2", 5), many(vec![batch("qbft-1", &[6])]), one("qbft-1", 7)]);
    assert_eq!(found(&many(vec![one("qbft-1", 3), nested, one("qbft-1", 8)])), [3, 4, 6, 7, 8]);
}

#[test]
fn nesting_number_and_size_are_bounded() {
    let deep = (0..100).fold(one("qbft-1", 1), |inner, _| many(vec![inner]));
    assert!(found(&deep).is_empty());
    assert_eq!(found(&many(vec![one("qbft-1", 1); 1_000])).len(), FOUND_MAX);
    let wide = (0..3).fold(one("qbft-2", 1), |inner, _| many(vec![inner; 40]));
    assert!(found(&wide).is_empty());
    for end in 0..200 {
        assert!(found(&one("qbft-1", 1)[..end.min(131)]).is_empty());
        drop(update(&vec![0xff; end]));
        drop(update(&vec![0; end]));
    }
}

#[test]
fn an_update_in_any_form_that_a_contract_reads_has_one_canonical_form() {
    let honest = Update {
        trustedHeight: 5,
        trustedValidators: vec![Address::repeat_byte(1), Address::repeat_byte(2)],
        header: vec![7; 70].into(),
        accountProof: vec![vec![8; 33].into(), vec![8; 33].into()],
    };
    let canonical = honest.abi_encode();
    assert_eq!(update(&canonical).unwrap().abi_encode(), canonical);
    // Both nodes are the same bytes, and something follows.
    let mut shared = canonical.clone();
    let nodes = shared.len() - 2 * 96 - 64;
    shared.copy_within(nodes..nodes + 32, nodes + 32);
    shared.extend([9; 40]);
    assert_ne!(shared, canonical);
    assert_eq!(update(&shared).unwrap().abi_encode(), canonical);
    // A few words that claim to be a great many bytes.
    let large = Update { header: vec![7; 600_000].into(), accountProof: vec![vec![8; 600_000].into(); 2], ..honest };
    assert!(update(&large.abi_encode()).is_none());
}
