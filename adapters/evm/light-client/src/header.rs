//! QBFT and IBFT 2.0 headers: structure, seal digest and normalised hash.
//!
//! Parsing checks the structure (canonical RLP, sizes, ranges, the five parts of the extra data) and nothing that depends on meaning:
//! that is [`predicates`](crate::predicates). Formats: evm-formats.md section 1, permissioned.md section 1. Called by
//! [`client`](crate::client), and by the adapter to read a header it fetched.

use alloc::vec::Vec;

use crate::hash::{Address, Hash, keccak256};
use crate::rlp::{self, Item, RlpError};
use crate::rules::{self, Violation, ensure};

/// Longest header that is looked at, in bytes.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Most validators a header may name.
pub const MAX_VALIDATORS: usize = 128;
/// Fields every header has, parentHash to nonce.
pub const BASE_FIELDS: usize = 15;
/// Most fields a header may have: the base and 16 that later forks append.
pub const MAX_FIELDS: usize = 31;
/// Length of a seal: r, s, v.
pub const SEAL_BYTES: usize = 65;

/// Position of the extra data.
const EXTRA_DATA: usize = 12;
/// RLP of the empty list.
const EMPTY_LIST: u8 = 0xc0;
/// RLP of the integer zero.
const ZERO: u8 = 0x80;

/// How a chain seals its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// QBFT (Besu, GoQuorum).
    Qbft,
    /// IBFT 2.0 (Besu).
    Ibft2,
}

/// A header whose structure is sound. Nothing in it is trusted before [`verify_update`](crate::client::verify_update) accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How it is sealed.
    pub kind: Kind,
    /// Block number, below 2^63.
    pub number: u64,
    /// Time in seconds, below 2^63.
    pub timestamp_s: u64,
    /// Hash of the parent.
    pub parent_hash: Hash,
    /// Root of the state trie after the block.
    pub state_root: Hash,
    /// Hash of the list of ommers.
    pub ommers_hash: Hash,
    /// The proposer.
    pub beneficiary: Address,
    /// Difficulty; `None` when it is wider than 64 bits.
    pub difficulty: Option<u64>,
    /// The BFT constant.
    pub mix_hash: Hash,
    /// The nonce.
    pub nonce: [u8; 8],
    /// The validators who may seal this block, in header order.
    pub validators: Vec<Address>,
    /// The round in which it was sealed.
    pub round: u32,
    /// The seals: r, s, v, 65 bytes each.
    pub seals: Vec<[u8; SEAL_BYTES]>,
    /// What the seals sign.
    pub seal_digest: Hash,
    /// The chain's block hash: the same for every round and every set of seals of one block.
    pub normalised_hash: Hash,
}

/// The parts of the extra data.
struct Extra<'a> {
    vanity: Item<'a>,
    validators: Item<'a>,
    vote: Item<'a>,
    round: Item<'a>,
    seals: Item<'a>,
}

impl Header {
    /// Parses a header with its seals.
    ///
    /// # Errors
    /// `header-too-large`, `header-rlp`, `header-fields`, `extra-data`, `validators-too-many`, `round-encoding`, `seal-length`.
    pub fn parse(kind: Kind, bytes: &[u8]) -> Result<Self, Violation> {
        ensure(bytes.len() <= MAX_HEADER_BYTES, rules::HEADER_TOO_LARGE, MAX_HEADER_BYTES, bytes.len())?;
        let items = rlp::exact(bytes).and_then(|top| top.items(MAX_FIELDS)).map_err(header_error)?;
        ensure(items.len() >= BASE_FIELDS, rules::HEADER_FIELDS, BASE_FIELDS, items.len())?;
        for item in &items {
            item.bytes().map_err(header_error)?;
        }
        let field = |index: usize| items.get(index).copied().ok_or_else(|| Violation::new(rules::HEADER_FIELDS, index, "none"));
        for index in [4, 5] {
            fixed::<32>(field(index)?, "a root of 32 bytes")?;
        }
        fixed::<256>(field(6)?, "a bloom of 256 bytes")?;
        for index in [9, 10] {
            uint(field(index)?, 64, "gas of 64 bits")?;
        }
        let difficulty = field(7)?;
        let extra_item = field(EXTRA_DATA)?;
        let extra = Extra::parse(extra_item.payload)?;
        let preimage = |extra_data: &[u8]| preimage_hash(&items, extra_data);
        Ok(Self {
            kind,
            number: uint(field(8)?, 63, "a number of 63 bits")?,
            timestamp_s: uint(field(11)?, 63, "a time of 63 bits")?,
            parent_hash: fixed(field(0)?, "a parent hash of 32 bytes")?,
            state_root: fixed(field(3)?, "a state root of 32 bytes")?,
            ommers_hash: fixed(field(1)?, "an ommers hash of 32 bytes")?,
            beneficiary: fixed(field(2)?, "a beneficiary of 20 bytes")?,
            difficulty: wide_uint(difficulty)?,
            mix_hash: fixed(field(13)?, "a mix hash of 32 bytes")?,
            nonce: fixed(field(14)?, "a nonce of 8 bytes")?,
            validators: extra.validators()?,
            round: extra.round(kind)?,
            seals: extra.seals()?,
            seal_digest: preimage(&extra.sealed_form(kind)),
            normalised_hash: preimage(&extra.normalised_form(kind)),
        })
    }
}

impl<'a> Extra<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Violation> {
        let items = rlp::exact(bytes).and_then(|top| top.items(5)).map_err(extra_error)?;
        let [vanity, validators, vote, round, seals] = items.as_slice() else {
            return Err(Violation::new(rules::EXTRA_DATA, "5 items", items.len()));
        };
        let vanity_len = vanity.bytes().map_err(extra_error)?.len();
        ensure(vanity_len == 32, rules::EXTRA_DATA, "a vanity of 32 bytes", vanity_len)?;
        // A vote is empty or [recipient, type]; it is signed, so only its well-formedness matters here.
        rlp::check(vote.raw, 1).map_err(extra_error)?;
        Ok(Self { vanity: *vanity, validators: *validators, vote: *vote, round: *round, seals: *seals })
    }

    fn validators(&self) -> Result<Vec<Address>, Violation> {
        let items = match self.validators.items(MAX_VALIDATORS) {
            Err(RlpError::TooManyItems(_)) => {
                return Err(Violation::new(rules::VALIDATORS_TOO_MANY, MAX_VALIDATORS, "more"));
            }
            other => other.map_err(extra_error)?,
        };
        let mut validators = Vec::with_capacity(items.len());
        for item in items {
            let address: Option<Address> = item.array().map_err(extra_error)?;
            validators.push(address.ok_or_else(|| Violation::new(rules::EXTRA_DATA, "addresses of 20 bytes", item.payload.len()))?);
        }
        Ok(validators)
    }

    /// QBFT writes a canonical integer. IBFT2 writes four bytes; the empty string, which some encoders write for round 0, is accepted.
    fn round(&self, kind: Kind) -> Result<u32, Violation> {
        let wrong = |expected: &str, found: RlpError| Violation::new(rules::ROUND_ENCODING, expected, found);
        match kind {
            Kind::Qbft => {
                let round = self.round.uint(32).map_err(|error| wrong("a canonical integer of 32 bits", error))?;
                u32::try_from(round).map_err(|_| Violation::new(rules::ROUND_ENCODING, "32 bits", round))
            }
            Kind::Ibft2 => {
                let bytes = self.round.bytes().map_err(|error| wrong("4 bytes", error))?;
                if bytes.is_empty() {
                    return Ok(0);
                }
                let fixed: [u8; 4] = bytes.try_into().map_err(|_| Violation::new(rules::ROUND_ENCODING, "4 bytes", bytes.len()))?;
                Ok(u32::from_be_bytes(fixed))
            }
        }
    }

    fn seals(&self) -> Result<Vec<[u8; SEAL_BYTES]>, Violation> {
        // The header's size bounds their number.
        let items = self.seals.items(MAX_HEADER_BYTES).map_err(extra_error)?;
        let mut seals = Vec::with_capacity(items.len());
        for item in items {
            let seal: Option<[u8; SEAL_BYTES]> = item.array().map_err(extra_error)?;
            seals.push(seal.ok_or_else(|| Violation::new(rules::SEAL_LENGTH, SEAL_BYTES, item.payload.len()))?);
        }
        Ok(seals)
    }

    /// The extra data that the seals sign: QBFT empties the seals, IBFT2 leaves them out.
    fn sealed_form(&self, kind: Kind) -> Vec<u8> {
        let mut payload = self.common();
        payload.extend_from_slice(self.round.raw);
        if kind == Kind::Qbft {
            payload.push(EMPTY_LIST);
        }
        list(&payload)
    }

    /// The extra data of the block hash: QBFT writes round 0 and no seals, IBFT2 leaves both out.
    fn normalised_form(&self, kind: Kind) -> Vec<u8> {
        let mut payload = self.common();
        if kind == Kind::Qbft {
            payload.extend_from_slice(&[ZERO, EMPTY_LIST]);
        }
        list(&payload)
    }

    fn common(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        for item in [self.vanity, self.validators, self.vote] {
            payload.extend_from_slice(item.raw);
        }
        payload
    }
}

/// Hash of the header with other extra data; every other field, trailing ones included, is taken as it came.
fn preimage_hash(items: &[Item<'_>], extra_data: &[u8]) -> Hash {
    let mut payload = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if index == EXTRA_DATA {
            rlp::put_bytes(&mut payload, extra_data);
        } else {
            payload.extend_from_slice(item.raw);
        }
    }
    keccak256(&list(&payload))
}

fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(9));
    rlp::put_list(&mut out, payload);
    out
}

fn fixed<const N: usize>(item: Item<'_>, expected: &str) -> Result<[u8; N], Violation> {
    item.array().map_err(header_error)?.ok_or_else(|| Violation::new(rules::HEADER_FIELDS, expected, item.payload.len()))
}

fn uint(item: Item<'_>, bits: u32, expected: &str) -> Result<u64, Violation> {
    item.uint(bits).map_err(|error| Violation::new(rules::HEADER_FIELDS, expected, error))
}

/// A canonical integer of at most 256 bits; `None` when it does not fit 64.
fn wide_uint(item: Item<'_>) -> Result<Option<u64>, Violation> {
    match item.uint(64) {
        Ok(value) => Ok(Some(value)),
        Err(RlpError::IntegerTooWide(_)) if item.payload.len() <= 32 => Ok(None),
        Err(error) => Err(Violation::new(rules::HEADER_FIELDS, "an integer of 256 bits", error)),
    }
}

/// Faults of shape are `header-fields`, faults of encoding `header-rlp`.
fn header_error(error: RlpError) -> Violation {
    let rule = match error {
        RlpError::TooManyItems(_) | RlpError::ExpectedBytes => rules::HEADER_FIELDS,
        _ => rules::HEADER_RLP,
    };
    Violation::new(rule, "a canonical list of 15 to 31 byte strings", error)
}

fn extra_error(error: RlpError) -> Violation {
    Violation::new(rules::EXTRA_DATA, "a canonical list of vanity, validators, vote, round, seals", error)
}
