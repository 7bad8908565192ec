//! Keys against known answers: an SDK keyring's, Ethereum's, and files that say something else than their key.

use super::{AccountForm, COSMOS_PATH, ETHERMINT_PATH, KeyError, Signer, add, open};
use crate::config::KeyType;
use causeway_keystore::Secret;

const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

fn form(prefix: &str, key_type: KeyType) -> AccountForm {
    AccountForm { prefix: prefix.to_string(), key_type }
}

#[test]
fn mnemonics_give_the_accounts_that_wallets_give() {
    // The first was printed by `simd keys add`; the others are the well-known accounts of the all-zero entropy.
    let check = |words: &str, path: &str, form: &AccountForm, address: &str| {
        assert_eq!(Signer::from_mnemonic(&Secret::new(words), path, form).unwrap().address(), address);
    };
    let squirrel = "squirrel pepper twice version crane dog area advice include easily approve logic hand crack access boring settle cool \
                    unusual guilt legal skirt inmate parent";
    check(squirrel, COSMOS_PATH, &form("cosmos", KeyType::Cosmos), "cosmos1m68dsggyh4qxygzh0r4c4cfdz36zmshp3kve3q");
    check(ABANDON, COSMOS_PATH, &form("cosmos", KeyType::Cosmos), "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    let ethermint = Signer::from_mnemonic(&Secret::new(ABANDON), ETHERMINT_PATH, &form("evmos", KeyType::Ethermint)).unwrap();
    // 0x9858EfFD232B4033E47d90003D41EC34EcaEda94, in bech32.
    assert_eq!(hex::encode(super::address_bytes("evmos", ethermint.address()).unwrap()), "9858effd232b4033e47d90003d41ec34ecaeda94");
    assert_eq!(ethermint.public_key().type_url, "/ethermint.crypto.v1.ethsecp256k1.PubKey");
}

#[test]
fn what_is_no_mnemonic_is_refused_without_its_words() {
    for (words, part) in
        [("abandon", "1 words"), (&ABANDON.replace("about", "zebra"), "checksum"), (&ABANDON.replace("about", "xyzzy"), "12")]
    {
        let error = Signer::from_mnemonic(&Secret::new(words), COSMOS_PATH, &form("cosmos", KeyType::Cosmos)).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("abandon"), "{error}");
    }
    let path = Signer::from_mnemonic(&Secret::new(ABANDON), "m/44'/x", &form("cosmos", KeyType::Cosmos));
    assert!(matches!(path, Err(KeyError::Path { .. })));
}

#[test]
fn signatures_are_deterministic_and_verify() {
    use k256::ecdsa::signature::hazmat::PrehashVerifier;
    use sha2::{Digest, Sha256};
    let signer = Signer::from_mnemonic(&Secret::new(ABANDON), COSMOS_PATH, &form("cosmos", KeyType::Cosmos)).unwrap();
    let signature = signer.sign(b"causeway").unwrap();
    assert_eq!(signature, signer.sign(b"causeway").unwrap());
    let parsed = k256::ecdsa::Signature::from_slice(&signature).unwrap();
    assert!(parsed.normalize_s().is_none(), "s is in the upper half");
    signer.key.verifying_key().verify_prehash(&Sha256::digest(b"causeway"), &parsed).unwrap();
}

#[test]
fn a_key_that_is_not_the_files_account_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = Secret::new("p");
    let (file, words) = add(folder.path(), "one", &form("cosmos", KeyType::Cosmos), &passphrase).unwrap();
    assert_eq!(words.expose().split(' ').count(), 24);
    assert_eq!(open("one", &file.path, &form("cosmos", KeyType::Cosmos), &passphrase).unwrap().address(), file.account);
    let other = open("one", &file.path, &form("osmo", KeyType::Cosmos), &passphrase);
    assert!(matches!(other, Err(KeyError::Account { .. })));
}
