//! Headers as they come: `ibc.lightclients.tendermint.v1.Header`, parsed into bounded values. Nothing is trusted yet.

use crate::refusal::{Refusal, refuse};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use prost::Message;
use tendermint::block::signed_header::SignedHeader;
use tendermint::crypto::default::Sha256 as DefaultSha256;
use tendermint::{Hash, validator};
use tendermint_proto::v0_38::types as pb;

/// Most bytes of a header with both validator sets; a set of a thousand takes about 200 KB.
pub const HEADER_BYTES_MAX: usize = 4 << 20;

/// Most validators of a set. Source: cometbft `types/vote_set.go` `MaxVotesCount`.
pub const VALIDATORS_MAX: usize = 10_000;

/// A height with the revision of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height {
    /// Revision, from the chain id.
    pub revision: u64,
    /// Block height.
    pub number: u64,
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.revision, self.number)
    }
}

/// The revision that a chain id ends in: `name-7` is revision 7; ids without one are of revision 0.
///
/// Source: cosmos/ibc-go `modules/core/02-client/types/height.go` `ParseChainID` and `IsRevisionFormat`.
pub fn revision(chain_id: &str) -> u64 {
    let Some((name, digits)) = chain_id.rsplit_once('-') else { return 0 };
    let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if name.is_empty() || name.ends_with(['-', '\n']) || !canonical { 0 } else { digits.parse().unwrap_or(0) }
}

/// Source: cosmos/ibc-go `proto/ibc/core/client/v1/client.proto`.
#[derive(Clone, Copy, PartialEq, Eq, ::prost::Message)]
pub(crate) struct HeightWire {
    #[prost(uint64, tag = "1")]
    pub(crate) revision_number: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) revision_height: u64,
}

/// Source: cosmos/ibc-go `proto/ibc/lightclients/tendermint/v1/tendermint.proto`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub(crate) struct HeaderWire {
    #[prost(message, optional, tag = "1")]
    pub(crate) signed_header: Option<pb::SignedHeader>,
    #[prost(message, optional, tag = "2")]
    pub(crate) validator_set: Option<pb::ValidatorSet>,
    #[prost(message, optional, tag = "3")]
    pub(crate) trusted_height: Option<HeightWire>,
    #[prost(message, optional, tag = "4")]
    pub(crate) trusted_validators: Option<pb::ValidatorSet>,
}

/// A header, its commit, its validators, and the validators of the height that it builds on. Parsed, not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    pub(crate) signed: SignedHeader,
    pub(crate) validators: validator::Set,
    /// What it builds on; none for a first header.
    pub(crate) trusted: Option<(Height, validator::Set)>,
}

impl Untrusted {
    /// Parses a header.
    ///
    /// # Errors
    /// [`Refusal`]: out of bounds, not protobuf, not in the one canonical encoding, or parts that do not fit each other.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(refuse("header-size", format!("at most {HEADER_BYTES_MAX} bytes"), bytes.len()));
        }
        let wire = HeaderWire::decode(bytes).map_err(|error| refuse("header-encoding", "a header", error))?;
        // Unknown fields, fields out of order and defaults written out are second encodings of the same header.
        if wire.encode_to_vec() != bytes {
            return Err(refuse("header-encoding", "the canonical encoding", "another one"));
        }
        let missing = |what: &'static str| move || refuse("header-encoding", what, "none");
        let validators = validator_set("validators", wire.validator_set.ok_or_else(missing("validators"))?)?;
        let trusted = match (wire.trusted_height, wire.trusted_validators) {
            (None, None) => None,
            (Some(height), Some(validators)) => {
                let height = Height { revision: height.revision_number, number: height.revision_height };
                Some((height, validator_set("trusted validators", validators)?))
            }
            (Some(_), None) => return Err(missing("trusted validators")()),
            (None, Some(_)) => return Err(missing("a trusted height")()),
        };
        let signed = wire.signed_header.ok_or_else(missing("a signed header"))?;
        let votes = signed.commit.as_ref().map_or(0, |commit| commit.signatures.len());
        if votes > VALIDATORS_MAX {
            return Err(refuse("commit-size", format!("at most {VALIDATORS_MAX} votes"), votes));
        }
        absent_votes_are_empty(&signed)?;
        let signed = SignedHeader::try_from(signed).map_err(|error| refuse("header-encoding", "a signed header", error.detail()))?;
        Ok(Self { signed, validators, trusted })
    }

    /// The height of the header.
    pub fn height(&self) -> Height {
        Height { revision: revision(self.signed.header.chain_id.as_str()), number: self.signed.header.height.value() }
    }

    /// The height that must be trusted before; `None` for a first header.
    pub fn trusted_height(&self) -> Option<Height> {
        self.trusted.as_ref().map(|(height, _)| *height)
    }

    /// The chain's hash of the block.
    ///
    /// # Errors
    /// [`Refusal`] when a header hashes to nothing, which is one without validators.
    pub fn block_hash(&self) -> Result<[u8; 32], Refusal> {
        match self.signed.header.hash_with::<DefaultSha256>() {
            Hash::Sha256(hash) => Ok(hash),
            Hash::None => Err(refuse("header-encoding", "a block hash", "none")),
        }
    }
}

/// An absent vote says nothing, so that nothing in it can be changed. Source: cometbft `types/block.go` `CommitSig.ValidateBasic`.
fn absent_votes_are_empty(signed: &pb::SignedHeader) -> Result<(), Refusal> {
    let absent = pb::BlockIdFlag::Absent as i32;
    let votes = signed.commit.iter().flat_map(|commit| &commit.signatures);
    if votes.filter(|vote| vote.block_id_flag == absent).any(|vote| !vote.validator_address.is_empty() || !vote.signature.is_empty()) {
        return Err(refuse("commit-absent-vote", "an absent vote without address and signature", "one with either"));
    }
    Ok(())
}

/// Reads a set as ibc-go does: in the chain's own order, with a proposer that is one of it. Priorities are neither hashed nor signed: here
/// they are zero, so that no byte of a header is without meaning.
fn validator_set(what: &'static str, set: pb::ValidatorSet) -> Result<validator::Set, Refusal> {
    let count = set.validators.len();
    if count == 0 || count > VALIDATORS_MAX {
        return Err(refuse("validators-size", format!("1 to {VALIDATORS_MAX} {what}"), count));
    }
    let total = set.validators.iter().try_fold(0_i64, |sum, validator| sum.checked_add(validator.voting_power));
    if total != Some(set.total_voting_power) {
        return Err(refuse("validators-power", format!("the sum of the {what}"), set.total_voting_power));
    }
    if set.validators.iter().any(|validator| validator.proposer_priority != 0) {
        return Err(refuse("validators-priority", "no proposer priority: it is not signed", what));
    }
    if !set.proposer.as_ref().is_some_and(|proposer| set.validators.contains(proposer)) {
        return Err(refuse("validators-proposer", format!("a proposer among the {what}"), "none"));
    }
    let order: Vec<Vec<u8>> = set.validators.iter().map(|validator| validator.address.clone()).collect();
    let set = validator::Set::try_from(set).map_err(|error| refuse("validators-encoding", what, error.detail()))?;
    let sorted = set.validators().iter().map(|validator| validator.address.as_bytes());
    if !sorted.eq(order.iter().map(Vec::as_slice)) {
        return Err(refuse("validators-order", "by power and address", what));
    }
    let mut addresses: Vec<&[u8]> = order.iter().map(Vec::as_slice).collect();
    addresses.sort_unstable();
    if addresses.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(refuse("validators-duplicate", "every validator once", what.to_string()));
    }
    Ok(set)
}
