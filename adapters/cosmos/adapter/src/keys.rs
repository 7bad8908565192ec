//! Signing keys: from a mnemonic, from hexadecimal or new; encrypted on disk, unlocked in memory.
//!
//! Not here: prompts. The caller passes secrets in; nothing in this module prints or logs one. Called by the `key` commands of the binary
//! and, for signing, by the adapter.

mod signer;
#[cfg(test)]
mod tests;

pub(crate) use signer::address_bytes;
pub use signer::{COSMOS_PATH, ETHERMINT_PATH, Signer, is_address};

use crate::config::{Config, KeyType};
use causeway_keystore::{KeyError as FileError, KeyFile, Secret};
use std::collections::BTreeMap;
use std::path::Path;

/// Words of a new mnemonic.
const NEW_WORDS: usize = 24;

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The private key is not one.
    #[error("not a private key: expected 64 hexadecimal digits of a number below the order of secp256k1")]
    NotAKey,
    /// The mnemonic is not one.
    #[error("not a mnemonic: {detail}; expected 12 to 24 English words of BIP-39 whose checksum fits")]
    NotAMnemonic {
        /// What is wrong, without the words.
        detail: String,
    },
    /// The derivation path is not one.
    #[error("derivation path `{path}`: expected a form such as {COSMOS_PATH}")]
    Path {
        /// The path.
        path: String,
    },
    /// The passphrase could not be read.
    #[error("passphrase of key `{name}`: {detail}")]
    Passphrase {
        /// The key.
        name: String,
        /// What is wrong, without the secret.
        detail: String,
    },
    /// The key in the file belongs to another account than the file says.
    #[error("key `{name}` is of account {found}, its file says {expected}; check address_prefix and key_type, or import it again")]
    Account {
        /// The key.
        name: String,
        /// The file's account.
        expected: String,
        /// The key's account.
        found: String,
    },
    /// An address could not be made.
    #[error("address prefix `{prefix}` makes no address")]
    Prefix {
        /// The prefix.
        prefix: String,
    },
}

/// What accounts of a chain look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountForm {
    /// First part of addresses.
    pub prefix: String,
    /// How they are made.
    pub key_type: KeyType,
}

impl From<&Config> for AccountForm {
    fn from(config: &Config) -> Self {
        Self { prefix: config.address_prefix.clone(), key_type: config.key_type }
    }
}

impl AccountForm {
    /// The derivation path that wallets of such chains use.
    pub fn default_path(&self) -> &'static str {
        match self.key_type {
            KeyType::Cosmos => COSMOS_PATH,
            KeyType::Ethermint => ETHERMINT_PATH,
        }
    }
}

/// Makes a new key and stores it encrypted as `<folder>/<name>.json`; answers the words that restore it, to be shown once.
/// Takes about a second and 256 MiB: the key derivation is slow on purpose.
///
/// # Errors
/// [`KeyError::File`].
pub fn add(folder: &Path, name: &str, form: &AccountForm, passphrase: &Secret) -> Result<(KeyFile, Secret), KeyError> {
    let words = signer::new_mnemonic(NEW_WORDS)?;
    let file = import_mnemonic(folder, (name, form), (&words, form.default_path()), passphrase)?;
    Ok((file, words))
}

/// Stores an existing private key (hexadecimal, with or without `0x`) encrypted.
///
/// # Errors
/// [`KeyError::NotAKey`] and those of [`add`].
pub fn import(folder: &Path, (name, form): (&str, &AccountForm), private_key: &Secret, passphrase: &Secret) -> Result<KeyFile, KeyError> {
    let signer = Signer::from_hex(private_key, form)?;
    Ok(causeway_keystore::store(folder, (name, signer.address()), &signer.secret(), passphrase, causeway_keystore::SCRYPT_LOG_N)?)
}

/// Stores the key at `path` of a BIP-39 mnemonic (without BIP-39 passphrase) encrypted.
///
/// # Errors
/// [`KeyError::NotAMnemonic`], [`KeyError::Path`] and those of [`add`].
pub fn import_mnemonic(
    folder: &Path,
    (name, form): (&str, &AccountForm),
    (words, path): (&Secret, &str),
    passphrase: &Secret,
) -> Result<KeyFile, KeyError> {
    let signer = Signer::from_mnemonic(words, path, form)?;
    Ok(causeway_keystore::store(folder, (name, signer.address()), &signer.secret(), passphrase, causeway_keystore::SCRYPT_LOG_N)?)
}

/// Opens a keystore. Its account must be the key's own.
///
/// # Errors
/// [`KeyError::File`], [`KeyError::NotAKey`], [`KeyError::Account`].
pub fn open(name: &str, path: &Path, form: &AccountForm, passphrase: &Secret) -> Result<Signer, KeyError> {
    let secret = causeway_keystore::load(name, path, passphrase)?;
    let signer = Signer::from_bytes(&secret, form)?;
    let expected = causeway_keystore::account(path)?;
    if expected != signer.address() {
        return Err(KeyError::Account { name: name.to_string(), expected, found: signer.address().to_string() });
    }
    Ok(signer)
}

/// Unlocked keys by name.
#[derive(Clone, Default)]
pub struct Keys {
    signers: BTreeMap<String, Signer>,
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
            let missing = || FileError::Missing { name: name.clone() };
            let key = config.keys.get(name).ok_or_else(missing)?;
            if !key.keystore.exists() {
                return Err(missing().into());
            }
            let passphrase = key
                .passphrase
                .as_ref()
                .map_or_else(|| ask(name), |source| source.read())
                .map_err(|detail| KeyError::Passphrase { name: name.clone(), detail })?;
            keys.signers.insert(name.clone(), open(name, &key.keystore, &config.into(), &passphrase)?);
        }
        Ok(keys)
    }

    /// Adds an unlocked key.
    #[must_use]
    pub fn with(mut self, name: &str, signer: Signer) -> Self {
        self.signers.insert(name.to_string(), signer);
        self
    }

    /// The account of a key.
    pub fn address(&self, name: &str) -> Option<&str> {
        self.signers.get(name).map(Signer::address)
    }

    /// Names of the unlocked keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signers.keys().map(String::as_str)
    }

    /// An unlocked key.
    pub fn signer(&self, name: &str) -> Option<&Signer> {
        self.signers.get(name)
    }
}
