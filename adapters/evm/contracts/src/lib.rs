//! Causeway's Solidity contracts: their ABI as Rust types, and their creation bytecode.
//!
//! Not the adapter that calls them, and nothing here talks to a node. Called by the EVM adapter, the embedded chain, the deployment
//! command and the tests.
//!
//! - [`abi`]: calls, structures, events and errors of every contract.
//! - [`artifact`]: what `build.mjs` compiled, and the bytes that create a contract.
//! - [`refusal`]: names of custom errors, so that a person reads a rule and not four bytes.
//!
//! ```
//! use causeway_evm_contracts::{Contract, abi};
//! use alloy::sol_types::SolValue;
//!
//! let owner = alloy::primitives::Address::ZERO;
//! let creation = Contract::Router.creation_code(&owner.abi_encode());
//! assert!(creation.len() > 10_000);
//! # let _ = abi::Kind::Recv;
//! ```

pub mod abi;
pub mod artifact;
pub mod refusal;

pub use artifact::Contract;
