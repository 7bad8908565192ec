//! Headers, commits and validators: from the RPC's JSON to the messages of ibc-go.
//!
//! Nothing is judged here: whether hashes and signatures fit is the light client's to say. Called by [`crate::chain`].

use crate::answers::{Base64, Hex, Num};
use causeway_cosmos_proto::tendermint::{crypto, types, version};
use prost_types::Timestamp;
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// A time as RFC 3339 with `Z`, to nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        timestamp(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a time is not RFC 3339 in UTC"))
    }
}

/// Reads `2026-11-23T02:54:29.534517324Z`; `None` for anything else.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (date, clock) = text.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let number = |text: &str, digits: usize| text.parse::<i64>().ok().filter(|_| text.len() == digits && !text.starts_with(['+', '-']));
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    let mut clock = clock.split(':');
    let (hour, minute, second) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !in_range || date.next().is_some() || clock.next().is_some() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = i32::try_from(number(&format!("{fraction:0<9}"), 9)?).ok()?;
    Some(Timestamp { seconds: days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second, nanos })
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (the usual era arithmetic: years start in March, eras have 400 of them).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `signed_header` of `commit`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SignedHeader {
    header: Header,
    commit: Commit,
}

#[derive(Debug, Clone, Deserialize)]
struct Header {
    version: Version,
    chain_id: String,
    height: Num,
    time: Time,
    #[serde(default)]
    last_block_id: Option<BlockId>,
    last_commit_hash: Hex,
    data_hash: Hex,
    validators_hash: Hex,
    next_validators_hash: Hex,
    consensus_hash: Hex,
    app_hash: Hex,
    last_results_hash: Hex,
    evidence_hash: Hex,
    proposer_address: Hex,
}

#[derive(Debug, Clone, Deserialize)]
struct Version {
    #[serde(default)]
    block: Num,
    #[serde(default)]
    app: Num,
}

#[derive(Debug, Clone, Deserialize)]
struct BlockId {
    hash: Hex,
    parts: Parts,
}

#[derive(Debug, Clone, Deserialize)]
struct Parts {
    total: u32,
    hash: Hex,
}

#[derive(Debug, Clone, Deserialize)]
struct Commit {
    height: Num,
    round: i32,
    block_id: BlockId,
    signatures: Vec<CommitSig>,
}

#[derive(Debug, Clone, Deserialize)]
struct CommitSig {
    block_id_flag: i32,
    validator_address: Hex,
    timestamp: Time,
    #[serde(default)]
    signature: Base64,
}

/// A validator of `validators`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Validator {
    address: Hex,
    pub_key: PubKey,
    voting_power: Num,
}

#[derive(Debug, Clone, Deserialize)]
struct PubKey {
    #[serde(rename = "type")]
    kind: String,
    value: Base64,
}

impl From<BlockId> for types::BlockId {
    fn from(id: BlockId) -> Self {
        Self { hash: id.hash.0, part_set_header: Some(types::PartSetHeader { total: id.parts.total, hash: id.parts.hash.0 }) }
    }
}

impl From<Header> for types::Header {
    fn from(header: Header) -> Self {
        Self {
            version: Some(version::Consensus { block: header.version.block.unsigned(), app: header.version.app.unsigned() }),
            chain_id: header.chain_id,
            height: header.height.0,
            time: Some(header.time.0),
            last_block_id: header.last_block_id.map(Into::into),
            last_commit_hash: header.last_commit_hash.0,
            data_hash: header.data_hash.0,
            validators_hash: header.validators_hash.0,
            next_validators_hash: header.next_validators_hash.0,
            consensus_hash: header.consensus_hash.0,
            app_hash: header.app_hash.0,
            last_results_hash: header.last_results_hash.0,
            evidence_hash: header.evidence_hash.0,
            proposer_address: header.proposer_address.0,
        }
    }
}

impl From<SignedHeader> for types::SignedHeader {
    fn from(signed: SignedHeader) -> Self {
        let signature = |sig: CommitSig| types::CommitSig {
            block_id_flag: sig.block_id_flag,
            validator_address: sig.validator_address.0,
            timestamp: Some(sig.timestamp.0),
            signature: sig.signature.0,
        };
        let commit = types::Commit {
            height: signed.commit.height.0,
            round: signed.commit.round,
            block_id: Some(signed.commit.block_id.into()),
            signatures: signed.commit.signatures.into_iter().map(signature).collect(),
        };
        Self { header: Some(signed.header.into()), commit: Some(commit) }
    }
}

impl TryFrom<Validator> for types::Validator {
    type Error = String;

    fn try_from(validator: Validator) -> Result<Self, String> {
        use crypto::public_key::Sum;
        let key = validator.pub_key;
        let sum = match key.kind.as_str() {
            "tendermint/PubKeyEd25519" => Sum::Ed25519(key.value.0),
            "tendermint/PubKeySecp256k1" => Sum::Secp256k1(key.value.0),
            other => return Err(format!("a validator key of type {}", crate::rpc::short(other))),
        };
        Ok(Self {
            address: validator.address.0,
            pub_key: Some(crypto::PublicKey { sum: Some(sum) }),
            voting_power: validator.voting_power.0,
            // Neither hashed nor signed: the canonical form has none.
            proposer_priority: 0,
        })
    }
}

/// A set as ibc-go reads it. It wants a proposer that is of the set: the one of the header where that is known, else the first.
pub(crate) fn validator_set(validators: Vec<types::Validator>, proposer: Option<&[u8]>) -> types::ValidatorSet {
    let of_header = proposer.and_then(|address| validators.iter().find(|validator| validator.address == address));
    let proposer = of_header.or_else(|| validators.first()).cloned();
    let total_voting_power = validators.iter().fold(0_i64, |sum, validator| sum.saturating_add(validator.voting_power));
    types::ValidatorSet { validators, proposer, total_voting_power }
}
