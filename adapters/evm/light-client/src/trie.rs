//! Merkle-Patricia proofs of presence and absence.
//!
//! The nodes of a proof, or of many that share them, are hashed once ([`NodeSet`]); an item then names the nodes of its walk by index.
//! What a walk answers is an enum, never a zero value (refuse.md P11), and a walk that stops before it shows presence or divergence
//! proves nothing (P6). Not here: what a key or a value means ([`account`](crate::account), [`storage`](crate::storage)).

use alloc::vec::Vec;

use crate::hash::{EMPTY_ROOT, Hash, keccak256};
use crate::rlp::{self, Item, RlpError};
use crate::rules::{self, Hex, Violation, ensure};

/// Longest node that is looked at, in bytes.
pub const MAX_NODE_BYTES: usize = 64 * 1024;
/// Most nodes in a set: what an index of 16 bits can name.
pub const MAX_NODES: usize = 65_536;
/// Longest key, in bytes. Keys of state and storage tries have 32.
pub const MAX_KEY_BYTES: usize = 64;

/// What a walk shows about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven<'a> {
    /// The key's value, as the trie holds it.
    Present(&'a [u8]),
    /// The key is not in the trie.
    Absent,
}

/// Nodes of one or several proofs, each with its hash.
#[derive(Debug, Clone)]
pub struct NodeSet<'a> {
    nodes: Vec<(Hash, &'a [u8])>,
}

impl<'a> NodeSet<'a> {
    /// Hashes every node once.
    ///
    /// # Errors
    /// `proof-too-large` above [`MAX_NODES`] or [`MAX_NODE_BYTES`].
    pub fn new<B: AsRef<[u8]>>(nodes: &'a [B]) -> Result<Self, Violation> {
        ensure(nodes.len() <= MAX_NODES, rules::PROOF_TOO_LARGE, MAX_NODES, nodes.len())?;
        let mut hashed = Vec::with_capacity(nodes.len());
        for node in nodes {
            let bytes = node.as_ref();
            ensure(bytes.len() <= MAX_NODE_BYTES, rules::PROOF_TOO_LARGE, MAX_NODE_BYTES, bytes.len())?;
            hashed.push((keccak256(bytes), bytes));
        }
        Ok(Self { nodes: hashed })
    }

    /// Number of nodes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Walks from `root` to `key` (as the trie has it: already hashed in secure tries) through the nodes that `path` names, root first.
    ///
    /// # Errors
    /// `proof-empty`, `proof-node-missing`, `proof-node-hash`, `proof-node-rlp`, `proof-path-encoding`, `proof-embedded-size`,
    /// `proof-truncated`, `proof-node-unused`, `value-encoding`, `proof-too-large`.
    pub fn walk(&self, root: &Hash, key: &[u8], path: impl IntoIterator<Item = u16>) -> Result<Proven<'a>, Violation> {
        ensure(key.len() <= MAX_KEY_BYTES, rules::PROOF_TOO_LARGE, "a key of 64 bytes", key.len())?;
        let mut path = path.into_iter();
        if *root == EMPTY_ROOT {
            let unused = path.next().is_some();
            return ensure(!unused, rules::PROOF_NODE_UNUSED, "no nodes under the empty root", "nodes").map(|()| Proven::Absent);
        }
        let nibbles = to_nibbles(key);
        let mut rest = nibbles.as_slice();
        let mut reference = *root;
        let mut rule_at_end = rules::PROOF_EMPTY;
        loop {
            let index = path.next().ok_or_else(|| Violation::new(rule_at_end, "the node that is referred to", Hex(&reference)))?;
            let node = self.node(index, &reference)?;
            match descend(node, rest)? {
                Step::Done(proven) => {
                    let unused = path.next().is_some();
                    return ensure(!unused, rules::PROOF_NODE_UNUSED, "only nodes of the walk", "more").map(|()| proven);
                }
                Step::Hash(next, remaining) => {
                    reference = next;
                    rest = remaining;
                    rule_at_end = rules::PROOF_TRUNCATED;
                }
            }
        }
    }

    /// The node at `index`, which must hash to `reference` (P7: a reference is compared with a hash, never with bytes).
    fn node(&self, index: u16, reference: &Hash) -> Result<&'a [u8], Violation> {
        let (hash, bytes) = self
            .nodes
            .get(usize::from(index))
            .ok_or_else(|| Violation::new(rules::PROOF_NODE_MISSING, "an index into the nodes", index))?;
        ensure(hash == reference, rules::PROOF_NODE_HASH, Hex(reference), Hex(hash))?;
        Ok(bytes)
    }
}

/// Walks a single proof: all `nodes` in their order, root first.
///
/// # Errors
/// As [`NodeSet::walk`]; a node that is not needed is `proof-node-unused`.
pub fn prove<'a, B: AsRef<[u8]>>(root: &Hash, key: &[u8], nodes: &'a [B]) -> Result<Proven<'a>, Violation> {
    let set = NodeSet::new(nodes)?;
    // The walk consumes one index a node. A proof of exactly 2^16 nodes would still be refused: no key is that long.
    let count = u16::try_from(nodes.len()).unwrap_or(u16::MAX);
    set.walk(root, key, 0..count)
}

/// How far one hashed node, with what is embedded in it, leads.
enum Step<'a, 'k> {
    Done(Proven<'a>),
    /// The hash of the next node, and the nibbles that remain for it.
    Hash(Hash, &'k [u8]),
}

/// Where a branch's slot or an extension points.
enum Child<'a> {
    Empty,
    Hash(Hash),
    Embedded(Item<'a>),
}

/// Follows `rest` through a node and the nodes embedded in it. Each turn but the last consumes a nibble, so it ends.
fn descend<'a, 'k>(node: &'a [u8], mut rest: &'k [u8]) -> Result<Step<'a, 'k>, Violation> {
    let mut item = rlp::exact(node).map_err(node_error)?;
    loop {
        let items = item.items(17).map_err(node_error)?;
        let child = match items.as_slice() {
            [encoded, target] => {
                let (path, is_leaf) = decode_path(encoded.bytes().map_err(node_error)?)?;
                if is_leaf {
                    let proven = if path == rest { Proven::Present(value(*target)?) } else { Proven::Absent };
                    return Ok(Step::Done(proven));
                }
                ensure(!path.is_empty(), rules::PROOF_PATH_ENCODING, "an extension of at least one nibble", "none")?;
                let child = child(*target)?;
                ensure(!matches!(child, Child::Empty), rules::PROOF_NODE_RLP, "a child of the extension", "none")?;
                let Some(remaining) = rest.strip_prefix(path.as_slice()) else {
                    return Ok(Step::Done(Proven::Absent));
                };
                rest = remaining;
                child
            }
            [children @ .., own] if children.len() == 16 => {
                let Some((nibble, remaining)) = rest.split_first() else {
                    let bytes = own.bytes().map_err(node_error)?;
                    return Ok(Step::Done(if bytes.is_empty() { Proven::Absent } else { Proven::Present(bytes) }));
                };
                rest = remaining;
                let slot =
                    children.get(usize::from(*nibble)).ok_or_else(|| Violation::new(rules::PROOF_NODE_RLP, "16 children", nibble))?;
                child(*slot)?
            }
            _ => {
                return Err(Violation::new(rules::PROOF_NODE_RLP, "2 or 17 items", items.len()));
            }
        };
        match child {
            Child::Empty => return Ok(Step::Done(Proven::Absent)),
            Child::Hash(hash) => return Ok(Step::Hash(hash, rest)),
            Child::Embedded(next) => item = next,
        }
    }
}

/// A reference: nothing, a hash of 32 bytes, or a node of fewer than 32 bytes in place (P7).
fn child(item: Item<'_>) -> Result<Child<'_>, Violation> {
    if item.is_list {
        ensure(item.raw.len() < 32, rules::PROOF_EMBEDDED_SIZE, "an embedded node below 32 bytes", item.raw.len())?;
        return Ok(Child::Embedded(item));
    }
    if item.payload.is_empty() {
        return Ok(Child::Empty);
    }
    let hash = Hash::try_from(item.payload);
    hash.map(Child::Hash).map_err(|_| Violation::new(rules::PROOF_EMBEDDED_SIZE, "a reference of 32 bytes", item.payload.len()))
}

fn value(item: Item<'_>) -> Result<&[u8], Violation> {
    let bytes = item.bytes().map_err(node_error)?;
    ensure(!bytes.is_empty(), rules::VALUE_ENCODING, "a value in the leaf", "none")?;
    Ok(bytes)
}

/// Decodes a compact (hex-prefix) path: its nibbles, and whether the node is a leaf. One path has one encoding (P8, P9).
fn decode_path(encoded: &[u8]) -> Result<(Vec<u8>, bool), Violation> {
    let wrong = |expected: &str| Violation::new(rules::PROOF_PATH_ENCODING, expected, Hex(encoded));
    let (first, tail) = encoded.split_first().ok_or_else(|| wrong("at least one byte"))?;
    let (flag, low) = (first >> 4, first & 0x0f);
    let mut nibbles = Vec::with_capacity(encoded.len().saturating_mul(2));
    match flag {
        0 | 2 => {
            if low != 0 {
                return Err(wrong("a zero nibble of padding"));
            }
        }
        1 | 3 => nibbles.push(low),
        _ => return Err(wrong("a flag of 0 to 3")),
    }
    nibbles.extend(to_nibbles(tail));
    Ok((nibbles, flag >= 2))
}

/// High nibble first.
fn to_nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

fn node_error(error: RlpError) -> Violation {
    Violation::new(rules::PROOF_NODE_RLP, "a canonical list of 2 or 17 items", error)
}
