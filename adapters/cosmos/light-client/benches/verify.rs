//! Speed of the verifier: headers of 4, 100 and 175 validators, beside the same votes checked one at a time, and a proof of 10,000 keys.
//!
//! Figures to look at, never asserted. The ratio of the second to the first is what checking votes together gains.

use std::hint::black_box;
use std::time::Duration;

use causeway_cosmos_light_client::fixtures::{Block, KeyKind, State, Validator};
use causeway_cosmos_light_client::{Params, verify_header, verify_membership};
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_consensus::{SigningKey, VerificationKey};

fn headers(criterion: &mut Criterion) {
    let params = Params {
        chain_id: "chain-1".to_owned(),
        trust_level: (1, 3),
        trusting_period: Duration::from_secs(1_000_000),
        clock_drift_max: Duration::from_secs(10),
    };
    for (kind, count) in [(KeyKind::Ed25519, 4), (KeyKind::Ed25519, 100), (KeyKind::Ed25519, 175), (KeyKind::Secp256k1, 100)] {
        let validators = Validator::many(kind, 0, count);
        let (base, next) = (Block::new(5, &validators), Block::new(9, &validators));
        let (trusted, header) = (base.trusted(), next.untrusted(Some(&base)));
        criterion.bench_function(&format!("verify_header, {count} {kind:?} validators"), |bencher| {
            bencher.iter(|| verify_header(black_box(&params), &trusted, black_box(&header), next.time_ns));
        });
    }
}

/// As many ed25519 votes as a header holds, of the length that a vote signs, without anything around them.
fn votes_alone(criterion: &mut Criterion) {
    for count in [100, 175] {
        let votes: Vec<_> = (0..count)
            .map(|seed: u8| {
                let (key, message) = (SigningKey::from([seed; 32]), [seed; 110]);
                (key.verification_key().to_bytes(), message, key.sign(&message))
            })
            .collect();
        criterion.bench_function(&format!("{count} Ed25519 votes one at a time"), |bencher| {
            bencher.iter(|| {
                black_box(&votes).iter().all(|(key, message, signature)| {
                    VerificationKey::try_from(*key).is_ok_and(|key| key.verify(signature, message).is_ok())
                })
            });
        });
    }
}

fn proofs(criterion: &mut Criterion) {
    let keys: Vec<(Vec<u8>, [u8; 32])> = (0..10_000_u32).map(|at| (at.to_be_bytes().to_vec(), [7; 32])).collect();
    let pairs: Vec<(&[u8], &[u8])> = keys.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
    let state = State::new(&pairs);
    let (root, key) = (state.root(), 4_321_u32.to_be_bytes());
    let proof = state.proof("ibc", &key);
    criterion.bench_function("verify_membership, 10,000 keys", |bencher| {
        bencher.iter(|| verify_membership(black_box(&root), b"ibc", (&key, &[7; 32]), black_box(&proof)));
    });
}

criterion_group!(benches, headers, votes_alone, proofs);
criterion_main!(benches);
