//! The trie against alloy's, on random histories of inserts and removals.

use std::collections::BTreeMap;

use alloy::primitives::{B256, U256, keccak256};
use alloy::trie::{Nibbles, proof::verify_proof, root::storage_root_unsorted};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Trie, TrieValue};

impl TrieValue for Vec<u8> {
    fn to_leaf(&self) -> Vec<u8> {
        self.clone()
    }
}

fn value(v: U256) -> Vec<u8> {
    alloy::rlp::encode(v)
}

/// Keys collide in their first nibbles often, so that deep branches and extensions appear.
fn key(rng: &mut ChaCha8Rng) -> B256 {
    let mut key = if rng.random_bool(0.5) { B256::ZERO } else { keccak256(rng.random::<[u8; 4]>()) };
    for _ in 0..rng.random_range(0..3) {
        key[rng.random_range(0..32)] = rng.random_range(0..4) << rng.random_range(0..7);
    }
    key
}

#[test]
fn roots_and_proofs_equal_alloys_through_random_histories() {
    for seed in 0..60u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut trie = Trie::<Vec<u8>>::default();
        let mut model = BTreeMap::<B256, U256>::new();
        for step in 0..rng.random_range(1..300) {
            let k = key(&mut rng);
            if rng.random_bool(0.35) {
                let k = model.keys().nth(rng.random_range(0..=model.len())).copied().unwrap_or(k);
                trie.remove(&k);
                model.remove(&k);
            } else {
                let v = U256::from(rng.random_range(1u64..1 << 40));
                trie.insert(&k, value(v));
                model.insert(k, v);
            }
            if step % 17 == 0 {
                check(&trie, &model, key(&mut rng), seed);
            }
        }
        check(&trie, &model, key(&mut rng), seed);
    }
}

fn check(trie: &Trie<Vec<u8>>, model: &BTreeMap<B256, U256>, absent: B256, seed: u64) {
    let root = trie.root();
    assert_eq!(root, storage_root_unsorted(model.iter().map(|(k, v)| (*k, *v))), "seed {seed}");
    for k in model.keys().take(20).chain([&absent]) {
        let expected = model.get(k).map(|v| value(*v));
        assert_eq!(trie.get(k), expected.as_ref(), "seed {seed}");
        let proof = trie.proof(k);
        if proof.is_empty() {
            assert!(model.is_empty(), "seed {seed}");
            continue;
        }
        verify_proof(root, Nibbles::unpack(k), expected, &proof).unwrap_or_else(|e| panic!("seed {seed}, key {k}: {e}"));
    }
}

#[test]
fn a_clone_keeps_its_root_and_its_proofs_when_the_original_moves_on() {
    let mut trie = Trie::<Vec<u8>>::default();
    let keys: Vec<B256> = (0u64..500).map(|i| keccak256(i.to_be_bytes())).collect();
    for k in &keys {
        trie.insert(k, vec![1]);
    }
    let (old, root) = (trie.clone(), trie.root());
    for k in keys.iter().step_by(2) {
        trie.remove(k);
    }
    trie.insert(&keys[1], vec![2]);
    assert_ne!(trie.root(), root);
    assert_eq!(old.root(), root);
    verify_proof(root, Nibbles::unpack(keys[0]), Some(vec![1]), &old.proof(&keys[0])).unwrap();
    verify_proof(trie.root(), Nibbles::unpack(keys[0]), None, &trie.proof(&keys[0])).unwrap();
}

#[test]
fn removing_everything_gives_the_empty_root() {
    let mut trie = Trie::<Vec<u8>>::default();
    for i in 0u64..64 {
        trie.insert(&keccak256(i.to_be_bytes()), vec![1]);
    }
    for i in 0u64..64 {
        trie.remove(&keccak256(i.to_be_bytes()));
    }
    assert_eq!(trie.root(), alloy::trie::EMPTY_ROOT_HASH);
    assert!(trie.proof(&B256::ZERO).is_empty());
}
