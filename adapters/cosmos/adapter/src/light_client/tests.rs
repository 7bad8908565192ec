//! What clients on hosts are made of.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn light_client() -> CosmosLightClient {
    CosmosLightClient::new(&Config::new("chaina-1", "http://127.0.0.1:1"), 1_000).unwrap()
}

fn trusted() -> TrustedState {
    let height = verifier::Height { revision: 1, number: 7 };
    seam(&verifier::Trusted { height, time_ns: 5_000_000_001, root: vec![1; 32], next_validators_hash: [2; 32], block_hash: [3; 32] })
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
