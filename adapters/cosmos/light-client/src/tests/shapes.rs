//! Proofs that lead to the right root by a wrong way: one test a row of what broke other verifiers.

use crate::fixtures::State;
use crate::proof::shape::DEPTH_MAX;
use crate::proof::{MerkleProofWire, Tree};
use crate::{verify_absence, verify_membership};
use ics23::commitment_proof::Proof;
use ics23::{CommitmentProof, ExistenceProof, HashOp, InnerOp, LengthOp, NonExistenceProof};
use prost::Message as _;
use prost_ics23::Message as _;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const KEYS: [(&[u8], &[u8]); 5] = [(b"b", b"1"), (b"d", b"2"), (b"f", b"3"), (b"h", b"4"), (b"j", b"5")];

fn wire(proofs: &[&CommitmentProof]) -> Vec<u8> {
    MerkleProofWire { proofs: proofs.iter().map(|proof| proof.encode_to_vec()).collect() }.encode_to_vec()
}

fn exist(proof: CommitmentProof) -> ExistenceProof {
    match proof.proof {
        Some(Proof::Exist(exists)) => exists,
        other => panic!("{other:?}"),
    }
}

fn existence(proof: ExistenceProof) -> CommitmentProof {
    CommitmentProof { proof: Some(Proof::Exist(proof)) }
}

fn word<T>(judged: Result<T, crate::Refusal>) -> String {
    judged.map_or_else(|refusal| refusal.rule.name().to_string(), |_| "proven".to_string())
}

/// The proof of the third key, its first part changed.
fn changed(change: impl Fn(&mut ExistenceProof)) -> String {
    let state = State::new(&KEYS);
    let mut proof = exist(state.store_proof("ibc", b"f"));
    change(&mut proof);
    let (key, value) = (proof.key.clone(), proof.value.clone());
    let bytes = wire(&[&existence(proof), &state.stores_proof("ibc")]);
    let key = if key.is_empty() { b"f".to_vec() } else { key };
    let value = if value.is_empty() { b"3".to_vec() } else { value };
    word(verify_membership(&state.root(), b"ibc", (&key, &value), &bytes))
}

/// The same of its second part, the store among the stores.
fn changed_store(change: impl Fn(&mut ExistenceProof)) -> String {
    let state = State::new(&KEYS);
    let mut proof = exist(state.stores_proof("ibc"));
    change(&mut proof);
    let bytes = wire(&[&state.store_proof("ibc", b"f"), &existence(proof)]);
    word(verify_membership(&state.root(), b"ibc", (b"f", b"3"), &bytes))
}

fn absent(key: &[u8], change: impl Fn(&mut NonExistenceProof)) -> String {
    let state = State::new(&KEYS);
    let Some(Proof::Nonexist(mut proof)) = state.store_proof("ibc", key).proof else { panic!("{key:?} is there") };
    change(&mut proof);
    let key = proof.key.clone();
    let proof = CommitmentProof { proof: Some(Proof::Nonexist(proof)) };
    word(verify_absence(&state.root(), b"ibc", &key, &wire(&[&proof, &state.stores_proof("ibc")])))
}

fn of_key(key: &[u8]) -> ExistenceProof {
    exist(State::new(&KEYS).store_proof("ibc", key))
}

#[test]
fn refuses_p1_paths_to_something_else() {
    assert_eq!(changed(|_| ()), "proven");
    let both = |proof: &mut ExistenceProof| {
        for step in &mut proof.path {
            step.prefix.extend([7; 33]);
            step.suffix = [vec![32], vec![9; 32]].concat();
        }
    };
    assert_eq!(changed(both), "proof-step");
    let empty = InnerOp { hash: HashOp::Sha256.into(), prefix: Vec::new(), suffix: Vec::new() };
    assert_eq!(changed(|proof| proof.path.push(empty.clone())), "proof-step");
    assert_eq!(changed_store(|proof| proof.path.push(empty.clone())), "proof-step");
    assert_eq!(changed(|proof| drop(proof.path.pop())), "proof-store-root");
    let state = State::new(&KEYS);
    let (inner, outer) = (state.store_proof("ibc", b"f"), state.stores_proof("ibc"));
    let judge = |store: &[u8], key: &[u8], bytes: &[u8]| word(verify_membership(&state.root(), store, (key, b"3"), bytes));
    assert_eq!(judge(b"ibc", b"f", &wire(&[&inner, &outer])), "proven");
    assert_eq!(judge(b"bank", b"f", &wire(&[&inner, &outer])), "proof-key", "another store");
    assert_eq!(judge(b"ibc", b"f", &wire(&[&outer, &inner])), "proof-root", "the parts in the other order");
    // With a value as long as a hash nothing but the shape of its leaf tells a part of the stores from one of a store.
    let long = State::new(&[(b"b", b"1"), (b"f", &[3; 32])]);
    let parts = wire(&[&long.stores_proof("ibc"), &long.store_proof("ibc", b"f")]);
    let swapped = verify_membership(&long.root(), b"ibc", (b"f", &[3; 32]), &parts);
    assert_eq!(word(swapped), "proof-leaf", "the parts in the other order, of a value as long as a root");
    assert_eq!(judge(b"ibc", b"d", &wire(&[&inner, &outer])), "proof-key", "another leaf");
    assert_eq!(judge(b"ibc", b"f", &wire(&[&inner, &state.stores_proof("bank")])), "proof-store-root", "the root of another store");
}

#[test]
fn refuses_p2_nodes_that_no_chain_hashes() {
    let leaf = |change: &dyn Fn(&mut ics23::LeafOp)| changed(|proof| change(proof.leaf.as_mut().unwrap()));
    let step = |change: &dyn Fn(&mut InnerOp)| changed(|proof| change(&mut proof.path[0]));
    let stores = |change: &dyn Fn(&mut InnerOp)| changed_store(|proof| change(&mut proof.path[0]));
    // Leaves: height 0, size 1, any version, nothing behind; hashed as the chain does.
    for prefix in [vec![2, 2, 18], vec![0, 4, 18], vec![0, 2, 18, 0], vec![0, 2], vec![], vec![1, 2, 18]] {
        assert_eq!(leaf(&|leaf| leaf.prefix.clone_from(&prefix)), "proof-leaf", "{prefix:?}");
    }
    assert_eq!(leaf(&|leaf| leaf.hash = HashOp::Sha512.into()), "proof-leaf");
    assert_eq!(leaf(&|leaf| leaf.prehash_key = HashOp::Sha256.into()), "proof-leaf");
    assert_eq!(leaf(&|leaf| leaf.prehash_value = HashOp::NoHash.into()), "proof-leaf");
    assert_eq!(leaf(&|leaf| leaf.length = LengthOp::NoPrefix.into()), "proof-leaf");
    assert_eq!(changed(|proof| proof.leaf = None), "proof-leaf");
    assert_eq!(changed_store(|proof| proof.leaf.as_mut().unwrap().prefix = vec![0, 0]), "proof-leaf");
    // Steps: height, size and version not negative, one sibling of 32 bytes at most.
    for numbers in [[1_u8, 4, 18], [4, 1, 18], [4, 4, 1]] {
        assert_eq!(step(&|step| step.prefix[..3].copy_from_slice(&numbers)), "proof-step", "{numbers:?}");
    }
    assert_eq!(step(&|step| step.hash = HashOp::Keccak256.into()), "proof-step");
    assert_eq!(step(&|step| step.prefix.push(0)), "proof-step");
    assert_eq!(step(&|step| step.suffix.push(0)), "proof-step");
    assert_eq!(step(&|step| step.prefix = vec![0, 2, 18]), "proof-step", "a step that begins as a leaf does");
    for prefix in [vec![0], vec![2], vec![], vec![1; 32], [vec![1], vec![7; 33]].concat()] {
        assert_eq!(stores(&|step| step.prefix.clone_from(&prefix)), "proof-step", "{prefix:?}");
    }
    assert_eq!(stores(&|step| step.suffix = vec![7; 31]), "proof-step");
    assert_eq!(stores(&|step| (step.prefix, step.suffix) = ([vec![1], vec![7; 32]].concat(), vec![7; 32])), "proof-step");
    assert_eq!(changed(|proof| proof.key.clear()), "proof-empty");
    assert_eq!(changed(|proof| proof.value.clear()), "proof-empty");
}

#[test]
fn refuses_p2_absence_that_is_none() {
    assert_eq!(absent(b"e", |_| ()), "proven");
    let none = |proof: &mut NonExistenceProof| (proof.left, proof.right) = (None, None);
    assert_eq!(absent(b"e", none), "proof-neighbours");
    assert_eq!(absent(b"e", |proof| proof.right = Some(of_key(b"h"))), "proof-absence", "neighbours with a leaf between them");
    assert_eq!(absent(b"e", |proof| proof.left = None), "proof-absence", "a right one alone that is not the first");
    assert_eq!(absent(b"e", |proof| proof.right = None), "proof-absence", "a left one alone that is not the last");
    for key in [b"c".as_slice(), b"d", b"f", b"g"] {
        assert_eq!(absent(b"e", |proof| proof.key = key.to_vec()), "proof-order", "{key:?} is not between them");
    }
    assert_eq!(absent(b"e", |proof| proof.right.clone_from(&proof.left)), "proof-neighbours");
    let elsewhere = State::new(&[(b"d", b"2"), (b"f", b"9")]);
    let other = |proof: &mut NonExistenceProof| proof.right = Some(exist(elsewhere.store_proof("ibc", b"f")));
    assert_eq!(absent(b"e", other), "proof-store-root", "neighbours under two roots");
    let kind = |proof: &mut NonExistenceProof| proof.left.as_mut().unwrap().path[0].hash = HashOp::NoHash.into();
    assert_eq!(absent(b"e", kind), "proof-step");
}

#[test]
fn refuses_p3_no_other_specification_than_the_pinned_ones() {
    for tree in [Tree::Store, Tree::Stores] {
        let inner = tree.spec().inner_spec.unwrap();
        assert!(inner.child_size >= 1 && inner.min_prefix_length >= 1);
        assert!(inner.max_prefix_length < inner.min_prefix_length + inner.child_size, "{tree:?} is sound");
        assert_eq!((inner.child_order, inner.empty_child), (vec![0, 1], Vec::new()));
    }
    // A proof of one tree is none of the other, whatever it would hash to.
    let state = State::new(&KEYS);
    let stores = state.stores_proof("ibc");
    let bytes = wire(&[&stores, &stores]);
    assert_eq!(word(verify_membership(&state.root(), b"ibc", (b"ibc", &state.store_root("ibc")), &bytes)), "proof-leaf");
}

#[test]
fn refuses_p4_paths_too_deep_and_nodes_too_low() {
    let lengthen = |to: usize| {
        move |proof: &mut ExistenceProof| {
            let step = |height: usize| InnerOp {
                hash: HashOp::Sha256.into(),
                prefix: [crate::fixtures::head(&[height as i64, 2, 9]), vec![32]].concat(),
                suffix: [vec![32], vec![7; 32]].concat(),
            };
            proof.path.extend((proof.path.len()..to).map(|below| step(below + 1)));
        }
    };
    assert_eq!(changed(lengthen(DEPTH_MAX)), "proof-store-root", "deep enough to be hashed");
    assert_eq!(changed(lengthen(DEPTH_MAX + 1)), "proof-depth");
    let low = |proof: &mut ExistenceProof| proof.path.last_mut().unwrap().prefix[0] = 2;
    assert!(of_key(b"f").path.len() > 1);
    assert_eq!(changed(low), "proof-step", "a height below the layer");
}

#[test]
fn accepts_p4_absence_in_small_trees() {
    for (keys, absent) in [
        (&KEYS[..1], [b"a".as_slice(), b"c"].as_slice()),
        (&KEYS[..2], &[b"a", b"c", b"e"]),
        (&KEYS[..3], &[b"a", b"c", b"e", b"g"]),
        (&KEYS[..], &[b"a", b"c", b"e", b"g", b"i", b"k", b"zz"]),
    ] {
        let state = State::new(keys);
        for key in absent {
            let proof = state.proof("ibc", key);
            assert_eq!(word(verify_absence(&state.root(), b"ibc", key, &proof)), "proven", "{key:?} among {}", keys.len());
            for index in 0..proof.len() {
                let mut changed = proof.clone();
                changed[index] ^= 0x01;
                assert!(verify_absence(&state.root(), b"ibc", key, &changed).is_err(), "{key:?} among {}: byte {index}", keys.len());
            }
        }
    }
}
