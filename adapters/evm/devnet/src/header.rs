//! extraData, the seal digest and the block hash of QBFT and IBFT2 headers, as
//! docs/evm-formats.md section 1 gives them. Writes headers; it never judges one, that is
//! the light client's work. Called by `producer`, `rpc` and `control`.

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::rlp::{EMPTY_LIST_CODE, EMPTY_STRING_CODE, Encodable};

use crate::config::ConsensusKind;

/// `mixHash` of every Istanbul-family header.
pub(crate) const BFT_MIX_HASH: B256 = alloy::primitives::b256!("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365");

/// A proposal to add or drop a validator, as the proposer writes it into its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// The validator voted on.
    pub validator: Address,
    /// Add, or drop.
    pub add: bool,
}

/// What `extraData` of a header holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) kind: ConsensusKind,
    pub(crate) vanity: B256,
    pub(crate) validators: Vec<Address>,
    pub(crate) vote: Option<Vote>,
    pub(crate) round: u32,
    pub(crate) seals: Vec<Bytes>,
}

impl Extra {
    /// `extraData` as it stands in the header.
    pub(crate) fn encode(&self) -> Bytes {
        let mut items = self.head();
        self.encode_round(self.round, &mut items);
        self.seals.encode(&mut items);
        list(items)
    }

    /// What the validators sign: the header before any seal.
    pub(crate) fn digest(&self, header: &Header) -> B256 {
        let mut items = self.head();
        self.encode_round(self.round, &mut items);
        if self.kind == ConsensusKind::Qbft {
            items.push(EMPTY_LIST_CODE);
        }
        hash_with(header, list(items))
    }

    /// The block hash: independent of the round and of who sealed.
    pub(crate) fn block_hash(&self, header: &Header) -> B256 {
        let mut items = self.head();
        if self.kind == ConsensusKind::Qbft {
            items.push(EMPTY_STRING_CODE);
            items.push(EMPTY_LIST_CODE);
        }
        hash_with(header, list(items))
    }

    fn head(&self) -> Vec<u8> {
        let mut items = Vec::with_capacity(64 + self.validators.len() * 21);
        self.vanity.encode(&mut items);
        self.validators.encode(&mut items);
        match (self.vote, self.kind) {
            (None, ConsensusKind::Qbft) => items.push(EMPTY_LIST_CODE),
            (None, ConsensusKind::Ibft2) => items.push(EMPTY_STRING_CODE),
            (Some(vote), kind) => {
                let mut pair = Vec::with_capacity(23);
                vote.validator.encode(&mut pair);
                match (vote.add, kind) {
                    (true, _) => 0xffu8.encode(&mut pair),
                    (false, ConsensusKind::Qbft) => pair.push(EMPTY_STRING_CODE),
                    (false, ConsensusKind::Ibft2) => pair.push(0),
                }
                items.extend_from_slice(&list(pair));
            }
        }
        items
    }

    fn encode_round(&self, round: u32, out: &mut Vec<u8>) {
        match self.kind {
            ConsensusKind::Qbft => round.encode(out),
            ConsensusKind::Ibft2 => round.to_be_bytes().encode(out),
        }
    }
}

fn list(items: Vec<u8>) -> Bytes {
    let mut out = Vec::with_capacity(items.len() + 5);
    alloy::rlp::Header { list: true, payload_length: items.len() }.encode(&mut out);
    out.extend_from_slice(&items);
    out.into()
}

fn hash_with(header: &Header, extra_data: Bytes) -> B256 {
    let header = Header { extra_data, ..header.clone() };
    keccak256(alloy::rlp::encode(&header))
}
