//! Bytes of the fake families: headers, updates, consensus states and evidence, and the hash that stands in for a signature.
//!
//! A "signature" is `sha256(key || digest)`, where the key of validator i of chain c is derived from both and known to all. It is no
//! cryptography, but a verifier really checks it: a changed byte anywhere is refused by the name of a rule.

use crate::Violation;
use causeway_types::Hash;
use prost::Message;
use sha2::{Digest, Sha256};

/// Largest update or evidence that is parsed, bytes.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// A header.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Header {
    #[prost(string, tag = "1")]
    pub(super) chain: String,
    /// Block number, the chain's own.
    #[prost(uint64, tag = "2")]
    pub(super) block: u64,
    /// Client height.
    #[prost(uint64, tag = "3")]
    pub(super) height: u64,
    /// Unix seconds; 0 on a chain without a clock.
    #[prost(uint64, tag = "4")]
    pub(super) time_s: u64,
    #[prost(bytes = "vec", tag = "5")]
    pub(super) parent: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) root: Vec<u8>,
    /// Keys of those who sign this block.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub(super) committee: Vec<Vec<u8>>,
    /// Hash of the next period's committee; empty without periods.
    #[prost(bytes = "vec", tag = "8")]
    pub(super) next_committee: Vec<u8>,
    /// Committee period.
    #[prost(uint64, tag = "9")]
    pub(super) period: u64,
}

impl Header {
    /// The block's hash: what is signed.
    pub(super) fn hash(&self) -> Hash {
        hash(&[b"fake-header", &self.encode_to_vec()])
    }
}

/// A signature by a member of the committee.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Signature {
    #[prost(uint32, tag = "1")]
    pub(super) member: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) bytes: Vec<u8>,
}

/// A header with its signatures: an update.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Update {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub(super) signatures: Vec<Signature>,
    /// The trusted height the update builds on; a hint, checked by nobody but the host that looks it up.
    #[prost(uint64, tag = "3")]
    pub(super) trusted: u64,
}

/// What a client stores for a height.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Consensus {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<Header>,
}

/// The initial state with which a client is created, and the client state a host reports.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ClientState {
    #[prost(string, tag = "1")]
    pub(super) chain: String,
    #[prost(uint64, tag = "2")]
    pub(super) trusting_period_s: u64,
    #[prost(uint64, tag = "3")]
    pub(super) clock_drift_max_s: u64,
    /// Only in initial states: the consensus state to start from.
    #[prost(message, optional, tag = "4")]
    pub(super) consensus: Option<Consensus>,
    /// Only in reported states: the heights it holds, ascending.
    #[prost(uint64, repeated, tag = "5")]
    pub(super) heights: Vec<u64>,
}

/// A statement signed by endorsers: the evidence of a clockless chain.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Statement {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) value: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub(super) signatures: Vec<Signature>,
}

/// Two conflicting updates.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Misbehaviour {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) a: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) b: Vec<u8>,
}

/// sha256 over length-prefixed parts, so that no two lists of parts give the same input.
pub(super) fn hash(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The key of validator `index` of a chain.
pub(super) fn validator_key(chain: &str, index: u64) -> Vec<u8> {
    hash(&[b"fake-validator", chain.as_bytes(), &index.to_be_bytes()]).to_vec()
}

/// A signature.
pub(super) fn sign(key: &[u8], digest: &Hash) -> Vec<u8> {
    hash(&[b"fake-signature", key, digest]).to_vec()
}

/// What endorsers sign for a statement.
pub(super) fn statement_digest(chain: &str, height: u64, path: &[u8], value: &[u8]) -> Hash {
    hash(&[b"fake-statement", chain.as_bytes(), &height.to_be_bytes(), path, value])
}

/// Hash of a committee.
pub(super) fn committee_hash(members: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
    hash(&parts).to_vec()
}

/// Parses canonical bytes: what decodes must encode to the same bytes again, so that there is one form and no unread part.
pub(super) fn decode<M: Message + Default>(what: &'static str, bytes: &[u8]) -> Result<M, Violation> {
    if bytes.len() > BYTES_MAX {
        return Err(Violation::new("encoding-size", format!("{what} of at most {BYTES_MAX} bytes"), bytes.len().to_string()));
    }
    let value = M::decode(bytes).map_err(|error| Violation::new("encoding", what, error.to_string()))?;
    if value.encode_to_vec() != bytes {
        return Err(Violation::new("encoding", format!("{what} in canonical form"), "another form"));
    }
    Ok(value)
}

/// Wraps bytes for a host encoding.
pub(super) fn to_host(encoding: &str, bytes: &[u8]) -> Result<Vec<u8>, Violation> {
    match encoding {
        "fake-plain" => Ok(bytes.to_vec()),
        "fake-wrapped" => Ok([b"wrap".as_slice(), bytes].concat()),
        other => Err(Violation::new("host-encoding", "fake-plain or fake-wrapped", other)),
    }
}

/// The reverse of [`to_host`].
pub(super) fn from_host(encoding: &str, bytes: &[u8]) -> Result<Vec<u8>, Violation> {
    match encoding {
        "fake-plain" => Ok(bytes.to_vec()),
        _ => bytes
            .strip_prefix(b"wrap".as_slice())
            .map(<[u8]>::to_vec)
            .ok_or_else(|| Violation::new("host-encoding", "a wrapped form", "another")),
    }
}
