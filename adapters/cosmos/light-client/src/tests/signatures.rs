//! Signatures of both curves, and that no byte of a header may be changed.

use super::headers::{four, judge, rule};
use crate::fixtures::{Block, KeyKind, Validator, Vote};
use crate::header::HeaderWire;
use prost::Message as _;
use std::println;
use std::string::{String, ToString};
use std::vec::Vec;
use tendermint_proto::v0_38::types as pb;

fn votes(wire: &mut HeaderWire) -> &mut Vec<pb::CommitSig> {
    &mut wire.signed_header.as_mut().unwrap().commit.as_mut().unwrap().signatures
}

fn pair(validators: &[Validator], change: impl Fn(&mut HeaderWire)) -> String {
    let (base, next) = (Block::new(5, validators), Block { round: 3, ..Block::new(9, validators) });
    let mut wire = next.wire(Some(&base));
    change(&mut wire);
    rule(judge(&base, &wire.encode_to_vec()))
}

/// Four validators: two votes for the block, one for none, one absent; the first has the power to commit alone.
fn every_kind_of_vote(kind: KeyKind) -> (Block, Block) {
    let mut validators = Validator::many(kind, 0, 4);
    validators[0].power = 1_000;
    let base = Block::new(5, &validators);
    let votes = [Vote::For, Vote::Nil, Vote::Absent, Vote::For].to_vec();
    (base, Block { votes, ..Block::new(9, &validators) })
}

#[test]
fn no_byte_of_a_header_may_be_changed() {
    let mut mutations = 0;
    for kind in [KeyKind::Ed25519, KeyKind::Secp256k1] {
        let (base, next) = every_kind_of_vote(kind);
        let bytes = next.header(Some(&base));
        assert_eq!(rule(judge(&base, &bytes)), "success");
        for index in 0..bytes.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[index] ^= flip;
                mutations += 1;
                let verdict = rule(judge(&base, &changed));
                assert!(!["success", "not-enough-trust"].contains(&verdict.as_str()), "{kind:?}: byte {index} ^ {flip:#x}: {verdict}");
            }
            let mut shorter = bytes.clone();
            shorter.remove(index);
            assert_ne!(rule(judge(&base, &shorter)), "success", "{kind:?}: without byte {index}");
        }
        for unknown in [[0x28, 1].as_slice(), &[0x2a, 1, 7], &bytes] {
            assert_ne!(rule(judge(&base, &[&bytes, unknown].concat())), "success", "{kind:?}: {unknown:02x?} appended");
        }
    }
    println!("{mutations} mutations");
}

#[test]
fn refuses_c10_secp256k1_votes_in_any_other_form() {
    let validators = Validator::many(KeyKind::Secp256k1, 0, 4);
    assert_eq!(pair(&validators, |_| ()), "success");
    let high_s = |wire: &mut HeaderWire| {
        let signature = &mut votes(wire)[3].signature;
        let low = k256::ecdsa::Signature::from_slice(signature).unwrap();
        assert_eq!(low.normalize_s(), None, "the fixture signs with a low s");
        let high = k256::ecdsa::Signature::from_scalars(low.r(), -*low.s()).unwrap();
        *signature = high.to_bytes().to_vec();
    };
    assert_eq!(pair(&validators, high_s), "commit-signature");
    assert_eq!(pair(&validators, |wire| votes(wire)[3].signature.push(0)), "header-encoding");
    assert_eq!(pair(&validators, |wire| votes(wire)[3].signature[..32].fill(0)), "commit-signature");
    let time = |wire: &mut HeaderWire| votes(wire)[3].timestamp.as_mut().unwrap().nanos += 1;
    assert_eq!(pair(&validators, time), "commit-signature");
    let round = |wire: &mut HeaderWire| wire.signed_header.as_mut().unwrap().commit.as_mut().unwrap().round = 0;
    assert_eq!(pair(&validators, round), "commit-signature");
    // The hash of a set holds the key: another one is another set.
    let swapped = |wire: &mut HeaderWire| {
        let set = wire.validator_set.as_mut().unwrap();
        set.validators[3].pub_key = set.validators[2].pub_key.clone();
    };
    assert_eq!(pair(&validators, swapped), "validators-encoding");
}

#[test]
fn only_votes_for_the_block_count() {
    for kind in [KeyKind::Ed25519, KeyKind::Secp256k1] {
        let validators = Validator::many(kind, 0, 4);
        let base = Block::new(5, &validators);
        let with = |vote| Block { votes: [Vote::For, vote, vote, Vote::For].to_vec(), ..Block::new(6, &validators) };
        assert_eq!(rule(judge(&base, &with(Vote::For).header(Some(&base)))), "success");
        assert_eq!(rule(judge(&base, &with(Vote::Nil).header(Some(&base)))), "commit-power");
        assert_eq!(rule(judge(&base, &with(Vote::Absent).header(Some(&base)))), "commit-power");
    }
}

#[test]
fn both_curves_may_sign_one_commit() {
    let mixed = [Validator::many(KeyKind::Ed25519, 0, 3), Validator::many(KeyKind::Secp256k1, 20, 3)].concat();
    assert_eq!(pair(&mixed, |_| ()), "success");
    for index in 0..mixed.len() {
        assert_eq!(pair(&mixed, |wire| votes(wire)[index].signature[40] ^= 1), "commit-signature", "vote {index}");
    }
}

/// All encodings of the eight points of small order, canonical or not. Source: zips.z.cash/zip-0215, whose cases are all pairs of these.
fn small_order() -> Vec<[u8; 32]> {
    let filled = |first: u8, rest: u8, last: u8| {
        let mut bytes = [rest; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    let eighth = |text: &str| <[u8; 32]>::try_from(hex::decode(text).unwrap()).unwrap();
    let with_sign = |mut bytes: [u8; 32]| {
        bytes[31] |= 0x80;
        bytes
    };
    let without_sign = [
        // y = 0, 1, -1, and 0 and 1 again, written as p and p + 1.
        filled(0, 0, 0),
        filled(1, 0, 0),
        filled(0xec, 0xff, 0x7f),
        filled(0xed, 0xff, 0x7f),
        filled(0xee, 0xff, 0x7f),
        eighth("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        eighth("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];
    without_sign.into_iter().flat_map(|bytes| [bytes, with_sign(bytes)]).collect()
}

/// The order of the group, little endian.
const GROUP_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

/// refuse.md H12: signatures are those that the chain itself accepts.
#[test]
fn accepts_c11_what_zip_215_accepts() {
    let encodings = small_order();
    assert_eq!(encodings.len(), 14);
    for key in &encodings {
        for point in &encodings {
            // s = 0 satisfies the cofactored equation for every message.
            let signature = <[u8; 64]>::try_from([point.as_slice(), &[0; 32]].concat()).unwrap();
            let validators = [four(), [Validator::fixed(*key, signature, 7)].to_vec()].concat();
            assert_eq!(pair(&validators, |_| ()), "success", "key {} point {}", hex::encode(key), hex::encode(point));
        }
    }
}

/// refuse.md H12: and no others.
#[test]
fn refuses_c11_what_zip_215_refuses() {
    let validators = four();
    let last = |change: &dyn Fn(&mut [u8])| pair(&validators, |wire| change(&mut votes(wire)[3].signature));
    // s + L satisfies the equation as well as s does.
    let order = hex::decode(GROUP_ORDER).unwrap();
    let add_order = |signature: &mut [u8]| {
        let mut carry = 0_u16;
        for (byte, order) in signature[32..].iter_mut().zip(&order) {
            carry += u16::from(*byte) + u16::from(*order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
    };
    assert_eq!(last(&add_order), "commit-signature");
    assert_eq!(last(&|signature| signature.fill(0)), "commit-signature");
    assert_eq!(last(&|signature| signature.copy_within(0..32, 32)), "commit-signature");
    // A key that is no point of the curve, and s = L exactly.
    let no_point = Validator::fixed([2; 32], [0; 64], 7);
    let s_is_order = <[u8; 64]>::try_from([small_order()[0].as_slice(), &order].concat()).unwrap();
    for bad in [no_point, Validator::fixed(small_order()[0], s_is_order, 7)] {
        assert_eq!(pair(&[validators.clone(), [bad].to_vec()].concat(), |_| ()), "commit-signature");
    }
}

#[test]
fn votes_sign_the_canonical_bytes() {
    // Field by field: precommit, height 9, round 3, the block, a time, the chain.
    let block = Block { round: 3, ..Block::new(9, &four()) };
    let time = tendermint_proto::google::protobuf::Timestamp { seconds: 5, nanos: 0 };
    let id = pb::BlockId { hash: [0xaa; 32].to_vec(), part_set_header: Some(pb::PartSetHeader { total: 1, hash: [0xbb; 32].to_vec() }) };
    let hash = |byte: &str| byte.repeat(32);
    let expected = "6b0802110900000000000000190300000000000000".to_string()
        + "22480a20"
        + &hash("aa")
        + "122408011220"
        + &hash("bb")
        + "2a020805"
        + "3207"
        + &hex::encode("chain-1");
    assert_eq!(hex::encode(block.sign_bytes(Some(&id), time)), expected);
}
