//! Names of the rules and the refusal that carries one.
//!
//! Not the rules themselves, which are in [`predicates`](crate::predicates) and the parsers. The names are those of evm-formats.md
//! section 2; the Solidity client and the metrics use the same. Called by every module that refuses something.

use alloc::string::String;
use core::fmt::Display;

use alloc::string::ToString;

/// A refusal: the rule that was broken, what it wanted and what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {expected}, found {found}")]
pub struct Violation {
    /// Name of the rule, one of [`ALL`].
    pub rule: &'static str,
    /// What the rule wants.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Violation {
    /// A refusal under `rule`.
    pub fn new(rule: &'static str, expected: impl Display, found: impl Display) -> Self {
        Self { rule, expected: expected.to_string(), found: found.to_string() }
    }

    /// Name of the rule.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

/// `Ok` when `holds`, else a refusal under `rule`.
pub(crate) fn ensure(holds: bool, rule: &'static str, expected: impl Display, found: impl Display) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(rule, expected, found)) }
}

/// Lower-case hexadecimal with a 0x prefix, for messages.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("0x")?;
        // A message never quotes more than 64 bytes of somebody else's data.
        for byte in self.0.iter().take(64) {
            write!(f, "{byte:02x}")?;
        }
        if self.0.len() > 64 { f.write_str("…") } else { Ok(()) }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// Every rule's name.
        pub const ALL: &[&str] = &[$($text),*];
    };
}

rules! {
    /// The header or its extra data is not canonical RLP.
    HEADER_RLP = "header-rlp";
    /// A header field is missing, too many, of the wrong kind, of the wrong size, or out of range.
    HEADER_FIELDS = "header-fields";
    /// The header is longer than [`header::MAX_HEADER_BYTES`](crate::header::MAX_HEADER_BYTES).
    HEADER_TOO_LARGE = "header-too-large";
    /// The extra data is not a list of vanity, validators, vote, round, seals.
    EXTRA_DATA = "extra-data";
    /// QBFT with an empty validator list: the set lives in a contract, which is not supported (C9).
    VALIDATOR_CONTRACT_MODE = "validator-contract-mode";
    /// IBFT2 with an empty validator list.
    VALIDATORS_EMPTY = "validators-empty";
    /// One address twice in the header's validators.
    VALIDATORS_DUPLICATE = "validators-duplicate";
    /// More than [`header::MAX_VALIDATORS`](crate::header::MAX_VALIDATORS).
    VALIDATORS_TOO_MANY = "validators-too-many";
    /// The mix hash is not the BFT constant.
    MIX_HASH = "mix-hash";
    /// Difficulty is not one.
    DIFFICULTY = "difficulty";
    /// The block claims ommers.
    OMMERS = "ommers";
    /// The nonce is not zero.
    NONCE = "nonce";
    /// The beneficiary is neither zero nor a validator.
    BENEFICIARY_NOT_VALIDATOR = "beneficiary-not-validator";
    /// The round is not encoded as the protocol does.
    ROUND_ENCODING = "round-encoding";
    /// A seal is not 65 bytes.
    SEAL_LENGTH = "seal-length";
    /// A seal's r, s or v is out of range, s is high, or nothing can be recovered from it.
    SEAL_SIGNATURE = "seal-signature";
    /// A seal recovers to an address outside the header's set.
    SEAL_NOT_VALIDATOR = "seal-not-validator";
    /// Two seals recover to one address.
    SEAL_DUPLICATE = "seal-duplicate";
    /// Fewer than ceil(2n/3) members of the header's own set sealed it.
    QUORUM = "quorum";
    /// Too few members of the trusted set sealed it.
    OVERLAP = "overlap";
    /// The update names a trusted height that is not the one given.
    TRUSTED_HEIGHT_UNKNOWN = "trusted-height-unknown";
    /// The validators given for the trusted height do not hash to the trusted hash.
    TRUSTED_VALIDATORS = "trusted-validators";
    /// The header is not above the trusted height.
    HEIGHT_NOT_NEWER = "height-not-newer";
    /// A new height has too many held ones above it.
    HEIGHT_TOO_OLD = "height-too-old";
    /// The header's time is not after the trusted time.
    TIME_NOT_NEWER = "time-not-newer";
    /// The header's time is ahead of the verifier's by more than the drift.
    TIME_IN_FUTURE = "time-in-future";
    /// The trusted state is older than the trusting period.
    TRUSTING_PERIOD = "trusting-period";
    /// The client is frozen. Raised by those who keep clients, not here.
    CLIENT_FROZEN = "client-frozen";
    /// There is no account proof.
    ACCOUNT_PROOF = "account-proof";
    /// The router's account is absent, or has neither code nor storage (C4).
    ACCOUNT_ABSENT = "account-absent";
    /// The account is not the RLP of nonce, balance, storage root, code hash.
    ACCOUNT_RLP = "account-rlp";
    /// No nodes for a root that is not the empty one.
    PROOF_EMPTY = "proof-empty";
    /// An item names a node that the batch does not hold.
    PROOF_NODE_MISSING = "proof-node-missing";
    /// A node that the walk does not need.
    PROOF_NODE_UNUSED = "proof-node-unused";
    /// A node does not hash to what its parent, or the root, names.
    PROOF_NODE_HASH = "proof-node-hash";
    /// A node is not an RLP list of 2 or 17 items, or an item has the wrong kind.
    PROOF_NODE_RLP = "proof-node-rlp";
    /// A compact path with a wrong flag nibble, a padding that is not zero, or an empty extension.
    PROOF_PATH_ENCODING = "proof-path-encoding";
    /// The proof ends before it shows presence or divergence (P6).
    PROOF_TRUNCATED = "proof-truncated";
    /// A child is embedded with 32 bytes or more, or referred to by something that is no hash (P7).
    PROOF_EMBEDDED_SIZE = "proof-embedded-size";
    /// Presence was claimed and absence is proven.
    PROOF_ABSENT = "proof-absent";
    /// Absence was claimed and presence is proven.
    PROOF_PRESENT = "proof-present";
    /// Another value is proven than the one claimed.
    VALUE_MISMATCH = "value-mismatch";
    /// A stored value is not the canonical RLP of an integer of at most 32 bytes (C6).
    VALUE_ENCODING = "value-encoding";
    /// More nodes, or a larger node, than the bounds allow.
    PROOF_TOO_LARGE = "proof-too-large";
    /// A commitment path is not one element that is not empty.
    PATH_SHAPE = "path-shape";
    /// Both headers of a misbehaviour have one normalised hash (C5).
    MISBEHAVIOUR_SAME = "misbehaviour-same";
    /// The headers of a misbehaviour are of different heights, and their times are in order.
    MISBEHAVIOUR_HEIGHTS = "misbehaviour-heights";
    /// A header that cannot be on the chain of those that are held: another block of a held height, or out of order in time.
    HEADER_CONFLICT = "header-conflict";
}
