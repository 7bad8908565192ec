//! ICS-23 proofs of the shared vectors: each is proven, and no byte of one may be changed.

use super::shared;
use crate::proof::{self, MerkleProofWire, Tree, one};
use prost::Message as _;
use serde_json::Value;
use std::println;
use std::vec::Vec;

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn holds(tree: Tree, bytes: &[u8], root: &[u8], (key, value): (&[u8], &[u8])) -> bool {
    let judged = one(bytes).and_then(|proof| match value {
        [] => proof::lacks(tree, root, &proof, key),
        value => proof::holds(tree, root, &proof, (key, value)),
    });
    judged.is_ok()
}

#[test]
fn refuses_p1_any_changed_byte_of_a_proof() {
    let mut mutations = 0;
    for (folder, tree) in [("ics23/iavl", Tree::Store), ("ics23/tendermint", Tree::Stores)] {
        let Some(files) = shared(folder) else { return };
        for (name, file) in files {
            let (proof, root, key, value) = (bytes(&file["proof"]), bytes(&file["root"]), bytes(&file["key"]), bytes(&file["value"]));
            assert!(holds(tree, &proof, &root, (&key, &value)), "{folder}/{name}");
            for index in 0..proof.len() {
                for flip in [0x01, 0x80, 0xff] {
                    let mut changed = proof.clone();
                    changed[index] ^= flip;
                    mutations += 1;
                    assert!(!holds(tree, &changed, &root, (&key, &value)), "{folder}/{name}: byte {index} ^ {flip:#x} is not noticed");
                }
            }
            for length in 0..proof.len() {
                assert!(!holds(tree, &proof[..length], &root, (&key, &value)), "{folder}/{name}: cut to {length}");
            }
        }
    }
    println!("{mutations} mutations");
}

#[test]
fn what_is_not_two_canonical_proofs_is_refused() {
    let root = [1_u8; 32];
    let wire = |proofs: Vec<Vec<u8>>| MerkleProofWire { proofs }.encode_to_vec();
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("none", Vec::new(), "proof-count"),
        ("one", wire(std::vec![Vec::new()]), "proof-count"),
        ("empty ones", wire(std::vec![Vec::new(), Vec::new()]), "proof-kind"),
        ("too many bytes", std::vec![0; crate::PROOF_BYTES_MAX + 1], "proof-size"),
    ];
    for (what, bytes, rule) in cases {
        assert_eq!(crate::verify_membership(&root, b"ibc", (b"key", b"value"), &bytes).unwrap_err().rule.name(), rule, "{what}");
        assert_eq!(crate::verify_absence(&root, b"ibc", b"key", &bytes).unwrap_err().rule.name(), rule, "{what}");
    }
    assert_eq!(crate::verify_membership(&root, b"ibc", (b"key", b""), &[]).unwrap_err().rule.name(), "proof-empty");
}
