//! Web3 secret storage, version 3: scrypt, AES-128-CTR, Keccak MAC.
//!
//! Writing uses the standard parameters (n = 2^18, r = 8, p = 1). Reading goes through `eth-keystore` after the parameters are
//! checked, so that a hostile file neither panics nor takes memory without bound. Called by [`super`].

use super::{KeyError, KeyInfo, is_key_name};
use aes::Aes128;
use alloy::primitives::{Address, keccak256};
use alloy::signers::local::PrivateKeySigner;
use causeway_keystore::Secret;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use rand::RngCore;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use zeroize::Zeroizing;

/// Base-two logarithm of the standard's scrypt cost.
pub(super) const SCRYPT_LOG_N: u8 = 18;
/// Block size of the standard.
const SCRYPT_R: u32 = 8;
/// Most memory that opening a keystore may take: scrypt needs 128 * n * r bytes.
const SCRYPT_BYTES_MAX: u64 = 1 << 30;
/// Most PBKDF2 rounds that opening a keystore may take.
const PBKDF2_ROUNDS_MAX: u64 = 10_000_000;
/// Most bytes of a keystore file.
const FILE_BYTES_MAX: u64 = 16_384;

/// Encrypts a key and writes it whole or not at all.
pub(super) fn store(folder: &Path, name: &str, signer: &PrivateKeySigner, passphrase: &Secret, log_n: u8) -> Result<KeyInfo, KeyError> {
    if !is_key_name(name) {
        return Err(KeyError::Name { name: name.to_string() });
    }
    let path = folder.join(format!("{name}.json"));
    if path.exists() {
        return Err(KeyError::Exists { name: name.to_string() });
    }
    let text = encrypt(signer, passphrase, log_n).map_err(|detail| KeyError::Malformed { path: path.clone(), detail })?;
    write_private(folder, &path, &text).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => KeyError::Exists { name: name.to_string() },
        _ => KeyError::Io { path: path.clone(), source },
    })?;
    Ok(KeyInfo { name: name.to_string(), address: signer.address(), path })
}

fn encrypt(signer: &PrivateKeySigner, passphrase: &Secret, log_n: u8) -> Result<String, String> {
    let mut rng = rand::rng();
    let (mut salt, mut iv, mut id) = ([0_u8; 32], [0_u8; 16], [0_u8; 16]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    rng.fill_bytes(&mut id);
    let mut key = Zeroizing::new([0_u8; 32]);
    let params = scrypt::Params::new(log_n, SCRYPT_R, 1).map_err(|error| error.to_string())?;
    scrypt::scrypt(passphrase.expose().as_bytes(), &salt, &params, key.as_mut_slice()).map_err(|error| error.to_string())?;
    let (cipher_key, mac_key) = key.split_at(16);
    let mut ciphertext = signer.to_bytes().0;
    let mut cipher = Ctr128BE::<Aes128>::new_from_slices(cipher_key, &iv).map_err(|error| error.to_string())?;
    cipher.apply_keystream(&mut ciphertext);
    let mac = keccak256([mac_key, &ciphertext].concat());
    Ok(json!({
        "version": 3,
        "id": uuid(id),
        "address": hex::encode(signer.address()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex::encode(iv) },
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": { "dklen": 32, "n": 1_u64 << log_n, "p": 1, "r": SCRYPT_R, "salt": hex::encode(salt) },
            "mac": hex::encode(mac),
        },
    })
    .to_string())
}

/// A random UUID (version 4) from 16 random bytes.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_string();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Writes beside the target with mode 0600 and links it into place, which fails when somebody else was faster.
fn write_private(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut suffix = [0_u8; 8];
    rand::rng().fill_bytes(&mut suffix);
    let temporary = folder.join(format!(".{}.tmp", hex::encode(suffix)));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::hard_link(&temporary, path)
    });
    let removed = std::fs::remove_file(&temporary);
    written?;
    removed
}

/// The parts of a keystore that must be bounded before it is opened.
#[derive(Deserialize)]
struct Outline {
    version: u64,
    #[serde(default)]
    address: Option<String>,
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    ciphertext: String,
    cipherparams: CipherParams,
    mac: String,
    kdfparams: Value,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

fn outline(path: &Path) -> Result<Outline, KeyError> {
    let io = |source| KeyError::Io { path: path.to_path_buf(), source };
    let malformed = |detail: String| KeyError::Malformed { path: path.to_path_buf(), detail };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > FILE_BYTES_MAX {
        return Err(malformed(format!("{size} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    let outline: Outline = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    check(&outline).map_err(malformed)?;
    Ok(outline)
}

fn check(outline: &Outline) -> Result<(), String> {
    if outline.version != 3 {
        return Err(format!("version {}, expected 3", outline.version));
    }
    let crypto = &outline.crypto;
    if crypto.cipher != "aes-128-ctr" {
        return Err("the cipher is not aes-128-ctr".to_string());
    }
    for (name, text, bytes) in [("iv", &crypto.cipherparams.iv, 16), ("ciphertext", &crypto.ciphertext, 32), ("mac", &crypto.mac, 32)] {
        if !hex::decode(text).is_ok_and(|decoded| decoded.len() == bytes) {
            return Err(format!("{name} is not {bytes} bytes in hexadecimal"));
        }
    }
    let number = |key: &str| crypto.kdfparams.get(key).and_then(Value::as_u64);
    if number("dklen") != Some(32) {
        return Err("dklen is not 32".to_string());
    }
    match (number("n"), number("r"), number("p"), number("c")) {
        (Some(n), Some(r), Some(p), None) => {
            let bytes = n.checked_mul(r).and_then(|cost| cost.checked_mul(128)).unwrap_or(u64::MAX);
            let allowed = n.is_power_of_two() && n > 1 && r > 0 && (1..=16).contains(&p) && bytes <= SCRYPT_BYTES_MAX;
            if allowed { Ok(()) } else { Err("the scrypt parameters are outside the bounds".to_string()) }
        }
        (None, None, None, Some(rounds)) if (1..=PBKDF2_ROUNDS_MAX).contains(&rounds) => Ok(()),
        _ => Err("unknown key derivation parameters".to_string()),
    }
}

/// The address that stands in the file in clear.
pub(super) fn address(path: &Path) -> Result<Address, KeyError> {
    let text = outline(path)?.address.unwrap_or_default();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let bytes = hex::decode(digits).ok().filter(|bytes| bytes.len() == 20);
    bytes
        .map(|bytes| Address::from_slice(&bytes))
        .ok_or_else(|| KeyError::Malformed { path: path.to_path_buf(), detail: "it has no address".to_string() })
}

/// Opens a keystore.
pub(super) fn load(name: &str, path: &Path, passphrase: &Secret) -> Result<PrivateKeySigner, KeyError> {
    if !path.exists() {
        return Err(KeyError::Missing { name: name.to_string() });
    }
    outline(path)?;
    let malformed = |detail: String| KeyError::Malformed { path: path.to_path_buf(), detail };
    let secret = eth_keystore::decrypt_key(path, passphrase.expose()).map_err(|error| match error {
        eth_keystore::KeystoreError::MacMismatch => KeyError::WrongPassphrase { name: name.to_string() },
        other => malformed(other.to_string()),
    })?;
    let secret = Zeroizing::new(secret);
    PrivateKeySigner::from_slice(&secret).map_err(|_| malformed("it holds no private key".to_string()))
}
