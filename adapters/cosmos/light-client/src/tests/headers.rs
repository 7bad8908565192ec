//! Headers signed with keys made here: one test a rule, named after its row.

use crate::fixtures::{Block, KeyKind, Validator, Vote, to_wire};
use crate::header::HeaderWire;
use crate::{Judged, Params, Trusted, Untrusted, verify_header, verify_root};
use core::time::Duration;
use prost::Message as _;
use std::string::{String, ToString};
use std::vec::Vec;
use tendermint_proto::v0_38::types as pb;

const NS_PER_S: u64 = 1_000_000_000;
const DRIFT_S: u64 = 10;
const PERIOD_S: u64 = 1_000_000;

pub(super) fn params() -> Params {
    Params {
        chain_id: "chain-1".to_string(),
        trust_level: (1, 3),
        trusting_period: Duration::from_secs(PERIOD_S),
        clock_drift_max: Duration::from_secs(DRIFT_S),
    }
}

fn judge_at(base: &Block, bytes: &[u8], now_ns: u64) -> Result<Trusted, Judged> {
    let header = Untrusted::decode(bytes)?;
    verify_header(&params(), &base.trusted(), &header, now_ns)
}

pub(super) fn judge(base: &Block, bytes: &[u8]) -> Result<Trusted, Judged> {
    judge_at(base, bytes, base.time_ns + 1_000 * NS_PER_S)
}

/// The rule that refused, or what else it was.
pub(super) fn rule<T>(judged: Result<T, Judged>) -> String {
    match judged {
        Ok(_) => "success".to_string(),
        Err(Judged::NotEnoughTrust { .. }) => "not-enough-trust".to_string(),
        Err(Judged::Refused(refusal)) => refusal.rule.to_string(),
    }
}

pub(super) fn four() -> Vec<Validator> {
    Validator::many(KeyKind::Ed25519, 0, 4)
}

/// Height 5 trusted, height 9 judged after a change of its wire form.
fn changed(change: impl Fn(&mut HeaderWire)) -> String {
    let (base, next) = (Block::new(5, &four()), Block::new(9, &four()));
    let mut wire = next.wire(Some(&base));
    change(&mut wire);
    rule(judge(&base, &wire.encode_to_vec()))
}

/// Height 5 trusted, height 9 judged after a change of the block, which is then signed.
fn signed(change: impl Fn(&mut Block)) -> String {
    let (base, mut next) = (Block::new(5, &four()), Block::new(9, &four()));
    change(&mut next);
    rule(judge(&base, &next.header(Some(&base))))
}

fn votes(wire: &mut HeaderWire) -> &mut Vec<pb::CommitSig> {
    &mut wire.signed_header.as_mut().unwrap().commit.as_mut().unwrap().signatures
}

#[test]
fn a_header_makes_the_next_trusted_height() {
    for next in [6, 9, 1_000] {
        let (base, next) = (Block::new(5, &four()), Block::new(next, &four()));
        assert_eq!(judge_at(&base, &next.header(Some(&base)), next.time_ns), Ok(next.trusted()));
    }
}

#[test]
fn refuses_h1_votes_in_the_name_of_others() {
    assert_eq!(changed(|wire| votes(wire)[1] = votes(wire)[0].clone()), "commit-duplicate");
    assert_eq!(changed(|wire| votes(wire)[1].validator_address = votes(wire)[0].validator_address.clone()), "commit-duplicate");
    assert_eq!(changed(|wire| votes(wire).swap(0, 1)), "commit-address");
    assert_eq!(changed(|wire| votes(wire)[2].validator_address = [9; 20].to_vec()), "commit-address");
    // The address is not part of the hash of a set: it must follow from the key.
    let set = |wire: &mut HeaderWire| wire.validator_set.as_mut().unwrap().validators[1].address = four()[0].address();
    assert_eq!(changed(set), "validators-encoding");
    let twice = |wire: &mut HeaderWire| {
        let set = wire.validator_set.as_mut().unwrap();
        set.validators[1] = set.validators[0].clone();
    };
    assert_eq!(changed(twice), "validators-duplicate");
}

#[test]
fn refuses_h2_another_chain() {
    assert_eq!(signed(|block| block.chain_id = "other-1".to_string()), "chain-id");
    assert_eq!(signed(|block| block.chain_id = "chain-2".to_string()), "revision");
    let other = Block { chain_id: "other-1".to_string(), ..Block::new(5, &four()) };
    let refusal = verify_root("chain-1", &other.hash(), &other.untrusted(None)).unwrap_err();
    assert_eq!(refusal.rule.name(), "chain-id");
}

#[test]
fn refuses_h3_commits_without_votes() {
    assert_eq!(signed(|block| block.votes = [Vote::Absent; 4].to_vec()), "commit-empty");
    assert_eq!(changed(|wire| votes(wire).clear()), "commit-empty");
    assert_eq!(changed(|wire| drop(votes(wire).pop())), "commit-size");
    assert_eq!(signed(|block| block.votes = [Vote::Nil; 4].to_vec()), "commit-power");
    let heard = |wire: &mut HeaderWire| {
        votes(wire)[0] = pb::CommitSig { block_id_flag: pb::BlockIdFlag::Absent.into(), ..votes(wire)[0].clone() };
    };
    assert_eq!(changed(heard), "commit-absent-vote");
}

#[test]
fn refuses_h4_a_header_from_the_future() {
    let (base, next) = (Block::new(5, &four()), Block::new(9, &four()));
    let bytes = next.header(Some(&base));
    let first = next.time_ns - DRIFT_S * NS_PER_S + 1;
    assert_eq!(rule(judge_at(&base, &bytes, first)), "success");
    assert_eq!(rule(judge_at(&base, &bytes, first - 1)), "header-from-future");
}

#[test]
fn refuses_h5_what_does_not_follow_from_the_trusted_height() {
    assert_eq!(signed(|block| block.height = 5), "height-not-above");
    assert_eq!(signed(|block| block.height = 4), "height-not-above");
    assert_eq!(signed(|block| block.time_ns = Block::new(5, &four()).time_ns), "time-not-after");
    let strangers = Validator::many(KeyKind::Ed25519, 50, 4);
    assert_eq!(changed(|wire| wire.trusted_validators = Some(to_wire(&strangers))), "trusted-validators");
    assert_eq!(changed(|wire| wire.trusted_height.as_mut().unwrap().revision_height = 4), "trusted-height");
    assert_eq!(changed(|wire| wire.trusted_height.as_mut().unwrap().revision_number = 2), "trusted-height");
    let adjacent = |block: &mut Block| *block = Block::new(6, &Validator::many(KeyKind::Ed25519, 1, 4));
    assert_eq!(signed(adjacent), "next-validators");
    assert_eq!(changed(|wire| wire.validator_set = Some(to_wire(&four()[..3]))), "validators-hash");
}

#[test]
fn a_header_that_names_no_height_brings_its_own_validators() {
    let base = Block::new(5, &four());
    let alone = |next: Block| rule(judge(&base, &next.header(None)));
    let half = [Validator::many(KeyKind::Ed25519, 0, 2), Validator::many(KeyKind::Ed25519, 50, 2)].concat();
    assert_eq!(alone(Block::new(9, &four())), "success");
    assert_eq!(alone(Block::new(6, &four())), "success");
    assert_eq!(alone(Block::new(5, &four())), "height-not-above");
    assert_eq!(alone(Block::new(9, &half)), "not-enough-trust");
    assert_eq!(alone(Block::new(6, &half)), "trusted-validators");
}

#[test]
fn refuses_h5_an_expired_height() {
    let (base, next) = (Block::new(5, &four()), Block::new(9, &four()));
    let bytes = next.header(Some(&base));
    let end = base.time_ns + PERIOD_S * NS_PER_S;
    assert_eq!(rule(judge_at(&base, &bytes, end - 1)), "success");
    assert_eq!(rule(judge_at(&base, &bytes, end)), "trusting-period");
    assert_eq!(rule(judge_at(&base, &bytes, u64::MAX)), "trusting-period");
}

#[test]
fn refuses_h5_a_trust_level_below_a_third() {
    let (base, next) = (Block::new(5, &four()), Block::new(9, &four()));
    let header = next.untrusted(Some(&base));
    let with = |level| rule(verify_header(&Params { trust_level: level, ..params() }, &base.trusted(), &header, next.time_ns));
    assert_eq!([(1, 3), (2, 3), (5, 15)].map(with), ["success"; 3]);
    // More than all is never reached, as on the chain.
    assert_eq!(with((1, 1)), "not-enough-trust");
    assert_eq!([(1, 4), (4, 3), (0, 0), (1, 0), (6, 16), (u64::MAX, u64::MAX)].map(with), ["trust-level"; 6]);
}

#[test]
fn too_few_trusted_votes_are_told_from_a_bad_commit() {
    let base = Block::new(5, &four());
    // One of the four stays among six: 10 of 40, and more than 13 are needed.
    let six = |kept: u32| {
        let strangers = Validator::many(KeyKind::Ed25519, 50, 6 - kept);
        [Validator::many(KeyKind::Ed25519, 0, kept), strangers].concat()
    };
    let next = Block::new(9, &six(1));
    assert_eq!(judge(&base, &next.header(Some(&base))), Err(Judged::NotEnoughTrust { found: 10, needed: 14 }));
    assert_eq!(rule(judge(&base, &Block::new(9, &six(2)).header(Some(&base)))), "success");
    let quiet = Block { votes: [Vote::Absent; 3].to_vec(), ..Block::new(9, &six(1)) };
    assert_eq!(rule(judge(&base, &quiet.header(Some(&base)))), "commit-power");
    let mut forged = next.wire(Some(&base));
    votes(&mut forged)[5].signature[0] ^= 1;
    assert_eq!(rule(judge(&base, &forged.encode_to_vec())), "commit-signature");
}

#[test]
fn exactly_two_thirds_are_too_few() {
    let three = Validator::many(KeyKind::Ed25519, 0, 3);
    let base = Block::new(5, &three);
    let next = Block { votes: [Vote::For, Vote::Absent, Vote::For].to_vec(), ..Block::new(6, &three) };
    assert_eq!(rule(judge(&base, &next.header(Some(&base)))), "commit-power");
    let refusal = verify_root("chain-1", &next.hash(), &next.untrusted(None)).unwrap_err();
    assert_eq!(refusal.rule.name(), "commit-power");
}

#[test]
fn refuses_h6_proposers_and_sets_that_do_not_fit() {
    assert_eq!(signed(|block| block.proposer = [9; 20].to_vec()), "proposer");
    assert_eq!(signed(|block| block.proposer = block.validators[1].address()), "proposer");
    let set = |wire: &mut HeaderWire, change: &dyn Fn(&mut pb::ValidatorSet)| change(wire.validator_set.as_mut().unwrap());
    let outsider = to_wire(&Validator::many(KeyKind::Ed25519, 50, 1)).proposer;
    assert_eq!(changed(|wire| set(wire, &|set| set.proposer = outsider.clone())), "validators-proposer");
    assert_eq!(changed(|wire| set(wire, &|set| set.proposer = None)), "validators-proposer");
    assert_eq!(changed(|wire| set(wire, &|set| set.validators[0].proposer_priority = 1)), "validators-priority");
    assert_eq!(changed(|wire| set(wire, &|set| set.total_voting_power += 1)), "validators-power");
    assert_eq!(changed(|wire| set(wire, &|set| set.validators.swap(0, 1))), "validators-order");
    let powers = |powers: [i64; 4]| {
        changed(|wire| {
            set(wire, &|set| {
                set.validators.iter_mut().zip(powers).for_each(|(validator, power)| validator.voting_power = power);
                set.proposer = set.validators.first().cloned();
                set.total_voting_power = powers.iter().fold(0, |sum, power| i64::wrapping_add(sum, *power));
            })
        })
    };
    assert_eq!(powers([i64::MAX, 1, 1, 1]), "validators-power");
    assert_eq!(powers([i64::MAX / 2, 1, 1, 1]), "validators-encoding");
    assert_eq!(powers([30, 20, 10, -20]), "validators-encoding");
}

#[test]
fn a_root_is_the_block_that_was_named() {
    let block = Block::new(5, &four());
    assert_eq!(verify_root("chain-1", &block.hash(), &block.untrusted(None)), Ok(block.trusted()));
    let refusal = verify_root("chain-1", &Block::new(6, &four()).hash(), &block.untrusted(None)).unwrap_err();
    assert_eq!(refusal.rule.name(), "root-hash");
    let mut forged = block.wire(None);
    votes(&mut forged)[3].signature[9] ^= 4;
    let refusal = verify_root("chain-1", &block.hash(), &Untrusted::decode(&forged.encode_to_vec()).unwrap()).unwrap_err();
    assert_eq!(refusal.rule.name(), "commit-signature");
}

#[test]
fn what_is_trusted_reads_back_and_nothing_else_does() {
    let trusted = Block::new(5, &four()).trusted();
    let bytes = trusted.encode();
    assert_eq!(Trusted::decode(&bytes), Ok(trusted));
    for length in 0..bytes.len() {
        assert!(Trusted::decode(&bytes[..length]).is_err(), "cut to {length}");
    }
    assert!(Trusted::decode(&[bytes.as_slice(), &[0x40, 1]].concat()).is_err(), "an unknown field");
    assert!(Trusted::decode(&[&[0x08, 2], &bytes[2..]].concat()).is_err(), "another version");
}
