//! Node lists: shared once, in order of first use, without what stands inside a parent.

use super::*;
use crate::nodes::{NodeList, path_indices};

fn node(byte: u8, len: usize) -> Bytes {
    vec![byte; len].into()
}

#[test]
fn nodes_stand_once_in_order_of_first_use() {
    let (root, left, right) = (node(1, 532), node(2, 100), node(3, 33));
    let paths =
        [Some(vec![root.clone(), left.clone()]), None, Some(vec![root.clone(), right.clone()]), Some(vec![root.clone(), left.clone()])];
    let (shared, each) = share(paths.into_iter()).unwrap();
    assert_eq!(Vec::<Bytes>::abi_decode(&shared).unwrap(), [root.clone(), left, right]);
    let indices = |item: &EvidenceItem| match item {
        EvidenceItem::Bytes(bytes) => Some(path_indices(bytes).unwrap()),
        EvidenceItem::NotSo => None,
    };
    assert_eq!(each.iter().map(indices).collect::<Vec<_>>(), [Some(vec![0, 1]), None, Some(vec![0, 2]), Some(vec![0, 1])]);
    let list = NodeList::new(&shared).unwrap();
    assert_eq!(list.get(0).unwrap(), root.as_ref());
    assert!(list.get(3).is_err());
}

#[test]
fn the_view_of_a_list_refuses_what_points_outside() {
    let good = vec![node(1, 40), node(2, 5)].abi_encode();
    for at in 0..good.len() {
        for value in [0x00, 0x01, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            // Whatever it says, no panic and nothing outside the bytes.
            if let Ok(list) = NodeList::new(&bad) {
                for index in 0..4 {
                    if let Ok(node) = list.get(index) {
                        assert!(node.len() <= bad.len());
                    }
                }
            }
        }
        assert!(NodeList::new(&good[..at]).is_err() || at >= 64);
    }
}

#[test]
fn embedded_nodes_that_are_listed_again_are_left_out() {
    let proof = vec![node(1, 20), node(2, 60), node(3, 31)];
    assert_eq!(outer_nodes(proof), [node(1, 20), node(2, 60)]);
}

#[test]
fn too_many_nodes_are_refused() {
    let paths = (0..5_000_u32).map(|n| Some(vec![Bytes::from(n.to_be_bytes().repeat(10))]));
    assert!(share(paths).is_none());
}
