//! Keystores on disk: what is written opens again, and what is hostile does not.

use crate::{KeyError, Secret, account, delete, list, load, store};

/// Cheap on purpose: these keys guard nothing.
const LOG_N: u8 = 4;
const SECRET: [u8; 32] = [7; 32];

/// refuse.md O4: a key on disk is of no use without what is kept elsewhere.
#[test]
fn a_stored_secret_opens_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().unwrap();
    let right = Secret::new("right");
    let file = store(folder.path(), ("relay-1", "cosmos1abc"), &SECRET, &right, LOG_N).unwrap();
    assert_eq!(account(&file.path).unwrap(), "cosmos1abc");
    assert_eq!(list(folder.path()).unwrap(), std::slice::from_ref(&file));
    assert_eq!(*load("relay-1", &file.path, &right).unwrap(), SECRET);
    assert!(matches!(load("relay-1", &file.path, &Secret::new("wrong")), Err(KeyError::WrongPassphrase { .. })));
    assert!(matches!(store(folder.path(), ("relay-1", "x"), &SECRET, &right, LOG_N), Err(KeyError::Exists { .. })));
    assert!(matches!(store(folder.path(), ("../evil", "x"), &SECRET, &right, LOG_N), Err(KeyError::Name { .. })));
    let text = std::fs::read_to_string(&file.path).unwrap();
    assert!(!text.contains(&hex::encode(SECRET)));
    delete("relay-1", &file.path).unwrap();
    assert!(matches!(load("relay-1", &file.path, &right), Err(KeyError::Missing { .. })));
}

#[test]
fn hostile_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = store(folder.path(), ("k", "a"), &SECRET, &Secret::new("p"), LOG_N).unwrap();
    let text = std::fs::read_to_string(&file.path).unwrap();
    for (from, to) in
        [("\"n\":16", "\"n\":4294967296"), ("\"version\":3", "\"version\":4"), ("aes-128-ctr", "none"), ("\"r\":8", "\"r\":0")]
    {
        assert!(text.contains(from), "{from}");
        std::fs::write(&file.path, text.replace(from, to)).unwrap();
        assert!(matches!(load("k", &file.path, &Secret::new("p")), Err(KeyError::Malformed { .. })), "{from} -> {to}");
    }
}
