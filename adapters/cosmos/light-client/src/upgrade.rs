//! What a chain that ends leaves behind for its clients: the client state and the consensus state from which they follow the chain that takes
//! its place, proven by the root of its last height.
//!
//! Source: cosmos/ibc-go `modules/light-clients/07-tendermint/upgrade.go`, cosmos/cosmos-sdk `x/upgrade/types/keys.go`.

use crate::header::{Height, HeightWire, revision};
use crate::proof::verify_membership;
use crate::refusal::{Refusal, refuse};
use crate::trusted::Trusted;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use prost::Message;
use tendermint_proto::google::protobuf::Timestamp;

/// The store in which a chain keeps its upgrade plan.
pub const UPGRADE_STORE: &str = "upgrade";
/// What the keys of that store begin with.
pub const UPGRADE_KEY: &str = "upgradedIBCState";

/// Root of the state from which a client starts on the new chain: nothing is proven by it. Source: ibc-go `consensus_state.go` `SentinelRoot`.
const SENTINEL_ROOT: &[u8] = b"sentinel_root";
const NS_PER_S: u64 = 1_000_000_000;

/// The two states as the old chain holds them, each with its Merkle proof.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    /// The new chain's client state, `google.protobuf.Any`.
    pub client: &'a [u8],
    /// The new chain's first consensus state, `google.protobuf.Any`.
    pub consensus: &'a [u8],
    /// Proof of the first.
    pub client_proof: &'a [u8],
    /// Proof of the second.
    pub consensus_proof: &'a [u8],
}

/// The chain that takes the place of another, as the old one named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// What it calls itself.
    pub chain_id: String,
    /// What is trusted of it at first. It is no block: its hash is zero, and nothing is proven by its root.
    pub trusted: Trusted,
}

/// Key of the client state that a plan of this height leaves.
pub fn upgraded_client_key(height: u64) -> Vec<u8> {
    format!("{UPGRADE_KEY}/{height}/upgradedClient").into_bytes()
}

/// Key of the consensus state that a plan of this height leaves.
pub fn upgraded_consensus_key(height: u64) -> Vec<u8> {
    format!("{UPGRADE_KEY}/{height}/upgradedConsState").into_bytes()
}

/// Source: protobuf `google/protobuf/any.proto`.
#[derive(Clone, PartialEq, Eq, ::prost::Message)]
struct AnyWire {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// What matters here of `ibc.lightclients.tendermint.v1.ClientState`.
#[derive(Clone, PartialEq, Eq, ::prost::Message)]
struct ClientWire {
    #[prost(string, tag = "1")]
    chain_id: String,
    #[prost(message, optional, tag = "7")]
    latest_height: Option<HeightWire>,
}

/// What matters here of `ibc.lightclients.tendermint.v1.ConsensusState`.
#[derive(Clone, PartialEq, ::prost::Message)]
struct ConsensusWire {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Timestamp>,
    #[prost(bytes = "vec", tag = "3")]
    next_validators_hash: Vec<u8>,
}

/// Judges what a chain left behind, by the root of `last`: the verified height of its upgrade plan.
///
/// # Errors
/// [`Refusal`] naming the broken rule.
pub fn verify_upgrade(last: &Trusted, left: Left<'_>) -> Result<Successor, Refusal> {
    let store = UPGRADE_STORE.as_bytes();
    verify_membership(&last.root, store, (&upgraded_client_key(last.height.number), left.client), left.client_proof)?;
    verify_membership(&last.root, store, (&upgraded_consensus_key(last.height.number), left.consensus), left.consensus_proof)?;
    let client: ClientWire = of_type(left.client, "/ibc.lightclients.tendermint.v1.ClientState")?;
    let consensus: ConsensusWire = of_type(left.consensus, "/ibc.lightclients.tendermint.v1.ConsensusState")?;
    let latest = client.latest_height.ok_or_else(|| refuse("upgrade-height", format!("above {}", last.height), "none"))?;
    let height = Height { revision: latest.revision_number, number: latest.revision_height };
    if height <= last.height {
        return Err(refuse("upgrade-height", format!("above {}", last.height), height));
    }
    let expected = revision(&client.chain_id);
    if height.revision != expected || client.chain_id.is_empty() {
        return Err(refuse("upgrade-revision", format!("{expected}, as in the chain id {}", client.chain_id), height.revision));
    }
    let hash = <[u8; 32]>::try_from(consensus.next_validators_hash.as_slice());
    let next_validators_hash =
        hash.map_err(|_| refuse("upgrade-validators", "a hash of 32 bytes", consensus.next_validators_hash.len()))?;
    let trusted =
        Trusted { height, time_ns: time_ns(consensus.timestamp)?, root: SENTINEL_ROOT.to_vec(), next_validators_hash, block_hash: [0; 32] };
    Ok(Successor { chain_id: client.chain_id, trusted })
}

fn of_type<M: Message + Default>(bytes: &[u8], expected: &str) -> Result<M, Refusal> {
    let any = AnyWire::decode(bytes).map_err(|error| refuse("upgrade-encoding", expected, error))?;
    if any.type_url != expected {
        return Err(refuse("upgrade-type", expected, any.type_url));
    }
    M::decode(any.value.as_slice()).map_err(|error| refuse("upgrade-encoding", expected, error))
}

fn time_ns(time: Option<Timestamp>) -> Result<u64, Refusal> {
    let parts = time.as_ref().and_then(|time| Some((u64::try_from(time.seconds).ok()?, u64::try_from(time.nanos).ok()?)));
    let ns = parts.and_then(|(seconds, nanos)| seconds.checked_mul(NS_PER_S)?.checked_add(nanos));
    ns.ok_or_else(|| refuse("upgrade-time", "a time from 1970 on", format!("{time:?}")))
}
