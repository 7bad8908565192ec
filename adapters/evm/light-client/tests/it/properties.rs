//! Properties: no input makes a panic, thresholds are what the theory says, parsed headers are what was sealed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use causeway_evm_light_client::fixtures::{HeaderSpec, Random, Trie, World};
use causeway_evm_light_client::predicates::{overlap_of, quorum_of};
use causeway_evm_light_client::storage::{self, IBCSTORE_STORAGE_SLOT};
use causeway_evm_light_client::trie::{MAX_NODE_BYTES, prove};
use causeway_evm_light_client::{
    EMPTY_ROOT, Header, Held, Kind, NativeRecover, NodeSet, Proven, Verdict, account, compare_held, hash, keccak256, rlp, rules,
    verify_batch, verify_update,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that often look like RLP.
fn rlp_like() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), Just(0x80), Just(0xc0), Just(0xb8), Just(0xf8), Just(0xf9), Just(0xa0), Just(0x94)];
    vec(byte, 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in rlp_like(), more in rlp_like(), key in vec(any::<u8>(), 0..80), indices in vec(any::<u16>(), 0..8)) {
        prop_assert!(Header::parse(Kind::Qbft, &bytes).is_err());
        prop_assert!(Header::parse(Kind::Ibft2, &bytes).is_err());
        let checked = rlp::check(&bytes, rlp::MAX_DEPTH);
        if checked.is_ok() {
            prop_assert!(rlp::exact(&bytes).is_ok());
        }
        let nodes = [bytes.clone(), more.clone()];
        let root = keccak256(&bytes);
        // Hashes are right, so the walk reaches into the arbitrary node.
        drop(prove(&root, &key, &nodes));
        drop(prove(&root, &key, &nodes[..1]));
        drop(NodeSet::new(&nodes).map(|set| set.walk(&root, &key, indices.iter().copied())));
        drop(account::prove_storage_root(&root, &[1; 20], &nodes));
        drop(storage::decode_value(&bytes));
        let item = storage::BatchItem { path: &more, value: None, nodes: &indices };
        drop(verify_batch(&root, &nodes, &[item]));
    }

    #[test]
    fn arbitrary_updates_never_panic(header in rlp_like(), proof in vec(rlp_like(), 0..3), now_s in any::<u64>(), period in any::<u64>()) {
        let world = small();
        let mut params = world.params.clone();
        params.trusting_period_s = period;
        let mut update = world.update(header);
        update.account_proof = proof;
        let verdict = verify_update(&params, &world.trusted, &update, now_s, &NativeRecover::new());
        prop_assert!(matches!(verdict, Verdict::Invalid(_)));
    }

    /// What splits is what the encoder writes: one encoding a value.
    #[test]
    fn rlp_has_one_encoding(bytes in rlp_like()) {
        if let Ok(item) = rlp::exact(&bytes) {
            let mut again = Vec::new();
            if item.is_list { rlp::put_list(&mut again, item.payload) } else { rlp::put_bytes(&mut again, item.payload) }
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn tries_prove_what_they_hold(entries in proptest::collection::btree_map(vec(0_u8..3, 1..5), vec(any::<u8>(), 1..40), 0..40), asked in vec(vec(0_u8..4, 0..6), 1..20)) {
        let mut trie = Trie::new();
        for (key, value) in &entries {
            trie.insert(key, value);
        }
        let root = trie.root();
        for key in asked.iter().chain(entries.keys()) {
            let nodes = if entries.is_empty() { Vec::new() } else { trie.prove(key) };
            let expected = entries.get(key).map_or(Proven::Absent, |value| Proven::Present(value));
            prop_assert_eq!(prove(&root, key, &nodes), Ok(expected));
        }
    }
}

fn small() -> World {
    thread_local!(static WORLD: World = World::new(Kind::Qbft, 4, 1));
    WORLD.with(Clone::clone)
}

#[test]
fn thresholds() {
    let table =
        [(1, 1, 1), (2, 2, 2), (3, 2, 1), (4, 3, 2), (5, 4, 3), (6, 4, 2), (7, 5, 3), (8, 6, 4), (10, 7, 4), (100, 67, 34), (128, 86, 44)];
    for (n, quorum, overlap) in table {
        assert_eq!((quorum_of(n), overlap_of(n)), (quorum, overlap), "{n} validators");
    }
    for n in 1..=128 {
        let faulty = (n - 1) / 3;
        assert!(overlap_of(n) > faulty && overlap_of(n) <= quorum_of(n));
        assert!(2 * quorum_of(n) - n > faulty, "two quorums of {n} share an honest member");
        assert!(n - faulty >= quorum_of(n), "the honest of {n} are a quorum");
    }
    assert_eq!((quorum_of(usize::MAX), overlap_of(0)), (usize::MAX.div_ceil(3), 1));
}

/// Headers of many shapes parse to what was sealed, with the digests that the generator makes in its own way.
#[test]
fn parses_what_was_sealed() {
    let mut random = Random::new(3);
    for kind in [Kind::Qbft, Kind::Ibft2] {
        for n in [1, 3, 4, 9] {
            let world = World::new(kind, n, random.next_u64());
            for _ in 0..30 {
                let trailing = (0..random.below(17)).map(|_| vec![3; random.below(80)]).collect();
                let round = u32::try_from(random.next_u64() >> (32 + random.below(32))).unwrap();
                let spec = HeaderSpec { number: 101 + random.next_u64() % (1 << 62), round, trailing, ..world.spec() };
                let header = spec.seal(world.quorum());
                let parsed = Header::parse(kind, &header).unwrap();
                assert_eq!((parsed.number, parsed.round, &parsed.validators), (spec.number, spec.round, &spec.validators));
                assert_eq!((parsed.seal_digest, parsed.normalised_hash), (spec.seal_digest(), spec.normalised_hash()));
                assert_ne!(parsed.seal_digest, parsed.normalised_hash.map(|byte| !byte));
                let now_s = world.now_s;
                let verdict = verify_update(&world.params, &world.trusted, &world.update(header), now_s, &NativeRecover::new());
                assert!(matches!(verdict, Verdict::Success(state) if state.header_hash == spec.normalised_hash()));
            }
        }
    }
}

/// Every byte of a proof matters: no single flipped bit leaves it valid.
#[test]
fn refuses_p1_every_bit_of_a_proof_counts() {
    let world = small();
    let (path, value) = &world.commitments[0];
    let root = world.storage.root();
    let nodes = world.storage.prove(&storage::trie_key(path));
    for node in 0..nodes.len() {
        for bit in 0..nodes[node].len() * 8 {
            let mut nodes = nodes.clone();
            nodes[node][bit / 8] ^= 1 << (bit % 8);
            assert!(storage::verify_membership(&root, path, value, &nodes).is_err());
        }
    }
}

/// Every bit of a header matters but those that change no fact: the two spellings of v.
#[test]
fn refuses_h7_every_bit_of_a_header_counts() {
    let world = small();
    let recover = NativeRecover::new();
    let valid = world.valid_update();
    let expected = verify_update(&world.params, &world.trusted, &valid, world.now_s, &recover);
    for bit in 0..valid.header.len() * 8 {
        let mut update = valid.clone();
        update.header[bit / 8] ^= 1 << (bit % 8);
        let verdict = verify_update(&world.params, &world.trusted, &update, world.now_s, &recover);
        assert!(!matches!(verdict, Verdict::Success(_)) || verdict == expected, "bit {bit}");
    }
}

#[test]
fn refuses_p10_nesting_beyond_the_bound() {
    let nested = |depth: usize| {
        let mut bytes = vec![0xc0];
        for _ in 1..depth {
            let mut outer = Vec::new();
            rlp::put_list(&mut outer, &bytes);
            bytes = outer;
        }
        bytes
    };
    assert_eq!(rlp::check(&nested(16), 16), Ok(()));
    assert_eq!(rlp::check(&nested(17), 16), Err(rlp::RlpError::TooDeep(16)));
    assert_eq!(rlp::check(&nested(3_000), 16), Err(rlp::RlpError::TooDeep(16)));
    // As many brackets as fit, never closed.
    assert!(rlp::check(&[0xc1; 1_000_000], 16).is_err());
}

#[test]
fn refuses_proofs_beyond_the_bounds() {
    let rule = |result: Result<Proven<'_>, causeway_evm_light_client::Violation>| result.unwrap_err().rule;
    assert_eq!(rule(prove(&[1; 32], &[0; 65], &[vec![1]])), rules::PROOF_TOO_LARGE);
    assert_eq!(rule(prove(&[1; 32], &[0; 32], &[vec![1; MAX_NODE_BYTES + 1]])), rules::PROOF_TOO_LARGE);
    assert_eq!(rule(prove(&[1; 32], &[0; 32], &vec![Vec::<u8>::new(); 65_537])), rules::PROOF_TOO_LARGE);
}

#[test]
fn constants_are_what_they_say() {
    assert_eq!(EMPTY_ROOT, keccak256(&[0x80]));
    assert_eq!(hash::EMPTY_OMMERS, keccak256(&[0xc0]));
    assert_eq!(hash::EMPTY_CODE_HASH, keccak256(&[]));
    // ERC-7201: keccak256(abi.encode(uint256(keccak256(namespace)) - 1)) with the last byte zero.
    let mut name = keccak256(b"ibc.storage.IBCStore");
    assert_ne!(name[31], 0);
    name[31] -= 1;
    let mut slot = keccak256(&name);
    slot[31] = 0;
    assert_eq!(slot, IBCSTORE_STORAGE_SLOT);
    // The worked example of channel-0, sequence 1.
    let path = b"channel-0\x01\0\0\0\0\0\0\0\x01";
    assert_eq!(hex::encode(keccak256(path)), "f12abff5cdc0ca904de170332d1278d1002652e8bd9ed9e103cd2ae10d5465a7");
    assert_eq!(hex::encode(storage::slot_of(path)), "159ac19e1a188a1143a006ecbbdce0e626c08665252d035c98633a7286456057");
}

#[test]
fn paths_have_one_element() {
    assert_eq!(storage::path_of(&[b"path"]), Ok(&b"path"[..]));
    for wrong in [&[][..], &[&b""[..]], &[&b""[..], &b"path"[..]]] {
        assert_eq!(storage::path_of(wrong).unwrap_err().rule, rules::PATH_SHAPE);
    }
}

#[test]
fn refuses_c5_by_normalised_hash_alone() {
    let world = small();
    let state = |spec: &HeaderSpec, signers: &[_]| {
        let update = world.update(spec.seal(signers));
        match verify_update(&world.params, &world.trusted, &update, world.now_s, &NativeRecover::new()) {
            Verdict::Success(state) => state,
            other => panic!("{other:?}"),
        }
    };
    let spec = world.spec();
    let first = state(&spec, world.quorum());
    let other_round = state(&HeaderSpec { round: 9, ..spec.clone() }, &world.keys);
    assert_eq!(compare_held(&first, &other_round), Ok(Held::Same));
    let other_block = state(&HeaderSpec { trailing: Vec::new(), ..spec.clone() }, world.quorum());
    assert!(matches!(compare_held(&first, &other_block), Ok(Held::Conflict(_))));
    let higher = state(&HeaderSpec { number: 111, ..spec }, world.quorum());
    assert_eq!(compare_held(&first, &higher).unwrap_err().rule, rules::MISBEHAVIOUR_HEIGHTS);
}
