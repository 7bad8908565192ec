//! The pure half of a family: it decides, and does nothing else.

use crate::{EncodedEvidence, Evidence, SubmittedUpdate, TrustedState};
use causeway_types::{Claim, Hash, Packet};

/// A broken rule: which, what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: expected {expected}, found {found}")]
pub struct Violation {
    /// Name of the rule; a bounded label for metrics.
    pub rule: &'static str,
    /// What the rule expects.
    pub expected: String,
    /// What came.
    pub found: String,
}

impl Violation {
    /// A violation of `rule`.
    pub fn new(rule: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { rule, expected: expected.into(), found: found.into() }
    }
}

/// The answer to "may this update be believed?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes; this is what is trusted now.
    Success(TrustedState),
    /// Validly signed, but by too few whom the trusted state knows: an intermediate step is needed.
    NotEnoughTrust {
        /// Trusted signers found.
        found: u64,
        /// Trusted signers needed.
        needed: u64,
    },
    /// No, for ever.
    Invalid(Violation),
}

/// How far a client goes in trusting: the consortium's policy, from configuration, written into the clients that are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientParams {
    /// For how long a verified header is trusted, seconds.
    pub trusting_period_s: u64,
    /// How far ahead of the clock a header may be, seconds.
    pub clock_drift_max_s: u64,
}

/// The verifier of one source chain. Implementations are pure: equal arguments give equal answers.
pub trait LightClient: Send + Sync + std::fmt::Debug {
    /// Type of client that this verifier mirrors, for example `qbft`.
    fn client_type(&self) -> &str;

    /// Judges `update` from `trusted`, at `now_s` (unix seconds, the relay's clock).
    fn verify_update(&self, trusted: &TrustedState, update: &[u8], params: &ClientParams, now_s: u64) -> Verdict;

    /// As [`LightClient::verify_update`], for a client that exists: as strictly as that client will judge, by its own state, where the family has
    /// clients that differ. What passes is trusted here as well.
    fn verify_update_for(
        &self,
        _client_state: &[u8],
        (trusted, update): (&TrustedState, &[u8]),
        params: &ClientParams,
        now_s: u64,
    ) -> Verdict {
        self.verify_update(trusted, update, params, now_s)
    }

    /// Judges the evidence of item `index` for `claim` at the verified height `trusted`.
    ///
    /// # Errors
    /// [`Violation`] naming the broken rule.
    fn verify_claim(&self, trusted: &TrustedState, claim: &Claim, evidence: &Evidence, index: usize) -> Result<(), Violation>;

    /// The chain's own hash of the block that `update` is for. It proves nothing: it is what an operator compares with others, and what
    /// trust on first use pins.
    ///
    /// # Errors
    /// [`Violation`] when the update does not parse.
    fn block_hash(&self, update: &[u8]) -> Result<Hash, Violation>;

    /// Judges the first trusted state against the operator's root of trust: `block_hash` of the header in `update` must equal it.
    ///
    /// # Errors
    /// [`Violation`] naming the broken rule.
    fn verify_root(&self, root_hash: &Hash, update: &[u8]) -> Result<TrustedState, Violation>;

    /// Whether two updates convict the chain: same height, both validly sealed, different blocks.
    ///
    /// # Errors
    /// [`Violation`] naming why they do not.
    fn verify_misbehaviour(&self, trusted: &TrustedState, a: &[u8], b: &[u8], params: &ClientParams) -> Result<(), Violation>;

    /// What a client that holds this height stores for it, hashed; compared with [`crate::ConsensusView::hash`].
    fn consensus_hash(&self, trusted: &TrustedState) -> Hash;

    /// The bytes with which a client of this chain is created on a host of the given encoding.
    ///
    /// # Errors
    /// [`Violation`] when the host encoding is not known to the family.
    fn encode_initial(&self, host_encoding: &str, trusted: &TrustedState, params: &ClientParams) -> Result<Vec<u8>, Violation>;

    /// An update in the form the host takes.
    ///
    /// # Errors
    /// [`Violation`] when the host encoding is not known to the family or the update does not parse.
    fn encode_update(&self, host_encoding: &str, update: &[u8]) -> Result<Vec<u8>, Violation>;

    /// The reverse of [`LightClient::encode_update`], for updates that anybody submitted: in canonical form, with what it builds on. Nothing
    /// is judged.
    ///
    /// # Errors
    /// [`Violation`] for what is no update of this family, and in families that do not read what others submit.
    fn decode_update(&self, _host_encoding: &str, _bytes: &[u8]) -> Result<SubmittedUpdate, Violation> {
        Err(Violation::new("submitted-update", "a family that reads what others submit", self.client_type()))
    }

    /// Evidence in the form the host takes; every item must be [`crate::EvidenceItem::Bytes`].
    ///
    /// # Errors
    /// [`Violation`] when the host encoding is not known to the family or the evidence does not parse.
    fn encode_evidence(&self, host_encoding: &str, evidence: &Evidence) -> Result<EncodedEvidence, Violation>;

    /// Conflicting evidence in the form the host takes.
    ///
    /// # Errors
    /// [`Violation`] when the host encoding is not known to the family or an update does not parse.
    fn encode_misbehaviour(&self, host_encoding: &str, a: &[u8], b: &[u8]) -> Result<Vec<u8>, Violation>;

    /// Who sent each message of a packet that this chain sent, as its application writes it; none where that cannot be read. Only filters use it.
    /// The default reads the applications in use ([`crate::senders`]); a family with others reads its own.
    fn senders(&self, packet: &Packet) -> Vec<Option<String>> {
        crate::senders::senders(packet)
    }
}
