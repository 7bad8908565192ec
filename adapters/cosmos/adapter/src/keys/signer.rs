//! One unlocked key: derivation (BIP-39, BIP-32), address, public key as the chain writes it, signatures.
//!
//! Called by [`super`] and by the transactions.

use super::{AccountForm, KeyError};
use crate::config::KeyType;
use bech32::{Bech32, Hrp};
use causeway_cosmos_proto::cosmos::crypto::secp256k1::PubKey;
use causeway_cosmos_proto::{Any, any};
use causeway_keystore::{Secret, Zeroizing};
use k256::ecdsa::signature::hazmat::PrehashSigner;
use k256::ecdsa::{Signature, SigningKey};
use k256::elliptic_curve::sec1::ToEncodedPoint;
use prost::Message;
use rand::RngCore;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use sha3::Keccak256;

/// Where wallets of Cosmos chains derive their first key (SLIP-44 coin type 118).
pub const COSMOS_PATH: &str = "m/44'/118'/0'/0/0";
/// Where wallets of ethermint chains derive their first key (coin type 60, Ethereum's).
pub const ETHERMINT_PATH: &str = "m/44'/60'/0'/0/0";

/// Type of ethermint's public keys; the message has the same form as the SDK's.
const ETHERMINT_PUBKEY: &str = "/ethermint.crypto.v1.ethsecp256k1.PubKey";

/// An unlocked key and its account.
#[derive(Clone)]
pub struct Signer {
    pub(super) key: SigningKey,
    key_type: KeyType,
    address: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Signer {
    /// From a secret number, big endian.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`], [`KeyError::Prefix`].
    pub fn from_bytes(secret: &[u8; 32], form: &AccountForm) -> Result<Self, KeyError> {
        let key = SigningKey::from_bytes(secret.into()).map_err(|_| KeyError::NotAKey)?;
        let address = encode_address(&form.prefix, &account_bytes(&key, form.key_type))?;
        Ok(Self { key, key_type: form.key_type, address })
    }

    /// From hexadecimal, with or without `0x`.
    ///
    /// # Errors
    /// As [`Signer::from_bytes`].
    pub fn from_hex(text: &Secret, form: &AccountForm) -> Result<Self, KeyError> {
        let text = text.expose().trim();
        let mut bytes = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), bytes.as_mut_slice()).map_err(|_| KeyError::NotAKey)?;
        Self::from_bytes(&bytes, form)
    }

    /// The key at `path` of a BIP-39 mnemonic in English.
    ///
    /// # Errors
    /// [`KeyError::NotAMnemonic`], [`KeyError::Path`] and those of [`Signer::from_bytes`].
    pub fn from_mnemonic(words: &Secret, path: &str, form: &AccountForm) -> Result<Self, KeyError> {
        let mnemonic = bip39::Mnemonic::parse_in(bip39::Language::English, words.expose())
            .map_err(|error| KeyError::NotAMnemonic { detail: describe(&error) })?;
        let bad_path = || KeyError::Path { path: path.chars().take(80).collect() };
        let parsed: bip32::DerivationPath = path.parse().map_err(|_| bad_path())?;
        let seed = Zeroizing::new(mnemonic.to_seed(""));
        let key = bip32::XPrv::derive_from_path(seed.as_slice(), &parsed).map_err(|_| bad_path())?;
        Self::from_bytes(&Zeroizing::new(key.to_bytes()), form)
    }

    /// The account, as the chain writes it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The secret number.
    pub(super) fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes().into())
    }

    /// The public key, in the message that the chain knows it by.
    pub(crate) fn public_key(&self) -> Any {
        let message = PubKey { key: self.key.verifying_key().to_encoded_point(true).as_bytes().to_vec() };
        match self.key_type {
            KeyType::Cosmos => any(&message),
            KeyType::Ethermint => Any { type_url: ETHERMINT_PUBKEY.to_string(), value: message.encode_to_vec() },
        }
    }

    /// Signs bytes: r and s, 64 bytes, deterministic (RFC 6979), s in the lower half.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        let digest: [u8; 32] = match self.key_type {
            KeyType::Cosmos => Sha256::digest(bytes).into(),
            KeyType::Ethermint => Keccak256::digest(bytes).into(),
        };
        let signature: Signature = self.key.sign_prehash(&digest).map_err(|_| KeyError::NotAKey)?;
        Ok(signature.normalize_s().unwrap_or(signature).to_bytes().to_vec())
    }
}

/// What is wrong with a mnemonic, without its words.
fn describe(error: &bip39::Error) -> String {
    match error {
        bip39::Error::BadWordCount(count) => format!("{count} words"),
        bip39::Error::UnknownWord(index) => format!("word {} is not in the list", index + 1),
        bip39::Error::InvalidChecksum => "its checksum does not fit".to_string(),
        _ => "it does not parse".to_string(),
    }
}

/// The bytes of an account: RIPEMD-160 of SHA-256 of the compressed key, or the end of Keccak of the whole one.
fn account_bytes(key: &SigningKey, key_type: KeyType) -> [u8; 20] {
    let public = key.verifying_key();
    match key_type {
        KeyType::Cosmos => Ripemd160::digest(Sha256::digest(public.to_encoded_point(true).as_bytes())).into(),
        KeyType::Ethermint => {
            let hash: [u8; 32] =
                Keccak256::digest(public.as_affine().to_encoded_point(false).as_bytes().get(1..).unwrap_or_default()).into();
            let mut account = [0; 20];
            account.copy_from_slice(&hash[12..]);
            account
        }
    }
}

fn encode_address(prefix: &str, account: &[u8]) -> Result<String, KeyError> {
    let bad = || KeyError::Prefix { prefix: prefix.chars().take(40).collect() };
    let hrp = Hrp::parse(prefix).map_err(|_| bad())?;
    bech32::encode::<Bech32>(hrp, account).map_err(|_| bad())
}

/// Whether a text is an address with the given prefix.
#[must_use]
pub fn is_address(prefix: &str, text: &str) -> bool {
    address_bytes(prefix, text).is_ok()
}

/// The bytes of an address with the given prefix.
pub(crate) fn address_bytes(prefix: &str, address: &str) -> Result<Vec<u8>, KeyError> {
    let bad = || KeyError::Prefix { prefix: prefix.chars().take(40).collect() };
    let parsed = bech32::primitives::decode::CheckedHrpstring::new::<Bech32>(address).map_err(|_| bad())?;
    let account: Vec<u8> = parsed.byte_iter().collect();
    if parsed.hrp().as_str() == prefix && (20..=32).contains(&account.len()) { Ok(account) } else { Err(bad()) }
}

/// Fresh words.
pub(super) fn new_mnemonic(words: usize) -> Result<Secret, KeyError> {
    let mut entropy = Zeroizing::new(vec![0_u8; words / 3 * 4]);
    rand::rng().fill_bytes(&mut entropy);
    let mnemonic = bip39::Mnemonic::from_entropy_in(bip39::Language::English, &entropy)
        .map_err(|error| KeyError::NotAMnemonic { detail: describe(&error) })?;
    Ok(Secret::new(mnemonic.to_string()))
}
