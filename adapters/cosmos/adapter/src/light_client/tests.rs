//! What clients on hosts are made of.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn light_client() -> CosmosLightClient {
    CosmosLightClient::new(&Config::new("chaina-1", "http://127.0.0.1:1"), 1_000).unwrap()
}

/// Height 1-7 as it lies in a journal: only the verifier makes such a state.
fn trusted() -> TrustedState {
    let hash = |tag: u8, byte: u8| [&[tag, 32][..], &[byte; 32]].concat();
    let time = [&[0x21][..], &5_000_000_001_u64.to_le_bytes()].concat();
    let bytes = [vec![8, 1, 0x10, 1, 0x18, 7], time, hash(0x2a, 1), hash(0x32, 2), hash(0x3a, 3)].concat();
    seam(&verifier::Trusted::decode(&bytes).unwrap())
}

#[test]
fn a_client_that_would_trust_longer_than_stake_is_bound_is_not_made() {
    let params = |trusting_period_s| ClientParams { trusting_period_s, clock_drift_max_s: 10 };
    let refused = light_client().encode_initial(HOST_ENCODING, &trusted(), &params(1_000)).unwrap_err();
    assert_eq!(refused.rule, "trusting-period");
    let bytes = light_client().encode_initial(HOST_ENCODING, &trusted(), &params(999)).unwrap();
    let create = MsgCreateClient::decode(bytes.as_slice()).unwrap();
    let state: tendermint::ClientState = causeway_cosmos_proto::unpack(&create.client_state.unwrap()).unwrap();
    assert_eq!((state.chain_id.as_str(), state.latest_height.unwrap().revision_height), ("chaina-1", 7));
}

#[test]
fn other_hosts_are_refused_by_name() {
    assert_eq!(light_client().encode_update("evm-abi-v1", &[]).unwrap_err().rule, "host-encoding");
}
