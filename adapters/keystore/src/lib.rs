//! Secrets by reference, and encrypted key files, for every family that signs with secp256k1.
//!
//! What it is not: it signs nothing and knows no chain; what a key's account looks like is the family's affair, and stands in the file as the
//! text that the family gave. Who uses it: the adapters of families.
//!
//! - [`Secret`], [`SecretRef`]: a secret, and where it is read;
//! - [`store`], [`load`], [`account`], [`list`], [`delete`]: version 3 keystores.

mod file;
mod secret;
#[cfg(test)]
mod tests;

pub use file::{SCRYPT_LOG_N, account, delete, is_key_name, list, load, store};
pub use secret::{Secret, SecretRef};
/// Bytes that are wiped when dropped.
pub use zeroize::Zeroizing;

use std::path::PathBuf;

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
    #[error("{} is not a version 3 keystore: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// A key file: its name, the account it is for, its place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyFile {
    /// Its name.
    pub name: String,
    /// The account, as the family wrote it into the file.
    pub account: String,
    /// The file.
    pub path: PathBuf,
}
