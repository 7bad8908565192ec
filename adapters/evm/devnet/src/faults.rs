//! The lies an RPC server can be told to tell. They change what is served, never the
//! chain. Set through `Control::lie`; read by the RPC server.

use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::B256;

use crate::chain::Block;
use crate::header::Extra;
use crate::validators::{Keyring, quorum};

/// How the seals of a served header are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealLie {
    /// Valid signatures of keys that are no validators.
    Outsiders,
    /// One seal fewer than a quorum.
    TooFew,
    /// A quorum in number, all of one validator.
    Repeated,
    /// Bytes that are no signature.
    Garbage,
    /// Valid seals of the right validators, over another block.
    OtherBlock,
}

/// Which part of a served `eth_getProof` is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofLie {
    /// One bit in the last node of the account proof.
    AccountNode,
    /// One bit in the last node of every storage proof.
    StorageNode,
    /// The value of every storage proof; the nodes are true.
    StorageValue,
    /// The last node of every storage proof is missing.
    Truncated,
}

/// How the server is out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// HTTP 503.
    Unavailable,
    /// HTTP 429.
    TooManyRequests,
    /// HTTP 200 with a body that is no JSON.
    Nonsense,
}

/// What the server lies about. The default tells the truth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// No block above this number is served or counted.
    pub head_limit: Option<u64>,
    /// The newest block is served with a number so much above its own.
    pub head_above: u64,
    /// This block alone is not served.
    pub withheld_block: Option<u64>,
    /// Wrong seals in served headers.
    pub seals: Option<SealLie>,
    /// Served headers of this number are another block, well sealed.
    pub conflicting_block: Option<u64>,
    /// Wrong proofs.
    pub proof: Option<ProofLie>,
    /// `eth_getLogs` finds nothing.
    pub drop_logs: bool,
    /// `eth_getLogs` answers in reverse order.
    pub reorder_logs: bool,
    /// No transaction has a receipt.
    pub drop_receipts: bool,
    /// Accepts transactions and forgets them.
    pub swallow_transactions: bool,
    /// Every answer comes this much later.
    pub delay: Option<Duration>,
    /// Does not answer at all.
    pub outage: Option<Outage>,
}

impl Faults {
    /// The head as it is served.
    pub(crate) fn head(&self, height: u64) -> u64 {
        self.head_limit.map_or(height, |limit| limit.min(height))
    }

    /// The header as it is served.
    pub(crate) fn header(&self, block: &Block, keyring: &Keyring) -> (Header, B256) {
        if self.conflicting_block == Some(block.header.number) {
            return conflicting(block, keyring);
        }
        let Some(lie) = self.seals else {
            return (block.header.clone(), block.hash);
        };
        let extra = lie.tell(block, keyring);
        (Header { extra_data: extra.encode(), ..block.header.clone() }, block.hash)
    }
}

impl SealLie {
    fn tell(self, block: &Block, keyring: &Keyring) -> Extra {
        let mut extra = block.extra.clone();
        let digest = extra.digest(&block.header);
        match self {
            // Key indices of validators are small; these are not.
            Self::Outsiders => {
                let keys = (0u32..).map(|i| u32::MAX - i).take(extra.seals.len());
                extra.seals = keys.map(|key| keyring.seal(key, digest)).collect();
            }
            Self::TooFew => extra.seals.truncate(quorum(extra.validators.len()) - 1),
            Self::Repeated => {
                if let Some(first) = extra.seals.first().cloned() {
                    extra.seals.fill(first);
                }
            }
            Self::Garbage => extra.seals.fill(vec![0xff; 65].into()),
            Self::OtherBlock => {
                let other = Header { gas_used: block.header.gas_used ^ 1, ..block.header.clone() };
                extra.seals = seals(block, keyring, extra.digest(&other));
            }
        }
        extra
    }
}

/// Another block of the same height and state that the same validators sealed: they
/// signed twice. Only its transactions root differs, so that its proofs hold.
pub(crate) fn conflicting(block: &Block, keyring: &Keyring) -> (Header, B256) {
    forged(block, keyring, |header| header.transactions_root = !header.transactions_root)
}

/// A block that was changed and that the same validators sealed again.
pub(crate) fn forged(block: &Block, keyring: &Keyring, change: impl FnOnce(&mut Header)) -> (Header, B256) {
    let mut header = block.header.clone();
    change(&mut header);
    let mut extra = block.extra.clone();
    extra.seals = seals(block, keyring, extra.digest(&header));
    header.extra_data = extra.encode();
    let hash = extra.block_hash(&header);
    (header, hash)
}

fn seals(block: &Block, keyring: &Keyring, digest: B256) -> Vec<alloy::primitives::Bytes> {
    let signers = block.signers.iter().take(quorum(block.signers.len()));
    signers.map(|key| keyring.seal(*key, digest)).collect()
}
