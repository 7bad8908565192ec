//! The verifier of the fake families. Pure. It really checks: committees, quorum, overlap, clocks, Merkle paths, signed statements.

use super::family::FakeFamily;
use super::merkle;
use super::wire::{self, ClientState, Consensus, Header, Misbehaviour, Signature, Statement, Update};
use crate::{
    Absence, ClientParams, EncodedEvidence, Evidence, EvidenceItem, HeaderClock, LightClient, SubmittedUpdate, TrustedState, Verdict,
    Violation,
};
use causeway_types::{Claim, Hash, Height};
use prost::Message;
use std::collections::BTreeSet;

/// The value of a receipt.
pub(super) const RECEIVED: &[u8] = &[2];
/// The value that stands in a receipt's place once a packet is marked expired.
pub(super) const EXPIRED: &[u8] = &[3];

/// The light client of one fake chain.
#[derive(Debug, Clone)]
pub struct FakeLightClient {
    family: FakeFamily,
    chain: String,
}

type Checked<T> = Result<T, Violation>;

impl FakeLightClient {
    /// The light client of the chain that calls itself `chain`.
    pub fn new(family: FakeFamily, chain: impl Into<String>) -> Self {
        Self { family, chain: chain.into() }
    }

    fn height(&self, header: &Header) -> Height {
        Height { revision: self.family.revision(), number: header.height }
    }

    /// The trusted state that a verified header becomes.
    pub(super) fn trust(&self, header: &Header) -> TrustedState {
        let clock = self.family.header_clock() != HeaderClock::None;
        TrustedState {
            height: self.height(header),
            time_s: clock.then_some(header.time_s),
            block_hash: header.hash(),
            bytes: Consensus { header: Some(header.clone()) }.encode_to_vec(),
        }
    }

    /// Rule `chain-id`, `header-form`, and that the header's own committee sealed it.
    fn sealed(&self, update: &[u8]) -> Checked<(Header, Vec<Signature>)> {
        let update: Update = wire::decode("update", update)?;
        let header = update.header.ok_or_else(|| Violation::new("header-form", "a header", "none"))?;
        if header.chain != self.chain {
            return Err(Violation::new("chain-id", self.chain.clone(), header.chain));
        }
        if self.family.client_height(header.block) != self.height(&header) || header.period != self.family.period(header.block) {
            return Err(Violation::new("header-form", "height and period that follow from the block", header.height.to_string()));
        }
        check_signatures("signature", &header.committee, &update.signatures, &header.hash())?;
        Ok((header, update.signatures))
    }

    fn trusted_header(&self, trusted: &TrustedState) -> Checked<Header> {
        let consensus: Consensus = wire::decode("consensus state", &trusted.bytes)?;
        let header = consensus.header.ok_or_else(|| Violation::new("trusted-state", "a header", "none"))?;
        if header.chain == self.chain { Ok(header) } else { Err(Violation::new("chain-id", self.chain.clone(), header.chain)) }
    }

    /// Whether the committee of `header` is one that `trusted` vouches for. `Ok(Some)` names missing overlap.
    fn overlap(&self, trusted: &Header, header: &Header, signatures: &[Signature]) -> Checked<Option<(u64, u64)>> {
        if self.family == FakeFamily::Slotted {
            return committee_follows(trusted, header);
        }
        let known: BTreeSet<&Vec<u8>> = trusted.committee.iter().collect();
        let found =
            signatures.iter().filter_map(|s| header.committee.get(s.member as usize)).filter(|key| known.contains(key)).count() as u64;
        let needed = (trusted.committee.len() as u64) / 3 + 1;
        Ok((found < needed).then_some((found, needed)))
    }

    fn clock_rules(&self, trusted: &Header, header: &Header, params: &ClientParams, now_s: u64) -> Checked<()> {
        if self.family.header_clock() == HeaderClock::None {
            return Ok(());
        }
        if header.time_s < trusted.time_s {
            return Err(Violation::new("time-not-newer", trusted.time_s.to_string(), header.time_s.to_string()));
        }
        if header.time_s > now_s.saturating_add(params.clock_drift_max_s) {
            return Err(Violation::new("time-in-future", now_s.to_string(), header.time_s.to_string()));
        }
        if now_s > trusted.time_s.saturating_add(params.trusting_period_s) {
            return Err(Violation::new("trusting-period", trusted.time_s.to_string(), now_s.to_string()));
        }
        Ok(())
    }

    fn judge(&self, trusted: &TrustedState, update: &[u8], params: &ClientParams, now_s: u64) -> Checked<Verdict> {
        let known = self.trusted_header(trusted)?;
        let (header, signatures) = self.sealed(update)?;
        if header.height <= known.height {
            return Err(Violation::new("height-not-newer", known.height.to_string(), header.height.to_string()));
        }
        self.clock_rules(&known, &header, params, now_s)?;
        // As in CometBFT: who is known of the signers is shown by the update, for the height that it names.
        let shown: Update = wire::decode("update", update)?;
        if self.family == FakeFamily::Lagged && shown.trusted != known.height && header.committee != known.committee {
            return Ok(Verdict::NotEnoughTrust { found: 0, needed: (known.committee.len() as u64) / 3 + 1 });
        }
        if let Some((found, needed)) = self.overlap(&known, &header, &signatures)? {
            return Ok(Verdict::NotEnoughTrust { found, needed });
        }
        Ok(Verdict::Success(self.trust(&header)))
    }

    /// What a claim says stands under its path: a value, or nothing.
    fn expected(&self, claim: &Claim) -> Option<Vec<u8>> {
        match claim {
            Claim::Commitment { .. } | Claim::Ack { .. } => claim.value().map(|hash| hash.to_vec()),
            Claim::Receipt { .. } => Some(RECEIVED.to_vec()),
            Claim::Expired { .. } => Some(EXPIRED.to_vec()),
            Claim::Connection { end, .. } => Some(super::classic::connection_bytes(end)),
            Claim::Channel { end, .. } => Some(super::classic::channel_bytes(end)),
            Claim::NoCommitment { .. } | Claim::NoReceipt { .. } | Claim::NotReached { .. } => None,
        }
    }

    fn verify_statement(&self, header: &Header, path: &[u8], value: &[u8], bytes: &[u8]) -> Checked<()> {
        let statement: Statement = wire::decode("statement", bytes)?;
        if statement.value != value {
            return Err(Violation::new("value-mismatch", hex::encode(value), hex::encode(&statement.value)));
        }
        let digest = wire::statement_digest(&self.chain, header.height, path, value);
        check_signatures("endorsement", &header.committee, &statement.signatures, &digest)
    }
}

/// Rules `quorum`, `signer` and the given name for the signature itself: more than two thirds of the members, each once, every one valid.
fn check_signatures(rule: &'static str, committee: &[Vec<u8>], signatures: &[Signature], digest: &Hash) -> Checked<()> {
    let mut seen = BTreeSet::new();
    for signature in signatures {
        let key =
            committee.get(signature.member as usize).ok_or_else(|| Violation::new("signer", "a member", signature.member.to_string()))?;
        if !seen.insert(key) {
            return Err(Violation::new("signer-duplicate", "each member once", signature.member.to_string()));
        }
        if wire::sign(key, digest) != signature.bytes {
            return Err(Violation::new(rule, "a valid signature", hex::encode(&signature.bytes)));
        }
    }
    let needed = committee.len() * 2 / 3 + 1;
    if seen.len() < needed {
        return Err(Violation::new("quorum", needed.to_string(), seen.len().to_string()));
    }
    Ok(())
}

/// Rule `committee`: the same period's committee, or the one that the trusted header announced for the next.
fn committee_follows(trusted: &Header, header: &Header) -> Checked<Option<(u64, u64)>> {
    let found = wire::committee_hash(&header.committee);
    let expected = match header.period.checked_sub(trusted.period) {
        Some(0) => wire::committee_hash(&trusted.committee),
        Some(1) => trusted.next_committee.clone(),
        _ => return Ok(Some((0, 1))),
    };
    if found == expected { Ok(None) } else { Err(Violation::new("committee", hex::encode(expected), hex::encode(found))) }
}

impl LightClient for FakeLightClient {
    fn client_type(&self) -> &str {
        self.family.client_type()
    }

    fn verify_update(&self, trusted: &TrustedState, update: &[u8], params: &ClientParams, now_s: u64) -> Verdict {
        self.judge(trusted, update, params, now_s).unwrap_or_else(Verdict::Invalid)
    }

    fn verify_claim(&self, trusted: &TrustedState, claim: &Claim, evidence: &Evidence, index: usize) -> Result<(), Violation> {
        let header = self.trusted_header(trusted)?;
        if evidence.height != trusted.height {
            return Err(Violation::new("evidence-height", trusted.height.to_string(), evidence.height.to_string()));
        }
        if evidence.shared != header.root {
            return Err(Violation::new("evidence-shared", hex::encode(&header.root), hex::encode(&evidence.shared)));
        }
        let item =
            evidence.each.get(index).ok_or_else(|| Violation::new("evidence-index", evidence.each.len().to_string(), index.to_string()))?;
        let EvidenceItem::Bytes(bytes) = item else {
            return Err(Violation::new("evidence-item", "bytes", "not so"));
        };
        if let Claim::NotReached { packet } = claim {
            let (next, proof) =
                bytes.split_first_chunk::<8>().ok_or_else(|| Violation::new("evidence-item", "a sequence and a proof", "less"))?;
            if u64::from_be_bytes(*next) > packet.sequence().get() || self.family.absence() != Absence::Provable {
                let found = u64::from_be_bytes(*next).to_string();
                return Err(Violation::new("packet-reached", format!("at most {}", packet.sequence()), found));
            }
            return merkle::verify_member(&header.root, &wire::decode("proof", proof)?, &claim.path(), next);
        }
        let (path, value) = (claim.path(), self.expected(claim));
        match (self.family, value) {
            (FakeFamily::Clockless, Some(value)) => self.verify_statement(&header, &path, &value, bytes),
            (FakeFamily::Clockless | FakeFamily::BlockBound, None) => {
                Err(Violation::new("absence", "a family that proves it", self.client_type()))
            }
            (_, Some(value)) => merkle::verify_member(&header.root, &wire::decode("proof", bytes)?, &path, &value),
            (_, None) => merkle::verify_absent(&header.root, &wire::decode("proof", bytes)?, &path),
        }
    }

    fn block_hash(&self, update: &[u8]) -> Result<Hash, Violation> {
        self.sealed(update).map(|(header, _)| header.hash())
    }

    fn verify_root(&self, root_hash: &Hash, update: &[u8]) -> Result<TrustedState, Violation> {
        let (header, _) = self.sealed(update)?;
        if header.hash() != *root_hash {
            return Err(Violation::new("root-of-trust", hex::encode(root_hash), hex::encode(header.hash())));
        }
        Ok(self.trust(&header))
    }

    fn verify_misbehaviour(&self, trusted: &TrustedState, a: &[u8], b: &[u8], _params: &ClientParams) -> Result<(), Violation> {
        let known = self.trusted_header(trusted)?;
        let ((first, signed_a), (second, signed_b)) = (self.sealed(a)?, self.sealed(b)?);
        if first.height != second.height {
            return Err(Violation::new("misbehaviour-heights", first.height.to_string(), second.height.to_string()));
        }
        if first.hash() == second.hash() {
            return Err(Violation::new("misbehaviour-same", "different blocks", hex::encode(first.hash())));
        }
        // As in ibc-go: each must be one that a client which trusts this height could have believed.
        for bytes in [a, b] {
            let shown: Update = wire::decode("update", bytes)?;
            if self.family == FakeFamily::Lagged && shown.trusted != known.height {
                return Err(Violation::new("misbehaviour-base", known.height.to_string(), shown.trusted.to_string()));
            }
        }
        for (header, signatures) in [(&first, &signed_a), (&second, &signed_b)] {
            if let Some((found, needed)) = self.overlap(&known, header, signatures)? {
                return Err(Violation::new("overlap", needed.to_string(), found.to_string()));
            }
        }
        Ok(())
    }

    fn consensus_hash(&self, trusted: &TrustedState) -> Hash {
        wire::hash(&[b"fake-consensus", &trusted.bytes])
    }

    fn encode_initial(&self, host_encoding: &str, trusted: &TrustedState, params: &ClientParams) -> Result<Vec<u8>, Violation> {
        let state = ClientState {
            chain: self.chain.clone(),
            trusting_period_s: params.trusting_period_s,
            clock_drift_max_s: params.clock_drift_max_s,
            consensus: Some(wire::decode("consensus state", &trusted.bytes)?),
            heights: Vec::new(),
        };
        wire::to_host(host_encoding, &state.encode_to_vec())
    }

    fn encode_update(&self, host_encoding: &str, update: &[u8]) -> Result<Vec<u8>, Violation> {
        let _: Update = wire::decode("update", update)?;
        wire::to_host(host_encoding, update)
    }

    fn decode_update(&self, host_encoding: &str, bytes: &[u8]) -> Result<SubmittedUpdate, Violation> {
        let update = wire::from_host(host_encoding, bytes)?;
        let parsed: Update = wire::decode("update", &update)?;
        let header = parsed.header.ok_or_else(|| Violation::new("encoding", "an update with a header", "none"))?;
        let height = |number: u64| Height { revision: self.family.revision(), number };
        Ok(SubmittedUpdate { trusted: height(parsed.trusted), height: height(header.height), update })
    }

    fn encode_evidence(&self, host_encoding: &str, evidence: &Evidence) -> Result<EncodedEvidence, Violation> {
        let mut each = Vec::with_capacity(evidence.each.len());
        for item in &evidence.each {
            let EvidenceItem::Bytes(bytes) = item else {
                return Err(Violation::new("evidence-item", "bytes", "not so"));
            };
            each.push(wire::to_host(host_encoding, bytes)?);
        }
        Ok(EncodedEvidence { height: evidence.height, shared: wire::to_host(host_encoding, &evidence.shared)?, each })
    }

    fn encode_misbehaviour(&self, host_encoding: &str, a: &[u8], b: &[u8]) -> Result<Vec<u8>, Violation> {
        let _: Update = wire::decode("update", a)?;
        let _: Update = wire::decode("update", b)?;
        wire::to_host(host_encoding, &Misbehaviour { a: a.to_vec(), b: b.to_vec() }.encode_to_vec())
    }
}
