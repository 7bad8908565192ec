//! RLP of trie nodes, their hashes and proofs. Called by `trie` alone.

use alloy::primitives::{B256, Bytes, keccak256};
use alloy::rlp::{Encodable, Header};
use alloy::trie::nodes::RlpNode;

use super::{Kind, Link, Node, TrieValue};

/// The hash of a root node, which is hashed however short it is.
pub(super) fn root_hash<V: TrieValue>(root: &Node<V>) -> B256 {
    match reference(root).as_hash() {
        Some(hash) => hash,
        None => keccak256(rlp(root)),
    }
}

/// The nodes on `path`, root first, without those that stand inside their parent.
pub(super) fn proof<V: TrieValue>(root: &Link<V>, path: &[u8]) -> Vec<Bytes> {
    let mut out = vec![rlp(root).into()];
    let mut rest = path;
    let mut node: &Node<V> = root;
    loop {
        let next = match &node.kind {
            Kind::Leaf { .. } => None,
            Kind::Extension { path, child } => rest.strip_prefix(path.as_ref()).map(|tail| {
                rest = tail;
                child
            }),
            Kind::Branch { children } => rest.split_first().and_then(|(first, tail)| {
                rest = tail;
                children[usize::from(*first)].as_ref()
            }),
        };
        let Some(next) = next else { return out };
        if reference(next).is_hash() {
            out.push(rlp(next).into());
        }
        node = next;
    }
}

/// How a parent names this node; computed once.
fn reference<V: TrieValue>(node: &Node<V>) -> &RlpNode {
    node.reference.get_or_init(|| RlpNode::from_rlp(&rlp(node)))
}

fn rlp<V: TrieValue>(node: &Node<V>) -> Vec<u8> {
    let mut payload = Vec::with_capacity(128);
    match &node.kind {
        Kind::Leaf { path, value } => {
            hex_prefix(path, true).as_slice().encode(&mut payload);
            value.to_leaf().as_slice().encode(&mut payload);
        }
        Kind::Extension { path, child } => {
            hex_prefix(path, false).as_slice().encode(&mut payload);
            payload.extend_from_slice(reference(child));
        }
        Kind::Branch { children } => {
            payload.reserve(512);
            for child in children.iter() {
                match child {
                    Some(child) => payload.extend_from_slice(reference(child)),
                    None => payload.push(alloy::rlp::EMPTY_STRING_CODE),
                }
            }
            payload.push(alloy::rlp::EMPTY_STRING_CODE);
        }
    }
    let mut out = Vec::with_capacity(payload.len() + 4);
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(&payload);
    out
}

/// The compact form of a nibble path (Yellow Paper, appendix C).
fn hex_prefix(path: &[u8], leaf: bool) -> Vec<u8> {
    let flag = if leaf { 0x20 } else { 0x00 };
    let mut out = Vec::with_capacity(path.len() / 2 + 1);
    let (head, rest) = path.split_at(path.len() % 2);
    out.push(head.first().map_or(flag, |nibble| flag | 0x10 | nibble));
    out.extend(rest.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]));
    out
}
