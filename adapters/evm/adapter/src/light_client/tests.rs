//! Codecs of the light client: trusted states, encodings of hosts, and that a byte more or less is refused.

use super::*;

fn light_client() -> EvmLightClient {
    let mut config = Config::new(1337, "http://127.0.0.1:1");
    config.router = Some(Address::repeat_byte(1));
    EvmLightClient::new(&config).unwrap()
}

fn state() -> verifier::TrustedState {
    let validators = vec![[1; 20], [2; 20], [3; 20]];
    verifier::TrustedState {
        height: 7,
        timestamp_s: 1_700_000_000,
        storage_root: [4; 32],
        validators_hash: verifier::validators_hash(&validators),
        validators,
        header_hash: [5; 32],
    }
}

/// refuse.md H10: what no verifier made is no trusted state.
#[test]
fn a_trusted_state_comes_back_and_nothing_else_is_one() {
    let bytes = trusted::encode(&state());
    assert_eq!(trusted::decode(&bytes).unwrap(), state());
    for length in 0..bytes.len() {
        let whole_validators = length > 81 && (length - 81) % 20 == 0;
        assert_eq!(trusted::decode(&bytes[..length]).is_ok(), whole_validators, "{length} bytes");
    }
    let mut other = bytes.clone();
    other[0] = 2;
    assert!(trusted::decode(&other).is_err(), "another version");
    assert!(trusted::decode(&[bytes, vec![0; 20 * 200]].concat()).is_err(), "too many validators");
}

#[test]
fn only_the_known_host_encoding_is_served() {
    let client = light_client();
    let trusted = client.seam(&state());
    let params = ClientParams { trusting_period_s: 100, clock_drift_max_s: 5 };
    assert!(client.encode_initial("cosmos-proto", &trusted, &params).is_err());
    assert!(client.encode_update("", &[]).is_err());
    let initial = client.encode_initial(HOST_ENCODING, &trusted, &params).unwrap();
    let init = abi::Init::abi_decode(&initial).unwrap();
    assert_eq!((init.clientState.latestHeight, init.clientState.trustingPeriodSeconds, init.clientState.maxClockDriftSeconds), (7, 100, 5));
    assert_eq!(client.consensus_hash(&trusted), consensus_hash(&init.consensusState));
}

#[test]
fn refuses_p10_update_whose_entries_share_their_bytes() {
    // A list of two nodes, and one in which every entry names the first node: 200 KB that stand for 400 MB.
    let node = vec![9_u8; 100_000];
    let update = abi::Update {
        trustedHeight: 3,
        trustedValidators: vec![],
        header: vec![1, 2, 3].into(),
        accountProof: std::iter::once(node.into()).chain(std::iter::repeat_n(vec![].into(), 4_000)).collect(),
    };
    let mut bytes = update.abi_encode();
    let word = |bytes: &[u8], at: usize| alloy::primitives::U256::from_be_slice(&bytes[at..at + 32]).to::<usize>();
    let list = 32 + word(&bytes, 32 + 3 * 32) + 32;
    let first: [u8; 32] = bytes[list..list + 32].try_into().unwrap();
    for entry in bytes[list..list + 4_001 * 32].chunks_exact_mut(32) {
        entry.copy_from_slice(&first);
    }
    let refusal = decode_update(&bytes).unwrap_err();
    assert_eq!(refusal.rule, "update-encoding");
    // Refused while reading, not after all of it was laid out.
    assert!(!refusal.found.contains("another encoding"), "{}", refusal.found);
}

#[test]
fn updates_have_one_encoding() {
    let update = abi::Update {
        trustedHeight: 3,
        trustedValidators: vec![Address::repeat_byte(2)],
        header: vec![1, 2, 3].into(),
        accountProof: vec![vec![9; 33].into()],
    };
    let bytes = update.abi_encode();
    assert_eq!(decode_update(&bytes).unwrap().0, update);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok((other, _)) = decode_update(&changed) {
            assert_ne!(other, update, "byte {at} went unnoticed");
        }
    }
    assert!(decode_update(&[bytes, vec![0; 32]].concat()).is_err());
}

#[test]
fn a_list_of_nodes_has_one_encoding() {
    let nodes: Vec<alloy::primitives::Bytes> = vec![vec![1; 40].into(), vec![2; 32].into(), vec![].into()];
    let bytes = nodes.abi_encode();
    assert!(NodeList::new(&bytes).is_ok());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let same =
            NodeList::new(&changed).is_ok_and(|list| (0..3).all(|index| list.get(index).is_ok_and(|node| node == nodes[index].as_ref())));
        assert!(!same, "byte {at} went unnoticed");
    }
    assert!(NodeList::new(&[bytes, vec![0; 32]].concat()).is_err());
}
