//! The journal's keys. Identifiers hold no zero byte, so that zero separates them and order is that of the parts.

use causeway_types::{ChainId, ClientId, Height, PacketEnd, PacketKey, TxId};

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

/// All that were sent from an end.
pub(crate) fn packets_from(chain: &ChainId, end: &PacketEnd) -> Vec<u8> {
    join(&[b"p", chain.as_str().as_bytes(), end.to_string().as_bytes(), b""])
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

/// All evidence, against whatever chain.
pub(crate) const EVIDENCE: &[u8] = b"evidence\0";

/// All evidence against a chain.
pub(crate) fn evidence_against(chain: &ChainId) -> Vec<u8> {
    join(&[b"evidence", chain.as_str().as_bytes(), b""])
}

pub(crate) fn evidence(chain: &ChainId, height: Height) -> Vec<u8> {
    join(&[b"evidence", chain.as_str().as_bytes(), &height.revision.to_be_bytes(), &height.number.to_be_bytes()])
}

/// That a client holds something else at a height than was verified.
pub(crate) fn mismatch(chain: &ChainId, height: Height, (host, client): (&ChainId, &ClientId)) -> Vec<u8> {
    join(&[&evidence(chain, height), host.as_str().as_bytes(), client.as_str().as_bytes()])
}

/// Chain and height that a row of evidence is about, from its key.
pub(crate) fn evidence_place(key: &[u8]) -> Option<(ChainId, Height)> {
    let rest = key.strip_prefix(EVIDENCE)?;
    let (chain, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == 0)?)?;
    let chain = ChainId::new(std::str::from_utf8(chain).ok()?).ok()?;
    let (revision, rest) = rest.get(1..)?.split_first_chunk::<8>()?;
    let number = rest.get(1..)?.first_chunk::<8>()?;
    Some((chain, Height { revision: u64::from_be_bytes(*revision), number: u64::from_be_bytes(*number) }))
}

/// Updates of a client that are not examined yet.
pub(crate) fn updates(host: &ChainId, client: &ClientId) -> Vec<u8> {
    join(&[b"update", host.as_str().as_bytes(), client.as_str().as_bytes(), b""])
}

/// One of them, in a block of the host.
pub(crate) fn update((host, client): (&ChainId, &ClientId), at: Height, tx: &TxId) -> Vec<u8> {
    let mut key = updates(host, client);
    key.extend(at.revision.to_be_bytes());
    key.extend(at.number.to_be_bytes());
    key.extend(tx.as_bytes());
    key
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
