//! Headers of every length, against alloy's own encoding, and a header whose hash does not fit.

use super::*;
use alloy::consensus::Header as AlloyHeader;
use alloy::primitives::{Bloom, keccak256};
use serde_json::{Value, json};

/// Extra data of QBFT with one validator and `seals`.
fn extra(seals: &[Bytes], round: u8) -> Bytes {
    let mut payload = Vec::new();
    B256::ZERO.encode(&mut payload);
    vec![Address::repeat_byte(1)].encode(&mut payload);
    payload.push(0xc0);
    round.encode(&mut payload);
    seals.to_vec().encode(&mut payload);
    let mut out = Vec::new();
    alloy::rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(&payload);
    out.into()
}

/// A header with the first `trailing` of the fields that forks added.
fn header(trailing: usize, extra_data: Bytes) -> AlloyHeader {
    let has = |field: usize| trailing > field;
    AlloyHeader {
        beneficiary: Address::repeat_byte(1),
        difficulty: U256::from(1),
        number: 300,
        gas_limit: 30_000_000,
        gas_used: 21_000,
        timestamp: 1_700_000_000,
        logs_bloom: Bloom::repeat_byte(3),
        mix_hash: B256::repeat_byte(0x63),
        extra_data,
        base_fee_per_gas: has(0).then_some(0),
        withdrawals_root: has(1).then_some(B256::repeat_byte(5)),
        blob_gas_used: has(2).then_some(0),
        excess_blob_gas: has(3).then_some(131_072),
        parent_beacon_block_root: has(4).then_some(B256::repeat_byte(6)),
        requests_hash: has(5).then_some(B256::repeat_byte(7)),
        ..AlloyHeader::default()
    }
}

/// As a node prints it: the hash is that without seals and round.
fn printed(trailing: usize) -> (AlloyHeader, Value) {
    let full = header(trailing, extra(&[Bytes::from(vec![9; 65])], 2));
    let mut bare = Vec::new();
    header(trailing, extra(&[], 0)).encode(&mut bare);
    let mut json = serde_json::to_value(&full).unwrap();
    json["hash"] = json!(keccak256(&bare));
    (full, json)
}

#[test]
fn headers_of_15_to_21_fields_come_back_as_the_bytes_that_were_hashed() {
    for trailing in 0..=6 {
        let (full, json) = printed(trailing);
        let mut expected = Vec::new();
        full.encode(&mut expected);
        let raw: RawHeader = serde_json::from_value(json).unwrap();
        let fetched = raw.fetched(Kind::Qbft, "node:1").unwrap();
        assert_eq!(fetched.rlp, expected, "{trailing} trailing fields");
        assert_eq!((fetched.parsed.number, fetched.parsed.round), (300, 2));
    }
}

#[test]
fn a_field_that_is_not_known_or_changed_is_a_hash_mismatch() {
    for (key, value) in [
        ("gasUsed", json!("0x5209")),
        ("stateRoot", json!(B256::repeat_byte(8))),
        ("baseFeePerGas", json!("0x1")),
        ("requestsHash", json!(B256::ZERO)),
    ] {
        let (_, mut json) = printed(1);
        json[key] = value;
        let raw: RawHeader = serde_json::from_value(json).unwrap();
        let error = raw.fetched(Kind::Qbft, "node:1").unwrap_err();
        assert!(matches!(error, AdapterError::Protocol { rule: "header-hash", .. }), "{key}: {error}");
    }
}

#[test]
fn a_header_without_the_seals_of_this_consensus_is_named() {
    let (_, mut json) = printed(0);
    json["extraData"] = json!("0x");
    let raw: RawHeader = serde_json::from_value(json).unwrap();
    assert!(matches!(raw.fetched(Kind::Qbft, "node:1"), Err(AdapterError::Protocol { rule: "extra-data", .. })));
}
