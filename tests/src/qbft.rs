//! QBFT header bytes, rebuilt from a node's JSON answer: the full RLP with seals,
//! the hash that the chain uses as block hash, and what `extraData` says.
//! It judges nothing; the light client under test is written apart from it.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::rlp::{self, Encodable};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

/// Header fields of a Berlin block in hash order, by their JSON names, and how
/// each is written: fixed bytes as they are, quantities without leading zeros.
const FIELDS: [(&str, Form); 15] = [
    ("parentHash", Form::Data),
    ("sha3Uncles", Form::Data),
    ("miner", Form::Data),
    ("stateRoot", Form::Data),
    ("transactionsRoot", Form::Data),
    ("receiptsRoot", Form::Data),
    ("logsBloom", Form::Data),
    ("difficulty", Form::Quantity),
    ("number", Form::Quantity),
    ("gasLimit", Form::Quantity),
    ("gasUsed", Form::Quantity),
    ("timestamp", Form::Quantity),
    ("extraData", Form::Data),
    ("mixHash", Form::Data),
    ("nonce", Form::Data),
];

/// Position of `extraData` among [`FIELDS`].
const EXTRA_DATA: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Data,
    Quantity,
}

/// A header as a node hashed it.
#[derive(Debug, Clone)]
pub struct Header {
    fields: Vec<Vec<u8>>,
    /// What `extraData` holds.
    pub extra: Extra,
    /// The block hash that the node reported.
    pub reported_hash: B256,
}

impl Header {
    /// Reads a block's JSON.
    ///
    /// # Errors
    /// When a field is missing or malformed, or when the header does not hash to
    /// the reported block hash: then these are not the header's bytes.
    pub fn from_block(block: &Value) -> Result<Self> {
        let mut fields = Vec::with_capacity(FIELDS.len());
        for (name, form) in FIELDS {
            let text = block[name].as_str().ok_or_else(|| anyhow!("block has no {name}"))?;
            fields.push(parse(text, form).with_context(|| format!("block field {name}"))?);
        }
        let extra = Extra::decode(&fields[EXTRA_DATA])?;
        let reported_hash: B256 = serde_json::from_value(block["hash"].clone())?;
        let header = Self { fields, extra, reported_hash };
        if header.hash() != reported_hash {
            bail!("header hashes to {}, the node says {reported_hash}", header.hash());
        }
        Ok(header)
    }

    /// The header with its `extraData` complete, seals included.
    #[must_use]
    pub fn rlp(&self) -> Bytes {
        self.encode_with(&self.fields[EXTRA_DATA])
    }

    /// The block hash: round zero and no seals.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode_with(&self.extra.encode(0, false)))
    }

    /// What validators signed: the round kept, no seals.
    #[must_use]
    pub fn seal_digest(&self) -> B256 {
        keccak256(self.encode_with(&self.extra.encode(self.extra.round, false)))
    }

    fn encode_with(&self, extra: &[u8]) -> Bytes {
        let mut payload = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            if index == EXTRA_DATA { extra.encode(&mut payload) } else { field.as_slice().encode(&mut payload) }
        }
        list(&payload).into()
    }
}

/// The five items of QBFT `extraData`.
#[derive(Debug, Clone)]
pub struct Extra {
    /// 32 free bytes.
    pub vanity: Vec<u8>,
    /// The set that seals this block, in header order.
    pub validators: Vec<Address>,
    /// The proposer's vote, as RLP; an empty list when there is none.
    pub vote: Vec<u8>,
    /// The consensus round that decided the block.
    pub round: u32,
    /// One signature of 65 bytes a sealing validator.
    pub seals: Vec<Bytes>,
}

impl Extra {
    /// Reads `extraData`.
    ///
    /// # Errors
    /// When it is not the RLP list of five that QBFT writes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let mut inner = rlp::Header::decode_bytes(&mut rest, true)?;
        if !rest.is_empty() {
            bail!("{} bytes behind the extra data's list", rest.len());
        }
        let vanity = rlp::Header::decode_bytes(&mut inner, false)?.to_vec();
        let validators = rlp::Decodable::decode(&mut inner)?;
        let before_vote = inner;
        let vote_payload = rlp::Header::decode_bytes(&mut inner, true)?;
        let vote = before_vote[..before_vote.len() - inner.len()].to_vec();
        if vote_payload.is_empty() && vote != [rlp::EMPTY_LIST_CODE] {
            bail!("the vote is neither an empty list nor a filled one");
        }
        let round = rlp::Decodable::decode(&mut inner)?;
        let seals = rlp::Decodable::decode(&mut inner)?;
        if !inner.is_empty() {
            bail!("more than five items in the extra data");
        }
        Ok(Self { vanity, validators, vote, round, seals })
    }

    /// The address voted on and whether it shall be a validator.
    #[must_use]
    pub fn vote(&self) -> Option<(Address, bool)> {
        let mut rest = self.vote.as_slice();
        let mut payload = rlp::Header::decode_bytes(&mut rest, true).ok()?;
        let address = rlp::Decodable::decode(&mut payload).ok()?;
        // A vote to authorise is the byte 0xff, one to drop 0x00.
        Some((address, payload.first() == Some(&0x81) || payload.first() == Some(&0xff)))
    }

    fn encode(&self, round: u32, with_seals: bool) -> Vec<u8> {
        let mut payload = Vec::new();
        self.vanity.as_slice().encode(&mut payload);
        self.validators.encode(&mut payload);
        payload.extend_from_slice(&self.vote);
        round.encode(&mut payload);
        if with_seals {
            self.seals.encode(&mut payload)
        } else {
            Vec::<Bytes>::new().encode(&mut payload)
        }
        list(&payload)
    }

    /// `extraData` of a genesis block with these validators.
    #[must_use]
    pub fn genesis(validators: Vec<Address>) -> Vec<u8> {
        let extra = Self { vanity: vec![0; 32], validators, vote: vec![rlp::EMPTY_LIST_CODE], round: 0, seals: vec![] };
        extra.encode(0, true)
    }
}

fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 4);
    rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

fn parse(text: &str, form: Form) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").ok_or_else(|| anyhow!("{text} has no 0x"))?;
    let even = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    let bytes = hex::decode(even)?;
    Ok(match form {
        Form::Data => bytes,
        Form::Quantity => bytes.into_iter().skip_while(|byte| *byte == 0).collect(),
    })
}
