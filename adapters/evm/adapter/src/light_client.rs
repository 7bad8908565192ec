//! The relay's light client of QBFT and IBFT2 chains: the pure verifier behind the seam's trait.
//!
//! It needs no connection, so that the relayer judges a remote adapter with it. Rules are those of `causeway-evm-light-client`;
//! here are the codecs: the ABI forms of docs/evm-formats.md section 3, which canonical and host form share, and the bytes of a
//! trusted state. Called by the engine.

use crate::config::{Config, ConfigError};
use crate::nodes::{NodeList, path_indices};
use crate::submitted;
use alloy::primitives::Address;
use alloy::sol_types::SolValue;
use alloy::sol_types::abi::AbiDecoderConfig;
use causeway_adapter::{
    ClientParams, EncodedEvidence, Evidence, EvidenceItem, LightClient, SubmittedUpdate, TrustedState, Verdict, Violation,
};
use causeway_evm_contracts::abi;
use causeway_evm_light_client as verifier;
use causeway_types::{Claim, Hash, Height, Packet};

#[cfg(test)]
mod tests;
mod trusted;

/// The one encoding of evidence that clients on EVM hosts take.
pub const HOST_ENCODING: &str = "evm-abi-v1";

/// Verifies one EVM chain.
#[derive(Debug, Clone)]
pub struct EvmLightClient {
    kind: verifier::Kind,
    client_type: &'static str,
    chain_id: u64,
    router: Address,
    recoverer: Address,
    recover: verifier::NativeRecover,
}

impl EvmLightClient {
    /// The verifier of the configured chain.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration names no router.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            kind: config.client_kind.into(),
            client_type: config.client_kind.client_type(),
            chain_id: config.chain_id,
            router: config.router()?,
            recoverer: config.recoverer.unwrap_or_default(),
            recover: verifier::NativeRecover::new(),
        })
    }

    fn params(&self, params: &ClientParams) -> verifier::ClientParams {
        verifier::ClientParams {
            kind: self.kind,
            router: self.router.into_array(),
            trusting_period_s: params.trusting_period_s,
            max_clock_drift_s: params.clock_drift_max_s,
        }
    }

    fn seam(&self, state: &verifier::TrustedState) -> TrustedState {
        TrustedState {
            height: Height::new(state.height),
            time_s: Some(state.timestamp_s),
            block_hash: state.header_hash,
            bytes: trusted::encode(state),
        }
    }
}

impl From<crate::config::ClientKind> for verifier::Kind {
    fn from(kind: crate::config::ClientKind) -> Self {
        match kind {
            crate::config::ClientKind::Qbft => Self::Qbft,
            crate::config::ClientKind::Ibft2 => Self::Ibft2,
        }
    }
}

/// What `consensus()` reports of a contract and [`LightClient::consensus_hash`] of a verified state: keccak of the ABI form.
pub(crate) fn consensus_hash(state: &abi::ConsensusState) -> Hash {
    alloy::primitives::keccak256(state.abi_encode()).0
}

fn consensus_state(state: &verifier::TrustedState) -> abi::ConsensusState {
    abi::ConsensusState {
        timestamp: state.timestamp_s,
        storageRoot: state.storage_root.into(),
        validatorsHash: state.validators_hash.into(),
    }
}

/// Height and state of a client contract that holds a verified state.
pub(crate) fn consensus_of(trusted: &TrustedState) -> Result<(u64, abi::ConsensusState), Violation> {
    let state = trusted::decode(&trusted.bytes)?;
    Ok((state.height, consensus_state(&state)))
}

fn violation(violation: verifier::Violation) -> Violation {
    Violation::new(violation.rule(), violation.expected, violation.found)
}

/// Parses an update; it must be the canonical encoding, so that one update has one form.
pub(crate) fn decode_update(bytes: &[u8]) -> Result<(abi::Update, verifier::Update), Violation> {
    // Strict: entries that share their bytes would make a short input fill the memory.
    let update = abi::Update::abi_decode_with_config(bytes, AbiDecoderConfig::new().strict(true))
        .map_err(|error| Violation::new("update-encoding", "abi.encode(Update)", error.to_string()))?;
    if update.abi_encode() != bytes {
        return Err(Violation::new("update-encoding", "the canonical encoding", "another encoding of the same update"));
    }
    let parsed = verifier::Update {
        trusted_height: update.trustedHeight,
        trusted_validators: update.trustedValidators.iter().map(|address| address.into_array()).collect(),
        header: update.header.to_vec(),
        account_proof: update.accountProof.iter().map(|node| node.to_vec()).collect(),
    };
    Ok((update, parsed))
}

fn known_encoding(host_encoding: &str) -> Result<(), Violation> {
    if host_encoding == HOST_ENCODING {
        return Ok(());
    }
    Err(Violation::new("host-encoding", HOST_ENCODING, host_encoding.chars().take(64).collect::<String>()))
}

fn item(evidence: &Evidence, index: usize) -> Result<&[u8], Violation> {
    match evidence.each.get(index) {
        Some(EvidenceItem::Bytes(bytes)) => Ok(bytes),
        Some(EvidenceItem::NotSo) => Err(Violation::new("evidence-item", "evidence", "the chain says that the claim does not hold")),
        None => Err(Violation::new("evidence-item", format!("item {index}"), format!("{} items", evidence.each.len()))),
    }
}

impl LightClient for EvmLightClient {
    fn client_type(&self) -> &str {
        self.client_type
    }

    fn verify_update(&self, trusted: &TrustedState, update: &[u8], params: &ClientParams, now_s: u64) -> Verdict {
        let parsed = trusted::decode(&trusted.bytes).and_then(|state| Ok((state, decode_update(update)?.1)));
        let (state, mut update) = match parsed {
            Ok(parsed) => parsed,
            Err(violation) => return Verdict::Invalid(violation),
        };
        // The update of `ChainAdapter::root` names no trusted height: it is judged from the state at hand. It never goes to a host.
        if update.trusted_height == 0 {
            update.trusted_height = state.height;
            update.trusted_validators.clone_from(&state.validators);
        }
        match verifier::verify_update(&self.params(params), &state, &update, now_s, &self.recover) {
            verifier::Verdict::Success(state) => Verdict::Success(self.seam(&state)),
            verifier::Verdict::NotEnoughTrust { found, needed } => Verdict::NotEnoughTrust { found: found as u64, needed: needed as u64 },
            verifier::Verdict::Invalid(broken) => Verdict::Invalid(violation(broken)),
        }
    }

    fn verify_claim(&self, trusted: &TrustedState, claim: &Claim, evidence: &Evidence, index: usize) -> Result<(), Violation> {
        let state = trusted::decode(&trusted.bytes)?;
        if evidence.height != Height::new(state.height) {
            return Err(Violation::new("evidence-height", state.height.to_string(), evidence.height.to_string()));
        }
        let list = NodeList::new(&evidence.shared)?;
        let path = path_indices(item(evidence, index)?)?;
        let nodes = path.iter().map(|index| list.get(usize::from(*index))).collect::<Result<Vec<_>, _>>()?;
        judge(&state.storage_root, claim, &nodes)
    }

    fn block_hash(&self, update: &[u8]) -> Result<Hash, Violation> {
        let (_, update) = decode_update(update)?;
        verifier::Header::parse(self.kind, &update.header).map(|header| header.normalised_hash).map_err(violation)
    }

    fn verify_root(&self, root_hash: &Hash, update: &[u8]) -> Result<TrustedState, Violation> {
        let (_, mut update) = decode_update(update)?;
        if update.trusted_height != 0 || !update.trusted_validators.is_empty() {
            return Err(Violation::new(
                "root-form",
                "no trusted height and no trusted validators",
                format!("height {}", update.trusted_height),
            ));
        }
        let header = verifier::Header::parse(self.kind, &update.header).map_err(violation)?;
        if header.normalised_hash != *root_hash {
            return Err(Violation::new("root-hash", hex::encode(root_hash), hex::encode(header.normalised_hash)));
        }
        // The operator vouches for the block. That its own validators sealed it is checked as from a parent of the same set, and at
        // its own time, so that every rule of a header holds for the root as well.
        let before = header.number.checked_sub(1).ok_or_else(|| Violation::new("root-form", "a sealed block", "the genesis block"))?;
        let parent = verifier::TrustedState {
            height: before,
            timestamp_s: header.timestamp_s,
            storage_root: header.state_root,
            validators_hash: verifier::validators_hash(&header.validators),
            validators: header.validators.clone(),
            header_hash: header.parent_hash,
        };
        update.trusted_height = before;
        update.trusted_validators = header.validators;
        let params = self.params(&ClientParams { trusting_period_s: u64::MAX, clock_drift_max_s: 0 });
        match verifier::verify_update(&params, &parent, &update, header.timestamp_s, &self.recover) {
            verifier::Verdict::Success(state) => Ok(self.seam(&state)),
            verifier::Verdict::Invalid(broken) => Err(violation(broken)),
            verifier::Verdict::NotEnoughTrust { found, needed } => Err(Violation::new("overlap", needed.to_string(), found.to_string())),
        }
    }

    fn verify_misbehaviour(&self, trusted: &TrustedState, a: &[u8], b: &[u8], params: &ClientParams) -> Result<(), Violation> {
        let state = trusted::decode(&trusted.bytes)?;
        let (a, b) = (decode_update(a)?.1, decode_update(b)?.1);
        // Old evidence still convicts: it is judged as of the trusted state's own time, so that no clock is needed.
        // A header of the future convicts too: two seals over one height are wrong at any time.
        let mut params = self.params(params);
        params.max_clock_drift_s = u64::MAX;
        verifier::verify_misbehaviour(&params, [&state, &state], [&a, &b], state.timestamp_s, &self.recover).map(|_| ()).map_err(violation)
    }

    fn consensus_hash(&self, trusted: &TrustedState) -> Hash {
        // A state that this client did not make has no hash that a chain could report: that of nothing.
        trusted::decode(&trusted.bytes)
            .map_or_else(|_| alloy::primitives::keccak256([]).0, |state| consensus_hash(&consensus_state(&state)))
    }

    fn encode_initial(&self, host_encoding: &str, trusted: &TrustedState, params: &ClientParams) -> Result<Vec<u8>, Violation> {
        known_encoding(host_encoding)?;
        let state = trusted::decode(&trusted.bytes)?;
        let init = abi::Init {
            clientState: abi::ClientState {
                kind: match self.kind {
                    verifier::Kind::Qbft => 0,
                    verifier::Kind::Ibft2 => 1,
                },
                chainId: self.chain_id,
                router: self.router,
                latestHeight: state.height,
                trustingPeriodSeconds: params.trusting_period_s,
                maxClockDriftSeconds: params.clock_drift_max_s,
                frozen: false,
            },
            consensusState: consensus_state(&state),
            recoverer: self.recoverer,
        };
        Ok(init.abi_encode())
    }

    fn encode_update(&self, host_encoding: &str, update: &[u8]) -> Result<Vec<u8>, Violation> {
        known_encoding(host_encoding)?;
        decode_update(update).map(|_| update.to_vec())
    }

    fn decode_update(&self, host_encoding: &str, bytes: &[u8]) -> Result<SubmittedUpdate, Violation> {
        known_encoding(host_encoding)?;
        let form = || Violation::new("update-encoding", "abi.encode(Update)", format!("{} bytes of another form", bytes.len()));
        let update = submitted::update(bytes).ok_or_else(form)?;
        let header = verifier::Header::parse(self.kind, &update.header).map_err(violation)?;
        let (trusted, height) = (Height::new(update.trustedHeight), Height::new(header.number));
        Ok(SubmittedUpdate { trusted, height, update: update.abi_encode() })
    }

    fn encode_evidence(&self, host_encoding: &str, evidence: &Evidence) -> Result<EncodedEvidence, Violation> {
        known_encoding(host_encoding)?;
        let list = NodeList::new(&evidence.shared)?;
        let each = (0..evidence.each.len()).map(|index| {
            let bytes = item(evidence, index)?;
            for node in path_indices(bytes)? {
                list.get(usize::from(node))?;
            }
            Ok(bytes.to_vec())
        });
        Ok(EncodedEvidence { height: evidence.height, shared: evidence.shared.clone(), each: each.collect::<Result<_, Violation>>()? })
    }

    fn encode_misbehaviour(&self, host_encoding: &str, a: &[u8], b: &[u8]) -> Result<Vec<u8>, Violation> {
        known_encoding(host_encoding)?;
        Ok(abi::Misbehaviour { a: decode_update(a)?.0, b: decode_update(b)?.0 }.abi_encode())
    }
}

/// Judges one claim by its own nodes, root first.
fn judge(storage_root: &Hash, claim: &Claim, nodes: &[&[u8]]) -> Result<(), Violation> {
    let hosted = match claim {
        Claim::NoCommitment { source, .. } => source.client().is_some(),
        _ => matches!(claim.packet(), Some(Packet::V2(_))),
    };
    if !hosted {
        return Err(Violation::new("claim-kind", "a claim of IBC v2", claim.kind()));
    }
    let path = claim.path();
    match claim {
        Claim::Commitment { .. } | Claim::Ack { .. } => {
            let value = claim.value().ok_or_else(|| Violation::new("claim-kind", "a claim with a value", claim.kind()))?;
            verifier::verify_membership(storage_root, &path, &value, nodes).map_err(violation)
        }
        Claim::NoReceipt { .. } | Claim::NoCommitment { .. } => verifier::verify_absence(storage_root, &path, nodes).map_err(violation),
        // The receipt's value is the host's own affair; the canonical form of a value is never zero.
        Claim::Receipt { .. } => {
            let proven = verifier::trie::prove(storage_root, &verifier::storage::trie_key(&path), nodes).map_err(violation)?;
            match proven {
                verifier::Proven::Present(stored) => verifier::storage::decode_value(stored).map(|_| ()).map_err(violation),
                verifier::Proven::Absent => Err(Violation::new("proof-absent", "a receipt", "proof of its absence")),
            }
        }
        Claim::Expired { .. } | Claim::NotReached { .. } | Claim::Connection { .. } | Claim::Channel { .. } => {
            Err(Violation::new("claim-kind", "a claim that this family proves", claim.kind()))
        }
    }
}
