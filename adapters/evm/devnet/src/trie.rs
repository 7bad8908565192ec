//! A Merkle-Patricia trie with structural sharing, for keys of 32 bytes (secure tries).
//!
//! A trie is a value: cloning it is one reference count, and an update copies only the
//! nodes on its path. Old blocks therefore keep their whole state for the price of what
//! they changed, and a node's hash is computed once in its life. It is not a database:
//! everything lives in memory. Called by `state`.

mod edit;
mod encode;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use alloy::primitives::{B256, Bytes};
use alloy::trie::{EMPTY_ROOT_HASH, nodes::RlpNode};

/// What a leaf holds.
pub(crate) trait TrieValue: Clone {
    /// The bytes the leaf commits to, before the leaf wraps them as an RLP string.
    fn to_leaf(&self) -> Vec<u8>;
}

/// A trie; `Clone` shares all of it.
#[derive(Debug, Clone)]
pub(crate) struct Trie<V> {
    root: Option<Arc<Node<V>>>,
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: None }
    }
}

#[derive(Debug)]
struct Node<V> {
    kind: Kind<V>,
    /// How the parent refers to this node: its hash, or its bytes if they are short.
    reference: OnceLock<RlpNode>,
}

type Link<V> = Arc<Node<V>>;

/// Paths are one nibble a byte.
#[derive(Debug)]
enum Kind<V> {
    Leaf { path: Box<[u8]>, value: V },
    Extension { path: Box<[u8]>, child: Link<V> },
    // Keys have one length, so a branch never holds a value.
    Branch { children: Box<[Option<Link<V>>; 16]> },
}

impl<V> Node<V> {
    fn link(kind: Kind<V>) -> Link<V> {
        Arc::new(Self { kind, reference: OnceLock::new() })
    }
}

impl<V: TrieValue> Trie<V> {
    /// The value at a key that is already hashed.
    pub(crate) fn get(&self, key: &B256) -> Option<&V> {
        let path = nibbles(key);
        let mut rest: &[u8] = &path;
        let mut node = self.root.as_deref()?;
        loop {
            match &node.kind {
                Kind::Leaf { path, value } => return (path.as_ref() == rest).then_some(value),
                Kind::Extension { path, child } => {
                    rest = rest.strip_prefix(path.as_ref())?;
                    node = child;
                }
                Kind::Branch { children } => {
                    let (first, tail) = rest.split_first()?;
                    node = children.get(usize::from(*first))?.as_deref()?;
                    rest = tail;
                }
            }
        }
    }

    /// Sets the value at a key that is already hashed.
    pub(crate) fn insert(&mut self, key: &B256, value: V) {
        self.root = Some(edit::insert(self.root.as_ref(), &nibbles(key), value));
    }

    /// Removes a key that is already hashed; absent keys are fine.
    pub(crate) fn remove(&mut self, key: &B256) {
        if let Some(root) = &self.root
            && let edit::Removal::Replaced(new) = edit::remove(root, &nibbles(key))
        {
            self.root = new;
        }
    }

    /// The root hash; computes what has changed since it was last asked for.
    pub(crate) fn root(&self) -> B256 {
        self.root.as_deref().map_or(EMPTY_ROOT_HASH, encode::root_hash)
    }

    /// The nodes that prove a key present or absent, root first. Nodes shorter than 32
    /// bytes stand inside their parent and are not listed; an empty trie gives no node.
    pub(crate) fn proof(&self, key: &B256) -> Vec<Bytes> {
        self.root.as_ref().map_or_else(Vec::new, |root| encode::proof(root, &nibbles(key)))
    }
}

/// The 64 nibbles of a key.
fn nibbles(key: &B256) -> [u8; 64] {
    let mut out = [0; 64];
    for (pair, byte) in out.chunks_exact_mut(2).zip(key.iter()) {
        pair[0] = byte >> 4;
        pair[1] = byte & 0x0f;
    }
    out
}
