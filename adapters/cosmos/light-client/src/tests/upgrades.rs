//! What a chain leaves behind for its clients, proven, and everything that it must not be.

use crate::fixtures::{Block, KeyKind, State, Validator};
use crate::{Height, Left, Trusted, upgraded_client_key, upgraded_consensus_key, verify_upgrade};
use prost::Message as _;
use std::string::{String, ToString};
use std::vec::Vec;

const CLIENT: &str = "/ibc.lightclients.tendermint.v1.ClientState";
const CONSENSUS: &str = "/ibc.lightclients.tendermint.v1.ConsensusState";

#[derive(Clone, PartialEq, Eq, ::prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

fn any(type_url: &str, value: Vec<u8>) -> Vec<u8> {
    Any { type_url: type_url.to_string(), value }.encode_to_vec()
}

/// A field of a protobuf message: bytes, a text or a message.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// A client state of a chain at revision and height below 128.
fn client(chain_id: &str, revision: u8, height: u8) -> Vec<u8> {
    [field(1, chain_id.as_bytes()), field(7, &[8, revision, 16, height])].concat()
}

/// A consensus state of second 77.
fn consensus(hash: &[u8]) -> Vec<u8> {
    [field(1, &[8, 77]), field(2, b""), field(3, hash)].concat()
}

/// A chain that ends at height 20 and left these.
fn ended(client: &[u8], consensus: &[u8]) -> (Trusted, State) {
    let state = State::new(&[(b"key", b"value")]).with("upgrade", &upgraded_client_key(20), client).with(
        "upgrade",
        &upgraded_consensus_key(20),
        consensus,
    );
    let last = Block::new(20, &Validator::many(KeyKind::Ed25519, 1, 4)).trusted();
    (Trusted { root: state.root(), ..last }, state)
}

fn judged(last: &Trusted, state: &State, (client, consensus): (&[u8], &[u8])) -> Result<crate::Successor, &'static str> {
    let (client_key, consensus_key) = (upgraded_client_key(20), upgraded_consensus_key(20));
    let (client_proof, consensus_proof) = (state.proof("upgrade", &client_key), state.proof("upgrade", &consensus_key));
    let left = Left { client, consensus, client_proof: &client_proof, consensus_proof: &consensus_proof };
    verify_upgrade(last, left).map_err(|refusal| refusal.rule.name())
}

#[test]
fn the_chain_that_takes_the_place_is_trusted_from_what_the_old_one_left() {
    let (client, consensus) = (any(CLIENT, client("chain-2", 2, 1)), any(CONSENSUS, consensus(&[7; 32])));
    let (last, state) = ended(&client, &consensus);
    let successor = judged(&last, &state, (&client, &consensus)).unwrap();
    let trusted = successor.trusted;
    assert_eq!((successor.chain_id.as_str(), trusted.height), ("chain-2", Height { revision: 2, number: 1 }));
    assert_eq!((trusted.time_ns, trusted.next_validators_hash, trusted.root.as_slice()), (77_000_000_000, [7; 32], &b"sentinel_root"[..]));
    assert_eq!(Trusted::decode(&trusted.encode()).unwrap(), trusted, "it lies in a journal as other states do");
}

#[test]
fn what_was_not_left_is_refused() {
    let (good, hash) = (any(CLIENT, client("chain-2", 2, 1)), any(CONSENSUS, consensus(&[7; 32])));
    let (last, state) = ended(&good, &hash);
    let other = any(CLIENT, client("chain-3", 3, 1));
    assert_eq!(judged(&last, &state, (&other, &hash)).unwrap_err(), "proof-value", "a client that the chain did not leave");
    assert_eq!(judged(&last, &state, (&good, &any(CONSENSUS, consensus(&[8; 32])))).unwrap_err(), "proof-value");
    let elsewhere = Trusted { height: Height { number: 21, ..last.height }, ..last.clone() };
    assert_eq!(judged(&elsewhere, &state, (&good, &hash)).unwrap_err(), "proof-key", "the plan of another height");
    let forged = Trusted { root: std::vec![9; 32], ..last };
    assert_eq!(judged(&forged, &state, (&good, &hash)).unwrap_err(), "proof-root");
    for (what, left, validators, rule) in [
        ("no Tendermint client", any("/ibc.lightclients.wasm.v1.ClientState", Vec::new()), hash.clone(), "upgrade-type"),
        ("no consensus state", good.clone(), any(CLIENT, Vec::new()), "upgrade-type"),
        ("no height", any(CLIENT, field(1, b"chain-2")), hash.clone(), "upgrade-height"),
        ("the same revision, not above", any(CLIENT, client("chain-1", 1, 20)), hash.clone(), "upgrade-height"),
        ("a revision that is not the chain's", any(CLIENT, client("chain-2", 3, 1)), hash.clone(), "upgrade-revision"),
        ("no validators", good.clone(), any(CONSENSUS, consensus(b"")), "upgrade-validators"),
        ("no time", good.clone(), any(CONSENSUS, field(3, &[7; 32])), "upgrade-time"),
        ("bytes that are no message", std::vec![0xff], hash.clone(), "upgrade-encoding"),
    ] {
        let (last, state) = ended(&left, &validators);
        assert_eq!(judged(&last, &state, (&left, &validators)).map(|_| ()), Err(rule), "{what}");
    }
}
