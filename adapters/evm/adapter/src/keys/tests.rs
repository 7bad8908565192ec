//! Keystores: there and back, wrong passphrases, hostile files.

use super::*;

/// Cheap parameters: the standard's take a second each.
const LOG_N: u8 = 4;

fn store(folder: &Path, name: &str, secret: [u8; 32]) -> Result<KeyInfo, KeyError> {
    let signer = PrivateKeySigner::from_slice(&secret).unwrap();
    keystore::store(folder, name, &signer, &Secret::new("right"), LOG_N)
}

#[test]
fn a_key_is_stored_encrypted_listed_opened_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let info = store(folder.path(), "relayer", [7; 32]).unwrap();
    let text = std::fs::read_to_string(&info.path).unwrap();
    assert!(!text.contains(&hex::encode([7; 32])), "the secret is in the file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&info.path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(list(folder.path()).unwrap(), vec![info.clone()]);
    assert_eq!(show("relayer", &info.path).unwrap(), info);
    let signer = open("relayer", &info.path, &Secret::new("right")).unwrap();
    assert_eq!(signer.to_bytes().0, [7; 32]);
    assert!(matches!(open("relayer", &info.path, &Secret::new("wrong")), Err(KeyError::WrongPassphrase { .. })));
    assert!(matches!(store(folder.path(), "relayer", [8; 32]), Err(KeyError::Exists { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left");
    delete("relayer", &info.path).unwrap();
    assert!(matches!(delete("relayer", &info.path), Err(KeyError::Missing { .. })));
    assert!(matches!(show("relayer", &info.path), Err(KeyError::Missing { .. })));
}

#[test]
fn the_standards_cost_is_used_and_another_implementation_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let info = add(folder.path(), "k", &Secret::new("pass phrase")).unwrap();
    assert!(std::fs::read_to_string(&info.path).unwrap().contains("262144"));
    let secret = eth_keystore::decrypt_key(&info.path, "pass phrase").unwrap();
    assert_eq!(PrivateKeySigner::from_slice(&secret).unwrap().address(), info.address);
}

#[test]
fn names_and_private_keys_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["", "..", ".hidden", "a/b", "a b", &"x".repeat(65)] {
        assert!(matches!(store(folder.path(), name, [7; 32]), Err(KeyError::Name { .. })), "{name}");
    }
    let pass = Secret::new("x");
    for key in ["", "0x12", &"00".repeat(32), &"ff".repeat(32), &"zz".repeat(32)] {
        let error = import(folder.path(), "k", &Secret::new(key), &pass).unwrap_err();
        assert!(matches!(error, KeyError::NotAKey), "{error}");
        assert!(key.is_empty() || !error.to_string().contains(key));
    }
}

#[test]
fn hostile_keystores_are_refused_without_panic_or_cost() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path(), "k", [7; 32]).unwrap().path;
    let good: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let change = |pointer: &str, value: serde_json::Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        std::fs::write(&path, bad.to_string()).unwrap();
        let error = open("k", &path, &Secret::new("right")).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "{pointer}: {error}");
    };
    change("/version", 1.into());
    change("/crypto/cipher", "rot13".into());
    change("/crypto/cipherparams/iv", "00".into());
    change("/crypto/ciphertext", "00".into());
    change("/crypto/mac", "".into());
    change("/crypto/kdfparams/dklen", 1.into());
    change("/crypto/kdfparams/n", (1_u64 << 40).into());
    change("/crypto/kdfparams/n", 3.into());
    change("/crypto/kdfparams/r", u64::MAX.into());
    change("/crypto/kdfparams/p", 0.into());
    for text in ["", "{}", "[]", "null", "<html>", &"x".repeat(20_000)] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(open("k", &path, &Secret::new("right")), Err(KeyError::Malformed { .. })), "{text:.20}");
    }
}

#[test]
fn unlocking_names_the_key_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let info = store(folder.path(), "relayer", [7; 32]).unwrap();
    let mut config = Config::new(1, "http://127.0.0.1:1");
    let ask = |_: &str| Ok(Secret::new("right"));
    assert!(matches!(Keys::unlock(&config, &["relayer".into()], ask), Err(KeyError::Missing { .. })));
    config.keys.insert("relayer".into(), crate::KeyConfig { keystore: info.path, passphrase: None });
    let keys = Keys::unlock(&config, &["relayer".into()], ask).unwrap();
    assert_eq!(keys.address("relayer"), Some(info.address));
    let shown = format!("{keys:?}");
    assert!(shown.contains("relayer") && !shown.contains(&hex::encode([7; 32])), "{shown}");
    assert!(matches!(Keys::unlock(&config, &["relayer".into()], |_| Err("no terminal".into())), Err(KeyError::Passphrase { .. })));
}
