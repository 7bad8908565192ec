//! Signing keys: encrypted Web3 keystores (version 3) on disk, unlocked signers in memory.
//!
//! Not here: prompts. The caller passes passphrases in; nothing in this module prints or logs a secret. Called by the `key`
//! commands of the binary and, for signing, by the adapter.

use crate::config::Config;
use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use causeway_keystore::Secret;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

mod keystore;
#[cfg(test)]
mod tests;

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The passphrase does not open the keystore.
    #[error("wrong passphrase for key `{name}`; nothing was changed")]
    WrongPassphrase {
        /// The key.
        name: String,
    },
    /// No such key.
    #[error("key `{name}` does not exist; add it with `causeway key add {name} --chain CHAIN`")]
    Missing {
        /// The key.
        name: String,
    },
    /// There is one of that name.
    #[error("key `{name}` exists already; delete it first or choose another name")]
    Exists {
        /// The key.
        name: String,
    },
    /// The name is not allowed.
    #[error("key name `{name}`: allowed are 1 to 64 letters, digits, `.`, `_` and `-`")]
    Name {
        /// The rejected name.
        name: String,
    },
    /// The file is not a keystore, or has parameters outside the bounds.
    #[error("{path} is not a version 3 keystore: {detail}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The private key is not one.
    #[error("not a private key: expected 64 hexadecimal digits of a number below the order of secp256k1")]
    NotAKey,
    /// The passphrase could not be read.
    #[error("passphrase of key `{name}`: {detail}")]
    Passphrase {
        /// The key.
        name: String,
        /// Why.
        detail: String,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// A key as `key list` shows it. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyInfo {
    /// Its name.
    pub name: String,
    /// Its account.
    pub address: Address,
    /// Its keystore.
    pub path: PathBuf,
}

/// Whether a name may name a key: it becomes a file name.
pub(crate) fn is_key_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Makes a new key and stores it encrypted as `<folder>/<name>.json`, readable by its owner alone.
/// Takes about a second and 256 MiB: the key derivation is slow on purpose.
///
/// # Errors
/// [`KeyError::Name`], [`KeyError::Exists`], [`KeyError::Io`].
pub fn add(folder: &Path, name: &str, passphrase: &Secret) -> Result<KeyInfo, KeyError> {
    let signer = PrivateKeySigner::random();
    keystore::store(folder, name, &signer, passphrase, keystore::SCRYPT_LOG_N)
}

/// Stores an existing private key (hexadecimal, with or without `0x`) encrypted.
///
/// # Errors
/// [`KeyError::NotAKey`] and those of [`add`].
pub fn import(folder: &Path, name: &str, private_key: &Secret, passphrase: &Secret) -> Result<KeyInfo, KeyError> {
    let text = private_key.expose().trim();
    let mut bytes = Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), bytes.as_mut_slice()).map_err(|_| KeyError::NotAKey)?;
    let signer = PrivateKeySigner::from_slice(bytes.as_slice()).map_err(|_| KeyError::NotAKey)?;
    keystore::store(folder, name, &signer, passphrase, keystore::SCRYPT_LOG_N)
}

/// Stores the key of another keystore file under a new name, encrypted with the same passphrase.
///
/// # Errors
/// Those of [`open`] and [`add`].
pub fn import_keystore(folder: &Path, name: &str, file: &Path, passphrase: &Secret) -> Result<KeyInfo, KeyError> {
    let signer = keystore::load(name, file, passphrase)?;
    keystore::store(folder, name, &signer, passphrase, keystore::SCRYPT_LOG_N)
}

/// The keys of a folder, by name. Files that are no keystores are left out.
///
/// # Errors
/// [`KeyError::Io`] when the folder cannot be read; a folder that is not there has no keys.
pub fn list(folder: &Path) -> Result<Vec<KeyInfo>, KeyError> {
    let io = |source| KeyError::Io { path: folder.to_path_buf(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(io)?,
    };
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry.map_err(io)?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).map(ToString::to_string);
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|extension| extension == "json"))
            && let Ok(address) = keystore::address(&path)
        {
            keys.push(KeyInfo { name, address, path });
        }
    }
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(keys)
}

/// One key, by its keystore. Needs no passphrase: the address stands in the file in clear.
///
/// # Errors
/// [`KeyError::Missing`], [`KeyError::Malformed`], [`KeyError::Io`].
pub fn show(name: &str, path: &Path) -> Result<KeyInfo, KeyError> {
    if !path.exists() {
        return Err(KeyError::Missing { name: name.to_string() });
    }
    Ok(KeyInfo { name: name.to_string(), address: keystore::address(path)?, path: path.to_path_buf() })
}

/// Deletes a keystore. What it guarded cannot be recovered from here.
///
/// # Errors
/// [`KeyError::Missing`], [`KeyError::Io`].
pub fn delete(name: &str, path: &Path) -> Result<(), KeyError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(KeyError::Missing { name: name.to_string() }),
        other => other.map_err(|source| KeyError::Io { path: path.to_path_buf(), source }),
    }
}

/// Opens a keystore; the answer's address is that of the key inside.
///
/// # Errors
/// [`KeyError::WrongPassphrase`], [`KeyError::Missing`], [`KeyError::Malformed`], [`KeyError::Io`].
pub fn open(name: &str, path: &Path, passphrase: &Secret) -> Result<PrivateKeySigner, KeyError> {
    keystore::load(name, path, passphrase)
}

/// Unlocked keys by name.
#[derive(Clone, Default)]
pub struct Keys {
    signers: BTreeMap<String, PrivateKeySigner>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.signers.iter().map(|(name, signer)| (name, signer.address()))).finish()
    }
}

impl Keys {
    /// No keys: the adapter watches and proves, and signs nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Unlocks the named keys of a configuration. `ask` is called for keys whose passphrase has no source.
    /// Blocks for about a second a key.
    ///
    /// # Errors
    /// [`KeyError`] of the first key that cannot be unlocked.
    pub fn unlock(config: &Config, names: &[String], mut ask: impl FnMut(&str) -> Result<Secret, String>) -> Result<Self, KeyError> {
        let mut keys = Self::default();
        for name in names {
            let key = config.keys.get(name).ok_or_else(|| KeyError::Missing { name: name.clone() })?;
            if !key.keystore.exists() {
                return Err(KeyError::Missing { name: name.clone() });
            }
            let passphrase = key
                .passphrase
                .as_ref()
                .map_or_else(|| ask(name), |source| source.read())
                .map_err(|detail| KeyError::Passphrase { name: name.clone(), detail })?;
            keys.signers.insert(name.clone(), open(name, &key.keystore, &passphrase)?);
        }
        Ok(keys)
    }

    /// Adds a key from its secret number; for the demo and tests, whose keys are worth nothing.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`].
    pub fn with_secret(mut self, name: &str, secret: &[u8; 32]) -> Result<Self, KeyError> {
        let signer = PrivateKeySigner::from_bytes(&B256::from(*secret)).map_err(|_| KeyError::NotAKey)?;
        self.signers.insert(name.to_string(), signer);
        Ok(self)
    }

    /// The account of a key.
    pub fn address(&self, name: &str) -> Option<Address> {
        self.signers.get(name).map(PrivateKeySigner::address)
    }

    /// Names of the unlocked keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signers.keys().map(String::as_str)
    }

    /// An unlocked key, for signing something else than what the adapter builds.
    pub fn signer(&self, name: &str) -> Option<&PrivateKeySigner> {
        self.signers.get(name)
    }
}
