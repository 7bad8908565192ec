//! Inserting into and removing from the trie by copying one path; nothing here hashes.
//! Called by `trie` alone.

use super::{Kind, Link, Node, TrieValue};

/// What removing a key did to a subtrie.
pub(super) enum Removal<V> {
    /// The key was absent.
    Unchanged,
    /// The subtrie is now this one, or gone.
    Replaced(Option<Link<V>>),
}

/// The subtrie with `value` at `path`. Recursion is as deep as the path: at most 64.
pub(super) fn insert<V: TrieValue>(node: Option<&Link<V>>, path: &[u8], value: V) -> Link<V> {
    let Some(node) = node else {
        return leaf(path, value);
    };
    match &node.kind {
        Kind::Leaf { path: own, value: own_value } => {
            let shared = shared_prefix(own, path);
            if shared == path.len() && own.len() == path.len() {
                return leaf(path, value);
            }
            let mut children = no_children();
            place(&mut children, &own[shared..], |rest| leaf(rest, own_value.clone()));
            place(&mut children, &path[shared..], |rest| leaf(rest, value));
            extend(&path[..shared], branch(children))
        }
        Kind::Extension { path: own, child } => {
            let shared = shared_prefix(own, path);
            if shared == own.len() {
                return extend(own, insert(Some(child), &path[shared..], value));
            }
            let mut children = no_children();
            place(&mut children, &own[shared..], |rest| extend(rest, child.clone()));
            place(&mut children, &path[shared..], |rest| leaf(rest, value));
            extend(&path[..shared], branch(children))
        }
        Kind::Branch { children } => {
            let mut children = children.clone();
            if let Some((first, rest)) = path.split_first() {
                let slot = &mut children[usize::from(*first)];
                *slot = Some(insert(slot.as_ref(), rest, value));
            }
            branch(children)
        }
    }
}

/// The subtrie without `path`.
pub(super) fn remove<V: TrieValue>(node: &Link<V>, path: &[u8]) -> Removal<V> {
    match &node.kind {
        Kind::Leaf { path: own, .. } if own.as_ref() == path => Removal::Replaced(None),
        Kind::Leaf { .. } => Removal::Unchanged,
        Kind::Extension { path: own, child } => match path.strip_prefix(own.as_ref()) {
            None => Removal::Unchanged,
            Some(rest) => match remove(child, rest) {
                Removal::Unchanged => Removal::Unchanged,
                Removal::Replaced(child) => Removal::Replaced(child.map(|child| extend(own, child))),
            },
        },
        Kind::Branch { children } => {
            let Some((first, rest)) = path.split_first() else {
                return Removal::Unchanged;
            };
            let index = usize::from(*first);
            let Some(child) = &children[index] else {
                return Removal::Unchanged;
            };
            let Removal::Replaced(child) = remove(child, rest) else {
                return Removal::Unchanged;
            };
            let mut children = children.clone();
            children[index] = child;
            Removal::Replaced(collapse(children))
        }
    }
}

/// A branch of one child is not a branch any more: the child absorbs its nibble.
fn collapse<V: TrieValue>(children: Box<[Option<Link<V>>; 16]>) -> Option<Link<V>> {
    let mut present = (0u8..16).filter(|i| children[usize::from(*i)].is_some());
    let only = present.next()?;
    if present.next().is_some() {
        return Some(branch(children));
    }
    children[usize::from(only)].as_ref().map(|child| extend(&[only], child.clone()))
}

/// `child` below `prefix`, merged with its own path where it has one.
fn extend<V: TrieValue>(prefix: &[u8], child: Link<V>) -> Link<V> {
    if prefix.is_empty() {
        return child;
    }
    match &child.kind {
        Kind::Leaf { path, value } => leaf(&[prefix, path].concat(), value.clone()),
        Kind::Extension { path, child } => Node::link(Kind::Extension { path: [prefix, path].concat().into(), child: child.clone() }),
        Kind::Branch { .. } => Node::link(Kind::Extension { path: prefix.into(), child }),
    }
}

fn leaf<V>(path: &[u8], value: V) -> Link<V> {
    Node::link(Kind::Leaf { path: path.into(), value })
}

fn branch<V>(children: Box<[Option<Link<V>>; 16]>) -> Link<V> {
    Node::link(Kind::Branch { children })
}

fn no_children<V>() -> Box<[Option<Link<V>>; 16]> {
    Box::new(std::array::from_fn(|_| None))
}

/// Puts what `make` builds from the rest of the path into the slot of its first nibble.
fn place<V>(children: &mut [Option<Link<V>>; 16], path: &[u8], make: impl FnOnce(&[u8]) -> Link<V>) {
    if let Some((first, rest)) = path.split_first() {
        children[usize::from(*first)] = Some(make(rest));
    }
}

fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}
