//! Evidence against a chain.

use super::headers::{four, params};
use crate::fixtures::{Block, KeyKind, Validator, Vote};
use crate::{Params, verify_misbehaviour};
use std::string::{String, ToString};

fn convict(base: &Block, a: &Block, b: &Block) -> String {
    let judged = |a: &Block, b: &Block| {
        let judged = verify_misbehaviour(&params(), &base.trusted(), &a.untrusted(Some(base)), &b.untrusted(Some(base)));
        judged.map_or_else(|refusal| refusal.rule.to_string(), |()| "convicted".to_string())
    };
    let verdict = judged(a, b);
    assert_eq!(verdict, judged(b, a), "the order of the headers says nothing");
    verdict
}

fn fork(height: u32, validators: &[Validator]) -> Block {
    Block { root: [8; 32].to_vec(), ..Block::new(height, validators) }
}

#[test]
fn two_blocks_of_one_height_convict() {
    let base = Block::new(5, &four());
    assert_eq!(convict(&base, &Block::new(9, &four()), &fork(9, &four())), "convicted");
    assert_eq!(convict(&base, &Block::new(9, &four()), &Block::new(9, &four())), "misbehaviour-conflict");
    // A forked set of which enough are known, at the next height: no update, but evidence.
    let half = [Validator::many(KeyKind::Ed25519, 0, 2), Validator::many(KeyKind::Ed25519, 50, 2)].concat();
    assert_eq!(convict(&base, &Block::new(6, &four()), &fork(6, &half)), "convicted");
}

#[test]
fn time_that_does_not_grow_convicts() {
    let base = Block::new(5, &four());
    let earlier = Block::new(9, &four());
    for time_ns in [earlier.time_ns, earlier.time_ns - 1, base.time_ns, 1] {
        let later = Block { time_ns, ..Block::new(10, &four()) };
        assert_eq!(convict(&base, &earlier, &later), "convicted", "{time_ns}");
    }
    assert_eq!(convict(&base, &earlier, &Block::new(10, &four())), "misbehaviour-conflict");
}

#[test]
fn what_nobody_would_have_believed_convicts_nobody() {
    let (base, good) = (Block::new(5, &four()), Block::new(9, &four()));
    let strangers = Validator::many(KeyKind::Ed25519, 50, 4);
    assert_eq!(convict(&base, &good, &fork(9, &strangers)), "misbehaviour-trust");
    let quiet = Block { votes: [Vote::For, Vote::For, Vote::Absent, Vote::Nil].to_vec(), ..fork(9, &four()) };
    assert_eq!(convict(&base, &good, &quiet), "commit-power");
    assert_eq!(convict(&base, &good, &Block { chain_id: "other-1".to_string(), ..fork(9, &four()) }), "chain-id");
    let (a, b) = (good.untrusted(Some(&base)), fork(9, &four()).untrusted(Some(&base)));
    let refusal = verify_misbehaviour(&params(), &Block::new(6, &four()).trusted(), &a, &b).unwrap_err();
    assert_eq!(refusal.rule.name(), "trusted-height");
    let lax = Params { trust_level: (1, 4), ..params() };
    assert_eq!(verify_misbehaviour(&lax, &base.trusted(), &a, &b).unwrap_err().rule.name(), "trust-level");
}

#[test]
fn forged_signatures_convict_nobody() {
    use prost::Message as _;
    let (base, good) = (Block::new(5, &four()), Block::new(9, &four()));
    let mut wire = fork(9, &four()).wire(Some(&base));
    wire.signed_header.as_mut().unwrap().commit.as_mut().unwrap().signatures[2].signature[0] ^= 1;
    let forged = crate::Untrusted::decode(&wire.encode_to_vec()).unwrap();
    let refusal = verify_misbehaviour(&params(), &base.trusted(), &good.untrusted(Some(&base)), &forged).unwrap_err();
    assert_eq!(refusal.rule.name(), "commit-signature");
}
