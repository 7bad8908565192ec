//! The relay's light client of CometBFT chains: the pure verifier behind the seam's trait.
//!
//! It needs no connection, so that the relayer judges a remote adapter with it. Rules are those of `causeway-cosmos-light-client`; here are
//! the codecs: canonical updates are ibc-go's own headers, canonical evidence its own Merkle proofs, and what a client on an ibc-go host is
//! made of. Called by the engine.

use crate::clients::HOST_ENCODING;
use crate::config::{Config, ConfigError};
use crate::convert::{channel_to, connection_to, height_to, trust_level};
use causeway_adapter::{
    ClientParams, EncodedEvidence, Evidence, EvidenceItem, LightClient, SubmittedUpdate, TrustedState, Verdict, Violation,
};
use causeway_cosmos_light_client as verifier;
use causeway_cosmos_proto::cosmos::ics23::v1 as ics23;
use causeway_cosmos_proto::ibc::core::client::v1::{Height as IbcHeight, MsgCreateClient};
use causeway_cosmos_proto::ibc::core::commitment::v1::MerkleRoot;
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1 as tendermint;
use causeway_cosmos_proto::{any, type_url};
use causeway_types::{Claim, Hash, Height, Packet};
use prost::Message;
use prost_types::{Duration as ProtoDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Part of the trusted power that must sign a header further ahead. Source: ibc-go `light-clients/07-tendermint` `DefaultTrustLevel`.
const TRUST_LEVEL: (u64, u64) = (1, 3);
/// Path under which an upgrade plan leaves the upgraded client. Source: cosmos-sdk `x/upgrade/types/keys.go`.
const UPGRADE_PATH: [&str; 2] = [verifier::UPGRADE_STORE, verifier::UPGRADE_KEY];
const NS_PER_S: u64 = 1_000_000_000;

/// Verifies one CometBFT chain.
#[derive(Debug, Clone)]
pub struct CosmosLightClient {
    chain_id: String,
    store: String,
    unbonding_period_s: u64,
}

impl CosmosLightClient {
    /// The verifier of a chain whose stake unbonds in `unbonding_period_s` seconds: clients of it must trust for less long.
    ///
    /// # Errors
    /// [`ConfigError`] for a configuration that cannot work.
    pub fn new(config: &Config, unbonding_period_s: u64) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { chain_id: config.chain_id.clone(), store: config.store_name.clone(), unbonding_period_s })
    }

    fn params(&self, params: &ClientParams) -> verifier::Params {
        self.params_at(params, TRUST_LEVEL)
    }

    fn params_at(&self, params: &ClientParams, trust_level: (u64, u64)) -> verifier::Params {
        verifier::Params {
            chain_id: self.chain_id.clone(),
            trust_level,
            trusting_period: Duration::from_secs(params.trusting_period_s),
            clock_drift_max: Duration::from_secs(params.clock_drift_max_s),
        }
    }

    fn client_state(&self, latest: Height, params: &ClientParams) -> tendermint::ClientState {
        let seconds = |s: u64| Some(ProtoDuration { seconds: i64::try_from(s).unwrap_or(i64::MAX), nanos: 0 });
        // ibc-go refuses, and compares with, the published specifications: depth 0 stands there for its own maximum.
        #[allow(deprecated, reason = "ibc-go still has the two fields; they must be false")]
        tendermint::ClientState {
            chain_id: self.chain_id.clone(),
            trust_level: Some(tendermint::Fraction { numerator: TRUST_LEVEL.0, denominator: TRUST_LEVEL.1 }),
            trusting_period: seconds(params.trusting_period_s),
            unbonding_period: seconds(self.unbonding_period_s),
            max_clock_drift: seconds(params.clock_drift_max_s),
            frozen_height: Some(IbcHeight { revision_number: 0, revision_height: 0 }),
            latest_height: Some(height_to(latest)),
            proof_specs: vec![iavl_spec(), tendermint_spec()],
            upgrade_path: UPGRADE_PATH.map(str::to_string).to_vec(),
            allow_update_after_expiry: false,
            allow_update_after_misbehaviour: false,
        }
    }
}

impl LightClient for CosmosLightClient {
    fn client_type(&self) -> &str {
        crate::adapter::CLIENT_TYPE
    }

    fn verify_update(&self, trusted: &TrustedState, update: &[u8], params: &ClientParams, now_s: u64) -> Verdict {
        judged(trusted, update, &self.params(params), now_s)
    }

    /// By the client's own trust level: two thirds where it was created with that.
    fn verify_update_for(
        &self,
        client_state: &[u8],
        (trusted, update): (&TrustedState, &[u8]),
        params: &ClientParams,
        now_s: u64,
    ) -> Verdict {
        let any = causeway_cosmos_proto::Any::decode(client_state).map_err(|error| error.to_string());
        let state = any.and_then(|any| causeway_cosmos_proto::unpack::<tendermint::ClientState>(&any).map_err(|error| error.to_string()));
        match state {
            Ok(state) => judged(trusted, update, &self.params_at(params, trust_level(&state)), now_s),
            Err(found) => Verdict::Invalid(Violation::new("client-state", "the state of a Tendermint client", found)),
        }
    }

    fn verify_claim(&self, trusted: &TrustedState, claim: &Claim, evidence: &Evidence, index: usize) -> Result<(), Violation> {
        let state = decode(trusted)?;
        if evidence.height != trusted.height {
            return Err(Violation::new("evidence-height", trusted.height.to_string(), evidence.height.to_string()));
        }
        let (store, path, proof) = (self.store.as_bytes(), claim.path(), item(evidence, index)?);
        let judged = match claim {
            Claim::Commitment { .. } | Claim::Ack { .. } => {
                let value = claim.value().ok_or_else(|| Violation::new("claim-value", "a value", "none"))?;
                verifier::verify_membership(&state.root, store, (&path, &value), proof)
            }
            // ibc-go `modules/core/04-channel/keeper` and `v2/keeper`: a receipt is the byte 1, in IBC v2 the byte 2.
            Claim::Receipt { packet, .. } => {
                let receipt = if matches!(packet, Packet::V2(_)) { [2] } else { [1] };
                verifier::verify_membership(&state.root, store, (&path, &receipt), proof)
            }
            Claim::NotReached { packet } => {
                let (next, proof) = waits_for(packet, proof)?;
                verifier::verify_membership(&state.root, store, (&path, next), proof)
            }
            Claim::Connection { end, .. } => {
                verifier::verify_membership(&state.root, store, (&path, &connection_to(end).encode_to_vec()), proof)
            }
            Claim::Channel { end, .. } => verifier::verify_membership(&state.root, store, (&path, &channel_to(end).encode_to_vec()), proof),
            Claim::NoReceipt { .. } | Claim::NoCommitment { .. } => verifier::verify_absence(&state.root, store, &path, proof),
            Claim::Expired { .. } => {
                return Err(Violation::new("claim-kind", "a claim that this family proves", claim.kind()));
            }
        };
        judged.map_err(violation)
    }

    fn block_hash(&self, update: &[u8]) -> Result<Hash, Violation> {
        untrusted(update)?.block_hash().map_err(violation)
    }

    fn verify_root(&self, root_hash: &Hash, update: &[u8]) -> Result<TrustedState, Violation> {
        let verified = verifier::verify_root(&self.chain_id, root_hash, &untrusted(update)?).map_err(violation)?;
        Ok(seam(&verified))
    }

    fn verify_misbehaviour(&self, trusted: &TrustedState, a: &[u8], b: &[u8], params: &ClientParams) -> Result<(), Violation> {
        verifier::verify_misbehaviour(&self.params(params), &decode(trusted)?, &untrusted(a)?, &untrusted(b)?).map_err(violation)
    }

    fn consensus_hash(&self, trusted: &TrustedState) -> Hash {
        // A state that this crate did not make has no hash that a client could hold.
        decode(trusted).map_or([0; 32], |state| Sha256::digest(consensus_state(&state).encode_to_vec()).into())
    }

    fn encode_initial(&self, host_encoding: &str, trusted: &TrustedState, params: &ClientParams) -> Result<Vec<u8>, Violation> {
        known_encoding(host_encoding)?;
        if params.trusting_period_s >= self.unbonding_period_s {
            let expected =
                format!("less than the unbonding period of {}, {} s: set trusting_period_s", self.chain_id, self.unbonding_period_s);
            return Err(Violation::new("trusting-period", expected, params.trusting_period_s.to_string()));
        }
        let state = decode(trusted)?;
        let create = MsgCreateClient {
            client_state: Some(any(&self.client_state(trusted.height, params))),
            consensus_state: Some(any(&consensus_state(&state))),
            signer: String::new(),
        };
        Ok(create.encode_to_vec())
    }

    fn encode_update(&self, host_encoding: &str, update: &[u8]) -> Result<Vec<u8>, Violation> {
        known_encoding(host_encoding)?;
        untrusted(update)?;
        let any = causeway_cosmos_proto::Any { type_url: type_url::<tendermint::Header>(), value: update.to_vec() };
        Ok(any.encode_to_vec())
    }

    fn decode_update(&self, host_encoding: &str, bytes: &[u8]) -> Result<SubmittedUpdate, Violation> {
        known_encoding(host_encoding)?;
        let wrong = |error: String| Violation::new("header-encoding", "a header", error);
        let any = causeway_cosmos_proto::Any::decode(bytes).map_err(|error| wrong(error.to_string()))?;
        let mut header: tendermint::Header = causeway_cosmos_proto::unpack(&any).map_err(|error| wrong(error.to_string()))?;
        let proposer = header.signed_header.as_ref().and_then(|signed| signed.header.as_ref()).map(|inner| inner.proposer_address.clone());
        // Others write what nobody signs: priorities, sums, any member as proposer. The canonical form has its own.
        header.validator_set = header.validator_set.map(|set| canonical(set, proposer.as_deref()));
        header.trusted_validators = header.trusted_validators.map(|set| canonical(set, None));
        let update = header.encode_to_vec();
        let parsed = untrusted(&update)?;
        let height = |height: verifier::Height| Height { revision: height.revision, number: height.number };
        let trusted = parsed.trusted_height().ok_or_else(|| wrong("no trusted height".to_string()))?;
        Ok(SubmittedUpdate { trusted: height(trusted), height: height(parsed.height()), update })
    }

    fn encode_evidence(&self, host_encoding: &str, evidence: &Evidence) -> Result<EncodedEvidence, Violation> {
        known_encoding(host_encoding)?;
        let each = (0..evidence.each.len()).map(|index| item(evidence, index).map(<[u8]>::to_vec)).collect::<Result<_, _>>()?;
        Ok(EncodedEvidence { height: evidence.height, shared: Vec::new(), each })
    }

    fn encode_misbehaviour(&self, host_encoding: &str, a: &[u8], b: &[u8]) -> Result<Vec<u8>, Violation> {
        known_encoding(host_encoding)?;
        let (first, second) = if untrusted(a)?.height() >= untrusted(b)?.height() { (a, b) } else { (b, a) };
        let header = |bytes: &[u8]| {
            tendermint::Header::decode(bytes).map_err(|error| Violation::new("header-encoding", "a header", error.to_string()))
        };
        #[allow(deprecated, reason = "the message around the evidence names the client")]
        let misbehaviour =
            tendermint::Misbehaviour { client_id: String::new(), header_1: Some(header(first)?), header_2: Some(header(second)?) };
        Ok(any(&misbehaviour).encode_to_vec())
    }
}

fn judged(trusted: &TrustedState, update: &[u8], params: &verifier::Params, now_s: u64) -> Verdict {
    let parsed = decode(trusted).and_then(|state| Ok((state, untrusted(update)?)));
    let (state, header) = match parsed {
        Ok(parsed) => parsed,
        Err(violation) => return Verdict::Invalid(violation),
    };
    match verifier::verify_header(params, &state, &header, now_s.saturating_mul(NS_PER_S)) {
        Ok(verified) => Verdict::Success(seam(&verified)),
        Err(verifier::Judged::NotEnoughTrust { found, needed }) => Verdict::NotEnoughTrust { found, needed },
        Err(verifier::Judged::Refused(refusal)) => Verdict::Invalid(violation(refusal)),
    }
}

pub(crate) fn seam(state: &verifier::Trusted) -> TrustedState {
    TrustedState {
        height: Height { revision: state.height.revision, number: state.height.number },
        time_s: Some(state.time_ns / NS_PER_S),
        block_hash: state.block_hash,
        bytes: state.encode(),
    }
}

pub(crate) fn decode(trusted: &TrustedState) -> Result<verifier::Trusted, Violation> {
    verifier::Trusted::decode(&trusted.bytes).map_err(violation)
}

fn untrusted(update: &[u8]) -> Result<verifier::Untrusted, Violation> {
    verifier::Untrusted::decode(update).map_err(violation)
}

pub(crate) fn violation(refusal: verifier::Refusal) -> Violation {
    Violation::new(refusal.rule.name(), refusal.expected, refusal.found)
}

/// What ibc-go keeps for a height. Source: cosmos/ibc-go `proto/ibc/lightclients/tendermint/v1/tendermint.proto` `ConsensusState`.
fn consensus_state(state: &verifier::Trusted) -> tendermint::ConsensusState {
    let (seconds, nanos) = (state.time_ns / NS_PER_S, state.time_ns % NS_PER_S);
    tendermint::ConsensusState {
        timestamp: Some(Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: i32::try_from(nanos).unwrap_or(0) }),
        root: Some(MerkleRoot { hash: state.root.clone() }),
        next_validators_hash: state.next_validators_hash.to_vec(),
    }
}

fn item(evidence: &Evidence, index: usize) -> Result<&[u8], Violation> {
    match evidence.each.get(index) {
        Some(EvidenceItem::Bytes(bytes)) => Ok(bytes),
        Some(EvidenceItem::NotSo) => Err(Violation::new("evidence-item", "evidence", "the chain says that the claim does not hold")),
        None => Err(Violation::new("evidence-item", format!("item {index}"), format!("{} items", evidence.each.len()))),
    }
}

/// The sequence that an ordered channel waits for, not above the packet's, and the proof behind it.
fn waits_for<'a>(packet: &Packet, item: &'a [u8]) -> Result<(&'a [u8; 8], &'a [u8]), Violation> {
    let missing = || Violation::new("evidence-item", "a sequence and a proof", format!("{} bytes", item.len()));
    let (next, proof) = item.split_first_chunk::<8>().ok_or_else(missing)?;
    if u64::from_be_bytes(*next) > packet.sequence().get() || !matches!(packet, Packet::Classic(_)) {
        return Err(Violation::new("packet-reached", format!("at most {}", packet.sequence()), u64::from_be_bytes(*next).to_string()));
    }
    Ok((next, proof))
}

fn canonical(
    set: causeway_cosmos_proto::tendermint::types::ValidatorSet,
    proposer: Option<&[u8]>,
) -> causeway_cosmos_proto::tendermint::types::ValidatorSet {
    let mut validators = set.validators;
    validators.iter_mut().for_each(|validator| validator.proposer_priority = 0);
    crate::header::validator_set(validators, proposer)
}

fn known_encoding(host_encoding: &str) -> Result<(), Violation> {
    if host_encoding == HOST_ENCODING {
        return Ok(());
    }
    Err(Violation::new("host-encoding", HOST_ENCODING, host_encoding.chars().take(64).collect::<String>()))
}

/// Source: cosmos/ics23 `go/proof.go` `IavlSpec`.
fn iavl_spec() -> ics23::ProofSpec {
    ics23::ProofSpec {
        leaf_spec: Some(leaf()),
        inner_spec: Some(inner(4, 12)),
        max_depth: 0,
        min_depth: 0,
        prehash_key_before_comparison: false,
    }
}

/// Source: cosmos/ics23 `go/proof.go` `TendermintSpec`.
fn tendermint_spec() -> ics23::ProofSpec {
    ics23::ProofSpec { inner_spec: Some(inner(1, 1)), ..iavl_spec() }
}

fn leaf() -> ics23::LeafOp {
    ics23::LeafOp {
        hash: ics23::HashOp::Sha256.into(),
        prehash_key: ics23::HashOp::NoHash.into(),
        prehash_value: ics23::HashOp::Sha256.into(),
        length: ics23::LengthOp::VarProto.into(),
        prefix: vec![0],
    }
}

fn inner(min_prefix_length: i32, max_prefix_length: i32) -> ics23::InnerSpec {
    ics23::InnerSpec {
        child_order: vec![0, 1],
        child_size: if min_prefix_length == 4 { 33 } else { 32 },
        min_prefix_length,
        max_prefix_length,
        empty_child: Vec::new(),
        hash: ics23::HashOp::Sha256.into(),
    }
}
