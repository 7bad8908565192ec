//! What can go wrong when a chain is started or driven. JSON-RPC errors are not here:
//! they belong to `rpc`. Called by whoever starts a chain.

use thiserror::Error;

/// A chain could not be started, or could not do what its control handle asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DevnetError {
    /// The configuration cannot describe a chain.
    #[error("{key} is {found}, allowed is {allowed}")]
    Config {
        /// The field of `DevnetConfig`.
        key: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// The RPC port could not be opened.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for any")]
    Listen {
        /// The configured port.
        port: u16,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// Too few validators are up to seal a block.
    #[error("{up} of {total} validators are up, a block needs {needed} seals; start more of them")]
    NoQuorum {
        /// Validators of the set that are up.
        up: usize,
        /// Size of the set.
        total: usize,
        /// Seals that a block needs.
        needed: usize,
    },
    /// No such block.
    #[error("block {number} does not exist, the head is {head}")]
    UnknownBlock {
        /// The number asked for.
        number: u64,
        /// The chain's head.
        head: u64,
    },
    /// A validator set that no chain could have.
    #[error("a set of {found} distinct validators, allowed are 1 to 128")]
    ValidatorSet {
        /// Distinct validators given.
        found: usize,
    },
    /// Block production ended abnormally.
    #[error("block production failed: {0}")]
    Internal(String),
}
