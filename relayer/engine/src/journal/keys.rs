//! The journal's keys. Identifiers hold no zero byte, so that zero separates them and order is that of the parts.

use causeway_types::{ChainId, Height, PacketKey, TxId};

pub(super) const SCHEMA: &[u8] = b"schema";
pub(super) const CHANGE: &[u8] = b"change";
pub(super) const COUNTS: &[u8] = b"counts";
pub(super) const PACKETS: &[u8] = b"p\0";
pub(super) const CHANGES: &[u8] = b"c\0";
pub(super) const FINISHED: &[u8] = b"f\0";

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&0)
}

pub(crate) fn packet(key: &PacketKey) -> Vec<u8> {
    join(&[b"p", key.chain.as_str().as_bytes(), key.end.to_string().as_bytes(), &key.sequence.get().to_be_bytes()])
}

pub(crate) fn transaction(chain: &ChainId, signer: &str, tx: &TxId) -> Vec<u8> {
    join(&[b"t", chain.as_str().as_bytes(), signer.as_bytes(), tx.as_bytes()])
}

/// All on a chain, whoever signed them.
pub(crate) fn transactions_on(chain: &ChainId) -> Vec<u8> {
    join(&[b"t", chain.as_str().as_bytes(), b""])
}

pub(crate) fn cursor(chain: &ChainId) -> Vec<u8> {
    join(&[b"cursor", chain.as_str().as_bytes()])
}

pub(crate) fn root(chain: &ChainId) -> Vec<u8> {
    join(&[b"root", chain.as_str().as_bytes()])
}

pub(crate) fn trusts(chain: &ChainId) -> Vec<u8> {
    join(&[b"trust", chain.as_str().as_bytes(), b""])
}

pub(crate) fn trust(chain: &ChainId, height: Height) -> Vec<u8> {
    let mut key = trusts(chain);
    key.extend_from_slice(&height.revision.to_be_bytes());
    key.extend_from_slice(&height.number.to_be_bytes());
    key
}

pub(crate) fn spend(chain: &ChainId) -> Vec<u8> {
    join(&[b"spend", chain.as_str().as_bytes()])
}

pub(crate) fn evidence(chain: &ChainId, height: Height) -> Vec<u8> {
    join(&[b"evidence", chain.as_str().as_bytes(), &height.revision.to_be_bytes(), &height.number.to_be_bytes()])
}

pub(crate) fn setup(path: &str, step: &str) -> Vec<u8> {
    join(&[b"setup", path.as_bytes(), step.as_bytes()])
}

pub(super) fn by_source(chain: &ChainId, tx: &TxId) -> Vec<u8> {
    join(&[b"s", chain.as_str().as_bytes(), tx.as_bytes(), b""])
}

pub(super) fn by_source_entry(chain: &ChainId, tx: &TxId, key: &PacketKey) -> Vec<u8> {
    let mut bytes = by_source(chain, tx);
    bytes.extend(packet(key));
    bytes
}

pub(super) fn change(number: u64) -> Vec<u8> {
    let mut key = CHANGES.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(super) fn finished(at_ms: u64, key: &PacketKey) -> Vec<u8> {
    let mut bytes = FINISHED.to_vec();
    bytes.extend_from_slice(&at_ms.to_be_bytes());
    bytes.extend(packet(key));
    bytes
}
