//! A Merkle tree over a sorted map: membership by path, absence by two neighbours. Every byte of a proof counts.

use super::wire::hash;
use crate::Violation;
use causeway_types::Hash;
use std::collections::BTreeMap;

/// The map that is committed to.
pub(super) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A leaf with its place and siblings.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Path {
    #[prost(uint64, tag = "1")]
    pub(super) index: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) value: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(super) siblings: Vec<Vec<u8>>,
}

/// A proof: one leaf (membership), or the leaves around a gap (absence; one of them missing at an end, both in an empty map).
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Proof {
    #[prost(uint64, tag = "1")]
    pub(super) count: u64,
    #[prost(message, optional, tag = "2")]
    pub(super) left: Option<Path>,
    #[prost(message, optional, tag = "3")]
    pub(super) right: Option<Path>,
}

fn leaf(key: &[u8], value: &[u8]) -> Hash {
    hash(&[b"leaf", key, value])
}

fn inner(left: &[u8], right: &[u8]) -> Hash {
    hash(&[b"inner", left, right])
}

fn seal(count: u64, top: &[u8]) -> Hash {
    hash(&[b"root", &count.to_be_bytes(), top])
}

/// Levels of the tree, leaves first. An odd node at the end of a level moves up unchanged.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    keys: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Builds the tree of a map.
    pub(super) fn new(map: &Map) -> Self {
        let keys: Vec<_> = map.keys().cloned().collect();
        let values: Vec<_> = map.values().cloned().collect();
        let mut level: Vec<Hash> = map.iter().map(|(key, value)| leaf(key, value)).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let next = level.chunks(2).map(|pair| if let [left, right] = pair { inner(left, right) } else { pair[0] }).collect();
            levels.push(core::mem::replace(&mut level, next));
        }
        levels.push(level);
        Self { keys, values, levels }
    }

    /// The root, which also commits to the number of leaves.
    pub(super) fn root(&self) -> Hash {
        let top = self.levels.last().and_then(|level| level.first());
        seal(self.keys.len() as u64, top.map_or(&[], |hash| hash.as_slice()))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let index = self.keys.binary_search_by(|other| other.as_slice().cmp(key)).ok()?;
        self.values.get(index).map(Vec::as_slice)
    }

    /// The proof of a key: of its presence if it is there, else of its absence.
    pub(super) fn prove(&self, key: &[u8]) -> Proof {
        let count = self.keys.len() as u64;
        match self.keys.binary_search_by(|other| other.as_slice().cmp(key)) {
            Ok(index) => Proof { count, left: self.path(index), right: None },
            Err(index) => Proof { count, left: index.checked_sub(1).and_then(|left| self.path(left)), right: self.path(index) },
        }
    }

    fn path(&self, index: usize) -> Option<Path> {
        let (key, value) = (self.keys.get(index)?.clone(), self.values.get(index)?.clone());
        let mut siblings = Vec::new();
        let mut at = index;
        for level in &self.levels {
            if let Some(sibling) = level.get(at ^ 1) {
                siblings.push(sibling.to_vec());
            }
            at /= 2;
        }
        Some(Path { index: index as u64, key, value, siblings })
    }
}

/// Folds a path to the root it implies.
fn fold(path: &Path, count: u64) -> Result<Hash, Violation> {
    let refuse = |found: &str| Violation::new("merkle-path", "a path of the tree's shape", found);
    if path.index >= count {
        return Err(refuse("an index beyond the last leaf"));
    }
    let mut siblings = path.siblings.iter();
    let (mut at, mut width, mut node) = (path.index, count, leaf(&path.key, &path.value));
    while width > 1 {
        if at ^ 1 < width {
            let sibling = siblings.next().ok_or_else(|| refuse("too few siblings"))?;
            node = if at & 1 == 0 { inner(&node, sibling) } else { inner(sibling, &node) };
        }
        at /= 2;
        width = width.div_ceil(2);
    }
    if siblings.next().is_some() {
        return Err(refuse("siblings left over"));
    }
    Ok(seal(count, &node))
}

fn check_path(root: &[u8], path: &Path, count: u64) -> Result<(), Violation> {
    let found = fold(path, count)?;
    if found.as_slice() == root { Ok(()) } else { Err(Violation::new("merkle-root", hex::encode(root), hex::encode(found))) }
}

/// Checks that `key` has `value` under `root`.
pub(super) fn verify_member(root: &[u8], proof: &Proof, key: &[u8], value: &[u8]) -> Result<(), Violation> {
    let (Some(path), None) = (&proof.left, &proof.right) else {
        return Err(Violation::new("merkle-path", "one leaf", "another shape"));
    };
    check_path(root, path, proof.count)?;
    if path.key != key {
        return Err(Violation::new("proof-key", hex::encode(key), hex::encode(&path.key)));
    }
    if path.value != value {
        return Err(Violation::new("value-mismatch", hex::encode(value), hex::encode(&path.value)));
    }
    Ok(())
}

/// Checks that `key` is absent under `root`.
pub(super) fn verify_absent(root: &[u8], proof: &Proof, key: &[u8]) -> Result<(), Violation> {
    let refuse = |expected: &str| Violation::new("absence", expected, "something else");
    if let Some(left) = &proof.left {
        check_path(root, left, proof.count)?;
        if left.key.as_slice() >= key {
            return Err(refuse("a left neighbour before the key"));
        }
    }
    if let Some(right) = &proof.right {
        check_path(root, right, proof.count)?;
        if right.key.as_slice() <= key {
            return Err(refuse("a right neighbour after the key"));
        }
    }
    let complete = match (&proof.left, &proof.right) {
        (Some(left), Some(right)) => left.index.checked_add(1) == Some(right.index),
        (Some(left), None) => left.index.checked_add(1) == Some(proof.count),
        (None, Some(right)) => right.index == 0,
        (None, None) => proof.count == 0 && seal(0, &[]).as_slice() == root,
    };
    if complete { Ok(()) } else { Err(refuse("neighbours without a gap")) }
}
