//! Speed of the native verifier: updates with 4 and with 100 validators, and a batch of 100 storage proofs.
//!
//! Figures to look at, never asserted.

use std::hint::black_box;

use causeway_evm_light_client::fixtures::{Trie, World};
use causeway_evm_light_client::{BatchItem, Kind, NativeRecover, keccak256, rlp, storage, verify_batch, verify_update};
use criterion::{Criterion, criterion_group, criterion_main};

fn updates(criterion: &mut Criterion) {
    let recover = NativeRecover::new();
    for n in [4, 100] {
        let world = World::new(Kind::Qbft, n, 1);
        let update = world.valid_update();
        criterion.bench_function(&format!("verify_update, {n} validators"), |bencher| {
            bencher.iter(|| verify_update(black_box(&world.params), &world.trusted, black_box(&update), world.now_s, &recover));
        });
    }
}

/// 100 commitments among 2,000, over shared nodes.
fn batch(criterion: &mut Criterion) {
    let mut trie = Trie::new();
    let path = |sequence: u64| [b"qbft-0\x01".as_slice(), &sequence.to_be_bytes()].concat();
    for sequence in 0..2_000 {
        let mut value = Vec::new();
        rlp::put_bytes(&mut value, &keccak256(&path(sequence)));
        // A hash may start with a zero byte, which storage would trim; those few items are judged false and cost the same.
        trie.insert(&storage::trie_key(&path(sequence)), &value);
    }
    let mut nodes: Vec<Vec<u8>> = Vec::new();
    let mut claims = Vec::new();
    for sequence in 0..100 {
        let path = path(sequence);
        let indices: Vec<u16> = trie
            .prove(&storage::trie_key(&path))
            .into_iter()
            .map(|node| {
                let index = nodes.iter().position(|known| *known == node).unwrap_or_else(|| {
                    nodes.push(node);
                    nodes.len() - 1
                });
                u16::try_from(index).expect("fewer than 400 nodes")
            })
            .collect();
        let value = keccak256(&path);
        claims.push((path, value, indices));
    }
    let items: Vec<_> = claims.iter().map(|(path, value, nodes)| BatchItem { path, value: Some(*value), nodes }).collect();
    let root = trie.root();
    criterion.bench_function("verify_batch, 100 proofs", |bencher| {
        bencher.iter(|| verify_batch(black_box(&root), black_box(&nodes), black_box(&items)));
    });
}

criterion_group!(benches, updates, batch);
criterion_main!(benches);
