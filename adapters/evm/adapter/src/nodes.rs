//! Shared trie nodes in the ABI form `abi.encode(bytes[])`, read in place, and node lists as they are built.
//!
//! A batch has one list and many items; looking one node up costs nothing that grows with the list. Called by the light client,
//! by `fetch` and by `build`.

use alloy::primitives::Bytes;
use alloy::sol_types::SolValue;
use causeway_adapter::Violation;
use std::collections::HashMap;

/// Most nodes of one list: as many as the contract takes, and indices are 16 bits wide.
pub(crate) const NODES_MAX: usize = 4_096;
/// Most nodes on one path: a root and 64 nibbles.
const PATH_NODES_MAX: usize = 65;

fn refuse(found: impl Into<String>) -> Violation {
    Violation::new("evidence-encoding", "abi.encode(bytes[]) and abi.encode(uint16[])", found)
}

/// A view of `abi.encode(bytes[])`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeList<'a> {
    /// What follows the length: offsets count from here.
    body: &'a [u8],
    len: usize,
}

impl<'a> NodeList<'a> {
    /// Checks that the bytes are the one canonical encoding: nodes one after the other, padding of zeros, nothing after.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, Violation> {
        if word(bytes, 0) != Some(32) {
            return Err(refuse("no offset of a single list"));
        }
        let len = word(bytes, 32).filter(|len| *len <= NODES_MAX).ok_or_else(|| refuse("no length, or too many nodes"))?;
        let body = bytes.get(64..).filter(|body| body.len() / 32 >= len).ok_or_else(|| refuse("fewer offsets than nodes"))?;
        let list = Self { body, len };
        let mut next = len * 32;
        for index in 0..len {
            if word(body, index * 32) != Some(next) {
                return Err(refuse(format!("node {index} is not where it belongs")));
            }
            let node = list.get(index)?.len();
            let end = next + 32 + node;
            next = end.next_multiple_of(32);
            if !body.get(end..next).is_some_and(|padding| padding.iter().all(|byte| *byte == 0)) {
                return Err(refuse(format!("node {index} is not padded with zeros")));
            }
        }
        if next == body.len() { Ok(list) } else { Err(refuse("bytes after the last node")) }
    }

    /// One node.
    pub(crate) fn get(&self, index: usize) -> Result<&'a [u8], Violation> {
        if index >= self.len {
            return Err(refuse(format!("node {index} of {}", self.len)));
        }
        let node = word(self.body, index * 32).and_then(|at| {
            let len = word(self.body, at)?;
            let from = at.checked_add(32)?;
            self.body.get(from..from.checked_add(len)?)
        });
        node.ok_or_else(|| refuse(format!("node {index} outside the bytes")))
    }
}

/// A word of the ABI as an offset or length.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(32)?)?;
    let (high, low) = word.split_at(24);
    if high.iter().any(|byte| *byte != 0) {
        return None;
    }
    usize::try_from(u64::from_be_bytes(low.try_into().ok()?)).ok()
}

/// The indices of one item: `abi.encode(uint16[])`.
pub(crate) fn path_indices(bytes: &[u8]) -> Result<Vec<u16>, Violation> {
    if bytes.len() > 64 + 32 * PATH_NODES_MAX {
        return Err(refuse(format!("a path of {} bytes", bytes.len())));
    }
    let indices = Vec::<u16>::abi_decode(bytes).map_err(|error| refuse(error.to_string()))?;
    if indices.abi_encode() == bytes { Ok(indices) } else { Err(refuse("another encoding of the same indices")) }
}

/// A node list that grows: each node once, in order of first use.
#[derive(Debug, Default)]
pub(crate) struct NodeSet {
    nodes: Vec<Bytes>,
    index: HashMap<Bytes, u16>,
}

impl NodeSet {
    /// Adds the nodes of one path and answers their indices; `None`, with nothing changed, when the list would be too long.
    pub(crate) fn add(&mut self, path: &[Bytes]) -> Option<Vec<u16>> {
        let fresh = path.iter().filter(|node| !self.index.contains_key(*node)).count();
        if self.nodes.len() + fresh > NODES_MAX {
            return None;
        }
        path.iter()
            .map(|node| {
                if let Some(index) = self.index.get(node) {
                    return Some(*index);
                }
                let index = u16::try_from(self.nodes.len()).ok()?;
                self.nodes.push(node.clone());
                self.index.insert(node.clone(), index);
                Some(index)
            })
            .collect()
    }

    /// What a path would add to the encoding, in bytes.
    pub(crate) fn added_bytes(&self, path: &[Bytes]) -> u64 {
        path.iter().filter(|node| !self.index.contains_key(*node)).map(encoded_bytes).sum()
    }

    /// The nodes in order.
    pub(crate) fn into_nodes(self) -> Vec<Bytes> {
        self.nodes
    }
}

fn encoded_bytes(node: &Bytes) -> u64 {
    64 + (node.len() as u64).next_multiple_of(32)
}
